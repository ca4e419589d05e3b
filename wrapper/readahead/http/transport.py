"""The seam to the HTTP libraries: a request goes in, status, headers and body come out.

``Transport`` is one client's way to one origin. It knows no HTTP library; ``httpx_adapter`` and ``aiohttp_adapter`` do,
and each is imported when it is used.
"""
# ruff: noqa: PLC0415
# Importing this module stays cheap: httpx, aiohttp and whatever else takes long to import is imported on use.

import functools
import os
import re
import sys
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast
from urllib.parse import quote, urlencode

import anyio
from attrs import Factory, define, field, frozen

from ..errors import (
    ConnectionLost,
    ReadaheadError,
    RequestError,
    ResponseTooLarge,
    StreamError,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from ..pages import Report
from .applied import maybe_applied
from .bounded import MAX_RESPONSE, BodyFault
from .connections import Connections, checked_max_connections
from .origin import proxy_for, tls_context
from .redact import Redactor
from .secret import Secret
from .traces import conceals, cut_below

if TYPE_CHECKING:
    import ssl

    import aiohttp
    import httpx
    import httpx2

    HTTPClient: TypeAlias = httpx.AsyncClient | httpx2.AsyncClient | aiohttp.ClientSession

__all__ = [
    "Adapter",
    "HTTPClient",
    "Request",
    "Response",
    "Transport",
    "checked_http",
    "checked_http_client",
    "checked_timeout",
    "client_for_app",
]


@frozen
class Request:
    """One request, not yet tied to a client.

    Args:
        method: ``GET``, ``POST`` or ``PUT``.
        path: The path, encoded.
        operation: Method and path template, for messages: ``GET /v1/customers/{customer_id}``.
        params: Filters and order, as they are sent.
        position: Paging parameters. Messages show their values, and those of no other parameter.
        body: JSON.
    """

    method: str
    path: str
    operation: str
    params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    position: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)

    def __str__(self) -> str:
        shown = [f"{name}=…" for name in dict(self.params)] + [f"{name}={value}" for name, value in self.position]
        return self.operation + ("?" + "&".join(shown) if shown else "")

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice has the same effect as sending it once (RFC 9110, 9.2.2)."""
        return self.method != "POST"

    @property
    def writes(self) -> bool:
        """Whether it changes data."""
        return self.method in {"POST", "PUT"}


@frozen
class Response:
    """A whole response.

    Args:
        request: What it answers.
        status: The HTTP status.
        headers: Names in lower case.
        body: All of it, decompressed.
        seconds: How long it took.
        redactor: Withholds the client's credentials in what messages quote of it.
    """

    request: Request
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    seconds: float = 0.0
    redactor: Redactor = field(factory=Redactor, eq=False, repr=False)

    @property
    def request_id(self) -> str | None:
        """The id that the server gave the request, under the names in use."""
        name = next((name for name in _REQUEST_IDS if name in self.headers), None)
        return None if name is None else self.redactor.text(self.headers[name])


_REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "cf-ray")


class Adapter(Protocol):
    """One HTTP library, ready to send to one origin with one client's headers."""

    @property
    def errors(self) -> Mapping[type[Exception], type[RequestError]]:
        """The library's exceptions, and the error of ours that each becomes."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether its connections are closed for good."""
        ...

    async def send(
        self, method: str, target: str, body: bytes | None, max_response: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send once, to the base URL with this path and query. Return status, headers in lower case, and the body.

        Raises:
            BodyFault: The body is larger than ``max_response`` bytes, or cannot be decompressed.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


@define(eq=False)
class Transport:
    """One client's way to one origin.

    Args:
        base_url: Where the API is.
        headers: Sent with each request. They are kept out of connection pools, which may be shared.
        timeout: Seconds from the start of a request to the last byte of its response.
        http: The library to send with where ``http_client`` is None.
        proxy: The proxy's URL; None: the environment decides.
        verify: Which certificates are accepted.
        http_client: A client of the user's. It is never closed here.
        max_response: Bytes that a response may have, as it is received and decompressed.
        connections: How many requests are under way at once.
    """

    base_url: str
    headers: Mapping[str, str | Secret]
    timeout: float
    http: str = "httpx"
    proxy: Secret | None = None
    verify: "ssl.SSLContext | bool" = True
    http_client: "HTTPClient | None" = None
    max_response: int = MAX_RESPONSE
    connections: Connections = field(factory=lambda: Connections(checked_max_connections(None, None)), repr=False)
    _adapter: Adapter | None = field(default=None, init=False, repr=False)
    _loop: object = field(default=None, init=False, repr=False)
    _process: int = field(default=0, init=False, repr=False)
    _closed: bool = field(default=False, init=False)
    _redactor: Redactor = field(
        default=Factory(lambda self: Redactor(self._secrets), takes_self=True), init=False, repr=False
    )

    @property
    def is_open(self) -> bool:
        """Whether connections of ours may be open."""
        return self._adapter is not None and self.http_client is None

    async def take_place(self, request: Request, report: Report) -> anyio.Semaphore:
        """Wait until the request may use a connection. Release what is returned when its response was read.

        Raises:
            PoolTimedOut: No connection was free in time.
        """
        place, seconds = await self.connections.take(request, _current_loop())
        report.waited += seconds
        return place

    async def send(self, request: Request) -> Response:
        """Send once and read the whole response.

        Raises:
            RequestError: No response came, or not the whole of it.
            ResponseTooLarge: The response is larger than ``max_response``.
            StreamError: The client is closed, or belongs to another event loop.
            UnexpectedAnswer: The response is compressed in another way than was asked for.
            UsageError: The request cannot be sent.
        """
        adapter, handled = self._ready(), sys.exception()
        began = anyio.current_time()
        try:
            with anyio.move_on_after(self.timeout):
                status, headers, body = await adapter.send(
                    request.method, _target(request), request.body, self.max_response
                )
                return Response(request, status, headers, body, anyio.current_time() - began, self._redactor)
        except BaseException as raised:
            error = _translated(raised, adapter.errors, request, self.timeout, self._redactor)
            if error is None:  # a cancellation, or not the network's
                cut_below(raised, handled, _LOWER)
                raise
        else:
            error = _timed_out(request, self.timeout)
        # Raised here, the library's exception does not stay as the context: it holds the request, and so the key.
        raise error

    async def aclose(self) -> None:
        """Close our own connections. A client of the user's stays open.

        Raises:
            StreamError: The connections belong to another event loop or process.
        """
        self.check_process()
        self._check_loop()
        is_open, self._closed = self.is_open, True
        adapter, self._adapter = self._adapter, None
        if adapter is not None and is_open:
            with anyio.CancelScope(shield=True):
                await adapter.aclose()

    def _ready(self) -> Adapter:
        if self._closed:
            raise StreamError("the client is closed; open a new one")
        if self._adapter is None:
            self._adapter, self._loop, self._process = self._adapt(), _current_loop(), os.getpid()
        else:
            self._check_loop()
        if self._adapter.is_closed:
            raise StreamError("the http_client is closed; keep it open as long as this client is used")
        return self._adapter

    @conceals
    def _adapt(self) -> Adapter:
        client, library = self.http_client, self.http if self.http_client is None else _library_of(self.http_client)
        if library == "aiohttp" and type(_current_loop()).__module__.startswith("trio"):
            raise UsageError("aiohttp runs on asyncio only; use httpx, the default, on trio")
        adapt = _adapter_of(library)
        adapter: Adapter
        if client is not None:
            adapter = adapt.over(client, self.base_url, self.headers, self.timeout)
        else:
            proxy = self.proxy or proxy_for(self.base_url)
            context = tls_context(self.verify, needed=proxy is not None or self.base_url.startswith("https:"))
            adapter = adapt.opened(self.base_url, self.headers, self.timeout, proxy, context)
        return adapter

    def check_process(self) -> None:
        """Refuse to go on in a process that was forked from the one with the connections.

        Both would send over them, and read each other's responses. This holds for those of an ``http_client``, too.

        Raises:
            StreamError: This is another process.
        """
        if self._adapter is not None and self._process != os.getpid():
            raise StreamError("the client was used before this process was forked; open a new one in each process")

    def _secrets(self) -> list[Secret]:
        """What a server, or a proxy, may quote and nobody may see."""
        proxy = self.proxy or (proxy_for(self.base_url) if self.http_client is None else None)
        return [value for value in (*self.headers.values(), proxy) if isinstance(value, Secret)]

    def _check_loop(self) -> None:
        if self.is_open and self._loop is not _current_loop():
            raise StreamError("the client belongs to another event loop; open and close it within one")


def client_for_app(app: Any) -> "httpx.AsyncClient":
    """Return an HTTP client that calls an ASGI application in this process, over no socket."""
    import httpx

    return httpx.AsyncClient(transport=httpx.ASGITransport(app))


def checked_http(http: object) -> str:
    """Return the name of an HTTP library that is installed.

    Raises:
        UsageError: It is not one that we can send with, or not installed.
    """
    if http not in ("httpx", "aiohttp"):
        raise UsageError(f"http must be 'httpx' or 'aiohttp', not {http!r}")
    try:
        _adapter_of(str(http)) if http != "httpx" else None
    except ImportError:
        raise UsageError(f"http={http!r} needs a package: pip install 'readahead[{http}]'") from None
    return str(http)


def checked_http_client(client: object) -> "HTTPClient | None":
    """Return a client to send with, or None.

    Raises:
        UsageError: It is of no library that we can send with.
    """
    if client is not None and _library_of(client) is None:
        raise UsageError(
            "http_client must be an httpx.AsyncClient, httpx2.AsyncClient or aiohttp.ClientSession, "
            f"not {type(client).__name__}"
        )
    return cast("HTTPClient | None", client)


def checked_timeout(seconds: object) -> float:
    """Return a positive, finite number of seconds.

    Raises:
        UsageError: It is none.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise UsageError(f"timeout must be a positive, finite number of seconds, not {seconds!r}")
    return float(seconds)


# ---- the libraries

_LIBRARIES = {"httpx": "AsyncClient", "httpx2": "AsyncClient", "aiohttp": "ClientSession"}


def _library_of(client: object) -> str | None:
    """The library whose client this is. Whoever has a client of a library has imported it."""
    for name, cls in _LIBRARIES.items():
        if name in sys.modules and isinstance(client, getattr(sys.modules[name], cls)):
            return name
    return None


def _adapter_of(library: str | None) -> Any:
    """The module that adapts a library."""
    if library == "aiohttp":
        from . import aiohttp_adapter

        return aiohttp_adapter
    from . import httpx_adapter

    return httpx_adapter


@functools.lru_cache(maxsize=64)  # what the pages of a listing share is encoded once
def _shared(path: str, params: tuple[tuple[str, str], ...]) -> str:
    return f"{path}?{urlencode(params, quote_via=quote)}&" if params else f"{path}?"


def _target(request: Request) -> str:
    """Path and query."""
    if not request.position:
        return _shared(request.path, request.params)[:-1]
    return _shared(request.path, request.params) + urlencode(request.position, quote_via=quote)


def _current_loop() -> object:
    """What connections belong to: asyncio's loop, or trio's token where the caller is no task of asyncio.

    Trio may be a guest of asyncio; both are running then.
    """
    import asyncio

    try:
        if asyncio.current_task():
            return asyncio.get_running_loop()
    except RuntimeError:
        pass
    return sys.modules["trio"].lowlevel.current_trio_token() if "trio" in sys.modules else None


# ---- exceptions

_LOWER = {"httpx", "httpx2", "httpcore", "httpcore2", "aiohttp", "h11", "h2", "hpack", "anyio", "trio"}
_LOWEST = {"certifi", "idna", "multidict", "propcache", "socksio", "yarl"}


def _translated(
    raised: BaseException,
    errors: Mapping[type[Exception], type[RequestError]],
    request: Request,
    timeout: float,
    redactor: Redactor,
) -> ReadaheadError | None:
    """The error of ours for what was raised below. None: it is raised again as it is."""
    return _translate(raised, errors, request, timeout, redactor) if isinstance(raised, Exception) else None


def _translate(
    raised: Exception,
    errors: Mapping[type[Exception], type[RequestError]],
    request: Request,
    timeout: float,
    redactor: Redactor,
) -> ReadaheadError | None:
    """The error of ours for an exception of the library, or of what lies below it; None for any other.

    The request was checked before it got here, so whatever the library complains about is the answer or the network.
    """
    if isinstance(raised, BodyFault):
        return _refused(raised, request, redactor)
    kinds = type(raised).__mro__
    cls = next((errors[kind] for kind in kinds if kind in errors), None)
    if cls is None:
        if isinstance(raised, TimeoutError):
            cls = TimedOut
        elif isinstance(raised, OSError) or any(_is_below(kind.__module__) for kind in kinds):
            cls = ConnectionLost
        elif not isinstance(raised, ReadaheadError) and _is_below(_origin_of(raised)):
            cls = RequestError  # a header that it cannot read: a bare ValueError or UnicodeError, with httpx
        else:
            return None
    if issubclass(cls, TimedOut):
        return _timed_out(request, timeout)
    return _failed(cls, request, redactor.text(_words(raised)))


def _is_below(module: str) -> bool:
    """Whether a module belongs to an HTTP library, or to what it is made of."""
    return module.partition(".")[0] in _LOWER | _LOWEST


def _origin_of(raised: BaseException) -> str:
    """The module that raised it, apart from the standard library."""
    name = ""
    for frame, _ in traceback.walk_tb(raised.__traceback__):
        module = str(frame.f_globals.get("__name__"))
        if module.partition(".")[0] not in sys.stdlib_module_names:
            name = module
    return name


def _words(error: BaseException) -> str:
    """The exception's words; of one that has none (trio's, httpcore's), those of its cause."""
    # aiohttp's ClientResponseError ends with the request's URL; its message does not.
    text = " ".join(str(getattr(error, "message", error)).split())
    if text:
        return f"{type(error).__name__}: " + re.sub(r"\?\S*", "?…", text)  # a URL's query holds values of filters
    below = error.__cause__ or error.__context__
    return type(error).__name__ if below is None else _words(below)


def _refused(fault: BodyFault, request: Request, redactor: Redactor) -> ReadaheadError:
    if issubclass(fault.kind, RequestError):
        return _failed(fault.kind, request, redactor.text(str(fault)))
    assert issubclass(fault.kind, ResponseTooLarge | UnexpectedAnswer)
    response = Response(request, fault.status, fault.headers, b"", redactor=redactor)
    return fault.kind(
        redactor.text(str(fault)),
        status=response.status,
        request=str(request),
        request_id=response.request_id,
        maybe_applied=maybe_applied(request.writes, fault.kind),
    )


def _timed_out(request: Request, timeout: float) -> RequestError:
    return _failed(TimedOut, request, f"no complete response within {timeout:g} s")


def _failed(cls: type[RequestError], request: Request, message: str) -> RequestError:
    return cls(message, request=str(request), maybe_applied=maybe_applied(request.writes, cls))
