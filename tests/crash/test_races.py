"""Do the guarantees hold when many processes want the same thing at the same moment?"""

from collections import Counter

import psycopg
import pytest
from tests.crash.company import (
    assert_all_is_well,
    found_company,
    identity,
    known_by,
    lead,
    news,
    race,
    route_all,
)

PROCESSES = 8


def _owners(db: psycopg.Connection) -> Counter[str | None]:
    return Counter(owner for (owner,) in db.execute("SELECT owner FROM leads").fetchall())


@pytest.mark.parametrize("size", [1, 7])
def test_the_last_slots_of_reps_are_given_once(db: psycopg.Connection, database_url: str, size: int) -> None:
    found_company(db, reps=2, max_open=10)
    shares = [
        [
            [
                lead(f"{process}-{batch}-{n}", "demo_request" if n % 2 else "webinar_attendance")
                for n in range(size)
            ]
            for batch in range(56 // size // 8 + 1)
        ]
        for process in range(PROCESSES)
    ]
    race(database_url, shares)
    owners = _owners(db)
    leads = sum(len(batch) for share in shares for batch in share)
    assert leads > 20
    assert owners == {"ae0": 10, "ae1": 10, "olga": leads - 20}
    loads = dict(db.execute("SELECT person, open FROM loads").fetchall())
    assert loads == {"ae0": 10, "ae1": 10, "olga": leads - 20}
    assert_all_is_well(db)


def test_one_idempotency_key_makes_one_lead(db: psycopg.Connection, database_url: str) -> None:
    found_company(db, reps=3)
    shares = [
        [[lead(f"{process}-{n}", key=f"key-{n}", fingerprint="same")] for n in range(10)]
        for process in range(PROCESSES)
    ]
    answers = race(database_url, shares)
    for n in range(10):
        assert len({answer[n].lead_id for answer in answers}) == 1
        assert Counter(answer[n].status for answer in answers) == {"created": 1, "repeated": PROCESSES - 1}
    assert sum(_owners(db).values()) == 10
    assert_all_is_well(db)


def test_one_lead_id_makes_one_lead(db: psycopg.Connection, database_url: str) -> None:
    found_company(db, reps=3)
    answers = race(database_url, [[[lead(f"lead-{n}") for n in range(20)]] for _process in range(PROCESSES)])
    for answer in answers:
        assert [one.lead_id for one in answer] == [f"lead-{n}" for n in range(20)]
    assert Counter(one.status for answer in answers for one in answer) == {"created": 20, "repeated": 140}
    assert sum(_owners(db).values()) == 20
    assert_all_is_well(db)


def test_one_person_is_one_open_lead_whatever_ids_they_come_with(
    db: psycopg.Connection, database_url: str
) -> None:
    found_company(db, reps=3)
    shares = [
        # Every process brings the same people in another order.
        [[lead(f"{process}-{n}", email=f"person{(n * (process + 1)) % 11}@buyer.example") for n in range(11)]]
        for process in range(PROCESSES)
    ]
    answers = race(database_url, shares)
    for share, answer in zip(shares, answers, strict=True):
        for one, receipt in zip(share[0], answer, strict=True):
            row = db.execute("SELECT email_key FROM leads WHERE id = %s", [receipt.lead_id]).fetchone()
            assert row == (one.keys.email,)
    assert sum(_owners(db).values()) == 11
    aliases = db.execute("SELECT count(*) FROM lead_aliases").fetchone()
    assert aliases == (11 * (PROCESSES - 1),)
    signals = db.execute("SELECT jsonb_array_length(signals) FROM leads").fetchall()
    assert signals == [(PROCESSES,)] * 11
    assert_all_is_well(db)


def test_colleagues_who_come_at_the_same_moment_get_one_person(
    db: psycopg.Connection, database_url: str
) -> None:
    found_company(db, reps=8)
    shares = [
        [
            # Half of them by a route to another pool, whose ledger does not make them wait for each other.
            [
                lead(
                    f"{process}-{n}",
                    ("demo_request", "webinar_attendance")[process % 2],
                    domain=f"buyer{n}.example",
                )
            ]
            for n in range(10)
        ]
        for process in range(PROCESSES)
    ]
    race(database_url, shares)
    per_company = db.execute(
        "SELECT domain, count(DISTINCT owner), count(*) FROM leads GROUP BY domain"
    ).fetchall()
    assert sorted(per_company) == sorted((f"buyer{n}.example", 1, PROCESSES) for n in range(10))
    assert_all_is_well(db)


def test_one_person_by_phone_is_one_open_lead_whatever_mailbox_they_write_from(
    db: psycopg.Connection, database_url: str
) -> None:
    found_company(db, reps=8)
    who = {"first_name": "Ilse", "last_name": "Brandauer", "country": "DE"}
    shares = [
        [
            [known_by(f"{process}-{n}", phone=f"+49 30 55510{n:02}", email=f"i{process}{n}@gmail.com", **who)]
            for n in range(10)
        ]
        for process in range(PROCESSES)
    ]
    race(database_url, shares)
    per_phone = db.execute("SELECT phone_key, count(*) FROM leads GROUP BY phone_key").fetchall()
    assert sorted(per_phone) == [(f"+49305551{n:03}", 1) for n in range(10)]
    assert_all_is_well(db)


def test_leads_that_are_merged_and_split_by_many_at_once_end_in_order(
    db: psycopg.Connection, database_url: str
) -> None:
    found_company(db, reps=3)
    route_all(database_url, [[lead(f"L{n}") for n in range(4)]])
    # Everybody merges and takes apart the same four, in every direction.
    shares = [
        [[identity("merge", f"L{(process + n) % 4}", f"L{(process + 2 * n + 1) % 4}")] for n in range(8)]
        for process in range(PROCESSES)
    ]
    race(database_url, shares)
    [(open_leads,)] = db.execute("SELECT count(*) FROM leads WHERE stage <> 'closed'").fetchall()
    assert open_leads == 1
    ends = db.execute("SELECT DISTINCT lead_now(id) FROM leads").fetchall()
    assert len(ends) == 1
    assert_all_is_well(db)


def test_news_of_one_lead_from_many_processes_is_all_kept(db: psycopg.Connection, database_url: str) -> None:
    found_company(db, reps=3)
    route_all(database_url, [[lead("worked", "webinar_attendance"), lead("cold", "newsletter_subscription")]])
    names = ["newsletter_subscription", "webinar_attendance", "demo_request"]
    shares = [
        [
            [news(f"{process}-{n}-{target}", target, names[n % 3], minutes=process * 10 + n)]
            for n in range(6)
            for target in ("worked", "cold")
        ]
        for process in range(PROCESSES)
    ]
    race(database_url, shares)
    for target in ("worked", "cold"):
        row = db.execute(
            "SELECT jsonb_array_length(signals), place, intent, owner IS NOT NULL FROM leads WHERE id = %s",
            [target],
        ).fetchone()
        assert row is not None
        signals, place, intent, has_owner = row
        assert (signals, intent, has_owner) == (1 + 6 * PROCESSES, "high", True)
        placing = db.execute(
            "SELECT count(*) FROM decisions WHERE lead_id = %s AND outcome <> 'merged'", [target]
        ).fetchone()
        assert placing == (place,)
    assert_all_is_well(db)


def test_rotation_under_eight_writers_is_exactly_fair(db: psycopg.Connection, database_url: str) -> None:
    found_company(db, reps=7)
    leads = PROCESSES * 10 * 9
    race(
        database_url,
        [
            [[lead(f"{process}-{batch}-{n}") for n in range(9)] for batch in range(10)]
            for process in range(PROCESSES)
        ],
    )
    counts = _owners(db)
    assert sum(counts.values()) == leads
    assert set(counts) == {f"ae{n}" for n in range(7)}
    assert max(counts.values()) - min(counts.values()) <= 1
    picks, members = db.execute("SELECT picks, members FROM ledgers WHERE pool = 'sales'").fetchone() or (
        0,
        {},
    )
    assert picks == leads
    assert sum(balance for balance, _last in members.values()) == 0
    assert_all_is_well(db)


def test_processes_that_do_everything_at_once_agree(db: psycopg.Connection, database_url: str) -> None:
    found_company(db, reps=4, max_open=15)
    signals = ["demo_request", "webinar_attendance", "newsletter_subscription"]
    shares = []
    for process in range(PROCESSES):
        batches = []
        for batch in range(8):
            mixed = [
                lead(
                    f"{process}-{batch}-{n}",
                    signals[(process + batch + n) % 3],
                    email=f"p{(process * 7 + batch * 3 + n) % 40}@firm{n % 5}.example" if n % 2 else None,
                    domain=f"firm{(batch + n) % 9}.example" if n % 3 else None,
                    key=f"key-{batch}-{n}" if n == 4 else None,
                )
                for n in range(6)
            ]
            batches.append(mixed)
        shares.append(batches)
    answers = race(database_url, shares)
    assert all(len(answer) == 48 for answer in answers)
    loads = db.execute("SELECT max(open) FROM loads WHERE person <> 'olga'").fetchone()
    # Colleagues of a company go to whoever works it, whatever their capacity; pools never pass it.
    by_pool = db.execute(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM leads"
        " WHERE destination LIKE 'pool:%' GROUP BY owner) AS counted"
    ).fetchone()
    assert loads is not None
    assert by_pool is not None
    assert by_pool[0] <= 15
    assert_all_is_well(db)
