"""readahead: async listings that are read ahead of their consumer.

The clients are in ``readahead.kintsugi`` and ``readahead.sweetspot``, the errors in ``readahead.errors``.
"""

from .pacing import Pace
from .pages import DriftWarning, Page, Report
from .paging import Checkpoint, Pages, Partition, Rows, Stream
from .query import Query
from .retry import Retry

__all__ = [
    "Checkpoint",
    "DriftWarning",
    "Pace",
    "Page",
    "Pages",
    "Partition",
    "Query",
    "Report",
    "Retry",
    "Rows",
    "Stream",
]
