"""What should be changed, and what first? Findings of a quarter, each with its evidence, ranked.

A finding is what the figures show; its proposal is what could be changed for it. Its key says what it is
about and holds no figure, so that it is the same one in every quarter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from leadlane.insight.costs import Cost
from leadlane.insight.groups import FALSE_SHARE, adjusted
from leadlane.insight.proportions import Estimate
from leadlane.insight.section import Grid
from leadlane.policy.edit import Edit

Kind = Literal[
    "unused_route",
    "overridden_route",
    "missing_route",
    "segment",
    "territory",
    "hours",
    "capacity",
    "peak",
    "response",
    "source",
    "person",
]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of the policy and the roster, in words, and as edits of their texts.

    `says` is why just this, and what it does not do. `gains`: for leads that go to `team`, by the team that
    they come from, the share won more. `is_ahead`: it counts in days to come, and would have changed nothing
    in the period.
    """

    title: str
    says: Sequence[str] = ()
    policy: Sequence[Edit] = ()
    roster: Sequence[Edit] = ()
    team: str = ""
    gains: Mapping[str, Estimate] = field(default_factory=dict)
    is_ahead: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What the figures of a period show, and what is proposed; None where nothing of routing would help.

    `money` is what it costs a quarter. `certainty` is 0 to 1: of what is claimed because of a comparison, 1
    less `q`, its corrected p-value; None for what was counted. `leads` of the period are concerned. `effect`
    is the size of what was seen, with its interval; its sign is up to the kind.
    """

    key: str
    kind: Kind
    title: str
    says: Sequence[str]
    certainty: float
    leads: int
    effect: Estimate | None = None
    money: Cost | None = None
    evidence: Sequence[Grid] = ()
    proposal: Proposal | None = None
    q: float | None = None

    @property
    def rests_on(self) -> Literal["comparison", "count", "forecast", "model"]:
        """What it is: only comparisons are claims beyond chance, and corrected for all that are made.

        `certainty` of the others is 1, the chance of a week with more, or the share of draws where it pays.
        """
        if self.q is not None:
            return "comparison"
        return _OTHERS.get(self.kind, "count")

    @property
    def expected(self) -> float:
        """Money a quarter × certainty; 0 for what cannot be put into money."""
        return 0.0 if self.money is None else self.money.money[1] * self.certainty


_OTHERS: Mapping[Kind, Literal["forecast", "model"]] = {"peak": "forecast", "territory": "model"}


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """By expected money; those without by certainty, then by the leads concerned."""
    return sorted(findings, key=lambda one: (-one.expected, -one.certainty, -one.leads, one.key))


# Findings of these kinds rest on comparisons, each corrected within the report that it comes from.
_FAMILIES: Mapping[Kind, str] = {
    "segment": "conversion",
    "source": "conversion",
    "response": "response",
    "person": "promises",
    "capacity": "hours",
    "overridden_route": "rules",
    "missing_route": "rules",
}


def levels(findings: Iterable[Finding]) -> dict[Kind, float]:
    """Up to which corrected p-value of its report a claim of a kind may be made in a review; 0: none may.

    Reports correct each for itself; a review that picks from several of them would tell more that is false.
    So families of comparisons are chosen first, and within those that are, the level is the lower the fewer
    they are (Y. Benjamini, M. Bogomolov: Selective Inference on Multiple Families of Hypotheses, 2014): of
    all that a review claims, 5 % are false on average at most, and where nothing differs at all, no more than
    one review in twenty claims anything.
    """
    least = dict.fromkeys(_FAMILIES.values(), 1.0)
    for one in findings:
        if one.q is not None:
            least[_FAMILIES[one.kind]] = min(least[_FAMILIES[one.kind]], one.q)
    qs = adjusted(list(least.values()))
    chosen = {family for family, q in zip(least, qs, strict=True) if q <= FALSE_SHARE}
    level = FALSE_SHARE * len(chosen) / len(least)
    return {kind: level if family in chosen else 0.0 for kind, family in _FAMILIES.items()}


def settled(findings: Iterable[Finding], level: Mapping[Kind, float] | None = None) -> list[Finding]:
    """The findings that may be claimed together, with the certainty that is left to each.

    `level` as of `levels`, by default of these findings. What was counted or forecast is kept as it is.
    """
    found = list(findings)
    level = levels(found) if level is None else level
    kept = []
    for one in found:
        if one.q is None:
            kept.append(one)
        elif 0 < level[one.kind] >= one.q:
            kept.append(replace(one, certainty=1 - one.q * FALSE_SHARE / level[one.kind]))
    return kept


def key_of(kind: Kind, *parts: str) -> str:
    """The key of a finding: `segment:south:emea-2`."""
    return ":".join((kind, *parts))
