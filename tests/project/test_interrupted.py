"""The worker of the guide is killed for real, at many moments, and started again: each row is stored once.

It runs as a process of its own against a sandbox on a socket, until it ends by itself. A trigger of the database writes
down each row that is stored, so that one that is stored again is seen.
"""

import itertools
import os
import runpy
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from readahead.sandbox import Sandbox

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples"
ROWS = 1_000
SIGNALS = [signal.SIGTERM, signal.SIGKILL]

# It names each statement before that is executed, and waits for a line that lets it go on.
WORKER = """
import anyio, sqlite3, sys
from readahead.kintsugi import Kintsugi

examples, url, stops = sys.argv[1:]
sys.path.insert(0, examples)
from worker import copy

def stop(statement):
    if not statement.startswith("--"):  # of a trigger
        print(" ".join(statement.split()[:5]), flush=True)
        sys.stdin.readline()

async def main():
    database = sqlite3.connect("customers.db")
    if stops == "stops":
        database.set_trace_callback(stop)
    async with Kintsugi(api_key="key", organization_id="org_sandbox", base_url=url) as kintsugi:
        await copy(kintsugi.customers, database)

anyio.run(main)
"""


@contextmanager
def worker(folder, url, stops=""):
    """Start the worker. However the block ends, it has ended then."""
    command = [sys.executable, "-W", "error", "-c", WORKER, EXAMPLES, f"{url}/kintsugi", stops]
    streams = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.PIPE)
    here = {**os.environ, "NO_PROXY": "127.0.0.1"}
    with subprocess.Popen(command, cwd=folder, env=here, text=True, **streams) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def database(tmp_path):
    with closing(sqlite3.connect(tmp_path / "customers.db")) as opened:
        opened.executescript(runpy.run_path(str(EXAMPLES / "worker.py"))["TABLES"])
        opened.executescript(
            """
            CREATE TABLE stored (id TEXT);
            CREATE TRIGGER store AFTER INSERT ON customers BEGIN INSERT INTO stored VALUES (new.id); END;
            """
        )
        yield opened


def stored(database):
    """The rows that were stored, each as often as it was."""
    return [name for (name,) in database.execute("SELECT id FROM stored ORDER BY rowid")]


def every_id(sandbox):
    return [row["id"] for row in sandbox.kintsugi_rows()]


def test_every_row_is_stored_once_if_it_is_not_killed(tmp_path, database):
    """Started once more, it finds nothing to do."""
    with Sandbox(kintsugi_rows=ROWS) as sandbox, sandbox.serve() as url:
        for _ in range(2):
            with worker(tmp_path, url) as process:
                assert process.wait() == 0, process.stderr.read()
            assert stored(database) == every_id(sandbox)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_killed_before_any_statement_it_stores_every_row_once(tmp_path, database, number):
    """Before a transaction, within it, before it is committed, and after that: the first of its kind, or the third."""
    moments = ["BEGIN", "INSERT OR REPLACE INTO customers", "INSERT OR REPLACE INTO jobs", "COMMIT"]
    killed = []
    with Sandbox(kintsugi_rows=ROWS) as sandbox, sandbox.serve() as url:
        for moment, nth in itertools.product(moments, (1, 3)):
            with worker(tmp_path, url, "stops") as process:
                seen = 0
                while line := process.stdout.readline():
                    seen += line.strip() == moment
                    if seen == nth:
                        process.send_signal(number)
                        break
                    process.stdin.write("\n")
                    process.stdin.flush()
                killed.append((-process.wait(), len(stored(database))))
        assert {status for status, _ in killed} == {number}
        assert 0 == killed[0][1] < killed[-1][1] < ROWS
        with worker(tmp_path, url) as process:
            assert process.wait() == 0, process.stderr.read()
        assert stored(database) == every_id(sandbox)


class Killer:
    """A sandbox's latency: it takes no time, and kills a process when the server has a request of it, the n-th."""

    def __init__(self, number):
        self.number, self.process, self.requests = number, None, 0

    async def __call__(self, _request):
        self.requests -= 1
        if self.requests == 0:
            self.process.send_signal(self.number)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_killed_at_any_request_it_stores_every_row_once(tmp_path, database, number):
    """Whatever it does when the server has that request."""
    killer, statuses = Killer(number), []
    with Sandbox(kintsugi_rows=ROWS, latency=killer) as sandbox, sandbox.serve() as url:
        for killer.requests in (1, 2, 5, 3, 7, 0):
            with worker(tmp_path, url) as killer.process:
                statuses.append(-killer.process.wait())
        assert statuses[:3] == [number] * 3  # a later one may have ended before
        assert statuses[-1] == 0
        assert set(statuses) <= {0, number}
        assert stored(database) == every_id(sandbox)
