"""Slices: a list by cursor, divided by a field, is read side by side; each row comes once."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from urllib.parse import parse_qsl

import anyio
import pytest

from readahead import Retry
from readahead.endpoint import Endpoint
from readahead.errors import CheckpointError, FilterError, ServerError, UsageError
from readahead.filters import Fields, Number, Text, Timestamp
from readahead.http.client import Client
from readahead.http.libraries import client_for_app
from readahead.kintsugi import fields as customers
from readahead.pages import Fetched
from readahead.paging import Cursor, OffsetLimit
from readahead.paging.plan import Start
from readahead.paging.union import UnionPlan
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader
from readahead.sweetspot import Customer
from readahead_clients.encode import RequestBuilder

pytestmark = pytest.mark.anyio
BEGIN, HOUR, SIZE = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1), 10


class Things(Fields):
    created_at = Timestamp(attr="created_at", ge="created_gte", lt="created_lt")
    updated_at = Timestamp(attr="updated_at", ge="updated_from")
    number = Number(ge="number_min", lt="number_below")
    name = Text(attr="city")


fields = Things()


def build_request(
    *,
    created_gte: "int | None" = None,
    created_lt: "int | None" = None,
    updated_from: "str | None" = None,
    number_min: "int | None" = None,
    number_below: "int | None" = None,
    after: "str | None" = None,
    limit: "int | None" = None,
    offset: "int | None" = None,
):
    request = RequestBuilder("get", "/things")
    for name, value in locals().copy().items():
        if name != "request":
            request.query(name, value)
    return request.build()


def endpoint(paging):
    return Endpoint(
        SimpleNamespace(OPERATION="GET /things", build_request=build_request),
        reader=RowReader(
            Customer.from_dict, key="id", items="data", next="next" if isinstance(paging, Cursor) else None
        ),
        paging=paging,
        fields=fields,
    )


BY_CURSOR, BY_OFFSET = endpoint(Cursor(cursor="after", size="limit", largest=SIZE)), endpoint(OffsetLimit(largest=SIZE))


class ThingQuery(Query):
    def where(self, *conditions):
        return self._where(conditions, {})


class Server(Client):
    """A server and its client. It answers all requests that wait as soon as no other one comes: that is one round."""

    def __init__(self, rows, of=BY_CURSOR):
        super().__init__({}, base_url="http://127.0.0.1", http_client=client_for_app(self.app), retry=Retry(attempts=1))
        self.rows, self.things = rows, ThingQuery(Reading(self._sender, of))
        self.asked, self.in_flight, self.peak, self.rounds = [], 0, 0, 0
        self.fails = lambda _params: False
        self._round = None

    async def _wait_for_others(self):
        if self._round is not None:
            await self._round.wait()
            return
        turn = self._round = anyio.Event()
        seen, turns = len(self.asked), 0
        while turns < 12:
            await anyio.lowlevel.checkpoint()
            seen, turns = (seen, turns + 1) if seen == len(self.asked) else (len(self.asked), 0)
        self.rounds += 1
        self._round = None
        turn.set()

    async def app(self, scope, receive, send):
        params = dict(parse_qsl(scope["query_string"].decode()))
        self.asked.append(params)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            with anyio.CancelScope(shield=True):
                await self._wait_for_others()
        finally:
            self.in_flight -= 1
        low, high = (int(params.get(name, end)) for name, end in (("created_gte", -1), ("created_lt", 1 << 40)))
        whole = low < 0 and high == 1 << 40
        rows = [row for row in self.rows if whole or (row["createdAt"] and low <= seconds(row["createdAt"]) < high)]
        first = int(params.get("after", params.get("offset", 0)))
        last = first + SIZE
        body = {"data": rows[first:last], "next": str(last) if last < len(rows) else None}
        status = 500 if self.fails(params) else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


def made(number):
    """A row for each hour, by turns at its beginning and in its midst; every eleventh has no time."""
    time = BEGIN + number * HOUR + (number % 2) * HOUR / 2
    return {"id": f"t{number}", "createdAt": None if number % 11 == 5 else time.isoformat(), "city": f"c{number % 3}"}


ROWS = [made(number) for number in range(200)]
BOUNDS = [BEGIN + 10 * HOUR, BEGIN + 60 * HOUR, BEGIN + 61 * HOUR, BEGIN + 130 * HOUR, BEGIN + 180 * HOUR]


def within(rows, low, high):
    """What a slice holds, by hand."""
    times = [(row["id"], row["createdAt"] and datetime.fromisoformat(row["createdAt"])) for row in rows]
    return [id_ for id_, time in times if time and (low is None or low <= time) and (high is None or time < high)]


async def read(query, window, **options):
    async with query.prefetch(window, **options) as rows:
        return [row.id async for row in rows], rows.report


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("of", [BY_CURSOR, BY_OFFSET], ids=["cursor", "offset"])
async def test_slices_are_the_rows_between_their_bounds(window, ordered, of):
    """Each once: those at a bound, those before the first one, from the last one on, and without a time."""
    server = Server(ROWS, of)
    for bounds in (BOUNDS, [None, *BOUNDS], [*BOUNDS, None], [None, BOUNDS[2], None]):
        found, report = await read(server.things.slices(fields.created_at, bounds), window, ordered=ordered)
        slices = [within(ROWS, low, high) for low, high in pairwise(bounds)]
        expected = [row for each in slices for row in each]
        assert (found if ordered else sorted(found)) == (expected if ordered else sorted(expected))
        assert expected == within(ROWS, bounds[0], bounds[-1])
        assert report.complete, report.why
        assert server.peak <= window


@pytest.mark.parametrize(("slices", "window"), [(2, 8), (8, 3), (8, 8)])
async def test_as_many_requests_are_in_flight_as_there_are_slices_or_places(slices, window):
    """And a list is read in as many rounds less; as one listing it is serial."""
    rows = [{"id": f"t{n}", "createdAt": (BEGIN + n * HOUR).isoformat()} for n in range(400)]
    server = Server(rows)
    serial, _ = await read(server.things, window)
    assert (server.peak, server.rounds) == (1, 40)

    server = Server(rows)
    sliced = server.things.slices(fields.created_at, slices, between=(BEGIN, BEGIN + 400 * HOUR))
    found, report = await read(sliced, window, ordered=False)
    together = min(slices, window)
    assert sorted(found) == sorted(serial)
    assert server.peak == together
    assert report.requests == len(server.asked) <= 40 + slices
    # One round more for each time that slices wait for others, for they end together.
    assert server.rounds <= -(-(40 + slices) // together) + 2
    assert all("created_gte" in params and "created_lt" in params for params in server.asked)


async def test_in_order_they_come_slice_after_slice_with_checkpoints():
    """In this process or another, the rest of a slice and those after it are read."""
    server = Server(ROWS)
    query = server.things.slices(fields.created_at, BOUNDS)
    whole, _ = await read(query, 4)
    async with query.prefetch(4) as rows:
        async for row in rows:
            if row.id == "t75":
                break
        place = rows.checkpoint
    server.asked.clear()
    rest, report = await read(query, 4, resume=str(place))
    assert rest == whole[whole.index("t75") + 1 :]
    assert report.complete
    assert {params["created_lt"] for params in server.asked} == {str(int(bound.timestamp())) for bound in BOUNDS[3:]}
    for other in (
        server.things,
        server.things.slices(fields.created_at, [*BOUNDS, None]),
        server.things.slices(fields.created_at, BOUNDS[1:]),
        query.where(fields.name == "c1"),
    ):
        with pytest.raises(CheckpointError):
            other.prefetch(resume=place)


async def test_a_slice_that_fails_ends_the_listing_after_the_rows_before_it():
    """In order, with a checkpoint; and as they arrive, all that could be read of other slices is not lost."""
    server = Server(ROWS)
    query = server.things.slices(fields.created_at, BOUNDS)
    third = str(int(BOUNDS[2].timestamp()))
    server.fails = lambda params: params["created_gte"] == third and params.get("after") == "20"
    for ordered in (True, False):
        found = []
        with pytest.raises(ServerError) as caught:
            async with query.prefetch(4, ordered=ordered) as rows:
                async for row in rows:
                    found.append(row.id)
        before = within(ROWS, BOUNDS[0], BOUNDS[2]) + within(ROWS, BOUNDS[2], BOUNDS[3])[:20]
        assert (found if ordered else {*found} >= {*before}) == (before if ordered else True)
        assert server.in_flight == 0
        assert not rows.report.complete
        assert (caught.value.checkpoint is not None) == ordered


@pytest.mark.parametrize("ordered", [True, False])
async def test_nothing_outlives_the_block(ordered):
    """After break, every slice has ended, and the server is asked nothing more."""
    server = Server(ROWS)
    async with server.things.slices(fields.created_at, BOUNDS).prefetch(4, ordered=ordered) as rows:
        async for _ in rows:
            break
    asked = len(server.asked)
    for _ in range(50):
        await anyio.lowlevel.checkpoint()
    assert len(server.asked) == asked


def test_a_consumer_that_takes_nothing_is_never_ahead_of_its_window():
    """Pages in flight or read and waiting, of all slices together; and every slice comes to its end."""
    for window in (1, 2, 5, 20):
        plans = [Cursor().plan(SIZE, window, ordered=False) for _ in range(9)]
        plan, flying, given, most = UnionPlan(window, None, False, Start(), plans), [], 0, 0
        while not plan.finished or plan.ready:
            while (span := plan.next_request()) is not None:
                flying.append(span)
            most = max(most, len(flying))
            assert len(flying) + len(plan.ready) <= window
            if flying:
                span = flying.pop()  # the newest is answered first
                page = int(dict(span.position).get("cursor", 0))
                keys = tuple((span.branch, page, n) for n in range(SIZE))
                plan.add_response(span, Fetched(keys, next=str(page + 1) if page < 6 else None))
            elif (taken := plan.next_page()) is not None:
                given += len(taken[1])
            else:
                assert plan.finished
        assert given == 9 * 7 * SIZE
        assert most == min(window, 9)


async def test_conditions_and_limits_hold_within_slices():
    """Before and after, in ``where``, ``limit``, ``count``, ``first`` and the first page."""
    server = Server(ROWS)
    sliced = server.things.slices(fields.created_at, BOUNDS)
    expected = [row for row in within(ROWS, BOUNDS[0], BOUNDS[-1]) if int(row[1:]) % 3 == 1]
    for query in (
        sliced.where(fields.name == "c1"),
        server.things.where(fields.name == "c1").slices(fields.created_at, BOUNDS),
    ):
        assert [row.id for row in await query.to_list()] == expected
        assert await query.count() == len(expected)
        assert (await query.first()).id == expected[0]
        assert [row.id for row in await query.limit(7).to_list()] == expected[:7]
    late = sliced.where(fields.created_at >= BOUNDS[3] + HOUR)
    assert [row.id for row in await late.to_list()] == within(ROWS, BOUNDS[3] + HOUR, BOUNDS[-1])
    assert str(late).count("GET /things") == 1
    assert await sliced.where(fields.created_at < BEGIN).to_list() == []


async def test_slices_of_a_length():
    """Bounds are whole seconds, and fewer where there are not so many."""
    server = Server(ROWS)
    query = server.things.slices(fields.created_at, 3, between=(BEGIN, BEGIN + timedelta(seconds=100)))
    assert [line for line in str(query).splitlines() if not line.startswith(" ")] == [
        "GET /things?created_gte=1767225600&created_lt=1767225633",
        "GET /things?created_gte=1767225633&created_lt=1767225666",
        "GET /things?created_gte=1767225666&created_lt=1767225700",
        "3 slices in one window: side by side with ordered=False, else one after the other",
    ]
    short = server.things.slices(fields.created_at, 50, between=(BEGIN, BEGIN + timedelta(seconds=2)))
    assert str(short).count("GET /things") == 2


REFUSED = {
    "a field without an order": (lambda q: q.slices(fields.name, BOUNDS), "a field whose values have an order"),
    "no field": (lambda q: q.slices("created_at", BOUNDS), "a field whose values have an order.* not 'created_at'"),
    "what rows do not carry": (lambda q: q.slices(fields.number, [1, 2]), "by number: rows carry no number"),
    "no upper bound": (lambda q: q.slices(fields.updated_at, BOUNDS), "the API has no parameters for both ends"),
    "another API's": (lambda q: q.slices(type("F", (Fields,), {"__module__": "else", "created_at": Timestamp(
        attr="created_at", ge="a", lt="b")})().created_at, BOUNDS), "is a field of else.F"),
    "one bound": (lambda q: q.slices(fields.created_at, BOUNDS[:1]), "2 to 101 bounds, one more than slices, not 1"),
    "bounds in another order": (lambda q: q.slices(fields.created_at, BOUNDS[::-1]), "increasing bounds of created_at"),
    "a bound twice": (lambda q: q.slices(fields.created_at, [BEGIN, BEGIN]), "increasing bounds"),
    "None in between": (lambda q: q.slices(fields.created_at, [BEGIN, None, BOUNDS[0]]), "None as the first or"),
    "None alone": (lambda q: q.slices(fields.created_at, [None, None]), "at least one bound that is not None"),
    "bounds of another type": (lambda q: q.slices(fields.created_at, [1, 2]), "a datetime with a time zone"),
    "bounds of two types": (lambda q: q.slices(fields.created_at, [BEGIN, 2]), "one type that can be compared"),
    "days": (lambda q: q.slices(fields.created_at, [date(2026, 1, 1), date(2026, 1, 2)]), "a datetime with a"),
    "a number alone": (lambda q: q.slices(fields.created_at, 8), r"needs between=\(low, high\)"),
    "too many": (lambda q: q.slices(fields.created_at, 101, between=(BEGIN, BOUNDS[0])), "slices from 1 to 100"),
    "bounds and between": (lambda q: q.slices(fields.created_at, BOUNDS, between=(BEGIN, BOUNDS[0])), "a whole number"),
    "between of one": (lambda q: q.slices(fields.created_at, 2, between=(BEGIN,)), "between must be two values"),
    "between the wrong way": (lambda q: q.slices(fields.created_at, 2, between=(BOUNDS[0], BEGIN)), "increasing"),
    "twice": (
        lambda q: q.slices(fields.created_at, BOUNDS).slices(fields.created_at, BOUNDS),
        r"slices\(\) can be called once",
    ),
    "text": (lambda q: q.slices(fields.created_at, "2026"), "takes a list of bounds"),
}  # fmt: skip


@pytest.mark.parametrize(("wrong", "says"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_divided_is_refused(wrong, says):
    """Before anything is sent, with what to do instead."""
    server = Server(ROWS)
    with pytest.raises(UsageError, match=says):
        wrong(server.things)
    assert server.asked == []


async def test_slices_are_not_divided_further():
    """Nor are they sorted by the API: there is more than one listing."""
    sliced = Server(ROWS).things.slices(fields.created_at, BOUNDS)
    with pytest.raises(UsageError, match=r"partitions\(\) cannot split slices; make a query of each range"):
        await sliced.partitions(2)
    with pytest.raises(FilterError, match="documents no order"):
        sliced.order_by("created_at")
    with pytest.raises(FilterError, match=r"is a field of readahead\.kintsugi"):
        sliced.where(customers.city == "c1")
