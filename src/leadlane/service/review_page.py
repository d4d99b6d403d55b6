"""One lead that a person is to decide about: what is asked, who it may be, and to whom it may go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.facts import Account, Load, Roster
from leadlane.core.match import Evidence
from leadlane.core.pick import is_available, is_away, open_hands
from leadlane.core.rulebook import Rulebook
from leadlane.explain.likeness import sides
from leadlane.explain.speech import person_words
from leadlane.explain.standing import outcome_words, stage_words
from leadlane.i18n import _
from leadlane.policy.words import field_words
from leadlane.service.batch import loads_today
from leadlane.service.candidates import likely_of
from leadlane.service.lead_page import LeadPage, lead_page
from leadlane.service.now_page import why_nobody
from leadlane.service.prospects import ClueError, Found, find, person_name, read_query
from leadlane.service.review_queue import Waiting, waiting
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import accounts, batches, leads, review
from leadlane.store.leads import LeadRow
from leadlane.store.ownership import LeadCard
from leadlane.store.review import InReview

MOST_CANDIDATES = 5
MOST_FOUND = 5
_COMPARED = ("company", "email", "phone", "company_domain", "title", "city", "country")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody known whom a lead may be: `value` is `lead:ID` or `account:ID`.

    `facts` are (label, value) pairs in the order of the lead's own. `probability` is from 0 to 1, None for
    one that somebody looked for. `holder` has the lead or owns the account. One that is not `can_be` only
    tells: a closed lead is not met again.
    """

    value: str
    id: str
    is_account: bool
    name: str
    status: str
    facts: tuple[tuple[str, str], ...]
    holder: str | None
    probability: float | None
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]
    can_be: bool


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """A lead in review. `facts` are those that candidates are compared by.

    `nobody` says why the people of the pool that it waits for cannot take it. `places` are groups of
    (value, label) pairs; `suggested` is the value among them that is chosen unless somebody says otherwise.
    `left` is how many wait besides, `next_id` who is looked at next.
    """

    lead: LeadPage
    waiting: Waiting
    facts: tuple[tuple[str, str], ...]
    candidates: tuple[Candidate, ...]
    found: tuple[Candidate, ...]
    looked_for: str
    search_problem: str
    can_be_new: bool
    nobody: tuple[tuple[str, int], ...]
    waiting_pool: str
    places: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    suggested: str
    left: int
    next_id: str | None


def review_page(
    connection: Connection,
    books: Rulebooks,
    row: LeadRow,
    zone: ZoneInfo,
    now: datetime,
    looked_for: str = "",
) -> ReviewPage:
    """What is asked about a lead in review; `looked_for` is what somebody typed to find who it is."""
    book = books.current(connection)
    # A lead is placed by the policy that it was routed by.
    own = books.get(connection, row.policy_version, book.roster.revision)
    loads = loads_today(book, batches.read_loads(connection, list(book.roster.people)), now)
    candidates = tuple(_candidates(connection, row, book.roster))
    found, problem = _found(connection, row, book, looked_for, {one.value for one in candidates})
    pool = row.waiting_pool or ""
    return ReviewPage(
        lead=lead_page(connection, books, row, zone, now),
        waiting=waiting(connection, book, [_in_review(row)], now)[0],
        facts=tuple(_lead_facts(row.fields)),
        candidates=candidates,
        found=found,
        looked_for=looked_for,
        search_problem=problem,
        can_be_new=row.unsure or row.account_id is not None,
        nobody=why_nobody(own, pool, loads, now) if pool else (),
        waiting_pool=pool,
        places=tuple(_places(own, loads, now)),
        suggested=f"pool:{pool}" if pool in own.policy.pools else "",
        left=max(0, review.count(connection) - 1),
        next_id=review.next_after(connection, row.id),
    )


def _in_review(row: LeadRow) -> InReview:
    return InReview(
        row.id, row.arrived_at, row.fields, row.intent, row.fit, row.deal_value, row.route, row.waiting_pool,
        row.owner, row.respond_by, row.responded_at, row.unsure, row.place,
    )  # fmt: skip


# ---------------------------------------------------------------- who it may be


def _candidates(connection: Connection, row: LeadRow, roster: Roster) -> Iterator[Candidate]:
    """Those whom matching compared it with, as they stand now; those who are gone are left out."""
    for one in likely_of(connection, row.id)[:MOST_CANDIDATES]:
        speaks_for, against = sides([Evidence(**piece) for piece in one["evidence"]])
        told = (one["probability"], tuple(speaks_for), tuple(against))
        if one["lead"] is not None and (lead := leads.get(connection, one["lead"])) and lead.id != row.id:
            yield _of_lead(lead, roster, *told)
        elif one["account"] is not None and (account := accounts.account(connection, one["account"])):
            yield _of_account(account, roster, *told)


def _found(
    connection: Connection, row: LeadRow, book: Rulebook, looked_for: str, known: set[str]
) -> tuple[tuple[Candidate, ...], str]:
    """Those whom somebody looked for and who are not among the `known`; or what is wrong with the text."""
    if not looked_for:
        return (), ""
    try:
        clues = read_query(looked_for)
    except ClueError as error:
        return (), error.message
    countries = sorted({person.country for person in book.roster.people.values() if person.country})
    seen = find(connection, clues, countries, MOST_FOUND + len(known) + 1)
    made = (_of_found(one, row.id, book.roster) for one in seen)
    fresh = [one for one in made if one is not None and one.value not in known][:MOST_FOUND]
    return tuple(fresh), "" if fresh else _("Nobody else is known by this.")


def _of_found(one: Found, but: str, roster: Roster) -> Candidate | None:
    speaks_for, against = sides(one.evidence) if one.evidence else ([], [])
    lead = next((card for card in one.leads if card.id != but), None)
    if lead is not None:
        return _of_lead(lead, roster, None, tuple(speaks_for), tuple(against))
    if one.account is not None:
        return _of_account(one.account, roster, None, tuple(speaks_for), tuple(against))
    return None


def _of_lead(
    lead: LeadRow | LeadCard,
    roster: Roster,
    probability: float | None,
    speaks_for: tuple[str, ...],
    against: tuple[str, ...],
) -> Candidate:
    is_open = lead.stage != "closed"
    return Candidate(
        value=f"lead:{lead.id}",
        id=lead.id,
        is_account=False,
        name=person_name(lead.fields) or lead.id,
        status=stage_words(lead.stage) if is_open else outcome_words(lead.outcome or "closed"),
        facts=tuple(_lead_facts(lead.fields)),
        holder=lead.covered_by or lead.owner,
        probability=probability,
        speaks_for=speaks_for,
        speaks_against=against,
        can_be=is_open,
    )


def _of_account(
    account: Account,
    roster: Roster,
    probability: float | None,
    speaks_for: tuple[str, ...],
    against: tuple[str, ...],
) -> Candidate:
    status = _("customer") if account.customer else _("named account") if account.named else _("account")
    facts = {
        "phone": account.phone,
        "company_domain": ", ".join(account.domains),
        "city": account.city,
        "country": account.country,
    }
    return Candidate(
        value=f"account:{account.id}",
        id=account.id,
        is_account=True,
        name=account.name,
        status=status,
        facts=tuple((field_words(name), value) for name, value in facts.items() if value),
        holder=account.owner,
        probability=probability,
        speaks_for=speaks_for,
        speaks_against=against,
        can_be=True,
    )


def _lead_facts(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in _COMPARED:
        if fields.get(name):
            yield field_words(name), str(fields[name])


# ---------------------------------------------------------------- to whom it may go


def _places(
    book: Rulebook, loads: dict[str, Load], now: datetime
) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Pools, people and programs, in groups; people who can take a lead come first."""
    hands = open_hands({}, loads, book.roster)
    people = book.roster.people
    pools = []
    for name, bench in book.benches.items():
        free = sum(is_available(people[id_], hands, now) for id_ in bench.ids)
        text = _("{pool} (free: {free} of {all})").format(pool=name, free=free, all=len(bench.ids))
        pools.append((f"pool:{name}", text))
    yield _("To the next in a pool"), tuple(pools)
    active = [person for person in people.values() if person.active]
    active.sort(key=lambda one: (not is_available(one, hands, now), one.name.casefold(), one.id))
    named = []
    for person in active:
        load = loads.get(person.id, Load())
        if is_away(person, now):
            text = _("{name} (away)").format(name=person.name)
        elif person.max_open is not None:
            text = _("{name} ({open} of {most} open)").format(
                name=person.name, open=load.open, most=person.max_open
            )
        else:
            text = _("{name} ({open} open)").format(name=person.name, open=load.open)
        named.append((person.id, text))
    yield _("To a person"), tuple(named)
    if book.policy.programs:
        programs = tuple((f"program:{name}", name) for name in book.policy.programs)
        yield _("To a nurture program"), programs


def place_words(book: Rulebook, to: str) -> str:
    """A value of `places` in words."""
    kind, colon, name = to.partition(":")
    if not colon:
        return person_words(book.roster, to)
    text = _("pool {name}") if kind == "pool" else _("program {name}")
    return text.format(name=name)
