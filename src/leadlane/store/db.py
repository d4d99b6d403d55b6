"""How does Leadlane talk to its database? Connections set up alike everywhere: UTC, named, JSON by orjson."""

from collections.abc import Callable
from typing import Any

import orjson
import psycopg
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import ConnectionPool

POOL_TIMEOUT_SECONDS = 10.0


def configure_connection(connection: psycopg.Connection) -> None:
    """Set up a connection as all of ours are: JSON by orjson, instants in UTC."""
    set_json_dumps(orjson.dumps, connection)
    set_json_loads(orjson.loads, connection)
    # Not as an option of the connection: that would replace options which the address of the database brings.
    connection.execute("SET timezone TO 'UTC'")
    connection.commit()


def connect(url: str, **options: Any) -> psycopg.Connection:
    """A new connection to the database `url`, for the caller to close; `options` as of psycopg.connect."""
    connection = psycopg.connect(url, **{**_options("leadlane"), **options})
    configure_connection(connection)
    return connection


def open_pool(
    url: str,
    size: int,
    *,
    name: str = "leadlane",
    configure: Callable[[psycopg.Connection], None] = configure_connection,
) -> ConnectionPool:
    """An open pool of at most `size` connections to `url`; close it, or use it as a context manager.

    `name` is what PostgreSQL shows as the application; `configure` sets up each new connection. Raises
    psycopg_pool.PoolTimeout where no connection becomes free, or can be made, within 10 seconds.
    """
    return ConnectionPool(
        url,
        kwargs=_options(name),
        min_size=min(2, size),
        max_size=size,
        timeout=POOL_TIMEOUT_SECONDS,
        configure=configure,
        # A server that restarted must not cost the first requests after it an error each.
        check=ConnectionPool.check_connection,
        open=True,
        name=name,
    )


def _options(name: str) -> dict[str, Any]:
    # A statement is its own transaction unless a block says otherwise: a SELECT that somebody made before
    # must not keep a batch from being committed. Statements are prepared on their second use: planning is
    # most of the cost of a short one.
    return {"application_name": name, "prepare_threshold": 1, "autocommit": True}
