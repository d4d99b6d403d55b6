"""Where a policy is made: runs 0022_workshop.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_sql_beside(__file__)
