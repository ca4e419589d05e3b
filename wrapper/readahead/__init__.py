"""readahead: async listings that are read ahead of their consumer.

The clients are in ``readahead.kintsugi`` and ``readahead.sweetspot``, the errors in ``readahead.errors``.
"""

from .explain import Explanation
from .filters import Condition
from .pacing import Pace
from .pages import DriftWarning, IgnoredFilterWarning, Page, Progress, Report
from .paging import Checkpoint, Pages, Partition, Rows, Stream
from .query import Query
from .retry import Retry

__all__ = [
    "Checkpoint",
    "Condition",
    "DriftWarning",
    "Explanation",
    "IgnoredFilterWarning",
    "Pace",
    "Page",
    "Pages",
    "Partition",
    "Progress",
    "Query",
    "Report",
    "Retry",
    "Rows",
    "Stream",
]
