from typing import Any, TypedDict

from ...runtime import by_wire_names


class CustomerChanges(TypedDict, total=False):
    """What to change of a customer."""

    address1: str
    """Street address."""
    address2: str
    """Second line of the street address."""
    city: str
    """City."""
    country: str
    """Country of the address."""
    first_name: str
    """First name."""
    last_name: str
    """Last name."""
    phone: str
    """Phone number."""
    state: str
    """State or province, as a code."""
    zip: str
    """Postal code."""


def write_customer_changes(body: Any) -> Any:
    return by_wire_names(body, NAMES, None)


NAMES: dict[str, tuple[str, Any]] = {
    "first_name": ("firstName", None),
    "last_name": ("lastName", None),
}
