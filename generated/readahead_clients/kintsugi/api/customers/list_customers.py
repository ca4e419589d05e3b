from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ....encode import ParameterInfo, RequestBuilder
from ...errors import UnexpectedResponse
from ...models.country import Country
from ...models.customer_page import CustomerPage
from ...models.error import Error
from ...models.invalid_request import InvalidRequest
from ...types import UNSET, Response, Unset, send

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient

OPERATION: Final = "GET /v1/customers"
PARAMETERS: Final[Mapping[str, ParameterInfo]] = {
    "search_query": ParameterInfo("query", "search_query", "string"),
    "country": ParameterInfo("query", "country", "string", many=True, enum=Country),
    "state": ParameterInfo("query", "state", "string"),
    "source_in": ParameterInfo("query", "source__in", "string"),
    "order_by": ParameterInfo("query", "order_by", "string"),
    "page": ParameterInfo("query", "page", "integer", default=1, minimum=1),
    "size": ParameterInfo("query", "size", "integer", default=50, minimum=1, maximum=100),
}
ANSWER: Final[Any] = CustomerPage


def build_request(
    *,
    search_query: None | str | Unset = UNSET,
    country: list[Country | str] | None | Unset = UNSET,
    state: None | str | Unset = UNSET,
    source_in: None | str | Unset = UNSET,
    order_by: None | str | Unset = UNSET,
    page: int | Unset = UNSET,
    size: int | Unset = UNSET,
) -> dict[str, Any]:
    """Return the keyword arguments with which `httpx.AsyncClient.build_request` makes the request."""
    _request = RequestBuilder("get", "/v1/customers")
    _request.query("search_query", search_query)
    _request.query("country", country)
    _request.query("state", state)
    _request.query("source__in", source_in)
    _request.query("order_by", order_by)
    _request.query("page", page)
    _request.query("size", size)
    return _request.build()


def _parse(response: httpx.Response) -> CustomerPage | Error | InvalidRequest:
    if response.status_code == 200:
        response_200 = CustomerPage.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = Error.from_dict(response.json())

        return response_401

    if response.status_code == 404:
        response_404 = Error.from_dict(response.json())

        return response_404

    if response.status_code == 422:
        response_422 = InvalidRequest.from_dict(response.json())

        return response_422

    if response.status_code == 500:
        response_500 = Error.from_dict(response.json())

        return response_500

    raise UnexpectedResponse(f"status {response.status_code} is not in the document", response)


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    search_query: None | str | Unset = UNSET,
    country: list[Country | str] | None | Unset = UNSET,
    state: None | str | Unset = UNSET,
    source_in: None | str | Unset = UNSET,
    order_by: None | str | Unset = UNSET,
    page: int | Unset = UNSET,
    size: int | Unset = UNSET,
) -> Response[CustomerPage | Error | InvalidRequest]:
    """List customers, a page at a time.

    Args:
        search_query (None | str | Unset):
        country (list[Country | str] | None | Unset):
        state (None | str | Unset):
        source_in (None | str | Unset):
        order_by (None | str | Unset):
        page (int | Unset):
        size (int | Unset):

    Returns:
        Status, headers and body, and the object that the body describes, as `parsed`.

    Raises:
        UnexpectedResponse: The document does not list the status, or describes another body.
        httpx.HTTPError: There is no response, or it is late.
    """
    return await send(
        client,
        build_request(
            search_query=search_query,
            country=country,
            state=state,
            source_in=source_in,
            order_by=order_by,
            page=page,
            size=size,
        ),
        _parse,
    )


async def asyncio(
    *,
    client: AuthenticatedClient,
    search_query: None | str | Unset = UNSET,
    country: list[Country | str] | None | Unset = UNSET,
    state: None | str | Unset = UNSET,
    source_in: None | str | Unset = UNSET,
    order_by: None | str | Unset = UNSET,
    page: int | Unset = UNSET,
    size: int | Unset = UNSET,
) -> CustomerPage | Error | InvalidRequest:
    """List customers, a page at a time.

    Args:
        search_query (None | str | Unset):
        country (list[Country | str] | None | Unset):
        state (None | str | Unset):
        source_in (None | str | Unset):
        order_by (None | str | Unset):
        page (int | Unset):
        size (int | Unset):

    Returns:
        The object that the body describes, also where that is an error of the document.

    Raises:
        UnexpectedResponse: The document does not list the status, or describes another body.
        httpx.HTTPError: There is no response, or it is late.
    """
    return (
        await asyncio_detailed(
            client=client,
            search_query=search_query,
            country=country,
            state=state,
            source_in=source_in,
            order_by=order_by,
            page=page,
            size=size,
        )
    ).parsed
