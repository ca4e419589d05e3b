"""How an API pages, as data. Pure.

A style says which parameters are sent, and where: in the query, or in the JSON body of a search. Where rows, totals and
the next cursor stand in a response is said by ``RowReader``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal, TypeAlias, cast, get_args
from urllib.parse import unquote

from attrs import frozen

from ..errors import UsageError, shown
from ..locations import LinkHeader, Location
from ..pages import Scalar
from .cursor import CursorPlan
from .grids import NumberGrid, OffsetGrid
from .plan import Plan, Span, Start
from .server import ServerModel
from .sewn import SewnPlan

__all__ = ["Cursor", "LastId", "NextURL", "OffsetLimit", "PageNumber", "SinglePage", "Style"]

Where: TypeAlias = Literal["query", "body"]
Position: TypeAlias = tuple[tuple[str, Scalar], ...]
_SERIAL = "one request after another: each page names the next, so that a window reads one page ahead"
_WHOLE = "partitions() cannot split it"
_NO_TRACE = "what changes while it is read leaves no trace, except in a total"


class Style(ABC):
    """How an API pages.

    Attributes:
        name: What it is called in explanations.
        largest: Rows in the largest page that the API gives.
        where: Whether its parameters are sent in the query, or in the JSON body, by their paths there.

    Raises:
        UsageError: A value is none of these.
    """

    name: ClassVar[str]
    largest: int
    where: Where

    def __attrs_post_init__(self) -> None:
        largest = cast("object", self.largest)
        if isinstance(largest, bool) or not isinstance(largest, int) or largest < 1:
            raise UsageError(f"largest must be a whole number of at least 1, not {shown(largest)}")
        if self.where not in get_args(Where):
            raise UsageError(f"where must be 'query' or 'body', not {shown(self.where)}")
        positions = [getattr(self, name) for name in ("page", "offset", "cursor", "after") if hasattr(self, name)]
        for name in (*positions, *self.parameters):
            if not isinstance(cast("object", name), str) or not name:
                raise UsageError(f"{type(self).__name__} takes names of parameters, not {shown(name)}")
        if len({*self.parameters}) < len(self.parameters):
            raise UsageError(f"{type(self).__name__} has {self.parameters[0]!r} twice; name a parameter for each")

    @property
    @abstractmethod
    def parameters(self) -> tuple[str, ...]:
        """The names of the paging parameters, which nothing else may set."""

    @property
    @abstractmethod
    def page_size(self) -> str | None:
        """The name of the parameter for the size of a page; None: the API has none."""

    @property
    def limits(self) -> tuple[str, ...]:
        """What it cannot do, for explanations."""
        return () if self.page_size else (_WHOLE,)

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

    def exactly(self, lo: int, rows: int) -> Span | None:  # noqa: ARG002  a page that another one names has no position
        """Return the page of this many rows from a position on, a multiple of ``rows``; None: it has no position."""
        return None

    def check(self, following: Location | None) -> None:
        """Check that responses say what this style needs.

        Args:
            following: Where a response names the next page.

        Raises:
            UsageError: It is none that this style can use.
        """
        if following is not None:
            raise UsageError(
                f"{type(self).__name__} goes to the next page by itself, so RowReader(next=...) has no use; leave it "
                "out, or say with more=... whether rows follow"
            )


@frozen
class PageNumber(Style):
    """Numbered pages of a size: ``?page=3&size=100``.

    Attributes:
        page: The parameter for the number.
        size: The parameter for the rows in a page. None: there is none, and a page has ``largest`` rows.
        largest: Rows in the largest page that the API gives.
        first: The number of the first page, 0 or 1.
        where: ``"query"``, or ``"body"`` where both are members of the JSON body; they are then paths.
    """

    page: str = "page"
    size: str | None = "size"
    largest: int = 100
    first: int = 1
    where: Where = "query"
    name: ClassVar[str] = "numbered pages"

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.first not in {0, 1} or isinstance(self.first, bool):
            raise UsageError(f"first must be 0 or 1, the number of the first page, not {shown(self.first)}")

    @property
    def limits(self) -> tuple[str, ...]:
        return () if self.size else (_WHOLE, "pages of one size cannot overlap: " + _NO_TRACE)

    @property
    def parameters(self) -> tuple[str, ...]:
        return _names(self.page, self.size)

    @property
    def page_size(self) -> str | None:
        return self.size

    def plan_type(self, size: int) -> Callable[[int, int | None, bool, Start], Plan]:
        return partial(SewnPlan, server=ServerModel(NumberGrid(self.page, self.size, size, self.first)))

    def exactly(self, lo: int, rows: int) -> Span | None:
        if self.size is None and rows != self.largest:
            return None
        number = lo // rows
        return Span(lo, lo + rows, ((self.page, number + self.first), *_sized(self.size, rows)), number=number + 1)


@frozen
class OffsetLimit(Style):
    """Rows to skip and rows to return: ``?offset=200&limit=100``.

    Attributes:
        offset: The parameter for the rows to skip.
        limit: The parameter for the rows to return. None: there is none, and a page has ``largest`` rows.
        largest: Rows in the largest page that the API gives.
        where: ``"query"``, or ``"body"`` where both are members of the JSON body; they are then paths.
    """

    offset: str = "offset"
    limit: str | None = "limit"
    largest: int = 100
    where: Where = "query"
    name: ClassVar[str] = "offset and limit"

    @property
    def parameters(self) -> tuple[str, ...]:
        return _names(self.offset, self.limit)

    @property
    def page_size(self) -> str | None:
        return self.limit

    def plan_type(self, size: int) -> Callable[[int, int | None, bool, Start], Plan]:
        return partial(SewnPlan, server=ServerModel(OffsetGrid(self.offset, self.limit, size)))

    def exactly(self, lo: int, rows: int) -> Span | None:
        if self.limit is None and rows != self.largest:
            return None
        return Span(lo, lo + rows, ((self.offset, lo), *_sized(self.limit, rows)))


class _Chained(Style):
    """Each page names the next."""

    by_key: ClassVar[bool] = False  # a cursor is the key of a row
    size: str | None

    @property
    def page_size(self) -> str | None:
        return self.size

    @property
    def limits(self) -> tuple[str, ...]:
        return _SERIAL, _WHOLE, _NO_TRACE

    @abstractmethod
    def position(self, cursor: Scalar | None, sized: Position) -> Position:
        """Return the paging parameters of a page.

        Args:
            cursor: What names it; None: the first one.
            sized: The parameter for its size, if there is one.
        """

    def plan_type(self, size: int) -> Callable[[int, int | None, bool, Start], Plan]:
        sized = _sized(self.size, size)
        return partial(
            CursorPlan,
            position=lambda cursor: self.position(cursor, sized),
            size=size,
            first=self.first_cursor,
            by_key=self.by_key,
        )

    @property
    def first_cursor(self) -> Scalar | None:
        """The cursor of the first page, where it has one."""
        return None

    def check(self, following: Location | None) -> None:
        if following is None:
            raise UsageError(f"{type(self).__name__} needs to know where the next one is: RowReader(..., next=...)")


@frozen
class Cursor(_Chained):
    """Each page names the next by a cursor, text or a number: ``?cursor=…&limit=100``.

    Attributes:
        cursor: The parameter for the cursor that ``RowReader(next=...)`` finds.
        size: The parameter for the rows in a page; None: there is none.
        largest: Rows in the largest page that the API gives.
        start: The cursor of the first page, where one must be sent, such as ``"*"``.
        where: ``"query"``, or ``"body"`` where both are members of the JSON body; they are then paths.
    """

    cursor: str = "cursor"
    size: str | None = "limit"
    largest: int = 100
    start: Scalar | None = None
    where: Where = "query"
    name: ClassVar[str] = "pages by cursor"

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        start = cast("object", self.start)
        if isinstance(start, bool) or not isinstance(start, str | int | float | None) or start == "":
            raise UsageError(f"start must be the cursor of the first page, text or a number, not {shown(start)}")

    @property
    def parameters(self) -> tuple[str, ...]:
        return _names(self.cursor, self.size)

    @property
    def first_cursor(self) -> Scalar | None:
        return self.start

    def position(self, cursor: Scalar | None, sized: Position) -> Position:
        return sized if cursor is None else ((self.cursor, cursor), *sized)

    def check(self, following: Location | None) -> None:
        super().check(following)
        if isinstance(following, LinkHeader):
            raise UsageError("a Link header holds a URL, not a cursor; use NextURL() instead of Cursor()")


@frozen
class NextURL(_Chained):
    """Each page names the next by a URL, in the body or in a ``Link`` header.

    Of the URL the query alone is taken, and sent to the path of the listing: credentials never follow it elsewhere. A
    URL of another origin is an error.

    Attributes:
        size: The parameter for the rows in the first page, which URLs go on with; None: there is none.
        largest: Rows in the largest page that the API gives.
    """

    size: str | None = None
    largest: int = 100
    name: ClassVar[str] = "pages by next URL"
    where: ClassVar[Where] = "query"  # type: ignore[misc]  # there are no URLs in bodies

    @property
    def parameters(self) -> tuple[str, ...]:
        return _names(self.size)

    def position(self, cursor: Scalar | None, sized: Position) -> Position:
        if cursor is None:
            return sized
        pairs = [piece.partition("=") for piece in str(cursor).split("&")]  # without a name, one of the listing's own
        return tuple((unquote(name), unquote(value)) for name, _, value in pairs if name)


@frozen
class LastId(_Chained):
    """The id of the last row names the next page: ``?starting_after=cus_123&limit=100``.

    Where ``RowReader(more=...)`` says that nothing follows, or a page is empty, the listing ends.

    Attributes:
        after: The parameter for the id.
        size: The parameter for the rows in a page; None: there is none.
        largest: Rows in the largest page that the API gives.
        key: The attribute of the last row that is sent; None: the key of rows.
        where: ``"query"``, or ``"body"`` where both are members of the JSON body; they are then paths.
    """

    after: str = "starting_after"
    size: str | None = "limit"
    largest: int = 100
    key: str | None = None
    where: Where = "query"
    name: ClassVar[str] = "pages by last id"
    by_key: ClassVar[bool] = True

    @property
    def parameters(self) -> tuple[str, ...]:
        return _names(self.after, self.size)

    def position(self, cursor: Scalar | None, sized: Position) -> Position:
        return sized if cursor is None else ((self.after, cursor), *sized)

    def check(self, following: Location | None) -> None:
        Style.check(self, following)


@frozen
class SinglePage(_Chained):
    """All rows in one response.

    Attributes:
        largest: Rows at most, for explanations.
    """

    largest: int = 1_000
    name: ClassVar[str] = "a single page"
    size: ClassVar[None] = None  # type: ignore[misc]  # there is none
    where: ClassVar[Where] = "query"  # type: ignore[misc]

    @property
    def limits(self) -> tuple[str, ...]:
        return (_WHOLE,)

    @property
    def parameters(self) -> tuple[str, ...]:
        return ()

    def position(self, cursor: Scalar | None, sized: Position) -> Position:  # noqa: ARG002
        return sized

    def check(self, following: Location | None) -> None:
        if following is not None:
            raise UsageError("SinglePage() has no next page; use Cursor() or NextURL() where a response names one")


def _names(*names: str | None) -> tuple[str, ...]:
    return tuple(name for name in names if name is not None)


def _sized(name: str | None, rows: int) -> Position:
    return () if name is None else ((name, rows),)
