from typing import TypedDict

from .address_status import AddressStatus
from .country import Country
from .customer_status import CustomerStatus
from .source import Source


class CustomerChanges(TypedDict, total=False):
    """What to change of a customer."""

    phone: str | None
    street_1: str | None
    street_2: str | None
    city: str | None
    county: str | None
    state: str | None
    postal_code: str | None
    country: Country | str | None
    full_address: str | None
    name: str | None
    status: CustomerStatus | str | None
    email: str | None
    source: Source | str | None
    address_status: AddressStatus | str
    external_id: str | None
    external_friendly_id: str | None
