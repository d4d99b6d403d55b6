"""What do domains, mailboxes, phones and addresses say about two records? Missing values say nothing."""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz.distance import OSA

from leadlane.core.match import Evidence
from leadlane.matching.evidence import WEIGHTS, Code, told
from leadlane.matching.keys import registrable_domain
from leadlane.matching.names import CompanyName, PersonName, fold, plain
from leadlane.matching.record import Record, street_core
from leadlane.policy.mail_providers import is_mail_provider

# One wrong letter in so many makes a street, a town, or a part of a name a misspelt one.
LETTERS_PER_ERROR = 4
# A whole street line has words that many others have, so fewer errors may be in it.
LETTERS_OF_LINE = 6
# Two numbers without a country are one if so many of their last figures agree.
LOCAL_PHONE = 7
SHORTEST_LABEL = 3
FOR_A_NAME = 3.5


def domains(a: Record, b: Record) -> list[Evidence]:
    """The same company domain, one that is made of the other's name, or two that have nothing in common."""
    if both := in_both(a.domains, b.domains):
        return [told(Code.DOMAIN_EQUAL, both, both)]
    for ours in a.domains:
        for theirs in b.domains:
            if _label(ours) == _label(theirs):
                return [told(Code.DOMAIN_WORDS, ours, theirs)]
        if name := _named_by(ours, b.company):
            return [Evidence(Code.DOMAIN_WORDS, _domain_words(a, b), ours, name)]
    for theirs in b.domains:
        if name := _named_by(theirs, a.company):
            return [Evidence(Code.DOMAIN_WORDS, _domain_words(a, b), name, theirs)]
    if a.domains and b.domains:
        return [told(Code.DOMAIN_DIFFERS, a.domains[0], b.domains[0])]
    return []


def emails(a: Record, b: Record) -> list[Evidence]:
    """The same mailbox, the same name at two domains, or two mailboxes at one domain."""
    if not a.emails or not b.emails:
        return []
    if both := in_both(a.emails, b.emails):
        return [told(Code.EMAIL_EQUAL, both, both)]
    pairs = [(ours, theirs) for ours in a.emails for theirs in b.emails]
    for ours, theirs in pairs:
        local = ours.rpartition("@")[0]
        is_own = _is_own_name(local, a.person) or _is_own_name(local, b.person)
        if local == theirs.rpartition("@")[0] and not is_own:
            return [told(Code.EMAIL_NAME_EQUAL, ours, theirs)]
    for ours, theirs in pairs:
        host = ours.rpartition("@")[2]
        # At a provider for everybody, two mailboxes are two mailboxes; a company gives everybody one.
        if host == theirs.rpartition("@")[2] and not is_mail_provider(registrable_domain(host)):
            return [told(Code.EMAIL_DIFFERS, ours, theirs)]
    return []


def _is_own_name(local: str, person: PersonName | None) -> bool:
    """Whether a mailbox is called like its owner: then it says nothing that the name does not say."""
    if person is None:
        return False
    letters = "".join(filter(str.isalpha, plain(local)))
    first, last = "".join(person.first), "".join(person.last)
    return letters in {first, last, first + last, last + first, first[:1] + last, last + first[:1]}


def phones(a: Record, b: Record) -> list[Evidence]:
    """The same number, with or without its country, or only different ones."""
    for ours in a.phones:
        for theirs in b.phones:
            if ours == theirs or _same_phone(ours, theirs):
                return [told(Code.PHONE_EQUAL, _phone_text(a, ours), _phone_text(b, theirs))]
    if not a.phones or not b.phones:
        return []
    return [told(Code.PHONE_DIFFERS, _phone_text(a, a.phones[0]), _phone_text(b, b.phones[0]))]


def address(a: Record, b: Record, other_street: float = WEIGHTS[Code.STREET_DIFFERS]) -> list[Evidence]:
    """Street, postcode, city, region and country, each by itself; another street weighs `other_street`."""
    found = []
    if a.street and b.street:
        street = _street(a, b)
        weight = other_street if street == Code.STREET_DIFFERS else WEIGHTS[street]
        found.append(Evidence(street, weight, _line(a), _line(b)))
    if a.postcode and b.postcode and (code := _postcode(a.postcode, b.postcode)):
        found.append(told(code, _as_written(a, "postcode"), _as_written(b, "postcode")))
    if a.city and b.city:
        equal = a.city == b.city or _same_place(a.city, b.city)
        found.append(
            told(
                Code.CITY_EQUAL if equal else Code.CITY_DIFFERS,
                _as_written(a, "city"),
                _as_written(b, "city"),
            )
        )
    if a.region and b.region:
        equal = a.region == b.region or (
            len(a.region) == len(b.region) and sorted(a.region) == sorted(b.region)
        )
        code = Code.REGION_EQUAL if equal else Code.REGION_DIFFERS
        found.append(told(code, _as_written(a, "region"), _as_written(b, "region")))
    if a.country and b.country:
        code = Code.COUNTRY_EQUAL if a.country == b.country else Code.COUNTRY_DIFFERS
        found.append(told(code, _as_written(a, "country"), _as_written(b, "country")))
    return found


def in_both(ours: tuple[str, ...], theirs: tuple[str, ...]) -> str:
    """The first in order of the alphabet that is in both, so that order of input does not count."""
    return min((value for value in ours if value in theirs), default="")


def misspelt(ours: str, theirs: str, letters_per_error: int = LETTERS_PER_ERROR) -> bool:
    """Whether two words are one but for a wrong letter in so many."""
    most = max(len(ours), len(theirs)) // letters_per_error
    return OSA.distance(ours, theirs, score_cutoff=most) <= most


@lru_cache(maxsize=65_536)
def _label(domain: str) -> str:
    """What a domain is called: `big-bank.example` → `bigbank`, in the writing of `CompanyName.joined`."""
    return domain.partition(".")[0].replace("-", "")


def _domain_words(a: Record, b: Record) -> float:
    """A domain like the name says more where it stands in for a name than where both names are compared."""
    return WEIGHTS[Code.DOMAIN_WORDS] if a.company and b.company else FOR_A_NAME


def _named_by(domain: str, names: tuple[CompanyName, ...]) -> str:
    """The name, as written, that a domain is made of; "" if none."""
    label = _label(domain)
    for name in names:
        if label in (name.joined, "".join(name.tokens)) or fold(label) == name.joined:
            return name.text
        if len(label) >= SHORTEST_LABEL and label == name.initials:
            return name.text
    return ""


def _same_phone(ours: str, theirs: str) -> bool:
    if ours[0] == "+" and theirs[0] == "+":
        return False
    one, other = ours.lstrip("+0"), theirs.lstrip("+0")
    return min(len(one), len(other)) >= LOCAL_PHONE and (one.endswith(other) or other.endswith(one))


def _street(a: Record, b: Record) -> Code:
    if not _same_street(a.street, b.street):
        return Code.STREET_DIFFERS
    ours, theirs = a.house_number, b.house_number
    if not ours or not theirs:
        return Code.STREET_ALIKE
    if ours == theirs:
        return Code.STREET_EQUAL
    if (
        ours.startswith(theirs)
        or theirs.startswith(ours)
        or (len(ours) > 1 and sorted(ours) == sorted(theirs))
    ):
        return Code.STREET_ALIKE
    return Code.HOUSE_NUMBER_DIFFERS


@lru_cache(maxsize=65_536)
def _same_street(ours: str, theirs: str) -> bool:
    """Whether two streets are one; a space that is missing or misplaced hides what kind of street it is."""
    return (
        ours == theirs
        or misspelt(ours.replace(" ", ""), theirs.replace(" ", ""), LETTERS_OF_LINE)
        or _same_place(street_core(ours), street_core(theirs))
    )


@lru_cache(maxsize=65_536)
def _same_place(ours: str, theirs: str) -> bool:
    """Whether two names of a street or a town are one: misspelt, or the words of one among the other's."""
    if misspelt(ours.replace(" ", ""), theirs.replace(" ", "")):
        return True
    one, other = set(ours.split()), set(theirs.split())
    return one <= other or other <= one


def _postcode(ours: str, theirs: str) -> Code | None:
    """None for one that is miswritten or cut short: it says neither."""
    if ours == theirs:
        return Code.POSTCODE_EQUAL
    if ours.startswith(theirs) or theirs.startswith(ours):
        return None
    return None if OSA.distance(ours, theirs, score_cutoff=1) <= 1 else Code.POSTCODE_DIFFERS


def _line(record: Record) -> str:
    number = record.written.get("house_number", "")
    return f"{record.written.get('street', record.street)} {number}".strip()


def _phone_text(record: Record, phone: str) -> str:
    """A phone as people wrote it, known by its last figures."""
    for role, text in record.written.items():
        if role.startswith("phone") and _figures(text).endswith(phone[-LOCAL_PHONE:]):
            return text
    return phone


@lru_cache(maxsize=65_536)
def _figures(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _as_written(record: Record, role: str) -> str:
    return record.written.get(role) or getattr(record, role)
