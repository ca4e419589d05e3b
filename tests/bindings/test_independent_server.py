"""Both clients against servers that share no code with this project: FastAPI and fastapi-pagination."""

import socket
from contextlib import asynccontextmanager, contextmanager
from operator import itemgetter
from threading import Thread
from typing import Annotated

import httpx
import pytest
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Query
from fastapi_pagination import LimitOffsetParams, Page, add_pagination, paginate
from fastapi_pagination.utils import disable_installed_extensions_check

from readahead.errors import AuthenticationFailed, InvalidRequest, NotFound
from readahead.kintsugi import Country, Kintsugi, Source
from readahead.sweetspot import SweetSpot

pytestmark = pytest.mark.anyio

disable_installed_extensions_check()  # it takes other packages that happen to be there for the source of the rows

ROWS = 1037
KEY = itemgetter("id")
COUNTRIES = ["US", "CA", "XK", "ZZ_EU", None]
SOURCES = ["SHOPIFY", "API", "SAGE-INTACCT", "NEW-ONE", None]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


KINTSUGI = [
    {
        "id": f"cust_{n:04}",
        "organization_id": "org",
        "name": f"Customer {n % 100}" if n % 3 else None,
        "city": f"City {n * 7919 % ROWS:04}",
        "state": "CA" if n % 4 else None,
        "country": COUNTRIES[n % 5],
        "source": SOURCES[n // 5 % 5],
        "status": "ACTIVE" if n % 2 else "A-NEW-STATUS",
        "customer_tax_registrations": [],
        "loyalty": {"points": n},
    }
    for n in range(ROWS)
]
SWEETSPOT = [
    {
        "id": f"c_{n:04}",
        "createdAt": f"2025-01-01T00:00:{n % 60:02}.{n + 1:06}789Z",
        "updatedAt": "2025-02-01T00:00:00Z",
        "creditStatus": ["unknown", "passed", "failed", "postponed"][n % 4],
        "userId": n if n % 3 else (f"usr_{n}" if n % 2 else None),
    }
    for n in range(ROWS)
]
EMAILS = {row["id"]: f"{'ada' if n % 10 == 0 else 'bob'}{n}@example.com" for n, row in enumerate(SWEETSPOT)}


def kintsugi_app():
    app = FastAPI()

    def known(x_api_key: Annotated[str, Header()], x_organization_id: Annotated[str, Header()]):
        if (x_api_key, x_organization_id) != ("key", "org"):
            raise HTTPException(401, "who are you?")

    @app.get("/v1/customers", dependencies=[Depends(known)])
    def customers(
        country: Annotated[list[str] | None, Query()] = None,
        source__in: str | None = None,
        state: str | None = None,
        search_query: str | None = None,
        order_by: str | None = None,
    ) -> Page[dict]:
        rows = [
            row
            for row in KINTSUGI
            if (country is None or row["country"] in country)
            and (source__in is None or row["source"] in source__in.split(","))
            and (state is None or row["state"] == state)
            and (search_query is None or search_query.casefold() in (row["name"] or "").casefold())
        ]
        for name in reversed(order_by.split(",") if order_by else []):
            rows.sort(key=lambda row: row[name] or "")
        return paginate(rows)

    @app.get("/v1/customers/{customer_id}", dependencies=[Depends(known)])
    def customer(customer_id: str) -> dict:
        for row in KINTSUGI:
            if row["id"] == customer_id:
                return row
        raise HTTPException(404, "no such customer")

    add_pagination(app)
    return app


def sweetspot_app():
    app = FastAPI()

    @app.get("/v1/customers")
    def customers(
        params: Annotated[LimitOffsetParams, Depends()],
        authorization: Annotated[str, Header()],
        email: str | None = None,
        user_id: Annotated[str | None, Query(alias="userId")] = None,
    ) -> list[dict]:
        if authorization != "Bearer token":
            raise HTTPException(401, "who are you?")
        rows = [
            row
            for row in SWEETSPOT
            if (email is None or email.casefold() in EMAILS[row["id"]])
            and (user_id is None or str(row["userId"]) == user_id)
        ]
        wanted = params.to_raw_params()
        return rows[wanted.offset : wanted.offset + wanted.limit]

    return app


@contextmanager
def served(app):
    """Uvicorn in a thread, on a free port, until the block ends."""
    # With the protocol spelled out asyncio sets TCP_NODELAY; without it each answer waits 40 ms for an acknowledgement.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def apps():
    return {Kintsugi: kintsugi_app(), SweetSpot: sweetspot_app()}


@pytest.fixture(scope="module")
def urls(apps):
    with served(apps[Kintsugi]) as kintsugi_url, served(apps[SweetSpot]) as sweetspot_url:
        yield {Kintsugi: kintsugi_url, SweetSpot: sweetspot_url}


@pytest.fixture(params=["socket", "in process"])
def way(request):
    """How the server is reached: over a socket, or called in this process."""
    return request.param


@pytest.fixture
def opened(way, apps, urls):
    """An open client of either API, of its own server unless told otherwise, with the credentials that this takes."""

    @asynccontextmanager
    async def opened(cls, server=None, **credentials):
        server = server or cls
        if not credentials:
            credentials = {"token": "token"} if cls is SweetSpot else {"api_key": "key", "organization_id": "org"}
        if way == "in process":
            async with (
                httpx.AsyncClient(transport=httpx.ASGITransport(apps[server])) as http_client,
                cls(**credentials, base_url="http://127.0.0.1", http_client=http_client) as client,
            ):
                yield client
        else:
            async with cls(**credentials, base_url=urls[server]) as client:
                yield client

    return opened


async def read(query, expected, past_the_end):
    """In windows of 1, 3 and 16, in order and as they come: these rows, and at most so many requests for nothing."""
    pages = max(1, -(-len(expected) // 100))
    for_overlap = pages // 4
    for window in (1, 3, 16):
        for ordered in (True, False):
            async with query.prefetch(window=window, ordered=ordered) as rows:
                got = [row.to_dict() async for row in rows]
            if not ordered:
                got.sort(key=KEY)
            # What a document declares and a server leaves out is null.
            assert got == [dict.fromkeys(got[0]) | row for row in (expected if ordered else sorted(expected, key=KEY))]
            assert rows.report.complete
            assert rows.report.requests <= pages + for_overlap + past_the_end(window)


KINTSUGI_CASES = {
    "all": ({}, lambda row: True),
    "one country": ({"country": Country.CA}, lambda row: row["country"] == "CA"),
    "three countries": ({"country": ["US", "XK", Country.ZZ_EU]}, lambda row: row["country"] in {"US", "XK", "ZZ_EU"}),
    "two sources": ({"source": ["SHOPIFY", "SAGE-INTACCT"]}, lambda row: row["source"] in {"SHOPIFY", "SAGE-INTACCT"}),
    "a new source": ({"source": [Source.unlisted("NEW-ONE"), "API"]}, lambda row: row["source"] in {"NEW-ONE", "API"}),
    "all of it": (
        {"country": ["US", "CA"], "source": ["SHOPIFY", "API"], "state": "CA", "search": "customer 1"},
        lambda row: (
            row["country"] in {"US", "CA"}
            and row["source"] in {"SHOPIFY", "API"}
            and row["state"] == "CA"
            and "customer 1" in (row["name"] or "").casefold()
        ),
    ),
    "none": ({"search": "nobody's name"}, lambda row: False),
}


@pytest.mark.parametrize("name", KINTSUGI_CASES)
async def test_kintsugi_rows_are_those_of_the_server(opened, name):
    """Whole and filtered, in any window, in order or as they come: the server's own rows, unknown fields included."""
    filters, fits = KINTSUGI_CASES[name]
    expected = [row for row in KINTSUGI if fits(row)]
    assert bool(expected) == (name != "none")
    async with opened(Kintsugi) as client:
        await read(client.customers.where(**filters), expected, lambda _window: 0)


SWEETSPOT_CASES = {
    "all": ({}, lambda row: True),
    "part of an e-mail": ({"email": "ADA"}, lambda row: EMAILS[row["id"]].startswith("ada")),
    "a user by number": ({"user_id": 7}, lambda row: row["userId"] == 7),
    "a user by name": ({"user_id": "usr_9"}, lambda row: row["userId"] == "usr_9"),
    "none": ({"email": "eve@"}, lambda row: False),
}


def sent(row):
    """Points in time are read as such, to the microsecond."""
    return row | {"createdAt": row["createdAt"][:-4] + "+00:00", "updatedAt": "2025-02-01T00:00:00+00:00"}


@pytest.mark.parametrize("name", SWEETSPOT_CASES)
async def test_sweet_spot_rows_are_those_of_the_server(opened, name):
    """The same of a bare array without a total, and no more requests past the end than are allowed."""
    filters, fits = SWEETSPOT_CASES[name]
    expected = [sent(row) for row in SWEETSPOT if fits(row)]
    assert bool(expected) == (name != "none")
    async with opened(SweetSpot) as client:
        await read(client.customers.where(**filters), expected, lambda window: window + 1)


async def test_an_order_is_the_servers_order(opened):
    """Several names to sort by, joined by commas, as the server splits them."""
    rows = [row for row in KINTSUGI if row["country"] in {"US", "CA"}]
    expected = sorted(rows, key=lambda row: (row["state"] or "", row["city"]))
    async with opened(Kintsugi) as client:
        query = client.customers.where(country=["US", "CA"]).order_by("state", "city")
        assert [row.id async for row in query] == [row["id"] for row in expected]


@pytest.mark.parametrize(("size", "limit"), [(1, 1), (1, 20), (7, 1), (7, 120), (100, 20), (100, 120)])
async def test_page_size_and_limit_are_respected(opened, size, limit):
    """Of either API: so many rows in all, the first ones, whatever the size of a page."""
    for cls, rows in ((Kintsugi, KINTSUGI), (SweetSpot, SWEETSPOT)):
        async with opened(cls) as client:
            listed = await client.customers.page_size(size).limit(limit).to_list()
        assert [row.id for row in listed] == [row["id"] for row in rows[:limit]]


async def test_counts_are_the_servers(opened):
    """With a total by one request, without one by a listing."""
    async with opened(Kintsugi) as client:
        count = await client.customers.where(country="CA").count()
    assert count == len([row for row in KINTSUGI if row["country"] == "CA"])
    async with opened(SweetSpot) as client:
        assert await client.customers.count() == ROWS


async def test_its_errors_are_ours(opened):
    """FastAPI's refusals: 401, 404, and 422 in its own words."""
    async with opened(Kintsugi) as client:
        with pytest.raises(NotFound, match="no such customer"):
            await client.customers.get("cust_x")
        assert (await client.customers.get("cust_0007")).to_dict()["loyalty"] == {"points": 7}
    async with opened(Kintsugi, api_key="another", organization_id="org") as client:
        with pytest.raises(AuthenticationFailed, match=r"who are you\?"):
            await client.customers.to_list()
    async with opened(SweetSpot, token="another") as client:
        with pytest.raises(AuthenticationFailed, match=r"who are you\?"):
            await client.customers.to_list()
    async with opened(SweetSpot, server=Kintsugi) as client:
        with pytest.raises(InvalidRequest, match=r"header\.x-organization-id: Field required"):
            await client.customers.first_page()
