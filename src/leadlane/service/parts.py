"""What had been merged into a lead, and what is it without that? A lead taken apart, from what was stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

import orjson
from psycopg import Connection

from leadlane.core.act import Act, Parts
from leadlane.core.facts import FieldSpec, Lead
from leadlane.core.match import joined_lead
from leadlane.matching.prospect import prospect_keys
from leadlane.store import leads
from leadlane.store.codec import read_fields, read_happening, read_signals


def parts_of(connection: Connection, lead_id: str, gone: str, specs: Mapping[str, FieldSpec]) -> Parts | None:
    """The lead of this id without what came as `gone`, and that alone. None: nothing of that id is in it."""
    came = _pieces(connection, lead_id, specs)
    ended = leads.get_exactly(connection, gone)
    row = leads.get_exactly(connection, lead_id)
    stays = [lead for id_, lead in came if id_ != gone]
    leaves = [lead for id_, lead in came if id_ == gone]
    if not stays or not leaves:
        return None
    whole = [reduce(joined_lead, pieces) for pieces in (stays, leaves)]
    rest, own = Lead(lead_id, whole[0].arrived_at, whole[0].fields, whole[0].signals), whole[1]
    linked = ended.account_id if ended is not None and ended.linked else None
    # An account that the lead has by the merge alone goes with what leaves.
    own_account = row.account_id if row is not None and row.linked and row.account_id != linked else None
    return Parts(
        rest,
        replace(prospect_keys(rest.fields), account=own_account),
        own,
        replace(prospect_keys(own.fields), account=linked),
        stays_responded=leads.was_answered(connection, lead_id),
        leaves_responded=ended is not None and ended.responded_at is not None,
    )


def _pieces(connection: Connection, lead_id: str, specs: Mapping[str, FieldSpec]) -> list[tuple[str, Lead]]:
    """Everything that a lead is made of still, in order: the id that it came under, and what came."""
    merged = {row.id: row for row in leads.merged_into(connection, lead_id)}
    within = {lead_id, *leads.aliases_of(connection, lead_id)}
    pieces = []
    for decision in leads.decisions_of(connection, lead_id):
        happened = read_happening(orjson.loads(decision.arrival), specs)
        if not isinstance(happened, Act):
            if happened.lead.id in within:
                pieces.append((happened.lead.id, happened.lead))
        elif happened.kind == "split" and happened.parts is not None:
            pieces.append((lead_id, happened.parts.leaves))
        elif happened.kind == "merge" and (row := merged.get(happened.to or "")) is not None:
            own = Lead(row.id, row.arrived_at, read_fields(row.fields, specs), read_signals(row.signals))
            pieces.append((row.id, own))
    return pieces
