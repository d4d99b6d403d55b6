"""The decisions of the acceptance scenarios, where those are at hand; chases are not looked at here."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.core.builders import BERLIN, Desk, excluded, reference_desk, with_people

from leadlane.core.decide import Arrival, Decision
from leadlane.core.facts import Away, Lead, Signal
from leadlane.core.match import Keys
from leadlane.matching.keys import company_domain, email_key
from leadlane.policy.yaml import read_yaml

ACTIONS = ("lead", "leads", "signal", "away")
EXPECTATIONS = {"expect", "expect_people", "expect_sent", "expect_timeline"}
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# What a scenario says of promises kept and steps taken, which is not decided on arrival.
NOT_DECIDED = {"reassigned", "responded", "accepted", "breached", "version"}


@pytest.fixture(scope="session")
def scenarios(shared_data: Path) -> list[Path]:
    found = sorted((shared_data.parent / "scenarios").glob("*.yaml"))
    if not found:
        pytest.skip("there are no scenarios beside the public data sets")
    return found


def test_the_decisions_of_the_acceptance_scenarios(scenarios: list[Path]) -> None:
    checked, wrong = 0, []
    for path in scenarios:
        for what, found, expected in run(read_yaml(path.read_bytes()).data):
            checked += 1
            if found != expected:
                wrong.append(f"{path.name}: {what} is {found!r}, expected {expected!r}")
    assert not wrong, "\n".join(wrong)
    assert checked > 100


def run(scenario: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What, what was decided, what was expected. Steps with another action than a decision are left out."""
    people = {one.pop("id"): one for one in scenario.get("change_roster", {}).get("people", [])}
    desk = reference_desk(**people)
    now = datetime.fromisoformat(scenario["start"])
    for step in scenario["steps"]:
        now = moment(step.get("at"), now)
        action = next((name for name in step if name in ACTIONS), None)
        if action is None or set(step) - {action, "at"} - EXPECTATIONS:
            continue
        act(desk, action, step[action], now)
        for lead_id, expected in step.get("expect", {}).items():
            decision = desk.decisions[lead_id]
            for name in expected.keys() - NOT_DECIDED:
                yield f"{name} of {lead_id}", found(decision, name, expected[name], now), expected[name]
        for id_, expected in step.get("expect_people", {}).items():
            load = desk.world.loads[id_]
            yield f"loads of {id_}", (load.open, load.today), (expected["open"], expected["today"])
            for pool, balance in expected["balance"].items():
                yield f"balance of {id_} in {pool}", round(desk.balances(pool)[id_] / 1e6, 3), balance


def moment(text: str | None, before: datetime) -> datetime:
    if text is None:
        return before
    if added := re.fullmatch(r"\+(\d+)([mhd])", text):
        return before + timedelta(**{UNITS[added[2]]: int(added[1])})
    if len(text) > len("10:30"):
        return datetime.fromisoformat(text)
    hour, minute = map(int, text.split(":"))
    same_day = before.replace(hour=hour, minute=minute)
    return same_day if same_day >= before else same_day + timedelta(days=1)


def act(desk: Desk, action: str, data: Any, now: datetime) -> None:
    match action:
        case "lead":
            desk.decide(arrival_of(data, now), now=now)
        case "leads":
            desk.decide(*(arrival_of(one, now) for one in data), now=now)
        case "signal":
            news = Lead(data["lead"], now, {}, (Signal(data["name"], now),))
            desk.decide(Arrival(news, target=data["lead"]), now=now)
        case "away":
            absence = Away(now, datetime.fromisoformat(data["until"]))
            desk.change(with_people(desk.book.roster, **{data["person"]: {"away": (absence,)}}))


def arrival_of(data: dict[str, Any], now: datetime) -> Arrival:
    fields = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in data.items()
        if name not in ("id", "signals")
    }
    signals = tuple(Signal(name, now) for name in data.get("signals", ()))
    return Arrival(
        Lead(data["id"], now, fields, signals), Keys(email_key(fields.get("email")), company_domain(fields))
    )


def found(decision: Decision, name: str, expected: Any, now: datetime) -> Any:
    standing, qualified = decision.standing, decision.qualified
    match name:
        case "same_as":
            return decision.lead_id
        case "respond_by":
            return standing.respond_by and _as_written(standing.respond_by, expected)
        case "excluded":
            return {id_: reason for id_, reason in excluded(decision).items() if id_ in expected}
        case "because":
            return [reason for reason in decision.reasons if reason in expected]
        case "relationship":
            return decision.match.relationship
        case "fit" | "fit_score" | "segment" | "deal_band" | "intent":
            return getattr(qualified, name)
    return getattr(standing, name)


def _as_written(instant: datetime, expected: str | None) -> str:
    zone = datetime.fromisoformat(expected).tzinfo if expected else BERLIN
    return instant.astimezone(zone).isoformat(timespec="minutes")
