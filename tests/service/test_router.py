"""How requests become batches: in order, all answered, none dropped, whatever happens to one of them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from tests.crash.company import NOW, assert_all_is_well, found_company, lead, wait_until

from leadlane.service.batch import Receipt
from leadlane.service.router import BusyError, Router
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.store import batches
from leadlane.store.db import open_pool

Answers = dict[str, Receipt | Exception]


@contextmanager
def _router(url: str, **options: Any) -> Iterator[Router]:
    with open_pool(url, 1, configure=batches.configure) as pool:
        router = Router(pool, Rulebooks(), lambda: NOW, **{"batch_max": 10, **options})
        router.start()
        try:
            yield router
        finally:
            router.stop()


def _submit(router: Router, answers: Answers, ids: list[str]) -> None:
    router.submit([(lead(id_), partial(answers.__setitem__, id_)) for id_ in ids])


def test_everything_that_was_accepted_is_answered_before_the_router_stops(
    db: psycopg.Connection, database_url: str
) -> None:
    found_company(db, reps=3)
    answers: Answers = {}
    with _router(database_url) as router:
        _submit(router, answers, [f"lead-{n}" for n in range(57)])
    assert {one.status for one in answers.values() if isinstance(one, Receipt)} == {"created"}
    assert len(answers) == 57
    sizes = db.execute("SELECT count(*) FROM decisions GROUP BY batch_id ORDER BY batch_id").fetchall()
    assert max(sizes) == (10,)
    assert sum(size for (size,) in sizes) == 57
    order = db.execute("SELECT lead_id FROM decisions ORDER BY batch_id, number").fetchall()
    assert [id_ for (id_,) in order] == [f"lead-{n}" for n in range(57)]
    assert_all_is_well(db)


def test_what_comes_while_a_batch_is_written_is_the_next_batch(
    db: psycopg.Connection, database_url: str
) -> None:
    found_company(db, reps=3)
    delivered: list[int] = []
    first_is_out, go_on = threading.Event(), threading.Event()

    def deliver(pairs: list[tuple[Callable[[Any], None], Any]]) -> None:
        delivered.append(len(pairs))
        first_is_out.set()
        assert go_on.wait(10)

    with _router(database_url, deliver=deliver) as router:
        _submit(router, {}, ["first"])
        assert first_is_out.wait(10)
        for n in range(7):
            _submit(router, {}, [f"lead-{n}"])
        go_on.set()
    assert delivered == [1, 7]


def test_a_line_that_is_too_long_takes_nothing_more(db: psycopg.Connection, database_url: str) -> None:
    found_company(db, reps=3)
    answers: Answers = {}
    with _router(database_url, waiting_max=20) as router:
        with pytest.raises(BusyError):
            _submit(router, answers, [f"lead-{n}" for n in range(21)])
        _submit(router, answers, [f"lead-{n}" for n in range(20)])
    assert len(answers) == 20
    with pytest.raises(BusyError):
        _submit(router, answers, ["too-late"])


def test_a_batch_that_fails_is_answered_and_the_next_is_routed(
    db: psycopg.Connection, database_url: str
) -> None:
    answers: Answers = {}
    with _router(database_url) as router:
        _submit(router, answers, ["early"])
        wait_until(lambda: "early" in answers)
        found_company(db, reps=3)
        _submit(router, answers, ["late"])
    assert isinstance(answers["early"], NothingPublishedError)
    assert isinstance(answers["late"], Receipt)
