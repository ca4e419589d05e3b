"""PostgreSQL, by asyncpg: rows are copied into a staging table, and from there into theirs."""
# ruff: noqa: S608  names are quoted, and values are parameters

import hashlib
import json
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from importlib import import_module
from typing import Any, Final, cast
from urllib.parse import urlsplit

import anyio
from anyio import CancelScope
from attrs import field, frozen
from sniffio import current_async_library

from ..errors import TargetError, UsageError
from ..http.secret import Secret
from .columns import Kind
from .database import Database, Table, Transaction, Upserted
from .tables import OTHER, begin, check_name, quoted, table_of, values_of
from .target import Copy, Job

__all__ = ["Postgres"]

_TYPES: Final[dict[Kind, str]] = {
    "text": "text",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
    "time": "timestamp with time zone",
    "date": "date",
    "json": "jsonb",
    "any": "text",
}
_STAGED: Final[dict[Kind, str]] = {**_TYPES, "json": "text"}  # whatever codec a ready connection has for jsonb
_TEXTS = frozenset[Kind]({"text", "any"})
_SYSTEM = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
_LONGEST = 63  # bytes of a name


def _source(database: object) -> object:
    _asyncpg()
    if isinstance(database, str):
        _shown(database)
        return Secret(database)
    if hasattr(database, "acquire") or hasattr(database, "copy_records_to_table"):
        return database
    raise UsageError(f"database must be a URL, or a pool or connection of asyncpg, not {type(database).__name__}")


@frozen
class Postgres:
    """A table in PostgreSQL. It is created if it is not there. Needs asyncpg, and asyncio.

    Args:
        database: The URL of the database, ``postgresql://user:password@host/name``, or a ready pool or connection of
            asyncpg, which is not closed. Behind PgBouncer it needs session mode: a lock is held while rows are copied.
        table: The name of the table.
        schema: Its schema; the first one of ``search_path`` by default.

    Raises:
        UsageError: An argument is not one of these, or asyncpg is not installed.
    """

    _database: object = field(converter=_source, repr=False, eq=False)
    table: str = "rows"
    schema: str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_name(self.table, "table", _fits)
        if self.schema is not None:
            check_name(self.schema, "schema", _fits)

    def begin(self, job: Job) -> AbstractAsyncContextManager[Copy]:
        """Open it for a job."""
        return begin(self, job)

    def table_of(self, row: type, key: str) -> Table:
        """Return the table of a class of rows."""
        return table_of(self.table, row, key, _fits, taken=_SYSTEM)

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[Database]:
        """Open a connection."""
        if current_async_library() != "asyncio":
            raise UsageError("Postgres needs asyncio, because asyncpg does; SQLite runs on trio too")
        source: Any = self._database
        where = _shown(source.reveal()) if isinstance(source, Secret) else "PostgreSQL"
        async with AsyncExitStack() as stack:
            with _translated(where, "check the URL, and that the server is up"):
                connection = await _connected(source, stack)
                if self.schema is not None:
                    before = await connection.fetchval("SHOW search_path")
                    await connection.execute("SELECT set_config('search_path', $1, false)", quoted(self.schema))
                    stack.push_async_callback(_restored, connection, before)
            yield _Database(where, connection)


async def _connected(source: Any, stack: AsyncExitStack) -> Any:
    if isinstance(source, Secret):
        connection = await _asyncpg().connect(source.reveal(), timeout=30)
        stack.push_async_callback(_closed, connection)
        return connection
    return await stack.enter_async_context(source.acquire()) if hasattr(source, "acquire") else source


def _asyncpg() -> Any:
    try:
        return import_module("asyncpg")
    except ModuleNotFoundError:
        raise UsageError("Postgres needs asyncpg; install readahead[postgres]") from None


def _shown(url: str) -> str:
    """Return what a URL says of the place, without user and password."""
    try:
        parts = urlsplit(url)
        scheme, host, port, path = parts.scheme, parts.hostname, parts.port, parts.path
    except ValueError:
        scheme = ""
        host = port = path = None
    if scheme not in {"postgresql", "postgres"}:
        raise UsageError("database must be a URL such as postgresql://user:password@host/name")
    return f"PostgreSQL at {host or 'the local socket'}{f':{port}' if port else ''}{path or ''}"


def _fits(name: str) -> bool:
    try:
        return "\0" not in name and len(name.encode()) <= _LONGEST
    except UnicodeEncodeError:
        return False


async def _closed(connection: Any) -> None:
    with CancelScope(shield=True), anyio.move_on_after(5) as late:
        await connection.close()
    if late.cancelled_caught:
        connection.terminate()


async def _restored(connection: Any, search_path: str) -> None:
    if not connection.is_closed():
        with CancelScope(shield=True):
            await connection.execute("SELECT set_config('search_path', $1, false)", search_path)


@contextmanager
def _translated(where: str, advice: str = "") -> Generator[None]:
    """Turn the errors of asyncpg into ours."""
    asyncpg = _asyncpg()
    try:
        yield
    except asyncpg.PostgresConnectionError as error:
        raise TargetError(_lost(where, error)) from None
    except asyncpg.PostgresError as error:
        message = f"{where}: {error}" + (f" ({error.hint})" if getattr(error, "hint", None) else "")
        raise TargetError(message + (f"; {advice}" if advice else "")) from None
    except asyncpg.InterfaceError as error:
        if "closed" in str(error) or "connection" in str(error):
            raise TargetError(_lost(where, error)) from None
        raise TargetError(f"{where}: {error}") from None
    except asyncpg.InternalClientError as error:  # of a server that ended the connection in between
        raise TargetError(_lost(where, error)) from None
    except (OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        if advice:
            raise TargetError(f"{where}: no connection: {reason}; {advice}") from None
        raise TargetError(_lost(where, error)) from None


def _lost(where: str, error: Exception) -> str:
    return f"{where}: the connection was lost ({error}); start the copy again, and it goes on where it was"


class _Database:
    def __init__(self, where: str, connection: Any) -> None:
        self.where, self.connection, self._turn, self._is_ours = where, connection, anyio.Lock(), False

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        async with self._turn:
            with _translated(self.where):
                await self._begin()
            try:
                yield _Transaction(self)
            except BaseException:
                with CancelScope(shield=True), _quiet():
                    await self.connection.execute("ROLLBACK")
                    self._is_ours = False
                raise
            with _translated(self.where):
                await self.connection.execute("COMMIT")
                self._is_ours = False

    async def _begin(self) -> None:
        """Begin a transaction, and end one before whose begin or end was cancelled.

        asyncpg's own transactions take one whose begin was cancelled for an outer one, which then never ends.
        """
        if self.connection.is_in_transaction():
            if not self._is_ours:
                raise UsageError(
                    "the connection is within a transaction; end it, or give a connection for copies alone"
                )
            await self.connection.execute("ROLLBACK")
        self._is_ours = True
        await self.connection.execute("BEGIN")

    @asynccontextmanager
    async def alone(self, table: str) -> AsyncGenerator[None]:
        with _translated(self.where):
            schema = await self.connection.fetchval("SELECT current_schema()")
            number = _number(f"readahead:{schema}.{table}")
            taken = await self.connection.fetchval("SELECT pg_try_advisory_lock($1)", number)
        if not taken:
            raise TargetError(f"{self.where}: another copy into table {table!r} is running; wait until it has ended")
        try:
            yield
        finally:
            if not self.connection.is_closed():
                with CancelScope(shield=True), _quiet():
                    await self.connection.fetchval("SELECT pg_advisory_unlock($1)", number)


@contextmanager
def _quiet() -> Generator[None]:
    """Leave out errors of the database: another one is on its way."""
    asyncpg = _asyncpg()
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError):
        yield


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


class _Transaction:
    def __init__(self, database: _Database) -> None:
        self._where, self._connection = database.where, database.connection
        self._staged = set[str]()

    async def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with _translated(self._where):
            return [tuple(record) for record in await self._connection.fetch(statement, *values)]

    async def prepare(self, table: Table) -> None:
        with _translated(self._where):
            await _prepared(self._connection, table)

    async def upsert(self, table: Table, rows: Sequence[Any]) -> Upserted:
        if not rows:
            return Upserted()
        values = values_of(table, rows)
        kinds: list[Kind] = ["text", *(column.kind for column in table.columns), "json"]
        for kind, column in zip(kinds, values, strict=True):
            if kind in _TEXTS:
                _make_storable(column)
            elif kind == "json":
                column[:] = map(_storable_json, column)
        with _translated(self._where):
            staging = await self._stage(table, kinds, list(zip(*values, strict=True)))
            there, written = await self._connection.fetchrow(_upsert(table, kinds, staging))
        total = len(values[0])
        new = total - there
        return Upserted(new, written - new, total - written)

    async def _stage(self, table: Table, kinds: list[Kind], records: list[tuple[Any, ...]]) -> str:
        wires = [table.key.wire, *(column.wire for column in table.columns), OTHER]
        columns = ", ".join(f"{quoted(wire)} {_STAGED[kind]}" for wire, kind in zip(wires, kinds, strict=True))
        staging = f"_readahead_{abs(_number(table.name + columns)):x}"
        if staging in self._staged:
            await self._connection.execute(f"DELETE FROM pg_temp.{staging}")
        else:
            await self._connection.execute(
                f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging} ({columns}) ON COMMIT DELETE ROWS"
            )
            self._staged.add(staging)
        await self._connection.copy_records_to_table(
            staging, schema_name="pg_temp", columns=wires, records=records, timeout=None
        )
        return f"pg_temp.{staging}"


def _upsert(table: Table, kinds: list[Kind], staging: str) -> str:
    name, key = quoted(table.name), quoted(table.key.wire)
    wires = [key, *(quoted(column.wire) for column in table.columns), quoted(OTHER)]
    staged = ", ".join(f"{wire}::jsonb" if kind == "json" else wire for wire, kind in zip(wires, kinds, strict=True))
    sets = ", ".join(f"{wire} = excluded.{wire}" for wire in wires[1:])
    old, new = (", ".join(f"{source}.{wire}" for wire in wires[1:]) for source in ("stored", "excluded"))
    return (
        f"WITH there AS (SELECT count(*) AS rows FROM {staging} AS staged WHERE EXISTS "
        f"(SELECT 1 FROM {name} AS stored WHERE stored.{key} = staged.{key})), "
        f"put AS (INSERT INTO {name} AS stored ({', '.join(wires)}) SELECT {staged} FROM {staging} "
        f"ON CONFLICT ({key}) DO UPDATE SET {sets} WHERE ROW({old}) IS DISTINCT FROM ROW({new}) RETURNING 1) "
        "SELECT (SELECT rows FROM there), (SELECT count(*) FROM put)"
    )


async def _prepared(connection: Any, table: Table) -> None:
    name, wanted = quoted(table.name), {table.key.wire: "text"}
    wanted |= {column.wire: _TYPES[column.kind] for column in table.columns} | {OTHER: "jsonb"}
    columns = ", ".join(f"{quoted(wire)} {kind}" for wire, kind in wanted.items() if wire != table.key.wire)
    found = await connection.fetchval("SELECT to_regclass($1)::oid", name)
    if found is None:
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS {name} ({quoted(table.key.wire)} text NOT NULL PRIMARY KEY, {columns})"
        )
        return
    there: dict[str, str] = dict(
        await connection.fetch(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped",
            found,
        )
    )
    others = [f"{wire} ({there[wire]}, not {kind})" for wire, kind in wanted.items() if there.get(wire, kind) != kind]
    if others:
        raise TargetError(
            f"table {table.name!r} has columns of other types: {', '.join(others)}; choose another table, or change it"
        )
    unique = await connection.fetchval(
        "SELECT count(*) FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] "
        "WHERE indrelid = $1 AND indisunique AND indisvalid AND indpred IS NULL AND indnkeyatts = 1 AND attname = $2",
        found,
        table.key.wire,
    )
    if not unique:
        raise TargetError(
            f"table {table.name!r} is there, and {table.key.wire!r} is not its primary key; choose another table"
        )
    for wire, kind in wanted.items():
        if wire not in there:
            await connection.execute(f"ALTER TABLE {name} ADD COLUMN {quoted(wire)} {kind}")


def _make_storable(values: list[Any]) -> None:
    """Escape in these texts what PostgreSQL cannot hold, in place: NUL, and lone surrogates."""
    whole = "".join(filter(None, values))
    if "\0" in whole or not (whole.isascii() or _storable(whole) == whole):
        values[:] = map(_storable, values)


def _storable(value: str | None) -> str | None:
    if value is None:
        return None
    return value.encode(errors="backslashreplace").decode().replace("\0", "\\u0000")


def _storable_json(text: str | None) -> str | None:
    if text is None or "\\u" not in text:
        return text
    return json.dumps(_storable_within(json.loads(text)), ensure_ascii=False, separators=(",", ":"))


def _storable_within(value: Any) -> Any:
    match value:
        case str():
            return _storable(value)
        case list():
            return [_storable_within(item) for item in cast("list[Any]", value)]
        case dict():
            items = cast("dict[str, Any]", value).items()
            return {_storable(name): _storable_within(item) for name, item in items}
        case _:
            return value
