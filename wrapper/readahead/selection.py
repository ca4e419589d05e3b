"""What is asked of an endpoint: which rows, in which order, how many. Frozen, and JSON. Pure."""

from collections.abc import Mapping
from typing import Any, Self

from attrs import frozen

from .errors import CheckpointError, UsageError
from .filters import And, Condition, Fields, read_condition, write_condition
from .filters.conditions import joined

__all__ = ["Selection"]


@frozen
class Selection:
    """Which rows of an endpoint, in which order, how many.

    Attributes:
        condition: What rows have to meet.
        order: Names of fields, the first one first.
        limit: Rows in all, at most.
        page_size: Rows in a page; None means the largest page that makes sense.
        extra: Query parameters that the wrapper does not know, as they are sent.
    """

    condition: Condition | None = None
    order: tuple[str, ...] = ()
    limit: int | None = None
    page_size: int | None = None
    extra: tuple[tuple[str, str], ...] = ()

    def narrowed(self, *conditions: Condition) -> Condition:
        """Return the condition with these added."""
        return joined(And, (*([] if self.condition is None else [self.condition]), *conditions))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can carry it; filter values are in clear."""
        return {
            "where": None if self.condition is None else write_condition(self.condition),
            "order": list(self.order),
            "limit": self.limit,
            "size": self.page_size,
            "extra": [list(pair) for pair in self.extra],
        }

    @classmethod
    def from_json(cls, members: Mapping[str, Any], fields: Fields) -> Self:
        """Read what ``to_json`` wrote, and check it against the fields.

        Raises:
            CheckpointError: It is not a selection, or not one of these fields.
        """
        try:
            where, limit, size = members["where"], members.get("limit"), members["size"]
            return cls(
                None if where is None else fields.checked(read_condition(where, fields)),
                tuple(map(str, members["order"])),
                None if limit is None else int(limit),
                None if size is None else int(size),
                tuple((str(name), str(value)) for name, value in members["extra"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, UsageError):
            raise CheckpointError("this partition does not hold a query; pass one that partitions() returned") from None
