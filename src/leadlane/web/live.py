"""What has changed on the page that somebody looks at? Server-sent events, from what PostgreSQL notifies.

A page says which topics it is about (`person:anna`, `lead:L1`, `pool:dach`, `review`, `all`). When one of
them changes it is told so, no more, and asks for its pieces again. A process listens to the database while it
has pages open, by one connection for all of them.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from leadlane.logging import get_logger
from leadlane.store import live
from leadlane.web.page import page
from leadlane.web.roles import Capability
from leadlane.web.session import Session

log = get_logger(__name__)

PATH = "/live"
MOST_TOPICS = 50
# Several changes at once are one for whoever looks; so that a busy hour costs no more than this.
_AT_MOST_EVERY_SECONDS = 1.0
# Shorter than the patience of the proxies between us.
_HEARTBEAT_SECONDS = 20.0
# Then the browser comes again, and is asked again whether it may.
_LASTS_SECONDS = 300.0
_WATCHED_FOR = timedelta(seconds=60)
_RENEW_SECONDS = 20.0
_LONGEST_BACKOFF_SECONDS = 15.0
_CHANGED = b"event: changed\ndata: 1\n\n"


@dataclass(eq=False)
class Looker:
    """One open page: the hashes of its topics, and whether any has changed since it was last told."""

    topics: frozenset[str]
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """The open pages of this process. Everything happens in the event loop."""

    def __init__(self, url: str, now: Callable[[], datetime]) -> None:
        self._url = url
        self._now = now
        self._process = secrets.token_hex(8)
        self._lookers: set[Looker] = set()
        self._listening: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @contextmanager
    def looking(self, topics: Iterable[str]) -> Iterator[Looker]:
        """Within the block, a page that is told when one of these topics changes."""
        looker = Looker(frozenset(map(live.topic_hash, topics)))
        self._lookers.add(looker)
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        try:
            yield looker
        finally:
            self._lookers.discard(looker)

    @property
    def is_closing(self) -> bool:
        """Whether the server is about to end."""
        return self._closing.is_set()

    def close(self) -> None:
        """Let every open page go, so that the server can end."""
        self._closing.set()
        self._tell(None)

    async def stop(self) -> None:
        """Listen no longer."""
        self.close()
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    def _tell(self, topics: frozenset[str] | None) -> None:
        for looker in self._lookers:
            if topics is None or not topics.isdisjoint(looker.topics):
                looker.changed.set()

    async def _listen(self) -> None:
        """Hear what changes while anybody looks; what goes wrong is tried again."""
        failures = 0
        while self._lookers and not self.is_closing:
            try:
                await self._hear()
                failures = 0
            except (psycopg.Error, OSError) as error:
                failures += 1
                log.warning("pages hear nothing at the moment", error=str(error))
                await asyncio.sleep(min(0.2 * 2**failures, _LONGEST_BACKOFF_SECONDS))

    async def _hear(self) -> None:
        async with await live.connect(self._url) as connection:
            await live.watch(connection, self._process, self._now() + _WATCHED_FOR)
            # What happened while nobody heard may concern anybody.
            self._tell(None)
            while self._lookers and not self.is_closing:
                async for topics in live.heard(connection, _RENEW_SECONDS):
                    self._tell(topics)
                await live.watch(connection, self._process, self._now() + _WATCHED_FOR)


async def stream(request: Request, _session: Session) -> Response:
    """The events of the topics that the query names: `changed`, each time one of them has."""
    topics = request.query_params.getlist("topic")[:MOST_TOPICS]
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(request.scope["live"], topics), 200, headers, "text/event-stream")


async def _events(hub: Live, topics: list[str]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + _LASTS_SECONDS
    yield b": here\n\n"
    with hub.looking(topics) as looker:
        while not hub.is_closing and loop.time() < ends_at:
            try:
                await asyncio.wait_for(looker.changed.wait(), _HEARTBEAT_SECONDS)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            # Before it is told: what changes while nothing more is told, is told next.
            looker.changed.clear()
            yield _CHANGED
            await asyncio.sleep(_AT_MOST_EVERY_SECONDS)


@contextmanager
def closed_by_signals(hub: Live) -> Iterator[None]:
    """Within the block, a signal to end lets open pages go: the server would wait for them, and they last."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals come to the main thread only
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def close(number: int, frame: object) -> None:
        loop.call_soon_threadsafe(hub.close)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)  # type: ignore[arg-type]

    for number in before:
        signal.signal(number, close)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


PAGES = (page(PATH, stream, capability=Capability.OWN_ACCOUNT),)
