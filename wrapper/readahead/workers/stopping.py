"""Whether this worker process was told to stop: taskiq waits for the tasks that run, and does not tell them."""

import signal
from collections.abc import Callable
from threading import current_thread, main_thread
from types import FrameType
from typing import Final

__all__ = ["is_stopping", "notice_signals"]

_told: Final = set[int]()
_noticed: Final = set[int]()


def is_stopping() -> bool:
    """Return whether the process was told to stop."""
    return bool(_told)


def notice_signals() -> None:
    """Notice the signals that stop a worker of taskiq, which goes on to handle them."""
    if current_thread() is main_thread():
        for number in {signal.SIGINT, signal.SIGTERM} - _noticed:
            handler = signal.getsignal(number)
            if callable(handler):
                _noticed.add(number)
                signal.signal(number, _noticing(handler))


def _noticing(handler: Callable[[int, FrameType | None], object]) -> Callable[[int, FrameType | None], object]:
    def notice(number: int, frame: FrameType | None) -> object:
        _told.add(number)
        return handler(number, frame)

    return notice
