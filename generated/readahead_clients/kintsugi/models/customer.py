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
    email: str | None = None
    source: Source | None = None
    connection_id: str | None = None
    address_status: AddressStatus | None = None
    registration_number: str | None = None
    external_friendly_id: str | None = None
    customer_tax_registrations: list[TaxRegistration] | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = cls.__new__(cls)
        try:
            count = len(data)
            if count < 21:
                data = _ABSENT | data
                count = len(data)
            row.id = data["id"]
            row.organization_id = data["organization_id"]
            row.phone = data["phone"]
            row.street_1 = data["street_1"]
            row.street_2 = data["street_2"]
            row.city = data["city"]
            row.county = data["county"]
            row.state = data["state"]
            row.postal_code = data["postal_code"]
            row.country = _country[data["country"]]
            row.full_address = data["full_address"]
            row.name = data["name"]
            row.external_id = data["external_id"]
            row.status = _status[data["status"]]
            row.email = data["email"]
            row.source = _source[data["source"]]
            row.connection_id = data["connection_id"]
            row.address_status = _address_status[data["address_status"]]
            row.registration_number = data["registration_number"]
            row.external_friendly_id = data["external_friendly_id"]
            row.customer_tax_registrations = data["customer_tax_registrations"] and _customer_tax_registrations(
                data["customer_tax_registrations"]
            )
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if count > 21:
            row._keep_rest(data)
        return row


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
_ABSENT: Any = dict.fromkeys(Customer._fields)
Customer._required = frozenset(
    {
        "id",
        "organization_id",
    }
)
