from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row
from .country import Country
from .tax_type import TaxType


@define
class TaxRegistration(Row):
    """A tax registration of a customer."""

    id: str
    customer_id: str
    country_code: Country
    tax_type: TaxType
    tax_id: str
    is_valid: bool

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = cls.__new__(cls)
        try:
            count = len(data)
            if count < 6:
                data = _ABSENT | data
                count = len(data)
            row.id = data["id"]
            row.customer_id = data["customer_id"]
            row.country_code = _country_code[data["country_code"]]
            row.tax_type = _tax_type[data["tax_type"]]
            row.tax_id = data["tax_id"]
            row.is_valid = data["is_valid"]
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if count > 6:
            row._keep_rest(data)
        return row


_country_code = Country._readings
_tax_type = TaxType._readings
TaxRegistration._fields = {
    "id": ("id", None),
    "customer_id": ("customer_id", None),
    "country_code": ("country_code", Country.read),
    "tax_type": ("tax_type", TaxType.read),
    "tax_id": ("tax_id", None),
    "is_valid": ("is_valid", None),
}
_ABSENT: Any = dict.fromkeys(TaxRegistration._fields)
TaxRegistration._required = frozenset(
    {
        "id",
        "customer_id",
        "country_code",
        "tax_type",
        "tax_id",
        "is_valid",
    }
)
