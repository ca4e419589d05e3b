from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import Row, read_datetime
from .credit_status import CreditStatus
from .identity_verification_status import IdentityVerificationStatus


@define
class Customer(Row):
    """A customer. It carries neither e-mail address nor name."""

    id: str
    """Public id."""
    created_at: datetime.datetime
    updated_at: datetime.datetime
    credit_status: CreditStatus
    user_id: int | str | None
    """Internal id of the user; newer endpoints use strings."""
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    country: str | None = None
    credit_ip_address: str | None = None
    credit_timestamp: str | None = None
    """When credit was checked; its format is not documented."""
    phone: str | None = None
    state: str | None = None
    stripe_id: str | None = None
    stripe_sandbox_id: str | None = None
    zip_: str | None = None
    identity_verification_status: IdentityVerificationStatus | None = None
    stripe_verification_session_id: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = cls.__new__(cls)
        try:
            count = len(data)
            if count < 18:
                data = _ABSENT | data
                count = len(data)
            row.id = data["id"]
            row.created_at = _created_at(data["createdAt"])
            row.updated_at = _updated_at(data["updatedAt"])
            row.credit_status = _credit_status[data["creditStatus"]]
            row.user_id = data["userId"]
            row.address1 = data["address1"]
            row.address2 = data["address2"]
            row.city = data["city"]
            row.country = data["country"]
            row.credit_ip_address = data["creditIpAddress"]
            row.credit_timestamp = data["creditTimestamp"]
            row.phone = data["phone"]
            row.state = data["state"]
            row.stripe_id = data["stripeId"]
            row.stripe_sandbox_id = data["stripeSandboxId"]
            row.zip_ = data["zip"]
            row.identity_verification_status = _identity_verification_status[data["identityVerificationStatus"]]
            row.stripe_verification_session_id = data["stripeVerificationSessionId"]
            row._unknown = None
        except (KeyError, TypeError):
            return cls._from_any(data)
        if count > 18:
            row._keep_rest(data)
        return row


_created_at = read_datetime
_updated_at = read_datetime
_credit_status = CreditStatus._readings
_identity_verification_status = IdentityVerificationStatus._readings
Customer._fields = {
    "id": ("id", None),
    "createdAt": ("created_at", read_datetime),
    "updatedAt": ("updated_at", read_datetime),
    "creditStatus": ("credit_status", CreditStatus.read),
    "userId": ("user_id", None),
    "address1": ("address1", None),
    "address2": ("address2", None),
    "city": ("city", None),
    "country": ("country", None),
    "creditIpAddress": ("credit_ip_address", None),
    "creditTimestamp": ("credit_timestamp", None),
    "phone": ("phone", None),
    "state": ("state", None),
    "stripeId": ("stripe_id", None),
    "stripeSandboxId": ("stripe_sandbox_id", None),
    "zip": ("zip_", None),
    "identityVerificationStatus": ("identity_verification_status", IdentityVerificationStatus.read),
    "stripeVerificationSessionId": ("stripe_verification_session_id", None),
}
_ABSENT: Any = dict.fromkeys(Customer._fields)
Customer._required = frozenset(
    {
        "id",
        "createdAt",
        "updatedAt",
        "creditStatus",
        "userId",
    }
)
