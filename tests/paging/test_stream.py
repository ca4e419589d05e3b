"""The laws of a listing that is read ahead, on a server that answers last-first."""

import asyncio
import gc
import math
import weakref
from collections import Counter
from contextlib import nullcontext

import anyio
import pytest
import trio
from anyio import lowlevel
from attrs import evolve
from fakes import CURSOR, NUMBERED, OFFSET, FakeServer
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from readahead.errors import ConnectionLost, DecodeError, StreamError
from readahead.pages import Fetched
from readahead.paging import Rows, Stream
from readahead.sandbox import Sandbox

BACKENDS = ["asyncio", "trio"]
styles = st.sampled_from([(NUMBERED, True), (NUMBERED, False), (OFFSET, False), (OFFSET, True), (CURSOR, False)])
backends = st.sampled_from(BACKENDS)


def tasks_alive():
    """Tasks of this loop besides the one that asks."""
    try:
        return len(asyncio.all_tasks()) - 1
    except RuntimeError:
        nursery = trio.lowlevel.current_task().parent_nursery
        own = trio.lowlevel.current_task()
        return sum(len(n.child_tasks) for n in own.child_nurseries) + len(nursery.child_tasks) - 1


async def read(server, size, window, **how):
    rows = []
    async with Stream(server.engine(size, window, **how)) as stream:
        async for row in stream:
            rows.append(row)
            assert server.in_flight <= window
    return rows, stream.report


@settings(max_examples=examples(300), deadline=None)
@given(
    st.integers(0, 80),
    st.integers(1, 12),
    st.integers(1, 9),
    st.booleans(),
    styles,
    st.none() | st.integers(1, 90),
    backends,
)
def test_every_window_gives_exactly_the_rows_of_the_serial_listing(rows, size, window, ordered, style, limit, backend):
    """Any size, window, order mode, style and limit: the same rows; in the same order where order is asked for."""
    server = FakeServer(rows, *style)
    got, report = anyio.run(lambda: read(server, size, window, limit=limit, ordered=ordered), backend=backend)
    expected = list(range(rows))[:limit]
    if ordered:
        assert got == expected
    elif limit is None:
        assert sorted(got) == expected
    else:
        assert len(got) == len(expected) == len(set(got)) and set(got) <= set(range(rows))
    assert report.rows == len(got)
    assert report.complete
    assert server.in_flight == 0


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(0, 80), st.integers(1, 12), st.integers(1, 9), st.booleans(), backends)
def test_with_a_known_total_the_window_is_in_flight_and_nothing_is_asked_past_the_end(
    rows, size, window, ordered, backend
):
    """As many requests as one by one, none past the end; the last page is asked for again if it is full."""
    server, serial = FakeServer(rows, NUMBERED), FakeServer(rows, NUMBERED)
    anyio.run(lambda: read(serial, size, 1), backend=backend)
    anyio.run(lambda: read(server, size, window, ordered=ordered), backend=backend)
    assert server.requests == serial.requests
    begins = [(int(position["page"]) - 1) * int(position["size"]) for position in server.positions]
    assert sum(begin >= rows for begin in begins) <= (rows == 0 or size < 20)  # of small pages some cannot overlap
    assert server.peak <= window
    assert size < 4 or serial.requests < 3 or server.peak >= min(window, serial.requests - 3)


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(200, 1500), st.integers(80, 100), st.integers(1, 9), st.booleans(), backends)
def test_pages_that_overlap_are_asked_for_as_often_as_serially(rows, size, window, ordered, backend):
    """Numbered pages large enough to overlap: any window asks for as many as a window of one, and is used in full."""
    serial, ahead = FakeServer(rows, NUMBERED), FakeServer(rows, NUMBERED)
    anyio.run(lambda: read(serial, size, 1), backend=backend)
    got, report = anyio.run(lambda: read(ahead, size, window, ordered=ordered), backend=backend)
    assert sorted(got) == list(range(rows))
    assert ahead.requests == serial.requests <= 1.25 * math.ceil(rows / size) + 1
    proof = rows > 0 and ahead.positions[-1] != ahead.positions[0]  # a full last page is asked for again, alone
    assert max(1, min(window, serial.requests - 1 - proof)) <= ahead.peak <= window
    assert (report.drift, report.gaps_closed, report.duplicates) == ("none", 0, 0)


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(0, 120), st.integers(1, 12), st.integers(1, 9), backends)
def test_without_a_total_the_overshoot_is_at_most_the_window_and_the_proof(rows, size, window, backend):
    """Pages that hold rows, which overlap by one, at most ``window`` past them, and one that proves the end."""
    server = FakeServer(rows, OFFSET, says_total=False)
    anyio.run(lambda: read(server, size, window), backend=backend)
    assert server.requests <= math.ceil(rows / max(1, size - 1)) + window + 1


@pytest.mark.asyncio
@pytest.mark.parametrize("rows", [0, 1, 9])
async def test_a_list_of_one_page_costs_what_the_serial_listing_costs(rows):
    """A short or empty first page is followed by at most the one request that proves the end."""
    server = FakeServer(rows, OFFSET, says_total=False)
    await read(server, 10, 16)
    assert server.requests == (1 if rows == 0 else 2)


@pytest.mark.asyncio
async def test_without_a_total_the_window_is_reached_by_doubling():
    """A long list without a total has the whole window in flight."""
    server = FakeServer(1000, OFFSET, says_total=False)
    await read(server, 10, 8)
    assert server.peak == 8


@pytest.mark.asyncio
async def test_a_cursor_reads_one_page_ahead():
    """Each page names the next, so one request is in flight, while the consumer holds the page before."""
    server = FakeServer(50, CURSOR)
    async with Stream(server.engine(10, 8)) as stream:
        await anext(stream)
        for _ in range(40):
            await lowlevel.checkpoint()
        assert server.answered > 1
    assert server.peak == 1


@pytest.mark.anyio
async def test_a_consumer_that_waits_does_not_let_the_buffer_grow():
    """Pages in flight, or read and not taken, are at most the window."""
    server = FakeServer(500, NUMBERED)
    async with Stream(server.engine(10, 4)) as stream:
        pages = stream.pages()
        for taken in range(1, 12):
            await anext(pages)
            for _ in range(100):
                await lowlevel.checkpoint()
            assert server.requests == taken + 4


class Boom(Exception):
    pass


@settings(max_examples=examples(200), deadline=None)
@given(
    st.sampled_from(["break", "error", "timeout", "cancel"]),
    st.integers(0, 60),
    st.integers(1, 8),
    st.integers(0, 30),
    styles,
    backends,
)
def test_nothing_outlives_the_block_however_it_is_left(how, after, window, turns, style, backend):
    """Checked without a further await: no task, no request; and the caller's exception is its own."""
    server = FakeServer(100, *style)

    async def body(stream, scope):
        seen = 0
        async for _ in stream:
            seen += 1
            if seen > after:
                for _ in range(turns):
                    await lowlevel.checkpoint()
                if how == "break":
                    return
                if how == "error":
                    raise Boom
                scope.cancel()
                await anyio.sleep_forever()

    async def main():
        before = tasks_alive()
        caught = None
        with anyio.CancelScope() as scope:
            try:
                async with Stream(server.engine(5, window)) as stream:
                    await body(stream, scope)
            except Boom as error:
                caught = error
            finally:
                left = tasks_alive() - before, server.in_flight
        assert left == (0, 0)
        assert (caught is not None) == (how == "error")
        assert scope.cancelled_caught == (how in {"timeout", "cancel"})
        requests = server.requests
        for _ in range(10):
            await lowlevel.checkpoint()
        assert server.requests == requests

    anyio.run(main, backend=backend)


@pytest.mark.asyncio
async def test_a_native_cancellation_ends_the_block_too():
    """``task.cancel()`` of asyncio: the task ends cancelled, and no request is left when it does."""
    server = FakeServer(100, NUMBERED)
    begun = asyncio.Event()

    async def listing():
        async with Stream(server.engine(5, 4)) as stream:
            await anext(stream)
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(listing())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.in_flight == 0
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.anyio
async def test_a_timeout_around_one_step_loses_no_row():
    """Inside the block a step that was cut short can be taken again."""
    server = FakeServer(30, NUMBERED)
    rows = []
    async with Stream(server.engine(5, 3)) as stream:
        while True:
            try:
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    rows.append(await anext(stream))
                if scope.cancelled_caught:
                    rows.append(await anext(stream))
            except StopAsyncIteration:
                break
    assert rows == list(range(30))


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(0, 9), st.integers(1, 8), st.booleans(), styles, backends)
def test_errors_come_last_and_plain(failing, window, ordered, style, backend):
    """Every row before the failed page is delivered, then the error itself; out of order, every page that arrived."""
    lost = ConnectionLost("reset", request="GET /rows")
    server = FakeServer(50, *style, fails=lambda lo: lost if lo >= failing * 5 else None)
    rows = []

    async def main():
        async with Stream(server.engine(5, window, ordered=ordered)) as stream:
            async for row in stream:
                rows.append(row)

    with pytest.raises(ConnectionLost) as caught:
        anyio.run(main, backend=backend)
    assert caught.value is lost
    assert rows == list(range(len(rows))) if ordered else len(rows) == len(set(rows))
    assert failing * 5 <= len(rows) < failing * 5 + 5  # what the pages before held, which overlap
    assert server.in_flight == 0


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(1, 60), st.integers(1, 9), st.booleans())
def test_errors_past_the_true_end_are_dropped(rows, window, ordered):
    """A server that refuses what lies far past its end: the listing is whole all the same."""
    refuse = ConnectionLost("too deep", request="GET /rows")
    server = FakeServer(rows, OFFSET, says_total=False, fails=lambda lo: refuse if lo >= rows + 5 else None)
    got, report = anyio.run(lambda: read(server, 5, window, ordered=ordered))
    assert sorted(got) == list(range(rows))
    assert report.complete


# ---- the bare form


@pytest.mark.anyio
@pytest.mark.parametrize("style", [NUMBERED, OFFSET, CURSOR])
async def test_the_bare_form_gives_the_same_rows(style, anyio_backend):
    """``async for`` without a block."""
    server = FakeServer(73, style, says_total=style is NUMBERED)
    assert [row async for row in Rows(server.engine(10, 4))] == list(range(73))
    if anyio_backend == "trio":
        assert server.peak == 1
    else:
        assert server.peak == 4 if style is NUMBERED else server.peak >= 1


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["break", "raise", "abandon"])
async def test_the_bare_form_ends_its_requests_when_it_is_released(how):
    """A few turns of the loop after the last reference is gone, nothing runs."""
    server = FakeServer(100, NUMBERED)

    async def consume():
        async for row in Rows(server.engine(5, 4)):
            if row == 7:
                if how == "raise":
                    raise Boom
                return

    if how == "abandon":
        rows = Rows(server.engine(5, 4))
        await anext(rows)
        del rows
    else:
        try:
            await consume()
        except Boom:
            pass
    gc.collect()
    for _ in range(6):
        await asyncio.sleep(0)
    assert server.in_flight == 0
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.asyncio
async def test_aclose_of_the_bare_form_waits():
    """After ``aclose()`` nothing runs, without a further await."""
    server = FakeServer(100, NUMBERED)
    rows = Rows(server.engine(5, 4))
    await anext(rows)
    await rows.aclose()
    assert server.in_flight == 0
    assert len(asyncio.all_tasks()) == 1
    with pytest.raises(StreamError, match="closed"):
        _ = [row async for row in rows]


@pytest.mark.asyncio
async def test_a_cancelled_bare_iteration_cancels_its_requests_and_says_so():
    """It does not go on as if nothing had happened."""
    server = FakeServer(100, NUMBERED)
    rows = Rows(server.engine(5, 4))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await anext(rows)
    for _ in range(6):
        await asyncio.sleep(0)
    assert server.in_flight == 0
    with pytest.raises(StreamError, match="cancelled"):
        await anext(rows)


# ---- who waits for whom


@pytest.mark.asyncio
@pytest.mark.parametrize("window", [2, 3, 8])
async def test_pages_that_are_not_wanted_any_more_take_no_place_in_the_window(window):
    """A server that lowers the size of a page makes what is in flight useless. It is cancelled, and others follow."""

    class Lowering(FakeServer):
        late = 0

        def answer(self, position):
            size = min(int(position["size"]), max(5, 100 - 7 * (self.answered // 2)))
            lo = (int(position["page"]) - 1) * size
            found = tuple(range(self.rows)[lo : lo + size])
            if self.requests > 200:
                self.late = max(self.late, self.in_flight + 1)
            return Fetched(found, rows=found, total=self.rows, size=size)

    server = Lowering(3000, NUMBERED)
    rows, _ = await read(server, 100, window)
    assert rows == list(range(3000))
    assert server.cancelled > 0
    assert server.late == window


@pytest.mark.anyio
async def test_the_first_row_does_not_wait_for_a_window_of_requests():
    """It is handed out as soon as it is there; the window fills while the consumer works."""
    server = FakeServer(1000, NUMBERED)
    async with Stream(server.engine(5, 64)) as stream:
        await anext(stream)
        assert server.requests <= 3
        while server.peak < 64:
            await lowlevel.checkpoint()


@pytest.mark.anyio
async def test_pages_that_are_there_leave_turns_to_others():
    """However many wait for a consumer that never waits itself, the rest of the program runs in between."""
    turns, seen = 0, list[int]()

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await lowlevel.checkpoint()

    server = FakeServer(200, NUMBERED)
    async with anyio.create_task_group() as group:
        group.start_soon(others)
        async with Stream(server.engine(5, 8)) as stream:
            await anext(stream)
            while server.answered < 8:
                await lowlevel.checkpoint()
            async for _ in stream.pages():
                seen.append(turns)
        group.cancel_scope.cancel()
    assert len(seen) >= 40
    assert max(Counter(seen).values()) <= 3  # of eight; trio runs what is ready in no order


@pytest.mark.asyncio
@pytest.mark.parametrize("made", [Stream, Rows])
async def test_a_listing_leaves_nothing_to_the_collector(made):
    """Pages and rows go with the last who holds them: no circle keeps them until a pass over all objects."""
    gc.disable()
    try:
        engine = FakeServer(20, NUMBERED).engine(5, 4)
        listing, released = made(engine), weakref.ref(engine)
        del engine
        if made is Stream:
            async with listing:
                assert len([row async for row in listing]) == 20
        else:
            assert len([row async for row in listing]) == 20
        del listing
        for _ in range(3):
            await asyncio.sleep(0)
        assert released() is None
    finally:
        gc.enable()


# ---- outside its life


@pytest.mark.anyio
async def test_a_stream_outside_its_block_is_a_clear_error():
    """Before, after, twice, and by two tasks at once."""
    server = FakeServer(30, NUMBERED)
    stream = Stream(server.engine(5, 3))
    with pytest.raises(StreamError, match="async with"):
        await anext(stream)
    async with stream:
        assert [row async for row in stream] == list(range(30))
        assert [row async for row in stream] == []
    with pytest.raises(StreamError, match="left"):
        await anext(stream)
    with pytest.raises(StreamError, match="once"):
        await stream.__aenter__()

    async with Stream(server.engine(5, 3)) as shared, anyio.create_task_group() as group:
        refused = []

        async def consume():
            try:
                await anext(shared)
            except StreamError as error:
                refused.append(error)

        group.start_soon(consume)
        group.start_soon(consume)
    assert len(refused) == 1


@pytest.mark.anyio
async def test_pages_and_rows_share_one_listing():
    """Pages after rows go on where the rows stopped, with what is left of the page that was begun."""
    server = FakeServer(12, NUMBERED)
    async with Stream(server.engine(5, 3)) as stream:
        assert await anext(stream) == 0
        assert [page.rows async for page in stream.pages()] == [(1, 2, 3, 4), (5, 6, 7), (8, 9), (10, 11)]


@settings(max_examples=examples(150), deadline=None)
@given(
    st.data(),
    st.integers(0, 60),
    st.integers(1, 9),
    st.integers(1, 4),
    st.sets(st.integers(0, 59)),
    st.booleans(),
    st.none() | st.integers(1, 40),
    st.sampled_from([Stream, Rows]),
    backends,
)
def test_the_report_counts_rows_when_they_are_handed_out(data, rows, size, window, bad, ordered, limit, made, backend):
    """At any row and at any page, in a report that was taken before; rows that cannot be read do not count."""

    class Spoilt(FakeServer):
        def answer(self, position):
            page = super().answer(position)
            errors = frozenset(bad & set(page.keys))
            return evolve(page, rows=tuple(map(self.row, page.keys)), uncounted=errors, unreadable=errors)

        def row(self, key):
            return DecodeError("it is missing", request="GET /rows", row=key) if key in bad else key

    server = Spoilt(rows, NUMBERED)

    async def step(listing):
        """Take a row, or what is left of a page; None at the end."""
        try:
            if data.draw(st.booleans()):
                return [await anext(listing)]
            page = await anext(listing.pages(), None)
            return None if page is None else [*page]
        except StopAsyncIteration:
            return None
        except DecodeError:
            return []

    async def main():
        engine = server.engine(size, window, limit=limit, ordered=ordered)
        listing, seen = made(engine), 0
        report = listing.report
        async with listing if made is Stream else nullcontext():
            for _ in range(400):  # a page with a row that cannot be read never comes whole
                assert report.rows == seen
                if (got := await step(listing)) is None:
                    break
                seen += len(got)
        return report, seen

    report, seen = anyio.run(main, backend=backend)
    assert report.rows == seen <= len(set(range(rows)) - bad)
    if report.complete:
        assert seen == min(len(set(range(rows)) - bad), seen if limit is None else limit)


@pytest.mark.anyio
async def test_rows_that_were_not_handed_out_end_with_the_block():
    """After it no row comes any more, and the checkpoint is behind the last one that did."""
    async with Sandbox(kintsugi_rows=250).kintsugi() as kintsugi:
        query = kintsugi.customers.page_size(50)
        async with query.prefetch(window=2) as rows:
            first = [(await anext(rows)).id for _ in range(70)]
        with pytest.raises(StreamError, match="has been left"):
            await anext(rows)
        assert "closed" in repr(rows)
        assert rows.checkpoint.rows == rows.report.rows == 70
        async with query.prefetch(resume=rows.checkpoint) as others:
            rest = [row.id async for row in others]
        assert first + rest == [row.id for row in await query.to_list()]
