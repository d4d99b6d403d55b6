"""Who takes it? The people of a pool, why each of the others cannot, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from leadlane.core.business_time import Calendar, NoWorkingTime
from leadlane.core.conditions import fold, holds
from leadlane.core.facts import Load, Person, Roster
from leadlane.core.fairness import Ledger, fewest_open, shares, take_turn
from leadlane.core.policy import Policy, Pool
from leadlane.core.trace import Reason

NO_LOAD = Load()
# Someone whose hours never open sorts behind everyone whose hours do.
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bench:
    """A pool with the people in it at one roster revision. `ids` are in order, `weights` beside them.

    `having` maps an attribute that the pool requires or prefers to its values' people; `key` tells the
    pools of one policy version from those of another.
    """

    key: tuple[str, str]
    pool: Pool
    ids: tuple[str, ...]
    weights: tuple[float, ...]
    having: Mapping[str, Mapping[Any, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class Presence:
    """A bench at one moment: who is out, who is left in order of id, and who of them is in hours."""

    out: dict[str, list[str]]
    left: list[str]
    opens: dict[str, datetime]  # when each one's hours open; the moment itself if they are open


@dataclass(frozen=True, slots=True)
class Running:
    """Those still in the running for a lead, and why the others are not."""

    ids: list[str]
    shares: list[int]
    share_told: int | list[int]  # one number where all are equal
    weights: list[float]
    excluded: dict[str, list[str]]
    preferred: list[list[str]]
    off_hours: bool


class PoolsNeeded(Exception):
    """Deciding a batch needs pools whose state was not brought; bring these too."""

    def __init__(self, pools: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(pools)))
        self.pools = pools


@dataclass(slots=True)
class Change:
    """What a batch adds to a person's load; `peak` is how far it went above the load at the start
    for a lead that was given because there was room (None: no such lead).
    """

    open: int = 0
    today: int = 0
    peak: int | None = None


@dataclass(slots=True)
class Hands:
    """What is in people's hands while a batch is decided: ledgers and loads, changed by every pick.

    `loads` maps a person to [open, today], `changes` to what became of them, and `returned` names the
    pools whose ledger got a turn back. The caches hold what does not change from lead to lead.
    """

    ledgers: dict[str, Ledger]
    loads: dict[str, list[int]]
    full: set[str] = field(default_factory=set)
    capped: set[str] = field(default_factory=set)
    changes: dict[str, Change] = field(default_factory=dict)
    returned: set[str] = field(default_factory=set)
    presence: dict[tuple[str, str], Presence] = field(default_factory=dict)
    running: dict[tuple[Any, ...], Running] = field(default_factory=dict)

    def take(self, person: Person, *, automatic: bool, within_capacity: bool = False) -> None:
        """Put a lead into a person's hands; automatic ones count for the day.

        `within_capacity`: it was given because there was room, which must still be so when it is written.
        """
        load = self.loads.setdefault(person.id, [0, 0])
        load[0] += 1
        load[1] += automatic
        change = self.changes.setdefault(person.id, Change())
        change.open += 1
        change.today += automatic
        if within_capacity and person.max_open is not None:
            change.peak = max(change.peak or change.open, change.open)
        self._judge(person)

    def release(self, person: Person) -> None:
        """Take a lead out of a person's hands."""
        load = self.loads.setdefault(person.id, [0, 0])
        load[0] = max(0, load[0] - 1)
        self.changes.setdefault(person.id, Change()).open -= 1
        self._judge(person)

    def _judge(self, person: Person) -> None:
        open_leads, today = self.loads[person.id]
        is_full = person.max_open is not None and open_leads >= person.max_open
        is_capped = person.per_day is not None and today >= person.per_day
        if is_full != (person.id in self.full) or is_capped != (person.id in self.capped):
            (self.full.add if is_full else self.full.discard)(person.id)
            (self.capped.add if is_capped else self.capped.discard)(person.id)
            self.running.clear()


def open_hands(ledgers: dict[str, Ledger], loads: Mapping[str, Load], roster: Roster) -> Hands:
    """Working copies of ledgers and loads for one batch.

    `loads` names everyone on the benches of the pools in `ledgers`, also those with nothing in hand.
    """
    hands = Hands(ledgers, {person_id: [load.open, load.today] for person_id, load in loads.items()})
    for person_id, (open_leads, today) in hands.loads.items():
        person = roster.people.get(person_id)
        if person is None:
            continue
        if person.max_open is not None and open_leads >= person.max_open:
            hands.full.add(person_id)
        if person.per_day is not None and today >= person.per_day:
            hands.capped.add(person_id)
    return hands


def seat(policy: Policy, roster: Roster, zone: ZoneInfo) -> dict[str, Bench]:
    """The benches of all pools: who belongs to each, at this revision of the roster."""
    known = {person.id: _attributes(person) for person in roster.people.values()}
    benches = {}
    for pool in policy.pools.values():
        if isinstance(pool.members, tuple):
            ids = sorted(set(pool.members) & roster.people.keys())
        else:
            ids = sorted(id_ for id_, facts in known.items() if holds(pool.members, facts, zone))
        weighted = pool.method != "round_robin"
        benches[pool.name] = Bench(
            (policy.version, pool.name),
            pool,
            tuple(ids),
            tuple(roster.people[id_].weight if weighted else 1 for id_ in ids),
            {name: _having(name, ids, known) for name, _ in (*pool.require, *pool.prefer)},
        )
    return benches


def _attributes(person: Person) -> dict[str, Any]:
    names = (f for f in Person.__dataclass_fields__ if f not in ("hours", "away", "attributes"))
    return fold({**person.attributes, **{name: getattr(person, name) for name in names}})


def _having(
    name: str, ids: Iterable[str], known: Mapping[str, Mapping[str, Any]]
) -> dict[Any, frozenset[str]]:
    found: dict[Any, set[str]] = {}
    for id_ in ids:
        value = known[id_].get(name)
        for one in value if isinstance(value, frozenset) else (value,):
            found.setdefault(one, set()).add(id_)
    return {value: frozenset(people) for value, people in found.items() if value is not None}


def _presence(bench: Bench, roster: Roster, calendars: Mapping[str, Calendar], now: datetime) -> Presence:
    inactive, away, left = [], [], []
    opens: dict[str, datetime] = {}
    # People who share hours, zone and holidays share a calendar: ask each calendar once.
    asked: dict[int, datetime] = {}
    for id_ in bench.ids:
        person = roster.people[id_]
        if not person.active:
            inactive.append(id_)
        elif is_away(person, now):
            away.append(id_)
        else:
            left.append(id_)
            calendar = calendars[id_]
            if id(calendar) not in asked:
                asked[id(calendar)] = _opening(calendar, now)
            opens[id_] = asked[id(calendar)]
    out = {Reason.INACTIVE: inactive, Reason.AWAY: away}
    return Presence({str(reason): ids for reason, ids in out.items() if ids}, left, opens)


def _opening(calendar: Calendar, now: datetime) -> datetime:
    try:
        return calendar.next_open(now)
    except NoWorkingTime:
        return _NEVER


def is_away(person: Person, now: datetime) -> bool:
    """Whether one of the person's absences covers this moment."""
    return any(away.start <= now < away.until for away in person.away)


def is_out(person: Person, now: datetime) -> bool:
    """Away, or no longer receiving leads."""
    return not person.active or is_away(person, now)


def is_available(person: Person, hands: Hands, now: datetime) -> bool:
    """Active, not away, and with room for one more."""
    return not is_out(person, now) and person.id not in hands.full and person.id not in hands.capped


def covering(
    roster: Roster, owner: Person, now: datetime, asked: Iterable[str] = ()
) -> tuple[str | None, list[str]]:
    """Who covers for an owner who is out: the first one present along the personal backups.

    Returns (id or None, those passed over). Each person of the chain is asked once; it ends at one of
    those `asked` before.
    """
    passed: list[str] = []
    seen, next_id = {owner.id, *asked}, owner.backup
    while next_id is not None and next_id not in seen and next_id in roster.people:
        person = roster.people[next_id]
        if not is_out(person, now):
            return next_id, passed
        passed.append(next_id)
        seen.add(next_id)
        next_id = person.backup
    return None, passed


@dataclass(frozen=True, slots=True)
class Question:
    """For whom a pick is made: the lead's folded facts, who is excluded for it, and when."""

    facts: Mapping[str, Any]
    excluded: tuple[str, ...]
    now: datetime


def pick_from_pools(
    benches: Mapping[str, Bench],
    roster: Roster,
    calendars: Mapping[str, Calendar],
    hands: Hands,
    pool_name: str,
    question: Question,
    steps: list[dict[str, Any]],
) -> tuple[str | None, str]:
    """Pick from a pool, else from its backup pools in turn, each once.

    Adds a step for each pool tried. Returns (person or None, the pool that gave them).
    """
    tried: set[str] = set()
    name: str | None = pool_name
    while name is not None and name not in tried:
        tried.add(name)
        bench = benches[name]
        running = _running(bench, roster, calendars, hands, question)
        person = _choose(bench, hands, running, steps)
        if person is not None:
            hands.take(roster.people[person], automatic=True, within_capacity=True)
            return person, name
        name = bench.pool.backup_pool
    return None, pool_name


def pick_reviewer(
    bench: Bench, roster: Roster, hands: Hands, question: Question, steps: list[dict[str, Any]]
) -> str | None:
    """Someone of a review pool, whatever their capacity and hours; rather someone who is not away.

    None only if the pool has nobody active.
    """
    active = [id_ for id_ in bench.ids if roster.people[id_].active]
    present = [id_ for id_ in active if not is_away(roster.people[id_], question.now)]
    ids = present or active
    out = {
        Reason.INACTIVE: [id_ for id_ in bench.ids if not roster.people[id_].active],
        Reason.AWAY: [id_ for id_ in active if id_ not in ids],
    }
    weight_of = dict(zip(bench.ids, bench.weights, strict=True))
    weights = [weight_of[id_] for id_ in ids]
    excluded = {str(reason): people for reason, people in out.items() if people}
    share = shares(weights)
    running = Running(ids, share, _share_told(share), weights, excluded, [], off_hours=False)
    person = _choose(bench, hands, running, steps)
    if person is not None:
        hands.take(roster.people[person], automatic=True)
    return person


def _running(
    bench: Bench,
    roster: Roster,
    calendars: Mapping[str, Calendar],
    hands: Hands,
    question: Question,
) -> Running:
    """Who is in the running for this lead. Leads that ask the same of a pool share the answer."""
    asks = (*bench.pool.require, *bench.pool.prefer)
    key = (bench.key, question.excluded, *(question.facts.get(lead_field) for _, lead_field in asks))
    found = hands.running.get(key)
    if found is None:
        presence = hands.presence.get(bench.key)
        if presence is None:
            presence = hands.presence[bench.key] = _presence(bench, roster, calendars, question.now)
        found = hands.running[key] = _narrow(bench, presence, hands, question)
    return found


def _narrow(bench: Bench, presence: Presence, hands: Hands, question: Question) -> Running:
    """Leave out, in the order of the policy language, everyone who cannot or should not take the lead."""
    excluded = dict(presence.out)
    left = presence.left

    def keep(stay: Sequence[str], reason: Reason) -> list[str]:
        if len(stay) < len(left):
            staying = set(stay)
            out = [id_ for id_ in left if id_ not in staying]
            excluded[str(reason)] = sorted([*excluded.get(str(reason), ()), *out])
        return list(stay)

    for attribute, lead_field in bench.pool.require:
        having = _people_having(bench, attribute, lead_field, question.facts)
        if having is not None:  # a lead that does not say requires nothing
            left = keep([id_ for id_ in left if id_ in having], Reason.REQUIREMENT)
    left = keep([id_ for id_ in left if id_ not in hands.full], Reason.FULL)
    left = keep([id_ for id_ in left if id_ not in hands.capped], Reason.DAILY_CAP)
    left = keep([id_ for id_ in left if id_ not in question.excluded], Reason.EXCLUDED)
    off_hours = False
    if left:
        first = min(presence.opens[id_] for id_ in left)
        off_hours = first > question.now
        left = keep([id_ for id_ in left if presence.opens[id_] == first], Reason.CLOSED)
    left, preferred = _prefer(bench, left, question.facts, excluded)
    weight_of = dict(zip(bench.ids, bench.weights, strict=True))
    weights = [weight_of[id_] for id_ in left]
    share = shares(weights)
    return Running(left, share, _share_told(share), weights, excluded, preferred, off_hours)


def _share_told(share: list[int]) -> int | list[int]:
    return share[0] if share and min(share) == max(share) else share


def _prefer(
    bench: Bench, left: list[str], facts: Mapping[str, Any], excluded: dict[str, list[str]]
) -> tuple[list[str], list[list[str]]]:
    """Narrow pair by pair; a pair that would leave nobody, or whose lead field is missing, is skipped."""
    before, steps = left, []
    for attribute, lead_field in bench.pool.prefer:
        having = _people_having(bench, attribute, lead_field, facts)
        if having is None:
            steps.append([attribute, lead_field, "missing"])
            continue
        stay = [id_ for id_ in left if id_ in having]
        steps.append([attribute, lead_field, "narrowed" if stay else "nobody"])
        left = stay or left
    if len(left) < len(before):
        staying = set(left)
        excluded[str(Reason.NOT_PREFERRED)] = [id_ for id_ in before if id_ not in staying]
    return left, steps


def _people_having(
    bench: Bench, attribute: str, lead_field: str, facts: Mapping[str, Any]
) -> frozenset[str] | None:
    """The people whose attribute has the lead's value, or one of its tags; None if the lead has none."""
    value = facts.get(lead_field)
    if value is None:
        return None
    by_value = bench.having[attribute]
    if isinstance(value, frozenset):
        return frozenset().union(*(by_value.get(one, frozenset()) for one in value))
    return by_value.get(value, frozenset())


def _choose(bench: Bench, hands: Hands, running: Running, steps: list[dict[str, Any]]) -> str | None:
    step: dict[str, Any] = {
        "pool": bench.pool.name,
        "method": bench.pool.method,
        "excluded": running.excluded,
        "preferred": running.preferred,
        "off_hours": running.off_hours,
        "running": running.ids,
    }
    steps.append(step)
    if not running.ids:
        return None
    ledger = hands.ledgers.get(bench.pool.name)
    if ledger is None:
        raise PoolsNeeded(frozenset([bench.pool.name]))
    if bench.pool.method == "least_open":
        step["open"] = [hands.loads.get(id_, [0, 0])[0] for id_ in running.ids]
        chosen, by = fewest_open(ledger, running.ids, step["open"], running.weights)
    else:
        step["share"] = running.share_told
        chosen, by, step["balances"] = take_turn(ledger, running.ids, running.shares, running.weights)
    step["chosen"], step["by"] = chosen, by
    return chosen
