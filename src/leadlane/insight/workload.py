"""Who has the leads? Those nobody owns, load by person, hand-offs, duplicates, deals at the wrong level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leadlane.insight.groups import FALSE_SHARE, Codes, Flags, differ
from leadlane.insight.leads import OPEN, Leads
from leadlane.insight.proportions import Estimate, difference, wilson
from leadlane.insight.spread import gini

# Bounds of the deal bands of mission and reference policy, in the currency of the deals.
BAND_EDGES = (10_000.0, 50_000.0)
Band = Literal["small", "mid", "enterprise"]
Level = Literal["junior", "mid", "senior"]
BANDS: Sequence[Band] = ("small", "mid", "enterprise")
LEVELS: Sequence[Level] = ("junior", "mid", "senior")
_LEVEL_WORDS: dict[Level, tuple[str, ...]] = {
    "senior": ("senior", "director", "principal", "enterprise", "strategic", "lead", "head", "vp", "sr"),
    "junior": ("junior", "sdr", "bdr", "associate", "trainee", "jr", "entry"),
    "mid": ("mid", "account executive", "ae", "regular", "intermediate", "middle", "commercial"),
}


@dataclass(frozen=True, slots=True)
class Unowned:
    """Leads without an owner: how many, which share, how many neither won nor lost (None: unknown)."""

    count: int
    share: Estimate
    still_open: int | None


@dataclass(frozen=True, slots=True)
class Load:
    """Leads by person, the fullest first: (name, leads, still open), the Gini coefficient, the average.

    `won_only`: owners are known only of leads that were won.
    """

    people: Sequence[tuple[str, int, int | None]]
    inequality: float
    average: float
    won_only: bool


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Prospects with several leads: `surplus` leads beyond one for each; `several_hands` have several owners.

    `among` prospects with a known owner `several_hands` is counted; None where owners are not known.
    """

    prospects: int
    repeated: int
    surplus: Estimate
    surplus_leads: int
    several_hands: Estimate | None
    hands_prospects: int
    hands_leads: int
    compared_all: bool


@dataclass(frozen=True, slots=True)
class HandOffs:
    """How often leads changed hands; the last three are known from logs of events only."""

    by: str
    mean: float
    once: Estimate
    often: Estimate
    ping_pong: Estimate | None
    ping_pong_cases: int
    pairs: Sequence[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class Cell:
    """Leads of a band with owners of a level, and how many of those decided were won."""

    band: Band
    level: Level
    count: int
    decided: int
    won: int


@dataclass(frozen=True, slots=True)
class BandEffect:
    """The share won by owners of the level that a band is for, less that by others.

    `p` is the chance of such a difference if there were none; `q` corrected for all tests of the report.
    """

    gap: Estimate
    p: float
    q: float = 1.0

    @property
    def is_finding(self) -> bool:
        """Whether the difference is more than chance."""
        return self.q <= FALSE_SHARE


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Deals by band and level of the owner. `above`: larger than the owner's level is for; `below`: smaller.

    `effects` are by band, where both sides have deals that were decided; `values` the mean deal of each band.
    """

    cells: Sequence[Cell]
    count: int
    above: Estimate
    below: Estimate
    effects: Mapping[Band, BandEffect]
    values: Mapping[Band, float]
    unread_levels: Sequence[str]

    def corrected(self, q: Sequence[float]) -> Mismatch:
        """The same with the corrected p-values of its effects, in their order."""
        pairs = zip(self.effects.items(), q, strict=True)
        return replace(self, effects={band: replace(one, q=value) for (band, one), value in pairs})


def unowned(leads: Leads) -> Unowned | None:
    """Leads without an owner; None where owners are not known, or known only of leads that were won."""
    owner = leads.groups.get("owner")
    if owner is None or owner.by_outcome or not leads.count:
        return None
    nobody = owner.codes < 0
    still_open = None if leads.outcome is None else int((nobody & (leads.outcome == OPEN)).sum())
    return Unowned(int(nobody.sum()), wilson(int(nobody.sum()), leads.count), still_open)


def untouched(leads: Leads) -> tuple[int, Estimate] | None:
    """Leads that nobody ever called, wrote to or met: how many, and which share of those with a count."""
    touches = leads.numbers.get("touches")
    if touches is None or np.isnan(touches).all():
        return None
    never = int((touches == 0).sum())
    return never, wilson(never, int((~np.isnan(touches)).sum()))


def load(leads: Leads) -> Load | None:
    """Leads by owner; None where owners are not known, or there is only one."""
    owner = leads.groups.get("owner")
    if owner is None:
        return None
    counts = _by_owner(owner.codes, np.ones(leads.count, dtype=bool), len(owner.names))
    present = np.flatnonzero(counts)
    if len(present) < 2:
        return None
    is_open = None
    if leads.outcome is not None and (leads.outcome == 0).any():
        is_open = _by_owner(owner.codes, leads.outcome == OPEN, len(owner.names))
    order = present[np.argsort(-counts[present], kind="stable")]
    people = [
        (owner.names[at], int(counts[at]), None if is_open is None else int(is_open[at])) for at in order
    ]
    return Load(people, gini(counts[present].astype(float)), float(counts[present].mean()), owner.by_outcome)


def _by_owner(codes: Codes, kept: Flags, owners: int) -> NDArray[np.int64]:
    return np.bincount(codes[kept & (codes >= 0)], minlength=owners)


def duplicates(leads: Leads, *, compared_all: bool) -> Duplicates | None:
    """Prospects that came as several leads; None where people cannot be told apart."""
    if leads.prospect is None or not leads.count:
        return None
    _names, prospect, sizes = np.unique(leads.prospect, return_inverse=True, return_counts=True)
    surplus = leads.count - len(sizes)
    owner = leads.groups.get("owner")
    hands, hands_prospects, hands_leads = None, 0, 0
    if owner is not None and not owner.by_outcome:
        known = owner.codes >= 0
        pairs = np.unique(prospect[known].astype(np.int64) * len(owner.names) + owner.codes[known])
        owners = np.bincount(pairs // len(owner.names), minlength=len(sizes))
        hands_prospects = int((owners > 1).sum())
        hands_leads = int((owners[owners > 1] - 1).sum())
        if (owners > 0).any():
            hands = wilson(hands_prospects, int((owners > 0).sum()))
    return Duplicates(
        len(sizes),
        int((sizes > 1).sum()),
        wilson(surplus, leads.count),
        surplus,
        hands,
        hands_prospects,
        hands_leads,
        compared_all,
    )


def hand_offs(leads: Leads) -> HandOffs | None:
    """How often leads changed hands: from a log of events, else from a column that counts it."""
    handling = leads.handling
    changes = handling.changes if handling is not None else leads.numbers.get("handoffs")
    if changes is None:
        return None
    changes = changes[~np.isnan(changes)]
    if not len(changes):
        return None
    ping_pong = None if handling is None else int(handling.ping_pong.sum())
    return HandOffs(
        "person" if handling is None else handling.by,
        float(changes.mean()),
        wilson(int((changes >= 1).sum()), len(changes)),
        wilson(int((changes >= 3).sum()), len(changes)),
        None if ping_pong is None else wilson(ping_pong, len(changes)),
        ping_pong or 0,
        () if handling is None else handling.pairs,
    )


def level_of(text: str) -> Level | None:
    """The level that a title says: junior, mid or senior; None where it says none."""
    words = text.casefold().replace("-", " ").replace("_", " ")
    for level, names in _LEVEL_WORDS.items():
        if any(f" {name} " in f" {words} " for name in names):
            return level
    return None


def mismatch(leads: Leads) -> Mismatch | None:
    """Deals above and below the level of their owner; None where values or levels are not known."""
    value, level = leads.numbers.get("deal_value"), leads.groups.get("level")
    if value is None or level is None:
        return None
    read = [level_of(name) for name in level.names]
    of_name = np.array([*(LEVELS.index(found) if found else -1 for found in read), -1])
    levels, bands = of_name[level.codes], np.searchsorted(BAND_EDGES, value, side="right")
    # The middle band has both of its ends.
    bands = np.where(value == BAND_EDGES[1], 1, bands)
    known = (levels >= 0) & ~np.isnan(value)
    if not known.any():
        return None
    count = int(known.sum())
    return Mismatch(
        _cells(leads, bands, levels, known),
        count,
        wilson(int((known & (bands > levels)).sum()), count),
        wilson(int((known & (bands < levels)).sum()), count),
        _effects(leads, bands, levels, known),
        {
            band: float(value[known & (bands == at)].mean())
            for at, band in enumerate(BANDS)
            if (known & (bands == at)).any()
        },
        [name for name, found in zip(level.names, read, strict=True) if found is None],
    )


def _cells(leads: Leads, bands: NDArray[np.int64], levels: NDArray[np.int64], known: Flags) -> list[Cell]:
    cells = []
    for b, band in enumerate(BANDS):
        for s, level in enumerate(LEVELS):
            here = known & (bands == b) & (levels == s)
            decided, won = leads.decided, leads.won
            cells.append(
                Cell(
                    band,
                    level,
                    int(here.sum()),
                    0 if decided is None else int((here & decided).sum()),
                    0 if decided is None or won is None else int((here & decided & won).sum()),
                )
            )
    return cells


def _effects(
    leads: Leads, bands: NDArray[np.int64], levels: NDArray[np.int64], known: Flags
) -> dict[Band, BandEffect]:
    won, decided = leads.won, leads.decided
    if won is None or decided is None:
        return {}
    found: dict[Band, BandEffect] = {}
    for at, band in enumerate(BANDS):
        here = known & decided & (bands == at)
        fits = here & (levels == at)
        others = here & (levels != at)
        if fits.any() and others.any():
            hits, counts = (
                [int(of(fits)), int(of(others))] for of in (lambda rows: won[rows].sum(), np.count_nonzero)
            )
            gap = difference(hits[0], counts[0], hits[1], counts[1])
            found[band] = BandEffect(gap, differ(np.array(hits), np.array(counts)).p)
    return found
