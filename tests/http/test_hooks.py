"""``on_request``, ``on_response`` and ``on_retry``: what they are told, and what becomes of what they raise."""

import gc
import json

import anyio
import attrs
import pytest
from anyio import lowlevel
from servers import Server, answer, drop, plain, stall

from readahead import RequestFinished, RequestRetried, RequestStarted, Retry
from readahead.errors import DeadlineExceeded, NotFound, TimedOut, UsageError
from readahead.kintsugi import Kintsugi
from readahead.sandbox import Sandbox

pytestmark = pytest.mark.anyio
OPERATION = "GET /v1/customers"


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


class Told:
    """Hooks that keep what they are told; async ones wait for a turn of the loop."""

    def __init__(self, *, is_async):
        async def keep(event):
            await lowlevel.checkpoint()
            self.events.append(event)

        self.events = []
        hook = keep if is_async else self.events.append
        self.hooks = {"on_request": hook, "on_response": hook, "on_retry": hook}


def refusal(status, *headers):
    return lambda _seen: (answer(b'{"detail": "the-key planted"}', status, headers), "keep")


class Oops(Exception):
    """What a hook raises."""


def raising(error, when=lambda event: True):
    """A hook that raises."""

    def hook(event):
        if when(event):
            raise error

    return hook


# ---- what they are told


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
async def test_hooks_are_told_of_each_attempt_in_its_order(kintsugi, is_async):
    """A refusal, a lost connection, a success."""
    told = Told(is_async=is_async)
    script = [refusal("503 Service Unavailable", "X-Request-Id: req_1"), drop]
    async with Server(*script) as server, kintsugi(server, retry=Retry(base=0.001), **told.hooks) as client:
        await client.customers.first_page()
    names = [type(event).__name__ for event in told.events]
    assert names == ["RequestStarted", "RequestFinished", "RequestRetried"] * 2 + ["RequestStarted", "RequestFinished"]
    assert {event.operation for event in told.events} == {OPERATION}
    assert [event.attempt for event in told.events] == [1, 1, 1, 2, 2, 2, 3, 3]
    refused, retried, lost, again, good = (
        event for event in told.events if isinstance(event, RequestFinished | RequestRetried)
    )
    assert (refused.status, refused.request_id, refused.error) == (503, "req_1", "ServerError")
    assert (retried.status, retried.request_id, retried.reason) == (503, "req_1", "ServerError")
    assert (lost.status, lost.error, again.reason) == (None, "ConnectionLost", "ConnectionLost")
    assert (good.status, good.error) == (200, None)
    assert good.seconds > 0
    assert 0 <= retried.wait <= 0.002


async def test_a_retry_says_how_long_it_waits(kintsugi):
    """The API's own delay."""
    told = Told(is_async=False)
    script = [refusal("429 Too Many Requests", "Retry-After: 0.05")]
    async with Server(*script) as server, kintsugi(server, retry=Retry(base=0.001), **told.hooks) as client:
        await client.customers.first_page()
    [retried] = [event for event in told.events if isinstance(event, RequestRetried)]
    assert (retried.reason, retried.wait) == ("RateLimited", 0.05)


async def test_records_are_frozen_and_hold_no_key_and_no_value(kintsugi):
    """A template instead of a path, a name instead of an error."""
    told = Told(is_async=False)
    async with Server(plain, refusal("404 Not Found")) as server, kintsugi(server, **told.hooks) as client:
        await client.customers.where(search="planted").first_page()
        with pytest.raises(NotFound):
            await client.customers.get("planted")
    assert len(told.events) == 4
    assert told.events[-1].operation == "GET /v1/customers/{customer_id}"
    assert "planted" not in repr(told.events)
    assert "the-key" not in repr(told.events)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        told.events[0].attempt = 2


async def test_a_cancelled_attempt_is_no_response(kintsugi):
    """The deadline is over: the request was announced, and nothing came."""
    told = Told(is_async=True)
    async with Server(stall) as server, kintsugi(server, deadline=0.1, **told.hooks) as client:
        with pytest.raises(DeadlineExceeded):
            await client.customers.first_page()
        await server.until(lambda server: server.counts["gone"])
    assert [type(event) for event in told.events] == [RequestStarted]


async def test_a_timeout_is_told_of(kintsugi):
    """No response came, so there is no status."""
    told = Told(is_async=True)
    async with Server(stall) as server, kintsugi(server, timeout=0.1, **told.hooks) as client:
        with pytest.raises(TimedOut):
            await client.customers.first_page()
    assert (told.events[-1].status, told.events[-1].error) == (None, "TimedOut")
    assert told.events[-1].seconds >= 0.1


@pytest.mark.parametrize("name", ["on_request", "on_response", "on_retry"])
async def test_what_cannot_be_called_is_refused(name, http):
    """Before anything is sent."""
    with pytest.raises(UsageError, match=f"{name} must be a function, plain or async, not 'print'"):
        Kintsugi(api_key="the-key", organization_id="org", http=http, **{name: "print"})


# ---- what they raise


@pytest.mark.parametrize("name", ["on_request", "on_response", "on_retry"])
async def test_what_a_hook_raises_comes_out_of_the_call_as_it_is(name, kintsugi):
    """Nothing is sent again because of it, and the next call finds the client in order."""
    oops = Oops("by the hook")
    async with Server(drop) as server:
        async with kintsugi(server, retry=Retry(base=0.001), **{name: raising(oops)}) as client:
            with pytest.raises(Oops) as caught:
                await client.customers.first_page()
            assert caught.value is oops
            assert len(server.seen) == (0 if name == "on_request" else 1)
        assert oops.__cause__ is None


@pytest.mark.parametrize("name", ["on_request", "on_response"])
async def test_a_connection_is_returned_before_a_hook_raises(name, kintsugi):
    """The call after it uses the same one."""
    calls = []

    def third(event):
        calls.append(event)
        if len(calls) == 2:
            raise Oops

    async with Server() as server, kintsugi(server, max_connections=1, **{name: third}) as client:
        await client.customers.first_page()
        with pytest.raises(Oops):
            await client.customers.first_page()
        await client.customers.first_page()
        assert server.connections == 1


async def test_an_error_of_ours_that_a_hook_raises_is_not_taken_for_the_requests(kintsugi):
    """A temporary one would be tried again."""
    error = TimedOut("by the hook")
    async with Server() as server, kintsugi(server, retry=Retry(base=0.001), on_response=raising(error)) as client:
        with pytest.raises(TimedOut) as caught:
            await client.customers.first_page()
        assert caught.value is error
        assert len(server.seen) == 1


@pytest.mark.parametrize("window", [1, 8])
async def test_what_a_hook_raises_comes_out_of_a_listing(window, kintsugi):
    """After the rows of the pages before; nothing is in flight after it."""
    oops, pages, started = Oops("by the hook"), [], []

    def fifth(event):
        pages.append(event)
        if len(pages) == 5:
            raise oops

    async with Server() as server, kintsugi(server, on_request=started.append, on_response=fifth) as client:
        rows = []
        with pytest.raises(Oops) as caught:
            async with client.customers.page_size(20).prefetch(window) as customers:
                async for row in customers:
                    rows.append(row)
        assert caught.value is oops
        assert not customers.report.complete
        assert customers.report.why == "Oops: by the hook"
        assert [row.id for row in rows] == [f"cust_{number}" for number in range(len(rows))]
        before = len(started)
        await client.customers.first_page()
        assert len(started) == before + 1


async def test_what_a_hook_raises_does_not_vanish_behind_the_end(http):
    """404 would end the list, and a page behind the end is not needed: what the hook raises is raised all the same."""
    requests = []

    def last(event):
        requests.append(event)
        if len(requests) > 3:
            raise NotFound("by the hook", status=404, request=OPERATION)

    async with Server(after=_no_total) as server:
        client = Kintsugi(api_key="the-key", organization_id="org", base_url=server.url, http=http, on_response=last)
        async with client:
            with pytest.raises(NotFound, match="by the hook"):
                await client.customers.page_size(100).to_list()


def _no_total(seen):
    """Three full pages; no total says where the end is."""
    page = int(seen.query["page"][0])
    numbers = range(300)[(page - 1) * 100 : page * 100]
    return answer(json.dumps({"items": [{"id": f"c{n}", "organization_id": "o"} for n in numbers]}).encode()), "keep"


async def test_a_slow_hook_is_bounded_by_the_deadline(kintsugi):
    """It is part of the call."""

    async def slow(_event):
        await anyio.sleep_forever()

    async with Server() as server, kintsugi(server, deadline=0.1, on_request=slow) as client:
        with pytest.raises(DeadlineExceeded):
            await client.customers.first_page()
        assert server.seen == []


async def test_the_block_that_is_left_early_waits_for_no_hook(kintsugi):
    """Hooks that wait are cancelled with their requests."""
    entered = []

    async def slow(_event):
        if entered:
            await anyio.sleep_forever()
        entered.append(1)

    async with Server() as server, kintsugi(server, on_response=slow) as client:
        with anyio.fail_after(20):
            async with client.customers.page_size(10).prefetch(8) as customers:
                async for _ in customers:
                    break
    gc.collect()


async def test_hooks_of_one_client_are_not_told_of_another(anyio_backend):
    """Each client has its own."""
    told = []
    sandbox = Sandbox(kintsugi_rows=10)
    async with sandbox.kintsugi(on_request=told.append) as _first, sandbox.kintsugi() as second:
        await second.customers.first_page()
    assert told == []


async def test_a_hook_that_uses_its_own_client_is_told_at_once(kintsugi):
    """It would be called again by its own request, for ever."""
    clients = []

    async def hook(_event):
        await clients[0].with_options(timeout=5.0).customers.first_page()

    async with Server() as server, kintsugi(server, on_response=hook, max_connections=1) as client:
        clients.append(client)
        with pytest.raises(UsageError, match="a hook cannot use its own client") as caught:
            await client.customers.get("cust_1")
        assert "It was raised by the hook on_response." in caught.value.__notes__
        assert server.count("GET") == 0
        assert len(server.seen) == 1
