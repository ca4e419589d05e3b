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
class CustomerPage(Row):
    """A page of customers, and how many there are."""

    items: list[Customer]
    """The customers."""
    total: int
    """Customers on all pages."""
    page: int
    """Number of this page, from 1."""
    size: int
    """Customers that a page holds at most."""
    pages: int
    """Number of pages."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = new(cls)
        try:
            if len(data) == 5:
                try:
                    row.items = (value := data[_KEY_items]) and _items(value)
                    row.total = data[_KEY_total]
                    row.page = data[_KEY_page]
                    row.size = data[_KEY_size]
                    row.pages = data[_KEY_pages]
                    row._unknown = None
                    return row
                except KeyError:  # the number of fields fits, their names do not
                    pass
            rest = {**data}
            row.items = (value := rest.pop(_KEY_items, None)) and _items(value)
            row.total = rest.pop(_KEY_total, None)
            row.page = rest.pop(_KEY_page, None)
            row.size = rest.pop(_KEY_size, None)
            row.pages = rest.pop(_KEY_pages, None)
            row._unknown = {**rest} if rest else None
            return row
        except (AttributeError, TypeError, ValueError):  # not as documented
            return cls._from_any(data)


from .customer import Customer

_items = list_of(Customer._read)
CustomerPage.FIELDS = {
    "items": ("items", list_of(Customer._read)),
    "total": ("total", None),
    "page": ("page", None),
    "size": ("size", None),
    "pages": ("pages", None),
}
(
    _KEY_items,
    _KEY_total,
    _KEY_page,
    _KEY_size,
    _KEY_pages,
) = key_objects(CustomerPage.FIELDS)
CustomerPage._required = frozenset(
    {
        "items",
        "total",
        "page",
        "size",
        "pages",
    }
)
