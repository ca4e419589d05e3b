"""When the next request of a client may leave: its budget, the pause that the API asked for, and the rate it bears.

One ``Pacer`` serves all listings of a client. It is pure: it is told the time and answers with a time.

The rate is looked for only once the server has pushed back (429, 503). It starts a little below what went well in the
last second, so that a pause is not followed by a burst, and each push back lowers it; the next one leaves an interval
later. It grows gently where the limit was met, and fast where nothing is known: before it was met a second time, and
well beyond it. Answers to requests that left before the rate was lowered say nothing about it. A limit that is far
behind is forgotten.
"""

from collections import deque

from attrs import define, field, frozen, validators

__all__ = ["Pace", "Pacer"]

LEAST = 10.0  # requests a second to begin with, where little is known
SLOWEST = 1.0  # requests a second, however often the server pushes back: a long outage must not freeze the client
LOWER = 0.9  # of the rate that was too much
GENTLE, FAST = 0.02, 0.5  # requests a second more for each answer: about 2% and 50% a second
BEYOND = 1.25  # times the rate that was too much: the limit is not there any more
FORGET = 500  # requests running that the rate did not hold back: no limit is in sight any more


@frozen
class Pace:
    """At most ``requests`` requests in any ``per`` seconds. Within that, bursts are allowed."""

    requests: int = field(validator=[validators.instance_of(int), validators.ge(1)])
    per: float = field(default=60.0, validator=validators.gt(0))


@define(eq=False)
class Pacer:
    """The state of one client: what left lately, until when nothing may, and how close together."""

    pace: Pace | None
    rate: float | None = field(default=None, init=False)  # requests a second; None: no limit was met
    _left: deque[float] = field(factory=deque[float], init=False)
    _went_well: deque[float] = field(factory=deque[float], init=False)  # in the last second
    _paused_until: float = field(default=0.0, init=False)
    _next: float = field(default=0.0, init=False)  # when the rate lets the next one leave
    _lowered: float = field(default=float("-inf"), init=False)  # when
    _too_much: float = field(default=0.0, init=False)  # the rate that was pushed back last
    _free: int = field(default=0, init=False)  # requests running that the rate did not hold back
    _met: int = field(default=0, init=False)  # how often a limit was met

    def wait(self, now: float) -> float:
        """Seconds until a request may leave; 0: it leaves now and is counted."""
        if now < self._paused_until:
            return self._paused_until - now
        if self.rate is not None and now < self._next:
            self._free = 0
            return self._next - now
        if self.pace:
            # One expression says when a place is free, so that no rounding lets a request leave uncounted.
            while self._left and self._left[0] + self.pace.per <= now:
                self._left.popleft()
            if len(self._left) >= self.pace.requests:
                return self._left[0] + self.pace.per - now
            self._left.append(now)
        if self.rate is not None:
            self._next = max(self._next, now) + 1 / self.rate
            self._free += 1
            if self._free > FORGET:
                self.rate, self._met = None, 0
        return 0.0

    def pause(self, now: float, seconds: float) -> None:
        """Nothing leaves for so long. A shorter pause never cuts a longer one."""
        self._paused_until = max(self._paused_until, now + seconds)

    def succeeded(self, now: float) -> None:
        """An answer came, and it was no push back."""
        self._forget_before(now - 1)
        self._went_well.append(now)
        if self.rate is not None:
            known = self._met > 1 and self.rate < BEYOND * self._too_much
            self.rate += GENTLE if known else FAST

    def pushed_back(self, now: float, sent: float) -> None:
        """The server said that a request, sent at that time, was too much."""
        if sent < self._lowered:
            return
        self._forget_before(now - 1)
        bears = float(len(self._went_well))
        self._too_much = max(bears, LEAST) if self.rate is None else min(self.rate, max(bears, self.rate / 2))
        self._met += 1
        self.rate = max(SLOWEST, LOWER * self._too_much)
        self._lowered = now
        self._next = max(self._next, now + 1 / self.rate)

    def _forget_before(self, time: float) -> None:
        while self._went_well and self._went_well[0] < time:
            self._went_well.popleft()
