"""How listings end on real sockets: refused behind the last row, or failing near the end, every one of them ends.

The server says when all rows were served. What it does from then on is the scene of a test. A listing hands out every
row it was sent, ends with an error or without one, and needs no more requests than ``bound`` says. One that would go on
is cancelled at four times the bound, so that nothing hangs.
"""

import json
import math

import anyio
import httpx
import pytest
from anyio import lowlevel
from attrs import define, field
from servers import CUSTOMERS, GUARD, Served, answer

from readahead import Retry
from readahead.errors import ApiError, AuthenticationFailed, ReadaheadError, RequestError, ServerError
from readahead.kintsugi import Kintsugi
from readahead.pages import Report
from readahead.sweetspot import SweetSpot

pytestmark = pytest.mark.anyio

REFUSED = 0  # in the place of a status: nobody listens any more
RUIN = {401: AuthenticationFailed, 500: ServerError, REFUSED: RequestError}
RUINS = pytest.mark.parametrize("ruin", RUIN, ids=lambda status: str(status or "refused"))
APIS = pytest.mark.parametrize("api", ["kintsugi", "kintsugi, no total", "sweetspot"])
WINDOWS = pytest.mark.parametrize("window", [1, 8, "auto"])
DAY = "2024-01-01T00:00:00Z"


class Customers(Served):
    """Serves both APIs.

    Attributes:
        rows: Numbers of its rows, in their order.
        cap: The largest page. fixed: the size of every page, whatever is requested.
        past: The status behind the last row.
        reach: No position from there on is served; it answers 400.
        ruin: The status of everything after all rows were served.
        loses: How many of its last rows are deleted once all were served.
    """

    def __init__(self, rows, *, total, cap=100, fixed=None, past=None, reach=None, ruin=None, loses=0):
        super().__init__()
        self.rows, self.total, self.cap, self.fixed = list(range(rows)), total, cap, fixed
        self.past, self.reach, self.ruin, self.loses = past, reach, ruin, loses
        self._unserved = set(self.rows)

    async def handle(self, reader, writer, number):
        while True:
            seen = await self.request(reader, number)
            if self.ruin == REFUSED and not self._unserved:
                self.close()
                return
            status, body = self.serve({name: int(value) for name, [value] in seen.query.items()})
            writer.write(answer(json.dumps(body).encode(), f"{status} Status"))
            await writer.drain()

    def serve(self, params):
        """Return the status and the body for these paging parameters."""
        requested = params.get("size") or params["limit"]
        size = self.fixed or min(requested, self.cap)
        lo = (params["page"] - 1) * size if "page" in params else params["offset"]
        if self.ruin and not self._unserved:
            return self.ruin, {"detail": "no"}
        if self.reach is not None and lo + size > self.reach:
            return 400, {"detail": "Result window is too large"}
        if lo and lo >= len(self.rows) and self.past:
            return self.past, {"detail": "past the end"}
        rows, total = self.rows[lo : lo + size], len(self.rows) if self.total else None
        if self._unserved:
            self._unserved.difference_update(rows)
            if not self._unserved and self.loses:
                del self.rows[-self.loses :]
        if "page" in params:
            items = [{"id": f"c{row}", "organization_id": "o"} for row in rows]
            return 200, {"items": items, "size": size} | ({} if total is None else {"total": total})
        times = {"createdAt": DAY, "updatedAt": DAY, "creditStatus": "APPROVED", "userId": 1}
        return 200, [{"id": row, **times} for row in rows]


@define
class Ending:
    """How a listing ended. requests: attempts, as the HTTP library sent them."""

    rows: list[int] = field(factory=list)
    requests: int = 0
    endless: bool = False
    error: ReadaheadError | None = None
    report: Report = field(factory=Report)

    @property
    def complete(self):
        """Whether it says that it is complete."""
        return self.error is None and self.report.complete


def bound(rows, size, window):
    """Requests that a listing takes at most, apart from retries."""
    return math.ceil(1.15 * math.ceil(rows / size)) + (8 if window == "auto" else window) + 24


async def listed(server, api, window, *, most, size=100, attempts=2, patience=4):
    """Read the whole list with a real client that does not wait between attempts; ``patience * most`` are too many."""
    ending, scope = Ending(), anyio.CancelScope()

    async def count(_request):
        ending.requests += 1
        if ending.requests > patience * most:
            scope.cancel()
            await lowlevel.checkpoint()

    hooks = {"request": [count]}
    async with httpx.AsyncClient(event_hooks=hooks, timeout=GUARD, verify=False, trust_env=False) as http:
        options = {"base_url": server.url, "http_client": http, "retry": Retry(attempts=attempts, base=0)}
        if api == "sweetspot":
            client = SweetSpot(token="the-token", **options)
        else:
            client = Kintsugi(api_key="the-key", organization_id="org", pace=None, **options)
        with scope:
            try:
                async with client.customers.page_size(size).prefetch(window) as rows:
                    ending.report = rows.report
                    async for row in rows:
                        ending.rows.append(int(str(row.id).removeprefix("c")))
            except ReadaheadError as error:
                ending.error = error
        ending.endless = scope.cancelled_caught
    return ending


def ends(ending, most):
    """It came to an end, within its bound, and handed out nothing twice; an error says where to go on."""
    assert not ending.endless, f"{ending.requests} requests; {len(ending.rows)} rows were handed out"
    assert ending.report.requests - ending.report.retries <= most
    assert len(ending.rows) == len({*ending.rows})
    assert ending.error is None or ending.error.checkpoint is not None


# ---- failures


# Where a connection is refused while others are being opened and given up, anyio may leave a socket to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@APIS
@WINDOWS
@RUINS
@pytest.mark.parametrize("how", [{"rows": 237}, {"rows": 200}, {"rows": 187, "fixed": 20}], ids=str)
async def test_a_server_that_fails_near_the_end_ends_the_listing(how, ruin, window, api, anyio_backend):
    """Once all rows were served, each request fails: all are handed out, then the error, or it is complete as it is."""
    most = bound(how["rows"], how.get("fixed", 100), window)
    async with Customers(total=api == "kintsugi", ruin=ruin, **how) as server:
        ending = await listed(server, api, window, most=most)
    ends(ending, most)
    # Where pages have another size than requested, some of those in flight are requested again.
    again = "fixed" in how and ending.error is not None
    assert ending.rows == list(range(len(ending.rows) if again else how["rows"]))
    if ending.error is None:
        assert ending.complete or ending.report.drift == "unverifiable"
    else:
        assert isinstance(ending.error, RUIN[ruin])
        assert not ending.report.complete


@pytest.mark.parametrize(("api", "window"), [("kintsugi, no total", 8), ("sweetspot", 1)])
async def test_a_server_that_is_unavailable_near_the_end_ends_the_listing(window, api, anyio_backend):
    """503 without Retry-After: the client slows down to ten requests a second and less, so few must be enough."""
    most = bound(200, 100, window)
    async with Customers(200, total=False, ruin=503) as server:
        ending = await listed(server, api, window, most=most, attempts=1, patience=1)
    ends(ending, most)
    assert ending.rows == list(range(200))
    assert ending.complete if ending.error is None else isinstance(ending.error, ServerError)


@APIS
@WINDOWS
@RUINS
async def test_a_list_of_one_row_ends_where_nothing_more_is_answered(ruin, window, api, anyio_backend):
    """What would prove the end fails: the row is handed out, and the error follows unless the page was proof enough."""
    most = bound(1, 100, window)
    async with Customers(1, total=api == "kintsugi", ruin=ruin) as server:
        ending = await listed(server, api, window, most=most)
    ends(ending, most)
    assert ending.rows == [0]
    assert ending.complete if ending.error is None else isinstance(ending.error, RUIN[ruin])


# ---- refusals that say "no more"


@APIS
@WINDOWS
@pytest.mark.parametrize(("rows", "past"), [(100, 404), (180, 400), (180, 422), (237, 404), (100, 416)])
async def test_a_row_deleted_behind_the_last_page_is_no_error(rows, past, window, api, anyio_backend):
    """The position behind the last row, where the end is looked for, is past the end now, and refused."""
    most = bound(rows, 100, window)
    async with Customers(rows, total=api == "kintsugi", past=past, loses=1) as server:
        ending = await listed(server, api, window, most=most)
    ends(ending, most)
    assert ending.error is None
    assert {*ending.rows} >= {*range(rows - 1)}
    assert ending.complete


@APIS
@WINDOWS
@pytest.mark.parametrize("rows", [2, 95, 100])
@pytest.mark.parametrize(
    ("size", "past", "how"),
    [(10, 404, {}), (100, 400, {"fixed": 10}), (100, 404, {"cap": 11}), (25, 416, {}), (100, 422, {"cap": 50})],
    ids=["pages of 10", "always 10", "cap of 11", "pages of 25", "cap of 50"],
)
async def test_pages_that_are_refused_past_the_end_are_the_end(size, past, how, rows, window, api, anyio_backend):
    """A quiet list in pages of any size is read whole, and is complete."""
    most = bound(rows, min([size, *how.values()]), window)
    async with Customers(rows, total=api == "kintsugi", past=past, **how) as server:
        ending = await listed(server, api, window, most=most, size=size)
    ends(ending, most)
    assert ending.error is None
    assert ending.rows == list(range(rows))
    assert ending.complete


# ---- result windows

LONG = pytest.mark.parametrize(("api", "window"), [("sweetspot", 1), ("sweetspot", 8), ("kintsugi", "auto")])


@LONG
@pytest.mark.parametrize("rows", [9_940, 9_990])
async def test_a_list_within_the_result_window_is_read_whole(rows, window, api, anyio_backend):
    """No position from 10,000 on is served. What a serial reader gets, ours gets."""
    most = bound(rows, 100, window)
    async with Customers(rows, total=api == "kintsugi", reach=10_000) as server:
        ending = await listed(server, api, window, most=most)
    ends(ending, most)
    assert ending.error is None
    assert ending.rows == list(range(rows))
    assert ending.complete


@LONG
async def test_a_list_beyond_the_result_window_says_what_to_do(window, api, anyio_backend):
    """Every row that the server gives is handed out; then the error names partitions and filters as the way."""
    most = bound(10_000, 100, window)
    async with Customers(10_100, total=api == "kintsugi", reach=10_000) as server:
        ending = await listed(server, api, window, most=most)
    ends(ending, most)
    assert ending.rows == list(range(10_000))
    assert isinstance(ending.error, ApiError)
    assert "partition" in str(ending.error) or "filter" in str(ending.error)
    assert server.count("GET", CUSTOMERS) <= ending.requests  # the last ones may be cancelled on their way
