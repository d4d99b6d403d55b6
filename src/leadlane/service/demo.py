"""What does Leadlane look like in use? Two weeks of invented leads, each decided when it arrived."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from leadlane.demo import company
from leadlane.errors import LeadlaneError
from leadlane.intake.leads import read_lead
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.roster import put_accounts
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.service.submission import submission
from leadlane.service.summary import Summary
from leadlane.store import batches
from leadlane.store.db import connect

SOURCE = "demo"


class Opened(Protocol):
    """What of an open Leadlane is needed here."""

    @property
    def url(self) -> str: ...
    @property
    def books(self) -> Rulebooks: ...
    @property
    def now(self) -> Callable[[], datetime]: ...


def load(app: Opened) -> Summary:
    """Bring in the accounts and leads of the demonstration company; loading them again makes none twice.

    The reference policy and roster must be in force. LeadlaneError if a lead is refused.
    """
    now = app.now().replace(microsecond=0)
    summary = Summary()
    with connect(app.url, autocommit=True) as connection:
        batches.configure(connection)
        put_accounts(connection, company.accounts(), now - timedelta(days=company.DAYS))
        policy = app.books.current(connection).policy
        fields, zone = field_specs(policy), ZoneInfo(policy.timezone)
        for raw in company.leads(now):
            lead, problems = read_lead(raw, fields, now, zone)
            if lead is None:
                raise LeadlaneError("\n".join(problem.reason for problem in problems))
            arrived_at = lead.arrived_at or now
            # Alone and at its own moment, so that balances, caps and working hours are as on the day.
            one = submission(lead, SOURCE, arrived_at)
            summary.count(_only(route_batch(connection, app.books, [one], arrived_at)))
    return summary


def _only(receipts: list[Receipt]) -> Receipt:
    (receipt,) = receipts
    if receipt.status == "refused":
        raise LeadlaneError(receipt.problem)
    return receipt
