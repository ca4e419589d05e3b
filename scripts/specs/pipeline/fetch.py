"""Read a published document from a file, or from a URL if it changed since it was locked."""

import http.client
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit

from specs.documents.document import SpecError

TIMEOUT = 60.0  # seconds, for the whole of it
LARGEST = 64_000_000  # bytes; the largest documents published have about 12 million

# Response header, header of the next request
_CONDITIONS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass(frozen=True)
class Fetched:
    """A document.

    Attributes:
        content: Its bytes.
        name: File name, or URL without credentials and query.
        validators: ETag and Last-Modified, for the next conditional request.
    """

    content: bytes
    name: str
    validators: Mapping[str, str] = field(default_factory=dict)


def fetch(source: str, locked: Mapping[str, str], timeout: float = TIMEOUT, largest: int = LARGEST) -> Fetched | None:
    """Return the document in the file or at the URL.

    Args:
        source: A path, or an http or https URL.
        locked: What the lock says of it.
        timeout: Seconds, for the whole download.
        largest: Bytes.

    Returns:
        The document; None if the server says that it has not changed.
    """
    if not source.startswith(("http://", "https://")):
        try:
            with Path(source).open("rb") as file:
                content = file.read(largest + 1)  # not its size first: a device or a pipe has none
        except OSError as error:
            raise SpecError(f"cannot read {source}: {error.strerror}") from error
        if len(content) > largest:
            raise SpecError(f"the document is larger than {largest:,} bytes")
        return Fetched(content, Path(source).name)
    parts = urlsplit(source)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    name = urlunsplit((parts.scheme, host + (f":{parts.port}" if parts.port else ""), parts.path, "", ""))
    request = urllib.request.Request(source)  # noqa: S310  http and https only, see above
    if locked.get("name") == name and not parts.query:
        for answered, asked in _CONDITIONS.items():
            if answered in locked:
                request.add_header(asked, locked[answered])
    deadline = time.monotonic() + timeout
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            content = _read(answer, deadline, largest)
            return Fetched(content, name, _validators(answer.headers))
    except HTTPError as error:
        if error.code == http.client.NOT_MODIFIED:
            return None
        raise SpecError(f"cannot fetch {name}: status {error.code}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SpecError(f"cannot fetch {name}: {getattr(error, 'reason', error)}") from error


def _read(answer: http.client.HTTPResponse, deadline: float, largest: int) -> bytes:
    content = bytearray()
    while chunk := answer.read1(1 << 16):
        content += chunk
        if len(content) > largest:
            raise SpecError(f"the document is larger than {largest:,} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("the download takes too long")
    if answer.length:
        raise SpecError("the document is incomplete; the connection ended early")
    return bytes(content)


def _validators(headers: Message) -> dict[str, str]:
    found = {name: headers[name] for name in _CONDITIONS if headers[name]}
    return {name: text for name, text in found.items() if text.isascii() and text.isprintable()}
