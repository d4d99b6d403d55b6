"""The page of this moment: who sees what, and what is done from there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.web.conftest import Site, text_of

from leadlane.core.act import Act
from leadlane.core.facts import LEAD_FIELDS
from leadlane.intake.leads import read_lead
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.submission import submission

MINUTE = timedelta(minutes=1)


def arrive(site: Site, id_: str, **fields: Any) -> None:
    """A lead that asks for a demonstration."""
    given = {"id": id_, "email": f"{id_}@{id_}.example", "signals": ["demo_request"], **fields}
    with site.app.pool.connection() as connection:
        now = site.app.now()
        lead, problems = read_lead(given, LEAD_FIELDS, now, ZoneInfo("UTC"))
        assert lead is not None, problems
        route_batch(connection, site.app.books, [submission(lead, "test", now)], now)


def give(site: Site, id_: str, to: str, ends_in: timedelta, **fields: Any) -> None:
    """A lead in the hands of somebody, whose promise ends then."""
    arrive(site, id_, **fields)
    with site.app.pool.connection() as connection:
        now = site.app.now()
        (receipt,) = act(connection, site.app.books, [Act(id_, "reassign", user="Test", to=to)], now)
        assert receipt.status == "updated", receipt
        connection.execute("UPDATE leads SET respond_by = %s WHERE id = %s", [now + ends_in, id_])


def place(site: Site, id_: str) -> int:
    return int(site.sql("SELECT place FROM leads WHERE id = %s", id_)[0][0])


@pytest.fixture
def risky(site: Site) -> Site:
    """Anna's lead is about to break, Gina's is broken."""
    give(site, "L1", "anna", 20 * MINUTE, first_name="Żaneta", last_name="<script>alert(1)</script>")
    give(site, "L2", "gina", -20 * MINUTE, company="Umbra S.p.A.")
    return site


def test_an_empty_company_says_what_will_be_here(site: Site) -> None:
    text = site.sign_in("admin").text("/now")
    assert "No promise is at risk" in text
    assert "Nothing waits for a decision" in text
    assert "Everybody has room." in text
    assert "Something is wrong" not in text


def test_a_manager_sees_their_teams_first_and_everybody_on_demand(risky: Site) -> None:
    maria = risky.sign_in("manager", "maria")
    mine, all_ = maria.text("/now"), maria.text("/now?whose=all")
    assert ("Żaneta" in mine, "Umbra" in mine) == (True, False)
    assert ("Żaneta" in all_, "Umbra" in all_) == (True, True)
    assert "20 min over" in all_
    # Nobody of whom one manages: everybody is what there is to see.
    assert "My teams" not in risky.sign_in("manager").text("/now")
    assert "Umbra" in risky.sign_in("manager").text("/now")


def test_what_strangers_wrote_is_text(risky: Site) -> None:
    page = risky.sign_in("admin").get("/now").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_whoever_only_reads_finds_nothing_to_press(risky: Site) -> None:
    page = risky.sign_in("viewer").get("/now")
    assert "Żaneta" in text_of(page)
    assert "accept-for" not in page.text
    assert "hand-over" not in page.text
    assert risky.sign_in("rep", "anna").get("/now").status_code == 403


def test_a_manager_acts_on_those_of_their_teams_alone(risky: Site) -> None:
    page = risky.sign_in("manager", "maria").get("/now?whose=all").text
    assert "/leads/L1/hand-over" in page
    assert "/leads/L2/hand-over" not in page


def test_accepting_for_somebody_is_told_as_what_it_was(risky: Site) -> None:
    maria = risky.sign_in("manager", "maria")
    address, seen = "/now/leads/L1/accept-for", place(risky, "L1")
    assert maria.submit(address, seen="/now", next="/now").headers["location"] == "/now"
    assert "has moved since you opened the page" in maria.text("/now")
    assert risky.sql("SELECT stage FROM leads WHERE id = 'L1'") == [("assigned",)]
    given = maria.post(address, data={"csrf": csrf(maria), "next": "/now?whose=all", "seen": str(seen)})
    assert given.headers["location"] == "/now?whose=all"
    assert "Accepted for them" in maria.text("/now?whose=all")
    assert risky.sql("SELECT stage FROM leads WHERE id = 'L1'") == [("accepted",)]
    ((actor, details),) = risky.sql(
        "SELECT actor, details FROM timeline WHERE lead_id = 'L1' AND event = 'accepted'"
    )
    assert (actor, details["reason"]) == ("person:anna", "for them, by Manager Tester")
    marco = risky.sign_in("manager", "marco")
    refused = marco.post(address, data={"csrf": csrf(marco), "seen": str(seen)})
    assert refused.status_code == 403


def csrf(visitor: Any) -> str:
    return str(visitor.get("/account").text.partition('name="csrf" value="')[2].partition('"')[0])


def test_what_is_wrong_is_shown_and_sent_again(site: Site) -> None:
    now = site.app.now()
    site.sql("INSERT INTO alarms VALUES ('late', %s, 'No worker acts on them.')", now)
    site.sql(
        "INSERT INTO channels (name, since, down_since, error) VALUES ('sms', %s, %s, 'refused')", now, now
    )
    ((number,),) = site.sql(
        "INSERT INTO deliveries"
        " (channel, address, body, lead_id, state, next_at, error, created_at, finished_at)"
        " VALUES ('webhook:crm', 'https://crm.example/', '{}', 'L1', 'dead', %s, '500', %s, %s) RETURNING id",
        now, now, now,
    )  # fmt: skip
    maria = site.sign_in("manager", "maria")
    text = maria.text("/now")
    assert "No worker acts on them." in text
    assert "sms refused" in text
    assert "Message to https://crm.example/… by webhook:crm 500" in text
    assert "Something is wrong" not in site.sign_in("viewer").text("/now")
    address = f"/now/messages/{number}/again"
    assert maria.submit(address, seen="/now").status_code == 303
    assert "The message is sent again." in maria.text("/now")
    assert site.sql("SELECT state FROM deliveries") == [("waiting",)]
    maria.submit(address, seen="/now")
    assert "Nothing was sent" in maria.text("/now")
    maria.submit("/now/messages/999/again", seen="/now")
    assert "Nothing was sent" in maria.text("/now")


def test_what_a_webhook_brought_is_routed_again(site: Site) -> None:
    now = site.app.now()
    site.sql(
        "INSERT INTO hooks VALUES ('shop', %s, %s)",
        "hook: shop\nsignature: {scheme: typeform}\nfields: {email: mail}\nsignals: [{name: demo_request}]\n",
        now,
    )  # fmt: skip
    ((number,),) = site.sql(
        "INSERT INTO hook_deliveries"
        " (hook, body_hash, content_type, body, received_at, state, problems, finished_at)"
        " VALUES ('shop', 'x', 'application/json', '{\"mail\": \"kim@kim.example\"}', %s, 'failed',"
        " %s, %s) RETURNING id",
        now, '[{"field": "", "value": "", "reason": "no policy was there", "suggestion": ""}]', now,
    )  # fmt: skip
    admin = site.sign_in("admin")
    assert "What the webhook shop brought no policy was there" in admin.text("/now")
    assert admin.submit(f"/now/deliveries/{number}/again", seen="/now").status_code == 303
    assert site.sql("SELECT state FROM hook_deliveries") == [("routed",)]
    assert site.sql("SELECT fields->>'email' FROM leads") == [("kim@kim.example",)]
    assert admin.submit("/now/deliveries/999/again", seen="/now").status_code == 404


def test_other_languages_have_the_same_page(risky: Site) -> None:
    for language in ("pl", "it"):
        assert risky.sign_in("admin", **{"accept-language": language}).get("/now").status_code == 200


def test_the_piece_that_changes_is_asked_for_alone(risky: Site) -> None:
    headers = {"hx-request": "true", "hx-target": "div#now"}
    piece = risky.sign_in("admin").get("/now", headers=headers).text
    assert piece.strip().startswith("<div")
    assert "<html" not in piece
    assert 'id="now"' in piece
