"""What is legal, but probably not meant, in a policy by itself."""

from collections.abc import Callable

import pytest

from leadlane.policy.load import read_policy
from leadlane.policy.problems import Problem

ProblemsAfter = Callable[[str, str], list[Problem]]

SUSPICIOUS = [
    # what is changed in the small policy; code, path, and what the message names
    (
        "high: [demo_request]",
        "high: [demo_request, demo_request]",
        "duplicate_signal",
        "intent.high[1]",
        "demo_request",
    ),
    ("medium: [webinar]", "medium: [webinar, demo_request]", "unreachable", "intent.medium[1]", "high"),
    ("strong_at: 10", "strong_at: 11", "never_holds", "fit.strong_at", "10"),
    ("strong_at: 10", "strong_at: 0", "never_holds", "fit.strong_at", "0"),
    (
        "when: {employees: {min: 100}}",
        "when: {all: [{employees: {min: 5}}, {employees: {max: 4}}]}",
        "never_holds",
        "fit.points[0].when",
        "no lead",
    ),
    ("country: [DE, AT]}", "country: []}", "never_holds", "segments[0].when.country", "never"),
    (
        "  - {name: rest, team",
        "  - {name: bonn, when: {country: de, city: Bonn}, team: x}\n  - {name: rest, team",
        "unreachable",
        "segments[1]",
        "dach",
    ),
    ("team: dach}", "description: Ours}", "unowned_segment", "segments[0]", "dach"),
    (
        "below: 1000}}}",
        "below: 1000}}}\n  - {name: tiny, when: {deal_value: {max: 9}}}",
        "unreachable",
        "deal_bands[1]",
        "small",
    ),
    (
        "deal_bands:",
        "deal_value:\n  - {when: {employees: {min: 5}}, value: 1}\n  - {when: {employees: 7}, value: 2}\n"
        "deal_bands:",
        "unreachable",
        "deal_value[1]",
        "1",
    ),
    (
        "  - {name: rest, review",
        "  - {name: big, when: {fit: strong, country: DE}, pool: sdr}\n  - {name: rest, review",
        "unreachable",
        "routes[2]",
        "hot",
    ),
    (
        "  - {name: standard",
        "  - {name: all, respond_within: 1 day}\n"
        "  - {name: fast, when: {intent: high}, respond_within: 1 hour}\n"
        "  - {name: standard",
        "unreachable",
        "service_levels[1]",
        "all",
    ),
    ("[medium, low]", "[medium]", "unplanned", "routes[2]", "low"),
    ("intent: high}, pool", "intent: high, fit: strong}, pool", "unplanned", "routes[2]", "weak"),
    ("{intent: [medium, low]}", "{intent: [medium, low], stage: trial}", "unplanned", "", ""),
    (
        "program: news",
        "program: news, service_level: standard",
        "unused",
        "routes[1].service_level",
        "person",
    ),
    ("  ops: {members", "  spare: {members: {role: ae}}\n  ops: {members", "unused", "pools.spare", "spare"),
    ("  news: {", "  other: {}\n  news: {", "unused", "programs.other", "other"),
    ("  gentle: [", "  urgent: []\n  gentle: [", "unused", "chases.urgent", "urgent"),
]


@pytest.mark.parametrize(("old", "new", "code", "path", "names"), SUSPICIOUS)
def test_what_is_suspicious_is_said(
    problems_after: ProblemsAfter, old: str, new: str, code: str, path: str, names: str
) -> None:
    problems = problems_after(old, new)
    assert {problem.severity for problem in problems} <= {"warning"}
    if not path:
        assert problems == []  # a lead at any stage may have high intent
        return
    assert [(problem.code, problem.path) for problem in problems] == [(code, path)]
    assert names in problems[0].found
    assert problems[0].line > 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # fewer of a signal lift to a lower level than more of it to a higher one
        ("high: [demo_request]", "high: [demo_request, {webinar: 2}]"),
        # a pool that only backs up is used
        ("{role: sdr}}", "{role: sdr}, backup_pool: ops}"),
        # a temporary route may say what a later one says for good
        (
            "routes:\n",
            "routes:\n"
            "  - {name: fair, when: {intent: high}, pool: ops, from: 2026-03-02, until: 2026-03-06}\n",
        ),
        # a value that may be missing is more than all its values
        (
            "routes:\n",
            "routes:\n  - {name: t, when: {stage: trial}, pool: sdr}\n"
            "  - {name: p, when: {stage: paid}, pool: sdr}\n",
        ),
        # a service level after all others is for the routes that name it
        (
            "pool: sdr}\n",
            "pool: sdr, service_level: fast}\n",
        ),
    ],
)
def test_what_is_meant_is_not_accused(small: str, old: str, new: str) -> None:
    fast = "chase: gentle}\n  - {name: fast, when: {intent: high}, respond_within: 1 hour}"
    text = small.replace(old, new, 1)
    if "fast" in new:
        text = text.replace("chase: gentle}", fast)
    assert read_policy(text)[1] == []
