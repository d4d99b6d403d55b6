"""What does Leadlane look like in use? Half a year of invented leads, each decided when it arrived.

In the last two weeks people answer in time, or when they are reminded; so nothing is overdue in the end, and
what falls due next falls due before the eyes of whoever looks. In the months before, they are as people are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.demo import company, history
from leadlane.errors import LeadlaneError
from leadlane.intake.leads import read_lead
from leadlane.service.arrivals import count_arrivals
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.demo_play import Play
from leadlane.service.roster import put_accounts
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.service.submission import submission
from leadlane.service.summary import Summary
from leadlane.store import batches, leads, start_over
from leadlane.store.db import connect

SOURCE = "demo"
# The id of the first lead of the last two weeks: where there is one, the demonstration company was loaded.
FIRST = "demo-0001"
WEEKS = history.WEEKS


class Opened(Protocol):
    """What of an open Leadlane is needed here."""

    @property
    def url(self) -> str: ...
    @property
    def books(self) -> Rulebooks: ...
    @property
    def now(self) -> Callable[[], datetime]: ...


def load(app: Opened, weeks: int = WEEKS) -> Summary:
    """Bring in the accounts and leads of the demonstration company; loading them again makes none twice.
    What an interrupted load has left is forgotten first, unless something else has happened since.

    Of the last `weeks`, at least two, which have the same leads however many come before them. The reference
    policy and roster must be in force. LeadlaneError if a lead is refused.
    """
    now = app.now().replace(microsecond=0)
    begins = now - timedelta(weeks=weeks)
    summary = Summary()
    with connect(app.url, autocommit=True) as connection:
        batches.configure(connection)
        start_over.hold(connection)
        if is_unfinished(connection):
            start_over.forget_leads(connection)
        # A company that is invented may be loaded again: no need to wait for the disk after each lead.
        connection.execute("SET synchronous_commit = off")
        put_accounts(connection, company.accounts(), begins)
        policy = app.books.current(connection).policy
        fields, zone = field_specs(policy), ZoneInfo(policy.timezone)
        play = Play(connection, app.books, begins, now)
        for raw in chain(history.leads(now, weeks), company.leads(now)):
            lead, problems = read_lead(raw, fields, now, zone)
            if lead is None:
                raise LeadlaneError("\n".join(problem.reason for problem in problems))
            arrived_at = lead.arrived_at or now
            # Alone and at its own moment, so that balances, caps and working hours are as on the day.
            play.pass_until(arrived_at)
            one = submission(lead, SOURCE, arrived_at)
            receipt = _only(route_batch(connection, app.books, [one], arrived_at))
            summary.count(receipt)
            if raw["id"].startswith(history.PREFIX):
                play.foresee(receipt.lead_id)
            else:
                play.foresee_answer(receipt)
        play.pass_until(now)
        count_arrivals(connection, now)
    return summary


def is_unfinished(connection: Connection) -> bool:
    """Whether a load was interrupted, and nothing else has happened since: loading begins again by itself."""
    return start_over.is_unfinished(connection, f"{SOURCE}-")


def is_partial(connection: Connection) -> bool:
    """Whether the demonstration company was begun to be loaded, and never wholly was."""
    begun = leads.get(connection, f"{history.PREFIX}0001") is not None
    return begun and leads.get(connection, FIRST) is None


def _only(receipts: list[Receipt]) -> Receipt:
    (receipt,) = receipts
    if receipt.status == "refused":
        raise LeadlaneError(receipt.problem)
    return receipt
