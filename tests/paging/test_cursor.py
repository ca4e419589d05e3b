"""Pages that each name the next one: conditions, limits, bad rows, checkpoints and drift hold for them as well."""

import json
from urllib.parse import parse_qsl

import anyio
import pytest

from readahead import IgnoredFilterWarning
from readahead.endpoint import Endpoint
from readahead.errors import DecodeError
from readahead.filters import Choice, Fields, Text
from readahead.http.client import Client
from readahead.http.transport import client_for_app
from readahead.kintsugi import Country, Customer
from readahead.paging import Cursor
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader

both = pytest.mark.parametrize("backend", ["asyncio", "trio"])


class Names(Fields):
    """What conditions are made of."""

    name = Text(attr="name")
    country = Choice(Country, param="country", attr="country")


fields = Names()
LISTING = Endpoint(
    operation="GET /v1/things",
    request=lambda **params: {"method": "get", "url": "/v1/things", "params": params},
    reader=RowReader(Customer.from_dict, key="id", items="data", next="next"),
    paging=Cursor(cursor="after", size="limit", largest=50),
    fields=fields,
)
ROWS = [{"id": f"t{n}", "name": f"n{n}", "country": "US" if n % 3 else "CA"} for n in range(600)]


def things(rows=ROWS):
    """A query of rows that an API without filters pages by cursor."""

    async def app(scope, receive, send):
        asked = dict(parse_qsl(scope["query_string"].decode()))
        first = int(asked.get("after", 0))
        last = first + int(asked["limit"])
        body = {"data": rows[first:last], "next": str(last) if last < len(rows) else None}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    client = Client({}, base_url="http://127.0.0.1", http_client=client_for_app(app))
    return Query(Reading(client._sender, LISTING))


def ids(rows):
    return [row.id for row in rows]


def read(query, backend="asyncio", **how):
    async def main():
        async with query.prefetch(**how) as rows:
            return ids([row async for row in rows]), rows.report

    return anyio.run(main, backend=backend)


@both
@pytest.mark.parametrize("window", [1, 4, "auto"])
def test_every_row_comes_once(window, backend):
    """The listing itself."""
    found, report = read(things(), backend, window=window)
    assert found == [row["id"] for row in ROWS]
    assert (report.requests, report.complete) == (12, True)


@both
@pytest.mark.parametrize("ordered", [True, False])
def test_conditions_on_rows_leave_rows_out(ordered, backend):
    """And ``explain()`` says that they do."""
    query = things().filtered([fields.name.endswith("7")], {})
    found, report = read(query, backend, ordered=ordered)
    assert found == [row["id"] for row in ROWS if row["name"].endswith("7")]
    assert report.left_out == 540
    assert "on rows: name.endswith('7')" in str(query)


def test_a_limit_counts_rows_that_match():
    """It reads on until enough have matched, and no further."""
    found, report = read(things().filtered([fields.name.endswith("7")], {}).limit(7), window=1)
    assert found == [f"t{n}7" if n else "t7" for n in range(7)]
    assert report.requests == 2


def test_a_filter_that_is_ignored_is_noticed():
    """Rows that contradict it are left out and counted."""
    with pytest.warns(IgnoredFilterWarning):
        found, report = read(things().filtered([fields.country == "CA"], {}))
    assert found == [row["id"] for row in ROWS if row["country"] == "CA"]
    assert report.ignored_filters == {"country": 400}


def test_a_bad_row_costs_only_itself():
    """It is an error in its turn, or skipped and reported."""
    rows = [*ROWS[:70], {"name": "nobody"}, *ROWS[70:]]
    with pytest.raises(DecodeError):
        read(things(rows))
    found, report = read(things(rows), on_bad_row="skip")
    assert found == [row["id"] for row in ROWS]
    assert len(report.bad_rows) == 1


@pytest.mark.parametrize("after", [0, 1, 49, 50, 51, 333, 600])
def test_a_checkpoint_gives_the_rest(after):
    """At any row, with a condition on rows as well."""
    for query, expected in (
        (things(), ids_of(ROWS)),
        (things().filtered([fields.country != "CA"], {}), ids_of(row for row in ROWS if row["country"] != "CA")),
    ):

        async def main(query=query):
            async with query.prefetch() as rows:
                before = [row.id async for row, _ in zip_async(rows, range(after))]
                return before, rows.checkpoint.to_json()

        before, saved = anyio.run(main)
        rest, _ = read(query, resume=saved)
        assert before + rest == expected


def ids_of(rows):
    return [row["id"] for row in rows]


async def zip_async(rows, numbers):
    for number in numbers:
        try:
            yield await anext(rows), number
        except StopAsyncIteration:
            return
