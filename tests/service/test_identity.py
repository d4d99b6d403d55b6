"""Who a lead is, on a real database: likenesses found, and what people say about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from leadlane.core.act import Act
from leadlane.core.facts import Account, Signal
from leadlane.service.acts import act
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.candidates import candidates_of
from leadlane.service.explain import explain_lead
from leadlane.service.replay import replay_all
from leadlane.service.roster import put_accounts
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission, signal_submission
from leadlane.store import contacts, leads
from leadlane.store.contacts import Contact
from leadlane.store.watchdog import violations

from .conftest import NOW

Lead = Callable[..., Submission]
JO = {"first_name": "Jo", "last_name": "Winterfeld", "country": "DE", "signals": ["demo_request"]}


@pytest.fixture
def company(published: psycopg.Connection) -> psycopg.Connection:
    accounts = [
        Account(
            "nord", "Nordlicht Brauerei GmbH", ("nordlicht.example",), named=True, owner="boris", country="DE"
        ),
        Account("tide", "Tidewater Pumps Ltd", (), customer=True, owner="carla", country="GB"),
    ]
    put_accounts(published, accounts, NOW)
    return published


@pytest.fixture
def do(company: psycopg.Connection, books: Rulebooks) -> Callable[..., Receipt]:
    def do_it(kind: Any, lead_id: str, to: str | None = None, **more: Any) -> Receipt:
        one = Act(lead_id, kind, more.pop("by", "olga"), to, **more)
        return act(company, books, [one], NOW + timedelta(minutes=5))[0]

    return do_it


def in_order(db: psycopg.Connection) -> None:
    """Nothing contradicts itself, and everything would be decided the same way again."""
    assert violations(db) == []
    assert [one.lead_id for one in replay_all(db, Rulebooks()) if not one.is_identical] == []


def row(db: psycopg.Connection, lead_id: str) -> leads.LeadRow:
    found = leads.get(db, lead_id)
    assert found is not None
    return found


def events(db: psycopg.Connection, lead_id: str) -> list[str]:
    return [one.event for one in leads.timeline(db, lead_id)]


def test_the_same_phone_and_name_are_one_person_in_a_batch_and_later(
    company: psycopg.Connection, books: Rulebooks, lead: Lead
) -> None:
    first = lead(id="L1", phone="+49 30 5551234", company="Kiosk", **JO)
    again = lead(id="L2", phone="030 5551234", email="jo@kiosk.example", **JO)
    receipts = route_batch(company, books, [first, again], NOW)
    receipts += route_batch(company, books, [lead(id="L3", phone="0049305551234", **JO)], NOW)
    assert [(one.status, one.lead_id) for one in receipts] == [
        ("created", "L1"), ("merged", "L1"), ("merged", "L1"),
    ]  # fmt: skip
    assert row(company, "L1").email_key == "jo@kiosk.example"
    in_order(company)


def test_one_name_and_two_mailboxes_at_one_company_are_for_a_person_to_tell(
    company: psycopg.Connection, books: Rulebooks, lead: Lead
) -> None:
    route_batch(company, books, [lead(id="L1", email="jo@kiosk.example", **JO)], NOW)
    [receipt] = route_batch(company, books, [lead(id="L2", email="j.winterfeld@kiosk.example", **JO)], NOW)
    found = row(company, "L2")
    assert (receipt.status, found.stage, found.owner, found.unsure) == ("created", "review", "olga", True)
    told = explain_lead(company, books, "L2")
    assert told is not None
    section = next(one for one in told.explanation.sections if one.key == "likeness")
    assert section.lines[0].cells[0] == "lead L1"
    assert "winterfeld" in section.lines[0].cells[2].casefold()
    in_order(company)


def test_colleagues_of_one_switchboard_are_two_people(
    company: psycopg.Connection, books: Rulebooks, lead: Lead
) -> None:
    other = {"first_name": "Amira", "last_name": "Castellano", "country": "DE", "signals": ["demo_request"]}
    route_batch(company, books, [lead(id="L1", phone="+49 30 5551234", **JO)], NOW)
    route_batch(company, books, [lead(id="L2", phone="+49 30 5551234", **other)], NOW)
    assert row(company, "L2").id == "L2"


def test_a_company_is_recognised_by_name_with_a_second_piece_of_evidence(
    company: psycopg.Connection, books: Rulebooks, lead: Lead
) -> None:
    both = [
        lead(id="L1", email="jo.w@gmail.com", company="NORDLICHT-BRAUEREI", **JO),
        lead(id="L2", email="kim@gmail.com", company="Nordlicht Brauerei", signals=["demo_request"]),
    ]
    route_batch(company, books, both, NOW)
    sure, unsure = row(company, "L1"), row(company, "L2")
    assert (sure.owner, sure.relationship, sure.account_id, sure.linked) == (
        "boris",
        "named_account",
        "nord",
        True,
    )
    assert (unsure.stage, unsure.unsure, unsure.account_id) == ("review", True, None)
    in_order(company)


def test_a_lead_linked_by_name_has_colleagues_there(
    company: psycopg.Connection, books: Rulebooks, lead: Lead
) -> None:
    linked = lead(id="L1", email="jo.w@gmail.com", company="Nordlicht Brauerei", **JO)
    colleague = lead(id="L2", email="kim@nordlicht.example", signals=["demo_request"])
    by_name = lead(
        id="L3", email="al@gmail.com", company="Nordlicht Brauerei", country="DE", signals=["demo_request"]
    )
    for one in (linked, colleague, by_name):
        route_batch(company, books, [one], NOW)
    assert [row(company, one).relationship for one in ("L1", "L2", "L3")] == [
        "named_account", "open_lead", "open_lead",
    ]  # fmt: skip
    in_order(company)


def test_a_contact_belongs_to_its_account_whatever_its_mailbox(
    company: psycopg.Connection, books: Rulebooks, lead: Lead
) -> None:
    contacts.put_contacts(
        company, [Contact("c1", "tide", email="Pat.Doe@gmail.com", email_key="patdoe@gmail.com")], NOW
    )
    route_batch(company, books, [lead(id="L1", email="patdoe@gmail.com", signals=["demo_request"])], NOW)
    assert (row(company, "L1").owner, row(company, "L1").relationship) == ("carla", "customer")
    in_order(company)


def test_an_answer_routes_the_lead_and_is_told(
    company: psycopg.Connection, books: Rulebooks, lead: Lead, do: Callable[..., Receipt]
) -> None:
    route_batch(
        company,
        books,
        [lead(id="L1", email="k@gmail.com", company="Nordlicht Brauerei", signals=["demo_request"])],
        NOW,
    )
    assert do("identify", "L1", "nord", reason="she said so").status == "updated"
    found = row(company, "L1")
    assert (found.owner, found.stage, found.unsure, found.account_id) == ("boris", "assigned", False, "nord")
    assert events(company, "L1") == ["arrived", "review", "identified", "assigned"]
    assert explain_lead(company, books, "L1") is not None
    in_order(company)


def test_news_after_an_answer_do_not_ask_again(
    company: psycopg.Connection, books: Rulebooks, lead: Lead, do: Callable[..., Receipt]
) -> None:
    asked = lead(id="L1", email="k@gmail.com", company="Nordlicht Brauerei", signals=["content_download"])
    route_batch(company, books, [asked], NOW)
    do("identify", "L1")
    later = NOW + timedelta(hours=1)
    route_batch(
        company, books, [signal_submission("L1", (Signal("demo_request", later),), "test", later)], later
    )
    found = row(company, "L1")
    assert (found.intent, found.unsure, found.account_id) == ("high", False, None)
    in_order(company)


def test_merged_split_and_merged_again(
    company: psycopg.Connection, books: Rulebooks, lead: Lead, do: Callable[..., Receipt]
) -> None:
    one = lead(id="L1", email="jo@kiosk.example", **JO)
    two = lead(
        id="L2",
        email="amira@kiosk.example",
        first_name="Amira",
        country="DE",
        employees=300,
        signals=["webinar_attendance"],
    )
    route_batch(company, books, [one, two], NOW)
    assert do("merge", "L1", "L2", reason="one and the same").lead_id == "L1"
    assert row(company, "L2").id == "L1"
    assert row(company, "L1").fields["employees"] == 300
    in_order(company)
    # What comes for the lead that ended goes to the one that it is part of.
    [news] = route_batch(
        company, books, [signal_submission("L2", (Signal("badge_scan", NOW),), "test", NOW)], NOW
    )
    assert (news.status, news.lead_id) == ("updated", "L1")

    assert do("split", "L1", "L2").lead_id == "L2"
    assert "employees" not in row(company, "L1").fields
    assert row(company, "L2").fields["employees"] == 300
    assert row(company, "L2").email_key == "amira@kiosk.example"
    in_order(company)

    do("merge", "L1", "L2")
    assert row(company, "L2").id == "L1"
    assert [one for one in events(company, "L2") if one in ("merged_into", "split_off")] == [
        "merged_into", "split_off", "merged_into",
    ]  # fmt: skip
    assert [one for one in events(company, "L1") if one in ("joined", "split")] == [
        "joined",
        "split",
        "joined",
    ]
    in_order(company)


def test_what_was_merged_when_it_arrived_is_split_off_too(
    company: psycopg.Connection, books: Rulebooks, lead: Lead, do: Callable[..., Receipt]
) -> None:
    route_batch(company, books, [lead(id="L1", email="info@kiosk.example", **JO)], NOW)
    route_batch(
        company, books, [lead(id="L2", email="info@kiosk.example", city="Rome", signals=["badge_scan"])], NOW
    )
    do("split", "L1", "L2")
    assert (row(company, "L2").id, row(company, "L2").email_key, row(company, "L2").fields["city"]) == (
        "L2", None, "Rome",
    )  # fmt: skip
    # The mailbox stays with the lead that it was first of.
    [again] = route_batch(
        company, books, [lead(id="L3", email="info@kiosk.example", signals=["badge_scan"])], NOW
    )
    assert again.lead_id == "L1"
    in_order(company)


def test_what_is_split_off_is_compared_with_accounts_anew(
    company: psycopg.Connection, books: Rulebooks, lead: Lead, do: Callable[..., Receipt]
) -> None:
    """Its account was not known when it came, and its domain was met by nobody."""
    split_off = {
        "L2": {"email": "kim@nordlicht.example"},
        "L3": {"company": "Tidewater Pumps", "country": "GB", "city": "Hull", "phone": "+44 1482 555010"},
    }
    leads_in = [lead(id="L1", email="jo@kiosk.example", **JO)]
    leads_in += [lead(id=id_, signals=["badge_scan"], **fields) for id_, fields in split_off.items()]
    company.execute("DELETE FROM accounts")
    route_batch(company, books, leads_in, NOW)
    for id_ in split_off:
        do("merge", "L1", id_)
    accounts = [
        Account("nord", "Nordlicht", ("nordlicht.example",), named=True, owner="boris", country="DE"),
        Account("tide", "Tidewater Pumps Ltd", (), customer=True, owner="carla", country="GB", city="Hull",
                phone="+44 1482 555010"),
    ]  # fmt: skip
    put_accounts(company, accounts, NOW)
    for id_ in split_off:
        do("split", "L1", id_)
    assert (row(company, "L2").account_id, row(company, "L2").owner) == ("nord", "boris")
    told = candidates_of(company, row(company, "L3"), NOW)["candidates"]
    assert [one["account"]["id"] for one in told] == ["tide"]
    assert (row(company, "L3").unsure, row(company, "L3").account_id) == (False, "tide")
    assert row(company, "L3").owner == "carla"
    in_order(company)


@pytest.mark.parametrize(
    ("kind", "to", "reason"),
    [
        ("identify", "nowhere", "unknown_account"),
        ("merge", "L9", "other_not_open"),
        ("merge", "L1", "same_lead"),
        ("split", "L9", "not_merged"),
        ("split", "L1", "not_merged"),
    ],
)
def test_what_cannot_be_is_refused(
    company: psycopg.Connection,
    books: Rulebooks,
    lead: Lead,
    do: Callable[..., Receipt],
    kind: str,
    to: str,
    reason: str,
) -> None:
    route_batch(company, books, [lead(id="L1", email="jo@kiosk.example", **JO)], NOW)
    receipt = do(kind, "L1", to)
    assert (receipt.status, receipt.reason) == ("refused", reason)
    assert events(company, "L1") == ["arrived", "assigned"]
