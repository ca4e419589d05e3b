"""How an API pages, what to ask next, and the stream that asks ahead."""

from .plans import Cursor, OffsetLimit, PageNumber
from .stream import Rows, Stream

__all__ = ["Cursor", "OffsetLimit", "PageNumber", "Rows", "Stream"]
