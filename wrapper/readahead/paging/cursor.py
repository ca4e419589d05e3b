"""Listings in which each page names the next: by a cursor, a URL, or its last row. Pure.

What proves something
    A page says nothing of the page before it. Only rows that both hold show that none lies between them: pages that
    begin with the last rows of those before are *sewn*, others are joined by the word of the server. So what changes
    meanwhile leaves no trace, unless pages overlap, and the report says so.

The end
    A page that names no next one, or says that nothing follows. Where it says that more follows and names none, where
    a cursor comes again, or where page after page brings nothing new, the listing ends too, and is not complete.

Duplicates
    Rows that come again are dropped. At the beginning of a page, in order, they are where pages overlap; anywhere
    else rows have moved, and others may have moved past the cursor.
"""

from collections.abc import Callable, Hashable

from attrs import define, field

from ..pages import Fetched, Scalar
from .plan import Plan, Span, Start

__all__ = ["CursorPlan"]

ROWS = 2048  # that are remembered at least
CURSORS = 4096  # that are remembered; a longer circle is found by one cursor that is kept ever longer
EMPTY = 500  # pages in a row without a row
OLD = 10  # pages in a row with rows that came before, and with no other; each counts as many as EMPTY / OLD


@define(eq=False)
class CursorPlan(Plan):
    """One listing in which each page names the next.

    Attributes:
        position: The paging parameters of the page that a cursor names; None: the first page.
        size: Rows in a page.
        first: The cursor of the first page, where one must be sent.
        by_key: Whether a cursor is the key of a row, so that rows that come or go elsewhere change nothing.
    """

    position: Callable[[Scalar | None], tuple[tuple[str, Scalar], ...]]
    size: int
    first: Scalar | None = None
    by_key: bool = False
    _next: Scalar | None = field(default=None, init=False)
    _in_flight: Span | None = field(default=None, init=False)
    _pages: int = field(default=0, init=False)  # that have come
    _passed: int = field(init=False)  # rows of the list, those before the checkpoint included
    _latest: Span | None = field(default=None, init=False)  # the last page with rows
    _barren: int = field(default=0, init=False)  # pages since the last new row
    _patience: int = field(default=EMPTY, init=False)  # how many more there may be, if they are empty
    _recent: dict[Hashable, None] = field(factory=dict[Hashable, None], init=False)  # keys of rows, the last ones
    _cursors: dict[Scalar, None] = field(factory=dict[Scalar, None], init=False)  # the last ones
    _milestone: tuple[Scalar | None, int] = field(default=(None, 1), init=False)  # a cursor, and when it gives way
    _totals: tuple[int, int, int] | None = field(default=None, init=False)  # the least, the largest, the latest
    _changes: list[int] = field(factory=lambda: [0, 0], init=False)  # of the total: how many, and of how many rows
    _is_refuted: bool = field(default=False, init=False)  # more rows came than a total and its changes allow

    def __attrs_post_init__(self) -> None:
        self._next = self.first if self.start.cursor is None else self.start.cursor
        self._passed = self.start.at
        self._recent.update(dict.fromkeys(self.start.keys))
        if (total := self.start.total) is not None:
            self._totals = total, total, total
        if self._next is not None:
            self._cursors[self._next] = None

    @property
    def occupied(self) -> int:
        return len(self.ready) + (self._in_flight is not None)

    @property
    def all_requested(self) -> bool:
        return self.finished

    def next_request(self) -> Span | None:
        """Return the page that the last one named, once that is read."""
        if self.finished or self._in_flight is not None or self.occupied >= self.window:
            return None
        cursor, lo = self._next, self._passed
        self._in_flight = span = Span(lo, lo + self.size, self.position(cursor), cursor=cursor)
        return span

    def add_response(self, span: Span, page: Fetched[object]) -> None:
        self._in_flight = None
        if self.finished:
            return
        span.keys, span.uncounted = page.keys, page.uncounted
        fresh = self._new_of(page)
        self._passed += len(fresh)
        self._pages += 1
        self.tally.emitted += len(fresh - page.uncounted)
        if page.keys:
            self.ready.append((span, fresh))
            self._latest, span.fresh = span, len(fresh)
        self._add_total(page.total)
        self._go_on(page, is_new=bool(fresh))

    def _new_of(self, page: Fetched[object]) -> frozenset[Hashable]:
        """Return the keys of the rows that are new, and see where the others stand."""
        recent, tally, start = self._recent, self.tally, self.start
        again = [key for key in page.keys if key in recent]
        fresh = frozenset(page.keys).difference(again)
        is_resumed = self._pages == 0 and start.within > 0
        if is_resumed and not again:
            tally.broken = (
                "none of the rows before the checkpoint is where it was, so rows may be missing or come again there"
            )
        expected = start.within if is_resumed else 0
        tally.duplicates += max(0, len(page.keys) - len(fresh) - expected)
        if again and not is_resumed:
            last = [*recent][-len(again) :]
            if list(page.keys[: len(again)]) != last:
                tally.mismatches += 1
                tally.unstable = True
        if not again and (self._latest is not None or start.keys):  # an empty page shows no more than others do
            tally.untraced = True
        for key in page.keys:
            recent.pop(key, None)
            recent[key] = None
        while len(recent) > max(ROWS, 4 * self.size):
            del recent[next(iter(recent))]
        return fresh

    def _add_total(self, total: int | None) -> None:
        """Take the total of a response."""
        if total is None or self._is_refuted:
            return
        tally = self.tally
        least, largest, latest = self._totals or (total, total, total)
        if total != latest:
            self._changes = [self._changes[0] + 1, self._changes[1] + abs(total - latest)]
            tally.mismatches += 1
            # A row that goes may take another one past a cursor that is a position; one that comes cannot.
            tally.unverifiable |= total < latest and not self.by_key
        self._totals = min(least, total), max(largest, total), total
        if self._passed > self._totals[1] + self._changes[1]:
            self._is_refuted, tally.unverifiable = True, False
            tally.mismatches -= self._changes[0]

    def _go_on(self, page: Fetched[object], *, is_new: bool) -> None:
        """See which page is next, or that there is none."""
        following, tally = page.next, self.tally
        self._barren = 0 if is_new else self._barren + 1
        self._patience = EMPTY if is_new else self._patience - (EMPTY // OLD if page.keys else 1)
        if self.limit is not None and tally.emitted >= self.limit:
            self.ended = True
        elif page.more is False:
            self._end()
        elif page.failure is not None:
            self.error = page.failure
        elif following is None:
            if page.more:
                tally.broken = "the API says that more rows follow, and names no next page"
            elif page.unclear:
                tally.broken = f"it cannot be read whether more rows follow: {page.unclear}"
            self._end()
        elif self._is_circular(following):
            tally.broken = "the API names a page as the next one that was read before; what follows is not known"
            self._end()
            following = None
        elif self._patience <= 0:
            tally.broken = f"the last {self._barren} pages brought no new row, and each named a next one"
            self._end()
        self._next = following
        if self._latest is not None:
            self._latest.following = following

    def _is_circular(self, cursor: Scalar) -> bool:
        milestone, until = self._milestone
        if cursor in self._cursors or cursor == milestone:
            return True
        self._cursors[cursor] = None
        if len(self._cursors) > CURSORS:
            del self._cursors[next(iter(self._cursors))]
        if self._pages >= until:  # Brent: the milestone is kept twice as long each time, so that it lies in the circle
            self._milestone = cursor, 2 * until
        return False

    def _end(self) -> None:
        self.ended = True
        if self._totals is not None and not self._is_refuted:
            self.tally.missing = max(0, self._totals[0] - self._passed - self._changes[1])

    def add_error(self, span: Span, error: Exception) -> None:  # noqa: ARG002  there is but one in flight
        self._in_flight = None
        if not self.finished:
            self.error = error

    def needs(self, span: Span) -> bool:
        return span is self._in_flight and not self.finished

    def resume_at(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:
        """Return the same page, behind the rows of it that were emitted; the next one, if all were."""
        is_read = span.following is not None and len(keys) >= span.fresh
        return Start(
            span.lo + len(keys),
            (*before, *keys),
            span.following if is_read else span.cursor,
            0 if is_read else len(keys),
            total=None if self._totals is None or self._is_refuted else self._totals[2],
        )
