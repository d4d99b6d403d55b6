"""The demonstration company has a review: every kind of lead, route and service level is in it."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from types import SimpleNamespace

from leadlane.insight.page import page
from leadlane.service import demo
from leadlane.service.given_rules import Text, use_rules
from leadlane.service.quarterly import quarter_verbs
from leadlane.service.quarterly.quarter import as_json, review_period
from leadlane.service.rulebooks import Rulebooks
from leadlane.store.db import connect

NOW = datetime(2026, 4, 10, 15, 30, tzinfo=UTC)
REFERENCE = files("leadlane") / "reference"


def test_the_demonstration_company_has_a_review(database_url: str) -> None:
    with connect(database_url) as connection:
        texts = [Text((REFERENCE / name).read_bytes(), name) for name in ("policy.yaml", "roster.yaml")]
        use_rules(connection, texts[0], texts[1], "test", NOW)
        books = Rulebooks()
        demo.load(SimpleNamespace(url=database_url, books=books, now=lambda: NOW), weeks=8)
        book = books.current(connection)
        name, period = review_period(None, book, NOW)
        heard: list[tuple[int, int]] = []
        made = quarter_verbs.make_and_keep(
            connection, book, period, name, NOW, lambda done, total: heard.append((done, total))
        )
        assert (name, list(made.cannot)) == ("2026Q1", [])
        row = connection.execute(
            "SELECT count(*) FROM leads WHERE arrived_at < %s AND merged_into IS NULL"
            " AND coalesce(outcome, '') NOT IN ('junk', 'duplicate')",
            [period.until],
        ).fetchone()
        assert row == (made.leads,)
        assert made.items
        tried = [one.tried for one in made.items if one.tried is not None]
        assert not any(one.refused for one in tried)
        assert not tried or heard[-1][0] == heard[-1][1] > made.leads - 1
        kept = quarter_verbs.kept(connection, name)
        assert kept is not None
        assert as_json(kept) == as_json(made)
        text = page(quarter_verbs.document(connection, book, made))
        for item in made.items:
            assert text.count(f". {item.finding.title}".replace("&", "&amp;").replace('"', "&#34;")) >= 2
