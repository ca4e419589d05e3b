"""Rows on standard output, a line of JSON each. Nothing can go on there, so nothing is kept of how far it is."""

import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from anyio import to_thread

from ..export.target import Copy, Job, Progressed

__all__ = ["StandardOutput", "write_out"]


class StandardOutput:
    """A target of copies."""

    @asynccontextmanager
    async def begin(self, job: Job) -> AsyncGenerator[Copy]:  # noqa: ARG002  any job will do
        """Take rows until the block ends."""
        yield _Lines()


class _Lines:
    progressed: Progressed | None = None

    async def write(self, rows: Sequence[Any], progressed: Progressed) -> None:  # noqa: ARG002
        lines = b"".join(map(_line, rows))
        # A reader that has stopped reading must not keep the command from being stopped.
        await to_thread.run_sync(write_out, lines, abandon_on_cancel=True)

    async def finish(self, progressed: Progressed) -> None:
        """Do nothing: each write is flushed."""


def write_out(content: bytes) -> None:
    """Write to standard output, all of it and now."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _line(row: Any) -> bytes:
    try:
        return orjson.dumps(row.to_dict(), option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # integers over 64 bits, lone surrogates
        line: str = row.to_json()
        return f"{line}\n".encode()
