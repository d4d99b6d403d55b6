"""Which segments do better elsewhere, and which sources are poor whoever works them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leadlane.core.policy import Pool
from leadlane.i18n import _
from leadlane.insight import say
from leadlane.insight.costs import Cost, Factor
from leadlane.insight.findings import Finding, Proposal, key_of
from leadlane.insight.groups import Flags
from leadlane.insight.leads import Leads
from leadlane.insight.moves import Move, Pair
from leadlane.insight.proportions import Estimate, wilson
from leadlane.insight.section import Grid, Row
from leadlane.insight.sources import PoorSource
from leadlane.policy.edit import Edit
from leadlane.service.quarterly.review_basis import Basis


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
    stake = _stake(basis, one)
    title = _("The segment “{segment}” does better with {team}").format(segment=one.segment, team=team)
    return Finding(
        key_of("segment", one.segment, one.team),
        "segment",
        title,
        _move_words(one, team, other),
        1 - one.q,
        stake.leads,
        one.gap,
        basis.of_wins(stake.leads, stake.gap) if stake.leads else None,
        [_teams_grid(basis, one)],
        _proposal(basis, one, team, stake),
        one.q,
    )


@dataclass(frozen=True, slots=True)
class _Stake:
    """So many leads of the period could go to the better team, which wins `gap` more of them.

    `gains` by the team that they come from.
    """

    leads: int
    gap: Estimate
    gains: Mapping[str, Estimate]


def _stake(basis: Basis, one: Move) -> _Stake:
    """What a segment's move is about: leads that pools which heed teams gave to teams shown to do worse.

    Of a team that is not shown to differ nothing is known to be gained. Where no pool heeds teams, it is
    about all leads that the other team had.
    """
    reach = _reach(basis, one)
    shown = {each.other: each.gap for each in basis.conversion.moves if _same(each, one)}
    if not reach:
        count = int((_has(basis.leads, "segment", one.segment) & _has(basis.leads, "team", one.other)).sum())
        return _Stake(count, one.gap, shown)
    known = {other: count for other, count in reach.items() if other in shown}
    gap = _together({shown[other]: count for other, count in known.items()}) if known else one.gap
    return _Stake(sum(known.values()), gap, {other: shown[other] for other in known})


def _together(gaps: Mapping[Estimate, int]) -> Estimate:
    """The mean of gaps by the leads of each. They share a team, so the ends are not taken as independent."""
    leads = sum(gaps.values())
    value, low, high = (
        sum(getattr(gap, end) * count for gap, count in gaps.items()) / leads
        for end in ("value", "low", "high")
    )
    return Estimate(value, low, high, sum(gap.count for gap in gaps))


def _same(each: Move, one: Move) -> bool:
    return (each.segment, each.team) == (one.segment, one.team)


def _reach(basis: Basis, one: Move) -> dict[str, int]:
    """By other team, leads of the segment from pools that heed teams and have people of the better one."""
    book, leads = basis.book, basis.leads
    pools = [
        name
        for name, bench in book.benches.items()
        if _heeds_teams(bench.pool) and any(one.team in book.roster.people[id_].teams for id_ in bench.ids)
    ]
    own = _has(leads, "segment", one.segment)
    own &= np.any([_has(leads, "pool", name) for name in pools], axis=0) if pools else False
    team = leads.groups["team"]
    counts = np.bincount(team.codes[own & (team.codes >= 0)], minlength=len(team.names))
    return {
        name: count
        for name, count in zip(team.names, counts.tolist(), strict=True)
        if count and name != one.team
    }


def _counts(leads: Leads, segment: str, teams: Sequence[str]) -> tuple[int, int]:
    """Of a segment's leads that teams had, how many were won, of how many that were won or lost."""
    won, decided = leads.won, leads.decided
    if won is None or decided is None:
        return 0, 0
    own = _has(leads, "segment", segment) & decided
    own &= np.any([_has(leads, "team", name) for name in teams], axis=0)
    return int((own & won).sum()), int(own.sum())


def _has(leads: Leads, role: str, name: str) -> Flags:
    group = leads.groups[role]
    return np.equal(group.codes, group.names.index(name) if name in group.names else -2)


def _heeds_teams(pool: Pool) -> bool:
    return any(lead_field == "team" for _attribute, lead_field in (*pool.prefer, *pool.require))


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


def _teams_grid(basis: Basis, one: Move) -> Grid:
    """What the teams concerned won of the segment."""
    rows = []
    for name in dict.fromkeys([one.team, one.other, *_reach(basis, one)]):
        won, count = _counts(basis.year, one.segment, [name])
        share = say.share(wilson(won, count)) if count else "–"
        rows.append(Row([team_name(basis, name), say.number(count), say.number(won), share]))
    caption = _("Won or lost leads of the segment in the last year")
    return Grid(["", _("leads"), _("won"), _("share")], rows, caption)


def _pair_grid(pair: Pair, one: str, other: str) -> Grid:
    sides = ((one, pair.won, pair.count), (other, pair.other_won, pair.other_count))
    rows = [
        Row([name, say.number(count), say.number(won), say.share(wilson(won, count))])
        for name, won, count in sides
    ]
    return Grid(["", _("leads"), _("won"), _("share")], rows, _("Won or lost leads of the last year"))


def _proposal(basis: Basis, one: Move, team: str, stake: _Stake) -> Proposal | None:
    """To give the segment to that team; None where it is theirs, or no longer in the policy."""
    segment = next((each for each in basis.book.policy.segments if each.name == one.segment), None)
    if segment is None or segment.team == one.team:
        return None
    says = [_("Pools that prefer people of the segment's team choose others then.")]
    if not _reach(basis, one):
        says = [_("No pool of them that heeds teams has people of it: let pools prefer `teams: team`.")]
    title = _("Give the segment “{segment}” to {team}").format(segment=one.segment, team=team)
    edit = Edit("set", ("segments", one.segment, "team"), one.team)
    return Proposal(title, says, (edit,), team=one.team, gains=stake.gains)


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
        _("It goes with where leads come from, whoever gets them; so no change of routing is proposed."),
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
    # What is not known is mostly the share of its own leads: that of the others comes from many more.
    usual = share.value - one.gap.value
    low, middle, high = (
        max(0.0, min(1.0, -gap / usual)) if usual > 0 else 0.0
        for gap in (one.gap.high, one.gap.value, one.gap.low)
    )
    factor = Factor("wasted", low, middle, high)
    return Cost("price", (basis.a_quarter(leads), factor, basis.assumed["cost_per_lead"]))
