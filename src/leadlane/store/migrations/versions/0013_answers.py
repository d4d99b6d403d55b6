"""Links by which people answer from a message: runs 0013_answers.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql_beside(__file__)
