"""How an API pages, what to ask next, and the stream that asks ahead."""

from .checkpoint import Checkpoint, Partition
from .plans import Cursor, OffsetLimit, PageNumber
from .stream import Pages, Rows, Stream

__all__ = ["Checkpoint", "Cursor", "OffsetLimit", "PageNumber", "Pages", "Partition", "Rows", "Stream"]
