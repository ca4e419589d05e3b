"""A program with the broker in memory and SQLite is killed, and started again: each row is stored once.

What the broker held is lost with the process. What is stored of the job is not, and ``start()`` sends for the rest.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

from readahead.sandbox import Sandbox

ROWS, KILLS = 2_000, 3

# It names each transaction of rows before it begins, and waits for a line that lets it go on.
PROGRAM = """
import asyncio, sqlite3, sys

from readahead.export import SQLite
from readahead.kintsugi import Customer, Kintsugi
from readahead.workers import CopyJob

URL, STOPS = sys.argv[1:]
TABLE = SQLite("customers.db", table="customers")
JOB = CopyJob(
    "customers",
    client=lambda: Kintsugi(api_key="key", organization_id="org_sandbox", base_url=URL),
    query=lambda kintsugi: kintsugi.customers.page_size(50),
    to=TABLE,
    parts=4,
    window=2,
    seconds=0.5,
)
connect = sqlite3.connect

def stop(statement):
    if STOPS == "stops" and statement.startswith(("INSERT INTO \\"customers\\"", "COMMIT")):
        print(statement[:6], flush=True)
        sys.stdin.readline()

def watched(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(stop)
    return connection

sqlite3.connect = watched

async def main():
    async with TABLE.connect() as database, database.transaction() as transaction:
        await transaction.prepare(TABLE.table_of(Customer, "id"))
        await transaction.execute("CREATE TABLE IF NOT EXISTS stored (id TEXT)")
        for event in "INSERT", "UPDATE":
            await transaction.execute(
                f"CREATE TRIGGER IF NOT EXISTS note_{event} AFTER {event} ON customers "
                "BEGIN INSERT INTO stored VALUES (NEW.id); END"
            )
    await JOB.start()
    print(await JOB.wait(every=0.05))

asyncio.run(main())
"""


def test_each_row_once_whenever_it_is_killed(tmp_path):
    seed = random.randrange(10**6)
    lot = random.Random(seed)
    kills = [lot.randrange(1, ROWS // KILLS) for _ in range(KILLS)]  # statements; there is one for each row, and more
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    with Sandbox(kintsugi_rows=ROWS) as sandbox, sandbox.serve() as url:

        def started(stops):
            streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            command = [sys.executable, "-c", PROGRAM, f"{url}/kintsugi", stops]
            return subprocess.Popen(command, cwd=tmp_path, env=environment, **streams)

        reached = []
        for statements in kills:
            with started("stops") as process:
                count = 0
                for count, _ in enumerate(process.stdout, 1):
                    if count == statements:
                        process.send_signal(signal.SIGKILL)
                        break
                    process.stdin.write("\n")
                    process.stdin.flush()
                reached.append(count)
                process.stdin.close()
        with started("") as process:
            out, _ = process.communicate(timeout=120)
        expected = sorted(row["id"] for row in sandbox.kintsugi_rows())
    with closing(sqlite3.connect(tmp_path / "customers.db")) as database:
        stored = sorted(key for (key,) in database.execute("SELECT id FROM stored"))
    assert reached == kills, seed
    assert f"is done, 4 of 4 parts: {ROWS:,} new, 0 changed, 0 the same, complete" in out, (seed, out)
    assert stored == expected, (seed, reached)
