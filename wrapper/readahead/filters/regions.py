"""What an API is asked for of one field: listed values, or an interval. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any, Self

from attrs import frozen

from .conditions import Comparison

__all__ = ["Interval", "Region", "Values", "is_empty", "joined", "meet", "within"]

Values = tuple[Any, ...]


@frozen(repr=False)
class Interval:
    """The values between two ends, either of which may be open or missing.

    Attributes:
        low: The lower end, and whether it is excluded: of two, the greater pair is the narrower one.
        high: The upper end, and whether it is included: of two, the smaller pair is the narrower one.
    """

    low: tuple[Any, bool] | None = None
    high: tuple[Any, bool] | None = None

    @classmethod
    def of(cls, op: str, values: Values) -> Self:
        """Return the values that compare so with a value; of several, those from the least to the greatest."""
        match op:
            case ">" | ">=":
                return cls(low=(values[0], op == ">"))
            case "<" | "<=":
                return cls(high=(values[0], op == "<="))
            case _:
                return cls((min(values), False), (max(values), True))

    def __repr__(self) -> str:
        low = "(" if self.low is None else f"{'(' if self.low[1] else '['}{self.low[0]!r}"
        high = ")" if self.high is None else f"{self.high[0]!r}{']' if self.high[1] else ')'}"
        return f"{low}, {high}"

    @property
    def is_empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        (low, excluded), (high, included) = self.low, self.high
        return bool(low > high) or (low == high and (excluded or not included))

    @property
    def value(self) -> Any:
        """The only value in it; None, if it may hold more."""
        is_point = self.low is not None and self.high is not None and self.low[0] == self.high[0]
        return self.low[0] if is_point and self.low is not None else None

    def holds(self, value: Any) -> bool:
        """Return whether a value lies in it."""
        if self.low is not None and (value <= self.low[0] if self.low[1] else value < self.low[0]):
            return False
        return self.high is None or bool(value <= self.high[0] if self.high[1] else value < self.high[0])

    def meet(self, other: "Interval") -> "Interval":
        """Return what is in both."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return Interval(max(lows, default=None), min(highs, default=None))

    def join(self, other: "Interval") -> "Interval | None":
        """Return what is in either, if nothing lies between them.

        None for all values: an API cannot be asked for what is anything but null.
        """
        if _is_gap(self.high, other.low) or _is_gap(other.high, self.low):
            return None
        low = None if self.low is None or other.low is None else min(self.low, other.low)
        high = None if self.high is None or other.high is None else max(self.high, other.high)
        return None if low is None and high is None else Interval(low, high)

    def covers(self, other: "Interval") -> bool:
        """Return whether all of another one lies in it."""
        below = self.low is None or (other.low is not None and other.low >= self.low)
        above = self.high is None or (other.high is not None and other.high <= self.high)
        return below and above

    def comparisons(self, name: str, known: "Interval | None" = None) -> Iterator[Comparison]:
        """Yield the comparisons of a field that it comes to, without those that hold for all values in ``known``."""
        if self.low is not None and (known is None or known.low is None or known.low < self.low):
            yield Comparison(name, ">" if self.low[1] else ">=", (self.low[0],))
        if self.high is not None and (known is None or known.high is None or known.high > self.high):
            yield Comparison(name, "<=" if self.high[1] else "<", (self.high[0],))


Region = Values | Interval


def is_empty(region: Region) -> bool:
    """Return whether no value lies in a region."""
    return region.is_empty if isinstance(region, Interval) else not region


def within(inner: Region, outer: Region) -> bool:
    """Return whether each value of a region lies in another."""
    if isinstance(outer, Interval):
        return outer.covers(inner) if isinstance(inner, Interval) else all(map(outer.holds, inner))
    return not isinstance(inner, Interval) and {*inner} <= {*outer}


def meet(left: Region, right: Region) -> Region:
    """Return what lies in both."""
    if isinstance(left, Interval):
        return left.meet(right) if isinstance(right, Interval) else _kept(right, left)
    return _kept(left, right) if isinstance(right, Interval) else tuple(value for value in left if value in right)


def joined(left: Region, right: Region) -> Region | None:
    """Return what lies in either, if that is a region."""
    if isinstance(left, Interval) and isinstance(right, Interval):
        return left.join(right)
    if isinstance(left, Interval) or isinstance(right, Interval):
        return None
    return tuple(dict.fromkeys((*left, *right)))


def _kept(values: Iterable[Any], interval: Interval) -> Values:
    return tuple(value for value in values if interval.holds(value))


def _is_gap(high: tuple[Any, bool] | None, low: tuple[Any, bool] | None) -> bool:
    """Return whether a value lies above an upper end and below a lower one."""
    if high is None or low is None:
        return False
    return bool(high[0] < low[0]) or (high[0] == low[0] and not high[1] and low[1])
