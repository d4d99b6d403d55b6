"""Open pages hear of what changes: runs 0024_live.sql."""

from pathlib import Path

from leadlane.store.migrate import run_sql_beside

revision = "0024"
# The one before it, whichever of those in between there are.
down_revision = max(
    number for file in Path(__file__).parent.glob("*.sql") if (number := file.name[:4]) < revision
)


def upgrade() -> None:
    run_sql_beside(__file__)
