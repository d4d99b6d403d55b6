"""How often routes are used and overridden: runs 0019_route_use.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql_beside(__file__)
