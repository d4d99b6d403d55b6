"""What would other rules have made of the leads of a period? Who would have had what, and by when."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from psycopg import Connection

from leadlane.insight.proportions import Estimate, Z, wilson
from leadlane.insight.sampling import total_of
from leadlane.service.deciding_again import Made, Side, decided_again
from leadlane.service.past_leads import Differing, differs, moved
from leadlane.store import placed
from leadlane.store.leads import RoutedLead

# More are not decided again by several rulebooks while somebody waits: batches are drawn at random.
MOST = 20_000
_EXAMPLES = 12


@dataclass(frozen=True, slots=True)
class PastPeriod:
    """What a change would have made of the leads that arrived in a period, against the rules in force.

    `leads` can be decided again, `looked_at` of them were. `left_out` of those drawn could not be: what would
    have become of them is not known, so they are in no other count. `changed` differ in anything, `hands` in
    who has them: of all, with an interval where a sample was looked at; the rest counts those looked at.
    `turns` more go to another of the same people, only because it is another's turn; they are in neither.
    `moved`: (what, from, to, leads), in words. `pairs`: (person, other person, leads). `people`: (person,
    leads under the rules in force, leads under the change). `sooner` and `later` promises. `examples` are the
    newest of those that differ.
    """

    leads: int
    looked_at: int
    left_out: int
    changed: Estimate
    hands: Estimate
    turns: int
    moved: Sequence[tuple[str, str, str, int]]
    pairs: Sequence[tuple[str | None, str | None, int]]
    people: Sequence[tuple[str, int, int]]
    sooner: int
    later: int
    examples: Sequence[Differing]

    @property
    def is_sample(self) -> bool:
        """Whether only some of the leads were looked at."""
        return self.looked_at < self.leads

    def scaled(self, count: int) -> Estimate:
        """So many of those looked at, as of all leads.

        Of a sample the interval is the score interval of as many leads, drawn one by one, as would make that
        of `hands` as wide as it is: relative to their number, that of few is wider.
        """
        if not self.is_sample or not self.looked_at:
            return Estimate(count, count, count, self.looked_at)
        share, reach = self.hands.value / self.leads, (self.hands.high - self.hands.low) / (2 * self.leads)
        is_known = 0 < share < 1 and reach > 0
        worth = max(1, round(share * (1 - share) * (Z / reach) ** 2 if is_known else self.looked_at))
        part = wilson(min(worth, round(count / self.looked_at * worth)), worth)
        value = count * self.leads / self.looked_at
        most = float(self.leads - self.looked_at + count)
        low, high = max(float(count), part.low * self.leads), min(most, part.high * self.leads)
        return Estimate(value, min(low, value), max(high, value), self.looked_at)


@dataclass(slots=True)
class _Tally:
    """What differs, while it is being counted; hits by batch, and leads that could be decided again."""

    sizes: Counter[int] = field(default_factory=Counter)
    changed: Counter[int] = field(default_factory=Counter)
    hands: Counter[int] = field(default_factory=Counter)
    pairs: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    differing: list[Differing] = field(default_factory=list)
    left_out: int = 0
    turns: int = 0
    sooner: int = 0
    later: int = 0

    def add(self, one: RoutedLead, before: Made | None, after: Made | None) -> None:
        if before is None or after is None:
            self.left_out += 1
            return
        self.sizes[one.batch_id] += 1
        for counts, made in ((self.before, before), (self.after, after)):
            if made.person is not None:
                counts[made.person] += 1
        if before.respond_by and after.respond_by:
            self.sooner += after.respond_by < before.respond_by
            self.later += after.respond_by > before.respond_by
        if _is_turn(before, after):
            self.turns += before.person != after.person
            return
        if before.outcome != after.outcome:
            self.changed[one.batch_id] += 1
            self.differing.append(differs(one, before.outcome, after.outcome))
        if before.person != after.person:
            self.hands[one.batch_id] += 1
            self.pairs[before.person, after.person] += 1


def _is_turn(before: Made, after: Made) -> bool:
    """Whether nothing differs but whose turn it is among the same people."""
    same = replace(before.outcome, owner="") == replace(after.outcome, owner="")
    return same and before.running == after.running


def decide_period(
    connection: Connection,
    base: Side,
    others: Mapping[str, Side],
    since: datetime,
    until: datetime,
    report: Callable[[int, int], None],
    most: int = MOST,
) -> dict[str, PastPeriod]:
    """Decide about the leads that arrived in [since, until) again, under `base` and under each of `others`.

    Of more than `most` leads a random sample of batches is looked at, the same one each time. `report` hears
    how many are done, and of how many. Each lead counts by the last decision that gave it its place.
    """
    everything = placed.batches(connection, since, until)
    drawn = _drawn(everything, most)
    sizes = dict(drawn)
    wanted = placed.leads_of(connection, since, until, list(sizes))
    tallies = {name: _Tally() for name in others}
    again = decided_again(connection, [base, *others.values()], wanted) if others else ()
    for done, (one, (before, *after)) in enumerate(again, start=1):
        for name, made in zip(others, after, strict=True):
            tallies[name].add(one, before, made)
        report(done, len(wanted))
    return {name: _past(tally, everything, sizes) for name, tally in tallies.items()}


def _drawn(batches: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """All batches, or as many at random as have `most` leads."""
    if sum(size for _batch, size in batches) <= most:
        return list(batches)
    shuffled = random.Random(most).sample(batches, len(batches))
    total, kept = 0, []
    for one in shuffled:
        kept.append(one)
        total += one[1]
        if total >= most:
            break
    return sorted(kept)


def _past(tally: _Tally, everything: Sequence[tuple[int, int]], sizes: Mapping[int, int]) -> PastPeriod:
    drawn, looked_at = sum(sizes.values()), sum(tally.sizes.values())
    size = np.array([tally.sizes[batch] for batch in sizes], np.int64)
    # Of those that were not drawn as large a part could not be decided again.
    members = round(sum(size for _batch, size in everything) * looked_at / drawn) if drawn else 0

    def in_all(hits: Counter[int]) -> Estimate:
        return total_of(np.array([hits[batch] for batch in sizes], np.int64), size, len(everything), members)

    people = sorted(tally.before.keys() | tally.after.keys(), key=lambda id_: (-tally.before[id_], id_))
    newest = sorted(tally.differing, key=lambda one: (one.arrived_at, one.lead), reverse=True)
    return PastPeriod(
        members,
        looked_at,
        tally.left_out,
        in_all(tally.changed),
        in_all(tally.hands),
        tally.turns,
        moved(tally.differing),
        [(*pair, count) for pair, count in tally.pairs.most_common()],
        [(id_, tally.before[id_], tally.after[id_]) for id_ in people],
        tally.sooner,
        tally.later,
        newest[:_EXAMPLES],
    )
