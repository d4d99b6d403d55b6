"""How the rules did: counted by other means, and in simulated companies with something planted or nothing."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact

from leadlane.insight.leads import Group, Leads
from leadlane.insight.proportions import wilson
from leadlane.insight.rules import (
    OVERRIDES,
    Automation,
    Duplicates,
    Handled,
    RouteFacts,
    RulesReport,
    rates_above,
    rules_report,
)

NONE = Duplicates(0, 0, 0, 0, 0, 0, None)
MONDAY = date(2026, 1, 5)
WEEKS = [(MONDAY + timedelta(weeks=n), 1_767_571_200.0 + n * 604_800) for n in range(13)]
BAND = (0.8, 0.9)
ROUTES = [f"r{number}" for number in range(12)]
COUNTRIES = ["IT", "PL", "DE", "FR", "AT", "CH", "ES", "CZ"]


def grouped(role: str, values: list[str | None]) -> Group:
    names = sorted({value for value in values if value is not None})
    number = {value: place for place, value in enumerate(names)}
    return Group(role, role, np.array([number.get(value or "", -1) for value in values], np.int32), names)


def leads_with(weeks: list[int], **groups: list[str | None]) -> Leads:
    arrived = np.array([WEEKS[week][1] + 3_600.0 for week in weeks])
    found = {role: grouped(role, values) for role, values in groups.items()}
    return Leads(len(weeks), {"arrived_at": arrived}, {}, found)


def facts_of(names: list[str]) -> list[RouteFacts]:
    return [RouteFacts(name, number, "pool:sdr", "in_force") for number, name in enumerate(names, 1)]


def report(
    leads: Leads, handled: list[Handled], routes: list[str] = ROUTES, last: str = "r11"
) -> RulesReport:
    return rules_report(leads, handled, facts_of(routes), {"v1": last}, WEEKS, BAND, NONE)


# ---------------------------------------------------------------- counted by hand


def test_a_share_against_the_others_is_the_exact_test_of_fisher() -> None:
    hits, counts = np.array([9, 3, 0]), np.array([40, 90, 20])
    for found, k, n in zip(rates_above(hits, counts), hits, counts, strict=True):
        rest, others = 12 - k, 150 - n
        exact = fisher_exact([[k, n - k], [rest, others - rest]], alternative="greater")
        assert found.p == pytest.approx(exact.pvalue)
        assert found.others == pytest.approx(rest / others)
        assert found.share == wilson(int(k), int(n))


def test_what_people_did_is_counted_by_route_and_week() -> None:
    leads = leads_with([0] * 6 + [1] * 4, route=["a"] * 7 + ["b"] * 3, policy=["v1"] * 10)
    handled = [
        Handled("a", 0, 2, is_handed_over=True),
        Handled("a", 0, 1, is_declined=True, is_handed_over=True),
        Handled("a", 1, 1, is_declined=True),
        Handled("b", 1, 1, why="rule", is_placed=True),
        Handled("b", 1, 1, why="nobody"),
    ]
    found = report(leads, handled, ["a", "b", "c"], "c")
    a, b, c = found.routes
    assert (a.leads, a.reviewed, a.overridden and a.overridden.hits) == (7, 0, 4)
    assert {kind: a.by_kind[kind].hits for kind in OVERRIDES} == {
        "handed_over": 3, "declined": 2, "disputed": 0
    }  # fmt: skip
    assert (b.leads, b.reviewed, b.overridden and b.overridden.hits) == (3, 2, 0)
    assert (c.leads, c.is_unused, c.overridden) == (0, True, None)
    # A decline was handed on by the rules, and so was the one that waited in line.
    assert [(week.leads, week.by_rules) for week in found.automation.weeks[:2]] == [(6, 3), (4, 3)]
    assert found.automation.share == wilson(6, 10)
    assert found.automation.whys == [("nobody", "b", 1), ("rule", "b", 1)]
    assert (found.automation.placed, found.automation.moved) == (1, 3)
    assert found.unused == [c]


def test_all_comparisons_are_corrected_together() -> None:
    leads = leads_with(
        [0] * 50 + [1] * 50, route=["a"] * 60 + ["b"] * 40, policy=["v1"] * 100,
        country=["IT"] * 50 + ["PL"] * 50,
    )  # fmt: skip
    found = report(leads, [Handled("a", 0, 5, is_declined=True)], ["a", "b"], "b")
    a, b = found.routes
    # Two routes by anything and by declining, two countries, and the weeks; nobody handed over or disputed.
    assert found.compared == 7
    assert not a.by_kind["disputed"].is_compared
    of_a, of_b, italy, poland = (
        fisher_exact(table, alternative="greater").pvalue
        for table in ([[5, 55], [0, 40]], [[0, 40], [5, 55]], [[0, 50], [40, 10]], [[40, 10], [0, 50]])
    )
    q = false_discovery_control([of_a, of_b, of_a, of_b, italy, poland, 1.0])
    assert [one.overridden and one.overridden.q for one in (a, b)] == pytest.approx(q[:2])
    assert [one.by_kind["declined"].q for one in (a, b)] == pytest.approx(q[2:4])
    assert [one.rate.q for one in found.missing] == pytest.approx([q[5]])
    assert found.automation.weeks_q == 1.0  # whoever declines leaves it to the rules


def test_who_fell_through_is_told_by_the_policy_that_routed_them() -> None:
    """The last route of an older version has another name; a route of that name in the new one is no last."""
    leads = leads_with([0] * 4, route=["old", "old", "rest", "a"], policy=["v0", "v1", "v1", "v1"])
    found = rules_report(
        leads, [], facts_of(["a", "old", "rest"]), {"v0": "old", "v1": "rest"}, WEEKS, BAND, NONE
    )
    assert found.fell == wilson(2, 4)
    assert found.last_route == "rest"


def test_nothing_that_arrived_is_told_as_nothing() -> None:
    found = report(leads_with([], route=[], policy=[], country=[]), [])
    assert (found.leads, found.fell, found.automation.share, found.missing) == (0, None, None, [])
    assert found.automation.standing == "unsure"
    assert [one.name for one in (one.facts for one in found.unused)] == ROUTES


@pytest.mark.parametrize(
    ("by_rules", "count", "standing"),
    [(70, 100, "below"), (98, 100, "above"), (85, 100, "within"), (79, 100, "unsure"), (3, 3, "unsure")],
)
def test_only_a_whole_interval_outside_of_the_band_is_outside(
    by_rules: int, count: int, standing: str
) -> None:
    found = Automation(wilson(by_rules, count), 0.8, 0.9, [], 1.0, [], 0, 0)
    assert found.standing == standing


def test_a_count_that_ran_ahead_of_the_leads_is_no_share_above_one() -> None:
    """What people did is read a moment after the leads: one may have got another route in between."""
    leads = leads_with([0, 0], route=["a", "b"], policy=["v1", "v1"])
    found = report(leads, [Handled("a", 0, 3, is_disputed=True)], ["a", "b"])
    assert found.routes[0].by_kind["disputed"].share.value == 1.0
    assert found.automation.weeks[0].by_rules == 0


# ---------------------------------------------------------------- simulated companies


def company(seed: int, handing_over: float = 0.0, no_rule: float = 0.0, count: int = 1500) -> RulesReport:
    """Leads of twelve routes, unequally used, of eight countries; 6 % are handed over, 4 % declined, 2 % said
    to be wrong, and 5 % fall through, whatever they are.

    `handing_over` is added to the first route's, `no_rule` to what falls through of Austria.
    """
    rng = np.random.default_rng(seed)
    country = rng.choice(len(COUNTRIES), count, p=np.arange(8, 0, -1) / 36)
    source, industry = rng.integers(0, 5, count), rng.integers(0, 9, count)
    fell = rng.random(count) < 0.05 + no_rule * (country == COUNTRIES.index("AT"))
    route = np.where(fell, 11, rng.choice(11, count, p=np.arange(1, 12) / 66))
    week = np.sort(rng.integers(0, 13, count))
    handed = rng.random(count) < 0.06 + handing_over * (route == 3)
    declined, disputed = rng.random(count) < 0.04, rng.random(count) < 0.02
    happened = Counter(
        zip(route.tolist(), week.tolist(), handed.tolist(), declined.tolist(), disputed.tolist(), strict=True)
    )
    handled = [
        Handled(ROUTES[r], w, n, is_handed_over=h, is_declined=d, is_disputed=x)
        for (r, w, h, d, x), n in happened.items()
        if h or d or x
    ]
    leads = leads_with(
        week.tolist(),
        route=[ROUTES[r] for r in route],
        policy=["v1"] * count,
        country=[COUNTRIES[c] for c in country],
        source=[f"s{s}" for s in source],
        industry=[f"i{i}" if i else None for i in industry],
    )
    return report(leads, handled)


def test_with_nothing_planted_no_more_than_the_stated_share_is_named() -> None:
    """20 of 200 is chance's own limit: above it is 1 in 3,000 where the share is 5 %."""
    companies = [company(seed) for seed in range(200)]
    named = [bool(one.overridden or one.missing or one.automation.weeks_q <= 0.05) for one in companies]
    assert sum(named) <= 20


def test_a_route_that_people_keep_handing_over_is_named() -> None:
    found = [company(seed, handing_over=0.25).overridden for seed in range(20)]
    named = [[one.facts.name for one in each] for each in found]
    assert sum("r3" in one for one in named) >= 19
    assert sum(len(set(one) - {"r3"}) for one in named) <= 3
    (planted,) = [one for one in found[0] if one.facts.name == "r3"]
    assert "handed_over" in planted.found


def test_a_value_that_no_rule_was_written_for_is_named() -> None:
    found = [company(seed, no_rule=0.3).missing for seed in range(20)]
    assert sum(any((one.field, one.value) == ("country", "AT") for one in each) for each in found) >= 19
    assert sum((one.field, one.value) != ("country", "AT") for each in found for one in each) <= 4
    assert sum(one.effect.low <= 0.3 <= one.effect.high for each in found for one in each[:1]) >= 17
    for each in found:
        assert all(one.effect.low >= other.effect.low for one, other in pairwise(each))


def test_a_value_of_too_few_leads_is_not_looked_at() -> None:
    route: list[str | None] = ["rest"] * 9 + ["a"] * 91
    country: list[str | None] = ["AT"] * 9 + ["DE"] * 91
    leads = leads_with([0] * 100, route=route, policy=["v1"] * 100, country=country)
    assert report(leads, [], ["a", "rest"], "rest").missing == []
    leads = leads_with([0] * 101, route=["rest", *route], policy=["v1"] * 101, country=["AT", *country])
    (one,) = report(leads, [], ["a", "rest"], "rest").missing
    assert (one.field, one.value, one.rate.hits, one.rate.share.count) == ("country", "AT", 10, 10)
