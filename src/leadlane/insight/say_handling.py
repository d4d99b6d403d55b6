"""How is it told what happens to leads? Owners, waiting, answers, hand-offs, duplicates, load, hours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isinf

from babel.dates import get_day_names

from leadlane.i18n import _, current_language, ngettext
from leadlane.insight import pictures, say
from leadlane.insight.audit import Audit
from leadlane.insight.groups import FALSE_SHARE
from leadlane.insight.pictures import Line
from leadlane.insight.proportions import Estimate
from leadlane.insight.response import DAY, HOUR, MINUTE, Effect, ResponseClass, Waiting
from leadlane.insight.section import Grid, Legend, Picture, Row, Section, Tone
from leadlane.insight.workload import BANDS, LEVELS, Duplicates, HandOffs, Load, Mismatch

_TIMED_MARKS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY)
_DATED_MARKS = (DAY, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY)
_TOLD_TIMED = (5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY)
_TOLD_DATED = (0.0, DAY, 3 * DAY, 7 * DAY)
_PEOPLE = 20


def sections(audit: Audit) -> list[Section]:
    """What the files say of how leads are handled, in the order of a lead's life."""
    made = [
        _unowned(audit),
        _untouched(audit),
        _waiting(audit),
        _effect(audit),
        _duplicates(audit.duplicates),
        _mismatch(audit),
        _hand_offs(audit.hand_offs),
        _load(audit.load),
        _rhythm(audit),
    ]
    return [section for section in made if section is not None]


def _unowned(audit: Audit) -> Section | None:
    found = audit.unowned
    if found is None:
        return None
    heading = _("Leads that nobody owns")
    count = say.number(audit.leads.count)
    if not found.count:
        every = ngettext(
            "The {n} lead has an owner.", "Each of the {n} leads has an owner.", audit.leads.count
        )
        return Section("unowned", heading, [every.format(n=count)], tone="good")
    says = [
        ngettext(
            "{n} of {count} leads has no owner: {share}.",
            "{n} of {count} leads have no owner: {share}.",
            found.count,
        ).format(n=say.number(found.count), count=count, share=say.share(found.share))
    ]
    if found.still_open:
        says.append(
            ngettext("{n} of these is still open.", "{n} of these are still open.", found.still_open).format(
                n=say.number(found.still_open)
            )
        )
    return Section("unowned", heading, says, tone="bad")


def _untouched(audit: Audit) -> Section | None:
    if audit.untouched is None:
        return None
    never, found = audit.untouched
    said = ngettext(
        "{n} of {count} leads has not a single touch: {share}.",
        "{n} of {count} leads have not a single touch: {share}.",
        never,
    ).format(n=say.number(never), count=say.number(found.count), share=say.share(found))
    return Section("untouched", _("Leads that nobody ever touched"), [said], tone="bad" if never else "good")


# ---------------------------------------------------------------- waiting


def _waiting(audit: Audit) -> Section | None:
    found = audit.waiting
    if found is None or found.calendar is None:
        return None
    told = _TOLD_TIMED if found.timed else _TOLD_DATED
    says = [_median(found), *_never(audit, found)]
    if (business := found.business) is not None and (middle := business.time_of(0.5)) is not None:
        says.append(
            _("In working time half of them have it within {middle} ({low} to {high}).").format(
                middle=say.span(middle.value), low=say.span(middle.low), high=say.span(middle.high)
            )
        )
    rows = []
    for seconds in told:
        cells = [within(seconds), say.share(found.calendar.done_by(seconds))]
        cells.append(say.share(found.business.done_by(seconds)) if found.business is not None else "")
        rows.append(Row(cells if found.business is not None else cells[:2]))
    headings = ["", _("answered, calendar time")]
    if found.business is not None:
        headings.append(_("answered, working time"))
    cautions = [_("Leads still waiting are counted as waiting, not dropped (Kaplan–Meier).")]
    if found.earlier:
        cautions.append(
            ngettext(
                "{n} lead with a response before its arrival is left out.",
                "{n} leads with a response before their arrival are left out.",
                found.earlier,
            ).format(n=say.number(found.earlier))
        )
    if not found.timed:
        cautions.append(_("The files have dates without times of day, so minutes and hours cannot be told."))
    return Section(
        "waiting", _("How long leads wait for a first response"), says, [Grid(headings, rows)],
        [_curves(found)], cautions, _waiting_tone(found),
    )  # fmt: skip


def _median(found: Waiting) -> str:
    assert found.calendar is not None  # who asks has looked
    middle = found.calendar.time_of(0.5)
    count = say.number(found.count)
    if middle is None:
        return _("Fewer than half of {count} leads have a first response at all.").format(count=count)
    return _("Half of {count} leads have a first response within {middle} ({low} to {high}).").format(
        count=count, middle=say.span(middle.value), low=say.span(middle.low), high=say.span(middle.high)
    )


def _never(audit: Audit, found: Waiting) -> list[str]:
    never = found.count - found.answered
    if not never or audit.as_of is None:
        return []
    said = ngettext(
        "{n} lead had none by {day}, or by the time it was closed.",
        "{n} leads had none by {day}, or by the time they were closed.",
        never,
    )
    return [said.format(n=say.number(never), day=say.day(audit.as_of, audit.asked.zone))]


def _waiting_tone(found: Waiting) -> Tone:
    assert found.calendar is not None  # who asks has looked
    done = found.calendar.done_by(HOUR if found.timed else DAY).value
    return "good" if done >= 0.8 else "bad" if done < 0.5 else ""


def _curves(found: Waiting) -> Picture:
    marks = _TIMED_MARKS if found.timed else _DATED_MARKS
    assert found.calendar is not None  # who asks has looked
    lines = [Line(_("calendar time"), found.calendar, "first")]
    if found.business is not None:
        lines.append(Line(_("working time"), found.business, "second"))
    title = _("Share of leads answered, against time since arrival")
    drawing = pictures.waiting_curves(lines, [(at, _short(at)) for at in marks], title)
    caption = _("Share of leads answered, against time since arrival. The bands are 95 % intervals.")
    return Picture(drawing, caption, [Legend(line.style, line.name) for line in lines])


def _short(seconds: float) -> str:
    """A time on an axis: `15 min`."""
    if seconds < HOUR:
        return _("{n} min").format(n=round(seconds / MINUTE))
    if seconds < DAY:
        return _("{n} h").format(n=round(seconds / HOUR))
    return _("{n} d").format(n=round(seconds / DAY))


def within(seconds: float) -> str:
    """`within 15 minutes`, `on the same day`."""
    return _("within {span}").format(span=say.span(seconds)) if seconds else _("on the same day")


# ---------------------------------------------------------------- conversion against response time


def _effect(audit: Audit) -> Section | None:
    overall = audit.conversion.overall.value if audit.conversion else None
    return response_section(audit.classes, audit.effect, overall)


def response_section(
    classes: Sequence[ResponseClass], effect: Effect | None, overall: float | None
) -> Section | None:
    """Conversion by how soon leads were answered, and fast against slow; None where nothing is known."""
    # Each class begins where the one before it ends.
    named = [
        (_class_name(one, before), one) for before, one in pairwise([None, *classes]) if one and one.count
    ]
    classes = [one for _name, one in named]
    if not classes:
        return None
    says = [] if effect is None else _compared(effect)
    top = max([0.02, *(min(1.0, one.rate.high) for one in classes if one.rate)])
    rows = []
    for name, one in named:
        if one.rate is None:
            continue
        cells = [name, say.number(one.count), say.number(one.won), say.percent(one.rate.value)]
        cells.append(f"{say.percent(one.rate.low)} – {say.percent(one.rate.high)}")
        drawing = pictures.dot(
            one.rate.low, one.rate.value, one.rate.high, top, overall, "few" if one.rate.is_small else ""
        )
        rows.append(Row(cells, drawing, is_faint=one.rate.is_small))
    grid = Grid(
        [_("answered"), _("leads"), _("won"), _("share"), _("95 % interval")], rows, "", _("share won")
    )
    cautions = [_("An association: who answers fast may also pick the better leads.")]
    if any(one.until is None for one in classes):
        cautions.append(
            _("Leads that were never answered are not compared: they may be junk that nobody had to answer.")
        )
    is_lost = effect is not None and effect.q <= FALSE_SHARE and effect.best.value > 0
    heading = _("Conversion against response time")
    return Section("response-and-conversion", heading, says, [grid], (), cautions, "bad" if is_lost else "")


def _class_name(one: ResponseClass, before: ResponseClass | None) -> str:
    if one.until is None:
        return _("never")
    if isinf(one.until):
        return _("later")
    if before is None or not before.until:
        return within(one.until)
    return _("{low} to {high}").format(low=say.span(before.until), high=say.span(one.until))


def _compared(found: Effect) -> list[str]:
    fast, slow = found.fast, found.slow
    assert fast.rate is not None  # both sides have leads
    assert slow.rate is not None
    says = [
        _(
            "Of {fast_count} leads answered {within} {fast} were won, of {slow_count} answered later {slow}: "
            "a difference of {gap} percentage points ({low} to {high})."
        ).format(
            fast_count=say.number(fast.count),
            within=within(found.threshold),
            fast=say.percent(fast.rate.value),
            slow_count=say.number(slow.count),
            slow=say.percent(slow.rate.value),
            **_points(found.plain),
        )
    ]
    if found.alike is not None:
        says.append(
            _("Among leads alike in {columns} it is {gap} percentage points ({low} to {high}).").format(
                columns=say.names(list(found.compared)), **_points(found.alike)
            )
        )
    if found.q <= FALSE_SHARE:
        says.append(_("That is more than chance (corrected p: {p}).").format(p=say.chance(found.q)))
    else:
        says.append(
            _("That is not beyond chance (corrected p: {p}): nothing is claimed.").format(
                p=say.chance(found.q)
            )
        )
    return says


def _points(gap: Estimate) -> dict[str, str]:
    return {"gap": say.points(gap.value), "low": say.points(gap.low), "high": say.points(gap.high)}


# ---------------------------------------------------------------- duplicates, levels, hand-offs


def _duplicates(found: Duplicates | None) -> Section | None:
    if found is None:
        return None
    if not found.surplus_leads:
        says = [_("No prospect came as several leads.")]
    else:
        says = [
            ngettext(
                "{n} lead is of a prospect who was there already: {share}.",
                "{n} leads are of prospects who were there already: {share}.",
                found.surplus_leads,
            ).format(n=say.number(found.surplus_leads), share=say.share(found.surplus))
        ]
    if found.several_hands is not None:
        said = ngettext(
            "{n} prospect was in the hands of several people: {share} of those with an owner. "
            "Without rules it "
            "is usually 10 to 15 %.",
            "{n} prospects were in the hands of several people: {share} of those with an owner. "
            "Without rules "
            "it is usually 10 to 15 %.",
            found.hands_prospects,
        )
        says.append(said.format(n=say.number(found.hands_prospects), share=say.share(found.several_hands)))
    cautions = []
    if not found.compared_all:
        cautions.append(
            _(
                "In files of this size leads are the same prospect by the same mailbox, or the same "
                "telephone "
                "number and name; `leadlane duplicates` finds those that are written differently too."
            )
        )
    tone: Tone = "bad" if found.hands_prospects else "good"
    return Section("duplicates", _("The same prospect several times"), says, cautions=cautions, tone=tone)


def _mismatch(audit: Audit) -> Section | None:
    found = audit.mismatch
    if found is None:
        return None
    says = [
        _(
            "{above} of {count} deals are larger than the level of their owner is for, {below} are smaller."
        ).format(above=say.share(found.above), count=say.number(found.count), below=say.share(found.below))
    ]
    for band, one in found.effects.items():
        if one.is_finding:
            said = _(
                "Deals {band}: those with owners of the level for it are won more often by {gap} percentage "
                "points ({low} to {high}); that is more than chance (corrected p: {p})."
            )
        else:
            said = _(
                "Deals {band}: the difference of {gap} percentage points ({low} to {high}) between "
                "owners of the "
                "level for it and others is not beyond chance (corrected p: {p})."
            )
        says.append(said.format(band=_band_name(band), p=say.chance(one.q), **_points(one.gap)))
    cautions = [_("An association: large deals with juniors may differ from large deals with seniors.")]
    if found.unread_levels:
        cautions.append(
            _("These levels are not understood as junior, mid or senior: {names}.").format(
                names=say.names(list(found.unread_levels))
            )
        )
    tone: Tone = "bad" if found.above.value > 0.1 else ""
    return Section(
        "levels", _("Deals and the level of their owner"), says, [_levels(found)], (), cautions, tone
    )


def _levels(found: Mismatch) -> Grid:
    cells = {(cell.band, cell.level): cell for cell in found.cells}
    rows = []
    for band in BANDS:
        texts = [_band_name(band)]
        for level in LEVELS:
            cell = cells[band, level]
            if cell.decided:
                texts.append(
                    _("{n} ({share} won)").format(
                        n=say.number(cell.count), share=say.percent(cell.won / cell.decided)
                    )
                )
            else:
                texts.append(say.number(cell.count))
        rows.append(Row(texts))
    return Grid(
        ["", _("junior"), _("mid-level"), _("senior")], rows, _("Deals by band and level of the owner.")
    )


def _band_name(band: str) -> str:
    names = {
        "small": _("below 10,000"),
        "mid": _("10,000 to 50,000"),
        "enterprise": _("above 50,000"),
    }
    return names[band]


def _hand_offs(found: HandOffs | None) -> Section | None:
    if found is None:
        return None
    says = [
        _(
            "A lead changes hands {mean} times on average; {once} change hands at all, {often} three "
            "times or more."
        ).format(mean=say.number(found.mean, 2), once=say.share(found.once), often=say.share(found.often))
    ]
    if found.ping_pong is not None:
        said = (
            _("Ping-pong, back to a team that had handed it on: {n} of them, {share}.")
            if found.by == "team"
            else _("Ping-pong, back to a person who had handed it on: {n} of them, {share}.")
        )
        says.append(said.format(n=say.number(found.ping_pong_cases), share=say.share(found.ping_pong)))
    rows = [Row([f"{one} → {other}", say.number(times)]) for one, other, times in found.pairs]
    grids = [Grid([_("from → to"), _("times")], rows, _("The commonest hand-offs."))] if rows else []
    return Section("hand-offs", _("Hand-offs"), says, grids, tone="bad" if found.often.value > 0.1 else "")


# ---------------------------------------------------------------- load and hours


def _load(found: Load | None) -> Section | None:
    if found is None:
        return None
    people = len(found.people)
    says = [
        ngettext(
            "{n} person has {average} leads on average; the fullest has {most}, the least {least}.",
            "{n} people have {average} leads each on average; the fullest has {most}, the least {least}.",
            people,
        ).format(
            n=say.number(people), average=say.number(found.average), most=say.number(found.people[0][1]),
            least=say.number(found.people[-1][1]),
        ),
        _("Inequality (Gini): {gini}; 0 is all the same, 1 one person has everything.").format(
            gini=say.number(found.inequality, 2)
        ),
    ]  # fmt: skip
    most = found.people[0][1]
    rows = []
    for name, count, still_open in found.people[:_PEOPLE]:
        cells = [name, say.number(count), "" if still_open is None else say.number(still_open)]
        rows.append(Row(cells, pictures.bar(count, most, still_open)))
    caption = ""
    if people > _PEOPLE:
        more = people - _PEOPLE
        caption = ngettext("{n} more person is not shown.", "{n} more people are not shown.", more).format(
            n=more
        )
    grid = Grid([_("owner"), _("leads"), _("still open")], rows, caption, _("leads, dark: open"))
    cautions = [_("Who has few leads may be new, away or part-time: the files do not say.")]
    if found.won_only:
        cautions.append(_("Only leads that were won name an owner: this counts wins, not work."))
    return Section("load", _("Load by person"), says, [grid], cautions=cautions)


def _rhythm(audit: Audit) -> Section | None:
    found = audit.rhythm
    if found is None:
        return None
    days = get_day_names("abbreviated", locale=current_language())
    names = [days[number] for number in range(7)]
    zone = str(audit.asked.zone)
    says = [
        _("{share} of the leads arrive outside working hours.").format(share=say.share(found.outside)),
        _("Hours are those of {zone}.").format(zone=zone),
    ]
    shown = [
        Picture(
            pictures.week(found.arrivals, names, _("Arrivals by hour of the week")),
            _("Arrivals by hour of the week: the darker, the more."),
        )
    ]
    if found.answers is not None and found.answers.sum():
        shown.append(
            Picture(
                pictures.week(found.answers, names, _("First responses by hour of the week")),
                _("First responses by hour of the week."),
            )
        )
    return Section("hours", _("When leads arrive, and when they are answered"), says, pictures=shown)
