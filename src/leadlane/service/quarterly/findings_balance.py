"""Which segments and people should change teams? The balance of territories, as findings of the review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

from leadlane.core.rulebook import Rulebook
from leadlane.explain.speech import person_words
from leadlane.i18n import _
from leadlane.insight import say
from leadlane.insight.balance import Step, TeamLoad
from leadlane.insight.costs import Cost
from leadlane.insight.findings import Finding, Proposal, key_of
from leadlane.insight.market import Move
from leadlane.insight.proportions import Estimate
from leadlane.insight.section import Grid, Row
from leadlane.policy.edit import Edit
from leadlane.policy.words import field_words, value_words
from leadlane.service.quarterly.balance import Rebalancing, rebalanced
from leadlane.service.quarterly.review_basis import Basis


def balance_findings(basis: Basis) -> list[Finding]:
    """A finding for each change of teams that pays, and for what nobody of a team can do.

    The changes build on each other in the order in which they are found, that of what they save. A segment
    that only does better elsewhere is told with the conversion, and not again.
    """
    gains = _gains(basis)
    found = rebalanced(basis.connection, basis.book, basis.leads, basis.period, gains)
    if found is None:
        return []
    steps = [
        _of_step(basis, found, step, place)
        for place, step in enumerate(found.balance.steps)
        if not _is_told(step, gains)
    ]
    lacking: dict[str, list[tuple[str, str]]] = {}
    for segment, pool, need in found.balance.unmet:
        lacking.setdefault(segment, []).append((pool, need))
    return [*steps, *(_of_unmet(basis, found, segment, some) for segment, some in lacking.items())]


def _gains(basis: Basis) -> dict[tuple[str, str], Estimate]:
    """By segment and team: the share won more than by the team that has it, where that is beyond chance."""
    present = {one.name: one.team for one in basis.book.policy.segments}
    gains = {}
    for one in basis.conversion.moves:
        if present.get(one.segment) == one.other:
            gains[one.segment, one.team] = one.gap
        elif present.get(one.segment) == one.team:
            less = Estimate(-one.gap.value, -one.gap.high, -one.gap.low, one.gap.count)
            gains[one.segment, one.other] = less
    return gains


def _is_told(step: Step, gains: Mapping[tuple[str, str], Estimate]) -> bool:
    gain = gains.get((step.moves[0].name, step.moves[0].after))
    return len(step.moves) == 1 and gain is not None and gain.value > 0


def _of_step(basis: Basis, found: Rebalancing, step: Step, place: int) -> Finding:
    book, beyond = basis.book, _beyond(found, step)
    names = sorted(f"{one.name}-{one.after}" for one in step.moves)
    return Finding(
        key_of("territory", *names),
        "territory",
        _title(step, beyond, book),
        _says(found, step, book, place),
        step.better_in,
        round(found.weeks * sum(_leads_of(found, one) for one in step.moves)),
        beyond[1] if beyond else None,
        _money(basis, found, step),
        [_grid(found, step, book)],
        Proposal(
            "; ".join(_move_words(one, book) for one in step.moves),
            [_("Managers, and owners of named accounts and of customers, stay where they are.")],
            [_edit(one) for one in step.moves if one.what == "territory"],
            [_edit(one) for one in step.moves if one.what == "person"],
        ),
    )


def _edit(move: Move) -> Edit:
    if move.what == "territory":
        return Edit("set", ("segments", move.name, "team"), move.after)
    return Edit("set", ("people", move.name, "teams"), [move.after])


def _money(basis: Basis, found: Rebalancing, step: Step) -> Cost | None:
    """What the present placement costs: wins that another team would make, or else promises not kept."""
    for one in step.moves:
        gain = found.market.gains.get((one.name, one.after))
        if one.what == "territory" and gain is not None and gain.value > 0:
            return basis.of_wins(found.weeks * _leads_of(found, one), gain)
    return basis.of_missed(found.weeks * max(0.0, step.before.overload - step.after.overload))


def _of_unmet(basis: Basis, found: Rebalancing, segment: str, lacking: Sequence[tuple[str, str]]) -> Finding:
    """What (pool, need) nobody of a pool in the team of a segment has that its leads ask for."""
    territory = next(one for one in found.market.territories if one.name == segment)
    by_pool: dict[str, list[str]] = {}
    for pool, need in lacking:
        attribute, _equals, value = need.partition("=")
        by_pool.setdefault(pool, []).append(f"{field_words(attribute)}: {value_words(attribute, value)}")
    text = _("Nobody in {team} has all that leads of the segment “{segment}” ask for")
    said = _("In the pool “{pool}”: {needs}.")
    return Finding(
        key_of("capacity", "segment", segment),
        "capacity",
        text.format(segment=segment, team=_team(territory.team, basis.book)),
        [
            *(said.format(pool=pool, needs="; ".join(needs)) for pool, needs in by_pool.items()),
            _("At least one in ten of them asks for it; they go to people who do not have it, or elsewhere."),
            _("No change of teams is proposed for it: none that pays was found."),
        ],
        1.0,
        sum(territory.leads[pool].count for pool in by_pool),
    )


def _leads_of(found: Rebalancing, move: Move) -> float:
    """Leads a week that a move takes along."""
    if move.what == "person":
        return next(one.leads for one in found.market.reps if one.id == move.name)
    brings = next(one for one in found.market.territories if one.name == move.name)
    return sum(count.value for count in brings.leads.values())


def _beyond(found: Rebalancing, step: Step) -> tuple[TeamLoad, Estimate] | None:
    """Where the moves take most off what people cannot take, and which share of the leads there that was.

    The interval is that of the volumes: square-and-add over the territories of the team.
    """
    relieved = [one for one in step.loads if one.over[0] > one.over[1]]
    if not relieved:
        return None
    most = max(relieved, key=lambda one: one.over[0] - one.over[1])
    theirs = (one.leads.get(most.kind) for one in found.market.territories if one.team == most.team)
    known = [one for one in theirs if one is not None]
    less = sqrt(sum((one.value - one.low) ** 2 for one in known))
    more = sqrt(sum((one.high - one.value) ** 2 for one in known))
    over, leads = most.over[0], most.leads[0]
    low = max(0.0, over - less) / (leads - less) if leads > less else 0.0
    share = Estimate(over / leads, low, (over + more) / (leads + more), sum(one.count for one in known))
    return most, share


def _title(step: Step, beyond: tuple[TeamLoad, Estimate] | None, book: Rulebook) -> str:
    if beyond is not None:
        load, _share = beyond
        return _("{team} gets {n} {pool} leads a week more than its people can take").format(
            team=_team(load.team, book), n=say.number(load.over[0], 1), pool=load.kind
        )
    if step.after.wins > step.before.wins:
        return _("A territory does better with another team")
    return _("Work is spread unevenly over the teams")


def _says(found: Rebalancing, step: Step, book: Rulebook, place: int) -> list[str]:
    said = []
    for one in step.loads:
        text = _(
            "{team}, {pool}: {before} leads a week for people who can take {room}; afterwards {after} for "
            "{later}."
        )
        said.append(
            text.format(
                team=_team(one.team, book),
                pool=one.kind,
                before=say.number(one.leads[0], 1),
                room=say.number(one.room[0], 1),
                after=say.number(one.leads[1], 1),
                later=say.number(one.room[1], 1),
            )
        )
    if step.after.wins != step.before.wins:
        text = _("By the results so far it would bring {n} wins a week; that is an association, no cause.")
        said.append(text.format(n=say.number(step.after.wins - step.before.wins, 2)))
    text = _("It pays in {share} of the volumes and results that are possible by their 95 % intervals.")
    said.append(text.format(share=say.percent(step.better_in)))
    for pool in sorted({one.kind for one in step.loads} & found.balance.short.keys()):
        text = _(
            "No change of teams mends that all people of {pool} together lack room for {n} leads a week."
        )
        said.append(text.format(pool=pool, n=say.number(found.balance.short[pool], 1)))
    if place:
        said.append(_("This builds on the other changes of teams that save more."))
    if not found.balance.is_proven:
        said.append(_("It is the best that was found; not all could be tried."))
    return said


def _price_words(found: Rebalancing, step: Step) -> str:
    prices = found.market.prices
    text = _(
        "Reckoned in leads a week: {over} for each that nobody of the team can take, {uneven} for each that "
        "would have to change teams for all to be equally busy, {territory} for moving a segment, {person} "
        "for moving a person. This saves {saved} in all."
    )
    return text.format(
        over=say.number(prices.overload, 2),
        uneven=say.number(prices.unevenness, 2),
        territory=say.number(prices.territory_move, 1),
        person=say.number(prices.person_move, 1),
        saved=say.number(step.saved, 1),
    )


def _move_words(move: Move, book: Rulebook) -> str:
    if move.what == "territory":
        text = _("Give {segment} to {team} instead of {before}")
        return text.format(segment=move.name, team=_team(move.after, book), before=_team(move.before, book))
    text = _("Move {person} from {before} to {team}")
    return text.format(
        person=person_words(book.roster, move.name),
        before=_team(move.before, book),
        team=_team(move.after, book),
    )


def _grid(found: Rebalancing, step: Step, book: Rulebook) -> Grid:
    headings = [_("team"), _("pool"), _("leads a week"), _("afterwards"), _("can take"), _("afterwards")]
    rows = [
        Row(
            [
                _team(one.team, book),
                one.kind,
                say.number(one.leads[0], 1),
                say.number(one.leads[1], 1),
                say.number(one.room[0], 1),
                say.number(one.room[1], 1),
            ],
            is_marked=one.over[0] > 0,
        )
        for one in step.loads
    ]
    return Grid(headings, rows, _price_words(found, step))


def _team(team: str, book: Rulebook) -> str:
    known = book.roster.teams.get(team)
    return known.name if known and known.name else team or _("no team")
