"""How many SMS does a text take? By the alphabet of GSM (3GPP TS 23.038), else by UCS-2."""

from __future__ import annotations

from anyascii import anyascii

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# These take an escape sign besides.
_EXTENDED = frozenset("^{}\\[~]|€\f")
# What a text takes alone, and what each part takes of a longer one, which needs a header to be put together.
_GSM_ALONE, _GSM_PART = 160, 153
_UCS2_ALONE, _UCS2_PART = 70, 67
_TYPOGRAPHY = str.maketrans(
    {
        "–": "-",
        "—": "-",
        "…": "...",
        "“": '"',
        "”": '"',
        "„": '"',
        "‘": "'",
        "’": "'",
        "·": "-",
        "\u00a0": " ",
    }
)


def is_gsm(text: str) -> bool:
    """Whether every letter is in the alphabet of GSM."""
    return all(char in _BASIC or char in _EXTENDED for char in text)


def segments(text: str) -> int:
    """How many SMS a text is sent as; an empty one as one."""
    if is_gsm(text):
        size, alone, part = sum(2 if char in _EXTENDED else 1 for char in text), _GSM_ALONE, _GSM_PART
    else:
        size, alone, part = len(text.encode("utf-16-le")) // 2, _UCS2_ALONE, _UCS2_PART
    return 1 if size <= alone else -(-size // part)


def fitted(text: str, most: int) -> str | None:
    """The text so that it takes at most so many SMS, None where it cannot.

    As it is, if that fits; else with plain quotes and dashes; else in plain letters: names lose their accents
    before anything is left out.
    """
    plain = text.translate(_TYPOGRAPHY)
    for written in (text, plain, "".join(char if char in _BASIC else anyascii(char) for char in plain)):
        # A text that only its quotes keep out of GSM is better sent as one SMS than as three.
        if segments(written) <= most and (is_gsm(written) or not is_gsm(plain)):
            return written
    return None
