"""What is killed: a copy or a mirror in a process of its own. It says each statement, and waits before it."""

import asyncio
import sqlite3

import asyncpg

from readahead.export import Postgres, SQLite, mirror
from readahead.export.copying import copy
from readahead.kintsugi import Kintsugi


def _watch_sqlite(stop):
    connect = sqlite3.connect

    def watched(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.set_trace_callback(lambda statement: statement.startswith("--") or stop(statement))
        return connection

    sqlite3.connect = watched


def _watch_postgres(stop):
    def watched(name):
        method = getattr(asyncpg.Connection, name)

        async def stopping(self, statement, *arguments, **options):
            stop(f"COPY {statement}" if name.startswith("copy") else statement)
            return await method(self, statement, *arguments, **options)

        setattr(asyncpg.Connection, name, stopping)

    for name in ("execute", "fetch", "fetchrow", "fetchval", "copy_records_to_table"):
        watched(name)


def run(pipe, url, place, table, kind, stops):
    """Copy or mirror the customers of a sandbox."""

    last = None

    def stop(statement):
        nonlocal last
        words = " ".join(statement.split()[:3])
        if words != last:  # not one more of many rows
            last = words
            pipe.send(words)
            pipe.recv()

    if stops:
        (_watch_postgres if place.startswith("postgresql:") else _watch_sqlite)(stop)
    target = (Postgres if place.startswith("postgresql:") else SQLite)(place, table)

    async def main():
        async with Kintsugi(api_key="key", organization_id="org_sandbox", base_url=f"{url}/kintsugi") as client:
            if kind == "mirror":
                return await mirror(client.customers, target)
            return await copy(client.customers, target, at_once=100)

    done = asyncio.run(main())
    pipe.send(("done", done.complete, done.runs))
