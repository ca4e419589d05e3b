from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row, list_of
from .address_status import AddressStatus
from .country import Country
from .customer_status import CustomerStatus
from .source import Source


@define
class Customer(Row):
    """A customer."""

    id: str
    organization_id: str
    phone: str | None = None
    street_1: str | None = None
    street_2: str | None = None
    city: str | None = None
    county: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: Country | None = None
    full_address: str | None = None
    name: str | None = None
    external_id: str | None = None
    status: CustomerStatus | None = None
    """Whether a customer is in use."""
    email: str | None = None
    source: Source | None = None
    connection_id: str | None = None
    address_status: AddressStatus | None = None
    """How far an address has been verified."""
    registration_number: str | None = None
    external_friendly_id: str | None = None
    customer_tax_registrations: list[TaxRegistration] | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        try:
            if len(data) == 21:
                return cls(
                    data["id"],
                    data["organization_id"],
                    data["phone"],
                    data["street_1"],
                    data["street_2"],
                    data["city"],
                    data["county"],
                    data["state"],
                    data["postal_code"],
                    _country[data["country"]],
                    data["full_address"],
                    data["name"],
                    data["external_id"],
                    _status[data["status"]],
                    data["email"],
                    _source[data["source"]],
                    data["connection_id"],
                    _address_status[data["address_status"]],
                    data["registration_number"],
                    data["external_friendly_id"],
                    _customer_tax_registrations(data["customer_tax_registrations"]),
                )
        except (KeyError, TypeError):
            pass  # not as documented
        return cls._from_any(data)


from .tax_registration import TaxRegistration

_country = Country._readings
_status = CustomerStatus._readings
_source = Source._readings
_address_status = AddressStatus._readings
_customer_tax_registrations = list_of(TaxRegistration._read)
Customer._fields = {
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
Customer._required = frozenset(
    {
        "id",
        "organization_id",
    }
)
