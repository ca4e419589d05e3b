"""Connections for an httpx client of ours: each request under way has a pool of its own.

httpx's pool looks through all of its connections, and polls the idle ones, at each request and each response: with 64
requests under way that takes three times the CPU of the request itself. It also closes an idle connection whenever
more than ``max_keepalive_connections`` are open, idle or not. Pools of one connection do neither.

They are ordinary transports of httpx, so whatever patches or wraps these (mocks, recorders, tracing) sees each request.

A connection on which more came than the answer is closed: h11 would take the rest for the answer to the next request.
"""

import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import anyio
import httpx

__all__ = ["Pools"]

_IDLE_SECONDS = 5.0  # after which an idle connection is closed; httpx's own default
_IDLE_POOLS = 256  # kept at most, the largest window of a listing


class Pools(httpx.AsyncBaseTransport):
    """Send each request over a pool that no other request uses; the one used last goes first.

    Args:
        open_pool: Opens one more pool.
    """

    def __init__(self, open_pool: Callable[[], httpx.AsyncHTTPTransport]) -> None:
        self._open_pool = open_pool
        first = open_pool()  # here, so that an invalid proxy is found at once
        self._pools: set[httpx.AsyncHTTPTransport] = {first}
        self._idle = deque([(first, time.monotonic())])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        pool = self._idle.pop()[0] if self._idle else self._open_pool()
        self._pools.add(pool)
        try:
            response = await pool.handle_async_request(request)
        except BaseException:
            await self._release(pool)
            raise
        if (
            pool not in self._pools
        ):  # closed while it connected: it does not know the connection, so the response ends it
            with anyio.CancelScope(shield=True):
                await response.aclose()
            raise httpx.ReadError("the client was closed", request=request)
        if response.has_redirect_location:
            del response.headers["Location"]  # httpx reads it, though it does not follow, and raises if it cannot
        network = response.extensions.get("network_stream")  # a mock has none
        response.stream = _Body(cast("httpx.AsyncByteStream", response.stream), lambda: self._release(pool, network))
        return response

    async def aclose(self) -> None:
        """Close all pools, those in use included."""
        self._idle.clear()
        stopped: BaseException | None = None
        while self._pools:
            try:
                await self._pools.pop().aclose()
            except BaseException as error:  # noqa: BLE001  asyncio's own cancellation passes any shield, once
                stopped = error
        if stopped is not None:
            raise stopped

    async def _release(self, pool: httpx.AsyncHTTPTransport, network: Any = None) -> None:
        if pool not in self._pools:  # closed meanwhile
            return
        if network is not None and _holds_more(pool, network):
            self._pools.discard(pool)
            with anyio.CancelScope(shield=True):
                await pool.aclose()
            return
        now = time.monotonic()
        self._idle.append((pool, now))
        while self._idle and (len(self._idle) > _IDLE_POOLS or self._idle[0][1] < now - _IDLE_SECONDS):
            oldest, _ = self._idle.popleft()
            self._pools.discard(oldest)
            with anyio.CancelScope(shield=True):
                await oldest.aclose()


def _holds_more(pool: httpx.AsyncHTTPTransport, network: Any) -> bool:
    """Whether bytes came behind the answer, or nobody can tell. httpcore looks at the socket itself, before reuse."""
    tls = network.get_extra_info("ssl_object")
    if tls is not None:
        try:
            tls.read(1)
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLError, OSError):
            return True
        else:
            return True
    # What h11 has buffered shows nowhere else.
    for layer in getattr(getattr(pool, "_pool", None), "connections", [None]):
        while layer is not None and not hasattr(layer, "_h11_state"):
            layer = getattr(layer, "_connection", None)  # noqa: PLW2901
        if layer is None or layer._h11_state.trailing_data[0]:  # noqa: SLF001
            return True
    return False


class _Body(httpx.AsyncByteStream):
    """A body, and what to do when it has been read."""

    def __init__(self, stream: httpx.AsyncByteStream, release: Callable[[], Awaitable[None]]) -> None:
        self._stream, self._release, self._is_open = stream, release, True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        """Close the stream and release its pool, once."""
        if self._is_open:
            self._is_open = False
            try:
                await self._stream.aclose()
            finally:
                await self._release()
