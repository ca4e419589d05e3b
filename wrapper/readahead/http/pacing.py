"""When the next request of a client may be sent: within its budget, after a pause, at a rate that the server accepts.

One ``Pacer`` serves all listings of a client. It is pure: it takes the time and returns a time.

There is no rate until the server pushes back (429, 503). It then starts a little below the successes of the last
second, so that a pause is not followed by a burst, and each push-back lowers it. It grows gently near the limit, and
fast where the limit is not known: before the second push-back, and well above the last one. Responses to requests that
were sent before the rate was lowered tell nothing about it. A limit that has not been met for long is forgotten.
"""

from collections import deque

from attrs import define, field, frozen

from .numbers import number
from .quota import Left, QuotaState

__all__ = ["Pace", "Pacer"]

LEAST = 10.0  # requests a second to begin with
SLOWEST = 1.0  # requests a second, however often the server pushes back: a long outage must not freeze the client
LOWER = 0.9  # of the rate that was pushed back
GENTLE, FAST = 0.02, 0.5  # requests a second more for each success: about 2% and 50% a second
BEYOND = 1.25  # times the rate that was pushed back: the limit must have moved
FORGET = 500  # requests in a row that the rate did not delay: there is no limit any more


@frozen
class Pace:
    """A budget: at most so many requests arrive at the server in any period of time. Within it, bursts are allowed.

    When a request arrives is not known here, only that it is before its response. So it counts from its departure
    until ``per`` seconds after its end, and ``per / (per + latency)`` of the budget can be used: 95% where a response
    takes a twentieth of ``per``. For the same rate over a longer period, more of it is used.

    Attributes:
        requests: How many, 1 or more.
        per: Seconds.

    Raises:
        UsageError: A number is out of its bounds, or none.
    """

    requests: int = field(validator=number(1, whole=True))
    per: float = field(default=60.0, validator=number(above=True))


@define(eq=False)
class Pacer:
    """The state of one client: which requests count against its budget, until when it pauses, and its rate."""

    pace: Pace | None
    quota: QuotaState | None = None
    rate: float | None = field(default=None, init=False)  # requests a second; None while no limit was met
    _in_flight: int = field(default=0, init=False)
    _ended: deque[float] = field(factory=deque[float], init=False)  # when, in the last period
    _successes: deque[float] = field(factory=deque[float], init=False)  # in the last second
    paused_until: float = field(default=0.0, init=False)  # by the clock of the event loop
    _next: float = field(default=0.0, init=False)  # when the rate allows the next request
    _lowered: float = field(default=float("-inf"), init=False)  # when
    _limit: float = field(default=0.0, init=False)  # the rate that was pushed back last
    _free: int = field(default=0, init=False)  # requests in a row that the rate did not delay
    _met: int = field(default=0, init=False)  # push-backs

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent; 0 means now, and counts it until it has ``ended``."""
        if now < self.paused_until:
            return self.paused_until - now
        if self.rate is not None and now < self._next:
            self._free = 0
            return self._next - now
        if self.quota and (seconds := self.quota.wait(now)) > 0:
            return seconds
        if self.pace:
            # The same expression as below, so that no rounding lets a request go uncounted.
            while self._ended and self._ended[0] + self.pace.per <= now:
                self._ended.popleft()
            if self._in_flight + len(self._ended) >= self.pace.requests:
                # Where all are in flight, the first to end does so now at the earliest.
                return self._ended[0] + self.pace.per - now if self._ended else self.pace.per
            self._in_flight += 1
        if self.quota:
            self.quota.started()
        if self.rate is not None:
            self._next = max(self._next, now) + 1 / self.rate
            self._free += 1
            if self._free > FORGET:
                self.rate, self._met = None, 0
        return 0.0

    def ended(self, now: float) -> None:
        """Say that a counted request is over: answered, failed or cancelled. The server may count it for a period."""
        if self.pace:
            self._in_flight -= 1
            self._ended.append(now)
        if self.quota:
            self.quota.ended()

    def heard(self, left: Left | None, now: float) -> None:
        """Take what a response says is left of the API's quota: nothing may be left, and then nothing is sent."""
        if self.quota and left is not None and (seconds := self.quota.answered(left, now)) > 0:
            self.pause(now, seconds)

    def pause(self, now: float, seconds: float) -> None:
        """Send nothing for so long. A shorter pause never cuts a longer one."""
        self.paused_until = max(self.paused_until, now + seconds)

    def succeeded(self, now: float) -> None:
        """Count a response that is no push-back."""
        self._forget_before(now - 1)
        self._successes.append(now)
        if self.rate is not None:
            known = self._met > 1 and self.rate < BEYOND * self._limit
            self.rate += GENTLE if known else FAST

    def pushed_back(self, now: float, sent: float) -> None:
        """Lower the rate: a request that was sent at this time was too much for the server."""
        if sent < self._lowered:
            return
        self._forget_before(now - 1)
        accepted = float(len(self._successes))
        self._limit = max(accepted, LEAST) if self.rate is None else min(self.rate, max(accepted, self.rate / 2))
        self._met += 1
        self.rate = max(SLOWEST, LOWER * self._limit)
        self._lowered = now
        self._next = max(self._next, now + 1 / self.rate)

    def _forget_before(self, time: float) -> None:
        while self._successes and self._successes[0] < time:
            self._successes.popleft()
