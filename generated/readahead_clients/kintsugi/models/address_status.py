from __future__ import annotations

from typing import ClassVar

from ...runtime import OpenStr, member


class AddressStatus(OpenStr):
    """How far an address has been verified."""

    __slots__ = ()

    UNVERIFIED: ClassVar[AddressStatus] = member("UNVERIFIED")
    INVALID: ClassVar[AddressStatus] = member("INVALID")
    PARTIALLY_VERIFIED: ClassVar[AddressStatus] = member("PARTIALLY_VERIFIED")
    VERIFIED: ClassVar[AddressStatus] = member("VERIFIED")
    UNVERIFIABLE: ClassVar[AddressStatus] = member("UNVERIFIABLE")
    BLANK: ClassVar[AddressStatus] = member("BLANK")
