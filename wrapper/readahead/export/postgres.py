"""PostgreSQL, by asyncpg: rows are copied into a staging table, and from there into theirs."""
# ruff: noqa: S608  names are quoted, and values are parameters

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from importlib import import_module
from typing import Any, Final, cast
from urllib.parse import urlsplit

import anyio
from anyio import CancelScope

from ..errors import TargetError, UsageError
from ..http.secret import Secret
from .columns import Kind
from .database import SEEN, Database, Table, Transaction, Upserted
from .tables import begin, check_name, keys_of, quoted, table_of, values_of
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
_CREATE = "SELECT pg_advisory_xact_lock(7881299)"  # a table that two create at once is an error for one of them


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

    def __init__(self, database: object, table: str = "rows", *, schema: str | None = None) -> None:
        _asyncpg()
        source, where = _source(database)
        del database  # it may hold a password, and tracebacks can show it
        self.table, self.schema, self._source, self._where = table, schema, source, where
        if not where:
            raise UsageError(
                "database must be a URL such as postgresql://user:password@host/name, or a pool or connection of "
                "asyncpg"
            )
        check_name(table, "table", _fits)
        if schema is not None:
            check_name(schema, "schema", _fits)

    def __repr__(self) -> str:
        schema = "" if self.schema is None else f", schema={self.schema!r}"
        return f"Postgres(<{self._where}>, {self.table!r}{schema})"

    def begin(self, job: Job) -> AbstractAsyncContextManager[Copy]:
        """Open it for a job."""
        return begin(self, job)

    def table_of(self, row: type, key: str) -> Table:
        """Return the table of a class of rows."""
        return table_of(self.table, row, key, _fits, taken=_SYSTEM)

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[Database]:
        """Open a connection."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise UsageError("Postgres needs asyncio, because asyncpg does; SQLite runs on trio too") from None
        async with AsyncExitStack() as stack:
            with _translated(self._where, "check the URL, and that the server is up"):
                connection = await _connected(self._source, stack)
                if self.schema is not None:
                    before = await connection.fetchval("SHOW search_path")
                    await connection.execute("SELECT set_config('search_path', $1, false)", quoted(self.schema))
                    stack.push_async_callback(_restored, connection, before)
            yield _Database(self._where, connection)


async def _connected(source: Any, stack: AsyncExitStack) -> Any:
    if isinstance(source, Secret):
        try:
            connection = await _asyncpg().connect(source.reveal(), timeout=30)
        except ValueError:  # its words may quote the URL
            raise TargetError(
                "asyncpg cannot read the URL of the database; in user and password, characters such as @ : / ? # must "
                "be percent-encoded"
            ) from None
        stack.push_async_callback(_closed, connection)
        return connection
    return await stack.enter_async_context(source.acquire()) if hasattr(source, "acquire") else source


def _asyncpg() -> Any:
    try:
        return import_module("asyncpg")
    except ModuleNotFoundError:
        raise UsageError("Postgres needs asyncpg; install readahead[postgres]") from None


def _source(database: object) -> tuple[Any, str]:
    """Return what connections come from, and its place without user and password; an empty place if it is neither."""
    if not isinstance(database, str):
        is_ready = hasattr(database, "acquire") or hasattr(database, "copy_records_to_table")
        return database, "PostgreSQL" if is_ready else ""
    try:
        parts = urlsplit(database)
    except ValueError:
        return None, ""
    if parts.scheme not in {"postgresql", "postgres"}:
        return None, ""
    where = f"PostgreSQL at {parts.netloc.rpartition('@')[2] or 'the local socket'}{parts.path}"
    is_clear = "@" not in f"{parts.path}?{parts.query}#{parts.fragment}"  # else these may be of the password
    return Secret(database), where if is_clear else "PostgreSQL"


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
            if statement.startswith("CREATE TABLE IF NOT EXISTS"):
                await self._connection.fetchval(_CREATE)
            return [tuple(record) for record in await self._connection.fetch(statement, *values)]

    async def prepare(self, table: Table) -> None:
        with _translated(self._where):
            await self._connection.fetchval(_CREATE)
            await _prepared(self._connection, table)

    async def upsert(self, table: Table, rows: Sequence[Any]) -> Upserted:
        if not rows:
            return Upserted()
        values = values_of(table, rows)
        for (_, kind), column in zip(table.stored, values, strict=True):
            if kind in _TEXTS:
                _make_storable(column)
            elif kind == "json":
                column[:] = map(_storable_json, column)
        with _translated(self._where):
            staging = await self._stage(table, list(zip(*values, strict=True)))
            there, written = await self._connection.fetchrow(_upsert(table, staging))
        total = len(values[0])
        new = total - there
        return Upserted(new, written - new, total - written)

    async def see(self, table: Table, rows: Sequence[Any]) -> int:
        keys = [_storable(key) for key in keys_of(table, rows)]
        with _translated(self._where):
            status: str = await self._connection.execute(
                f"INSERT INTO {SEEN} SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING", table.name, keys
            )
        return int(status.rpartition(" ")[2])

    async def _stage(self, table: Table, records: list[tuple[Any, ...]]) -> str:
        wires = [wire for wire, _ in table.stored]
        columns = ", ".join(f"{quoted(wire)} {_STAGED[kind]}" for wire, kind in table.stored)
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


def _upsert(table: Table, staging: str) -> str:
    name, wires = quoted(table.name), [quoted(wire) for wire, _ in table.stored]
    key, casts = wires[0], {"json": "::jsonb"}
    staged = ", ".join(wire + casts.get(kind, "") for wire, (_, kind) in zip(wires, table.stored, strict=True))
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
    name, wanted = quoted(table.name), {wire: _TYPES[kind] for wire, kind in table.stored}
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
