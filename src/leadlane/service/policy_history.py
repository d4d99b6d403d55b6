"""How did the rules come to be as they are? Published versions, what each changed, and one beside another."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from psycopg import Connection

from leadlane.core.policy import Policy
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, current_language
from leadlane.policy.diff import Change, changes
from leadlane.policy.load import load_policy
from leadlane.store import policies
from leadlane.store.policies import Publication

# So many versions of a history are read at once.
MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Version:
    """A policy put in force: by whom, when and why. `before` is the version that it took over from."""

    number: int
    version: str
    published_at: datetime
    published_by: str
    comment: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """A version, and what it changed against the one before, in words; of the first, nothing."""

    version: Version
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Versions, the newest first. `older` is the number to go on from, None at the end."""

    steps: tuple[Step, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions and what differs: by section, and line by line in the text.

    `sections` are (key of the section, its changes); `lines` are (sign, text), the sign " ", "+", "-" or "@".
    """

    one: Version
    other: Version
    sections: tuple[tuple[str, tuple[Change, ...]], ...]
    lines: tuple[tuple[str, str], ...]


def history(connection: Connection, before: int | None = None) -> History:
    """Published versions, the newest first, from below the number `before`."""
    wanted = [one for one in versions(connection) if before is None or one.number < before]
    shown = wanted[:MOST_SHOWN]
    steps = tuple(
        Step(one, tuple(change.words for change in found)) for one, found in _changed_by(connection, shown)
    )
    return History(steps, shown[-1].number if len(wanted) > len(shown) else None)


def history_of_route(
    connection: Connection, name: str, most: int
) -> tuple[list[tuple[Version, tuple[str, ...]]], int, bool]:
    """What the last `most` versions changed in a route, the newest first; those that did not are left out.

    Also how many versions were looked through, and whether these were all.
    """
    every = versions(connection)
    shown = every[:most]
    found = []
    for one, changed in _changed_by(connection, shown):
        said = [change.words for change in changed if (change.section, change.name) == ("routes", name)]
        if one.before is None and _has_route(connection, one, name):
            said = [_("It was there from the first version on.")]
        if said:
            found.append((one, tuple(said)))
    return found, len(shown), len(shown) == len(every)


def versions(connection: Connection) -> list[Version]:
    """Every publication, the newest first. There are as many as people published by hand."""
    found: Sequence[Publication] = policies.publications(connection)
    befores: list[str | None] = [*(one.version for one in found[1:]), None]
    return [
        Version(one.number, one.version, one.published_at, one.published_by, one.comment, before)
        for one, before in zip(found, befores, strict=True)
    ]


def newest(connection: Connection, version: str) -> Version:
    """The last publication of a version. LeadlaneError for one that never was."""
    found = next((one for one in versions(connection) if one.version == version), None)
    if found is None:
        raise LeadlaneError(
            _("There is no policy version {version}.").format(version=version),
            _("Choose one of those that were published."),
        )
    return found


def named(connection: Connection, text: str) -> Version:
    """A publication by its number, or the last one of a version. LeadlaneError where there is none."""
    by_number = {str(one.number): one for one in versions(connection)}
    return by_number.get(text) or newest(connection, text)


def compare(connection: Connection, one: Version, other: Version) -> Comparison:
    """What differs from one version to the other, in the order of a policy."""
    texts = [policies.source(connection, version.version) for version in (one, other)]
    by_section: defaultdict[str, list[Change]] = defaultdict(list)
    for change in _changes(*texts, current_language()):
        by_section[change.section].append(change)
    sections = tuple((key, tuple(found)) for key, found in by_section.items())
    return Comparison(one, other, sections, tuple(_lines(*texts)))


def _lines(old: str, new: str) -> list[tuple[str, str]]:
    diff = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    # The first two lines name the files.
    return [("@", "") if line.startswith("@@") else (line[0], line[1:]) for line in list(diff)[2:]]


def _changed_by(
    connection: Connection, shown: Sequence[Version]
) -> Iterator[tuple[Version, tuple[Change, ...]]]:
    """Each version with what it changed against the one before; the first one changed nothing."""
    wanted = {one.version for one in shown} | {one.before for one in shown if one.before}
    texts = policies.sources(connection, wanted)
    for one in shown:
        yield one, _changes(texts[one.before], texts[one.version], current_language()) if one.before else ()


def _has_route(connection: Connection, one: Version, name: str) -> bool:
    policy = _parsed(policies.source(connection, one.version))
    return any(route.name == name for route in policy.routes)


# What is kept at hand is kept by the texts, which never change: nothing of it goes stale.


@lru_cache(maxsize=8 * MOST_SHOWN)
def _changes(old: str, new: str, _language: str) -> tuple[Change, ...]:
    return tuple(changes(_parsed(old), _parsed(new)))


@lru_cache(maxsize=2 * MOST_SHOWN)
def _parsed(text: str) -> Policy:
    return load_policy(text, _("a published policy"))
