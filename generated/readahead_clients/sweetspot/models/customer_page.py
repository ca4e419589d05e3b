from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row, list_of


@define
class CustomerPage(Row):
    """The envelope that lists of this API have begun to come in."""

    results: list[Customer]
    total: int | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = cls.__new__(cls)
        try:
            count = len(data)
            if count < 2:
                data = _ABSENT | data
                count = len(data)
            row.results = data["results"] and _results(data["results"])
            row.total = data["total"]
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if count > 2:
            row._keep_rest(data)
        return row


from .customer import Customer

_results = list_of(Customer._read)
CustomerPage._fields = {
    "results": ("results", list_of(Customer._read)),
    "total": ("total", None),
}
_ABSENT: Any = dict.fromkeys(CustomerPage._fields)
CustomerPage._required = frozenset(
    {
        "results",
    }
)
