"""How fast a client asks a server that pushes back: alone in virtual time, and through real clients on trio's clock."""

import heapq
import math
import random
from itertools import pairwise

import anyio
import pytest
from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from trio.testing import MockClock

from effort import examples
from readahead import Retry
from readahead.errors import RateLimited, RetryDelayTooLong
from readahead.http.libraries import client_for_app
from readahead.http.pacing import FORGET, SLOWEST, Pace, Pacer
from readahead.kintsugi import Kintsugi
from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Sandbox
from readahead.sweetspot import SweetSpot

LATENCY = 0.05


def virtually(main):
    """Run where a sleep takes no time, and the clock tells it all the same."""
    return anyio.run(main, backend="trio", backend_options={"clock": MockClock(autojump_threshold=0)})


# ---- a token bucket


@define
class Bucket:
    """So many requests a second, and so many at once."""

    rate: float
    burst: float
    tokens: float = field(init=False)
    last: float = 0.0

    def __attrs_post_init__(self):
        self.tokens = self.burst

    def take(self, now):
        self.tokens = min(self.burst, self.tokens + (now - self.last) * self.rate)
        self.last = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def paced(bucket, window, retry_after, requests=3000, seed=1):
    """Seconds in all, and the share of requests that was refused after the first third of that time."""
    chance, pacer, events, order = random.Random(seed), Pacer(None), [], 0
    answered, refused, begun, now = [], [], window, 0.0

    def later(seconds, what, sent=0.0):
        nonlocal order
        order += 1
        heapq.heappush(events, (now + seconds, order, what, sent))

    for _ in range(window):
        later(0, "ask")
    while events:
        now, _, what, sent = heapq.heappop(events)
        if what == "ask" and (seconds := pacer.wait(now)):
            later(seconds, "ask")
        elif what == "ask":
            later(LATENCY * chance.uniform(0.8, 1.2), "well" if bucket.take(now) else "too much", now)
        elif what == "well":
            pacer.ended(now)
            pacer.succeeded(now)
            answered.append(now)
            if begun < requests:
                begun += 1
                later(0, "ask")
        else:
            refused.append(now)
            pacer.ended(now)
            pacer.pushed_back(now, sent)
            if retry_after:
                pacer.pause(now, retry_after)
            later(0 if retry_after else chance.random() * 0.25, "ask")
    settled = [sum(time > now / 3 for time in times) for times in (refused, answered)]
    return now, settled[0] / sum(settled)


@pytest.mark.parametrize("retry_after", [None, 1.0], ids=["no time named", "Retry-After 1"])
@pytest.mark.parametrize("window", [4, 16, 64])
@pytest.mark.parametrize("burst", [1, 10, 50])
def test_a_limit_of_50_a_second_refuses_at_most_2_in_100_once_settled(burst, window, retry_after):
    """A token bucket of 50/s, whatever the burst it allows and the window; most of the limit is used."""
    for seed in range(3):
        seconds, refused = paced(Bucket(50, burst), window, retry_after, seed=seed)
        assert refused <= 0.02
        assert 3000 / seconds >= (0.7 if retry_after else 0.85) * 50


class Pacing(RuleBasedStateMachine):
    """A pacer and a model of what it must keep to, before a token bucket; requests and answers come in any order."""

    @initialize(
        budget=st.none() | st.tuples(st.integers(1, 8), st.floats(0.1, 30)),
        rate=st.floats(0.5, 200),
        burst=st.integers(1, 20),
    )
    def begin(self, budget, rate, burst):
        self.budget = budget
        self.pacer = Pacer(None if budget is None else Pace(budget[0], per=budget[1]))
        self.bucket = Bucket(rate, burst)
        self.now = self.paused_until = 0.0
        self.ended, self.flying = [], []

    @rule(seconds=st.floats(0, 5))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def ask(self):
        seconds = self.pacer.wait(self.now)
        most = max(self.paused_until - self.now, 1 / SLOWEST, self.budget[1] if self.budget else 0)
        assert 0 <= seconds <= most + 1e-9
        if seconds:
            assert self.now < self.paused_until or self.budget or self.pacer.rate is not None
            return
        assert self.now >= self.paused_until
        if self.budget:  # the server may have counted each of these in the last period, whenever it arrived
            counted = sum(time + self.budget[1] > self.now for time in self.ended) + len(self.flying)
            assert counted < self.budget[0]
        self.flying.append(self.now)

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), retry_after=st.none() | st.floats(0, 20))
    def answer(self, data, retry_after):
        sent = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        self.pacer.ended(self.now)
        self.ended.append(self.now)
        if self.bucket.take(self.now):
            self.pacer.succeeded(self.now)
            return
        self.pacer.pushed_back(self.now, sent)
        assert self.pacer.rate is not None or sent < self.now
        if retry_after is not None:
            self.pacer.pause(self.now, retry_after)
            self.paused_until = max(self.paused_until, self.now + retry_after)

    @precondition(lambda self: self.flying)
    @rule()
    def fail(self):
        self.flying.pop()
        self.pacer.ended(self.now)
        self.ended.append(self.now)

    @invariant()
    def a_rate_is_a_rate(self):
        assert self.pacer.rate is None or SLOWEST <= self.pacer.rate < math.inf

    def teardown(self):
        """However it went: whoever waits as long as told gets away, and a server that bears all ends every rate."""
        if not hasattr(self, "pacer"):
            return
        for _ in self.flying:
            self.pacer.ended(self.now)
        for _ in range(FORGET + 2):
            for _ in range(3):
                seconds = self.pacer.wait(self.now)
                if not seconds:
                    break
                self.now += seconds + 1e-9
            else:
                raise AssertionError("it waited as long as it was told, and was told to wait again")
            self.now += 1.0
            self.pacer.ended(self.now)
            self.pacer.succeeded(self.now)
        assert self.pacer.rate is None


TestPacing = Pacing.TestCase
TestPacing.settings = settings(max_examples=examples(150), stateful_step_count=60, deadline=None)


# ---- a budget, as a server that counts arrivals sees it


def arrivals(pace, latency, callers, seconds):
    """When requests arrive that so many callers send one after the other, and when the last of them is answered."""
    chance, pacer, events, order, now, found = random.Random(1), Pacer(pace), [], 0, 0.0, []

    def later(time, what):
        nonlocal order
        order += 1
        heapq.heappush(events, (time, order, what))

    for _ in range(callers):
        later(0.0, "ask")
    while events and now < seconds:
        now, _, what = heapq.heappop(events)
        if what == "ask" and (wait := pacer.wait(now)):
            later(now + wait, "ask")
        elif what == "ask":
            took = latency * chance.uniform(0.2, 1.8)
            found.append(now + took * chance.random())  # anywhere on its way
            later(now + took, "end")
        else:
            pacer.ended(now)
            later(now, "ask")
    return sorted(time for time in found if time <= seconds)


@pytest.mark.parametrize("callers", [16, 300])
@pytest.mark.parametrize("latency", [0.01, 0.1, 5.0, 30.0])
def test_no_more_than_the_budget_arrives_in_any_period(latency, callers):
    """However late requests arrive; and of what the callers could send, the promised share of the budget is used."""
    pace = Pace(100, per=10.0)
    times = arrivals(pace, latency, callers, 300.0)
    assert all(late - early >= pace.per for early, late in zip(times, times[pace.requests :], strict=False))
    if callers / latency > 2 * pace.requests / pace.per:  # the slowest answer holds its place for 1.8 times the latency
        assert len(times) >= pace.per / (pace.per + 1.8 * latency) * pace.requests * 300 / pace.per * 0.99
    if latency <= 0.1 and callers > 200:
        assert len(times) >= 0.95 * pace.requests * 300 / pace.per


# ---- one 429 while sixteen pages are in flight


@define
class Once:
    """An application that answers 50 ms later, and refuses one request: the first that comes when 16 are in flight."""

    app: object
    retry_after: str
    always: bool = False
    times: list = field(factory=list)
    refused_at: float | None = None
    in_flight: int = 0

    async def __call__(self, scope, receive, send):
        self.times.append(anyio.current_time())
        self.in_flight += 1
        refuse = self.always or (self.refused_at is None and self.in_flight >= 16)
        if refuse:
            self.refused_at = anyio.current_time()
        try:
            if not refuse:
                await anyio.sleep(LATENCY)
                await self.app(scope, receive, send)
                return
        finally:
            self.in_flight -= 1
        headers = [(b"retry-after", self.retry_after.encode())]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})


def kintsugi(app, **options):
    http = client_for_app(app)
    return Kintsugi(
        api_key=API_KEY, organization_id=ORGANIZATION_ID, base_url="http://localhost", http_client=http, **options
    )


def sweetspot(app, **options):
    return SweetSpot(token=TOKEN, base_url="http://localhost", http_client=client_for_app(app), **options)


CLIENTS = pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])


def client(api, box, **options):
    return kintsugi(box, **options) if api == "kintsugi" else sweetspot(box, **options)


def sandbox(api, rows=6000):
    box = Sandbox(kintsugi_rows=rows, sweetspot_rows=rows)
    return box.kintsugi_app if api == "kintsugi" else box.sweetspot_app


@CLIENTS
@pytest.mark.parametrize("listings", [1, 2])
def test_one_429_holds_back_every_request_of_the_client_and_no_burst_follows(api, listings):
    """Retry-After 1 with 16 in flight: nothing leaves for that second, over all listings; then one by one."""
    app = Once(sandbox(api), "1")
    found = []

    async def main():
        me = client(api, app)

        async def read():
            async with me.customers.prefetch(window=16) as rows:
                found.append(len([row async for row in rows]))

        async with me, anyio.create_task_group() as tasks:
            for _ in range(listings):
                tasks.start_soon(read)

    virtually(main)
    assert found == [6000] * listings
    assert app.refused_at is not None
    after = [time for time in app.times if time > app.refused_at]
    assert after[0] >= app.refused_at + 1
    # One by one, and in the first second at most half as many again as in the second before the pause.
    before = sum(app.refused_at - 1 <= time <= app.refused_at for time in app.times)
    assert sum(time <= after[0] + 1 for time in after) <= 1.5 * max(before, 10)
    assert min(late - early for early, late in pairwise(after[: 2 * before])) >= 0.5 / max(before, 10)


@CLIENTS
def test_a_date_holds_back_as_seconds_do(api):
    """Retry-After as an HTTP date that is past asks for no pause; the refused page is asked for again."""
    app = Once(sandbox(api, 4000), "Wed, 21 Oct 2015 07:28:00 GMT")

    async def main():
        async with client(api, app) as me, me.customers.prefetch(window=16) as rows:
            return len([row async for row in rows]), rows.report.retries

    assert virtually(main) == (4000, 1)


@CLIENTS
def test_a_pause_over_the_cap_is_an_error_that_carries_the_checkpoint(api):
    """The listing goes on from it, once the server is well again."""
    app = Once(sandbox(api, 4000), "3600")

    async def main():
        async with client(api, app) as me:
            rows = []
            async with me.customers.prefetch(window=16) as stream:
                with pytest.raises(RetryDelayTooLong) as caught:
                    async for row in stream:
                        rows.append(row.id)
            async with me.customers.prefetch(window=16, resume=caught.value.checkpoint.to_json()) as stream:
                return rows, [row.id async for row in stream]

    before, rest = virtually(main)
    assert before
    assert rest
    assert len({*before, *rest}) == len(before) + len(rest) == 4000


@CLIENTS
def test_a_retry_budget_ends_a_hopeless_listing_early(api):
    """A server that refuses everything is asked as often as the reserve allows, and no more."""

    async def down(scope, receive, send):
        asked.append(anyio.current_time())
        await send({"type": "http.response.start", "status": 429, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    asked = []

    async def main():
        async with client(api, down, retry=Retry(attempts=1000, reserve=20)) as me:
            with pytest.raises(RateLimited) as caught:
                await me.customers.to_list()
            return caught.value

    error = virtually(main)
    assert "budget" in error.__notes__[0]
    assert len(asked) == 21


@CLIENTS
def test_a_bucket_of_50_a_second_is_used_and_hardly_overrun(api):
    """The same through a real client, its window and its retries: 2 in 100 refused at most once settled."""
    bucket, refused, box = Bucket(50, 10), [], sandbox(api, 40_000)

    async def app(scope, receive, send):
        now = anyio.current_time()
        if bucket.take(now):
            await anyio.sleep(LATENCY)
            await box(scope, receive, send)
            return
        refused.append(now)
        await send({"type": "http.response.start", "status": 429, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def main():
        async with client(api, app) as me, me.customers.prefetch() as rows:
            count = 0
            async for _ in rows:
                count += 1
            return count, rows.report.requests, anyio.current_time()

    count, requests, now = virtually(main)
    assert count == 40_000
    assert sum(time > now / 3 for time in refused) <= 0.02 * requests * 2 / 3
    assert requests / now >= 0.6 * 50
