"""The services of the guide, run over a socket in front of a sandbox on another one.

Service and upstream API run in the test's event loop, so that it can look at their tasks and hold requests back.
"""

import asyncio
import json
import runpy
import socket
from collections.abc import AsyncIterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx
import pytest
import uvicorn
from fastapi import Depends, FastAPI
from openapi_spec_validator import validate
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import StreamingResponse

from readahead import Retry, Stream
from readahead.errors import StreamError
from readahead.kintsugi import Customer, Kintsugi
from readahead.sandbox import Faults, Sandbox

pytestmark = pytest.mark.asyncio

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples" / "service"
both = pytest.mark.parametrize("name", ["app", "starlette_app"])
SMALL = 16 * 1024  # of the buffers of a socket
SECONDS = 60.0  # longer than anything takes that ends at all


@asynccontextmanager
async def serving(app, lifespan="off"):
    """Serve an application on 127.0.0.1, and yield its address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)  # connections have the same
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(app, lifespan=lifespan, log_config=None, ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            await running


class Upstream:
    """Kintsugi's sandbox; what comes after the first pages waits until the test lets it go, or the caller leaves."""

    def __init__(self, app, pages=None):
        self.app, self.pages = app, pages
        self.requests = self.waiting = 0
        self.changed = asyncio.Condition()

    async def __call__(self, scope, receive, send):
        self.requests += 1
        if self.pages is not None and self.requests > self.pages:
            await self.count(+1)
            while (await receive())["type"] != "http.disconnect":
                pass
            await self.count(-1)
            return
        await self.app(scope, receive, send)

    async def count(self, change):
        async with self.changed:
            self.waiting += change
            self.changed.notify_all()

    async def until(self, condition):
        async with asyncio.timeout(SECONDS), self.changed:
            await self.changed.wait_for(condition)


@asynccontextmanager
async def service(name, upstream, monkeypatch):
    """Run an example in front of an upstream API; yield its address."""
    async with serving(upstream) as (host, port):
        monkeypatch.setenv("KINTSUGI_API_KEY", "any")
        monkeypatch.setenv("KINTSUGI_ORGANIZATION_ID", "org_sandbox")
        monkeypatch.setenv("KINTSUGI_URL", f"http://{host}:{port}")
        app = runpy.run_path(str(EXAMPLES / f"{name}.py"))["app"]
        async with serving(app, lifespan="on") as address:
            yield address


def client(address):
    return httpx.AsyncClient(base_url="http://{}:{}".format(*address), timeout=SECONDS, trust_env=False)


class Browser:
    """A reader with small buffers that reads as far as it is told to."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def get(cls, address, path):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, address)
        browser = cls(*await asyncio.open_connection(sock=connection, limit=SMALL))
        browser.writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
        return browser

    async def until(self, text):
        async with asyncio.timeout(SECONDS):
            return await self.reader.readuntil(text)

    async def leave(self):
        self.writer.transport.abort()


async def held_back(upstream, browser):
    """Wait until the service requests nothing more, in 20 round trips to it."""
    steady, seen = 0, 0
    while steady < 20:
        await browser.get("/nowhere")
        steady = steady + 1 if upstream.requests == seen else 0
        seen = upstream.requests


async def ended(before):
    """Wait until there are no tasks but these."""
    async with asyncio.timeout(SECONDS):
        while left := asyncio.all_tasks() - before:
            await asyncio.wait(left)


# --- the examples


@both
async def test_all_customers_are_handed_on(name, monkeypatch):
    """Each is a line, in the order of the list."""
    with Sandbox(kintsugi_rows=1_050) as box:
        async with service(name, box.kintsugi_app, monkeypatch) as address, client(address) as browser:
            response = await browser.get("/export")
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("application/x-ndjson")
            assert [json.loads(line) for line in response.text.splitlines()] == box.kintsugi_rows()
            assert (await browser.get("/export", params={"state": "nowhere"})).text == ""
            row = box.kintsugi_rows()[7]
            assert (await browser.get(f"/customers/{row['id']}")).json() == row


@both
async def test_a_slow_reader_slows_the_upstream_requests(name, monkeypatch):
    """A reader that stops: pages are requested as far as the window and the buffers on the way go, and no further."""
    pages = 60
    with Sandbox(kintsugi_rows=pages * 100) as box:
        upstream = Upstream(box.kintsugi_app)
        async with service(name, upstream, monkeypatch) as address, client(address) as other:
            browser = await Browser.get(address, "/export")
            await browser.until(b'{"id":')  # the first line begins: from here on nothing is read
            await held_back(upstream, other)
            requests = upstream.requests
            async with asyncio.timeout(SECONDS):
                rest = await browser.reader.read()
            await browser.leave()
        assert rest.count(b'\n{"id":') == pages * 100 - 1
        assert upstream.requests >= pages  # neighbours overlap
        # a window of 4 pages, the one that is being sent and one that the server has taken whole; and what the buffers
        # hold: 64 kB in the server, and those of two sockets and the reader, which are twice what is asked for
        assert 4 <= requests <= 4 + 2 + (64 * 1024 + 3 * 2 * SMALL) / (len(rest) / pages)


@both
async def test_a_browser_that_leaves_ends_the_upstream_requests(name, monkeypatch):
    """Those in flight are cancelled, and no task is left."""
    with Sandbox(kintsugi_rows=5_000) as box:
        upstream = Upstream(box.kintsugi_app, pages=1)
        async with service(name, upstream, monkeypatch) as address, client(address) as other:
            await other.get("/nowhere")  # the service has started
            before = asyncio.all_tasks()
            browser = await Browser.get(address, "/export")
            await browser.until(b'{"id":')
            await upstream.until(lambda: upstream.waiting == 4)  # the window
            requests = upstream.requests
            await browser.leave()
            await upstream.until(lambda: upstream.waiting == 0)
            await ended(before)
            assert upstream.requests == requests


@pytest.mark.parametrize(
    ("name", "faults", "status", "retry_after"),
    [
        ("app", {"errors": 1.0, "statuses": (500,)}, 502, None),
        ("app", {"errors": 1.0, "statuses": (503,)}, 503, None),
        ("app", {"errors": 1.0, "statuses": (503,), "retry_after": 700}, 503, "700"),
        ("app", {"errors": 1.0, "statuses": (429,)}, 429, None),
        ("app", {"throttled": 1.0, "retry_after": 700}, 503, "700"),
        ("app", {"html": 1.0}, 502, None),
        ("starlette_app", {"html": 1.0}, 502, None),
    ],
    ids=str,
)
async def test_a_failure_of_the_first_page_is_a_status(name, faults, status, retry_after, monkeypatch):
    """And never a 200 that breaks off."""
    with Sandbox(kintsugi_rows=500, faults=Faults(**faults)) as box:
        async with service(name, box.kintsugi_app, monkeypatch) as address, client(address) as browser:
            response = await browser.get("/export")
            assert response.status_code == status
            assert response.headers.get("retry-after") == retry_after
            assert response.json()["detail"]


@both
async def test_a_failure_of_a_later_page_breaks_the_response_off(name, monkeypatch):
    """A reader that got the end of the response got all rows."""
    with Sandbox(kintsugi_rows=1_000) as box:

        async def broken(scope, receive, send):
            if b"page=4" in scope["query_string"]:
                await send({"type": "http.response.start", "status": 404, "headers": []})
                await send({"type": "http.response.body", "body": b"{}"})
            else:
                await box.kintsugi_app(scope, receive, send)

        async with (
            service(name, broken, monkeypatch) as address,
            client(address) as browser,
            browser.stream("GET", "/export") as response,
        ):
            assert response.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                await response.aread()


@both
async def test_wrong_parameters_are_the_callers(name, monkeypatch):
    """422, with what is allowed; and one customer that is not there is 404."""
    with Sandbox(kintsugi_rows=10) as box:
        async with service(name, box.kintsugi_app, monkeypatch) as address, client(address) as browser:
            for params in {"country": "Austria"}, {"state": ""}:
                response = await browser.get("/export", params=params)
                assert (response.status_code, next(iter(params)) in response.text) == (422, True)
            assert (await browser.get("/customers/nobody")).status_code == 404


async def test_an_upstream_that_is_late_is_a_timeout(monkeypatch):
    """504."""
    with Sandbox(kintsugi_rows=10) as box:
        upstream = Upstream(box.kintsugi_app, pages=0)
        example = runpy.run_path(str(EXAMPLES / "app.py"))
        async with serving(upstream) as (host, port):
            late = Kintsugi(
                api_key="any",
                organization_id="any",
                base_url=f"http://{host}:{port}",
                timeout=0.05,
                retry=Retry(attempts=1),
            )

            @asynccontextmanager
            async def lifespan(_app):
                async with late:
                    yield {"kintsugi": late}

            example["app"].router.lifespan_context = lifespan
            async with serving(example["app"], "on") as address, client(address) as browser:
                assert (await browser.get("/export")).status_code == 504
                assert (await browser.get("/customers/1")).status_code == 504


async def test_the_document_of_the_service_is_valid(monkeypatch):
    """It shows the fields of rows, and pages of them."""
    with Sandbox(kintsugi_rows=250) as box:
        async with service("app", box.kintsugi_app, monkeypatch) as address, client(address) as browser:
            document = (await browser.get("/openapi.json")).json()
            page = (await browser.get("/customers")).json()
            assert page == {"rows": box.kintsugi_rows()[:100], "total": 250}
    validate(document)
    schemas = document["components"]["schemas"]
    assert schemas["Page_Customer_"]["properties"]["rows"]["items"] == {"$ref": "#/components/schemas/Customer"}
    assert set(schemas["Customer"]["properties"]) == set(Customer.FIELDS)


# --- other ways


def app_of(kintsugi, way):
    """An application with one way to stream customers, right or wrong."""
    app = FastAPI()

    async def opened():
        async with kintsugi.customers.prefetch() as customers:
            yield customers

    if way == "lines of FastAPI":

        @app.get("/export")
        async def export(customers: Annotated[Stream[Customer], Depends(opened)]) -> AsyncIterable[Customer]:
            async for customer in customers:
                yield customer

        return app

    @app.get("/export")
    async def export():
        if way == "block in the generator":
            return StreamingResponse(owned())
        if way == "block around the response":
            async with kintsugi.customers.prefetch() as customers:
                return StreamingResponse(lines(customers))
        stream = kintsugi.customers.prefetch()
        customers = await stream.__aenter__()

        async def body():
            try:
                async for customer in customers:
                    yield f"{customer.to_json()}\n"
            finally:
                await stream.__aexit__(None, None, None)

        return StreamingResponse(body())

    async def owned():
        async with kintsugi.customers.prefetch(window=4) as customers:
            async for customer in customers:
                yield f"{customer.to_json()}\n"

    async def lines(customers):
        async for customer in customers:
            yield f"{customer.to_json()}\n"

    return app


@pytest.mark.parametrize("middleware", [False, True])
async def test_fastapis_own_lines_take_a_dependency(middleware):
    """A generator that yields rows has their schema in the document; a middleware with own tasks is no matter."""
    with Sandbox(kintsugi_rows=450) as box:
        async with box.kintsugi() as kintsugi:
            app = app_of(kintsugi, "lines of FastAPI")
            if middleware:
                app.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))
            async with serving(app) as address, client(address) as browser:
                response = await browser.get("/export")
        assert [json.loads(line) for line in response.text.splitlines()] == box.kintsugi_rows()
    document = app.openapi()
    content = document["paths"]["/export"]["get"]["responses"]["200"]["content"]
    assert content["application/jsonl"]["itemSchema"] == {"$ref": "#/components/schemas/Customer"}
    assert set(document["components"]["schemas"]["Customer"]["properties"]) == set(Customer.FIELDS)


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("block around the response", "its `async with` block has been left"),
        ("opened here, closed there", "opened in one task and is closed in another"),
    ],
)
async def test_the_naive_ways_say_what_to_write(way, message):
    """The listing is open in the handler and read, or closed, when the handler is over."""
    errors = []

    with Sandbox(kintsugi_rows=450) as box:
        async with box.kintsugi() as kintsugi:
            app = app_of(kintsugi, way)

            async def noted(scope, receive, send):
                try:
                    await app(scope, receive, send)
                except Exception as error:
                    errors.append(error)
                    raise

            async with serving(noted) as address, client(address) as browser:
                with pytest.raises(httpx.RemoteProtocolError):
                    await browser.get("/export")
            assert box.in_flight["kintsugi"] == 0
    (error,) = errors
    assert isinstance(error, StreamError)
    assert message in str(error)
    assert "`async def rows(): async with query.prefetch() as rows: yield rows`" in str(error)


async def test_a_block_in_the_generator_ends_when_the_browser_leaves():
    """It has no status for the first page, but it leaves nothing behind."""
    with Sandbox(kintsugi_rows=6_000) as box:
        upstream = Upstream(box.kintsugi_app)
        async with (
            serving(upstream) as (host, port),
            Kintsugi(api_key="any", organization_id="any", base_url=f"http://{host}:{port}") as kintsugi,
            serving(app_of(kintsugi, "block in the generator")) as address,
            client(address) as other,
        ):
            await other.get("/nowhere")
            before = asyncio.all_tasks()
            browser = await Browser.get(address, "/export")
            await browser.until(b'{"id":')
            await held_back(upstream, other)
            await browser.leave()
            await ended(before)
            assert box.in_flight["kintsugi"] == 0
