"""SQLite, of the standard library. It runs in a thread, so that the event loop goes on."""
# ruff: noqa: S608  names are quoted, and values are parameters

import hashlib
import os
import re
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import anyio
from anyio import CancelScope, CapacityLimiter, to_thread
from attrs import field, frozen

from ..errors import TargetError, UsageError, shown
from .columns import Kind
from .database import SEEN, Database, Table, Transaction, Upserted
from .locking import locked
from .tables import begin, check_name, keys_of, quoted, table_of, values_of
from .target import Copy, Job

__all__ = ["SQLite"]

T = TypeVar("T")
_TYPES: Final[dict[Kind, str]] = {
    "text": "TEXT",
    "integer": "INTEGER",
    "number": "REAL",
    "boolean": "BOOLEAN",
    "time": "TEXT",
    "date": "TEXT",
    "json": "TEXT",
    "any": "TEXT",
}
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PATIENCE = 60.0  # seconds for another program to finish its transaction
_OLDEST = (3, 35)  # for RETURNING
_PAGE = 16_384  # bytes; rows are wide, and those of a new database are written in three quarters of the time


def _path(path: str | PathLike[str]) -> Path:
    if not isinstance(cast("object", path), str | PathLike) or str(path) in {"", ":memory:"}:
        raise UsageError(f"path must be that of a file, not {shown(path)}")
    return Path(os.fsdecode(path))


@frozen
class SQLite:
    """A table in a SQLite database. It is created if it is not there.

    Args:
        path: The file of the database.
        table: The name of the table.

    Raises:
        UsageError: An argument is not one of these.
    """

    path: Path = field(converter=_path)
    table: str = "rows"

    def __attrs_post_init__(self) -> None:
        check_name(self.table, "table", _fits)
        if self.table.lower().startswith("sqlite_"):
            raise UsageError("table must not begin with sqlite_: such names are SQLite's own")

    def begin(self, job: Job) -> AbstractAsyncContextManager[Copy]:
        """Open it for a job."""
        return begin(self, job)

    def table_of(self, row: type, key: str) -> Table:
        """Return the table of a class of rows."""
        return table_of(self.table, row, key, _fits, folded=True)

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[Database]:
        """Open a connection."""
        thread, give_up = CapacityLimiter(1), anyio.current_time() + _PATIENCE
        while (connection := await to_thread.run_sync(_opened, self.path, limiter=thread)) is None:
            if anyio.current_time() > give_up:
                raise _still_locked(self.path)
            await anyio.sleep(0.02)
        try:
            yield _Database(self.path, connection, thread)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(connection.close, limiter=thread)


def _fits(name: str) -> bool:
    return "\0" not in name and name == _storable(name)


@contextmanager
def _translated(path: Path) -> Generator[None]:
    """Turn the errors of sqlite3 into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise TargetError(f"{path}: SQLite says: {error}") from None


def _still_locked(path: Path) -> TargetError:
    return TargetError(f"{path}: another program has been writing for {_PATIENCE:g} s; end it, or try again later")


def _opened(path: Path) -> sqlite3.Connection | None:
    """Return a connection; None while another program changes how the database is written."""
    if sqlite3.sqlite_version_info < _OLDEST:
        raise UsageError(f"SQLite here is {sqlite3.sqlite_version}; tables need 3.35 or newer")
    with _translated(path):
        connection = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE}")  # of a database that has no table yet
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF in _BUSY:
            return None
        raise TargetError(f"{path}: SQLite says: {error}") from None
    except BaseException:
        connection.close()
        raise
    return connection


class _Database:
    def __init__(self, path: Path, connection: sqlite3.Connection, thread: CapacityLimiter) -> None:
        self._path, self._connection, self._thread, self._turn = path, connection, thread, anyio.Lock()

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        with _translated(self._path):
            return await to_thread.run_sync(function, self._connection, *args, limiter=self._thread)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        async with self._turn:
            try:
                await self._patiently("BEGIN IMMEDIATE")
                yield _Transaction(self)
                await self._patiently("COMMIT")
            except BaseException:
                with CancelScope(shield=True):
                    await self.run(_rollback)
                raise

    async def _patiently(self, statement: str) -> None:
        """Run a statement that waits for other programs, and can be cancelled while it waits."""
        give_up = anyio.current_time() + _PATIENCE
        while not await self.run(_did, statement):
            if anyio.current_time() > give_up:
                raise _still_locked(self._path)
            await anyio.sleep(0.02)

    @asynccontextmanager
    async def alone(self, table: str) -> AsyncGenerator[None]:
        name = hashlib.blake2b(table.lower().encode(), digest_size=4).hexdigest()
        path = self._path.with_name(f"{self._path.name}-copy-{name}")
        with locked(path) as is_ours:
            if not is_ours:
                raise TargetError(
                    f"{self._path}: another copy into table {table!r} is running; wait until it has ended"
                )
            yield


def _did(connection: sqlite3.Connection, statement: str) -> bool:
    is_begin = statement.startswith("BEGIN")
    if is_begin:  # a thread goes on when its task is cancelled, so another begin may have come through since
        _rollback(connection)
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _BUSY and not (is_begin and connection.in_transaction):
            raise
        return False
    return True


def _rollback(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


@frozen
class _Transaction:
    _database: _Database

    async def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        named = {str(number): value for number, value in enumerate(values, 1)}
        return await self._database.run(_executed, statement, named)

    async def prepare(self, table: Table) -> None:
        await self._database.run(_prepared, table)

    async def upsert(self, table: Table, rows: Sequence[Any]) -> Upserted:
        return await self._database.run(_upserted, table, rows) if rows else Upserted()

    async def see(self, table: Table, rows: Sequence[Any]) -> int:
        return await self._database.run(_seen, table, rows)


def _executed(connection: sqlite3.Connection, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    values = {name: _iso(value) if isinstance(value, date) else value for name, value in values.items()}
    return connection.execute(statement, values).fetchall()


def _prepared(connection: sqlite3.Connection, table: Table) -> None:
    name, wanted = quoted(table.name), {wire: _TYPES[kind] for wire, kind in table.stored}
    columns = ", ".join(f"{quoted(wire)} {kind}" for wire, kind in wanted.items() if wire != table.key.wire)
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {name} ({quoted(table.key.wire)} TEXT NOT NULL PRIMARY KEY, {columns})"
    )
    there = {wire: (kind.upper(), key) for _, wire, kind, _, _, key in connection.execute(f"PRAGMA table_info({name})")}
    folded = {wire.lower(): kind for wire, (kind, _) in there.items()}
    others = [
        f"{wire} ({folded[wire.lower()] or 'without a type'}, not {kind})"
        for wire, kind in wanted.items()
        if folded.get(wire.lower(), kind) != kind
    ]
    if others:
        raise TargetError(
            f"table {table.name!r} has columns of other types: {', '.join(others)}; choose another table, or change it"
        )
    if re.search(r"\)[^)]*WITHOUT\s+ROWID", _declaration(connection, table.name), re.IGNORECASE):
        raise TargetError(f"table {table.name!r} is WITHOUT ROWID; choose another table, or create it with row ids")
    if [wire.lower() for wire, (_, key) in there.items() if key] != [table.key.wire.lower()]:
        raise TargetError(
            f"table {table.name!r} is there, and its primary key is not {table.key.wire!r}; choose another table"
        )
    for wire, kind in wanted.items():
        if wire.lower() not in folded:
            connection.execute(f"ALTER TABLE {name} ADD COLUMN {quoted(wire)} {kind}")


def _declaration(connection: sqlite3.Connection, table: str) -> str:
    found = connection.execute("SELECT sql FROM sqlite_schema WHERE lower(name) = lower(?)", [table]).fetchone()
    return str(found[0]) if found else ""


def _upserted(connection: sqlite3.Connection, table: Table, rows: Sequence[Any]) -> Upserted:
    values = values_of(table, rows)
    for (_, kind), found in zip(table.stored, values, strict=True):
        if kind in {"time", "date"}:
            found[:] = map(_iso, found)
    keys = values[0] = list(map(_storable, values[0]))
    name, (key, *wires) = quoted(table.name), [quoted(wire) for wire, _ in table.stored]
    sets = ", ".join(f"{wire} = excluded.{wire}" for wire in wires)
    differs = " OR ".join(f"{name}.{wire} IS NOT excluded.{wire}" for wire in wires)
    statement = (
        f"INSERT INTO {name} ({', '.join([key, *wires])}) VALUES ({', '.join('?' * len(values))}) "
        f"ON CONFLICT ({key}) DO UPDATE SET {sets} WHERE {differs}"
    )
    last = _last_row(connection, name)
    connection.execute("SAVEPOINT readahead_rows")
    try:
        written = connection.executemany(statement, zip(*values, strict=True)).rowcount
    except UnicodeEncodeError:  # a text with half of a character; what was written is written again
        connection.execute("ROLLBACK TO readahead_rows")
        values = [list(map(_storable, column)) for column in values]
        written = connection.executemany(statement, zip(*values, strict=True)).rowcount
    connection.execute("RELEASE readahead_rows")
    new = _last_row(connection, name) - last
    return Upserted(new, written - new, len(keys) - written)


def _last_row(connection: sqlite3.Connection, name: str) -> int:
    """Return the number of the last row. A row that is new gets the next one, and a row that changes keeps its own."""
    return int(connection.execute(f"SELECT max(rowid) FROM {name}").fetchone()[0] or 0)


def _seen(connection: sqlite3.Connection, table: Table, rows: Sequence[Any]) -> int:
    keys = ((table.name, _storable(key)) for key in keys_of(table, rows))
    return max(connection.executemany(f"INSERT OR IGNORE INTO {SEEN} VALUES (?, ?)", keys).rowcount, 0)


def _iso(value: datetime | date | None) -> str | None:
    return None if value is None else value.isoformat()


def _storable(value: Any) -> Any:
    """Return a text without lone surrogates, which UTF-8 does not have: their escapes stand in their place."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
