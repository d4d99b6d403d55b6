from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadlane.core.decide import Arrival, Decision, decide_batch
from leadlane.core.facts import Account, Away, Lead, Load, Signal
from leadlane.core.match import Keys, Standing
from leadlane.explain import Change, nearest
from leadlane.explain.variations import ANOTHER
from leadlane.i18n import available_languages, language
from leadlane.matching.keys import company_domain, email_key

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SIGNALS = [
    *("demo_request", "pricing_page_visit", "contact_sales_form", "webinar_attendance"),
    *("content_download", "newsletter_subscription", "coffee"),
]


def lead(id_: str = "L1", *signals: str, **fields: Any) -> Lead:
    return Lead(id_, MONDAY, fields, tuple(Signal(name, MONDAY) for name in signals))


def changes(office: Any, one: Lead, *, with_world: bool = True) -> list[Change]:
    """Decide a lead, and ask what would have changed the outcome."""
    world = office.world()
    decision = office.decide(one)
    trace = orjson.loads(orjson.dumps(decision.trace, option=orjson.OPT_UTC_Z))
    known = world if with_world else None
    given_lead, match = decision.standing.lead, decision.match
    return nearest(office.book, given_lead, match, MONDAY, trace, world=known, before=decision.before)


def sentences(found: list[Change]) -> list[str]:
    return [change.words for change in found]


# ---------------------------------------------------------------- what is told


def test_a_number_just_short_of_a_bound(office: Any) -> None:
    found = changes(office, lead("L1", "demo_request", country="DE", industry="banking", employees=800))

    assert sentences(found)[0] == (
        "If employees were 1,000 instead of 800, it would have gone by route hot-enterprise → pool senior-ae."
    )


def test_one_more_signal(office: Any) -> None:
    found = changes(office, lead("L1", "content_download", industry="fintech", employees=300))

    assert (
        "If there were 1 more signal content download, it would have gone by route warm-strong → pool sdr."
        in sentences(found)
    )


def test_an_estimate_that_the_lead_could_have_replaced(office: Any) -> None:
    found = changes(office, lead("L1", "demo_request", industry="banking", employees=5000))

    assert (
        "If deal value were known to be 50,000 EUR, instead of an estimated 80,000 EUR, "
        "it would have gone by route hot-mid → pool mid-ae." in sentences(found)
    )


def test_a_fact_that_nobody_knew(office: Any) -> None:
    found = changes(office, lead("L1", "demo_request", employees=300))

    assert any(words.startswith("If industry were known to be fintech, ") for words in sentences(found))


def test_no_account_would_have_meant_no_owner(office: Any) -> None:
    found = changes(office, lead("L1", "demo_request", email="cto@acme.example", employees=10))

    wanted = "If the company were a known account, but neither a customer nor named, it would have gone by"
    assert any(words.startswith(wanted) for words in sentences(found))


def test_a_company_that_is_not_the_competitor(office: Any) -> None:
    found = changes(office, lead("L1", "demo_request", company_domain="rival-crm.example"))

    assert sentences(found) == [
        "If company domain were one that the policy does not mention, "
        "it would have gone by route hot-weak → pool sdr."
    ]


def test_a_shorter_promise(office: Any) -> None:
    found = changes(office, lead("L1", "contact_sales_form", employees=10))

    assert (
        "If there were also the signal demo request, the promise would have been demo-request, "
        "to respond within 15 business minutes." in sentences(found)
    )


def test_how_far_behind_the_second_was(office: Any) -> None:
    first = changes(office, lead("L1", "contact_sales_form"))
    second = changes(office, lead("L2", "contact_sales_form"))

    assert "Hugo Braun was 0.33 of a turn behind Ida Wrona." in sentences(first)
    assert "Ida Wrona was 0.33 of a turn behind Hugo Braun." in sentences(second)


def test_level_with_the_one_who_was_chosen(office: Any) -> None:
    found = changes(office, lead("L1", "demo_request", industry="fintech", employees=300, deal_value=5000))

    level = "Gina Conti was level with Fritz Bauer. What decided: first in order of id among equals."
    assert level in sentences(found)


def test_fewest_open_leads(open_office: Callable[..., Any], office: Any) -> None:
    olga = office.book.roster.people["olga"]
    pair = open_office(hired=[replace(olga, id="zoe", name="Zoe Lang")])
    changes(pair, lead("L1", "demo_request", referral="vip"))
    found = changes(pair, lead("L2", "demo_request", referral="vip"))

    assert "Olga Lis was next: 1 open lead more than Zoe Lang." in sentences(found)


def test_a_language_that_would_have_led_to_another_person(office: Any) -> None:
    found = changes(office, lead("L1", "contact_sales_form", language="de"))

    assert "If language were English instead of German, Ida Wrona would have had it." in sentences(found)


def test_people_who_were_out_and_first_in_line(open_office: Callable[..., Any]) -> None:
    off = (Away(MONDAY, MONDAY + timedelta(days=1)),)
    night = (((0, 60),),) * 7
    form = "contact_sales_form"
    cases: dict[str, dict[str, Any]] = {
        "If Ida Wrona had not been away": {"away": off},
        "If Ida Wrona had not been full": {"max_open": 1},
        "If Ida Wrona had not had all the leads of a day already": {"per_day": 1},
        "If Ida Wrona had been in working hours": {"hours": night},
    }
    for condition, ida in cases.items():
        office = open_office(ida=ida)
        if "max_open" in ida or "per_day" in ida:
            office.loads["ida"] = Load(open=1, today=1)
        found = changes(office, lead("L1", form))
        assert f"{condition}, the lead would have gone to them." in sentences(found)


# ---------------------------------------------------------------- what is not told


def test_nothing_is_claimed_of_routes_when_the_lead_stays_where_it_was(office: Any) -> None:
    changes(office, lead("L1", "demo_request", email="jo@x.example"))
    merged = changes(office, lead("L2", "webinar_attendance", email="jo@x.example"))

    assert merged == []


def test_a_lead_that_leaves_its_program_is_as_free_as_a_new_one(office: Any) -> None:
    changes(office, lead("L1", "newsletter_subscription", email="jo@x.example", industry="banking"))
    moved = changes(office, lead("L2", "demo_request", email="jo@x.example"))

    assert any(words.startswith("If employees were known to be 200, ") for words in sentences(moved))


def test_without_the_ledgers_nobody_else_is_named(office: Any) -> None:
    found = changes(office, lead("L1", "contact_sales_form", language="de"), with_world=False)

    assert not any("would have had it" in words or "gone to them" in words for words in sentences(found))


def test_five_at_most_and_the_nearest_first(office: Any) -> None:
    one = lead("L1", "demo_request", country="DE", industry="fintech", employees=100, tech_stack=("hubspot",))
    found = changes(office, one)

    assert len(found) == 5
    assert [change.step for change in found] == sorted(change.step for change in found)


def test_it_speaks_every_language(office: Any) -> None:
    for code in available_languages():
        with language(code):
            found = changes(office, lead(f"L-{code}", "demo_request", country="DE", employees=300))
        assert found
        assert all("{" not in words for words in sentences(found))


# ---------------------------------------------------------------- that it is true

maybe = st.none()
leads = st.builds(
    lambda fields, signals: Lead(
        "subject",
        MONDAY,
        {name: value for name, value in fields.items() if value is not None},
        tuple(Signal(name, MONDAY - timedelta(days=days)) for name, days in signals),
    ),
    st.fixed_dictionaries(
        {
            "email": st.sampled_from(["a@acme.example", "b@helix.example", "c@busy.example", "d@new.example"])
            | maybe,
            "company_domain": st.sampled_from(["rival-crm.example", "shop.example"]) | maybe,
            "country": st.sampled_from(["DE", "PL", "IT", "US"]) | maybe,
            "language": st.sampled_from(["de", "pl", "it", "en"]) | maybe,
            "industry": st.sampled_from(["fintech", "Insurance", "farming"]) | maybe,
            "employees": st.integers(0, 3000) | maybe,
            "tech_stack": st.sampled_from([("salesforce",), ("sap", "hubspot"), ("sap",)]) | maybe,
            "deal_value": st.integers(0, 100_000) | maybe,
            "referral": st.sampled_from(["vip", "friend"]) | maybe,
            "source": st.sampled_from(["event", "web"]) | maybe,
        }
    ),
    st.lists(st.tuples(st.sampled_from(SIGNALS), st.integers(0, 120)), max_size=4),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=leads, earlier=st.lists(leads, max_size=3))
def test_every_claim_is_true(open_office: Callable[..., Any], subject: Lead, earlier: list[Lead]) -> None:
    office = open_office(anna={"max_open": 1}, ida={"per_day": 1})
    office.decide(lead("busy", "demo_request", email="z@busy.example", country="PL", employees=300))
    for number, one in enumerate(earlier):
        fields = {**one.fields, "email": f"e@earlier{number}.example", "company_domain": None}
        known = {name: value for name, value in fields.items() if value is not None}
        office.decide(replace(one, id=f"E{number}", fields=known))
    world = office.world()
    decision = office.decide(subject)
    trace = orjson.loads(orjson.dumps(decision.trace, option=orjson.OPT_UTC_Z))

    found = nearest(office.book, subject, decision.match, MONDAY, trace, world=world)

    office.known, office.ledgers, office.loads = world.known, dict(world.ledgers), dict(world.loads)
    for change in found:
        if change.variation is not None:
            _verify(office, decision, change)


def _verify(office: Any, actual: Decision, change: Change) -> None:
    """Decide the lead of a claim for real; what comes out must be what was claimed."""
    assert change.variation is not None
    assert change.outcome is not None
    varied = change.variation.lead
    if change.variation.value == ANOTHER:
        varied = replace(varied, fields={**varied.fields, change.variation.fact: "zzz.example"})
    email = varied.fields.get("email")
    keys = Keys(email_key(str(email)) if email else None, company_domain(varied.fields))
    world = office.world()
    if change.variation.kind == "relationship":
        keys = replace(keys, domain="made-up.example")
        relationship = change.variation.match.relationship
        account = Account(
            "made-up", "Made up", (), relationship == "named_account", relationship == "customer", "boris"
        )
        if relationship not in ("none", "open_lead"):
            world.known.accounts = {"made-up.example": account}
        if relationship == "open_lead":
            colleague = Keys("other@made-up.example", "made-up.example")
            world.known.put(Standing(lead("other"), colleague, "assigned", owner="boris"))
    [decision], _hands = decide_batch(office.book, world, [Arrival(varied, keys)], MONDAY)
    claimed = change.outcome
    assert decision.trace["match"]["relationship"] == change.variation.match.relationship
    assert decision.trace["route"]["name"] == claimed.route.name
    if decision.standing.owner is not None:
        level = claimed.level.name if claimed.level else None
        assert decision.standing.service_level == level
    if claimed.person is not None and change.variation.value != ANOTHER:
        assert decision.standing.owner == claimed.person
    noticed = ("destination", "owner", "service_level", "next_step", "stage")
    before, after = actual.standing, decision.standing
    assert change.variation.kind == "relationship" or any(
        getattr(before, name) != getattr(after, name) for name in noticed
    )
