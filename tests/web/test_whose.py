"""Whose is it?: the answer first, for whoever asks."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.web.conftest import ROLES, Site

from leadlane.core.facts import LEAD_FIELDS, Account
from leadlane.intake.leads import read_lead
from leadlane.service.batch import route_batch
from leadlane.service.roster import put_accounts
from leadlane.service.submission import submission


def come(site: Site, **raw: Any) -> tuple[str, str]:
    """A lead that comes in now: its id and its owner."""
    now = site.app.now()
    given, problems = read_lead({"signals": [{"name": "demo_request"}], **raw}, LEAD_FIELDS, now, now.tzinfo)
    assert given is not None, problems
    with site.app.pool.connection() as connection:
        (receipt,) = route_batch(connection, site.app.books, [submission(given, "test", now)], now)
    ((owner,),) = site.sql("SELECT owner FROM leads WHERE id = %s", receipt.lead_id)
    return receipt.lead_id, owner


def test_the_box_alone_says_what_to_do(site: Site) -> None:
    for role in ROLES:
        said = site.sign_in(role).text("/whose")
        assert "Whose is it?" in said
        assert "Type a name, an e-mail address, a company" in said


def test_the_answer_depends_on_who_asks(site: Site) -> None:
    id_, owner = come(site, email="pia@widget.example", first_name="Pia", last_name="Lund", company="Widget")
    name = site.app.books.current
    with site.app.pool.connection() as connection:
        people = name(connection).roster.people
    mine = site.sign_in("rep", owner).text("/whose?q=pia@widget.example")
    assert "May I contact Pia Lund? Yes It is your lead." in mine
    other = next(one for one in ("anna", "hugo") if one != owner)
    theirs = site.sign_in("rep", other)
    said = theirs.text("/whose?q=Pia+Lund")
    assert f"May I contact Pia Lund? Ask {people[owner].name} first" in said
    assert "assigned" in said
    assert f'href="/leads/{id_}"' in theirs.get("/whose?q=Pia+Lund").text
    # The company's name, its domain: the same answer.
    assert f"Ask {people[owner].name} first" in theirs.text("/whose?q=widget.example")


def test_somebody_new_gets_what_the_rules_would_do(site: Site) -> None:
    said = site.sign_in("rep", "anna").text("/whose?q=new@nowhere.example")
    assert "May I contact them? Yes Nobody here knows them yet." in said
    assert "If they came in now" in said
    assert "with demo request" in said


def test_an_account_is_its_owners(site: Site) -> None:
    with site.app.pool.connection() as connection:
        put_accounts(
            connection,
            [Account("kite", "Kite Instruments", ("kite.example",), named=True, owner="anna", country="DE")],
            site.app.now(),
        )
    said = site.sign_in("rep", "boris").text("/whose?q=kite")
    assert "Ask Anna Nowak first It is a named account of Anna Nowak." in said
    assert "named account" in said


def test_whatever_is_typed_is_answered(site: Site) -> None:
    visitor = site.sign_in("viewer")
    for typed in ("a", "@", "%", "  .", "'; DROP TABLE leads", "x" * 5000, "+", "\N{FOX FACE}", "\ud800"):
        answer = visitor.get(f"/whose?q={quote(typed, errors='surrogatepass')}")
        assert answer.status_code == 200, typed


def test_half_an_address_is_no_yes(site: Site) -> None:
    come(site, email="pia@widget.example", phone="+49 30 5550123")
    visitor = site.sign_in("rep", "anna")
    for typed in ("pia@", "pia@widget", "pia@widget.", "%2B49", "%2B49 30 55", "555", "0049 3"):
        said = visitor.text(f"/whose?q={typed}")
        assert "This is not a whole e-mail address or phone number yet." in said, typed
        assert "Nobody here knows them yet." not in said
    for typed in ("pia@widget.example", "@widget.example", "%2B49 30 5550123", "030 5550123"):
        assert "widget.example" in visitor.text(f"/whose?q={typed}").partition("Owner")[0], typed
    assert "Nobody here knows them yet." in visitor.text("/whose?q=someone@other.example")


def test_names_are_shown_as_they_are_and_do_nothing(site: Site) -> None:
    come(site, email="x@evil.example", first_name="<script>alert(1)</script>", company="<b>Evil</b>")
    page = site.sign_in("rep", "anna").get("/whose?q=x@evil.example").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>Evil" not in page


def test_as_one_types_only_the_answer_is_sent(site: Site) -> None:
    headers = {"hx-request": "true", "hx-target": "div#found"}
    piece = site.sign_in("rep", "anna").get("/whose?q=acme", headers=headers).text
    assert piece.lstrip().startswith('<div id="found"')
    assert "<html" not in piece
