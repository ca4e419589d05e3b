"""Listings by position that lose no row while the list changes: the sewn chain. Pure: nothing here waits.

The theory
    A request asks for a span of positions, and a response holds some of the rows there: rows may be hidden from us, the
    server may cap the span, and rows that are inserted or deleted meanwhile shift all that follow. Positions therefore
    prove nothing. One thing does: two pages that share a row are *sewn*. If rows keep their order, no row that was
    there throughout can lie between sewn pages, whatever happened meanwhile. So pages are requested with an overlap,
    and rows are emitted only along sewn pages. Caps, short pages, hidden rows and drift are then one case.

The state
    chain    spans in the order of the listing: the tail, which was emitted last; then spans in flight, or read and
             waiting for their turn
    memory   keys of the last spans emitted: to sew with, and so that no row is emitted twice (``memory``)
    server   what responses have shown of it: how many rows it gives, whether it hides some, its total (``server``)
    flow     what is in flight, and whether responses still bring new rows

The rules
    NEXT     While there is room, request a span that overlaps the last one. Not while one is short: first see what
             follows it. The first span is requested alone, and shows the size.
    SEWN     Two spans that share a row are neighbours. So is a span that begins at position 0.
    GAP      Between neighbours that are both read and not sewn another span is requested: from the end of the first if
             that is short, else around the edge of the newer one. Again, until they are sewn; after a few fruitless
             tries the gap stays open, and the report says so.
    EMIT     When the tail's successor is sewn to it, it becomes the tail, and those of its rows that memory does not
             know are emitted.
    FOLD     A successor without a new row leaves the chain. If it began where the tail ended, the stretch behind the
             tail that is known to be clear grows by what it covered.
    SIZE     The stride is what the server gives, not what was requested. A numbered page of another size is about other
             positions, and so are those in flight: they are requested again.
    END      Half a page is clear behind the last row, seen from that row on; or the tail's span reaches the total that
             its own response names, and its rows account for it. A total that a response contradicts is not believed
             again.
    FAIL     A failed span keeps its place: it ends the listing only if the rows before it do not.

What no client can know: a hidden stretch longer than what is looked past, and a total wrong by exactly whole pages.
"""

from collections.abc import Collection, Hashable
from typing import cast

from attrs import define, field

from ..pages import Fetched
from .grids import Link
from .memory import SPANS, Memory
from .plan import Plan, Span, Start
from .server import ServerModel

__all__ = ["SewnPlan"]

RESUME_KEYS = 5  # keys that say where a listing is resumed
TRIES = 8  # fruitless requests to close one gap
TRIES_SPARSE = 3  # the same, where the server hides rows
LOOK_PAST = 50  # rows: half as many are looked past before the end is believed, where the server hides rows
TRICKLE = 3  # short responses in a row that bring a few rows each: rows are appended as fast as the end is looked for


@define
class Flow:
    """What is in flight, and whether responses still bring new rows."""

    in_flight: int = 0  # requests
    sent: int = 0  # requests
    allowed: int = 1  # spans in flight or buffered; it grows up to the window
    idle: int = 0  # responses in a row that brought next to nothing
    trickle: int = 0  # short responses in a row that brought a few rows each
    barren: int = 0  # responses in a row without a new row, of those that are emitted as they arrive


@define(eq=False)
class SewnPlan(Plan):
    """One listing by position."""

    server: ServerModel
    chain: list[Link] = field(init=False)
    memory: Memory = field(init=False)
    flow: Flow = field(factory=Flow, init=False)

    def __attrs_post_init__(self) -> None:
        start = self.start
        self.memory = Memory(start)
        self.chain = [Link(max(0, start.at - len(start.keys)), start.at, (), order=0, keys=start.keys, clear=start.at)]
        self.ended = bool(start.stop) and start.keys[-1:] == start.stop[-1:]  # a part that was emitted to its end

    # ---- NEXT

    def next_request(self) -> Span | None:
        if self.finished or self.flow.in_flight >= self.window:
            return None
        link = next((link for link in self.chain if link.order < 0), None)
        if link is not None and self.occupied >= self.window:
            if link is not self.chain[1] or self.ready or self._by_arrival:
                return None
            self._make_room()
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
        return sum(link.order >= 0 for link in self.chain) - 1 + len(self.ready)

    @property
    def all_requested(self) -> bool:
        total = self.server.total
        if self.finished or not self.server.answered:
            return self.finished
        if total is not None:
            return self.server.reach(self.chain[-1]) >= total
        return any(map(self.server.is_short, self.chain))

    @property
    def _by_arrival(self) -> bool:
        # Which rows lie before the end of a part is known only in order.
        return not self.ordered and not self.start.stop

    def _make_room(self) -> None:
        """The gap at the head comes first: the farthest span makes way for it, and is requested again."""
        while self.occupied >= self.window and len(self.chain) > 3:
            self.chain.pop()

    def _onward(self) -> Link | None:
        server, grid = self.server, self.server.grid
        last, total, alone = self.chain[-1], server.total, len(self.chain) == 1
        if not server.answered and alone:
            return grid.at(last.hi - len(last.keys or ()))
        if not server.answered or (self.limit is not None and self._expected() >= self.limit):
            return None
        if len(self.chain) > self.window + SPANS or (self.flow.barren > 1 and not alone):
            return None  # rows that are emitted as they arrive leave the chain only in order
        reach = server.reach(last)
        if alone and last.clear > last.end:
            return grid.at(last.clear)  # nothing follows so far: look farther
        if total is not None:
            if not alone and reach >= total:
                return None
            reach = min(reach, total) if alone else reach
        elif not alone and self._awaits_end():
            return None
        full = server.is_full(last) or server.names_size or server.sparse or total is not None
        cut = server.is_short(last) and not (last.number and server.names_size)
        if alone and last.keys and not last.tries and (cut or not full):
            return self._continue(last)
        link = grid.at(reach - server.overlap)
        if link.hi > last.hi or (alone and reach == total):
            return link
        link = grid.at(reach - (server.least_overlap > 0))
        return link if link.hi > last.hi else grid.at(reach)

    def _awaits_end(self) -> bool:
        """Whether a short span waits for what follows it, or brought nothing."""
        followers = [*self.chain[1:], self.chain[-1]]
        return any(
            self.server.is_short(a) and (b.keys is None or not a.keys)
            for a, b in zip(self.chain, followers, strict=True)
        )

    def _expected(self) -> int:
        """Rows emitted, and about how many more the chain will bring."""
        size, overlap = self.server.size, self.server.overlap
        return self.tally.emitted + sum(
            max(1, (size if link.keys is None else len(link.keys)) - overlap) for link in self.chain[1:]
        )

    def _continue(self, link: Link) -> Link:
        """Return the span that begins at the last row of this one: the listing goes on there, or it has ended."""
        moved, server = self.tally.mismatches, self.server
        back = min(server.overlap, len(link.keys or ()) // 2) if moved else min(1, server.least_overlap)
        following = server.grid.at(link.end - back)
        following.tries = 1
        return following

    # ---- responses

    def add_response(self, span: Span, page: Fetched[object]) -> None:
        self.flow.in_flight -= 1
        at = self._place(span)
        if self.finished or at is None:
            return
        link, server, keys = self.chain[at], self.server, page.keys
        server.names_size = bool(page.size)
        if self._is_resized(link, page.size or max(link.hi - link.lo, len(keys))):
            return
        link.keys, link.uncounted, link.total, link.clear = keys, page.uncounted, page.total, link.lo + len(keys)
        if self._by_arrival and link.lo >= self.start.at:
            fresh = [key for key in self.memory.new(keys) if key not in self.memory.early]
            self.flow.barren = max(0, self.flow.barren + (-1 if fresh else 1))
            self._emit(link, fresh)
        self.tally.mismatches += server.add_total(link)
        if not server.answered:
            server.learn_size(link, at_end=self.memory.knows(keys))
        server.grow(len(keys))
        self.flow.idle += 1
        before, after = self.chain[at - 1], self.chain[at + 1] if at + 1 < len(self.chain) else None
        link.certain = link.tries > 0 and before.keys is not None and len(keys) < len(before.keys)
        if link.tries and after is not None and after.keys and before.keys:
            self._judge_gap_request(link, {*before.keys}, {*after.keys})
        self._widen(link)
        server.answered = True
        for a, b in ((before, link), (link, after)):
            if b is not None and a.keys and b.keys:
                self.tally.mismatches += server.compare(a, b)
                if a is not self.chain[0] and not a.tries and a.end <= b.lo and not self._sewn(a, b, set(a.keys)):
                    self._close_gap(a, b)
        self.tally.hides_rows = server.hides_rows
        self._advance()

    def add_error(self, span: Span, error: Exception) -> None:
        self.flow.in_flight -= 1
        at = self._place(span)
        if not self.finished and at is not None:
            self.chain[at].error = error
            self._advance()

    def needs(self, span: Span) -> bool:
        return not self.finished and span in self.chain

    def resume_at(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:
        """Return the place behind the last row that was emitted, with a few keys to sew with."""
        at = span.lo + 1 + (span.keys or ()).index(keys[-1]) if keys else span.lo
        return Start(at, (*before, *keys)[-RESUME_KEYS:], stop=self.start.stop)

    def _place(self, span: Span) -> int | None:
        return self.chain.index(cast("Link", span)) if span in self.chain else None

    def _is_resized(self, link: Link, size: int) -> bool:
        """SIZE. Whether this response, and those in flight, are about other positions than they were requested for."""
        requested = link.hi - link.lo
        if size >= requested and not (link.number and size > requested):
            return False
        self.flow.idle += bool(link.number)
        self.server.resize(link, size)
        tail = self.chain[0]
        is_first_after_tail = not self.server.answered and (
            tail.hi - len(tail.keys or ()) >= link.lo <= tail.hi < link.hi
        )
        if not link.number or is_first_after_tail:
            return False
        del self.chain[next(at for at, link in enumerate(self.chain) if link.keys is None) :]
        self._advance()
        return True

    def _judge_gap_request(self, link: Link, before: set[Hashable], after: set[Hashable]) -> None:
        """One that brought something was not fruitless; one that was cut before ``after`` shows that less is given."""
        keys = {*(link.keys or ())}
        if 8 * len(keys - before - after) > self.server.size:
            link.tries = 1
            if not self.server.is_full(link) and keys.isdisjoint(after):
                self.server.size, self.server.sparse = max(len(link.keys or ()), 2), False

    def _widen(self, link: Link) -> None:
        """With a total, the whole window at once; without, one more for each response that suggests there is more."""
        server, flow = self.server, self.flow
        if server.total is not None:
            flow.allowed = self.window
        elif self.tally.mismatches and not link.keys:
            flow.allowed = 1  # the end is near, and moves
        elif not server.is_short(link) if server.answered else server.gives_full:
            flow.allowed = min(self.window, flow.allowed + 1)

    # ---- SEWN and GAP

    def _sewn(self, a: Link, b: Link, keys: Collection[Hashable]) -> bool:
        """Whether nothing can lie between these two, of which the first holds ``keys``."""
        if b.lo == 0 or any(key in keys for key in b.keys or ()):
            return True
        if self.server.least_overlap == 0 and b.lo <= self.server.reach(a):
            return True  # pages too small to overlap: positions are all there is
        if a.end < a.clear >= b.lo >= a.end:  # the stretch between was looked into, and was empty
            self.tally.gaps_open += self.server.sparse or self.tally.mismatches > 0
            return True
        gave_up = max(a.tries, b.tries) >= (TRIES_SPARSE if self.server.sparse else TRIES)
        self.tally.gaps_open += gave_up
        return gave_up

    def _close_gap(self, a: Link, b: Link) -> None:
        """Request a span between the two."""
        server, grid = self.server, self.server.grid
        self.tally.gaps_closed += bool(b.keys)
        if a.clear > a.end:
            link = grid.at(a.clear)
        elif a.keys and a.end <= b.lo and not (a.tries and server.sparse):
            link = self._continue(a)
        else:  # rows have moved, and the newer of the two knows better where they are
            self.tally.mismatches += server.is_full(a) and b.lo < a.end
            # Where there is nothing at all, the list has become much shorter: step back by twice as much each time.
            back = 0 if b.keys or server.sparse else (2**b.tries - 1) * server.size // 2
            link = grid.around((b.lo if b.order > a.order else a.end) - back, server.page_size)
            server.overlap = min(max(2 * server.overlap, 1), server.size // 2)
        link.tries = max(a.tries, b.tries) + 1
        self.chain.insert(self.chain.index(b), link)

    # ---- EMIT and FOLD

    def _advance(self) -> None:
        while not self._at_end() and len(self.chain) > 1:
            tail, following = self.chain[:2]
            if following.error is not None:
                if tail.hi and not self.server.is_full(tail) and not tail.tries:
                    self.chain.insert(1, self._continue(tail))  # perhaps it lies past the end
                else:
                    self.error = following.error
                return
            if following.keys is None or not self._step(tail, following, following.keys):
                return

    def _step(self, a: Link, b: Link, keys: tuple[Hashable, ...]) -> bool:
        """Let the tail or its successor leave the chain; False: there is a gap between them to wait for."""
        server = self.server
        fresh = self.memory.new(keys, first=not a.position)
        nothing_more = not keys or keys[-1:] == (a.keys or ())[-1:] or not (server.is_full(b) or server.sparse)
        if not fresh and b.order < a.order and (self.tally.mismatches or not nothing_more):
            del self.chain[1]  # an older span, overtaken by one that closed a gap
            return True
        if not fresh and nothing_more:
            return self._fold(a, b)
        if not self._sewn(a, b, self.memory.known):
            self._close_gap(a, b)
            return False
        self.chain.pop(0)
        reach = a.hi if server.sparse or a.loose else a.end
        self._settle(b, keys, fresh, max(0, min(reach, b.end) - b.lo))
        return True

    def _fold(self, a: Link, b: Link) -> bool:
        """Take a successor without a new row out of the chain; False: there is a gap before it."""
        follows = self._follows(a, b)
        if not follows and (b.lo >= a.end or not b.keys):
            self._close_gap(a, b)
            return False
        if follows:
            if self.tally.mismatches and not self.server.sparse and b.keys and b.order > a.order:
                moved = b.end - a.end  # the last row is elsewhere now
                a.lo, a.hi, a.clear = a.lo + moved, a.hi + moved, a.clear + moved
            a.clear = max(a.clear, self.server.reach(b))
        a.tries = max(a.tries, b.tries) + (not follows)
        a.total = a.total if b.total is None else b.total
        del self.chain[1]
        return True

    def _follows(self, a: Link, b: Link) -> bool:
        """Whether what this span without new rows covers may be taken for what comes after the tail."""
        server = self.server
        if server.least_overlap == 0 and b.lo <= max(server.reach(a), a.clear):
            return True
        if (b.keys or ())[-1:] == (a.keys or ())[-1:] and b.lo <= a.end and not (b.keys and server.is_full(b)):
            return True
        if a.end < a.clear >= b.lo >= a.end:
            return True
        if max(a.tries, b.tries) > 3:
            self.tally.gaps_open += bool(a.keys)
            return True
        continues = a.end <= b.lo <= a.hi and not server.is_full(a)
        return continues and (server.names_size or a.certain)

    def _settle(self, link: Link, keys: tuple[Hashable, ...], fresh: list[Hashable], shared: int) -> None:
        """A span becomes the tail. shared: how many rows it was meant to share with the one before."""
        flow, server = self.flow, self.server
        if 4 * len(fresh) >= server.size or (server.sparse and 2 * len(fresh) > len(keys)):
            flow.idle = 0
        if 2 * len(fresh) >= server.size or server.sparse or self._more_follows():
            flow.trickle = 0
        elif not (server.is_full(link) or server.hides_rows):
            flow.trickle += 1
        self.tally.duplicates += max(0, len(keys) - len(fresh) - shared)
        fresh, self.ended = self.memory.before_stop(keys, fresh)
        self._emit(link, fresh)
        self.memory.remember(keys)

    def _more_follows(self) -> bool:
        many = self.server.size if self.tally.mismatches else 1
        return any(2 * len(later.keys or ()) >= many for later in self.chain[1:])

    def _emit(self, link: Link, fresh: list[Hashable]) -> None:
        rows = frozenset(fresh).difference(self.memory.early)
        if self._by_arrival:
            self.memory.early.update(rows)
        if rows:
            self.tally.emitted += len(rows - link.uncounted)
            self.ready.append((link, rows))

    # ---- END

    def _at_end(self) -> bool:
        server, tally = self.server, self.tally
        if self.flow.idle > 2 * (self.window + SPANS) and not self.ended:
            self.ended = True  # no response brings anything: say so, rather than go on for ever
            tally.gaps_open += 1
        if self.limit is not None and tally.emitted >= self.limit:
            self.ended = True
        if self.ended or not server.answered or not all(self.memory.knows(link.keys or ()) for link in self.chain[1:]):
            return self.ended
        tail, size = self.chain[0], server.page_size
        clear = tail.clear - (tail.hi if tail.loose or server.sparse else tail.end)
        total = server.total
        if total is None:
            cleared = 2 * clear >= (max(size, LOOK_PAST) if server.sparse else size)
            self.ended = cleared or self.flow.trickle > TRICKLE
            tally.gaps_open += (
                self.ended and not cleared and tally.mismatches > 0
            )  # what is inserted pushes others away
        elif clear >= 3 * size:
            self.ended = server.total_refuted = True
        else:
            total = max(total, tail.total or 0)
            accounted = server.names_size or len(tail.keys or ()) >= min(tail.hi, total) - tail.lo
            self.ended = max(tail.hi if accounted else tail.end, tail.clear) >= total
        return self.ended
