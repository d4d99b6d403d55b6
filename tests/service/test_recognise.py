"""Companies are recognised by what is nearly their name, whatever is asked, and however much is known."""

from __future__ import annotations

from hashlib import blake2b

import psycopg
import pytest

from leadlane.core.facts import Account
from leadlane.matching.blocking import VERSION
from leadlane.matching.record import read_record
from leadlane.service.recognise import (
    LEAST_PROBABILITY,
    MOST_LIKENESSES,
    account_row,
    look_alike_accounts,
    rebuild_keys,
    search_accounts,
)
from leadlane.service.roster import put_accounts
from leadlane.store.accounts import account

from .conftest import NOW

KNOWN = (
    Account("nord", "Nordlicht Maschinenbau GmbH", ("nordlicht.example",), country="DE", city="Köln"),
    Account("kaeser", "Käser & Söhne AG", country="DE", city="Ulm", phone="+49 731 5550123"),
    Account("vezzo", "Vezzoli Trasporti S.r.l.", country="IT", city="Bari"),
    Account("kgl", "Königliche Gartenlaternen Leipzig GmbH", country="DE", aliases=("Lichterkönig",)),
    Account("bank", "Bank of Umbria S.p.A.", ("bankofumbria.example",), country="IT", city="Perugia"),
    Account("other", "Grabowski Transport Sp. z o.o.", country="PL", city="Radom"),
)


@pytest.fixture
def known(published: psycopg.Connection) -> psycopg.Connection:
    put_accounts(published, KNOWN, NOW)
    return published


@pytest.mark.parametrize(
    ("values", "meant"),
    [
        ({"company": "Nordlicht Maschinenbau", "country": "DE"}, "nord"),
        ({"company": "NORDLICHT MASCHINENBAU AG", "city": "Koeln"}, "nord"),
        ({"company": "Maschinenbau Nordlicht", "country": "DE"}, "nord"),
        ({"company": "Nordlciht Maschinenbau", "country": "DE"}, "nord"),
        ({"company": "Kaeser und Soehne", "country": "DE"}, "kaeser"),
        ({"company": "Kaser + Sohne AG", "phone": "0731 5550123", "country": "DE"}, "kaeser"),
        ({"company": "Vezoli Trasporti srl", "country": "IT"}, "vezzo"),
        ({"company": "Lichterkoenig", "country": "DE"}, "kgl"),
        ({"company": "Grabowski Transport spolka z o.o.", "country": "PL"}, "other"),
    ],
)
def test_the_company_meant_is_the_likeliest(
    known: psycopg.Connection, values: dict[str, str], meant: str
) -> None:
    (found,) = look_alike_accounts(known, [read_record("L1", values)])
    assert found
    assert found[0].account == account(known, meant)
    assert found[0].evidence


def test_answers_are_few_likely_and_in_order(known: psycopg.Connection) -> None:
    put_accounts(known, [Account(f"n{n}", f"Nordlicht Maschinen {n}", country="DE") for n in range(20)], NOW)
    record = read_record("L1", {"company": "Nordlicht Maschinenbau GmbH", "country": "DE"})
    (found,) = look_alike_accounts(known, [record])
    assert 1 <= len(found) <= MOST_LIKENESSES
    chances = [one.probability for one in found]
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] >= LEAST_PROBABILITY


def test_each_record_has_its_own_answer(known: psycopg.Connection) -> None:
    records = [
        read_record("1", {"company": "Vezzoli Trasporti"}),
        read_record("2", {}),
        read_record("3", {"company": "Qwijibo Unheard"}),
        read_record("4", {"company": "Nordlicht Maschinenbau"}),
    ]
    found = look_alike_accounts(known, records)
    first = [some[0].account.id if some and some[0].account else None for some in found]
    assert first == ["vezzo", None, None, "nord"]
    assert look_alike_accounts(known, []) == []


@pytest.mark.parametrize(
    "text", ["Bank", "International", " ".join(f"word{n}" for n in range(200)), "", "GmbH", "&", "a" * 10_000]
)
def test_odd_questions_have_short_answers(known: psycopg.Connection, text: str) -> None:
    crowd = [Account(f"b{n:03}", f"Bank International {n % 7} Holding", country="IT") for n in range(300)]
    put_accounts(known, crowd, NOW)
    (found,) = look_alike_accounts(known, [read_record("L1", {"company": text, "country": "IT"})])
    assert len(found) <= MOST_LIKENESSES
    assert len(search_accounts(known, text, 3)) <= 3


def test_a_corrected_account_is_found_by_its_new_name_only(known: psycopg.Connection) -> None:
    put_accounts(known, [Account("vezzo", "Salentina Logistica", country="IT", city="Lecce")], NOW)
    old, new = (read_record("L1", {"company": name}) for name in ("Vezzoli Trasporti", "Salentina Logistica"))
    found_by_old, found_by_new = look_alike_accounts(known, [old, new])
    assert found_by_old == []
    assert [one.account.id for one in found_by_new if one.account] == ["vezzo"]


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("nor", ["nord"]),
        ("Söhne", ["kaeser"]),
        ("bank of u", ["bank"]),
        ("umbr", ["bank"]),
        ("KÄS", ["kaeser"]),
        ("lichterk", ["kgl"]),
        ("Grabowski Transport Sp. z o.o.", ["other"]),
        ("Trasporti Vezoli", ["vezzo"]),
        ("zzzz", []),
    ],
)
def test_typing_a_part_of_a_name_finds_it(known: psycopg.Connection, typed: str, ids: list[str]) -> None:
    assert [one.id for one in search_accounts(known, typed)] == ids


def test_keys_of_an_older_version_are_made_again(known: psycopg.Connection) -> None:
    record = read_record("L1", {"company": "Nordlicht Maschinenbau", "country": "DE"})
    before = look_alike_accounts(known, [record])
    known.execute("UPDATE accounts SET keys = '{}', names = '{}', keys_version = 0")
    assert look_alike_accounts(known, [record]) == [[]]
    count = known.execute("SELECT count(*) FROM accounts").fetchone()
    assert count is not None
    assert rebuild_keys(known) == count[0]
    assert look_alike_accounts(known, [record]) == before
    assert rebuild_keys(known) == 0


# What `VERSION` of matching.blocking stands for.
KEYS_OF_VERSION = {1: "27c104543fc313b0"}


def test_the_same_version_gives_the_same_keys() -> None:
    """Where this fails, the keys that are stored fit no more: raise `VERSION`, and add its digest."""
    rows = [account_row(one) for one in KNOWN]
    text = repr([(sorted(row.keys), row.names) for row in rows])
    assert blake2b(text.encode(), digest_size=8).hexdigest() == KEYS_OF_VERSION[VERSION]
