"""The difference of two policies in words."""

import pytest

from leadlane.policy.diff import diff
from leadlane.policy.load import load_policy


def test_a_policy_does_not_differ_from_itself(reference_policy: str) -> None:
    policy = load_policy(reference_policy)
    assert diff(policy, policy) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("policy: Small", "policy: Smaller", ["policy: name Small → Smaller"]),
        ("strong_at: 10", "strong_at: 5", ["policy: strong from 10 → 5"]),
        ("[webinar]", "[{webinar: 2}]", ["policy: intent medium webinar → 2 × webinar"]),
        ("points: 10}", "points: 1000}", ["fit row “big”: points 10 → 1,000"]),
        (
            "[DE, AT]",
            "[DE, CH]",
            ["segment “dach”: condition country is Germany or Austria → country is Germany or Switzerland"],
        ),
        (
            "team: dach}",
            "description: Home}",
            ["segment “dach”: team dach → –", "segment “dach”: description – → Home"],
        ),
        (
            "  - {name: rest, review",
            "  - {name: vip, when: {referral: vip}, review: ops}\n  - {name: rest, review",
            ["route “vip” added before “rest”"],
        ),
        ("  - {name: later, when: {intent: [medium, low]}, program: news}\n", "", ["route “later” removed"]),
        (
            "{role: sdr}}",
            "{role: sdr}, method: weighted, prefer: {languages: language}}",
            ["pool “sdr”: prefers – → the lead's language", "pool “sdr”: method round robin → by weight"],
        ),
        ("  ops: {", "  spare: {members: [a, b]}\n  ops: {", ["pool “spare” added"]),
        (
            "1 business day",
            "4 business hours",
            ["service level “standard”: respond within 1 business day → 4 business hours"],
        ),
        (
            "remind: owner",
            "notify: manager",
            [
                "chase “gentle”: steps after 4 business hours, unless responded: remind the owner → "
                "after 4 business hours, unless responded: tell the manager"
            ],
        ),
        (
            "[trial, paid]",
            "[trial, paid, gone]",
            ["field “stage”: values trial or paid → trial, paid or gone"],
        ),
        ("chases:", "limits: {reassignments: 2}\nchases:", ["policy: reassignments before review 3 → 2"]),
    ],
)
def test_each_difference_is_a_sentence(small: str, old: str, new: str, said: list[str]) -> None:
    assert diff(load_policy(small), load_policy(small.replace(old, new, 1))) == said


def test_what_only_changed_its_place_has_moved(reference_policy: str) -> None:
    line = "  - {name: hot, when: {intent: high, fit: strong}, pool: senior-ae}\n"
    before = "  - {name: hot-enterprise"
    moved = reference_policy.replace(line, "").replace(before, line + before)
    assert diff(load_policy(reference_policy), load_policy(moved)) == [
        "route “hot” moved before “hot-enterprise”"
    ]
    assert diff(load_policy(moved), load_policy(reference_policy)) == ["route “hot” moved before “hot-weak”"]
