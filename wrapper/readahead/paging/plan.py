"""What a listing requests next: the interface of every plan. Pure: a plan never waits and sends nothing.

A *style* says how an API pages: ``PageNumber``, ``OffsetLimit`` or ``Cursor``. It makes one *plan* for each listing.
Whoever runs a plan sends what ``next_request()`` gives until that is None (wait for a response, or all is requested),
passes on what comes with ``add_response()`` or ``add_error()``, and emits what ``next_page()`` gives, until the plan is
``finished``. How spans of positions are planned is in ``sewn``.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Hashable

from attrs import define, field, frozen

from ..pages import Fetched

__all__ = ["Plan", "Span", "Start", "Tally"]


@define(eq=False)
class Span:
    """One request of a listing: the positions from ``lo`` up to ``hi``, without ``hi``, and the keys it brought.

    Attributes:
        position: The paging parameters.
        number: The number of a numbered page, else 0.
        branch: In a listing made of several, which of them.
        keys: Keys of the rows in the response; None before it arrived.
        uncounted: Those of them that a limit does not count.
    """

    lo: int
    hi: int
    position: tuple[tuple[str, str], ...]
    number: int = 0
    branch: int = 0
    keys: tuple[Hashable, ...] | None = None
    uncounted: frozenset[Hashable] = frozenset()


@frozen
class Start:
    """Where a listing begins or is resumed.

    Attributes:
        at: The position to begin at.
        keys: Keys of the last rows before that position, which were emitted earlier.
        cursor: The page to begin with, where the API pages by cursor.
        stop: The listing ends with the last of these keys; empty: at the end of the list.
        branch: In a listing made of several, the one to begin with.
    """

    at: int = 0
    keys: tuple[Hashable, ...] = ()
    cursor: str | None = None
    stop: tuple[Hashable, ...] = ()
    branch: int = 0


@define
class Tally:
    """What a plan has counted.

    Attributes:
        emitted: Rows emitted that a limit counts.
        mismatches: Evidence that rows moved.
        duplicates: Rows that came again, apart from those that spans share on purpose.
        gaps_closed: Spans requested to close a gap.
        gaps_open: Gaps that could not be closed.
        hides_rows: Whether the server leaves rows out of its pages.
    """

    emitted: int = 0
    mismatches: int = 0
    duplicates: int = 0
    gaps_closed: int = 0
    gaps_open: int = 0
    hides_rows: bool = False

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.emitted + other.emitted,
            self.mismatches + other.mismatches,
            self.duplicates + other.duplicates,
            self.gaps_closed + other.gaps_closed,
            self.gaps_open + other.gaps_open,
            self.hides_rows or other.hides_rows,
        )


@define(eq=False)
class Plan(ABC):
    """One listing.

    Attributes:
        window: Pages in flight or buffered at most; it may change.
        limit: Rows to emit at most.
        ordered: Whether rows are emitted in the order of the list.
        start: Where it begins.
        ended: Whether the end was reached.
        error: What ends the listing early, once the pages before it are emitted.
        ready: Pages to emit, and which of their rows.
        tally: What was counted.
    """

    window: int
    limit: int | None
    ordered: bool
    start: Start
    ended: bool = field(default=False, init=False)
    error: Exception | None = field(default=None, init=False)
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
