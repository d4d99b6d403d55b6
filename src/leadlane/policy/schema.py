"""What may stand in a policy? The document as pydantic models: every key, its type, and what it is for.

The descriptions are the policy reference (docs/policy_reference.md). Conditions stay as they were read: what
they may say depends on fields, which `leadlane.policy.conditions` knows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from leadlane.core.facts import FieldType
from leadlane.core.policy import ChaseAction, DestinationKind, Duration, Method
from leadlane.i18n import N_, _
from leadlane.policy.problems import Code, quoted
from leadlane.policy.values import (
    LONGEST_DAYS,
    did_you_mean,
    parse_day,
    parse_duration,
    zone_meant,
    zones,
)


def refuse(code: Code, value: object, expected: str, suggestion: str = "", found: str = "") -> NoReturn:
    """Raises the error of a pydantic validator that becomes a problem with these texts."""
    texts = {"found": found or quoted(value), "expected": expected, "suggestion": suggestion}
    raise PydanticCustomError(code, "{found}", texts)


def checked(check: Callable[[Any], Any], **json_schema: Any) -> tuple[PlainValidator, WithJsonSchema]:
    """Our own reading of a value: one error in our words, where pydantic would give several in its own."""
    return PlainValidator(check), WithJsonSchema(json_schema)


def read_name(value: object) -> str:
    """A name: text; a plain number is one too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        refuse("wrong_type", value, _("a name"))
    if not value.strip() or len(value) > 200 or not value.isprintable():
        refuse("wrong_value", value, _("a name of 1 to 200 characters"))
    return value


def read_text(value: object) -> str:
    """Text; a number is as it would be written."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        refuse("wrong_type", value, _("text"))
    return value


def read_number(value: object) -> int | float:
    """A finite number; whole ones as integers, so that 40 and 40.0 are the same policy."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        refuse("wrong_type", value, _("a number"))
    # Beyond 2**53 arithmetic would no longer be exact.
    if not math.isfinite(value) or abs(value) > 2**53:
        refuse("wrong_value", value, _("a number that can be counted with"))
    return int(value) if value == int(value) else value


def read_worth(value: object) -> int | float:
    """A number from 0."""
    number = read_number(value)
    if number < 0:
        refuse("wrong_value", value, _("a number from 0"))
    return number


def read_count(value: object) -> int:
    """A whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        refuse("wrong_type", value, _("a whole number"))
    if not 1 <= value <= 1_000_000:
        refuse("wrong_value", value, _("a whole number from 1"))
    return value


def read_amount(value: object) -> int:
    """A whole number from 0."""
    return 0 if value == 0 and not isinstance(value, bool) else read_count(value)


def read_share(value: object) -> float:
    """A part of the whole, from 0 to 1."""
    share = read_number(value)
    if not 0 <= share <= 1:
        refuse("wrong_value", value, _("a share from 0 to 1"))
    return float(share)


def read_zone(value: object) -> str:
    """The name of a time zone."""
    if not isinstance(value, str) or value not in zones():
        refuse("unknown_zone", value, _("a time zone such as Europe/Berlin"), zone_meant(value))
    return value


def read_duration(value: object) -> Duration:
    """A duration of at least a minute and at most ten years."""
    duration = parse_duration(value) if isinstance(value, str) else None
    if duration is None:
        expected = _("a duration such as `15 business minutes`, `48 hours` or `5 days`, at most {n} days")
        refuse("wrong_value", value, expected.format(n=LONGEST_DAYS))
    return duration


def read_elapsed(value: object) -> Duration:
    """A duration that runs through nights and weekends."""
    duration = read_duration(value)
    if duration.business:
        refuse("wrong_value", value, _("a duration without `business`: signals fade at night too"))
    return duration


def read_day(value: object) -> date:
    """A day written as `2026-03-02`."""
    day = parse_day(value) if isinstance(value, str) else None
    if day is None:
        refuse("wrong_value", value, _("a date such as 2026-03-02"))
    return day


def read_currency(value: object) -> str:
    """A currency code: three capital letters."""
    if not (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isupper()):
        meant = value.upper() if isinstance(value, str) and len(value) == 3 and value.isascii() else ""
        refuse("wrong_value", value, _("a currency code such as EUR"), meant)
    return value


def read_signal(value: object) -> tuple[str, int]:
    """`demo_request`, or `{content_download: 2}`."""
    if isinstance(value, dict):
        if len(value) != 1:
            refuse("wrong_value", value, _("one signal and how many of them, as in `{content_download: 2}`"))
        ((name, count),) = value.items()
        return read_name(name), read_count(count)
    return read_name(value), 1


def read_members(value: object) -> Any:
    """A list of people's ids, or a condition, which is read later."""
    if isinstance(value, list):
        if not value:
            refuse("empty_condition", value, _("at least one person"), found=_("an empty list"))
        return tuple(read_name(item) for item in value)
    if not isinstance(value, dict):
        refuse("wrong_type", value, _("a condition on people, or a list of their ids"))
    return value


def one_of(*choices: str) -> Callable[[object], str]:
    """A reader of one word of a closed set."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            refuse("wrong_value", value, " | ".join(choices), did_you_mean(value, choices))
        return value

    return read


def choice(*choices: str) -> tuple[PlainValidator, WithJsonSchema]:
    """The annotation of a closed set of words."""
    return checked(one_of(*choices), type="string", enum=list(choices))


DESTINATIONS: tuple[DestinationKind, ...] = ("pool", "owner", "review", "program", "disqualify")
ACTIONS: tuple[ChaseAction, ...] = ("remind", "notify", "reassign")

# Stands for a condition until `leadlane.policy.structure.json_schema` puts in what one is.
CONDITION_MARK = {"type": "object", "title": "Condition"}
_DURATION_SCHEMA = {"type": "string", "pattern": r"^\s*\d+\s+(business\s+)?(minute|hour|day)s?\s*$"}

Name = Annotated[str, *checked(read_name, type="string", minLength=1)]
Text = Annotated[str, *checked(read_text, type="string")]
Number = Annotated[int | float, *checked(read_number, type="number")]
Worth = Annotated[int | float, *checked(read_worth, type="number", minimum=0)]
Count = Annotated[int, *checked(read_count, type="integer", minimum=1)]
Amount = Annotated[int, *checked(read_amount, type="integer", minimum=0)]
Share = Annotated[float, *checked(read_share, type="number", minimum=0, maximum=1)]
Zone = Annotated[str, *checked(read_zone, type="string", examples=["Europe/Berlin"])]
Currency = Annotated[str, *checked(read_currency, type="string", pattern="^[A-Z]{3}$")]
Day = Annotated[date, *checked(read_day, type="string", format="date")]
DurationText = Annotated[Duration, *checked(read_duration, **_DURATION_SCHEMA)]
ElapsedText = Annotated[Duration, *checked(read_elapsed, **_DURATION_SCHEMA)]
When = Annotated[Any, WithJsonSchema(CONDITION_MARK)]
SignalItem = Annotated[
    tuple[str, int],
    *checked(
        read_signal,
        anyOf=[
            {"type": "string"},
            {
                "type": "object",
                "additionalProperties": {"type": "integer", "minimum": 1},
                "minProperties": 1,
                "maxProperties": 1,
            },
        ],
    ),
]
Members = Annotated[
    Any,
    *checked(
        read_members, anyOf=[CONDITION_MARK, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
    ),
]


class Part(BaseModel):
    """Something in a document; keys that it does not have are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_WHEN = Field(default=None, description="The condition; without it the row holds always.")
_DESCRIPTION = Field(default="", description="What it is for, in your own words.")


class FieldPart(Part):
    """A field of your own."""

    type: Annotated[FieldType, *choice("text", "number", "boolean", "date", "tags", "choice")] = Field(
        description=N_(
            "What kind of value the field has. `tags` is a list of words, `choice` one of `values`."
        )
    )
    values: list[Name] = Field(default=[], description="The closed set of values of a `choice`.")
    description: Text = _DESCRIPTION


class IntentPart(Part):
    """How ready the buyer is: which signals count as what. Levels are tried high, medium, low; none: low."""

    counts_for: ElapsedText = Field(
        default="90 days", validate_default=True, description="Signals older than this do not count."
    )
    high: list[SignalItem] = Field(
        default=[], description="Signals of high intent; `{signal: n}` asks for at least n of them."
    )
    medium: list[SignalItem] = Field(default=[], description="Signals of medium intent.")
    low: list[SignalItem] = Field(default=[], description="Signals of low intent.")


class FitRowPart(Part):
    """Points for leads that fulfil a condition."""

    name: Name = Field(description=N_("What the points are for; explanations say it."))
    when: When = _WHEN
    points: Number = Field(
        description=N_("Added to the fit score when the condition holds; may be negative.")
    )


class FitPart(Part):
    """How close a lead is to the ideal customer: the points of all rows that hold are added."""

    strong_at: Number = Field(default=1, description="From this score on the fit is strong, below it weak.")
    points: list[FitRowPart] = Field(default=[], description="The rows; every one that holds counts.")


class SegmentPart(Part):
    """A part of the market. The first segment whose condition holds is the lead's."""

    name: Name = Field(description=N_("The name of the segment."))
    description: Text = _DESCRIPTION
    when: When = _WHEN
    team: Name | None = Field(default=None, description="The id of the team that owns the segment.")


class DealValuePart(Part):
    """A deal value to assume when the lead brings none. The first row that holds."""

    when: When = _WHEN
    value: Number = Field(description=N_("The value, in the policy's currency."))
    description: Text = _DESCRIPTION


class DealBandPart(Part):
    """A named range of deal values. The first row that holds; no deal value: no band."""

    name: Name = Field(description=N_("The name of the band."))
    when: When = _WHEN
    description: Text = _DESCRIPTION


class RoutePart(Part):
    """Where leads go. The first route whose condition holds; exactly one destination each; the last has no
    condition."""

    name: Name = Field(description=N_("The name of the route; reports and explanations say it."))
    description: Text = _DESCRIPTION
    when: When = _WHEN
    pool: Name | None = Field(default=None, description="Destination: someone of this pool.")
    owner: Annotated[str | None, *choice("account", "open_lead")] = Field(
        default=None,
        description="Destination: who owns the account, or the open lead at the same company. Protected: "
        "nothing automatic changes that owner.",
    )
    review: Name | None = Field(
        default=None, description="Destination: a person of this pool decides where it goes."
    )
    program: Name | None = Field(default=None, description="Destination: this nurture program.")
    disqualify: Name | None = Field(default=None, description="Destination: closed, for this reason.")
    service_level: Name | None = Field(
        default=None, description="The service level that holds, instead of the first that fits."
    )
    next_step: Text | None = Field(default=None, description="What the owner does first.")
    from_: Day | None = Field(
        default=None, alias="from", description="First day of a temporary route, in the policy's time zone."
    )
    until: Day | None = Field(default=None, description="Last day of a temporary route.")


class PoolPart(Part):
    """People who take leads in turn."""

    members: Members = Field(description=N_("A condition on people, or a list of their ids."))
    require: dict[Name, Name] = Field(
        default={},
        description="`person_attribute: lead_field`: who does not have what the lead has is not considered.",
    )
    prefer: dict[Name, Name] = Field(
        default={},
        description="`person_attribute: lead_field`: narrows the choice, pair by pair in this order; a pair "
        "that would leave nobody is skipped.",
    )
    method: Annotated[Method, *choice("round_robin", "weighted", "least_open")] = Field(
        default="round_robin",
        description="`round_robin`: equal shares. `weighted`: shares by weight. `least_open`: who has the "
        "fewest open leads in relation to weight.",
    )
    backup_pool: Name | None = Field(default=None, description="The pool to ask when nobody here is free.")
    description: Text = _DESCRIPTION


class ProgramPart(Part):
    """A nurture program: automation engages these leads."""

    description: Text = _DESCRIPTION


class ServiceLevelPart(Part):
    """A promise. The first whose condition holds, unless the route names one."""

    name: Name = Field(description=N_("The name of the service level."))
    description: Text = _DESCRIPTION
    when: When = _WHEN
    respond_within: DurationText = Field(
        description=N_(
            "By when the prospect hears from us: `N [business] minutes|hours|days`. Business time "
            "runs on the working hours and public holidays of the person who has the lead."
        )
    )
    chase: Name | None = Field(default=None, description="What happens when they do not.")


class ChaseStepPart(Part):
    """One step of a chase; exactly one of remind, notify, reassign."""

    after: DurationText = Field(description=N_("From the moment the person got the lead, on their clock."))
    unless: Annotated[Literal["accepted", "responded"] | None, *choice("accepted", "responded")] = Field(
        default=None, description="Not taken when this has happened; responded counts as accepted."
    )
    remind: Annotated[str | None, *choice("owner")] = Field(default=None, description="Remind the owner.")
    notify: Annotated[str | None, *choice("manager")] = Field(
        default=None, description="Tell the owner's manager."
    )
    reassign: Annotated[str | None, *choice("backup")] = Field(
        default=None, description="Give the lead to the owner's backup, or pick again."
    )


class SharePart(Part):
    """The band in which the share of leads routed without a person should lie."""

    min: Share = Field(default=0.80, description="The least share that automation should route.")
    max: Share = Field(default=0.90, description="The most that it should.")


class LimitsPart(Part):
    """Bounds on what automation may do."""

    reassignments: Amount = Field(
        default=3, description="After so many automatic reassignments a lead goes to review, with an alarm."
    )
    automation_share: SharePart = Field(
        default_factory=SharePart, description="The share of leads that automation should route."
    )


class MatchingPart(Part):
    """From which probability, 0 to 1, a likeness with somebody known counts."""

    sure_from: Share = Field(
        default=0.98, description="From here on it is the same prospect: a lead is linked to who it is."
    )
    unsure_from: Share = Field(
        default=0.5,
        description="From here on it may be: the lead goes to review, and a person says who it is. As high "
        "as `sure_from`: nobody is ever asked.",
    )


class PolicyPart(Part):
    """A policy: how leads are qualified, routed, picked up, promised and chased."""

    policy: Name = Field(description=N_("The name of the policy."))
    currency: Currency = Field(default="EUR", description="The currency of deal values.")
    timezone: Zone = Field(default="UTC", description="The time zone in which the policy's days begin.")
    fields: dict[Name, FieldPart] = Field(default={}, description="Fields of your own that a lead may have.")
    intent: IntentPart = Field(
        default_factory=IntentPart, description="How ready the buyer is: which signals count as what."
    )
    fit: FitPart = Field(default_factory=FitPart, description="How close a lead is to the ideal customer.")
    segments: list[SegmentPart] = Field(
        default=[], description="The parts of the market; the first that holds."
    )
    deal_value: list[DealValuePart] = Field(
        default=[], description="The value to assume when a lead brings none; the first row that holds."
    )
    deal_bands: list[DealBandPart] = Field(
        default=[], description="Ranges of deal values; the first that holds."
    )
    routes: list[RoutePart] = Field(
        description=N_("Where leads go: the first that holds; the last takes the rest.")
    )
    pools: dict[Name, PoolPart] = Field(description=N_("Who takes leads."))
    programs: dict[Name, ProgramPart] = Field(default={}, description="Nurture programs.")
    service_levels: list[ServiceLevelPart] = Field(
        default=[], description="By when a prospect hears from us; the first that holds."
    )
    chases: dict[Name, list[ChaseStepPart]] = Field(
        default={}, description="What happens when nobody acts: steps, from the moment a person got the lead."
    )
    limits: LimitsPart = Field(default_factory=LimitsPart, description="How far automation may go.")
    matching: MatchingPart = Field(
        default_factory=MatchingPart, description="When somebody is taken for somebody known."
    )
