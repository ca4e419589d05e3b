"""A value that a condition cannot be compared with is an error where it comes, never a row that does not match."""

import datetime as dt
import json
import re
from urllib.parse import parse_qs

import pytest

from readahead import IgnoredFilterWarning, kintsugi, sweetspot
from readahead.errors import ComparisonError, DecodeError, FilterError
from readahead.filters import Fields, Flag, Id, Incomparable, Number, Text, Timestamp
from readahead.http.libraries import client_for_app

pytestmark = pytest.mark.anyio
T = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
NAIVE, EPOCH, WORDS = "2026-03-01T00:00:00", 1772323200, "last spring"
ZONED = "2026-03-01T00:00:00Z"


def customers(*rows):
    """Of a server of Sweet Spot with these rows."""

    async def app(scope, receive, send):
        query = parse_qs(scope["query_string"].decode())
        body = [{"id": f"x{n}", **row} for n, row in enumerate(rows)][int(query["offset"][0]) :]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body[: int(query["limit"][0])]).encode()})

    http = client_for_app(app)
    return sweetspot.SweetSpot(token="t", base_url="http://localhost", http_client=http).customers


fields = sweetspot.fields


@pytest.mark.parametrize(
    ("row", "condition", "expected", "kind"),
    [
        ({"createdAt": NAIVE}, fields.created_at > T, "a datetime with a time zone", "a datetime without a time zone"),
        ({"createdAt": EPOCH}, fields.created_at > T, "a datetime with a time zone", "a number"),
        ({"createdAt": WORDS}, fields.created_at > T, "a datetime with a time zone", "text"),
        ({"createdAt": WORDS}, ~(fields.created_at > T), "a datetime with a time zone", "text"),
        ({"createdAt": ["x"]}, fields.created_at.between(T, T), "a datetime with a time zone", "an array"),
        ({"city": 7}, fields.city == "7", "text", "a number"),
        ({"city": 7}, fields.city != "x", "text", "a number"),
        ({"city": True}, fields.city.in_(["x", "y"]), "text", "true or false"),
        ({"city": {}}, fields.city.startswith("x"), "text", "an object"),
        ({"city": 1.5}, fields.city.icontains("x"), "text", "a floating-point number"),
        ({"creditStatus": 1}, fields.credit_status == "passed", "a value of CreditStatus", "a number"),
    ],
)
@pytest.mark.parametrize("window", [1, 4])
async def test_it_is_an_error_at_the_first_such_row(row, condition, expected, kind, window):
    """Rows before it come; the error names the field, the types, the row, and what to do; and no value."""
    good = {"createdAt": ZONED, "city": "x", "creditStatus": "passed"}
    query = customers(*[good] * 25, row, row, good).where(condition).page_size(10)
    every = [f"x{n}" for n in range(25)]
    matching = await customers(*[good] * 25).where(condition).to_list()
    found = []
    with pytest.raises(ComparisonError) as caught:
        async with query.prefetch(window=window) as stream:
            async for each in stream:
                found.append(each.id)
    error = caught.value
    assert found == [each.id for each in matching]
    assert found in ([], every)
    assert isinstance(error, DecodeError)
    offset = re.fullmatch(r"GET /v1/customers\?offset=(\d+)&limit=10", error.request)
    assert int(offset[1]) + error.row == 25
    assert (error.kind, f"expected {expected}, received {kind};" in str(error)) == (kind, True)
    assert f"field {error.field!r}" in str(error)
    assert "on_bad_row='skip'" in str(error)
    assert WORDS not in str(error)
    assert error.checkpoint is not None
    assert not stream.report.complete


async def test_skipped_it_is_reported():
    """Whether the row belongs to the listing nobody can tell: it is left out, and the report names it."""
    rows = [{"createdAt": ZONED}, {"createdAt": NAIVE}, {"createdAt": "2025-01-01T00:00:00Z"}, {"createdAt": ZONED}]
    query = customers(*rows).where(fields.created_at > T)
    async with query.prefetch(on_bad_row="skip") as stream:
        assert [row.id async for row in stream] == ["x0", "x3"]
    report = stream.report
    assert (report.rows, report.left_out, len(report.bad_rows)) == (2, 1, 1)
    assert "row 1, field 'created_at': a condition cannot be compared with it" in report.bad_rows[0]


@pytest.mark.parametrize(
    "read",
    [
        lambda query: query.to_list(),
        lambda query: query.count(),
        lambda query: query.first(),
        lambda query: query.first_page(),
        lambda query: anext(aiter(query)),
        lambda query: anext(aiter(query.pages())),
    ],
    ids=["to_list", "count", "first", "first_page", "async for", "pages"],
)
async def test_every_way_of_reading_says_so(read):
    """Not only the streamed form."""
    with pytest.raises(ComparisonError):
        await read(customers({"createdAt": NAIVE}).where(fields.created_at > T))


async def test_null_and_nothing_equal_nothing():
    """They are no values: two-valued logic holds for them, as ever."""
    rows = [{"createdAt": None, "city": None}, {}]
    for condition in (fields.created_at > T, fields.city == "x", fields.city.contains("x")):
        assert await customers(*rows).where(condition).to_list() == []
        assert len(await customers(*rows).where(~condition).to_list()) == 2
    assert len(await customers(*rows).where(fields.created_at.is_null()).to_list()) == 2


async def test_whether_a_value_is_null_can_be_told_of_any():
    """``is_null`` compares nothing."""
    rows = [{"createdAt": NAIVE}, {"createdAt": EPOCH}, {"createdAt": None}]
    assert [row.id for row in await customers(*rows).where(fields.created_at.is_null()).to_list()] == ["x2"]


async def test_a_value_that_is_not_listed_can_be_compared():
    """Enumerations grow: an unknown text is text."""
    rows = [{"creditStatus": "revoked"}, {"creditStatus": "passed"}]
    found = await customers(*rows).where(fields.credit_status != "passed").to_list()
    assert [row.id for row in found] == ["x0"]


@pytest.mark.parametrize("field", [fields.address1, fields.zip], ids=repr)
async def test_only_a_row_that_depends_on_it_is_an_error(field):
    """Where another part of the condition decides, it does not matter; in whatever order the parts stand."""
    bad = {field.attr.strip("_"): "x", "createdAt": NAIVE}
    good = {field.attr.strip("_"): "y", "createdAt": ZONED}
    late, other = fields.created_at > T, field == "y"
    for both in (late & other, other & late, ~(~late | ~other)):
        assert [row.id for row in await customers(bad, good).where(both).to_list()] == ["x1"]
        with pytest.raises(ComparisonError):
            await customers({**bad, **good, "createdAt": NAIVE}).where(both).to_list()
    for either in (late | (field == "x"), (field == "x") | late, ~(~late & (field != "x"))):
        assert [row.id for row in await customers(bad, good).where(either).to_list()] == ["x0", "x1"]
        with pytest.raises(ComparisonError):
            await customers({**good, "createdAt": NAIVE}).where(either).to_list()


async def test_a_filter_of_the_api_is_not_contradicted_by_what_cannot_be_compared():
    """The API was asked, and sent the row; that it ignored the filter is not shown."""

    async def app(scope, receive, send):
        rows = [{"id": "1", "country": 7}, {"id": "2", "country": "US"}, {"id": "3", "country": "DE"}]
        body = json.dumps({"items": rows, "total": 3, "page": 1, "size": 100, "pages": 1}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    client = kintsugi.Kintsugi(
        api_key="k", organization_id="o", base_url="http://localhost", http_client=client_for_app(app)
    )
    with pytest.warns(IgnoredFilterWarning):
        assert [row.id for row in await client.customers.where(country="US").to_list()] == ["1", "2"]


class Things(Fields):
    name = Text(attr="name")
    owner = Id(attr="owner")
    price = Number(attr="price")
    made = Timestamp(attr="made")


@pytest.mark.parametrize(
    ("field", "value", "comparable"),
    [
        (Things.name, "", True),
        (Things.name, 0, False),
        (Things.owner, 7, True),
        (Things.owner, "7", True),
        (Things.owner, True, False),
        (Things.owner, 7.5, False),
        (Things.price, 7, True),
        (Things.price, 7.5, True),
        (Things.price, "7.50", False),
        (Things.price, True, False),
        (Things.price, float("nan"), False),
        (Things.made, T, True),
        (Things.made, T.replace(tzinfo=None), False),
        (Things.made, T.date(), False),
        (Things.made, 0, False),
    ],
    ids=repr,
)
def test_what_each_kind_of_field_can_be_compared_with(field, value, comparable):
    """Its own type; a zero and an empty text are values like any other."""
    op, given = ("<", T) if field is Things.made else ("in", "x" if field is not Things.price else 1)
    if comparable:
        assert field.holds(op, (given,), value) is False
        return
    with pytest.raises(Incomparable):
        field.holds(op, (given,), value)
    assert field.contradicts((given,), value) is False


class Flags(Fields):
    active = Flag(param="active", attr="active")


@pytest.mark.parametrize(("value", "sent"), [(True, "true"), (False, "false")])
def test_a_flag_is_sent_as_json_writes_it(value, sent):
    """And compared with booleans alone: neither 1 nor "true" is one."""
    flag = Flags().active
    assert flag.encode(flag.keyword(value).values) == sent
    assert flag.holds("in", (value,), value)
    assert not flag.holds("in", (value,), not value)
    assert not flag.holds("in", (value,), None)
    for other in (1, 0, "true", None):
        with pytest.raises(FilterError):
            flag.keyword(other)
    for other in (1, "true"):
        with pytest.raises(Incomparable):
            flag.holds("in", (value,), other)
