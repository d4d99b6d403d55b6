"""Does everything that a policy names exist, once, and in its place? Checked on the document as read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from leadlane.core.facts import DERIVED_FIELDS, LEAD_FIELDS, PERSON_FIELDS
from leadlane.i18n import _
from leadlane.policy.problems import Finding, quoted
from leadlane.policy.schema import ACTIONS, DESTINATIONS
from leadlane.policy.scopes import declared_fields, names_in
from leadlane.policy.values import did_you_mean, parse_day
from leadlane.policy.yaml import Path

Rows = Iterator[tuple[Path, dict[str, Any]]]


def check_references(data: dict[str, Any]) -> list[Finding]:
    """Every dangling or double name, every route that leads nowhere or to several places."""
    return [
        *_double_names(data),
        *_own_fields(data),
        *_route_references(data),
        *_other_references(data),
        *_destinations(data),
        *_chase_steps(data),
        *_shares(data),
        *_thresholds(data),
        *_the_last_routes(data),
    ]


def rows_of(data: dict[str, Any], *section: str) -> Rows:
    """The rows of a section that are mappings, with their paths."""
    rows: Any = data
    for step in section:
        rows = rows.get(step) if isinstance(rows, dict) else None
    listed: list[tuple[str | int, Any]] = []
    if isinstance(rows, dict):
        listed = list(rows.items())
    elif isinstance(rows, list):
        listed = list(enumerate(rows))
    yield from (((*section, step), row) for step, row in listed if isinstance(row, dict))


def _double_names(data: dict[str, Any]) -> Iterator[Finding]:
    for section in (("fit", "points"), ("segments",), ("deal_bands",), ("routes",), ("service_levels",)):
        seen: set[str] = set()
        for path, row in rows_of(data, *section):
            name = str(row.get("name"))
            if row.get("name") is not None and name in seen:
                found = _("the name {name} a second time").format(name=quoted(name))
                yield Finding((*path, "name"), "duplicate_name", found, _("a name of its own"))
            seen.add(name)


def _own_fields(data: dict[str, Any]) -> Iterator[Finding]:
    for path, row in rows_of(data, "fields"):
        name = str(path[-1])
        if name in LEAD_FIELDS or name in DERIVED_FIELDS:
            found = _("the field {name}, which every lead has already").format(name=quoted(name))
            yield Finding(path, "shadowed_field", found, _("another name"), at_key=True)
        if name in ("any", "all", "not"):
            found = _("a field called {name}").format(name=quoted(name))
            expected = _("another name; conditions use this word to join tests")
            yield Finding(path, "shadowed_field", found, expected, at_key=True)
        yield from _field_values(path, row)


def _field_values(path: Path, row: dict[str, Any]) -> Iterator[Finding]:
    values = row.get("values")
    if row.get("type") == "choice" and not values:
        yield Finding(path, "missing_key", _("a choice without values"), _("`values: [..]`"), at_key=True)
    if row.get("type") in ("text", "number", "boolean", "date", "tags") and values:
        expected = _("values only for the type `choice`")
        yield Finding((*path, "values"), "wrong_value", _("values"), expected, at_key=True)
    seen: set[str] = set()
    for i, value in enumerate(values if isinstance(values, list) else []):
        folded = str(value).strip().casefold()
        if folded in seen:
            found = _("{value} a second time").format(value=quoted(value))
            yield Finding((*path, "values", i), "duplicate_name", found, _("each value once"))
        seen.add(folded)


def _route_references(data: dict[str, Any]) -> Iterator[Finding]:
    for path, row in rows_of(data, "routes"):
        yield from _refers(data, path, row, "pool", "pools", _("a pool of this policy"))
        yield from _refers(data, path, row, "review", "pools", _("a pool of this policy"))
        yield from _refers(data, path, row, "program", "programs", _("a program of this policy"))
        yield from _refers(
            data, path, row, "service_level", "service_levels", _("a service level of this policy")
        )


def _other_references(data: dict[str, Any]) -> Iterator[Finding]:
    for path, row in rows_of(data, "service_levels"):
        yield from _refers(data, path, row, "chase", "chases", _("a chase of this policy"))
    for path, row in rows_of(data, "pools"):
        yield from _refers(data, path, row, "backup_pool", "pools", _("a pool of this policy"))
        if row.get("backup_pool") == path[-1]:
            found = _("a pool that backs up itself")
            yield Finding((*path, "backup_pool"), "unknown_reference", found, _("another pool, or none"))
        yield from _pairs(data, path, row)


def _refers(
    data: dict[str, Any], path: Path, row: dict[str, Any], key: str, section: str, expected: str
) -> Iterator[Finding]:
    name = row.get(key)
    # Text and whole numbers are names; anything else, the structure refuses.
    if not isinstance(name, (str, int)) or isinstance(name, bool):
        return
    known = names_in(data, section)
    if str(name) not in known:
        yield Finding((*path, key), "unknown_reference", quoted(name), expected, did_you_mean(name, known))


def _pairs(data: dict[str, Any], path: Path, row: dict[str, Any]) -> Iterator[Finding]:
    """`prefer` and `require`: the lead's side must exist; the person's side, the roster says."""
    fields = [*LEAD_FIELDS, *DERIVED_FIELDS, *declared_fields(data)]
    for key in ("prefer", "require"):
        pairs = row.get(key)
        for attribute, field in pairs.items() if isinstance(pairs, dict) else ():
            if isinstance(field, str) and field not in fields:
                at_lead = field in PERSON_FIELDS and attribute in fields
                meant = f"{field}: {attribute}" if at_lead else did_you_mean(field, fields)
                found = _("the unknown field {name}").format(name=quoted(field))
                yield Finding(
                    (*path, key, attribute), "unknown_field", found, _("a field of the lead"), meant
                )


def _destinations(data: dict[str, Any]) -> Iterator[Finding]:
    for path, row in rows_of(data, "routes"):
        chosen = [key for key in DESTINATIONS if key in row]
        # An unknown key probably is the destination, misspelt; that is said already.
        if len(chosen) > 1 or (not chosen and _keys_known(row)):
            found = _("{n} destinations: {keys}").format(n=len(chosen), keys=", ".join(chosen))
            found = found if chosen else _("a route without a destination")
            expected = _("exactly one of {keys}").format(keys=" | ".join(DESTINATIONS))
            yield Finding(path, "destination", found, expected)
        for key in chosen:
            # Of an owner the structure says it already.
            if row[key] is None and key != "owner":
                yield Finding((*path, key), "destination", _("nothing"), _("a name"))
        first, last = (parse_day(str(row.get(key))) for key in ("from", "until"))
        if first and last and first > last:
            found = _("an end before the beginning, {day}").format(day=first)
            yield Finding((*path, "until"), "period", found, _("a day from {day} on").format(day=first))


_ROUTE_KEYS = {"name", "description", "when", "service_level", "next_step", "from", "until", *DESTINATIONS}
_STEP_KEYS = {"after", "unless", *ACTIONS}


def _keys_known(row: dict[str, Any]) -> bool:
    return set(row) <= _ROUTE_KEYS


def _chase_steps(data: dict[str, Any]) -> Iterator[Finding]:
    for name in names_in(data, "chases"):
        for path, row in rows_of(data, "chases", name):
            chosen = [key for key in ACTIONS if row.get(key) is not None]
            if len(chosen) > 1 or (not chosen and set(row) <= _STEP_KEYS):
                found = _("{n} actions in one step").format(n=len(chosen))
                expected = _("exactly one of {keys}").format(keys=" | ".join(ACTIONS))
                yield Finding(path, "destination", found, expected)


def _shares(data: dict[str, Any]) -> Iterator[Finding]:
    for path, row in rows_of(data, "limits"):
        low, high = row.get("min", 0.80), row.get("max", 0.90)
        shares = all(isinstance(share, (int, float)) and 0 <= share <= 1 for share in (low, high))
        if path[-1] == "automation_share" and shares and low > high:
            expected = _("`min` not above `max`")
            yield Finding((*path, "min"), "impossible_test", _("bounds that no value can meet"), expected)


def _thresholds(data: dict[str, Any]) -> Iterator[Finding]:
    matching = data.get("matching")
    if not isinstance(matching, dict):
        return
    unsure, sure = matching.get("unsure_from", 0.5), matching.get("sure_from", 0.98)
    shares = all(isinstance(share, (int, float)) and 0 <= share <= 1 for share in (unsure, sure))
    if shares and unsure > sure:
        path: Path = ("matching", "unsure_from" if "unsure_from" in matching else "sure_from")
        found = _("`unsure_from` {unsure} above `sure_from` {sure}").format(unsure=unsure, sure=sure)
        yield Finding(path, "impossible_test", found, _("`unsure_from` not above `sure_from`"))


def _the_last_routes(data: dict[str, Any]) -> Iterator[Finding]:
    routes = list(rows_of(data, "routes"))
    if not routes:
        if data.get("routes") == []:
            yield Finding(
                ("routes",), "last_route", _("no routes"), _("at least one route, without conditions")
            )
        return
    path, last = routes[-1]
    temporary = [key for key in ("when", "from", "until") if key in last]
    for key in temporary[:1]:
        found = _("a condition on the last route")
        expected = _("a last route without `when`, `from` and `until`, so that every lead has a place")
        yield Finding((*path, key), "last_route", found, expected, at_key=True)
    yield from _place_of_last_resort(routes)


def _place_of_last_resort(routes: Iterable[tuple[Path, dict[str, Any]]]) -> Iterator[Finding]:
    routes = list(routes)
    with_people = any(key in row for _path, row in routes for key in ("pool", "owner", "review"))
    if with_people and not any("review" in row for _path, row in routes):
        found = _("no route with `review`")
        expected = _(
            "at least one route with `review: POOL`; its people take the leads that nobody else can take, "
            "because a pool is full, everyone is away, or a lead was reassigned too often"
        )
        yield Finding(("routes",), "no_review", found, expected, at_key=True)
    elif with_people and "review" not in routes[-1][1]:
        path, _row = routes[-1]
        found = _("a last route that does not lead to a review")
        expected = _("`review: POOL` last; as it is, leads without a place go to the last review before it")
        yield Finding(path, "no_review", found, expected, severity="warning")
