"""What is sent of the outbox, and how that ended: runs 0012_delivery.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0012"
down_revision = "0010"


def upgrade() -> None:
    run_sql_beside(__file__)
