"""Where an API lets spans begin and end: at any offset, or at the edges of numbered pages. Pure."""

from math import inf
from typing import TypeAlias

from attrs import define, field

from .plan import Span

SMALL = 20  # rows: the edges of pages so small often coincide
__all__ = ["Grid", "Link", "NumberGrid", "OffsetGrid"]


@define(eq=False)
class Link(Span):
    """A span as part of the sewn chain."""

    order: int = -1  # its place in the order of requests; -1 before it is requested
    total: int | None = None  # what its response named
    more: bool | None = None  # whether rows follow it, where its response says so
    known: int = 0  # how many requests had been sent when its response came
    is_probe: bool = False  # it looks for the rows that were emitted last
    looks_ahead: bool = False  # it looks whether anything lies farther on
    emitted: bool = False  # its rows were, as they arrived
    error: Exception | None = None

    @property
    def end(self) -> int:
        """The position after its last row, if none is hidden."""
        return self.lo + len(self.keys or ())

    @property
    def is_cut(self) -> bool:
        """Whether it brought fewer rows than were requested: the list ends there, or rows are capped or hidden."""
        return len(self.keys or ()) < self.hi - self.lo


@define
class OffsetGrid:
    """Spans begin anywhere."""

    offset: str  # the names of the paging parameters
    limit: str | None
    size: int  # of the largest span that is requested
    smallest: int = 2  # from this size on spans can overlap
    fixed: bool = False  # the server has one size, whatever is requested

    def at(self, position: int) -> Link:
        """Return the span from a position on."""
        return self.before(inf, position)

    def before(self, edge: float, position: int, largest: int = 0) -> Link:
        """Return the span from a position on that does not reach beyond ``edge``, or else one that ends there."""
        size = largest or self.size
        lo = max(0, position if position < edge else int(edge) - size)
        hi = int(min(lo + size, edge))
        return Link(lo, hi, ((self.offset, lo), *([] if self.limit is None else [(self.limit, hi - lo)])))

    def around(self, position: int, rows: int) -> Link:
        """Return a span with a position in the middle of the ``rows`` that a response brings."""
        return self.at(position - rows // 2)


@define
class NumberGrid:
    """Spans are numbered pages: page q of size s holds the positions (q - 1) * s to q * s.

    Pages of another size have other edges, so numbered pages can overlap too.
    """

    page: str  # the names of the paging parameters
    per_page: str | None
    size: int  # of the largest page that is requested
    first: int = 1  # the number of the first page
    smallest: int = 3  # from this size on pages can overlap
    fixed: bool = False  # the server has one size, whatever is requested
    _largest: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._largest = self.size
        self.fixed = self.per_page is None

    def at(self, position: int) -> Link:
        """Return the page that holds a position and reaches farthest."""
        position = max(0, position)
        ends = {position // size * size + size: size for size in self._sizes()}
        return self._page(position, ends[max(ends, key=self._value)])

    def before(self, edge: int, position: int, largest: int) -> Link:
        """Return the page that holds a position and ends at ``edge`` or closest before it; else any that ends there."""
        sizes = range(1, largest + 1)
        size = max(sizes, key=lambda size: (edge // size * size - size <= position, edge // size * size, -size))
        return self._page((edge // size - 1) * size, size)

    def around(self, position: int, rows: int) -> Link:  # noqa: ARG002  in a short page any row may be missing
        """Return the page that holds a position and whose edges are farthest from it."""
        position = max(0, position)
        return self._page(position, max(self._sizes(), key=lambda size: min(position % size, size - position % size)))

    def _value(self, end: int) -> tuple[int, int]:
        """How good it is that a page ends here. Small ones are chosen with a view to the next, which must overlap."""
        following = max((end - 1) // size * size + size for size in self._sizes()) if self.size <= SMALL else 0
        return (following if following > end or self.size > SMALL else 0), end

    def _sizes(self) -> range:
        return range(self.size, self.size - 1 if self.fixed else self.size // 2, -1)

    def _page(self, position: int, size: int) -> Link:
        number = max(0, position) // size
        per_page = [] if self.per_page is None else [(self.per_page, min(size, self._largest))]
        params = ((self.page, number + self.first), *per_page)
        return Link(number * size, (number + 1) * size, params, number=number + 1)


Grid: TypeAlias = OffsetGrid | NumberGrid
