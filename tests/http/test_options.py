"""Options for one call or many: a client that shares everything but these; responses with their headers."""

import anyio
import pytest
from servers import CUSTOMERS, Server, answer, customers, drop, failing, raw, stall

import readahead
from readahead import Pace, Retry, with_response
from readahead.endpoint import Endpoint
from readahead.errors import (
    ConnectionLost,
    CredentialsError,
    DeadlineExceeded,
    NotFound,
    ReadaheadError,
    TimedOut,
    UsageError,
)
from readahead.http.client import Client
from readahead.http.credentials import Credential
from readahead.kintsugi import CUSTOMERS as KINTSUGI_CUSTOMERS
from readahead.kintsugi import CustomerQuery, Customers, Kintsugi
from readahead.reading import Reading

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


# ---- with_options


async def test_options_hold_for_what_is_read_with_them_alone(kintsugi):
    async with Server() as server, kintsugi(server, headers={"X-Team": "billing", "X-Kept": "1"}) as client:
        other = client.with_options(headers={"x-team": "tax", "X-More": "2"})
        await other.customers.first_page()
        await client.customers.first_page()
        await other.with_options(headers={"X-More": "3"}).customers.get("cust_1")
        sent = [
            {name: seen.headers[name] for name in ("x-team", "x-kept", "x-more") if name in seen.headers}
            for seen in server.seen
        ]
        assert sent == [
            {"x-team": "tax", "x-kept": "1", "x-more": "2"},
            {"x-team": "billing", "x-kept": "1"},
            {"x-team": "tax", "x-kept": "1", "x-more": "3"},
        ]
        assert all(seen.headers["x-api-key"] == "the-key" for seen in server.seen)
        assert server.connections == 1  # they share it


async def test_a_timeout_of_its_own(kintsugi):
    async with Server(stall) as server, kintsugi(server, timeout=60.0) as client:
        error = await failing(client.with_options(timeout=0.05).customers.first_page())
        assert type(error) is TimedOut
        assert "0.05 s" in str(error)
        await client.customers.first_page()


async def test_retries_of_its_own(kintsugi):
    async with Server(drop, drop, drop) as server, kintsugi(server) as client:
        assert type(await failing(client.customers.first_page())) is ConnectionLost
        patient = client.with_options(retry=Retry(attempts=3, base=0))
        assert len((await patient.customers.first_page()).rows) == 100
        assert server.count("GET") == 4


async def test_a_deadline_of_its_own(kintsugi):
    async with Server(stall) as server, kintsugi(server) as client:
        with pytest.raises(DeadlineExceeded):
            await client.with_options(deadline=0.05).customers.first_page()
        await client.with_options(deadline=0.05).with_options(deadline=None).customers.first_page()


async def test_a_pace_of_its_own_lies_within_that_of_the_client(kintsugi):
    """Both count: what is read with it waits, and what is read without it does not."""
    async with Server() as server, kintsugi(server, pace=Pace(1000, per=0.2)) as client:
        slow = client.with_options(pace=Pace(1, per=0.2))
        for reader in (slow, slow, client, client, client):
            async with reader.customers.limit(1).prefetch() as rows:
                assert len([row async for row in rows]) == 1
            assert (rows.report.waited > 0) == (reader is slow and server.count("GET") == 2)


async def test_a_pause_holds_for_all(kintsugi):
    """A 429 that one of them gets stops the other, too."""
    busy = raw(answer(b"{}", "429 Too Many Requests", ["Retry-After: 1"]))
    async with Server(busy) as server, kintsugi(server, pace=None) as client:
        other = client.with_options(timeout=10.0)
        with pytest.raises(ReadaheadError):
            await other.customers.first_page()
        async with client.customers.limit(1).prefetch() as rows:
            assert len([row async for row in rows]) == 1
        assert rows.report.waited > 0.5


async def test_hooks_hear_of_calls_with_other_options(kintsugi):
    """They belong to the client, so what is read with other options is told to them as well."""
    told = []
    async with Server(drop) as server, kintsugi(server, on_request=told.append, on_retry=told.append) as client:
        await client.with_options(retry=Retry(base=0)).customers.get("cust_1")
        await client.customers.get("cust_2")
        kinds = [type(event).__name__ for event in told]
        assert kinds == ["RequestStarted", "RequestRetried", "RequestStarted", "RequestStarted"]


async def test_closing_either_closes_both(kintsugi):
    async with Server() as server:
        client = kintsugi(server)
        other = client.with_options(timeout=5.0)
        await client.customers.first_page()
        await other.aclose()
        with pytest.raises(readahead.errors.StreamError, match="closed"):
            await client.customers.first_page()
        await server.until(lambda it: it.open_connections == 0)


async def test_a_checkpoint_of_one_is_resumed_with_the_other(kintsugi):
    async with Server() as server, kintsugi(server) as client:
        async with client.customers.prefetch() as rows:
            async for row in rows:
                if row.id == "cust_149":
                    break
        other = client.with_options(timeout=5.0)
        async with other.customers.prefetch(resume=rows.checkpoint) as rest:
            assert (await anext(rest)).id == "cust_150"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout": 0}, "timeout must be"),
        ({"retry": 3}, "retry must be Retry or None, not int"),
        ({"pace": 3}, "pace must be Pace or None, not int"),
        ({"deadline": -1}, "deadline must be"),
        ({"http": "aiohttp"}, "no option 'http'; it takes timeout, retry, pace, deadline, headers"),
        ({"headers": {"X-API-KEY": "other"}}, "X-API-KEY holds a credential"),
        ({"headers": {"x-organization-ID": "other"}}, "holds a credential"),
        ({"headers": {"User-Agent": "me"}}, "use user_agent="),
        ({"headers": {"Accept": "text/html"}}, "responses are read as JSON"),
        ({"headers": {"Host": "elsewhere"}}, "belongs to the connection"),
        ({"headers": {"Content-Length": "3"}}, "belongs to the connection"),
        ({"headers": {"Proxy-Authorization": "x"}}, "belongs to the connection"),
        ({"headers": {"X Y": "1"}}, "no name of a header"),
        ({"headers": {"X\r\nY": "1"}}, "no name of a header"),
        ({"headers": {"": "1"}}, "no name of a header"),
        ({"headers": {1: "1"}}, "no name of a header"),
        ({"headers": {"X": "secret\r\nvalue"}}, "the value of X must not contain control"),
        ({"headers": {"X": b"1"}}, "the value of X must be text, not bytes"),
        ({"headers": {"X": "1", "x": "2"}}, "x is given twice"),
        ({"headers": [("X", "1")]}, "headers must be a mapping"),
    ],
)
async def test_wrong_options_are_refused_at_once(kintsugi, options, said):
    async with Server() as server, kintsugi(server) as client:
        with pytest.raises(UsageError, match=said) as caught:
            client.with_options(**options)
        assert "secret" not in str(caught.value)
        if "headers" in options:
            with pytest.raises(UsageError, match=said):
                kintsugi(server, **options)
        assert not server.seen


async def test_a_binding_whose_listing_would_not_know_of_the_options_is_told(http):
    class Old(Kintsugi):
        def __init__(self, **options):
            super().__init__(**options)
            self.people = Customers(Reading(self._sender, KINTSUGI_CUSTOMERS), CustomerQuery)

    async with Old(api_key="k", organization_id="o", http=http) as client:
        with pytest.raises(UsageError, match=r"Old\.people would not know of these options; make it a functools"):
            client.with_options(timeout=3.0)


# ---- with_response


async def test_status_headers_and_request_id_of_a_call(kintsugi):
    def named(seen):
        return answer(customers(seen), headers=["X-Request-Id: req_7", "X-RateLimit-Remaining: 41"]), "keep"

    async with Server(drop, after=named) as server, kintsugi(server, retry=Retry(base=0)) as client:
        got = await with_response(client.customers.get("cust_1"))
        assert (got.value.id, got.status, got.request_id, got.attempts) == ("cust_1", 200, "req_7", 2)
        assert got.headers["x-ratelimit-remaining"] == "41"
        assert got.seconds > 0
        made = await with_response(client.customers.create(name="Ada"))
        assert (made.value.id, made.status, made.attempts) == ("cust", 200, 1)
        page = await with_response(client.customers.first_page())
        assert (len(page.value), page.status) == (100, 200)
        assert "the-key" not in repr(got) + repr(made)


async def test_one_with_response_around_another_sees_the_same(kintsugi):
    async with Server() as server, kintsugi(server) as client:

        async def helper():
            return (await with_response(client.customers.get("cust_1"))).value

        got = await with_response(helper())
        assert (got.value.id, got.status, got.attempts) == ("cust_1", 200, 1)


async def test_with_response_raises_what_the_call_raises(kintsugi):
    async with Server(raw(answer(b"{}", "404 Not Found"))) as server, kintsugi(server) as client:
        with pytest.raises(NotFound):
            await with_response(client.customers.get("cust_1"))
        assert await client.customers.get("cust_1")


async def test_calls_at_the_same_time_have_each_their_own(kintsugi):
    def named(seen):
        return answer(customers(seen), headers=[f"X-Request-Id: {seen.path}"]), "keep"

    async with Server(after=named) as server, kintsugi(server) as client:

        async def one(number):
            got = await with_response(client.customers.get(f"cust_{number}"))
            assert got.request_id == f"{CUSTOMERS}/{got.value.id}" == f"{CUSTOMERS}/cust_{number}"

        async with anyio.create_task_group() as group:
            for number in range(30):
                group.start_soon(one, number)


async def test_a_task_that_runs_already_is_refused(kintsugi, anyio_backend):
    if anyio_backend != "asyncio":
        pytest.skip("trio's tasks are not awaited")
    import asyncio

    async with Server() as server, kintsugi(server) as client:
        task = asyncio.create_task(client.customers.get("cust_1"))
        with pytest.raises(UsageError, match="takes the call itself"):
            await with_response(task)
        assert (await task).id == "cust_1"


async def test_a_call_that_sends_nothing_has_no_status(kintsugi):
    async with Server() as server, kintsugi(server) as client:
        fields = readahead.kintsugi.fields
        nothing = client.customers.where(fields.country == "US", fields.country == "CA")
        got = await with_response(nothing.first_page())
        assert (got.status, got.headers, got.request_id, got.attempts) == (None, {}, None, 0)
        assert not server.seen


# ---- idempotency keys


class Keyed(Client):
    """An API in which a POST names itself."""

    def __init__(self, base_url, **options):
        super().__init__({"X-API-KEY": Credential("key", "k", "NO_SUCH_VARIABLE")}, base_url=base_url, **options)

    @property
    def customers(self):
        endpoint = Endpoint(
            KINTSUGI_CUSTOMERS.operation,
            reader=KINTSUGI_CUSTOMERS.reader,
            paging=KINTSUGI_CUSTOMERS.paging,
            idempotency="Idempotency-Key",
        )
        return Customers(Reading(self._sender, endpoint), CustomerQuery)


async def test_a_create_with_an_idempotency_key_is_repeated_under_the_same_key(http):
    async with Server(drop, raw(answer(b"{}", "503 Busy"))) as server:
        async with Keyed(server.url, http=http, retry=Retry(base=0)) as client:
            await client.customers.create(name="Ada")
            await client.customers.create(name="Bea")
            await client.with_options(headers={"Idempotency-Key": "mine"}).customers.create(name="Cleo")
            await client.customers.get("cust_1")
        keys = [seen.headers.get("idempotency-key") for seen in server.seen]
        assert [seen.method for seen in server.seen] == ["POST"] * 5 + ["GET"]
        assert keys[0] == keys[1] == keys[2] != keys[3]
        assert len(keys[0]) == len(keys[3]) == 36
        assert keys[4:] == ["mine", None]


async def test_without_one_a_create_is_sent_once(kintsugi):
    async with Server(drop) as server, kintsugi(server, retry=Retry(base=0)) as client:
        error = await failing(client.customers.create(name="Ada"))
        assert error.maybe_applied
        assert [seen.headers.get("idempotency-key") for seen in server.seen] == [None]


# ---- base URLs in a network of containers


async def test_plain_http_to_another_machine_needs_a_word(kintsugi, caplog):
    with pytest.raises(UsageError, match="insecure=True"):
        Kintsugi(api_key="k", organization_id="o", base_url="http://sandbox:8000")
    async with Kintsugi(api_key="k", organization_id="o", base_url="http://sandbox:8000", insecure=True) as client:
        assert client.base_url == "http://sandbox:8000"
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("readahead.http", "WARNING")
    assert record.event == "client.insecure"
    assert "http://sandbox:8000 is plain http" in record.getMessage()


async def test_a_key_of_the_environment_goes_to_no_foreign_host_however_insecure(monkeypatch):
    monkeypatch.setenv("KINTSUGI_API_KEY", "k")
    with pytest.raises(CredentialsError, match="belongs to"):
        Kintsugi(organization_id="o", base_url="http://sandbox:8000", insecure=True)


async def test_insecure_is_true_or_false(kintsugi):
    async with Server() as server:
        with pytest.raises(UsageError, match="insecure must be True or False"):
            kintsugi(server, insecure="yes")
        async with kintsugi(server, insecure=True) as client:
            await client.customers.first_page()
