"""How an API pages, as data: numbered pages, offset and limit, or a cursor. Pure."""

from typing import ClassVar, Protocol

from attrs import frozen

from .cursor import CursorPlan
from .plan import Plan, Span, Start
from .sewn import NumberGrid, OffsetGrid, SewnPlan

__all__ = ["Cursor", "OffsetLimit", "PageNumber", "Style"]


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
        return CursorPlan(window, limit, ordered, start or Start(), self.cursor, self.size, size)

    def exactly(self, lo: int, rows: int) -> Span | None:  # noqa: ARG002
        """Pages by cursor have no positions."""
        return None
