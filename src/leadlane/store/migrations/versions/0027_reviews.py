"""The quarterly review remembers what was said of it: runs 0027_reviews.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_sql_beside(__file__)
