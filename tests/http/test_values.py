"""What JSON becomes is bounded: in values, in rows that cannot be read, and so in memory."""

import json
import sys

import anyio
import pytest
from servers import Server, answer, raw

from readahead.errors import DecodeError, ResponseTooLarge, UnexpectedAnswer

pytestmark = pytest.mark.anyio
VALUES = 100_000  # that a response may have, however small max_response is
LIMIT = 64 * VALUES
TIMES = 20  # max_response: what the guide says that a page takes at most


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


def page(items, rest=""):
    """A page of these items, which end with a comma."""
    return f'{{"items":[{items.rstrip(",")}]{rest}}}'.encode()


def separators(body):
    return sum(map(body.count, (b",", b"[", b"{")))


SMALL = {
    "numbers": "0,",
    "empty arrays": "[],",
    "empty objects": "{},",
    "rows": '{"id":"a"},',
    "arrays in arrays": "[" * 50 + "]" * 50 + ",",
}


@pytest.mark.parametrize("unit", SMALL.values(), ids=SMALL)
async def test_a_small_body_of_many_values_is_refused_before_it_is_parsed(kintsugi, unit):
    """Each would take fifty times its bytes and more. It is requested once."""
    body = page(unit * (2 * VALUES // separators(unit.encode())))
    assert len(body) < LIMIT
    async with Server(after=raw(answer(body))) as server, kintsugi(server, max_response=LIMIT) as client:
        with pytest.raises(ResponseTooLarge, match=r"more than 100,000 values .* raise max_response \(6,400,000 bytes"):
            await client.customers.first_page()
        assert len(server.seen) == 1


@pytest.mark.parametrize("limit", [1_000_000, LIMIT, 2 * LIMIT])
async def test_the_values_that_fit(kintsugi, limit):
    """One for each 64 bytes of max_response, and 100,000 in any case; not one more."""
    most = max(VALUES, limit // 64)
    row = '{"id":"cust_1"}'
    for size, fits in ((most, True), (most + 1, False)):
        body = page(row, f',"more":[{",".join("0" * (size - 4))}]')
        assert separators(body) == size
        async with Server(after=raw(answer(body))) as server, kintsugi(server, max_response=limit) as client:
            if fits:
                assert len(await client.customers.first_page()) == 1
            else:
                with pytest.raises(ResponseTooLarge, match=f"more than {most:,} values"):
                    await client.customers.first_page()


async def test_text_with_few_commas_may_be_as_long_as_the_limit(kintsugi):
    """It takes what its letters take."""
    body = page(json.dumps({"id": "cust_1", "name": "word " * (LIMIT // 5 - 20)}))
    async with Server(after=raw(answer(body))) as server, kintsugi(server, max_response=LIMIT) as client:
        assert len((await client.customers.first_page()).rows) == 1


UNREADABLE = {
    "digits": b"1" * 1_000_000,
    "digits in a row": page('{"id": ' + "1" * 1_000_000 + "}"),
    "depth": b"[" * 90_000 + b"]" * 90_000,
    "depth of objects": b'{"a":' * 90_000 + b"0" + b"}" * 90_000,
    "depth without an end": b"[" * 90_000,
    "depth in a row": page('{"id": "a", "x": ' + "[" * 3_000 + "]" * 3_000 + "}"),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("most_digits", [4_300, 0], ids=["Python's limit", "no limit"])
async def test_depth_and_digits_are_an_unexpected_answer(kintsugi, body, most_digits):
    """Of a page and of one customer; also where the process has lifted Python's limit of digits."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(most_digits)
    try:
        async with Server(after=raw(answer(body))) as server, kintsugi(server) as client:
            for call in (client.customers.first_page, lambda: client.customers.get("cust_1")):
                with pytest.raises(UnexpectedAnswer, match="but no JSON") as caught:
                    await call()
                assert len(str(caught.value)) < 500
    finally:
        sys.set_int_max_str_digits(before)


@pytest.mark.parametrize("how", ["raise", "skip"])
async def test_a_page_with_many_rows_that_cannot_be_read_is_an_unexpected_answer(kintsugi, how):
    """Ten thousand are left out, or raise at the first of them; one more, and this is no page."""
    for size, fits in ((10_000, True), (10_001, False)):
        body = page('{"id":"good"},' + "0," * size)
        end = raw(answer(b'{"items":[]}'))
        async with Server(raw(answer(body)), after=end) as server, kintsugi(server) as client:
            read = []
            stream = client.customers.prefetch(window=1, on_bad_row=how)
            if fits and how == "skip":
                async with stream as rows:
                    read += [row.id async for row in rows]
                assert read == ["good"]
                assert (rows.report.bad_row_count, len(rows.report.bad_rows)) == (10_000, 100)
                continue
            with pytest.raises(DecodeError if fits else UnexpectedAnswer) as caught:
                async with stream as rows:
                    read += [row.id async for row in rows]
            assert read == []
            assert fits or "more than 10,000 rows cannot be read" in str(caught.value)


# ---- memory

CHILD = """
import sys
from pathlib import Path
import anyio
from readahead import Retry
from readahead.errors import ReadaheadError
from readahead.kintsugi import Kintsugi

def peak():  # of this program; getrusage() begins with the peak of the process that started it
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

async def main(url, http, limit, pages):
    client = Kintsugi(
        api_key="key", organization_id="org", base_url=url, http=http, max_response=limit, retry=Retry(attempts=1)
    )
    async with client:
        await client.customers.get("cust_1")
        before = peak()
        for _ in range(pages):
            try:
                async with client.customers.limit(1).prefetch(window=1, on_bad_row="skip") as rows:
                    async for _ in rows:
                        pass
                print("read")
            except ReadaheadError as error:
                print(type(error).__name__)
        print(peak() - before)

anyio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), backend=sys.argv[5])
"""


def with_text(row, members=""):
    """As many rows as fit, and one with a text of all other bytes, which takes four each for one letter of it."""
    head = page(f"{row}," * ((VALUES - 100) // separators(f"{row},".encode())) + f'{{"id":"z",{members}"name":"😀')[:-2]
    return head + b"x" * (LIMIT - len(head) - 4) + b'"}]}'


WORST = {
    "rows": page('{"id":"a"},' * (VALUES // 2 - 1)),
    "rows with a wrong date": page('{"id":"a","created_at":5},' * (VALUES // 3 - 1)),
    "members": page('{"id":"a",' + ",".join(f'"{number}":0' for number in range(VALUES - 10)) + "},"),
    "arrays": page('{"id":"a","x":[' + ("[" * 90 + "]" * 90 + ",") * (VALUES // 91 - 1) + "0]},"),
    "text": with_text('{"id":"a"}'),
    "text, read exactly": with_text('{"id":1e3}', '"organization_id":NaN,'),
    "wrong rows": page("0," * (VALUES - 3)),
    "half of that is no JSON": with_text('{"id":"a"}')[:-1],
}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
async def test_the_most_memory_that_a_page_can_take(lane):
    """Pages made to take as much as they can, one after another in one process: twenty times max_response at most."""
    steps = [raw(answer(body)) for body in WORST.values()]
    assert all(len(body) <= LIMIT and separators(body) <= VALUES for body in WORST.values())
    async with Server(raw(answer(b'{"id": "cust_1"}')), *steps) as server:
        command = [sys.executable, "-c", CHILD, server.url, lane[0], str(LIMIT), str(len(steps)), lane[1]]
        done = await anyio.run_process(command)
    *results, grown = done.stdout.decode().split()
    assert results == ["read"] * 6 + ["UnexpectedAnswer"] * 2
    assert int(grown) < TIMES * LIMIT
