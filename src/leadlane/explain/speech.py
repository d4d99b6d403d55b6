"""How is a single fact said? Fields, values, moments, turns and people, in the reader's language and zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal

from leadlane.core.facts import Roster
from leadlane.core.fairness import ONE
from leadlane.core.policy import Route
from leadlane.i18n import _, current_language, ngettext
from leadlane.policy import words

# So many names are told one by one; the stored trace has all of them.
MOST_NAMES = 30

_LONGEST_TEXT = 160


def signal_words(name: str) -> str:
    """`demo_request` as people say it."""
    return name.replace("_", " ")


def value_words(field: str, value: Any, zone: ZoneInfo, currency: str = "") -> str:
    """A value of a field. Money gets the currency, moments are in `zone`, long texts are cut."""
    match value:
        case None:
            return _("not known")
        case tuple() | list() | frozenset():
            return ", ".join(value_words(field, one, zone, currency) for one in value)
        case datetime():
            return moment_words(value, zone)
        case str() if field == "signal":
            return signal_words(value)
        case int() | float() if currency and field in ("deal_value", "annual_revenue"):
            return f"{words.number_words(value)} {currency}"
    # A line of an explanation has no line breaks, whatever a message has.
    text = " ".join(words.value_words(field, value).split())
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def turns_words(balance: int) -> str:
    """A balance of the ledger (parts of `ONE`), in turns with two decimals."""
    # A shortfall that rounds to nothing would read "-0.00".
    return str(format_decimal(round(balance / ONE, 2) + 0.0, "0.00", locale=_locale()))


def as_moment(value: str | datetime) -> datetime:
    """A moment of a trace, which is an aware datetime or, once stored, its ISO text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def moment_words(value: str | datetime, zone: ZoneInfo, near: datetime | None = None) -> str:
    """A moment in the reader's zone: `Mon 2 Mar 10:15`; with the year unless it is that of `near`."""
    moment = as_moment(value).astimezone(zone)
    same_year = near is not None and near.astimezone(zone).year == moment.year
    form = "EEE d MMM HH:mm" if same_year else "EEE d MMM y HH:mm"
    return str(format_datetime(moment, form, locale=_locale()))


def person_words(roster: Roster, person: str | None) -> str:
    """A person's name, or the id if the roster does not have them (any more)."""
    if person is None:
        return _("nobody")
    known = roster.people.get(person)
    return known.name if known and known.name else person


def people_words(roster: Roster, people: Iterable[str]) -> str:
    """Names in the order given; of a great many the first ones, and how many others."""
    names = [person_words(roster, person) for person in people]
    others = len(names) - MOST_NAMES
    if others <= 0:
        return ", ".join(names)
    text = ngettext("{names} and {n} other", "{names} and {n} others", others)
    return text.format(names=", ".join(names[:MOST_NAMES]), n=words.number_words(others))


def destination_words(route: Route) -> str:
    """Where the leads of a route go."""
    if route.kind == "disqualify":
        return _("disqualified: {target}").format(target=route.target)
    return place_words(f"{route.kind}:{route.target}")


def place_words(destination: str) -> str:
    """Where a lead went, as its decision has it: `pool:mid-ae`."""
    kind, _colon, name = destination.partition(":")
    match kind, name:
        case "pool", _name:
            text = _("pool {target}")
        case "owner", "account":
            text = _("the owner of the account")
        case "owner", _lead:
            text = _("whoever works the other lead of the company")
        case "review", _name:
            text = _("review by {target}")
        case "program", _name:
            text = _("program {target}")
        case _:
            text = _("disqualified")
    return text.format(target=name)


def _locale() -> Locale:
    return Locale.parse(current_language())
