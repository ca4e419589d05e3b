"""What an API says of its own limits: it is kept to before the API refuses, and it never stops the client for long."""

import json
import logging
import random
import time
from email.utils import formatdate

import anyio
import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import Server, answer, customers
from trio.testing import MockClock

from effort import examples
from readahead import Pace, Retry
from readahead.errors import PermissionDenied, RateLimited, RetryDelayTooLong, UsageError
from readahead.http.client import Client
from readahead.http.libraries import client_for_app
from readahead.http.pacing import Pacer
from readahead.http.quota import GITHUB, RATE_LIMIT, X_RATE_LIMIT, Left, Quota, QuotaState
from readahead.http.secret import Secret
from readahead.kintsugi import CUSTOMERS, CustomerQuery, Customers, Kintsugi
from readahead.reading import Reading

NOW = 1_800_000_000  # seconds since 1970, of a server in virtual time
YEAR_3000 = 32_503_680_000


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


class Hub(Client):
    """A client whose API speaks of its quota."""

    def __init__(self, base_url, quota=GITHUB, **options):
        super().__init__({"Authorization": Secret("Bearer the-key")}, base_url=base_url, quota=quota, **options)
        self.customers = Customers(Reading(self._sender, CUSTOMERS), CustomerQuery)


def github(remaining, reset, limit=5000, date=NOW):
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(reset),
        "date": formatdate(date, usegmt=True),
    }


# ---- what headers say


@pytest.mark.parametrize(
    ("quota", "headers", "left"),
    [
        (GITHUB, github(12, NOW + 60), Left(12, 61, 5000)),
        (GITHUB, github(0, NOW + 60), Left(0, 61, 5000)),
        (X_RATE_LIMIT, {"x-ratelimit-remaining": "3", "x-ratelimit-reset": "30"}, Left(3, 31)),
        (X_RATE_LIMIT, {"x-ratelimit-remaining": "3", "x-ratelimit-reset": "0.5"}, Left(3, 0.5)),
        (RATE_LIMIT, {"ratelimit": '"default";r=50;t=30'}, Left(50, 31)),
        (RATE_LIMIT, {"ratelimit": '"a";r=5;t=3', "ratelimit-policy": '"a";q=10;w=60'}, Left(5, 4, 10)),
        (
            RATE_LIMIT,
            {
                "ratelimit": '"hour";r=50;t=30, "day, all";r=2;t=60',
                "ratelimit-policy": '"hour";q=9;w=1,"day, all";q=7;w=2',
            },
            Left(2, 61, 7),
        ),
        (RATE_LIMIT, {"ratelimit": "limit=100, remaining=50, reset=30"}, Left(50, 31, 100)),
        (RATE_LIMIT, {"ratelimit-remaining": "4", "ratelimit-reset": "9", "ratelimit-limit": "8"}, Left(4, 10, 8)),
    ],
)
def test_the_forms_in_use_are_read(quota, headers, left):
    """Times and seconds from now; a header that counts whole seconds may be a second short."""
    assert quota.left(headers) == left


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-remaining": "3"},
        {"x-ratelimit-reset": "3"},
        github("many", NOW + 60),
        github("", ""),
        github(3, "soon"),
        github(3, "nan"),
        github(3, "1e9"),
        github(3, "9" * 400),
        github(3, YEAR_3000),
        github(0, NOW - 3600),
        github(0, -5),
        {"ratelimit": "garbage"},
        {"ratelimit": '"default";r=;t='},
        {"ratelimit": '"default";r=1.5;t=2'},
        {"ratelimit": '"' * 5000},
        {"ratelimit": '"' + '\\"' * 32_000, "ratelimit-policy": '"' + '\\"' * 32_000},
    ],
)
def test_what_is_no_number_or_lies_far_away_says_nothing(headers):
    """A reset in the past, too; nothing raises."""
    quotas = [GITHUB, RATE_LIMIT]
    negative = headers.get("x-ratelimit-reset") == "-5"  # as good as now
    assert [quota.left(headers) for quota in quotas if not negative] == [None] * (0 if negative else 2)


def test_fewer_than_none_is_none():
    """A negative number of requests."""
    assert GITHUB.left(github(-3, NOW + 10)) == Left(0, 11, 5000)


texts = st.text(st.characters(max_codepoint=255), max_size=40) | st.integers().map(str) | st.floats().map(str)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.tuples(texts, texts, texts, texts), min_size=1, max_size=20), st.floats(0, 100), st.randoms())
def test_whatever_headers_say_the_client_waits_for_no_longer_than_allowed(answers, longest, chance):
    """Any text in any header; each wait ends within the longest delay, and then something may be sent."""
    pacer, now = Pacer(None, QuotaState(longest)), 0.0
    for limit, remaining, reset, combined in answers:
        waited = 0.0
        while (seconds := pacer.wait(now)) > 0:
            waited, now = waited + seconds, now + seconds
            assert waited <= longest + 1e-6
        headers = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}
        quota = GITHUB if chance.random() < 0.5 else RATE_LIMIT
        pacer.heard(quota.left({**headers, "ratelimit": combined, "date": combined}), now)
        quota.refusal(403, headers)
        pacer.ended(now)


def test_headers_never_make_it_faster_than_the_pace():
    """Much that is left is no leave to send more."""
    pacer = Pacer(Pace(10, per=60), QuotaState(120))
    for _ in range(10):
        assert pacer.wait(0.0) == 0
        pacer.heard(Left(1_000_000, 60, 1_000_000), 0.0)
        pacer.ended(0.0)
    assert pacer.wait(0.0) == 60
    pacer.pause(0.0, 100)
    pacer.heard(Left(1_000_000, 60, 1_000_000), 0.0)
    assert pacer.wait(0.0) == 100


# ---- an honest server, in virtual time


@define
class Window:
    """So many requests in each period, as its headers say. It counts a request when it arrives."""

    limit: int
    per: float
    latency: float = 0.2
    names_limit: bool = True
    style: str = "github"
    chance: random.Random = field(factory=lambda: random.Random(1))
    used: dict = field(factory=dict)
    refused: int = 0

    async def __call__(self, scope, receive, send):
        await anyio.sleep(self.chance.uniform(0, self.latency))
        now = anyio.current_time() + NOW
        period = now // self.per
        self.used[period] = self.used.get(period, 0) + 1
        too_many = self.used[period] > self.limit
        self.refused += too_many
        left, reset = max(0, self.limit - self.used[period]), (period + 1) * self.per
        query = dict(pair.split("=") for pair in scope["query_string"].decode().split("&") if pair)
        size, page = int(query.get("size", 1)), int(query.get("page", 1))
        items = [{"id": f"c{n}", "organization_id": "o"} for n in range((page - 1) * size, min(page * size, 2000))]
        body = {"items": items, "total": 2000, "page": page, "size": size, "pages": 0}
        headers = github(left, int(reset), self.limit, int(now))
        if self.style == "delta":
            headers = {"ratelimit": f"limit={self.limit}, remaining={left}, reset={int(reset - now)}"}
        if not self.names_limit:
            headers.pop("x-ratelimit-limit")
        await anyio.sleep(self.chance.uniform(0, self.latency))
        status = 403 if too_many else 200
        lines = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def virtually(main):
    """Run where a sleep takes no time, and the clock tells it all the same."""
    return anyio.run(main, backend="trio", backend_options={"clock": MockClock(autojump_threshold=0)})


@pytest.mark.parametrize("window", [1, 4, 16, 64])
@pytest.mark.parametrize(
    ("style", "names_limit"), [("github", True), ("github", False), ("delta", True)], ids=["epoch", "no limit", "delta"]
)
def test_an_honest_server_never_refuses(window, style, names_limit, caplog):
    """100 pages where 30 requests are allowed in 20 s: all rows, no 403, and most of each period is used."""
    server = Window(30, 20.0, style=style, names_limit=names_limit)

    async def main():
        quota = GITHUB if style == "github" else RATE_LIMIT
        async with Hub("http://localhost", quota, http_client=client_for_app(server)) as hub:
            began = anyio.current_time()
            async with hub.customers.page_size(20).prefetch(window) as rows:
                assert len([row async for row in rows]) == 2000
            assert rows.report.complete
            assert rows.report.retries == 0
            return anyio.current_time() - began, rows.report.requests

    with caplog.at_level(logging.INFO, logger="readahead"):
        seconds, requests = virtually(main)
    assert server.refused == 0
    if window == 1:  # more in flight wait for what is left, and find that the reset is near
        pauses = [record.seconds for record in caplog.records if record.event == "client.paused"]
        assert pauses
        assert max(pauses) <= 21
    if window >= 4:
        # Each period uses up what it allows; a second and the latency are lost at each reset.
        assert seconds <= (requests // 30 + 1) * (20 + 2)


def test_many_calls_at_once_keep_to_it():
    """No listing between them: 200 calls, of which 50 are allowed in 10 s."""
    server = Window(50, 10.0)

    async def main():
        async with Hub("http://localhost", http_client=client_for_app(server)) as hub:
            await hub.customers.first_page()
            async with anyio.create_task_group() as tasks:
                for _ in range(200):
                    tasks.start_soon(hub.customers.first_page)

    virtually(main)
    assert server.refused == 0
    assert sum(server.used.values()) == 201


def test_a_reset_that_is_too_far_away_is_the_apis_refusal():
    """Half an hour: the requests that are left are sent, then the error says how long it takes."""
    server = Window(10, 1800.0)

    async def main():
        async with Hub("http://localhost", http_client=client_for_app(server)) as hub:
            rows = []
            with pytest.raises(RetryDelayTooLong) as caught:
                async with hub.customers.page_size(20).prefetch(1) as customers:
                    async for row in customers:
                        rows.append(row)
            assert anyio.current_time() < 60
            return rows, caught.value

    rows, error = virtually(main)
    assert len(rows) > 100
    assert 120 < error.delay <= 1801


# ---- real servers


def speaking(headers, status="200 OK", total=1000):
    """Answer with these headers."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return lambda seen: (answer(customers(seen, total), status, lines), "keep")


@pytest.mark.anyio
async def test_a_real_server_with_githubs_headers_never_refuses(http):
    """20 requests in each second of its clock, 30 pages, 16 at once; it answers 403 beyond."""
    used, refused = {}, []

    def step(seen):
        now = time.time()
        second = int(now)
        used[second] = used.get(second, 0) + 1
        headers = github(max(0, 20 - used[second]), second + 1, 20, second)
        if used[second] > 20:
            refused.append(seen)
            return speaking(headers, "403 Forbidden")(seen)
        return speaking(headers)(seen)

    async with Server(after=step) as server, Hub(server.url, http=http) as hub:
        async with hub.customers.page_size(35).prefetch(16) as rows:
            assert len([row async for row in rows]) == 1000
        assert rows.report.complete
    assert refused == []
    assert rows.report.waited > 0


LIES = {
    "nothing left for ever": lambda: github(0, int(time.time()) + 5, date=time.time()),
    "in the past": lambda: github(0, int(time.time()) - 1000, date=time.time()),
    "in the year 3000": lambda: github(0, YEAR_3000, date=time.time()),
    "no number": lambda: github("none", "later", "x"),
    "negative": lambda: github(-5, -10, -1),
    "huge": lambda: github("9" * 300, "9" * 300, "9" * 300),
    "one left for ever": lambda: github(1, int(time.time()) + 100_000, 1, date=time.time()),
    "a date that is none": lambda: {**github(0, 3), "date": "yesterday"},
}


@pytest.mark.anyio
@pytest.mark.parametrize("lie", LIES)
async def test_headers_that_lie_stop_nobody_for_longer_than_allowed(lie, http):
    """At most ``Retry.max_delay`` for each request, and all rows come."""

    def step(seen):
        return speaking(LIES[lie](), total=100)(seen)

    async with Server(after=step) as server, Hub(server.url, http=http, retry=Retry(max_delay=0.05)) as hub:
        async with hub.customers.page_size(10).prefetch(4) as rows:
            assert len([row async for row in rows]) == 100
        assert rows.report.complete
        assert rows.report.retries == 0
        # Four wait at the same time.
        assert rows.report.waited <= 4 * rows.report.requests * 0.06


# ---- what else means "too many requests"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "0.02"}, github(0, "0.05", date=time.time()), {"X-RateLimit-Remaining": "0"}],
    ids=["Retry-After", "nothing left", "nothing left, and no reset"],
)
async def test_403_that_means_too_many_is_a_push_back(headers, http):
    """It is ``RateLimited`` and sent again, a create, too: nothing was done."""
    script = [speaking(headers, "403 Forbidden")] * 2
    async with Server(*script) as server, Hub(server.url, http=http, retry=Retry(base=0.001)) as hub:
        await hub.customers.first_page()
        assert len(server.seen) == 3
    async with Server(script[0]) as server, Hub(server.url, http=http, retry=Retry(base=0.001)) as hub:
        await hub.customers.create(name="x")
        assert server.count("POST") == 2
    async with Server(*script) as server, Hub(server.url, http=http, retry=Retry(attempts=1)) as hub:
        with pytest.raises(RateLimited) as caught:
            await hub.customers.first_page()
    assert caught.value.status == 403


@pytest.mark.anyio
@pytest.mark.parametrize("headers", [{}, github(12, 60)], ids=["no header", "some are left"])
async def test_any_other_403_is_a_refusal(headers, http):
    """It is raised at once."""
    async with Server(after=speaking(headers, "403 Forbidden")) as server, Hub(server.url, http=http) as hub:
        with pytest.raises(PermissionDenied):
            await hub.customers.first_page()
        assert len(server.seen) == 1


@pytest.mark.anyio
async def test_a_binding_that_says_nothing_means_429_alone(kintsugi):
    """403 with Retry-After is a refusal, and quota headers are not read."""
    headers = {"Retry-After": "5", **github(0, int(time.time()) + 60, date=time.time())}
    async with Server(speaking(headers)) as server, kintsugi(server) as client:
        await client.customers.first_page()
        await client.customers.first_page()
    async with Server(speaking(headers, "403 Forbidden")) as server, kintsugi(server) as client:
        with pytest.raises(PermissionDenied):
            await client.customers.first_page()


def test_a_quota_is_a_quota():
    """Refused when the client is made."""
    with pytest.raises(UsageError, match="quota must be Quota or None, not str"):
        Hub("http://localhost", "github")
    assert Quota().left({"x-ratelimit-remaining": "0"}) is None
    assert issubclass(Kintsugi, Client)
