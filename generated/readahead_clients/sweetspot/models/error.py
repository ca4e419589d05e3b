from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row
from .error_type import ErrorType


@define
class Error(Row):
    """What went wrong."""

    type_: ErrorType
    code: str | None = None
    message: str | None = None
    param: str | None = None
    doc_url: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        try:
            if len(data) == 5:
                return cls(
                    _type_[data["type"]],
                    data["code"],
                    data["message"],
                    data["param"],
                    data["doc_url"],
                )
        except (KeyError, TypeError):
            pass  # not as documented
        return cls._from_any(data)


_type_ = ErrorType._readings
Error._fields = {
    "type": ("type_", ErrorType.read),
    "code": ("code", None),
    "message": ("message", None),
    "param": ("param", None),
    "doc_url": ("doc_url", None),
}
Error._required = frozenset(
    {
        "type",
    }
)
