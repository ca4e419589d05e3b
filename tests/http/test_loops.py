"""One client and many event loops: connections belong to a loop, and end with it."""

import asyncio
import gc
import subprocess
import sys
import threading
import warnings

import anyio
import anyio.to_thread
import pytest
import trio
from servers import Server, answer, customers, stall

from readahead import Pace
from readahead.errors import StreamError
from readahead.kintsugi import Kintsugi

try:
    import uvloop
except ImportError:  # not on Windows
    uvloop = None

LOOPS = {
    "asyncio": lambda main: asyncio.run(main()),
    "a runner": lambda main: _in_a_runner(main),
    "trio": trio.run,
    "uvloop": lambda main: uvloop.run(main()),
    "eager tasks": lambda main: _eagerly(main),
}


def _in_a_runner(main):
    with asyncio.Runner() as runner:
        runner.run(main())


def _eagerly(main):
    async def begin():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        await asyncio.create_task(main())

    asyncio.run(begin())


@pytest.fixture(params=LOOPS)
def run(request):
    """Runs an async function in an event loop of its own."""
    if request.param == "uvloop" and uvloop is None:
        pytest.skip("uvloop is not installed")
    if request.param == "eager tasks" and sys.version_info < (3, 12):
        pytest.skip("eager tasks need Python 3.12")
    return LOOPS[request.param]


@pytest.fixture(params=["httpx", "aiohttp"])
def http(request, run):
    if request.param == "aiohttp" and run is trio.run:
        pytest.skip("aiohttp runs on asyncio only")
    return request.param


@pytest.fixture
def server():
    with Server() as server:
        yield server


def is_quiet(server):
    """Whether nobody holds a connection to the server any more; it is waited for."""

    async def wait():
        with anyio.fail_after(30):
            await server.until(lambda it: it.open_connections == 0)

    anyio.run(wait)
    return server.open_connections == 0


def client_of(server, http="httpx", **options):
    return Kintsugi(api_key="the-key", organization_id="org", base_url=server.url, http=http, **options)


def test_a_client_of_a_module_is_used_in_one_loop_after_the_other(server, http, run):
    """Each opens connections of its own, and leaves none when it ends, though nobody closes the client."""
    clients = [client_of(server, http)]

    async def listing():
        (client,) = clients
        assert len(await client.customers.to_list()) == 1000
        async with client.customers.prefetch(window=4) as rows:
            assert len([row async for row in rows]) == 1000

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            run(listing)
            assert is_quiet(server)
        clients.clear()
        gc.collect()


def test_a_listing_that_ends_with_an_exception_leaves_no_connection_either(server, run):
    client = client_of(server)

    async def listing():
        async with client.customers.prefetch(window=4) as rows:
            async for _ in rows:
                raise LookupError

    for _ in range(2):
        with pytest.raises((LookupError, ExceptionGroup)):
            run(listing)
        assert is_quiet(server)


def test_closing_in_another_loop_closes_for_good(server, http, run):
    """No error; and from then on the client says that it is closed."""
    client = client_of(server, http)

    async def first():
        await client.customers.first_page()

    async def second():
        await client.aclose()
        with pytest.raises(StreamError, match="closed"):
            await client.customers.first_page()
        await client.aclose()

    run(first)
    run(second)
    assert is_quiet(server)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_closing_from_the_loop_of_another_thread_closes_connections_in_their_own(server, backend):
    """While both loops run."""
    client, opened, closed = client_of(server), threading.Event(), threading.Event()

    async def first():
        await client.customers.first_page()
        opened.set()
        await anyio.to_thread.run_sync(closed.wait, 30)
        with anyio.fail_after(30):
            await server.until(lambda it: it.open_connections == 0)

    async def second():
        await anyio.to_thread.run_sync(opened.wait, 30)
        assert server.open_connections == 1
        await client.aclose()
        closed.set()

    threads = [threading.Thread(target=anyio.run, args=[main], kwargs={"backend": backend}) for main in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert is_quiet(server)


def test_two_loops_use_one_client_at_the_same_time(server):
    """Each has connections of its own, so that no answer reaches the wrong one."""
    client, together = client_of(server, max_connections=2), threading.Barrier(2)
    rows = {}

    def use(backend):
        async def main():
            await anyio.to_thread.run_sync(together.wait, 30)
            rows[backend] = [(await client.customers.get(f"{backend}_{number}")).id for number in range(50)]

        anyio.run(main, backend=backend)

    threads = [threading.Thread(target=use, args=[backend]) for backend in ("asyncio", "trio")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert rows == {backend: [f"{backend}_{number}" for number in range(50)] for backend in ("asyncio", "trio")}
    assert is_quiet(server)


def test_a_loop_that_was_closed_by_hand_is_forgotten(server):
    """Nobody ended its generators, so its connections are the collector's; the client goes on in the next loop."""
    client = client_of(server)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.customers.first_page())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert is_quiet(server)
    assert len(asyncio.run(client.customers.first_page())) == 100
    asyncio.run(client.aclose())


def test_opened_in_one_task_used_in_many_closed_in_another(server, run):
    async def main():
        client = client_of(server)
        async with anyio.create_task_group() as group:
            group.start_soon(client.customers.first_page)
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(client.customers.to_list)
        async with anyio.create_task_group() as group:
            group.start_soon(client.aclose)
        with pytest.raises(StreamError, match="closed"):
            await client.customers.first_page()

    run(main)
    assert is_quiet(server)


def test_a_client_that_nobody_closes_or_holds_warns_while_its_loop_runs(server, run):
    """And its connections are closed in that loop."""

    async def main():
        client = client_of(server)
        await client.customers.first_page()
        with pytest.warns(ResourceWarning, match=r"unclosed Kintsugi\(base_url=.*\)"):
            del client
            gc.collect()

    run(main)
    assert is_quiet(server)


def test_a_budget_goes_on_from_one_loop_to_the_next():
    """Each has a clock of its own, which may begin anywhere: trio's does."""
    with Server(after=lambda seen: (answer(customers(seen, 1)), "keep")) as server:
        client = client_of(server, pace=Pace(3, per=0.5))
        waited = []

        async def two():
            async with client.customers.prefetch() as rows:
                assert len([row async for row in rows]) == 1
            waited.append(rows.report.waited)

        for backend in ["asyncio", "trio"] * 4:
            anyio.run(two, backend=backend)
    assert (
        sum(waited) > 0.5
    )  # eight requests, three at once: the fourth waits for the first, the seventh for the fourth
    assert max(waited) < 5


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelling_the_last_call_of_a_loop_leaves_nothing(backend):
    with Server(after=stall) as server:
        client = client_of(server)

        async def main():
            with anyio.move_on_after(30) as scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(client.customers.first_page)
                    await server.until(lambda it: it.counts["stalled"] == 1)
                    group.cancel_scope.cancel()
            assert not scope.cancelled_caught

        for _ in range(2):
            server.counts.clear()
            anyio.run(main, backend=backend)
            assert is_quiet(server)


UNCLOSED = """
import gc, sys, warnings
import anyio
from readahead.kintsugi import Kintsugi

warnings.simplefilter("ignore", ResourceWarning)  # that a client was not closed is said; nothing else may be

async def main():
    client = Kintsugi(api_key="k", organization_id="o", base_url=sys.argv[1], http=sys.argv[2])
    async for _ in client.customers:
        pass
    if sys.argv[4] == "collected":
        del client, _
        gc.collect()
        await anyio.lowlevel.checkpoint()

anyio.run(main, backend=sys.argv[3])
"""


@pytest.mark.parametrize("when", ["held to the end", "collected"])
@pytest.mark.parametrize(("library", "backend"), [("httpx", "asyncio"), ("httpx", "trio"), ("aiohttp", "asyncio")])
def test_a_client_that_nobody_closes_prints_nothing_when_its_loop_ends(server, library, backend, when):
    command = [sys.executable, "-c", UNCLOSED, server.url, library, backend, when]
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert is_quiet(server)


@pytest.mark.parametrize("http", ["httpx", "aiohttp"])
@pytest.mark.parametrize("turns", range(1, 6))
def test_closing_that_is_cancelled_closes_all_the_same(server, http, turns):
    """asyncio's own cancellation stops what anyio shields."""

    async def main():
        client = client_of(server, http)
        async with client.customers.prefetch(window=8) as rows:
            assert len([row async for row in rows]) == 1000
        closing = asyncio.create_task(client.aclose())
        for _ in range(turns):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        with anyio.fail_after(30):
            await server.until(lambda it: it.open_connections == 0)

    asyncio.run(main())
