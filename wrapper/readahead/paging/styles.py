"""How an API pages, as data: numbered pages, offset and limit, or a cursor. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from attrs import frozen

from .cursor import CursorPlan
from .grids import NumberGrid, OffsetGrid
from .plan import Plan, Span, Start
from .server import ServerModel
from .sewn import SewnPlan

__all__ = ["Cursor", "OffsetLimit", "PageNumber", "Style"]


class Style(ABC):
    """How an API pages.

    Attributes:
        name: What it is called in explanations.
        largest: Rows in the largest page that the API gives.
    """

    name: ClassVar[str]
    largest: int

    @property
    @abstractmethod
    def parameters(self) -> tuple[str, str]:
        """The names of the paging parameters, which nothing else may set."""

    @abstractmethod
    def plan_type(self, size: int) -> Callable[[int, int | None, bool, Start], Plan]:
        """Return what makes a plan with pages of this size from a window, a limit, an order and a start."""

    def plan(
        self, size: int, window: int, *, limit: int | None = None, ordered: bool = True, start: Start | None = None
    ) -> Plan:
        """Make a plan for one listing.

        Args:
            size: Rows in a page.
            window: Pages in flight or buffered at most.
            limit: Rows to emit at most; None: all.
            ordered: Whether rows are emitted in the order of the list.
            start: Where to begin; None: at the beginning.
        """
        return self.plan_type(size)(window, limit, ordered, start or Start())

    def exactly(self, lo: int, rows: int) -> Span | None:  # noqa: ARG002  pages by cursor have no positions
        """Return the page of this many rows from a position on, a multiple of ``rows``; None: it has no position."""
        return None


@frozen
class PageNumber(Style):
    """Numbered pages of a size: ``?page=3&size=100``; the first is 1."""

    page: str = "page"
    size: str = "size"
    largest: int = 100
    name: ClassVar[str] = "numbered pages"

    @property
    def parameters(self) -> tuple[str, str]:
        return self.page, self.size

    def plan_type(self, size: int) -> Callable[[int, int | None, bool, Start], Plan]:
        return partial(SewnPlan, server=ServerModel(NumberGrid(self.page, self.size, size)))

    def exactly(self, lo: int, rows: int) -> Span:
        number = lo // rows + 1
        return Span(lo, lo + rows, ((self.page, str(number)), (self.size, str(rows))), number=number)


@frozen
class OffsetLimit(Style):
    """Rows to skip and rows to return: ``?offset=200&limit=100``."""

    offset: str = "offset"
    limit: str = "limit"
    largest: int = 100
    name: ClassVar[str] = "offset and limit"

    @property
    def parameters(self) -> tuple[str, str]:
        return self.offset, self.limit

    def plan_type(self, size: int) -> Callable[[int, int | None, bool, Start], Plan]:
        return partial(SewnPlan, server=ServerModel(OffsetGrid(self.offset, self.limit, size)))

    def exactly(self, lo: int, rows: int) -> Span:
        return Span(lo, lo + rows, ((self.offset, str(lo)), (self.limit, str(rows))))


@frozen
class Cursor(Style):
    """Each page names the next: ``?cursor=…&limit=100``. One page can be read ahead, no more."""

    cursor: str = "cursor"
    size: str = "limit"
    largest: int = 100
    name: ClassVar[str] = "pages by cursor"

    @property
    def parameters(self) -> tuple[str, str]:
        return self.cursor, self.size

    def plan_type(self, size: int) -> Callable[[int, int | None, bool, Start], Plan]:
        return partial(CursorPlan, cursor=self.cursor, limit_name=self.size, size=size)
