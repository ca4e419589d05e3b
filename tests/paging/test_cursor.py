"""Pages that each name the next one: conditions, limits, bad rows, checkpoints and drift hold for them as well."""

import json
from contextlib import suppress
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode

import pytest

from readahead import IgnoredFilterWarning
from readahead.endpoint import Endpoint
from readahead.errors import DecodeError, UsageError
from readahead.filters import Choice, Fields, Text
from readahead.http.client import Client
from readahead.http.libraries import client_for_app
from readahead.kintsugi import Country, Customer
from readahead.paging import Cursor
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader


class Names(Fields):
    """What conditions are made of."""

    name = Text(attr="name")
    country = Choice(Country, param="country", attr="country")


fields = Names()
THINGS = Endpoint(
    SimpleNamespace(
        OPERATION="GET /v1/things",
        build_request=lambda **params: {"method": "get", "url": f"/v1/things?{urlencode(params)}"},
    ),
    reader=RowReader(Customer.from_dict, key="id", items="data", next="next"),
    paging=Cursor(cursor="after", size="limit", largest=50),
    fields=fields,
)
ROWS = [{"id": f"t{n}", "name": f"n{n}", "country": "US" if n % 3 else "CA"} for n in range(600)]


class Things(Query):
    def where(self, *conditions):
        return self._where(conditions, {})


class Api(Client):
    """A client of an API without filters that pages by cursor."""

    def __init__(self, app):
        super().__init__({}, base_url="http://127.0.0.1", http_client=client_for_app(app))
        self.things = Things(Reading(self._sender, THINGS))


def things(rows=ROWS, empty_first=False):
    """A query of these rows; the first page may come empty."""

    async def app(scope, receive, send):
        params = dict(parse_qsl(scope["query_string"].decode()))
        first = int(params.get("after", 0))
        last = first + int(params["limit"])
        body = {"data": rows[first:last], "next": str(last) if last < len(rows) else None}
        if empty_first and "after" not in params:
            body = {"data": [], "next": "0"}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    return Api(app).things


def ids(rows):
    return [row.id for row in rows]


def ids_of(rows):
    return [row["id"] for row in rows]


async def read(query, **options):
    async with query.prefetch(**options) as rows:
        return ids([row async for row in rows]), rows.report


@pytest.mark.anyio
@pytest.mark.parametrize("window", [1, 4, "auto"])
async def test_every_row_comes_once(window):
    """The listing itself."""
    rows, report = await read(things(), window=window)
    assert rows == ids_of(ROWS)
    assert (report.requests, report.complete) == (12, True)


@pytest.mark.anyio
@pytest.mark.parametrize("ordered", [True, False])
async def test_conditions_on_rows_leave_rows_out(ordered):
    """And ``explain()`` says that they do."""
    query = things().where(fields.name.endswith("7"))
    rows, report = await read(query, ordered=ordered)
    assert rows == [row["id"] for row in ROWS if row["name"].endswith("7")]
    assert report.left_out == 540
    assert "on rows: name.endswith('7')" in str(query)


@pytest.mark.asyncio
async def test_a_limit_counts_rows_that_match():
    """It reads on until enough have matched, and no further."""
    rows, report = await read(things().where(fields.name.endswith("7")).limit(7), window=1)
    assert rows == [f"t{n}7" if n else "t7" for n in range(7)]
    assert report.requests == 2


@pytest.mark.asyncio
async def test_a_filter_that_is_ignored_is_noticed():
    """Rows that contradict it are left out and counted."""
    with pytest.warns(IgnoredFilterWarning):
        rows, report = await read(things().where(fields.country == "CA"))
    assert rows == [row["id"] for row in ROWS if row["country"] == "CA"]
    assert report.ignored_filters == {"country": 400}


@pytest.mark.asyncio
async def test_a_bad_row_costs_only_itself():
    """It is an error in its turn, or skipped and reported."""
    rows = [*ROWS[:70], {"name": "nobody"}, *ROWS[70:]]
    with pytest.raises(DecodeError):
        await read(things(rows))
    read_rows, report = await read(things(rows), on_bad_row="skip")
    assert read_rows == ids_of(ROWS)
    assert len(report.bad_rows) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("after", [0, 1, 49, 50, 51, 333, 600])
async def test_a_checkpoint_gives_the_rest(after):
    """At any row, with a condition on rows as well."""
    for query, expected in (
        (things(), ids_of(ROWS)),
        (things().where(fields.country != "CA"), ids_of(row for row in ROWS if row["country"] != "CA")),
    ):
        before = []
        async with query.prefetch() as rows:
            with suppress(StopAsyncIteration):
                for _ in range(after):
                    before.append((await anext(rows)).id)
            checkpoint = rows.checkpoint.to_json()
        rest, _ = await read(query, resume=checkpoint)
        assert before + rest == expected


@pytest.mark.asyncio
async def test_pages_by_cursor_cannot_be_split():
    """Only the page before a part knows where that part begins."""
    with pytest.raises(UsageError, match="pages by cursor"):
        await things().partitions(3)


@pytest.mark.anyio
async def test_an_empty_first_page_is_not_the_end():
    """first() follows the cursor that the page names."""
    first = await things(empty_first=True).first()
    assert first is not None
    assert first.id == "t0"
    assert await things([], empty_first=True).first() is None
