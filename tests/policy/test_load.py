"""Policies that are refused, with place and reason; policies that are read; versions."""

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlane.core.conditions import ALWAYS
from leadlane.core.facts import FieldSpec
from leadlane.core.policy import ChaseStep, Duration, IntentItem
from leadlane.policy.load import load_policy, policy_from_data, read_policy
from leadlane.policy.problems import CODES, PolicyErrors, Problem, has_errors
from leadlane.policy.yaml import read_yaml

ProblemsAfter = Callable[[str, str], list[Problem]]


def test_the_reference_policy_has_no_problems(reference_policy: str) -> None:
    policy, problems = read_policy(reference_policy)
    assert problems == []
    assert policy is not None
    assert policy.name == "Reference"
    assert policy.counts_for == Duration(90, "days")
    assert policy.intent["medium"][-1] == IntentItem("content_download", 2)
    assert [route.kind for route in policy.routes[:4]] == ["disqualify", "review", "owner", "owner"]
    assert policy.routes[-1].when == ALWAYS
    assert policy.review_pool == "revops"
    assert policy.pools["senior-ae"].prefer[0] == ("teams", "team")
    assert policy.chases["urgent"][1] == ChaseStep(
        Duration(30, "minutes", business=True), "reassign", "backup", "accepted"
    )
    assert policy.programs["nurture"].description == "Monthly product letters, run by marketing"
    assert policy.limits.automation_share == (0.8, 0.9)


def test_the_small_policy_has_no_problems(small: str) -> None:
    policy, problems = read_policy(small)
    assert problems == []
    assert policy is not None
    assert policy.fields["stage"] == FieldSpec("stage", "choice", ("trial", "paid"))


# One replacement in the small policy; the line and column where the one problem must be, its code, and
# what was probably meant.
REFUSED = [
    # structure
    ("timezone:", "timezoen:", 2, 1, "unknown_key", "timezone"),
    ("Europe/Berlin", "Europe/Berln", 2, 11, "unknown_zone", "Europe/Berlin"),
    ("Europe/Berlin", "Berlin", 2, 11, "unknown_zone", "Europe/Berlin"),
    ("Europe/Berlin", "[]", 2, 11, "unknown_zone", ""),
    ("policy: Small", "currency: EUR", 1, 1, "missing_key", ""),
    ("policy: Small", "policy: {}", 1, 9, "wrong_type", ""),
    ("policy: Small", "policy: ' '", 1, 9, "wrong_value", ""),
    ("timezone", "currency: euro\ntimezone", 2, 11, "wrong_value", ""),
    ("timezone", "currency: eur\ntimezone", 2, 11, "wrong_value", "EUR"),
    ("strong_at: 10", "strong_at: '10'", 12, 14, "wrong_type", ""),
    ("strong_at: 10", "strong_at: .nan", 12, 14, "wrong_value", ""),
    ("strong_at: 10", "strong_at: true", 12, 14, "wrong_type", ""),
    ("points: 10}", "points: many}", 14, 58, "wrong_type", ""),
    ("name: big, ", "", 14, 7, "missing_key", ""),
    ("  high: [demo_request]", "  hihg: [demo_request]", 9, 3, "unknown_key", "high"),
    ("[demo_request]", "demo_request", 9, 9, "wrong_type", ""),
    ("[demo_request]", "[{demo_request: 0}]", 9, 10, "wrong_value", ""),
    ("[demo_request]", "[{demo_request: 1, webinar: 2}]", 9, 10, "wrong_value", ""),
    ("[demo_request]", "[[demo_request]]", 9, 10, "wrong_type", ""),
    ("intent:", "intent:\n  counts_for: 90", 9, 15, "wrong_value", ""),
    ("intent:", "intent:\n  counts_for: 90 business days", 9, 15, "wrong_value", ""),
    # fields
    ("stage: {type: choice", "stage: {type: enum", 4, 17, "wrong_value", ""),
    ("stage: {type: choice", "stage: {type: text", 4, 23, "wrong_value", ""),
    ("stage: {type: choice, values: [trial, paid]}", "stage: {type: choice}", 4, 3, "missing_key", ""),
    ("[trial, paid]", "[trial, Trial]", 4, 41, "duplicate_name", ""),
    ("opted_in:", "country:", 5, 3, "shadowed_field", ""),
    ("opted_in:", "fit:", 5, 3, "shadowed_field", ""),
    ("opted_in:", "any:", 5, 3, "shadowed_field", ""),
    # names and references
    ("name: rest, team", "name: dach, team", 17, 12, "duplicate_name", ""),
    ("name: rest, review", "name: hot, review", 23, 12, "duplicate_name", ""),
    ("pool: sdr", "pool: sdrs", 21, 45, "unknown_reference", "sdr"),
    ("pool: sdr", "program: nurture", 21, 48, "unknown_reference", ""),
    ("pool: sdr", "pool: sdr, service_level: standart", 21, 65, "unknown_reference", "standard"),
    ("chase: gentle", "chase: gentel", 30, 61, "unknown_reference", "gentle"),
    ("{role: sdr}}", "{role: sdr}, backup_pool: opps}", 27, 44, "unknown_reference", "ops"),
    ("{role: sdr}}", "{role: sdr}, backup_pool: sdr}", 27, 44, "unknown_reference", ""),
    ("{role: sdr}}", "{role: sdr}, prefer: {languages: languge}}", 27, 51, "unknown_field", "language"),
    (
        "{role: sdr}}",
        "{role: sdr}, require: {language: languages}}",
        27,
        51,
        "unknown_field",
        "languages: language",
    ),
    # routes
    ("pool: sdr", "pool: sdr, review: ops", 21, 5, "destination", ""),
    (", pool: sdr", "", 21, 5, "destination", ""),
    ("pool: sdr", "pool: ~", 21, 45, "destination", ""),
    ("pool: sdr", "owner: me", 21, 46, "wrong_value", ""),
    ("pool: sdr", "owner: acount", 21, 46, "wrong_value", "account"),
    ("pool: sdr", "pool: sdr, from: 1.3.2026", 21, 56, "wrong_value", ""),
    ("pool: sdr", "pool: sdr, from: 2026-02-30", 21, 56, "wrong_value", ""),
    ("pool: sdr", "pool: sdr, from: 2026-03-02, until: 2026-03-01", 21, 75, "period", ""),
    ("{name: rest, review", "{name: rest, when: {fit: weak}, review", 23, 18, "last_route", ""),
    ("{name: rest, review", "{name: rest, until: 2026-03-01, review", 23, 18, "last_route", ""),
    ("review: ops", "disqualify: nobody", 20, 1, "no_review", ""),
    # conditions, in their sections
    ("when: {employees: {min: 100}}", "when: {}", 14, 25, "empty_condition", ""),
    ("when: {employees: {min: 100}}", "when: ~", 14, 25, "wrong_type", ""),
    ("employees: {min", "employes: {min", 14, 26, "unknown_field", "employees"),
    ("{employees: {min: 100}}", "{intent: high}", 14, 26, "field_too_early", ""),
    ("country: [DE, AT]", "segment: dach", 16, 25, "field_too_early", ""),
    ("[DE, AT]", "[DE, UK]", 16, 39, "unknown_value", "GB"),
    ("{deal_value: {below: 1000}}", "{fit_score: {min: 5}}", 19, 26, "field_too_early", ""),
    (
        "deal_bands:",
        "deal_value: [{when: {deal_value: 5}, value: 5}]\ndeal_bands:",
        18,
        22,
        "field_too_early",
        "",
    ),
    ("intent: high}", "intent: hot}", 21, 32, "unknown_value", ""),
    ("intent: high}", "segment: dahc}", 21, 33, "unknown_value", "dach"),
    ("intent: high}", "deal_band: smal}", 21, 35, "unknown_value", "small"),
    ("intent: high}", "signal: demo}", 21, 32, "unknown_value", ""),
    ("intent: high}", "team: dahc}", 21, 30, "unknown_value", "dach"),
    ("intent: high}", "skills: sap}", 21, 32, "unfit_test", ""),
    ("intent: high}", "renewal: {min: never}}", 21, 39, "unfit_test", ""),
    ("{role: sdr}", "{}", 27, 18, "empty_condition", ""),
    ("{role: sdr}", "[]", 27, 18, "empty_condition", ""),
    ("{role: sdr}", "sdr", 27, 18, "wrong_type", ""),
    ("{role: sdr}", "{teams: dach}", 27, 26, "unfit_test", ""),
    ("{role: sdr}", "{languages: {any: [german]}}", 27, 37, "unknown_value", "de"),
    # promises and chases
    ("1 business day,", "soon,", 30, 38, "wrong_value", ""),
    ("1 business day,", "0 days,", 30, 38, "wrong_value", ""),
    ("1 business day,", "-1 days,", 30, 38, "wrong_value", ""),
    ("1 business day,", "1.5 days,", 30, 38, "wrong_value", ""),
    ("1 business day,", "99999 days,", 30, 38, "wrong_value", ""),
    ("1 business day,", "2 weeks,", 30, 38, "wrong_value", ""),
    ("remind: owner", "remind: owner, notify: manager", 32, 12, "destination", ""),
    (", remind: owner", "", 32, 12, "destination", ""),
    ("remind: owner", "remind: backup", 32, 65, "wrong_value", ""),
    ("unless: responded", "unless: respnded", 32, 46, "wrong_value", "responded"),
    ("chases:", "limits: {reassignments: -1}\nchases:", 31, 25, "wrong_value", ""),
    ("chases:", "limits: {automation_share: {min: 80}}\nchases:", 31, 34, "wrong_value", ""),
    ("chases:", "limits: {automation_share: {min: 0.9, max: 0.8}}\nchases:", 31, 34, "impossible_test", ""),
]


@pytest.mark.parametrize(("old", "new", "line", "column", "code", "meant"), REFUSED)
def test_a_wrong_policy_is_refused_where_it_is_wrong(
    problems_after: ProblemsAfter, old: str, new: str, line: int, column: int, code: str, meant: str
) -> None:
    problems = [problem for problem in problems_after(old, new) if problem.severity == "error"]
    said = [(p.line, p.column, p.code, p.suggestion) for p in problems]
    assert said == [(line, column, code, meant)]
    assert problems[0].found
    assert problems[0].source == "p.yaml"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "wrong_type"),
        ("- a", "wrong_type"),
        ("policy", "wrong_type"),
        ("a: [", "syntax"),
        ("\x00", "encoding"),
    ],
)
def test_what_is_no_policy_at_all_is_refused(text: str, code: str) -> None:
    policy, problems = read_policy(text)
    assert policy is None
    assert [problem.code for problem in problems] == [code]


def test_every_problem_is_said_at_once_in_the_order_of_the_text(small: str) -> None:
    for old, new in (
        ("timezone:", "zone:"),
        ("{min: 100}", "{mn: 100}"),
        ("[DE, AT]", "[UK]"),
        ("intent: high}, pool: sdr", "intent: hot}, pool: sdrs"),
        ("unless: responded", "unless: never"),
    ):
        small = small.replace(old, new)
    problems = read_policy(small)[1]
    codes = [
        "unknown_key",
        "unknown_operator",
        "unknown_value",
        "unknown_value",
        "unknown_reference",
        "wrong_value",
    ]
    assert [problem.code for problem in problems] == codes
    with pytest.raises(PolicyErrors) as caught:
        load_policy(small)
    assert caught.value.problems == tuple(problems)
    assert str(caught.value).count("\n") == len(problems)


def test_a_problem_reads_as_a_sentence(problems_after: ProblemsAfter) -> None:
    (problem,) = problems_after("pool: sdr", "pool: sdrs")
    expected = "p.yaml:21:45: routes[0].pool: “sdrs”; expected a pool of this policy – did you mean sdr?"
    assert str(problem) == expected
    assert problem.as_json()["path"] == "routes[0].pool"
    assert problem.code in CODES


def test_a_last_route_that_is_no_review_is_suspicious(small: str) -> None:
    text = small.replace("{name: rest, review: ops}", "{name: rest, disqualify: closed}")
    text = text.replace("routes:\n", "routes:\n  - {name: vip, when: {referral: vip}, review: ops}\n")
    (problem,) = read_policy(text)[1]
    assert (problem.code, problem.severity, problem.line) == ("no_review", "warning", 24)


def test_a_policy_without_people_needs_no_review() -> None:
    policy, problems = read_policy("policy: P\nroutes: [{name: all, disqualify: closed}]\npools: {}\n")
    assert problems == []
    assert policy is not None
    assert policy.review_pool is None


# ---------------------------------------------------------------- versions


def shuffled(data: Any, chance: random.Random, keep: bool = False) -> Any:
    """The same document with the keys of its mappings in another order, where order says nothing."""
    if isinstance(data, list):
        return [shuffled(item, chance) for item in data]
    if not isinstance(data, dict):
        return data
    keys = list(data)
    if not keep:
        chance.shuffle(keys)
    return {key: shuffled(data[key], chance, keep=key == "prefer") for key in keys}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(), flow=st.booleans(), width=st.sampled_from([40, 1000]))
def test_layout_and_order_of_keys_make_no_version(
    reference_policy: str, seed: int, flow: bool, width: int
) -> None:
    data = shuffled(read_yaml(reference_policy).data, random.Random(seed))
    text = yaml.safe_dump(data, sort_keys=False, default_flow_style=flow, width=width, allow_unicode=True)
    assert load_policy(text).version == load_policy(reference_policy).version
    assert load_policy(json.dumps(data)).version == load_policy(reference_policy).version


def test_defaults_may_be_written_out(small: str) -> None:
    version = load_policy(small).version
    written = small.replace("timezone:", "currency: EUR\nlimits: {reassignments: 3}\ntimezone:")
    written = written.replace("\nintent:", "\nintent:\n  counts_for: 90 days").replace(
        "points: 10}", "points: 10.0}"
    )
    assert load_policy(written).version == version
    assert len(version) == 16
    assert int(version, 16)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("policy: Small", "policy: Smaller"),
        ("points: 10}", "points: 11}"),
        ("[DE, AT]", "[DE]"),
        ("{name: dach, when", "{name: dach, description: Home, when"),
        ("1 business day", "1 day"),
        ("{role: sdr}}", "{role: sdr}, method: weighted}"),
        ("[trial, paid]", "[trial, paid, gone]"),
    ],
)
def test_another_meaning_is_another_version(small: str, old: str, new: str) -> None:
    assert load_policy(small.replace(old, new)).version != load_policy(small).version


def test_the_order_of_preferences_counts(small: str) -> None:
    pairs = "{role: sdr}, prefer: {languages: language, teams: team}}"
    turned = "{role: sdr}, prefer: {teams: team, languages: language}}"
    versions = {load_policy(small.replace("{role: sdr}}", one)).version for one in (pairs, turned)}
    assert len(versions) == 2


# ---------------------------------------------------------------- whatever comes


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    policy, problems = read_policy(text)
    assert policy is not None or has_errors(problems)


# Pieces as they occur in policies, put together without sense.
_WORDS = st.sampled_from(
    [
        "when",
        "any",
        "all",
        "not",
        "members",
        "role",
        "country",
        "employees",
        "min",
        "missing",
        "fit",
        "intent",
        "high",
        "routes",
        "pools",
        "name",
        "pool",
        "review",
        "owner",
        "account",
        "5",
        "days",
        "from",
        "until",
        "2026-01-01",
        "true",
        "fields",
        "type",
        "choice",
        "values",
        "signal",
        "prefer",
        "points",
    ]
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(_WORDS, st.none(), st.booleans(), st.integers(-3, 10**20), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_WORDS, inner, max_size=4)),
    max_leaves=12,
)
_SECTIONS = st.sampled_from(
    [
        "fields",
        "intent",
        "fit",
        "segments",
        "deal_value",
        "deal_bands",
        "routes",
        "pools",
        "programs",
        "service_levels",
        "chases",
        "limits",
        "currency",
        "timezone",
        "policy",
    ]
)


@settings(max_examples=300, deadline=None)
@given(section=_SECTIONS, value=_VALUES, row=st.booleans())
def test_any_section_is_answered(small: str, section: str, value: Any, row: bool) -> None:
    data = read_yaml(small).data
    if row and isinstance(data.get(section), list):
        data[section] = [*data[section], value]
    else:
        data[section] = value
    policy, problems = policy_from_data(data)
    assert policy is not None or has_errors(problems)


def test_a_large_policy_is_read_in_a_moment(small: str) -> None:
    routes = "".join(
        f"  - {{name: r{i}, when: {{country: [DE, PL], employees: {{min: {i}, below: {i + 7}}}, "
        f"industry: [a{i % 9}, b], tech_stack: {{any: [t{i % 20}]}}, intent: high}}, pool: sdr}}\n"
        for i in range(200)
    )
    text = small.replace("routes:\n", "routes:\n" + routes)
    read_policy(text)
    began = time.process_time()
    policy, problems = read_policy(text)
    assert time.process_time() - began < 1  # some 0.2 s on a quiet machine
    assert policy is not None
    assert problems == []
