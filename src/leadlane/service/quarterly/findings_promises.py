"""Which promises should change, and who needs help to keep theirs?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from leadlane.core.policy import Duration
from leadlane.explain.service_levels import beyond_words, help_words
from leadlane.explain.speech import person_words
from leadlane.i18n import _
from leadlane.insight import say
from leadlane.insight.findings import Finding, Proposal, key_of
from leadlane.insight.groups import FALSE_SHARE, Flags, adjusted
from leadlane.insight.leads import Leads
from leadlane.insight.proportions import SMALL, Estimate
from leadlane.insight.response import Effect, effect
from leadlane.insight.section import Grid, Row
from leadlane.insight.service_levels import Coaching
from leadlane.policy.edit import Edit
from leadlane.policy.words import duration_words
from leadlane.service.quarterly.review_basis import Basis, less
from leadlane.service.reporting.service_levels import service_levels

_BUSINESS_DAY = 8 * 60
# Somebody with so many times the work of their colleagues has more than their share.
_MORE_WORK = 1.25
_SHARED_BY_WEIGHT = frozenset(("weighted", "least_open"))


def promise_findings(basis: Basis) -> list[Finding]:
    """Promises that are too slow to win, and people who miss theirs more than others miss comparable ones."""
    report = service_levels(basis.connection, basis.book, basis.period, basis.now)
    slow = list(_too_slow(basis)) or list(_slow_at_all(basis))
    return [*slow, *(_person(basis, one) for one in report.coaching)]


# ---------------------------------------------------------------- too slow a promise


def _too_slow(basis: Basis) -> Iterator[Finding]:
    """Service levels that allow more time than a fast response takes, where fast responses win more."""
    target = int(basis.assumed["fast_minutes"].middle)
    group = basis.year.groups["service_level"]
    tested: list[tuple[str, Effect]] = []
    for level in basis.book.policy.service_levels:
        if _minutes(level.respond_within) <= target or level.name not in group.names:
            continue
        leads = _since_asked(basis.year.only(np.equal(group.codes, group.names.index(level.name))))
        found = effect(leads, target * 60.0)
        if found is not None and min(found.fast.count, found.slow.count) >= SMALL:
            tested.append((level.name, found))
    for (name, found), q in zip(tested, adjusted([one.p for _name, one in tested]), strict=True):
        if q <= FALSE_SHARE and found.best.value > 0:
            yield _slow_finding(basis, name, found.corrected(q), target)


def _since_asked(leads: Leads) -> Leads:
    """The same leads, as if they had arrived when they were asked about last, as promises count."""
    instants = {**leads.instants, "arrived_at": leads.instants["asked_at"]}
    return replace(leads, instants=instants)


def _minutes(duration: Duration) -> int:
    """As minutes of elapsed or working time; a business day as one of eight hours."""
    is_day = duration.business and duration.unit == "days"
    return duration.amount * _BUSINESS_DAY if is_day else duration.minutes


def _slow_finding(basis: Basis, name: str, found: Effect, target: int) -> Finding:
    level = next(one for one in basis.book.policy.service_levels if one.name == name)
    # In working time, whatever it was in: nobody keeps a promise of minutes at night.
    wanted = f"{target} business minutes"
    late = _late(basis.leads, name, found.threshold)
    text = _(
        "Of leads with the service level “{name}” answered within {minutes}, {fast} were won; of those"
        " answered later, {slow}. Among like leads the two differ by {gap} points ({low} to {high})."
    )
    says = [
        text.format(
            name=name,
            minutes=say.span(found.threshold),
            fast=_share(found.fast.rate),
            slow=_share(found.slow.rate),
            gap=say.points(found.best.value),
            low=say.points(found.best.low),
            high=say.points(found.best.high),
        ),
        _("It promises an answer within {duration}.").format(duration=duration_words(level.respond_within)),
        _("That the fast ones are won for being fast is not proven: it goes together."),
    ]
    rows = [
        Row([label, say.number(one.count), say.number(one.won), _share(one.rate)])
        for label, one in ((_("fast"), found.fast), (_("later"), found.slow))
    ]
    grid = Grid(
        [_("response"), _("leads"), _("won"), _("share")],
        rows,
        _("Won or lost leads of the last year"),
    )
    proposal = Proposal(
        _("Promise an answer within {duration}").format(
            duration=duration_words(Duration(target, "minutes", business=True))
        ),
        [_("See first that there are people for it at these hours; the report on coverage says when.")],
        (Edit("set", ("service_levels", name, "respond_within"), wanted),),
    )
    return Finding(
        key_of("response", name),
        "response",
        _("Leads with the service level “{name}” wait too long").format(name=name),
        says,
        1 - found.q,
        late,
        found.best,
        basis.of_wins(late, found.best),
        [grid],
        proposal,
        found.q,
    )


def _late(leads: Leads, level: str, seconds: float) -> int:
    """Leads of a service level answered later than that."""
    return int((_of(leads, level) & _is_late(leads, seconds)).sum())


def _fast(leads: Leads, level: str, seconds: float) -> int:
    waited = leads.instants["responded_at"] - leads.instants["asked_at"]
    return int((_of(leads, level) & (waited <= seconds)).sum())


def _of(leads: Leads, level: str) -> Flags:
    group = leads.groups["service_level"]
    return np.equal(group.codes, group.names.index(level) if level in group.names else -2)


def _is_late(leads: Leads, seconds: float) -> Flags:
    """Those never answered are in neither side of the comparison: why they were not is not known."""
    waited = leads.instants["responded_at"] - leads.instants["asked_at"]
    return np.greater(waited, seconds)


def _slow_at_all(basis: Basis) -> Iterator[Finding]:
    """That slow answers go with fewer wins, where no one service level is shown to be too slow."""
    found = basis.effect
    if found is None or found.q > FALSE_SHARE or found.best.value <= 0:
        return
    leads, seconds = basis.leads, found.threshold
    # What a fast answer would bring where hardly any is fast, nothing shows.
    levels = [one.name for one in basis.book.policy.service_levels]
    known = [name for name in levels if _fast(basis.year, name, seconds) >= SMALL]
    late = sum(_late(leads, name, seconds) for name in known)
    text = _(
        "Of leads answered within {time}, {fast} were won; of those answered later, {slow}. Among like leads "
        "the two differ by {gap} points ({low} to {high})."
    )
    yield Finding(
        key_of("response", "all"),
        "response",
        _("Leads that are answered slowly are won less often"),
        [
            text.format(
                time=say.span(seconds),
                fast=_share(found.fast.rate),
                slow=_share(found.slow.rate),
                gap=say.points(found.best.value),
                low=say.points(found.best.low),
                high=say.points(found.best.high),
            ),
            _(
                "For no one service level is it shown that its promise is too slow: what can be mended is in "
                "the findings on hours, people and capacity."
            ),
            _("Money counts leads of {levels}: of others hardly any is answered so fast.").format(
                levels=say.names(known)
            ),
            _("That the fast ones are won for being fast is not proven: it goes together."),
        ],
        1 - found.q,
        late,
        found.best,
        basis.of_wins(late, found.best),
        [_late_grid(basis, seconds)],
        q=found.q,
    )


def _late_grid(basis: Basis, seconds: float) -> Grid:
    """Slow answers by service level, and how many of them the promise allowed."""
    leads = basis.leads
    late = _is_late(leads, seconds)
    kept = leads.instants["responded_at"] <= leads.instants["respond_by"]
    rows = []
    for level in basis.book.policy.service_levels:
        own = _of(leads, level.name)
        counts = (own, own & late, own & late & kept)
        cells = [level.name, duration_words(level.respond_within)]
        rows.append(Row([*cells, *(say.number(int(one.sum())) for one in counts)]))
    headings = [_("service level"), _("promise"), _("leads"), _("answered slowly"), _("within the promise")]
    return Grid(headings, rows, _("Slow answers, and those that the promise allowed"))


def _share(rate: Estimate | None) -> str:
    if rate is None:
        return "–"
    return _("{share}, few").format(share=say.share(rate)) if rate.count < SMALL else say.share(rate)


# ---------------------------------------------------------------- who misses


def _person(basis: Basis, one: Coaching) -> Finding:
    beyond = one.beyond
    name = person_words(basis.book.roster, one.person)
    excess = beyond.missed - beyond.expected * beyond.count
    return Finding(
        key_of("person", one.person),
        "person",
        _("{name} misses more promises than others do").format(name=name),
        [
            _("{name} {said}").format(name=name, said=beyond_words(beyond)),
            *help_words(one),
            _("This is for coaching: it says where help may begin, not why they were missed."),
        ],
        1 - beyond.q,
        beyond.missed,
        less(beyond.share, beyond.expected),
        basis.of_missed(excess),
        [_channels(one)] if one.channels else [],
        _less_work(basis, one),
        beyond.q,
    )


def _channels(one: Coaching) -> Grid:
    rows = [Row([channel, say.number(kept), say.number(count)]) for channel, kept, count in one.channels]
    return Grid([_("told by"), _("kept"), _("promises")], rows, _("Promises kept by how they were told"))


def _less_work(basis: Basis, one: Coaching) -> Proposal | None:
    """A smaller weight for somebody who has clearly more work than their colleagues."""
    if one.usual is None or one.promises < _MORE_WORK * one.usual:
        return None
    person, policy = basis.book.roster.people.get(one.person), basis.book.policy
    pools = [name for name, bench in basis.book.benches.items() if one.person in bench.ids]
    if person is None or not any(policy.pools[name].method in _SHARED_BY_WEIGHT for name in pools):
        return None
    weight = round(float(person.weight) * one.usual / one.promises, 2)
    if weight <= 0:
        return None
    text = _("Give {name} the weight {weight} instead of {before}")
    return Proposal(
        text.format(
            name=person.name, weight=say.number(weight, 2), before=say.number(float(person.weight), 2)
        ),
        [_("It is the weight at which they would have as much as their colleagues.")],
        roster=(Edit("set", ("people", one.person, "weight"), weight),),
    )
