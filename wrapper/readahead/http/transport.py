"""Requests go out here and answers come in. The only module of the wrapper that knows httpx.

Another HTTP library is a change in this file alone. There are three ways out, and the variables for proxies and
certificates (``HTTPS_PROXY``, ``NO_PROXY``, ``SSL_CERT_FILE``, …) work with each:

    a session of aiohttp            under asyncio: a tenth of the CPU that httpx takes
    httpx over aiohttp's transport  under asyncio, where ``DIRECT`` is false
    httpx as it comes               under trio, through a proxy that speaks SOCKS or wants a password, and where the
                                    user handed in a client

aiohttp repeats an idempotent request (GET, PUT) once, by itself, when the server closes the connection, kept alive or
new, instead of answering: one attempt of ``Retry`` is then two requests. It never repeats a POST, and httpx nothing.
"""

# ruff: noqa: PLC0415
# Importing this module stays cheap: httpx, aiohttp and what else takes long to import is imported when it is used.

import logging
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode, urlsplit

import anyio
from attrs import define, field, frozen

from ..errors import ConnectFailed, ConnectionLost, ReadaheadError, RequestError, StreamError, TimedOut, UsageError

if TYPE_CHECKING:
    import asyncio
    import ssl

    from httpx import AsyncClient as HTTPClient

__all__ = ["HTTPClient", "Request", "Response", "Secret", "Transport", "client_for_app"]


@frozen(repr=False, eq=False)
class Secret:
    """A credential. Only the transport looks inside."""

    value: str

    def __repr__(self) -> str:
        return "Secret(…)"


@frozen
class Request:
    """One request, not yet tied to a client.

    operation: method and path template, for messages (``GET /v1/customers/{customer_id}``).
    params: filters and order, as sent. position: paging parameters; the only ones that messages show values of.
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
        """Whether doing it twice is the same as doing it once (RFC 9110, 9.2.2)."""
        return self.method != "POST"


@frozen
class Response:
    """What came back: status, headers with lower-case names, the whole body, and how many seconds it took."""

    request: Request
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    seconds: float = 0.0

    @property
    def request_id(self) -> str | None:
        """The id that the server gave the request, under the names in use."""
        return next((self.headers[name] for name in _REQUEST_IDS if name in self.headers), None)


_REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "cf-ray")


@define(eq=False)
class Transport:
    """One client's way to one origin.

    headers: sent with each request, and kept out of the connection pool, which may be shared.
    timeout: seconds that a request may take, from its start to the last byte of the answer.
    """

    base_url: str
    headers: Mapping[str, str | Secret]
    timeout: float
    proxy: str | None = field(default=None, repr=False)
    verify: "ssl.SSLContext | bool" = True
    http_client: "HTTPClient | None" = None
    _own: "HTTPClient | _Session | None" = field(default=None, init=False)
    _loop: "asyncio.AbstractEventLoop | None" = field(default=None, init=False)  # that our connections belong to
    _closed: bool = field(default=False, init=False)

    @property
    def is_open(self) -> bool:
        """Whether connections of ours may be open."""
        return self._own is not None

    async def send(self, request: Request) -> Response:
        """Send once and read the whole answer. Raises a RequestError, or StreamError if closed."""
        if self._closed:
            raise StreamError("the client is closed")
        client = self.http_client or self._own
        if client is None:
            client = self._own = _open(self.base_url, self.proxy, self.verify, self.timeout)
            self._loop = _running_loop()
        self._check_usable(client)
        began = anyio.current_time()
        try:
            with anyio.move_on_after(self.timeout):
                if isinstance(client, _Session):
                    url = f"{self.base_url}{request.path}"
                    status, headers, body = await client.send(request, url, self._headers(request))
                else:
                    status, headers, body = await self._by_httpx(client, request)
                return Response(request, status, headers, body, anyio.current_time() - began)
        except Exception as raised:  # noqa: BLE001  what is not the network's is raised again as it is
            error = _translate(raised, request, self.timeout)
        else:
            error = _too_late(request, self.timeout)
        # Raised out here, the exception below does not stay on as the context: it holds the request, and so the key.
        raise error

    async def _by_httpx(self, client: "HTTPClient", request: Request) -> tuple[int, dict[str, str], bytes]:
        import httpx

        # The auth of a client that was handed in would take the place of our Authorization header.
        auth = None if "Authorization" in self.headers else httpx.USE_CLIENT_DEFAULT
        with _unlogged(client is self._own):
            built = client.build_request(
                request.method,
                self.base_url + request.path,
                params=[*request.params, *request.position] or None,
                content=request.body,
                headers=self._headers(request),
                timeout=self.timeout,
            )
            try:
                response = await client.send(built, follow_redirects=False, auth=auth)
            except httpx.HTTPStatusError as raised:  # by a hook of the user's client; judging is done elsewhere
                response = raised.response
                await response.aread()
        return response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.content

    async def aclose(self) -> None:
        """Close our own connections; a client that was handed in stays open."""
        if self._own is not None:
            self._check_usable(self._own)
        self._closed = True
        own, self._own = self._own, None
        if own is not None:
            with anyio.CancelScope(shield=True):
                await own.aclose()

    def _check_usable(self, client: "HTTPClient | _Session") -> None:
        if client.is_closed:
            raise StreamError("the http_client that was given is closed")
        if client is self._own and self._loop is not _running_loop():
            raise StreamError("the client belongs to another event loop; open and close it within one")

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {k: v.value if isinstance(v, Secret) else v for k, v in self.headers.items()}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return headers


def client_for_app(app: Any) -> "HTTPClient":
    """An HTTP client that calls an ASGI application in this process, over no socket."""
    import httpx

    return httpx.AsyncClient(transport=httpx.ASGITransport(app))


def checked_base_url(url: str) -> str:
    """An https URL, or http to this machine itself; without query, credentials or a trailing slash."""
    # urlsplit leaves out tabs and line ends, so that it would read another URL than the one that is sent to.
    if not isinstance(cast("object", url), str) or any(c.isspace() or not c.isprintable() for c in url):
        raise UsageError(f"base_url: {url!r} was given; allowed is https://HOST[:PORT][/PATH]")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        shown = "" if "@" in url else f" {url!r} was given, which is no URL;"
        raise UsageError(f"base_url:{shown} allowed is https://HOST[:PORT][/PATH]") from None
    if "@" in parts.netloc:
        raise UsageError("base_url: credentials do not belong in a URL; they have arguments of their own")
    named = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    if parts.scheme not in {"http", "https"} or not host or parts.netloc.lower() != named or "?" in url or "#" in url:
        raise UsageError(f"base_url: {url!r} was given; allowed is https://HOST[:PORT][/PATH]")
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(f"base_url: {url!r} was given; plain http would show the key to the network. Use https")
    return url.rstrip("/")


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def checked_http_client(given: object) -> "HTTPClient | None":
    """A client to send with, or None."""
    if given is None:
        return None
    from httpx import AsyncClient

    if not isinstance(given, AsyncClient):
        raise UsageError(f"http_client: {type(given).__name__} was given; allowed is AsyncClient")
    return given


def checked_timeout(seconds: object) -> float:
    """A positive, finite number of seconds."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise UsageError(f"timeout: {seconds!r} was given; allowed is a positive, finite number of seconds")
    return float(seconds)


def _is_loopback(host: str) -> bool:
    if host.rstrip(".").lower() == "localhost":
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


DIRECT = True  # whether aiohttp is used without httpx in between

_LONGEST_HEADER = 65_536  # bytes; httpx takes as many, aiohttp's own default is an eighth of it


class _Session:
    """aiohttp, for one origin."""

    def __init__(self, base_url: str, proxy: str | None, context: "ssl.SSLContext | bool") -> None:
        import aiohttp
        import yarl

        self._url = yarl.URL
        self._proxy = proxy or _proxy_for(base_url)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),  # 0 is no limit: requests never wait in the pool
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # the transport's own holds
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
        )

    async def send(self, request: Request, url: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Send once: status, headers with lower-case names, and the body."""
        if query := urlencode((*request.params, *request.position), quote_via=quote):
            url = f"{url}?{query}"
        async with self._session.request(
            request.method,
            self._url(url, encoded=True),
            data=request.body,
            headers=headers,
            allow_redirects=False,
            proxy=self._proxy,
        ) as response:
            body = await response.read()
            return response.status, {name.lower(): value for name, value in response.headers.items()}, body

    @property
    def is_closed(self) -> bool:
        """As httpx says it."""
        return self._session.closed

    async def aclose(self) -> None:
        """As httpx does it."""
        await self._session.close()


def _open(
    base_url: str,
    proxy: str | None,
    verify: "ssl.SSLContext | bool",
    timeout: float,
) -> "HTTPClient | _Session":
    from urllib.request import getproxies

    proxies = [proxy] if proxy else [url for scheme, url in getproxies().items() if scheme in {"http", "https", "all"}]
    # aiohttp speaks no SOCKS, and takes a proxy's password in a way of its own.
    stock = _running_loop() is None or any(url.startswith("socks") or "@" in url for url in proxies)
    try:
        if stock or not DIRECT:
            return _open_httpx(stock, proxy=proxy, verify=verify, timeout=timeout)
        # Loading certificates takes 20 ms, and to this machine itself they may not be needed.
        secure = base_url.startswith("https:") or proxies
        return _Session(base_url, proxy, _tls(verify) if secure else True)
    except (ValueError, ImportError, OSError) as error:
        raise UsageError(f"proxy or verify cannot be used: {error}") from None


def _open_httpx(stock: bool, **options: Any) -> "HTTPClient":  # noqa: FBT001
    import httpx

    try:
        if stock:
            # Requests are held back before the pool, never in it: it slows down with every request that waits.
            return httpx.AsyncClient(limits=httpx.Limits(max_connections=None, max_keepalive_connections=20), **options)
        from httpx_aiohttp import HttpxAiohttpClient

        # 0 is aiohttp's word for no limit; None would leave it at its default of 100.
        return HttpxAiohttpClient(limits=httpx.Limits(max_connections=0), **options)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None


def _tls(verify: "ssl.SSLContext | bool") -> "ssl.SSLContext":
    """What httpx makes of ``verify`` and the variables."""
    import ssl

    if isinstance(verify, ssl.SSLContext):
        return verify
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if file := os.environ.get("SSL_CERT_FILE"):
        return ssl.create_default_context(cafile=file)
    if folder := os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context(capath=folder)
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _proxy_for(base_url: str) -> str | None:
    """The proxy that the environment names for this origin."""
    from urllib.request import getproxies, proxy_bypass

    scheme, host, _ = origin(base_url)
    if proxy_bypass(urlsplit(base_url).netloc) or proxy_bypass(host):
        return None
    found = getproxies().get(scheme) or getproxies().get("all")
    return found if found is None or "://" in found else f"http://{found}"


def _running_loop() -> "asyncio.AbstractEventLoop | None":
    """The loop of asyncio that the caller is a task of; None: it is another library's, which may be a guest of one."""
    import asyncio

    try:
        return asyncio.get_running_loop() if asyncio.current_task() else None
    except RuntimeError:
        return None


def _translate(raised: Exception, request: Request, timeout: float) -> ReadaheadError:
    """An error of httpx, or of what lies below it, as one of ours. Any other is raised again."""
    # Told by name: a library whose error this is has been imported, and the others need not be.
    origins = {cls.__module__.partition(".")[0] for cls in type(raised).__mro__}
    if not isinstance(raised, OSError) and origins.isdisjoint(_LIBRARIES):
        raise raised
    if "httpx" in origins and {cls.__name__ for cls in type(raised).__mro__} & {"InvalidURL", "UnsupportedProtocol"}:
        return UsageError(f"{request}: {type(raised).__name__}: {raised}")
    # httpx-aiohttp reports a connection that the server dropped as ConnectTimeout: what lies beneath is exact.
    cause = raised.__cause__ if "httpx" in origins and raised.__cause__ else raised
    kinds = {cls.__name__ for cls in type(cause).__mro__}
    said = _words(cause)
    if kinds & {"TimeoutException", "TimeoutError"}:
        return _too_late(request, timeout)
    if kinds & _NO_CONNECTION:
        return _lost(ConnectFailed, request, said)
    return _lost(ConnectionLost, request, said)


def _words(error: BaseException) -> str:
    """What the error says; of one that says nothing (trio's, httpcore's), what the one beneath it says."""
    # aiohttp's ClientResponseError ends with the whole URL, filter values included; its message does not.
    if text := " ".join(str(getattr(error, "message", error)).split()):
        return f"{type(error).__name__}: {text}"
    below = error.__cause__ or error.__context__
    return type(error).__name__ if below is None else _words(below)


_LIBRARIES = {"httpx", "httpcore", "aiohttp", "h11", "anyio", "trio"}

# That no connection was made is proof that nothing was applied; no other failure is.
_NO_CONNECTION = {
    *("ConnectError", "ProxyError"),  # httpx and httpcore
    *("ClientConnectorError", "ClientHttpProxyError", "ClientProxyConnectionError"),  # aiohttp
}


def _too_late(request: Request, timeout: float) -> RequestError:
    return _lost(TimedOut, request, f"no whole answer within {timeout:g} s")


def _lost(cls: type[RequestError], request: Request, message: str) -> RequestError:
    applied = request.method in {"POST", "PUT"} and cls is not ConnectFailed
    return cls(message, request=str(request), maybe_applied=applied)


# httpx logs whole URLs at INFO, filter values included. For clients of our own that line is left out.
_quiet: ContextVar[bool] = ContextVar("_quiet", default=False)


@contextmanager
def _unlogged(ours: bool) -> Generator[None, None, None]:  # noqa: FBT001
    token = _quiet.set(ours)
    try:
        yield
    finally:
        _quiet.reset(token)


def _not_quiet(_record: logging.LogRecord) -> bool:
    return not _quiet.get()


logging.getLogger("httpx").addFilter(_not_quiet)
