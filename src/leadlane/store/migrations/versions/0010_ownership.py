"""Indexes by which whoever asks whose a prospect is finds it: runs 0010_ownership.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql_beside(__file__)
