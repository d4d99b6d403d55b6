"""The chase: runs 0002_chase.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql_beside(__file__)
