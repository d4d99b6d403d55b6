"""The pages in a real Chromium: a demonstration company, people of every role, what must hold everywhere."""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.browser.chromium import VARIABLE, executable, launch
from tests.conftest import FOLDER_VARIABLE, TEMPLATE
from tests.web.conftest import Site, opened_site, put_reference

from leadlane.app import App, open_app
from leadlane.config import Settings
from leadlane.service import api_keys, demo, hooks
from leadlane.store.server import maintenance_url

AXE = Path(__file__).parent / "vendor" / "axe.js"
COMPANY = "leadlane_company"
MAPPING = """hook: web-form
signature: {scheme: header}
fields:
  email: contact.mail
"""
SIZES = {1440: 900, 390: 844}
# Sums up how far things jump while a page is made, and keeps what the policy of the page refused.
_WATCH = """
window.shifts = 0; window.refused = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts += one.value;
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("securitypolicyviolation", (event) =>
  window.refused.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


_numbers = itertools.count(1)


@dataclass
class Seen:
    """One person's window: the page, and what went wrong in it so far."""

    page: Page
    site: Site
    problems: list[str] = field(default_factory=list)
    bytes_of: dict[str, int] = field(default_factory=dict)

    def open(self, path: str) -> Page:
        """Go to a page of ours, and wait until it is all there."""
        answer = self.page.goto(self.site.url + path, wait_until="load")
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        self.page.evaluate("document.fonts.ready")
        return self.page

    def check(self) -> None:
        """No errors, nothing from elsewhere, nothing refused, nothing that jumped."""
        assert self.problems == []
        assert self.page.evaluate("window.refused") == []
        assert self.page.evaluate("window.shifts") < 0.02

    def violations(self, *rules: str) -> list[str]:
        """What axe finds wrong for people who see, hear or move otherwise; by these rules, or by all."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = list(rules)
        found: dict[str, Any] = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{one['id']}: {one['help']} at {node['target']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]


See = Callable[..., Seen]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for all tests of a worker."""
    if executable() is None:
        if os.environ.get("CI"):
            pytest.fail(f"no Chromium is installed, and {VARIABLE} names none")
        pytest.skip(f"no Chromium is installed, and {VARIABLE} names none")
    with sync_playwright() as playwright:
        opened = launch(playwright)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def company_template(server_url: str) -> str:
    """The name of a database with the demonstration company, which all workers of the run copy."""
    folder = Path(os.environ[FOLDER_VARIABLE])
    with (folder / "company.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.fstat(lock.fileno()).st_size:
            with psycopg.connect(maintenance_url(server_url), autocommit=True) as maintenance:
                _create(maintenance, COMPANY, TEMPLATE)
            with open_app(Settings(database_url=make_conninfo(server_url, dbname=COMPANY))) as app:
                put_reference(app)
                demo.load(app, weeks=2)
                _set_up(app)
            lock.write("made")
    return COMPANY


def _set_up(app: App) -> None:
    """What admins add to a company: a key and a webhook."""
    now = app.now()
    with app.pool.connection() as connection:
        api_keys.create(connection, "Web form", ["intake"], now)
        hooks.put(connection, MAPPING, now, generate=True)


@pytest.fixture(scope="session")
def company(server_url: str, company_template: str) -> Iterator[Site]:
    """A server with the demonstration company, for tests that only look."""
    with served_copy(server_url, company_template, f"company_{os.getpid()}") as site:
        yield site


@pytest.fixture
def own_company(server_url: str, company_template: str) -> Iterator[Site]:
    """A server with a demonstration company of its own, for a test that acts."""
    with served_copy(server_url, company_template, f"company_{os.getpid()}_{next(_numbers)}") as site:
        yield site


@contextmanager
def served_copy(server_url: str, template: str, name: str) -> Iterator[Site]:
    with psycopg.connect(maintenance_url(server_url), autocommit=True) as maintenance:
        _create(maintenance, name, template)
        try:
            with opened_site(
                Settings(database_url=make_conninfo(server_url, dbname=name)), _as_it_is
            ) as site:
                yield site
        finally:
            maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _as_it_is(_app: App) -> None:
    """The company is there already."""


def _create(maintenance: psycopg.Connection, name: str, template: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log")
    maintenance.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


@pytest.fixture
def see(browser: Browser, company: Site) -> Iterator[See]:
    """Opens a window for somebody: `see("rep", "anna", width=390, theme="dark", site=…, scripts=True)`."""
    contexts: list[BrowserContext] = []

    def opened(
        role: str | None,
        person: str | None = None,
        *,
        width: int = 1440,
        theme: str = "light",
        language: str = "en",
        scripts: bool = True,
        site: Site | None = None,
    ) -> Seen:
        where = site or company
        context = browser.new_context(
            viewport={"width": width, "height": SIZES.get(width, 900)},
            color_scheme=theme,  # type: ignore[arg-type]
            locale=language,
            java_script_enabled=scripts,
            is_mobile=width < 600,
            has_touch=width < 600,
            reduced_motion="reduce",
        )
        contexts.append(context)
        if role is not None:
            token = where.session_token(role, person)
            context.add_cookies([{"name": "leadlane", "value": token, "url": where.url}])
        context.add_init_script(_WATCH)
        seen = Seen(context.new_page(), where)
        _watch(seen)
        return seen

    yield opened
    for context in contexts:
        context.close()


def _watch(seen: Seen) -> None:
    def requested(request: Any) -> None:
        if not request.url.startswith((seen.site.url, "data:")):
            seen.problems.append(f"asks elsewhere: {request.url}")

    def finished(request: Any) -> None:
        sizes = request.sizes()
        seen.bytes_of[request.url] = sizes["responseBodySize"] + sizes["responseHeadersSize"]

    def said(line: Any) -> None:
        if line.type in ("error", "warning"):
            seen.problems.append(line.text)

    seen.page.on("request", requested)
    seen.page.on("requestfinished", finished)
    seen.page.on("pageerror", lambda error: seen.problems.append(f"script: {error}"))
    seen.page.on(
        "console", lambda line: seen.problems.append(line.text) if line.type in ("error", "warning") else None
    )
