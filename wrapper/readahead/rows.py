"""From an answer to rows: fast on good ones, exact about bad ones."""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

import orjson
from attrs import frozen

from .errors import ApiError, DecodeError, UnexpectedAnswer
from .paging.plans import Seen
from .retry import parse_retry_after
from .transport import Answer

__all__ = ["RowReader", "check_status", "decode_object", "decode_page"]

T = TypeVar("T")
_SHOWN = 200  # characters of a body that a message quotes


@frozen
class RowReader(Generic[T]):
    """How to read the rows of a listing.

    read: makes a row of a JSON object (generated). key: the field without which a row is none.
    items, total, size, next: the members of the answer's envelope. bare: whether the array may also come alone.
    """

    read: Callable[[Mapping[str, Any]], T]
    key: str
    items: str
    total: str | None = None
    size: str | None = None
    next: str | None = None
    bare: bool = False


def check_status(answer: Answer) -> Answer:
    """The answer, if its status says success; else the error that it is."""
    if 200 <= answer.status < 300:
        return answer
    detail = _detail(answer.body)
    if answer.status < 400:
        why = ": redirects are not followed" if answer.status >= 300 else ""
        raise _unexpected(answer, f"status {answer.status}{why}")
    raise ApiError.of(answer.status)(
        f"status {answer.status}" + (f": {detail}" if detail else ""),
        status=answer.status,
        request=str(answer.request),
        detail=detail,
        request_id=answer.request_id,
        body=answer.body,
        retry_after=parse_retry_after(answer.headers.get("retry-after")),
        # A server error says nothing of what was done before it; the other statuses are refusals.
        maybe_applied=answer.request.method in {"POST", "PUT"} and answer.status >= 500,
    )


def decode_page(
    answer: Answer, reader: RowReader[T], *, skipped: list[str] | None = None
) -> tuple[tuple[T, ...], Seen]:
    """The rows of one page, and what the plan needs to know.

    A row that cannot be read is a DecodeError; or, where ``skipped`` is given, a line there. Raises UnexpectedAnswer.
    """
    found = _json(answer)
    envelope: dict[str, Any] = {}
    if isinstance(found, dict):
        envelope = cast("dict[str, Any]", found)
        found = envelope.get(reader.items)
    elif not reader.bare:
        raise _unexpected(answer, f"an object with {reader.items!r} was due, {_kind(found)} came")
    if not isinstance(found, list):
        due = f"an array{' or an object' if reader.bare else ''} with {reader.items!r}"
        raise _unexpected(answer, f"{due} was due, {_kind(found)} came" + (f" in {reader.items!r}" if envelope else ""))
    items = cast("list[Any]", found)
    try:
        rows = tuple(map(reader.read, items))
        good = None not in map(attrgetter(reader.key), rows)
    except Exception:  # noqa: BLE001  which row it was, and why, is found by going through them one by one
        rows, good = (), False
    if not good:
        rows = tuple(_rows(answer, reader, items, skipped))
    return rows, Seen(
        len(items),
        total=_count(envelope, reader.total),
        size=_count(envelope, reader.size) or None,
        next=_text(envelope, reader.next),
    )


def decode_object(answer: Answer, read: Callable[[Mapping[str, Any]], T], *, key: str = "id") -> T:
    """The one object that the answer is, known by its key. Raises UnexpectedAnswer."""
    found = _json(answer)
    if not isinstance(found, dict) or cast("dict[str, Any]", found).get(key) is None:
        what = f"an object without {key!r}" if isinstance(found, dict) else _kind(found)
        raise _unexpected(answer, f"an object with {key!r} was due, {what} came")
    return read(cast("dict[str, Any]", found))


def _rows(answer: Answer, reader: RowReader[T], items: list[Any], skipped: list[str] | None) -> Iterator[T]:
    for index, item in enumerate(items):
        try:
            yield _row(str(answer.request), reader, index, item)
        except DecodeError as error:
            if skipped is None:
                raise
            skipped.append(str(error))


def _row(request: str, reader: RowReader[T], index: int, item: Any) -> T:
    if not isinstance(item, dict):
        raise DecodeError(f"an object was due, {_kind(item)} came", request=request, row=index)
    members = cast("dict[str, Any]", item)
    if members.get(reader.key) is None:
        raise DecodeError("it is missing or null", request=request, row=index, field=reader.key)
    try:
        return reader.read(members)
    except Exception as error:
        raise DecodeError(f"{type(error).__name__}: {error}", request=request, row=index) from error


def _json(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        kind = answer.headers.get("content-type", "no content type")
        raise _unexpected(answer, f"status {answer.status}, but no JSON ({kind}): {error}") from None


def _unexpected(answer: Answer, message: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        message,
        status=answer.status,
        request=str(answer.request),
        request_id=answer.request_id,
        body=answer.body,
        maybe_applied=answer.request.method in {"POST", "PUT"},
    )


def _detail(body: bytes) -> str | None:
    """The API's own words: Kintsugi's ``detail``, Sweet Spot's ``error.message``, else the start of the body."""
    try:
        said: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = " ".join(body[: 4 * _SHOWN].decode(errors="replace").split())
        return text[:_SHOWN] or None
    if isinstance(said, dict):
        members = cast("dict[str, Any]", said)
        inner = members.get("detail", members.get("error"))
        said = cast("dict[str, Any]", inner).get("message", inner) if isinstance(inner, dict) else inner or members
    if isinstance(said, list):
        return "; ".join(map(_complaint, cast("list[Any]", said)))
    return said if isinstance(said, str) else orjson.dumps(said).decode()[:_SHOWN]


def _complaint(item: Any) -> str:
    # Everything but the list itself is optional in FastAPI's validation errors.
    if not isinstance(item, dict):
        return str(item)
    members = cast("dict[str, Any]", item)
    loc = members.get("loc") or ()
    where = ".".join(map(str, cast("list[Any]", loc))) if isinstance(loc, list) else str(loc)
    return f"{where}: {members.get('msg')}" if where else str(members.get("msg"))


def _kind(value: Any) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case str():
            return "text"
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case _:
            return "a number"


def _count(envelope: Mapping[str, Any], name: str | None) -> int | None:
    value = envelope.get(name) if name else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(envelope: Mapping[str, Any], name: str | None) -> str | None:
    value = envelope.get(name) if name else None
    return value if isinstance(value, str) and value else None
