from typing import TypedDict

from .address_status import AddressStatus
from .country import Country
from .customer_status import CustomerStatus
from .source import Source


class NewCustomer(TypedDict, total=False):
    """A customer to create."""

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
    external_id: str | None
    status: CustomerStatus | str
    email: str | None
    source: Source | str | None
    connection_id: str | None
    address_status: AddressStatus | str
    registration_number: str | None
    external_friendly_id: str | None
    customer_tax_registrations: "list[TaxRegistrationInput]"


from .tax_registration_input import TaxRegistrationInput
