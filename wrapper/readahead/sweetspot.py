"""Sweet Spot: the customers of an organisation, for leasing.

Source: the published reference of ``GET /v1/customers``. It names no budget of requests, no order, and no total.
"""

from functools import cached_property
from typing import Self, TypedDict, Unpack

from readahead_clients.sweetspot.api.customers import get_customer, list_customers, update_customer
from readahead_clients.sweetspot.models import CreditStatus, Customer, CustomerChanges, IdentityVerificationStatus

from .collection import Collection, checked_changes, checked_id
from .endpoint import Endpoint
from .filters import Choice, Condition, Fields, Id, PartialMatch, Relation, Text, Timestamp
from .http.client import Client, ClientOptions
from .http.credentials import Credential, CredentialSource
from .http.pacing import Pace
from .paging import OffsetLimit
from .query import Query
from .reading import Reading
from .rows import RowReader

__all__ = [
    "CreditStatus",
    "Customer",
    "CustomerChanges",
    "CustomerFields",
    "CustomerFilters",
    "CustomerQuery",
    "Customers",
    "IdentityVerificationStatus",
    "SweetSpot",
    "fields",
]

BASE_URL = "https://api.thesweetspot.com"


class CustomerFilters(TypedDict, total=False):
    """Keywords of ``where``. ``email`` and ``name`` find a part in any case; ``organization_id`` goes by checkouts."""

    organization_id: str
    email: str
    name: str
    user_id: str | int


class CustomerFields(Fields):
    """What conditions on customers are made of. With ``param``, the API is asked; with ``attr``, rows can tell."""

    organization_id = Relation(param="organization_id")
    email = PartialMatch(param="email")
    name = PartialMatch(param="name")
    user_id = Id(param="user_id", attr="user_id")
    id = Text(attr="id")
    created_at = Timestamp(attr="created_at")
    updated_at = Timestamp(attr="updated_at")
    credit_status = Choice(CreditStatus, attr="credit_status")
    credit_timestamp = Text(attr="credit_timestamp")
    credit_ip_address = Text(attr="credit_ip_address")
    identity_verification_status = Choice(IdentityVerificationStatus, attr="identity_verification_status")
    stripe_id = Text(attr="stripe_id")
    stripe_sandbox_id = Text(attr="stripe_sandbox_id")
    stripe_verification_session_id = Text(attr="stripe_verification_session_id")
    phone = Text(attr="phone")
    address1 = Text(attr="address1")
    address2 = Text(attr="address2")
    city = Text(attr="city")
    state = Text(attr="state")
    zip = Text(attr="zip_")
    country = Text(attr="country")


fields = CustomerFields()

CUSTOMERS = Endpoint(
    list_customers,
    # The array comes alone. The vendor has turned another list of the same version into an envelope: both are read.
    reader=RowReader(Customer.from_dict, key="id", items="results", total="total", bare=True),
    paging=OffsetLimit(largest=100),
    fields=fields,
)


class CustomerQuery(Query[Customer]):
    """Which customers, in which order, how many."""

    def where(self, *conditions: Condition, **filters: Unpack[CustomerFilters]) -> Self:
        """Keep the customers that match all of these.

        Args:
            conditions: Made of ``fields``.
            filters: What the API itself takes; see ``CustomerFilters``.

        Raises:
            FilterError: A name or value that the API does not have, or a condition that cannot be evaluated.
        """
        return self._where(conditions, filters)


class Customers(Collection[Customer, CustomerQuery]):
    """All customers that the token may see."""

    def where(self, *conditions: Condition, **filters: Unpack[CustomerFilters]) -> CustomerQuery:
        """See ``CustomerQuery.where``."""
        return self._query.where(*conditions, **filters)

    async def get(self, customer_id: str, /) -> Customer:
        """Get one customer by id.

        Raises:
            NotFound: There is none.
        """
        customer_id = checked_id("id", customer_id)
        return await self._one_with("id", customer_id, get_customer, customer_id)

    async def update(self, customer_id: str, /, **changes: Unpack[CustomerChanges]) -> Customer:
        """Change some fields of a customer. Other fields stay as they are; None is null.

        Args:
            customer_id: Its id.
            changes: The new values; see ``CustomerChanges``.

        Raises:
            FilterError: A name or value that the API does not have.
            NotFound: There is no such customer.
        """
        customer_id = checked_id("id", customer_id)
        body = checked_changes(CustomerChanges, changes)
        return await self._one_with("id", customer_id, update_customer, customer_id, body=body)


class SweetSpot(Client):
    """The Sweet Spot API, for the organisation that the token belongs to.

    Args:
        token: Defaults to the environment variable SWEETSPOT_TOKEN. A function, sync or async, is asked before each
            request, and once more after a 401.
        pace: The budget of requests. None is documented.
        options: See ``Client``.

    Raises:
        CredentialsError: The token is missing, empty or malformed.
        UsageError: An option is not valid.
    """

    def __init__(
        self,
        *,
        token: CredentialSource | None = None,
        pace: Pace | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        super().__init__(
            {"Authorization": Credential("token", token, "SWEETSPOT_TOKEN", prefix="Bearer ")},
            home=BASE_URL,
            pace=pace,
            **options,
        )

    @cached_property
    def customers(self) -> Customers:
        """All customers of the organisation."""
        return Customers(Reading(self._sender, CUSTOMERS), CustomerQuery)
