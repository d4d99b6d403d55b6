"""Promises are found by when they ended: runs 0025_service_levels.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_sql_beside(__file__)
