from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from ...runtime import (
    Row,
    datetime_of,
    key_objects,
    new,
    read_datetime,
)
from .credit_status import CreditStatus
from .identity_verification_status import IdentityVerificationStatus


@define
class Customer(Row):
    """A customer. It carries neither e-mail address nor name."""

    id: str
    """Public id."""
    created_at: datetime.datetime
    """When the customer was created."""
    updated_at: datetime.datetime
    """When the customer was last changed."""
    credit_status: CreditStatus
    """How the latest credit check ended."""
    user_id: int | str | None
    """Internal id of the user; newer endpoints use strings."""
    address1: str | None = None
    """Street address."""
    address2: str | None = None
    """Second line of the street address."""
    city: str | None = None
    """City."""
    country: str | None = None
    """Country of the address."""
    credit_ip_address: str | None = None
    """IP address from which credit was checked."""
    credit_timestamp: str | None = None
    """When credit was checked; its format is not documented."""
    phone: str | None = None
    """Phone number."""
    state: str | None = None
    """State or province, as a code."""
    stripe_id: str | None = None
    """Id of the customer at Stripe, in production."""
    stripe_sandbox_id: str | None = None
    """Id of the customer at Stripe, in its sandbox."""
    zip_: str | None = None
    """Postal code."""
    identity_verification_status: IdentityVerificationStatus | None = None
    """How far the identity has been verified."""
    stripe_verification_session_id: str | None = None
    """Id of the session at Stripe that verifies the identity."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        row = new(cls)
        try:
            if len(data) == 18:
                try:
                    row.id = data[_KEY_id]
                    row.created_at = (value := data[_KEY_created_at]) and _created_at(value)
                    row.updated_at = (value := data[_KEY_updated_at]) and _updated_at(value)
                    row.credit_status = _credit_status[data[_KEY_credit_status]]
                    row.user_id = data[_KEY_user_id]
                    row.address1 = data[_KEY_address1]
                    row.address2 = data[_KEY_address2]
                    row.city = data[_KEY_city]
                    row.country = data[_KEY_country]
                    row.credit_ip_address = data[_KEY_credit_ip_address]
                    row.credit_timestamp = data[_KEY_credit_timestamp]
                    row.phone = data[_KEY_phone]
                    row.state = data[_KEY_state]
                    row.stripe_id = data[_KEY_stripe_id]
                    row.stripe_sandbox_id = data[_KEY_stripe_sandbox_id]
                    row.zip_ = data[_KEY_zip_]
                    row.identity_verification_status = _identity_verification_status[
                        data[_KEY_identity_verification_status]
                    ]
                    row.stripe_verification_session_id = data[_KEY_stripe_verification_session_id]
                    row._unknown = None
                    return row
                except KeyError:  # the number of fields fits, their names do not
                    pass
            rest = {**data}
            row.id = rest.pop(_KEY_id, None)
            row.created_at = (value := rest.pop(_KEY_created_at, None)) and _created_at(value)
            row.updated_at = (value := rest.pop(_KEY_updated_at, None)) and _updated_at(value)
            row.credit_status = _credit_status[rest.pop(_KEY_credit_status, None)]
            row.user_id = rest.pop(_KEY_user_id, None)
            row.address1 = rest.pop(_KEY_address1, None)
            row.address2 = rest.pop(_KEY_address2, None)
            row.city = rest.pop(_KEY_city, None)
            row.country = rest.pop(_KEY_country, None)
            row.credit_ip_address = rest.pop(_KEY_credit_ip_address, None)
            row.credit_timestamp = rest.pop(_KEY_credit_timestamp, None)
            row.phone = rest.pop(_KEY_phone, None)
            row.state = rest.pop(_KEY_state, None)
            row.stripe_id = rest.pop(_KEY_stripe_id, None)
            row.stripe_sandbox_id = rest.pop(_KEY_stripe_sandbox_id, None)
            row.zip_ = rest.pop(_KEY_zip_, None)
            row.identity_verification_status = _identity_verification_status[
                rest.pop(_KEY_identity_verification_status, None)
            ]
            row.stripe_verification_session_id = rest.pop(_KEY_stripe_verification_session_id, None)
            row._unknown = {**rest} if rest else None
            return row
        except (AttributeError, TypeError, ValueError):  # not as documented
            return cls._from_any(data)


_created_at = datetime_of
_updated_at = datetime_of
_credit_status = CreditStatus._readings
_identity_verification_status = IdentityVerificationStatus._readings
Customer.FIELDS = {
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
(
    _KEY_id,
    _KEY_created_at,
    _KEY_updated_at,
    _KEY_credit_status,
    _KEY_user_id,
    _KEY_address1,
    _KEY_address2,
    _KEY_city,
    _KEY_country,
    _KEY_credit_ip_address,
    _KEY_credit_timestamp,
    _KEY_phone,
    _KEY_state,
    _KEY_stripe_id,
    _KEY_stripe_sandbox_id,
    _KEY_zip_,
    _KEY_identity_verification_status,
    _KEY_stripe_verification_session_id,
) = key_objects(Customer.FIELDS)
Customer._required = frozenset(
    {
        "id",
        "createdAt",
        "updatedAt",
        "creditStatus",
        "userId",
    }
)
