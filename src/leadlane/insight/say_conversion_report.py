"""How does the report on conversion read? What is won, what of it is more than chance, what is not said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from leadlane.i18n import _, ngettext
from leadlane.insight import pictures, say
from leadlane.insight.conversion import Alike, Dimension, GroupRate
from leadlane.insight.conversion_report import WITHIN_DAYS, ConversionReport, Figures
from leadlane.insight.groups import FALSE_SHARE
from leadlane.insight.moves import Move
from leadlane.insight.proportions import SMALL, Estimate
from leadlane.insight.say_conversion import days_words, months, overall_words
from leadlane.insight.say_handling import response_section
from leadlane.insight.section import Grid, Row, Section, Tile
from leadlane.insight.sources import PoorSource

_NONE = "–"
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Words:
    """What things are called for the reader: `value(role, id)` and `role(role)`; `currency` of values."""

    value: Callable[[str, str | None], str]
    role: Callable[[str], str]
    currency: str


def tiles(found: ConversionReport, words: Words) -> list[Tile]:
    """The figures at the head."""
    one = found.all
    shown = [
        Tile(_("Won"), say.percent(one.share.value) if one.share else _NONE, _won_words(one)),
        Tile(
            _("Still open"),
            say.number(one.open),
            ngettext("of {n} lead", "of {n} leads", one.leads).format(n=say.number(one.leads)),
        ),
    ]
    reached = [
        (days, known) for days, known in zip(WITHIN_DAYS, one.within, strict=True) if known is not None
    ]
    if reached:
        days, known = reached[-1]
        name = _("Won within {n} days").format(n=days)
        shown.append(Tile(name, say.percent(known.value), _interval(known)))
    if one.days is not None:
        note = ngettext("median of {n} win", "median of {n} wins", one.days.count)
        shown.append(
            Tile(
                _("Arrival to win"),
                say.span(one.days.value * 86_400),
                note.format(n=say.number(one.days.count)),
            )
        )
    if one.valued:
        note = ngettext("{n} win with a value", "{n} wins with a value", one.valued)
        worth = say.money(one.value_won, words.currency)
        shown.append(Tile(_("Value won"), worth, note.format(n=say.number(one.valued))))
    return shown


def _won_words(one: Figures) -> str:
    """Of how many it is known, and how surely."""
    count = one.won + one.lost
    decided = ngettext("{won} of {n} decided", "{won} of {n} decided", count)
    said = decided.format(won=say.number(one.won), n=say.number(count))
    if one.share is None:
        return said
    return _("{counts}; 95 % interval: {low} to {high}").format(
        counts=said, low=say.percent(one.share.low), high=say.percent(one.share.high)
    )


def _interval(one: Estimate) -> str:
    text = _("95 % interval: {low} to {high}")
    return text.format(low=say.percent(one.low), high=say.percent(one.high))


def sections(found: ConversionReport, words: Words) -> list[Section]:
    """All sections: what is won, what is more than chance, the groups, response time, how it was reckoned."""
    overall = found.all.share.value if found.all.share is not None else None
    effect = found.response
    if effect is not None:
        effect = replace(effect, compared=[words.role(column) for column in effect.compared])
    made = [
        _overall(found),
        _moves(found.moves, words),
        _poor_sources(found.poor_sources, words),
        _found(found, words),
        _groups(found, words),
        _time(found, words),
        _money(found, words),
        response_section(found.classes, effect, overall),
        _method(),
    ]
    return [one for one in made if one is not None]


# ---------------------------------------------------------------- what is won


def _overall(found: ConversionReport) -> Section:
    if found.found is None:
        says = [_("Fewer than 20 leads are decided: shares are shown, and nothing is compared.")]
    else:
        says = [overall_words(found.found)]
    if found.all.days is not None:
        says.append(days_words(found.all.days))
    cautions = []
    if found.left_out:
        left = ngettext(
            "{n} lead that was junk or a duplicate is left out.",
            "{n} leads that were junk or duplicates are left out.",
            found.left_out,
        )
        cautions.append(left.format(n=say.number(found.left_out)))
    if found.all.open:
        cautions.append(
            _(
                "The share of those won or lost shows what ends soon; what takes longer is still open. The "
                "shares within so many days do not depend on that."
            )
        )
    shown = months(found.found) if found.found is not None else []
    within = [*_within(found.all)]
    return Section("conversion", _("How many leads are won"), says, within, shown, cautions)


def _within(one: Figures) -> Iterator[Grid]:
    """The share won within so many days, where leads were followed for so long."""
    shares = [(_("so far"), one.of_all)]
    shares += [
        (_("within {n} days").format(n=days), known)
        for days, known in zip(WITHIN_DAYS, one.within, strict=True)
        if known is not None
    ]
    top = max(0.02, *(known.high for _name, known in shares))
    rows = [
        Row([name, say.share(known)], pictures.dot(known.low, known.value, known.high, min(1.0, top), None))
        for name, known in shares
        if known.count
    ]
    if rows:
        yield Grid([_("won"), _("of all leads, with 95 % interval")], rows, pictured=_("share won"))


# ---------------------------------------------------------------- what is more than chance


def _moves(moves: Sequence[Move], words: Words) -> Section | None:
    """Segments that do better with a team: by how much, of how many, and what that does not say."""
    if not moves:
        return None
    headings = [
        _("segment"), _("does better with"), _("than with"), _("points more, like with like"),
        _("in other segments"), _("corrected p"),
    ]  # fmt: skip
    rows = [
        Row(
            [
                words.value("segment", one.segment),
                words.value("team", one.team),
                words.value("team", one.other),
                _points(one.gap),
                _points(one.elsewhere) if one.elsewhere is not None else "",
                say.chance(one.q),
            ]
        )
        for one in moves
    ]
    cautions = [
        _(
            "More than those two teams differ with other segments, and more than chance. It is an "
            "association: the teams may get leads that differ in what no column says."
        )
    ]
    return Section(
        "moves",
        _("Segments that do better with another team"),
        [_move_words(one, words) for one in moves[:_MOST_NAMED]],
        [Grid(headings, rows)],
        cautions=cautions,
        tone="unsure",
    )


def _move_words(one: Move, words: Words) -> str:
    counts = one.counts
    return _(
        "Of segment “{segment}” the team “{team}” won {won} of {count}, “{other}” {other_won} of "
        "{other_count}: like with like {gap} percentage points more ({low} to {high})."
    ).format(
        segment=words.value("segment", one.segment),
        team=words.value("team", one.team),
        other=words.value("team", one.other),
        won=say.number(counts.won),
        count=say.number(counts.count),
        other_won=say.number(counts.other_won),
        other_count=say.number(counts.other_count),
        gap=say.points(one.gap.value),
        low=say.points(one.gap.low),
        high=say.points(one.gap.high),
    )


def _poor_sources(sources: Sequence[PoorSource], words: Words) -> Section | None:
    """Sources that are poor whoever works them: by how much, of how many, with how many of the owners."""
    if not sources:
        return None
    headings = [
        _("source"), _("leads"), _("won"), _("points, against other leads of the same owners"),
        _("below with"), _("corrected p"),
    ]  # fmt: skip
    below = _("{below} of {n}")
    rows = [
        Row(
            [
                words.value("source", one.source),
                say.number(one.counts.count),
                say.number(one.counts.won),
                _points(one.gap),
                below.format(below=say.number(one.below), n=say.number(one.workers)),
                say.chance(one.q),
            ]
        )
        for one in sources
    ]
    cautions = [
        _(
            "It is a matter of where leads come from, not of who gets them. Counted are owners, or teams, "
            "who had at least {few} of its leads."
        ).format(few=SMALL)
    ]
    return Section(
        "poor-sources",
        _("Sources that are poor whoever works them"),
        [_poor_words(one, words) for one in sources[:_MOST_NAMED]],
        [Grid(headings, rows)],
        cautions=cautions,
        tone="unsure",
    )


def _poor_words(one: PoorSource, words: Words) -> str:
    if one.by == "team":
        said = ngettext(
            "Of “{source}” {won} of {count} were won, {gap} percentage points ({low} to {high}) against "
            "other leads of the same owners; fewer with {below} of {n} team.",
            "Of “{source}” {won} of {count} were won, {gap} percentage points ({low} to {high}) against "
            "other leads of the same owners; fewer with {below} of {n} teams.",
            one.workers,
        )
    else:
        said = ngettext(
            "Of “{source}” {won} of {count} were won, {gap} percentage points ({low} to {high}) against "
            "other leads of the same owners; fewer with {below} of {n} owner.",
            "Of “{source}” {won} of {count} were won, {gap} percentage points ({low} to {high}) against "
            "other leads of the same owners; fewer with {below} of {n} owners.",
            one.workers,
        )
    return said.format(
        source=words.value("source", one.source),
        won=say.number(one.counts.won),
        count=say.number(one.counts.count),
        gap=say.points(one.gap.value),
        low=say.points(one.gap.low),
        high=say.points(one.gap.high),
        below=say.number(one.below),
        n=say.number(one.workers),
    )


def _found(found: ConversionReport, words: Words) -> Section | None:
    """Which groupings differ, which of their groups stand out, and what else may be the reason."""
    if found.found is None:
        return None
    dimensions = found.found.dimensions
    findings = [one for one in dimensions if one.is_finding]
    if findings:
        findings.sort(key=lambda one: one.q)
        says = [_differs_words(one, words) for one in findings[:_MOST_NAMED]]
        if more := findings[_MOST_NAMED:]:
            says.append(
                _("They differ also by {columns}.").format(columns=_roles([one.role for one in more], words))
            )
    else:
        says = [_("By nothing here the shares won differ by more than chance: nothing is claimed.")]
    grids = [_standing_out(findings, words), _comparisons(dimensions, found, words)]
    return Section(
        "found",
        _("What differs by more than chance"),
        says,
        [grid for grid in grids if grid.rows],
        cautions=[
            _(
                "These are associations: who gets which leads may differ in what no column says, and no "
                "figure here says that one thing causes another."
            )
        ],
        tone="unsure" if findings else "",
    )


def _outstanding(one: Dimension) -> list[tuple[GroupRate, Estimate]]:
    """The groups that stand out with their difference to the others: the highest first."""
    gaps = [(row, row.gap) for row in one.groups if row.stands_out and row.gap is not None]
    return sorted(gaps, key=lambda found: -found[1].value)


def _differs_words(one: Dimension, words: Words) -> str:
    """By what the shares won differ, and who stands out most: above, below."""
    said = {"by": words.role(one.role), "p": say.chance(one.q)}
    gaps = _outstanding(one)
    if not gaps:
        text = _("By {by} the shares won differ by more than chance (corrected p: {p}); no group stands out.")
        return text.format(**said)
    above = [one for one in gaps[:1] if one[1].value > 0]
    below = [one for one in gaps[-1:] if one[1].value < 0]
    text = _("“{name}” {points} points")
    shown = [
        text.format(name=words.value(one.role, row.name), points=_points(gap))
        for row, gap in (*above, *below)
    ]
    told = _(
        "By {by} the shares won differ by more than chance (corrected p: {p}); against the others: {ends}."
    )
    return told.format(**said, ends=", ".join(shown))


def _standing_out(findings: Sequence[Dimension], words: Words) -> Grid:
    """The groups that stand out, of each grouping a few above and a few below the others."""
    rows = []
    for one in findings:
        gaps = _outstanding(one)
        above = [found for found in gaps if found[1].value > 0][:_MOST_NAMED]
        below = [found for found in gaps if found[1].value < 0][-_MOST_NAMED:]
        for row, gap in (*above, *below):
            cells = [words.value(one.role, row.name), words.role(one.role), say.number(row.count)]
            rows.append(Row([*cells, say.share(row.rate), _points(gap), say.chance(row.q)]))
    headings = [
        _("stands out"), _("by"), _("decided"), _("share won, with 95 % interval"),
        _("against the others, in points"), _("corrected p"),
    ]  # fmt: skip
    return Grid(headings, rows)


def _comparisons(dimensions: Sequence[Dimension], found: ConversionReport, words: Words) -> Grid:
    rows = [
        Row(
            [words.role(one.role), say.number(len(one.groups)), say.chance(one.q), _alike_words(one, words)],
            is_marked=one.is_finding,
        )
        for one in dimensions
    ]
    headings = [_("by"), _("groups"), _("corrected p"), _("like with like")]
    return Grid(headings, rows, _compared_caption(found))


def _alike_words(one: Dimension, words: Words) -> str:
    """Among which leads a grouping was compared, or what may confound it."""
    if one.alike is None:
        return ""
    compared = _roles(one.alike.compared, words)
    if one.by_like:
        return _("compared among leads alike in {columns}").format(columns=compared)
    if one.alike.p > FALSE_SHARE:
        text = _("may be confounded: not beyond chance among leads alike in {columns} (p: {p})")
    else:
        text = _("may be confounded: remains among leads alike in {columns} (p: {p})")
    return text.format(columns=compared, p=say.chance(one.alike.p))


def _roles(columns: Sequence[str], words: Words) -> str:
    return ", ".join(words.role(column) for column in columns)


def _compared_caption(found: ConversionReport) -> str:
    said = [
        ngettext(
            "{n} comparison was made, and p is corrected for that: where nothing differs at all, no more "
            "than one report in twenty claims that something does.",
            "{n} comparisons were made, and p is corrected for that: where nothing differs at all, no more "
            "than one report in twenty claims that something does.",
            found.tests,
        ).format(n=say.number(found.tests))
    ]
    if found.compared_moves:
        said.append(
            ngettext(
                "Among them is whether a segment does better with another team, of {n} pair of teams.",
                "Among them is whether a segment does better with another team, of {n} pairs of teams.",
                found.compared_moves,
            ).format(n=say.number(found.compared_moves))
        )
    if found.compared_sources:
        said.append(
            ngettext(
                "Another is whether a source is poor whoever works it, of {n} source.",
                "Another is whether a source is poor whoever works it, of {n} sources.",
                found.compared_sources,
            ).format(n=say.number(found.compared_sources))
        )
    return " ".join(said)


def _points(gap: Estimate) -> str:
    """A difference of shares in percentage points, with its interval."""
    return _("{value} ({low} to {high})").format(
        value=say.points(gap.value), low=say.points(gap.low), high=say.points(gap.high)
    )


# ---------------------------------------------------------------- the groups


def _groups(found: ConversionReport, words: Words) -> Section:
    """Shares of each group, against like leads."""
    shares = [one.share for one in found.groups if one.share is not None]
    top = min(1.0, max([0.02, *(min(one.high, 3 * max(one.value, 0.05)) for one in shares)]))
    rows = [_group(one, found, words, top) for one in found.groups]
    rows.append(Row(_cells(_("all"), found.all), is_marked=True))
    against = _("against the others, in points")
    if _alike(found) is not None:
        against = _("against like leads, in points")
    headings = [
        "", _("leads"), _("won"), _("share won, with 95 % interval"), against,
        _("drawn to the mean"),
    ]  # fmt: skip
    cautions = [
        _(
            "Groups with fewer than {n} decided leads are pale: they say little. The upright line is the "
            "share of all."
        ).format(n=SMALL),
        _like_caution(found, words),
    ]
    return Section(
        "groups",
        _("By {by}").format(by=words.role(found.by)),
        [],
        [Grid(headings, rows, pictured=_("share won, and all"))],
        cautions=cautions,
    )


def _group(one: Figures, found: ConversionReport, words: Words, top: float) -> Row:
    cells = _cells(words.value(found.by, one.value), one)
    if one.share is None:
        return Row(cells, is_faint=True)
    is_out = one.rate is not None and one.rate.stands_out
    mark = found.all.share.value if found.all.share is not None else None
    style = "few" if one.is_small else "out" if is_out else ""
    drawing = pictures.dot(one.share.low, one.share.value, one.share.high, top, mark, style)
    return Row(cells, drawing, is_out, one.is_small)


def _cells(name: str, one: Figures) -> list[str]:
    gap = one.rate.gap if one.rate is not None else None
    return [
        name,
        say.number(one.leads),
        say.number(one.won),
        say.share(one.share) if one.share is not None else _NONE,
        "" if gap is None else _points(gap),
        "" if one.rate is None else say.percent(one.rate.shrunk.value),
    ]


def _alike(found: ConversionReport) -> Alike | None:
    """What like leads are alike in, where the groups that are shown are compared among like leads."""
    dimensions = found.found.dimensions if found.found is not None else []
    one = next((one for one in dimensions if one.role == found.by), None)
    return one.alike if one is not None and one.by_like else None


def _like_caution(found: ConversionReport, words: Words) -> str:
    if (alike := _alike(found)) is not None:
        return _(
            "“Against like leads” is the difference to what the others win of leads alike in {columns}, so "
            "that better leads do not make a better group."
        ).format(columns=_roles(alike.compared, words))
    return _("“Against the others” is the difference to all other leads here, which may be of another kind.")


def _time(found: ConversionReport, words: Words) -> Section:
    """What is open, and how soon leads are won."""
    listed = [(words.value(found.by, one.value), one) for one in found.groups]
    rows = [_time_row(name, one) for name, one in (*listed, (_("all"), found.all))]
    rows[-1] = replace(rows[-1], is_marked=True, is_faint=False)
    within = [_("won within {n} days").format(n=days) for days in WITHIN_DAYS]
    headings = ["", _("open"), *within, _("days to win")]
    cautions = [
        _(
            "Won within so many days of the arrival: what is lost can no longer be won, what is open was "
            "seen for only so long (Aalen–Johansen). Empty where no lead was followed for so long."
        ),
        _("Days to win are the median of the wins so far; those of recent leads can only be short."),
    ]
    return Section("time", _("How soon they are won"), [], [Grid(headings, rows)], cautions=cautions)


def _time_row(name: str, one: Figures) -> Row:
    cells = [name, say.number(one.open)]
    cells += ["" if known is None else say.share(known) for known in one.within]
    interval = _("{value} ({low} to {high})")
    days = one.days
    cells.append(
        ""
        if days is None
        else interval.format(
            value=say.number(days.value, 1), low=say.number(days.low, 1), high=say.number(days.high, 1)
        )
    )
    return Row(cells, is_faint=one.is_small)


def _money(found: ConversionReport, words: Words) -> Section | None:
    """What the wins are worth; None where none has a value."""
    if not found.all.valued:
        return None
    listed = [(words.value(found.by, one.value), one) for one in found.groups]
    rows = [_money_row(name, one, words) for name, one in listed if one.valued]
    rows.append(replace(_money_row(_("all"), found.all, words), is_marked=True, is_faint=False))
    headings = ["", _("wins with a value"), _("value won"), _("mean of a win, with 95 % interval")]
    caution = _(
        "The interval of a mean allows for a few very large deals (Hall, 1992); below three wins none."
    )
    return Section("money", _("What the wins are worth"), [], [Grid(headings, rows)], cautions=[caution])


def _money_row(name: str, one: Figures, words: Words) -> Row:
    cells = [name, say.number(one.valued), say.money(one.value_won, words.currency)]
    mean = one.value_mean
    interval = _("{value} ({low} to {high})")
    cells.append(
        ""
        if mean is None
        else interval.format(
            value=say.money(mean.value, words.currency),
            low=say.money(max(0.0, mean.low), words.currency),
            high=say.money(mean.high, words.currency),
        )
    )
    return Row(cells, is_faint=one.valued < SMALL)


def _method() -> Section:
    says = [
        _("The leads are those that arrived in the period, as they stand now. Intervals are 95 % intervals."),
        _(
            "Groups are compared by chi-square, or by permutation where they are small; people, teams, "
            "regions and routes among leads alike in what a lead is (Mantel–Haenszel), as far as that goes "
            "with being won. All comparisons are corrected together (Benjamini–Hochberg, 5 %; within a "
            "grouping by Benjamini and Bogomolov)."
        ),
        _(
            "People, teams and regions are those of who has a lead now, or had it last: who is given leads "
            "just before they are won looks better for it."
        ),
        _(
            "“Drawn to the mean” is the best guess for a group of few: its share, drawn to that of "
            "all (empirical Bayes)."
        ),
    ]
    return Section("method", _("How this was reckoned"), says)
