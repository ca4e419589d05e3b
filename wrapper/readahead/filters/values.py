"""Values that can be sent, checked before anything is. Pure."""

import math
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, cast

from ..errors import nearest, not_allowed

__all__ = ["checked_extra", "checked_order", "checked_text", "is_list", "plain"]


def is_list(given: object) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | bytearray | Mapping)


def plain(text: str) -> str:
    """The text itself: of a member of a user's own ``class State(str, Enum)``, ``str()`` gives the member's name."""
    return str.__str__(text)


def checked_text(name: str, given: str) -> str:
    """Text that can be sent: not empty or blank, no control characters, no lone surrogates. Raises FilterError."""
    if not given.strip():
        raise not_allowed(name, given, "text that is not empty; to leave it out, leave it out")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in given):
        raise not_allowed(name, given, "text without control characters or lone surrogates")
    return given


def checked_order(given: tuple[object, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Names to sort by. Raises FilterError for an unknown or a doubled one."""
    if not allowed:
        raise not_allowed("order_by", given, "nothing: this API documents no order")
    if not given:
        raise not_allowed("order_by", given, f"at least one of {', '.join(allowed)}")
    for index, name in enumerate(given):
        if not isinstance(name, str) or name not in allowed:
            names = f"one of {', '.join(allowed)}"
            if isinstance(name, str) and (name.startswith("-") or name.casefold().endswith(" desc")):
                raise not_allowed("order_by", name, f"{names}; no descending order is documented")
            raise not_allowed("order_by", name, names, near=nearest(name, allowed))
        if name in given[:index]:
            raise not_allowed("order_by", name, "each name once")
    return tuple(map(plain, cast("tuple[str, ...]", given)))


def checked_extra(given: Mapping[str, Any], taken: Iterable[str], paging: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Parameters that the wrapper does not know, as pairs; a list is a repeated key. Raises FilterError."""
    pairs: list[tuple[str, str]] = []
    for name, value in cast("Mapping[object, Any]", given).items():
        if not isinstance(name, str):
            raise not_allowed("extra_params", name, "the name of a parameter")
        checked_text("extra_params", name)
        if name in set(paging):
            raise not_allowed(name, value, "not given by hand: paging parameters belong to the listing")
        if name in set(taken):
            raise not_allowed(name, value, "not given by hand: this query has set it already")
        if value == []:
            raise not_allowed(name, value, "at least one value; to leave it out, leave it out")
        for one in cast("list[object]", value) if isinstance(value, list) else [value]:
            if isinstance(one, bool):
                pairs.append((name, "true" if one else "false"))
            elif isinstance(one, str):
                pairs.append((name, plain(checked_text(name, one))))
            elif isinstance(one, int) or (isinstance(one, float) and math.isfinite(one)):
                pairs.append((name, str(one + 0)))
            else:
                raise not_allowed(name, one, "text, a number, true or false, or a list of these")
    return tuple(pairs)
