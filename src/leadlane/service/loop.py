"""How does a thread work for ever? It sleeps until its next time or until it is woken, whatever goes wrong.

The database wakes it (LISTEN), and so does `ring`. A database that is away is tried again, ever less often.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from types import TracebackType

import psycopg
from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.logging import get_logger
from leadlane.store.db import connect

log = get_logger(__name__)

_LONGEST_BACKOFF_SECONDS = 30.0


class Loop(ABC):
    """One loop, to be run in this thread (`run`) or in one of its own (as a context manager).

    It uses two connections of its own to the database `url`: one to work, one to be woken by on `channel`.
    """

    def __init__(self, url: str, name: str, channel: str) -> None:
        self._url = url
        self._name = name
        self._channel = channel
        self._is_stopping = threading.Event()
        # A byte in here ends a sleep.
        self._bell, self._ear = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    @abstractmethod
    def turn(self, connection: Connection) -> float:
        """Do what there is to do; returns for how many seconds to sleep at most."""

    def begin(self, connection: Connection) -> None:  # noqa: B027 - most need nothing
        """Make a new connection ready, before the first turn on it."""

    def end(self, connection: Connection) -> None:  # noqa: B027 - most need nothing
        """Bring what is under way to an end, after the last turn."""

    def __enter__(self) -> Loop:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        """End soon: after the turn in hand. Safe to call from anywhere, also from a signal handler."""
        self._is_stopping.set()
        self.ring()

    def ring(self) -> None:
        """End the sleep, if it sleeps; else its next one. Safe to call from anywhere."""
        with suppress(OSError):  # it has ended already, or has been rung for often enough
            self._bell.send(b".")

    @property
    def is_stopping(self) -> bool:
        """Whether it has been told to stop."""
        return self._is_stopping.is_set()

    @property
    def is_alive(self) -> bool:
        """Whether the thread of the context manager is running."""
        return self._thread.is_alive()

    def run(self) -> None:
        """Work until told to stop, once. Nothing that goes wrong ends it."""
        with self._bell, self._ear:
            self._run()

    def _run(self) -> None:
        failures = 0
        while not self.is_stopping:
            begun = time.monotonic()
            try:
                self._work()
            except (psycopg.Error, LeadlaneError) as error:
                log.warning("interrupted", what=self._name, error=str(error))
            except Exception:
                # A defect must not end the work on everything else.
                log.exception("interrupted", what=self._name)
            # Whoever has worked for a while was not stopped by what stopped it before.
            failures = failures + 1 if time.monotonic() - begun < _LONGEST_BACKOFF_SECONDS else 1
            self._is_stopping.wait(min(0.1 * 2 ** min(failures, 10), _LONGEST_BACKOFF_SECONDS))

    def _work(self) -> None:
        """Work on connections that hold; raises when one of them breaks, or for a defect."""
        with (
            connect(self._url, application_name=f"leadlane {self._name}") as connection,
            connect(self._url, application_name=f"leadlane {self._name}, listening") as listening,
        ):
            self.begin(connection)
            # Before anything is looked up: what comes between looking and sleeping is heard.
            listening.execute(f"LISTEN {self._channel}")
            log.info("started", what=self._name)
            while not self.is_stopping:
                self._sleep(listening, self.turn(connection))
            self.end(connection)

    def _sleep(self, listening: Connection, seconds: float) -> None:
        """Until the time has passed, the database notifies, or somebody rings."""
        with selectors.DefaultSelector() as selector:
            selector.register(listening, selectors.EVENT_READ)
            selector.register(self._ear, selectors.EVENT_READ)
            heard = [key.fileobj for key, _events in selector.select(seconds)]
        if self._ear in heard:
            with suppress(BlockingIOError):
                self._ear.recv(4_096)
        if listening in heard:
            for _notified in listening.notifies(timeout=0):
                pass  # one look answers all of them
