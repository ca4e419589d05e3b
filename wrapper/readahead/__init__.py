"""readahead: async listings that are read ahead of their consumer.

The clients are in ``readahead.kintsugi`` and ``readahead.sweetspot``, the errors in ``readahead.errors``.
"""

from .events import RequestFinished, RequestRetried, RequestStarted
from .explain import Explanation
from .filters import Condition
from .http.answer import ApiResponse, with_response
from .http.pacing import Pace
from .http.retry import Retry
from .log import setup as _set_up_log
from .pages import DriftWarning, IgnoredFilterWarning, IncompleteWarning, Page, Progress, Report
from .paging import Checkpoint, Pages, Partition, Rows, Stream
from .query import Listing, Query

_set_up_log()

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
    "RequestFinished",
    "RequestRetried",
    "RequestStarted",
    "Retry",
    "Rows",
    "Stream",
    "with_response",
]
