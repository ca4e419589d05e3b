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
        row = cls.__new__(cls)
        try:
            count = len(data)
            if count < 5:
                data = _ABSENT | data
                count = len(data)
            row.type_ = _type_[data["type"]]
            row.code = data["code"]
            row.message = data["message"]
            row.param = data["param"]
            row.doc_url = data["doc_url"]
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if count > 5:
            row._keep_rest(data)
        return row


_type_ = ErrorType._readings
Error._fields = {
    "type": ("type_", ErrorType.read),
    "code": ("code", None),
    "message": ("message", None),
    "param": ("param", None),
    "doc_url": ("doc_url", None),
}
_ABSENT: Any = dict.fromkeys(Error._fields)
Error._required = frozenset(
    {
        "type",
    }
)
