from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import (
    Row,
    key_objects,
    new,
)
from .error_type import ErrorType


@define
class Error(Row):
    """What went wrong."""

    type_: ErrorType
    code: str | None = None
    message: str | None = None
    param: str | None = None
    doc_url: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = new(cls)
        try:
            if len(data) == 5:
                try:
                    row.type_ = _type_[data[_KEY_type_]]
                    row.code = data[_KEY_code]
                    row.message = data[_KEY_message]
                    row.param = data[_KEY_param]
                    row.doc_url = data[_KEY_doc_url]
                    row._unknown = None
                    return row
                except KeyError:  # the number of fields fits, their names do not
                    pass
            rest = {**data}
            row.type_ = _type_[rest.pop(_KEY_type_, None)]
            row.code = rest.pop(_KEY_code, None)
            row.message = rest.pop(_KEY_message, None)
            row.param = rest.pop(_KEY_param, None)
            row.doc_url = rest.pop(_KEY_doc_url, None)
            row._unknown = {**rest} if rest else None
            return row
        except (AttributeError, TypeError, ValueError):  # not as documented
            return cls._from_any(data)


_type_ = ErrorType._readings
Error.FIELDS = {
    "type": ("type_", ErrorType.read),
    "code": ("code", None),
    "message": ("message", None),
    "param": ("param", None),
    "doc_url": ("doc_url", None),
}
(
    _KEY_type_,
    _KEY_code,
    _KEY_message,
    _KEY_param,
    _KEY_doc_url,
) = key_objects(Error.FIELDS)
Error._required = frozenset(
    {
        "type",
    }
)
