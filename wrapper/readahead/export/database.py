"""What is needed of a database: transactions that hold rows and what is known of them. SQLite and PostgreSQL have both.

Statements are written once for both: placeholders are ``$1``, ``$2``, and only what both understand is used. Types that
both understand: ``TEXT``, ``BIGINT``, ``SMALLINT`` (0 and 1 for no and yes), ``DOUBLE PRECISION``. A value is of the
type of its column; PostgreSQL refuses another.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from attrs import frozen

from .columns import Column, Kind

__all__ = ["GONE_AT", "OTHER", "SEEN", "Database", "DatabaseTarget", "Table", "Transaction", "Upserted"]

OTHER: Final = "_other"
GONE_AT: Final = "_gone_at"
SEEN: Final = "_readahead_seen"  # keys of the rows that a mirror has read, by table


@frozen
class Table:
    """A table of rows.

    Attributes:
        name: Its name, as it is, not quoted.
        key: The column that tells rows apart. Its values are text.
        columns: Its other columns.
        elsewhere: Fields that cannot have a column, because of their name; their values are in ``_other``.
        marks: Whether it has the column ``_gone_at``, which is null for each row that is stored.
    """

    name: str
    key: Column
    columns: tuple[Column, ...]
    elsewhere: tuple[Column, ...] = ()
    marks: bool = False

    @property
    def stored(self) -> list[tuple[str, Kind]]:
        """Names and kinds of all columns: the key first, ``_other`` last."""
        marks: list[tuple[str, Kind]] = [(GONE_AT, "time")] if self.marks else []
        key: tuple[str, Kind] = (self.key.wire, "text")
        return [key, *((column.wire, column.kind) for column in self.columns), *marks, (OTHER, "json")]


@frozen
class Upserted:
    """What an upsert did: how many rows were not there, were there and are different now, and are the same."""

    new: int = 0
    changed: int = 0
    same: int = 0


class Transaction(Protocol):
    """A transaction that is open: committed when its block ends, rolled back when an exception leaves it."""

    async def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement with ``$1`` placeholders, and return its rows."""
        ...

    async def prepare(self, table: Table) -> None:
        """Create a table, or add the columns that it does not have.

        Raises:
            TargetError: It has columns of other types, or rows are not told apart by its key.
        """
        ...

    async def upsert(self, table: Table, rows: Sequence[Any]) -> Upserted:
        """Store rows in a table, by their key. Of several rows with one key, the last is stored."""
        ...

    async def see(self, table: Table, rows: Sequence[Any]) -> int:
        """Note the keys of rows in ``_readahead_seen``; return how many were not there."""
        ...


class Database(Protocol):
    """An open connection. Tasks may share it: transactions wait for each other."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction; it waits for its turn. On SQLite nobody else can write until it ends."""
        ...

    def alone(self, table: str) -> AbstractAsyncContextManager[None]:
        """Keep other copies away from a table, of this process and of others. It ends with the process.

        Raises:
            TargetError: Another copy has it.
        """
        ...


class DatabaseTarget(Protocol):
    """A table in a database that can be opened."""

    def connect(self) -> AbstractAsyncContextManager[Database]:
        """Open a connection, and close it when the block ends. Any number may be open.

        Raises:
            TargetError: It cannot be opened.
        """
        ...

    def table_of(self, row: type, key: str) -> Table:
        """Return the table of a class of rows. ``key``: the attribute that tells them apart."""
        ...
