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
        try:
            if len(data) == 1:
                return cls(
                    data["detail"],
                )
        except (KeyError, TypeError):
            pass  # not as documented
        return cls._from_any(data)


Error._fields = {
    "detail": ("detail", None),
}
Error._required = frozenset(
    {
        "detail",
    }
)
