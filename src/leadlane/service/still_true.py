"""Is it still worth telling? What has happened since may have made a message untrue, or not news any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadlane.core.facts import WORKED_STAGES
from leadlane.outbound.message import DIGEST
from leadlane.store.deliveries import Unless

# Whoever is told one of these has the lead from then on.
GIVEN = frozenset({"assigned", "covering", "returned"})


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told: a row of the outbox. An alarm about no single lead has neither lead nor place."""

    id: int
    event: str
    lead_id: str | None
    place: int | None


@dataclass(frozen=True, slots=True)
class Present:
    """How a lead stands now, as far as it matters here."""

    stage: str
    place: int
    owner: str | None
    covered_by: str | None
    is_responded: bool

    @property
    def holder(self) -> str | None:
        """The id of whoever is to act on it."""
        return self.covered_by or self.owner


def still_true(event: str, place: int, person: str, now: Present) -> bool:
    """Whether a person should still hear of an event that happened to a lead at its place `place`."""
    if now.stage == "closed":
        return False
    has_it = now.holder == person
    match event:
        case "assigned":
            # Whoever has accepted it knows that they have it.
            return has_it and now.stage == "assigned"
        case "covering":
            return now.covered_by == person and now.stage in WORKED_STAGES
        case "returned":
            return has_it and now.stage in WORKED_STAGES and not now.is_responded
        case "reassigned_away":
            return not has_it
        case "reminder":
            return has_it and now.place == place and not now.is_responded
        case "escalated":
            return now.place == place and not now.is_responded
        case "review":
            return has_it and now.stage == "review"
        case "uncovered":
            return now.owner == person and now.place == place
        case "alarm":
            return now.place == place
        case _:
            return True


def still_news(place: int, now: Present) -> bool:
    """Whether those who only read along should still hear of what happened to a lead at its place `place`."""
    return now.place == place and now.stage != "closed"


def still_undone(unless: Unless, place: int, person: str, now: Present) -> bool:
    """Whether a person who was told of a lead at its place `place` has not done what they were to do."""
    is_undone = now.stage == "assigned" if unless == "accepted" else not now.is_responded
    return is_undone and now.place == place and now.holder == person and now.stage in WORKED_STAGES


def worth_telling(
    news: Sequence[News],
    reader: str,
    leads: Mapping[str, Present],
    lasting_alarms: frozenset[int],
    *,
    unless: Unless | None = None,
    reads_along: bool = False,
) -> list[News]:
    """What of `news` (in the order in which it happened) the reader should still hear, in that order.

    Of several messages of one kind about a lead only the last counts. Who was never told that they had a
    lead need not hear that they have it no more. `lasting_alarms`: the ids of alarms that are not over.
    `unless`: they have been told before, and hear again only of what they have not done. `reads_along`: it
    concerns others, as in a team's channel.
    """
    told: dict[tuple[str | None, str], News] = {}
    never_heard: set[str] = set()
    for one in news:
        if one.lead_id is None or one.place is None:
            if one.id in lasting_alarms or one.event == DIGEST:
                told[str(one.id), one.event] = one
            continue
        if one.event in GIVEN:
            never_heard.add(one.lead_id)
        if one.event == "reassigned_away" and one.lead_id in never_heard:
            continue
        present = leads.get(one.lead_id)
        if present is None:
            continue
        if unless is not None:
            is_worth = still_undone(unless, one.place, reader, present)
        elif reads_along:
            is_worth = still_news(one.place, present)
        else:
            is_worth = still_true(one.event, one.place, reader, present)
        if is_worth:
            told.pop((one.lead_id, one.event), None)
            told[one.lead_id, one.event] = one
    return list(told.values())
