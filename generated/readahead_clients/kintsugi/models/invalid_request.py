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
        try:
            if len(data) == 1:
                return cls(
                    _detail(data["detail"]),
                )
        except (KeyError, TypeError):
            pass  # not as documented
        return cls._from_any(data)


from .invalid_request_item import InvalidRequestItem

_detail = list_of(InvalidRequestItem._read)
InvalidRequest._fields = {
    "detail": ("detail", list_of(InvalidRequestItem._read)),
}
InvalidRequest._required = frozenset(
    {
        "detail",
    }
)
