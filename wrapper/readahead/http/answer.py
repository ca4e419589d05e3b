"""What the API said besides the row: status, headers, request id."""

from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from typing import Generic, TypeVar

from attrs import field, frozen

from ..errors import UsageError
from .request import Response

__all__ = ["ApiResponse", "note", "with_response"]

T = TypeVar("T")


@frozen
class ApiResponse(Generic[T]):
    """What a call returned, and the response it was read from.

    Attributes:
        value: What the call returns by itself: a row, a page.
        status: The HTTP status; None where nothing had to be sent.
        headers: Names in lower case.
        request_id: The id that the server gave the request, for its support.
        seconds: From the start of the last attempt to the last byte of its response.
        attempts: Requests that it took, retries included.
    """

    value: T
    status: int | None
    headers: Mapping[str, str] = field(repr=False)
    request_id: str | None
    seconds: float
    attempts: int


async def with_response(call: Awaitable[T]) -> ApiResponse[T]:
    """Await a call, and return what it returns together with its response.

    Args:
        call: ``kintsugi.customers.get("cust_1")``, not awaited yet. Of a call that sends several requests, the response
            is that of the last one.

    Raises:
        UsageError: It runs already, so its response may have come before.
        ReadaheadError: What the call raises.
    """
    import asyncio  # noqa: PLC0415  whoever awaits has imported it, and nobody else needs it

    if asyncio.isfuture(call):
        raise UsageError("with_response() takes the call itself, not a task of it: await with_response(client.get(id))")
    noted: list[tuple[Response, int]] = []
    token = _noted.set(noted)
    try:
        value = await call
    finally:
        _noted.reset(token)
        if noted:
            note(*noted[-1])  # one around this one counts it, too
    if not noted:
        return ApiResponse(value, None, {}, None, 0.0, 0)
    response, attempts = noted[-1]
    return ApiResponse(value, response.status, response.headers, response.request_id, response.seconds, attempts)


def note(response: Response, attempts: int) -> None:
    """Keep a response for whoever waits for it with ``with_response``."""
    if (noted := _noted.get()) is not None:
        noted[:] = [(response, attempts)]


_noted: ContextVar[list[tuple[Response, int]] | None] = ContextVar("_noted", default=None)
