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
    ctx: dict[str, Any] | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = cls.__new__(cls)
        try:
            count = len(data)
            if count < 5:
                data = _ABSENT | data
                count = len(data)
            row.type_ = data["type"]
            row.loc = data["loc"]
            row.msg = data["msg"]
            row.input_ = data["input"]
            row.ctx = data["ctx"]
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if count > 5:
            row._keep_rest(data)
        return row


InvalidRequestItem._fields = {
    "type": ("type_", None),
    "loc": ("loc", None),
    "msg": ("msg", None),
    "input": ("input_", None),
    "ctx": ("ctx", None),
}
_ABSENT: Any = dict.fromkeys(InvalidRequestItem._fields)
InvalidRequestItem._required = frozenset({})
