"""``Client`` is what users hold; ``Sender`` is what sends its requests, paced and repeated by its rules."""

import functools
import random
import time
import uuid
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypedDict, TypeVar, Unpack, cast

import anyio
from attrs import evolve, field, frozen

from ..errors import AuthenticationFailed, DeadlineExceeded, ReadaheadError, UsageError
from ..events import RequestFinished, RequestRetried, RequestStarted
from ..pages import Report
from .answer import note
from .applied import Attempts
from .bounded import ACCEPT_ENCODING, MAX_RESPONSE, checked_max_response
from .connections import checked_max_connections, checked_pool_timeout
from .credentials import Credential, Credentials, header_fault
from .deadline import Deadline, checked_deadline
from .fingerprint import Fingerprint
from .headers import checked_headers
from .libraries import checked_http, checked_http_client
from .observe import Hook, HookFailed, ListingWatch, Watch, checked_hooks
from .origin import checked_base_url, checked_proxy, checked_verify
from .pacing import Pace, Pacer
from .quota import Quota, QuotaState
from .request import Request, Response
from .retry import REAL_PAUSE, Budget, Retry, is_push_back
from .secret import Secret
from .sessions import Session, Sessions, current_loop
from .status import check_status
from .traces import conceals
from .transport import Transport, checked_timeout

if TYPE_CHECKING:
    import ssl

    from .libraries import HTTPClient

__all__ = ["CallOptions", "Client", "ClientOptions", "Sender"]


T = TypeVar("T")


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
    on_request: Hook[RequestStarted] | None
    on_response: Hook[RequestFinished] | None
    on_retry: Hook[RequestRetried] | None


class CallOptions(TypedDict, total=False):
    """What ``with_options`` takes.

    Attributes:
        timeout: Seconds, for each request.
        retry: What is repeated, and when. The budget of retries stays that of the client.
        pace: A budget within that of the client, for what is read with these options. None: no such budget.
        deadline: Seconds for a whole call or listing. None: no limit.
        headers: Sent besides those of the client, and instead of those with the same name.
    """

    timeout: float
    retry: Retry | None
    pace: Pace | None
    deadline: float | None
    headers: Mapping[str, str] | None


class Clock:
    """Seconds that go on from one event loop to the next, each of which has a clock of its own."""

    def __init__(self) -> None:
        self._loop: object = None
        self._ahead = 0.0  # of the clock of the loop
        self._first: float | None = None  # how far the machine's clock was ahead of that of the first loop

    def now(self) -> float:
        """Return the time."""
        loop, seconds = current_loop(), anyio.current_time()
        if loop is not self._loop:
            ahead = time.monotonic() - seconds
            self._first = ahead if self._first is None else self._first
            self._loop, self._ahead = loop, ahead - self._first
        return seconds + self._ahead


@frozen(eq=False)
class Sender:
    """Send the requests of one client: within its budget, and as often as ``retry`` allows.

    What ``with_options`` returns shares all but the transport, the retries, the deadline, and the own pace.
    """

    _transport: Transport
    _credentials: Credentials
    _retry: Retry
    _pacer: Pacer
    deadline: float | None
    fingerprint: Fingerprint
    _budget: Budget
    watch: Watch
    _quota: Quota | None = None
    _own_pacer: Pacer | None = None
    _clock: Clock = field(factory=Clock)

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._transport.sessions.base_url

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.sessions.aclose()

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Return a sender with other options. Connections, budgets and pauses are shared."""
        changes: dict[str, Any] = {}
        transport = self._transport
        if "timeout" in options:
            transport = evolve(transport, timeout=checked_timeout(options["timeout"]))
        if "headers" in options:
            added = checked_headers(options["headers"], self._credentials.headers)
            replaced = {name.lower() for name in added}
            kept = {name: value for name, value in transport.headers.items() if name.lower() not in replaced}
            transport = evolve(transport, headers=kept | added)
        if "retry" in options:
            changes["retry"] = checked("retry", options["retry"], Retry) or Retry()
        if "pace" in options:
            pace = checked("pace", options["pace"], Pace)
            changes["own_pacer"] = None if pace is None else Pacer(pace)
        if "deadline" in options:
            changes["deadline"] = checked_deadline(options["deadline"])
        return evolve(self, transport=transport, **changes)

    def keyed(self, request: Request, header: str) -> Request:
        """Return a request that says which one it is, so that the API carries it out once however often it comes.

        A key that ``with_options(headers=...)`` gave stays.
        """
        given = header.lower() in map(str.lower, self._transport.headers)
        return evolve(request, headers=() if given else ((header, str(uuid.uuid4())),), idempotent=True)

    async def send(
        self,
        request: Request,
        report: Report | None = None,
        *,
        pushed_back: Callable[[], bool] | None = None,
        deadline: Deadline | None = None,
        listing: ListingWatch | None = None,
    ) -> Response:
        """Send a request when its turn comes, and again as often as ``retry`` allows. The response is a success.

        Args:
            request: What to send.
            report: Counts requests, retries and seconds waited.
            pushed_back: Called for each response that says "too many requests". True: the listing had too many pages
                under way, and asks for fewer from now on.
            deadline: Of the listing that the request belongs to. Without it, the client's own applies to this call.
            listing: The listing that the request belongs to, for log and traces.

        Raises:
            ApiError: The API answered with an error status.
            DeadlineExceeded: The deadline passed first, or would pass before the request may be sent.
            RequestError: No response came, or not the whole of it.
            RetryDelayTooLong: The API asks for a longer pause than ``Retry.max_delay``.
            ResponseTooLarge: The response is larger than ``max_response``.
            StreamError: The client is closed, or belongs to another event loop or process.
            UnexpectedAnswer: The response is none that the API documents.
            UsageError: The request cannot be sent.
        """
        try:
            with self.watch.call(request, listing):
                return await self._send_in_time(request, report, pushed_back, deadline)
        except HookFailed as failed:
            raised = failed.error
        if listing is not None:
            listing.raised = raised
        raise raised  # here, the hook's exception keeps its own context

    async def _send_in_time(
        self,
        request: Request,
        report: Report | None,
        pushed_back: Callable[[], bool] | None,
        deadline: Deadline | None,
    ) -> Response:
        # In a forked process asyncio's loop is not running, so nothing else works.
        self._transport.sessions.check_process()
        report = report if report is not None else Report()
        deadline, attempts = deadline or Deadline(self.deadline), Attempts(request.writes)
        try:
            if anyio.current_time() < deadline.at():
                with anyio.CancelScope(deadline=deadline.at()):
                    return await self._send(request, report, pushed_back, deadline, attempts)
            raise DeadlineExceeded(f"the deadline of {deadline.seconds:g} s has passed", request=str(request))
        except ReadaheadError as error:
            attempts.judge(error)
            raise

    async def _send(
        self,
        request: Request,
        report: Report,
        pushed_back: Callable[[], bool] | None,
        deadline: Deadline,
        attempts: Attempts,
    ) -> Response:
        """Send a request until there is an answer or no attempt is left, and record what went wrong before."""
        tries, session = 0, await self._transport.sessions.current()
        renewed: Mapping[str, Secret] | None = None  # credentials for the attempt after a 401
        was_refused = False
        while True:
            credentials, renewed = renewed or await self._credentials.current(session.asking), None
            # A request that waits for its turn holds its place: one that was let go leaves at once, and counts rightly.
            place, waited = await session.connections.take(request)
            report.waited += waited
            sent = 0.0
            try:
                pacers = await self._wait_turn(request, report, deadline)
                tries += 1
                report.requests += 1
                report.retries += tries > 1
                sent, attempts.is_under_way = self._clock.now(), True
                attempt = functools.partial(self._attempt, session=session, credentials=credentials)
                try:
                    response = await self.watch.attempt(attempt, request, tries)
                finally:
                    self._ended(pacers)
            except DeadlineExceeded:
                raise
            except AuthenticationFailed as error:
                attempts.fail(error)
                if was_refused:
                    raise
                was_refused, delay = True, 0.0
            except ReadaheadError as error:
                attempts.fail(error)
                delay = self._delay(error, request, tries, sent, pushed_back)
            else:
                self._pacer.succeeded(now := self._clock.now())
                self.watch.pacing(self._pacer.rate, self._pacer.paused_until, now)
                self._budget.earn()
                note(response, tries)
                return response
            finally:
                place.release()
            failure = attempts.failures[-1]
            if isinstance(failure, AuthenticationFailed):
                renewed = await self._credentials.renewed(credentials, session.asking)
                if renewed is None:  # the same would be refused again
                    raise failure
            _check_in_time(delay, request, deadline)
            await self.watch.retrying(request, tries, failure, delay)
            await _sleep(delay, request, report, deadline)

    async def _attempt(self, request: Request, session: Session, credentials: Mapping[str, Secret]) -> Response:
        """One request, from its begin to its end: what observes requests goes around this."""
        response = await self._transport.send(request, session, credentials)
        if self._quota is not None:
            self._pacer.heard(self._quota.left(response.headers), self._clock.now())
        return check_status(response, self._quota)

    async def _wait_turn(self, request: Request, report: Report, deadline: Deadline) -> list[Pacer]:
        """Wait until the request may leave. It counts with the pacers that are returned until it has ended."""
        counted: list[Pacer] = []
        try:
            # The shared one comes last: it knows of pauses, of which the own one may end late.
            for pacer in (self._own_pacer, self._pacer):
                if pacer is not None:
                    while (seconds := pacer.wait(self._clock.now())) > 0:
                        await _sleep(seconds, request, report, deadline)
                    counted.append(pacer)
        except BaseException:
            self._ended(counted)
            raise
        return counted

    def _ended(self, pacers: list[Pacer]) -> None:
        for pacer in pacers:
            pacer.ended(self._clock.now())

    def _delay(
        self, error: ReadaheadError, request: Request, tries: int, sent: float, pushed_back: Callable[[], bool] | None
    ) -> float:
        """Seconds to wait before the request is sent again. Raises the error if it is not."""
        now = self._clock.now()
        pause = self._retry.pause(error)
        if is_push_back(error):
            is_window_too_large = pushed_back is not None and pushed_back()
            if pause or not is_window_too_large:
                self._pacer.pushed_back(now, sent)
        if pause:  # no request of this client leaves before it is over
            self._pacer.pause(now, pause)
        self.watch.pacing(self._pacer.rate, self._pacer.paused_until, now)
        delay = self._retry.delay(error, tries, repeatable=request.repeatable, random=random.random)
        if delay is None:
            raise error
        if pause < REAL_PAUSE and not self._budget.spend():
            error.add_note(f"It was not sent again: the budget of {self._retry.budget:.0%} retries is spent.")
            raise error
        return delay


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


async def _sleep(seconds: float, request: Request, report: Report, deadline: Deadline) -> None:
    """Wait before the request may be sent.

    Raises:
        DeadlineExceeded: The deadline passes before.
    """
    _check_in_time(seconds, request, deadline)
    report.waited += seconds
    await anyio.sleep(seconds)


def _check_in_time(seconds: float, request: Request, deadline: Deadline) -> None:
    if anyio.current_time() + seconds >= deadline.at():
        raise DeadlineExceeded(
            f"it may be sent in {seconds:.3g} s, which is past the deadline of {deadline.seconds:g} s",
            request=str(request),
        )


@functools.cache
def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  it is slow to import

    try:
        return version("readahead")
    except PackageNotFoundError:
        return "0"


def checked(name: str, value: T, kind: type) -> T:
    if value is not None and not isinstance(value, kind):
        raise UsageError(f"{name} must be {kind.__name__} or None, not {type(value).__name__}")
    return value
