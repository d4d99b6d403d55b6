"""Which browser are the pages tried in? The Chromium of this machine."""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import Browser, Playwright

VARIABLE = "LEADLANE_TEST_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def executable() -> str | None:
    """The path of the browser: LEADLANE_TEST_BROWSER, else the first that there is; None if there is none."""
    return os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright) -> Browser:
    """A browser without a window."""
    arguments = [
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--force-prefers-reduced-motion",
        "--hide-scrollbars",
    ]
    return playwright.chromium.launch(executable_path=executable(), args=arguments)
