"""Stripe: the customers of an account. The id of the last row names the next page."""

from functools import cached_property
from typing import Self, TypedDict, Unpack

from readahead_clients.stripe.api.customers import list_customers
from readahead_clients.stripe.models import Customer

from readahead.endpoint import Endpoint
from readahead.filters import Condition, Fields, Number, Text
from readahead.http.client import Client, ClientOptions
from readahead.http.credentials import Credential, CredentialSource
from readahead.paging import LastId
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader


class CustomerFilters(TypedDict, total=False):
    """Keywords of ``where``."""

    email: str


class CustomerFields(Fields):
    """What conditions are made of. Times are seconds since 1970, as the API has them."""

    created = Number(attr="created", ge="created[gte]", gt="created[gt]", le="created[lte]", lt="created[lt]")
    email = Text(param="email", attr="email")
    name = Text(attr="name")
    balance = Number(attr="balance")


fields = CustomerFields()
CUSTOMERS = Endpoint(
    list_customers,
    reader=RowReader(Customer.from_dict, key="id", items="data", more="has_more"),
    paging=LastId(after="starting_after", size="limit", largest=100),
    fields=fields,
)


class Customers(Query[Customer]):
    def where(self, *conditions: Condition, **filters: Unpack[CustomerFilters]) -> Self:
        return self._where(conditions, filters)


class Stripe(Client):
    def __init__(self, *, key: CredentialSource | None = None, **options: Unpack[ClientOptions]) -> None:
        credential = Credential("key", key, "STRIPE_API_KEY", prefix="Bearer ")
        super().__init__({"Authorization": credential}, home="https://api.stripe.com", **options)

    @cached_property
    def customers(self) -> Customers:
        return Customers(Reading(self._sender, CUSTOMERS))
