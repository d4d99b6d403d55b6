"""What is due happens: steps of a chase, covers that begin and end, leads in line when there is room.

    round    since the last one: who has gone away (somebody covers), who is back (gets leads back), whether
             roster or policy have changed or a new day has begun (room for leads that wait in line)
    chase    leads whose next step is due, the longest due first

Any number of workers may do this at once: a due lead is claimed with SKIP LOCKED in the transaction
that acts on it, so a worker that dies leaves it due. A round that is made twice finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.act import Act, ActKind
from leadlane.core.chase import chase_of
from leadlane.core.chase import next_due_at as next_step_at
from leadlane.core.facts import Person, Roster
from leadlane.core.match import Keys
from leadlane.core.pick import covering, is_out
from leadlane.logging import get_logger
from leadlane.service.acts import serve_waiting
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission, act_submission
from leadlane.store import due, policies
from leadlane.store.due import Due, Round

log = get_logger(__name__)

BATCH = 200


@dataclass(frozen=True, slots=True)
class Chased:
    """A batch of due leads: when those acted on were due, the ids of those that cannot be, and whether there
    were any.
    """

    due_at: tuple[datetime, ...] = ()
    failed: tuple[str, ...] = ()
    found: bool = False


def run_due(connection: Connection, books: Rulebooks, now: datetime, limit: int = BATCH) -> int:
    """Let everything happen that is due at or before `now`. Returns how many things happened.

    After an outage a lead takes only the last of its overdue steps: see `leadlane.core.chase`.
    """
    happened = make_round(connection, books, now)
    failed: set[str] = set()
    while (chased := chase_some(connection, books, now, limit, failed)).found:
        happened += len(chased.due_at)
        failed.update(chased.failed)
    return happened


def run_until(connection: Connection, books: Rulebooks, now: datetime, until: datetime) -> None:
    """Let everything happen that is due from `now` up to and at `until`, each thing at its own moment."""
    last = None
    while (due_at := next_due_at(connection, books, now)) is not None and due_at <= until:
        now = max(due_at, now)
        happened = run_due(connection, books, now)
        if due_at == last and not happened:
            raise RuntimeError(f"what is due at {due_at} does not happen, again and again")
        last = due_at


def make_round(connection: Connection, books: Rulebooks, now: datetime) -> int:
    """Look after absences, changes of roster and policy, and new days since the last round.

    Returns how many things happened.
    """
    if policies.in_force(connection)[0] is None:
        return 0
    book = books.current(connection)
    roster = book.roster
    made = due.last_round(connection)
    last = made.made_up_to or now
    is_changed = made.roster_revision != roster.revision
    changed = due.people_changed_since(connection, made.roster_revision) if is_changed else set()
    gone, back = _comings_and_goings(roster, changed, last, now)
    may_have_room = is_changed or made.policy != book.policy.version or _new_day(roster, last, now)
    if not (gone or back or may_have_room):
        return 0
    happened = 0
    if back:
        happened += _act_on(connection, books, "return", due.covered_leads(connection, back), now)
    if gone:
        happened += _act_on(connection, books, "cover", due.uncovered_leads(connection, gone), now)
    happened += serve_waiting(connection, books, None, now)
    # Last: a round that ends half-way is made again.
    due.set_round(connection, Round(now, roster.revision, book.policy.version))
    return happened


def chase_some(
    connection: Connection, books: Rulebooks, now: datetime, limit: int = BATCH, but: Collection[str] = ()
) -> Chased:
    """Act on at most `limit` of the leads whose next step is due, the longest due first, except on `but`.

    A lead that cannot be acted on, by whatever defect, does not hold up the others: it is logged, and
    among the `failed` of the answer.
    """
    if policies.in_force(connection)[0] is None:
        return Chased()
    found = {one.id: one for one in due.due_leads(connection, now, limit, but)}
    if not found:
        return Chased()
    receipts, failed = _chase(connection, books, list(found.values()), now)
    if idle := [one.lead_id for one in receipts if one.status == "unchanged"]:
        failed += _set_anew(connection, books, idle, now)
    acted = tuple(found[one.lead_id].due_at for one in receipts if one.decision is not None)
    return Chased(acted, tuple(failed), found=True)


def next_due_at(connection: Connection, books: Rulebooks, after: datetime) -> datetime | None:
    """The next moment at which `run_due` has something to do; one that has passed means at once."""
    version, revision = policies.in_force(connection)
    if version is None:
        return None
    made = due.last_round(connection)
    if made.roster_revision != revision or made.policy != version:
        return after
    roster = books.current(connection).roster
    moments = [
        due.next_chase_at(connection),
        _next_absence_change(roster, made.made_up_to or after),
    ]
    if due.is_anybody_waiting(connection):
        moments.append(_next_midnight(roster, made.made_up_to or after))
    return min((moment for moment in moments if moment is not None), default=None)


def _chase(
    connection: Connection, books: Rulebooks, leads: Sequence[Due], now: datetime
) -> tuple[list[Receipt], list[str]]:
    """The receipts of those that were this worker's to act on, and the ids of those that it failed on."""
    try:
        return route_batch(connection, books, [_due_submission(one, now) for one in leads], now), []
    except Exception:
        if connection.broken or connection.closed:
            raise
        if len(leads) == 1:
            log.exception("the chase of a lead failed", lead=leads[0].id)
            return [], [leads[0].id]
    half = len(leads) // 2
    first, failed = _chase(connection, books, leads[:half], now)
    second, failed_too = _chase(connection, books, leads[half:], now)
    return first + second, failed + failed_too


def _due_submission(one: Due, now: datetime) -> Submission:
    # With the company that must be held, or the batch would learn of it only by meeting its leads, and begin
    # again.
    return replace(act_submission(Act(one.id, "chase"), now), keys=Keys(None, one.domain))


def _set_anew(connection: Connection, books: Rulebooks, lead_ids: Sequence[str], now: datetime) -> list[str]:
    """Count the clocks anew of leads that were due but had no step to take: since theirs were set, the hours
    of who has them have changed. Returns those that are due all the same.
    """
    _version, revision = policies.in_force(connection)
    stuck = []
    for clock in due.clocks(connection, lead_ids):
        book = books.get(connection, clock.policy, revision)
        calendar = book.calendars.get(clock.holder or "")
        steps = chase_of(book.policy, clock.service_level)
        chase_at = None
        if calendar is not None and clock.held_since is not None:
            chase_at = next_step_at(steps, clock.held_since, calendar, clock.chased)
        if chase_at is not None and chase_at <= now:
            stuck.append(clock.id)
        elif chase_at != clock.chase_at:
            due.set_chase_at(connection, clock, chase_at)
    return stuck


def _act_on(
    connection: Connection, books: Rulebooks, kind: ActKind, lead_ids: Iterable[str], now: datetime
) -> int:
    ids = list(lead_ids)
    happened = 0
    for start in range(0, len(ids), BATCH):
        acts = [act_submission(Act(lead_id, kind), now) for lead_id in ids[start : start + BATCH]]
        receipts = route_batch(connection, books, acts, now)
        happened += sum(one.decision is not None for one in receipts)
    return happened


def _comings_and_goings(
    roster: Roster, changed: Collection[str], last: datetime, now: datetime
) -> tuple[list[str], list[str]]:
    """Who has gone away since the last round, and who is back.

    An absence may be entered, or end, earlier than anybody thought: of whoever's entry was changed only
    the present counts.
    """
    gone: list[str] = []
    back: list[str] = []
    for one in roster.people.values():
        if one.id in changed:
            (gone if is_out(one, now) else back).append(one.id)
        elif one.away:
            if _begins(one, last, now):
                gone.append(one.id)
            if _ends(one, last, now):
                back.append(one.id)
    if back:
        # So far nobody covered for those whose backups were away too.
        gone += [
            one.id
            for one in roster.people.values()
            if one.id not in gone and is_out(one, now) and covering(roster, one, now)[0] is not None
        ]
    return gone, back


def _ends(person: Person, last: datetime, now: datetime) -> bool:
    return any(last < away.until <= now for away in person.away)


def _begins(person: Person, last: datetime, now: datetime) -> bool:
    return any(last < away.start <= now < away.until for away in person.away)


def _next_absence_change(roster: Roster, after: datetime) -> datetime | None:
    changes = (
        moment
        for person in roster.people.values()
        for away in person.away
        for moment in (away.start, away.until)
        if moment > after
    )
    return min(changes, default=None)


def _zones(roster: Roster) -> list[ZoneInfo]:
    names = {person.timezone for person in roster.people.values() if person.active}
    return [ZoneInfo(name) for name in names]


def _next_midnight(roster: Roster, after: datetime) -> datetime | None:
    midnights = []
    for zone in _zones(roster):
        tomorrow = after.astimezone(zone).date() + timedelta(days=1)
        midnights.append(datetime.combine(tomorrow, time(), zone).astimezone(UTC))
    return min(midnights, default=None)


def _new_day(roster: Roster, last: datetime, now: datetime) -> bool:
    return any(last.astimezone(zone).date() < now.astimezone(zone).date() for zone in _zones(roster))
