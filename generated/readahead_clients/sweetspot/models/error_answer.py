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
            count = len(data)
            if count < 1:
                data = _ABSENT | data
                count = len(data)
            row.error = _error(data["error"])
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if count > 1:
            row._keep_rest(data)
        return row


from .error import Error

_error = Error._read
ErrorAnswer._fields = {
    "error": ("error", Error._read),
}
_ABSENT: Any = dict.fromkeys(ErrorAnswer._fields)
ErrorAnswer._required = frozenset(
    {
        "error",
    }
)
