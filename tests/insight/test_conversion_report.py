"""Simulated companies: what is planted is found, and where nothing is, hardly anything is claimed."""

import numpy as np
import pytest
from scipy.stats import binom
from tests.insight.cohorts import NOW, Planted, claims, cohort, dealt, reported

from leadlane.insight.conversion import Dimension, GroupRate
from leadlane.insight.conversion_report import DIMENSIONS, ConversionReport, Figures
from leadlane.insight.leads import OPEN, WON, Group
from leadlane.insight.proportions import stratified_difference, wilson

COMPANIES = 200


def dimension(found: ConversionReport, role: str) -> Dimension:
    assert found.found is not None
    return next(one for one in found.found.dimensions if one.role == role)


def rate(found: ConversionReport, role: str, name: str) -> GroupRate:
    return next(row for row in dimension(found, role).groups if row.name == name)


def group(found: ConversionReport, value: str | None) -> Figures:
    return next(one for one in found.groups if one.value == value)


# ---------------------------------------------------------------- what is claimed


@pytest.mark.parametrize("count", [600, 2000])
def test_of_200_companies_with_nothing_planted_few_are_told_of_anything(count: int) -> None:
    """The report says: no more than one in twenty. So many of 200 are chance's own limit at that share: more
    is 1 in 1,000.
    """
    told = sum(bool(claims(reported(cohort(seed, count=count)))) for seed in range(COMPANIES))
    assert told <= binom.ppf(0.999, COMPANIES, 0.05)


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        (Planted(move=0.25), "segment 1, team 2"),
        (Planted(poor=-0.12), "poor source 0"),
        (Planted(better=0.18), "owner"),
        (Planted(fast=0.12), "fast"),
        (Planted(team=0.12), "team"),
        (Planted(easy=0.2), "source"),
    ],
)
def test_what_is_planted_is_found(planted: Planted, name: str) -> None:
    found = [claims(reported(cohort(seed, planted, 4000))) for seed in range(10)]
    assert sum(name in one for one in found) >= 9


def test_the_gap_of_a_planted_move_and_of_a_poor_source_lies_in_its_interval() -> None:
    moved, poor = [], []
    for seed in range(20):
        move = next(
            one
            for one in reported(cohort(seed, Planted(move=0.25), 4000)).moves
            if one.segment == "segment 1"
        )
        source = reported(cohort(seed, Planted(poor=-0.15), 4000)).poor_sources[0]
        moved.append(move.gap.low <= 0.25 <= move.gap.high)
        poor.append(source.gap.low <= -0.15 <= source.gap.high)
        assert (move.team, source.source) == ("team 2", "source 0")
    assert min(sum(moved), sum(poor)) >= 17


def test_a_rep_with_better_leads_is_not_praised() -> None:
    """Owner 5 gets most of a source that is won more often, whoever works it, and wins most of all."""
    praised = 0
    for seed in range(20):
        found = reported(cohort(seed, Planted(easy=0.25), 3000))
        lucky = rate(found, "owner", "owner 5")
        assert lucky.rate.low > found.all.share.high  # type: ignore[union-attr]
        assert lucky.gap is not None
        assert lucky.expected == pytest.approx(lucky.rate.value - lucky.gap.value)
        assert "source" in dimension(found, "owner").alike.compared  # type: ignore[union-attr]
        praised += lucky.stands_out
    assert praised <= 2


def test_where_leads_are_dealt_by_what_they_are_hardly_anybody_is_taken_for_better() -> None:
    """At first sight owners or routes differ in every such company; of what is claimed, 5 % may be false."""
    true = {"source", "segment", "deal_band", "intent", "fit", "poor source 0"}
    seen, false = [], []
    for seed in range(60):
        found = reported(dealt(seed, 4000))
        claimed = claims(found)
        false.append(len(claimed - true) / max(1, len(claimed)))
        seen.append(min(dimension(found, role).test.p for role in ("owner", "team", "route")) < 0.01)
    assert np.mean(seen) >= 0.95
    assert np.mean(false) <= 0.05


def test_a_better_rep_with_worse_leads_is_found() -> None:
    """Owner 3 wins more of every kind of lead and gets most of a source that hardly anybody wins."""
    found_out, looked_better = 0, 0
    for seed in range(20):
        found = reported(cohort(seed, Planted(better=0.12, hard=-0.18), 4000))
        rep = rate(found, "owner", "owner 3")
        found_out += rep.stands_out and rep.gap is not None and rep.gap.value > 0
        looked_better += rep.rate.low > found.all.share.value  # type: ignore[union-attr]
    assert found_out >= 17
    assert looked_better <= 3


def test_urgent_leads_are_answered_sooner_and_won_more_often_and_that_is_not_taken_for_speed() -> None:
    claimed = 0
    for seed in range(20):
        effect = reported(cohort(seed, Planted(urgent=0.2), 3000)).response
        assert effect is not None
        assert effect.plain.low > 0
        assert "intent" in effect.compared
        claimed += effect.q <= 0.05
    assert claimed <= 3


def test_one_good_source_does_not_make_the_others_poor() -> None:
    told = sum(bool(reported(cohort(seed, Planted(easy=0.25), 4000)).poor_sources) for seed in range(20))
    assert told <= 1


def test_reps_are_compared_as_mantel_and_haenszel_would() -> None:
    """One rep against all others, among leads alike in what the report says, counted by hand."""
    leads = cohort(1, Planted(poor=-0.1), 3000)
    found = reported(leads)
    compared = dimension(found, "owner").alike
    assert compared is not None
    assert leads.outcome is not None
    decided = leads.outcome != OPEN
    kinds: dict[tuple[int, ...], list[int]] = {}
    for place in np.flatnonzero(decided):
        key = tuple(int(leads.groups[role].codes[place]) for role in compared.compared)
        cell = kinds.setdefault(key, [0, 0, 0, 0])
        side = 0 if leads.groups["owner"].codes[place] == 4 else 2
        cell[side] += int(leads.outcome[place] == WON)
        cell[side + 1] += 1
    by_hand = stratified_difference(*np.array(list(kinds.values())).T)
    gap = rate(found, "owner", "owner 4").gap
    assert gap is not None
    assert (gap.value, gap.low, gap.high) == pytest.approx((by_hand.value, by_hand.low, by_hand.high))


# ---------------------------------------------------------------- what is counted


@pytest.mark.parametrize("by", DIMENSIONS[:-1])
def test_the_groups_of_every_dimension_are_all_leads(by: str) -> None:
    found = reported(cohort(5), by)
    for name in ("leads", "open", "won", "lost", "valued"):
        assert sum(getattr(one, name) for one in found.groups) == getattr(found.all, name)
    assert sum(one.value_won for one in found.groups) == pytest.approx(found.all.value_won)


def test_junk_and_duplicates_are_left_out_and_counted() -> None:
    leads = cohort(5)
    assert leads.outcome is not None
    closing = np.where(leads.outcome == OPEN, np.arange(leads.count) % 3, 3).astype(np.int32)
    names = ["junk", "duplicate", "unknown", "ended"]
    leads.groups["closing"] = Group("closing", "closing", closing, names, "last")  # type: ignore[index]
    found = reported(leads)
    assert found.left_out == int((closing < 2).sum())
    assert found.all.leads == leads.count - found.left_out


def test_the_figures_of_a_group_are_those_of_its_leads() -> None:
    leads = cohort(5)
    assert leads.outcome is not None
    one = group(reported(leads, "team"), "team 1")
    own = leads.groups["team"].codes == 1
    won, decided = own & (leads.outcome == WON), own & (leads.outcome != OPEN)
    assert (one.leads, one.won, one.open) == (own.sum(), won.sum(), own.sum() - decided.sum())
    assert one.share == wilson(int(won.sum()), int(decided.sum()))
    assert one.of_all == wilson(int(won.sum()), int(own.sum()))
    days = (leads.instants["won_at"] - leads.instants["arrived_at"])[won] / 86_400
    assert one.days is not None
    assert one.days.value == pytest.approx(np.median(days))
    assert one.value_mean is not None
    assert one.value_mean.value == pytest.approx(leads.numbers["value"][won].mean())


def test_without_losses_all_leads_count_and_with_few_leads_nothing_is_compared() -> None:
    leads = cohort(5)
    assert leads.outcome is not None
    leads.outcome[leads.outcome != WON] = OPEN
    found = reported(leads)
    assert found.found is not None
    assert found.found.base == "all"
    assert found.all.share == found.all.of_all
    few = reported(leads.only(np.arange(leads.count) < 19))
    assert (few.found, few.moves, few.poor_sources, few.tests) == (
        None,
        [],
        [],
        0 if few.response is None else 1,
    )


def test_leads_followed_for_a_month_say_nothing_of_three() -> None:
    leads = cohort(5)
    recent = leads.only(leads.instants["arrived_at"] > NOW.timestamp() - 40 * 86_400)
    found = reported(recent)
    assert [one is not None for one in found.all.within] == [True, False, False]
