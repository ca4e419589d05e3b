"""Rows as an Arrow table, whose columns have the types that the API's document declares. Needs pyarrow."""

import datetime as dt
import json
import types
import typing
import uuid
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, cast, get_args, get_origin, get_type_hints

import orjson
from attrs import frozen

from .errors import UsageError, kind_of

__all__ = ["json_text", "rows_to_arrow"]

_MISFITS = (TypeError, ValueError, OverflowError)  # Arrow's own are among these
_UNIONS = (types.UnionType, typing.Union)
_Write = Callable[[Any], Any]


def _arrow() -> Any:
    return import_module("pyarrow")  # has no types, and is there only for those who ask for tables


def rows_to_arrow(rows: Sequence[Any], of: type | None = None, *, other: str | None = None) -> Any:
    """Return a ``pyarrow.Table`` of rows with a column for each declared field, by its wire name.

    The columns and their types depend on the class of the rows alone, so that tables of several pages fit together:
    times are microseconds in UTC, open enumerations are text, an object is a struct, and what may be of several types
    is text, JSON where it is no text itself. Undeclared fields are left out, unless ``other`` names a column for them;
    they are in ``to_dict()``.

    Args:
        rows: Rows of one class.
        of: That class; needed only where there may be no rows.
        other: The name of one more column, which holds as a JSON object what a row's columns cannot: undeclared fields,
            values that are not of the declared type, whose own column is null then, and objects with undeclared
            members, whose own column holds the declared ones. It is null where there is nothing of that.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
        UsageError: A row is of another class, or has a value that is not of the declared type and ``other`` is not
            given; or the API has a field of that name.
    """
    pa = _arrow()

    of = of or (type(rows[0]) if rows else None)
    if of is None:
        return pa.table({})
    if not hasattr(of, "FIELDS"):
        raise UsageError(f"rows_to_arrow() needs generated rows, not {of.__name__}; make the table of dictionaries")
    columns = _columns(of, ())
    for index, row in enumerate(rows):
        if not isinstance(row, of):
            other = type(row).__name__
            raise UsageError(f"row {index} is of {other}, not of {of.__name__}; a table has rows of one class")
    members = [(column.wire, column.type) for column in columns]
    if other is None:
        return pa.Table.from_arrays([column.array(rows) for column in columns], schema=pa.schema(members))
    if other in dict(members):
        raise UsageError(f"the API has a field {other!r}; name the column for what has no column otherwise")
    rest = [_undeclared(row) for row in rows]
    arrays = [column.array(rows, rest) for column in columns]
    arrays.append(pa.array([json_text(one) if one else None for one in rest], pa.string()))
    return pa.Table.from_arrays(arrays, schema=pa.schema([*members, (other, pa.string())]))


@frozen
class _Column:
    wire: str
    attr: str
    type: Any
    write: _Write

    def value_of(self, row: object) -> Any:
        value = getattr(row, self.attr)
        return None if value is None else self.write(value)

    def array(self, rows: Sequence[object], rest: Sequence[dict[str, Any]] | None = None) -> Any:
        """Return the column. ``rest``: takes, by row, the values that do not fit it, or not as a whole."""
        pa = _arrow()

        if rest is not None and self.has_members:
            for row, more in zip(rows, rest, strict=True):
                if _has_undeclared(value := getattr(row, self.attr)):
                    more[self.wire] = value
        try:
            return pa.array([self.value_of(row) for row in rows], self.type)
        except _MISFITS:
            pass
        values: list[Any] = []
        for index, row in enumerate(rows):
            try:
                values.append(value := self.value_of(row))
                pa.array([value], self.type)
            except _MISFITS:
                if rest is None:
                    kind = kind_of(getattr(row, self.attr))
                    message = (
                        f"{self.wire} of row {index} is {kind} that is no {self.type}; make the table of to_dicts()"
                    )
                    raise UsageError(message) from None
                values[index:] = [None]
                rest[index][self.wire] = getattr(row, self.attr)
        return pa.array(values, self.type)

    @property
    def has_members(self) -> bool:
        """Whether values are objects, or hold some."""
        return bool(self.type.num_fields)


def _undeclared(row: Any) -> dict[str, Any]:
    return {wire: row[wire] for wire in row if wire not in row.FIELDS} if len(row) > len(row.FIELDS) else {}


def _has_undeclared(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_undeclared, cast("list[Any]", value)))
    if not hasattr(value, "FIELDS"):
        return False
    return len(value) > len(value.FIELDS) or any(_has_undeclared(value[wire]) for wire in value.FIELDS)


def _columns(row: Any, above: tuple[type, ...]) -> list[_Column]:
    hints = get_type_hints(row)
    fields = cast("Mapping[str, tuple[str, object]]", row.FIELDS)
    return [_Column(wire, attr, *_type(hints[attr], (*above, row))) for wire, (attr, _) in fields.items()]


def _type(hint: Any, above: tuple[type, ...]) -> tuple[Any, _Write]:
    """Return the type of a column, and what makes a value for it. ``above``: the classes that contain it."""
    pa = _arrow()

    if get_origin(hint) in _UNIONS:
        found = dict(_type(one, above) for one in get_args(hint) if one is not types.NoneType)
        return next(iter(found.items())) if len(found) == 1 else (pa.string(), _text)
    if get_origin(hint) is list:
        kind, write = _type(get_args(hint)[0], above)
        return pa.list_(kind), lambda value: [None if one is None else write(one) for one in _checked(value, list)]
    if not isinstance(hint, type) or hint in above:
        return pa.string(), _text
    if hasattr(hint, "FIELDS"):
        columns = _columns(hint, above)
        members = pa.struct([(column.wire, column.type) for column in columns])
        return members, lambda value: {one.wire: one.value_of(_checked(value, hint)) for one in columns}
    if issubclass(hint, str):
        return pa.string(), lambda value: str(_checked(value, str))
    if issubclass(hint, bool):
        return pa.bool_(), lambda value: _checked(value, bool)
    if issubclass(hint, int):
        return pa.int64(), lambda value: int(_checked(value, int))
    if issubclass(hint, float):
        return pa.float64(), lambda value: float(_checked(value, float, int))
    if issubclass(hint, dt.datetime):
        return pa.timestamp("us", "UTC"), _time
    if issubclass(hint, dt.date):
        return pa.date32(), lambda value: _checked(value, dt.date)
    if issubclass(hint, uuid.UUID):
        return pa.string(), lambda value: str(_checked(value, uuid.UUID))
    return pa.string(), _text


def _checked(value: Any, *kinds: type) -> Any:
    if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
        return value
    raise TypeError


def _time(value: Any) -> Any:
    if _checked(value, dt.datetime).tzinfo is None:
        raise TypeError
    return value


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | uuid.UUID) else json_text(value)


def json_text(value: Any) -> str:
    """Return a value of a row as JSON text, whatever it holds."""
    try:
        return orjson.dumps(value, default=_data).decode()
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(value, default=_data, separators=(",", ":"))


def _data(value: Any) -> Any:
    return value.to_dict() if hasattr(value, "to_dict") else str(value)
