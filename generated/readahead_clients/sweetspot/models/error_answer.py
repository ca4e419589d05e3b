from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row


@define
class ErrorAnswer(Row):
    error: Error

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = cls.__new__(cls)
        try:
            if len(data) < 1:
                data = {**_ABSENT, **data}
            row.error = _error(data["error"])
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if len(data) > 1:
            row._keep_unknown(data)
        return row


from .error import Error

_error = Error._read
ErrorAnswer._fields = {
    "error": ("error", Error._read),
}
_ABSENT = dict.fromkeys(ErrorAnswer._fields)
ErrorAnswer._required = frozenset(
    {
        "error",
    }
)
