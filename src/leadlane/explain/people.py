"""Who was considered, why not the others, and what was promised? The second part of an explanation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from leadlane.core.policy import ServiceLevel
from leadlane.core.trace import Reason
from leadlane.explain.conditions import failure_words, holding_words
from leadlane.explain.explanation import Line, Section, failed, info, ok
from leadlane.explain.reasons import reason_words
from leadlane.explain.speech import MOST_NAMES, people_words, turns_words
from leadlane.explain.story import Story
from leadlane.i18n import N_, _, ngettext
from leadlane.policy.words import duration_words, field_words, number_words

_METHODS = {
    "round_robin": N_("in turn"),
    "weighted": N_("in turn by weight"),
    "least_open": N_("whoever has the fewest open leads"),
}


def pool_section(story: Story, step: Mapping[str, Any]) -> Section:
    """One pool that was asked: everyone in it, and what became of each."""
    pool, method = step["pool"], _(_METHODS[step["method"]])
    excluded = {Reason(code): people for code, people in step["excluded"].items()}
    less_suited = excluded.pop(Reason.NOT_PREFERRED, [])
    lines: list[Line] = []
    for reason, people in excluded.items():
        lines.extend(_excluded_lines(story, pool, reason, people))
    if step["off_hours"]:
        lines.append(info(_("Nobody who could take it is working now: those whose hours open first stay.")))
    lines.extend(_preference_lines(story, step["preferred"]))
    lines.extend(_excluded_lines(story, pool, Reason.NOT_PREFERRED, less_suited))
    lines.extend(_running_lines(story, step))
    if not step["running"]:
        lines.append(failed(_("Nobody in this pool can take the lead.")))
    heading = _("Who was considered: pool {pool}, {method}")
    return Section(f"pool:{pool}", heading.format(pool=pool, method=method), tuple(lines))


def _excluded_lines(story: Story, pool: str, reason: Reason, people: Sequence[str]) -> Iterator[Line]:
    if len(people) > MOST_NAMES:
        yield failed(people_words(story.roster, people), reason_words(reason))
        return
    for person in people:
        yield failed(story.person(person), _excluded_detail(story, pool, reason, person))


def _excluded_detail(story: Story, pool: str, reason: Reason, person_id: str) -> str:
    """The reason with what the roster says about it; the roster is the one of the decision."""
    person, now = story.roster.people.get(person_id), story.decided_at
    if person is None:
        return reason_words(reason)
    if reason is Reason.AWAY:
        away = next((away for away in person.away if away.start <= now < away.until), None)
        if away is not None:
            return _away_words(story, away.until, away.reason)
    if reason is Reason.FULL and person.max_open is not None:
        return _("full: {n} open leads at most").format(n=number_words(person.max_open))
    if reason is Reason.DAILY_CAP and person.per_day is not None:
        return _("has had the {n} leads of a day").format(n=number_words(person.per_day))
    if reason is Reason.REQUIREMENT:
        return _requirement_words(story, pool)
    return reason_words(reason)


def _away_words(story: Story, until: Any, why: str) -> str:
    if why:
        return _("away until {until}: {reason}").format(until=story.moment(until), reason=why)
    return _("away until {until}").format(until=story.moment(until))


def _requirement_words(story: Story, pool: str) -> str:
    facts, pairs = story.derived(), story.policy.pools[pool].require
    wanted = [
        _("{attribute} with {value}").format(
            attribute=field_words(attribute), value=facts.words(lead_field, facts.shown.get(lead_field))
        )
        for attribute, lead_field in pairs
        if lead_field in facts.folded
    ]
    return _("does not meet what the pool requires: {wanted}").format(wanted=", ".join(wanted))


def _preference_lines(story: Story, preferred: Sequence[Sequence[str]]) -> Iterator[Line]:
    facts = story.derived()
    for attribute, lead_field, what in preferred:
        values = {
            "attribute": field_words(attribute),
            "field": field_words(lead_field),
            "value": facts.words(lead_field, facts.shown.get(lead_field)),
        }
        if what == "narrowed":
            yield ok(_("Preferred: people whose {attribute} match the {field} {value}.").format(**values))
        elif what == "nobody":
            text = _("No preference by {attribute}: nobody left has the {field} {value}.")
            yield info(text.format(**values))
        else:
            yield info(_("No preference by {attribute}: the {field} is not known.").format(**values))


def _running_lines(story: Story, step: Mapping[str, Any]) -> Iterator[Line]:
    running, chosen = step["running"], step.get("chosen")
    if chosen is None:
        return
    for position in _shown(running, chosen, _merit(story, step)):
        line = ok if running[position] == chosen else info
        yield line(story.person(running[position]), _standing_words(step, position))
    if (others := len(running) - MOST_NAMES) > 0:
        text = ngettext("and {n} other in the running", "and {n} others in the running", others)
        yield info(text.format(n=number_words(others)))
    text = _("{name} was chosen: {reason}.")
    yield ok(text.format(name=story.person(chosen), reason=reason_words(step["by"])))


def _merit(story: Story, step: Mapping[str, Any]) -> list[Fraction]:
    """How near each one was to being chosen: more is nearer."""
    if "balances" in step:
        return [Fraction(balance) for balance in step["balances"]]
    people = story.roster.people
    weights = [people[id_].weight if id_ in people else 1 for id_ in step["running"]]
    return [-Fraction(n) / Fraction(str(w)) for n, w in zip(step["open"], weights, strict=True)]


def _shown(running: Sequence[str], chosen: str, merit: Sequence[Fraction]) -> list[int]:
    """Positions of those to show, best first: the chosen one, then the highest of the others."""
    order = sorted(range(len(running)), key=lambda i: (running[i] != chosen, -merit[i], running[i]))
    return order[:MOST_NAMES]


def _standing_words(step: Mapping[str, Any], position: int) -> str:
    if "balances" in step:
        return _("balance {turns}").format(turns=turns_words(step["balances"][position]))
    open_leads = step["open"][position]
    text = ngettext("{n} open lead", "{n} open leads", open_leads)
    return text.format(n=number_words(open_leads))


def owner_section(story: Story) -> Section:
    """A route that leads to an owner: who that is, and who covers while they are out."""
    owner = story.trace["owner"]
    name = story.person(owner["owner"])
    if owner["of"] == "open_lead":
        text = _("{name} works the other lead of this company, so this one is theirs too.")
    else:
        text = _("{name} owns the account. No rule overrides that.")
    lines = [ok(text.format(name=name))]
    passed = _("would be the next to cover, but is out too")
    lines += [failed(story.person(id_), passed) for id_ in owner["passed"]]
    reasons = story.trace["result"]["reasons"]
    if owner["covered_by"]:
        cover = story.person(owner["covered_by"])
        text = _("{name} is out, so {cover} covers. {name} stays the owner and gets the lead back on return.")
        lines.append(ok(text.format(name=name, cover=cover)))
    elif Reason.NOBODY_COVERS in reasons:
        text = _("{name} is out, and nobody covers: the manager has been told.")
        lines.append(failed(text.format(name=name)))
    return Section("owner", _("Who takes it: {name}").format(name=name), tuple(lines))


def promise_section(story: Story) -> Section:
    """Which service level holds, from when it counts, and by when the prospect hears from us."""
    promise = story.trace.get("promise")
    if promise is None:
        return Section("promise", _("By when: no promise"), (info(_no_promise(story)),))
    levels = {level.name: level for level in story.policy.service_levels}
    level, facts = levels[promise["service_level"]], story.derived()
    lines = [
        failed(tried.name, failure_words(tried.when, path, facts))
        for tried, path in zip(story.policy.service_levels, promise["failed"], strict=False)
    ]
    if promise["named_by_route"]:
        why = _("the route names this service level")
    else:
        why = holding_words(level.when, facts) or _("holds for whatever comes this far")
    lines.append(ok(level.name, why))
    if promise["respond_by"] is None:
        lines.append(failed(reason_words(Reason.NO_WORKING_TIME)))
        return Section("promise", _("By when: cannot be said"), tuple(lines))
    lines.append(info(_counted_words(story, promise, level)))
    due = story.moment(promise["respond_by"])
    heading = _("By when: {due} ({zone})").format(due=due, zone=story.zone.key)
    return Section("promise", heading, tuple(lines))


def _counted_words(story: Story, promise: Mapping[str, Any], level: ServiceLevel) -> str:
    result = story.trace["result"]
    values = {
        "duration": duration_words(level.respond_within),
        "start": story.moment(promise["counted_from"]),
        "due": story.moment(promise["respond_by"]),
        "name": story.person(result["covered_by"] or result["owner"]),
    }
    if level.respond_within.business:
        text = _("Respond within {duration}, counted from {start} in the working hours of {name}: by {due}.")
    else:
        text = _("Respond within {duration}, counted from {start}: by {due}.")
    return text.format(**values)


def _no_promise(story: Story) -> str:
    result = story.trace["result"]
    if result["owner"] is None:
        return _("No person has this lead, so there is nobody to respond.")
    if "promise" not in story.trace:
        return _("What was promised before stays as it was.")
    return _("No service level of the policy holds for it.")
