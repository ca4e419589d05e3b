"""Sweet Spot's API in the sandbox: what the reference page promises."""

import re
from typing import Any

import pytest
from asking import anonymous, ask
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from readahead.sandbox import Sandbox

pytestmark = pytest.mark.anyio
CUSTOMERS = "/v1/customers"
BOX = Sandbox(sweetspot_rows=430)  # read only
TRUTH = BOX.sweetspot_rows()
OPTIONAL = {
    "address1", "address2", "city", "country", "creditIpAddress", "creditTimestamp", "phone", "state", "stripeId",
    "stripeSandboxId", "zip", "stripeVerificationSessionId",
}  # fmt: skip
REQUIRED = {"id", "createdAt", "updatedAt", "creditStatus", "identityVerificationStatus", "userId"}


async def listed(box: Sandbox, **params: Any) -> list[dict[str, Any]]:
    answer = await ask(box.sweetspot_app, CUSTOMERS, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def hidden(row: dict[str, Any]) -> dict[str, str | None]:
    stored = BOX.sweetspot_table.find("id", row["id"])
    assert stored is not None
    return stored.hidden


@pytest.fixture
def box():
    with Sandbox(sweetspot_rows=120) as box:
        yield box


async def test_the_answer_is_a_bare_array_of_50_unless_told_otherwise():
    """Without parameters the first 50 customers come: no envelope, no total, no link."""
    answer = await ask(BOX.sweetspot_app, CUSTOMERS)
    assert answer.json() == TRUTH[:50]
    assert {"link", "x-total-count"}.isdisjoint(answer.headers)


@settings(max_examples=examples(30), deadline=None)
@given(limit=st.integers(1, 100))
async def test_windows_of_any_limit_add_up_to_the_listing(limit):
    """Whatever the limit, the windows side by side are the listing, and after the last one there is nothing."""
    windows = [await listed(BOX, offset=offset, limit=limit) for offset in range(0, 430, limit)]
    assert [row for window in windows for row in window] == TRUTH
    assert await listed(BOX, offset=430, limit=limit) == []


async def test_an_offset_may_be_larger_than_any_machine_integer():
    """Far past the end is past the end."""
    assert await listed(BOX, offset=10**40) == []


def matches(row, email, name, user):
    unseen = hidden(row)
    first, last = unseen["first_name"], unseen["last_name"]
    names = (first, last, f"{first} {last}" if last else None)
    return (
        email.casefold() in unseen["email"]
        and (not name or any(name.casefold() in (each or "").casefold() for each in names))
        and (not user or (row["userId"] is not None and str(row["userId"]) == user))
    )


@settings(max_examples=examples(60), deadline=None)
@given(
    email=st.sampled_from(["", "@gmail.com", "SMITH", "ada.", "%", "nobody"]),
    name=st.sampled_from(["", "ada", "Ada L", "SMITH", "zoë", "n m", "nobody"]),
    user=st.sampled_from(["", "1007", "usr_000031", "None", "null"]),
)
async def test_filters_keep_the_customers_that_match_all_of_them(email, name, user):
    """E-mail and name are looked for in what no row shows, case aside; a user matches exactly; empty is no filter."""
    rows = await listed(BOX, email=email, name=name, userId=user, limit=100)
    assert rows == [row for row in TRUTH if matches(row, email, name, user)][:100]


async def test_an_organisation_finds_its_customers_through_checkouts():
    """A customer may be known to no organisation or to several; an unknown organisation knows nobody."""
    names = [f"org_{number:02d}" for number in range(1, 13)]
    known = {name: await listed(BOX, organizationId=name, limit=100) for name in names}
    ids = [row["id"] for rows in known.values() for row in rows]
    assert all(known.values())
    assert len(set(ids)) < len(ids), "nobody is known to two organisations"
    assert len(set(ids)) < len(TRUTH), "everybody is known to some organisation"
    assert await listed(BOX, organizationId="org_99") == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("offset=-1", "offset"),
        ("offset=1.5", "offset"),
        ("offset=x&limit=x", "offset"),
    ],
)
async def test_a_wrong_window_is_refused(query, param):
    """400 in the vendor's shape, naming the parameter."""
    answer = await ask(BOX.sweetspot_app, f"{CUSTOMERS}?{query}")
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert isinstance(error["message"], str)


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Basic abc", "sk_test_sandbox"])
async def test_a_bearer_token_is_required(header):
    """Without a token, an empty one or another scheme, the answer is 401 in the vendor's shape."""
    answer = await anonymous(BOX.sweetspot_app, CUSTOMERS, {"authorization": header} if header is not None else {})
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_sandbox_can_insist_on_its_token():
    """With a token of its own a sandbox takes no other; without, any."""
    strict = Sandbox(sweetspot_rows=1, token="sk_test_mine")
    mine, other = {"authorization": "Bearer sk_test_mine"}, {"authorization": "bearer sk_test_other"}
    assert (await anonymous(strict.sweetspot_app, CUSTOMERS, mine)).status_code == 200
    assert (await anonymous(strict.sweetspot_app, CUSTOMERS, other)).status_code == 401
    assert (await anonymous(BOX.sweetspot_app, CUSTOMERS, other)).status_code == 200


@pytest.mark.parametrize(
    ("method", "url"), [("GET", f"{CUSTOMERS}/none"), ("PUT", f"{CUSTOMERS}/none"), ("GET", "/v1/nothing")]
)
async def test_what_is_not_there_is_404_in_the_vendors_shape(method, url):
    """Customers and addresses that do not exist are an `invalid_request_error`."""
    answer = await ask(BOX.sweetspot_app, url, method, json={})
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(("url", "allowed"), [(CUSTOMERS, "GET"), (f"{CUSTOMERS}/x", "GET, PUT")])
async def test_other_methods_are_405_and_told_which_are_allowed(url, allowed):
    """There is no create and no delete, as documented; HEAD is refused without a body."""
    for method in {"HEAD", "OPTIONS", "PATCH", "DELETE", "PUT", "POST", "GET"} - set(allowed.split(", ")):
        answer = await ask(BOX.sweetspot_app, url, method)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert (answer.content == b"") == (method == "HEAD")


async def test_one_customer_is_found_by_id():
    """The row of the listing comes."""
    assert (await ask(BOX.sweetspot_app, f"{CUSTOMERS}/{TRUTH[7]['id']}")).json() == TRUTH[7]


async def test_an_update_changes_what_is_given_and_nothing_else(box):
    """Keys that are not sent stay as they are; the time of the update is a later one each time."""
    before = box.sweetspot_rows()[3]
    url = f"{CUSTOMERS}/{before['id']}"
    body = {"city": "Ghent", "id": "other", "creditStatus": "passed"}
    first = (await ask(box.sweetspot_app, url, "PUT", json=body)).json()
    second = (await ask(box.sweetspot_app, url, "PUT", json={})).json()
    assert first == {**before, "city": "Ghent", "updatedAt": first["updatedAt"]}
    assert second == {**first, "updatedAt": second["updatedAt"]}
    assert before["updatedAt"] < first["updatedAt"] < second["updatedAt"]
    assert box.sweetspot_rows()[3] == second


async def test_an_updated_name_is_found_and_not_shown(box):
    """First and last name can be changed, though no row shows them."""
    row = box.sweetspot_rows()[3]
    body = {"firstName": "Quirin", "lastName": "Ypsilon"}
    after = (await ask(box.sweetspot_app, f"{CUSTOMERS}/{row['id']}", "PUT", json=body)).json()
    assert after.keys() == row.keys()
    for name in ("quirin", "YPSILON", "rin yps"):
        assert [found["id"] for found in await listed(box, name=name)] == [row["id"]]


@pytest.mark.parametrize("body", [b'{"city": null}', b'{"firstName": 1}', b"[]", b"null", b"", b'{"city":'])
async def test_a_wrong_body_is_refused_and_changes_nothing(box, body):
    """Changes are strings in an object: null, which the page does not allow, and anything else is 400."""
    before = box.sweetspot_rows()
    answer = await ask(box.sweetspot_app, f"{CUSTOMERS}/{before[0]['id']}", "PUT", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert box.sweetspot_rows() == before


def test_rows_show_what_the_page_documents_and_nothing_else():
    """The required keys are always there, optional ones are a string, null or left out; no e-mail, no name."""
    rows = Sandbox(kintsugi_rows=0).sweetspot_rows()
    assert len(rows) == 10_000
    assert all(row.keys() >= REQUIRED and row.keys() <= REQUIRED | OPTIONAL for row in rows)
    for key in OPTIONAL:
        assert {type(row.get(key, ...)) for row in rows} == {str, type(None), type(...)}, key
    assert {row["creditStatus"] for row in rows} == {"unknown", "passed", "failed"}
    assert {row["identityVerificationStatus"] for row in rows} == {
        "none",
        "pending",
        "processing",
        "verified",
        "failed",
    }
    assert {type(row["userId"]) for row in rows} == {int, str, type(None)}
    assert len({row["id"] for row in rows}) == 10_000


def test_times_have_up_to_nine_digits_of_a_second():
    """Creation times are RFC 3339 with 0 to 9 digits, and in the order of the listing."""
    times = [row["createdAt"] for row in TRUTH]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", time) for time in times)
    assert {len(time) for time in times} == {20, 24, 27, 30}
    assert [time[:19] for time in times] == sorted(time[:19] for time in times)
