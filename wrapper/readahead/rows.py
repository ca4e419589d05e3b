"""From a response to rows: fast on good ones, exact about bad ones."""

import hashlib
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar, cast, get_args

import attrs
from attrs import frozen

from .errors import DecodeError, UnexpectedAnswer, UsageError, escaped, kind_of, nearest, shown
from .http.body import read_exactly, read_json
from .http.request import Response
from .http.status import unexpected
from .locations import (
    ABSENT,
    Flag,
    Header,
    LinkHeader,
    Location,
    Not,
    Unreadable,
    checked_location,
    count_at,
    flag_at,
    member,
    next_at,
)
from .pages import Fetched, Scalar

__all__ = ["RowReader", "carries", "check_identity", "decode_object", "decode_page", "read_page"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Empty = Literal["null", "absent", "nothing"]
_MOST_UNREADABLE = 10_000  # rows of one page; each costs an error, which is far larger than a wrong row
_EXACT = 2**53  # from here on floats skip integers
_ROUNDED = 2.0**63  # from here on orjson gives a float for an integer that does not fit 64 bits
_TEXT = frozenset({str})
_LONG_INTEGER = re.compile(rb"[0-9]{19}")


@frozen
class RowReader(Generic[T_co]):
    """How the rows of a list endpoint are read.

    Integers over 64 bits are exact in the key and in attributes that the document declares as integers. A page that has
    one there is exact in all of its fields; elsewhere such an integer is rounded to a float.

    Attributes:
        read: The generated function that makes a row from a JSON object.
        key: The field that tells rows apart: text or a whole number, where 7 and "7" are the same. A row without it is
            unreadable.
        items: Where the rows are: the path of a member of the envelope, or a function of the decoded JSON. In a path,
            here and below, ``"data.items"`` is a member of ``data`` and ``"data.0"`` the first of an array. None: the
            response is the array itself.
        total: The number of rows in the whole listing, if there is one: a path, a ``Header``, or a function.
        size: The path of the page size, if there is one.
        next: The next cursor or the URL of the next page: a path, a ``Header``, a ``LinkHeader``, or a function. Where
            it is absent, null or empty text, the listing ends; where it is neither text nor a number, it fails.
        more: Whether rows follow, where the API says so in so many words, with any style of paging: a path, a
            ``Header``, a ``LinkHeader``, a function, or ``Not`` of these, such as ``Not("is_last_page")``. What is
            neither true nor false is never taken for the end.
        bare: Whether a response may also be the array of rows without an envelope.
        empty: What stands for an empty array besides an empty array, where the API is known to send it: ``"null"``,
            ``"absent"`` for an envelope without the member, ``"nothing"`` for status 204 or no body. Anything that is
            not listed here is an unexpected answer, never an empty page.

    Raises:
        UsageError: ``empty`` holds something else, or a location is none of these.
    """

    read: Callable[[Mapping[str, Any]], T_co]
    key: str
    items: str | Callable[[Any], Any] | None
    total: str | Header | Callable[[Any], Any] | None = None
    size: str | None = None
    next: Location | None = None
    more: Flag | None = None
    bare: bool = False
    empty: Sequence[Empty] = ()

    def __attrs_post_init__(self) -> None:
        locations = {"items": (), "total": (Header,), "next": (Header, LinkHeader), "more": (Header, LinkHeader, Not)}
        for name, kinds in locations.items():
            if (location := getattr(self, name)) is not None:
                checked_location(name, location, *kinds)
        if not callable(cast("object", self.read)) or hasattr(self.read, "from_dict"):
            raise UsageError(f"read must be what makes a row, such as Customer.from_dict, not {shown(self.read)}")
        allowed = get_args(Empty)
        for name in (self.empty,) if isinstance(self.empty, str) else self.empty:
            if name not in allowed or isinstance(self.empty, str):
                near = " or ".join(map(repr, nearest(name, allowed)))
                hint = f"; did you mean [{near}]?" if near else ""
                raise UsageError(f"empty must be a list of {', '.join(allowed)}, not {self.empty!r}{hint}")

    @cached_property
    def wire_key(self) -> str:
        """The name of the key in the API's objects."""
        return self.wire_name(self.key)

    def wire_name(self, attr: str) -> str:
        """Return what the API calls an attribute of rows."""
        return _wire_name(getattr(self.read, "__self__", None), attr)

    @cached_property
    def integers(self) -> Mapping[str, Callable[[object], object]]:
        """The attributes, besides the key, that the document declares as integers, each with what gets it of a row."""
        row = getattr(self.read, "__self__", None)  # of a row class's from_dict
        declared = attrs.fields(row) if isinstance(row, type) and attrs.has(row) else ()
        names = [one.name for one in declared if one.name != self.key and re.search(r"\bint\b", str(one.type))]
        return {name: attrgetter(name) for name in names}


def decode_page(response: Response, reader: RowReader[T]) -> Fetched[T]:
    """Decode a page.

    Returns:
        Its rows, with a DecodeError in the place of each that cannot be read, and what the plan needs to know of it.

    Raises:
        UnexpectedAnswer: The response is not a page of this endpoint.
    """
    return read_page(response, reader)[0]


def read_page(response: Response, reader: RowReader[T]) -> tuple[Fetched[T], Sequence[Any]]:
    """Decode a page as ``decode_page`` does, and return the JSON of its rows as well, for ``carries``."""
    body = _page(response, reader)
    items = _items(response, reader, body)
    read = _all_rows(reader, items)
    if read is None and _are_rounded(reader, items):
        with suppress(ValueError):
            items = _items(response, reader, body := read_exactly(response.body, _content_type(response)))
            read = _all_rows(reader, items)
    keys, rows = _rows_one_by_one(response, reader, items) if read is None else read
    unreadable: frozenset[Hashable] = frozenset()
    if read is None:
        unreadable = frozenset(key for key, row in zip(keys, rows, strict=True) if isinstance(row, DecodeError))
    following, failure = _following(response, reader, body)
    more, unclear = _more(response, reader, body)
    fetched = Fetched(
        keys,
        rows=rows,
        total=count_at(reader.total, body, response.headers),
        size=count_at(reader.size, body, response.headers) or None,
        next=following,
        more=more,
        unclear=unclear,
        failure=failure,
        uncounted=unreadable,
        unreadable=unreadable,
        status=response.status,
        headers=response.headers,
        request_id=response.request_id,
        seconds=response.seconds,
    )
    return fetched, items


def carries(item: Mapping[str, Any], row: object, attr: str) -> bool:
    """Whether a row has a field at all: a value, or null. ``item``: its JSON."""
    return getattr(row, attr, None) is not None or _wire_name(type(row), attr) in item


def decode_object(response: Response, read: Callable[[Mapping[str, Any]], T], *, key: str = "id") -> T:
    """Decode a response that is a single row.

    Raises:
        UnexpectedAnswer: The response is not an object that has a key.
    """
    members = _object(response, key)
    if isinstance(members, str):
        raise unexpected(response, members)
    return read(members)


def _object(response: Response, key: str) -> dict[str, Any] | str:
    """Return the object, or what the response is instead."""
    # What it holds may quote a key, so it is no variable of a frame that raises; the same holds for ``_items``.
    body = _json(response)
    if _LONG_INTEGER.search(response.body):
        with suppress(ValueError):
            body = read_exactly(response.body, _content_type(response))
    if not isinstance(body, dict) or _key_fault(cast("dict[str, Any]", body).get(key)):
        received = f"an object without {key!r}" if isinstance(body, dict) else kind_of(body)
        return f"expected an object with {key!r}, received {received}"
    return cast("dict[str, Any]", body)


def check_identity(row: object, attr: str, value: str, response: Response) -> None:
    """Check that a row is the one that was requested by this value.

    Raises:
        UnexpectedAnswer: It is another one.
    """
    found = getattr(row, attr)
    if found is not None and str(found).casefold() != value.casefold():  # UUIDs are written in either case
        raise unexpected(response, f"the response is a row with another {attr} than was requested")


# ---- the page


def _page(response: Response, reader: RowReader[Any]) -> Any:
    """Return the JSON of a page, ``ABSENT`` where nothing stands for an empty one."""
    if "nothing" in reader.empty and (response.status == 204 or not response.body.strip()):
        return ABSENT
    return _json(response)


def _items(response: Response, reader: RowReader[T], body: Any) -> list[Any]:
    """Return the rows as JSON."""
    found = _found(reader, body)
    if isinstance(found, str):
        del body
        raise unexpected(response, found)
    return found


def _found(reader: RowReader[T], body: Any) -> list[Any] | str:
    """Return the rows, or what the response is instead."""
    where, empty = reader.items, reader.empty
    if body is ABSENT or (body is None and "null" in empty):
        return []
    if isinstance(body, list) and (reader.bare or where is None):
        return cast("list[Any]", body)
    if callable(where):
        return _found_by(where, reader, body)
    if where is None or not isinstance(body, dict):
        expected = (
            "an array" if where is None else f"an object with {where!r}" + (" or an array" if reader.bare else "")
        )
        return f"expected {expected}, received {kind_of(cast('object', body))}"
    items = member(cast("dict[str, Any]", body), where)
    if isinstance(items, list):
        return cast("list[Any]", items)
    if (items is None and "null" in empty) or (items is ABSENT and "absent" in empty):
        return []
    received = "nothing" if items is ABSENT else kind_of(items)
    return f"expected an array in {where!r}, received {received}"


def _found_by(find: Callable[[Any], Any], reader: RowReader[Any], body: Any) -> list[Any] | str:
    """Return the rows that a function finds, or why it finds none."""
    try:
        items: object = find(body)
        if items is None and {"null", "absent"}.intersection(reader.empty):
            return []
        if isinstance(items, Iterable) and not isinstance(items, str | Mapping):
            return list(cast("Iterable[Any]", items))
        received = kind_of(cast("object", items))
    except Exception as error:  # noqa: BLE001  whatever it is, it is about this answer
        return f"the function for items failed with {type(error).__name__} on {kind_of(body)}"
    return f"expected an array from the function for items, received {received}"


def _following(response: Response, reader: RowReader[Any], body: Any) -> tuple[Scalar | None, UnexpectedAnswer | None]:
    """Return what names the next page, or why it cannot be read."""
    if reader.next is None or body is ABSENT or body is None:
        return None, None
    try:
        value = next_at(reader.next, body, response.headers)
        if _is_rounded(value):
            value = next_at(reader.next, read_exactly(response.body, _content_type(response)), response.headers)
    except (Unreadable, ValueError) as error:
        reason = str(error)
    else:
        return value, None
    return None, unexpected(response, f"the next page cannot be requested: {reason}")


def _more(response: Response, reader: RowReader[Any], body: Any) -> tuple[bool | None, str]:
    """Return whether rows follow, or None and why that cannot be read."""
    if reader.more is None:
        return None, ""
    try:
        return flag_at(reader.more, body, response.headers), ""
    except Unreadable as error:
        # What stands for an empty page says nothing else.
        return None, "" if body is ABSENT or body is None else str(error)


def _json(response: Response) -> Any:
    try:
        return read_json(response.body, _content_type(response))
    except ValueError as error:
        reason = str(error)
    raise _no_json(response, reason)


def _no_json(response: Response, reason: str) -> UnexpectedAnswer:
    kind = _content_type(response)
    return unexpected(response, f"status {response.status}, but no JSON ({kind or 'no content type'}): {reason}")


def _content_type(response: Response) -> str:
    return response.headers.get("content-type", "")


# ---- its rows


def _all_rows(reader: RowReader[T], items: list[Any]) -> tuple[tuple[Hashable, ...], tuple[T, ...]] | None:
    """Return keys and rows; None if a row cannot be read, or an integer of it may be rounded."""
    try:
        rows = tuple(map(reader.read, items))
        keys: tuple[Hashable, ...] = tuple(map(attrgetter(reader.key), rows))
        for value_of in reader.integers.values():
            if float in map(type, map(value_of, rows)) and any(map(_is_rounded, map(value_of, rows))):
                return None
    except Exception:  # noqa: BLE001  the rows are read one by one to find out which it was, and why
        return None
    if not _TEXT.issuperset(map(type, keys)):
        if any(map(_is_rounded, keys)):
            return None
        keys = tuple(map(_key, keys))
    return (keys, rows) if all(keys) else None


def _rows_one_by_one(
    response: Response, reader: RowReader[T], items: Iterable[Any]
) -> tuple[tuple[Hashable, ...], tuple[T | DecodeError, ...]]:
    keys: list[Hashable] = []
    rows: list[T | DecodeError] = []
    unreadable = 0
    before, after = None, 0  # the key of the readable row before, and how many unreadable ones have followed it
    for index, item in enumerate(items):
        row = _row(response, reader, index, item)
        if isinstance(row, DecodeError):
            after += 1
            unreadable += 1
            if unreadable > _MOST_UNREADABLE:
                raise unexpected(response, f"more than {_MOST_UNREADABLE:,} rows cannot be read; the last: {row}")
            keys.append(_made_up_key(before, after, item))
        else:
            before, after = _key(getattr(row, reader.key)), 0
            keys.append(before)
        rows.append(row)
    return tuple(keys), tuple(rows)


def _row(response: Response, reader: RowReader[T], index: int, item: Any) -> T | DecodeError:
    request = str(response.request)
    if not isinstance(item, dict):
        return DecodeError(f"expected an object, received {kind_of(item)}", request=request, row=index)
    members = cast("dict[str, Any]", item)
    if fault := _key_fault(members.get(reader.wire_key)):
        return DecodeError(fault, request=request, row=index, field=reader.key)
    try:
        row = reader.read(members)
        fault = _key_fault(getattr(row, reader.key))
    except Exception as error:  # noqa: BLE001  whatever the reason, it costs this row alone
        words = f"{type(error).__name__}: {error}"
        unreadable = DecodeError(response.redactor.text(words), request=request, row=index)
        # A traceback shows the cause's own words, which must show neither a key nor a control character.
        unreadable.__cause__ = error if words == response.redactor.text(escaped(words)) else None
        return unreadable
    return DecodeError(fault, request=request, row=index, field=reader.key) if fault else row


def _key(value: object) -> str | None:
    """Return a key as text, so that 7 and "7" are one row; None for what cannot tell rows apart."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return str(int(value)) if abs(value) < _EXACT and value.is_integer() else None
    return None if value is None or isinstance(value, bool | dict | list) else str(value)


def _key_fault(value: object) -> str | None:
    """Return why this cannot tell rows apart, if it cannot."""
    if value is None:
        return "it is missing or null"
    if key := _key(value):
        return None
    return "it is empty" if key == "" else f"expected text or a whole number, received {kind_of(value)}"


def _made_up_key(before: str | None, after: int, item: Any) -> str:
    """Return the key of a row that has none: of the row before it, its place after that one, and its content.

    Two rows that are equal have two keys, and a row that comes again on an overlapping page has the same one, if the
    row before it comes again too. It is a digest, because keys go into checkpoints, which are small and hold no
    customer's data.
    """
    content = ""
    with suppress(RecursionError):  # JSON may be nested deeper than repr() can go
        content = repr(item)
    text = repr((before, after, content))
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=12).hexdigest()


def _are_rounded(reader: RowReader[Any], items: Iterable[Any]) -> bool:
    """Whether an integer may have been rounded, in the key or where the document declares one."""
    row = getattr(reader.read, "__self__", None)
    names = [reader.wire_key, *(_wire_name(row, name) for name in reader.integers)]
    objects = (cast("dict[str, Any]", item) for item in items if isinstance(item, dict))
    return any(map(_is_rounded, chain.from_iterable(map(item.get, names) for item in objects)))


def _is_rounded(value: object) -> bool:
    return isinstance(value, float) and abs(value) >= _ROUNDED


def _wire_name(row: object, attr: str) -> str:
    """Return what the API calls an attribute of a class of rows."""
    fields: Mapping[str, tuple[str, object]] = getattr(row, "FIELDS", {})
    return next((wire for wire, (name, _) in fields.items() if name == attr), attr)
