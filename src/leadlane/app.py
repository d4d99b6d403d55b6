"""How are the parts put together? The only place where database, rules and clock meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg_pool import ConnectionPool

from leadlane import clock
from leadlane.config import Settings
from leadlane.errors import DatabaseError
from leadlane.i18n import _
from leadlane.outbound.endpoints import read_outbound
from leadlane.service.batch import Receipt
from leadlane.service.calendars import CalendarReader
from leadlane.service.recognise import rebuild_keys
from leadlane.service.router import Done, Router
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.sender import Sender
from leadlane.service.ways import set_up
from leadlane.store import batches
from leadlane.store.db import open_pool
from leadlane.store.migrate import is_current, upgrade
from leadlane.store.server import ensure_database

if TYPE_CHECKING:
    from fastapi import FastAPI


@dataclass(frozen=True, slots=True)
class App:
    """An open Leadlane: its settings, its database, and the compiled rules that its parts share."""

    settings: Settings
    url: str
    pool: ConnectionPool[Any]
    books: Rulebooks = field(default_factory=Rulebooks)
    now: Callable[[], datetime] = clock.now

    @contextmanager
    def router(
        self, deliver: Callable[[list[tuple[Done, Receipt | Exception]]], None] | None = None
    ) -> Iterator[Router]:
        """Within the block, a router that takes submissions; at its end everything submitted is routed."""
        with open_pool(self.url, 1, name="leadlane router", configure=batches.configure) as pool:
            router = Router(pool, self.books, self.now, self.settings.batch_max, deliver=deliver)
            router.start()
            try:
                yield router
            finally:
                router.stop()

    @contextmanager
    def sender(self) -> Iterator[None]:
        """Within the block, people and systems are told what is in the outbox, by the channels set up.

        Raises SettingsError if outbound.yaml cannot be used. Where nothing is set up, messages wait.
        """
        setup = set_up(self.settings, read_outbound(self.settings))
        with Sender(self.url, self.books, setup, self.now) if setup.ways else nullcontext():
            yield

    @contextmanager
    def calendar_reader(self) -> Iterator[None]:
        """Within the block, calendars of people are read for absences. Raises SettingsError as `sender`."""
        with CalendarReader(self.url, read_outbound(self.settings).allowed, self.now):
            yield


@contextmanager
def open_app(settings: Settings) -> Iterator[App]:
    """Within the block, Leadlane is open: its database runs, is of the right form, and can be used.

    The embedded database is upgraded as needed. One's own is not: there `leadlane db upgrade` is a
    decision. Raises DatabaseError when there is none to use.
    """
    with ensure_database(settings) as url:
        if not settings.database_url:
            upgrade(url)
        elif not is_current(url):
            raise DatabaseError(
                _("The database is not of the form that this Leadlane needs."),
                _("Make a backup, then: leadlane db upgrade"),
            )
        with open_pool(url, settings.db_pool_size) as pool:
            with pool.connection() as connection:
                rebuild_keys(connection)  # a newer Leadlane may look accounts up in another way
            yield App(settings, url, pool)


def over_http(open_leadlane: Callable[[], AbstractContextManager[App]]) -> FastAPI:
    """What answers over HTTP: the interface for programs and the pages for people, as one application."""
    # Imported here because every command that serves nothing would pay for it.
    from leadlane.api.application import create
    from leadlane.web.application import open_pages

    return create(open_leadlane, open_pages)
