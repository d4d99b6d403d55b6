"""What is known of each lead, in columns? Also of leads that come as a log of events.

One entry a lead in every array. Instants are seconds since 1970 (UTC), NaN where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leadlane.insight.groups import Codes, Flags

Instants = NDArray[np.float64]
Numbers = NDArray[np.float64]

WON, LOST, OPEN = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Group:
    """A grouping of the leads: the number of its group for each, -1 for none, and the groups' names.

    `role` is what it is (owner, source …; "" for a column of the user's own), `column` its name in the file.
    `late`: it follows from how a lead ended, so it says nothing about why: known only of leads that were
    `won`, or says who had a lead `last`.
    """

    role: str
    column: str
    codes: Codes
    names: Sequence[str]
    late: Literal["", "won", "last"] = ""

    @property
    def by_outcome(self) -> bool:
        """Whether only won leads have it, so that it is not known who is in no group."""
        return self.late == "won"


@dataclass(frozen=True, slots=True)
class Handling:
    """Through whose hands each lead went, from a log of events: `pairs` are the commonest (from, to, times).

    `ping_pong`: it came back to somebody who had handed it on. `by` says whose hands: teams or people.
    """

    by: str
    changes: Numbers
    ping_pong: Flags
    pairs: Sequence[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class Leads:
    """The leads of an audit. Keys of `instants`, `numbers` and `groups` are roles; what is missing is absent.

    instants: arrived_at, responded_at, won_at, closed_at. numbers: deal_value, touches, handoffs,
    response_minutes, employees. `outcome` is WON, LOST or OPEN. `prospect`: the same number, the same
    prospect (-1 unknown). `timed`: instants whose column has times of day, not only dates.
    """

    count: int
    instants: Mapping[str, Instants] = field(default_factory=dict)
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    outcome: NDArray[np.int8] | None = None
    prospect: Codes | None = None
    handling: Handling | None = None
    timed: frozenset[str] = frozenset()

    def only(self, kept: Flags) -> Leads:
        """These leads without those that are not kept."""
        handling = self.handling
        return replace(
            self,
            count=int(kept.sum()),
            instants={role: values[kept] for role, values in self.instants.items()},
            numbers={role: values[kept] for role, values in self.numbers.items()},
            groups={name: replace(group, codes=group.codes[kept]) for name, group in self.groups.items()},
            outcome=None if self.outcome is None else self.outcome[kept],
            prospect=None if self.prospect is None else self.prospect[kept],
            handling=handling
            and replace(handling, changes=handling.changes[kept], ping_pong=handling.ping_pong[kept]),
        )

    @property
    def won(self) -> Flags | None:
        """Which leads were won; None where outcomes are not known."""
        return None if self.outcome is None else np.equal(self.outcome, WON)

    @property
    def decided(self) -> Flags | None:
        """The leads that a conversion counts: won and lost ones; all where losses are not written down."""
        if self.outcome is None:
            return None
        if (self.outcome == LOST).any():
            return np.not_equal(self.outcome, OPEN)
        return np.ones(self.count, dtype=bool)


@dataclass(frozen=True, slots=True)
class Events:
    """A log of events, in any order: the case of each, when, and who (-1 nobody), with the names of each."""

    case: Codes
    at: Instants
    person: Codes
    people: Sequence[str]
    team: Codes | None = None
    teams: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Cases:
    """What a log says of each of its cases, and the system's own users that were told apart from people."""

    arrived_at: Instants
    responded_at: Instants
    last_at: Instants
    owner: Codes
    handling: Handling
    machines: Sequence[str]
    starts_with_people: float


# A user who acts in so many of the hours of the week and touches so many of the cases is no person.
_MACHINE_HOURS = 140
_MACHINE_CASES = 0.5
_HOUR, _WEEK = 3600, 604_800
_PAIRS = 8


def cases_of(events: Events, count: int, machines: Sequence[str] = ()) -> Cases:
    """The cases (0 to `count` - 1) of a log: arrival is the first event, the response the first by a person.

    `machines` are users that are programs; without any named, who works around the clock on most cases is
    one. Hand-offs are counted between teams where there are teams, else between people.
    """
    order = np.lexsort((events.at, events.case))
    case, at, person = events.case[order], events.at[order], events.person[order]
    found = machines or _machines(case, at, person, events.people, count)
    is_machine = np.isin(person, [events.people.index(name) for name in found if name in events.people])
    person = np.where(is_machine, -1, person)
    first, last = np.full(count, np.nan), np.full(count, np.nan)
    starts = np.flatnonzero(np.r_[True, case[1:] != case[:-1]])
    ends = np.r_[starts[1:], len(case)] - 1
    first[case[starts]], last[case[ends]] = at[starts], at[ends]
    responded, owner = np.full(count, np.nan), np.full(count, -1, dtype=np.int32)
    by_people = np.flatnonzero(person >= 0)
    # Written backwards, the first one stays; forwards, the last one does.
    responded[case[by_people[::-1]]] = at[by_people[::-1]]
    owner[case[by_people]] = person[by_people]
    teams = None if events.team is None else events.team[order]
    hands, names, by = (person, events.people, "person") if teams is None else (teams, events.teams, "team")
    handling = _handling(case, hands, names, by, count)
    return Cases(first, responded, last, owner, handling, list(found), float((person[starts] >= 0).mean()))


def _machines(case: Codes, at: Instants, person: Codes, people: Sequence[str], count: int) -> list[str]:
    hour = (at % _WEEK // _HOUR).astype(np.int64)
    known = person >= 0
    hours = np.unique(person[known] * 168 + hour[known]) // 168
    touched = np.unique(person[known].astype(np.int64) * count + case[known]) // count
    around = np.bincount(hours, minlength=len(people)) >= _MACHINE_HOURS
    often = np.bincount(touched, minlength=len(people)) >= _MACHINE_CASES * count
    return [people[int(number)] for number in np.flatnonzero(around & often)]


def _handling(case: Codes, hands: Codes, names: Sequence[str], by: str, count: int) -> Handling:
    known = hands >= 0
    case, hands = case[known], hands[known]
    moved = np.flatnonzero((case[1:] == case[:-1]) & (hands[1:] != hands[:-1])) + 1
    changes = np.bincount(case[moved], minlength=count).astype(float)
    # The places where a stay begins: coming back is a second stay of the same hands in the same case.
    stays = np.sort(np.r_[np.flatnonzero(np.r_[True, case[1:] != case[:-1]]), moved]) if len(case) else moved
    key = case[stays].astype(np.int64) * (len(names) + 1) + hands[stays]
    again, times = np.unique(key, return_counts=True)
    ping_pong = np.zeros(count, dtype=bool)
    ping_pong[again[times > 1] // (len(names) + 1)] = True
    pair, often = np.unique(hands[moved - 1].astype(np.int64) * len(names) + hands[moved], return_counts=True)
    top = np.argsort(-often, kind="stable")[:_PAIRS]
    pairs = [
        (names[int(pair[at]) // len(names)], names[int(pair[at]) % len(names)], int(often[at])) for at in top
    ]
    return Handling(by, changes, ping_pong, pairs)
