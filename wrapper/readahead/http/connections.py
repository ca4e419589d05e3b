"""How many requests of a client are under way at once, and so how many connections it has open.

HTTP libraries bound their connections too, but what waits in their pools does so within the timeout of the request.
Here a request waits before it starts, and the one that came first goes first.
"""

import select
import sys

import anyio
from attrs import Factory, define, field

from ..errors import PoolTimedOut, UsageError, shown

__all__ = ["Connections", "checked_max_connections", "checked_pool_timeout", "is_readable"]

_MOST = 256  # the largest window of a listing
_MOST_OF_LIBRARIES = 100  # connections that httpx and aiohttp open by themselves, unless told otherwise
_SHARE = 4  # a client takes at most this part of the file descriptors that the process may open
_LEAST = 8


@define(eq=False)
class Connections:
    """The places of one client in one event loop: each request under way holds one.

    Args:
        limit: How many there are.
        timeout: Seconds to wait for one; None waits for as long as it takes.
    """

    limit: int
    timeout: float | None = None
    _free: anyio.Semaphore = field(
        default=Factory(lambda self: anyio.Semaphore(self.limit), takes_self=True), init=False, repr=False
    )

    async def take(self, request: object) -> tuple[anyio.Semaphore, float]:
        """Wait for a place. Return what releases it, and the seconds waited.

        Raises:
            PoolTimedOut: None was free in time.
        """
        free = self._free
        try:
            free.acquire_nowait()
        except anyio.WouldBlock:
            return free, await self._wait(free, request)
        return free, 0.0

    async def _wait(self, free: anyio.Semaphore, request: object) -> float:
        began = anyio.current_time()
        with anyio.move_on_after(self.timeout):
            await free.acquire()
            return anyio.current_time() - began
        raise PoolTimedOut(
            f"no connection was free within {self.timeout:g} s; raise pool_timeout, or max_connections ({self.limit})",
            request=str(request),
        )


def checked_max_connections(limit: object, http_client: object) -> int:
    """Return how many connections a client may have open.

    Args:
        limit: A positive number, or None for a quarter of the file descriptors that the process may open, from 8 to
            256; with an ``http_client`` to 100, or to the limit of its connector.
        http_client: The client that sends, if it is the user's.

    Raises:
        UsageError: It is no such number.
    """
    if limit is None:
        most = _MOST
        if http_client is not None:
            # Of a session of aiohttp; 0 is no limit. httpx tells nobody.
            most = getattr(getattr(http_client, "connector", None), "limit", _MOST_OF_LIBRARIES) or _MOST
        return min(most, max(_LEAST, _descriptors() // _SHARE))
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise UsageError(f"max_connections must be a whole number of at least 1, or None, not {shown(limit)}")
    return limit


def checked_pool_timeout(seconds: object) -> float | None:
    """Return a number of seconds, 0 or more, or None.

    Raises:
        UsageError: It is none.
    """
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < float("inf"):
        raise UsageError(f"pool_timeout must be a finite number of seconds, 0 or more, or None, not {shown(seconds)}")
    return float(seconds)


def is_readable(descriptor: int) -> bool:
    """Return whether a socket has bytes to read, or its end."""
    if descriptor < 0:
        return True
    if sys.platform == "win32":  # where select() takes any number
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _descriptors() -> int:
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return _SHARE * _MOST
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _SHARE * _MOST if soft == resource.RLIM_INFINITY else soft
