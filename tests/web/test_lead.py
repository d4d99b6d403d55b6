"""A lead and what is done with it, as people of every role see it, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from tests.web.conftest import Site, Visitor, text_of

from leadlane.core.act import Act
from leadlane.core.facts import LEAD_FIELDS
from leadlane.intake.leads import read_lead
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.submission import submission

HOSTILE = "<script>alert(1)</script>"
HOT: dict[str, Any] = {
    "email": "jo@umbra.example",
    "first_name": "Jo",
    "last_name": "Licht",
    "company": "Umbra",
    "employees": 800,
    "industry": "banking",
    "country": "DE",
    "signals": ["demo_request"],
}
Give = Callable[..., None]


@pytest.fixture
def give(site: Site) -> Give:
    """A lead in somebody's hands: `give("L1", "anna", company="Umbra")`."""

    def do(id_: str, to: str, **fields: Any) -> None:
        raw = {"id": id_, **HOT, "email": f"jo@{id_[:2].lower()}.example", **fields}
        given, problems = read_lead(raw, LEAD_FIELDS, site.app.now(), UTC)
        assert given is not None, problems
        with site.app.pool.connection() as connection:
            route_batch(
                connection, site.app.books, [submission(given, "test", site.app.now())], site.app.now()
            )
            one = Act(id_, "reassign", by="maria", to=to)
            assert act(connection, site.app.books, [one], site.app.now())[0].status == "updated"

    return do


@pytest.fixture
def anna(site: Site, give: Give) -> Visitor:
    """A rep who has the lead L1."""
    give("L1", "anna")
    return site.sign_in("rep", "anna")


def standing(site: Site, lead_id: str = "L1") -> dict[str, Any]:
    columns = "stage, owner, place, next_step, outcome, value"
    ((row),) = site.sql(f"SELECT {columns} FROM leads WHERE id = %s", lead_id)
    return dict(zip(columns.split(", "), row, strict=True))


def send(visitor: Visitor, verb: str, lead_id: str = "L1", **fields: Any) -> httpx2.Response:
    """Send the form of a verb as the page shows it, with what somebody fills in."""
    page = f"/leads/{lead_id}" if verb in ("accept", "undo") else f"/leads/{lead_id}/{verb}"
    shown = visitor.get(page).text
    seen = re.search(r'name="seen" value="(\d+)"', shown)
    given = {"seen": seen[1] if seen else "", "next": "/my-leads", **fields}
    csrf = re.search(r'name="csrf" value="(\w+)"', visitor.get("/account").text)
    assert csrf is not None
    return visitor.post(f"/leads/{lead_id}/{verb}", data={"csrf": csrf[1], **given})


def told(answer: httpx2.Response, visitor: Visitor) -> str:
    """What the page says that an act leads to."""
    assert answer.status_code == 303, text_of(answer)
    return visitor.text(answer.headers["location"])


# ---------------------------------------------------------------- reading


def test_the_list_says_what_needs_somebody_and_why(anna: Visitor) -> None:
    page = anna.text("/my-leads")
    assert "Jo Licht Umbra" in page
    assert "high intent, strong fit → hot-mid → handed over by Maria Hofer" in page
    assert "Nothing needs you now" not in page


def test_a_list_without_leads_says_what_will_come(site: Site) -> None:
    page = site.sign_in("rep", "boris").text("/my-leads")
    assert "New leads come here by themselves" in page


def test_filters_narrow_the_list_without_scripts(anna: Visitor) -> None:
    assert "Jo Licht" in anna.text("/my-leads?q=umbra&show=new&intent=high")
    assert "Nothing matches" in anna.text("/my-leads?q=nobody")
    assert "Jo Licht" in anna.text("/my-leads?show=nonsense&intent=none&whose=boris")


def test_whose_list_one_may_see(site: Site, give: Give) -> None:
    give("L1", "anna")
    assert "Jo Licht" not in site.sign_in("rep", "boris").text("/my-leads?whose=anna")
    admin = site.sign_in("admin")
    assert "Choose whose leads to see" in admin.text("/my-leads")
    assert "Jo Licht" in admin.text("/my-leads?whose=anna")
    assert "Jo Licht" in admin.text("/my-leads?whose=team")
    manager = site.sign_in("manager", "maria")
    assert ("Jo Licht" in manager.text("/my-leads?whose=team")) == ("Anna Nowak" in manager.text("/my-leads"))


def test_a_lead_shows_who_whose_what_is_next_and_the_path(anna: Visitor) -> None:
    page = anna.text("/leads/L1")
    for said in (
        "Jo Licht",
        "Umbra",
        "Anna Nowak",
        "Respond",
        "Match",
        "hot-mid",
        "It came in: demo request.",
    ):
        assert said in page, said
    whole = anna.get("/leads/L1").text
    assert 'href="mailto:jo@l1.example"' in whole


def test_every_station_opens_in_place_and_on_a_page_of_its_own(anna: Visitor) -> None:
    whole = anna.text("/leads/L1/why")
    assert "employees is 800" in whole
    assert "It was decided by the policy that is in force now." in whole
    assert 'href="/rulebook/routes/hot-mid"' in anna.get("/leads/L1/why").text
    headers = {"hx-request": "true", "hx-target": "div#station"}
    piece = anna.get("/leads/L1/why?station=route", headers=headers).text
    assert piece.lstrip().startswith('<div id="station"')
    assert "hot-mid" in piece
    assert "employees is 800" not in piece


def test_what_a_prospect_is_called_is_never_markup(site: Site, give: Give) -> None:
    give("L1/1 ü", "anna", first_name=HOSTILE, company=f'"{HOSTILE}', message=HOSTILE)
    anna = site.sign_in("rep", "anna")
    for path in (
        "/my-leads",
        "/leads/L1%2F1%20%C3%BC",
        "/leads/L1%2F1%20%C3%BC/why",
        "/leads/L1%2F1%20%C3%BC/log",
    ):
        page = anna.get(path)
        assert page.status_code == 200, path
        assert HOSTILE not in page.text
        assert "&lt;script&gt;" in page.text


def test_an_address_adds_no_receiver_to_a_mail(site: Site, give: Give) -> None:
    give("L1", "anna", email="jo?bcc=eve@umbra.example")
    page = site.sign_in("rep", "anna").get("/leads/L1").text
    assert 'href="mailto:jo%3Fbcc%3Deve@umbra.example"' in page


def test_a_merged_lead_leads_to_no_other_site(site: Site, give: Give) -> None:
    give("/evil.example", "anna", email="jo@umbra.example")
    give("leads", "anna", email="zoe@other.example")
    with site.app.pool.connection() as connection:
        one = Act("/evil.example", "merge", by="maria", to="leads")
        assert act(connection, site.app.books, [one], site.app.now())[0].status == "updated"
    answer = site.sign_in("rep", "anna").get("/leads/leads")
    assert answer.headers["location"] == "/leads/%2Fevil.example"


def test_a_lead_that_there_is_not(anna: Visitor) -> None:
    for path in ("/leads/none", "/leads/none/why", "/leads/none/log"):
        assert anna.get(path).status_code == 404


def test_in_another_language(site: Site, anna: Visitor) -> None:
    site.sql("UPDATE users SET language = 'pl'")
    assert "Niemcy" in anna.text("/leads/L1")


# ---------------------------------------------------------------- acting


def test_a_lead_is_accepted(site: Site, anna: Visitor) -> None:
    assert "Accepted." in told(send(anna, "accept"), anna)
    assert standing(site)["stage"] == "accepted"


def test_a_call_is_logged_with_what_is_next(site: Site, anna: Visitor) -> None:
    until = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
    answer = send(anna, "log", kind="call", note="Wants an offer", step="Send the offer", until=until)
    assert "Logged." in told(answer, anna)
    assert standing(site)["next_step"] == "Send the offer"
    assert "promise kept" in anna.text("/leads/L1")
    assert "Wants an offer" in anna.text("/leads/L1")


def test_a_note_is_no_response(site: Site, anna: Visitor) -> None:
    assert send(anna, "log", kind="note", note="No number known").status_code == 303
    assert site.sql("SELECT responded_at, stage FROM leads") == [(None, "assigned")]


def test_a_lead_is_declined_and_that_taken_back(site: Site, anna: Visitor) -> None:
    answer = send(anna, "decline", choice="no time", note="until Friday")
    assert "Declined." in told(answer, anna)
    assert standing(site)["owner"] != "anna"
    assert "until Friday" in anna.text("/leads/L1")
    assert "Taken back." in told(anna.submit("/leads/L1/undo", seen="/account", next="/my-leads"), anna)
    assert standing(site)["owner"] == "anna"


@pytest.mark.parametrize(("why", "can"), [("no time", True), ("junk", False), ("duplicate", False)])
def test_taking_back_is_offered_only_where_it_can_be(anna: Visitor, why: str, can: bool) -> None:
    answer = send(anna, "decline", choice=why)
    assert answer.status_code == 303
    page = anna.get("/my-leads").text
    assert "Declined." in page
    assert ("/leads/L1/undo" in page) is can


def test_whatever_a_lead_is_called_it_is_found_again(site: Site, give: Give) -> None:
    give("a/b ?#%", "anna", email="jo@umbra.example")
    anna = site.sign_in("rep", "anna")
    answer = send(anna, "decline", "a%2Fb%20%3F%23%25", choice="no time", next="")
    assert answer.headers["location"] == "/leads/a%2Fb%20%3F%23%25"
    assert 'action="/leads/a%2Fb%20%3F%23%25/undo"' in anna.get(answer.headers["location"]).text


def test_a_lead_is_handed_over_with_a_reason(site: Site, anna: Visitor) -> None:
    page = anna.get("/leads/L1/hand-over").text
    assert '<option value="boris"' in page
    assert '<option value="anna"' not in page
    assert "Handed over." in told(send(anna, "hand-over", to="boris", note="speaks their language"), anna)
    assert standing(site)["owner"] == "boris"
    assert "speaks their language" in site.sign_in("rep", "boris").text("/my-leads")
    assert "Anna Nowak handed it to Boris Keller." in anna.text("/leads/L1")


def test_a_next_step_is_put_off_and_that_taken_back(site: Site, anna: Visitor) -> None:
    ((before,),) = site.sql("SELECT next_step_due_at FROM leads")
    moment = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    assert "Put off." in told(send(anna, "snooze", until="", moment=moment), anna)
    ((after,),) = site.sql("SELECT next_step_due_at FROM leads")
    assert after > before
    anna.submit("/leads/L1/undo", seen="/account")
    assert site.sql("SELECT next_step_due_at FROM leads") == [(before,)]


def test_a_lead_is_won(site: Site, anna: Visitor) -> None:
    assert "Closed." in told(send(anna, "close", outcome="won", value="12 500,50"), anna)
    assert standing(site) | {"place": 0} == {
        "stage": "closed", "owner": "anna", "place": 0, "next_step": None, "outcome": "won", "value": 12500.5,
    }  # fmt: skip
    page = anna.text("/leads/L1")
    assert "Anna Nowak closed it as won." in page
    assert "closed before it ended" in page
    assert 'aria-keyshortcuts="l"' not in anna.get("/leads/L1").text


def test_what_is_wrong_goes_to_review_and_counts_against_the_rule(site: Site, anna: Visitor) -> None:
    assert "Sent to review." in told(send(anna, "dispute", note="They are a student"), anna)
    assert standing(site)["stage"] == "review"
    assert site.sql("SELECT route FROM decisions WHERE outcome = 'disputed'") == [("hot-mid",)]


WRONG: list[tuple[str, dict[str, str], str]] = [
    ("decline", {}, "choice"),
    ("decline", {"choice": "other"}, "note"),
    ("log", {"kind": "fax"}, "kind"),
    ("log", {"kind": "note"}, "note"),
    ("log", {"kind": "call", "step": "Call again"}, "until"),
    ("log", {"kind": "call", "note": "x" * 501}, "note"),
    ("next", {"step": ""}, "step"),
    ("next", {"step": "Call", "until": "soon"}, "until"),
    ("next", {"step": "Call", "moment": "2020-01-01T10:00"}, "moment"),
    ("next", {"step": "Call", "moment": "9999-12-31T23:59"}, "moment"),
    ("snooze", {}, "until"),
    ("hand-over", {}, "to"),
    ("hand-over", {"to": "anna"}, "to"),
    ("close", {"outcome": "fine"}, "outcome"),
    ("close", {"outcome": "won", "value": "-3"}, "value"),
    ("close", {"outcome": "won", "value": "9" * 20}, "value"),
    ("dispute", {}, "note"),
]


def test_what_will_not_do_is_told_beside_its_field(site: Site, anna: Visitor) -> None:
    before = standing(site)
    for verb, fields, field in WRONG:
        answer = send(anna, verb, **fields)
        assert answer.status_code == 422, (verb, fields)
        assert f'name="{field}"' in answer.text
        assert "field-problem" in answer.text, (verb, fields)
    assert standing(site) == before


def test_a_form_that_is_refused_stays_in_its_dialog(anna: Visitor) -> None:
    page = anna.get("/leads/L1/log")
    csrf = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert csrf is not None
    headers = {"hx-request": "true", "hx-target": "div#leads", "x-csrf-token": csrf[1]}
    answer = anna.post("/leads/L1/log", data={"kind": "note", "seen": "2"}, headers=headers)
    assert (answer.status_code, answer.headers["hx-retarget"]) == (422, "#dialog")
    assert "Please write the note." in answer.text
    assert "<html" not in answer.text


def test_a_page_that_is_out_of_date_changes_nothing_and_says_so(site: Site, anna: Visitor) -> None:
    soon = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%dT10:00}"
    for verb, fields in (
        ("accept", {}),
        ("decline", {"choice": "no time"}),
        ("log", {"kind": "call"}),
        ("next", {"step": "Call", "moment": soon}),
        ("close", {"outcome": "lost"}),
        ("dispute", {"note": "wrong"}),
        ("hand-over", {"to": "boris"}),
    ):
        before = standing(site)
        answer = send(anna, verb, **{**fields, "seen": "1"})
        if verb == "accept":
            assert "has moved since" in anna.text("/my-leads")
        else:
            assert (answer.status_code, "has moved since" in text_of(answer)) == (409, True), verb
        assert standing(site) == before, verb


def test_what_was_written_is_kept_when_the_lead_has_moved_meanwhile(site: Site, anna: Visitor) -> None:
    """The form comes back with the words and about the lead as it is now: sending it again does it."""
    csrf = re.search(r'name="csrf" value="(\w+)"', anna.get("/leads/L1/log").text)
    assert csrf is not None
    headers = {"hx-request": "true", "hx-target": "div#leads", "x-csrf-token": csrf[1]}
    given = {"kind": "call", "note": "Wants a second demo", "seen": "1"}
    answer = anna.post("/leads/L1/log", data=given, headers=headers)
    assert (answer.status_code, answer.headers["hx-retarget"]) == (409, "#dialog")
    assert "Wants a second demo</textarea>" in answer.text
    seen = re.search(r'name="seen" value="(\d+)"', answer.text)
    assert seen is not None
    anna.post("/leads/L1/log", data={**given, "seen": seen[1]}, headers=headers)
    assert site.sql("SELECT kind, note FROM touches WHERE lead_id = 'L1'") == [
        ("call", "Wants a second demo")
    ]


def test_what_was_written_is_kept_when_the_lead_is_closed_meanwhile(anna: Visitor) -> None:
    send(anna, "close", outcome="lost")
    answer = send(anna, "log", kind="call", note="Wants a second demo", seen="2")
    assert answer.status_code == 409
    assert "This lead is closed." in text_of(answer)
    assert "Wants a second demo</textarea>" in answer.text


def test_an_unknown_person_gets_nothing(site: Site, anna: Visitor) -> None:
    answer = send(anna, "hand-over", to="nobody")
    assert (answer.status_code, "There is nobody of this id" in text_of(answer)) == (409, True)
    assert standing(site)["owner"] == "anna"


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize("role", ["rep", "viewer"])
def test_others_may_look_and_not_act(site: Site, give: Give, role: str) -> None:
    give("L1", "anna")
    other = site.sign_in(role, "boris" if role == "rep" else None)
    assert "Jo Licht" in other.text("/leads/L1")
    assert 'aria-keyshortcuts="l"' not in other.get("/leads/L1").text
    for verb, fields in (("log", {"kind": "call"}), ("accept", {}), ("dispute", {"note": "x"}), ("undo", {})):
        answer = other.submit(f"/leads/L1/{verb}", **fields)
        if verb == "undo" and role == "rep":
            assert answer.status_code == 303
        else:
            assert answer.status_code == 403, verb
    assert standing(site)["stage"] == "assigned"


def test_an_admin_who_is_no_person_acts_by_name(site: Site, give: Give) -> None:
    give("L1", "anna")
    admin = site.sign_in("admin")
    assert send(admin, "hand-over", to="boris").status_code == 303
    assert standing(site)["owner"] == "boris"
    ((actor,),) = site.sql("SELECT actor FROM timeline WHERE event = 'reassigned' ORDER BY id DESC LIMIT 1")
    assert actor == "user:Admin Tester"
    assert "Taken back." in told(admin.submit("/leads/L1/undo", next="/leads/L1"), admin)
    assert standing(site)["owner"] == "anna"


def test_a_user_who_is_nobody_in_the_roster_hears_what_to_do(site: Site) -> None:
    answer = site.sign_in("rep").get("/my-leads")
    assert answer.status_code == 409
    assert "linked" in answer.text


def test_what_is_to_be_decided_leads_to_review(site: Site, give: Give) -> None:
    give("L1", "anna")
    send(site.sign_in("rep", "anna"), "dispute", note="They are a student")
    reviewer = standing(site)["owner"]
    assert 'href="/review/L1"' in site.sign_in("manager", reviewer).get("/leads/L1").text
    assert 'href="/review/L1"' in site.sign_in("manager", reviewer).get("/my-leads").text
    assert 'href="/review/L1"' not in site.sign_in("rep", "anna").get("/leads/L1").text
