"""How do the pages look? Pictures of them from the demonstration company, in both widths and themes.

python tools/screenshots.py FOLDER /my-leads /rulebook ... [--role rep] [--person dora] [--language pl]
    [--width 390] [--theme dark] [--full]
    needs Chromium (LEADLANE_TEST_BROWSER names it); starts a Leadlane of its own, and removes it again
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser import gallery  # noqa: E402
from tests.browser.chromium import launch  # noqa: E402
from tests.web.conftest import Site, opened_site, put_reference  # noqa: E402

from leadlane.app import App  # noqa: E402
from leadlane.config import Settings  # noqa: E402
from leadlane.service import demo  # noqa: E402
from leadlane.web import application  # noqa: E402

WIDTHS = {1440: 900, 390: 844}
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")


def main() -> None:
    arguments = _arguments()
    application.MODULES = (*application.MODULES, gallery)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="leadlane-pictures-") as folder,
        opened_site(Settings(data_dir=Path(folder)), prepare) as site,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        token = site.session_token(arguments.role, arguments.person)
        pages = arguments.pages or ["/my-leads"]
        for width in arguments.width or WIDTHS:
            for theme in arguments.theme or THEMES:
                context = window(browser, width, theme, arguments.language, arguments.scale)
                context.add_cookies([{"name": "leadlane", "value": token, "url": site.url}])
                for path in pages:
                    page = context.new_page()
                    page.goto(site.url + known(site, path), wait_until="load")
                    page.wait_for_timeout(150)
                    name = re.sub(r"\W+", "-", path).strip("-") or "start"
                    file = arguments.folder / f"{name}-{width}-{theme}.png"
                    page.screenshot(path=file, full_page=arguments.full)
                    print(file)
                    page.close()
                context.close()
        browser.close()


def window(
    browser: Browser, width: int, theme: Theme = "light", language: str = "en", scale: float = 1
) -> BrowserContext:
    """A window of this width; a narrow one is that of a phone."""
    return browser.new_context(
        viewport={"width": width, "height": WIDTHS.get(width, 900)},
        color_scheme=theme,
        locale=language,
        device_scale_factor=scale,
        is_mobile=width < 600,
    )


def prepare(app: App) -> None:
    """Put the demonstration company in, with its last two weeks."""
    put_reference(app)
    demo.load(app, weeks=2)


def known(site: Site, path: str) -> str:
    """`{lead}` becomes the id of a lead that somebody has, `{person}` one of the roster."""
    if "{lead}" in path:
        rows = site.sql("SELECT id FROM leads WHERE stage = 'assigned' ORDER BY arrived_at DESC LIMIT 1")
        path = path.replace("{lead}", rows[0][0])
    return path.replace("{person}", "anna")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("pages", nargs="*", help="addresses; {lead} and {person} stand for one that there is")
    parser.add_argument("--role", default="rep")
    parser.add_argument("--person", default="anna", type=lambda text: text or None)
    parser.add_argument("--language", default="en")
    parser.add_argument("--width", type=int, action="append")
    parser.add_argument("--theme", choices=THEMES, action="append")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--full", action="store_true", help="the whole length of the page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
