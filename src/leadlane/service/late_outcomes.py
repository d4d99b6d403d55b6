"""How did it end? Outcomes that come in when a lead is long done: found, closed or corrected, never lost.

An open lead is closed by the same act as from its page. A closed one stays closed: what is written of its end
is corrected, and its timeline says from what to what. Who sends the same again changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.act import CLOSINGS, Act
from leadlane.explain.reasons import reason_words
from leadlane.explain.standing import outcome_words
from leadlane.i18n import _
from leadlane.matching.keys import company_of_host, email_key
from leadlane.policy.values import parse_day, parse_moment
from leadlane.service.acts import act as do_acts
from leadlane.service.journal import actor_of
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import late_outcomes as store
from leadlane.store.late_outcomes import Correction, Ending, Found

# So many ids of leads are named to whoever has to choose between them.
MOST_NAMED = 5

# closed: an open lead was. corrected: what was known of a closed one. unchanged: it was known. refused.
Status = Literal["closed", "corrected", "unchanged", "refused"]
# Why one is refused: nobody of this name; several; a value that cannot be; two that contradict each other;
# the lead was opened or closed by somebody else at the same moment; the act itself was refused.
Refusal = Literal["", "unknown", "ambiguous", "invalid", "contradicted", "stale", "not_allowed"]


@dataclass(frozen=True, slots=True)
class Said:
    """How a lead ended, as somebody says it.

    The lead goes by one of `ids`, or by its `email` or `domain` where no id is known here. What is not given
    (`value`, `closed_at`) stays as it is known, except the value of another outcome; an open lead ends now.
    Where only the day is known, `day_began` is its beginning: a moment that is known within it stays.
    """

    outcome: str
    ids: tuple[str, ...] = ()
    email: str = ""
    domain: str = ""
    value: float | None = None
    closed_at: datetime | None = None
    day_began: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who says it: a person of the roster, or somebody known by name (a user, a key)."""

    person: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an outcome. `was` and `now` say how the lead ended before and after.

    A refused one has a `problem` in words, and the `leads` between which somebody has to choose.
    """

    status: Status
    lead_id: str = ""
    refusal: Refusal = ""
    problem: str = ""
    leads: tuple[str, ...] = ()
    was: Ending | None = None
    now: Ending | None = None


@dataclass(slots=True)
class Told:
    """What one file or request has said of each lead so far: it may not say two things of one.

    `foreseen` is how leads would have ended by what a dry run has gone through.
    """

    endings: dict[str, Ending] = field(default_factory=dict)
    foreseen: dict[str, Ending] = field(default_factory=dict)


def record(
    connection: Connection,
    books: Rulebooks,
    said: Sequence[Said],
    by: Reporter,
    now: datetime,
    *,
    told: Told | None = None,
    dry_run: bool = False,
) -> list[Recorded]:
    """Write down how leads ended; one answer for each, in order.

    What is open is closed in one commit, what is closed is corrected in another: whoever is interrupted sends
    the same again.

    `told` carries what was said before in the same file. A dry run says what would happen. `connection` is in
    autocommit.
    """
    told = told or Told()
    answers: dict[int, Recorded] = {}
    meant: dict[int, Found] = {}
    for number, (one, candidates) in enumerate(zip(said, _find(connection, said), strict=True)):
        chosen = _choose(one, candidates, told, now)
        if isinstance(chosen, Found):
            meant[number] = chosen
        else:
            answers[number] = chosen
    still_open = {number: found for number, found in meant.items() if found.is_open}
    closed = {number: found.id for number, found in meant.items() if not found.is_open}
    if dry_run:
        answers |= {number: _foreseen(said[number], found, told, now) for number, found in meant.items()}
    else:
        for number, answer in _close(connection, books, said, still_open, by, now).items():
            if answer is None:  # somebody has closed it meanwhile
                closed[number] = still_open[number].id
            else:
                answers[number] = answer
        answers |= _correct(connection, books, {n: (id_, said[n]) for n, id_ in closed.items()}, by, now)
    return [answers[number] for number in range(len(said))]


def day_ended(day: date, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """When something ended of which only the day is known, and when that day began.

    It is taken for the last second of the day, so that it stays in its quarter; today it has ended by now.
    """
    began = datetime.combine(day, time(), zone).astimezone(UTC)
    if day == now.astimezone(zone).date():
        return now, began
    return datetime.combine(day, time(23, 59, 59), zone).astimezone(UTC), began


def ended_at(text: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime | None]:
    """The moment that a date or a date-time of ISO 8601 names; for a date as `day_ended`. ValueError."""
    try:
        if day := parse_day(text):
            return day_ended(day, zone, now)
        if moment := parse_moment(text, zone.key):
            return moment.astimezone(UTC), None
    except OverflowError:
        pass  # a moment that some time zone has no date for
    raise ValueError(text)


# ---------------------------------------------------------------- which lead


def _find(connection: Connection, said: Sequence[Said]) -> list[list[Found]]:
    """The leads that each may mean: by its ids; where none is known by its mailbox; else by its company."""
    by_id = _by_clue(store.by_ids(connection, {id_ for one in said for id_ in one.ids}))
    emails = [email_key(one.email) or "" for one in said]
    by_email = _by_clue(store.by_emails(connection, set(emails) - {""}))
    domains = [company_of_host(one.domain) or "" if one.domain else "" for one in said]
    by_domain = _by_clue(store.by_domains(connection, set(domains) - {""}))
    found = []
    for one, email, domain in zip(said, emails, domains, strict=True):
        by_ids = {lead.id: lead for id_ in one.ids for lead in by_id.get(id_, ())}
        found.append(list(by_ids.values()) or by_email.get(email) or by_domain.get(domain) or [])
    return found


def _by_clue(found: Iterable[Found]) -> Mapping[str, list[Found]]:
    by_clue = defaultdict(list)
    for one in found:
        by_clue[one.clue].append(one)
    return by_clue


def _choose(one: Said, found: Sequence[Found], told: Told, now: datetime) -> Found | Recorded:
    """The lead that is meant, or why none is.

    How a lead stands is no part of the choice: whoever sends the same again must mean the same.
    """
    if one.outcome not in CLOSINGS:
        return _refused("invalid", reason_words("unknown_outcome"))
    if not (one.ids or one.email or one.domain):
        return _refused(
            "invalid", _("Nothing says which lead is meant: an id, an e-mail address or a domain.")
        )
    if not found:
        return _refused("unknown", _("There is no lead of this id, e-mail address or domain."))
    if one.closed_at is not None and one.closed_at > now:
        return _refused("invalid", _("It cannot have ended after now."))
    # Who came back after it had ended is another story.
    before = [lead for lead in found if one.closed_at is None or lead.arrived_at <= one.closed_at]
    if not before:
        return _refused("invalid", _("It cannot have ended before the lead arrived."))
    if len(before) > 1:
        ids = tuple(lead.id for lead in sorted(before, key=lambda lead: lead.arrived_at, reverse=True))
        problem = _("Several leads could be meant: {leads}. Give the id of one.")
        return _refused("ambiguous", problem.format(leads=", ".join(ids[:MOST_NAMED])), ids[:MOST_NAMED])
    (lead,) = before
    ending = Ending(one.outcome, one.value, one.closed_at)
    if told.endings.setdefault(lead.id, ending) != ending:
        problem = _("The lead {lead} is said to have ended in another way further up: {outcome}.")
        outcome = outcome_words(told.endings[lead.id].outcome or "")
        return _refused("contradicted", problem.format(lead=lead.id, outcome=outcome), (lead.id,))
    return lead


def _refused(refusal: Refusal, problem: str, leads: tuple[str, ...] = ()) -> Recorded:
    return Recorded("refused", leads[0] if len(leads) == 1 else "", refusal, problem, leads)


# ---------------------------------------------------------------- writing it down


def _ending(one: Said, was: Ending, now: datetime) -> Ending:
    """How a lead has ended by what is said and what was known."""
    value, closed_at = one.value, one.closed_at
    if value is None and was.outcome == one.outcome:
        value = was.value
    if was.closed_at is not None and (closed_at is None or _is_in_day(was.closed_at, one.day_began)):
        closed_at = was.closed_at
    return Ending(one.outcome, value, closed_at or now)


def _is_in_day(moment: datetime, began: datetime | None) -> bool:
    return began is not None and timedelta() <= moment - began < timedelta(days=1)


def _foreseen(one: Said, found: Found, told: Told, now: datetime) -> Recorded:
    """What would become of an outcome, after what was said further up."""
    was = told.foreseen.get(found.id, found.ending)
    ending = told.foreseen[found.id] = _ending(one, was, now)
    status: Status = "unchanged" if ending == was else "closed" if was.outcome is None else "corrected"
    return Recorded(status, found.id, was=was, now=ending)


def _close(
    connection: Connection,
    books: Rulebooks,
    said: Sequence[Said],
    leads: Mapping[int, Found],
    by: Reporter,
    now: datetime,
) -> dict[int, Recorded | None]:
    """Close open leads, each once; None for those that somebody has closed meanwhile."""
    # What is said twice of a lead is done once: the second finds it closed.
    first = {found.id: number for number, found in reversed(list(leads.items()))}
    numbers = sorted(first.values())
    acts = [_act(leads[number].id, said[number], by) for number in numbers]
    receipts = do_acts(connection, books, acts, now) if acts else []
    done: dict[str, Recorded | None] = {}
    for number, receipt in zip(numbers, receipts, strict=True):
        was, lead_id = leads[number].ending, leads[number].id
        if receipt.status != "refused":
            done[lead_id] = Recorded("closed", lead_id, was=was, now=_ending(said[number], was, now))
        else:
            is_closed = receipt.refusal == "closed"
            done[lead_id] = None if is_closed else _refused("not_allowed", receipt.problem, (lead_id,))
    answers: dict[int, Recorded | None] = {}
    for number, found in leads.items():
        answer = done[found.id]
        is_repeated = number != first[found.id] and answer is not None and answer.status == "closed"
        answers[number] = None if is_repeated else answer
    return answers


def _act(lead_id: str, one: Said, by: Reporter) -> Act:
    return Act(
        lead_id,
        "close",
        by=by.person,
        reason=one.reason,
        outcome=one.outcome,
        value=one.value,
        user="" if by.person else by.name,
        closed_at=one.closed_at,
    )


def _correct(
    connection: Connection,
    books: Rulebooks,
    said: Mapping[int, tuple[str, Said]],
    by: Reporter,
    now: datetime,
) -> dict[int, Recorded]:
    """Correct what is known of closed leads, in one commit."""
    if not said:
        return {}
    if by.person is not None and by.person not in books.current(connection).roster.people:
        problem = reason_words("unknown_person")
        return {n: _refused("not_allowed", problem, (lead_id,)) for n, (lead_id, _one) in said.items()}
    answers: dict[int, Recorded] = {}
    corrections: dict[str, Correction] = {}
    with connection.transaction():
        held = store.hold_closed(connection, {lead_id for lead_id, _one in said.values()})
        for number, (lead_id, one) in sorted(said.items()):
            if lead_id not in held:
                problem = _("The lead {lead} has changed at this moment: try again.").format(lead=lead_id)
                answers[number] = _refused("stale", problem, (lead_id,))
                continue
            was = held[lead_id]
            ending = _ending(one, was, now)
            if ending == was or lead_id in corrections:
                answers[number] = Recorded("unchanged", lead_id, was=was, now=was)
                continue
            actor = actor_of(_act(lead_id, one, by))
            corrections[lead_id] = Correction(lead_id, was, ending, actor, one.reason)
            answers[number] = Recorded("corrected", lead_id, was=was, now=ending)
        store.correct(connection, list(corrections.values()), now)
    return answers
