"""Copies and mirrors are killed for real, at many moments, and started again with the same call.

Each runs in a process of its own against a sandbox on a socket. A trigger of the database writes down each row that is
stored, so that one that is stored again is seen.
"""

import asyncio
import itertools
import multiprocessing
import random
import signal
from contextlib import contextmanager

import pytest

from export import killed
from export.rows import execute, stored
from readahead.export import SQLite
from readahead.export.tables import quoted
from readahead.sandbox import Sandbox
from readahead_clients.kintsugi.models import Customer

PROCESSES = multiprocessing.get_context("forkserver")
# Loaded once; a process begins with them at once.
PROCESSES.set_forkserver_preload(
    ["asyncpg", "httpx", "orjson", "pytest", "readahead.export.copying", "readahead.kintsugi"]
)


@contextmanager
def process(url, target, postgres_url, kind, *, stops=False):
    """Start a copy or a mirror; it has ended when the block has."""
    place = str(target.path) if isinstance(target, SQLite) else postgres_url
    here, there = PROCESSES.Pipe()
    child = PROCESSES.Process(target=killed.run, args=(there, url, place, target.table, kind, stops))
    child.start()
    there.close()
    try:
        yield child, here
    finally:
        child.kill()
        child.join()
        here.close()


def result(pipe):
    """What it says when it is done; None if it was killed before."""
    try:
        while pipe.poll(60):
            said = pipe.recv()
            if isinstance(said, tuple):
                return said
            pipe.send(None)
    except (EOFError, OSError):
        return None
    raise TimeoutError("it neither ended nor said anything for a minute")


def killed_before(pipe, child, nth):
    """Let it go on until its nth statement, and kill it there; what it was, or None if it has ended before."""
    seen = 0
    while True:
        assert pipe.poll(60)
        said = pipe.recv()
        if isinstance(said, tuple):
            return None
        seen += 1
        if seen == nth:
            child.kill()
            child.join()
            assert child.exitcode == -signal.SIGKILL
            return said
        pipe.send(None)


def counted(target):
    """Prepare the table, with a trigger that writes down each row that is stored."""
    table, log = quoted(target.table), quoted(f"{target.table} log")

    async def prepare():
        async with target.connect() as database, database.transaction() as transaction:
            await transaction.prepare(target.table_of(Customer, "id"))
            await transaction.execute(f"CREATE TABLE {log} (id TEXT)")
            insert = f"INSERT INTO {log} VALUES (new.id);"
            if isinstance(target, SQLite):
                await transaction.execute(f"CREATE TRIGGER log AFTER INSERT ON {table} BEGIN {insert} END")
                return
            function = quoted(f"{target.table} f")
            await transaction.execute(
                f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $b$ BEGIN {insert} RETURN NULL; "
                "END $b$"
            )
            await transaction.execute(
                f"CREATE TRIGGER log AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"
            )

    asyncio.run(prepare())


def log_of(target):
    """The rows that were stored, each as often as it was."""
    return sorted(key for (key,) in asyncio.run(execute(target, f"SELECT id FROM {quoted(target.table + ' log')}")))


def keys(target):
    return {key for (key,) in asyncio.run(stored(target, "id"))}


@pytest.fixture
def place(request):
    """The URL of the server, where there is one."""
    return request.getfixturevalue("postgres_url") if "postgres" in request.node.name else None


@pytest.mark.slow
def test_killed_before_each_statement_a_copy_stores_every_row_once(target, place):
    """Before the first one, the second one when it is started again, and so on, until it is done."""
    counted(target)
    kills = []
    with Sandbox(kintsugi_rows=2000) as sandbox, sandbox.serve() as url:
        for nth in itertools.count(1):
            with process(url, target, place, "copy", stops=True) as (child, pipe):
                before = killed_before(pipe, child, nth)
                if before is None:
                    break
                kills.append((before, len(log_of(target))))
        everything = sorted(row["id"] for row in sandbox.kintsugi_rows())
        assert log_of(target) == everything
        with process(url, target, place, "copy") as (_, pipe):  # once more changes nothing
            assert result(pipe) == ("done", True, 1)
        assert log_of(target) == everything
    assert len(kills) >= 20
    statements = {statement.partition(" ")[0] for statement, _ in kills}
    assert statements >= {"INSERT", "SELECT"} | ({"BEGIN", "COMMIT"} if isinstance(target, SQLite) else {"COPY"})
    assert 0 == kills[0][1] < kills[-1][1] < 2000


class Killer:
    """A sandbox's latency: it takes no time, and kills a process when the server has a request of it, the n-th."""

    def __init__(self):
        self.child, self.requests = None, 0

    async def __call__(self, _request):
        self.requests -= 1
        if self.requests == 0:
            self.child.kill()


def test_killed_at_any_request_a_copy_stores_every_row_once(target, place):
    """Whatever it does when the server has that request."""
    counted(target)
    killer, chance, kills = Killer(), random.Random(13), 0
    with Sandbox(kintsugi_rows=2000, latency=killer) as sandbox, sandbox.serve() as url:
        for round_ in range(100):
            killer.requests = chance.randint(1, 12) if round_ < 15 else 0
            with process(url, target, place, "copy") as (killer.child, pipe):
                if result(pipe) is not None:
                    break
            kills += 1
        assert log_of(target) == sorted(row["id"] for row in sandbox.kintsugi_rows())
    assert kills >= 5


@pytest.mark.slow
def test_killed_before_each_statement_a_mirror_takes_no_row_that_exists(target, place):
    """Rows that are gone from the list go in the end, and not before; every other one is there at any time."""
    with Sandbox(kintsugi_rows=1500) as sandbox, sandbox.serve() as url:
        with process(url, target, place, "mirror") as (_, pipe):
            assert result(pipe) == ("done", True, 1)
        lost = {row["id"] for row in sandbox.kintsugi_rows()[1000:1010]}
        for key in lost:
            sandbox.kintsugi_table.delete(key)
        exist = {row["id"] for row in sandbox.kintsugi_rows()}
        kills, done = 0, 0
        for nth in itertools.count(1):
            with process(url, target, place, "mirror", stops=True) as (child, pipe):
                if killed_before(pipe, child, nth) is None:
                    done += 1
                kills += not done
            assert exist <= keys(target)
            if done:
                break
        with process(url, target, place, "mirror") as (_, pipe):
            assert result(pipe) == ("done", True, 1)
        assert keys(target) == exist
    assert kills >= 15
