"""Does everything that a roster names exist, once? Checked on entries by id, which may be of any shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from leadlane.i18n import _
from leadlane.policy.mail_providers import is_mail_provider
from leadlane.policy.problems import Finding, quoted
from leadlane.policy.public_holidays import holiday_regions
from leadlane.policy.roster_document import Entry, RosterDocument, instant
from leadlane.policy.roster_schema import PersonPart
from leadlane.policy.values import countries, did_you_mean
from leadlane.policy.yaml import Path


def check_entries(document: RosterDocument) -> Iterator[Finding]:
    """Dangling and double names, backups that lead nowhere; entries may be of any shape."""
    yield from _references(document)
    yield from _shared(document)
    yield from _mail_providers(document)
    yield from _backups(document)
    yield from _attributes(document)
    yield from _absences(document)
    yield from _unknown_holidays(document)


def _references(document: RosterDocument) -> Iterator[Finding]:
    person, team = _("a person of the roster"), _("a team of the roster")
    for id_, entry in document.people.items():
        at = ("people", id_)
        for key in ("backup", "manager"):
            yield from _dangling((*at, key), entry.get(key), document.people, person)
        for i, name in enumerate(_list(entry, "teams")):
            yield from _dangling((*at, "teams", i), name, document.teams, team)
        if not isinstance(entry.get("hours"), dict):
            hours = [*document.hours, "default"]
            names = _("a name of `hours`: {names}").format(names=", ".join(hours))
            yield from _dangling((*at, "hours"), entry.get("hours"), hours, names)
    for id_, entry in document.teams.items():
        yield from _dangling(("teams", id_, "manager"), entry.get("manager"), document.people, person)
    for id_, entry in document.accounts.items():
        yield from _dangling(("accounts", id_, "owner"), entry.get("owner"), document.people, person)


def _dangling(path: Path, name: Any, known: Iterable[str], expected: str) -> Iterator[Finding]:
    if isinstance(name, (str, int)) and not isinstance(name, bool) and str(name) not in known:
        yield Finding(path, "unknown_reference", quoted(name), expected, did_you_mean(name, known))


def _list(entry: Entry, key: str) -> list[Any]:
    value = entry.get(key)
    return value if isinstance(value, list) else []


def _shared(document: RosterDocument) -> Iterator[Finding]:
    """Addresses of two people, and domains of two accounts."""
    emails: dict[str, str] = {}
    for id_, entry in document.people.items():
        email = str(entry.get("email") or "").casefold()
        if email and (other := emails.setdefault(email, id_)) != id_:
            found = _("the address of {person}").format(person=other)
            yield Finding(("people", id_, "email"), "duplicate_name", found, _("an address of their own"))
    domains: dict[str, str] = {}
    for id_, entry in document.accounts.items():
        for i, domain in enumerate(_list(entry, "domains")):
            if (other := domains.setdefault(str(domain).casefold(), id_)) != id_:
                found = _("a domain of the account {account}").format(account=other)
                expected = _("a domain of this account alone")
                yield Finding(("accounts", id_, "domains", i), "duplicate_name", found, expected)


def _mail_providers(document: RosterDocument) -> Iterator[Finding]:
    """Domains by which no company is recognised, because anybody can write from there."""
    for id_, entry in document.accounts.items():
        for i, domain in enumerate(_list(entry, "domains")):
            if is_mail_provider(str(domain).strip().casefold().removeprefix("www.")):
                found = _("the domain of a mail provider: {domain}").format(domain=domain)
                expected = _("a domain of the company's own; leads are not recognised by this one")
                path = ("accounts", id_, "domains", i)
                yield Finding(path, "mail_provider", found, expected, severity="warning")


def _backups(document: RosterDocument) -> Iterator[Finding]:
    people = document.people
    for id_, entry in people.items():
        if entry.get("backup") == id_:
            found, expected = _("their own backup"), _("another person")
            yield Finding(("people", id_, "backup"), "backup", found, expected)
            continue
        chain = _backup_chain(people, id_)
        if chain and not any(people[other].get("active", True) for other in chain):
            found = _("a chain of backups in which nobody is active: {people}").format(
                people=" → ".join(chain)
            )
            expected = _("a backup who receives leads")
            yield Finding(("people", id_, "backup"), "backup", found, expected, severity="warning")


def _backup_chain(people: Mapping[str, Entry], start: str) -> list[str]:
    """The backups of a person, theirs, and so on; each once."""
    chain: list[str] = []
    name = people[start].get("backup")
    while isinstance(name, str) and name in people and name not in chain:
        chain.append(name)
        name = people[name].get("backup")
    return chain


def _attributes(document: RosterDocument) -> Iterator[Finding]:
    """Custom attributes that look like a misspelt key, or whose value no condition can test."""
    known = PersonPart.model_fields
    for id_, entry in document.people.items():
        for key, value in entry.items():
            if key in known or key in ("holidays_region",):
                continue
            if not _plain(value):
                expected = _("a text, a number, true or false, or a list of words")
                yield Finding(("people", id_, key), "wrong_type", quoted(value), expected)
            elif meant := _misspelt(key, known):
                found = _("the attribute {key} of your own").format(key=quoted(key))
                yield Finding(("people", id_, key), "unknown_key", found, "", meant, "warning", at_key=True)


def _misspelt(key: str, known: Iterable[str]) -> str:
    meant = did_you_mean(key, known)
    # Only near misses: `timezon` is a slip, `stage` is not meant to be `name`.
    return meant if meant and abs(len(key) - len(meant)) <= 1 and len(key) > 4 else ""


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, (str, int)) for item in value)
    return isinstance(value, (str, int, float, bool)) and value == value and abs(_size(value)) < 2**53


def _size(value: Any) -> float:
    return value if isinstance(value, (int, float)) else 0


def _absences(document: RosterDocument) -> Iterator[Finding]:
    for id_, entry in document.people.items():
        for i, away in enumerate(_list(entry, "away")):
            if not isinstance(away, dict):
                continue
            start, until = (str(away.get(key, "")) for key in ("from", "until"))
            try:
                backwards = instant(start, "UTC") >= instant(until, "UTC", end=True)
            except ValueError:
                continue  # the structure says that it is no date
            if backwards:
                found, expected = _("an absence that ends before it begins"), _("a later end")
                yield Finding(("people", id_, "away", i, "until"), "period", found, expected)


def _unknown_holidays(document: RosterDocument) -> Iterator[Finding]:
    for id_, entry in document.people.items():
        country, region = entry.get("country"), entry.get("holidays_region")
        if not isinstance(country, str) or country.upper() not in countries():
            continue
        regions = holiday_regions().get(country.upper())
        if regions is None:
            found = _("a country whose public holidays are not known: {country}").format(country=country)
            expected = _("absences instead, where people are off")
            yield Finding(("people", id_, "country"), "no_holidays", found, expected, severity="warning")
        elif region is not None and region not in regions:
            found = _("a region whose public holidays are not known: {region}").format(region=quoted(region))
            meant = did_you_mean(region, regions)
            expected = " | ".join(regions)
            yield Finding(
                ("people", id_, "holidays_region"), "no_holidays", found, expected, meant, "warning"
            )
