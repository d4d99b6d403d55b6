"""What do the texts of a table say of each lead? Instants, numbers, groups, outcomes; and who is who."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.insight.groups import Codes
from leadlane.insight.leads import LOST, OPEN, WON, Events, Group, Leads, cases_of
from leadlane.intake.columns import header_key
from leadlane.intake.dates import day_first_of, has_time, moment_from_number, read_datetime
from leadlane.intake.numbers import decimal_mark, read_headcount, read_number
from leadlane.intake.problems import BadValueError, shorten
from leadlane.service.auditing.audit_columns import GROUPS, INSTANTS, NUMBERS, is_lost, is_true, is_won
from leadlane.service.auditing.audit_files import Column, Table

# A column is taken for dates without times of day when hardly a cell has one.
_TIMED = 0.05
# A column of the user's own is a grouping when it has so few texts, in so many of the rows.
_OWN_GROUPS, _OWN_FILLED, _MOST_OWN = 12, 0.8, 25
# Where more cases than this begin in somebody's hands, a log does not show when they arrived.
_STARTS_WITH_PEOPLE = 0.2
# Bounds of the classes of company size; those of the policy's examples.
_SIZES = (50, 200, 1000)
_SIZE_NAMES = ("1–49", "50–199", "200–999", "1000+")


@dataclass(frozen=True, slots=True)
class Reading:
    """How the texts are meant: the zone of times without one, the order of day and month, words of outcomes.

    `won` and `lost` are texts (of a stage, or of an activity in a log of events) beside the usual ones,
    `machines` users of a log that are programs.
    """

    zone: ZoneInfo
    day_first: bool | None = None
    decimal: str | None = None
    won: Sequence[str] = ()
    lost: Sequence[str] = ()
    machines: Sequence[str] = ()


@dataclass(slots=True)
class ReadLeads:
    """The leads, sentences on what had to be assumed, and why a role that has a column has no values."""

    leads: Leads
    notes: list[str] = field(default_factory=list)
    useless: dict[str, str] = field(default_factory=dict)


def is_event_log(table: Table) -> bool:
    """Whether rows are events of cases: they have a moment, and cases have several."""
    cases = table.role("id")
    return cases is not None and "event_at" in table.roles and len(cases.texts) < table.count


def leads_of(table: Table, reading: Reading) -> tuple[ReadLeads, Table]:
    """The leads of a table, and the table with one row a lead. LeadlaneError where nothing can be used."""
    if is_event_log(table):
        return _from_events(table, reading)
    notes: list[str] = []
    useless: dict[str, str] = {}
    instants = _instants(table, INSTANTS, reading, notes)
    numbers = _numbers(table, NUMBERS, reading, notes)
    _response_from_minutes(instants, numbers)
    outcome = _outcome(table, instants, reading, useless)
    leads = Leads(
        table.count, instants, numbers, _groups(table, outcome, own=True), outcome, timed=_timed(table)
    )
    return ReadLeads(leads, notes, useless), table


# ---------------------------------------------------------------- logs of events


def _from_events(table: Table, reading: Reading) -> tuple[ReadLeads, Table]:
    notes: list[str] = []
    useless: dict[str, str] = {}
    found = _instants(table, ("event_at",), reading, notes).get("event_at")
    cases = table.role("id")
    if found is None or cases is None:
        raise LeadlaneError(
            _("{file} has no moment that can be read in “{column}”").format(
                file=table.path, column=table.roles["event_at"]
            )
        )
    events, usable = _events(table, cases.codes, found)
    known = cases_of(events, len(cases.texts), reading.machines)
    each = _case_table(table, cases, usable, found)
    instants = _instants(each, ("arrived_at", "won_at", "closed_at"), reading, notes)
    instants.setdefault("arrived_at", known.arrived_at)
    if known.starts_with_people <= _STARTS_WITH_PEOPLE:
        instants["responded_at"] = known.responded_at
    else:
        useless["responded_at"] = _(
            "{share:.0%} of the cases begin in somebody's hands: the log does not show when they arrived"
        ).format(share=known.starts_with_people)
    if known.machines:
        notes.append(
            _("Taken for programs, because they work around the clock on most cases: {names}.").format(
                names=", ".join(known.machines)
            )
        )
    outcome, ended_at = _outcome_of_events(table, cases, found, reading, useless)
    if outcome is not None and "won_at" not in instants:
        instants["closed_at"] = np.fmin(instants.get("closed_at", ended_at), ended_at)
    groups = {**_groups(each, outcome, own=False)}
    if "owner" in table.roles:
        groups["owner"] = Group("owner", table.roles["owner"], known.owner, events.people, "last")
    numbers = _numbers(each, ("deal_value",), reading, notes)
    leads = Leads(
        len(cases.texts), instants, numbers, groups, outcome, None, known.handling, frozenset(INSTANTS)
    )
    said = ngettext("{n} event of {cases} cases", "{n} events of {cases} cases", table.count)
    notes.insert(
        0, said.format(n=f"{table.count:,}", cases=f"{leads.count:,}") + f" ({Path(table.path).name})"
    )
    return ReadLeads(leads, notes, useless), each


def _events(table: Table, case: Codes, at: NDArray[np.float64]) -> tuple[Events, NDArray[np.bool_]]:
    usable = (case >= 0) & ~np.isnan(at)
    person, team = table.role("owner"), table.role("team")
    return (
        Events(
            case[usable],
            at[usable],
            np.full(int(usable.sum()), -1, dtype=np.int32) if person is None else person.codes[usable],
            () if person is None else person.texts,
            None if team is None else team.codes[usable],
            () if team is None else team.texts,
        ),
        usable,
    )


def _case_table(table: Table, cases: Column, usable: NDArray[np.bool_], at: NDArray[np.float64]) -> Table:
    """One row a case: of each column the first text that it has."""
    order = np.flatnonzero(usable)[np.argsort(at[usable], kind="stable")][::-1]
    columns = {}
    for header, column in table.columns.items():
        known = order[column.codes[order] >= 0]
        first = np.full(len(cases.texts), -1, dtype=np.int32)
        first[cases.codes[known]] = column.codes[known]
        columns[header] = Column(first, column.texts)
    roles = {role: header for role, header in table.roles.items() if role not in ("event_at", "activity")}
    return Table(table.path, len(cases.texts), columns, roles, {}, table.notes)


def _outcome_of_events(
    table: Table, cases: Column, at: NDArray[np.float64], reading: Reading, useless: dict[str, str]
) -> tuple[NDArray[np.int8] | None, NDArray[np.float64]]:
    """The outcome of each case and when it was first said: won by an event that says so, else lost by one."""
    outcome = np.full(len(cases.texts), OPEN, dtype=np.int8)
    ended_at = np.full(len(cases.texts), np.nan)
    for role in ("activity", "outcome"):
        if (column := table.role(role)) is None:
            continue
        words = _outcome_words(column.texts, reading)
        of_event = np.where(column.codes >= 0, words[column.codes], OPEN)
        for verdict in (LOST, WON):
            telling = (of_event == verdict) & (cases.codes >= 0)
            which = cases.codes[telling]
            outcome[which] = verdict
            ended_at[which] = np.nan
            np.fmin.at(ended_at, which, at[telling])
    if (outcome == OPEN).all():
        useless["outcome"] = _("no event says won or lost; name those that do with --won and --lost")
        return None, ended_at
    return outcome, ended_at


# ---------------------------------------------------------------- instants and numbers


def _instants(
    table: Table, roles: Iterable[str], reading: Reading, notes: list[str]
) -> dict[str, NDArray[np.float64]]:
    present = {role: column for role in roles if (column := table.role(role)) is not None}
    day_first = reading.day_first
    if day_first is None:
        day_first = day_first_of(text for column in present.values() for text in column.texts)

    def seconds(text: str) -> float:
        return _seconds(text, reading.zone, day_first)

    return _read_all(table, present, seconds, notes)


def _seconds(text: str, zone: tzinfo, day_first: bool | None) -> float:
    if text.replace(".", "", 1).isdecimal() and len(text.partition(".")[0]) in (10, 13):
        return moment_from_number(float(text)).timestamp()
    return read_datetime(text, zone, day_first=day_first).timestamp()


def _numbers(
    table: Table, roles: Iterable[str], reading: Reading, notes: list[str]
) -> dict[str, NDArray[np.float64]]:
    found: dict[str, NDArray[np.float64]] = {}
    for role in roles:
        if (column := table.role(role)) is None:
            continue
        mark = reading.decimal or decimal_mark(column.texts)

        def number(text: str, mark: str | None = mark, role: str = role) -> float:
            return float(read_number(text, decimal=mark, money=role == "deal_value"))

        found |= _read_all(table, {role: column}, number, notes)
    return found


def _read_all(
    table: Table, columns: dict[str, Column], read: Callable[[str], float], notes: list[str]
) -> dict[str, NDArray[np.float64]]:
    """The values of columns; a column none of whose texts can be read is left out, and a note says so."""
    found = {}
    for role, column in columns.items():
        values, problem, unread = _values(column, read)
        if problem:
            said = ngettext(
                "“{column}”: {n} row has a value that cannot be read and counts as empty: {problem}",
                "“{column}”: {n} rows have a value that cannot be read and count as empty: {problem}",
                unread,
            )
            notes.append(said.format(column=table.roles[role], n=f"{unread:,}", problem=problem))
        if not np.isnan(values).all():
            found[role] = values
    return found


def _values(column: Column, read: Callable[[str], float]) -> tuple[NDArray[np.float64], str, int]:
    """The values of the rows, and, where some cannot be read: the first of them with the reason, how many."""
    of_text = np.full(len(column.texts) + 1, np.nan)
    problem = ""
    for number, text in enumerate(column.texts):
        try:
            of_text[number] = read(text)
        except BadValueError as error:
            problem = problem or f"“{shorten(text)}”: {error}"
    values = of_text[column.codes]
    return values, problem, int((np.isnan(values) & (column.codes >= 0)).sum())


def _timed(table: Table) -> frozenset[str]:
    """The instants whose columns have times of day."""
    timed = set()
    for role in INSTANTS:
        column = table.role(role)
        if column is not None and column.texts:
            texts = column.texts[:2000]
            if sum(has_time(text[:60]) or text.isdecimal() for text in texts) > _TIMED * len(texts):
                timed.add(role)
    if "response_minutes" in table.roles:
        timed.add("responded_at")
    return frozenset(timed)


def _response_from_minutes(
    instants: dict[str, NDArray[np.float64]], numbers: dict[str, NDArray[np.float64]]
) -> None:
    """Where the response is given as minutes, it is so long after the arrival."""
    minutes = numbers.pop("response_minutes", None)
    if minutes is not None and "arrived_at" in instants and "responded_at" not in instants:
        instants["responded_at"] = instants["arrived_at"] + 60 * minutes


# ---------------------------------------------------------------- outcomes and groups


def _outcome(
    table: Table, instants: dict[str, NDArray[np.float64]], reading: Reading, useless: dict[str, str]
) -> NDArray[np.int8] | None:
    """Won, lost or open: by the stage, else by a column that says yes, else by the date of the win."""
    stage, flag = table.role("outcome"), table.role("is_won")
    if stage is not None:
        words = _outcome_words(stage.texts, reading)
        if (words != OPEN).any():
            return np.where(stage.codes >= 0, words[stage.codes], OPEN).astype(np.int8)
        useless["outcome"] = _("no text of “{column}” reads as won or lost; name those with --won").format(
            column=table.roles["outcome"]
        )
    if flag is not None:
        yes = np.array([*(WON if is_true(text) else OPEN for text in flag.texts), OPEN], dtype=np.int8)
        useless.pop("outcome", None)
        return yes[flag.codes]
    if "won_at" in instants:
        useless.pop("outcome", None)
        return np.where(np.isnan(instants["won_at"]), OPEN, WON).astype(np.int8)
    return None


def _outcome_words(texts: Sequence[str], reading: Reading) -> NDArray[np.int8]:
    """WON, LOST or OPEN for each text, and OPEN for the code -1."""
    won, lost = ({header_key(word) for word in words} for words in (reading.won, reading.lost))

    def verdict(text: str) -> int:
        key = header_key(text)
        if key in won or key in lost:
            return WON if key in won else LOST
        if won:
            # Whoever names what is won means these and no others.
            return LOST if not lost and is_lost(text) else OPEN
        return WON if is_won(text) else LOST if is_lost(text) else OPEN

    return np.array([*map(verdict, texts), OPEN], dtype=np.int8)


def _groups(table: Table, outcome: NDArray[np.int8] | None, *, own: bool) -> dict[str, Group]:
    """The groupings by role, and, of the user's own columns (by their names), those that group the leads."""
    found = {
        role: _group(role, table.roles[role], column, outcome)
        for role in GROUPS
        if (column := table.role(role)) is not None and column.texts
    }
    if not own:
        return found
    used = set(table.roles.values())
    for header, column in table.columns.items():
        if header in used or not 2 <= len(column.texts) <= _OWN_GROUPS or len(found) > _MOST_OWN:
            continue
        if (column.codes >= 0).mean() >= _OWN_FILLED:
            found[header] = _group("", header, column, outcome)
    return found


def _group(role: str, header: str, column: Column, outcome: NDArray[np.int8] | None) -> Group:
    codes, names = column.codes, column.texts
    if role == "employees" and (sizes := _sizes(column)) is not None:
        codes, names = sizes, _SIZE_NAMES
    return Group(role, header, codes, names, "won" if _is_known_by_outcome(codes, outcome) else "")


def _sizes(column: Column) -> Codes | None:
    """The class of company size of each row; None where the texts are no numbers of people."""
    values, _problem, unread = _values(column, lambda text: float(read_headcount(text)))
    if unread > 0.2 * (column.codes >= 0).sum():
        return None
    return np.where(np.isnan(values), -1, np.searchsorted(_SIZES, values, side="right")).astype(np.int32)


def _is_known_by_outcome(codes: Codes, outcome: NDArray[np.int8] | None) -> bool:
    """Whether hardly any but won leads have a value: then it is written down because they were won."""
    if outcome is None:
        return False
    known = codes >= 0
    if known.all() or not known.any():
        return False
    won = outcome == WON
    return bool(won[known].mean() >= 0.95 and won[~known].mean() < 0.5)
