"""Send with aiohttp: a tenth of the CPU that httpx takes, on asyncio only.

aiohttp repeats an idempotent request (GET, PUT) once, by itself, where the server closes the connection instead of
answering. Here ``Retry`` decides what is repeated, so this is off, for sessions of the user's too.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import aiohttp
import httpx
import yarl
from aiohttp.hdrs import CONTENT_ENCODING, LINK
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from ..errors import ConnectFailed, ConnectionLost, RequestError, TimedOut, UsageError
from .body import is_cut_short
from .bounded import Whole, read_body
from .connections import is_readable
from .origin import in_clear
from .request import Request
from .secret import Hidden, Secret, revealed

if TYPE_CHECKING:
    import ssl

__all__ = ["ERRORS", "AiohttpAdapter", "opened", "over"]

_JSON = {"Content-Type": "application/json"}
_LONGEST_HEADER = 65_536  # bytes; httpx takes as many, aiohttp's default is an eighth of it
_LISTS = (CONTENT_ENCODING, LINK)  # headers that come several times; httpx joins them
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)  # the transport has its own


class Dropped(aiohttp.ClientError):
    """The server closed the connection instead of answering. aiohttp does not repeat the request after it."""


ERRORS: Mapping[type[Exception], type[RequestError]] = {
    **dict.fromkeys(
        (
            aiohttp.ClientConnectorError,
            aiohttp.ClientConnectorDNSError,
            aiohttp.ClientConnectorSSLError,
            aiohttp.ClientConnectorCertificateError,
            aiohttp.ClientSSLError,
            aiohttp.ClientProxyConnectionError,
            aiohttp.ClientHttpProxyError,
            aiohttp.ServerFingerprintMismatch,
        ),
        ConnectFailed,
    ),
    **dict.fromkeys((aiohttp.ServerTimeoutError, aiohttp.ConnectionTimeoutError, aiohttp.SocketTimeoutError), TimedOut),
    **dict.fromkeys(
        (
            Dropped,
            aiohttp.ClientError,
            aiohttp.ClientConnectionError,
            aiohttp.ClientConnectionResetError,
            aiohttp.ClientOSError,
            aiohttp.ClientPayloadError,
            aiohttp.ClientResponseError,
            aiohttp.ContentTypeError,
            aiohttp.ServerConnectionError,
            aiohttp.ServerDisconnectedError,
            aiohttp.TooManyRedirects,
            getattr(aiohttp, "UploadAbortedError", aiohttp.ClientError),  # not in older releases
            aiohttp.WSServerHandshakeError,
            HttpProcessingError,
        ),
        ConnectionLost,
    ),
    **dict.fromkeys(
        (
            aiohttp.InvalidURL,
            aiohttp.InvalidUrlClientError,
            aiohttp.InvalidUrlRedirectClientError,
            aiohttp.NonHttpUrlClientError,
            aiohttp.NonHttpUrlRedirectClientError,
            aiohttp.RedirectClientError,
        ),
        RequestError,  # of our own URL nothing is left to complain about
    ),
}


class AiohttpAdapter:
    """A session of aiohttp, for one origin.

    Args:
        session: What sends.
        base_url: Where requests go.
        proxy: The proxy's URL, without a password.
        proxy_headers: Sent to the proxy.
    """

    errors = ERRORS

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        proxy: str | None = None,
        proxy_headers: Mapping[str, str | Secret] | None = None,
    ) -> None:
        self._session, self._base_url = session, base_url
        # Those of a request replace those of its session, and aiohttp shows the latter to nobody.
        known = getattr(session, "_middlewares", None)
        self._middlewares = None if known is None else (_send_once, *known)
        self._proxy, self._proxy_headers = proxy, Hidden(CIMultiDict(revealed(proxy_headers or {})))

    @property
    def is_closed(self) -> bool:
        """Whether the session is closed."""
        return self._session.closed

    def prepare(self, headers: Mapping[str, str | Secret], _timeout: float) -> Hidden[Any]:
        """Return headers in the form in which ``send`` takes them. The timeout is the transport's."""
        if self._session.auth is not None and "Authorization" in headers:
            raise UsageError("the auth of the http_client would replace this API's token; open it without auth")
        return Hidden(
            {has_body: CIMultiDict(revealed(headers, **_JSON if has_body else {})) for has_body in (False, True)}
        )

    async def send(
        self, prepared: Hidden[Any], request: Request, max_response: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send once: status, headers in lower case, and the body."""
        async with self._session.request(
            request.method,
            yarl.URL(self._base_url + request.target, encoded=True),
            data=request.body,
            headers=_with(prepared.reveal()[request.body is not None], request.headers),
            allow_redirects=False,
            raise_for_status=False,
            timeout=_NO_TIMEOUT,
            auto_decompress=False,
            middlewares=self._middlewares,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            proxy=self._proxy,
            proxy_headers=self._proxy_headers.reveal(),
        ) as response:
            headers = {name.lower(): text for name, text in response.headers.items()}
            for name in _LISTS:
                if name in response.headers:
                    headers[name.lower()] = ", ".join(response.headers.getall(name))
            if response.content.at_eof():  # empty, or a middleware of the user's has read it
                pieces: AsyncIterator[bytes] = Whole(await response.read())
            else:
                pieces = response.content.iter_any()
            content = await read_body(pieces, response.status, headers, max_response)
            if is_cut_short(response.status, headers, content):
                raise aiohttp.ClientPayloadError("the connection was closed before the body was complete")
            return response.status, headers, content

    async def aclose(self) -> None:
        """Close the session."""
        await self._session.close()


def over(session: aiohttp.ClientSession, base_url: str) -> AiohttpAdapter:
    """Send with a session of the user's.

    Raises:
        UsageError: It would send plain http through a proxy.
    """
    if base_url.startswith("http:") and _has_proxy(session, base_url):
        raise in_clear(base_url)
    return AiohttpAdapter(session, base_url)


def opened(base_url: str, proxy: Secret | None, context: "ssl.SSLContext") -> AiohttpAdapter:
    """Send with a new session.

    Raises:
        UsageError: The proxy cannot be used.
    """
    url, proxy_headers = _proxy(proxy) if proxy else (None, None)
    session = aiohttp.ClientSession(
        connector=_Connector(limit=0, ssl=context),  # 0 is no limit: requests wait before they get here
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    return AiohttpAdapter(session, base_url, url, proxy_headers)


def _with(headers: CIMultiDict[str], more: tuple[tuple[str, str], ...]) -> CIMultiDict[str]:
    if more:
        headers = headers.copy()
        headers.update(more)
    return headers


class _Connector(aiohttp.TCPConnector):
    """Never reuses a connection on which something came that was not asked for: it would pass for the next answer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType]  of a socket factory
        self._used = WeakSet[object]()

    async def connect(self, *arguments: Any, **more: Any) -> aiohttp.connector.Connection:
        """Return a new connection, or a clean one."""
        while True:
            connection = await super().connect(*arguments, **more)
            protocol = connection.protocol
            if protocol not in self._used:  # what is readable on a new one is part of its TLS
                self._used.add(protocol)
                return connection
            if protocol is None or not (protocol.should_close or _is_readable(connection)):
                return connection
            connection.close()


def _is_readable(connection: aiohttp.connector.Connection) -> bool:
    """Whether bytes, or the end, have come that the event loop has not read yet."""
    socket = None if connection.transport is None else connection.transport.get_extra_info("socket")
    return socket is not None and is_readable(socket.fileno())


async def _send_once(
    request: aiohttp.ClientRequest, handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Dropped(f"{type(error).__name__}: {error}") from error


def _has_proxy(session: aiohttp.ClientSession, base_url: str) -> bool:
    """Whether a session of the user's has a proxy for a URL, of its own or from the environment, as it is now."""
    if getattr(session, "_default_proxy", None) is not None:
        return True
    with suppress(LookupError):
        return session.trust_env and bool(aiohttp.helpers.get_env_proxy_for_url(yarl.URL(base_url)))
    return False


def _proxy(url: Secret) -> tuple[str, Mapping[str, str | Secret] | None]:
    """The proxy's URL without its password, and the header that carries it."""
    proxy, fault = None, ""
    try:
        proxy = httpx.Proxy(url.reveal())
    except (ValueError, httpx.InvalidURL) as error:
        fault = f"the proxy cannot be used: {error}"
    if proxy is None:  # raised here, httpx's exception does not stay as the context: it holds the password
        raise UsageError(fault)
    if proxy.url.scheme.startswith("socks"):
        raise UsageError("aiohttp cannot use a SOCKS proxy; use httpx, the default, with pip install 'httpx[socks]'")
    if proxy.raw_auth is None:
        return str(proxy.url), None
    return str(proxy.url), {
        "Proxy-Authorization": Secret("Basic " + base64.b64encode(b":".join(proxy.raw_auth)).decode())
    }
