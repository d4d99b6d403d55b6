"""How is it told how the rules did? Use and overrides of routes, what needs a person, what has no rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from leadlane.i18n import N_, _, ngettext
from leadlane.insight import pictures, say
from leadlane.insight.proportions import SMALL, Estimate
from leadlane.insight.rules import (
    OVERRIDES,
    Automation,
    Duplicates,
    FellThrough,
    Override,
    Rate,
    RouteUse,
    RulesReport,
    Standing,
    State,
    Why,
)
from leadlane.insight.section import Grid, Report, Row, Section, Tile, Tone

_KINDS: Mapping[Override, str] = {
    "handed_over": N_("handed over by hand"),
    "declined": N_("declined"),
    "disputed": N_("said to be wrong"),
}
# Of a route that people override more than others, so and anyhow.
_MORE: Mapping[Override, str] = {
    "handed_over": N_(
        "“{route}”: {n} of {count} leads were handed over by hand, {share}; of all others {others} (corrected"
        " p: {p})."
    ),
    "declined": N_(
        "“{route}”: {n} of {count} leads were declined, {share}; of all others {others} (corrected p: {p})."
    ),
    "disputed": N_(
        "“{route}”: {n} of {count} leads were said to be wrong, {share}; of all others {others} (corrected p:"
        " {p})."
    ),
}
_MORE_ANYHOW = N_(
    "“{route}”: {n} of {count} leads were overridden, {share}; of all others {others} (corrected p: {p})."
)
WHYS: Mapping[Why, str] = {
    "rule": N_("A rule asks for a person"),
    "nobody": N_("Nobody was available"),
    "no_owner": N_("Its owner is not there"),
    "identity": N_("Who is this?"),
    "limit": N_("Changed hands too often"),
}
_FIELDS: Mapping[str, str] = {
    "segment": N_("segment"),
    "country": N_("country"),
    "industry": N_("industry"),
    "source": N_("source"),
    "product": N_("product"),
    "signal": N_("signal"),
    "intent": N_("intent"),
    "fit": N_("fit"),
    "relationship": N_("relationship"),
    "deal_band": N_("deal band"),
}
_STATES: Mapping[State, str] = {
    "in_force": "",
    "over": N_("its days are over"),
    "ahead": N_("its days are to come"),
    "never_holds": N_("no lead can fulfil its condition"),
    "unreachable": N_("earlier routes take every lead that it could take"),
    "gone": N_("no longer in the policy"),
}
# What cannot be of use as it stands.
_REMOVABLE = frozenset({"over", "never_holds", "unreachable"})
_TONES: Mapping[Standing, Tone] = {"below": "bad", "above": "bad", "within": "good", "unsure": "unsure"}


def report_on_rules(found: RulesReport, period: str, zone: ZoneInfo) -> Report:
    """The report in words; `period` says which, moments are shown in `zone`."""
    return Report(
        _("Rules"),
        _("Leads that arrived: {period}").format(period=period),
        _tiles(found),
        [
            _use(found),
            _idle(found, zone),
            _automation(found.automation),
            _missing(found),
            _prevented(found.duplicates),
        ],
    )


def field_words(name: str) -> str:
    """What a field is called by whose values it is asked whether a rule is missing."""
    return _(_FIELDS.get(name, name))


def value_words(one: FellThrough) -> str:
    """A value with its field: `country “AT”`, `no industry`."""
    if one.value is None:
        return _("no {field}").format(field=field_words(one.field))
    return _("{field} “{value}”").format(field=field_words(one.field), value=one.value)


def _tiles(found: RulesReport) -> list[Tile]:
    of, fell = found.automation, found.fell
    band = _("target {low} to {high}").format(low=say.percent(of.low), high=say.percent(of.high))
    unused, routes = len(found.unused), sum(one.facts.number > 0 for one in found.routes)
    return [
        Tile(_("Leads"), say.number(found.leads), _("that arrived in the period")),
        Tile(_("By the rules alone"), _figure(of.share), band, _TONES[of.standing] if of.share else ""),
        Tile(_("Routes unused"), say.number(unused), _("of {n} routes").format(n=say.number(routes))),
        Tile(_("Only the last route"), _figure(fell), _interval(fell)),
    ]


def _figure(share: Estimate | None) -> str:
    return say.percent(share.value) if share else "–"


def _interval(share: Estimate | None) -> str:
    if share is None:
        return ""
    text = _("95 % interval: {low} to {high}")
    return text.format(low=say.percent(share.low), high=say.percent(share.high))


# ---------------------------------------------------------------- routes


def _use(found: RulesReport) -> Section:
    heading, used = _("Use of the routes"), [one for one in found.routes if one.leads]
    if not used:
        return Section("use", heading, [_("No leads arrived.")])
    grid = Grid(
        [_("Route"), _("leads"), _("share"), _("overridden, with 95 % interval"),
         *(_(_KINDS[kind]) for kind in OVERRIDES)],
        [_use_row(one) for one in used],
        pictured=_("Overridden"),
    )  # fmt: skip
    says = [text for one in found.overridden for text in _override_words(one)]
    if not says:
        says = [_("No route is overridden more than the others beyond chance.")]
    cautions = [
        _(
            "A lead counts once, with the route that it was last routed by. Overridden: a person handed it"
            " over by hand, declined it, or said that the route was wrong. “few” are fewer than {few}, whose"
            " share says little."
        ).format(few=SMALL),
        _corrected_words(found.compared),
        _("Leads that came late in the period may still be overridden."),
    ]
    tone: Tone = "bad" if found.overridden else ""
    return Section("use", heading, says, [grid], cautions=cautions, tone=tone)


def _use_row(one: RouteUse) -> Row:
    rate = one.overridden
    assert rate is not None  # it has leads
    shown = say.share(rate.share)
    cells = [
        one.facts.name,
        say.number(one.leads),
        _figure(one.share),
        _("{share}, few").format(share=shown) if rate.share.is_small else shown,
        *(say.number(one.by_kind[kind].hits) for kind in OVERRIDES),
    ]
    low, value, high = rate.share.low, rate.share.value, rate.share.high
    drawing = pictures.dot(low, value, high, 1, rate.others, "few" if rate.share.is_small else "")
    return Row(cells, drawing, is_marked=one.is_found, is_faint=rate.share.is_small)


def _override_words(one: RouteUse) -> list[str]:
    """In which ways a route is overridden more than others; in any way where it is in none by itself."""
    said = [_rate_words(one.facts.name, _MORE[kind], one.by_kind[kind]) for kind in one.found]
    if not said and one.overridden is not None:
        said = [_rate_words(one.facts.name, _MORE_ANYHOW, one.overridden)]
    return said


def _rate_words(route: str, text: str, rate: Rate) -> str:
    return _(text).format(
        route=route,
        n=say.number(rate.hits),
        count=say.number(rate.share.count),
        share=say.share(rate.share),
        others=say.percent(rate.others or 0.0),
        p=say.chance(rate.q),
    )


def _corrected_words(compared: int) -> str:
    said = ngettext(
        "{n} comparison was made in this report. On average, at most 5 % of what is named is chance.",
        "{n} comparisons were made in this report, and are corrected together: on average, at most 5 % of"
        " what is named is chance.",
        compared,
    )
    return said.format(n=say.number(compared))


def _idle(found: RulesReport, zone: ZoneInfo) -> Section:
    over = [one for one in found.routes if one.facts.state == "over" and not one.is_unused]
    listed = [*found.unused, *over]
    if not listed:
        says = [_("Every route of the policy placed leads.") if found.leads else _("No leads arrived.")]
        return Section("unused", _("Routes without use"), says)
    grid = Grid(
        [_("Route"), _("number"), _("exists since"), _("last used"), _("why")],
        [_idle_row(one, zone) for one in listed],
    )
    few = _(
        "The fewer leads, the less it means: of {n} leads, a route that takes {share} of all may get none."
    )
    cautions = [_("A route for a rare case may be right though no such case came.")]
    if found.leads and (share := found.unused[0].share if found.unused else None):
        cautions.append(few.format(n=say.number(found.leads), share=say.percent(share.high)))
    unused = ngettext(
        "{n} route of the policy placed no lead.",
        "{n} routes of the policy placed no lead.",
        len(found.unused),
    )
    says = [unused.format(n=say.number(len(found.unused)))]
    tone: Tone = "unsure" if any(one.facts.state in _REMOVABLE for one in listed) else ""
    return Section("unused", _("Routes without use"), says, [grid], cautions=cautions, tone=tone)


def _idle_row(one: RouteUse, zone: ZoneInfo) -> Row:
    facts = one.facts
    since = say.day(facts.since, zone) if facts.since else _("long ago")
    last = say.day(facts.last_used_at, zone) if facts.last_used_at else _("never")
    why = _(_STATES[facts.state]) if _STATES[facts.state] else _("no lead came that it takes")
    return Row([facts.name, say.number(facts.number), since, last, why])


# ---------------------------------------------------------------- what needs a person


def _automation(of: Automation) -> Section:
    if of.share is None:
        return Section("automation", _("What the rules do alone"), [_("No leads arrived.")])
    grids = [_weeks_grid(of)] if sum(one.leads > 0 for one in of.weeks) > 1 else []
    return Section(
        "automation",
        _("What the rules do alone"),
        [_standing_words(of), _people_words(of), *([_weeks_words(of)] if grids else [])],
        [*grids, *([_whys_grid(of)] if of.whys else [])],
        cautions=[
            _(
                "By the rules alone: no person placed the lead from review, handed it over or said that it"
                " was wrong. One that waited in line and was then given by the rules counts as theirs; so"
                " does one that was declined, and handed on by the rules."
            )
        ],
        tone=_TONES[of.standing],
    )


def _standing_words(of: Automation) -> str:
    assert of.share is not None
    text = {
        "below": _(
            "{share} of {n} leads were placed by the rules alone: below the target of {low} to {high}."
        ),
        "above": _(
            "{share} of {n} leads were placed by the rules alone: above the target of {low} to {high}."
        ),
        "within": _(
            "{share} of {n} leads were placed by the rules alone: within the target of {low} to {high}."
        ),
        "unsure": _(
            "{share} of {n} leads were placed by the rules alone. The target is {low} to {high}; so few leads"
            " cannot say whether it is met."
        ),
    }[of.standing]
    return text.format(
        share=say.share(of.share),
        n=say.number(of.share.count),
        low=say.percent(of.low),
        high=say.percent(of.high),
    )


def _people_words(of: Automation) -> str:
    text = _(
        "Placed by a person from review, or waiting for one: {placed}. Placed elsewhere by hand: {moved}."
    )
    return text.format(placed=say.number(of.placed), moved=say.number(of.moved))


def _weeks_words(of: Automation) -> str:
    if of.weeks_q <= 0.05:
        return _("The weeks differ beyond chance (corrected p: {p}).").format(p=say.chance(of.weeks_q))
    return _("The weeks do not differ beyond chance.")


def _weeks_grid(of: Automation) -> Grid:
    rows = []
    for week in of.weeks:
        if (share := week.share) is None:
            rows.append(Row([say.date_words(week.first_day), "0", "–", "–"], is_faint=True))
            continue
        drawing = pictures.dot(share.low, share.value, share.high, 1, None, "few" if share.is_small else "")
        cells = [
            say.date_words(week.first_day),
            say.number(week.leads),
            say.number(week.by_rules),
            say.share(share),
        ]
        rows.append(Row(cells, drawing, is_faint=share.is_small))
    return Grid(
        [_("Week from"), _("leads"), _("by the rules alone"), _("share, with 95 % interval")],
        rows,
        _("By the week of arrival"),
        _("Share"),
    )


def _whys_grid(of: Automation) -> Grid:
    rows = [Row([_(WHYS[why]), route, say.number(count)]) for why, route, count in of.whys]
    return Grid([_("Why"), _("route"), _("leads")], rows, _("What went to review, and why"))


# ---------------------------------------------------------------- what has no rule


def _missing(found: RulesReport) -> Section:
    heading = _("Where a rule may be missing")
    if found.fell is None or not found.last_route:
        return Section("missing", heading, [_("No leads arrived.")])
    fell = _("Only the last route, “{route}”, took {share} of {n} leads.")
    says = [fell.format(route=found.last_route, share=say.share(found.fell), n=say.number(found.leads))]
    if not found.missing:
        says.append(_("No value of a field stands out among them beyond chance."))
        return Section("missing", heading, says)
    grid = Grid(
        [_("Leads with"), _("leads"), _("fell to it"), _("share, with 95 % interval"),
         _("points more than others")],
        [_missing_row(one) for one in found.missing],
        pictured=_("Share"),
    )  # fmt: skip
    caution = _(
        "Fields go together: a country and its segment may be the same leads. Whether such leads need a rule"
        " of their own is for you to say."
    )
    return Section("missing", heading, says, [grid], cautions=[caution], tone="unsure")


def _missing_row(one: FellThrough) -> Row:
    share, effect = one.rate.share, one.effect
    more = _("{value} ({low} to {high})").format(
        value=say.points(effect.value), low=say.points(effect.low), high=say.points(effect.high)
    )
    cells = [value_words(one), say.number(share.count), say.number(one.rate.hits), say.share(share), more]
    drawing = pictures.dot(share.low, share.value, share.high, 1, one.rate.others)
    return Row(cells, drawing, is_faint=share.is_small)


# ---------------------------------------------------------------- duplicates


def _prevented(of: Duplicates) -> Section:
    merged = ngettext(
        "{n} arrival became part of a lead that was open: without that, up to {owned} prospects would have"
        " had two owners.",
        "{n} arrivals became part of leads that were open: without that, up to {owned} prospects would have"
        " had two owners.",
        of.merged,
    )
    owner = _(
        "{n} leads went to whoever has the account, {m} to whoever already works on a lead of the company."
    )
    says: Sequence[str] = [
        merged.format(n=say.number(of.merged), owned=say.number(of.owned)),
        owner.format(n=say.number(of.to_owner), m=say.number(of.to_colleague)),
        _still_words(of),
    ]
    caution = _("Requests that were sent again under one key change nothing, and are not counted here.")
    return Section("duplicates", _("Duplicates prevented"), says, cautions=[caution])


def _still_words(of: Duplicates) -> str:
    if of.rate is None:
        return _("Nobody was contacted in the period.")
    text = _("All the same, {twice} of {n} prospects were contacted by several people: {share}.")
    return text.format(
        twice=say.number(of.contacted_twice), n=say.number(of.rate.count), share=say.share(of.rate)
    )
