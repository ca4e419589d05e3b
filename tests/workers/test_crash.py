"""Two worker processes copy 100,000 rows. Workers are killed, the broker is restarted: each row is stored once.

The servers are real: NATS and PostgreSQL as Debian has them, and the sandbox for the API. A trigger of the database
writes down each row that is stored, so that one that is stored again is seen. When what is killed is drawn by lot;
the lot is printed, and ``CRASH_SEED`` repeats it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from bisect import bisect_right
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from readahead.export.postgres import Postgres
from readahead.kintsugi import Customer
from readahead.sandbox import Sandbox
from services import nats_server, postgres_server

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]
ROWS, PAGE = 100_000, 100
GUARD = 300  # seconds until a run that does not end fails the test
HERE = Path(__file__).parent


@contextmanager
def workers(folder, environment):
    """Two worker processes, under the supervisor of taskiq, which replaces those that die."""
    command = [sys.executable, "-m", "taskiq", "worker", "crash_app:broker", "--workers", "2", "--max-async-tasks", "4"]
    with (folder / "workers.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--log-level", "WARNING"], cwd=HERE, env=environment, stdout=log, stderr=log
        )
        try:
            yield folder / "workers"
        finally:
            process.terminate()
            process.wait(timeout=60)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "(python" in Path(f"/proc/{pid}/stat").read_text() and " Z " not in Path(f"/proc/{pid}/stat").read_text()


async def until(holds):
    """Wait until this is true."""
    with anyio.fail_after(GUARD):
        while not (result := await holds()):
            await anyio.sleep(0.05)
    return result


async def test_each_row_once(tmp_path, monkeypatch):
    seed = int(os.environ.get("CRASH_SEED") or random.randrange(10**6))
    lot = random.Random(seed)
    kills = sorted(lot.randrange(ROWS // 20, ROWS * 3 // 4) for _ in range(2))
    restart = lot.randrange(ROWS // 20, ROWS * 3 // 4)
    print(f"CRASH_SEED={seed}: a worker is killed at {kills} rows, the broker restarted at {restart:,}")
    arrivals = []

    async def arrived(_):
        arrivals.append(time.monotonic())

    (tmp_path / "workers").mkdir()
    with (
        postgres_server() as database,
        nats_server() as nats,
        Sandbox(kintsugi_rows=ROWS, latency=arrived) as sandbox,
        sandbox.serve() as url,
    ):
        places = {
            "NATS_URL": nats.url,
            "DATABASE_URL": database,
            "API_URL": f"{url}/kintsugi",
            "WORKERS": str(tmp_path / "workers"),
        }
        for name, value in places.items():
            monkeypatch.setenv(name, value)
        monkeypatch.syspath_prepend(str(HERE))
        import crash_app as app

        await app.broker.startup()
        with workers(tmp_path, {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(HERE)}) as folder:

            async def pids():
                alive = [int(path.name) for path in folder.iterdir() if is_alive(int(path.name))]
                return sorted(alive) if len(alive) == 2 else None

            await until(pids)
            figures = {}
            for name, job in app.JOBS.items():
                await watch(database, name)
                arrivals.clear()
                begun = time.monotonic()
                await job.start()
                if name == "disturbed":
                    moments = sorted([*((rows, "kill") for rows in kills), (restart, "restart")])
                    for rows, what in moments:

                        async def stored(rows=rows):
                            return (await job.status()).new >= rows

                        await until(stored)
                        if what == "kill":
                            victim = lot.choice(await until(pids))
                            os.kill(victim, signal.SIGKILL)
                        else:
                            nats.kill()
                            nats.start()
                with anyio.fail_after(GUARD):
                    status = await job.wait(every=0.2)
                figures[name] = {
                    "seconds": round(time.monotonic() - begun, 1),
                    "requests": len(arrivals),
                    "most in 5 s": most_within(app.PACE.per, arrivals),
                    "stored": await stored_once(database, name),
                    "status": str(status),
                }
                assert status.state == "done", status
                assert status.complete, status
                assert status.new == ROWS
                assert status.same + status.changed == status.rows - ROWS
        await app.broker.shutdown()
    print(json.dumps(figures, indent=1))
    print((tmp_path / "workers.log").read_text()[-3000:])
    for figure in figures.values():
        assert figure["stored"] == [ROWS, ROWS]


def most_within(seconds, arrivals):
    """The most requests in any such period."""
    arrivals = sorted(arrivals)
    return max(bisect_right(arrivals, first + seconds) - index for index, first in enumerate(arrivals))


async def watch(url, name):
    """Create the table of a job, with a trigger that writes down what is stored in it."""
    target = Postgres(url, table=name)
    async with target.connect() as database, database.transaction() as transaction:
        await transaction.prepare(target.table_of(Customer, "id"))
        await transaction.execute(f"CREATE TABLE stored_{name} (id TEXT)")
        await transaction.execute(
            f"CREATE FUNCTION note_{name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN INSERT INTO stored_{name} VALUES (NEW.id); RETURN NULL; END $$"
        )
        await transaction.execute(
            f"CREATE TRIGGER note AFTER INSERT OR UPDATE ON {name} FOR EACH ROW EXECUTE FUNCTION note_{name}()"
        )


async def stored_once(url, name):
    """How often rows were stored, and how many rows."""
    async with Postgres(url, table=name).connect() as database, database.transaction() as transaction:
        [counts] = await transaction.execute(f"SELECT count(*), count(DISTINCT id) FROM stored_{name}")
    return list(counts)
