"""Four workers in one process, under plain asyncio: each copies a part of the list, and all share one budget."""

import asyncio
import sqlite3
from contextlib import closing

from readahead import Pace, Partition
from readahead.export import SQLite, export
from readahead.kintsugi import Kintsugi
from readahead.sandbox import API_KEY, ORGANIZATION_ID, Sandbox
from readahead.workers import SharedPace

PARTS = 4


async def copy_part(kintsugi: Kintsugi, number: int, part: Partition) -> int:
    """Copy one part into a table of its own; after a crash, the same call goes on where it was."""
    copied = await export(kintsugi.customers.from_partition(part), SQLite("customers.db", table=f"customers_{number}"))
    return copied.rows


async def copy_all(url: str) -> int:
    """Copy the list. Where one part fails, the task group cancels the others, and its error comes out."""
    async with (
        SharedPace.connect(SQLite("budget.db"), "kintsugi", Pace(10_000, per=60)) as gate,
        Kintsugi(api_key=API_KEY, organization_id=ORGANIZATION_ID, base_url=url, gate=gate) as kintsugi,
    ):
        # After a crash these are the parts of before, and no others: a copy goes on with its own part alone.
        with closing(sqlite3.connect("customers.db")) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS parts (number INTEGER PRIMARY KEY, part TEXT)")
            stored = [Partition.from_json(part) for (part,) in database.execute("SELECT part FROM parts ORDER BY 1")]
            parts = stored or await kintsugi.customers.partitions(PARTS)
            if not stored:
                database.executemany(
                    "INSERT INTO parts VALUES (?, ?)", [(number, part.to_json()) for number, part in enumerate(parts)]
                )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(copy_part(kintsugi, number, part)) for number, part in enumerate(parts)]
        return sum(task.result() for task in tasks)


async def main() -> None:
    with Sandbox() as sandbox, sandbox.serve() as url:
        print(await copy_all(f"{url}/kintsugi"), "customers are stored")


if __name__ == "__main__":
    asyncio.run(main())
