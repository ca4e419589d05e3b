"""One process of ``scripts/bench gate``: it reserves, and may send what it reserved to a server that notes arrivals."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from readahead import Pace
from readahead.export.postgres import Postgres
from readahead.export.sqlite import SQLite
from readahead.workers import SharedPace

Pass = Callable[[], Awaitable[None]]


@asynccontextmanager
async def ours(database: str, requests: int, per: float, account: str) -> AsyncGenerator[tuple[Pass, Any]]:
    """Give what waits until a request may pass, and the gate."""
    target = Postgres(database) if "://" in database else SQLite(database)
    async with SharedPace.connect(target, account, Pace(requests, per=per)) as gate:

        async def passed() -> None:
            while (seconds := await gate.enter()) > 0:  # noqa: ASYNC110  the gate says how long
                await asyncio.sleep(seconds)

        yield passed, gate


@asynccontextmanager
async def pyrate(database: str, requests: int, per: float, account: str) -> AsyncGenerator[tuple[Pass, Any]]:
    """The same by pyrate-limiter, as its documentation has it for processes."""
    from pyrate_limiter import Limiter, Rate, SQLiteBucket  # noqa: PLC0415  the other side of a comparison

    rates = [Rate(requests, round(per * 1000))]
    bucket: Any
    if "://" in database:
        from psycopg_pool import ConnectionPool  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
        from pyrate_limiter import PostgresBucket  # noqa: PLC0415

        pool = ConnectionPool(database, min_size=1, max_size=4, open=True)
        bucket = PostgresBucket(pool, account, rates)
    else:
        bucket = SQLiteBucket.init_from_file(rates, db_path=database, table=account, use_file_lock=True)
    limiter = Limiter(bucket)

    async def passed() -> None:
        await limiter.try_acquire_async("request")

    yield passed, None


async def main(kind: str, *, tasks: int, seconds: float, port: int | None, begin: float, **budget: Any) -> None:
    async with {"ours": ours, "pyrate": pyrate}[kind](**budget) as (passed, gate):
        count, end = 0, begin + seconds

        async def one() -> None:
            nonlocal count
            reader, writer = await asyncio.open_connection("127.0.0.1", port) if port else (None, None)
            while time.time() < end:
                asked = time.monotonic()
                await passed()
                count += time.time() < end
                if reader is not None and writer is not None:
                    writer.write(b".")
                    await reader.readexactly(1)
                    if gate is not None:
                        gate.left(time.monotonic() - asked)
            if writer is not None:
                writer.close()

        await asyncio.wait_for(passed(), 30)  # what is made at first is not measured
        await asyncio.sleep(max(0.0, begin - time.time()))
        try:
            async with asyncio.timeout(seconds + 1):
                await asyncio.gather(*(one() for _ in range(tasks)))
        except TimeoutError:
            pass
        sys.stdout.write(json.dumps({"count": count}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], **json.loads(sys.argv[2])))
