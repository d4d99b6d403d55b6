"""How is it told who converts? What differs beyond chance, what may be confounded, what is not claimed."""

from __future__ import annotations

from collections.abc import Sequence

from leadlane.i18n import _, ngettext
from leadlane.insight import pictures, say
from leadlane.insight.audit import Audit
from leadlane.insight.conversion import Conversion, Dimension, GroupRate
from leadlane.insight.proportions import SMALL, Estimate, wilson
from leadlane.insight.section import Grid, Legend, Picture, Row, Section

_SHOWN = 12
_OWN_FINDINGS = 6


def sections(audit: Audit) -> list[Section]:
    """Conversion overall and by month, each finding, and what does not differ."""
    found = audit.conversion
    if found is None:
        return []
    known = [one for one in found.dimensions if one.role]
    own = sorted((one for one in found.dimensions if not one.role), key=lambda one: -one.test.strength)
    findings = [one for one in known if one.is_finding]
    findings += [one for one in own if one.is_finding][:_OWN_FINDINGS]
    made = [_overall(audit, found)]
    made += [_finding(one, found) for one in findings]
    shown = {one.column for one in findings}
    quiet = [one for one in (*known, *own) if one.column not in shown]
    return [*made, _quiet(audit, quiet)] if quiet else made


def _overall(audit: Audit, found: Conversion) -> Section:
    says = [overall_words(found)]
    if (days := audit.time_to_win) is not None:
        says.append(days_words(days))
    if (ever := audit.time_to_win_ever) is not None:
        says.append(
            _("Of all wins in the files it was {middle} in the middle of {n} ({low} to {high}).").format(
                middle=say.span(ever.value * 86_400),
                n=say.number(ever.count),
                low=say.span(ever.low * 86_400),
                high=say.span(ever.high * 86_400),
            )
        )
    return Section(
        "conversion",
        _("How many leads are won"),
        says,
        pictures=months(found),
        cautions=_base_cautions(audit, found),
    )


def overall_words(found: Conversion) -> str:
    """Of how many leads how many were won, and which leads count."""
    if found.base == "decided":
        said = ngettext(
            "Of {n} lead that was won or lost, {won} were won: {share}. Open leads are not counted.",
            "Of {n} leads that were won or lost, {won} were won: {share}. Open leads are not counted.",
            found.overall.count,
        )
    else:
        said = ngettext(
            "Of {n} lead, {won} were won: {share}. Losses are not written down, so all leads count.",
            "Of {n} leads, {won} were won: {share}. Losses are not written down, so all leads count.",
            found.overall.count,
        )
    return said.format(
        n=say.number(found.overall.count), won=say.number(found.won), share=say.share(found.overall)
    )


def days_words(days: Estimate) -> str:
    """How long it took to win, in the middle; `days` is a median of days."""
    return _("From arrival to win it took {middle} in the middle of {n} wins ({low} to {high}).").format(
        middle=say.span(days.value * 86_400),
        n=say.number(days.count),
        low=say.span(days.low * 86_400),
        high=say.span(days.high * 86_400),
    )


def _base_cautions(audit: Audit, found: Conversion) -> list[str]:
    cautions = []
    if found.recorded_from is not None:
        cautions.append(
            _(
                "The first win is of {day}, long after many leads arrived: outcomes may be written "
                "down only since "
                "then. Leads from about that time on are compared with --since."
            ).format(day=say.day(found.recorded_from, audit.asked.zone))
        )
    if found.won_only:
        cautions.append(
            _("Known only of leads that were won, and so no reason for it: {columns}.").format(
                columns=say.names(list(found.won_only))
            )
        )
    if found.last:
        cautions.append(
            _("Who had a lead last follows from how it ended, so {columns} is not compared.").format(
                columns=say.names(list(found.last))
            )
        )
    if found.skipped:
        cautions.append(
            _("Left out because they are the outcome by another name: {columns}.").format(
                columns=say.names(list(found.skipped))
            )
        )
    if found.base == "all":
        cautions.append(_("Leads that arrived late in the period may still be won."))
    return cautions


def months(found: Conversion) -> list[Picture]:
    """Arrivals and share won by month of arrival; nothing where there is only one."""
    if len(found.months) < 2:
        return []
    rates = []
    for month in found.months:
        rate = wilson(month.won, month.count) if month.count else None
        rates.append(None if rate is None else (rate.low, rate.value, rate.high))
    drawing = pictures.months(
        [month.name for month in found.months],
        [month.arrived for month in found.months],
        rates,
        _("Leads and conversion by month of arrival"),
    )
    caption = _("By month of arrival. A line is the 95 % interval: the longer, the less is known.")
    legends = [Legend("whole", _("leads")), Legend("dot", _("share won"))]
    return [Picture(drawing, caption, legends)]


def _finding(one: Dimension, found: Conversion) -> Section:
    said = _("The groups of “{column}” differ by more than chance (corrected p: {p}).")
    if one.is_confounded:
        said = _(
            "The groups of “{column}” differ by more than chance (corrected p: {p}), but their leads "
            "differ too: "
            "this may be confounded."
        )
    says = [said.format(column=one.column, p=say.chance(one.q))]
    if standing := [row for row in one.groups if row.stands_out and row.count >= SMALL]:
        best = max(standing, key=lambda row: row.rate.value)
        worst = min(standing, key=lambda row: row.rate.value)
        if best.rate.value > found.overall.value:
            says.append(_stands_out(best, above=True))
        if worst.rate.value < found.overall.value:
            says.append(_stands_out(worst, above=False))
    cautions = [_confounded(one), _("This is an association: the data cannot say that one causes the other.")]
    return Section(
        f"by-{one.role or 'own'}-{one.column}",
        _("Conversion by {column}").format(column=one.column),
        says,
        [rates_grid(one.groups, found, one.unknown)],
        cautions=[caution for caution in cautions if caution],
        tone="unsure" if one.is_confounded else "",
    )


def _stands_out(row: GroupRate, *, above: bool) -> str:
    said = (
        _("Above the rest: {name} with {share} of {n}.")
        if above
        else _("Below the rest: {name} with {share} of {n}.")
    )
    return said.format(name=f"“{row.name}”", share=say.share(row.rate), n=say.number(row.count))


def _confounded(one: Dimension) -> str:
    """What else differs between the groups, and whether the difference holds among like leads."""
    if one.alike is None:
        return ""
    columns = say.names([column for column, _strength in one.alike.confounders])
    compared = say.names(list(one.alike.compared))
    if one.alike.p > 0.05:
        said = _(
            "This may be confounded: the groups also differ in what goes together with the outcome: "
            "{columns}. "
            "Among leads alike in {compared} the difference is not beyond chance (p: {p}), so it is not "
            "claimed that the groups themselves differ."
        )
    else:
        said = _(
            "This may be confounded: the groups also differ in what goes together with the outcome: "
            "{columns}. "
            "Among leads alike in {compared} a difference remains (p: {p}), but they may differ in what no "
            "column says."
        )
    return said.format(columns=columns, compared=compared, p=say.chance(one.alike.p))


def rates_grid(groups: Sequence[GroupRate], found: Conversion, unknown: int) -> Grid:
    """A table of groups with their shares, intervals, and what they would have with the usual leads."""
    shown = groups[:_SHOWN]
    top = min(1.0, max(0.02, *(min(row.rate.high, 3 * max(row.rate.value, 0.05)) for row in shown)))
    expects = any(row.expected is not None for row in shown)
    rows = []
    for row in shown:
        cells = [row.name, say.number(row.count), say.number(row.won), say.percent(row.rate.value)]
        cells.append(f"{say.percent(row.rate.low)} – {say.percent(row.rate.high)}")
        cells.append(say.percent(row.shrunk.value))
        if expects:
            cells.append("" if row.expected is None else say.percent(row.expected))
        picture = pictures.dot(
            row.rate.low, row.rate.value, row.rate.high, top, found.overall.value,
            "few" if row.count < SMALL else "out" if row.stands_out else "",
        )  # fmt: skip
        rows.append(Row(cells, picture, row.stands_out, row.count < SMALL))
    headings = ["", _("leads"), _("won"), _("share"), _("95 % interval"), _("drawn to the mean")]
    if expects:
        headings.append(_("usual for such leads"))
    return Grid(headings, rows, _grid_caption(len(groups) - len(shown), unknown), _("share won, and all"))


def _grid_caption(more: int, unknown: int) -> str:
    said = [
        _(
            "Groups with fewer than {n} leads are pale: they say little. The upright line is the "
            "share of all."
        ).format(n=SMALL)
    ]
    if more:
        said.append(
            ngettext("{n} smaller group is not shown.", "{n} smaller groups are not shown.", more).format(
                n=more
            )
        )
    if unknown:
        said.append(
            ngettext("{n} lead is in no group.", "{n} leads are in no group.", unknown).format(
                n=say.number(unknown)
            )
        )
    return " ".join(said)


def _quiet(audit: Audit, quiet: Sequence[Dimension]) -> Section:
    no_difference = [one for one in quiet if not one.is_finding]
    says = []
    if no_difference:
        says.append(
            _(
                "By {columns} conversion does not differ by more than chance: nothing is claimed about them."
            ).format(columns=say.names([one.column for one in no_difference], 12))
        )
    rows = [
        Row([one.column, say.number(len(one.groups)), say.chance(one.test.p), say.chance(one.q)])
        for one in quiet
    ]
    caption = ngettext(
        "{n} comparison was made in this report.",
        "{n} comparisons were made in this report, and p is corrected for that: where nothing "
        "differs at all, "
        "no more than one report in twenty claims that something does.",
        audit.tests,
    ).format(n=audit.tests)
    grid = Grid([_("column"), _("groups"), _("p"), _("corrected p")], rows, caption)
    return Section("no-difference", _("What does not differ, or is told in the table only"), says, [grid])
