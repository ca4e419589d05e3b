"""What an API says about its own limits: which responses mean "too many requests", and how much is left. Pure.

The headers only ever hold requests back. Nothing is sent that ``Pace`` or a pause forbids, and what they say is
believed for as long as ``Retry.max_delay`` allows: a header that would stop the client for longer is ignored, and the
API's refusal decides.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from attrs import define, field, frozen

from .retry import parse_date, parse_retry_after

__all__ = ["GITHUB", "RATE_LIMIT", "X_RATE_LIMIT", "Left", "Quota", "QuotaState"]

_EPOCH = 1_000_000_000.0  # larger numbers are a time, smaller ones seconds from now: 2001, and 31 years
_ROUNDED = 1.0  # seconds that a reset may be later than a header says that counts whole ones
_FARTHEST = 32 * 86_400.0  # seconds; quotas of a month are the longest in use, so a later reset is an error
_LONGEST = 1_000  # characters of a header that are read: searching more of them could be made to take long
_SOONEST, _LATEST = 0.02, 1.0  # seconds until it is looked again whether a response has come
_WHOLE = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")
_PARAMETER = re.compile(r'[;,\s]\s*([a-z]+)\s*=\s*"?([0-9]{1,18})"?(?![0-9.])')
_MEMBERS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')


@frozen
class Left:
    """What one response says is left.

    Attributes:
        requests: How many, until the reset.
        seconds: Until the reset, at most.
        limit: How many there are after it; None where the API does not say.
    """

    requests: int
    seconds: float
    limit: int | None = None


@frozen(kw_only=True)
class Quota:
    """How an API speaks of its limits, as its binding declares it. Header names are given in lower case.

    Attributes:
        remaining: The header with the number of requests that are left.
        reset: The header with the time of the reset: seconds from now, or since 1970.
        limit: The header with the number of requests that are allowed between two resets.
        combined: The header with all of it: ``RateLimit`` of the IETF's draft, whose limits stand in
            ``RateLimit-Policy``.
        refusals: Statuses besides 429 that mean "too many requests" where the response has a ``Retry-After``, or says
            that nothing is left.
    """

    remaining: str | None = None
    reset: str | None = None
    limit: str | None = None
    combined: str | None = None
    refusals: frozenset[int] = frozenset()

    def left(self, headers: Mapping[str, str]) -> Left | None:
        """Return what a response says is left; None where it does not say, or not in numbers."""
        if self.combined is not None and (value := headers.get(self.combined)) is not None:
            return _combined(value, headers.get(f"{self.combined}-policy", ""))
        if self.remaining is None or self.reset is None:
            return None
        requests, reset = _number(headers.get(self.remaining)), _number(headers.get(self.reset))
        if requests is None or reset is None:
            return None
        limit = None if self.limit is None else _number(headers.get(self.limit))
        if reset >= _EPOCH:
            reset -= (parse_date(headers.get("date")) or datetime.now(UTC)).timestamp()
        return _left(requests, reset, limit)

    def refusal(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether an error status means "too many requests"."""
        if status not in self.refusals:
            return False
        if parse_retry_after(headers.get("retry-after"), headers.get("date")) is not None:
            return True
        if self.remaining is not None and _number(headers.get(self.remaining)) == 0:
            return True
        left = self.left(headers)
        return left is not None and left.requests < 1


X_RATE_LIMIT = Quota(remaining="x-ratelimit-remaining", reset="x-ratelimit-reset", limit="x-ratelimit-limit")
GITHUB = Quota(
    remaining="x-ratelimit-remaining",
    reset="x-ratelimit-reset",
    limit="x-ratelimit-limit",
    refusals=frozenset({403}),
)
RATE_LIMIT = Quota(
    combined="ratelimit", remaining="ratelimit-remaining", reset="ratelimit-reset", limit="ratelimit-limit"
)


@define(eq=False)
class QuotaState:
    """What is known of one client's quota. No more requests are in flight than are left.

    The server counts a request when it arrives, and says so when it answers. What is in flight may be counted or not,
    so all of it has to fit into what is left.

    Attributes:
        longest: Seconds; a reset that is farther away is not waited for.
    """

    longest: float
    _in_flight: int = field(default=0, init=False)
    _left: int | None = field(default=None, init=False)  # None: nothing is known
    _limit: int | None = field(default=None, init=False)
    _resets: float = field(default=0.0, init=False)
    _answered: int = field(default=0, init=False)  # of those in flight, how many have said what is left

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent, or until it is to be asked again; 0 means now."""
        if self._resets and now >= self._resets:
            # Where the limit is not known, one request finds out what is left.
            self._left, self._resets = self._limit or 1, 0.0
        if self._left is None or self._in_flight < self._left:
            return 0.0
        if not self._resets:  # what is in flight will tell
            return _SOONEST if self._in_flight else 0.0
        seconds = self._resets - now
        if self._left < 1:
            return seconds
        return min(seconds, max(_SOONEST, min(_LATEST, seconds / (self._left + 1))))

    def started(self) -> None:
        """Count a request that is sent."""
        self._in_flight += 1

    def ended(self) -> None:
        """Count a request that is over, answered or not."""
        self._in_flight -= 1
        if self._answered:
            self._answered -= 1
        elif self._left is not None and self._resets:  # the server may have counted it, and nobody says so
            self._left = max(0, self._left - 1)

    def answered(self, left: Left, now: float) -> float:
        """Take what a response says is left. Returns seconds for which nothing may be sent; 0: none are needed."""
        self._answered += 1
        if left.seconds > self.longest + _ROUNDED:  # too far away to wait for, so the API's refusal decides
            self._left, self._resets = None, 0.0
            return 0.0
        seconds = min(left.seconds, self.longest)
        resets = now + seconds
        same = self._left is not None and now < self._resets and abs(resets - self._resets) <= 1.5
        self._left = min(left.requests, self._left or 0) if same else left.requests
        self._limit = left.limit
        self._resets = max(resets, self._resets) if same else resets
        return seconds if self._left < 1 else 0.0


def _combined(value: str, policy: str) -> Left | None:
    """Read ``"name";r=50;t=30`` with ``"name";q=100``, or, of older drafts, ``limit=100, remaining=50, reset=30``."""
    value, policy = value[:_LONGEST], policy[:_LONGEST]
    limits = {name: _parameters(member).get("q") for name, member in map(_named, _MEMBERS.findall(policy))}
    found = list[Left | None]()
    for name, member in map(_named, _MEMBERS.findall(value)):
        parameters = _parameters(member)
        if "r" in parameters and "t" in parameters:
            found.append(_left(parameters["r"], parameters["t"], limits.get(name)))
    if not found:
        parameters = _parameters(f",{value}")
        if "remaining" in parameters and "reset" in parameters:
            found.append(_left(parameters["remaining"], parameters["reset"], parameters.get("limit")))
    known = [left for left in found if left is not None]
    return min(known, key=lambda left: (left.requests, -left.seconds), default=None)


def _left(requests: float, seconds: float, limit: float | None) -> Left | None:
    seconds += _ROUNDED if seconds == int(seconds) else 0.0
    return Left(int(requests), seconds, None if limit is None else int(limit)) if 0 < seconds <= _FARTHEST else None


def _named(member: str) -> tuple[str, str]:
    return member.strip().partition(";")[0].strip(), member


def _parameters(text: str) -> dict[str, int]:
    return {name: int(number) for name, number in _PARAMETER.findall(text)}


def _number(text: str | None) -> float | None:
    """Return a number of 0 or more. What is negative is 0; what is no number is None."""
    text = (text or "").strip()
    if text.startswith("-") and _WHOLE.fullmatch(text[1:]):
        return 0.0
    return float(text) if _WHOLE.fullmatch(text) else None
