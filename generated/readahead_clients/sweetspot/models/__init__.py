"""Rows, bodies and enumerations; each is imported on first use."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .credit_status import CreditStatus
    from .customer import Customer
    from .customer_changes import CustomerChanges
    from .customer_page import CustomerPage
    from .error import Error
    from .error_answer import ErrorAnswer
    from .error_type import ErrorType
    from .identity_verification_status import IdentityVerificationStatus
else:
    from importlib import import_module

    _MODULES = {
        "CreditStatus": ".credit_status",
        "Customer": ".customer",
        "CustomerChanges": ".customer_changes",
        "CustomerPage": ".customer_page",
        "Error": ".error",
        "ErrorAnswer": ".error_answer",
        "ErrorType": ".error_type",
        "IdentityVerificationStatus": ".identity_verification_status",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return sorted({*globals(), *_MODULES})


__all__ = (
    "CreditStatus",
    "Customer",
    "CustomerChanges",
    "CustomerPage",
    "Error",
    "ErrorAnswer",
    "ErrorType",
    "IdentityVerificationStatus",
)
