"""Which pictures of the pages stand in the documentation? Makes them anew: docs/pictures/*.png.

Always of the same moment, a Wednesday morning of the demonstration company, so that a picture changes only
with what it shows. Needs Chromium (LEADLANE_TEST_BROWSER names it).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, sync_playwright
from screenshots import ROOT, window
from tests.browser.chromium import launch
from tests.web.conftest import Site, opened_site, put_reference

from leadlane.app import App
from leadlane.config import Settings
from leadlane.service import demo, sign_in, users

FOLDER = ROOT / "docs" / "pictures"
NOW = datetime(2026, 3, 11, 10, 20, tzinfo=ZoneInfo("Europe/Berlin"))
DESK, PHONE = 1440, 390
# Of whom there is something to see at that moment.
REP, MANAGER = "boris", "olga"
_JUST_GIVEN = """
SELECT id FROM leads WHERE owner = %s AND stage = 'assigned' AND pool IS NOT NULL ORDER BY respond_by
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as somebody of the roster sees it; `{lead}` is one that the rep has just been given."""

    name: str
    path: str
    person: str
    width: int = DESK


PICTURES = (
    Picture("my-leads", "/my-leads", REP),
    Picture("my-leads-phone", "/my-leads", REP, PHONE),
    Picture("lead", "/leads/{lead}", REP),
    Picture("rulebook", "/rulebook", REP),
    Picture("now", "/now", MANAGER),
    Picture("coverage", "/coverage", MANAGER),
)


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="leadlane-pictures-") as folder,
        opened_site(Settings(data_dir=Path(folder)), _prepare, lambda: NOW) as site,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        tokens = {REP: _sign_in(site.app, REP, "rep"), MANAGER: _sign_in(site.app, MANAGER, "manager")}
        for picture in PICTURES:
            _take(browser, site, picture, tokens[picture.person])
        browser.close()


def _prepare(app: App) -> None:
    before = NOW - timedelta(weeks=3)
    put_reference(replace(app, now=lambda: before), "Olga Lis", "The reference policy")
    demo.load(app, weeks=2)


def _sign_in(app: App, person: str, role: str) -> str:
    with app.pool.connection() as connection:
        name = app.books.current(connection).roster.people[person].name
        user = users.add(connection, f"{person}@company.example", name, role, "pictures", NOW)
        users.link_person(connection, user.id, person, "pictures")
        return sign_in.enter(connection, user, sign_in.From("127.0.0.1", "pictures"), NOW).token


def _take(browser: Browser, site: Site, picture: Picture, token: str) -> None:
    path = picture.path.replace("{lead}", site.sql(_JUST_GIVEN, REP)[0][0])
    context = window(browser, picture.width, scale=2 if picture.width == PHONE else 1)
    context.add_cookies([{"name": "leadlane", "value": token, "url": site.url}])
    page = context.new_page()
    page.clock.set_fixed_time(NOW)
    page.goto(site.url + path, wait_until="load")
    page.wait_for_timeout(300)
    file = FOLDER / f"{picture.name}.png"
    page.screenshot(path=file)
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1024} kB")
    context.close()


if __name__ == "__main__":
    main()
