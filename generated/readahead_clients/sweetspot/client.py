"""Where requests go to and how: the first argument of the functions in `api`."""

import ssl
from typing import Any, Self

import httpx
from attrs import define, evolve, field

__all__ = ["AuthenticatedClient", "Client"]


@define(kw_only=True, eq=False)
class Client:
    """A client without credentials. Use it with `async with`, which closes its connections.

    Args:
        base_url: Requests go to paths below it.
        cookies: Sent with every request.
        headers: Sent with every request.
        timeout: In seconds, or an `httpx.Timeout`; None is no limit.
        verify_ssl: Whether to check the server's certificate, or how.
        follow_redirects: Whether to send a request again where a redirect leads.
        httpx_args: More arguments of `httpx.AsyncClient`, such as `transport`.
    """

    base_url: str
    cookies: dict[str, str] = field(factory=dict, repr=False)
    headers: dict[str, str] = field(factory=dict, repr=False)
    timeout: float | httpx.Timeout | None = 30.0
    verify_ssl: bool | ssl.SSLContext = True
    follow_redirects: bool = False
    httpx_args: dict[str, Any] = field(factory=dict, repr=False)
    _async_client: httpx.AsyncClient | None = field(default=None, init=False, repr=False)

    def with_headers(self, headers: dict[str, str]) -> Self:
        """Return a new client with more headers; it shares no connections with this one."""
        return evolve(self, headers={**self.headers, **headers})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """Return a new client with more cookies; it shares no connections with this one."""
        return evolve(self, cookies={**self.cookies, **cookies})

    def with_timeout(self, timeout: float | httpx.Timeout | None) -> Self:
        """Return a new client with another timeout; it shares no connections with this one."""
        return evolve(self, timeout=timeout)

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Send requests with `async_client`, whose own settings hold: base URL, headers, timeout and all else."""
        self._async_client = async_client
        return self

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """Return the httpx client that sends requests; it is made on first use."""
        if self._async_client is None:
            self._async_client = httpx.AsyncClient(
                base_url=self.base_url,
                cookies=self.cookies,
                headers=self._headers_to_send(),
                timeout=self.timeout,
                verify=self.verify_ssl,
                follow_redirects=self.follow_redirects,
                **self.httpx_args,
            )
        return self._async_client

    def _headers_to_send(self) -> dict[str, str]:
        return self.headers

    async def __aenter__(self) -> Self:
        await self.get_async_httpx_client().__aenter__()
        return self

    async def __aexit__(self, *args: Any) -> None:
        await self.get_async_httpx_client().__aexit__(*args)


@define(kw_only=True, eq=False)
class AuthenticatedClient(Client):
    """A client that sends a token with every request.

    Args:
        token: The credential.
        prefix: Stands before it, with a space between; empty for none.
        auth_header_name: The header that carries both.
    """

    token: str = field(repr=False)
    prefix: str = "Bearer"
    auth_header_name: str = "Authorization"

    def _headers_to_send(self) -> dict[str, str]:
        return {**self.headers, self.auth_header_name: f"{self.prefix} {self.token}".lstrip()}
