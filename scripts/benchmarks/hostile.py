"""``scripts/bench hostile``: what becomes of a listing on servers that misbehave, and on lists that change meanwhile.

Virtual time. First the plan alone, with the simulator of tests/paging: 2,037 rows, pages of 100, an answer takes 50 ms
and one in fifty three to eight times as long; requests and answers overtake each other. Then real clients and the
scenes of ``scripts/bench adversary``, fewer of each: there, rows are missing if they were not delivered and nobody said
so. Beside ours (a) what SDKs do, page after page until one is short, and (b) what is written around a generated client:
the pages of the window at once, positions trusted.
"""

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import httpx
from attrs import asdict, define, evolve, field, frozen

from readahead.pages import Fetched
from readahead.paging.plan import Plan, Span, Start
from readahead.paging.styles import OffsetLimit, PageNumber, Style
from readahead.paging.window import AutoWindow

from . import adversary, adversary_server

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "paging"))

from simulator import MOST, Server, Writes, read  # type: ignore[import-not-found]

SIZE = 100
WINDOWS = (1, 2, 5, 16, "auto")
APIS: dict[str, Style] = {"Sweet Spot, offsets": OffsetLimit(), "Kintsugi, numbered": PageNumber()}
QUIET: dict[str, dict[str, Any]] = {
    "quiet": {},
    "cap of 50": {"cap": 50},
    "cap of 50 from the 8th request on": {"cap": 50, "cap_at": 8},
    "30% hidden": {"hide": 0.3},
    "60% hidden": {"hide": 0.6},
    "80 running hidden": {"hole": (400, 480)},
    "last page repeated, no total": {"repeats_last": True, "total": None},
    "the same, 2,000 rows": {"repeats_last": True, "total": None, "count": 2000},
    "limit ignored": {"ignores_limit": True},
    "total missing": {"total": None},
    "total too low": {"total": 1000},
    "total too high": {"total": 5000},
    "total changing": {"total": "changing"},
}
KINDS = {"insert": "inserts", "append": "appends", "delete": "deletes", "mixed": "all three"}
KINDS |= {"moves": "moves anywhere", "balanced": "moves to the end"}
CHANGING: dict[str, Writes] = {
    **{f"{KINDS[kind]}, each {ms} ms": Writes(kind, ms / 1000) for ms in (20, 5) for kind in KINDS},
    **{
        f"{many} {KINDS[kind]} at once": Writes(kind, burst=(0, many))
        for kind in ("insert", "delete")
        for many in (50, 150, 500)
    },
}
PLAIN = {"quiet, honest", "quiet, exact pages", "quiet, a page or none", "quiet, cap below the page"}
PLAIN |= {"inserts at the head", "appends", "inserts anywhere", "deletes", "all kinds, fast", "delete and append"}
PLAIN |= {"sort keys updated", "last page repeated", "30% hidden"}
SCENES = {name: scene for name, scene in adversary_server.SCENES.items() if name not in PLAIN}  # as above
SCENE_WINDOWS: tuple[adversary_server.Window, ...] = (1, 16)

Job: TypeAlias = tuple[str, str, "int | str", str, int, bool]


@frozen
class Cell:
    """One way to read one server, over all seeds. requests: on average; unended: listings that never ended."""

    api: str
    server: str
    window: int | str
    by: str
    seeds: int
    missing: int  # rows; of scenes, in listings that ended as if they were whole
    twice: int
    requests: float
    unended: int  # listings
    seen: int  # listings that said that the list changed
    evidence: int  # those in which a row had two positions, or the total changed; where none are hidden
    reported: int = 0  # rows of scenes that were not delivered either, and an error or the report says so


@define(eq=False)
class Rival(Plan):
    """A plan that trusts positions. at_once: pages that are asked for together; then it looks whether one was short."""

    api: Style = field(kw_only=True)
    at_once: int = field(kw_only=True)
    _next: int = field(default=0, init=False)
    _flying: int = field(default=0, init=False)
    _batch: dict[int, tuple[Span, Fetched[object]]] = field(
        factory=dict[int, "tuple[Span, Fetched[object]]"], init=False
    )
    _left: int = field(default=1, init=False)
    _pages: int | None = field(default=None, init=False)

    @property
    def occupied(self) -> int:
        """Pages in flight, or read and not taken."""
        return self._flying + len(self._batch) + len(self.ready)

    def next_request(self) -> Span | None:
        """The next page of this batch."""
        if self.finished or not self._left:
            return None
        span = self.api.exactly(self._next * SIZE, SIZE)
        self._next, self._left, self._flying = self._next + 1, self._left - 1, self._flying + 1
        return span

    def add_response(self, span: Span, page: Fetched[object]) -> None:
        """Pages are handed out in their order, once all of the batch are there."""
        self._flying -= 1
        self._batch[span.lo] = span, page
        if self._pages is None and page.total is not None and self.at_once > 1:
            self._pages = -(-page.total // SIZE)
        if self._flying or self._left:
            return
        for _, (waiting, response) in sorted(self._batch.items()):
            waiting.keys = response.keys
            self.ready.append((waiting, frozenset(response.keys)))
        short = any(len(response.keys) < SIZE for _, response in self._batch.values())
        self._batch.clear()
        self.ended = short if self._pages is None else self._next >= self._pages
        self._left = self.at_once if self._pages is None else min(self.at_once, self._pages - self._next)

    def add_error(self, span: Span, error: Exception) -> None:  # noqa: ARG002
        """It gives up."""
        self.error = error

    def needs(self, span: Span) -> bool:  # noqa: ARG002
        """It takes what it gets."""
        return True

    def resume_at(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:  # noqa: ARG002
        """It goes on at its beginning: no place in it means anything later."""
        return self.start


def measure(job: Job) -> Cell:
    """One cell of the table."""
    api, server, window, by, seeds, ordered = job
    if server in SCENES:
        return measure_scene(job)
    style = APIS[api]
    outcomes = []
    for seed in range(seeds):
        how = {"total": "right" if isinstance(style, PageNumber) else None, **QUIET.get(server, {})}
        writes = CHANGING.get(server)
        if writes and writes.burst[1]:  # earlier or later in the listing
            writes = Writes(writes.kind, burst=(2 + seed % 19, writes.burst[1]))
        make: Callable[[int], Plan] | None = None
        if by != "ours":
            make = lambda size: Rival(size, None, True, Start(), api=style, at_once=size)  # noqa: E731
        size: Any = AutoWindow() if window == "auto" else window
        outcomes.append(
            read(style, size, Server(seed=seed, **how), seed=seed, writes=writes, ordered=ordered, make=make)
        )
    return Cell(
        api,
        server,
        window,
        by,
        seeds,
        sum(one.missing for one in outcomes),
        sum(one.twice for one in outcomes if one.ended),
        round(sum(one.requests for one in outcomes) / seeds, 1),
        sum(not one.ended or one.requests >= MOST for one in outcomes),
        sum(one.plan.tally.mismatches > 0 for one in outcomes),
        sum(one.evidence for one in outcomes),
    )


def measure_scene(job: Job) -> Cell:
    """One cell of a scene, read by real clients."""
    api, name, window, by, seeds, ordered = job
    scene, numbered = SCENES[name], isinstance(APIS[api], PageNumber)
    verdicts: list[adversary.Verdict] = []
    for seed in range(seeds):
        case = evolve(
            adversary_server.draw_case(name, seed),
            api=_named(APIS[api]),
            window=window if isinstance(window, int) else "auto",
            ordered=ordered if ordered in scene.orders else scene.orders[0],
        )
        if case.total in {"none", "honest"}:
            case = evolve(case, total="honest" if numbered or "none" not in scene.totals else "none")
        reader = adversary.read if by == "ours" else read_alone if by == "serial" else read_gathered
        verdicts.append(adversary.judge(scene, case, reader))
    return Cell(
        api,
        name,
        window,
        by,
        seeds,
        sum(one.lost for one in verdicts if "silent" in one.counts),
        sum(one.again for one in verdicts if "twice" in one.counts),
        round(sum(one.requests for one in verdicts) / seeds, 1),
        sum("endless" in one.counts for one in verdicts),
        sum(one.seen for one in verdicts),
        0,
        sum(one.lost for one in verdicts if "reported" in one.counts),
    )


def _named(style: Style) -> str:
    return "kintsugi" if isinstance(style, PageNumber) else "sweetspot"


async def read_alone(server: adversary_server.Server, reading: adversary.Reading) -> None:
    """Read page after page until one is short."""
    await _read_pages(server, reading, 1)


async def read_gathered(server: adversary_server.Server, reading: adversary.Reading) -> None:
    """Read the pages of the window at once, until one is short or the total of the first is reached."""
    assert isinstance(server.case.window, int)
    await _read_pages(server, reading, server.case.window)


async def _read_pages(server: adversary_server.Server, reading: adversary.Reading, at_once: int) -> None:
    case, scene = server.case, server.scene
    pages, pause_at = math.inf, server.draw.randint(1, max(1, case.rows - 1))

    async def fetch(number: int) -> tuple[list[dict[str, Any]], int | None]:
        numbered = {"page": number + 1, "size": case.size}
        params = numbered if case.numbered else {"offset": number * case.size, "limit": case.size}
        request = httpx.Request("GET", "http://server/", params=params)
        response = await server.handle_async_request(request)
        if response.status_code >= 400:
            raise httpx.HTTPStatusError("refused", request=request, response=response)
        answer: Any = json.loads(response.content)
        if isinstance(answer, list):
            return answer, None
        return answer.get("items", answer.get("results")), answer.get("total")

    first, batch = 0, [0]
    while batch:
        answers = await asyncio.gather(*map(fetch, batch))
        reading.keys += [str(row["id"]) for rows, _ in answers for row in rows if row["id"] is not None]
        if scene.pause and len(reading.keys) >= pause_at:
            server.table.apply(asyncio.get_running_loop().time(), scene.pause)
            pause_at = sys.maxsize
        if at_once > 1 and not first and answers[0][1] is not None:
            pages = math.ceil(answers[0][1] / case.size)
        if math.isinf(pages) and any(len(rows) < case.size for rows, _ in answers):
            return
        first = batch[-1] + 1
        batch = [number for number in range(first, first + at_once) if number < pages]


def table(cells: list[Cell]) -> str:
    """As text: a line for each server and window."""
    found = {(cell.api, cell.server, cell.window, cell.by): cell for cell in cells}
    lines: list[str] = []
    for api in APIS:
        lines += [f"\n{api}", f"{'':42}{'ours':^33}{'serial, stop if short':^27}{'gathered':^27}"]
        titles = ("missing", "twice", "requests")
        lines.append(f"{'server':<35}{'window':>7}" + "".join(f"{t:>9}" for t in (*titles, "drift", *titles, *titles)))
        for server in (*QUIET, *CHANGING, *SCENES):
            for window in SCENE_WINDOWS if server in SCENES else WINDOWS:
                ours = found.get((api, server, window, "ours"))
                if ours is None:
                    continue  # of the other API
                seen = f"{ours.seen}/{ours.evidence}" if server in CHANGING else f"{ours.seen}" if ours.seen else "-"
                line = f"{server if window == 1 else '':<35}{window:>7}{_shown(ours)}{seen:>9}"
                line += _shown(found.get((api, server, window, "serial")))
                lines.append((line + _shown(found.get((api, server, window, "gathered")))).rstrip())
    return "\n".join(lines)


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return f"{'':27}"
    if cell.unended:
        return f"{cell.missing:>9,}{'':>9}{'no end':>9}"
    return f"{cell.missing:>9,}{cell.twice:>9,}{cell.requests:>9}"


def summary(cells: list[Cell]) -> str:
    """What it comes to."""
    lines = []
    for by in ("ours", "serial", "gathered"):
        mine = [cell for cell in cells if cell.by == by]
        listings, unended = sum(cell.seeds for cell in mine), sum(cell.unended for cell in mine)
        lines.append(
            f"{by:<9}{listings:>7,} listings: {sum(cell.missing for cell in mine):>9,} rows missing, "
            f"{sum(cell.twice for cell in mine):>9,} given twice, {unended:>5,} without an end"
        )
        said = [cell for cell in mine if cell.server in SCENES]
        lines[-1] += f"; {sum(cell.reported for cell in said):>7,} missing with an error or a report that says so"
    ours = [cell for cell in cells if cell.by == "ours"]
    blind = [cell for cell in ours if cell.server in CHANGING and cell.seen < cell.evidence]
    quiet = [cell for cell in ours if cell.server in QUIET and cell.server != "total changing"]
    alarms = [cell for cell in quiet if cell.seen]
    lines.append(f"drift with evidence, unseen: {len(blind)} cells; alarms on quiet lists: {len(alarms)} cells")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Print the table; the exit status says whether ours lost a row, gave one twice or went on for ever."""
    parser = argparse.ArgumentParser(prog="scripts/bench hostile", description=__doc__)
    parser.add_argument("--seeds", type=int, default=30, help="listings for each cell (default: %(default)s)")
    parser.add_argument("--as-they-arrive", action="store_true", help="ours with ordered=False")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the cells there")
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    jobs: list[Job] = []
    for api, style in APIS.items():
        for server in (*QUIET, *CHANGING):
            seeds = given.seeds if server in CHANGING else max(1, given.seeds // 3)
            jobs += [(api, server, window, "ours", seeds, not given.as_they_arrive) for window in WINDOWS]
            jobs.append((api, server, 1, "serial", seeds, True))
            jobs += [(api, server, window, "gathered", seeds, True) for window in (2, 5, 16)]
        for name, scene in SCENES.items():
            if _named(style) not in scene.apis:
                continue
            seeds = max(1, given.seeds // 15)
            jobs += [(api, name, window, "ours", seeds, not given.as_they_arrive) for window in SCENE_WINDOWS]
            if scene.parts == 1:
                jobs += [(api, name, 1, "serial", seeds, True), (api, name, 16, "gathered", seeds, True)]
    with ProcessPoolExecutor() as pool:
        cells = list(pool.map(measure, jobs, chunksize=4))
    print(table(cells))
    print(f"\n{summary(cells)}\n{time.perf_counter() - began:.0f} s")
    if given.json:
        given.json.write_text(json.dumps([asdict(cell) for cell in cells], indent=1) + "\n")
    return int(any(cell.missing or cell.twice or cell.unended for cell in cells if cell.by == "ours"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
