"""A real server on a real PostgreSQL, and clients that talk to it over a socket."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import httpx2
import psycopg
import pytest
import uvicorn

from leadlane.api.application import create
from leadlane.app import App, open_app
from leadlane.config import Settings
from leadlane.policy.roster import read_roster
from leadlane.service import api_keys
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.store.db import connect

REFERENCE = files("leadlane") / "reference"


@dataclass(frozen=True)
class Served:
    """A running server: its address, the open Leadlane behind it, and clients with keys."""

    url: str
    app: App
    clients: list[httpx2.Client] = field(default_factory=list)

    def secret(self, *scopes: str) -> str:
        """The secret of a new key."""
        with self.app.pool.connection() as connection:
            return api_keys.create(connection, "test " + " ".join(scopes), scopes, self.app.now())[1]

    def client(self, *scopes: str, **options: Any) -> httpx2.Client:
        """A client with a new key of these scopes; without any, a client without a key."""
        headers = {"authorization": f"Bearer {self.secret(*scopes)}"} if scopes else {}
        client = httpx2.Client(base_url=self.url, headers=headers, timeout=30, **options)
        self.clients.append(client)
        return client

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement, committed."""
        with self.app.pool.connection() as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


def put_reference(connection: psycopg.Connection, app: App) -> None:
    """Put the reference policy and roster in force."""
    document, _problems = read_roster((REFERENCE / "roster.yaml").read_bytes())
    assert document is not None
    put_roster(connection, document, "test", app.now())
    publish(connection, (REFERENCE / "policy.yaml").read_text(), "policy.yaml", "test", "first", app.now())


@contextmanager
def serving(settings: Settings, *, reference: bool = True) -> Iterator[Served]:
    """Within the block a server runs on a port of its own."""
    with open_app(settings) as app, socket.create_server(("127.0.0.1", 0)) as listener:
        if reference:
            with app.pool.connection() as connection:
                put_reference(connection, app)
        config = uvicorn.Config(create(lambda: nullcontext(app)), log_config=None, access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        served = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", app)
        try:
            httpx2.get(served.url + "/healthz", timeout=30)
            yield served
        finally:
            for client in served.clients:
                client.close()
            server.should_exit = True
            thread.join()


Serve = Callable[..., Served]


@pytest.fixture
def serve(database_url: str) -> Iterator[Serve]:
    """Starts a server on this test's database, with other settings than the defaults."""
    running: list[Any] = []

    def start(*, reference: bool = True, **settings: Any) -> Served:
        context = serving(Settings(database_url=database_url, **settings), reference=reference)
        running.append(context)
        return context.__enter__()

    yield start
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture
def served(serve: Serve) -> Served:
    """A server with the reference policy and roster in force."""
    return serve()


@pytest.fixture
def api(served: Served) -> httpx2.Client:
    """A client that may do everything."""
    return served.client("admin")


@pytest.fixture
def second_connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection of somebody else to the database of the server."""
    with connect(database_url) as connection:
        yield connection
