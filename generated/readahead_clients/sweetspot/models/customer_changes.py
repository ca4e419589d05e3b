from typing import Any, TypedDict

from ...runtime import by_wire_names


class CustomerChanges(TypedDict, total=False):
    """What to change of a customer."""

    address1: str
    address2: str
    city: str
    country: str
    first_name: str
    last_name: str
    phone: str
    state: str
    zip: str


def write_customer_changes(body: Any) -> Any:
    return by_wire_names(body, _NAMES, None)


_NAMES: dict[str, tuple[str, Any]] = {
    "first_name": ("firstName", None),
    "last_name": ("lastName", None),
}
