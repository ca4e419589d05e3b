"""Several listings through one window, limits over rows that are left out, and servers that ignore a filter."""

import json
import warnings
from urllib.parse import parse_qs

import anyio
import pytest

from readahead import IgnoredFilterWarning
from readahead.errors import CheckpointError, DriftError, FilterError, ServerError, UsageError
from readahead.http.libraries import client_for_app
from readahead.kintsugi import Kintsugi, fields
from readahead.pages import Fetched
from readahead.paging.plan import Start
from readahead.paging.styles import OffsetLimit, PageNumber
from readahead.paging.union import UnionPlan
from readahead.sandbox import Sandbox
from readahead.sweetspot import fields as lessees

US_OR_SHOPIFY = (fields.country == "US") | (fields.source == "SHOPIFY")


class Turns:
    """Each request waits until as many others as will come have come: until none came for some turns of the loop."""

    def __init__(self):
        self.arrived = 0

    async def __call__(self, request):
        self.arrived += 1
        seen, turns = self.arrived, 0
        while turns < 30:
            await anyio.lowlevel.checkpoint()
            seen, turns = (seen, turns + 1) if seen == self.arrived else (self.arrived, 0)


def ids(rows):
    return [row.id for row in rows]


async def block(query, window="auto", **options):
    async with query.prefetch(window, **options) as rows:
        return [row.id async for row in rows], rows.report


# ---- one window


@pytest.mark.anyio
@pytest.mark.parametrize("window", [1, 2, 5, 8])
@pytest.mark.parametrize("ordered", [True, False])
async def test_listings_share_one_window(window, ordered):
    """Never more requests at once than the window, and as many where there are pages enough; one order of rows."""
    box = Sandbox(kintsugi_rows=3000, latency=Turns())

    async with box.kintsugi() as kintsugi:
        query = kintsugi.customers.where(US_OR_SHOPIFY).page_size(25)
        serial, _ = await block(query, 1)
        box.forget()
        found, report = await block(query, window, ordered=ordered)
        assert found == serial if ordered else sorted(found) == sorted(serial)
        assert box.peak["kintsugi"] == window
        assert report.requests == report.pages == len(box.requests)
        assert report.rows == len(found) == report.totals[0] - report.left_out
        assert len(report.totals) == 1
        assert report.complete
    rows = box.kintsugi_rows()
    us = [row["id"] for row in rows if row["country"] == "US"]
    others = [row["id"] for row in rows if row["country"] != "US" and row["source"] == "SHOPIFY"]
    assert serial == us + others


@pytest.mark.asyncio
async def test_a_window_does_not_wait_for_the_end_of_a_listing():
    """Many short listings are asked for side by side, not one after the other."""
    box = Sandbox(sweetspot_rows=200, latency=Turns())

    async with box.sweetspot() as sweetspot:
        query = sweetspot.customers.where(lessees.organization_id.in_([f"org_{n:02d}" for n in range(1, 9)]))
        found, report = await block(query, 8)
        assert box.peak["sweetspot"] >= 3
        assert len(found) == len(set(found)) == report.rows
    assert report.duplicates == 0


@pytest.mark.parametrize("style", [PageNumber(), OffsetLimit()])
@pytest.mark.parametrize("window", [1, 2, 3, 7])
@pytest.mark.parametrize("ordered", [True, False])
def test_a_consumer_that_takes_nothing_is_never_ahead_of_its_window(style, window, ordered):
    """Pages in flight or read and waiting, of all listings together; and all of them come to an end."""
    rows = {0: 450, 1: 30, 2: 0, 3: 370}
    plans = [style.plan(40, window, ordered=ordered) for _ in rows]
    plan, flying, held, given = UnionPlan(window, None, ordered, Start(), plans), [], 0, []
    while not plan.finished or plan.ready:
        while (span := plan.next_request()) is not None:
            flying.append(span)
        assert len(flying) + held + len(plan.ready) <= window
        assert plan.occupied <= window
        if flying:
            span = flying.pop()  # the newest is answered first
            lo, hi, total = span.lo, span.hi, rows[span.branch]
            keys = tuple((span.branch, n) for n in range(min(lo, total), min(hi, total)))
            plan.add_response(
                span, Fetched(keys, total=total if window % 2 else None, size=hi - lo if span.number else None)
            )
        elif (taken := plan.next_page()) is not None:
            span, fresh = taken
            given += [key for key in dict.fromkeys(span.keys) if key in fresh]
        else:
            assert plan.finished
    assert (given if ordered else sorted(given)) == [
        (branch, n) for branch, count in rows.items() for n in range(count)
    ]


# ---- limits


@pytest.mark.anyio
async def test_a_limit_counts_rows_that_match_and_stops_as_soon_as_there_are_enough():
    """Neither one page too few, nor the rest of the list."""
    box = Sandbox(kintsugi_rows=5000)
    german = [row["id"] for row in box.kintsugi_rows() if row["country"] == "DE" and row["name"]]

    async with box.kintsugi() as kintsugi:
        query = kintsugi.customers.where(fields.country.in_(["DE", "FR"]), fields.country != "FR", fields.name != "x")
        assert "country=DE&country=FR" not in str(query)
        looked = kintsugi.customers.where(~(fields.country != "DE"), fields.name.contains("a"))
        rare = kintsugi.customers.where(fields.name.contains("a") & ~fields.name.is_null())
        for limit in (1, 5, 99, 250):
            assert len(await rare.limit(limit).to_list()) == limit
        box.forget()
        found, report = await block(rare.limit(5), 4)
        assert len(found) == 5
        assert len(box.requests) <= 4
        assert report.complete
        assert report.why == "the limit was reached"
        box.forget()
        assert (await rare.first()).id == found[0]
        assert len(box.requests) == 1
        assert set(ids(await looked.to_list())) <= set(german)
        assert ids(await query.to_list()) != []


@pytest.mark.asyncio
async def test_a_limit_begins_no_later_listing_that_it_does_not_need():
    """What one listing brings is enough."""
    box = Sandbox(kintsugi_rows=2000)

    async with box.kintsugi() as kintsugi:
        query = kintsugi.customers.where(US_OR_SHOPIFY)
        found, _ = await block(query.limit(150), 8)
        assert len(found) == 150
    assert {"source__in" in request.query for request in box.requests} == {False}


# ---- places


@pytest.mark.asyncio
async def test_a_checkpoint_in_a_later_listing_goes_on_there():
    """And one that belongs to the same condition alone."""
    box = Sandbox(kintsugi_rows=1000)

    async with box.kintsugi() as kintsugi:
        query = kintsugi.customers.where(US_OR_SHOPIFY).page_size(50)
        whole = ids(await query.to_list())
        async with query.prefetch(4) as rows:
            async for _ in rows:
                if rows.report.rows == len(whole):
                    break
            place = rows.checkpoint
        assert place.branch == 1
        assert '"branch":1' in str(place)
        box.forget()
        rest, _ = await block(query, resume=str(place))
        assert rest == whole[place.rows :]
        assert all("source__in" in request.query for request in box.requests)
        for other in (
            kintsugi.customers.where(fields.country == "US").page_size(50),
            kintsugi.customers.where((fields.source == "SHOPIFY") | (fields.country == "US")).page_size(50),
        ):
            with pytest.raises(CheckpointError):
                other.prefetch(resume=place)
        # The same, said in another way.
        same = kintsugi.customers.where((fields.source == "SHOPIFY") | ~(fields.country != "US")).page_size(50)
        assert len(await same.to_list()) == len(whole)


@pytest.mark.asyncio
async def test_where_keys_are_kept_there_is_no_checkpoint_and_no_part():
    """A process that goes on would not have the keys; the message says what to do."""
    box = Sandbox(sweetspot_rows=300)

    async with box.sweetspot() as sweetspot:
        query = sweetspot.customers.where(lessees.email.icontains("gmail") | lessees.name.icontains("ada"))
        assert "the keys of all rows are kept in memory" in str(query)
        async with query.prefetch() as rows:
            await anext(rows)
            with pytest.raises(UsageError, match="as a query of its own"):
                _ = rows.checkpoint
        with pytest.raises(UsageError, match="make a query of each side"):
            await query.partitions(3)


@pytest.mark.asyncio
async def test_a_page_that_fails_ends_the_listing_with_a_place_to_go_on_from():
    """Every row before it, of all listings before it as well."""
    box, broken = Sandbox(kintsugi_rows=1000), []

    async def app(scope, receive, send):
        asked = parse_qs(scope["query_string"].decode())
        if broken and "source__in" in asked and asked["page"] != ["1"]:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})
        else:
            await box.kintsugi_app(scope, receive, send)

    from readahead import Retry

    client = Kintsugi(
        api_key="sandbox-key",
        organization_id="org_sandbox",
        base_url="http://localhost",
        http_client=client_for_app(app),
        retry=Retry(attempts=1),
    )
    query = client.customers.where(US_OR_SHOPIFY).page_size(50)
    whole = ids(await query.to_list())
    broken.append(True)
    begun = []
    with pytest.raises(ServerError) as caught:
        async with query.prefetch(4) as rows:
            async for row in rows:
                begun.append(row.id)
    broken.clear()
    rest, _ = await block(query, resume=caught.value.checkpoint)
    assert begun + rest == whole
    assert caught.value.checkpoint.branch == 1


@pytest.mark.asyncio
async def test_drift_in_any_listing_is_seen():
    """And reading again brings what was missed, each row once."""
    box = Sandbox(kintsugi_rows=1500)
    deleted = [row["id"] for row in box.kintsugi_rows() if row["source"] == "SHOPIFY"][:60]

    async with box.kintsugi() as kintsugi:
        query = kintsugi.customers.where(US_OR_SHOPIFY).page_size(50)

        def on_page(progress):
            if progress.report.pages > 16 and deleted:
                for _ in range(10):
                    box.kintsugi_table.delete(deleted.pop())

        found, report = await block(query, 2, on_drift="reread", on_page=on_page)
        assert len(found) == len(set(found))
        assert report.drift == "seen"
        assert report.sweeps > 1
        assert {row["id"] for row in box.kintsugi_rows() if row["country"] == "US" or row["source"] == "SHOPIFY"} <= {
            *found
        }
        deleted.extend([row["id"] for row in box.kintsugi_rows() if row["source"] == "SHOPIFY"][:60])
        with pytest.raises(DriftError):
            await block(query, 2, on_drift="raise", on_page=on_page)


@pytest.mark.asyncio
async def test_an_order_across_listings_is_refused():
    """In whichever order the two are asked for; within one listing it holds."""
    box = Sandbox(kintsugi_rows=10)

    async with box.kintsugi() as kintsugi:
        with pytest.raises(FilterError, match=r"order_by\(\) cannot span 2 listings; sort the rows or split the query"):
            kintsugi.customers.where(US_OR_SHOPIFY).order_by("city")
        with pytest.raises(FilterError, match="cannot span 2 listings"):
            kintsugi.customers.order_by("city").where(US_OR_SHOPIFY)
        query = kintsugi.customers.where((fields.country == "US") | (fields.country == "CA")).order_by("city")
        assert "country=US&country=CA&order_by=city" in str(query)


# ---- filters that the API ignores

PEOPLE = [
    {"id": "1", "organization_id": "o", "country": "US", "state": "CA", "source": "API"},
    {"id": "2", "organization_id": "o", "country": "CA", "state": "CA", "source": "API"},
    {"id": "3", "organization_id": "o", "country": None, "state": "ca", "source": "ETSY"},
    {"id": "4", "organization_id": "o"},
    {"id": "5", "organization_id": "o", "country": "US", "state": "NY", "source": "NEW_SHOP"},
]


async def deaf(scope, receive, send):
    """A server that gives everything, whatever is asked for."""
    asked = {
        name: int(values[0]) for name, values in parse_qs(scope["query_string"].decode()).items() if name in "page size"
    }
    page, size = asked["page"], asked["size"]
    rows = PEOPLE[(page - 1) * size : page * size]
    body = {"items": rows, "total": len(PEOPLE), "page": page, "size": size, "pages": -(-len(PEOPLE) // size)}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def of_the_deaf():
    return Kintsugi(
        api_key="key", organization_id="org", base_url="http://localhost", http_client=client_for_app(deaf)
    ).customers


@pytest.mark.anyio
async def test_a_filter_that_the_api_ignores_is_noticed():
    """Rows that contradict it, a null included, are left out, counted by field, and warned about once. A row that does
    not say is kept: it contradicts nothing.
    """

    query = of_the_deaf().where(country="US", state="CA").page_size(2)
    with pytest.warns(IgnoredFilterWarning) as caught:
        found, report = await block(query)
    assert found == ["1", "4"]
    assert report.ignored_filters == {"country": 2, "state": 2}
    assert report.rows == 2
    assert "country was ignored by the API: 2 rows left out" in str(report)
    assert len(caught) == 1
    said = str(caught[0].message)
    assert "country" in said
    assert "US" not in said


@pytest.mark.asyncio
async def test_every_way_of_reading_notices():
    """The first page, the first row, the count, a limit: none gives a row that was not asked for."""

    query = of_the_deaf().where(country="CA")
    with pytest.warns(IgnoredFilterWarning):
        assert ids(await query.first_page()) == ["2", "4"]
    with pytest.warns(IgnoredFilterWarning):
        assert (await query.first()).id == "2"
    with pytest.warns(IgnoredFilterWarning):
        assert await query.count() == 2
    with pytest.warns(IgnoredFilterWarning):
        assert ids(await query.limit(2).to_list()) == ["2", "4"]
    with pytest.warns(IgnoredFilterWarning):
        assert ids(await query.limit(2).page_size(1).to_list()) == ["2", "4"]


@pytest.mark.asyncio
async def test_what_is_evaluated_on_rows_is_no_ignored_filter():
    """And a server that honours a filter is not suspected."""

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, report = await block(of_the_deaf().where(fields.country != "US"))
        assert (found, report.ignored_filters, report.left_out) == (["2", "3", "4"], {}, 2)
        assert "2 rows that did not match left out" in str(report)


@pytest.mark.asyncio
async def test_an_id_of_another_kind_is_not_contradicted():
    """Rows may number their users, and the API takes another id of the same user as well."""

    async def app(scope, receive, send):
        body = [{"id": f"c{user}", "userId": user} for user in (17, "usr_1", None)]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        asked = parse_qs(scope["query_string"].decode())
        await send({"type": "http.response.body", "body": json.dumps(body[int(asked["offset"][0]) :]).encode()})

    from readahead.sweetspot import SweetSpot

    client = SweetSpot(token="t", base_url="http://localhost", http_client=client_for_app(app))
    for user, found in (("usr_1", ["c17", "cusr_1"]), (17, ["c17", "cusr_1"])):
        with pytest.warns(IgnoredFilterWarning):
            assert ids(await client.customers.where(user_id=user).to_list()) == found
    with pytest.warns(IgnoredFilterWarning):
        assert ids(await client.customers.where(user_id=18).to_list()) == ["cusr_1"]
