"""What may have been applied is judged by all attempts of a call, against a server that keeps its own record."""

import itertools
import random
import socket
import struct
from contextlib import asynccontextmanager
from threading import Thread

import aiohttp
import httpx
import pytest
from anyio import lowlevel
from servers import GUARD, answer

from readahead import Retry
from readahead.errors import ReadaheadError, StreamError
from readahead.kintsugi import Kintsugi

pytestmark = pytest.mark.anyio

APPLIED = {
    "applied, then reset": "reset",
    "applied, no answer": "silence",
    "applied, then 500": answer(b"{}", "500 Oops", ["Connection: close"]),
    "applied, then 502": answer(b"<html>", "502 Bad Gateway", ["Connection: close"]),
    "applied, half an answer": answer(b'{"id": "cust_1"}')[:-8],
    "applied, no JSON": answer(b'{"id":', headers=["Connection: close"]),
    "applied, a redirect": answer(b"", "303 See Other", ["Location: /v1/customers/1", "Connection: close"]),
}
UNKNOWN = {
    "reset": "reset",
    "500": answer(b"{}", "500 Oops", ["Connection: close"]),
    "503": answer(b"{}", "503 Busy", ["Retry-After: 0", "Connection: close"]),
}
REFUSED = {
    "no connection": None,
    "429": answer(b"{}", "429 Slow", ["Retry-After: 0", "Connection: close"]),
    "401": answer(b"{}", "401 No", ["Connection: close"]),
    "404": answer(b"{}", "404 Gone", ["Connection: close"]),
    "409": answer(b"{}", "409 Conflict", ["Connection: close"]),
    "422": answer(b"{}", "422 No", ["Connection: close"]),
    "429 for too long": answer(b"{}", "429 Slow", ["Retry-After: 9999", "Connection: close"]),
    "429 past the deadline": answer(b"{}", "429 Slow", [f"Retry-After: {GUARD + 10}", "Connection: close"]),
}
STEPS = APPLIED | UNKNOWN | REFUSED
REPEATED = [name for name in STEPS if name not in {"applied, no JSON", "applied, a redirect"} and name[:2] != "40"]
REPEATED = [name for name in REPEATED if name not in {"422", "429 for too long", "429 past the deadline"}]
ENDS = [name for name in REFUSED if name != "429"]
PAIRS = [(first, last) for first in REPEATED for last in STEPS if first not in APPLIED or last not in ENDS]
TRIPLES = [(*first, last) for first in itertools.product(REPEATED, repeat=2) for last in STEPS]
SEQUENCES = [(name,) for name in STEPS] + [(first, last) for first in REPEATED if first in APPLIED for last in ENDS]
SEQUENCES += random.Random(11).sample(PAIRS, 15) + random.Random(11).sample(TRIPLES, 25)


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


class Recorder:
    """Serves one attempt a step, each on a connection of its own, and records what it applied.

    Where a step is "no connection" its port is bound and nobody listens.
    """

    def __init__(self, steps):
        self.steps, self.applied, self.attempts, self._threads = list(steps), 0, 0, []
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        for thread in self._threads:
            thread.join(GUARD)

    def prepare(self):
        """Called by the client before each attempt."""
        name = self.steps[min(self.attempts, len(self.steps) - 1)]
        self.attempts += 1
        self._socket.close()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", self.port))
        if STEPS[name] is not None:
            self._socket.listen()
            self._socket.settimeout(GUARD)
            self._threads.append(Thread(target=self._serve, args=[self._socket, name], daemon=True))
            self._threads[-1].start()

    def _serve(self, listener, name):
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(GUARD)
            read = b""
            while b"Ada" not in read:
                read += connection.recv(65_536)
            self.applied += name in APPLIED
            wire = STEPS[name]
            if wire == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif wire == "silence":
                try:
                    connection.recv(1)
                except OSError:
                    pass
            else:
                connection.sendall(wire)


@asynccontextmanager
async def told(http, prepare, then=None):
    """A client of the library that says before each attempt that it is about to send."""
    if http == "aiohttp":

        async def starting(*_):
            prepare()
            await (then() if then else lowlevel.checkpoint())

        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(starting)
        async with aiohttp.ClientSession(trace_configs=[trace]) as session:
            yield session
    else:

        async def requesting(_request):
            prepare()
            await (then() if then else lowlevel.checkpoint())

        async with httpx.AsyncClient(event_hooks={"request": [requesting]}) as client:
            yield client


async def outcome(http, steps, call):
    """The error that the call ends with, and what the server applied."""
    retry = Retry(attempts=len(steps), base=0, reserve=100)
    # A short timeout, where a step is silence, can only make more of what is unknown anyway.
    timeout = 0.3 if any("no answer" in step for step in steps) else GUARD
    with Recorder(steps) as server:
        async with told(http, server.prepare) as client:
            kintsugi = Kintsugi(
                api_key="k",
                organization_id="o",
                base_url=f"http://127.0.0.1:{server.port}",
                http_client=client,
                retry=retry,
                timeout=timeout,
                deadline=GUARD,
            )
            with pytest.raises(ReadaheadError) as caught:
                await call(kintsugi.customers)
    return caught.value, server


async def update(customers):
    await customers.update("cust_1", name="Ada")


async def create(customers):
    await customers.create(name="Ada")


@pytest.mark.parametrize("steps", SEQUENCES, ids=" - ".join)
async def test_an_update_says_what_any_of_its_attempts_may_have_done(http, steps):
    """True where the server applied one or may have, whatever the last answer was; false where it refused them all."""
    error, server = await outcome(http, steps, update)
    taken = steps[: server.attempts]
    assert getattr(error, "maybe_applied", False) == any(step not in REFUSED for step in taken), (taken, error)
    assert error.maybe_applied or not server.applied
    assert ("may have been applied" in str(error)) == error.maybe_applied


@pytest.mark.parametrize("steps", [(name,) for name in STEPS] + [("429", name) for name in STEPS], ids=" - ".join)
async def test_so_does_a_create(http, steps):
    """It is repeated after 429 alone, which is a refusal."""
    error, server = await outcome(http, steps, create)
    assert error.maybe_applied == any(step not in REFUSED for step in steps[: server.attempts])
    assert error.maybe_applied or not server.applied


async def test_an_earlier_attempt_is_told_from_the_last_one(http):
    """The last answer is a plain refusal; the words say which attempt is in doubt."""
    error, _ = await outcome(http, ("applied, then reset", "404"), update)
    assert str(error).endswith("status 404 (an earlier attempt may have been applied)")
    assert error.status == 404
    assert error.__context__ is None


async def test_an_attempt_that_cannot_be_made_does_not_hide_the_one_before(http):
    """The client is closed during the first attempt: the second fails before anything is sent."""

    async def close():
        await kintsugi.aclose()

    with Recorder(["applied, then reset"]) as server:
        async with told(http, server.prepare, close) as client:
            kintsugi = Kintsugi(
                api_key="k",
                organization_id="o",
                base_url=f"http://127.0.0.1:{server.port}",
                http_client=client,
                retry=Retry(attempts=2, base=0),
            )
            with pytest.raises(StreamError, match="an earlier attempt may have been applied") as caught:
                await update(kintsugi.customers)
    assert caught.value.maybe_applied
