"""How could one fact of a lead have been different? Single changes that the policy's conditions suggest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from leadlane.core.conditions import Bounds, Condition, Test, fold, fold_text, tests_of
from leadlane.core.decide import Rulebook
from leadlane.core.facts import DERIVED_FIELDS, INTENTS, LEAD_FIELDS, Lead, Signal
from leadlane.core.match import Match
from leadlane.core.policy import IntentItem, Policy
from leadlane.explain.speech import signal_words, value_words
from leadlane.i18n import N_, _, ngettext
from leadlane.policy.words import field_words

Kind = Literal["field", "signal", "without_signal", "relationship"]

# Stands for every text that no test of the policy mentions: passes none of them.
ANOTHER = "\uffff"
# A change of these would change who the prospect is, not only what is known of them.
_IDENTITY = frozenset({"email", "company", "company_domain", "website", "phone"})

# How far away a change without a measure is; a change of a number is its relative distance, up to 1.
_NUMBER_LEARNED, _MORE_SIGNALS, _OTHER_VALUE, _VALUE_LEARNED = 0.5, 0.6, 0.8, 0.9
_FEWER_SIGNALS, _ANY_OTHER, _FORGOTTEN, _RELATED = 1.0, 1.1, 1.2, 1.3


@dataclass(frozen=True, slots=True)
class Variation:
    """The lead and its match with one fact changed.

    `step` is how far that is, `words` the change as a clause: "If country were Poland".
    """

    kind: Kind
    fact: str
    value: Any
    step: float
    lead: Lead
    match: Match
    words: str


def variations(
    book: Rulebook, lead: Lead, match: Match, now: datetime, deal_value: float | None
) -> Iterator[Variation]:
    """Every single change that the policy's conditions suggest; `deal_value` as given or estimated."""
    yield from _field_variations(book, lead, match, deal_value)
    yield from _signal_variations(book.policy, lead, match, now)
    yield from _relationship_variations(lead, match)


# ---------------------------------------------------------------- fields


def _field_variations(
    book: Rulebook, lead: Lead, match: Match, deal_value: float | None
) -> Iterator[Variation]:
    asked: dict[str, list[Test]] = {}
    for condition in _conditions(book.policy):
        for test in tests_of(condition):
            asked.setdefault(test.field, []).append(test)
    for field, values in _preferred(book).items():
        asked.setdefault(field, []).append(Test(field, "is", tuple(values)))
    folded = fold(lead.fields)
    for field, tests in asked.items():
        if field not in DERIVED_FIELDS and field not in _IDENTITY:
            for value in _candidates(book.policy, field, tests, lead.fields.get(field)):
                if fold({field: value}).get(field) != folded.get(field):
                    assumed = deal_value if field == "deal_value" else None
                    yield _with_field(book.policy, lead, match, field, value, assumed)
    if match.relationship == "none" and "company_domain" in asked and "company_domain" in folded:
        # A company that neither the policy nor the accounts know has no relationship either.
        yield _with_field(book.policy, lead, match, "company_domain", ANOTHER)


def _conditions(policy: Policy) -> Iterator[Condition]:
    for rows in (policy.fit, policy.segments, policy.deal_values, policy.deal_bands, policy.routes):
        yield from (row.when for row in rows)
    yield from (level.when for level in policy.service_levels)


def _preferred(book: Rulebook) -> dict[str, list[str]]:
    """The values of lead fields by which pools prefer people: those that somebody has."""
    found: dict[str, list[str]] = {}
    for bench in book.benches.values():
        for attribute, field in bench.pool.prefer:
            texts = [value for value in bench.having[attribute] if isinstance(value, str)]
            found.setdefault(field, []).extend(sorted(texts))
    return found


def _candidates(policy: Policy, field: str, tests: list[Test], current: Any) -> Iterable[Any]:
    """Values on either side of every test of a field, None for not known; the nearest number of each side."""
    spec = policy.fields.get(field) or LEAD_FIELDS[field]
    match spec.type:
        case "number" | "date":
            values = [value for test in tests if test.op == "range" for value in _around(test.value)]
            values += [value for test in tests if test.op == "is" for value in test.value]
            if spec.type == "number" and all(value >= -1 for value in values):
                # Below the bound 0 there is nothing that a count or an amount could be.
                values = [value for value in values if value >= 0]
        case "boolean":
            values = [True, False]
        case "choice":
            values = list(spec.values)
        case "tags":
            values = [tags for test in tests for tags in _tags(test, current)]
        case _:
            values = [value for test in tests for value in _texts(test)] + [ANOTHER]
    return [*dict.fromkeys(values), *([] if current is None else [None])]


def _around(bounds: Bounds) -> Iterator[Any]:
    """The values nearest to each bound, on either side of it."""
    for bound, inside, outside in (
        (bounds.min, 0, -1),
        (bounds.max, 0, 1),
        (bounds.above, 1, 0),
        (bounds.below, -1, 0),
    ):
        if bound is not None:
            yield _moved(bound, inside)
            yield _moved(bound, outside)


def _moved(bound: Any, steps: int) -> Any:
    if isinstance(bound, datetime):
        return bound + timedelta(minutes=steps)
    if isinstance(bound, date):
        return bound + timedelta(days=steps)
    if isinstance(bound, int):
        return bound + steps
    exact = Decimal(str(bound))
    return float(exact + steps * Decimal(1).scaleb(min(0, int(exact.as_tuple().exponent))))


def _tags(test: Test, current: Any) -> Iterator[tuple[str, ...]]:
    has = tuple(current or ())
    folded = {fold_text(tag) for tag in has}
    named = tuple(str(tag) for tag in test.value or ())
    lacking = tuple(tag for tag in named if fold_text(tag) not in folded)
    if test.op == "any":
        yield from ((*has, tag) for tag in lacking)
    elif test.op == "all" and lacking:
        yield (*has, *lacking)
    without = tuple(tag for tag in has if fold_text(tag) not in {fold_text(name) for name in named})
    if without and len(without) < len(has):
        yield without


def _texts(test: Test) -> tuple[str, ...]:
    match test.op:
        case "is":
            return tuple(str(value) for value in test.value)
        case "starts_with" | "ends_with" | "contains":
            return (str(test.value),)
        case _:
            return ()


def _with_field(
    policy: Policy, lead: Lead, match: Match, field: str, value: Any, assumed: Any = None
) -> Variation:
    """The lead with another value of a field; `assumed` is what an estimate says of a field that it lacks."""
    current = lead.fields.get(field)
    fields = {name: known for name, known in lead.fields.items() if name != field}
    if value is not None:
        fields[field] = value
    words = _field_change(policy, field, value, current, assumed)
    step = _distance(value, current if current is not None else assumed)
    return Variation("field", field, value, step, replace(lead, fields=fields), match, words)


def _distance(value: Any, current: Any) -> float:
    if value is None:
        return _FORGOTTEN
    if value == ANOTHER:
        return _ANY_OTHER
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    if current is None:
        return _NUMBER_LEARNED if numeric else _VALUE_LEARNED
    if numeric:
        return float(abs(value - current) / max(abs(value), abs(current), 1))
    return _OTHER_VALUE


def _field_change(policy: Policy, field: str, value: Any, current: Any, assumed: Any) -> str:
    zone = ZoneInfo(policy.timezone)
    values = {
        "field": field_words(field),
        "new": value_words(field, value, zone, policy.currency),
        "old": value_words(field, assumed if current is None else current, zone, policy.currency),
    }
    if value is None:
        return _("If {field} were not known").format(**values)
    if value == ANOTHER:
        return _("If {field} were one that the policy does not mention").format(**values)
    if current is None and assumed is None:
        return _("If {field} were known to be {new}").format(**values)
    if current is None:
        return _("If {field} were known to be {new}, instead of an estimated {old}").format(**values)
    return _("If {field} were {new} instead of {old}").format(**values)


# ---------------------------------------------------------------- signals


def _signal_variations(policy: Policy, lead: Lead, match: Match, now: datetime) -> Iterator[Variation]:
    oldest = now - timedelta(minutes=policy.counts_for.minutes)
    counts: dict[str, int] = {}
    for signal in lead.signals:
        if signal.at >= oldest:
            name = fold_text(signal.name)
            counts[name] = counts.get(name, 0) + 1
    for item in _items(policy):
        has = counts.get(fold_text(item.signal), 0)
        if has < item.count:
            more = (Signal(item.signal, now),) * (item.count - has)
            changed = replace(lead, signals=(*lead.signals, *more))
            words = _more_signals(item.signal, has, len(more))
            # Who did something once is nearer to doing it again than others are to doing it at all.
            step = _MORE_SIGNALS + (len(more) - 1 - (has > 0)) / 10
            yield Variation("signal", item.signal, len(more), step, changed, match, words)
    listed = {fold_text(item.signal): item.signal for item in _items(policy)}
    for name in sorted(counts.keys() & listed.keys()):
        kept = tuple(signal for signal in lead.signals if fold_text(signal.name) != name)
        words = _("Without the signal {signal}").format(signal=signal_words(listed[name]))
        without = replace(lead, signals=kept)
        yield Variation("without_signal", listed[name], 0, _FEWER_SIGNALS, without, match, words)


def _items(policy: Policy) -> Iterator[IntentItem]:
    for level in INTENTS:
        yield from policy.intent.get(level, ())


def _more_signals(name: str, has: int, more: int) -> str:
    if has == 0 and more == 1:
        return _("If there were also the signal {signal}").format(signal=signal_words(name))
    text = ngettext("If there were {n} more signal {signal}", "If there were {n} more signals {signal}", more)
    return text.format(n=more, signal=signal_words(name))


# ---------------------------------------------------------------- relationship


_RELATIONS: Mapping[str, str] = {
    "open_lead": N_("If somebody were already working a lead of the company"),
    "customer": N_("If the company were a customer"),
    "named_account": N_("If the company were a named account"),
    "account": N_("If the company were a known account, but neither a customer nor named"),
    "none": N_("If the company were none of the known accounts"),
}


def _relationship_variations(lead: Lead, match: Match) -> Iterator[Variation]:
    if match.relationship == "open_lead":
        words = _("If nobody were already working another lead of the company")
        yield _related(lead, without_open_lead(match), words)
        return
    for relationship, words in _RELATIONS.items():
        if relationship != match.relationship:
            account = None if relationship == "none" else match.account
            yield _related(lead, Match(relationship, account), _(words))


def without_open_lead(match: Match) -> Match:
    """What the relationship would be if nobody were working a colleague's lead."""
    account = match.account
    if account is None:
        return Match()
    if account.customer:
        return Match("customer", account)
    return Match("named_account" if account.named else "account", account)


def _related(lead: Lead, match: Match, words: str) -> Variation:
    return Variation("relationship", "relationship", match.relationship, _RELATED, lead, match, words)
