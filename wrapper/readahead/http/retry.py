"""Which requests are repeated, and when. Pure: nothing here waits."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from attrs import define, field, frozen

from ..errors import ApiError, RateLimited, ReadaheadError, RequestError, RetryDelayTooLong, UnexpectedAnswer
from .numbers import number

__all__ = ["REAL_PAUSE", "Budget", "Retry", "is_push_back", "parse_date", "parse_retry_after"]

MOST_SAVED = 50.0  # retries that successes can earn in advance, where the reserve is not larger
REAL_PAUSE = 1.0  # seconds, the unit of Retry-After: a server that asks for less has not said when to come again
# Statuses after which the same request may succeed: RFC 9110 (408, 429, 500, 502, 503, 504), RFC 8470 (425) and the
# 520 to 529 of content delivery networks.
_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?")
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 530)})


@frozen
class Retry:
    """How often a request is tried, and how long to wait in between.

    Reads and updates (GET, PUT) are repeated after a lost connection, a timeout and a temporary status. A create
    (POST) is repeated after 429 only, because only then is it known that nothing was created.

    Attributes:
        attempts: Requests in all, the first one included.
        base: Seconds. Before attempt n + 1 the wait is drawn evenly from 0 to ``min(cap, base * 2 ** n)``, which is
            known as full jitter.
        cap: Seconds; the longest of these waits.
        max_delay: Seconds; the longest pause the API may ask for. A longer one raises ``RetryDelayTooLong``.
        budget: The share of all requests of a client that may be retries, besides the reserve, so that a listing
            without hope ends early. At most the reserve, or 50 if that is more, can be saved up. A retry after a pause
            of a second or more that the API asks for does not count.
        reserve: Retries that are allowed besides the budget.

    Raises:
        UsageError: A number is out of its bounds, or none.
    """

    attempts: int = field(default=4, validator=number(1, whole=True))
    base: float = field(default=0.25, validator=number())
    cap: float = field(default=8.0, validator=number())
    max_delay: float = field(default=120.0, validator=number(infinite=True))
    budget: float = field(default=0.2, validator=number(most=1))
    reserve: int = field(default=50, validator=number(whole=True))

    def delay(
        self, error: ReadaheadError, tries: int, *, repeatable: bool, random: Callable[[], float]
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or None if there is to be none.

        Args:
            error: What the last attempt raised.
            tries: Attempts so far.
            repeatable: Whether sending the request twice has the same effect as sending it once.
            random: Draws from [0, 1).

        Raises:
            RetryDelayTooLong: The API asks for a longer pause than ``max_delay``.
        """
        if not _temporary(error) or not (repeatable or isinstance(error, RateLimited)) or tries >= self.attempts:
            return None
        backoff = random() * min(self.cap, self.base * 2.0 ** min(tries, 64))
        retry_after = error.retry_after if isinstance(error, ApiError) else None
        if retry_after is None:
            return backoff
        if retry_after > self.max_delay:
            raise RetryDelayTooLong(retry_after, self.max_delay) from error
        return max(backoff, retry_after)  # 0, or a date that is over, is no leave to come back at once

    def pause(self, error: ReadaheadError) -> float:
        """Return the seconds that the API asks every request of the client to wait for; 0 where it asks for none."""
        retry_after = error.retry_after if isinstance(error, ApiError) and _temporary(error) else None
        return retry_after if retry_after is not None and retry_after <= self.max_delay else 0.0


@define
class Budget:
    """The retries that are left: each success earns a share of one, each retry costs one.

    Attributes:
        share: Of a retry, for each success.
        left: Retries that are left.
    """

    share: float
    left: float
    _most: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        # Without a limit, a million good responses would allow 200,000 retries in the outage that follows.
        self._most = max(self.left, MOST_SAVED)

    def earn(self) -> None:
        """Count a success."""
        self.left = min(self._most, self.left + self.share)

    def spend(self) -> bool:
        """Take one retry from the budget, if there is one."""
        if self.left < 1:
            return False
        self.left -= 1
        return True


def is_push_back(error: ReadaheadError) -> bool:
    """Return whether the server says that there were too many requests: 429 or what the API uses for it, or 503."""
    return isinstance(error, RateLimited) or (isinstance(error, ApiError) and error.status == 503)


def _temporary(error: ReadaheadError) -> bool:
    if isinstance(error, ApiError | UnexpectedAnswer):
        return error.status in _TEMPORARY or isinstance(error, RateLimited)
    return isinstance(error, RequestError)


def parse_retry_after(value: str | None, date: str | None = None, *, now: datetime | None = None) -> float | None:
    """Return the seconds of a Retry-After header, which is a number or an HTTP date (RFC 9110, 10.2.3).

    Args:
        value: The header.
        date: The Date header of the same response: a date counts from it, since the server's clock may be off ours.
        now: From when a date counts where there is no Date header; by default, from now.
    """
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)  # inf for 400 digits: longer than any delay allowed
    until = parse_date(value)
    if until is None:
        return None
    return max(0.0, (until - (parse_date(date) or now or datetime.now(UTC))).total_seconds())


def parse_date(text: str | None) -> datetime | None:
    """Return an HTTP date, in any of its three forms."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  slow to import, and rarely needed

    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
