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
class InvalidRequestItem(Row):
    """One thing that is wrong with a request."""

    type_: str | None = None
    loc: list[str | int] | None = None
    msg: str | None = None
    input_: Any = None
    ctx: dict[str, Any] | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = new(cls)
        try:
            if len(data) == 5:
                try:
                    row.type_ = data[_KEY_type_]
                    row.loc = data[_KEY_loc]
                    row.msg = data[_KEY_msg]
                    row.input_ = data[_KEY_input_]
                    row.ctx = data[_KEY_ctx]
                    row._unknown = None
                    return row
                except KeyError:  # the number of fields fits, their names do not
                    pass
            rest = {**data}
            row.type_ = rest.pop(_KEY_type_, None)
            row.loc = rest.pop(_KEY_loc, None)
            row.msg = rest.pop(_KEY_msg, None)
            row.input_ = rest.pop(_KEY_input_, None)
            row.ctx = rest.pop(_KEY_ctx, None)
            row._unknown = {**rest} if rest else None
            return row
        except (AttributeError, TypeError, ValueError):  # not as documented
            return cls._from_any(data)


InvalidRequestItem.FIELDS = {
    "type": ("type_", None),
    "loc": ("loc", None),
    "msg": ("msg", None),
    "input": ("input_", None),
    "ctx": ("ctx", None),
}
(
    _KEY_type_,
    _KEY_loc,
    _KEY_msg,
    _KEY_input_,
    _KEY_ctx,
) = key_objects(InvalidRequestItem.FIELDS)
InvalidRequestItem._required = frozenset({})
