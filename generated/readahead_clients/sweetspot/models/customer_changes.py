from typing import TypedDict


class CustomerChanges(TypedDict, total=False):
    """What to change of a customer."""

    address1: str
    address2: str
    city: str
    country: str
    firstName: str
    lastName: str
    phone: str
    state: str
    zip: str
