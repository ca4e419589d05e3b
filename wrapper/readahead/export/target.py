"""Where rows are copied to: what a file or a table has to do, and what is stored beside the rows."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, Self, cast

import orjson
from attrs import asdict, frozen

from ..errors import TargetError

__all__ = ["Copy", "Job", "Progressed", "Target"]


@frozen
class Job:
    """What is copied.

    Attributes:
        fingerprint: Tells the query, client and credentials from any other: only the same query goes on.
        row: The class of the rows.
        key: The attribute that tells them apart.
        restart: Whether an unfinished copy in the target is thrown away, whatever it is of.
    """

    fingerprint: str
    row: type
    key: str
    restart: bool = False


@frozen
class Progressed:
    """How far a copy is. It is stored together with the rows, or neither is.

    Attributes:
        checkpoint: Where the listing goes on.
        rows: Rows in the target, of this run and those before it.
        runs: How often it was started.
        doubts: What any run saw that speaks against a complete copy.
        drift: Whether rows moved while any run read the list, or may have without a trace.
        bad_rows: Rows that could not be read, and were skipped.
    """

    checkpoint: str
    rows: int
    runs: int = 1
    doubts: tuple[str, ...] = ()
    drift: bool = False
    bad_rows: int = 0

    def to_json(self) -> str:
        """Return it as text."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read one from its text.

        Raises:
            TargetError: It is not one.
        """
        try:
            members = cast("dict[str, Any]", orjson.loads(text))
            members["doubts"] = tuple(members["doubts"])
            return cls(**members)
        except (TypeError, KeyError, ValueError):
            raise TargetError(
                "what is stored of an unfinished copy is damaged; start it anew with restart=True"
            ) from None


class Copy(Protocol):
    """A target that is open for one job."""

    @property
    def progressed(self) -> Progressed | None:
        """How far an earlier run came; None: there is nothing to go on with."""
        ...

    async def write(self, rows: Sequence[Any], progressed: Progressed) -> None:
        """Store rows, and how far the copy is after them: both, or neither."""
        ...

    async def finish(self, progressed: Progressed) -> None:
        """Take that the listing has ended, and all its rows are written."""
        ...


class Target(Protocol):
    """Where rows are copied to: a file or a table."""

    def begin(self, job: Job) -> AbstractAsyncContextManager[Copy]:
        """Open it for a job, and close it when the block ends. Nobody else can open it in between.

        Raises:
            TargetError: It is in use, holds the unfinished copy of another query, or cannot be written.
        """
        ...
