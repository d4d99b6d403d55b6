"""Which fields may a condition test, in which part of a policy?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadlane.core.facts import DERIVED_FIELDS, INTENTS, LEAD_FIELDS, PERSON_FIELDS, FieldSpec, FieldType
from leadlane.i18n import _
from leadlane.policy.conditions import ClosedSet, Scope
from leadlane.policy.values import zones

_TYPES: tuple[FieldType, ...] = ("text", "number", "boolean", "date", "tags", "choice")


def declared_fields(data: dict[str, Any]) -> dict[str, FieldSpec]:
    """The policy's own fields, as far as they can be read; what is wrong with them is said elsewhere."""
    declared = data.get("fields")
    specs: dict[str, FieldSpec] = {}
    for name, spec in declared.items() if isinstance(declared, dict) else ():
        type_ = spec.get("type") if isinstance(spec, dict) else None
        values = spec.get("values") if isinstance(spec, dict) else None
        # A field whose declaration is wrong still is a field: one problem is not to become ten.
        known: FieldType = next((known for known in _TYPES if known == type_), "text")
        texts = tuple(str(value) for value in values) if isinstance(values, list) else ()
        specs[name] = FieldSpec(name, known, texts)
    return specs


@dataclass(frozen=True, slots=True)
class Scopes:
    """`lead` is for fit, segments and deal_bands, `deal_value` for its rows, `derived` for routes and service
    levels, `person` for pools."""

    lead: Scope
    deal_value: Scope
    derived: Scope
    person: Scope


def scopes_of(data: dict[str, Any], attributes: Mapping[str, FieldSpec] | None = None) -> Scopes:
    """The scopes of a policy document; `attributes` are the custom ones of people, None when not known."""
    written_zone = data.get("timezone")
    zone = written_zone if isinstance(written_zone, str) and written_zone in zones() else "UTC"
    own = {**declared_fields(data), **LEAD_FIELDS}
    too_early = dict.fromkeys(DERIVED_FIELDS, _("a field of the lead; this one is known from `routes` on"))
    valueless = {name: spec for name, spec in own.items() if name != "deal_value"}
    no_value_yet = _("a field of the lead; these rows are for leads without a deal value")
    return Scopes(
        lead=Scope(own, too_early, zone=zone),
        deal_value=Scope(valueless, {**too_early, "deal_value": no_value_yet}, zone=zone),
        derived=Scope({**own, **DERIVED_FIELDS}, closed=_closed_sets(data), zone=zone),
        person=Scope({**PERSON_FIELDS, **(attributes or {})}, open=attributes is None, zone=zone),
    )


def _closed_sets(data: dict[str, Any]) -> dict[str, ClosedSet]:
    """Fields whose values are names that the policy itself gives."""
    return {
        "segment": ClosedSet(names_in(data, "segments"), _("a segment of this policy")),
        "deal_band": ClosedSet(names_in(data, "deal_bands"), _("a deal band of this policy")),
        "signal": ClosedSet(signals_in(data), _("a signal that `intent` lists")),
        "team": ClosedSet(teams_in(data), _("the team of a segment")),
    }


def names_in(data: dict[str, Any], section: str) -> tuple[str, ...]:
    """The names that the rows (or keys) of a section have, as far as they can be read."""
    rows = data.get(section)
    if isinstance(rows, dict):
        return tuple(rows)
    rows = rows if isinstance(rows, list) else []
    return tuple(str(row["name"]) for row in rows if isinstance(row, dict) and row.get("name") is not None)


def signals_in(data: dict[str, Any]) -> tuple[str, ...]:
    """Every signal that a level of intent lists."""
    intent = data.get("intent")
    found: list[str] = []
    for level in INTENTS:
        items = intent.get(level) if isinstance(intent, dict) else None
        for item in items if isinstance(items, list) else ():
            found += map(str, item) if isinstance(item, dict) else [str(item)]
    return tuple(dict.fromkeys(found))


def teams_in(data: dict[str, Any]) -> tuple[str, ...]:
    """The teams that own a segment."""
    rows = data.get("segments")
    rows = rows if isinstance(rows, list) else []
    teams = [str(row["team"]) for row in rows if isinstance(row, dict) and row.get("team") is not None]
    return tuple(dict.fromkeys(teams))
