"""How a query will be read, said before it is. Pure."""

from attrs import frozen

from .filters import Condition
from .pages import Fetched
from .paging.styles import Style

__all__ = ["Explanation", "ListingExplanation", "expected_requests"]

_PLAYED = 20_000  # rows of a listing that are played through to know how many requests it takes


@frozen
class ListingExplanation:
    """One listing of a query.

    params: filters, order and extra parameters, exactly as they are sent, before encoding. local: what rows have to
    meet besides. skip: what an earlier listing brought. total: rows that the API will send, where it said so.
    requests: about how many it takes, at most.
    """

    operation: str
    params: tuple[tuple[str, str], ...]
    local: Condition | None
    skip: Condition | None
    paging: str
    page_size: int
    total: int | None
    requests: int | None

    def __str__(self) -> str:
        params = "&".join(f"{name}={value}" for name, value in self.params)
        lines = [self.operation + (f"?{params}" if params else "")]
        if self.local is not None:
            lines.append(f"  on rows: {self.local!r}")
        if self.skip is not None:
            lines.append(f"  left out, because listed before: {self.skip!r}")
        known = "" if self.total is None else f": {self.total:,} rows, {_number(self.requests, 'request')}"
        lines.append(f"  {self.paging}, {self.page_size} rows each{known}")
        return "\n".join(lines)


@frozen
class Explanation:
    """How a query will be read. ``str()`` shows it, the values of its filters included.

    listings: one after the other. limit: rows at most. remembers: whether the keys of all rows are kept in memory,
    because rows cannot tell which listing brought them.
    """

    listings: tuple[ListingExplanation, ...]
    limit: int | None
    remembers: bool

    @property
    def requests(self) -> int | None:
        """About how many requests it takes, at most; None where a total is not known."""
        known = [listing.requests for listing in self.listings]
        return None if None in known else sum(requests or 0 for requests in known)

    def __str__(self) -> str:
        if not self.listings:
            return "nothing is sent: no row can match"
        lines = list(map(str, self.listings))
        if len(self.listings) > 1:
            lines.append(f"{len(self.listings)} listings, one after the other in one window; each row once")
        if self.remembers:
            lines.append("rows cannot tell which listing brought them: the keys of all rows are kept in memory")
        if self.limit is not None:
            looked = " that match" if any(listing.local is not None for listing in self.listings) else ""
            lines.append(f"until {_number(self.limit, 'row')}{looked} were read")
        return "\n".join(lines)


def expected_requests(style: Style, size: int, total: int, limit: int | None) -> int:
    """About how many requests a listing of so many rows takes, while nothing changes."""
    rows = total if limit is None else min(total, limit)
    played = min(rows, _PLAYED)
    if style.exactly(0, size) is None:
        return max(1, -(-rows // size))
    plan, requests = style.plan(size, 1, limit=None if played == total else played), 0
    while (span := plan.next_request()) is not None:
        requests += 1
        keys = tuple(range(span.lo, min(span.hi, total)))
        plan.add_response(span, Fetched(keys, total=total, size=span.hi - span.lo))
        while plan.next_page():
            pass
    return -(-requests * rows // played) if played else requests


def _number(count: int | None, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
