"""Rows and pages where FastAPI and pydantic expect models: responses, request bodies, fields, documents."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from openapi_spec_validator import validate
from pydantic import BaseModel, TypeAdapter, ValidationError

from readahead import Page
from readahead.kintsugi import Country, Customer, TaxRegistration
from readahead.sandbox import Sandbox
from readahead.sweetspot import CreditStatus
from readahead.sweetspot import Customer as Tenant

REGISTRATION = {
    "id": "r",
    "customer_id": "1",
    "country_code": "DE",
    "tax_type": "vat",
    "tax_id": "1",
    "is_valid": True,
}
CUSTOMER = {
    "id": "1",
    "organization_id": "o",
    "country": "XX",  # not listed
    "status": "ACTIVE",
    "customer_tax_registrations": [REGISTRATION | {"since": 2020}],
    "loyalty": {"points": None},  # not declared
}
TENANT = {
    "id": "1",
    "createdAt": "2025-01-02T03:04:05.123456+00:00",
    "updatedAt": "2025-01-02T03:04:05Z",
    "creditStatus": "passed",
    "userId": 7,
}
ROWS = pytest.mark.parametrize(
    ("cls", "sent"), [(Customer, CUSTOMER), (Tenant, TENANT), (TaxRegistration, REGISTRATION)]
)


class Invoice(BaseModel):
    customer: Customer
    tenants: list[Tenant] = []
    country: Country | None = None


def page_of(*rows):
    return Page(rows, 7, 200, {"set-cookie": "secret"}, "req_1", {"page": "1"})


app = FastAPI()
customer, tenant = Customer.from_dict(CUSTOMER), Tenant.from_dict(TENANT)
odd = Customer.from_dict({"id": 7, "name": [1], "status": None, "customer_tax_registrations": [3, {"id": "r"}]})


@app.get("/annotated")
async def annotated() -> Customer:
    return customer


@app.get("/model", response_model=Tenant)
async def model():
    return tenant


@app.get("/list")
async def listed() -> list[Customer]:
    return [customer, odd]


@app.get("/page")
async def page() -> Page[Customer]:
    return page_of(customer, odd)


@app.get("/tenants", response_model=Page[Tenant])
async def tenants():
    return page_of(tenant)


@app.get("/short", response_model=Customer, response_model_exclude_none=True, response_model_exclude={"loyalty"})
async def short():
    return customer


@app.get("/one-of-two")
async def one_of_two(which: str) -> Customer | Tenant | None:
    return {"customer": customer, "tenant": tenant}.get(which)


@app.post("/body")
async def body(customer: Customer) -> dict[str, str | Customer]:
    return {"is": type(customer).__name__, "country": repr(customer.country), "row": customer}


@app.post("/invoice")
async def invoice(invoice: Invoice) -> Invoice:
    return invoice


@app.get("/query")
async def query(country: Country) -> bool:
    return country.is_listed


@app.get("/anything")
async def anything() -> dict[str, Any]:
    return {"customer": customer, "tenants": [tenant, odd], "country": Country.CA}


@app.get("/unannotated", response_model=None)
async def unannotated():
    return customer


@pytest.fixture(scope="module")
def service():
    with TestClient(app) as client:
        yield client


# --- responses


def test_rows_are_responses(service):
    """They are what `to_dict` says: unlisted values and undeclared fields too, whatever types the API sent."""
    assert service.get("/annotated").json() == customer.to_dict()
    assert service.get("/model").json() == tenant.to_dict()
    assert service.get("/list").json() == [customer.to_dict(), odd.to_dict()]
    assert service.get("/one-of-two", params={"which": "tenant"}).json() == tenant.to_dict()
    assert service.get("/one-of-two", params={"which": "customer"}).json() == customer.to_dict()
    assert service.get("/one-of-two", params={"which": "none"}).json() is None
    assert service.get("/unannotated").json() == customer.to_dict()
    assert service.get("/anything").json() == {
        "customer": customer.to_dict(),
        "tenants": [tenant.to_dict(), odd.to_dict()],
        "country": "CA",
    }


def test_pages_are_responses(service):
    """Rows and total; what the API sent besides is not handed on."""
    assert service.get("/page").json() == {"rows": [customer.to_dict(), odd.to_dict()], "total": 7}
    assert service.get("/tenants").json() == {"rows": [tenant.to_dict()], "total": 7}


def test_fields_can_be_left_out(service):
    """With FastAPI's own options, at every depth."""
    short = service.get("/short").json()
    assert short == {name: value for name, value in CUSTOMER.items() if name != "loyalty"}


# --- requests


def test_a_row_is_a_request_body(service):
    """It is validated as documented; what no document lists or declares is kept."""
    answer = service.post("/body", json=CUSTOMER).json()
    assert answer == {"is": "Customer", "country": "Country.unlisted('XX')", "row": customer.to_dict()}
    response = service.post("/body", json=CUSTOMER | {"organization_id": None, "customer_tax_registrations": [{}]})
    assert response.status_code == 422
    places = {tuple(error["loc"]) for error in response.json()["detail"]}
    assert ("body", "organization_id") in places
    assert ("body", "customer_tax_registrations", 0, "tax_id") in places
    assert service.post("/body", json=[]).status_code == 422


def test_rows_are_fields_of_models(service):
    """A model of a service may hold rows, whole and in lists, and open strings."""
    sent = {"customer": CUSTOMER, "tenants": [TENANT], "country": "CA"}
    assert service.post("/invoice", json=sent).json() == {
        "customer": customer.to_dict(),
        "tenants": [tenant.to_dict()],
        "country": "CA",
    }
    model = Invoice(customer=customer, tenants=[tenant], country=Country.CA)
    assert model.customer is customer
    assert Invoice.model_validate_json(model.model_dump_json()) == Invoice.model_validate(model.model_dump()) == model
    assert model.model_dump(include={"customer": {"id"}}) == {"customer": {"id": "1"}}
    assert Invoice(customer=odd).model_dump()["customer"] == odd.to_dict()


def test_an_open_string_is_a_parameter(service):
    """Any text is one."""
    assert service.get("/query", params={"country": "CA"}).json() is True
    assert service.get("/query", params={"country": "XX"}).json() is False


# --- pydantic


@ROWS
def test_what_is_written_is_read_again(cls, sent):
    """As Python data and as JSON."""
    schema, row = TypeAdapter(cls), cls.from_dict(sent)
    assert schema.validate_python(row) is row
    assert schema.validate_python(sent) == schema.validate_python(row.to_dict()) == row
    assert schema.validate_json(schema.dump_json(row)) == schema.validate_json(row.to_json()) == row
    assert schema.dump_python(row) == json.loads(schema.dump_json(row)) == row.to_dict()


def test_a_page_is_read_again():
    """Its rows and its total; it knows nothing of a response then."""
    schema = TypeAdapter(Page[Customer])
    page = page_of(customer)
    assert schema.validate_python(page) == page
    again = schema.validate_json(schema.dump_json(page))
    assert (again.rows, again.total, again.status, dict(again.headers)) == ((customer,), 7, None, {})
    assert schema.dump_python(page, include={"total"}) == {"total": 7}
    with pytest.raises(ValidationError):
        schema.validate_python(page_of(tenant))


# --- documents


def test_the_document_is_valid_and_shows_the_fields():
    """Types, formats, descriptions and what is required; two classes of one name are told apart."""
    document = app.openapi()
    validate(document)
    schemas = document["components"]["schemas"]
    assert "CreditStatus" in schemas
    (tenant_schema,) = (schema for name, schema in schemas.items() if "sweetspot" in name and "Page" not in name)
    properties = tenant_schema["properties"]
    assert properties["createdAt"] == {
        "type": "string",
        "format": "date-time",
        "title": "Created At",
        "description": "When the customer was created.",
    }
    assert [one["type"] for one in properties["userId"]["anyOf"]] == ["integer", "string", "null"]
    assert tenant_schema["required"] == ["id", "createdAt", "updatedAt", "creditStatus", "userId"]
    assert tenant_schema["description"] == "A customer. It carries neither e-mail address nor name."
    assert all("description" in shown for shown in properties.values())


@ROWS
def test_listed_values_are_shown_and_not_required(cls, sent):
    """An enumeration that grows is no closed one: what the schema allows is what is accepted."""
    schema = TypeAdapter(cls).json_schema()
    for name, definition in schema.get("$defs", {}).items():
        if "anyOf" in definition:
            known, any_text = definition["anyOf"]
            assert known["enum"], name
            assert any_text == {"type": "string"}
    assert TypeAdapter(CreditStatus).json_schema() == {
        "title": "CreditStatus",
        "description": "How the latest credit check ended.",
        "anyOf": [{"type": "string", "enum": ["unknown", "passed", "failed"]}, {"type": "string"}],
    }


@pytest.mark.asyncio
async def test_rows_of_a_listing_in_a_service():
    """From the API to the caller, and through a model."""
    with Sandbox(kintsugi_rows=30, sweetspot_rows=30) as box:
        async with box.kintsugi() as kintsugi, box.sweetspot() as sweetspot:
            other = FastAPI()

            @other.get("/customers")
            async def customers() -> Page[Customer]:
                return await kintsugi.customers.first_page()

            @other.get("/tenants")
            async def tenants() -> list[Tenant]:
                return await sweetspot.customers.to_list()

            transport = httpx.ASGITransport(other)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as browser:
                page = (await browser.get("/customers")).json()
                rows = (await browser.get("/tenants")).text
        assert page == {"rows": box.kintsugi_rows(), "total": 30}
        assert [row.id for row in TypeAdapter(list[Tenant]).validate_json(rows)] == [
            row["id"] for row in box.sweetspot_rows()
        ]
