"""The demonstration company: invented, the same every time, and never in the way of itself."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import psycopg
import pytest

from leadlane.demo import behaviour, company, history
from leadlane.service import demo
from leadlane.service.given_rules import Text, use_rules
from leadlane.service.health import watch
from leadlane.service.replay import replay_all
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import due
from leadlane.store.db import connect
from leadlane.store.watchdog import violations

NOW = datetime(2026, 3, 6, 15, 30, tzinfo=UTC)
REFERENCE = files("leadlane") / "reference"


@dataclass(frozen=True)
class Opened:
    """What of an open Leadlane the demonstration needs."""

    url: str
    books: Rulebooks
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def opened(database_url: str) -> Opened:
    with connect(database_url) as connection:
        texts = [Text((REFERENCE / name).read_bytes(), name) for name in ("policy.yaml", "roster.yaml")]
        use_rules(connection, texts[0], texts[1], "test", NOW)
    return Opened(database_url, Rulebooks())


def test_the_same_moment_gives_the_same_leads() -> None:
    assert company.leads(NOW) == company.leads(NOW)
    assert company.accounts() == company.accounts()


def test_leads_arrive_in_order_in_the_two_weeks_before() -> None:
    moments = [datetime.fromisoformat(lead["arrived_at"]) for lead in company.leads(NOW)]
    assert moments == sorted(moments)
    assert NOW - timedelta(days=14) < moments[0]
    assert moments[-1] <= NOW


def test_the_months_before_come_before_and_are_the_same_again() -> None:
    before = list(history.leads(NOW))
    assert before == list(history.leads(NOW))
    assert 2_500 < len(before) + len(company.leads(NOW)) < 4_000
    moments = [datetime.fromisoformat(lead["arrived_at"]) for lead in before]
    assert moments == sorted(moments)
    assert NOW - timedelta(weeks=26) < moments[0] < NOW - timedelta(weeks=25)
    assert NOW - timedelta(weeks=3) < moments[-1] <= NOW - timedelta(weeks=2)
    assert list(history.leads(NOW, weeks=2)) == []


def test_no_address_is_anybodys() -> None:
    for lead in (*company.leads(NOW), *history.leads(NOW)):
        domain = lead["email"].lower().rpartition("@")[2]
        assert domain.endswith(".example") or domain == "gmail.com"
        assert re.fullmatch(r"https://www\.[a-z.-]+\.example", lead.get("website", "https://www.a.example"))
    assert all(domain.endswith(".example") for one in company.accounts() for domain in one.domains)


def test_there_is_something_of_everything(opened: Opened) -> None:
    summary = demo.load(opened, weeks=2)
    with connect(opened.url) as connection:
        policy = opened.books.current(connection).policy
    # Every lead has an intent and a fit, so the last route is never reached.
    assert set(summary.routes) == {route.name for route in policy.routes} - {"everything-else"}
    assert set(summary.pools) == set(policy.pools) - {"revops"}
    assert set(summary.programs) == set(policy.programs)
    assert summary.statuses["merged"] > 10
    assert summary.statuses.keys() == {"created", "merged"}
    low, high = policy.limits.automation_share
    assert summary.automation_share is not None
    assert low <= summary.automation_share <= high
    assert not summary.waiting


def test_every_lead_is_decided_when_it_arrived_and_in_the_same_way_again(opened: Opened) -> None:
    demo.load(opened, weeks=2)
    with connect(opened.url) as connection:
        late = connection.execute(
            "SELECT count(*) FROM leads JOIN batches b ON b.at < arrived_at AND b.id = batch_id"
        )
        assert late.fetchone() == (0,)
        row = connection.execute(
            "SELECT count(*), count(DISTINCT at) FROM decisions WHERE arrival->>'kind' IS NULL"
        ).fetchone()
        assert row is not None
        assert row[0] == len(company.leads(NOW))
        assert row[1] > 300
        assert all(one.is_identical for one in replay_all(connection, Rulebooks()))


def test_nothing_is_overdue_and_something_will_be_due(opened: Opened) -> None:
    demo.load(opened, weeks=2)
    with connect(opened.url) as connection:
        assert due.overdue(connection, NOW) == (0, None)
        next_at = due.next_chase_at(connection)
        watch(connection, opened.books, NOW + timedelta(minutes=1), late_after=timedelta(minutes=1))
        events = dict(connection.execute("SELECT event, count(*) FROM timeline GROUP BY 1").fetchall())
        assert connection.execute("SELECT count(*) FROM alarms").fetchone() == (0,)
        assert violations(connection) == []
    assert next_at is not None
    assert events["touched"] > events["reminded"] > 5


def test_loading_again_adds_nothing(opened: Opened) -> None:
    with connect(opened.url) as connection:
        assert not demo.is_partial(connection)
    first = demo.load(opened, weeks=2)
    again = demo.load(opened, weeks=2)
    assert again.statuses == {"repeated": first.total}
    with psycopg.connect(opened.url) as connection:
        assert connection.execute("SELECT count(*) FROM leads").fetchone() == (first.statuses["created"],)


def test_a_load_that_was_interrupted_begins_again(opened: Opened) -> None:
    whole = demo.load(opened, weeks=2)
    with connect(opened.url) as connection:
        assert not demo.is_unfinished(connection)
        # As if it had been killed before its last step, in the middle of the leads.
        connection.execute("DELETE FROM arrivals")
        connection.execute(
            "DELETE FROM leads WHERE id > 'demo-0100' AND id NOT IN (SELECT merged_into FROM leads"
            " WHERE merged_into IS NOT NULL)"
        )
        assert demo.is_unfinished(connection)
    again = demo.load(opened, weeks=2)
    assert again.statuses == whole.statuses
    with connect(opened.url) as connection:
        assert not demo.is_unfinished(connection)
        assert violations(connection) == []
        assert due.overdue(connection, NOW) == (0, None)


@pytest.mark.parametrize(
    "happened",
    [
        "INSERT INTO users (id, email, email_key, name, role, created_at, created_by)"
        " VALUES ('me', 'me@seller.example', 'me@seller.example', 'Me', 'admin', now(), 'me')",
        "UPDATE leads SET id = 'mine' WHERE id = 'demo-0001'",
        "INSERT INTO arrivals SELECT * FROM kept",
    ],
)
def test_what_else_has_happened_is_never_forgotten(opened: Opened, happened: str) -> None:
    demo.load(opened, weeks=2)
    with connect(opened.url) as connection:
        connection.execute("CREATE TEMP TABLE kept AS SELECT * FROM arrivals")
        connection.execute("DELETE FROM arrivals")
        connection.execute(happened)
        assert not demo.is_unfinished(connection)


def test_the_months_before_are_played_as_people_are_and_decided_again_the_same(opened: Opened) -> None:
    demo.load(opened, weeks=5)
    with connect(opened.url) as connection:
        told = dict(connection.execute("SELECT event, count(*) FROM timeline GROUP BY 1").fetchall())
        outcomes = dict(
            connection.execute(
                "SELECT outcome, count(*) FROM leads WHERE stage = 'closed' GROUP BY 1"
            ).fetchall()
        )
        wrong = connection.execute(
            "SELECT id FROM leads WHERE closed_at NOT BETWEEN arrived_at AND %(now)s"
            " OR closed_at < responded_at OR changed_at > %(now)s"
            " OR (outcome = 'won') <> (value IS NOT NULL)",
            {"now": NOW},
        ).fetchall()
        assert due.overdue(connection, NOW) == (0, None)
        assert violations(connection) == []
        assert all(one.is_identical for one in replay_all(connection, Rulebooks()))
    assert {"won", "lost", "junk", "unqualified"} <= outcomes.keys()
    assert wrong == []
    for event in ("accepted", "declined", "reassigned", "disputed", "handed_on", "escalated", "reviewed"):
        assert told[event] > 0, event


def share_won(count: int, **changed: Any) -> float:
    """The share of won and lost leads of a kind that are won."""
    given = {
        "segment": "dach",
        "team": "dach",
        "minutes": 300,
        "intent": "high",
        "source": "website",
        **changed,
    }
    source = {"source": given.pop("source"), "employees": 500}
    ends = [behaviour.ending(f"L{number}", source, **given).outcome for number in range(count)]
    return ends.count("won") / (ends.count("won") + ends.count("lost"))


def test_what_is_planted_is_there_and_nothing_beside_it() -> None:
    usual = share_won(4000)
    assert 0.3 < usual < 0.4
    assert share_won(4000, source="paid_search") < usual - 0.15
    assert share_won(4000, minutes=20) > usual + 0.08
    assert share_won(4000, minutes=2000) < usual - 0.08
    assert share_won(4000, segment="south", team="cee") > usual + 0.2
    for changed in ({"segment": "south"}, {"team": "cee"}, {"segment": "cee", "team": "cee"}):
        assert share_won(4000, **changed) == usual
    late = {
        person: sum(
            behaviour.reaction(f"L{number}", "hot-mid", person, 1, 240, 0).minutes > 240
            for number in range(2000)
        )
        / 2000
        for person in ("anna", "hugo", "gina")
    }
    assert late["anna"] < late["hugo"] < 0.2 < late["gina"]
    queued = [
        behaviour.reaction(f"L{number}", "hot-weak", "hugo", 1, 240, 4).minutes for number in range(500)
    ]
    alone = [behaviour.reaction(f"L{number}", "hot-weak", "hugo", 1, 240, 0).minutes for number in range(500)]
    assert sum(queued) > 2 * sum(alone)
