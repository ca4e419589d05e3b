"""The seam to the HTTP libraries: which one sends, what is imported for it, and what becomes of its exceptions."""

import inspect
import subprocess
import sys

import aiohttp
import anyio
import httpx
import httpx2
import pytest
from servers import Server, plain, raw
from shown import chain_of, chain_text, everything

from readahead import Retry
from readahead.errors import (
    ConnectFailed,
    ConnectionLost,
    NotFound,
    ReadaheadError,
    RequestError,
    ServerError,
    StreamError,
    TimedOut,
    UsageError,
)
from readahead.http import aiohttp_adapter, httpx_adapter
from readahead.kintsugi import Kintsugi
from readahead.sweetspot import SweetSpot

# ---- every exception of every library

NEVER = {
    "WSMessageTypeError",  # of web sockets
    "WebSocketError",
    "EofStream",  # of aiohttp's streams of parts, which tell their own reader
}


def exceptions_of(library):
    """The public exceptions that a request can raise."""
    return {
        cls
        for name, cls in vars(library).items()
        if inspect.isclass(cls) and issubclass(cls, Exception) and not issubclass(cls, Warning) and name not in NEVER
    }


TABLES = {
    httpx: httpx_adapter.errors_of(httpx),
    httpx2: httpx_adapter.errors_of(httpx2),
    aiohttp: aiohttp_adapter.ERRORS,
}


@pytest.mark.parametrize("library", TABLES, ids=lambda library: library.__name__)
def test_every_exception_of_a_library_is_mapped(library):
    """By itself, not by way of its base class: a new one is looked at by a person."""
    assert len(exceptions_of(library)) > 25
    assert exceptions_of(library) - TABLES[library].keys() == set()
    assert all(issubclass(ours, RequestError) for ours in TABLES[library].values())


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (httpx.ConnectError, ConnectFailed),
        (httpx2.ProxyError, ConnectFailed),
        (httpx2.ReadTimeout, TimedOut),
        (httpx2.RemoteProtocolError, ConnectionLost),
        (httpx2.InvalidURL, RequestError),
        (aiohttp.ClientConnectorCertificateError, ConnectFailed),
        (aiohttp.ClientHttpProxyError, ConnectFailed),
        (aiohttp.SocketTimeoutError, TimedOut),
        (aiohttp.ServerDisconnectedError, ConnectionLost),
        (aiohttp.ClientPayloadError, ConnectionLost),
        (aiohttp.NonHttpUrlClientError, RequestError),
    ],
)
def test_what_an_exception_becomes(theirs, ours):
    """No connection, a broken one, no response in time are told apart; of a URL only the answer's can be wrong."""
    assert next(table[theirs] for table in TABLES.values() if theirs in table) is ours


def build(cls):
    """An exception of aiohttp's that holds a request with a key and a filter."""
    url = aiohttp.client.URL("https://api.example.com/v1/customers?search_query=a-value-of-a-filter")
    headers = {"X-API-KEY": "the-key-of-ours"}
    info = aiohttp.RequestInfo(url, "GET", headers, url)
    key = aiohttp.client_reqrep.ConnectionKey("127.0.0.1", 80, False, True, None, None, None)
    if issubclass(cls, aiohttp.ClientConnectorCertificateError):
        return cls(key, OSError("no"))
    if issubclass(cls, aiohttp.ClientConnectorError):
        return cls(key, OSError(111, "refused"))
    if issubclass(cls, aiohttp.ClientResponseError):
        return cls(info, (), status=400, message="it broke", headers=headers)
    if cls is aiohttp.ServerFingerprintMismatch:
        return cls(b"a", b"b", "127.0.0.1", 80)
    if issubclass(cls, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return cls(url)
    return cls(f"Connection timeout to host {url}")


@pytest.mark.asyncio
@pytest.mark.parametrize("cls", sorted(exceptions_of(aiohttp), key=str), ids=lambda cls: cls.__name__)
async def test_no_exception_of_aiohttp_escapes(cls):
    """Each leaves as an error of ours, without a cause or context, a key or the value of a filter."""

    async def broken(_request, _handler):
        raise build(cls)

    async with aiohttp.ClientSession(middlewares=(broken,)) as session:
        client = Kintsugi(
            api_key="the-key-of-ours", organization_id="org", http_client=session, retry=Retry(attempts=1)
        )
        for call in (
            lambda: client.customers.where(search="a-value-of-a-filter").first_page(),
            lambda: client.customers.create(name="a-value-of-a-filter"),
        ):
            with pytest.raises(ReadaheadError) as caught:
                await call()
            assert chain_of(caught.value) == [caught.value]
            assert "a-value-of-a-filter" not in chain_text(caught.value)
            assert "the-key-of-ours" not in chain_text(caught.value) + everything(client)
            assert type(caught.value) is aiohttp_adapter.ERRORS[cls]


# ---- which library sends


@pytest.mark.parametrize("wrong", ["requests", "httpx2", "", None, True, 1])
def test_another_library_is_refused(wrong):
    """When the client is made."""
    with pytest.raises(UsageError, match=r"^http must be 'httpx' or 'aiohttp', not "):
        SweetSpot(token="token", http=wrong)


def test_aiohttp_does_not_run_on_trio():
    """The error says what does."""

    async def main():
        async with SweetSpot(token="token", http="aiohttp") as client:
            with pytest.raises(UsageError, match="asyncio only"):
                await client.customers.first_page()

    anyio.run(main, backend="trio")


def test_aiohttp_that_is_not_installed_is_named_with_the_way_to_install_it():
    """In a process of its own, where it cannot be imported."""
    code = """
import sys
sys.modules["aiohttp"] = None
from readahead.sweetspot import SweetSpot
SweetSpot(token="token")
try:
    SweetSpot(token="token", http="aiohttp")
except ValueError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "UsageError http='aiohttp' needs a package: pip install 'readahead[aiohttp]'\n"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_whoever_never_asks_for_aiohttp_never_imports_it(backend):
    """Nor httpx2; a listing, and a customer, over real connections."""
    code = f"""
import sys, anyio
from readahead.kintsugi import Kintsugi
assert not {{"httpx", "httpcore", "ssl", "trio"}} & set(sys.modules), "an import that costs"

async def main():
    async with Kintsugi(api_key="key", organization_id="org", base_url=sys.argv[1]) as client:
        assert len(await client.customers.to_list()) == 1000
        await client.customers.get("cust_1")

anyio.run(main, backend={backend!r})
print([name for name in ("aiohttp", "yarl", "httpx2", "httpx") if name in sys.modules])
"""
    with Server() as server:
        done = subprocess.run([sys.executable, "-c", code, server.url], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("['httpx']\n", "")


# ---- a client of the user's


class Handed:
    """Each kind of client that can be handed in, with a header and a cookie of its own."""

    @staticmethod
    def httpx():
        return httpx.AsyncClient(headers={"x-mine": "1"}, cookies={"mine": "1"}, params={"mine": "1"})

    @staticmethod
    def httpx2():
        return httpx2.AsyncClient(headers={"x-mine": "1"}, cookies={"mine": "1"}, params={"mine": "1"})

    @staticmethod
    def aiohttp():
        return aiohttp.ClientSession(headers={"x-mine": "1"}, cookie_jar=aiohttp.CookieJar(unsafe=True))


LIBRARIES = pytest.mark.parametrize("library", ["httpx", "httpx2", "aiohttp"])


@pytest.mark.asyncio
@LIBRARIES
async def test_a_client_that_is_handed_in_sends_and_stays_open(library):
    """A listing and a create, with its own headers besides ours."""
    with Server() as server:
        async with getattr(Handed, library)() as mine:
            async with Kintsugi(api_key="key", organization_id="org", base_url=server.url, http_client=mine) as client:
                assert len(await client.customers.to_list()) == 1000
                await client.customers.create(name="Ada")
            assert not (mine.closed if library == "aiohttp" else mine.is_closed)
            with pytest.raises(StreamError, match="closed"):
                await client.customers.first_page()
            mine.headers.get("x-mine")
        assert {seen.headers["x-mine"] for seen in server.seen} == {"1"}
        assert {seen.headers["x-api-key"] for seen in server.seen} == {"key"}
        assert server.seen[-1].body == b'{"name":"Ada"}'
        if library != "aiohttp":
            assert {seen.query["mine"][0] for seen in server.seen} == {"1"}


@pytest.mark.asyncio
@LIBRARIES
async def test_a_closed_client_that_is_handed_in_is_a_clear_error(library):
    """No error of the library says so."""
    async with getattr(Handed, library)() as mine:
        client = SweetSpot(token="token", http_client=mine)
    with pytest.raises(StreamError, match="http_client is closed"):
        await client.customers.first_page()


@pytest.mark.asyncio
@LIBRARIES
@pytest.mark.parametrize("option", [{"http": "aiohttp"}, {"proxy": "http://localhost:1"}, {"verify": False}], ids=str)
async def test_what_a_client_that_is_handed_in_decides_by_itself_is_refused_beside_it(library, option):
    """It would be ignored."""
    async with getattr(Handed, library)() as mine:
        with pytest.raises(UsageError, match="do not apply to an http_client"):
            SweetSpot(token="token", http_client=mine, **option)


@pytest.mark.asyncio
async def test_an_auth_that_would_replace_our_token_is_refused_with_aiohttp():
    """aiohttp raises an error of its own where both are there; httpx lets ours through."""
    with pytest.warns(DeprecationWarning):
        session = aiohttp.ClientSession(auth=aiohttp.BasicAuth("me", "my-password"))
    async with session:
        with pytest.raises(UsageError, match="open it without auth"):
            await SweetSpot(token="token", http_client=session).customers.first_page()


@pytest.mark.asyncio
async def test_a_session_that_raises_for_status_makes_no_difference():
    """The status is judged by us."""
    with Server(after=raw(b"HTTP/1.1 404 Gone\r\nContent-Length: 2\r\n\r\n{}")) as server:
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            client = Kintsugi(api_key="key", organization_id="org", base_url=server.url, http_client=session)
            with pytest.raises(ReadaheadError, match="status 404"):
                await client.customers.get("cust_1")


@pytest.mark.asyncio
async def test_a_hook_that_raises_before_the_body_is_read_makes_no_difference():
    """httpx closes such a response; its status and headers still tell what it is, for a request that writes too."""

    async def refuse(response):
        response.raise_for_status()

    busy = raw(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\n{}")
    gone = raw(b"HTTP/1.1 404 Gone\r\nContent-Length: 2\r\n\r\n{}")
    failed = raw(b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}")
    async with (
        Server(busy, plain, gone, after=failed) as server,
        httpx.AsyncClient(event_hooks={"response": [refuse]}) as http,
    ):
        client = Kintsugi(api_key="key", organization_id="org", base_url=server.url, http_client=http)
        assert len(await client.customers.first_page()) == 100
        with pytest.raises(NotFound):
            await client.customers.get("cust_1")
        with pytest.raises(ServerError) as caught:
            await client.customers.create(name="Ada")
        assert caught.value.maybe_applied
        assert server.count("POST") == 1


# ---- clients of ours


COOKIE = raw(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 15\r\n\r\n" + b'{"id":"cust_1"}')


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


@pytest.mark.anyio
async def test_cookies_are_not_kept(kintsugi):
    """What one response sets the next request does not carry."""
    async with Server(COOKIE, COOKIE) as server, kintsugi(server) as client:
        for _ in range(2):
            await client.customers.get("cust_1")
        assert not any("cookie" in seen.headers for seen in server.seen)


@pytest.mark.anyio
async def test_connections_are_kept_and_never_more_than_the_requests_under_way(kintsugi):
    """One after the other they share one connection; a window of eight opens eight."""
    async with Server() as server, kintsugi(server) as client:
        for _ in range(5):
            await client.customers.get("cust_1")
        assert server.connections == 1
        async with client.customers.page_size(10).prefetch(window=8) as rows:
            assert len([row async for row in rows]) == 1000
        assert server.connections <= 9
        before = server.connections
        async with client.customers.page_size(10).prefetch(window=8) as rows:
            assert len([row async for row in rows]) == 1000
        assert server.connections <= max(before, 9)


@pytest.mark.anyio
async def test_a_header_of_64_kib_is_read(kintsugi):
    """As long a one as httpx takes, with either library."""
    long = b"a" * 60_000
    step = raw(b"HTTP/1.1 200 OK\r\nX-Long: " + long + b"\r\nContent-Length: 15\r\n\r\n" + b'{"id":"cust_1"}')
    async with Server(step, plain) as server, kintsugi(server) as client:
        assert (await client.customers.get("cust_1")).id == "cust_1"
