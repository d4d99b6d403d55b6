"""What does this text or JSON value say, as a value of that field? One pure reader a kind of field."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import idna
from email_validator import EmailNotValidError, validate_email

from leadlane.core.facts import LEAD_FIELDS, FieldSpec, Value
from leadlane.i18n import _
from leadlane.intake import dates
from leadlane.intake.numbers import number_from_json, read_headcount, read_number
from leadlane.intake.places import country_code, language_code
from leadlane.intake.problems import BadValueError, did_you_mean
from leadlane.policy.profile_sites import is_profile_page

LONGEST_TEXT = 1_000
LONGEST_MESSAGE = 10_000
MOST_TAGS = 100


class Reading(NamedTuple):
    """How a source writes its values, where the values alone do not tell.

    `zone`: of local times. `decimal`: the mark that starts decimals, "." or ",". `day_first`: whether
    `03/02/2026` is a day in February. `currency`: the one that amounts must be in. None means unknown.
    """

    zone: tzinfo = UTC
    decimal: str | None = None
    day_first: bool | None = None
    currency: str | None = None


Reader = Callable[[FieldSpec, object, Reading], Value | None]

# Marks that programs leave at the ends of a cell and that nobody can see.
_UNSEEN = "\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u2060\u2066\u2067\u2068\u2069"
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]").search
_NOTHING = frozenset({"", "-", "–", "—", "n/a", "#n/a", "null", "(null)"})
_TRUE = frozenset({"true", "yes", "y", "1", "on", "t"})
_FALSE = frozenset({"false", "no", "n", "0", "off", "f"})
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# The common, plain ASCII address; whatever does not fit goes to the library, which is fifty times slower.
_PLAIN_EMAIL = re.compile(
    rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}"
).fullmatch
_HOST = re.compile(
    rf"(?=.{{4,253}}\Z)(?:{_LABEL}\.)+(?:[A-Za-z]{{2,63}}|[Xx][Nn]--[A-Za-z0-9-]{{1,59}})"
).fullmatch
_TAG_MARKS = (";", "|", ",")
# Fields in which a line break is part of the text; in a name or an address it is damage.
_ONE_LINE = frozenset(LEAD_FIELDS) - {"message"}


def read_value(spec: FieldSpec, raw: object, reading: Reading = Reading()) -> Value | None:
    """`raw` (CSV text or a JSON value) as a value of the field `spec` in its normal form; None when empty.

    Texts are trimmed and NFC; numbers int when whole; tags a tuple. Raises BadValueError.
    """
    if raw is None:
        return None
    return (_BY_NAME.get(spec.name) or _BY_TYPE[spec.type])(spec, raw, reading)


def read_text(raw: object, longest: int = LONGEST_TEXT, *, lines: bool = False) -> str:
    """A text: trimmed, NFC, without control characters, at most `longest` characters; "" when empty.

    Line breaks and tabs are kept where `lines` allows them and refused elsewhere. Raises BadValueError.
    """
    if type(raw) is not str:
        raw = _text_of(raw)
    text = raw.strip()
    if len(text) > longest:
        raise BadValueError(
            _("the text is too long: {length} characters, at most {longest}").format(
                length=len(text), longest=longest
            )
        )
    if text.isascii() and text.isprintable():
        return text
    text = text.strip(_UNSEEN).strip()
    if bad := _NO_TEXT(text):
        raise BadValueError(
            _("control characters do not belong in a text: {character} at position {position}").format(
                character=f"U+{ord(bad[0]):04X}", position=bad.start() + 1
            )
        )
    if not lines and any(mark in text for mark in "\n\r\t"):
        raise BadValueError(_("this field is a single line, without line breaks or tabs"))
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


def _text_of(raw: object) -> str:
    # A phone number or a company called 360 comes as a number from JSON.
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return str(raw)
    raise BadValueError(_("expected a text, not {kind}").format(kind=_kind(raw)))


def _kind(raw: object) -> str:
    if raw is None:
        return _("nothing")
    if isinstance(raw, bool):
        return _("true or false")
    if isinstance(raw, (int, float)):
        return _("a number")
    if isinstance(raw, (list, tuple)):
        return _("a list")
    return _("an object") if isinstance(raw, dict) else _("a text")


def _text(spec: FieldSpec, raw: object, _reading: Reading) -> str | None:
    if type(raw) is str and len(raw) <= LONGEST_TEXT and raw.isascii() and raw.isprintable():
        return raw.strip() or None
    return read_text(raw, lines=spec.name not in _ONE_LINE) or None


def _message(_spec: FieldSpec, raw: object, _reading: Reading) -> str | None:
    return read_text(raw, LONGEST_MESSAGE, lines=True) or None


def _word(raw: object) -> str:
    """A text in which `n/a` and the like stand for nothing."""
    text = read_text(raw)
    return "" if text.casefold() in _NOTHING else text


def _number(spec: FieldSpec, raw: object, reading: Reading) -> int | float | None:
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return number_from_json(raw)
    if not isinstance(raw, str):
        raise BadValueError(_("expected a number, not {kind}").format(kind=_kind(raw)))
    text = _word(raw)
    return read_number(text, decimal=reading.decimal) if text else None


def _money(spec: FieldSpec, raw: object, reading: Reading) -> int | float | None:
    if isinstance(raw, str):
        text = _word(raw)
        value = (
            read_number(text, decimal=reading.decimal, money=True, currency=reading.currency)
            if text
            else None
        )
    else:
        value = _number(spec, raw, reading)
    if value is not None and value < 0:
        raise BadValueError(_("this cannot be negative"))
    return value


def _employees(spec: FieldSpec, raw: object, reading: Reading) -> int | None:
    if isinstance(raw, str):
        text = _word(raw)
        return read_headcount(text, decimal=reading.decimal) if text else None
    value = _number(spec, raw, reading)
    if isinstance(value, float):
        raise BadValueError(_("a number of people is a whole number"))
    if value is not None and value < 0:
        raise BadValueError(_("this cannot be negative"))
    return value


def _boolean(_spec: FieldSpec, raw: object, _reading: Reading) -> bool | None:
    if isinstance(raw, bool):
        return raw
    word = _word(raw).casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    if not word:
        return None
    raise BadValueError(_("this is neither yes nor no"), _("write true or false"))


def _date(_spec: FieldSpec, raw: object, reading: Reading) -> date | None:
    """A day; or an aware moment, where a time of day is given."""
    if not isinstance(raw, str):
        raise BadValueError(_("expected a date as text, not {kind}").format(kind=_kind(raw)))
    text = _word(raw)
    if text and dates.has_time(text):
        return dates.read_datetime(text, reading.zone, day_first=reading.day_first)
    return dates.read_date(text, day_first=reading.day_first) if text else None


def read_moment(raw: object, reading: Reading) -> datetime | None:
    """A moment from text, or from seconds or milliseconds since 1970; aware UTC, None if empty."""
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return dates.moment_from_number(float(number_from_json(raw)))
    if not isinstance(raw, str):
        raise BadValueError(_("expected a date as text, not {kind}").format(kind=_kind(raw)))
    text = _word(raw)
    return dates.read_datetime(text, reading.zone, day_first=reading.day_first) if text else None


def _tags(_spec: FieldSpec, raw: object, _reading: Reading) -> tuple[str, ...] | None:
    return read_list(raw) or None


def read_list(raw: object) -> tuple[str, ...]:
    """Words from a JSON list, or from a text split on `;`, else on `|`, else on `,`; each word once."""
    if isinstance(raw, (list, tuple)):
        parts = list(raw)
    else:
        text = read_text(raw, LONGEST_MESSAGE, lines=True)
        mark = next((mark for mark in _TAG_MARKS if mark in text), None)
        parts = text.split(mark) if mark else [text]
    if len(parts) > MOST_TAGS:
        raise BadValueError(
            _("too many entries: {count}, at most {most}").format(count=len(parts), most=MOST_TAGS)
        )
    words: dict[str, str] = {}
    for word in map(read_text, parts):
        if word:
            words.setdefault(word.casefold(), word)
    return tuple(words.values())


def _choice(spec: FieldSpec, raw: object, _reading: Reading) -> str | None:
    # A choice of numbers or of yes and no is written bare in JSON.
    text = read_text(str(raw).lower() if isinstance(raw, bool) else raw)
    for value in spec.values:
        if value.casefold() == text.casefold():
            return value
    if text.casefold() in _NOTHING:
        return None
    raise BadValueError(
        _("expected one of {values}").format(values=", ".join(spec.values)), did_you_mean(text, spec.values)
    )


def _country(_spec: FieldSpec, raw: object, _reading: Reading) -> str | None:
    text = _word(raw)
    return country_code(text) if text else None


def _language(_spec: FieldSpec, raw: object, _reading: Reading) -> str | None:
    text = _word(raw)
    return language_code(text) if text else None


def _email(_spec: FieldSpec, raw: object, _reading: Reading) -> str | None:
    text = _word(raw)
    # Labels with two hyphens there are encoded words, which need the library's judgement.
    if text and not (_PLAIN_EMAIL(text) and "--" not in text):
        try:
            validate_email(text, check_deliverability=False, test_environment=True, strict=True)
        except EmailNotValidError as error:
            raise BadValueError(_("this is not an e-mail address: {detail}").format(detail=error)) from None
    return text or None


def _company_domain(_spec: FieldSpec, raw: object, _reading: Reading) -> str | None:
    text = _word(raw)
    if not text:
        return None
    host = _host(text)
    # What was sent is kept: cut down to its host it would say that they work for that site.
    return text if is_profile_page(text) else host


@lru_cache(maxsize=4096)
def _host(text: str) -> str:
    """The lower-case host name in a domain, an address of a page, or `@domain`."""
    try:
        host = urlsplit(text if "//" in text else "//" + text.lstrip("@")).hostname or ""
        host = host.rstrip(".").removeprefix("www.")
        ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except (ValueError, UnicodeError):
        ascii_host = ""
    if not _HOST(ascii_host):
        raise BadValueError(_("this is not a domain"), _("write for example northwind.example"))
    return ascii_host


_BY_NAME: dict[str, Reader] = {
    "message": _message,
    "email": _email,
    "country": _country,
    "language": _language,
    "company_domain": _company_domain,
    "employees": _employees,
    "annual_revenue": _money,
    "deal_value": _money,
}
_BY_TYPE: dict[str, Reader] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "tags": _tags,
    "choice": _choice,
}
