"""A table is kept equal to a list, and no row that still exists is ever taken from it."""

import orjson
import pytest
from attrs import evolve

from export.rows import execute, stored
from readahead.errors import ServerError, TargetError, UsageError
from readahead.export import Mirrored, mirror
from readahead.export.copying import copy
from readahead.export.tables import quoted
from readahead.http.libraries import client_for_app
from readahead.http.retry import Retry
from readahead.kintsugi import Kintsugi, fields
from readahead.sandbox import Faults, Sandbox
from readahead.sandbox.data import Seed

pytestmark = pytest.mark.asyncio


def what(mirrored):
    return mirrored.new, mirrored.changed, mirrored.same, mirrored.gone, mirrored.kept


async def keys(target):
    return {key for (key,) in await stored(target, "id")}


def listed(sandbox):
    return {row["id"] for row in sandbox.kintsugi_rows()}


def move(table, key, *, to_head=True):
    """Move a row to the head or to the end of its list."""
    found = table.find("id", key)
    table.delete(key)
    (table.prepend if to_head else table.append)(lambda _: Seed(found.row, found.hidden))


def add(table, key, *, to_head=False):
    """Add a row that is like the first one, but for its key."""
    first = table.find("id", table.rows()[0]["id"])
    (table.prepend if to_head else table.append)(lambda _: Seed({**first.row, "id": key}, first.hidden))


async def test_a_table_follows_its_list(target):
    """It says what was new, what changed, what was the same, and what is gone."""
    with Sandbox(kintsugi_rows=300) as sandbox:
        table = sandbox.kintsugi_table
        async with sandbox.kintsugi() as client:
            first = await mirror(client.customers, target)
            assert isinstance(first, Mirrored)
            assert what(first) == (300, 0, 0, 0, 0)
            assert (first.proved, first.complete, first.why) == (True, True, "the end was reached")
            lost = [row["id"] for row in sandbox.kintsugi_rows()[50:60]]
            for key in lost:
                table.delete(key)
            await client.customers.update(sandbox.kintsugi_rows()[0]["id"], name="Renamed")
            add(table, "cust_new")
            second = await mirror(client.customers, target)
            assert what(second) == (1, 1, 289, 10, 0)
            assert str(second) == "1 new, 1 changed, 289 the same, 10 gone"
            assert await keys(target) == listed(sandbox)
            assert what(await mirror(client.customers, target)) == (0, 0, 291, 0, 0)


async def test_rows_are_marked_and_come_back(target):
    """A row that was marked is unmarked when it comes again, also by a mirror that deletes."""
    with Sandbox(kintsugi_rows=100) as sandbox:
        table = sandbox.kintsugi_table
        async with sandbox.kintsugi() as client:
            await mirror(client.customers, target, gone="mark")
            before, other_row = (table.find("id", sandbox.kintsugi_rows()[at]["id"]) for at in (10, 20))
            table.delete(before.row["id"])
            table.delete(other_row.row["id"])
            assert what(await mirror(client.customers, target, gone="mark")) == (0, 0, 98, 2, 0)
            assert what(await mirror(client.customers, target, gone="mark")) == (0, 0, 98, 0, 0)
            marked = f"SELECT id FROM {quoted(target.table)} WHERE _gone_at IS NOT NULL"
            assert {key for (key,) in await execute(target, marked)} == {before.row["id"], other_row.row["id"]}
            table.append(lambda _: Seed(before.row, before.hidden))
            assert what(await mirror(client.customers, target, gone="delete")) == (0, 1, 98, 0, 0)
            assert await execute(target, marked) == [(other_row.row["id"],)]


async def test_keep_stores_and_takes_nothing_away(target):
    with Sandbox(kintsugi_rows=100) as sandbox:
        async with sandbox.kintsugi() as client:
            await mirror(client.customers, target, gone="keep")
            sandbox.kintsugi_table.delete(sandbox.kintsugi_rows()[5]["id"])
            mirrored = await mirror(client.customers, target, gone="keep")
            assert what(mirrored) == (0, 0, 99, 0, 1)
            assert mirrored.why == "gone='keep'"


# ---- what proves nothing


async def filled(target, sandbox, **options):
    """Mirror 1,000 rows, then lose one of them on the server; return its key."""
    async with sandbox.kintsugi() as client:
        await mirror(client.customers, target, **options)
    key = sandbox.kintsugi_rows()[500]["id"]
    sandbox.kintsugi_table.delete(key)
    return key


def another(sandbox, faults):
    """The same rows on a server with faults: a sandbox whose rows are those of this one."""
    elsewhere = Sandbox(kintsugi_rows=0, faults=faults)
    for row in sandbox.kintsugi_rows():
        found = sandbox.kintsugi_table.find("id", row["id"])
        elsewhere.kintsugi_table.append(lambda _, found=found: Seed(found.row, found.hidden))
    return elsewhere


FAULTS = {
    "hides rows": Faults(hide=0.1),
    "hides rows, says no total": Faults(hide=0.1, total="missing"),
    "the order is not stable": Faults(ties=7),
    "its total is too large": Faults(total=1200),
    "its total changes": Faults(total="changing", hide=0.02),
    "rows are added at the head": Faults(inserts=0.5),
    "rows disappear": Faults(deletes=0.5),
    "rows come and go": Faults(inserts=0.5, deletes=0.5),
    "rows without an id": Faults(null_ids=0.01),
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("window", [1, 8])
async def test_a_list_that_proves_nothing_takes_no_row_that_exists(target, faults, window):
    """Its rows are kept, and it says why."""
    with Sandbox(kintsugi_rows=1000) as sandbox:
        await filled(target, sandbox)
        with another(sandbox, faults) as hostile:
            async with hostile.kintsugi() as client:
                mirrored = await mirror(client.customers, target, window=window, on_bad_row="skip", adopt=True)
            there = listed(hostile) & listed(sandbox)
        left = await keys(target)
    assert not mirrored.proved, (mirrored, faults)
    assert mirrored.gone == 0
    assert mirrored.kept > 0
    assert mirrored.why in str(mirrored)
    assert there <= left


CHANGES = {
    "a row moves to where was read": lambda table, rows: move(table, rows[800]["id"]),
    "a row moves, and one that was read is deleted": lambda table, rows: (
        move(table, rows[800]["id"]),
        table.delete(rows[10]["id"]),
    ),
    "two rows change places": lambda table, rows: (
        move(table, rows[800]["id"]),
        move(table, rows[10]["id"], to_head=False),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("window", [1, 4])
async def test_a_row_that_moves_while_the_list_is_read_is_not_gone(target, change, window):
    """A listing that is complete has missed it all the same."""
    with Sandbox(kintsugi_rows=1000) as sandbox:
        await filled(target, sandbox)
        changes = []

        def progress(so_far):
            if so_far.rows >= 300 and not changes:
                changes.append(change(sandbox.kintsugi_table, sandbox.kintsugi_rows()))

        async with sandbox.kintsugi() as client:
            mirrored = await mirror(client.customers, target, window=window, on_progress=progress)
            assert (mirrored.gone, mirrored.proved) == (0, False)
            assert mirrored.complete is (change is not CHANGES["two rows change places"])
            assert listed(sandbox) <= await keys(target)
            after = await mirror(client.customers, target)
            assert after.proved
            assert await keys(target) == listed(sandbox)


async def test_confirm_lets_rows_go_from_a_list_that_changes(target):
    """Each missing row is asked for; the one that moved exists, and stays."""
    with Sandbox(kintsugi_rows=1000) as sandbox:
        gone = await filled(target, sandbox)
        moved, asked = sandbox.kintsugi_rows()[800]["id"], []

        def progress(so_far):
            if so_far.rows >= 300 and sandbox.kintsugi_rows()[0]["id"] != moved:
                move(sandbox.kintsugi_table, moved)

        async with sandbox.kintsugi() as client:

            async def confirm(key):
                asked.append(key)
                return await client.customers.get(key)

            mirrored = await mirror(client.customers, target, window=1, on_progress=progress, confirm=confirm)
        assert sorted(asked) == sorted([gone, moved])
        assert what(mirrored)[3:] == (1, 1)
        assert mirrored.why == "the API still has them"
        assert mirrored.complete
        assert await keys(target) == listed(sandbox)


async def test_confirm_that_fails_takes_nothing(target):
    """Only NotFound says that a row is gone."""
    with Sandbox(kintsugi_rows=300) as sandbox:
        async with sandbox.kintsugi() as client:
            await mirror(client.customers, target)
            for row in sandbox.kintsugi_rows()[100:103]:
                sandbox.kintsugi_table.delete(row["id"])
            before = await keys(target)

            async def confirm(key):
                raise ServerError("broken", status=500, request="GET /")

            with pytest.raises(ServerError):
                await mirror(client.customers, target, confirm=confirm)
            assert await keys(target) == before
            again = await mirror(client.customers, target, confirm=client.customers.get)
            assert what(again)[3:] == (3, 0)


async def test_an_empty_list_by_mistake_empties_no_table(target):
    """A list that is complete and has no rows is most likely wrong. Who means it says so."""
    with Sandbox(kintsugi_rows=100) as sandbox:
        async with sandbox.kintsugi() as client:
            await mirror(client.customers, target)
            for row in sandbox.kintsugi_rows():
                sandbox.kintsugi_table.delete(row["id"])
            mirrored = await mirror(client.customers, target)
            assert what(mirrored) == (0, 0, 0, 0, 100)
            assert mirrored.complete
            assert "100 of 100 rows are missing, more than most_gone=0.5 allows" in mirrored.why
            assert len(await keys(target)) == 100
            assert what(await mirror(client.customers, target, most_gone=1)) == (0, 0, 0, 100, 0)
            assert await keys(target) == set()


async def test_rows_that_are_all_others_replace_nothing(target):
    """As many new rows as old ones: the share is of those that were there."""
    with Sandbox(kintsugi_rows=100) as sandbox:
        async with sandbox.kintsugi() as client:
            await mirror(client.customers, target)
            for number, row in enumerate(sandbox.kintsugi_rows()):
                add(sandbox.kintsugi_table, f"other_{number}")
                sandbox.kintsugi_table.delete(row["id"])
            mirrored = await mirror(client.customers, target)
    assert what(mirrored) == (100, 0, 0, 0, 100)


async def test_an_api_that_fails_takes_nothing(target):
    """Whatever the error, and however far it came."""
    with Sandbox(kintsugi_rows=1000) as sandbox:
        await filled(target, sandbox)
        before = await keys(target)
        with another(sandbox, Faults(errors=0.2, seed=3)) as broken:
            async with broken.kintsugi(retry=Retry(attempts=1)) as client:
                with pytest.raises(ServerError):
                    await mirror(client.customers, target, window=1, adopt=True)
        assert await keys(target) == before


async def test_a_sweep_in_several_runs_stores_and_lets_nothing_go(target):
    """Nobody watched the list between them: a row may have moved behind where it stopped. The next one can tell."""
    with Sandbox(kintsugi_rows=1000) as sandbox:
        await filled(target, sandbox)

        class Stop(Exception):
            pass

        def progress(so_far):
            if so_far.rows >= 400:
                raise Stop

        async with sandbox.kintsugi() as client:
            with pytest.raises(Stop):
                await mirror(client.customers, target, window=1, on_progress=progress)
            rows = sandbox.kintsugi_rows()
            move(sandbox.kintsugi_table, rows[800]["id"])
            sandbox.kintsugi_table.delete(rows[5]["id"])
            add(sandbox.kintsugi_table, "cust_new")  # as many rows as before, and each page as it was
            sandbox.forget()
            resumed = await mirror(client.customers, target)
            assert (resumed.runs, resumed.gone, resumed.proved) == (2, 0, False)
            assert len(sandbox.requests) < 11
            assert listed(sandbox) <= await keys(target)
            again = await mirror(client.customers, target)
            assert (again.runs, again.proved, again.kept) == (1, True, 0)
            assert await keys(target) == listed(sandbox)


async def test_keys_that_are_lost_from_the_database_begin_the_sweep_anew(target):
    """Rows that came would seem gone."""
    with Sandbox(kintsugi_rows=1000) as sandbox:
        await filled(target, sandbox)

        class Stop(Exception):
            pass

        def progress(so_far):
            if so_far.rows >= 900:
                raise Stop

        async with sandbox.kintsugi() as client:
            with pytest.raises(Stop):
                await mirror(client.customers, target, window=1, on_progress=progress)
            await execute(target, "DELETE FROM _readahead_seen WHERE table_name = $1", target.table)
            mirrored = await mirror(client.customers, target, most_gone=1)
            assert (mirrored.runs, mirrored.gone, mirrored.kept) == (1, 1, 0)
            assert await keys(target) == listed(sandbox)


async def test_a_key_of_another_type_is_the_same_row(target):
    """An API that sends 7 one day and "7" the next has not lost it."""
    rows, as_number = 20, False

    async def app(scope, receive, send):
        items = [{"id": key if as_number else str(key), "organization_id": "org"} for key in range(1, rows + 1)]
        body = orjson.dumps({"items": items, "total": rows, "page": 1, "size": 100})
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    client = Kintsugi(
        api_key="key", organization_id="org", base_url="http://127.0.0.1", http_client=client_for_app(app)
    )
    async with client:
        assert what(await mirror(client.customers, target)) == (20, 0, 0, 0, 0)
        as_number = True
        assert what(await mirror(client.customers, target)) == (0, 0, 20, 0, 0)
        rows, as_number = 19, False
        assert what(await mirror(client.customers, target)) == (0, 0, 19, 1, 0)
        assert await keys(target) == {str(key) for key in range(1, 20)}


# ---- whose table it is


async def test_a_table_is_the_mirror_of_one_query(target):
    """Another one would take its rows away; who means it says so. So with rows that no mirror stored."""
    with Sandbox(kintsugi_rows=200) as sandbox:
        async with sandbox.kintsugi() as client:
            await copy(client.customers, target)
            with pytest.raises(TargetError, match=r"has rows that no mirror has stored.*adopt=True"):
                await mirror(client.customers, target)
            assert what(await mirror(client.customers, target, adopt=True)) == (0, 0, 200, 0, 0)
            narrow = client.customers.where(state="CA")
            with pytest.raises(TargetError, match=r"is the mirror of another query.*adopt=True"):
                await mirror(narrow, target)
            assert len(await keys(target)) == 200
            with pytest.raises(TargetError, match="is the mirror of another query"):
                await copy(narrow, target)
            await copy(client.customers, target)
            count = await narrow.count()
            taken = await mirror(narrow, target, adopt=True, most_gone=1)
            assert what(taken) == (0, 0, count, 200 - count, 0)


async def test_an_unfinished_export_is_no_part_of_a_sweep(target):
    """The rows that it stored are read again: the keys of them are not known."""

    class Stop(Exception):
        pass

    def progress(so_far):
        if so_far.stored >= 500:
            raise Stop

    with Sandbox(kintsugi_rows=1000) as sandbox:
        async with sandbox.kintsugi() as client:
            await mirror(client.customers, target)
            with pytest.raises(Stop):
                await copy(client.customers, target, window=1, at_once=100, on_progress=progress)
            assert what(await mirror(client.customers, target)) == (0, 0, 1000, 0, 0)


async def test_a_query_that_is_no_whole_list_is_refused(target):
    """Before anything is sent or created."""
    with Sandbox(kintsugi_rows=500) as sandbox:
        async with sandbox.kintsugi() as client:
            part = (await client.customers.partitions(2))[0]
            sandbox.forget()
            for query in (client.customers.limit(10), client.customers.from_partition(part)):
                with pytest.raises(UsageError, match="whole list"):
                    await mirror(query, target)
            wrong = [
                ({"gone": "drop"}, "gone must be"),
                ({"most_gone": 2}, "most_gone must be"),
                ({"most_gone": True}, "most_gone must be"),
                ({"confirm": "get"}, "confirm must be"),
                ({"on_progress": "bar"}, "on_progress must be"),
            ]
            for options, message in wrong:
                with pytest.raises(UsageError, match=message):
                    await mirror(client.customers, target, **options)
            with pytest.raises(UsageError, match="a mirror is a table"):
                await mirror(client.customers, "x.db")
            assert sandbox.requests == []


async def test_a_row_that_moves_between_two_listings_stays(target):
    """After the first listing of A | B was read, a row of B meets A as well: the second one leaves it out unseen."""
    with Sandbox(kintsugi_rows=1_000) as sandbox:
        table = sandbox.kintsugi_table
        async with sandbox.kintsugi() as client:
            query = client.customers.where((fields.country == "CA") | (fields.source == "SHOPIFY"))
            assert (await mirror(query, target, window=1)).complete
            first = sum(row["country"] == "CA" for row in sandbox.kintsugi_rows())
            rows = [row for row in sandbox.kintsugi_rows() if row["source"] == "SHOPIFY" and row["country"] == "US"]
            key = rows[-1]["id"]

            def move_it(progress):
                if progress.rows >= first:
                    found = table.find("id", key)
                    table.replace(evolve(found, row={**found.row, "country": "CA"}))

            mirrored = await mirror(query, target, window=1, on_progress=move_it)
            assert (mirrored.gone, mirrored.kept, mirrored.proved) == (0, 1, False)
            assert key in await keys(target)
            confirmed = await mirror(query, target, confirm=client.customers.get)
            assert (confirmed.gone, confirmed.proved) == (0, True)
