"""What could a first scenario for one's own policy be? Leads on some of its routes, and what happens now."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from psycopg import Connection

from leadlane.core.conditions import Bounds, Test, fold, tests_of
from leadlane.core.decide import Rulebook, compile_rulebook
from leadlane.core.facts import DERIVED_FIELDS, INTENTS
from leadlane.core.policy import Policy
from leadlane.core.qualify import qualify
from leadlane.core.route import choose_route
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.intake.leads import read_lead
from leadlane.policy.load import read_policy
from leadlane.policy.roster import RosterDocument, build_roster
from leadlane.scenarios.read import moment_text, read_scenario
from leadlane.scenarios.run import open_play
from leadlane.scenarios.stage import scene
from leadlane.service.publish import current_document, in_force
from leadlane.service.rulebooks import field_specs
from leadlane.service.submission import submission

POLICY_FILE, ROSTER_FILE = "policy.yaml", "roster.yaml"
# Chance finds leads for most routes of most policies in so many tries, in well under a second.
_TRIES = 2_000
_ROUTES = 6
_EXPECTED = ("route", "owner", "destination", "intent", "fit", "stage", "service_level")


def write_first(connection: Connection, stage: Connection, path: Path, now: datetime) -> list[Path]:
    """Write a scenario for the policy in force, and policy and roster beside it. Returns what was written.

    It says what happens at present, so it passes. LeadlaneError if nothing is in force, or if a file is in
    the way; a policy that says the same as the one in force is used as it is.
    """
    policy, text = in_force(connection)
    document = current_document(connection)
    policy_file, roster_file = path.with_name(POLICY_FILE), path.with_name(ROSTER_FILE)
    contents = {path: "", policy_file: text, roster_file: roster_text(document)}
    for file, content in list(contents.items()):
        if file.exists() and _says_the_same(file, content, policy):
            del contents[file]
        elif file.exists():
            raise LeadlaneError(
                _("There is a file {path} already.").format(path=file), _("Name another folder or file.")
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        if content:
            file.write_text(content, encoding="utf-8")
    path.write_text(_scenario_text(stage, policy, text, document, now), encoding="utf-8")
    return list(contents)


def first_scenario(connection: Connection, stage: Connection, now: datetime) -> str:
    """The text of a scenario for the policy in force and the roster as it stands; LeadlaneError without."""
    policy, text = in_force(connection)
    return _scenario_text(stage, policy, text, current_document(connection), now)


def _says_the_same(file: Path, content: str, policy: Policy) -> bool:
    found = file.read_text(encoding="utf-8")
    if file.name == POLICY_FILE:
        there, _problems = read_policy(found, str(file))
        return there is not None and there.version == policy.version
    return bool(content) and found == content


def roster_text(document: RosterDocument) -> str:
    """A roster, without accounts, as a text that `read_roster` reads as the same."""
    sections = {"teams": document.teams, "people": document.people}
    lines = [f"hours: {_flow(dict(document.hours))}"]
    for section, entries in sections.items():
        lines.append(f"{section}:" if entries else f"{section}: []")
        lines += [f"  - {_flow({'id': id_, **entry})}" for id_, entry in entries.items()]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """A value on one line: `{id: L1, country: DE}`."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=float("inf")
    )
    return text.removesuffix("...\n").strip()


# ---------------------------------------------------------------- the scenario


def _scenario_text(
    stage: Connection, policy: Policy, text: str, document: RosterDocument, now: datetime
) -> str:
    start = _monday_morning(now, ZoneInfo(policy.timezone))
    book = compile_rulebook(policy, build_roster(document, 0))
    title = _("What happens to leads under the policy {name}").format(name=policy.name)
    head = [
        f"scenario: {_flow(title)}",
        f"policy: {POLICY_FILE}",
        f"roster: {ROSTER_FILE}",
        f"start: {moment_text(start, start)}",
    ]
    steps = [{"lead": lead} for lead in example_leads(book, start)]
    bare = "\n".join([*head, f"steps: {_flow(steps)}"])
    lines = [*head, "steps:"]
    instead = {"policy": text, "roster": roster_text(document)}
    scenario = read_scenario(bare, "scenario", Path(), instead)
    with scene(stage):
        play = open_play(stage, scenario)
        for step in scenario.steps:
            play.step(step)
            row = play.facts.lead(step.given["id"])
            expected = {name: getattr(row, name) for name in _EXPECTED}
            if row is not None and row.respond_by is not None:
                expected["respond_by"] = moment_text(row.respond_by, start)
            lines += [f"  - lead: {_flow(step.given)}", f"    expect: {_flow({step.given['id']: expected})}"]
    return "\n".join(lines) + "\n"


def _monday_morning(now: datetime, zone: ZoneInfo) -> datetime:
    day = now.astimezone(zone).date()
    day += timedelta(days=7 - day.weekday())
    return datetime.combine(day, time(10), zone)


def example_leads(book: Rulebook, at: datetime) -> list[dict[str, Any]]:
    """Small leads that take different routes: one for each route that chance found, in their order."""
    chance = random.Random(book.policy.version)  # the same policy gives the same scenario
    samples = _samples(book.policy)
    signals = _signals(book.policy)
    found: dict[str, dict[str, Any]] = {}
    for _try in range(_TRIES):
        raw = {name: chance.choice(values) for name, values in samples.items() if chance.random() < 0.5}
        raw["signals"] = chance.choice(signals)
        name = _route_of(book, raw, at)
        # The simplest lead is the clearest example.
        if name is not None and (name not in found or len(raw) < len(found[name])):
            found[name] = raw
    names = [route.name for route in book.policy.routes if route.name in found][:_ROUTES]
    return [{"id": name, "email": f"jo@company{i}.example", **found[name]} for i, name in enumerate(names, 1)]


def _route_of(book: Rulebook, raw: Mapping[str, Any], at: datetime) -> str | None:
    given, _problems = read_lead(raw, field_specs(book.policy), at, UTC)
    if given is None:
        return None
    lead = submission(given, "scenario", at, lead_id="example").lead
    facts = fold(lead.fields)
    qualify(book.qualify, lead, facts, at, {})
    facts["relationship"] = "none"
    return choose_route(book.routes, facts, at, {}).name


def _signals(policy: Policy) -> list[list[str]]:
    """For every level of intent the signals that make it, and none."""
    levels = [[item.signal] * item.count for level in INTENTS for item in policy.intent[level]]
    return [[], *levels]


def _samples(policy: Policy) -> dict[str, list[Any]]:
    """For every field of a lead that the policy asks about, values that it asks for."""
    conditions = [
        *(row.when for row in policy.fit),
        *(row.when for row in policy.segments),
        *(row.when for row in policy.deal_values),
        *(row.when for row in policy.deal_bands),
        *(row.when for row in policy.routes),
    ]
    samples: dict[str, list[Any]] = {}
    for condition in conditions:
        for test in tests_of(condition):
            if test.field not in DERIVED_FIELDS or test.field == "deal_value":
                samples.setdefault(test.field, []).extend(_values(test))
    return {name: values for name, values in samples.items() if values}


def _values(test: Test) -> Iterator[Any]:
    match test.op, test.value:
        case "is", values:
            yield from values
        case "range", Bounds(min=low, max=high, above=above, below=below):
            bounds: Sequence[Any] = (low, high)
            yield from (bound for bound in bounds if isinstance(bound, (int, float)))
            yield from (bound + 1 for bound in (above,) if isinstance(bound, (int, float)))
            yield from (bound - 1 for bound in (below,) if isinstance(bound, (int, float)))
        case (("any" | "all"), values):
            yield list(values)
        case (("starts_with" | "ends_with" | "contains"), text):
            yield text
