"""Every error of readahead, in one tree.

    ReadaheadError
    ├── UsageError              wrong arguments; nothing was sent (also a ValueError)
    │   ├── CheckpointError         a checkpoint or partition that is malformed, or of another query, client or version
    │   ├── CredentialsError        a key is missing, empty, malformed, or would go to a foreign host
    │   └── FilterError             a filter, an order or a page size that the API does not have
    ├── StreamError             a stream or client that is not open, or used by two tasks at once (also a RuntimeError)
    ├── RequestError            there is no response, or not the whole of it
    │   ├── ConnectFailed           no connection
    │   ├── ConnectionLost          the connection broke before the response was complete
    │   └── TimedOut                the response was not complete in time (also a TimeoutError)
    │       ├── DeadlineExceeded        the call or the listing took longer than ``deadline``
    │       └── PoolTimedOut            no connection was free within ``pool_timeout``; nothing was sent
    ├── ApiError                a response with an error status
    │   ├── InvalidRequest          400, 422
    │   ├── AuthenticationFailed    401
    │   ├── PermissionDenied        403
    │   ├── NotFound                404
    │   ├── Conflict                409
    │   ├── RateLimited             429
    │   └── ServerError             500 and up
    ├── UnexpectedAnswer        a response that is not what the API documents: HTML with 200, an unknown shape
    ├── ResponseTooLarge        a response longer than ``max_response``, as received or decompressed
    ├── RetryDelayTooLong       the API asks for a longer pause than ``Retry.max_delay``
    ├── GateError               what processes share a budget by cannot be reached; nothing was sent without it
    ├── TargetError             where rows are copied to is in use, of another query, or cannot be written
    ├── DriftError              rows moved while a list was read, and ``on_drift="raise"`` was given
    └── DecodeError             a row that cannot be read: it names the row and the field
        └── ComparisonError         a row with a value that a condition cannot be compared with

No exception of an HTTP library escapes, as itself or as a cause: theirs hold the request, and with it the key. What a
server sends is shown with control characters escaped and keys withheld.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Protocol

__all__ = [
    "ApiError",
    "AuthenticationFailed",
    "CheckpointError",
    "ComparisonError",
    "Conflict",
    "ConnectFailed",
    "ConnectionLost",
    "CredentialsError",
    "DeadlineExceeded",
    "DecodeError",
    "DriftError",
    "FilterError",
    "GateError",
    "InvalidRequest",
    "NotFound",
    "PermissionDenied",
    "PoolTimedOut",
    "RateLimited",
    "ReadaheadError",
    "RequestError",
    "ResponseTooLarge",
    "RetryDelayTooLong",
    "ServerError",
    "StreamError",
    "TargetError",
    "TimedOut",
    "UnexpectedAnswer",
    "UsageError",
]


class Resumable(Protocol):
    """A place in a listing: ``query.prefetch(resume=...)`` takes it."""

    def to_json(self) -> str:
        """Return it as text, which ``resume`` takes as well."""
        ...


class ReadaheadError(Exception):
    """The root of the tree. Every error can be pickled and copied with its attributes.

    Attributes:
        checkpoint: Where the listing that it ended goes on: ``query.prefetch(resume=error.checkpoint)``. None where
            there was no listing, or where it has no checkpoints.
        maybe_applied: Whether a request that writes may have been carried out all the same, by any of its attempts.
    """

    checkpoint: Resumable | None = None
    maybe_applied: bool = False

    def __init__(self, *args: object) -> None:
        # Messages quote what servers send, so each is made safe to print here.
        super().__init__(*(escaped(arg) if isinstance(arg, str) else arg for arg in args))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class UsageError(ReadaheadError, ValueError):
    """Wrong arguments. Nothing was sent."""


class CheckpointError(UsageError):
    """A checkpoint or partition that is malformed, or of another query, client or version."""


class CredentialsError(UsageError):
    """A credential is missing, empty or malformed, or would be sent to a host it was not given for."""


class FilterError(UsageError):
    """A filter, an order or a page size that the API does not have.

    Attributes:
        field: The name of the filter or argument.
        value: The value that was refused.
        near: Valid names or values that look most like it.
    """

    def __init__(self, field: str, message: str, *, value: object = None, near: Iterable[str] = ()) -> None:
        self.field, self.value, self.near = field, value, tuple(near)
        hint = f"; did you mean {' or '.join(map(repr, self.near))}?" if self.near else ""
        super().__init__(message + hint)


class StreamError(ReadaheadError, RuntimeError):
    """A stream or client is used before it is open, after it is closed, in another event loop, or by two tasks."""


class RequestError(ReadaheadError):
    """There is no response, or not the whole of it.

    Attributes:
        request: Method and path, without the values of filters.
    """

    def __init__(self, message: str, *, request: str = "", maybe_applied: bool = False) -> None:
        self.request, self.maybe_applied = escaped(request), maybe_applied
        text = f"{request}: {message}" if request else message
        super().__init__(text + (" (it may have been applied)" if maybe_applied else ""))


class ConnectFailed(RequestError):
    """No connection could be made."""


class ConnectionLost(RequestError):
    """The connection broke before the response was complete."""


class TimedOut(RequestError, TimeoutError):
    """The response was not complete in time."""


class DeadlineExceeded(TimedOut):
    """The call or the listing takes longer than ``deadline``, retries and waiting included.

    It is raised at the deadline, or at once where a pause or a retry delay cannot end before.
    """


class PoolTimedOut(TimedOut):
    """No connection was free within ``pool_timeout``. This attempt sent nothing, and it is not repeated."""


class _ResponseError(ReadaheadError):
    """An error that is a response.

    Attributes:
        status: The HTTP status.
        request: Method and path, without the values of filters.
        detail: What the API says about it, if it does.
        request_id: The id that the server gave the request, if it did.
        body: The body of the response, the first million bytes of it. Keys that it quotes are withheld.
        retry_after: Seconds to wait before the next request, if the API names them.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        request: str,
        detail: str | None = None,
        request_id: str | None = None,
        body: bytes = b"",
        retry_after: float | None = None,
        maybe_applied: bool = False,
    ) -> None:
        self.status, self.request = status, escaped(request)
        self.detail = None if detail is None else escaped(detail)
        self.request_id = None if request_id is None else escaped(request_id)
        self.body, self.retry_after, self.maybe_applied = body, retry_after, maybe_applied
        notes = [f"request id {request_id}"] if request_id else []
        notes += ["it may have been applied"] if maybe_applied else []
        super().__init__(f"{request}: {message}" + (f" ({'; '.join(notes)})" if notes else ""))


class UnexpectedAnswer(_ResponseError):
    """A response that is not what the API documents, whatever its status says."""


class ResponseTooLarge(_ResponseError):
    """A response longer than ``max_response``, as it was received or decompressed. It is not requested again."""


class ApiError(_ResponseError):
    """A response with an error status."""

    @staticmethod
    def of(status: int) -> "type[ApiError]":
        """Return the class for a status."""
        return ServerError if status >= 500 else _BY_STATUS.get(status, ApiError)


class InvalidRequest(ApiError):
    """400 or 422: the API refuses the request."""


class AuthenticationFailed(ApiError):
    """401: the credentials are missing or invalid."""


class PermissionDenied(ApiError):
    """403: the credentials are valid and do not allow this."""


class NotFound(ApiError):
    """404."""


class Conflict(ApiError):
    """409."""


class RateLimited(ApiError):
    """429: too many requests. Also what an API uses in its place, such as 403, where its binding says so."""


class ServerError(ApiError):
    """500 and up."""


class RetryDelayTooLong(ReadaheadError):
    """The API asks for a longer pause than ``Retry.max_delay``.

    Attributes:
        delay: The pause that the API asks for, in seconds.
        allowed: The longest pause that is waited for, in seconds.
    """

    def __init__(self, delay: float, allowed: float) -> None:
        self.delay, self.allowed = delay, allowed
        super().__init__(
            f"the API asks to wait {delay:g} s before the next request; try again later, or raise Retry.max_delay "
            f"({allowed:g} s)"
        )


class GateError(ReadaheadError):
    """What processes share a budget by (``gate=``) cannot be reached. Nothing was sent without it."""


class TargetError(ReadaheadError):
    """Where rows are copied to cannot take them: it is in use, of another query, or cannot be written."""


class DriftError(ReadaheadError):
    """Rows moved while a list was read, and ``on_drift="raise"`` was given."""


class DecodeError(ReadaheadError):
    """A row that cannot be read.

    Attributes:
        request: The request of its page, without the values of filters.
        row: Its index in the page, from 0.
        field: The field that cannot be read, where it is known.
    """

    def __init__(self, message: str, *, request: str, row: int, field: str | None = None) -> None:
        self.request, self.row, self.field = escaped(request), row, field
        super().__init__(f"{request}: row {row}{f', field {field!r}' if field else ''}: {message}")


class ComparisonError(DecodeError):
    """A row with a value that a condition cannot be compared with, such as a time without a zone.

    Attributes:
        request: The request of its page, without the values of filters.
        row: Its index in the page, from 0.
        field: The field of the condition.
        kind: The type of the value.
    """

    def __init__(self, message: str, *, request: str, row: int, field: str, kind: str) -> None:
        self.kind = kind
        super().__init__(message, request=request, row=row, field=field)


_LONGEST = 200  # characters of a value that a message quotes
_KINDS: dict[type, str] = {
    dict: "an object",
    list: "an array",
    str: "text",
    type(None): "nothing",
    bool: "true or false",
    int: "a number",
    float: "a floating-point number",
    dt.datetime: "a datetime",
    dt.date: "a date",
}
_BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    422: InvalidRequest,
    429: RateLimited,
}


def escaped(text: str) -> str:
    """Return text that is safe to print and to log: characters that control a terminal or do not show are escaped.

    These are control characters, line ends, bidirectional marks, characters without a width, lone surrogates, and
    spaces other than the plain one: all that ``repr`` escapes.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shown(value: object) -> str:
    """Return a value as a message can quote it, whatever it is and however long."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  a repr may raise; that of an int of 5,000 digits does
        return f"<{type(value).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def kind_of(value: object) -> str:
    """Return what a value is, for a message that must not quote it."""
    if isinstance(value, dt.datetime) and value.utcoffset() is None:
        return "a datetime without a time zone"
    return next((_KINDS[kind] for kind in type(value).__mro__ if kind in _KINDS), type(value).__name__)


def nearest(value: object, known: Iterable[str]) -> list[str]:
    """Return the known names that look most like a value, two at most, for a message."""
    from difflib import get_close_matches  # noqa: PLC0415  only a message needs it

    folded = {name.casefold(): name for name in map(str, known)}
    text = value if isinstance(value, str) else shown(value)
    return [folded[match] for match in get_close_matches(text.casefold(), list(folded), n=2, cutoff=0.6)]


def _rebuild(cls: type[ReadaheadError], args: tuple[Any, ...], state: dict[str, Any]) -> ReadaheadError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error
