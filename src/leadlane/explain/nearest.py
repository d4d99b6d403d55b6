"""What is the nearest thing that would have changed the outcome? Found by deciding again.

Nothing here is guessed: one fact is changed, and the functions that decide are asked once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from leadlane.core.business_time import Calendar
from leadlane.core.conditions import fold
from leadlane.core.decide import Rulebook, World
from leadlane.core.facts import Lead, Load, WeeklyHours
from leadlane.core.fairness import ONE, Ledger
from leadlane.core.match import Match, Standing
from leadlane.core.pick import PoolsNeeded, Question, open_hands, pick_from_pools
from leadlane.core.policy import Route, ServiceLevel
from leadlane.core.qualify import first_that_holds, qualify
from leadlane.core.route import choose_route, destination_of
from leadlane.core.trace import Reason
from leadlane.explain.reasons import reason_words
from leadlane.explain.speech import destination_words, person_words, turns_words
from leadlane.explain.variations import ANOTHER, Variation, variations
from leadlane.i18n import N_, _, ngettext
from leadlane.policy.words import duration_words

MOST_CHANGES = 5
# Of so many people who were out, with the highest balances, it is asked whether they would have been chosen.
MOST_FREED = 5
_BEING_THERE = 0.7  # how far away it is that somebody who was out had been there

_DAY = ((0, 1440),)
_ALWAYS_OPEN: WeeklyHours = (_DAY, _DAY, _DAY, _DAY, _DAY, _DAY, _DAY)
_FREED = {
    Reason.AWAY: N_("If {name} had not been away"),
    Reason.FULL: N_("If {name} had not been full"),
    Reason.DAILY_CAP: N_("If {name} had not had all the leads of a day already"),
    Reason.CLOSED: N_("If {name} had been in working hours"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a lead. `person` only where the same pool is asked again, and its state is known."""

    route: Route
    level: ServiceLevel | None
    person: str | None = None

    def differs(self, other: Outcome) -> bool:
        """Whether anybody would notice: place, promise, next step or person."""
        return self.noticed() != other.noticed()

    def noticed(self) -> tuple[object, ...]:
        """What it is by which outcomes differ."""
        level = self.level.name if self.level else None
        return destination_of(self.route), level, self.route.next_step, self.person


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would have changed the outcome, or how near somebody else was.

    `step` is how far away it is (0 is nearest), `words` a sentence. `variation` and `outcome` say the
    same as data; both are None for what concerns people: then `person` is who would have had the lead,
    or who came second.
    """

    words: str
    step: float
    variation: Variation | None = None
    outcome: Outcome | None = None
    person: str | None = None


def nearest(
    book: Rulebook,
    lead: Lead,
    match: Match,
    now: datetime,
    trace: Mapping[str, Any],
    *,
    world: World | None = None,
    before: Standing | None = None,
) -> list[Change]:
    """At most five changes, the smallest first, each decided again.

    `book`, `lead` (news merged in), `match` and `now` are those of the decision, `trace` is its trace.
    `world` is the state just before it; without its ledgers nothing is said of who else would have
    been picked. `before` is how the lead stood if it was not new. Nothing is claimed of routes where
    what came did not decide where the lead is, as when it stays with whoever had it.
    """
    found = _second(book, trace)
    if _was_free(trace, before):
        asking = _Asking(book, lead, match, now, world, before.excluded if before else ())
        actual = _decide(asking, lead, match, None)
        if actual.route.name == trace["route"]["name"]:
            found += _by_facts(asking, actual, trace["deal"]["value"])
            found += _by_people(asking, actual, trace)
    return _shortlist(found)


def _shortlist(found: Sequence[Change]) -> list[Change]:
    """The nearest few; each outcome first by its nearest way, so that one outcome does not fill the list."""
    ordered = sorted(found, key=lambda change: change.step)
    first: list[Change] = []
    rest: list[Change] = []
    seen: set[object] = set()
    for change in ordered:
        outcome = change.outcome.noticed() if change.outcome else change.person
        (rest if outcome in seen else first).append(change)
        seen.add(outcome)
    return sorted((first + rest)[:MOST_CHANGES], key=lambda change: change.step)


def _was_free(trace: Mapping[str, Any], before: Standing | None) -> bool:
    """Whether the route alone decided where the lead went: it is new, or no person had it."""
    result = trace["result"]
    match result["outcome"]:
        case "placed":
            return True
        case "kept":
            # Kept by nobody: it stays in its program.
            return result["owner"] is None
        case "moved":
            # Without a rise in intent only a lead that nobody has is moved.
            return before.owner is None if before else Reason.INTENT_ROSE not in result["reasons"]
    return False


# ---------------------------------------------------------------- deciding again


@dataclass(frozen=True, slots=True)
class _Asking:
    """A decision that is asked about again and again.

    `picked` remembers who was picked, by what the pools ask of a lead.
    """

    book: Rulebook
    lead: Lead
    match: Match
    now: datetime
    world: World | None
    excluded: tuple[str, ...]
    picked: dict[tuple[Any, ...], str | None] = field(default_factory=dict)


def _decide(asking: _Asking, lead: Lead, match: Match, pool: str | None) -> Outcome:
    """The outcome for these facts; with the person if it goes to `pool`, or whichever pool for None."""
    book, facts = asking.book, _facts(asking, lead, match)
    route = choose_route(book.routes, facts, asking.now, {})
    level = None
    if route.kind in ("pool", "owner", "review"):
        if route.service_level:
            level = book.promise.by_name[route.service_level]
        else:
            row, _failed = first_that_holds(book.promise.checks, facts)
            level = book.promise.levels[row] if row is not None else None
    person = None
    if route.kind == "pool" and pool in (None, route.target):
        person = _picked_once(asking, facts, route.target)
    return Outcome(route, level, person)


def _facts(asking: _Asking, lead: Lead, match: Match) -> dict[str, Any]:
    facts = fold(lead.fields)
    qualify(asking.book.qualify, lead, facts, asking.now, {})
    facts["relationship"] = match.relationship
    return facts


def _picked_once(asking: _Asking, facts: Mapping[str, Any], pool: str) -> str | None:
    pools = (asking.book.policy.pools[name] for name in sorted(asking.book.with_backups(pool)))
    asked = (name for one in pools for _attribute, name in (*one.require, *one.prefer))
    key = (pool, *(facts.get(name) for name in asked))
    if key not in asking.picked:
        asking.picked[key] = _pick(asking, asking.book, facts, pool)
    return asking.picked[key]


def _pick(asking: _Asking, book: Rulebook, facts: Mapping[str, Any], pool: str) -> str | None:
    """Who is picked from a pool in the state of the world then. None: nobody, or not known."""
    world = asking.world
    if world is None or pool not in world.ledgers:
        return None
    ledgers = {
        name: Ledger(dict(ledger.balances), dict(ledger.last), ledger.picks)
        for name, ledger in world.ledgers.items()
    }
    hands = open_hands(ledgers, world.loads, book.roster)
    question = Question(facts, asking.excluded, asking.now)
    try:
        person, _pool = pick_from_pools(book.benches, book.roster, book.calendars, hands, pool, question, [])
    except PoolsNeeded:
        return None
    return person


# ---------------------------------------------------------------- one fact of the lead


def _by_facts(asking: _Asking, actual: Outcome, deal_value: float | None) -> list[Change]:
    pool = actual.route.target if actual.route.kind == "pool" else ""
    best: dict[tuple[object, ...], Change] = {}
    given = (asking.book, asking.lead, asking.match, asking.now)
    for variation in variations(*given, deal_value):
        outcome = _decide(asking, variation.lead, variation.match, pool)
        if outcome.person is None or variation.value == ANOTHER:
            # Not asked, or not known for every value: then nothing is claimed of the person.
            same = destination_of(outcome.route) == destination_of(actual.route)
            outcome = replace(outcome, person=actual.person if same else None)
        if not outcome.differs(actual):
            continue
        key = (variation.kind, variation.fact, *outcome.noticed())
        if key not in best or variation.step < best[key].step:
            words = _sentence(variation.words, _outcome_words(asking, actual, outcome))
            best[key] = Change(words, variation.step, variation, outcome)
    return list(best.values())


def _sentence(condition: str, outcome: str) -> str:
    return _("{condition}, {outcome}.").format(condition=condition, outcome=outcome)


def _outcome_words(asking: _Asking, actual: Outcome, outcome: Outcome) -> str:
    """The first of place, person, promise and next step that would have been another."""
    route = outcome.route
    values = {"route": route.name, "destination": destination_words(route)}
    if destination_of(route) != destination_of(actual.route):
        return _("it would have gone by route {route} → {destination}").format(**values)
    if outcome.person != actual.person:
        person = person_words(asking.book.roster, outcome.person)
        return _("{name} would have had it").format(name=person)
    if outcome.level != actual.level:
        if outcome.level is None:
            return _("there would have been no promise")
        duration = duration_words(outcome.level.respond_within)
        text = _("the promise would have been {level}, to respond within {duration}")
        return text.format(level=outcome.level.name, duration=duration)
    text = _("it would have gone by route {route} to the same place, with the next step {next_step}")
    return text.format(route=route.name, next_step=route.next_step or _("Respond"))


# ---------------------------------------------------------------- people


def _second(book: Rulebook, trace: Mapping[str, Any]) -> list[Change]:
    """Who came second in the pick that gave the lead its person, and by how much."""
    step = next((step for step in trace.get("pick", ()) if step.get("chosen")), None)
    if step is None or len(step["running"]) < 2:
        return []
    chosen = step["running"].index(step["chosen"])
    others = [i for i in range(len(step["running"])) if i != chosen]
    if "balances" in step:
        second = max(others, key=lambda i: step["balances"][i])
        behind = step["balances"][chosen] - step["balances"][second]
        words = _turns_behind(behind)
        gap, amount = behind / ONE, turns_words(behind)
    else:
        weights = [_weight(book, id_) for id_ in step["running"]]
        second = min(others, key=lambda i: step["open"][i] / weights[i])
        more = step["open"][second] - step["open"][chosen]
        if weights[second] != weights[chosen] or more <= 0:
            return []
        words = ngettext(
            "{second} was next: {amount} open lead more than {chosen}.",
            "{second} was next: {amount} open leads more than {chosen}.",
            more,
        )
        gap, amount = more / 10, str(more)
    names = {
        "second": person_words(book.roster, step["running"][second]),
        "chosen": person_words(book.roster, step["chosen"]),
    }
    reason = reason_words(step["by"])
    text = words.format(**names, amount=amount, reason=reason)
    return [Change(text, gap, person=step["running"][second])]


def _turns_behind(behind: int) -> str:
    if behind == 0:
        return _("{second} was level with {chosen}. What decided: {reason}.")
    if behind < ONE // 200:
        return _("{second} was less than a hundredth of a turn behind {chosen}.")
    if behind > ONE:
        return _("{second} was {amount} turns behind {chosen}.")
    return _("{second} was {amount} of a turn behind {chosen}.")


def _weight(book: Rulebook, person: str) -> float:
    known = book.roster.people.get(person)
    return known.weight if known else 1


def _by_people(asking: _Asking, actual: Outcome, trace: Mapping[str, Any]) -> list[Change]:
    """Who was out, and would have had the lead had they been there."""
    if actual.route.kind != "pool" or asking.world is None:
        return []
    step, facts = trace["pick"][0], _facts(asking, asking.lead, asking.match)
    found = []
    for reason, condition in _FREED.items():
        for person in _most_due(asking.world, step["pool"], step["excluded"].get(str(reason), ())):
            freed = _without_hindrance(asking, person, reason)
            if person == _pick(freed, freed.book, facts, step["pool"]):
                name = person_words(asking.book.roster, person)
                words = _sentence(_(condition).format(name=name), _("the lead would have gone to them"))
                found.append(Change(words, _BEING_THERE, person=person))
    return found


def _most_due(world: World, pool: str, people: Sequence[str]) -> list[str]:
    balances = world.ledgers[pool].balances if pool in world.ledgers else {}
    known = [id_ for id_ in people if id_ in world.loads]
    return sorted(known, key=lambda id_: (-balances.get(id_, 0), id_))[:MOST_FREED]


def _without_hindrance(asking: _Asking, id_: str, reason: Reason) -> _Asking:
    """The same question, had one thing not kept this person from taking the lead."""
    book, world = asking.book, asking.world or World()
    person, load = book.roster.people[id_], world.loads.get(id_, Load())
    if reason is Reason.FULL or reason is Reason.DAILY_CAP:
        room = replace(load, open=0) if reason is Reason.FULL else replace(load, today=0)
        return replace(asking, world=replace(world, loads={**world.loads, id_: room}))
    if reason is Reason.CLOSED:
        always = Calendar(_ALWAYS_OPEN, book.calendars[id_].zone)
        return replace(asking, book=replace(book, calendars={**book.calendars, id_: always}))
    people = {**book.roster.people, id_: replace(person, away=())}
    return replace(asking, book=replace(book, roster=replace(book.roster, people=people)))
