"""A server far faster than any client: answers are made once and kept. A process of its own; it stops with its input.

``python server.py ROWS LATENCY [CAPACITY]``: prints its port. Both APIs, by path: ``/kintsugi`` and ``/sweetspot``.
LATENCY: seconds before each answer. CAPACITY: answers under way at once, the rest queue; 0 is no limit.
"""

import asyncio
import contextlib
import random
import sys
from collections import deque
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import parse_qsl

import orjson

COUNTRIES = ["US", "CA", "GB", "DE", "FR", "AU"]
SOURCES = ["SHOPIFY", "API", "STRIPE", "BIGCOMMERCE"]


def kintsugi_row(number: int) -> bytes:
    """A customer with mixed nulls; one in a hundred has a value and a field that the document does not list."""
    draw = random.Random(number)

    def some(value: str) -> str | None:
        return value if draw.random() < 0.7 else None

    odd = number % 100 == 0
    row = {
        "id": f"cust_{number:08d}",
        "organization_id": "org_bench",
        "phone": some("+15550100"),
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
    return orjson.dumps(row | {"a_field_to_come": number} if odd else row)


def sweetspot_row(number: int) -> bytes:
    """A customer with optional fields absent or null."""
    when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    row = {
        "id": f"cus_{number:08d}",
        "createdAt": when.isoformat(),
        "updatedAt": when.isoformat(),
        "creditStatus": "passed",
        "userId": number,
        "address1": f"{number} Main Street",
        "address2": None,
        "city": "Springfield",
        "country": "US",
        "phone": None,
        "state": "CA",
        "stripeId": f"cus_{number}",
        "zip": "94105",
        "identityVerificationStatus": "verified",
    }
    return orjson.dumps(row)


kintsugi_row = lru_cache(maxsize=20_000)(kintsugi_row)
sweetspot_row = lru_cache(maxsize=20_000)(sweetspot_row)


class Answers:
    """Bodies by their position, made when first asked for. Beyond 20,000 rows they repeat, but for the ids."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._kept: dict[bytes, bytes] = {}

    def of(self, target: bytes) -> bytes:
        """The whole answer to a request target, headers included."""
        found = self._kept.get(target)
        if found is None:
            found = self._made(target.decode())
            if len(self._kept) < 4000:
                self._kept[target] = found
        return found

    def _made(self, target: str) -> bytes:
        path, _, query = target.partition("?")
        given = dict(parse_qsl(query))
        if path.startswith("/kintsugi"):
            page, size = int(given.get("page", 1)), int(given.get("size", 50))
            items = b",".join(kintsugi_row(n) for n in range((page - 1) * size, min(self.rows, page * size)))
            tail = {"total": self.rows, "page": page, "size": size, "pages": -(-self.rows // size)}
            body = b'{"items":[' + items + b"]," + orjson.dumps(tail)[1:]
        else:
            lo = int(given.get("offset", 0))
            hi = min(self.rows, lo + int(given.get("limit", 50)))
            body = b"[" + b",".join(sweetspot_row(n) for n in range(lo, hi)) + b"]"
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        return head.encode() + body


class Connection(asyncio.Protocol):
    """Requests without bodies, one after the other."""

    def __init__(self, answers: Answers, latency: float, gate: "Gate | None") -> None:
        self.answers, self.latency, self.gate = answers, latency, gate
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            target = self.buffer[: self.buffer.index(b"\r\n")].split(b" ")[1]
            self.buffer = self.buffer[end + 4 :]
            body = self.answers.of(target)
            if self.gate is not None:
                self.gate.enter(self.transport, body)
            elif self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.transport.write, body)
            else:
                self.transport.write(body)


class Gate:
    """So many answers under way at once, first come first served."""

    def __init__(self, capacity: int, latency: float) -> None:
        self.free, self.latency = capacity, latency
        self.queue: deque[tuple[asyncio.Transport, bytes]] = deque()

    def enter(self, transport: asyncio.Transport, body: bytes) -> None:
        """Queue an answer."""
        self.queue.append((transport, body))
        self._start()

    def _start(self) -> None:
        while self.free and self.queue:
            self.free -= 1
            asyncio.get_running_loop().call_later(self.latency, self._leave, *self.queue.popleft())

    def _leave(self, transport: asyncio.Transport, body: bytes) -> None:
        self.free += 1
        if not transport.is_closing():
            transport.write(body)
        self._start()


async def main(rows: int, latency: float, capacity: int) -> None:
    loop = asyncio.get_running_loop()
    answers, gate = Answers(rows), Gate(capacity, latency) if capacity else None
    server = await loop.create_server(lambda: Connection(answers, latency, gate), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    # It stops when whoever started it closes its input, or is gone.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0))
