"""Which segments do better elsewhere, and which sources are poor whoever works them?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from leadlane.i18n import _
from leadlane.insight import say
from leadlane.insight.costs import Cost, Factor
from leadlane.insight.findings import Finding, Proposal, key_of
from leadlane.insight.moves import Move, Pair
from leadlane.insight.proportions import Estimate, wilson
from leadlane.insight.section import Grid, Row
from leadlane.insight.sources import PoorSource
from leadlane.policy.edit import Edit
from leadlane.service.review_basis import Basis


def conversion_findings(basis: Basis) -> list[Finding]:
    """What the conversion of segments by team, and of sources, shows."""
    report = basis.conversion
    return [
        *_moves(basis, report.moves),
        *(_source(basis, one) for one in report.poor_sources),
    ]


# ---------------------------------------------------------------- segments


def _moves(basis: Basis, moves: Sequence[Move]) -> Iterator[Finding]:
    """Each segment with the team that does best with it, once."""
    seen: set[str] = set()
    for one in moves:
        if one.segment not in seen:
            seen.add(one.segment)
            yield _move(basis, one)


def _move(basis: Basis, one: Move) -> Finding:
    team, other = (team_name(basis, name) for name in (one.team, one.other))
    concerned = _leads_of(basis, one.segment, one.other)
    title = _("The segment “{segment}” does better with {team}").format(segment=one.segment, team=team)
    return Finding(
        key_of("segment", one.segment, one.team),
        "segment",
        title,
        _move_words(one, team, other),
        1 - one.q,
        concerned,
        one.gap,
        basis.of_wins(concerned, one.gap),
        [_pair_grid(one.counts, team, other)],
        _proposal(basis, one, team),
        one.q,
    )


def _leads_of(basis: Basis, segment: str, team: str) -> int:
    """The leads of a segment that a team had in the period, decided or not."""
    found = np.ones(basis.leads.count, dtype=bool)
    for role, name in (("segment", segment), ("team", team)):
        group = basis.leads.groups[role]
        found &= group.codes == (group.names.index(name) if name in group.names else -2)
    return int(found.sum())


def _move_words(one: Move, team: str, other: str) -> list[str]:
    text = _(
        "Among leads of it that are alike, the shares won by {team} and {other} differ by {gap} points "
        "({low} to {high})."
    )
    said = [_gap(text, one.gap, team=team, other=other)]
    if one.elsewhere is not None:
        text = _("In other segments the two differ by {gap} points ({low} to {high}).")
        said.append(_gap(text, one.elsewhere))
    said.append(_("That is an association: the teams may also differ in what no figure tells apart."))
    return said


def _gap(text: str, gap: Estimate, **names: str) -> str:
    return text.format(gap=say.points(gap.value), low=say.points(gap.low), high=say.points(gap.high), **names)


def _pair_grid(pair: Pair, one: str, other: str) -> Grid:
    sides = ((one, pair.won, pair.count), (other, pair.other_won, pair.other_count))
    rows = [
        Row([name, say.number(count), say.number(won), say.share(wilson(won, count))])
        for name, won, count in sides
    ]
    return Grid(["", _("leads"), _("won"), _("share")], rows, _("Won or lost leads of the last year"))


def _proposal(basis: Basis, one: Move, team: str) -> Proposal | None:
    """To give the segment to that team; None where it is theirs, or no longer in the policy."""
    segment = next((each for each in basis.book.policy.segments if each.name == one.segment), None)
    if segment is None or segment.team == one.team:
        return None
    says = [_("Pools that prefer people of the segment's team choose others then.")]
    if not _is_heeded(basis):
        says = [_("No pool heeds the team of a segment: let pools prefer `teams: team` besides.")]
    title = _("Give the segment “{segment}” to {team}").format(segment=one.segment, team=team)
    edit = Edit("set", ("segments", one.segment, "team"), one.team)
    return Proposal(title, says, (edit,), between=(one.other, one.team))


def _is_heeded(basis: Basis) -> bool:
    return any(
        lead_field == "team"
        for pool in basis.book.policy.pools.values()
        for _attribute, lead_field in (*pool.prefer, *pool.require)
    )


def team_name(basis: Basis, team: str) -> str:
    """What a team is called."""
    known = basis.book.roster.teams.get(team)
    return known.name if known and known.name else team


# ---------------------------------------------------------------- sources


def _source(basis: Basis, one: PoorSource) -> Finding:
    share = wilson(one.counts.won, one.counts.count)
    group = basis.leads.groups["source"]
    leads = int((group.codes == group.names.index(one.source)).sum())
    text = _(
        "Of its {count} leads that were won or lost {share} were won; among leads of the same owner it "
        "differs from other sources by {gap} points ({low} to {high})."
    )
    said = [
        _gap(text, one.gap, count=say.number(one.counts.count), share=say.percent(share.value)),
        _below_words(one),
        _("So it is a matter of where leads come from, not of who gets them: no routing would mend it."),
    ]
    return Finding(
        key_of("source", one.source),
        "source",
        _("The source “{source}” is poor whoever works it").format(source=one.source),
        said,
        1 - one.q,
        leads,
        one.gap,
        _wasted(basis, one, share, leads),
        [_pair_grid(one.counts, one.source, _("all others"))],
        q=one.q,
    )


def _below_words(one: PoorSource) -> str:
    text = _("{below} of {workers} owners with at least 30 of its leads win fewer of them than of others.")
    if one.by == "team":
        text = _("{below} of {workers} teams with at least 30 of its leads win fewer of them than of others.")
    return text.format(below=say.number(one.below), workers=say.number(one.workers))


def _wasted(basis: Basis, one: PoorSource, share: Estimate, leads: int) -> Cost:
    """The part of the price of its leads for which nothing comes that leads of other sources bring."""
    parts = [
        max(0.0, min(1.0, -gap / (share.value - gap)))
        for gap in (one.gap.high, one.gap.value, one.gap.low)
        if share.value - gap > 0
    ]
    low, middle, high = parts if len(parts) == 3 else (0.0, 0.0, 0.0)
    factor = Factor("wasted", low, middle, high)
    return Cost("price", (basis.a_quarter(leads), factor, basis.assumed["cost_per_lead"]))
