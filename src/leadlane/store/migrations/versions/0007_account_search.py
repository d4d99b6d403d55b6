"""Finding accounts by name: runs 0007_account_search.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql_beside(__file__)
