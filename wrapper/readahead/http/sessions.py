"""The connections of a client: a session for each event loop that it is used in.

Connections belong to the event loop in which they were opened. A client that outlives a loop (one of a module, used in
two calls of ``asyncio.run``, or by tests with a loop each) opens new ones in the next. Those of the old one are closed
when it ends: event loops end their async generators before they close, and a session ends with such a generator.
"""

import os
import sys
import warnings
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
from attrs import define, field

from ..errors import StreamError, UsageError
from .connections import Connections
from .libraries import Adapter, adapter_of, library_of
from .origin import in_clear, proxy_for, tls_context
from .secret import Secret
from .traces import conceals

if TYPE_CHECKING:
    import asyncio
    import ssl

    from .libraries import HTTPClient

__all__ = ["Session", "Sessions", "current_loop"]

_CLOSED = "the client is closed; open a new one"


@define(eq=False)
class Session:
    """What a client has in one event loop.

    Attributes:
        adapter: Sends.
        connections: How many requests are under way at once.
        asking: Held while credentials are asked for.
        end: Closes the session when the loop ends; None where the connections are not ours.
        is_closed: Whether it was closed, or is being closed.
    """

    adapter: Adapter
    connections: Connections
    asking: anyio.Lock = field(factory=anyio.Lock)
    end: AsyncGenerator[None] | None = None
    is_closed: bool = False

    def check_open(self) -> None:
        """Raise StreamError if nothing can be sent any more."""
        if self.is_closed:
            raise StreamError(_CLOSED)
        if self.adapter.is_closed:
            raise StreamError("the http_client is closed; keep it open as long as this client is used")

    async def aclose(self) -> None:
        """Close the connections, if they are ours. Several tasks may do so, and do it again where one was stopped."""
        self.is_closed = True
        if self.end is not None:
            with anyio.CancelScope(shield=True):
                await self.adapter.aclose()
                # The generator has nothing left to wait for, so that the event loop never finds it running.
                with suppress(RuntimeError):
                    await self.end.aclose()


class Sessions:
    """Open connections where they are needed, and close them.

    Args:
        base_url: Where the API is.
        http: The library to send with where ``http_client`` is None.
        proxy: The proxy's URL; None: the environment decides.
        verify: Which certificates are accepted.
        http_client: A client of the user's. It is never closed here.
        max_connections: Requests that are under way at once.
        pool_timeout: Seconds to wait for a connection; None waits for as long as it takes.
        owner: What to call the client in a warning.
    """

    def __init__(
        self,
        base_url: str,
        *,
        http: str,
        proxy: Secret | None,
        verify: "ssl.SSLContext | bool",
        http_client: "HTTPClient | None",
        max_connections: int,
        pool_timeout: float | None,
        owner: str,
    ) -> None:
        self.base_url = base_url
        self._http, self._proxy, self._verify, self._http_client = http, proxy, verify, http_client
        self._max_connections, self._pool_timeout, self._owner = max_connections, pool_timeout, owner
        self._by_loop: dict[object, Session] = {}
        self._is_closed = False
        self._process = os.getpid()

    async def current(self) -> Session:
        """Return the session of the running event loop.

        Raises:
            StreamError: The client is closed, or was opened in another process.
            UsageError: The library does not run on this event loop, or the proxy or certificates cannot be used.
        """
        loop = current_loop()
        session = self._by_loop.get(loop)
        if self._is_closed:
            raise StreamError(_CLOSED)
        if session is None:
            session = await self._open(loop)
        session.check_open()
        return session

    async def aclose(self) -> None:
        """Close our own connections, those of other event loops included. A client of the user's stays open.

        Raises:
            StreamError: The connections belong to another process.
        """
        self.check_process()
        self._is_closed, here = True, current_loop()
        sessions = list(self._by_loop.items())
        self._by_loop.clear()
        for _, session in sessions:
            session.is_closed = True
        for loop, session in sessions:
            if loop is here:
                await session.aclose()
            else:
                _close_in(loop, session)

    def secrets(self) -> list[Secret]:
        """Return what a proxy may quote and nobody may see."""
        proxy = self._proxy or (proxy_for(self.base_url) if self._http_client is None else None)
        return [] if proxy is None else [proxy]

    def check_process(self) -> None:
        """Refuse to go on in a process that was forked from the one with the connections.

        Both would send over them, and read each other's responses. This holds for those of an ``http_client``, too.

        Raises:
            StreamError: This is another process.
        """
        if self._by_loop and self._process != os.getpid():
            raise StreamError("the client was used before this process was forked; open a new one in each process")

    async def _open(self, loop: object) -> Session:
        for known in [known for known in self._by_loop if _is_over(known)]:
            del self._by_loop[known]  # it was closed without ending its generators
        session = Session(self._adapter(loop), Connections(self._max_connections, self._pool_timeout))
        self._by_loop[loop], self._process = session, os.getpid()
        if self._http_client is None:
            # It refers to the table, not to this object: that one warns as soon as nobody holds it.
            session.end = _end(self._by_loop, loop, session)
            await anext(session.end)  # from now on the loop knows it
        return session

    @conceals
    def _adapter(self, loop: object) -> Adapter:
        client = self._http_client
        library = self._http if client is None else library_of(client)
        if library == "aiohttp" and type(loop).__module__.startswith("trio"):
            raise UsageError("aiohttp runs on asyncio only; use httpx, the default, on trio")
        adapt = adapter_of(library)
        adapter: Adapter
        if client is not None:
            adapter = adapt.over(client, self.base_url)
        else:
            proxy = self._proxy or proxy_for(self.base_url)
            if proxy is not None and self.base_url.startswith("http:"):
                raise in_clear(self.base_url)
            context = tls_context(self._verify, needed=proxy is not None or self.base_url.startswith("https:"))
            adapter = adapt.opened(self.base_url, proxy, context)
        return adapter

    def __del__(self) -> None:
        # Absent where the object was never complete.
        by_loop: dict[object, Session] = getattr(self, "_by_loop", {})
        ours = [(loop, session) for loop, session in by_loop.items() if session.end is not None]
        if not ours or sys.is_finalizing() or self._process != os.getpid():
            return
        warnings.warn(f"unclosed {self._owner}", ResourceWarning, source=self, stacklevel=2)
        for loop, session in ours:
            _close_in(loop, session)


def current_loop() -> object:
    """Return what connections belong to: asyncio's loop, or trio's token where the caller is no task of asyncio.

    Trio may be a guest of asyncio; both are running then.
    """
    import asyncio  # noqa: PLC0415  whoever comes here has imported it

    try:
        if asyncio.current_task():
            return asyncio.get_running_loop()
    except RuntimeError:
        pass
    return sys.modules["trio"].lowlevel.current_trio_token() if "trio" in sys.modules else None


async def _end(by_loop: dict[object, Session], loop: object, session: Session) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        by_loop.pop(loop, None)
        session.is_closed = True
        with anyio.CancelScope(shield=True):
            await session.adapter.aclose()


def _is_over(loop: object) -> bool:
    is_closed = getattr(loop, "is_closed", None)  # trio's token has none
    return is_closed is not None and bool(is_closed())


_closing: set["asyncio.Task[None]"] = set()  # an event loop alone does not keep its tasks


def _close_in(loop: Any, session: Session) -> None:
    """Close a session in its own event loop, which may run in another thread, later, or not any more."""

    async def close() -> None:
        with suppress(Exception):  # nobody is there to hear of it
            await session.aclose()

    def start() -> None:
        task = loop.create_task(close())
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    def start_in_trio() -> None:
        with suppress(RuntimeError):  # trio is about to end, and ends the generator itself
            trio.lowlevel.spawn_system_task(close)

    if session.end is None or _is_over(loop):
        return
    if hasattr(loop, "call_soon_threadsafe"):
        loop.call_soon_threadsafe(start)
    else:
        trio: Any = sys.modules["trio"]
        with suppress(trio.RunFinishedError):
            loop.run_sync_soon(start_in_trio)
