"""A deadline ends a whole call, or a whole listing, whatever it is doing."""

import anyio
import pytest
from servers import GUARD, Server, answer, drop, plain, raw, stall

from readahead import Pace, Retry
from readahead.errors import DeadlineExceeded, TimedOut, UsageError
from readahead.kintsugi import Kintsugi, fields
from readahead.sweetspot import SweetSpot

pytestmark = pytest.mark.anyio
BUSY = raw(answer(b'{"detail": "busy"}', "503 Busy", ["Retry-After: 0"]))
LATER = raw(answer(b"{}", "429 Later", ["Retry-After: 60"]))
BROKEN = raw(answer(b"{}", "500 Oops"))


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


@pytest.mark.parametrize("how", [stall, BUSY, BROKEN], ids=["stalled", "busy for ever", "broken"])
async def test_a_call_ends_at_its_deadline(kintsugi, how):
    """While it waits for an answer or for the next attempt; the cause is noted."""
    retry = Retry(attempts=1_000_000, base=0.01, reserve=1_000_000)
    async with Server(after=how) as server, kintsugi(server, retry=retry, deadline=0.3) as client:
        with pytest.raises(DeadlineExceeded, match=r"the deadline of 0.3 s") as caught:
            await client.customers.get("cust_1")
        assert isinstance(caught.value, TimedOut)
        assert not caught.value.maybe_applied
        notes = getattr(caught.value, "__notes__", [])
        assert notes == [] if how is stall else notes[0].startswith("The attempt before failed: ")
        assert caught.value.__context__ is None


async def test_a_pause_that_ends_after_the_deadline_is_not_waited_out(kintsugi):
    """It fails at once, with the cause: the call that was told to wait, and each one after it, which sends nothing."""
    is_first = True
    async with Server(after=LATER) as server, kintsugi(server, retry=Retry(), deadline=GUARD - 5) as client:
        for call in (
            lambda: client.customers.get("cust_1"),
            lambda: client.customers.update("cust_1", name="Ada"),
            client.customers.to_list,
        ):
            with pytest.raises(DeadlineExceeded, match=r"past the deadline of 55 s") as caught:
                await call()
            assert not caught.value.maybe_applied
            assert caught.value.__context__ is None
            notes = getattr(caught.value, "__notes__", [])
            assert [note.split(":")[1] for note in notes] == [" RateLimited"] * is_first
            is_first = False
        assert len(server.seen) == 1


@pytest.mark.parametrize("window", [1, 4])
async def test_a_listing_that_is_told_to_wait_too_long_ends_with_the_rows_before_and_a_checkpoint(kintsugi, window):
    """At once, and what it has is not lost: it goes on from there later."""
    async with (
        Server(plain, plain, plain, plain, after=LATER) as server,
        kintsugi(server, retry=Retry(), deadline=GUARD - 5) as client,
    ):
        count = 0
        with pytest.raises(DeadlineExceeded, match="past the deadline") as caught:
            async with client.customers.prefetch(window=window) as rows:
                async for _ in rows:
                    count += 1
        assert count >= 100
        assert rows.report.why.startswith("DeadlineExceeded: ")
        assert caught.value.checkpoint.rows == count


async def test_a_budget_that_allows_nothing_before_the_deadline_is_not_waited_for(kintsugi):
    """The next request may be sent in an hour."""
    async with Server() as server, kintsugi(server, pace=Pace(1, per=3600), deadline=GUARD - 5) as client:
        await client.customers.get("cust_1")
        with pytest.raises(DeadlineExceeded, match=r"past the deadline of 55 s"):
            await client.customers.get("cust_1")
        assert len(server.seen) == 1


async def test_what_was_in_doubt_before_a_pause_stays_in_doubt(kintsugi):
    """An update whose answer was lost, and that may not be sent again in time."""
    async with Server(drop, after=LATER) as server, kintsugi(server, retry=Retry(), deadline=GUARD - 5) as client:
        with pytest.raises(DeadlineExceeded, match="an earlier attempt may have been applied") as caught:
            await client.customers.update("cust_1", name="Ada")
        assert caught.value.maybe_applied
        assert len(server.seen) == 2


async def test_a_create_that_was_sent_before_the_deadline_may_have_been_applied(kintsugi):
    """One that waited for a connection until then was not sent."""
    async with Server(after=stall) as server, kintsugi(server, deadline=0.2, max_connections=1) as client:
        with pytest.raises(DeadlineExceeded, match="may have been applied") as caught:
            await client.customers.create(name="Ada")
        assert caught.value.maybe_applied
    async with Server(after=stall) as server, kintsugi(server, deadline=0.2, max_connections=1) as client:
        async with anyio.create_task_group() as group:

            async def hold():
                async with client.customers.prefetch(deadline=GUARD) as rows:
                    await anext(rows)

            group.start_soon(hold)
            await server.until(lambda it: it.counts["stalled"] == 1)
            with pytest.raises(DeadlineExceeded) as caught:
                await client.customers.create(name="Ada")
            group.cancel_scope.cancel()
        assert not caught.value.maybe_applied
        assert server.count("POST") == 0


@pytest.mark.parametrize("whose", ["client", "prefetch"])
async def test_a_listing_ends_at_its_deadline_with_the_rows_before_and_a_checkpoint(kintsugi, whose):
    """Pages that came in time are handed out first; another listing goes on from the checkpoint."""
    options = {"deadline": 0.4} if whose == "client" else {}
    steps = [stall]
    async with (
        Server(*[plain] * 3, after=lambda seen: steps[-1](seen)) as server,
        kintsugi(server, **options) as client,
    ):
        read = []
        with pytest.raises(DeadlineExceeded, match=r"deadline of 0.4 s") as caught:
            query = client.customers.page_size(100)
            async with query.prefetch(window=4, deadline=0.4 if whose == "prefetch" else None) as rows:
                async for row in rows:
                    read.append(row.id)
        assert len(read) >= 100
        assert not rows.report.complete
        assert "DeadlineExceeded" in rows.report.why
        await server.until(lambda it: it.counts["gone"] == it.counts["stalled"])
        steps.append(plain)
        async with client.customers.page_size(100).prefetch(resume=caught.value.checkpoint, deadline=60) as rows:
            read += [row.id async for row in rows]
        assert read == [f"cust_{number}" for number in range(1000)]


async def test_after_the_deadline_nothing_is_sent(kintsugi):
    """Also where the consumer was slow and nothing was under way when it passed."""
    async with Server() as server, kintsugi(server) as client:
        with pytest.raises(DeadlineExceeded):
            async with client.customers.page_size(10).prefetch(window=1, deadline=0.2) as rows:
                async for row in rows:
                    if row.id == "cust_5":
                        with anyio.move_on_after(0.25):
                            await anyio.sleep_forever()
        sent = len(server.seen)
        assert (await client.customers.get("cust_1")).id == "cust_1"
        assert len(server.seen) == sent + 1


@pytest.mark.parametrize("call", ["first", "count", "to_list", "first_page", "partitions", "explain"])
async def test_each_call_that_reads_a_listing_has_one_deadline(kintsugi, call):
    """Of several requests it makes, all share it."""
    async with Server(plain, after=stall) as server, kintsugi(server, deadline=0.3) as client:
        query = client.customers.page_size(10).where(fields.email.endswith("@example.com"))
        if call in {"first_page", "partitions", "explain"}:
            query = client.customers.page_size(10)
            await client.customers.first_page()  # takes the answer that comes
        with pytest.raises(DeadlineExceeded):
            await (query.partitions(3) if call == "partitions" else getattr(query, call)())


async def test_listings_that_no_longer_have_hope_end_at_the_deadline(kintsugi):
    """A hundred of them against a server that always says it is busy, with no delay to wait for."""
    async with Server(after=BUSY) as server:
        retry = Retry(attempts=1_000_000, reserve=1_000_000)
        async with kintsugi(server, retry=retry, deadline=1.0) as client:

            async def listing():
                with pytest.raises(DeadlineExceeded):
                    await client.customers.to_list()

            with anyio.fail_after(20):
                async with anyio.create_task_group() as group:
                    for _ in range(100):
                        group.start_soon(listing)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), "5", True])
def test_a_deadline_that_is_none_is_refused(wrong):
    """When the client is made, and when a listing is."""
    with pytest.raises(UsageError, match="deadline must be a positive, finite number of seconds"):
        SweetSpot(token="token", deadline=wrong)
    with pytest.raises(UsageError, match="deadline must be a positive, finite number of seconds"):
        Kintsugi(api_key="k", organization_id="o").customers.prefetch(deadline=wrong)
