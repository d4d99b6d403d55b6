"""Is everything as it must be, and if not, what is to be done? Findings in words, for people who operate."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from psycopg import Connection
from rich.filesize import decimal

from leadlane.config import Settings
from leadlane.core.rulebook import Rulebook
from leadlane.errors import SettingsError
from leadlane.i18n import _, ngettext
from leadlane.matching.blocking import VERSION as SEARCH_KEYS
from leadlane.outbound.endpoints import Endpoint, Outbound, Post, read_outbound
from leadlane.policy.problems import Problem
from leadlane.policy.roster import RosterDocument, check_roster, holiday_keys
from leadlane.policy.values import did_you_mean
from leadlane.service import health, ways
from leadlane.service.planning import ADMIN_ROLE, admins
from leadlane.service.publish import check_policy, current_document
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks, load_roster
from leadlane.store import accounts, api_keys, deliveries, due, policies, roster, vitals
from leadlane.store.deliveries import Channel, Waiting
from leadlane.store.migrate import head, revision_of
from leadlane.store.watchdog import violations

Verdict = Literal["good", "warning", "bad"]
# A due time that is told by one clock and looked at by another must mean the same.
_CLOCK_WARNING = timedelta(seconds=2)
_CLOCK_BAD = timedelta(seconds=30)
_DISK_WARNING, _DISK_BAD = 2_000_000_000, 200_000_000
_CONNECTIONS_WARNING = 0.8
_LATE_WARNING = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at: how it is, and what to do if it is not good."""

    verdict: Verdict
    text: str
    advice: str = ""


def look_over(
    connection: Connection, books: Rulebooks, settings: Settings, now: datetime, *, wholly: bool
) -> Iterator[Line]:
    """What is found of a database and of what is sent from it, in order.

    `wholly` reads every lead, to see whether all that is stored agrees. A database of another form than this
    Leadlane needs is told of, and nothing else of it.
    """
    yield from _database(connection)
    if revision_of(connection) != head():
        return
    yield _clock(connection, now)
    yield from _rules(connection, now)
    yield _accounts(connection)
    yield from _work(connection, books, now, timedelta(seconds=settings.late_after_seconds))
    yield from channel_lines(connection, settings, now)
    if wholly:
        yield from _agreement(connection)


def disk_line(folder: Path) -> Line:
    """How much room there is where the data folder is, or will be."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    text = _("The data folder {folder} has {free} left.").format(folder=folder, free=decimal(free))
    advice = _("A database that cannot write stops. Make room, or move the data folder.")
    if free < _DISK_BAD:
        return Line("bad", text, advice)
    return Line("warning", text, advice) if free < _DISK_WARNING else Line("good", text)


def _database(connection: Connection) -> Iterator[Line]:
    vital = vitals.read(connection)
    text = _("PostgreSQL {version}; the database takes {size}.")
    yield Line("good", text.format(version=vital.version, size=decimal(vital.size)))
    is_crowded = vital.connections > vital.max_connections * _CONNECTIONS_WARNING
    text = _("{n} of {most} connections are in use.")
    yield Line(
        "warning" if is_crowded else "good",
        text.format(n=vital.connections, most=vital.max_connections),
        _("Lower db_pool_size, run fewer processes, or raise max_connections.") if is_crowded else "",
    )
    revision = revision_of(connection)
    if revision == head():
        text = _("The database is up to date (revision {revision}).")
        yield Line("good", text.format(revision=revision))
    else:
        text = _("The database is not of the form that this Leadlane needs.")
        yield Line("bad", text, _("Make a backup, then: leadlane db upgrade"))


def _clock(connection: Connection, now: datetime) -> Line:
    apart = abs(vitals.clock(connection) - now)
    seconds = round(apart.total_seconds(), 1)
    text = _("The clock here and that of the database are {seconds} seconds apart.").format(seconds=seconds)
    advice = _("Set both by NTP: due times must mean the same everywhere.")
    if apart > _CLOCK_BAD:
        return Line("bad", text, advice)
    return Line("warning", text, advice) if apart > _CLOCK_WARNING else Line("good", text)


def _rules(connection: Connection, now: datetime) -> Iterator[Line]:
    version, revision = policies.in_force(connection)
    if version is None:
        text = _("No policy is in force yet.")
        yield Line("bad", text, _("Publish one: leadlane policy publish POLICY.yaml --roster ROSTER.yaml"))
    else:
        source = policies.source(connection, version)
        policy, problems = check_policy(connection, source, _("policy {version}").format(version=version))
        name = policy.name if policy else ""
        text = _("The policy “{name}” is in force (version {version}).")
        yield Line("good", text.format(name=name, version=version))
        yield from map(_problem, problems)
    document = current_document(connection)
    people = len(document.people)
    text = ngettext("The roster has {n} person.", "The roster has {n} people.", people)
    advice = "" if people else _("Bring them in: leadlane policy publish POLICY.yaml --roster ROSTER.yaml")
    yield Line("good" if people else "bad", text.format(n=people), advice)
    yield from map(_problem, check_roster(document))
    yield from _holidays(document, roster.entries(connection, revision)["holidays"], now.year)
    if not api_keys.valid_keys(connection):
        text = _("There is no API key: nothing can be sent over HTTP.")
        yield Line("warning", text, _("Make one: leadlane keys create NAME --scope intake"))


def _problem(problem: Problem) -> Line:
    place = _("In line {line} of {source}.").format(line=problem.line, source=problem.source)
    verdict: Verdict = "bad" if problem.severity == "error" else "warning"
    return Line(verdict, problem.message, place if problem.line else "")


def _accounts(connection: Connection) -> Line:
    known, waiting = accounts.counts(connection, SEARCH_KEYS)
    if waiting:
        text = ngettext(
            "{n} account cannot be found by its name yet.",
            "{n} accounts cannot be found by their names yet.",
            waiting,
        )
        advice = _("Start Leadlane of this version: it makes what they are found by.")
        return Line("warning", text.format(n=waiting), advice)
    text = ngettext("{n} account is known.", "{n} accounts are known.", known)
    return Line("good", text.format(n=known))


def _holidays(document: RosterDocument, known: Mapping[str, Mapping[str, Any]], year: int) -> Iterator[Line]:
    keys = sorted(holiday_keys(document))
    missing = [
        key
        for key in keys
        if key not in known or not any(day.year == year for day in roster.holiday_dates(known[key]))
    ]
    if missing:
        text = _("Public holidays of {year} are missing for: {countries}")
        advice = _("Send the people of these countries again with this version of Leadlane.")
        yield Line("warning", text.format(year=year, countries=", ".join(missing)), advice)
    elif keys:
        text = _("Public holidays of {year} are known for: {countries}")
        yield Line("good", text.format(year=year, countries=", ".join(keys)))


def _work(connection: Connection, books: Rulebooks, now: datetime, late_after: timedelta) -> Iterator[Line]:
    workers = vitals.workers(connection)
    text = ngettext("{n} worker lets happen what is due.", "{n} workers let happen what is due.", workers)
    advice = "" if workers else _("Start one: leadlane serve, or leadlane work beside it.")
    yield Line("good" if workers else "warning", text.format(n=workers), advice)
    found = health.check(connection, books, now, late_after)
    for one in found:
        yield Line("bad" if one.is_grave else "warning", one.text, _advice(one.kind))
    late, _oldest = due.overdue(connection, now - _LATE_WARNING)
    if all(one.kind != "late" for one in found):
        text = ngettext(
            "Steps of {n} lead are late by more than a minute.",
            "Steps of {n} leads are late by more than a minute.",
            late,
        )
        yield Line("warning" if late else "good", text.format(n=late))


def channel_lines(connection: Connection, settings: Settings, now: datetime) -> Iterator[Line]:
    """How people and systems can be told, and what could not be."""
    try:
        setup = ways.set_up(settings, read_outbound(settings))
    except SettingsError as error:
        yield Line("bad", error.message, error.hint)
        return
    waiting = {one.channel: one for one in deliveries.waiting(connection)}
    known = deliveries.channels(connection)
    outbound = setup.outbound
    wanted = [*(one.channel for one in outbound.also), *(one.channel for one in outbound.posts)]
    seen = ("email", *setup.ways, *wanted, *(name for name in waiting if name is not None))
    for name in dict.fromkeys(seen):
        yield _channel(name, name in setup.ways, known.get(name), waiting.get(name), now)
    yield from (Line("bad", problem) for problem in ways.problems(settings, setup.outbound))
    with suppress(NothingPublishedError):
        yield from _listening_to_nothing(Rulebooks().current(connection), setup.outbound)
    unplanned = waiting[None].count if None in waiting else 0
    text = ngettext(
        "{n} message waits to be looked at.", "{n} messages wait to be looked at.", unplanned
    ).format(n=unplanned)
    yield Line("good", text)
    advice = _("Look at them with `leadlane outbox list`; send them again, or discard them.")
    for state, n in deliveries.counts(connection, ("uncertain", "dead")).items():
        yield Line("warning", _("Messages that are {state}: {n}").format(n=n, state=state), advice)
    if not admins(load_roster(connection, policies.in_force(connection)[1]), settings):
        text = _("Nobody hears of alarms: nobody's role is {role}.").format(role=ADMIN_ROLE)
        yield Line("warning", text, _("Name who does in the setting `admins`."))


def _listening_to_nothing(book: Rulebook, outbound: Outbound) -> Iterator[Line]:
    """What posts and webhooks ask for that there is not: they would hear nothing, and nobody would notice."""
    known = {
        "teams": set(book.roster.teams),
        "pools": set(book.policy.pools),
        "routes": {route.name for route in book.policy.routes},
    }
    listeners: tuple[Post | Endpoint, ...] = (*outbound.posts, *outbound.endpoints)
    for one in listeners:
        for what, names in known.items():
            for name in sorted(getattr(one.only, what) - names):
                text = _("{listener} of outbound.yaml asks for leads of {what}: {name}, and there is none.")
                close = did_you_mean(name, names)
                advice = _("{found}: did you mean {suggestion}?").format(found=name, suggestion=close)
                text = text.format(listener=one.name, what=what, name=name)
                yield Line("warning", text, advice if close else "")


def _channel(
    name: str, is_set_up: bool, channel: Channel | None, waiting: Waiting | None, now: datetime
) -> Line:
    n = waiting.count if waiting is not None else 0
    if not is_set_up:
        text = _("{channel} is not set up; waiting for it: {n}").format(channel=name, n=n)
        advice = _("docs/channels.md says how it is set up.")
        return Line("warning", text, advice)
    if channel is not None and channel.down_since is not None:
        minutes = int((now - channel.down_since) / timedelta(minutes=1))
        text = _("{channel} has not worked for {minutes} minutes; waiting for it: {n}")
        return Line("bad", text.format(channel=name, minutes=minutes, n=n), channel.error or "")
    return Line("good", _("{channel} works; waiting for it: {n}").format(channel=name, n=n))


def _advice(kind: health.Kind) -> str:
    return {
        "late": _("Is a worker running, and is the database fast enough? Its log says what stops it."),
        "review": _("Add people to the pool, or end an absence: everything that finds nobody comes here."),
        "unsound": _("Make a backup, and report it with the ids: this must never be."),
    }[kind]


def _agreement(connection: Connection) -> Iterator[Line]:
    wrong = violations(connection)
    if not wrong:
        yield Line("good", _("Everything in the database agrees."))
    for one in wrong:
        yield Line("bad", one, _advice("unsound"))
