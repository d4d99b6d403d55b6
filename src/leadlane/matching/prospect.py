"""What identifies a prospect, by the fields of a lead? The keys it is looked up by, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from leadlane.core.match import Keys
from leadlane.matching.keys import company_domain, email_key, phone_key
from leadlane.matching.names import company_name, person_name
from leadlane.matching.record import Record, read_record
from leadlane.matching.spoken import spoken_name

# Fields of a lead that say who it is; they go by the names of the roles that a record is read from.
_ROLES = (
    "email", "first_name", "last_name", "phone", "company", "company_domain", "website", "country",
    "region", "city",
)  # fmt: skip


def prospect_keys(fields: Mapping[str, object]) -> Keys:
    """The keys of a lead with these fields, None where a field that makes one is missing."""
    email, phone, country = (fields.get(name) for name in ("email", "phone", "country"))
    domain = company_domain(fields)
    return Keys(
        email_key(email) if isinstance(email, str) else None,
        domain,
        phone_key(phone, country if isinstance(country, str) else None) if isinstance(phone, str) else None,
        _name_at_company(fields, domain),
    )


def _name_at_company(fields: Mapping[str, object], domain: str | None) -> str | None:
    """`meyer c@acme.example`: last name, first letter of the first, and where; wide enough for J. and Jo."""
    first, last = fields.get("first_name"), fields.get("last_name")
    if not (isinstance(first, str) and isinstance(last, str)):
        return None
    person = person_name(first, last, None)
    if not (person.first and person.last):
        return None
    company = domain
    if company is None and isinstance(name := fields.get("company"), str):
        company = company_name(name).joined or None
    return f"{' '.join(person.last)} {person.first[0][0]}@{company}" if company else None


def spoken_names(fields: Mapping[str, object]) -> dict[str, str | None]:
    """The names that a lead is found by while somebody types: columns of `leads`, None where it has none."""
    first, last, company = (
        spoken_name(value) if isinstance(value := fields.get(name), str) else ""
        for name in ("first_name", "last_name", "company")
    )
    return {
        "first_last": f"{first} {last}".strip() or None,
        # Where there is one name only, the column above has it.
        "last_first": f"{last} {first}" if first and last else None,
        "company_spoken": company or None,
    }


def lead_record(lead_id: str, fields: Mapping[str, object]) -> Record:
    """A lead as it is compared: what `read_record` makes of its fields.

    In a fraction of its time, for most of what it is made of was looked at before: the person and the domain
    when the lead got its keys, the place with other leads.
    """
    written = {
        role: text
        for role in _ROLES
        if (value := fields.get(role)) and isinstance(value, str) and (text := value.strip())
    }
    place = _place(written.get("city", ""), written.get("region", ""), written.get("country", ""))
    company = company_name(written.get("company", ""))
    person = person_name(written.get("first_name"), written.get("last_name"), None)
    email = email_key(written.get("email"))
    domains = (
        company_domain({role: written[role]})
        for role in ("company_domain", "website", "email")
        if role in written
    )
    return Record(
        id=lead_id,
        company=(company,) if company.joined else (),
        person=person if person.joined else None,
        emails=(email,) if email else (),
        domains=tuple(dict.fromkeys(filter(None, domains))),
        phones=_phones(written.get("phone", ""), place.country),
        city=place.city,
        region=place.region,
        country=place.country,
        written=written,
    )


@lru_cache(maxsize=8_192)
def _place(city: str, region: str, country: str) -> Record:
    return read_record("", {"city": city, "region": region, "country": country})


def _phones(text: str, country: str) -> tuple[str, ...]:
    if number := phone_key(text, country or None):
        return (number,)
    return read_record("", {"phone": text, "country": country}).phones if text else ()
