"""What holds on every page, in both widths and themes: for everybody, from here alone, no jumps, no errors.

Every page that is registered is visited; one that is added is covered by that.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.test_reviews import BEGIN, END, FINDING, ITEMS

from leadlane.service import sign_in, users
from leadlane.service.quarterly.quarter import Quarterly, as_json
from leadlane.service.quarterly.review_verdicts import give
from leadlane.store.review_verdicts import keep_review
from leadlane.web.application import all_pages
from leadlane.web.live import PATH as LIVE
from leadlane.web.roles import TABLE

WIDTHS = (1440, 390)
# An address of each kind of thing, for the pages that are about one.
SAMPLES = {
    "lead_id": "SELECT id FROM leads WHERE owner = 'anna' AND stage = 'assigned' ORDER BY id LIMIT 1",
    "review_id": "SELECT id FROM leads WHERE stage = 'review' ORDER BY id LIMIT 1",
    "person_id": "SELECT 'anna'",
    "account_id": "SELECT id FROM accounts ORDER BY id LIMIT 1",
    "user_id": "SELECT id FROM users ORDER BY id LIMIT 1",
    "route_name": "SELECT 'hot-weak'",
    "key_id": "SELECT id FROM api_keys ORDER BY id LIMIT 1",
    "hook": "SELECT 'web-form'",
    "policy_version": "SELECT version FROM publications ORDER BY number LIMIT 1",
}
# Numbers mean something else on every page.
NUMBERS = {"/workshop/history/{number:int}": "SELECT number FROM publications ORDER BY number LIMIT 1"}
MOST_BYTES = 150_000


def invitation(site: Any) -> str:
    """The query of a link by which somebody new chooses a password."""
    with site.app.pool.connection() as connection:
        site.session_token("viewer")
        user = users.find(connection, "viewer.nobody@leadlane.example")
        token, _expires_at = sign_in.make_link(connection, user, "invitation", site.app.now())
    return f"?link={token}"


def reviewed(site: Any) -> str:
    """The query of an accepted finding, of a review that is there."""
    review = Quarterly("2025Q4", BEGIN, END, END, "v1", "EUR", 1000, 600, 120, ITEMS, [], [])
    with site.app.pool.connection() as connection:
        keep_review(connection, review.name, "en", as_json(review), END)
        give(connection, FINDING, review.name, "accepted", "anna", "", END)
    return f"?period={review.name}&finding={FINDING.key}"


_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What some pages are nothing without.
QUERIES = {
    "/welcome": invitation,
    "/reports/review/dismiss": reviewed,
    "/reports/review/roster": reviewed,
}


def address(site: Any, path: str) -> str | None:
    """A page's address with what it is about; None if there is no such thing in the demonstration company."""
    samples = SAMPLES | ({"number": NUMBERS[path]} if path in NUMBERS else {})
    for name, statement in samples.items():
        for form in (f"{{{name}}}", f"{{{name}:path}}", f"{{{name}:int}}"):
            if form in path:
                rows = site.sql(statement)
                if not rows:
                    return None
                path = path.replace(form, str(rows[0][0]))
    return None if "{" in path else path


PAGES = [page for page in all_pages() if page.method == "GET" and page.path != LIVE]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_is_for_everybody_and_keeps_still(page: Any, see: Any, company: Any) -> None:
    role = TABLE[page.capability][0] if page.capability is not None else None
    # Whoever may, as somebody who has leads.
    person = "anna" if role in ("admin", "rep") else None
    if role is not None:
        company.session_token(role, person)
    path = address(company, page.path)
    if path is None:
        pytest.skip(f"nothing in the demonstration company for {page.path}")
    if page.path in QUERIES:
        path += QUERIES[page.path](company)
    for width in WIDTHS:
        seen = see(role, person, width=width)
        seen.open(path)
        seen.check()
        assert seen.violations() == [], (path, width)
        # Another theme is other colours, and nothing else.
        seen.page.emulate_media(color_scheme="dark")
        assert seen.violations("color-contrast") == [], (path, width, "dark")
        wider = seen.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wider <= 0, (path, width, "wider than the screen", wider)
        seen.page.context.close()


@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_first_page_is_light(see: Any, language: str) -> None:
    seen = see("rep", "anna", language=language)
    seen.open("/my-leads")
    assert sum(seen.bytes_of.values()) < MOST_BYTES, seen.bytes_of
