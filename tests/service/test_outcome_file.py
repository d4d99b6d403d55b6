"""Exports of CRMs as outcomes: their columns, their words, their dates, and what becomes of bad rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.errors import LeadlaneError
from leadlane.intake.columns import find_columns
from leadlane.intake.values import Reading
from leadlane.service.batch import route_batch
from leadlane.service.late_outcomes import Reporter
from leadlane.service.outcome_file import OutcomeFile, OutcomesRead, record_file
from leadlane.service.outcome_rows import NAMES, VOCABULARY, OutcomeReading, own_words, read_row
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.store import leads

LATER = NOW + timedelta(days=60)
BERLIN = ZoneInfo("Europe/Berlin")
HUBSPOT = """\
Record ID,Deal Name,Deal Stage,Close Date,Amount,Associated Contact IDs,Associated Contact,Create Date
900001,Umbra,Closed Won,2026-03-20,"12,000",L1,Jo Licht (jo@umbra.example),2026-03-02
900002,Corona,Closed Lost,2026-03-21 10:30,,L2;5551,Al Reif (al@corona.example),2026-03-02
900003,Aurora,Appointment Scheduled,2026-06-30,8000,L3,,2026-03-02
900004,Nobody,Closed Won,2026-03-22,1,77,No One (no@where.example),2026-03-02
900005,Early,Closed Lost,2026-01-01,,L3,,2026-01-01
"""
SALESFORCE = """\
Lead ID;Email;Status;Converted;Closed;Closed Date;Amount
;jo@umbra.example;Closed - Converted;true;true;20.03.2026;EUR 12.000,50
;al@corona.example;Unqualified;false;true;21.03.2026;
;mi@aurora.example;Working;false;false;;
"""


@pytest.fixture
def company(
    published: psycopg.Connection, books: Rulebooks, lead: Callable[..., Submission]
) -> psycopg.Connection:
    """Three open leads: L1, L2 and L3."""
    for id_, email in (("L1", "jo@umbra.example"), ("L2", "al@corona.example"), ("L3", "mi@aurora.example")):
        route_batch(published, books, [lead(id=id_, email=email, country="DE")], NOW)
    return published


def bring(db: psycopg.Connection, books: Rulebooks, path: Path, text: str = "", **more: Any) -> OutcomesRead:
    if text:
        path.write_text(text, encoding="utf-8")
    dry_run = more.pop("dry_run", False)
    file = OutcomeFile(str(path), **more)
    return record_file(db, books, file, Reporter(name="Kim"), LATER, dry_run=dry_run)


def standing(db: psycopg.Connection, lead_id: str) -> tuple[str | None, float | None, datetime | None]:
    row = leads.get(db, lead_id)
    assert row is not None
    return row.outcome, row.value, row.closed_at


def test_an_export_of_hubspot_comes_in_as_it_is(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    read = bring(company, books, tmp_path / "deals.csv", HUBSPOT)
    assert dict(read.counts) == {"closed": 2, "open": 1, "refused": 2}
    assert dict(read.outcomes) == {"won": 1, "lost": 1}
    assert dict(read.stages) == {"Appointment Scheduled": 1}
    # A day alone is its last second, so that it stays in its day, in the zone of the policy.
    day = datetime(2026, 3, 20, 23, 59, 59, tzinfo=BERLIN)
    assert standing(company, "L1") == ("won", 12_000, day)
    assert standing(company, "L2") == ("lost", None, datetime(2026, 3, 21, 10, 30, tzinfo=BERLIN))
    assert standing(company, "L3") == (None, None, None)
    assert [one.place for one in read.refusals] == [5, 6]
    with Path(read.rejects).open(encoding="utf-8-sig", newline="") as file:
        rejected = list(csv.DictReader(file))
    assert [row["Record ID"] for row in rejected] == ["900004", "900005"]
    assert "no lead" in rejected[0]["_reason"]
    assert "before the lead arrived" in rejected[1]["_reason"]


def test_the_same_file_again_changes_nothing_and_corrected_rows_come_in(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    first = bring(company, books, tmp_path / "deals.csv", HUBSPOT)
    again = bring(company, books, tmp_path / "deals.csv")
    assert dict(again.counts) == {"unchanged": 2, "open": 1, "refused": 2}
    assert again.rejects == str(tmp_path / "deals.rejected-2.csv")
    rejects = Path(first.rejects)
    rejects.write_text(rejects.read_text("utf-8-sig").replace(",77,", ",L3,").replace("2026-01-01,,", ",,"))
    mended = bring(company, books, rejects)
    # One file says two things of L3: the second is refused.
    assert dict(mended.counts) == {"closed": 1, "refused": 1}
    assert standing(company, "L3")[0] == "won"


def test_a_day_says_the_same_today_and_tomorrow(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(f"Lead ID,Stage,Close Date\nL1,won,{LATER.date()}\n")
    file = OutcomeFile(str(tmp_path / "a.csv"))
    for after, status in ((0, "closed"), (3, "unchanged"), (30, "unchanged")):
        now = LATER + timedelta(hours=after)
        read = record_file(company, books, file, Reporter(name="Kim"), now)
        assert dict(read.counts) == {status: 1}
    assert standing(company, "L1")[2] == LATER


def test_an_export_of_salesforce_comes_in_as_it_is(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    read = bring(company, books, tmp_path / "leads.csv", SALESFORCE)
    assert dict(read.counts) == {"closed": 2, "open": 1}
    assert standing(company, "L1")[:2] == ("won", 12_000.5)
    assert standing(company, "L2")[0] == "unqualified"


def test_parquet_json_and_a_dry_run(company: psycopg.Connection, books: Rulebooks, tmp_path: Path) -> None:
    parquet = tmp_path / "deals.parquet"
    with duckdb.connect() as writer:
        writer.execute(
            'COPY (SELECT \'L1\' AS "Lead ID", true AS "Is Closed Won", 5000.5 AS amount,'
            " TIMESTAMPTZ '2026-03-20 10:00:00+00' AS \"Close Date\""
            " UNION ALL SELECT 'nobody', true, 1, NULL) TO '"
            f"{parquet}' (FORMAT parquet)"
        )
    tried = bring(company, books, parquet, dry_run=True)
    assert dict(tried.counts) == {"closed": 1, "refused": 1}
    assert standing(company, "L1")[0] is None
    assert not Path(tried.rejects).exists()
    read = bring(company, books, parquet)
    assert read.rejects == str(tmp_path / "deals.rejected.csv")
    assert standing(company, "L1") == ("won", 5000.5, datetime(2026, 3, 20, 10, tzinfo=UTC))
    text = '{"lead": "L2", "outcome": "lost", "closed_at": "2026-03-21T10:00:00Z"}\n{"lead": "L3"}\n'
    assert dict(bring(company, books, tmp_path / "a.jsonl", text).counts) == {"closed": 1, "open": 1}


def test_the_name_of_a_parquet_file_is_no_pattern(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    folder = tmp_path / "won=maybe"
    folder.mkdir()
    for name, lead in (("deals [2026].parquet", "L1"), ("deals 2.parquet", "L2"), ("*.parquet", "L3")):
        row = f"SELECT '{lead}' AS \"Lead ID\", 'Closed Won' AS \"Stage\""
        duckdb.sql(f"COPY ({row}) TO '{tmp_path}/written' (FORMAT parquet)")
        (tmp_path / "written").rename(folder / name)
    assert dict(bring(company, books, folder / "deals [2026].parquet").counts) == {"closed": 1}
    assert dict(bring(company, books, folder / "*.parquet").counts) == {"closed": 1}
    assert [standing(company, lead)[0] for lead in ("L1", "L2", "L3")] == ["won", None, "won"]


def test_what_was_interrupted_goes_on_where_it_stopped(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadlane.service.outcome_file.ROWS_AT_A_TIME", 1)
    (tmp_path / "a.csv").write_text("Lead ID,Stage\nL1,won\nL2,won\nL3,won\n")
    file = OutcomeFile(str(tmp_path / "a.csv"))

    def stop(_read: int, _size: int | None, rows: int) -> None:
        if rows == 2:
            raise KeyboardInterrupt

    read = record_file(company, books, file, Reporter(name="Kim"), LATER, on_progress=stop)
    assert (read.interrupted, read.counts["closed"]) == (True, 2)
    again = bring(company, books, tmp_path / "a.csv")
    assert dict(again.counts) == {"unchanged": 2, "closed": 1}


def test_words_of_ones_own(company: psycopg.Connection, books: Rulebooks, tmp_path: Path) -> None:
    text = "Lead ID,Phase\nL1,Signed\nL2,Gone cold\nL3,Talking\n"
    read = bring(company, books, tmp_path / "a.csv", text, won=["signed"], lost=["GONE COLD"])
    assert dict(read.counts) == {"closed": 2, "open": 1}
    assert (standing(company, "L1")[0], standing(company, "L2")[0]) == ("won", "lost")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Lead ID,Name\nL1,Umbra\n", "how a lead ended"),
        ("Name,Stage\nUmbra,Closed Won\n", "which lead is meant"),
        ("", "empty"),
    ],
)
def test_a_file_that_says_nothing_is_refused_whole(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(LeadlaneError, match=said):
        bring(company, books, tmp_path / "a.csv")


def test_bad_cells_cost_their_row_alone_and_formulas_stay_text(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    text = (
        "Lead ID,Stage,Close Date,Amount,Closed Lost Reason\n"
        "L1,won,2026-13-45,5,\n"
        "L2,won,,twelve,\n"
        'L3,lost,,,"=HYPERLINK(""http://x.example"")"\n'
        'L1,"won\n'
    )
    read = bring(company, books, tmp_path / "a.csv", text)
    assert read.counts["refused"] == 3
    assert read.counts["closed"] == 1
    assert leads.timeline(company, "L3")[-1].details["reason"].startswith("=HYPERLINK")
    assert standing(company, "L1") == standing(company, "L2") == (None, None, None)


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ({"outcome": "Closed Won"}, "won"),
        ({"outcome": "7 - Closed Lost"}, "lost"),
        ({"outcome": "Disqualified"}, "unqualified"),
        ({"outcome": "SPAM"}, "junk"),
        ({"outcome": "Duplicate"}, "duplicate"),
        ({"outcome": "Negotiation", "won_at": "2026-03-20"}, ""),
        ({"outcome": "Negotiation", "is_won": "1"}, "won"),
        ({"is_won": "false", "is_closed": "true"}, "lost"),
        ({"is_won": "false", "is_closed": "false"}, ""),
        ({"is_won": True}, "won"),
        ({"outcome": "Not won"}, ""),
        ({"outcome": "Nicht gewonnen"}, ""),
        ({"outcome": "Not lost"}, ""),
        ({"won_at": "2026-03-20"}, "won"),
        ({}, ""),
    ],
)
def test_how_an_end_is_told(row: dict[str, object], outcome: str) -> None:
    reading = OutcomeReading(Reading(BERLIN), BERLIN, LATER, own_words([], []))
    said, problems = read_row({"lead": "L1", **row}, reading)
    assert problems == []
    assert (said.outcome if said else "") == outcome


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_at_the_end_of_the_calendar_costs_its_row_alone(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path, day: str
) -> None:
    text = f"Lead ID,Stage,Close Date\nL1,lost,{day}\nL2,lost,2026-03-20\n"
    read = bring(company, books, tmp_path / "a.csv", text)
    assert dict(read.counts) == {"closed": 1, "refused": 1}
    assert [one.place for one in read.refusals] == [2]
    assert standing(company, "L1") == (None, None, None)


def test_an_amount_in_another_currency_is_refused(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    ours = books.current(company).policy.currency
    text = f"Lead ID,Stage,Amount,Amount Currency\nL1,won,500,JPY\nL2,won,600,{ours}\nL3,lost,,JPY\n"
    read = bring(company, books, tmp_path / "a.csv", text)
    assert [one.place for one in read.refusals] == [2]
    assert "JPY" in read.refusals[0].reason
    assert standing(company, "L2")[:2] == ("won", 600)
    assert standing(company, "L3")[0] == "lost"


def test_every_name_of_a_column_is_recognised() -> None:
    for role, names in NAMES.items():
        for name in names:
            columns = find_columns([name], frozenset(NAMES), VOCABULARY)
            assert columns.targets == {name: role}, name


def test_the_documentation_lists_the_columns() -> None:
    text = (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text(encoding="utf-8")
    for role, names in NAMES.items():
        assert f"| `{role}` |" in text
        assert all(name in text for name in names), role


def test_a_file_from_standard_input(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"lead,outcome\nL1,won\nL9,won\n")))
    read = bring(company, books, Path("-"))
    assert dict(read.counts) == {"closed": 1, "refused": 1}
    assert read.rejects == "outcomes.rejected.csv"
    assert (tmp_path / "outcomes.rejected.csv").exists()


def test_it_says_which_columns_were_used_and_which_were_not(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    read = bring(company, books, tmp_path / "deals.csv", HUBSPOT, dry_run=True)
    assert read.columns == {
        "lead": "Associated Contact IDs",
        "email": "Associated Contact",
        "outcome": "Deal Stage",
        "closed_at": "Close Date",
        "value": "Amount",
    }
    assert read.unused == ["Record ID", "Deal Name", "Create Date"]


def test_a_key_that_only_later_objects_have_is_not_passed_over_without_a_word(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    rows = ['{"id": "L1", "stage": "won"}'] * 120 + ['{"id": "L1", "stage": "won", "Worth It": 7}']
    read = bring(company, books, tmp_path / "deals.jsonl", "\n".join(rows))
    assert read.unused == ["Worth It"]


def test_no_value_of_hubspot_is_empty(company: psycopg.Connection, books: Rulebooks, tmp_path: Path) -> None:
    text = (
        "Lead ID,Email,Domain,Stage,Amount,Close Date,Closed Lost Reason\n"
        "(No value),jo@umbra.example,(No value),won,(No value),(No value),(no value)\n"
        "L2,(No value),(No value),(No value),(No value),(No value),(No value)\n"
    )
    read = bring(company, books, tmp_path / "deals.csv", text)
    assert dict(read.counts) == {"closed": 1, "open": 1}
    assert not read.stages
    assert standing(company, "L1") == ("won", None, LATER)
    reason = company.execute(
        "SELECT count(*) FROM timeline WHERE details::text ILIKE '%no value%'"
    ).fetchone()
    assert reason == (0,)


def test_a_body_as_it_is_posted_is_read_as_its_list(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    text = """{"by": "Kim", "outcomes": [
        {"lead": "L1", "outcome": "won", "value": 12000}, {"email": "al@corona.example", "outcome": "lost"}
    ]}"""
    read = bring(company, books, tmp_path / "outcomes.json", text)
    assert dict(read.counts) == {"closed": 2}
    assert standing(company, "L1")[:2] == ("won", 12_000)


def test_another_object_is_refused_and_not_taken_for_an_open_row(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    with pytest.raises(LeadlaneError, match="how a lead ended") as refused:
        bring(company, books, tmp_path / "deals.json", '{"results": [{"lead": "L1", "outcome": "won"}]}')
    assert "results" in (refused.value.hint or "")


def test_a_long_reason_is_kept_whole_or_refused_and_may_have_lines(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path
) -> None:
    text = f'Lead ID,Stage,Lost Reason\nL1,lost,"too dear\n{"x" * 900}"\nL2,lost,{"x" * 1001}\n'
    read = bring(company, books, tmp_path / "deals.csv", text)
    assert dict(read.counts) == {"closed": 1, "refused": 1}
    assert "1001 characters, at most 1000" in read.refusals[0].reason
    kept = company.execute("SELECT max(length(details->>'reason')) FROM timeline").fetchone()
    assert kept == (len("too dear\n") + 900,)


@pytest.mark.parametrize("apart", [0, 600])
def test_a_dry_run_counts_repeats_as_the_real_run_does(
    company: psycopg.Connection, books: Rulebooks, tmp_path: Path, apart: int
) -> None:
    bring(company, books, tmp_path / "before.csv", "Lead ID,Stage,Amount\nL2,won,5\n")
    rows = ["L1,won,7", "L2,won,8", *["L3,working,"] * apart, "L1,won,7", "L2,won,8"]
    text = "Lead ID,Stage,Amount\n" + "\n".join(rows) + "\n"
    tried = bring(company, books, tmp_path / "deals.csv", text, dry_run=True)
    done = bring(company, books, tmp_path / "deals.csv")
    assert tried.counts == done.counts
    assert {name: count for name, count in done.counts.items() if name != "open"} == {
        "closed": 1,
        "corrected": 1,
        "unchanged": 2,
    }
