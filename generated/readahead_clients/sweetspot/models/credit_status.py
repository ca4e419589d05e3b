from __future__ import annotations

from typing import ClassVar

from ...runtime import OpenStr, member


class CreditStatus(OpenStr):
    """How the latest credit check ended."""

    __slots__ = ()

    UNKNOWN: ClassVar[CreditStatus] = member("unknown")
    PASSED: ClassVar[CreditStatus] = member("passed")
    FAILED: ClassVar[CreditStatus] = member("failed")
