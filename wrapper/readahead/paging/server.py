"""What the responses of a listing show of the server: how much it gives, and what its total is worth. Pure."""

from attrs import define, field

from .grids import Grid, Link, NumberGrid

__all__ = ["ServerModel"]


@define
class ServerModel:
    """What is known of the server."""

    grid: Grid
    overlap: int = 5  # rows that neighbours are requested to share
    least_overlap: int = field(init=False)  # it is never smaller; 0: pages are too small to overlap
    size: int = field(init=False)  # rows in a response
    sparse: bool = field(default=False, init=False)  # it gives fewer rows than positions, because it hides some
    hides_rows: bool = field(default=False, init=False)  # it has hidden a row at least once
    names_size: bool = field(default=False, init=False)  # its last response named the size of a page
    gives_full: bool = field(default=False, init=False)  # so that a shared row too many or too few is a mismatch
    answered: bool = field(default=False, init=False)  # there was a response
    latest_total: tuple[int, int] | None = field(default=None, init=False)  # and the order of the request it answers
    total_refuted: bool = field(default=False, init=False)  # a response contradicted its own: none is believed any more

    def __attrs_post_init__(self) -> None:
        self.size, self.least_overlap = self.grid.size, self.overlap
        self.request(self.size)

    def request(self, size: int) -> None:
        """Request pages of this size. Those so small that an overlap would use them up do not overlap."""
        self.grid.size = size
        most = max(1, size // 10) if size >= self.grid.smallest else 0
        self.overlap, self.least_overlap = min(self.overlap, most), min(self.least_overlap, most)

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
        return link.hi if link.number or not link.position else min(link.hi, link.lo + self.size)

    def is_full(self, link: Link) -> bool:
        """Whether this response holds as many rows as the server gives."""
        return link.keys is not None and len(link.keys) >= min(self.size, link.hi - link.lo)

    def is_short(self, link: Link) -> bool:
        """Whether this response holds fewer than half as many: the end may be there."""
        wanted = 1 if self.sparse else min(self.size, link.hi - link.lo)
        return link.keys is not None and link.hi > 0 and 2 * len(link.keys) < wanted

    def add_total(self, link: Link) -> bool:
        """Take the total of a response. Returns whether it contradicts the one before."""
        if link.total is None or link.keys is None:
            return False
        changed = self.latest_total is not None and link.total != self.latest_total[0]
        if self.latest_total is None or link.order > self.latest_total[1]:
            self.latest_total = link.total, link.order
        if link.hi - link.lo >= len(link.keys) > max(0, link.total - link.lo):
            self.total_refuted = True
        return changed

    def resize(self, link: Link, size: int) -> None:
        """The server chose another size. A numbered page of it is about other positions."""
        largest = self.grid.size
        if isinstance(self.grid, NumberGrid):
            if size > link.hi - link.lo:
                self.grid.fixed, largest = True, size
                self.overlap = self.least_overlap = 0
            link.lo = (link.number - 1) * size
        link.hi = link.lo + size
        self.size = min(largest, size)
        self.request(self.size)

    def learn_size(self, link: Link, *, at_end: bool) -> None:
        """What the first response holds is the size, whatever was requested; a cap is then nothing special.

        Not so ``at_end``: where a listing that is resumed has nothing left.
        """
        count = len(link.keys or ())
        self.gives_full = count >= self.grid.size
        if not (at_end or self.names_size or link.total == count):
            self.size = max(count, 2)
            if link.number:
                self.grid.size = min(self.grid.size, self.size)
                link.hi = link.lo + self.grid.size

    def grow(self, count: int) -> None:
        """A response held this many rows."""
        self.size = max(self.size, min(count, self.grid.size) if self.size <= self.grid.size else count)

    def compare(self, a: Link, b: Link) -> bool:
        """Learn from two neighbours: is less given than requested, are rows hidden? Returns whether rows moved."""
        assert a.keys is not None and b.keys is not None  # noqa: PT018
        shared = {*a.keys} & {*b.keys}
        n, expected = len(shared), min(max(0, a.end - b.lo), len(b.keys))
        if b.lo <= a.lo or (a.keys[-1] == b.keys[-1] and n > expected):
            return False  # the last page may be repeated past the end
        if len(a.keys) < a.hi - a.lo and b.lo < a.end:
            a.loose = n > expected
            if n <= a.hi - b.lo and (n > expected + max(1, self.size // 10) or n == len(a.keys) > 1):
                self.sparse = self.hides_rows = True
                self.size = self.grid.size
                if not a.number and n < len(a.keys):  # a cap shows: as many of its rows are new as of positions
                    self.size = min(self.size, max(len(b.keys), (b.lo - a.lo) * len(a.keys) // (len(a.keys) - n)))
            elif n == expected and len(a.keys) == len(b.keys) == self.size and not a.number:
                self.request(self.size)  # a cap: request what is given, so that short means short
        self.hides_rows |= bool(a.number) and len(a.keys) < a.hi - a.lo and b.keys[-1] not in shared
        moved = n > 0 and a.keys[-n:] != b.keys[:n]
        if self.names_size or not a.number:
            moved |= n > max(0, max(a.hi, a.end) - b.lo)  # more rows are shared than positions
        if self.is_full(a) and self.is_full(b) and (n or a.hi > b.lo):
            moved |= n != expected and (self.gives_full or bool(a.number))
            self.gives_full |= n == expected > 0
        if n:
            self.overlap = max(self.least_overlap, self.overlap // 2 if n == expected else self.overlap - 1)
        return moved
