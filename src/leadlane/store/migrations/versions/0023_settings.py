"""What the settings pages show: runs 0023_settings.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_sql_beside(__file__)
