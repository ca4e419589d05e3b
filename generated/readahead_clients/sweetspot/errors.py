"""What the functions of this package raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

__all__ = ["UnexpectedResponse"]


class UnexpectedResponse(Exception):
    """A response that the document does not describe.

    Attributes:
        status_code: Its status, also where no standard lists it.
        headers: Its headers.
        content: Its body.
    """

    def __init__(self, message: str, response: httpx.Response) -> None:
        super().__init__(message)
        self.status_code = response.status_code
        self.headers = response.headers
        self.content = response.content
