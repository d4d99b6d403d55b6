"""What is known of somebody who is compared? Names, mailboxes, phones and address, each in one writing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from leadlane.matching.keys import SHORTEST_PHONE, company_domain, email_key, phone_key
from leadlane.matching.names import CompanyName, PersonName, company_name, other_names, person_name, words_in
from leadlane.matching.places import country_of

# The kinds of streets and the directions, each in its long writing: misspelt, it is still like itself.
_STREET_WORDS = {
    short: long
    for long, shorts in {
        "street": "st str strasse sts straat saint",
        "avenue": "ave av aven aves avenida",
        "boulevard": "blvd blv boul blvrd",
        "road": "rd",
        "drive": "dr drv",
        "lane": "ln",
        "court": "ct crt",
        "place": "pl platz plz plaza",
        "highway": "hwy",
        "parkway": "pkwy pky",
        "square": "sq",
        "terrace": "tce ter terr",
        "crescent": "cres cr crs",
        "circuit": "cct circ",
        "circle": "cir",
        "close": "cl",
        "north": "n",
        "south": "s",
        "east": "e",
        "west": "w",
        "northeast": "ne",
        "northwest": "nw",
        "southeast": "se",
        "southwest": "sw",
    }.items()
    for short in shorts.split()
}
_KINDS = frozenset(_STREET_WORDS.values())
# These are written together with what the street is called.
_ENDINGS = ("strasse", "straat", "str", "street", "avenue", "circuit", "crescent", "place", "close", "drive")
# From here on an address says where in the house.
_INSIDE = frozenset(
    ("suite", "ste", "unit", "apt", "apartment", "fl", "floor", "room", "rm", "bldg", "building")
)
_NUMBER = re.compile(r"\d+[a-z]?")
_ORDINAL = re.compile(r"^(\d+)(?:st|nd|rd|th)$")
_RANGE = re.compile(r"(\d+[a-zA-Z]?)\s*[-–/]\s*\d+[a-zA-Z]?\b")


@dataclass(frozen=True, slots=True)
class Record:
    """A company or a person as it is compared; what is unknown is empty, and is no evidence.

    `company` is the name and its aliases; `emails` are keys of mailboxes; `domains` registrable domains,
    never a mail provider's; `phones` E.164 where possible, else the digits; `country` is ISO alpha-2.
    Street, postcode, city and region are plain words. `written` is what people wrote, by role.
    """

    id: str
    company: tuple[CompanyName, ...] = ()
    person: PersonName | None = None
    emails: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    street: str = ""
    house_number: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    written: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


def read_record(record_id: str, values: Mapping[str, str]) -> Record:
    """A record from values by role; a value that cannot be read is left out.

    Roles: company, first_name, last_name, name (a person's whole name), email, phone, company_domain,
    website, street (a whole line, with the house number or without), house_number, postcode, city, region,
    country (a code or a name). Several of a kind are numbered: `company2` is an alias, `phone2` …
    """
    written = {role: text.strip() for role, text in values.items() if text and text.strip()}
    person = person_name(written.get("first_name"), written.get("last_name"), written.get("name"))
    texts = list(_all(written, "company"))
    texts += [name for text in texts for name in other_names(text)]
    companies = dict.fromkeys(map(company_name, texts))
    country = country_of(written.get("country", ""))
    street, house_number = _street(written.get("street", ""), written.get("house_number", ""))
    return Record(
        id=record_id,
        company=tuple(name for name in companies if name.joined),
        person=person if person.joined else None,
        emails=_distinct(email_key(text) for text in _all(written, "email")),
        domains=_distinct(
            company_domain({role: text})
            for role in ("company_domain", "website", "email")
            for text in _all(written, role)
        ),
        phones=_distinct(_phone(text, country) for text in _all(written, "phone")),
        street=street,
        house_number=house_number,
        postcode="".join(words_in(written.get("postcode", ""))),
        city=" ".join(_STREET_WORDS.get(word, word) for word in words_in(written.get("city", ""))),
        region=" ".join(words_in(written.get("region", ""))),
        country=country,
        written=written,
    )


def street_core(street: str) -> str:
    """The street without kind and direction: `north hill avenue` → `hill`; the whole if nothing is left."""
    return " ".join(word for word in street.split() if word not in _KINDS) or street


def _all(written: Mapping[str, str], role: str) -> Iterator[str]:
    """Every value of a role: `phone`, `phone2`, `phone3` …"""
    for name, text in written.items():
        if name.startswith(role) and (name == role or name[len(role) :].isdecimal()):
            yield text


def _distinct(values: Iterator[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _phone(text: str, country: str) -> str | None:
    """E.164 where the country is known; else the digits, in which two writings of a number still agree."""
    if key := phone_key(text, country or None):
        return key
    digits = "".join(letter for letter in text if letter in "0123456789")
    return digits if len(digits) >= SHORTEST_PHONE else None


def _street(line: str, number: str) -> tuple[str, str]:
    """The street in plain words and the house number, which stands first or last if it is within the line."""
    parts = [part for part in re.split(r"[,;\n]", line) if part.strip()]
    named = next((part for part in parts if any(letter.isdecimal() for letter in part)), "".join(parts[:1]))
    words = words_in(_RANGE.sub(r"\1", named))
    house = "".join(words_in(_RANGE.sub(r"\1", number)))
    if len(words) > 1 and not house:
        if _NUMBER.fullmatch(words[0]):
            house = words.pop(0)
        elif len(words) > 2 and len(words[-1]) == 1 and words[-2].isdecimal():
            house = words.pop(-2) + words.pop()
        elif _NUMBER.fullmatch(words[-1]):
            house = words.pop()
    inside = next((at for at, word in enumerate(words) if at and word in _INSIDE), len(words))
    return " ".join(word for long in words[:inside] for word in _street_words(long)), house


def _street_words(word: str) -> tuple[str, ...]:
    """`hauptstrasse` is `haupt street`, and `ave` is `avenue`."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending), _STREET_WORDS.get(ending, ending)
    return (_STREET_WORDS.get(word) or _ORDINAL.sub(r"\1", word),)
