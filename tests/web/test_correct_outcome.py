"""A closed lead whose outcome turns out to be another: who may correct it, and what the page then says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from tests.web.conftest import Site, Visitor, text_of

# `give` is a fixture of the pages about leads.
from tests.web.test_lead import Give, give, send, told

from leadlane.core.act import Act
from leadlane.service.acts import act

__all__ = ["give"]


@pytest.fixture
def closed(site: Site, give: Give) -> Site:
    """L1 of Anna, lost; L2 of Anna, open."""
    give("L1", "anna")
    give("L2", "anna")
    with site.app.pool.connection() as connection:
        one = Act("L1", "close", "anna", outcome="lost")
        assert act(connection, site.app.books, [one], site.app.now())[0].status == "updated"
    return site


def outcome(site: Site, lead_id: str = "L1") -> tuple[Any, ...]:
    return site.sql("SELECT stage, outcome, value FROM leads WHERE id = %s", lead_id)[0]


def correct(visitor: Visitor, **fields: str) -> httpx2.Response:
    return send(visitor, "outcome", **{"outcome": "won", "value": "12 000", "closed_at": "", **fields})


def test_whoever_has_a_closed_lead_corrects_it_and_the_timeline_says_so(closed: Site) -> None:
    anna = closed.sign_in("rep", "anna")
    assert "Correct the outcome" in anna.text("/leads/L1")
    page = anna.get("/leads/L1/outcome").text
    assert 'value="lost" required checked' in page
    assert "Corrected." in told(correct(anna, note="They signed after all"), anna)
    assert outcome(closed) == ("closed", "won", 12_000)
    page = anna.text("/leads/L1")
    assert "Anna Nowak corrected how it ended: lost" in page
    assert "They signed after all" in page
    assert "That is known already." in told(correct(anna), anna)
    assert 'value="12000"' in anna.get("/leads/L1/outcome").text


def test_the_day_that_is_shown_is_the_moment_that_is_known(closed: Site) -> None:
    anna = closed.sign_in("rep", "anna")
    before = closed.sql("SELECT closed_at FROM leads WHERE id = 'L1'")
    today = closed.app.now().astimezone().date().isoformat()
    told(correct(anna, closed_at=today), anna)
    after = closed.sql("SELECT closed_at FROM leads WHERE id = 'L1'")
    assert abs(after[0][0] - before[0][0]) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"outcome": ""}, "choose how it ended"),
        ({"value": "much"}, "write a sum"),
        ({"closed_at": "2019-01-01"}, "between its arrival and today"),
        ({"closed_at": "2099-01-01"}, "between its arrival and today"),
        ({"closed_at": "someday"}, "choose a day"),
        ({"note": "x" * 3000}, "at most"),
    ],
)
def test_what_will_not_do_is_said_beside_its_field(
    closed: Site, fields: dict[str, str], problem: str
) -> None:
    answer = correct(closed.sign_in("rep", "anna"), **fields)
    assert answer.status_code == 422
    assert problem in text_of(answer)
    assert outcome(closed) == ("closed", "lost", None)


def test_who_may(closed: Site) -> None:
    assert "Correct the outcome" not in closed.sign_in("rep", "boris").text("/leads/L1")
    for visitor in (closed.sign_in("rep", "boris"), closed.sign_in("viewer")):
        assert correct(visitor).status_code == 403
    assert outcome(closed) == ("closed", "lost", None)
    manager, admin = closed.sign_in("manager", "maria"), closed.sign_in("admin")
    assert "Corrected." in told(correct(manager), manager)
    assert outcome(closed) == ("closed", "won", 12_000)
    told(correct(admin, outcome="lost"), admin)
    assert outcome(closed) == ("closed", "lost", None)
    assert ("user:Admin Tester",) in closed.sql("SELECT actor FROM timeline WHERE lead_id = 'L1'")


def test_an_open_lead_has_no_outcome_to_correct(closed: Site) -> None:
    anna = closed.sign_in("rep", "anna")
    assert "Correct the outcome" not in anna.text("/leads/L2")
    assert "This lead is open" in anna.text("/leads/L2/outcome")
