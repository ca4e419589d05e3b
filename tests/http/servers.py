"""Servers on real sockets, in threads of their own: they answer by a script, or are proxies."""

import asyncio
import gzip
import json
import socket
import ssl
import struct
from collections import Counter
from contextlib import contextmanager
from threading import Condition, Thread
from urllib.parse import parse_qs, unquote, urlsplit

import anyio
import pytest
from attrs import frozen

from readahead.errors import RequestError

CUSTOMERS = "/v1/customers"
GUARD = 60  # seconds until a test that waits for what never comes fails instead of hanging


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
    """A TCP server on 127.0.0.1 with a thread of its own; both end with the block, and the block after ``GUARD``."""

    def __init__(self, tls=None):
        self._tls = tls
        self._changed = Condition()
        self._writers = set()
        self._tasks = set()
        self._faults = []
        self.seen = []
        self.connections = 0
        self.counts = Counter()
        self.most_open = 0  # connections at once
        self.flooded = 0  # bytes of endless answers that were sent

    async def __aenter__(self):
        self.__enter__()
        self._guard = anyio.fail_after(GUARD)
        self._guard.__enter__()
        return self

    async def __aexit__(self, *error):
        try:
            return self._guard.__exit__(*error)
        finally:
            self.__exit__(*error)

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
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        with self._changed:
            self.port = self._listener.sockets[0].getsockname()[1]
            self._changed.notify_all()
        await self._stop.wait()
        while asyncio.all_tasks() - {asyncio.current_task()}:  # one that was accepted a moment ago has no handler yet
            self.close()
            await asyncio.sleep(0)
        self.close()
        await asyncio.sleep(0)  # a connection is closed in the turn after that

    async def _connected(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        self._writers.add(writer)
        self.most_open = max(self.most_open, len(self._writers))
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
            self.note("left")

    def close(self):
        """Listen no more, and break every connection; for the thread of the server."""
        self._listener.close()
        for writer in self._writers:
            writer.transport.abort()

    @property
    def open_connections(self):
        """How many connections are open now."""
        return len(self._writers)

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
    name = unquote(seen.path.removeprefix(f"{CUSTOMERS}/")) if seen.path != CUSTOMERS else "cust"
    found = {"id": name, "organization_id": "org", "items": items, "results": [], "total": total, "size": size}
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


def unframed(seen):
    """Only the end of the connection says where the body ends."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + customers(seen), "close"


def half_unframed(seen):
    whole, _ = unframed(seen)
    return whole[: len(whole) - 20], "close"


def half_zipped(seen):
    body = gzip.compress(customers(seen))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    return head + body[: len(body) // 2], "close"


def unframed_without_a_body(seen):
    return unframed(seen)[0].partition(b"\r\n\r\n")[0] + b"\r\n\r\n", "close"


def half_a_chunk(_seen):
    return b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"items": [', "close"


def stall(_seen):
    return b"", "stall"


def stall_half_way(seen):
    whole = answer(customers(seen))
    return whole[: len(whole) - 20], "stall"


def drip(_seen):
    return b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "drip"


def endless(head, block=b" " * 65_536):
    """The block again and again, until the client has enough."""
    return lambda _seen: (head, block)


def raw(wire, then="keep"):
    return lambda _seen: (wire, then)


class Server(Served):
    """Takes a step of its script for each request, in their order; after the last, it answers as it should.

    counts: "seen" requests, "stalled" ones, and those whose client is "gone" while they were stalled.
    """

    def __init__(self, *script, tls=None, after=plain):
        super().__init__(tls)
        self.script, self._after = list(script), after

    async def handle(self, reader, writer, number):
        while True:
            seen = await self.request(reader, number)
            wire, then = (self.script.pop(0) if self.script else self._after)(seen)
            writer.write(wire)
            await writer.drain()
            while isinstance(then, bytes):
                writer.write(then)
                await writer.drain()
                self.flooded += len(then)
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


class Closed(Served):
    """Closes each connection at once."""

    async def handle(self, reader, writer, number):
        """Say nothing."""


async def _drip(writer):
    while True:
        writer.write(b" ")
        await asyncio.sleep(0.005)


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


@frozen
class Url:
    """Where a client may be pointed at."""

    url: str


@contextmanager
def nobody():
    """A place where nobody answers: the port is bound, so nobody else gets it, and nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield Url(f"http://127.0.0.1:{taken.getsockname()[1]}")


def serving(folder, name="here"):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def trusting(folder, name="here"):
    return ssl.create_default_context(cafile=str(folder / f"{name}.pem"))


async def failing(call):
    """The error of ours that the call ends with; nothing below it shows."""
    with pytest.raises(RequestError) as caught:
        await call
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value
