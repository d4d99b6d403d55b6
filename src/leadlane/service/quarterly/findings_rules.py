"""Which rules should be removed, changed or added? From their use, and from what people decided otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from leadlane.core.rulebook import Rulebook
from leadlane.explain.speech import person_words
from leadlane.i18n import _, ngettext
from leadlane.insight import say
from leadlane.insight.findings import Finding, Proposal, key_of
from leadlane.insight.groups import Flags
from leadlane.insight.leads import Group
from leadlane.insight.proportions import wilson
from leadlane.insight.rules import LEAST, FellThrough, Rate, RouteUse, RulesReport
from leadlane.insight.section import Grid, Row
from leadlane.policy.edit import Edit
from leadlane.policy.words import field_words, value_words
from leadlane.service.quarterly.review_basis import Basis
from leadlane.service.reporting.report_kind import Asked
from leadlane.service.reporting.rules_report import rules_of
from leadlane.store import placed
from leadlane.store.placed import GivenBy

# People agree where leads go if so many of those that they placed went to one pool, and no fewer.
_AGREE, _LEAST_PLACED = 0.6, 3
_MOST_PLACED = 20_000
_MOST_VALUES = 5
# Routes that stand for a limit of automation wait for the day on which they are needed.
_KEPT_UNUSED = frozenset(("owner", "review", "disqualify"))


def rule_findings(basis: Basis) -> list[Finding]:
    """What the use of the rules shows."""
    report = rules_of(basis.connection, basis.book, Asked(basis.period, ""), basis.now)
    routes = [one.facts.name for one in report.overridden] + [report.last_route]
    given = placed.given_by_people(
        basis.connection, basis.period.since, basis.period.until, routes, _MOST_PLACED
    )
    return [
        *_unused(basis, report),
        *_overridden(basis, report.overridden, given),
        *_missing(basis, report, [one for one in given if one.route == report.last_route]),
    ]


# ---------------------------------------------------------------- unused


def _unused(basis: Basis, report: RulesReport) -> Iterator[Finding]:
    kinds = {route.name: route.kind for route in basis.book.policy.routes}
    for one in report.unused:
        state, since = one.facts.state, one.facts.since
        is_new = since is not None and since > basis.period.since
        if state == "ahead" or one.facts.name == report.last_route or not report.leads:
            continue
        if state == "in_force" and (is_new or kinds[one.facts.name] in _KEPT_UNUSED):
            continue
        yield _unused_finding(one, report.leads)


def _unused_finding(one: RouteUse, leads: int) -> Finding:
    name = one.facts.name
    most = wilson(0, leads)
    says = [_unused_words(one, leads)]
    if one.facts.state == "in_force":
        text = _("At most {share} of leads are such that it would be needed (95 % interval).")
        says.append(text.format(share=say.percent(most.high)))
    proposal = Proposal(
        _("Remove the route “{name}”").format(name=name),
        [_("Leads that it would have taken go to the first later route that holds.")],
        (Edit("remove", ("routes", name)),),
    )
    title = _("The route “{name}” is not used").format(name=name)
    return Finding(key_of("unused_route", name), "unused_route", title, says, 1.0, 0, most, proposal=proposal)


def _unused_words(one: RouteUse, leads: int) -> str:
    match one.facts.state:
        case "over":
            return _("Its days are over: it has placed none of the {n} leads of the period.").format(
                n=say.number(leads)
            )
        case "never_holds":
            return _("No lead can fulfil its condition.")
        case "unreachable":
            return _("Earlier routes take every lead that it could take.")
    return _("It was in force all the time, and placed none of the {n} leads of the period.").format(
        n=say.number(leads)
    )


# ---------------------------------------------------------------- overridden


def _overridden(basis: Basis, routes: Iterable[RouteUse], given: Sequence[GivenBy]) -> Iterator[Finding]:
    for one in routes:
        rates = (one.overridden, *one.by_kind.values())
        rate = min((rate for rate in rates if rate is not None and rate.is_found), key=lambda rate: rate.q)
        if rate.others is None:
            continue
        owners = _taken_out(basis.book, one.facts.name, given)
        title = _("People override the route “{name}”").format(name=one.facts.name)
        yield Finding(
            key_of("overridden_route", one.facts.name),
            "overridden_route",
            title,
            [_override_words(one, rate), *_given_words(basis.book, owners)],
            1 - rate.q,
            rate.hits,
            rate.share,
            basis.of_time(rate.hits - rate.others * rate.share.count),
            [_owners_grid(basis.book, owners)] if owners else [],
            _other_pool(basis.book, one, owners),
            rate.q,
        )


def _taken_out(book: Rulebook, name: str, given: Sequence[GivenBy]) -> Counter[str]:
    """Who has the leads of a route that people took out of its pool."""
    route = next((route for route in book.policy.routes if route.name == name), None)
    own = book.benches[route.target].ids if route is not None and route.target in book.benches else ()
    return Counter(lead.owner for lead in given if lead.route == name and lead.owner not in own)


def _override_words(one: RouteUse, rate: Rate) -> str:
    text = _("Of {count} leads, people handed over, declined or disputed {n}, {share}; of others {others}.")
    return text.format(
        count=say.number(one.leads),
        n=say.number(rate.hits),
        share=say.share(rate.share),
        others=say.percent(rate.others or 0.0),
    )


def _given_words(book: Rulebook, owners: Counter[str]) -> list[str]:
    if not owners:
        return []
    pool = _pool_of(book, owners, but="")
    if pool is None:
        return [_("Those whom people gave them to are of no one pool: a rule cannot say yet who is right.")]
    text = _("{n} of the {all} that people placed are now with somebody of the pool “{pool}”.")
    return [text.format(n=say.number(pool[1]), all=say.number(owners.total()), pool=pool[0])]


def _other_pool(book: Rulebook, one: RouteUse, owners: Counter[str]) -> Proposal | None:
    """To send them there at once where people send them; None where they agree on nothing else."""
    route = next((route for route in book.policy.routes if route.name == one.facts.name), None)
    if route is None or route.kind != "pool":
        return None
    found = _pool_of(book, owners, but=route.target)
    if found is None:
        return None
    name = one.facts.name
    return Proposal(
        _("Send the route “{name}” to the pool “{pool}”").format(name=name, pool=found[0]),
        [_("It is where people send them now, after a detour.")],
        (Edit("set", ("routes", name, "pool"), found[0]),),
    )


def _pool_of(book: Rulebook, owners: Counter[str], but: str) -> tuple[str, int] | None:
    """The pool that most of those are in whom people gave leads to, and how many leads; None without one.

    Of pools that have as many the smallest. None if they are mostly in the pool `but`, too.
    """
    if owners.total() < _LEAST_PLACED:
        return None
    counts = {
        name: sum(count for owner, count in owners.items() if owner in bench.ids)
        for name, bench in book.benches.items()
        if name != book.policy.review_pool
    }
    if not counts:
        return None
    best = min(counts, key=lambda name: (-counts[name], len(book.benches[name].ids), name))
    if counts[best] < _AGREE * owners.total() or counts.get(but, 0) >= counts[best]:
        return None
    return best, counts[best]


def _owners_grid(book: Rulebook, owners: Counter[str]) -> Grid:
    rows = [Row([person_words(book.roster, id_), say.number(count)]) for id_, count in owners.most_common(8)]
    return Grid([_("who has them now"), _("leads")], rows, _("Leads that people placed themselves"))


# ---------------------------------------------------------------- missing


def _missing(basis: Basis, report: RulesReport, given: Sequence[GivenBy]) -> Iterator[Finding]:
    for one in _by_themselves(basis, report):
        owners = Counter(lead.owner for lead in given if _value_of(lead, one.field) == _folded(one.value))
        words = _value_said(one)
        title = _("No route is written for leads whose {field} is {value}")
        if one.value is None:
            title = _("No route is written for leads without {field}")
        yield Finding(
            key_of("missing_route", one.field, one.value or ""),
            "missing_route",
            title.format(field=field_words(one.field), value=words),
            [_fell_words(one, report.last_route), *_given_words(basis.book, owners)],
            1 - one.rate.q,
            one.rate.hits,
            one.effect,
            basis.of_time(one.rate.hits),
            [_owners_grid(basis.book, owners)] if owners else [],
            _new_route(basis.book, report, one, owners),
            one.rate.q,
        )


def _by_themselves(basis: Basis, report: RulesReport) -> list[FellThrough]:
    """The values without a rule, the surest first, less those that only go together with one before them."""
    groups = basis.leads.groups
    left = np.ones(basis.leads.count, dtype=bool)
    fell = _has(groups["route"], report.last_route)
    kept: list[FellThrough] = []
    for one in report.missing:
        if one.field not in groups or len(kept) == _MOST_VALUES:
            continue
        own = _has(groups[one.field], one.value) & left
        if (own & fell).sum() >= LEAST and (own & fell).sum() / own.sum() > (one.rate.others or 0.0):
            kept.append(one)
            left &= ~own
    return kept


def _has(group: Group, value: str | None) -> Flags:
    """Which leads have a value; without one, which have none."""
    number = -1 if value is None else group.names.index(value) if value in group.names else -2
    return np.equal(group.codes, number)


def _fell_words(one: FellThrough, last: str) -> str:
    text = ngettext(
        "Only the last route, “{last}”, took {n} of {count}, {share}: {more} points against others.",
        "Only the last route, “{last}”, took {n} of {count}, {share}: {more} points against others.",
        one.rate.hits,
    )
    return text.format(
        last=last,
        n=say.number(one.rate.hits),
        count=say.number(one.rate.share.count),
        share=say.share(one.rate.share),
        more=say.points(one.effect.value),
    )


def _new_route(
    book: Rulebook, report: RulesReport, one: FellThrough, owners: Counter[str]
) -> Proposal | None:
    """A route before the last one, to the pool where people placed such leads."""
    found = _pool_of(book, owners, but="")
    if found is None:
        return None
    name = _unused_name(book, f"{one.field}-{one.value or 'unknown'}".replace("_", "-").replace(" ", "-"))
    test: Any = {"missing": True} if one.value is None else [one.value]
    route = {"name": name, "when": {one.field: test}, "pool": found[0]}
    return Proposal(
        _("Add a route to the pool “{pool}” before the last one").format(pool=found[0]),
        [_("It takes only leads that no other route takes: nothing else changes.")],
        (Edit("insert", ("routes", report.last_route), route),),
    )


def _unused_name(book: Rulebook, name: str) -> str:
    taken = {route.name for route in book.policy.routes}
    found, number = name, 2
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def _value_of(lead: GivenBy, field: str) -> str | None:
    if field in ("segment", "intent", "fit", "deal_band", "relationship"):
        return _folded(getattr(lead, field))
    value = lead.fields.get(field)
    return _folded(value if isinstance(value, str) else None)


def _folded(value: str | None) -> str | None:
    return value.casefold() if value else None


def _value_said(one: FellThrough) -> str:
    return value_words(one.field, one.value) if one.value is not None else ""
