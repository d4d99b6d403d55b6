"""Steps of a chase that are behind, by number: runs 0005_steps_behind.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql_beside(__file__)
