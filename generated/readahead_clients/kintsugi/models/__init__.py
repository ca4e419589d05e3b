"""Rows, bodies and enumerations; each is imported on first use."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .address_status import AddressStatus
    from .country import Country
    from .customer import Customer
    from .customer_changes import CustomerChanges
    from .customer_page import CustomerPage
    from .customer_status import CustomerStatus
    from .error import Error
    from .invalid_request import InvalidRequest
    from .invalid_request_item import InvalidRequestItem
    from .new_customer import NewCustomer
    from .source import Source
    from .tax_registration import TaxRegistration
    from .tax_registration_input import TaxRegistrationInput
    from .tax_type import TaxType
else:
    from importlib import import_module

    _MODULES = {
        "AddressStatus": ".address_status",
        "Country": ".country",
        "Customer": ".customer",
        "CustomerChanges": ".customer_changes",
        "CustomerPage": ".customer_page",
        "CustomerStatus": ".customer_status",
        "Error": ".error",
        "InvalidRequest": ".invalid_request",
        "InvalidRequestItem": ".invalid_request_item",
        "NewCustomer": ".new_customer",
        "Source": ".source",
        "TaxRegistration": ".tax_registration",
        "TaxRegistrationInput": ".tax_registration_input",
        "TaxType": ".tax_type",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return sorted({*globals(), *_MODULES})


__all__ = (
    "AddressStatus",
    "Country",
    "Customer",
    "CustomerChanges",
    "CustomerPage",
    "CustomerStatus",
    "Error",
    "InvalidRequest",
    "InvalidRequestItem",
    "NewCustomer",
    "Source",
    "TaxRegistration",
    "TaxRegistrationInput",
    "TaxType",
)
