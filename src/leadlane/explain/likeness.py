"""Why may two records be the same, or not? Evidence in words."""

from __future__ import annotations

from collections.abc import Sequence

from leadlane.core.match import Evidence
from leadlane.i18n import N_, _
from leadlane.matching.evidence import Code

# Evidence below this weight (bits, either way) says too little to be told where there is better.
WORTH_TELLING = 0.5
_LONGEST_VALUE = 60

_WORDS = {
    Code.NAME_EQUAL: N_("the same name: “{ours}”"),
    Code.NAME_ALIKE: N_("names alike: “{ours}” and “{theirs}”"),
    Code.NAME_INITIALS: N_("one name is the initials of the other: “{ours}” and “{theirs}”"),
    Code.NAME_DIFFERS: N_("different names: “{ours}” and “{theirs}”"),
    Code.NAME_EXTRA: N_("one name has words that the other lacks: “{words}”"),
    Code.NUMBER_DIFFERS: N_("different numbers in the names: “{ours}” and “{theirs}”"),
    Code.LEGAL_EQUAL: N_("the same legal form: {ours}"),
    Code.LEGAL_DIFFERS: N_("different legal forms: {ours} and {theirs}"),
    Code.EMAIL_EQUAL: N_("the same e-mail address: {ours}"),
    Code.EMAIL_DIFFERS: N_("two e-mail addresses at one company: {ours} and {theirs}"),
    Code.EMAIL_NAME_EQUAL: N_("the same name before the @: {ours} and {theirs}"),
    Code.DOMAIN_EQUAL: N_("the same domain: {ours}"),
    Code.DOMAIN_DIFFERS: N_("different domains: {ours} and {theirs}"),
    Code.DOMAIN_WORDS: N_("the domain is made of the name: {ours} and {theirs}"),
    Code.PHONE_EQUAL: N_("the same phone number: {ours}"),
    Code.PHONE_DIFFERS: N_("different phone numbers: {ours} and {theirs}"),
    Code.STREET_EQUAL: N_("the same street address: {ours}"),
    Code.STREET_ALIKE: N_("street addresses alike: {ours} and {theirs}"),
    Code.STREET_DIFFERS: N_("different streets: {ours} and {theirs}"),
    Code.HOUSE_NUMBER_DIFFERS: N_("different house numbers: {ours} and {theirs}"),
    Code.POSTCODE_EQUAL: N_("the same postcode: {ours}"),
    Code.POSTCODE_DIFFERS: N_("different postcodes: {ours} and {theirs}"),
    Code.CITY_EQUAL: N_("the same city: {ours}"),
    Code.CITY_DIFFERS: N_("different cities: {ours} and {theirs}"),
    Code.REGION_EQUAL: N_("the same region: {ours}"),
    Code.REGION_DIFFERS: N_("different regions: {ours} and {theirs}"),
    Code.COUNTRY_EQUAL: N_("the same country: {ours}"),
    Code.COUNTRY_DIFFERS: N_("different countries: {ours} and {theirs}"),
    Code.FIRST_NAME_EQUAL: N_("the same first name: {ours}"),
    Code.FIRST_NAME_ALIKE: N_("first names alike: {ours} and {theirs}"),
    Code.FIRST_NAME_DIFFERS: N_("different first names: {ours} and {theirs}"),
    Code.LAST_NAME_EQUAL: N_("the same last name: {ours}"),
    Code.LAST_NAME_ALIKE: N_("last names alike: {ours} and {theirs}"),
    Code.LAST_NAME_DIFFERS: N_("different last names: {ours} and {theirs}"),
    Code.NAMES_SWAPPED: N_("first and last name swapped: {ours} and {theirs}"),
    Code.COMPANY_EQUAL: N_("the same company: {ours}"),
    Code.COMPANY_DIFFERS: N_("different companies: {ours} and {theirs}"),
    Code.CONTACT: N_("the mailbox of a contact there: {ours}"),
}


def evidence_words(evidence: Evidence) -> str:
    """One piece of evidence in words, with both values. ValueError for a code that is none."""
    ours, theirs = _short(evidence.ours), _short(evidence.theirs)
    return _(_WORDS[Code(evidence.code)]).format(ours=ours, theirs=theirs, words=ours or theirs)


def likeness_words(evidence: Sequence[Evidence]) -> list[str]:
    """What speaks for two records being the same, and what against, a line each; the heaviest first."""
    speaks_for, against = sides(evidence)
    lines = []
    if said := "; ".join(speaks_for):
        lines.append(_("for: {evidence}").format(evidence=said))
    if said := "; ".join(against):
        lines.append(_("against: {evidence}").format(evidence=said))
    return lines


def sides(evidence: Sequence[Evidence]) -> tuple[list[str], list[str]]:
    """What speaks for two records being the same, and what against, piece by piece; the heaviest first.

    What hardly weighs is left out, unless there is nothing else.
    """
    told = [one for one in evidence if abs(one.weight) >= WORTH_TELLING] or list(evidence)
    return (
        [evidence_words(one) for one in told if one.weight > 0],
        [evidence_words(one) for one in told if one.weight <= 0],
    )


def _short(value: str) -> str:
    text = " ".join(value.split())
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
