"""The pages behind the links of messages, as a browser and as a mail scanner meet them."""

from __future__ import annotations

import html
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest

from leadlane.service import answers

ALL = ("accept", "decline", "responded", "snooze")


@dataclass(frozen=True)
class Public:
    public_url: str


@pytest.fixture
def links(served, api):
    """A hot lead, and the addresses by which whoever got it can answer."""
    lead = {"id": "L1", "email": "jo@strom.example", "first_name": "Jo", "last_name": "<b>Strom</b>"}
    lead |= {"company": "Strom & Co", "employees": 300, "tech_stack": ["salesforce"], "industry": "software"}
    lead |= {"country": "DE", "signals": [{"name": "demo_request"}]}
    assert api.post("/v1/leads", json=lead).status_code == 201
    with served.app.pool.connection() as connection:
        owner = api.get("/v1/leads/L1").json()["owner"]
        public = Public(served.url)
        return answers.links(connection, public, "L1", 1, owner, ALL, served.app.now()) | {"owner": owner}


@pytest.fixture
def browser(served):
    """A browser without a key, that follows where it is sent."""
    return served.client(follow_redirects=True)


def stage(api):
    return api.get("/v1/leads/L1").json()["stage"]


def seen(text):
    return re.search(r'name="seen" value="(\d+)"', text)[1]


def test_programs_that_follow_every_link_change_nothing(api, browser, links):
    for _round in range(2):
        for verb in ALL:
            assert browser.get(links[verb]).status_code == 200
            assert browser.head(links[verb]).status_code == 200
            assert browser.request("OPTIONS", links[verb]).status_code == 405
            assert browser.put(links[verb]).status_code == 405
    assert stage(api) == "assigned"
    assert len(api.get("/v1/leads/L1/timeline").json()["events"]) == 2


def test_accepting_asks_first_and_is_done_once(api, browser, links):
    page = browser.get(links["accept"])
    assert "Accept this lead?" in page.text
    assert "Strom &amp; Co" in page.text
    assert "<b>Strom</b>" not in page.text
    for _click in range(2):
        done = browser.post(links["accept"], data={"seen": seen(page.text)})
        assert done.status_code == 200
        assert "You have accepted this lead" in done.text
        assert done.request.method == "GET"
    assert stage(api) == "accepted"
    events = [one["event"] for one in api.get("/v1/leads/L1/timeline").json()["events"]]
    assert events.count("accepted") == 1


def test_declining_needs_a_reason_and_keeps_what_was_typed(api, browser, links):
    page = browser.post(links["decline"], data={"choice": "other", "note": ""})
    assert (page.status_code, "in a few words" in page.text) == (422, True)
    page = browser.post(links["decline"], data={"note": 'My "cousin"'})
    assert page.status_code == 422
    assert 'value="My &#34;cousin&#34;"' in page.text
    done = browser.post(links["decline"], data={"choice": "not for me"})
    assert "You have declined this lead" in done.text
    lead = api.get("/v1/leads/L1").json()
    assert lead["owner"] not in (None, links["owner"])
    assert "Who has it now" in done.text


def test_responding(api, browser, links):
    page = browser.get(links["responded"])
    assert all(f'value="{how}"' in page.text for how in ("call", "email", "meeting", "message"))
    browser.post(links["responded"], data={"choice": "call", "note": "  left a\nmessage "})
    lead = api.get("/v1/leads/L1").json()
    assert lead["responded_at"] is not None
    assert stage(api) == "working"


def test_putting_off_by_a_choice_and_by_a_moment_of_ones_own(served, api, browser, links):
    page = browser.get(links["snooze"])
    choices = [
        html.unescape(one) for one in re.findall(r'type="radio" name="choice" value="([^"]+)"', page.text)
    ]
    assert choices[-1] == "own"
    own = (served.app.now() + timedelta(days=3)).replace(second=0, microsecond=0, tzinfo=None)
    assert browser.post(links["snooze"], data={"choice": "own", "own": ""}).status_code == 422
    assert browser.post(links["snooze"], data={"choice": "own", "own": "2001-01-01T10:00"}).status_code == 422
    assert browser.post(links["snooze"], data={"choice": "9999-12-31T23:59:59"}).status_code == 422
    done = browser.post(links["snooze"], data={"choice": "own", "own": own.isoformat(timespec="minutes")})
    assert "You have put off the next step" in done.text
    due = api.get("/v1/leads/L1").json()["next_step_due_at"]
    # The moment was one of the person's own clock: an hour or two ahead of UTC.
    assert due[:10] in {own.date().isoformat(), (own - timedelta(hours=2)).date().isoformat()}
    assert due[:16] != own.isoformat(timespec="minutes")


def test_impatient_clicks_at_the_same_moment_are_one_answer(served, links):
    def click(_number):
        return served.client(follow_redirects=True).post(links["responded"], data={"choice": "call"}).text

    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(click, range(12)))
    assert all("You have said that you responded" in page for page in pages)
    assert served.sql("SELECT kind FROM touches") == [("call",)]


def test_a_stale_link_says_who_has_the_lead_now(api, browser, links):
    page = browser.get(links["accept"])
    api.post("/v1/leads/L1/reassign", json={"by": "olga", "to": "maria"}).raise_for_status()
    for answer in (
        browser.get(links["accept"]),
        browser.post(links["accept"], data={"seen": seen(page.text)}),
    ):
        assert answer.status_code == 409
        assert "no longer with you" in answer.text
        assert "Maria Hofer" in answer.text
        assert "<form" not in answer.text
    assert api.get("/v1/leads/L1").json()["owner"] == "maria"


def test_links_that_do_not_work_say_so_kindly(served, browser, links):
    assert "no such link" in browser.get("/a/nothing").text
    assert browser.get("/a/nothing").status_code == 404
    assert browser.post("/a/nothing").status_code == 404
    served.sql("UPDATE answers SET expires_at = created_at")
    page = browser.get(links["accept"])
    assert (page.status_code, "no longer works" in page.text) == (410, True)
    assert "Strom" not in page.text


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"seen=" + b"9" * 5000, 200), (b"seen=-1&x=\xff\xfe", 400), (b"a=1&" * 30, 400), (b"x" * 20_000, 400)],
)
def test_forms_that_no_browser_sends(browser, links, body, status):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert browser.post(links["accept"], content=body, headers=headers).status_code == status


def test_a_page_loads_nothing_and_can_be_framed_or_kept_by_nobody(browser, links):
    for page in (browser.get(links["accept"]), browser.get("/a/nothing")):
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert not re.search(r"<script|<img|<link|src=|https?://", page.text)
    assert (
        browser.post(links["accept"], follow_redirects=False).headers["location"]
        == links["accept"].split("/")[-1]
    )


def test_the_page_is_in_the_language_of_the_person(served, api, browser, links):
    api.post("/v1/leads/L1/reassign", json={"by": "olga", "to": "emil"}).raise_for_status()
    with served.app.pool.connection() as connection:
        public = Public(served.url)
        own = answers.links(connection, public, "L1", 2, "emil", ["accept"], served.app.now())
    assert '<html lang="pl">' in browser.get(own["accept"], headers={"accept-language": "it"}).text
    assert '<html lang="it">' in browser.get("/a/nothing", headers={"accept-language": "it"}).text


def test_a_database_that_is_away_is_told_without_the_secret_in_the_log(served, browser, links, caplog):
    token = links["accept"].rpartition("/")[2]
    served.sql("ALTER TABLE answers RENAME TO gone")
    page = browser.get(links["accept"])
    assert (page.status_code, "on our side" in page.text) == (500, True)
    assert "an answer failed" in caplog.text
    assert token not in caplog.text


# ---------------------------------------------------------------- who is this?


@pytest.fixture
def question(served, api):
    """A lead that may be of a known company, and the address by which the reviewer can say who it is."""
    account = {"name": "Lumenwerk Optik GmbH", "named": True, "owner": "anna", "country": "DE"}
    assert api.put("/v1/accounts/lumen", json=account).status_code in (200, 201)
    lead = {"id": "L1", "email": "jo@gmail.com", "company": "Lumenwerk Optik"}
    found = api.post("/v1/leads", json=lead | {"signals": [{"name": "webinar_attendance"}]}).json()
    assert (found["stage"], found["owner"]) == ("review", "olga")
    with served.app.pool.connection() as connection:
        public = Public(served.url)
        return answers.links(connection, public, "L1", 1, "olga", ["identify"], served.app.now())["identify"]


def test_a_page_asks_who_it_is_and_changes_nothing(api, browser, question):
    page = html.unescape(browser.get(question).text)
    assert "Who is this?" in page
    assert re.search(r"It is Lumenwerk Optik GmbH \(\d+ %\)", page)
    assert "Somebody new" in page
    assert stage(api) == "review"


def test_it_is_whom_the_reviewer_says_and_goes_to_whoever_has_them(api, browser, question):
    page = browser.get(question).text
    done = browser.post(question, data={"seen": seen(page), "choice": "account:lumen"})
    assert "You have said who this is" in done.text
    found = api.get("/v1/leads/L1").json()
    assert (found["stage"], found["owner"], found["account_id"]) == ("assigned", "anna", "lumen")
    again = browser.post(question, data={"seen": seen(page), "choice": "new"})
    assert "You have said who this is" in again.text
    assert api.get("/v1/leads/L1").json()["owner"] == "anna"


def test_somebody_new_goes_where_the_rules_say(api, browser, question):
    page = browser.get(question).text
    browser.post(question, data={"seen": seen(page), "choice": "new"})
    found = api.get("/v1/leads/L1").json()
    assert (found["account_id"], found["relationship"], stage(api) != "review") == (None, "none", True)


@pytest.mark.parametrize("choice", ["", "account:acme", "lead:L9", "somebody"])
def test_only_those_whom_it_may_be_can_be_chosen(api, browser, question, choice):
    page = browser.get(question).text
    answer = browser.post(question, data={"seen": seen(page), "choice": choice})
    assert answer.status_code == 422
    assert stage(api) == "review"


def test_what_somebody_else_has_said_meanwhile_is_not_undone(api, browser, question):
    assert api.post("/v1/leads/L1/identify", json={"by": "olga", "account": "lumen"}).status_code == 200
    answer = browser.get(question)
    assert "no longer with you" in answer.text
