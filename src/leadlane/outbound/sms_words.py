"""Which words of an SMS mean which answer? What is offered to be replied, and what a reply means."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from anyascii import anyascii

from leadlane.i18n import SOURCE_LANGUAGE

Meaning = Literal["accept", "decline", "responded", "snooze", "status", "help", "stop", "unknown"]

# The first of each is the one that is offered. Small letters without accents, as many people write an SMS.
_WORDS: dict[str, dict[Meaning, tuple[str, ...]]] = {
    "en": {
        "accept": ("ok", "accept", "yes", "y", "1"),
        "decline": ("no", "decline", "n"),
        "responded": ("done", "responded"),
        "snooze": ("later", "snooze"),
        "status": ("status",),
        "help": ("help", "info"),
    },
    "pl": {
        "accept": ("ok", "tak", "biore", "przyjmuje"),
        "decline": ("nie", "odrzucam"),
        "responded": ("gotowe", "zrobione"),
        "snooze": ("pozniej",),
        "status": ("status", "lista"),
        "help": ("pomoc",),
    },
    "it": {
        "accept": ("ok", "si", "accetto"),
        "decline": ("no", "rifiuto"),
        "responded": ("fatto", "risposto"),
        "snooze": ("dopo",),
        "status": ("stato", "elenco"),
        "help": ("aiuto",),
    },
}
# "No" is a yes in spoken Polish: whoever gets messages in Polish is not taken to decline by it.
_NOT_MEANT = {"pl": frozenset({"no", "n"})}
# The networks and providers act on these themselves, and forbid an answer.
_STOPS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "start", "unstop"})
# People begin sentences with these ("No problem, I take it"): they count alone, or with a code.
_SHORT = frozenset({"ok", "yes", "y", "1", "no", "n", "tak", "nie", "si"})

_REASONS = {"junk": "junk", "spam": "junk", "duplicate": "duplicate", "duplikat": "duplicate"}
_REASONS |= {"duplicato": "duplicate"}
_HOW = {"call": "call", "called": "call", "phone": "call", "telefon": "call", "telefono": "call"}
_HOW |= {"email": "email", "mail": "email", "e-mail": "email"}
_HOW |= {"meeting": "meeting", "spotkanie": "meeting", "incontro": "meeting"}
_HOW |= {"message": "message", "wiadomosc": "message", "messaggio": "message", "sms": "message"}
_TOMORROW = frozenset({"tomorrow", "jutro", "domani"})
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "g": "hours", "godz": "hours", "ore": "hours"}
_UNITS |= {"ora": "hours", "hour": "hours", "hours": "hours", "d": "days", "day": "days", "days": "days"}
_UNITS |= {"dni": "days", "dzien": "days", "giorni": "days", "giorno": "days", "minutes": "minutes"}

# Nothing that is taken for another sign, and never a word: a letter, a digit, a letter.
_LETTERS, _NUMBERS = "ABCDEFGHJKMNPQRTUVWXY", "23456789"
_CODE = re.compile(f"[{_LETTERS}][{_NUMBERS}][{_LETTERS}]", re.IGNORECASE)
_EDGES = " \t\r\n.,;:!\"'()"


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody replied: `code` names a lead, "" for none; `rest` is what else they wrote."""

    meaning: Meaning
    code: str = ""
    rest: str = ""


def code_of(lead_id: str) -> str:
    """The short code by which an SMS names a lead, always the same for the same lead.

    There are 3,528: enough to tell the leads of one person apart, and no secret. Two leads of a person may
    have the same one; who reads a reply has to ask then.
    """
    number = int.from_bytes(hashlib.sha256(lead_id.encode()).digest()[:8], "big")
    number, last = divmod(number, len(_LETTERS))
    number, middle = divmod(number, len(_NUMBERS))
    return _LETTERS[number % len(_LETTERS)] + _NUMBERS[middle] + _LETTERS[last]


def offered(meaning: Meaning, language: str) -> str:
    """The word that is offered for an answer, in capital letters."""
    return _WORDS.get(language, _WORDS[SOURCE_LANGUAGE])[meaning][0].upper()


def read_reply(text: str, language: str) -> Reply:
    """What a reply means to whoever gets messages in this language; English words are always understood."""
    words = [word for word in (part.strip(_EDGES) for part in text.split()) if word]
    code = next((word for word in words[:2] if _CODE.fullmatch(word)), "")
    if code:
        words.remove(code)
    meaning = _meaning(_folded(words[0]), language) if words else "unknown"
    if meaning == "unknown" and text.strip() == "?":
        meaning = "help"
    rest = " ".join(words[1:])
    if meaning != "unknown" and rest and not code and _folded(words[0]) in _SHORT:
        meaning = "unknown"
    return Reply(meaning, code.upper(), rest)


def _meaning(word: str, language: str) -> Meaning:
    if word in _STOPS:
        return "stop"
    for spoken in (language, SOURCE_LANGUAGE):
        for meaning, words in _WORDS.get(spoken, {}).items():
            if word in words and word not in _NOT_MEANT.get(language, ()):
                return meaning
    return "unknown"


def _folded(text: str) -> str:
    return anyascii(text).casefold()


def reason_of(rest: str) -> str:
    """The reason of a declining that is one of ours, by which turns are counted; "" for own words."""
    return _REASONS.get(_folded(rest), "")


def how_of(rest: str) -> str:
    """How somebody was in touch, a kind of touch; "" where it was not said."""
    return next((_HOW[word] for word in _folded(rest).split() if word in _HOW), "")


def delay_of(rest: str) -> timedelta | Literal["tomorrow"] | None:
    """How long something is to wait: `1h`, `30 min`, `2 days`, `tomorrow`; None where that was not said."""
    text = _folded(rest)
    if text in _TOMORROW:
        return "tomorrow"
    match = re.fullmatch(r"(\d{1,3})\s*([a-z]+)", text)
    if match is None or match[2] not in _UNITS:
        return None
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
