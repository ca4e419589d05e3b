"""The sandbox of any API: what it makes of a document and a binding."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import httpx
import orjson
import pytest
from asking import ask
from attrs import define, evolve
from openapi_schema_validator import OAS30Validator, OAS31Validator
from ruamel.yaml import YAML

from readahead.endpoint import Endpoint
from readahead.errors import InvalidRequest, UsageError
from readahead.filters import Fields, FullText, Text, Timestamp
from readahead.kintsugi import CUSTOMERS, Kintsugi
from readahead.order import Direction, OrderBy
from readahead.paging import Cursor, PageNumber
from readahead.paging.styles import Style
from readahead.rows import RowReader
from readahead.sandbox import DocumentSandbox, Sandbox
from readahead.sweetspot import SweetSpot

OPENAPI = Path(__file__).parents[2] / "openapi"
KEYS = {"api_key": "any", "organization_id": "any"}


class EventFields(Fields):
    """What conditions are made of; the sandbox needs no more of an enumeration than its name."""

    kind = Text(param="kind", attr="kind", many=True)
    joined = Text(param="joined", attr="kind", many=True)
    place = Text(param="place", attr="place")
    created = Timestamp(attr="created", ge="created[gte]", lt="created[lt]", format="seconds")
    day = Timestamp(attr="at", ge="since", le="until")
    search = FullText(param="q")


@define
class Event:
    """A row, as a generated class has it."""

    FIELDS: ClassVar[Mapping[str, tuple[str, object]]] = {
        name: (name, None) for name in ("id", "kind", "created", "at", "place")
    }

    id: int
    kind: str
    created: int
    at: dt.datetime
    place: str | None = None

    @classmethod
    def from_dict(cls, data):
        return cls(**data)


def reader(**options):
    return RowReader(Event.from_dict, key="id", **options)


INTEGER, TEXT = {"type": "integer"}, {"type": "string"}
EVENT = {
    "type": "object",
    "required": ["id", "kind", "created", "at"],
    "properties": {
        "id": {"type": "integer"},
        "kind": {"type": "string", "enum": ["opened", "closed", "moved"]},
        "place": {"type": "string", "nullable": True, "examples": ["Rome", "Oslo"]},
        "created": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"},
    },
}
PARAMETERS = [
    {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
    {"name": "size", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}},
    {"name": "kind", "in": "query", "schema": {"type": "array", "items": EVENT["properties"]["kind"]}},
    {"name": "joined", "in": "query", "explode": False, "schema": {"type": "array", "items": TEXT}},
    {"name": "place", "in": "query", "schema": TEXT},
    {
        "name": "created",
        "in": "query",
        "style": "deepObject",
        "schema": {"type": "object", "properties": {"gte": INTEGER, "lt": INTEGER}},
    },
    {"name": "since", "in": "query", "schema": {"type": "string", "format": "date"}},
    {"name": "until", "in": "query", "schema": {"type": "string", "format": "date"}},
    {"name": "q", "in": "query", "schema": TEXT},
    {"name": "sort", "in": "query", "schema": {"type": "string", "enum": ["created", "kind"]}},
    {"name": "direction", "in": "query", "schema": {"type": "string", "enum": ["up", "down"]}},
    {"name": "Version", "in": "header", "required": True, "schema": {"type": "string", "enum": ["1"]}},
]
EVENTS = {
    "openapi": "3.0.3",
    "info": {"title": "Events", "version": "1"},
    "paths": {
        "/events": {
            "get": {
                "parameters": PARAMETERS,
                "responses": {
                    "200": {
                        "description": "",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["data", "total", "object"],
                                    "properties": {
                                        "data": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
                                        "total": INTEGER,
                                        "object": {"type": "string", "enum": ["list"]},
                                    },
                                }
                            }
                        },
                    }
                },
            }
        },
        "/events/{event_id}": {"get": {"responses": {"200": {"description": ""}}}},
    },
    "components": {"schemas": {"Event": EVENT}},
}
LIST = Endpoint(
    SimpleNamespace(OPERATION="GET /events", build_request=lambda **_: {"method": "get", "url": "/events"}),
    reader=reader(items="data", total="total"),
    paging=PageNumber(largest=50),
    fields=EventFields(),
    order=OrderBy(("created", "kind"), param="sort", several=False, descending=Direction("direction", "up", "down")),
)


def events(**options):
    return Sandbox.from_document(EVENTS, LIST, **options)


async def get(sandbox, query="", path="/events", headers=None):
    response = await ask(sandbox.app, f"{path}?{query}", headers={"Version": "1"} if headers is None else headers)
    return response.status_code, orjson.loads(response.content) if response.content else None


# ---- rows


def without_references(node, whole):
    if isinstance(node, list):
        return [without_references(one, whole) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = whole
        for part in node["$ref"].split("/")[1:]:
            target = target[part]
        return without_references(target, whole)
    return {key: without_references(value, whole) for key, value in node.items()}


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
def test_rows_are_as_their_schema_says(api):
    """As another validator reads it; no two have one key, and they are the same in every run."""
    sandbox = Sandbox.from_document(api, rows=300)
    rows = sandbox.rows()
    assert rows == Sandbox.from_document(api, rows=300).rows()
    assert rows[:20] == Sandbox.from_document(api, rows=20).rows()
    assert len({row["id"] for row in rows}) == 300
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    whole = YAML(typ="safe").load((OPENAPI / f"{api}.yaml").read_text())
    name = {"kintsugi": "CustomerRead", "sweetspot": "Customer"}[api]
    kind = OAS31Validator if whole["openapi"].startswith("3.1") else OAS30Validator
    validator = kind(without_references(whole["components"]["schemas"][name], whole))
    assert [error.message for row in rows for error in validator.iter_errors(row)] == []


def test_values_are_various():
    """Enumerations in turn, examples where there are some, null and nothing now and then, times that ascend."""
    rows = events(rows=200).rows()
    validator = OAS30Validator(EVENT)
    assert all(validator.is_valid(row) for row in rows)
    assert {row["kind"] for row in rows} == {"opened", "closed", "moved"}
    assert {row.get("place", "absent") for row in rows} == {"Rome", "Oslo", None, "absent"}
    for name in ("id", "created", "at"):
        assert [row[name] for row in rows] == sorted({row[name] for row in rows})
    assert rows[0]["created"] > 1_700_000_000  # the binding says that it is a time


def test_rows_may_be_given():
    """As they are; two with one key are refused."""
    rows = [{"id": 3, "kind": "opened"}, {"id": 1, "kind": "odd"}]
    assert events(rows=rows).rows() == rows
    with pytest.raises(ValueError, match="a row with the key '3' already"):
        events(rows=[*rows, {"id": 3}])


# ---- requests


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "test"),
    [
        ("kind=opened", lambda row: row["kind"] == "opened"),
        ("kind=opened&kind=moved", lambda row: row["kind"] != "closed"),
        ("joined=opened,moved", lambda row: row["kind"] != "closed"),
        ("place=Oslo", lambda row: row.get("place") == "Oslo"),
        ("q=OSL", lambda row: row.get("place") == "Oslo"),
        ("created[gte]=1740250000&created[lt]=1740260000", lambda row: 1740250000 <= row["created"] < 1740260000),
        ("since=2025-02-22&until=2025-02-23", lambda row: "2025-02-22" <= row["at"][:10] <= "2025-02-23"),
    ],
)
async def test_it_filters_by_what_rows_carry(query, test):
    """One value, several in the document's style, ranges, dates, and text anywhere."""
    sandbox = events(rows=200)
    expected = [row for row in sandbox.rows() if test(row)]
    assert 0 < len(expected) < 200
    assert sandbox.rows(query) == expected
    status, body = await get(sandbox, f"{query}&size=50")
    assert (status, body["total"]) == (200, len(expected))
    assert body["data"] == expected[:50]


@pytest.mark.asyncio
async def test_it_sorts_as_the_binding_says():
    """Rows without a value come last, and equal ones as they were added."""
    sandbox = events(rows=40)
    _, body = await get(sandbox, "sort=kind&direction=down&size=50")
    rows = sorted(sandbox.rows(), key=lambda row: row["kind"], reverse=True)
    assert body["data"] == sandbox.rows("sort=kind&direction=down") == rows


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sise=10", "there is no parameter 'sise'; did you mean 'size'?"),
        ("size=51", "size: it must be at most 50, not 51"),
        ("page=0", "page: it must be at least 1, not 0"),
        ("page=two", "page: it must be integer, not 'two'"),
        ("page=1&page=2", "page: it takes one value, not several"),
        ("kind=lost", "kind: it must be one of opened, closed, moved, not 'lost'"),
        ("since=yesterday", "since: it must be a date, not 'yesterday'"),
        ("created[gte]=now", "created[gte]: it must be integer, not 'now'"),
        ("direction=left", "direction: it must be one of up, down, not 'left'"),
    ],
)
async def test_a_request_that_is_not_as_documented_is_refused(query, message):
    """With 400 and the reason; it is in the log like any other."""
    sandbox = events()
    assert await get(sandbox, query) == (400, {"message": message})
    assert [request.status for request in sandbox.requests] == [400]


@pytest.mark.asyncio
async def test_a_header_that_is_required_is_missed():
    """And one that has another value is refused."""
    assert await get(events(), headers={}) == (400, {"message": "the header 'Version' is required"})
    status, body = await get(events(), headers={"Version": "2"})
    assert (status, body["message"]) == (400, "Version: it must be one of 1, not '2'")


@pytest.mark.asyncio
async def test_pages_have_the_documents_envelope_and_default_size():
    """And single rows are found by their keys."""
    sandbox = events(rows=25)
    _, body = await get(sandbox, "page=3")
    assert body == {"data": sandbox.rows()[20:], "total": 25, "object": "list"}
    one = sandbox.rows()[7]
    assert await get(sandbox, path=f"/events/{one['id']}") == (200, one)
    assert (await get(sandbox, path="/events/1"))[0] == 404
    assert (await get(sandbox, path="/nowhere"))[0] == 404


# ---- our own two, made from their documents


@pytest.mark.asyncio
async def test_a_clone_knows_its_apis_by_name():
    """Document and binding are found by it; the client is the binding's own."""
    sandbox = Sandbox.from_document("kintsugi", rows=260)
    assert isinstance(sandbox, DocumentSandbox)
    async with sandbox.client(Kintsugi, **KEYS) as kintsugi:
        assert [row.id for row in await kintsugi.customers.to_list()] == [row["id"] for row in sandbox.rows()]
        assert await kintsugi.customers.count() == 260
        found = await kintsugi.customers.where(country=["US", "CA"], source=["SHOPIFY", "STRIPE"]).to_list()
        assert [row.id for row in found] == [
            row["id"] for row in sandbox.rows("country=US&country=CA&source__in=SHOPIFY,STRIPE")
        ]
        assert (await kintsugi.customers.get(sandbox.rows()[3]["id"])).id == sandbox.rows()[3]["id"]
    assert {request.status for request in sandbox.requests} == {200}


@pytest.mark.asyncio
async def test_it_is_served_over_a_socket_too():
    """In a thread, for any client."""
    sandbox = Sandbox.from_document(OPENAPI / "sweetspot.yaml", *endpoints("sweetspot"), rows=120)
    with sandbox.serve() as url:
        async with SweetSpot(token="any", base_url=url) as sweetspot:
            assert await sweetspot.customers.count() == 120
    assert sandbox.peak[sandbox.name] >= 1


def endpoints(name):
    module = __import__(f"readahead.{name}", fromlist=["*"])
    return [value for value in vars(module).values() if isinstance(value, Endpoint)]


@pytest.mark.asyncio
async def test_credentials_are_those_of_the_document():
    """Any value will do; none is 401."""
    sandbox = Sandbox.from_document("sweetspot", rows=3)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://127.0.0.1") as http:
        assert (await http.get("/v1/customers")).status_code == 401
        assert (await http.get("/v1/customers", headers={"Authorization": "Basic x"})).status_code == 401
        assert (await http.get("/v1/customers", headers={"Authorization": "Bearer x"})).status_code == 200


# ---- bindings that find things by functions, and what does not fit


@pytest.mark.asyncio
async def test_a_function_that_finds_the_next_page_needs_one_that_writes_it():
    """The page is handed to it, with the body as it would be sent."""
    odd = evolve(
        LIST, reader=reader(items="data", next=lambda body: body["pages"][-1]), paging=Cursor("page", "size", 50)
    )
    with pytest.raises(UsageError, match="pass answer=, a function that writes the body"):
        Sandbox.from_document(EVENTS, odd)
    sandbox = Sandbox.from_document(
        EVENTS, odd, rows=70, answer=lambda page, body: body | {"pages": [page.offset, page.next]}
    )
    status, body = await get(sandbox, "size=50")
    assert (status, body["pages"][0], len(body["data"]), body["object"]) == (200, 0, 50, "list")
    assert body["pages"][1] is not None


@pytest.mark.parametrize(
    ("source", "lists", "message"),
    [
        ("kintsugy", [LIST], "apis.toml has no API 'kintsugy'; did you mean 'kintsugi'?"),
        ("nowhere.json", [LIST], "there is no file 'nowhere.json'"),
        ({"openapi": "3.0.3"}, [LIST], "it has no 'paths'"),
        (EVENTS, [], "needs the list of a binding"),
        ("nothing", [], "has no binding 'nothing' with an Endpoint"),
        (
            EVENTS,
            [CUSTOMERS],
            "has no operation 'GET /v1/customers'; give the document that the client was generated from",
        ),
    ],
)
def test_what_does_not_fit_is_said(source, lists, message):
    """Before anything is served."""
    with pytest.raises(UsageError) as caught:
        Sandbox.from_document(source, *lists)
    assert message in str(caught.value)


def test_wrong_arguments():
    """As those of the built-in sandbox."""
    with pytest.raises(TypeError, match="faults must be Faults"):
        events(faults={"cap": 3})
    with pytest.raises(ValueError, match="rows must not be negative"):
        events(rows=-1)


def test_documents_are_read_as_yaml_1_2(tmp_path):
    """Dates stay text, and yes and no as well."""
    text = json.dumps(EVENTS).replace('"Rome", "Oslo"', "2024-01-02, no, yes")
    path = tmp_path / "events.yaml"
    path.write_text(text)
    assert {row.get("place") for row in Sandbox.from_document(path, LIST, rows=60).rows()} == {
        "2024-01-02", "no", "yes", None,
    }  # fmt: skip


@pytest.mark.asyncio
async def test_errors_reach_the_client_in_words():
    """What is wrong with a request is what its error says."""
    sandbox = Sandbox.from_document("sweetspot", rows=3)
    async with sandbox.client(SweetSpot, token="any") as sweetspot:
        with pytest.raises(InvalidRequest, match="there is no parameter 'colour'"):
            await sweetspot.customers.extra_params(colour="red").first()


def test_a_style_of_ones_own_is_refused():
    """Before anything is served, not at the first request."""

    class Spiral(Style):
        """One that the sandbox does not know."""

        largest, where, page_size, parameters, plan_type = 10, "query", None, (), None

    with pytest.raises(UsageError, match=r"the sandbox cannot page by Spiral; test such a list against a server"):
        Sandbox.from_document("kintsugi", evolve(CUSTOMERS, paging=Spiral()), rows=1)
