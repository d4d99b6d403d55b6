"""To whom would a prospect go who came in at this moment? Decided as ever, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.decide import Arrival, World, decide_batch, pools_touched
from leadlane.core.decision import Decision
from leadlane.core.facts import Account, Lead, Load
from leadlane.core.fairness import Ledger
from leadlane.core.match import Keys, Known, Standing
from leadlane.core.pick import PoolsNeeded
from leadlane.core.rulebook import Rulebook
from leadlane.service.submission import Submission
from leadlane.store import ownership
from leadlane.store.batches import LoadRow
from leadlane.store.ownership import LeadCard


def what_if(
    connection: Connection,
    book: Rulebook,
    one: Submission,
    account: Account | None,
    worked: Iterable[LeadCard],
    now: datetime,
) -> Decision:
    """The decision about a lead if it came now: by `book`, with ledgers and loads as they are.

    `account` is its company's, `worked` are the leads of its colleagues. Whoever routes meanwhile waits for
    nothing, so that a moment later the answer may be another.
    """
    keys = replace(one.keys, account=account.id if account else None)
    arrival, worked = Arrival(one.lead, keys), list(worked)
    pools = pools_touched(book, known_company(account, worked), [arrival], now)
    while True:
        people = {person for pool in pools for person in book.benches[pool].ids}
        stored, loads = ownership.state_of(connection, pools, people)
        # A pool that only `book` knows has had no turns yet.
        ledgers = {**{pool: Ledger() for pool in pools}, **stored}
        world = World(known_company(account, worked), ledgers, _loads_now(book, loads, now))
        try:
            (decision,), _hands = decide_batch(book, world, [arrival], now)
        except PoolsNeeded as more:
            if more.pools <= pools:
                raise
            pools |= more.pools
        else:
            return decision


def known_company(account: Account | None, worked: Iterable[LeadCard]) -> Known:
    """What routing would meet of a company: its account, and the leads of it that people work."""
    known = Known()
    if account is not None:
        known.accounts = dict.fromkeys(account.domains, account)
        known.linked = {account.id: account}
    for card in worked:
        lead = Lead(card.id, card.arrived_at, {})
        keys = Keys(domain=card.domain, account=card.account_id)
        known.put(Standing(lead, keys, card.stage, owner=card.owner))
    return known


def _loads_now(book: Rulebook, rows: Iterable[LoadRow], now: datetime) -> dict[str, Load]:
    """Loads as they count at this moment: of another day, in the person's zone, nothing does."""
    people = book.roster.people
    return {
        person: Load(open_leads, today if today_on == _local_day(people[person].timezone, now) else 0)
        for person, open_leads, today, today_on in rows
        if person in people
    }


def _local_day(zone: str, now: datetime) -> object:
    return now.astimezone(ZoneInfo(zone)).date()
