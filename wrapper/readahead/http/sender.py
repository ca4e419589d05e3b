"""Sends the requests of one client: each in its turn, within the budget, and as often as ``retry`` allows."""

import functools
import random
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Self, TypedDict, TypeVar, Unpack

import anyio
from attrs import evolve, field, frozen

from ..errors import AuthenticationFailed, DeadlineExceeded, GateError, ReadaheadError, UsageError
from ..pages import Report
from .answer import note
from .applied import Attempts
from .credentials import Credentials
from .deadline import Deadline, checked_deadline
from .fingerprint import Fingerprint
from .gate import Gate
from .headers import checked_headers
from .observe import HookFailed, ListingWatch, Watch
from .pacing import Pace, Pacer
from .quota import Quota
from .request import Request, Response
from .retry import REAL_PAUSE, Budget, Retry, is_push_back
from .secret import Secret
from .sessions import Session, current_loop
from .status import check_status
from .transport import Transport, checked_timeout

__all__ = ["CallOptions", "Sender", "checked"]

T = TypeVar("T")


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
    _gate: Gate | None = None
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
            GateError: The gate cannot be reached.
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
        tries = 0
        renewed: Mapping[str, Secret] | None = None  # credentials for the attempt after a 401
        was_refused = False
        while True:
            session = await self._transport.sessions.current()
            credentials, renewed = renewed or await self._credentials.current(session.asking), None
            # A request that waits for its turn holds its place: one that was let go leaves at once, and counts rightly.
            place, waited = await session.connections.take(request)
            report.waited += waited
            sent, paused = 0.0, self._pacer.paused_until
            try:
                pacers, entered = await self._wait_turn(request, report, deadline)
                tries += 1
                report.requests += 1
                report.retries += tries > 1
                sent, attempts.is_under_way = self._clock.now(), True
                attempt = functools.partial(self._attempt, session=session, credentials=credentials)
                try:
                    response = await self.watch.attempt(attempt, request, tries)
                finally:
                    self._ended(pacers, entered)
            except DeadlineExceeded:
                raise
            except AuthenticationFailed as error:
                attempts.fail(error)
                if was_refused:
                    raise
                was_refused, delay = True, 0.0
            except ReadaheadError as error:
                attempts.fail(error)
                try:
                    delay = self._delay(error, request, tries, sent, pushed_back)
                finally:
                    await self._share_pause(paused)
            else:
                await self._share_pause(paused)
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

    async def _wait_turn(self, request: Request, report: Report, deadline: Deadline) -> tuple[list[Pacer], float]:
        """Wait until the request may leave. It counts with the pacers that are returned until it has ended.

        The time when it asked the gate is returned with them.
        """
        counted: list[Pacer] = []
        try:
            # The shared one comes last: it knows of pauses, of which the own one may end late.
            for pacer in (self._own_pacer, self._pacer):
                if pacer is not None:
                    while (seconds := pacer.wait(self._clock.now())) > 0:
                        await _sleep(seconds, request, report, deadline)
                    counted.append(pacer)
            return counted, await self._enter(request, report, deadline)
        except BaseException:
            for pacer in counted:
                pacer.ended(self._clock.now())
            raise

    async def _enter(self, request: Request, report: Report, deadline: Deadline) -> float:
        """Wait until the gate lets the request pass. Returns when it was asked."""
        while self._gate is not None:
            asked = self._clock.now()
            seconds = await self._gate.enter()
            now = self._clock.now()
            report.waited += now - asked
            if seconds <= 0:
                seconds = self._pacer.paused_until - now  # a response asked for a pause while the gate was asked
                if seconds <= 0:
                    return asked
                self._gate.left(now - asked)
            await _sleep(seconds, request, report, deadline)
        return 0.0

    def _ended(self, pacers: list[Pacer], entered: float) -> None:
        now = self._clock.now()
        for pacer in pacers:
            pacer.ended(now)
        if self._gate is not None:
            self._gate.left(now - entered)

    async def _share_pause(self, before: float) -> None:
        """Tell the gate of a pause that an attempt led to."""
        if self._gate is not None and self._pacer.paused_until > before:
            seconds = self._pacer.paused_until - self._clock.now()
            with suppress(GateError):  # the next request meets it too, and this one's outcome is known
                await self._gate.pause(seconds)

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
