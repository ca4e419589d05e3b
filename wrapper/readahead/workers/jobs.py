"""Jobs: what the application declares, starts and asks about."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, TypeVar, cast

import anyio
from attrs import frozen
from taskiq import InMemoryBroker, async_shared_broker

from ..errors import UsageError, shown
from ..export.database import DatabaseTarget
from ..http.client import Client
from ..query import Listing
from .parts import Declared
from .store import Store, StoredPart, StoredRun
from .tasks import JOBS, plan_task

__all__ = ["CopyJob", "CopyStatus"]

C = TypeVar("C", bound=Client)


@frozen
class CopyStatus:
    """How far a job is.

    Attributes:
        run: The number of its latest run; 0 if it was never started.
        state: ``"new"``, ``"planning"``, ``"running"``, ``"done"``, or ``"failed"`` once no part is left that goes on
            by itself. ``start()`` tries again what failed.
        parts: Parts of the listing; 0 until it is planned.
        parts_done: Parts whose rows are all in the table.
        parts_failed: Parts that were given up.
        rows: Rows stored, each as often as a part had it.
        new: Rows that were not in the table before.
        changed: Rows that were in it, and were different.
        same: Rows that were in it as they are.
        bad_rows: Rows that could not be read, and were skipped.
        drift: Whether rows moved while the list was read, or may have without a trace.
        complete: Whether every part reached its end, and nothing that any worker saw contradicts it.
        why: What failed, or why the copy is not complete; empty where there is nothing to say.
    """

    run: int
    state: Literal["new", "planning", "running", "done", "failed"]
    parts: int = 0
    parts_done: int = 0
    parts_failed: int = 0
    rows: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    bad_rows: int = 0
    drift: bool = False
    complete: bool = False
    why: str = ""

    def __str__(self) -> str:
        parts = f", {self.parts_done} of {self.parts} parts" if self.parts else ""
        rows = f"{self.new:,} new, {self.changed:,} changed, {self.same:,} the same"
        end = "complete" if self.complete else self.why
        return f"run {self.run} is {self.state}{parts}: {rows}" + (f", {end}" if end else "")

    @property
    def is_over(self) -> bool:
        """Whether nothing happens any more until ``start()`` is called."""
        return self.state in {"done", "failed"}


class CopyJob:
    """Declare a copy of a listing that workers of taskiq make together.

    Declare it in a module that the application and the workers import. Tasks go over the broker that
    ``async_shared_broker.default_broker(...)`` names; without one, they run in this process.

    Args:
        name: What it is called in messages and in the database. Each job has its own.
        client: Returns a client to open: ``Kintsugi``, or a function with ``@asynccontextmanager`` that opens what it
            needs and yields one. Each worker process opens one for the job, and closes it when none of its parts is
            left there. All need the same ``base_url`` and credentials.
        query: Which rows, of that client: ``lambda kintsugi: kintsugi.customers.where(country="US")``. It must be one
            that ``partitions()`` can split.
        to: The table, and with it the database where the job's state is kept, in ``_readahead_runs`` and
            ``_readahead_parts``: ``Postgres(...)``, or ``SQLite(...)`` if all workers are on one machine.
        parts: How many parts at most, 1 to 10,000. More workers than parts do not help.
        window: Pages that a part requests or buffers at once, 1 to 256, or ``"auto"``. Whenever a part ends or is
            handed on, so many requests are lost.
        seconds: How long a task copies a part until the next task goes on with it: longer than the slowest page of the
            API. A task ends after three times as long at most; let the broker wait that long until it delivers a
            message again.
        attempts: How often in a row a part may end without any new row until it is given up.
        on_bad_row: ``"skip"`` leaves out a row that cannot be read, and counts it.

    Raises:
        UsageError: An argument is not one of these, or another job has the name.
    """

    def __init__(
        self,
        name: str,
        *,
        client: Callable[[], AbstractAsyncContextManager[C]],
        query: Callable[[C], Listing[Any]],
        to: DatabaseTarget,
        parts: int = 16,
        window: "int | Literal['auto']" = 4,
        seconds: float = 10.0,
        attempts: int = 5,
        on_bad_row: Literal["raise", "skip"] = "raise",
    ) -> None:
        if not isinstance(cast("object", name), str) or not name.strip():
            raise UsageError(f"name must be text that tells this job from any other, not {shown(name)}")
        if name in JOBS:
            raise UsageError(f"a job {name!r} is already declared; give each job a name of its own")
        for what, function in (("client", client), ("query", query)):
            if not callable(cast("object", function)):
                raise UsageError(f"{what} must be a function, not {shown(function)}; each worker calls it")
        for what, number, most in (("parts", parts, 10_000), ("attempts", attempts, 1_000)):
            if not _is_whole(number) or not 1 <= number <= most:
                raise UsageError(f"{what} must be a whole number from 1 to {most:,}, not {shown(number)}")
        if isinstance(seconds, bool) or not isinstance(cast("object", seconds), int | float) or not 0 < seconds <= 3600:
            raise UsageError(f"seconds must be more than 0 and at most 3600, not {shown(seconds)}")
        if window != "auto" and (not _is_whole(window) or not 1 <= window <= 256):
            raise UsageError(f'window must be "auto" or a whole number from 1 to 256, not {shown(window)}')
        if on_bad_row not in {"raise", "skip"}:
            raise UsageError(f"on_bad_row must be 'raise' or 'skip', not {shown(on_bad_row)}")
        if not all(callable(getattr(to, method, None)) for method in ("connect", "table_of")):
            raise UsageError(f"to must be a table, such as Postgres(url, table={name!r}), not {shown(to)}")
        self._declared = JOBS[name] = Declared(
            name, client, query, to, parts, window, float(seconds), attempts, on_bad_row
        )

    async def start(self, *, restart: bool = False) -> int:
        """Start a run, or go on with the one that is not over; its failed parts are tried again.

        Calling it twice starts one run. Call it again if the broker has lost its messages: parts that are done stay so.

        Args:
            restart: Begin a new run, with a new plan, even if one is not over: after credentials or the query changed.

        Returns:
            The number of the run, from 1.

        Raises:
            TargetError: The database cannot be reached.
            taskiq.exceptions.SendTaskError: The broker cannot be reached; the run begins with the next ``start()``.
        """
        if plan_task.kicker().broker is async_shared_broker:  # the application has not chosen one
            async_shared_broker.default_broker(InMemoryBroker())
        async with self._declared.to.connect() as database:
            store = Store(self._declared.name, database)
            await store.prepare()
            run = await store.begin(restart=restart)
        await plan_task.kiq(self._declared.name, run)
        return run

    async def status(self) -> CopyStatus:
        """Return how far the latest run is.

        Raises:
            TargetError: The database cannot be reached.
        """
        async with self._declared.to.connect() as database:
            store = Store(self._declared.name, database)
            await store.prepare()
            run = await store.run()
            return CopyStatus(0, "new") if run is None else _status(run, await store.parts())

    async def wait(self, *, every: float = 1.0) -> CopyStatus:
        """Wait until the run is over, and return how it went. Bound it with ``anyio.fail_after`` or the like.

        Args:
            every: Seconds between two looks at the database.
        """
        while not (status := await self.status()).is_over:
            if status.run == 0:
                raise UsageError("this job was never started; call start() first")
            await anyio.sleep(every)
        return status

    def __repr__(self) -> str:
        return f"CopyJob({self._declared.name!r})"


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _status(run: StoredRun, parts: list[StoredPart]) -> CopyStatus:
    states = [part.state for part in parts]
    done, failed = states.count("done"), states.count("failed")
    state: Literal["planning", "running", "done", "failed"]
    if run.state == "planning":
        state = "planning"
    elif "waiting" in states:
        state = "running"
    else:
        state = "failed" if failed or run.state == "failed" else "done"
    progressed = [part.progressed for part in parts if part.progressed is not None]
    doubts = [doubt for part in progressed for doubt in part.doubts]
    whys = [run.why, *(f"part {number}: {part.why}" for number, part in enumerate(parts) if part.why), *doubts]
    return CopyStatus(
        run.number,
        state,
        len(parts),
        done,
        failed,
        sum(part.rows for part in progressed),
        sum(part.upserted.new for part in parts),
        sum(part.upserted.changed for part in parts),
        sum(part.upserted.same for part in parts),
        sum(part.bad_rows for part in progressed),
        any(part.drift for part in progressed),
        state == "done" and not doubts,
        next(filter(None, whys), ""),
    )
