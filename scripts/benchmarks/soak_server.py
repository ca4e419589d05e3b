"""The server of ``scripts/bench soak``: a long list of customers, and at random all that goes wrong on a network."""

import asyncio
import gzip
import json
import random
import socket
import struct
import sys
import zlib
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

__all__ = ["FAULTS", "main", "row"]

RATE = 0.03  # of all requests
Step = tuple[bytes, str]  # what is written, and what becomes of the connection


def row(number: int) -> dict[str, str]:
    """A customer."""
    return {"id": f"cust_{number}", "organization_id": "org", "name": f"Customer {number}", "country": "US"}


def head(body: bytes, *more: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def plain(body: bytes) -> Step:
    return head(body) + body, "keep"


def packed(body: bytes) -> Step:
    small = gzip.compress(body, 1)
    return head(small, "Content-Encoding: gzip") + small, "keep"


def _chunked(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def _half_of_gzip(body: bytes) -> Step:
    half = gzip.compress(body, 1)[:-30]
    return head(half, "Content-Encoding: gzip") + half, "keep"


def _inflating(_body: bytes) -> Step:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([packer.compress(b" " * 1_000_000) for _ in range(20)]) + packer.flush()
    return head(bomb, "Content-Encoding: gzip") + bomb, "keep"


def _nested(body: bytes) -> Step:
    twice = gzip.compress(gzip.compress(body, 1), 1)
    return head(twice, "Content-Encoding: gzip, gzip") + twice, "keep"


def _error(status: str, *more: str) -> Callable[[bytes], Step]:
    detail = b'{"detail": "not now"}'
    return lambda _body: (head(detail, *more, status=status) + detail, "keep")


# The clients take at most a megabyte for an answer, and wait a second for one.
FAULTS: dict[str, Callable[[bytes], Step]] = {
    "dropped": lambda _body: (b"", "close"),
    "reset": lambda _body: (b"", "reset"),
    "stalled": lambda _body: (b"", "stall"),
    "stalled half-way": lambda body: (plain(body)[0][:-50], "stall"),
    "cut short": lambda body: (plain(body)[0][:-50], "close"),
    "reset half-way": lambda body: (plain(body)[0][:-50], "reset"),
    "half a chunk": lambda body: (CHUNKED + _chunked(body, 4096)[:-2000], "close"),
    "small chunks": lambda body: (CHUNKED + _chunked(body, 7), "keep"),
    "half of gzip": _half_of_gzip,
    "inflating": _inflating,
    "nested": _nested,
    "a coding not asked for": lambda body: (head(body, "Content-Encoding: br") + body, "keep"),
    "endless": lambda _body: (CHUNKED, "endless"),
    "announced too large": lambda _body: (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "stall"),
    "left over": lambda body: (plain(body)[0] + plain(b'{"items": []}')[0], "keep"),
    "half left over": lambda body: (plain(body)[0] + b"HTTP/1.1 200 OK\r\nConte", "keep"),
    "no HTTP": lambda _body: (b"220 mail.example ESMTP\r\n\r\n", "close"),
    "HTML": lambda _body: plain(b"<html>down for maintenance</html>"),
    "cookies": lambda body: (head(body, *(f"Set-Cookie: c{n}={'x' * 500}" for n in range(20))) + body, "keep"),
    "closed unannounced": lambda body: (plain(body)[0], "close"),
    "closed": lambda body: (head(body, "Connection: close") + body, "close"),
    "many values": lambda _body: plain(b'{"items": [' + b"[]," * 300_000 + b"[]]}"),
    "too deep": lambda _body: plain(b'{"items": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
    "too many digits": lambda _body: plain(b'{"items": [{"id": ' + b"1" * 10_000 + b"}]}"),
    "a redirect": _error("302 Found", "Location: http://127.0.0.1:1/elsewhere"),
    "500": _error("500 Oops"),
    "502": _error("502 Bad Gateway"),
    "a page of error": lambda _body: (head(b"x" * 3_000_000, status="500 Oops") + b"x" * 3_000_000, "keep"),
}
PUSH_BACKS: dict[str, Callable[[bytes], Step]] = {  # rare: each slows the client down for a while
    "429": _error("429 Too Many", "Retry-After: 0"),
    "503": _error("503 Busy", "Retry-After: 0.05"),
}


class Soak:
    """One list for all."""

    def __init__(self, rows: int, seed: int) -> None:
        self._rows, self._random = rows, random.Random(seed)
        self.counts = dict.fromkeys([*FAULTS, *PUSH_BACKS], 0)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            wire, then = self._step(urlsplit(lines[0].split(" ")[1]).path, lines[0])
            writer.write(wire)
            await writer.drain()
            while then == "endless":
                writer.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
                await writer.drain()
            if then == "stall":
                await reader.read(1)
            if then == "reset":
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            if then != "keep":
                return

    def _step(self, path: str, line: str) -> Step:
        draw = self._random.random()
        body = self._body(path, line)
        if draw < RATE:
            return self._fault(FAULTS, body)
        if draw < RATE * 1.01:
            return self._fault(PUSH_BACKS, body)
        return packed(body) if draw > 0.7 else plain(body)

    def _fault(self, faults: dict[str, Callable[[bytes], Step]], body: bytes) -> Step:
        name = self._random.choice(list(faults))
        self.counts[name] += 1
        return faults[name](body)

    def _body(self, path: str, line: str) -> bytes:
        if not path.endswith("/customers"):
            return json.dumps(row(int(path.rpartition("_")[2]))).encode()
        query = parse_qs(urlsplit(line.split(" ")[1]).query)
        page, size = int(query["page"][0]), int(query["size"][0])
        numbers = range((page - 1) * size, min(page * size, self._rows))
        return json.dumps({"items": [*map(row, numbers)], "total": self._rows, "page": page, "size": size}).encode()


async def _main(rows: int, seed: int) -> None:
    soak = Soak(rows, seed)
    server = await asyncio.start_server(soak.connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it has ended
    print(json.dumps(soak.counts), flush=True)


def main(rows: int, seed: int) -> None:
    """Print the port, serve until standard input ends, and print how often each fault was sent."""
    asyncio.run(_main(rows, seed))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
