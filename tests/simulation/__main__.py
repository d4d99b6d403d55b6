"""Simulate virtual weeks: `python -m tests.simulation --seeds 200 --start 0`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.conftest import TEMPLATE, TEST_PARAMETERS
from tests.simulation.simulate import SimulationError, simulate

from leadlane.store import migrate
from leadlane.store.server import create_database, embedded_server, maintenance_url


def main() -> int:
    """Simulate the seeds that the arguments name; 1 if something broke in one of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds (200)")
    parser.add_argument("--start", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time (one a core)")
    parser.add_argument("--steps", type=int, help="steps of each, instead of what its seed says")
    given = parser.parse_args()
    seeds = range(given.start, given.start + given.seeds)
    began, broken, leads = time.monotonic(), [], 0
    with _server() as server, ProcessPoolExecutor(given.jobs) as jobs:
        for seed, (count, problem) in zip(
            seeds, jobs.map(partial(simulate_one, server, given.steps), seeds), strict=True
        ):
            leads += count
            if problem:
                broken.append(seed)
                print(problem, "\n", flush=True)
    seconds = time.monotonic() - began
    print(f"{len(seeds)} seeds, {leads} leads, {seconds:.0f} s; broken: {broken or 'none'}")
    return 1 if broken else 0


@contextmanager
def _server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="leadlane-simulation-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may run as another user
        with embedded_server(Path(folder), TEST_PARAMETERS) as server:
            template = make_conninfo(server, dbname=TEMPLATE)
            create_database(template)
            migrate.upgrade(template)
            yield server


def simulate_one(server: str, steps: int | None, seed: int) -> tuple[int, str]:
    """Simulate one seed in a database of its own. The number of its leads, and what broke."""
    name = sql.Identifier(f"simulation_{seed}")
    with psycopg.connect(maintenance_url(server), autocommit=True) as maintenance:
        maintenance.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(name, sql.Identifier(TEMPLATE))
        )
        try:
            return simulate(make_conninfo(server, dbname=f"simulation_{seed}"), seed, steps), ""
        except SimulationError as error:
            return 0, str(error)
        finally:
            maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


if __name__ == "__main__":
    sys.exit(main())
