"""What needs somebody at this moment, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.core.act import Act
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.now_health import health_now
from leadlane.service.now_page import HOURS, NowPage, now_page
from leadlane.service.roster import go_away
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.store import alarms, now

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Desk:
    def __init__(self, db: psycopg.Connection, books: Rulebooks, lead: Callable[..., Submission]) -> None:
        self.db, self.books, self.lead = db, books, lead

    def arrive(self, id_: str, ago: timedelta = timedelta(), **fields: Any) -> None:
        given = {"email": f"{id_}@{id_}.example", "signals": ["demo_request"], "employees": 300, **fields}
        at = NOW - ago
        route_batch(self.db, self.books, [self.lead(at, id=id_, **given)], at)

    def give(self, id_: str, to: str, ago: timedelta = timedelta(), **fields: Any) -> None:
        self.arrive(id_, ago, **fields)
        assert self.do(Act(id_, "reassign", by="maria", to=to)) == "updated"

    def do(self, one: Act) -> str:
        return act(self.db, self.books, [one], NOW)[0].status

    def page(self, *people: str) -> NowPage:
        book = self.books.current(self.db)
        return now_page(self.db, book, people or None, BERLIN, NOW)


@pytest.fixture
def desk(published: psycopg.Connection, books: Rulebooks, lead: Callable[..., Submission]) -> Desk:
    return Desk(published, books, lead)


def test_nothing_happens(desk: Desk) -> None:
    page = desk.page()
    assert (page.arrivals.all.today, page.arrivals.all.hours, page.arrivals.routes) == (0, (0,) * HOURS, ())
    assert (page.risk.leads, page.busy, page.away, page.lines, page.in_review) == ((), (), (), (), 0)


def test_what_came_in_is_counted_by_hour_day_and_route(desk: Desk) -> None:
    desk.give("new", "anna", 5 * MINUTE)
    desk.give("hour", "anna", 59 * MINUTE)
    desk.give("early", "boris", 150 * MINUTE)
    desk.give("yesterday", "boris", 12 * HOUR)
    desk.give("long-ago", "boris", 2 * DAY)
    page = desk.page()
    assert (page.arrivals.all.last_hour, page.arrivals.all.today) == (2, 3)
    assert page.arrivals.all.hours[-1] == 2
    assert page.arrivals.all.hours[-3] == 1
    assert sum(page.arrivals.all.hours) == 4
    assert sum(one.today for one in page.arrivals.routes) == 3
    assert not page.arrivals.is_cut
    assert (desk.page("anna").arrivals.all.today, desk.page("boris").arrivals.all.today) == (2, 1)
    assert desk.page("ida").arrivals.all.today == 0


def test_counting_has_a_bound_and_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        desk.arrive(f"L{number}", number * MINUTE)
    monkeypatch.setattr(now, "MOST_ARRIVALS", 2)
    arrivals = desk.page().arrivals
    assert (arrivals.all.today, arrivals.is_cut) == (2, True)


def test_at_risk_is_what_ends_soon_then_what_broke_last(desk: Desk) -> None:
    for id_ in ("soon", "later", "broken"):
        desk.give(id_, "anna")
    desk.give("sooner", "boris")
    desk.give("old", "ida")
    desk.give("answered", "anna")
    assert desk.do(Act("answered", "touch", by="anna", how="call")) == "updated"
    desk.give("closed", "anna")
    assert desk.do(Act("closed", "close", by="anna", outcome="junk")) == "updated"
    for id_, minutes in (("soon", 90), ("sooner", 5), ("later", 300), ("broken", -10), ("old", -600)):
        moment = NOW + minutes * MINUTE
        desk.db.execute("UPDATE leads SET respond_by = %s WHERE id = %s", [moment, id_])
    desk.db.execute("UPDATE leads SET respond_by = %s WHERE id IN ('answered', 'closed')", [NOW - HOUR])
    risk = desk.page().risk
    assert [one.id for one in risk.leads] == ["sooner", "soon", "broken", "old"]
    assert [one.is_broken for one in risk.leads] == [False, False, True, True]
    assert (risk.soon, risk.broken) == (2, 2)
    assert [(one.owner, one.broken, one.soon) for one in risk.people] == [
        ("anna", 1, 1), ("ida", 1, 0), ("boris", 0, 1),
    ]  # fmt: skip
    assert risk.people[0].next_at == NOW + 90 * MINUTE
    assert [one.id for one in desk.page("boris", "hugo").risk.leads] == ["sooner"]


def test_one_person_with_many_does_not_hide_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        desk.give(f"a{number}", "anna")
    desk.give("b", "boris")
    desk.db.execute("UPDATE leads SET respond_by = %s - interval '1 minute' * random()", [NOW])
    desk.db.execute("UPDATE leads SET respond_by = %s WHERE id = 'b'", [NOW - DAY])
    monkeypatch.setattr(now, "MOST_OF_A_PERSON", 2)
    risk = desk.page().risk
    assert [(one.owner, one.count) for one in risk.people] == [("anna", 2), ("boris", 1)]
    assert [one.owner for one in risk.leads] == ["anna", "anna", "boris"]


def test_who_is_full_or_nearly(desk: Desk) -> None:
    desk.db.execute("UPDATE loads SET open = 40 WHERE person = 'anna'")  # of 40
    desk.db.execute("UPDATE loads SET open = 33 WHERE person = 'boris'")  # of 40
    desk.db.execute("UPDATE loads SET open = 10 WHERE person = 'clara'")  # of 60
    desk.db.execute("UPDATE loads SET today = 20, today_on = %s WHERE person = 'fritz'", [NOW.date()])
    desk.db.execute("UPDATE loads SET today = 20, today_on = %s WHERE person = 'gina'", [NOW.date() - DAY])
    busy = desk.page().busy
    assert [(one.id, one.is_full) for one in busy] == [("anna", True), ("fritz", True), ("boris", False)]
    assert (busy[1].today, busy[1].per_day) == (20, 20)
    assert [one.id for one in desk.page("boris").busy] == ["boris"]


def test_who_is_away_until_when_and_who_covers(desk: Desk) -> None:
    until = NOW + 2 * DAY
    go_away(desk.db, "anna", (NOW - HOUR).isoformat(), until.isoformat(), "holiday", "test", NOW)
    go_away(desk.db, "fritz", NOW.isoformat(), until.isoformat(), "", "test", NOW)
    go_away(desk.db, "emil", (NOW + DAY).isoformat(), until.isoformat(), "", "test", NOW)
    anna, fritz = desk.page().away
    assert (anna.id, anna.until, anna.reason, anna.cover) == ("anna", until, "holiday", "boris")
    assert (fritz.id, fritz.cover) == ("fritz", None)


def test_who_waits_in_line_and_why_nobody_takes_it(desk: Desk) -> None:
    desk.db.execute("UPDATE loads SET open = 100 WHERE person IN ('ida', 'fritz', 'gina')")
    go_away(desk.db, "hugo", (NOW - HOUR).isoformat(), (NOW + DAY).isoformat(), "", "test", NOW)
    desk.arrive("L1")
    desk.arrive("L2")
    page = desk.page()
    (line,) = page.lines
    assert (line.pool, line.count, line.oldest) == ("sdr", 2, NOW)
    assert sorted(line.why) == [("away", 1), ("full: as many open leads as they can take", 1)]
    assert (page.in_review, [one.why for one in page.review]) == (2, ["nobody", "nobody"])
    assert page.review[0].detail == "waits in line for sdr"
    assert desk.page("marco", "hugo").lines == page.lines
    assert desk.page("maria", "anna").lines == ()  # nobody of theirs is in that pool


def test_what_is_wrong_with_the_machinery(desk: Desk) -> None:
    roster = desk.books.current(desk.db).roster
    assert health_now(desk.db, roster).is_well
    alarms.begin(desk.db, "late", "No worker acts.", NOW)
    desk.db.execute(
        "INSERT INTO channels (name, since, down_since, error) VALUES"
        " ('email', %s, %s, 'refused'), ('sms', %s, NULL, NULL)",
        [NOW, NOW, NOW],
    )
    desk.db.execute(
        "INSERT INTO deliveries"
        " (channel, person, address, body, state, next_at, error, created_at, finished_at) VALUES"
        " ('email', 'anna', 'a@x.example', NULL, 'dead', %(at)s, E'550 no\\nsuch', %(at)s, %(at)s),"
        " ('webhook:crm', NULL, 'https://crm.example/secret', '{}', 'failed', %(at)s, NULL, %(at)s, %(at)s),"
        " ('email', 'boris', 'b@x.example', NULL, 'sent', %(at)s, NULL, %(at)s, %(at)s)",
        {"at": NOW},
    )
    health = health_now(desk.db, roster)
    assert [one.kind for one in health.alarms] == ["late"]
    assert [one.name for one in health.channels] == ["email"]
    assert dict(health.unsent) == {"failed": 1, "dead": 1}
    assert [(one.to, one.error) for one in health.messages] == [
        ("https://crm.example/…", ""),
        ("Anna Nowak", "550 no"),
    ]
    assert not health.is_well


def test_everything_is_found_by_index(desk: Desk) -> None:
    """Whatever was ever routed, these statements read what waits or is due, and no more."""
    desk.arrive("L1")
    desk.db.execute("SET enable_seqscan = off")
    people, until = ["anna"], NOW + HOUR
    values = {"people": people, "until": until, "now": NOW, "each": 50, "most": 30}
    for statement, index in (
        (now._BY_PERSON, "leads_promised"),
        (now._URGENT, "leads_promised"),
    ):
        plan = "\n".join(row[0] for row in desk.db.execute("EXPLAIN " + statement, values))
        assert index in plan, plan
        assert "Seq Scan on leads" not in plan
