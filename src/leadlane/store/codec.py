"""How are facts written down, and read back as they were? JSON by orjson; the same value, the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import orjson

from leadlane.core.act import Act, Parts, Turn
from leadlane.core.decide import Arrival, World
from leadlane.core.facts import Account, FieldSpec, Lead, Load, Signal, Value
from leadlane.core.fairness import Ledger
from leadlane.core.match import Evidence, Keys, Known, Likeness, Standing

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def encode(value: object) -> bytes:
    """JSON of dataclasses, mappings, sequences, instants (`…Z`) and plain values, in their own order."""
    return orjson.dumps(value, option=_OPTIONS)


def read_fields(raw: Mapping[str, Any], specs: Mapping[str, FieldSpec]) -> dict[str, Value]:
    """The values of a lead from JSON: dates and tags back in their types. `specs` names the dates."""
    fields: dict[str, Value] = {}
    for name, value in raw.items():
        if isinstance(value, list):
            value = tuple(value)
        elif type(value) is str and (spec := specs.get(name)) is not None and spec.type == "date":
            value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
        fields[name] = value
    return fields


def read_signals(raw: Sequence[Sequence[str]]) -> tuple[Signal, ...]:
    """The signals of a lead from the [name, instant] pairs of its row."""
    return tuple(Signal(name, datetime.fromisoformat(at)) for name, at in raw)


def read_lead(raw: Mapping[str, Any], specs: Mapping[str, FieldSpec]) -> Lead:
    """A lead from its JSON."""
    return Lead(
        raw["id"],
        datetime.fromisoformat(raw["arrived_at"]),
        read_fields(raw["fields"], specs),
        tuple(
            # What was decided before signals said so is decided again as if none did.
            Signal(one["name"], datetime.fromisoformat(one["at"]), one.get("stated", False))
            for one in raw["signals"]
        ),
    )


def read_standing(raw: Mapping[str, Any], specs: Mapping[str, FieldSpec]) -> Standing:
    """An open lead from its JSON."""
    moments = ("respond_by", "next_step_due_at", "held_since", "chase_at")
    return Standing(
        **{
            **raw,
            "lead": read_lead(raw["lead"], specs),
            "keys": Keys(**raw["keys"]),
            "excluded": tuple(raw["excluded"]),
            "chased": tuple(raw.get("chased") or ()),
            **{name: datetime.fromisoformat(raw[name]) if raw.get(name) else None for name in moments},
        }
    )


def read_account(raw: Mapping[str, Any]) -> Account:
    """An account from its JSON."""
    # Accounts of decisions made before there were aliases have none.
    return Account(**{**raw, "domains": tuple(raw["domains"]), "aliases": tuple(raw.get("aliases", ()))})


def read_likeness(raw: Mapping[str, Any]) -> Likeness:
    """A likeness from its JSON."""
    account = raw["account"]
    return Likeness(
        raw["probability"],
        tuple(Evidence(**one) for one in raw["evidence"]),
        raw["lead"],
        read_account(account) if account is not None else None,
    )


def read_happening(raw: Mapping[str, Any], specs: Mapping[str, FieldSpec]) -> Arrival | Act:
    """What was decided, an arrival or an act, from its JSON."""
    if "kind" in raw:
        turn = raw["turn"]
        if turn is not None:
            turn = Turn(turn["pool"], turn["chosen"], tuple(turn["running"]), tuple(turn["shares"]))
        moments = {
            name: datetime.fromisoformat(raw[name]) if raw.get(name) else None
            for name in ("due_at", "closed_at")
        }
        parts = raw.get("parts")
        if parts is not None:
            parts = Parts(
                read_lead(parts["stays"], specs),
                Keys(**parts["stays_keys"]),
                read_lead(parts["leaves"], specs),
                Keys(**parts["leaves_keys"]),
                parts["stays_responded"],
                parts["leaves_responded"],
                tuple(read_likeness(one) for one in parts.get("likely") or ()),
            )
        return Act(**{**raw, **moments, "turn": turn, "parts": parts})
    likely = tuple(read_likeness(one) for one in raw.get("likely") or ())
    return Arrival(read_lead(raw["lead"], specs), Keys(**raw["keys"]), raw["target"], likely)


def read_world(raw: Mapping[str, Any], specs: Mapping[str, FieldSpec]) -> World:
    """What a batch met, from its JSON; shares nothing with it, since deciding changes a world."""
    known = raw["known"]
    return World(
        Known(
            {lead_id: read_standing(lead, specs) for lead_id, lead in known["leads"].items()},
            dict(known["by_email"]),
            {domain: list(ids) for domain, ids in known["by_domain"].items()},
            {domain: read_account(account) for domain, account in known["accounts"].items()},
            {account: list(ids) for account, ids in known.get("by_account", {}).items()},
            {id_: read_account(account) for id_, account in known.get("linked", {}).items()},
        ),
        {
            pool: Ledger(dict(ledger["balances"]), dict(ledger["last"]), ledger["picks"])
            for pool, ledger in raw["ledgers"].items()
        },
        {person: Load(**load) for person, load in raw["loads"].items()},
    )
