"""What was decided, and why. One for everything that happens to a lead: an arrival, an act, a due step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from leadlane.core.match import Match, Standing
from leadlane.core.qualify import Qualified
from leadlane.core.trace import Reason, Trace

# placed: a new lead. merged: news that change nothing for whoever has it. kept: routed again, stays
# where it is. moved: routed again, went elsewhere. The rest are acts, by the name of what was done.
Outcome = Literal[
    "placed", "merged", "kept", "moved",
    "accepted", "touched", "planned", "reassigned", "reviewed", "closed", "disputed",
    "chased", "served", "covered", "returned",
    "identified", "joined", "split", "merged_away", "reduced",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one lead.

    `before` is how the lead stood, None for a new one. `match` is None where nothing was matched.
    `messages` are (event, person) pairs; a person of None means every admin. `beside` is what became of
    another lead by it, where it concerns two.
    """

    standing: Standing
    before: Standing | None
    outcome: Outcome
    qualified: Qualified
    match: Match | None
    reasons: tuple[str, ...]
    messages: tuple[tuple[str, str | None], ...]
    trace: Trace
    beside: Decision | None = None

    @property
    def waiting_pool(self) -> str | None:
        """The pool in whose line the lead stands from now on."""
        return self.standing.waiting_pool

    @property
    def lead_id(self) -> str:
        """The lead that was decided about; for an arrival not always the id it came with."""
        return self.standing.lead.id


@dataclass(frozen=True, slots=True)
class Refusal:
    """An act that may not be: nothing changes, and `reason` says why."""

    lead_id: str
    reason: Reason
