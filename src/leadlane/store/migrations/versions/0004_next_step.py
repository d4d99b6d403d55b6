"""Next steps that people plan: runs 0004_next_step.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql_beside(__file__)
