"""Rosters that are read, and what they become; rosters that are refused."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlane.core.facts import Account, Away
from leadlane.policy.hours import HoursError, weekly_hours
from leadlane.policy.problems import has_errors
from leadlane.policy.roster import (
    RosterDocument,
    build_account,
    build_roster,
    check_roster,
    holiday_keys,
    public_holidays,
    read_roster,
)
from leadlane.policy.roster_document import attribute_types

ANN = "people: [{id: ann, timezone: Europe/Berlin%s}]\n"
OFFICE = ((540, 1020),)


def person(rest: str, more: str = ""):
    document, problems = read_roster(ANN % rest + more)
    assert not has_errors(problems), problems
    assert document is not None
    return build_roster(document, 7, {}).people["ann"]


def test_the_reference_roster_has_no_problems(reference_roster: str) -> None:
    document, problems = read_roster(reference_roster)
    assert problems == []
    assert document is not None
    assert check_roster(document) == []
    assert holiday_keys(document) == {"DE", "PL", "IT"}
    roster = build_roster(document, 3)
    assert roster.revision == 3
    assert len(roster.people) == 13
    ida = roster.people["ida"]
    assert (ida.weight, ida.max_open, ida.per_day, ida.manager) == (2, 100, 30, "marco")
    assert ida.hours == (OFFICE,) * 5 + ((), ())
    assert roster.people["maria"].manager is None  # the manager of her own team is nobody else
    assert roster.teams["dach"].manager == "maria"
    assert date(2026, 10, 3) in roster.holidays["DE"]
    helix = build_account(document.accounts["helix"])
    assert helix == Account("helix", "Helix Versicherung AG", ("helix.example",), False, True, "carla", "DE")


def test_what_is_not_said_has_defaults() -> None:
    ann = person("")
    assert (ann.name, ann.weight, ann.max_open, ann.active, ann.backup) == ("ann", 1, None, True, None)
    assert ann.hours == (OFFICE,) * 5 + ((), ())


def test_hours_are_named_inline_or_the_default() -> None:
    named = "hours: {early: {mon: '06:00-14:00'}, default: {tue: ['10:00-12:00']}}\n"
    early, default = ((360, 840),), ((600, 720),)
    assert person(", hours: early", named).hours == (early, (), (), (), (), (), ())
    assert person("", named).hours == ((), default, (), (), (), (), ())
    assert person(", hours: {sun: '00:00-24:00'}", named).hours[6] == ((0, 1440),)


@pytest.mark.parametrize(
    ("spec", "day", "blocks"),
    [
        ({"mon-fri": ["09:00-17:00"]}, 4, OFFICE),
        ({"sun-thu": "09:00-17:00"}, 6, OFFICE),
        ({"sun-thu": "09:00-17:00"}, 4, ()),
        ({"Monday": "9:00-17:00"}, 0, OFFICE),
        ({"sat": ["14:00-18:00", "09:00-12:00"]}, 5, ((540, 720), (840, 1080))),
        ({"fri": "22:00-06:00"}, 4, ((1320, 1800),)),
        ({"mon-fri": "09:00-12:00", "fri": "13:00-15:00"}, 4, ((540, 720), (780, 900))),
        ({"mon": [], "tue": "09:00-17:00"}, 0, ()),
        ({"mon": "09:00-12:00", "tue": ["12:00-24:00", "00:00-12:00"]}, 1, ((0, 720), (720, 1440))),
    ],
)
def test_hours_are_minutes_of_seven_days(spec: dict, day: int, blocks: tuple) -> None:
    assert weekly_hours(spec)[day] == blocks


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"mon": []},
        {"mon": "9-17"},
        {"mon": "09:00-25:00"},
        {"mon": "09:60-17:00"},
        {"mon": "24:00-08:00"},
        {"mon": "09:00-09:00"},
        {"mon": 9},
        {"mon-tue-wed": "09:00-17:00"},
        {"mo": "09:00-17:00"},
        {"mon": ["09:00-12:00", "11:00-17:00"]},
        {"mon": "22:00-06:00", "tue": "05:00-12:00"},
        {"sun": "22:00-06:00", "mon": "05:00-12:00"},
    ],
)
def test_hours_that_cannot_be_are_refused(spec: dict) -> None:
    with pytest.raises(HoursError):
        weekly_hours(spec)


def test_absences_are_whole_days_in_the_zone_of_the_person() -> None:
    ann = person(", away: [{from: 2026-03-28, until: 2026-03-29, reason: Fair}]")
    # The night of 29 March is that of the change to summer time.
    expected = Away(datetime(2026, 3, 27, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC), "Fair")
    assert ann.away == (expected,)


def test_absences_may_be_moments() -> None:
    ann = person(", away: [{from: 2026-03-02T12:00, until: 2026-03-02T15:00+02:00}]")
    assert ann.away == (Away(datetime(2026, 3, 2, 11, tzinfo=UTC), datetime(2026, 3, 2, 13, tzinfo=UTC)),)


def test_attributes_of_ones_own_have_the_type_that_their_values_share() -> None:
    text = (
        "people:\n"
        "  - {id: a, timezone: UTC, tier: 1, skills: [sap], since: 2020-01-01, quota: 5, car: true,\n"
        "     desk: 1}\n"
        "  - {id: b, timezone: UTC, tier: gold, since: 2021-01-01, desk: x}\n"
    )
    document = read_roster(text)[0]
    assert document is not None
    types = {name: spec.type for name, spec in attribute_types(document).items()}
    expected = {
        "tier": "text",
        "skills": "tags",
        "since": "date",
        "quota": "number",
        "car": "boolean",
        "desk": "text",
    }
    assert types == expected
    assert build_roster(document, 1, {}).people["a"].attributes == {
        "tier": "1",
        "skills": ("sap",),
        "since": date(2020, 1, 1),
        "quota": 5,
        "car": True,
        "desk": "1",
    }


REFUSED = [
    # the rest of Ann's entry; column of the one problem, its code, what was probably meant
    (", timezone2: UTC, timezone3: UTC", None, "", ""),
    (", name: [x]", 51, "wrong_type", ""),
    (", email: nowhere", 52, "wrong_value", ""),
    (", country: Germany", 54, "unknown_value", "DE"),
    (", languages: [german]", 57, "unknown_value", "de"),
    (", weight: 0", 53, "wrong_value", ""),
    (", weight: many", 53, "wrong_type", ""),
    (", max_open: -1", 55, "wrong_value", ""),
    (", per_day: 1.5", 54, "wrong_type", ""),
    (", active: yes", 53, "wrong_type", ""),
    (", teams: dach", 52, "wrong_type", ""),
    (", teams: [dahc]", 53, "unknown_reference", "dach"),
    (", backup: bbo", 53, "unknown_reference", "bob"),
    (", backup: ann", 53, "backup", ""),
    (", manager: boss", 54, "unknown_reference", ""),
    (", hours: late", 52, "unknown_reference", ""),
    (", hours: {mon: 9-17}", 52, "hours", ""),
    (", hours: {mon: ['09:00-12:00', '11:00-13:00']}", 52, "hours", ""),
    (", away: [{from: 2026-03-02, until: 2026-03-01}]", 78, "period", ""),
    (", away: [{until: 2026-03-01}]", 52, "missing_key", ""),
    (", away: [{from: soon, until: 2026-03-01}]", 59, "wrong_value", ""),
    (", skills: {sap: 5}", 53, "wrong_type", ""),
]


@pytest.mark.parametrize(("rest", "column", "code", "meant"), REFUSED)
def test_a_wrong_person_is_refused(rest: str, column: int | None, code: str, meant: str) -> None:
    text = "teams: [{id: dach}]\n" + ANN.replace("}]", "}, {id: bob, timezone: UTC}]") % rest
    document, problems = read_roster(text, "r.yaml")
    said = [(p.line, p.column, p.code, p.suggestion) for p in problems if p.severity == "error"]
    if column is None:
        assert said == []
    else:
        assert document is None
        assert said == [(2, column, code, meant)]


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        ("people: [{id: a}]", "missing_key", "people[0]"),
        ("people: [{timezone: UTC}]", "missing_key", "people[0]"),
        ("people: [{id: a, timezone: Berlin}]", "unknown_zone", "people[0].timezone"),
        ("people: [{id: a, timezone: UTC}, {id: a, timezone: UTC}]", "duplicate_name", "people[1].id"),
        (
            "people: [{id: a, timezone: UTC, email: X@y}, {id: b, timezone: UTC, email: x@Y}]",
            "duplicate_name",
            "people[1].email",
        ),
        ("teams: [{id: t, manager: x}]", "unknown_reference", "teams[0].manager"),
        ("teams: [{id: t, boss: x}]", "unknown_key", "teams[0].boss"),
        ("accounts: [{id: t, owner: x}]", "unknown_reference", "accounts[0].owner"),
        ("accounts: [{id: t, domains: [nowhere]}]", "wrong_value", "accounts[0].domains[0]"),
        (
            "accounts: [{id: a, domains: [x.example]}, {id: b, domains: [X.example]}]",
            "duplicate_name",
            "accounts[1].domains[0]",
        ),
        ("hours: {default: {}}", "hours", "hours.default"),
        ("peple: []", "unknown_key", "peple"),
        ("- a", "wrong_type", ""),
        ("people: x: y", "syntax", ""),
    ],
)
def test_a_wrong_roster_is_refused(text: str, code: str, path: str) -> None:
    document, problems = read_roster(text)
    assert document is None
    assert [(problem.code, problem.path) for problem in problems] == [(code, path)]
    assert problems[0].line == 1


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        (", timezon: UTC", "unknown_key"),
        (", backup: bob", "backup"),
        (", country: DE, holidays_region: BAY", "no_holidays"),
    ],
)
def test_what_is_suspicious_in_a_roster_is_said(rest: str, code: str) -> None:
    text = ANN.replace("}]", "}, {id: bob, timezone: UTC, active: false}]") % rest
    problems = read_roster(text)[1]
    assert [(problem.code, problem.severity) for problem in problems] == [(code, "warning")]


def test_a_mail_provider_is_nobodys_domain() -> None:
    text = "accounts: [{id: t, domains: [umbra.example, WWW.gmail.com]}]"
    document, problems = read_roster(text)
    assert document is not None
    found = [(problem.code, problem.severity, problem.path) for problem in problems]
    assert found == [("mail_provider", "warning", "accounts[0].domains[1]")]


def test_an_account_has_names_and_a_place() -> None:
    document, problems = read_roster("accounts: [{id: t, aliases: [Tee, 7], city: Ulm, phone: 0731 12345}]")
    assert document is not None
    assert not problems
    account = build_account({"id": "t", **document.accounts["t"]})
    assert (account.name, account.aliases, account.city, account.phone) == (
        "t",
        ("Tee", "7"),
        "Ulm",
        "0731 12345",
    )


def test_entries_are_checked_where_they_are_kept() -> None:
    document = RosterDocument(
        people={"ann": {"timezone": "Berlin", "backup": "bob"}}, teams={"t": {"id": "t", "colour": "red"}}
    )
    said = [(problem.path, problem.code) for problem in check_roster(document)]
    assert sorted(said) == [
        ("people.ann.backup", "unknown_reference"),
        ("people.ann.timezone", "unknown_zone"),
        ("teams.t.colour", "unknown_key"),
    ]


def test_public_holidays_are_those_of_the_country_or_region() -> None:
    assert date(2026, 5, 14) in public_holidays("DE")
    assert date(2026, 1, 6) not in public_holidays("DE")
    assert date(2026, 1, 6) in public_holidays("DE-BY")
    assert public_holidays("DE-XX") == public_holidays("DE")
    assert public_holidays("ZZ") == {}
    document = read_roster(ANN % ", country: DE, holidays_region: BY")[0]
    assert document is not None
    assert holiday_keys(document) == {"DE-BY"}
    assert date(2026, 1, 6) in build_roster(document, 1).holidays["DE-BY"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=100))
def test_any_text_is_answered(text: str) -> None:
    document, problems = read_roster(text)
    assert document is not None or has_errors(problems)


_KEYS = st.sampled_from(
    [
        "id",
        "name",
        "email",
        "timezone",
        "country",
        "languages",
        "hours",
        "weight",
        "backup",
        "manager",
        "teams",
        "away",
        "from",
        "until",
        "mon",
        "domains",
        "owner",
        "named",
        "active",
        "x",
        "holidays_region",
    ]
)
_VALUES = st.recursive(
    st.one_of(
        _KEYS,
        st.none(),
        st.booleans(),
        st.integers(-3, 10**20),
        st.floats(),
        st.just("2026-03-02"),
        st.just("UTC"),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=5)),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["people", "teams", "hours", "accounts"]), _VALUES))
def test_any_roster_is_answered(data: dict) -> None:
    import yaml

    document, problems = read_roster(yaml.safe_dump(data, allow_unicode=True))
    assert document is not None or has_errors(problems)
    if document is not None:
        assert not has_errors(check_roster(document))
        build_roster(document, 1, {})
