"""What somebody has in hand, by when it needs them, and why it is theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.core.act import Act
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.my_leads import MyLeads, Wanted, my_leads, promise_of
from leadlane.service.roster import go_away
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission

WARSAW = ZoneInfo("Europe/Warsaw")
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(published: psycopg.Connection, books: Rulebooks, lead: Callable[..., Submission]) -> Desk:
    return Desk(published, books, lead)


class Desk:
    def __init__(self, db: psycopg.Connection, books: Rulebooks, lead: Callable[..., Submission]) -> None:
        self.db, self.books, self.lead = db, books, lead

    def give(self, id_: str, to: str, **fields: object) -> None:
        """A lead that asks for a demonstration, in the hands of this person."""
        given = {"email": f"{id_}@{id_}.example", "signals": ["demo_request"], **fields}
        route_batch(self.db, self.books, [self.lead(id=id_, **given)], NOW)
        self.do(Act(id_, "reassign", by="maria", to=to, reason="speaks their language"))

    def do(self, one: Act) -> None:
        (receipt,) = act(self.db, self.books, [one], NOW)
        assert receipt.status == "updated", receipt

    def list(self, *people: str, **wanted: str) -> MyLeads:
        return my_leads(self.db, self.books, people, WARSAW, NOW, Wanted(**wanted))

    def parts(self, *people: str, **wanted: str) -> dict[str, list[str]]:
        return {one.part: [row.id for row in one.rows] for one in self.list(*people, **wanted).sections}


def test_leads_stand_under_when_they_need_somebody(desk: Desk) -> None:
    for id_ in ("hot", "today", "later", "plain"):
        desk.give(id_, "anna")
        if id_ != "hot":
            desk.do(Act(id_, "touch", by="anna", how="call"))
    desk.do(Act("today", "plan", by="anna", reason="Call back", due_at=NOW + 5 * HOUR))
    desk.do(Act("later", "plan", by="anna", reason="Send the offer", due_at=NOW + 30 * HOUR))
    # What was answered has the step that it had, and that is soon due: whoever has it says what is next.
    assert desk.parts("anna") == {"now": ["hot", "plain"], "today": ["today"], "later": ["later"]}
    assert desk.list("anna").total == 4
    assert desk.list("boris") == MyLeads((), 0, 0)


def test_a_snooze_does_not_hide_what_was_promised(desk: Desk) -> None:
    desk.give("L1", "anna")
    desk.do(Act("L1", "plan", by="anna", due_at=NOW + 48 * HOUR))
    ((section),) = desk.list("anna").sections
    assert section.part == "now"
    (row,) = section.rows
    assert row.respond_by is not None
    assert (row.due_at, row.next_step_due_at) == (row.respond_by, NOW + 48 * HOUR)


def test_what_one_covers_and_what_is_covered_for_one(desk: Desk) -> None:
    desk.db.execute(
        "INSERT INTO accounts (id, name, named, owner, changed_at) VALUES ('big', 'Big', true, 'anna', now())"
    )
    desk.db.execute("INSERT INTO account_domains VALUES ('big.example', 'big')")
    go_away(desk.db, "anna", NOW.isoformat(), (NOW + 48 * HOUR).isoformat(), "holiday", "test", NOW)
    given = desk.lead(id="L1", email="a@big.example", signals=["newsletter_subscription"])
    route_batch(desk.db, desk.books, [given], NOW)
    ((covered),) = desk.list("anna").sections
    cover = desk.db.execute("SELECT covered_by FROM leads").fetchone()
    assert cover is not None
    (section,) = desk.list(cover[0]).sections
    assert (covered.part, section.part) == ("covered", "cover")
    assert section.rows[0].covers_for == "Anna Nowak"
    assert section.rows[0].why.endswith("→ named-account → Anna Nowak is out")
    assert covered.rows[0].covers_for == ""


def test_why_it_is_theirs_is_told_in_a_line(desk: Desk) -> None:
    given = desk.lead(id="L1", email="a@l1.example", signals=["demo_request"], employees=800)
    route_batch(desk.db, desk.books, [given], NOW)
    row = desk.db.execute("SELECT owner, pool, route FROM leads").fetchone()
    assert row is not None
    owner, pool, route = row
    (section,) = desk.list(owner).sections
    assert section.rows[0].why == f"high intent, weak fit → {route} → next in turn in the pool {pool}"
    desk.do(Act("L1", "reassign", by="maria", to="boris", reason="speaks their language"))
    (section,) = desk.list("boris").sections
    assert section.rows[0].why.endswith("→ handed over by Maria Hofer: speaks their language")
    desk.do(Act("L1", "reassign", user="Ada Admin", to="anna"))
    (section,) = desk.list("anna").sections
    assert section.rows[0].why.endswith("→ handed over by Ada Admin")


def test_what_is_in_review_is_with_whoever_decides(desk: Desk) -> None:
    desk.give("L1", "anna")
    desk.do(Act("L1", "dispute", by="anna", reason="a student"))
    row = desk.db.execute("SELECT owner FROM leads").fetchone()
    assert row is not None
    (section,) = desk.list(row[0], shown="review").sections
    assert section.rows[0].why.endswith("→ Anna Nowak says that this is wrong: a student")
    assert desk.list("anna").total == 0


def test_a_list_is_narrowed(desk: Desk) -> None:
    desk.give("L1", "anna", first_name="Żaneta", last_name="100%", company="Łoś")
    desk.give("L2", "anna", first_name="Bo", company="Umbra")
    desk.do(Act("L2", "accept", by="anna"))
    assert desk.parts("anna", shown="new") == {"now": ["L1"]}
    assert desk.parts("anna", shown="accepted") == {"now": ["L2"]}
    assert desk.parts("anna", intent="low") == {}
    assert desk.parts("anna", text="żan") == {"now": ["L1"]}
    assert desk.parts("anna", text="100%") == {"now": ["L1"]}
    assert desk.parts("anna", text="UMBRA") == {"now": ["L2"]}
    assert desk.parts("anna", text="_") == {}


def test_a_closed_lead_is_in_nobodys_hands(desk: Desk) -> None:
    desk.give("L1", "anna")
    desk.do(Act("L1", "close", by="anna", outcome="lost"))
    assert desk.list("anna").total == 0


def test_what_became_of_a_promise() -> None:
    assert promise_of(None, None, NOW) == "none"
    assert promise_of(NOW, None, NOW) == "running"
    assert promise_of(NOW - HOUR, None, NOW) == "missed"
    assert promise_of(NOW, NOW, NOW + HOUR) == "kept"
    assert promise_of(NOW, NOW + HOUR, NOW + HOUR) == "late"


def test_what_is_in_hand_is_found_by_indexes(desk: Desk) -> None:
    desk.give("L1", "anna")
    desk.db.execute("SET enable_seqscan = off")
    plan = desk.db.execute(
        "EXPLAIN SELECT id FROM leads WHERE owner = ANY('{anna}') AND stage <> 'closed'"
        " UNION ALL SELECT id FROM leads WHERE covered_by = ANY('{anna}') AND stage <> 'closed'"
    ).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "leads_in_hand" in text
    assert "leads_covering" in text
