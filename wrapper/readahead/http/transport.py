"""One client's way to one origin: a request goes in, status, headers and body come out."""

import re
import sys
import traceback
from collections.abc import Callable, Mapping

import anyio
from attrs import define, field

from ..errors import (
    ConnectionLost,
    ReadaheadError,
    RequestError,
    ResponseTooLarge,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from .applied import maybe_applied
from .bounded import BodyFault
from .redact import Redactor
from .request import Request, Response
from .secret import Hidden, Secret
from .sessions import Session, Sessions
from .traces import cut_below

__all__ = ["Transport", "checked_timeout"]


@define(eq=False)
class Transport:
    """One client's way to one origin.

    Args:
        sessions: Its connections. Those that ``with_options`` made of a client share them.
        headers: Sent with each request, besides the credentials.
        timeout: Seconds from the start of a request to the last byte of its response.
        max_response: Bytes that a response may have, as it is received and decompressed.
        withheld: Returns what is withheld where a server quotes it, besides the credentials of the request.
    """

    sessions: Sessions
    headers: Mapping[str, str]
    timeout: float
    max_response: int
    withheld: Callable[[], list[Secret]] = list[Secret]
    _prepared: tuple[object, object, Hidden[object]] | None = field(default=None, init=False, repr=False)

    async def send(self, request: Request, session: Session, credentials: Mapping[str, Secret]) -> Response:
        """Send once and read the whole response.

        Args:
            request: What to send.
            session: The one of the running event loop.
            credentials: Headers that say who asks.

        Raises:
            RequestError: No response came, or not the whole of it.
            ResponseTooLarge: The response is larger than ``max_response``.
            StreamError: The client was closed meanwhile.
            UnexpectedAnswer: The response is compressed in another way than was asked for.
            UsageError: The request cannot be sent.
        """
        session.check_open()
        adapter, prepared, handled = session.adapter, self._prepare(session, credentials), sys.exception()
        redactor = Redactor(lambda: [*credentials.values(), *self.withheld()])
        began = anyio.current_time()
        try:
            with anyio.move_on_after(self.timeout):
                status, headers, body = await adapter.send(prepared, request, self.max_response)
                return Response(request, status, headers, body, anyio.current_time() - began, redactor)
        except BaseException as raised:
            error = _translated(raised, adapter.errors, request, self.timeout, redactor)
            if error is None:  # a cancellation, or not the network's
                cut_below(raised, handled, _LOWER)
                raise
        else:
            error = _timed_out(request, self.timeout)
        # Raised here, the library's exception does not stay as the context: it holds the request, and so the key.
        raise error

    def _prepare(self, session: Session, credentials: Mapping[str, Secret]) -> Hidden[object]:
        """Headers and timeout as the adapter takes them. They are made again when the credentials change."""
        if self._prepared is None or self._prepared[0] is not session.adapter or self._prepared[1] is not credentials:
            prepared = session.adapter.prepare({**self.headers, **credentials}, self.timeout)
            self._prepared = session.adapter, credentials, prepared
        return self._prepared[2]


def checked_timeout(seconds: object) -> float:
    """Return a positive, finite number of seconds.

    Raises:
        UsageError: It is none.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise UsageError(f"timeout must be a positive, finite number of seconds, not {seconds!r}")
    return float(seconds)


# ---- exceptions

_LOWER = {"httpx", "httpx2", "httpcore", "httpcore2", "aiohttp", "h11", "h2", "hpack", "anyio", "trio"}
_LOWEST = {"certifi", "idna", "multidict", "propcache", "socksio", "yarl"}


def _translated(
    raised: BaseException,
    errors: Mapping[type[Exception], type[RequestError]],
    request: Request,
    timeout: float,
    redactor: Redactor,
) -> ReadaheadError | None:
    """The error of ours for what was raised below. None: it is raised again as it is."""
    return _translate(raised, errors, request, timeout, redactor) if isinstance(raised, Exception) else None


def _translate(
    raised: Exception,
    errors: Mapping[type[Exception], type[RequestError]],
    request: Request,
    timeout: float,
    redactor: Redactor,
) -> ReadaheadError | None:
    """The error of ours for an exception of the library, or of what lies below it; None for any other.

    The request was checked before it got here, so whatever the library complains about is the answer or the network.
    """
    if isinstance(raised, BodyFault):
        return _refused(raised, request, redactor)
    kinds = type(raised).__mro__
    cls = next((errors[kind] for kind in kinds if kind in errors), None)
    if cls is None:
        if isinstance(raised, TimeoutError):
            cls = TimedOut
        elif isinstance(raised, OSError) or any(_is_below(kind.__module__) for kind in kinds):
            cls = ConnectionLost
        elif not isinstance(raised, ReadaheadError) and _is_below(_origin_of(raised)):
            cls = RequestError  # a header that it cannot read: a bare ValueError or UnicodeError, with httpx
        else:
            return None
    if issubclass(cls, TimedOut):
        return _timed_out(request, timeout)
    return _failed(cls, request, redactor.text(_words(raised)))


def _is_below(module: str) -> bool:
    """Whether a module belongs to an HTTP library, or to what it is made of."""
    return module.partition(".")[0] in _LOWER | _LOWEST


def _origin_of(raised: BaseException) -> str:
    """The module that raised it, apart from the standard library."""
    name = ""
    for frame, _ in traceback.walk_tb(raised.__traceback__):
        module = str(frame.f_globals.get("__name__"))
        if module.partition(".")[0] not in sys.stdlib_module_names:
            name = module
    return name


def _words(error: BaseException) -> str:
    """The exception's words; of one that has none (trio's, httpcore's), those of its cause."""
    # aiohttp's ClientResponseError ends with the request's URL; its message does not.
    text = " ".join(str(getattr(error, "message", error)).split())
    if text:
        return f"{type(error).__name__}: " + re.sub(r"\?\S*", "?…", text)  # a URL's query holds values of filters
    below = error.__cause__ or error.__context__
    return type(error).__name__ if below is None else _words(below)


def _refused(fault: BodyFault, request: Request, redactor: Redactor) -> ReadaheadError:
    if issubclass(fault.kind, RequestError):
        return _failed(fault.kind, request, redactor.text(str(fault)))
    assert issubclass(fault.kind, ResponseTooLarge | UnexpectedAnswer)
    response = Response(request, fault.status, fault.headers, b"", redactor=redactor)
    return fault.kind(
        redactor.text(str(fault)),
        status=response.status,
        request=str(request),
        request_id=response.request_id,
        maybe_applied=maybe_applied(request.writes, fault.kind),
    )


def _timed_out(request: Request, timeout: float) -> RequestError:
    return _failed(TimedOut, request, f"no complete response within {timeout:g} s")


def _failed(cls: type[RequestError], request: Request, message: str) -> RequestError:
    return cls(message, request=str(request), maybe_applied=maybe_applied(request.writes, cls))
