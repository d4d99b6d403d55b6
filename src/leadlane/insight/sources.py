"""Is a source poor whoever works it? That is a matter of where leads come from, not of who gets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from leadlane.insight.groups import FALSE_SHARE, Codes, Flags, cells
from leadlane.insight.leads import Group
from leadlane.insight.moves import Pair
from leadlane.insight.proportions import SMALL, Counts, Estimate, apart, pooled

# So many of those who work enough of its leads win fewer of them than of their others: whoever works it.
_MOST = 0.75
_LEAST_WORKERS = 2


@dataclass(frozen=True, slots=True)
class PoorSource:
    """A source, and the share won of its leads less that of the others of the same owners (`gap`).

    `counts`: its leads, and all others. `below` of `workers` (the role `by`: owner, or team where owners have
    too few) with at least 30 of its leads win a smaller share of them than of their others. `p` is the chance
    that it is below even the poorer half of the other sources: where one source is far better than all
    others, these are not poor. `q` is corrected for all comparisons of the report.
    """

    source: str
    gap: Estimate
    counts: Pair
    by: str
    below: int
    workers: int
    p: float
    q: float = 1.0

    @property
    def is_whoever(self) -> bool:
        """Whether it is so with most of those who work it, of at least two."""
        return self.workers >= _LEAST_WORKERS and self.below >= _MOST * self.workers

    @property
    def is_finding(self) -> bool:
        """Whether it is poor whoever works it, with no more than 5 % of such findings false."""
        return self.q <= FALSE_SHARE and self.gap.high < 0 and self.is_whoever

    def corrected(self, q: float) -> PoorSource:
        """The same with its corrected p-value."""
        return replace(self, q=q)


def compared_sources(source: Group, kept: Flags, workers: Sequence[Group], hit: Flags) -> list[PoorSource]:
    """Every source with at least 30 leads against the others, among leads of the same owner.

    `kept` are the leads that count, `hit` which of these were won. `workers` are groupings of who had the
    leads, the finest first: comparisons are within the first. A poor source is a finding once it is
    corrected.
    """
    codes = source.codes[kept]
    known = codes >= 0
    if not known.any() or not workers:
        return []
    tables = [_table(worker, kept, codes, hit) for worker in workers]
    counts, hits = tables[0]
    gaps, _chances = apart(hits, counts)
    own, own_won = counts.sum(axis=0), hits.sum(axis=0)
    total, won = int(own.sum()), int(own_won.sum())
    found = []
    for at, gap in enumerate(gaps):
        n, k = int(own[at]), int(own_won[at])
        if gap is None or n < SMALL or total - n < SMALL:
            continue
        by, (below, of) = _below(workers, tables, at)
        pair = Pair(k, n, won - k, total - n)
        found.append(PoorSource(source.names[at], gap, pair, by, below, of, _chance(hits, counts, at)))
    return found


def _chance(hits: Counts, counts: Counts, source: int) -> float:
    """The chance that a source is as far below the poorer half of the others, among leads of one owner."""
    own, own_won = counts.sum(axis=0), hits.sum(axis=0)
    others = [at for at in np.flatnonzero(own >= SMALL).tolist() if at != source]
    others.sort(key=lambda at: own_won[at] / own[at])
    poorer = others[: (len(others) + 1) // 2]
    sides = (hits[:, [source]], counts[:, [source]], hits[:, poorer], counts[:, poorer])
    found = pooled(*(of.sum(axis=1, keepdims=True) for of in sides))
    return float(found.p[0]) if found.gap[0] < 0 else 1.0


def _table(worker: Group, kept: Flags, source: Codes, hit: Flags) -> tuple[Counts, Counts]:
    """Leads and wins by worker and source; leads of nobody are a row of their own, the last."""
    codes, known = worker.codes[kept], source >= 0
    codes = np.where(codes >= 0, codes, len(worker.names)).astype(np.int32)
    return cells(codes[known], source[known], hit[known])


def _below(
    workers: Sequence[Group], tables: Sequence[tuple[Counts, Counts]], source: int
) -> tuple[str, tuple[int, int]]:
    """Of how many who have enough leads of the source, and others, it is below the others; of how many."""
    found = [
        _below_of(*table, len(worker.names), source) for worker, table in zip(workers, tables, strict=True)
    ]
    for worker, counted in zip(workers, found, strict=True):
        if counted[1] >= _LEAST_WORKERS:
            return worker.role, counted
    return workers[0].role, found[0]


def _below_of(counts: Counts, hits: Counts, names: int, source: int) -> tuple[int, int]:
    counts, hits = counts[:names], hits[:names]
    own, own_hits = counts[:, source], hits[:, source]
    others, other_hits = counts.sum(axis=1) - own, hits.sum(axis=1) - own_hits
    enough = (own >= SMALL) & (others >= SMALL)
    below = own_hits[enough] * others[enough] < other_hits[enough] * own[enough]
    return int(below.sum()), int(enough.sum())
