"""A copy to try things in: it has what decisions depend on, and leaves what is real alone."""

import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from leadlane.service.given_rules import Text, use_rules
from leadlane.service.publish import publish
from leadlane.service.route_file import LeadFile, route_file
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.scratch import COPIED, DERIVED, NOT_COPIED, PREFIX, scratch
from leadlane.store import policies
from leadlane.store.db import connect

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
REFERENCE = files("leadlane") / "reference"
POLICY = (REFERENCE / "policy.yaml").read_text()


@pytest.fixture
def url(database_url: str) -> str:
    """A database with rules in force and some leads."""
    with connect(database_url) as connection:
        roster = Text((REFERENCE / "roster.yaml").read_bytes(), "roster.yaml")
        use_rules(connection, Text(POLICY.encode(), "policy.yaml"), roster, "test", NOW)
    return database_url


def leads(path: Path, count: int, start: int = 0) -> LeadFile:
    rows = [f"p{i}@c{i % 9}.example,software,400,hubspot,demo_request" for i in range(start, start + count)]
    path.write_text("\n".join(["email,industry,employees,tech_stack,signals", *rows]) + "\n")
    return LeadFile(str(path))


def checksums(url: str) -> dict[str, object]:
    """The content of every table and the state of every sequence, the copies' apart."""
    found: dict[str, object] = {}
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            row = connection.execute(
                sql.SQL("SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t").format(
                    sql.Identifier(schema, table)
                )
            ).fetchone()
            found[f"{schema}.{table}"] = row
        found["sequences"] = connection.execute(
            "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"
        ).fetchall()
    return found


def schemas(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", [PREFIX + "%"])
        return [name for (name,) in rows]


def test_what_is_routed_in_a_copy_changes_nothing_that_is_real(tmp_path: Path, url: str) -> None:
    route_file(url, Rulebooks(), leads(tmp_path / "a.csv", 30), lambda: NOW)
    before = checksums(url)
    with scratch(url) as copy:
        summary = route_file(copy, Rulebooks(), leads(tmp_path / "b.csv", 40, 20), lambda: NOW)
        with connect(copy) as connection:
            publish(connection, POLICY.replace("strong_at: 60", "strong_at: 70"), "p.yaml", "x", "", NOW)
            assert len(policies.publications(connection)) == 2
    assert summary.statuses == {"created": 30, "merged": 10}
    assert checksums(url) == before


def test_a_copy_decides_exactly_as_the_real_one_would(tmp_path: Path, url: str) -> None:
    route_file(url, Rulebooks(), leads(tmp_path / "a.csv", 50), lambda: NOW)
    file = leads(tmp_path / "b.csv", 60, 40)
    tried, done = tmp_path / "tried.csv", tmp_path / "done.csv"
    with scratch(url) as copy:
        route_file(copy, Rulebooks(), file, lambda: NOW, out=tried)
    route_file(url, Rulebooks(), file, lambda: NOW, out=done)
    assert tried.read_text() == done.read_text()
    assert "clara" in done.read_text()


def test_what_is_known_and_closed_is_there_already_in_a_copy_too(tmp_path: Path, url: str) -> None:
    file = leads(tmp_path / "a.csv", 5)
    route_file(url, Rulebooks(), file, lambda: NOW)
    with connect(url) as connection:
        connection.execute("UPDATE leads SET stage = 'closed'")
    with scratch(url) as copy:
        assert route_file(copy, Rulebooks(), file, lambda: NOW).statuses == {"repeated": 5}


def test_copies_leave_nothing_behind(url: str) -> None:
    for _index in range(3):
        with scratch(url):
            assert len(schemas(url)) == 1
    assert schemas(url) == []


def test_a_copy_is_dropped_when_its_use_fails(url: str) -> None:
    with pytest.raises(KeyboardInterrupt), scratch(url):
        raise KeyboardInterrupt
    assert schemas(url) == []


def test_what_a_killed_process_left_behind_is_dropped_and_what_is_used_is_not(url: str) -> None:
    program = (
        "import sys, time; from leadlane.service.scratch import scratch\n"
        "with scratch(sys.argv[1]): print('made', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "made\n"
    (left,) = schemas(url)
    with scratch(url):
        assert left in schemas(url)
    process.kill()
    process.wait()
    process.stdout.close()
    _wait_until_only_we_are_connected(url)
    with scratch(url):
        assert left not in schemas(url)
    assert schemas(url) == []


def _wait_until_only_we_are_connected(url: str) -> None:
    """The server notices a moment later that the process is gone."""
    with psycopg.connect(url, autocommit=True) as connection:
        for _index in range(500):
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchone()
            if row == (0,):
                return
            time.sleep(0.01)
    pytest.fail("the connections of a killed process stay open")


def test_nobody_who_routes_waits_for_a_copy(tmp_path: Path, url: str) -> None:
    route_file(url, Rulebooks(), leads(tmp_path / "a.csv", 20), lambda: NOW)
    with connect(url) as router:
        # A batch in flight: its rows are written and its ledgers locked, and nothing is committed.
        router.execute("SELECT FROM ledgers FOR UPDATE")
        router.execute("UPDATE leads SET place = place")
        with scratch(url) as copy:
            summary = route_file(copy, Rulebooks(), leads(tmp_path / "b.csv", 5, 50), lambda: NOW)
            router.execute("UPDATE loads SET open = open")
        router.rollback()
    assert summary.statuses == {"created": 5}


def test_every_table_is_copied_or_known_to_decide_nothing(url: str) -> None:
    with connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        tables = {name for (name,) in rows}
    assert tables == {*COPIED, *DERIVED, *NOT_COPIED, "alembic_version"}


def test_options_of_the_address_are_kept(url: str) -> None:
    with scratch(psycopg.conninfo.make_conninfo(url, options="-c work_mem=7MB")) as copy, connect(copy) as it:
        row = it.execute("SELECT current_setting('work_mem'), current_schema()").fetchone()
    assert row is not None
    assert row[0] == "7MB"
    assert row[1].startswith(PREFIX)
