"""What is known of a lead for reports, as a record of fixed width; and many such records as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from leadlane.core.conditions import fold_text
from leadlane.core.facts import Roster
from leadlane.core.trace import Reason
from leadlane.insight.groups import Codes
from leadlane.insight.leads import LOST, OPEN, WON, Group, Leads

# Seconds since 1970, NaN for none.
INSTANTS = (
    "arrived_at", "asked_at", "assigned_at", "had_since", "told_at", "respond_by", "responded_at",
    "closed_at",
    # When people did first what with it, beside its route of now.
    "to_review_at", "reviewed_at", "served_at", "handed_over_at", "declined_at", "disputed_at",
)  # fmt: skip
AMOUNTS = ("deal_value", "value")
# `is_theirs`: nobody else has had the lead from when `person` had it until it was answered or closed, or now.
# `is_merged`: it is part of another lead by now.
# `review_why`: why it went to a person to decide (a number of store.facts.REVIEW_WHYS, 0: it did not).
COUNTS = ("handoffs", "declines", "touches", "is_theirs", "is_merged", "review_why")
GROUPS = (
    "source", "segment", "owner", "person", "route", "pool", "destination", "service_level", "deal_band",
    "intent", "fit", "relationship", "channel", "closing", "policy", "country", "industry", "signal",
)  # fmt: skip
RECORD = np.dtype(
    [
        *((name, "<f8") for name in (*INSTANTS, *AMOUNTS)),
        *((name, "<i4") for name in GROUPS),
        *((name, "<i2") for name in COUNTS),
    ]
)
# What follows from how a lead ended, or says who had it last.
_LATE: Mapping[str, Literal["last"]] = {"closing": "last", "owner": "last"}
_LOST_AS = ("lost", "unqualified")
_LONGEST_NAME = 200
_MOST_COUNTED = 32_767


def signal_of(
    intent_by: Sequence[tuple[str, int]] | None, signals: Sequence[tuple[str, str, str]] | None
) -> str | None:
    """The signal by which a lead was routed: the newest of those that gave it its intent; None without any.

    As `core.qualify` chooses it, from what the trace of the decision tells: (name, how many are asked for),
    and (name, when, what became of it).
    """
    names = [name for name, _count in intent_by or ()]
    if len(names) < 2:
        return names[0] if names else None
    newest: dict[str, datetime] = {}
    for name, at, became in signals or ():
        if became == Reason.COUNTED:
            moment, folded = datetime.fromisoformat(at), fold_text(name)
            newest[folded] = max(moment, newest.get(folded, moment))
    known = [name for name in names if fold_text(name) in newest]
    return max(known, key=lambda name: newest[fold_text(name)]) if known else names[0]


def names_in(made: Mapping[str, Sequence[Any]]) -> set[str]:
    """Every name that occurs in the columns of leads which facts are made from."""
    return {_name(value) for role in GROUPS for value in made[role] if value}


def packed(made: Mapping[str, Sequence[Any]], codes: Mapping[str, int]) -> bytes:
    """The records of leads, from columns of what they are made from; `codes` has a number for each name."""
    records = np.zeros(len(made["id"]), RECORD)
    for name in (*INSTANTS, *AMOUNTS):
        records[name] = np.array(made[name], dtype=np.float64)
    for name in COUNTS:
        records[name] = np.minimum(np.array(made[name], dtype=np.int64), _MOST_COUNTED)
    for role in GROUPS:
        records[role] = [codes[_name(value)] if value else 0 for value in made[role]]
    return records.tobytes()


def _name(value: Any) -> str:
    return str(value)[:_LONGEST_NAME]


# So many records are taken apart at once: they stay in the cache of a processor until all fields are.
_BLOCK = 4096
Fields = Mapping[str, NDArray[Any]]


def fields_of(parts: Sequence[bytes]) -> Fields:
    """The fields of records as they were stored one after the other: an array for each."""
    counts = [len(part) // RECORD.itemsize for part in parts]
    fields = {name: np.empty(sum(counts), RECORD[name]) for name in RECORD.names or ()}
    begin = 0
    for part, count in zip(parts, counts, strict=True):
        records = np.frombuffer(part, RECORD)
        for at in range(0, count, _BLOCK):
            block = records[at : at + _BLOCK]
            for name, values in fields.items():
                values[begin + at : begin + at + len(block)] = block[name]
        begin += count
    return fields


def joined(parts: Sequence[Fields]) -> Fields:
    """The fields of some after those of others."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in RECORD.names or ()}


def codes_in(fields: Fields) -> list[int]:
    """The numbers of all names that occur in the fields of records."""
    most = max(int(fields[role].max(initial=0)) for role in GROUPS)
    occurs = np.zeros(most + 1, dtype=bool)
    for role in GROUPS:
        occurs[fields[role]] = True
    return [int(code) for code in np.flatnonzero(occurs) if code]


def leads_of(fields: Fields, names: Mapping[int, str], roster: Roster) -> Leads:
    """Records as columns. Team and region are those that the owner has today; `names` by their numbers."""
    most = max(names, default=0)
    groups = {role: _group(role, fields[role], names, most) for role in GROUPS}
    owner = groups["owner"]
    for role, of in (("team", team_of), ("region", region_of)):
        groups[role] = regrouped(owner, role, [of(roster, id_) for id_ in owner.names])
    instants = {name: fields[name] for name in INSTANTS}
    outcome = _outcome(groups["closing"])
    instants["won_at"] = np.where(outcome == WON, instants["closed_at"], np.nan)
    return Leads(
        len(fields["arrived_at"]),
        instants,
        {name: fields[name].astype(np.float64) for name in (*AMOUNTS, *COUNTS)},
        groups,
        outcome,
        timed=frozenset(instants),
    )


def _group(role: str, codes: Codes, names: Mapping[int, str], most: int) -> Group:
    occurs = np.zeros(most + 1, dtype=bool)
    occurs[codes] = True
    occurs[0] = False
    listed = np.flatnonzero(occurs)
    place = np.full(most + 1, -1, np.int32)
    place[listed] = np.arange(len(listed))
    return Group(role, role, place[codes], [names[int(code)] for code in listed], _LATE.get(role, ""))


def regrouped(group: Group, role: str, names: Sequence[str | None]) -> Group:
    """A coarser grouping: `names` are, for each group, that which it belongs to, None for none."""
    listed = sorted({name for name in names if name is not None})
    number = {name: at for at, name in enumerate(listed)}
    place = np.array([-1 if name is None else number[name] for name in names] + [-1], np.int32)
    return Group(role, role, place[group.codes], listed, group.late)


def _outcome(closing: Group) -> NDArray[np.int8]:
    of = [WON if name == "won" else LOST if name in _LOST_AS else OPEN for name in closing.names]
    return np.array([*of, OPEN], np.int8)[closing.codes]


def team_of(roster: Roster, person: str | None) -> str | None:
    """The first team of a person."""
    known = roster.people.get(person or "")
    team = roster.teams.get(known.teams[0]) if known is not None and known.teams else None
    return team.id if team is not None else None


def region_of(roster: Roster, person: str | None) -> str | None:
    """The region of a person, or else that of their first team."""
    known = roster.people.get(person or "")
    if known is None:
        return None
    team = roster.teams.get(known.teams[0]) if known.teams else None
    return known.region or (team.region if team is not None else "") or None
