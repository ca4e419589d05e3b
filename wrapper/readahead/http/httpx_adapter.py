"""Send with httpx or httpx2, whose interfaces are the same here, on asyncio and on trio."""

import functools
import logging
import sys
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qsl

import anyio
import httpx
from anyio import lowlevel

from ..errors import ConnectFailed, ConnectionLost, RequestError, TimedOut, UsageError
from .body import is_cut_short
from .bounded import Whole, read_body
from .httpx_pool import Pools
from .origin import in_clear
from .request import Request
from .secret import Hidden, Secret, revealed

if TYPE_CHECKING:
    import ssl

__all__ = ["HttpxAdapter", "errors_of", "opened", "over"]

_JSON = {"Content-Type": "application/json"}
_WITHOUT_WAITING = 30_000  # pieces that may have been received and not been read yet: of a byte, in h11's buffer
_ERRORS: dict[type[RequestError], str] = {
    ConnectFailed: "ConnectError ProxyError",
    TimedOut: "TimeoutException ConnectTimeout ReadTimeout WriteTimeout PoolTimeout",
    ConnectionLost: (
        "HTTPError RequestError TransportError NetworkError ReadError WriteError CloseError ProtocolError "
        "LocalProtocolError RemoteProtocolError DecodingError TooManyRedirects HTTPStatusError SSEError "
        # Mistakes of a hook or an auth of the user's; the request may have been sent before.
        "StreamError StreamConsumed StreamClosed ResponseNotRead RequestNotRead"
    ),
    # Of our own URL nothing is left to complain about: it is a URL in the answer, or a mistake as above.
    RequestError: "InvalidURL UnsupportedProtocol CookieConflict",
}


@functools.cache
def errors_of(library: ModuleType) -> Mapping[type[Exception], type[RequestError]]:
    """Return the exceptions of httpx or httpx2, and the error of ours that each becomes."""
    names = {name: ours for ours, line in _ERRORS.items() for name in line.split()}
    return {getattr(library, name): ours for name, ours in names.items() if hasattr(library, name)}


class HttpxAdapter:
    """A client of httpx or httpx2, for one origin. Its hooks, mounts, mocks and instrumentation apply.

    Args:
        client: What sends.
        base_url: Where requests go.
        is_ours: Whether nobody else uses the client. Then what it adds to a request is built once.
    """

    def __init__(self, client: Any, base_url: str, *, is_ours: bool) -> None:
        self._library: Any = _library_of(client)
        self._client, self._base_url, self._is_ours = client, base_url, is_ours
        self.errors = errors_of(self._library)

    @property
    def is_closed(self) -> bool:
        """Whether the client is closed."""
        return bool(self._client.is_closed)

    def prepare(self, headers: Mapping[str, str | Secret], timeout: float) -> Hidden[Any]:
        """Return headers and timeout in the form in which ``send`` takes them."""
        # The auth of a client would replace our Authorization header.
        auth = None if "Authorization" in headers else self._library.USE_CLIENT_DEFAULT
        prepared = _Prepared(revealed(headers), revealed(headers, **_JSON), timeout, auth)
        if not self._is_ours:
            return Hidden(prepared)
        shared = [self._merged(prepared, Request("GET", "", "", body=body)) for body in (None, b"{}")]
        for prototype in shared:
            prototype.headers.pop("Content-Length", None)
        return Hidden(_Prepared(shared[0].headers, shared[1].headers, timeout, auth, shared[0].extensions))

    async def send(
        self, prepared: Hidden[Any], request: Request, max_response: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send once: status, headers in lower case, and the body."""
        built = self._built(prepared.reveal(), request)
        with _unlogged(self._is_ours):
            try:
                response = await self._client.send(
                    built, auth=prepared.reveal().auth, follow_redirects=False, stream=True
                )
            except self._library.HTTPStatusError as raised:  # by a hook; statuses are judged elsewhere
                response = raised.response
        status, headers = response.status_code, _lowered(response.headers)
        try:
            received = await self._read(response, headers, max_response)
        finally:
            if not response.is_closed:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        if _is_http_1(response.extensions) and is_cut_short(status, headers, received):
            raise self._library.RemoteProtocolError("the connection was closed before the body was complete")
        return status, headers, received

    async def _read(self, response: Any, headers: Mapping[str, str], max_response: int) -> bytes:
        try:
            content = response.content
        except self._library.ResponseNotRead:
            pass
        else:  # a mock has no other, or a hook has read it; httpx has decompressed it
            return await read_body(Whole(content), response.status_code, {}, max_response)
        pieces = response.aiter_raw()
        try:
            return await read_body(pieces, response.status_code, headers, max_response)
        except self._library.StreamError:  # the client closes a response that its hook refuses before it is read
            return b""
        finally:
            if not response.is_closed:
                await _end(pieces)

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()

    def _built(self, prepared: "_Prepared", request: Request) -> Any:
        build = self._shared if self._is_ours else self._merged
        try:
            return build(prepared, request)
        except self._library.InvalidURL as error:  # longer than httpx allows
            fault = f"the request cannot be sent: {error}; use fewer or shorter values"
        raise UsageError(fault)  # raised here, httpx's exception does not stay as the context: it holds the values

    def _shared(self, prepared: "_Prepared", request: Request) -> Any:
        headers = prepared.plain if request.body is None else prepared.with_body
        if request.headers:
            headers = headers.copy()
            headers.update(request.headers)
        return httpx.Request(
            request.method,
            self._base_url + request.target,
            headers=headers,
            content=request.body,
            extensions=prepared.extensions,
        )

    def _merged(self, prepared: "_Prepared", request: Request) -> Any:
        # httpx replaces the query of a URL where the client has parameters of its own.
        path, _, query = request.target.partition("?")
        params = parse_qsl(query, keep_blank_values=True) if self._client.params else None
        return self._client.build_request(
            request.method,
            self._base_url + (request.target if params is None else path),
            params=cast("Any", params),
            headers=(prepared.plain if request.body is None else prepared.with_body) | dict(request.headers),
            content=request.body,
            timeout=prepared.timeout,
        )


class _Prepared(NamedTuple):
    """What the requests of a client share."""

    plain: Any  # headers without a body
    with_body: Any
    timeout: float  # for each of httpx's own timeouts
    auth: Any
    extensions: Any = None


def over(client: Any, base_url: str) -> HttpxAdapter:
    """Send with a client of the user's.

    Raises:
        UsageError: It would send plain http through a proxy.
    """
    if base_url.startswith("http:") and _has_proxy(client, base_url):
        raise in_clear(base_url)
    return HttpxAdapter(client, base_url, is_ours=False)


def _has_proxy(client: Any, base_url: str) -> bool:
    """Whether a client of the user's has a proxy for a URL. What its own transports do, only they know."""
    find = getattr(client, "_transport_for_url", None)
    pool = None if find is None else getattr(find(_library_of(client).URL(base_url)), "_pool", None)
    return "Proxy" in type(pool).__name__


def opened(base_url: str, proxy: Secret | None, context: "ssl.SSLContext") -> HttpxAdapter:
    """Send with a new client.

    Raises:
        UsageError: The proxy cannot be used.
    """

    def open_pool() -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=context,
            proxy=None if proxy is None else proxy.reveal(),
            trust_env=False,  # what the environment says is in context and proxy
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )

    try:
        pools = Pools(open_pool)
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        fault = f"the proxy cannot be used: {error}"
    else:
        cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        return HttpxAdapter(httpx.AsyncClient(transport=pools, cookies=cookies), base_url, is_ours=True)
    # Raised here, httpx's exception does not stay as the context: its traceback holds the proxy's password.
    raise UsageError(fault)


def _library_of(client: Any) -> Any:
    return httpx if isinstance(client, httpx.AsyncClient) else sys.modules["httpx2"]


async def _end(pieces: AsyncGenerator[bytes, None]) -> None:
    """End an iteration that stopped half-way.

    httpx nests generators, and closing the outer one leaves the others to the collector, about which trio warns. A
    cancellation ends them all, from the inside, where they wait for the network.
    """
    with suppress(Exception), anyio.CancelScope() as scope:
        scope.cancel()
        for number in range(_WITHOUT_WAITING):
            if await anext(pieces, None) is None:
                break
            if number % 64 == 63:
                await lowlevel.cancel_shielded_checkpoint()
    with anyio.CancelScope(shield=True):
        await pieces.aclose()


def _is_http_1(extensions: Mapping[str, Any]) -> bool:
    """Whether it came over a socket, by HTTP/1: of HTTP/2 the library notices the end, and mocks have none."""
    return "network_stream" in extensions and extensions.get("http_version") in {b"HTTP/1.0", b"HTTP/1.1"}


def _lowered(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


# httpx logs whole URLs at INFO, values of filters included; at DEBUG httpcore logs the headers of a response, which may
# quote a URL or a key, and the password of a SOCKS proxy. For clients of ours these lines are left out.
_QUOTING = ("receive_response_headers.", "setup_socks5_connection.")
_quiet: ContextVar[bool] = ContextVar("_quiet", default=False)


@contextmanager
def _unlogged(is_ours: bool) -> Generator[None, None, None]:  # noqa: FBT001
    token = _quiet.set(is_ours)
    try:
        yield
    finally:
        _quiet.reset(token)


def _not_quiet(_record: logging.LogRecord) -> bool:
    return not _quiet.get()


def _not_quoting(record: logging.LogRecord) -> bool:
    return not (_quiet.get() and str(record.msg).startswith(_QUOTING))


logging.getLogger("httpx").addFilter(_not_quiet)
for _layer in ("http11", "http2", "socks"):
    logging.getLogger(f"httpcore.{_layer}").addFilter(_not_quoting)
