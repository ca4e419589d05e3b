"""Every error of readahead, in one tree.

    ReadaheadError
    ├── UsageError              what was asked cannot be sent; nothing was (also a ValueError)
    │   ├── CheckpointError         a checkpoint or partition that is malformed, or of another query, client or version
    │   ├── CredentialsError        a key is missing, empty, malformed, or would go to a foreign host
    │   └── FilterError             a filter, an order or a page size that the API does not have
    ├── StreamError             a stream or client is used outside its life (also a RuntimeError)
    ├── RequestError            no answer came, or not the whole of it
    │   ├── ConnectFailed           no connection
    │   ├── ConnectionLost          the connection broke before the whole answer was there
    │   └── TimedOut                the whole answer was not there in time (also a TimeoutError)
    ├── ApiError                the API answered with an error status
    │   ├── InvalidRequest          400, 422
    │   ├── AuthenticationFailed    401
    │   ├── PermissionDenied        403
    │   ├── NotFound                404
    │   ├── Conflict                409
    │   ├── RateLimited             429
    │   └── ServerError             500 and up
    ├── UnexpectedAnswer        an answer that is not what the API documents: HTML with 200, an unknown shape
    ├── RetryDelayTooLong       the API asks for a longer pause than ``Retry.max_delay``
    ├── DriftError              rows moved while a list was read, and ``on_drift="raise"`` was given
    └── DecodeError             a row that cannot be read: it names the row and the field

No exception of the HTTP library passes, as itself or as a cause: theirs carry the request and with it the key.
"""

from collections.abc import Iterable
from typing import Any, Protocol

__all__ = [
    "ApiError",
    "AuthenticationFailed",
    "CheckpointError",
    "Conflict",
    "ConnectFailed",
    "ConnectionLost",
    "CredentialsError",
    "DecodeError",
    "DriftError",
    "FilterError",
    "InvalidRequest",
    "NotFound",
    "PermissionDenied",
    "RateLimited",
    "ReadaheadError",
    "RequestError",
    "Resumable",
    "RetryDelayTooLong",
    "ServerError",
    "StreamError",
    "TimedOut",
    "UnexpectedAnswer",
    "UsageError",
]


class Resumable(Protocol):
    """A place in a listing that ``query.prefetch(resume=...)`` goes on from: a ``readahead.Checkpoint``."""

    def to_json(self) -> str:
        """Return it as text."""
        ...


class ReadaheadError(Exception):
    """The root of the tree. Every error pickles and copies with all that it carries.

    Attributes:
        checkpoint: Where the listing that it ended can be resumed: ``query.prefetch(resume=error.checkpoint)``. None if
            it ended no listing.
    """

    checkpoint: Resumable | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class UsageError(ReadaheadError, ValueError):
    """What was asked cannot be sent. Nothing was."""


class CheckpointError(UsageError):
    """A checkpoint or partition that is malformed, or of another query, client or version."""


class CredentialsError(UsageError):
    """A credential is missing, empty or malformed, or would be sent to a host it was not given for."""


class FilterError(UsageError):
    """A filter, an order or a page size that the API does not have.

    ``field`` is its name, ``value`` what was passed, ``near`` the valid names or values that look most like it.
    """

    def __init__(self, field: str, message: str, *, value: object = None, near: Iterable[str] = ()) -> None:
        self.field, self.value, self.near = field, value, tuple(near)
        hint = f"; did you mean {' or '.join(map(repr, self.near))}?" if self.near else ""
        super().__init__(message + hint)


class StreamError(ReadaheadError, RuntimeError):
    """A stream or a client is used before it is open, after it is closed, or by two tasks at once."""


class RequestError(ReadaheadError):
    """No answer came, or not the whole of it.

    ``request`` names it without the values of filters; ``maybe_applied`` tells whether a request that writes may have
    been carried out all the same.
    """

    def __init__(self, message: str, *, request: str = "", maybe_applied: bool = False) -> None:
        self.request, self.maybe_applied = request, maybe_applied
        said = f"{request}: {message}" if request else message
        super().__init__(said + (" (it may have been applied)" if maybe_applied else ""))


class ConnectFailed(RequestError):
    """No connection could be made."""


class ConnectionLost(RequestError):
    """The connection broke before the whole answer was there."""


class TimedOut(RequestError, TimeoutError):
    """The whole answer was not there in time."""


class _Answered(ReadaheadError):
    """What an answer that is an error carries.

    ``status``; ``detail``, the API's own words if there are any; ``request`` without the values of filters;
    ``request_id``; ``body`` as it came, but for keys that it quotes; ``retry_after`` in seconds, if the API named one.
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
        self.status, self.request, self.detail, self.request_id = status, request, detail, request_id
        self.body, self.retry_after, self.maybe_applied = body, retry_after, maybe_applied
        known = [f"request id {request_id}"] if request_id else []
        known += ["it may have been applied"] if maybe_applied else []
        super().__init__(f"{request}: {message}" + (f" ({'; '.join(known)})" if known else ""))


class UnexpectedAnswer(_Answered):
    """An answer that is not what the API documents, whatever its status says."""


class ApiError(_Answered):
    """The API answered with an error status."""

    @staticmethod
    def of(status: int) -> "type[ApiError]":
        """The class for a status."""
        return ServerError if status >= 500 else _BY_STATUS.get(status, ApiError)


class InvalidRequest(ApiError):
    """400 or 422: the API refuses what was sent."""


class AuthenticationFailed(ApiError):
    """401: the credentials are missing or not valid."""


class PermissionDenied(ApiError):
    """403: the credentials are valid and do not allow this."""


class NotFound(ApiError):
    """404."""


class Conflict(ApiError):
    """409."""


class RateLimited(ApiError):
    """429: too many requests."""


class ServerError(ApiError):
    """500 and up."""


class RetryDelayTooLong(ReadaheadError):
    """The API asks for a pause of ``delay`` seconds; ``Retry.max_delay`` allows ``allowed``."""

    def __init__(self, delay: float, allowed: float) -> None:
        self.delay, self.allowed = delay, allowed
        super().__init__(f"the API asks to wait {delay:g} s before the next request; Retry.max_delay is {allowed:g} s")


class DriftError(ReadaheadError):
    """Rows moved while a list was read, and ``on_drift="raise"`` was given."""


class DecodeError(ReadaheadError):
    """A row that cannot be read. ``request`` names its page, ``row`` its place there, from 0."""

    def __init__(self, message: str, *, request: str, row: int, field: str | None = None) -> None:
        self.request, self.row, self.field = request, row, field
        super().__init__(f"{request}: row {row}{f', field {field!r}' if field else ''}: {message}")


_SHOWN = 200  # characters of a value that a message quotes
_BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    422: InvalidRequest,
    429: RateLimited,
}


def shown(given: object) -> str:
    """What was given, as a message can quote it: whatever it is, and however long."""
    try:
        text = repr(given)
    except Exception:  # noqa: BLE001  not every object can show itself; an int of 5,000 digits is one
        return f"<{type(given).__name__}>"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def not_allowed(field: str, given: object, allowed: str, *, near: Iterable[str] = ()) -> FilterError:
    return FilterError(field, f"{field}: {shown(given)} was given; allowed is {allowed}", value=given, near=near)


def nearest(given: object, known: Iterable[str]) -> list[str]:
    """The known names that look most like what was given, for a message."""
    from difflib import get_close_matches  # noqa: PLC0415  only a message needs it

    folded = {name.casefold(): name for name in map(str, known)}
    text = given if isinstance(given, str) else shown(given)
    return [folded[match] for match in get_close_matches(text.casefold(), list(folded), n=2, cutoff=0.6)]


def _rebuild(cls: type[ReadaheadError], args: tuple[Any, ...], state: dict[str, Any]) -> ReadaheadError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error
