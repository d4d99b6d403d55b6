"""How do leads, decisions and people look to the outside? The same over HTTP and in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from typing_extensions import TypedDict

from leadlane.core import place
from leadlane.core.facts import Account, Lead
from leadlane.core.policy import Policy
from leadlane.store.leads import DecisionRow, Event, LeadRow
from leadlane.store.policies import Publication
from leadlane.store.roster import LoadRow


class SignalView(TypedDict):
    """Something that the prospect did."""

    name: str
    at: datetime


class ArrivedSignalView(SignalView):
    """A signal as it came in. `stated`: it was said when it happened."""

    stated: bool


class ArrivedView(TypedDict):
    """A lead as it came in, values in their normal form."""

    id: str
    arrived_at: datetime
    fields: dict[str, Any]
    signals: list[ArrivedSignalView]


class OutcomeView(TypedDict):
    """What one decision did. `merged`: it became part of the open lead `id` of the same person.

    `service_level`, `respond_by` and `next_step` are null where this decision promised nothing new.
    """

    id: str
    merged: bool
    stage: str
    route: str
    destination: str
    owner: str | None
    covered_by: str | None
    service_level: str | None
    respond_by: datetime | None
    next_step: str | None


class AnswerView(OutcomeView):
    """What one decision did, the lead as it arrived, and the decision with every step."""

    lead: ArrivedView
    decision: dict[str, Any]


class LeadView(TypedDict):
    """A lead as it stands.

    `breached`: the promise was broken. `reassigned`: how often it was taken from somebody who did not
    act. `unsure`: a person is to say who it is. `merged_into`: the lead that it is part of since its end.
    `place` counts the places it has had; sent back as `seen`, it says which one you saw.
    """

    id: str
    arrived_at: datetime
    fields: dict[str, Any]
    extra: dict[str, Any]
    signals: list[SignalView]
    domain: str | None
    intent: str
    fit: str
    fit_score: float
    segment: str | None
    deal_value: float | None
    deal_band: str | None
    relationship: str
    account_id: str | None
    unsure: bool
    merged_into: str | None
    stage: str
    route: str
    destination: str
    pool: str | None
    waiting_pool: str | None
    owner: str | None
    covered_by: str | None
    service_level: str | None
    respond_by: datetime | None
    next_step: str | None
    next_step_due_at: datetime | None
    accepted_at: datetime | None
    responded_at: datetime | None
    breached: bool
    reassigned: int
    closed_at: datetime | None
    outcome: str | None
    value: float | None
    place: int
    changed_at: datetime


class DecisionView(TypedDict):
    """A stored decision: what arrived, or else the act that it was about, and every step."""

    lead: str
    at: datetime
    outcome: str
    arrival: ArrivedView | None
    act: dict[str, Any] | None
    decision: dict[str, Any]


class EventView(TypedDict):
    """One line of a lead's timeline: what happened, when, and who or which rule did it."""

    at: datetime
    event: str
    actor: str
    details: dict[str, Any]


class LoadView(TypedDict):
    """What a person has in hand: open leads, and leads that reached them automatically today."""

    open: int
    today: int


class AccountView(TypedDict):
    """A company that is known."""

    id: str
    name: str
    domains: list[str]
    named: bool
    customer: bool
    owner: str | None
    country: str | None
    aliases: list[str]
    city: str
    phone: str


class PublicationView(TypedDict):
    """A policy put in force: which, by whom, when and why."""

    number: int
    version: str
    published_at: datetime
    published_by: str
    comment: str


# The columns of a lead that are shown as they are.
_SHOWN = [name for name in LeadView.__annotations__ if name not in ("extra", "signals", "breached")]


def outcome(trace: Mapping[str, Any], next_step: str | None) -> OutcomeView:
    """What a decision did, from its trace; `next_step` is that of the decision, see `next_step_of`."""
    result, promise = trace["result"], trace.get("promise") or {}
    return {
        "id": trace["lead"],
        "merged": trace["lead"] != trace["arrived_as"],
        "stage": result["stage"],
        "route": trace["route"]["name"],
        "destination": result["destination"],
        "owner": result["owner"],
        "covered_by": result["covered_by"],
        "service_level": promise.get("service_level"),
        "respond_by": promise.get("respond_by"),
        "next_step": next_step,
    }


def answer(
    arrived: Lead | Mapping[str, Any], trace: Mapping[str, Any], next_step: str | None
) -> dict[str, Any]:
    """An AnswerView of a decision just made, or of the same one read back from JSON: both encode alike."""
    return {**outcome(trace, next_step), "lead": arrived, "decision": trace}


def sets_next_step(outcome: str, trace: Mapping[str, Any]) -> bool:
    """Whether a decision about an arrival set the next step, rather than leave it as it was."""
    return outcome in ("placed", "moved") and not trace.get("plan_kept")


def next_step_of(policy: Policy, trace: Mapping[str, Any]) -> str | None:
    """The next step that a decision set, found again from its trace and its policy; None if it set none."""
    result = trace["result"]
    if not sets_next_step(result["outcome"], trace):
        return None
    route = next(route for route in policy.routes if route.name == trace["route"]["name"])
    return place.next_step_of(route, place.Place(result["stage"], result["owner"]))


def lead_view(row: LeadRow, now: datetime) -> LeadView:
    """A lead as it stands."""
    shown: dict[str, Any] = {name: getattr(row, name) for name in _SHOWN}
    shown["extra"] = row.extra or {}
    shown["signals"] = [{"name": name, "at": datetime.fromisoformat(at)} for name, at in row.signals]
    shown["breached"] = is_breached(row, now)
    return shown  # type: ignore[return-value]


def is_breached(row: LeadRow, now: datetime) -> bool:
    """Whether the promise was broken: a response after `respond_by`, or none by then."""
    if row.respond_by is None:
        return False
    answered = row.responded_at or row.closed_at or now
    return answered > row.respond_by


def decision_view(row: DecisionRow) -> dict[str, Any]:
    """A DecisionView of a stored decision."""
    happening = orjson.loads(row.arrival)
    arrived = happening.get("lead")
    return {
        "lead": row.lead_id,
        "at": row.at,
        "outcome": row.outcome,
        "arrival": arrived,
        "act": happening if arrived is None else None,
        "decision": orjson.Fragment(row.trace),
    }


def event_view(event: Event) -> EventView:
    """One line of a timeline."""
    return {"at": event.at, "event": event.event, "actor": event.actor, "details": event.details}


def person_view(id_: str, entry: Mapping[str, Any], load: LoadRow | None, now: datetime) -> dict[str, Any]:
    """A person as in the roster, and what they have in hand at this moment."""
    return {"id": id_, **entry, "load": _load(entry, load, now)}


def _load(entry: Mapping[str, Any], load: LoadRow | None, now: datetime) -> LoadView:
    if load is None:
        return {"open": 0, "today": 0}
    today: date = now.astimezone(ZoneInfo(entry["timezone"])).date()
    return {"open": load.open, "today": load.today if load.today_on == today else 0}


def account_view(account: Account) -> AccountView:
    """A company that is known."""
    return {
        "id": account.id,
        "name": account.name,
        "domains": list(account.domains),
        "named": account.named,
        "customer": account.customer,
        "owner": account.owner,
        "country": account.country or None,
        "aliases": list(account.aliases),
        "city": account.city,
        "phone": account.phone,
    }


def publication_view(publication: Publication) -> PublicationView:
    """A policy put in force."""
    return asdict(publication)  # type: ignore[return-value]
