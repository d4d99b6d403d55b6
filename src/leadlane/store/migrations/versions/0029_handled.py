"""Facts tell what people did with a lead beside its route: runs 0029_handled.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_sql_beside(__file__)
