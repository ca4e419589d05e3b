"""What users of httpx work with works with the default client: the packages themselves, on their own terms."""

import re

import httpx
import pytest
import respx
import vcr
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from servers import Server

from readahead import Retry
from readahead.errors import ConnectionLost, NotFound, TimedOut
from readahead.kintsugi import Kintsugi

pytestmark = pytest.mark.anyio
URL = "https://api.trykintsugi.com/v1/customers"
PAGE = {"items": [{"id": "cust_1", "organization_id": "org"}], "total": 1, "page": 1, "size": 100}


def kintsugi(**options):
    return Kintsugi(api_key="the-key", organization_id="org", retry=Retry(attempts=1), **options)


async def test_respx_mocks_the_default_client():
    """Rows, an error status, and an error of the network."""
    with respx.mock(assert_all_called=True) as mock:
        listed = mock.get(URL, params__contains={"state": "CA"}).respond(json=PAGE)
        mock.get(f"{URL}/cust_2").respond(404, json={"detail": "no such customer"})
        mock.post(URL).mock(side_effect=httpx.ReadError("reset"))
        async with kintsugi() as client:
            assert [row.id for row in await client.customers.where(state="CA").to_list()] == ["cust_1"]
            with pytest.raises(NotFound, match="no such customer"):
                await client.customers.get("cust_2")
            with pytest.raises(ConnectionLost, match="may have been applied"):
                await client.customers.create(name="Ada")
    assert listed.calls.last.request.headers["x-api-key"] == "the-key"


async def test_pytest_httpx_mocks_the_default_client(httpx_mock):
    """Its fixture as its users write it."""
    httpx_mock.add_response(url=re.compile(r".*/v1/customers\?.*"), json=PAGE, match_headers={"X-API-KEY": "the-key"})
    httpx_mock.add_exception(httpx.ReadTimeout("too slow"), url=f"{URL}/cust_1", is_reusable=False)
    async with kintsugi() as client:
        assert [row.id for row in await client.customers.to_list()] == ["cust_1"]
        with pytest.raises(TimedOut):
            await client.customers.get("cust_1")
    first, second = httpx_mock.get_requests()
    assert first.url.params["page"] == "1"
    assert second.url.path == "/v1/customers/cust_1"


async def test_opentelemetry_sees_each_request_of_the_default_client():
    """One client span for a request, with method, status and address, and no key."""
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    try:
        async with Server() as server, kintsugi(base_url=server.url) as client:
            async with client.customers.page_size(100).prefetch(window=4) as rows:
                assert len([row async for row in rows]) == 1000
            await client.customers.create(name="Ada")
            assert all("traceparent" in seen.headers for seen in server.seen)
            requests = rows.report.requests + 1
    finally:
        HTTPXClientInstrumentor().uninstrument()
    finished = spans.get_finished_spans()
    assert len(finished) == requests
    assert [span.name for span in finished] == ["GET"] * (requests - 1) + ["POST"]
    for span in finished:
        attributes = dict(span.attributes)
        assert 200 in {attributes.get("http.status_code"), attributes.get("http.response.status_code")}
        assert "the-key" not in repr(attributes)


async def test_hooks_and_mounts_of_a_client_that_is_handed_in_apply():
    """A mount takes the requests of the API's host; hooks see them and their responses."""
    hooked = []

    async def on_request(request):
        hooked.append(request.url.path)

    async def on_response(response):
        hooked.append(response.status_code)

    mounts = {"https://api.trykintsugi.com": httpx.MockTransport(lambda _request: httpx.Response(200, json=PAGE))}
    hooks = {"request": [on_request], "response": [on_response]}
    async with httpx.AsyncClient(mounts=mounts, event_hooks=hooks) as mine, kintsugi(http_client=mine) as client:
        assert [row.id for row in await client.customers.to_list()] == ["cust_1"]
    assert hooked == ["/v1/customers", 200]


async def test_vcrpy_records_the_default_client_and_plays_it_back(tmp_path):
    """The second time nobody is asked; keys are left out of the cassette as vcrpy's users do it."""
    recorder = vcr.VCR(filter_headers=["x-api-key", "x-organization-id"], record_mode="once")
    async with Server() as server:
        listed = []
        for _ in range(2):
            with recorder.use_cassette(str(tmp_path / "customers.yaml")):
                async with kintsugi(base_url=server.url) as client:
                    listed.append([row.id for row in await client.customers.limit(100).to_list()])
        assert listed[0] == listed[1] == [f"cust_{number}" for number in range(100)]
        assert len(server.seen) == 1
    assert "the-key" not in (tmp_path / "customers.yaml").read_text()
