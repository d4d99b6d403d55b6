"""`leadlane whose`: who owns a prospect, and whether one may contact them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import open_app
from leadlane.explain.speech import moment_words
from leadlane.explain.standing import outcome_words, stage_words, touch_words
from leadlane.i18n import N_, _
from leadlane.service.ownership import (
    MOST_PROSPECTS,
    MOST_SHOWN,
    AccountRef,
    AnswerWords,
    LeadRef,
    OwnershipView,
    PersonRef,
    ProspectView,
    Question,
    TerritoryView,
    WhatIfView,
    territories,
    whose,
)
from leadlane.store.codec import encode

HELP = _("Say whose a prospect is: owner, stage, next step, and whether you may contact them.")

_STYLES = {"yes": "green", "ask": "yellow", "no": "red"}
_FOUND_BY = {
    "id": N_("found by id"),
    "email": N_("found by e-mail address"),
    "phone": N_("found by phone number"),
    "domain": N_("found by domain"),
    "name": N_("found by name"),
    "likeness": N_("a similar name"),
}


def whose_command(
    query: str | None = typer.Argument(
        None,
        help=_("An e-mail address, a domain, a phone number, an id, or a name or the beginning of one."),
        show_default=False,
    ),
    asker: str | None = typer.Option(
        None, "--as", help=_("Who wants to contact them: the id, e-mail or name of a person.")
    ),
    country: str | None = typer.Option(
        None, "--country", help=_("Their country, if they are not known yet.")
    ),
    fields: list[str] = typer.Option(
        [], "--field", metavar="NAME=VALUE", help=_("More of who is not known yet, such as employees=800.")
    ),
    limit: int = typer.Option(MOST_SHOWN, "--limit", min=1, max=MOST_PROSPECTS, help=_("How many at most.")),
    show_territories: bool = typer.Option(
        False, "--territories", help=_("List the territories instead: segments, teams, and whose they are.")
    ),
    as_json: bool = typer.Option(False, "--json", help=_("Print everything, as JSON.")),
) -> None:
    """Prints a card for everybody who may be meant; exits with 2 without a query."""
    if query is None and not show_territories:
        raise typer.BadParameter(_("Say whom: an e-mail address, a domain, a name …"))
    question = Question(query, asker=asker, facts=_facts(country, fields), limit=limit)
    with open_app(config.settings()) as app, app.pool.connection() as connection:
        book, now = app.books.current(connection), app.now()
        if show_territories:
            _show_territories(territories(book), as_json=as_json)
            return
        answer = whose(connection, book, question, now)
        asked_by = answer["asked_by"]
        person = book.roster.people.get(asked_by["id"]) if asked_by else None
    if as_json:
        typer.echo(encode(answer).decode())
    else:
        render(Console(highlight=False), answer, ZoneInfo(person.timezone) if person else book.zone, now)


def _facts(country: str | None, fields: Iterable[str]) -> dict[str, str]:
    facts = {} if country is None else {"country": country}
    for text in fields:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(_("expected name=value"), param_hint="--field")
        facts[name.strip()] = value.strip()
    return facts


def render(console: Console, answer: OwnershipView, zone: ZoneInfo, now: datetime) -> None:
    """Print the cards of an answer, then what would become of somebody new; moments are in `zone`."""
    for one in answer["prospects"]:
        title = " · ".join(_once(one["name"], one["company"], None if one["email"] else one["domain"]))
        found_by = _(_FOUND_BY[one["found_by"]])
        console.print(_card(title, one["may_contact"], _rows(one, zone, now), found_by))
    if answer["what_if"] is not None:
        found = answer["what_if"]
        title = _("If it is none of these") if answer["prospects"] else _("Nobody known")
        if found["relationship"] != "none":
            title = _("Somebody new at this company")
        console.print(_card(title, found["may_contact"], _what_if_rows(found), _("if they came in now")))


def _once(*texts: str | None) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def _card(title: str, answer: AnswerWords, rows: Iterable[tuple[str, str]], subtitle: str) -> Panel:
    style = _STYLES[answer["answer"]]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    words = Text.assemble((answer["answer_words"] + ".", f"bold {style}"), " ", answer["words"])
    table.add_row(_("May I contact them?"), words)
    for heading, text in rows:
        table.add_row(heading, Text(text))
    return Panel(
        table, title=Text(title, style="bold"), title_align="left", subtitle=Text(subtitle, style="dim"),
        subtitle_align="right", border_style=style,
    )  # fmt: skip


def _rows(one: ProspectView, zone: ZoneInfo, now: datetime) -> Iterator[tuple[str, str]]:
    if one["email"] is not None:
        yield _("E-mail"), one["email"]
    if one["owner"] is not None:
        yield _("Owner"), _owner(one["owner"], one["covered_by"])
    if one["stage"] is not None and one["lead"] is not None:
        stage = _("{stage} (lead {id})").format(stage=stage_words(one["stage"]), id=one["lead"])
        yield _("Stage"), stage
    if one["next_step"] is not None:
        due, text = one["next_step_due_at"], one["next_step"]
        if due is not None:
            text = _("{step}, due {due}").format(step=text, due=moment_words(due, zone, now))
        yield _("Next step"), text
    if (touch := one["last_touch"]) is not None:
        text = _("{kind} by {name}, {at}") if touch["person"] else _("{kind}, {at}")
        yield (
            _("Last touch"),
            text.format(
                kind=touch_words(touch["kind"]),
                name=_name(touch["person"]),
                at=moment_words(touch["at"], zone, now),
            ),
        )
    if one["account"] is not None:
        yield _("Account"), _account(one["account"])
    yield from _territory_row(one["territory"])
    if one["colleagues"]:
        yield _("Colleagues"), "\n".join(map(_colleague, one["colleagues"]))
    if one["closed"]:
        yield _("Closed"), "\n".join(_closed(lead, zone, now) for lead in one["closed"])
    if one["evidence"]:
        yield _("Why"), "\n".join(one["evidence"])


def _what_if_rows(found: WhatIfView) -> Iterator[tuple[str, str]]:
    yield from _territory_row(found["territory"])
    for would in found["would"]:
        if would["signal"] is None:
            heading = _("Would go to")
        else:
            heading = _("After {signal}").format(signal=would["signal"].replace("_", " "))
        lines = [_("{words} (route {route})").format(words=would["words"], route=would["route"])]
        if would["respond_within"] is not None:
            lines.append(_("to respond within {duration}").format(duration=would["respond_within"]))
        yield heading, "\n".join([*lines, *would["reasons"]])


def _territory_row(territory: TerritoryView | None) -> Iterator[tuple[str, str]]:
    if territory is not None:
        text = _("{segment}, team {team}, {name}") if territory["owner"] else _("{segment}, team {team}")
        if territory["team"] is None:
            text = "{segment}"
        team = territory["team_name"] or territory["team"]
        name = _name(territory["owner"])
        yield _("Territory"), text.format(segment=territory["segment"], team=team, name=name)


def _owner(owner: PersonRef, covered_by: PersonRef | None) -> str:
    if covered_by is None:
        return owner["name"]
    return _("{name}, who is out; {cover} is there for them").format(
        name=owner["name"], cover=covered_by["name"]
    )


def _account(account: AccountRef) -> str:
    if account["owner"] is None:
        return account["name"]
    if account["customer"]:
        text = _("{account}, a customer of {name}")
    elif account["named"]:
        text = _("{account}, a named account of {name}")
    else:
        text = _("{account}, an account of {name}")
    return text.format(account=account["name"], name=account["owner"]["name"])


def _colleague(lead: LeadRef) -> str:
    values = {"lead": lead["name"] or lead["id"], "stage": stage_words(lead["stage"])}
    if lead["owner"] is None:
        return _("{lead}: {stage}").format(**values)
    return _("{lead}: {stage}, {name}").format(**values, name=lead["owner"]["name"])


def _closed(lead: LeadRef, zone: ZoneInfo, now: datetime) -> str:
    outcome = lead["outcome"]
    values = {
        "lead": lead["name"] or lead["id"],
        "outcome": outcome_words(outcome) if outcome else _("disqualified"),
        "at": moment_words(lead["at"], zone, now),
    }
    if lead["owner"] is None:
        return _("{lead}: {outcome}, {at}").format(**values)
    return _("{lead}: {outcome}, {name}, {at}").format(**values, name=lead["owner"]["name"])


def _name(person: PersonRef | None) -> str:
    return person["name"] if person is not None else ""


def _show_territories(found: list[TerritoryView], *, as_json: bool) -> None:
    if as_json:
        typer.echo(encode({"territories": found}).decode())
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in (_("segment"), _("description"), _("team"), _("owner")):
        table.add_column(heading, overflow="fold")
    for one in found:
        team = one["team_name"] or one["team"] or ""
        table.add_row(*map(Text, (one["segment"], one["description"], team, _name(one["owner"]))))
    Console(highlight=False).print(table)
