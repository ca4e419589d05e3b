"""Types that the functions of this package share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from io import BytesIO
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import define

from ..encode import UNSET, File, Unset
from ..runtime import expected
from .errors import UnexpectedResponse

if TYPE_CHECKING:
    import httpx

    from .client import Client

__all__ = [
    "UNSET",
    "File",
    "Response",
    "Unset",
    "content_of",
    "file_of",
    "other_of",
    "read_response",
    "send",
    "text_of",
]

T = TypeVar("T")


@define
class Response(Generic[T]):
    """A response that the document describes."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]
    parsed: T


def read_response(response: httpx.Response, parse: Callable[[httpx.Response], T]) -> Response[T]:
    """Return the response with what `parse` reads in its body; raise UnexpectedResponse if it cannot."""
    try:
        parsed = parse(response)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        message = f"status {response.status_code}, but the body is not what the document describes: {error}"
        raise UnexpectedResponse(message, response) from error
    return Response(response.status_code, response.content, response.headers, parsed)


async def send(client: Client, request: dict[str, Any], parse: Callable[[httpx.Response], T]) -> Response[T]:
    """Send what `build_request` has returned, and return the response."""
    http = client.get_async_httpx_client()
    return read_response(await http.send(http.build_request(**request)), parse)


def content_of(response: httpx.Response) -> Any:
    """Return a body of any kind by its content type: JSON data, text, bytes; None if it is empty."""
    content_type = _content_type(response)
    if not response.content:
        return None
    if _is_json(content_type):
        return response.json()
    if content_type.startswith("text/"):
        return response.text
    if content_type:
        return response.content
    try:  # servers that do not say what they answer with answer with JSON
        return response.json()
    except ValueError:
        return response.content


def text_of(response: httpx.Response) -> Any:
    """Return a text, which may be written as JSON if the server says so."""
    return response.json() if _is_json(_content_type(response)) else response.text


def file_of(response: httpx.Response) -> File:
    """Return a body of bytes as a file."""
    return File(BytesIO(response.content), mime_type=response.headers.get("content-type"))


def other_of(response: httpx.Response, others: Sequence[str], read: Callable[[Any], Any] | None, *kinds: type) -> Any:
    """Return a body of one of the `others`, content types, as text or as a file; JSON as `read` does, if of `kinds`."""
    content_type = _content_type(response)
    if not _is_json(content_type) and any(fnmatchcase(content_type, each) for each in others):
        return response.text if content_type.startswith("text/") else file_of(response)
    data = expected(response.json(), *(kinds or (object,)))
    return data if read is None else read(data)


def _content_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _is_json(content_type: str) -> bool:
    return content_type.endswith(("/json", "+json"))
