"""Spans and metrics of OpenTelemetry: which, below which, with which attributes, and how they end."""

import gc
import json
import subprocess
import sys
import textwrap
from collections import Counter

import anyio
import pytest
from anyio import lowlevel
from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.trace import SpanKind, StatusCode
from servers import Server, answer, drop, plain, stall
from spans import points, telemetry, totals

from readahead import Retry
from readahead.errors import ConnectionLost, DeadlineExceeded, NotFound

pytestmark = pytest.mark.anyio
LISTING, CALL = "listing GET /v1/customers", "call GET /v1/customers/{customer_id}"


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


@pytest.fixture
def exporter():
    """The spans that have ended since the test began."""
    found, _ = telemetry()
    gc.collect()  # what other tests left
    found.clear()
    return found


def by_name(exporter):
    """Spans by their name."""
    found = {}
    for span in exporter.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    return found


def below(span, spans):
    """The children of a span."""
    return [one for one in spans if one.parent is not None and one.parent.span_id == span.context.span_id]


def refusal(status, *headers):
    return lambda _seen: (answer(b'{"detail": "the-key planted"}', status, headers), "keep")


# ---- which, below which


@pytest.mark.parametrize("window", [1, 8])
async def test_a_listing_is_a_span_with_a_child_for_each_page(window, kintsugi, exporter):
    """Whatever task fetches a page; the listing's own parent is the span it was opened in."""
    tracer = trace.get_tracer("test")
    async with Server() as server, kintsugi(server) as client:
        with tracer.start_as_current_span("outside") as outside:
            async with client.customers.page_size(50).prefetch(window) as customers:
                async for _ in customers:
                    pass
        assert trace.get_current_span() is trace.INVALID_SPAN
        port = server.port
    found = by_name(exporter)
    [listing] = found[LISTING]
    pages = found["GET /v1/customers"]
    assert listing.parent.span_id == outside.get_span_context().span_id
    assert len(pages) == customers.report.requests
    assert below(listing, exporter.get_finished_spans()) == pages
    assert {page.kind for page in pages} == {SpanKind.CLIENT}
    assert all(listing.start_time <= page.start_time <= page.end_time <= listing.end_time for page in pages)
    assert listing.kind is SpanKind.INTERNAL
    assert dict(pages[0].attributes) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.full": f"http://127.0.0.1:{port}/v1/customers",
        "url.template": "/v1/customers",
    }
    attributes = dict(listing.attributes)
    assert attributes["readahead.rows"] == customers.report.rows == 1000
    assert attributes["readahead.pages"] == customers.report.pages
    assert attributes["readahead.complete"] is True
    assert listing.status.status_code is StatusCode.UNSET


async def test_a_call_is_a_span_with_a_child_for_each_attempt(kintsugi, exporter):
    """Those that are sent again say how often; one that failed says with what."""
    script = [refusal("503 Service Unavailable", "X-Request-Id: req_1"), drop]
    async with Server(*script) as server, kintsugi(server, retry=Retry(base=0.001)) as client:
        await client.customers.get("cust")
    found = by_name(exporter)
    [call] = found[CALL]
    refused, lost, good = found["GET /v1/customers/{customer_id}"]
    assert {span.parent.span_id for span in (refused, lost, good)} == {call.context.span_id}
    assert [span.attributes.get("http.request.resend_count") for span in (refused, lost, good)] == [None, 1, 2]
    assert [span.attributes.get("error.type") for span in (refused, lost, good)] == ["503", "ConnectionLost", None]
    assert [span.status.status_code for span in (refused, lost, good)] == [
        StatusCode.ERROR,
        StatusCode.ERROR,
        StatusCode.UNSET,
    ]
    assert refused.attributes["readahead.request_id"] == "req_1"
    assert refused.attributes["http.response.status_code"] == 503
    assert "http.response.status_code" not in lost.attributes
    assert call.status.status_code is StatusCode.UNSET
    assert call.parent is None


async def test_create_and_update_have_a_span(kintsugi, exporter):
    """Like get."""
    async with Server() as server, kintsugi(server) as client:
        await client.customers.create(name="planted")
        await client.customers.update("cust", name="planted")
    assert {"call POST /v1/customers", "POST /v1/customers"} <= by_name(exporter).keys()
    assert "planted" not in shown(exporter)


async def test_listings_at_once_keep_their_pages_apart(kintsugi, exporter):
    """Each below its own parent, also where rows are read in another task than the one that opened the listing."""
    tracer = trace.get_tracer("test")
    done = {}

    async def consume(number, customers):
        with tracer.start_as_current_span("reader"):
            done[number] = len([row async for row in customers])

    async def read(number, client):
        with tracer.start_as_current_span(f"job {number}"):
            async with client.customers.page_size(100).prefetch(4) as customers, anyio.create_task_group() as tasks:
                tasks.start_soon(consume, number, customers)

    async with Server() as server, kintsugi(server) as client, anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(read, number, client)
    assert set(done.values()) == {1000}
    spans, found = exporter.get_finished_spans(), by_name(exporter)
    for number in range(5):
        [job] = found[f"job {number}"]
        [listing] = [span for span in below(job, spans) if span.name == LISTING]
        children = below(listing, spans)
        assert len(children) >= 10
        assert {span.name for span in children} == {"GET /v1/customers"}
        assert {span.context.trace_id for span in children} == {job.context.trace_id}
    assert all(below(reader, spans) == [] for reader in found["reader"])


@pytest.fixture
def instrumented(http):
    """The instrumentation of the library that sends."""
    instrumentor = HTTPXClientInstrumentor() if http == "httpx" else AioHttpClientInstrumentor()
    instrumentor.instrument()
    yield
    instrumentor.uninstrument()


@pytest.mark.parametrize("window", [1, 8])
async def test_the_librarys_own_instrumentation_nests_under_it(window, kintsugi, exporter, instrumented):
    """One span of its own below each page, in whatever task it is sent; and the trace goes to the server."""
    async with Server(drop) as server, kintsugi(server, retry=Retry(base=0.001)) as client:
        async with client.customers.page_size(100).prefetch(window) as customers:
            async for _ in customers:
                pass
        seen = list(server.seen)
    spans, found = exporter.get_finished_spans(), by_name(exporter)
    pages = found["GET /v1/customers"]
    assert [len(below(page, spans)) for page in pages] == [1] * len(pages)
    assert {below(page, spans)[0].instrumentation_scope.name.split(".")[2] for page in pages} <= {
        "httpx",
        "aiohttp_client",
    }
    [listing] = found[LISTING]
    assert {one.headers["traceparent"].split("-")[1] for one in seen} == {f"{listing.context.trace_id:032x}"}


async def test_spans_of_a_hook_belong_to_its_listing(kintsugi, exporter):
    """A hook runs where the attempt was."""
    tracer = trace.get_tracer("test")

    def hook(_event):
        with tracer.start_as_current_span("in a hook"):
            pass

    async with Server() as server, kintsugi(server, on_response=hook) as client:
        await client.customers.page_size(100).to_list()
    found = by_name(exporter)
    [listing] = found[LISTING]
    assert {span.parent.span_id for span in found["in a hook"]} == {listing.context.span_id}


# ---- how they end


async def test_a_listing_that_fails_ends_with_its_error(kintsugi, exporter):
    """The class, not the message, which may quote what was sent."""
    async with Server(after=refusal("404 Not Found")) as server, kintsugi(server) as client:
        with pytest.raises(NotFound):
            await client.customers.to_list()
    [listing] = by_name(exporter)[LISTING]
    assert listing.status.status_code is StatusCode.ERROR
    assert listing.attributes["error.type"] == "readahead.errors.NotFound"
    assert listing.attributes["readahead.complete"] is False


async def test_a_listing_that_is_left_ends_without_an_error(kintsugi, exporter):
    """As soon as its block is left; its requests were cancelled, and end before it."""
    async with Server(plain, after=stall) as server, kintsugi(server) as client:
        async with client.customers.page_size(10).prefetch(8) as customers:
            async for _ in customers:
                await server.until(lambda server: server.counts["stalled"] > 2)
                break
        spans = exporter.get_finished_spans()
        [listing] = [span for span in spans if span.name == LISTING]
        assert listing.status.status_code is StatusCode.UNSET
        assert listing.attributes["readahead.complete"] is False
        assert listing.attributes["readahead.rows"] == 1
        assert spans[-1] is listing
        assert len(below(listing, spans)) == customers.report.requests > 1


async def test_an_exception_of_the_readers_is_the_listings(kintsugi, exporter):
    """It ended the block."""
    async with Server() as server, kintsugi(server) as client:
        with pytest.raises(ZeroDivisionError):
            async with client.customers.page_size(10).prefetch(8) as customers:
                async for _ in customers:
                    1 / 0  # noqa: B018
    [listing] = by_name(exporter)[LISTING]
    assert (listing.status.status_code, listing.attributes["error.type"]) == (StatusCode.ERROR, "ZeroDivisionError")


async def test_a_listing_that_is_cancelled_ends_with_the_cancellation(kintsugi, exporter):
    """So do its requests."""
    async with Server(stall) as server, kintsugi(server) as client:
        with anyio.move_on_after(0.2) as scope:
            async with client.customers.prefetch(4) as customers:
                async for _ in customers:
                    pass
        assert scope.cancelled_caught
    found = by_name(exporter)
    for span in (*found[LISTING], *found["GET /v1/customers"]):
        assert span.status.status_code is StatusCode.ERROR
        assert "Cancelled" in span.attributes["error.type"]


async def test_a_deadline_ends_a_call_with_its_error(kintsugi, exporter):
    """Its request was cancelled."""
    async with Server(stall) as server, kintsugi(server, deadline=0.1) as client:
        with pytest.raises(DeadlineExceeded):
            await client.customers.get("cust")
    [call] = by_name(exporter)[CALL]
    assert call.attributes["error.type"] == "readahead.errors.DeadlineExceeded"


async def test_what_a_hook_raises_is_the_error_of_the_call(kintsugi, exporter):
    """Its class."""

    def hook(_event):
        raise LookupError("planted")

    async with Server() as server, kintsugi(server, on_response=hook) as client:
        with pytest.raises(LookupError):
            await client.customers.get("cust")
    [call] = by_name(exporter)[CALL]
    assert call.attributes["error.type"] == "LookupError"
    assert "planted" not in shown(exporter)


@pytest.mark.parametrize("leave", ["read to its end", "abandoned", "closed"])
async def test_the_bare_form_has_a_span_that_ends(leave, kintsugi, exporter, anyio_backend):
    """Also where nobody closes it."""
    async with Server() as server, kintsugi(server) as client:
        rows = aiter(client.customers.page_size(50))
        async for _ in rows:
            if leave != "read to its end":
                break
        if leave == "closed" and anyio_backend == "asyncio":
            await rows.aclose()
        del rows
        for _ in range(5):
            await lowlevel.checkpoint()
        gc.collect()
        [listing] = by_name(exporter)[LISTING]
    assert listing.status.status_code is StatusCode.UNSET
    assert listing.attributes["readahead.complete"] is (leave == "read to its end")


async def test_a_listing_that_is_never_read_has_no_span(kintsugi, exporter):
    """It sent nothing."""
    async with Server() as server, kintsugi(server) as client, client.customers.prefetch():
        pass
    assert exporter.get_finished_spans() == ()


# ---- what they hold, and metrics


def shown(exporter):
    """All that an exporter could send."""
    return "\n".join(span.to_json() for span in exporter.get_finished_spans())


async def test_no_span_and_no_metric_holds_a_key_or_a_value(kintsugi, exporter):
    """Of a filter, an id, a row, or what the server says."""
    rows = json.dumps({"items": [{"id": "planted_id", "organization_id": "planted"}], "total": 1}).encode()
    script = [
        lambda _seen: (answer(rows), "keep"),
        refusal("422 Unprocessable Content"),
        refusal("404 Not Found"),
        drop,
    ]
    async with Server(*script) as server, kintsugi(server) as client:
        await client.customers.where(search="planted").to_list()
        for call in (client.customers.where(search="planted").to_list, lambda: client.customers.get("planted")):
            with pytest.raises(Exception, match="status"):
                await call()
        with pytest.raises(ConnectionLost):
            await client.customers.where(search="planted").first_page()
    assert len(exporter.get_finished_spans()) == 8
    text = shown(exporter) + str(points(telemetry()[1]))
    assert "planted" not in text
    assert "the-key" not in text


async def test_what_happens_is_counted(kintsugi, exporter):
    """Requests, retries, pauses, rows, pages and durations."""
    _, reader = telemetry()
    before = Counter(totals(reader))
    script = [refusal("429 Too Many Requests", "Retry-After: 0.05"), drop]
    async with Server(*script) as server, kintsugi(server, retry=Retry(base=0.001)) as client:
        async with client.customers.page_size(100).prefetch(4) as customers:
            async for _ in customers:
                pass
        report = customers.report
    counted = Counter(totals(reader)) - before
    assert dict(counted) == {
        "http.client.request.duration": report.requests,
        "readahead.requests": report.requests,
        "readahead.retries": 2,
        "readahead.pauses": 1,
        "readahead.pause.duration": 1,
        "readahead.pages": report.pages,
        "readahead.rows": 1000,
        "readahead.listing.duration": 1,
    }
    [refused] = [
        point
        for point in points(reader)["http.client.request.duration"]
        if point.attributes.get("server.port") == server.port and point.attributes.get("error.type") == "429"
    ]
    assert dict(refused.attributes) == {
        "error.type": "429",
        "http.request.method": "GET",
        "http.response.status_code": 429,
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "url.template": "/v1/customers",
    }
    assert refused.explicit_bounds[0] == 0.005  # seconds


# ---- where it is absent


ABSENT = """
    import asyncio, sys

    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "opentelemetry":
                tried.append(name)
                raise ImportError(name)

    tried = []
    sys.meta_path.insert(0, Absent())
    from readahead.sandbox import Sandbox

    async def main():
        async with Sandbox(kintsugi_rows=250).kintsugi(on_response=print) as kintsugi:
            await kintsugi.customers.to_list()

    asyncio.run(main())
    print(tried, [name for name in sys.modules if name.startswith("opentelemetry")])
"""
UNUSED = """
    import asyncio, sys
    from readahead.sandbox import Sandbox

    async def main():
        async with Sandbox(kintsugi_rows=250).kintsugi() as kintsugi:
            await kintsugi.customers.to_list()

    asyncio.run(main())
    print([], [name for name in sys.modules if name.startswith("opentelemetry")])
"""


@pytest.mark.parametrize("program", [ABSENT, UNUSED], ids=["not installed", "installed and not used"])
async def test_nothing_is_imported_where_the_program_does_not_use_it(program, http):
    """Whoever wants spans has imported OpenTelemetry to say where they go."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: ASYNC221
    assert done.stdout.splitlines()[-1] == "[] []"
