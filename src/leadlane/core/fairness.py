"""Whose turn is it? The ledger that keeps shares fair however people come and go.

A pool keeps a balance for each member. A pick adds to everyone still in the running their share
w/Σw and takes what was added from the one chosen, so that balances always add up to nothing
(smooth weighted round robin, as in nginx, with members that may be absent). Chosen is the highest
balance after adding. Balances are integers, so that ties are ties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from leadlane.core.trace import Reason

# A whole turn. A plain million would not do: thirds and quarters of a turn meet in one ledger when people
# come and go, and must still tie. So every share among up to 30 equals is a whole number.
ONE = lcm(*range(1, 31))


@dataclass(slots=True)
class Ledger:
    """A pool's balances in parts of `ONE`, and when each member was last picked, as a running number.

    A working copy that picks change; `picks` is the number of picks ever made in the pool.
    """

    balances: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    picks: int = 0

    def note_pick(self, person: str) -> None:
        """Remember that it was this person's turn, without touching balances."""
        self.picks += 1
        self.last[person] = self.picks


def shares(weights: Sequence[float]) -> list[int]:
    """Each one's share w/Σw of a turn, in parts of `ONE` rounded down. Weights are above 0."""
    if not weights:
        return []
    if min(weights) == max(weights):
        return [ONE // len(weights)] * len(weights)
    exact = [Fraction(str(weight)) for weight in weights]
    total = sum(exact)
    return [int(ONE * weight / total) for weight in exact]


def take_turn(
    ledger: Ledger, running: Sequence[str], share: Sequence[int], weights: Sequence[float]
) -> tuple[str, Reason, list[int]]:
    """Pick by balance among `running` (ids in order, with their shares and tie-breaking weights).

    Changes the ledger. Returns who, what decided, and everyone's balance after adding.
    """
    known = ledger.balances
    added = [known.get(person, 0) + part for person, part in zip(running, share, strict=True)]
    highest = max(added)
    if added.count(highest) == 1:
        chosen = added.index(highest)
        by = Reason.ONLY_ONE if len(added) == 1 else Reason.BALANCE
    else:
        tied = [i for i, balance in enumerate(added) if balance == highest]
        chosen, by = break_tie(ledger.last, running, weights, tied)
    known.update(zip(running, added, strict=True))
    known[running[chosen]] -= sum(share)
    ledger.note_pick(running[chosen])
    return running[chosen], by, added


def fewest_open(
    ledger: Ledger, running: Sequence[str], open_leads: Sequence[int], weights: Sequence[float]
) -> tuple[str, Reason]:
    """Pick who has the fewest open leads in relation to their weight; balances stay as they are."""
    ratios = [count / Fraction(str(weight)) for count, weight in zip(open_leads, weights, strict=True)]
    lowest = min(ratios)
    tied = [i for i, ratio in enumerate(ratios) if ratio == lowest]
    if len(tied) > 1:
        chosen, by = break_tie(ledger.last, running, weights, tied)
    else:
        chosen, by = tied[0], Reason.ONLY_ONE if len(ratios) == 1 else Reason.FEWEST_OPEN
    ledger.note_pick(running[chosen])
    return running[chosen], by


def break_tie(
    last: Mapping[str, int], running: Sequence[str], weights: Sequence[float], tied: Sequence[int]
) -> tuple[int, Reason]:
    """Among tied indexes: larger weight, then longest since the last pick (never first), then id."""
    heaviest = max(weights[i] for i in tied)
    left = [i for i in tied if weights[i] == heaviest]
    if len(left) == 1:
        return left[0], Reason.WEIGHT
    longest = min(last.get(running[i], 0) for i in left)
    left = [i for i in left if last.get(running[i], 0) == longest]
    if len(left) == 1:
        return left[0], Reason.LONGEST_SINCE
    return min(left, key=running.__getitem__), Reason.ID


def give_back(ledger: Ledger, chosen: str, running: Sequence[str], share: Sequence[int]) -> None:
    """Undo a pick: a lead handed back as junk or duplicate was no turn."""
    for person, part in zip(running, share, strict=True):
        ledger.balances[person] = ledger.balances.get(person, 0) - part
    ledger.balances[chosen] = ledger.balances.get(chosen, 0) + sum(share)
