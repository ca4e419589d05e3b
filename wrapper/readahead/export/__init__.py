"""Copies a listing to data at rest: files and tables. Killed at any moment and started again, a copy goes on."""

import os
from collections.abc import Callable
from typing import Any, Literal

from ..query import Listing
from .copying import AT_ONCE, Copied, CopyProgress, copy, job_of
from .csv import CSV
from .destination import target_of
from .mirroring import Mirrored, mirror
from .ndjson import NDJSON
from .parquet import Parquet
from .postgres import Postgres
from .sqlite import SQLite
from .target import Copy, Job, Progressed, Target

__all__ = [
    "CSV",
    "NDJSON",
    "Copied",
    "Copy",
    "CopyProgress",
    "Job",
    "Mirrored",
    "Parquet",
    "Postgres",
    "Progressed",
    "SQLite",
    "Target",
    "export",
    "mirror",
    "target_of",
]


async def export(
    query: Listing[Any],
    to: str | os.PathLike[str] | Target,
    *,
    window: "int | Literal['auto']" = "auto",
    on_progress: Callable[[CopyProgress], None] | None = None,
    on_bad_row: Literal["raise", "skip"] = "raise",
    restart: bool = False,
    at_once: int = AT_ONCE,
    deadline: float | None = None,
) -> Copied:
    """Copy a listing to a file or a table.

    Rows are stored together with the place in the listing. However a copy ends, killed processes included, the same
    call goes on behind the rows that were stored, and each row is in the target once. A file appears under its name
    when it is whole; an earlier one of that name stays until then.

    Args:
        query: What to copy: ``client.customers``, or a query of it.
        to: A path whose suffix names the format, ``.ndjson``, ``.jsonl``, ``.csv`` or ``.parquet``, the first three
            also with ``.gz`` or ``.zst``; a SQLite file, ``.db``, ``.sqlite`` or ``.sqlite3``; the URL of a database,
            ``postgresql://...``; or a target, such as ``NDJSON(path)``. A database gets a table that is named like the
            collection.
        window: Pages that are requested or buffered at once, 1 to 256. ``"auto"`` looks for the largest that helps.
        on_progress: Called with the progress of the copy, each time a page was read.
        on_bad_row: ``"skip"`` leaves out a row that cannot be read, or compared with a condition, and counts it.
        restart: Whether an unfinished copy in the target is thrown away, whatever it is of.
        at_once: Rows that are written in one piece. There are fewer where a second has passed.
        deadline: Seconds for the whole listing in this run; None: the ``deadline`` of the client.

    Returns:
        What was copied, and whether it is complete.

    Raises:
        UsageError: An argument is not one of these, or a package that the target needs is not installed. Nothing was
            sent.
        TargetError: The target is in use, holds the unfinished copy of another query, or cannot be written.
        ReadaheadError: Whatever ends the listing. Rows before that are stored, and the same call goes on behind them.
    """
    job_of(query)  # what cannot be copied has no table either
    return await copy(
        query,
        target_of(to, _collection(query)),
        window=window,
        on_progress=on_progress,
        on_bad_row=on_bad_row,
        restart=restart,
        at_once=at_once,
        deadline=deadline,
    )


def _collection(query: Listing[Any]) -> str:
    """Return the last name in the path of a listing: ``customers`` of ``GET /v1/customers``."""
    path = query.reading.endpoint.operation.OPERATION
    return [name for name in path.split("/") if name and not name.startswith("{")][-1]
