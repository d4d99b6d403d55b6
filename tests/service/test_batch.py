"""What becomes of each submission of a batch: alone, repeated, merged, refused; and what is written of it."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.crash.company import NOW, assert_all_is_well, found_company, lead, news

from leadlane.core.fairness import Ledger
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.store import batches, leads, policies
from leadlane.store.batches import StaleError, Written


@pytest.fixture
def company(db: psycopg.Connection) -> psycopg.Connection:
    """A database with a policy in force and three people, as batches are routed on it."""
    found_company(db, reps=3, max_open=20)
    batches.configure(db)
    return db


def _route(db: psycopg.Connection, *submissions: Submission) -> list[Receipt]:
    # Rulebooks are kept by version and revision, and those of each test's database are not the same.
    return route_batch(db, Rulebooks(), submissions, NOW)


def _count(db: psycopg.Connection, table: str) -> int:
    row = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def test_a_lead_is_written_with_all_that_belongs_to_it(company: psycopg.Connection) -> None:
    [receipt] = _route(
        company, lead("a", email="jo@buyer.example", domain="buyer.example", extra={"utm": "spring"}, key="k")
    )
    row = leads.get(company, "a")
    assert row is not None
    assert (receipt.status, row.stage, row.owner, row.place) == ("created", "assigned", "ae0", 1)
    assert (row.email_key, row.domain, row.extra) == ("jo@buyer.example", "buyer.example", {"utm": "spring"})
    assert [event.event for event in leads.timeline(company, "a")] == ["arrived", "assigned"]
    assert company.execute("SELECT person, event FROM outbox").fetchall() == [("ae0", "assigned")]
    assert company.execute("SELECT open, today FROM loads WHERE person = 'ae0'").fetchone() == (1, 1)
    assert _count(company, "idempotency_keys") == 1
    assert_all_is_well(company)


def test_the_same_id_again_changes_nothing(company: psycopg.Connection) -> None:
    first, again = _route(company, lead("a"), lead("a"))
    [later] = _route(company, lead("a"))
    assert (first.status, again.status, later.status) == ("created", "repeated", "repeated")
    assert {(one.lead_id, one.batch_id, one.number) for one in (again, later)} == {("a", first.batch_id, 0)}
    assert _count(company, "decisions") == 1
    assert_all_is_well(company)


def test_an_id_that_was_merged_is_answered_with_the_lead_it_became_part_of(
    company: psycopg.Connection,
) -> None:
    first, merged, again = _route(
        company,
        lead("a", email="x@y.example"),
        lead("b", email="x@y.example"),
        lead("b", email="x@y.example"),
    )
    [later] = _route(company, lead("b", email="x@y.example"))
    assert [one.status for one in (first, merged, again, later)] == [
        "created",
        "merged",
        "repeated",
        "repeated",
    ]
    assert {one.lead_id for one in (first, merged, again, later)} == {"a"}
    [by_alias] = _route(company, news("c", "b", "pricing_page_visit"))
    assert (by_alias.status, by_alias.lead_id) == ("updated", "a")
    assert_all_is_well(company)


def test_the_same_person_several_times_in_one_batch_is_one_lead(company: psycopg.Connection) -> None:
    weak = [lead(f"w{n}", "newsletter_subscription", email="x@y.example") for n in range(3)]
    receipts = _route(company, *weak, lead("hot", email="x@y.example"), lead("more", email="x@y.example"))
    assert {one.lead_id for one in receipts} == {"w0"}
    row = leads.get(company, "w0")
    assert row is not None
    assert (row.intent, row.stage, len(row.signals), row.place) == ("high", "assigned", 5, 4)
    assert_all_is_well(company)


def test_an_idempotency_key_answers_the_same_request_and_refuses_another(company: psycopg.Connection) -> None:
    same = lead("a", key="k", fingerprint="f")
    other = lead("b", key="k", fingerprint="g")
    receipts = [
        *_route(company, same, replace(same, lead=lead("c").lead), other),
        *_route(company, same, other),
    ]
    assert [one.status for one in receipts] == ["created", "repeated", "refused", "repeated", "refused"]
    assert {one.lead_id for one in receipts} == {"a"}
    assert _count(company, "leads") == 1
    assert_all_is_well(company)


def test_a_request_that_was_refused_takes_its_key_from_nobody(company: psycopg.Connection) -> None:
    """The id of the second is that of another person; the third and the fourth are one request."""
    receipts = _route(
        company,
        lead("a", email="a@x.example"),
        lead("a", email="b@x.example", key="k", fingerprint="f"),
        lead("b", email="c@x.example", key="k", fingerprint="g"),
        lead("b", email="c@x.example", key="k", fingerprint="g"),
    )
    assert [(one.status, one.lead_id) for one in receipts] == [
        ("created", "a"), ("refused", "a"), ("created", "b"), ("repeated", "b"),
    ]  # fmt: skip
    assert_all_is_well(company)


def test_a_key_of_one_request_is_not_mistaken_for_the_id_of_another(company: psycopg.Connection) -> None:
    receipts = _route(company, lead("a", key="b"), lead("b", key="c"), lead("c"))
    assert [(one.status, one.lead_id) for one in receipts] == [("created", n) for n in "abc"]


def test_a_key_that_was_answered_with_a_known_lead_stays_with_that_request(
    company: psycopg.Connection,
) -> None:
    _route(company, lead("a"))
    known, other = _route(company, lead("a", key="k", fingerprint="f"), lead("b", key="k", fingerprint="g"))
    assert (known.status, known.lead_id, other.status) == ("repeated", "a", "refused")
    [later] = _route(company, lead("c", key="k", fingerprint="g"))
    assert (later.status, later.lead_id) == ("refused", "a")
    assert _count(company, "leads") == 1
    assert_all_is_well(company)


def test_news_of_nobody_and_of_a_closed_lead_is_refused_alone(company: psycopg.Connection) -> None:
    _route(company, lead("closed"))
    company.execute("UPDATE leads SET stage = 'closed'")
    company.execute("UPDATE loads SET open = 0")
    company.commit()
    nobody, closed, good = _route(
        company, news("1", "nobody", "demo_request"), news("2", "closed", "demo_request"), lead("good")
    )
    assert [one.status for one in (nobody, closed, good)] == ["refused", "refused", "created"]
    assert "no lead" in nobody.problem
    assert "closed" in closed.problem


def test_news_without_a_company_of_its_own_meets_the_colleagues_of_the_lead(
    company: psycopg.Connection,
) -> None:
    cold, worked = _route(
        company,
        lead("cold", "newsletter_subscription", email="a@firm.example", domain="firm.example"),
        lead("worked", email="b@firm.example", domain="firm.example"),
    )
    assert cold.decision is not None
    assert cold.decision.standing.owner is None
    [woken] = _route(company, news("n", "cold", "demo_request"))
    assert woken.decision is not None
    assert worked.decision is not None
    assert woken.decision.standing.route == "already-worked"
    assert woken.decision.standing.owner == worked.decision.standing.owner
    assert_all_is_well(company)


POISONS = {
    "NUL in a field": lead("bad", fields={"message": "a\0b"}),
    "NUL in what was not mapped": lead("bad", extra={"note": "\0"}),
    "NUL in the id": lead("b\0ad"),
    "half a surrogate pair in a field": lead("bad", fields={"message": "\ud800"}),
    "half a surrogate pair in the id": lead("b\ud800ad"),
    "half a surrogate pair in the address": lead("bad", email="\ud800@x.example"),
    "a number beyond 64 bits": lead("bad", extra={"n": 2**70}),
    "an id too long for an index": lead("".join(chr(0x4E00 + n % 20000) for n in range(9000))),
}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS.keys())
def test_what_cannot_be_stored_is_refused_alone(company: psycopg.Connection, poison: Submission) -> None:
    good = [lead(f"good-{n}") for n in range(7)]
    receipts = _route(company, *good[:3], poison, *good[3:])
    assert [one.status for one in receipts] == ["created"] * 3 + ["refused"] + ["created"] * 4
    assert receipts[3].problem
    assert _count(company, "leads") == 7
    assert_all_is_well(company)


def test_a_defect_of_ours_is_not_blamed_on_what_was_submitted(company: psycopg.Connection) -> None:
    broken = replace(lead("a"), keys=None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        _route(company, broken)
    assert _count(company, "leads") == 0


def test_a_stale_writer_is_refused(company: psycopg.Connection) -> None:
    _route(company, lead("a", "newsletter_subscription"), lead("b", "newsletter_subscription"))
    met = batches.meet(company, [], ["a", "b"], [], [], [])
    [seen] = [row for row in met.open_leads if row["id"] == "a"]
    company.commit()
    _route(company, news("n", "a", "demo_request"))
    after = leads.get(company, "a")
    assert after is not None
    assert after.place == 2
    with pytest.raises(StaleError), company.transaction():
        batches.write(company, _claim(company, seen, place=seen["place"]))
    # Not even with the right place: somebody wrote to the row since it was read.
    with pytest.raises(StaleError), company.transaction():
        batches.write(company, _claim(company, seen, place=2))
    assert leads.get(company, "a") == after
    assert_all_is_well(company)


def test_no_writer_can_take_a_person_over_their_limit(company: psycopg.Connection) -> None:
    company.execute("UPDATE loads SET open = 20 WHERE person = 'ae1'")
    company.commit()
    change = {"person": "ae1", "open": 1, "today": 1, "today_on": "2026-03-02", "peak": 1, "cap": 20}
    with pytest.raises(StaleError), company.transaction():
        batches.write(company, replace(_nothing(company), loads=[change]))
    assert company.execute("SELECT open FROM loads WHERE person = 'ae1'").fetchone() == (20,)


def _nothing(db: psycopg.Connection) -> Written:
    version, revision = policies.in_force(db)
    assert version is not None
    return Written(99, NOW, version, revision, b"{}", b"[]", *[[]] * 11)


def _claim(db: psycopg.Connection, seen: dict[str, object], place: object) -> Written:
    row = {**seen, "stage": "assigned", "owner": "ae2", "destination": "pool:sales", "place": 3}
    change = {"place": place, "version": seen["version"], "moved": True, "lead": row}
    return replace(_nothing(db), changed=[change])


def test_a_ledger_comes_back_as_it_was_written() -> None:
    ledger = Ledger({"a": 5, "b": -5}, {"b": 1}, 1)
    assert batches.ledger_row("p", ledger) == {
        "pool": "p",
        "picks": 1,
        "members": {"a": [5, 0], "b": [-5, 1]},
    }


_EMAILS = st.sampled_from([None, "a@x.example", "b@x.example", "c@y.example"])
_SUBMISSIONS = st.lists(
    st.one_of(
        st.builds(
            lead,
            st.sampled_from("abcdefgh"),
            st.sampled_from(["demo_request", "webinar_attendance", "newsletter_subscription", None]),
            email=_EMAILS,
            domain=st.sampled_from([None, "x.example", "y.example"]),
            key=st.sampled_from([None, None, "a", "k", "l"]),
        ),
        st.builds(
            news, st.just("n"), st.sampled_from("abcdz"), st.sampled_from(["demo_request", "unheard_of"])
        ),
    ),
    max_size=9,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_SUBMISSIONS, min_size=1, max_size=3))
def test_whatever_comes_in_whatever_order_everything_agrees(
    company: psycopg.Connection, history: list[list[Submission]]
) -> None:
    for table in ("leads", "lead_aliases", "decisions", "batches", "timeline", "outbox", "idempotency_keys"):
        company.execute(f"DELETE FROM {table}")
    company.execute("UPDATE ledgers SET picks = 0, members = '{}'")
    company.execute("UPDATE loads SET open = 0, today = 0")
    company.commit()
    books = Rulebooks()
    for number, batch in enumerate(history):
        receipts = route_batch(company, books, batch, NOW + timedelta(minutes=number))
        assert len(receipts) == len(batch)
        for receipt in receipts:
            assert receipt.status == "refused" or leads.resolve(company, receipt.lead_id) == receipt.lead_id
    assert_all_is_well(company)
