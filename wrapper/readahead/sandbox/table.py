"""The rows of one list in memory, for the sandbox of any API."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cmp_to_key
from threading import RLock
from typing import Any, TypeAlias, cast

import orjson
from attrs import define, field, frozen

from .data import Seed
from .store import Stored

__all__ = ["MemoryTable", "Sort", "Test"]

Test: TypeAlias = Callable[[Mapping[str, Any]], bool]


@frozen
class Sort:
    """One thing that a list is sorted by.

    Attributes:
        path: The members of a row that lead to it; none sorts by the order in which rows were added.
        descending: Whether the largest comes first. Rows without a value come last all the same.
    """

    path: tuple[str, ...] = ()
    descending: bool = False


@define(eq=False)
class MemoryTable:
    """The rows of one list, in the order in which they were added.

    A row has a position that it keeps; those of deleted rows are not used again, and the table remembers what was
    there, as a cursor may name it. A change here is a change on the server, also while a list is read.

    Attributes:
        key: The members of a row that lead to what tells it from others.
        make: Returns the row for a position, for rows that are added without saying what they are.
    """

    key: tuple[str, ...]
    make: Callable[[int], dict[str, Any]] = field(repr=False)
    _rows: dict[int, dict[str, Any]] = field(factory=dict[int, dict[str, Any]], repr=False, init=False)
    _gone: dict[int, dict[str, Any]] = field(factory=dict[int, dict[str, Any]], repr=False, init=False)
    _written: dict[int, bytes] = field(factory=dict[int, bytes], repr=False, init=False)
    _sorted: list[int] = field(factory=list[int], repr=False, init=False)
    _positions: dict[str, int] = field(factory=dict[str, int], repr=False, init=False)
    _first: int = field(default=1, init=False)
    _last: int = field(default=0, init=False)
    #: Held while a request is answered, so that the response is one consistent view of the rows.
    lock: RLock = field(factory=RLock, repr=False, init=False)

    # ---- what anyone changes

    def append(self, row: Mapping[str, Any] | Callable[[int], Seed] | None = None) -> Stored:
        """Add a row at the end.

        Args:
            row: The row, or a function that makes it from its position; None: one made up.
        """
        with self.lock:
            self._last += 1
            return self._put(self._last, row)

    def prepend(self, row: Mapping[str, Any] | Callable[[int], Seed] | None = None) -> Stored:
        """Add a row before all others.

        Args:
            row: As for ``append``.
        """
        with self.lock:
            self._first -= 1
            return self._put(self._first, row)

    def update(self, key: object, /, **changes: Any) -> dict[str, Any]:
        """Change members of a row, and return it as it is now.

        Raises:
            KeyError: There is no such row.
        """
        with self.lock:
            position = self._positions[str(key)]
            return self._put(position, {**self._rows[position], **changes}).row

    def delete(self, key: object, /) -> bool:
        """Delete a row; return whether there was one."""
        with self.lock:
            position = self._positions.get(str(key))
            if position is not None:
                self.delete_at(position)
            return position is not None

    def delete_at(self, position: int) -> None:
        """Delete the row at a position."""
        with self.lock:
            row = self._gone[position] = self._rows.pop(position)
            del self._sorted[bisect_left(self._sorted, position)]
            self._positions.pop(str(value_at(row, self.key)), None)

    def rows(self) -> list[dict[str, Any]]:
        """Return every row, in the order of a list that is not sorted."""
        with self.lock:
            return [orjson.loads(orjson.dumps(self._rows[position])) for position in self._sorted]

    def __len__(self) -> int:
        return len(self._rows)

    # ---- what a service reads

    def positions(self, where: Iterable[Test] = (), order: Sequence[Sort] = ()) -> Sequence[int]:
        """Return the positions of the rows that pass all tests, sorted; rows that are equal stay as they were added."""
        tests, found = tuple(where), self._sorted
        if tests:
            found = [position for position in found if all(test(self._rows[position]) for test in tests)]
        return sorted(found, key=self._sorting(order)) if order else tuple(found)

    def documents(self, positions: Sequence[int]) -> list[bytes]:
        """Return the rows at these positions as JSON, in this order."""
        return [self._document(position) for position in positions]

    def find(self, value: object, path: Sequence[str] = ()) -> int | None:
        """Return the position of a row, also of one that was deleted; None if there was never such a row.

        Args:
            value: Its key, or what is at ``path``.
            path: Members of a row; none stands for the key.
        """
        if (not path or tuple(path) == self.key) and (position := self._positions.get(str(value))) is not None:
            return position
        rows = (*self._rows.items(), *self._gone.items())
        return next((one for one, row in rows if str(value_at(row, path or self.key)) == str(value)), None)

    def position(self, key: object) -> int | None:
        """Return the position of a row that is there; None if there is none."""
        return self._positions.get(str(key))

    def row(self, position: int) -> Mapping[str, Any]:
        """Return the row at a position, also one that was deleted. Raises KeyError if there was none."""
        return self._rows[position] if position in self._rows else self._gone[position]

    def rank(self, position: int, positions: Sequence[int], order: Sequence[Sort] = ()) -> int:
        """Return how many rows of a list stand before a row or are it; the row itself may have gone."""
        if not order:
            return bisect_right(positions, position)
        key = self._sorting(order)
        mark = key(position)
        return sum(not mark < key(one) for one in positions)

    def _document(self, position: int) -> bytes:
        if position not in self._written:
            self._written[position] = orjson.dumps(self._rows[position])
        return self._written[position]

    def _put(self, position: int, row: Mapping[str, Any] | Callable[[int], Seed] | None) -> Stored:
        made = row(position).row if callable(row) else self.make(position) if row is None else dict(row)
        key = str(value_at(made, self.key))
        if self._positions.get(key, position) != position:
            raise ValueError(f"there is a row with the key {key!r} already")
        if position not in self._rows:
            insort(self._sorted, position)
        self._rows[position] = made
        self._positions[key] = position
        self._written.pop(position, None)
        return Stored(position, made, {})

    def _sorting(self, order: Sequence[Sort]) -> Callable[[int], Any]:
        def compare(one: int, other: int) -> int:
            for sort in order:
                a = value_at(self.row(one), sort.path) if sort.path else one
                b = value_at(self.row(other), sort.path) if sort.path else other
                if a is None or b is None:
                    if (a is None) != (b is None):
                        return 1 if a is None else -1
                elif a != b:
                    return (1 if _comes_after(a, b) else -1) * (-1 if sort.descending else 1)
            return one - other

        return cmp_to_key(compare)


def value_at(row: object, path: Sequence[str]) -> Any:
    """Return what is at a path in a row; None if nothing is."""
    for name in path:
        row = cast("Mapping[str, Any]", row).get(name) if isinstance(row, Mapping) else None
    return row


def _comes_after(one: Any, other: Any) -> bool:
    try:
        return bool(one > other)
    except TypeError:  # of different types
        return str(one) > str(other)
