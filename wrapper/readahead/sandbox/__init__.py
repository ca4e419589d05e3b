"""APIs as local servers, for trials, demos and tests: the two that are built in, and any other.

Needs the extra ``sandbox``.
"""

from .box import API_KEY, ORGANIZATION_ID, TOKEN, Sandbox
from .described import DocumentSandbox
from .faults import Faults
from .lists import ServedPage
from .service import Latency, Recorded

__all__ = [
    "API_KEY",
    "ORGANIZATION_ID",
    "TOKEN",
    "DocumentSandbox",
    "Faults",
    "Latency",
    "Recorded",
    "Sandbox",
    "ServedPage",
]
