"""What happens now: runs 0020_now.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql_beside(__file__)
