"""Checkpoints and parts through the query, on the sandbox: the rest is exactly the rest, and parts are the whole."""

import inspect
import itertools
import json
import os
import sys
from types import SimpleNamespace

import anyio
import pytest
from hypothesis import assume, example, given, reject, settings
from hypothesis import strategies as st

from effort import examples
from readahead import Query, kintsugi, sweetspot
from readahead.endpoint import Endpoint
from readahead.errors import CheckpointError, DecodeError, ServerError, UsageError
from readahead.http.client import Client
from readahead.http.secret import Secret
from readahead.paging import Checkpoint, Cursor, OffsetLimit, PageNumber, Partition
from readahead.reading import Reading
from readahead.rows import RowReader
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
    box = sandbox(rows, **faults)
    after = data.draw(st.integers(0, rows))

    async def main():
        async with client(api, box) as me, me.customers.page_size(size).prefetch(window=window) as stream:
            before = [(await anext(stream)).id for _ in range(after)]
            text = stream.checkpoint.to_json()
        async with client(api, box) as me, me.customers.page_size(size).prefetch(window=other, resume=text) as stream:
            rest = [row.id async for row in stream]
            assert stream.report.drift != "seen"
            promised = faults.get("total")
            assert stream.report.complete or (isinstance(promised, int) and promised > rows)
        return before, rest

    before, rest = anyio.run(main)
    assert (before, rest) == (every_id(api, box)[:after], every_id(api, box)[after:])


@settings(max_examples=examples(60), deadline=None)
@given(APIS, st.integers(0, 260), SIZES, st.integers(1, 9), WINDOWS, st.booleans(), FAULTS)
@example("sweetspot", 12, 23, 9, 5, True, {})  # where a part begins, the list ends before five rows are there
@example("kintsugi", 207, 41, 7, 5, True, {"ignore_limit": True})  # where one begins, all rows from there on come
def test_parts_are_the_whole_and_share_no_row(api, rows, size, parts, window, ordered, faults):
    """With and without a total, on any quiet list and page size; each goes through JSON."""
    box = sandbox(rows, **faults)

    async def main():
        found = []
        async with client(api, box) as me:
            for part in await me.customers.page_size(size).partitions(parts):
                query = me.customers.from_partition(Partition.from_json(part.to_json()))
                async with query.prefetch(window=window, ordered=ordered) as stream:
                    ids = [row.id async for row in stream]
                    assert stream.report.drift != "seen"
                    assert stream.report.gaps_open == 0
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
    [({"v": 1}, "version"), ({"v": None}, "version"), ({"query": "0" * 32}, "another query"), ({"at": -1}, "small")],
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


# ---- what a checkpoint is bound to


async def place(query):
    """The checkpoint of a query before its first row; nothing is sent for it."""
    async with query.prefetch() as rows:
        return rows.checkpoint


def accepts(query, checkpoint):
    try:
        query.prefetch(resume=checkpoint.to_json())
    except CheckpointError as error:
        assert "another query" in str(error)
        return False
    return True


def changes(api):
    """What can be changed of a query, by what changes it: all methods, all keywords, a condition on each field."""
    customers, fields, filters = {
        "kintsugi": (kintsugi.Customers, kintsugi.fields, kintsugi.CustomerFilters),
        "sweetspot": (sweetspot.Customers, sweetspot.fields, sweetspot.CustomerFilters),
    }[api]
    listed = {"country": "CA", "source": "SHOPIFY", "status": "ACTIVE", "address_status": "VERIFIED"}
    listed |= {"credit_status": "passed", "identity_verification_status": "verified"} if api == "sweetspot" else {}
    found = {}
    for name in filters.__annotations__:
        found[f"where {name}"] = lambda query, name=name: query.where(**{name: listed.get(name, "7")})
    for name, field in fields.declared.items():
        if "null" in field.ops:
            found[f"{name} is null"] = lambda query, field=field: query.where(field.is_null())
            found[f"{name} is not null"] = lambda query, field=field: query.where(~field.is_null())
    found["limit"] = lambda query: query.limit(10)
    found["another limit"] = lambda query: query.limit(500)
    found["page_size"] = lambda query: query.page_size(50)
    found["extra_params"] = lambda query: query.extra_params(expand="all")
    found["extra_params, another value"] = lambda query: query.extra_params(expand="some")
    found["extra_params, twice"] = lambda query: query.extra_params(expand=["all", "some"])
    if api == "kintsugi":
        found["order_by"] = lambda query: query.order_by("city")
        found["order_by, more"] = lambda query: query.order_by("city", "state")
        found["where country, two"] = lambda query: query.where(country=["CA", "US"])
        either, both = (
            (fields.city == "Ghent") | (fields.email == "a@b"),
            (fields.city == "Ghent", fields.email == "a@b"),
        )
        found["or"], found["and"] = (lambda query: query.where(either)), (lambda query: query.where(*both))
        found["not"] = lambda query: query.where(~either)
        found["two listings"] = lambda query: query.where((fields.country == "CA") | (fields.state == "CA"))
        found["two listings, reversed"] = lambda query: query.where((fields.state == "CA") | (fields.country == "CA"))
    methods = {name for name, _ in inspect.getmembers(customers, inspect.isfunction) if not name.startswith("_")}
    rows = {"get", "get_by_external_id", "create", "update"}  # of a single one
    reads = {"prefetch", "pages", "first_page", "first", "count", "explain", "to_list", "partitions", "from_partition"}
    others = {"where", "order_by", "slices"}  # neither API filters by a range: tests/bindings/test_slices.py
    assert {name.split(",")[0] for name in found} >= methods - rows - reads - others
    return found


@pytest.mark.asyncio
@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
async def test_whatever_changes_a_query_its_checkpoint_is_refused(api):
    """Each query that differs in one thing has a checkpoint that it accepts, and all others refuse."""
    async with client(api, sandbox(0)) as me:
        queries = {"all": me.customers} | {name: change(me.customers) for name, change in changes(api).items()}
        places = {name: await place(query) for name, query in queries.items()}
        assert len(queries) > 30
        accepted = {
            (name, other) for name, query in queries.items() for other in places if accepts(query, places[other])
        }
    assert accepted == {(name, name) for name in queries}


CONDITIONS = st.sampled_from(
    [
        {"country": "US"},
        {"country": ["US", "CA"]},
        {"country": ["CA", "US"]},
        {"source": "SHOPIFY"},
        {"state": "CA"},
        kintsugi.fields.country == "CA",
        kintsugi.fields.country != "US",
        (kintsugi.fields.country == "US") | (kintsugi.fields.country == "CA"),
        kintsugi.fields.email.endswith("@x.com"),
        kintsugi.fields.city.contains("a") & ~kintsugi.fields.name.is_null(),
        (kintsugi.fields.city == "Ghent") | (kintsugi.fields.state == "CA"),
        (kintsugi.fields.city == "Ghent") | kintsugi.fields.name.is_null(),
    ]
)
OTHERS = st.sampled_from([("limit", 10), ("limit", 500), ("page_size", 50), ("page_size", 10), ("order_by", "city")])


STEPS = st.one_of(st.tuples(st.just("where"), CONDITIONS), OTHERS)


def build(query, steps):
    for method, argument in steps:
        query = query.where(**argument) if isinstance(argument, dict) else getattr(query, method)(argument)
    return query


@st.composite
def twice(draw):
    """The steps of a query, and these in another order, with one more or one less now and then."""
    steps = draw(st.lists(STEPS, max_size=4))
    others = steps[draw(st.integers(0, 3)) == 0 :] + draw(st.lists(STEPS, max_size=1))
    return steps, draw(st.permutations(others))


@settings(max_examples=examples(300), deadline=None)
@given(twice())
def test_a_checkpoint_is_accepted_exactly_where_the_same_is_sent_and_evaluated(steps):
    """However the query was built. ``str(query)`` says what is sent, and what is evaluated on rows."""

    async def main():
        async with Sandbox(kintsugi_rows=0).kintsugi() as me:
            try:
                first, second = (build(me.customers, each) for each in steps)
                taken = await place(first)
            except UsageError:  # an order of several listings, or one that has no checkpoints
                reject()
            # Of a query that sends nothing the text does not say in which order, nor in pages of which size.
            assume("nothing is sent" not in str(first))
            assert accepts(second, taken) == (str(first) == str(second))

    anyio.run(main)


@pytest.mark.asyncio
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_the_order_of_calls_does_not_matter(order):
    """Where the same is sent."""
    steps = [
        lambda query: query.where(country="US"),
        lambda query: query.where(kintsugi.fields.email.endswith("@x.com"), source="SHOPIFY"),
        lambda query: query.extra_params(expand="all"),
        lambda query: query.extra_params(region=["a", "b"]),
    ]
    async with Sandbox(kintsugi_rows=0).kintsugi() as me:
        first, second = me.customers, me.customers
        for index in range(4):
            first, second = steps[index](first), steps[order[index]](second)
        assert accepts(second, await place(first))


@pytest.mark.asyncio
async def test_a_checkpoint_is_bound_to_the_client():
    """Its credentials, and where the API is."""
    key, organization, url = "sandbox-key", "org_sandbox", "http://localhost"

    async def taken(key=key, organization=organization, url=url):
        async with kintsugi.Kintsugi(api_key=key, organization_id=organization, base_url=url) as me:
            return me.customers, await place(me.customers)

    own, same = await taken(), await taken()
    others = [await taken(key="another"), await taken(organization="org_2"), await taken(url="http://localhost:81")]
    async with sweetspot.SweetSpot(token=key, base_url=url) as spot:
        others.append((spot.customers, await place(spot.customers)))
    assert accepts(own[0], same[1])
    for query, checkpoint in others:
        assert not accepts(own[0], checkpoint)
        assert not accepts(query, own[1])


class Shop(Client):
    """An API of lists below one path each, ``GET /v1/orgs/{org}/customers``, and of one that is paged in other ways."""

    def __init__(self):
        super().__init__({"X-API-KEY": Secret("a key of a shop")}, base_url="http://localhost")

    def customers(self, org, paging=None):
        paging = paging or OffsetLimit()

        def build_request():
            return {"method": "get", "url": f"/v1/orgs/{org}/customers"}

        operation = SimpleNamespace(OPERATION="GET /v1/orgs/{org}/customers", build_request=build_request)
        following = "next" if isinstance(paging, Cursor) else None
        reader = RowReader(kintsugi.Customer.from_dict, key="id", items="items", next=following)
        return Query(Reading(self._sender, Endpoint(operation, reader=reader, paging=paging)))


@pytest.mark.asyncio
async def test_a_checkpoint_is_bound_to_the_path_and_to_how_the_api_pages():
    """Not only to the template of the path."""
    async with Shop() as shop:
        of_a = await place(shop.customers("a"))
        assert accepts(shop.customers("a"), of_a)
        assert not accepts(shop.customers("b"), of_a)
        for paging in (PageNumber(), Cursor(), OffsetLimit(offset="skip"), OffsetLimit(largest=50)):
            assert not accepts(shop.customers("a", paging), of_a)


@pytest.mark.asyncio
@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
async def test_a_checkpoint_of_a_part_is_one_of_that_part_alone(api):
    """Not of the whole, whose rest it is not, nor of another part; and the other way round."""
    async with client(api, sandbox(300)) as me:
        parts = [part.to_json() for part in await me.customers.page_size(20).partitions(3)]
        queries = [me.customers.page_size(20), *map(me.customers.from_partition, parts)]
        again = [me.customers.page_size(20), *map(me.customers.from_partition, parts)]
        for index, query in enumerate(queries):
            async with query.prefetch() as rows:
                await anext(rows)
            accepted = [accepts(other, rows.checkpoint) for other in again]
            assert accepted == [index == other for other in range(4)]
        begin = Partition.from_json(parts[1]).checkpoint
        assert not any(accepts(query, begin) for query in queries)


@pytest.mark.asyncio
async def test_a_part_is_refused_by_another_client_and_where_its_query_was_changed():
    """It is bound to the query it carries."""
    async with Sandbox(kintsugi_rows=300).kintsugi() as me:
        part = (await me.customers.where(country="US").partitions(2))[0].to_json()
        with pytest.raises(CheckpointError, match="or was changed"):
            me.customers.from_partition(part.replace('"US"', '"CA"'))
    async with kintsugi.Kintsugi(api_key="other", organization_id="org_sandbox", base_url="http://127.0.0.1") as other:
        with pytest.raises(CheckpointError, match="another API or client"):
            other.customers.from_partition(part)


PART_IN_ANOTHER_PROCESS = """
import anyio, json, sys
from readahead.sandbox import Sandbox
async def main(part):
    async with Sandbox(kintsugi_rows=400).kintsugi() as kintsugi:
        print(json.dumps([row.id for row in await kintsugi.customers.from_partition(part).to_list()]))
anyio.run(main, sys.argv[1])
"""


@pytest.mark.asyncio
async def test_other_processes_read_the_parts():
    """With the same credentials, and whatever the order of their sets: filters, conditions and all."""
    fields, box = kintsugi.fields, Sandbox(kintsugi_rows=400)
    async with box.kintsugi() as me:
        query = me.customers.where(
            ~fields.email.endswith("@nowhere"), (fields.city != "Ghent") | fields.name.is_null(), country=["US", "CA"]
        ).extra_params(expand="all")
        whole, found = [row.id for row in await query.order_by("city").page_size(40).to_list()], []
        for seed, part in enumerate(await query.order_by("city").page_size(40).partitions(3)):
            command = [sys.executable, "-c", PART_IN_ANOTHER_PROCESS, part.to_json()]
            done = await anyio.run_process(command, env={**os.environ, "PYTHONHASHSEED": str(seed)})
            found += json.loads(done.stdout)
    assert found == whole != []
