"""What a listing requests next: the interface of every plan. Pure: a plan never waits and sends nothing.

A *style* says how an API pages, such as ``PageNumber`` or ``Cursor``. It makes one *plan* for each listing.
Whoever runs a plan sends what ``next_request()`` gives until that is None (wait for a response, or all is requested),
passes on what comes with ``add_response()`` or ``add_error()``, and emits what ``next_page()`` gives, until the plan is
``finished``. How spans of positions are planned is in ``sewn``, how pages follow that name each other in ``cursor``.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Hashable

from attrs import define, field, frozen

from ..pages import Fetched, Scalar

__all__ = ["NO_MORE", "Plan", "Span", "Start", "Tally"]

NO_MORE = frozenset({400, 404, 416, 422})  # statuses with which servers refuse positions behind the end


@define(eq=False)
class Span:
    """One request of a listing: the positions from ``lo`` up to ``hi``, without ``hi``, and the keys it brought."""

    lo: int
    hi: int
    position: tuple[tuple[str, Scalar], ...]  # the paging parameters
    number: int = 0  # of a numbered page
    branch: int = 0  # in a listing made of several, which of them
    keys: tuple[Hashable, ...] | None = None  # of its rows; None before they arrived
    uncounted: frozenset[Hashable] = frozenset()  # those that a limit does not count
    unreadable: frozenset[Hashable] = frozenset()  # those that are made up for rows that cannot be read
    cursor: Scalar | None = None  # of the page, where each page names the next
    following: Scalar | None = None  # of the next page to read, as far as is known
    fresh: int = 0  # new rows of such a page


@frozen
class Start:
    """Where a listing begins or is resumed."""

    at: int = 0  # the position
    keys: tuple[Hashable, ...] = ()  # of the last rows before it, which were emitted earlier
    cursor: Scalar | None = None  # the page, where each page names the next
    within: int = 0  # so many of ``keys`` lie on that page
    stop: tuple[Hashable, ...] = ()  # it ends with the last of these keys; empty: at the end of the list
    branch: int = 0  # in a listing made of several, the one to begin with
    older: tuple[tuple[int, Hashable], ...] = ()  # a few rows before ``keys``: how many lie behind each, and its key
    total: int | None = None  # rows in the list when it was made
    size: int | None = None  # rows in a page, where the server gives fewer than are requested
    is_seam: bool = False  # a part begins here, and nothing was emitted before


@define
class Tally:
    """What a plan has counted; most of it goes into the report."""

    emitted: int = 0  # rows that a limit counts
    mismatches: int = 0
    duplicates: int = 0
    gaps_closed: int = 0
    gaps_open: int = 0
    hides_rows: bool = False
    unverifiable: bool = False  # pages that cannot overlap were joined by their positions
    untraced: bool = False  # pages that share no row were joined by a cursor
    unstable: bool = False  # rows came in another order than before
    missing: int = 0  # rows that a total promised and that did not come
    unsure: int = 0  # rows that may have been emitted before the checkpoint, and again
    overrun: bool = False  # the end of a part was not found
    broken: str = ""  # why what follows the last page is not known

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.emitted + other.emitted,
            self.mismatches + other.mismatches,
            self.duplicates + other.duplicates,
            self.gaps_closed + other.gaps_closed,
            self.gaps_open + other.gaps_open,
            self.hides_rows or other.hides_rows,
            self.unverifiable or other.unverifiable,
            self.untraced or other.untraced,
            self.unstable or other.unstable,
            self.missing + other.missing,
            self.unsure + other.unsure,
            self.overrun or other.overrun,
            self.broken or other.broken,
        )


@define(eq=False)
class Plan(ABC):
    """One listing. ``window`` may change; ``error`` ends it once the pages before it are emitted."""

    window: int  # pages in flight or buffered at most
    limit: int | None  # rows to emit at most
    ordered: bool  # rows are emitted in the order of the list
    start: Start
    ended: bool = field(default=False, init=False)
    error: Exception | None = field(default=None, init=False)
    # Pages to emit, and which of their rows.
    ready: deque[tuple[Span, frozenset[Hashable]]] = field(factory=deque[tuple[Span, frozenset[Hashable]]], init=False)
    tally: Tally = field(factory=Tally, init=False)

    @property
    def listings(self) -> int:
        """How many listings it reads, one after the other."""
        return 1

    @abstractmethod
    def next_request(self) -> Span | None:
        """Return the next request; None: wait for one in flight, or all is requested."""

    @abstractmethod
    def add_response(self, span: Span, page: Fetched[object]) -> None:
        """Take the response to a request."""

    @abstractmethod
    def add_error(self, span: Span, error: Exception) -> None:
        """Take the error that a request ended with, after all retries."""

    @abstractmethod
    def needs(self, span: Span) -> bool:
        """Whether the response to this request is still of use."""

    @abstractmethod
    def resume_at(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:
        """Return where a listing is resumed that emitted ``keys`` of this span and ``before`` of those ahead of it."""

    def next_page(self) -> tuple[Span, frozenset[Hashable]] | None:
        """Return the next page to emit, and the keys of its new rows; None: none is ready."""
        return self.ready.popleft() if self.ready else None

    @property
    @abstractmethod
    def occupied(self) -> int:
        """Places of the window that are taken: spans in flight or buffered."""

    @property
    def all_requested(self) -> bool:
        """Whether nothing more will be requested, as far as is known now."""
        return self.finished

    @property
    def finished(self) -> bool:
        """Whether nothing more will be requested: the end was reached, or ``error`` follows what is ready."""
        return self.ended or self.error is not None
