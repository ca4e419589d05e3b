"""One process of ``scripts/bench workers``: it reads partitions, and stores their rows."""

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

from readahead import Pace, Partition
from readahead.export.postgres import Postgres
from readahead.export.sqlite import SQLite
from readahead.kintsugi import Customer, Kintsugi
from readahead.workers import SharedPace

AT_ONCE = 2_000  # rows of a transaction


async def main(
    url: str,
    parts: list[str],
    window: int,
    database: str | None,
    gate: str | None,
    pace: tuple[int, float],
    begin: float,
) -> None:
    async with AsyncExitStack() as stack:
        options: dict[str, Any] = {"pace": None, "http": "aiohttp", "base_url": url}
        if gate:
            place = Postgres(gate) if "://" in gate else SQLite(gate)
            options["gate"] = await stack.enter_async_context(
                SharedPace.connect(place, url.rpartition("/")[0], Pace(pace[0], per=pace[1]))
            )
        client = await stack.enter_async_context(Kintsugi(api_key="key", organization_id="org", **options))
        store = table = None
        if database:
            target = Postgres(database, table="customers") if "://" in database else SQLite(database, table="customers")
            store, table = await stack.enter_async_context(target.connect()), target.table_of(Customer, "id")
        await asyncio.sleep(max(0.0, begin - time.time()))
        began, cpu, count, requests, writing = time.monotonic(), time.process_time(), 0, 0, 0.0

        async def write(rows: list[Customer]) -> None:
            nonlocal writing
            since = time.monotonic()
            if store is not None and table is not None and rows:
                async with store.transaction() as transaction:
                    await transaction.upsert(table, rows)
            writing += time.monotonic() - since

        for part in parts:
            query = client.customers.from_partition(Partition.from_json(part))
            rows, task = list[Customer](), None
            async with query.prefetch(window) as stream:
                async for page in stream.pages():
                    rows += page.rows
                    if len(rows) >= AT_ONCE:
                        if task:
                            await task
                        task, count, rows = asyncio.create_task(write(rows)), count + len(rows), []
            requests += stream.report.requests
            if task:
                await task
            await write(rows)
            count += len(rows)
        done = {
            "rows": count,
            "requests": requests,
            "seconds": time.monotonic() - began,
            "cpu": time.process_time() - cpu,
        }
        sys.stdout.write(json.dumps({**done, "writing": writing, "ended": time.time()}) + "\n")


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
