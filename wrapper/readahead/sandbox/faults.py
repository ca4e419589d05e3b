"""What real servers do and their documents do not say, on request.

``Faults`` is a value: the same faults, seed and requests in the same order give the same answers. What happens to a
request, and to a row, hangs on the seed, the fault and its number alone, so that faults do not disturb each other.
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
        raise ValueError(f"{attribute.name}: {value!r} was given; allowed is a number, {', '.join(TOTALS)}")


def _are_statuses(_faults: "Faults", attribute: "Attribute[Any]", value: tuple[int, ...]) -> None:
    if not value or not all(400 <= status < 600 for status in value):
        raise ValueError(f"{attribute.name}: {value!r} was given; allowed are numbers from 400 to 599")


@frozen(kw_only=True)
class Faults:
    """How a sandbox misbehaves. A *share* is of requests (or rows), from 0 to 1; a *rate* is a number for each listing
    request.

    cap: rows that a page holds at most, whatever is asked for. hide: share of rows left out after the page was cut, as
    permission filters do. repeat_last: past the end the last page comes again. ignore_limit: a page holds all rows from
    its beginning on. total: "missing", "null", "changing", or the number that is said whatever is true; no_pages: the
    number of pages is not said. ties: so many neighbours have no order, and come in another one each time. deepest: 400
    for an offset beyond it.
    inserts, appends, deletes: rates at which rows come at the head and at the end, and go from anywhere.
    throttled: share of requests answered 429. rate, burst: of a token bucket, requests a second and at once; what is
    beyond is answered 429 too. retry_after: seconds that each 429 and 503 names; dates: as a date.
    errors: share of requests at which a run of ``running`` errors begins, of ``statuses``.
    latency: seconds that an answer takes on average; stragglers: share of those that take three to eight times as long.
    truncated, stalled, reset: share of answers that end half-way: cut short, silent, or with the connection reset.
    html: share of answers that are a page of HTML with status 200. envelope: share of listings with an object where an
    array is due. unknown_values, null_ids: share of rows with a value that no document lists, or without an id.
    redirects: share of requests sent to another origin.
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
        """From texts like ``cap=50``, ``repeat_last`` and ``statuses=502,503``. Raises ValueError."""
        readers = {attribute.name: _reader(attribute) for attribute in fields(cls)}
        given: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if name not in readers:
                raise ValueError(f"there is no fault {name!r}; there are {', '.join(readers)}")
            try:
                given[name] = readers[name](value if equals else "yes")
            except ValueError:
                raise ValueError(f"{name}: {value!r} was given; due is {_due(name)}") from None
        return cls(**given)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Of all faults."""
        return tuple(attribute.name for attribute in fields(cls))


@frozen
class Refusal:
    """An answer that takes the place of the one that was asked for."""

    status: int
    message: str
    headers: dict[str, str] = field(factory=dict[str, str])
    html: bool = False


@define(eq=False)
class Trouble:
    """The faults of one API as they happen: what becomes of a request, by its number, from 1."""

    faults: Faults
    _tokens: float = field(default=0.0, init=False)
    _filled: float | None = field(default=None, init=False)

    def lot(self, what: str, *of: object) -> float:
        """From [0, 1): the same for the same seed, fault and thing."""
        text = "|".join(map(str, (self.faults.seed, what, *of)))
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / 2**64

    def hits(self, what: str, *of: object) -> bool:
        """Whether a fault, named as its share is, befalls this."""
        share = cast("float", getattr(self.faults, what))
        return share > 0 and self.lot(what, *of) < share

    def seconds(self, number: int) -> float:
        """How long this answer takes, besides what the sandbox was told."""
        took = self.faults.latency * (0.5 + self.lot("latency", number))
        return took * (3 + 5 * self.lot("straggle", number)) if self.hits("stragglers", number) else took

    def due(self, rate: float, number: int) -> int:
        """How many writes of a rate come with the n-th listing."""
        return int(rate * number) - int(rate * (number - 1))

    def refusal(self, number: int, now: float) -> Refusal | None:
        """What is answered instead, if anything is. now: seconds of a clock that never goes back."""
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


def _due(name: str) -> str:
    if name in {"total", "statuses"}:
        return f"a number, {', '.join(TOTALS)}" if name == "total" else "statuses, as in 502,503"
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
