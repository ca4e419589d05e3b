"""SQLite and PostgreSQL as copies and workers use them: the same statements, the same answers."""

import asyncio

import pytest

from readahead.errors import TargetError
from readahead.export.database import Upserted
from readahead.export.tables import quoted
from readahead_clients.kintsugi.models import Customer

pytestmark = pytest.mark.asyncio


def customer(number, **fields):
    return Customer.from_dict({"id": f"cust_{number}", "organization_id": "org", **fields})


async def test_rows_are_stored_by_their_key(target):
    """And it says what was new, what is different now, and what is the same."""
    table = target.table_of(Customer, "id")
    async with target.connect() as database:
        async with database.transaction() as transaction:
            await transaction.prepare(table)
            assert await transaction.upsert(table, [customer(n, name="a") for n in range(5)]) == Upserted(5, 0, 0)
        async with database.transaction() as transaction:
            rows = [customer(0, name="b"), customer(1, name="a"), customer(9), customer(9, name="last")]
            assert await transaction.upsert(table, rows) == Upserted(1, 1, 1)
            stored = await transaction.execute(f"SELECT id, name FROM {quoted(table.name)} ORDER BY id")
    assert stored == [
        ("cust_0", "b"),
        ("cust_1", "a"),
        ("cust_2", "a"),
        ("cust_3", "a"),
        ("cust_4", "a"),
        ("cust_9", "last"),
    ]


async def test_what_is_in_a_transaction_is_stored_together_or_not_at_all(target):
    """Rows, and what a statement stores."""
    table, name = target.table_of(Customer, "id"), quoted(f"{target.table} notes")
    async with target.connect() as database:
        async with database.transaction() as transaction:
            await transaction.prepare(table)
            await transaction.execute(f"CREATE TABLE {name} (number BIGINT PRIMARY KEY, words TEXT)")
            await transaction.execute(f"INSERT INTO {name} VALUES ($1, $2)", 1, "before")
        with pytest.raises(ZeroDivisionError):
            async with database.transaction() as transaction:
                await transaction.upsert(table, [customer(1)])
                await transaction.execute(f"UPDATE {name} SET words = $1 WHERE number = $2", "after", 1)
                raise ZeroDivisionError
        async with database.transaction() as transaction:
            assert await transaction.execute(f"SELECT count(*) FROM {quoted(table.name)}") == [(0,)]
            returned = await transaction.execute(
                f"UPDATE {name} SET words = words || $2 WHERE number = $1 RETURNING words, number", 1, "!"
            )
    assert returned == [("before!", 1)]


async def test_tasks_share_a_connection_and_wait_for_each_other(target):
    """A counter loses no step."""
    name = quoted(f"{target.table} counter")
    async with target.connect() as database, target.connect() as another:
        async with database.transaction() as transaction:
            await transaction.execute(f"CREATE TABLE {name} (steps BIGINT)")
            await transaction.execute(f"INSERT INTO {name} VALUES (0)")

        async def step(connection):
            async with connection.transaction() as transaction:
                await transaction.execute(f"UPDATE {name} SET steps = steps + 1")

        await asyncio.gather(*(step(connection) for connection in [database, another] * 10))
        async with another.transaction() as transaction:
            assert await transaction.execute(f"SELECT steps FROM {name}") == [(20,)]


async def test_one_copy_at_a_time_has_a_table(target):
    """Another connection is told so, and can have it afterwards; another table is free."""
    async with target.connect() as database, target.connect() as another:
        async with database.alone("customers"), another.alone("others"):
            with pytest.raises(TargetError, match="another copy into table 'customers' is running"):
                async with another.alone("customers"):
                    pass
        async with another.alone("customers"):
            pass


async def test_an_error_of_the_database_is_ours(target):
    """And the connection can be used afterwards."""
    async with target.connect() as database:
        with pytest.raises(TargetError, match="nowhere"):
            async with database.transaction() as transaction:
                await transaction.execute("SELECT * FROM nowhere")
        async with database.transaction() as transaction:
            assert await transaction.execute("SELECT 1 + 1") == [(2,)]
