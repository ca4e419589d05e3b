from typing import Required, TypedDict

from .country import Country
from .tax_type import TaxType


class TaxRegistrationInput(TypedDict, total=False):
    """A tax registration of a customer."""

    id: Required[str]
    """Id of the registration."""
    customer_id: Required[str]
    """Customer that is registered."""
    country_code: Required[Country | str]
    """ISO 3166-1 alpha-2 codes, and XK and ZZ_EU."""
    tax_type: Required[TaxType | str]
    """Kinds of tax."""
    tax_id: Required[str]
    """Number of the registration."""
    is_valid: Required[bool]
    """Whether the number is valid."""
