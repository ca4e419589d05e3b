"""Copies as lines of JSON."""

from collections.abc import Sequence
from typing import Any

import orjson

from .files import FileTarget, Format

__all__ = ["NDJSON"]


class NDJSON(FileTarget):
    """A file with a line of JSON for each row: what its ``to_dict()`` gives, undeclared fields included.

    Args:
        path: The file. A suffix ``.gz`` or ``.zst`` says that it is compressed; ``.zst`` needs the extra ``zstd``
            before Python 3.14. A link is followed.

    Raises:
        UsageError: It is no path, or the extra is not installed.
    """

    def format_of(self, row: type) -> Format:  # noqa: ARG002  each line has its own names
        """Return how rows become lines."""
        return Format("ndjson", _encode)


def _encode(rows: Sequence[Any]) -> bytes:
    return b"".join(map(_line, rows))


def _line(row: Any) -> bytes:
    try:
        return orjson.dumps(row.to_dict(), option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # integers over 64 bits, lone surrogates
        line: str = row.to_json()
        return f"{line}\n".encode()
