"""How does a report on promises read? Names of its groups, and sentences about what is beyond chance."""

from __future__ import annotations

from babel import Locale

from leadlane.core.facts import Roster
from leadlane.explain.speech import person_words
from leadlane.i18n import N_, _, current_language, ngettext
from leadlane.insight import say
from leadlane.insight.service_levels import Beyond, Coaching, Figures, Pattern

DIMENSION_WORDS = {
    "person": N_("person"),
    "team": N_("team"),
    "region": N_("region"),
    "route": N_("route"),
    "source": N_("source"),
    "service_level": N_("service level"),
    "segment": N_("segment"),
    "week": N_("week of the promise"),
    "weekday": N_("weekday of arrival"),
    "hour": N_("hour of arrival"),
}
# Those without a value, where it has a name of its own.
_WITHOUT = {
    "person": N_("nobody had it"),
    "team": N_("no team"),
    "region": N_("no region"),
    "source": N_("no source"),
    "segment": N_("no segment"),
}


def dimension_words(dimension: str) -> str:
    """What a dimension is called."""
    return _(DIMENSION_WORDS[dimension])


def value_words(dimension: str, value: str | None, roster: Roster) -> str:
    """What a value of a dimension is called: a name, `Monday`, `09:00`."""
    if value is None:
        return _(_WITHOUT.get(dimension, N_("not known")))
    match dimension:
        case "person":
            return person_words(roster, value)
        case "team":
            team = roster.teams.get(value)
            return team.name if team and team.name else value
        case "weekday":
            days = Locale.parse(current_language()).days["stand-alone"]["wide"]
            return str(days[int(value) - 1])
        case "hour":
            return f"{value}:00"
        case _other:
            return value


def share_words(figures: Figures) -> str:
    """The share kept with its interval, and that there are few where there are."""
    if figures.share is None:
        return _("no promise has ended")
    words = say.share(figures.share)
    return _("{share}, few").format(share=words) if figures.share.is_small else words


def beyond_words(one: Beyond) -> str:
    """How much somebody misses, and the others: `missed 12 of 40, on 9 days, that is 30.0% (…); …`."""
    said = ngettext(
        "missed {n} of {count}, on {days} days, {share}; of comparable promises of others {expected} were "
        "missed.",
        "missed {n} of {count}, on {days} days, {share}; of comparable promises of others {expected} were "
        "missed.",
        one.missed,
    )
    return said.format(
        n=say.number(one.missed),
        days=say.number(one.days),
        count=say.number(one.count),
        share=say.share(one.share),
        expected=say.percent(one.expected),
    )


def pattern_words(one: Pattern, roster: Roster) -> str:
    """Whether shares missed differ by a dimension, and where most are missed."""
    by = dimension_words(one.dimension)
    if not one.is_found:
        return _("By {by}: no difference beyond chance.").format(by=by)
    places = "; ".join(
        _("{name}: {share} of {count}").format(
            name=value_words(one.dimension, value, roster),
            share=say.percent(share.value),
            count=say.number(share.count),
        )
        for value, share in one.worst
    )
    return _("By {by}: the shares missed differ beyond chance. Most: {places}.").format(by=by, places=places)


def compared_words(compared: int, found: int) -> str:
    """How many were compared, and how many of those named may be so by chance."""
    if found:
        said = ngettext(
            "{n} person was compared with the others; who is named may be so by chance, in 5 % of reports.",
            "{n} people were compared with the others; on average, at most 5 % of those named are by chance.",
            compared,
        )
    else:
        said = ngettext(
            "{n} person was compared with the others: they do not miss more than chance explains.",
            "{n} people were compared with the others: nobody misses more than chance explains.",
            compared,
        )
    return said.format(n=say.number(compared))


def help_words(one: Coaching) -> list[str]:
    """What the promises that somebody missed have in common, one sentence each: where help may begin."""
    missed = say.number(one.beyond.missed)
    said = []
    if one.outside:
        text = _("Hours: {n} of the {missed} missed came outside of their working hours.")
        said.append(text.format(n=say.number(one.outside), missed=missed))
    if one.untold:
        text = _("Telling: of {n} of the {missed} missed, no message had reached them in time.")
        said.append(text.format(n=say.number(one.untold), missed=missed))
    for channel, kept, count in one.channels:
        text = _("Channel: told by {channel} in time, they kept {kept} of {count}.")
        said.append(text.format(channel=channel, kept=say.number(kept), count=say.number(count)))
    if one.most_open is not None:
        text = _("Load: {open} open leads now, at most {most}.")
        said.append(text.format(open=say.number(one.open), most=say.number(one.most_open)))
    else:
        text = ngettext("Load: {n} open lead now.", "Load: {n} open leads now.", one.open)
        said.append(text.format(n=say.number(one.open)))
    if one.usual is not None:
        text = _("Share of the work: {n} promises in the period; others of the team had {usual} on average.")
        said.append(text.format(n=say.number(one.promises), usual=say.number(one.usual, 1)))
    return said
