"""What reports read of leads: that it is right, never behind, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane import config
from leadlane.core.act import Act
from leadlane.insight.leads import LOST, OPEN, WON, Leads
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.reporting import fact_files
from leadlane.service.reporting import facts as module
from leadlane.service.reporting.facts import NotReadyError, facts
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.store.db import connect

Lead = Callable[..., Submission]
LATER = NOW + timedelta(days=3)
MINUTE = timedelta(minutes=1)


class Company:
    """Leads that arrive at NOW and are given to somebody, and what becomes of them; times in minutes.

    Each lead is found again by its source, which is its id.
    """

    def __init__(self, db: psycopg.Connection, books: Rulebooks, lead: Lead) -> None:
        self.db, self.books, self._lead = db, books, lead

    def arrive(self, id_: str, to: str | None = "anna", at: datetime = NOW, **fields: Any) -> None:
        given = {
            "id": id_,
            "email": f"{id_}@{id_}.example",
            "country": "DE",
            "source": id_,
            "signals": ["demo_request"],
        }
        route_batch(self.db, self.books, [self._lead(at, **{**given, **fields})], at)
        if to is not None:
            act(self.db, self.books, [Act(id_, "reassign", "olga", to=to)], at)

    def do(self, kind: Any, id_: str, by: str | None, minutes: float, **more: Any) -> None:
        (receipt,) = act(self.db, self.books, [Act(id_, kind, by, **more)], NOW + minutes * MINUTE)
        assert receipt.status != "refused", receipt.problem

    def tell(self, id_: str, person: str, minutes: float, channel: str = "email") -> None:
        self.db.execute(
            "WITH told AS (INSERT INTO deliveries"
            " (channel, person, address, state, next_at, created_at, finished_at)"
            " VALUES (%(channel)s, %(person)s, 'a', 'sent', %(at)s, %(at)s, %(at)s) RETURNING id)"
            " INSERT INTO delivery_items SELECT told.id, o.id FROM told, outbox o"
            " WHERE o.lead_id = %(lead)s AND o.person = %(person)s",
            {"channel": channel, "person": person, "lead": id_, "at": NOW + minutes * MINUTE},
        )

    def facts(self, which: Any = "arrived", **more: Any) -> Leads:
        book = self.books.current(self.db)
        return facts(self.db, book, NOW - MINUTE, LATER, which, **more)

    def of(self, id_: str, which: Any = "arrived") -> dict[str, Any]:
        """What is known of one lead: minutes since NOW, numbers, names."""
        leads = self.facts(which)
        group = leads.groups["source"]
        (place,) = np.flatnonzero(group.codes == list(group.names).index(id_))
        found: dict[str, Any] = {}
        for name, instants in leads.instants.items():
            seconds = instants[place] - NOW.timestamp()
            found[name] = None if np.isnan(seconds) else round(float(seconds) / 60, 6)
        for name, numbers in leads.numbers.items():
            found[name] = None if np.isnan(numbers[place]) else float(numbers[place])
        for name, of in leads.groups.items():
            found[name] = of.names[of.codes[place]] if of.codes[place] >= 0 else None
        assert leads.outcome is not None
        return {**found, "outcome": int(leads.outcome[place])}


@pytest.fixture
def company(published: psycopg.Connection, books: Rulebooks, lead: Lead) -> Company:
    return Company(published, books, lead)


def test_a_lead_that_is_worked_and_won(company: Company) -> None:
    company.arrive("L1", industry="software", deal_value=5000)
    company.tell("L1", "anna", 3)
    company.do("touch", "L1", "anna", 10, how="call")
    company.do("touch", "L1", "anna", 11, how="note")
    company.do("close", "L1", "anna", 60, outcome="won", value=7000)
    one = company.of("L1")
    assert {name: one[name] for name in (
        "arrived_at", "asked_at", "assigned_at", "had_since", "told_at", "respond_by", "responded_at",
        "closed_at", "won_at",
    )} == {
        "arrived_at": 0, "asked_at": 0, "assigned_at": 0, "had_since": 0, "told_at": 3, "respond_by": 15,
        "responded_at": 10, "closed_at": 60, "won_at": 60,
    }  # fmt: skip
    assert (one["deal_value"], one["value"], one["touches"], one["declines"]) == (5000, 7000, 1, 0)
    assert (one["owner"], one["person"], one["team"], one["region"]) == ("anna", "anna", "dach", "DACH")
    assert (one["channel"], one["closing"], one["outcome"]) == ("email", "won", WON)
    assert (one["country"], one["industry"], one["signal"]) == ("DE", "software", "demo_request")
    row = company.db.execute(
        "SELECT route, destination, service_level, intent, fit, relationship, deal_band, segment, pool,"
        " policy_version AS policy FROM leads"
    )
    names = [column.name for column in row.description or ()]
    assert [one[name] for name in names] == list(row.fetchone() or ())


def test_what_is_not_known_is_not_there(company: Company) -> None:
    company.arrive("L1", to=None, signals=[], email="someone@gmail.com")
    one = company.of("L1")
    for name in ("told_at", "responded_at", "closed_at", "won_at", "closing", "signal", "channel", "value"):
        assert one[name] is None, name
    assert one["outcome"] == OPEN
    empty = facts(company.db, company.books.current(company.db), LATER, LATER + MINUTE)
    assert empty.count == 0
    assert empty.groups["owner"].names == []


def test_who_had_it_when_the_promise_ended_and_who_has_it_now(company: Company) -> None:
    company.arrive("L1", "anna")
    company.do("reassign", "L1", "olga", 20, to="boris")
    one = company.of("L1")
    assert (one["person"], one["had_since"], one["owner"], one["is_theirs"]) == ("anna", 0, "boris", 0)
    company.do("touch", "L1", "boris", 25, how="call")
    assert company.of("L1")["person"] == "anna"


def test_before_the_promise_ends_it_is_whoever_has_it(company: Company) -> None:
    company.arrive("L1", "anna")
    assert company.of("L1")["person"] == "anna"
    company.do("reassign", "L1", "olga", 5, to="boris")
    one = company.of("L1")
    assert (one["person"], one["had_since"], one["told_at"]) == ("boris", 5, None)
    company.tell("L1", "boris", 6, "slack")
    one = company.of("L1")
    assert (one["told_at"], one["channel"]) == (6, "slack")


def test_declines_and_hand_offs_are_counted(company: Company) -> None:
    company.arrive("L1", "anna")
    company.do("decline", "L1", "anna", 2, reason="not mine")
    one = company.of("L1")
    assert (one["declines"], one["handoffs"]) == (1, 1)


def test_lost_unqualified_and_junk(company: Company) -> None:
    for id_, outcome in (("A", "lost"), ("B", "unqualified"), ("C", "junk")):
        company.arrive(id_)
        company.do("close", id_, "anna", 5, outcome=outcome)
    found = {id_: company.of(id_) for id_ in "ABC"}
    assert [found[id_]["outcome"] for id_ in "ABC"] == [LOST, LOST, OPEN]
    assert [found[id_]["closing"] for id_ in "ABC"] == ["lost", "unqualified", "junk"]
    assert found["A"]["won_at"] is None


def test_what_was_merged_is_only_there_where_it_is_asked_for(company: Company) -> None:
    company.arrive("L1")
    company.arrive("L2")
    company.do("merge", "L1", "olga", 3, to="L2")
    assert company.facts().count == 1
    assert company.facts(with_merged=True).count == 2


def test_a_period_is_by_arrival_or_by_the_end_of_the_promise(company: Company) -> None:
    company.arrive("L1")
    book = company.books.current(company.db)
    at = {"arrived": NOW, "ended": NOW + 15 * MINUTE}
    for which, moment in at.items():
        for since, until, count in ((moment, moment + MINUTE, 1), (moment - MINUTE, moment, 0)):
            found = facts(company.db, book, since, until, which)  # type: ignore[arg-type]
            assert found.count == count, (which, since)


def test_the_strongest_signal_is_the_newest_of_those_that_gave_the_intent(company: Company) -> None:
    given = [("pricing_page", 3), ("demo_request", 2), ("webinar", 1)]
    signals = [{"name": name, "at": (NOW - hours * 60 * MINUTE).isoformat()} for name, hours in given]
    company.arrive("L1", signals=signals)
    assert company.of("L1")["signal"] == "demo_request"


# ---------------------------------------------------------------- nothing is lost


def test_who_commits_late_is_read_all_the_same(company: Company, database_url: str) -> None:
    """The timeline's rows of the first have smaller ids than those of the second, and come later."""
    company.arrive("L1", "anna")
    assert company.of("L1")["responded_at"] is None
    with psycopg.connect(database_url) as slow:
        slow.execute(
            "INSERT INTO timeline (lead_id, at, event, actor, details) VALUES ('L1', %s, 'x', 'y', '{}')",
            [NOW],
        )
        slow.execute("UPDATE leads SET value = 17 WHERE id = 'L1'")
        company.arrive("L2", "boris")
        assert company.of("L2")["owner"] == "boris"
        company.arrive("L3", "anna")
        assert company.facts().count == 3
        assert company.of("L1")["value"] is None
        slow.commit()
    assert company.of("L1")["value"] == 17
    # And then there is nothing left to be read again.
    read = dict(company.db.execute("SELECT source, up_to FROM facts_read").fetchall())
    last = company.db.execute("SELECT max(id) FROM timeline").fetchone()
    assert (read["timeline"],) == last


def test_who_was_told_late_is_read_all_the_same(company: Company, database_url: str) -> None:
    company.arrive("L1", "anna")
    company.arrive("L2", "anna")
    with psycopg.connect(database_url) as slow:
        slow.execute(
            "INSERT INTO tellings (lead_id, person, at, channel) VALUES ('L1', 'anna', %s, 'sms')",
            [NOW + MINUTE],
        )
        company.tell("L2", "anna", 2)
        assert company.of("L2")["told_at"] == 2
        assert company.of("L1")["told_at"] is None
        slow.commit()
    assert company.of("L1")["told_at"] == 1


def test_a_transaction_that_sees_only_the_past_leaves_nothing_behind(
    company: Company, database_url: str
) -> None:
    company.arrive("L1", "anna")
    with psycopg.connect(database_url) as slow, psycopg.connect(database_url) as past:
        slow.execute(
            "INSERT INTO timeline (lead_id, at, event, actor, details) VALUES ('L1', %s, 'x', 'y', '{}')",
            [NOW],
        )
        slow.execute("UPDATE leads SET value = 17 WHERE id = 'L1'")
        company.arrive("L2", "boris")
        past.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        past.execute("SELECT 1 FROM leads")
        slow.commit()
        facts(past, company.books.current(company.db), NOW, LATER)
    assert company.of("L1")["value"] == 17


def test_a_message_is_remembered_when_it_is_no_longer_kept(company: Company) -> None:
    company.arrive("L1", "anna")
    company.tell("L1", "anna", 3)
    company.db.execute("DELETE FROM deliveries")
    company.do("touch", "L1", "anna", 4, how="call")
    assert company.of("L1")["told_at"] == 3


def test_while_much_is_left_a_report_says_so(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.arrive("L1")
    monkeypatch.setattr(module, "_WINDOW", 1)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.0)
    with pytest.raises(NotReadyError, match="about 3 events"):
        company.facts()
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 60.0)
    assert company.facts().count == 1


def test_whatever_happens_at_once_the_facts_are_those_made_anew(
    company: Company, database_url: str, books: Rulebooks, lead: Lead
) -> None:
    def work(number: int) -> None:
        with connect(database_url) as db:
            mine = Company(db, books, lead)
            for count in range(12):
                id_ = f"{number}-{count}"
                mine.arrive(id_, "anna" if number else "boris")
                mine.tell(id_, "anna" if number else "boris", 1)
                if count % 2:
                    mine.do("touch", id_, "anna", 2, how="call")
                if count % 3:
                    mine.do("close", id_, "anna", 3, outcome="lost")

    def read(_number: int) -> None:
        with connect(database_url) as db:
            for _time in range(25):
                module.catch_up(db)

    with ThreadPoolExecutor(5) as threads:
        for done in [
            *[threads.submit(work, number) for number in range(3)],
            *[threads.submit(read, number) for number in range(2)],
        ]:
            done.result()

    def stored() -> list[Any]:
        module.catch_up(company.db)
        rows = company.db.execute("SELECT lead_id, respond_by, packed FROM lead_facts ORDER BY lead_id")
        return rows.fetchall()

    found = stored()
    assert len(found) == 36
    company.db.execute("DELETE FROM lead_facts")
    company.db.execute("UPDATE facts_read SET up_to = 0")
    assert stored() == found


# ---------------------------------------------------------------- files of months at rest


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The folder of files, of an installation whose data are in a folder of this test."""
    monkeypatch.setenv("LEADLANE_DATA_DIR", str(tmp_path))
    config.settings.cache_clear()
    yield tmp_path / "facts"
    config.settings.cache_clear()


def keep_all(company: Company) -> int:
    """Keep every month that is over as a file; how many files there are."""
    folder = fact_files.folder_of(company.db)
    while fact_files.keep_next(company.db, folder, timedelta(0)):
        pass
    return len(list(folder.glob("*.columns")))


def some(leads: Leads) -> set[tuple[Any, ...]]:
    """What leads are, whatever their order: every instant, number and name of each."""
    columns = [*leads.instants.values(), *leads.numbers.values()]
    listed: list[list[Any]] = [np.where(np.isnan(column), -1, column).tolist() for column in columns]
    for group in leads.groups.values():
        names = [*group.names, None]
        listed.append([names[code] for code in group.codes.tolist()])
    return set(zip(*listed, strict=True))


@pytest.fixture
def years(company: Company) -> Company:
    """Leads of three months past and of NOW; one of the oldest has been promised something this year."""
    for number, ago in enumerate((100, 101, 130, 160, 0, 0)):
        company.arrive(f"L{number}", at=NOW - timedelta(days=ago))
    company.arrive("merged", at=NOW - timedelta(days=131))
    company.do("merge", "L2", "olga", 1, to="merged")
    company.db.execute("UPDATE leads SET respond_by = %s WHERE id = 'L3'", [NOW + 20 * MINUTE])
    company.db.execute("UPDATE facts_read SET up_to = 0")
    return company


def test_files_say_what_the_database_says(years: Company, files: Path) -> None:
    book = years.books.current(years.db)
    asked = [
        (NOW + timedelta(days=since), NOW + timedelta(days=until), which, with_merged)
        for since, until in ((-400, 3), (-135, -100), (-1, 3), (-102, 1), (-101, -100))
        for which in ("arrived", "ended")
        for with_merged in (False, True)
    ]

    def answers() -> list[Leads]:
        return [facts(years.db, book, *of, with_merged=merged) for *of, merged in asked]  # type: ignore[arg-type]

    without = answers()
    assert keep_all(years) >= 3
    assert {one.count for one in without} >= {1, 2, 6, 7}
    for one, other in zip(answers(), without, strict=True):
        assert one.count == other.count
        assert some(one) == some(other)


def test_what_changes_later_is_seen_and_its_file_is_made_anew(years: Company, files: Path) -> None:
    everything = NOW - timedelta(days=400), LATER
    book = years.books.current(years.db)
    facts(years.db, book, *everything)
    count = keep_all(years)
    years.do("close", "L0", "anna", 30, outcome="won", value=9000)
    won = facts(years.db, book, *everything).won
    assert won is not None
    assert won.sum() == 1
    # The old file of that month is gone, and there is a new one.
    assert keep_all(years) == count


def test_a_file_that_is_broken_or_of_others_is_made_anew(years: Company, files: Path) -> None:
    everything = NOW - timedelta(days=400), LATER
    book = years.books.current(years.db)
    before = some(facts(years.db, book, *everything))
    count = keep_all(years)
    for spoil in (
        lambda content: b"",
        lambda content: b"nothing of ours",
        lambda content: content[:-1],
        lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:],
        lambda content: b"leadfact" + b"otherform"[:4] + content[12:],
    ):
        for path in files.rglob("*.columns"):
            path.write_bytes(spoil(path.read_bytes()))
        assert some(facts(years.db, book, *everything)) == before
        assert list(files.rglob("*.columns")) == []
        assert keep_all(years) == count
    assert next(files.iterdir()).stat().st_mode & 0o777 == 0o700
    (next(files.iterdir()) / "leftover").write_text("of a process that was killed")
    # Nothing is at rest for a year; what there is stays.
    assert not fact_files.keep_next(years.db, fact_files.folder_of(years.db), timedelta(days=365))
    assert keep_all(years) == count
    assert not list(files.rglob("leftover"))
