"""How does a policy read in plain language? Words for its parts, and the whole as sections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import groupby
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from leadlane.core.conditions import All, Any_, Bounds, Condition, Not, Test
from leadlane.core.facts import INTENTS, WeeklyHours
from leadlane.core.policy import ChaseStep, Duration, IntentItem, Policy, Pool, Route
from leadlane.i18n import N_, _, current_language, ngettext


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a policy in words, for a terminal or a page: a heading, lines, and a table (may be empty)."""

    heading: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


_FIELD_WORDS = {
    "email": N_("e-mail"),
    "first_name": N_("first name"),
    "last_name": N_("last name"),
    "title": N_("title"),
    "phone": N_("phone"),
    "company": N_("company"),
    "company_domain": N_("company domain"),
    "website": N_("website"),
    "country": N_("country"),
    "region": N_("region"),
    "city": N_("city"),
    "language": N_("language"),
    "industry": N_("industry"),
    "employees": N_("employees"),
    "annual_revenue": N_("annual revenue"),
    "tech_stack": N_("technology"),
    "source": N_("source"),
    "campaign": N_("campaign"),
    "product": N_("product"),
    "deal_value": N_("deal value"),
    "referral": N_("referral"),
    "message": N_("message"),
    "intent": N_("intent"),
    "fit": N_("fit"),
    "fit_score": N_("fit score"),
    "signal": N_("signal"),
    "segment": N_("segment"),
    "team": N_("team"),
    "deal_band": N_("deal band"),
    "relationship": N_("relationship"),
    "id": N_("id"),
    "name": N_("name"),
    "role": N_("role"),
    "level": N_("level"),
    "teams": N_("teams"),
    "timezone": N_("time zone"),
    "languages": N_("languages"),
    "industries": N_("industries"),
    "weight": N_("weight"),
    "max_open": N_("most open leads"),
    "per_day": N_("most leads a day"),
    "backup": N_("backup"),
    "manager": N_("manager"),
    "channels": N_("channels"),
    "active": N_("active"),
}
_VALUE_WORDS = {
    ("intent", "high"): N_("high"),
    ("intent", "medium"): N_("medium"),
    ("intent", "low"): N_("low"),
    ("fit", "strong"): N_("strong"),
    ("fit", "weak"): N_("weak"),
    ("relationship", "open_lead"): N_("open lead"),
    ("relationship", "customer"): N_("customer"),
    ("relationship", "named_account"): N_("named account"),
    ("relationship", "account"): N_("known account"),
    ("relationship", "none"): N_("none"),
}


# ---------------------------------------------------------------- small things


def _locale() -> Locale:
    return _locale_of(current_language())


@cache
def _locale_of(code: str) -> Locale:
    # British English is the English of these texts: "a, b and c".
    return Locale.parse("en_GB" if code == "en" else code)


def and_words(texts: Iterable[str]) -> str:
    """`a, b and c`."""
    return format_list(list(texts), style="standard", locale=_locale())


def or_words(texts: Iterable[str]) -> str:
    """`a, b or c`."""
    return format_list(list(texts), style="or", locale=_locale())


def number_words(number: float) -> str:
    """`1,000`, as the reader's language writes numbers."""
    return format_decimal(number, locale=_locale(), decimal_quantization=False)


def percent_words(share: float) -> str:
    """`98.5%`, as the reader's language writes a share of 0 to 1; as exact as it is, to a hundredth."""
    return format_percent(share, format="#,##0.##%", locale=_locale())


def field_words(name: str) -> str:
    """A field as people call it: `company domain`."""
    known = _FIELD_WORDS.get(name)
    return _(known) if known else name.replace("_", " ")


def value_words(field: str, value: Any) -> str:
    """A value of a field as people call it: `Germany` for the country DE."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, (int, float)):
        return number_words(value)
    if isinstance(value, datetime):
        return format_datetime(value, "medium", locale=_locale())
    if isinstance(value, date):
        return day_words(value)
    text = str(value)
    if known := _VALUE_WORDS.get((field, text.strip().lower())):
        return _(known)
    if field == "signal":
        return text.replace("_", " ")
    if field == "country":
        return str(_locale().territories.get(text.strip().upper(), text))
    if field in ("language", "languages"):
        return str(_locale().languages.get(text.strip().lower(), text))
    return text


def day_words(day: date) -> str:
    """`2 Mar 2026`."""
    return format_date(day, "medium", locale=_locale())


def duration_words(duration: Duration) -> str:
    """`15 business minutes`, `1 day`."""
    n = duration.amount
    match duration.unit, duration.business:
        case "minutes", False:
            text = ngettext("{n} minute", "{n} minutes", n)
        case "hours", False:
            text = ngettext("{n} hour", "{n} hours", n)
        case "days", False:
            text = ngettext("{n} day", "{n} days", n)
        case "minutes", _business:
            text = ngettext("{n} business minute", "{n} business minutes", n)
        case "hours", _business:
            text = ngettext("{n} business hour", "{n} business hours", n)
        case _days:
            text = ngettext("{n} business day", "{n} business days", n)
    return text.format(n=number_words(n))


# ---------------------------------------------------------------- conditions


def condition_words(condition: Condition) -> str:
    """`country is Germany, Austria or Switzerland and employees at least 1,000`; `always` without a test."""
    match condition:
        case Test():
            return test_words(condition)
        case All((part,)) | Any_((part,)):
            return condition_words(part)
        case All(parts):
            return and_words(_inside(part, Any_) for part in parts) if parts else _("always")
        case Any_(parts):
            return or_words(_inside(part, All) for part in parts)
        case Not(part):
            return _("not ({condition})").format(condition=condition_words(part))


def _inside(part: Condition, ambiguous: type[All] | type[Any_]) -> str:
    """A part, in brackets where `and` and `or` could be mistaken."""
    words = condition_words(part)
    return f"({words})" if isinstance(part, ambiguous) and len(part.parts) > 1 else words


def test_words(test: Test) -> str:
    """`industry is fintech or banking`, `employees at least 200`."""
    field = field_words(test.field)
    match test.op:
        case "missing":
            return _("{field} is not known").format(field=field)
        case "present":
            return _("{field} is known").format(field=field)
        case "range":
            text = _range_words(field, test.field, test.value)
            return _("not {test}").format(test=text) if test.negated else text
        case "is":
            return _is_words(field, test)
        case "any" | "all" | "none":
            return _tags_words(field, test)
    return _text_words(field, test)


test_words.__test__ = False  # type: ignore[attr-defined] # no test case, whatever pytest thinks of the name


def _is_words(field: str, test: Test) -> str:
    values = or_words(dict.fromkeys(value_words(test.field, value) for value in test.value))
    if not test.value:
        return _("{field} is one of none").format(field=field)
    text = _("{field} is known and not {values}") if test.negated else _("{field} is {values}")
    return text.format(field=field, values=values)


def _tags_words(field: str, test: Test) -> str:
    words = [value_words(test.field, value) for value in test.value]
    match test.op, test.negated:
        case ("any", False) | ("none", True):
            return _("{field} has {values}").format(field=field, values=or_words(words))
        case ("all", False):
            return _("{field} has {values}").format(field=field, values=and_words(words))
        case ("all", True):
            return _("{field} lacks {values}").format(field=field, values=or_words(words))
    return _("{field} is known and has no {values}").format(field=field, values=or_words(words))


def _text_words(field: str, test: Test) -> str:
    match test.op, test.negated:
        case "starts_with", False:
            text = _("{field} begins with “{text}”")
        case "starts_with", True:
            text = _("{field} does not begin with “{text}”")
        case "ends_with", False:
            text = _("{field} ends with “{text}”")
        case "ends_with", True:
            text = _("{field} does not end with “{text}”")
        case "contains", False:
            text = _("{field} contains “{text}”")
        case _contains_not:
            text = _("{field} does not contain “{text}”")
    return text.format(field=field, text=test.value)


def _range_words(field: str, name: str, bounds: Bounds) -> str:
    if bounds.above is None and bounds.below is None and None not in (bounds.min, bounds.max):
        low, high = value_words(name, bounds.min), value_words(name, bounds.max)
        return _("{field} from {low} to {high}").format(field=field, low=low, high=high)
    said = (
        (bounds.min, _("{field} at least {bound}")),
        (bounds.above, _("{field} above {bound}")),
        (bounds.max, _("{field} at most {bound}")),
        (bounds.below, _("{field} below {bound}")),
    )
    return and_words(
        text.format(field=field, bound=value_words(name, bound)) for bound, text in said if bound is not None
    )


# ---------------------------------------------------------------- routes and the rest


def destination_words(kind: str, target: str) -> str:
    """Where a route leads: `someone of the pool sdr`."""
    match kind, target:
        case "pool", _pool:
            return _("someone of the pool {name}").format(name=target)
        case "owner", "account":
            return _("the owner of the account")
        case "owner", _open_lead:
            return _("whoever works the open lead at the same company")
        case "review", _pool:
            return _("a person of the pool {name} decides").format(name=target)
        case "program", _program:
            return _("the program {name}").format(name=target)
    return _("disqualified ({reason})").format(reason=target)


def route_words(route: Route) -> str:
    """A route in one sentence: `country is Poland → someone of the pool sdr`."""
    words = {
        "condition": condition_words(route.when),
        "destination": destination_words(route.kind, route.target),
        "period": period_words(route.first_day, route.last_day),
    }
    if words["period"]:
        return _("{condition} ({period}) → {destination}").format(**words)
    return _("{condition} → {destination}").format(**words)


def period_words(first: date | None, last: date | None) -> str:
    """The days on which a temporary route counts; empty when it counts always."""
    if first and last:
        return _("from {first} to {last}").format(first=day_words(first), last=day_words(last))
    if first:
        return _("from {first} on").format(first=day_words(first))
    return _("until {last}").format(last=day_words(last)) if last else ""


def signal_words(item: IntentItem) -> str:
    """`demo request`, `2 × content download`."""
    name = item.signal.replace("_", " ")
    return name if item.count == 1 else _("{n} × {signal}").format(n=item.count, signal=name)


def members_words(pool: Pool) -> str:
    """Who is in a pool."""
    if isinstance(pool.members, tuple):
        return and_words(pool.members)
    return condition_words(pool.members)


def method_words(method: str) -> str:
    """How a pool chooses."""
    words = {
        "round_robin": _("round robin"),
        "weighted": _("by weight"),
        "least_open": _("fewest open leads"),
    }
    return words[method]


def sharing_words(method: str) -> str:
    """How a pool shares its leads out, as a sentence for those who are in it."""
    words = {
        "round_robin": _(
            "In turn: everybody gets as many as everybody else, and whoever was passed over comes first."
        ),
        "weighted": _("In turn, by weight: a weight of 2 gets twice as many as a weight of 1."),
        "least_open": _("To whoever has the fewest open leads."),
    }
    return words[method]


def week_words(hours: WeeklyHours) -> str:
    """The working hours of a week, days alike together: `Mon–Thu 09:00–17:00, Fri 09:00–14:00`."""
    names = _locale().days["stand-alone"]["abbreviated"]
    parts = []
    for blocks, group in groupby(enumerate(hours), key=lambda day: day[1]):
        days = [names[number] for number, _blocks in group]
        if blocks:
            span = days[0] if len(days) == 1 else f"{days[0]}–{days[-1]}"
            parts.append(f"{span} {and_words(_block_words(*block) for block in blocks)}")
    return ", ".join(parts)


def _block_words(opens: int, closes: int) -> str:
    # An end past midnight is told as the clock shows it then.
    ends = closes if closes <= 24 * 60 else closes - 24 * 60
    return f"{opens // 60:02}:{opens % 60:02}–{ends // 60:02}:{ends % 60:02}"


def pairs_words(pairs: Iterable[tuple[str, str]]) -> str:
    """`the lead's language, industry`: what of the lead a person is to match; "" where nothing is asked."""
    fields = ", ".join(field_words(field) for _attribute, field in pairs)
    return _("the lead's {fields}").format(fields=fields) if fields else ""


def step_words(step: ChaseStep) -> str:
    """`after 10 business minutes, unless accepted: remind the owner`."""
    actions = {
        "remind": _("remind the owner"),
        "notify": _("tell the manager"),
        "reassign": _("hand the lead to the backup"),
    }
    words = {"duration": duration_words(step.after), "action": actions[step.action]}
    match step.unless:
        case "accepted":
            return _("after {duration}, unless accepted: {action}").format(**words)
        case "responded":
            return _("after {duration}, unless responded: {action}").format(**words)
    return _("after {duration}: {action}").format(**words)


# ---------------------------------------------------------------- the whole


def describe(policy: Policy) -> list[Section]:
    """A policy in plain language, in the order of the life of a lead; parts that are empty are left out."""
    sections = [
        _heading(policy),
        _own_fields(policy),
        _intent(policy),
        _fit(policy),
        _segments(policy),
        _deals(policy),
        _bands(policy),
        _routes(policy),
        _pools(policy),
        _programs(policy),
        _service_levels(policy),
        _chases(policy),
        _limits(policy),
        _matching(policy),
    ]
    return [section for section in sections if section.lines or section.rows]


def _heading(policy: Policy) -> Section:
    text = _("Version {version}; deal values in {currency}; days begin in {zone}.")
    line = text.format(version=policy.version, currency=policy.currency, zone=policy.timezone)
    return Section(policy.name, (line,))


def _own_fields(policy: Policy) -> Section:
    rows = tuple((spec.name, spec.type, or_words(spec.values)) for spec in policy.fields.values())
    return Section(_("Fields of your own"), (), (_("Field"), _("Type"), _("Values")), rows)


def _intent(policy: Policy) -> Section:
    rows = tuple(
        (value_words("intent", level), or_words(signal_words(item) for item in policy.intent[level]))
        for level in INTENTS
        if policy.intent[level]
    )
    line = _("Signals count for {duration}.").format(duration=duration_words(policy.counts_for))
    return Section(_("Intent: how ready is the buyer?"), (line,), (_("Intent"), _("Signals")), rows)


def _fit(policy: Policy) -> Section:
    rows = tuple((row.name, condition_words(row.when), number_words(row.points)) for row in policy.fit)
    line = _("Strong from {n} points on.").format(n=number_words(policy.strong_at))
    columns = (_("Row"), _("If"), _("Points"))
    return Section(_("Fit: how good is the match?"), (line,) if rows else (), columns, rows)


def _segments(policy: Policy) -> Section:
    rows = tuple((s.name, condition_words(s.when), s.team or "–", s.description) for s in policy.segments)
    columns = (_("Segment"), _("If"), _("Team"), _("Description"))
    return Section(_("Segments: the first that holds"), (), columns, rows)


def _deals(policy: Policy) -> Section:
    rows = tuple((condition_words(row.when), number_words(row.value)) for row in policy.deal_values)
    heading = _("Deal value, when the lead brings none")
    return Section(heading, (), (_("If"), _("Value")), rows)


def _bands(policy: Policy) -> Section:
    rows = tuple((band.name, condition_words(band.when)) for band in policy.deal_bands)
    return Section(_("Deal bands"), (), (_("Band"), _("If")), rows)


def _routes(policy: Policy) -> Section:
    columns = (_("Route"), _("If"), _("Then"), _("Next step"), _("When"))
    rows = tuple(
        (
            route.name,
            condition_words(route.when),
            destination_words(route.kind, route.target),
            route.next_step or "",
            period_words(route.first_day, route.last_day),
        )
        for route in policy.routes
    )
    return Section(_("Routes: the first that holds"), (), columns, rows)


def _pools(policy: Policy) -> Section:
    columns = (_("Pool"), _("Members"), _("Must match"), _("Prefers"), _("Method"), _("Backup"))
    rows = tuple(
        (
            pool.name,
            members_words(pool),
            pairs_words(pool.require),
            pairs_words(pool.prefer),
            method_words(pool.method),
            pool.backup_pool or "–",
        )
        for pool in policy.pools.values()
    )
    return Section(_("Pools: who takes the lead?"), (), columns, rows)


def _programs(policy: Policy) -> Section:
    rows = tuple((program.name, program.description) for program in policy.programs.values())
    return Section(_("Nurture programs"), (), (_("Program"), _("Description")), rows)


def _service_levels(policy: Policy) -> Section:
    columns = (_("Service level"), _("If"), _("Respond within"), _("Chase"))
    rows = tuple(
        (level.name, condition_words(level.when), duration_words(level.respond_within), level.chase or "–")
        for level in policy.service_levels
    )
    return Section(_("Promises: by when the prospect hears from us"), (), columns, rows)


def _chases(policy: Policy) -> Section:
    rows = tuple((name, step_words(step)) for name, steps in policy.chases.items() for step in steps)
    return Section(_("Chases: what if nobody acts?"), (), (_("Chase"), _("Step")), rows)


def _matching(policy: Policy) -> Section:
    sure, unsure = percent_words(policy.matching.sure_from), percent_words(policy.matching.unsure_from)
    asked = _("From {unsure} on a person is asked who it is.").format(unsure=unsure)
    if policy.matching.unsure_from >= policy.matching.sure_from:
        asked = _("Below that it is somebody new; nobody is asked.")
    return Section(
        _("Matching: when is it somebody known?"),
        (_("From a probability of {sure} on it is the same prospect.").format(sure=sure), asked),
    )


def _limits(policy: Policy) -> Section:
    n = policy.limits.reassignments
    low, high = (format_percent(share, locale=_locale()) for share in policy.limits.automation_share)
    return Section(
        _("Limits"),
        (
            ngettext(
                "After {n} reassignment a lead goes to review.",
                "After {n} reassignments a lead goes to review.",
                n,
            ).format(n=n),
            _("Automation should route {low} to {high} of the leads.").format(low=low, high=high),
        ),
    )
