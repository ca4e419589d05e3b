"""A list on a hostile server and a listing of it, in virtual time: a heap of events stands for network and clock.

Used by the tests beside it and by ``scripts/benchmarks/hostile.py``. Rows are whole numbers in the order of the list;
rows that are written meanwhile are numbered from ``FRESH`` on.
"""

import heapq
import itertools
import random
from collections.abc import Callable

from attrs import define, field, frozen

from readahead.errors import InvalidRequest
from readahead.pages import Fetched
from readahead.paging.plan import Plan, Span, Start
from readahead.paging.sewn import SewnPlan
from readahead.paging.styles import Style
from readahead.paging.window import Window

FRESH = 1_000_000
LATENCY = 0.05
MOST = 4000  # requests after which a listing is taken to be endless


class TooDeep(InvalidRequest):
    """What a listing is told of an answer 400."""

    def __init__(self) -> None:
        super().__init__("too deep", status=400, request="GET /rows")


@define(eq=False)
class Server:
    """Answers ``?page=&size=`` and ``?offset=&limit=``.

    cap: rows it gives at most; of numbered pages that changes what a number means, unless it trims: cuts them
    short. cap_at: the cap holds from that request on. hide: share of rows left out after the window is cut. hole:
    rows hidden in one stretch. always: the size of its pages, whatever is asked for. repeats_last: past the end it
    gives the last page again. ignores_limit: it gives all from there on. total: None for none, "right", "changing",
    or what it says whatever is true. says_size: numbered pages say theirs. deepest: offsets beyond it are refused.
    refuses: so are all that lie behind the last row.
    """

    count: int = 2037
    cap: int | None = None
    cap_at: int = 0
    trims: bool = False
    always: int | None = None
    hide: float = 0.0
    hole: tuple[int, int] = (0, 0)
    repeats_last: bool = False
    ignores_limit: bool = False
    total: str | int | None = None
    says_size: bool = True
    deepest: int | None = None
    refuses: bool = False
    seed: int = 1
    rows: list[int] = field(init=False)
    asked: int = field(default=0, init=False)
    _random: random.Random = field(init=False)
    _fresh: int = field(default=FRESH, init=False)

    def __attrs_post_init__(self) -> None:
        self.rows = list(range(self.count))
        self._random = random.Random(self.seed)

    def answer(self, position: dict[str, str]) -> Fetched[int]:
        self.asked += 1
        cap = self.cap if self.asked > self.cap_at and self.cap else 10**9
        size: int | None = None
        if "page" in position:
            given = int(position["size"])
            size = given if self.trims else min(given, cap)
            lo = (int(position["page"]) - 1) * size
        else:
            lo, given = int(position["offset"]), int(position["limit"])
        if self.always:
            size = given = self.always
            lo = (int(position["page"]) - 1) * size if "page" in position else lo
        if (self.deepest is not None and lo > self.deepest) or (self.refuses and lo >= max(1, len(self.rows))):
            raise TooDeep
        if self.repeats_last and self.rows and lo >= len(self.rows):
            lo = (len(self.rows) - 1) // min(given, cap) * min(given, cap)
        hi = len(self.rows) if self.ignores_limit else lo + min(given, cap)
        found = tuple(row for row in self.rows[lo:hi] if self.shows(row))
        return Fetched(found, total=self._total(), size=size if self.says_size else None)

    def shows(self, row: int) -> bool:
        hidden = (row * 2654435761 % 1000) / 1000 < self.hide or self.hole[0] <= row < self.hole[1]
        return not hidden

    def _total(self) -> int | None:
        if self.total == "right":
            return len(self.rows)
        if self.total == "changing":
            return len(self.rows) + self.asked % 3
        assert not isinstance(self.total, str)
        return self.total

    # ---- writes

    def write(self, kind: str) -> None:
        """One write: insert at the head, append, delete from the first half, one of these, or two that balance."""
        choice = self._random
        if kind == "mixed":
            kind = choice.choice(["insert", "append", "delete"])
        if kind in {"balanced", "moves"}:  # the total stays as it is
            self._delete(len(self.rows) if kind == "moves" else len(self.rows) // 2)
            self._insert(choice.randrange(len(self.rows) + 1) if kind == "moves" else len(self.rows))
        elif kind == "anywhere":
            if choice.random() < 0.5:
                self._delete(len(self.rows))
            else:
                self._insert(choice.randrange(len(self.rows) + 1))
        elif kind == "delete":
            self._delete(len(self.rows) // 2)
        else:
            self._insert(0 if kind == "insert" else len(self.rows))

    def _insert(self, place: int) -> None:
        self.rows.insert(place, self._fresh)
        self._fresh += 1

    def _delete(self, before: int) -> None:
        if self.rows:
            del self.rows[self._random.randrange(max(1, before))]


@frozen
class Writes:
    """What happens to the list: a write each so many seconds; or so many at once, when a request is asked for."""

    kind: str
    every: float | None = None
    burst: tuple[int, int] = (0, 0)  # which request; how many writes


@define
class Outcome:
    """How a listing went."""

    plan: Plan
    window: Window
    rows: list[int] = field(factory=list[int])
    requests: int = 0
    peak: int = 0  # in flight at once
    held: int = 0  # in flight, or read and not taken
    largest: int = 0  # window
    kept: int = 0  # spans in the chain
    keys: int = 0  # keys remembered
    seconds: float = 0.0
    ended: bool = False
    missing: int = 0  # rows that were there throughout and did not come
    twice: int = 0
    ordered: bool = True  # of those that were there throughout
    evidence: bool = False  # answers contradict each other: a row at two positions, or another total


def read(
    style: Style,
    window: int | Window,
    server: Server,
    *,
    size: int = 100,
    ordered: bool = True,
    start: Start | None = None,
    limit: int | None = None,
    writes: Writes | None = None,
    seed: int = 1,
    make: Callable[[int], Plan] | None = None,
    fails: Callable[[int], Exception | None] = lambda _request: None,
    consume: float = 0.0,
) -> Outcome:
    """One listing. Requests reach the server out of order, and answers come back so.

    make: a plan of another kind. fails: the error of the n-th request, from 1. consume: seconds for each page that is
    handed out, during which nothing more is asked for.
    """
    window = Window(window) if isinstance(window, int) else window
    plan = make(window.size) if make else style.plan(size, window.size, limit=limit, ordered=ordered, start=start)
    done = Outcome(plan, window, largest=window.size)
    chance = random.Random(seed * 7919 + 13)
    before = list(server.rows)
    places: dict[int, int] = {}
    now, order = 0.0, 0
    events: list[tuple[float, int, str, Span | None, object]] = []

    def later(seconds: float, what: str, span: Span | None = None, more: object = None) -> None:
        nonlocal order
        order += 1
        heapq.heappush(events, (now + seconds, order, what, span, more))

    def ask() -> None:
        while done.requests < MOST and (span := plan.next_request()) is not None:
            done.requests += 1
            if writes and writes.burst[0] == done.requests:
                for _ in range(writes.burst[1]):
                    server.write(writes.kind)
            took = LATENCY * chance.uniform(0.5, 1.5) * (chance.uniform(3, 8) if chance.random() < 0.02 else 1)
            there = took * chance.random()
            later(there, "arrives", span, (now, took - there, done.requests))
            look()

    def look() -> None:
        done.held = max(done.held, plan.occupied)
        if isinstance(plan, SewnPlan):
            done.peak = max(done.peak, plan.flow.in_flight)
            done.kept = max(done.kept, len(plan.chain))
            done.keys = max(done.keys, plan.memory.known)

    def witness(span: Span, page: Fetched[int]) -> None:
        lo = (span.number - 1) * page.size if span.number and page.size else span.lo
        for place, row in enumerate(page.keys, lo):
            done.evidence |= places.setdefault(row, place) != place
        if page.total is not None:
            done.evidence |= places.setdefault(-1, page.total) != page.total

    def take() -> int:
        taken = 0
        while (ready := plan.next_page()) is not None:
            span, fresh = ready
            done.rows += [row for row in dict.fromkeys(span.keys or ()) if row in fresh]
            taken += 1
        return taken

    if writes and writes.every:
        later(writes.every, "write")
    busy = False
    ask()
    while events and not plan.finished and done.requests < MOST:
        now, _, what, span, more = heapq.heappop(events)
        if what == "write":
            assert writes
            assert writes.every
            server.write(writes.kind)
            later(writes.every, "write")
            continue
        if what == "arrives":
            assert span is not None
            sent, back, number = more  # type: ignore[misc]
            error = fails(number)
            try:
                later(back, "answers", span, (sent, error or server.answer(dict(span.position))))
            except TooDeep as refused:
                later(back, "answers", span, (sent, refused))
            continue
        if what == "answers":
            assert span is not None
            sent, seen = more  # type: ignore[misc]
            if isinstance(seen, Exception):
                plan.add_error(span, seen)
            else:
                if plan.needs(span):
                    witness(span, seen)
                plan.add_response(span, seen)
                plan.window = window.answered(now - sent, end_known=seen.total is not None)
                done.largest = max(done.largest, plan.window)
            look()
        else:
            busy = False
        if not busy and (taken := take()) and consume:
            busy = True
            later(consume * taken, "consumed")
        if not busy:
            ask()
    take()
    there = set(server.rows)
    came = set(done.rows)
    done.seconds, done.ended = now, plan.finished
    done.missing = sum(row in there and row not in came and server.shows(row) for row in before)
    done.twice = len(done.rows) - len(came)
    kept = [row for row in done.rows if row < FRESH and row in there]
    done.ordered = all(a < b for a, b in itertools.pairwise(kept))
    return done
