"""How many decisions a second does one core make, with the reasons for each, without any database?"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

from leadlane.bench import company
from leadlane.bench.company import NOW
from leadlane.bench.database import Bench
from leadlane.bench.figures import Figure, Target, repeat
from leadlane.core.decide import Arrival, World, decide_batch
from leadlane.core.decision import Decision
from leadlane.core.facts import Load
from leadlane.core.fairness import Ledger
from leadlane.core.match import Known
from leadlane.core.rulebook import Rulebook, compile_rulebook
from leadlane.intake.leads import read_lead
from leadlane.policy.load import load_policy
from leadlane.policy.roster import build_roster, read_roster
from leadlane.service.rulebooks import field_specs
from leadlane.service.submission import submission
from leadlane.store.codec import encode

SECTION = "1 pure decisions, one core"
BATCH = 500


@dataclass(frozen=True, slots=True)
class _Case:
    what: str
    policy: str
    roster: str
    count: int
    target: Target


def measure(bench: Bench) -> list[Figure]:
    """Decisions a second by the reference policy, and by one of 200 routes with pools of 1,000 people."""
    wide = company.wide_policy(campaigns=185, pools=1)
    cases = [
        _Case(
            "reference policy",
            company.reference_policy(),
            company.roster(14),
            bench.size(4_000, 20_000),
            Target(20_000),
        ),
        _Case(
            "200 routes, 1,000 people in a pool",
            wide,
            company.roster(1_000),
            bench.size(500, 2_000),
            Target(2_000),
        ),
    ]
    return [figure for case in cases for figure in _measure(case)]


def _measure(case: _Case) -> list[Figure]:
    document, problems = read_roster(case.roster)
    if document is None:
        raise ValueError("\n".join(map(str, problems)))
    book = compile_rulebook(load_policy(case.policy), build_roster(document, 1))
    arrivals = _arrivals(book, case.count)
    gc.collect()
    gc.freeze()  # thousands of arrivals in waiting are the benchmark's; a server has no such heap
    bare = repeat(lambda: _decide(book, arrivals, lambda decisions: None))
    written = repeat(lambda: _decide(book, arrivals, lambda all_: [encode(one.trace) for one in all_]))
    gc.unfreeze()
    rate = case.count / bare.seconds
    return [
        Figure(SECTION, case.what, rate, "/s", target=case.target, spread=bare.spread),
        Figure(
            SECTION,
            "  and the trace written as JSON",
            case.count / written.seconds,
            "/s",
            "without writing it",
            bare.seconds / written.seconds,
            spread=written.spread,
        ),
    ]


def _arrivals(book: Rulebook, count: int) -> list[Arrival]:
    arrivals = []
    for row in company.leads(count, "pure"):
        lead, problems = read_lead(row, field_specs(book.policy), NOW, book.zone)
        if lead is None:
            raise ValueError("\n".join(map(str, problems)))
        one = submission(lead, "bench", NOW)
        arrivals.append(Arrival(one.lead, one.keys))
    return arrivals


def _decide(book: Rulebook, arrivals: list[Arrival], done: Callable[[list[Decision]], object]) -> None:
    ledgers = {pool: Ledger() for pool in book.policy.pools}
    loads = {person: Load() for person in book.roster.people}
    for start in range(0, len(arrivals), BATCH):
        decisions, _hands = decide_batch(
            book, World(Known(), ledgers, loads), arrivals[start : start + BATCH], NOW
        )
        done(decisions)
