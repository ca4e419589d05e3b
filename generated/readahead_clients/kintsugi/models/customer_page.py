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
        try:
            if len(data) == 5:
                return cls(
                    _items(data["items"]),
                    data["total"],
                    data["page"],
                    data["size"],
                    data["pages"],
                )
        except (KeyError, TypeError):
            pass  # not as documented
        return cls._from_any(data)


from .customer import Customer

_items = list_of(Customer._read)
CustomerPage._fields = {
    "items": ("items", list_of(Customer._read)),
    "total": ("total", None),
    "page": ("page", None),
    "size": ("size", None),
    "pages": ("pages", None),
}
CustomerPage._required = frozenset(
    {
        "items",
        "total",
        "page",
        "size",
        "pages",
    }
)
