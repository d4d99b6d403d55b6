"""How is it told what it costs? Each cost with its formula, its factors and where they come from."""

from __future__ import annotations

from leadlane.i18n import N_, _
from leadlane.insight import pictures, say
from leadlane.insight.audit import Audit
from leadlane.insight.costs import Cost, Costs, Factor
from leadlane.insight.section import Grid, Row, Section, Tile
from leadlane.insight.standing import standing

_COSTS = {
    "slow": N_("Slow response"),
    "unowned": N_("Leads that nobody owns"),
    "above": N_("Large deals below their level"),
    "below": N_("Seniors on small deals"),
    "duplicates": N_("The same prospect in several hands"),
    "buying": N_("The same wins as new leads"),
}
_FACTORS = {
    "example_leads": N_("qualified leads a month"),
    "slow_a_month": N_("leads a month answered later or never"),
    "unowned_a_month": N_("leads a month without owner and end"),
    "above_a_month": N_("deals a month above their owner's level"),
    "below_a_month": N_("small deals a month with seniors"),
    "duplicates_a_month": N_("surplus owners a month"),
    "gap": N_("share won more with the better way"),
    "rate": N_("share won"),
    "wins_a_month": N_("wins a month"),
    "leads_per_win": N_("leads for a win"),
    "hours_per_duplicate": N_("hours for each"),
    "deal_value": N_("value of a deal"),
    "fast_minutes": N_("a fast response, in minutes"),
    "fast_rate": N_("share won with a fast response"),
    "slow_rate": N_("share won with a slow response"),
    "recoverable": N_("part of it that better routing brings back"),
    "minutes_per_duplicate": N_("minutes lost for a duplicate"),
    "hour_cost": N_("cost of an hour of sales"),
    "hours_per_small_deal": N_("hours for a small deal"),
    "senior_premium": N_("what an hour of a senior costs more"),
    "cost_per_lead": N_("price of a lead"),
}
_SHARES = frozenset(("gap", "rate", "fast_rate", "slow_rate", "recoverable", "wasted", "faster"))
_MONEY = frozenset(("deal_value", "hour_cost", "senior_premium", "cost_per_lead"))
SOURCES = {"data": N_("your data"), "assumed": N_("assumed"), "given": N_("given by you")}
_STATES = {"yes": N_("there"), "partly": N_("partly"), "no": N_("missing"), "unknown": N_("cannot be told")}
_SIGNS = {"yes": "●", "partly": "◐", "no": "○", "unknown": "?"}


def sections(audit: Audit) -> list[Section]:
    """What it costs, and where the company stands."""
    made = [] if audit.costs is None else [_costs(audit.costs, audit.asked.currency)]
    return [*made, _standing(audit)]


def reckoning(audit: Audit) -> list[Section]:
    """How each cost was reckoned: its factors, and all that was assumed."""
    if audit.costs is None:
        return []
    currency = audit.asked.currency
    shown = _shown(audit.costs)
    grids = [_factor_grid(shown, currency), _assumption_grid(audit.costs, currency)]
    says = [_("Each cost is the product of a few factors, in money a month; a year is twelve of them.")]
    return [Section("reckoning", _("How the costs were reckoned"), says, grids)]


def tile(audit: Audit) -> Tile | None:
    """What can be put into money, a year; None where nothing can."""
    reckoned = audit.costs
    if reckoned is None or not reckoned.total[1]:
        return None
    low, middle, high = (say.money(12 * amount, audit.asked.currency) for amount in reckoned.total)
    return Tile(
        _("Estimated cost a year"),
        middle,
        _("{low} to {high}; see the formula").format(low=low, high=high),
        "bad",
    )


def _costs(reckoned: Costs, currency: str) -> Section:
    real = [cost for cost in reckoned.costs if not cost.is_example]
    low, middle, high = (say.money(12 * amount, currency) for amount in reckoned.total)
    says: list[str] = []
    if real:
        says.append(
            _(
                "What can be put into money comes to {middle} a year, somewhere between {low} and {high}."
            ).format(middle=middle, low=low, high=high)
        )
    else:
        says.append(_("The columns at hand put nothing into money; below is what it could be."))
    if reckoned.buying is not None and real:
        price = [say.money(12 * amount, currency) for amount in reckoned.buying.money]
        says.append(
            _("To buy as many wins as new leads would cost {middle} a year ({low} to {high}).").format(
                low=price[0], middle=price[1], high=price[2]
            )
        )
    cautions = [_("Each range takes every factor at its low end, and every one at its high end.")]
    if real:
        cautions += [
            _(
                "A cost reckoned from a difference between groups takes that association for a "
                "cause: it is an estimate."
            ),
            _(
                "A lead that is both slow and at the wrong level counts in both costs; the formulas "
                "are at the end."
            ),
        ]
    if any(not cost.is_shown for cost in reckoned.costs):
        cautions.append(
            _("Pale: the data do not show that it is more than nothing, so its low end is nothing.")
        )
    if any(cost.is_example for cost in reckoned.costs):
        cautions.append(
            _(
                "The example is not your data: of 100 qualified leads a month 25 are won with fast "
                "and 15 with slow "
                "response. It is in no sum."
            )
        )
    return Section(
        "costs",
        _("What it costs"),
        says,
        [_money_grid(_shown(reckoned), currency)],
        cautions=cautions,
        tone="bad" if real else "",
    )


def _shown(reckoned: Costs) -> list[Cost]:
    """The costs, and what buying would cost instead where it can be compared."""
    buying = reckoned.buying
    is_real = any(not cost.is_example for cost in reckoned.costs)
    return [*reckoned.costs, *([buying] if buying is not None and is_real else [])]


def _money_grid(shown: list[Cost], currency: str) -> Grid:
    top = max([cost.money[2] for cost in shown], default=0)
    rows = []
    for cost in shown:
        low, middle, high = cost.money
        cells = [_cost_name(cost), say.money(12 * middle, currency)]
        cells.append(f"{say.money(12 * low, currency)} – {say.money(12 * high, currency)}")
        rows.append(
            Row(
                cells,
                pictures.money_range(low, middle, high, top),
                is_faint=cost.is_example or not cost.is_shown,
            )
        )
    return Grid(["", _("a year"), _("range")], rows, "", _("range and middle"))


def _cost_name(cost: Cost) -> str:
    name = _(_COSTS[cost.name])
    return _("{name} (example)").format(name=name) if cost.is_example else name


def _factor_grid(shown: list[Cost], currency: str) -> Grid:
    """The formulas: a row for each factor."""
    rows = []
    for cost in shown:
        for place, factor in enumerate(cost.factors):
            name = _cost_name(cost) if place == 0 else ""
            sign = "" if place == 0 else "× "
            rows.append(
                Row(
                    [
                        name,
                        sign + _(_FACTORS[factor.name]),
                        ranged(factor, currency),
                        _(SOURCES[factor.source]),
                    ]
                )
            )
    return Grid([_("cost"), _("factor"), _("value (range)"), _("from")], rows)


def _assumption_grid(reckoned: Costs, currency: str) -> Grid:
    rows = [
        Row([factor.name, _(_FACTORS[factor.name]), ranged(factor, currency), _(SOURCES[factor.source])])
        for factor in reckoned.assumptions
    ]
    caption = _(
        "Everything assumed can be changed: `--assume deal_value=12000`, or as a range "
        "`--assume recoverable=0.3..0.6`."
    )
    return Grid([_("name"), _("what it is"), _("value (range)"), _("from")], rows, caption)


def ranged(factor: Factor, currency: str) -> str:
    """The value of a factor with its range, in its unit."""

    def text(value: float) -> str:
        if factor.name in _SHARES:
            return say.percent(value)
        if factor.name in _MONEY:
            return say.money(value, currency)
        return say.number(value, 0 if value >= 100 or value == int(value) else 1)

    if factor.low == factor.high:
        return text(factor.middle)
    return f"{text(factor.middle)} ({text(factor.low)} – {text(factor.high)})"


def _standing(audit: Audit) -> Section:
    steps = standing(audit)
    rows = [
        Row([f"{number} {step.name}", f"{_SIGNS[step.state]} {_(_STATES[step.state])}", step.why])
        for number, step in enumerate(steps, start=1)
    ]
    first = next((step for step in steps if step.state in ("no", "partly")), None)
    says = [_("Out of chaos in five steps, in this order; each builds on the one before.")]
    if first is not None:
        says.append(_("Begin with: {step}.").format(step=first.name))
    grid = Grid([_("step"), _("state"), _("what the data show")], rows)
    return Section("standing", _("Where you stand"), says, [grid])
