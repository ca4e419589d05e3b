"""Each class of the report, by changing the newest published document in one place."""

import copy
import json
import tomllib

import pytest

from specs.documents.document import load
from specs.documents.normalise import normalise
from specs.documents.repair import repair
from specs.pipeline.command import ROOT
from specs.pipeline.compare import Level, compare
from specs.pipeline.fitting import fit, not_exposed
from specs.pipeline.overlay import apply
from specs.pipeline.take import lost, take

ENTRY = tomllib.loads((ROOT / "openapi/apis.toml").read_text())["kintsugi"]
LIST, ONE = "/v1/customers", "/v1/customers/{customer_id}"
BINDING = ROOT / "wrapper/readahead/kintsugi.py"


def seen(document):
    """The document as callers meet it: without our overlay it would have other names."""
    return normalise(apply(document, load(ROOT / "openapi/kintsugi.overlay.yaml"), all_match=False))


def schemas(document):
    return document["components"]["schemas"]


def parameter(document, name):
    return next(each for each in document["paths"][LIST]["get"]["parameters"] if each["name"] == name)


def rename(schema, old, new):
    schema["properties"] = {new if key == old else key: value for key, value in schema["properties"].items()}


def require_new(schema, name):
    schema["properties"][name] = TEXT
    schema["required"] = [*schema.get("required", []), name]


def set_in(node, **changes):
    node.update({key.rstrip("_"): value for key, value in changes.items()})


TEXT = {"type": "string"}
NEW_QUERY = {"name": "createdAfter", "in": "query", "required": False, "schema": TEXT}
NUMBER = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
LINE = 'add created_after = Relation(param="created_after")'
COUNTRIES = {"type": "array", "items": {"$ref": "#/components/schemas/CountryCodeEnum"}}
NEW_COUNTRIES = {**NEW_QUERY, "name": "taxCountry", "schema": COUNTRIES}

# what is done to the document, and all that may be said of it: level, kind, name, a part of the detail
MUTATIONS = {
    "a server of its own": (
        lambda d: d.update(servers=[{"url": "https://eu.trykintsugi.com"}]),
        [(Level.NONE, "server new", "client", "the client stays with https://api.trykintsugi.com")],
    ),
    "our server, written otherwise": (
        lambda d: d.update(servers=[{"url": "https://api.trykintsugi.com/"}]),
        [(Level.NONE, "document changed", "document", "")],
    ),
    "parameter takes listed values or null": (
        lambda d: set_in(parameter(d, "state"), schema={"anyOf": [{**TEXT, "enum": ["CA", "NY"]}, {"type": "null"}]}),
        [
            (Level.BREAKING, "parameter takes listed values", "list_customers(state)", "ListCustomersState"),
            (Level.NEW, "enumeration new", "ListCustomersState", ""),
        ],
    ),
    "header of a credential": (
        lambda d: d["components"]["securitySchemes"]["APIKeyHeader"].update(name="X-Key"),
        [(Level.BREAKING, "credentials changed", "client", "x-key in header")],
    ),
    "field gone": (
        lambda d: schemas(d)["CustomerRead"]["properties"].pop("email"),
        [(Level.BREAKING, "field gone", "Customer.email", "")],
    ),
    "field renamed": (
        lambda d: rename(schemas(d)["CustomerRead"], "county", "county_name"),
        [(Level.BREAKING, "field renamed", "Customer.county", "now Customer.county_name")],
    ),
    "key renamed": (
        lambda d: rename(schemas(d)["CustomerCreate"], "county", "county_name"),
        [(Level.BREAKING, "key renamed", "NewCustomer.county", "now NewCustomer.county_name")],
    ),
    "parameter renamed": (
        lambda d: parameter(d, "state").update(name="state_code"),
        [(Level.BREAKING, "parameter renamed", "list_customers(state)", "now state_code")],
    ),
    "field retyped": (
        lambda d: schemas(d)["CustomerRead"]["properties"].update(phone=NUMBER),
        [(Level.BREAKING, "field retyped", "Customer.phone", "string | null is now integer | null")],
    ),
    "field newly nullable": (
        lambda d: schemas(d)["CustomerRead"]["properties"].update(id={"anyOf": [TEXT, {"type": "null"}]}),
        [(Level.BREAKING, "field newly nullable", "Customer.id", "None")],
    ),
    "field newly optional": (
        lambda d: schemas(d)["CustomerRead"]["required"].remove("id"),
        [(Level.BREAKING, "field newly nullable", "Customer.id", "missing")],
    ),
    "field always there": (
        lambda d: schemas(d)["CustomerRead"]["properties"].update(email=TEXT),
        [(Level.NONE, "field may be None as before", "Customer.email", "")],
    ),
    "field new": (
        lambda d: schemas(d)["CustomerRead"]["properties"].update(loyaltyPoints={"type": "integer"}),
        [
            (Level.NEW, "field new", "Customer.loyalty_points", "integer"),
            (Level.HAND, "field not exposed", "Customer.loyalty_points",
             'add loyalty_points = Number(attr="loyalty_points")'),
        ],
    ),
    "key gone": (
        lambda d: schemas(d)["CustomerCreate"]["properties"].pop("email"),
        [(Level.BREAKING, "key gone", "NewCustomer.email", "")],
    ),
    "key newly required": (
        lambda d: schemas(d)["CustomerUpdate"].update(required=["email"]),
        [(Level.BREAKING, "key newly required", "CustomerChanges.email", "")],
    ),
    "new key that is required": (
        lambda d: require_new(schemas(d)["CustomerCreate"], "vat"),
        [(Level.BREAKING, "key newly required", "NewCustomer.vat", "")],
    ),
    "key no longer nullable": (
        lambda d: schemas(d)["CustomerUpdate"]["properties"].update(phone=TEXT),
        [(Level.BREAKING, "key no longer nullable", "CustomerChanges.phone", "")],
    ),
    "key takes more": (
        lambda d: schemas(d)["CustomerUpdate"]["properties"].update(phone={"anyOf": [TEXT, NUMBER]}),
        [(Level.NEW, "key takes more", "CustomerChanges.phone", "")],
    ),
    "parameter gone": (
        lambda d: d["paths"][LIST]["get"]["parameters"].remove(parameter(d, "state")),
        [(Level.BREAKING, "parameter gone", "list_customers(state)", "")],
    ),
    "parameter retyped": (
        lambda d: set_in(parameter(d, "state"), schema={"type": "integer"}),
        [
            (Level.BREAKING, "parameter no longer nullable", "list_customers(state)", ""),
            (Level.BREAKING, "parameter retyped", "list_customers(state)", "integer"),
        ],
    ),
    "parameter newly required": (
        lambda d: set_in(parameter(d, "state"), required=True),
        [
            (Level.BREAKING, "parameter newly required", "list_customers(state)", ""),
            (Level.BREAKING, "every query needs a parameter", "list_customers(state)", "where(state=...)"),
        ],
    ),
    "new parameter that is required": (
        lambda d: d["paths"][LIST]["get"]["parameters"].append({**NEW_QUERY, "required": True}),
        [
            (Level.BREAKING, "parameter newly required", "list_customers(created_after)", ""),
            (Level.HAND, "parameter not exposed", "list_customers(created_after)", LINE),
            (
                Level.BREAKING, "every query needs a parameter", "list_customers(created_after)",
                'Reading(self._sender, CUSTOMERS, {"created_after": ...})',
            ),
        ],
    ),
    "parameter new": (
        lambda d: d["paths"][LIST]["get"]["parameters"].append(NEW_QUERY),
        [
            (Level.NEW, "parameter new", "list_customers(created_after)", ""),
            (Level.HAND, "parameter not exposed", "list_customers(created_after)", LINE),
        ],
    ),
    "parameter new, a list of choices": (
        lambda d: d["paths"][LIST]["get"]["parameters"].append(NEW_COUNTRIES),
        [
            (Level.NEW, "parameter new", "list_customers(tax_country)", ""),
            (Level.HAND, "parameter not exposed", "list_customers(tax_country)",
             'add tax_country = Choice(Country, param="tax_country", many=True)'),
        ],
    ),
    "parameter new, so far evaluated on rows": (
        lambda d: d["paths"][LIST]["get"]["parameters"].append({**NEW_QUERY, "name": "status"}),
        [
            (Level.NEW, "parameter new", "list_customers(status)", ""),
            (Level.HAND, "parameter not exposed", "list_customers(status)",
             'change it to status = Choice(CustomerStatus, param="status", attr="status")'),
        ],
    ),
    "parameter new, a number": (
        lambda d: d["paths"][LIST]["get"]["parameters"].append({**NEW_QUERY, "schema": {"type": "integer"}}),
        [
            (Level.NEW, "parameter new", "list_customers(created_after)", ""),
            (Level.HAND, "parameter not exposed", "list_customers(created_after)",
             'add created_after = Number(param="created_after")'),
        ],
    ),
    "parameter new, where nothing lists": (
        lambda d: d["paths"][ONE]["get"]["parameters"].append({**NEW_QUERY, "name": "expand"}),
        [
            (Level.NEW, "parameter new", "get_customer(expand)", ""),
            (Level.HAND, "parameter not exposed", "get_customer(expand)", "add expand: str | None to the arguments of"),
        ],
    ),
    "value gone": (
        lambda d: schemas(d)["SourceEnum"]["enum"].remove("SHOPIFY"),
        [(Level.BREAKING, "value gone", "Source", "'SHOPIFY'")],
    ),
    "value renamed": (
        lambda d: set_in(schemas(d)["SourceEnum"], enum=[each.replace("_", "-") if each == "INTERNAL_ERP" else each
                                                        for each in schemas(d)["SourceEnum"]["enum"]]),
        [(Level.BREAKING, "value renamed", "Source", "'INTERNAL_ERP' is now 'INTERNAL-ERP'")],
    ),
    "value new": (
        lambda d: schemas(d)["StatusEnum"]["enum"].append("MERGED"),
        [(Level.NEW, "value new", "CustomerStatus", "'MERGED'")],
    ),
    "lower page-size limit": (
        lambda d: parameter(d, "size")["schema"].update(maximum=50),
        [
            (Level.BREAKING, "parameter limit lower", "list_customers(size)", "maximum 100 is now 50"),
            (Level.HAND, "page size", "list_customers(size)", "largest=50"),
        ],
    ),
    "higher page-size limit": (
        lambda d: parameter(d, "size")["schema"].update(maximum=500),
        [
            (Level.NONE, "parameter limit relaxed", "list_customers(size)", "500"),
            (Level.HAND, "page size", "list_customers(size)", "largest=500"),
        ],
    ),
    "operation renamed is not seen": (
        lambda d: set_in(d["paths"][LIST]["get"], operationId="another_id"),
        [],
    ),
    "result retyped": (
        lambda d: set_in(d["paths"][LIST]["get"]["responses"]["200"]["content"]["application/json"],
                         schema={"type": "array", "items": {"$ref": "#/components/schemas/CustomerRead"}}),
        [
            (Level.BREAKING, "class gone", "CustomerPage", ""),
            (Level.BREAKING, "result retyped", "list_customers()", "CustomerPage is now list[Customer]"),
        ],
    ),
    "default changed": (lambda d: parameter(d, "size")["schema"].update(default=20), []),
    "prose changed": (lambda d: set_in(d["paths"][LIST]["get"], summary="Other words", description="and more"), []),
    "limit of what is read": (
        lambda d: schemas(d)["Page_CustomerRead_"]["properties"]["total"].update(minimum=1),
        [(Level.NONE, "field limit higher", "CustomerPage.total", "")],
    ),
    "status new": (
        lambda d: d["paths"][LIST]["get"]["responses"].update({"429": {"description": ""}}),
        [(Level.NONE, "status new", "list_customers()", "429")],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def newest(published):
    document = load(published)
    return document, seen(take(repair(document), ENTRY["operations"], "Kintsugi"))


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_class_of_change(newest, name):
    """One change in the document is exactly the lines that it should be, at the level that it should have."""
    mutate, expected = MUTATIONS[name]
    document, before = newest
    changed = copy.deepcopy(document)
    mutate(changed)
    after = seen(take(repair(changed), ENTRY["operations"], "Kintsugi"))
    found = [*compare(before, after), *not_exposed(BINDING, before, after, ENTRY["paging"])]
    assert [(each.level, each.kind, each.name) for each in found] == [each[:3] for each in expected]
    assert all(wanted[3] in each.detail for each, wanted in zip(found, expected, strict=True))


def test_nothing_is_said_of_nothing(newest):
    """A document is like itself, and a change of the wrong direction is another change."""
    _, before = newest
    assert compare(before, before) == []
    assert list(not_exposed(BINDING, before, before, ENTRY["paging"])) == []


def test_a_parameter_for_a_bound_is_exposed_already(newest):
    """It is not offered again; and what has no parameter any more goes from its field, or with it."""
    document, before = newest
    text = BINDING.read_text().replace(
        "    search = ",
        '    made = Number(ge="created_after", lt="gone")\n    city_ = Text(attr="city")\n    search = ',
    )
    changed = copy.deepcopy(document)
    changed["paths"][LIST]["get"]["parameters"].append(NEW_QUERY)
    after = seen(take(repair(changed), ENTRY["operations"], "Kintsugi"))
    there = fit(text, before, after, ENTRY["paging"])
    assert "parameter not exposed" not in {each.kind for each in there.changes}
    assert '    made = Number(ge="created_after")\n' in there.text
    gone = fit(there.text, after, before, ENTRY["paging"])
    assert "made =" not in gone.text
    assert "city_ =" in gone.text


def test_an_operation_that_moved_is_found(newest):
    """An operation at another address is known by its id, or by its address without the version."""
    document, _ = newest
    old = take(repair(document), ENTRY["operations"], "Kintsugi")
    for rename in (False, True):
        changed = copy.deepcopy(document)
        changed["paths"]["/v2/customers"] = changed["paths"].pop(LIST)
        if rename:
            changed["paths"]["/v2/customers"]["get"]["operationId"] = "another"
        assert lost(changed, ENTRY["operations"], old)["GET /v1/customers"] == "GET /v2/customers"
    del changed["paths"]["/v2/customers"]
    assert lost(changed, ENTRY["operations"], old)["GET /v1/customers"] is None


def thing(**changes):
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
    get = {"operationId": "get_a", "responses": {"200": {"description": "", "content": content}}}
    made = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": get}},
        "components": {"schemas": {"A": {"type": "object", "properties": changes}}},
    }
    return normalise(json.loads(json.dumps(made)))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"type": "number"}, {"type": "integer"}, "no effect"),
        ({"type": "integer"}, {"type": "number"}, "breaking"),
        (TEXT, {"type": "string", "format": "date-time"}, "breaking"),
        (TEXT, {"type": "string", "format": "email"}, "no effect"),
        ({}, TEXT, "no effect"),
        (TEXT, {}, "breaking"),
        ({"type": "string", "enum": ["x"]}, {"type": "string", "enum": ["x", "y"]}, "new"),
        ({"type": "array", "items": TEXT}, {"type": "array", "items": {"type": "integer"}}, "breaking"),
        ({"type": "object", "properties": {"b": TEXT}}, {"type": "object", "properties": {}}, "breaking"),
        ({"type": "object"}, {"type": "object", "properties": {"b": TEXT}}, "breaking"),
        ({"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}, "no effect"),
    ],
)  # fmt: skip
def test_what_is_read_may_become_narrower(before, after, expected):
    """Every value of the new type must be one of the old, however the document writes it."""
    changes = compare(thing(a=before), thing(a=after))
    assert {str(each.level) for each in changes[:1]} == {expected}, changes


@pytest.mark.parametrize("first", [False, True])
def test_a_new_operation_renames_nothing(first):
    """A class of a parameter that several operations share, by reference or by path, is named after what they share."""
    answer = {"responses": {"204": {"description": ""}}}
    sort = {"$ref": "#/components/parameters/Sort"}
    kind = {"name": "kind", "in": "path", "required": True, "schema": {"type": "string", "enum": ["x", "y"]}}
    parameters = {"Sort": {"name": "sort", "in": "query", "schema": {"type": "string", "enum": ["asc", "desc"]}}}
    older = {"put": {"operationId": "put_a", "parameters": [sort], **answer}}
    newer = {"get": {"operationId": "get_a", "parameters": [sort], **answer}}
    before, after = (
        normalise(
            copy.deepcopy(
                {
                    "openapi": "3.1.0",
                    "info": {"title": "t", "version": "1"},
                    "paths": {"/a/{kind}": {"parameters": [kind], **methods}},
                    "components": {"parameters": parameters},
                }
            )
        )
        for methods in (older, {**newer, **older} if first else {**older, **newer})
    )
    assert [(each.level, each.kind) for each in compare(before, after)] == [(Level.NEW, "operation new")]
    assert {"a_kind__kind", "Sort"} <= after["components"]["schemas"].keys()
