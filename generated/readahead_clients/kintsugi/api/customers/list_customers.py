from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client

from http import HTTPStatus
from typing import Any

from ... import errors
from ...models.country import Country
from ...models.customer_page import CustomerPage
from ...models.error import Error
from ...models.invalid_request import InvalidRequest
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    search_query: None | str | Unset = UNSET,
    country: list[Country | str] | None | Unset = UNSET,
    state: None | str | Unset = UNSET,
    source_in: None | str | Unset = UNSET,
    order_by: None | str | Unset = UNSET,
    page: int | Unset = UNSET,
    size: int | Unset = UNSET,
) -> dict[str, Any]:

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


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> CustomerPage | Error | InvalidRequest | None:
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

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[CustomerPage | Error | InvalidRequest]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
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

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CustomerPage | Error | InvalidRequest]
    """

    kwargs = _get_kwargs(
        search_query=search_query,
        country=country,
        state=state,
        source_in=source_in,
        order_by=order_by,
        page=page,
        size=size,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    search_query: None | str | Unset = UNSET,
    country: list[Country | str] | None | Unset = UNSET,
    state: None | str | Unset = UNSET,
    source_in: None | str | Unset = UNSET,
    order_by: None | str | Unset = UNSET,
    page: int | Unset = UNSET,
    size: int | Unset = UNSET,
) -> CustomerPage | Error | InvalidRequest | None:
    """List customers, a page at a time.

    Args:
        search_query (None | str | Unset):
        country (list[Country | str] | None | Unset):
        state (None | str | Unset):
        source_in (None | str | Unset):
        order_by (None | str | Unset):
        page (int | Unset):
        size (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CustomerPage | Error | InvalidRequest
    """

    return sync_detailed(
        client=client,
        search_query=search_query,
        country=country,
        state=state,
        source_in=source_in,
        order_by=order_by,
        page=page,
        size=size,
    ).parsed


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

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CustomerPage | Error | InvalidRequest]
    """

    kwargs = _get_kwargs(
        search_query=search_query,
        country=country,
        state=state,
        source_in=source_in,
        order_by=order_by,
        page=page,
        size=size,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


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
) -> CustomerPage | Error | InvalidRequest | None:
    """List customers, a page at a time.

    Args:
        search_query (None | str | Unset):
        country (list[Country | str] | None | Unset):
        state (None | str | Unset):
        source_in (None | str | Unset):
        order_by (None | str | Unset):
        page (int | Unset):
        size (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CustomerPage | Error | InvalidRequest
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
