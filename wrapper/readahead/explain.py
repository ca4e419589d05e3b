"""How a query will be read, before it is. Pure."""

from attrs import frozen

from .filters import Condition
from .pages import Fetched
from .paging.styles import Style

__all__ = ["Explanation", "ListingExplanation", "expected_requests"]

_SIMULATED = 20_000  # rows of a listing that are simulated to count its requests


@frozen
class ListingExplanation:
    """One listing of a query.

    Attributes:
        operation: Method and path.
        params: Filters, order and extra parameters, exactly as they are sent, before encoding.
        local: The condition that is evaluated on rows.
        skip: Rows that meet this were read by an earlier listing and are left out.
        paging: How the API pages, for people.
        page_size: Rows in a page.
        total: Rows in the listing, where the API says so.
        requests: About how many requests it takes, at most.
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
            lines.append(f"  evaluated on rows: {self.local!r}")
        if self.skip is not None:
            lines.append(f"  left out, because an earlier listing has them: {self.skip!r}")
        counts = "" if self.total is None else f": {self.total:,} rows, {_number(self.requests, 'request')}"
        lines.append(f"  {self.paging}, {self.page_size} rows each{counts}")
        return "\n".join(lines)


@frozen
class Explanation:
    """How a query will be read. ``str()`` shows it, with the values of its filters.

    Attributes:
        listings: They are read one after the other, or side by side if they are slices.
        limit: Rows in all, at most.
        remembers: Whether the keys of all rows are kept in memory, because rows cannot tell which listing they are of.
        slices: Into how many slices the list is divided; 0: it is not.
        limits: What this way of paging cannot do.
    """

    listings: tuple[ListingExplanation, ...]
    limit: int | None
    remembers: bool
    slices: int = 0
    limits: tuple[str, ...] = ()

    @property
    def requests(self) -> int | None:
        """About how many requests it takes, at most; None where a total is not known."""
        counts = [listing.requests for listing in self.listings]
        return None if None in counts else sum(count or 0 for count in counts)

    def __str__(self) -> str:
        if not self.listings:
            return "nothing is sent: no row can match"
        lines = [*map(str, self.listings), *(f"  {limit}" for limit in self.limits)]
        if self.slices:
            how = "side by side with ordered=False, else one after the other"
            lines.append(f"{_number(self.slices, 'slice')} in one window: {how}")
        elif len(self.listings) > 1:
            lines.append(f"{len(self.listings)} listings, one after the other in one window; each row once")
        if self.remembers:
            lines.append("rows cannot tell which listing they are of: the keys of all rows are kept in memory")
        if self.limit is not None:
            matching = " that match" if any(listing.local is not None for listing in self.listings) else ""
            lines.append(f"until {_number(self.limit, 'row')}{matching} were read")
        return "\n".join(lines)


def expected_requests(style: Style, size: int, total: int, limit: int | None) -> int:
    """Return about how many requests a listing takes while nothing changes.

    Args:
        style: How the API pages.
        size: Rows in a page.
        total: Rows in the listing.
        limit: Rows to read, at most.
    """
    rows = total if limit is None else min(total, limit)
    simulated = min(rows, _SIMULATED)
    if style.exactly(0, size) is None:
        return max(1, -(-rows // size))
    plan, requests = style.plan(size, 1, limit=None if simulated == total else simulated), 0
    while (span := plan.next_request()) is not None:
        requests += 1
        keys = tuple(range(span.lo, min(span.hi, total)))
        plan.add_response(span, Fetched(keys, total=total, size=span.hi - span.lo))
        while plan.next_page():
            pass
    return -(-requests * rows // simulated) if simulated else requests


def _number(count: int | None, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
