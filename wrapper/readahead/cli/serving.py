"""``readahead sandbox``: both APIs on this machine, until it is told to stop."""

import signal
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType

from .running import WRONG_USAGE, fail

__all__ = ["serve"]


def serve(*, port: int, host: str, rows: int, latency: float, path: Path | None, faults: Sequence[str]) -> int:
    """Serve until Ctrl-C or SIGTERM, and return the exit status."""
    try:
        from ..sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Faults, Sandbox  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"starlette", "uvicorn"}:
            raise
        return fail("the sandbox needs an extra: pip install 'readahead[sandbox]'")

    try:
        parsed = Faults.parse(faults)
    except ValueError as error:
        return fail(f"argument --fault: {error}", WRONG_USAGE)
    try:
        with (
            _stop_signals() as stop,
            Sandbox(kintsugi_rows=rows, sweetspot_rows=rows, path=path, latency=latency, faults=parsed) as sandbox,
            sandbox.serve(port, host=host) as url,
        ):
            print(f"Kintsugi    {url}/kintsugi    X-API-KEY: {API_KEY}, x-organization-id: {ORGANIZATION_ID}")
            print(f"Sweet Spot  {url}/sweetspot   Authorization: Bearer {TOKEN}", flush=True)
            stop.wait()
    except sqlite3.Error as error:
        return fail(f"cannot keep customers in {path}: {error}")
    except BrokenPipeError:
        raise
    except OSError as error:
        return fail(f"cannot serve on {host}, port {port}: {error.strerror}")
    return 0


@contextmanager
def _stop_signals() -> Generator[Event]:
    """Yield an event that Ctrl-C and SIGTERM set; the previous handlers return when the block exits."""
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
