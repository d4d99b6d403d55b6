"""Links to answer by: who has many of other people's to look through finds their own at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from leadlane.store import answers

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_the_links_of_a_person_are_found_by_an_index(db: psycopg.Connection) -> None:
    for number in range(3):
        at = NOW - timedelta(hours=number)
        hashes = {"accept": bytes([number])}
        answers.insert(db, hashes, f"L{number}", 1, "anna", at, NOW + timedelta(days=1), NOW)
    db.execute(
        "INSERT INTO answers (hash, lead_id, place, person, verb, created_at, expires_at)"
        " SELECT sha256(n::text::bytea), 'L', 1, 'p' || n %% 500, 'accept', %s, %s"
        " FROM generate_series(1, 20000) AS n",
        [NOW, NOW],
    )
    db.execute("ANALYZE answers")
    plan = "EXPLAIN SELECT lead_id FROM answers WHERE person = 'anna' AND created_at > %s"
    assert "answers_person" in str(db.execute(plan, [NOW]).fetchall())
    found = answers.latest_of(db, "anna", NOW - timedelta(minutes=90))
    assert [link.lead_id for link in found] == ["L0", "L1"]
