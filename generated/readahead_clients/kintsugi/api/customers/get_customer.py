from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ....encode import ParameterInfo, RequestBuilder
from ...errors import UnexpectedResponse
from ...models.customer import Customer
from ...models.invalid_request import InvalidRequest
from ...types import Response, send

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient

OPERATION: Final = "GET /v1/customers/{customer_id}"
PARAMETERS: Final[Mapping[str, ParameterInfo]] = {
    "customer_id": ParameterInfo("path", "customer_id", "string", required=True),
}
ANSWER: Final[Any] = Customer


def build_request(
    customer_id: str,
) -> dict[str, Any]:
    """Return the keyword arguments with which `httpx.AsyncClient.build_request` makes the request."""
    _request = RequestBuilder("get", "/v1/customers/{customer_id}")
    _request.path("customer_id", customer_id)
    return _request.build()


def _parse(response: httpx.Response) -> Customer | InvalidRequest | None:
    if response.status_code == 200:
        response_200 = Customer.from_dict(response.json())

        return response_200

    if response.status_code == 404:
        response_404 = None
        return response_404

    if response.status_code == 422:
        response_422 = InvalidRequest.from_dict(response.json())

        return response_422

    raise UnexpectedResponse(f"status {response.status_code} is not in the document", response)


async def asyncio_detailed(
    customer_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Customer | InvalidRequest | None]:
    """Get one customer.

    Args:
        customer_id (str):

    Returns:
        Status, headers and body, and the object that the body describes, as `parsed`.

    Raises:
        UnexpectedResponse: The document does not list the status, or describes another body.
        httpx.HTTPError: There is no response, or it is late.
    """
    return await send(
        client,
        build_request(
            customer_id=customer_id,
        ),
        _parse,
    )


async def asyncio(
    customer_id: str,
    *,
    client: AuthenticatedClient,
) -> Customer | InvalidRequest | None:
    """Get one customer.

    Args:
        customer_id (str):

    Returns:
        The object that the body describes, also where that is an error of the document.

    Raises:
        UnexpectedResponse: The document does not list the status, or describes another body.
        httpx.HTTPError: There is no response, or it is late.
    """
    return (
        await asyncio_detailed(
            customer_id=customer_id,
            client=client,
        )
    ).parsed
