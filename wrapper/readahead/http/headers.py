"""Headers that users add, checked before anything is sent."""

import re
from collections.abc import Collection, Mapping
from typing import cast

from ..errors import UsageError, shown
from .credentials import header_fault

__all__ = ["checked_headers"]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.1
_OURS = {
    "accept": "responses are read as JSON",
    "accept-encoding": "responses are read with gzip or without compression",
    "content-type": "bodies are JSON",
    "user-agent": "use user_agent=",
}
_OF_CONNECTIONS = frozenset(
    ("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)


def checked_headers(headers: object, credentials: Collection[str]) -> dict[str, str]:
    """Return headers to send besides our own, or none where it is None.

    Args:
        headers: Names and values.
        credentials: Names of the headers that hold credentials, in lower case.

    Raises:
        UsageError: A name or value is none that a header can have, or a header is one that the client sets itself.
            The message shows no value.
    """
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise UsageError(f"headers must be a mapping of names to text, or None, not {type(headers).__name__}")
    checked: dict[str, str] = {}
    for name, value in cast("Mapping[object, object]", headers).items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UsageError(f"headers: {shown(name)} is no name of a header")
        lower = name.lower()
        if lower in credentials:
            raise UsageError(f"headers: {name} holds a credential; pass it as the argument it has of its own")
        if lower in _OURS:
            raise UsageError(f"headers: {name} is set by readahead: {_OURS[lower]}")
        if lower in _OF_CONNECTIONS or lower.startswith("proxy-"):
            raise UsageError(f"headers: {name} belongs to the connection, and is set by the HTTP library")
        if not isinstance(value, str):
            raise UsageError(f"headers: the value of {name} must be text, not {type(value).__name__}")
        if fault := header_fault(value):
            raise UsageError(f"headers: the value of {name} {fault}")
        if any(lower == known.lower() for known in checked):
            raise UsageError(f"headers: {name} is given twice")
        checked[name] = value
    return checked
