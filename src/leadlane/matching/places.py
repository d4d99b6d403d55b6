"""Which country does a word or a code mean? Offline, from the names that Unicode's CLDR gives countries."""

from __future__ import annotations

from functools import cache

from anyascii import anyascii
from babel import Locale

# The languages of the names, the first that uses a word decides what it means.
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi", "cs", "tr")
_MORE = {
    "america": "US",
    "usa": "US",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "holland": "NL",
    "czech republic": "CZ",
    "korea": "KR",
    "uae": "AE",
    "suisse": "CH",
    "brasil": "BR",
}


def country_of(text: str) -> str:
    """The ISO 3166 alpha-2 code of a country's code or name in any of the languages; "" if it is none."""
    code = text.strip().upper()
    if len(code) == 2:
        code = "GB" if code == "UK" else code
        return code if code in Locale("en").territories else ""
    return _countries().get(_key(text), "")


@cache
def country_words() -> dict[str, str]:
    """The single words that name a country in any of the languages, as plain words, with its English one."""
    english = {code: _key(name) for code, name in Locale("en").territories.items()}
    return {
        name: english[code]
        for name, code in _countries().items()
        if len(name) > 3 and " " not in name and " " not in english[code]
    }


@cache
def country_names(code: str) -> tuple[str, ...]:
    """The plain words of a country's English name; () for what is no code."""
    return tuple(_key(Locale("en").territories.get(code, "")).split()) if code else ()


@cache
def _countries() -> dict[str, str]:
    found: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():
                found.setdefault(_key(name), code)
    return found | _MORE


def _key(name: str) -> str:
    return " ".join(anyascii(name).casefold().replace(".", "").replace("-", " ").split())
