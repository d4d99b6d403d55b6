"""A rep's day: runs 0018_daily_work.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_sql_beside(__file__)
