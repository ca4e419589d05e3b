"""All that observes one client: the log, its hooks, and OpenTelemetry. One stream of events has these three consumers.

``Watch.attempt`` goes around each request, ``Watch.call`` around all attempts of one, and ``Watch.listing`` begins what
a listing tells. With nobody listening an attempt costs three comparisons.
"""

import functools
import inspect
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import anyio
from attrs import define, field, frozen

from ..errors import ApiError, ReadaheadError, ResponseTooLarge, UnexpectedAnswer, UsageError, shown
from ..events import (
    ClientPaused,
    DriftSeen,
    Event,
    FilterIgnored,
    HookRaised,
    ListingIncomplete,
    RateLowered,
    RateRaised,
    RequestFinished,
    RequestRetried,
    RequestStarted,
    WindowChanged,
)
from ..log import is_logged, log
from ..pages import Report

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from .request import Request, Response
    from .telemetry import Telemetry

__all__ = ["Hook", "HookFailed", "Hooks", "ListingWatch", "Watch", "checked_hooks"]

E = TypeVar("E", bound=Event)
Hook: TypeAlias = Callable[[E], Awaitable[None] | None]

_in_hook_of: ContextVar["Watch | None"] = ContextVar("_in_hook_of", default=None)
_LONGER = 1.0  # seconds; a pause that is longer by less is the same one
_FASTER = 1.5  # times the rate of which was told last
_LONGEST_ID = 200  # characters


class HookFailed(Exception):
    """A hook raised an exception. It is no failure of the request, so nothing is sent again because of it.

    Attributes:
        error: The exception.
    """

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(type(error).__name__)


@frozen
class Hooks:
    """Functions of the user's, plain or async, that are told what happens."""

    on_request: Hook[RequestStarted] | None = None
    on_response: Hook[RequestFinished] | None = None
    on_retry: Hook[RequestRetried] | None = None

    def __bool__(self) -> bool:
        return bool(self.on_request or self.on_response or self.on_retry)


def checked_hooks(**hooks: Any) -> Hooks:
    """Return the hooks.

    Raises:
        UsageError: One cannot be called.
    """
    for name, hook in hooks.items():
        if hook is not None and not callable(hook):
            raise UsageError(f"{name} must be a function, plain or async, not {shown(hook)}")
    return Hooks(**hooks)


class Watch:
    """Tell log, hooks and traces what happens in one client.

    Args:
        base_url: Where its requests go.
        hooks: Of the user's.
    """

    def __init__(self, base_url: str, hooks: Hooks | None = None) -> None:
        self._base_url, self._hooks = base_url, hooks or Hooks()
        self._telemetry: Telemetry | None = None
        self._rate: float | None = None
        self._told: float | None = None  # the rate of which was told last
        self._paused_until = 0.0

    @property
    def telemetry(self) -> "Telemetry | None":
        """OpenTelemetry, where the program has set it up, for which it has to import it. It is never imported here."""
        if self._telemetry is None and "opentelemetry.trace" in sys.modules:
            self._telemetry = _telemetry_of(self._base_url)
        return self._telemetry

    def note(self, event: Event) -> None:
        """Log and count an event."""
        log(event)
        if (telemetry := self.telemetry) is not None:
            telemetry.record(event)

    async def _run(self, name: str, hook: Hook[E] | None, event: E) -> None:
        if hook is None:
            return
        token = _in_hook_of.set(self)
        try:
            result = hook(event)
            if inspect.isawaitable(result):
                await result
        except Exception as error:  # noqa: BLE001  it is raised again, as it is, where the call or the listing ends
            self.note(HookRaised(hook=name, error=type(error).__name__))
            error.add_note(f"It was raised by the hook {name}.")
            raise HookFailed(error) from None
        finally:
            _in_hook_of.reset(token)

    # ---- requests

    async def attempt(
        self, send: "Callable[[Request], Awaitable[Response]]", request: "Request", attempt: int
    ) -> "Response":
        """Send a request once, and tell of it.

        Raises:
            HookFailed: A hook raised an exception.
            ReadaheadError: See ``send``.
        """
        telemetry = self.telemetry
        if telemetry is None and not self._hooks and not is_logged("http", logging.DEBUG):
            return await send(request)
        operation = request.operation
        await self._run("on_request", self._hooks.on_request, RequestStarted(operation=operation, attempt=attempt))
        scope = None if telemetry is None else telemetry.enter_attempt(operation, attempt)
        began = anyio.current_time()
        try:
            response = await send(request)
        except BaseException as error:
            failed = _failed(operation, attempt, anyio.current_time() - began, error)
            if telemetry is not None and scope is not None:
                telemetry.leave_attempt(scope, failed)
            self.note(failed)
            if isinstance(error, Exception):
                await self._run("on_response", self._hooks.on_response, failed)
            raise
        event = RequestFinished(
            operation=operation,
            attempt=attempt,
            status=response.status,
            seconds=anyio.current_time() - began,
            request_id=_id(response.request_id),
        )
        if telemetry is not None and scope is not None:
            telemetry.leave_attempt(scope, event)
        self.note(event)
        await self._run("on_response", self._hooks.on_response, event)
        return response

    async def retrying(self, request: "Request", attempt: int, error: ReadaheadError, wait: float) -> None:
        """Tell that a request will be sent again.

        Raises:
            HookFailed: The hook raised an exception.
        """
        status, request_id = _answer(error)
        event = RequestRetried(
            operation=request.operation,
            attempt=attempt,
            status=status,
            request_id=request_id,
            reason=type(error).__name__,
            wait=wait,
        )
        self.note(event)
        await self._run("on_retry", self._hooks.on_retry, event)

    def pacing(self, rate: float | None, paused_until: float, now: float) -> None:
        """Take how a client is paced, and tell of what has changed."""
        if paused_until > now and (self._paused_until <= now or paused_until > self._paused_until + _LONGER):
            self._paused_until = paused_until
            self.note(ClientPaused(seconds=paused_until - now))
        before, self._rate = self._rate, rate
        if rate == before:
            return
        if rate is not None and (before is None or rate < before):
            self._told = rate
            self.note(RateLowered(rate=rate))
        elif rate is None or rate >= _FASTER * (self._told or rate):
            self._told = rate
            self.note(RateRaised(rate=rate))

    # ---- calls and listings

    def call(self, request: "Request", listing: "ListingWatch | None") -> AbstractContextManager[None]:
        """Return the scope of all attempts of a request: of its listing, or a span of its own.

        Raises:
            UsageError: A hook of this client sends it, which would be called again by it.
        """
        if _in_hook_of.get() is self:
            raise UsageError("a hook cannot use its own client, which would call it again; use another client")
        telemetry = self.telemetry
        if telemetry is None:
            return nullcontext()
        if listing is not None:
            return listing.scope(telemetry)
        return _call(telemetry, request.operation)

    def listing(self, operation: str) -> "ListingWatch":
        """Return what tells of a listing. Its span is a child of the current one, and begins with its first request."""
        telemetry = self.telemetry
        return ListingWatch(self, operation, None if telemetry is None else telemetry.current())


@define(eq=False)
class ListingWatch:
    """Tell log and traces what happens in one listing.

    Attributes:
        report: Of the listing, for its span.
        raised: What a hook raised in one of its requests.
    """

    _watch: Watch
    operation: str
    _parent: object = field(default=None, repr=False)
    report: Report = field(factory=Report)
    raised: Exception | None = field(default=None, init=False)
    _telemetry: "Telemetry | None" = field(default=None, init=False)
    _span: "Span | None" = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)
    _window: int | None = field(default=None, init=False)
    _drifted: bool = field(default=False, init=False)

    @contextmanager
    def scope(self, telemetry: "Telemetry") -> Generator[None, None, None]:
        """Make its span the current one for a request, in whatever task that is sent."""
        if self._telemetry is None:
            self._telemetry, self._began = telemetry, time.monotonic()
            self._span = telemetry.begin("listing", self.operation, self._parent)
        span = self._span
        if span is None:  # it has ended
            yield
            return
        scope = telemetry.enter(span, self._parent)
        try:
            yield
        finally:
            scope.detach()

    def window(self, size: int) -> None:
        """Take how many pages may be requested at once."""
        before, self._window = self._window, size
        if before is not None and before != size:
            self._watch.note(WindowChanged(operation=self.operation, before=before, window=size))

    def drifted(self) -> None:
        """Tell that rows moved, once."""
        if not self._drifted:
            self._drifted = True
            self._watch.note(DriftSeen(operation=self.operation))

    def ignored(self, filters: tuple[str, ...]) -> None:
        """Tell that the API ignored filters."""
        self._watch.note(FilterIgnored(operation=self.operation, filters=filters))

    def concluded(self, why: str | None, error: BaseException | None) -> None:
        """Tell that the listing has ended by itself, and why it is not complete."""
        if why is not None:
            self._watch.note(ListingIncomplete(operation=self.operation, why=why))
        self.left(error)

    def left(self, error: BaseException | None = None) -> None:
        """End the span, if it has not ended. The error is what the reader left the listing with."""
        span, self._span = self._span, None
        if span is not None and self._telemetry is not None:
            self._telemetry.end_listing(span, self.operation, self.report, time.monotonic() - self._began, error)

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self.left()  # it was read without a block, and not to its end


@functools.cache
def _module() -> Any:
    try:
        from . import telemetry  # noqa: PLC0415
    except ImportError:  # too old, or only a part of it
        return None
    return telemetry


def _telemetry_of(base_url: str) -> "Telemetry | None":
    module = _module()
    return module.Telemetry(base_url) if module is not None and module.is_set_up() else None


@contextmanager
def _call(telemetry: "Telemetry", operation: str) -> Generator[None, None, None]:
    scope = telemetry.enter(telemetry.begin("call", operation))
    try:
        yield
    except BaseException as error:
        telemetry.leave_call(scope, error.error if isinstance(error, HookFailed) else error)
        raise
    telemetry.leave_call(scope, None)


def _failed(operation: str, attempt: int, seconds: float, error: BaseException) -> RequestFinished:
    status, request_id = _answer(error)
    return RequestFinished(
        operation=operation,
        attempt=attempt,
        status=status,
        seconds=seconds,
        request_id=request_id,
        error=type(error).__name__,
    )


def _answer(error: BaseException) -> tuple[int | None, str | None]:
    """Status and request id of the response that an error stands for."""
    if isinstance(error, ApiError | UnexpectedAnswer | ResponseTooLarge):
        return error.status, _id(error.request_id)
    return None, None


def _id(text: str | None) -> str | None:
    """An id as it can be logged, whatever the server sent."""
    if text is None:
        return None
    text = text[:_LONGEST_ID]
    return text if text.isprintable() else text.encode("unicode_escape").decode()
