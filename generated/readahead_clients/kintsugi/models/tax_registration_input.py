from typing import Required, TypedDict

from .country import Country
from .tax_type import TaxType


class TaxRegistrationInput(TypedDict, total=False):
    """A tax registration of a customer."""

    id: Required[str]
    customer_id: Required[str]
    country_code: Required[Country | str]
    tax_type: Required[TaxType | str]
    tax_id: Required[str]
    is_valid: Required[bool]
