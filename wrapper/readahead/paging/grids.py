"""Where an API lets spans begin and end: at any offset, or at the edges of numbered pages. Pure."""

from typing import TypeAlias

from attrs import define, field

from .plan import Span

__all__ = ["Grid", "Link", "NumberGrid", "OffsetGrid"]


@define(eq=False)
class Link(Span):
    """A span as part of the sewn chain."""

    order: int = -1  # its place in the order of requests; -1 before it is requested
    total: int | None = None  # what its response named
    clear: int = 0  # no row is known between its last one and this position
    loose: bool = False  # rows are hidden inside it, so its last row may be anywhere in it
    certain: bool = False  # it began where another ended and brought fewer rows, so no cap cut it short
    tries: int = 0  # fruitless requests to close the gap before it
    error: Exception | None = None

    @property
    def end(self) -> int:
        """The position after its last row, if none is hidden."""
        return self.lo + len(self.keys or ())


@define
class OffsetGrid:
    """Spans begin anywhere."""

    offset: str  # the names of the paging parameters
    limit: str
    size: int  # of the largest span that is requested
    smallest: int = 12  # from this size on spans can overlap without waste

    def at(self, position: int) -> Link:
        """Return the span from a position on."""
        lo = max(0, position)
        return Link(lo, lo + self.size, ((self.offset, str(lo)), (self.limit, str(self.size))))

    def around(self, position: int, rows: int) -> Link:
        """Return a span with a position in the middle of the ``rows`` that a response brings."""
        return self.at(position - rows // 2)


@define
class NumberGrid:
    """Spans are numbered pages: page q of size s holds the positions (q - 1) * s to q * s.

    Pages of another size have other edges, so numbered pages can overlap too.
    """

    page: str  # the names of the paging parameters
    per_page: str
    size: int  # of the largest page that is requested
    smallest: int = 30  # from this size on pages can overlap without waste
    fixed: bool = False  # the server has one size, whatever is requested
    _largest: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._largest = self.size

    def at(self, position: int) -> Link:
        """Return the page that holds a position and reaches farthest."""
        position = max(0, position)
        return self._page(position, max(self._sizes(), key=lambda size: position // size * size + size))

    def around(self, position: int, rows: int) -> Link:  # noqa: ARG002  in a short page any row may be missing
        """Return the page that holds a position and whose edges are farthest from it."""
        return self._page(position, max(self._sizes(), key=lambda size: min(position % size, size - position % size)))

    def _sizes(self) -> range:
        return range(self.size, self.size - 1 if self.fixed else self.size // 2, -1)

    def _page(self, position: int, size: int) -> Link:
        number = max(0, position) // size
        params = ((self.page, str(number + 1)), (self.per_page, str(min(size, self._largest))))
        return Link(number * size, (number + 1) * size, params, number=number + 1)


Grid: TypeAlias = OffsetGrid | NumberGrid
