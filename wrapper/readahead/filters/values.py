"""Checks of single values and names, before anything is sent. Pure."""

import math
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast

from ..errors import FilterError, nearest, shown

__all__ = ["Choices", "checked_choice", "checked_extra", "checked_order", "checked_text", "is_list", "plain"]


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


def checked_text(name: str, text: str) -> str:
    """Return text that can be sent: not blank, without control characters and lone surrogates. Raises FilterError."""
    if not text.strip():
        raise FilterError(name, f"{name} must not be {'blank' if text else 'empty'}", value=text)
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        message = f"{name} must not contain control characters or lone surrogates; remove them from {shown(text)}"
        raise FilterError(name, message, value=text)
    return text


def checked_choice(name: str, text: str, choices: type[Choices]) -> None:
    """Check that text is a listed value, or an instance of the enumeration itself. Raises FilterError."""
    if not isinstance(text, cast("type", choices)) and text not in (listed := choices.listed()):
        raise FilterError(
            name,
            f"{name} has no value {shown(text)}; use one of the {len(listed)} values of {choices.__name__}, or "
            f"{choices.__name__}.unlisted(...) for a value that the API has added since",
            value=text,
            near=nearest(text, listed),
        )


def checked_order(names: tuple[object, ...], orders: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names to sort by. Raises FilterError for one that is not documented, and for a repeated one."""
    if not orders:
        raise FilterError(
            "order_by", "order_by() cannot be used: this API documents no order; sort the rows", value=names
        )
    known = ", ".join(orders)
    if not names:
        raise FilterError("order_by", f"order_by() needs at least one name; known are {known}", value=names)
    for index, name in enumerate(names):
        if not isinstance(name, str) or name not in orders:
            descending = isinstance(name, str) and (name.startswith("-") or name.casefold().endswith(" desc"))
            reason = ": this API documents no descending order" if descending else ""
            raise FilterError(
                "order_by",
                f"order_by() cannot sort by {shown(name)}{reason}; known are {known}",
                value=name,
                near=() if descending else nearest(name, orders),
            )
        if name in names[:index]:
            raise FilterError("order_by", f"order_by() has {name!r} twice; name each field once", value=name)
    return tuple(map(plain, cast("tuple[str, ...]", names)))


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
    for name, value in cast("Mapping[object, Any]", params).items():
        if not isinstance(name, str):
            raise FilterError("extra_params", f"extra_params() takes names as text, not {shown(name)}", value=name)
        checked_text("extra_params", name)
        if name in paging:
            message = f"extra_params() cannot set paging parameters ({', '.join(paging)}); use page_size() and limit()"
            raise FilterError(name, message, value=value)
        if name in taken:
            message = f"extra_params() cannot set {name!r}: this query sets it already; remove one of the two"
            raise FilterError(name, message, value=value)
        if value == []:
            message = f"extra_params() cannot send an empty list as {name!r}; leave the parameter out instead"
            raise FilterError(name, message, value=value)
        for item in cast("list[object]", value) if isinstance(value, list) else [value]:
            if isinstance(item, bool):
                pairs.append((name, "true" if item else "false"))
            elif isinstance(item, str):
                pairs.append((name, plain(checked_text(name, item))))
            elif isinstance(item, int) or (isinstance(item, float) and math.isfinite(item)):
                pairs.append((name, str(item + 0)))
            else:
                message = (
                    f"extra_params() cannot send {shown(item)} as {name!r}; "
                    "use text, a finite number, a boolean, or a list of these"
                )
                raise FilterError(name, message, value=item)
    return tuple(pairs)
