"""A server that is killed between storing a delivery and routing it: another process routes it, once."""

from __future__ import annotations

import base64
import hmac
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import httpx2
import psycopg
from tests.api.test_serve import environment, started
from tests.crash.company import assert_all_is_well, found_company, wait_until

from leadlane import clock
from leadlane.service import hooks
from leadlane.store.db import connect

SECRET = "a secret of the sender"
MAPPING = "hook: demo\nsignature: {scheme: typeform}\nfields: {email: mail}\nsignals: [demo_request]\n"
BODY = b'{"mail": "ada@northwind.example"}'


def _send(address: str) -> None:
    digest = base64.b64encode(hmac.digest(SECRET.encode(), BODY, "sha256")).decode()
    headers = {"content-type": "application/json", "typeform-signature": f"sha256={digest}"}
    with suppress(httpx2.HTTPError):  # it hears nothing more
        httpx2.post(address + "/v1/hooks/demo", content=BODY, headers=headers, timeout=60)


def test_a_delivery_is_routed_once_though_its_server_was_killed(
    db: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    found_company(db, reps=2)
    hooks.put(db, MAPPING, clock.now(), secret=SECRET)
    db.commit()
    with (
        started(database_url, "serve", "--no-worker", folder=tmp_path) as (server, address, _printed),
        connect(database_url) as holder,
    ):
        # While somebody holds the table, what is stored cannot be routed.
        holder.autocommit = False
        holder.execute("LOCK TABLE leads IN ACCESS EXCLUSIVE MODE")
        sender = threading.Thread(target=_send, args=(address,))
        sender.start()
        wait_until(lambda: bool(db.execute("SELECT FROM hook_deliveries").fetchall()))
        server.kill()
        server.wait()
        sender.join()
        holder.rollback()
    assert db.execute("SELECT state, body FROM hook_deliveries").fetchall() == [("received", BODY)]
    assert db.execute("SELECT count(*) FROM leads").fetchone() == (0,)
    # Half a minute passes, in which it is still the server's.
    db.execute("UPDATE hook_deliveries SET due_at = now()")
    worker = subprocess.Popen(
        [sys.executable, "-m", "leadlane", "work"], env=environment(database_url), stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: db.execute("SELECT state FROM hook_deliveries").fetchall() == [("routed",)])
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
    assert db.execute("SELECT count(*) FROM leads").fetchone() == (1,)
    assert db.execute("SELECT fields ->> 'email' FROM leads").fetchone() == ("ada@northwind.example",)
    assert_all_is_well(db)
