"""What is needed of a database: transactions that hold rows and what is known of them. SQLite and PostgreSQL have both.

Statements are written once for both: placeholders are ``$1``, ``$2``, and only what both understand is used.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from attrs import frozen

__all__ = ["Database", "Transaction", "Upserted"]


@frozen
class Upserted:
    """What an upsert did: how many rows were not there, were there and are different now, and are the same."""

    new: int
    changed: int
    same: int


class Transaction(Protocol):
    """A transaction that is open: committed when its block ends, rolled back when an exception leaves it."""

    async def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement with ``$1`` placeholders, and return its rows."""
        ...

    async def upsert(self, rows: Sequence[Any]) -> Upserted:
        """Store rows in the table, by their key."""
        ...


class Database(Protocol):
    """An open connection."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction; one at a time."""
        ...
