"""Persons at accounts: runs 0008_contacts.sql."""

from leadlane.store.migrate import run_sql_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql_beside(__file__)
