"""From an answer to rows: fast on good ones, exact about bad ones."""

import hashlib
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

import orjson
from attrs import frozen

from .errors import DecodeError
from .http.status import unexpected
from .http.transport import Response
from .paging.plan import Seen

__all__ = ["RowReader", "carries", "decode_object", "decode_page"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
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


def decode_page(answer: Response, reader: RowReader[T]) -> tuple[tuple[T | DecodeError, ...], Seen]:
    """The rows of one page, a DecodeError in the place of one that cannot be read, and what the plan needs to know.

    Raises UnexpectedAnswer.
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
    return rows, Seen(
        keys,
        total=_count(envelope, reader.total),
        size=_count(envelope, reader.size) or None,
        next=_text(envelope, reader.next),
        bad=bad,
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
        raise unexpected(answer, f"an object with {key!r} was due, {what} came")
    return read(cast("dict[str, Any]", found))


def _array(answer: Response, reader: RowReader[T]) -> tuple[list[Any], dict[str, Any]]:
    """The rows as they came, and the envelope around them: empty where they came alone."""
    found = _json(answer)
    if isinstance(found, list) and reader.bare:
        return cast("list[Any]", found), {}
    if not isinstance(found, dict):
        due = f"an object with {reader.items!r}" + (" or an array" if reader.bare else "")
        raise unexpected(answer, f"{due} was due, {_kind(found)} came")
    envelope = cast("dict[str, Any]", found)
    items = envelope.get(reader.items)
    if not isinstance(items, list):
        raise unexpected(answer, f"an array was due in {reader.items!r}, {_kind(items)} came")
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
    raise unexpected(answer, f"status {answer.status}, but no JSON ({kind}): {why}")


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
