"""What in a policy is legal, but probably not meant? Rows that never count, names that nothing uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from leadlane.core.conditions import ALWAYS
from leadlane.core.facts import DERIVED_FIELDS, FITS, INTENTS, LEAD_FIELDS, RELATIONSHIPS, FieldSpec
from leadlane.core.policy import Policy, Route
from leadlane.i18n import _
from leadlane.policy.logic import Domain, Row, Table
from leadlane.policy.problems import Code, Finding
from leadlane.policy.yaml import Path


def suspicions(policy: Policy) -> list[Finding]:
    """Warnings about a policy that has no errors; paths are into its document."""
    domains = domains_of(policy)
    return [
        *_doubled_signals(policy),
        *_outbid_signals(policy),
        *_unreachable_fit(policy),
        *_rows(policy, domains),
        *_unplanned(policy, domains),
        *_unowned_segments(policy),
        *_unused(policy),
    ]


def domains_of(policy: Policy) -> dict[str, Domain]:
    """The values that each field of a lead can have under a policy."""
    specs: dict[str, FieldSpec] = {**LEAD_FIELDS, **DERIVED_FIELDS, **policy.fields}
    domains = {name: Domain(spec) for name, spec in specs.items()}
    # A lead without a signal that counts has low intent.
    levels = tuple(level for level in INTENTS if policy.intent[level] or level == "low")
    signals = tuple(dict.fromkeys(item.signal for level in INTENTS for item in policy.intent[level]))
    teams = tuple(dict.fromkeys(segment.team for segment in policy.segments if segment.team))
    named = {
        "segment": tuple(segment.name for segment in policy.segments),
        "team": teams,
        "deal_band": tuple(band.name for band in policy.deal_bands),
        "signal": signals,
    }
    domains |= {name: Domain(specs[name], values) for name, values in named.items()}
    always = {"intent": levels, "fit": _fits(policy), "relationship": RELATIONSHIPS}
    return domains | {name: Domain(specs[name], values, always=True) for name, values in always.items()}


def _score_bounds(policy: Policy) -> tuple[float, float]:
    points = [row.points for row in policy.fit]
    return sum(p for p in points if p < 0), sum(p for p in points if p > 0)


def _fits(policy: Policy) -> tuple[str, ...]:
    lowest, highest = _score_bounds(policy)
    possible = {"strong": highest >= policy.strong_at, "weak": lowest < policy.strong_at}
    return tuple(fit for fit in FITS if possible[fit])


def _warning(path: Path, code: Code, found: str, expected: str = "", at_key: bool = False) -> Finding:
    return Finding(path, code, found, expected, severity="warning", at_key=at_key)


# ---------------------------------------------------------------- qualify


def _doubled_signals(policy: Policy) -> Iterator[Finding]:
    for level in INTENTS:
        seen: set[str] = set()
        for i, item in enumerate(policy.intent[level]):
            if item.signal in seen:
                found = _("the signal “{signal}” a second time in this level").format(signal=item.signal)
                yield _warning(("intent", level, i), "duplicate_signal", found, _("each signal once"))
            seen.add(item.signal)


def _outbid_signals(policy: Policy) -> Iterator[Finding]:
    """A level that asks for as many of a signal as a higher one, or more, is never reached by it."""
    for rank, level in enumerate(INTENTS):
        for i, item in enumerate(policy.intent[level]):
            for higher in INTENTS[:rank]:
                if any(o.signal == item.signal and o.count <= item.count for o in policy.intent[higher]):
                    found = _("{n} × “{signal}”, which is intent {level} already")
                    found = found.format(n=item.count, signal=item.signal, level=higher)
                    yield _warning(("intent", level, i), "unreachable", found, _("fewer of them than above"))
                    break


def _unreachable_fit(policy: Policy) -> Iterator[Finding]:
    lowest, highest = _score_bounds(policy)
    if not policy.fit:
        return
    if highest < policy.strong_at:
        found = _("a score of {score} for a strong fit; all rows together give {highest}")
        found = found.format(score=policy.strong_at, highest=highest)
        yield _warning(("fit", "strong_at"), "never_holds", found, _("a score that leads can reach"))
    elif lowest >= policy.strong_at:
        found = _("a score of {score} for a strong fit, which every lead has").format(score=policy.strong_at)
        yield _warning(("fit", "strong_at"), "never_holds", found, _("a score that some leads do not reach"))


def _unowned_segments(policy: Policy) -> Iterator[Finding]:
    for i, segment in enumerate(policy.segments):
        if segment.team is None:
            found = _("the segment “{name}”, which no team owns").format(name=segment.name)
            yield _warning(("segments", i), "unowned_segment", found, _("`team: ID`"))


# ---------------------------------------------------------------- rows that never count


def _sections(policy: Policy) -> Iterator[tuple[str, list[Row]]]:
    yield "segments", [Row(segment.name, segment.when) for segment in policy.segments]
    yield "deal_value", [Row(str(i + 1), row.when) for i, row in enumerate(policy.deal_values)]
    yield "deal_bands", [Row(band.name, band.when) for band in policy.deal_bands]
    yield "routes", _route_rows(policy.routes)
    yield "service_levels", [Row(level.name, level.when) for level in policy.service_levels]


def _route_rows(routes: Iterable[Route]) -> list[Row]:
    return [Row(route.name, route.when, route.first_day, route.last_day) for route in routes]


def _rows(policy: Policy, domains: Mapping[str, Domain]) -> Iterator[Finding]:
    for i in Table([Row(row.name, row.when) for row in policy.fit], domains).never_hold():
        yield _never(("fit", "points", i))
    named = {route.service_level for route in policy.routes}
    for section, rows in _sections(policy):
        table = Table(rows, domains)
        yield from (_never((section, i)) for i in table.never_hold())
        for i, winners in table.always_beaten().items():
            # A row without conditions at the end is there for safety; and what is named needs no condition.
            safety_net = i == len(rows) - 1 and rows[i].when == ALWAYS
            if not safety_net and not (section == "service_levels" and rows[i].name in named):
                yield _beaten((section, i), rows, winners)


def _never(path: Path) -> Finding:
    found = _("a row whose condition no lead can fulfil")
    return _warning((*path, "when"), "never_holds", found, _("tests that can hold together"), at_key=True)


def _beaten(path: Path, rows: Sequence[Row], winners: Sequence[int]) -> Finding:
    names = ", ".join(f"“{rows[j].name}”" for j in winners)
    found = _("a row that is never reached: earlier ones take every lead that it could take ({names})")
    expected = _("a place before them, or another condition")
    return _warning(path, "unreachable", found.format(names=names), expected)


def _unplanned(policy: Policy, domains: Mapping[str, Domain]) -> Iterator[Finding]:
    """Values, and combinations of intent and fit, for which there is only the last route."""
    rows = _route_rows(policy.routes[:-1])
    if not rows:
        return
    choices = [name for name, spec in policy.fields.items() if spec.type == "choice"]
    fields = ["intent", "fit", "relationship", *choices]
    table = Table(rows, domains, fields)
    last: Path = ("routes", len(policy.routes) - 1)
    expected = _("a route for these leads, if they need one")
    alone = {(name, value) for name in fields for (value,) in table.untaken([name])}
    for name, value in sorted(alone):
        found = _("no route but the last for {field} “{value}”").format(field=name, value=value)
        yield _warning(last, "unplanned", found, expected)
    for intent, fit in table.untaken(["intent", "fit"]):
        if ("intent", intent) not in alone and ("fit", fit) not in alone:
            found = _("no route but the last for intent “{intent}” with fit “{fit}”")
            yield _warning(last, "unplanned", found.format(intent=intent, fit=fit), expected)


# ---------------------------------------------------------------- names that nothing uses


def _unused(policy: Policy) -> Iterator[Finding]:
    pools = pools_reached(policy)
    programs = {route.target for route in policy.routes if route.kind == "program"}
    chases = {level.chase for level in policy.service_levels}
    for name in policy.pools.keys() - pools:
        yield _idle(("pools", name), _("the pool “{name}”, to which no route leads").format(name=name))
    for name in policy.programs.keys() - programs:
        yield _idle(("programs", name), _("the program “{name}”, to which no route leads").format(name=name))
    for name in policy.chases.keys() - chases:
        yield _idle(("chases", name), _("the chase “{name}”, which no service level has").format(name=name))

    for i, route in enumerate(policy.routes):
        if route.service_level is not None and route.kind in ("program", "disqualify"):
            found = _("a service level on a route that leads to no person")
            yield _idle(("routes", i, "service_level"), found)


def _idle(path: Path, found: str) -> Finding:
    return _warning(path, "unused", found, at_key=True)


def pools_reached(policy: Policy) -> set[str]:
    """The pools that routes lead to, and those that back these up."""
    reached: set[str] = set()
    waiting = [route.target for route in policy.routes if route.kind in ("pool", "review")]
    while waiting:
        name = waiting.pop()
        backup = policy.pools[name].backup_pool
        if name not in reached and backup:
            waiting.append(backup)
        reached.add(name)
    return reached
