"""A budget as a server on a socket sees it, which counts arrivals by its own clock.

Each time is taken before the response is sent, so a slow machine cannot bring two of them nearer together.
"""

import asyncio
import time
from contextlib import suppress

import anyio
import pytest
from servers import CUSTOMERS, Served, half, nobody, plain, reset, stall

from readahead import Pace, Retry
from readahead.errors import ReadaheadError

pytestmark = pytest.mark.anyio
PACE = Pace(40, per=0.25)
LISTINGS = 100


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


class Counting(Served):
    """Notes when each request arrives; it answers so late, and reads from a new connection so late."""

    def __init__(self, step=plain, *, late=0.0, accepts_late=0.0):
        super().__init__()
        self._step, self._late, self._accepts_late = step, late, accepts_late
        self.times = []

    async def handle(self, reader, writer, number):
        await asyncio.sleep(self._accepts_late)
        while True:
            seen = await self.request(reader, number)
            self.times.append(time.monotonic())
            self.note("arrived")
            await asyncio.sleep(self._late)
            wire, then = self._step(seen)
            writer.write(wire)
            await writer.drain()
            if then == "stall":
                await reader.read(1)
            if then == "reset":
                writer.transport.abort()
            if then != "keep":
                return

    def exceeds(self, pace):
        """How many more than allowed arrived in the worst period."""
        times = sorted(self.times)
        counts = [sum(first <= one < first + pace.per - 1e-3 for one in times) for first in times]
        return max(0, max(counts) - pace.requests)


SERVERS = {
    "fast": {},
    "slow to answer": {"late": 0.6 * PACE.per},
    "slower than a period": {"late": 1.5 * PACE.per},
    "slow to accept": {"accepts_late": 1.5 * PACE.per},
    "one that resets": {"step": reset},
    "one that ends half-way": {"step": half},
}


@pytest.mark.parametrize("how", SERVERS)
async def test_no_more_than_the_budget_arrives_from_a_hundred_listings(kintsugi, how):
    """In any period, whatever the server is like."""
    retry = Retry(attempts=3, base=0.0, reserve=10_000)
    async with Counting(**SERVERS[how]) as server, kintsugi(server, pace=PACE, retry=retry) as client:

        async def read(number):
            while True:
                try:
                    async for _ in client.customers.where(search=str(number)).page_size(1):
                        pass
                except ReadaheadError:
                    await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as listings:
            for number in range(LISTINGS):
                listings.start_soon(read, number)
            await server.until(lambda it: it.counts["arrived"] > 4 * PACE.requests)
            listings.cancel_scope.cancel()
        assert server.exceeds(PACE) == 0


@pytest.mark.parametrize("seconds", [None, 0.05], ids=["cancelled", "timed out"])
async def test_a_request_that_is_given_up_holds_its_place_until_its_period_has_passed(kintsugi, seconds):
    """It arrived, and the server counts it."""
    pace, options = Pace(5, per=0.3), {} if seconds is None else {"timeout": seconds}
    async with Counting(stall) as server, kintsugi(server, pace=pace, **options) as client:
        ended = time.monotonic() + (seconds or 0.0)  # at the earliest
        async with anyio.create_task_group() as first:
            for number in range(pace.requests):
                first.start_soon(get, client, number)
            if seconds is None:
                await server.until(lambda it: it.counts["arrived"] == pace.requests)
                ended = time.monotonic()
                first.cancel_scope.cancel()
        async with anyio.create_task_group() as second:
            second.start_soon(get, client, "last")
            await server.until(lambda it: it.count("GET", f"{CUSTOMERS}/cust_last") == 1)
            second.cancel_scope.cancel()
        assert time.monotonic() >= ended + pace.per


async def test_a_request_whose_connection_is_refused_holds_its_place_too(kintsugi):
    """What stands before the server may have counted it."""
    pace = Pace(2, per=0.2)
    with nobody() as place:
        async with kintsugi(place, pace=pace, retry=Retry(attempts=3, base=0.0)) as client:
            began = anyio.current_time()
            with pytest.raises(ReadaheadError):
                await client.customers.get("cust_1")
            assert anyio.current_time() >= began + pace.per


async def get(client, number):
    """One request; what becomes of it does not matter."""
    with suppress(ReadaheadError):
        await client.customers.get(f"cust_{number}")
