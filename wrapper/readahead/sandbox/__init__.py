"""Both APIs on this machine, over SQLite: for trying, for demonstrating, for tests. Needs the extra `sandbox`."""

from readahead.sandbox.box import API_KEY, ORGANIZATION_ID, TOKEN, Sandbox
from readahead.sandbox.service import Latency, Recorded

__all__ = ["API_KEY", "ORGANIZATION_ID", "TOKEN", "Latency", "Recorded", "Sandbox"]
