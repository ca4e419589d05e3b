"""How an API pages, what to ask next, and the stream that asks ahead."""

from .checkpoint import Checkpoint, Partition
from .stream import Pages, Rows, Stream
from .styles import Cursor, OffsetLimit, PageNumber

__all__ = ["Checkpoint", "Cursor", "OffsetLimit", "PageNumber", "Pages", "Partition", "Rows", "Stream"]
