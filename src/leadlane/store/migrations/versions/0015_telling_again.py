"""Telling again, digests, answers to reviews, and ends of what is old: runs 0015_telling_again.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql_beside(__file__)
