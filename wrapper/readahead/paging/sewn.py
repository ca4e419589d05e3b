"""Listings by position that lose no row while the list changes: the sewn chain. Pure: nothing here waits.

The theory
    A request asks for a window of positions, and an answer holds some of the rows there: rows may be hidden from us,
    the server may cap the window, and rows inserted or deleted meanwhile shift all that follow. Positions therefore
    prove nothing. One thing does: *two pages that share a row are sewn*. If rows keep their order, no row that was
    there throughout can lie between sewn pages, whatever happened meanwhile. So pages are asked for with an overlap,
    and rows are handed out only along sewn pages. Caps, short pages, hidden rows and drift are then one case.

The state
    chain    spans in the order of the listing: the tail, handed out last; then spans in flight, or read and waiting
    recent   keys of the last spans handed out: to sew with, and so that no row goes out twice
    learned  what the server taught: ``size`` (rows it gives), ``overlap``, ``leaky`` (it hides rows), drift

The rules
    ONWARD   While there is room, ask for a span that overlaps the last one. Not while one came up short: first see what
             follows it. The first span goes alone, and teaches the size.
    SEWN     Two spans that share a row are neighbours. So is a span that begins at position 0.
    MEND     Neighbours that are both read and not sewn get a span between them: at the end of the first if it came up
             short, else around the edge of the newer one. Again, until sewn; after a few fruitless tries the gap is
             taken as it is, and the report says so.
    GIVE     When the tail's successor is sewn to it, it becomes the tail, and its rows that are not recent go out.
    FOLD     A successor without a new row leaves the chain. If it went on where the tail ended, the stretch behind the
             tail that is known to be clear grows by what it covered.
    SIZE     The stride is what the server gives, not what was asked for. A numbered page of another size is about other
             positions, and so are those in flight: they are asked for again.
    END      Half a page is clear behind the last row, looked into from that row on; or the tail's window reaches the
             total that its own answer names, and its rows account for it. A total that an answer contradicts is not
             believed again.
    FAIL     A failed span keeps its place: it ends the listing only if the rows before it do not.

What is beyond any client: a hidden stretch longer than what is looked past, and a total wrong by exactly whole pages.
"""

from collections import deque
from collections.abc import Collection, Hashable
from typing import Protocol

from attrs import define, field

from .plan import Plan, Seen, Span, Start

__all__ = ["Grid", "NumberGrid", "OffsetGrid", "SewnPlan"]

SEAM = 5  # keys that say where a listing goes on
MEMORY = 32  # spans whose keys are remembered
TRIES = 8  # fruitless mends of one gap, where the server hides rows: 3
HIDDEN = 50  # rows: half as many are looked past before the end is believed, where the server hides rows
DRIBBLE = 3  # short answers running that bring a few rows each: rows are appended as fast as the end is looked for


class Grid(Protocol):
    """Where an API lets windows begin and end.

    size: the largest window it gives. smallest: the size from which on windows can overlap without waste.
    """

    size: int
    smallest: int

    def at(self, position: int) -> Span:
        """The window that holds a position and reaches as far past it as possible."""
        ...

    def around(self, position: int, given: int) -> Span:
        """The window that holds both sides of a position, as centrally as possible. given: rows an answer brings."""
        ...


@define
class OffsetGrid:
    """Windows begin anywhere."""

    offset: str
    limit: str
    size: int
    smallest: int = 12

    def at(self, position: int) -> Span:
        """The window from there on."""
        lo = max(0, position)
        return Span(lo, lo + self.size, ((self.offset, str(lo)), (self.limit, str(self.size))))

    def around(self, position: int, given: int) -> Span:
        """The window with that position in its middle."""
        return self.at(position - given // 2)


@define
class NumberGrid:
    """Windows are numbered: page q of size s holds the positions (q - 1) * s to q * s. Another size has other edges,
    so numbered pages can overlap too. Not where the server has one ``only`` size, whatever is asked for.
    """

    page: str
    per_page: str
    size: int
    smallest: int = 30
    only: bool = False
    _largest: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._largest = self.size

    def at(self, position: int) -> Span:
        """Of the pages that hold it, by size, the one that reaches farthest."""
        position = max(0, position)
        return self._page(position, max(self._sizes(), key=lambda size: position // size * size + size))

    def around(self, position: int, given: int) -> Span:  # noqa: ARG002  a page that comes short lacks rows anywhere
        """Of the pages that hold it, by size, the one whose edges are farthest from it."""
        return self._page(position, max(self._sizes(), key=lambda size: min(position % size, size - position % size)))

    def _sizes(self) -> range:
        return range(self.size, self.size - 1 if self.only else self.size // 2, -1)

    def _page(self, position: int, size: int) -> Span:
        number = max(0, position) // size
        asked = ((self.page, str(number + 1)), (self.per_page, str(min(size, self._largest))))
        return Span(number * size, (number + 1) * size, asked, number=number + 1)


@define(eq=False)
class SewnPlan(Plan):
    """One listing by position. ``overlap``: rows that neighbours should share, at first."""

    grid: Grid
    overlap: int = 5
    size: int = field(init=False)  # rows an answer gives
    chain: list[Span] = field(init=False)
    _least: int = field(init=False)  # overlap that is never gone below
    _recent: deque[tuple[Hashable, ...]] = field(factory=deque[tuple[Hashable, ...]], init=False)
    _known: dict[Hashable, int] = field(factory=dict[Hashable, int], init=False)  # of these keys, in which span last
    _settled: int = field(default=0, init=False)
    _ahead: int = field(default=1, init=False)  # spans that may be held, until the window is reached
    _born: int = field(default=0, init=False)
    _flying: int = field(default=0, init=False)
    _first: bool = field(default=True, init=False)  # nothing was read yet
    _leaky: bool = field(default=False, init=False)
    _says_size: bool = field(default=False, init=False)
    _aware: bool = field(default=False, init=False)  # a full span was seen, so a shared row too few or many is drift
    _stopping: bool = field(default=False, init=False)  # of a part: some of its stop keys came
    _lied: bool = field(default=False, init=False)  # an answer contradicted its own total
    _total: tuple[int, int] | None = field(default=None, init=False)  # and which answer said so
    _idle: int = field(default=0, init=False)  # answers running that brought next to nothing
    _dribble: int = field(default=0, init=False)
    _barren: int = field(default=0, init=False)  # of rows that go out as they arrive: answers without a new one
    _early: set[Hashable] = field(factory=set[Hashable], init=False)  # handed out as they arrived, before their turn

    def __attrs_post_init__(self) -> None:
        self.size = self.grid.size
        self._least = self.overlap
        self._ask_for(self.size)
        start = self.start
        before = Span(max(0, start.at - len(start.keys)), start.at, (), asked=0, keys=start.keys, clear=start.at)
        self.chain = [before]
        self.done = bool(start.stop) and start.keys[-1:] == start.stop[-1:]  # a part of which all was handed out
        self._remember(start.keys)

    def _ask_for(self, size: int) -> None:
        """Pages of so many rows. Those so small that an overlap would eat them are taken at their positions."""
        self.grid.size = size
        most = max(1, size // 10) if size >= self.grid.smallest else 0
        self.overlap, self._least = min(self.overlap, most), min(self._least, most)

    # ---- ONWARD: what to ask

    def ask(self) -> Span | None:
        """The next window to ask for; None: wait for what is in flight, or all is asked."""
        if self.over or self._flying >= self.window:
            return None
        span = next((span for span in self.chain if span.asked < 0), None)
        if span is not None and self.held >= self.window:
            if span is not self.chain[1] or self.ready or self._by_arrival:
                return None
            self._make_room()
        ahead = self.window if self._believed() is not None else min(self._ahead, self.window)
        if span is None and self.held < ahead and (span := self._onward()):
            self.chain.append(span)
        if span is not None:
            span.asked = self._born
            self._born += 1
            self._flying += 1
        return span

    @property
    def held(self) -> int:
        """Spans in flight, or read and not taken."""
        if self._by_arrival:
            return self._flying + len(self.ready)
        return sum(span.asked >= 0 for span in self.chain) - 1 + len(self.ready)

    @property
    def ending(self) -> bool:
        """Nothing more will be asked for, as far as is known now."""
        total = self._believed()
        if self.over or self._first:
            return self.over
        return self._reach(self.chain[-1]) >= total if total is not None else any(map(self._is_short, self.chain))

    @property
    def _by_arrival(self) -> bool:
        # Which rows lie before the last one of a part is known only in order.
        return not self.ordered and not self.start.stop

    def _make_room(self) -> None:
        """The gap at the head comes first: the farthest span makes way for what mends it, and is asked for again."""
        while self.held >= self.window and len(self.chain) > 3:
            self.chain.pop()

    def _onward(self) -> Span | None:
        last, total, alone = self.chain[-1], self._believed(), len(self.chain) == 1
        if self._first and alone:
            return self.grid.at(last.hi - len(last.keys or ()))
        if self._first or (self.limit is not None and self._coming() >= self.limit):
            return None
        if len(self.chain) > self.window + MEMORY or (self._barren > 1 and not alone):
            return None  # rows that are handed out as they arrive leave the chain only in order
        reach = self._reach(last)
        if alone and last.clear > last.end:
            return self.grid.at(last.clear)  # nothing follows so far: look farther
        if total is not None:
            if not alone and reach >= total:
                return None
            reach = min(reach, total) if alone else reach
        elif not alone and self._short_of_something():
            return None
        told = self._is_full(last) or self._says_size or self._leaky or total is not None
        cut = self._is_short(last) and not (last.number and self._says_size)
        if alone and last.keys and not last.tries and (cut or not told):
            return self._continue(last)
        span = self.grid.at(reach - self.overlap)
        if span.hi > last.hi or (alone and reach == total):
            return span
        span = self.grid.at(reach - (self._least > 0))
        return span if span.hi > last.hi else self.grid.at(reach)

    def _short_of_something(self) -> bool:
        followers = [*self.chain[1:], self.chain[-1]]
        return any(
            self._is_short(a) and (b.keys is None or not a.keys) for a, b in zip(self.chain, followers, strict=True)
        )

    def _coming(self) -> int:
        """Rows handed out, and about how many more the chain will bring."""
        return self.given + sum(
            max(1, (self.size if span.keys is None else len(span.keys)) - self.overlap) for span in self.chain[1:]
        )

    def _continue(self, span: Span) -> Span:
        """The window that begins at the last row of this one: the listing goes on there, or it has ended."""
        back = min(self.overlap, len(span.keys or ()) // 2) if self.drift else min(1, self._least)
        following = self.grid.at(span.end - back)
        following.tries = 1
        return following

    def _believed(self) -> int | None:
        return None if self._lied or self._total is None else self._total[0]

    def _reach(self, span: Span) -> int:
        if span.keys is not None and len(span.keys) > span.hi - span.lo:
            return span.end  # it gave more than it was asked for
        return span.hi if span.number or not span.position else min(span.hi, span.lo + self.size)

    def _is_full(self, span: Span) -> bool:
        return span.keys is not None and len(span.keys) >= min(self.size, span.hi - span.lo)

    def _is_short(self, span: Span) -> bool:
        wanted = 1 if self._leaky else min(self.size, span.hi - span.lo)
        return span.keys is not None and span.hi > 0 and 2 * len(span.keys) < wanted

    # ---- what came

    def got(self, span: Span, seen: Seen) -> None:
        """An answer."""
        self._flying -= 1
        if self.over or span not in self.chain:
            return
        at = self.chain.index(span)
        wide = span.hi - span.lo
        size = seen.size or max(wide, len(seen.keys))
        self._says_size = bool(seen.size)
        if size < wide or (span.number and size > wide):
            self._resize(span, size)
            start = self.chain[0]
            if span.number and not (self._first and start.hi - len(start.keys or ()) >= span.lo <= start.hi < span.hi):
                at = next(index for index, span in enumerate(self.chain) if span.keys is None)
                del self.chain[at:]  # asked in numbers that mean other rows now: asked again
                self._give()
                return
        span.keys, span.bad, span.total, span.clear = seen.keys, seen.bad, seen.total, span.lo + len(seen.keys)
        if self._by_arrival and span.lo >= self.start.at:
            fresh = [key for key in self._unknown(span.keys) if key not in self._early]
            self._barren = max(0, self._barren + (-1 if fresh else 1))
            self._hand_out(span, fresh)
        self._take_total(span)
        if self._first:
            self._learn_size(span, says_size=bool(seen.size))
        self.size = max(
            self.size, min(len(seen.keys), self.grid.size) if self.size <= self.grid.size else len(seen.keys)
        )
        self._idle += 1
        before, after = self.chain[at - 1], self.chain[at + 1] if at + 1 < len(self.chain) else None
        span.sure = span.tries > 0 and before.keys is not None and len(seen.keys) < len(before.keys)
        if span.tries and after is not None and after.keys and before.keys:
            self._judge_mend(before, span, after)
        self._widen(span)
        self._first = False
        for a, b in ((before, span), (span, after)):
            if b is not None and a.keys and b.keys:
                self._compare(a, b)
                if a is not self.chain[0] and not a.tries and a.end <= b.lo and not self._sewn(a, b, set(a.keys)):
                    self._mend(a, b)
        self._give()

    def failed(self, span: Span, error: Exception) -> None:
        """No answer, for good."""
        self._flying -= 1
        if not self.over and span in self.chain:
            span.error = error
            self._give()

    def wants(self, span: Span) -> bool:
        """Whether the answer to this is still of use."""
        return not self.over and span in self.chain

    def after(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:
        """Behind the last row that was handed out, with a few keys to sew with."""
        at = span.lo + 1 + (span.keys or ()).index(keys[-1]) if keys else span.lo
        return Start(at, (*before, *keys)[-SEAM:], stop=self.start.stop)

    def _take_total(self, span: Span) -> None:
        if span.total is None or span.keys is None:
            return
        if self._total is not None and span.total != self._total[0]:
            self._drifted()
        if self._total is None or span.asked > self._total[1]:
            self._total = span.total, span.asked
        if span.hi - span.lo >= len(span.keys) > max(0, span.total - span.lo):
            self._lied = self.total_wrong = True

    def _resize(self, span: Span, size: int) -> None:
        """The server chose the size. A numbered page is then about other positions, and so are those in flight."""
        largest = self.grid.size
        if isinstance(self.grid, NumberGrid):
            self._idle += 1
            if size > span.hi - span.lo:
                self.grid.only, largest = True, size
                self.overlap = self._least = 0
            span.lo = (span.number - 1) * size
        span.hi = span.lo + size
        self.size = min(largest, size)
        self._ask_for(self.size)

    def _learn_size(self, span: Span, *, says_size: bool) -> None:
        """What the server gives is the size, whatever was asked for: that holds for a cap, and loses nothing else."""
        assert span.keys is not None
        count = len(span.keys)
        self._aware = count >= self.grid.size
        if self._known.keys() >= set(span.keys):
            return  # of a listing that goes on, and has ended there
        if not says_size and span.total != count:
            self.size = max(count, 2)
            if span.number:
                self.grid.size = min(self.grid.size, self.size)
                span.hi = span.lo + self.grid.size

    def _judge_mend(self, before: Span, span: Span, after: Span) -> None:
        """A mend that brought something was not fruitless; one cut before it got there says that less is given now."""
        assert span.keys is not None and before.keys is not None and after.keys is not None  # noqa: PT018
        if 8 * len({*span.keys} - {*before.keys, *after.keys}) > self.size:
            span.tries = 1
            if not self._is_full(span) and {*span.keys}.isdisjoint(after.keys):
                self.size, self._leaky = max(len(span.keys), 2), False

    def _widen(self, span: Span) -> None:
        """With a total, all at once; without, one more for each answer that suggests there is more."""
        if self._believed() is not None:
            self._ahead = self.window
        elif self.drift and not span.keys:
            self._ahead = 1  # the end is near, and moves
        elif self._aware if self._first else not self._is_short(span):
            self._ahead = min(self.window, self._ahead + 1)

    def _compare(self, a: Span, b: Span) -> None:
        """What two neighbours say of the server: does it give less than asked, does it hide rows, did rows move."""
        assert a.keys is not None and b.keys is not None  # noqa: PT018
        shared = {*a.keys} & {*b.keys}
        n, expected = len(shared), min(max(0, a.end - b.lo), len(b.keys))
        if b.lo <= a.lo or (a.keys[-1] == b.keys[-1] and n > expected):
            return  # the last page may be repeated past the end
        if len(a.keys) < a.hi - a.lo and b.lo < a.end:
            a.loose = n > expected
            if n <= a.hi - b.lo and (n > expected + max(1, self.size // 10) or n == len(a.keys) > 1):
                self._leaky = self.hides = True
                self.size = self.grid.size
                if not a.number and n < len(a.keys):  # a cap shows: as many of its rows are new as of positions
                    self.size = min(self.size, max(len(b.keys), (b.lo - a.lo) * len(a.keys) // (len(a.keys) - n)))
            elif n == expected and len(a.keys) == len(b.keys) == self.size and not a.number:
                self._ask_for(self.size)  # a cap: ask for what is given, so that short means short
        self.hides |= bool(a.number) and len(a.keys) < a.hi - a.lo and b.keys[-1] not in shared
        moved = n > 0 and a.keys[-n:] != b.keys[:n]
        if self._says_size or not a.number:
            moved |= n > max(0, max(a.hi, a.end) - b.lo)  # more rows are shared than positions
        if self._is_full(a) and self._is_full(b) and (n or a.hi > b.lo):
            moved |= n != expected and (self._aware or bool(a.number))
            self._aware |= n == expected > 0
        if moved:
            self._drifted()
        if n:
            self.overlap = max(self._least, self.overlap // 2 if n == expected else self.overlap - 1)

    # ---- SEWN and MEND

    def _sewn(self, a: Span, b: Span, keys: "Collection[Hashable]") -> bool:
        """Whether nothing can lie between these two. ``b`` holds rows."""
        assert b.keys is not None
        if b.lo == 0 or any(key in keys for key in b.keys):
            return True
        if self._least == 0 and b.lo <= self._reach(a):
            return True  # pages too small to overlap: positions are all there is
        if a.end < a.clear >= b.lo >= a.end:  # the stretch between was looked into, and was empty
            self.unproven += self._leaky or self.drift > 0
            return True
        gave_up = max(a.tries, b.tries) >= (3 if self._leaky else TRIES)
        self.unproven += gave_up
        return gave_up

    def _mend(self, a: Span, b: Span) -> None:
        """Ask for a window between the two."""
        self.mends += bool(b.keys)
        if a.clear > a.end:
            span = self.grid.at(a.clear)
        elif a.keys and a.end <= b.lo and not (a.tries and self._leaky):
            span = self._continue(a)
        else:  # rows have moved, and the newer of the two knows better where they are
            if self._is_full(a) and b.lo < a.end:
                self._drifted()
            # Where there is nothing at all, the list has become much shorter: step back by twice as much each time.
            back = 0 if b.keys or self._leaky else (2**b.tries - 1) * self.size // 2
            span = self.grid.around((b.lo if b.asked > a.asked else a.end) - back, min(self.size, self.grid.size))
            self.overlap = min(max(2 * self.overlap, 1), self.size // 2)
        span.tries = max(a.tries, b.tries) + 1
        self.chain.insert(self.chain.index(b), span)

    def _drifted(self) -> None:
        self.drift += 1

    # ---- GIVE and FOLD

    def _give(self) -> None:
        while not self._ended() and len(self.chain) > 1:
            a, b = self.chain[:2]
            if b.error is not None:
                if a.hi and not self._is_full(a) and not a.tries:
                    self.chain.insert(1, self._continue(a))  # perhaps it lies past the end
                else:
                    self.error = b.error
                return
            if b.keys is None or not self._step(a, b):
                return

    def _step(self, a: Span, b: Span) -> bool:
        """Tail and successor, both read: one leaves the chain, or a mend goes between and False says to wait for it."""
        assert b.keys is not None
        fresh = self._unknown(b.keys, first=not a.position)
        nothing_more = not b.keys or b.keys[-1:] == (a.keys or ())[-1:] or not (self._is_full(b) or self._leaky)
        if not fresh and b.asked < a.asked and (self.drift or not nothing_more):
            del self.chain[1]  # an older span, overtaken by a mend
            return True
        if not fresh and nothing_more:
            return self._fold(a, b)
        if not self._sewn(a, b, self._known):
            self._mend(a, b)
            return False
        self.chain.pop(0)
        reach = a.hi if self._leaky or a.loose else a.end
        self._settle(b, fresh, max(0, min(reach, b.end) - b.lo))
        return True

    def _unknown(self, keys: tuple[Hashable, ...], *, first: bool = False) -> list[Hashable]:
        """Keys not handed out. Of a listing that goes on, rows before the last one of its seam were handed out as well:
        so it is in its first answer, and in one that brings the whole seam, as a last page that is repeated does.
        """
        seam = self.start.keys
        if seam:
            last = max((index for index, key in enumerate(keys) if key in seam), default=-1)
            if first or keys[max(0, last + 1 - len(seam)) : last + 1] == seam:
                keys = keys[last + 1 :]
        known = self._known
        return [key for key in dict.fromkeys(keys) if key not in known]

    def _fold(self, a: Span, b: Span) -> bool:
        """A successor without a new row."""
        assert b.keys is not None
        follows = self._follows(a, b)
        if not follows and (b.lo >= a.end or not b.keys):
            self._mend(a, b)
            return False
        if follows:
            if self.drift and not self._leaky and b.keys and b.asked > a.asked:  # the last row is elsewhere now
                moved = b.end - a.end
                a.lo, a.hi, a.clear = a.lo + moved, a.hi + moved, a.clear + moved
            a.clear = max(a.clear, self._reach(b))
        a.tries = max(a.tries, b.tries) + (not follows)
        a.total = a.total if b.total is None else b.total
        del self.chain[1]
        return True

    def _follows(self, a: Span, b: Span) -> bool:
        """Whether what this empty-handed span covers may be taken for what comes after the tail."""
        assert b.keys is not None
        if self._least == 0 and b.lo <= max(self._reach(a), a.clear):
            return True
        if b.keys[-1:] == (a.keys or ())[-1:] and b.lo <= a.end and not (b.keys and self._is_full(b)):
            return True
        if a.end < a.clear >= b.lo >= a.end:
            return True
        if max(a.tries, b.tries) > 3:
            self.unproven += bool(a.keys)
            return True
        continues = a.end <= b.lo <= a.hi and not self._is_full(a)
        return continues and (self._says_size or a.sure)

    def _settle(self, span: Span, fresh: list[Hashable], shared: int) -> None:
        """A span becomes the tail. shared: how many rows it was meant to share with the one before."""
        assert span.keys is not None
        if 4 * len(fresh) >= self.size or (self._leaky and 2 * len(fresh) > len(span.keys)):
            self._idle = 0
        if 2 * len(fresh) >= self.size or self._leaky or self._more_follows():
            self._dribble = 0
        elif not (self._is_full(span) or self.hides):
            self._dribble += 1
        self.repeated += max(0, len(span.keys) - len(fresh) - shared)
        self._hand_out(span, self._before_stop(span.keys, fresh) if self.start.stop else fresh)
        self._remember(span.keys)
        self._early.difference_update(span.keys)

    def _more_follows(self) -> bool:
        many = self.size if self.drift else 1
        return any(2 * len(later.keys or ()) >= many for later in self.chain[1:])

    def _before_stop(self, keys: tuple[Hashable, ...], fresh: list[Hashable]) -> list[Hashable]:
        """Of a part: it ends with the last of its stop keys that is still there. They may lie on two pages."""
        stop = self.start.stop
        last = max((index for index, key in enumerate(keys) if key in stop), default=-1)
        self.done = last + 1 < len(keys) if last >= 0 else self._stopping
        if last >= 0:
            self._stopping = True
            self.done |= keys[last] == stop[-1]
        within = set(keys[: last + 1]) if self._stopping else set(keys)
        return [key for key in fresh if key in within]

    def _hand_out(self, span: Span, fresh: list[Hashable]) -> None:
        rows = frozenset(fresh).difference(self._early)
        if self._by_arrival:
            self._early.update(rows)
        if rows:
            self.given += len(rows - span.bad)
            self.ready.append((span, rows))

    def _remember(self, keys: tuple[Hashable, ...]) -> None:
        self._settled += 1
        self._recent.append(keys)
        self._known.update(dict.fromkeys(keys, self._settled))
        if len(self._recent) > MEMORY:
            known, gone = self._known, self._settled - MEMORY
            for key in self._recent.popleft():
                if known.get(key) == gone:
                    del known[key]

    # ---- END

    def _ended(self) -> bool:
        if self._idle > 2 * (self.window + MEMORY) and not self.done:
            self.done = True  # no answer gets anywhere: say so, rather than go on for ever
            self.unproven += 1
        if self.limit is not None and self.given >= self.limit:
            self.done = True
        if (
            self.done
            or self._first
            or any(span.keys and not all(map(self._known.__contains__, span.keys)) for span in self.chain[1:])
        ):
            return self.done
        tail, size = self.chain[0], min(self.size, self.grid.size)
        clear = tail.clear - (tail.hi if tail.loose or self._leaky else tail.end)
        total = self._believed()
        if total is None:
            cleared = 2 * clear >= (max(size, HIDDEN) if self._leaky else size)
            self.done = cleared or self._dribble > DRIBBLE
            self.unproven += self.done and not cleared and self.drift > 0  # what is inserted pushes others away
        elif clear >= 3 * size:
            self.done = self._lied = self.total_wrong = True
        else:
            total = max(total, tail.total or 0)
            told = self._says_size or len(tail.keys or ()) >= min(tail.hi, total) - tail.lo
            self.done = max(tail.hi if told else tail.end, tail.clear) >= total
        return self.done
