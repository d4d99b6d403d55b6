"""Who hears what, when something changes: over real connections, from a real database."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from tests.api.test_serve import started

from leadlane.service import api_keys
from leadlane.store.live import topic_hash
from leadlane.web import live


class Ear(threading.Thread):
    """An open page that notes how often it is told that something has changed."""

    def __init__(self, visitor: Any, topics: list[str]) -> None:
        super().__init__(daemon=True)
        self.told = 0
        self.began = threading.Event()
        self._visitor, self._topics = visitor, topics

    def run(self) -> None:
        params = [("topic", topic) for topic in self._topics]
        with self._visitor.stream("GET", live.PATH, params=params, timeout=2) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            try:
                for line in answer.iter_lines():
                    self.began.set()
                    self.told += line == "event: changed"
            except httpx2.ReadTimeout:
                return


def wait_for(condition: Any, seconds: float = 8) -> bool:
    """Whether a condition comes true in time."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.02)
    return False


def send_lead(site: Any, **lead: Any) -> dict[str, Any]:
    """What became of a lead that came in over HTTP."""
    with site.app.pool.connection() as connection:
        _id, secret = api_keys.create(connection, "form", ["intake"], site.app.now())
    headers = {"authorization": f"Bearer {secret}"}
    answer = httpx2.post(site.url + "/v1/leads", json=lead, headers=headers, timeout=30)
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_who_looks_at_it_hears_that_it_changed_and_nobody_else(site: Any) -> None:
    first = send_lead(site, id="first", email="jo@northwind.example", signals=["demo_request"], country="DE")
    owner = first["owner"]
    everything, of_owner, of_another = (
        Ear(site.sign_in("rep"), topics) for topics in (["all"], [f"person:{owner}"], ["person:nobody"])
    )
    for ear in (everything, of_owner, of_another):
        ear.start()
        assert ear.began.wait(10)
    assert wait_for(lambda: site.sql("SELECT count(*) FROM watchers WHERE until > now()") == [(1,)])
    # Who came first was told when the process began to listen; that is over before the change.
    time.sleep(1.2)
    before = [ear.told for ear in (everything, of_owner, of_another)]
    site.sql("UPDATE leads SET next_step = 'Call them' WHERE id = 'first'")
    assert wait_for(lambda: (everything.told, of_owner.told) == (before[0] + 1, before[1] + 1))
    assert of_another.told == before[2]
    for ear in (everything, of_owner, of_another):
        ear.join(10)


def test_nothing_is_notified_where_nobody_looks(site: Any) -> None:
    with psycopg.connect(site.app.url, autocommit=True) as connection:
        connection.execute("LISTEN leadlane_changed")
        send_lead(site, id="unseen", email="jo@northwind.example")
        assert list(connection.notifies(timeout=0.3)) == []
        site.sql("INSERT INTO watchers VALUES ('test', now() + interval '1 minute')")
        send_lead(site, id="seen", email="ann@southwind.example")
        heard = [notified.payload.split() for notified in connection.notifies(timeout=1, stop_after=1)]
    topics = {topic for payload in heard for topic in payload}
    assert {topic_hash("lead:seen"), topic_hash("all")} <= topics
    assert topic_hash("lead:unseen") not in topics


def test_ids_of_any_length_can_be_told(site: Any) -> None:
    """A notification has at most 8,000 bytes; a batch of leads with long ids must be committed anyway."""
    site.sql("INSERT INTO watchers VALUES ('test', now() + interval '1 minute')")
    topics = [f"lead:{'x' * 200}{n}" for n in range(2_000)]
    with psycopg.connect(site.app.url, autocommit=True) as connection:
        connection.execute("LISTEN leadlane_changed")
        connection.execute("SELECT tell_topics(%s)", [topics])
        heard = {
            topic
            for notified in connection.notifies(timeout=1, stop_after=4)
            for topic in notified.payload.split()
        }
    assert heard == {topic_hash(topic) for topic in topics}


def test_who_is_not_signed_in_hears_nothing(site: Any) -> None:
    answer = site.visitor(**{"hx-request": "true"}).get(live.PATH, params={"topic": "all"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_open_pages_do_not_keep_a_server_from_ending(site: Any, tmp_path: Path, workers: str) -> None:
    token = site.session_token("rep")
    options = ("serve", "--no-worker", "--workers", workers)
    with (
        started(site.app.url, *options, folder=tmp_path) as (process, address, _printed),
        httpx2.Client(cookies={"leadlane": token}, timeout=10) as client,
        client.stream("GET", address + live.PATH, params={"topic": "all"}) as answer,
    ):
        next(answer.iter_raw())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_a_change_costs_nearly_nothing_where_nobody_looks(db: psycopg.Connection) -> None:
    """The trigger looks for watchers once a statement, whatever the number of rows."""
    plan = db.execute("EXPLAIN (ANALYZE, FORMAT JSON) UPDATE leads SET next_step = next_step").fetchone()
    assert plan is not None
    triggers = {one["Trigger Name"]: one["Calls"] for one in plan[0][0]["Triggers"]}
    assert triggers["tell_of_leads"] == 1
