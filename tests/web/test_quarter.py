"""The page of the quarterly review: made in the background, shown, decided on, remembered."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from tests.service.quarterly.test_balance import POLICY, ROSTER
from tests.web.conftest import Site, Visitor, opened_site, text_of

from leadlane.app import App
from leadlane.config import Settings
from leadlane.core.facts import LEAD_FIELDS
from leadlane.insight.findings import Finding
from leadlane.intake.leads import read_lead
from leadlane.policy.roster import read_roster
from leadlane.service import users
from leadlane.service.batch import route_batch
from leadlane.service.drafts import open_draft
from leadlane.service.publish import current_document, publish
from leadlane.service.quarterly import quarter_verbs, review_verdicts
from leadlane.service.quarterly.quarter import Item, as_json
from leadlane.service.roster import put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import submission
from leadlane.store import review_verdicts as store

HOME = "/reports/review"
PAGE = f"{HOME}?period=2026Q1"
BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)
WEEKS = 12
TERRITORY = "territory:poland-south"
SHORT = "territory:silvio-north"


def arrive(app: App, a_week: dict[str, int]) -> None:
    document, _problems = read_roster(ROSTER, "roster.yaml")
    assert document is not None
    books = Rulebooks()
    with app.pool.connection() as connection:
        put_roster(connection, document, "tester", BEGIN)
        publish(connection, POLICY, "policy.yaml", "tester", "the first", BEGIN)
        for week in range(WEEKS):
            at = BEGIN + week * timedelta(weeks=1)
            batch = []
            for country, count in a_week.items():
                for n in range(count):
                    raw = {
                        "id": f"{country}-{week}-{n}",
                        "email": f"p{n}@{country.lower()}{week}.example",
                        "country": country,
                        "language": country.lower(),
                    }
                    given, _wrong = read_lead(raw, LEAD_FIELDS, at, UTC)
                    assert given is not None
                    batch.append(submission(given, "test", at))
            route_batch(connection, books, batch, at)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Two teams after a quarter in which the north got more than its people could take."""
    settings = Settings(database_url=database_url)
    with opened_site(settings, lambda app: arrive(app, {"DE": 8, "PL": 9, "IT": 5}), lambda: NOW) as opened:
        yield opened


def make(visitor: Visitor, **assumed: str) -> str:
    """The page once the review has been made."""
    assert visitor.submit(f"{HOME}/make", period="2026Q1", **assumed).status_code == 303
    for _try in range(600):
        answer = visitor.get(PAGE)
        if 'hx-trigger="every' not in answer.text:
            return answer.text
        time.sleep(0.1)
    raise AssertionError("the review is never done")


def decide(visitor: Visitor, verb: str, **fields: Any) -> Any:
    return visitor.submit(f"{HOME}/{verb}", period="2026Q1", finding=TERRITORY, **fields)


def test_the_last_full_quarter_is_meant_and_there_is_none_yet(site: Site) -> None:
    said = site.sign_in("viewer").text(HOME)
    assert "There is no review of 2026Q1 yet" in said
    assert "2025Q4" in said
    assert "Whoever edits policy drafts can make it" in said
    assert f"{HOME}/make" in site.sign_in("manager").get(HOME).text
    assert site.sign_in("viewer").get(f"{HOME}?period=soon").status_code == 422
    assert site.sign_in("rep", "nora").get(HOME).status_code == 403


def test_it_is_made_in_the_background_and_shows_what_would_have_changed(site: Site) -> None:
    admin = site.sign_in("admin")
    page = make(admin)
    said = " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
    assert "sales leads a week more than its people can take" in said
    assert "Give poland to South instead of North" in said
    assert "Decided again with it: of 264 leads" in said
    assert '<span class="added">+' in page
    assert "Accept" in said
    # Whoever may only read sees the same, and decides nothing.
    viewer = site.sign_in("viewer")
    seen = viewer.get(PAGE).text
    assert "Give poland to South" in seen
    assert f"{HOME}/accept" not in seen
    assert decide(viewer, "accept").status_code == 403
    # Everybody sees what was assumed, so only who decides may make it anew.
    assert f"{HOME}/make" not in seen
    assert viewer.submit(f"{HOME}/make", period="2026Q1", assume_hour_cost="900").status_code == 403
    assert "€900" not in admin.text(PAGE)


def test_what_is_assumed_can_be_changed_and_stays_so(site: Site) -> None:
    admin = site.sign_in("admin")
    assert 'name="assume_hour_cost" type="text" value="40..60..90"' in make(admin)
    page = make(admin, assume_hour_cost="70..80", assume_recoverable="0.25..0.5..0.75")
    assert 'name="assume_hour_cost" type="text" value="70..75..80"' in page
    assert "€75 (€70 – €80)" in unescape(page)
    # Making it anew sends along what is given, and only that.
    assert re.findall(r'type="hidden" name="assume_(\w+)"', page) == ["hour_cost"]
    refused = admin.submit(f"{HOME}/make", period="2026Q1", assume_hour_cost="dear")
    assert refused.status_code == 422
    assert "is no cost of an hour of sales" in text_of(refused)


def test_its_document_needs_nothing_else(site: Site) -> None:
    admin = site.sign_in("admin")
    make(admin)
    answer = admin.get(f"{PAGE}&format=html")
    assert answer.headers["content-disposition"] == 'attachment; filename="review-2026Q1.html"'
    assert "Give poland to South" in answer.text
    assert "<script" not in answer.text


def test_accepted_it_is_in_the_draft_and_followed_once_published(site: Site) -> None:
    admin = site.sign_in("admin")
    make(admin)
    answer = decide(admin, "accept")
    assert (answer.status_code, answer.headers["location"]) == (303, "/workshop")
    with site.app.pool.connection() as connection:
        user = users.find(connection, "admin.nobody@leadlane.example")
        draft = open_draft(connection, user.id).text
    assert "{name: poland, when: {country: PL}, team: south}" in draft
    said = admin.text(PAGE)
    assert "What came of those accepted" in said
    assert "Not published yet" in said
    with site.app.pool.connection() as connection:
        publish(connection, draft, "policy.yaml", "admin", "the review", NOW + timedelta(hours=1))
    assert "Published as version 2" in admin.text(PAGE)


def test_a_review_under_rules_that_have_changed_since_says_so(site: Site) -> None:
    manager = site.sign_in("manager")
    assert "The policy has changed" not in make(manager)
    changed = POLICY.replace(
        "{name: poland, when: {country: PL}, team: north}", "{name: poland, team: south}"
    )
    with site.app.pool.connection() as connection:
        publish(connection, changed, "policy.yaml", "tester", "", NOW)
    assert "The policy has changed since this review was made" in manager.text(PAGE)


def test_who_wants_to_change_it_finds_it_in_the_workshop(site: Site) -> None:
    manager = site.sign_in("manager", "sara")
    make(manager)
    assert decide(manager, "edit").headers["location"] == "/workshop"
    with site.app.pool.connection() as connection:
        assert review_verdicts.verdicts(connection)[TERRITORY].said == "edited"


def test_dismissed_it_is_folded_with_its_reason_until_it_is_taken_back(site: Site) -> None:
    admin = site.sign_in("admin")
    make(admin)
    asked = admin.get(f"{HOME}/dismiss", params={"period": "2026Q1", "finding": TERRITORY})
    assert "sales leads a week more than its people can take" in text_of(asked)
    refused = decide(admin, "dismiss", reason="  ")
    assert refused.status_code == 422
    assert "Say why it is dismissed" in text_of(refused)
    assert decide(admin, "dismiss", reason="they <b>hire</b> in Prague").status_code == 303
    page = admin.get(PAGE).text
    assert f'name="finding" value="{TERRITORY}"' not in page
    assert "they &lt;b&gt;hire&lt;/b&gt; in Prague" in page
    # Made anew, it is the same finding: it stays folded.
    assert f'name="finding" value="{TERRITORY}"' not in make(admin)
    undo = f"{HOME}/reopen?period=2026Q1&finding={TERRITORY}"
    assert admin.submit(undo).status_code == 303
    assert f'name="finding" value="{TERRITORY}"' in admin.get(PAGE).text


def test_how_somebody_does_is_for_those_who_answer_for_them(site: Site) -> None:
    admin = site.sign_in("admin")
    make(admin)
    key = "person:nora"
    said, his = (
        Finding(f"person:{name.lower()}", "person", f"{name} misses more", ["so it is"], 0.99, 9)
        for name in ("Nora", "Silvio")
    )
    with site.app.pool.connection() as connection:
        made = quarter_verbs.kept(connection, "2026Q1")
        assert made is not None
        made = replace(made, items=[Item(said, None), Item(his, None), *made.items])
        store.keep_review(connection, "2026Q1", "en", as_json(made), NOW)
        review_verdicts.give(connection, said, "2026Q1", "dismissed", "admin", "they were ill", NOW)
    manager = site.sign_in("manager", "sara")
    sees = {admin: ("Nora", "Silvio"), manager: ("Silvio",), site.sign_in("viewer"): ()}
    for visitor, names in sees.items():
        for address in (PAGE, f"{PAGE}&format=html"):
            text = visitor.get(address).text
            assert tuple(name for name in ("Nora", "Silvio") if f"{name} misses" in text) == names
    for visitor, status in ((admin, 200), (manager, 404)):
        asked = visitor.get(f"{HOME}/dismiss", params={"period": "2026Q1", "finding": key})
        assert asked.status_code == status
    assert manager.submit(f"{HOME}/reopen?period=2026Q1&finding={key}").status_code == 404
    assert admin.submit(f"{HOME}/reopen?period=2026Q1&finding={key}").status_code == 303
    assert "Nora misses" in admin.text(PAGE)


def test_what_is_gone_is_said(site: Site) -> None:
    admin = site.sign_in("admin")
    assert decide(admin, "accept").status_code == 404
    make(admin)
    gone = admin.submit(f"{HOME}/accept", period="2026Q1", finding="route:gone")
    assert gone.status_code == 404
    assert "does not find it any more" in text_of(gone)
    assert admin.get(f"{HOME}/roster?finding=nothing").status_code == 404


def test_what_is_for_people_is_shown_and_then_done_by_an_admin(database_url: str) -> None:
    settings = Settings(database_url=database_url)
    with opened_site(settings, lambda app: arrive(app, {"DE": 22, "IT": 9}), lambda: NOW) as site:
        manager, admin = site.sign_in("manager", "sara"), site.sign_in("admin")
        make(manager)
        there = manager.submit(f"{HOME}/accept", period="2026Q1", finding=SHORT).headers["location"]
        assert there == f"{HOME}/roster?finding=territory%3Asilvio-north"
        seen = manager.text(there)
        assert "silvio: teams south → north" in seen
        assert "Only admins change people" in seen
        assert manager.submit(f"{HOME}/roster", finding=SHORT).status_code == 403
        assert admin.submit(f"{HOME}/roster", finding=SHORT).status_code == 303
        with site.app.pool.connection() as connection:
            assert current_document(connection).people["silvio"]["teams"] == ["north"]
        assert "The roster says it already" in admin.text(there)
        assert "The roster says it." in admin.text(PAGE)
