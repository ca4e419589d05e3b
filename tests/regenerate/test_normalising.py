import pytest

from specs.compare import Kind, compare
from specs.document import SpecError
from specs.normalise import NAME, normalise, prune, rename, spread_security


def document(schemas, **operation):
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
    get = {"operationId": "get_a", "responses": {"200": {"description": "", "content": content}}, **operation}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": get}},
        "components": {"schemas": schemas},
    }


def test_renaming_moves_a_schema_and_every_reference():
    """A schema that asks for a name has it everywhere, discriminators included, and the wish is gone."""
    found = rename(
        document(
            {
                "A": {NAME: "Customer", "discriminator": {"mapping": {"x": "#/components/schemas/B"}}},
                "B": {NAME: "Other", "properties": {"a": {"$ref": "#/components/schemas/A"}}},
            }
        )
    )
    assert list(found["components"]["schemas"]) == ["Customer", "Other"]
    assert found["components"]["schemas"]["Other"]["properties"]["a"] == {"$ref": "#/components/schemas/Customer"}
    assert found["components"]["schemas"]["Customer"]["discriminator"]["mapping"]["x"].endswith("/Other")
    assert "#/components/schemas/Customer" in str(found["paths"])
    assert NAME not in str(found)


def test_two_schemas_cannot_have_one_name():
    """Renaming never merges two schemas."""
    with pytest.raises(SpecError, match="B"):
        rename(document({"A": {NAME: "B"}, "B": {}}))


def test_security_of_the_document_is_that_of_its_operations():
    """An operation without security of its own has the document's."""
    given = document({"A": {}}) | {"security": [{"key": []}]}
    assert spread_security(given)["paths"]["/a"]["get"]["security"] == [{"key": []}]


def test_what_nothing_refers_to_is_dropped():
    """Schemas that no operation reaches are not generated."""
    assert list(prune(document({"A": {}, "B": {}}))["components"]["schemas"]) == ["A"]


def test_a_taken_name_is_an_error():
    """A schema that would be split into a name that exists is named."""
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}
    schemas = {"A": {"properties": {"b": {"$ref": "#/components/schemas/AInput"}}}, "AInput": {"type": "string"}}
    with pytest.raises(SpecError, match="AInput"):
        normalise(document(schemas, requestBody=body))


def test_comparing_names_what_a_caller_meets():
    """Operations, parameters, schemas, fields and values that are gone, changed or added are named; gone breaks."""
    colour = {"$ref": "#/components/schemas/E"}
    before = document(
        {
            "A": {"properties": {"x": {"type": "string"}, "y": {"type": "string"}, "e": colour}},
            "E": {"type": "string", "enum": ["one", "two"]},
        },
        parameters=[{"name": "p", "in": "query", "schema": {"type": "string"}}],
    )
    after = document(
        {
            "A": {"properties": {"x": {"type": ["string", "null"]}, "e": colour, "z": {}}},
            "E": {"type": "string", "enum": ["one", "three"]},
        },
        parameters=[{"name": "q", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}],
    )
    changes = compare(before, after)
    assert [(str(change.kind), change.what, change.name) for change in changes] == [
        ("gone", "parameter", "get_a(p)"),
        ("gone", "field", "A.y"),
        ("gone", "value", "E 'two'"),
        ("changed", "field", "A.x"),
        ("added", "parameter", "get_a(q)"),
        ("added", "field", "A.z"),
        ("added", "value", "E 'three'"),
    ]
    assert [change.kind for change in changes if change.breaks] == [Kind.GONE] * 3
    assert str(changes[3]) == "changed field A.x: optional string is now optional string | null"
    assert compare(before, before) == []


def test_what_is_part_of_something_gone_is_not_named_again():
    """A schema that is gone is one change, not one for each of its fields; so with a new one and an operation."""
    before = document({"A": {}, "Old": {"properties": {"x": {}, "y": {}}}})
    after = document({"A": {"properties": {"x": {}}}, "New": {"type": "string", "enum": ["one"]}})
    after["paths"]["/b"] = {"get": {"operationId": "get_b", "parameters": [{"name": "p", "in": "query"}]}}
    assert [str(change) for change in compare(before, after)] == [
        "gone    schema Old",
        "added   operation get_b",
        "added   schema New",
        "added   field A.x",
    ]
