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
        try:
            if len(data) == 2:
                return cls(
                    _results(data["results"]),
                    data["total"],
                )
        except (KeyError, TypeError):
            pass  # not as documented
        return cls._from_any(data)


from .customer import Customer

_results = list_of(Customer._read)
CustomerPage._fields = {
    "results": ("results", list_of(Customer._read)),
    "total": ("total", None),
}
CustomerPage._required = frozenset(
    {
        "results",
    }
)
