"""Plans of people: runs 0006_planned.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql_beside(__file__)
