"""Checkpoints and parts through the query, on the sandbox: the rest is exactly the rest, and parts are the whole."""

import json
import sys

import anyio
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from effort import examples
from readahead.errors import CheckpointError, DecodeError, ServerError, UsageError
from readahead.paging import Checkpoint, Partition
from readahead.sandbox import Faults, Sandbox

APIS = st.sampled_from(["kintsugi", "sweetspot"])
WINDOWS = st.sampled_from([1, 2, 5, 16, "auto"])
SIZES = st.sampled_from([1, 3, 7, 12, 23, 41, 60, 97, 100])
FAULTS = st.sampled_from(
    [{}, {"cap": 30}, {"repeat_last": True}, {"total": "missing"}, {"total": 93}, {"total": 400, "repeat_last": True}]
)


def sandbox(rows, **faults):
    return Sandbox(kintsugi_rows=rows, sweetspot_rows=rows, faults=Faults(**faults))


def client(api, box):
    return box.kintsugi() if api == "kintsugi" else box.sweetspot()


def every_id(api, box):
    return [row["id"] for row in (box.kintsugi_rows() if api == "kintsugi" else box.sweetspot_rows())]


@settings(max_examples=examples(60), deadline=None)
@given(st.data(), APIS, st.integers(0, 260), SIZES, WINDOWS, WINDOWS, FAULTS)
def test_a_checkpoint_at_any_row_gives_exactly_the_rest(data, api, rows, size, window, other, faults):
    """Through JSON, on a client made anew, with any window before and after, on any quiet list and page size."""
    assume("total" not in faults or size > 3)  # a total wrong by whole pages is beyond any client
    box = sandbox(rows, **faults)
    after = data.draw(st.integers(0, rows))

    async def main():
        async with client(api, box) as me, me.customers.page_size(size).prefetch(window=window) as stream:
            before = [(await anext(stream)).id for _ in range(after)]
            text = stream.checkpoint.to_json()
        async with client(api, box) as me, me.customers.page_size(size).prefetch(window=other, resume=text) as stream:
            rest = [row.id async for row in stream]
            assert stream.report.drift == "none"
            assert stream.report.complete
        return before, rest

    before, rest = anyio.run(main)
    assert (before, rest) == (every_id(api, box)[:after], every_id(api, box)[after:])


@settings(max_examples=examples(60), deadline=None)
@given(APIS, st.integers(0, 260), SIZES, st.integers(1, 9), WINDOWS, st.booleans(), FAULTS)
@example("sweetspot", 12, 23, 9, 5, True, {})  # where a part begins, the list ends before five rows are there
@example("kintsugi", 207, 41, 7, 5, True, {"ignore_limit": True})  # where one begins, all rows from there on come
def test_parts_are_the_whole_and_share_no_row(api, rows, size, parts, window, ordered, faults):
    """With and without a total, on any quiet list and page size; each goes through JSON."""
    assume("total" not in faults or size > 3)
    box = sandbox(rows, **faults)

    async def main():
        found = []
        async with client(api, box) as me:
            for part in await me.customers.page_size(size).partitions(parts):
                query = me.customers.from_partition(Partition.from_json(part.to_json()))
                async with query.prefetch(window=window, ordered=ordered) as stream:
                    ids = [row.id async for row in stream]
                    assert (stream.report.drift, stream.report.gaps_open) == ("none", 0)
                found += ids if ordered else sorted(ids, key=every_id(api, box).index)
        return found

    assert anyio.run(main) == every_id(api, box)


@settings(max_examples=examples(30), deadline=None)
@given(st.data(), APIS, st.integers(20, 260), st.integers(2, 5))
def test_a_part_can_be_resumed_on_its_own(data, api, rows, parts):
    """A checkpoint taken inside a part gives the rest of that part."""
    box = sandbox(rows)

    async def main():
        async with client(api, box) as me:
            made = await me.customers.page_size(41).partitions(parts)
            query = me.customers.from_partition(data.draw(st.sampled_from(made)))
            whole = [row.id async for row in query]
            after = data.draw(st.integers(0, len(whole)))
            async with query.prefetch(window=2) as stream:
                before = [(await anext(stream)).id for _ in range(after)]
                text = str(stream.checkpoint)
            async with query.prefetch(window=5, resume=text) as stream:
                return whole, before + [row.id async for row in stream]

    whole, again = anyio.run(main)
    assert again == whole


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [5, 12, 100])
@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
async def test_a_part_that_was_read_to_its_end_has_nothing_left(api, size):
    """Though a page of the size of a seam brings nothing but rows that were handed out."""
    box = sandbox(80)
    async with client(api, box) as me:
        for part in await me.customers.page_size(size).partitions(4):
            query = me.customers.from_partition(part)
            async with query.prefetch(window=2) as stream:
                assert [row async for row in stream]
            async with query.prefetch(window=5, resume=stream.checkpoint) as rest:
                assert [row async for row in rest] == []
                assert rest.report.complete


@pytest.mark.asyncio
@pytest.mark.parametrize("total", [None, "missing"])
@pytest.mark.parametrize("repeats", [False, True])
async def test_the_end_is_found_in_few_probes(repeats, total):
    """Without a total by doubling: two requests for each doubling of the pages, and one for each part."""
    box = sandbox(6_000, total=total, repeat_last=repeats)
    async with client("sweetspot", box) as me:
        box.forget()
        parts = await me.customers.partitions(8)
    assert len(parts) == 8
    assert len(box.requests) <= 7 + 2 * 6 + 3


OTHER_PROCESS = """
import anyio, json, sys
from readahead.sandbox import Sandbox
async def main(text):
    box = Sandbox(kintsugi_rows=250)
    async with box.kintsugi() as kintsugi, kintsugi.customers.where(country="US").prefetch(resume=text) as rows:
        print(json.dumps([row.id async for row in rows]))
anyio.run(main, sys.argv[1])
"""


@pytest.mark.asyncio
async def test_another_process_goes_on():
    """A checkpoint that was printed is all it takes, and the query built again."""
    box = Sandbox(kintsugi_rows=250)
    async with box.kintsugi() as me, me.customers.where(country="US").prefetch() as rows:
        before, text = [(await anext(rows)).id for _ in range(31)], rows.checkpoint.to_json()
    done = await anyio.run_process([sys.executable, "-c", OTHER_PROCESS, text])
    assert before + json.loads(done.stdout) == [row["id"] for row in box.kintsugi_rows() if row["country"] == "US"]
    assert "US" not in text


@pytest.mark.asyncio
@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
@pytest.mark.parametrize("window", [1, 5, 16])
async def test_an_error_carries_a_place_to_go_on_from(window, api):
    """The rows before the failed page, then the error; its checkpoint gives exactly the others."""
    box = sandbox(900, errors=0.35, statuses=(500,))
    ids, checkpoint, ended = [], None, False
    for _ in range(60):
        async with client(api, box) as me:
            try:
                async with me.customers.page_size(50).prefetch(window=window, resume=checkpoint) as rows:
                    async for row in rows:
                        ids.append(row.id)
                    ended = True
                    break
            except ServerError as error:
                checkpoint = Checkpoint.from_json(error.checkpoint.to_json())
    assert ended
    assert ids == every_id(api, box)


@pytest.mark.asyncio
@pytest.mark.parametrize("limit", [None, 77])
@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
async def test_a_row_that_cannot_be_read_carries_a_place_to_go_on_from(api, limit):
    """Behind that row: the checkpoint gives the rest, and knows how many rows of the limit are left."""
    box = sandbox(150, null_ids=0.2)
    ids, checkpoint, ended = [], None, False
    async with client(api, box) as me:
        query = me.customers if limit is None else me.customers.limit(limit)
        async with query.prefetch(on_bad_row="skip") as rows:
            good = [row.id async for row in rows]
        while not ended:
            try:
                async with query.prefetch(resume=checkpoint) as rows:
                    async for row in rows:
                        ids.append(row.id)
                    ended = True
            except DecodeError as error:
                checkpoint = Checkpoint.from_json(error.checkpoint.to_json())
                assert checkpoint.rows == len(ids)
    assert ids == good
    assert limit is None or len(good) == limit


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("change", "said"),
    [({"v": 1}, "version"), ({"v": None}, "version"), ({"query": "0" * 32}, "another query"), ({"at": -1}, "negative")],
)
async def test_what_is_no_checkpoint_of_this_query_is_refused_with_the_reason(change, said):
    """Another version, another query, a place that there is not."""
    box = sandbox(100)
    async with box.kintsugi() as me:
        async with me.customers.prefetch() as rows:
            await anext(rows)
            members = json.loads(rows.checkpoint.to_json()) | change
        with pytest.raises(CheckpointError, match=said):
            me.customers.prefetch(resume=json.dumps(members))
        with pytest.raises(CheckpointError, match="another query"):
            me.customers.where(country="US").prefetch(resume=rows.checkpoint)


@pytest.mark.asyncio
@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
async def test_a_part_is_not_built_upon(api):
    """Its filter, order and page size are what it was parted with; a limit of its rows is another matter."""
    box = sandbox(120)
    async with client(api, box) as me:
        part = (await me.customers.page_size(20).partitions(2))[1]
        query = me.customers.from_partition(part)
        name = "search" if api == "kintsugi" else "name"
        for build in (
            lambda: query.where(**{name: "a"}),
            lambda: query.order_by("id"),
            lambda: query.page_size(10),
            lambda: query.extra_params(expand="all"),
        ):
            with pytest.raises(UsageError, match="cannot change a partition"):
                build()
        for whole in (me.customers.page_size(10), me.customers.limit(10), me.customers.where(**{name: "a"}), query):
            assert not hasattr(whole, "from_partition")  # a part is a query of its own
        rest, some = [row.id for row in await query.to_list()], [row.id for row in await query.limit(7).to_list()]
    assert 0 < len(rest) < 120
    assert some == rest[:7]
    assert rest == every_id(api, box)[-len(rest) :]


@pytest.mark.asyncio
async def test_the_first_page_of_a_part_is_its_own():
    """first() and first_page() hand out no row of the part before it, though pages overlap."""
    box = Sandbox(kintsugi_rows=1003)
    async with box.kintsugi() as kintsugi:
        for part in await kintsugi.customers.partitions(4):
            query = kintsugi.customers.from_partition(part)
            rows = [row.id for row in await query.to_list()]
            page = [row.id for row in await query.first_page()]
            first = await query.first()
            assert first is not None
            assert first.id == rows[0]
            assert page == rows[: len(page)] != []


@pytest.mark.asyncio
async def test_a_query_in_several_steps_is_the_query_at_once():
    """A checkpoint of where(a).where(b).where(c) is one of where(a, b, c)."""
    async with Sandbox(kintsugi_rows=300).kintsugi() as kintsugi:
        steps = kintsugi.customers.where(country="US").where(state="CA").where(source="SHOPIFY")
        at_once = kintsugi.customers.where(country="US", state="CA", source="SHOPIFY")
        async with steps.prefetch() as rows:
            async for _ in rows:
                break
            checkpoint = rows.checkpoint
        async with at_once.prefetch(resume=checkpoint) as rows:
            rest = [row.id async for row in rows]
        assert rest == [row.id for row in await at_once.to_list()][1:]
