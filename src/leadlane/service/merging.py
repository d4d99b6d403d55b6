"""What is done with leads that are one prospect: which of them stays, and what if they are not the same?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from psycopg import Connection

from leadlane.core.act import Act
from leadlane.service.acts import act
from leadlane.service.batch import Receipt
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import duplicates
from leadlane.store.duplicates import LeadCard

# A lead is further the sooner its stage stands here.
_STAGES = ("working", "accepted", "assigned", "review", "nurture", "closed")


def survivor(leads: Sequence[LeadCard]) -> LeadCard:
    """The lead that the others become part of: the one that is worked the furthest, of equals the oldest.

    Furthest is where somebody has it and has responded; then accepted, assigned, in review, in nurture.
    """
    return min(leads, key=_worked)


def _worked(lead: LeadCard) -> tuple[bool, bool, int, datetime, str]:
    is_held = lead.owner is not None and lead.stage != "review"
    return (
        not (is_held and lead.responded),
        not (is_held and lead.accepted),
        _STAGES.index(lead.stage),
        lead.arrived_at,
        lead.id,
    )


def merge_leads(
    connection: Connection, books: Rulebooks, ids: Iterable[str], by: str, reason: str, now: datetime
) -> list[Receipt]:
    """Merge those of these leads that are open now into their `survivor`. A receipt for each that ends.

    Each is an act and a commit of its own; what is refused says why. Fewer than two: there is nothing to do.
    """
    leads = duplicates.open_now(connection, ids)
    if len(leads) < 2:
        return []
    stays = survivor(leads)
    acts = [Act(stays.id, "merge", by, one.id, reason) for one in leads if one.id != stays.id]
    return [receipt for one in acts for receipt in act(connection, books, [one], now)]


def keep_apart(connection: Connection, ids: Iterable[str], by: str, now: datetime) -> int:
    """Remember that no two of these leads are the same, as they are now. Returns how many pairs are new."""
    leads = duplicates.open_now(connection, ids)
    return duplicates.tell_apart(connection, "lead", [one.id for one in leads], by, now)
