"""What does the audit tell a revenue leader, in which order? Tiles, sections, what is missing, the method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leadlane.i18n import N_, _, ngettext
from leadlane.insight import say, say_conversion, say_costs, say_handling
from leadlane.insight.audit import NEEDS, Audit
from leadlane.insight.response import HOUR
from leadlane.insight.section import Grid, Report, Row, Section, Tile

_SHORT = 8
_PARTS = {
    "unowned": N_("Leads that nobody owns"),
    "untouched": N_("Leads that nobody ever touched"),
    "waiting": N_("How long leads wait for a first response"),
    "classes": N_("Conversion against response time"),
    "conversion": N_("How many leads are won"),
    "time_to_win": N_("Time from arrival to win"),
    "duplicates": N_("The same prospect several times"),
    "hand_offs": N_("Hand-offs"),
    "mismatch": N_("Deals and the level of their owner"),
    "load": N_("Load by person"),
    "rhythm": N_("When leads arrive, and when they are answered"),
    "costs": N_("What it costs"),
}
_ROLES = {
    "arrived_at": N_("when the lead arrived"),
    "responded_at": N_("when somebody first responded"),
    "owner": N_("who has the lead, also of leads that were not won"),
    "outcome": N_("whether it was won or lost"),
    "won_at": N_("when it was won"),
    "deal_value": N_("the value of the deal"),
    "touches": N_("how often somebody called, wrote to or met the prospect"),
    "level": N_("the level of the owner: junior, mid or senior"),
    "email": N_("e-mail address, or telephone number and name, of the prospect"),
    "handoffs": N_("how often it changed hands, or a log of events"),
}


def report(audit: Audit, examples: Mapping[str, str], notes: Sequence[str]) -> Report:
    """The whole report. `examples`: a name that a column of each role may have; `notes` on the files."""
    return Report(
        _("Audit of your lead routing"),
        _subtitle(audit),
        _tiles(audit),
        _sections(audit, examples, notes),
    )


def _sections(audit: Audit, examples: Mapping[str, str], notes: Sequence[str]) -> list[Section]:
    """First what matters to who decides, then the evidence, at the end how it was reckoned."""
    worth = say_costs.sections(audit)
    evidence = [*say_handling.sections(audit), *say_conversion.sections(audit)]
    end = [*_missing(audit, examples), *say_costs.reckoning(audit), _method(audit, notes)]
    return [*_in_short(worth, evidence), *worth, *evidence, *end]


def _in_short(worth: Sequence[Section], evidence: Sequence[Section]) -> list[Section]:
    """The first sentence of what is bad, and of the findings on columns that have a role."""
    bad = [one for one in (*worth, *evidence) if one.tone == "bad"]
    found = [one for one in evidence if one.id.startswith("by-") and not one.id.startswith("by-own-")]
    says = [one.says[0] for one in (*bad, *found) if one.says][:_SHORT]
    return [Section("short", _("In short"), says)] if says else []


def _subtitle(audit: Audit) -> str:
    count = ngettext("{n} lead", "{n} leads", audit.leads.count).format(n=say.number(audit.leads.count))
    if audit.first is None or audit.last is None:
        return _("{leads}; the files do not say of which period").format(leads=count)
    return _("{leads} that arrived from {first} to {last}").format(
        leads=count,
        first=say.day(audit.first, audit.asked.zone),
        last=say.day(audit.last, audit.asked.zone),
    )


def _tiles(audit: Audit) -> list[Tile]:
    tiles = []
    if (money := say_costs.tile(audit)) is not None:
        tiles.append(money)
    if (waited := audit.waiting) is not None and waited.calendar is not None:
        middle = waited.calendar.time_of(0.5)
        figure = _("not reached") if middle is None else say.span(middle.value)
        good = waited.calendar.done_by(HOUR).value >= 0.8
        note = ngettext("median of {n} lead", "median of {n} leads", waited.count)
        tiles.append(
            Tile(
                _("First response"),
                figure,
                note.format(n=say.number(waited.count)),
                "good" if good else "bad",
            )
        )
    if (found := audit.conversion) is not None:
        note = ngettext("{won} of {n} lead", "{won} of {n} leads", found.overall.count)
        note = note.format(won=say.number(found.won), n=say.number(found.overall.count))
        tiles.append(Tile(_("Won"), say.percent(found.overall.value), note))
    if (days := audit.time_to_win) is not None:
        note = ngettext("median of {n} win", "median of {n} wins", days.count).format(
            n=say.number(days.count)
        )
        tiles.append(Tile(_("Arrival to win"), say.span(days.value * 86_400), note))
    if (nobody := audit.unowned) is not None:
        note = ngettext("{n} lead", "{n} leads", nobody.count).format(n=say.number(nobody.count))
        tone = "bad" if nobody.count else "good"
        tiles.append(Tile(_("Without an owner"), say.percent(nobody.share.value), note, tone))  # type: ignore[arg-type]
    if (twice := audit.duplicates) is not None and twice.several_hands is not None:
        note = ngettext("{n} prospect", "{n} prospects", twice.hands_prospects)
        note = note.format(n=say.number(twice.hands_prospects))
        tiles.append(Tile(_("In several hands"), say.percent(twice.several_hands.value), note))
    if (moved := audit.hand_offs) is not None:
        tiles.append(Tile(_("Hand-offs for a lead"), say.number(moved.mean, 2), _("on average")))
    return tiles[:6]


def _missing(audit: Audit, examples: Mapping[str, str]) -> list[Section]:
    """What cannot be said, and the column that it would take."""
    if not audit.missing:
        return []
    rows = []
    for part, needs in audit.missing.items():
        lacking = [_need(need, examples) for need in needs]
        useless = [] if lacking else _useless(audit, part)
        why = "; ".join(lacking or useless) or _("the columns are there, but say too little of it")
        rows.append(Row([_(_PARTS[part]), why]))
    says = [_("With these columns the audit would say more:")]
    grid = Grid([_("what cannot be said"), _("the column that is missing")], rows)
    return [Section("missing", _("What these files cannot say"), says, [grid])]


def _need(need: str, examples: Mapping[str, str]) -> str:
    role = need.split("|")[0]
    example = examples.get(role, role)
    return _("{what} (a column such as “{column}”, or --map {role}=COLUMN)").format(
        what=_(_ROLES[role]) if role in _ROLES else role, column=example, role=role
    )


def _useless(audit: Audit, part: str) -> list[str]:
    """Why the columns that a part needs are there and yet say nothing of it."""
    concerned = {role for need in NEEDS[part] for role in need.split("|")}
    why = [reason for role, reason in audit.asked.useless.items() if role in concerned]
    owner = audit.leads.groups.get("owner")
    if "owner" in concerned and owner is not None and owner.by_outcome:
        why.append(_("“{column}” is known only of leads that were won").format(column=owner.column))
    if part == "rhythm" and "arrived_at" not in audit.leads.timed:
        why.append(_("the moment of arrival has dates without times of day"))
    return why


def _method(audit: Audit, notes: Sequence[str]) -> Section:
    says = [
        _(
            "Intervals are 95 % intervals: shares by Wilson, waiting times by Kaplan–Meier with "
            "Greenwood's formula."
        ),
        _(
            "Groups are compared by chi-square, or by permutation where they are small; like with like by "
            "Mantel–Haenszel; all comparisons are corrected together (Benjamini–Hochberg, 5 %)."
        ),
        _(
            "“Drawn to the mean” is the best guess for a group of few: its share, drawn to that of "
            "all (empirical Bayes)."
        ),
        _("No figure says that one thing causes another; a test with a control group could."),
    ]
    if audit.left_out:
        left = ngettext(
            "{n} lead outside the period, or without a date, is left out.",
            "{n} leads outside the period, or without a date, are left out.",
            audit.left_out,
        )
        says.append(left.format(n=say.number(audit.left_out)))
    return Section("method", _("How this was reckoned"), [*says, *notes])
