from __future__ import annotations

from typing import ClassVar

from ...runtime import OpenStr, member


class ErrorType(OpenStr):
    __slots__ = ()

    API_ERROR: ClassVar[ErrorType] = member("api_error")
    INVALID_REQUEST_ERROR: ClassVar[ErrorType] = member("invalid_request_error")
