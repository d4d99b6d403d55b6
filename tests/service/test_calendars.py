"""Absences from calendars that people keep elsewhere, over real HTTP; and what calendars read of ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest
from icalendar import Calendar

from leadlane.service import calendars as service
from leadlane.service.absences import add_absence, end_absence
from leadlane.service.people_page import person_page
from leadlane.service.roster import AbsenceError
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import calendars as store
from leadlane.store import policies

from .conftest import NOW

ALLOWED = ("127.0.0.1",)
EVENT = (
    "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART;VALUE=DATE:{start}\r\nDTEND;VALUE=DATE:{end}\r\n"
    "SUMMARY:Surgery\r\nEND:VEVENT\r\n"
)


def calendar(*days: tuple[str, str]) -> str:
    events = "".join(
        EVENT.format(uid=number, start=start, end=end) for number, (start, end) in enumerate(days)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\n{events}END:VCALENDAR\r\n"


@dataclass
class Served:
    """What a server somewhere answers."""

    url: str
    status: int = 200
    text: str = ""


@pytest.fixture
def served() -> Iterator[Served]:
    """A calendar server."""
    found = Served("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = found.text.encode()
            self.send_response(found.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/anna.ics"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def read(db: psycopg.Connection, now: datetime = NOW, allowed: tuple[str, ...] = ALLOWED) -> str:
    link = store.link(db, "anna")
    assert link is not None
    return service.read_calendar(db, link, allowed, now)


def away(db: psycopg.Connection, books: Rulebooks) -> list[datetime]:
    return [one.start for one in books.current(db).roster.people["anna"].away]


def test_a_calendar_is_read_again_and_again_without_harm(
    published: psycopg.Connection, books: Rulebooks, served: Served
) -> None:
    add_absence(published, "anna", "2026-04-01", "2026-04-02", "By hand", "boris", "anna", NOW)
    served.text = calendar(("20260306", "20260307"), ("20260320", "20260328"))
    service.follow(published, "anna", served.url, "anna", NOW)
    assert read(published) == ""
    assert len(away(published, books)) == 3
    revision = policies.in_force(published)[1]
    assert read(published, NOW + timedelta(minutes=30)) == ""
    assert policies.in_force(published)[1] == revision
    link = store.link(published, "anna")
    assert link is not None
    assert (link.found, link.problem) == (2, None)
    # What an event is about stays with whose calendar it is.
    page = person_page(published, books.current(published), "anna", NOW)
    assert page is not None
    assert [(one.source, one.reason) for one in page.absences] == [
        ("calendar", ""),
        ("calendar", ""),
        ("", "By hand"),
    ]
    with pytest.raises(AbsenceError, match="comes from a calendar"):
        end_absence(published, "anna", page.absences[0].key, "anna", NOW)
    served.text = calendar(("20260320", "20260328"))
    assert read(published) == ""
    assert len(away(published, books)) == 2
    assert service.unfollow(published, "anna", "anna", NOW)
    assert [one.reason for one in books.current(published).roster.people["anna"].away] == ["By hand"]


@pytest.mark.parametrize(
    ("status", "text", "says"),
    [
        (500, "", "answered 500"),
        (404, "gone", "answered 404"),
        (302, "", "it has moved"),
        (200, "<html>Sign in</html>", "no calendar"),
        (200, calendar(*[("20260306", "20260307")] * 501), "more than 500"),
    ],
)
def test_what_was_read_last_holds_while_it_cannot_be_read(
    published: psycopg.Connection, books: Rulebooks, served: Served, status: int, text: str, says: str
) -> None:
    served.text = calendar(("20260306", "20260307"))
    service.follow(published, "anna", served.url, "anna", NOW)
    assert read(published) == ""
    served.status, served.text = status, text
    assert says in read(published)
    assert len(away(published, books)) == 1
    link = store.link(published, "anna")
    assert link is not None
    assert says in (link.problem or "")
    served.status, served.text = 200, calendar()
    assert read(published) == ""
    assert away(published, books) == []


def test_links_into_the_own_network_are_not_followed(
    published: psycopg.Connection, books: Rulebooks, served: Served
) -> None:
    served.text = calendar(("20260306", "20260307"))
    service.follow(published, "anna", served.url, "anna", NOW)
    assert "inside the network" in read(published, allowed=())
    assert away(published, books) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "anna.ics",
        "file:///etc/passwd",
        "ftp://calendar.example/a",
        "https://",
        "http://[",
        "https://a\nb",
    ],
)
def test_what_is_no_link_is_refused(published: psycopg.Connection, url: str) -> None:
    with pytest.raises(service.CalendarLinkError):
        service.follow(published, "anna", url, "anna", NOW)
    assert store.link(published, "anna") is None


def test_a_link_that_was_changed_while_it_was_read_counts_no_more(
    published: psycopg.Connection, books: Rulebooks, served: Served
) -> None:
    served.text = calendar(("20260306", "20260307"))
    old = service.follow(published, "anna", served.url, "anna", NOW)
    service.follow(published, "anna", "webcal://calendar.example/new.ics", "anna", NOW)
    assert service.read_calendar(published, old, ALLOWED, NOW) == ""
    assert away(published, books) == []
    link = store.link(published, "anna")
    assert link is not None
    assert link.url == "https://calendar.example/new.ics"


def test_the_reader_reads_what_is_due_once(
    published: psycopg.Connection, books: Rulebooks, served: Served, database_url: str
) -> None:
    served.text = calendar(("20260306", "20260307"))
    service.follow(published, "anna", served.url, "anna", NOW)
    early = service.CalendarReader(database_url, ALLOWED, lambda: NOW)
    assert early.turn(published) == 60
    assert away(published, books) == []
    reader = service.CalendarReader(database_url, ALLOWED, lambda: NOW + service.EVERY)
    reader.turn(published)
    assert away(published, books) == [datetime(2026, 3, 5, 23, tzinfo=UTC)]
    assert store.claim(published, NOW + service.EVERY, NOW) is None


def test_what_calendars_read_of_ours(published: psycopg.Connection, books: Rulebooks) -> None:
    add_absence(published, "anna", "2026-03-09", "2026-03-10", "", "emil", "anna", NOW)
    first = service.make_feed(published, "emil", "emil", NOW)
    second = service.make_feed(published, "emil", "emil", NOW)
    assert service.whose_feed(published, first) is None
    assert service.whose_feed(published, second) == "emil"
    found = service.feed(published, books.current(published), "emil", "https://leads.example", NOW)
    assert found is not None
    (event,) = Calendar.from_ical(found).walk("VEVENT")
    assert str(event["SUMMARY"]) == "You cover for Anna Nowak"
    assert event.decoded("DTSTART") == datetime(2026, 3, 8, 23, tzinfo=UTC)
    again = service.feed(published, books.current(published), "emil", "https://leads.example", NOW)
    assert again == found
    assert service.feed(published, books.current(published), "nobody", "", NOW) is None
