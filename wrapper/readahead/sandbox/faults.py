"""Misbehaviour of real servers that no document mentions, on demand.

The same faults, seed and sequence of requests give the same responses. Whether a fault affects a request or a row
depends on the seed, the fault and their number only, so that faults are independent of each other.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import blake2b
from typing import Any, Final, Self, cast

from attrs import Attribute, define, field, fields, frozen, validators

__all__ = ["ELSEWHERE", "Faults", "Refusal", "Trouble"]

ELSEWHERE: Final = "https://elsewhere.invalid/"
TOTALS: Final = ("missing", "null", "changing")


def _share() -> Any:
    return field(default=0.0, converter=float, validator=[validators.ge(0), validators.le(1)])


def _rate() -> Any:
    return field(default=0.0, converter=float, validator=[validators.ge(0), validators.le(1000)])


def _whole(least: int = 1) -> Any:
    whole = validators.and_(validators.instance_of(int), validators.ge(least))
    return field(default=None, validator=validators.optional(whole))


def _is_total(_faults: "Faults", attribute: "Attribute[Any]", value: object) -> None:
    if not (value is None or (isinstance(value, int) and value >= 0) or value in TOTALS):
        raise ValueError(
            f"{attribute.name} must be a whole number from 0, or one of {', '.join(TOTALS)}; not {value!r}"
        )


def _are_statuses(_faults: "Faults", attribute: "Attribute[Any]", value: tuple[int, ...]) -> None:
    if not value or not all(400 <= status < 600 for status in value):
        raise ValueError(f"{attribute.name} must be HTTP statuses from 400 to 599, not {value!r}")


@frozen(kw_only=True)
class Faults:
    """How a sandbox misbehaves. The default is a server that does what it documents.

    A share is between 0 and 1. A rate is an average number for each listing request.

    Attributes:
        seed: Equal faults with equal seeds give the same responses to the same requests.
        cap: Most rows of a page, whatever size is requested.
        hide: Share of rows that are removed after a page is cut, as permission filters do.
        repeat_last: Return the last page again for every page past the end.
        ignore_limit: Return all rows from the offset on.
        total: ``"missing"``, ``"null"``, ``"changing"``, or a fixed number that replaces the true total.
        no_pages: Leave the number of pages out.
        ties: Size of the groups of neighbours whose order differs from request to request.
        deepest: Largest offset; beyond it the response is 400.
        inserts: Rate of new rows at the head of the list.
        appends: Rate of new rows at its end.
        deletes: Rate of rows that disappear, from anywhere.
        throttled: Share of requests with status 429.
        retry_after: Seconds in the ``Retry-After`` header of each 429 and 503; without it there is no header.
        dates: Write ``Retry-After`` as a date.
        rate: Requests per second of a token bucket; requests beyond it get 429.
        burst: Size of the token bucket.
        errors: Share of requests at which a run of errors begins.
        running: Length of such a run, in requests.
        statuses: Statuses of these errors, from 400 to 599.
        latency: Average seconds until a response.
        stragglers: Share of responses that take three to eight times as long.
        truncated: Share of responses that end after half of the body.
        stalled: Share of responses that stop after half of the body and stay open.
        reset: Share of responses whose connection is reset after half of the body.
        html: Share of responses that are a page of HTML with status 200.
        envelope: Share of listings with an object in place of the array.
        unknown_values: Share of rows with an enum value that no document lists.
        null_ids: Share of rows without an id.
        redirects: Share of requests that are redirected to another origin.
    """

    seed: int = field(default=1, validator=validators.instance_of(int))
    cap: int | None = _whole()
    hide: float = _share()
    repeat_last: bool = field(default=False, validator=validators.instance_of(bool))
    ignore_limit: bool = field(default=False, validator=validators.instance_of(bool))
    total: int | str | None = field(default=None, validator=_is_total)
    no_pages: bool = field(default=False, validator=validators.instance_of(bool))
    ties: int | None = _whole(2)
    deepest: int | None = _whole(0)
    inserts: float = _rate()
    appends: float = _rate()
    deletes: float = _rate()
    throttled: float = _share()
    retry_after: float | None = field(default=None, validator=validators.optional(validators.ge(0)))
    dates: bool = field(default=False, validator=validators.instance_of(bool))
    rate: float | None = field(default=None, validator=validators.optional(validators.gt(0)))
    burst: int = field(default=1, validator=[validators.instance_of(int), validators.ge(1)])
    errors: float = _share()
    running: int = field(default=1, validator=[validators.instance_of(int), validators.ge(1)])
    statuses: tuple[int, ...] = field(default=(500, 502, 503, 520, 529), converter=tuple, validator=_are_statuses)
    latency: float = field(default=0.0, converter=float, validator=[validators.ge(0), validators.le(3600)])
    stragglers: float = _share()
    truncated: float = _share()
    stalled: float = _share()
    reset: float = _share()
    html: float = _share()
    envelope: float = _share()
    unknown_values: float = _share()
    null_ids: float = _share()
    redirects: float = _share()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """Read faults as the command line takes them.

        Args:
            texts: ``NAME=VALUE``, as in ``cap=50`` or ``statuses=502,503``; ``NAME`` alone means yes.

        Raises:
            ValueError: A name is unknown, or a value does not fit it.
        """
        readers = {attribute.name: _reader(attribute) for attribute in fields(cls)}
        values: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if name not in readers:
                raise ValueError(f"unknown fault {name!r}; choose from {', '.join(readers)}")
            try:
                values[name] = readers[name](value if equals else "yes")
            except ValueError:
                raise ValueError(f"{name} must be {_kind(name)}, not {value!r}") from None
        return cls(**values)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all faults."""
        return tuple(attribute.name for attribute in fields(cls))


@frozen
class Refusal:
    """A response that replaces the regular one."""

    status: int
    message: str
    headers: dict[str, str] = field(factory=dict[str, str])
    html: bool = False


@define(eq=False)
class Trouble:
    """Decide which faults affect a request. Requests of one API are numbered from 1."""

    faults: Faults
    _tokens: float = field(default=0.0, init=False)
    _filled: float | None = field(default=None, init=False)

    def lot(self, what: str, *of: object) -> float:
        """Return a number in [0, 1), the same for the same seed and arguments."""
        text = "|".join(map(str, (self.faults.seed, what, *of)))
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / 2**64

    def hits(self, what: str, *of: object) -> bool:
        """Return whether a fault affects a request or row. ``what`` is the attribute with its share."""
        share = cast("float", getattr(self.faults, what))
        return share > 0 and self.lot(what, *of) < share

    def seconds(self, number: int) -> float:
        """Return the seconds that faults add to a response."""
        took = self.faults.latency * (0.5 + self.lot("latency", number))
        return took * (3 + 5 * self.lot("straggle", number)) if self.hits("stragglers", number) else took

    def due(self, rate: float, number: int) -> int:
        """Return how many writes of a rate happen before the n-th listing request."""
        return int(rate * number) - int(rate * (number - 1))

    def refusal(self, number: int, now: float) -> Refusal | None:
        """Return the response that replaces the regular one, if any. ``now`` is in seconds of a monotonic clock."""
        faults = self.faults
        if not self._has_token(now) or self.hits("throttled", number):
            return Refusal(429, "Too many requests.", self._retry_after())
        if any(self.hits("errors", begun) for begun in range(max(1, number - faults.running + 1), number + 1)):
            status = faults.statuses[int(self.lot("status", number) * len(faults.statuses))]
            return Refusal(status, "Something went wrong.", self._retry_after() if status == 503 else {})
        if self.hits("redirects", number):
            return Refusal(307, "It is elsewhere.", {"location": ELSEWHERE})
        if self.hits("html", number):
            return Refusal(200, "<!doctype html><title>Maintenance</title>", html=True)
        return None

    def _has_token(self, now: float) -> bool:
        faults = self.faults
        if faults.rate is None:
            return True
        if self._filled is None:
            self._tokens, self._filled = float(faults.burst), now
        self._tokens = min(float(faults.burst), self._tokens + max(0.0, now - self._filled) * faults.rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _retry_after(self) -> dict[str, str]:
        seconds = self.faults.retry_after
        if seconds is None:
            return {}
        if self.faults.dates:
            date = datetime.now(UTC) + timedelta(seconds=seconds)
            return {"retry-after": format_datetime(date, usegmt=True)}
        return {"retry-after": f"{seconds:g}"}


def _kind(name: str) -> str:
    if name in {"total", "statuses"}:
        return (
            f"a whole number, {', '.join(TOTALS[:-1])} or {TOTALS[-1]}"
            if name == "total"
            else "statuses, as in statuses=502,503"
        )
    kind = getattr(fields(Faults), name).type
    if kind is bool:
        return "yes or no"
    return f"a whole number, as in {name}=5" if kind in {int, int | None} else f"a number, as in {name}=0.5"


def _reader(attribute: "Attribute[Any]") -> Callable[[str], Any]:
    if attribute.name == "total":
        return lambda text: text if text in TOTALS else int(text)
    if attribute.name == "statuses":
        return lambda text: tuple(int(part) for part in text.split(","))
    kind = attribute.type
    if kind is bool:
        return _yes_or_no
    return int if kind in {int, int | None} else float


def _yes_or_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError(text)
    return text == "yes"
