"""What is written: ids, and the fields of a request body, checked against its generated TypedDict. Pure."""

import functools
from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args, get_type_hints

import orjson

from .errors import FilterError, UsageError, nearest
from .filters import Choices, checked_choice, checked_text

__all__ = ["checked_body", "checked_id"]

B = TypeVar("B")


def checked_body(shape: type[B], body: B, *, allow_empty: bool = False) -> B:
    """Return a request body, if it is what its TypedDict says. A field that is not in it is not sent; None is null.

    Args:
        shape: The generated TypedDict.
        body: The fields to send.
        allow_empty: Whether a body without fields is sent.

    Raises:
        FilterError: A field is unknown, its value is not a listed choice, or JSON cannot carry it.
        UsageError: There is nothing to send.
    """
    fields = cast("Mapping[str, object]", body)
    if not fields and not allow_empty:
        raise UsageError(f"nothing to send: pass at least one field of {shape.__name__}")
    choices = _choices(cast("Any", shape))
    for name, value in fields.items():
        if name not in choices:
            known = ", ".join(choices)
            raise FilterError(
                name, f"unknown field {name!r}; known are {known}", value=value, near=nearest(name, choices)
            )
        enumeration = choices[name]
        if enumeration is not None and isinstance(value, str):
            checked_choice(name, value, enumeration)
        try:
            orjson.dumps(value)
        except TypeError as error:
            message = f"{name} cannot be sent as JSON ({error}); use text, numbers, booleans, None, or lists of these"
            raise FilterError(name, message, value=value) from None
    return body


def checked_id(name: str, value: object) -> str:
    """Return an id that can stand in a path: text, not blank, and not a path of its own. Raises FilterError."""
    text = checked_text(name, value)
    if text in {".", ".."}:
        raise FilterError(name, f"{name} must be an id, not the path {text!r}", value=value)
    return text


@functools.cache
def _choices(shape: type) -> dict[str, type[Choices] | None]:
    """Return each field, and the enumeration it takes its text from, if it has one."""
    return {name: _enumeration(hint) for name, hint in get_type_hints(shape).items()}


def _enumeration(hint: Any) -> type[Choices] | None:
    for part in (hint, *get_args(hint)):
        if isinstance(part, type) and issubclass(part, str) and hasattr(part, "listed"):
            return cast("type[Choices]", part)
    return None
