"""What a client logs: which events, at which level, and never a key, the value of a filter, or a row."""

import asyncio
import json
import logging
import subprocess
import sys
import textwrap

import anyio
import httpx
import pytest
from servers import Server, answer, drop, plain
from trio.testing import MockClock

from readahead import IgnoredFilterWarning, Retry
from readahead.errors import InvalidRequest, RateLimited, RetryDelayTooLong
from readahead.http.libraries import client_for_app
from readahead.kintsugi import Kintsugi, fields
from readahead.sandbox import Faults, Sandbox

KEY, ORGANIZATION = "planted-key-4711", "planted-organization"
FILTER, ROW, ID = "planted filter", "planted@row.example", "planted_id"
PLANTED = (KEY, ORGANIZATION, FILTER, "planted%20filter", "planted+filter", ROW, ID)
LIBRARIES = ("httpx", "httpcore", "aiohttp", "asyncio", "anyio", "trio", "readahead", "h11", "hpack")


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


@pytest.fixture
def records():
    """All records of all loggers, at every level."""
    kept, levels = [], {}

    class Keep(logging.Handler):
        def emit(self, record):
            kept.append(record)

    for name in (None, *LIBRARIES):
        logger = logging.getLogger(name)
        levels[logger] = logger.level
        logger.setLevel(logging.DEBUG)
    handler = Keep()
    logging.getLogger().addHandler(handler)
    yield kept
    logging.getLogger().removeHandler(handler)
    for logger, level in levels.items():
        logger.setLevel(level)


def events(records, *names):
    """Those of ours with one of these names, or all."""
    return [record for record in records if hasattr(record, "event") and (not names or record.event in names)]


def written(records):
    """All that a formatter could write of records."""
    formatter = logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s")
    return "\n".join(
        f"{formatter.format(record)} {record.msg!r} {record.args!r} {vars(record)!r}" for record in records
    )


def quoting(status, *headers):
    """An answer that quotes all that it was sent, in its body and in its headers."""

    def step(seen):
        words = " ".join((seen.target, *seen.headers.values(), *PLANTED))
        link = f"Link: <https://api.example{seen.target}>; rel=next"
        return answer(
            json.dumps({"detail": words}).encode(),
            status,
            [link, f"X-Key: {KEY}", f"X-Request-Id: req {KEY}", *headers],
        ), "keep"

    return step


def rows(seen):
    """One page with one customer."""
    page = {"items": [{"id": ID, "organization_id": "org", "email": ROW, "country": "CA"}], "total": 1, "size": 100}
    return answer(json.dumps(page).encode(), headers=["X-Request-Id: req_1"]), "keep"


# ---- what is never logged


@pytest.mark.anyio
async def test_no_record_of_any_logger_holds_a_key_a_filter_or_a_row(http, anyio_backend, records):
    """Every logger at DEBUG, asyncio in its debug mode: a listing, retries, a refusal that quotes all, a create."""
    if anyio_backend == "asyncio":
        asyncio.get_running_loop().set_debug(True)
    script = [quoting("429 Too Many Requests", "Retry-After: 0"), drop, rows, quoting("422 Unprocessable Content")]
    script += [quoting("404 Not Found"), quoting("500 Internal Server Error"), quoting("302 Found", "Location: /x")]
    async with (
        Server(*script) as server,
        Kintsugi(
            api_key=KEY,
            organization_id=ORGANIZATION,
            base_url=server.url,
            http=http,
            retry=Retry(base=0.001),
        ) as kintsugi,
    ):
        query = kintsugi.customers.where(search=FILTER).where(fields.email.endswith("@row.example"))
        assert [row.email for row in await query.to_list()] == [ROW]
        with pytest.raises(InvalidRequest):
            await query.to_list()
        for _ in range(2):  # 404, and 500 and 302
            with pytest.raises(Exception, match="status"):
                await kintsugi.customers.get(ID)
    text = written(records)
    assert [one for one in PLANTED if one in text] == []
    names = {record.event for record in events(records)}
    assert {"request.finished", "request.retried", "listing.incomplete"} <= names
    if http == "httpx":
        assert any(record.name.startswith("httpcore") for record in records)  # the rest of its records stays


@pytest.mark.anyio
async def test_a_request_id_cannot_write_lines_of_its_own(kintsugi, records):
    """Escape sequences and such are shown escaped, and an id is cut."""
    step = answer(b'{"items": [], "total": 0}', headers=["X-Request-Id: a\x1b[2J\u00ad" + "b" * 500])
    async with Server(lambda _seen: (step, "keep")) as server, kintsugi(server) as client:
        await client.customers.to_list()
    [finished] = events(records, "request.finished")
    assert "\x1b" not in finished.getMessage()
    assert len(finished.request_id) < 250


# ---- what is logged


@pytest.mark.anyio
async def test_each_request_is_logged_at_debug_with_its_facts_as_attributes(kintsugi, records):
    """Operation, attempt, status, seconds and request id; a retry is told at INFO."""
    async with Server(drop, rows) as server, kintsugi(server, retry=Retry(base=0.001)) as client:
        await client.customers.to_list()
    lost, retried, finished = events(records, "request.finished", "request.retried")
    assert (lost.levelname, lost.name, lost.error, lost.status) == ("DEBUG", "readahead.http", "ConnectionLost", None)
    assert (retried.levelname, retried.reason, retried.attempt) == ("INFO", "ConnectionLost", 1)
    assert 0 <= retried.wait <= 0.002
    assert (finished.operation, finished.attempt, finished.status) == ("GET /v1/customers", 2, 200)
    assert (finished.request_id, finished.error) == ("req_1", None)
    assert finished.seconds > 0
    assert "GET /v1/customers: status 200 after" in finished.getMessage()


class Throttling:
    """Refuses once with this Retry-After, then answers."""

    def __init__(self, retry_after, times=1):
        self.retry_after, self.times = retry_after, times

    async def __call__(self, scope, receive, send):
        self.times -= 1
        headers, status, body = [], 200, b'{"items": [], "total": 0, "page": 1, "size": 100, "pages": 0}'
        if self.times >= 0:
            headers, status = [(b"retry-after", str(self.retry_after).encode())], 429
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def virtually(main):
    """Run where a sleep takes no time, and the clock tells it all the same."""
    return anyio.run(main, backend="trio", backend_options={"clock": MockClock(autojump_threshold=0)})


def client_of(app, **options):
    return Kintsugi(
        api_key="the-key",
        organization_id="org",
        base_url="http://localhost",
        http_client=client_for_app(app),
        **options,
    )


def test_a_pause_of_two_minutes_is_a_warning(records):
    """It is seen without any setup of levels; one of a second is INFO."""

    async def main():
        for seconds in (120, 1):
            async with client_of(Throttling(seconds)) as kintsugi:
                await kintsugi.customers.to_list()

    virtually(main)
    long, short = events(records, "client.paused")
    assert (long.levelname, long.seconds) == ("WARNING", 120.0)
    assert "no request is sent for 120.0 s" in long.getMessage()
    assert (short.levelname, short.seconds) == ("INFO", 1.0)


def test_many_refusals_are_one_pause(records):
    """Fifty requests that are under way at once, and are all told to wait a minute."""

    async def main():
        throttling, arrived, waiting = Throttling(60, times=50), anyio.Event(), []

        async def app(scope, receive, send):
            waiting.append(1)
            if len(waiting) == 50:
                arrived.set()
            await arrived.wait()
            await throttling(scope, receive, send)

        async with client_of(app, retry=Retry(reserve=100)) as kintsugi, anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(kintsugi.customers.first_page)

    virtually(main)
    [pause] = events(records, "client.paused")
    assert pause.seconds == 60


def test_a_pause_is_told_where_the_error_is_raised_too(records):
    """The last attempt pauses the other requests of the client."""

    async def main():
        async with client_of(Throttling(30), retry=Retry(attempts=1)) as kintsugi:
            with pytest.raises(RateLimited):
                await kintsugi.customers.first_page()
        async with client_of(Throttling(300)) as kintsugi:  # longer than allowed: it pauses nobody
            with pytest.raises(RetryDelayTooLong):
                await kintsugi.customers.first_page()

    virtually(main)
    assert [record.seconds for record in events(records, "client.paused")] == [30.0]


def test_a_rate_is_told_when_it_falls_and_when_it_has_grown_by_half(records):
    """Down at each push back, up in few steps, until there is no limit."""
    sandbox = Sandbox(kintsugi_rows=20_000, faults=Faults(throttled=0.02, seed=3))

    async def main():
        async with sandbox.kintsugi(retry=Retry(attempts=20, reserve=1000)) as kintsugi:
            async for _ in kintsugi.customers.page_size(10):
                pass

    virtually(main)
    lowered = [record.rate for record in events(records, "rate.lowered")]
    raised = [record.rate for record in events(records, "rate.raised")]
    assert lowered
    assert raised
    assert len(raised) < 20 * len(lowered)
    assert {record.levelname for record in events(records, "rate.lowered", "rate.raised")} == {"INFO"}


@pytest.mark.asyncio
async def test_what_happens_to_a_listing_is_logged_with_its_operation(records):
    """A window that changes, rows that move, a filter that is ignored, a listing that is not complete."""
    sandbox = Sandbox(kintsugi_rows=5000)
    async with sandbox.kintsugi() as kintsugi, kintsugi.customers.page_size(20).prefetch() as customers:
        async for _ in customers:
            pass
    windows = events(records, "window.changed")
    assert windows[0].before < windows[0].window
    assert {record.levelname for record in windows} == {"DEBUG"}

    sandbox = Sandbox(kintsugi_rows=2000, faults=Faults(inserts=0.5, deletes=0.5, seed=1))
    async with sandbox.kintsugi() as kintsugi, kintsugi.customers.page_size(50).prefetch(4) as customers:
        async for _ in customers:
            pass
    assert customers.report.drift == "seen"
    [drift] = events(records, "drift.seen")
    assert (drift.levelname, drift.name, drift.operation) == ("INFO", "readahead.paging", "GET /v1/customers")


@pytest.mark.asyncio
async def test_an_incomplete_listing_is_a_warning_with_the_reason(records):
    """Rows that a total promises and that do not come."""
    sandbox = Sandbox(kintsugi_rows=300, faults=Faults(total=1000))
    async with sandbox.kintsugi() as kintsugi, kintsugi.customers.prefetch(4) as customers:
        async for _ in customers:
            pass
    assert not customers.report.complete
    [incomplete] = events(records, "listing.incomplete")
    assert incomplete.levelname == "WARNING"
    assert incomplete.why == customers.report.why


@pytest.mark.asyncio
async def test_a_filter_that_the_api_ignores_is_a_warning_with_its_name(records):
    """Once a listing; the value is not told."""

    def other(seen):
        page = {"items": [{"id": str(n), "organization_id": "o", "country": "US"} for n in range(3)], "total": 3}
        return answer(json.dumps(page).encode()), "keep"

    async with (
        Server(after=other) as server,
        Kintsugi(api_key="the-key", organization_id="org", base_url=server.url) as kintsugi,
    ):
        with pytest.warns(IgnoredFilterWarning):
            await kintsugi.customers.where(country="CA").first_page()
    [ignored] = events(records, "filter.ignored")
    assert (ignored.levelname, ignored.filters) == ("WARNING", ("country",))


@pytest.mark.asyncio
async def test_a_quiet_listing_logs_nothing_above_debug(records):
    """There is nothing to say."""
    async with Sandbox(kintsugi_rows=1000).kintsugi() as kintsugi:
        await kintsugi.customers.to_list()
    assert {record.levelname for record in events(records)} == {"DEBUG"}


@pytest.mark.asyncio
async def test_a_client_of_the_users_logs_what_its_library_logs(records):
    """The line of httpx with the whole URL is left out for our own clients alone."""
    async with Server(after=plain) as server, httpx.AsyncClient() as http_client:
        options = {"api_key": "the-key", "organization_id": "org", "base_url": server.url}
        async with Kintsugi(**options) as kintsugi:
            await kintsugi.customers.first_page()
        assert not [record for record in records if record.name == "httpx"]
        async with Kintsugi(**options, http_client=http_client) as kintsugi:
            await kintsugi.customers.first_page()
    assert [record for record in records if record.name == "httpx"]


# ---- the environment variable


def run(program, **environment):
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=60)
    return done.stdout, done.stderr


PROGRAM = """
    import asyncio
    from readahead.sandbox import Sandbox

    async def main():
        async with Sandbox(kintsugi_rows=250).kintsugi() as kintsugi:
            await kintsugi.customers.where(country="CA").to_list()

    asyncio.run(main())
"""


def test_nothing_is_written_without_the_variable():
    """The loggers have a NullHandler."""
    assert run(PROGRAM) == ("", "")
    program = (
        "import logging, readahead; print([type(one).__name__ for one in logging.getLogger('readahead').handlers])"
    )
    assert run(program)[0] == "['NullHandler']\n"


def test_the_variable_turns_the_log_on():
    """Requests at debug, none of them at info; no other library says anything."""
    _, errors = run(PROGRAM, READAHEAD_LOG="debug")
    lines = errors.splitlines()
    assert lines
    assert all(" DEBUG readahead." in line for line in lines)
    assert run(PROGRAM, READAHEAD_LOG="info")[1] == ""


def test_any_other_value_of_the_variable_is_ignored_with_a_warning():
    """The program runs all the same."""
    program = """
        import warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            import readahead
        print([str(one.message) for one in caught])
    """
    assert run(program, READAHEAD_LOG="verbose")[0] == "['READAHEAD_LOG must be debug or info; it is ignored']\n"
