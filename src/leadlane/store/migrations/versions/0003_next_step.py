"""Next steps that people plan: runs 0003_next_step.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql_beside(__file__)
