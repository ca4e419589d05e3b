"""What ``scripts/bench adversary`` reads: a table that changes in virtual time, and a server that may lie.

A *scene* is a class of listings, as data. A *case* is one of them: what a seed drew. Positions are those of the table
as a request finds it; what a server hides, cuts, caps or refuses comes after that.
"""

import asyncio
import bisect
import math
import random
import zlib
from typing import Literal, TypeAlias

import httpx
from attrs import evolve, frozen

__all__ = ["SCENES", "Case", "Scene", "Server", "draw_case"]

LATENCY = 0.03  # seconds, each way
SLOW = (0.05, 0.3)  # of the requests take three to eight times as long
REFUSED = 0  # in the place of a status: no connection
Window: TypeAlias = "int | Literal['auto']"
RUIN = (401, 500, 503, REFUSED)


@frozen
class Write:
    """A change of the table: rows inserted, deleted or moved, once or every so many seconds, one or many at a time."""

    kind: Literal["insert", "delete", "move"]
    where: Literal["head", "tail", "anywhere"] = "anywhere"
    every: float = 0.0
    many: int = 1


@frozen
class Scene:
    """What a server does and what happens to its table.

    Attributes:
        rows: How many there are, at least and at most; ``exact``: a multiple of the page size.
        sizes, apis, windows, orders, totals: What a seed draws from. Totals: none, honest, capped, page (its own rows),
            pages (how many), low, high, before (counted before an insert), changing.
        lag: Seconds that the slowest of three replicas is behind.
        echo: The page size that a response names: as served, as requested, or none.
        cap: The largest page. later: from which request on it is how much.
        fixed: Page sizes of a server that has one, whatever is requested. cut: positions are counted in pages as
            requested, and of each a part is served.
        hidden, hole: The share of rows, and the length of one stretch, that are left out of pages after LIMIT.
        past: Statuses of a server that refuses positions behind the end. repeats: it serves its last page there.
        down: Statuses of everything from a moment near the end on.
        reach: No position from there on is served.
        unreadable: The share of rows that are not rows. joined: a join serves rows up to so often.
        ids: Text, numbers that come as text now and then, or numbers of more than 64 bits.
        ties: Order of four sort keys, within which rows come differently by window, or by request.
        pause: What happens between a checkpoint and the stream that resumes from it.
        parts: In how many partitions it is read, one after the other.
    """

    rows: tuple[int, int] = (60, 1200)
    exact: bool = False
    sizes: tuple[int, ...] = (30, 50, 100)
    apis: tuple[str, ...] = ("kintsugi", "sweetspot")
    windows: tuple[Window, ...] = (1, 2, 5, 16, "auto")
    orders: tuple[bool, ...] = (True, True, False)
    totals: tuple[str, ...] = ("none", "honest")
    writes: tuple[Write, ...] = ()
    lag: float = 0.0
    echo: str = "served"
    cap: int = 100
    later: tuple[int, int] | None = None
    fixed: tuple[int, ...] = ()
    cut: bool = False
    hidden: float = 0.0
    hole: int = 0
    past: tuple[int, ...] = ()
    repeats: bool = False
    down: tuple[int, ...] = ()
    reach: int | None = None
    unreadable: float = 0.0
    joined: int = 1
    ids: str = "text"
    ties: str = ""
    pause: Write | None = None
    parts: int = 1
    on_drift: Literal["ignore", "reread"] = "ignore"


HEAD, TAIL, ANY = Write("insert", "head", 0.1), Write("insert", "tail", 0.1), Write("insert", every=0.1)
DELETE, BOTH = Write("delete", every=0.1), (Write("delete", every=0.05), Write("insert", "tail", 0.05))
SMALL = (10, 20, 25)
WIDE: tuple[Window, ...] = (5, 16, "auto")

SCENES: dict[str, Scene] = {
    "quiet, honest": Scene(),
    "quiet, exact pages": Scene(exact=True),
    "quiet, a page or none": Scene(rows=(0, 100)),
    "quiet, small pages": Scene(sizes=SMALL),
    "quiet, default pages of 10/20/25": Scene(fixed=SMALL),
    "quiet, cap below the page": Scene(cap=40),
    "inserts at the head": Scene(writes=(HEAD,)),
    "appends": Scene(writes=(TAIL,)),
    "inserts anywhere": Scene(writes=(ANY,)),
    "deletes": Scene(writes=(DELETE,)),
    "all kinds, fast": Scene(writes=tuple(evolve(write, every=0.08) for write in (HEAD, TAIL, ANY, DELETE))),
    "delete and append": Scene(writes=BOTH),
    "delete and append, small pages": Scene(writes=BOTH, sizes=SMALL),
    "delete and append, default pages": Scene(writes=BOTH, fixed=SMALL),
    "delete and append, cap of 11": Scene(writes=BOTH, cap=11),
    "sort keys updated": Scene(writes=(Write("move", every=0.1),)),
    "150 deleted at once": Scene(rows=(1500, 2500), sizes=(50,), windows=WIDE, writes=(Write("delete", many=150),)),
    "150 inserted at once": Scene(rows=(1500, 2500), sizes=(50,), windows=WIDE, writes=(Write("insert", many=150),)),
    "500 inserted at the head": Scene(rows=(1000, 2500), writes=(Write("insert", "head", many=500),)),
    "150 deleted, default pages": Scene(rows=(600, 2037), fixed=SMALL, writes=(Write("delete", many=150),)),
    "150 deleted, as they arrive": Scene(
        rows=(600, 2037), fixed=SMALL, orders=(False,), writes=(Write("delete", many=150),)
    ),
    "2,000 at the head, as they arrive": Scene(
        rows=(600, 2037), orders=(False,), writes=(Write("insert", "head", many=2000),)
    ),
    "bulk and moves": Scene(writes=(Write("move", many=100), Write("move", many=50), DELETE)),
    "replicas that lag": Scene(writes=(HEAD, DELETE), lag=0.5),
    "total capped": Scene(totals=("capped",)),
    "total capped, exact": Scene(totals=("capped",), exact=True),
    "total is the rows of the page": Scene(totals=("page",)),
    "total is the number of pages": Scene(totals=("pages",)),
    "total too low": Scene(totals=("low",)),
    "total too high": Scene(totals=("high",)),
    "total changes": Scene(totals=("changing",)),
    "total counted before an insert": Scene(totals=("before",), exact=True, rows=(30, 250)),
    "total capped, deletes": Scene(totals=("capped",), writes=(DELETE,)),
    "size echoed as requested, capped": Scene(echo="requested", cap=25),
    "size echoed as requested, fixed": Scene(echo="requested", fixed=SMALL),
    "size not echoed, fixed": Scene(echo="none", fixed=SMALL),
    "cap falls at the second request": Scene(sizes=(100,), later=(2, 50)),
    "cap falls, echoed as requested": Scene(sizes=(100,), later=(2, 50), echo="requested"),
    "cap falls later": Scene(sizes=(100,), later=(5, 30), rows=(600, 1500)),
    "positions as requested, rows cut": Scene(apis=("kintsugi",), cut=True, cap=40),
    "positions as requested, echoed so": Scene(apis=("kintsugi",), cut=True, cap=40, echo="requested"),
    "30% hidden": Scene(hidden=0.3),
    "85% hidden": Scene(hidden=0.85, sizes=(100,)),
    "85% hidden, deletes": Scene(hidden=0.85, sizes=(100,), writes=(DELETE,)),
    "400 hidden in a row": Scene(hole=400, rows=(900, 1500), totals=("honest",)),
    "30 hidden in a row": Scene(hole=30, sizes=(100,)),
    "refuses past the end": Scene(past=(400, 404, 416, 422)),
    "refuses past the end, small pages": Scene(past=(400, 404, 422), sizes=SMALL, rows=(20, 300)),
    "refuses past the end, cap of 11": Scene(past=(400, 404, 422), cap=11, rows=(20, 300)),
    "refuses past the end, deletes": Scene(past=(400, 404, 422), writes=(DELETE,)),
    "refuses past the end, one delete": Scene(past=(400, 404, 422), writes=(Write("delete", "tail"),), rows=(60, 400)),
    "last page repeated": Scene(repeats=True),
    "last page repeated, deletes": Scene(repeats=True, writes=(DELETE,)),
    "down near the end": Scene(down=RUIN),
    "down near the end, default pages": Scene(down=RUIN, fixed=SMALL, rows=(60, 400)),
    "result window, list just within": Scene(reach=1000, rows=(930, 999), sizes=(50, 100), past=(400, 422)),
    "result window of 10,000": Scene(reach=10_000, rows=(9_900, 9_999), sizes=(100,)),
    "result window, list beyond": Scene(reach=1000, rows=(1001, 1300)),
    "unreadable rows, 1%": Scene(unreadable=0.01),
    "unreadable rows, 30%, deletes": Scene(unreadable=0.3, writes=(DELETE,)),
    "ids as 7 and as '7'": Scene(ids="mixed"),
    "ids over 64 bits": Scene(ids="long"),
    "order by status, by window": Scene(ties="window", rows=(300, 1000)),
    "order by status, by request": Scene(ties="request", rows=(300, 1000)),
    "order by status, read again": Scene(ties="window", rows=(300, 1000), on_drift="reread"),
    "a join repeats rows": Scene(joined=3),
    "a join repeats rows, deletes": Scene(joined=3, writes=(DELETE,)),
    "resumed, quiet": Scene(pause=Write("insert", many=0), orders=(True,)),
    "resumed, 600 deleted": Scene(pause=Write("delete", "head", many=600), rows=(1500, 2100), orders=(True,)),
    "resumed, 150 at the head": Scene(pause=Write("insert", "head", many=150), rows=(400, 2100), orders=(True,)),
    "in 4 parts, quiet": Scene(parts=4, orders=(True,)),
    "in 4 parts, deletes": Scene(parts=4, orders=(True,), writes=(DELETE,)),
    "in 4 parts, 150 deleted at once": Scene(
        parts=4, orders=(True,), rows=(900, 2037), writes=(Write("delete", many=150),)
    ),
    "in 4 parts, 150 at the head": Scene(parts=4, orders=(True,), writes=(Write("insert", "head", many=150),)),
    "resumed, 150 deleted anywhere": Scene(pause=Write("delete", many=150), rows=(400, 2100), orders=(True,)),
}


@frozen
class Case:
    """One listing of a class: everything that is drawn."""

    seed: str
    api: str
    rows: int
    size: int
    window: Window
    ordered: bool
    total: str
    fixed: int
    past: int | None
    down: int | None

    @property
    def numbered(self) -> bool:
        """Whether its pages are numbered."""
        return self.api == "kintsugi"


def draw_case(name: str, seed: int) -> Case:
    """Draw a listing of a class."""
    scene = SCENES[name]
    draw = random.Random(f"{name} {seed}")
    size = draw.choice(scene.sizes)
    rows = draw.randint(*scene.rows)
    if scene.exact:
        rows = max(size, rows - rows % size)
    return Case(
        f"{name} {seed}",
        draw.choice(scene.apis),
        rows,
        size,
        draw.choice(scene.windows),
        draw.choice(scene.orders),
        draw.choice(scene.totals),
        draw.choice(scene.fixed or (0,)),
        draw.choice(scene.past or (None,)),
        draw.choice(scene.down or (None,)),
    )


# ---- the table and the server


class Table:
    """Rows in their order, numbered as they were made, and what they were at any time so far."""

    def __init__(self, count: int, writes: tuple[Write, ...], span: float, draw: random.Random) -> None:
        """``span``: seconds that a listing takes; writes go on for twice as long."""
        self.moved: set[int] = set()
        self._rows, self._next, self._draw = list(range(count)), count, draw
        self._times, self._states = [-math.inf], [tuple(self._rows)]
        self._writes: list[tuple[float, Write]] = []
        for write in writes:
            if write.every:
                times = [step * write.every * draw.uniform(0.9, 1.1) for step in range(1, int(2 * span / write.every))]
            else:
                times = [draw.uniform(0, span)]
            self._writes += [(moment, write) for moment in times]
        self._writes.sort(key=lambda planned: planned[0], reverse=True)

    def at(self, moment: float) -> tuple[int, ...]:
        """The rows at a time."""
        while self._writes and self._writes[-1][0] <= moment:
            planned, write = self._writes.pop()
            self.apply(planned, write)
        return self._states[bisect.bisect_right(self._times, moment) - 1]

    def apply(self, moment: float, write: Write) -> None:
        """Change it, after all that happens before."""
        self.at(moment)
        rows, many = self._rows, write.many
        at = {"head": 0, "tail": len(rows), "anywhere": self._draw.randint(0, len(rows))}[write.where]
        if write.kind == "insert":
            rows[at:at] = range(self._next, self._next + many)
            self._next += many
        else:
            at = max(0, min(at, len(rows) - many))
            taken = rows[at : at + many]
            del rows[at : at + many]
            if write.kind == "move":
                self.moved.update(taken)
                to = self._draw.randint(0, len(rows))
                rows[to:to] = taken
        self._times.append(moment)
        self._states.append(tuple(rows))


def chance(seed: str, number: int) -> float:
    """A number from [0, 1) that belongs to a row."""
    return zlib.crc32(f"{seed} {number}".encode()) / 2**32


class Server(httpx.AsyncBaseTransport):
    """Answers requests in process. ``reader`` is cancelled when there are too many."""

    def __init__(self, scene: Scene, case: Case) -> None:
        self.scene, self.case = scene, case
        self.draw = random.Random(case.seed)
        self.slow = self.draw.choice(SLOW)
        page = case.fixed or min(case.size, scene.cap, *(scene.later or ())[1:])
        positions = sum(self._copies(number) for number in range(case.rows))
        self.serial = max(1, math.ceil(positions / page) + (case.total == "none" and positions % page == 0))
        seconds = 2 * LATENCY * self.serial / (4 if case.window == "auto" else case.window)
        self.table = Table(case.rows, scene.writes, max(seconds, 4 * LATENCY), self.draw)
        self.hole = range(0)
        if scene.hole:
            first = self.draw.randrange(1, max(2, case.rows - scene.hole))
            self.hole = range(first, min(first + scene.hole, case.rows))
        self.requests = self.answers = 0
        self.bound = 6 * self.serial * (4 if scene.on_drift == "reread" else 1) + 200  # it may be read four times
        self.excused = False  # it refused rows, or was down
        self.promised = 0  # the largest total so far
        self.reader: asyncio.Future[None] | None = None
        self._reached = math.inf  # the request that brought the last row
        self._patience = self.draw.randint(0, 2)  # requests between that one and the ruin
        self._counted = False

    def _copies(self, number: int) -> int:
        return 1 + number % self.scene.joined

    @property
    def is_still(self) -> bool:
        """Whether nothing changes while it is read."""
        scene = self.scene
        pause = scene.pause is not None and scene.pause.many > 0
        return not (scene.writes or scene.ties or pause or self.case.total in {"changing", "before"})

    @property
    def is_candid(self) -> bool:
        """Whether a reader of all owed rows has no reason to doubt that they are all."""
        read = len(self.owed(math.inf)) + sum(not self._is_readable(number) for number in range(self.case.rows))
        return not (self.scene.hidden or self.scene.hole) and self.promised <= read

    def owed(self, end: float) -> list[int]:
        """Return the rows that were there from the beginning to the end, kept their place, and can be read."""
        rows = {*self.table.at(end)} & {*range(self.case.rows)} - self.table.moved
        return [number for number in rows if self._is_readable(number) and not self._is_hidden(number)]

    def key(self, number: int) -> str:
        """Return the id of a row, as text."""
        return str(2**64 + 1500 * number if self.scene.ids == "long" else number)

    def _is_readable(self, number: int) -> bool:
        return chance(f"{self.case.seed} read", number) >= self.scene.unreadable

    def _is_hidden(self, number: int) -> bool:
        return number in self.hole or chance(f"{self.case.seed} hide", number) < self.scene.hidden

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, after a while."""
        self.requests += 1
        if self.requests > self.bound and self.reader is not None:
            self.reader.cancel()
            await asyncio.Event().wait()
        loop, slow = asyncio.get_running_loop(), self.draw.uniform(3, 8) if self.draw.random() < self.slow else 1.0
        await asyncio.sleep(LATENCY * slow * self.draw.uniform(0.5, 1.5))
        status, body = self._answer({name: int(value) for name, value in request.url.params.items()}, loop.time())
        await asyncio.sleep(LATENCY * slow * self.draw.uniform(0.5, 1.5))
        if status == REFUSED:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, content=body, headers={"Content-Type": "application/json"})

    def _answer(self, params: dict[str, int], now: float) -> tuple[int, bytes]:
        scene, case = self.scene, self.case
        self.answers += 1
        requested = params["size" if case.numbered else "limit"]
        cap = scene.later[1] if scene.later and self.answers >= scene.later[0] else scene.cap
        size = case.fixed or min(requested, cap)
        lo = (params["page"] - 1) * (requested if scene.cut else size) if case.numbered else params["offset"]
        self.table.at(now)
        view = self._view(now, lo, size)
        if case.total == "before" and not self._counted and lo + size >= len(view):
            self._counted = True
            self.table.apply(now, Write("insert", "head"))
            total, view = len(view), self._view(now, lo, size)
        else:
            total = len(view)
        if case.down is not None and self.answers > self._reached + self._patience:
            self.excused = True
            return case.down, b'{"detail": "no"}'
        if lo + size >= len(view):
            self._reached = min(self._reached, self.answers)
        if scene.reach is not None and lo + size > scene.reach:
            self.excused |= len(view) > scene.reach
            return case.past or 400, b'{"detail": "result window"}'
        if lo >= len(view) and lo > 0:
            if case.past:
                return case.past, b'{"detail": "past the end"}'
            if scene.repeats and view:
                lo = (len(view) - 1) // size * size if case.numbered else max(0, len(view) - size)
        page = [number for number in view[lo : lo + size] if not self._is_hidden(number)]
        return 200, self._body(page, self._total(total, len(page), size), requested, size)

    def _view(self, now: float, lo: int, size: int) -> list[int]:
        """The list as this request sees it."""
        rows = self.table.at(now - self.scene.lag * self.draw.randrange(3) / 2)
        if self.scene.ties:
            by = f"{lo} {size}" if self.scene.ties == "window" else f"{self.answers}"
            rows = tuple(sorted(rows, key=lambda number: (number % 4, chance(by, number))))
        return [number for number in rows for _ in range(self._copies(number))]

    def _total(self, count: int, page: int, size: int) -> int | None:
        kind = self.case.total
        if kind == "none":
            return None
        low = max(1, count - 1 - int(chance(self.case.seed, -1) * min(300, count)))
        total = {
            "capped": min(count, self.case.rows * 4 // 5 // self.case.size * self.case.size or count),
            "page": page,
            "pages": math.ceil(count / size),
            "low": low,
            "high": count + 250,
            "changing": count + self.draw.randint(-3, 3),
        }.get(kind, count)
        self.promised = max(self.promised, total)
        return max(0, total)

    def _body(self, page: list[int], total: int | None, requested: int, size: int) -> bytes:
        rows = b",".join(map(self._row, page))
        if not self.case.numbered:
            return b'{"results":[%b],"total":%d}' % (rows, total) if total is not None else b"[%b]" % rows
        members = [b'"items":[%b]' % rows]
        if total is not None:
            members.append(b'"total":%d' % total)
        if self.scene.echo != "none":
            members.append(b'"size":%d' % (size if self.scene.echo == "served" else requested))
        return b"{%b}" % b",".join(members)

    def _row(self, number: int) -> bytes:
        if not self._is_readable(number):
            return b'{"id":null,"name":"equal"}' if number % 2 else b'{"id":null}'
        key = self.key(number).encode()
        if self.scene.ids == "text" or (self.scene.ids == "mixed" and self.draw.random() < 0.5):
            key = b'"%b"' % key
        if self.case.numbered:
            return b'{"id":%b,"organization_id":"o"}' % key
        day = b'"2024-01-01T00:00:00Z"'
        return b'{"id":%b,"createdAt":%b,"updatedAt":%b,"creditStatus":"APPROVED","userId":1}' % (key, day, day)
