from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...errors import UnexpectedResponse
from ...models.country import Country
from ...models.customer_page import CustomerPage
from ...models.error import Error
from ...models.invalid_request import InvalidRequest
from ...types import UNSET, Response, Unset, read_response

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient

OPERATION: Final = "GET /v1/customers"


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
    """Return the keyword arguments with which `httpx.AsyncClient.request` sends this operation."""

    params: dict[str, Any] = {}

    json_search_query: None | str | Unset
    if isinstance(search_query, Unset):
        json_search_query = UNSET
    else:
        json_search_query = search_query
    params["search_query"] = json_search_query

    json_country: list[str] | None | Unset
    if isinstance(country, Unset):
        json_country = UNSET
    elif isinstance(country, list):
        json_country = []
        for country_type_0_item_data in country:
            country_type_0_item: str
            if isinstance(country_type_0_item_data, Country):
                country_type_0_item = country_type_0_item_data.value
            else:
                country_type_0_item = country_type_0_item_data
            json_country.append(country_type_0_item)

    else:
        json_country = country
    params["country"] = json_country

    json_state: None | str | Unset
    if isinstance(state, Unset):
        json_state = UNSET
    else:
        json_state = state
    params["state"] = json_state

    json_source_in: None | str | Unset
    if isinstance(source_in, Unset):
        json_source_in = UNSET
    else:
        json_source_in = source_in
    params["source__in"] = json_source_in

    json_order_by: None | str | Unset
    if isinstance(order_by, Unset):
        json_order_by = UNSET
    else:
        json_order_by = order_by
    params["order_by"] = json_order_by

    params["page"] = page

    params["size"] = size

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/customers",
        "params": params,
    }
    return _kwargs


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
    return read_response(
        await client.get_async_httpx_client().request(
            **build_request(
                search_query=search_query,
                country=country,
                state=state,
                source_in=source_in,
                order_by=order_by,
                page=page,
                size=size,
            )
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
