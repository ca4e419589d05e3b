"""When a call, or a listing, must be over."""

import anyio
from attrs import define, field

from ..errors import UsageError, shown

__all__ = ["Deadline", "checked_deadline"]


@define(eq=False)
class Deadline:
    """So many seconds from the first request on, for all requests that share it.

    Args:
        seconds: How long; None sets no deadline.
    """

    seconds: float | None
    _at: float | None = field(default=None, init=False)

    def at(self) -> float:
        """Return the time by the clock of the event loop. The first call starts the clock."""
        if self._at is None:
            self._at = float("inf") if self.seconds is None else anyio.current_time() + self.seconds
        return self._at


def checked_deadline(seconds: object) -> float | None:
    """Return a positive, finite number of seconds, or None.

    Raises:
        UsageError: It is none.
    """
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise UsageError(f"deadline must be a positive, finite number of seconds, or None, not {shown(seconds)}")
    return float(seconds)
