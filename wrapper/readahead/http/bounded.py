"""Read the body of a response in pieces: bounded in bytes, in values, and in work between two turns of the event loop.

Requests ask for gzip alone: it is what servers speak, and zlib stops after any number of decompressed bytes, so a small
body that expands without end is met after the limit, not after it has filled the memory.

Python needs 100 bytes and more for a JSON value that takes two on the wire. So values are counted before they are
parsed: each follows a comma or an opening bracket. Honest JSON has 10 to 20 bytes a value, and is far from this bound.
"""

import io
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping

from anyio import lowlevel

from ..errors import ConnectionLost, ReadaheadError, ResponseTooLarge, UnexpectedAnswer, UsageError, shown

__all__ = [
    "ACCEPT_ENCODING",
    "LONGEST_KEY",
    "MAX_KEPT",
    "MAX_RESPONSE",
    "BodyFault",
    "Whole",
    "checked_max_response",
    "read_body",
]

ACCEPT_ENCODING = "gzip"
MAX_RESPONSE = 64_000_000  # bytes
_VALUE = 64  # bytes of the limit that allow one value
_FEW_VALUES = 100_000  # are always allowed
_SEPARATORS = (b",", b"[", b"{")
MAX_KEPT = 1_000_000  # bytes of a body that an error keeps; it says what it has to say in fewer
LONGEST_KEY = 10_000  # bytes; a key that a body quotes in its last kept bytes is read to its end, to be withheld
_STEP = 262_144  # bytes to decompress between two turns of the loop, about half a millisecond
_PIECE = _STEP // 64  # what a piece costs besides its bytes: bodies in pieces of one byte are bounded too
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_NAMES = (["gzip"], ["x-gzip"])  # RFC 9110, 8.4.1.3


class BodyFault(Exception):
    """A body that is not read to its end. Adapters let it pass; the transport makes an error of it.

    Attributes:
        kind: The error to make.
        status, headers: Of its response.
    """

    def __init__(self, kind: type[ReadaheadError], message: str, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.kind, self.status, self.headers = kind, status, headers


class Whole(AsyncIterator[bytes]):
    """A body that is there already, as the pieces of one that is still to be read."""

    def __init__(self, body: bytes) -> None:
        self._pieces = iter((body,))

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


def checked_max_response(size: object) -> int:
    """Return a positive number of bytes.

    Raises:
        UsageError: It is none.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise UsageError(f"max_response must be a whole number of bytes, at least 1, not {shown(size)}")
    return size


async def read_body(pieces: AsyncIterator[bytes], status: int, headers: Mapping[str, str], limit: int) -> bytes:
    """Return the whole body, decompressed.

    Of a response that is no success, what can be read of its first million bytes is returned: its status says more.

    Args:
        pieces: The body as it was received.
        status: The status of its response.
        headers: Names in lower case.
        limit: Bytes that are accepted, of what is received and of what it decompresses to. Of JSON values, one for
            each 64 bytes of it is accepted, and 100,000 in any case.

    Raises:
        BodyFault: It is longer, has more values, is in another coding than gzip, or not gzip although it says so.
    """
    try:
        body = await _read(pieces, status, headers, limit)
        await _check_values(body, limit)
    except _Cut as cut:
        if not 200 <= status < 300:
            return cut.body
        raise BodyFault(cut.kind, str(cut), status, headers) from None
    return body


class _Cut(Exception):
    """Reading stopped before the end; ``body`` is what came before."""

    def __init__(self, kind: type[ReadaheadError], message: str, body: bytes) -> None:
        super().__init__(message)
        self.kind, self.body = kind, body


async def _read(pieces: AsyncIterator[bytes], status: int, headers: Mapping[str, str], limit: int) -> bytes:
    if not 200 <= status < 300:
        limit = min(limit, MAX_KEPT + LONGEST_KEY)
    names = [name.strip().lower() for name in headers.get("content-encoding", "").split(",")]
    codings = [name for name in names if name not in {"", "identity"}]
    if codings and codings not in _GZIP_NAMES:
        coding = shown(headers["content-encoding"])
        raise _Cut(UnexpectedAnswer, f"Content-Encoding {coding}, which was not asked for", b"")
    announced = headers.get("content-length", "")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > limit and 200 <= status < 300:
        raise _too_large(limit, b"")
    member, is_empty = _Gunzip() if codings else None, True
    body, received, work = io.BytesIO(), 0, 0  # BytesIO grows in place, and gives its bytes away without a copy
    async for piece in pieces:
        received += len(piece)
        is_empty = is_empty and not piece
        for part in (piece,) if member is None else member.parts(piece, body):
            room = limit - body.tell()
            body.write(part if len(part) <= room else part[:room])
            if len(part) > room or received > limit:
                raise _too_large(limit, body.getvalue())
            work += len(part) + _PIECE
            if work >= _STEP:
                work = 0
                await lowlevel.checkpoint()
    if member is not None and not member.is_whole and not is_empty:
        raise _Cut(ConnectionLost, "the compressed body ends before its end", body.getvalue())
    return body.getvalue()


async def _check_values(body: bytes, limit: int) -> None:
    most, count = max(_FEW_VALUES, limit // _VALUE), 0
    if len(body) <= most:
        return
    for start in range(0, len(body), _STEP):
        count += sum(body.count(separator, start, start + _STEP) for separator in _SEPARATORS)
        if count > most:
            message = f"the response holds more than {most:,} values (commas and opening brackets)"
            raise _Cut(ResponseTooLarge, f"{message}; raise max_response ({limit:,} bytes) if that is right", body)
        await lowlevel.checkpoint()


def _too_large(limit: int, body: bytes) -> _Cut:
    return _Cut(
        ResponseTooLarge, f"the response is larger than {limit:,} bytes; raise max_response if that is right", body
    )


class _Gunzip:
    """Decompress gzip, of one member or several, in parts of a bounded size."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    @property
    def is_whole(self) -> bool:
        """Whether the last member has ended."""
        return self._member.eof

    def parts(self, piece: bytes, so_far: io.BytesIO) -> Iterator[bytes]:
        """Decompress one more piece."""
        while True:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            try:
                part = self._member.decompress(piece, _STEP)
            except zlib.error as error:
                raise _Cut(ConnectionLost, f"the compressed body is damaged: {error}", so_far.getvalue()) from None
            piece = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            yield part
            # A full part may leave bytes behind that zlib has read already.
            if not piece and (self._member.eof or len(part) < _STEP):
                return
