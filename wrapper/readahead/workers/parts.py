"""What a worker does for a job, whatever brings it the message: plan a run, and copy a part for a while."""

import itertools
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
from attrs import evolve, field, frozen

from ..collection import Collection
from ..errors import (
    AuthenticationFailed,
    DecodeError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ReadaheadError,
    UsageError,
)
from ..export.copying import CopyProgress, copy, job_of
from ..export.database import DatabaseTarget, Table
from ..export.target import Job, Progressed
from ..http.client import Client
from ..query import Listing, Query
from ..reading import Reading
from .clients import Clients, Opens
from .stopping import is_stopping
from .store import Claim, Store, Superseded, Try

__all__ = ["Declared", "copy_part", "plan_run"]

_log = logging.getLogger("readahead.workers")
PATIENCE = 3600.0  # seconds without any page after which a part is given up
#: Errors that another attempt will not mend.
LASTING = (
    AuthenticationFailed,
    DecodeError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    UsageError,
)


@frozen
class Declared:
    """A job as it was declared; see ``CopyJob``."""

    name: str
    client: Opens
    query: Callable[[Any], Listing[Any]] = field(repr=False)
    to: DatabaseTarget
    parts: int
    window: "int | Literal['auto']"
    seconds: float
    attempts: int
    on_bad_row: Literal["raise", "skip"]


async def plan_run(job: Declared, clients: Clients, run: int) -> list[int] | float:
    """Divide the listing of a run into parts, unless that is done.

    Returns:
        The numbers of the parts that are to be copied; or the seconds after which to try again.
    """
    async with job.to.connect() as database:
        store = Store(job.name, database)
        attempt = await store.try_plan(run)
        if attempt is not None:
            try:
                _check_attempts(job, attempt)
                async with clients.lent(job.name, attempt.start, job.client) as client:
                    query = job.query(client)
                    table = _table_of(job, query)
                    partitions = [partition.to_json() for partition in await query.partitions(job.parts)]
                await store.planned(run, table, partitions)
            except Exception as error:  # noqa: BLE001  client and query are the application's
                if _is_worth_another(job, attempt, error):
                    return _pause(job, attempt)
                await store.plan_failed(run, _why(error))
                await clients.close(job.name)
        return await store.waiting(run)


async def copy_part(job: Declared, clients: Clients, part: int) -> float | None:
    """Copy a part from where it is, for ``seconds`` at most.

    Returns:
        The seconds after which to go on with it; None where there is nothing left to do, or another worker does it.
    """
    async with job.to.connect() as database:
        store = Store(job.name, database)
        claim = await store.claim(part)
        later = None if claim is None else await _copied(job, clients, store, claim)
        if later is None and not await store.has_waiting():
            await clients.close(job.name)
        return later


async def _copied(job: Declared, clients: Clients, store: Store, claim: Claim) -> float | None:
    stored = anyio.Event()
    try:
        try:
            _check_attempts(job, claim.attempt)
            async with clients.lent(job.name, claim.attempt.start, job.client) as client:
                return await _copy_for_a_while(job, client, store, claim, stored)
        except Superseded:
            raise
        except Exception as error:  # noqa: BLE001  client and query are the application's
            attempt = evolve(claim.attempt, number=1) if stored.is_set() else claim.attempt
            if _is_worth_another(job, attempt, error):
                return _pause(job, attempt)
            await store.fail(claim, _why(error))
    except Superseded:
        pass  # another worker has the part now
    return None


async def _copy_for_a_while(
    job: Declared, client: Client, store: Store, claim: Claim, stored: anyio.Event
) -> float | None:
    query = _query_of(job.query(client), claim.partition)
    until = anyio.current_time() + job.seconds
    pages = itertools.count()

    def stop(_: CopyProgress) -> None:
        # What was read before this page is written first. A first page always is: a task that is late gets on, too.
        if next(pages) and (is_stopping() or anyio.current_time() >= until):
            raise _TimeOver

    target = _Part(store, claim, _table_of(job, query), stored)
    try:
        with anyio.move_on_after(2 * job.seconds):  # no page comes while the API says to wait
            await copy(query, target, window=job.window, on_bad_row=job.on_bad_row, on_progress=stop)
            return None
    except _TimeOver:
        return 0.0
    waited = (claim.spared + 1) * 2 * job.seconds
    if waited >= PATIENCE:
        await store.fail(claim, f"no page came for {waited:,.0f} s; the API hangs, or asks for longer pauses than that")
        return None
    await store.spare(claim)
    return 0.0


def _check_attempts(job: Declared, attempt: Try) -> None:
    if attempt.number > job.attempts:
        raise UsageError(
            f"given up after {job.attempts} attempts without a new row; their workers died or were stopped"
        )


def _is_worth_another(job: Declared, attempt: Try, error: Exception) -> bool:
    _log.warning(
        "job %s: attempt %d of %d failed: %s",
        job.name,
        attempt.number,
        job.attempts,
        _why(error),
        exc_info=None if isinstance(error, ReadaheadError) else error,
    )
    return attempt.number < job.attempts and not isinstance(error, LASTING)


def _pause(job: Declared, attempt: Try) -> float:
    """Return the seconds until the next attempt: the client has had its own, so the trouble may last."""
    return min(2.0 ** (attempt.number - 1), job.seconds)


def _why(error: Exception) -> str:
    """Return what is stored of an error. Messages of others may hold what must not be stored, such as keys."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, ReadaheadError) else f"{name}; see the log of the workers"


def _query_of(query: Listing[Any], partition: str) -> Listing[Any]:
    """Return the query of a part: the one that was planned, whatever the job's own is by now."""
    reading = query.reading
    return Collection(Reading(reading.sender, reading.endpoint, reading.arguments), Query[Any]).from_partition(
        partition
    )


def _table_of(job: Declared, query: Listing[Any]) -> Table:
    rows = job_of(query)
    return job.to.table_of(rows.row, rows.key)


class _TimeOver(Exception):
    """The rows so far are stored, and it is another task's turn."""


class _Part:
    """A part as a target: each piece is written under its claim."""

    def __init__(self, store: Store, claim: Claim, table: Table, stored: anyio.Event) -> None:
        self._store, self._claim, self._table, self._stored = store, claim, table, stored

    @property
    def progressed(self) -> Progressed | None:
        return self._claim.progressed

    @asynccontextmanager
    async def begin(self, job: Job) -> AsyncGenerator["_Part"]:  # noqa: ARG002  the database is open for it
        yield self

    async def write(self, rows: Sequence[Any], progressed: Progressed) -> None:
        await self._store.write(self._claim, self._table, rows, progressed)
        if rows:
            self._stored.set()

    async def finish(self, progressed: Progressed) -> None:
        await self._store.finish(self._claim, progressed)
