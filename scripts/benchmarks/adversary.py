"""``scripts/bench adversary``: real clients against a table that changes and a server that lies, judged from outside.

Nothing here knows how the wrapper reads: ``Kintsugi`` and ``SweetSpot`` send through a transport of httpx that answers
in process, and time is virtual, so that nobody waits. ``adversary_server`` has the classes; seeds draw the rest.

A row is *owed* if it was visible and readable from the first request to the last response and kept its place among the
others. Of listings are counted:
    silent    An owed row was not delivered, nothing was raised, and the report says complete. Drift "unverifiable"
              excuses the word, on a list that changed.
    reported  An owed row was not delivered, and an error or the report says so.
    twice     A row that kept its place was handed out twice; of parts, and of a list that changed before it was
              resumed, and the report does not say so.
    endless   More than ``6 * serial + 200`` requests, or it waits for what never happens.
    alarms    Nothing was written, every owed row was delivered, and the report says drift, or that it is not complete
              although no row was hidden and no total promised more.
    crashes   An exception that is no ReadaheadError; or an error although the server refused no row and was not down.
              That the place of a checkpoint cannot be found is none, where rows changed.
``requests`` are beside those of a serial reader that knows where to stop.
"""

import argparse
import asyncio
import os
import random
import selectors
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import httpx
from attrs import define, evolve, field, frozen

from readahead.errors import CheckpointError, ReadaheadError
from readahead.kintsugi import Kintsugi
from readahead.pages import Report
from readahead.sweetspot import SweetSpot

from .adversary_server import SCENES, Case, Scene, Server, draw_case

COLUMNS = ("silent", "reported", "twice", "endless", "alarms", "crashes")
FAULTS = ("silent", "twice", "endless", "alarms", "crashes")


# ---- time that passes at once


class _Skip(selectors.SelectSelector):
    """Never waits: it moves the clock on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everybody waits, and nothing will happen")
        self.now += 0.0 if ready else max(0.0, timeout or 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual."""

    def __init__(self) -> None:
        self._clock = _Skip()
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds since it was made."""
        return self._clock.now


# ---- one listing


@define
class Reading:
    """What the user of a client sees of a listing: ids, and a report; of a listing in parts, one each."""

    keys: list[str] = field(factory=list[str])
    reports: list[Report] = field(factory=list[Report])


async def read(server: Server, reading: Reading) -> None:
    """Read the list as a user does: whole, with one checkpoint on the way, or in parts."""
    scene, case = server.scene, server.case
    client: Kintsugi | SweetSpot
    async with httpx.AsyncClient(transport=server) as http:
        if case.numbered:
            client = Kintsugi(api_key="k", organization_id="o", pace=None, http_client=http)
        else:
            client = SweetSpot(token="t", http_client=http)  # noqa: S106
        query: Any = client.customers.page_size(case.size)  # rows of both are the same here
        parts = await query.partitions(scene.parts) if scene.parts > 1 else []
        listings = [client.customers.from_partition(part) for part in parts] or [query]
        options: dict[str, Any] = {"ordered": case.ordered, "on_drift": scene.on_drift, "on_bad_row": "skip"}
        if scene.pause is not None:
            async with query.prefetch(case.window, **options) as rows:
                for _ in range(server.draw.randint(1, max(1, case.rows - 1))):
                    reading.keys.append(str((await anext(rows)).id))
            options["resume"] = rows.checkpoint
            server.table.apply(asyncio.get_running_loop().time(), scene.pause)
        for listing in listings:
            async with listing.prefetch(case.window, **options) as rows:
                reading.reports.append(rows.report)
                async for row in rows:
                    reading.keys.append(str(row.id))


@frozen
class Verdict:
    """What a listing was worth.

    Attributes:
        requests, serial: Requests, and those of a serial reader.
        lost: Owed rows that were not delivered.
        again: Rows that kept their place and were delivered before.
        seen: Whether a report says that the list changed.
        counts: The columns it counts in.
        words: Of the reports, and of the error.
    """

    requests: int
    serial: int
    lost: int
    again: int
    seen: bool
    counts: frozenset[str]
    words: str


def judge(scene: Scene, case: Case, read: Callable[[Server, Reading], Awaitable[None]] = read) -> Verdict:
    """Read one listing and say what it was worth. ``read`` is who reads it."""
    random.seed(case.seed)  # the client draws the waits between its retries
    server, reading, error, endless, end = Server(scene, case), Reading(), None, False, 0.0

    async def listing() -> None:
        nonlocal error, endless, end
        server.reader = asyncio.ensure_future(read(server, reading))
        try:
            await server.reader
        except asyncio.CancelledError:
            endless = True
        except Exception as raised:  # noqa: BLE001  whatever it is, it is the verdict
            error = raised
        end = asyncio.get_running_loop().time()

    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(listing())
    except RuntimeError as raised:  # of the loop
        endless, error = True, raised
    delivered, reports, still = Counter(reading.keys), reading.reports, server.is_still
    lost = sum(server.key(number) not in delivered for number in server.owed(end))
    moved = set(map(server.key, server.table.moved))
    again = sum(times - 1 for key, times in delivered.items() if key not in moved)
    ended = error is None and not endless
    complete = ended and all(report.complete for report in reports)
    assured = complete and (still or all(report.drift != "unverifiable" for report in reports))
    holds = {
        "silent": lost and assured,
        "reported": lost and not assured,
        "twice": again and (assured or (scene.parts == 1 and scene.pause is None)),
        "endless": endless,
        "alarms": (ended and not lost and still)
        and (any(report.drift == "seen" for report in reports) or (not complete and server.is_candid)),
        "crashes": error is not None
        and not endless
        and not (isinstance(error, ReadaheadError) and server.excused)
        and not (isinstance(error, CheckpointError) and scene.pause is not None),
    }
    words = "; ".join([*map(str, reports), *([f"{type(error).__name__}: {error}"] if error else [])])
    names = frozenset(name for name, value in holds.items() if value)
    seen = any(report.drift == "seen" for report in reports)
    return Verdict(server.requests, server.serial, lost, again, seen, names, words)


def shrink(scene: Scene, case: Case, fault: str) -> tuple[Case, Verdict]:
    """Return the smallest case near this one that has the same fault."""
    verdict = judge(scene, case)
    while True:
        tried = ((small, judge(scene, small)) for small in _smaller(case))
        smaller = next((both for both in tried if fault in both[1].counts), None)
        if smaller is None:
            return case, verdict
        case, verdict = smaller


def _smaller(case: Case) -> Iterator[Case]:
    if case.window != 1:
        yield from (evolve(case, window=window) for window in (1, 2) if window != case.window)
    if not case.ordered:
        yield evolve(case, ordered=True)
    for rows in (case.rows // 2, case.rows * 3 // 4, case.rows - 10, case.rows - 1):
        if 0 < rows < case.rows:
            yield evolve(case, rows=rows)


# ---- many listings


@frozen
class Line:
    """A line of the table. effort: requests beside a serial reader. counts: of listings, by column; whole: those that
    lost no row. lost: rows. cases: those with a fault.
    """

    name: str
    listings: int
    effort: float
    counts: Counter[str]
    lost: int
    cases: tuple[tuple[Case, Verdict], ...] = ()

    def __str__(self) -> str:
        counts = "".join(f"{self.counts[column] or '-':>10}" for column in COLUMNS)
        return f"{self.name:<36}{self.listings:>9}{self.effort:>10.2f}{counts}{self.lost:>11,}"


def measure(name: str, seeds: range) -> Line:
    """Read listings of a class, one a seed."""
    cases = [draw_case(name, seed) for seed in seeds]
    verdicts = [judge(SCENES[name], case) for case in cases]
    counts = Counter(column for verdict in verdicts for column in verdict.counts)
    counts["whole"] = sum(not verdict.lost for verdict in verdicts)
    faulty = [both for both in zip(cases, verdicts, strict=True) if both[1].counts & {*FAULTS}]
    effort = sum(verdict.requests / verdict.serial for verdict in verdicts) / len(cases)
    return Line(name, len(cases), effort, counts, sum(verdict.lost for verdict in verdicts), tuple(faulty))


def summed(lines: list[Line]) -> Line:
    """Return the last line of the table."""
    listings = sum(line.listings for line in lines)
    effort = sum(line.effort * line.listings for line in lines) / listings
    counts = sum((line.counts for line in lines), Counter[str]())
    return Line("all", listings, effort, counts, sum(line.lost for line in lines))


def main(arguments: list[str]) -> int:
    """Print the table; the exit status says whether a row was lost silently or came twice, or a listing was endless."""
    parser = argparse.ArgumentParser(prog="scripts/bench adversary", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, metavar="N", help="listings of each class (default: 40, with --quick 6)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first seed (default: %(default)s)")
    parser.add_argument("--class", dest="names", action="append", choices=SCENES, metavar="NAME", help="only this one")
    parser.add_argument("--quick", action="store_true", help="few listings")
    parser.add_argument("--cases", action="store_true", help="show the smallest case of each fault in each class")
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + (options.seeds or (6 if options.quick else 40)))
    names = options.names or [*SCENES]
    began, lines = time.perf_counter(), list[Line]()
    print(f"{'class':<36}{'listings':>9}{'requests':>10}" + "".join(f"{name:>10}" for name in COLUMNS) + "  rows lost")
    for line in _measured(names, seeds):
        lines.append(line)
        print(line, flush=True)
    print(summed(lines), f"{time.perf_counter() - began:.0f} s", sep="\n")
    if options.cases:
        for line in lines:
            _show_cases(line)
    return int(any(line.counts.keys() & {"silent", "twice", "endless"} for line in lines))


def _measured(names: list[str], seeds: range) -> Iterator[Line]:
    if len(names) == 1:
        yield measure(names[0], seeds)
        return
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        yield from pool.map(measure, names, [seeds] * len(names))


def _show_cases(line: Line) -> None:
    for fault in FAULTS:
        faulty = [case for case, verdict in line.cases if fault in verdict.counts]
        if faulty:
            case, verdict = shrink(SCENES[line.name], min(faulty, key=lambda case: case.rows), fault)
            print(f"\n{line.name}: {fault}\n  {case}\n  {verdict.lost} rows lost, {verdict.requests} requests")
            print(f"  {verdict.words}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
