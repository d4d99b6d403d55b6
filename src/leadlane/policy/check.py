"""Do a policy and a roster fit together? Who is in the pools, and what of people do they ask?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from leadlane.core.conditions import All, Test, fold, holds, tests_of
from leadlane.core.facts import PERSON_FIELDS, FieldSpec, Person
from leadlane.core.policy import Policy, Pool, Route, ServiceLevel
from leadlane.i18n import _
from leadlane.policy.conditions import type_words
from leadlane.policy.logic import Domain, Space
from leadlane.policy.problems import Finding, Problem, Severity, located, quoted
from leadlane.policy.roster import build_roster
from leadlane.policy.roster_document import RosterDocument, attribute_types
from leadlane.policy.suspicions import domains_of, pools_reached
from leadlane.policy.values import did_you_mean, zone
from leadlane.policy.yaml import Marks, Path, read_yaml


def check_against(
    policy: Policy, document: RosterDocument, text: str | bytes | None = None, source: str = "policy"
) -> list[Problem]:
    """What is wrong or suspicious when this policy routes to these people.

    The roster must be without errors. `text` is what the policy was read from; with it, problems have places.
    """
    marks = read_yaml(text).marks if text is not None else None
    attributes = attribute_types(document)
    wrong_pools = {
        name: list(_pool_findings(pool, document, attributes, marks)) for name, pool in policy.pools.items()
    }
    members = _members(policy, document, {name for name, findings in wrong_pools.items() if findings})
    findings = [
        *(finding for findings in wrong_pools.values() for finding in findings),
        *_segment_teams(policy, document),
        *_empty_pools(policy, members),
        *_without_backup(policy, members),
    ]
    return located(findings, marks, source)


# ---------------------------------------------------------------- what pools ask of people


def _pool_findings(
    pool: Pool, document: RosterDocument, attributes: Mapping[str, FieldSpec], marks: Marks | None
) -> Iterator[Finding]:
    known = {**PERSON_FIELDS, **attributes}
    at: Path = ("pools", pool.name)
    if isinstance(pool.members, tuple):
        for i, name in enumerate(pool.members):
            if name not in document.people:
                meant = did_you_mean(name, document.people)
                expected = _("a person of the roster")
                yield Finding((*at, "members", i), "unknown_reference", quoted(name), expected, meant)
    else:
        for test in tests_of(pool.members):
            path = _place_of(test.field, (*at, "members"), marks)
            yield from _misfit(test, known, path)
            yield from _unknown_teams(test, document, path)
    for key, pairs in (("require", pool.require), ("prefer", pool.prefer)):
        for attribute, _lead_field in pairs:
            if attribute not in known:
                yield _unknown_attribute(attribute, known, (*at, key, attribute))


def _unknown_attribute(name: str, known: Mapping[str, FieldSpec], path: Path) -> Finding:
    found = _("the unknown attribute {name}").format(name=quoted(name))
    expected = _("something that a person of the roster has")
    return Finding(path, "unknown_field", found, expected, did_you_mean(name, known), at_key=True)


def _misfit(test: Test, known: Mapping[str, FieldSpec], path: Path) -> Iterator[Finding]:
    spec = known.get(test.field)
    if spec is None:
        yield _unknown_attribute(test.field, known, path)
        return
    fitting = {
        "is": spec.type != "tags",
        "range": spec.type in ("number", "date"),
        **dict.fromkeys(("any", "all", "none"), spec.type == "tags"),
        **dict.fromkeys(("starts_with", "ends_with", "contains"), spec.type == "text"),
    }
    if not fitting.get(test.op, True):
        expected = _("a test of {type}, as {name} is in this roster")
        expected = expected.format(type=type_words(spec.type), name=test.field)
        yield Finding(path, "unfit_test", _("a test that does not fit"), expected)


def _unknown_teams(test: Test, document: RosterDocument, path: Path) -> Iterator[Finding]:
    known = {name.casefold() for name in document.teams}
    for team in test.value if test.field == "teams" and test.op in ("any", "all", "none") else ():
        if team.casefold() not in known:
            expected = _("a team of the roster")
            yield Finding(
                path, "unknown_reference", quoted(team), expected, did_you_mean(team, document.teams)
            )


def _place_of(field: str, prefix: Path, marks: Marks | None) -> Path:
    """Where in a condition a field is tested: the first key of its name."""
    keys = marks.keys if marks else {}
    inside = (path for path in keys if path[: len(prefix)] == prefix and path[-1] == field)
    return next(inside, prefix)


# ---------------------------------------------------------------- who is there


def person_facts(person: Person) -> dict[str, object]:
    """What conditions on people can test of a person, folded."""
    return fold({**person.attributes, **{name: getattr(person, name) for name in PERSON_FIELDS}})


def _members(policy: Policy, document: RosterDocument, unreadable: set[str]) -> dict[str, list[Person]]:
    """The members of each pool whose condition can be asked, inactive ones included."""
    people = build_roster(document, 0, {}).people
    facts = {id_: person_facts(person) for id_, person in people.items()}
    policy_zone = zone(policy.timezone)
    members: dict[str, list[Person]] = {}
    for name in policy.pools.keys() - unreadable:
        asked = policy.pools[name].members
        if isinstance(asked, tuple):
            members[name] = [people[id_] for id_ in asked]
        else:
            members[name] = [people[id_] for id_ in people if holds(asked, facts[id_], policy_zone)]
    return members


def _empty_pools(policy: Policy, members: Mapping[str, list[Person]]) -> Iterator[Finding]:
    reached = pools_reached(policy)
    for name, people in members.items():
        if any(person.active for person in people):
            continue
        found = _("the pool “{name}”, in which nobody is").format(name=name)
        if people:
            found = _("the pool “{name}”, in which nobody is active").format(name=name)
        # A pool that nothing leads to harms nobody.
        severity: Severity = "warning" if people or name not in reached else "error"
        expected = _("a condition that people of the roster fulfil")
        yield Finding(("pools", name, "members"), "empty_pool", found, expected, severity=severity)


def _segment_teams(policy: Policy, document: RosterDocument) -> Iterator[Finding]:
    for i, segment in enumerate(policy.segments):
        if segment.team is None:
            continue
        path: Path = ("segments", i, "team")
        if segment.team not in document.teams:
            meant = did_you_mean(segment.team, document.teams)
            expected = _("a team of the roster")
            yield Finding(path, "unknown_reference", quoted(segment.team), expected, meant)
        elif not any(
            segment.team in entry.get("teams", ()) and entry.get("active", True)
            for entry in document.people.values()
        ):
            found = _("the team “{team}”, in which nobody is active").format(team=segment.team)
            yield Finding(path, "unowned_segment", found, _("a team with people"), severity="warning")


# ---------------------------------------------------------------- who steps in


def _without_backup(policy: Policy, members: Mapping[str, list[Person]]) -> Iterator[Finding]:
    """People without a backup in pools whose leads are reassigned to the backup when nobody acts."""
    domains = domains_of(policy)
    for name, people in members.items():
        alone = [person.id for person in people if person.active and person.backup is None]
        levels = _reassigning_levels(policy, name, domains) if alone else []
        if levels:
            found = _("people without a backup: {people}").format(people=", ".join(alone))
            expected = _("a backup for each, because these service levels reassign to it: {levels}")
            expected = expected.format(levels=", ".join(levels))
            path: Path = ("pools", name)
            yield Finding(path, "no_backup", found, expected, severity="warning", at_key=True)


def _reassigning_levels(policy: Policy, pool: str, domains: Mapping[str, Domain]) -> list[str]:
    """The service levels that may hold for leads of a pool, and whose chase reassigns."""
    routes = [route for route in policy.routes if route.kind == "pool" and route.target == pool]
    reassigning = {
        name for name, steps in policy.chases.items() if any(step.action == "reassign" for step in steps)
    }
    return [
        level.name
        for level in policy.service_levels
        if level.chase in reassigning and any(_may_hold(level, route, domains) for route in routes)
    ]


def _may_hold(level: ServiceLevel, route: Route, domains: Mapping[str, Domain]) -> bool:
    if route.service_level is not None:
        return route.service_level == level.name
    both = All((route.when, level.when))
    return bool(Space([both], domains).sets(both).possible)
