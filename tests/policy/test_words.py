"""Policies and their parts in plain language."""

import pytest

from leadlane.core.policy import Duration
from leadlane.policy.hours import weekly_hours
from leadlane.policy.load import load_policy
from leadlane.policy.words import condition_words, describe, duration_words, route_words, week_words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "{country: [DE, AT, CH], employees: {min: 1000}}",
            "country is Germany, Austria or Switzerland and employees at least 1,000",
        ),
        ("{country: {not: DE}}", "country is known and not Germany"),
        ("{employees: {min: 50, max: 199}}", "employees from 50 to 199"),
        ("{deal_value: {above: 5, below: 9.5}}", "deal value above 5 and deal value below 9.5"),
        ("{tech_stack: {any: [sap, hubspot]}}", "technology has sap or hubspot"),
        ("{tech_stack: {all: [sap, hubspot]}}", "technology has sap and hubspot"),
        ("{tech_stack: {none: [sap, hubspot]}}", "technology is known and has no sap or hubspot"),
        ("{email: {starts_with: info@}}", "e-mail begins with “info@”"),
        ("{email: {not: {ends_with: .edu}}}", "e-mail does not end with “.edu”"),
        ("{language: {missing: true}}", "language is not known"),
        ("{opted_in: true}", "opted in is yes"),
        ("{renewal: {min: 2026-03-02}}", "renewal at least 2 Mar 2026"),
        ("{signal: demo_request}", "signal is demo request"),
        ("{relationship: [none, account]}", "relationship is none or known account"),
        (
            "{any: [{country: DE, fit: weak}, {city: Bonn}]}",
            "(country is Germany and fit is weak) or city is Bonn",
        ),
        (
            "{fit: weak, any: [{country: DE}, {city: Bonn}]}",
            "fit is weak and (country is Germany or city is Bonn)",
        ),
        ("{not: {city: Bonn, fit: weak}}", "not (city is Bonn and fit is weak)"),
    ],
)
def test_a_condition_reads_as_people_say_it(small: str, written: str, said: str) -> None:
    policy = load_policy(small.replace("{intent: high}", written))
    assert condition_words(policy.routes[0].when) == said


def test_no_condition_is_always(small: str) -> None:
    assert condition_words(load_policy(small).routes[-1].when) == "always"


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (Duration(1, "days"), "1 day"),
        (Duration(15, "minutes", business=True), "15 business minutes"),
        (Duration(1, "hours", business=True), "1 business hour"),
        (Duration(1440, "minutes"), "1,440 minutes"),
    ],
)
def test_durations_read_as_people_say_them(duration: Duration, said: str) -> None:
    assert duration_words(duration) == said


def test_a_route_reads_as_one_sentence(small: str) -> None:
    route = load_policy(
        small.replace("pool: sdr}", "pool: sdr, from: 2026-03-02, until: 2026-03-06}")
    ).routes[0]
    assert route_words(route) == "intent is high (from 2 Mar 2026 to 6 Mar 2026) → someone of the pool sdr"


def test_a_whole_policy_is_described_in_the_order_of_a_leads_life(reference_policy: str) -> None:
    sections = describe(load_policy(reference_policy))
    headings = " ".join(section.heading.split(":")[0] for section in sections)
    assert headings == (
        "Reference Intent Fit Segments Deal value, when the lead brings none Deal bands Routes Pools "
        "Nurture programs Promises Chases Limits Matching"
    )
    for section in sections:
        assert section.lines or section.rows
        assert all(len(row) == len(section.columns) for row in section.rows)
    routes = next(section for section in sections if section.heading.startswith("Routes"))
    assert routes.rows[9][:4] == (
        "hot-weak",
        "intent is high and fit is weak",
        "someone of the pool sdr",
        "Qualify",
    )


def test_hours_of_a_week_tell_days_alike_together() -> None:
    assert week_words(weekly_hours({"mon-fri": ["09:00-17:00"]})) == "Mon–Fri 09:00–17:00"
    shifts = weekly_hours(
        {"mon-thu": ["08:00-12:00", "13:00-17:00"], "fri": ["08:00-14:00"], "sun": ["22:00-06:00"]}
    )
    assert week_words(shifts) == ("Mon–Thu 08:00–12:00 and 13:00–17:00, Fri 08:00–14:00, Sun 22:00–06:00")
    assert week_words(weekly_hours({"mon-sun": ["00:00-24:00"]})) == "Mon–Sun 00:00–24:00"
