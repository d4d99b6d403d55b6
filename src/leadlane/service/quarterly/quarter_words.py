"""How does the quarterly review read? The same sections for its document, its page and a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from leadlane.core.facts import Roster
from leadlane.explain.speech import person_words
from leadlane.i18n import N_, _, ngettext
from leadlane.insight import pictures, say
from leadlane.insight.costs import Cost
from leadlane.insight.findings import Finding, Proposal
from leadlane.insight.proportions import Estimate
from leadlane.insight.say_costs import SOURCES, ranged
from leadlane.insight.section import Grid, Picture, Report, Row, Section, Tile, Tone
from leadlane.insight.verdicts import Verdict, figures_of, is_folded
from leadlane.service.quarterly.past_period import PastPeriod
from leadlane.service.quarterly.quarter import Item, Quarterly
from leadlane.service.quarterly.review_basis import FACTORS
from leadlane.service.quarterly.review_verdicts import Followed

_MOST_PEOPLE = 8


def open_items(made: Quarterly, given: Mapping[str, Verdict]) -> list[Item]:
    """The findings that wait for a verdict; one that was dismissed does, where it is clearly worse by now."""
    return [one for one in made.items if not _is_settled(one.finding, given)]


def folded_items(made: Quarterly, given: Mapping[str, Verdict]) -> list[Item]:
    """The findings that were dismissed, and are no worse than they were then."""
    return [one for one in made.items if _is_dismissed(one.finding, given)]


def _is_settled(finding: Finding, given: Mapping[str, Verdict]) -> bool:
    verdict = given.get(finding.key)
    is_accepted = verdict is not None and verdict.said in ("accepted", "edited")
    return is_accepted or _is_dismissed(finding, given)


def _is_dismissed(finding: Finding, given: Mapping[str, Verdict]) -> bool:
    return is_folded(given.get(finding.key), figures_of(finding))


def report_of(
    made: Quarterly,
    roster: Roster,
    zone: ZoneInfo,
    given: Mapping[str, Verdict],
    done: Sequence[Followed],
) -> Report:
    """The review as a report. `given` are the verdicts that count, `done` what came of those accepted."""
    shown, folded = open_items(made, given), folded_items(made, given)
    sections = [_overview(made, shown)]
    sections += [finding_section(made, roster, number, one) for number, one in enumerate(shown, 1)]
    if done:
        sections.append(_followed(done, zone))
    if folded:
        sections.append(_folded(folded, given))
    sections.append(_method(made))
    subtitle = _("Leads that arrived from {first} to {last}; made on {day}").format(
        first=say.day(made.since, zone),
        last=say.day(made.until - timedelta(microseconds=1), zone),
        day=say.day(made.made_at, zone),
    )
    title = _("Quarterly review {name}").format(name=made.name)
    return Report(title, subtitle, _tiles(made, shown), sections)


def _tiles(made: Quarterly, shown: Sequence[Item]) -> list[Tile]:
    ranges = [one.finding.money.money for one in shown if one.finding.money is not None]
    tiles = [
        Tile(
            _("Findings"),
            say.number(len(shown)),
            ngettext("{n} with a proposal", "{n} with a proposal", _proposed(shown)).format(
                n=say.number(_proposed(shown))
            ),
        ),
        Tile(
            _("Leads"),
            say.number(made.leads),
            _("{decided} won or lost by now, {won} won").format(
                decided=say.number(made.decided), won=say.number(made.won)
            ),
        ),
    ]
    if ranges:
        most = max(ranges, key=lambda one: one[1])
        low, middle, high = (say.money(amount, made.currency) for amount in most)
        note = _("a quarter, {low} to {high}; findings overlap, so they are not added up")
        tiles.insert(0, Tile(_("The largest finding"), middle, note.format(low=low, high=high), "bad"))
    return tiles


def _proposed(items: Sequence[Item]) -> int:
    return sum(one.tried is not None and not one.tried.refused for one in items)


def _overview(made: Quarterly, shown: Sequence[Item]) -> Section:
    if not made.leads:
        return Section("overview", _("What to change"), [_("No leads came in the period.")], tone="unsure")
    if not shown:
        says = [_("Nothing was found that is more than chance explains and waits for a decision.")]
        return Section("overview", _("What to change"), says, tone="good")
    top = max((one.finding.money.money[2] for one in shown if one.finding.money is not None), default=0.0)
    rows = [
        Row(
            [
                f"{number}. {one.finding.title}",
                _money_words(one.finding.money, made.currency),
                certainty_words(one.finding),
                say.number(one.finding.leads),
                one.finding.proposal.title if one.finding.proposal else _("none"),
            ],
            _bar(one.finding.money, top),
        )
        for number, one in enumerate(shown, 1)
    ]
    says = [
        ngettext(
            "{n} finding, the most expected money first: what it costs a quarter × its certainty.",
            "{n} findings, the most expected money first: what it costs a quarter × its certainty.",
            len(shown),
        ).format(n=say.number(len(shown)))
    ]
    headings = [_("finding"), _("a quarter"), _("certainty"), _("leads"), _("proposal")]
    grid = Grid(headings, rows, "", _("range") if top else "")
    return Section("overview", _("What to change"), says, [grid])


_RESTS_ON = {
    "count": N_("counted"),
    "forecast": N_("forecast, {share}"),
    "model": N_("reckoned, {share}"),
}


def certainty_words(finding: Finding) -> str:
    """How sure it is; of what is no comparison, what it is instead: only comparisons are corrected."""
    share = say.percent(finding.certainty)
    if finding.rests_on == "comparison":
        return share
    return _(_RESTS_ON[finding.rests_on]).format(share=share)


def _bar(cost: Cost | None, top: float) -> Markup:
    return pictures.money_range(*cost.money, top) if cost is not None and top else Markup("")


# ---------------------------------------------------------------- one finding


def finding_section(made: Quarterly, roster: Roster, number: int, item: Item) -> Section:
    """A finding with its evidence, what it costs, and its proposal tried out."""
    finding = item.finding
    says = list(finding.says)
    grids = list(finding.evidence)
    if finding.money is not None:
        says.insert(0, _cost_sentence(finding.money, made.currency))
        grids.append(formula(finding.money, made.currency))
    if finding.proposal is None:
        says.append(_("No change of the rules or the roster is proposed for it."))
    elif item.tried is None or item.tried.refused:
        refused = item.tried.refused if item.tried else ""
        text = _("Proposal, which cannot be made as it is: {title}. {why}")
        says.append(text.format(title=finding.proposal.title, why=refused))
    else:
        says += [_("Proposal: {title}.").format(title=finding.proposal.title), *finding.proposal.says]
        says += [f"· {words}" for words in item.tried.words]
    said, shown = tried_out(item, roster)
    says += said
    grids += shown
    lines = item.tried.lines if item.tried else ()
    drawn = [Picture(yaml_change(lines), _("The change as YAML"))] if lines else []
    warnings = item.tried.warnings if item.tried else ()
    cautions = [_("The check warns: {warning}").format(warning=one) for one in warnings]
    tone: Tone = "bad" if finding.money is not None else "unsure"
    return Section(f"f-{number}", f"{number}. {finding.title}", says, grids, drawn, cautions, tone)


def tried_out(item: Item, roster: Roster) -> tuple[list[str], list[Grid]]:
    """What a proposal would have made of the period's leads, in words and tables; nothing where not tried."""
    past = item.tried.past if item.tried else None
    if past is None or item.finding.proposal is None:
        return [], []
    says = past_words(past)
    if item.finding.proposal.gains:
        says += _wins_words(past, item.finding.proposal, roster)
    return says, [grid for grid in (people_grid(past, roster), moved_grid(past)) if grid.rows]


def _money_words(cost: Cost | None, currency: str) -> str:
    return "–" if cost is None else say.money(cost.money[1], currency)


def _cost_sentence(cost: Cost, currency: str) -> str:
    low, middle, high = (say.money(amount, currency) for amount in cost.money)
    return _("It costs an estimated {middle} a quarter, somewhere between {low} and {high}.").format(
        middle=middle, low=low, high=high
    )


def formula(cost: Cost, currency: str) -> Grid:
    """How the money of a finding was reckoned: its factors, with their ranges and where they come from."""
    rows = [
        Row([("× " if place else "") + _(FACTORS[one.name]), ranged(one, currency), _(SOURCES[one.source])])
        for place, one in enumerate(cost.factors)
    ]
    return Grid([_("factor"), _("value (range)"), _("from")], rows, _("How the money was reckoned"))


def yaml_change(lines: Sequence[str]) -> Markup:
    """A unified difference as lines, those added and removed marked."""
    parts = []
    for line in lines:
        style = {"+": "added", "-": "removed", "@": "place"}.get(line[:1], "")
        is_name = line.startswith(("+++", "---"))
        parts.append(Markup('<span class="{}">{}</span>\n').format("place" if is_name else style, line))
    return Markup('<pre class="change" tabindex="0">{}</pre>').format(Markup("").join(parts))


# ---------------------------------------------------------------- decided again


def past_words(past: PastPeriod) -> list[str]:
    """What a change would have made of the period's leads."""
    text = _(
        "Decided again with it: of {leads} leads {changed} would have gone otherwise, {hands} to others."
    )
    said = [
        text.format(
            leads=say.number(past.leads), changed=count_words(past.changed), hands=count_words(past.hands)
        )
    ]
    if past.turns:
        text = _("{n} more would have gone to another of the same people, because turns shift.")
        said.append(text.format(n=say.number(past.turns)))
    if past.sooner or past.later:
        text = _("Promises: {sooner} would have been sooner, {later} later.")
        said.append(text.format(sooner=say.number(past.sooner), later=say.number(past.later)))
    if past.left_out:
        text = _("{n} more are left out: they could not be decided again, what they stand on is gone.")
        said.append(text.format(n=say.number(past.left_out)))
    if past.is_sample:
        text = _("A random sample of {n} leads was looked at; ranges are 95 % intervals.")
        said.append(text.format(n=say.number(past.looked_at)))
    return said


def _wins_words(past: PastPeriod, proposal: Proposal, roster: Roster) -> list[str]:
    """What may follow for leads that would have gone to a team with other results: leads × share won more."""
    team = _people_of(roster, proposal.team)
    value = low = high = moved = 0.0
    for other, gap in proposal.gains.items():
        people = _people_of(roster, other)
        count = past.scaled(sum(n for one, another, n in past.pairs if one in people and another in team))
        ends = [number * edge for number in (count.low, count.high) for edge in (gap.low, gap.high)]
        moved, value = moved + count.value, value + count.value * gap.value
        low, high = low + min(ends), high + max(ends)
    if not moved:
        return [_("None of its leads would have gone to that team: look at what its pools prefer.")]
    text = _(
        "{n} leads would have gone to {team}. By what each team wins of them that is {wins} wins more "
        "({low} to {high})."
    )
    known = roster.teams.get(proposal.team)
    return [
        text.format(
            n=say.number(moved),
            team=known.name if known and known.name else proposal.team,
            wins=say.number(value, 1),
            low=say.number(low, 1),
            high=say.number(high, 1),
        )
    ]


def _people_of(roster: Roster, team: str) -> set[str]:
    """The people whose first team it is: by that one results are counted."""
    return {one.id for one in roster.people.values() if one.teams[:1] == (team,)}


def count_words(count: Estimate) -> str:
    """A count, with its interval where it is not exact."""
    if count.low == count.high:
        return say.number(count.value)
    return _("{value} ({low} to {high})").format(
        value=say.number(count.value), low=say.number(count.low), high=say.number(count.high)
    )


def people_grid(past: PastPeriod, roster: Roster) -> Grid:
    """Who would have had more or fewer leads, those with the largest change first."""
    changed = sorted(
        (one for one in past.people if one[1] != one[2]), key=lambda one: (-abs(one[2] - one[1]), one[0])
    )
    rows = [
        Row([person_words(roster, id_), say.number(before), say.number(after), _signed(after - before)])
        for id_, before, after in changed[:_MOST_PEOPLE]
    ]
    headings = [_("person"), _("as it is"), _("changed"), _("difference")]
    return Grid(headings, rows, _("Leads that came to each by the rules"))


def _signed(count: int) -> str:
    return f"+{say.number(count)}" if count > 0 else say.number(count)


_COMPARED = {
    "segment": N_("segment"),
    "route": N_("route"),
    "destination": N_("destination"),
    "service_level": N_("service level"),
}


def moved_grid(past: PastPeriod) -> Grid:
    """Which leads would have gone where: by route, segment, destination and service level."""
    rows = [
        Row([f"{_(_COMPARED[what])}: {before or '–'} → {after or '–'}", say.number(count)])
        for what, before, after, count in past.moved
        if what in _COMPARED
    ]
    return Grid([_("from → to"), _("leads")], rows[: 2 * _MOST_PEOPLE], _("What would have been different"))


# ---------------------------------------------------------------- what was said before


def _followed(done: Sequence[Followed], zone: ZoneInfo) -> Section:
    rows = [
        Row(
            [
                one.verdict.title,
                say.day(one.verdict.at, zone),
                _done_words(one, zone),
                _effect(one.verdict.figures.effect),
                _effect(one.now.effect) if one.now else _("no longer found"),
            ]
        )
        for one in done
    ]
    headings = [_("finding"), _("accepted"), _("since then"), _("effect then"), _("effect now")]
    caution = _("That a figure has changed since does not say that the change was the reason.")
    return Section(
        "followed", _("What came of those accepted"), [], [Grid(headings, rows)], cautions=[caution]
    )


def _done_words(one: Followed, zone: ZoneInfo) -> str:
    if one.published is not None:
        return _("published as version {number} on {day}").format(
            number=one.published.number, day=say.day(one.published.published_at, zone)
        )
    return _("in the roster") if one.is_done else _("not published yet")


def _effect(effect: Estimate | None) -> str:
    if effect is None:
        return "–"
    return _("{value} ({low} to {high})").format(
        value=say.percent(effect.value), low=say.percent(effect.low), high=say.percent(effect.high)
    )


def _folded(folded: Sequence[Item], given: Mapping[str, Verdict]) -> Section:
    said = [
        _("{title}: dismissed in {period} because “{reason}”").format(
            title=one.finding.title,
            period=given[one.finding.key].period,
            reason=given[one.finding.key].reason,
        )
        for one in folded
    ]
    note = _("They come back when their money or their effect is clearly beyond what it was.")
    return Section("folded", _("Dismissed before"), [*said, note])


def _method(made: Quarterly) -> Section:
    says = [
        _(
            "Only what is more than chance explains is claimed, corrected for all comparisons of the review: "
            "where nothing differs at all, no more than one review in twenty claims anything. Results are "
            "compared over the year until the end of the period: a quarter has too few wins for it."
        ),
        _(
            "What is counted, forecast or reckoned (full and idle weeks, weeks to come, changes of teams) is "
            "no such claim: of many some stand out by chance, and no correction is made for it."
        ),
        _("A figure that goes together with another is not shown to be its cause."),
        _(
            "Deciding again takes the world as it was stored then: who was how full, who was away. What"
            " people would have done with leads that came to them instead is not known."
        ),
        *made.cannot,
    ]
    rows = [
        Row([_(FACTORS[one.name]), one.name, ranged(one, made.currency), _(SOURCES[one.source])])
        for one in made.assumptions
    ]
    caption = _("Everything assumed can be changed: `--assume deal_value=12000`, or as a range.")
    grid = Grid([_("what it is"), _("name"), _("value (range)"), _("from")], rows, caption)
    return Section("method", _("How this was made"), says, [grid])
