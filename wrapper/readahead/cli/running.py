"""Runs one command: Ctrl-C and SIGTERM stop it within a second, and what fails becomes one line and an exit status."""

import asyncio
import os
import signal
import socket
import sys
import threading
import traceback
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self, cast

from ..errors import ReadaheadError, UsageError, escaped
from .meter import Meter

__all__ = ["FAILED", "INCOMPLETE", "WRONG_USAGE", "as_options", "fail", "failed", "quiet_broken_pipe", "run"]

FAILED, WRONG_USAGE, INCOMPLETE = 1, 2, 3
BROKEN_PIPE = 128 + 13  # as the shell shows a program that SIGPIPE ended
ARGUMENTS = {  # of functions, as messages name them, and the options that they are here
    "adopt=True": "--adopt",
    "gone='keep'": "--gone keep",
    "insecure=True": "--insecure",
    "most_gone=": "--most-gone ",
    "on_bad_row='skip'": "--on-bad-row skip",
    "pass confirm": "pass --confirm",
    "restart=True": "--restart",
}
GRACE = 0.8  # seconds to stop in; then the process ends at once


def run(work: Callable[[], Coroutine[Any, Any, int]], meter: Meter, *, debug: bool = False) -> int:
    """Run a command to its end, and return its exit status.

    Args:
        work: The command.
        meter: Shows how far it is.
        debug: Whether an error shows its traceback.
    """
    with Stop(meter.farewell) as stop, warnings.catch_warnings():
        warnings.showwarning = meter.show_warning
        try:
            with meter:
                return asyncio.run(stop.watched(work))
        except BaseException as error:  # noqa: BLE001  a command ends with a status
            if stop.number is not None:
                stop.say_farewell()
                return 128 + stop.number
            return failed(error, debug=debug)


def failed(error: BaseException, *, debug: bool = False) -> int:
    """Say what is wrong on standard error, and return the exit status."""
    if isinstance(error, BrokenPipeError):
        return quiet_broken_pipe()
    if isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT
    if debug:
        traceback.print_exception(error)
    if isinstance(error, BaseExceptionGroup):
        return max(map(failed, cast("BaseExceptionGroup[BaseException]", error).exceptions))
    return fail(_said(error), WRONG_USAGE if isinstance(error, UsageError) else FAILED)


def fail(reason: str, status: int = FAILED) -> int:
    """Say on standard error why a command fails, and return its exit status."""
    with suppress(OSError):
        print(f"readahead: {reason}", file=sys.stderr, flush=True)
    return status


def quiet_broken_pipe() -> int:
    """Return the exit status for a reader that is gone; what is left to write is dropped without a word."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def as_options(text: str) -> str:
    """Name in a message the options of commands in place of the arguments of functions."""
    for argument, option in ARGUMENTS.items():
        text = text.replace(argument, option)
    return text


def _said(error: BaseException) -> str:
    if isinstance(error, ReadaheadError):
        return "\n".join([as_options(str(error)), *getattr(error, "__notes__", ())])
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(filter(None, [escaped(str(error.filename or "")), error.strerror]))
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed: {escaped(str(error))}"
    return f"unexpected {type(error).__name__}: {escaped(str(error))}; --debug shows where"


class Stop:
    """Ctrl-C and SIGTERM: the first cancels the work; a second one, or time, ends the process.

    Signals arrive on a socket that a thread reads: so also a main thread that is busy in a library is stopped. Ending
    at once is safe, since a copy survives being killed at any moment.
    """

    def __init__(self, farewell: Callable[[], None]) -> None:
        self.number: int | None = None
        self._farewell, self._said = farewell, threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._receive, self._send = socket.socketpair()
        self._previous: dict[int, Any] = {}
        self._previous_fd = -1

    async def watched(self, work: Callable[[], Awaitable[int]]) -> int:
        """Do the work as something that a signal cancels."""
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        if self.number is not None:
            raise asyncio.CancelledError
        return await work()

    def say_farewell(self) -> None:
        """Say how to go on, once."""
        if self._said.acquire(blocking=False):
            self._farewell()

    def __enter__(self) -> Self:
        def noted(_number: int, _frame: FrameType | None) -> None:
            """Do nothing: the thread has it already."""

        self._send.setblocking(False)
        self._previous_fd = signal.set_wakeup_fd(self._send.fileno(), warn_on_full_buffer=False)
        self._previous = {number: signal.signal(number, noted) for number in (signal.SIGINT, signal.SIGTERM)}
        threading.Thread(target=self._listen, name="signals", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.number is not None:
            return  # the thread sees to it that the process ends
        signal.set_wakeup_fd(self._previous_fd)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._send.send(b"\0")

    def _listen(self) -> None:
        ends = {0, int(signal.SIGINT), int(signal.SIGTERM)}
        while (number := self._next(None)) not in ends:
            pass
        if not number:  # the command has ended by itself
            self._receive.close()
            self._send.close()
            return
        self.number = number
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._next(GRACE)
        farewell = threading.Thread(target=self.say_farewell, daemon=True)
        farewell.start()
        farewell.join(0.1)  # a terminal that is held takes no line
        os._exit(128 + number)

    def _next(self, seconds: float | None) -> int | None:
        """Wait for a signal, and return its number; None: none came in time."""
        self._receive.settimeout(seconds)
        try:
            return self._receive.recv(1)[0]
        except TimeoutError:
            return None
