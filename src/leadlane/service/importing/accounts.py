"""Which accounts does this export bring? Each row becomes an account, and is compared with what is stored."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from leadlane.core.facts import Account
from leadlane.i18n import _
from leadlane.intake.problems import BadValueError
from leadlane.intake.values import read_text
from leadlane.matching.keys import company_domain, company_of_host, registrable_domain
from leadlane.policy.profile_sites import is_profile_page
from leadlane.service.importing import cells
from leadlane.service.importing.cells import Cells
from leadlane.service.importing.difference import Change, Verdict, field_changes
from leadlane.service.importing.directory import Directory
from leadlane.service.roster import put_accounts
from leadlane.store.accounts import accounts_of, domains_of_others, lock_accounts

# What the types and life-cycle stages of a customer begin with (Salesforce: “Customer - Direct”); a HubSpot
# evangelist is a customer who tells others.
_CUSTOMER = re.compile(
    r"(existing |current |active )?(customer|client|kunde|cliente|klient)\b|evangelist\b"
).match
_EMPTY: Mapping[str, object] = {"country": "", "city": "", "phone": "", "named": False, "customer": False}
# The columns that may name an owner, the surest first.
_OWNER_COLUMNS = ("owner_email", "owner_id", "owner")


@dataclass(slots=True)
class _Said:
    """What a row says of an account: `values` replace, `domains` (by column) and `aliases` are added."""

    cells: Cells
    id: str
    values: dict[str, object]
    aliases: tuple[str, ...]
    domains: dict[str, str]


@dataclass(slots=True)
class AccountImport:
    """An import of accounts in progress; ids and domains that earlier rows took are remembered."""

    directory: Directory
    clears: bool
    rows: dict[str, int] = field(default_factory=dict)
    domains: dict[str, str] = field(default_factory=dict)

    def take(
        self,
        connection: Connection,
        rows: Sequence[tuple[int, Mapping[str, object]]],
        now: datetime,
        *,
        store: bool,
    ) -> list[Verdict]:
        """A verdict for each numbered row; with `store`, what changes is written in one transaction."""
        said = [self._read(raw) for _number, raw in rows]
        with connection.transaction():
            stored = domains_of_others(connection, {d for one in said for d in one.domains}, [])
            for one in said:
                one.id = one.id or _id_by_domain(one.domains, stored)
            ids = {one.id for one in said}
            if store:
                lock_accounts(connection, ids)
            known, taken = accounts_of(connection, ids), _Taken.before(self, stored)
            verdicts, changed = [], []
            for (number, _raw), one in zip(rows, said, strict=True):
                account = _account(one, number, known.get(one.id), taken)
                verdicts.append(_verdict(one, known.get(one.id), account))
                if verdicts[-1].changes:
                    changed.append(account)
            if store and changed:
                put_accounts(connection, changed, now)
        taken.keep(self)
        return verdicts

    def _read(self, raw: Mapping[str, object]) -> _Said:
        cell = Cells(raw, self.clears)
        values: dict[str, object] = {}
        cell.put(values, "name", read_text)
        cell.put(values, "country", cells.read_country)
        cell.put(values, "city", read_text)
        country = str(values.get("country") or "")
        cell.put(values, "phone", lambda sent: cells.read_phone(sent, country))
        cell.put(values, "named", cells.read_yes_or_no)
        _read_customer(cell, values)
        self._read_owner(cell, values)
        cell.clear(values, _EMPTY)
        aliases = cell.read("aliases", cells.split_names) or ()
        return _Said(cell, cell.read("id", cells.read_id) or "", values, aliases, _domains(cell))

    def _read_owner(self, cell: Cells, values: dict[str, object]) -> None:
        """The first column that names somebody counts; if none does, the first that is not empty is wrong."""
        columns = [name for name in _OWNER_COLUMNS if name in cell.raw]
        said = [name for name in columns if not cell.is_empty(name)]
        if columns and not said and cell.clears:
            values["owner"] = None
        refused: tuple[str, BadValueError] | None = None
        for name in said:
            try:
                values["owner"] = self.directory.find(read_text(cell.raw[name]))
            except BadValueError as error:
                refused = refused or (name, error)
            else:
                return
        if refused:
            cell.refuse(*refused)


def _id_by_domain(domains: Iterable[str], stored: Mapping[str, str]) -> str:
    """The account that has one of the domains; else the first of them, which is as good as an id."""
    named = list(domains)
    return next((stored[domain] for domain in named if domain in stored), named[0] if named else "")


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is taken already: ids by rows of the file (their numbers), domains by accounts."""

    rows: ChainMap[str, int]
    domains: ChainMap[str, str]

    @classmethod
    def before(cls, chunk: AccountImport, stored: dict[str, str]) -> _Taken:
        """What was taken by rows before a chunk, and by accounts that are `stored`: domain → account id."""
        return cls(ChainMap({}, chunk.rows), ChainMap({}, chunk.domains, stored))

    def keep(self, chunk: AccountImport) -> None:
        """Remember what this chunk took: only once it is written, for a lost race is run again."""
        chunk.rows.update(self.rows.maps[0])
        chunk.domains.update(self.domains.maps[0])


def _account(said: _Said, number: int, known: Account | None, taken: _Taken) -> Account:
    """The account as it would be; what forbids it is put with the row's problems."""
    if not said.id and not said.cells.problems:
        said.cells.refuse("", BadValueError(_("the row has neither an id nor a domain")))
    earlier = taken.rows.get(said.id, number)
    if earlier != number:
        said.cells.refuse_repeated(said.id, earlier)
    for domain, column in said.domains.items():
        taker = taken.domains.get(domain, said.id)
        if taker != said.id:
            said.cells.refuse(column, _domain_taken(domain, taker))
    if not said.cells.problems:
        taken.rows[said.id] = number
        taken.domains.update(dict.fromkeys(said.domains, said.id))
    before = known or Account(said.id, next(iter(said.domains), said.id))
    values: dict[str, Any] = {**said.values, **_added(before, said)}
    return replace(before, **values)


def _read_customer(cell: Cells, values: dict[str, object]) -> None:
    cell.put(values, "customer", cells.read_yes_or_no)
    stages = [cell.read(name, read_text) for name in ("type", "lifecycle_stage")]
    if any(stages):
        values.setdefault("customer", any(bool(stage and _CUSTOMER(stage.casefold())) for stage in stages))


def _added(before: Account, said: _Said) -> dict[str, tuple[str, ...]]:
    name = str(said.values.get("name") or before.name)
    known = {one.casefold() for one in (*before.aliases, name)}
    aliases = [one for one in said.aliases if one.casefold() not in known]
    # In order of name, as they are stored: the order in a file says nothing.
    domains = tuple(sorted({*before.domains, *said.domains}))
    return {"aliases": (*before.aliases, *aliases), "domains": domains}


def _verdict(said: _Said, known: Account | None, account: Account) -> Verdict:
    if said.cells.problems:
        return Verdict(tuple(said.cells.problems))
    before = known or Account(account.id, "")
    if before == account:
        return Verdict()
    changed = field_changes(_record(before), _record(account))
    return Verdict(changes=(Change("account", account.id, account.name, known is None, changed),))


def _record(account: Account) -> dict[str, object]:
    # Not asdict(), which copies every value and takes as long as all the rest.
    return {one.name: getattr(account, one.name) for one in fields(Account)}


def _domains(cell: Cells) -> dict[str, str]:
    """The registrable domains of a row, and the column of each."""
    found: dict[str, str] = {}
    for column in ("company_domain", "domains", "website"):
        for text in cell.read(column, _parts) or ():
            try:
                domain = _domain(text, column)
            except BadValueError as error:
                cell.refuse(column, error)
            else:
                if domain:
                    found.setdefault(domain, column)
    return found


def _parts(sent: object) -> tuple[str, ...]:
    if isinstance(sent, (list, tuple)):
        return tuple(map(read_text, sent))
    return tuple(part for part in re.split(r"[;,|\s]+", read_text(sent)) if part)


def _domain(text: str, column: str) -> str:
    """The domain by which leads of a company are recognised; "" for a web page that is only a profile."""
    if is_profile_page(text):
        return ""
    text = text if "//" in text else text.rpartition("@")[2]
    domain = registrable_domain(text)
    if domain is None:
        raise BadValueError(_("this is not a domain"), _("write for example northwind.example"))
    if company_of_host(text) is None:
        raise BadValueError(
            _("{domain} gives mailboxes to anybody: it is the domain of no company").format(domain=domain),
            _("write the company's own domain, or empty the cell"),
        )
    is_profile = column == "website" and company_domain({"website": text}) is None
    return "" if is_profile else domain


def _domain_taken(domain: str, taker: str) -> BadValueError:
    return BadValueError(
        _("the domain {domain} belongs to the account {account} already").format(
            domain=domain, account=taker
        ),
        _("a domain names one company: take it out of one of the two"),
    )
