"""A server without a network: it answers when the test says so, last-asked first, and counts."""

from collections.abc import Callable

import anyio
from anyio import lowlevel
from attrs import define, field

from readahead.pages import Fetched
from readahead.paging.ledger import Ledger
from readahead.paging.plan import Plan, Span
from readahead.paging.stream import Engine
from readahead.paging.styles import Cursor, OffsetLimit, PageNumber, Style
from readahead.paging.window import Window

NUMBERED, OFFSET, CURSOR = PageNumber(), OffsetLimit(), Cursor()


@define(eq=False)
class FakeServer:
    """Rows 0 to n - 1. Requests wait until all that will be asked is asked; then the last one is answered first."""

    rows: int
    style: Style
    says_total: bool = True
    fails: Callable[[int], Exception | None] = lambda _lo: None
    requests: int = 0
    in_flight: int = 0
    peak: int = 0
    answered: int = 0
    cancelled: int = 0
    positions: list[dict[str, str]] = field(factory=list)
    _waiting: list[anyio.Event] = field(factory=list)

    async def fetch(self, span: Span) -> Fetched[int]:
        position = dict(span.position)
        self.positions.append(position)
        self.requests += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        turn = anyio.Event()
        self._waiting.append(turn)
        try:
            await self._release(turn)
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
            if turn in self._waiting:
                self._waiting.remove(turn)
        self.answered += 1
        return self.answer(position)

    async def _release(self, turn: anyio.Event) -> None:
        # Each request waits until for a few turns of the loop no other came; then the newest goes first.
        came = 0
        while came < self.requests:
            came = self.requests
            for _ in range(4):
                await lowlevel.checkpoint()
        while not turn.is_set():
            self._waiting.pop().set()
            if not turn.is_set():
                for _ in range(2):
                    await lowlevel.checkpoint()

    def answer(self, position: dict[str, str]) -> Fetched[int]:
        following = None
        if isinstance(self.style, PageNumber):
            size = int(position["size"])
            lo = (int(position["page"]) - 1) * size
        elif isinstance(self.style, OffsetLimit):
            lo, size = int(position["offset"]), int(position["limit"])
        else:
            lo, size = int(position.get("cursor", 0)), int(position["limit"])
            following = str(lo + size) if lo + size < self.rows else None
        if (error := self.fails(lo)) is not None:
            raise error
        total = self.rows if self.says_total else None
        found = tuple(range(self.rows)[lo : lo + size])
        return Fetched(found, rows=found, total=total, next=following)

    def engine(self, size: int, window: int, *, limit: int | None = None, ordered: bool = True) -> Engine[int]:
        def plan() -> Plan:
            return self.style.plan(size, window, limit=limit, ordered=ordered)

        return Engine(plan, self.fetch, Ledger(limit=limit), Window(window))
