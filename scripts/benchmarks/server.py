"""A server far faster than any client: it builds responses from prepared pieces and caches them.

``python server.py [ROWS LATENCY CAPACITY]`` prints its port and stops when its input ends. It serves both APIs by path:
``/kintsugi``, ``/sweetspot``, and ``/listed``, which is Kintsugi with no value that the document does not list.
A first segment ``/ROWS-LATENCY-CAPACITY`` sets the length of the list, the seconds until a response, and the number of
concurrent responses (the rest queue; 0 is no limit). ``/spent`` returns the number of requests and its own CPU seconds.
"""

import asyncio
import contextlib
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import orjson

Setup = tuple[int, float, int]  # rows, latency in seconds, capacity
COUNTRIES = ["US", "CA", "GB", "DE", "FR", "AU"]
SOURCES = ["SHOPIFY", "API", "STRIPE", "BIGCOMMERCE"]
PATTERNS = 5000  # rows, from which on they repeat, but for the id
KEPT = 3000  # answers


def kintsugi_row(number: int, odd: bool) -> dict[str, Any]:  # noqa: FBT001
    """Return a customer with mixed nulls."""
    draw = random.Random(number)

    def some(value: str) -> str | None:
        return value if draw.random() < 0.7 else None

    row: dict[str, Any] = {
        "organization_id": "org_bench",
        "phone": some(f"+1555{number:07d}"),
        "street_1": some(f"{number} Main Street"),
        "street_2": some("Suite 4"),
        "city": some("Springfield"),
        "county": some("Clark"),
        "state": some("CA"),
        "postal_code": some("94105"),
        "country": draw.choice(COUNTRIES),
        "full_address": some(f"{number} Main Street, Springfield, CA 94105"),
        "name": some(f"Customer {number}"),
        "external_id": some(f"ext_{number}"),
        "status": "ACTIVE",
        "email": some(f"customer{number}@example.com"),
        "source": "NOT_LISTED" if odd else draw.choice(SOURCES),
        "connection_id": some("conn_1"),
        "address_status": "UNVERIFIED",
        "registration_number": some("R-1"),
        "external_friendly_id": some("F-1"),
        "customer_tax_registrations": [],
    }
    return row


def sweetspot_row(number: int) -> dict[str, Any]:
    """Return a customer with optional fields missing or null."""
    draw = random.Random(number)
    when = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)).isoformat()
    row: dict[str, Any] = {
        "createdAt": when,
        "updatedAt": when,
        "creditStatus": "NOT_LISTED" if number % 100 == 0 else "passed",
        "userId": number,
        "address1": f"{number} Main Street",
        "address2": None,
        "city": "Springfield",
        "country": "US",
        "phone": f"+1555{number:07d}" if draw.random() < 0.7 else None,
        "state": "CA",
        "stripeId": f"cus_{number}",
        "zip": "94105",
        "identityVerificationStatus": "verified",
    }
    return {name: value for name, value in row.items() if name not in {"stripeId", "zip"} or draw.random() < 0.7}


@cache
def patterns(api: str) -> list[bytes]:
    """Return rows without ids. One in a hundred has a field and a value that the document does not list."""
    found: list[bytes] = []
    for number in range(PATTERNS):
        odd = number % 100 == 0
        row = sweetspot_row(number) if api == "sweetspot" else kintsugi_row(number, odd and api != "listed")
        found.append(orjson.dumps(row | {"a_field_to_come": number} if odd else row)[1:])
    return found


def rows(api: str, lo: int, hi: int) -> bytes:
    """Return the rows at these positions as an array."""
    tails, stem = patterns(api), b'{"id":"cus_%08d",' if api == "sweetspot" else b'{"id":"cust_%08d",'
    return b"[" + b",".join([stem % number + tails[number % PATTERNS] for number in range(lo, hi)]) + b"]"


def body(api: str, total: int, given: dict[str, str]) -> bytes:
    """Return one page."""
    if api == "sweetspot":
        lo = int(given.get("offset", 0))
        return rows(api, lo, min(total, lo + int(given.get("limit", 50))))
    page, size = int(given.get("page", 1)), int(given.get("size", 50))
    tail = {"total": total, "page": page, "size": size, "pages": -(-total // size)}
    return b'{"items":' + rows(api, (page - 1) * size, min(total, page * size)) + b"," + orjson.dumps(tail)[1:]


def whole(content: bytes) -> bytes:
    """Return a whole response."""
    return (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n".encode()
        + content
    )


class Gate:
    """Limit concurrent responses; the rest wait in a queue."""

    def __init__(self, capacity: int, latency: float) -> None:
        self.free, self.latency = capacity, latency
        self.queue: deque[tuple[asyncio.Transport, bytes]] = deque()

    def enter(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Queue an answer."""
        self.queue.append((transport, answer))
        self._start()

    def _start(self) -> None:
        while self.free and self.queue:
            self.free -= 1
            asyncio.get_running_loop().call_later(self.latency, self._leave, *self.queue.popleft())

    def _leave(self, transport: asyncio.Transport, answer: bytes) -> None:
        self.free += 1
        write(transport, answer)
        self._start()


class Server:
    """Responses by request target, and how to send each."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.requests = 0
        self.kept: dict[bytes, tuple[bytes, Callable[[asyncio.Transport, bytes], object]]] = {}
        self.gates: dict[Setup, Gate] = {}

    def answer(self, transport: asyncio.Transport, target: bytes) -> None:
        """Send the response to a request, now or later."""
        self.requests += 1
        found = self.kept.get(target)
        if found is None:
            if target == b"/spent":
                self.requests -= 1  # itself
                write(transport, whole(orjson.dumps({"requests": self.requests, "cpu": time.process_time()})))
                return
            found = self._made(target.decode())
            if len(self.kept) >= KEPT:
                self.kept.clear()
            self.kept[target] = found
        content, leave = found
        leave(transport, content)

    def _made(self, target: str) -> tuple[bytes, Callable[[asyncio.Transport, bytes], object]]:
        path, _, query = target.partition("?")
        segments = path.split("/")[1:]
        setup = self.setup
        if "-" in segments[0]:
            total, latency, capacity = segments.pop(0).split("-")
            setup = int(total), float(latency), int(capacity)
        answer = whole(body(segments[0], setup[0], dict(parse_qsl(query))))
        if setup[2]:
            return answer, self.gates.setdefault(setup, Gate(setup[2], setup[1])).enter
        if setup[1]:
            loop = asyncio.get_running_loop()
            return answer, lambda transport, answer: loop.call_later(setup[1], write, transport, answer)
        return answer, write


class Connection(asyncio.Protocol):
    """Requests without bodies, one at a time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        # A whole page fits, so that writing it never waits for the client to read.
        transport.set_write_buffer_limits(high=1 << 20)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            target = self.buffer[: self.buffer.index(b"\r\n")].split(b" ")[1]
            self.buffer = self.buffer[end + 4 :]
            self.server.answer(self.transport, target)


def write(transport: asyncio.Transport, answer: bytes) -> None:
    """Write, unless the client disconnected."""
    if not transport.is_closing():
        transport.write(answer)


async def main(setup: Setup) -> None:
    loop, server = asyncio.get_running_loop(), Server(setup)
    for api in ("kintsugi", "listed", "sweetspot"):
        patterns(api)
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=1024)
    print(listening.sockets[0].getsockname()[1], flush=True)
    # The input ends when the parent closes it or exits.
    await loop.run_in_executor(None, sys.stdin.read)
    listening.close()


if __name__ == "__main__":
    total, latency, capacity = (sys.argv[1:] + ["0"] * 3)[:3]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main((int(total), float(latency), int(capacity))))
