"""The benches. Each measures with a rig and returns lines, some with a goal.

Pacing is off throughout: the client is measured, not the budget of an API.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from operator import attrgetter, itemgetter
from typing import Any

import orjson

from . import decode as decoding
from .rig import SIZE, Result, Rig, child_environment, per

LISTED = (
    "The official SDK refuses a page with a value that its document does not list. It reads the same rows with listed "
    "values; the others read 1% unknown fields and values."
)
PACE = "Pacing is off. The server is a separate process, on loopback."
OVERLAP = (
    "Ours asks for {:.2f} pages where the floor asks for one, because neighbours overlap so that no row is lost; "
    '"a request" divides by that.'
)
GATHERED = ("official, gathered", "stock, gathered")
# For each HTTP library our client and the floor: the same window of bare requests over it, with orjson.
LANES = {"httpx": ("ours", "floor"), "aiohttp": ("ours, aiohttp", "floor, aiohttp")}
NAMES = (*LANES["httpx"], *LANES["aiohttp"], *GATHERED)


def column(name: str, found: list[dict[str, float]]) -> list[float]:
    """Return one figure of every round."""
    return [one[name] for one in found]


def listing(rig: Rig) -> Result:
    """Measure wall time, as a user sees it."""
    sizes, latency, window = rig.sizes, 0.05, rig.sizes.shared[-1]
    result = Result("listing", f"{sizes.pages:,} pages of 100, 50 ms latency, wall time")
    before = rig.spent()
    plot: dict[str, list[tuple[int, float]]] = {name: [] for name in NAMES}
    for name in NAMES:
        rig.listing(name, min(sizes.pages, 64), window, latency)
    for each in sizes.windows:  # side by side at every window: the plot, and each one's own best
        for name in NAMES:
            many = min(sizes.slow_pages if name in GATHERED else sizes.pages, max(20, 12 * each))
            if many >= each:
                plot[name].append((each, many / rig.listing(name, many, each, latency)["wall"]))
    best = {name: max(points, key=itemgetter(1))[0] for name, points in plot.items()}
    chosen = {(name, each) for name in LANES["httpx"] for each in sizes.shared}
    chosen |= {(name, window) for name in NAMES} | {(name, best[name]) for name in NAMES} | {("official", 1)}

    def pages_of(name: str, each: int) -> int:
        if name in GATHERED:
            return sizes.gathered_pages if each == window else sizes.slow_pages
        return sizes.serial_pages if name == "official" else min(sizes.pages, max(20, 24 * each))

    runs = {
        f"{name} {each}": partial(rig.listing, name, pages_of(name, each), each, latency)
        for name, each in sorted(chosen)
    }
    seconds = {
        run: [took * sizes.pages / runs[run].args[1] for took in column("wall", figures)]
        for run, figures in rig.paired(runs).items()
    }
    spent = rig.spent()

    theirs = {"as shipped": seconds["official 1"], "gathered by hand": seconds[f"official, gathered {window}"]}
    asked = {"httpx": {"gathered by hand": 3.0}, "aiohttp": {"as shipped": 45.0, "gathered by hand": 8.0}}
    notes: list[str] = []
    for library, (ours, floor) in LANES.items():
        said = f"{library}, window {window}: times"
        mine, more = seconds[f"{ours} {window}"], _requests_a_page(rig, ours, sizes.pages, window, latency)
        for each in sizes.shared if library == "httpx" else [window]:
            ratio = per(seconds[f"{ours} {each}"], seconds[f"{floor} {each}"])
            most = 1.5 if library == "httpx" else 1.25
            result.line(f"{library}, window {each}: times the floor's time", ratio, asked=most, most=True)
        bare = per(mine, seconds[f"{floor} {window}"])
        result.line(f"{said} the floor's time, a request", [one / more for one in bare])
        for how, took in theirs.items():
            goal = asked[library].get(how)
            result.line(f"{said} as fast as the official SDK, {how}", per(took, mine), asked=goal, digits=1)
        result.line(f"{said} as fast as the stock client, gathered", per(seconds[f"stock, gathered {window}"], mine))
        own = seconds[f"{ours} {best[ours]}"]
        said = f"{library}, each at its own best window, ours at {best[ours]}: times"
        result.line(f"{said} the floor's time at {best[floor]}", per(own, seconds[f"{floor} {best[floor]}"]))
        for name in GATHERED:
            which = f"{name.split(',')[0]} at {best[name]}"
            result.line(f"{said} as fast as {which}", per(seconds[f"{name} {best[name]}"], own))
        notes.append(f"{library}: {OVERLAP.format(more)}")
    for name, took in seconds.items():
        result.line(f"seconds: {name}", took, unit="s")
    plot["official"] = [(1, sizes.pages / statistics.median(seconds["official 1"]))]
    result.data = {"plot": plot, "best": best, "latency": latency}
    busy = (spent["cpu"] - before["cpu"]) / max(1, spent["requests"] - before["requests"])
    result.notes = [
        PACE,
        LISTED,
        f"All is scaled to {sizes.pages:,} pages. The official SDK as shipped is measured on {sizes.serial_pages}.",
        f"Gathered, it and the stock client are measured on {sizes.gathered_pages}; at their best, {sizes.slow_pages}.",
        f"The others are measured on 24 pages for each of the window, at most {sizes.pages:,}.",
        "The best window is that of one shorter run at each.",
        *notes,
        f"The server took {busy * 1000:.2f} ms of its own CPU a request.",
    ]
    return result


def cpu(rig: Rig) -> Result:
    """Measure CPU time where nothing else takes time."""
    sizes, window = rig.sizes, rig.sizes.shared[len(rig.sizes.shared) // 2]
    result = Result("cpu", "CPU a page of 100 rows, no latency, rows delivered as objects")
    chosen = [(name, each) for name in LANES["httpx"] for each in sizes.shared]
    chosen += [(name, window) for name in NAMES if name not in LANES["httpx"]] + [("official", 1)]

    def milliseconds(name: str, each: int) -> float:
        pages = sizes.serial_pages if name in (*GATHERED, "official") else sizes.cpu_pages
        return rig.listing(name, pages, each, 0)["cpu"] / pages * 1000

    for name, each in chosen:
        rig.listing(name, 2, each, 0)  # imports and compilation on first use are no part of a page's cost
    took = rig.paired({f"{name} {each}": partial(milliseconds, name, each) for name, each in chosen})
    notes: list[str] = []
    for library, (ours, floor) in LANES.items():
        said = f"{library}, window {window}: times"
        mine, more = took[f"{ours} {window}"], _requests_a_page(rig, ours, sizes.cpu_pages, window, 0)
        for each in sizes.shared if library == "httpx" else [window]:
            ratio = per(took[f"{ours} {each}"], took[f"{floor} {each}"])
            most = 1.5 if library == "httpx" else 2.0
            result.line(f"{library}, window {each}: times the floor's", ratio, asked=most, most=True)
        bare = per(mine, took[f"{floor} {window}"])
        result.line(f"{said} the floor's, a request", [one / more for one in bare])
        gathered = per(mine, took[f"official, gathered {window}"])
        most = 1 / 3 if library == "httpx" else 0.125
        how = {"most": True, "unit": "", "digits": 3}
        result.line(f"{said} the official SDK's, gathered by hand", gathered, asked=most, **how)
        result.line(f"{said} the official SDK's, as shipped", per(mine, took["official 1"]), unit="", digits=3)
        result.line(f"{said} the stock client's", per(mine, took[f"stock, gathered {window}"]), unit="", digits=3)
        notes.append(f"{library}: {OVERLAP.format(more)}")
    for name, figures in took.items():
        result.line(f"ms a page: {name}", figures, unit="ms")
    result.notes = [
        PACE,
        LISTED,
        f"{sizes.cpu_pages} pages a round; the official SDK and the stock client {sizes.serial_pages}.",
        *notes,
    ]
    return result


def _requests_a_page(rig: Rig, name: str, pages: int, window: int, latency: float) -> float:
    before = rig.spent()["requests"]
    rig.listing(name, pages, window, latency)
    return (rig.spent()["requests"] - before) / pages


def decode(rig: Rig) -> Result:
    """Measure the way from bytes to rows; ``python -m benchmarks.decode`` shows more."""
    rounds, pages = max(rig.sizes.rounds, 5), 40 if rig.sizes.rounds >= 5 else 2
    result = Result("decode", "from bytes to rows, JSON included, against orjson.loads alone")
    cases = {case: [make(number) for number in range(SIZE)] for case, (_, make) in decoding.CASES.items()}
    stock = decoding.stock_classes(rig.stock())
    for case, rows in cases.items():
        api = decoding.CASES[case][0]
        taken = decoding.measure(orjson.dumps(rows), decoding.decoders(api, stock[api]), rounds, pages)
        result.line(f"{case}: times orjson.loads", decoding.ratios(taken, "ours"), asked=2.0, most=True)
        result.line(f"{case}: stock, times orjson.loads", decoding.ratios(taken, "stock"))
    for api in ("kintsugi", "sweetspot"):  # what the other benches serve
        body = _page(rig, api)
        for every in (False, True):
            compared = {"orjson.loads": orjson.loads, "ours": _reading(api, every=every)}
            taken = decoding.measure(body, compared, rounds, pages)
            said = ", every field read" if every else ""
            times = decoding.ratios(taken, "ours")
            asked = 2.0 if every else None
            result.line(f"{api}, mixed nulls, 1% unknown{said}: times orjson.loads", times, asked=asked, most=True)
    result.notes = ["The collector is off. The stock client decodes with json.loads, as it is generated."]
    return result


def _page(rig: Rig, api: str) -> bytes:
    import urllib.request  # noqa: PLC0415  what imports are measured stays small

    where = "page=1&size=100" if api == "kintsugi" else "offset=0&limit=100"
    url = f"{rig.base(api, SIZE, 0)}/v1/customers?{where}"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as answer:
        found = json.loads(answer.read())
    return orjson.dumps(found["items"] if api == "kintsugi" else found)


def _reading(api: str, *, every: bool) -> decoding.Decoder:
    row = decoding.OURS[api]
    make, read = row.from_dict, attrgetter(*(name for name, _ in row.FIELDS.values()))
    if not every:
        return lambda body: [make(one) for one in orjson.loads(body)]

    def decoder(body: bytes) -> list[Any]:
        rows = [make(one) for one in orjson.loads(body)]
        for one in rows:
            read(one)
        return rows

    return decoder


def first(rig: Rig) -> Result:
    """Measure how long a user waits for the first row."""
    result = Result("first", "time to the first row, against one bare request by the same library")
    for (library, (ours, floor)), latency in product(LANES.items(), (0.05, 0.0)):
        runs = {name: partial(_first, rig, name, latency) for name in (ours, floor)}
        for run in runs.values():
            run()
        found = rig.paired(runs)
        for state, said in (("open", "an open client"), ("new", "a new client and connection")):
            mine, floors = column(state, found[ours]), column(state, found[floor])
            where = f"{library}, {latency * 1000:.0f} ms latency" if latency else f"{library}, no latency"
            asked = 1.15 if latency and library == "aiohttp" else None
            result.line(f"{where}, {said}: times one bare request", per(mine, floors), asked=asked, most=True)
            result.line(f"{where}, {said}: ours", [1000 * one for one in mine], unit="ms")
    result.notes = [
        "Window 64. A row in hand, every field read, of a page of 100. What is imported is imported before.",
        f"A round is the median of {rig.sizes.tries} tries.",
    ]
    return result


def _first(rig: Rig, name: str, latency: float) -> dict[str, float]:
    url = rig.base("kintsugi", 10 * SIZE, latency)
    return rig.worker(name).do("first", url=url, tries=rig.sizes.tries)


def _long_lists(rig: Rig) -> dict[str, list[dict[str, float]]]:
    """Lists of 10,000 and of 1,000,000 rows, each in a process of its own; measured once for two benches."""
    if "long" not in rig.kept:
        runs = {
            f"{name} {pages}": partial(_long, rig, name, pages)
            for name in ("ours", "ours, Sweet Spot")
            for pages in (rig.sizes.few, rig.sizes.many)
        }
        rig.kept["long"] = rig.paired(runs)
    found: dict[str, list[dict[str, float]]] = rig.kept["long"]
    return found


def _long(rig: Rig, name: str, pages: int) -> dict[str, float]:
    worker = rig.fresh(name)
    url = rig.base("sweetspot" if "Sweet" in name else "kintsugi", pages * SIZE, 0)
    times = 5 if pages == rig.sizes.few else 1
    try:
        return worker.do("peak", url=url, pages=pages, window=8, times=times)
    finally:
        worker.close()


LONG = "Window 8, no latency, each list in a process of its own, after a list of 1,000 rows."


def memory(rig: Rig) -> Result:
    """Measure the memory that a long list needs beyond a short one."""
    few, many = rig.sizes.few, rig.sizes.many
    result = Result("memory", f"peak resident size of {many * SIZE:,} rows, beside that of {few * SIZE:,}, window 8")
    found = _long_lists(rig)
    for name, said in (("ours", "Kintsugi"), ("ours, Sweet Spot", "Sweet Spot")):
        short, long = column("memory", found[f"{name} {few}"]), column("memory", found[f"{name} {many}"])
        more = [b - a for a, b in zip(short, long, strict=True)]
        result.line(f"{said}: more", more, asked=20, most=True, unit="MB", digits=1)
        result.line(f"{said}: times", per(long, short))
        result.line(f"{said}: peak of {many * SIZE:,} rows", long, unit="MB", digits=1)
    result.notes = [PACE, LONG]
    return result


def scale(rig: Rig) -> Result:
    """Measure whether a row costs the same in lists of any length."""
    few, many = rig.sizes.few, rig.sizes.many
    result = Result("scale", f"CPU a row of {many * SIZE:,} rows, against {few * SIZE:,}")
    found = _long_lists(rig)
    for name, said in (("ours", "Kintsugi"), ("ours, Sweet Spot", "Sweet Spot")):
        short = [took / few / SIZE * 1e6 for took in column("cpu", found[f"{name} {few}"])]
        long = [took / many / SIZE * 1e6 for took in column("cpu", found[f"{name} {many}"])]
        result.line(f"{said}: times", per(long, short), asked=1.1, most=True)
        result.line(f"{said}: µs a row of {many * SIZE:,}", long, unit="µs")
    result.notes = [PACE, LONG, "Of the short list, the mean of five listings."]
    return result


IMPORT = "import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
OURS_FIRST = """
import sys, time
began = time.perf_counter()
import asyncio
from readahead.kintsugi import Kintsugi
async def main():
    async with Kintsugi(api_key="k" * 10, organization_id="o", base_url=sys.argv[1], pace=None) as kintsugi:
        async with kintsugi.customers.prefetch() as customers:
            await anext(customers)
            print(time.perf_counter() - began)
asyncio.run(main())
"""
OFFICIAL_FIRST = """
import sys, time
began = time.perf_counter()
from kintsugi_tax_platform_sdk import SDK
with SDK(api_key_header="k" * 10, server_url=sys.argv[1]) as sdk:
    sdk.customers.list(x_organization_id="o", size=100).items[0]
    print(time.perf_counter() - began)
"""


def importing(rig: Rig) -> Result:
    """Measure the start of a short-lived process."""
    rounds = rig.sizes.rounds + 2 * (rig.sizes.rounds >= 5)
    result = Result("import", "what it takes before the first row")
    took = partial(_seconds, tries=min(2, rig.sizes.tries))
    runs = {
        "ours": partial(took, IMPORT.format(module="readahead.kintsugi")),
        "httpx": partial(took, IMPORT.format(module="httpx")),
        "ours first": partial(took, OURS_FIRST, rig.base("kintsugi", 10 * SIZE, 0)),
        "official first": partial(took, OFFICIAL_FIRST, rig.base("listed", 10 * SIZE, 0)),
    }
    found = rig.paired(runs, rounds)
    times = "times `import httpx`"
    result.line(f"`import readahead.kintsugi`: {times}", per(found["ours"], found["httpx"]), asked=1.5, most=True)
    both = per(found["ours first"], found["official first"])
    result.line("import, open and first row: times the official SDK's", both, asked=0.5, most=True, unit="")
    for name, seconds in found.items():
        said = "import, open and first row" if name.endswith("first") else "import"
        result.line(f"{said}: {name.split()[0]}", [1000 * one for one in seconds], unit="ms", digits=0)
    result.notes = ["Each in a new process, compiled before; the quicker of two in a round. No latency."]
    return result


def _seconds(program: str, *arguments: str, tries: int) -> float:
    command = [sys.executable, "-P", "-c", program, *arguments]
    environment = child_environment()
    del environment["PYTHONPATH"]
    return min(
        float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
        for _ in range(tries)
    )


def loop(rig: Rig) -> Result:
    """Measure how long a listing blocks the event loop for the rest of a service."""
    sizes, latency, window = rig.sizes, 0.05, 64
    result = Result("loop", f"stall of the event loop while listing over aiohttp, window {window}, 50 ms latency")
    ours, floor = LANES["aiohttp"]
    pages = 2 * sizes.pages

    def run(name: str, job: str) -> dict[str, Any]:
        url = rig.base("kintsugi", pages * SIZE, latency)
        return rig.worker(name).do(job, url=url, pages=pages, window=window)

    for name in (ours, floor):
        rig.listing(name, min(pages, 200), window, latency)
    found = rig.paired({name: partial(run, name, "late") for name in (ours, floor)})
    late = {name: [1000 * one["late"] for one in figures] for name, figures in found.items()}
    result.line("p99.9 of how late a timer was: times the floor's", per(late[ours], late[floor]), asked=2, most=True)
    for name, milliseconds in late.items():
        result.line(f"p99.9: {name}", milliseconds, unit="ms")
        result.line(f"most: {name}", [1000 * one["most"] for one in found[name]], unit="ms")
    callbacks = rig.paired({name: partial(run, name, "longest") for name in (ours, floor)})
    for name, asked in ((ours, 2.0), (floor, None)):
        longest = [max(one["longest"].values(), default=1.0) for one in callbacks[name]]
        result.line(f"longest callback, CPU: {name}", longest, asked=asked, most=True, unit="ms")
        result.data[name] = callbacks[name]
    over = [sum(one["over"].values()) for one in callbacks[ours]]
    result.line(f"callbacks over 2 ms: {ours}", over, asked=0, most=True, unit="", digits=0)
    worst: dict[str, float] = {}
    for one in callbacks[ours]:
        for name, took in one["longest"].items():
            worst[name] = max(took, worst.get(name, 0))
    named = ", ".join(f"{name} {took:.1f} ms" for name, took in sorted(worst.items(), key=lambda pair: -pair[1])[:4])
    result.notes = [
        PACE,
        f"{pages:,} pages a round. A timer of 1 ms runs beside the listing; it is late while the loop is busy.",
        f"Ours, over 1 ms: {named or 'none'}. The consumer's own work between rows counts as its task's.",
    ]
    return result


def auto(rig: Rig) -> Result:
    """Measure the automatic window against the best fixed one."""
    sizes = rig.sizes
    result = Result("auto", f'window="auto" against the best fixed window, {sizes.auto_pages:,} pages over aiohttp')
    for capacity in (2, 8, 32):
        # The same pages a second for each, and fewer than the client can take: the server is what is measured.
        latency = capacity / 800
        tried = {
            each: rig.listing("ours, aiohttp", min(sizes.auto_pages, 500), each, latency, capacity)["wall"]
            for each in dict.fromkeys(
                (capacity, capacity + max(1, capacity // 2), 2 * capacity, min(256, 4 * capacity))
            )
        }
        best = min(tried, key=lambda each: tried[each])
        runs = {
            name: partial(rig.listing, "ours, aiohttp", sizes.auto_pages, window, latency, capacity)
            for name, window in (("best", best), ("auto", 0))
        }
        found = rig.paired(runs)
        ratio = per(column("wall", found["best"]), column("wall", found["auto"]))
        said = f"capacity {capacity}: pages a second, times those of window {best}"
        result.line(said, ratio, asked=0.9)
        result.data[str(capacity)] = {"tried": tried, "best": best, "latency": latency}
    windows = "1, 1.5, 2 and 4 times the capacity"
    result.notes = [PACE, f"Each answer takes capacity / 800 s. The best fixed window is the best of {windows}."]
    return result


def small(rig: Rig) -> Result:
    """Measure lists of one page: most lists are short."""
    result = Result("small", "a list of one page, against the page asked for and read by hand")
    url, times = rig.base("kintsugi", SIZE, 0), rig.sizes.small
    found, asked = [], []
    rig.worker("ours").do("small", url=url, times=5)
    for _ in range(rig.sizes.rounds):
        before = rig.spent()["requests"]
        found.append(rig.worker("ours").do("small", url=url, times=times))
        asked.append((rig.spent()["requests"] - before - 1) / 4 / times)  # one to warm up, four ways
    serial = column("serial", found)
    for name, window in (("64", "window 64"), ("auto", 'window="auto"'), ("1", "window 1")):
        result.line(f"prefetch, {window}: times the CPU", per(column(name, found), serial), asked=1.3, most=True)
    result.line("CPU by hand, first_page()", [1000 * one for one in serial], unit="ms")
    result.line("requests a list, all ways: the server's count", asked, asked=1, most=True, unit="")
    result.notes = [PACE, f"An open client, 100 rows, every field read, {times} lists a round."]
    return result


def window(rig: Rig) -> Result:
    """Measure what a window gives, and what it costs."""
    result = Result("window", "what a window gives, by latency: pages a second, and CPU a page")
    sizes = rig.sizes
    windows, latencies = ((4, 8, 16, 64), (0.02, 0.05, 0.2)) if sizes.rounds >= 5 else ((4,), (0.02,))
    table: dict[str, dict[str, dict[str, float]]] = {}
    for latency in latencies:
        runs = {
            str(each or "auto"): partial(_rate, rig, each, latency, min(sizes.pages, 6 * (each or 64)))
            for each in (*windows, 0)
        }
        found = rig.paired(runs)
        told = table[f"{latency * 1000:.0f}"] = {}
        for each, took in found.items():
            rates, costs = column("rate", took), column("cpu", took)
            told[each] = {"rate": statistics.median(rates), "cpu": statistics.median(costs)}
            said = f"{latency * 1000:.0f} ms, window {each}: "
            result.line(f"{said}times one page at a time", [rate * latency for rate in rates], digits=1)
            result.line(f"{said}CPU a page", costs, unit="ms")
    result.data["table"] = table
    result.notes = [PACE, "Lists of six pages for each of the window, 384 for auto; the time includes its start."]
    return result


def _rate(rig: Rig, window: int, latency: float, pages: int) -> dict[str, float]:
    took = rig.listing("ours", pages, window, latency)
    return {"rate": pages / took["wall"], "cpu": took["cpu"] / pages * 1000}


def export(rig: Rig) -> Result:
    """Measure copies against reading alone, and the memory of a long one."""
    pages, few, many = rig.sizes.pages, rig.sizes.few, rig.sizes.many
    result = Result("export", f"rows per second of a copy, against reading {pages * SIZE:,} rows alone, no latency")
    url = rig.base("kintsugi", pages * SIZE, 0)
    kinds = {
        "NDJSON": "customers.ndjson",
        "NDJSON, gzip": "customers.ndjson.gz",
        "NDJSON, zstd": "customers.ndjson.zst",
        "CSV": "customers.csv",
        "Parquet": "customers.parquet",
        "SQLite": "customers.db",
    }
    if postgres := os.environ.get("READAHEAD_BENCH_POSTGRES"):
        kinds["PostgreSQL"] = postgres
    worker = rig.worker("ours")
    runs = {"reading": partial(worker.do, "listing", url=url, pages=pages, window=0)}
    runs |= {kind: partial(worker.do, "copying", url=url, pages=pages, to=to) for kind, to in kinds.items()}
    found = rig.paired(runs)
    for kind in kinds:
        asked = {"asked": 0.6} if kind in {"NDJSON", "SQLite"} else {}
        result.line(kind, per(column("wall", found["reading"]), column("wall", found[kind])), **asked)
        result.line(f"{kind}: CPU", per(column("cpu", found["reading"]), column("cpu", found[kind])))
    for kind in ("NDJSON", "Parquet"):
        long = rig.paired({str(size): partial(_copied, rig, size, kinds[kind]) for size in (few, many)}, rounds=1)
        short, peak = column("memory", long[str(few)]), column("memory", long[str(many)])
        more = [b - a for a, b in zip(short, peak, strict=True)]
        result.line(f"{kind}: more memory for {many * SIZE:,} rows than for {few * SIZE:,}", more, unit="MB", digits=1)
        result.line(f"{kind}: peak of {many * SIZE:,} rows", peak, unit="MB", digits=1)
    result.notes = [
        PACE,
        'Window "auto". Copies are written to the folder for temporary files, and are on the disk when they end.',
        "PostgreSQL is measured where READAHEAD_BENCH_POSTGRES is the URL of a database.",
        "Memory was measured once, each copy in a process of its own.",
    ]
    return result


def _copied(rig: Rig, pages: int, to: str) -> dict[str, float]:
    worker = rig.fresh("ours")
    try:
        return worker.do("copying", url=rig.base("kintsugi", pages * SIZE, 0), pages=pages, to=to)
    finally:
        worker.close()


BENCHES: dict[str, Callable[[Rig], Result]] = {
    "listing": listing,
    "cpu": cpu,
    "decode": decode,
    "first": first,
    "memory": memory,
    "scale": scale,
    "import": importing,
    "loop": loop,
    "auto": auto,
    "small": small,
    "window": window,
    "export": export,
}
