"""A client of ``scripts/bench soak``: one library on one loop, which reads the list again and again until told to stop.

It prints one line of JSON for each listing it has checked, and for each sample of what it takes of the machine.
"""

import gc
import json
import os
import random
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
from attrs import define, field

from readahead import Retry
from readahead.errors import ReadaheadError, UnexpectedAnswer
from readahead.kintsugi import Kintsugi

__all__ = ["main"]

RETRY = Retry(attempts=8, base=0.01, cap=0.1, budget=1.0, reserve=1000)
SAMPLES = 200  # of a whole run, about


def _tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def _resident() -> float:
    """Megabytes."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    import resource  # noqa: PLC0415  not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _files() -> int:
    """Open file descriptors, sockets among them."""
    for place in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return len(os.listdir(place))  # noqa: PTH208
    return 0


def _tasks(backend: str) -> int:
    if backend == "trio":
        import trio  # noqa: PLC0415  not where asyncio runs

        return trio.lowlevel.current_statistics().tasks_living
    import asyncio  # noqa: PLC0415

    return len(asyncio.all_tasks())


@define
class Worker:
    """The clients of one process."""

    client: Kintsugi
    rows: int
    until: float
    random: random.Random
    wrong: int = 0
    counts: dict[str, int] = field(factory=dict[str, int])

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until

    async def read(self, limit: int | None, window: Any) -> None:
        """Read the list, from the last checkpoint on whenever it fails, and compare every row."""
        query = self.client.customers if limit is None else self.client.customers.limit(limit)
        expected, checkpoint = 0, None
        while not self.is_over:
            stream = query.prefetch(window=window, resume=checkpoint)
            try:
                async with stream as rows:
                    async for customer in rows:
                        self.wrong += customer.id != f"cust_{expected}"
                        expected += 1
                        if expected % 5000 == 0 and self.is_over:
                            return
            except ReadaheadError as error:
                checkpoint = error.checkpoint
                self.count(f"resumed after {type(error).__name__}")
                continue
            finally:
                self.count("requests", stream.report.requests)
                self.count("retries", stream.report.retries)
                self.count("rows", stream.report.rows)
            self.wrong += expected != (self.rows if limit is None else min(limit, self.rows))
            self.wrong += not stream.report.complete
            self.count("listings")
            return

    async def leave(self) -> None:
        """Leave a listing half-way: by a break, or by a timeout."""
        with anyio.move_on_after(self.random.random() / 2), suppress(ReadaheadError):
            async with self.client.customers.prefetch(window=8) as rows:
                expected, enough = 0, self.random.randrange(1000)
                async for customer in rows:
                    self.wrong += customer.id != f"cust_{expected}"
                    expected += 1
                    if expected > enough:
                        break
        self.count("listings left")

    async def get(self) -> None:
        """Get one customer. Another one is refused, so none passes for it."""
        name = f"cust_{self.random.randrange(self.rows)}"
        try:
            self.wrong += (await self.client.customers.get(name)).id != name
        except UnexpectedAnswer as error:
            self.wrong += "another id" in str(error)
        except ReadaheadError as error:
            self.count(f"get: {type(error).__name__}")
        self.count("gets")

    async def long(self) -> None:
        while not self.is_over:
            await self.read(None, 16)

    async def short(self) -> None:
        while not self.is_over:
            action = self.random.choice(["read", "leave", "get", "get"])
            if action == "read":
                await self.read(self.random.randrange(1, 2000), self.random.choice([1, 4, "auto"]))
            else:
                await getattr(self, action)()


async def run(url: str, http: Any, backend: str, rows: int, seconds: float, seed: int) -> None:
    """Soak, and tell."""
    files = _files()
    draw = random.Random(seed)
    async with Kintsugi(
        api_key="key",
        organization_id="org",
        base_url=url,
        http=http,
        pace=None,
        timeout=1.0,
        retry=RETRY,
        max_response=1_000_000,
        max_connections=64,
    ) as client:
        worker = Worker(client, rows, time.monotonic() + seconds, draw)
        async with anyio.create_task_group() as group:
            group.start_soon(worker.long)
            group.start_soon(worker.short)
            while not worker.is_over:
                await anyio.sleep(seconds / SAMPLES)
                _tell(resident=_resident(), files=_files() - files, tasks=_tasks(backend))
        tasks = _tasks(backend)
    gc.collect()
    _tell(
        end=True,
        wrong=worker.wrong,
        counts=worker.counts,
        tasks=tasks - _tasks(backend),
        files=_files() - files,
    )


def main(arguments: list[str]) -> None:
    """Soak one lane: URL, library, loop, rows, seconds, seed."""
    url, http, backend, rows, seconds, seed = arguments
    anyio.run(run, url, http, backend, int(rows), float(seconds), int(seed), backend=backend)


if __name__ == "__main__":
    main(sys.argv[1:])
