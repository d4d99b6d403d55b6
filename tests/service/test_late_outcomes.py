"""Outcomes that come in late: found, closed or corrected once, told in the timeline, decided again alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from tests.crash.company import assert_all_is_well
from tests.service.conftest import NOW

from leadlane.core.act import Act
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.late_outcomes import Recorded, Reporter, Said, record
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.store import leads
from leadlane.store.db import connect

LATER = NOW + timedelta(days=60)
WON_AT = NOW + timedelta(days=20)
KIM = Reporter(name="Kim Hall")
Route = Callable[..., None]


@pytest.fixture
def route(published: psycopg.Connection, books: Rulebooks, lead: Callable[..., Submission]) -> Route:
    """Routes a lead: `route("L1", "jo@umbra.example")`."""

    def make(id_: str, email: str, after: timedelta = timedelta(), **fields: object) -> None:
        one = lead(NOW + after, id=id_, email=email, country="DE", signals=["demo_request"], **fields)
        (receipt,) = route_batch(published, books, [one], NOW + after)
        assert receipt.status == "created", receipt

    return make


@pytest.fixture(autouse=True)
def _everything_agrees(published: psycopg.Connection) -> Iterator[None]:
    yield
    assert_all_is_well(published)


def tell(db: psycopg.Connection, books: Rulebooks, *said: Said, dry_run: bool = False) -> list[Recorded]:
    return record(db, books, said, KIM, LATER, dry_run=dry_run)


def events(db: psycopg.Connection, lead_id: str) -> list[str]:
    return [one.event for one in leads.timeline(db, lead_id)]


def test_an_open_lead_is_closed_by_the_usual_act_at_the_moment_that_is_told(
    published: psycopg.Connection, books: Rulebooks, route: Route
) -> None:
    route("L1", "jo@umbra.example")
    (answer,) = tell(published, books, Said("won", ("L1",), value=12_000, closed_at=WON_AT))
    assert (answer.status, answer.lead_id) == ("closed", "L1")
    row = leads.get(published, "L1")
    assert row is not None
    assert (row.stage, row.outcome, row.value, row.closed_at) == ("closed", "won", 12_000, WON_AT)
    assert row.chase_at is None
    last = leads.timeline(published, "L1")[-1]
    assert (last.event, last.actor, last.at) == ("closed", "user:Kim Hall", LATER)
    assert published.execute("SELECT sum(open) FROM loads").fetchone() == (0,)


def test_a_closed_lead_is_corrected_and_its_timeline_says_from_what_to_what(
    published: psycopg.Connection, books: Rulebooks, route: Route
) -> None:
    route("L1", "jo@umbra.example")
    act(published, books, [Act("L1", "close", user="Ida", outcome="lost")], NOW + timedelta(days=3))
    (answer,) = tell(published, books, Said("won", ("L1",), value=900, closed_at=WON_AT, reason="CRM"))
    assert answer.status == "corrected"
    assert answer.was is not None
    assert answer.was.outcome == "lost"
    row = leads.get(published, "L1")
    assert row is not None
    assert (row.stage, row.outcome, row.value, row.closed_at) == ("closed", "won", 900, WON_AT)
    assert row.changed_at == LATER
    told = leads.timeline(published, "L1")[-1]
    assert (told.event, told.actor, told.at) == ("outcome_corrected", "user:Kim Hall", LATER)
    assert (told.details["was"]["outcome"], told.details["outcome"]) == ("lost", "won")
    assert (told.details["was"]["value"], told.details["value"], told.details["reason"]) == (None, 900, "CRM")


def test_who_sends_the_same_again_changes_nothing(
    published: psycopg.Connection, books: Rulebooks, route: Route
) -> None:
    route("L1", "jo@umbra.example")
    said = Said("won", email="JO+news@umbra.example", value=12_000, closed_at=WON_AT)
    assert [one.status for one in tell(published, books, said, said)] == ["closed", "unchanged"]
    before = events(published, "L1")
    assert [one.status for one in tell(published, books, said)] == ["unchanged"]
    # What is not given stays as it is known.
    assert [one.status for one in tell(published, books, Said("won", ("L1",)))] == ["unchanged"]
    assert events(published, "L1") == before


def test_the_value_of_another_outcome_does_not_stay(
    published: psycopg.Connection, books: Rulebooks, route: Route
) -> None:
    route("L1", "jo@umbra.example")
    tell(published, books, Said("won", ("L1",), value=12_000, closed_at=WON_AT))
    (answer,) = tell(published, books, Said("lost", ("L1",)))
    assert answer.now is not None
    assert (answer.now.outcome, answer.now.value, answer.now.closed_at) == ("lost", None, WON_AT)


def test_a_lead_is_found_by_what_it_goes_by(
    published: psycopg.Connection, books: Rulebooks, route: Route
) -> None:
    for number, email in enumerate(("a@one.example", "b@two.example", "c@three.example"), 1):
        route(f"L{number}", email)
    act(published, books, [Act("L1", "merge", user="Ida", to="L2", reason="the same")], NOW)
    answers = tell(
        published,
        books,
        Said("lost", ("0015000000AbCdE", "L2")),  # of several ids, those that are known here
        Said("lost", ("unknown",), domain="https://www.three.example/de"),
        Said("lost", ("unknown",), email="nobody@four.example"),
    )
    assert [(one.status, one.lead_id) for one in answers[:2]] == [("closed", "L1"), ("closed", "L3")]
    assert answers[2].refusal == "unknown"


def test_who_may_be_several_is_refused_with_their_names(
    published: psycopg.Connection, books: Rulebooks, route: Route
) -> None:
    route("L1", "jo@umbra.example")
    tell(published, books, Said("lost", ("L1",)))
    route("L2", "jo@umbra.example", timedelta(days=30))
    (both,) = tell(published, books, Said("won", email="jo@umbra.example"))
    assert (both.refusal, both.leads) == ("ambiguous", ("L2", "L1"))
    assert "L2, L1" in both.problem
    # Whoever came back afterwards is not meant.
    (first,) = tell(published, books, Said("won", email="jo@umbra.example", closed_at=WON_AT))
    assert (first.status, first.lead_id) == ("corrected", "L1")
    (again,) = tell(published, books, Said("won", email="jo@umbra.example", closed_at=WON_AT))
    assert (again.status, again.lead_id) == ("unchanged", "L1")


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (Said("woon", ("L1",)), "invalid"),
        (Said("won"), "invalid"),
        (Said("won", ("L1",), closed_at=LATER + timedelta(seconds=1)), "invalid"),
        (Said("won", ("L1",), closed_at=NOW - timedelta(seconds=1)), "invalid"),
        (Said("won", ("L9",)), "unknown"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    published: psycopg.Connection, books: Rulebooks, route: Route, said: Said, refusal: str
) -> None:
    route("L1", "jo@umbra.example")
    before = events(published, "L1")
    (answer,) = tell(published, books, said)
    assert (answer.status, answer.refusal) == ("refused", refusal)
    assert answer.problem
    assert events(published, "L1") == before


def test_one_file_may_not_say_two_things_of_a_lead(
    published: psycopg.Connection, books: Rulebooks, route: Route
) -> None:
    route("L1", "jo@umbra.example")
    answers = tell(published, books, Said("won", ("L1",)), Said("lost", email="jo@umbra.example"))
    assert [one.status for one in answers] == ["closed", "refused"]
    assert answers[1].refusal == "contradicted"


def test_nobody_of_the_roster_closes_nothing(
    published: psycopg.Connection, books: Rulebooks, route: Route
) -> None:
    route("L1", "jo@umbra.example")
    (answer,) = record(published, books, [Said("won", ("L1",))], Reporter("nobody"), LATER)
    assert (answer.status, answer.refusal) == ("refused", "not_allowed")


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    published: psycopg.Connection, books: Rulebooks, route: Route
) -> None:
    route("L1", "jo@umbra.example")
    route("L2", "jo@corona.example")
    tell(published, books, Said("lost", ("L2",), closed_at=WON_AT))
    before = events(published, "L1") + events(published, "L2")
    answers = tell(
        published, books, Said("won", ("L1",)), Said("won", ("L2",)), Said("lost", ("L2",)), dry_run=True
    )
    assert [one.status for one in answers] == ["closed", "corrected", "refused"]
    assert events(published, "L1") + events(published, "L2") == before


def test_many_who_say_the_same_at_once_write_it_once(
    published: psycopg.Connection, database_url: str, route: Route
) -> None:
    for number in range(10):
        route(f"L{number}", f"jo@umbra{number}.example")
    said = [Said("won", (f"L{number}",), value=number, closed_at=WON_AT) for number in range(10)]

    def say(_number: int) -> list[Recorded]:
        with connect(database_url) as connection:
            return record(connection, Rulebooks(), said, KIM, LATER)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(say, range(4)))
    for number in range(10):
        assert sorted(one[number].status for one in answers) == ["closed", *["unchanged"] * 3]
        assert events(published, f"L{number}").count("closed") == 1
        assert "outcome_corrected" not in events(published, f"L{number}")


def test_corrections_at_once_follow_each_other(
    published: psycopg.Connection, database_url: str, books: Rulebooks, route: Route
) -> None:
    route("L1", "jo@umbra.example")
    tell(published, books, Said("lost", ("L1",), closed_at=WON_AT))

    def say(value: int) -> Recorded:
        with connect(database_url) as connection:
            return record(connection, Rulebooks(), [Said("won", ("L1",), value=value)], KIM, LATER)[0]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(say, range(1, 9)))
    assert {one.status for one in answers} == {"corrected"}
    told = [one.details for one in leads.timeline(published, "L1") if one.event == "outcome_corrected"]
    assert len(told) == 8
    # Each begins where the one before it ended: nothing is lost in between.
    assert [one["was"]["value"] for one in told[1:]] == [one["value"] for one in told[:-1]]
