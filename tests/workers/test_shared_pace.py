"""One budget and one pause for processes, on SQLite and PostgreSQL, as a server on a socket and the database see it."""

import asyncio
import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import pytest

from readahead import Pace
from readahead.errors import DeadlineExceeded, GateError, UsageError
from readahead.export.postgres import Postgres
from readahead.export.sqlite import SQLite
from readahead.kintsugi import Kintsugi
from readahead.workers import SharedPace

CHILD = Path(__file__).with_name("gate_child.py")
GUARD = 60  # seconds until a test that waits for what never comes fails instead of hanging
ACCOUNTS = itertools.count(1)
ROOM = 48 / 46  # a request counts at most so many periods, and at least 47 / 46 of them


@pytest.fixture(params=["sqlite", "postgres"])
def where(request, tmp_path):
    """A database: a path or a URL."""
    return str(tmp_path / "gate.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def account():
    """An account that no other test has."""
    return f"account {next(ACCOUNTS)}"


def target_of(where):
    return Postgres(where) if where.startswith("postgresql:") else SQLite(where)


class Arrivals:
    """A server that notes when requests arrive, and who sent them. ``refuse``: how many it answers before one 429."""

    def __init__(self, refuse=None, pause=0):
        self.times, self.names, self.refused_at = [], Counter(), None
        self._refuse, self._pause = refuse, pause
        self._changed = threading.Condition()
        self._writers = set()

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._main()], daemon=True)
        self._thread.start()
        assert self._until(lambda: hasattr(self, "url"))
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _until(self, holds):
        with self._changed:
            return self._changed.wait_for(holds, GUARD)

    async def until(self, holds):
        assert await asyncio.to_thread(self._until, lambda: holds(self))

    async def _main(self):
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        with self._changed:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._changed.notify_all()
        await self._stop.wait()
        server.close()
        while asyncio.all_tasks() - {asyncio.current_task()}:  # one that was accepted a moment ago has no handler yet
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # a connection is closed in the turn after that

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                now = time.time()  # the clock of the databases, which the budget goes by
                with self._changed:
                    self.times.append(now)
                    self.names[head.partition("User-Agent: ")[2].partition("\r\n")[0].rpartition(" ")[2]] += 1
                    refused = len(self.times) == self._refuse
                    self.refused_at = now if refused else self.refused_at
                    self._changed.notify_all()
                body = b'{"id": "cust_1", "organization_id": "org"}'
                status = f"429 Too Many\r\nRetry-After: {self._pause}" if refused else "200 OK"
                head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def most(self, per):
        """How many arrived in the worst period."""
        times = sorted(self.times)
        return max(sum(first <= one < first + per for one in times) for first in times)


@contextmanager
def child(what, where, pace, **parameters):
    """A process; it is killed when the block ends."""
    pace = (pace.requests, pace.per)
    command = [sys.executable, CHILD, what, json.dumps({"where": where, "pace": pace, **parameters})]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@asynccontextmanager
async def row_of(where, account):
    """Read the row of an account, again and again: what is reserved, and whether there is a pause."""
    async with target_of(where).connect() as database:

        async def row():
            async with database.transaction() as transaction:
                found = await transaction.execute("SELECT * FROM _readahead_budgets WHERE account = $1", account)
            return found[0] if found else None

        yield row


async def passes(gate):
    """Wait until the gate lets one pass."""
    seconds = await gate.enter()
    while seconds:
        await asyncio.sleep(seconds)
        seconds = await gate.enter()


@pytest.mark.asyncio
async def test_processes_together_stay_within_the_budget(where, account):
    """At the server, in the worst period; one process is killed on the way, and the clocks of the others are wrong."""
    pace = Pace(100, per=2.0)
    with Arrivals() as server:
        common = {"url": server.url, "account": account, "tasks": 8}
        with (
            child("read", where, pace, name="one", clock=86_400, **common),
            child("read", where, pace, name="two", **common) as second,
            child("read", where, pace, name="three", clock=-86_400, **common),
        ):
            await server.until(lambda it: len(it.times) > 0.5 * pace.requests)
            second.kill()
            await server.until(lambda it: len(it.times) > 2.5 * pace.requests)
            enough = server.names["one"], server.names["three"]
        assert server.most(pace.per) <= 1.05 * pace.requests
        assert min(enough) > 0  # both were served
        assert server.times[-1] - server.times[0] >= 2 * pace.per * 0.95


@pytest.mark.asyncio
async def test_a_pause_of_one_process_stops_all(where, account):
    """From the moment it is in the database nobody reserves any more, and nothing arrives that was not reserved."""
    pace, pause = Pace(100_000, per=60.0), 3
    with Arrivals(refuse=200, pause=pause) as server:
        common = {"url": server.url, "account": account, "tasks": 4}
        with (
            child("read", where, pace, name="one", **common),
            child("read", where, pace, name="two", **common),
        ):
            await server.until(lambda it: it.refused_at)
            async with row_of(where, account) as row:
                paused_until = 5
                found = await row()
                while not found[paused_until]:
                    found = await row()
                # Nothing lapses within the test, so what is in the buckets was reserved since its begin.
                reserved = sum(found[6:])
                await server.until(lambda it: len(it.times) > reserved + 20)
                again = await row()
        early = sum(one < server.refused_at + pause for one in server.times)
        assert early <= reserved
        assert sum(again[6:]) > reserved  # it goes on after the pause
        assert set(server.names) == {"one", "two"}


@pytest.mark.asyncio
async def test_a_process_that_is_killed_frees_nothing_and_blocks_nobody(where, account):
    pace = Pace(10, per=1.0)
    async with SharedPace.connect(target_of(where), account, pace) as gate:
        began = time.monotonic()
        with child("take", where, pace, account=account, requests=10) as process:
            assert await asyncio.to_thread(process.stdout.readline) == "taken\n"
        seconds = await gate.enter()
        assert 0 < seconds <= ROOM * pace.per
        await passes(gate)
        assert time.monotonic() >= began + pace.per  # since the first of them, at the earliest


@pytest.mark.asyncio
async def test_a_process_that_is_killed_within_a_transaction_blocks_nobody(where, account):
    pace = Pace(1000, per=60.0)
    async with SharedPace.connect(target_of(where), account, pace) as gate:
        assert await gate.enter() == 0
        with child("hold", where, pace, account=account) as process:
            assert await asyncio.to_thread(process.stdout.readline) == "held\n"
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(gate.enter())
                await asyncio.sleep(0)
                process.kill()
        assert waiting.result() == 0
        async with row_of(where, account) as row:
            assert sum((await row())[6:]) == 2


class Counted:
    """A database that counts its transactions."""

    def __init__(self, database):
        self._database, self.transactions = database, 0

    def transaction(self):
        self.transactions += 1
        return self._database.transaction()


@pytest.mark.asyncio
async def test_requests_that_wait_at_once_share_a_transaction(where, account):
    async with target_of(where).connect() as database:
        counted = Counted(database)
        gate = SharedPace(counted, account, Pace(100, per=60.0))
        assert await gate.enter() == 0
        before = counted.transactions
        answers = await asyncio.gather(*(gate.enter() for _ in range(150)))
        assert counted.transactions - before <= 2
        assert answers.count(0.0) == 99
        assert all(59 < seconds <= ROOM * 60 for seconds in answers if seconds)


@pytest.mark.asyncio
async def test_a_request_that_is_cancelled_while_it_waits_holds_nobody_up(where, account):
    async with SharedPace.connect(target_of(where), account, Pace(1000, per=60.0)) as gate:
        for cancelled in range(12):
            tasks = [asyncio.create_task(gate.enter()) for _ in range(10)]
            for _ in range(cancelled):
                await asyncio.sleep(0)
            for task in tasks[:5]:
                task.cancel()
            assert await asyncio.gather(*tasks[5:]) == [0.0] * 5
            await asyncio.wait(tasks)
        async with row_of(where, account) as row:
            assert 12 * 5 <= sum((await row())[6:]) <= 12 * 10


@pytest.mark.asyncio
async def test_a_request_that_took_long_counts_from_its_end(where, account):
    """It may have arrived then, so it moves into the present, and is not counted twice."""
    pace = Pace(10, per=4.6)  # buckets of a tenth of a second
    async with SharedPace.connect(target_of(where), account, pace) as gate, row_of(where, account) as row:
        assert [await gate.enter() for _ in range(4)] == [0.0] * 4
        began, before = time.monotonic(), await row()
        gate.left(0.01)  # of the four, one is over at once
        await asyncio.sleep(0.3)
        for _ in range(2):  # two took longer; one is still under way
            gate.left(time.monotonic() - began)
        assert await gate.enter() == 0
        after = await row()
        bucket = 4
        assert after[bucket] > before[bucket]
        assert sum(after[6:]) == 5
        assert after[6 + after[bucket] % 48] == 3  # these two, and the new one


@pytest.mark.asyncio
async def test_nothing_is_let_pass_without_the_database(where, account):
    """Nothing is sent, and the error says why."""
    with Arrivals() as server:
        async with target_of(where).connect() as database:
            gate = SharedPace(database, account, Pace(10, per=60.0))
            async with Kintsugi(api_key="key", organization_id="org", base_url=server.url, gate=gate) as client:
                await client.customers.get("cust_1")
                async with target_of(where).connect() as other, other.transaction() as transaction:
                    await transaction.execute("ALTER TABLE _readahead_budgets RENAME TO elsewhere")
                try:
                    with pytest.raises(GateError, match="nothing was sent, because the budget of account 'account"):
                        await client.customers.get("cust_1")
                finally:
                    async with target_of(where).connect() as other, other.transaction() as transaction:
                        await transaction.execute("ALTER TABLE elsewhere RENAME TO _readahead_budgets")
                await client.customers.get("cust_1")
                async with target_of(where).connect() as other, other.transaction() as transaction:
                    await transaction.execute("DELETE FROM _readahead_budgets WHERE account = $1", account)
                with pytest.raises(GateError, match="was deleted"):
                    await client.customers.get("cust_1")
                await client.customers.get("cust_1")
        assert len(server.times) == 3


@pytest.mark.asyncio
async def test_nothing_is_let_pass_when_the_connection_is_lost(postgres_url, account):
    async with Postgres(postgres_url).connect() as database, Postgres(postgres_url).connect() as other:
        gate = SharedPace(database, account, Pace(10, per=60.0))
        assert await gate.enter() == 0
        async with database.transaction() as transaction:
            number = (await transaction.execute("SELECT pg_backend_pid()"))[0][0]
        async with other.transaction() as transaction:
            await transaction.execute("SELECT pg_terminate_backend($1)", number)
        with pytest.raises(GateError, match="the connection was lost"):
            await gate.enter()


@pytest.mark.asyncio
async def test_waiting_is_reported_and_ends_with_the_deadline(where, account):
    pace = Pace(2, per=1.0)
    with Arrivals() as server:
        async with (
            SharedPace.connect(target_of(where), account, pace) as gate,
            Kintsugi(api_key="key", organization_id="org", base_url=server.url, gate=gate) as client,
        ):
            for _ in range(2):
                await client.customers.get("cust_1")
            with pytest.raises(DeadlineExceeded):
                await client.with_options(deadline=0.5).customers.get("cust_1")
            assert len(server.times) == 2
            await client.customers.get("cust_1")
        assert server.times[2] >= server.times[0] + pace.per


@pytest.mark.asyncio
async def test_a_clock_that_was_set_back_does_not_stop_everything(where, account):
    """By more than a period: nothing waits for the time of before, nor is the budget there anew."""
    async with SharedPace.connect(target_of(where), account, Pace(1, per=1.0)) as gate:
        assert await gate.enter() == 0
        await gate.pause(0.5)
        async with target_of(where).connect() as database, database.transaction() as transaction:
            await transaction.execute(
                "UPDATE _readahead_budgets SET bucket = bucket + 96000, paused_until = paused_until + 96000 * width "
                "WHERE account = $1",
                account,
            )
        begun = anyio.current_time()
        while (seconds := await gate.enter()) > 0:  # noqa: ASYNC110  it is told how long
            await anyio.sleep(seconds)
        assert 0.9 < anyio.current_time() - begun < 10


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("account", "pace"),
    [("", Pace(1)), (7, Pace(1)), ("a\0", Pace(1)), ("a", 10), ("a", None), ("a", Pace(1, per=0.001))],
)
async def test_what_is_no_budget_is_refused(tmp_path, account, pace):
    with pytest.raises(UsageError):
        async with SharedPace.connect(SQLite(tmp_path / "gate.db"), account, pace):
            pass


@pytest.mark.asyncio
async def test_all_processes_have_the_same_period(where, account):
    async with SharedPace.connect(target_of(where), account, Pace(10, per=60.0)) as gate:
        await gate.enter()
    async with SharedPace.connect(target_of(where), account, Pace(10, per=30.0)) as gate:
        with pytest.raises(UsageError, match="has a budget for every 60 s"):
            await gate.enter()


@pytest.mark.anyio
async def test_sqlite_serves_trio_too(tmp_path, anyio_backend):
    async with SharedPace.connect(SQLite(tmp_path / "gate.db"), "account", Pace(5, per=60.0)) as gate:
        found = []

        async def one():
            found.append(await gate.enter())

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(one)
        assert found.count(0.0) == 5
