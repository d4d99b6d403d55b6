"""Which known companies may be meant? Search keys find them in the database, comparison judges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from zlib import crc32

from psycopg import Connection
from rapidfuzz import fuzz

from leadlane.core.facts import Account
from leadlane.core.match import Likeness
from leadlane.logging import get_logger
from leadlane.matching.blocking import VERSION, search_keys
from leadlane.matching.clusters import FAR_LIKELIER, odds
from leadlane.matching.compare import same_company
from leadlane.matching.names import CompanyName, company_name
from leadlane.matching.record import Record, read_record
from leadlane.matching.words import COMMON_WORDS
from leadlane.store import accounts
from leadlane.store.accounts import AccountRow, Candidate, SearchKey

log = get_logger(__name__)

MOST_LIKENESSES = 5
# Less likely than that is no help to whoever has to decide.
LEAST_PROBABILITY = 0.05
_AT_A_TIME = 2_000
_LONGEST_START = 100
# Of the names that look alike so many are compared; below so much likeness (of 100) none is.
_MOST_COMPARED = 8
_LEAST_ALIKE = 65.0
# Who shares one of these may be called otherwise: a phone, a domain, an alias or an acronym.
_STRONG = ("phone ", "domain ", "name ", "initials ")
# One of several accounts that are about as likely is never surely meant.
ONE_OF_SEVERAL = 0.9


def look_alike_accounts(connection: Connection, records: Sequence[Record]) -> list[list[Likeness]]:
    """For each record the accounts that may be its company, the likeliest first, at most `MOST_LIKENESSES`.

    Three statements for all of them, and only one where no account shares a key; a record without a name, a
    phone and a domain gets an empty list.
    """
    asked = [_search_keys(record) for record in records]
    in_use = accounts.keys_in_use(connection, {one.key for keys in asked for one in keys})
    shared = [[one for one in keys if one.key in in_use] for keys in asked]
    found = accounts.find_look_alikes(connection, shared)
    promising = [_promising(record, candidates) for record, candidates in zip(records, found, strict=True)]
    numbers = {number for some in promising for number in some}
    if not numbers:
        return [[] for _record in records]
    known = accounts.accounts_of_numbers(connection, numbers)
    theirs = {number: account_record(account) for number, account in known.items()}
    return [
        _likeliest(record, [(known[number], theirs[number]) for number in some])
        for record, some in zip(records, promising, strict=True)
    ]


def search_accounts(connection: Connection, text: str, limit: int = 10) -> list[Account]:
    """Accounts that may be meant by what somebody has typed so far: a name, or a part of it.

    Names that go on as typed, from any of their words on, come first; then those that look alike.
    """
    typed = company_name(text)
    if not typed.tokens:
        return []
    starting = accounts.accounts_starting(connection, _written(typed)[:_LONGEST_START], limit)
    if len(starting) >= limit:
        return starting
    record = read_record("", {"company": text})
    alike = [one.account for one in look_alike_accounts(connection, [record])[0] if one.account]
    both = {account.id: account for account in [*starting, *alike]}
    return list(both.values())[:limit]


def rebuild_keys(connection: Connection) -> int:
    """Make the keys of accounts again that an older version of the rules made; how many accounts it were.

    In chunks, each a transaction: it may be stopped at any time, goes on when called again, and several
    processes share the work.
    """
    count = 0
    while True:
        with connection.transaction():
            chunk = accounts.outdated(connection, VERSION, _AT_A_TIME)
            if not chunk:
                break
            accounts.put_keys(connection, [account_row(account) for account in chunk])
        count += len(chunk)
        log.info("account_keys_rebuilt", accounts=count)
    return count


def account_row(account: Account) -> AccountRow:
    """An account as it is stored: with all that it is found by."""
    record = account_record(account)
    keys = {search_key.key for search_key in _search_keys(record)}
    return AccountRow(account, frozenset(keys), tuple(map(_written, record.company)), VERSION)


@lru_cache(maxsize=8_192)
def account_record(account: Account) -> Record:
    """What is known of an account, as it is compared."""
    values = {
        "company": account.name,
        "country": account.country,
        "city": account.city,
        "phone": account.phone,
        **{f"company{n}": alias for n, alias in enumerate(account.aliases, 2)},
        **{f"company_domain{n}": domain for n, domain in enumerate(account.domains, 1)},
    }
    return read_record(account.id, values)


def _promising(record: Record, candidates: Sequence[Candidate]) -> list[int]:
    """The numbers of the candidates that are worth reading and comparing, the most alike first.

    Most accounts that share a key are strangers: a cheap look at the names spares the thorough one.
    """
    ours = [_written(name) for name in record.company]
    judged = []
    for candidate in candidates:
        alike = max((_likeness(one, other) for one in ours for other in candidate.names), default=0.0)
        if alike >= _LEAST_ALIKE:
            judged.append((-alike, candidate.number))
        elif candidate.is_strong:
            judged.append((0.0, candidate.number))
    # Sorting keeps the order of those that are as much alike.
    judged.sort(key=itemgetter(0))
    return [number for _alike, number in judged[:_MOST_COMPARED]]


def _likeness(one: str, other: str) -> float:
    """How much alike two names are, from 0 to 100; words in any order, and words left out, count little."""
    return max(fuzz.ratio(one, other), fuzz.token_set_ratio(one, other))


def _likeliest(record: Record, candidates: Sequence[tuple[Account, Record]]) -> list[Likeness]:
    judged = []
    for account, known in candidates:
        compared = same_company(record, known, COMMON_WORDS)
        if compared.probability >= LEAST_PROBABILITY:
            judged.append(Likeness(compared.probability, compared.evidence, account=account))
    # The order of the candidates, which is always the same, decides between equals.
    judged.sort(key=lambda likeness: -likeness.probability)
    if len(judged) > 1 and odds(judged[0].probability) < FAR_LIKELIER * odds(judged[1].probability):
        judged = [replace(one, probability=min(one.probability, ONE_OF_SEVERAL)) for one in judged]
    return judged[:MOST_LIKENESSES]


def _search_keys(record: Record) -> list[SearchKey]:
    """The search keys as integers of PostgreSQL: half the bytes; what collides is told apart by comparing."""
    return [
        SearchKey(crc32(key.encode()) - 2**31, key.startswith(_STRONG))
        for key in search_keys(record, "company")
    ]


def _written(name: CompanyName) -> str:
    """A name as it is compared and typed: its words without legal forms."""
    return " ".join(name.tokens)
