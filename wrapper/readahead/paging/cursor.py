"""Listings by cursor: each page names the next. Pure."""

from collections import deque
from collections.abc import Hashable

from attrs import define, field

from .plan import Plan, Seen, Span, Start

__all__ = ["CursorPlan"]


@define(eq=False)
class CursorPlan(Plan):
    """One listing by cursor. Rows that come again on the next pages are dropped; a cursor that comes again ends it."""

    cursor: str
    limit_name: str
    size: int
    _next: str | None = field(default=None, init=False)
    _flying: Span | None = field(default=None, init=False)
    _begun: bool = field(default=False, init=False)
    _failure: Exception | None = field(default=None, init=False)
    _cursors: set[str] = field(factory=set[str], init=False)
    _recent: deque[Hashable] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._next = self.start.cursor
        self._recent = deque(self.start.keys, maxlen=4 * self.size)

    @property
    def held(self) -> int:
        """Spans in flight, or read and not taken."""
        return len(self.ready) + (self._flying is not None)

    @property
    def ending(self) -> bool:
        """Nothing more will be asked for, as far as is known now."""
        return self.over or (self._begun and self._flying is None and self._next is None)

    def ask(self) -> Span | None:
        """The page that the last one named, once that is read."""
        if self.over or self._flying is not None or self.held >= self.window or (self._begun and self._next is None):
            return None
        cursor = () if self._next is None else ((self.cursor, self._next),)
        self._flying = span = Span(0, self.size, (*cursor, (self.limit_name, str(self.size))), asked=0)
        self._begun = True
        return span

    def got(self, span: Span, seen: Seen) -> None:
        """An answer."""
        self._flying = None
        if self.over:
            return
        span.keys, span.bad = seen.keys, seen.bad
        known = set(self._recent)
        fresh = frozenset(key for key in seen.keys if key not in known)
        self.repeated += len(seen.keys) - len(fresh)
        self._recent.extend(seen.keys)
        self.given += len(fresh - seen.bad)
        if seen.keys:
            self.ready.append((span, fresh))
        if seen.next in self._cursors:
            self.unproven += 1  # the server goes round in circles
        self.done = not seen.next or seen.next in self._cursors or (self.limit is not None and self.given >= self.limit)
        self._next = seen.next
        self._cursors.add(seen.next or "")

    def failed(self, span: Span, error: Exception) -> None:  # noqa: ARG002  there is but one in flight
        """No answer, for good."""
        self._flying = None
        if not self.over:
            self.error = error

    def wants(self, span: Span) -> bool:
        """Whether the answer to this is still of use."""
        return span is self._flying and not self.over

    def after(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:
        """On the same page, behind the rows that were handed out of it."""
        return Start(keys=(*before, *keys), cursor=dict(span.position).get(self.cursor))
