"""The generated clients by themselves: every function against the sandbox, as documented and otherwise."""

import copy
import importlib
import inspect
import pkgutil
from types import SimpleNamespace

import httpx
import pytest

import readahead_clients.kintsugi.api
import readahead_clients.sweetspot.api
from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Faults, Sandbox
from readahead_clients import kintsugi, sweetspot
from readahead_clients.kintsugi import models as k
from readahead_clients.kintsugi.api.customers import (
    create_customer,
    get_customer,
    get_customer_by_external_id,
    list_customers,
    update_customer,
)
from readahead_clients.kintsugi.errors import UnexpectedResponse as KintsugiUnexpected
from readahead_clients.sweetspot import models as s
from readahead_clients.sweetspot.api.customers import get_customer as get_tenant
from readahead_clients.sweetspot.api.customers import list_customers as list_tenants
from readahead_clients.sweetspot.api.customers import update_customer as update_tenant
from readahead_clients.sweetspot.errors import UnexpectedResponse as SweetSpotUnexpected

pytestmark = pytest.mark.anyio

FUNCTIONS = ("asyncio", "asyncio_detailed")
UNDESCRIBED = (get_customer, get_customer_by_external_id)  # 404 without a body; 401 and 500 not at all
# How each operation is called in the sandbox, and what a success is.
KINTSUGI = {
    list_customers: (lambda row: {"size": 2}, k.CustomerPage),
    get_customer: (lambda row: {"customer_id": row["id"]}, k.Customer),
    get_customer_by_external_id: (lambda row: {"external_id": row["external_id"]}, k.Customer),
    create_customer: (
        lambda row: {"body": {"name": "Ada", "country": "US", "organization_id": ORGANIZATION_ID}},
        k.Customer,
    ),
    update_customer: (lambda row: {"customer_id": row["id"], "body": {"name": "Ada"}}, k.Customer),
}
SWEETSPOT = {
    list_tenants: (lambda row: {"limit": 2}, list),
    get_tenant: (lambda row: {"id": row["id"]}, s.Customer),
    update_tenant: (lambda row: {"id": row["id"], "body": {"city": "Graz"}}, s.Customer),
}
OPERATIONS = {**KINTSUGI, **SWEETSPOT}
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda module: module.__name__[18:])


@pytest.fixture
def box():
    with Sandbox(kintsugi_rows=20, sweetspot_rows=20) as box:
        yield box


def client_of(box, operation, **credentials):
    """A client of the API that the operation belongs to."""
    if operation in KINTSUGI:
        api, app = kintsugi, box.kintsugi_app
        more = {"auth_header_name": "X-API-KEY", "prefix": "", "headers": {"x-organization-id": ORGANIZATION_ID}}
        token = API_KEY
    else:
        api, app, more, token = sweetspot, box.sweetspot_app, {}, TOKEN
    return api.AuthenticatedClient(
        base_url="http://127.0.0.1",
        httpx_args={"transport": httpx.ASGITransport(app, raise_app_exceptions=False)},
        **{"token": token, **more, **credentials},
    )


def row_of(box, operation):
    rows = box.kintsugi_rows() if operation in KINTSUGI else box.sweetspot_rows()
    return next(row for row in rows if operation in SWEETSPOT or row["external_id"])


def answering(operation, response):
    """A client whose requests are all answered alike; for what the sandbox never sends."""
    api = kintsugi if operation in KINTSUGI else sweetspot
    transport = httpx.MockTransport(lambda request: response)
    return api.AuthenticatedClient(base_url="http://127.0.0.1", token="t", httpx_args={"transport": transport})


def error_type(operation, status):
    """The class that the document names for an error; plain JSON data where it describes no body."""
    if status == 404 and operation in UNDESCRIBED:
        return dict
    if operation in SWEETSPOT:
        return s.ErrorAnswer
    return k.InvalidRequest if status == 422 else k.Error


def test_every_operation_is_tested():
    """Each endpoint module of both APIs stands above, and has these public names and no others."""
    packages = (readahead_clients.kintsugi.api, readahead_clients.sweetspot.api)
    modules = [
        importlib.import_module(found.name)
        for package in packages
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.ispkg
    ]
    assert set(modules) == OPERATIONS.keys()
    for module in modules:
        own = {
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
        }
        assert own == {"build_request", *FUNCTIONS}
        assert all(inspect.iscoroutinefunction(getattr(module, name)) for name in FUNCTIONS)


def test_operations_are_named_as_in_the_document():
    """Method and path template, with the document's own placeholders."""
    assert [module.OPERATION for module in OPERATIONS] == [
        "GET /v1/customers",
        "GET /v1/customers/{customer_id}",
        "GET /v1/customers/external/{external_id}",
        "POST /v1/customers",
        "PUT /v1/customers/{customer_id}",
        "GET /v1/customers",
        "GET /v1/customers/{id}",
        "PUT /v1/customers/{id}",
    ]


@each_operation
async def test_a_success(box, operation):
    """Both functions return what the document promises; the detailed one with status, headers and body."""
    arguments, expected = OPERATIONS[operation]
    async with client_of(box, operation) as client:
        values = arguments(row_of(box, operation))
        parsed = await operation.asyncio(client=client, **values)
        detailed = await operation.asyncio_detailed(client=client, **copy.deepcopy(values))
    assert isinstance(parsed, expected)
    assert isinstance(detailed.parsed, expected)
    assert detailed.status_code == 200
    assert detailed.headers["content-type"].startswith("application/json")
    assert detailed.content.startswith((b"{", b"["))


async def test_what_is_read_is_what_the_server_has(box):
    """Pages, one customer, and what was written."""
    async with client_of(box, list_customers) as client:
        page = await list_customers.asyncio(client=client, size=3, page=2)
        assert [row.to_dict() for row in page.items] == box.kintsugi_rows()[3:6]
        changed = await update_customer.asyncio(page.items[0].id, client=client, body={"city": None, "name": "Ada"})
        assert (changed.name, changed.city) == ("Ada", None)
        assert await get_customer.asyncio(page.items[0].id, client=client) == changed
    async with client_of(box, list_tenants) as client:
        rows = await list_tenants.asyncio(client=client, limit=3, offset=3)
        assert [row.id for row in rows] == [row["id"] for row in box.sweetspot_rows()[3:6]]


@each_operation
async def test_wrong_credentials(box, operation):
    """401 as the document describes it; where it does not list the status, the error has all that came."""
    box = Sandbox(kintsugi_rows=20, sweetspot_rows=20, api_key=API_KEY, organization_id=ORGANIZATION_ID, token=TOKEN)
    arguments, _ = OPERATIONS[operation]
    async with client_of(box, operation, token="wrong") as client:
        values = arguments(row_of(box, operation))
        if operation in UNDESCRIBED:
            with pytest.raises(KintsugiUnexpected) as caught:
                await operation.asyncio(client=client, **values)
            assert caught.value.status_code == 401
            assert b"detail" in caught.value.content
        else:
            response = await operation.asyncio_detailed(client=client, **values)
            assert response.status_code == 401
            assert type(response.parsed) is error_type(operation, 401)


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        (get_customer, {"customer_id": "cust_none"}),
        (get_customer_by_external_id, {"external_id": "none"}),
        (update_customer, {"customer_id": "cust_none", "body": {"name": "Ada"}}),
        (get_tenant, {"id": "none"}),
        (update_tenant, {"id": "none", "body": {"city": "Graz"}}),
    ],
    ids=lambda value: getattr(value, "__name__", "")[18:],
)
async def test_nothing_there(box, operation, values):
    """404 is a value, not an exception: the error that the document describes."""
    async with client_of(box, operation) as client:
        response = await operation.asyncio_detailed(client=client, **values)
        assert response.status_code == 404
        assert type(response.parsed) is error_type(operation, 404)
        assert type(await operation.asyncio(client=client, **values)) is error_type(operation, 404)


@pytest.mark.parametrize(
    ("operation", "values", "status"),
    [
        (list_customers, {"size": 101}, 422),
        (create_customer, {"body": {"name": "Ada", "country": "XX"}}, 422),
        (update_customer, {"customer_id": "", "body": {"country": "XX"}}, 422),
        (list_tenants, {"limit": 101}, 400),
        (update_tenant, {"id": "", "body": {"city": 3}}, 400),
    ],
    ids=lambda value: getattr(value, "__name__", "")[18:],
)
async def test_a_request_that_is_refused(box, operation, values, status):
    """422 and 400, with what is wrong."""
    first = row_of(box, operation)["id"]
    values = {name: value or first for name, value in values.items()}
    async with client_of(box, operation) as client:
        response = await operation.asyncio_detailed(client=client, **values)
    assert response.status_code == status
    assert type(response.parsed) is error_type(operation, status)
    if status == 422:
        (item,) = response.parsed.detail
        assert isinstance(item, k.InvalidRequestItem)
        assert item.msg
    else:
        assert response.parsed.error.message


@each_operation
async def test_a_server_error(box, operation):
    """500: as documented, else an exception with the whole response."""
    faulty = Sandbox(kintsugi_rows=20, sweetspot_rows=20, faults=Faults(errors=1.0, statuses=(500,)))
    arguments, _ = OPERATIONS[operation]
    async with client_of(faulty, operation) as client:
        values = arguments(row_of(faulty, operation))
        try:
            response = await operation.asyncio_detailed(client=client, **values)
        except KintsugiUnexpected as error:
            assert operation in UNDESCRIBED
            assert error.status_code == 500
        else:
            assert response.status_code == 500
            assert type(response.parsed) is error_type(operation, 500)


@each_operation
@pytest.mark.parametrize("status", [418, 503, 520, 529])
async def test_a_status_that_is_not_documented(operation, status):
    """Nothing is lost of it, also where no standard lists the status."""
    reply = httpx.Response(status, headers={"Retry-After": "7"}, text="later")
    async with answering(operation, reply) as client:
        with pytest.raises((KintsugiUnexpected, SweetSpotUnexpected), match=f"status {status}") as caught:
            await operation.asyncio(client=client, **OPERATIONS[operation][0]({"id": "1", "external_id": "1"}))
    assert (caught.value.status_code, caught.value.headers["retry-after"]) == (status, "7")
    assert caught.value.content == b"later"


@each_operation
@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"3", b""])
async def test_a_body_that_is_not_what_the_document_describes(operation, status, body):
    """The status is not lost with it; where no body is described, any will do."""
    values = OPERATIONS[operation][0]({"id": "1", "external_id": "1"})
    async with answering(operation, httpx.Response(status, content=body)) as client:
        if error_type(operation, status) is dict:
            response = await operation.asyncio_detailed(client=client, **values)
            plain = {b"3": 3, b"": None}.get(body, body)  # JSON data, or what came
            assert (response.status_code, response.content, response.parsed) == (status, body, plain)
            return
        with pytest.raises((KintsugiUnexpected, SweetSpotUnexpected), match=str(status)) as caught:
            await operation.asyncio_detailed(client=client, **values)
    assert (caught.value.status_code, caught.value.content) == (status, body)


async def test_an_unlisted_value():
    """A country that the document does not list is kept and says so."""
    reply = httpx.Response(200, json={"id": "1", "country": "XX", "source": "NEW_SHOP", "status": None})
    async with answering(get_customer, reply) as client:
        customer = await get_customer.asyncio("1", client=client)
    assert (customer.country, customer.country.is_listed, customer.source.is_listed) == ("XX", False, False)
    assert customer.status is None


@pytest.mark.parametrize("user", [7, "7", None])
async def test_a_union_of_types(user):
    """Sweet Spot's user is a number, text or null."""
    async with answering(get_tenant, httpx.Response(200, json={"id": "1", "userId": user})) as client:
        tenant = await get_tenant.asyncio("1", client=client)
    assert tenant.user_id == user
    assert type(tenant.user_id) is type(user)


@pytest.mark.parametrize(
    ("detail", "read"),
    [
        ([{"loc": ["query", "size"], "msg": "too large", "type": "le"}], ["query", "size"]),
        ([{"loc": ["body", 3], "msg": "no", "type": "x"}], ["body", 3]),
        ("Customer is locked", None),
    ],
)
async def test_the_forms_of_a_refusal(detail, read):
    """FastAPI's list of items, whose places are texts and numbers; and plain text, which no document mentions."""
    async with answering(list_customers, httpx.Response(422, json={"detail": detail})) as client:
        refusal = await list_customers.asyncio(client=client)
    assert isinstance(refusal, k.InvalidRequest)
    if read is None:
        assert refusal.detail == detail
    else:
        (item,) = refusal.detail
        assert (item.loc, item.msg, item["type"]) == (read, detail[0]["msg"], detail[0]["type"])


async def test_no_response():
    """What happens before there is a response is httpx's to say."""

    def refuse(request):
        raise httpx.ConnectTimeout("too slow", request=request)

    client = kintsugi.AuthenticatedClient(
        base_url="http://127.0.0.1", token="t", httpx_args={"transport": httpx.MockTransport(refuse)}
    )
    async with client:
        with pytest.raises(httpx.ConnectTimeout):
            await list_customers.asyncio(client=client)


@pytest.mark.parametrize("api", [kintsugi, sweetspot])
async def test_the_token_is_not_shown(api):
    """Neither in the repr nor in that of a client made of this one; and headers stay with the client they are of."""
    client = api.AuthenticatedClient(base_url="http://127.0.0.1", token="s3cret", headers={"x-key": "s3cret"})
    more = client.with_headers({"x-more": "1"})
    assert "s3cret" not in repr(client) + repr(more) + str(vars(SimpleNamespace(client=client)))
    async with client, more:
        first, second = client.get_async_httpx_client(), more.get_async_httpx_client()
        assert first is not second
        assert "x-more" not in first.headers
        assert (second.headers["x-more"], second.headers["authorization"]) == ("1", "Bearer s3cret")
        assert first.timeout == httpx.Timeout(30.0)


async def test_a_client_of_ones_own(box):
    """`set_async_httpx_client` sends with a client whose settings are its own."""
    headers = {"X-API-KEY": API_KEY, "x-organization-id": ORGANIZATION_ID}
    transport = httpx.ASGITransport(box.kintsugi_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as http:
        client = kintsugi.Client(base_url="http://elsewhere").set_async_httpx_client(http)
        page = await list_customers.asyncio(client=client, size=1)
    assert page.total == 20
