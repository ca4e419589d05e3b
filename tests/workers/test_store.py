"""What is stored of jobs and parts, on each database: who comes late changes nothing."""

import asyncio

import pytest
import pytest_asyncio

from readahead.errors import TargetError
from readahead.export.database import Upserted
from readahead.export.target import Progressed
from readahead.kintsugi import Customer
from readahead.sandbox import Sandbox
from readahead.workers.store import Store, StoredRun, Superseded

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def store(target):
    async with target.connect() as database:
        store = Store(target.table, database)
        await store.prepare()
        yield store


@pytest.fixture
def table(target):
    return target.table_of(Customer, "id")


@pytest_asyncio.fixture
async def customers():
    async with Sandbox(kintsugi_rows=20).kintsugi() as kintsugi:
        return await kintsugi.customers.to_list()


async def count(store, table):
    async with store.database.transaction() as transaction:
        [(rows,)] = await transaction.execute(f"SELECT count(*) FROM {table.name}")
    return rows


async def planned(store, table, parts=2):
    run = await store.begin()
    await store.planned(run, table, [f"partition {number}" for number in range(parts)])
    return run


async def test_a_part_is_stored_with_its_rows(store, table, customers):
    await planned(store, table)
    claim = await store.claim(1)
    assert (claim.attempt.number, claim.partition, claim.progressed) == (1, "partition 1", None)
    progressed = Progressed("checkpoint", 20)
    await store.write(claim, table, customers[:15], Progressed("earlier", 15))
    await store.write(claim, table, customers[10:], progressed)
    part = (await store.parts())[1]
    assert (part.state, part.progressed, part.upserted) == ("waiting", progressed, Upserted(20, 0, 5))
    await store.finish(claim, progressed)
    assert [part.state for part in await store.parts()] == ["waiting", "done"]
    assert await store.claim(1) is None
    assert await store.waiting(1) == [0]


async def test_the_last_claim_wins(store, table, customers):
    await planned(store, table)
    first = await store.claim(0)
    second = await store.claim(0)
    for late in (
        store.write(first, table, customers, Progressed("late", 20)),
        store.finish(first, Progressed("late", 20)),
        store.fail(first, "late"),
        store.spare(first),
    ):
        with pytest.raises(Superseded):
            await late
    assert await count(store, table) == 0
    part = (await store.parts())[0]
    assert (part.state, part.progressed, part.why) == ("waiting", None, "")
    await store.write(second, table, customers, Progressed("checkpoint", 20))
    assert await count(store, table) == 20


async def test_attempts_count_until_rows_come(store, table, customers):
    await planned(store, table)
    assert [(await store.claim(0)).attempt.number for _ in range(3)] == [1, 2, 3]
    claim = await store.claim(0)
    await store.write(claim, table, customers[:1], Progressed("checkpoint", 1))
    claim = await store.claim(0)
    assert claim.attempt.number == 1
    await store.spare(claim)
    assert (await store.claim(0)).attempt.number == 1


async def test_planning_twice_changes_nothing(store, table):
    run = await planned(store, table, parts=3)
    await store.planned(run, table, ["another plan"])
    await store.planned(run + 1, table, ["a plan of a run that is not"])
    await store.plan_failed(run, "late")
    assert await store.try_plan(run) is None
    assert await store.waiting(run) == [0, 1, 2]
    assert await store.run() == StoredRun(1, "planned", "")


async def test_a_run_begins_when_the_one_before_is_over(store, table):
    assert await store.run() is None
    assert [await store.begin(), await store.begin()] == [1, 1]
    await planned(store, table)
    claims = [await store.claim(part) for part in range(2)]
    await store.finish(claims[0], Progressed("end", 0))
    assert await store.begin() == 1
    await store.fail(claims[1], "why")
    assert [part.state for part in await store.parts()] == ["done", "failed"]
    assert await store.begin() == 1
    assert [(part.state, part.why) for part in await store.parts()] == [("done", ""), ("waiting", "")]
    last = await store.claim(1)
    await store.finish(last, Progressed("end", 0))
    assert await store.begin() == 2
    assert await store.parts() == []
    await planned(store, table)
    with pytest.raises(Superseded):  # of the run before
        await store.finish(last, Progressed("end", 0))
    assert await store.waiting(1) == []
    assert await store.waiting(2) == [0, 1]


async def test_a_plan_that_failed_is_tried_again(store, table):
    run = await store.begin()
    assert [(await store.try_plan(run)).number for _ in range(2)] == [1, 2]
    await store.plan_failed(run, "why")
    assert (await store.run(), await store.try_plan(run)) == (StoredRun(1, "failed", "why"), None)
    assert await store.begin() == run
    attempt = await store.try_plan(run)
    assert (attempt.number, attempt.start) == (1, 2)


async def test_many_begin_at_once(target):
    """Each over a connection of its own, and the tables are not there yet."""

    async def begin():
        async with target.connect() as database:
            store = Store(target.table, database)
            await store.prepare()
            return await store.begin()

    assert await asyncio.gather(*(begin() for _ in range(6))) == [1] * 6


async def test_jobs_do_not_see_each_other(store, table):
    await planned(store, table)
    other = Store(f"{store.job} too", store.database)
    assert (await other.run(), await other.parts(), await other.claim(0)) == (None, [], None)
    assert await planned(other, table) == 1
    claim = await other.claim(0)
    await other.fail(claim, "why")
    assert [part.state for part in await store.parts()] == ["waiting", "waiting"]


async def test_a_state_that_is_damaged_is_named(store, table):
    await planned(store, table)
    async with store.database.transaction() as transaction:
        await transaction.execute("UPDATE _readahead_parts SET progressed = 'x' WHERE job = $1", store.job)
    with pytest.raises(TargetError, match="damaged"):
        await store.parts()
