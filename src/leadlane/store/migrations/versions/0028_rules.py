"""What the report on rules reads of a period, and what counts as an override: runs 0028_rules.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_sql_beside(__file__)
