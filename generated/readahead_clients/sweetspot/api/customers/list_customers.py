from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from ....encode import ParameterInfo, RequestBuilder
from ....runtime import any_of, expected, list_of
from ...errors import UnexpectedResponse
from ...models.customer import Customer
from ...models.customer_page import CustomerPage
from ...models.error_answer import ErrorAnswer
from ...types import UNSET, Response, Unset, send

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient

OPERATION: Final = "GET /v1/customers"
PARAMETERS: Final[Mapping[str, ParameterInfo]] = {
    "organization_id": ParameterInfo("query", "organizationId", "string"),
    "email": ParameterInfo("query", "email", "string"),
    "name": ParameterInfo("query", "name", "string"),
    "offset": ParameterInfo("query", "offset", "integer", minimum=0),
    "limit": ParameterInfo("query", "limit", "integer", minimum=1),
    "user_id": ParameterInfo("query", "userId", "string"),
}
ANSWER: Final[Any] = list[Customer] | CustomerPage


def build_request(
    *,
    organization_id: str | Unset = UNSET,
    email: str | Unset = UNSET,
    name: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    limit: int | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> dict[str, Any]:
    """Return the keyword arguments with which `httpx.AsyncClient.build_request` makes the request."""
    _request = RequestBuilder("get", "/v1/customers")
    _request.query("organizationId", organization_id)
    _request.query("email", email)
    _request.query("name", name)
    _request.query("offset", offset)
    _request.query("limit", limit)
    _request.query("userId", user_id)
    return _request.build()


def _parse(response: httpx.Response) -> CustomerPage | list[Customer] | ErrorAnswer:
    if response.status_code == 200:
        return cast(
            CustomerPage | list[Customer],
            any_of(CustomerPage._read, list_of(Customer._read))(expected(response.json(), dict, list)),
        )

    if response.status_code == 400:
        response_400 = ErrorAnswer.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorAnswer.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorAnswer.from_dict(response.json())

        return response_403

    if response.status_code == 500:
        response_500 = ErrorAnswer.from_dict(response.json())

        return response_500

    raise UnexpectedResponse(f"status {response.status_code} is not in the document", response)


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    organization_id: str | Unset = UNSET,
    email: str | Unset = UNSET,
    name: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    limit: int | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> Response[CustomerPage | list[Customer] | ErrorAnswer]:
    """List the customers that the caller may see.

    Args:
        organization_id (str | Unset):
        email (str | Unset):
        name (str | Unset):
        offset (int | Unset):
        limit (int | Unset):
        user_id (str | Unset):

    Returns:
        Status, headers and body, and the object that the body describes, as `parsed`.

    Raises:
        UnexpectedResponse: The document does not list the status, or describes another body.
        httpx.HTTPError: There is no response, or it is late.
    """
    return await send(
        client,
        build_request(
            organization_id=organization_id,
            email=email,
            name=name,
            offset=offset,
            limit=limit,
            user_id=user_id,
        ),
        _parse,
    )


async def asyncio(
    *,
    client: AuthenticatedClient,
    organization_id: str | Unset = UNSET,
    email: str | Unset = UNSET,
    name: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    limit: int | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> CustomerPage | list[Customer] | ErrorAnswer:
    """List the customers that the caller may see.

    Args:
        organization_id (str | Unset):
        email (str | Unset):
        name (str | Unset):
        offset (int | Unset):
        limit (int | Unset):
        user_id (str | Unset):

    Returns:
        The object that the body describes, also where that is an error of the document.

    Raises:
        UnexpectedResponse: The document does not list the status, or describes another body.
        httpx.HTTPError: There is no response, or it is late.
    """
    return (
        await asyncio_detailed(
            client=client,
            organization_id=organization_id,
            email=email,
            name=name,
            offset=offset,
            limit=limit,
            user_id=user_id,
        )
    ).parsed
