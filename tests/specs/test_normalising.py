import pytest

from specs.documents.document import SpecError
from specs.documents.normalise import NAME, normalise, prune, rename, spread_security


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


def test_a_name_that_is_taken_is_not_taken_again():
    """A schema that is split keeps clear of a schema that has the name already."""
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}
    schemas = {"A": {"properties": {"b": {"$ref": "#/components/schemas/AInput"}}}, "AInput": {"type": "string"}}
    found = normalise(document(schemas, requestBody=body))
    assert sorted(found["components"]["schemas"]) == ["A", "AInput", "AInput2"]
