"""Audits of files: columns found, files put together, known truths, and a policy that can be used."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest

from leadlane.errors import LeadlaneError
from leadlane.i18n import language
from leadlane.insight.conversion import Conversion, Dimension
from leadlane.insight.costs import ASSUMPTIONS
from leadlane.insight.page import page
from leadlane.intake.dates import read_datetime
from leadlane.policy.check import check_against
from leadlane.policy.hours import DEFAULT_HOURS, weekly_hours
from leadlane.policy.load import read_policy
from leadlane.policy.roster import read_roster
from leadlane.service.auditing import audit_prospects
from leadlane.service.auditing.audit import Audited, AuditFiles, audit_files
from leadlane.service.auditing.audit_columns import NAMES
from leadlane.service.auditing.audit_leads import Reading
from leadlane.service.auditing.audit_policy import first_policy

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"
UTC = ZoneInfo("UTC")
HOURS = weekly_hours(DEFAULT_HOURS)


def shared(*names: str) -> list[str]:
    paths = [SHARED / name for name in names]
    if not all(path.is_file() for path in paths):
        pytest.skip(f"the data set {names[0]} is not there")
    return [str(path) for path in paths]


def write(path: Path, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([headers, *rows])
    return str(path)


def audited(
    paths: Sequence[str] | str,
    *,
    since: str | None = None,
    mapping: dict[str, str] | None = None,
    **reading: object,
) -> Audited:
    files = AuditFiles(
        [paths] if isinstance(paths, str) else paths,
        Reading(UTC, **reading),  # type: ignore[arg-type]
        HOURS,
        mapping or {},
        since=None if since is None else read_datetime(since, UTC),
    )
    return audit_files(files)


def policy_problems(found: Audited) -> list[str]:
    """The problems of the first policy and roster, each and together."""
    written = first_policy(found, AuditFiles([], Reading(UTC), HOURS))
    policy, problems = read_policy(written["policy.yaml"])
    roster, more = read_roster(written["roster.yaml"])
    problems += more
    if policy is not None and roster is not None:
        problems += check_against(policy, roster, written["policy.yaml"].encode(), "policy.yaml")
    return [f"{problem.line}: {problem.found}; {problem.expected}" for problem in problems]


def dimension(found: Audited, column: str) -> Dimension:
    return next(one for one in conversion(found).dimensions if one.column == column)


def conversion(found: Audited) -> Conversion:
    assert found.audit.conversion is not None
    return found.audit.conversion


# ---------------------------------------------------------------- known truths


def olist() -> list[str]:
    names = ("closed_deals", "marketing_qualified_leads", "sellers")
    return shared(*(f"olist_marketing_funnel/olist_{name}_dataset.csv" for name in names))


def test_olist_leads_of_2018() -> None:
    found = audited(olist(), since="2018-01-01")
    assert conversion(found).overall.value == pytest.approx(0.130, abs=0.0005)
    assert conversion(found).base == "all"
    rates = {row.name: row.rate.value for row in dimension(found, "origin").groups}
    truth = {"unknown": 0.207, "paid_search": 0.148, "organic_search": 0.147, "social": 0.063, "email": 0.040}
    for name, share in truth.items():
        assert rates[name] == pytest.approx(share, abs=0.0005)
    assert dimension(found, "origin").is_finding
    assert list(conversion(found).won_only) == ["business_segment", "sr_id"]
    assert found.audit.unowned is None
    # The 14.7 days of the known truth are of all wins; those of the leads of 2018 are soon ones.
    assert found.audit.time_to_win is not None
    assert found.audit.time_to_win.value == pytest.approx(12.9, abs=0.05)
    assert found.audit.time_to_win_ever is not None
    assert found.audit.time_to_win_ever.value == pytest.approx(14.7, abs=0.05)
    assert "Of all wins in the files it was 14.7 days" in page(found.report)


def test_olist_from_contact_to_win_and_since_when_wins_are_written_down() -> None:
    found = audited(olist())
    days = found.audit.time_to_win
    assert days is not None
    assert days.value == pytest.approx(14.7, abs=0.05)
    assert conversion(found).recorded_from is not None
    assert f"{conversion(found).recorded_from:%Y-%m-%d}" == "2017-12-05"
    assert "waiting" in found.audit.missing


def test_maven_agents_regions_and_products_are_told_nothing_about() -> None:
    names = ("sales_pipeline", "accounts", "sales_teams", "products")
    found = audited(shared(*(f"maven_crm/{name}.csv" for name in names)))
    p = {one.column: one.test.p for one in conversion(found).dimensions}
    truth = {"sales_agent": 0.26, "regional_office": 0.60, "product": 0.37, "sector": 0.97}
    assert {column: round(p[column], 2) for column in truth} == truth
    assert not any(one.is_finding for one in conversion(found).dimensions)
    said = page(found.report)
    assert "differ by more than chance (" not in said
    assert "nothing is claimed about them" in said
    assert policy_problems(found) == []


def test_salvirt_sellers_differ_and_may_be_confounded() -> None:
    found = audited(shared("salvirt_b2b_sales/Salvirt_B2B_ML_dataset_HF.csv"))
    seller = dimension(found, "Seller")
    assert [round(row.rate.value, 3) for row in seller.groups[:3]] == [0.669, 0.333, 0.246]
    assert seller.is_finding
    assert seller.is_confounded
    assert seller.alike is not None
    assert {"Client", "Product"} <= {column for column, _strength in seller.alike.confounders}
    section = next(one for one in found.report.sections if one.heading.endswith("Seller"))
    assert any("may be confounded" in caution for caution in section.cautions)
    assert found.audit.first is None
    assert policy_problems(found) == []


def test_bpi_2012_is_a_log_with_a_program_and_outcomes_that_are_named() -> None:
    found = audited(
        shared("bpi2012/bpi_challenge_2012.csv.gz"),
        won=("A_ACTIVATED",),
        lost=("A_DECLINED", "A_CANCELLED"),
    )
    assert found.audit.leads.count == 13_087
    assert any("112" in note for note in found.report.sections[-1].says)
    outcome = found.audit.leads.outcome
    assert outcome is not None
    assert ((outcome == 1).sum(), (outcome == 0).sum()) == (2246, 2807 + 7635)
    assert found.audit.waiting is not None
    assert found.audit.hand_offs is not None
    assert list(conversion(found).last) == ["resource"]
    assert policy_problems(found) == []


def test_volvo_and_servicenow_are_audited_for_hand_offs() -> None:
    volvo = audited(shared("bpi2013_volvo/vinst_incidents.csv.gz")).audit
    assert volvo.leads.count == 7554
    assert volvo.hand_offs is not None
    assert volvo.hand_offs.by == "team"
    assert volvo.hand_offs.ping_pong is not None
    # From the log alone, counted another way: a team that comes back after another.
    assert volvo.hand_offs.ping_pong_cases == ping_pong_cases(SHARED / "bpi2013_volvo/vinst_incidents.csv.gz")
    snow = audited(shared("servicenow_incidents/incident_event_log_excerpt.csv")).audit
    assert snow.leads.count == 890
    assert snow.waiting is None
    assert "responded_at" in snow.asked.useless


def ping_pong_cases(path: Path) -> int:
    rows: dict[str, list[tuple[str, int, str]]] = {}
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            moment = read_datetime(row["Change Date+Time"], UTC).isoformat()
            rows.setdefault(row["SR Number"], []).append((moment, number, row["Involved ST"]))
    found = 0
    for events in rows.values():
        teams = [team for _moment, _number, team in sorted(events)]
        stays = [team for at, team in enumerate(teams) if at == 0 or teams[at - 1] != team]
        found += len(stays) > len(set(stays))
    return found


# ---------------------------------------------------------------- columns and files

HUBSPOT = ("Record ID", "Create Date", "Contact owner", "Original Source", "Lifecycle Stage", "Email")


def leads_file(path: Path, count: int = 60) -> str:
    rows = [
        (
            number,
            f"2026-03-{1 + number % 28:02} 10:{number % 60:02}",
            ("Anna", "Boris", "")[number % 3],
            ("web", "event")[number % 2],
            "x",
            f"p{number}@firm{number}.example",
        )
        for number in range(count)
    ]
    return write(path, HUBSPOT, rows)


def test_the_documentation_shows_all_names_and_assumptions() -> None:
    text = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")
    cells = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    rows = {(row[1].strip(), row[3].strip()) for row in cells}
    assert {(f"`{role}`", ", ".join(names)) for role, names in NAMES.items()} <= rows
    assert all(f"`{name}`" in text for name in ASSUMPTIONS)


def test_deals_are_put_beside_the_contacts_that_they_name(tmp_path: Path) -> None:
    leads = leads_file(tmp_path / "contacts.csv")
    deals = write(
        tmp_path / "deals.csv",
        ("Record ID", "Associated Contact IDs", "Deal Stage", "Amount", "Close Date", "Create Date"),
        [
            (9000 + n, n, ("Closed Won", "Closed Lost")[n % 2], 1000 * n, "2026-05-01", "2026-04-01")
            for n in range(40)
        ],
    )
    found = audited([leads, deals]).audit
    assert found.leads.count == 60
    assert conversion(audited([deals, leads])).overall.count == 40
    assert found.leads.numbers["deal_value"][3] == 3000
    # The arrival is that of the contact, not that of the deal.
    assert found.first is not None
    assert found.first.isoformat() == "2026-03-01T10:00:00+00:00"


def test_exports_of_two_months_are_one(tmp_path: Path) -> None:
    paths = [leads_file(tmp_path / f"{name}.csv") for name in ("january", "february")]
    found = audited(paths).audit
    assert found.leads.count == 120
    assert found.load is not None
    assert found.load.people[0][1] == 40


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    other = write(tmp_path / "other.csv", ("Colour", "Taste"), [("red", "sour")])
    with pytest.raises(LeadlaneError, match="shares no column"):
        audited([leads_file(tmp_path / "leads.csv"), other])


def test_parquet_and_gzip_say_the_same_as_csv(tmp_path: Path) -> None:
    plain = leads_file(tmp_path / "leads.csv")
    duckdb.sql(f"COPY (FROM read_csv('{plain}')) TO '{tmp_path}/leads.parquet' (FORMAT parquet)")
    with gzip.open(tmp_path / "leads.csv.gz", "wb") as packed:
        packed.write(Path(plain).read_bytes())
    expected = audited(plain).audit
    # Its name is no pattern, which would have meant another file.
    duckdb.sql(f"COPY (SELECT 1 AS x) TO '{tmp_path}/leads 2.parquet' (FORMAT parquet)")
    (tmp_path / "leads.parquet").rename(tmp_path / "leads [2].parquet")
    for name in ("leads [2].parquet", "leads.csv.gz"):
        found = audited(str(tmp_path / name)).audit
        assert found.first == expected.first
        assert found.unowned == expected.unowned


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "leads.jsonl"
    path.write_text('{"created": "2026-03-02T10:00Z", "owner": "Anna"}\n{"created": "2026-03-03T10:00Z"}\n')
    found = audited(str(path)).audit
    assert found.unowned is not None
    assert found.unowned.count == 1


@pytest.mark.parametrize("content", [b"PAR1 no", b"\x1f\x8b no"])
def test_damaged_files_are_refused_with_their_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(LeadlaneError, match="broken"):
        audited(str(path))


def test_a_column_is_named_by_map_and_what_is_wrong_with_that_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", ("when", "who"), [("2026-03-02", "Anna"), ("2026-03-03", "")])
    found = audited(path, mapping={"arrived_at": "when", "owner": "who"}).audit
    assert found.unowned is not None
    with pytest.raises(LeadlaneError, match="no column"):
        audited(path)
    left_out = audited(path, mapping={"arrived_at": "when", "owner": ""}).audit
    assert left_out.unowned is None
    with pytest.raises(LeadlaneError, match="no role"):
        audited(path, mapping={"ownr": "who"})
    with pytest.raises(LeadlaneError, match="no file has a column"):
        audited(path, mapping={"owner": "whom"})


def test_values_that_cannot_be_read_count_as_empty_and_are_told(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.csv",
        ("Created", "Owner", "Amount"),
        [("2026-03-02", "Anna", "1000"), ("soon", "Anna", "much"), ("2026-03-04", "", "2000")],
    )
    found = audited(path)
    assert np.isnan(found.audit.leads.instants["arrived_at"]).tolist() == [False, True, False]
    said = " ".join(found.report.sections[-1].says)
    assert "“soon”" in said
    assert "“much”" in said


def test_the_order_of_day_and_month_is_found_or_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", ("Created", "Owner"), [("03/02/2026", "Anna"), ("25/02/2026", "Anna")])
    assert f"{audited(path).audit.first:%m-%d}" == "02-03"
    unclear = write(tmp_path / "y.csv", ("Created", "Owner"), [("03/02/2026", "Anna"), ("04/02/2026", "")])
    assert audited(unclear).audit.first is None
    assert f"{audited(unclear, day_first=False).audit.first:%m-%d}" == "03-02"


def test_what_cannot_be_said_names_the_column(tmp_path: Path) -> None:
    found = audited(leads_file(tmp_path / "leads.csv"))
    missing = next(one for one in found.report.sections if one.id == "missing")
    text = " ".join(cell for row in missing.grids[0].rows for cell in row.cells)
    assert "First Response At" in text
    assert "--map responded_at=COLUMN" in text


# ---------------------------------------------------------------- duplicates and the first policy


def prospects_file(path: Path) -> str:
    rows = [
        (
            "Anna",
            "Meier",
            f"anna@firm{number}.example",
            f"+49 30 {5550000 + number}",
            f"Firm {number} GmbH",
            "Boris",
        )
        for number in range(40)
    ]
    rows.append(("Anna", "Meier", "Anna+news@firm7.example", "", "Firm 7", "Clara"))
    rows.append(("A.", "Meier", "", "+49 30 5550009", "", "Clara"))
    return write(path, ("First Name", "Last Name", "Email", "Phone", "Company", "Owner"), rows)


@pytest.mark.parametrize("compared", [True, False])
def test_the_same_prospect_in_several_hands(
    tmp_path: Path, compared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By comparing all, and by keys alone, as in large files."""
    if not compared:
        monkeypatch.setattr(audit_prospects, "COMPARED", 0)
    found = audited(prospects_file(tmp_path / "leads.csv")).audit.duplicates
    assert found is not None
    assert found.compared_all == compared
    assert found.hands_prospects == (found.surplus_leads if compared else 2)
    assert found.surplus_leads >= 1


def test_the_first_policy_has_the_people_teams_and_markets_of_the_files(tmp_path: Path) -> None:
    headers = ("Created", "Owner", "Owner Level", "Team", "Country", "Deal Stage", "Amount")
    people = (("Anna Ó'Neil", "Senior AE", "North"), ("1e5", "Junior", "South"), ("yes", "Mid", "North"))
    rows = [
        ("2026-03-02T10:00Z", *people[n % 3], ("DE", "NO", "Narnia")[n % 3], "won", 100 * n)
        for n in range(90)
    ]
    found = audited(write(tmp_path / "x.csv", headers, rows))
    assert policy_problems(found) == []
    written = first_policy(found, AuditFiles([], Reading(UTC), HOURS))
    policy, _problems = read_policy(written["policy.yaml"])
    assert policy is not None
    assert [segment.name for segment in policy.segments] == ["de", "no", "rest"]
    assert {"senior-ae", "mid-ae", "junior-ae", "revops"} == set(policy.pools)
    roster, _more = read_roster(written["roster.yaml"])
    assert roster is not None
    assert set(roster.people) == {"anna-o-neil", "1e5", "yes", "reviewer"}


def test_files_without_people_get_a_policy_too(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", ("Created", "Source"), [("2026-03-02", "web"), ("2026-03-09", "event")])
    assert policy_problems(audited(path)) == []


@pytest.mark.parametrize("code", ["en", "it", "pl"])
def test_the_report_is_in_the_language_of_its_reader(tmp_path: Path, code: str) -> None:
    with language(code):
        html = page(audited(leads_file(tmp_path / "leads.csv")).report)
    assert f'<html lang="{code}">' in html
    assert {"en": "33.3%", "it": "33,3%", "pl": "33,3%"}[code] in html


def test_the_page_needs_nothing_else_and_escapes_what_files_say(tmp_path: Path) -> None:
    rows = [("2026-03-02", "<script>alert(1)</script>"), ("2026-03-03", "Anna & Co")]
    html = page(audited(write(tmp_path / "x.csv", ("Created", "Owner"), rows)).report)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "http://" not in html
    assert "https://" not in html
    assert html.count("<h1>") == 1
