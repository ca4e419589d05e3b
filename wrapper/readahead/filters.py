"""What may be asked: each keyword of ``where`` is declared once, and checked before anything is sent. Pure."""

import math
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol, cast

from attrs import frozen

from .errors import FilterError, nearest

__all__ = ["Choices", "Keyword", "checked_extra", "checked_order", "checked_text", "filter_values", "meet", "plain"]


class Choices(Protocol):
    """An open enumeration, as generated: listed values, and others by name."""

    @classmethod
    def listed(cls) -> tuple[str, ...]:
        """All values of the document, in its order."""
        ...


@frozen
class Keyword:
    """One keyword of ``where``.

    name: as the user writes it. parameter: as the generated request function calls it. choices: the values it takes;
    None: any text. many: how several values are sent, as a repeated key or joined by commas; None: it takes one.
    numbers: whether whole numbers are taken too.
    """

    name: str
    parameter: str
    choices: type[Choices] | None = None
    many: Literal["repeated", "commas"] | None = None
    numbers: bool = False

    def check(self, given: object) -> tuple[str, ...]:
        """The values, checked, each once, in the order given. Raises FilterError."""
        if isinstance(given, str | bytes | bytearray | Mapping) or not isinstance(given, Iterable):
            return (self._one(cast("object", given)),)
        listed = list(cast("Iterable[object]", given))
        if self.many is None:
            raise FilterError(self.name, listed, f"one {self._kind()}; this parameter takes no list")
        values = tuple(dict.fromkeys(self._one(value) for value in listed))
        if not values:
            raise FilterError(self.name, listed, f"at least one {self._kind()}; to ask for all, leave {self.name} out")
        return values

    def send(self, values: tuple[str, ...]) -> object:
        """The values as the generated request function takes them."""
        if self.many == "repeated":
            return list(values)
        return ",".join(values)

    def _one(self, given: object) -> str:
        if self.numbers and isinstance(given, int) and not isinstance(given, bool):
            return str(int(given))
        if not isinstance(given, str):
            raise FilterError(self.name, given, self._kind())
        if self.choices is not None and not isinstance(given, self.choices):
            listed = self.choices.listed()
            if given not in listed:
                name = self.choices.__name__
                allowed = f"one of the {len(listed)} values of {name}, or {name}.unlisted(…) for one it does not list"
                raise FilterError(self.name, given, allowed, near=nearest(given, listed))
        checked_text(self.name, given)
        if self.many == "commas" and "," in given:
            raise FilterError(self.name, given, "a value without a comma: several are given as a list")
        return plain(given)

    def _kind(self) -> str:
        if self.choices is not None:
            return f"value of {self.choices.__name__}"
        return "non-empty text or a whole number" if self.numbers else "non-empty text"


def plain(text: str) -> str:
    """The text itself: of a member of a user's own ``class State(str, Enum)``, ``str()`` gives the member's name."""
    return str.__str__(text)


def checked_text(name: str, given: str) -> str:
    """Text that can be sent: not empty or blank, no control characters, no lone surrogates. Raises FilterError."""
    if not given.strip():
        raise FilterError(name, given, "text that is not empty; to leave it out, leave it out")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in given):
        raise FilterError(name, given, "text without control characters or lone surrogates")
    return given


def filter_values(keywords: Iterable[Keyword], given: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Every keyword given, checked. Raises FilterError for an unknown one, with the nearest match."""
    known = {keyword.name: keyword for keyword in keywords}
    for name, value in given.items():
        if name not in known:
            raise FilterError(name, value, f"one of {', '.join(known)}", near=nearest(name, known))
    return {name: known[name].check(value) for name, value in given.items()}


def meet(keyword: Keyword, first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """What both of two filters on one field allow (they are ANDed); empty: nothing can. Raises FilterError.

    A parameter that takes one text is a search, for the server to interpret: two of them cannot be sent.
    """
    if first == second:
        return first
    if keyword.many is None:
        raise FilterError(keyword.name, second[0], f"one value a query; {first[0]!r} is already set")
    return tuple(value for value in first if value in second)


def checked_order(given: tuple[object, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Names to sort by. Raises FilterError for an unknown or a doubled one."""
    if not allowed:
        raise FilterError("order_by", given, "nothing: this API documents no order")
    if not given:
        raise FilterError("order_by", given, f"at least one of {', '.join(allowed)}")
    for index, name in enumerate(given):
        if not isinstance(name, str) or name not in allowed:
            raise FilterError("order_by", name, f"one of {', '.join(allowed)}", near=nearest(name, allowed))
        if name in given[:index]:
            raise FilterError("order_by", name, "each name once")
    return tuple(map(plain, cast("tuple[str, ...]", given)))


def checked_extra(given: Mapping[str, Any], taken: Iterable[str], paging: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Parameters that the wrapper does not know, as pairs; a list is a repeated key. Raises FilterError."""
    pairs: list[tuple[str, str]] = []
    for name, value in cast("Mapping[object, Any]", given).items():
        if not isinstance(name, str):
            raise FilterError("extra_params", name, "the name of a parameter")
        checked_text("extra_params", name)
        if name in set(paging):
            raise FilterError(name, value, "not given by hand: paging parameters belong to the listing")
        if name in set(taken):
            raise FilterError(name, value, "not given by hand: this query has set it already")
        if value == []:
            raise FilterError(name, value, "at least one value; to leave it out, leave it out")
        for one in cast("list[object]", value) if isinstance(value, list) else [value]:
            if isinstance(one, bool):
                pairs.append((name, "true" if one else "false"))
            elif isinstance(one, str):
                pairs.append((name, plain(checked_text(name, one))))
            elif isinstance(one, int) or (isinstance(one, float) and math.isfinite(one)):
                pairs.append((name, str(one + 0)))
            else:
                raise FilterError(name, one, "text, a number, true or false, or a list of these")
    return tuple(pairs)
