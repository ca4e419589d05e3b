"""What a server sends is what a row says: nothing is invented, nothing is lost, and one bad row costs only itself."""

import copy
import datetime as dt
import json
import math
import pickle
import re
from contextlib import nullcontext
from typing import NamedTuple

import anyio
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from effort import examples
from readahead import IgnoredFilterWarning
from readahead.errors import DecodeError, UnexpectedAnswer, UsageError
from readahead.http.libraries import client_for_app
from readahead.http.request import Request, Response
from readahead.kintsugi import AddressStatus, Country, CustomerStatus, Kintsugi, Source, TaxRegistration, TaxType
from readahead.rows import RowReader, decode_page
from readahead.sweetspot import CreditStatus, IdentityVerificationStatus, SweetSpot
from readahead.sweetspot import Customer as SweetSpotCustomer

pytestmark = pytest.mark.anyio
apis = pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])

REGISTRATION = {
    "id": "reg_1",
    "customer_id": "cust_123abc",
    "country_code": "DE",
    "tax_type": "vat",
    "tax_id": "DE1",
    "is_valid": True,
}
# The sample row of the reference page, and the fields that it leaves out.
KINTSUGI = {
    "id": "cust_123abc",
    "organization_id": "org_456xyz",
    "name": "John Doe",
    "external_id": "cust_123",
    "status": "ACTIVE",
    "email": "john@example.com",
    "phone": "+1234567890",
    "street_1": "123 Main Street",
    "street_2": "Apt 4B",
    "city": "San Francisco",
    "county": "San Francisco County",
    "state": "CA",
    "postal_code": "94105",
    "country": "US",
    "full_address": "123 Main Street, Apt 4B, San Francisco, CA 94105",
    "source": "BIGCOMMERCE",
    "connection_id": "conn_12345",
    "address_status": "UNVERIFIED",
    "external_friendly_id": "1234567890",
    "registration_number": None,
    "customer_tax_registrations": [REGISTRATION],
}
# A row with every field of the reference page and of its later versions; and what its attributes are called.
SWEETSPOT = {
    "id": "cus_1",
    "createdAt": "2025-01-02T03:04:05.123456789Z",
    "updatedAt": "2025-01-02T03:04:05Z",
    "creditStatus": "passed",
    "userId": 17,
    "address1": "1 Main Street",
    "address2": "Apt 4B",
    "city": "Graz",
    "country": "AT",
    "creditIpAddress": "192.0.2.1",
    "creditTimestamp": "yesterday",
    "phone": "+43",
    "state": "6",
    "stripeId": "cus_s",
    "stripeSandboxId": "cus_t",
    "zip": "8010",
    "identityVerificationStatus": "pending",
    "stripeVerificationSessionId": "vs_1",
}
ATTRIBUTES = {
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "creditStatus": "credit_status",
    "userId": "user_id",
    "creditIpAddress": "credit_ip_address",
    "creditTimestamp": "credit_timestamp",
    "stripeId": "stripe_id",
    "stripeSandboxId": "stripe_sandbox_id",
    "zip": "zip_",
    "identityVerificationStatus": "identity_verification_status",
    "stripeVerificationSessionId": "stripe_verification_session_id",
}
WHOLE = {"kintsugi": KINTSUGI, "sweetspot": SWEETSPOT}
FIELDS = [(api, name) for api, row in WHOLE.items() for name in row if name != "id"]
ENUMS = [
    ("kintsugi", "status", CustomerStatus, "ACTIVE"),
    ("kintsugi", "source", Source, "BIGCOMMERCE"),
    ("kintsugi", "country", Country, "US"),
    ("kintsugi", "address_status", AddressStatus, "UNVERIFIED"),
    ("sweetspot", "creditStatus", CreditStatus, "passed"),
    ("sweetspot", "identityVerificationStatus", IdentityVerificationStatus, "pending"),
]


class Listing:
    """Serves these rows, by page and size, or by offset and limit; None: ``null``."""

    def __init__(self, api, rows):
        self.api, self.rows, self.requests = api, rows, 0
        self.change = lambda body: body

    async def __call__(self, scope, receive, send):
        self.requests += 1
        query = dict(part.split("=") for part in scope["query_string"].decode().split("&"))
        if self.rows is None:
            body = None
        elif self.api == "kintsugi":
            page, size = int(query["page"]), int(query["size"])
            rows = self.rows[(page - 1) * size : page * size]
            total = len(self.rows)
            body = {"items": rows, "total": total, "page": page, "size": size, "pages": -(-total // size)}
        else:
            body = self.rows[int(query["offset"]) :][: int(query["limit"])]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.change(json.dumps(body).encode())})

    @property
    def customers(self):
        http = client_for_app(self)
        if self.api == "kintsugi":
            return Kintsugi(api_key="k", organization_id="o", base_url="http://localhost", http_client=http).customers
        return SweetSpot(token="t", base_url="http://localhost", http_client=http).customers


async def read(api, *rows):
    """The rows as a caller gets them."""
    return await Listing(api, list(rows)).customers.to_list()


async def row_of(api, **changes):
    (row,) = await read(api, {**WHOLE[api], **changes})
    return row


def attribute(row, name):
    return getattr(row, ATTRIBUTES.get(name, name))


# ---- what came is what is there


@apis
async def test_every_field_is_an_attribute_and_a_key(api):
    """By its name on the wire, or by its Python name."""
    row = await row_of(api)
    for name, value in WHOLE[api].items():
        found = attribute(row, name)
        assert row[name] is found
        assert name in row
        if name.endswith("At"):
            assert found == dt.datetime.fromisoformat(value)
        elif name == "customer_tax_registrations":
            assert [item.to_dict() for item in found] == value
        else:
            assert found == value
            assert type(found) in {type(value), *(cls for _, _, cls, _ in ENUMS)}
    assert list(row) == [*type(row).FIELDS]
    assert set(row) == set(WHOLE[api])
    assert "nothing" not in row
    with pytest.raises(KeyError):
        row["nothing"]


async def test_times_are_times():
    """With their zone; more digits than microseconds are cut, and what is no time is kept as text."""
    row = await row_of("sweetspot")
    assert row.created_at == dt.datetime(2025, 1, 2, 3, 4, 5, 123456, tzinfo=dt.UTC)
    assert row.to_dict()["createdAt"] == "2025-01-02T03:04:05.123456+00:00"
    assert (await row_of("sweetspot", createdAt="soon")).created_at == "soon"
    assert (await row_of("sweetspot", createdAt=1735787045)).created_at == 1735787045


@pytest.mark.parametrize(("api", "name", "cls", "listed"), ENUMS)
async def test_values_that_are_not_listed_are_kept(api, name, cls, listed):
    """The lists grow: a new value is text that says that it is not listed."""
    for value in ("NEW", "new value", "", listed.swapcase(), f" {listed}", "ü"):
        found = attribute(await row_of(api, **{name: value}), name)
        assert found == value
        assert type(found) is cls
        assert not found.is_listed
        assert f"{found}" == value
        assert hash(found) == hash(value)
        assert json.loads(json.dumps(found)) == value
    found = attribute(await row_of(api), name)
    assert found.is_listed
    assert found is cls(listed)


async def test_unlisted_values_inside_registrations_are_kept():
    """Nested objects are read by the same rules."""
    odd = {**REGISTRATION, "country_code": "XX", "tax_type": "sst", "new": [1]}
    (found,) = (await row_of("kintsugi", customer_tax_registrations=[odd])).customer_tax_registrations
    assert isinstance(found, TaxRegistration)
    assert (found.country_code, found.tax_type, found["new"]) == ("XX", "sst", [1])
    assert not found.tax_type.is_listed
    assert (await row_of("kintsugi")).customer_tax_registrations[0].tax_type is TaxType("vat")


ODD = [None, 0, 7, -1, 1.5, 1e300, True, False, "", "x", [], {}, [1, None], {"a": [{}]}, [[]], 2**63, "\u0000", "🧾"]


@pytest.mark.parametrize(("api", "name"), FIELDS)
async def test_any_value_in_any_field_is_kept_as_it_came(api, name):
    """Null, numbers for text, text for objects: no row is refused for it, and nothing is made of it."""
    for value in ODD:
        row = await row_of(api, **{name: value})
        found = attribute(row, name)
        assert found == value
        assert type(found) in {
            type(value),
            *((cls for _, of, cls, _ in ENUMS if of == name) if isinstance(value, str) else ()),
        }
        assert row.to_dict()[name] == value


@pytest.mark.parametrize("items", [[None], [7], ["x"], [[]], [{}], [REGISTRATION, None], {"0": REGISTRATION}, "x"])
async def test_a_registration_that_is_none_is_kept_as_it_came(items):
    """A list may hold anything; an object without its fields reads as one whose fields are all None."""
    found = (await row_of("kintsugi", customer_tax_registrations=items)).to_dict()["customer_tax_registrations"]
    nothing = dict.fromkeys(REGISTRATION)
    assert found == (
        [{**nothing, **item} if isinstance(item, dict) else item for item in items]
        if isinstance(items, list)
        else items
    )


@apis
async def test_a_missing_field_is_none(api):
    """Whatever the document says: no default is invented, as ACTIVE for a status would be."""
    (bare,) = await read(api, {"id": "x"})
    assert bare.to_dict() == {**dict.fromkeys(WHOLE[api]), "id": "x"}
    for name in WHOLE[api].keys() - {"id"}:
        assert attribute(bare, name) is None
        assert bare[name] is None
        (without,) = await read(api, {key: value for key, value in WHOLE[api].items() if key != name})
        assert attribute(without, name) is None
        rest = (await row_of(api)).to_dict()
        assert without.to_dict() == {**rest, name: None}


@apis
async def test_null_everywhere_but_in_the_id_is_a_row(api):
    """The server really sends nulls, documented or not."""
    (row,) = await read(api, {**dict.fromkeys(WHOLE[api]), "id": "x"})
    assert row.to_dict() == {**dict.fromkeys(WHOLE[api]), "id": "x"}


@apis
@pytest.mark.parametrize("rest", [True, False])
async def test_unknown_fields_are_kept(api, rest):
    """What the document does not name yet is there by its key, in whole rows and in sparse ones."""
    new = {"new": {"deep": [1, None]}, "newField": None, "self": 1, "_unknown": 2, "to_dict": 3, "": 4, "ü 🧾": 5}
    (row,) = await read(api, {**(WHOLE[api] if rest else {"id": "x"}), **new})
    for name, value in new.items():
        assert row[name] == value
        assert name in row
        assert row.to_dict()[name] == value
    assert list(row)[-len(new) :] == list(new)
    assert row.id == (WHOLE[api]["id"] if rest else "x")


async def test_a_new_field_and_a_missing_one_do_not_pass_for_each_other():
    """As many fields as the document names, but not the same."""
    for name in KINTSUGI.keys() - {"id"}:
        (row,) = await read("kintsugi", {**{key: value for key, value in KINTSUGI.items() if key != name}, "new": 1})
        assert (row["new"], row[name]) == (1, None)


scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
anything = st.recursive(
    scalars | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
values = st.dictionaries(st.sampled_from([name for api, name in FIELDS if api == "kintsugi"][:-1]), anything)


@settings(max_examples=examples(150), deadline=None)
@given(values, st.dictionaries(texts.filter(lambda name: name not in KINTSUGI), anything, max_size=3))
@example({"source": [], "country": {}}, {"new": {}})
def test_a_row_gives_back_what_came(known, unknown):
    """``to_dict`` is what the server sent, with None for what it left out."""
    data = {"id": "x", **known, **unknown}
    (row,) = anyio.run(read, "kintsugi", data)
    assert row.to_dict() == {**dict.fromkeys(KINTSUGI), **data}


# ---- rows are values


async def whole_rows():
    return [
        await row_of("kintsugi", source="NEW", new={"a": [1]}, country=None),
        await row_of("sweetspot", creditStatus="NEW", new={"a": [1]}, userId="usr_1"),
        *await read("kintsugi", {"id": 7}),
    ]


AGAIN = [copy.copy, copy.deepcopy, *(lambda row, n=n: pickle.loads(pickle.dumps(row, n)) for n in range(2, 6))]


@pytest.mark.parametrize("again", [*AGAIN, lambda row: type(row).from_dict(row.to_dict())])
async def test_rows_copy_pickle_and_come_back_from_plain_data(again):
    """Equal in every field, with the same classes inside, and the listed values the same objects."""
    for row in await whole_rows():
        found = again(row)
        assert found is not row
        assert type(found) is type(row)
        assert found == row
        assert found.to_dict() == row.to_dict()
        assert repr(found) == repr(row)
        for name in row:
            assert type(found[name]) is type(row[name])
        if "address_status" in row and row["address_status"] is not None:
            assert found.address_status is row.address_status is AddressStatus("UNVERIFIED")


@apis
async def test_plain_data_is_plain(api):
    """JSON can carry it: no class of ours is inside."""
    row = await row_of(api, new={"a": [1, None]})
    data = json.loads(json.dumps(row.to_dict()))
    assert data == row.to_dict()
    assert type(row).from_dict(data) == row

    def kinds(value):
        yield type(value)
        for inner in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from kinds(inner)

    assert set(kinds(row.to_dict())) <= {dict, list, str, int, float, bool, type(None)}


@pytest.mark.parametrize(("api", "name"), [*FIELDS, ("kintsugi", "id"), ("sweetspot", "id"), ("kintsugi", "new")])
async def test_rows_compare_by_every_field(api, name):
    """Equal where all is equal, unknown fields included."""
    assert await row_of(api) == await row_of(api)
    assert await row_of(api) != await row_of(api, **{name: "other"})
    assert await row_of("kintsugi") != await row_of("sweetspot")


async def test_what_is_changed_in_a_copy_stays_there():
    """A deep copy shares nothing; plain data shares no list with its row."""
    row = await row_of("kintsugi", new={"a": [1]})
    other = copy.deepcopy(row)
    other.customer_tax_registrations.clear()
    other["new"]["a"].append(2)
    other.name = "Other"
    data = row.to_dict()
    data["new"]["a"].append(3)
    data["customer_tax_registrations"].clear()
    assert row == await row_of("kintsugi", new={"a": [1]})


# ---- rows that cannot be read


NO_ROWS = [
    (None, None, "expected an object, received nothing"),
    (7, None, "expected an object, received a number"),
    (True, None, "expected an object, received true or false"),
    ("cust_1", None, "expected an object, received text"),
    ([], None, "expected an object, received an array"),
    ([["id", "x"]], None, "expected an object, received an array"),
    ({}, "id", "it is missing or null"),
    ({"id": None}, "id", "it is missing or null"),
    ({"name": "x", "userId": None}, "id", "it is missing or null"),
    ({"ID": "x"}, "id", "it is missing or null"),
    ({"id": ""}, "id", "it is empty"),
    ({"id": {}}, "id", "expected text or a whole number, received an object"),
    ({"id": ["x"]}, "id", "expected text or a whole number, received an array"),
    ({"id": True}, "id", "expected text or a whole number, received true or false"),
    ({"id": 1.5}, "id", "expected text or a whole number, received a floating-point number"),
    ({"id": 1e300}, "id", "expected text or a whole number, received a floating-point number"),
    ({"id": math.nan}, "id", "expected text or a whole number, received a floating-point number"),
]


@apis
@pytest.mark.parametrize("given_id", ["x", " ", "🧾", 7, 0, -1, 7.0, 2**64, 10**4000])
async def test_text_and_whole_numbers_are_ids(api, given_id):
    """Each tells a row from all others; the row has it as it came."""
    row = await row_of(api, id=given_id)
    assert row.id == given_id
    assert type(row.id) is type(given_id)


@apis
@pytest.mark.parametrize("place", [0, 3, 9])
@pytest.mark.parametrize(("bad", "field", "said"), NO_ROWS)
async def test_a_row_that_cannot_be_read_is_named(bad, field, said, place, api):
    """Its page, its place there and the field; every row before it is delivered."""
    rows = [{"id": f"x{n}"} for n in range(30)]
    rows[20 + place] = bad

    found = []
    with pytest.raises(DecodeError) as caught:
        async with Listing(api, rows).customers.page_size(10).prefetch() as stream:
            async for row in stream:
                found.append(row.id)
    assert not stream.report.complete
    error = caught.value
    assert found == [f"x{n}" for n in range(20 + place)]
    assert position(error.request) + error.row == 20 + place
    assert error.field == field
    named = f", field {field!r}" if field else ""
    assert str(error) == f"{error.request}: row {error.row}{named}: {said}"


def position(request):
    """Where a page begins, as its request says."""
    assert request.startswith("GET /v1/customers?")
    sent = {name: int(value) for name, value in (pair.split("=") for pair in request.partition("?")[2].split("&"))}
    return (sent["page"] - 1) * sent["size"] if "page" in sent else sent["offset"]


@apis
@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("ordered", [True, False])
async def test_a_bad_row_costs_only_itself(api, window, ordered):
    """``on_bad_row="skip"``: every other row comes, each once, and the report names those left out."""
    rows = [{"id": f"x{n}"} for n in range(95)]
    spoilt = {place: bad for place, (bad, _, _) in zip(range(5, 95, 6), NO_ROWS, strict=False)}
    for place, bad in spoilt.items():
        rows[place] = bad
    pages = []

    query = Listing(api, rows).customers.page_size(10)
    how = {"window": window, "ordered": ordered, "on_bad_row": "skip"}
    async with query.prefetch(**how, on_page=lambda progress: pages.append(progress.page)) as stream:
        found, report = [row.id async for row in stream], stream.report
    expected = [f"x{n}" for n in range(95) if n not in spoilt]
    assert (found if ordered else sorted(found)) == (expected if ordered else sorted(expected))
    assert (report.rows, report.complete, len(report.bad_rows)) == (len(expected), True, len(spoilt))
    assert sum(map(len, pages)) == len(expected)
    told = [re.match(r"(GET \S+): row (\d+)", text) for text in report.bad_rows]
    assert sorted(position(match[1]) + int(match[2]) for match in told) == sorted(spoilt)
    assert f"{len(spoilt)} rows that could not be read" in str(report)


def spoil(start, stop, rows=40):
    return [None if start <= n < stop else {"id": f"x{n}"} for n in range(rows)]


@apis
@pytest.mark.parametrize("place", [0, 10, 30])
async def test_a_page_of_bad_rows_alone_does_not_end_a_listing(api, place):
    """All rows of the other pages come."""
    query = Listing(api, spoil(place, place + 10)).customers.page_size(10)
    async with query.prefetch(on_bad_row="skip") as stream:
        found, report = [row.id async for row in stream], stream.report
    assert found == [f"x{n}" for n in range(40) if not place <= n < place + 10]
    assert (report.complete, len(report.bad_rows)) == (True, 10)


@apis
async def test_a_limit_counts_rows_that_can_be_read(api):
    """Eighteen are wanted, and eighteen come, though five before them are left out."""
    query = Listing(api, spoil(3, 8)).customers.page_size(10).limit(18)
    async with query.prefetch(on_bad_row="skip") as stream:
        assert [row.id async for row in stream] == [f"x{n}" for n in range(40) if not 3 <= n < 8][:18]


@apis
@pytest.mark.parametrize("how", ["raise", "skip"])
async def test_a_bad_row_of_any_depth_is_a_bad_row(api, how):
    """Nested deeper than Python can show: it is left out, or named, as any other."""
    deep = "[" * 1000 + "]" * 1000
    listing = Listing(api, [{"id": "x0"}, {"id": None, "a": "DEEP"}])
    listing.change = lambda body: body.replace(b'"DEEP"', deep.encode())
    expected = pytest.raises(DecodeError, match="row 1, field 'id'") if how == "raise" else nullcontext()
    found = []
    with expected:
        async with listing.customers.prefetch(on_bad_row=how) as stream:
            async for row in stream:
                found.append(row.id)
    assert found == ["x0"]


@apis
async def test_a_checkpoint_holds_nothing_of_a_bad_row(api):
    """It is small, and may be kept where customers' data may not; the rest of the listing can be read from it."""
    rows = [{"id": f"x{n}"} for n in range(30)]
    rows[7] = {"id": None, "email": "ada@example.com", "notes": "n" * 10_000}
    listing = Listing(api, rows)

    found = []
    with pytest.raises(DecodeError) as caught:
        async with listing.customers.page_size(10).prefetch() as stream:
            async for row in stream:
                found.append(row.id)
    text = caught.value.checkpoint.to_json()
    async with listing.customers.page_size(10).prefetch(resume=text) as stream:
        rest = [row.id async for row in stream]
    assert found == [f"x{n}" for n in range(7)]
    assert rest == [f"x{n}" for n in range(8, 30)]
    assert "ada@" not in text  # "ada" alone may stand in the fingerprint
    assert "example" not in text
    assert len(text) < 300


@apis
async def test_whatever_reads_rows_names_a_bad_one(api):
    """Lists, single rows, pages and the bare form; a count of rows that come without a total too."""
    reads = [
        lambda query: query.to_list(),
        lambda query: query.first(),
        lambda query: query.first_page(),
        lambda query: anext(aiter(query)),
        lambda query: anext(aiter(query.pages())),
    ]
    reads += [lambda query: query.count()] if api == "sweetspot" else []

    for one in reads:
        with pytest.raises(DecodeError):
            await one(Listing(api, [{"id": None}]).customers)


def answered(body, *, status=200, content_type="application/json", request="GET /rows"):
    """A response, as the transport gives it."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(Request("GET", "/rows", request), status, {"content-type": content_type}, body)


class Plain(dict):
    """A row whose members are attributes."""

    __getattr__ = dict.__getitem__


PLAIN = RowReader(Plain, key="id", items="rows", bare=True)


def keys_of(rows):
    return decode_page(answered(rows), PLAIN).keys


def test_an_id_that_comes_as_a_number_and_as_text_is_one():
    """Keys are text; the row keeps what came."""
    fetched = decode_page(answered([{"id": 7}, {"id": "8"}, {"id": 9.0}, {"id": 2**64}]), PLAIN)
    assert fetched.keys == ("7", "8", "9", str(2**64)) == keys_of([{"id": "7"}, {"id": 8}, {"id": "9"}, {"id": 2**64}])
    assert [row.id for row in fetched.rows] == [7, "8", 9, 2**64]
    assert [type(row.id) for row in fetched.rows] == [int, str, float, int]
    assert keys_of([{"id": "07"}, {"id": " 7"}, {"id": "7.0"}]) == ("07", " 7", "7.0")


@apis
async def test_rows_that_come_as_numbers_and_again_as_text_come_once(api):
    """Pages share rows; on every second page the ids are text."""
    listing = Listing(api, [{"id": n} for n in range(300)])

    def change(body):
        return body if listing.requests % 2 else re.sub(rb'"id": (\d+)', rb'"id": "\1"', body)

    listing.change = change
    async with listing.customers.page_size(50).prefetch(window=2) as stream:
        found = [int(row.id) async for row in stream]
    assert found == list(range(300))
    assert (stream.report.complete, stream.report.drift) == (True, "none")


# ---- JSON that is not quite JSON


LARGE = [2**63 + 1, 2**64, 2**64 + 1, 2**64 + 2, 2**70, 10**30, -(2**63) - 1, -(2**64)]


@pytest.mark.parametrize("first", [[], [{"id": 1}], [{"id": "x"}], [{"id": None}]])
def test_ids_over_64_bits_are_exact(first):
    """Each is a row of its own: rounded to a float, three of these would be one."""
    fetched = decode_page(answered([*first, *({"id": n} for n in LARGE)]), PLAIN)
    assert fetched.keys[len(first) :] == tuple(map(str, LARGE))
    assert [row.id for row in fetched.rows[len(first) :]] == LARGE


async def test_integers_over_64_bits_are_exact_where_integers_are_declared():
    """Sweet Spot's ``userId``; and then in every field of the page, unknown ones included."""
    rows = [{"id": f"x{n}", "userId": value, "new": {"deep": [value]}} for n, value in enumerate([None, "u", *LARGE])]
    found = await read("sweetspot", *rows)
    assert [row.user_id for row in found] == [None, "u", *LARGE]
    assert [row["new"]["deep"] for row in found] == [[None], ["u"], *([value] for value in LARGE)]


async def test_one_row_is_exact_in_every_field():
    """A row by its id is small: nothing in it is rounded."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(
            {"type": "http.response.body", "body": json.dumps({"id": "x", "phone": 2**70, "new": LARGE}).encode()}
        )

    http = client_for_app(app)
    async with SweetSpot(token="t", base_url="http://localhost", http_client=http) as sweetspot:
        row = await sweetspot.customers.get("x")
    assert (row.phone, row["new"]) == (2**70, LARGE)


def test_a_fraction_where_an_integer_is_declared_is_kept():
    """However large."""
    reader = sweetspot_reader()
    rows = [{"id": "x", "userId": 1.5}, {"id": "y", "userId": 1e300}]
    assert [row.user_id for row in decode_page(answered(rows), reader).rows] == [1.5, 1e300]


def sweetspot_reader(**more):
    return RowReader(SweetSpotCustomer.from_dict, key="id", items="results", bare=True, **more)


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        (b'[{"id": "x", "city": NaN}]', "", "nan"),
        (b'[{"id": "x", "city": -Infinity}]', "", "-inf"),
        (b'[{"id": "x", "city": 1e999}]', "", "inf"),
        (b'[{"id": "x", "city": "\\ud800"}]', "", "'\\ud800'"),
        (b'[{"id": "x", "city": "\xed\xa0\x80"}]', "", "'\\ud800'"),
        (b'\xef\xbb\xbf[{"id": "x", "city": "\xc3\xbc"}]', "", "'ü'"),
        ('[{"id": "x", "city": "ü🧾"}]'.encode("utf-16"), "", "'ü🧾'"),
        ('[{"id": "x", "city": "ü🧾"}]'.encode("utf-16-be"), "", "'ü🧾'"),
        ('[{"id": "x", "city": "ü🧾"}]'.encode("utf-32-le"), "", "'ü🧾'"),
        (b'[{"id": "x", "city": "\xfc"}]', "application/json; charset=ISO-8859-1", "'ü'"),
        (b'[{"id": "x", "city": "\x80"}]', 'application/json;charset="windows-1252"', "'€'"),
        ('[{"id": "x", "city": "東京"}]'.encode("shift_jis"), "application/json; charset=Shift_JIS", "'東京'"),
        ('[{"id": "x", "city": "ü"}]'.encode(), "application/json; charset=latin-1", "'ü'"),
        ('[{"id": "x", "city": "ü", "n": NaN}]'.encode(), "application/json; charset=no-such", "'ü'"),
        ('[{"id": "x", "city": "ü", "n": NaN}]'.encode(), "application/json; charset=utf-16", "'ü'"),
    ],
)
def test_what_orjson_refuses_is_read_once_more(body, content_type, value):
    """By the standard library, in the encoding that shows or is named: the page is there, and so is the value."""
    fetched = decode_page(answered(body, content_type=content_type), sweetspot_reader())
    assert fetched.keys == ("x",)
    assert repr(fetched.rows[0].city) == value


@apis
async def test_nan_in_a_row_costs_nothing(api):
    """A listing with it is whole."""
    rows = [{"id": f"x{n}", "phone": math.nan if n % 7 == 0 else "1"} for n in range(60)]
    async with Listing(api, rows).customers.page_size(20).prefetch() as stream:
        found = [row async for row in stream]
    assert [row.id for row in found] == [f"x{n}" for n in range(60)]
    assert math.isnan(found[7].phone)
    assert stream.report.complete


# ---- pages without rows


FORMS = {
    "null": [({"rows": None, "total": 0}, 200), (None, 200)],
    "absent": [({"total": 0}, 200), ({}, 200)],
    "nothing": [(b"", 200), (b" \r\n", 200), (b"", 204)],
}


@pytest.mark.parametrize("allowed", [*FORMS, None])
@pytest.mark.parametrize("form", FORMS)
def test_what_stands_for_no_rows_is_declared(form, allowed):
    """Each form by itself; what is not declared is refused, and so is everything else that is no page."""
    reader = RowReader(Plain, key="id", items="rows", total="total", bare=True, empty=[allowed] if allowed else ())
    for body, status in FORMS[form]:
        response = answered(body, status=status)
        if form == allowed:
            assert decode_page(response, reader).keys == ()
            continue
        with pytest.raises(UnexpectedAnswer):
            decode_page(response, reader)
    for body in (b"[", b"<html>", b'{"rows": {}}', b'{"rows": 0}', b'{"rows": ""}', b"7", b'""'):
        with pytest.raises(UnexpectedAnswer):
            decode_page(answered(body), reader)


def test_a_total_beside_no_rows_is_read():
    """The envelope counts where it is there."""
    reader = RowReader(Plain, key="id", items="rows", total="total", empty=["null", "absent"])
    assert decode_page(answered({"rows": None, "total": 12}), reader).total == 12
    assert decode_page(answered({"total": 12}), reader).total == 12


def test_a_member_inside_another_is_a_path():
    """Rows, total and cursor; a member that is called so comes first, and what is no object has none."""
    reader = RowReader(Plain, key="id", items="data.rows", total="meta.page.total", next="meta.next")
    body = {"data": {"rows": [{"id": "a"}]}, "meta": {"page": {"total": 12}, "next": "n"}}
    page = decode_page(answered(body), reader)
    assert (page.keys, page.total, page.next) == (("a",), 12, "n")
    assert decode_page(answered({"data.rows": [{"id": "b"}], "meta": 7}), reader).keys == ("b",)
    for wrong in ({"data": []}, {"data": None}, {"rows": []}, {"data": {"rows": {}}}):
        with pytest.raises(UnexpectedAnswer):
            decode_page(answered(wrong), reader)


def test_null_in_place_of_an_envelope_is_a_page_only_where_it_is_declared():
    """It is no answer otherwise."""
    with pytest.raises(UnexpectedAnswer, match="expected an object with 'rows', received nothing"):
        decode_page(answered(None), RowReader(Plain, key="id", items="rows", empty=["absent"]))
    assert decode_page(answered(None), RowReader(Plain, key="id", items="rows", empty=["null"])).keys == ()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["nul"], r"did you mean \['null'\]"),
        ("null", r"must be a list of null, absent, nothing, not 'null'; did you mean \['null'\]"),
        ([None], "must be a list of null, absent, nothing"),
    ],
)
def test_a_form_that_does_not_exist_is_refused_where_it_is_declared(wrong, said):
    """Not when such a page comes."""
    with pytest.raises(UsageError, match=said):
        RowReader(Plain, key="id", items="rows", empty=wrong)


# ---- the keys of rows that cannot be read


BAD = {"name": "Ada"}


def test_rows_that_cannot_be_read_are_as_many_as_there_are():
    """Equal ones too, side by side and apart; and the page read again has the same keys."""
    rows = [BAD, BAD, {"id": 1}, BAD, BAD, {"id": 2}, BAD, None, None]
    first, again = decode_page(answered(rows), PLAIN), decode_page(answered(rows, request="GET /other"), PLAIN)
    assert len({*first.keys}) == len(rows)
    assert first.keys == again.keys
    assert first.unreadable == first.uncounted == {*first.keys} - {"1", "2"}


@settings(max_examples=examples(200))
@given(
    st.lists(st.integers(0, 3).map(lambda kind: BAD if kind == 0 else None if kind == 1 else kind), max_size=20),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_a_row_that_cannot_be_read_has_one_key_on_every_page_that_shows_the_row_before_it(kinds, start, count):
    """Wherever the page begins. At its beginning, nothing is known of what is before it."""
    rows = [{"id": f"x{n}"} if isinstance(kind, int) else kind for n, kind in enumerate(kinds)]
    whole, part = keys_of(rows), keys_of(rows[start : start + count])
    readable = next((n for n, row in enumerate(rows[start : start + count]) if row and "id" in row), len(part))
    assert part[readable:] == whole[start : start + count][readable:]
    assert len({*whole}) == len(rows)


# ---- how often a page is parsed


@pytest.mark.parametrize("given_rows", [10, 100])
async def test_a_page_is_parsed_once(monkeypatch, given_rows):
    """Also where each of its rows lacks the field of a filter, or has null there, and has to be looked up."""
    parsed = []
    loads = orjson.loads
    rows = [{"id": f"x{n}", **({"country": None} if n % 2 else {})} for n in range(given_rows)]
    listing = Listing("kintsugi", rows)
    monkeypatch.setattr(orjson, "loads", lambda body: parsed.append(1) or loads(body))
    with pytest.warns(IgnoredFilterWarning):
        page = await listing.customers.where(country="US").first_page()
    assert [row.id for row in page] == [f"x{n}" for n in range(0, given_rows, 2)]
    assert len(parsed) == listing.requests == 1


class Strict(NamedTuple):
    id: int
    size: int


def test_what_a_reader_cannot_read_is_a_bad_row_too():
    """Of an API whose rows are read more strictly: the error says what went wrong, and carries it."""

    def strict(members):
        return Strict(members["id"], int(members["size"]))

    def page(*sizes):
        rows = [{"id": n, "size": size} for n, size in enumerate(sizes)]
        return Response(Request("GET", "/rows", "GET /rows"), 200, {}, json.dumps(rows).encode())

    reader = RowReader(strict, key="id", items="rows", bare=True)
    assert [row.size for row in decode_page(page("1", "2"), reader).rows] == [1, 2]
    fetched = decode_page(page("1", "x", "3"), reader)
    rows = fetched.rows
    assert [rows[0].size, rows[2].size] == [1, 3]
    assert isinstance(rows[1], DecodeError)
    assert str(rows[1]).startswith("GET /rows: row 1: ValueError: invalid literal")
    assert isinstance(rows[1].__cause__, ValueError)
    assert (rows[1].row, rows[1].field) == (1, None)
    assert (len(fetched.keys), len(fetched.uncounted)) == (3, 1)


@apis
async def test_nothing_at_all_is_no_bad_row(api):
    """An answer that is no page is an unexpected answer, skipped or not."""
    with pytest.raises(UnexpectedAnswer):
        async with Listing(api, None).customers.prefetch(on_bad_row="skip") as stream:
            await anext(stream)
