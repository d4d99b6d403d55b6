"""What does answering take? The open Leadlane, what is known beforehand, and the way to the router."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from psycopg_pool import ConnectionPool
from starlette.requests import Request

from leadlane.config import Settings
from leadlane.core.facts import FieldSpec
from leadlane.core.policy import Policy
from leadlane.logging import get_logger
from leadlane.service.batch import Receipt
from leadlane.service.router import Done, Router
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks, field_specs
from leadlane.service.submission import Submission
from leadlane.store import api_keys
from leadlane.store.api_keys import KeyRow

log = get_logger(__name__)

# A key that was revoked and a policy that was published hold everywhere after this long.
RENEW_SECONDS = 2.0
# Something that seems unknown may be new: looked up at once, but not more often than this.
RENEW_SOON_SECONDS = 0.25
# Older than this, what was known is not trusted: the database has been out of reach for too long.
STALE_SECONDS = 30.0

Deliver = Callable[[list[tuple[Done, Receipt | Exception]]], None]


class Leadlane(Protocol):
    """An open Leadlane, as the HTTP interface uses it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def pool(self) -> ConnectionPool[Any]: ...
    @property
    def books(self) -> Rulebooks: ...
    @property
    def now(self) -> Callable[[], datetime]: ...
    def router(self, deliver: Deliver | None = None) -> AbstractContextManager[Router]:
        """Within the block, a router that takes submissions."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What reading a lead takes of the policy in force."""

    policy: Policy
    fields: Mapping[str, FieldSpec]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Keys by hash, and the rules in force (None: none are), as of `taken_at` (monotonic seconds)."""

    keys: Mapping[bytes, KeyRow]
    rules: Rules | None
    taken_at: float


class Foreknown:
    """What is to be known before a request reaches the database, at most two seconds old.

    So the usual request costs no query of its own for its key and for the fields of the policy.
    """

    def __init__(self, leadlane: Leadlane) -> None:
        self._leadlane = leadlane
        self._renewing = asyncio.Lock()
        self.snapshot = Snapshot({}, None, -STALE_SECONDS)
        # When keys were used since the last renewal: a request writes nothing of its own for that.
        self.used: dict[str, datetime] = {}

    async def keep_fresh(self) -> None:
        """Renew for ever; a failure is logged, and tried again."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(Exception):
                await self.renew(0)

    async def renew(self, soon: float = RENEW_SOON_SECONDS) -> Snapshot:
        """The present state; one that is younger than `soon` seconds is waited for, then taken."""
        asked_at = time.monotonic()
        async with self._renewing:
            # Taken while this one waited: as good as new.
            if self.snapshot.taken_at < asked_at:
                await asyncio.sleep(max(0.0, self.snapshot.taken_at + soon - time.monotonic()))
                try:
                    self.snapshot = await asyncio.to_thread(self._take)
                except Exception as error:
                    log.warning("keys and rules could not be renewed", error=str(error))
                    raise
        return self.snapshot

    async def rules(self) -> Rules:
        """The rules in force. NothingPublishedError if there are none."""
        rules = self.snapshot.rules or (await self.renew()).rules
        if rules is None:
            raise NothingPublishedError
        return rules

    @property
    def is_stale(self) -> bool:
        """Whether the database has been out of reach for too long."""
        return time.monotonic() - self.snapshot.taken_at > STALE_SECONDS

    def _take(self) -> Snapshot:
        taken_at = time.monotonic()
        used, self.used = self.used, {}
        with self._leadlane.pool.connection() as connection:
            if used:
                api_keys.note_use(connection, used)
            keys = {key.hash: key for key in api_keys.valid_keys(connection)}
            try:
                policy = self._leadlane.books.current(connection).policy
            except NothingPublishedError:
                return Snapshot(keys, None, taken_at)
        known = self.snapshot.rules
        if known is not None and known.policy is policy:
            return Snapshot(keys, known, taken_at)
        return Snapshot(keys, Rules(policy, field_specs(policy), ZoneInfo(policy.timezone)), taken_at)


class Line:
    """The way to the router's thread and back: answers reach the event loop a whole batch in one step."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.router: Router

    def deliver(self, answers: list[tuple[Done, Receipt | Exception]]) -> None:
        """Called in the router's thread with the answers of a batch."""
        self._loop.call_soon_threadsafe(_hand_out, answers)

    async def route(self, submission: Submission) -> Receipt:
        """The receipt of one submission. Raises what its batch failed with, or BusyError."""
        future: asyncio.Future[Receipt] = self._loop.create_future()
        self.router.submit([(submission, partial(_settle, future))])
        return await future

    async def route_all(self, submissions: Sequence[Submission]) -> list[Receipt | Exception]:
        """What became of each, in order. BusyError, and nothing is taken, if the line is too long."""
        futures: list[asyncio.Future[Receipt]] = [self._loop.create_future() for _one in submissions]
        self.router.submit(
            [(one, partial(_settle, future)) for one, future in zip(submissions, futures, strict=True)]
        )
        return await asyncio.gather(*futures, return_exceptions=True)  # type: ignore[return-value]


def _hand_out(answers: list[tuple[Done, Receipt | Exception]]) -> None:
    for done, receipt in answers:
        done(receipt)


def _settle(future: asyncio.Future[Receipt], answer: Receipt | Exception) -> None:
    # Whoever asked may have gone away; the lead is routed all the same.
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


@dataclass(frozen=True, slots=True)
class Front:
    """All that the endpoints share."""

    leadlane: Leadlane
    foreknown: Foreknown
    line: Line
    # By webhook, up to when what this process has taken in uses up what the webhook may bring.
    granted_until: dict[str, datetime] = field(default_factory=dict)


def front_of(request: Request) -> Front:
    """The front of the application that a request came to."""
    front: Front = request.scope["app"].state.front
    return front
