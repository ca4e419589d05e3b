"""``scripts/bench gate``: what a budget that processes share costs, and how well it holds, beside pyrate-limiter.

Each process has 16 tasks. *Reservations* counts what a second allows where the budget is no limit. *Budget* has each
process reserve and send as fast as it can; a server notes when requests arrive, by its own clock.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Self

from .rig import HERE, ROOT, child_environment

TASKS = 16
LATENCY = 0.02  # seconds until the server answers
ACCOUNTS = count(1)


class Arrivals:
    """A server that answers each byte with one, and notes when it came."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=asyncio.run, args=[self._main()], daemon=True).start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1):
            self.times.append(time.monotonic())
            await asyncio.sleep(LATENCY)
            writer.write(b".")
        writer.close()


def worst(times: list[float], per: float) -> int:
    """Return how many arrived in the worst period."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - per:
            first += 1
        most = max(most, last - first + 1)
    return most


def run(kind: str, processes: int, seconds: float, port: int | None, **budget: Any) -> list[int]:
    """Let so many processes reserve for so long; return how many each of them did."""
    parameters = {"tasks": TASKS, "seconds": seconds, "port": port, "begin": time.time() + 2.5}
    parameters |= budget | {"account": f"bench{next(ACCOUNTS)}"}
    command = [sys.executable, str(HERE / "gate_worker.py"), kind, json.dumps(parameters)]
    environment = child_environment(*map(Path, filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))))
    children = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        for _ in range(processes)
    ]
    counts: list[int] = []
    for child in children:
        try:
            text = child.communicate(timeout=seconds + 40)[0]
        except subprocess.TimeoutExpired:
            child.kill()
            text = child.communicate()[0]
        counts.append(json.loads(text)["count"] if text else -1)
    return counts


@contextmanager
def postgres(url: str | None) -> Iterator[str | None]:
    """Give the URL of a server: the one that is named, or one that the tests would start."""
    if url:
        yield url
        return
    sys.path.insert(0, str(ROOT / "tests"))
    from pytest import skip  # noqa: PLC0415, PT013  the server of the tests skips where there is none

    from services import postgres_server  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415

    try:
        with postgres_server() as started:
            yield started
    except skip.Exception as why:
        print(f"PostgreSQL is left out: {why}")
        yield None


def main(arguments: list[str]) -> int:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(prog="scripts/bench gate", description=__doc__)
    parser.add_argument("--postgres", metavar="URL", help="measure on this server; by default, one is started")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each rate is measured")
    parser.add_argument("--tiny", action="store_true", help="run for a moment, to test the bench itself")
    options = parser.parse_args(arguments)
    seconds = 0.3 if options.tiny else options.seconds
    numbers = (1, 2) if options.tiny else (1, 2, 4)
    pace, periods = ((20, 0.5), 3) if options.tiny else ((600, 3.0), 4)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        places = {"SQLite": str(folder / "ours.db")}
        if url := stack.enter_context(postgres(options.postgres)):
            places["PostgreSQL"] = url
        rows = [(f"{kind}, {name}", kind, name) for name in places for kind in ("ours", "pyrate")]
        if find_spec("psycopg_pool") is None or find_spec("psycopg") is None:
            rows = [row for row in rows if row[1:] != ("pyrate", "PostgreSQL")]
            print("pyrate-limiter on PostgreSQL is left out: it needs psycopg and psycopg_pool\n")

        def place(kind: str, name: str) -> str:
            return places[name] if name == "PostgreSQL" or kind == "ours" else str(folder / f"{next(ACCOUNTS)}.db")

        print("Reservations a second, all processes together")
        print(f"{'':24}" + "".join(f"{f'{number} processes':>14}" for number in numbers))
        for title, kind, name in rows:
            cells: list[str] = []
            for number in numbers:
                found = run(kind, number, seconds, None, database=place(kind, name), requests=10**7, per=60.0)
                failed = sum(one < 0 for one in found)
                cells.append(f"{failed} failed" if failed else f"{sum(found) / seconds:,.0f}")
            print(f"{title:24}" + "".join(f"{cell:>14}" for cell in cells), flush=True)

        requests, per = pace
        print(f"\nA budget of {requests} requests in {per:g} s: share that is used, and the worst period at the server")
        print(f"{'':24}" + "".join(f"{f'{number} processes':>20}" for number in numbers))
        for title, kind, name in rows:
            cells = []
            for number in numbers:
                with Arrivals() as server:
                    found = run(
                        kind, number, periods * per, server.port, database=place(kind, name), requests=requests, per=per
                    )
                times = server.times
                if not times or min(found) < 0:
                    cells.append("failed")
                    continue
                # From the first request to the one that is a whole number of budgets later.
                whole = (len(times) - 1) // requests
                used = whole * per / (times[whole * requests] - times[0]) if whole else 0.0
                excess = worst(times, per) / requests - 1
                cells.append(f"{used:.1%}, {excess:+.1%}")
            print(f"{title:24}" + "".join(f"{cell:>20}" for cell in cells), flush=True)
    return 0
