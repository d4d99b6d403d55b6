"""Webhooks that senders call: runs 0014_hooks.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql_beside(__file__)
