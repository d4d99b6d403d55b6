"""The page of reports: what it shows, to whom, and what it says to what it cannot show."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import httpx2
import pytest

from leadlane.service.report_files import COLUMNS

from .conftest import text_of


def promised(site: Any, id_: str, owner: str, *, kept: bool, source: str = "fair") -> None:
    """A lead whose promise ended yesterday."""
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


@pytest.fixture
def company(site: Any) -> Any:
    """Hugo misses 15 of 20, Ida and Gina none; all came at the same hour."""
    for number in range(20):
        promised(site, f"h{number}", "hugo", kept=number >= 15)
        promised(site, f"i{number}", "ida", kept=True)
        promised(site, f"g{number}", "gina", kept=True, source="<script>alert(1)</script>")
    return site


def test_nothing_promised_says_what_a_promise_is(site: Any) -> None:
    seen = site.sign_in("viewer").get("/reports")
    assert seen.status_code == 200
    assert "No promise ended in this time" in text_of(seen)


def test_the_report(company: Any) -> None:
    text = text_of(company.sign_in("admin").get("/reports"))
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
    text = text_of(company.sign_in(role, person).get("/reports"))
    assert ("of comparable promises of others" in text) == is_named
    assert ("Who may need help" in text) == (role != "viewer")


def test_it_is_not_for_reps(company: Any) -> None:
    rep = company.sign_in("rep", "hugo")
    assert [rep.get(path).status_code for path in ("/reports", "/reports?format=csv")] == [403, 403]


def test_groups_filters_and_hostile_names(company: Any) -> None:
    admin = company.sign_in("admin")
    seen = admin.get("/reports?by=source&team=south")
    assert "<script>alert" not in seen.text
    assert "20 kept, 0 missed" in text_of(seen)
    assert "Nothing was missed." in text_of(seen)
    assert "No promise ended" in text_of(admin.get("/reports?since=2020-01-01&until=2020-02-01"))


def test_the_file_is_of_what_the_page_shows(company: Any) -> None:
    admin = company.sign_in("admin")
    page = admin.get("/reports?by=team&team=inbound")
    assert 'href="/reports?by=team&amp;team=inbound&amp;format=csv"' in page.text
    file: httpx2.Response = admin.get("/reports?by=team&team=inbound&format=csv")
    assert file.headers["content-disposition"] == 'attachment; filename="service-levels-by-team.csv"'
    (row,) = csv.DictReader(StringIO(file.text))
    assert tuple(row) == COLUMNS
    assert (row["value"], row["kept"], row["missed"]) == ("inbound", "25", "15")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("by=colour", "There is no such grouping."),
        ("team=nobody", "There is no team of this id."),
        ("since=soon", "a date or a date and time is meant"),
        ("since=2026-02-02&until=2026-02-01", "it is not after the beginning"),
        ("since=2999-01-01", "it has not begun yet"),
        ("period=soon", "a year, quarter, month or days are meant"),
    ],
)
def test_what_cannot_be_shown_is_said_beside_the_field(site: Any, query: str, said: str) -> None:
    admin = site.sign_in("admin")
    page, file = admin.get(f"/reports?{query}"), admin.get(f"/reports?{query}&format=csv")
    assert (page.status_code, file.status_code) == (422, 422)
    assert said in text_of(page)
    assert said in text_of(file)
