"""What is written of a decision? The rows of its lead, its timeline, its messages, its touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from leadlane.core.act import Act
from leadlane.core.decide import Arrival
from leadlane.core.decision import Decision
from leadlane.core.match import Standing
from leadlane.core.trace import Reason
from leadlane.matching.prospect import spoken_names
from leadlane.service.submission import Submission
from leadlane.store.codec import encode

# What the timeline calls it when a lead comes to stand in a stage.
_PLACED_EVENT = {"closed": "disqualified"}
# What the timeline calls an act; of a chase it tells every step instead.
_ACT_EVENT = {
    "accept": "accepted",
    "touch": "touched",
    "plan": "planned",
    "decline": "declined",
    "reassign": "reassigned",
    "review": "reviewed",
    "close": "closed",
    "dispute": "disputed",
    "serve": "served",
    "return": "returned",
    "identify": "identified",
    "merge": "joined",
    "split": "split_off",
}
_STEP_EVENT = {"remind": "reminded", "notify": "escalated", "reassign": "handed_on"}


@dataclass(slots=True)
class Journal:
    """The rows that a batch writes, as decisions are added in order. `places` are those it saw."""

    batch_id: int
    now: datetime
    places: Mapping[str, int]
    decisions: list[dict[str, Any]] = field(default_factory=list)
    placed: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    touches: list[dict[str, Any]] = field(default_factory=list)
    aliases: list[dict[str, Any]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)
    parted: list[str] = field(default_factory=list)
    kept_apart: list[dict[str, Any]] = field(default_factory=list)

    def add(self, number: int, submission: Submission, decided: Arrival | Act, decision: Decision) -> None:
        """Enter one decision."""
        lead_id = decision.lead_id
        self.decisions.append(
            {
                "number": number,
                "lead_id": lead_id,
                "outcome": decision.outcome,
                "route": decision.standing.route,
                "destination": decision.standing.destination,
                "owner": decision.standing.owner,
                "arrival": orjson.Fragment(encode(decided)),
                "trace": orjson.Fragment(encode(decision.trace)),
            }
        )
        place = self._enter_lead(number, submission, decision)
        if isinstance(decided, Act):
            self._tell_act(decided, decision)
            if decision.beside is not None:
                self._enter_beside(number, submission, decided, decision, decision.beside)
        else:
            self._tell_arrival(submission, decision)
        self.outbox += [
            {"lead_id": lead_id, "place": place, "event": event, "person": person}
            for event, person in decision.messages
        ]
        if submission.target is None and submission.lead.id != lead_id:
            self.aliases.append({"id": submission.lead.id, "lead_id": lead_id})
        if submission.key is not None:
            self.keys.append(
                {
                    "key": submission.key,
                    "fingerprint": submission.fingerprint,
                    "lead_id": lead_id,
                    "number": number,
                }
            )

    def _enter_lead(self, number: int, submission: Submission, decision: Decision) -> int:
        """The lead's row as it is after this decision. Returns the number of its place."""
        lead_id = decision.lead_id
        row = lead_row(decision, self.batch_id, number, self.now)
        if decision.match is None:
            # An act leaves the lead with the decision that routed it: that is the one to be explained.
            row |= {"batch_id": None, "decision_number": None}
        if decision.outcome == "closed":
            act = decision.trace["act"]
            closed_at = act.get("closed_at") or self.now
            row |= {"closed_at": closed_at, "outcome": act["outcome"], "value": act["value"]}
        if decision.outcome == "merged_away":
            row |= {"closed_at": self.now, "outcome": "duplicate"}
        earlier = self.placed.get(lead_id) or self.changed.get(lead_id)
        if decision.before is None:
            # A lead that had been merged into another has had places before.
            row["place"] = self.places.get(lead_id, 0) + 1
            row["extra"] = submission.extra or None
        else:
            moved = is_moved(decision.before, decision.standing) or decision.outcome in ("kept", "moved")
            seen = earlier["place"] if earlier else self.places[lead_id]
            row["place"] = seen + moved
            row["extra"] = earlier["extra"] if earlier else None
        is_new = lead_id in self.placed or (decision.before is None and lead_id not in self.places)
        (self.placed if is_new else self.changed)[lead_id] = row
        return int(row["place"])

    def _enter_beside(
        self, number: int, submission: Submission, act: Act, decision: Decision, beside: Decision
    ) -> None:
        """The other lead that an act concerns: the one that ended by a merge, or lost a part by a split."""
        self._enter_lead(number, submission, beside)
        other, actor = beside.lead_id, actor_of(act)
        if act.kind == "merge":
            self.changed[other]["merged_into"] = decision.lead_id
            self._add_event(other, "merged_into", actor, {"lead": decision.lead_id, "reason": act.reason})
            return
        self._add_event(other, "split", actor, {"lead": decision.lead_id, "reason": act.reason})
        self.parted.append(decision.lead_id)
        one, another = sorted((other, decision.lead_id))
        self.kept_apart.append({"one": one, "other": another, "by": act.by})

    def _tell_arrival(self, submission: Submission, decision: Decision) -> None:
        lead = submission.lead
        news: dict[str, Any] = {"signals": [signal.name for signal in lead.signals]}
        if decision.before is None:
            event = "arrived"
        else:
            event = "merged" if submission.target is None else "signal"
            news["arrived_as"] = lead.id
            if submission.extra:
                news["extra"] = dict(submission.extra)
        self._add_event(decision.lead_id, event, submission.source, news)
        if decision.outcome != "merged":
            stage = decision.standing.stage
            event = "kept" if decision.outcome == "kept" else _PLACED_EVENT.get(stage, stage)
            self._add_event(decision.lead_id, event, f"route:{decision.standing.route}", place_told(decision))

    def _tell_act(self, act: Act, decision: Decision) -> None:
        lead_id = decision.lead_id
        if act.kind == "chase":
            self._tell_chase(decision)
            return
        actor = actor_of(act)
        if act.kind == "cover":
            event = "uncovered" if Reason.NOBODY_COVERS in decision.reasons else "covering"
            self._add_event(lead_id, event, actor, place_told(decision))
            return
        said = {
            "to": act.to if act.kind not in ("merge", "split") else None,
            "lead": _other_lead(decision),
            "reason": act.reason,
            "kind": act.how,
            "outcome": act.outcome,
            "value": act.value,
            "due_at": act.due_at,
            "closed_at": act.closed_at,
        }
        self._add_event(
            lead_id, _ACT_EVENT[act.kind], actor, {k: v for k, v in said.items() if v not in ("", None)}
        )
        if act.kind == "touch":
            self.touches.append({"lead_id": lead_id, "person": act.by, "kind": act.how, "note": act.reason})
        if decision.before is None or is_moved(decision.before, decision.standing):
            stage = decision.standing.stage
            event = "covering" if decision.standing.covered_by else _PLACED_EVENT.get(stage, stage)
            if act.kind not in ("close", "return"):
                self._add_event(lead_id, event, actor, place_told(decision))

    def _tell_chase(self, decision: Decision) -> None:
        chase, actor = decision.trace["chase"], f"service_level:{decision.standing.service_level}"
        for step in chase["skipped"]:
            self._add_event(decision.lead_id, "step_skipped", actor, step)
        for step in chase["taken"]:
            event = _STEP_EVENT[step["action"]] if step["did"] == Reason.DONE else "step_skipped"
            self._add_event(decision.lead_id, event, actor, step)
        if decision.before is not None and is_moved(decision.before, decision.standing):
            event = "covering" if decision.standing.covered_by else decision.standing.stage
            self._add_event(decision.lead_id, event, actor, place_told(decision))

    def _add_event(self, lead_id: str, event: str, actor: str, details: dict[str, Any]) -> None:
        self.timeline.append({"lead_id": lead_id, "event": event, "actor": actor, "details": details})


def actor_of(act: Act) -> str:
    """Who acts, as the timeline says it: `person:anna`, `user:Kim Hall`, `system`."""
    if act.by:
        return f"person:{act.by}"
    return f"user:{act.user}" if act.user else "system"


def _other_lead(decision: Decision) -> str | None:
    """The other of two leads that an act concerns."""
    return decision.beside.lead_id if decision.beside is not None else None


def is_moved(before: Standing, after: Standing) -> bool:
    """Whether a lead came to another place: other hands, another destination, into review or out, its end."""
    return _place_of(before) != _place_of(after)


def _place_of(standing: Standing) -> tuple[object, ...]:
    stage = standing.stage if standing.stage in ("review", "closed") else ""
    return standing.owner, standing.covered_by, standing.destination, stage


def place_told(decision: Decision) -> dict[str, Any]:
    """A place as the timeline tells it."""
    standing = decision.standing
    return {
        "route": standing.route,
        "destination": standing.destination,
        "owner": standing.owner,
        "covered_by": standing.covered_by,
        "from": decision.before.owner if decision.before else None,
        "respond_by": standing.respond_by,
        "reasons": decision.reasons,
    }


def lead_row(decision: Decision, batch_id: int, number: int, now: datetime) -> dict[str, Any]:
    """The row of a lead as a decision leaves it; `place` and `extra` are the caller's to add."""
    standing, qualified = decision.standing, decision.qualified
    return {
        "id": standing.lead.id,
        "arrived_at": standing.lead.arrived_at,
        "fields": standing.lead.fields,
        "signals": [[signal.name, signal.at] for signal in standing.lead.signals],
        "email_key": standing.keys.email,
        "domain": standing.keys.domain,
        "phone_key": standing.keys.phone,
        "name_key": standing.keys.name,
        **spoken_names(standing.lead.fields),
        "account_id": decision.match.account.id if decision.match and decision.match.account else None,
        "linked": standing.keys.account is not None,
        "unsure": standing.unsure,
        "intent": standing.intent,
        "fit": qualified.fit,
        "fit_score": qualified.fit_score,
        "segment": qualified.segment,
        "deal_value": qualified.deal_value,
        "deal_band": qualified.deal_band,
        "relationship": decision.match.relationship if decision.match else None,
        "stage": standing.stage,
        "route": standing.route,
        "destination": standing.destination,
        "pool": standing.pool,
        "waiting_pool": standing.waiting_pool,
        "owner": standing.owner,
        "covered_by": standing.covered_by,
        "service_level": standing.service_level,
        "respond_by": standing.respond_by,
        "next_step": standing.next_step,
        "next_step_due_at": standing.next_step_due_at,
        "planned": standing.planned,
        "excluded": standing.excluded,
        "policy_version": standing.policy,
        "held_since": standing.held_since,
        "chase_at": standing.chase_at,
        "chased": standing.chased,
        "reassigned": standing.reassigned,
        "accepted_at": now if standing.accepted else None,
        "responded_at": now if standing.responded else None,
        "batch_id": batch_id,
        "decision_number": number,
        "changed_at": now,
    }
