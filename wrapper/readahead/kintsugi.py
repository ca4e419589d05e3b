"""Kintsugi: the customers of an organisation, for sales tax.

Source: the published reference of ``GET /v1/customers`` and its OpenAPI documents.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Self, TypedDict, Unpack

from readahead_clients.kintsugi.api.customers import (
    create_customer,
    get_customer,
    get_customer_by_external_id,
    list_customers,
    update_customer,
)
from readahead_clients.kintsugi.models import (
    AddressStatus,
    Country,
    Customer,
    CustomerChanges,
    CustomerStatus,
    NewCustomer,
    Source,
    TaxRegistration,
    TaxType,
)

from .collection import Collection, checked_body, checked_changes, checked_id
from .endpoint import Endpoint
from .filters import Choice, Condition, Fields, FullText, Text
from .http.client import Client, ClientOptions
from .http.credentials import Credential, CredentialSource
from .http.pacing import Pace
from .order import OrderBy
from .paging import PageNumber
from .query import Query
from .reading import Reading
from .rows import RowReader

__all__ = [
    "AddressStatus",
    "Country",
    "Customer",
    "CustomerChanges",
    "CustomerFields",
    "CustomerFilters",
    "CustomerQuery",
    "CustomerStatus",
    "Customers",
    "Kintsugi",
    "NewCustomer",
    "Source",
    "TaxRegistration",
    "TaxType",
    "fields",
]

BASE_URL = "https://api.trykintsugi.com"
BUDGET = Pace(10_000, per=60.0)


class CustomerFilters(TypedDict, total=False):
    """Keywords of ``where``. ``search`` looks in names and other details; of several countries or sources, any."""

    search: str
    country: Country | str | Iterable[Country | str]
    state: str
    source: Source | str | Iterable[Source | str]


class CustomerFields(Fields):
    """What conditions on customers are made of. With ``param``, the API is asked; with ``attr``, rows can tell."""

    search = FullText(param="search_query")
    country = Choice(Country, param="country", many=True, attr="country")
    state = Text(param="state", attr="state")
    source = Choice(Source, param="source_in", many="commas", attr="source")
    status = Choice(CustomerStatus, attr="status")
    address_status = Choice(AddressStatus, attr="address_status")
    id = Text(attr="id")
    external_id = Text(attr="external_id")
    external_friendly_id = Text(attr="external_friendly_id")
    connection_id = Text(attr="connection_id")
    organization_id = Text(attr="organization_id")
    registration_number = Text(attr="registration_number")
    name = Text(attr="name")
    email = Text(attr="email")
    phone = Text(attr="phone")
    street_1 = Text(attr="street_1")
    street_2 = Text(attr="street_2")
    city = Text(attr="city")
    county = Text(attr="county")
    postal_code = Text(attr="postal_code")
    full_address = Text(attr="full_address")


fields = CustomerFields()

CUSTOMERS = Endpoint(
    list_customers,
    reader=RowReader(Customer.from_dict, key="id", items="items", total="total", size="size"),
    paging=PageNumber(largest=100),
    fields=fields,
    # The document's own example; it lists no others, and no descending order for customers.
    order=OrderBy(("created_at", "street_1", "street_2", "city", "state", "postal_code", "country", "status")),
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
    """All customers of the organisation."""

    def where(self, *conditions: Condition, **filters: Unpack[CustomerFilters]) -> CustomerQuery:
        """See ``CustomerQuery.where``."""
        return self._query.where(*conditions, **filters)

    async def get(self, customer_id: str, /) -> Customer:
        """Get one customer by id.

        Raises:
            NotFound: There is none.
        """
        customer_id = checked_id("customer_id", customer_id)
        return await self._one_with("id", customer_id, get_customer, customer_id)

    async def get_by_external_id(self, external_id: str, /) -> Customer:
        """Get one customer by the id it has in your system.

        Raises:
            NotFound: There is none.
        """
        external_id = checked_id("external_id", external_id)
        return await self._one_with("external_id", external_id, get_customer_by_external_id, external_id)

    async def create(self, **customer: Unpack[NewCustomer]) -> Customer:
        """Create a customer. The request is sent once, and again only after 429.

        Args:
            customer: The fields of the new customer; see ``NewCustomer``.

        Raises:
            FilterError: A name or value that the API does not have.
            ReadaheadError: It failed; ``maybe_applied`` says whether the customer may exist all the same.
        """
        body = checked_body(NewCustomer, customer)
        return await self._one(create_customer, body=body)

    async def update(self, customer_id: str, /, **changes: Unpack[CustomerChanges]) -> Customer:
        """Change some fields of a customer. Other fields stay as they are; None is null.

        Args:
            customer_id: Its id.
            changes: The new values; see ``CustomerChanges``.

        Raises:
            FilterError: A name or value that the API does not have.
            NotFound: There is no such customer.
        """
        customer_id = checked_id("customer_id", customer_id)
        body = checked_changes(CustomerChanges, changes)
        return await self._one_with("id", customer_id, update_customer, customer_id, body=body)


class Kintsugi(Client):
    """The Kintsugi API, for one organisation.

    Args:
        api_key: Defaults to the environment variable KINTSUGI_API_KEY. A function, sync or async, is asked before each
            request, and once more after a 401.
        organization_id: Defaults to KINTSUGI_ORGANIZATION_ID.
        pace: The budget of requests; the default is the documented one, 10,000 in any 60 s. None lifts it.
        options: See ``Client``.

    Raises:
        CredentialsError: A credential is missing, empty or malformed.
        UsageError: An option is not valid.
    """

    def __init__(
        self,
        *,
        api_key: CredentialSource | None = None,
        organization_id: CredentialSource | None = None,
        pace: Pace | None = BUDGET,
        **options: Unpack[ClientOptions],
    ) -> None:
        super().__init__(
            {
                "X-API-KEY": Credential("api_key", api_key, "KINTSUGI_API_KEY"),
                "x-organization-id": Credential("organization_id", organization_id, "KINTSUGI_ORGANIZATION_ID"),
            },
            home=BASE_URL,
            pace=pace,
            **options,
        )

    @cached_property
    def customers(self) -> Customers:
        """All customers of the organisation."""
        return Customers(Reading(self._sender, CUSTOMERS), CustomerQuery)
