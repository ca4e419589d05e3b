from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import (
    Row,
    key_objects,
    new,
)


@define
class Error(Row):
    """What went wrong."""

    detail: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = new(cls)
        try:
            if len(data) == 1:
                try:
                    row.detail = data[_KEY_detail]
                    row._unknown = None
                    return row
                except KeyError:  # the number of fields fits, their names do not
                    pass
            rest = {**data}
            row.detail = rest.pop(_KEY_detail, None)
            row._unknown = {**rest} if rest else None
            return row
        except (AttributeError, TypeError, ValueError):  # not as documented
            return cls._from_any(data)


Error.FIELDS = {
    "detail": ("detail", None),
}
(_KEY_detail,) = key_objects(Error.FIELDS)
Error._required = frozenset(
    {
        "detail",
    }
)
