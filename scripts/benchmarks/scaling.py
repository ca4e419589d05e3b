"""``scripts/bench workers``: rows a second by the number of worker processes, and where more of them stop helping.

Measured here: 1, 2 and 4 processes read the partitions of a list from a server with 50 ms latency, and store rows in
SQLite and PostgreSQL, without a limit and with a budget that they share. Beyond the cores of this machine, simulated:
workers with a core each, which take as much time for a page and a batch as was measured here, on a virtual clock. The
gate is the real one, statement and all; its database has a round trip of a millisecond.
"""

import argparse
import asyncio
import json
import math
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import trio
import trio.testing
from attrs import frozen

from readahead import Pace
from readahead.export.postgres import Postgres
from readahead.export.sqlite import SQLite
from readahead.kintsugi import Customer, Kintsugi
from readahead.workers import SharedPace

from .gate import postgres
from .rig import HERE, SIZE, TINY, Rig, Sizes, child_environment

WINDOW, LATENCY = 16, 0.05
PARTS = 16
BUDGET = (200, 1.0)  # requests a period: small, so that a short list meets it
KINTSUGI = Pace(1_000, per=6.0)  # the rate of 10,000 in 60 s, in a tenth of the time
BATCH = 20  # pages of a transaction
ROUND_TRIP = 0.001


def measured(
    rig: Rig, pages: int, workers: int, database: str | None = None, gate: str | None = None
) -> dict[str, float]:
    """Let so many processes share the partitions of a list; return rows a second, and what a page and a row cost."""
    url = rig.base("kintsugi", pages * SIZE + workers, LATENCY)  # a list of its own, and so a budget

    async def prepare() -> list[str]:
        if database:
            target = Postgres(database, table="customers") if "://" in database else SQLite(database, table="customers")
            async with target.connect() as opened, opened.transaction() as transaction:
                await transaction.execute("DROP TABLE IF EXISTS customers")
                await transaction.prepare(target.table_of(Customer, "id"))
        async with Kintsugi(api_key="key", organization_id="org", base_url=url, pace=None) as client:
            return [part.to_json() for part in await client.customers.partitions(PARTS)]

    parts = asyncio.run(prepare())
    begin = time.time() + 2.5
    common = {"url": url, "window": WINDOW, "database": database, "gate": gate, "pace": BUDGET, "begin": begin}
    children = [
        subprocess.Popen(
            [sys.executable, str(HERE / "scaling_worker.py"), json.dumps({**common, "parts": parts[number::workers]})],
            stdout=subprocess.PIPE,
            text=True,
            env=child_environment(),
        )
        for number in range(workers)
    ]
    found: list[dict[str, float]] = [json.loads(child.communicate(timeout=300)[0]) for child in children]
    rows = sum(one["rows"] for one in found)
    return {
        "requests": sum(one["requests"] for one in found) / (max(one["ended"] for one in found) - begin),
        "rate": rows / (max(one["ended"] for one in found) - begin),
        "page": sum(one["cpu"] for one in found) / rows * SIZE,
        "row": sum(one["writing"] for one in found) / rows,
    }


# ---- simulation


class VirtualDatabase:
    """A database whose clock is trio's: SQLite in memory, behind a round trip for each statement."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        days = 2440587.5
        self._connection.create_function("julianday", 1, lambda _: days + (1e9 + trio.current_time()) / 86_400)
        self._row = trio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Any]:
        await trio.sleep(ROUND_TRIP)
        async with self._row:
            yield self
            await trio.sleep(ROUND_TRIP)

    async def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        await trio.sleep(ROUND_TRIP)
        named = {str(number): value for number, value in enumerate(values, 1)}
        return self._connection.execute(statement, named).fetchall()


@frozen
class Case:
    """What is simulated.

    Attributes:
        page: Seconds of a worker's core for a page, its share of a batch included.
        row: Seconds that a row keeps a core of the database busy.
        writers: Transactions that the database runs at once.
        budget: What all workers share; None: nothing.
        capacity: Requests that the server works on at once.
    """

    page: float
    row: float
    writers: int
    budget: Pace | None = None
    capacity: float = math.inf


async def simulate(case: Case, workers: int, pages: int) -> float:
    """Return the rows a second of so many workers."""
    draw = random.Random(1)
    server, writer = trio.CapacityLimiter(case.capacity), trio.CapacityLimiter(case.writers)
    database: Any = VirtualDatabase()
    left = pages

    async def work() -> None:
        core, gate = trio.Lock(), None if case.budget is None else SharedPace(database, "account", case.budget)
        unwritten, turn = 0, trio.Lock()

        async def reader() -> None:
            nonlocal left, unwritten
            while left > 0:
                left -= 1
                while gate is not None and (seconds := await gate.enter()):  # noqa: ASYNC110  the gate says how long
                    await trio.sleep(seconds)
                async with server:
                    await trio.sleep(LATENCY * (0.8 + 0.4 * draw.random()))
                async with core:
                    await trio.sleep(case.page)
                unwritten += 1
                if unwritten >= BATCH:
                    unwritten = 0
                    async with turn, writer:
                        await trio.sleep(case.row * BATCH * SIZE)

        async with trio.open_nursery() as readers:
            for _ in range(WINDOW):
                readers.start_soon(reader)

    began = trio.current_time()
    async with trio.open_nursery() as all_workers:
        for _ in range(workers):
            all_workers.start_soon(work)
    return pages * SIZE / (trio.current_time() - began)


def main(arguments: list[str]) -> int:
    """Measure, simulate, and print two tables."""
    parser = argparse.ArgumentParser(prog="scripts/bench workers", description=__doc__)
    parser.add_argument("--postgres", metavar="URL", help="measure on this server; by default, one is started")
    parser.add_argument("--pages", type=int, default=1_600, help="of 100 rows, for each measurement")
    parser.add_argument("--tiny", action="store_true", help="run for a moment, to test the bench itself")
    options = parser.parse_args(arguments)
    pages = 32 if options.tiny else options.pages
    numbers = (1, 2) if options.tiny else (1, 2, 4)
    with Rig(TINY if options.tiny else Sizes()) as rig, ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lite = str(folder / "rows.db")
        url = stack.enter_context(postgres(options.postgres))
        gates = {"SQLite": str(folder / "gate.db")} | ({"PostgreSQL": url} if url else {})
        ways: dict[str, tuple[str | None, str | None]] = {"read alone": (None, None), "into SQLite": (lite, None)}
        if url:
            ways["into PostgreSQL"] = url, None
        for name, place in gates.items():
            ways[f"budget of {BUDGET[0] * SIZE:,} rows/s in {name}"] = None, place
        print(f"Rows a second, {pages:,} pages, window {WINDOW}, {LATENCY * 1000:.0f} ms latency, measured")
        print(f"{'':38}" + "".join(f"{f'{number} workers':>12}" for number in numbers))
        found: dict[tuple[str, int], dict[str, float]] = {}
        for name, (database, gate) in ways.items():
            for number in numbers:
                found[name, number] = measured(rig, pages, number, database, gate)
            print(f"{name:38}" + "".join(f"{found[name, number]['rate']:12,.0f}" for number in numbers), flush=True)
            if gate:
                cells = "".join(f"{found[name, number]['requests']:12,.0f}" for number in numbers)
                print(f"{'  requests a second':38}" + cells, flush=True)
    store = "into PostgreSQL" if url else "into SQLite"
    page, row = found[store, 1]["page"], found[store, 1]["row"]
    print(f"\nMeasured {store}: {page * 1000:.2f} ms CPU of a worker for a page, {row * 1e6:.1f} µs a row to store")
    cases = {
        "no limit": Case(page, row, 4),
        "a database with one writer": Case(page, row, 1),
        "a server that works on 64 at once": Case(page, row, 4, capacity=64),
        "1,000 requests in 6 s": Case(page, row, 4, budget=KINTSUGI),
    }
    many = (1, 2) if options.tiny else (1, 2, 4, 8, 16, 32, 64)
    print(f"\nRows a second, simulated, window {WINDOW}; a core for each worker, 4 for the database")
    print(f"{'':38}" + "".join(f"{f'{number}':>10}" for number in many))
    for name, case in cases.items():
        # A budget is met after its first period alone; what it allows is seen over several.
        total = 60 * len(many) if options.tiny else 4_000 if case.budget else 20_000
        rates = [
            trio.run(simulate, case, number, total, clock=trio.testing.MockClock(autojump_threshold=0))
            for number in many
        ]
        print(f"{name:38}" + "".join(f"{rate:10,.0f}" for rate in rates), flush=True)
    return 0
