from __future__ import annotations

from typing import ClassVar

from ...runtime import OpenStr, member


class CustomerStatus(OpenStr):
    """Whether a customer is in use."""

    __slots__ = ()

    ACTIVE: ClassVar[CustomerStatus] = member("ACTIVE")
    ARCHIVED: ClassVar[CustomerStatus] = member("ARCHIVED")
