from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row


@define
class ErrorAnswer(Row):
    error: Error
    """What went wrong."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        try:
            if len(data) == 1:
                return cls(
                    _error(data["error"]),
                )
        except (KeyError, TypeError):
            pass  # not as documented
        return cls._from_any(data)


from .error import Error

_error = Error._read
ErrorAnswer._fields = {
    "error": ("error", Error._read),
}
ErrorAnswer._required = frozenset(
    {
        "error",
    }
)
