from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import (
    Row,
    key_objects,
    new,
)


@define
class ErrorAnswer(Row):
    error: Error
    """What went wrong."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = new(cls)
        try:
            if len(data) == 1:
                try:
                    row.error = _error(data[_KEY_error])
                    row._unknown = None
                    return row
                except KeyError:  # the number of fields fits, their names do not
                    pass
            rest = {**data}
            row.error = _error(rest.pop(_KEY_error, None))
            row._unknown = {**rest} if rest else None
            return row
        except (AttributeError, TypeError, ValueError):  # not as documented
            return cls._from_any(data)


from .error import Error

_error = Error._read
ErrorAnswer.FIELDS = {
    "error": ("error", Error._read),
}
(_KEY_error,) = key_objects(ErrorAnswer.FIELDS)
ErrorAnswer._required = frozenset(
    {
        "error",
    }
)
