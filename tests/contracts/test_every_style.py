"""What a listing promises, in every style of paging that a binding can declare.

Each list is served by the sandbox that is made from its document and its binding. Where a style cannot keep a promise,
``explain()`` or the report says so, and that is what is tested.
"""

import asyncio
import json
from itertools import chain, count

import anyio
import httpx
import pytest
import trio
from anyio import lowlevel
from lists import CASES, LARGEST, fields

from readahead import IncompleteWarning, Retry
from readahead.errors import CheckpointError, PermissionDenied, ReadaheadError, UsageError
from readahead.paging import Partition
from readahead.sandbox import Faults
from readahead.sandbox.faults import Trouble

EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
PAGED = pytest.mark.parametrize("case", [one for one in CASES if not one.single], ids=lambda case: case.name)
CHAINED = pytest.mark.parametrize("case", [one for one in CASES if one.chained], ids=lambda case: case.name)


def ids(rows):
    return [row["id"] for row in rows]


async def read(query, **options):
    async with query.prefetch(**options) as stream:
        return [row.id async for row in stream], stream.report


async def turns(number=20):
    """Let everything that can run do so."""
    for _ in range(number):
        await lowlevel.checkpoint()


def tasks_alive():
    """Tasks of this loop besides the one that asks."""
    try:
        return len(asyncio.all_tasks()) - 1
    except RuntimeError:
        own = trio.lowlevel.current_task()
        return sum(len(nursery.child_tasks) for nursery in own.child_nurseries)


class FailingFrom(httpx.AsyncBaseTransport):
    """Sends to the application, and refuses all requests from one on."""

    def __init__(self, app, number):
        self._inner, self._number, self._sent = httpx.ASGITransport(app), number, count(1)

    async def handle_async_request(self, request):
        if next(self._sent) >= self._number:
            return httpx.Response(403, json={"message": "no"})
        return await self._inner.handle_async_request(request)


# ---- C1: equal to serial


@EVERY
@pytest.mark.asyncio
async def test_every_window_gives_the_rows_of_the_serial_listing(case):
    """In the same order, or the same set; complete, and without a false alarm."""
    sandbox = case.sandbox(rows=131)
    for window, ordered in [(1, True), (4, True), ("auto", True), (4, False)]:
        rows, report = await read(case.tickets(sandbox), window=window, ordered=ordered)
        assert (rows if ordered else sorted(rows)) == ids(sandbox.rows())
        assert report.complete, report.why
        assert (report.drift != "seen", report.mismatches, report.gaps_open) == (True, 0, 0)
    assert {request.status for request in sandbox.requests} <= {200, 204}


@PAGED
@pytest.mark.asyncio
async def test_the_window_is_what_the_server_sees_at_once(case):
    """Exactly the window where pages have positions; one where each page names the next, and explain() says so."""

    async def latency(_):
        await turns()

    sandbox = case.sandbox(rows=18 * LARGEST, latency=latency)
    query = case.tickets(sandbox)
    await read(query, window=6)
    assert sandbox.peak[sandbox.name] == (1 if case.chained else 6)
    assert ("one request after another" in str(query)) == case.chained


# ---- C2: bounded


@PAGED
@pytest.mark.asyncio
async def test_a_consumer_that_waits_holds_the_listing_up(case):
    """At most the window is requested or buffered while nothing is taken."""
    sandbox = case.sandbox(rows=12 * LARGEST)
    async with case.tickets(sandbox).prefetch(window=3) as stream:
        pages = stream.pages()
        for taken in range(1, 6):
            await anext(pages)
            await turns(150)
            assert len(sandbox.requests) <= taken + 3


# ---- C3: nothing outlives it


@EVERY
@pytest.mark.anyio
async def test_no_task_and_no_request_is_left(case):
    """When the block exits, for whatever reason, while requests hang."""
    for end in ("break", "error", "cancelled"):
        arrived = count(1)

        async def latency(_, arrived=arrived):
            if next(arrived) > 2:
                await anyio.sleep_forever()

        sandbox, before = case.sandbox(rows=120, latency=latency), tasks_alive()
        with anyio.CancelScope() as scope:
            try:
                async with case.tickets(sandbox).prefetch(window=4) as stream:
                    async for _ in stream:
                        await turns(5)
                        if end == "break":
                            break
                        if end == "error":
                            raise LookupError
                        scope.cancel()
            except LookupError:
                assert end == "error"
        assert scope.cancelled_caught == (end == "cancelled")
        await turns(5)
        assert tasks_alive() == before
        assert sandbox.in_flight[sandbox.name] == 0


# ---- C4: overshoot is stated


@EVERY
@pytest.mark.asyncio
async def test_a_short_list_costs_one_request(case):
    """One, where the API says that it ends there; else one more, which proves it. None of them is past a total."""
    for rows in (0, 1, LARGEST - 1):
        sandbox = case.sandbox(rows=rows)
        found, report = await read(case.tickets(sandbox), window=8)
        assert found == ids(sandbox.rows())
        assert report.complete, report.why
        assert len(sandbox.requests) <= (1 if case.ends or not rows else 2)


@EVERY
@pytest.mark.asyncio
async def test_no_more_is_requested_than_by_the_serial_listing(case):
    """Where something says where the list ends; else at most the window more."""
    sandbox = case.sandbox(rows=10 * LARGEST)
    await read(case.tickets(sandbox), window=1)
    serial = len(sandbox.requests)
    assert serial <= (10 if not case.overlaps else 19) + (not case.ends)
    sandbox.forget()
    await read(case.tickets(sandbox), window=5)
    assert len(sandbox.requests) <= serial + (0 if case.chained or case.total else 5 + 1)


# ---- C5: errors last


@PAGED
@pytest.mark.asyncio
async def test_all_rows_before_a_failed_page_are_delivered(case):
    """Then the error comes, with a checkpoint from which the rest is read."""
    sandbox = case.sandbox(rows=131)
    failing = httpx.AsyncClient(transport=FailingFrom(sandbox.app, 4))
    found = []
    with pytest.raises(PermissionDenied) as caught:
        async with case.tickets(sandbox, http_client=failing).prefetch(window=3) as stream:
            async for row in stream:
                found.append(row.id)
    assert len(found) >= LARGEST
    assert not stream.report.complete
    rest, report = await read(case.tickets(sandbox), resume=caught.value.checkpoint.to_json())
    assert found + rest == ids(sandbox.rows())
    assert report.complete, report.why


# ---- C6: no row is lost silently


@EVERY
@pytest.mark.asyncio
async def test_a_server_that_gives_less_or_more_than_requested_costs_no_row(case):
    """Short pages, no total or null, everything at once: every row comes, and the listing ends and is complete."""
    for faults in ({"cap": 7}, {"cap": 7, "total": "missing"}, {"total": "null"}, {"ignore_limit": True}):
        sandbox = case.sandbox(rows=93, faults=faults)
        rows, report = await read(case.tickets(sandbox), window=3)
        assert rows == ids(sandbox.rows()), faults
        assert report.complete, (faults, report.why)


@EVERY
@pytest.mark.asyncio
async def test_rows_that_the_server_hides_cost_no_other_row(case):
    """Pages that come short or empty are not the end."""
    hidden = Faults(hide=0.35, seed=3)
    sandbox = case.sandbox(rows=93, faults=hidden)
    trouble = Trouble(hidden)
    shown = {row for position, row in enumerate(ids(sandbox.rows()), 1) if not trouble.hits("hide", position)}
    rows, report = await read(case.tickets(sandbox), window=3)
    assert set(rows) <= shown
    assert set(rows) == shown or not report.complete


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "faults",
    [{"throttled": 0.2, "retry_after": 0, "seed": 2}, {"errors": 0.2, "running": 2, "seed": 4}],
    ids=["throttled", "errors"],
)
async def test_a_server_that_refuses_for_a_while_costs_no_row(faults):
    """All styles at once, as each waits: the pause of one client holds up none of the others."""

    async def check(case):
        sandbox = case.sandbox(rows=93, faults=faults)
        rows, report = await read(case.tickets(sandbox, retry=Retry(attempts=9, base=0.001)), window=3)
        assert rows == ids(sandbox.rows()), case.name
        assert report.complete, (case.name, report.why)
        assert report.retries > 0 or case.single, case.name

    async with anyio.create_task_group() as group:
        for case in CASES:
            group.start_soon(check, case)


@PAGED
@pytest.mark.asyncio
async def test_a_list_may_change_while_it_is_read(case):
    """No row that is there throughout is lost, whatever was added and deleted meanwhile; or the report says so."""
    changes = {"inserts": 0.7, "appends": 0.3, "deletes": 0.7, "seed": 6}
    for window in (1, 4):
        sandbox = case.sandbox(rows=8 * LARGEST, faults=changes)
        before = ids(sandbox.rows())
        rows, report = await read(case.tickets(sandbox), window=window)
        throughout = set(before) & set(ids(sandbox.rows()))
        assert len(throughout) < len(before)
        assert len(set(rows)) == len(rows)
        if case.chained:  # cursors name rows, so that what comes before does not matter
            assert throughout <= set(rows)
        assert throughout <= set(rows) or not report.complete or report.drift == "unverifiable"


@PAGED
@pytest.mark.asyncio
async def test_rows_change_on_the_server_as_a_test_says(case):
    """A row is added, one changed and one deleted while the first page is handed out."""
    sandbox = case.sandbox(rows=4 * LARGEST)
    first, *_, last = ids(sandbox.rows())
    found = {}
    async with case.tickets(sandbox).prefetch(window=1) as stream:
        async for row in stream:
            if row.id == first:
                sandbox.table.update(last, title="changed")
                added = sandbox.table.append().row["id"]
                assert sandbox.table.delete(first)
            found[row.id] = row.title
    assert found[last] == "changed"
    assert added in found or not stream.report.complete or case.total is False
    kept = set(ids(sandbox.rows())) - {added} <= set(found)
    assert kept if case.chained or case.overlaps else kept or stream.report.drift == "unverifiable"


# ---- C7: complete is earned


@CHAINED
@pytest.mark.asyncio
async def test_a_list_that_goes_round_is_never_complete(case):
    """The last page names itself: the listing ends all the same, and says that what follows is not known."""
    sandbox = case.sandbox(rows=3 * LARGEST, faults={"repeat_last": True})
    query = case.tickets(sandbox)
    if case.goes_round:
        try:
            rows, report = await read(query)
        except ReadaheadError:
            return
        assert not report.complete
        assert report.why
        with pytest.warns(IncompleteWarning):
            await query.to_list()
    else:
        rows, report = await read(query)
        assert report.complete
    assert rows == ids(sandbox.rows())
    assert len(sandbox.requests) < 20


@pytest.mark.asyncio
async def test_empty_pages_that_go_on_and_on_end():
    """Each names another page, and none has a row: an error or a listing that is not complete, within a bound."""
    (case,) = [one for one in CASES if one.name == "cursor-text"]
    sandbox = case.sandbox(rows=1_100, faults={"hide": 1.0})
    try:
        rows, report = await read(case.tickets(sandbox).page_size(1))
    except ReadaheadError:
        rows, report = [], None
    assert rows == []
    assert report is None or not report.complete
    assert len(sandbox.requests) <= 1_000


@EVERY
@pytest.mark.asyncio
async def test_a_total_that_promises_more_is_not_complete(case):
    """Where the API says a total, and it holds still."""
    sandbox = case.sandbox(rows=3 * LARGEST, faults={"total": 90})
    rows, report = await read(case.tickets(sandbox), window=3)
    assert rows == ids(sandbox.rows())
    assert report.complete is not case.total
    assert ("90" in report.why) == case.total


# ---- C8: it can be resumed


@EVERY
@pytest.mark.asyncio
async def test_a_checkpoint_at_any_row_gives_the_rest(case):
    """Small JSON, on another client, with another window; not for another query, nor for another path."""
    sandbox = case.sandbox(rows=61)
    every = ids(sandbox.rows())
    for after in (0, 1, LARGEST - 1, LARGEST, LARGEST + 1, 61):
        async with case.tickets(sandbox).prefetch(window=3) as stream:
            before = [(await anext(stream)).id for _ in range(after)]
            text = stream.checkpoint.to_json()
        rest, report = await read(case.tickets(sandbox), window=2, resume=text)
        assert before + rest == every
        assert report.complete, report.why
        assert len(text) < 2_000
        assert isinstance(json.loads(text), dict)
    for other in (case.tickets(sandbox).where(status="open"), case.tickets(sandbox, team="other")):
        with pytest.raises(CheckpointError, match="belongs to another query"):
            other.prefetch(resume=text)


# ---- C9: it can be divided


@EVERY
@pytest.mark.asyncio
async def test_parts_are_the_whole(case):
    """Where pages have positions; else that is refused, and explain() says so."""
    sandbox = case.sandbox(rows=131)
    query = case.tickets(sandbox)
    assert ("partitions() cannot split it" in str(query)) == (not case.overlaps)
    if not case.overlaps:
        with pytest.raises(UsageError):
            await query.partitions(3)
        return
    found = []
    for part in await query.partitions(3):
        again = case.tickets(sandbox).from_partition(Partition.from_json(part.to_json()))
        rows, report = await read(again, window=3)
        assert report.complete, report.why
        found.append(rows)
    assert len(found) == 3
    assert list(chain.from_iterable(found)) == ids(sandbox.rows())


# ---- filters and order, in every style


@EVERY
@pytest.mark.asyncio
async def test_filters_and_order_hold_for_every_page(case):
    """The API is asked for what it can filter and sort by, page after page; the rest is evaluated on rows."""
    sandbox = case.sandbox(rows=200)
    query = case.tickets(sandbox).where(status="open").order_by("-createdAt")
    rows, report = await read(query, window=3)
    assert rows == ids(sandbox.rows("status=open&sort=-createdAt"))
    assert 3 * LARGEST < len(rows) < 70
    assert report.complete, report.why
    assert report.left_out == 0
    assert {request.status for request in sandbox.requests} <= {200, 204}
    middle = (await query.where(fields.title.is_null()).to_list())[0]
    assert middle.title is None
    assert (middle.status, sandbox.in_flight[sandbox.name]) == ("open", 0)


@EVERY
@pytest.mark.asyncio
async def test_a_limit_is_kept(case):
    """No row more, and no page that is not needed."""
    sandbox = case.sandbox(rows=200)
    rows, _ = await read(case.tickets(sandbox).limit(2 * LARGEST + 3), window=4)
    assert rows == ids(sandbox.rows())[: 2 * LARGEST + 3]
    assert len(sandbox.requests) <= 4
