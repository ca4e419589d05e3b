"""How an API pages, and what whoever runs a listing may ask of its plan. Pure: a plan never waits and sends nothing.

A *style* says how an API pages: ``PageNumber``, ``OffsetLimit`` or ``Cursor``. It makes one *plan* a listing, which is
asked with ``ask()`` for the next request until it answers None (wait, or all is asked), is told with ``got()`` or
``failed()`` what came, and is emptied with ``take()``, until it is ``over``. How positions are planned is in ``sewn``.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Hashable
from typing import ClassVar, Protocol

from attrs import define, field, frozen

__all__ = ["Cursor", "OffsetLimit", "PageNumber", "Plan", "Seen", "Span", "Start", "Style"]


@define(eq=False)
class Span:
    """One request of a listing: the positions it asks for, lo <= x < hi, and what came of it.

    position: the paging parameters. number: of a numbered page, else 0. asked: its place in the order of asking, before
    that -1. keys: of the rows that came, None before; bad: of those that a limit does not count. clear: no row is known
    between the last one and this position. loose: rows are hidden inside it, so its last row may be anywhere in it.
    sure: it went on where another ended and got less than that did, so no cap cut it short. tries: fruitless mends
    before it.
    branch: of a listing that is made of several, which one.
    """

    lo: int
    hi: int
    position: tuple[tuple[str, str], ...]
    number: int = 0
    asked: int = -1
    keys: tuple[Hashable, ...] | None = None
    total: int | None = None
    clear: int = 0
    loose: bool = False
    sure: bool = False
    tries: int = 0
    error: Exception | None = None
    bad: frozenset[Hashable] = frozenset()
    branch: int = 0

    @property
    def end(self) -> int:
        """The position after its last row, if none is hidden."""
        return self.lo + len(self.keys or ())


@frozen
class Seen:
    """What a plan needs to know of an answer.

    keys: of its rows. total: rows in the whole listing. size: rows in a page, as the server sees it. next: what a
    cursor API names as the next page. bad: the keys of rows that a limit does not count, because they cannot be read or
    are left out.
    """

    keys: tuple[Hashable, ...]
    total: int | None = None
    size: int | None = None
    next: str | None = None
    bad: frozenset[Hashable] = frozenset()


@frozen
class Start:
    """Where a listing goes on: at a position, behind the rows with these keys; or, by cursor, on the page it names.

    stop: the listing ends with the last of these keys. branch: of a listing made of several, the one to go on with.
    """

    at: int = 0
    keys: tuple[Hashable, ...] = ()
    cursor: str | None = None
    stop: tuple[Hashable, ...] = ()
    branch: int = 0


@define(eq=False)
class Plan(ABC):
    """One listing.

    window: spans in flight, or read and not taken, at most. limit: rows to hand out at most.
    drift: how often there was evidence that rows moved. mends: spans asked for to close a gap. unproven: gaps that
    could not be closed. repeated: rows that came again, those that spans share on purpose aside. total_wrong: an answer
    contradicted its own total. hides: the server leaves rows out of its windows.
    """

    window: int
    limit: int | None
    ordered: bool
    start: Start
    done: bool = field(default=False, init=False)
    error: Exception | None = field(default=None, init=False)
    ready: deque[tuple[Span, frozenset[Hashable]]] = field(factory=deque[tuple[Span, frozenset[Hashable]]], init=False)
    given: int = field(default=0, init=False)
    drift: int = field(default=0, init=False)
    mends: int = field(default=0, init=False)
    unproven: int = field(default=0, init=False)
    repeated: int = field(default=0, init=False)
    total_wrong: bool = field(default=False, init=False)
    hides: bool = field(default=False, init=False)

    @property
    def listings(self) -> int:
        """How many it reads, one after the other."""
        return 1

    @abstractmethod
    def ask(self) -> Span | None:
        """The next request; None: wait for what is in flight, or all is asked."""

    @abstractmethod
    def got(self, span: Span, seen: Seen) -> None:
        """An answer."""

    @abstractmethod
    def failed(self, span: Span, error: Exception) -> None:
        """No answer, for good."""

    @abstractmethod
    def wants(self, span: Span) -> bool:
        """Whether the answer to this is still of use."""

    @abstractmethod
    def after(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:
        """Where a listing goes on that handed out ``keys`` of this span, and ``before`` ahead of it, both in order."""

    def take(self) -> tuple[Span, frozenset[Hashable]] | None:
        """The next span to hand out, and which of its rows; None: none now."""
        return self.ready.popleft() if self.ready else None

    @property
    @abstractmethod
    def held(self) -> int:
        """Spans in flight, or read and not taken."""

    @property
    def ending(self) -> bool:
        """Nothing more will be asked for, as far as is known now."""
        return self.over

    @property
    def over(self) -> bool:
        """Nothing more will be asked for: the end was reached, or ``error`` follows what is ready."""
        return self.done or self.error is not None


class Style(Protocol):
    """How an API pages. name: for people."""

    name: ClassVar[str]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the paging parameters: nobody else may set them."""
        ...

    @property
    def largest(self) -> int:
        """The largest page the API gives."""
        ...

    def plan(
        self, size: int, window: int, *, limit: int | None = None, ordered: bool = True, start: Start | None = None
    ) -> Plan:
        """A plan for one listing: pages of ``size`` rows, ``window`` at once, ``limit`` rows in all."""
        ...

    def exactly(self, lo: int, rows: int) -> Span | None:
        """The page of so many rows from a position on, a multiple of rows; None: pages have no positions."""
        ...


@frozen
class PageNumber:
    """Numbered pages of a size: ``?page=3&size=100``, the first is 1."""

    page: str = "page"
    size: str = "size"
    largest: int = 100
    name: ClassVar[str] = "numbered pages"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the paging parameters."""
        return self.page, self.size

    def plan(
        self, size: int, window: int, *, limit: int | None = None, ordered: bool = True, start: Start | None = None
    ) -> Plan:
        """A plan for one listing."""
        from .sewn import NumberGrid, SewnPlan  # noqa: PLC0415  it is written in terms of this module

        return SewnPlan(window, limit, ordered, start or Start(), NumberGrid(self.page, self.size, size))

    def exactly(self, lo: int, rows: int) -> Span | None:
        """The page of so many rows from a position on."""
        return Span(lo, lo + rows, ((self.page, str(lo // rows + 1)), (self.size, str(rows))), number=lo // rows + 1)


@frozen
class OffsetLimit:
    """Rows skipped and rows wanted: ``?offset=200&limit=100``."""

    offset: str = "offset"
    limit: str = "limit"
    largest: int = 100
    name: ClassVar[str] = "offset and limit"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the paging parameters."""
        return self.offset, self.limit

    def plan(
        self, size: int, window: int, *, limit: int | None = None, ordered: bool = True, start: Start | None = None
    ) -> Plan:
        """A plan for one listing."""
        from .sewn import OffsetGrid, SewnPlan  # noqa: PLC0415  it is written in terms of this module

        return SewnPlan(window, limit, ordered, start or Start(), OffsetGrid(self.offset, self.limit, size))

    def exactly(self, lo: int, rows: int) -> Span | None:
        """The window of so many rows from a position on."""
        return Span(lo, lo + rows, ((self.offset, str(lo)), (self.limit, str(rows))))


@frozen
class Cursor:
    """Each page names the next: ``?cursor=…&limit=100``. One page can be read ahead, no more."""

    cursor: str = "cursor"
    size: str = "limit"
    largest: int = 100
    name: ClassVar[str] = "pages by cursor"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the paging parameters."""
        return self.cursor, self.size

    def plan(
        self, size: int, window: int, *, limit: int | None = None, ordered: bool = True, start: Start | None = None
    ) -> Plan:
        """A plan for one listing."""
        return CursorPlan(window, limit, ordered, start or Start(), self, size)

    def exactly(self, lo: int, rows: int) -> Span | None:  # noqa: ARG002
        """Pages by cursor have no positions."""
        return None


@define(eq=False)
class CursorPlan(Plan):
    """One listing by cursor. Rows that come again on the next pages are dropped; a cursor that comes again ends it."""

    style: Cursor
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
        cursor = () if self._next is None else ((self.style.cursor, self._next),)
        self._flying = span = Span(0, self.size, (*cursor, (self.style.size, str(self.size))), asked=0)
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
        return Start(keys=(*before, *keys), cursor=dict(span.position).get(self.style.cursor))
