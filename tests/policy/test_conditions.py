"""The table of tests of the policy language: what each means, and what is refused when it is read."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadlane.core.conditions import All, Any_, Bounds, Not, Test, fold, holds
from leadlane.core.facts import LEAD_FIELDS, FieldSpec
from leadlane.policy.conditions import ClosedSet, Scope, read_condition
from leadlane.policy.problems import Finding
from leadlane.policy.yaml import read_yaml

BERLIN = ZoneInfo("Europe/Berlin")
SCOPE = Scope(
    fields={
        **LEAD_FIELDS,
        "stage": FieldSpec("stage", "choice", ("trial", "paid")),
        "opted_in": FieldSpec("opted_in", "boolean"),
        "renewal": FieldSpec("renewal", "date"),
        "segment": FieldSpec("segment", "text"),
    },
    too_early={"intent": "a field of the lead"},
    closed={"segment": ClosedSet(("dach", "cee"), "a segment")},
    zone="Europe/Berlin",
)
PEOPLE = Scope(fields={"role": FieldSpec("role", "text")}, open=True)


def read(text: str, scope: Scope = SCOPE) -> tuple[Any, list[Finding]]:
    findings: list[Finding] = []
    return read_condition(read_yaml(text).data, (), scope, findings.append), findings


def meaning(text: str, scope: Scope = SCOPE) -> Any:
    condition, findings = read(text, scope)
    assert not findings
    return condition


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("country: NO", Test("country", "is", ("NO",))),
        ("country: [DE, at]", Test("country", "is", ("DE", "at"))),
        ("employees: 12", Test("employees", "is", (12,))),
        ("employees: '12'", Test("employees", "is", (12,))),
        ("employees: 12.0", Test("employees", "is", (12,))),
        ("product: 12.0", Test("product", "is", ("12",))),
        ("opted_in: true", Test("opted_in", "is", (True,))),
        ("stage: Trial", Test("stage", "is", ("Trial",))),
        ("segment: DACH", Test("segment", "is", ("DACH",))),
        ("renewal: 2026-03-02", Test("renewal", "is", (date(2026, 3, 2),))),
        ("employees: {min: 200}", Test("employees", "range", Bounds(min=200))),
        ("employees: {max: '999'}", Test("employees", "range", Bounds(max=999))),
        ("deal_value: {above: 1, below: 2.5}", Test("deal_value", "range", Bounds(above=1, below=2.5))),
        ("employees: {min: 5, max: 5}", Test("employees", "range", Bounds(min=5, max=5))),
        ("renewal: {min: 2026-03-02}", Test("renewal", "range", Bounds(min=date(2026, 3, 2)))),
        (
            "renewal: {above: 2026-03-02T10:00}",
            Test("renewal", "range", Bounds(above=datetime(2026, 3, 2, 10, tzinfo=BERLIN))),
        ),
        ("tech_stack: {any: [a, b]}", Test("tech_stack", "any", ("a", "b"))),
        ("tech_stack: {all: [a]}", Test("tech_stack", "all", ("a",))),
        ("tech_stack: {none: [a]}", Test("tech_stack", "none", ("a",))),
        ("email: {starts_with: Info@}", Test("email", "starts_with", "Info@")),
        ("company_domain: {ends_with: .edu}", Test("company_domain", "ends_with", ".edu")),
        ("title: {contains: 2}", Test("title", "contains", "2")),
        ("country: {missing: true}", Test("country", "missing")),
        ("country: {missing: false}", Test("country", "present")),
        ("country: {present: true}", Test("country", "present")),
        ("country: {present: false}", Test("country", "missing")),
        ("country: {not: DE}", Test("country", "is", ("DE",), negated=True)),
        ("country: {not: [DE, AT]}", Test("country", "is", ("DE", "AT"), negated=True)),
        ("country: {not: {not: DE}}", Test("country", "is", ("DE",))),
        ("country: {not: {missing: true}}", Test("country", "present")),
        ("employees: {not: {min: 5}}", Test("employees", "range", Bounds(min=5), negated=True)),
        ("tech_stack: {not: {any: [a]}}", Test("tech_stack", "any", ("a",), negated=True)),
    ],
)
def test_a_test_means_what_the_table_says(text: str, test: Test) -> None:
    assert meaning(text) == All((test,))


def test_all_tests_of_a_mapping_must_hold() -> None:
    both = meaning("country: DE\nemployees: {min: 5}")
    assert both == All((Test("country", "is", ("DE",)), Test("employees", "range", Bounds(min=5))))


def test_conditions_nest() -> None:
    text = "any: [{country: DE}, {all: [{city: Bonn}, {not: {city: Ulm, region: South}}]}]"
    de, bonn, ulm = (
        Test(*test)
        for test in (("country", "is", ("DE",)), ("city", "is", ("Bonn",)), ("city", "is", ("Ulm",)))
    )
    inner = All((bonn, Not(All((ulm, Test("region", "is", ("South",)))))))
    assert meaning(text) == All((Any_((de, inner)),))


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("country: {not: DE}", {}, False),
        ("tech_stack: {none: [sap]}", {}, False),
        ("tech_stack: {none: [sap]}", {"tech_stack": ("hubspot",)}, True),
        ("any: [{country: {not: DE}}, {country: {missing: true}}]", {}, True),
        ("not: {country: DE}", {}, False),
        ("not: {country: DE}", {"country": "PL"}, True),
        ("country: {missing: true}", {"country": ""}, True),
        ("product: 12", {"product": "12.0"}, True),
        ("industry: FinTech", {"industry": "fintech"}, True),
        ("country: {not: {present: true}}", None, None),
    ],
)
def test_what_is_read_holds_as_the_language_says(text: str, fields: Any, expected: Any) -> None:
    condition, findings = read(text)
    if expected is None:
        assert [finding.code for finding in findings] == ["impossible_test"]
    else:
        assert holds(condition, fold(fields), BERLIN) is expected


@pytest.mark.parametrize(
    ("text", "code", "path", "suggestion"),
    [
        ("{}", "empty_condition", (), ""),
        ("[]", "wrong_type", (), ""),
        ("always", "wrong_type", (), ""),
        ("any: []", "empty_condition", ("any",), ""),
        ("all: {country: DE}", "wrong_type", ("all",), ""),
        ("any: [{}]", "empty_condition", ("any", 0), ""),
        ("not: []", "wrong_type", ("not",), ""),
        ("none: [{country: DE}]", "unknown_field", ("none",), ""),
        ("contry: DE", "unknown_field", ("contry",), "country"),
        ("intent: high", "field_too_early", ("intent",), ""),
        ("employees: {mim: 5}", "unknown_operator", ("employees", "mim"), "min"),
        ("employees: {}", "empty_condition", ("employees",), ""),
        ("employees: {min: 5, not: 3}", "unfit_test", ("employees",), ""),
        ("tech_stack: {any: [a], none: [b]}", "unfit_test", ("tech_stack",), ""),
        ("country:", "unfit_test", ("country",), ""),
        ("country: [DE, ~]", "unfit_test", ("country", 1), ""),
        ("country: ['']", "unfit_test", ("country", 0), ""),
        ("product: true", "unfit_test", ("product",), '"true"'),
        ("tech_stack: salesforce", "unfit_test", ("tech_stack",), ""),
        ("tech_stack: [salesforce]", "unfit_test", ("tech_stack",), ""),
        ("tech_stack: {any: salesforce}", "unfit_test", ("tech_stack", "any"), ""),
        ("country: {any: [DE]}", "unfit_test", ("country", "any"), ""),
        ("country: {min: 5}", "unfit_test", ("country",), ""),
        ("tech_stack: {max: 5}", "unfit_test", ("tech_stack",), ""),
        ("employees: {starts_with: 5}", "unfit_test", ("employees", "starts_with"), ""),
        ("tech_stack: {contains: x}", "unfit_test", ("tech_stack", "contains"), ""),
        ("title: {contains: ''}", "unfit_test", ("title", "contains"), ""),
        ("employees: many", "unfit_test", ("employees",), ""),
        ("employees: true", "unfit_test", ("employees",), ""),
        ("employees: {min: '1.000,50'}", "unfit_test", ("employees", "min"), ""),
        ("employees: .inf", "unfit_test", ("employees",), ""),
        ("employees: '1e5'", "unfit_test", ("employees",), ""),
        ("opted_in: yes", "unfit_test", ("opted_in",), "true"),
        ("renewal: soon", "unfit_test", ("renewal",), ""),
        ("renewal: 2026-02-30", "unfit_test", ("renewal",), ""),
        ("country: {missing: maybe}", "unfit_test", ("country", "missing"), ""),
        ("country: UK", "unknown_value", ("country",), "GB"),
        ("country: [DE, Germany]", "unknown_value", ("country", 1), "DE"),
        ("country: {not: EU}", "unknown_value", ("country", "not"), ""),
        ("language: german", "unknown_value", ("language",), "de"),
        ("language: en-GB", "unknown_value", ("language",), "en"),
        ("stage: trail", "unknown_value", ("stage",), "trial"),
        ("segment: dahc", "unknown_value", ("segment",), "dach"),
        ("employees: {min: 5, max: 4}", "impossible_test", ("employees",), ""),
        ("employees: {min: 5, below: 5}", "impossible_test", ("employees",), ""),
        ("employees: {above: 5, max: 5}", "impossible_test", ("employees",), ""),
        ("employees: {above: 5, below: 5}", "impossible_test", ("employees",), ""),
        ("renewal: {min: 2026-03-02, max: 2026-03-01}", "impossible_test", ("renewal",), ""),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, code: str, path: Any, suggestion: str) -> None:
    condition, findings = read(text)
    assert condition is None
    assert [(f.code, f.path, f.suggestion, f.severity) for f in findings] == [
        (code, path, suggestion, "error")
    ]
    assert findings[0].found
    assert findings[0].expected


def test_every_problem_of_a_condition_is_said() -> None:
    _condition, findings = read("contry: DE\nemployees: {min: x, max: y}\nany: [{country: UK}, {stage: x}]")
    paths = [finding.path[-1] for finding in findings]
    assert paths == ["contry", "min", "country", "stage"]
    _condition, findings = read("country: [UK, DE, USA]")
    assert [finding.suggestion for finding in findings] == ["GB", "US"]


@pytest.mark.parametrize("text", ["country: []", "tech_stack: {any: []}", "country: {not: []}"])
def test_an_empty_list_is_legal_but_suspicious(text: str) -> None:
    condition, findings = read(text)
    assert condition is not None
    assert [(finding.code, finding.severity) for finding in findings] == [("never_holds", "warning")]


def test_attributes_that_nobody_declared_match_as_text_and_as_number() -> None:
    condition = meaning("{role: sdr, tier: [1, '2', gold], quota: {min: 5}, skills: {any: [sap]}}", PEOPLE)
    zone = ZoneInfo("UTC")
    for tier in (1, "1", 2, "2.0", "Gold"):
        person = {"role": "SDR", "tier": tier, "quota": 7, "skills": ("sap",)}
        assert holds(condition, fold(person), zone)
    assert not holds(condition, fold({"role": "sdr", "tier": 3, "quota": 7, "skills": ("sap",)}), zone)
