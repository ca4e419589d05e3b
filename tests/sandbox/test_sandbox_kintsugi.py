"""Kintsugi's API in the sandbox: what the reference page promises."""

from enum import Enum
from typing import Annotated, Any

import pytest
from asking import KEYS, anonymous, ask
from fastapi import FastAPI, Query
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from effort import examples
from readahead.sandbox import Sandbox
from readahead.sandbox.kintsugi import ORDER_BY
from readahead.sandbox.vocabulary import ADDRESS_STATUSES, COUNTRIES, SOURCES, STATUSES, TAX_TYPES

pytestmark = pytest.mark.anyio
CUSTOMERS = "/v1/customers"
BOX = Sandbox(kintsugi_rows=430)  # read only
TRUTH = BOX.kintsugi_rows()


async def listed(box: Sandbox, **params: Any) -> dict[str, Any]:
    answer = await ask(box.kintsugi_app, CUSTOMERS, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def box():
    with Sandbox(kintsugi_rows=120) as box:
        yield box


async def test_a_page_has_50_customers_and_the_totals_unless_told_otherwise():
    """Without parameters the first 50 customers come, with total, page, size and pages."""
    page = await listed(BOX)
    assert page == {"items": TRUTH[:50], "total": 430, "page": 1, "size": 50, "pages": 9}


@settings(max_examples=examples(30), deadline=None)
@given(size=st.integers(1, 100))
async def test_pages_of_any_size_add_up_to_the_listing(size):
    """Whatever the page size, the pages in their order are the listing, and `pages` says how many there are."""
    pages = [await listed(BOX, size=size)]
    pages += [await listed(BOX, size=size, page=number) for number in range(2, pages[0]["pages"] + 1)]
    assert [row for page in pages for row in page["items"]] == TRUTH
    assert all(len(page["items"]) == size for page in pages[:-1])


async def test_a_page_past_the_end_is_empty():
    """Past the end the answer is 200 without items, and still says how many there are."""
    assert await listed(BOX, page=10) == {"items": [], "total": 430, "page": 10, "size": 50, "pages": 9}


async def test_the_number_of_a_page_may_be_larger_than_any_machine_integer():
    """A page number of 40 digits is a page past the end."""
    number = 10**40
    assert (await listed(BOX, page=number))["page"] == number


async def test_an_empty_listing_has_no_pages():
    """A filter that nothing matches, and an API without rows, answer 200 with 0 pages."""
    empty = {"items": [], "total": 0, "page": 1, "size": 50, "pages": 0}
    assert await listed(BOX, search_query="no such customer") == empty
    assert await listed(Sandbox(kintsugi_rows=0)) == empty


texts = ("name", "external_id", "email", "phone", "street_1", "street_2", "city", "county", "postal_code")


def matches(row, search, countries, state, sources):
    return (
        (not search or any(search.casefold() in (row[key] or "").casefold() for key in (*texts, "id", "full_address")))
        and (not countries or row["country"] in countries)
        and (not state or row["state"] == state)
        and (not sources or row["source"] in sources)
    )


@settings(max_examples=examples(60), deadline=None)
@given(
    search=st.sampled_from(["", "smith", "ZOË", "san ", "gmail.com", "ext_00001", "%", "_"]),
    countries=st.lists(st.sampled_from(["US", "CA", "DE", "FR", "JP", "BR"]), max_size=4),
    state=st.sampled_from(["", "CA", "ca", "BY", "ON"]),
    sources=st.lists(st.sampled_from(["SHOPIFY", "STRIPE", "API", "SAGE-INTACCT", "NOT_LISTED"]), max_size=3),
)
async def test_filters_keep_the_rows_that_match_all_of_them(search, countries, state, sources):
    """Search, countries, state and sources are ANDed; values of one filter are ORed; an empty filter is none."""
    params = {"search_query": search, "country": countries, "state": state, "source__in": ",".join(sources)}
    page = await listed(BOX, **params, size=100)
    expected = [row for row in TRUTH if matches(row, search, countries, state, sources)]
    assert page["total"] == len(expected)
    assert page["items"] == expected[:100]


@pytest.mark.parametrize("name", [name for name in ORDER_BY if name != "created_at"])
async def test_every_documented_field_sorts(name):
    """Rows are sorted by the field, those without it last, and equal ones in the order of their creation."""
    rows = [row for page in range(1, 6) for row in (await listed(BOX, order_by=name, size=100, page=page))["items"]]
    assert rows == sorted(TRUTH, key=lambda row: (row[name] is None, row[name] or ""))


async def test_rows_are_sorted_by_several_fields_in_their_order():
    """The second field decides where the first is equal."""
    rows = (await listed(BOX, order_by="country,city", size=100))["items"]
    by = [(row[name] is None, row[name] or "") for name in ("country", "city") for row in TRUTH]
    keys = list(zip(by[: len(TRUTH)], by[len(TRUTH) :], range(len(TRUTH)), strict=True))
    assert rows == [TRUTH[index] for _, _, index in sorted(keys)][:100]


async def test_the_order_of_creation_is_the_default_order():
    """Customers come in the order in which they were created."""
    assert await listed(BOX, order_by="created_at") == await listed(BOX)


Status = Enum("Status", {name: name for name in STATUSES}, type=str)
AddressStatus = Enum("AddressStatus", {name: name for name in ADDRESS_STATUSES}, type=str)
Country = Enum("Country", {name: name for name in COUNTRIES}, type=str)
Source = Enum("Source", {name: name for name in SOURCES}, type=str)
TaxType = Enum("TaxType", {name: name for name in TAX_TYPES}, type=str)


class Registration(BaseModel):
    id: str
    customer_id: str
    country_code: Country
    tax_type: TaxType
    tax_id: str
    is_valid: bool


class NewCustomer(BaseModel):
    phone: str | None = None
    name: str | None = None
    country: Country | None = None
    source: Source | None = None
    status: Status = "ACTIVE"
    address_status: AddressStatus = "UNVERIFIED"
    customer_tax_registrations: list[Registration] = []


def fastapi():
    """An application of the vendor's framework that takes the same parameters: the judge of error shapes."""
    app = FastAPI()

    @app.get(CUSTOMERS)
    def rows(
        page: Annotated[int, Query(ge=1)] = 1,
        size: Annotated[int, Query(ge=1, le=100)] = 50,
        country: Annotated[list[Country] | None, Query()] = None,
    ) -> None: ...

    @app.post(CUSTOMERS)
    def create(body: NewCustomer) -> None: ...

    return app


REFUSED_QUERIES = [
    "page=0", "page=-3", "page=x", "page=", "page=1.5", "size=0", "size=101", "size=ten", "page=0&size=101",
    "page=2&page=0", "country=XX", "country=", "country=US&country=us", "country=US&size=0&country=XX",
]  # fmt: skip


@pytest.mark.parametrize("query", REFUSED_QUERIES)
async def test_a_wrong_query_is_refused_as_fastapi_refuses_it(query):
    """422 with every problem: type, place, message, input and context are FastAPI's own."""
    answer = await ask(BOX.kintsugi_app, f"{CUSTOMERS}?{query}")
    judge = await ask(fastapi(), f"{CUSTOMERS}?{query}")
    assert (answer.status_code, answer.json()) == (judge.status_code, judge.json())
    assert answer.status_code == 422


@pytest.mark.parametrize("query", ["page=1.0", "page=%201", "page=%2B1", "size=007"])
async def test_numbers_are_read_as_fastapi_reads_them(query):
    """What its framework takes for a whole number is one."""
    assert (await ask(fastapi(), f"{CUSTOMERS}?{query}")).status_code == 200
    assert (await ask(BOX.kintsugi_app, f"{CUSTOMERS}?{query}")).status_code == 200


async def test_unknown_fields_do_not_sort():
    """An order that is not documented is refused and named."""
    answer = await ask(BOX.kintsugi_app, CUSTOMERS, params={"order_by": "city,-name"})
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert (problem["type"], problem["loc"], problem["input"]) == ("enum", ["query", "order_by"], "-name")


REFUSED_BODIES = [
    {"name": 1}, {"phone": ["x"]}, {"status": "GONE"}, {"status": None}, {"status": 3}, {"address_status": None},
    {"country": "XX"}, {"source": "SHOPFIY"}, {"name": 1, "country": "XX", "status": None},
    {"customer_tax_registrations": None}, {"customer_tax_registrations": {}}, {"customer_tax_registrations": [1]},
    {"customer_tax_registrations": [{"id": 1, "tax_type": "VAT", "country_code": "US", "tax_id": "1"}]},
    [], None, "text", 7,
]  # fmt: skip


@pytest.mark.parametrize("body", REFUSED_BODIES, ids=str)
async def test_a_wrong_body_is_refused_as_fastapi_refuses_it(body):
    """422 with every problem of the body, in FastAPI's words; nothing is created."""
    answer = await ask(BOX.kintsugi_app, CUSTOMERS, "POST", json=body)
    judge = await ask(fastapi(), CUSTOMERS, "POST", json=body)
    assert answer.status_code == judge.status_code == 422
    assert by_place(answer.json()) == by_place(judge.json())
    assert BOX.kintsugi_rows() == TRUTH


def by_place(answer):
    return sorted(answer["detail"], key=lambda problem: str(problem["loc"]))


@pytest.mark.parametrize(
    ("body", "kind", "place"),
    [
        (b"", "missing", ["body"]),
        (b'{"name":', "json_invalid", ["body"]),
        (b"{'name': 1}", "json_invalid", ["body"]),
        (b"\xff", "json_invalid", ["body"]),
    ],
)
async def test_a_body_that_is_no_json_is_refused_with_its_place(body, kind, place):
    """422 of the kind that FastAPI gives, for no body and for one that is not JSON."""
    answer = await ask(BOX.kintsugi_app, CUSTOMERS, "POST", content=body, headers={"content-type": "application/json"})
    (problem,) = answer.json()["detail"]
    assert answer.status_code == 422
    assert (problem["type"], problem["loc"][:1]) == (kind, place)


async def test_a_body_of_another_type_is_not_read():
    """JSON that does not say so is text, as FastAPI has it."""
    answer = await ask(BOX.kintsugi_app, CUSTOMERS, "POST", content=b"{}", headers={"content-type": "text/plain"})
    judge = await ask(fastapi(), CUSTOMERS, "POST", content=b"{}", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()) == (judge.status_code, judge.json())


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("missing", KEYS)
async def test_both_headers_are_required(method, missing):
    """Without the key, or without the organisation, or with an empty one, the answer is 401 with a text."""
    without = {name: value for name, value in KEYS.items() if name != missing}
    for headers in (without, {**without, missing: " "}):
        answer = await anonymous(BOX.kintsugi_app, CUSTOMERS, headers, method)
        assert answer.status_code == 401
        assert isinstance(answer.json()["detail"], str)


async def test_a_sandbox_can_insist_on_its_credentials():
    """With credentials of its own a sandbox takes no others; without, any."""
    strict = Sandbox(kintsugi_rows=1, api_key="mine", organization_id="org_mine")
    mine = {"x-api-key": "mine", "x-organization-id": "org_mine"}
    assert (await anonymous(strict.kintsugi_app, CUSTOMERS, mine)).json()["items"][0]["organization_id"] == "org_mine"
    for name in mine:
        assert (await anonymous(strict.kintsugi_app, CUSTOMERS, {**mine, name: "other"})).status_code == 401
    assert (await anonymous(BOX.kintsugi_app, CUSTOMERS, mine)).status_code == 200


async def test_one_customer_is_found_by_either_id():
    """By its id and by its id in another system the same row comes."""
    row = next(row for row in TRUTH if row["external_id"])
    assert (await ask(BOX.kintsugi_app, f"{CUSTOMERS}/{row['id']}")).json() == row
    assert (await ask(BOX.kintsugi_app, f"{CUSTOMERS}/external/{row['external_id']}")).json() == row


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", f"{CUSTOMERS}/cust_none"),
        ("PUT", f"{CUSTOMERS}/cust_none"),
        ("GET", f"{CUSTOMERS}/external/none"),
        ("GET", "/v1/nothing"),
        ("POST", "/"),
    ],
)
async def test_what_is_not_there_is_404_with_a_text(method, url):
    """Customers and addresses that do not exist answer `{"detail": text}`."""
    answer = await ask(BOX.kintsugi_app, url, method, json={})
    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (CUSTOMERS, "GET, POST"),
        (f"{CUSTOMERS}/x", "GET, PUT"),
        (f"{CUSTOMERS}/external/x", "GET"),
    ],
)
async def test_other_methods_are_405_and_told_which_are_allowed(url, allowed):
    """Every method that is not documented, HEAD included, answers 405 with Allow."""
    for method in {"HEAD", "OPTIONS", "PATCH", "DELETE", "PUT", "POST", "GET"} - set(allowed.split(", ")):
        answer = await ask(BOX.kintsugi_app, url, method)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.content == (b"" if method == "HEAD" else b'{"detail":"Method Not Allowed"}')


async def test_every_answer_has_a_request_id():
    """Success and failure alike carry an `x-request-id` of their own, and JSON."""
    answers = [await ask(BOX.kintsugi_app, url) for url in (CUSTOMERS, f"{CUSTOMERS}?page=0", "/nothing")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}


async def test_a_created_customer_is_the_last_of_the_listing(box):
    """POST answers 200 with the row, defaults filled in and unknown keys dropped, and the listing has it."""
    body = {"name": "Zoë", "country": None, "source": "RILLET", "external_id": "mine", "unheard_of": 1}
    row = (await ask(box.kintsugi_app, CUSTOMERS, "POST", json=body)).json()
    assert row.keys() == TRUTH[0].keys()
    assert (row["name"], row["source"], row["status"], row["phone"]) == ("Zoë", "RILLET", "ACTIVE", None)
    assert box.kintsugi_rows()[-1] == row
    assert (await listed(box, search_query="zoë", source__in="RILLET"))["items"] == [row]
    assert (await ask(box.kintsugi_app, f"{CUSTOMERS}/external/mine")).json() == row


async def test_created_customers_never_share_an_id(box):
    """Each POST makes another customer, even of the same body, even after the last one was deleted."""
    ids = [row["id"] for row in box.kintsugi_rows()]
    for _ in range(10):
        ids.append((await ask(box.kintsugi_app, CUSTOMERS, "POST", json={"external_id": "twice"})).json()["id"])
        box.kintsugi_table.delete(ids[-1])
    assert len(set(ids)) == len(ids) == 130


async def test_the_first_customer_can_be_created():
    """A sandbox without rows takes a customer."""
    empty = Sandbox(kintsugi_rows=0)
    row = (await ask(empty.kintsugi_app, CUSTOMERS, "POST", json={"name": "First"})).json()
    assert empty.kintsugi_rows() == [row]


async def test_an_update_changes_what_is_given_and_nothing_else(box):
    """Keys that are not sent stay, null is null, a status of null changes nothing; filters see the new values."""
    before = next(row for row in box.kintsugi_rows() if row["phone"] and row["city"])
    body = {"name": "Renamed GmbH", "phone": None, "status": None, "country": "XK", "id": "cust_other"}
    after = await ask(box.kintsugi_app, f"{CUSTOMERS}/{before['id']}", "PUT", json=body)
    assert after.status_code == 200
    assert after.json() == {**before, "name": "Renamed GmbH", "phone": None, "country": "XK"}
    assert (await listed(box, search_query="renamed gmbh", country="XK"))["items"] == [after.json()]


async def test_a_refused_update_changes_nothing(box):
    """One wrong field refuses the whole update."""
    before = box.kintsugi_rows()
    body = {"name": "Renamed", "status": "GONE", "address_status": None}
    answer = await ask(box.kintsugi_app, f"{CUSTOMERS}/{before[0]['id']}", "PUT", json=body)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", "status"], ["body", "address_status"]]
    assert box.kintsugi_rows() == before


async def test_a_registration_that_is_wrong_is_refused():
    """Whether a registration is valid is true or false, as the document has it; FastAPI would take a text for it."""
    registration = {"id": "1", "customer_id": "1", "country_code": "US", "tax_type": "vat", "tax_id": "1"}
    for valid, status in ((True, 200), ("true", 422), (None, 422)):
        body = {"customer_tax_registrations": [{**registration, "is_valid": valid}]}
        assert (await ask(Sandbox(kintsugi_rows=0).kintsugi_app, CUSTOMERS, "POST", json=body)).status_code == status


async def test_rows_written_between_two_pages_move_the_others(box):
    """A row that goes away between two requests shifts the next page, as it would on the real server."""
    first = await listed(box, size=10)
    assert box.kintsugi_table.delete(first["items"][0]["id"])
    assert not box.kintsugi_table.delete(first["items"][0]["id"])
    assert (await listed(box, size=10, page=2))["items"] == box.kintsugi_rows()[10:20]
    assert (await listed(box))["total"] == 119


def test_the_rows_are_worth_filtering():
    """Values are spread, many are null, and all are values that the API documents."""
    rows = Sandbox(sweetspot_rows=0).kintsugi_rows()
    assert len(rows) == 10_000
    assert len({row["country"] for row in rows}) > 150
    assert len({row["state"] for row in rows}) > 10
    assert {row["status"] for row in rows} == set(STATUSES)
    assert {row["address_status"] for row in rows} == set(ADDRESS_STATUSES)
    for key, allowed in {"country": COUNTRIES, "source": SOURCES}.items():
        assert {row[key] for row in rows} <= {None, *allowed}
    nullable = [key for key in rows[0] if any(row[key] is None for row in rows)]
    assert len(nullable) == 16
    assert {type(row[key]) for row in rows for key in nullable} == {str, type(None)}
    assert any(row["customer_tax_registrations"] for row in rows)
