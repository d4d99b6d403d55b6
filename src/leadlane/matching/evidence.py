"""What speaks for two records being the same prospect, or against it, and how loudly? Codes and weights."""

from __future__ import annotations

from enum import StrEnum

from leadlane.core.match import Evidence


class Code(StrEnum):
    """What was compared, and how it came out."""

    NAME_EQUAL = "name_equal"  # the same words in any order, after normalising
    NAME_ALIKE = "name_alike"  # words in common, some misspelt, cut short, joined, or split
    NAME_INITIALS = "name_initials"  # one name has the initials of words of the other: IBM
    NAME_EXTRA = "name_extra"  # one name has more words, which tell it apart: Chemicals, Schweiz
    NAME_DIFFERS = "name_differs"  # each name has words that the other lacks
    NUMBER_DIFFERS = "number_differs"  # "Fund 3" and "Fund 4"
    LEGAL_EQUAL = "legal_equal"  # the same legal form
    LEGAL_DIFFERS = "legal_differs"  # two legal forms
    DOMAIN_EQUAL = "domain_equal"  # the same company domain
    DOMAIN_WORDS = "domain_words"  # one's domain is the other's name, its initials, or its domain elsewhere
    DOMAIN_DIFFERS = "domain_differs"  # two company domains
    EMAIL_EQUAL = "email_equal"  # the same mailbox
    EMAIL_NAME_EQUAL = "email_name_equal"  # the same before the @ of two domains
    EMAIL_DIFFERS = "email_differs"  # two mailboxes at one domain
    PHONE_EQUAL = "phone_equal"
    PHONE_DIFFERS = "phone_differs"
    STREET_EQUAL = "street_equal"  # the same street and house number
    STREET_ALIKE = "street_alike"  # the same street, the house number unknown or miswritten
    HOUSE_NUMBER_DIFFERS = "house_number_differs"  # the same street, another house
    STREET_DIFFERS = "street_differs"
    POSTCODE_EQUAL = "postcode_equal"
    POSTCODE_DIFFERS = "postcode_differs"
    CITY_EQUAL = "city_equal"
    CITY_DIFFERS = "city_differs"
    REGION_EQUAL = "region_equal"
    REGION_DIFFERS = "region_differs"
    COUNTRY_EQUAL = "country_equal"
    COUNTRY_DIFFERS = "country_differs"
    FIRST_NAME_EQUAL = "first_name_equal"
    FIRST_NAME_ALIKE = "first_name_alike"  # misspelt, a short form, or an initial: Bob or R. for Robert
    FIRST_NAME_DIFFERS = "first_name_differs"
    LAST_NAME_EQUAL = "last_name_equal"
    LAST_NAME_ALIKE = "last_name_alike"  # misspelt, or one of two last names
    LAST_NAME_DIFFERS = "last_name_differs"
    NAMES_SWAPPED = "names_swapped"  # first and last name in each other's field
    COMPANY_EQUAL = "company_equal"  # a person's company, by its name
    COMPANY_DIFFERS = "company_differs"
    CONTACT = "contact"  # + a mailbox that is known to be of a contact there


# In bits. For: how much rarer it is among strangers than among the same. Against: how rare it is among the
# same, who move, have several phones and websites, and are written down wrongly. Names of companies have no
# weight of their own here: they weigh what their words tell (`alike.py`).
WEIGHTS = {
    Code.NUMBER_DIFFERS: -4.75,
    Code.LEGAL_EQUAL: 0.25,
    Code.LEGAL_DIFFERS: -0.5,
    Code.DOMAIN_EQUAL: 8.0,
    Code.DOMAIN_WORDS: 1.5,
    Code.DOMAIN_DIFFERS: -1.0,
    Code.EMAIL_EQUAL: 12.0,
    Code.EMAIL_NAME_EQUAL: 2.0,
    Code.EMAIL_DIFFERS: -3.5,
    Code.PHONE_EQUAL: 4.0,
    Code.PHONE_DIFFERS: -0.75,
    Code.STREET_EQUAL: 4.0,
    Code.STREET_ALIKE: 2.0,
    Code.HOUSE_NUMBER_DIFFERS: -1.0,
    Code.STREET_DIFFERS: -1.75,
    Code.POSTCODE_EQUAL: 2.5,
    Code.POSTCODE_DIFFERS: -1.25,
    Code.CITY_EQUAL: 2.0,
    Code.CITY_DIFFERS: -0.75,
    Code.REGION_EQUAL: 1.0,
    Code.REGION_DIFFERS: -0.5,
    Code.COUNTRY_EQUAL: 1.25,
    Code.COUNTRY_DIFFERS: -1.5,
    Code.FIRST_NAME_EQUAL: 3.0,
    Code.FIRST_NAME_ALIKE: 2.0,
    Code.FIRST_NAME_DIFFERS: -3.5,
    Code.LAST_NAME_EQUAL: 4.0,
    Code.LAST_NAME_ALIKE: 3.0,
    Code.LAST_NAME_DIFFERS: -2.5,
    Code.NAMES_SWAPPED: 6.5,
    Code.COMPANY_EQUAL: 3.5,
    Code.COMPANY_DIFFERS: -1.5,
}
# What is said about the name; a second kind of evidence is anything else.
OF_THE_NAME = frozenset(
    (
        *(Code.NAME_EQUAL, Code.NAME_ALIKE, Code.NAME_INITIALS, Code.LEGAL_EQUAL),
        *(Code.FIRST_NAME_EQUAL, Code.FIRST_NAME_ALIKE),
        *(Code.LAST_NAME_EQUAL, Code.LAST_NAME_ALIKE, Code.NAMES_SWAPPED),
    )
)
# What is said about the place; its parts come together.
OF_THE_PLACE = frozenset(
    (
        *(Code.STREET_EQUAL, Code.STREET_ALIKE, Code.POSTCODE_EQUAL),
        *(Code.CITY_EQUAL, Code.REGION_EQUAL, Code.COUNTRY_EQUAL),
    )
)
# Too many people live there for it to tell them apart.
OF_THE_TOWN = frozenset((Code.CITY_EQUAL, Code.REGION_EQUAL, Code.COUNTRY_EQUAL))
# Colleagues share all of this.
OF_COLLEAGUES = OF_THE_PLACE | {Code.COMPANY_EQUAL, Code.DOMAIN_EQUAL, Code.DOMAIN_WORDS, Code.PHONE_EQUAL}


def told(code: Code, ours: str, theirs: str) -> Evidence:
    """Evidence with the weight of its code."""
    return Evidence(code, WEIGHTS[code], ours, theirs)
