"""Which country, which language did they mean? Codes and names, in the languages of those who export them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache

from babel import Locale
from babel.core import get_global

from leadlane.i18n import _
from leadlane.intake.problems import BadValueError, did_you_mean

# English names come first, so that where two languages disagree the English meaning holds.
_NAME_LANGUAGES = (
    *(
        "en",
        "de",
        "it",
        "pl",
        "fr",
        "es",
        "pt",
        "nl",
        "cs",
        "sk",
        "hu",
        "ro",
        "sl",
        "hr",
        "sr_Latn",
        "bg",
        "el",
    ),
    *("sv", "da", "nb", "fi", "et", "lv", "lt", "uk", "ru", "tr", "ar", "he", "ja", "ko", "zh"),
)
# Two-letter codes of the data that are reserved or private, not countries.
_NO_COUNTRIES = frozenset(
    ("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ")
)
_MORE_COUNTRY_NAMES = {
    "america": "US",
    "unitedstatesofamerica": "US",
    "unitedstates": "US",
    "greatbritain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northernireland": "GB",
    "unitedkingdomofgreatbritainandnorthernireland": "GB",
    "holland": "NL",
    "thenetherlands": "NL",
    "czechrepublic": "CZ",
    "korea": "KR",
    "republicofkorea": "KR",
    "uae": "AE",
    "russianfederation": "RU",
    "vietnam": "VN",
    "viet nam": "VN",
    "macedonia": "MK",
    "swaziland": "SZ",
    "burma": "MM",
    "el": "GR",
    "brd": "DE",
}


@lru_cache(maxsize=4096)
def country_code(text: str) -> str:
    """The ISO 3166 alpha-2 code of a trimmed country code or name; raises BadValueError."""
    code = text.upper()
    if code in _countries():
        return code
    code = _country_names().get(_key(text), "")
    if code:
        return code
    raise BadValueError(
        _("this is not a country"),
        did_you_mean(text, Locale("en").territories.values())
        or _("write its two-letter ISO code, such as DE"),
    )


@lru_cache(maxsize=4096)
def language_code(text: str) -> str:
    """The ISO 639-1 code of a trimmed language code (`de`, `de-DE`) or name; raises BadValueError."""
    languages = Locale("en").languages
    code = re.split("[-_]", text.lower())[0]
    if len(code) == 2 and code in languages and code not in _language_aliases():
        return code
    code = _language_aliases().get(code) or _language_names().get(_key(re.split(r"[(\-–]", text)[0]), "")
    if code:
        return code
    raise BadValueError(
        _("this is not a language"),
        did_you_mean(text, languages.values()) or _("write its two-letter ISO code, such as de"),
    )


@cache
def _countries() -> frozenset[str]:
    return frozenset(
        code
        for code in map(str, Locale("en").territories)
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
    )


@cache
def _country_names() -> dict[str, str]:
    """Names in many languages, and the three-letter codes, by their key."""
    countries = _countries()
    aliases: Mapping[str, list[str]] = get_global("territory_aliases")
    names = {
        old.lower(): new[0]
        for old, new in aliases.items()
        if old.isalpha() and len(new) == 1 and new[0] in countries and (len(old) == 3 or old == "UK")
    }
    for language in _NAME_LANGUAGES:
        for code, name in Locale.parse(language).territories.items():
            if code in countries:
                names.setdefault(_key(name), code)
    return names | {_key(name): code for name, code in _MORE_COUNTRY_NAMES.items()}


@cache
def _language_aliases() -> dict[str, str]:
    """Three-letter and outdated codes to the two-letter ones."""
    aliases: Mapping[str, str] = get_global("language_aliases")
    return {old: new for old, new in aliases.items() if len(old) <= 3 and len(new) == 2}


@cache
def _language_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for language in _NAME_LANGUAGES:
        for code, name in Locale.parse(language).languages.items():
            # `zh_Hans`, `de_AT`: a variety counts as its language.
            main = code.split("_")[0]
            if len(main) == 2:
                names.setdefault(_key(name), _language_aliases().get(main, main))
    return names


def _key(name: str) -> str:
    """A name without case, accents, spaces and punctuation, so that spellings meet."""
    letters = unicodedata.normalize("NFKD", name.casefold().replace("ł", "l").replace("&", "and"))
    return "".join(char for char in letters if char.isalnum())
