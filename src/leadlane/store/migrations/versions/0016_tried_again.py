"""Deliveries of webhooks are tried again, and rounds know their policy: runs 0016_tried_again.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_sql_beside(__file__)
