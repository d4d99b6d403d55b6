"""Review on the pages: the line, one lead after the other, and what is not allowed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.web.conftest import Site, Visitor, text_of
from tests.web.test_now import arrive, csrf, place

JO = {"first_name": "Jo", "last_name": "Winterfeld", "country": "DE"}


@pytest.fixture
def line(site: Site) -> Site:
    """V1 and V2 are a person's to place; D2 may be the same as D1."""
    arrive(site, "V1", referral="vip", first_name="Vera", last_name="<b>Vip</b>")
    arrive(site, "V2", referral="vip", first_name="Vito", last_name="Vip")
    arrive(site, "D1", email="jo@kiosk.example", **JO)
    arrive(site, "D2", email="j.winterfeld@kiosk.example", **JO)
    site.sql("UPDATE leads SET respond_by = now() + interval '1 hour' WHERE id = 'V2'")
    return site


def decide(visitor: Visitor, site: Site, id_: str, **fields: Any) -> str:
    """Send a decision; returns what the next page says, or the same one where it was refused."""
    fields = {"seen": str(place(site, id_)), "csrf": csrf(visitor), **fields}
    answer = visitor.post(f"/review/{id_}", data=fields)
    if answer.status_code == 409:
        return text_of(answer)
    assert answer.status_code == 303, answer.text[:3000]
    return visitor.text(answer.headers["location"])


def test_nothing_waits(site: Site) -> None:
    assert "Nothing waits for a decision" in site.sign_in("admin").text("/review")


def test_the_line_begins_with_the_promise_that_ends_first(line: Site) -> None:
    page = line.sign_in("manager", "maria").get("/review").text
    ids = re.findall(r'id="lead-(\w+)"', page)
    assert ids[0] == "V2"
    assert set(ids) == {"V1", "V2", "D2"}
    assert "<b>Vip" not in page
    assert "3 leads wait" in page


def test_whom_it_may_be_stands_beside_it(line: Site) -> None:
    text = line.sign_in("manager", "maria").text("/review/D2")
    assert "It is the same as the lead of Jo Winterfeld" in text
    assert "the same last name: Winterfeld" in text
    assert "two e-mail addresses at one company" in text
    assert "Somebody new" in text
    assert "Nobody in" not in text


def test_a_decision_leads_to_the_next_lead(line: Site) -> None:
    maria = line.sign_in("manager", "maria")
    text = decide(maria, line, "V2", what="place", to="anna", reason="they know each other")
    assert "Anna Nowak has it now." in text
    assert any(name in text for name in ("Vera", "Jo Winterfeld"))
    assert line.sql("SELECT owner, stage FROM leads WHERE id = 'V2'") == [("anna", "assigned")]
    assert line.sql(
        "SELECT actor, details->>'reason' FROM timeline WHERE lead_id = 'V2' AND event = 'reviewed'"
    ) == [("person:maria", "they know each other")]
    assert "they know each other" in maria.text("/leads/V2")
    decide(maria, line, "V1", what="close", outcome="junk")
    text = decide(maria, line, "D2", what="new")
    assert "Nothing waits for a decision" in text
    # Whoever comes again later sees what became of it.
    assert maria.get("/review/V2").headers["location"] == "/leads/V2"


def test_a_merge_is_undone(line: Site) -> None:
    admin = line.sign_in("admin")
    text = decide(admin, line, "D2", what="lead:D1", reason="one Jo")
    assert "Merged: it is part of the lead" in text
    assert line.sql("SELECT merged_into FROM leads WHERE id = 'D2'") == [("D1",)]
    done = admin.post("/review/D2/undo", data={"csrf": csrf(admin)})
    assert done.headers["location"] == "/leads/D2"
    assert "it is a lead of its own again" in admin.text("/leads/D2")
    assert line.sql("SELECT merged_into FROM leads WHERE id = 'D2'") == [(None,)]
    again = admin.post("/review/D2/undo", data={"csrf": csrf(admin)})
    assert "can no longer be taken back" in admin.text(again.headers["location"])


def test_what_is_missing_is_said_beside_it_and_nothing_is_lost(line: Site) -> None:
    maria = line.sign_in("manager", "maria")
    for fields, words in (
        ({"what": ""}, "Please choose one of these."),
        ({"what": "nonsense"}, "Please choose one of these."),
        ({"what": "place"}, "Please choose where it goes."),
        ({"what": "close"}, "Please choose how it ends."),
        ({"what": "place", "to": "anna", "reason": "x" * 501}, "at most 500 characters"),
    ):
        answer = maria.post(
            "/review/V1", data={"csrf": csrf(maria), "seen": "1", "reason": "my words", **fields}
        )
        assert answer.status_code == 422
        assert words in answer.text
        assert fields.get("reason", "my words") in answer.text
    assert line.sql("SELECT stage FROM leads WHERE id = 'V1'") == [("review",)]


def test_a_page_that_is_out_of_date_changes_nothing(line: Site) -> None:
    maria, olga = line.sign_in("manager", "maria"), line.sign_in("manager", "olga")
    seen = str(place(line, "V1"))
    decide(olga, line, "V1", what="place", to="anna")
    text = decide(maria, line, "V1", what="place", to="boris", seen=seen)
    assert "has been decided meanwhile. Nothing was changed" in text
    assert line.sql("SELECT owner FROM leads WHERE id = 'V1'") == [("anna",)]
    given = {"csrf": csrf(maria), "what": "place", "to": "boris", "reason": "my words"}
    answer = maria.post("/review/V2", data={**given, "seen": "99"})
    assert answer.status_code == 409
    assert "has moved since you opened the page" in answer.text
    # What was written stays, and is about the lead as it is now.
    assert 'value="my words"' in answer.text
    assert f'name="seen" value="{place(line, "V2")}"' in answer.text
    piece = maria.get("/review/V1", headers={"hx-request": "true", "hx-target": "div#standing"})
    assert "This lead has been decided meanwhile." in piece.text


def test_what_there_is_not_is_refused_in_words(line: Site) -> None:
    maria = line.sign_in("manager", "maria")
    assert "There is no account of this id." in decide(maria, line, "D2", what="account:none")
    assert "There is no pool or program of this name." in decide(
        maria, line, "V1", what="place", to="pool:no"
    )
    assert maria.get("/review/none").status_code == 404


def test_somebody_else_is_looked_for(line: Site) -> None:
    maria = line.sign_in("manager", "maria")
    assert "It is the company Acme Maschinenbau GmbH" in maria.text("/review/V1?q=acme")
    assert "Nobody else is known by this." in maria.text("/review/V1?q=zzzz+zzzz")
    decide(maria, line, "V1", what="account:acme", reason="they said so")
    assert line.sql("SELECT account_id FROM leads WHERE id = 'V1'") == [("acme",)]


def test_reps_decide_about_what_is_in_their_hands_alone(line: Site) -> None:
    olga, anna = line.sign_in("rep", "olga"), line.sign_in("rep", "anna")
    assert olga.get("/review").status_code == 403
    assert anna.get("/review/V1").status_code == 403
    refused = anna.post("/review/V1", data={"csrf": csrf(anna), "what": "place", "to": "anna", "seen": "1"})
    assert refused.status_code == 403
    assert "What is to be done?" in olga.text("/review/V1")
    assert "Anna Nowak has it now." in decide(olga, line, "V1", what="place", to="anna")
    assert line.sign_in("viewer").get("/review/V1").status_code == 403


def test_a_manager_who_is_nobody_in_the_roster_decides_by_name(line: Site) -> None:
    decide(line.sign_in("manager"), line, "V1", what="place", to="anna")
    assert line.sql("SELECT actor FROM timeline WHERE lead_id = 'V1' AND event = 'reviewed'") == [
        ("user:Manager Tester",)
    ]


def test_the_line_goes_on_by_pages(line: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadlane.web.review.MOST_SHOWN", 2)
    admin = line.sign_in("admin")
    first = admin.get("/review").text
    more = re.search(r'href="(/review\?after=\w+)"', first)
    assert more is not None
    rest = re.findall(r'id="lead-(\w+)"', admin.get(more[1]).text)
    assert set(re.findall(r'id="lead-(\w+)"', first)) | set(rest) == {"V1", "V2", "D2"}
    assert len(rest) == 1
