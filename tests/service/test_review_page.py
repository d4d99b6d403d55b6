"""What waits for a person to decide, whom a lead may be, and what follows from a decision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.core.act import Act
from leadlane.core.facts import Account
from leadlane.service.acts import act
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.replay import replay_all
from leadlane.service.review_decide import Choice, decide, may_decide, problem_of, undo_merge
from leadlane.service.review_page import ReviewPage, review_page
from leadlane.service.review_queue import review_queue
from leadlane.service.roster import put_accounts
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.service.who_acts import Actor
from leadlane.store import leads, review
from leadlane.store.watchdog import violations

BERLIN = ZoneInfo("Europe/Berlin")
OLGA = Actor("olga", "Olga Lis", "teams")
ADA = Actor(None, "Ada Admin", "all")
JO = {"first_name": "Jo", "last_name": "Winterfeld", "country": "DE", "signals": ["demo_request"]}
MINUTE = timedelta(minutes=1)


class Desk:
    def __init__(self, db: psycopg.Connection, books: Rulebooks, lead: Callable[..., Submission]) -> None:
        self.db, self.books, self.lead = db, books, lead
        account = Account(
            "nord", "Nordlicht Brauerei GmbH", ("nordlicht.example",), named=True, owner="boris", country="DE"
        )
        put_accounts(db, [account], NOW)

    def arrive(self, id_: str, at: Any = NOW, **fields: Any) -> None:
        (receipt,) = route_batch(self.db, self.books, [self.lead(at, id=id_, **fields)], at)
        assert receipt.status == "created", receipt

    def vip(self, id_: str, at: Any = NOW) -> None:
        self.arrive(id_, at, email=f"{id_}@{id_}.example", referral="vip", signals=["demo_request"])

    def doubt(self, id_: str = "D1") -> None:
        """A lead that may be of the account `nord`."""
        self.arrive(id_, email=f"{id_}@gmail.com", company="Nordlicht Brauerei", signals=["demo_request"])

    def pair(self) -> None:
        """Two leads that may be of one person: L1 is worked, L2 waits."""
        self.arrive("L1", email="jo@kiosk.example", **JO)
        self.arrive("L2", email="j.winterfeld@kiosk.example", **JO)

    def row(self, lead_id: str) -> leads.LeadRow:
        found = leads.get_exactly(self.db, lead_id)
        assert found is not None
        return found

    def page(self, lead_id: str, looked_for: str = "") -> ReviewPage:
        return review_page(self.db, self.books, self.row(lead_id), BERLIN, NOW, looked_for)

    def decide(self, lead_id: str, actor: Actor = OLGA, seen: int | None = None, **choice: str) -> Receipt:
        row, chosen = self.row(lead_id), Choice(**choice)
        assert problem_of(chosen) is None
        at = NOW + MINUTE
        return decide(self.db, self.books, row, actor, chosen, row.place if seen is None else seen, at)

    def said(self, lead_id: str, event: str) -> list[tuple[str, str]]:
        found = leads.timeline(self.db, lead_id)
        return [(one.actor, one.details.get("reason", "")) for one in found if one.event == event]

    def in_order(self) -> None:
        assert violations(self.db) == []
        assert [one.lead_id for one in replay_all(self.db, Rulebooks()) if not one.is_identical] == []


@pytest.fixture
def desk(published: psycopg.Connection, books: Rulebooks, lead: Callable[..., Submission]) -> Desk:
    return Desk(published, books, lead)


# ---------------------------------------------------------------- the line


def test_the_line_is_by_promise_then_by_age(desk: Desk) -> None:
    for number in range(4):
        desk.vip(f"V{number}", NOW - number * MINUTE)
    desk.db.execute("UPDATE leads SET respond_by = NULL WHERE id IN ('V0', 'V3')")
    desk.db.execute("UPDATE leads SET respond_by = %s WHERE id = 'V1'", [NOW + MINUTE])
    desk.db.execute("UPDATE leads SET respond_by = %s WHERE id = 'V2'", [NOW + 2 * MINUTE])
    book = desk.books.current(desk.db)
    assert [one.id for one in review_queue(desk.db, book, NOW)] == ["V1", "V2", "V3", "V0"]
    assert [one.id for one in review_queue(desk.db, book, NOW, after="V2")] == ["V3", "V0"]
    assert [one.id for one in review_queue(desk.db, book, NOW, most=1)] == ["V1"]
    assert [review.next_after(desk.db, one) for one in ("V1", "V2", "V3", "V0")] == ["V2", "V3", "V0", "V1"]
    assert review.count(desk.db) == 4


def test_whoever_was_answered_waits_behind_whoever_was_promised(desk: Desk) -> None:
    desk.vip("V1")
    desk.vip("V2")
    desk.db.execute("UPDATE leads SET respond_by = %s", [NOW + MINUTE])
    desk.db.execute("UPDATE leads SET responded_at = %s WHERE id = 'V1'", [NOW])
    assert [one.id for one in review_queue(desk.db, desk.books.current(desk.db), NOW)] == ["V2", "V1"]


def test_the_line_says_why_each_waits(desk: Desk) -> None:
    desk.vip("V1")
    desk.doubt("D1")
    desk.arrive("L1", email="a@l1.example", employees=300, signals=["demo_request"])
    owner = desk.row("L1").owner
    act(desk.db, desk.books, [Act("L1", "dispute", by=owner, reason="a student")], NOW)
    found = {one.id: one for one in review_queue(desk.db, desk.books.current(desk.db), NOW)}
    assert {id_: one.why for id_, one in found.items()} == {"V1": "rule", "D1": "identity", "L1": "dispute"}
    assert found["L1"].detail.endswith(": a student")
    assert "VIP" in found["V1"].detail


def test_the_line_is_read_by_its_index(desk: Desk) -> None:
    desk.db.execute("SET enable_seqscan = off; SET enable_sort = off")
    statement = (
        f"EXPLAIN SELECT id FROM leads WHERE stage = 'review' ORDER BY {review._KEY}, arrived_at, id LIMIT 30"
    )
    plan = "\n".join(row[0] for row in desk.db.execute(statement))
    assert "Index Scan using leads_review" in plan or "Index Only Scan using leads_review" in plan
    assert "Sort" not in plan


# ---------------------------------------------------------------- one lead


def test_an_account_stands_beside_the_lead_with_its_evidence(desk: Desk) -> None:
    desk.doubt()
    page = desk.page("D1")
    (candidate,) = page.candidates
    assert (candidate.value, candidate.name, candidate.holder) == (
        "account:nord", "Nordlicht Brauerei GmbH", "boris",
    )  # fmt: skip
    assert candidate.probability is not None
    assert 0.5 < candidate.probability < 1
    assert any("Nordlicht" in words for words in candidate.speaks_for)
    assert (page.can_be_new, page.suggested, page.left, page.next_id) == (True, "", 0, None)
    assert dict(page.facts)["company"] == "Nordlicht Brauerei"


def test_a_lead_stands_beside_the_lead_as_it_is_now(desk: Desk) -> None:
    desk.pair()
    (candidate,) = desk.page("L2").candidates
    assert (candidate.value, candidate.can_be, candidate.name) == ("lead:L1", True, "Jo Winterfeld")
    assert candidate.speaks_against  # two mailboxes
    act(desk.db, desk.books, [Act("L1", "close", user="Ada", outcome="lost")], NOW)
    (candidate,) = desk.page("L2").candidates
    assert (candidate.can_be, candidate.status) == (False, "lost")


def test_somebody_else_can_be_looked_for(desk: Desk) -> None:
    desk.vip("V1")
    assert [one.value for one in desk.page("V1", "acme").found] == ["account:acme"]
    desk.arrive("L1", email="kim@web.example", first_name="Kim", last_name="Okafor", signals=["demo_request"])
    assert [one.value for one in desk.page("V1", "kim@web.example").found] == ["lead:L1"]
    # It is not found itself, nor once more whoever is there already.
    assert "lead:V1" not in {one.value for one in desk.page("V1", "v1@v1.example").found}
    desk.doubt()
    page = desk.page("D1", "nordlicht")
    assert (page.found, page.search_problem) == ((), "Nobody else is known by this.")
    assert desk.page("D1", "x").search_problem


def test_a_pool_in_whose_line_it_waits_is_suggested(desk: Desk) -> None:
    desk.vip("V1")
    desk.db.execute("UPDATE leads SET waiting_pool = 'mid-ae'")
    page = desk.page("V1")
    assert (page.suggested, page.waiting_pool, page.nobody) == ("pool:mid-ae", "mid-ae", ())
    values = [value for _label, group in page.places for value, _words in group]
    assert {"pool:mid-ae", "anna", "program:nurture"} <= set(values)
    words = dict(pair for _label, group in page.places for pair in group)
    assert words["anna"] == "Anna Nowak (0 of 40 open)"


# ---------------------------------------------------------------- deciding


def test_it_is_this_account(desk: Desk) -> None:
    desk.doubt()
    receipt = desk.decide("D1", what="account:nord", reason="she said so")
    row = desk.row("D1")
    assert (receipt.status, row.owner, row.account_id, row.unsure) == ("updated", "boris", "nord", False)
    assert desk.said("D1", "identified") == [("person:olga", "she said so")]
    desk.in_order()


def test_it_is_somebody_new(desk: Desk) -> None:
    desk.doubt()
    assert desk.decide("D1", ADA, what="new", reason="another brewery").status == "updated"
    row = desk.row("D1")
    assert (row.account_id, row.unsure) == (None, False)
    assert row.stage != "review"
    assert desk.said("D1", "identified") == [("user:Ada Admin", "another brewery")]
    desk.in_order()


@pytest.mark.parametrize("actor", [OLGA, ADA, Actor("anna", "Anna Nowak", "all")])
def test_a_merge_can_be_taken_back_for_a_while(desk: Desk, actor: Actor) -> None:
    desk.pair()
    owner = desk.row("L1").owner
    assert desk.decide("L2", actor, what="lead:L1", reason="one Jo").status == "updated"
    assert (desk.row("L2").merged_into, desk.row("L1").owner) == ("L1", owner)
    assert [reason for _actor, reason in desk.said("L1", "joined")] == ["one Jo"]
    other = Actor("maria", "Maria Hofer", "teams")
    assert undo_merge(desk.db, desk.books, "L2", other, NOW + 2 * MINUTE) is None
    assert undo_merge(desk.db, desk.books, "L2", actor, NOW + 30 * MINUTE) is None
    namesake = Actor(None, actor.name, "own")
    assert undo_merge(desk.db, desk.books, "L2", namesake, NOW + 2 * MINUTE) is None
    receipt = undo_merge(desk.db, desk.books, "L2", actor, NOW + 2 * MINUTE)
    assert receipt is not None
    assert (receipt.status, desk.row("L2").merged_into) == ("created", None)
    assert desk.row("L2").stage != "closed"
    assert undo_merge(desk.db, desk.books, "L2", actor, NOW + 3 * MINUTE) is None
    desk.in_order()


@pytest.mark.parametrize(
    ("to", "stage"), [("anna", "assigned"), ("pool:mid-ae", "assigned"), ("program:nurture", "nurture")]
)
def test_it_is_given_to_a_person_a_pool_or_a_program(desk: Desk, to: str, stage: str) -> None:
    desk.vip("V1")
    assert desk.decide("V1", what="place", to=to, reason="knows them").status == "updated"
    row = desk.row("V1")
    assert row.stage == stage
    assert row.owner == ("anna" if to == "anna" else row.owner)
    assert desk.said("V1", "reviewed") == [("person:olga", "knows them")]
    desk.in_order()


def test_it_is_closed(desk: Desk) -> None:
    desk.vip("V1")
    assert desk.decide("V1", what="close", outcome="junk", reason="a robot").status == "updated"
    assert (desk.row("V1").stage, desk.row("V1").outcome) == ("closed", "junk")


@pytest.mark.parametrize("what", ["account:nord", "new", "lead:L1", "place", "close"])
def test_who_saw_it_elsewhere_changes_nothing(desk: Desk, what: str) -> None:
    desk.pair()
    before = desk.row("L2")
    receipt = desk.decide("L2", seen=before.place + 1, what=what, to="anna", outcome="junk")
    assert (receipt.status, receipt.refusal) == ("refused", "stale")
    assert desk.row("L2") == before


def test_what_there_is_not_is_refused_in_words(desk: Desk) -> None:
    desk.pair()
    unknown = [(what, "") for what in ("account:none", "lead:none", "lead:L2")]
    for what, to in (*unknown, ("place", "nobody"), ("place", "pool:no")):
        receipt = desk.decide("L2", what=what, to=to)
        assert (receipt.status, bool(receipt.problem)) == ("refused", True), (what, to)
    assert desk.row("L2").stage == "review"


def test_what_is_missing_in_a_choice() -> None:
    assert problem_of(Choice("")) == "choice"
    assert problem_of(Choice("lead:")) == "choice"
    assert problem_of(Choice("pool:x")) == "choice"
    assert problem_of(Choice("place")) == "to"
    assert problem_of(Choice("close", outcome="lucky")) == "outcome"
    assert problem_of(Choice("new")) is None


def test_who_may_decide(desk: Desk) -> None:
    desk.vip("V1")
    row = desk.row("V1")
    assert row.owner == "olga"
    assert may_decide(Actor("olga", "Olga Lis", "own"), row)
    assert may_decide(Actor("marco", "Marco Villa", "teams"), row)
    assert may_decide(ADA, row)
    assert not may_decide(Actor("anna", "Anna Nowak", "own"), row)
    assert not may_decide(Actor(None, "Vera", "none"), row)
    desk.decide("V1", what="place", to="anna")
    assert not may_decide(ADA, desk.row("V1"))
