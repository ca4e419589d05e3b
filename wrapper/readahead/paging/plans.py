"""What to ask next, and what may be handed out. Pure: a plan never waits and sends nothing.

A *style* says how an API pages: ``PageNumber``, ``OffsetLimit`` or ``Cursor``. It makes one *plan* a listing. Whoever
runs the plan asks it ``ask()`` for the next request until it answers None (wait, or all is asked), tells it what came
with ``got()`` or ``failed()``, and collects with ``take()`` what may be handed out, until it is ``over``.

The first page goes alone: it says how many rows a page really has, and often how many there are. With a total, all
other pages may go at once. Without one, as many as were found full so far: 1, 2, 4, 8, … The first page that is empty
is the end; what was asked beyond it is dropped, failed or not.
"""

from abc import ABC, abstractmethod
from typing import Protocol

from attrs import define, field, frozen

__all__ = ["Ask", "Cursor", "OffsetLimit", "PageNumber", "Plan", "Seen", "Style"]


@frozen
class Ask:
    """One page to ask for: its place in the listing from 0, and the paging parameters that say so."""

    index: int
    position: tuple[tuple[str, str], ...]


@frozen
class Seen:
    """What a plan needs to know of an answer.

    rows: how many it holds. total: rows in the whole listing. size: rows a page has, as the server sees it.
    next: what a cursor API names as the next page.
    """

    rows: int
    total: int | None = None
    size: int | None = None
    next: str | None = None


class Style(Protocol):
    """How an API pages."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the paging parameters: nobody else may set them."""
        ...

    @property
    def largest(self) -> int:
        """The largest page the API gives."""
        ...

    def plan(self, size: int, *, limit: int | None = None, ordered: bool = True) -> "Plan":
        """A plan for one listing, of pages of ``size`` rows, that ends after ``limit`` rows."""
        ...


@define(eq=False)
class Plan(ABC):
    """One listing, whatever the style. Pages are known by their place in it, from 0.

    size: rows in a page, corrected by the first answer. end: the number of pages, as soon as that is known.
    error: set by ``take()`` when all that came before the failed page has been handed out.
    """

    size: int
    limit: int | None
    ordered: bool
    end: int | None = field(default=None, init=False)
    error: Exception | None = field(default=None, init=False)
    _asked: int = field(default=0, init=False)  # pages asked for
    _clear: int = field(default=0, init=False)  # all pages before this one are read
    _last: int = field(default=-1, init=False)  # the last page that held rows
    _beyond: set[int] = field(factory=set[int], init=False)  # read, after the first that is not
    _ready: dict[int, tuple[Ask, int]] = field(
        factory=dict[int, tuple[Ask, int]], init=False
    )  # with their rows' number
    _failed: dict[int, Exception] = field(factory=dict[int, Exception], init=False)
    _flying: int = field(default=0, init=False)  # requests in flight
    _arrived: int = field(default=0, init=False)  # rows read
    _given: int = field(default=0, init=False)  # rows handed out

    # ---- what to ask

    def ask(self) -> Ask | None:
        """The next page to ask for; None: wait for what is in flight, or all is asked."""
        if self.over or self._failed or (self.end is not None and self._asked >= self.end):
            return None
        if self.limit is not None and self._arrived + self._flying * self.size >= self.limit:
            return None
        position = self._position(self._asked)
        if position is None:
            return None
        ask = Ask(self._asked, position)
        self._asked += 1
        self._flying += 1
        return ask

    def wants(self, ask: Ask) -> bool:
        """Whether the answer to this is still of use."""
        return not self.over and (self.end is None or ask.index < self.end)

    # ---- what came

    def got(self, ask: Ask, seen: Seen) -> None:
        """An answer."""
        self._flying -= 1
        if not self.wants(ask):
            return
        if seen.rows:
            self._ready[ask.index] = ask, seen.rows
            self._last = max(self._last, ask.index)
            self._arrived += seen.rows
        self._beyond.add(ask.index)
        while self._clear in self._beyond:
            self._beyond.remove(self._clear)
            self._clear += 1
        self._learn(ask.index, seen)

    def failed(self, ask: Ask, error: Exception) -> None:
        """No answer, for good."""
        self._flying -= 1
        if self.wants(ask):
            self._failed[ask.index] = error

    # ---- what may be handed out

    def take(self) -> Ask | None:
        """The next page to hand out: in order, or, where order does not matter, as they arrived. None: none now."""
        if self.over:
            return None
        index = min(self._ready, default=None) if self.ordered else next(iter(self._ready), None)
        if index is None or (self.ordered and index >= self._clear):
            self.error = self._failed.get(self._clear)
            return None
        ask, rows = self._ready.pop(index)
        self._given += rows
        return ask

    @property
    def over(self) -> bool:
        """Nothing more will be handed out."""
        if self.error is not None or (self.limit is not None and self._given >= self.limit):
            return True
        return self.end is not None and self._clear >= self.end and not self._ready

    # ---- what the styles say

    @abstractmethod
    def _position(self, index: int) -> tuple[tuple[str, str], ...] | None:
        """The paging parameters of a page; None: not to be asked yet."""

    @abstractmethod
    def _learn(self, index: int, seen: Seen) -> None:
        """Draw from an answer how large a page is, and where the listing ends."""


@define(eq=False)
class _Positioned(Plan):
    """Pages that can be asked for by their place, so many at once."""

    _full: int = field(default=0, init=False)  # pages that came full: the listing may go on after each
    _short: set[int] = field(factory=set[int], init=False)  # pages that came short, and nothing is read after them yet
    _empty: int = field(default=-1, init=False)  # the last page that held none

    def _position(self, index: int) -> tuple[tuple[str, str], ...] | None:
        if index and self.end is None:
            if self._empty > self._last or self._flying >= 2 * self._full:
                return None
            if self._short and index not in {page + 1 for page in self._short}:
                return None
        return self._at(index)

    def _learn(self, index: int, seen: Seen) -> None:
        short = 0 < seen.rows < self.size
        if index == 0:
            # What the server gives is the stride, whatever was asked for.
            self.size = seen.size or seen.rows or self.size
            if seen.total is not None:
                self.end = max(1, -(-seen.total // self.size))
        if self.end is None:
            self._full += seen.rows > 0
            self._short.discard(index - 1)
            if not seen.rows:
                self._empty = max(self._empty, index)
            elif short and index >= self._last:
                self._short.add(index)
            if self._clear - 1 > self._last:
                self.end = self._clear

    @abstractmethod
    def _at(self, index: int) -> tuple[tuple[str, str], ...]:
        """The paging parameters of a page."""


@frozen
class PageNumber:
    """Numbered pages of a size: ``?page=3&size=100``, the first is 1."""

    page: str = "page"
    size: str = "size"
    largest: int = 100

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the paging parameters."""
        return self.page, self.size

    def plan(self, size: int, *, limit: int | None = None, ordered: bool = True) -> Plan:
        """A plan for one listing."""
        return _PageNumberPlan(size, limit, ordered, self, size)


@define(eq=False)
class _PageNumberPlan(_Positioned):
    _style: PageNumber
    _asked_size: int

    def _at(self, index: int) -> tuple[tuple[str, str], ...]:
        return (self._style.page, str(index + 1)), (self._style.size, str(self._asked_size))


@frozen
class OffsetLimit:
    """Rows skipped and rows wanted: ``?offset=200&limit=100``."""

    offset: str = "offset"
    limit: str = "limit"
    largest: int = 100

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the paging parameters."""
        return self.offset, self.limit

    def plan(self, size: int, *, limit: int | None = None, ordered: bool = True) -> Plan:
        """A plan for one listing."""
        return _OffsetLimitPlan(size, limit, ordered, self, size)


@define(eq=False)
class _OffsetLimitPlan(_Positioned):
    _style: OffsetLimit
    _asked_size: int

    def _at(self, index: int) -> tuple[tuple[str, str], ...]:
        offset = index * self.size if index else 0
        return (self._style.offset, str(offset)), (self._style.limit, str(self._asked_size))


@frozen
class Cursor:
    """Each page names the next: ``?cursor=…&limit=100``. One page can be read ahead, no more."""

    cursor: str = "cursor"
    size: str = "limit"
    largest: int = 100

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the paging parameters."""
        return self.cursor, self.size

    def plan(self, size: int, *, limit: int | None = None, ordered: bool = True) -> Plan:
        """A plan for one listing."""
        return _CursorPlan(size, limit, ordered, self)


@define(eq=False)
class _CursorPlan(Plan):
    _style: Cursor
    _next: str | None = field(default=None, init=False)

    def _position(self, index: int) -> tuple[tuple[str, str], ...] | None:
        size = (self._style.size, str(self.size))
        if index == 0:
            return (size,)
        if self._flying or self._next is None:
            return None
        return (self._style.cursor, self._next), size

    def _learn(self, index: int, seen: Seen) -> None:
        self._next = seen.next
        if not seen.next:
            self.end = index + 1
