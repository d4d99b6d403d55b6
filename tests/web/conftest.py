"""The pages as a browser without scripts sees them: a real server, a real PostgreSQL, people signed in."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import unescape
from importlib.resources import files
from typing import Any

import httpx2
import psycopg
import pytest
import uvicorn

from leadlane import clock
from leadlane.app import App, open_app, over_http
from leadlane.config import Settings
from leadlane.policy.roster import read_roster
from leadlane.service import sign_in, users
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster

REFERENCE = files("leadlane") / "reference"
ROLES = ("admin", "manager", "rep", "viewer")
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')
_TAGS = re.compile(r"<(script|style).*?</\1>|<[^>]+>", re.DOTALL)


class Visitor(httpx2.Client):
    """Somebody with a browser. Answers to forms are not followed, so that a test sees them."""

    def text(self, path: str) -> str:
        """What a page says, without its tags; it has to be there."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:2000])
        return text_of(answer)

    def submit(self, path: str, *, seen: str = "/account", **fields: Any) -> httpx2.Response:
        """Send a form, with the token that the page `seen` has in its forms."""
        found = _CSRF.search(self.get(seen).text)
        assert found is not None, f"no form on {seen}"
        return self.post(path, data={"csrf": found[1], **fields})


def text_of(answer: httpx2.Response) -> str:
    """What an answer says, without its tags, in one line."""
    return " ".join(unescape(_TAGS.sub(" ", answer.text)).split())


@dataclass(frozen=True)
class Site:
    """A running server with the reference policy and roster: its address, and the open Leadlane behind it."""

    url: str
    app: App
    visitors: list[Visitor] = field(default_factory=list)

    def visitor(self, **headers: str) -> Visitor:
        """Somebody who is not signed in."""
        self.visitors.append(Visitor(base_url=self.url, timeout=30, headers=headers))
        return self.visitors[-1]

    def sign_in(self, role: str, person: str | None = None, **headers: str) -> Visitor:
        """Somebody of a role who is signed in, linked to a person of the roster if one is named."""
        visitor = self.visitor(**headers)
        visitor.cookies.set("leadlane", self.session_token(role, person))
        return visitor

    def session_token(self, role: str, person: str | None = None) -> str:
        """The token of a new session of a user of this role; the user is made if there is none."""
        email = f"{role}.{person or 'nobody'}@leadlane.example"
        with self.app.pool.connection() as connection:
            user = _known(connection, email) or users.add(
                connection, email, f"{role.title()} Tester", role, "test", self.app.now()
            )
            if person is not None and user.person != person:
                # One user each: whoever was this person before is nobody now.
                connection.execute("UPDATE users SET person = NULL WHERE person = %s", [person])
                users.link_person(connection, user.id, person, "test")
            origin = sign_in.From("127.0.0.1", "test")
            return sign_in.enter(connection, user, origin, self.app.now()).token

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement, committed."""
        with self.app.pool.connection() as connection:
            cursor = connection.execute(statement, values or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


def _known(connection: psycopg.Connection, email: str) -> Any:
    try:
        return users.find(connection, email)
    except users.UserError:
        return None


@contextmanager
def opened_site(
    settings: Settings,
    prepare: Callable[[App], None] | None = None,
    now: Callable[[], datetime] = clock.now,
) -> Iterator[Site]:
    """Within the block a server runs on a port of its own; `prepare` fills its database first."""
    with open_app(settings) as opened, socket.create_server(("127.0.0.1", 0)) as listener:
        app = replace(opened, now=now)
        (prepare or put_reference)(app)
        # It hears no signal, which would end the open streams of events: whoever still listens is let go.
        config = uvicorn.Config(
            over_http(lambda: nullcontext(app)),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        site = Site(f"http://127.0.0.1:{listener.getsockname()[1]}", app)
        try:
            httpx2.get(site.url + "/healthz", timeout=30)
            yield site
        finally:
            for visitor in site.visitors:
                visitor.close()
            server.should_exit = True
            thread.join()


def put_reference(app: App, by: str = "test", comment: str = "first") -> None:
    """Put the reference policy and roster in force."""
    document, _problems = read_roster((REFERENCE / "roster.yaml").read_bytes())
    assert document is not None
    with app.pool.connection() as connection:
        put_roster(connection, document, by, app.now())
        policy = (REFERENCE / "policy.yaml").read_text()
        publish(connection, policy, "policy.yaml", by, comment, app.now())


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """A server with the reference policy and roster in force, and no lead yet."""
    with opened_site(Settings(database_url=database_url)) as opened:
        yield opened
