"""A file as a whole: unreadable rows, several writers, what is fed back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from tests.service.importing.conftest import NOW

from leadlane.intake.import_columns import IMPORT_COLUMNS
from leadlane.service.importing import run
from leadlane.service.importing.difference import Difference
from leadlane.service.importing.run import ImportFile, import_file
from leadlane.store.db import connect

Bring = Callable[..., Difference]


def test_rows_that_cannot_be_read_cost_themselves_alone(bring: Bring, tmp_path: Path) -> None:
    text = 'id,name,domain\n1,One,one.example\n2,"Two,two.example\n3,Three\n4,Four,four.example\n'
    difference = bring("accounts", text)
    assert (difference.new["account"], difference.refused, difference.total) == (2, 2, 4)
    assert [one.place for one in difference.refusals] == [3, 4]


def test_refused_rows_are_corrected_and_fed_back(bring: Bring, tmp_path: Path) -> None:
    first = bring("accounts", "id,name,country\n1,One,Ytaly\n2,Two,DE\n")
    rejected = Path(first.rejects).read_text(encoding="utf-8-sig")
    second = bring("accounts", rejected.replace("Ytaly", "Italy"), name="corrected.csv")
    assert (second.new["account"], second.refused) == (1, 0)


def test_other_encodings_and_delimiters(published: psycopg.Connection, bring: Bring) -> None:
    bring("accounts", "Account ID\tAccount Name\n1\tMüller & Söhne\n".encode("utf-16"))
    bring("accounts", "Account ID;Account Name\n2;Müller & Söhne\n".encode("cp1252"))
    names = published.execute("SELECT name FROM accounts WHERE id IN ('1', '2')").fetchall()
    assert names == [("Müller & Söhne",)] * 2


def test_a_file_of_many_chunks_is_one_file(
    published: psycopg.Connection, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "ROWS_AT_A_TIME", 3)
    rows = [f"{number},N{number},d{number % 9}.example\n" for number in range(10)]
    text = "id,name,domain\n" + "".join(rows) + "0,Zero again,z.example\n"
    trial = bring("accounts", text, dry_run=True)
    assert (trial.new["account"], [one.place for one in trial.refusals]) == (9, [11, 12])
    real = bring("accounts", text)
    assert (real.changes, real.refusals) == (trial.changes, trial.refusals)


def test_two_imports_at_once_leave_every_domain_to_one_account(
    published: psycopg.Connection, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "ROWS_AT_A_TIME", 20)
    results: list[Difference | Exception] = []

    def bring_one(name: str, order: range) -> None:
        path = tmp_path / f"{name}.csv"
        rows = "".join(f"{name}{number},{name},d{number}.example\n" for number in order)
        path.write_text("id,name,domain\n" + rows)
        with connect(database_url, autocommit=True) as connection:
            try:
                file = ImportFile("accounts", str(path))
                results.append(import_file(connection, file, "tester", NOW, dry_run=False))
            except Exception as error:
                results.append(error)

    orders = {"up": range(100), "down": range(99, -1, -1), "again": range(50, 100)}
    threads = [threading.Thread(target=bring_one, args=item) for item in orders.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [result for result in results if isinstance(result, Difference)]
    assert len(done) == 3, results
    assert sum(one.new["account"] for one in done) == 100
    assert sum(one.refused for one in done) == 150
    found = published.execute(
        "SELECT count(*), count(DISTINCT account_id) FROM account_domains WHERE domain LIKE 'd%.example'"
    ).fetchall()
    assert found == [(100, 100)]


@pytest.mark.parametrize("kind", IMPORT_COLUMNS)
def test_the_documentation_names_every_column(kind: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "importing.md").read_text(encoding="utf-8")
    columns = IMPORT_COLUMNS[kind]  # type: ignore[index]
    section = text.partition(f"\n## {kind.capitalize()}\n")[2].partition("\n## ")[0]
    rows = {
        row.split("|")[1].strip(): row.split("|")[2] for row in section.splitlines() if row.startswith("| ")
    }
    for choice in columns.vocabulary.choices:
        for name, aliases in choice.items():
            listed = [alias.strip() for alias in rows[name].replace("; else", ",").split(",")]
            assert set(aliases) <= set(listed), name
