"""Open pages hear of what changes: runs 0024_live.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_sql_beside(__file__)
