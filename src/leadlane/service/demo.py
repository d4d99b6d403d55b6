"""What does Leadlane look like in use? Two weeks of invented leads, each decided when it arrived.

People answer them in time, or when they are reminded; so nothing is overdue in the end, and what falls due
next falls due before the eyes of whoever looks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Protocol
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.act import Act
from leadlane.demo import company
from leadlane.errors import LeadlaneError
from leadlane.intake.leads import read_lead
from leadlane.service.acts import act
from leadlane.service.arrivals import count_arrivals
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.roster import put_accounts
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.service.run_due import run_until
from leadlane.service.submission import submission
from leadlane.service.summary import Summary
from leadlane.store import batches, leads
from leadlane.store.db import connect

SOURCE = "demo"
# The id of its first lead: where there is one, the demonstration company was loaded.
FIRST = "demo-0001"
# One lead of so many is forgotten until somebody is reminded of it.
_FORGOTTEN_EVERY = 12
_BEFORE_A_STEP, _AFTER_A_STEP = timedelta(minutes=4), timedelta(minutes=3)
_UNTIL_NEXT_STEP = timedelta(days=company.DAYS)


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
    summary, answers = Summary(), list[_Answer]()
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
            _let_pass(connection, app.books, answers, arrived_at)
            one = submission(lead, SOURCE, arrived_at)
            receipt = _only(route_batch(connection, app.books, [one], arrived_at))
            summary.count(receipt)
            _foresee(answers, receipt, arrived_at)
        _let_pass(connection, app.books, answers, now)
        count_arrivals(connection, now)
    return summary


# When somebody answers a lead, and its id: a heap, the earliest first.
_Answer = tuple[datetime, str]


def _foresee(answers: list[_Answer], receipt: Receipt, arrived_at: datetime) -> None:
    """Whoever got a lead will answer it before they would be reminded, or after, when it is forgotten."""
    decision = receipt.decision
    if decision is None or decision.standing.chase_at is None:
        return
    step_at = decision.standing.chase_at
    in_time = max(step_at - _BEFORE_A_STEP, arrived_at + (step_at - arrived_at) / 2)
    is_forgotten = len(answers) % _FORGOTTEN_EVERY == 0
    heappush(answers, (step_at + _AFTER_A_STEP if is_forgotten else in_time, receipt.lead_id))


def _let_pass(connection: Connection, books: Rulebooks, answers: list[_Answer], until: datetime) -> None:
    """Time passes: what falls due happens, and people answer their leads."""
    while answers and answers[0][0] <= until:
        at, lead_id = heappop(answers)
        run_until(connection, books, at, at)
        row = leads.get(connection, lead_id)
        if row is not None and row.owner is not None and row.responded_at is None:
            by = row.covered_by or row.owner
            act(connection, books, [Act(lead_id, "touch", by, how="call", due_at=at + _UNTIL_NEXT_STEP)], at)
    run_until(connection, books, until, until)


def _only(receipts: list[Receipt]) -> Receipt:
    (receipt,) = receipts
    if receipt.status == "refused":
        raise LeadlaneError(receipt.problem)
    return receipt
