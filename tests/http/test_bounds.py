"""Answers are bounded: in bytes, in what they decompress to, and in the work between two turns of the loop."""

import gzip
import json
import tracemalloc
import zlib
from contextlib import asynccontextmanager

import aiohttp
import anyio
import httpx
import httpx2
import pytest
from anyio import lowlevel
from servers import CUSTOMERS, Server, answer, customers, endless, failing, plain, raw, stall

from readahead import Retry
from readahead.errors import (
    ConnectionLost,
    NotFound,
    RateLimited,
    ReadaheadError,
    ResponseTooLarge,
    ServerError,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from readahead.kintsugi import Kintsugi
from readahead.sweetspot import SweetSpot

pytestmark = pytest.mark.anyio
LIMIT = 1_000_000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\n\r\n"
ENDLESS = {
    "chunks": endless(CHUNKED, b"10000\r\n" + b" " * 65_536 + b"\r\n"),
    "until it is closed": endless(TO_THE_END),
    "announced": endless(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
    "gzip that never ends": endless(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\x00\x00\x00\xff\xff" * 10_000
    ),
}


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


def inflating(size):
    """So many spaces, compressed a thousandfold."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([packer.compress(b" " * 1_000_000) for _ in range(size // 1_000_000)]) + packer.flush()


def packed(seen, *, members=1):
    """A page in gzip, of one member or several."""
    whole = customers(seen)
    size = -(-len(whole) // members)
    return b"".join(gzip.compress(whole[start : start + size]) for start in range(0, len(whole), size))


@pytest.mark.parametrize("how", ENDLESS)
async def test_an_endless_body_is_refused_at_the_limit(kintsugi, how):
    """One typed error, one request, and the connection is closed: what was sent is the limit and what buffers hold."""
    async with Server(after=ENDLESS[how]) as server:
        async with kintsugi(server, max_response=LIMIT, retry=Retry(attempts=4, base=0)) as client:
            with pytest.raises(ResponseTooLarge, match="larger than 1,000,000 bytes; raise max_response") as caught:
                await client.customers.where(search="ada").first_page()
            await server.until(lambda it: it.counts["left"] == 1)
        assert caught.value.status == 200
        assert "ada" not in str(caught.value)
        assert caught.value.__context__ is None
        assert len(server.seen) == 1
        assert server.flooded < LIMIT + 30_000_000


async def test_a_body_that_inflates_is_refused_before_it_fills_the_memory(kintsugi):
    """300 kB that would become 300 MB: no more than the limit and a piece is ever there."""
    bomb = answer(inflating(300_000_000), headers=["Content-Encoding: gzip"])
    async with Server(after=raw(bomb)) as server, kintsugi(server, max_response=LIMIT) as client:
        tracemalloc.start()
        try:
            with pytest.raises(ResponseTooLarge):
                await client.customers.first_page()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 12_000_000


async def test_others_have_their_turns_while_a_body_is_decompressed(kintsugi):
    """Fifty million bytes of one piece of 50 kB: a turn for each quarter of a million."""
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await lowlevel.checkpoint()
            turns += 1

    body = b'{"id": "cust_1"}' + b" " * 50_000_000
    page = raw(answer(gzip.compress(body), headers=["Content-Encoding: gzip"]))
    async with Server(after=page) as server, kintsugi(server) as client, anyio.create_task_group() as group:
        group.start_soon(count)
        assert (await client.customers.get("cust_1")).id == "cust_1"
        group.cancel_scope.cancel()
    assert turns > 150


async def test_the_timeout_holds_while_pieces_of_a_byte_arrive(kintsugi):
    """However many there are at once. Nothing is left behind that would warn."""
    step = endless(CHUNKED, b"1\r\n \r\n" * 10_000)
    async with Server(after=step) as server, kintsugi(server, timeout=0.3) as client:
        error = await failing(client.customers.first_page())
        assert type(error) is TimedOut
        await server.until(lambda it: it.counts["left"] == 1)


@pytest.mark.parametrize("coding", [None, "gzip"])
async def test_the_limit_is_what_fits(kintsugi, coding):
    """Exactly so many bytes are read, one more are refused; of what is received and of what it becomes."""
    for size, fits in ((LIMIT, True), (LIMIT + 1, False)):
        whole = b'{"id": "cust_1"}'.ljust(size)
        wire = whole if coding is None else gzip.compress(whole)
        head = [] if coding is None else ["Content-Encoding: gzip"]
        step = raw(answer(wire, headers=head))
        async with Server(after=step) as server, kintsugi(server, max_response=LIMIT) as client:
            if fits:
                assert (await client.customers.get("cust_1")).id == "cust_1"
            else:
                with pytest.raises(ResponseTooLarge):
                    await client.customers.get("cust_1")


async def test_what_is_received_counts_as_well(kintsugi):
    """Noise that gzip makes longer: the body fits, what comes over the wire does not."""
    stored = b"".join(gzip.compress(b" ") for _ in range(2_000)) + gzip.compress(b'{"id": "cust_1"}')
    async with Server(after=raw(answer(stored, headers=["Content-Encoding: gzip"]))) as server:
        async with kintsugi(server, max_response=len(stored)) as client:
            assert (await client.customers.get("cust_1")).id == "cust_1"
        async with kintsugi(server, max_response=len(stored) - 1) as client:
            with pytest.raises(ResponseTooLarge):
                await client.customers.get("cust_1")


async def test_a_create_whose_answer_is_too_large_may_have_been_applied(kintsugi):
    """It is sent once, and says so."""
    async with Server(after=ENDLESS["chunks"]) as server:
        async with kintsugi(server, max_response=LIMIT, retry=Retry(attempts=4, base=0)) as client:
            with pytest.raises(ResponseTooLarge, match="may have been applied") as caught:
                await client.customers.create(name="Ada")
        assert caught.value.maybe_applied
        assert server.count("POST") == 1


async def test_a_listing_delivers_the_rows_before_a_page_that_is_too_large(kintsugi):
    """Then the error, with a checkpoint from which a client with a larger limit goes on."""
    huge = raw(answer(b" " * 20_000))
    async with Server(plain, plain, huge) as server, kintsugi(server, max_response=15_000) as client:
        read = []
        with pytest.raises(ResponseTooLarge) as caught:
            async with client.customers.page_size(100).prefetch(window=1) as rows:
                async for row in rows:
                    read.append(row.id)
        assert read
        async with client.customers.page_size(100).prefetch(resume=caught.value.checkpoint) as rows:
            read += [row.id async for row in rows]
        assert read == [f"cust_{number}" for number in range(1000)]


# ---- codings


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "identity, gzip", "gzip, identity"])
@pytest.mark.parametrize("members", [1, 3])
async def test_one_gzip_is_read(kintsugi, coding, members):
    """By any of its names, of one member or several (RFC 1952, 2.2)."""

    def page(seen):
        return answer(packed(seen, members=members), headers=[f"Content-Encoding: {coding}"]), "keep"

    async with Server(after=page) as server, kintsugi(server) as client:
        assert len(await client.customers.to_list()) == 1000
        assert {seen.headers["accept-encoding"] for seen in server.seen} == {"gzip"}


@pytest.mark.parametrize(
    "headers",
    [["gzip, gzip"], ["gzip", "gzip"], ["gzip,gzip,gzip"], ["br"], ["deflate"], ["zstd"], ["gzip, br"], ["nonsense"]],
    ids=str,
)
async def test_a_coding_that_was_not_asked_for_is_refused(kintsugi, headers):
    """And one inside another: each level could inflate what the last one bounded."""
    body = gzip.compress(gzip.compress(b'{"id": "cust_1"}'))
    step = raw(answer(body, headers=[f"Content-Encoding: {name}" for name in headers]))
    async with Server(after=step) as server, kintsugi(server) as client:
        with pytest.raises(UnexpectedAnswer, match=r"Content-Encoding '.*', which was not asked for"):
            await client.customers.get("cust_1")


DAMAGED = {
    "cut short": lambda whole: whole[:-20],
    "without its checksum": lambda whole: whole[:-8],
    "another checksum": lambda whole: whole[:-8] + b"12345678",
    "something behind it": lambda whole: whole + b"not gzip",
    "none": lambda whole: b"not gzip",
}


@pytest.mark.parametrize("how", DAMAGED)
async def test_damaged_gzip_is_a_lost_connection_and_is_requested_again(kintsugi, how):
    """Half a page never passes for a page."""

    def page(seen):
        return answer(DAMAGED[how](packed(seen)), headers=["Content-Encoding: gzip"]), "keep"

    async with Server(page, page, plain) as server:
        async with kintsugi(server) as client:
            assert type(await failing(client.customers.first_page())) is ConnectionLost
        async with kintsugi(server, retry=Retry(attempts=2, base=0)) as client:
            assert len(await client.customers.first_page()) == 100


async def test_an_empty_body_may_say_that_it_is_gzip(kintsugi):
    """As some servers write it."""
    step = raw(answer(b"", "404 None", ["Content-Encoding: gzip"]))
    async with Server(after=step) as server, kintsugi(server) as client:
        with pytest.raises(NotFound):
            await client.customers.get("cust_1")


# ---- errors


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
@pytest.mark.parametrize(("status", "kind"), [("404 No", NotFound), ("503 Busy", ServerError), ("429 No", RateLimited)])
async def test_an_error_stays_what_its_status_says_however_long_its_body(kintsugi, status, kind, coding):
    """Of the body, the first million bytes are kept, or none if they cannot be read; what is repeated is repeated."""
    detail = json.dumps({"detail": "x" * 5_000_000}).encode()
    wire = gzip.compress(detail) if coding == "gzip" else detail
    wrong = raw(answer(wire, status, [f"Content-Encoding: {coding}", "Retry-After: 0"]))
    async with Server(wrong, wrong, wrong, plain) as server:
        async with kintsugi(server) as client:
            with pytest.raises(kind) as caught:
                await client.customers.get("cust_1")
        assert len(caught.value.body) == (0 if coding == "br" else 1_000_000)
        assert len(str(caught.value)) < 1000
        if kind is not NotFound:
            async with kintsugi(server, retry=Retry(attempts=3, base=0)) as client:
                assert len(await client.customers.first_page()) == 100


async def test_an_endless_error_is_an_error(kintsugi):
    """It does not take until the timeout."""
    async with Server(after=endless(b"HTTP/1.1 500 Oops\r\n\r\n")) as server, kintsugi(server) as client:
        with pytest.raises(ServerError) as caught:
            await client.customers.get("cust_1")
        assert len(caught.value.body) == 1_000_000


# ---- clients of the user's


@asynccontextmanager
async def opened(library, server, **options):
    """A client of ours over one of the user's, with what they have for gzip, brotli and the like."""
    mine = {"httpx": httpx.AsyncClient, "httpx2": httpx2.AsyncClient, "aiohttp": aiohttp.ClientSession}[library]
    async with mine(headers={"Accept-Encoding": "br, zstd, gzip"}) as http_client:
        yield Kintsugi(
            api_key="the-key",
            organization_id="org",
            base_url=server.url,
            http_client=http_client,
            retry=Retry(attempts=1),
            **options,
        )


LIBRARIES = ["httpx", "httpx2", "aiohttp"]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("how", [*ENDLESS, "inflating", "nested"])
async def test_a_client_that_is_handed_in_is_bounded_too(lane, library, how):
    """By the same limit, in the same words."""
    if lane[0] == "aiohttp" or (library == "aiohttp" and lane[1] == "trio"):
        pytest.skip("the library is handed in; aiohttp runs on asyncio only")
    steps = {
        **ENDLESS,
        "inflating": raw(answer(inflating(50_000_000), headers=["Content-Encoding: gzip"])),
        "nested": raw(answer(gzip.compress(inflating(50_000_000)), headers=["Content-Encoding: gzip, gzip"])),
    }
    async with Server(steps[how], plain) as server, opened(library, server, max_response=LIMIT) as client:
        with pytest.raises(UnexpectedAnswer if how == "nested" else ResponseTooLarge):
            await client.customers.first_page()
        assert len(await client.customers.first_page()) == 100
        assert {seen.headers["accept-encoding"] for seen in server.seen} == {"gzip"}


@pytest.mark.parametrize("library", LIBRARIES)
async def test_a_body_that_a_hook_has_read_counts_as_well(lane, library):
    """It is there already; a limit that is too small is still an error, and one that is not is none."""
    if lane[0] == "aiohttp" or (library == "aiohttp" and lane[1] == "trio"):
        pytest.skip("the library is handed in; aiohttp runs on asyncio only")
    seen_bodies = []

    async def hook(response):
        seen_bodies.append(await response.aread())

    async def middleware(request, handler):
        response = await handler(request)
        seen_bodies.append(await response.read())
        return response

    def page(seen):
        return answer(packed(seen), headers=["Content-Encoding: gzip"]), "keep"

    options = {"middlewares": (middleware,)} if library == "aiohttp" else {"event_hooks": {"response": [hook]}}
    mine = {"httpx": httpx.AsyncClient, "httpx2": httpx2.AsyncClient, "aiohttp": aiohttp.ClientSession}[library]
    async with Server(after=page) as server, mine(**options) as http_client:
        for size, fits in ((LIMIT, True), (1000, False)):
            client = Kintsugi(
                api_key="k", organization_id="o", base_url=server.url, http_client=http_client, max_response=size
            )
            if fits:
                assert len(await client.customers.first_page()) == 100
            else:
                with pytest.raises(ResponseTooLarge):
                    await client.customers.first_page()
    assert len(seen_bodies) == 2


# ---- the option


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "64 MB", True, None])
def test_a_limit_that_is_none_is_refused_when_the_client_is_made(wrong):
    """It is a whole number of bytes."""
    with pytest.raises(UsageError, match="max_response must be a whole number of bytes"):
        SweetSpot(token="token", max_response=wrong)


async def test_the_limit_is_64_million_bytes_unless_told_otherwise(kintsugi):
    """More than that in an announced length is refused before a byte of it."""
    step = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 64000001\r\n\r\n", "stall")
    async with Server(step, stall) as server, kintsugi(server) as client:
        with pytest.raises(ReadaheadError, match="larger than 64,000,000 bytes"):
            await client.customers.get("cust_1")
        assert server.count("GET", f"{CUSTOMERS}/cust_1") == 1
