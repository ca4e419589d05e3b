"""The columns of a class of rows: what a table or a file has of them, and the values that go into it."""

import datetime as dt
import json
import types
import typing
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import orjson
from attrs import field, frozen

__all__ = ["Column", "Kind", "columns_of", "json_of", "key_of", "other_of"]

Kind = Literal["text", "integer", "number", "boolean", "time", "date", "json", "any"]
_UNIONS = (types.UnionType, typing.Union)
_NONE = type(None)
_INTEGERS = range(-(2**63), 2**63)
_EXACT = 2**53  # from here on floats skip integers
_MISFIT = object()
#: The types of values that are stored as they are; all others are looked at one by one.
_AS_THEY_ARE: Mapping[Kind, frozenset[type]] = {
    "text": frozenset({str, _NONE}),
    "number": frozenset({float, _NONE}),
    "boolean": frozenset({bool, _NONE}),
    "any": frozenset({str, _NONE}),
}


@frozen
class Column:
    """A column of a class of rows.

    Attributes:
        wire: What the API calls the field. It is the name of the column.
        attr: The attribute of a row.
        kind: What values are: ``text``, ``integer`` (64 bits), ``number``, ``boolean``, ``time`` (with a zone),
            ``date``, ``json`` for objects and arrays, or ``any`` where the document allows several types.
    """

    wire: str
    attr: str
    kind: Kind
    _get: Callable[[Any], Any] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_get", attrgetter(self.attr))

    def values(self, rows: Sequence[Any]) -> tuple[list[Any], dict[int, Any]]:
        """Return the values of rows, and by index those that are not of the column's kind, None in their place.

        A value is str, int, float, bool, a datetime in UTC, a date, or JSON as text. Where several types are allowed,
        it is text, and JSON where it is no text itself.
        """
        values = list(map(self._get, rows))
        if _AS_THEY_ARE.get(self.kind, _NOTHING).issuperset(map(type, values)):
            return values, {}
        fit, misfits = _FITS[self.kind], dict[int, Any]()
        for index, value in enumerate(values):
            if value is not None:
                values[index] = fitted = fit(value)
                if fitted is _MISFIT:
                    values[index], misfits[index] = None, value
        return values, misfits


_NOTHING = frozenset[type]()


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    return str(value) if isinstance(value, uuid.UUID) else _MISFIT


def _integer(value: Any) -> Any:
    fits = isinstance(value, int) and not isinstance(value, bool) and value in _INTEGERS
    return int(value) if fits else _MISFIT


def _number(value: Any) -> Any:
    if isinstance(value, float):
        return float(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _EXACT
    return float(value) if fits else _MISFIT


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else _MISFIT


def _time(value: Any) -> Any:
    if not isinstance(value, dt.datetime) or value.utcoffset() is None:
        return _MISFIT
    if value.tzinfo is dt.UTC:
        return value
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:  # the first and the last day that a datetime can be
        return _MISFIT


def _date(value: Any) -> Any:
    return value if isinstance(value, dt.date) and not isinstance(value, dt.datetime) else _MISFIT


def _any(value: Any) -> Any:
    return str(value) if isinstance(value, str | uuid.UUID) else json_of(value)


def json_of(value: Any) -> str:
    """Return a value of a row as JSON text. A number that JSON cannot express is null."""
    try:
        return orjson.dumps(value, default=_data).decode()
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(_finite(value), separators=(",", ":"), default=_data)


_FITS: Mapping[Kind, Callable[[Any], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "time": _time,
    "date": _date,
    "json": json_of,
    "any": _any,
}


def _data(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _finite(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    match value:
        case float() if value - value != 0:  # NaN, or an infinity
            return None
        case list():
            return [_finite(item) for item in cast("list[Any]", value)]
        case dict():
            return {name: _finite(item) for name, item in cast("dict[str, Any]", value).items()}
        case _:
            return value


@cache
def columns_of(row: type) -> tuple[Column, ...]:
    """Return the columns of a generated class of rows, in the order of its document."""
    hints = get_type_hints(row)
    fields = cast("Mapping[str, tuple[str, object]]", getattr(row, "FIELDS", {}))
    return tuple(Column(wire, attr, _kind(hints[attr])) for wire, (attr, _) in fields.items())


def _kind(hint: Any) -> Kind:
    if get_origin(hint) in _UNIONS:
        kinds: set[Kind] = {_kind(one) for one in get_args(hint) if one is not _NONE}
        return kinds.pop() if len(kinds) == 1 else "any"
    if get_origin(hint) in (list, dict):
        return "json"
    if not isinstance(hint, type):
        return "any"
    if hasattr(hint, "FIELDS"):
        return "json"
    kinds_of: list[tuple[tuple[type, ...], Kind]] = [
        ((str, uuid.UUID), "text"),
        ((bool,), "boolean"),
        ((int,), "integer"),
        ((float,), "number"),
        ((dt.datetime,), "time"),
        ((dt.date,), "date"),
        ((list, dict), "json"),
    ]
    for classes, kind in kinds_of:
        if issubclass(hint, classes):
            return kind
    return "any"


def key_of(value: Any) -> str:
    """Return a key as text, so that 7 and "7" are one row, as they are in a listing."""
    if isinstance(value, str):
        return str.__str__(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def other_of(row: Any) -> dict[str, Any]:
    """Return the fields of a row that its document does not declare."""
    declared = row.FIELDS
    if len(row) == len(declared):
        return {}
    return {name: row[name] for name in row if name not in declared}
