"""Copies as comma-separated values."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ..arrow import json_text
from .files import FileTarget, Format, digest

__all__ = ["CSV"]

_IS_QUOTED = re.compile(r'[",\r\n]|^\s|\s$|^$').search


class CSV(FileTarget):
    """A file of comma-separated values (RFC 4180, UTF-8), with a header and a column for each declared field.

    The columns are those of the class of the rows, by the API's names, and ``_other``: undeclared fields of a row, as a
    JSON object. Null is empty, and empty text is ``""``; readers that do not tell quoted from unquoted take both for
    the same. Numbers, true and false are as in JSON, arrays and objects are JSON text.

    Args:
        path: The file. A suffix ``.gz`` or ``.zst`` says that it is compressed; ``.zst`` needs the extra ``zstd``
            before Python 3.14. A link is followed.

    Raises:
        UsageError: It is no path, or the extra is not installed.
    """

    def format_of(self, row: type) -> Format:
        """Return how rows of a class become lines."""
        names = tuple(cast("Any", row).FIELDS)
        head = _lines([[*names, other_name(names)]])

        def encode(rows: Sequence[Any]) -> bytes:
            return _lines(_values(names, one.to_dict()) for one in rows)

        return Format(f"csv {digest(head)} ", encode, head)


def _values(names: Sequence[str], data: dict[str, Any]) -> list[Any]:
    values = [data.pop(name) for name in names]
    values.append(data or None)
    return values


def _lines(rows: Any) -> bytes:
    text = "".join([",".join(map(_cell, row)) + "\r\n" for row in rows])
    return text.encode(errors="backslashreplace")  # lone surrogates


def _cell(value: object) -> str:
    if value is None:
        return ""
    if type(value) is not str:
        value = json_text(value)
    return '"' + value.replace('"', '""') + '"' if _IS_QUOTED(value) else value


def other_name(names: Sequence[str] | Mapping[str, Any]) -> str:
    """Return the name of the column for what has no column: ``_other``, unless the API has that itself."""
    name = "_other"
    while name in names:
        name += "_"
    return name
