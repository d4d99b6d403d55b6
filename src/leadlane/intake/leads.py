"""Is this a lead? What was sent becomes a clean lead, or every problem with it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

import orjson

from leadlane.core.conditions import fold_text
from leadlane.core.facts import FieldSpec, Signal, Value
from leadlane.i18n import _
from leadlane.intake.problems import BadValueError, Problem, did_you_mean, shorten
from leadlane.intake.values import Reading, read_list, read_moment, read_text, read_value

LONGEST_ID = 200
LONGEST_SIGNAL = 100
LONGEST_EXTRA = 100_000
MOST_SIGNALS = 1_000
# Clocks of web sites run ahead by a little; more than this is a wrong date.
CLOCK_TOLERANCE = timedelta(minutes=5)

# What a lead may carry beside its fields.
RESERVED = ("id", "arrived_at", "signals")


@dataclass(frozen=True, slots=True)
class LeadInput:
    """A clean lead. `fields` holds only values that are there, `extra` what was sent beyond the known fields.

    `id` is the sender's own, `arrived_at` the moment the sender states, aware UTC.
    """

    id: str | None
    fields: dict[str, Value]
    signals: tuple[Signal, ...] = ()
    arrived_at: datetime | None = None
    extra: dict[str, object] = field(default_factory=dict)


def read_lead(
    raw: Mapping[str, object],
    fields: Mapping[str, FieldSpec],
    now: datetime,
    default_zone: tzinfo,
    *,
    decimal: str | None = None,
    day_first: bool | None = None,
    currency: str | None = None,
    extra: Mapping[str, object] | None = None,
) -> tuple[LeadInput | None, list[Problem]]:
    """A lead from `raw` (values by field name, `id`, `arrived_at`, `signals`), or None and all its problems.

    `fields` are the built-in and the policy's own fields. A signal without a time of its own happened at
    `arrived_at`, else at `now`; of those with the same time of their own each name is read once. Names
    in `raw` that are no field are problems; columns of a file that were not mapped come in `extra` and
    are kept. The other keywords are those of `Reading`.
    """
    reading = Reading(default_zone, decimal, day_first, currency)
    problems: list[Problem] = []
    values: dict[str, Value] = {}
    for name, sent in raw.items():
        if sent is None or sent == "" or name in RESERVED:
            continue
        spec = fields.get(name)
        if spec is None:
            problems.append(_unknown_field(name, sent, fields))
            continue
        try:
            value = read_value(spec, sent, reading)
        except BadValueError as error:
            problems.append(_problem(name, sent, error))
        else:
            if value is not None:
                values[name] = value
    lead_id = _read_id(raw.get("id"), problems)
    arrived_at = _read_arrival(raw.get("arrived_at"), now, reading, problems)
    signals = _read_signals(raw.get("signals"), arrived_at, now, reading, problems)
    kept = _read_extra(extra, problems) if extra else {}
    if not (problems or values or signals or lead_id):
        problems.append(Problem("", "", _("the lead is empty: no field, no signal and no id")))
    return (None if problems else LeadInput(lead_id, values, signals, arrived_at, kept)), problems


def _read_id(sent: object, problems: list[Problem]) -> str | None:
    if sent is None:
        return None
    try:
        return read_text(sent, LONGEST_ID) or None
    except BadValueError as error:
        problems.append(_problem("id", sent, error))
        return None


def _read_arrival(sent: object, now: datetime, reading: Reading, problems: list[Problem]) -> datetime | None:
    if sent is None:
        return None
    try:
        return _not_ahead(read_moment(sent, reading), now)
    except BadValueError as error:
        problems.append(_problem("arrived_at", sent, error))
        return None


def _not_ahead(moment: datetime | None, now: datetime) -> datetime | None:
    if moment is not None and moment > now + CLOCK_TOLERANCE:
        raise BadValueError(
            _("this is in the future: {moment}").format(moment=moment.isoformat(timespec="seconds")),
            _("check the date and the time zone"),
        )
    return moment


def _read_signals(
    sent: object, arrived_at: datetime | None, now: datetime, reading: Reading, problems: list[Problem]
) -> tuple[Signal, ...]:
    """Signals from a list of names and `{name, at}`, or from a text of names; bad ones become problems."""
    if sent in (None, "", [], ()):
        return ()
    try:
        items = sent if isinstance(sent, (list, tuple)) else read_list(sent)
    except BadValueError as error:
        problems.append(_problem("signals", sent, error))
        return ()
    if len(items) > MOST_SIGNALS:
        reason = _("too many signals: {count}, at most {most}").format(count=len(items), most=MOST_SIGNALS)
        problems.append(Problem("signals", "", reason))
        return ()
    signals = []
    own: set[tuple[str, datetime]] = set()
    for position, item in enumerate(items):
        try:
            name, at = _read_signal(item, now, reading)
        except BadValueError as error:
            problems.append(_problem(f"signals[{position}]", item, error))
            continue
        if at is None:
            signals.append(Signal(name, arrived_at or now, stated=arrived_at is not None))
        elif (fold_text(name), at) not in own:
            own.add((fold_text(name), at))
            signals.append(Signal(name, at, stated=True))
    return tuple(signals)


def _read_signal(item: object, now: datetime, reading: Reading) -> tuple[str, datetime | None]:
    if isinstance(item, Mapping):
        if unknown := [str(key) for key in item if key not in ("name", "at")]:
            raise BadValueError(
                _("a signal has a name and a time, not {names}").format(names=shorten(", ".join(unknown))),
                _("write {example}").format(example='{"name": "demo_request", "at": "2026-03-02T10:00Z"}'),
            )
        name, at = item.get("name"), item.get("at")
    else:
        name, at = item, None
    if not isinstance(name, str):
        raise BadValueError(_("the name of the signal is missing or not a text"))
    text = read_text(name, LONGEST_SIGNAL)
    if not text:
        raise BadValueError(_("the name of the signal is missing or not a text"))
    return text, (_not_ahead(read_moment(at, reading), now) if at is not None else None)


def _read_extra(extra: Mapping[str, object], problems: list[Problem]) -> dict[str, object]:
    """Unmapped values that are there, as they came; what a database cannot keep is a problem."""
    kept: dict[str, object] = {}
    for name, sent in extra.items():
        if sent is None or sent == "":
            continue
        try:
            kept[name] = (
                read_text(sent, LONGEST_EXTRA, lines=True) if isinstance(sent, str) else _storable(sent)
            )
        except BadValueError as error:
            problems.append(_problem(name, sent, error))
    return {name: value for name, value in kept.items() if value != ""}


def _storable(value: object) -> object:
    try:
        written = orjson.dumps(value, default=float)
    except (orjson.JSONEncodeError, ValueError) as error:
        raise BadValueError(_("this cannot be kept as JSON: {detail}").format(detail=error)) from None
    if len(written) > LONGEST_EXTRA:
        raise BadValueError(
            _("the text is too long: {length} characters, at most {longest}").format(
                length=len(written), longest=LONGEST_EXTRA
            )
        )
    if b"\\u0000" in written:
        raise BadValueError(_("NUL characters cannot be kept"))
    return orjson.loads(written)


def _problem(name: str, sent: object, error: BadValueError) -> Problem:
    return Problem(name, shorten(sent), error.reason, error.suggestion)


def _unknown_field(name: str, sent: object, fields: Mapping[str, FieldSpec]) -> Problem:
    return Problem(
        shorten(name),
        shorten(sent),
        _("there is no field of this name"),
        did_you_mean(name, [*fields, *RESERVED]),
    )
