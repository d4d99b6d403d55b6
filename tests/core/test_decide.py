"""Whole decisions with the reference policy: who gets a lead, by when, and what if it comes again."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.core.builders import (
    MONDAY,
    NEVER_OPEN,
    Desk,
    arrival,
    at,
    excluded,
    fresh_world,
    is_,
    minutes,
    person,
    pool_of,
    pool_policy,
    reference_accounts,
    reference_desk,
    reference_policy,
    reference_roster,
    roster_of,
)

from leadlane.core.decide import Arrival, Decision, compile_rulebook, decide_batch, pools_touched
from leadlane.core.facts import Away, Lead, Roster, Signal
from leadlane.core.policy import Duration, IntentItem, Route, ServiceLevel

BIG = {"country": "DE", "industry": "banking", "employees": 5000}
FINTECH = {"country": "DE", "industry": "fintech", "employees": 300}


def place(decision: Decision) -> tuple[str | None, str | None, str | None, str]:
    standing = decision.standing
    return standing.owner, standing.route, standing.destination, standing.stage


@pytest.mark.parametrize(
    ("signals", "fields", "expected"),
    [
        (
            ["demo_request"],
            {**FINTECH, "employees": 100, "tech_stack": ("salesforce",)},
            ("high", "strong", 80, "hot", "anna"),
        ),
        (["demo_request"], {"country": "DE", "employees": 10}, ("high", "weak", 0, "hot-weak", "ida")),
        (
            ["webinar_attendance"],
            {**FINTECH, "employees": 100, "tech_stack": ("hubspot",)},
            ("medium", "strong", 80, "warm-strong", "ida"),
        ),
        (["case_study_engagement"], {"employees": 10}, ("medium", "weak", 0, "warm-weak", None)),
        (["newsletter_subscription"], FINTECH, ("low", "strong", 70, "cold-strong", None)),
        (["content_download"], {"employees": 49}, ("low", "weak", 0, "cold-weak", None)),
        (["content_download"] * 2, FINTECH, ("medium", "strong", 70, "warm-strong", "ida")),
        ([], {}, ("low", "weak", 0, "cold-weak", None)),
        (
            ["demo_request"],
            {**BIG, "company_domain": "rival-crm.example"},
            ("high", "strong", 70, "competitor", None),
        ),
        (["demo_request"], {**BIG, "referral": "Executive"}, ("high", "strong", 70, "vip", "olga")),
    ],
)
def test_intent_and_fit_decide(
    signals: list[str], fields: dict[str, Any], expected: tuple[object, ...]
) -> None:
    (decision,) = reference_desk().decide(arrival("L", *signals, **fields))
    judged = decision.qualified
    found = (judged.intent, judged.fit, judged.fit_score, decision.standing.route, decision.standing.owner)
    assert found == expected


@pytest.mark.parametrize(
    ("value", "country", "band", "owner"),
    [
        (9_999.99, "DE", "small", "fritz"),
        (10_000, "DE", "mid", "clara"),
        (50_000, "PL", "mid", "emil"),
        (50_000.01, "IT", "enterprise", "dora"),
    ],
)
def test_the_size_of_the_deal_sets_the_level(value: float, country: str, band: str, owner: str) -> None:
    lead = arrival("L", "demo_request", **{**FINTECH, "country": country}, deal_value=value)
    (decision,) = reference_desk().decide(lead)
    assert (decision.qualified.deal_band, decision.standing.owner) == (band, owner)


def test_a_deal_value_is_estimated_where_the_lead_brings_none() -> None:
    (decision,) = reference_desk().decide(arrival("L", "demo_request", **{**FINTECH, "employees": 1000}))
    assert decision.trace["deal"] == {"value": 80000, "from": "estimate", "row": 0, "band": "enterprise"}
    assert decision.qualified.segment == "enterprise-dach"


def test_signals_are_counted_told_apart_and_fade() -> None:
    policy = replace(reference_policy(), intent={"high": (), "medium": (IntentItem("visit", 2),), "low": ()})
    lead = Lead(
        "L",
        MONDAY,
        {},
        (
            Signal("Visit", MONDAY),
            Signal("call", MONDAY),
            Signal("visit", MONDAY - minutes(90 * 1440 + 1)),
        ),
    )
    desk = Desk(policy, reference_roster())
    (decision,) = desk.decide(Arrival(lead))
    assert [reason for _, _, reason in decision.trace["signals"]] == ["too_few", "not_listed", "faded"]
    exactly = Lead("M", MONDAY, {}, (Signal("visit", MONDAY), Signal("visit", MONDAY - minutes(90 * 1440))))
    (decision,) = desk.decide(Arrival(exactly))
    assert (decision.qualified.intent, decision.qualified.signal) == ("medium", "visit")


def test_points_add_up_exactly() -> None:
    rows = tuple(replace(reference_policy().fit[0], points=points) for points in (0.7, 0.1))
    policy = replace(reference_policy(), fit=rows, strong_at=0.8)
    (decision,) = Desk(policy, reference_roster()).decide(arrival("L", employees=5000))
    assert (decision.qualified.fit_score, decision.qualified.fit) == (0.8, "strong")


@pytest.mark.parametrize(
    ("now", "signal", "fields", "level", "respond_by"),
    [
        ("2026-03-02 10:00", "demo_request", BIG, "demo-request", "2026-03-02 10:15"),
        ("2026-03-02 16:00", "contact_sales_form", BIG, "high-intent", "2026-03-03 12:00"),
        (
            "2026-03-02 16:00",
            "webinar_attendance",
            {**FINTECH, "source": "trade_show"},
            "event",
            "2026-03-04 16:00",
        ),
        ("2026-03-02 16:00", "webinar_attendance", FINTECH, "standard", "2026-03-09 16:00"),
        ("2026-03-02 20:00", "demo_request", BIG, "demo-request", "2026-03-03 09:15"),
        ("2026-04-02 16:50", "demo_request", BIG, "demo-request", "2026-04-07 09:05"),
    ],
)
def test_the_promise_runs_on_the_hours_of_whoever_has_the_lead(
    now: str, signal: str, fields: dict[str, Any], level: str, respond_by: str
) -> None:
    (decision,) = reference_desk().decide(arrival("L", signal, now=at(now), **fields), now=at(now))
    assert (decision.standing.service_level, decision.standing.respond_by) == (level, at(respond_by))
    assert ("off_hours" in decision.reasons) is (now == "2026-03-02 20:00")


def test_a_program_promises_nothing() -> None:
    (decision,) = reference_desk().decide(arrival("L", "newsletter_subscription"))
    assert (decision.standing.respond_by, decision.standing.next_step, decision.messages) == (None, None, ())


def test_who_has_no_working_time_promises_nothing_and_it_is_said() -> None:
    level = ServiceLevel("quick", Duration(15, "minutes", business=True))
    policy = pool_policy(pool_of("main", "a"), service_levels=(level,))
    desk = Desk(policy, roster_of(person("a", hours=NEVER_OPEN), person("rita")))
    (decision,) = desk.decide(arrival("L", country="DE"))
    assert (decision.standing.owner, decision.standing.respond_by) == ("a", None)
    assert decision.reasons == ("off_hours", "no_working_time")


def test_a_temporary_route_holds_from_its_first_day_to_its_last() -> None:
    fair = Route("fair", "review", "desk", first_day=date(2026, 3, 3), last_day=date(2026, 3, 5))
    policy = pool_policy(pool_of("main", "a"))
    desk = Desk(replace(policy, routes=(fair, *policy.routes)), roster_of(person("a"), person("rita")))
    days = ["2026-03-02 23:59", "2026-03-03 00:00", "2026-03-05 23:59", "2026-03-06 00:00"]
    routes = [desk.decide(arrival(day, country="DE"), now=at(day))[0].standing.route for day in days]
    assert routes == ["to-pool", "fair", "fair", "to-pool"]


# ---------------------------------------------------------------- relationships


def test_relationships_come_before_rules() -> None:
    named, customer = reference_desk().decide(
        arrival("named", "demo_request", email="cto@acme.example", **BIG),
        arrival("customer", "demo_request", email="ops@helix.example", **BIG),
    )
    assert place(named) == ("boris", "named-account", "owner:account", "assigned")
    assert place(customer) == ("carla", "expansion", "owner:account", "assigned")
    assert [named.match.relationship, customer.match.relationship] == ["named_account", "customer"]


def test_an_owner_who_is_away_is_covered_and_stays_owner() -> None:
    desk = reference_desk(boris={"away": (Away(MONDAY, MONDAY + minutes(60)),)})
    (decision,) = desk.decide(arrival("L", "demo_request", email="cto@acme.example", **BIG))
    assert (decision.standing.owner, decision.standing.covered_by) == ("boris", "anna")
    assert decision.reasons == ("covered",)
    assert decision.messages == (("covering", "anna"),)
    assert desk.balances("senior-ae") == {}, "an owner takes no turn of a pool"
    assert desk.world.loads["boris"].open == 1


def test_cover_follows_the_chain_of_backups_each_once() -> None:
    out = {"away": (Away(MONDAY, MONDAY + minutes(60)),)}
    desk = reference_desk(boris=out, anna=out)
    (decision,) = desk.decide(arrival("L", "demo_request", email="cto@acme.example", **BIG))
    assert (decision.standing.covered_by, decision.trace["owner"]["passed"]) == (None, ["anna"])
    assert decision.reasons == ("nobody_covers",)
    assert ("alarm", "maria") in decision.messages


def test_an_account_without_an_owner_goes_to_review() -> None:
    accounts = tuple(replace(account, owner="gone") for account in reference_accounts())
    desk = Desk(reference_policy(), reference_roster(), accounts)
    (decision,) = desk.decide(arrival("L", "demo_request", email="cto@acme.example", **BIG))
    assert (decision.standing.owner, decision.reasons) == ("olga", ("no_owner",))


def test_a_colleague_in_the_same_batch_goes_to_who_works_the_company() -> None:
    first, colleague = reference_desk().decide(
        arrival("first", "contact_sales_form", email="jane@newco.example", **{**FINTECH, "country": "PL"}),
        arrival("colleague", "contact_sales_form", email="joe@newco.example", **FINTECH),
    )
    assert place(first) == ("emil", "hot-mid", "pool:mid-ae", "assigned")
    assert place(colleague) == ("emil", "already-worked", "owner:open_lead", "assigned")
    assert (colleague.match.relationship, colleague.match.open_lead) == ("open_lead", "first")


def test_a_nurtured_colleague_and_a_mail_provider_are_no_relationship() -> None:
    decisions = reference_desk().decide(
        arrival("nurtured", email="a@newco.example", employees=10),
        arrival("colleague", "demo_request", email="b@newco.example", **FINTECH),
        arrival("free-1", "demo_request", email="jane@gmail.com", **FINTECH),
        arrival("free-2", "demo_request", email="john@gmail.com", **FINTECH),
    )
    assert [decision.match.relationship for decision in decisions] == ["none"] * 4


# ---------------------------------------------------------------- the same prospect again


def test_the_same_person_makes_no_second_lead() -> None:
    desk = reference_desk()
    first, again = desk.decide(
        arrival("named", "demo_request", email="cto@acme.example", country="DE"),
        arrival("again", "pricing_page_visit", email="CTO+demo@Acme.example", country="FR", city="Berlin"),
    )
    assert (again.lead_id, again.outcome, again.standing.owner) == ("named", "merged", "boris")
    assert again.reasons == ("same_person",)
    assert again.standing.lead.fields["country"] == "DE"
    assert again.standing.lead.fields["city"] == "Berlin"
    assert [signal.name for signal in again.standing.lead.signals] == ["demo_request", "pricing_page_visit"]
    assert again.before == first.standing
    assert again.trace["arrived_as"] == "again"
    assert desk.world.loads["boris"].open == 1


def test_a_merged_lead_learns_its_company() -> None:
    desk = reference_desk()
    desk.decide(arrival("L", email="jo@gmail.com"))
    desk.decide(arrival("again", "demo_request", email="jo@gmail.com", company_domain="acme.example"))
    assert desk.decisions["L"].match.relationship == "named_account"
    assert desk.decisions["L"].standing.owner == "boris"


def test_a_closed_lead_is_no_longer_met() -> None:
    spy = {"email": "spy@rival-crm.example", "company_domain": "rival-crm.example"}
    first, second = reference_desk().decide(arrival("1", **spy), arrival("2", **spy))
    assert [first.standing.stage, second.standing.stage, second.lead_id] == ["closed", "closed", "2"]


# ---------------------------------------------------------------- routed again

SIGNALLED = {**FINTECH, "employees": 100, "tech_stack": ("salesforce",)}


def news(signal: str, now: Any, lead: str = "L") -> Arrival:
    return Arrival(Lead(lead, now, {}, (Signal(signal, now),)), target=lead)


def test_signals_add_up_and_route_a_lead_again() -> None:
    desk = reference_desk()
    desk.decide(arrival("L", "content_download", email="a@fin1.example", **SIGNALLED))
    next_day, later = MONDAY + minutes(1440), MONDAY + minutes(1500)
    (warm,) = desk.decide(news("content_download", next_day), now=next_day)
    assert place(warm) == ("ida", "warm-strong", "pool:sdr", "assigned")
    assert warm.outcome == "moved"
    assert warm.standing.respond_by == at("2026-03-10 10:00")
    (hot,) = desk.decide(news("demo_request", later), now=later)
    assert place(hot) == ("anna", "hot", "pool:senior-ae", "assigned")
    assert hot.reasons == ("intent_rose", "moved")
    assert hot.standing.respond_by == at("2026-03-03 11:15")
    assert ("reassigned_away", "ida") in hot.messages
    assert desk.world.loads["ida"].open == 0
    assert desk.world.loads["anna"].open == 1


def test_a_nurtured_lead_whose_signal_changes_nothing_stays_where_it_is() -> None:
    desk = reference_desk()
    desk.decide(arrival("L", "content_download", **FINTECH))
    much_later = MONDAY + minutes(91 * 1440)
    (decision,) = desk.decide(news("content_download", much_later), now=much_later)
    assert place(decision) == (None, "cold-strong", "program:nurture-watched", "nurture")
    assert (decision.outcome, decision.reasons, decision.messages) == ("kept", ("kept",), ())


def worked(desk: Desk, **changes: Any) -> None:
    """A lead of medium intent that Ida has, with changes to how it stands."""
    desk.decide(arrival("L", "webinar_attendance", email="a@fin1.example", **SIGNALLED))
    known = desk.world.known
    known.put(replace(known.leads["L"], **changes))


def test_a_person_in_the_pool_of_the_new_route_keeps_the_lead_with_a_new_promise() -> None:
    desk = reference_desk()
    worked(desk, owner="anna", pool="sdr", stage="accepted")
    (decision,) = desk.decide(news("demo_request", MONDAY))
    assert (decision.outcome, place(decision)) == ("kept", ("anna", "hot", "pool:senior-ae", "accepted"))
    assert decision.standing.pool == "senior-ae"
    assert decision.standing.service_level == "demo-request"
    assert decision.standing.respond_by == at("2026-03-02 10:15")
    assert decision.reasons == ("intent_rose", "kept")


def test_who_has_responded_keeps_the_lead_and_the_promise() -> None:
    desk = reference_desk()
    worked(desk, stage="working", responded=True)
    before = desk.world.known.leads["L"]
    (decision,) = desk.decide(news("demo_request", MONDAY))
    assert (decision.outcome, decision.standing.owner, decision.standing.intent) == ("kept", "ida", "high")
    assert (decision.standing.respond_by, decision.standing.destination) == (before.respond_by, "pool:sdr")


def test_a_protected_owner_is_never_changed_by_a_signal() -> None:
    desk = reference_desk()
    desk.decide(arrival("L", "webinar_attendance", email="cto@acme.example", referral=None, **BIG))
    (decision,) = desk.decide(
        Arrival(Lead("L", MONDAY, {"referral": "vip"}, (Signal("demo_request", MONDAY),)), target="L")
    )
    assert (decision.outcome, decision.standing.owner) == ("kept", "boris")
    assert decision.standing.destination == "owner:account"


def test_a_signal_that_raises_nothing_changes_nothing_for_whoever_has_the_lead() -> None:
    desk = reference_desk()
    worked(desk)
    before = desk.world.known.leads["L"]
    (decision,) = desk.decide(news("case_study_engagement", MONDAY))
    assert (decision.outcome, decision.reasons, decision.messages) == ("merged", (), ())
    assert replace(decision.standing, lead=before.lead) == before


def test_a_reviewer_keeps_a_lead_that_is_routed_to_review_again() -> None:
    second = replace(reference_roster().people["olga"], id="olaf", name="Olaf")
    desk = reference_desk()
    desk.change(replace(desk.book.roster, people={**desk.book.roster.people, "olaf": second}))
    desk.decide(arrival("L", referral="vip"), arrival("M", referral="vip"))
    owner = desk.decisions["L"].standing.owner
    (decision,) = desk.decide(news("demo_request", MONDAY))
    assert (decision.outcome, decision.standing.owner, decision.standing.stage) == ("kept", owner, "review")


def test_a_lead_whose_owner_left_the_roster_is_routed_again() -> None:
    desk = reference_desk()
    worked(desk, owner="gone")
    (decision,) = desk.decide(news("case_study_engagement", MONDAY))
    assert (decision.outcome, decision.standing.owner) == ("moved", "hugo")


# ---------------------------------------------------------------- batches


def test_capacity_runs_out_within_a_batch() -> None:
    one = {"max_open": 1}
    desk = reference_desk(anna=one, boris=one, dora=one, clara={"max_open": 0}, emil={"max_open": 0})
    decisions = desk.decide(
        *(arrival(f"L{i}", "demo_request", email=f"a@b{i}.example", **BIG) for i in range(4))
    )
    assert [decision.standing.owner for decision in decisions] == ["anna", "boris", "dora", "olga"]
    assert excluded(decisions[2]) == {"anna": "full", "boris": "full"}
    assert decisions[3].reasons == ("nobody_available",)
    assert decisions[3].waiting_pool == "senior-ae"


def test_shares_are_fair_absence_is_no_debt_and_nobody_is_flooded_on_return() -> None:
    small = {**FINTECH, "deal_value": 5000}

    def leads(*ids: str) -> list[Arrival]:
        return [arrival(id_, "contact_sales_form", email=f"a@{id_}.example", **small) for id_ in ids]

    desk = reference_desk()
    weak = [arrival(f"W{i}", "contact_sales_form", email=f"a@w{i}.example", country="DE") for i in range(6)]
    assert desk.owners(*weak) == ["ida", "hugo", "ida", "ida", "hugo", "ida"]
    assert desk.owners(*leads("J1")) == ["fritz"]
    roster: Roster = desk.book.roster
    away = replace(roster.people["gina"], away=(Away(MONDAY, MONDAY + minutes(120)),))
    desk.change(replace(roster, people={**roster.people, "gina": away}))
    assert desk.owners(*leads("J2", "J3", "J4")) == ["hugo", "ida", "fritz"]
    assert excluded(desk.decisions["J2"]) == {"gina": "away"}
    assert desk.owners(*leads("J5", "J6"), now=MONDAY + minutes(120)) == ["gina", "hugo"]


def test_the_pools_that_a_batch_will_touch_are_forecast_with_their_backups() -> None:
    book = compile_rulebook(reference_policy(), reference_roster())
    world = fresh_world(book, reference_accounts())
    batch = [
        arrival("1", "demo_request", **BIG),
        arrival("2", referral="vip"),
        arrival("3"),
        arrival("4", email="a@acme.example"),
    ]
    assert pools_touched(book, world.known, batch, MONDAY) == {"senior-ae", "mid-ae", "revops"}


def test_a_policy_whose_last_route_does_not_hold_is_refused() -> None:
    policy = pool_policy(pool_of("main", "a"))
    policy = replace(policy, routes=(Route("only", "pool", "main", is_("country", "DE")),))
    book = compile_rulebook(policy, roster_of(person("a")))
    with pytest.raises(ValueError, match="last route"):
        decide_batch(book, fresh_world(book), [arrival("L")], MONDAY)
