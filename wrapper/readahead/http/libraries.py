"""The HTTP libraries that requests can be sent with. Each is imported when it is used."""
# ruff: noqa: PLC0415
# Importing this module stays cheap: httpx, aiohttp and whatever else takes long to import is imported on use.

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from ..errors import RequestError, UsageError
from .request import Request
from .secret import Hidden, Secret

if TYPE_CHECKING:
    import aiohttp
    import httpx
    import httpx2

    HTTPClient: TypeAlias = httpx.AsyncClient | httpx2.AsyncClient | aiohttp.ClientSession

__all__ = ["Adapter", "HTTPClient", "adapter_of", "checked_http", "checked_http_client", "client_for_app", "library_of"]

_LIBRARIES = {"httpx": "AsyncClient", "httpx2": "AsyncClient", "aiohttp": "ClientSession"}


class Adapter(Protocol):
    """One HTTP library, ready to send to one origin."""

    @property
    def errors(self) -> Mapping[type[Exception], type[RequestError]]:
        """The library's exceptions, and the error of ours that each becomes."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether its connections are closed for good."""
        ...

    def prepare(self, headers: Mapping[str, str | Secret], timeout: float) -> Hidden[Any]:
        """Return headers and timeout in the form in which ``send`` takes them; many requests share them.

        Raises:
            UsageError: The user's client would replace one of these headers.
        """
        ...

    async def send(
        self, prepared: Hidden[Any], request: Request, max_response: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send a request once. Return status, headers in lower case, and the body.

        Args:
            prepared: What ``prepare`` returned.
            request: What to send, to the base URL.
            max_response: Bytes that the body may have.

        Raises:
            BodyFault: The body is larger than ``max_response`` bytes, or cannot be decompressed.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


def client_for_app(app: Any) -> "httpx.AsyncClient":
    """Return an HTTP client that calls an ASGI application in this process, over no socket."""
    import httpx

    return httpx.AsyncClient(transport=httpx.ASGITransport(app))


def checked_http(http: object) -> str:
    """Return the name of an HTTP library that is installed.

    Raises:
        UsageError: It is not one that we can send with, or not installed.
    """
    if http not in ("httpx", "aiohttp"):
        raise UsageError(f"http must be 'httpx' or 'aiohttp', not {http!r}")
    try:
        adapter_of(str(http)) if http != "httpx" else None
    except ImportError:
        raise UsageError(f"http={http!r} needs a package: pip install 'readahead[{http}]'") from None
    return str(http)


def checked_http_client(client: object) -> "HTTPClient | None":
    """Return a client to send with, or None.

    Raises:
        UsageError: It is of no library that we can send with.
    """
    if client is not None and library_of(client) is None:
        raise UsageError(
            "http_client must be an httpx.AsyncClient, httpx2.AsyncClient or aiohttp.ClientSession, "
            f"not {type(client).__name__}"
        )
    return cast("HTTPClient | None", client)


def library_of(client: object) -> str | None:
    """The library whose client this is. Whoever has a client of a library has imported it."""
    for name, cls in _LIBRARIES.items():
        if name in sys.modules and isinstance(client, getattr(sys.modules[name], cls)):
            return name
    return None


def adapter_of(library: str | None) -> Any:
    """The module that adapts a library."""
    if library == "aiohttp":
        from . import aiohttp_adapter

        return aiohttp_adapter
    from . import httpx_adapter

    return httpx_adapter
