"""An admin sets up: a key, a webhook that is mended, a file; by mouse, on a phone, without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect
from tests.web.conftest import opened_site

from leadlane.config import Settings

MAPPING = """hook: own-form
signature: {scheme: header}
fields:
  email: contact.mail
"""


@pytest.fixture
def setting(database_url: str, tmp_path: Path) -> Iterator[Any]:
    with opened_site(Settings(database_url=database_url, data_dir=tmp_path)) as opened:
        yield opened


@pytest.mark.parametrize("width", [1440, 390])
def test_a_key_a_webhook_and_its_failure(see: Any, setting: Any, width: int) -> None:
    seen = see("admin", None, site=setting, width=width)
    page = seen.open("/settings")
    page.get_by_role("link", name="API keys").click()
    page.get_by_label("What uses it").fill("Web form")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_label("Secret")).to_have_value(re.compile("^ll_"))
    seen.open("/settings/keys")
    page.get_by_role("button", name="Revoke").click()
    page.locator("dialog").get_by_role("button", name="Revoke").click()
    expect(page.locator(".toast", has_text="Web form is revoked.")).to_be_visible()

    seen.open("/settings/hooks/new")
    page.get_by_label("Mapping").fill(MAPPING.replace("fields", "feilds"))
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".set-problems")).to_contain_text("feilds")
    page.get_by_label("Mapping").fill(MAPPING)
    page.get_by_role("button", name="Save").click()
    address = page.get_by_label("Address that the sender calls").input_value()
    secret = page.get_by_label("The secret of the sender").input_value()
    sent = httpx2.post(address, json={"mail": "ada@northwind.example"}, headers={"x-hook-secret": secret})
    assert sent.json()["state"] == "failed"
    seen.open("/settings/hooks/own-form")
    page.get_by_role("link", name=re.compile("Delivery")).click()
    assert seen.violations() == []
    page.get_by_role("button", name="Mend the mapping").click()
    assert seen.violations() == []
    page.get_by_label("Mapping").fill(MAPPING.replace("contact.mail", "mail"))
    page.get_by_role("button", name="Save").click()
    assert seen.violations() == []
    page.get_by_role("button", name="Route all that failed again").click()
    expect(page.locator(".toast", has_text="1 of 1 is done.")).to_be_visible()
    seen.check()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_file_is_checked_and_imported(see: Any, setting: Any, tmp_path: Path, scripts: bool) -> None:
    file = tmp_path / "crm.csv"
    file.write_text("Wer,Domain\nNorthwind,northwind.example\nBad,gmail.com\n", encoding="utf-8")
    seen = see("admin", None, site=setting, scripts=scripts)
    page = seen.page
    page.goto(setting.url + "/settings/import")
    page.get_by_label(re.compile("Accounts")).check()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload and check").click()
    expect(page.locator("main")).to_contain_text("Nothing is written yet.", timeout=15_000)
    expect(page.locator("main")).to_contain_text("gmail.com gives mailboxes to anybody")
    if scripts:
        assert seen.violations() == []
    page.get_by_label("Name", exact=True).select_option("Wer")
    page.get_by_role("button", name="Check again").click()
    expect(page.locator("tbody").last).to_contain_text("Northwind")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("main")).to_contain_text("1 row is imported.")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the refused rows").click()
    assert "gmail.com" in Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert setting.sql("SELECT id FROM accounts WHERE name = 'Northwind'") == [("northwind.example",)]
