"""Numbers among options, checked when they are given."""

from collections.abc import Callable
from math import inf
from typing import Any

from attrs import Attribute

from ..errors import UsageError, shown

__all__ = ["number"]


def number(
    least: float = 0, most: float = inf, *, whole: bool = False, above: bool = False, infinite: bool = False
) -> "Callable[[Any, Attribute[Any], Any], None]":
    """Return a validator of attrs for a number within these bounds, which raises UsageError.

    Args:
        least: The smallest number.
        most: The largest one.
        whole: Whether it has no fraction.
        above: Whether ``least`` itself is too small.
        infinite: Whether it may be infinite, for a limit that is none.
    """
    bounds = f"{'above' if above else 'of at least'} {least:g}" + ("" if most == inf else f", at most {most:g}")

    def check(instance: Any, attribute: "Attribute[Any]", value: Any) -> None:
        kinds = int if whole else (int, float)
        fits = isinstance(value, kinds) and not isinstance(value, bool) and least <= value <= most
        if not fits or (above and value == least) or (value == inf and not infinite):
            kind = "a whole number" if whole else "a number" if infinite else "a finite number"
            owner = type(instance).__name__
            raise UsageError(f"{owner}: {attribute.name} must be {kind} {bounds}, not {shown(value)}")

    return check
