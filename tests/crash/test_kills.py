"""Is everything that was acknowledged there, and nothing by halves, when processes are killed?"""

import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest
from tests.crash.company import (
    NOW,
    assert_all_is_well,
    found_company,
    lead,
    start_process,
    wait_until,
)

from leadlane.service.batch import Receipt, route_batch
from leadlane.service.router import Router
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.store import batches
from leadlane.store.db import connect, open_pool
from leadlane.store.migrate import upgrade
from leadlane.store.server import create_database, embedded_server

KILLS = 8
SIGNALS = ("demo_request", "webinar_attendance", "newsletter_subscription")


def _batch(writer: str, number: int) -> list[Submission]:
    """Leads of which some are the same people as in the batch before, and some colleagues."""
    return [
        lead(
            f"{writer}-{number}-{n}",
            SIGNALS[(number + n) % 3],
            email=f"{n}@{writer}-{number // 2}.example",
            domain=f"firm{(number + n) % 50}.example",
            key=f"{writer}-{number}-{n}" if n % 4 == 0 else None,
        )
        for n in range(25)
    ]


def _write_for_ever(url: str, writer: str, file: str) -> None:
    """Route batch after batch, and put each into the file once it is acknowledged."""
    books = Rulebooks()
    with connect(url) as connection, Path(file).open("ab", buffering=0) as acknowledged:
        batches.configure(connection)
        number = 0
        while True:
            batch = _batch(writer, number)
            receipts = route_batch(connection, books, batch, NOW)
            lines = [f"{one.lead.id} {done.lead_id}\n" for one, done in zip(batch, receipts, strict=True)]
            acknowledged.write("".join(lines).encode())
            number += 1


def _assert_all_there(db: psycopg.Connection, acknowledged: dict[str, str]) -> None:
    rows = db.execute("SELECT id, id FROM leads UNION ALL SELECT id, lead_id FROM lead_aliases").fetchall()
    found = dict(rows)
    assert len(found) == len(rows)
    assert acknowledged.items() <= found.items()


def test_what_was_acknowledged_survives_kill_9_in_the_middle_of_batches(
    db: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    found_company(db, reps=5)
    chance = random.Random(9)
    acknowledged: dict[str, str] = {}
    for kill in range(KILLS):
        files = [tmp_path / f"{kill}-{n}" for n in range(2)]
        writers = [start_process(_write_for_ever, database_url, file.name, str(file)) for file in files]
        wait_until(lambda files=files: all(file.exists() and file.stat().st_size for file in files))
        time.sleep(chance.uniform(0, 0.05))
        for writer in writers:
            writer.kill()
            writer.join()
        for file in files:
            # A last line may be cut off: the process died while it wrote down what it knew.
            lines = file.read_text().split("\n")[:-1]
            acknowledged |= dict(line.split(" ") for line in lines)
    wait_until(lambda: _others(db) == 0)
    assert len(acknowledged) >= KILLS * 2 * 25
    _assert_all_there(db, acknowledged)
    assert_all_is_well(db)


def _others(db: psycopg.Connection) -> int:
    """How many other processes PostgreSQL still works for: it notices a death when it next answers."""
    row = db.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ).fetchone()
    db.rollback()
    assert row is not None
    return int(row[0])


@pytest.fixture
def own_server() -> Iterator[Path]:
    """The data folder of a server that only this test uses, with the settings of production."""
    # Not below pytest's own folder: the user that PostgreSQL runs as for root could not enter that.
    folder = Path(tempfile.mkdtemp(dir=os.environ["LEADLANE_TEST_FOLDER"], prefix="crash-"))
    folder.chmod(0o755)
    with embedded_server(folder) as url:
        create_database(url)
        upgrade(url)
        with connect(url) as db:
            found_company(db, reps=5)
        yield folder


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL], ids=lambda how: how.name)
def test_postgresql_restarts_in_the_middle_and_nothing_is_lost(own_server: Path, how: signal.Signals) -> None:
    with embedded_server(own_server) as url, open_pool(url, 1, configure=batches.configure) as pool:
        waiting = {one.lead.id: one for number in range(80) for one in _batch("a", number)}
        acknowledged: dict[str, str] = {}
        router = Router(pool, Rulebooks(), lambda: NOW, batch_max=50)
        router.start()
        answers = _submit(router, waiting)
        wait_until(lambda: len(answers) > 100)
        _end_server(own_server, how)
        with embedded_server(own_server):  # starts it again; as another user of it, does not stop it
            pass
        for attempt in range(3):
            wait_until(lambda answers=answers, waiting=waiting: len(answers) == len(waiting))
            # What was in hand when the server died may have been committed, and may have been answered.
            assert attempt == 0 or not any(isinstance(answer, Exception) for answer in answers.values())
            done = {id_: answer for id_, answer in answers.items() if isinstance(answer, Receipt)}
            acknowledged |= {id_: answer.lead_id for id_, answer in done.items()}
            waiting = {id_: one for id_, one in waiting.items() if id_ not in done}
            if not waiting:
                break
            # As every careful sender does: what was not answered is sent again.
            answers = _submit(router, waiting)
        router.stop()
        assert len(acknowledged) == 80 * 25
        with connect(url) as db:
            _assert_all_there(db, acknowledged)
            assert_all_is_well(db)


def _submit(router: Router, waiting: dict[str, Submission]) -> dict[str, Receipt | Exception]:
    """Submit everything; the answers fill in as they come."""
    answers: dict[str, Receipt | Exception] = {}
    router.submit([(one, partial(answers.__setitem__, id_)) for id_, one in waiting.items()])
    return answers


def _end_server(folder: Path, how: signal.Signals) -> None:
    """SIGINT ends PostgreSQL in good order, SIGQUIT at once, SIGKILL without its knowing."""
    pid = int((folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(pid)
    postmaster.send_signal(how)
    psutil.wait_procs([postmaster], timeout=30)
