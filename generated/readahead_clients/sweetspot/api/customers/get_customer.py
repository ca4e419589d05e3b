from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ....encode import ParameterInfo, RequestBuilder
from ...errors import UnexpectedResponse
from ...models.customer import Customer
from ...models.error_answer import ErrorAnswer
from ...types import Response, send

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient

OPERATION: Final = "GET /v1/customers/{id}"
PARAMETERS: Final[Mapping[str, ParameterInfo]] = {
    "id": ParameterInfo("path", "id", "string", required=True),
}
ANSWER: Final[Any] = Customer


def build_request(
    id: str,
) -> dict[str, Any]:
    """Return the keyword arguments with which `httpx.AsyncClient.build_request` makes the request."""
    _request = RequestBuilder("get", "/v1/customers/{id}")
    _request.path("id", id)
    return _request.build()


def _parse(response: httpx.Response) -> Customer | ErrorAnswer:
    if response.status_code == 200:
        response_200 = Customer.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ErrorAnswer.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorAnswer.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorAnswer.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = ErrorAnswer.from_dict(response.json())

        return response_404

    if response.status_code == 500:
        response_500 = ErrorAnswer.from_dict(response.json())

        return response_500

    raise UnexpectedResponse(f"status {response.status_code} is not in the document", response)


async def asyncio_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Customer | ErrorAnswer]:
    """Get one customer.

    Args:
        id (str):

    Returns:
        Status, headers and body, and the object that the body describes, as `parsed`.

    Raises:
        UnexpectedResponse: The document does not list the status, or describes another body.
        httpx.HTTPError: There is no response, or it is late.
    """
    return await send(
        client,
        build_request(
            id=id,
        ),
        _parse,
    )


async def asyncio(
    id: str,
    *,
    client: AuthenticatedClient,
) -> Customer | ErrorAnswer:
    """Get one customer.

    Args:
        id (str):

    Returns:
        The object that the body describes, also where that is an error of the document.

    Raises:
        UnexpectedResponse: The document does not list the status, or describes another body.
        httpx.HTTPError: There is no response, or it is late.
    """
    return (
        await asyncio_detailed(
            id=id,
            client=client,
        )
    ).parsed
