import copy
import json
import tomllib

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, validate

from specs.documents.document import SpecError, dump, load, operations, parse, references
from specs.documents.repair import repair
from specs.pipeline.command import ROOT
from specs.pipeline.overlay import apply
from specs.pipeline.take import take, take_what_can_be

OPENAPI = ROOT / "openapi"
APIS = tomllib.loads((OPENAPI / "apis.toml").read_text())
WANTED = APIS["kintsugi"]["operations"]


def taken(source):
    return take(repair(load(source)), WANTED, "Kintsugi")


def test_the_rest_of_the_document_has_no_influence(upstream):
    """The whole published document and its customers part give the same bytes."""
    for whole in sorted((upstream / "full").glob("*.json")):
        assert dump(taken(whole)) == dump(taken(upstream / whole.name))


def test_the_committed_document_is_the_one_that_the_lock_names(upstream):
    """Taking the locked source again gives the committed document, byte for byte."""
    lock = tomllib.loads((OPENAPI / "openapi.lock").read_text())
    source = upstream / lock["sources"]["kintsugi"]["name"]
    assert dump(taken(source)) == (OPENAPI / "kintsugi.yaml").read_text()


def test_none_of_the_prose_comes_along(upstream):
    """No text of the source that is more than a name is in the committed document."""
    lock = tomllib.loads((OPENAPI / "openapi.lock").read_text())
    prose = set()

    def collect(node, key=None):
        if isinstance(node, dict):
            for name, item in node.items():
                collect(item, name)
        elif isinstance(node, list):
            for item in node:
                collect(item, key)
        elif isinstance(node, str) and key in {"description", "summary", "title", "example"} and " " in node.strip():
            prose.add(node.strip())

    collect(load(upstream / lock["sources"]["kintsugi"]["name"]))
    assert len(prose) > 50
    for name in ("kintsugi.yaml", "kintsugi.overlay.yaml", "sweetspot.yaml"):
        text = (OPENAPI / name).read_text()
        assert [each for each in prose if each in text] == []


OWN = ROOT / "tests" / "specs" / "tickets.yaml"
OWN_WANTED = ["GET /v1/customers", "POST /v1/customers"]


def test_what_is_not_taken_has_no_influence():
    """Of our own document the part that is taken, and all of it in another order, give the same bytes."""
    document = load(OWN)
    part = copy.deepcopy(document)
    del part["paths"]["/v1/tickets"], part["components"]["schemas"]["TicketRead"], part["tags"]
    part["info"]["description"] = "Something else."
    part["components"]["schemas"] = dict(reversed(part["components"]["schemas"].items()))
    assert dump(take(part, OWN_WANTED, "Tickets")) == dump(take(document, OWN_WANTED, "Tickets"))


def test_no_prose_is_taken():
    """Of our own document nothing is left that is a sentence or an example."""
    text = dump(take(load(OWN), OWN_WANTED, "Tickets"))
    for prose in ("Pages of customers", "List the", "One page", "Ada Lovelace", "identifier", "separated", "people"):
        assert prose in OWN.read_text()
        assert prose not in text
    assert "TicketRead" not in text


def test_the_committed_document_has_no_texts():
    """The taken document has names, types and values only: no titles, summaries, examples, and empty descriptions."""
    text = (OPENAPI / "kintsugi.yaml").read_text()
    for keyword in ("summary:", "example:", "examples:"):
        assert keyword not in text
    document = load(OPENAPI / "kintsugi.yaml")
    assert text.count("description:") == sum(len(operation["responses"]) for _, _, operation in operations(document))
    assert text.count("title:") == 1


def test_norway_is_a_country_for_every_reader_of_yaml():
    """Values that YAML 1.1 takes for booleans are quoted, and what is written is read back the same."""
    document = {"enum": ["NO", "on", "y", "NL", "1", "null"], "1": {"a": []}}
    assert parse(dump(document), "") == document
    assert "'NO'" in dump(document)
    assert "'NO'" in (OPENAPI / "kintsugi.yaml").read_text()


@pytest.mark.parametrize("api", APIS)
def test_documents_are_valid(api):
    """Both documents are valid OpenAPI, as committed and as corrected, with a server and nothing dangling."""
    document = load(OPENAPI / APIS[api]["document"])
    validate(document)
    if "overlay" in APIS[api]:
        document = apply(document, load(OPENAPI / APIS[api]["overlay"]))
        validate(document)
    assert document["servers"][0]["url"].startswith("https://")
    names = {f"#/components/{kind}/{name}" for kind, found in document["components"].items() for name in found}
    assert set(references(document)) <= names


def test_keys_belong_to_the_client():
    """No operation of either API has a credential among its arguments."""
    for api, entry in APIS.items():
        document = load(OPENAPI / entry["document"])
        if "overlay" in entry:
            document = apply(document, load(OPENAPI / entry["overlay"]))
        for _, _, operation in operations(document):
            assert not [each for each in operation.get("parameters", []) if each.get("in") == "header"], api
        assert document["security"]


SMALL = {
    "openapi": "3.1.0",
    "info": {"title": "Vendor's title", "version": "7"},
    "paths": {
        "/a": {
            "get": {
                "operationId": "a",
                "summary": "prose",
                "responses": {"200": {"description": "prose", "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/A"}, "example": {"title": "prose"}}}}},
            },
            "post": {"operationId": "b", "responses": {}},
        }
    },
    "components": {
        "schemas": {
            "A": {
                "type": "object",
                "title": "prose",
                "x-vendor": "prose",
                "properties": {
                    "title": {"type": "string", "description": "prose"},
                    "description": {"$ref": "#/components/schemas/B"},
                    "default": {"$ref": "#/components/schemas/C"},
                },
            },
            "B": {"type": "string", "enum": ["title"], "default": "title"},
            "C": {"type": "integer"},
            "D": {"type": "integer"},
        }
    },
}  # fmt: skip


def test_a_field_may_be_called_like_a_keyword():
    """Prose goes, fields called title, description or default stay, with what they refer to; the rest is left."""
    document = take(SMALL, ["GET /a"], "Ours")
    assert document["info"] == {"title": "Ours", "version": "7"}
    assert list(document["paths"]["/a"]) == ["get"]
    assert list(document["components"]["schemas"]) == ["A", "B", "C"]
    assert list(document["components"]["schemas"]["A"]["properties"]) == ["title", "description", "default"]
    assert document["components"]["schemas"]["B"] == {"default": "title", "enum": ["title"], "type": "string"}
    assert "prose" not in json.dumps(document)


def test_an_operation_that_is_not_there_is_an_error():
    """An operation that upstream no longer has is named."""
    with pytest.raises(SpecError, match="PUT /a"):
        take(SMALL, ["GET /a", "PUT /a"], "Ours")


def test_a_reference_to_nothing_is_an_error():
    """A reference that leads nowhere, or out of the document, is named."""
    for target in ("#/components/schemas/Z", "https://example.org/#/A"):
        broken = copy.deepcopy(SMALL)
        broken["components"]["schemas"]["A"]["properties"]["title"] = {"$ref": target}
        with pytest.raises(SpecError, match=target):
            take(broken, ["GET /a"], "Ours")


def test_common_mistakes_are_mended():
    """A boolean `required` in a property, an enumeration of nothing and an undeclared path parameter are mended."""
    mended = repair(
        {
            "paths": {"/a/{b}": {"get": {"parameters": [{"in": "query", "name": "c", "required": True}]}}},
            "components": {
                "schemas": {"A": {"properties": {"required": {"type": "string", "required": True, "enum": []}}}}
            },
        }
    )
    assert mended["components"]["schemas"]["A"]["properties"] == {"required": {"type": "string"}}
    query, path = mended["paths"]["/a/{b}"]["get"]["parameters"]
    assert query["required"] is True
    assert path == {"name": "b", "in": "path", "required": True, "schema": {"type": "string"}}


@pytest.mark.parametrize(
    ("version", "schema", "mended"),
    [
        ("3.1.0", {"minimum": 0, "exclusiveMinimum": True}, {"exclusiveMinimum": 0}),
        ("3.1.0", {"minimum": 0, "exclusiveMinimum": False}, {"minimum": 0}),
        ("3.1.0", {"exclusiveMaximum": 5}, {"exclusiveMaximum": 5}),
        ("3.0.3", {"exclusiveMaximum": 5}, {"maximum": 5, "exclusiveMaximum": True}),
        ("3.0.3", {"maximum": 5, "exclusiveMaximum": True}, {"maximum": 5, "exclusiveMaximum": True}),
        ("3.1.0", {"required": ["a", "b", "a"]}, {"required": ["a", "b"]}),
        ("3.1.0", {"$recursiveAnchor": True}, {}),
        ("3.1.0", {"type": "array"}, {"type": "array", "items": {}}),
    ],
)
def test_schemas_of_another_version_are_mended(version, schema, mended):
    """Limits are exclusive in the way of the version that the document says; what is doubled or dangling goes."""
    given = {"openapi": version, "paths": {}, "components": {"schemas": {"A": schema}}}
    assert repair(given)["components"]["schemas"]["A"] == mended


def faulty(schema, version="3.0.3"):
    """A document of 40 operations, of which one answers with this schema."""

    def answers(given):
        return {"200": {"description": "", "content": {"application/json": {"schema": given}}}}

    schemas = {"Odd": schema, "Right": {"type": "object", "properties": {"a": {"type": "string"}}}}
    kinds = ["Right"] * 39 + ["Odd"]
    paths = {
        f"/p{number}": {"get": {"responses": answers({"$ref": f"#/components/schemas/{kind}"})}}
        for number, kind in enumerate(kinds)
    }
    info = {"title": "t", "version": "1"}
    return {"openapi": version, "info": info, "paths": paths, "components": {"schemas": schemas}}


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_a_fault_costs_its_operation_and_is_named_by_its_innermost_cause(version):
    """Not by the alternatives that a schema has around it."""
    schema = {"type": "object", "properties": {"x": {"type": "array", "items": {"allOf": {"a": 1}}}}}
    taken, left_out = take_what_can_be(faulty(schema, version), "t")
    assert len(taken["paths"]) == 39
    assert left_out.keys() == {"GET /p39"}
    assert "{'a': 1} is not of type 'array'" in left_out["GET /p39"]
    assert "/properties/x/items/allOf" in left_out["GET /p39"]


def test_a_document_with_one_fault_is_not_validated_operation_by_operation(monkeypatch):
    """The whole twice, with the fault and without it."""
    validated = []
    real = OpenAPIV30SpecValidator.iter_errors
    monkeypatch.setattr(
        OpenAPIV30SpecValidator, "iter_errors", lambda validator: (validated.append(1), real(validator))[1]
    )
    take_what_can_be(faulty({"properties": {"here": {"allOf": {"a": 1}}}}, "3.0.2"), "t")
    assert len(validated) == 2
