"""From a response to rows: fast on good ones, exact about bad ones."""

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
from .pages import Fetched

__all__ = ["RowReader", "carries", "check_identity", "decode_object", "decode_page"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
_NO_KEYS = frozenset({type(None), dict, list})  # types of values that cannot tell rows apart


@frozen
class RowReader(Generic[T_co]):
    """How the rows of a list endpoint are read.

    Attributes:
        read: The generated function that makes a row from a JSON object.
        key: The field that tells rows apart. A row without it is unreadable.
        items: The member of the envelope that holds the rows.
        total: The member that holds the number of rows in the whole listing, if there is one.
        size: The member that holds the page size, if there is one.
        next: The member that holds the next cursor, if there is one.
        bare: Whether a response may also be the array of rows without an envelope.
    """

    read: Callable[[Mapping[str, Any]], T_co]
    key: str
    items: str
    total: str | None = None
    size: str | None = None
    next: str | None = None
    bare: bool = False


def decode_page(response: Response, reader: RowReader[T]) -> Fetched[T]:
    """Decode a page.

    Returns:
        Its rows, with a DecodeError in the place of each that cannot be read, and what the plan needs to know of it.

    Raises:
        UnexpectedAnswer: The response is not a page of this endpoint.
    """
    items, envelope = _items(response, reader)
    rows: tuple[T | DecodeError, ...]
    unreadable: frozenset[Hashable] = frozenset()
    try:
        rows = tuple(map(reader.read, items))
        keys = tuple(map(attrgetter(reader.key), rows))
        readable = _NO_KEYS.isdisjoint(map(type, keys)) and "" not in keys
    except Exception:  # noqa: BLE001  the rows are read one by one to find out which it was, and why
        rows, keys, readable = (), (), False
    if not readable:
        rows = tuple(_row(str(response.request), reader, index, item) for index, item in enumerate(items))
        keys = tuple(_key(response, reader, index, items[index], row) for index, row in enumerate(rows))
        unreadable = frozenset(key for key, row in zip(keys, rows, strict=True) if isinstance(row, DecodeError))
    cursor = envelope.get(reader.next or "")
    return Fetched(
        keys,
        rows=rows,
        total=_count(envelope, reader.total),
        size=_count(envelope, reader.size) or None,
        next=cursor if isinstance(cursor, str) and cursor else None,
        uncounted=unreadable,
        unreadable=unreadable,
        status=response.status,
        headers=response.headers,
        request_id=response.request_id,
        seconds=response.seconds,
    )


def carries(response: Response, reader: RowReader[T], index: int, row: T, attr: str) -> bool:
    """Whether a row of a response has a field at all: a value, or null."""
    if getattr(row, attr, None) is not None:
        return True
    wire_names: Mapping[str, tuple[str, object]] = getattr(type(row), "FIELDS", {})
    wire_name = next((wire for wire, (name, _) in wire_names.items() if name == attr), attr)
    return wire_name in _items(response, reader)[0][index]


def decode_object(response: Response, read: Callable[[Mapping[str, Any]], T], *, key: str = "id") -> T:
    """Decode a response that is a single row.

    Raises:
        UnexpectedAnswer: The response is not an object that has a key.
    """
    body = _json(response)
    if not isinstance(body, dict) or _key_fault(cast("dict[str, Any]", body).get(key)):
        received = f"an object without {key!r}" if isinstance(body, dict) else _kind(body)
        raise unexpected(response, f"expected an object with {key!r}, received {received}")
    return read(cast("dict[str, Any]", body))


def check_identity(row: object, attr: str, value: str, response: Response) -> None:
    """Check that a row is the one that was requested by this value.

    Raises:
        UnexpectedAnswer: It is another one.
    """
    found = getattr(row, attr)
    if found is not None and str(found).casefold() != value.casefold():  # UUIDs are written in either case
        raise unexpected(response, f"the response is a row with another {attr} than was requested")


def _items(response: Response, reader: RowReader[T]) -> tuple[list[Any], dict[str, Any]]:
    """Return the undecoded rows, and the envelope: empty for a bare array."""
    body = _json(response)
    if isinstance(body, list) and reader.bare:
        return cast("list[Any]", body), {}
    if not isinstance(body, dict):
        expected = f"an object with {reader.items!r}" + (" or an array" if reader.bare else "")
        raise unexpected(response, f"expected {expected}, received {_kind(cast('object', body))}")
    envelope = cast("dict[str, Any]", body)
    items = envelope.get(reader.items)
    if not isinstance(items, list):
        raise unexpected(response, f"expected an array in {reader.items!r}, received {_kind(items)}")
    return cast("list[Any]", items), envelope


def _row(request: str, reader: RowReader[T], index: int, item: Any) -> T | DecodeError:
    if not isinstance(item, dict):
        return DecodeError(f"expected an object, received {_kind(item)}", request=request, row=index)
    members = cast("dict[str, Any]", item)
    if fault := _key_fault(members.get(reader.key)):
        return DecodeError(fault, request=request, row=index, field=reader.key)
    try:
        return reader.read(members)
    except Exception as error:  # noqa: BLE001  whatever the reason, it costs this row alone
        unreadable = DecodeError(f"{type(error).__name__}: {error}", request=request, row=index)
        unreadable.__cause__ = error
        return unreadable


def _key_fault(key: object) -> str | None:
    """Return why this cannot tell rows apart, if it cannot."""
    if type(key) in _NO_KEYS:
        return "it is missing or null" if key is None else f"expected text or a number, received {_kind(key)}"
    return "it is empty" if key == "" else None


def _key(response: Response, reader: RowReader[T], index: int, item: Any, row: T | DecodeError) -> Hashable:
    if not isinstance(row, DecodeError):
        return cast("Hashable", getattr(row, reader.key))
    # An unreadable row has a key too: of its content, or, where that tells nothing, of its place. It is a digest,
    # because keys go into checkpoints, which are small and hold no customer's data.
    content = f"{response.request} {index}"
    if isinstance(item, dict) and len(cast("dict[str, Any]", item)) > 1:
        with suppress(RecursionError):  # JSON may be nested deeper than repr() can go
            content = repr(cast("object", item))
    return hashlib.blake2b(content.encode(errors="replace"), digest_size=12).hexdigest()


def _json(response: Response) -> Any:
    try:
        return orjson.loads(response.body)
    except orjson.JSONDecodeError as error:
        reason = str(error)
    kind = response.headers.get("content-type", "no content type")
    raise unexpected(response, f"status {response.status}, but no JSON ({kind}): {reason}")


_KINDS: dict[type, str] = {
    dict: "an object",
    list: "an array",
    str: "text",
    type(None): "nothing",
    bool: "true or false",
}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number")


def _count(envelope: Mapping[str, Any], name: str | None) -> int | None:
    value = envelope.get(name or "")
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
