"""What becomes of requests on real sockets: dropped, cut short, stalled, encrypted, sent through a proxy."""

import asyncio
import base64
import json
import shutil
import socket
import ssl
import struct
import subprocess
from collections import Counter
from contextlib import contextmanager
from threading import Condition, Thread
from urllib.parse import parse_qs, unquote, urlsplit

import anyio
import pytest
import trio
from attrs import frozen

from readahead import Retry
from readahead.errors import (
    ConnectFailed,
    ConnectionLost,
    CredentialsError,
    InvalidRequest,
    RequestError,
    StreamError,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from readahead.kintsugi import Kintsugi
from readahead.sweetspot import SweetSpot

# asyncio: aiohttp's connections. trio: httpx's own.
BACKENDS = ["asyncio", "trio"]
both = pytest.mark.parametrize("backend", BACKENDS)
CUSTOMERS = "/v1/customers"
GUARD = 60  # seconds until a test that waits for what never comes fails instead of hanging
PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in [*PROXY_VARIABLES, *map(str.lower, PROXY_VARIABLES), "SSL_CERT_FILE", "SSL_CERT_DIR"]:
        monkeypatch.delenv(name, raising=False)


# ---- servers


@frozen
class Seen:
    """One request as it came over the wire. connection: which one, from 0."""

    method: str
    target: str
    headers: dict
    body: bytes
    connection: int

    @property
    def path(self):
        return urlsplit(self.target).path

    @property
    def query(self):
        return parse_qs(urlsplit(self.target).query)


class Served:
    """A TCP server on 127.0.0.1, with a thread of its own that ends with the block."""

    def __init__(self, tls=None):
        self._tls = tls
        self._changed = Condition()
        self._writers = set()
        self._tasks = set()
        self._faults = []
        self.seen = []
        self.connections = 0
        self.counts = Counter()

    def __enter__(self):
        self._thread = Thread(target=asyncio.run, args=[self._main()], daemon=True)
        self._thread.start()
        with self._changed:
            assert self._changed.wait_for(lambda: hasattr(self, "port"), GUARD)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        assert not self._faults

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def count(self, method, path=CUSTOMERS):
        return sum(seen.method == method and seen.path == path for seen in self.seen)

    async def until(self, holds):
        """Wait, in the client's loop, until this is true of the server."""

        def wait():
            with self._changed:
                return self._changed.wait_for(lambda: holds(self), GUARD)

        assert await anyio.to_thread.run_sync(wait)

    def note(self, what):
        with self._changed:
            self.counts[what] += 1
            self._changed.notify_all()

    async def _main(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        with self._changed:
            self.port = server.sockets[0].getsockname()[1]
            self._changed.notify_all()
        await self._stop.wait()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _connected(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        self._writers.add(writer)
        number = self.connections
        self.connections += 1
        try:
            await self.handle(reader, writer, number)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as fault:
            self._faults.append(fault)
        finally:
            self._writers.discard(writer)
            self._tasks.discard(asyncio.current_task())
            writer.close()

    async def request(self, reader, connection):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        seen = Seen(method, target, headers, body, connection)
        self.seen.append(seen)
        self.note("seen")
        return seen


def answer(body, status="200 OK", headers=()):
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def customers(seen, total=1000):
    """What both APIs take for an answer: a page of the list, and one customer."""
    size, page = (int(seen.query.get(name, ["1"])[0]) for name in ("size", "page"))
    numbers = range((page - 1) * size, min(page * size, total))
    items = [{"id": f"cust_{number}", "organization_id": "org"} for number in numbers]
    found = {"id": "cust", "organization_id": "org", "items": items, "results": [], "total": total, "size": size}
    return json.dumps(found).encode()


# Steps of a script: what goes over the wire, and what becomes of the connection.


def plain(seen):
    return answer(customers(seen)), "keep"


def drop(_seen):
    return b"", "close"


def reset(_seen):
    return b"", "reset"


def last(seen):
    return answer(customers(seen), headers=["Connection: close"]), "close"


def unannounced_last(seen):
    return answer(customers(seen)), "close"


def half(seen):
    whole = answer(customers(seen))
    return whole[: len(whole) - 20], "close"


def half_a_chunk(_seen):
    return b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"items": [', "close"


def stall(_seen):
    return b"", "stall"


def stall_half_way(seen):
    whole = answer(customers(seen))
    return whole[: len(whole) - 20], "stall"


def drip(_seen):
    return b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", "drip"


def raw(wire, then="keep"):
    return lambda _seen: (wire, then)


class Server(Served):
    """Takes a step of its script for each request, in their order; after the last, it answers as it should.

    counts: "seen" requests, "stalled" ones, and those whose client is "gone" while they were stalled.
    """

    def __init__(self, *script, tls=None, after=plain):
        super().__init__(tls)
        self._script, self._after = list(script), after

    async def handle(self, reader, writer, number):
        while True:
            seen = await self.request(reader, number)
            wire, then = (self._script.pop(0) if self._script else self._after)(seen)
            writer.write(wire)
            await writer.drain()
            if then in {"stall", "drip"}:
                self.note("stalled")
                dripping = asyncio.create_task(_drip(writer)) if then == "drip" else None
                try:
                    await reader.read(1)
                finally:
                    self.note("gone")
                    if dripping:
                        dripping.cancel()
                return
            if then == "reset":
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
                return
            if then == "close":
                writer.close()
                await writer.wait_closed()
                self.note("closed")
                return


async def _drip(writer):
    while True:
        writer.write(b" ")
        await asyncio.sleep(0.005)


def kintsugi(server, **how):
    how = {"retry": Retry(attempts=1), **how}
    return Kintsugi(api_key="the-key", organization_id="org", base_url=server.url, **how)


def run(backend, main):
    async def guarded():
        with anyio.fail_after(GUARD):
            return await main()

    return anyio.run(guarded, backend=backend)


async def failing(call):
    """The error of ours that the call ends with; nothing below it shows."""
    with pytest.raises(RequestError) as caught:
        await call
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


# ---- dropped before an answer


@both
@pytest.mark.parametrize("attempts", [1, 6])
@pytest.mark.parametrize("how", [drop, reset, half, half_a_chunk])
def test_a_post_without_its_answer_is_sent_once(backend, how, attempts):
    """However often ``retry`` allows: the server sees one POST, and the error says that it may have been applied."""

    async def main():
        async with kintsugi(server, retry=Retry(attempts=attempts, base=0)) as client:
            error = await failing(client.customers.create(name="Ada"))
        assert type(error) is ConnectionLost
        assert error.maybe_applied
        assert "may have been applied" in str(error)

    with Server(after=how) as server:
        run(backend, main)
        assert [(seen.method, json.loads(seen.body)) for seen in server.seen] == [("POST", {"name": "Ada"})]


@both
@pytest.mark.parametrize("attempts", [1, 2, 4])
@pytest.mark.parametrize("how", [drop, reset])
def test_a_get_is_repeated_as_often_as_retry_says(backend, how, attempts):
    """Each attempt is one request on the wire; aiohttp makes each two, by itself."""

    async def main():
        async with kintsugi(server, retry=Retry(attempts=attempts, base=0)) as client:
            error = await failing(client.customers.get("cust_1"))
        assert type(error) is ConnectionLost
        assert not error.maybe_applied

    with Server(after=how) as server:
        run(backend, main)
        assert server.count("GET", f"{CUSTOMERS}/cust_1") == attempts * (2 if backend == "asyncio" else 1)
        assert len(server.seen) == server.count("GET", f"{CUSTOMERS}/cust_1")


@both
@pytest.mark.parametrize("attempts", [1, 3])
def test_a_put_is_repeated_and_says_at_the_end_that_it_may_have_been_applied(backend, attempts):
    """An update sets what it names, so twice is once; whether it was done is not known."""

    async def main():
        async with kintsugi(server, retry=Retry(attempts=attempts, base=0)) as client:
            error = await failing(client.customers.update("cust_1", name="Ada"))
        assert type(error) is ConnectionLost
        assert error.maybe_applied

    with Server(after=drop) as server:
        run(backend, main)
        assert server.count("PUT", f"{CUSTOMERS}/cust_1") == attempts * (2 if backend == "asyncio" else 1)
        assert {seen.body for seen in server.seen} == {b'{"name":"Ada"}'}


@both
@pytest.mark.parametrize("how", [half, half_a_chunk])
def test_a_body_cut_short_is_a_lost_connection_and_is_asked_for_again(backend, how):
    """Half a page never passes for a page: the listing has every row, and the report the repeats."""

    async def main():
        async with kintsugi(server, retry=Retry(attempts=3, base=0)) as client:
            error = await failing(client.customers.first_page())
            assert type(error) is ConnectionLost
            assert not error.maybe_applied
            async with client.customers.prefetch(window=3) as rows:
                assert [row.id async for row in rows] == [f"cust_{number}" for number in range(1000)]
            assert rows.report.retries == 2
            assert rows.report.requests == rows.report.pages + 2
        return rows.report.requests

    with Server(how, how, how, how, plain, plain, how) as server:
        listed = run(backend, main)
        assert server.count("GET") == 3 + listed


# ---- connections that were kept alive


@both
def test_on_a_stale_connection_get_and_put_may_be_repeated_by_the_transport_alone(backend):
    """The connection is kept, and the server closes it instead of answering: aiohttp asks once more, httpx never."""

    async def main():
        async with kintsugi(server) as client:
            await client.customers.first_page()
            for call in (client.customers.get("cust_1"), client.customers.update("cust_1", name="Ada")):
                if backend == "asyncio":
                    assert (await call).id == "cust"
                else:
                    assert type(await failing(call)) is ConnectionLost
                    await client.customers.first_page()

    # What each of the two transports does with this script is the same until the repeat.
    script = [plain, drop, plain, drop, plain]
    with Server(*script) as server:
        run(backend, main)
        assert server.seen[0].connection == server.seen[1].connection
        one = f"{CUSTOMERS}/cust_1"
        repeated = backend == "asyncio"
        assert server.count("GET", one) == (2 if repeated else 1)
        assert server.count("PUT", one) == (2 if repeated else 1)


@both
def test_on_a_stale_connection_a_post_is_never_repeated(backend):
    """The connection is kept, and the server closes it instead of answering: one POST, which may have been applied."""

    async def main():
        async with kintsugi(server, retry=Retry(attempts=5, base=0)) as client:
            await client.customers.first_page()
            error = await failing(client.customers.create(name="Ada"))
            assert type(error) is ConnectionLost
            assert error.maybe_applied

    with Server(plain, drop) as server:
        run(backend, main)
        assert [seen.method for seen in server.seen] == ["GET", "POST"]
        assert server.seen[0].connection == server.seen[1].connection


@both
def test_a_connection_that_the_server_closed_while_it_was_idle_is_not_used_again(backend):
    """The POST after it goes over a new connection, once."""

    async def main():
        async with kintsugi(server) as client:
            await client.customers.first_page()
            await server.until(lambda it: it.counts["closed"] == 1)
            assert (await client.customers.create(name="Ada")).id == "cust"

    with Server(unannounced_last) as server:
        run(backend, main)
        assert [(seen.method, seen.connection) for seen in server.seen] == [("GET", 0), ("POST", 1)]


# ---- no connection, no answer in time


@both
def test_a_refused_connection_proves_that_nothing_was_applied(backend):
    """POST and PUT end with ConnectFailed, which does not say that they may have been applied."""

    async def main():
        async with Kintsugi(
            api_key="k", organization_id="o", base_url=f"http://127.0.0.1:{port}", retry=Retry(attempts=2, base=0)
        ) as client:
            for call in (client.customers.create(name="Ada"), client.customers.update("cust_1", name="Ada")):
                error = await failing(call)
                assert type(error) is ConnectFailed
                assert not error.maybe_applied

    with socket.socket() as taken:  # bound and not listening: nobody else gets the port, and nobody answers
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        run(backend, main)


@both
@pytest.mark.parametrize("how", [stall, stall_half_way, drip])
def test_a_server_that_stalls_or_drips_is_timed_out_of(backend, how):
    """The time is for the whole answer, not for each of its pieces; a POST is not sent a second time."""

    async def main():
        async with kintsugi(server, timeout=0.05, retry=Retry(attempts=4, base=0)) as client:
            error = await failing(client.customers.create(name="Ada"))
            assert type(error) is TimedOut
            assert isinstance(error, TimeoutError)
            assert error.maybe_applied
            assert server.count("POST") <= 1  # 0 on a machine that is too busy to send it in time
            error = await failing(client.customers.get("cust_1"))
            assert type(error) is TimedOut
            assert not error.maybe_applied
            await server.until(lambda it: it.counts["gone"] == it.counts["stalled"])
            assert server.counts["seen"] <= 1 + 4

    with Server(after=how) as server:
        run(backend, main)


# ---- leaving a listing whose pages are on their way


class Boom(Exception):
    pass


@contextmanager
def nothing_left():
    """No task more when the block ends than when it began, without an await in between."""

    def alive():
        try:
            return asyncio.all_tasks()
        except RuntimeError:
            own = trio.lowlevel.current_task()
            nurseries = [own.parent_nursery, *own.child_nurseries]
            return {task for nursery in nurseries for task in nursery.child_tasks}

    before = alive()
    yield
    assert alive() == before


@both
@pytest.mark.parametrize("how", [stall, stall_half_way])
@pytest.mark.parametrize("leave", ["break", "error", "cancel", "timeout"])
def test_leaving_a_block_closes_the_connections_of_the_pages_under_way(backend, leave, how):
    """The server sees all of them closed while the client lives on, no task is left, and the client still works."""

    async def main():
        async with kintsugi(server) as client:
            with nothing_left():
                left = None
                with anyio.CancelScope() as scope:
                    try:
                        async with client.customers.page_size(10).prefetch(window=4) as rows:
                            async for _ in rows:
                                await server.until(lambda it: it.counts["stalled"] == 4)
                                if leave == "break":
                                    break
                                if leave == "error":
                                    raise Boom
                                if leave == "cancel":
                                    scope.cancel()
                                else:
                                    scope.deadline = anyio.current_time()
                                await anyio.sleep_forever()
                    except Boom as error:
                        left = error
                    assert (left is not None) == (leave == "error")
                assert scope.cancelled_caught == (leave in {"cancel", "timeout"})
            await server.until(lambda it: it.counts["gone"] == 4)
            assert (await client.customers.get("cust_1")).id == "cust"

    # The fifth page is asked for when the first is handed out; what comes after it is answered.
    with Server(plain, how, how, how, how) as server:
        run(backend, main)
        assert server.count("GET") == 5


@pytest.mark.parametrize("leave", ["cancel", "timeout"])
def test_asyncios_own_cancellation_and_timeout_close_them_too(leave):
    """``task.cancel()`` and ``asyncio.timeout`` around the block: nothing left, and the exception is asyncio's own."""

    async def main():
        async with kintsugi(server) as client:

            async def listing(limit):
                async with limit, client.customers.page_size(10).prefetch(window=4) as rows:
                    async for _ in rows:
                        await server.until(lambda it: it.counts["stalled"] == 4)
                        if leave == "cancel":
                            task.cancel()
                        else:
                            limit.reschedule(asyncio.get_running_loop().time())
                        await asyncio.Event().wait()

            with nothing_left():
                task = asyncio.create_task(listing(asyncio.timeout(None)))
                with pytest.raises(asyncio.CancelledError if leave == "cancel" else TimeoutError):
                    await task
            await server.until(lambda it: it.counts["gone"] == 4)

    with Server(plain, stall, stall, stall, stall) as server:
        run("asyncio", main)


def test_releasing_a_bare_iteration_closes_them_too():
    """After ``break`` out of ``async for row in query`` the server sees the connections closed."""

    async def main():
        async with kintsugi(server) as client:

            async def first():
                async for row in client.customers.page_size(10):
                    await server.until(lambda it: it.counts["stalled"] == 4)
                    assert row.id == "cust_0"
                    break

            await first()
            await server.until(lambda it: it.counts["gone"] == 4)

    with Server(plain, *[stall] * 4) as server:
        run("asyncio", main)


@both
def test_closing_the_client_ends_a_listing_that_is_under_way(backend):
    """Its pages are not asked for again: the error says that the client is closed."""

    async def main():
        client = kintsugi(server, retry=Retry(attempts=5, base=0))
        async with anyio.create_task_group() as group:

            async def listing():
                with pytest.raises(StreamError, match="closed"):
                    await client.customers.page_size(10).to_list()

            group.start_soon(listing)
            await server.until(lambda it: it.counts["stalled"] == 4)
            await client.aclose()
        await server.until(lambda it: it.counts["gone"] == 4)
        with pytest.raises(StreamError, match="closed"):
            await client.customers.first_page()

    with Server(plain, *[stall] * 4) as server:
        run(backend, main)
        assert server.count("GET") == 5


@pytest.mark.parametrize(("first", "second"), [("asyncio", "asyncio"), ("asyncio", "trio"), ("trio", "asyncio")])
def test_a_client_of_one_loop_says_so_in_another(first, second):
    """Its connections belong to the loop that opened them; in a second one there is a clear error, not asyncio's."""

    async def listing():
        assert len((await client.customers.first_page()).rows) == 100

    async def again():
        with pytest.raises(StreamError, match="another event loop"):
            await client.customers.first_page()
        with pytest.raises(StreamError, match="another event loop"):
            await client.aclose()
        raise Boom

    async def main():
        await listing()
        with pytest.raises(Boom):  # a thread of its own, so that the first loop runs on meanwhile
            await anyio.to_thread.run_sync(lambda: anyio.run(again, backend=second))
        await listing()
        await client.aclose()

    with Server() as server:
        client = kintsugi(server)
        run(first, main)
        assert server.count("GET") == 2


# ---- answers that are none


NONSENSE = {
    "no HTTP": b"220 mail.example ESMTP\r\n\r\n",
    "a header without an end": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 150_000 + b"\r\n\r\n",
    "a chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "no gzip": answer(b"not gzip", headers=["Content-Encoding: gzip"]),
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "no body": answer(b""),
    "no JSON": answer(b"<html>"),
    "half of it": answer(b'{"items": ['),
    "no status known": answer(b"{}", "299 Fine"),
}


@both
@pytest.mark.parametrize("name", NONSENSE)
@pytest.mark.filterwarnings("ignore:Async generator 'httpx:ResourceWarning")  # httpx leaves it so; trio minds
def test_an_answer_that_is_none_is_one_typed_error_that_shows_no_filter_value(backend, name):
    """Neither the error nor a log line carries the value of a filter or the key."""

    async def main():
        async with kintsugi(server) as client:
            with pytest.raises((RequestError, UnexpectedAnswer)) as caught:
                await client.customers.where(search="ada@example.com").first_page()
        for shown in (str(caught.value), repr(caught.value), repr(vars(caught.value))):
            assert "ada" not in shown
            assert "the-key" not in shown
        assert "search_query=…" in str(caught.value)
        assert caught.value.__context__ is None or isinstance(caught.value, UnexpectedAnswer)

    with Server(after=raw(NONSENSE[name], "close")) as server:
        run(backend, main)


@both
@pytest.mark.parametrize("body", [b"{}", b'{"id": null}', b'{"items": []}', b"[]", b'"cust_1"'])
def test_one_customer_without_an_id_is_an_unexpected_answer(backend, body):
    """An empty object with 200 does not pass for a customer; after a create it says that it may have been applied."""

    async def main():
        async with kintsugi(server) as client:
            with pytest.raises(UnexpectedAnswer, match="'id'") as caught:
                await client.customers.get("cust_1")
            assert not caught.value.maybe_applied
            with pytest.raises(UnexpectedAnswer, match="'id'") as caught:
                await client.customers.create(name="Ada")
            assert caught.value.maybe_applied

    with Server(after=raw(answer(body))) as server:
        run(backend, main)


@both
@pytest.mark.parametrize("detail", [[{"loc": 7}], [{"loc": "body"}], [7], [None], {"message": {}}, 7, [[]], {}, None])
def test_a_complaint_of_any_shape_is_told(backend, detail):
    """What a server puts into ``detail`` is its own affair: it never turns into another error."""

    async def main():
        async with kintsugi(server) as client:
            with pytest.raises(InvalidRequest) as caught:
                await client.customers.first_page()
        assert json.loads(caught.value.body) == {"detail": detail}

    with Server(after=raw(answer(json.dumps({"detail": detail}).encode(), "422 No"))) as server:
        run(backend, main)


@both
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(backend, status):
    """Not to another origin and not to the same: the key goes nowhere else, and the answer is an error."""

    async def main():
        async with kintsugi(server, retry=Retry(attempts=3, base=0)) as client:
            for call in (client.customers.first_page(), client.customers.create(name="Ada")):
                with pytest.raises(UnexpectedAnswer, match="redirects are not followed") as caught:
                    await call
                assert caught.value.status == int(status[:3])

    with (
        Server() as elsewhere,
        Server(after=raw(answer(b"", status, [f"Location: {elsewhere.url}{CUSTOMERS}"]))) as server,
    ):
        run(backend, main)
        assert len(server.seen) == 2
        assert elsewhere.connections == 0


# ---- what is written on the wire


ODD_IDS = ["a/b", "a?b", "a#b", "a%2Fb", "%2e%2e", "é", "a b", "+", "...", "a;b", "a&b=c", "a\\b", "~*'()!$,:@[]|^`{}"]


@both
def test_an_id_of_any_text_stays_one_segment_of_the_path(backend):
    """What the server decodes is the id that was given, whatever it holds."""

    async def main():
        async with kintsugi(server) as client:
            for odd in ODD_IDS:
                await client.customers.get(odd)

    with Server() as server:
        run(backend, main)
        ids = [seen.target.removeprefix(f"{CUSTOMERS}/") for seen in server.seen]
        assert list(map(unquote, ids)) == ODD_IDS
        assert not any(mark in raw for raw in ids for mark in "/?#")


@both
def test_filter_values_of_any_text_arrive_as_given(backend):
    """Spaces, plus signs, percent signs, umlauts and separators."""
    texts = ["a+b c", "a&b=c", "50%", "%2F", "é#1", "a;b,c", "'\"<>|\\^`{}[]~*()!$:@/?", "\N{SNOWMAN}"]

    async def main():
        async with kintsugi(server) as client:
            for text in texts:
                await client.customers.where(search=text, country=["US", "CA"], source=["SHOPIFY", "API"]).first_page()

    with Server() as server:
        run(backend, main)
        assert [seen.query["search_query"] for seen in server.seen] == [[text] for text in texts]
        assert {(*seen.query["country"], *seen.query["source__in"]) for seen in server.seen} == {
            ("US", "CA", "SHOPIFY,API")
        }


BAD_KEYS = ["the-key ", " the-key", "the-kéy", "the-key\n", "the\tkey", "the-key\x7f", "the-key\xa0"]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_that_no_header_can_carry_is_refused_at_once_and_not_shown(key):
    """Sent, it would fail below with a message that shows it, or arrive as another."""
    for make in (
        lambda: Kintsugi(api_key=key, organization_id="org"),
        lambda: Kintsugi(api_key="k", organization_id=key),
        lambda: SweetSpot(token=key),
    ):
        with pytest.raises(CredentialsError) as caught:
            make()
        assert "the" not in repr(caught.value).replace("other", "")
        assert caught.value.__context__ is None


@pytest.mark.parametrize("url", [5, b"http://127.0.0.1", "https://api\t.example", "https://api.a\n", "https://a b"])
def test_a_base_url_that_is_read_in_two_ways_is_refused(url, monkeypatch):
    """Tabs and line ends vanish in the standard library's parser, which decides where a key may go."""
    monkeypatch.setenv("SWEETSPOT_TOKEN", "token")
    with pytest.raises(UsageError, match="base_url"):
        SweetSpot(token="token", base_url=url)
    with pytest.raises(UsageError, match="base_url"):
        SweetSpot(base_url=url)


@pytest.mark.parametrize("wrong", [{"retry": 3}, {"pace": 5}, {"http_client": object()}, {"user_agent": 5}])
def test_an_argument_of_the_wrong_kind_is_refused_when_the_client_is_made(wrong):
    """Not at the first request that fails."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SweetSpot(token="token", **wrong)


# ---- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Self-signed certificates: one for 127.0.0.1, one for another name."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")
    for name, subject in (("here", "IP:127.0.0.1"), ("elsewhere", "DNS:elsewhere.example")):
        command = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN={name}"
        files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
        names = ["-addext", f"subjectAltName={subject}"]
        subprocess.run([openssl, *command.split(), *files, *names], check=True, capture_output=True)
    return folder


def serving(folder, name="here"):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def trusting(folder, name="here"):
    return ssl.create_default_context(cafile=str(folder / f"{name}.pem"))


async def works(client):
    assert len((await client.customers.first_page()).rows) == 100
    assert (await client.customers.create(name="Ada")).id == "cust"


@both
@pytest.mark.parametrize("how", ["context", "unverified", "variable"])
def test_https_with_a_certificate_of_ones_own(backend, how, certificates, monkeypatch):
    """``verify`` takes a context or False, and ``SSL_CERT_FILE`` is read, whatever the transport."""
    verify = {"context": trusting(certificates), "unverified": False, "variable": True}[how]
    if how == "variable":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "here.pem"))

    async def main():
        async with kintsugi(server, verify=verify) as client:
            await works(client)

    with Server(tls=serving(certificates)) as server:
        run(backend, main)
        assert [seen.headers["x-api-key"] for seen in server.seen] == ["the-key"] * 2


@both
@pytest.mark.parametrize("wrong", ["unknown", "another name"])
def test_a_certificate_that_does_not_fit_is_a_failed_connection(backend, wrong, certificates):
    """Nothing is sent, so a POST cannot have been applied."""
    name = "here" if wrong == "unknown" else "elsewhere"
    verify = True if wrong == "unknown" else trusting(certificates, name)

    async def main():
        async with kintsugi(server, verify=verify) as client:
            error = await failing(client.customers.create(name="Ada"))
        assert type(error) is ConnectFailed
        assert not error.maybe_applied
        assert "certificate" in str(error).lower()

    with Server(tls=serving(certificates, name)) as server:
        run(backend, main)
        assert server.seen == []


# ---- proxies


class Proxy(Served):
    """Takes requests in absolute form, and CONNECT; ``refuse`` is its answer to everything, if it is given."""

    def __init__(self, refuse=None):
        super().__init__()
        self._refuse = refuse

    async def handle(self, reader, writer, number):
        seen = await self.request(reader, number)
        if self._refuse is not None:
            writer.write(answer(b"", self._refuse))
            await writer.drain()
            return
        if seen.method == "CONNECT":
            host, _, port = seen.target.partition(":")
        else:
            target = urlsplit(seen.target)
            host, port = target.hostname, target.port
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        self._writers.add(far_writer)
        if seen.method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            lines = [f"{name}: {value}" for name, value in seen.headers.items() if not name.startswith("proxy-")]
            path = f"{target.path}?{target.query}" if target.query else target.path
            head = "\r\n".join([f"{seen.method} {path} HTTP/1.1", *lines, "connection: close"])
            far_writer.write(head.encode("latin-1") + b"\r\n\r\n" + seen.body)
        await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))


async def _pipe(reader, writer):
    try:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@both
@pytest.mark.parametrize("how", ["argument", "HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_plain_requests_go_through_the_proxy(backend, how, monkeypatch):
    """By the argument, or by the variables of the environment, whatever the transport."""
    with Proxy() as proxy, Server(after=last) as server:
        if how != "argument":
            monkeypatch.setenv(how, proxy.url)

        async def main():
            async with kintsugi(server, proxy=proxy.url if how == "argument" else None) as client:
                await works(client)

        run(backend, main)
        assert [seen.method for seen in proxy.seen] == ["GET", "POST"]
        assert all(seen.target.startswith(server.url) for seen in proxy.seen)
        assert [seen.method for seen in server.seen] == ["GET", "POST"]


@both
@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "example.com, 127.0.0.1", "*"])
def test_no_proxy_is_respected(backend, no_proxy, monkeypatch):
    """The host it names is asked directly."""
    with Proxy() as proxy, Server() as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", no_proxy)

        async def main():
            async with kintsugi(server) as client:
                await works(client)

        run(backend, main)
        assert proxy.connections == 0
        assert len(server.seen) == 2


@both
@pytest.mark.parametrize("how", ["argument", "HTTPS_PROXY"])
def test_https_goes_through_a_tunnel_that_sees_no_key(backend, how, certificates, monkeypatch):
    """The proxy is told host and port and nothing else; the certificate is verified behind it."""
    with Proxy() as proxy, Server(tls=serving(certificates)) as server:
        if how != "argument":
            monkeypatch.setenv(how, proxy.url)
        how_to = {"proxy": proxy.url if how == "argument" else None}

        async def main():
            async with kintsugi(server, verify=trusting(certificates), **how_to) as client:
                await works(client)
            async with kintsugi(server, **how_to) as client:
                assert type(await failing(client.customers.create(name="Ada"))) is ConnectFailed

        run(backend, main)
        assert {(seen.method, seen.target) for seen in proxy.seen} == {("CONNECT", f"127.0.0.1:{server.port}")}
        assert "the-key" not in repr(proxy.seen)
        assert [seen.headers["x-api-key"] for seen in server.seen] == ["the-key"] * 2


@both
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("how", ["argument", "variable"])
def test_a_proxys_password_reaches_the_proxy_alone(backend, tls, how, certificates, monkeypatch):
    """Not the API behind it; and no deprecated call is made for it."""
    with Proxy() as proxy, Server(tls=serving(certificates) if tls else None, after=last) as server:
        url = proxy.url.replace("//", "//ada:secret@")
        if how == "variable":
            monkeypatch.setenv("ALL_PROXY", url)

        async def main():
            verify = trusting(certificates) if tls else True
            async with kintsugi(server, proxy=url if how == "argument" else None, verify=verify) as client:
                await works(client)
                assert "secret" not in repr(client) + repr(client._sender._transport)

        run(backend, main)
        basic = "Basic " + base64.b64encode(b"ada:secret").decode()
        assert [seen.headers["proxy-authorization"] for seen in proxy.seen] == [basic] * 2
        assert "proxy-authorization" not in {name for seen in server.seen for name in seen.headers}


@both
def test_a_proxy_that_refuses_is_a_failed_connection(backend, certificates):
    """A tunnel that is not made, and a proxy that is not there: nothing was applied, and no password is shown."""

    async def main():
        for proxy_url in (proxy.url.replace("//", "//ada:secret@"), proxy.url, f"http://ada:secret@127.0.0.1:{port}"):
            async with kintsugi(server, proxy=proxy_url, verify=trusting(certificates)) as client:
                error = await failing(client.customers.create(name="Ada"))
            assert type(error) is ConnectFailed
            assert not error.maybe_applied
            assert "secret" not in repr(error)

    tls = serving(certificates)
    with Proxy(refuse="407 Who are you") as proxy, Server(tls=tls) as server, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        run(backend, main)
        assert server.connections == 0
        assert len(proxy.seen) == 2


def test_trio_as_a_guest_of_asyncio_has_its_own_connections():
    """A loop of asyncio runs as well then; the one that counts is the one whose tasks send."""

    async def main():
        async with kintsugi(server) as client:
            await works(client)

    async def host():
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        trio.lowlevel.start_guest_run(
            main, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=done.set_result
        )
        (await done).unwrap()

    with Server() as server:
        run("asyncio", host)
        assert len(server.seen) == 2
