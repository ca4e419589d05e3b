"""Conditions that divide a list by a field, so that its parts can be read side by side. Pure."""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeVar, cast

from ..errors import FilterError, UsageError, shown
from .conditions import And, Comparison, Condition, joined
from .fields import Fields, Ordered
from .values import is_list

__all__ = ["MOST_SLICES", "sliced"]

V = TypeVar("V")
MOST_SLICES = 100


def sliced(
    fields: Fields, field: Ordered[V], bounds: Iterable[V | None] | int, between: tuple[V, V] | None
) -> tuple[Condition, ...]:
    """Return a condition for each slice: from a bound, included, up to the next one, excluded. None is no bound.

    Args:
        fields: Those of the listing.
        field: What to divide by.
        bounds: Increasing values, or into how many slices ``between`` is divided.
        between: Where the first slice begins, and where the last one ends.

    Raises:
        FilterError: The list cannot be divided by this field, or not so.
    """
    _check_field(field)
    name = field.name
    try:
        values = _bounds(name, bounds) if between is None else _spaced(field, bounds, between)
        _check_order(name, values)
        conditions = tuple(_slice(field, low, high) for low, high in pairwise(values))
    except TypeError:
        message = f"slices() takes bounds of one type that can be compared, not {shown(bounds)}"
        raise FilterError("slices", message, value=bounds) from None
    return tuple(map(fields.checked, conditions))


def _check_field(field: object) -> None:
    if not isinstance(field, Ordered):
        message = f"slices() takes a field whose values have an order, such as a time or a number, not {shown(field)}"
        raise FilterError("slices", message, value=field)
    known = cast("Ordered[Any]", field)
    reason = None
    if known.attr is None:
        reason = f"rows carry no {known.name}, so they cannot tell their slice"
    elif not {">", ">="} & known.params.keys() or not {"<", "<="} & known.params.keys():
        reason = "the API has no parameters for both ends of a range of it, and each slice would read the whole list"
    if reason is not None:
        raise FilterError("slices", f"slices() cannot divide by {known.name}: {reason}; read the list as a whole")


def _bounds(name: str, bounds: object) -> Sequence[Any]:
    if isinstance(bounds, int):
        raise UsageError(f"slices(fields.{name}, {bounds}) needs between=(low, high), or a list of bounds")
    if not is_list(bounds):
        raise FilterError("slices", f"slices() takes a list of bounds, or a number, not {shown(bounds)}", value=bounds)
    return list(cast("Iterable[Any]", bounds))


def _spaced(field: Ordered[V], count: object, between: tuple[V, V]) -> Sequence[Any]:
    """Return the bounds of slices of about the same length: whole seconds, days, or whole numbers within whole ones."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_SLICES:
        message = f"slices() takes a whole number of slices from 1 to {MOST_SLICES} with between=, not {shown(count)}"
        raise FilterError("slices", message, value=count)
    if not is_list(between) or len(between) != 2:
        raise FilterError("slices", f"between must be two values, not {shown(between)}", value=between)
    low: Any
    high: Any
    low, high = (cast("Comparison", field >= value).values[0] for value in between)
    whole = all(isinstance(end, dt.date | int) for end in (low, high))
    inner: list[Any] = []
    for step in range(1, count):
        length: Any = (high - low) * step
        bound: Any = low + (length // count if whole else length / count)
        inner.append(bound.replace(microsecond=0) if isinstance(bound, dt.datetime) else bound)
    kept = [low]
    for bound in inner:
        kept += [bound] if kept[-1] < bound < high else []
    return [*kept, high]


def _check_order(name: str, values: Sequence[Any]) -> None:
    if not 2 <= len(values) <= MOST_SLICES + 1:
        message = f"slices() takes 2 to {MOST_SLICES + 1} bounds, one more than slices, not {len(values)}"
        raise FilterError("slices", message, value=list(values))
    if None in values[1:-1]:
        message = "slices() takes None as the first or the last bound alone: then that slice has no end there"
        raise FilterError("slices", message, value=list(values))
    bounds = [value for value in values if value is not None]
    for low, high in pairwise(bounds):
        if not low < high:
            message = f"slices() takes increasing bounds of {name}: {shown(low)} stands before {shown(high)}"
            raise FilterError("slices", message, value=list(values))


def _slice(field: Ordered[Any], low: Any, high: Any) -> Condition:
    ends = [] if low is None else [field >= low]
    ends += [] if high is None else [field < high]
    if not ends:
        message = "slices() needs at least one bound that is not None"
        raise FilterError("slices", message, value=[None, None])
    return joined(And, ends)
