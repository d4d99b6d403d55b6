from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadlane.core.conditions import All, Test
from leadlane.core.facts import Away, FieldSpec, Lead, Person, Signal
from leadlane.core.policy import Route
from leadlane.core.trace import Reason
from leadlane.explain import Explanation, explain, reason_words
from leadlane.i18n import available_languages, language

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def lead(id_: str = "L1", *signals: str, **fields: Any) -> Lead:
    return Lead(id_, MONDAY, fields, tuple(Signal(name, MONDAY) for name in signals))


def big_bank(id_: str = "L1", **fields: Any) -> Lead:
    given = {"email": "jo@bigbank.example", "country": "DE", "industry": "banking", "employees": 5000}
    return lead(id_, "demo_request", **{**given, **fields})


def small_shop(id_: str) -> Lead:
    return lead(id_, "contact_sales_form", email=f"a@{id_}.example", country="DE")


def said(explanation: Explanation, key: str) -> list[str]:
    """The lines of a section, as a reader sees them."""
    marks = {"ok": "+", "failed": "-", "info": " "}
    section = next(section for section in explanation.sections if section.key == key)
    return [f"{marks[line.mark]} {' | '.join(line.cells)}" for line in section.lines]


# ---------------------------------------------------------------- a lead with a person


def test_the_summary_says_who_why_and_by_when(office: Any) -> None:
    told = office.tell(office.decide(big_bank(industry="fintech")))

    assert told.summary == (
        "Anna Nowak has this lead: hot-enterprise → pool senior-ae, respond by Mon 2 Mar 10:15."
    )


def test_moments_are_in_the_zone_of_the_reader(office: Any) -> None:
    told = office.tell(office.decide(big_bank()), ZoneInfo("Asia/Tokyo"))

    assert "Mon 2 Mar 18:15" in told.summary
    assert "By when: Mon 2 Mar 18:15 (Asia/Tokyo)" in [section.heading for section in told.sections]


def test_the_fit_adds_up_row_by_row(office: Any) -> None:
    told = office.tell(office.decide(lead("L1", "demo_request", employees=100, industry="Fintech")))

    assert said(told, "fit") == [
        "- Large company | 0 | employees is 100, at least 200 needed",
        "+ Mid-size company | 20 | employees is 100",
        "+ Core industry | 30 | industry is Fintech",
        "- Runs a stack we plug into | 0 | technology is not known",
        "  Points in all: 50; strong from 60.",
    ]


def test_every_signal_is_accounted_for(office: Any) -> None:
    signals = (
        Signal("demo_request", MONDAY - timedelta(days=120)),
        Signal("webinar_attendance", MONDAY - timedelta(days=2)),
        Signal("coffee", MONDAY),
    )
    told = office.tell(office.decide(Lead("L1", MONDAY, {}, signals)))

    assert said(told, "signals") == [
        "- demo request | Sun 2 Nov 2025 10:00 | faded: older than 90 days",
        "+ webinar attendance | Sat 28 Feb 10:00 | counted",
        "- coffee | Mon 2 Mar 10:00 | not listed in the policy",
        "  The intent is medium, because of: webinar attendance.",
    ]


def test_segment_and_deal_say_what_they_come_from(office: Any) -> None:
    estimated = office.tell(office.decide(big_bank("L1", country="PL", employees=300)))
    given = office.tell(office.decide(big_bank("L2", country="IS", employees=None, deal_value=60000)))

    assert said(estimated, "market") == [
        "- enterprise-dach | country is Poland, not Germany, Austria or Switzerland",
        "- dach | country is Poland, not Germany, Austria or Switzerland",
        "+ cee | this segment holds; the team Central and Eastern Europe serves it",
        "  The deal value is estimated as 25,000 EUR: employees is 300.",
        "  That is the deal band mid.",
    ]
    assert said(given, "market")[-2:] == [
        "  The deal value is 60,000 EUR: the lead brought it.",
        "  That is the deal band enterprise.",
    ]


def test_every_route_that_was_tried_says_what_failed(office: Any) -> None:
    told = office.tell(office.decide(big_bank(employees=800)))

    assert said(told, "route") == [
        "- competitor | company domain is not known",
        "- vip | referral is not known",
        "- already-worked | relationship is none, not open lead",
        "- expansion | relationship is none, not customer",
        "- named-account | relationship is none, not named account",
        "- hot-enterprise | deal band is mid, not enterprise",
        "+ hot-mid | intent is high, fit is strong and deal band is mid",
    ]


def test_a_temporary_route_says_when_it_is_in_force(office: Any, open_office: Callable[..., Any]) -> None:
    routes = office.book.policy.routes
    fair = Route("fair", "review", "revops", first_day=MONDAY.date() + timedelta(days=1))
    told_of = open_office({"routes": (fair, *routes)})

    told = told_of.tell(told_of.decide(big_bank()))

    assert said(told, "route")[0] == "- fair | not in force on that day, only from 3 Mar 2026 on"


# ---------------------------------------------------------------- people


def test_the_balance_that_decided_is_shown_in_turns(office: Any) -> None:
    office.decide(small_shop("s1"))
    told = office.tell(office.decide(small_shop("s2")))

    assert said(told, "pool:sdr") == [
        "  No preference by languages: the language is not known.",
        "+ Hugo Braun | balance 0.67",
        "  Ida Wrona | balance 0.33",
        "+ Hugo Braun was chosen: the highest balance, so it was their turn.",
    ]


def test_preferences_say_whom_they_left(office: Any) -> None:
    told = office.tell(office.decide(big_bank(language="de", industry="insurance")))

    assert said(told, "pool:senior-ae") == [
        "+ Preferred: people whose teams match the team dach.",
        "+ Preferred: people whose languages match the language German.",
        "+ Preferred: people whose industries match the industry insurance.",
        "- Anna Nowak | others suit this lead better",
        "- Dora Ricci | others suit this lead better",
        "+ Boris Keller | balance 1.00",
        "+ Boris Keller was chosen: nobody else was left.",
    ]


def test_everybody_who_is_out_has_a_reason(open_office: Callable[..., Any]) -> None:
    until = MONDAY + timedelta(days=4)
    office = open_office(
        anna={"away": (Away(MONDAY, until, "holiday"),)},
        boris={"max_open": 0},
        dora={"per_day": 0},
        clara={"active": False},
        emil={"max_open": 0},
    )

    told = office.tell(office.decide(big_bank()))

    assert said(told, "pool:senior-ae")[:3] == [
        "- Anna Nowak | away until Fri 6 Mar 10:00: holiday",
        "- Boris Keller | full: 0 open leads at most",
        "- Dora Ricci | has had the 0 leads of a day",
    ]
    assert "- Clara Meyer | no longer receives leads" in said(told, "pool:mid-ae")
    assert said(told, "pool:mid-ae")[-1] == "- Nobody in this pool can take the lead."
    assert told.summary.startswith("Olga Lis decides about this lead: hot-enterprise → pool senior-ae")
    assert "so it went to review." in said(told, "notes")[0]


def test_a_requirement_is_named(open_office: Callable[..., Any], office: Any) -> None:
    pools = dict(office.book.policy.pools)
    pools["senior-ae"] = replace(pools["senior-ae"], require=(("languages", "language"),))
    strict = open_office({"pools": pools})

    told = strict.tell(strict.decide(big_bank(language="it")))

    refused = "does not meet what the pool requires: languages with Italian"
    assert f"- Boris Keller | {refused}" in said(told, "pool:senior-ae")
    assert told.summary.startswith("Dora Ricci has this lead")


def test_a_large_pool_is_told_in_one_line_a_reason(office: Any, open_office: Callable[..., Any]) -> None:
    always = (((0, 1440),),) * 7
    crowd = [
        Person(f"p{n:04}", f"Rep {n}", always, "UTC", max_open=0 if n < 400 else None) for n in range(1000)
    ]
    pools = dict(office.book.policy.pools)
    everybody = tuple(person.id for person in crowd)
    pools["senior-ae"] = replace(pools["senior-ae"], members=everybody, prefer=())
    large = open_office({"pools": pools}, hired=crowd)

    told = large.tell(large.decide(big_bank()))

    [full, *running] = said(told, "pool:senior-ae")
    assert full.startswith("- Rep 0, Rep 1, ")
    assert full.endswith("and 370 others | full: as many open leads as they can take")
    assert running[0] == "+ Rep 400 | balance 0.00"
    assert running[-2] == "  and 570 others in the running"
    assert len(running) == 32


# ---------------------------------------------------------------- relationships


def test_the_owner_of_an_account_and_who_covers(open_office: Callable[..., Any]) -> None:
    week = (Away(MONDAY, MONDAY + timedelta(days=7)),)
    office = open_office(boris={"away": week}, anna={"away": week, "backup": "dora"})

    told = office.tell(office.decide(lead("L1", "demo_request", email="cto@acme.example")))

    assert told.summary == (
        "Boris Keller owns this lead and Dora Ricci covers: named-account → the owner of the account, "
        "respond by Mon 2 Mar 10:15."
    )
    assert said(told, "owner") == [
        "+ Boris Keller owns the account. No rule overrides that.",
        "- Anna Nowak | would be the next to cover, but is out too",
        "+ Boris Keller is out, so Dora Ricci covers. "
        "Boris Keller stays the owner and gets the lead back on return.",
    ]
    assert said(told, "known")[-2:] == [
        "  Acme Maschinenbau GmbH is a named account.",
        "  Recognised by the company domain acme.example.",
    ]


def test_a_colleague_and_the_same_person_again(office: Any) -> None:
    office.decide(big_bank("first"))
    colleague = office.tell(office.decide(lead("second", "demo_request", email="al@bigbank.example")))
    again = office.tell(office.decide(lead("third", "webinar_attendance", email="jo+x@bigbank.example")))

    assert "  Somebody is already working another lead of this company (first)." in said(colleague, "known")
    assert said(colleague, "owner") == [
        "+ Anna Nowak works the other lead of this company, so this one is theirs too."
    ]
    assert again.summary == "Anna Nowak has this lead, and the news changes nothing about that."
    assert said(again, "known")[-1] == (
        "  The same person already had the open lead first: this is news of it, not a second lead."
    )
    assert said(again, "promise") == ["  What was promised before stays as it was."]


def test_leads_without_a_person_say_so(office: Any) -> None:
    nurtured = office.tell(office.decide(lead("L1", "newsletter_subscription")))
    rival = office.tell(office.decide(lead("L2", "demo_request", company_domain="rival-crm.example")))

    assert nurtured.summary == "Nobody needs to call: cold-weak → program nurture."
    assert rival.summary == "This lead is not pursued: competitor → disqualified: competitor."
    assert said(rival, "promise") == ["  No person has this lead, so there is nobody to respond."]


def test_somebody_without_working_hours_promises_nothing(open_office: Callable[..., Any]) -> None:
    office = open_office(boris={"hours": ((),) * 7})

    told = office.tell(office.decide(lead("L1", "demo_request", email="cto@acme.example")))

    assert told.summary == "Boris Keller has this lead: named-account → the owner of the account."
    assert "no moment can be promised" in said(told, "promise")[-1]


def test_an_empty_review_pool_is_said_aloud(open_office: Callable[..., Any]) -> None:
    office = open_office(olga={"active": False})

    told = office.tell(office.decide(lead("L1", "demo_request", referral="vip")))

    assert told.summary == "Nobody has this lead: vip → review by revops, but there is nobody to decide."


def test_a_nurtured_lead_that_asks_for_a_demo_is_told_as_moved(office: Any) -> None:
    office.decide(lead("L1", "newsletter_subscription", email="jo@x.example"))
    told = office.tell(office.decide(lead("L2", "demo_request", email="jo@x.example")))

    assert told.lead == "L1"
    assert told.summary.startswith("Ida Wrona has this lead: hot-weak → pool sdr")
    assert said(told, "notes") == [
        "  The same person already had an open lead, so this became part of it.",
        "  The intent rose, so the lead was routed again.",
        "  It was routed again and has a new place.",
    ]


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_of_its_own(reason: Reason) -> None:
    words = reason_words(str(reason))

    assert words
    assert [other for other in Reason if reason_words(other) == words] == [reason]


def test_an_unknown_reason_is_an_error() -> None:
    with pytest.raises(ValueError):
        reason_words("because")


@pytest.mark.parametrize("code", available_languages())
def test_every_language_tells_the_same_story(office: Any, code: str) -> None:
    decisions = [
        office.decide(one)
        for one in (
            big_bank("a", language="pl"),
            lead("b", "webinar_attendance", email="cto@acme.example", employees=12.5),
            lead("c", "demo_request", referral="vip", message="one\ntwo " * 100),
            lead("d", email="jo@bigbank.example"),
            lead("e"),
        )
    ]
    for decision in decisions:
        english = office.tell(decision)
        with language(code):
            told = office.tell(decision)
        assert [section.key for section in told.sections] == [section.key for section in english.sections]
        texts = [told.summary, *(cell for s in told.sections for line in s.lines for cell in line.cells)]
        assert all(text.strip() and "{" not in text and "\n" not in text for text in texts)


def test_a_trace_that_was_never_stored_reads_the_same(office: Any) -> None:
    decision = office.decide(big_bank())
    fresh = explain(
        office.book.policy,
        office.book.roster,
        decision.standing.lead,
        None,
        decision.trace,
        ZoneInfo("Europe/Berlin"),
    )

    assert fresh == office.tell(decision)


def test_own_fields_of_a_policy_are_told_last(open_office: Callable[..., Any], office: Any) -> None:
    routes = (
        Route("vip-tier", "review", "revops", when=All((Test("support_tier", "is", ("gold",)),))),
        *office.book.policy.routes,
    )
    own = open_office({"routes": routes, "fields": {"support_tier": FieldSpec("support_tier", "text")}})

    told = own.tell(own.decide(lead("L1", "demo_request", support_tier="silver", country="DE")))

    assert said(told, "known")[:2] == ["  country | Germany", "  support tier | silver"]
    assert said(told, "route")[0] == "- vip-tier | support tier is silver, not gold"
