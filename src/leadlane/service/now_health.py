"""What of the machinery needs somebody now? Alarms, channels that are down, what was not sent or routed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from leadlane.core.facts import Roster
from leadlane.explain.speech import person_words
from leadlane.service.ways import shown_address
from leadlane.store import alarms, deliveries, hooks
from leadlane.store.alarms import Alarm
from leadlane.store.deliveries import UNWELL, Channel, Delivery, State

MOST_MESSAGES = 5
MOST_HOOKS = 5


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message that was not sent for sure: to whom, by which channel, and what went wrong in a line."""

    id: int
    to: str
    channel: str
    state: State
    error: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Unrouted:
    """What a webhook brought and could not be routed, and the first reason."""

    id: int
    hook: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HealthNow:
    """What is wrong: lasting alarms, channels that are down, the newest messages and deliveries that failed.

    `unsent` counts messages by state; `failed` and `waiting` deliveries of webhooks.
    """

    alarms: tuple[Alarm, ...]
    channels: tuple[Channel, ...]
    unsent: Mapping[State, int]
    messages: tuple[Unsent, ...]
    failed: int
    waiting: int
    hooks: tuple[Unrouted, ...]

    @property
    def is_well(self) -> bool:
        """Nothing needs anybody."""
        return not (self.alarms or self.channels or self.unsent or self.failed or self.waiting)


def health_now(connection: Connection, roster: Roster) -> HealthNow:
    """What is wrong at present; each list up to a bound, the newest first."""
    unsent = deliveries.counts(connection)
    messages = [
        one for state in unsent for one in deliveries.search(connection, {"state": state}, MOST_MESSAGES)
    ]
    messages.sort(key=lambda one: -one.id)
    unrouted = hooks.unrouted(connection)
    failed = hooks.deliveries(connection, ["failed"], limit=MOST_HOOKS) if unrouted["failed"] else []
    return HealthNow(
        alarms=tuple(alarms.lasting(connection)),
        channels=tuple(one for one in deliveries.channels(connection).values() if one.down_since is not None),
        unsent={state: unsent[state] for state in UNWELL if state in unsent},
        messages=tuple(_unsent(one, roster) for one in messages[:MOST_MESSAGES]),
        failed=unrouted["failed"],
        waiting=unrouted["received"],
        hooks=tuple(
            Unrouted(one.id, one.hook, one.problems[0]["reason"] if one.problems else "", one.received_at)
            for one in reversed(failed)
        ),
    )


def _unsent(one: Delivery, roster: Roster) -> Unsent:
    to = person_words(roster, one.person) if one.person else shown_address(one.address)
    error = (one.error or "").partition("\n")[0]
    return Unsent(one.id, to, one.channel, one.state, error, one.finished_at or one.created_at)
