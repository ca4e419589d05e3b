"""Keeps a table equal to a list: what is new or changed is stored, and what is gone goes only if that was proved.

A listing that reaches its end has not shown by that alone that a row is gone. A row that moves from the part that is
still to be read into the part that was read is missed, and looks like one row added and another one deleted, which a
complete listing may absorb. So a table lets go of a row only if

- the listing was complete, in each run of it, and no row of it was unreadable or left out against a sent filter;
- each key came once, and not fewer came than the API's total;
- nothing moved while it was read, and it was read in one run: between two runs nobody watches the list.

Where something moved, asking for each missing row by itself (``confirm``) takes the place of the last condition.
"""
# ruff: noqa: S608  names are quoted, and values are parameters

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, cast

import anyio
import orjson
from attrs import asdict, define, evolve, frozen

from ..errors import NotFound, TargetError, UsageError, shown
from ..pages import Report
from ..query import Listing
from .copying import Copied, CopyProgress, copy, job_of
from .database import GONE_AT, SEEN, Database, DatabaseTarget, Table, Transaction
from .tables import State, quoted
from .target import Copy, Job, Progressed

__all__ = ["Mirrored", "mirror"]

T = TypeVar("T")
MIRRORS = "_readahead_mirrors"
_CONFIRMED_AT_ONCE = 8
_KEYS_AT_ONCE = 500


@frozen
class Mirrored:
    """What a mirror did.

    Attributes:
        new: Rows that were not in the table.
        changed: Rows that were, and are different now.
        same: Rows that were, and are the same.
        gone: Rows that are no longer in the list, and were deleted or marked.
        kept: Rows of the table that did not come, and stay.
        proved: Whether it was proved which rows are gone.
        complete: Whether the listing reached its end, and nothing that any run saw contradicts it.
        why: Why rows that did not come stay, or what ended the listing.
        runs: How often it was started until the list was read.
        report: How the listing went in the last run.
    """

    new: int
    changed: int
    same: int
    gone: int
    kept: int
    proved: bool
    complete: bool
    why: str
    runs: int
    report: Report

    def __str__(self) -> str:
        kept = f", {self.kept:,} kept because {self.why}" if self.kept else ""
        return f"{self.new:,} new, {self.changed:,} changed, {self.same:,} the same, {self.gone:,} gone{kept}"


async def mirror(
    query: Listing[T],
    table: DatabaseTarget,
    *,
    gone: Literal["delete", "mark", "keep"] = "delete",
    most_gone: float = 0.5,
    confirm: Callable[[str], Awaitable[object]] | None = None,
    adopt: bool = False,
    window: "int | Literal['auto']" = "auto",
    on_progress: Callable[[CopyProgress], None] | None = None,
    on_bad_row: Literal["raise", "skip"] = "raise",
    restart: bool = False,
    deadline: float | None = None,
) -> Mirrored:
    """Keep a table equal to a list: store new and changed rows, and let those go that are proved to be gone.

    Killed at any moment and called again, it goes on where it was.

    Args:
        query: The list, without a limit, and no partition.
        table: ``SQLite(...)`` or ``Postgres(...)``. It belongs to this query from then on.
        gone: What to do with rows that are proved to be no longer in the list: ``"delete"`` them, ``"mark"`` them with
            the time in the column ``_gone_at``, or ``"keep"`` them.
        most_gone: The largest share of the rows that were in the table that may go at once, from 0 to 1. If more are
            missing, all stay: an API that answers with an empty list by mistake empties no table.
        confirm: Asked for each missing row by its key, such as ``client.customers.get``: only a row for which it raises
            ``NotFound`` is gone. With it, rows can go from a table whose list changes while it is read, or that was
            read in several runs.
        adopt: Whether to take a table that has rows already, or mirrors another query: all of its rows that are not in
            this list go. Credentials, filters, order and page size are part of a query.
        window: See ``prefetch``.
        on_progress: Called for each page.
        on_bad_row: See ``prefetch``. A list with rows that cannot be read proves nothing.
        restart: Whether a sweep that was interrupted is thrown away.
        deadline: Seconds for the listing; see ``prefetch``.

    Raises:
        UsageError: An argument is not one of these.
        TargetError: The table is in use, belongs to another query, or cannot be written.
    """
    job = _checked(query, table, gone, most_gone, confirm, restart=restart)
    if not isinstance(cast("object", adopt), bool):
        raise UsageError(f"adopt must be True or False, not {shown(adopt)}")
    async with _sweep(table, job, adopt=adopt, marks=gone == "mark") as sweep:

        def progress(so_far: CopyProgress) -> None:
            sweep.watch(so_far.report)
            if on_progress is not None:
                on_progress(so_far)

        copied = await copy(
            query,
            sweep,
            window=window,
            on_progress=progress if on_progress is None or callable(cast("object", on_progress)) else on_progress,
            on_bad_row=on_bad_row,
            deadline=deadline,
        )
        doubt = sweep.doubt_of(copied, single=len(query.reading.branches) <= 1, confirmed=confirm is not None)
        return await sweep.conclude(copied, doubt, gone, most_gone, confirm)


def _checked(
    query: Listing[Any], table: object, gone: object, most_gone: object, confirm: object, *, restart: bool
) -> Job:
    job = job_of(query, restart=restart)
    reading = query.reading
    if reading.selection.limit is not None or reading.start is not None:
        raise UsageError("a mirror needs a whole list: rows beyond a limit, or of other partitions, would seem gone")
    if not hasattr(table, "connect") or not hasattr(table, "table_of"):
        raise UsageError(f"a mirror is a table, SQLite(...) or Postgres(...), not {shown(table)}")
    if gone not in ("delete", "mark", "keep"):
        raise UsageError(f"gone must be 'delete', 'mark' or 'keep', not {shown(gone)}")
    is_share = isinstance(most_gone, int | float) and not isinstance(most_gone, bool) and 0 <= most_gone <= 1
    if not is_share:
        raise UsageError(f"most_gone must be a number from 0 to 1, not {shown(most_gone)}")
    if confirm is not None and not callable(confirm):
        raise UsageError(f"confirm must be an async function of a key, not {shown(confirm)}")
    return job


@define
class _Seen:
    """What a sweep has seen so far, in all of its runs. It is stored together with the rows."""

    fingerprint: str
    marks: bool
    sweeping: bool = False
    progressed: str | None = None
    new: int = 0
    changed: int = 0
    same: int = 0
    keys: int = 0
    again: int = 0
    ignored: bool = False
    runs: int = 0

    @classmethod
    async def of(cls, transaction: Transaction, table: str) -> "_Seen | None":
        """Read it; the tables that hold it are created if they are not there."""
        await transaction.execute(
            f"CREATE TABLE IF NOT EXISTS {MIRRORS} (table_name TEXT PRIMARY KEY, seen TEXT NOT NULL)"
        )
        await transaction.execute(
            f"CREATE TABLE IF NOT EXISTS {SEEN} (table_name TEXT, row_key TEXT, PRIMARY KEY (table_name, row_key))"
        )
        for (text,) in await transaction.execute(f"SELECT seen FROM {MIRRORS} WHERE table_name = $1", table):
            try:
                return cls(**orjson.loads(text))
            except (TypeError, ValueError):
                raise TargetError(
                    f"what is stored of the mirror in table {table!r} is damaged; take the table anew with adopt=True"
                ) from None
        return None

    async def store(self, transaction: Transaction, table: str) -> None:
        """Store it in the place of what was known before."""
        await transaction.execute(
            f"INSERT INTO {MIRRORS} VALUES ($1, $2) ON CONFLICT (table_name) DO UPDATE SET seen = excluded.seen",
            table,
            orjson.dumps(asdict(self)).decode(),
        )


@asynccontextmanager
async def _sweep(target: DatabaseTarget, job: Job, *, adopt: bool, marks: bool) -> AsyncGenerator["_Sweep"]:
    """Open a table for a mirror, and begin a sweep or go on with one."""
    table = target.table_of(job.row, job.key)
    async with target.connect() as database, database.alone(table.name):
        async with database.transaction() as transaction:
            try:
                seen = await _Seen.of(transaction, table.name)
            except TargetError:
                if not adopt:
                    raise
                seen = None
            if seen is not None and seen.fingerprint != job.fingerprint:
                if not adopt:
                    raise TargetError(
                        f"table {table.name!r} is the mirror of another query, or of one with other credentials; "
                        "choose another table, or take this one with adopt=True: its rows that are not in the list "
                        "then go"
                    )
                seen = evolve(seen, fingerprint=job.fingerprint, sweeping=False)
            copied = await State.of(transaction, table.name)
            if copied is not None and not copied.done and copied.fingerprint != job.fingerprint and not adopt:
                raise TargetError(
                    f"table {table.name!r} holds the unfinished copy of another query; finish that one, or choose "
                    "another table"
                )
            table = evolve(table, marks=marks or (seen is not None and seen.marks))
            await transaction.prepare(table)
            if seen is None and not adopt:
                (has_rows,) = await transaction.execute(f"SELECT EXISTS (SELECT 1 FROM {quoted(table.name)})")
                if has_rows[0]:
                    raise TargetError(
                        f"table {table.name!r} has rows that no mirror has stored; choose another table, or take this "
                        "one with adopt=True: its rows that are not in the list then go"
                    )
            seen = seen or _Seen(job.fingerprint, table.marks)
            seen.marks = table.marks
            is_new = job.restart or not seen.sweeping or seen.progressed is None
            if is_new or not await _agrees(transaction, table, seen):
                seen = _Seen(job.fingerprint, table.marks, sweeping=True)
                await transaction.execute(f"DELETE FROM {SEEN} WHERE table_name = $1", table.name)
            seen.runs += 1
            await seen.store(transaction, table.name)
            copied = copied or State(table.name, job.fingerprint, done=True)
            if copied.mirror_of != job.fingerprint:
                await evolve(copied, mirror_of=job.fingerprint).store(transaction)
        yield _Sweep(database, table, seen)


async def _agrees(transaction: Transaction, table: Table, seen: _Seen) -> bool:
    """Whether the keys that were seen are still there; without them, rows that came would seem gone."""
    ((keys,),) = await transaction.execute(f"SELECT count(*) FROM {SEEN} WHERE table_name = $1", table.name)
    return bool(keys == seen.keys)


@define
class _Sweep:
    """One run of a mirror: the target that its copy writes to."""

    database: Database
    table: Table
    seen: _Seen
    _report: Report | None = None

    @asynccontextmanager
    async def begin(self, job: Job) -> AsyncGenerator[Copy]:  # noqa: ARG002  the sweep is of this job
        """Open it for a job; it is open."""
        yield self

    @property
    def progressed(self) -> Progressed | None:
        """How far an earlier run came."""
        return None if self.seen.progressed is None else Progressed.from_json(self.seen.progressed)

    def watch(self, report: Report) -> None:
        """Take the report of the listing, which is updated further."""
        self._report = report

    async def write(self, rows: Sequence[Any], progressed: Progressed) -> None:
        """Store rows, note their keys, and how far the sweep is after them, in one transaction."""
        async with self.database.transaction() as transaction:
            upserted = await transaction.upsert(self.table, rows)
            fresh = await transaction.see(self.table, rows) if rows else 0
            before = self.seen
            seen = evolve(
                before,
                progressed=progressed.to_json(),
                new=before.new + upserted.new,
                changed=before.changed + upserted.changed,
                same=before.same + upserted.same,
                keys=before.keys + fresh,
                again=before.again + len(rows) - fresh,
                ignored=before.ignored or (self._report is not None and bool(self._report.ignored_filters)),
            )
            await seen.store(transaction, self.table.name)
        self.seen = seen

    async def finish(self, progressed: Progressed) -> None:
        """Take that the listing has ended. What is gone is found out afterwards."""

    def doubt_of(self, copied: Copied, *, single: bool, confirmed: bool) -> str:
        """Return why it is not proved that rows which did not come are gone; empty if it is."""
        seen, report = self.seen, copied.report
        if not copied.complete:
            return copied.why
        if copied.bad_rows:
            return f"{copied.bad_rows:,} rows could not be read"
        if seen.ignored or report.ignored_filters:
            return "the API ignored a filter"
        if confirmed:
            return ""
        if report.drift == "unverifiable":
            return "the list may have changed without a trace while it was read; pass confirm"
        if copied.drift or seen.again:
            return "the list changed while it was read; read it again, or pass confirm"
        if seen.runs > 1:
            return "it was read in several runs, and may have changed between them; read it again, or pass confirm"
        if not single:  # a row that comes to match an earlier listing after that was read is left out of a later one
            return "it takes several listings, and a row may have moved between them unseen; pass confirm"
        came = seen.keys + report.left_out
        if report.totals and came < report.totals[-1]:
            return f"the API named a total of {report.totals[-1]:,}, and {came:,} rows came"
        return ""

    async def conclude(
        self,
        copied: Copied,
        doubt: str,
        gone: Literal["delete", "mark", "keep"],
        most_gone: float,
        confirm: Callable[[str], Awaitable[object]] | None,
    ) -> Mirrored:
        """Let rows go that are proved to be gone, and end the sweep."""
        if not doubt and gone == "keep":
            doubt = "gone='keep'"
        if not doubt:
            async with self.database.transaction() as transaction:
                missing = await self._missing(transaction)
                rows = await self._count(transaction) - self.seen.new
            if missing > math.floor(most_gone * rows):
                doubt = (
                    f"{missing:,} of {rows:,} rows are missing, more than most_gone={most_gone:g} allows; if they are "
                    "gone, raise it"
                )
        lost = 0
        if not doubt and confirm is not None:
            lost = await self._let_confirmed_go(gone, confirm)
        async with self.database.transaction() as transaction:
            if not doubt and confirm is None:
                lost = await self._let_go(transaction, gone, "", ())
            kept = await self._missing(transaction)
            await transaction.execute(f"DELETE FROM {SEEN} WHERE table_name = $1", self.table.name)
            await _Seen(self.seen.fingerprint, self.seen.marks).store(transaction, self.table.name)
        if kept and not doubt:
            doubt = "the API still has them"
        seen = self.seen
        return Mirrored(
            new=seen.new,
            changed=seen.changed,
            same=seen.same,
            gone=lost,
            kept=kept,
            proved=not doubt or doubt in {"gone='keep'", "the API still has them"},
            complete=copied.complete,
            why=doubt or copied.why,
            runs=copied.runs,
            report=copied.report,
        )

    @property
    def _is_missing(self) -> str:
        """The condition of rows that did not come; those that are marked are gone already."""
        name, key = quoted(self.table.name), quoted(self.table.key.wire)
        marked = f"{name}.{quoted(GONE_AT)} IS NULL AND " if self.table.marks else ""
        return (
            f"{marked}NOT EXISTS (SELECT 1 FROM {SEEN} AS seen WHERE seen.table_name = $1 "
            f"AND seen.row_key = {name}.{key})"
        )

    async def _missing(self, transaction: Transaction) -> int:
        ((missing,),) = await transaction.execute(
            f"SELECT count(*) FROM {quoted(self.table.name)} WHERE {self._is_missing}", self.table.name
        )
        return int(missing)

    async def _count(self, transaction: Transaction) -> int:
        marked = f" WHERE {quoted(GONE_AT)} IS NULL" if self.table.marks else ""
        ((rows,),) = await transaction.execute(f"SELECT count(*) FROM {quoted(self.table.name)}{marked}")
        return int(rows)

    async def _let_go(self, transaction: Transaction, gone: str, more: str, values: Sequence[Any]) -> int:
        """Delete or mark rows that did not come and meet one more condition; return how many."""
        name, where = quoted(self.table.name), f"{self._is_missing}{more}"
        lost = await self._missing(transaction) if not more else len(values)
        if gone == "delete":
            await transaction.execute(f"DELETE FROM {name} WHERE {where}", self.table.name, *values)
        else:
            now = f"${len(values) + 2}"
            await transaction.execute(
                f"UPDATE {name} SET {quoted(GONE_AT)} = {now} WHERE {where}",
                self.table.name,
                *values,
                datetime.now(UTC),
            )
        return lost

    async def _let_confirmed_go(self, gone: str, confirm: Callable[[str], Awaitable[object]]) -> int:
        """Ask for each row that did not come, and let those go that are not found."""
        name, key, after, lost = quoted(self.table.name), quoted(self.table.key.wire), "", 0
        while True:
            async with self.database.transaction() as transaction:
                found = await transaction.execute(
                    f"SELECT {key} FROM {name} WHERE {self._is_missing} AND {key} > $2 ORDER BY {key} "
                    f"LIMIT {_KEYS_AT_ONCE}",
                    self.table.name,
                    after,
                )
            keys = [str(one) for (one,) in found]
            if not keys:
                return lost
            not_found = await _not_found(keys, confirm)
            if not_found:
                marks = ", ".join(f"${number}" for number in range(2, len(not_found) + 2))
                async with self.database.transaction() as transaction:
                    lost += await self._let_go(transaction, gone, f" AND {key} IN ({marks})", not_found)
            after = keys[-1]


async def _not_found(keys: Sequence[str], confirm: Callable[[str], Awaitable[object]]) -> list[str]:
    """Return the keys that are not found."""
    not_found, turn, failed = list[str](), anyio.CapacityLimiter(_CONFIRMED_AT_ONCE), list[Exception]()

    async def ask(key: str) -> None:
        async with turn:
            try:
                await confirm(key)
            except NotFound:
                not_found.append(key)
            except Exception as error:  # noqa: BLE001  it is raised as it is, and not in a group
                failed.append(error)
                tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        for key in keys:
            tasks.start_soon(ask, key)
    if failed:
        raise failed[0]
    return not_found
