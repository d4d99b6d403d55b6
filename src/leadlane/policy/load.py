"""Is this text a policy, and which? Every problem at once, each with its place; or the policy as data.

text → YAML with positions → structure (pydantic) → conditions and references → what is suspicious
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leadlane.core.conditions import ALWAYS, Condition
from leadlane.core.facts import FieldSpec
from leadlane.core.policy import (
    ChaseStep,
    DealBand,
    DealValueRow,
    FitRow,
    IntentItem,
    Limits,
    Matching,
    Policy,
    Pool,
    Program,
    Route,
    Segment,
    ServiceLevel,
)
from leadlane.policy import schema
from leadlane.policy.conditions import Report, Scope, read_condition
from leadlane.policy.problems import PolicyErrors, Problem, located
from leadlane.policy.references import check_references
from leadlane.policy.scopes import Scopes, scopes_of
from leadlane.policy.structure import read_structure
from leadlane.policy.suspicions import suspicions
from leadlane.policy.version import with_version
from leadlane.policy.yaml import Marks, Path, YamlError, read_yaml

Conditions = Mapping[Path, Condition | None]


def load_policy(text: str | bytes, source: str = "policy.yaml") -> Policy:
    """The policy that `text` says; raises PolicyErrors, with every problem, when it is not one."""
    policy, problems = read_policy(text, source)
    if policy is None:
        raise PolicyErrors(problems)
    return policy


def read_policy(text: str | bytes, source: str = "policy.yaml") -> tuple[Policy | None, list[Problem]]:
    """The policy that `text` says, None when there are errors, and every problem in the order of the text.

    Warnings about a policy as a whole are given once it has no errors.
    """
    try:
        document = read_yaml(text)
    except YamlError as error:
        return None, [Problem.of_yaml(error, source)]
    return policy_from_data(document.data, document.marks, source)


def policy_from_data(
    data: Any, marks: Marks | None = None, source: str = "policy"
) -> tuple[Policy | None, list[Problem]]:
    """As `read_policy`, for a document that is data already (mappings, lists and scalars)."""
    part, findings = read_structure(schema.PolicyPart, data)
    if isinstance(data, dict):
        conditions = read_conditions(data, scopes_of(data), findings.append)
        findings += check_references(data)
    if part is None or any(finding.severity == "error" for finding in findings):
        return None, located(findings, marks, source)
    policy = with_version(_policy(part, conditions))
    # That a row never holds needs no saying where an empty list in it says so already.
    said = {finding.path[:2] for finding in findings if finding.code == "never_holds"}
    findings += [f for f in suspicions(policy) if not (f.code == "never_holds" and f.path[:2] in said)]
    return policy, located(findings, marks, source)


# ---------------------------------------------------------------- conditions


def read_conditions(data: dict[str, Any], scopes: Scopes, report: Report) -> dict[Path, Condition | None]:
    """Every condition of a document by the path of its row (for pools, of the pool).

    It reads the raw document, not the model, so that a wrong key elsewhere hides no problem here.
    """
    conditions: dict[Path, Condition | None] = {}
    for path, key, scope in _places(data, scopes):
        row = value_at(data, path)
        # A list of people's ids is no condition; anything else that is wrong, the structure says.
        if isinstance(row, dict) and key in row and not (key == "members" and not isinstance(row[key], dict)):
            conditions[path] = read_condition(row[key], (*path, key), scope, report)
    return conditions


def _places(data: dict[str, Any], scopes: Scopes) -> Iterator[tuple[Path, str, Scope]]:
    rows = {
        ("fit", "points"): scopes.lead,
        ("segments",): scopes.lead,
        ("deal_value",): scopes.deal_value,
        ("deal_bands",): scopes.lead,
        ("routes",): scopes.derived,
        ("service_levels",): scopes.derived,
    }
    for path, scope in rows.items():
        section = value_at(data, path)
        for i in range(len(section) if isinstance(section, list) else 0):
            yield (*path, i), "when", scope
    pools = data.get("pools")
    for name in pools if isinstance(pools, dict) else ():
        yield ("pools", name), "members", scopes.person


def value_at(data: Any, path: Path) -> Any:
    """What stands at a path of a document, None when nothing does."""
    for step in path:
        if isinstance(step, int):
            data = data[step] if isinstance(data, list) and step < len(data) else None
        else:
            data = data.get(step) if isinstance(data, dict) else None
    return data


# ---------------------------------------------------------------- from the model to the policy


def _policy(part: schema.PolicyPart, conditions: Conditions) -> Policy:
    def when(*path: str | int) -> Condition:
        return conditions.get(path) or ALWAYS

    return Policy(
        version="",
        name=part.policy,
        currency=part.currency,
        timezone=part.timezone,
        counts_for=part.intent.counts_for,
        intent={level: _intent_items(getattr(part.intent, level)) for level in ("high", "medium", "low")},
        strong_at=part.fit.strong_at,
        fit=tuple(
            FitRow(row.name, when("fit", "points", i), row.points) for i, row in enumerate(part.fit.points)
        ),
        segments=tuple(
            Segment(row.name, when("segments", i), row.team, row.description)
            for i, row in enumerate(part.segments)
        ),
        deal_values=tuple(
            DealValueRow(row.value, when("deal_value", i)) for i, row in enumerate(part.deal_value)
        ),
        deal_bands=tuple(DealBand(row.name, when("deal_bands", i)) for i, row in enumerate(part.deal_bands)),
        routes=tuple(_route(row, when("routes", i)) for i, row in enumerate(part.routes)),
        pools={name: _pool(name, pool, conditions) for name, pool in part.pools.items()},
        programs={name: Program(name, program.description) for name, program in part.programs.items()},
        service_levels=tuple(
            ServiceLevel(row.name, row.respond_within, when("service_levels", i), row.chase, row.description)
            for i, row in enumerate(part.service_levels)
        ),
        chases={name: tuple(_chase_step(step) for step in steps) for name, steps in part.chases.items()},
        limits=_limits(part.limits),
        matching=Matching(part.matching.sure_from, part.matching.unsure_from),
        fields={name: FieldSpec(name, spec.type, tuple(spec.values)) for name, spec in part.fields.items()},
    )


def _intent_items(items: list[tuple[str, int]]) -> tuple[IntentItem, ...]:
    return tuple(IntentItem(signal, count) for signal, count in items)


def _route(row: schema.RoutePart, when: Condition) -> Route:
    kind, target = next((kind, target) for kind in schema.DESTINATIONS if (target := getattr(row, kind)))
    return Route(
        name=row.name,
        kind=kind,
        target=target,
        when=when,
        service_level=row.service_level,
        next_step=row.next_step,
        description=row.description,
        first_day=row.from_,
        last_day=row.until,
    )


def _pool(name: str, pool: schema.PoolPart, conditions: Conditions) -> Pool:
    members: Condition | tuple[str, ...] = conditions.get(("pools", name)) or pool.members
    return Pool(
        name=name,
        members=members,
        method=pool.method,
        require=tuple(pool.require.items()),
        prefer=tuple(pool.prefer.items()),
        backup_pool=pool.backup_pool,
        description=pool.description,
    )


def _chase_step(step: schema.ChaseStepPart) -> ChaseStep:
    action, target = next((action, target) for action in schema.ACTIONS if (target := getattr(step, action)))
    return ChaseStep(step.after, action, target, step.unless)


def _limits(limits: schema.LimitsPart) -> Limits:
    share = limits.automation_share
    return Limits(limits.reassignments, (share.min, share.max))
