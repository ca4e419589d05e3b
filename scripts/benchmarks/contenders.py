"""The contenders, each in its own process: ``python -m benchmarks.contenders NAME`` reads jobs from its input.

A job is a line of JSON, and so is its result. ``stock`` needs the folder of the generated client on the path.
"""

import asyncio
import gc
import importlib
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol

SIZE = 100  # rows in a page


class Contender(Protocol):
    """One way to read a list of customers. ``api`` is the part of the server's path that it can read."""

    api: str

    async def listing(self, url: str, pages: int, window: int) -> int:
        """Read every field of all rows; return the number of rows."""
        ...


class Ours:
    api = "kintsugi"

    def __init__(self, api: str = "kintsugi", **options: Any) -> None:
        self.api = api
        self.client: Any
        if api == "sweetspot":
            module = importlib.import_module("readahead.sweetspot")
            self.client = partial(module.SweetSpot, token="sk_benchmark", **options)  # noqa: S106  made up
        else:
            module = importlib.import_module("readahead.kintsugi")
            options |= {"api_key": "k" * 10, "organization_id": "org_bench", "pace": None}
            self.client = partial(module.Kintsugi, **options)
        self.read = reader([name for name, _ in module.Customer.FIELDS.values()])

    async def listing(self, url: str, pages: int, window: int) -> int:  # noqa: ARG002  the server says how many
        async with self.client(base_url=url) as client:
            return await self.read_all(client.customers, window)

    async def read_all(self, query: Any, window: int) -> int:
        read, count = self.read, 0
        async with query.prefetch(window=window or "auto") as customers:
            async for customer in customers:
                read(customer)
                count += 1
        return count

    async def first(self, url: str, open_tries: int) -> list[float]:
        """Return the seconds to the first row, with a new client and then with an open one, ``open_tries`` times."""
        began = time.perf_counter()
        async with self.client(base_url=url) as client:
            found = [await self.until_first(client, began)]
            for _ in range(open_tries):
                found.append(await self.until_first(client, time.perf_counter()))
                await asyncio.sleep(0.005)
        return found

    async def until_first(self, client: Any, began: float) -> float:
        async with client.customers.prefetch(window=64) as customers:
            self.read(await anext(customers))
            return time.perf_counter() - began


class Official:
    """``kintsugi-tax-platform-sdk``. It refuses a page with a value that its document does not list."""

    api = "listed"

    def __init__(self) -> None:
        sdk, models = (importlib.import_module(f"kintsugi_tax_platform_sdk{name}") for name in ("", ".models"))
        self.client = partial(sdk.SDK, api_key_header="k" * 10)
        self.read = reader(list(models.CustomerRead.model_fields))

    def read_page(self, page: Any) -> int:
        for row in page.items:
            self.read(row)
        return len(page.items)


class Serial(Official):
    """As shipped: it has no pagination, so pages are read one by one."""

    async def listing(self, url: str, pages: int, window: int) -> int:  # noqa: ARG002  it has none
        with self.client(server_url=url) as client:
            # Its synchronous method, which is its fastest.
            return sum(
                self.read_page(client.customers.list(x_organization_id="org_bench", page=page, size=SIZE))
                for page in range(1, pages + 1)
            )


class Gathered(Official):
    """Gathered by hand: ``window`` calls at once."""

    async def listing(self, url: str, pages: int, window: int) -> int:
        async with self.client(server_url=url) as client:

            async def fetch(page: int) -> int:
                found = await client.customers.list_async(x_organization_id="org_bench", page=page, size=SIZE)
                return self.read_page(found)

            return await gathered(fetch, pages, window)


class Stock:
    """The client that the generator's own templates make of our document, over plain httpx, gathered by hand."""

    api = "kintsugi"

    def __init__(self) -> None:
        self.client = importlib.import_module("stock_kintsugi").AuthenticatedClient
        self.list = importlib.import_module("stock_kintsugi.api.customers.get_customers_v1").asyncio
        row = importlib.import_module("stock_kintsugi.models").CustomerRead
        self.read = reader([name for name in row.__slots__ if name != "__weakref__"])

    async def listing(self, url: str, pages: int, window: int) -> int:
        async with self.client(url, token="k" * 10, auth_header_name="X-API-KEY", prefix="") as client:

            async def fetch(page: int) -> int:
                found = await self.list(client=client, page=page, size=SIZE, x_organization_id="org_bench")
                for row in found.items:
                    self.read(row)
                return len(found.items)

            return await gathered(fetch, pages, window)


class Floor:
    """Bare requests and orjson, over one HTTP library."""

    api = "kintsugi"

    def __init__(self, library: str) -> None:
        self.floor = importlib.import_module(f"benchmarks.floor_{library}").floor
        self.session = {"httpx": httpx_session, "aiohttp": aiohttp_session}[library]

    async def listing(self, url: str, pages: int, window: int) -> int:
        return int(await self.floor(f"{url}/v1/customers", pages, window))

    async def first(self, url: str, open_tries: int) -> list[float]:
        """Return the seconds to the first row, as ``Ours.first`` does."""
        import orjson  # noqa: PLC0415  each process imports its own contender

        began, found = time.perf_counter(), []
        async with self.session() as fetch:
            for _ in range(1 + open_tries):
                assert orjson.loads(await fetch(f"{url}/v1/customers?page=1&size={SIZE}"))["items"][0]
                found.append(time.perf_counter() - began)
                await asyncio.sleep(0.005)
                began = time.perf_counter()
        return found


@asynccontextmanager
async def httpx_session() -> AsyncGenerator[Callable[[str], Awaitable[bytes]]]:
    """Fetches by httpx."""
    import httpx  # noqa: PLC0415

    async with httpx.AsyncClient(verify=False) as client:  # noqa: S501  no TLS here, nor its set-up

        async def fetch(url: str) -> bytes:
            return (await client.get(url)).content

        yield fetch


@asynccontextmanager
async def aiohttp_session() -> AsyncGenerator[Callable[[str], Awaitable[bytes]]]:
    """Fetches by aiohttp."""
    import aiohttp  # noqa: PLC0415

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def fetch(url: str) -> bytes:
            async with session.get(url) as response:
                return await response.read()

        yield fetch


CONTENDERS: dict[str, Callable[[], Contender]] = {
    "ours": Ours,
    "ours, aiohttp": partial(Ours, http="aiohttp"),
    "ours, Sweet Spot": partial(Ours, "sweetspot"),
    "official": Serial,
    "official, gathered": Gathered,
    "stock, gathered": Stock,
    "floor": partial(Floor, "httpx"),
    "floor, aiohttp": partial(Floor, "aiohttp"),
}


def reader(fields: list[str]) -> Callable[[Any], object]:
    """Return a function that reads every field of a row."""
    return attrgetter(*fields)


async def gathered(fetch: Callable[[int], Awaitable[int]], pages: int, window: int) -> int:
    """Fetch every page, ``window`` at once; return the number of rows."""
    rows, todo = 0, iter(range(1, pages + 1))

    async def ask() -> None:
        nonlocal rows
        for page in todo:
            found = await fetch(page)
            rows += found

    await asyncio.gather(*(ask() for _ in range(window)))
    return rows


# ---- jobs


def listing(contender: Contender, url: str, pages: int, window: int) -> dict[str, Any]:
    """Read the whole list; return wall and CPU seconds, opening and closing the client included."""
    gc.collect()
    began, cpu = time.perf_counter(), time.process_time()
    rows = asyncio.run(contender.listing(url, pages, window))
    took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    assert rows == pages * SIZE, f"read {rows} rows of {pages * SIZE}"
    return took


def peak(contender: Contender, url: str, pages: int, window: int, times: int) -> dict[str, Any]:
    """Return the mean CPU seconds of several listings after a first one, and the peak memory of this process, MB."""
    asyncio.run(contender.listing(url.replace(f"/{pages * SIZE}-", "/1000-"), 10, window))
    cpu = time.process_time()
    for _ in range(times):
        rows = asyncio.run(contender.listing(url, pages, window))
        assert rows == pages * SIZE, f"read {rows} rows of {pages * SIZE}"
    return {"cpu": (time.process_time() - cpu) / times, "memory": most_memory()}


def copying(contender: Contender, url: str, pages: int, to: str) -> dict[str, Any]:
    """Return wall and CPU seconds of a copy, and the peak memory of this process, MB. ``to``: a path or a URL."""
    assert isinstance(contender, Ours)
    module = importlib.import_module("readahead.export")

    async def copy(to: str) -> int:
        async with contender.client(base_url=url) as client:
            copied = await module.export(client.customers, to)
        assert copied.complete, copied.why
        rows: int = copied.rows
        return rows

    gc.collect()
    with tempfile.TemporaryDirectory() as folder:
        to = to if "://" in to else str(Path(folder) / to)
        began, cpu = time.perf_counter(), time.process_time()
        rows = asyncio.run(copy(to))
        took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu, "memory": most_memory()}
    assert rows == pages * SIZE, f"copied {rows} rows of {pages * SIZE}"
    return took


def most_memory() -> float:
    """Return the peak resident size, MB."""
    try:  # getrusage would count what the parent process held when this one was started
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except OSError:
        import resource  # noqa: PLC0415  not on every system

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def first(contender: Contender, url: str, tries: int) -> dict[str, Any]:
    """Return the median seconds to the first row, with a new client and with an open one."""
    assert isinstance(contender, Ours | Floor)
    gc.collect()
    new = [asyncio.run(contender.first(url, 0))[0] for _ in range(tries)]
    opened = asyncio.run(contender.first(url, tries))[1:]
    return {"new": statistics.median(new), "open": statistics.median(opened)}


def late(contender: Contender, url: str, pages: int, window: int) -> dict[str, Any]:
    """Return the delay of a 1 ms timer while a list is read: its 99.9th percentile and its maximum, in seconds."""
    gc.collect()
    found: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def beat(due: float) -> None:
            now = loop.time()
            found.append(now - due)
            if not done:
                loop.call_later(0.001, beat, now + 0.001)

        done = False
        beat(loop.time())
        await contender.listing(url, pages, window)
        done = True

    asyncio.run(main())
    found.sort()
    return {"late": found[int(len(found) * 0.999)], "most": found[-1], "beats": len(found)}


def longest(contender: Contender, url: str, pages: int, window: int) -> dict[str, Any]:
    """Return the longest callbacks of the event loop while a list is read, in milliseconds of CPU, by name."""
    gc.collect()
    found: dict[str, float] = {}
    over: Counter[str] = Counter()
    handle: Any = asyncio.Handle
    plain = handle._run  # noqa: SLF001  where every callback is run

    def run(self: Any) -> None:
        called = self._callback
        began = time.thread_time()
        plain(self)
        took = (time.thread_time() - began) * 1000
        if took > 1:
            owner = getattr(called, "__self__", None)
            name = getattr(called, "__qualname__", repr(called))
            if isinstance(owner, asyncio.Task):
                name = f"task {getattr(owner.get_coro(), '__qualname__', '?')}"
            found[name] = max(took, found.get(name, 0))
            over[name] += took > 2

    handle._run = run  # noqa: SLF001
    try:
        asyncio.run(contender.listing(url, pages, window))
    finally:
        handle._run = plain  # noqa: SLF001
    return {"longest": found, "over": over}


def small(contender: Contender, url: str, times: int) -> dict[str, Any]:
    """Return the CPU seconds of a list of one page, for each way to read it."""
    assert isinstance(contender, Ours)
    ours = contender

    async def by_hand(query: Any) -> None:
        for row in await query.first_page():
            ours.read(row)

    async def ahead(window: int, query: Any) -> None:
        await ours.read_all(query, window)

    async def main() -> dict[str, float]:
        found = {}
        async with ours.client(base_url=url) as client:
            await by_hand(client.customers)
            ways: dict[str, Callable[[Any], Awaitable[None]]] = {
                "serial": by_hand,
                "1": partial(ahead, 1),
                "64": partial(ahead, 64),
                "auto": partial(ahead, 0),
            }
            for name, way in ways.items():
                gc.collect()
                cpu = time.process_time()
                for _ in range(times):
                    await way(client.customers)
                found[name] = (time.process_time() - cpu) / times
        return found

    gc.collect()
    return asyncio.run(main())


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    job.__name__: job for job in (listing, peak, copying, first, late, longest, small)
}


def main() -> None:
    contender = CONTENDERS[sys.argv[1]]()
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(JOBS[job.pop("do")](contender, **job)), flush=True)


if __name__ == "__main__":
    main()
