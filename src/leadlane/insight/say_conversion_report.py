"""How does the report on conversion read? What is won, what of it is more than chance, what is not said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from leadlane.i18n import _, ngettext
from leadlane.insight import pictures, say
from leadlane.insight.conversion import Dimension, GroupRate
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
    decided = ngettext("{won} of {n} decided", "{won} of {n} decided", one.won + one.lost)
    shown = [
        Tile(
            _("Won"),
            say.percent(one.share.value) if one.share else _NONE,
            decided.format(won=say.number(one.won), n=say.number(one.won + one.lost)),
        ),
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


def _interval(one: Estimate) -> str:
    text = _("95 % interval: {low} to {high}")
    return text.format(low=say.percent(one.low), high=say.percent(one.high))


def sections(found: ConversionReport, words: Words) -> list[Section]:
    """All sections: what is won, what is more than chance, the groups, response time, how it was reckoned."""
    made = [_overall(found), _found(found, words), _groups(found, words), _later(found, words)]
    overall = found.all.share.value if found.all.share is not None else None
    effect = found.response
    if effect is not None:
        effect = replace(effect, compared=[words.role(column) for column in effect.compared])
    response = response_section(found.classes, effect, overall)
    return [one for one in (*made, response, _method(found)) if one is not None]


# ---------------------------------------------------------------- what is won


def _overall(found: ConversionReport) -> Section:
    says = []
    if found.found is None:
        says.append(_("Fewer than 20 leads are decided: shares are shown, and nothing is compared."))
    else:
        says.append(overall_words(found.found))
    says += [
        _(
            "Within {n} days of their arrival {share} were won, leads that are still open counted as such."
        ).format(n=days, share=say.share(known))
        for days, known in zip(WITHIN_DAYS, found.all.within, strict=True)
        if known is not None
    ]
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
    return Section("conversion", _("How many leads are won"), says, pictures=shown, cautions=cautions)


# ---------------------------------------------------------------- what is more than chance


def _found(found: ConversionReport, words: Words) -> Section | None:
    if found.found is None:
        return None
    says = [
        *(text for one in found.moves for text in move_words(one, words)),
        *(text for one in found.poor_sources for text in poor_source_words(one, words)),
        *(text for one in found.found.dimensions if one.is_finding for text in _dimension_words(one, words)),
    ]
    if not says:
        says = [_("Nothing here differs by more than chance: nothing is claimed.")]
    rows = [
        Row(
            [
                words.role(one.role),
                say.number(len(one.groups)),
                _yes_or_no(one),
                say.chance(one.q),
                _roles(one.alike.compared, words) if one.by_like and one.alike is not None else "",
            ],
            is_marked=one.is_finding,
        )
        for one in found.found.dimensions
    ]
    headings = [
        _("by"),
        _("groups"),
        _("more than chance"),
        _("corrected p"),
        _("compared among leads alike in"),
    ]
    return Section(
        "found",
        _("What is more than chance"),
        says,
        [Grid(headings, rows, _compared_caption(found))],
        cautions=[
            _(
                "These are associations: who gets which leads may differ in what no column says, and no "
                "figure here says that one thing causes another."
            )
        ],
    )


def _yes_or_no(one: Dimension) -> str:
    return _("yes") if one.is_finding else _("no")


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


def move_words(one: Move, words: Words) -> list[str]:
    """A segment that does better with a team: by how much, of how many, and what that does not say."""
    counts = one.counts
    names = {
        "segment": f"“{words.value('segment', one.segment)}”",
        "team": f"“{words.value('team', one.team)}”",
        "other": f"“{words.value('team', one.other)}”",
    }
    says = [
        _(
            "{segment} does better with {team}: {won} of {count} won, with {other} {other_won} of "
            "{other_count}. Like with like that is {gap} percentage points ({low} to {high}) more."
        ).format(
            **names,
            won=say.number(counts.won),
            count=say.number(counts.count),
            other_won=say.number(counts.other_won),
            other_count=say.number(counts.other_count),
            **_points(one.gap),
        )
    ]
    if one.elsewhere is not None:
        says.append(
            _(
                "With all other segments {team} differs from {other} by {gap} percentage points "
                "({low} to {high}). Corrected p: {p}."
            ).format(**names, **_points(one.elsewhere), p=say.chance(one.q))
        )
    return says


def poor_source_words(one: PoorSource, words: Words) -> list[str]:
    """A source that is poor whoever works it: by how much, of how many, with how many of its owners."""
    counts = one.counts
    said = _(
        "“{source}” is poor whoever works it: {won} of {count} won, {gap} percentage points "
        "({low} to {high}) against other leads of the same owners. Corrected p: {p}."
    ).format(
        source=words.value("source", one.source),
        won=say.number(counts.won),
        count=say.number(counts.count),
        p=say.chance(one.q),
        **_points(one.gap),
    )
    if one.by == "team":
        who = ngettext(
            "It is below the others with {below} of {n} team that had at least {few} of its leads.",
            "It is below the others with {below} of {n} teams that had at least {few} of its leads.",
            one.workers,
        )
    else:
        who = ngettext(
            "It is below the others with {below} of {n} owner who had at least {few} of its leads.",
            "It is below the others with {below} of {n} owners who had at least {few} of its leads.",
            one.workers,
        )
    return [said, who.format(below=say.number(one.below), n=say.number(one.workers), few=SMALL)]


def _points(gap: Estimate) -> dict[str, str]:
    return {"gap": say.points(gap.value), "low": say.points(gap.low), "high": say.points(gap.high)}


def _dimension_words(one: Dimension, words: Words) -> Iterator[str]:
    """That the groups of a dimension differ, which stand out most, and what else may be the reason."""
    said = _("By {column} the shares won differ by more than chance (corrected p: {p}).")
    if one.by_like and one.alike is not None:
        said = _(
            "By {column} the shares won differ by more than chance, also among leads alike in {compared} "
            "(corrected p: {p})."
        )
    compared = _roles(one.alike.compared, words) if one.alike is not None else ""
    yield said.format(column=words.role(one.role), p=say.chance(one.q), compared=compared)
    standing = [row for row in one.groups if row.stands_out and row.gap is not None]
    above = sorted((row for row in standing if row.gap.value > 0), key=lambda row: -row.gap.value)  # type: ignore[union-attr]
    below = sorted((row for row in standing if row.gap.value < 0), key=lambda row: row.gap.value)  # type: ignore[union-attr]
    if above:
        yield _("Above the others: {groups}.").format(groups=_named(one.role, above, words))
    if below:
        yield _("Below the others: {groups}.").format(groups=_named(one.role, below, words))
    if one.alike is not None and not one.by_like:
        columns = _roles([column for column, _strength in one.alike.confounders], words)
        if one.alike.p > FALSE_SHARE:
            yield _(
                "Their leads differ too, in {columns}; among leads alike in {compared} the difference is not "
                "beyond chance (p: {p})."
            ).format(columns=columns, compared=compared, p=say.chance(one.alike.p))
        else:
            yield _(
                "Their leads differ too, in {columns}; among leads alike in {compared} a difference remains "
                "(p: {p})."
            ).format(columns=columns, compared=compared, p=say.chance(one.alike.p))


def _named(role: str, rows: Sequence[GroupRate], words: Words) -> str:
    shown = [
        _("{name}: {share} of {n}, {gap} points ({low} to {high})").format(
            name=f"“{words.value(role, row.name)}”",
            share=say.percent(row.rate.value),
            n=say.number(row.count),
            **_points(row.gap),
        )
        for row in rows[:_MOST_NAMED]
        if row.gap is not None
    ]
    if len(rows) > _MOST_NAMED:
        more = len(rows) - _MOST_NAMED
        shown.append(ngettext("{n} more", "{n} more", more).format(n=say.number(more)))
    return "; ".join(shown)


# ---------------------------------------------------------------- the groups


def _groups(found: ConversionReport, words: Words) -> Section:
    """Shares of each group, against like leads."""
    shares = [one.share for one in found.groups if one.share is not None]
    top = min(1.0, max([0.02, *(min(one.high, 3 * max(one.value, 0.05)) for one in shares)]))
    rows = [_group(one, found, words, top) for one in found.groups]
    rows.append(Row(_cells(_("all"), found.all), is_marked=True))
    headings = [
        "", _("leads"), _("won"), _("share won, with 95 % interval"), _("against like leads, in points"),
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
    points = _("{value} ({low} to {high})")
    return [
        name,
        say.number(one.leads),
        say.number(one.won),
        say.share(one.share) if one.share is not None else _NONE,
        ""
        if gap is None
        else points.format(value=say.points(gap.value), low=say.points(gap.low), high=say.points(gap.high)),
        "" if one.rate is None else say.percent(one.rate.shrunk.value),
    ]


def _like_caution(found: ConversionReport, words: Words) -> str:
    dimensions = found.found.dimensions if found.found is not None else []
    one = next((one for one in dimensions if one.role == found.by), None)
    if one is not None and one.by_like and one.alike is not None:
        return _(
            "“Against like leads” is the difference to what the others win of leads alike in {columns}, so "
            "that better leads do not make a better group."
        ).format(columns=_roles(one.alike.compared, words))
    return _(
        "“Against like leads” is the difference to all others: nothing else is known to tell leads apart."
    )


def _later(found: ConversionReport, words: Words) -> Section:
    """What is open, when it is won, and what it is worth."""
    rows = [_time_and_money(words.value(found.by, one.value), one, words) for one in found.groups]
    rows.append(_time_and_money(_("all"), found.all, words, is_all=True))
    headings = [
        "", _("open"), *(_("within {n} days").format(n=days) for days in WITHIN_DAYS), _("days to win"),
        _("value won"), _("mean of a win, with 95 % interval"),
    ]  # fmt: skip
    cautions = [
        _(
            "Won within so many days of the arrival: what is lost can no longer be won, what is open was "
            "seen for only so long (Aalen–Johansen). Empty where no lead was followed for so long."
        ),
        _("Days to win are the median of the wins so far; those of recent leads can only be short."),
    ]
    return Section("later", _("How soon, and worth how much"), [], [Grid(headings, rows)], cautions=cautions)


def _time_and_money(name: str, one: Figures, words: Words, *, is_all: bool = False) -> Row:
    mean = one.value_mean
    interval = _("{value} ({low} to {high})")
    cells = [name, say.number(one.open)]
    cells += ["" if known is None else say.share(known) for known in one.within]
    cells.append("" if one.days is None else say.number(one.days.value, 1))
    cells.append(say.money(one.value_won, words.currency) if one.valued else "")
    cells.append(
        ""
        if mean is None
        else interval.format(
            value=say.money(mean.value, words.currency),
            low=say.money(max(0.0, mean.low), words.currency),
            high=say.money(mean.high, words.currency),
        )
    )
    return Row(cells, is_marked=is_all, is_faint=one.is_small and not is_all)


def _method(found: ConversionReport) -> Section:
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
        _("The interval of a mean value allows for a few very large deals (Hall, 1992)."),
    ]
    return Section("method", _("How this was reckoned"), says)
