from typing import TypedDict

from .address_status import AddressStatus
from .country import Country
from .customer_status import CustomerStatus
from .source import Source


class NewCustomer(TypedDict, total=False):
    """A customer to create."""

    phone: str | None
    """Phone number."""
    street_1: str | None
    """Street address."""
    street_2: str | None
    """Second line of the street address."""
    city: str | None
    """City."""
    county: str | None
    """County."""
    state: str | None
    """State or province, as a code."""
    postal_code: str | None
    """Postal code."""
    country: Country | str | None
    """Country of the address."""
    full_address: str | None
    """The address in one text."""
    name: str | None
    """Name."""
    external_id: str | None
    """Id that the customer has in the system it comes from."""
    status: CustomerStatus | str
    """Whether a customer is in use."""
    email: str | None
    """E-mail address."""
    source: Source | str | None
    """System that the record comes from."""
    connection_id: str | None
    """Id of the connection to that system."""
    address_status: AddressStatus | str
    """How far an address has been verified."""
    registration_number: str | None
    """Number that the customer is registered under."""
    external_friendly_id: str | None
    """Id that people know the customer by in the system it comes from."""
    customer_tax_registrations: "list[TaxRegistrationInput]"
    """Where the customer is registered for taxes, and under which numbers."""


from .tax_registration_input import TaxRegistrationInput
