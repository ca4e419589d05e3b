"""Send with aiohttp: a tenth of the CPU that httpx takes, on asyncio only.

aiohttp repeats an idempotent request (GET, PUT) once, by itself, where the server closes the connection instead of
answering. For sessions of ours this is off. A session of the user's goes on to do so: one attempt of ``Retry`` is then
up to two requests.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import aiohttp
import httpx
import yarl
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from ..errors import ConnectFailed, ConnectionLost, ReadaheadError, TimedOut, UsageError
from .body import is_cut_short
from .secret import Hidden, Secret, revealed

if TYPE_CHECKING:
    import ssl

__all__ = ["ERRORS", "AiohttpAdapter", "opened", "over"]

_JSON = {"Content-Type": "application/json"}
_LONGEST_HEADER = 65_536  # bytes; httpx takes as many, aiohttp's default is an eighth of it
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)  # the transport has its own


class Dropped(aiohttp.ClientError):
    """The server closed the connection instead of answering. aiohttp does not repeat the request after it."""


ERRORS: Mapping[type[Exception], type[ReadaheadError]] = {
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
        UsageError,
    ),
}


class AiohttpAdapter:
    """A session of aiohttp, for one origin.

    Args:
        session: What sends.
        base_url: Where requests go.
        headers: Sent with each request, and kept out of the session.
        proxy: The proxy's URL, without a password.
        proxy_headers: Sent to the proxy.
    """

    errors = ERRORS

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        headers: Mapping[str, str | Secret],
        proxy: str | None = None,
        proxy_headers: Mapping[str, str | Secret] | None = None,
    ) -> None:
        if proxy_headers and base_url.startswith("http:"):
            headers = {**headers, **proxy_headers}  # without a tunnel the proxy reads the request's own
        self._session, self._base_url = session, base_url
        self._headers = Hidden(
            {has_body: CIMultiDict(revealed(headers, **_JSON if has_body else {})) for has_body in (False, True)}
        )
        self._proxy, self._proxy_headers = proxy, Hidden(CIMultiDict(revealed(proxy_headers or {})))

    @property
    def is_closed(self) -> bool:
        """Whether the session is closed."""
        return self._session.closed

    async def send(self, method: str, target: str, body: bytes | None) -> tuple[int, Mapping[str, str], bytes]:
        """Send once: status, headers in lower case, and the body."""
        async with self._session.request(
            method,
            yarl.URL(self._base_url + target, encoded=True),
            data=body,
            headers=self._headers.value[body is not None],
            allow_redirects=False,
            raise_for_status=False,
            timeout=_NO_TIMEOUT,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            proxy=self._proxy,
            proxy_headers=self._proxy_headers.value,
        ) as response:
            content = await response.read()
            received = {name.lower(): text for name, text in response.headers.items()}
            if is_cut_short(response.status, received, content):
                raise aiohttp.ClientPayloadError("the connection was closed before the body was complete")
            return response.status, received, content

    async def aclose(self) -> None:
        """Close the session."""
        await self._session.close()


def over(
    session: aiohttp.ClientSession, base_url: str, headers: Mapping[str, str | Secret], _timeout: float
) -> AiohttpAdapter:
    """Send with a session of the user's.

    Raises:
        UsageError: Its auth would contradict our Authorization header.
    """
    if session.auth is not None and "Authorization" in headers:
        raise UsageError("the auth of the http_client would replace this API's token; open it without auth")
    return AiohttpAdapter(session, base_url, headers)


def opened(
    base_url: str, headers: Mapping[str, str | Secret], _timeout: float, proxy: Secret | None, context: "ssl.SSLContext"
) -> AiohttpAdapter:
    """Send with a new session.

    Raises:
        UsageError: The proxy cannot be used.
    """
    url, proxy_headers = _proxy(proxy) if proxy else (None, None)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=context),  # 0 is no limit: requests never wait in the pool
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_send_once,),
    )
    return AiohttpAdapter(session, base_url, headers, url, proxy_headers)


async def _send_once(
    request: aiohttp.ClientRequest, handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Dropped(f"{type(error).__name__}: {error}") from error


def _proxy(url: Secret) -> tuple[str, Mapping[str, str | Secret] | None]:
    """The proxy's URL without its password, and the header that carries it."""
    proxy, fault = None, ""
    try:
        proxy = httpx.Proxy(url.value)
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
