"""What is repeated, when, and how often; and how many requests leave. Time is virtual: nothing here waits."""

import math
import random
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import anyio
import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from effort import examples
from readahead import Pace, Retry
from readahead.errors import (
    ApiError,
    ConnectFailed,
    ConnectionLost,
    CredentialsError,
    DecodeError,
    FilterError,
    RateLimited,
    RetryDelayTooLong,
    ServerError,
    StreamError,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from readahead.http.libraries import client_for_app
from readahead.http.pacing import LEAST, LOWER, Pacer
from readahead.http.retry import Budget, parse_retry_after
from readahead.kintsugi import Kintsugi
from readahead.sandbox import Sandbox
from readahead.sweetspot import SweetSpot

EMPTY = (200, {}, b'{"items":[],"total":0,"page":1,"size":1,"pages":0}')
ONE = (200, {}, b'{"id":"cust_1","organization_id":"org"}')
SILENCE = (0, {}, b"")
TEMPORARY = [408, 425, 429, 500, 502, 503, 504, *range(520, 530)]


class Server:
    """Gives the answers listed, one a request, then the last one again; notes when and how it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.times = []
        self.methods = Counter()

    async def __call__(self, scope, receive, send):
        self.times.append(anyio.current_time())
        self.methods[scope["method"]] += 1
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not status:
            await anyio.sleep_forever()
        raw = [(name.encode(), str(value).encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    def kintsugi(self, **options):
        http = client_for_app(self)
        return Kintsugi(api_key="key", organization_id="org", base_url="http://localhost", http_client=http, **options)

    @property
    def gaps(self):
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]


def virtually(main):
    """Run where a sleep takes no time, and the clock tells it all the same."""
    return anyio.run(main, backend="trio", backend_options={"clock": MockClock(autojump_threshold=0)})


def status_error(status, retry_after=None):
    return ApiError.of(status)("refused", status=status, request="GET /v1/customers", retry_after=retry_after)


def delay(error, tries=1, *, repeatable=True, draw=0.5, **options):
    return Retry(**options).delay(error, tries, repeatable=repeatable, random=lambda: draw)


# ---- the rule, pure


@given(
    st.sampled_from(TEMPORARY),
    st.integers(1, 200),
    st.just(0.0) | st.floats(0.001, 100),
    st.floats(0, 1000),
    st.floats(0, 1, exclude_max=True),
)
def test_backoff_has_full_jitter(status, tries, base, cap, draw):
    """Before try n the wait is drawn evenly from 0 to ``min(cap, base * 2 ** (n - 1))``, however many tries."""
    ceiling = min(cap, base * 2.0**tries)
    found = delay(status_error(status), tries, draw=draw, attempts=1000, base=base, cap=cap)
    assert found == pytest.approx(draw * ceiling)
    assert 0 <= found <= ceiling


@given(st.integers(1, 10), st.integers(1, 12), st.booleans())
def test_attempts_are_requests_in_all(attempts, tries, asked):
    """The first is one of them; after the last the error stands, even where the API names a time."""
    error = status_error(429, retry_after=1.0 if asked else None)
    assert (delay(error, tries, attempts=attempts) is None) == (tries >= attempts)


def test_the_statuses_that_are_repeated():
    """A read is repeated after a temporary status and no other."""
    assert [status for status in range(300, 1000) if delay(status_error(status)) is not None] == TEMPORARY


def test_a_create_is_repeated_after_429_alone():
    """Only then is it known that nothing was made."""
    found = [status for status in range(300, 1000) if delay(status_error(status), repeatable=False) is not None]
    assert found == [429]


@pytest.mark.parametrize("error", [ConnectFailed("x"), ConnectionLost("x"), TimedOut("x")], ids=repr)
def test_a_request_without_an_answer_is_repeated_unless_it_creates(error):
    """Reads and updates; a create may have been carried out."""
    assert delay(error) is not None
    assert delay(error, repeatable=False) is None


@pytest.mark.parametrize(
    "error",
    [
        UsageError("x"),
        CredentialsError("x"),
        FilterError("state", "state must not be empty"),
        StreamError("closed"),
        DecodeError("x", request="GET /v1/customers", row=0),
        UnexpectedAnswer("HTML", status=200, request="GET /v1/customers"),
        UnexpectedAnswer("elsewhere", status=302, request="GET /v1/customers"),
        RetryDelayTooLong(1e6, 120),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_would_fail_again_is_not_repeated(error):
    """Mistakes of the caller and answers that are not what was documented."""
    assert delay(error) is None


@given(
    st.sampled_from(TEMPORARY),
    st.just(0.0) | st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.integers(1, 9),
    st.floats(0, 1, exclude_max=True),
)
def test_the_api_has_the_last_word_between_backoff_and_a_cap(status, asked, allowed, tries, draw):
    """Retry-After is waited out to the second, or the backoff if that is longer; more than allowed is an error."""
    error = status_error(status, retry_after=asked)
    if asked <= allowed:
        backoff = delay(status_error(status), tries, draw=draw, attempts=10)
        assert delay(error, tries, draw=draw, attempts=10, max_delay=allowed) == max(asked, backoff)
    else:
        with pytest.raises(RetryDelayTooLong) as caught:
            delay(error, max_delay=allowed)
        assert (caught.value.delay, caught.value.allowed) == (asked, allowed)
        assert caught.value.__cause__ is error


def test_a_long_delay_does_not_hide_an_error_that_stands():
    """Where nothing would be repeated the API's refusal itself is raised, whatever delay it names."""
    assert delay(status_error(503, retry_after=1e6), repeatable=False) is None
    assert delay(status_error(503, retry_after=1e6), tries=4) is None
    assert delay(status_error(404, retry_after=1e6)) is None


NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("30", 30),
        ("007", 7),
        ("1.5", 1.5),
        ("86400", 86400),
        ("9" * 400, math.inf),
        ("Tue, 03 Feb 2026 04:05:36 GMT", 30),
        ("Tuesday, 03-Feb-26 04:05:36 GMT", 30),
        ("Tue Feb  3 04:05:36 2026", 30),
        ("Tue, 03 Feb 2026 05:05:36 +0100", 30),
        ("Tue, 03 Feb 2026 04:05:36 -0000", 30),
        ("Tue, 03 Feb 2026 04:05:06 GMT", 0),
        ("Mon, 03 Feb 2025 04:05:06 GMT", 0),
        ("Thu, 03 Feb 2028 04:05:06 GMT", 730 * 86400),
        (None, None),
        ("", None),
        (" ", None),
        ("soon", None),
        ("-1", None),
        ("+5", None),
        ("1e3", None),
        ("1_000", None),
        ("0x10", None),
        ("nan", None),
        ("inf", None),
        ("Infinity", None),
        ("\u0663", None),
        ("30 s", None),
        ("30, 60", None),
        ("Tue, 32 Feb 2026 04:05:36 GMT", None),
        ("Tue, 03 Feb 2026 25:05:36 GMT", None),
        ("Tue, 03 Feb 2026 04:05:36 +99999999999999999999", None),
        ("Tue, 03 Feb 99999 04:05:36 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value, seconds):
    """RFC 9110, 10.2.3: seconds, or any of the three forms of an HTTP date; anything else is as if it were absent."""
    assert parse_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("Tue, 03 Feb 2026 04:15:36 GMT", "Tue, 03 Feb 2026 04:15:06 GMT", 30),  # ten minutes ahead of us
        ("Tue, 03 Feb 2026 03:55:36 GMT", "Tue, 03 Feb 2026 03:55:06 GMT", 30),  # behind us
        ("Tue, 03 Feb 2026 04:15:06 GMT", "Tue, 03 Feb 2026 04:15:06 GMT", 0),
        ("Tue, 03 Feb 2026 04:15:05 GMT", "Tue, 03 Feb 2026 04:15:06 GMT", 0),
        ("Tue, 03 Feb 2026 04:05:36 GMT", "yesterday", 30),
        ("Tue, 03 Feb 2026 04:05:36 GMT", "", 30),
        ("30", "Tue, 03 Feb 2026 04:15:06 GMT", 30),
        ("soon", "Tue, 03 Feb 2026 04:15:06 GMT", None),
        (None, "Tue, 03 Feb 2026 04:15:06 GMT", None),
    ],
)
def test_a_date_counts_from_the_date_of_its_response(value, date, seconds):
    """By the server's clock, whatever ours says; by ours where the response has no date that can be read."""
    assert parse_retry_after(value, date, now=NOW) == seconds


@settings(max_examples=examples(500))
@given(
    st.text(max_size=40)
    | st.from_regex(r"(Tue, )?[0-9]{1,3} (Jan|Feb|Foo) [0-9]{1,6} [0-9]{2}:[0-9]{2}:[0-9]{2} ([+-][0-9]{1,25}|GMT|)")
)
@example("Tue, 03 Feb 2026 04:05:36 -99999999999999999999")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
def test_no_retry_after_breaks_a_listing(value):
    """Whatever a server sends, as a time or as its date, is no time, or one that is not negative."""
    found = [parse_retry_after(value, now=NOW), parse_retry_after(value, "Tue, 03 Feb 2026 04:15:06 GMT")]
    found += [parse_retry_after(value, value), parse_retry_after("Tue, 03 Feb 2026 04:15:06 GMT", value, now=NOW)]
    assert all(seconds is None or seconds >= 0 for seconds in found)


@pytest.mark.parametrize(
    "options",
    [{"attempts": 0}, {"attempts": -1}, {"attempts": 1.5}, {"attempts": "3"}, {"attempts": None}]
    + [{name: wrong} for name in ("base", "cap", "max_delay", "budget", "reserve") for wrong in (-1, math.nan)]
    + [{"budget": 1.01}],
    ids=repr,
)
def test_a_rule_that_makes_no_sense_is_refused(options):
    """When it is written, not when the first request fails."""
    with pytest.raises((ValueError, TypeError)):
        Retry(**options)


# ---- in a client, in virtual time


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_out_once(status):
    """30 s asked, 30 s waited, and the report tells."""
    server = Server((status, {"retry-after": 30}, b""), EMPTY)

    async def main():
        async with server.kintsugi() as kintsugi, kintsugi.customers.prefetch() as customers:
            assert [row async for row in customers] == []
            return customers.report

    report = virtually(main)
    assert server.gaps == [30]
    assert (report.requests, report.retries, report.waited, report.complete) == (2, 1, 30, True)
    assert "2 requests (1 repeated), held back for 30.00 s in all" in str(report)


# Seconds until the next request, where no pause was asked for: nine a second leave at first.
AFTER_A_PUSH_BACK = pytest.approx(1 / (LOWER * LEAST))


def test_a_date_far_off_is_an_error():
    """Dates count from now."""
    far = Server((503, {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, b""), EMPTY)

    async def main():
        with pytest.raises(RetryDelayTooLong, match=r"asks to wait .* Retry\.max_delay \(120 s\)"):
            await far.kintsugi().customers.first()

    virtually(main)
    assert len(far.times) == 1


@pytest.mark.parametrize("now", ["0", "0.0", "Tue, 03 Feb 1998 04:05:06 GMT"])
def test_leave_to_come_back_at_once_is_no_leave(now):
    """The waits are those of a response without Retry-After, and the budget of retries counts them."""
    draws = [0.5, 0.75, 0.9]

    async def main(server, **options):
        with pytest.MonkeyPatch.context() as patch:
            left = list(draws)
            patch.setattr(random, "random", lambda: left.pop(0))
            await server.kintsugi(**options).customers.first()

    with_it, without = (Server(*[(503, headers, b"")] * 3, EMPTY) for headers in ({"retry-after": now}, {}))
    for server in (with_it, without):
        virtually(lambda server=server: main(server, retry=Retry(base=8, cap=60)))
    assert with_it.gaps == without.gaps == pytest.approx([8, 24, 54])
    with pytest.raises(ServerError) as caught:
        virtually(lambda: main(Server((503, {"retry-after": now}, b"")), retry=Retry(reserve=1)))
    assert caught.value.__notes__ == ["It was not sent again: the budget of 20% retries is spent."]


def test_a_pause_of_less_than_a_second_is_waited_out_and_counts_against_the_budget():
    """Retry-After is in seconds: who names less has not said when to come again."""
    server = Server((503, {"retry-after": "0.9"}, b""), EMPTY)

    async def main():
        kintsugi = server.kintsugi(retry=Retry(budget=0, reserve=0))
        with pytest.raises(ServerError):
            await kintsugi.customers.first()
        await kintsugi.customers.first()

    virtually(main)
    assert server.gaps == [0.9]


def test_a_server_whose_clock_is_ten_minutes_ahead_is_waited_for():
    """Its Retry-After counts from its own Date; by our clock it would be too far off."""
    ahead = datetime.now(UTC) + timedelta(minutes=10)
    date, until = (format_datetime(time, usegmt=True) for time in (ahead, ahead + timedelta(seconds=30)))
    server = Server((503, {"retry-after": until, "date": date}, b""), EMPTY)
    virtually(lambda: read(server.kintsugi().customers))
    assert server.gaps == [30]


def test_a_delay_over_the_cap_holds_nobody():
    """It is an error at once, with the refusal as its cause; the next request leaves with no pause before it."""
    server = Server((429, {"retry-after": 121}, b'{"detail":"slow down"}'), EMPTY)

    async def main():
        kintsugi = server.kintsugi()
        with pytest.raises(RetryDelayTooLong) as caught:
            await kintsugi.customers.first()
        assert isinstance(caught.value.__cause__, RateLimited)
        assert caught.value.__cause__.detail == "slow down"
        await kintsugi.customers.first()

    virtually(main)
    assert server.gaps == [AFTER_A_PUSH_BACK]


async def read(customers):
    await customers.first()


async def update(customers):
    await customers.update("cust_1", name="New")


async def create(customers):
    await customers.create(name="New")


CALLS = [(read, EMPTY), (update, ONE), (create, ONE)]


@pytest.mark.parametrize(("call", "good"), CALLS, ids=["read", "update", "create"])
@pytest.mark.parametrize("status", [*TEMPORARY, 400, 401, 404, 409, 422, 501, 505, 599])
def test_what_is_sent_again_after_a_status(status, call, good):
    """Reads and updates after the temporary ones; a create after 429 alone, and else it is sent once."""
    server = Server((status, {}, b""), good)
    again = status == 429 if call is create else status in TEMPORARY

    async def main():
        if again:
            await call(server.kintsugi().customers)
            return
        with pytest.raises(ApiError) as caught:
            await call(server.kintsugi().customers)
        assert caught.value.status == status
        assert caught.value.maybe_applied == (call is not read and status >= 500)

    virtually(main)
    assert len(server.times) == 1 + again


@pytest.mark.parametrize(("call", "good"), CALLS, ids=["read", "update", "create"])
def test_what_is_sent_again_after_silence(call, good):
    """An answer that does not come in time: reads and updates are repeated, a create is not and says why."""
    server = Server(SILENCE)

    async def main():
        with pytest.raises(TimedOut, match="no complete response within 10 s") as caught:
            await call(server.kintsugi(timeout=10).customers)
        assert caught.value.maybe_applied == (call is not read)
        assert ("it may have been applied" in str(caught.value)) == (call is not read)

    virtually(main)
    assert len(server.times) == (1 if call is create else 4)
    assert all(10 <= gap <= 10 + 0.25 * 2**n for n, gap in enumerate(server.gaps, 1))


class Unplugged(httpx.AsyncBaseTransport):
    """Every request fails, in the way the test says."""

    def __init__(self, error):
        self.error, self.requests = error, 0

    async def handle_async_request(self, request):
        self.requests += 1
        raise self.error("down")


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError])
@pytest.mark.parametrize("call", [read, update, create])
def test_what_is_sent_again_after_a_broken_connection(call, error):
    """The same. Where no connection was made, nothing can have been applied, and the error does not say so."""
    network = Unplugged(error)

    async def main():
        http = httpx.AsyncClient(transport=network)
        kintsugi = Kintsugi(api_key="key", organization_id="org", http_client=http)
        with pytest.raises((ConnectFailed, ConnectionLost, TimedOut)) as caught:
            await call(kintsugi.customers)
        assert caught.value.maybe_applied == (call is not read and error is not httpx.ConnectError)

    virtually(main)
    assert network.requests == (1 if call is create else 4)


def test_a_create_makes_one_customer_after_two_refusals():
    """429 proves that nothing was made; the create that follows makes one."""
    box = Sandbox(kintsugi_rows=0)
    refusals = [(429, {"retry-after": 5}, b""), (429, {}, b"")]

    async def app(scope, receive, send):
        if refusals:
            await Server(refusals.pop(0))(scope, receive, send)
        else:
            await box.kintsugi_app(scope, receive, send)

    async def main():
        http = client_for_app(app)
        kintsugi = Kintsugi(
            api_key="sandbox-key", organization_id="org_sandbox", base_url="http://localhost", http_client=http
        )
        await kintsugi.customers.create(name="New")
        return anyio.current_time()

    assert 5 <= virtually(main) <= 6
    assert [row["name"] for row in box.kintsugi_rows()] == ["New"]


@pytest.mark.parametrize("attempts", [1, 2, 7])
def test_after_the_last_attempt_the_last_error_stands(attempts):
    """With its own words; the waits before it keep within the backoff."""
    server = Server(*[(500, {}, f'{{"detail":"failure {n}"}}'.encode()) for n in range(1, 9)])

    async def main():
        async with server.kintsugi(retry=Retry(attempts=attempts, base=1, cap=10)) as kintsugi:
            with pytest.raises(ServerError, match=f"failure {attempts}$"):
                await kintsugi.customers.first()

    virtually(main)
    assert len(server.times) == attempts
    assert all(0 <= gap <= min(10, 2**n) for n, gap in enumerate(server.gaps, 1))


def test_the_report_counts_what_was_repeated_and_waited():
    """Requests with their repeats, and every second that one was held back."""
    draws = [0.5, 0.25, 0.5]
    server = Server((500, {}, b""), (502, {}, b""), (429, {"retry-after": 7}, b""), EMPTY)

    async def main():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(random, "random", lambda: draws.pop(0))
            async with server.kintsugi(retry=Retry(base=1)) as kintsugi, kintsugi.customers.prefetch() as customers:
                [row async for row in customers]
                return customers.report

    report = virtually(main)
    assert server.gaps == [1, 1, 7]
    assert (report.requests, report.retries, report.waited) == (4, 3, 9)


def refuse_once(app, page, status, seconds):
    """The application, but one page is refused the first time; with a log of when each request came."""
    times, refused = [], []

    async def wrapped(scope, receive, send):
        times.append(anyio.current_time())
        if f"page={page}&" in scope["query_string"].decode() and not refused:
            refused.append(anyio.current_time())
            await Server((status, {"retry-after": seconds}, b""))(scope, receive, send)
        else:
            await anyio.sleep(0.1)
            await app(scope, receive, send)

    return wrapped, times, refused


def sandboxed(app, **options):
    http = client_for_app(app)
    credentials = {"api_key": "sandbox-key", "organization_id": "org_sandbox"}
    return Kintsugi(**credentials, base_url="http://localhost", http_client=http, **options)


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_holds_every_request_of_the_client(status):
    """Refused once, nobody asks again before the time is up, and the pause is served once, not by each request."""
    box = Sandbox(kintsugi_rows=3000)
    app, times, refused = refuse_once(box.kintsugi_app, 9, status, 30)

    async def main():
        async with sandboxed(app) as kintsugi, kintsugi.customers.prefetch(window=8) as customers:
            rows = [row.id async for row in customers]
        return rows, customers.report, anyio.current_time()

    rows, report, took = virtually(main)
    assert rows == [row["id"] for row in box.kintsugi_rows()]
    assert (report.requests, report.retries, report.complete) == (36, 1, True)
    assert not [time for time in times if refused[0] < time < refused[0] + 30]
    assert 30 < took < 33  # and no burst follows
    assert report.waited >= 30


@pytest.mark.parametrize("call", [create, update, read])
def test_a_pause_is_kept_where_nothing_is_repeated(call):
    """Refused for good, with a time: the error comes at once, and what is asked next waits."""
    server = Server((503, {"retry-after": 20}, b""), EMPTY)

    async def main():
        kintsugi = server.kintsugi(retry=Retry(attempts=1))
        with pytest.raises(ServerError):
            await call(kintsugi.customers)
        assert anyio.current_time() - server.times[0] == 0
        await kintsugi.customers.first()

    virtually(main)
    assert server.gaps == [20]


def test_a_pause_is_the_business_of_one_client():
    """Another client's requests leave."""
    paused, other = Server((429, {"retry-after": 30}, b""), EMPTY), Server(EMPTY)

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(read, paused.kintsugi().customers)
            await anyio.sleep(1)
            await read(other.kintsugi().customers)
            assert anyio.current_time() < 2
        assert anyio.current_time() >= 30

    virtually(main)


# ---- the budget


arrivals = st.lists(st.floats(0, 50), max_size=30)


def leave(pacer, gaps):
    """When requests leave that come after these gaps, one by one."""
    now, left = 0.0, []
    for gap in gaps:
        now += gap
        turns = 0
        while (seconds := pacer.wait(now)) > 0:
            now += seconds
            turns += 1
            assert turns < 5
        left.append(now)
        pacer.ended(now)
    return left


@settings(max_examples=examples(1000))
@given(st.integers(1, 5), st.floats(0.01, 100), arrivals)
@example(1, 1.0, [63.1, 0.0, 0.0])
def test_no_window_holds_more_than_the_budget(requests, per, gaps):
    """In any ``per`` seconds at most so many leave, whenever they come; and none waits longer than that needs."""
    left = leave(Pacer(Pace(requests, per=per)), gaps)
    assert all(late >= early + per for early, late in zip(left, left[requests:], strict=False))
    came = 0.0
    for index, gap in enumerate(gaps):
        came = (left[index - 1] if index else 0.0) + gap
        free = left[index - requests] + per if index >= requests else 0.0
        assert left[index] == pytest.approx(max(came, free))


@given(st.integers(1, 5), st.floats(0.01, 100), arrivals, st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100))))
def test_nothing_leaves_in_a_pause(requests, per, gaps, pauses):
    """The longest pause asked for counts, and a shorter one never cuts it."""
    pacer = Pacer(Pace(requests, per=per))
    for now, seconds in pauses:
        pacer.pause(now, seconds)
    left = leave(pacer, gaps)
    assert all(time >= max((now + seconds for now, seconds in pauses), default=0) for time in left)


@given(arrivals)
def test_without_a_budget_nobody_waits(gaps):
    """``pace=None``."""
    pacer = Pacer(None)
    assert all(pacer.wait(now) == 0 for now in gaps)


@pytest.mark.parametrize(
    ("requests", "per"), [(0, 60), (-1, 60), (1.5, 60), ("10", 60), (None, 60), (1, 0), (1, -1), (1, math.nan)]
)
def test_a_budget_that_makes_no_sense_is_refused(requests, per):
    """When it is written."""
    with pytest.raises((ValueError, TypeError)):
        Pace(requests, per=per)


@pytest.mark.parametrize("per", [10, 0.25])
def test_a_client_keeps_its_budget_across_listings(per):
    """Five in any ten seconds, or in a quarter of one, whoever asks and from whichever query."""
    server = Server(EMPTY)

    async def main():
        kintsugi = server.kintsugi(pace=Pace(5, per=per))
        async with anyio.create_task_group() as group:
            for n in range(20):
                group.start_soon(read, kintsugi.customers.where(search=str(n)) if n % 2 else kintsugi.customers)

    virtually(main)
    assert Counter(server.times) == {0: 5, per: 5, 2 * per: 5, 3 * per: 5}


def test_a_listing_under_a_budget_is_whole_and_tells_how_long_it_was_held_back():
    """Bursts are allowed: the window leaves at once, until the budget is spent."""
    box = Sandbox(kintsugi_rows=2500)

    async def main():
        async with sandboxed(box.kintsugi_app, pace=Pace(10, per=60)) as kintsugi:
            async with kintsugi.customers.prefetch(window=4) as customers:
                rows = [row.id async for row in customers]
            return rows, customers.report, anyio.current_time()

    rows, report, took = virtually(main)
    assert rows == [row["id"] for row in box.kintsugi_rows()]
    assert report.requests == 30  # the last page is full, and asked for once more
    assert took == 120
    assert report.waited >= 120
    assert report.retries == 0


class Instant(httpx.AsyncBaseTransport):
    """Answers at once, without a server."""

    def __init__(self, body=EMPTY[2]):
        self.body, self.times = body, Counter()

    async def handle_async_request(self, request):
        self.times[anyio.current_time()] += 1
        return httpx.Response(200, content=self.body)


def made(api, network, **options):
    http = httpx.AsyncClient(transport=network)
    if api is Kintsugi:
        return Kintsugi(api_key="key", organization_id="org", http_client=http, **options)
    return SweetSpot(token="token", http_client=http, **options)


def test_kintsugis_documented_budget_is_the_default():
    """10,000 requests leave at once, the next after 60 s."""
    network = Instant()

    async def main():
        kintsugi = made(Kintsugi, network)
        for _ in range(10_003):
            await kintsugi.customers.first_page()

    virtually(main)
    assert network.times == {0: 10_000, 60: 3}


@pytest.mark.parametrize(("api", "options"), [(Kintsugi, {"pace": None}), (SweetSpot, {})])
def test_where_no_budget_is_documented_there_is_none(api, options):
    """``pace=None`` lifts Kintsugi's; Sweet Spot has none."""
    network = Instant(EMPTY[2] if api is Kintsugi else b"[]")

    async def main():
        client = made(api, network, **options)
        for _ in range(10_003):
            await client.customers.first_page()

    virtually(main)
    assert network.times == {0: 10_003}


# ---- the budget of retries


def test_what_is_saved_up_has_a_limit():
    """Good answers without number pay for fifty retries in an outage, or for the reserve if that is more."""
    for reserve, most in ((0, 50), (50, 50), (80, 80)):
        budget = Budget(0.2, reserve)
        for _ in range(100_000):
            budget.earn()
        assert sum(budget.spend() for _ in range(1_000)) == most


@given(st.floats(0, 1), st.integers(0, 20), st.lists(st.booleans(), max_size=200))
def test_retries_are_at_most_a_share_of_what_went_well_besides_a_reserve(share, reserve, events):
    """Whatever succeeds and fails in whichever order; and none is refused that could be afforded."""
    budget, left, earned, spent = Budget(share, reserve), float(reserve), 0, 0
    for well in events:
        if well:
            budget.earn()
            earned, left = earned + 1, min(50, left + share)
        elif budget.spend():
            assert left == pytest.approx(1) or left > 1
            spent, left = spent + 1, left - 1
        else:
            assert left == pytest.approx(1) or left < 1
    assert spent <= reserve + share * earned + 1e-6


def test_a_client_without_hope_gives_up_early():
    """Fifty retries in reserve, for all of its requests together; then each error comes at once, and says why."""
    server = Server((500, {}, b""))

    async def main():
        kintsugi = server.kintsugi()
        for _ in range(60):
            with pytest.raises(ServerError) as caught:
                await kintsugi.customers.first()
        assert caught.value.__notes__ == ["It was not sent again: the budget of 20% retries is spent."]
        with pytest.raises(ServerError):
            await kintsugi.customers.update("cust_1", name="x")
        await server.kintsugi(retry=Retry(attempts=1)).aclose()

    virtually(main)
    assert len(server.times) == 61 + 50


def test_what_goes_well_earns_retries():
    """A fifth of one each: after fifteen good answers three failures are made up for."""
    bad = (500, {}, b"")
    server = Server(*[EMPTY] * 15, bad, bad, bad, EMPTY)

    async def main():
        kintsugi = server.kintsugi(retry=Retry(reserve=0))
        for _ in range(16):
            await kintsugi.customers.first()

    virtually(main)
    assert len(server.times) == 19


def test_a_pause_that_the_api_asks_for_costs_nothing():
    """Without any budget it is waited out all the same."""
    server = Server(*[(429, {"retry-after": 1}, b"")] * 3, EMPTY, (429, {}, b""))

    async def main():
        kintsugi = server.kintsugi(retry=Retry(budget=0, reserve=0))
        await kintsugi.customers.first()
        with pytest.raises(RateLimited):
            await kintsugi.customers.first()

    virtually(main)
    assert len(server.times) == 5


# ---- the rate that a server bears


@given(arrivals)
def test_without_a_push_back_there_is_no_rate(gaps):
    """Answers alone hold nobody back."""
    pacer, now = Pacer(None), 0.0
    for gap in gaps:
        now += gap
        assert pacer.wait(now) == 0
        pacer.succeeded(now)
    assert pacer.rate is None


@settings(max_examples=examples(300))
@given(st.lists(st.booleans(), max_size=150), st.floats(0, 3))
def test_no_number_of_push_backs_stops_a_client(events, taken):
    """After a long outage the next request still leaves within a second, and a good answer is felt."""
    pacer, now = Pacer(None), 0.0
    for well in events:
        seconds = pacer.wait(now)
        assert seconds < 1.001
        if seconds:
            now += seconds + 1e-9
            assert pacer.wait(now) == 0
        sent, now = now, now + taken
        if well:
            pacer.succeeded(now)
        else:
            pacer.pushed_back(now, sent)
            assert pacer.rate >= 1
    assert pacer.wait(now) < 1.001


@given(st.integers(0, 400), st.integers(1, 50))
def test_after_a_push_back_no_burst_follows(borne, count):
    """Requests leave one by one, a little slower than what went well in the last second, and 9 a second at least."""
    pacer = Pacer(None)
    for n in range(borne):
        pacer.succeeded(n / 1000)
    pacer.pushed_back(0.5, sent=0.4)
    assert pacer.rate == pytest.approx(0.9 * max(borne, 10))
    left, now = [], 0.5
    while len(left) < count:
        if seconds := pacer.wait(now):
            now += seconds + 1e-9
        else:
            left.append(now)
    assert all(late - early >= 1 / pacer.rate - 1e-6 for early, late in pairwise(left))


def test_only_the_last_second_says_what_a_server_bears():
    """What went well before it was another time."""
    pacer = Pacer(None)
    for n in range(200):
        pacer.succeeded(n / 1000)
    pacer.pushed_back(5.0, sent=4.9)
    assert pacer.rate == 9


def test_one_burst_lowers_the_rate_once():
    """Refusals of requests that left before the rate was lowered say nothing about it."""
    pacer = Pacer(None)
    pacer.pushed_back(10.0, sent=9.9)
    rate = pacer.rate
    for sent in (9.9, 9.95, 9.999):
        pacer.pushed_back(10.1, sent)
    assert pacer.rate == rate
    pacer.pushed_back(10.2, sent=10.1)
    assert pacer.rate < rate


def test_a_limit_that_is_far_behind_is_forgotten():
    """Five hundred requests that nothing held back."""
    pacer, now = Pacer(None), 0.0
    pacer.pushed_back(now, sent=now)
    for _ in range(501):
        assert pacer.rate is not None
        now += 1
        assert pacer.wait(now) == 0
    assert pacer.rate is None


def test_a_server_that_bears_twenty_a_second_is_asked_about_twenty_a_second():
    """It refuses what is more, naming no time: few requests are refused, and little of what it bears is wasted."""
    box, taken, refused = Sandbox(kintsugi_rows=20_000), deque(), []

    async def app(scope, receive, send):
        now = anyio.current_time()
        while taken and taken[0] <= now - 1:
            taken.popleft()
        if len(taken) >= 20:
            refused.append(now)
            await Server((429, {}, b""))(scope, receive, send)
            return
        taken.append(now)
        await anyio.sleep(0.05)
        await box.kintsugi_app(scope, receive, send)

    async def main():
        async with sandboxed(app, retry=Retry(attempts=10)) as kintsugi:
            async with kintsugi.customers.prefetch(window=16) as customers:
                rows = [row.id async for row in customers]
            return rows, customers.report, anyio.current_time()

    rows, report, took = virtually(main)
    assert rows == [row["id"] for row in box.kintsugi_rows()]
    assert report.complete
    assert report.retries == len(refused)
    assert len(refused) < 0.25 * report.requests
    assert took < 2 * (report.requests - len(refused)) / 20


# ---- hopeless servers


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("headers", [{"retry-after": 0}, {}], ids=str)
def test_a_hundred_listings_without_hope_end_within_a_minute(status, headers):
    """The budget of retries is theirs together; each error says that it is spent, or that its attempts are."""
    server = Server((status, headers, b""))

    async def main():
        async with server.kintsugi() as kintsugi:

            async def fail(number):
                with pytest.raises((RateLimited, ServerError)):
                    await kintsugi.customers.where(search=str(number)).to_list()

            async with anyio.create_task_group() as group:
                for number in range(100):
                    group.start_soon(fail, number)
        return anyio.current_time()

    assert virtually(main) < 60
    assert len(server.times) == 100 + 50


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Retry(attempts=0), "Retry: attempts must be a whole number of at least 1, not 0"),
        (lambda: Retry(attempts=True), "Retry: attempts must be a whole number of at least 1, not True"),
        (lambda: Retry(attempts=1.5), "Retry: attempts must be a whole number of at least 1, not 1.5"),
        (lambda: Retry(base="x"), "Retry: base must be a finite number of at least 0, not 'x'"),
        (lambda: Retry(max_delay=None), "Retry: max_delay must be a number of at least 0, not None"),
        (lambda: Retry(cap=float("nan")), "Retry: cap must be a finite number of at least 0, not nan"),
        (lambda: Retry(budget=1.1), "Retry: budget must be a finite number of at least 0, at most 1, not 1.1"),
        (lambda: Retry(reserve=-1), "Retry: reserve must be a whole number of at least 0, not -1"),
        (lambda: Pace(0), "Pace: requests must be a whole number of at least 1, not 0"),
        (lambda: Pace(True), "Pace: requests must be a whole number of at least 1, not True"),
        (lambda: Pace(1, per=0), "Pace: per must be a finite number above 0, not 0"),
        (lambda: Pace(1, per=float("inf")), "Pace: per must be a finite number above 0, not inf"),
    ],
)
def test_a_number_out_of_its_bounds_is_a_usage_error(make, said):
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value) == said


def test_a_pause_may_be_as_long_as_the_api_asks_for():
    assert Retry(max_delay=math.inf).max_delay == math.inf
