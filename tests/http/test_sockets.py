"""What becomes of requests on real sockets: dropped, cut short, stalled, encrypted, sent through a proxy."""

import asyncio
import json
from contextlib import contextmanager, suppress
from urllib.parse import unquote

import anyio
import pytest
import trio
from anyio import lowlevel
from servers import (
    CUSTOMERS,
    Server,
    answer,
    drip,
    drop,
    failing,
    half,
    half_a_chunk,
    half_unframed,
    half_zipped,
    nobody,
    plain,
    raw,
    reset,
    stall,
    stall_half_way,
    unannounced_last,
    unframed,
    unframed_without_a_body,
)

from readahead import Retry
from readahead.errors import (
    ConnectFailed,
    ConnectionLost,
    CredentialsError,
    InvalidRequest,
    RequestError,
    StreamError,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from readahead.kintsugi import Kintsugi
from readahead.sweetspot import SweetSpot

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


# ---- dropped before an answer


@pytest.mark.parametrize("attempts", [1, 6])
@pytest.mark.parametrize("how", [drop, reset, half, half_a_chunk, half_unframed])
async def test_a_post_without_its_answer_is_sent_once(kintsugi, how, attempts):
    """However often ``retry`` allows: the server sees one POST, and the error says that it may have been applied."""
    async with Server(after=how) as server:
        async with kintsugi(server, retry=Retry(attempts=attempts, base=0)) as client:
            error = await failing(client.customers.create(name="Ada"))
        assert type(error) is ConnectionLost
        assert error.maybe_applied
        assert "may have been applied" in str(error)
        assert [(seen.method, json.loads(seen.body)) for seen in server.seen] == [("POST", {"name": "Ada"})]


@pytest.mark.parametrize("attempts", [1, 2, 4])
@pytest.mark.parametrize("how", [drop, reset])
async def test_a_get_is_repeated_as_often_as_retry_says(kintsugi, how, attempts):
    """Each attempt is one request on the wire, whatever the library would do by itself."""
    async with Server(after=how) as server:
        async with kintsugi(server, retry=Retry(attempts=attempts, base=0)) as client:
            error = await failing(client.customers.get("cust_1"))
        assert type(error) is ConnectionLost
        assert not error.maybe_applied
        assert server.count("GET", f"{CUSTOMERS}/cust_1") == attempts
        assert len(server.seen) == server.count("GET", f"{CUSTOMERS}/cust_1")


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_put_is_repeated_and_says_at_the_end_that_it_may_have_been_applied(kintsugi, attempts):
    """An update sets what it names, so twice is once; whether it was done is not known."""
    async with Server(after=drop) as server:
        async with kintsugi(server, retry=Retry(attempts=attempts, base=0)) as client:
            error = await failing(client.customers.update("cust_1", name="Ada"))
        assert type(error) is ConnectionLost
        assert error.maybe_applied
        assert server.count("PUT", f"{CUSTOMERS}/cust_1") == attempts
        assert {seen.body for seen in server.seen} == {b'{"name":"Ada"}'}


@pytest.mark.parametrize("how", [half, half_a_chunk, half_unframed, half_zipped, unframed_without_a_body])
async def test_a_body_cut_short_is_a_lost_connection_and_is_asked_for_again(kintsugi, how):
    """Half a page never passes for a page: the listing has every row, and the report the repeats."""
    async with Server(how, how, how, how, plain, plain, how) as server:
        async with kintsugi(server, retry=Retry(attempts=3, base=0)) as client:
            error = await failing(client.customers.first_page())
            assert type(error) is ConnectionLost
            assert not error.maybe_applied
            async with client.customers.prefetch(window=3) as rows:
                assert [row.id async for row in rows] == [f"cust_{number}" for number in range(1000)]
            assert rows.report.retries == 2
            assert rows.report.requests == rows.report.pages + 2
        listed = rows.report.requests
        assert server.count("GET") == 3 + listed


async def test_a_whole_body_without_a_length_is_whole(kintsugi):
    """The end of the connection is its end, and nothing is asked for twice."""
    async with Server(after=unframed) as server, kintsugi(server) as client:
        async with client.customers.prefetch(window=3) as rows:
            assert [row.id async for row in rows] == [f"cust_{number}" for number in range(1000)]
        assert rows.report.requests == len(server.seen)
        assert rows.report.retries == 0


@pytest.mark.parametrize("body", [b"<html>", b'{"items": [}]}', b'{"items": 7}'])
async def test_a_body_that_does_not_end_early_is_not_asked_for_again(kintsugi, body):
    """It would come again as it is: one request, and an unexpected answer."""
    wire = b"HTTP/1.1 200 OK\r\n\r\n" + body
    async with Server(after=raw(wire, "close")) as server:
        async with kintsugi(server, retry=Retry(attempts=3, base=0)) as client:
            with pytest.raises(UnexpectedAnswer):
                await client.customers.first_page()
        assert len(server.seen) == 1


async def test_an_empty_body_with_a_length_is_no_lost_connection(kintsugi):
    """The server says that there is nothing: an unexpected answer, asked for once."""
    async with Server(after=raw(answer(b""))) as server:
        async with kintsugi(server, retry=Retry(attempts=3, base=0)) as client:
            with pytest.raises(UnexpectedAnswer):
                await client.customers.first_page()
        assert len(server.seen) == 1


# ---- connections that were kept alive


async def test_on_a_stale_connection_nothing_is_repeated_by_the_library(kintsugi):
    """The connection is kept, and the server closes it instead of answering: ``Retry`` alone decides what follows."""
    async with Server(plain, drop, plain, drop, plain) as server:
        async with kintsugi(server) as client:
            await client.customers.first_page()
            for call in (client.customers.get("cust_1"), client.customers.update("cust_1", name="Ada")):
                assert type(await failing(call)) is ConnectionLost
                await client.customers.first_page()
        assert server.seen[0].connection == server.seen[1].connection
        assert [seen.method for seen in server.seen] == ["GET", "GET", "GET", "PUT", "GET"]


async def test_on_a_stale_connection_a_post_is_never_repeated(kintsugi):
    """The connection is kept, and the server closes it instead of answering: one POST, which may have been applied."""
    async with Server(plain, drop) as server:
        async with kintsugi(server, retry=Retry(attempts=5, base=0)) as client:
            await client.customers.first_page()
            error = await failing(client.customers.create(name="Ada"))
            assert type(error) is ConnectionLost
            assert error.maybe_applied
        assert [seen.method for seen in server.seen] == ["GET", "POST"]
        assert server.seen[0].connection == server.seen[1].connection


async def test_a_connection_that_the_server_closed_while_it_was_idle_is_not_used_again(kintsugi):
    """The POST after it goes over a new connection, once."""
    async with Server(unannounced_last) as server:
        async with kintsugi(server) as client:
            await client.customers.first_page()
            await server.until(lambda it: it.counts["closed"] == 1)
            assert (await client.customers.create(name="Ada")).id == "cust"
        assert [(seen.method, seen.connection) for seen in server.seen] == [("GET", 0), ("POST", 1)]


# ---- no connection, no answer in time


async def test_a_refused_connection_proves_that_nothing_was_applied(kintsugi):
    """POST and PUT end with ConnectFailed, which does not say that they may have been applied."""

    with nobody() as gone:
        async with kintsugi(gone, retry=Retry(attempts=2, base=0)) as client:
            for call in (client.customers.create(name="Ada"), client.customers.update("cust_1", name="Ada")):
                error = await failing(call)
                assert type(error) is ConnectFailed
                assert not error.maybe_applied


@pytest.mark.parametrize("how", [stall, stall_half_way, drip])
async def test_a_server_that_stalls_or_drips_is_timed_out_of(kintsugi, how):
    """The time is for the whole answer, not for each of its pieces; a POST is not sent a second time."""
    async with (
        Server(after=how) as server,
        kintsugi(server, timeout=0.05, retry=Retry(attempts=4, base=0)) as client,
    ):
        error = await failing(client.customers.create(name="Ada"))
        assert type(error) is TimedOut
        assert isinstance(error, TimeoutError)
        assert error.maybe_applied
        assert server.count("POST") <= 1  # 0 on a machine that is too busy to send it in time
        error = await failing(client.customers.get("cust_1"))
        assert type(error) is TimedOut
        assert not error.maybe_applied
        await server.until(lambda it: it.counts["gone"] == it.counts["stalled"])
        assert server.counts["seen"] <= 1 + 4


# ---- leaving a listing whose pages are on their way


class Boom(Exception):
    pass


@contextmanager
def nothing_left():
    """No task more when the block ends than when it began, without an await in between."""

    def alive():
        try:
            return asyncio.all_tasks()
        except RuntimeError:
            own = trio.lowlevel.current_task()
            nurseries = [own.parent_nursery, *own.child_nurseries]
            return {task for nursery in nurseries for task in nursery.child_tasks}

    before = alive()
    yield
    assert alive() == before


@pytest.mark.parametrize("how", [stall, stall_half_way])
@pytest.mark.parametrize("leave", ["break", "error", "cancel", "timeout"])
async def test_leaving_a_block_closes_the_connections_of_the_pages_under_way(kintsugi, leave, how):
    """The server sees all of them closed while the client lives on, no task is left, and the client still works."""

    # The fifth page is asked for when the first is handed out; what comes after it is answered.
    async with Server(plain, how, how, how, how) as server:
        async with kintsugi(server) as client:
            with nothing_left():
                left = None
                with anyio.CancelScope() as scope:
                    try:
                        async with client.customers.page_size(10).prefetch(window=4) as rows:
                            async for _ in rows:
                                await server.until(lambda it: it.counts["stalled"] == 4)
                                if leave == "break":
                                    break
                                if leave == "error":
                                    raise Boom
                                if leave == "cancel":
                                    scope.cancel()
                                else:
                                    scope.deadline = anyio.current_time()
                                await anyio.sleep_forever()
                    except Boom as error:
                        left = error
                    assert (left is not None) == (leave == "error")
                assert scope.cancelled_caught == (leave in {"cancel", "timeout"})
            await server.until(lambda it: it.counts["gone"] == 4)
            assert (await client.customers.get("cust_1")).id == "cust_1"
        assert server.count("GET") == 5


@pytest.mark.parametrize("leave", ["cancel", "timeout"])
async def test_asyncios_own_cancellation_and_timeout_close_them_too(lane, kintsugi, leave):
    """``task.cancel()`` and ``asyncio.timeout`` around the block: nothing left, and the exception is asyncio's own."""
    if lane[1] == "trio":
        pytest.skip("asyncio's own")
    async with Server(plain, stall, stall, stall, stall) as server, kintsugi(server) as client:

        async def listing(limit):
            async with limit, client.customers.page_size(10).prefetch(window=4) as rows:
                async for _ in rows:
                    await server.until(lambda it: it.counts["stalled"] == 4)
                    if leave == "cancel":
                        task.cancel()
                    else:
                        limit.reschedule(asyncio.get_running_loop().time())
                    await asyncio.Event().wait()

        with nothing_left():
            task = asyncio.create_task(listing(asyncio.timeout(None)))
            with pytest.raises(asyncio.CancelledError if leave == "cancel" else TimeoutError):
                await task
        await server.until(lambda it: it.counts["gone"] == 4)


async def test_releasing_a_bare_iteration_closes_them_too(lane, kintsugi):
    """After ``break`` out of ``async for row in query`` the server sees the connections closed."""
    if lane[1] == "trio":
        pytest.skip("on trio the bare form reads one page at a time")
    async with Server(plain, *[stall] * 4) as server, kintsugi(server) as client:

        async def first():
            async for row in client.customers.page_size(10):
                await server.until(lambda it: it.counts["stalled"] == 4)
                assert row.id == "cust_0"
                break

        await first()
        await server.until(lambda it: it.counts["gone"] == 4)


async def test_closing_the_client_ends_a_listing_that_is_under_way(kintsugi):
    """Its pages are not asked for again: the error says that the client is closed."""
    async with Server(plain, *[stall] * 4) as server:
        client = kintsugi(server, retry=Retry(attempts=5, base=0))
        async with anyio.create_task_group() as group:

            async def listing():
                with pytest.raises(StreamError, match="closed"):
                    await client.customers.page_size(10).to_list()

            group.start_soon(listing)
            await server.until(lambda it: it.counts["stalled"] == 4)
            await client.aclose()
        await server.until(lambda it: it.counts["gone"] == 4)
        with pytest.raises(StreamError, match="closed"):
            await client.customers.first_page()
        assert server.count("GET") == 5


@pytest.mark.parametrize("turns", [0, 2, 4, 6, 8, 12, 20])
async def test_closing_the_client_while_it_connects_leaves_no_connection(kintsugi, turns):
    """After however many turns of the loop: the request is answered or refused, and its connection is closed."""
    async with Server() as server:
        client = kintsugi(server)

        async def first_page():
            with suppress(StreamError, RequestError):
                await client.customers.first_page()

        async with anyio.create_task_group() as group:
            group.start_soon(first_page)
            for _ in range(turns):
                await lowlevel.checkpoint()
            await client.aclose()
        await server.until(lambda it: it.open_connections == 0)
        assert server.open_connections == 0


# ---- answers that are none


NONSENSE = {
    "no HTTP": b"220 mail.example ESMTP\r\n\r\n",
    "a header without an end": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 150_000 + b"\r\n\r\n",
    "a chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "no gzip": answer(b"not gzip", headers=["Content-Encoding: gzip"]),
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "no body": answer(b""),
    "no JSON": answer(b"<html>"),
    "half of it": answer(b'{"items": ['),
    "no status known": answer(b"{}", "299 Fine"),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_an_answer_that_is_none_is_one_typed_error_that_shows_no_filter_value(kintsugi, name):
    """Neither the error nor a log line carries the value of a filter or the key."""
    async with Server(after=raw(NONSENSE[name], "close")) as server:
        async with kintsugi(server) as client:
            with pytest.raises((RequestError, UnexpectedAnswer)) as caught:
                await client.customers.where(search="ada@example.com").first_page()
        for shown in (str(caught.value), repr(caught.value), repr(vars(caught.value))):
            assert "ada" not in shown
            assert "the-key" not in shown
        assert "search_query=…" in str(caught.value)
        assert caught.value.__context__ is None or isinstance(caught.value, UnexpectedAnswer)


@pytest.mark.parametrize("body", [b"{}", b'{"id": null}', b'{"items": []}', b"[]", b'"cust_1"'])
async def test_one_customer_without_an_id_is_an_unexpected_answer(kintsugi, body):
    """An empty object with 200 does not pass for a customer; after a create it says that it may have been applied."""
    async with Server(after=raw(answer(body))) as server, kintsugi(server) as client:
        with pytest.raises(UnexpectedAnswer, match="'id'") as caught:
            await client.customers.get("cust_1")
        assert not caught.value.maybe_applied
        with pytest.raises(UnexpectedAnswer, match="'id'") as caught:
            await client.customers.create(name="Ada")
        assert caught.value.maybe_applied


@pytest.mark.parametrize("detail", [[{"loc": 7}], [{"loc": "body"}], [7], [None], {"message": {}}, 7, [[]], {}, None])
async def test_a_complaint_of_any_shape_is_told(kintsugi, detail):
    """What a server puts into ``detail`` is its own affair: it never turns into another error."""
    async with Server(after=raw(answer(json.dumps({"detail": detail}).encode(), "422 No"))) as server:
        async with kintsugi(server) as client:
            with pytest.raises(InvalidRequest) as caught:
                await client.customers.first_page()
        assert json.loads(caught.value.body) == {"detail": detail}


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed(kintsugi, status):
    """Not to another origin and not to the same: the key goes nowhere else, and the answer is an error."""
    async with (
        Server() as elsewhere,
        Server(after=raw(answer(b"", status, [f"Location: {elsewhere.url}{CUSTOMERS}"]))) as server,
    ):
        async with kintsugi(server, retry=Retry(attempts=3, base=0)) as client:
            for call in (client.customers.first_page(), client.customers.create(name="Ada")):
                with pytest.raises(UnexpectedAnswer, match="redirects are not followed") as caught:
                    await call
                assert caught.value.status == int(status[:3])
        assert len(server.seen) == 2
        assert elsewhere.connections == 0


# ---- what is written on the wire


ODD_IDS = ["a/b", "a?b", "a#b", "a%2Fb", "%2e%2e", "é", "a b", "+", "...", "a;b", "a&b=c", "a\\b", "~*'()!$,:@[]|^`{}"]


async def test_an_id_of_any_text_stays_one_segment_of_the_path(kintsugi):
    """What the server decodes is the id that was given, whatever it holds."""
    async with Server() as server:
        async with kintsugi(server) as client:
            for odd in ODD_IDS:
                await client.customers.get(odd)
        ids = [seen.target.removeprefix(f"{CUSTOMERS}/") for seen in server.seen]
        assert list(map(unquote, ids)) == ODD_IDS
        assert not any(mark in raw for raw in ids for mark in "/?#")


async def test_filter_values_of_any_text_arrive_as_given(kintsugi):
    """Spaces, plus signs, percent signs, umlauts and separators."""
    texts = ["a+b c", "a&b=c", "50%", "%2F", "é#1", "a;b,c", "'\"<>|\\^`{}[]~*()!$:@/?", "\N{SNOWMAN}"]

    async with Server() as server:
        async with kintsugi(server) as client:
            for text in texts:
                await client.customers.where(search=text, country=["US", "CA"], source=["SHOPIFY", "API"]).first_page()
        assert [seen.query["search_query"] for seen in server.seen] == [[text] for text in texts]
        assert {(*seen.query["country"], *seen.query["source__in"]) for seen in server.seen} == {
            ("US", "CA", "SHOPIFY,API")
        }


BAD_KEYS = ["the-key ", " the-key", "the-kéy", "the-key\n", "the\tkey", "the-key\x7f", "the-key\xa0"]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_that_no_header_can_carry_is_refused_at_once_and_not_shown(key):
    """Sent, it would fail below with a message that shows it, or arrive as another."""
    for make in (
        lambda: Kintsugi(api_key=key, organization_id="org"),
        lambda: Kintsugi(api_key="k", organization_id=key),
        lambda: SweetSpot(token=key),
    ):
        with pytest.raises(CredentialsError) as caught:
            make()
        assert "the" not in repr(caught.value).replace("other", "")
        assert caught.value.__context__ is None


@pytest.mark.parametrize("url", [5, b"http://127.0.0.1", "https://api\t.example", "https://api.a\n", "https://a b"])
def test_a_base_url_that_is_read_in_two_ways_is_refused(url, monkeypatch):
    """Tabs and line ends vanish in the standard library's parser, which decides where a key may go."""
    monkeypatch.setenv("SWEETSPOT_TOKEN", "token")
    with pytest.raises(UsageError, match="base_url"):
        SweetSpot(token="token", base_url=url)
    with pytest.raises(UsageError, match="base_url"):
        SweetSpot(base_url=url)


@pytest.mark.parametrize("wrong", [{"retry": 3}, {"pace": 5}, {"http_client": object()}, {"user_agent": 5}])
def test_an_argument_of_the_wrong_kind_is_refused_when_the_client_is_made(wrong):
    """Not at the first request that fails."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SweetSpot(token="token", **wrong)


async def test_trio_as_a_guest_of_asyncio_has_its_own_connections(lane, kintsugi):
    """A loop of asyncio runs as well then; the one that counts is the one whose tasks send."""
    if lane != ("httpx", "asyncio"):
        pytest.skip("the host is asyncio, and the guest sends with httpx")

    async def guest():
        async with kintsugi(server) as client:
            assert len((await client.customers.first_page()).rows) == 100
            assert (await client.customers.create(name="Ada")).id == "cust"

    with Server() as server:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        trio.lowlevel.start_guest_run(
            guest, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=done.set_result
        )
        (await done).unwrap()
        assert len(server.seen) == 2
