"""The rules as they are read, and how often each route is used and overridden."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from tests.service.conftest import NOW, POLICY

from leadlane.core.act import Act
from leadlane.service.acts import act
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.publish import publish
from leadlane.service.rulebook_page import RouteRow, route_page, rulebook
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import migrate, route_use
from leadlane.store.route_use import Use

Come = Callable[..., str]
DEMO = {"signals": [{"name": "demo_request"}], "employees": 20}


@pytest.fixture
def come(published: psycopg.Connection, books: Rulebooks, lead: Callable[..., Any]) -> Come:
    """A lead that comes in now, or at another moment: its id."""
    count = 0

    def comes(at: datetime = NOW, **raw: Any) -> str:
        nonlocal count
        count += 1
        given = {"email": f"p{count}@c{count}.example", "first_name": "Pia", "last_name": f"No{count}"} | raw
        (receipt,) = route_batch(published, books, [lead(at, **given)], at)
        assert receipt.status == "created", receipt
        return receipt.lead_id

    return comes


def did(connection: psycopg.Connection, books: Rulebooks, at: datetime = NOW, **what: Any) -> Receipt:
    (receipt,) = act(connection, books, [Act(**what)], at)
    assert receipt.status == "updated", receipt
    return receipt


def owner_of(connection: psycopg.Connection, lead_id: str) -> str:
    row = connection.execute("SELECT owner FROM leads WHERE id = %s", [lead_id]).fetchone()
    assert row is not None
    return str(row[0])


def route(connection: psycopg.Connection, books: Rulebooks, name: str, now: datetime = NOW) -> RouteRow:
    return next(row for row in rulebook(connection, books, now).routes if row.name == name)


def test_a_route_counts_whom_it_placed_and_who_decided_otherwise(
    published: psycopg.Connection, books: Rulebooks, come: Come
) -> None:
    ids = [come(**DEMO) for _number in range(4)]
    come(signals=[{"name": "newsletter_subscription"}])
    first, second, third, _fourth = ids
    did(published, books, lead_id=first, kind="decline", by=owner_of(published, first), reason="no time")
    did(published, books, lead_id=second, kind="reassign", by="maria", to="fritz", reason="speaks Czech")
    did(published, books, lead_id=third, kind="dispute", by=owner_of(published, third), reason="A partner")
    row = route(published, books, "hot-weak")
    assert row.lately == Use("hot-weak", placed=4, handed_over=1, declined=1, disputed=1)
    assert row.lately.overridden == 3
    assert row.share == 4 / 5
    assert row.last_used_at == NOW
    assert route(published, books, "vip").lately == Use("vip")
    assert route(published, books, "vip").last_used_at is None


def test_what_people_do_besides_is_no_override(
    published: psycopg.Connection, books: Rulebooks, come: Come
) -> None:
    id_ = come(**DEMO)
    owner = owner_of(published, id_)
    did(published, books, lead_id=id_, kind="accept", by=owner)
    did(published, books, lead_id=id_, kind="touch", by=owner, how="call")
    did(published, books, lead_id=id_, kind="close", by=owner, outcome="lost", reason="no budget")
    assert route(published, books, "hot-weak").lately == Use("hot-weak", placed=1)


def test_a_batch_counts_as_its_leads_do(
    published: psycopg.Connection, books: Rulebooks, lead: Callable[..., Any]
) -> None:
    """One commit of many: each lead counts once, news of a lead that is there does not."""
    batch = [lead(email=f"p{n}@c{n}.example", **DEMO) for n in range(30)]
    route_batch(published, books, [*batch, lead(email="p0@c0.example", **DEMO)], NOW)
    assert route(published, books, "hot-weak").lately.placed == 30


def test_days_that_are_long_past_do_not_count(
    published: psycopg.Connection, books: Rulebooks, come: Come
) -> None:
    long_ago, lately = NOW - timedelta(days=120), NOW - timedelta(days=40)
    come(at=long_ago, **DEMO)
    assert route(published, books, "hot-weak").long.placed == 0
    assert route(published, books, "hot-weak").last_used_at == long_ago
    come(at=lately, **DEMO)
    row = route(published, books, "hot-weak")
    assert (row.lately.placed, row.long.placed, row.last_used_at) == (0, 1, lately)
    assert row.share is None  # nothing at all came in lately


def test_what_was_decided_before_it_was_counted_is_counted(
    published: psycopg.Connection, books: Rulebooks, come: Come
) -> None:
    """The statement of the migration gives the same numbers as the trigger did."""
    id_ = come(**DEMO)
    did(published, books, lead_id=id_, kind="decline", by=owner_of(published, id_), reason="no time")
    counted = route_use.since(published, NOW.date())
    text = (migrate.MIGRATIONS / "versions" / "0019_route_use.sql").read_text(encoding="utf-8")
    backfill = text[text.index("-- What was decided before.") : text.index("-- The latest leads of a route")]
    published.execute("TRUNCATE route_use")
    published.execute(backfill)
    assert route_use.since(published, NOW.date()) == counted
    assert counted["hot-weak"] == Use("hot-weak", placed=1, declined=1)


def test_what_is_taken_back_is_overridden_once(
    published: psycopg.Connection, books: Rulebooks, come: Come
) -> None:
    """Undoing hands the lead back by hand; what was counted so before is put right by the migration."""
    ids = [come(**DEMO) for _number in range(2)]
    for id_ in ids:
        owner = owner_of(published, id_)
        did(published, books, lead_id=id_, kind="reassign", by="maria", to="fritz", reason="speaks Czech")
        did(published, books, lead_id=id_, kind="reassign", by="maria", to=owner, reason="undone")
    counted = route_use.since(published, NOW.date())
    assert counted["hot-weak"] == Use("hot-weak", placed=2, handed_over=2)
    text = (migrate.MIGRATIONS / "versions" / "0028_rules.sql").read_text(encoding="utf-8")
    correction = text[text.index("-- Those that were counted so") : text.index("-- Whoever answers")]
    published.execute("UPDATE route_use SET handed_over = 2 * handed_over")
    published.execute(correction)
    assert route_use.since(published, NOW.date()) == counted


def test_those_who_decide_at_once_lose_no_count(
    database_url: str, published: psycopg.Connection, lead: Callable[..., Any]
) -> None:
    def decide(number: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            own = Rulebooks()
            for one in range(6):
                mail = f"p@c{number}-{one}.example"
                (receipt,) = route_batch(connection, own, [lead(email=mail, **DEMO)], NOW)
                assert receipt.status == "created"

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(decide, range(4)))
    assert route_use.since(published, NOW.date())["hot-weak"].placed == 24


def test_what_is_not_committed_is_not_counted(
    published: psycopg.Connection, books: Rulebooks, come: Come
) -> None:
    with published.transaction(force_rollback=True):
        come(**DEMO)
        assert route(published, books, "hot-weak").lately.placed == 1
    assert route(published, books, "hot-weak").lately.placed == 0


def test_the_page_of_a_route(published: psycopg.Connection, books: Rulebooks, come: Come) -> None:
    old = come(at=NOW - timedelta(days=8), **DEMO)
    new = come(company="Widget Works", **DEMO)
    by = owner_of(published, new)
    did(published, books, lead_id=new, kind="dispute", by=by, reason="They are a partner of ours")
    found = route_page(published, books, "hot-weak", NOW)
    assert found is not None
    assert [lead.id for lead in found.leads] == [new, old]
    assert found.leads[0].company == "Widget Works"
    assert [count for _day, count in found.weeks][-2:] == [1, 1]
    assert sum(count for _day, count in found.weeks) == 2
    (dispute,) = found.disputes
    people = books.current(published).roster.people
    assert (dispute.lead, dispute.by, dispute.said) == (new, people[by].name, "They are a partner of ours")
    assert (found.number, found.of) == (10, 15)


def test_a_route_that_is_gone_is_shown_as_it_was(
    published: psycopg.Connection, books: Rulebooks, come: Come
) -> None:
    come(**DEMO)
    gone = POLICY.replace(
        "  - {name: hot-weak, when: {intent: high, fit: weak}, pool: sdr, next_step: Qualify}\n", ""
    )
    publish(published, gone, "policy.yaml", "olga", "no weak ones", NOW)
    found = route_page(published, books, "hot-weak", NOW)
    assert found is not None
    assert found.number == 0
    assert found.row.when == "intent is high and fit is weak"
    assert found.row.lately.placed == 1
    assert route_page(published, books, "never-there", NOW) is None


def test_the_whole_in_words(published: psycopg.Connection, books: Rulebooks) -> None:
    page = rulebook(published, books, NOW)
    assert (page.name, page.version.number, page.is_in_force) == ("Reference", 1, True)
    assert page.intent[0] == (
        "high",
        "high",
        ("demo request", "pricing page visit", "contact sales form", "outbound reply"),
    )
    assert [row.name for row in page.routes] == [one.name for one in books.current(published).policy.routes]
    pools = {pool.name: pool for pool in page.pools}
    assert [(one.id, one.weight) for one in pools["sdr"].members] == [("hugo", ""), ("ida", "2")]
    assert pools["sdr"].sharing == "In turn, by weight: a weight of 2 gets twice as many as a weight of 1."
    levels = {level.name: level for level in page.levels}
    assert levels["demo-request"].within == "15 business minutes"
    assert len(levels["demo-request"].steps) == 3
    assert page.hours[0].hours == "Mon–Fri 09:00–17:00"
    assert {id_ for row in page.hours for id_, _name in row.people} == books.current(
        published
    ).roster.people.keys()


def test_routes_of_a_season(published: psycopg.Connection, books: Rulebooks) -> None:
    seasons = POLICY.replace(
        "routes:\n",
        "routes:\n"
        "  - {name: fair, when: {source: fair}, pool: sdr, from: 2026-02-01, until: 2026-02-28}\n"
        "  - {name: summer, when: {source: summer}, pool: sdr, from: 2026-06-01}\n",
    )
    publish(published, seasons, "policy.yaml", "olga", "seasons", NOW)
    counts = {row.name: row.counts for row in rulebook(published, books, NOW).routes}
    assert (counts["fair"], counts["summer"], counts["vip"]) == ("past", "ahead", "now")


def test_reading_stays_on_indexes(published: psycopg.Connection) -> None:
    """Where there is much, only what is asked for is read."""
    published.execute(
        "INSERT INTO route_use (route, day, part, placed, placed_at)"
        " SELECT 'r' || r, date '2026-03-01' - d, p, 1, now()"
        " FROM generate_series(1, 20) AS r, generate_series(0, 700) AS d, generate_series(0, 3) AS p"
    )
    published.execute("ANALYZE route_use")
    plan = published.execute(
        "EXPLAIN SELECT max(day) FROM route_use WHERE route = 'r7' AND placed > 0"
    ).fetchall()
    assert "Seq Scan" not in str(plan)
    plan = published.execute(
        "EXPLAIN SELECT lead_id, at FROM decisions WHERE route = 'r7' AND outcome IN ('placed', 'moved')"
        " ORDER BY at DESC LIMIT 15"
    ).fetchall()
    assert "decisions_placed" in str(plan)
