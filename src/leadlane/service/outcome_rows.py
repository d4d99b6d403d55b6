"""What does a row of a CRM's export say of how a lead ended? Its clues, its outcome, its value, its date."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from leadlane.core.facts import FieldSpec, Value
from leadlane.i18n import _
from leadlane.intake import columns
from leadlane.intake.columns import header_key
from leadlane.intake.problems import BadValueError, Problem, shorten
from leadlane.intake.values import Reading, read_list, read_moment, read_text, read_value
from leadlane.service.auditing.audit_columns import NAMES as AUDITED
from leadlane.service.auditing.audit_columns import is_lost, is_true, is_won, ranked
from leadlane.service.late_outcomes import Said, day_ended

# docs/outcomes.md shows this table.
NAMES: Mapping[str, tuple[str, ...]] = {
    "lead": (
        *("Lead ID", "Converted Lead ID", "Associated Contact IDs", "Associated Contact ID", "Contact ID"),
        *("MQL ID", "Record ID", "hs_object_id", "id"),
    ),
    "email": (*columns.ALIASES["email"], "Contact Email", "Associated Contact Email", "Associated Contact"),
    "company_domain": (
        *columns.ALIASES["company_domain"], "Website", "Website URL", "Associated Company Domain",
    ),
    "outcome": AUDITED["outcome"],
    "is_won": AUDITED["is_won"],
    "is_closed": ("Closed", "IsClosed", "Is Closed", "Is Deal Closed?"),
    "value": (
        *(*AUDITED["deal_value"], "Won Amount", "Closed Amount"),
        *("Betrag", "Importo", "Kwota"),
    ),
    "currency": (
        *("Amount Currency", "Deal Currency", "Opportunity Currency", "Currency", "Currency ISO Code"),
        *("CurrencyIsoCode", "deal_currency_code", "Währung", "Valuta", "Waluta"),
    ),
    "closed_at": (
        *AUDITED["closed_at"],
        *("Abschlussdatum", "Schlusstermin", "Data di chiusura", "Data chiusura", "Data zamknięcia"),
    ),
    "won_at": AUDITED["won_at"],
    "reason": ("Closed Lost Reason", "Closed Won Reason", "Loss Reason", "Lost Reason"),
}  # fmt: skip
VOCABULARY = ranked(NAMES)
# Without one of these a file says of no lead how it ended.
SAYING = frozenset(("outcome", "is_won", "won_at"))
NAMING = frozenset(("lead", "email", "company_domain"))

_WORDS = {
    "unqualified": "unqualified", "disqualified": "unqualified", "notqualified": "unqualified",
    "junk": "junk", "spam": "junk", "invalid": "junk", "fake": "junk", "test": "junk",
    "duplicate": "duplicate", "duplikat": "duplicate", "duplicato": "duplicate",
}  # fmt: skip
# What HubSpot writes into a cell that is empty.
_NO_VALUE = "(no value)"
_VALUE, _DAY = FieldSpec("deal_value", "number"), FieldSpec("closed_at", "date")
_CODE = re.compile("[A-Z]{3}").fullmatch
_ADDRESS = re.compile(r"[^\s()<>\[\];,:]+@[^\s()<>\[\];,:]+")


@dataclass(frozen=True, slots=True)
class OutcomeReading:
    """How cells are meant: zone, marks and currency, and texts that mean an end beside the usual ones."""

    values: Reading
    zone: ZoneInfo
    now: datetime
    words: Mapping[str, str] = field(default_factory=dict)


def own_words(won: Collection[str], lost: Collection[str]) -> dict[str, str]:
    """Texts of a stage or status that a user names, by the outcome they mean."""
    return {header_key(text): outcome for outcome, texts in (("lost", lost), ("won", won)) for text in texts}


def outcome_of(text: str, words: Mapping[str, str]) -> str:
    """The outcome that a stage or status means, "" for one that ends nothing: `Closed Won` → won."""
    key = header_key(text)
    if known := words.get(key) or _WORDS.get(key):
        return known
    return "won" if is_won(text) else "lost" if is_lost(text) else ""


def filled(raw: Mapping[str, object]) -> dict[str, object]:
    """The cells of a row without those that say that they are empty."""
    return {
        name: sent
        for name, sent in raw.items()
        if not (isinstance(sent, str) and sent.strip().casefold() == _NO_VALUE)
    }


def read_row(raw: Mapping[str, object], reading: OutcomeReading) -> tuple[Said | None, list[Problem]]:
    """What a row says, or None where it says that nothing has ended; with what cannot be read of it."""
    cells = _Cells(raw, reading)
    outcome = cells.outcome()
    if not outcome:
        return None, cells.problems
    closed_at, day_began = cells.ended_at(
        "won_at" if outcome == "won" and cells.text("won_at") else "closed_at"
    )
    said = Said(
        outcome=outcome,
        ids=cells.ids(),
        email=cells.email(),
        domain=cells.text("company_domain"),
        value=cells.value(),
        closed_at=closed_at,
        day_began=day_began,
        reason=cells.text("reason", lines=True),
    )
    return said, cells.problems


@dataclass(slots=True)
class _Cells:
    """A row by what its cells hold, and what is wrong with it so far."""

    raw: Mapping[str, object]
    reading: OutcomeReading
    problems: list[Problem] = field(default_factory=list)

    def text(self, name: str, *, lines: bool = False) -> str:
        sent = self.raw.get(name)
        if sent is None or isinstance(sent, bool):
            return "" if sent is None else str(sent)
        try:
            return read_text(sent, lines=lines)
        except BadValueError as error:
            return self._refuse(name, error)

    def outcome(self) -> str:
        """By the stage; where that ends nothing by a column that says yes, else by the date of the win."""
        if named := outcome_of(self.text("outcome"), self.reading.words):
            return named
        if is_true(self.text("is_won")):
            return "won"
        if self.text("is_won") and is_true(self.text("is_closed")):
            return "lost"
        has_stage = bool(self.text("outcome") or self.text("is_won"))
        return "won" if self.text("won_at") and not has_stage else ""

    def ids(self) -> tuple[str, ...]:
        """The ids of a cell; CRMs list several contacts of a deal in one."""
        sent = self.raw.get("lead")
        if isinstance(sent, int | float) and not isinstance(sent, bool):
            return (f"{sent:.0f}",)
        try:
            several = read_list(sent) if sent else ()
        except BadValueError as error:
            self._refuse("lead", error)
            return ()
        # An id may have a comma of its own.
        return tuple(dict.fromkeys((*([self.text("lead")] if isinstance(sent, str) else []), *several)))

    def email(self) -> str:
        """The address in a cell, also as in `Jo Licht (jo@umbra.example)`; of several nobody's."""
        found = _ADDRESS.findall(self.text("email"))
        return found[0] if len(set(found)) == 1 else ""

    def value(self) -> float | None:
        value = self._read("value", _VALUE)
        ours, theirs = self.reading.values.currency, self.text("currency").upper()
        # A code, and no words such as “US dollar”, of which nobody can say that they are another.
        if value and ours and _CODE(theirs) and theirs != ours:
            reason = _("this amount is in {mark}, and the policy counts in {currency}")
            error = BadValueError(
                reason.format(mark=theirs, currency=ours),
                _("convert it to {currency}").format(currency=ours),
            )
            self._refuse("value", error)
            return None
        return float(value) if isinstance(value, int | float) else None

    def ended_at(self, name: str) -> tuple[datetime | None, datetime | None]:
        """The moment in a cell; of a day alone also when it began."""
        sent = self.raw.get(name)
        is_number = isinstance(sent, int | float) or (isinstance(sent, str) and sent.strip().isdecimal())
        if is_number:
            return self._moment(name, sent), None
        day = self._read(name, _DAY)
        if isinstance(day, datetime) or not isinstance(day, date):
            return (day if isinstance(day, datetime) else None), None
        try:
            return day_ended(day, self.reading.zone, self.reading.now)
        except OverflowError:  # 9999-12-31: a day that some time zone has no date for
            self._refuse(name, BadValueError(_("this moment cannot be told in every time zone")))
            return None, None

    def _moment(self, name: str, sent: object) -> datetime | None:
        try:
            return read_moment(sent, self.reading.values)
        except BadValueError as error:
            self._refuse(name, error)
            return None

    def _read(self, name: str, spec: FieldSpec) -> Value | None:
        try:
            return read_value(spec, self.raw.get(name), self.reading.values)
        except BadValueError as error:
            self._refuse(name, error)
            return None

    def _refuse(self, name: str, error: BadValueError) -> str:
        self.problems.append(Problem(name, shorten(self.raw.get(name)), error.reason, error.suggestion))
        return ""
