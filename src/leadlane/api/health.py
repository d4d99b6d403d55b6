"""Does this process live, can it work, and how is it doing? `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import orjson
import psycopg
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from psycopg_pool import ConnectionPool, PoolTimeout
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.api.front import Front, front_of
from leadlane.i18n import _
from leadlane.service import deliver, health, worker
from leadlane.store import policies
from leadlane.store.migrate import head, revision_of

PATIENCE_SECONDS = 3.0
# Above this, requests still get in, but a balancer had better send them elsewhere.
OVERFULL = 0.8
# Set by `serve --workers`: the folder through which processes share their counts.
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


class HealthView(TypedDict):
    """The process lives."""

    status: str


class ReadyView(TypedDict):
    """Whether this process can do its work, and everything that keeps it from it."""

    ready: bool
    reasons: list[str]


async def healthz() -> Response:
    """The process lives."""
    return Response(b'{"status":"ok"}', media_type="application/json")


def readyz(request: Request) -> Response:
    """Whether this process can do its work; 503 with everything that keeps it from it."""
    reasons = _reasons(front_of(request))
    body = orjson.dumps({"ready": not reasons, "reasons": reasons})
    return Response(body, 503 if reasons else 200, media_type="application/json")


def metrics(request: Request) -> Response:
    """Counts and durations, for Prometheus; with several worker processes, of all of them."""
    leadlane = front_of(request).leadlane
    # A database that is away is told by /readyz; the counts of this process are there all the same.
    with suppress(psycopg.Error, PoolTimeout), _patient_connection(leadlane.pool) as connection:
        worker.measure(connection, leadlane.now())
        deliver.measure(connection, leadlane.now())
    registry = REGISTRY
    if MULTIPROCESS in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


def _reasons(front: Front) -> list[str]:
    reasons = _database_reasons(front)
    if not front.line.router.is_alive:
        reasons.append(_("The thread that routes leads has ended."))
    elif front.line.router.fullness > OVERFULL:
        reasons.append(_("Too many leads are waiting to be routed."))
    return reasons


def _database_reasons(front: Front) -> list[str]:
    leadlane = front.leadlane
    try:
        with _patient_connection(leadlane.pool) as connection:
            if revision_of(connection) != head():
                return [_("The database is not up to date; run: leadlane db upgrade")]
            if policies.in_force(connection)[0] is None:
                return [_("No policy is in force yet.")]
            late_after = timedelta(seconds=leadlane.settings.late_after_seconds)
            found = health.check(connection, leadlane.books, leadlane.now(), late_after)
            return [one.text for one in found if one.is_grave]
    except psycopg.errors.QueryCanceled:
        return [_("The database does not answer in time.")]
    except (psycopg.Error, PoolTimeout):
        return [_("The database cannot be reached.")]


@contextmanager
def _patient_connection(pool: ConnectionPool[Any]) -> Iterator[psycopg.Connection]:
    """A connection for a question whose answer is worth waiting for a few seconds, and no longer."""
    with pool.connection(PATIENCE_SECONDS) as connection, connection.transaction():
        connection.execute(f"SET LOCAL statement_timeout = {PATIENCE_SECONDS * 1000:.0f}")
        yield connection
