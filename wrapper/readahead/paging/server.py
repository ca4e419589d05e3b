"""What the responses of a listing show of the server: how much it gives, and what its total is worth. Pure."""

from collections.abc import Hashable
from math import ceil

from attrs import define, field

from .grids import Grid, Link, NumberGrid

__all__ = ["ServerModel"]

LIKELY = 9  # times the usual distance between two rows: farther apart they are once in 8,000 times


@define
class ServerModel:
    """What is known of the server."""

    grid: Grid
    overlap: int = 5  # rows that neighbours are requested to share
    least_overlap: int = field(init=False)  # it is never smaller; 0: pages cannot overlap
    asked: int = field(init=False)  # rows requested in a page at first
    size: int = field(init=False)  # rows in a response
    is_sure: bool = field(default=False, init=False)  # of the size: a response held so many, and others followed
    sparse: bool = field(default=False, init=False)  # it gives fewer rows than positions, because it hides some
    hides_rows: bool = field(default=False, init=False)  # it has hidden a row at least once
    answered: bool = field(default=False, init=False)  # there was a response
    latest_total: tuple[int, int] | None = field(default=None, init=False)  # and the order of the request it answers
    least_total: int | None = field(default=None, init=False)
    total_refuted: bool = field(default=False, init=False)  # a response contradicted its own: none is believed any more
    changes: int = field(default=0, init=False)  # rows that may have been written between two responses, unseen
    _changed: int = field(default=0, init=False)  # times that the total did
    _echoed: int | None = field(default=None, init=False)  # the size of a page that the server named
    _is_capped: bool = field(default=False, init=False)  # more was requested than is given
    _cut: int = field(default=0, init=False)  # the length to which the last pages were cut; 0: to none in common
    _seen: int = field(default=0, init=False)  # rows in pages that were cut
    _looked: int = field(default=0, init=False)  # positions of these pages

    def __attrs_post_init__(self) -> None:
        self.asked = self.size = self.grid.size
        self.least_overlap = self.overlap
        self.request(self.size)

    def request(self, size: int) -> None:
        """Request pages of this size. Neighbours share a tenth of it at most, and a row at least."""
        self.grid.size = size
        most = max(1, size // 10) if size >= self.grid.smallest and not self.grid.fixed else 0
        self.overlap, self.least_overlap = min(self.overlap, most), min(self.least_overlap, most)

    @property
    def given(self) -> int | None:
        """Rows in a page, where they are known to be fewer than were requested at first."""
        return self.size if self.is_sure and not self.sparse and self.size < self.asked else None

    def give(self, size: int) -> None:
        """Take a size that was learned earlier."""
        self.size, self.is_sure, self._is_capped = size, True, True
        self.request(size)

    def stop_overlapping(self) -> None:
        """Request pages that touch: those that should overlap do not."""
        self.grid.fixed = True
        self.overlap = self.least_overlap = 0

    @property
    def back(self) -> int:
        """How many positions before the end of a span the next one begins, so that they share a row."""
        if not self.sparse:
            return self.overlap
        return max(self.overlap, min(self.size // 2, 3 * self._looked // max(1, self._seen)))

    @property
    def page_size(self) -> int:
        """Rows that a response to the next request can hold."""
        return min(self.size, self.grid.size)

    @property
    def total(self) -> int | None:
        """Rows in the listing, where a total was named that is to be believed."""
        return None if self.total_refuted or self.latest_total is None else self.latest_total[0]

    def reach(self, link: Link) -> int:
        """Return the position up to which this span looks."""
        if link.keys is not None and len(link.keys) > link.hi - link.lo:
            return link.end  # it brought more than was requested
        return link.hi if link.number else min(link.hi, link.lo + self.size)

    def is_full(self, link: Link) -> bool:
        """Whether this response holds as many rows as the server gives."""
        return link.keys is not None and len(link.keys) >= min(self.size, link.hi - link.lo)

    def is_short(self, link: Link) -> bool:
        """Whether this response holds fewer than half as many: the end may be there."""
        wanted = 1 if self.sparse else min(self.size, link.hi - link.lo)
        return link.keys is not None and 2 * len(link.keys) < wanted and not link.more

    @property
    def proof(self) -> int:
        """How many positions must be empty behind the last row before the end is believed.

        Half a page of what is given; of what was requested, until a full page was seen. Where rows are hidden, so many
        that it would be unlikely to meet as many hidden rows in a row.
        """
        half = ceil((min(self.size, self.asked) if self.is_sure and not self.sparse else self.asked) / 2)
        return max(half, ceil(LIKELY * self._looked / max(1, self._seen))) if self.sparse else half

    # ---- learning

    def add_total(self, link: Link) -> bool:
        """Take the total of a response. Returns whether it contradicts the one before."""
        if link.total is None or self.total_refuted:
            return False
        before = self.latest_total
        if before is None or link.order > before[1]:
            self.latest_total = link.total, link.order
        self.least_total = link.total if self.least_total is None else min(self.least_total, link.total)
        changed = 0 if before is None else abs(link.total - before[0])
        self._changed += changed > 0
        self._count_change(changed)
        return changed > 0

    def _count_change(self, rows: int) -> None:
        # Writes that balance each other between two responses are not seen: about so many may have been. A change of
        # many rows at once shows in the total, and excuses nothing.
        self.changes += min(rows, max(5, self.size // 10))

    def refute_total(self) -> int:
        """Believe no total any more: a response held more rows than it named. Returns how many changes that unsays."""
        self.total_refuted = True
        return self._changed

    def resize(self, link: Link, size: int) -> None:
        """The server chose another size, or has but one. A numbered page of it is about other positions."""
        largest = self.grid.size
        if isinstance(self.grid, NumberGrid):
            if size > link.hi - link.lo:
                self.grid.fixed, largest = True, size
            link.lo = (link.number - 1) * size
        link.hi = link.lo + size
        self.size = self._echoed = min(largest, size)
        self.request(self.size)

    def learn_size(self, link: Link) -> None:
        """What the first response holds is the size, whatever was requested; a cap is then nothing special."""
        count = len(link.keys or ())
        self.is_sure = count >= self.grid.size
        if self._echoed is not None:
            return  # the server named another size than was requested
        if 0 < count < self.grid.size:
            self.size = max(count, 2)
            self.request(self.size)  # full, the next page shows a cap; short, that rows are hidden

    def grow(self, count: int) -> None:
        """A response held this many rows."""
        self.size = max(self.size, min(count, self.grid.size) if self.size <= self.grid.size else count)

    def compare(self, a: Link, b: Link, *, fresh: bool) -> bool:
        """Learn from two pages of which the second follows the first: is less given than requested, are rows hidden?

        Args:
            a: The page before.
            b: The page behind it.
            fresh: Whether the second has new rows.

        Returns:
            Whether rows have moved in between.
        """
        assert a.keys is not None and b.keys is not None  # noqa: PT018
        if a.is_cut and fresh:
            self._seen, self._looked = self._seen + len(a.keys), self._looked + self.reach(a) - a.lo
        if self.least_overlap == 0:
            return False
        shared = [pair for pair in _shared(a.keys, b.keys) if b.keys[pair[1]] not in b.unreadable]
        if not shared:
            return False
        # By how much the rows of the second lie behind where they were, if none is hidden.
        shift = max((b.lo + index - a.lo - before for before, index in (shared[0], shared[-1])), key=abs)
        self.hides_rows |= bool(a.number) and a.is_cut and fresh
        if shift == 0:
            self.overlap = max(self.least_overlap, self.overlap // 2)
            self._learn_cap(a, b, fresh=fresh)
            return False
        self.overlap = max(self.least_overlap, self.overlap - 1)
        if b.keys[-1] == a.keys[-1] and b.lo >= a.end:
            return False  # the last page may be repeated past the end
        if not self.is_sure and not b.is_cut and 0 < shift <= a.hi - a.lo - len(a.keys):
            self.is_sure = self.hides_rows = True  # rows have moved, or some are hidden: that no page shows
            return False
        if 0 < shift <= a.hi - a.lo - len(a.keys):
            self.hides_rows |= not fresh
            if shift > max(1, self.size // 10) or not self.is_sure:
                self._learn_hidden(a, b, len(shared))
            return False
        if self.hides_rows and 0 < -shift <= b.hi - b.lo - len(b.keys):
            return False  # rows are hidden before those that are shared
        self._count_change(abs(shift))
        return True

    def _learn_cap(self, a: Link, b: Link, *, fresh: bool) -> None:
        """A page that is full as requested shows what is given; two that are cut to the same length may show a cap."""
        if fresh:
            self._cut = len(b.keys or ()) if a.is_cut and b.is_cut and len(a.keys or ()) == len(b.keys or ()) else 0
            self.is_sure |= not b.is_cut
            if not b.number and self.is_sure and not self.sparse:
                self._try_more(b)

    def _try_more(self, b: Link) -> None:
        """Where the first page held few rows, the list may have grown since: request more, until a cap shows."""
        if b.is_cut and len(b.keys or ()) == self.size < self.grid.size:
            self._is_capped = True
            self.request(self.size)
        elif not b.is_cut and not self._is_capped and self.grid.size < self.asked:
            self.request(min(self.asked, 2 * self.grid.size))

    def confirm_cap(self) -> None:
        """Rows lie behind a page that was cut, as others to its length: request as much, so that short means short."""
        if self._cut > 0:
            self.size, self.is_sure = self._cut, True
            self.request(self.size)

    def _learn_hidden(self, a: Link, b: Link, shared: int) -> None:
        assert a.keys is not None and b.keys is not None  # noqa: PT018
        self.sparse = self.hides_rows = True
        self.size = self._echoed or self.asked
        if not self.grid.fixed:
            self.request(self.size)
        if not self._looked:
            self._seen, self._looked = len(a.keys), a.hi - a.lo
        # Both look as far: where there is a cap too, as many rows of the first come again as positions.
        if not a.number and shared < len(a.keys) and b.hi >= a.hi:
            self.size = min(self.size, max(len(b.keys), (b.lo - a.lo) * len(a.keys) // (len(a.keys) - shared)))


def _shared(a: tuple[Hashable, ...], b: tuple[Hashable, ...]) -> list[tuple[int, int]]:
    """Return where the keys that two pages share stand in the one and in the other."""
    if len({*a}) == len(a) and len({*b}) == len(b):
        at = {key: index for index, key in enumerate(a)}
        return [(at[key], index) for index, key in enumerate(b) if key in at]
    # A join repeats rows: a page begins and ends anywhere among them, so only where another row begins is certain.
    begins = [{key: index for index, key in reversed([*enumerate(page)])} for page in (a, b)]
    return [(begins[0][key], index) for key, index in begins[1].items() if key in begins[0] and index][::-1]
