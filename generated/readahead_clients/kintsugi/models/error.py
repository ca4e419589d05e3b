from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row


@define
class Error(Row):
    """What went wrong."""

    detail: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = cls.__new__(cls)
        try:
            count = len(data)
            if count < 1:
                data = _ABSENT | data
                count = len(data)
            row.detail = data["detail"]
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if count > 1:
            row._keep_rest(data)
        return row


Error._fields = {
    "detail": ("detail", None),
}
_ABSENT: Any = dict.fromkeys(Error._fields)
Error._required = frozenset(
    {
        "detail",
    }
)
