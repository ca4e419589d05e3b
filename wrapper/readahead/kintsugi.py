"""Kintsugi: the customers of an organisation, for sales tax.

Source: the published reference of ``GET /v1/customers`` and its OpenAPI documents.
"""

from collections.abc import Iterable
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
from .http.credentials import credential
from .http.pacing import Pace
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
    """Keywords of ``where``. search: in names and other details. Of several countries or sources, any."""

    search: str
    country: Country | str | Iterable[Country | str]
    state: str
    source: Source | str | Iterable[Source | str]


class CustomerFields(Fields):
    """What conditions on customers are made of. With ``param``, the API is asked; the others are evaluated on rows."""

    search = FullText(param="search_query")
    country = Choice(Country, param="country", many="repeated", attr="country")
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
    orders=("created_at", "street_1", "street_2", "city", "state", "postal_code", "country", "status"),
)


class CustomerQuery(Query[Customer]):
    """A listing of customers."""

    def where(self, *conditions: Condition, **filters: Unpack[CustomerFilters]) -> Self:
        """Only customers that match all of these: conditions made of ``fields``, and keywords. Raises FilterError."""
        return self._where(conditions, filters)


class Customers(Collection[Customer, CustomerQuery]):
    """All customers: a query, and what can be done with one customer."""

    def where(self, *conditions: Condition, **filters: Unpack[CustomerFilters]) -> CustomerQuery:
        """See ``CustomerQuery.where``."""
        return self._query.where(*conditions, **filters)

    async def get(self, customer_id: str, /) -> Customer:
        """One customer by id. Raises NotFound."""
        customer_id = checked_id("customer_id", customer_id)
        return await self._one(get_customer, customer_id)

    async def get_by_external_id(self, external_id: str, /) -> Customer:
        """One customer by the id it has in your system. Raises NotFound."""
        external_id = checked_id("external_id", external_id)
        return await self._one(get_customer_by_external_id, external_id)

    async def create(self, **customer: Unpack[NewCustomer]) -> Customer:
        """A new customer. Sent once: never repeated, except after 429. See ``maybe_applied`` of what it raises."""
        body = checked_body(NewCustomer, customer)
        return await self._one(create_customer, body=body)

    async def update(self, customer_id: str, /, **changes: Unpack[CustomerChanges]) -> Customer:
        """Changes what is given and nothing else; None is null. Raises NotFound."""
        customer_id = checked_id("customer_id", customer_id)
        body = checked_changes(CustomerChanges, changes)
        return await self._one(update_customer, customer_id, body=body)


class Kintsugi(Client):
    """The Kintsugi API, for one organisation.

    api_key, organization_id: default to KINTSUGI_API_KEY and KINTSUGI_ORGANIZATION_ID. pace: the documented budget of
    10,000 requests in any 60 s; None lifts it. The rest: see ``Client``.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        organization_id: str | None = None,
        base_url: str = BASE_URL,
        pace: Pace | None = BUDGET,
        **options: Unpack[ClientOptions],
    ) -> None:
        super().__init__(
            {
                "X-API-KEY": credential("api_key", api_key, "KINTSUGI_API_KEY", base_url=base_url, home=BASE_URL),
                "x-organization-id": credential(
                    "organization_id", organization_id, "KINTSUGI_ORGANIZATION_ID", base_url=base_url, home=BASE_URL
                ),
            },
            base_url=base_url,
            pace=pace,
            **options,
        )
        self.customers: Customers = Customers(Reading(self._sender, CUSTOMERS), CustomerQuery)
