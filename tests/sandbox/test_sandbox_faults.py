"""Faults: each does what it says, and both clients get exact rows or a typed error."""

import re
import socket
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio
import httpx
import pytest
from asking import KEYS, ask
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from effort import examples
from readahead import Retry
from readahead.cli import main as cli
from readahead.errors import (
    ConnectionLost,
    DecodeError,
    DriftError,
    InvalidRequest,
    RateLimited,
    RequestError,
    RetryDelayTooLong,
    ServerError,
    TimedOut,
    UnexpectedAnswer,
)
from readahead.http.libraries import client_for_app
from readahead.kintsugi import Kintsugi, Source
from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Faults, Sandbox
from readahead.sweetspot import SweetSpot

CUSTOMERS = "/v1/customers"
APIS = pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
ROWS = 537
NEVER = Retry(attempts=1)


def sandbox(rows=ROWS, **faults):
    return Sandbox(kintsugi_rows=rows, sweetspot_rows=rows, faults=Faults(**faults))


def client(api, box, *, url=None, **options):
    if url is None:
        options["http_client"] = client_for_app(box.kintsugi_app if api == "kintsugi" else box.sweetspot_app)
    base = "http://127.0.0.1" if url is None else f"{url}/{api}"
    if api == "kintsugi":
        return Kintsugi(api_key=API_KEY, organization_id=ORGANIZATION_ID, base_url=base, **options)
    return SweetSpot(token=TOKEN, base_url=base, **options)


def every_id(api, box):
    return [row["id"] for row in (box.kintsugi_rows() if api == "kintsugi" else box.sweetspot_rows())]


pytestmark = pytest.mark.anyio
ON_BOTH = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])


@pytest.fixture
def anyio_backend():
    """Trio with a clock of its own: a sleep takes no time, and the clock tells it all the same."""
    return "trio", {"clock": MockClock(autojump_threshold=0)}


async def read(api, box, window=5, *, url=None, retry=None, timeout=30.0, **how):  # noqa: ASYNC109  the client's
    """Every id of a listing, and its report."""
    retry = retry or Retry()
    async with (
        client(api, box, url=url, retry=retry, timeout=timeout) as me,
        me.customers.prefetch(window=window, **how) as rows,
    ):
        return [row.id async for row in rows], rows.report


async def page(api, box, number=1, size=100):
    """One page as it comes: the response, and its rows."""
    query = f"page={number}&size={size}" if api == "kintsugi" else f"offset={(number - 1) * size}&limit={size}"
    app = box.kintsugi_app if api == "kintsugi" else box.sweetspot_app
    response = await ask(app, f"{CUSTOMERS}?{query}")
    body = response.json() if "json" in response.headers["content-type"] else None
    return response, body["items"] if isinstance(body, dict) and "items" in body else body


# ---- the value


@APIS
async def test_without_faults_nothing_is_amiss(api):
    """The default is a server that does what it documents."""
    box = sandbox()
    assert (await read(api, box))[0] == every_id(api, box)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@settings(max_examples=examples(40), deadline=None)
@given(st.integers(0, 3), st.floats(0, 1), st.floats(0, 1), st.integers(1, 100))
async def test_the_same_faults_give_the_same_answers(seed, hide, errors, cap):
    """Two sandboxes with equal faults answer the same requests alike, to the byte."""
    faults = Faults(seed=seed, hide=hide, errors=errors, cap=cap, deletes=1.5, inserts=0.5, ties=4, null_ids=0.1)
    one, other = (Sandbox(kintsugi_rows=150, sweetspot_rows=150, faults=faults) for _ in range(2))
    for api in ("kintsugi", "sweetspot"):
        for number in (1, 2, 1, 3):
            first, second = [(await page(api, box, number, 50))[0] for box in (one, other)]
            assert (first.status_code, first.content) == (second.status_code, second.content)


async def test_faults_do_not_disturb_each_other():
    """Which requests fail does not hang on what else is amiss."""

    async def failed(**more):
        box = sandbox(100, errors=0.3, **more)
        return [(await page("kintsugi", box, n))[0].status_code >= 500 for n in range(1, 30)]

    plain = await failed()
    assert plain == await failed(hide=0.5, deletes=1, ties=3, latency=0.0001)
    assert plain != await failed(seed=2)


@pytest.mark.parametrize(
    "given",
    [{"cap": 0}, {"hide": 1.5}, {"total": "many"}, {"total": -1}, {"ties": 1}, {"statuses": (200,)}, {"burst": 0}],
)
def test_what_cannot_be_is_refused(given):
    """A share beyond 1, a page of no rows, a status that is no error."""
    with pytest.raises(ValueError, match=next(iter(given))):
        Faults(**given)


# ---- pages


@APIS
async def test_cap(api):
    """No page holds more, whatever is asked for; the listing is whole."""
    box = sandbox(cap=50)
    assert len((await page(api, box))[1]) == 50
    assert (await read(api, box))[0] == every_id(api, box)


@APIS
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
async def test_hide(api, share):
    """Rows are left out after the page was cut, always the same; the others all come. A total promises more."""
    box = sandbox(hide=share)
    shown = [row["id"] for number in range(1, 7) for row in (await page(api, box, number))[1]]
    assert (1 - share) * ROWS * 0.8 < len(shown) < (1 - share) * ROWS * 1.2
    for window in (1, 5, 16):
        ids, report = await read(api, box, window)
        assert ids == shown
        assert report.drift == "unverifiable"
        assert report.complete == (api == "sweetspot")
        assert report.complete or f"a total of {ROWS:,}" in report.why


@APIS
async def test_repeat_last(api):
    """Past the end the last page comes again; the listing ends, and names no row twice."""
    box = sandbox(repeat_last=True, total="missing")
    assert (await page(api, box, 60))[1] == (await page(api, box, 6))[1]
    assert (await read(api, box))[0] == every_id(api, box)


@APIS
async def test_ignore_limit(api):
    """All rows come at once; all are handed out, once."""
    box = sandbox(ignore_limit=True)
    assert len((await page(api, box, 1, 10))[1]) == ROWS
    assert (await read(api, box))[0] == every_id(api, box)


@pytest.mark.parametrize("total", ["missing", "null", "changing", 0, 300, 500, 2000])
async def test_total(total):
    """It is left out, null, another each time, or wrong; the listing is whole and says what it saw."""
    box = sandbox(total=total)
    said = [(await page("kintsugi", box))[0].json().get("total", "missing") for _ in range(3)]
    assert said == {"missing": ["missing"] * 3, "null": [None] * 3, "changing": [538, 539, 537]}.get(total, [total] * 3)
    ids, report = await read("kintsugi", box)
    assert ids == every_id("kintsugi", box)
    assert report.totals == {"missing": [], "null": []}.get(total, report.totals)
    assert report.drift == ("seen" if total == "changing" else "none")


async def test_no_pages():
    """The number of pages is left out; nobody needs it."""
    box = sandbox(no_pages=True)
    assert "pages" not in (await page("kintsugi", box))[0].json()
    assert (await read("kintsugi", box))[0] == every_id("kintsugi", box)


@APIS
async def test_ties(api):
    """Neighbours come in another order each time; that cannot be mended, and is seen."""
    box = sandbox(ties=12)
    once, again = [[row["id"] for row in (await page(api, box))[1]] for _ in range(2)]
    assert once != again
    ids, report = await read(api, box)
    assert len(ids) == len(set(ids))
    assert report.drift == "seen"


@APIS
async def test_deepest(api):
    """400 beyond an offset: rows before it come first, then the error; beyond the end of the list it does no harm."""
    box = sandbox(deepest=300)
    assert (await page(api, box, 5))[0].status_code == 400

    rows = []
    async with client(api, box) as me:
        with pytest.raises(InvalidRequest) as caught:
            async for row in me.customers:
                rows.append(row.id)
    error = caught.value
    assert 300 <= len(rows) < 450
    assert rows == every_id(api, box)[: len(rows)]
    assert error.checkpoint is not None
    box = sandbox(deepest=600)
    assert (await read(api, box, 16))[0] == every_id(api, box)


@APIS
@pytest.mark.parametrize("window", [1, 2, 5, 16])
@pytest.mark.parametrize(
    "faults", [{"inserts": 2}, {"appends": 2}, {"deletes": 2}, {"inserts": 1, "appends": 1, "deletes": 1}]
)
async def test_writes(faults, window, api):
    """So many rows come and go between two requests: those that were there throughout all come, none twice."""
    box = sandbox(1500, **faults)
    before = every_id(api, box)
    ids, report = await read(api, box, window)
    throughout = set(before) & set(every_id(api, box))
    assert throughout <= set(ids)
    assert len(ids) == len(set(ids))
    assert len(every_id(api, box)) != len(before) or len(faults) > 1
    if api == "kintsugi" or "appends" not in faults:
        assert report.drift == "seen"


@APIS
async def test_drift_can_be_an_error_or_read_again(api):
    """``on_drift="raise"`` ends with DriftError; ``"reread"`` reads again, at most four times, and says so."""
    with pytest.raises(DriftError):
        await read(api, sandbox(1500, deletes=2), on_drift="raise")
    box = sandbox(1500, deletes=2)
    ids, report = await read(api, box, on_drift="reread")
    assert len(ids) == len(set(ids)) >= 1400
    assert report.sweeps == 4
    assert not report.complete


# ---- every window

STABLE = {
    "as documented": {},
    "cap": {"cap": 40},
    "hidden": {"hide": 0.3},
    "mostly hidden": {"hide": 0.6},
    "last page again": {"repeat_last": True, "total": "missing"},
    "limit ignored": {"ignore_limit": True},
    "no total": {"total": "missing"},
    "total null": {"total": "null"},
    "total 0": {"total": 0},
    "total too low": {"total": 290},
    "total too high": {"total": 2000},
    "no pages": {"no_pages": True},
    "400 past the end": {"deepest": 600},
    "stragglers": {"latency": 0.05, "stragglers": 0.2},
    "429, seconds": {"throttled": 0.2, "retry_after": 1},
    "429, a date": {"throttled": 0.2, "retry_after": 1, "dates": True},
    "429, no time named": {"throttled": 0.2},
    "20 a second": {"rate": 20, "burst": 5, "latency": 0.05},
    "bursts of errors": {"errors": 0.1, "running": 3},
    "unknown values": {"unknown_values": 0.3},
    "all of it": {"cap": 40, "total": "missing", "errors": 0.1, "throttled": 0.1, "latency": 0.05, "stragglers": 0.2},
}


@APIS
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("name", STABLE)
async def test_every_stable_server_yields_exactly_its_rows(name, ordered, api):
    """With each window: the same rows, to the end, for 1.5 times the requests of a serial listing and the window."""
    faults = STABLE[name]
    shown = every_id(api, sandbox())
    if "hide" in faults:
        box = sandbox(**faults)
        shown = [row["id"] for number in range(1, 7) for row in (await page(api, box, number))[1]]
    serial = -(-ROWS // faults.get("cap", 100)) + 1
    for window in (1, 2, 5, 16, "auto"):
        box = sandbox(**faults)
        ids, report = await read(api, box, window, ordered=ordered, retry=Retry(attempts=30))
        assert (ids if ordered else sorted(ids)) == (shown if ordered else sorted(shown))
        total = None if api == "sweetspot" else faults.get("total", ROWS)
        assert report.complete == (not isinstance(total, int) or len(shown) >= total)
        assert report.drift == ("unverifiable" if "hide" in faults else "none")
        assert report.requests == len(box.requests) >= report.pages + report.retries
        # What a total promises is looked for, and so is what may be hidden.
        disproof = 11 if isinstance(faults.get("total"), int) else 4 if "hide" in faults else 0
        assert report.pages <= 1.5 * serial + (8 if window == "auto" else window) + disproof


# ---- refusals


@APIS
@pytest.mark.parametrize("dates", [False, True])
async def test_throttled(api, dates):
    """429 for a share of the requests, with Retry-After as seconds or a date; the listing is whole."""
    box = sandbox(throttled=0.3, retry_after=2, dates=dates)
    answers = [(await page(api, box))[0] for _ in range(60)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 8 < len(refused) < 30
    named = refused[0].headers["retry-after"]
    if dates:
        assert abs((parsedate_to_datetime(named) - datetime.now(UTC)).total_seconds()) < 60
    else:
        assert named == "2"
    ids, report = await read(api, box, retry=Retry(attempts=20))
    assert ids == every_id(api, box)
    assert report.retries > 0
    assert report.waited > 0


@APIS
async def test_throttled_for_too_long(api):
    """A Retry-After over the cap is an error that says so."""
    with pytest.raises(RetryDelayTooLong):
        await read(api, sandbox(throttled=1, retry_after=3600))
    with pytest.raises(RateLimited):
        await read(api, sandbox(throttled=1), retry=NEVER)


@APIS
async def test_rate(api):
    """A token bucket: what is beyond is refused, what is within is not; the listing is whole."""
    box = sandbox(3000, rate=5, burst=3)

    assert [(await page(api, box))[0].status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    await anyio.sleep(0.21)
    assert (await page(api, box))[0].status_code == 200
    ids, report = await read(api, sandbox(3000, rate=5, burst=3), retry=Retry(attempts=20))
    assert len(ids) == 3000
    assert report.retries > 0


@APIS
async def test_errors(api):
    """Runs of 500, 502, 503, 520 and 529; the listing is whole, or ends in a ServerError with a checkpoint."""
    box = sandbox(errors=0.2, running=3)
    found = Counter([(await page(api, box))[0].status_code for _ in range(400)])
    assert set(found) == {200, 500, 502, 503, 520, 529}
    assert (await read(api, sandbox(errors=0.1, running=2), retry=Retry(attempts=20)))[0] == every_id(api, box)
    with pytest.raises(ServerError) as caught:
        await read(api, sandbox(errors=1), retry=NEVER)
    assert caught.value.checkpoint is not None


@APIS
async def test_running(api):
    """An error that begins is followed by as many as it says."""
    box = sandbox(errors=0.02, running=4, statuses=(502,))
    failed = "".join(["x" if (await page(api, box))[0].status_code == 502 else "." for _ in range(300)])
    assert all(len(run) >= 4 for run in failed.strip("x").split(".") if run)
    assert "x" in failed


@APIS
async def test_redirects(api):
    """To another origin: not followed, and no key goes there."""
    box = sandbox(redirects=1)
    answer, _ = await page(api, box)
    assert (answer.status_code, answer.headers["location"]) == (307, "https://elsewhere.invalid/")
    with pytest.raises(UnexpectedAnswer, match="not followed"):
        await read(api, box)


@APIS
async def test_latency(api):
    """Answers take so long on average, and some three to eight times as long."""
    box = sandbox(latency=1, stragglers=0.1)

    took = []
    for _ in range(200):
        began = anyio.current_time()
        await page(api, box, size=1)
        took.append(anyio.current_time() - began)
    took.sort()
    assert 0.9 < took[100] < 1.1
    assert 5 < sum(seconds > 1.5 for seconds in took) < 40
    assert took[-1] > 3
    assert (await read(api, box))[0] == every_id(api, box)


# ---- bodies


@APIS
async def test_html(api):
    """A page of HTML with 200 is one typed error, and none of it is taken for "no more rows"."""
    box = sandbox(html=1)
    assert (await page(api, box))[0].headers["content-type"].startswith("text/html")
    with pytest.raises(UnexpectedAnswer, match="text/html"):
        await read(api, box)


@APIS
async def test_envelope(api):
    """An object where an array is due is one typed error."""
    with pytest.raises(UnexpectedAnswer, match="expected an array"):
        await read(api, sandbox(envelope=1))


@APIS
async def test_unknown_values(api):
    """A value that no document lists is kept as it came."""
    box = sandbox(unknown_values=0.2)
    name = "source" if api == "kintsugi" else "creditStatus"
    assert sum(row[name] == "NOT_LISTED_ANYWHERE" for row in (await page(api, box))[1]) > 5

    async with client(api, box) as me:
        rows = await me.customers.to_list()
    assert [row.id for row in rows] == every_id(api, box)
    values = [row.source if api == "kintsugi" else row.credit_status for row in rows]
    assert 60 < values.count("NOT_LISTED_ANYWHERE") < 160
    assert all(isinstance(value, Source | None) for value in values) or api == "sweetspot"


@APIS
async def test_null_ids(api):
    """A row without an id costs itself: DecodeError in its place, or skipped and noted."""
    box = sandbox(null_ids=0.02)
    with pytest.raises(DecodeError, match="'id'"):
        await read(api, box)
    ids, report = await read(api, box, on_bad_row="skip")
    assert len(ids) + len(report.bad_rows) == ROWS
    assert report.bad_rows
    assert ids == [one for one in every_id(api, box) if one in set(ids)]


# ---- on a real socket


@pytest.mark.parametrize("how", ["truncated", "reset"])
def test_half_an_answer_on_the_wire(how):
    """Less than the Content-Length says came, and then the end, or a reset."""
    lines = [
        f"GET /kintsugi{CUSTOMERS}?size=100 HTTP/1.1",
        "Host: h",
        *(f"{name}: {key}" for name, key in KEYS.items()),
    ]
    with sandbox(**{how: 1}).serve() as url, socket.create_connection(("127.0.0.1", int(url.split(":")[2]))) as wire:
        wire.sendall("\r\n".join([*lines, "", ""]).encode())
        came, reset = b"", False
        try:
            while more := wire.recv(65_536):
                came += more
        except ConnectionResetError:
            reset = True
    assert reset == (how == "reset")
    if not reset:  # a reset may discard what was not read yet
        head, _, body = came.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head)[1])
        assert len(body) == length // 2


@ON_BOTH
@APIS
@pytest.mark.parametrize("how", ["truncated", "reset"])
async def test_an_answer_that_ends_half_way_is_asked_for_again(api, how):
    """On a real socket: the rows are exact, and without retries ConnectionLost says so."""
    with sandbox(**{how: 0.3}) as box, box.serve() as url:
        ids, _ = await read(api, box, 3, url=url, retry=Retry(attempts=10, base=0.001))
        assert ids == every_id(api, box)
    with sandbox(**{how: 1}) as box, box.serve() as url, pytest.raises(ConnectionLost) as caught:
        await read(api, box, 3, url=url, retry=NEVER)
    assert caught.value.checkpoint is not None


@ON_BOTH
@APIS
async def test_an_answer_that_falls_silent_half_way_is_timed_out_of(api):
    """On a real socket: TimedOut, at the latest when the whole answer was due."""
    with sandbox(stalled=1) as box, box.serve() as url, pytest.raises(TimedOut):
        await read(api, box, 3, url=url, retry=NEVER, timeout=0.2)


@APIS
@pytest.mark.parametrize("how", ["truncated", "stalled", "reset"])
async def test_in_process_too_half_an_answer_is_a_typed_error(api, how):
    """Without a socket it is what comes nearest: half a body, silence, a connection that is gone."""
    with pytest.raises((RequestError, UnexpectedAnswer)):
        await read(api, sandbox(**{how: 1}), retry=NEVER, timeout=1.0)


# ---- the command line


def test_faults_on_the_command_line():
    """``--fault`` may be given again; the sandbox misbehaves as told."""
    command = [sys.executable, "-m", "readahead", "sandbox", "--rows", "200"]
    options = ["--fault", "cap=20", "--fault", "total=null", "--fault", "repeat_last"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().split("http://")[1].split()[0]
            found = httpx.get(f"http://{url}{CUSTOMERS}?size=100&page=50", headers=KEYS).json()
            assert (len(found["items"]), found["size"], found["total"]) == (20, 20, None)
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("tide=1", "unknown fault 'tide'"),
        ("cap=many", "cap must be a whole number, as in cap=5, not 'many'"),
        ("cap", "cap must be a whole number, as in cap=5, not ''"),
        ("hide=x", "hide must be a number, as in hide=0.5, not 'x'"),
        ("total=some", "total must be a whole number, missing, null or changing, not 'some'"),
        ("statuses=bad", "statuses must be statuses, as in statuses=502,503, not 'bad'"),
        ("cap=0", "cap"),
        ("hide=2", "hide"),
        ("repeat_last=3", "repeat_last must be yes or no, not '3'"),
    ],
)
def test_a_fault_that_there_is_not_is_refused(text, named, capsys):
    """Status 2 and a line that names it, and what there is."""
    assert cli(["sandbox", "--fault", text]) == 2
    assert named in capsys.readouterr().err


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "cap": st.integers(1, 100),
            "hide": st.floats(0, 1),
            "repeat_last": st.booleans(),
            "total": st.sampled_from(["missing", "null", "changing", 7]),
            "statuses": st.lists(st.integers(400, 599), min_size=1, max_size=3).map(tuple),
            "rate": st.floats(0.1, 100),
        },
    )
)
def test_text_and_value_say_the_same(given):
    """Every fault can be written on the command line."""

    def written(value):
        if isinstance(value, bool):
            return "yes" if value else "no"
        return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

    assert Faults.parse([f"{name}={written(value)}" for name, value in given.items()]) == Faults(**given)
