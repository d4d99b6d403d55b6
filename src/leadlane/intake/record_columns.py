"""Which column of any file says what about a company or a person, and which of the two is it about?

Files of leads have known fields (`intake/columns.py`); here a file may be anything with names in it, so plain
words such as `addr` and `zip` are understood too, and what is not understood is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.intake import columns
from leadlane.intake.problems import did_you_mean

Kind = Literal["company", "person"]

# What a column can say, beside `id`. `name` is a person's whole name; phones may be several.
ROLES = (
    *("company", "first_name", "last_name", "name", "email", "phone", "phone2", "phone3"),
    *("company_domain", "website", "street", "house_number", "postcode", "city", "region", "country"),
)

# Names of columns by role, best first; case, accents, spaces and punctuation do not count. The names that
# `intake/columns.py` knows for the same fields count too, after these.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "record_id", "rec_id", "row_id", "Account ID", "Company ID", "Contact ID", "Lead ID"),
    "company": (
        *("company", "Company Name", "Account Name", "organization", "organisation", "org_name", "business"),
        *(
            "business_name",
            "firm",
            "legal_name",
            "entity_name",
            "employer",
            "applicant",
            "vendor",
            "supplier",
        ),
    ),
    "first_name": ("first_name", "given_name", "forename", "fname", "first"),
    "last_name": ("last_name", "surname", "family_name", "lname", "last"),
    "name": ("name", "full_name", "Contact Name", "Person Name", "Nome completo", "Imię i nazwisko"),
    "email": ("email", "mail", "e_mail", "email1"),
    "phone": ("phone", "tel", "telephone", "phone_number", "Main Phone", "phone1", "contact_number"),
    "phone2": (
        "phone2",
        "Mobile Phone",
        "mobile",
        "cell",
        "cell_phone",
        "Mobile Phone Number",
        "Other Phone",
    ),
    "phone3": ("phone3", "Home Phone"),
    "company_domain": ("company_domain", "domain", "Company Domain Name", "Email Domain"),
    "website": ("website", "url", "web", "homepage", "www"),
    "street": (
        *("street", "address", "addr", "street_address", "address_1", "address1", "address_line_1", "addr1"),
        *("Billing Street", "Billing Address Line 1", "Mailing Street", "Shipping Street", "road"),
        *("indirizzo", "via", "ulica", "adres", "Straße", "Adresse", "Anschrift", "rue", "calle"),
    ),
    "house_number": (
        *("house_number", "street_number", "street_no", "house_no", "building_number"),
        *("numero civico", "nr domu", "Hausnummer"),
    ),
    "postcode": (
        *("postcode", "postal_code", "zip", "zip_code", "zipcode", "post_code", "plz", "cap", "postal"),
        *("Billing Zip/Postal Code", "Billing Postal Code", "Mailing Zip/Postal Code", "Kod pocztowy"),
        *("Mailing Postal Code", "Shipping Zip/Postal Code", "Postleitzahl", "Code postal"),
    ),
    "city": (
        *("city", "town", "suburb", "locality", "Billing City", "Mailing City", "Shipping City"),
        *("municipality", "neighborhood", "neighbourhood"),
    ),
    "region": (
        *("region", "state", "province", "county", "Billing State/Province", "Billing State"),
        *("Mailing State/Province", "Mailing State", "Shipping State/Province"),
    ),
    "country": (
        *("country", "country_code", "nation", "Billing Country", "Mailing Country", "Shipping Country"),
        *("Billing Country Code",),
    ),
}
_ALSO_IN_LEADS = frozenset(
    ("company", "first_name", "last_name", "email", "phone", "company_domain", "website")
) | {"region", "city", "country"}

_PERSON_ROLES = ("first_name", "last_name", "email")
_SIDES = ({"1", "2"}, {"a", "b"}, {"left", "right"}, {"l", "r"}, {"x", "y"})
_FIRST_SIDES = frozenset(("1", "a", "left", "l", "x"))


class RecordColumnsError(LeadlaneError):
    """The columns of a file do not say whom it is about, or `--map` names what is not there."""


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """What a file is about (`kind`), and its column by role; `id` is a role too, where the file has ids."""

    kind: Kind
    by_role: Mapping[str, str]

    def values(self, data: Mapping[str, object]) -> dict[str, str]:
        """What `matching.record.read_record` takes: texts by role, of one row; empty ones are left out."""
        found = {}
        for role, column in self.by_role.items():
            value = data.get(column)
            text = "" if value is None else str(value).strip()
            if text and role != "id":
                found[role] = text
        return found


@dataclass(frozen=True, slots=True)
class PairColumns:
    """The columns of a file of pairs: two records stand in each row."""

    left: RecordColumns
    right: RecordColumns


def record_columns(
    headers: Sequence[str],
    given: Mapping[str, str],
    kind: Kind | None = None,
    ignored: Iterable[str] = (),
) -> RecordColumns:
    """The roles of the columns of a file of records.

    `given` is a column by role and wins ("" leaves a role out); `kind` what the file is about, else its
    columns decide: with parts of a person's name or an e-mail address it is about people. `ignored` columns
    have no role. Raises RecordColumnsError when there is no name to compare, nor anything as good.
    """
    by_role = _given(headers, given)
    taken = set(by_role.values()) | set(ignored)
    free = [header for header in headers if header not in taken]
    for role, header in _recognised(free).items():
        by_role.setdefault(role, header)
    about = _about(by_role, kind, given)
    if twice := next((column for column in about.by_role.values() if headers.count(column) > 1), None):
        raise RecordColumnsError(
            _("two columns have the name “{column}”").format(column=twice), _("rename one of them")
        )
    return about


def pair_columns(
    headers: Sequence[str], given: Mapping[str, str], kind: Kind | None = None, ignored: Iterable[str] = ()
) -> PairColumns | None:
    """The columns of a file of pairs: `name1, name2`, or `left_name, right_name` …; None if it is none."""
    skipped = set(ignored)
    sides: dict[str, dict[str, str]] = {}
    for header in headers:
        if header not in skipped and (split := _side(header)):
            base, side = split
            sides.setdefault(base, {})[side] = header
    whole = {base: found for base, found in sides.items() if set(found) in _SIDES}
    by_role = _recognised(list(whole))
    for role, base in given.items():
        if base in whole:
            by_role[role] = base
    by_role.pop("id", None)
    if not by_role.keys() & {"name", "company", "first_name", "last_name"}:
        return None
    about = _about(by_role, kind, given)
    left, right = (
        {role: _of_side(whole[base], first) for role, base in about.by_role.items()}
        for first in (True, False)
    )
    return PairColumns(RecordColumns(about.kind, left), RecordColumns(about.kind, right))


def _given(headers: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    by_key = {columns.header_key(header): header for header in reversed(headers)}
    found = {}
    for role, column in given.items():
        if role != "id" and role not in ROLES:
            known = ", ".join(("id", *ROLES))
            raise RecordColumnsError(
                _("--map: there is no role “{role}”").format(role=role),
                did_you_mean(role, ("id", *ROLES)) or _("there are {known}").format(known=known),
            )
        header = column if column in headers else by_key.get(columns.header_key(column))
        if column and header is None:
            raise RecordColumnsError(
                _("--map: the file has no column “{column}”").format(column=column),
                did_you_mean(column, headers) or _("it has {columns}").format(columns=", ".join(headers)),
            )
        found[role] = header or ""
    return found


def _recognised(headers: Sequence[str]) -> dict[str, str]:
    """The best column for each role: the earliest alias wins, then the earlier column."""
    best: dict[str, tuple[int, str]] = {}
    for header in headers:
        found = _role_by_key().get(columns.header_key(header))
        if found is None:
            continue
        role, rank = found
        if role not in best or rank < best[role][0]:
            best[role] = (rank, header)
    return {role: header for role, (_rank, header) in best.items()}


@cache
def _role_by_key() -> dict[str, tuple[str, int]]:
    """The role, and how well it fits, by the key of a column's name."""
    found: dict[str, tuple[str, int]] = {}
    for role, aliases in _ALIASES.items():
        more = columns.ALIASES.get(role, ()) if role in _ALSO_IN_LEADS else ()
        for rank, alias in enumerate((*aliases, *more)):
            found.setdefault(columns.header_key(alias), (role, rank))
    return found


def _about(by_role: dict[str, str], kind: Kind | None, given: Mapping[str, str]) -> RecordColumns:
    """Settles what a bare `name` is, and that there is something to compare."""
    by_role = {role: column for role in ("id", *ROLES) if (column := by_role.get(role))}
    if kind is None:
        has_person = any(role in by_role for role in _PERSON_ROLES)
        kind = "person" if has_person or {"name", "company"} <= by_role.keys() else "company"
    if kind == "company" and "company" not in by_role and "name" in by_role and "name" not in given:
        by_role = {"company": by_role.pop("name"), **by_role}
    wanted = {"company", "company_domain", "website"} if kind == "company" else {*_PERSON_ROLES, "name"}
    if not by_role.keys() & wanted:
        raise RecordColumnsError(
            _("no column says the name of a company") if kind == "company" else _("no column names a person"),
            _("say which one does with --map, for example --map {example}").format(
                example="company=COLUMN" if kind == "company" else "name=COLUMN"
            ),
        )
    return RecordColumns(kind, by_role)


_SIDE_LAST = re.compile(r"(.+?)[ _\-.]?(left|right|(?<=[ _\-.])[ablrxy]|[12])", re.IGNORECASE).fullmatch
_SIDE_FIRST = re.compile(r"(left|right|[ablrxy12](?=[ _\-.]))[ _\-.]?(.+)", re.IGNORECASE).fullmatch


def _side(header: str) -> tuple[str, str] | None:
    """`name_b` → (name, b); None where a column's name says no side."""
    if found := _SIDE_LAST(header):
        return found[1], found[2].lower()
    if found := _SIDE_FIRST(header):
        return found[2], found[1].lower()
    return None


def _of_side(found: Mapping[str, str], first: bool) -> str:
    return next(header for side, header in found.items() if (side in _FIRST_SIDES) == first)
