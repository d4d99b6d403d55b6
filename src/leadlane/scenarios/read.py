"""Is this text a scenario, and which? Every problem at once, each with its place; or the story as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from leadlane.core.policy import Policy
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.policy.load import policy_from_data, read_policy
from leadlane.policy.problems import Finding, Problem, has_errors, located, quoted
from leadlane.policy.roster import RosterDocument, read_roster
from leadlane.policy.structure import read_structure
from leadlane.policy.values import did_you_mean, parse_moment
from leadlane.policy.yaml import Document, Marks, YamlError, read_yaml
from leadlane.policy.yaml import Path as Place
from leadlane.scenarios.schema import ACTIONS, ScenarioPart, StepPart

REFERENCE = "reference"
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_AFTER = re.compile(r"\+\s*(\d{1,6})\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# What the sections of a roster merge by.
_BY_ID = ("people", "teams", "accounts")


class ScenarioErrors(LeadlaneError):
    """A file is no scenario that could be run; `problems` says why, all of it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problem for problem in problems if problem.severity == "error")
        n = len(self.problems)
        head = ngettext("There is {n} error", "There are {n} errors", n).format(n=n)
        super().__init__("\n".join([head, *map(str, self.problems)]))


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `given` is what its action says, None where nothing happens but time passing.

    `place` is the path of the step in the file. Moments are aware, in the zone in which they are written.
    """

    number: int
    place: Place
    moment: datetime
    action: str | None
    given: Any
    refused: bool
    part: StepPart


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story that can be run: whose policy, for whom, from when, and its steps."""

    name: str
    source: str
    marks: Marks
    policy: dict[str, Any]
    policy_text: str
    zone: ZoneInfo
    roster: RosterDocument
    start: datetime
    steps: tuple[Step, ...]

    def problem(self, place: Place, found: str, expected: str = "", suggestion: str = "") -> Problem:
        """Something that is wrong at a place of the file."""
        finding = Finding(place, "wrong_value", found, expected, suggestion)
        return located([finding], self.marks, self.source)[0]

    def line(self, place: Place) -> int:
        """The line in which something stands, by its key where it has one."""
        mark = self.marks.find(place, key=bool(place) and isinstance(place[-1], str))
        return mark.line if mark else 1


def read_scenario(
    text: str | bytes, source: str, folder: Path, instead: Mapping[str, str] = MappingProxyType({})
) -> Scenario:
    """The scenario that `text` says; ScenarioErrors, with every problem, when it is none.

    Paths in it are relative to `folder`. `instead` are texts that stand for the `policy` and the `roster`
    that it names, whichever these are; what stands in it as a whole is kept.
    """
    try:
        document = read_yaml(text)
    except YamlError as error:
        raise ScenarioErrors([Problem.of_yaml(error, source)]) from error
    part, findings = read_structure(ScenarioPart, document.data)
    if part is None:
        raise ScenarioErrors(located(findings, document.marks, source))
    policy_data, policy_text, policy = _policy(part, document, source, folder, instead)
    roster = _roster(part, document, source, folder, instead)
    zone = ZoneInfo(policy.timezone)
    steps, findings = _steps(part, policy.timezone)
    findings += _unknown_names(steps, roster)
    if findings:
        raise ScenarioErrors(located(findings, document.marks, source))
    start = parse_moment(part.start, policy.timezone)
    assert start is not None  # else it is among the findings
    return Scenario(
        part.scenario, source, document.marks, policy_data, policy_text, zone, roster, start, tuple(steps)
    )


# ---------------------------------------------------------------- policy and roster


def merged(base: Any, change: Any) -> Any:
    """`base` with `change` merged in: mappings merge, anything else replaces."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    return {**base, **{key: merged(base.get(key), value) for key, value in change.items()}}


def merged_roster(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A roster with changes merged in; people, teams and accounts by id, new ids are added."""
    result = {**base}
    for section, value in change.items():
        if section in _BY_ID and isinstance(value, list) and isinstance(base.get(section, []), list):
            result[section] = _merged_by_id(base.get(section, []), value)
        else:
            result[section] = merged(base.get(section), value)
    return result


def _merged_by_id(base: list[Any], change: list[Any]) -> list[Any]:
    entries = {str(one.get("id")): one for one in base if isinstance(one, dict)}
    for one in change:
        id_ = str(one.get("id")) if isinstance(one, dict) else ""
        entries[id_] = merged(entries.get(id_), one)
    return list(entries.values())


def as_yaml(data: Any) -> str:
    """Data as a text that `read_yaml` reads as the same data: JSON is YAML."""
    return orjson.dumps(data).decode()


def _policy(
    part: ScenarioPart, document: Document, source: str, folder: Path, instead: Mapping[str, str]
) -> tuple[dict[str, Any], str, Policy]:
    """The policy as data, as text, and as what it means."""
    data, text, file = _rules(part.policy, "policy", document, source, folder, instead)
    if text is not None and not part.change:
        # What is wrong with a file has its place there.
        policy, problems = read_policy(text, file)
    else:
        data = merged(data, part.change)
        marks = _marks_below(document.marks, "change" if part.change else "policy")
        policy, problems = policy_from_data(data, marks, source)
        text = as_yaml(data)
    if policy is None:
        raise ScenarioErrors(problems)
    return data, text, policy


def _roster(
    part: ScenarioPart, document: Document, source: str, folder: Path, instead: Mapping[str, str]
) -> RosterDocument:
    data, text, file = _rules(part.roster, "roster", document, source, folder, instead)
    if part.change_roster or text is None:
        data = merged_roster(data, part.change_roster)
        roster, problems = read_roster(as_yaml(data), source)
        key = "change_roster" if part.change_roster else "roster"
        mark = document.marks.find((key,), key=True)
        line, column = mark or (1, 1)
        problems = [replace(one, line=line, column=column, path=f"{key}.{one.path}") for one in problems]
    else:
        roster, problems = read_roster(text, file)
    # A key that is nearly one of ours is an attribute of one's own to a roster; in a story it is a slip.
    problems = [replace(one, severity="error") if one.code == "unknown_key" else one for one in problems]
    if roster is None or has_errors(problems):
        raise ScenarioErrors(problems)
    return roster


def _rules(
    given: str | dict[str, Any],
    key: str,
    document: Document,
    source: str,
    folder: Path,
    instead: Mapping[str, str],
) -> tuple[Any, str | None, str]:
    """A policy or roster: its data, its text if it is a file, and the name of that file."""
    if isinstance(given, dict):
        return given, None, source
    if key in instead:
        return read_yaml(instead[key]).data, instead[key], f"{key}.yaml"
    if given == REFERENCE:
        path = files("leadlane").joinpath("reference", f"{key}.yaml")
        file = f"{REFERENCE}/{key}.yaml"
    else:
        path, file = folder / given, str(folder / given)
    try:
        text = path.read_text(encoding="utf-8")
        return read_yaml(text).data, text, file
    except YamlError as error:
        raise ScenarioErrors([Problem.of_yaml(error, file)]) from error
    except (OSError, UnicodeDecodeError, ValueError) as error:
        found = _("the file {path}, which cannot be read: {reason}").format(path=quoted(given), reason=error)
        expected = _("`reference`, a path from the folder of this file, or the whole of it as a mapping")
        findings = [Finding((key,), "wrong_value", found, expected)]
        raise ScenarioErrors(located(findings, document.marks, source)) from error


def _marks_below(marks: Marks, key: str) -> Marks:
    """The places of what stands below a key, as if it stood alone; of anything else, that of the key."""
    below = Marks(
        {path[1:]: mark for path, mark in marks.keys.items() if path[0] == key and len(path) > 1},
        {path[1:]: mark for path, mark in marks.values.items() if path and path[0] == key},
    )
    if mark := marks.keys.get((key,)):
        below.values[()] = mark
    return below


# ---------------------------------------------------------------- steps


def _steps(part: ScenarioPart, zone: str) -> tuple[list[Step], list[Finding]]:
    findings: list[Finding] = []
    start = parse_moment(part.start, zone)
    if start is None:
        expected = _("a date and time such as 2026-03-02T10:00+01:00")
        findings.append(Finding(("start",), "wrong_value", quoted(part.start), expected))
        return [], findings
    if not part.steps:
        findings.append(Finding(("steps",), "wrong_value", _("no steps"), _("at least one step")))
    steps, now = [], start
    for i, step in enumerate(part.steps):
        place: Place = ("steps", i)
        moment = moment_of(step.at, now, zone) if step.at is not None else now
        if moment is None:
            findings.append(_no_moment((*place, "at"), step.at))
        elif moment < now:
            found = _("{moment}, which is before the step before").format(moment=quoted(step.at))
            expected = _("{moment} or later").format(moment=moment_text(now, now))
            findings.append(Finding((*place, "at"), "wrong_value", found, expected))
        now = max(moment or now, now)
        actions = [name for name in ACTIONS if getattr(step, name) is not None]
        if len(actions) > 1:
            found = _("two actions: {first} and {second}").format(first=actions[0], second=actions[1])
            findings.append(
                Finding((*place, actions[1]), "wrong_value", found, _("one action in a step"), at_key=True)
            )
        action = actions[0] if actions else None
        given, refused = getattr(step, action) if action else None, action == "refused"
        if refused:
            inner = [name for name in ACTIONS if getattr(given, name, None) is not None]
            if len(inner) != 1:
                expected = _("the one action that is to be refused")
                findings.append(
                    Finding((*place, "refused"), "wrong_value", quoted(dict.fromkeys(inner)), expected)
                )
                continue
            action, given = inner[0], getattr(given, inner[0])
        steps.append(Step(i + 1, place, now, action, given, refused, step))
        findings += _wrong_moments(steps[-1], zone)
    return steps, findings


def moment_of(text: str, before: datetime, zone: str) -> datetime | None:
    """The moment that a text means after `before`; None if it means none.

    A date and time; a time of day, of that day or of the next if it is earlier; or `+45m`, `+2h`, `+3d`.
    """
    text = text.strip()
    if match := _AFTER.fullmatch(text):
        # Elapsed time: across a clock change a day has 23 or 25 hours on the wall.
        later = before.timestamp() + timedelta(**{_UNITS[match[2]]: int(match[1])}).total_seconds()
        try:
            return datetime.fromtimestamp(later, before.tzinfo)
        except (ValueError, OverflowError):
            return None
    if match := _CLOCK.fullmatch(text):
        moment = before.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
        return moment if moment >= before else moment + timedelta(days=1)
    return parse_moment(text, zone)


def moment_text(moment: datetime, like: datetime) -> str:
    """A moment as it is written in a scenario: `2026-03-02T10:15+01:00`, in the zone of `like`."""
    local = moment.astimezone(like.tzinfo)
    exact = local.second or local.microsecond
    return local.isoformat(timespec="auto" if exact else "minutes")


def _no_moment(place: Place, text: str | None) -> Finding:
    expected = _("a date and time, a time of day such as 10:30, or +45m, +2h, +3d")
    return Finding(place, "wrong_value", quoted(text), expected)


def _wrong_moments(step: Step, zone: str) -> Iterator[Finding]:
    """Texts elsewhere in a step that should be moments and are none."""
    texts: list[tuple[Place, str | None]] = []
    action_place: Place = (*step.place, *(("refused",) if step.refused else ()), step.action or "")
    if step.action in ("away", "outage"):
        texts = [
            ((*action_place, key), value)
            for key, value in (("from", getattr(step.given, "from_", None)), ("until", step.given.until))
        ]
    for lead, expected in step.part.expect.items():
        texts.append(((*step.place, "expect", lead, "respond_by"), expected.respond_by))
    for place, text in texts:
        moment = moment_of(text, step.moment, zone) if text is not None else None
        if text is not None and moment is None:
            yield _no_moment(place, text)
        elif step.action == "outage" and moment is not None and moment < step.moment and "until" in place:
            found = _("{moment}, which is before it begins").format(moment=quoted(text))
            least = _("{moment} or later").format(moment=moment_text(step.moment, step.moment))
            yield Finding(place, "wrong_value", found, least)


# ---------------------------------------------------------------- names


def _unknown_names(steps: list[Step], roster: RosterDocument) -> Iterator[Finding]:
    """Leads that did not come in yet, and people who are nowhere in the story."""
    people = {*roster.people, *(str(s.given["id"]) for s in steps if s.action == "person" and not s.refused)}
    leads: set[str] = set()
    for step in steps:
        if step.action in ("lead", "leads") and not step.refused:
            given = step.given if step.action == "leads" else [step.given]
            leads |= {one["id"] for one in given}
        # A refusal may be the very point of an unknown name.
        named = _named_in_expectations(step) if step.refused else _named(step)
        for kind, place, name in named:
            known = leads if kind == "lead" else people
            if name not in known:
                expected = (
                    _("a lead that has come in by then") if kind == "lead" else _("a person of the roster")
                )
                yield Finding(place, "unknown_reference", quoted(name), expected, did_you_mean(name, known))


def _named(step: Step) -> Iterator[tuple[str, Place, str]]:
    """Leads and people that a step names: (kind, place, name)."""
    place: Place = (*step.place, step.action or "")
    for attribute in ("lead", "by", "to", "person"):
        name = getattr(step.given, attribute, None)
        if isinstance(name, str) and not (attribute == "to" and ":" in name):
            yield "lead" if attribute == "lead" else "person", (*place, attribute), name
    yield from _named_in_expectations(step)


def _named_in_expectations(step: Step) -> Iterator[tuple[str, Place, str]]:
    for lead, expected in step.part.expect.items():
        place: Place = (*step.place, "expect", lead)
        yield "lead", place, lead
        if expected.same_as is not None:
            yield "lead", (*place, "same_as"), expected.same_as
        for key in ("owner", "covered_by"):
            if name := getattr(expected, key):
                yield "person", (*place, key), name
        for name in expected.excluded:
            yield "person", (*place, "excluded", name), name
    for name in step.part.expect_people:
        yield "person", (*step.place, "expect_people", name), name
    for i, sent in enumerate(step.part.expect_sent):
        if sent.to is not None:
            yield "person", (*step.place, "expect_sent", i, "to"), sent.to
        if sent.lead is not None:
            yield "lead", (*step.place, "expect_sent", i, "lead"), sent.lead
    for lead in step.part.expect_timeline:
        yield "lead", (*step.place, "expect_timeline", lead), lead
