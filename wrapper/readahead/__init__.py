"""readahead: async listings that are read ahead of their consumer.

The clients are in ``readahead.kintsugi`` and ``readahead.sweetspot``, the errors in ``readahead.errors``.
"""

from .explain import Explanation
from .filters import Condition
from .http.answer import ApiResponse, with_response
from .http.pacing import Pace
from .http.retry import Retry
from .pages import DriftWarning, IgnoredFilterWarning, IncompleteWarning, Page, Progress, Report
from .paging import Checkpoint, Pages, Partition, Rows, Stream
from .query import Listing, Query

__all__ = [
    "ApiResponse",
    "Checkpoint",
    "Condition",
    "DriftWarning",
    "Explanation",
    "IgnoredFilterWarning",
    "IncompleteWarning",
    "Listing",
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
    "with_response",
]
