"""How an API pages, and what whoever runs a listing may ask of its plan. Pure: a plan never waits and sends nothing.

A *style* says how an API pages: ``PageNumber``, ``OffsetLimit`` or ``Cursor``. It makes one *plan* a listing, which is
asked with ``ask()`` for the next request until it answers None (wait, or all is asked), is told with ``got()`` or
``failed()`` what came, and is emptied with ``take()``, until it is ``over``. How positions are planned is in ``sewn``.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Hashable

from attrs import define, field, frozen

__all__ = ["Plan", "Seen", "Span", "Start"]


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
