"""Listings by position that lose no row while the list changes: the sewn chain. Pure: nothing here waits.

The theory
    A request asks for a span of positions, and a response holds some of the rows there: rows may be hidden from us, the
    server may cap the span, and rows that are inserted or deleted meanwhile shift all that follow. Positions therefore
    prove nothing, and neither do totals and page sizes that a response names: they say what to request next. One thing
    proves something: a page that holds a row which was emitted is *sewn*. If rows keep their order, no row that was
    there throughout can lie between what was emitted and such a page, whatever happened meanwhile. So pages are
    requested with an overlap, and rows are emitted only from sewn pages. Caps, short pages, hidden rows and drift are
    then one case; and how many rows were emitted after the one that a page shares says where the last one is now.

The state
    memory   the rows emitted last, in order: to sew with, and so that no row is emitted twice (``memory``)
    at       the position behind the last of them, as the newest page shows it; ``clear``: nothing is known up to there
    chain    spans by position: in flight, or read and waiting until they are sewn
    server   what responses have shown of it: how many rows it gives, whether it hides some, its total (``server``)
    flow     what is in flight, and how many requests the listing may still take without getting on

The rules
    NEXT     While there is room, request a span that overlaps the last one. Not while one is short: first see what
             follows it. The first span is requested alone, and shows the size.
    EMIT     The first span that is sewn is taken out of the chain, with those before it. Its new rows are emitted.
    FOLD     Without a new row it says where the list goes on, or that it ends.
    SEEK     A span that is not sewn waits for those before it. Then the last row is asked for: where it should be, then
             farther and farther away on both sides. If it is not found, the list is read again from its beginning, as
             long as every row is remembered; else the gap stays open, and the report says so.
    SIZE     The stride is what the server gives, not what was requested. A numbered page of another size is about other
             positions, and so are those in flight: they are requested again.
    END      A newer page that holds the last row and is not full shows that nothing follows; so much must be clear
             behind it that neither a cap nor hidden rows explain it. A total ends nothing, but for a page that is not
             full and ends where its own total says. A page that says itself that nothing follows ends the listing,
             unless a total promises more or rows have come that lie behind it. One that says that rows follow is never
             the last: as far as for a total, something is looked for behind it.
    FAIL     A span that fails ends the listing, unless it lies behind the last row: then that row is asked for. Where
             the server refuses what lies behind, spans that end earlier are requested, until one shows the end.
    BOUND    Each response costs one unit, and each page of rows earns a few. A listing without any left has ended.

What no client can know: a hidden stretch longer than what is looked past.
"""

from collections.abc import Hashable
from math import inf
from typing import cast

from attrs import define, field

from ..errors import ApiError, CheckpointError
from ..pages import Fetched
from .grids import Link
from .memory import ROWS, Memory, Place
from .plan import NO_MORE, Plan, Span, Start
from .server import ServerModel

__all__ = ["SewnPlan"]

TRIES = 14  # requests to find the last row
SPREAD = (1, 1, 2, 3, 5, 8, 13)  # how far from where it should be it is looked for, times what is remembered
AHEAD = 32  # spans more than the window that the chain may hold, where rows are emitted as they arrive
LOOK = 10  # empty pages: so far is looked where a total promises more
TRICKLE = 2  # pages in a row that are cut and bring rows: these may be appended as fast as they are read
RESERVE, EARNED = 60, 3  # requests without any row, besides two windows; and those that a page of rows allows


@define
class Flow:
    """What is in flight, and whether the listing gets on."""

    left: float  # requests that it may take without getting on, besides two windows
    in_flight: int = 0  # requests
    sent: int = 0  # requests
    allowed: int = 1  # spans in flight or buffered; it grows up to the window
    fresh: int = 0  # new rows of the last span
    trickle: int = 0  # short responses in a row that brought new rows
    barren: int = 0  # responses in a row without a new row, of those that are emitted as they arrive
    farthest: int = 0  # position behind the last row, at its highest


@define(eq=False)
class Edge:
    """Where the server refuses: spans that end at ``answered`` are answered, and at ``refused`` they are not."""

    refused: int
    error: Exception  # with which it was refused last
    answered: int | None = None
    step: int = 1

    @property
    def is_end(self) -> bool:
        """Whether nothing else can be meant than that there is nothing there."""
        return isinstance(self.error, ApiError) and self.error.status in {404, 416}

    def refuse(self, hi: int, error: Exception) -> None:
        """A span that ends here was refused."""
        self.refused, self.error = min(self.refused, hi), error
        self.step *= 2
        if self.answered is not None and self.answered >= self.refused:
            self.answered = None

    def answer(self, hi: int, *, fresh: bool) -> None:
        """A span that ends here was answered. Without new rows, and no farther than before, there is nothing to try."""
        if self.answered is not None and hi <= self.answered and not fresh:
            self.refused = self.answered + 1
        self.answered = max(hi, self.answered or 0)

    @property
    def next(self) -> int | None:
        """Where the next span has to end; None: there is nothing left to try."""
        if self.answered is None:
            return max(1, self.refused - self.step) if self.step < 2 * self.refused else None
        return (self.answered + self.refused) // 2 if self.refused - self.answered > 1 else None


@define(eq=False)
class SewnPlan(Plan):
    """One listing by position."""

    server: ServerModel
    chain: list[Link] = field(factory=list[Link], init=False)
    memory: Memory = field(init=False)
    flow: Flow = field(init=False)
    at: int = field(init=False)
    clear: int = field(init=False)
    _tail: Link | None = field(default=None, init=False)  # the newest span that was sewn
    _is_proved: bool = field(default=False, init=False)  # a page that holds the last row has shown what follows it
    _edge: Edge | None = field(default=None, init=False)
    _tries: int = field(default=0, init=False)  # to find the last row
    _seen_at: int | None = field(default=None, init=False)  # the last row is not before this position
    _lost: int = field(default=0, init=False)  # how often it was found, and what follows it was not
    _found: int = field(default=0, init=False)  # how often of these it was elsewhere
    _continued: int = field(default=-1, init=False)  # the position from which it was asked for
    _is_repeated: bool = field(default=False, init=False)  # the last row came again farther on, and nothing after it
    _enough: float = field(default=inf, init=False)  # rows: with so many, all but those appended just now are emitted
    _mark: tuple[int, int] | None = field(default=None, init=False)  # a row kept of long ago: its position and number
    _base: int = field(init=False)  # rows of the list that lie before those that this plan emits
    _passed: int = field(default=0, init=False)  # rows emitted
    _is_joined: bool = field(default=False, init=False)  # a join repeats rows, which a total may count
    _heeded: tuple[int, bool | None] = field(default=(-1, None), init=False)  # what the newest last page says follows

    def __attrs_post_init__(self) -> None:
        start = self.start
        self.memory = Memory(start, ROWS + self.window * self.server.size)
        self.flow = Flow(RESERVE, farthest=start.at)
        if start.size is not None and start.size < self.server.size:
            self.server.give(start.size)
        self.at = self.clear = self._base = start.at
        self.ended = bool(start.stop) and start.keys[-1:] == start.stop[-1:]  # a part that was emitted to its end

    # ---- NEXT

    def next_request(self) -> Span | None:
        if self.finished or self.flow.in_flight >= self.window:
            return None
        link = next((link for link in self.chain if link.order < 0), None)
        if link is not None and self.occupied >= self.window:
            if link is not self.chain[0] or self.ready or self._by_arrival:
                return None
            while self.occupied >= self.window and len(self.chain) > 2:
                self.chain.pop()  # what is looked for comes first; the farthest span is requested again
        allowed = self.window if self.server.total is not None else min(self.flow.allowed, self.window)
        if link is None and self.occupied < allowed and (link := self._onward()):
            self.chain.append(link)
        if link is not None:
            link.order = self.flow.sent
            self.flow.sent += 1
            self.flow.in_flight += 1
        return link

    @property
    def occupied(self) -> int:
        if self._by_arrival:
            return self.flow.in_flight + len(self.ready)
        return sum(link.order >= 0 for link in self.chain) + len(self.ready)

    @property
    def all_requested(self) -> bool:
        total = self.server.total
        if self.finished or not self.server.answered:
            return self.finished
        if total is not None:
            return max([self.at, *map(self.server.reach, self.chain)]) >= total
        return self.clear > self.at or any(map(self.server.is_short, self.chain))

    @property
    def _by_arrival(self) -> bool:
        # Which rows lie before the end of a part is known only in order.
        return not self.ordered and not self.start.stop

    def _onward(self) -> Link | None:
        server = self.server
        if not self.chain:
            return self._next_alone()
        if not server.answered or self._edge is not None or self._is_proved:
            return None  # only in order is it seen what follows
        if self.limit is not None and self._expected() >= self.limit:
            return None
        if len(self.chain) > self.window + AHEAD or self.flow.barren > 1:
            return None  # rows that are emitted as they arrive leave the chain only in order
        last, total = self.chain[-1], server.total
        reach = server.reach(last)
        if (total is not None and reach >= total) or (total is None and self._awaits_end()):
            return None
        for back in (server.back, min(1, server.least_overlap), 0):
            if (link := server.grid.at(reach - back)).hi > last.hi:
                return link
        return None

    def _next_alone(self) -> Link | None:
        """The next span when there is no other: it holds the last row, if it can."""
        server, grid, keys = self.server, self.server.grid, self.start.keys
        if not server.answered and self._edge is None:
            return grid.at(self.at - min(len(keys), max(1, server.least_overlap)))
        if self._edge is not None:
            is_cut = self._ends_before(self._edge)
            end = self._edge.answered if is_cut else self._edge.next
            largest = server.page_size if server.is_sure else server.asked
            if end is None:
                return None
            if self._edge.answered is None:  # one row farther back, then twice as many
                return grid.before(end, min(self.at - server.back, end - largest), largest)
            return grid.before(end, self.at - (1 if is_cut else max(1, server.back)), largest)
        if self._is_proved and (self.clear > self.at or server.sparse):
            return grid.at(self.clear)  # nothing follows so far: look farther
        if self.flow.trickle > TRICKLE:
            link = grid.at(self.at + 2 * self.flow.fresh + 2)
            link.looks_ahead = True  # what is there was not appended just now
            return link
        back = server.back
        if self._tail is not None and self._tail.is_cut and not server.sparse and not self.tally.mismatches:
            back = min(1, server.least_overlap)
        link = grid.at(self.at - back)
        return link if link.hi > self.at else grid.at(self.at)

    def _ends_before(self, edge: Edge) -> bool:
        """Whether the last page was cut before the positions that are refused: then it is asked for once more."""
        return self._tail is not None and self._tail.is_cut and edge.answered is not None

    def _awaits_end(self) -> bool:
        """Whether a short span waits for what follows it, or brought nothing."""
        if self.clear > self.at or any(link.more is False for link in self.chain):
            return True
        followers = [*self.chain[1:], self.chain[-1]]
        return any(
            self.server.is_short(a) and (b.keys is None or not a.keys)
            for a, b in zip(self.chain, followers, strict=True)
        )

    def _expected(self) -> int:
        """Rows emitted, and about how many more the chain will bring."""
        size, overlap = self.server.size, self.server.back
        return self.tally.emitted + sum(
            max(1, (size if link.keys is None else len(link.keys)) - overlap) for link in self.chain
        )

    # ---- responses

    def add_response(self, span: Span, page: Fetched[object]) -> None:
        self.flow.in_flight -= 1
        if self.finished or span not in self.chain:
            return
        link, server, keys = cast("Link", span), self.server, page.keys
        self.flow.left -= 1
        if self._is_resized(link, page):
            return
        link.known = self.flow.sent
        link.keys, link.uncounted, link.unreadable, link.total = keys, page.uncounted, page.unreadable, page.total
        link.more = page.more
        if self._by_arrival and link.lo >= self.start.at and not (link.lo and page.unreadable.intersection(keys[:1])):
            fresh = [key for key in self.memory.place(keys, page.unreadable, 0).fresh if key not in self.memory.early]
            self.flow.barren = max(0, self.flow.barren + (-1 if fresh else 1))
            link.emitted = True
            self.flow.left += EARNED * len(fresh) / self.server.size
            self._emit(link, fresh)
        self.tally.mismatches += server.add_total(link)
        server.grow(len(keys))
        self._widen(link)
        self._advance()

    def add_error(self, span: Span, error: Exception) -> None:
        self.flow.in_flight -= 1
        if not self.finished and span in self.chain:
            self.flow.left -= 1
            cast("Link", span).error = error
            self._advance()

    def needs(self, span: Span) -> bool:
        return not self.finished and span in self.chain

    def resume_at(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:
        """Return the place behind the last row that was emitted, with what is needed to find it again."""
        seen, brought = (*before, *keys), span.keys or ()
        if not seen:
            return self.start
        at = span.lo + (1 + brought.index(seen[-1]) if seen[-1] in brought else 0)
        near, older = self.memory.before(seen[-1])
        total = self.server.latest_total
        return Start(
            at,
            near or seen,
            stop=self.start.stop,
            older=older,
            total=None if total is None else total[0],
            size=self.server.given,
        )

    def _is_resized(self, link: Link, page: Fetched[object]) -> bool:
        """SIZE. Whether this response, and those in flight, are about other positions than they were requested for."""
        requested, count = link.hi - link.lo, len(page.keys)
        size = max(page.size if page.size is not None and count <= page.size else requested, count)
        if link.number > 1 and 0 < count < size and self.server.is_sure and not self.server.hides_rows:
            place = self.memory.place(page.keys, page.unreadable, 0)
            begin = self.at - self.memory.count + place.number - place.last  # where its first row stands, by that known
            if place.last >= 0 and begin == (link.number - 1) * count != link.lo:
                size = count
        if size == requested or (size > requested and not link.number):
            return False
        self.server.resize(link, size)
        self._tries = 0  # where it was looked for, other rows were
        if not link.number or (not self.server.answered and link.lo <= self.at < link.hi):
            return False
        del self.chain[next(at for at, link in enumerate(self.chain) if link.keys is None) :]
        self._advance()
        return True

    def _widen(self, link: Link) -> None:
        """With a total, the whole window at once; without, one more for each response that suggests there is more."""
        server, flow = self.server, self.flow
        if server.total is not None:
            flow.allowed = self.window
        elif self.tally.mismatches and not link.keys:
            flow.allowed = 1  # the end is near, and moves
        elif server.answered and not server.is_short(link):
            flow.allowed = min(self.window, flow.allowed + 1)

    # ---- EMIT

    def _advance(self) -> None:
        """Take out of the chain what is sewn, and see to what is not."""
        while not self._is_over() and self.chain:
            index, place = self._first_sewn()
            if place is not None:
                link = self.chain[index]
                del self.chain[: index + 1]
                if place.fresh:
                    self._settle(link, place)
                else:
                    self._fold(link, place)
            elif self.chain[0].error is not None:
                self._fail(self.chain[0], self.chain[0].error)
            elif self.chain[0].keys is None or not self._seek(self.chain[0], self.chain[0].keys):
                return
        edge = self._edge
        if edge is not None and edge.next is None and not (self.chain or self.finished or self._ends_before(edge)):
            self.error = edge.error
            hint = "split the list with filters, so that each part is shorter (partitions() divides by position)"
            self.error.args = (f"{self.error}; the API refuses what lies behind position {self.at:,}: {hint}",)

    def _first_sewn(self) -> tuple[int, Place | None]:
        last = self.memory.last
        waiting = self.chain if self.chain[0].keys is not None or self.chain[0].order < 0 else ()
        for index, link in enumerate(waiting):
            if link.keys is None or (index and last not in link.keys):
                continue
            # Where rows may be hidden, the last one may lie anywhere up to the end of its span.
            tail = self._tail
            at = max(self.at, tail.hi) if tail is not None and tail.is_cut else self.at
            place = self.memory.place(link.keys, link.unreadable, link.lo - at)
            if (place.sewn or (link.lo == 0 and link.keys and not self.memory.length)) and (place.fresh or not index):
                return index, place
        return 0, None

    def _settle(self, link: Link, place: Place) -> None:
        """Emit the new rows of a span, which is the tail from here on."""
        server, tally, flow, tail = self.server, self.tally, self.flow, self._tail
        assert link.keys is not None
        keys = link.keys
        if tail is None:
            self._begin(link, place)
        if tail is not None and tail.keys:
            tally.mismatches += server.compare(tail, link, fresh=True) or self._is_repeated
            expected = max(0, max(self.at, tail.hi if tail.is_cut else 0) - link.lo)
        else:
            expected = len(self.start.keys)
        if not place.stable:
            tally.mismatches += 1
            tally.unstable = True
        tally.hides_rows = server.hides_rows
        tally.duplicates += max(0, len(keys) - len(place.fresh) - expected)
        tally.mismatches += self._tries > 0 and not server.sparse and self._is_elsewhere(link, place)
        self._seen_at = None
        self._is_repeated, self._mark, self._tries, self._is_proved = False, None, 0, False
        self._lost = self._found = 0
        self._is_joined |= len({*keys}) < len(keys)
        begins = self.memory.count == 0
        fresh, self.ended = self.memory.before_stop(keys, place.fresh)
        tally.overrun |= begins and self.ended and not fresh  # it stops before it begins: rows moved when it was made
        if not link.emitted:
            self._emit(link, list(fresh))
        self.memory.remember(fresh)
        self._tail = link
        self.at = server.reach(link) if server.sparse else link.end
        if self.memory.is_stopping and self.memory.last in keys:
            self.at = link.lo + keys.index(self.memory.last) + 1
        self.clear = max(self.at, link.hi if link.is_cut and not server.sparse else 0)
        if self._edge is not None:
            self._edge.answer(link.hi, fresh=True)
        self._earn(0 if link.emitted else len(fresh), server.reach(link) - link.lo)
        flow.fresh = len(fresh)
        flow.trickle = flow.trickle + 1 if link.is_cut and not server.sparse else 0
        server.answered = True
        self.ended |= self.memory.count >= self._enough
        if link.total is not None and link.end > link.total and not server.total_refuted:
            tally.mismatches -= server.refute_total()
        if link.is_cut and not server.is_full(link) and not server.sparse:
            is_whole = link.total is not None and server.total is not None and link.total == link.end
            self.ended |= is_whole and not link.more
        self._heeded = link.order, link.more
        self.ended |= link.more is False and not self._is_contradicted(link)
        self._conclude()

    def _begin(self, link: Link, place: Place) -> None:
        """The first span shows the size, unless it is the whole list."""
        assert link.keys is not None
        if place.last >= 0:
            self._base = link.lo + place.last + 1
        if link.total is None or link.total != link.end or not link.is_cut:
            self.server.learn_size(link)

    def _emit(self, link: Link, fresh: list[Hashable]) -> None:
        rows = frozenset(fresh).difference(self.memory.early)
        if self._by_arrival:
            self.memory.early.update(dict.fromkeys(rows))
        if rows:
            self._passed += len(rows)
            self.tally.emitted += len(rows - link.uncounted)
            self.ready.append((link, rows))

    def _earn(self, rows: int, positions: int) -> None:
        flow = self.flow
        gained = 0 if self._by_arrival else min(positions, self.at - flow.farthest)  # a far page may be the last, again
        flow.left += EARNED * max(rows, gained) / self.server.size
        flow.farthest = max(flow.farthest, self.at)

    # ---- FOLD and END

    def _fold(self, link: Link, place: Place) -> None:
        """Take what a span without a new row shows: where the last row is now, and whether anything follows it."""
        server, tally, tail = self.server, self.tally, self._tail
        assert link.keys is not None
        if tail is not None and link.order < tail.known:
            return  # it may be older than what is known
        was_sparse, was_cut = server.sparse, tail is None or tail.is_cut
        behind = self.memory.count - 1 - place.number  # rows that were emitted after the last one here
        # Either rows were inserted before, or the server gives its last page again for what lies behind the end.
        again = behind == 0 and link.lo + place.last >= max(self.at, tail.hi if tail is not None and tail.is_cut else 0)
        again &= link.lo >= self.at or not link.is_cut  # a short page from before the end is no other page again
        if tail is not None and tail.keys and not again:
            tally.mismatches += server.compare(tail, link, fresh=False) or self._has_moved(link, place)
        if not place.stable:
            tally.mismatches += 1
            tally.unstable = True
        tally.hides_rows = server.hides_rows
        server.answered = True
        if self._edge is not None:
            self._edge.answer(link.hi, fresh=False)
        self._seen_at = link.lo + place.last + 1 if behind else None
        if not behind:
            found = self._tries > 0 and not server.sparse and self._is_elsewhere(link, place)
            tally.mismatches += found
            self._found += found
            self._lost += self._tries > 0 and not server.sparse
            self._tries = 0
        if server.sparse:  # the last row may be anywhere up to the end of the span in which it came first
            if not was_sparse and tail is not None:
                self.at = max(self.at, tail.hi)
            if behind:
                self.at = self.clear = max(self.at, link.lo + place.last + behind + 1)
            else:
                self.clear = max(self.at, self.clear, server.reach(link) if link.lo <= self.clear else 0)
            self._is_proved = not behind
        elif not server.is_full(link) or (link.is_cut and not server.is_sure):
            shown = self.clear - self.at if was_cut else 0
            self.at, self._is_proved = self.at if again else link.end, True
            self.clear = max(server.reach(link), self.at + shown)
        elif behind:
            self.at = self.clear = link.lo + place.last + behind + 1
            self._is_proved = False
        elif again and self._is_proved:
            self.clear = max(self.clear, server.reach(link))
        else:  # it ends with the last row; where that is the last page, again, what follows it is the same
            self.ended |= again and self._is_repeated
            self._is_repeated = again
            self.at = self.clear = link.end
            self._is_proved = False
        if not again or tail is None:
            self._tail = link
        if self._lost > 1:
            server.stop_overlapping()  # where pages should overlap, there is nothing: positions are all there is
            tally.mismatches -= self._found
            self._tries = self._lost = self._found = 0
            self.chain.clear()
        edge = self._edge
        if edge is not None and self._is_proved and (not server.sparse or edge.is_end):
            self.ended = True  # what lies behind is refused, and this page shows that nothing does
        if not behind:
            self._heed(link)
            self.ended |= link.more is False and not self._is_contradicted(link)
        self._conclude()

    def _heed(self, link: Link) -> None:
        """Take what a page behind which nothing came says itself of what follows it. The newest one counts."""
        if link.order > self._heeded[0]:
            self._heeded = link.order, link.more

    def _is_contradicted(self, link: Link) -> bool:
        """Whether rows are known that lie behind a page, or a total promises some."""
        return self._is_promised or any(other.keys and other.end > link.end for other in self.chain)

    @property
    def _promised_end(self) -> float:
        """How far is looked, because a total or a page says that rows follow."""
        far, total = self.at + LOOK * self.server.size, self.server.total
        return far if self._heeded[1] else 0 if total is None else min(total, far)

    @property
    def _is_promised(self) -> bool:
        """Whether a total promises more rows than came."""
        return self.server.total is not None and self.server.total > self._base + self._passed

    def _has_moved(self, link: Link, place: Place) -> bool:
        """Whether a row of a page that shares none with the last one is elsewhere, though none is hidden."""
        tail = self._tail
        if (
            tail is None
            or self.server.hides_rows
            or self._is_promised
            or not set(tail.keys or ()).isdisjoint(link.keys or ())
        ):
            return False
        return self._is_elsewhere(link, place)

    def _is_elsewhere(self, link: Link, place: Place) -> bool:
        """Whether the last row here is not where it is believed to be."""
        return link.lo + place.last != self.at - self.memory.count + place.number

    def _conclude(self) -> None:
        """END. See whether nothing follows, and what a total says about it."""
        server, tally = self.server, self.tally
        if self._is_proved and not self.ended and self.clear - self.at >= server.proof:
            self.ended = self.clear >= self._promised_end
            self.ended &= not any(link.keys for link in self.chain)
        if not self.ended or (self.limit is not None and tally.emitted >= self.limit):
            return
        tally.overrun |= self.memory.missed_stop
        if self._heeded[1] and not self.start.stop and self.memory.count < self._enough:
            tally.broken = "the API says that more rows follow, and none came"
        if self.start.stop or self._is_joined:
            return
        if server.least_total is not None and not server.total_refuted:
            tally.missing = max(0, server.least_total - self._base - self._passed - server.changes)

    def _is_over(self) -> bool:
        if self.flow.left + 2 * self.window < 0 and not self.ended:
            self.ended = True  # it does not get on: say so, rather than go on for ever
            self.tally.gaps_open += 1
        if self.limit is not None and self.tally.emitted >= self.limit:
            self.ended = True
        return self.finished

    # ---- SEEK

    def _seek(self, link: Link, keys: tuple[Hashable, ...]) -> bool:
        """See to a span that is not sewn. False: another one was put before it."""
        server, tally = self.server, self.tally
        begin = 0 if server.sparse and self._is_proved else self.at
        touches = begin <= link.lo <= (self.clear if self._is_proved else self.at)
        is_blind = server.least_overlap == 0 or (link.lo == self.at and server.grid.at(self.at - 1).hi == self.at)
        gives_up = self._tries >= (3 if server.sparse and link.lo <= self.at else TRIES)
        if not self.memory.count and not self.start.keys and not keys:
            return self._skip(link)
        if (
            self._tail is not None
            and link.known <= self._tail.order
            and (link.lo < self.at or (not keys and self.flow.trickle > TRICKLE))
        ):
            self.chain.remove(link)  # it was answered before the last row was where it is now
            return True
        if touches and not link.is_probe and (is_blind or self._is_proved):
            tally.unverifiable |= is_blind
            tally.gaps_open += bool(keys) and not is_blind and tally.mismatches > 0
            return self._accept(link, keys)
        if server.sparse and link.lo <= self.at and gives_up:
            tally.gaps_open += bool(keys) and tally.mismatches > 0
            return self._accept(link, keys)
        if link.looks_ahead:
            self.flow.trickle = 0
            if not keys:  # the list ended before it: so many rows at most were left then, and others came later
                self._enough = self.memory.count + link.lo - self.at
            else:
                server.confirm_cap()
        if not keys and link.lo == 0:
            return self._skip(link)  # there is no row any more
        shared = keys[: max(0, self.at - link.lo)]
        if self._tries and shared and link.unreadable.issuperset(shared):
            tally.unverifiable, self._tries = True, 0  # no row can be read where they overlap: positions must do
            return self._accept(link, keys, len(shared))
        if (mark := self.memory.find(keys)) is not None:
            self._mark = link.lo + mark[0] + 1, mark[1]
            self._seen_at = self._mark[0]
            self.at = self.clear = self._mark[0] + self.memory.count - 1 - mark[1]
            self._tries += 1
            self.chain.remove(link)
            return True
        if gives_up:
            return self._give_up(link, keys)
        is_behind = server.sparse or link.lo >= self.at - server.least_overlap
        if self._continued != self.at and is_behind and not link.is_probe:
            self._continued = self.at
            is_loose = server.sparse and self._tail is not None  # the last row lies somewhere in its span
            end = self._tail.end if self._tail is not None and is_loose else self.at
            probes = [server.grid.at(end - back) for back in (max(1, 1 if is_loose else min(server.back, end)), 1)]
            probe = next((probe for probe in probes if probe.hi > self.at), probes[0])
            if probe.lo < link.lo:
                return self._put_before(link, probe)
        if not keys and link.lo >= self.at:
            self.chain.remove(link)  # it was requested before the end was in sight
            return True
        if not server.is_sure and not keys and self._tail is not None:
            server.sparse = server.hides_rows = True
        return self._search(link, keys)

    def _put_before(self, link: Link, probe: Link) -> bool:
        self.tally.gaps_closed += bool(link.keys)
        if link.is_probe:
            self.chain.remove(link)
        self.chain.insert(0, probe)
        return False

    def _search(self, link: Link, keys: tuple[Hashable, ...]) -> bool:
        """Ask for the last row ever farther from where it should be, on both sides, until some of those before it show.

        Then it lies between them and a page that holds none.
        """
        server, memory, tries = self.server, self.memory, self._tries
        self._tries += 1
        server.overlap = max(server.overlap, min(2 * max(1, server.overlap), server.size // 2))
        if self._seen_at is not None and self._seen_at < link.lo:
            place = (self._seen_at + link.lo) // 2
        elif tries == 0:
            before = self.start.total if self._tail is None else self._tail.total
            total = server.total if before is not None else None
            place = self.at if total is None or before is None else self.at + total - before
        else:
            step = SPREAD[min(tries // 2, len(SPREAD) - 1)] * (memory.length + server.page_size // 2)
            place = self.at + (step if tries % 2 == 0 and keys and server.is_full(link) else -step)
        probe = server.grid.around(place, server.page_size)
        probe.is_probe = True
        return self._put_before(link, probe)

    def _give_up(self, link: Link, keys: tuple[Hashable, ...]) -> bool:
        """The last row was not found. Go on from an older one, or from the position, and say so."""
        tally = self.tally
        if self._mark is not None:
            position, number = self._mark
            tally.unsure += self.memory.count - 1 - number
            self.memory.fall_back(number)
            self.at = self.clear = position
            self._mark, self._tries = None, 0
            self.chain.clear()
            return True
        if self.memory.begins and not self.server.sparse:
            self.memory.begin_again()  # all rows so far are known: read from the beginning, and emit what is new
            self.at = self.clear = self._tries = 0
            self._tail, self._mark, self._seen_at = None, None, None
            self.chain.clear()
            return True
        if not self.memory.count and self.start.keys and not self.start.is_seam:
            self.error = CheckpointError(
                "the rows that the checkpoint remembers are no longer in the list, so its place cannot be found; "
                "read the list from its beginning"
            )
            return False
        tally.gaps_open += 1
        return self._accept(link, keys)

    def _accept(self, link: Link, keys: tuple[Hashable, ...], shared: int = 0) -> bool:
        """Take a span for the next one, though it is not sewn, but for the rows that it shares by its position."""
        self.chain.remove(link)
        if not keys:
            self.clear = max(self.clear, self.server.reach(link))
            self._is_proved, self._tries, self.server.answered = True, 0, True
            self._heed(link)
            self._conclude()
        else:
            place = self.memory.place(keys[shared:], link.unreadable, 0)
            self._settle(link, place) if place.fresh else self._fold(link, place)
        return True

    def _skip(self, link: Link) -> bool:
        """Take an empty first page: of an empty list, or of one whose first rows are hidden."""
        self.chain.remove(link)
        server = self.server
        server.answered = self._is_proved = True
        self.clear = max(self.clear, server.reach(link))
        self._heed(link)
        self.ended = self.clear >= self._promised_end
        self._conclude()
        return True

    # ---- FAIL

    def _fail(self, link: Link, error: Exception) -> None:
        """A span failed that nothing else replaces."""
        emitted = self.memory.last is not None
        if emitted and isinstance(error, ApiError) and error.status in NO_MORE:
            if link.is_probe or link.looks_ahead:
                link.keys, link.error, link.known = (), None, self.flow.sent  # nothing is there
                return
            if self._is_proved and (not self.server.sparse or Edge(link.hi, error).is_end):
                self.ended = True
                self._conclude()
                return
            if self.server.least_overlap == 0 and link.lo <= self.at:
                self.tally.unverifiable = True
                self._accept(link, ())
                return
            if self._edge is None:
                self._edge = Edge(link.hi, error)
            else:
                self._edge.refuse(link.hi, error)
            self.chain.clear()
        elif emitted and link.lo >= self.at and self._continued != self.at:
            self._continued = self.at
            self.chain = [self.server.grid.at(self.at - 1)]
        else:
            self.error = error
