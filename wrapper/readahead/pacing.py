"""When the next request of a client may leave: its budget, and the pause that the API asked for.

One ``Pacer`` serves all listings of a client. It is pure: it is told the time and answers with a time.
"""

from collections import deque

from attrs import define, field, frozen, validators

__all__ = ["Pace", "Pacer"]


@frozen
class Pace:
    """At most ``requests`` requests in any ``per`` seconds. Within that, bursts are allowed."""

    requests: int = field(validator=[validators.instance_of(int), validators.ge(1)])
    per: float = field(default=60.0, validator=validators.gt(0))


@define(eq=False)
class Pacer:
    """The state of one client: what left lately, and until when nothing may."""

    pace: Pace | None
    _left: deque[float] = field(factory=deque[float], init=False)
    _paused_until: float = field(default=0.0, init=False)

    def wait(self, now: float) -> float:
        """Seconds until a request may leave; 0: it leaves now and is counted."""
        if now < self._paused_until:
            return self._paused_until - now
        if self.pace:
            # One expression says when a place is free, so that no rounding lets a request leave uncounted.
            while self._left and self._left[0] + self.pace.per <= now:
                self._left.popleft()
            if len(self._left) >= self.pace.requests:
                return self._left[0] + self.pace.per - now
            self._left.append(now)
        return 0.0

    def pause(self, now: float, seconds: float) -> None:
        """Nothing leaves for so long. A shorter pause never cuts a longer one."""
        self._paused_until = max(self._paused_until, now + seconds)
