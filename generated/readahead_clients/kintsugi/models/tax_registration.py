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
    """ISO 3166-1 alpha-2 codes, XK (Kosovo) and ZZ_EU (European Union)."""
    tax_type: TaxType
    """Kinds of tax."""
    tax_id: str
    is_valid: bool

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        try:
            if len(data) == 6:
                return cls(
                    data["id"],
                    data["customer_id"],
                    _country_code[data["country_code"]],
                    _tax_type[data["tax_type"]],
                    data["tax_id"],
                    data["is_valid"],
                )
        except (KeyError, TypeError):
            pass  # not as documented
        return cls._from_any(data)


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
