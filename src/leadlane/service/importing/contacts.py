"""Which contacts does this export bring, and at which account? Compared with those that are stored."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from leadlane.i18n import _
from leadlane.intake.problems import BadValueError
from leadlane.intake.values import read_text
from leadlane.matching.keys import company_domain, email_key
from leadlane.service.contacts import with_keys
from leadlane.service.importing import cells
from leadlane.service.importing.cells import Cells
from leadlane.service.importing.difference import Change, Verdict, field_changes
from leadlane.store import contacts
from leadlane.store.accounts import accounts_of, domains_of_others
from leadlane.store.contacts import Contact

_TEXTS = ("first_name", "last_name", "email", "phone", "mobile")
_EMPTY = dict.fromkeys(_TEXTS, "")
# Columns of a difference; the keys follow from them.
_SHOWN = ("account_id", *_TEXTS)


@dataclass(slots=True)
class _Said:
    """What a row says of a contact: its values, and by what its account is named."""

    cells: Cells
    id: str
    values: dict[str, object]
    account_id: str
    account: str
    domain: str


@dataclass(slots=True)
class ContactImport:
    """An import of contacts in progress; ids that earlier rows took are remembered."""

    clears: bool
    _rows: dict[str, int] = field(default_factory=dict)

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
            accounts = _Accounts(connection, said)
            known = contacts.contacts_of(connection, {one.id for one in said}, lock=store)
            ids = ChainMap[str, int]({}, self._rows)
            verdicts, changed = [], []
            for (number, _raw), one in zip(rows, said, strict=True):
                contact = _contact(one, number, known.get(one.id), accounts, ids)
                verdicts.append(_verdict(one, known.get(one.id), contact))
                if verdicts[-1].changes:
                    changed.append(contact)
            if store and changed:
                contacts.put_contacts(connection, changed, now)
        self._rows.update(ids.maps[0])
        return verdicts

    def _read(self, raw: Mapping[str, object]) -> _Said:
        cell = Cells(raw, self.clears)
        values: dict[str, object] = {}
        if name := cell.read("name", read_text):
            # Whoever has one name only is called by the last.
            values["first_name"], _space, values["last_name"] = name.rpartition(" ")
        cell.put(values, "first_name", read_text)
        cell.put(values, "last_name", read_text)
        cell.put(values, "email", cells.read_email)
        for column in ("phone", "mobile"):
            cell.put(values, column, lambda sent: cells.read_phone(sent, ""))
        cell.clear(values, _EMPTY)
        email = str(values.get("email") or "")
        ids = cell.read("account_id", cells.read_ids) or ("",)
        account = cell.read("account", read_text) or ""
        id_ = cell.read("id", cells.read_id) or email_key(email) or ""
        return _Said(cell, id_, values, ids[0], account, company_domain({"email": email}) or "")


def _contact(
    said: _Said, number: int, known: Contact | None, accounts: _Accounts, rows: MutableMapping[str, int]
) -> Contact:
    """The contact as it would be; what forbids it is put with the row's problems.

    `rows` are those that took an id before; this one is put to them if it stands.
    """
    if not said.id and not said.cells.problems:
        said.cells.refuse("", BadValueError(_("the row has neither an id nor an e-mail address")))
    earlier = rows.get(said.id, number)
    if earlier != number:
        said.cells.refuse_repeated(said.id, earlier)
    account_id = accounts.find(said)
    if not said.cells.problems:
        rows[said.id] = number
    before = known or Contact(said.id)
    values: dict[str, Any] = said.values
    after = replace(before, account_id=account_id or before.account_id, **values)
    return with_keys(after, accounts.countries.get(after.account_id or "", ""))


class _Accounts:
    """The accounts that rows name, looked up for all of them at once."""

    def __init__(self, connection: Connection, said: Sequence[_Said]) -> None:
        named = accounts_of(connection, {one.account_id for one in said if one.account_id})
        self._ids = set(named)
        # A name may be many an account's; so those of an id that is known need no looking up.
        names = {one.account for one in said if one.account and one.account_id not in named}
        self._by_name = contacts.accounts_of_names(connection, names)
        self._by_domain = domains_of_others(connection, {one.domain for one in said if one.domain}, [])
        others = {id_ for ids in self._by_name.values() for id_ in ids} | {*self._by_domain.values()}
        self.countries = {
            id_: account.country for id_, account in (named | accounts_of(connection, others)).items()
        }

    def find(self, said: _Said) -> str | None:
        """The account of a row: by its id, else by its exact name, else by the domain of the address.

        None where the row names none and its address leads to none. What names nothing is a problem.
        """
        if said.account_id in self._ids:
            return said.account_id
        by_domain = self._by_domain.get(said.domain)
        if said.account_id:
            refusal = BadValueError(_("there is no account of this id"), _import_first())
            said.cells.refuse("account_id", refusal)
            return None
        if not said.account:
            return by_domain
        found = self._by_name.get(said.account, [])
        if len(found) == 1:
            return found[0]
        if by_domain and (not found or by_domain in found):
            return by_domain
        if found:
            reason = _("{count} accounts have this name: {accounts}").format(
                count=len(found), accounts=", ".join(found[:5])
            )
            said.cells.refuse("account", BadValueError(reason, _("add a column with the id of the account")))
        else:
            said.cells.refuse(
                "account", BadValueError(_("there is no account of this name"), _import_first())
            )
        return None


def _import_first() -> str:
    return _("import the accounts first, or empty the cell")


def _verdict(said: _Said, known: Contact | None, contact: Contact) -> Verdict:
    if said.cells.problems:
        return Verdict(tuple(said.cells.problems))
    if known == contact:
        return Verdict()
    before, after = asdict(known or Contact(contact.id)), asdict(contact)
    fields = field_changes(before, {name: after[name] for name in _SHOWN})
    name = " ".join(filter(None, (contact.first_name, contact.last_name))) or contact.email
    return Verdict(changes=(Change("contact", contact.id, name, known is None, fields),))
