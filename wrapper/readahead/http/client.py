"""``Client`` is what users hold; ``Sender`` is what sends its requests, paced and repeated by its rules."""

import functools
import random
import sys
import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict

import anyio

from ..errors import DeadlineExceeded, ReadaheadError, UsageError
from ..events import RequestFinished, RequestRetried, RequestStarted
from ..pages import Report
from .applied import Attempts
from .bounded import ACCEPT_ENCODING, MAX_RESPONSE, checked_max_response
from .connections import Connections, checked_max_connections, checked_pool_timeout
from .credentials import header_fault
from .deadline import Deadline, checked_deadline
from .fingerprint import Fingerprint
from .observe import Hook, HookFailed, Hooks, ListingWatch, Watch, checked_hooks
from .origin import checked_base_url, checked_proxy, checked_verify
from .pacing import Pace, Pacer
from .quota import Quota, QuotaState
from .retry import REAL_PAUSE, Budget, Retry, is_push_back
from .secret import Secret
from .status import check_status
from .traces import conceals
from .transport import Request, Response, Transport, checked_http, checked_http_client, checked_timeout

if TYPE_CHECKING:
    import ssl

    from .transport import HTTPClient

__all__ = ["Client", "ClientOptions", "Sender"]


class ClientOptions(TypedDict, total=False):
    """What every client takes besides its credentials, base URL and pace; see ``Client``."""

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
    on_request: Hook[RequestStarted] | None
    on_response: Hook[RequestFinished] | None
    on_retry: Hook[RequestRetried] | None


class Sender:
    """Send the requests of one client: within its budget, and as often as ``retry`` allows."""

    def __init__(
        self,
        transport: Transport,
        retry: Retry,
        pace: Pace | None,
        deadline: float | None = None,
        hooks: Hooks | None = None,
        quota: Quota | None = None,
    ) -> None:
        self.deadline = deadline
        self.watch = Watch(transport.base_url, hooks)
        self._quota = quota
        self._transport = transport
        self._retry = retry
        self._budget = Budget(retry.budget, retry.reserve)
        self._pacer = Pacer(pace, None if quota is None else QuotaState(retry.max_delay))
        self.fingerprint = Fingerprint(transport.base_url, transport.headers)

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._transport.base_url

    @property
    def is_open(self) -> bool:
        """Whether connections of ours may be open."""
        return self._transport.is_open

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

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
        self._transport.check_process()  # in a forked process asyncio's loop is not running, so nothing else works
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
        tries = 0
        while True:
            # A request that waits for its turn holds its place: one that was let go leaves at once, and counts rightly.
            place, sent = await self._transport.take_place(request, report), 0.0
            try:
                while (seconds := self._pacer.wait(anyio.current_time())) > 0:
                    await _sleep(seconds, request, report, deadline)
                tries += 1
                report.requests += 1
                report.retries += tries > 1
                sent, attempts.is_under_way = anyio.current_time(), True
                try:
                    response = await self.watch.attempt(self._attempt, request, tries)
                finally:
                    self._pacer.ended(anyio.current_time())
            except DeadlineExceeded:
                raise
            except ReadaheadError as error:
                attempts.fail(error)
                delay = self._delay(error, request, tries, sent, pushed_back)
            else:
                self._pacer.succeeded(now := anyio.current_time())
                self.watch.pacing(self._pacer.rate, self._pacer.paused_until, now)
                self._budget.earn()
                return response
            finally:
                place.release()
            _check_in_time(delay, request, deadline)
            await self.watch.retrying(request, tries, attempts.failures[-1], delay)
            await _sleep(delay, request, report, deadline)

    async def _attempt(self, request: Request) -> Response:
        """One request, from its begin to its end: what observes requests goes around this."""
        response = await self._transport.send(request)
        if self._quota is not None:
            self._pacer.heard(self._quota.left(response.headers), anyio.current_time())
        return check_status(response, self._quota)

    def _delay(
        self, error: ReadaheadError, request: Request, tries: int, sent: float, pushed_back: Callable[[], bool] | None
    ) -> float:
        """Seconds to wait before the request is sent again. Raises the error if it is not."""
        now = anyio.current_time()
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
        headers: Sent with each request.
        base_url: Where the API is: https, or http on this machine.
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
        on_request: Called before each attempt, with a ``RequestStarted``. Like the other two, it may be async, and an
            exception that it raises ends the call or the listing.
        on_response: Called after each attempt, with a ``RequestFinished``: also where no response came, but not where
            the attempt was cancelled.
        on_retry: Called when a request will be sent again, with a ``RequestRetried``.
        quota: How the API speaks of its own limits; for bindings.

    Raises:
        UsageError: An argument is not valid, or two contradict each other.
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "__init__" in vars(cls):
            cls.__init__ = conceals(cls.__init__)  # type: ignore[method-assign]  # a binding's takes keys

    @conceals
    def __init__(
        self,
        headers: Mapping[str, str | Secret],
        *,
        base_url: str,
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
        on_request: Hook[RequestStarted] | None = None,
        on_response: Hook[RequestFinished] | None = None,
        on_retry: Hook[RequestRetried] | None = None,
        quota: Quota | None = None,
    ) -> None:
        _check_type("quota", quota, Quota)
        _check_type("retry", retry, Retry)
        _check_type("pace", pace, Pace)
        _check_type("user_agent", user_agent, str)
        http_client, verify = checked_http_client(http_client), checked_verify(verify)
        if http_client is not None and (proxy is not None or verify is not True or http != "httpx"):
            raise UsageError("http, proxy and verify do not apply to an http_client; set them where it is opened")
        agent = f"readahead/{_version()}"
        if user_agent:
            if fault := header_fault(user_agent):
                raise UsageError(f"user_agent {fault}: {user_agent!r}")
            agent += f" {user_agent}"
        transport = Transport(
            base_url := checked_base_url(base_url),
            {"User-Agent": agent, "Accept": "application/json", "Accept-Encoding": ACCEPT_ENCODING, **headers},
            checked_timeout(timeout),
            checked_http(http),
            checked_proxy(proxy, base_url),
            verify,
            http_client,
            checked_max_response(max_response),
            Connections(checked_max_connections(max_connections, http_client), checked_pool_timeout(pool_timeout)),
        )
        self._sender = Sender(
            transport,
            retry if retry is not None else Retry(),
            pace,
            checked_deadline(deadline),
            checked_hooks(on_request=on_request, on_response=on_response, on_retry=on_retry),
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

    def __del__(self) -> None:
        sender = getattr(self, "_sender", None)  # absent where an argument was refused
        if sender is not None and sender.is_open and not sys.is_finalizing():
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)


def _check_type(name: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise UsageError(f"{name} must be {kind.__name__} or None, not {type(value).__name__}")


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
