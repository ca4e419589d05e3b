"""What users hold: a client with its options."""

import functools
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypedDict, Unpack, cast

from ..errors import UsageError
from ..events import RequestFinished, RequestRetried, RequestStarted
from .bounded import ACCEPT_ENCODING, MAX_RESPONSE, checked_max_response
from .connections import checked_max_connections, checked_pool_timeout
from .credentials import Credential, Credentials, header_fault
from .deadline import checked_deadline
from .fingerprint import Fingerprint
from .gate import Gate, checked_gate
from .headers import checked_headers
from .libraries import checked_http, checked_http_client
from .observe import Hook, Watch, checked_hooks
from .origin import checked_base_url, checked_proxy, checked_verify
from .pacing import Pace, Pacer
from .quota import Quota, QuotaState
from .retry import Budget, Retry
from .sender import CallOptions, Sender, checked
from .sessions import Sessions
from .traces import conceals
from .transport import Transport, checked_timeout

if TYPE_CHECKING:
    import ssl

    from .libraries import HTTPClient

__all__ = ["CallOptions", "Client", "ClientOptions"]


_HOME: Final = cast("str", object())  # tells a base URL that was not given from one that is empty or None


class ClientOptions(TypedDict, total=False):
    """What every client takes besides its credentials and pace; see ``Client``."""

    base_url: str
    timeout: float
    retry: Retry | None
    http: Literal["httpx", "aiohttp"]
    proxy: str | None
    verify: "ssl.SSLContext | bool"
    user_agent: str | None
    http_client: "HTTPClient | None"
    max_response: int
    max_connections: int | None
    pool_timeout: float | None
    deadline: float | None
    headers: Mapping[str, str] | None
    insecure: bool
    gate: Gate | None
    on_request: Hook[RequestStarted] | None
    on_response: Hook[RequestFinished] | None
    on_retry: Hook[RequestRetried] | None


class Client:
    """What ``Kintsugi`` and ``SweetSpot`` share. It connects when first used; close it, or use ``async with``.

    Args:
        credentials: What each header that says who asks holds; text is sent as it is.
        home: The API's own address. Credentials of the environment are sent nowhere else.
        base_url: Where the API is: https, or http on this machine. By default ``home``.
        timeout: Seconds from the start of a request to the last byte of its response.
        retry: What is repeated, and when.
        pace: The budget of requests, shared by all listings of the client. None: no budget.
        http: The library to send with. ``"aiohttp"`` takes a tenth of the CPU, runs on asyncio only, and needs
            ``pip install 'readahead[aiohttp]'``.
        proxy: The proxy's URL, for an https base URL. None: ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` decide, and
            for this machine there is none.
        verify: True: certificates are checked against ``SSL_CERT_FILE``, ``SSL_CERT_DIR`` or those of certifi. False:
            any certificate is accepted. An ``ssl.SSLContext`` decides by itself.
        user_agent: Put after our own.
        http_client: An ``httpx.AsyncClient``, ``httpx2.AsyncClient`` or ``aiohttp.ClientSession`` to send with. Proxy,
            certificates, cookies and hooks are its own, and it is never closed here.
        max_response: Bytes that a response may have, as it is received and decompressed. A larger one is refused with
            ``ResponseTooLarge``, and so is one of more JSON values than one for each 64 bytes of it, and than 100,000.
            A listing buffers ``window`` responses at most.
        max_connections: Requests that are under way at once, and so connections that are open; others wait in order
            before they start, which does not count against ``timeout``. None: a quarter of the file descriptors that
            the process may open, 256 at most; with an ``http_client`` 100 at most, which is what these allow.
        pool_timeout: Seconds to wait for a connection; then ``PoolTimedOut``. None: as long as it takes.
        deadline: Seconds for a whole call, or for a whole listing from its first request on: retries, pauses and
            waiting included. Then ``DeadlineExceeded``, which carries a checkpoint. None: no limit.
        headers: Sent with each request, besides the client's own; none that holds a credential.
        insecure: Whether a ``base_url`` of plain http may name another machine, such as a container beside this one.
            Everything is then readable on the way, the credentials included; a warning is logged.
        gate: What shares a budget and pauses with clients of the same account in other processes, such as
            ``readahead.workers.SharedPace``. It is asked before each attempt, after ``pace``. None: nothing is shared.
        on_request: Called before each attempt, with a ``RequestStarted``. Like the other two, it may be async, and an
            exception that it raises ends the call or the listing.
        on_response: Called after each attempt, with a ``RequestFinished``: also where no response came, but not where
            the attempt was cancelled.
        on_retry: Called when a request will be sent again, with a ``RequestRetried``.
        quota: How the API speaks of its own limits; for bindings.

    Raises:
        CredentialsError: A credential is missing, empty or malformed.
        UsageError: An argument is not valid, or two contradict each other.
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "__init__" in vars(cls):
            cls.__init__ = conceals(cls.__init__)  # type: ignore[method-assign]  # a binding's takes keys

    @conceals
    def __init__(
        self,
        credentials: Mapping[str, Credential | str],
        *,
        home: str | None = None,
        base_url: str = _HOME,
        timeout: float = 30.0,
        retry: Retry | None = None,
        pace: Pace | None = None,
        http: Literal["httpx", "aiohttp"] = "httpx",
        proxy: str | None = None,
        verify: "ssl.SSLContext | bool" = True,
        user_agent: str | None = None,
        http_client: "HTTPClient | None" = None,
        max_response: int = MAX_RESPONSE,
        max_connections: int | None = None,
        pool_timeout: float | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
        insecure: bool = False,
        gate: Gate | None = None,
        on_request: Hook[RequestStarted] | None = None,
        on_response: Hook[RequestFinished] | None = None,
        on_retry: Hook[RequestRetried] | None = None,
        quota: Quota | None = None,
    ) -> None:
        checked("quota", quota, Quota)
        checked("retry", retry, Retry)
        checked("pace", pace, Pace)
        checked("user_agent", user_agent, str)
        http_client, verify = checked_http_client(http_client), checked_verify(verify)
        if http_client is not None and (proxy is not None or verify is not True or http != "httpx"):
            raise UsageError("http, proxy and verify do not apply to an http_client; set them where it is opened")
        agent = f"readahead/{_version()}"
        if user_agent:
            if fault := header_fault(user_agent):
                raise UsageError(f"user_agent {fault}: {user_agent!r}")
            agent += f" {user_agent}"
        if not isinstance(cast("object", insecure), bool):
            raise UsageError(f"insecure must be True or False, not {type(insecure).__name__}")
        if base_url is _HOME and home is None:
            raise UsageError("base_url is missing, and this client has no address of its own; pass base_url=")
        base_url = checked_base_url(home or "" if base_url is _HOME else base_url, insecure=insecure)
        sessions = Sessions(
            base_url,
            http=checked_http(http),
            proxy=checked_proxy(proxy, base_url),
            verify=verify,
            http_client=http_client,
            max_connections=checked_max_connections(max_connections, http_client),
            pool_timeout=checked_pool_timeout(pool_timeout),
            owner=f"{type(self).__name__}(base_url={base_url!r})",
        )
        keys = Credentials(
            {name: value for name, value in credentials.items() if isinstance(value, Credential)}, base_url, home
        )
        ours = {
            "User-Agent": agent,
            "Accept": "application/json",
            "Accept-Encoding": ACCEPT_ENCODING,
            **{name: value for name, value in credentials.items() if isinstance(value, str)},
        }
        transport = Transport(
            sessions,
            ours | checked_headers(headers, keys.headers),
            checked_timeout(timeout),
            checked_max_response(max_response),
            lambda: [*keys.known, *sessions.secrets()],
        )
        retry = retry if retry is not None else Retry()
        self._sender = Sender(
            transport,
            keys,
            retry,
            Pacer(pace, None if quota is None else QuotaState(retry.max_delay)),
            checked_deadline(deadline),
            Fingerprint(base_url, keys.fixed),
            Budget(retry.budget, retry.reserve),
            Watch(base_url, checked_hooks(on_request=on_request, on_response=on_response, on_retry=on_retry)),
            quota,
            checked_gate(gate),
        )

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._sender.base_url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. The client cannot be used again."""
        await self._sender.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Return a client with other options, for one call or many. It shares connections, budgets and pauses.

        ``client.with_options(timeout=5.0).customers.get("cust_1")``. Closing either closes both.

        Args:
            options: See ``CallOptions``.

        Raises:
            UsageError: An option is unknown or not valid.
        """
        if unknown := options.keys() - CallOptions.__annotations__.keys():
            name = min(unknown)
            known = ", ".join(CallOptions.__annotations__)
            raise UsageError(f"with_options() has no option {name!r}; it takes {known}")
        other = object.__new__(type(self))
        cached = {name for name in vars(self) if isinstance(getattr(type(self), name, None), functools.cached_property)}
        if left := sorted(name for name in vars(self).keys() - cached if not name.startswith("_")):
            raise UsageError(
                f"{type(self).__name__}.{left[0]} would not know of these options; make it a functools.cached_property"
            )
        vars(other).update({name: value for name, value in vars(self).items() if name not in cached})
        other._sender = self._sender.with_options(**options)
        return other


@functools.cache
def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  it is slow to import

    try:
        return version("readahead")
    except PackageNotFoundError:
        return "0"
