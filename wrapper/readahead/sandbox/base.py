"""What every sandbox has, whatever it serves."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Self

from starlette.types import ASGIApp

from .faults import Faults
from .server import LOOPBACK, serving
from .service import Recorded, Traffic

__all__ = ["IN_PROCESS", "Box", "checked_faults", "checked_rows"]

#: The base URL of clients that are connected in process.
IN_PROCESS: Final = "http://127.0.0.1"


class Box:
    """What every sandbox has: an application, and a log of its requests.

    Attributes:
        app: The ASGI application.
    """

    app: ASGIApp

    def __init__(self, *apis: str) -> None:
        self._traffic = Traffic(dict.fromkeys(apis, 0))

    def serve(self, port: int = 0, *, host: str = LOOPBACK) -> AbstractContextManager[str]:
        """Serve while the block runs: ``with sandbox.serve() as url``.

        The server runs in its own thread, so any code can use it, async or not. Of the two built-in APIs Kintsugi is
        at ``url + "/kintsugi"``, Sweet Spot at ``url + "/sweetspot"``.

        Args:
            port: Port to listen on; 0 picks a free one.
            host: Address or name to listen on, this machine alone by default. ``0.0.0.0`` is reached from other
                machines and containers, by the names they have for this one.

        Raises:
            OSError: The port is taken, or this machine has no such address.
        """
        return serving(self.app, port, host)

    def close(self) -> None:
        """Let go of what the sandbox holds."""

    @property
    def requests(self) -> list[Recorded]:
        """The latest 100,000 requests, in order of arrival; a copy."""
        return list(self._traffic.requests)

    @property
    def in_flight(self) -> Mapping[str, int]:
        """The number of requests in progress, by API: ``"kintsugi"``, ``"sweetspot"``, or ``name``."""
        return dict(self._traffic.in_flight)

    @property
    def peak(self) -> Mapping[str, int]:
        """The largest number of concurrent requests, by API, since the start or the last ``forget()``."""
        return dict(self._traffic.peak)

    def forget(self) -> None:
        """Clear the log of requests and reset the peaks."""
        self._traffic.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def checked_rows(name: str, rows: object) -> None:
    if isinstance(rows, bool) or not isinstance(rows, int):
        raise TypeError(f"{name} must be a whole number, not {type(rows).__name__}")
    if rows < 0:
        raise ValueError(f"{name} must not be negative, and is {rows}")


def checked_faults(faults: object) -> Faults:
    if not isinstance(faults, Faults | None):
        raise TypeError(f"faults must be Faults(...) or None, not {type(faults).__name__}")
    return faults if faults is not None else Faults()
