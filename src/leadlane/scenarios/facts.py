"""What is true at a moment of a scenario, and where is it not what was expected?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection

from leadlane.core.fairness import ONE
from leadlane.core.trace import Reason
from leadlane.i18n import _
from leadlane.policy.yaml import Path as Place
from leadlane.scenarios.read import Scenario, Step, moment_of, moment_text
from leadlane.scenarios.schema import LeadExpectation, PersonExpectation, SentExpectation
from leadlane.service.views import is_breached
from leadlane.store import leads, policies, roster
from leadlane.store.leads import LeadRow


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as expected, in words; `place` is where the file expects it."""

    place: Place
    what: str
    expected: str
    found: str
    lead: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What can be known at one moment. `versions` are the policies published so far, in order."""

    connection: Connection
    scenario: Scenario
    now: datetime
    versions: tuple[str, ...]

    def lead(self, name: str) -> LeadRow | None:
        """The lead that goes by this name."""
        return leads.get(self.connection, name)

    def traces(self, lead_id: str) -> list[dict[str, Any]]:
        """The traces of everything that was decided about a lead, oldest first."""
        return [orjson.loads(one.trace) for one in leads.decisions_of(self.connection, lead_id)]


def mismatches(facts: Facts, step: Step) -> list[Mismatch]:
    """Everything that a step expects and that is not so, in the order in which it is written."""
    found: list[Mismatch] = []
    for name, expected in step.part.expect.items():
        found += _lead(facts, step, name, expected)
    for name, person in step.part.expect_people.items():
        found += _person(facts, step, name, person)
    for i, sent in enumerate(step.part.expect_sent):
        found += _sent(facts, (*step.place, "expect_sent", i), sent)
    for name, events in step.part.expect_timeline.items():
        found += _timeline(facts, (*step.place, "expect_timeline", name), name, events)
    return found


# ---------------------------------------------------------------- leads


def _lead(facts: Facts, step: Step, name: str, expected: LeadExpectation) -> Iterator[Mismatch]:
    place: Place = (*step.place, "expect", name)
    row = facts.lead(name)
    if row is None:
        yield Mismatch(place, _("lead {lead}").format(lead=name), _("a lead"), _("none"), None)
        return
    for key in (name for name in LeadExpectation.model_fields if name in expected.model_fields_set):
        wanted = getattr(expected, key)
        if key in _LISTS:
            yield from _LISTS[key](facts, (*place, key), name, row, wanted)
            continue
        if key == "respond_by" and wanted is not None:
            wanted = moment_of(wanted, step.moment, facts.scenario.zone.key)
        value = _version(facts, row, wanted) if key == "version" else _value(facts, row, key)
        if key == "same_as":
            wanted = facts_id(facts, wanted)
        if value != wanted:
            what = _("{key} of {lead}").format(key=key, lead=name)
            texts = (_text(facts, wanted), _text(facts, value))
            yield Mismatch((*place, key), what, *texts, name)


def facts_id(facts: Facts, name: str | None) -> str | None:
    """The id of the lead that a name stands for."""
    row = facts.lead(name) if name is not None else None
    return row.id if row else None


_COMPUTED: Mapping[str, Callable[[LeadRow, datetime], Any]] = {
    "account": lambda row, _now: row.account_id,
    "accepted": lambda row, _now: row.accepted_at is not None,
    "responded": lambda row, _now: row.responded_at is not None,
    "breached": is_breached,
    "same_as": lambda row, _now: row.id,
}


def _value(facts: Facts, row: LeadRow, key: str) -> Any:
    return _COMPUTED[key](row, facts.now) if key in _COMPUTED else getattr(row, key)


def _version(facts: Facts, row: LeadRow, wanted: Any) -> Any:
    """The version of a lead as it is asked for: by the number of the publication, or by its text."""
    version = row.policy_version
    if isinstance(wanted, int):
        return facts.versions.index(version) + 1 if version in facts.versions else version
    return wanted if wanted and version.startswith(wanted) else version


def _because(facts: Facts, place: Place, name: str, row: LeadRow, wanted: list[str]) -> Iterator[Mismatch]:
    found = {code for trace in facts.traces(row.id) for code in reasons_in(trace)}
    for i, code in enumerate(wanted):
        if code not in found:
            what = _("because, of {lead}").format(lead=name)
            yield Mismatch((*place, i), what, code, ", ".join(sorted(found)) or _("none"), name)


def _excluded(
    facts: Facts, place: Place, name: str, row: LeadRow, wanted: dict[str, str]
) -> Iterator[Mismatch]:
    found = excluded_from(facts.traces(row.id))
    for person in row.excluded:
        found.setdefault(person, []).append(str(Reason.EXCLUDED))
    for person, reason in wanted.items():
        if reason not in found.get(person, ()):
            what = _("why {person} was left out for {lead}").format(person=person, lead=name)
            texts = ", ".join(found.get(person, ())) or _("not left out")
            yield Mismatch((*place, person), what, reason, texts, name)


_LISTS: Mapping[str, Callable[..., Iterator[Mismatch]]] = {"because": _because, "excluded": _excluded}


def reasons_in(trace: Mapping[str, Any]) -> Iterator[str]:
    """Every reason code in a trace: of the result, of people left out, of signals, and of chase steps."""
    yield from trace.get("result", {}).get("reasons", ())
    yield from (what for _name, _at, what in trace.get("signals", ()))
    for step in trace.get("pick", ()):
        yield from step["excluded"]
        if "by" in step:
            yield step["by"]
    chase = trace.get("chase") or {}
    yield from (step["did"] for step in (*chase.get("taken", ()), *chase.get("skipped", ())))


def excluded_from(traces: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Who was left out of the latest pick that was made, and why."""
    found: dict[str, list[str]] = {}
    picked = next((trace["pick"] for trace in reversed(traces) if trace.get("pick")), ())
    for step in picked:
        for reason, people in step["excluded"].items():
            for person in people:
                found.setdefault(person, []).append(reason)
    return found


# ---------------------------------------------------------------- people, messages, timelines


def _person(facts: Facts, step: Step, name: str, expected: PersonExpectation) -> Iterator[Mismatch]:
    place: Place = (*step.place, "expect_people", name)
    loads = {row.person: row for row in roster.loads(facts.connection)}
    load = loads.get(name)
    today = _today(facts, name)
    found = {
        "open": load.open if load else 0,
        "today": load.today if load and load.today_on == today else 0,
    }
    for key, value in found.items():
        wanted = getattr(expected, key)
        if key in expected.model_fields_set and wanted != value:
            what = _("{key} of {person}").format(key=key, person=name)
            yield Mismatch((*place, key), what, _text(facts, wanted), _text(facts, value))
    for pool, wanted in expected.balance.items():
        balance = balance_of(facts, name, pool)
        if balance is None or abs(balance - wanted) > 0.0005:
            what = _("balance of {person} in {pool}").format(person=name, pool=pool)
            shown = f"{balance:g}" if balance is not None else _("no such pool")
            yield Mismatch((*place, "balance", pool), what, f"{wanted:g}", shown)


def _today(facts: Facts, person: str) -> Any:
    _policy, revision = policies.in_force(facts.connection)
    entry = roster.entries(facts.connection, revision)["person"].get(person, {})
    return facts.now.astimezone(ZoneInfo(entry.get("timezone", "UTC"))).date()


def balance_of(facts: Facts, person: str, pool: str) -> float | None:
    """What the pool's ledger owes a person, in turns to a thousandth; None if there is no such ledger."""
    row = facts.connection.execute("SELECT members FROM ledgers WHERE pool = %s", [pool]).fetchone()
    if row is None:
        return None
    balance: int = row[0].get(person, [0])[0]
    return round(balance / ONE, 3)


def _sent(facts: Facts, place: Place, expected: SentExpectation) -> Iterator[Mismatch]:
    lead_id = facts_id(facts, expected.lead)
    n = sum(
        1
        for event, person, lead in _messages(facts)
        if (expected.event in (None, event))
        and ("to" not in expected.model_fields_set or expected.to == person)
        and (lead_id in (None, lead))
    )
    if n == expected.count or (expected.count is None and n):
        return
    told = {"event": expected.event or _("any message"), "person": expected.to or _("anybody")}
    if expected.lead is not None:
        what = _("messages “{event}” to {person} about {lead}").format(**told, lead=expected.lead)
    else:
        what = _("messages “{event}” to {person}").format(**told)
    wanted = str(expected.count) if expected.count is not None else _("at least 1")
    yield Mismatch(place, what, wanted, _found_messages(facts, n, lead_id), expected.lead)


def _messages(facts: Facts) -> list[tuple[str, str | None, str]]:
    """(event, person, lead) of every message so far; what goes to every admin, once for each of them."""
    _policy, revision = policies.in_force(facts.connection)
    people = roster.entries(facts.connection, revision)["person"]
    admins = [id_ for id_, entry in people.items() if entry.get("role") == "admin"]
    rows = facts.connection.execute("SELECT event, person, lead_id FROM outbox ORDER BY id").fetchall()
    return [
        (event, to, lead)
        for event, person, lead in rows
        for to in ((person,) if person is not None else (None, *admins))
    ]


def _found_messages(facts: Facts, n: int, lead_id: str | None) -> str:
    """How many there were, and which others there were about the same lead."""
    every_admin = _("every admin")
    others = [f"{event} → {to or every_admin}" for event, to, lead in _messages(facts) if lead == lead_id]
    if lead_id is None or not others:
        return str(n)
    return _("{n}; messages about this lead: {others}").format(n=n, others=", ".join(others))


def _timeline(facts: Facts, place: Place, name: str, wanted: list[str]) -> Iterator[Mismatch]:
    lead_id = facts_id(facts, name)
    found = [one.event for one in leads.timeline(facts.connection, lead_id)] if lead_id else []
    rest = iter(found)
    for i, event in enumerate(wanted):
        if event not in rest:  # which walks on: in order, others between them allowed
            what = _("timeline of {lead}").format(lead=name)
            missing = _("{event} after the {n} before it").format(event=event, n=i) if i else event
            yield Mismatch((*place, i), what, missing, ", ".join(found) or _("nothing"), name)
            return


def _text(facts: Facts, value: Any) -> str:
    """A value as it is written in a scenario."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case datetime():
            return moment_text(value, facts.now)
        case float() if value == int(value):
            return str(int(value))
    return str(value)
