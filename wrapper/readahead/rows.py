"""From an answer to rows: fast on good ones, exact about bad ones."""

import hashlib
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

import orjson
from attrs import frozen

from .errors import ApiError, DecodeError, UnexpectedAnswer
from .http.retry import parse_retry_after
from .http.transport import Response
from .pages import Fetched

__all__ = ["RowReader", "carries", "check_status", "decode_object", "decode_page"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
_SHOWN = 200  # characters of a body that a message quotes
_TOLD = 600  # characters of the API's own words that a message quotes
_NO_KEYS = frozenset({type(None), dict, list})  # what cannot tell one row from another


@frozen
class RowReader(Generic[T_co]):
    """How to read the rows of a listing.

    read: makes a row of a JSON object (generated). key: the field without which a row is none.
    items, total, size, next: the members of the answer's envelope. bare: whether the array may also come alone.
    """

    read: Callable[[Mapping[str, Any]], T_co]
    key: str
    items: str
    total: str | None = None
    size: str | None = None
    next: str | None = None
    bare: bool = False


def check_status(answer: Response) -> Response:
    """The answer, if its status says success; else the error that it is."""
    if 200 <= answer.status < 300:
        return answer
    detail = _detail(answer.body)
    if answer.status < 400:
        why = ": redirects are not followed" if answer.status >= 300 else ""
        raise _unexpected(answer, f"status {answer.status}{why}")
    raise ApiError.of(answer.status)(
        f"status {answer.status}" + (f": {_cut(detail, _TOLD)}" if detail else ""),
        status=answer.status,
        request=str(answer.request),
        detail=detail,
        request_id=answer.request_id,
        body=answer.body,
        retry_after=parse_retry_after(answer.headers.get("retry-after")),
        # A server error says nothing of what was done before it; the other statuses are refusals.
        maybe_applied=answer.request.method in {"POST", "PUT"} and answer.status >= 500,
    )


def decode_page(answer: Response, reader: RowReader[T]) -> Fetched[T]:
    """Decode one page of a listing: a DecodeError stands in the place of a row that cannot be decoded.

    Raises:
        UnexpectedAnswer: It is not a page of a listing.
    """
    items, envelope = _array(answer, reader)
    rows: tuple[T | DecodeError, ...]
    bad: frozenset[Hashable] = frozenset()
    try:
        rows = tuple(map(reader.read, items))
        keys = tuple(map(attrgetter(reader.key), rows))
        good = _NO_KEYS.isdisjoint(map(type, keys)) and "" not in keys
    except Exception:  # noqa: BLE001  which row it was, and why, is found by going through them one by one
        rows, keys, good = (), (), False
    if not good:
        rows = tuple(_row(str(answer.request), reader, index, item) for index, item in enumerate(items))
        keys = tuple(_key(answer, reader, index, items[index], row) for index, row in enumerate(rows))
        bad = frozenset(key for key, row in zip(keys, rows, strict=True) if isinstance(row, DecodeError))
    return Fetched(
        keys,
        rows=rows,
        total=_count(envelope, reader.total),
        size=_count(envelope, reader.size) or None,
        next=_text(envelope, reader.next),
        uncounted=bad,
        status=answer.status,
        headers=answer.headers,
        request_id=answer.request_id,
        seconds=answer.seconds,
    )


def carries(answer: Response, reader: RowReader[T], index: int, row: T, attr: str) -> bool:
    """Whether a row of an answer says anything in a field: a value or null, and is not merely without it."""
    if getattr(row, attr, None) is not None:
        return True
    wire_names: Mapping[str, tuple[str, object]] = getattr(type(row), "_fields", {})
    wire_name = next((wire for wire, (name, _) in wire_names.items() if name == attr), attr)
    return wire_name in _array(answer, reader)[0][index]


def decode_object(answer: Response, read: Callable[[Mapping[str, Any]], T], *, key: str = "id") -> T:
    """The one object that the answer is, known by its key. Raises UnexpectedAnswer."""
    found = _json(answer)
    if not isinstance(found, dict) or _fault(cast("dict[str, Any]", found).get(key)):
        what = f"an object without {key!r}" if isinstance(found, dict) else _kind(found)
        raise _unexpected(answer, f"an object with {key!r} was due, {what} came")
    return read(cast("dict[str, Any]", found))


def _array(answer: Response, reader: RowReader[T]) -> tuple[list[Any], dict[str, Any]]:
    """The rows as they came, and the envelope around them: empty where they came alone."""
    found = _json(answer)
    if isinstance(found, list) and reader.bare:
        return cast("list[Any]", found), {}
    if not isinstance(found, dict):
        due = f"an object with {reader.items!r}" + (" or an array" if reader.bare else "")
        raise _unexpected(answer, f"{due} was due, {_kind(found)} came")
    envelope = cast("dict[str, Any]", found)
    items = envelope.get(reader.items)
    if not isinstance(items, list):
        raise _unexpected(answer, f"an array was due in {reader.items!r}, {_kind(items)} came")
    return cast("list[Any]", items), envelope


def _row(request: str, reader: RowReader[T], index: int, item: Any) -> T | DecodeError:
    if not isinstance(item, dict):
        return DecodeError(f"an object was due, {_kind(item)} came", request=request, row=index)
    members = cast("dict[str, Any]", item)
    key = members.get(reader.key)
    if fault := _fault(key):
        return DecodeError(fault, request=request, row=index, field=reader.key)
    try:
        return reader.read(members)
    except Exception as error:  # noqa: BLE001  whatever the reason, it costs this row alone
        bad = DecodeError(f"{type(error).__name__}: {error}", request=request, row=index)
        bad.__cause__ = error
        return bad


def _fault(key: object) -> str | None:
    """Why this does not tell one row from another, if it does not."""
    if type(key) in _NO_KEYS:
        return "it is missing or null" if key is None else f"text or a number was due, {_kind(key)} came"
    return "it is empty" if key == "" else None


def _key(answer: Response, reader: RowReader[T], index: int, item: Any, row: T | DecodeError) -> Hashable:
    if not isinstance(row, DecodeError):
        return cast("Hashable", getattr(row, reader.key))
    # A row that cannot be read has a key all the same: of what it holds, or, where that says nothing, of its place. It
    # is a digest, because keys go into checkpoints, which are small and carry no customer's data.
    held = f"{answer.request} {index}"
    if isinstance(item, dict) and len(cast("dict[str, Any]", item)) > 1:
        with suppress(RecursionError):  # JSON may be nested deeper than Python can show
            held = repr(cast("object", item))
    return hashlib.blake2b(held.encode(errors="replace"), digest_size=12).hexdigest()


def _json(answer: Response) -> Any:
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        why = str(error)
    kind = answer.headers.get("content-type", "no content type")
    raise _unexpected(answer, f"status {answer.status}, but no JSON ({kind}): {why}")


def _unexpected(answer: Response, message: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        message,
        status=answer.status,
        request=str(answer.request),
        request_id=answer.request_id,
        body=answer.body,
        maybe_applied=answer.request.method in {"POST", "PUT"},
    )


def _detail(body: bytes) -> str | None:
    """The API's words, in one line: Kintsugi's ``detail``, Sweet Spot's ``error.message``, else the body's start."""
    try:
        said: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _cut(_line(body[: 4 * _SHOWN].decode(errors="replace")), _SHOWN) or None
    for name in ("detail", "error", "message"):
        if isinstance(said, dict):
            said = cast("Any", said.get(name) or said)
    if isinstance(said, list):
        said = "; ".join(map(_complaint, cast("list[Any]", said)))
    return _line(said if isinstance(said, str) else _json_text(said)) if said else None


def _complaint(item: Any) -> str:
    # Everything but the list itself is optional in FastAPI's validation errors.
    members = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
    said = members.get("msg")
    if not said:
        return item if isinstance(item, str) else _json_text(item)
    loc = members.get("loc")
    where = ".".join(map(str, cast("list[Any]", loc))) if isinstance(loc, list) else str(loc or "")
    return f"{where}: {said}" if where else str(said)


def _json_text(value: Any) -> str:
    try:
        return _cut(orjson.dumps(value).decode(), _SHOWN)
    except TypeError:  # it reads deeper nesting than it writes
        return _kind(value)


def _line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


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
