"""What if a worker dies here, or another one comes in between? A connection on which that happens at will.

All that psycopg says to the server goes through `Connection.wait`: every statement, every commit, every
synchronisation of a pipeline. So a fault before or after the n-th of these is a death between any two
statements, and on either side of a commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection

from leadlane.store import batches


class Died(psycopg.OperationalError):
    """The process that used the connection is dead; whatever it had not committed is gone."""


@dataclass(slots=True)
class Fault:
    """What happens at the `at`-th exchange with the server from now on (1 is the next).

    `meddle` is what another worker does there; without it the worker dies, before the exchange or after
    it (`after`), when whatever it did has happened but nobody learns of it.
    """

    at: int
    after: bool = False
    meddle: Callable[[], None] | None = None
    happened: bool = False


class Mortal(Connection[Any]):
    """A connection as the services use them, whose owner can die at a chosen point."""

    fault: Fault | None = None
    backend: int = 0

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """One exchange with the server, with what befalls it."""
        fault = self.fault
        if fault is None or fault.happened:
            return super().wait(gen, *args, **options)
        fault.at -= 1
        if fault.at > 0:
            return super().wait(gen, *args, **options)
        fault.happened = True
        if fault.meddle is not None:
            fault.meddle()
            return super().wait(gen, *args, **options)
        if fault.after:
            super().wait(gen, *args, **options)
        else:
            gen.close()
        self.pgconn.finish()
        raise Died("the worker died")


def open_mortal(url: str) -> Mortal:
    """A new worker's connection, prepared as the services' own connections are."""
    connection = Mortal.connect(url, application_name="mortal", prepare_threshold=1, autocommit=True)
    connection.backend = connection.info.backend_pid
    batches.configure(connection)
    return connection


def wait_until_buried(dead: Mortal, observer: Connection[Any]) -> None:
    """Wait until the server has let go of all that a dead worker held, so that what follows reproduces."""
    deadline = time.monotonic() + 10
    while observer.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [dead.backend]).fetchone():
        if time.monotonic() > deadline:
            raise TimeoutError("the server keeps what a dead worker held")
        time.sleep(0.001)
