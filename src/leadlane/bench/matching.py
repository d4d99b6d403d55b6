"""`python -m leadlane.bench.matching`: who is this, among a million accounts? Quality, speed, and size."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import TypeVar

import typer
from psycopg import Connection
from rich.console import Console

from leadlane.bench import company
from leadlane.bench.accounts import KINDS, Question, accounts, questions
from leadlane.bench.company import NOW
from leadlane.bench.database import Bench, bench
from leadlane.bench.figures import Figure, Target, Timing, middle_of, percentile, print_figures
from leadlane.bench.matching_quality import large_file, quality_table
from leadlane.core.facts import Account
from leadlane.matching.record import read_record
from leadlane.service.recognise import look_alike_accounts, search_accounts
from leadlane.service.roster import put_accounts
from leadlane.service.route_file import LeadFile, route_file
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import batches
from leadlane.store.db import connect

BUILD, SPEED, ROUTING = "7 accounts, made searchable", "8 who is this?", "9 routing a file"
WIDTH = 150
MILLION, QUICK = 1_000_000, 100_000
# Every so many-th account is asked about, so that questions reach all of the tables.
_ASKED_ABOUT = 5_000
_EACH = 200
_WARM = 100
T = TypeVar("T")
_quick = typer.Option(False, "--quick", help="100,000 accounts instead of a million.")
_quality = typer.Option(True, help="Also the quality on labelled sets, and a file of 200,000 records.")


def main(quick: bool = _quick, quality: bool = _quality) -> None:
    """Measure matching on a PostgreSQL of its own. Exits with 1 if a target is missed."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    with bench(is_quick=quick, is_full=False) as measured, console.status("Measuring matching ..."):
        figures = measure(measured)
    if quality:
        with console.status("Measuring quality ..."):
            console.print(quality_table())
            figures += large_file()
    print_figures(figures, [], console)
    if any(figure.is_met is False for figure in figures):
        raise typer.Exit(1)


def measure(bench: Bench) -> list[Figure]:
    """Build, speed and recall among a million accounts, and what looking for them costs a file of leads."""
    count = bench.size(QUICK, MILLION)
    url = bench.new_company(company.reference_policy(), company.roster(14))
    known = list(accounts(count))
    with connect(url) as connection:
        figures = _build(connection, known)
    asked_about = known[:: max(1, count // _ASKED_ABOUT)]
    asked = questions(asked_about, _EACH)
    del known
    with connect(url) as connection:
        batches.configure(connection)
        figures += _exact(connection, asked_about)
        figures += _fuzzy(connection, asked)
        figures += _typed(connection, asked_about)
    figures += _routing(bench, url, asked)
    bench.drop(url)
    return figures


# ---------------------------------------------------------------- building


def _build(connection: Connection, known: Sequence[Account]) -> list[Figure]:
    """Store the accounts as an import does, keys and all; then build the indexes again, to time them."""
    start = time.perf_counter()
    put_accounts(connection, known, NOW)
    stored = time.perf_counter() - start
    start = time.perf_counter()
    connection.execute("REINDEX TABLE account_keys")
    connection.execute("REINDEX TABLE account_starts")
    indexed = time.perf_counter() - start
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")
    return [
        Figure(BUILD, f"{len(known):,} accounts stored, with all they are found by", stored, "s"),
        Figure(BUILD, "indexes of the search tables, built alone", indexed, "s"),
        _size(connection, "account_keys", "search keys, table and index"),
        _size(connection, "account_starts", "beginnings of names, table and index"),
    ]


def _size(connection: Connection, table: str, what: str) -> Figure:
    row = connection.execute(f"SELECT pg_total_relation_size('{table}'), count(*) FROM {table}").fetchone()
    assert row is not None  # an aggregate gives one row
    return Figure(BUILD, f"{what}, {row[1]:,} rows", row[0] / 2**20, "MiB")


# ---------------------------------------------------------------- asking


def _exact(connection: Connection, known: Sequence[Account]) -> list[Figure]:
    """All that one lead may meet, by its mailbox and domain, in one statement."""
    domains = [domain for one in known for domain in one.domains]

    def meet(domain: str) -> None:
        batches.meet(connection, [], [], [f"jo@{domain}"], [domain], [])

    taken = _times(domains, meet)
    return _figures("exact keys: what a lead of a known domain meets", taken, 1)


def _fuzzy(connection: Connection, asked: Sequence[Question]) -> Iterator[Figure]:
    """A name, its country and city → keys → search → comparison, and how often it finds who is meant."""
    places: dict[str, list[int]] = {kind: [] for kind in KINDS}

    def ask(question: Question) -> None:
        (found,) = look_alike_accounts(connection, [read_record("", question.values)])
        ids = [one.account.id for one in found if one.account is not None]
        if question.answer is None:
            places[question.kind].append(len(ids))
        else:
            places[question.kind].append(ids.index(question.answer) if question.answer in ids else -1)

    taken = _times(asked, ask)
    yield from _figures("names: keys, search and comparison", taken, 20)
    for kind, found in places.items():
        if kind == "unknown":
            silent = sum(count == 0 for count in found) / len(found)
            yield Figure(SPEED, f"{kind}: nobody suggested", silent * 100, "%")
            continue
        first, any_ = (sum(test(place) for place in found) / len(found) for test in (_is_first, _is_found))
        yield Figure(SPEED, f"{kind}: the right account first", first * 100, "%")
        yield Figure(SPEED, f"{kind}: the right account among five", any_ * 100, "%")


def _is_first(place: int) -> bool:
    return place == 0


def _is_found(place: int) -> bool:
    return place >= 0


def _typed(connection: Connection, known: Sequence[Account]) -> Iterator[Figure]:
    """The beginnings of names, of two to ten letters, as they are while somebody types."""
    lengths = cycle(range(2, 11))
    typed = [one.name[:length] for one, length in zip(known[: _EACH * len(KINDS)], lengths, strict=False)]
    taken = _times(typed, lambda text: search_accounts(connection, text))
    yield from _figures("typed: the beginning of a name, ten answers", taken, 50)


def _times(asked: Sequence[T], ask: Callable[[T], object]) -> list[float]:
    """Milliseconds that each takes, after some that warm up."""
    for one in asked[:_WARM]:
        ask(one)
    taken = []
    for one in asked:
        start = time.perf_counter()
        ask(one)
        taken.append(1e3 * (time.perf_counter() - start))
    return taken


def _figures(what: str, taken: Sequence[float], most: float) -> list[Figure]:
    return [
        Figure(SPEED, f"{what}, p50", percentile(taken, 0.5), "ms"),
        Figure(SPEED, f"{what}, p99", percentile(taken, 0.99), "ms", target=Target(most=most)),
    ]


# ---------------------------------------------------------------- routing


def _routing(bench: Bench, url: str, asked: Sequence[Question]) -> Iterator[Figure]:
    """A file whose leads name no company, against the same file with companies that only their names tell."""
    count = bench.size(2_000, 5_000)
    names = [question.values["company"] for question in asked]
    without = _route(bench, url, count, [], 0)
    yield Figure(
        ROUTING, f"{count:,} leads, no company", count / without.seconds, "leads/s", spread=without.spread
    )
    for every, what in ((4, "one in four names a company"), (1, "each names a company")):
        timing = _route(bench, url, count, names, every)
        yield Figure(
            ROUTING,
            f"the same, {what} to be found by its name",
            count / timing.seconds,
            "leads/s",
            "no company",
            timing.seconds / without.seconds,
            Target(most=1.5, of_ratio=True),
            timing.spread,
        )


def _route(bench: Bench, url: str, count: int, names: Sequence[str], every: int) -> Timing:
    """Route files of as many new people who write from a free provider, after a short one that warms up."""
    books, taken = Rulebooks(), []
    for number in range(4):
        size = count if number else min(count, 500)
        path = _write(bench.folder / "leads.csv", size, f"m{every}-{number}", names, every)
        start = time.perf_counter()
        summary = route_file(url, books, LeadFile(str(path)), lambda: NOW)
        if number:
            taken.append(time.perf_counter() - start)
        if summary.total != size or summary.rejects:
            raise RuntimeError(f"of {size} leads {summary.total} were routed; refused: {summary.rejects}")
        path.unlink()
    return middle_of(taken)


def _write(path: Path, count: int, batch: str, names: Sequence[str], every: int) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, company.COLUMNS)
        writer.writeheader()
        for number, lead in enumerate(company.leads(count, batch)):
            name = names[number % len(names)] if every and number % every == 0 else ""
            person = {"email": f"kim.{batch}.{number}@gmail.com", "last_name": f"Lead {batch} {number}"}
            writer.writerow({**lead, **person, "website": "", "company": name})
    return path


if __name__ == "__main__":
    typer.run(main)
