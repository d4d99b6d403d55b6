"""Duplicates in a real database: found, explained, merged, told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.core.act import Act
from leadlane.core.facts import Account
from leadlane.core.policy import Matching
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.duplicates import Found, duplicate_accounts, duplicate_leads
from leadlane.service.merging import keep_apart, merge_leads, survivor
from leadlane.service.replay import replay_all
from leadlane.service.roster import put_accounts
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.store import duplicates, leads
from leadlane.store.duplicates import LeadCard
from leadlane.store.watchdog import violations

from .conftest import NOW

Lead = Callable[..., Submission]
LATER = NOW + timedelta(hours=1)
JO = {"first_name": "Jo", "last_name": "Winterfeld", "phone": "+49 30 5551234", "company": "Kiosk Nord"}
SIGNAL = ["demo_request"]
PROVIDERS = [
    "gmail.com", "web.de", "gmx.de", "yahoo.com", "outlook.com", "hotmail.com", "icloud.com", "aol.com",
    "libero.it", "wp.pl", "gmx.net", "proton.me",
]  # fmt: skip


def members(found: Found, certainty: str = "sure") -> list[list[str]]:
    return [sorted(one.members) for one in getattr(found, certainty)]


def search(db: psycopg.Connection) -> Found:
    return duplicate_leads(db, Matching())


def learn(db: psycopg.Connection, lead_id: str, **fields: str) -> None:
    """What was found out about a lead after it had been routed, when nobody compared it any more."""
    db.execute(
        "UPDATE leads SET fields = fields || %s WHERE id = %s", [orjson.dumps(fields).decode(), lead_id]
    )


@pytest.fixture
def thrice(published: psycopg.Connection, books: Rulebooks, lead: Lead) -> psycopg.Connection:
    """Jo three times, by three mailboxes, and a stranger; it was found out later that the three are Jo."""
    mails = {"L1": "jo@gmail.com", "L2": "jo@web.de", "L3": "jo@gmx.de", "S": "amira@web.de"}
    for number, (id_, mail) in enumerate(mails.items()):
        now = NOW + timedelta(minutes=number)
        one = lead(now=now, id=id_, email=mail, first_name=f"N{number}", country="DE", signals=SIGNAL)
        route_batch(published, books, [one], now)
    for id_ in ("L1", "L2", "L3"):
        learn(published, id_, **JO)
    return published


def do(db: psycopg.Connection, books: Rulebooks, kind: Any, lead_id: str, **more: Any) -> None:
    (receipt,) = act(db, books, [Act(lead_id, kind, **more)], LATER)
    assert receipt.status != "refused", receipt.problem


def test_leads_that_are_one_person_are_found_and_explained(thrice: psycopg.Connection) -> None:
    found = search(thrice)
    assert (found.searched, members(found), members(found, "unsure")) == (4, [["L1", "L2", "L3"]], [])
    (group,) = found.sure
    explained = {id_ for reason in group.reasons for id_ in (reason.one, reason.other)}
    assert explained == {"L1", "L2", "L3"}
    codes = {one.code for reason in group.reasons for one in reason.comparison.evidence}
    assert {"phone_equal", "last_name_equal"} <= codes
    assert found.cards is not None
    assert found.cards["L2"].stage == "assigned"


def test_an_unsure_pair_is_a_question(published: psycopg.Connection, books: Rulebooks, lead: Lead) -> None:
    for id_, mail in (("L1", "jo@kiosk.example"), ("L2", "j.winterfeld@kiosk.example")):
        one = lead(id=id_, email=mail, first_name="Jo", last_name="Winterfeld", signals=SIGNAL)
        route_batch(published, books, [one], NOW)
    found = search(published)
    assert (members(found), members(found, "unsure")) == ([], [["L1", "L2"]])


def test_whoever_came_again_after_the_end_is_history(thrice: psycopg.Connection, books: Rulebooks) -> None:
    do(thrice, books, "close", "L1", by="olga", outcome="lost")
    assert members(search(thrice)) == [["L1", "L2", "L3"]]
    do(thrice, books, "close", "L2", by="olga", outcome="lost")
    found = search(thrice)
    assert (members(found), found.past) == ([], 1)


def test_merging_is_an_act_for_each_lead_that_ends(thrice: psycopg.Connection, books: Rulebooks) -> None:
    do(thrice, books, "touch", "L2", by="olga", how="call")
    (group,) = search(thrice).sure
    receipts = merge_leads(thrice, books, group.members, "olga", "one Jo", LATER)
    assert [(one.status, one.lead_id) for one in receipts] == [("updated", "L2")] * 2
    assert {leads.resolve(thrice, id_) for id_ in group.members} == {"L2"}
    assert [one.event for one in leads.timeline(thrice, "L2")].count("joined") == 2
    assert violations(thrice) == []
    assert members(search(thrice)) == []
    assert merge_leads(thrice, books, group.members, "olga", "again", LATER) == []


def test_what_is_refused_says_why(thrice: psycopg.Connection, books: Rulebooks) -> None:
    receipts = merge_leads(thrice, books, ["L1", "L2"], "nobody", "", LATER)
    assert [(one.status, one.reason) for one in receipts] == [("refused", "unknown_person")]
    assert members(search(thrice)) == [["L1", "L2", "L3"]]


def test_those_told_apart_are_never_suggested_again(thrice: psycopg.Connection, books: Rulebooks) -> None:
    assert keep_apart(thrice, ["L1", "L2", "L3"], "olga", LATER) == 3
    assert keep_apart(thrice, ["L1", "L2", "L3"], "olga", LATER) == 0
    found = search(thrice)
    assert (members(found), members(found, "unsure"), found.past) == ([], [], 0)


def test_whoever_is_as_likely_one_of_two_told_apart_as_the_other_is_a_question(
    thrice: psycopg.Connection,
) -> None:
    duplicates.tell_apart(thrice, "lead", ["L1", "L3"], "olga", LATER)
    found = search(thrice)
    assert members(found) == []
    assert sorted(members(found, "unsure")) == [["L1", "L2"], ["L2", "L3"]]


def test_who_was_told_apart_and_merged_after_all_counts_for_both(
    thrice: psycopg.Connection, books: Rulebooks
) -> None:
    duplicates.tell_apart(thrice, "lead", ["L1", "L3"], "olga", LATER)
    merge_leads(thrice, books, ["L1", "L2"], "olga", "", LATER)
    do(thrice, books, "merge", "L2" if leads.resolve(thrice, "L1") == "L2" else "L1", to="L3", by="olga")
    assert duplicates.told_apart(thrice, "lead") == set()


def test_what_was_split_is_not_suggested_again(thrice: psycopg.Connection, books: Rulebooks) -> None:
    merge_leads(thrice, books, ["L1", "L2"], "olga", "", LATER)
    do(thrice, books, "split", "L1", to="L2", by="olga")
    assert all({"L1", "L2"} - set(one) for one in members(search(thrice)))
    assert [one.lead_id for one in replay_all(thrice, Rulebooks()) if not one.is_identical] == []


def test_large_clusters_are_whole_and_do_not_swallow_who_was_told_apart(
    published: psycopg.Connection, books: Rulebooks, lead: Lead
) -> None:
    for provider in PROVIDERS:
        one = lead(id=provider, email=f"jo@{provider}", first_name="N", country="DE", signals=SIGNAL)
        route_batch(published, books, [one], NOW)
        learn(published, provider, **JO)
    assert members(search(published)) == [sorted(PROVIDERS)]
    duplicates.tell_apart(published, "lead", ["gmx.de", "web.de"], "olga", NOW)
    (together, *_rest) = members(search(published))
    assert len(together) == len(PROVIDERS) - 1


def test_accounts_that_are_one_company_are_found(published: psycopg.Connection) -> None:
    accounts = [
        Account("a1", "Nordlicht Brauerei GmbH", ("nordlicht.example",), country="DE", city="Kiel"),
        Account("a2", "NORDLICHT-BRAUEREI", (), country="DE", city="Kiel", phone="+49 431 555001"),
        Account("a3", "Tidewater Pumps Ltd", (), country="GB"),
    ]
    before = duplicate_accounts(published, Matching())
    assert (before.sure, before.unsure) == ([], [])
    put_accounts(published, accounts, NOW)
    found = duplicate_accounts(published, Matching())
    assert found.searched == before.searched + 3
    assert [*members(found), *members(found, "unsure")] == [["a1", "a2"]]
    duplicates.tell_apart(published, "account", ["a2", "a1"], "olga", NOW)
    found = duplicate_accounts(published, Matching())
    assert [*members(found), *members(found, "unsure")] == []


def test_an_empty_database_has_no_duplicates(published: psycopg.Connection) -> None:
    assert (search(published).sure, duplicate_accounts(published, Matching()).sure) == ([], [])


# ---------------------------------------------------------------- which lead stays


def card(id_: str, stage: str, day: int = 0, *, responded: bool = False, accepted: bool = False) -> LeadCard:
    owner = None if stage == "nurture" else "olga"
    at = NOW + timedelta(days=day)
    return LeadCard(id_, at, {}, stage, owner, None, accepted or responded, responded, None)


RANKED = [
    card("responded", "working", 9, responded=True),
    card("accepted", "accepted", 8, accepted=True),
    card("older", "assigned", 1),
    card("assigned", "assigned", 7),
    card("review", "review", 3),
    card("nurture", "nurture", 0),
]


@given(st.permutations(RANKED), st.integers(0, len(RANKED) - 1))
def test_the_lead_that_is_worked_the_furthest_stays(order: Sequence[LeadCard], first: int) -> None:
    left = [one for one in order if one in RANKED[first:]]
    assert survivor(left) == RANKED[first]


def test_of_equals_the_oldest_stays_then_the_smaller_id() -> None:
    assert survivor([card("b", "assigned", 1), card("a", "assigned", 2)]).id == "b"
    assert survivor([card("b", "assigned"), card("a", "assigned")]).id == "a"


def test_a_response_counts_only_where_somebody_still_has_the_lead() -> None:
    assert survivor([card("back", "review", responded=True), card("new", "assigned", 5)]).id == "new"
