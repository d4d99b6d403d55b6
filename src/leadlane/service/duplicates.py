"""Which leads in the database are the same person, which accounts the same company, and why?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg import Connection

from leadlane.core.facts import Account
from leadlane.core.policy import Matching
from leadlane.matching.clusters import Link, join, undisputed
from leadlane.matching.compare import Comparison, same_company, same_person
from leadlane.matching.pairs import sorting_order
from leadlane.matching.prospect import lead_record
from leadlane.matching.record import Record
from leadlane.matching.words import words_of
from leadlane.service.find_duplicates import MEAN_OF_CLUSTER, links_of, questions_of
from leadlane.service.link_quality import groups_by_place
from leadlane.service.recognise import account_record
from leadlane.service.record_files import EVERY, Progress
from leadlane.store import accounts, duplicates
from leadlane.store.duplicates import LeadCard

Of = Literal["leads", "accounts"]
_ACCOUNTS_AT_A_TIME = 2_000


@dataclass(frozen=True, slots=True)
class Reason:
    """Why two are the same: their ids, and what comparing them says."""

    one: str
    other: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Group:
    """Leads or accounts that are, or may be, the same; for each of them the strongest reason, each once."""

    members: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found among so many leads or accounts; `cards` or `accounts` are those that are in a group.

    `sure` are clusters; `unsure` single questions, the likeliest first. Of leads, only those groups are
    there that have at least two open ones; in `past` are how many others there are, in which nobody can
    be in somebody's way any more.
    """

    of: Of
    searched: int
    sure: Sequence[Group]
    unsure: Sequence[Group]
    past: int = 0
    cards: Mapping[str, LeadCard] | None = None
    accounts: Mapping[str, Account] | None = None


def duplicate_leads(connection: Connection, matching: Matching, on_progress: Progress | None = None) -> Found:
    """The leads that are the same person. Reads all of them as of one moment, in one pass."""
    with connection.transaction():
        stored = duplicates.all_leads(connection)
        records = _read((lead_record(id_, fields) for id_, fields in stored), on_progress)
    apart = duplicates.told_apart(connection, "lead")
    sure, unsure = _groups(records, "person", matching, apart, on_progress)
    cards = duplicates.cards(connection, {id_ for group in (*sure, *unsure) for id_ in group.members})
    open_sure, open_unsure = ([one for one in groups if _is_current(one, cards)] for groups in (sure, unsure))
    past = len(sure) + len(unsure) - len(open_sure) - len(open_unsure)
    return Found("leads", len(records), open_sure, open_unsure, past, cards=cards)


def duplicate_accounts(
    connection: Connection, matching: Matching, on_progress: Progress | None = None
) -> Found:
    """The accounts that are the same company."""
    records = _read(map(account_record, _all_accounts(connection)), on_progress)
    apart = duplicates.told_apart(connection, "account")
    sure, unsure = _groups(records, "company", matching, apart, on_progress)
    found = {id_ for group in (*sure, *unsure) for id_ in group.members}
    return Found(
        "accounts", len(records), sure, unsure, accounts=accounts.accounts_of(connection, sorted(found))
    )


def _read(records: Iterable[Record], on_progress: Progress | None) -> list[Record]:
    found = []
    for number, record in enumerate(records):
        if on_progress is not None and number % EVERY == 0:
            on_progress("read", number, None)
        found.append(record)
    # What comes out does not depend on the order in which they are stored.
    return [found[place] for place in sorting_order(found)]


def _all_accounts(connection: Connection) -> Iterator[Account]:
    after = ""
    while page := accounts.accounts(connection, after, _ACCOUNTS_AT_A_TIME):
        yield from page
        after = page[-1].id


def _is_current(group: Group, cards: Mapping[str, LeadCard]) -> bool:
    return sum(cards[id_].is_open for id_ in group.members if id_ in cards) > 1


def _groups(
    records: Sequence[Record],
    kind: Literal["person", "company"],
    matching: Matching,
    apart: Iterable[tuple[str, str]],
    on_progress: Progress | None,
) -> tuple[list[Group], list[Group]]:
    """The clusters that are sure, and the pairs that are not; no pair of `apart` is together in either."""
    words = words_of(name for record in records for name in record.company)
    same = same_person if kind == "person" else same_company
    apart_from = _apart_from(records, apart)

    def compare(one: Record, other: Record) -> Comparison:
        return same(one, other, words)

    def probability(one: int, other: int) -> float:
        if other in apart_from.get(one, ()):
            return 0.0
        return compare(records[one], records[other]).probability

    def told(members: Sequence[int], links: Iterable[Link]) -> Group:
        return Group(
            tuple(records[place].id for place in members),
            tuple(
                Reason(records[one].id, records[other].id, compare(records[one], records[other]))
                for _probability, one, other in links
            ),
        )

    links, _compared = links_of(records, kind, compare, matching, on_progress)
    links = [link for link in links if link.other not in apart_from.get(link.one, ())]
    sure = [link for link in links if link.probability >= matching.sure_from]
    sure = undisputed(sure, probability, matching.unsure_from)
    joined = join(len(records), sure, probability, min(MEAN_OF_CLUSTER, matching.sure_from))
    clusters = [kept for one in joined if len(kept := _without_apart(one, apart_from)) > 1]
    reasons = _strongest(clusters, sure)
    questions = questions_of(_open(links, clusters, apart_from), groups_by_place(clusters))
    return (
        [told(cluster, why) for cluster, why in zip(clusters, reasons, strict=True)],
        [told((link.one, link.other), [link]) for link in questions],
    )


def _apart_from(records: Sequence[Record], apart: Iterable[tuple[str, str]]) -> dict[int, set[int]]:
    """For each place whose record was told apart from others: the places of those."""
    pairs = list(apart)
    named = {id_ for pair in pairs for id_ in pair}
    place_of = {record.id: place for place, record in enumerate(records) if record.id in named}
    found: dict[int, set[int]] = {}
    for one, other in pairs:
        if one in place_of and other in place_of:
            found.setdefault(place_of[one], set()).add(place_of[other])
            found.setdefault(place_of[other], set()).add(place_of[one])
    return found


def _without_apart(cluster: Sequence[int], apart_from: Mapping[int, set[int]]) -> list[int]:
    """The cluster without those that were told apart from one before them.

    Joining asks five members of a large cluster at most, so it may miss such a pair.
    """
    kept: set[int] = set()
    for place in cluster:
        if kept.isdisjoint(apart_from.get(place, ())):
            kept.add(place)
    return sorted(kept)


def _open(
    links: Iterable[Link], clusters: Sequence[Sequence[int]], apart_from: Mapping[int, set[int]]
) -> list[Link]:
    """The links that are no answered question: who was told apart from one was from all of its cluster."""
    cluster_of = groups_by_place(clusters)

    def ends(one: int, other: int) -> frozenset[tuple[bool, int]]:
        return frozenset(
            (True, cluster_of[place]) if place in cluster_of else (False, place) for place in (one, other)
        )

    answered = {ends(one, other) for one, others in apart_from.items() for other in others}
    return [link for link in links if ends(link.one, link.other) not in answered]


def _strongest(clusters: Sequence[Sequence[int]], links: Iterable[Link]) -> list[list[Link]]:
    """For each cluster the strongest link of each of its members, every link once, the strongest first."""
    cluster_of = groups_by_place(clusters)
    found: list[list[Link]] = [[] for _cluster in clusters]
    explained: set[int] = set()
    for link in sorted(links, key=lambda link: (-link.probability, link.one, link.other)):
        number = cluster_of.get(link.one)
        ends = {link.one, link.other}
        if number is not None and number == cluster_of.get(link.other) and ends - explained:
            explained |= ends
            found[number].append(link)
    return found
