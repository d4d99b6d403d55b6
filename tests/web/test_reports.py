"""The page of reports: what it shows, to whom, and what it says to what it cannot show."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import pytest
from markupsafe import Markup

from leadlane.insight.section import Grid, Picture, Row, Section
from leadlane.service.reporting import facts
from leadlane.service.reporting.reports import KINDS, columns
from leadlane.web.render import environment

from .conftest import text_of

LEVELS = "/reports/service-levels"


def promised(site: Any, id_: str, owner: str, *, kept: bool, source: str = "fair", days: int = 1) -> None:
    """A lead whose promise ended so many days ago."""
    site.sql(
        "INSERT INTO leads (id, arrived_at, fields, signals, intent, fit, fit_score, relationship, stage,"
        " route, destination, owner, held_since, place, batch_id, decision_number, changed_at,"
        " policy_version, service_level, respond_by, responded_at)"
        " SELECT %s, now() - interval '30 hours', jsonb_build_object('source', %s::text), '[]', 'high',"
        " 'weak', 0, 'none', 'assigned', 'r', 'pool:p', %s, now() - interval '30 hours', 1, 0, 0, now(),"
        " version, 'demo', now() - interval '24 hours',"
        " now() - CASE WHEN %s THEN interval '25 hours' ELSE interval '23 hours' END FROM policies",
        id_, source, owner, kept,
    )  # fmt: skip
    site.sql(
        "UPDATE leads SET arrived_at = arrived_at - ago, held_since = held_since - ago,"
        " respond_by = respond_by - ago, responded_at = responded_at - ago"
        " FROM make_interval(days => %s) ago WHERE id = %s",
        days - 1, id_,
    )  # fmt: skip
    # Every change of a lead is in the timeline: reports know by it what to read.
    site.sql(
        "INSERT INTO timeline (lead_id, at, event, actor, details) VALUES (%s, now(), 'arrived', 'x', '{}')",
        id_,
    )


@pytest.fixture
def company(site: Any) -> Any:
    """Hugo misses 15 of 20, on four days, Ida and Gina none; all came at the same hour."""
    for number in range(20):
        promised(site, f"h{number}", "hugo", kept=number >= 15, days=1 + number % 4)
        promised(site, f"i{number}", "ida", kept=True, days=1 + number % 4)
        promised(
            site, f"g{number}", "gina", kept=True, source="<script>alert(1)</script>", days=1 + number % 4
        )
    return site


def test_nothing_promised_says_what_a_promise_is(site: Any) -> None:
    seen = site.sign_in("viewer").get(LEVELS)
    assert seen.status_code == 200
    assert "No promise ended in this time" in text_of(seen)


def test_the_report(company: Any) -> None:
    text = text_of(company.sign_in("admin").get(LEVELS))
    assert "45 kept, 15 missed" in text
    assert "Hugo Braun" in text
    assert "75.0%" in text
    assert "Who may need help" in text
    assert "missed 15 of 20" in text
    assert "need not be cause and effect" in text


@pytest.mark.parametrize(
    ("role", "person", "is_named"),
    [("admin", None, True), ("manager", "marco", True), ("manager", "maria", False), ("viewer", None, False)],
)
def test_whose_missing_is_for_whom(company: Any, role: str, person: str | None, is_named: bool) -> None:
    """Hugo is of the team of Marco."""
    text = text_of(company.sign_in(role, person).get(LEVELS))
    assert ("of comparable promises of others" in text) == is_named
    assert ("Who may need help" in text) == (role != "viewer")


def test_it_is_not_for_reps(company: Any) -> None:
    rep = company.sign_in("rep", "hugo")
    for path in ("/reports", "/reports?headline=service-levels", LEVELS, f"{LEVELS}?format=csv"):
        assert rep.get(path).status_code == 403, path


@pytest.mark.parametrize("name", ["service-levels", "conversion"])
def test_hundreds_of_groups_are_for_the_file(site: Any, name: str) -> None:
    """The largest stand on the page, which says how many more there are; the file has them all."""
    for number in range(103):
        promised(site, f"s{number}", "ida", kept=True, source=f"source-{number:03}")
    promised(site, "again", "ida", kept=True, source="source-102")
    viewer, path = site.sign_in("viewer"), f"/reports/{name}?by=source&period=7d"
    page = viewer.get(path)
    assert "3 more rows are not shown here" in text_of(page)
    assert f'href="{path.replace("&", "&amp;")}&amp;format=csv"' in page.text
    assert "source-102" in page.text
    assert "source-101" not in page.text
    rows = csv.DictReader(StringIO(viewer.get(f"{path}&format=csv").text))
    assert sum(row["value"].startswith("source-") for row in rows) == 103


def test_what_stands_out_comes_before_the_tables(company: Any) -> None:
    """By team: the south kept all, inbound missed 15 of 40."""
    admin = company.sign_in("admin")
    page = admin.get(LEVELS).text
    places = [page.index(one) for one in ("Stands out", 'id="patterns"', 'id="coaching"', 'id="way-title"')]
    assert places == sorted(places)
    assert page.index('id="way-title"') < page.index("report-table")
    assert "Stands out" in text_of(company.sign_in("viewer").get("/reports?headline=service-levels"))


def test_what_is_secondary_is_folded_without_a_script(site: Any) -> None:
    rows = [Row(["first"]), *[Row([f"row {n}"]) for n in range(200)], Row(["all"], is_marked=True)]
    pictures = [
        Picture(Markup("<svg></svg>"), "open"),
        Picture(Markup("<svg></svg>"), "closed", fold="Others"),
    ]
    section = Section(
        "s", "About", ["says"], [Grid(["name"], rows[:3]), Grid(["name"], rows[:3], fold="More")]
    )
    parts = environment().get_template("components/reports.html").module
    page = str(parts.section(section)) + str(parts.section(replace(section, grids=[], pictures=pictures)))
    assert page.count('<details class="folded">') == 2
    for summary in ("More", "Others"):
        assert f'<details class="folded"><summary>{summary}</summary>' in page
    assert page.index("open</figcaption>") < page.index("<summary>Others") < page.index("closed</figcaption>")
    # A sum stands below whatever is left out.
    shown = [row.cells[0] for row in Grid(["name"], rows).first(100)]
    assert (shown[0], shown[-2:], len(shown)) == ("first", ["row 98", "all"], 101)


def test_groups_filters_and_hostile_names(company: Any) -> None:
    admin = company.sign_in("admin")
    seen = admin.get("/reports/service-levels?by=source&team=south")
    assert "<script>alert" not in seen.text
    assert "20 kept, 0 missed" in text_of(seen)
    assert "Nothing was missed." in text_of(seen)
    assert "No promise ended" in text_of(
        admin.get("/reports/service-levels?since=2020-01-01&until=2020-02-01")
    )


def test_the_file_is_of_what_the_page_shows(company: Any) -> None:
    admin = company.sign_in("admin")
    page = admin.get("/reports/service-levels?by=team&team=inbound")
    assert 'href="/reports/service-levels?by=team&amp;team=inbound&amp;format=csv"' in page.text
    file: httpx2.Response = admin.get("/reports/service-levels?by=team&team=inbound&format=csv")
    assert file.headers["content-disposition"] == 'attachment; filename="service-levels-by-team.csv"'
    (row,) = csv.DictReader(StringIO(file.text))
    assert tuple(row) == tuple(columns(KINDS["service-levels"]))
    assert (row["value"], row["kept"], row["missed"]) == ("inbound", "25", "15")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("by=colour", "the groupings are: person, team"),
        ("team=nobody", "there is no team of this id"),
        ("since=soon", "a date or a date and time is meant"),
        ("since=2026-02-02&until=2026-02-01", "it is not after the beginning"),
        ("since=2999-01-01", "it has not begun yet"),
        ("period=soon", "a year, quarter, month or days are meant"),
    ],
)
def test_what_cannot_be_shown_is_said_beside_the_field(site: Any, query: str, said: str) -> None:
    admin = site.sign_in("admin")
    page, file = (
        admin.get(f"/reports/service-levels?{query}"),
        admin.get(f"/reports/service-levels?{query}&format=csv"),
    )
    assert (page.status_code, file.status_code) == (422, 422)
    assert said in text_of(page)
    assert said in text_of(file)


def test_a_team_is_refused_aloud_where_a_report_is_of_all(site: Any) -> None:
    page = site.sign_in("admin").get("/reports/coverage?team=south")
    assert (page.status_code, "this report is of all teams" in text_of(page)) == (422, True)


# ---------------------------------------------------------------- every kind


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_its_page_files_and_headline(company: Any, name: str) -> None:
    viewer, path = company.sign_in("viewer"), f"/reports/{name}"
    page = viewer.get(path)
    assert page.status_code == 200
    assert f'href="{path}"' in viewer.get("/reports").text
    for format_ in ("csv", "parquet"):
        assert f'href="{path}?format={format_}"' in page.text
        file = viewer.get(f"{path}?format={format_}")
        assert (file.status_code, file.headers["content-disposition"].endswith(f'.{format_}"')) == (200, True)
    headline = viewer.get(f"/reports?headline={name}", headers={"hx-request": "true", "hx-target": "div"})
    assert headline.status_code == 200
    assert "<html" not in headline.text


def test_the_file_for_programs_has_the_same_rows(company: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    file.write_bytes(company.sign_in("admin").get(f"{LEVELS}?by=team&format=parquet").content)
    with duckdb.connect() as reader:
        found = reader.execute("SELECT value, kept FROM read_parquet(?) ORDER BY 1", [str(file)]).fetchall()
    assert found == [("inbound", 25), ("south", 20)]


def test_the_headline_says_how_it_goes_and_where_to_look(company: Any) -> None:
    headline = company.sign_in("viewer").get("/reports?headline=service-levels")
    assert "45 kept, 15 missed" in text_of(headline)
    assert f'href="{LEVELS}#patterns"' in headline.text
    # Who misses more is not for everybody.
    assert "Hugo" not in text_of(headline)


def test_the_address_of_old_leads_on(company: Any) -> None:
    seen = company.sign_in("admin").get("/reports?by=team&team=inbound")
    assert (seen.status_code, seen.headers["location"]) == (307, f"{LEVELS}?by=team&team=inbound")


def test_the_period_goes_along_from_report_to_report(company: Any) -> None:
    admin = company.sign_in("admin")
    page = admin.get(f"{LEVELS}?period=365d&by=source&team=south").text
    assert f'href="{LEVELS}?period=365d&amp;team=south" aria-current="page"' in page
    chosen = 'href="/reports/service-levels?period=365d&amp;by=source&amp;team=south" aria-current="true"'
    assert chosen in page


def test_what_cannot_be_told_yet_says_so(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Much has happened that is still to be read, and nobody waits for it."""
    monkeypatch.setattr(facts, "_WINDOW", 1)
    monkeypatch.setattr(facts, "_PATIENCE_SECONDS", 0.0)
    admin = company.sign_in("admin")
    for path in (LEVELS, "/reports?headline=service-levels"):
        assert "Reports are being prepared" in text_of(admin.get(path)), path
    page, file = admin.get(LEVELS), admin.get(f"{LEVELS}?format=csv")
    assert (page.status_code, file.status_code) == (503, 503)
    assert page.headers["retry-after"] == "15"
    assert "Try again" in text_of(page)
    assert 'hx-trigger="load delay:15s"' in admin.get("/reports?headline=service-levels").text
