"""Are two records the same company, or the same person? A probability, and the evidence for and against.

Evidence adds up in bits, each the base-2 logarithm of how much likelier it is among the same than among
strangers (Fellegi and Sunter: A Theory for Record Linkage, 1969).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import fsum

from leadlane.core.match import Evidence
from leadlane.matching import fields
from leadlane.matching.alike import company_names
from leadlane.matching.evidence import OF_COLLEAGUES, OF_THE_NAME, OF_THE_PLACE, OF_THE_TOWN, Code, told
from leadlane.matching.names import fold
from leadlane.matching.people import people
from leadlane.matching.places import country_names
from leadlane.matching.record import Record
from leadlane.matching.words import Words

# How likely two records that were worth comparing are the same before anything is compared.
COMPANY_PRIOR = -1.5
PERSON_PRIOR = -3.0
# However alike two names are, they alone make nobody sure; nor does anything but the mailbox if they differ.
NAME_ALONE = 0.95
NAME_AGAINST = 0.9
# Nor is anybody asked whether two people of two companies are one because they are called alike.
ELSEWHERE = 0.4
# The parts of an address come together, so together they tell less than their sum.
MOST_OF_PLACE = 6.0
# People move house; of companies that share a name and a phone, those in two streets are rather two sites.
ANOTHER_SITE = -4.0
# Colleagues share company, address and phone, so those together do not make two people one.
MOST_OF_COMPANY = 2.4
MOST_OF_HOME = 8.5
# From here on a person's company is the same, or another, by its name.
COMPANY_SAME = 4.0
COMPANY_OTHER = 0.0
MOST_BITS = 60.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """The probability, from 0 to 1, that two records are the same, and the evidence, the heaviest first."""

    probability: float
    evidence: tuple[Evidence, ...]


def same_company(a: Record, b: Record, words: Words) -> Comparison:
    """Whether two records are of one company; `words` tells how rare the words of their names are."""
    names = _best_names(a, b, words)
    place = _at_most(MOST_OF_PLACE, fields.address(a, b, ANOTHER_SITE), OF_THE_PLACE)
    found = names + place + fields.domains(a, b) + fields.phones(a, b)
    numbered = any(evidence.code == Code.NUMBER_DIFFERS for evidence in names)
    return _weigh(COMPANY_PRIOR, found, OF_THE_NAME, NAME_AGAINST if numbered else 1.0)


def same_person(a: Record, b: Record, words: Words) -> Comparison:
    """Whether two records are of one person."""
    names = people(a.person, b.person)
    company = _companies(a, b, words)
    shared = company + fields.phones(a, b) + fields.address(a, b)
    of_company = any(evidence.weight > 0 for evidence in company)
    most = MOST_OF_COMPANY if of_company else MOST_OF_HOME
    shared = _at_most(most, shared, OF_COLLEAGUES if of_company else OF_THE_PLACE)
    mailbox = fields.emails(a, b)
    same_mailbox = any(evidence.code == Code.EMAIL_EQUAL for evidence in mailbox)
    differs = any(evidence.weight < 0 for evidence in names)
    # Who is elsewhere now is another prospect, whatever their name, unless something of theirs came along.
    elsewhere = any(e.weight < 0 for e in company) and not of_company
    followed = any(e.weight > 0 for e in (*mailbox, *fields.phones(a, b)))
    at_most = NAME_AGAINST if differs and not same_mailbox else 1.0
    if elsewhere and not followed:
        at_most = min(at_most, ELSEWHERE)
    return _weigh(PERSON_PRIOR, names + shared + mailbox, OF_THE_NAME | OF_THE_TOWN, at_most)


def _best_names(a: Record, b: Record, words: Words) -> list[Evidence]:
    """What the most alike of the names and aliases of two companies say."""
    pairs = [(one, other) for one in a.company for other in b.company]
    here = _where(a) | _where(b)
    if len(pairs) == 1:
        return company_names(*pairs[0], words, here)
    # Of names that say the same, those that come first in the alphabet, whichever record is a.
    pairs.sort(key=lambda pair: sorted((pair[0].text, pair[1].text)))
    return max((company_names(one, other, words, here) for one, other in pairs), key=_total, default=[])


@lru_cache(maxsize=65_536)
def _words_of_place(city: str, region: str, country: str) -> frozenset[str]:
    return frozenset(map(fold, (*city.split(), *region.split(), *country_names(country))))


def _where(record: Record) -> frozenset[str]:
    """The words for where a company is, as they stand in names."""
    return _words_of_place(record.city, record.region, record.country)


def _companies(a: Record, b: Record, words: Words) -> list[Evidence]:
    """What the companies of two people say, by domain and by name."""
    found = fields.domains(a, b)
    names = _best_names(a, b, words)
    if names and _total(names) >= COMPANY_SAME:
        found.append(told(Code.COMPANY_EQUAL, a.company[0].text, b.company[0].text))
    elif names and _total(names) < COMPANY_OTHER:
        found.append(told(Code.COMPANY_DIFFERS, a.company[0].text, b.company[0].text))
    return found


def _total(found: list[Evidence]) -> float:
    """The weights together; an exact sum, which does not depend on their order."""
    return fsum(evidence.weight for evidence in found)


def _at_most(most: float, found: list[Evidence], codes: frozenset[str]) -> list[Evidence]:
    """The evidence with what agrees of these codes scaled down to `most` bits together."""
    together = fsum(evidence.weight for evidence in found if evidence.code in codes)
    if together <= most:
        return found
    share = most / together
    return [
        Evidence(evidence.code, round(evidence.weight * share, 3), evidence.ours, evidence.theirs)
        if evidence.code in codes
        else evidence
        for evidence in found
    ]


def _weigh(prior: float, found: list[Evidence], alone: frozenset[Code], most: float = 1.0) -> Comparison:
    """The probability, and the evidence in order; nothing but evidence `alone` for it makes nobody sure."""
    total = max(-MOST_BITS, min(MOST_BITS, prior + _total(found)))
    probability = min(most, 1.0 / (1.0 + 2.0**-total))
    if probability > NAME_ALONE and all(e.code in alone for e in found if e.weight > 0):
        probability = NAME_ALONE
    found.sort(key=_heaviest_first)
    return Comparison(round(probability, 6), tuple(found))


def _heaviest_first(evidence: Evidence) -> tuple[float, str]:
    return -abs(evidence.weight), evidence.code
