"""A stream and the tasks around it: any task may iterate, and the one that opened it closes it."""

import anyio
import pytest

from readahead.errors import StreamError
from readahead.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_rows_are_read_in_another_task():
    """As web frameworks read them, which send a response in a task of its own; and in turns."""
    with Sandbox(kintsugi_rows=450) as box:
        async with box.kintsugi() as kintsugi:
            ids = []

            async def read(some):
                async for row in some:
                    ids.append(row.id)
                    if len(ids) % 150 == 0:
                        return

            async with kintsugi.customers.prefetch(window=3) as rows:
                for _ in range(4):
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(read, rows)
        assert ids == [row["id"] for row in box.kintsugi_rows()]
        assert rows.report.complete


async def test_a_stream_that_another_task_closes_says_what_to_write():
    """Its requests end all the same, and its own task can still leave the block."""
    with Sandbox(kintsugi_rows=5_000) as box:
        async with box.kintsugi() as kintsugi:
            stream = kintsugi.customers.prefetch(window=4)

            async def close():
                with pytest.raises(StreamError, match="opened in one task and is closed in another") as caught:
                    await stream.__aexit__(None, None, None)
                assert "`async def rows(): async with query.prefetch() as rows: yield rows`" in str(caught.value)

            async with stream as rows:
                await anext(rows)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(close)
                with pytest.raises(StreamError, match="has been left"):
                    await anext(rows)
            assert box.in_flight["kintsugi"] == 0
