from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import (
    Row,
    key_objects,
    list_of,
    new,
)
from .address_status import AddressStatus
from .country import Country
from .customer_status import CustomerStatus
from .source import Source


@define
class Customer(Row):
    """A customer."""

    id: str
    """Id of the customer."""
    organization_id: str
    """Organisation that the customer belongs to."""
    phone: str | None = None
    """Phone number."""
    street_1: str | None = None
    """Street address."""
    street_2: str | None = None
    """Second line of the street address."""
    city: str | None = None
    """City."""
    county: str | None = None
    """County."""
    state: str | None = None
    """State or province, as a code."""
    postal_code: str | None = None
    """Postal code."""
    country: Country | None = None
    """Country of the address."""
    full_address: str | None = None
    """The address in one text."""
    name: str | None = None
    """Name."""
    external_id: str | None = None
    """Id that the customer has in the system it comes from."""
    status: CustomerStatus | None = None
    """Whether a customer is in use."""
    email: str | None = None
    """E-mail address."""
    source: Source | None = None
    """System that the record comes from."""
    connection_id: str | None = None
    """Id of the connection to that system."""
    address_status: AddressStatus | None = None
    """How far an address has been verified."""
    registration_number: str | None = None
    """Number that the customer is registered under."""
    external_friendly_id: str | None = None
    """Id that people know the customer by in the system it comes from."""
    customer_tax_registrations: list[TaxRegistration] | None = None
    """Where the customer is registered for taxes, and under which numbers."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = new(cls)
        try:
            if len(data) == 21:
                try:
                    row.id = data[_KEY_id]
                    row.organization_id = data[_KEY_organization_id]
                    row.phone = data[_KEY_phone]
                    row.street_1 = data[_KEY_street_1]
                    row.street_2 = data[_KEY_street_2]
                    row.city = data[_KEY_city]
                    row.county = data[_KEY_county]
                    row.state = data[_KEY_state]
                    row.postal_code = data[_KEY_postal_code]
                    row.country = _country[data[_KEY_country]]
                    row.full_address = data[_KEY_full_address]
                    row.name = data[_KEY_name]
                    row.external_id = data[_KEY_external_id]
                    row.status = _status[data[_KEY_status]]
                    row.email = data[_KEY_email]
                    row.source = _source[data[_KEY_source]]
                    row.connection_id = data[_KEY_connection_id]
                    row.address_status = _address_status[data[_KEY_address_status]]
                    row.registration_number = data[_KEY_registration_number]
                    row.external_friendly_id = data[_KEY_external_friendly_id]
                    row.customer_tax_registrations = (
                        value := data[_KEY_customer_tax_registrations]
                    ) and _customer_tax_registrations(value)
                    row._unknown = None
                    return row
                except KeyError:  # the number of fields fits, their names do not
                    pass
            rest = {**data}
            row.id = rest.pop(_KEY_id, None)
            row.organization_id = rest.pop(_KEY_organization_id, None)
            row.phone = rest.pop(_KEY_phone, None)
            row.street_1 = rest.pop(_KEY_street_1, None)
            row.street_2 = rest.pop(_KEY_street_2, None)
            row.city = rest.pop(_KEY_city, None)
            row.county = rest.pop(_KEY_county, None)
            row.state = rest.pop(_KEY_state, None)
            row.postal_code = rest.pop(_KEY_postal_code, None)
            row.country = _country[rest.pop(_KEY_country, None)]
            row.full_address = rest.pop(_KEY_full_address, None)
            row.name = rest.pop(_KEY_name, None)
            row.external_id = rest.pop(_KEY_external_id, None)
            row.status = _status[rest.pop(_KEY_status, None)]
            row.email = rest.pop(_KEY_email, None)
            row.source = _source[rest.pop(_KEY_source, None)]
            row.connection_id = rest.pop(_KEY_connection_id, None)
            row.address_status = _address_status[rest.pop(_KEY_address_status, None)]
            row.registration_number = rest.pop(_KEY_registration_number, None)
            row.external_friendly_id = rest.pop(_KEY_external_friendly_id, None)
            row.customer_tax_registrations = (
                value := rest.pop(_KEY_customer_tax_registrations, None)
            ) and _customer_tax_registrations(value)
            row._unknown = {**rest} if rest else None
            return row
        except (AttributeError, TypeError, ValueError):  # not as documented
            return cls._from_any(data)


from .tax_registration import TaxRegistration

_country = Country._readings
_status = CustomerStatus._readings
_source = Source._readings
_address_status = AddressStatus._readings
_customer_tax_registrations = list_of(TaxRegistration._read)
Customer.FIELDS = {
    "id": ("id", None),
    "organization_id": ("organization_id", None),
    "phone": ("phone", None),
    "street_1": ("street_1", None),
    "street_2": ("street_2", None),
    "city": ("city", None),
    "county": ("county", None),
    "state": ("state", None),
    "postal_code": ("postal_code", None),
    "country": ("country", Country.read),
    "full_address": ("full_address", None),
    "name": ("name", None),
    "external_id": ("external_id", None),
    "status": ("status", CustomerStatus.read),
    "email": ("email", None),
    "source": ("source", Source.read),
    "connection_id": ("connection_id", None),
    "address_status": ("address_status", AddressStatus.read),
    "registration_number": ("registration_number", None),
    "external_friendly_id": ("external_friendly_id", None),
    "customer_tax_registrations": ("customer_tax_registrations", list_of(TaxRegistration._read)),
}
(
    _KEY_id,
    _KEY_organization_id,
    _KEY_phone,
    _KEY_street_1,
    _KEY_street_2,
    _KEY_city,
    _KEY_county,
    _KEY_state,
    _KEY_postal_code,
    _KEY_country,
    _KEY_full_address,
    _KEY_name,
    _KEY_external_id,
    _KEY_status,
    _KEY_email,
    _KEY_source,
    _KEY_connection_id,
    _KEY_address_status,
    _KEY_registration_number,
    _KEY_external_friendly_id,
    _KEY_customer_tax_registrations,
) = key_objects(Customer.FIELDS)
Customer._required = frozenset(
    {
        "id",
        "organization_id",
    }
)
