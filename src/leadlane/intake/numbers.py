"""Which number did they mean? `1.000,50`, `€ 10,000`, `10k` and `51-200` are all in real exports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from math import isfinite

from leadlane.i18n import _
from leadlane.intake.problems import BadValueError, shorten

LARGEST = 10**15
# Longer than any number that people write; keeps a hostile cell away from the patterns.
LONGEST = 60

_PLAIN = re.compile(r"-?(?:0|[1-9]\d{0,15})(?:\.\d{1,2}|\.\d{4,15})?").fullmatch
_SCALES = {
    **dict.fromkeys(("k", "tsd", "tys", "thousand"), 10**3),
    **dict.fromkeys(("m", "mm", "mio", "mln", "mn", "million", "millions"), 10**6),
    **dict.fromkeys(("b", "bn", "mrd", "mld", "billion", "billions"), 10**9),
}
_SIGNS = {
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "zł": ("PLN",),
    "Kč": ("CZK",),
    "Ft": ("HUF",),
    "₺": ("TRY",),
    "₹": ("INR",),
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "BRL"),
}
_CODES = (
    "EUR|USD|GBP|CHF|PLN|CZK|HUF|RON|SEK|NOK|DKK|ISK|BGN|TRY|UAH|RUB|JPY|CNY|INR|AUD|NZD|CAD|SGD|HKD|KRW|BRL|MXN"
    "|ZAR|AED|ILS|SAR"
)
_MONEY_MARK = rf"(?:[€£¥₺₹]|(?:US|CA|AU|NZ|HK)?\$|zł|Kč|Ft|{_CODES})"
_AMOUNT = re.compile(
    rf"(?P<before>{_MONEY_MARK})?\s*(?P<sign>[-+−])?\s*(?P<before2>{_MONEY_MARK})?\s*"
    r"(?P<digits>\d[\d.,'’ ]*?)"
    rf"\s*(?P<scale>[A-Za-z]+\.?)??\s*(?P<after>{_MONEY_MARK})?"
).fullmatch
_GROUPED = {
    ",": re.compile(r"[1-9]\d{0,2}(?:,\d{3})+").fullmatch,
    ".": re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+").fullmatch,
    " ": re.compile(r"[1-9]\d{0,2}(?:[ '’]\d{3})+").fullmatch,
}
_BAND = re.compile(
    r"(?P<low>\d[\d.,' ]*k?)\s*(?:[-–—]|to)\s*(?P<high>\d[\d.,' ]*k?)", re.IGNORECASE
).fullmatch
_AT_LEAST = re.compile(r"(?:>=?|≥|over |more than )?\s*(?P<low>\d[\d.,' ]*k?)\s*\+?", re.IGNORECASE).fullmatch
_PEOPLE = re.compile(r"\s*(?:employees|people|persons|staff|fte)\.?$", re.IGNORECASE)


def number_from_json(raw: float) -> int | float:
    """A JSON number in normal form: int when it is whole. Raises BadValueError for NaN and giants."""
    if isinstance(raw, float) and not isfinite(raw):
        raise BadValueError(_("this is not a finite number"))
    if not -LARGEST < raw < LARGEST:
        raise BadValueError(_("this number is too large: at most 15 digits"))
    return int(raw) if raw == int(raw) else float(raw)


def read_number(
    text: str, *, decimal: str | None = None, money: bool = False, currency: str | None = None
) -> int | float:
    """The number that a trimmed text stands for; int when it is whole.

    `decimal` is the mark that starts decimals ("." or ",") where it is known. Without it, one mark with
    exactly three digits behind it (`1.000`) can be read in two ways and is refused; only for `money`, and for
    an amount with its currency, `1,000` is one thousand, because nobody writes three decimals there.
    `currency` is the one that the policy counts in: an amount marked with another is refused.
    Raises BadValueError.
    """
    if _PLAIN(text):
        return number_from_json(float(text) if "." in text else int(text))
    found = _AMOUNT(_spaces(text)) if len(text) <= LONGEST else None
    if found is None:
        raise BadValueError(_("this is not a number"), _("write for example 12500 or 12500.50"))
    marked = _check_currency(found, currency)
    digits = _plain_digits(found["digits"], decimal, money=not found["scale"] and (money or marked))
    value = Decimal(digits) * _scale(found["scale"])
    return number_from_json(float(-value if found["sign"] in ("-", "−") else value))


def read_headcount(text: str, *, decimal: str | None = None) -> int:
    """How many people: a whole number, or a size band such as `51-200`, `10,000+`, `>1000`.

    A band gives its lower bound: that many they have for sure, so no rule for large companies catches a small
    one. One mark with three digits behind it is a thousand here, whichever mark. Raises BadValueError.
    """
    words = _PEOPLE.sub("", _spaces(text)).strip() if len(text) <= LONGEST else ""
    band = _BAND(words) or _AT_LEAST(words)
    if band is None:
        raise BadValueError(_("this is not a number of people"), _("write for example 250, 51-200 or 10000+"))
    low = int(number_from_json(_headcount(band["low"], decimal)))
    if band.re.groups > 1 and _headcount(band["high"], decimal) < low:
        raise BadValueError(_("the size band ends below its start"))
    return low


def decimal_mark(texts: Iterable[str]) -> str | None:
    """The mark that starts decimals in a column of numbers: "." or ",", None when nothing proves it."""
    marks = set()
    for text in texts:
        found = _AMOUNT(_spaces(text.strip())) if len(text) <= LONGEST else None
        if found is None:
            continue
        digits = found["digits"]
        last = max(digits.rfind("."), digits.rfind(","))
        if last < 0 or digits.strip(" ").count(digits[last]) > 1:
            # Repeated marks can only group, so the other one must be the decimal mark.
            if last >= 0 and (_GROUPED[digits[last]](digits) is not None):
                marks.add("," if digits[last] == "." else ".")
            continue
        other = "," if digits[last] == "." else "."
        if other in digits or len(digits) - last - 1 != 3 or digits.startswith("0"):
            marks.add(digits[last])
    return marks.pop() if len(marks) == 1 else None


def _spaces(text: str) -> str:
    """Every kind of space (no-break, thin) as a plain one."""
    return " ".join(text.split())


def _headcount(text: str, decimal: str | None) -> int:
    text = text.strip()
    thousands = text[-1:] in "kK"
    digits = text[:-1].strip() if thousands else text
    if not thousands and any(grouped(digits) for grouped in _GROUPED.values()):
        return int(re.sub(r"\D", "", digits))
    value = Decimal(_plain_digits(digits, decimal, money=False)) * (1000 if thousands else 1)
    if value != int(value):
        raise BadValueError(_("a number of people is a whole number"))
    return int(value)


def _plain_digits(digits: str, decimal: str | None, money: bool) -> str:
    """The digits with a point for decimals and nothing between thousands."""
    dots, commas = digits.count("."), digits.count(",")
    if not dots and not commas:
        whole, mark, rest = digits, "", ""
    elif dots and commas:
        mark = "." if digits.rfind(".") > digits.rfind(",") else ","
        whole, rest = digits.rsplit(mark, 1)
    elif dots + commas > 1:
        whole, mark, rest = digits, "", ""
    else:
        mark = "." if dots else ","
        whole, rest = digits.rsplit(mark, 1)
        if len(rest) == 3 and _GROUPED[mark](digits) and decimal != mark:
            if decimal is None and not (money and mark == ","):
                raise _ambiguous(whole, rest)
            whole, mark, rest = digits, "", ""
    if mark and not rest.isdigit():
        raise _not_grouped(digits)
    if not whole.isdigit() and not any(grouped(whole) for grouped in _GROUPED.values()):
        raise _not_grouped(digits)
    if mark and mark in whole:
        raise _not_grouped(digits)
    return re.sub(r"\D", "", whole) + ("." + rest if rest else "")


def _ambiguous(whole: str, rest: str) -> BadValueError:
    return BadValueError(
        _("this can be read as {thousands} or as {decimals}").format(
            thousands=whole + rest, decimals=f"{whole}.{rest}".rstrip("0").rstrip(".")
        ),
        _("write it without marks between thousands, or say which mark starts the decimals"),
    )


def _not_grouped(digits: str) -> BadValueError:
    return BadValueError(
        _("the marks in {digits} do not fit one number").format(digits=shorten(digits)),
        _("write for example 12500 or 12500.50"),
    )


def _scale(word: str | None) -> int:
    if word is None:
        return 1
    scale = _SCALES.get(word.rstrip(".").casefold())
    if scale is None:
        raise BadValueError(_("this is not a number"), _("write for example 12500 or 12500.50"))
    return scale


def _check_currency(found: re.Match[str], currency: str | None) -> bool:
    """Whether the amount carries a mark of currency; refuses that of another one."""
    marks = [mark for mark in (found["before"], found["before2"], found["after"]) if mark]
    for mark in marks if currency else ():
        codes = (mark[:2] + "D",) if len(mark) == 3 and mark[2] == "$" else _SIGNS.get(mark, (mark,))
        if currency not in codes:
            raise BadValueError(
                _("this amount is in {mark}, and the policy counts in {currency}").format(
                    mark=mark, currency=currency
                ),
                _("convert it to {currency}").format(currency=currency),
            )
    return bool(marks)
