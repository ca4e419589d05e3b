from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import (
    Row,
    key_objects,
    new,
)
from .country import Country
from .tax_type import TaxType


@define
class TaxRegistration(Row):
    """A tax registration of a customer."""

    id: str
    """Id of the registration."""
    customer_id: str
    """Customer that is registered."""
    country_code: Country
    """ISO 3166-1 alpha-2 codes, and XK and ZZ_EU."""
    tax_type: TaxType
    """Kinds of tax."""
    tax_id: str
    """Number of the registration."""
    is_valid: bool
    """Whether the number is valid."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = new(cls)
        try:
            if len(data) == 6:
                try:
                    row.id = data[_KEY_id]
                    row.customer_id = data[_KEY_customer_id]
                    row.country_code = _country_code[data[_KEY_country_code]]
                    row.tax_type = _tax_type[data[_KEY_tax_type]]
                    row.tax_id = data[_KEY_tax_id]
                    row.is_valid = data[_KEY_is_valid]
                    row._unknown = None
                    return row
                except KeyError:  # the number of fields fits, their names do not
                    pass
            rest = {**data}
            row.id = rest.pop(_KEY_id, None)
            row.customer_id = rest.pop(_KEY_customer_id, None)
            row.country_code = _country_code[rest.pop(_KEY_country_code, None)]
            row.tax_type = _tax_type[rest.pop(_KEY_tax_type, None)]
            row.tax_id = rest.pop(_KEY_tax_id, None)
            row.is_valid = rest.pop(_KEY_is_valid, None)
            row._unknown = {**rest} if rest else None
            return row
        except (AttributeError, TypeError, ValueError):  # not as documented
            return cls._from_any(data)


_country_code = Country._readings
_tax_type = TaxType._readings
TaxRegistration.FIELDS = {
    "id": ("id", None),
    "customer_id": ("customer_id", None),
    "country_code": ("country_code", Country.read),
    "tax_type": ("tax_type", TaxType.read),
    "tax_id": ("tax_id", None),
    "is_valid": ("is_valid", None),
}
(
    _KEY_id,
    _KEY_customer_id,
    _KEY_country_code,
    _KEY_tax_type,
    _KEY_tax_id,
    _KEY_is_valid,
) = key_objects(TaxRegistration.FIELDS)
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
