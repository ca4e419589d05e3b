"""A process of its own in the tests of a shared budget: ``python gate_child.py WHAT JSON``."""

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack

from readahead import Pace, Retry
from readahead.errors import ReadaheadError
from readahead.export.postgres import Postgres
from readahead.export.sqlite import SQLite
from readahead.kintsugi import Kintsugi
from readahead.workers import SharedPace


def say(word):
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def target_of(where):
    return Postgres(where) if where.startswith("postgresql:") else SQLite(where)


async def read(gate, url, name, tasks, requests=None, **_):
    """Send requests one after the other, in so many tasks."""
    async with Kintsugi(
        api_key="key",
        organization_id="org",
        base_url=url,
        user_agent=name,
        pace=None,
        gate=gate,
        http="aiohttp",
        retry=Retry(attempts=5),
    ) as client:

        async def one():
            for _ in range(requests or sys.maxsize):
                try:
                    await client.customers.get("cust_1")
                except ReadaheadError as error:
                    sys.stderr.write(f"{error!r}\n")

        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(one())


async def take(gate, requests, **_):
    """Reserve so many, say so, and stay."""
    for _ in range(requests):
        assert await gate.enter() == 0
    say("taken")
    await asyncio.Event().wait()


async def hold(database, account, **_):
    """Hold the row in a transaction that is never ended."""
    async with database.transaction() as transaction:
        await transaction.execute("UPDATE _readahead_budgets SET granted = granted WHERE account = $1", account)
        say("held")
        await asyncio.Event().wait()


async def main(what, where, pace, account="account", clock=0, **parameters):
    if clock:  # the clock of this worker is wrong
        right = time.time
        time.time = lambda: right() + clock
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(target_of(where).connect())
        gate = SharedPace(database, account, Pace(*pace))
        await {"read": read, "take": take, "hold": hold}[what](
            gate=gate, database=database, account=account, **parameters
        )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], **json.loads(sys.argv[2])))
