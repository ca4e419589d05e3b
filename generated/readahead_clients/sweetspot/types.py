"""Types that the functions of this package share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, BinaryIO, Generic, Literal, TypeVar

from attrs import define

from .errors import UnexpectedResponse

if TYPE_CHECKING:
    import httpx

__all__ = ["UNSET", "File", "FileTypes", "RequestFiles", "Response", "Unset", "read_response"]

T = TypeVar("T")


class Unset:
    """The type of `UNSET`: an argument that is not sent."""

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Unset = Unset()

FileContent = IO[bytes] | bytes | str
# File name, content and content type, then headers.
FileTypes = tuple[str | None, FileContent, str | None] | tuple[str | None, FileContent, str | None, Mapping[str, str]]
RequestFiles = list[tuple[str, FileTypes]]


@define
class File:
    """A file to upload."""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return the file as httpx takes it."""
        return self.file_name, self.payload, self.mime_type


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
