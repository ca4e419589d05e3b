"""Copies a listing to a target: rows are written while the next pages are read, and a killed copy goes on."""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, Literal, TypeVar, cast

import anyio
from attrs import evolve, frozen

from ..errors import UsageError, shown
from ..pages import Progress, Report
from ..paging.stream import Stream
from ..query import Listing
from .target import Copy, Job, Progressed, Target

__all__ = ["Copied", "CopyProgress", "copy", "job_of"]

T = TypeVar("T")
AT_ONCE = 2_000  # rows that are written in one piece, unless a second has passed
SECONDS = 1.0


@frozen
class CopyProgress:
    """How far a copy is: the argument of ``on_progress``.

    Attributes:
        rows: Rows read, those of earlier runs included.
        stored: Rows that are in the target for good: a copy that is killed now goes on behind them.
        total: Rows in the whole listing, as the API said last, without regard to conditions it does not evaluate; None
            where it does not say.
        rate: Rows read per second in this run.
        left: Seconds until the end at this rate; None where the end is not known.
        in_flight: Requests that are running.
        report: How the listing went in this run, so far.
    """

    rows: int
    stored: int
    total: int | None
    rate: float
    left: float | None
    in_flight: int
    report: Report


@frozen
class Copied:
    """What a copy did.

    Attributes:
        rows: Rows in the target, of this run and those that were killed before it.
        runs: How often it was started until it was whole.
        complete: Whether the listing reached its end, and nothing that any run saw contradicts it.
        why: What ended the listing, or why the copy is not complete.
        drift: Whether rows moved while the list was read, or may have without a trace.
        bad_rows: Rows that could not be read, and were skipped.
        report: How the listing went in the last run.
    """

    rows: int
    runs: int
    complete: bool
    why: str
    drift: bool
    bad_rows: int
    report: Report

    def __str__(self) -> str:
        runs = f" in {self.runs} runs" if self.runs > 1 else ""
        bad = f", {self.bad_rows:,} that could not be read" if self.bad_rows else ""
        end = "complete" if self.complete else f"not complete: {self.why}"
        return f"{self.rows:,} row{'s' if self.rows != 1 else ''}{runs}{bad}, {end}"


def job_of(query: Listing[Any], *, restart: bool = False) -> Job:
    """Return what a target has to know of a query.

    Raises:
        UsageError: It is not a query, or one that cannot be copied page by page.
    """
    if not isinstance(cast("object", query), Listing):
        raise UsageError(f"only a query can be copied, such as client.customers.where(...), not {shown(query)}")
    reading = query.reading
    if reading.keeps_keys:
        raise UsageError(
            "this query cannot be copied: it takes several listings whose rows are told apart by all keys so far; copy "
            "each side of | on its own"
        )
    if not isinstance(cast("object", restart), bool):
        raise UsageError(f"restart must be True or False, not {shown(restart)}")
    row = getattr(reading.endpoint.reader.read, "__self__", None)
    if not isinstance(row, type):
        raise UsageError("the rows of this query are not of a generated class, so its columns are not known")
    return Job(reading.fingerprint, row, reading.endpoint.reader.key, restart)


async def copy(
    query: Listing[T],
    target: Target,
    *,
    window: "int | Literal['auto']" = "auto",
    on_progress: Callable[[CopyProgress], None] | None = None,
    on_bad_row: Literal["raise", "skip"] = "raise",
    restart: bool = False,
    at_once: int = AT_ONCE,
    deadline: float | None = None,
) -> Copied:
    """Copy a listing to a target. See ``readahead.export.export``."""
    if on_progress is not None and (not callable(cast("object", on_progress)) or iscoroutinefunction(on_progress)):
        raise UsageError(f"on_progress must be a plain function, not {shown(on_progress)}")
    if isinstance(at_once, bool) or not isinstance(cast("object", at_once), int) or at_once < 1:
        raise UsageError(f"at_once must be a whole number of at least 1, not {shown(at_once)}")
    job = job_of(query, restart=restart)
    query.prefetch(
        window, on_bad_row=on_bad_row, deadline=deadline
    )  # wrong arguments are refused before a file is made
    async with target.begin(job) as opened:
        return await _Copying(opened, on_progress, at_once).run(query, window, on_bad_row, deadline)


class _Copying:
    """One run of a copy."""

    def __init__(self, opened: Copy, on_progress: Callable[[CopyProgress], None] | None, at_once: int) -> None:
        self._opened, self._on_progress, self._at_once = opened, on_progress, at_once
        before = opened.progressed
        self._before = before or Progressed("", 0, runs=0)
        self._stored = self._before.rows
        self._skips = False
        self._fault: Exception | None = None

    async def run(
        self,
        query: Listing[T],
        window: "int | Literal['auto']",
        on_bad_row: Literal["raise", "skip"],
        deadline: float | None,
    ) -> Copied:
        """Read from where the last run stopped to the end; another task writes what was read."""
        self._skips = on_bad_row == "skip"
        stream = query.prefetch(
            window,
            on_page=None if self._on_progress is None else self._progress,
            on_bad_row=on_bad_row,
            resume=self._before.checkpoint or None,
            deadline=deadline,
        )
        send, receive = anyio.create_memory_object_stream[tuple[list[T], Progressed]](0)
        error: BaseException | None = None
        with receive:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write, receive, tasks.cancel_scope)
                with send:
                    try:
                        async with stream:
                            await self._read(stream, send)
                    except (Exception, KeyboardInterrupt, SystemExit) as fault:  # noqa: BLE001  raised as it is, in no group
                        error = fault
        if failed := self._fault or error:
            raise failed
        progressed = self._progressed(stream)
        await self._opened.finish(progressed)
        return self._copied(stream.report, progressed)

    async def _read(self, stream: Stream[T], send: Any) -> None:
        rows, since = list[T](), anyio.current_time()
        try:
            async for page in stream.pages():
                rows.extend(page.rows)
                if len(rows) >= self._at_once or anyio.current_time() - since >= SECONDS:
                    await send.send((rows, self._progressed(stream)))
                    rows, since = [], anyio.current_time()
        except Exception:
            # What came before the page that failed. Where one row of it cannot be read, none of it was handed out, and
            # the stream's place is before all of them.
            await send.send((rows, self._progressed(stream)))
            raise
        await send.send((rows, self._progressed(stream)))

    async def _write(self, receive: Any, scope: anyio.CancelScope) -> None:
        try:
            async for rows, progressed in receive:
                await self._opened.write(rows, progressed)
                self._stored = progressed.rows
        except Exception as error:  # noqa: BLE001  it is raised to the caller, as it is
            self._fault = error
            scope.cancel()

    def _progressed(self, stream: Stream[Any]) -> Progressed:
        before, doubts, report = self._before, self._before.doubts, stream.report
        if report.doubt and report.doubt not in doubts:
            doubts = (*doubts, report.doubt)
        return evolve(
            before,
            checkpoint=str(stream.checkpoint),
            rows=before.rows + report.rows,
            runs=before.runs + 1,
            doubts=doubts,
            drift=before.drift or report.drift != "none",
            bad_rows=before.bad_rows + (report.bad_row_count if self._skips else 0),
        )

    def _progress(self, progress: Progress[Any]) -> None:
        if self._on_progress is not None:
            before = self._before.rows
            self._on_progress(
                CopyProgress(
                    before + progress.rows,
                    self._stored,
                    progress.total,
                    progress.rate,
                    progress.left,
                    progress.in_flight,
                    progress.report,
                )
            )

    def _copied(self, report: Report, last: Progressed) -> Copied:
        complete = report.complete and not last.doubts
        why = report.why if complete or not report.complete else last.doubts[0]
        return Copied(last.rows, last.runs, complete, why, last.drift, last.bad_rows, report)
