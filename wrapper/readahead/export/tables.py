"""Copies in tables: how rows become rows of a table, and what is stored beside them. The same for each database."""
# ruff: noqa: S608  names are quoted, and values are parameters

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import evolve, frozen

from ..errors import TargetError, UsageError, shown
from .columns import Column, columns_of, json_of, key_of, other_of
from .database import GONE_AT, OTHER, Database, DatabaseTarget, Table, Transaction
from .target import Copy, Job, Progressed

__all__ = ["State", "begin", "check_name", "keys_of", "quoted", "table_of", "values_of"]

STATE = "_readahead_copies"
_MOST_COLUMNS = 1_500  # PostgreSQL has 1,600 at most


def quoted(name: str) -> str:
    """Return a name as an identifier of SQL, whatever it is."""
    return '"' + name.replace('"', '""') + '"'


def check_name(name: object, what: str, fits: Callable[[str], bool]) -> None:
    """Refuse a name that the database cannot have."""
    if not isinstance(name, str) or not name or not fits(name):
        raise UsageError(f"{what} must be a name that the database can have, not {shown(name)}")
    if name.startswith("_readahead_"):
        raise UsageError(f"{what} must not begin with _readahead_: such tables hold what is known of copies")


def table_of(
    name: str,
    row: type,
    key: str,
    fits: Callable[[str], bool],
    *,
    taken: Collection[str] = (),
    folded: bool = False,
) -> Table:
    """Return the table of a class of rows.

    Args:
        name: Its name.
        row: The class.
        key: The attribute that tells rows apart.
        fits: Whether a column can have a name.
        taken: Names that columns of the database's own have.
        folded: Whether names that differ in case alone are the same.
    """
    columns, elsewhere, names = list[Column](), list[Column](), {OTHER, GONE_AT, *taken}
    declared = sorted(columns_of(row), key=lambda column: column.attr != key)
    for column in declared:
        folded_name = column.wire.lower() if folded else column.wire
        if not column.wire or not fits(column.wire) or folded_name in names or len(columns) >= _MOST_COLUMNS:
            elsewhere.append(column)
        else:
            columns.append(column)
            names.add(folded_name)
    if not columns or columns[0].attr != key:
        raise TargetError(
            f"{row.__name__} cannot be a table: its key, {declared[0].wire!r}, cannot be the name of a column"
        )
    first, *rest = columns
    return Table(name, evolve(first, kind="text"), tuple(rest), tuple(elsewhere))


def values_of(table: Table, rows: Sequence[Any]) -> list[list[Any]]:
    """Return the values of rows: a list for each column of the table, the key first and what is elsewhere last.

    A value that is not of the type of its column is not lost: it is in the last one, under the name of the field.
    """
    key = table.key.attr
    by_key = {key_of(getattr(row, key)): row for row in rows}
    rows = list(by_key.values())
    others = [other_of(row) for row in rows]
    found: list[list[Any]] = [list(by_key)]
    for column in table.columns:
        values, misfits = column.values(rows)
        found.append(values)
        for index, value in misfits.items():
            others[index] = {**others[index], column.wire: value}
    for column in table.elsewhere:
        for index, row in enumerate(rows):
            value = getattr(row, column.attr)
            if value is not None:
                others[index] = {**others[index], column.wire: value}
    if table.marks:
        found.append([None] * len(rows))
    found.append([json_of(other) if other else None for other in others])
    return found


def keys_of(table: Table, rows: Sequence[Any]) -> list[str]:
    """Return the keys of rows, each once."""
    return list(dict.fromkeys(key_of(getattr(row, table.key.attr)) for row in rows))


@frozen
class State:
    """What is known of the copies in a table.

    Attributes:
        table: The name of the table.
        fingerprint: The query of the last copy.
        progressed: How far it came.
        done: Whether it is whole.
        mirror_of: The query that the table is kept equal to, if it is a mirror.
    """

    table: str
    fingerprint: str
    progressed: Progressed | None = None
    done: bool = False
    mirror_of: str | None = None

    @classmethod
    async def of(cls, transaction: Transaction, table: str) -> "State | None":
        """Read it; the table that holds it is created if it is not there."""
        await transaction.execute(
            f"CREATE TABLE IF NOT EXISTS {STATE} (table_name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, "
            "progressed TEXT, done SMALLINT NOT NULL, mirror_of TEXT)"
        )
        rows = await transaction.execute(
            f"SELECT fingerprint, progressed, done, mirror_of FROM {STATE} WHERE table_name = $1", table
        )
        for fingerprint, progressed, done, mirror_of in rows:
            so_far = Progressed.from_json(progressed) if progressed and not done else None
            return cls(table, fingerprint, so_far, bool(done), mirror_of)
        return None

    async def store(self, transaction: Transaction) -> None:
        """Store it in the place of what was known before."""
        await transaction.execute(
            f"INSERT INTO {STATE} (table_name, fingerprint, progressed, done, mirror_of) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT (table_name) DO UPDATE SET fingerprint = excluded.fingerprint, "
            "progressed = excluded.progressed, done = excluded.done, mirror_of = excluded.mirror_of",
            self.table,
            self.fingerprint,
            None if self.progressed is None else self.progressed.to_json(),
            int(self.done),
            self.mirror_of,
        )


@frozen
class _TableCopy:
    """A table that is open for one job."""

    database: Database
    table: Table
    state: State

    @property
    def progressed(self) -> Progressed | None:
        """How far an earlier run came."""
        return self.state.progressed

    async def write(self, rows: Sequence[Any], progressed: Progressed) -> None:
        """Store rows, and how far the copy is after them, in one transaction."""
        async with self.database.transaction() as transaction:
            await transaction.upsert(self.table, rows)
            await evolve(self.state, progressed=progressed).store(transaction)

    async def finish(self, progressed: Progressed) -> None:
        """Take that the copy is whole."""
        async with self.database.transaction() as transaction:
            await evolve(self.state, progressed=progressed, done=True).store(transaction)


@asynccontextmanager
async def begin(target: DatabaseTarget, job: Job) -> AsyncGenerator[Copy]:
    """Open a table for a job."""
    table = target.table_of(job.row, job.key)
    async with target.connect() as database, database.alone(table.name):
        async with database.transaction() as transaction:
            state = await State.of(transaction, table.name)
            progressed = None
            mirror_of = None if state is None else state.mirror_of
            if mirror_of not in (None, job.fingerprint):
                raise TargetError(
                    f"table {table.name!r} is the mirror of another query, which would delete these rows; choose "
                    "another table"
                )
            if state is not None and not state.done and not job.restart:
                if state.fingerprint != job.fingerprint:
                    raise TargetError(
                        f"table {table.name!r} holds the unfinished copy of another query, or one with other "
                        "credentials; finish that one, choose another table, or start anew with restart=True"
                    )
                progressed = state.progressed
            await transaction.prepare(table)
            state = State(table.name, job.fingerprint, progressed, mirror_of=mirror_of)
            await state.store(transaction)
        yield _TableCopy(database, table, state)
