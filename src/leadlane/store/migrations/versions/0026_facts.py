"""What reports read of each lead, ready to be read: runs 0026_facts.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_sql_beside(__file__)
