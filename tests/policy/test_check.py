"""Policy and roster together: who is in the pools, who owns the segments, who steps in."""

import pytest

from leadlane.policy.check import check_against
from leadlane.policy.load import load_policy
from leadlane.policy.problems import Problem
from leadlane.policy.roster import read_roster

ROSTER = """\
teams: [{id: dach}, {id: inbound}]
people:
  - {id: sue, role: sdr, timezone: UTC, teams: [dach, inbound], backup: sam, tier: 1, skills: [sap]}
  - {id: sam, role: sdr, timezone: UTC, backup: sue, tier: 2}
  - {id: olga, role: revops, timezone: UTC}
"""


def problems(policy: str, roster: str = ROSTER) -> list[Problem]:
    document = read_roster(roster)[0]
    assert document is not None
    return check_against(load_policy(policy), document, policy, "p.yaml")


def test_what_fits_has_no_problems(small: str) -> None:
    assert problems(small) == []


def test_the_reference_has_the_problems_that_it_has(reference_policy: str, reference_roster: str) -> None:
    said = problems(reference_policy, reference_roster)
    assert [(problem.severity, problem.code, problem.path) for problem in said] == [
        ("warning", "no_backup", "pools.junior-ae"),
        ("warning", "no_backup", "pools.sdr"),
    ]
    assert "fritz, gina, hugo, ida" in said[0].found
    assert "demo-request" in said[0].expected


@pytest.mark.parametrize(
    ("members", "column", "severity", "code", "meant"),
    [
        ("[sue, smam]", 24, "error", "unknown_reference", "sam"),
        ("{rol: sdr}", 19, "error", "unknown_field", "role"),
        ("{role: sdr, skill: {any: [sap]}}", 30, "error", "unknown_field", "skills"),
        ("{teams: {any: [dahc]}}", 26, "error", "unknown_reference", "dach"),
        ("{skills: sap}", 27, "error", "unfit_test", ""),
        ("{tier: {any: [x]}}", 25, "error", "unfit_test", ""),
        ("{any: [{role: sdr}, {skills: {min: 5}}]}", 47, "error", "unfit_test", ""),
        ("{role: ae}", 18, "error", "empty_pool", ""),
        ("{tier: {above: 2}}", 18, "error", "empty_pool", ""),
        ("{role: sdr}, prefer: {skils: tech_stack}", 40, "error", "unknown_field", "skills"),
        ("{role: sdr}, require: {skils: tech_stack}", 41, "error", "unknown_field", "skills"),
    ],
)
def test_a_pool_must_ask_for_what_people_have(
    small: str, members: str, column: int, severity: str, code: str, meant: str
) -> None:
    said = problems(small.replace("sdr: {members: {role: sdr}", f"sdr: {{members: {members}"))
    expected = [(27, column, severity, code, meant)]
    assert [(p.line, p.column, p.severity, p.code, p.suggestion) for p in said] == expected


@pytest.mark.parametrize(
    "members", ["{tier: '1'}", "{tier: {min: 1}}", "{skills: {any: [SAP]}}", "[sue]", "{team: x}"]
)
def test_attributes_of_ones_own_may_be_asked_for(small: str, members: str) -> None:
    roster = ROSTER.replace("tier: 1,", "tier: 1, team: x,")
    assert problems(small.replace("{members: {role: sdr}", f"{{members: {members}"), roster) == []


def test_a_pool_whose_people_are_inactive_is_suspicious(small: str) -> None:
    roster = ROSTER.replace("role: sdr,", "role: sdr, active: false,")
    said = [(p.severity, p.code, p.path) for p in problems(small, roster)]
    assert ("warning", "empty_pool", "pools.sdr.members") in said
    assert ("warning", "unowned_segment", "segments[0].team") in said


def test_an_empty_pool_that_nothing_leads_to_harms_nobody(small: str) -> None:
    said = problems(small.replace("  ops: {", "  spare: {members: {role: ae}}\n  ops: {"))
    assert [(p.severity, p.code) for p in said] == [("warning", "empty_pool")]


def test_segments_are_owned_by_teams_that_there_are(small: str) -> None:
    (unknown,) = problems(small.replace("team: dach", "team: dahc"))
    assert (unknown.code, unknown.suggestion, unknown.line) == ("unknown_reference", "dach", 16)
    (deserted,) = problems(
        small.replace("team: dach", "team: cee"), ROSTER.replace("[{id: dach}", "[{id: cee}, {id: dach}")
    )
    assert (deserted.code, deserted.severity) == ("unowned_segment", "warning")


URGENT = "gentle: [{after: 1 hour, reassign: backup}]"


def test_whoever_may_lose_a_lead_to_a_backup_needs_one(small: str) -> None:
    urgent = small[: small.index("gentle: [")] + URGENT + "\n"
    alone = ROSTER.replace("backup: sue, ", "")
    assert problems(urgent) == []
    assert problems(small, alone) == []
    (problem,) = problems(urgent, alone)
    assert (problem.code, problem.severity, problem.line) == ("no_backup", "warning", 27)
    assert problem.found.endswith("sam")


def test_a_service_level_that_cannot_hold_for_a_pool_asks_no_backup(small: str) -> None:
    alone = ROSTER.replace("backup: sue, ", "")
    levels = (
        "service_levels:\n  - {name: warm, when: {intent: medium}, respond_within: 1 day, chase: urgent}\n"
    )
    urgent = small.replace("service_levels:\n", levels).replace(
        "chases:\n", f"chases:\n  {URGENT.replace('gentle', 'urgent')}\n"
    )
    assert problems(urgent, alone) == []
    named = urgent.replace("pool: sdr}", "pool: sdr, service_level: warm}")
    assert [problem.code for problem in problems(named, alone)] == ["no_backup"]


def test_without_the_text_problems_have_no_place(small: str) -> None:
    document = read_roster(ROSTER)[0]
    assert document is not None
    (problem,) = check_against(load_policy(small.replace("team: dach", "team: dahc")), document)
    assert (problem.line, problem.column, problem.path) == (0, 0, "segments[0].team")
    assert str(problem).startswith("policy: segments[0].team")
