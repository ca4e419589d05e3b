"""Checks of single values and names, before anything is sent. Pure."""

import datetime as dt
import math
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Protocol, cast

from ..errors import FilterError, nearest, shown

__all__ = ["Choices", "Incomparable", "checked_choice", "checked_extra", "checked_text", "is_list"]
__all__ += ["in_text", "plain"]


class Incomparable(Exception):
    """A row carries a value that a field cannot be compared with.

    Attributes:
        field: The name of the field.
        expected: What its values are, for messages.
        value: What the row carries.
    """

    def __init__(self, field: str, expected: str, value: object) -> None:
        super().__init__(field, expected)
        self.field, self.expected, self.value = field, expected, value


class Choices(Protocol):
    """An open enumeration, as generated: a subclass of str with listed values, and others by name."""

    @classmethod
    def listed(cls) -> tuple[str, ...]:
        """Return the values that the document lists, in its order."""
        ...

    @classmethod
    def unlisted(cls, value: str, /) -> Any:
        """Return a value as an instance, whether it is listed or not."""
        ...


def is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | Mapping)


def plain(text: str) -> str:
    """Return text as a plain str: ``str()`` of a user's own ``class State(str, Enum)`` would give the member's name."""
    return str.__str__(text)


def checked_text(name: str, value: object, kind: str = "text", *, called: str = "") -> str:
    """Return text that can be sent: not blank, without control characters and lone surrogates. Raises FilterError."""
    called = called or name
    if not isinstance(value, str):
        raise FilterError(name, f"{called} must be {kind}, not {shown(value)}", value=value)
    if not value.strip():
        raise FilterError(name, f"{called} must not be {'blank' if value else 'empty'}", value=value)
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        message = f"{called} must not contain control characters or lone surrogates; remove them from {shown(value)}"
        raise FilterError(name, message, value=value)
    return plain(value)


def checked_choice(name: str, text: str, choices: type[Choices]) -> None:
    """Check that text is a listed value, or an instance of the enumeration itself. Raises FilterError."""
    if isinstance(text, cast("type", choices)) or text in (listed := choices.listed()):
        return
    message = (
        f"{name} has no value {shown(text)}; use one of the {len(listed)} values of {choices.__name__}, or "
        f"{choices.__name__}.unlisted(...) for a value that the API has added since"
    )
    raise FilterError(name, message, value=text, near=nearest(text, listed))


def in_text(value: object) -> str:
    """Return a value that no generated function writes as generated functions do: ``true``, no exponent, ISO 8601."""
    match value:
        case str():
            return plain(value)
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(repr(value + 0)), "f")
        case dt.datetime():
            return value.isoformat()
        case _:
            return str(value)


def checked_extra(
    params: Mapping[str, Any], taken: Iterable[str], paging: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """Return parameters that the wrapper does not know as pairs; a list becomes a repeated key.

    Args:
        params: Text, numbers, booleans, or lists of these, by name on the wire.
        taken: Names that the query sets already.
        paging: Names that the listing sets.

    Raises:
        FilterError: A name is taken, or a value cannot be sent.
    """
    taken, paging = set(taken), tuple(paging)
    pairs: list[tuple[str, str]] = []
    for key, value in params.items():
        name = checked_text("extra_params", key, called="a name in extra_params()")
        if name in paging:
            message = f"extra_params() cannot set paging parameters ({', '.join(paging)}); use page_size() and limit()"
            raise FilterError(name, message, value=value)
        if name in taken:
            message = f"extra_params() cannot set {name!r}, since this query sets it already; remove one of the two"
            raise FilterError(name, message, value=value)
        if value == []:
            message = f"extra_params() cannot send an empty list as {name!r}; leave the parameter out instead"
            raise FilterError(name, message, value=value)
        for item in cast("list[object]", value) if isinstance(value, list) else [value]:
            if isinstance(item, int) or (isinstance(item, float) and math.isfinite(item)):
                pairs.append((name, in_text(item)))
            else:
                pairs.append((name, checked_text(name, item, "text, a finite number, a boolean, or a list of these")))
    return tuple(pairs)
