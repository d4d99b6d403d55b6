"""What should be changed after a quarter? Findings of all reports, ranked, with their proposals tried out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from leadlane.core.policy import Policy
from leadlane.core.rulebook import Rulebook
from leadlane.errors import LeadlaneError
from leadlane.explain.hours import hours_words
from leadlane.i18n import _
from leadlane.insight.costs import Factor, Given
from leadlane.insight.findings import Finding, Proposal, levels, ranked, settled
from leadlane.policy.check import check_against
from leadlane.policy.diff import diff
from leadlane.policy.edit import EditError, edited
from leadlane.policy.hours import weekly_hours
from leadlane.policy.load import read_policy
from leadlane.policy.problems import PolicyErrors, has_errors
from leadlane.policy.roster import RosterDocument, check_roster
from leadlane.policy.words import field_words
from leadlane.service.deciding_again import Side
from leadlane.service.plain import plain, unplain
from leadlane.service.quarterly.findings_balance import balance_findings
from leadlane.service.quarterly.findings_capacity import capacity_findings
from leadlane.service.quarterly.findings_conversion import conversion_findings
from leadlane.service.quarterly.findings_promises import promise_findings
from leadlane.service.quarterly.findings_rules import rule_findings
from leadlane.service.quarterly.past_period import PastPeriod, decide_period
from leadlane.service.quarterly.review_basis import Basis, basis
from leadlane.service.reporting.periods import Span, report_period
from leadlane.service.roster_text import edited_roster, roster_text

# Proposals beyond these, which promise least, are not decided again: each takes as long as the first.
MOST_TRIED = 12
_CONTEXT_LINES = 2
Source = Callable[[Basis], list[Finding]]
COMPARING: Sequence[Source] = (conversion_findings, promise_findings, capacity_findings, rule_findings)
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Tried:
    """A proposal, made in the texts and looked at.

    `words` are the differences in words, `lines` the unified difference of the YAML. `policy` and `roster`
    are the changed texts, whole; None where nothing changes. `refused`: why it cannot be made, "" if it can.
    `warnings` of the check are those that the change brings. `past`: what it would have changed in the
    period; None where it was not decided again.
    """

    words: Sequence[str]
    lines: Sequence[str]
    policy: str | None
    roster: str | None
    warnings: Sequence[str] = ()
    refused: str = ""
    past: PastPeriod | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A finding, and its proposal tried out; None without a proposal."""

    finding: Finding
    tried: Tried | None


@dataclass(frozen=True, slots=True)
class Quarterly:
    """The review of a period: its findings, the most expected money first.

    `leads` arrived in it (junk and duplicates left out), `decided` of them were won or lost by now. `version`
    is the policy it was made under. `cannot` says what could not be looked at, and why. `assumptions` are all
    that money was reckoned from.
    """

    name: str
    since: datetime
    until: datetime
    made_at: datetime
    version: str
    currency: str
    leads: int
    decided: int
    won: int
    items: Sequence[Item]
    cannot: Sequence[str]
    assumptions: Sequence[Factor]


def quarterly(
    connection: Connection,
    book: Rulebook,
    period: Span,
    name: str,
    now: datetime,
    report: Report,
    given: Given | None = None,
) -> Quarterly:
    """The review of a period. It may take a minute; `report` hears how much is done, and of how much.

    `given` replaces assumptions, by name: low, middle, high.
    """
    ground = basis(connection, book, period, now, given)
    findings, cannot = _findings(ground)
    tried = {one.key: _try(ground, one.proposal) for one in findings if one.proposal is not None}
    past = _decide_again(ground, book.policy, findings, tried, report)
    items = [Item(one, _with_past(tried.get(one.key), past.get(one.key))) for one in findings]
    leads = ground.leads
    decided, won = leads.decided, leads.won
    return Quarterly(
        name,
        period.since,
        period.until,
        now,
        book.policy.version,
        book.policy.currency,
        leads.count,
        0 if decided is None else int(decided.sum()),
        0 if won is None else int(won.sum()),
        items,
        cannot,
        [ground.value if one.name == "deal_value" else one for one in ground.assumed.values()],
    )


def as_json(made: Quarterly) -> Any:
    """The review as plain data."""
    return plain(made)


def read_quarterly(raw: Any) -> Quarterly:
    """The review from plain data."""
    return unplain(Quarterly, raw)


def review_period(name: str | None, book: Rulebook, now: datetime) -> tuple[str, Span]:
    """The period that is meant, with its name as it is kept (`2026Q1`); without one, the last full quarter.

    PeriodError for what is none, or has not begun.
    """
    name = name.strip() if name else last_quarter(now.astimezone(book.zone))
    if quarter := re.fullmatch(r"([0-9]{4})-?[Qq]([1-4])", name):
        name = f"{quarter[1]}Q{quarter[2]}"
    return name, report_period(name, None, None, book.zone, now)


def last_quarter(now: datetime) -> str:
    """The quarter before the one of a moment: `2026Q1`."""
    quarter = (now.month - 1) // 3
    return f"{now.year}Q{quarter}" if quarter else f"{now.year - 1}Q4"


# ---------------------------------------------------------------- findings


def _findings(ground: Basis) -> tuple[list[Finding], list[str]]:
    """All that is found, ranked, and what could not be looked at.

    What may be claimed is known when everything was compared; then what rests on claims is found by these.
    """
    found, cannot = _found(ground, COMPARING)
    level = levels(found.values())
    claimed = ground.claiming(level)
    if len(claimed.conversion.moves) < len(ground.conversion.moves) or claimed.effect is not ground.effect:
        found, cannot = _found(claimed, COMPARING)
    more, cannot_more = _found(claimed, (balance_findings,))
    return _once(ranked(settled((found | more).values(), level))), [*cannot, *cannot_more]


def _found(ground: Basis, sources: Sequence[Source]) -> tuple[dict[str, Finding], list[str]]:
    """What sources find, by key, and what could not be looked at."""
    found: dict[str, Finding] = {}
    cannot = []
    for source in sources:
        try:
            # Figures of numpy become plain ones: verdicts store them.
            found |= {one.key: unplain(Finding, plain(one)) for one in source(ground)}
        except LeadlaneError as error:
            cannot.append(f"{error.message} {error.hint}".strip())
    return found, cannot


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """Of findings that propose the very same change, the one that is worth most."""
    kept: dict[str, Finding] = {}
    for one in findings:
        proposal = one.proposal
        same = one.key if proposal is None else repr((proposal.policy, proposal.roster))
        kept.setdefault(same, one)
    return list(kept.values())


# ---------------------------------------------------------------- proposals


def _try(ground: Basis, proposal: Proposal) -> Tried:
    """The proposal made in the texts of policy and roster, and checked as files of users are."""
    try:
        policy_text = edited(ground.text, proposal.policy) if proposal.policy else None
        document = edited_roster(ground.roster, proposal.roster) if proposal.roster else ground.roster
        policy, warnings = _checked(ground, policy_text or ground.text, document)
    except EditError as error:
        return Tried((), (), None, None, refused=f"{error.message} {error.hint}".strip())
    except PolicyErrors as error:
        return Tried((), (), None, None, refused=error.message)
    before, after = roster_text(ground.roster), roster_text(document)
    words = [*diff(ground.book.policy, policy), *roster_words(ground.roster, document)]
    lines = [*_lines("policy.yaml", ground.text, policy_text or ground.text)]
    lines += _lines("roster.yaml", before, after)
    return Tried(words, lines, policy_text, after if proposal.roster else None, warnings)


def _checked(ground: Basis, text: str, document: RosterDocument) -> tuple[Policy, list[str]]:
    """The policy of a text, and the warnings that are new with it. PolicyErrors if it has errors."""

    def problems_of(some: str, people: RosterDocument) -> tuple[Policy | None, Any]:
        policy, problems = read_policy(some, "policy.yaml")
        if policy is not None:
            problems = [*problems, *check_roster(people, "roster.yaml")]
            if not has_errors(problems) and people.people:
                problems += check_against(policy, people, some, "policy.yaml")
        return policy, problems

    policy, problems = problems_of(text, document)
    if policy is None or has_errors(problems):
        raise PolicyErrors(problems)
    known = {problem.message for problem in problems_of(ground.text, ground.roster)[1]}
    return policy, [problem.message for problem in problems if problem.message not in known]


def _lines(name: str, before: str, after: str) -> list[str]:
    return list(
        difflib.unified_diff(
            before.splitlines(), after.splitlines(), name, name, lineterm="", n=_CONTEXT_LINES
        )
    )


def roster_words(before: RosterDocument, after: RosterDocument) -> list[str]:
    """What differs of people and teams, in words; one sentence for each property."""
    said = []
    for old, new in ((before.people, after.people), (before.teams, after.teams)):
        for id_ in new:
            was: Mapping[str, Any] = old.get(id_, {})
            for key in dict.fromkeys([*was, *new[id_]]):
                if was.get(key) != new[id_].get(key):
                    text = _("{name}: {label} {old} → {new}")
                    name = str(new[id_].get("name") or id_)
                    values = (_value_words(was.get(key)), _value_words(new[id_].get(key)))
                    said.append(text.format(name=name, label=field_words(key), old=values[0], new=values[1]))
    return said


def _value_words(value: Any) -> str:
    if value is None or value == []:
        return "–"
    if isinstance(value, Mapping):
        return hours_words(weekly_hours(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


# ---------------------------------------------------------------- decided again


def _decide_again(
    ground: Basis, base: Policy, findings: Sequence[Finding], tried: Mapping[str, Tried], report: Report
) -> dict[str, PastPeriod]:
    """The leads of the period under each proposal, in the order of findings, as far as there is time."""
    sides: dict[str, Side] = {}
    for one in findings:
        made = tried.get(one.key)
        if made is None or made.refused or one.proposal is None or one.proposal.is_ahead:
            continue
        if len(sides) == MOST_TRIED:
            break
        policy = base if made.policy is None else read_policy(made.policy)[0]
        assert policy is not None  # it was checked when it was tried
        sides[one.key] = Side(policy, one.proposal.roster)
    return decide_period(
        ground.connection, Side(base), sides, ground.period.since, ground.period.until, report
    )


def _with_past(tried: Tried | None, past: PastPeriod | None) -> Tried | None:
    return None if tried is None else replace(tried, past=past)
