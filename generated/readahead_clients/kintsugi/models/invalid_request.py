from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import (
    Row,
    key_objects,
    list_of,
    new,
)


@define
class InvalidRequest(Row):
    """What is wrong with a request, item by item."""

    detail: list[InvalidRequestItem]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = new(cls)
        try:
            if len(data) == 1:
                try:
                    row.detail = (value := data[_KEY_detail]) and _detail(value)
                    row._unknown = None
                    return row
                except KeyError:  # the number of fields fits, their names do not
                    pass
            rest = {**data}
            row.detail = (value := rest.pop(_KEY_detail, None)) and _detail(value)
            row._unknown = {**rest} if rest else None
            return row
        except (AttributeError, TypeError, ValueError):  # not as documented
            return cls._from_any(data)


from .invalid_request_item import InvalidRequestItem

_detail = list_of(InvalidRequestItem._read)
InvalidRequest.FIELDS = {
    "detail": ("detail", list_of(InvalidRequestItem._read)),
}
(_KEY_detail,) = key_objects(InvalidRequest.FIELDS)
InvalidRequest._required = frozenset(
    {
        "detail",
    }
)
