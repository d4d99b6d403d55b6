"""The policy: what a company has decided about its leads, as immutable data.

Read from YAML by `leadlane.policy.load`; compiled for deciding by `leadlane.core.decide.compile_policy`.
`version` is the hash of the content, so equal policies have equal versions wherever they were written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from leadlane.core.conditions import ALWAYS, Condition
from leadlane.core.facts import FieldSpec

Unit = Literal["minutes", "hours", "days"]


@dataclass(frozen=True, slots=True)
class Duration:
    """`amount` of elapsed or business minutes, hours or days."""

    amount: int
    unit: Unit
    business: bool = False

    @property
    def minutes(self) -> int:
        """Elapsed minutes, or business minutes; business days have none of their own and count as 1440."""
        return self.amount * {"minutes": 1, "hours": 60, "days": 1440}[self.unit]


@dataclass(frozen=True, slots=True)
class IntentItem:
    """At least `count` signals of this name."""

    signal: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class FitRow:
    """`points` for a lead for which `when` holds."""

    name: str
    when: Condition
    points: int | float


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the market; `team` serves it."""

    name: str
    when: Condition = ALWAYS
    team: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class DealValueRow:
    """The deal value assumed when a lead brings none."""

    value: int | float
    when: Condition = ALWAYS


@dataclass(frozen=True, slots=True)
class DealBand:
    """A named range of deal values."""

    name: str
    when: Condition = ALWAYS


DestinationKind = Literal["pool", "owner", "review", "program", "disqualify"]


@dataclass(frozen=True, slots=True)
class Route:
    """Where the leads go for which `when` holds.

    `kind` and `target`: pool NAME, owner account|open_lead, review POOL, program NAME, disqualify REASON.
    `first_day` and `last_day` bound a temporary route (days in the policy's zone, both included).
    """

    name: str
    kind: DestinationKind
    target: str
    when: Condition = ALWAYS
    service_level: str | None = None
    next_step: str | None = None
    description: str = ""
    first_day: date | None = None
    last_day: date | None = None


Method = Literal["round_robin", "weighted", "least_open"]


@dataclass(frozen=True, slots=True)
class Pool:
    """People who take leads in turn.

    `members` is a condition on people or a tuple of ids. `require` and `prefer` are pairs
    (attribute of the person, field of the lead).
    """

    name: str
    members: Condition | tuple[str, ...]
    method: Method = "round_robin"
    require: tuple[tuple[str, str], ...] = ()
    prefer: tuple[tuple[str, str], ...] = ()
    backup_pool: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """A nurture program: automation engages these leads."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """A promise to the prospect, and the chase that keeps it."""

    name: str
    respond_within: Duration
    when: Condition = ALWAYS
    chase: str | None = None
    description: str = ""


ChaseAction = Literal["remind", "notify", "reassign"]


@dataclass(frozen=True, slots=True)
class ChaseStep:
    """After `after`, unless accepted or responded: remind owner, notify manager, reassign backup."""

    after: Duration
    action: ChaseAction
    target: str
    unless: Literal["accepted", "responded"] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what automation may do; `automation_share` is the target band (from, to) in 0..1."""

    reassignments: int = 3
    automation_share: tuple[float, float] = (0.80, 0.90)


@dataclass(frozen=True, slots=True)
class Matching:
    """From which probability (0 to 1) a likeness is sure, and from which a person is asked."""

    sure_from: float = 0.98
    unsure_from: float = 0.5


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy. Order matters in every tuple; names are unique within a section."""

    version: str
    name: str
    currency: str
    timezone: str
    counts_for: Duration
    intent: Mapping[str, tuple[IntentItem, ...]]  # high, medium, low
    strong_at: int | float
    fit: tuple[FitRow, ...]
    segments: tuple[Segment, ...]
    deal_values: tuple[DealValueRow, ...]
    deal_bands: tuple[DealBand, ...]
    routes: tuple[Route, ...]
    pools: Mapping[str, Pool]
    programs: Mapping[str, Program]
    service_levels: tuple[ServiceLevel, ...]
    chases: Mapping[str, tuple[ChaseStep, ...]]
    limits: Limits = Limits()
    matching: Matching = Matching()
    fields: Mapping[str, FieldSpec] = field(default_factory=dict)  # the policy's own fields

    @property
    def review_pool(self) -> str | None:
        """The pool that takes a lead when nobody else can: that of the last route that is a review."""
        return next((route.target for route in reversed(self.routes) if route.kind == "review"), None)
