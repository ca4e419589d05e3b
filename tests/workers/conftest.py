"""A broker in this process, and databases."""

import itertools

import pytest
import pytest_asyncio
from taskiq import InMemoryBroker, async_shared_broker

from readahead.export import Postgres, SQLite

NUMBERS = itertools.count(1)


@pytest_asyncio.fixture
async def broker():
    """What carries tasks, within the test's process and event loop."""
    broker = InMemoryBroker()
    async_shared_broker.default_broker(broker)
    await broker.startup()
    yield broker
    await broker.wait_all()
    await broker.shutdown()
    async_shared_broker.default_broker(None)


@pytest.fixture(params=["sqlite", "postgres"])
def target(request, tmp_path):
    """A table of each database that is not there yet."""
    if request.param == "sqlite":
        return SQLite(tmp_path / "rows.db", table="customers")
    return Postgres(request.getfixturevalue("postgres_url"), table=f"copied_{next(NUMBERS)}")


@pytest.fixture
def table(tmp_path):
    """A table that is not there yet."""
    return SQLite(tmp_path / "rows.db", table="customers")
