"""What happens to a company in virtual weeks, when everything that can happen happens? Seeded, so again.

A simulation drives the services on a real PostgreSQL: leads come in, people act, rules and people change,
workers sleep, die between any two statements and get in each other's way. After each step `checks` says
whether everything holds that must.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

import orjson
import psycopg
from psycopg import Connection
from tests.simulation import company
from tests.simulation.checks import Broken, Watch
from tests.simulation.faults import Fault, Mortal, open_mortal, wait_until_buried
from tests.simulation.plans import Plan, State, choose

from leadlane.errors import LeadlaneError
from leadlane.policy.problems import PolicyErrors
from leadlane.policy.roster import read_roster
from leadlane.service.acts import serve_waiting
from leadlane.service.batch import Receipt
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.service.run_due import next_due_at, run_due
from leadlane.store.db import connect

# Weeks in which clocks change somewhere, and some others.
STARTS = (
    *("2026-03-05", "2026-03-26", "2026-04-02", "2026-09-24", "2026-10-22", "2026-10-29"),
    *("2026-06-10", "2026-12-22"),
)
# How many steps a simulation has: most are short, so that many fit into a run of the tests.
_STEPS = (12, 12, 25, 25, 40, 60)
_WAITS = (0, 1, 3, 11, 31, 60, 240, 600, 1440)
# Whoever has died this often in one piece of work is left in peace.
_MOST_DEATHS = 4

T = TypeVar("T")


class SimulationError(AssertionError):
    """A simulation in which something broke: how to see it again, and what."""


@dataclass(slots=True)
class Simulation(State):
    """A company at one moment of its virtual weeks, with whoever works and whoever watches."""

    url: str
    worker: Mortal
    watch: Watch
    danger: float
    disturbed: bool = False  # somebody died or meddled in the present step

    # ------------------------------------------------------------ time

    def step(self) -> None:
        """Some time passes, with what is due in it; then somebody does something."""
        wait = timedelta(minutes=self.chance.choice(_WAITS), seconds=self.chance.choice((0, 0, 17)))
        until = self.now + wait
        self.log.append(f"until {until:%a %d %b %H:%M:%S}")
        settled = self._pass_time(until)
        self.watch.check(self.now, settled=settled)
        plan = choose(self, self.watch.db)
        self.log.append(plan.name)
        self.disturbed = False
        try:
            receipts = self._survive(plan.work)
        except LeadlaneError as error:
            refused, why = True, str(error)
        else:
            self._acknowledge(plan, receipts)
            refused = any(one.status == "refused" for one in receipts)
            why = str([one.problem for one in receipts])
        if plan.refused is not None and refused != plan.refused and not self.disturbed:
            raise Broken("what is wrong is refused, and nothing else", f"refused: {refused}; {why}")
        self.watch.check(self.now, settled=False)

    def _pass_time(self, until: datetime) -> bool:
        """Let everything happen that is due up to a moment. Whether nothing is left undone."""
        if self.asleep:
            self.asleep -= 1
            self.now = until
            return False
        if self.chance.random() < 0.5:
            last = None
            for _run in range(30):
                due = self._survive(lambda connection: next_due_at(connection, self.books, self.now))
                if due is None or due > until or due == last:
                    break
                self.now, last = max(due, self.now), due
                self._run_due()
        self.now = until
        return self._run_due()

    def _run_due(self) -> bool:
        self.disturbed = False
        self._survive(self._work)
        self.watch.absorb()
        if not self.disturbed and (burst := [id_ for id_, times in self.watch.chased.items() if times > 1]):
            raise Broken("no burst", f"{burst} were chased more than once at {self.now}")
        self.watch.chased.clear()
        return not self.disturbed

    def _work(self, connection: Connection[Any]) -> None:
        """One turn of a worker, as `leadlane.service.worker` takes it."""
        run_due(connection, self.books, self.now)
        serve_waiting(connection, self.books, None, self.now)

    # ------------------------------------------------------------ life and death

    def _survive(self, work: Callable[[Connection[Any]], T]) -> T:
        """Do something, and again as long as whoever does it dies of it."""
        for death in range(_MOST_DEATHS + 1):
            self.worker.fault = self._fault() if death < _MOST_DEATHS else None
            try:
                return work(self.worker)
            except psycopg.OperationalError:
                if not self.worker.closed:
                    raise
                self.disturbed = True
                wait_until_buried(self.worker, self.watch.db)
                self.watch.absorb()
                self.worker = open_mortal(self.url)
            finally:
                self.worker.fault = None
        raise AssertionError("the last try has no fault")

    def _fault(self) -> Fault | None:
        if self.chance.random() >= self.danger:
            return None
        meddle = self._meddle if self.chance.random() < 0.3 else None
        fault = Fault(self.chance.randint(1, 14), self.chance.random() < 0.5, meddle)
        self.log.append(f"  {'meddling' if meddle else 'death'} at {fault.at}{' after' * fault.after}")
        return fault

    def _meddle(self) -> None:
        """Another worker does something at this very moment; it gives up if it would have to wait."""
        self.disturbed = True
        self.watch.races += 1
        self.watch.absorb()
        plan = choose(self, self.watch.db)
        self.log.append(f"  meanwhile: {plan.name}")
        with open_mortal(self.url) as other:
            other.execute("SET lock_timeout TO '20ms'")
            try:
                self._acknowledge(plan, plan.work(other))
            except LeadlaneError as error:
                self.log.append(f"  refused: {error}")
            except psycopg.errors.LockNotAvailable:
                self.log.append("  gave up")
        self.watch.absorb()

    def _acknowledge(self, plan: Plan, receipts: Sequence[Receipt]) -> None:
        for sent_id, receipt in zip(plan.sent, receipts, strict=False):
            if receipt.status != "refused":
                self.watch.acknowledged[sent_id] = receipt.lead_id


@contextmanager
def a_company(url: str, seed: int, danger: float | None = None) -> Iterator[Simulation]:
    """Within the block, the company of a seed at its beginning, in the empty, migrated database `url`.

    `danger` is how likely each piece of work is disturbed; without it, the seed says so.
    """
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of every connection that dies
    chance = Random(seed)
    day = datetime.fromisoformat(chance.choice(STARTS)).replace(tzinfo=UTC)
    now = day + timedelta(minutes=chance.randrange(2 * 1440))
    drawn = chance.choice((0.0, 0.0, 0.1, 0.3))
    with connect(url) as observer:
        simulation = Simulation(
            chance, now, {}, [], url=url, worker=open_mortal(url), watch=Watch(observer),
            danger=drawn if danger is None else danger,
        )  # fmt: skip
        try:
            _found(simulation)
            yield simulation
        finally:
            simulation.worker.close()


def simulate(url: str, seed: int, steps: int | None = None) -> int:
    """Simulate one seed in the empty, migrated database `url`. Returns the number of leads it had.

    SimulationError if something broke: it says what, and how to see it again.
    """
    with a_company(url, seed) as simulation:
        number = simulation.chance.choice(_STEPS) if steps is None else steps
        done = 0
        try:
            while done < number:
                simulation.step()
                done += 1
            simulation.watch.check_end()
        except Exception as error:
            raise SimulationError(_told(seed, done, simulation.log, error)) from error
        return len(simulation.watch.rows)


def _found(simulation: Simulation) -> None:
    """The company as the simulation begins: its people, and a policy that is not refused."""
    chance = simulation.chance
    size = chance.choice((5, 7, 10, 16, 40))
    document = company.roster_of(chance, size, simulation.now)
    simulation.people = [one["id"] for one in document["people"]]
    read, problems = read_roster(orjson.dumps(document).decode(), "roster.yaml")
    assert read is not None, problems
    put_roster(simulation.worker, read, "simulation", simulation.now)
    while not simulation.policy:
        policy = company.policy_of(chance)
        text = orjson.dumps(policy).decode()
        try:
            publish(simulation.worker, text, "policy.yaml", "simulation", "", simulation.now)
        except PolicyErrors:
            continue
        simulation.policy = policy


def _told(seed: int, step: int, log: list[str], error: Exception) -> str:
    last = "\n".join(f"    {line}" for line in log[-12:])
    return (
        f"seed {seed}, step {step}: {type(error).__name__}: {error}\n"
        f"  what happened last:\n{last}\n"
        f"  see it again: python -m tests.simulation --start {seed} --seeds 1"
    )
