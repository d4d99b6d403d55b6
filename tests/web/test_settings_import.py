"""Settings, Import: a file is checked before anything is written, mapped by hand, and imported."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.web.conftest import Site, Visitor, opened_site, text_of

from leadlane.config import Settings

IMPORT = "/settings/import"
PEOPLE = "Name,Email,Team,Time Zone\nRosa Blau,rosa@seller.example,dach,Europe/Berlin\n"


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    settings = Settings(database_url=database_url, data_dir=tmp_path, max_upload_bytes=200_000)
    with opened_site(settings) as opened:
        yield opened


@pytest.fixture
def admin(site: Site) -> Visitor:
    return site.sign_in("admin")


def send(visitor: Visitor, kind: str, content: str | bytes, name: str = "export.csv") -> httpx2.Response:
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', visitor.get("/account").text)
    assert token is not None
    data = {"csrf": token[1], "kind": kind, "encoding": ""}
    return visitor.post(IMPORT, data=data, files={"file": (name, content, "text/csv")})


def uploaded(visitor: Visitor, kind: str, content: str | bytes, name: str = "export.csv") -> str:
    """The page of a file that was uploaded and checked."""
    answer = send(visitor, kind, content, name)
    assert answer.status_code == 303, text_of(answer)
    return ended(visitor, answer.headers["location"])


def ended(visitor: Visitor, path: str) -> str:
    until = time.monotonic() + 30
    while "It goes on if you leave this page." in visitor.text(path):
        assert time.monotonic() < until
        time.sleep(0.1)
    return path


def test_people_are_seen_before_they_are_written(site: Site, admin: Visitor) -> None:
    path = uploaded(admin, "people", PEOPLE)
    text = admin.text(path)
    assert "Nothing is written yet." in text
    assert "1 new person" in text
    count = "SELECT count(*) FROM roster_entries WHERE content ->> 'name' = 'Rosa Blau'"
    assert site.sql(count) == [(0,)]
    assert admin.submit(f"{path}/run", seen=path).status_code == 303
    assert "1 row is imported." in admin.text(ended(admin, path))
    assert site.sql(count) == [(1,)]
    assert "export.csv" in admin.text(IMPORT)


def test_refused_rows_are_told_and_downloaded(site: Site, admin: Visitor) -> None:
    rows = "Company Name,Domain,Country\nNorthwind,northwind.example,DE\n<b>Bad,gmail.com,Atlantis\n"
    path = uploaded(admin, "accounts", rows)
    shown = admin.get(path)
    assert "line 3" in text_of(shown)
    assert "1 refused" in text_of(shown)
    assert "<b>Bad" not in shown.text
    assert admin.get(f"{path}/refused").status_code == 404
    admin.submit(f"{path}/run", seen=path)
    ended(admin, path)
    refused = admin.get(f"{path}/refused")
    assert "export.rejected.csv" in refused.headers["content-disposition"]
    assert "<b>Bad" in refused.text
    assert "Northwind" not in refused.text
    assert site.sql("SELECT id FROM accounts WHERE name = 'Northwind'") == [("northwind.example",)]


def test_columns_are_mapped_by_hand(site: Site, admin: Visitor) -> None:
    path = uploaded(admin, "accounts", "Wer,Wo im Netz\nNorthwind,northwind.example\n")
    assert "no column is known" in admin.text(path)
    fields = {"column-name": "Wer", "column-company_domain": "Wo im Netz", "column-city": "no such column"}
    assert admin.submit(f"{path}/check", seen=path, **fields).status_code == 303
    assert "1 new account" in admin.text(ended(admin, path))


def test_a_file_of_other_letters_is_read_again(site: Site, admin: Visitor) -> None:
    path = uploaded(admin, "accounts", "name;domain\nŻółw;zolw.example\n".encode("cp1250"))
    assert "Żółw" not in admin.text(path)
    assert admin.submit(f"{path}/check", seen=path, encoding="cp1250").status_code == 303
    assert "Żółw" in admin.text(ended(admin, path))
    assert admin.submit(f"{path}/check", seen=path, encoding="rot13").status_code == 422
    admin.submit(f"{path}/run", seen=path)
    ended(admin, path)
    assert site.sql("SELECT name FROM accounts WHERE id = 'zolw.example'") == [("Żółw",)]


def test_of_many_refused_rows_the_first_are_told(site: Site, admin: Visitor) -> None:
    rows = "Company Name,Website\n" + "".join(f"C{n},www{n}.northwind.example\n" for n in range(30))
    text = admin.text(uploaded(admin, "accounts", rows))
    assert "The first 20 of 29." in text
    assert "row 1 of the data is of “northwind.example” already" in text


def test_leads_are_checked_and_routed(site: Site, admin: Visitor) -> None:
    rows = "Email,Company,Country\nada@northwind.example,Northwind,DE\nnot an address,X,DE\n"
    path = uploaded(admin, "leads", rows)
    text = admin.text(path)
    assert "1 can be routed" in text
    assert "1 refused" in text
    assert site.sql("SELECT count(*) FROM leads") == [(0,)]
    admin.submit(f"{path}/run", seen=path)
    assert "1 new, decided and placed" in admin.text(ended(admin, path))
    assert site.sql("SELECT count(*) FROM leads") == [(1,)]
    # Again: the same rows are the same leads.
    path = uploaded(admin, "leads", rows)
    admin.submit(f"{path}/run", seen=path)
    assert "1 already there" in admin.text(ended(admin, path))


def test_what_cannot_be_read_says_so(site: Site, admin: Visitor) -> None:
    path = uploaded(admin, "leads", b"PK\x03\x04 a workbook", "../../etc/<b>.csv")
    text = admin.text(path)
    assert "Excel" in text or "workbook" in text
    assert str(site.app.settings.data_dir) not in text
    answer = send(admin, "leads", b"")
    assert answer.status_code == 422
    assert "This file is empty." in text_of(answer)
    answer = send(admin, "nonsense", PEOPLE)
    assert answer.status_code == 422
    assert "Choose what is in the file." in text_of(answer)
    assert send(admin, "people", b"x" * 300_000).status_code == 413
    assert admin.get(f"{IMPORT}/..%2f..%2fetc").status_code == 404


def test_only_admins_may_send_files(site: Site, admin: Visitor) -> None:
    assert send(site.sign_in("manager"), "people", PEOPLE).status_code == 403
    assert admin.post(IMPORT, files={"file": ("x.csv", PEOPLE, "text/csv")}).status_code == 403
    assert not (site.app.settings.data_dir / "imports").exists()


def test_a_file_is_deleted(site: Site, admin: Visitor) -> None:
    path = uploaded(admin, "people", PEOPLE)
    assert admin.submit(f"{path}/forget", seen=path).status_code == 303
    assert admin.get(path).status_code == 404
    assert list((site.app.settings.data_dir / "imports").iterdir()) == []
