"""How an API pages, what a listing requests next, and the stream that reads ahead."""

from .checkpoint import Checkpoint, Partition
from .stream import Pages, Rows, Stream
from .styles import Cursor, LastId, NextURL, OffsetLimit, PageNumber, SinglePage

__all__ = [
    "Checkpoint",
    "Cursor",
    "LastId",
    "NextURL",
    "OffsetLimit",
    "PageNumber",
    "Pages",
    "Partition",
    "Rows",
    "SinglePage",
    "Stream",
]
