"""What is due happens: steps of a chase, covers that begin and end, leads in line on a new day.

    chase    leads whose next step is due, the longest due first
    rounds   since the last round: who has gone away (somebody covers), who is back (gets leads back),
             and for whom a new day has begun (room for leads that wait in line)

Any number of workers may run this at once: a due lead is claimed with SKIP LOCKED in the transaction
that acts on it, so a worker that dies leaves it due. A round that is made twice finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.act import Act, ActKind
from leadlane.core.facts import Person, Roster
from leadlane.service.acts import serve_waiting
from leadlane.service.batch import route_batch
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import act_submission
from leadlane.store import due, policies

BATCH = 200


def run_due(connection: Connection, books: Rulebooks, now: datetime, limit: int = BATCH) -> int:
    """Let everything happen that is due at or before `now`. Returns how many things happened.

    After an outage a lead takes only the last of its overdue steps: see `leadlane.core.chase`.
    """
    if policies.in_force(connection)[0] is None:
        return 0
    happened = _make_round(connection, books, now)
    while found := due.due_leads(connection, now, limit):
        acted = _act_on(connection, books, "chase", [lead_id for lead_id, _due_at in found], now)
        happened += acted
        if not acted:
            break  # other workers hold what is left
    return happened


def next_due_at(connection: Connection, books: Rulebooks, after: datetime) -> datetime | None:
    """The next moment at which `run_due` has something to do; one that has passed means at once."""
    version, _revision = policies.in_force(connection)
    if version is None:
        return None
    roster = books.current(connection).roster
    moments = [
        due.next_chase_at(connection),
        _next_absence_change(roster, due.rounds_made_up_to(connection) or after),
    ]
    if due.pools_waited_for(connection):
        moments.append(_next_midnight(roster, after))
    return min((moment for moment in moments if moment is not None), default=None)


def _make_round(connection: Connection, books: Rulebooks, now: datetime) -> int:
    """Look after absences and new days since the last round."""
    roster = books.current(connection).roster
    last = due.rounds_made_up_to(connection) or now
    back = [one.id for one in roster.people.values() if _ends(one, last, now)]
    gone = [one.id for one in roster.people.values() if _begins(one, last, now)]
    happened = 0
    if back:
        happened += _act_on(connection, books, "return", due.covered_leads(connection, back), now)
    if gone:
        happened += _act_on(connection, books, "cover", due.uncovered_leads(connection, gone), now)
    if back or _new_day(roster, last, now):
        happened += serve_waiting(connection, books, None, now)
    due.set_rounds(connection, now)
    connection.commit()
    return happened


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


def _zones(roster: Roster) -> set[ZoneInfo]:
    return {ZoneInfo(person.timezone) for person in roster.people.values() if person.active}


def _next_midnight(roster: Roster, after: datetime) -> datetime | None:
    midnights = []
    for zone in _zones(roster):
        tomorrow = after.astimezone(zone).date() + timedelta(days=1)
        midnights.append(datetime.combine(tomorrow, time(), zone))
    return min(midnights, default=None)


def _new_day(roster: Roster, last: datetime, now: datetime) -> bool:
    return any(last.astimezone(zone).date() < now.astimezone(zone).date() for zone in _zones(roster))
