"""What was known and concluded, and which route held? The first part of an explanation."""

from __future__ import annotations

from collections.abc import Iterator

from leadlane.core.facts import LEAD_FIELDS
from leadlane.core.match import Evidence
from leadlane.core.policy import IntentItem, Route
from leadlane.core.route import NOT_IN_FORCE
from leadlane.core.trace import Reason
from leadlane.explain.conditions import Facts, failure_words, holding_words
from leadlane.explain.explanation import Line, Section, failed, info, ok
from leadlane.explain.likeness import likeness_words
from leadlane.explain.reasons import reason_words
from leadlane.explain.speech import destination_words, signal_words, value_words
from leadlane.explain.story import Story
from leadlane.i18n import N_, _
from leadlane.matching.keys import company_domain
from leadlane.policy import words
from leadlane.policy.words import (
    and_words,
    duration_words,
    field_words,
    number_words,
    percent_words,
    period_words,
)

_RELATIONSHIPS = {
    "open_lead": N_("Somebody is already working another lead of this company ({lead})."),
    "customer": N_("{account} is a customer."),
    "named_account": N_("{account} is a named account."),
    "account": N_("{account} is a known account, neither a customer nor named."),
    "none": N_("The company is none of the known accounts, and nobody is working a lead of it."),
}


def known_section(story: Story) -> Section:
    """The lead's fields, and what matching found."""
    currency = story.policy.currency
    # A fixed order: the database gives back the fields in one of its own.
    known = [*LEAD_FIELDS, *story.policy.fields]
    fields = sorted(story.lead.fields, key=lambda name: known.index(name) if name in known else len(known))
    rows = [
        info(field_words(name), value_words(name, story.lead.fields[name], story.zone, currency))
        for name in fields
    ]
    if not rows:
        rows = [info(_("Nothing but the lead itself."))]
    rows.append(info(_("arrived"), story.moment(story.lead.arrived_at)))
    return Section("known", _("What was known"), (*rows, *_matched(story)))


def _matched(story: Story) -> Iterator[Line]:
    match = story.trace["match"]
    account = story.account_name or match["account"] or _("The company")
    text = _(_RELATIONSHIPS[match["relationship"]])
    yield info(text.format(account=account, lead=match["open_lead"]))
    domain = company_domain(story.lead.fields)
    if match["relationship"] != "none" and domain:
        yield info(_("Recognised by the company domain {domain}.").format(domain=domain))
    if match["relationship"] == "none" and domain is None:
        yield info(_("There is no company domain to recognise the company by."))
    if match["same_person"]:
        text = _("This is news of the open lead {lead}.")
        if Reason.SAME_PERSON in story.trace["result"]["reasons"]:
            text = _(
                "The same person already had the open lead {lead}: this is news of it, not a second lead."
            )
        yield info(text.format(lead=story.trace["lead"]))


def likeness_section(story: Story) -> Section | None:
    """Whom the lead was compared with, what came out, and why; None if there was nobody like it."""
    likely = story.trace["match"].get("likely")
    if not likely:
        return None
    outcomes = {
        "sure": (ok, _("the same, to {probability}")),
        "unsure": (info, _("perhaps the same, to {probability}")),
        "new": (failed, _("somebody else; the same to {probability}")),
    }
    lines = []
    for one in likely:
        whom = _("account {id}") if one["account"] is not None else _("lead {id}")
        line, outcome = outcomes[one["outcome"]]
        said = likeness_words([Evidence(**piece) for piece in one["evidence"]])
        probability = percent_words(one["probability"])
        lines.append(
            line(
                whom.format(id=one["account"] or one["lead"]),
                outcome.format(probability=probability),
                "; ".join(said),
            )
        )
    return Section("likeness", _("Who it was compared with"), tuple(lines))


def signals_section(story: Story) -> Section:
    """Which signals counted, and the intent that follows."""
    policy, intent = story.policy, story.trace["intent"]
    duration = duration_words(policy.counts_for)
    lines = []
    for name, at, what in story.trace["signals"]:
        line = ok if what == Reason.COUNTED else failed
        became = _("faded: older than {duration}").format(duration=duration)
        if what != Reason.FADED:
            became = reason_words(what)
        lines.append(line(signal_words(name), story.moment(at), became))
    level = value_words("intent", intent["level"], story.zone)
    if intent["by"]:
        made = and_words(words.signal_words(IntentItem(name, count)) for name, count in intent["by"])
        text = _("The intent is {level}, because of: {signals}.")
        lines.append(info(text.format(level=level, signals=made)))
    else:
        lines.append(info(_("No signal counted, so the intent is {level}.").format(level=level)))
    return Section("signals", _("How ready they are: intent {level}").format(level=level), tuple(lines))


def fit_section(story: Story) -> Section:
    """How the fit added up, row by row."""
    fit, facts = story.trace["fit"], story.given()
    lines = []
    for row, (name, points, path) in zip(story.policy.fit, fit["rows"], strict=True):
        if path is None:
            lines.append(ok(name, number_words(points), holding_words(row.when, facts)))
        else:
            lines.append(failed(name, number_words(0), failure_words(row.when, path, facts)))
    strong = fit["score"] >= fit["strong_at"]
    text = _("How well they fit: strong") if strong else _("How well they fit: weak")
    total = _("Points in all: {score}; strong from {strong_at}.").format(
        score=number_words(fit["score"]), strong_at=number_words(fit["strong_at"])
    )
    return Section("fit", text, (*lines, info(total)))


def market_section(story: Story) -> Section:
    """Segment, deal value and band."""
    segment, deal = story.trace["segment"], story.trace["deal"]
    facts = story.given()
    lines = [
        failed(row.name, failure_words(row.when, path, facts))
        for row, path in zip(story.policy.segments, segment["failed"], strict=False)
    ]
    lines.append(_segment_line(story))
    lines.extend(_deal_lines(story))
    heading = _("Which market, and how big a deal: {segment}, {band}").format(
        segment=segment["name"] or _("no segment"), band=deal["band"] or _("no deal band")
    )
    return Section("market", heading, tuple(lines))


def _segment_line(story: Story) -> Line:
    segment = story.trace["segment"]
    if segment["name"] is None:
        return info(_("No segment"), _("none of them holds"))
    if segment["team"] is None:
        return ok(segment["name"], _("this segment holds; no team serves it"))
    team = story.roster.teams.get(segment["team"])
    name = team.name if team else segment["team"]
    return ok(segment["name"], _("this segment holds; the team {team} serves it").format(team=name))


def _deal_lines(story: Story) -> Iterator[Line]:
    deal, facts = story.trace["deal"], story.given()
    if deal["from"] == "none":
        yield info(_("The deal value is not known and cannot be estimated, so there is no deal band."))
        return
    value = value_words("deal_value", deal["value"], story.zone, story.policy.currency)
    if deal["from"] == "lead":
        yield info(_("The deal value is {value}: the lead brought it.").format(value=value))
    else:
        why = holding_words(story.policy.deal_values[deal["row"]].when, facts)
        text = _("The deal value is estimated as {value}.")
        if why:
            text = _("The deal value is estimated as {value}: {reason}.")
        yield info(text.format(value=value, reason=why))
    if deal["band"]:
        yield info(_("That is the deal band {band}.").format(band=deal["band"]))
    else:
        yield info(_("No deal band holds for it."))


def route_section(story: Story) -> Section:
    """Every route that was tried before the one that held, and why it did not."""
    facts, route = story.derived(), story.route
    lines = [
        failed(tried.name, _route_failure(tried, path, facts))
        for tried, path in zip(story.policy.routes, story.trace["route"]["failed"], strict=False)
    ]
    holding = holding_words(route.when, facts) or _("takes whatever comes this far")
    lines.append(ok(route.name, holding))
    if route.description:
        lines.append(info(route.description))
    heading = _("What to do: route {route} → {destination}")
    return Section(
        "route", heading.format(route=route.name, destination=destination_words(route)), tuple(lines)
    )


def _route_failure(route: Route, path: str, facts: Facts) -> str:
    if path != NOT_IN_FORCE:
        return failure_words(route.when, path, facts)
    period = period_words(route.first_day, route.last_day)
    return _("not in force on that day, only {period}").format(period=period)
