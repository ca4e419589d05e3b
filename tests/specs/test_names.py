"""Names of every kind become modules that can be imported, and the wire keeps its own."""

import inspect
from pathlib import Path

import httpx
import pytest

LONG = "EinSehrLangerName" * 20
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


def answer(schema):
    return {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}


def test_names_are_as_long_as_files_allow(generated):
    """Of operations, tags, schemas, and objects within those; each keeps a name of its own."""
    schemas = {f"{LONG}{end}": {"type": "object", "properties": {"inner": OBJECT}} for end in "AB"}
    paths = {
        f"/{end}": {
            "get": {
                "operationId": f"get{LONG}{end}",
                "tags": [LONG],
                "responses": answer({"$ref": f"#/components/schemas/{LONG}{end}"}),
            }
        }
        for end in "AB"
    }
    module = generated("clients_of_long_names", paths, schemas)
    assert len({name for name in module("models").__all__ if name.startswith("EinSehr")}) == 4
    names = [path.name for path in Path(module("models").__path__[0]).parent.rglob("*.py")]
    assert max(len(name.encode()) for name in names) <= 130
    assert len([name for name in names if name.startswith("get_ein")]) == 2


def test_names_that_python_reads_as_others(generated):
    """Python reads `\ufb01n` as `fin`, so a module or a field of that name would not be found."""
    both = {"\ufb01n": {"type": "string"}, "fin": {"type": "integer"}, "\uff35rl": {"type": "string"}}
    schemas = {"\uff26ull": {"type": "object", "properties": both}}
    paths = {
        "/a": {
            "get": {
                "operationId": "\ufb01nd",
                "tags": ["\ufb01rst"],
                "parameters": [{"name": "\ufb01eld", "in": "query", "schema": {"type": "string"}}],
                "responses": answer({"$ref": "#/components/schemas/\uff26ull"}),
            }
        }
    }
    module = generated("clients_of_other_scripts", paths, schemas)
    request = module("api.first.find").build_request(field="x")
    assert dict(httpx.URL(request["url"]).params) == {"\ufb01eld": "x"}
    row = module("models.full").Full.from_dict({"\ufb01n": "a", "fin": 1, "\uff35rl": "b"})
    assert (row.fin_2, row.fin, row.url) == ("a", 1, "b")
    assert row.to_dict() == {"\ufb01n": "a", "fin": 1, "\uff35rl": "b"}


@pytest.mark.parametrize("name", ["__x", "_y", "_", "__", "__init__", "__attrs_attrs__", "__slots__", "self", "cls"])
def test_names_that_classes_of_attrs_treat_specially(generated, name):
    """Double underscores, private names, and those of the class itself."""
    schema = {"type": "object", "properties": {name: {"type": "string"}, "other": {"type": "integer"}}}
    paths = {"/a": {"get": {"operationId": "get_a", "responses": answer({"$ref": "#/components/schemas/Odd"})}}}
    module = generated(f"clients_of_odd_{sum(name.encode())}", paths, {"Odd": schema})
    data = {name: "text", "other": 1}
    row = module("models.odd").Odd.from_dict(data)
    assert row.to_dict() == data
    assert "text" in {getattr(row, field) for field in dir(row) if field[:1] != "_" and field[:1].islower()
                      and isinstance(getattr(row, field), str)}  # fmt: skip


def test_classes_that_attrs_would_take_for_no_field(generated):
    """It reads annotations as texts, and skips those that begin with `ClassVar`."""
    of_variant = {"type": "object", "properties": {"inner": OBJECT, "kind": {"enum": ["a", "b"]}}}
    schemas = {"ClassVariant": of_variant, "ClassVar": OBJECT, "Row": OBJECT}
    fields = {name: {"$ref": f"#/components/schemas/{name}"} for name in schemas}
    schemas["Odd"] = {"type": "object", "required": [*fields], "properties": fields}
    paths = {"/a": {"get": {"operationId": "get_a", "responses": answer({"$ref": "#/components/schemas/Odd"})}}}
    odd = generated("clients_of_class_variants", paths, schemas)("models").Odd
    data = {"ClassVariant": {"inner": {"a": "x"}, "kind": "a"}, "ClassVar": {"a": "y"}, "Row": {"a": "z"}}
    row = odd.from_dict(data)
    assert row.to_dict() == data
    assert (row.class_variant.inner.a, row.class_variant.kind, row.class_var.a, row.row.a) == ("x", "a", "y", "z")


def test_a_parameter_that_stands_twice_in_a_path_fills_both_places(generated):
    """OpenAPI forbids it, and it is published."""
    paths = {
        "/of/{org}/{org}/x/{number}": {
            "get": {
                "operationId": "get_x",
                "parameters": [
                    {"name": "org", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}},
                ],
                "responses": {"204": {"description": "none"}},
            }
        }
    }
    request = generated("clients_of_twice", paths)("api.default.get_x").build_request("a b", 1)
    assert request["url"] == "/of/a%20b/a%20b/x/1"


def test_parameters_that_python_reads_as_one(generated):
    """`\ufb01eld` is `field` to Python, and so is `Field` to the generator: each has a number of its own."""
    names = ["\ufb01eld", "field", "Field"]
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    get = {"operationId": "get_x", "parameters": parameters, "responses": {"204": {"description": "none"}}}
    build = generated("clients_of_one_name", {"/x": {"get": get}})("api.default.get_x").build_request
    arguments = inspect.signature(build).parameters
    sent = httpx.URL(build(**{name: name for name in arguments})["url"]).params
    assert len({*sent.values()}) == len(arguments) == 3
    assert {*sent} == {*names}


@pytest.mark.parametrize("place", ["header", "cookie", "path"])
def test_a_parameter_without_a_type_is_text(generated, place):
    """The generator allows none there that may be anything."""
    parameters = [{"name": "tenant", "in": place, "required": True, "schema": {"title": "Tenant"}}]
    get = {"operationId": "get_x", "parameters": parameters, "responses": {"204": {"description": "none"}}}
    path = "/x/{tenant}" if place == "path" else "/x"
    module = generated(f"clients_of_any_{place}", {path: {"get": get}})("api.default.get_x")
    assert "t1" in str(module.build_request(tenant="t1"))
