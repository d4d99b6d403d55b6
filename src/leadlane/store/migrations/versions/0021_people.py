"""When leads come, and calendars of people: runs 0021_people.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_sql_beside(__file__)
