"""Who arrives is looked for among the accounts by what is nearly the name: the same for all of a company."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.core.facts import Account
from leadlane.service.batch import route_batch
from leadlane.service.roster import put_accounts
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.store.accounts import keys_in_use
from leadlane.store.leads import get

Lead = Callable[..., Submission]
KNOWN = Account("nord", "Nordlicht Maschinenbau GmbH", country="DE", city="Köln")


def _sent(lead: Lead, number: int, **fields: str) -> Submission:
    return lead(id=f"L{number}", email=f"jo{number}@gmail.com", **fields)


@pytest.mark.parametrize("together", [True, False])
def test_colleagues_in_one_batch_belong_where_each_alone_would(
    published: psycopg.Connection, books: Rulebooks, lead: Lead, *, together: bool
) -> None:
    put_accounts(published, [KNOWN], NOW)
    sent = [
        _sent(lead, 1, company="Nordlicht Maschinenbau", country="DE", city="Koeln"),
        _sent(lead, 2, company="Nordlicht Maschinenbau", country="DE", city="Koeln"),
        _sent(lead, 3, company="Nordlicht Maschinenbau", country="IT", city="Bari"),
        _sent(lead, 4, company="Vezzoli Trasporti", country="DE", city="Koeln"),
    ]
    for batch in [sent] if together else [[one] for one in sent]:
        route_batch(published, books, batch, NOW)

    found = [get(published, f"L{n}") for n in range(1, 5)]
    assert [row and row.linked for row in found] == [True, True, False, False]
    assert [row and row.account_id for row in found] == ["nord", "nord", None, None]


def test_the_first_account_is_found_by_whoever_comes_after_it(
    published: psycopg.Connection, books: Rulebooks, lead: Lead
) -> None:
    company = {"company": "Nordlicht Maschinenbau", "country": "DE", "city": "Koeln"}
    route_batch(published, books, [_sent(lead, 1, **company)], NOW)
    put_accounts(published, [KNOWN], NOW)
    route_batch(published, books, [_sent(lead, 2, **company)], NOW)

    before, after = get(published, "L1"), get(published, "L2")
    assert before is not None
    assert after is not None
    assert (before.account_id, after.account_id) == (None, "nord")


def test_the_names_of_a_lead_are_kept_as_they_become_known(
    published: psycopg.Connection, books: Rulebooks, lead: Lead
) -> None:
    route_batch(published, books, [lead(id="L1", email="jo@acme.example", company="Acmé")], NOW)
    known = {"first_name": "Jo", "last_name": "Düring"}
    route_batch(published, books, [lead(id="L2", email="jo@acme.example", **known)], NOW)

    row = get(published, "L1")
    assert row is not None
    assert (row.first_last, row.last_first, row.company_spoken) == ("jo during", "during jo", "acme")


def test_keys_that_no_account_has_are_not_in_use(published: psycopg.Connection) -> None:
    put_accounts(published, [KNOWN], NOW)
    used = {key for (key,) in published.execute("SELECT key FROM account_keys")}
    unused = {key ^ 1 for key in used} - used
    assert used
    assert keys_in_use(published, used | unused) == used
    assert keys_in_use(published, set()) == set()
