"""Both APIs as a local server over SQLite, for trials, demos and tests. Needs the extra ``sandbox``."""

from .box import API_KEY, ORGANIZATION_ID, TOKEN, Sandbox
from .faults import Faults
from .service import Latency, Recorded

__all__ = ["API_KEY", "ORGANIZATION_ID", "TOKEN", "Faults", "Latency", "Recorded", "Sandbox"]
