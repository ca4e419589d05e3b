"""Listings by cursor: each page names the next. Pure."""

from collections import deque
from collections.abc import Hashable

from attrs import define, field

from ..pages import Fetched
from .plan import Plan, Span, Start

__all__ = ["CursorPlan"]


@define(eq=False)
class CursorPlan(Plan):
    """One listing by cursor. Rows that come again on later pages are dropped; a cursor that comes again ends it."""

    cursor: str
    limit_name: str
    size: int
    _next: str | None = field(default=None, init=False)
    _in_flight: Span | None = field(default=None, init=False)
    _begun: bool = field(default=False, init=False)
    _cursors: set[str] = field(factory=set[str], init=False)
    _recent: deque[Hashable] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._next = self.start.cursor
        self._recent = deque(self.start.keys, maxlen=4 * self.size)

    @property
    def occupied(self) -> int:
        return len(self.ready) + (self._in_flight is not None)

    @property
    def all_requested(self) -> bool:
        return self.finished or (self._begun and self._in_flight is None and self._next is None)

    def next_request(self) -> Span | None:
        """Return the page that the last one named, once that is read."""
        if self.finished or self._in_flight is not None or self.occupied >= self.window or self.all_requested:
            return None
        cursor = () if self._next is None else ((self.cursor, self._next),)
        self._in_flight = span = Span(0, self.size, (*cursor, (self.limit_name, str(self.size))))
        self._begun = True
        return span

    def add_response(self, span: Span, page: Fetched[object]) -> None:
        self._in_flight = None
        if self.finished:
            return
        span.keys, span.uncounted = page.keys, page.uncounted
        recent = set(self._recent)
        fresh = frozenset(key for key in page.keys if key not in recent)
        self.tally.duplicates += len(page.keys) - len(fresh)
        self._recent.extend(page.keys)
        self.tally.emitted += len(fresh - page.uncounted)
        if page.keys:
            self.ready.append((span, fresh))
        circular = page.next in self._cursors
        self.tally.gaps_open += circular  # what would have followed is not known
        self.ended = not page.next or circular or (self.limit is not None and self.tally.emitted >= self.limit)
        self._next = page.next
        self._cursors.add(page.next or "")

    def add_error(self, span: Span, error: Exception) -> None:  # noqa: ARG002  there is but one in flight
        self._in_flight = None
        if not self.finished:
            self.error = error

    def needs(self, span: Span) -> bool:
        return span is self._in_flight and not self.finished

    def resume_at(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:
        """Return the same page, behind the rows of it that were emitted."""
        return Start(keys=(*before, *keys), cursor=dict(span.position).get(self.cursor))
