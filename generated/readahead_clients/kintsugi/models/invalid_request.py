from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row, list_of


@define
class InvalidRequest(Row):
    """What is wrong with a request, item by item."""

    detail: list[InvalidRequestItem]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = cls.__new__(cls)
        try:
            count = len(data)
            if count < 1:
                data = _ABSENT | data
                count = len(data)
            row.detail = data["detail"] and _detail(data["detail"])
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if count > 1:
            row._keep_rest(data)
        return row


from .invalid_request_item import InvalidRequestItem

_detail = list_of(InvalidRequestItem._read)
InvalidRequest._fields = {
    "detail": ("detail", list_of(InvalidRequestItem._read)),
}
_ABSENT: Any = dict.fromkeys(InvalidRequest._fields)
InvalidRequest._required = frozenset(
    {
        "detail",
    }
)
