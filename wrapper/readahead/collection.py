"""What is written: the members of a request body, checked against its generated TypedDict before anything is sent."""

import functools
from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args, get_type_hints

import orjson

from .errors import UsageError, nearest, not_allowed
from .filters import Choices, checked_text, plain

__all__ = ["checked_body", "checked_id", "some"]


B = TypeVar("B")


def checked_body(shape: type[B], given: B) -> B:
    """What was given, if it is what the shape says: one that is not given is not sent, and None is null.

    Raises FilterError for an unknown name, with the nearest match, for a value outside its listed choices, and for one
    that JSON cannot carry.
    """
    choices = _choices(cast("Any", shape))
    for name, value in cast("Mapping[str, object]", given).items():
        if name not in choices:
            raise not_allowed(name, value, f"one of {', '.join(choices)}", near=nearest(name, choices))
        listing = choices[name]
        if listing is not None and isinstance(value, str) and not isinstance(value, listing):
            listed = cast("type[Choices]", listing).listed()
            if value not in listed:
                allowed = f"one of the {len(listed)} values of {listing.__name__}, or {listing.__name__}.unlisted(…)"
                raise not_allowed(name, value, allowed, near=nearest(value, listed))
        try:
            orjson.dumps(value)
        except TypeError as error:
            raise not_allowed(name, value, f"what JSON can carry ({error})") from None
    return given


def checked_id(name: str, given: object) -> str:
    """An id that can stand in a path: text, not empty, and not a path of its own. Raises FilterError."""
    if not isinstance(given, str):
        raise not_allowed(name, given, "text")
    if checked_text(name, given) in {".", ".."}:
        raise not_allowed(name, given, "an id")
    return plain(given)


def some(changes: B) -> B:
    """The changes, if there are any. Raises UsageError."""
    if not changes:
        raise UsageError("update: nothing was given to change; nothing was sent")
    return changes


@functools.cache
def _choices(shape: type) -> dict[str, type[str] | None]:
    """Each member, and the enumeration it takes its text from, if it has one."""
    return {name: _enumeration(hint) for name, hint in get_type_hints(shape).items()}


def _enumeration(hint: Any) -> type[str] | None:
    for part in (hint, *get_args(hint)):
        if isinstance(part, type) and issubclass(part, str) and hasattr(part, "listed"):
            return part
    return None
