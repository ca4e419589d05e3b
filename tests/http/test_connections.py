"""Connections are bounded, shared fairly, clean, and nobody else's."""

import json
import subprocess
import sys

import aiohttp
import anyio
import httpx
import pytest
from servers import CUSTOMERS, Server, answer, customers, drop, failing, plain, raw, serving, stall, trusting

from readahead import Retry
from readahead.errors import (
    ConnectionLost,
    PoolTimedOut,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from readahead.http.connections import checked_max_connections
from readahead.kintsugi import Kintsugi
from readahead.sweetspot import SweetSpot

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


def program(code, server, lane, **options):
    """Run a program in a process of its own, with the server's URL, the library and the loop."""
    arguments = [server.url, *lane]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---- how many there are


MANY = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
import anyio, httpx
from readahead.kintsugi import Kintsugi

url, http, backend = sys.argv[1:]

async def main(**options):
    done = []
    async with Kintsugi(api_key="key", organization_id="org", base_url=url, timeout=20, pace=None, **options) as client:
        async def listing():
            async with client.customers.page_size(5).limit(10).prefetch(window=4) as rows:
                done.append([row.id async for row in rows] == [f"cust_{number}" for number in range(10)])
        async with anyio.create_task_group() as group:
            for _ in range(1000):
                group.start_soon(listing)
    print(len(done), all(done))

async def handed_in():
    async with httpx.AsyncClient() as mine:
        await main(http_client=mine)

async def ours():
    await main(http=http)

anyio.run(handed_in if http == "handed in" else ours, backend=backend)
"""


@pytest.mark.parametrize("whose", ["ours", "handed in"])
async def test_a_thousand_listings_share_256_descriptors(lane, whose):
    """On one client: all of them read all rows, whoever opened the HTTP client, over a quarter of the descriptors."""
    if whose == "handed in" and lane[0] == "aiohttp":
        pytest.skip("a session of aiohttp has as many connections; httpx is the one that counts waiting as time")
    lane = ("handed in", lane[1]) if whose == "handed in" else lane
    async with Server() as server:
        printed = await anyio.to_thread.run_sync(lambda: program(MANY, server, lane))
        assert printed == "1000 True\n"
        assert server.most_open <= 64


async def test_what_waits_for_a_connection_does_not_wait_within_its_timeout(kintsugi):
    """One connection, and eight requests that take the whole timeout each: all of them are sent."""
    async with Server(after=stall) as server:
        async with kintsugi(server, max_connections=1, timeout=0.1) as client, anyio.create_task_group() as group:

            async def get(number):
                assert type(await failing(client.customers.get(f"cust_{number}"))) is TimedOut

            for number in range(8):
                group.start_soon(get, number)
        assert len(server.seen) == 8
        assert server.most_open <= 2  # the server may learn of an end late


async def test_whoever_came_first_goes_first(kintsugi):
    """A listing's requests and single ones are served in the order in which they came."""
    async with Server() as server, kintsugi(server, max_connections=1) as client:

        async def get(number, *, task_status):
            task_status.started()
            await client.customers.get(f"cust_{number}")

        async with anyio.create_task_group() as group:
            for number in range(20):
                await group.start(lambda number=number, **more: get(number, **more))
        assert [seen.target.rpartition("_")[2] for seen in server.seen] == [str(number) for number in range(20)]


async def test_a_listing_with_fewer_connections_than_window_reads_all_and_reports_the_wait(kintsugi):
    """Never more connections than allowed; what waiting took is in the report."""
    async with Server() as server, kintsugi(server, max_connections=2) as client:
        async with client.customers.page_size(10).prefetch(window=16) as rows:
            assert [row.id async for row in rows] == [f"cust_{number}" for number in range(1000)]
        assert rows.report.waited > 0
        assert server.most_open <= 2
        async with client.customers.page_size(100).prefetch(window=1) as rows:
            assert len([row async for row in rows]) == 1000
        assert rows.report.waited == 0


@pytest.mark.parametrize("seconds", [0, 0.05])
async def test_waiting_for_a_connection_ends_with_its_own_timeout(kintsugi, seconds):
    """A typed error; nothing of it was sent, so nothing was applied, and it is not repeated."""
    async with Server(stall) as server:
        options = {"max_connections": 1, "pool_timeout": seconds, "retry": Retry(attempts=5, base=0)}
        async with kintsugi(server, **options) as client, anyio.create_task_group() as group:
            group.start_soon(failing, client.customers.get("cust_1"))
            await server.until(lambda it: it.counts["stalled"] == 1)
            with pytest.raises(
                PoolTimedOut, match=r"no connection was free within .* raise pool_timeout, or max_con"
            ) as e:
                await client.customers.create(name="Ada")
            assert not e.value.maybe_applied
            assert isinstance(e.value, TimeoutError)
            group.cancel_scope.cancel()
        assert len(server.seen) == 1


async def test_whoever_gives_up_gives_its_place_back(kintsugi):
    """Cancelled while it waits, cancelled under way, failed: the connection serves the next."""
    async with Server(stall, drop, drop, drop) as server, kintsugi(server, max_connections=1) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.customers.get, "cust_1")
            await server.until(lambda it: it.counts["stalled"] == 1)
            with anyio.move_on_after(0.01) as scope:
                await client.customers.get("cust_2")
            assert scope.cancelled_caught
            group.cancel_scope.cancel()
        for _ in range(3):
            assert type(await failing(client.customers.get("cust_3"))) is ConnectionLost
        assert (await client.customers.get("cust_4")).id == "cust_4"


@pytest.mark.parametrize(
    ("soft", "ours", "handed"), [(256, 64, 64), (1024, 256, 100), (20, 8, 8), (-1, 256, 100), (100_000, 256, 100)]
)
def test_the_default_is_a_quarter_of_the_descriptors(monkeypatch, soft, ours, handed):
    """At most the largest window; with a client of the user's, what these libraries allow by themselves."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (soft, soft))
    assert resource.RLIM_INFINITY == -1
    assert checked_max_connections(None, None) == ours
    assert checked_max_connections(None, httpx.AsyncClient()) == handed
    assert checked_max_connections(7, None) == 7


async def test_a_session_of_aiohttp_with_a_limit_of_its_own_is_respected(lane):
    """Its connector says it; what waits, waits here."""
    if lane[0] != "aiohttp":
        pytest.skip("aiohttp's own")
    async with Server(after=stall) as server:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
            client = Kintsugi(
                api_key="k",
                organization_id="o",
                base_url=server.url,
                http_client=session,
                timeout=0.1,
                retry=Retry(attempts=1),
            )
            async with anyio.create_task_group() as group:
                for number in range(4):
                    group.start_soon(failing, client.customers.get(f"cust_{number}"))
        assert len(server.seen) == 4


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "8", True])
def test_a_number_of_connections_that_is_none_is_refused(wrong):
    """When the client is made."""
    with pytest.raises(UsageError, match="max_connections must be a whole number"):
        SweetSpot(token="token", max_connections=wrong)


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), "8", True])
def test_a_pool_timeout_that_is_none_is_refused(wrong):
    """When the client is made."""
    with pytest.raises(UsageError, match="pool_timeout must be a finite number of seconds"):
        SweetSpot(token="token", pool_timeout=wrong)


# ---- what came without being asked for


def named(name):
    """A list of one customer."""
    return json.dumps({"items": [{"id": name, "organization_id": "org"}], "total": 1, "size": 100}).encode()


EXTRA = {
    "a whole answer": answer(named("not asked for")),
    "half an answer": answer(named("not asked for"))[:40],
    "a line": b"\r\nHTTP/1.1 200 OK\r\n",
    "an answer in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
}


WHOLE = {"a whole answer", "an answer in chunks"}


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("extra", EXTRA)
async def test_what_is_left_over_is_not_the_next_answer(kintsugi, http, extra, framing):
    """Sent behind an answer: the connection is closed, and the next request has one of its own."""
    first = answer(named("first"))
    if framing == "chunks":
        body = named("first")
        first = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    async with Server(raw(first + EXTRA[extra]), raw(answer(named("second")))) as server, kintsugi(server) as client:
        assert [row.id for row in await client.customers.first_page()] == ["first"]
        assert [row.id for row in await client.customers.first_page()] == ["second"]
        if http == "httpx" or extra in WHOLE:  # aiohttp forgets half an answer, and keeps the connection
            assert [seen.connection for seen in server.seen] == [0, 1]


class Late(Server):
    """Sends something more once it is told to, on a connection that is idle."""

    def __init__(self, extra, *script):
        super().__init__(*script)
        self._extra = extra

    async def handle(self, reader, writer, number):
        if number == 0:
            self._idle = writer
        await super().handle(reader, writer, number)

    def send_more(self):
        """From any thread."""

        def send():
            self._idle.write(self._extra)
            self.note("sent more")

        self._loop.call_soon_threadsafe(send)


@pytest.mark.parametrize("extra", EXTRA)
async def test_what_comes_while_a_connection_is_idle_is_not_the_next_answer(kintsugi, extra):
    """The request after it goes over a new one, or fails; it never takes what was not meant for it."""
    script = raw(answer(named("first"))), raw(answer(named("second")))
    async with Late(EXTRA[extra], *script) as server, kintsugi(server, retry=Retry(base=0)) as client:
        assert [row.id for row in await client.customers.first_page()] == ["first"]
        server.send_more()
        await server.until(lambda it: it.counts["sent more"] == 1)
        assert [row.id for row in await client.customers.first_page()] == ["second"]
        if extra in WHOLE:
            assert [seen.connection for seen in server.seen] == [0, 1]


async def test_what_is_left_over_in_tls_is_not_the_next_answer(kintsugi, certificates):
    """A record of its own behind the answer: it may wait where neither the socket nor the parser shows it."""
    records = 2 * 16_384  # the largest that TLS has: what follows begins another
    first = named("first")
    first = answer(first.ljust(records - len(answer(first.ljust(records))) + records))
    assert len(first) == records
    async with Server(
        raw(first + EXTRA["a whole answer"]), raw(answer(named("second"))), tls=serving(certificates)
    ) as server:
        async with kintsugi(server, verify=trusting(certificates)) as client:
            assert [row.id for row in await client.customers.first_page()] == ["first"]
            assert [row.id for row in await client.customers.first_page()] == ["second"]
            for _ in range(20):
                await client.customers.get("cust_1")
        connections = [seen.connection for seen in server.seen]
        assert connections[:2] == [0, 1]
        assert len(set(connections)) == 2


async def test_a_clean_connection_is_used_again(kintsugi):
    """A hundred requests, one connection."""
    async with Server() as server, kintsugi(server) as client:
        for _ in range(100):
            await client.customers.get("cust_1")
        assert server.connections == 1


# ---- the answer to another request


@pytest.mark.parametrize("other", ["cust_2", "cust_11", "1"])
async def test_a_customer_that_was_not_asked_for_is_an_unexpected_answer(kintsugi, other):
    """By id, by external id, and after an update, which then may have been applied."""
    row = json.dumps({"id": other, "external_id": other, "organization_id": "org"}).encode()
    async with Server(after=raw(answer(row))) as server, kintsugi(server) as client:
        for call in (client.customers.get("cust_1"), client.customers.get_by_external_id("cust_1")):
            with pytest.raises(UnexpectedAnswer, match=r"another (external_)?id than was requested") as caught:
                await call
            assert not caught.value.maybe_applied
        with pytest.raises(UnexpectedAnswer, match="another id") as caught:
            await client.customers.update("cust_1", name="Ada")
        assert caught.value.maybe_applied


async def test_an_id_in_other_letters_is_the_same(kintsugi):
    """UUIDs are answered in lower case, however they were written; an external id may be left out of the answer."""
    row = b'{"id": "3f2504e0-4f89-11d3", "organization_id": "org"}'
    async with Server(after=raw(answer(row))) as server, kintsugi(server) as client:
        assert (await client.customers.get("3F2504E0-4F89-11D3")).id == "3f2504e0-4f89-11d3"
        assert (await client.customers.get_by_external_id("7")).external_id is None


# ---- aiohttp's own repetition


async def test_a_session_that_is_handed_in_repeats_nothing_by_itself(lane):
    """A GET and a PUT, on a new connection and on a kept one: an attempt is one request. Its middlewares still run."""
    if lane[0] != "aiohttp":
        pytest.skip("aiohttp's own")
    passed = []

    async def count(request, handler):
        passed.append(request.method)
        return await handler(request)

    async with (
        Server(drop, plain, drop, plain, drop, drop) as server,
        aiohttp.ClientSession(middlewares=(count,)) as session,
    ):
        client = Kintsugi(
            api_key="k", organization_id="o", base_url=server.url, http_client=session, retry=Retry(attempts=1)
        )
        for call in (client.customers.get, lambda name: client.customers.update(name, name="Ada")):
            assert type(await failing(call("cust_1"))) is ConnectionLost
            assert (await client.customers.get("cust_1")).id == "cust_1"
        client = Kintsugi(
            api_key="k", organization_id="o", base_url=server.url, http_client=session, retry=Retry(attempts=2, base=0)
        )
        assert type(await failing(client.customers.get("cust_1"))) is ConnectionLost
        assert [seen.method for seen in server.seen] == passed == ["GET", "GET", "PUT", "GET", "GET", "GET"]


# ---- another process


FORK = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads; there are none but the loop's
import anyio, httpx
from readahead.errors import StreamError
from readahead.kintsugi import Kintsugi

url, http, backend = sys.argv[1:]

async def refused(call):
    try:
        await call()
    except StreamError as error:
        return "forked" in str(error)
    return False

async def main(**options):
    client = Kintsugi(api_key="key", organization_id="org", base_url=url, **options)
    assert (await client.customers.get("cust_1")).id == "cust_1"
    if (child := os.fork()) == 0:
        ok = await refused(lambda: client.customers.get("cust_2")) and await refused(client.aclose)
        os._exit(0 if ok else 1)
    _, status = os.waitpid(child, 0)
    assert (await client.customers.get("cust_3")).id == "cust_3"
    await client.aclose()
    print(os.waitstatus_to_exitcode(status))

async def both():
    await main(http=http)
    if http == "httpx":
        async with httpx.AsyncClient() as mine:
            await main(http_client=mine)

anyio.run(both, backend=backend)
"""


async def test_a_client_that_was_used_before_a_fork_serves_one_process(lane):
    """In the other it is refused: over shared connections, each would read the answers of the other."""
    if not hasattr(__import__("os"), "fork"):
        pytest.skip("there is no fork")
    async with Server() as server:
        printed = await anyio.to_thread.run_sync(lambda: program(FORK, server, lane))
        assert set(printed.split()) == {"0"}
        assert {seen.target for seen in server.seen} == {f"{CUSTOMERS}/cust_1", f"{CUSTOMERS}/cust_3"}


# ---- Ctrl-C


INTERRUPTED = """
import signal, sys
import anyio, httpx
from readahead.kintsugi import Kintsugi

_, _, backend = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, shells let processes ignore it
seen = []

async def handler(request):
    await anyio.lowlevel.checkpoint()
    page = int(request.url.params.get("page", 1))
    seen.append(page)
    if page > 1:
        signal.raise_signal(signal.SIGINT)
        await anyio.sleep(60)
    rows = [{"id": str(number), "organization_id": "org"} for number in range(100)]
    return httpx.Response(200, json={"items": rows, "total": 1000, "page": page, "size": 100})

async def main(how):
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as mine:
        client = Kintsugi(api_key="key", organization_id="org", http_client=mine)
        if how == "prefetch":
            async with client.customers.prefetch(window=4) as rows:
                async for _ in rows:
                    pass
        elif how == "partitions":
            await client.customers.partitions(4)
        else:
            await client.customers.to_list()

for how in ("prefetch", "partitions", "to_list"):
    try:
        anyio.run(main, how, backend=backend)
    except BaseException as error:
        print(type(error).__name__)
"""


async def test_ctrl_c_arrives_as_it_is(lane):
    """Whichever task of ours it meets: a KeyboardInterrupt, and no group of one."""
    if lane[0] != "httpx":
        pytest.skip("the library does not matter")
    async with Server() as server:
        printed = await anyio.to_thread.run_sync(lambda: program(INTERRUPTED, server, lane))
        assert printed == "KeyboardInterrupt\n" * 3


# ---- cookies


async def test_cookies_that_a_server_sets_are_never_sent(kintsugi):
    """Neither many, nor large ones, nor those for all paths; what is written stays as long as it was."""
    heads = []

    def sets(seen):
        heads.append(len(str(seen.headers)))
        cookies = [f"Set-Cookie: c{len(heads)}-{n}={'x' * 3000}; Path=/; Max-Age=9999" for n in range(5)]
        return answer(customers(seen), headers=cookies), "keep"

    async with Server(after=sets) as server, kintsugi(server) as client:
        for _ in range(30):
            await client.customers.get("cust_1")
        assert len(set(heads)) == 1
        assert not any("cookie" in seen.headers for seen in server.seen)
