from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row


@define
class InvalidRequestItem(Row):
    """One thing that is wrong with a request."""

    type_: str | None = None
    loc: list[str | int] | None = None
    msg: str | None = None
    input_: Any = None
    ctx: InvalidRequestItemCtx | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        try:
            if len(data) == 5:
                return cls(
                    data["type"],
                    data["loc"],
                    data["msg"],
                    data["input"],
                    _ctx(data["ctx"]),
                )
        except (KeyError, TypeError):
            pass  # not as documented
        return cls._from_any(data)


from .invalid_request_item_ctx import InvalidRequestItemCtx

_ctx = InvalidRequestItemCtx._read
InvalidRequestItem._fields = {
    "type": ("type_", None),
    "loc": ("loc", None),
    "msg": ("msg", None),
    "input": ("input_", None),
    "ctx": ("ctx", InvalidRequestItemCtx._read),
}
InvalidRequestItem._required = frozenset({})
