"""Rows of one API in SQLite, stored as the JSON that is sent."""

import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from threading import RLock
from typing import Any, TypeAlias

import orjson
from attrs import frozen

from .data import Seed

_LISTINGS_KEPT = 64

Derive: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, str | None]], Iterable[str | None]]


@frozen
class Condition:
    """A part of a WHERE clause: its text is ours, input of clients is passed as values."""

    sql: str
    values: tuple[str, ...] = ()


@frozen
class Stored:
    """One row at its position: its visible fields, and hidden values to filter or sort by."""

    position: int
    row: dict[str, Any]
    hidden: dict[str, str | None]


class Database:
    """A connection for several threads, closed with its last reference."""

    def __init__(self, path: str | PathLike[str] | None) -> None:
        self.connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA synchronous = OFF")
        self.lock = RLock()
        self.close = weakref.finalize(self, self.connection.close)


class Table:
    """The customers of one API, in order of creation.

    Columns exist to filter and to sort by: ``hidden`` ones hold values that no row shows, ``derived`` ones the results
    of ``derive``. A listing is sorted by columns, nulls last, then by position, so its order is total. Its positions
    are cached until a row changes. The table is filled from ``seeds`` on first use.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        hidden: Sequence[str],
        derived: Sequence[str],
        derive: Derive,
        seeds: Iterable[Seed],
    ) -> None:
        self._database = database
        self._connection = database.connection
        #: Held while a request is answered, so that the response is one consistent view of the rows.
        self.lock = database.lock
        self._name = name
        self._hidden = hidden
        self._columns = (*hidden, *derived)
        self._derive = derive
        self._seeds: Iterable[Seed] | None = seeds
        self._insert = f"INSERT INTO {name} VALUES ({', '.join('?' * (3 + len(self._columns)))})"  # noqa: S608
        self._head = 0  # the next position before all rows
        self._listings: dict[tuple[str, tuple[str, ...], str], Sequence[int]] = {}

    def positions(self, where: Sequence[Condition] = (), order: Sequence[str] = ()) -> Sequence[int]:
        """Return the positions of the rows of a listing; their number is the total."""
        clause = " AND ".join(condition.sql for condition in where) or "1"
        values = tuple(value for condition in where for value in condition.values)
        columns = ", ".join([*(f"{column} IS NULL, {column}" for column in order), "position"])
        with self.lock:
            listing = self._listings.get((clause, values, columns))
            if listing is None:
                found = self._execute(
                    f"SELECT position FROM {self._name} WHERE {clause} ORDER BY {columns}",  # noqa: S608
                    *values,
                )
                listing = tuple(position for (position,) in found)
                while len(self._listings) >= _LISTINGS_KEPT:
                    del self._listings[next(iter(self._listings))]
                self._listings[clause, values, columns] = listing
            return listing

    def documents(self, positions: Sequence[int]) -> list[bytes]:
        """Return the rows at these positions as JSON, in this order."""
        marks = ", ".join("?" * len(positions))
        found = dict(
            self._execute(
                f"SELECT position, document FROM {self._name} WHERE position IN ({marks})",  # noqa: S608
                *positions,
            )
        )
        return [found[position] for position in positions]

    def rows(self) -> list[dict[str, Any]]:
        """Return every row in listing order."""
        found = self._execute(f"SELECT document FROM {self._name} ORDER BY position")  # noqa: S608
        return [orjson.loads(document) for (document,) in found]

    def find(self, column: str, value: str) -> Stored | None:
        """Return the first row with this value, or None."""
        columns = ", ".join(["position", "document", *self._hidden])
        found = self._execute(
            f"SELECT {columns} FROM {self._name} WHERE {column} = ? ORDER BY position LIMIT 1",  # noqa: S608
            value,
        )
        if not found:
            return None
        position, document, *hidden = found[0]
        return Stored(position, orjson.loads(document), dict(zip(self._hidden, hidden, strict=True)))

    def append(self, make: Callable[[int], Seed]) -> Stored:
        """Add a row at the next position. Positions of deleted rows are not reused."""
        with self.lock:
            last = self._execute("SELECT seq FROM sqlite_sequence WHERE name = ?", self._name)
            return self._add(last[0][0] + 1 if last else 1, make)

    def prepend(self, make: Callable[[int], Seed]) -> Stored:
        """Add a row at a position before all earlier ones: 0 and below."""
        with self.lock:
            ((first,),) = self._execute(f"SELECT min(position) FROM {self._name}")  # noqa: S608
            self._head = min(self._head, 0 if first is None else first - 1)
            self._head, position = self._head - 1, self._head
            return self._add(position, make)

    def _add(self, position: int, make: Callable[[int], Seed]) -> Stored:
        seed = make(position)
        self._execute(self._insert, *self._record(position, seed.row, seed.hidden))
        self._listings.clear()
        return Stored(position, seed.row, seed.hidden)

    def replace(self, stored: Stored) -> None:
        """Overwrite the row at its position."""
        with self.lock:
            record = self._record(stored.position, stored.row, stored.hidden)
            self._execute(self._insert.replace("INSERT", "INSERT OR REPLACE", 1), *record)
            self._listings.clear()

    def delete(self, customer_id: str) -> bool:
        """Delete a row; return whether it existed."""
        with self.lock:
            gone = self._execute(f"DELETE FROM {self._name} WHERE id = ? RETURNING position", customer_id)  # noqa: S608
            self._listings.clear()
        return bool(gone)

    def delete_at(self, position: int) -> None:
        """Delete the row at a position."""
        with self.lock:
            self._execute(f"DELETE FROM {self._name} WHERE position = ?", position)  # noqa: S608
            self._listings.clear()

    def checkouts(self, organization: str) -> Condition:
        """Return the condition that selects the customers of an organization."""
        return Condition(
            f"position IN (SELECT customer FROM {self._name}_checkouts WHERE organization = ?)",  # noqa: S608
            (organization,),
        )

    def _execute(self, sql: str, *values: object) -> list[Any]:
        with self.lock:
            if self._seeds is not None:
                seeds, self._seeds = self._seeds, None
                self._fill(seeds)
            return self._connection.execute(sql, values).fetchall()

    def _fill(self, seeds: Iterable[Seed]) -> None:
        """Insert the first rows, unless the file has some already."""
        columns = "".join(f"{column} TEXT, " for column in self._columns)
        with self.lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            if self._execute("SELECT 1 FROM sqlite_schema WHERE name = ?", self._name):
                return
            self._execute(
                f"CREATE TABLE {self._name} (position INTEGER PRIMARY KEY AUTOINCREMENT, "
                f"id TEXT NOT NULL UNIQUE, {columns}document BLOB NOT NULL)"
            )
            self._execute(
                f"CREATE TABLE {self._name}_checkouts "
                "(organization TEXT, customer INTEGER, PRIMARY KEY (organization, customer)) WITHOUT ROWID"
            )
            checkouts: list[tuple[str, int]] = []
            self._connection.executemany(self._insert, self._records(seeds, checkouts))
            self._connection.executemany(f"INSERT INTO {self._name}_checkouts VALUES (?, ?)", checkouts)  # noqa: S608

    def _records(self, seeds: Iterable[Seed], checkouts: list[tuple[str, int]]) -> Iterator[tuple[object, ...]]:
        for position, seed in enumerate(seeds, 1):
            checkouts.extend((organization, position) for organization in seed.organizations)
            yield self._record(position, seed.row, seed.hidden)

    def _record(self, position: int, row: Mapping[str, Any], hidden: Mapping[str, str | None]) -> tuple[object, ...]:
        columns = (hidden[column] for column in self._hidden)
        return (position, row["id"], *columns, *self._derive(row, hidden), orjson.dumps(row))
