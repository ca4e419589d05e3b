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
    """The envelope that lists of this API have begun to come in."""

    results: list[Customer]
    """The customers."""
    total: int | None = None
    """Customers on all pages."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = new(cls)
        try:
            if len(data) == 2:
                try:
                    row.results = (value := data[_KEY_results]) and _results(value)
                    row.total = data[_KEY_total]
                    row._unknown = None
                    return row
                except KeyError:  # the number of fields fits, their names do not
                    pass
            rest = {**data}
            row.results = (value := rest.pop(_KEY_results, None)) and _results(value)
            row.total = rest.pop(_KEY_total, None)
            row._unknown = {**rest} if rest else None
            return row
        except (AttributeError, TypeError, ValueError):  # not as documented
            return cls._from_any(data)


from .customer import Customer

_results = list_of(Customer._read)
CustomerPage.FIELDS = {
    "results": ("results", list_of(Customer._read)),
    "total": ("total", None),
}
(
    _KEY_results,
    _KEY_total,
) = key_objects(CustomerPage.FIELDS)
CustomerPage._required = frozenset(
    {
        "results",
    }
)
