"""Whatever happens to a list, before and while it is mirrored: no row that exists is taken from its table.

Random histories are carried out on a sandbox and on a model of it: a set of keys with names.
"""

import asyncio
import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from effort import examples
from export.rows import stored
from readahead.export import Postgres, SQLite, mirror
from readahead.sandbox import Sandbox
from readahead.sandbox.data import Seed

NUMBERS = itertools.count(1)
ROWS = 60
WHERE = st.integers(0, 200)
CHANGE = st.one_of(
    st.tuples(st.sampled_from(["add", "add at the head", "delete", "rename", "to the head", "to the end"]), WHERE),
)
SWEEP = st.tuples(
    st.just("sweep"),
    # Changes while it is read, one at most at a page: several at once may cancel each other out and leave no trace,
    # which is what ``confirm`` is for. Then where it stops, if it does.
    st.lists(st.tuples(st.integers(1, 8), CHANGE), max_size=4, unique_by=lambda at: at[0]),
    st.one_of(st.none(), st.integers(1, 7)),
)
HISTORY = st.lists(st.one_of(CHANGE, SWEEP), min_size=2, max_size=12)


class Stop(Exception):
    pass


def change(table, what, where):
    """Carry out one change of the list."""
    rows = table.rows()
    if not rows:
        return
    found = table.find("id", rows[where % len(rows)]["id"])
    key = found.row["id"]
    if what.startswith("add"):
        add = table.prepend if "head" in what else table.append
        add(lambda _: Seed({**found.row, "id": f"new_{next(NUMBERS)}"}, found.hidden))
    elif what == "rename":
        found.row["name"] = f"Renamed {where}"
        table.replace(found)
    else:
        table.delete(key)
        if what.startswith("to"):
            (table.prepend if "head" in what else table.append)(lambda _: Seed(found.row, found.hidden))


async def live(history, target, gone, window):
    with Sandbox(kintsugi_rows=ROWS) as sandbox:
        table, in_table = sandbox.kintsugi_table, set()
        async with sandbox.kintsugi() as client:
            query = client.customers.page_size(10)  # smaller ones cannot overlap

            async def sweep(changes, stop):
                changes = changes[:1] if window > 1 else changes  # of pages that were read at once
                pages, at_any_time = 0, {row["id"] for row in table.rows()}

                def progress(_):
                    nonlocal pages
                    pages += 1
                    for page, (what, where) in changes:
                        if page == pages:
                            change(table, what, where)
                            at_any_time.intersection_update(row["id"] for row in table.rows())
                    if pages == stop:
                        raise Stop

                before = set(in_table)
                try:
                    done = await mirror(query, target, gone=gone, most_gone=1, window=window, on_progress=progress)
                except Stop:
                    done = None
                columns = ["id", "name", *(["_gone_at"] if gone == "mark" else [])]
                there = {key: name for key, name, *at in await stored(target, *columns) if at in ([], [None])}
                in_table.clear()
                in_table.update(there)
                # What was in the table and existed all the time is there.
                assert before & at_any_time <= there.keys()
                if done is None:
                    return
                if done.complete and not changes and done.proved:
                    assert there == {row["id"]: row["name"] for row in table.rows()}
                if not done.proved:
                    assert done.gone == 0
                    assert done.why
                if not changes and done.runs == 1:
                    assert done.proved, done

            for step in history:
                if step[0] == "sweep":
                    await sweep(step[1], step[2])
                else:
                    change(table, *step)
            await sweep([], None)
            await sweep([], None)  # the one before may have been the rest of another


@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(history=HISTORY, gone=st.sampled_from(["delete", "mark"]), window=st.sampled_from([1, 4]))
def test_no_row_that_exists_is_taken_from_a_table_in_sqlite(tmp_path_factory, history, gone, window):
    path = tmp_path_factory.mktemp("laws") / "rows.db"
    asyncio.run(live(history, SQLite(path), gone, window))


@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(history=HISTORY, gone=st.sampled_from(["delete", "mark"]), window=st.sampled_from([1, 4]))
def test_no_row_that_exists_is_taken_from_a_table_in_postgresql(postgres_url, history, gone, window):
    target = Postgres(postgres_url, f"laws_{next(NUMBERS)}")
    asyncio.run(live(history, target, gone, window))
