"""Turn a response whose status is not a success into one typed error, with the API's own words."""

from typing import Any, cast

import orjson

from ..errors import ApiError, RateLimited, ReadaheadError, UnexpectedAnswer
from .applied import maybe_applied
from .bounded import LONGEST_KEY, MAX_KEPT
from .quota import Quota
from .request import Response
from .retry import parse_retry_after

__all__ = ["check_status", "unexpected"]

_SHOWN = 200  # characters of a body that a message quotes
_QUOTED = 600  # characters of the API's own words that a message quotes


def check_status(response: Response, quota: Quota | None = None) -> Response:
    """Return the response if its status is a success.

    Args:
        response: Any response.
        quota: How the API says that there were too many requests, besides 429.

    Raises:
        ApiError: The status is 400 or above.
        UnexpectedAnswer: The status is below 200 or a redirect.
    """
    if 200 <= response.status < 300:
        return response
    raise _error_of(response, quota)  # made elsewhere, so that no variable here holds what the server said


def _error_of(response: Response, quota: Quota | None) -> ReadaheadError:
    status = response.status
    if status < 400:
        return unexpected(response, f"status {status}" + (": redirects are not followed" if status >= 300 else ""))
    body, cls = _body(response), ApiError.of(status)
    detail = _detail(body)
    detail = detail and response.redactor.text(detail)
    retry_after = parse_retry_after(response.headers.get("retry-after"), response.headers.get("date"))
    if quota is not None:
        cls = RateLimited if quota.refusal(status, response.headers) else cls
        if cls is RateLimited and retry_after is None and (left := quota.left(response.headers)) and not left.requests:
            retry_after = left.seconds
    return cls(
        f"status {status}" + (f": {_cut(detail, _QUOTED)}" if detail else ""),
        status=status,
        request=str(response.request),
        detail=detail,
        request_id=response.request_id,
        body=body,
        retry_after=retry_after,
        maybe_applied=maybe_applied(response.request.writes, cls, status),
    )


def unexpected(response: Response, message: str) -> UnexpectedAnswer:
    """Build the error for a response that is not what the API documents."""
    return UnexpectedAnswer(
        response.redactor.text(message),
        status=response.status,
        request=str(response.request),
        request_id=response.request_id,
        body=_body(response),
        maybe_applied=maybe_applied(response.request.writes, UnexpectedAnswer),
    )


def _body(response: Response) -> bytes:
    """What an error keeps of the body. The search for keys takes 60 ms for a million bytes."""
    return response.redactor.body(response.body[: MAX_KEPT + LONGEST_KEY])[:MAX_KEPT]


def _detail(body: bytes) -> str | None:
    """The API's words in one line: Kintsugi's ``detail``, Sweet Spot's ``error.message``, else the body's start."""
    try:
        words: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _cut(_line(body[: 4 * _SHOWN].decode(errors="replace")), _SHOWN) or None
    for name in ("detail", "error", "message"):
        if isinstance(words, dict):
            words = cast("Any", words.get(name) or words)
    if isinstance(words, list):
        words = "; ".join(map(_complaint, cast("list[Any]", words)))
    return _line(words if isinstance(words, str) else _json_text(words)) if words else None


def _complaint(item: Any) -> str:
    # Everything but the list itself is optional in FastAPI's validation errors.
    members = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
    message = members.get("msg")
    if not message:
        return item if isinstance(item, str) else _json_text(item)
    loc = members.get("loc")
    place = ".".join(map(str, cast("list[Any]", loc))) if isinstance(loc, list) else str(loc or "")
    return f"{place}: {message}" if place else str(message)


def _json_text(value: Any) -> str:
    try:
        return _cut(orjson.dumps(value).decode(), _SHOWN)
    except TypeError:  # orjson reads deeper nesting than it writes
        return "an array" if isinstance(value, list) else "an object"


def _line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"
