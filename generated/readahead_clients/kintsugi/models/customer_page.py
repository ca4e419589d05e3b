from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row, list_of


@define
class CustomerPage(Row):
    """A page of customers, and how many there are."""

    items: list[Customer]
    total: int
    page: int
    size: int
    pages: int

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = cls.__new__(cls)
        try:
            count = len(data)
            if count < 5:
                data = _ABSENT | data
                count = len(data)
            row.items = data["items"] and _items(data["items"])
            row.total = data["total"]
            row.page = data["page"]
            row.size = data["size"]
            row.pages = data["pages"]
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if count > 5:
            row._keep_rest(data)
        return row


from .customer import Customer

_items = list_of(Customer._read)
CustomerPage._fields = {
    "items": ("items", list_of(Customer._read)),
    "total": ("total", None),
    "page": ("page", None),
    "size": ("size", None),
    "pages": ("pages", None),
}
_ABSENT: Any = dict.fromkeys(CustomerPage._fields)
CustomerPage._required = frozenset(
    {
        "items",
        "total",
        "page",
        "size",
        "pages",
    }
)
