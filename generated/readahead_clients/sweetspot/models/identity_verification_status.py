from __future__ import annotations

from typing import ClassVar

from ...runtime import OpenStr, member


class IdentityVerificationStatus(OpenStr):
    """How far the identity has been verified."""

    __slots__ = ()

    NONE: ClassVar[IdentityVerificationStatus] = member("none")
    PENDING: ClassVar[IdentityVerificationStatus] = member("pending")
    PROCESSING: ClassVar[IdentityVerificationStatus] = member("processing")
    VERIFIED: ClassVar[IdentityVerificationStatus] = member("verified")
    FAILED: ClassVar[IdentityVerificationStatus] = member("failed")
