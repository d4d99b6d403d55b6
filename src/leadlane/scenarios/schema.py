"""What may stand in a scenario? The file as pydantic models: every action and every expectation."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from leadlane.core.act import CLOSINGS
from leadlane.core.facts import FITS, INTENTS, RELATIONSHIPS, STAGES
from leadlane.core.trace import Reason
from leadlane.i18n import N_, _
from leadlane.policy.schema import Amount, Name, Number, Part, Text, Worth, checked, choice, one_of, refuse

# The kinds of messages. One that is misspelt would be expected not to be sent, and never be.
MESSAGES = (
    *("assigned", "reminder", "escalated", "reassigned_away"),
    *("covering", "uncovered", "returned", "merged", "review", "alarm"),
)


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        refuse("wrong_type", value, _("a mapping: `key: value`"))
    return value


def _with_id(value: object) -> dict[str, Any]:
    entry = _mapping(value)
    if "id" not in entry:
        refuse("missing_key", value, _("an `id`"), found=_("no `id`"))
    return {**entry, "id": str(entry["id"])}


def _rules(value: object) -> str | dict[str, Any]:
    if not isinstance(value, (str, dict)):
        refuse("wrong_type", value, _("`reference`, the path of a file, or the whole of it as a mapping"))
    return value


def _version(value: object) -> str | int:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        refuse("wrong_type", value, _("the version of a policy, or 1 for the first one published, 2 …"))
    return value


def _yes_no(value: object) -> bool:
    if not isinstance(value, bool):
        refuse("wrong_type", value, "true | false")
    return value


REASONS = tuple(str(reason) for reason in Reason)
Mapping_ = Annotated[dict[str, Any], *checked(_mapping)]
Entry = Annotated[dict[str, Any], *checked(_with_id)]
Rules = Annotated[str | dict[str, Any], *checked(_rules)]
Version = Annotated[str | int, *checked(_version)]
YesNo = Annotated[bool, *checked(_yes_no)]
ReasonCode = Annotated[str, *checked(one_of(*REASONS))]


class SignalPart(Part):
    """News of a lead."""

    lead: Name = Field(description=N_("The lead that it is news of."))
    name: Name = Field(description=N_("The name of the signal."))
    at: Text | None = None


class ByPart(Part):
    """Something that a person does with a lead."""

    lead: Name = Field(description=N_("The lead."))
    by: Name = Field(description=N_("The person who does it."))
    reason: Text = ""


class TouchPart(ByPart):
    """A person reaches out to the prospect, or takes a note (another kind)."""

    kind: Text = "call"


class ReassignPart(ByPart):
    """A lead is given to somebody."""

    to: Name = Field(description=N_("The person who gets the lead."))


class ReviewPart(ByPart):
    """A lead in review is placed."""

    to: Name = Field(description=N_("A person, or `pool:NAME`, or `program:NAME`."))


class ClosePart(Part):
    """The story of a lead ends."""

    lead: Name = Field(description=N_("The lead."))
    outcome: Annotated[str, *choice(*CLOSINGS)] = Field(description=N_("How it ended."))
    by: Name | None = None
    value: Worth | None = None
    reason: Text = ""


class IdentifyPart(ByPart):
    """A person says which account a lead belongs to; without one, that it is nobody known."""

    account: Name | None = None


class MergePart(ByPart):
    """A person says that another lead is the same prospect."""

    other: Name = Field(description=N_("The lead that ends."))


class SplitPart(ByPart):
    """A person says that what was merged into a lead was somebody else."""

    other: Name = Field(description=N_("The id under which it had come."))


class AwayPart(Part):
    """Somebody is not there."""

    person: Name = Field(description=N_("Who is away."))
    from_: Text | None = Field(default=None, alias="from")
    until: Text = Field(description=N_("When they are back."))
    reason: Text = ""


class OutagePart(Part):
    """Leadlane acts on nothing that falls due."""

    until: Text = Field(description=N_("When it runs again."))


class ActionPart(Part):
    """What happens in a step: one of these, or nothing."""

    lead: Entry | None = None
    leads: list[Entry] | None = None
    signal: SignalPart | None = None
    accept: ByPart | None = None
    decline: ByPart | None = None
    dispute: ByPart | None = None
    touch: TouchPart | None = None
    reassign: ReassignPart | None = None
    review: ReviewPart | None = None
    close: ClosePart | None = None
    identify: IdentifyPart | None = None
    merge: MergePart | None = None
    split: SplitPart | None = None
    away: AwayPart | None = None
    person: Entry | None = None
    publish: Mapping_ | None = None


class LeadExpectation(Part):
    """What must be true of a lead; only what is written is looked at."""

    owner: Name | None = None
    covered_by: Name | None = None
    route: Name | None = None
    destination: Name | None = None
    intent: Annotated[str | None, *choice(*INTENTS)] = None
    fit: Annotated[str | None, *choice(*FITS)] = None
    fit_score: Number | None = None
    segment: Name | None = None
    deal_band: Name | None = None
    relationship: Annotated[str | None, *choice(*RELATIONSHIPS)] = None
    account: Name | None = None
    service_level: Name | None = None
    respond_by: Text | None = None
    responded: YesNo | None = None
    accepted: YesNo | None = None
    breached: YesNo | None = None
    reassigned: Amount | None = None
    stage: Annotated[str | None, *choice(*STAGES)] = None
    next_step: Text | None = None
    excluded: dict[Name, ReasonCode] = Field(default={})
    because: list[ReasonCode] = Field(default=[])
    version: Version | None = None
    same_as: Name | None = None


class PersonExpectation(Part):
    """What must be true of a person."""

    open: Amount | None = None
    today: Amount | None = None
    balance: dict[Name, Number] = Field(default={})


class SentExpectation(Part):
    """How many messages there must have been since the start; without `count`, at least one."""

    to: Name | None = None
    event: Annotated[str | None, *choice(*MESSAGES)] = None
    lead: Name | None = None
    count: Amount | None = None


class StepPart(ActionPart):
    """A step: when, what happens, and what must be true then."""

    at: Text | None = None
    outage: OutagePart | None = None
    refused: ActionPart | None = None
    expect: dict[Name, LeadExpectation] = Field(default={})
    expect_people: dict[Name, PersonExpectation] = Field(default={})
    expect_sent: list[SentExpectation] = Field(default=[])
    expect_timeline: dict[Name, list[Name]] = Field(default={})


class ScenarioPart(Part):
    """A scenario file."""

    scenario: Text = Field(description=N_("What the story is about, in a line."))
    policy: Rules = "reference"
    change: Mapping_ = Field(default={})
    roster: Rules = "reference"
    change_roster: Mapping_ = Field(default={})
    start: Text = Field(description=N_("When the story begins, such as 2026-03-02T10:00+01:00."))
    steps: list[StepPart] = Field(description=N_("What happens, step by step."))


EXPECTATIONS = ("expect", "expect_people", "expect_sent", "expect_timeline")
ACTIONS = tuple(name for name in StepPart.model_fields if name not in ("at", *EXPECTATIONS))
