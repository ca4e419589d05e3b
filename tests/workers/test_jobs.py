"""Jobs of many tasks, in one process: each row once, whatever comes twice, fails, or is away for a while."""

import asyncio
import itertools
import sys
from contextlib import asynccontextmanager

import anyio
import pytest

from readahead import Retry
from readahead.errors import TargetError, UsageError
from readahead.kintsugi import Customer, Kintsugi
from readahead.sandbox import Faults, Sandbox
from readahead.workers import CopyJob, CopyStatus
from readahead.workers.tasks import part_task, plan_task

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("broker")]
NUMBERS = itertools.count(1)
GUARD = 60


def job_of(sandbox, table, **options):
    options = {"query": lambda client: client.customers, "parts": 5, "window": 2, **options}
    return CopyJob(f"job {next(NUMBERS)}", **{"client": sandbox.kintsugi, "to": table, **options})


def name_of(job):
    return repr(job).split("'")[1]


async def ended(job):
    with anyio.fail_after(GUARD):
        return await job.wait(every=0.02)


async def rows_of(table, columns="id"):
    async with table.connect() as database, database.transaction() as transaction:
        return await transaction.execute(f"SELECT {columns} FROM {table.table} ORDER BY 1")


async def watch(table):
    """Write down each row that is stored, in a table of its own."""
    async with table.connect() as database, database.transaction() as transaction:
        await transaction.prepare(table.table_of(Customer, "id"))
        await transaction.execute("CREATE TABLE stored (id TEXT)")
        for event in "INSERT", "UPDATE":
            await transaction.execute(
                f"CREATE TRIGGER note_{event} AFTER {event} ON {table.table} "
                "BEGIN INSERT INTO stored VALUES (NEW.id); END"
            )


async def stored(table):
    async with table.connect() as database, database.transaction() as transaction:
        return sorted(key for (key,) in await transaction.execute("SELECT id FROM stored"))


def ids(sandbox):
    return sorted(row["id"] for row in sandbox.kintsugi_rows())


async def test_the_parts_together_are_the_list(target):
    sandbox = Sandbox(kintsugi_rows=1_000)
    job = job_of(sandbox, target)
    assert await job.status() == CopyStatus(0, "new")
    assert await job.start() == 1
    status = await ended(job)
    assert status == CopyStatus(1, "done", parts=5, parts_done=5, rows=1_000, new=1_000, complete=True)
    assert [key for (key,) in await rows_of(target)] == ids(sandbox)


async def test_a_job_that_is_done_can_be_started_again_and_tells_what_is_new(target):
    sandbox = Sandbox(kintsugi_rows=500)
    job = job_of(sandbox, target)
    await job.start()
    await ended(job)
    [first, *_] = sandbox.kintsugi_rows()
    async with sandbox.kintsugi() as kintsugi:
        await kintsugi.customers.update(first["id"], name="Another name")
    assert await job.start() == 2
    status = await ended(job)
    assert (status.run, status.new, status.changed, status.same, status.complete) == (2, 0, 1, 499, True)


async def test_starting_it_many_times_at_once_starts_it_once(target):
    started = asyncio.Event()
    sandbox = Sandbox(kintsugi_rows=500, latency=lambda _: started.wait())
    job = job_of(sandbox, target)
    assert await asyncio.gather(*(job.start() for _ in range(4))) == [1] * 4
    started.set()
    status = await ended(job)
    assert (status.run, status.new, status.complete) == (1, 500, True)


async def test_messages_that_come_twice_change_nothing(table, broker):
    sandbox = Sandbox(kintsugi_rows=1_000)
    job = job_of(sandbox, table)
    await watch(table)
    await job.start()
    for _ in range(3):
        for part in range(5):
            await part_task.kiq(name_of(job), part)
    status = await ended(job)
    await broker.wait_all()
    sent = len(sandbox.requests)
    await plan_task.kiq(name_of(job), 1)
    await part_task.kiq(name_of(job), 2)
    await broker.wait_all()
    assert len(sandbox.requests) == sent
    assert await job.status() == status
    assert (status.new, status.complete) == (1_000, True)
    assert await stored(table) == ids(sandbox)


async def test_a_part_is_taken_from_who_has_it(table, broker):
    """The first one has read rows when the second one claims the part; it can store none of them."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    pages = itertools.count(1)

    async def hold(request):
        if reading.is_set() and next(pages) == 2:
            reached.set()
            await go_on.wait()

    reading = asyncio.Event()
    sandbox = Sandbox(kintsugi_rows=1_000, latency=hold)
    job = job_of(sandbox, table, parts=1, window=1)
    await watch(table)
    reading.set()
    with anyio.fail_after(GUARD):
        pages = itertools.count(0)  # the planner's comes first
        await job.start()
        await reached.wait()
        await part_task.kiq(name_of(job), 0)
        status = await job.wait(every=0.02)
        assert await stored(table) == ids(sandbox)
        go_on.set()
        await broker.wait_all()
    assert await stored(table) == ids(sandbox)
    assert await job.status() == status


async def test_a_task_hands_its_part_on(table, broker):
    """With next to no time for a task, a part takes many of them. Each goes on where the one before has stopped."""
    kick, names = broker.kick, []

    async def note(message):
        names.append(message.task_name)
        await kick(message)

    broker.kick = note
    sandbox = Sandbox(kintsugi_rows=1_000)
    job = job_of(sandbox, table, query=lambda client: client.customers.page_size(5), parts=2, window=1, seconds=0.1)
    await watch(table)
    await job.start()
    status = await ended(job)
    assert names.count(part_task.task_name) > 4
    assert (status.new, status.rows, status.complete) == (1_000, 1_000, True)
    assert await stored(table) == ids(sandbox)


async def test_what_is_planned_and_was_not_sent_is_sent_by_the_next_start(table, broker):
    """The planner has died before it sent a message, or the broker has lost all of them."""
    sandbox = Sandbox(kintsugi_rows=500)
    job = job_of(sandbox, table)
    kick, lost = broker.kick, []

    async def lose(message):
        if message.task_name == part_task.task_name:
            lost.append(message)
        else:
            await kick(message)

    broker.kick = lose
    await job.start()
    await broker.wait_all()
    assert (len(lost), (await job.status()).state) == (5, "running")
    broker.kick = kick
    assert await job.start() == 1
    assert (await ended(job)).complete


async def test_a_key_that_is_refused_fails_at_once_and_can_be_mended(table, broker):
    sandbox = Sandbox(kintsugi_rows=500, api_key="right")
    key = "wrong-7c1f"
    job = job_of(sandbox, table, client=lambda: sandbox.kintsugi().__class__(**opened(sandbox, key)))
    await job.start()
    status = await ended(job)
    assert (status.state, status.parts, status.complete) == ("failed", 0, False)
    assert status.why.startswith("AuthenticationFailed: ")
    assert key not in status.why
    assert len(sandbox.requests) == 1
    await broker.wait_all()
    key = "right"
    assert await job.start() == 1
    assert (await ended(job)).complete


def opened(sandbox, key):
    from readahead.http.libraries import client_for_app

    return {
        "api_key": key,
        "organization_id": "org_sandbox",
        "base_url": "http://127.0.0.1",
        "http_client": client_for_app(sandbox.kintsugi_app),
    }


async def test_a_part_that_fails_leaves_the_others_alone(table):
    sandbox = Sandbox(kintsugi_rows=1_000, faults=Faults(null_ids=0.003, seed=4))
    job = job_of(sandbox, table, parts=8)
    await job.start()
    status = await ended(job)
    assert (status.state, status.parts, status.complete) == ("failed", 8, False)
    assert 0 < status.parts_failed < 8
    assert status.parts_done == 8 - status.parts_failed
    assert "DecodeError" in status.why
    assert status.new > 1_000 * (8 - status.parts_failed) / 8 - 8


async def test_rows_that_cannot_be_read_can_be_skipped(table):
    sandbox = Sandbox(kintsugi_rows=1_000, faults=Faults(null_ids=0.003, seed=4))
    job = job_of(sandbox, table, on_bad_row="skip")
    await job.start()
    status = await ended(job)
    assert (status.state, status.rows + status.bad_rows) == ("done", 1_000)
    assert status.bad_rows > 0


async def test_trouble_that_lasts_is_given_up_after_some_attempts(table, broker):
    sandbox = Sandbox(kintsugi_rows=500, faults=Faults(errors=1.0, statuses=[500]))
    job = job_of(sandbox, table, client=lambda: sandbox.kintsugi(retry=Retry(attempts=1)), attempts=3, seconds=0.01)
    await job.start()
    status = await ended(job)
    assert (status.state, status.why.partition(":")[0]) == ("failed", "ServerError")
    assert len(sandbox.requests) == 3


async def test_an_error_of_the_applications_code_is_named_and_its_text_is_not_stored(table):
    def query(client):
        raise ValueError("secret-4711")

    job = job_of(Sandbox(kintsugi_rows=10), table, query=query, attempts=2, seconds=0.01)
    await job.start()
    status = await ended(job)
    assert (status.state, status.why) == ("failed", "ValueError; see the log of the workers")


async def test_waiting_for_the_api_is_no_failure(table, broker):
    """The API holds a response back for longer than many tasks last."""
    go_on, many = asyncio.Event(), asyncio.Event()

    async def hold(_):
        if len(sandbox.requests) > 7:
            many.set()
        if len(sandbox.requests) > 1:
            await go_on.wait()

    sandbox = Sandbox(kintsugi_rows=100, latency=hold)
    job = job_of(sandbox, table, parts=1, attempts=2, seconds=0.01)
    await job.start()
    with anyio.fail_after(GUARD):
        await many.wait()
    assert (await job.status()).state == "running"
    go_on.set()
    assert (await ended(job)).complete


async def test_a_part_to_which_no_page_comes_is_given_up_at_last(table, broker, monkeypatch):
    """An API that hangs is not waited for without end, and the job says so."""
    monkeypatch.setattr("readahead.workers.parts.PATIENCE", 0.2)

    async def hang(_):
        if len(sandbox.requests) > 1:
            await asyncio.Event().wait()

    sandbox = Sandbox(kintsugi_rows=100, latency=hang)
    job = job_of(sandbox, table, parts=1, attempts=2, seconds=0.01)
    await job.start()
    status = await ended(job)
    assert status.state == "failed"
    assert "no page came for 0 s" in status.why


async def test_a_process_opens_one_client_for_a_job_and_closes_it_when_nothing_is_left_to_do(table, broker):
    sandbox, counts = Sandbox(kintsugi_rows=500), {"opened": 0, "closed": 0}

    @asynccontextmanager
    async def client():
        counts["opened"] += 1
        async with sandbox.kintsugi() as kintsugi, anyio.create_task_group():  # it is closed by the task that opened it
            yield kintsugi
        counts["closed"] += 1

    job = job_of(sandbox, table, client=client)
    await job.start()
    await ended(job)
    await broker.wait_all()
    assert counts["opened"] == counts["closed"]
    assert counts["opened"] <= 2


async def test_a_client_that_cannot_be_opened_fails_the_run(table):
    def client():
        raise UsageError("no credentials here")

    job = job_of(Sandbox(kintsugi_rows=10), table, client=client)
    await job.start()
    assert (await ended(job)).why == "UsageError: no credentials here"


async def test_a_part_is_of_the_query_that_was_planned(table, broker):
    """A query may depend on the time. Workers of one run read one list all the same."""
    sandbox = Sandbox(kintsugi_rows=500)
    countries = iter(["US"])
    job = job_of(sandbox, table, query=lambda client: client.customers.where(country=next(countries, "CA")))
    await job.start()
    assert (await ended(job)).complete
    expected = sorted(row["id"] for row in sandbox.kintsugi_rows() if row["country"] == "US")
    assert [key for (key,) in await rows_of(table)] == expected


async def test_a_run_whose_credentials_changed_is_thrown_away_on_demand(table, broker):
    """The parts of the run are bound to the credentials they were planned with."""
    sandbox, key = Sandbox(kintsugi_rows=500), "before"
    job = job_of(sandbox, table, client=lambda: sandbox.kintsugi().__class__(**opened(sandbox, key)))
    kick = broker.kick

    async def lose(message):
        if message.task_name == plan_task.task_name:
            await kick(message)

    broker.kick = lose
    await job.start()
    await broker.wait_all()
    broker.kick, key = kick, "after"
    assert await job.start() == 1
    status = await ended(job)
    assert status.state == "failed"
    assert "base_url and credentials must be the same" in status.why
    assert await job.start(restart=True) == 2
    assert (await ended(job)).complete


async def test_a_list_without_rows_is_copied(table):
    job = job_of(Sandbox(kintsugi_rows=0), table)
    await job.start()
    status = await ended(job)
    assert (status.state, status.parts, status.rows, status.complete) == ("done", 1, 0, True)


async def test_a_query_that_cannot_be_split_says_so(table):
    job = job_of(Sandbox(kintsugi_rows=10), table, query=lambda client: client.customers.limit(5))
    await job.start()
    assert "partitions() cannot split a query with a limit" in (await ended(job)).why


async def test_waiting_for_what_was_never_started_is_an_error(table):
    with pytest.raises(UsageError, match="call start"):
        await job_of(Sandbox(kintsugi_rows=10), table).wait()


async def test_a_database_that_is_away_is_an_error_of_start(tmp_path):
    from readahead.export import SQLite

    with pytest.raises(TargetError):
        await job_of(Sandbox(kintsugi_rows=10), SQLite(tmp_path / "nowhere" / "rows.db")).start()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"client": "key"}, "client must be a function"),
        ({"query": None}, "query must be a function"),
        ({"parts": 0}, "parts must be a whole number from 1 to 10,000, not 0"),
        ({"parts": True}, "parts must be"),
        ({"attempts": 1.5}, "attempts must be"),
        ({"seconds": 0}, "seconds must be more than 0"),
        ({"window": 0}, "window must be"),
        ({"on_bad_row": "ignore"}, "on_bad_row must be"),
        ({"to": "customers.db"}, "to must be"),
    ],
)
async def test_wrong_arguments_are_refused_when_the_job_is_declared(table, wrong, message):
    with pytest.raises(UsageError, match=message):
        job_of(Sandbox(kintsugi_rows=10), table, **wrong)


async def test_each_job_has_a_name_of_its_own(table):
    options = {"client": Sandbox(kintsugi_rows=10).kintsugi, "query": lambda client: client.customers, "to": table}
    CopyJob("customers of one name", **options)
    with pytest.raises(UsageError, match="already declared"):
        CopyJob("customers of one name", **options)
    with pytest.raises(UsageError, match="name must be text"):
        CopyJob(" ", **options)


async def test_without_taskiq_the_shared_budget_remains():
    code = """
import sys
sys.modules["taskiq"] = None
from readahead.workers import SharedPace
try:
    from readahead.workers import CopyJob
except ImportError as error:
    print(error)
"""
    done = await anyio.run_process([sys.executable, "-c", code])
    assert done.stdout == b"CopyJob needs taskiq; install readahead[workers]\n"


async def test_a_part_whose_api_fails_for_ever_is_given_up(table):
    """Whatever the part had before, and though a copy that fails stores its place."""
    begun = []

    async def latency(_):
        begun.append(1)
        if len(begun) > 40:
            raise OSError

    with Sandbox(kintsugi_rows=20_000, latency=latency) as sandbox, sandbox.serve() as url:

        def client():
            return Kintsugi(
                api_key="key", organization_id="o", base_url=f"{url}/kintsugi", retry=Retry(attempts=1), pace=None
            )

        job = CopyJob(
            f"job {next(NUMBERS)}",
            client=client,
            query=lambda client: client.customers,
            to=table,
            parts=1,
            seconds=0.3,
            attempts=2,
        )
        await job.start()
        status = await ended(job)
    assert status.state == "failed"
    assert "status 500" in status.why
