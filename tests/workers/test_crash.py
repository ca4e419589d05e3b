"""Two worker processes copy a list. Workers are killed, the broker is restarted: each row is stored once.

The servers are real: NATS and PostgreSQL as Debian has them, and the sandbox for the API. A trigger of the database
writes down each row that is stored, so that one that is stored again is seen. Lots decide what is killed when; they are
printed, and ``CRASH_SEED`` repeats them.

How long it takes is printed, and not asserted: the machine may have other things to do. All requests share one budget,
so that their number is the time they take on a machine that has nothing else to do, and that is asserted.
"""

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

from readahead.export import Postgres
from readahead.kintsugi import Customer
from readahead.sandbox import Sandbox
from services import nats_server, postgres_server

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]
GUARD = 300  # seconds until a run that does not end fails the test
HERE = Path(__file__).parent


class Stage:
    """The servers, the application, and its workers."""

    def __init__(self, folder, app, nats, database, sandbox, arrivals):
        self.folder, self.app, self.nats, self.database = folder, app, nats, database
        self.sandbox, self.arrivals = sandbox, arrivals

    @contextmanager
    def workers(self, number):
        """Worker processes, under the supervisor of taskiq, which replaces those that die."""
        command = [sys.executable, "-m", "taskiq", "worker", "crash_app:broker", "--max-async-tasks", "4"]
        command += ["--workers", str(number), "--log-level", "WARNING"]
        with (self.folder / "workers.log").open("a") as log:
            process = subprocess.Popen(command, cwd=HERE, stdout=log, stderr=log)
            try:
                yield process
            finally:
                process.terminate()
                process.wait(timeout=60)

    async def alive(self, number):
        """The ids of the worker processes, as soon as there are so many."""

        async def found():
            alive = [int(path.name) for path in (self.folder / "workers").iterdir() if is_alive(int(path.name))]
            return sorted(alive) if len(alive) == number else None

        return await until(found)

    async def stored(self, job, rows):
        """Wait until so many rows of a job are in its table."""

        async def reached():
            return (await job.status()).new >= rows

        await until(reached)

    async def once(self, name):
        """How many rows were stored, and how many different ones."""
        async with Postgres(self.database, name).connect() as database, database.transaction() as transaction:
            return (await transaction.execute(f"SELECT count(*), count(DISTINCT id) FROM stored_{name}"))[0]

    async def watch(self, name):
        """Create the table of a job, with a trigger that writes down what is stored in it."""
        target = Postgres(self.database, name)
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


def is_alive(pid):
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


async def until(holds):
    """Wait until this is true of other processes."""
    with anyio.fail_after(GUARD):
        while True:
            if result := await holds():
                return result
            await anyio.sleep(0.05)


@contextmanager
def servers(folder, monkeypatch, rows):
    """NATS, PostgreSQL, and the API."""
    arrivals = []

    async def arrived(_):
        arrivals.append(time.monotonic())

    (folder / "workers").mkdir()
    with (
        postgres_server() as database,
        nats_server() as nats,
        Sandbox(kintsugi_rows=rows, latency=arrived) as sandbox,
        sandbox.serve() as url,
    ):
        places = {"NATS_URL": nats.url, "DATABASE_URL": database, "API_URL": f"{url}/kintsugi", "NO_PROXY": "127.0.0.1"}
        for name, value in {
            **places,
            "RUN": folder.name,
            "WORKERS": str(folder / "workers"),
            "PYTHONPATH": str(HERE),
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.syspath_prepend(str(HERE))
        monkeypatch.delitem(sys.modules, "crash_app", raising=False)
        import crash_app as app

        yield Stage(folder, app, nats, database, sandbox, arrivals)


def most_within(seconds, arrivals):
    """The most requests in any such period."""
    arrivals = sorted(arrivals)
    return max(bisect_right(arrivals, first + seconds) - index for index, first in enumerate(arrivals))


async def test_each_row_once_whatever_is_killed(tmp_path, monkeypatch, capsys):
    rows = 100_000
    seed = int(os.environ.get("CRASH_SEED") or random.randrange(10**6))
    lot = random.Random(seed)
    moments = [*((lot.randrange(rows // 20, rows * 3 // 4), "worker") for _ in range(2))]
    moments = sorted([*moments, (lot.randrange(rows // 20, rows * 3 // 4), "broker")])
    figures = [f"CRASH_SEED={seed}: killed at {', '.join(f'{at:,} rows: a {what}' for at, what in moments)}"]
    requests = {}
    with servers(tmp_path, monkeypatch, rows) as stage:
        pace = stage.app.PACE
        await stage.app.broker.startup()
        with stage.workers(2):
            await stage.alive(2)
            for name in "undisturbed", "disturbed":
                job = stage.app.JOBS[name]
                await stage.watch(name)
                stage.arrivals.clear()
                begun = time.monotonic()
                await job.start()
                for at, what in moments if name == "disturbed" else ():
                    await stage.stored(job, at)
                    if what == "worker":
                        os.kill(lot.choice(await stage.alive(2)), signal.SIGKILL)
                    else:
                        stage.nats.kill()
                        stage.nats.start()
                with anyio.fail_after(GUARD):
                    status = await job.wait(every=0.2)
                seconds = time.monotonic() - begun
                requests[name] = len(stage.arrivals)
                most = most_within(pace.per, stage.arrivals)
                figures = figures[:1] if name == "undisturbed" else []
                figures.append(
                    f"{name}: {await stage.once(name)} rows stored and different, {seconds:.1f} s, "
                    f"{requests[name]:,} requests, at most {most} in any {pace.per:g} s ({pace.requests} allowed)"
                )
                with capsys.disabled():
                    print("", *figures, sep="\n")  # noqa: T201  the figures are what CI shows
                assert status.state == "done", status
                assert status.complete, status
                assert (status.new, status.rows) == (rows, rows)
                assert await stage.once(name) == (rows, rows)
                assert most <= pace.requests * 1.05
        await stage.app.broker.shutdown()
    assert requests["disturbed"] <= requests["undisturbed"] * 1.5


async def test_a_worker_that_is_told_to_stop_hands_its_parts_on(tmp_path, monkeypatch, capsys):
    rows = 20_000
    with servers(tmp_path, monkeypatch, rows) as stage:
        job = stage.app.JOBS["stopped"]
        await stage.app.broker.startup()
        await stage.watch("stopped")
        with stage.workers(1) as process:
            await stage.alive(1)
            await job.start()
            await stage.stored(job, 1)
            begun = time.monotonic()
            process.terminate()
            assert await anyio.to_thread.run_sync(process.wait, 50) == 0
            stored = f"{(await job.status()).new:,} of {rows:,} rows stored"
            with capsys.disabled():
                print(f"\nstopped {time.monotonic() - begun:.1f} s after it was told so, with {stored}")  # noqa: T201
        before = await job.status()
        assert before.state == "running"
        with stage.workers(2), anyio.fail_after(GUARD):
            status = await job.wait(every=0.2)
        await stage.app.broker.shutdown()
        assert (status.new, status.rows, status.complete) == (rows, rows, True)
        assert await stage.once("stopped") == (rows, rows)
