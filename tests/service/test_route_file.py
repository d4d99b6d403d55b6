"""A file of leads: every row has a fate, none is lost, none is made twice."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from leadlane.errors import DatabaseError, LeadlaneError
from leadlane.service import route_file as module
from leadlane.service.given_rules import Text, use_rules
from leadlane.service.replay import replay_all
from leadlane.service.route_file import LeadFile, route_file
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.service.summary import Summary, sections
from leadlane.store.db import connect
from leadlane.store.server import maintenance_url

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)  # a Tuesday, in working hours
REFERENCE = files("leadlane") / "reference"
POLICY = Text((REFERENCE / "policy.yaml").read_bytes(), "policy.yaml")
ROSTER = Text((REFERENCE / "roster.yaml").read_bytes(), "roster.yaml")

Route = Callable[..., Summary]


@pytest.fixture
def url(database_url: str) -> str:
    """A database in which the reference policy and roster are in force."""
    with connect(database_url) as connection:
        use_rules(connection, POLICY, ROSTER, "test", NOW)
    return database_url


@pytest.fixture
def route(url: str) -> Route:
    """Routes a file in that database; `columns`, `signals` are of LeadFile, the rest of route_file."""

    def run(path: Path, at: str | None = None, out: Path | None = None, **how: object) -> Summary:
        file = LeadFile(str(path), **how)  # type: ignore[arg-type]
        return route_file(url, Rulebooks(), file, lambda: NOW, at=at, out=out)

    return run


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def many(path: Path, count: int) -> Path:
    """A file of leads of all sorts, each another person."""
    signals = ("demo_request", "webinar_attendance", "newsletter_subscription", "badge_scan")
    countries, sizes = ("DE", "PL", "IT"), (5, 120, 400, 2500)
    rows = [
        f"p{i}@c{i}.example,{countries[i % 3]},{sizes[i % 4]},software,{signals[i // 4 % 4]}"
        for i in range(count)
    ]
    return write(path, "\n".join(["email,country,employees,industry,signals", *rows]) + "\n")


def stored(url: str, what: str = "count(*)") -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(sql.SQL("SELECT {} FROM leads").format(sql.SQL(what))).fetchone()
    assert row is not None
    return int(row[0])


def leads_of(url: str, field: str) -> list[object]:
    with psycopg.connect(url) as connection:
        return [value for (value,) in connection.execute("SELECT fields->%s FROM leads ORDER BY id", [field])]


# ---------------------------------------------------------------- which column is what


def test_columns_are_mapped_and_those_of_no_field_are_kept_beside(
    tmp_path: Path, url: str, route: Route
) -> None:
    path = write(tmp_path / "a.csv", "key,Mail,mood\nL1,ann@one.example,good\n")
    summary = route(path, columns={"id": "key", "email": "Mail"}, signals="demo_request")
    assert summary.statuses == {"created": 1}
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT id, fields->>'email', extra, signals->0->>0 FROM leads").fetchone()
    assert row == ("L1", "ann@one.example", {"mood": "good"}, "demo_request")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (
            "Record ID,First Name,Email,Company Name,Number of Employees,Country/Region,Create Date",
            "17,Ann,ann@one.example,One GmbH,420,Germany,2026-03-02 08:00",
        ),
        (
            "Lead ID,First Name,Email,Company / Account,No. of Employees,Country,Created Date",
            "17,Ann,ann@one.example,One GmbH,420,Germany,2026-03-02 08:00",
        ),
    ],
    ids=["HubSpot", "Salesforce"],
)
def test_exports_are_recognised_as_they_come(
    header: str, row: str, tmp_path: Path, url: str, route: Route
) -> None:
    route(write(tmp_path / "export.csv", f"{header}\n{row}\n"))
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT id, fields, arrived_at FROM leads").fetchone()
    assert found is not None
    assert found[0] == "17"
    expected = {"first_name": "Ann", "company": "One GmbH", "employees": 420, "country": "DE"}
    assert found[1].items() >= expected.items()
    # A local time of the policy's zone, Europe/Berlin.
    assert found[2] == datetime(2026, 3, 2, 7, tzinfo=UTC)


def test_a_column_of_signals_may_hold_several(tmp_path: Path, url: str, route: Route) -> None:
    route(write(tmp_path / "a.csv", "email,did\na@one.example,demo_request; badge_scan\n"), signals="did")
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT jsonb_path_query_array(signals, '$[*][0]') FROM leads").fetchone()
    assert row == (["demo_request", "badge_scan"],)


def test_a_field_may_be_left_out(tmp_path: Path, url: str, route: Route) -> None:
    path = write(tmp_path / "a.csv", "email,Create Date\na@one.example,2019-01-01\n")
    route(path, columns={"arrived_at": ""})
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT arrived_at FROM leads").fetchone() == (NOW,)


def test_a_wrong_mapping_is_refused_with_what_was_meant(tmp_path: Path, route: Route) -> None:
    path = write(tmp_path / "a.csv", "Mailbox,Kompany\na@one.example,One\n")
    with pytest.raises(LeadlaneError) as error:
        route(path, columns={"emial": "Mailbox", "company": "Company", "regin": ""})
    for part in ("emial", "did you mean email", "Kompany", "did you mean region"):
        assert part in str(error.value)


def test_a_signal_that_the_policy_does_not_count_is_pointed_out(tmp_path: Path, route: Route) -> None:
    summary = route(write(tmp_path / "a.csv", "email\na@one.example\n"), signals="demo_requst")
    assert "did you mean demo_request?" in summary.notes[0]


# ---------------------------------------------------------------- what comes of it


@pytest.mark.parametrize("name", ["leads.json", "leads.jsonl"])
def test_json_gives_the_same_as_csv(name: str, tmp_path: Path, url: str, route: Route) -> None:
    leads = [{"email": f"p{i}@c{i}.example", "employees": 400, "signals": ["demo_request"]} for i in range(3)]
    text = json.dumps(leads) if name.endswith(".json") else "\n".join(map(json.dumps, leads))
    assert route(write(tmp_path / name, text)).statuses == {"created": 3}
    assert leads_of(url, "employees") == [400, 400, 400]


def test_counts_add_up_and_every_decision_can_be_made_again(tmp_path: Path, url: str, route: Route) -> None:
    path = many(tmp_path / "a.csv", 1300)
    with path.open("a") as file:
        file.write("P1@C1.example,DE,5,software,badge_scan\nnot an address,DE,5,software,x\n")
    summary = route(path)
    assert summary.statuses == {"created": 1300, "merged": 1, "refused": 1}
    assert summary.total == summary.last_row == 1302
    decided = (
        *(summary.people.total(), summary.reviewers.total(), summary.programs.total()),
        summary.disqualified.total(),
    )
    assert sum(decided) == summary.routes.total() == stored(url) == 1300
    assert summary.automation_share == 1 - stored(url, "count(*) FILTER (WHERE stage = 'review')") / 1300
    with connect(url) as connection:
        again = list(replay_all(connection, Rulebooks()))
    assert len(again) == 1301
    assert all(one.is_identical for one in again)


def test_the_summary_speaks_of_people_and_programs(tmp_path: Path, url: str, route: Route) -> None:
    summary = route(many(tmp_path / "a.csv", 40))
    with connect(url) as connection:
        book = Rulebooks().current(connection)
    names = {person.id: person.name for person in book.roster.people.values()}
    lines = {line.label: line.count for one in sections(summary, book.policy, names) for line in one.lines}
    assert lines["new, decided and placed"] == 40
    assert lines["nurture"] == summary.programs["nurture"]
    assert lines["Ida Wrona (ida)"] == summary.people["ida"]


def test_the_outcome_of_every_row_stands_in_its_order(tmp_path: Path, route: Route) -> None:
    path = many(tmp_path / "a.csv", 1200)
    lines = path.read_text().splitlines()
    lines[600] = "broken,,,,"
    path.write_text("\n".join(lines) + "\n")
    out = tmp_path / "out.csv"
    summary = route(path, out=out)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["row"]) for row in rows] == list(range(1, 1201))
    assert rows[599]["status"] == "refused"
    assert rows[599]["reasons"]
    owned = next(row for row in rows if row["owner"] == "anna")
    assert (owned["owner_name"], owned["status"]) == ("Anna Nowak", "created")
    assert owned["respond_by"].endswith("Z")
    assert sum(row["owner"] == "anna" for row in rows) == summary.people["anna"]


def test_outcomes_of_what_is_there_already_say_where_it_is(tmp_path: Path, url: str, route: Route) -> None:
    path, out = many(tmp_path / "a.csv", 600), tmp_path / "out.jsonl"
    route(path, out=out)
    before = [json.loads(line) for line in out.read_text().splitlines()]
    assert stored(url) == 600  # all of it is committed, whatever else was asked of the connection
    summary = route(path, out=out)
    after = [json.loads(line) for line in out.read_text().splitlines()]
    assert summary.statuses == {"repeated": 600}
    same = ("row", "lead", "route", "destination", "owner", "owner_name", "service_level", "respond_by")
    assert [[row[key] for key in same] for row in after] == [[row[key] for key in same] for row in before]


def test_refused_rows_can_be_corrected_and_fed_back(tmp_path: Path, url: str, route: Route) -> None:
    text = "email,employees,signals\na@one.example,12,demo_request\nb@two.example,dozens,demo_request\n"
    path = write(tmp_path / "leads.csv", text + 'c@three.example,"5\nd@four.example,7,demo_request\n')
    summary = route(path)
    assert summary.statuses == {"created": 2, "refused": 2}
    assert {(one.column, tuple(one.rows)) for one in summary.refusals.values()} == {
        ("employees", (3,)),
        ("", (4,)),
    }
    rejected = Path(str(summary.rejects))
    assert rejected == tmp_path / "leads.rejected.csv"
    with rejected.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    rows[0]["employees"] = "24"
    rows[1] |= {"email": "c@three.example", "employees": "5"}
    with rejected.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    assert route(rejected).statuses == {"created": 2}
    assert stored(url) == 4
    assert not (tmp_path / "leads.rejected.rejected.csv").exists()


def test_a_file_is_decided_as_of_a_moment(tmp_path: Path, url: str, route: Route) -> None:
    path = write(tmp_path / "a.csv", "email,signals\na@one.example,demo_request\n")
    route(path, at="2025-06-02T11:00")
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT arrived_at, (SELECT at FROM batches) FROM leads").fetchone()
    assert row == (datetime(2025, 6, 2, 9, tzinfo=UTC),) * 2


def test_a_moment_that_nobody_can_read_is_refused(tmp_path: Path, route: Route) -> None:
    path = write(tmp_path / "a.csv", "email\na@one.example\n")
    with pytest.raises(LeadlaneError, match="--at next Tuesday") as error:
        route(path, at="next Tuesday")
    assert "2026-03-02T10:30" in error.value.hint


def test_a_name_that_says_no_format_is_refused_before_anything_is_routed(
    tmp_path: Path, url: str, route: Route
) -> None:
    with pytest.raises(LeadlaneError, match="neither CSV nor JSON"):
        route(many(tmp_path / "a.csv", 2), out=tmp_path / "out.xlsx")
    assert stored(url) == 0


@pytest.mark.parametrize("name", ["a.csv", "a.rejected.csv"])
def test_nothing_is_written_over_what_is_read(name: str, tmp_path: Path, route: Route) -> None:
    path = many(tmp_path / "a.csv", 2)
    before = path.read_text()
    with pytest.raises(LeadlaneError, match="read or written already"):
        route(path, out=tmp_path / name)
    assert path.read_text() == before


def test_refused_rows_that_cannot_be_kept_are_a_clear_error(tmp_path: Path, route: Route) -> None:
    too_long_with_an_addition = "a" * 250 + ".csv"
    with pytest.raises(LeadlaneError, match="for refused rows cannot be written"):
        route(write(tmp_path / too_long_with_an_addition, "email\nnobody\n"))


def test_a_file_without_a_header_loses_no_lead(tmp_path: Path, url: str, route: Route) -> None:
    path = write(tmp_path / "a.csv", "ann@one.example,One,Poland\nbob@two.example,Two,Italy\n")
    with pytest.raises(LeadlaneError, match=r"“ann@one\.example”, “One”, “Poland”") as error:
        route(path)
    assert "put a first line that names the columns" in error.value.hint
    assert stored(url) == 0
    write(path, "Wer\nann@one.example\n")
    assert route(path, columns={"email": "Wer"}).statuses == {"created": 1}


def test_signals_that_the_policy_does_not_count_are_listed(tmp_path: Path, url: str, route: Route) -> None:
    text = "email,signals\na@one.example,demo_requst\nb@two.example,Demo_Request;zzz\n"
    summary = route(write(tmp_path / "a.csv", text + "A@one.example,zzz;zzz\n"))
    assert summary.statuses == {"created": 2, "merged": 1}
    assert summary.unlisted == {"zzz": 2, "demo_requst": 1}
    lines = section_of(summary, url, "Signals that the policy does not count")
    assert lines == [("zzz", 2, ""), ("demo_requst", 1, "did you mean demo_request?")]


def test_who_gets_an_open_lead_that_moves_is_told(tmp_path: Path, url: str, route: Route) -> None:
    text = "email,country,employees,industry,signals\n"
    lead = "ann@one.example,DE,5,software,{}\n"
    assert route(write(tmp_path / "a.csv", text + lead.format("newsletter_subscription"))).programs
    summary = route(write(tmp_path / "b.csv", text + lead.format("demo_request")))
    assert summary.statuses == {"merged": 1}
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT owner, route, pool FROM leads").fetchone()
    assert row is not None
    assert summary.moved == {row: 1}
    ((person, count, note),) = section_of(summary, url, "Open leads that moved because of news")
    assert (f"({row[0]})" in person, count) == (True, 1)
    assert note == f"pool {row[2]}, route {row[1]}"


def section_of(summary: Summary, url: str, heading: str) -> list[tuple[str, int, str]]:
    with connect(url) as connection:
        book = Rulebooks().current(connection)
    names = {person.id: person.name for person in book.roster.people.values()}
    found = [one for one in sections(summary, book.policy, names) if one.heading == heading]
    return [(line.label, line.count, line.note) for one in found for line in one.lines]


def test_corrections_are_not_lost_to_the_next_run(tmp_path: Path, route: Route) -> None:
    path = write(tmp_path / "a.csv", "email\nnobody\n")
    rejected = Path(str(route(path).rejects))
    rejected.write_text("corrected")
    assert route(path).rejects == str(tmp_path / "a.rejected-2.csv")
    route(write(path, "email\na@one.example\n"))
    assert rejected.read_text() == "corrected"


def test_a_json_document_is_counted_in_rows(tmp_path: Path, route: Route) -> None:
    summary = route(write(tmp_path / "a.json", '[{"email": "a@one.example"}, {"email": "nobody"}]'))
    assert [one.rows for one in summary.refusals.values()] == [[2]]
    assert not summary.by_line


def test_without_a_policy_nothing_is_routed(tmp_path: Path, database_url: str) -> None:
    with pytest.raises(NothingPublishedError):
        route_file(database_url, Rulebooks(), LeadFile(str(many(tmp_path / "a.csv", 2))), lambda: NOW)


# ---------------------------------------------------------------- again, and when things go wrong


def test_the_same_file_makes_no_lead_twice_wherever_it_lies(tmp_path: Path, url: str, route: Route) -> None:
    text = "company,signals\nOne,demo_request\nTwo,demo_request\nTwo,demo_request\n"
    assert route(write(tmp_path / "a.csv", text)).statuses == {"created": 3}
    (tmp_path / "moved").mkdir()
    assert route(write(tmp_path / "moved" / "a.csv", text)).statuses == {"repeated": 3}
    assert route(write(tmp_path / "b.csv", text)).statuses == {"created": 3}
    assert stored(url) == 6


def test_a_connection_that_breaks_costs_nothing(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.01, 0.01))
    cut = []

    def on_progress(_read: int, _size: int | None, rows: int) -> None:
        if rows and not cut:
            cut.append(rows)
            _disconnect_everybody(url)

    file = LeadFile(str(many(tmp_path / "a.csv", 4000)))
    summary = route_file(url, Rulebooks(), file, lambda: NOW, on_progress=on_progress)
    assert cut
    assert summary.total == stored(url) == 4000


def test_a_database_that_stays_away_is_a_clear_error_and_a_second_start_completes(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.01, 0.01))
    file = LeadFile(str(many(tmp_path / "a.csv", 4000)))

    def on_progress(_read: int, _size: int | None, rows: int) -> None:
        if rows:
            _allow_connections(url, False)
            _disconnect_everybody(url)

    try:
        with pytest.raises(DatabaseError, match="connection to the database is lost") as error:
            route_file(url, Rulebooks(), file, lambda: NOW, on_progress=on_progress)
        assert "continues where it stopped" in error.value.hint
    finally:
        _allow_connections(url, True)
    there = stored(url)
    assert 0 < there < 4000
    summary = route_file(url, Rulebooks(), file, lambda: NOW + timedelta(minutes=1))
    assert summary.statuses == {"repeated": there, "created": 4000 - there}
    assert stored(url) == 4000


def _disconnect_everybody(url: str) -> None:
    with psycopg.connect(maintenance_url(url), autocommit=True) as connection:
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


def _allow_connections(url: str, allowed: bool) -> None:
    with psycopg.connect(maintenance_url(url), autocommit=True) as connection:
        name = sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(url)["dbname"]))
        connection.execute(
            sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}").format(name, sql.Literal(allowed))
        )


# ---------------------------------------------------------------- real leads


@pytest.mark.slow
def test_eight_thousand_real_leads_are_routed_and_every_decision_can_be_made_again(
    shared_data: Path, tmp_path: Path, url: str, route: Route
) -> None:
    source = shared_data / "olist_marketing_funnel" / "olist_marketing_qualified_leads_dataset.csv"
    path = tmp_path / "leads.csv"
    path.write_bytes(source.read_bytes())
    columns = {"id": "mql_id", "campaign": "landing_page_id"}
    summary = route(path, at="2018-06-01T10:00", columns=columns, signals="contact_sales_form")
    assert summary.statuses == {"created": 8000}
    assert stored(url) == 8000
    with connect(url) as connection:
        assert all(one.is_identical for one in replay_all(connection, Rulebooks()))


def test_no_cell_of_the_outcomes_is_a_formula_to_a_spreadsheet(tmp_path: Path, route: Route) -> None:
    """An id is whatever its sender made of it; JSON lines, which programs read, keep it as it is."""
    path = write(tmp_path / "a.csv", "id,email,signals\n=1+1,ann@one.example,demo_request\n")
    route(path, out=tmp_path / "out.csv")
    (row,) = csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8"))
    assert row["lead"] == "'=1+1"
    route(path, out=tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["lead"] == "=1+1"
