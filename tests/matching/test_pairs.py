"""Candidate pairs: those that belong together are among them, and there are never too many."""

import random

import pytest

from leadlane.matching import pairs
from leadlane.matching.pairs import candidate_pairs, candidate_pairs_between, key_hash, sorting_order
from leadlane.matching.record import Record, read_record


def companies(*names: str) -> list[Record]:
    records = [read_record(str(n), {"company": name}) for n, name in enumerate(names)]
    return [records[place] for place in sorting_order(records)]


def ids(records: list[Record]) -> set[frozenset[str]]:
    return {frozenset((records[a].id, records[b].id)) for a, b in candidate_pairs(records, "company")}


def test_only_what_shares_a_key_is_compared() -> None:
    found = ids(companies("Northwind Ltd", "Northwind", "Contoso", "Contoso Pharma", "Fabrikam"))
    assert found == {frozenset("01"), frozenset("23")}


def test_the_order_of_the_file_does_not_count() -> None:
    names = [
        f"{word} {trade}" for word in ("Arbor", "Arbour", "Tarn", "Quill") for trade in ("Foods", "Bank")
    ]
    records = [read_record(name, {"company": name}) for name in names]
    answers = set()
    for seed in range(5):
        random.Random(seed).shuffle(records)
        ordered = [records[place] for place in sorting_order(records)]
        answers.add(frozenset(ids(ordered)))
    assert len(answers) == 1


def test_a_key_that_everybody_has_is_not_quadratic() -> None:
    count = 3000
    records = companies(*(f"Bank of {n:04}" for n in range(count)))
    most = pairs.AT_LEAST // count
    assert sum(1 for _pair in candidate_pairs(records, "company")) <= count * most


def test_of_many_that_share_a_key_those_next_in_the_alphabet_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "AT_LEAST", 0)
    records = companies(*(f"Acme {n:05}" for n in range(1000)), "Acme 00500 Lt")
    meeting = {
        frozenset((records[a].company[0].text, records[b].company[0].text))
        for a, b in candidate_pairs(records, "company")
    }
    assert frozenset(("Acme 00500", "Acme 00500 Lt")) in meeting


def test_two_files_meet_each_other_and_not_themselves() -> None:
    left, right = companies("Northwind Ltd", "Contoso", "Contoso AG"), companies("Contoso GmbH", "Fabrikam")
    found = {
        (left[a].company[0].text, right[b].company[0].text)
        for a, b in candidate_pairs_between(left, right, "company")
    }
    assert found == {("Contoso", "Contoso GmbH"), ("Contoso AG", "Contoso GmbH")}


def test_hashes_of_keys_fit_a_bigint_and_never_change() -> None:
    assert key_hash("name acme") == key_hash("name acme") != key_hash("name acmee")
    assert -(2**63) <= key_hash("name acme") < 2**63
    # Stored in the database: another number would find nothing there.
    assert key_hash("name acme") == -738278727294318078
