"""What a condition means survives the wire: the rows that come are those of a reading of all rows, one by one."""

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import among, build, ordered, trees, truth

from effort import examples
from readahead import kintsugi, sweetspot
from readahead.sandbox import Sandbox
from readahead.sweetspot import Customer

ROWS = 260
BOX = Sandbox(kintsugi_rows=ROWS, sweetspot_rows=ROWS)
SEARCHED = [
    "id", "name", "external_id", "email", "phone", "street_1", "street_2", "city", "county", "postal_code",
    "full_address", "registration_number", "external_friendly_id",
]  # fmt: skip


def kintsugi_truth():
    for row in BOX.kintsugi_rows():
        yield row | {"search": "\n".join(row[name] for name in SEARCHED if row[name])}


def sweetspot_truth():
    table = BOX.sweetspot_table
    members = {name: {*table.positions([table.checkouts(name)])} for name in (f"org_{n:02d}" for n in range(1, 13))}
    for position, row in enumerate(BOX.sweetspot_rows(), 1):
        read, hidden = Customer.from_dict(row), table.find("id", row["id"]).hidden
        names = [hidden["first_name"], hidden["last_name"]]
        yield {name: getattr(read, name) for name in ("id", "user_id", "created_at", "credit_status", "country")} | {
            "organization_id": [name for name, positions in members.items() if position in positions],
            "email": hidden["email"],
            "name": "\n".join(filter(None, [*names, " ".join(names) if all(names) else None])),
        }


TRUTH = {"kintsugi": list(kintsugi_truth()), "sweetspot": list(sweetspot_truth())}
FIELDS = {"kintsugi": kintsugi.fields, "sweetspot": sweetspot.fields}
made = [row["created_at"] for row in TRUTH["sweetspot"]][::60]
users = [row["user_id"] for row in TRUTH["sweetspot"][::25] if row["user_id"] is not None]

ATOMS = {
    "kintsugi": st.one_of(
        among("country", ["US", "CA", "DE", "JP"]),
        among("state", ["CA", "NY", "QC"], texts=["C", "n"]),
        among("source", ["SHOPIFY", "STRIPE", "SAGE-INTACCT"]),
        among("status", ["ACTIVE", "ARCHIVED"]),
        among("address_status", ["VERIFIED", "BLANK"]),
        among("email", ["x@example.com"], texts=["@gmail.com", "ada", "ADA"]),
        among("city", ["Montréal", "東京"], texts=["ö", "San", "montréal"]),
    ),
    "sweetspot": st.one_of(
        among("user_id", [*users, 1001, "1002"]),
        among("credit_status", ["passed", "failed", "unknown"]),
        among("country", ["US", "CA"], texts=["U"]),
        ordered("created_at", made),
    ),
}
SEARCHES = {
    "kintsugi": st.just(("matches", "search", "san")),
    "sweetspot": st.one_of(
        st.just(("icontains", "email", "GMAIL")),
        st.just(("icontains", "name", "ada")),
        st.tuples(st.just("related"), st.just("organization_id"), st.just("org_03")),
    ),
}
both = st.sampled_from(["kintsugi", "sweetspot"])
any_query = both.flatmap(lambda api: st.tuples(st.just(api), trees(ATOMS[api], leaves=6)))
with_searches = both.flatmap(
    lambda api: st.tuples(st.just(api), trees(st.one_of(ATOMS[api], SEARCHES[api]), negate=False, leaves=6))
)


def expected(api, tree):
    return [row["id"] for row in TRUTH[api] if truth(tree, row)]


async def reading(api, tree, read):
    async with getattr(BOX, api)() as client:
        return await read(client.customers.where(build(tree, FIELDS[api])))


@settings(max_examples=examples(60), deadline=None)
@given(
    st.one_of(any_query, with_searches),
    st.sampled_from([1, 3, "auto"]),
    st.sampled_from([7, 30, 100]),
    st.booleans(),
)
def test_the_rows_that_come_are_the_rows_that_are_meant(query, window, size, ordered):
    """Each once, for any condition, window and page size; and nothing is taken for a filter that was ignored."""
    api, tree = query

    async def read(customers):
        async with customers.page_size(size).prefetch(window, ordered=ordered) as rows:
            found = [row.id async for row in rows]
        return found, rows.report

    found, report = anyio.run(reading, api, tree, read)
    assert len(found) == len(set(found)) == report.rows
    assert sorted(found) == sorted(expected(api, tree))
    assert report.complete
    assert report.ignored_filters == {}


@settings(max_examples=examples(25), deadline=None)
@given(st.one_of(any_query, with_searches), st.integers(1, 40))
def test_every_way_of_reading_agrees(query, limit):
    """The count, the first row, a limit, pages and the bare form, with their order that of the block."""
    api, tree = query

    async def read(customers):
        rows = [row.id for row in await customers.to_list()]
        assert [row.id async for row in customers] == rows
        assert [row.id async for page in customers.pages() for row in page] == rows
        assert [row.id for row in await customers.limit(limit).to_list()] == rows[:limit]
        assert await customers.count() == len(rows)
        assert await customers.limit(limit).count() == min(limit, len(rows))
        first = await customers.first()
        assert first is None if not rows else first.id == rows[0]
        explained = await customers.explain()
        assert len(str(explained).splitlines()) >= len(explained.listings)
        return rows

    assert sorted(anyio.run(reading, api, tree, read)) == sorted(expected(api, tree))


@settings(max_examples=examples(25), deadline=None)
@given(any_query, st.integers(0, 60), st.sampled_from([3, 7, 40]))
def test_a_checkpoint_gives_exactly_the_rest(query, stop, size):
    """Of several listings as well, and of rows that are left out, wherever it is taken."""
    api, tree = query

    async def read(customers):
        customers = customers.page_size(size)
        whole = [row.id for row in await customers.to_list()]
        async with customers.prefetch(4) as rows:
            begun = [(await anext(rows)).id for _ in range(min(stop, len(whole)))]
            place = rows.checkpoint.to_json()
        async with customers.prefetch(4, resume=place) as rows:
            rest = [row.id async for row in rows]
        assert begun + rest == whole

    anyio.run(reading, api, tree, read)


@settings(max_examples=examples(15), deadline=None)
@given(any_query, st.integers(1, 5))
def test_parts_are_the_listing(query, parts):
    """Of one listing, with conditions on its rows: parts carry the condition, as JSON."""
    api, tree = query

    async def read(customers):
        if len((await customers.explain()).listings) > 1:
            with pytest.raises(ValueError, match="make a query of each side"):
                await customers.partitions(parts)
            return
        whole = [row.id for row in await customers.to_list()]
        made = [part.to_json() for part in await customers.partitions(parts)]
        async with getattr(BOX, api)() as other:
            found = [row.id for part in made for row in await other.customers.from_partition(part).to_list()]
        assert found == whole

    anyio.run(reading, api, tree, read)
