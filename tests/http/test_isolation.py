"""Clients side by side in one process: nobody's key, organisation or settings end up in another's requests."""

import asyncio
import json
import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from urllib.parse import parse_qs

import aiohttp
import anyio
import httpx
import pytest
from attrs import frozen

from readahead import Retry
from readahead.errors import StreamError, TimedOut, UnexpectedAnswer
from readahead.kintsugi import Kintsugi
from readahead.sandbox.server import serving
from readahead.sweetspot import SweetSpot

TOTAL, SIZE = 60, 5
STATES = {"org_a": "CA", "org_b": "NY"}
CREDENTIALS = {"x-api-key", "x-organization-id", "authorization", "cookie"}


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


@frozen
class Seen:
    """A request as it came: how often each header was there is kept."""

    path: str
    query: dict
    headers: list

    def credentials(self):
        return {(name, value) for name, value in self.headers if name in CREDENTIALS}


class Server:
    """Lists for whoever asks, and names them in the rows.

    Pages after the first wait until so many ``parties`` have asked an API for the same one.
    """

    def __init__(self, parties=1):
        self.seen = []
        self._never = asyncio.Event()
        self._parties = parties
        self._asked = defaultdict(set)
        self._met = defaultdict(asyncio.Event)

    async def __call__(self, scope, receive, send):
        query = parse_qs(scope["query_string"].decode())
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        self.seen.append(Seen(scope["path"], query, headers))
        await self._answer(scope["path"], query, dict(headers), send)

    async def _answer(self, path, query, headers, send):
        status, extra = 200, []
        if "page" in query:
            whose, page, size = headers["x-organization-id"], int(query["page"][0]), int(query["size"][0])
            rows = [{"id": f"{whose}-{n}", "organization_id": whose} for n in range(TOTAL)][(page - 1) * size :][:size]
            if page > 1 and rows:
                await self._meet(("page", page, size), whose)
            body = {"items": rows, "total": TOTAL, "page": page, "size": size, "pages": -(-TOTAL // size)}
        elif "offset" in query:
            whose, offset, limit = headers["authorization"], int(query["offset"][0]), int(query["limit"][0])
            body = [{"id": f"{whose}-{n}"} for n in range(TOTAL)][offset:][:limit]
            if offset and body:
                await self._meet(("offset", offset, limit), whose)
        elif path.endswith("/moved"):
            status, body, extra = 302, {}, [(b"location", b"/elsewhere")]
        elif path.endswith("/stalled"):
            await self._never.wait()
            body = {}
        else:
            body = {"id": path.rpartition("/")[2], "organization_id": headers.get("x-organization-id")}
        await send({"type": "http.response.start", "status": status, "headers": extra})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    async def _meet(self, where, whose):
        self._asked[where].add(whose)
        if len(self._asked[where]) == self._parties:
            self._met[where].set()
        await self._met[where].wait()


async def list_kintsugi(url, organization, http_client=None, http="httpx"):
    async with Kintsugi(
        api_key=f"key-of-{organization}", organization_id=organization, base_url=url, http_client=http_client, http=http
    ) as client:
        query = client.customers.where(state=STATES[organization]).page_size(SIZE)
        async with query.prefetch(window=4) as rows:
            return [row.id async for row in rows]


async def list_sweetspot(url, token, http_client=None, http="httpx"):
    async with SweetSpot(token=token, base_url=url, http_client=http_client, http=http) as client:
        query = client.customers.where(name=token).page_size(SIZE)
        async with query.prefetch(window=4) as rows:
            return [row.id async for row in rows]


def check(server, rows):
    """Every request carries the credentials of the listing whose filter it carries, once each, and no others."""
    expected = {whose: [f"{whose}-{n}" for n in range(TOTAL)] for whose in ("org_a", "org_b", "Bearer a", "Bearer b")}
    assert rows == expected
    counts = defaultdict(int)
    for seen in server.seen:
        assert len(seen.credentials()) == len([name for name, _ in seen.headers if name in CREDENTIALS])
        if "state" in seen.query:
            organization = next(name for name, state in STATES.items() if [state] == seen.query["state"])
            of_it = {("x-api-key", f"key-of-{organization}"), ("x-organization-id", organization)}
        else:
            organization = seen.query["name"][0]
            of_it = {("authorization", f"Bearer {organization}")}
        assert seen.credentials() == of_it
        counts[organization] += 1
    assert counts.keys() == {"org_a", "org_b", "a", "b"}
    assert min(counts.values()) >= TOTAL // SIZE


@pytest.mark.anyio
@pytest.mark.parametrize("shared", [False, True], ids=["own connections", "one client"])
async def test_listings_of_four_clients_at_once_never_mix(http, shared):
    """Two organisations and two tokens, each page held until both of its API ask for it: own rows, own keys."""
    server, rows = Server(parties=2), {}

    with serving(server) as url:
        async with AsyncExitStack() as stack:
            open_one = httpx.AsyncClient if http == "httpx" else aiohttp.ClientSession
            http_client = await stack.enter_async_context(open_one()) if shared else None
            group = await stack.enter_async_context(anyio.create_task_group())

            async def collect(whose, listing, name):
                rows[whose] = await listing(url, name, http_client, "httpx" if shared else http)

            for organization in STATES:
                group.start_soon(collect, organization, list_kintsugi, organization)
            for token in "ab":
                group.start_soon(collect, f"Bearer {token}", list_sweetspot, token)
    check(server, rows)


def test_clients_in_threads_with_loops_of_their_own_never_mix():
    """Four threads, two of them under trio, each page held until both of its API ask for it."""
    server = Server(parties=2)
    with serving(server) as url, ThreadPoolExecutor(4) as threads:
        running = {
            "org_a": threads.submit(anyio.run, list_kintsugi, url, "org_a", backend="asyncio"),
            "org_b": threads.submit(anyio.run, list_kintsugi, url, "org_b", backend="trio"),
            "Bearer a": threads.submit(anyio.run, list_sweetspot, url, "a", backend="asyncio"),
            "Bearer b": threads.submit(anyio.run, list_sweetspot, url, "b", backend="trio"),
        }
        rows = {whose: future.result() for whose, future in running.items()}
    check(server, rows)


# ---- a client of the user's own


def kintsugi(url, http_client, **how):
    how = {"retry": Retry(attempts=1), **how}
    return Kintsugi(api_key="key", organization_id="org", base_url=url, http_client=http_client, **how)


@pytest.mark.anyio
async def test_the_users_client_is_left_as_it_was():
    """Not closed by us, not even by an error; nothing of ours stays on it, and its next request carries none of it."""
    server = Server()

    with serving(server) as url:
        async with httpx.AsyncClient(headers={"x-mine": "1"}, cookies={"mine": "1"}, params={"mine": "1"}) as mine:
            before = [list(mine.headers.multi_items()), list(mine.cookies.jar), mine.params, mine.auth]
            async with kintsugi(url, mine) as one, SweetSpot(token="token", base_url=url, http_client=mine) as other:
                assert (await one.customers.get("cust_1")).id == "cust_1"
                assert len((await other.customers.page_size(SIZE).first_page()).rows) == SIZE
                with pytest.raises(UnexpectedAnswer):
                    await one.customers.get("moved")
            with pytest.raises(StreamError, match="closed"):
                await one.customers.get("cust_1")
            assert not mine.is_closed
            after = [list(mine.headers.multi_items()), list(mine.cookies.jar), mine.params, mine.auth]
            assert after == before
            await mine.get(f"{url}/of-my-own")
    own = server.seen[-1]
    assert own.path == "/of-my-own"
    assert own.credentials() == {("cookie", "mine=1")}


@pytest.mark.anyio
async def test_the_users_headers_cookies_and_hooks_keep_working():
    """They are on our requests too, where they do not contradict what the API needs."""
    server, hooked = Server(), []

    async def on_request(request):
        hooked.append(("request", request.url.path))
        request.headers["x-traced"] = "1"

    async def on_response(response):
        hooked.append(("response", response.status_code))

    with serving(server) as url:
        async with httpx.AsyncClient(
            headers={"x-mine": "1", "x-api-key": "another", "accept": "text/html", "authorization": "Basic me"},
            cookies={"mine": "1"},
            event_hooks={"request": [on_request], "response": [on_response]},
        ) as mine:
            async with kintsugi(url, mine) as one:
                await one.customers.get("cust_1")
            async with SweetSpot(token="token", base_url=url, http_client=mine) as other:
                await other.customers.get("cust_1")
    assert hooked == [("request", "/v1/customers/cust_1"), ("response", 200)] * 2
    one, other = (dict(seen.headers) for seen in server.seen)
    for headers in (one, other):
        assert headers["x-mine"] == headers["x-traced"] == "1"
        assert headers["cookie"] == "mine=1"
        assert headers["accept"] == "application/json"
        assert headers["user-agent"].startswith("readahead/")
    assert one["x-api-key"] == "key"
    assert other["authorization"] == "Bearer token"
    assert len(server.seen[0].headers) == len(one)


@pytest.mark.anyio
async def test_the_users_auth_does_not_replace_our_token():
    """An ``auth`` on the client would put its own Authorization header in the place of ours."""
    server = Server()

    with serving(server) as url:
        async with httpx.AsyncClient(auth=("me", "my password")) as mine:
            async with SweetSpot(token="token", base_url=url, http_client=mine) as client:
                await client.customers.get("cust_1")
            await mine.get(f"{url}/of-my-own")
    ours, own = server.seen
    assert ours.credentials() == {("authorization", "Bearer token")}
    assert dict(own.headers)["authorization"].startswith("Basic ")


@pytest.mark.anyio
async def test_redirects_are_off_and_a_timeout_is_on_whatever_the_users_client_says():
    """A client that follows redirects and never times out does neither on our requests, and both on its own."""
    server, timeouts = Server(), []

    async def on_request(request):
        timeouts.append(request.extensions["timeout"])

    with serving(server) as url:
        async with httpx.AsyncClient(
            follow_redirects=True, timeout=None, event_hooks={"request": [on_request]}
        ) as mine:
            async with kintsugi(url, mine, timeout=12.5) as client:
                with pytest.raises(UnexpectedAnswer, match="redirects are not followed"):
                    await client.customers.get("moved")
            async with kintsugi(url, mine, timeout=0.05) as client:
                with pytest.raises(TimedOut):
                    await client.customers.get("stalled")
            assert (await mine.get(f"{url}/moved")).url.path == "/elsewhere"
    assert [set(timeout.values()) for timeout in timeouts] == [{12.5}, {0.05}, {None}, {None}]
    assert [seen.path for seen in server.seen if "stalled" not in seen.path] == [
        "/v1/customers/moved",
        "/moved",
        "/elsewhere",
    ]


@pytest.mark.anyio
async def test_a_users_client_that_is_closed_is_a_clear_error():
    """Its owner closed it: nothing can be sent over it, and no error of the HTTP library says so."""
    async with httpx.AsyncClient() as mine:
        client = kintsugi("http://127.0.0.1:9", mine)
    with pytest.raises(StreamError, match="http_client"):
        await client.customers.first_page()
    await client.aclose()


@pytest.mark.anyio
async def test_one_client_closed_leaves_the_other_listing_over_the_same_connections():
    """Two clients over one of the user's: closing the first in the middle of the second's listing does not end it."""
    server = Server()

    with serving(server) as url:
        async with httpx.AsyncClient() as mine, kintsugi(url, mine) as second:
            first = kintsugi(url, mine)
            await first.customers.get("cust_1")
            ids = []
            async with second.customers.page_size(SIZE).prefetch(window=3) as rows:
                async for row in rows:
                    ids.append(row.id)
                    if len(ids) == SIZE:
                        await first.aclose()
            assert ids == [f"org-{n}" for n in range(TOTAL)]


@pytest.mark.anyio
async def test_httpxs_line_with_the_whole_url_is_logged_for_the_users_requests_alone(caplog):
    """Listings over our own connections leave no filter value in the log, while the user's requests go on logging."""
    server = Server(parties=2)
    caplog.set_level(logging.DEBUG)

    with serving(server) as url:
        async with httpx.AsyncClient() as mine, anyio.create_task_group() as group:
            group.start_soon(list_kintsugi, url, "org_a")
            group.start_soon(list_kintsugi, url, "org_b", mine)
    lines = [record.getMessage() for record in caplog.records]
    logged = [line for line in lines if line.startswith("HTTP Request")]
    assert len(logged) == sum(seen.query["state"] == ["NY"] for seen in server.seen) > 1
    assert all("state=NY" in line for line in logged)
    assert not any("state=CA" in line for line in lines)
    assert not any("key-of" in line for line in lines)
