"""Everything holds in virtual weeks, whatever happens and whoever dies; and the simulation would notice."""

from datetime import timedelta

import psycopg
import pytest
from tests.simulation.checks import Broken
from tests.simulation.faults import Died, Fault, open_mortal, wait_until_buried
from tests.simulation.simulate import SimulationError, a_company, simulate

# Continuous integration simulates these; `make simulate SEEDS=10000` simulates more.
SEEDS = range(200)


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_holds_in_virtual_weeks(database_url: str, seed: int) -> None:
    assert simulate(database_url, seed) > 0


_SOMEBODY_OPEN = "(SELECT id FROM leads WHERE owner IS NOT NULL AND stage = 'assigned' ORDER BY id LIMIT 1)"


@pytest.mark.parametrize(
    ("sabotage", "check"),
    [
        ("UPDATE leads SET covered_by = owner WHERE id = {lead}", "the timeline explains the present"),
        ("UPDATE leads SET chase_at = NULL, chased = '{{}}' WHERE id = {lead}", "no promise without a clock"),
        ("UPDATE leads SET respond_by = respond_by + interval '1 second'", "a promise does not move"),
        ("UPDATE loads SET open = open + 1", "the watchdog finds nothing"),
        ("UPDATE loads SET today = today + 1", "loads are right"),
        ("UPDATE leads SET chase_at = held_since WHERE id = {lead}", "what is due happens"),
        ("DELETE FROM lead_aliases; DELETE FROM outbox", "the watchdog finds nothing"),
    ],
)
def test_what_is_broken_on_purpose_is_found(
    db: psycopg.Connection, database_url: str, sabotage: str, check: str
) -> None:
    with a_company(database_url, seed=0, danger=0.0) as simulation:
        while db.execute(f"SELECT {_SOMEBODY_OPEN}").fetchone() == (None,):
            simulation.step()
        db.execute(sabotage.format(lead=_SOMEBODY_OPEN))
        with pytest.raises(Broken, match=check):
            simulation.watch.check(simulation.now + timedelta(seconds=1), settled=True)


def test_a_seed_that_fails_says_how_to_see_it_again(db: psycopg.Connection, database_url: str) -> None:
    db.execute("CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    db.execute("CREATE TRIGGER forget BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION forget()")
    with pytest.raises(SimulationError, match=r"(?s)seed 3, step \d+.*watchdog.*--start 3 --seeds 1"):
        simulate(database_url, 3)


@pytest.mark.parametrize(("after", "rows"), [(False, 0), (True, 1)])
def test_a_death_on_either_side_of_a_commit(
    db: psycopg.Connection, database_url: str, after: bool, rows: int
) -> None:
    db.execute("CREATE TABLE told (word text)")
    worker = open_mortal(database_url)
    worker.fault = Fault(3, after)  # the first exchange begins the transaction, the third commits it
    with pytest.raises(Died), worker.transaction():
        worker.execute("INSERT INTO told VALUES ('once')")
    wait_until_buried(worker, db)
    assert db.execute("SELECT count(*) FROM told").fetchone() == (rows,)
