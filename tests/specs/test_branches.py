"""Which branch of a union an object is read as, and which texts stay texts."""

import importlib
import json
import sys

import httpx
import pytest
from decoding import parsed

from specs.documents import generate
from specs.pipeline.command import ROOT

NAME = "clients_of_branches"
TIME = "2024-01-01T00:00:00+00:00"
SCHEMAS = {
    "Cat": {"required": ["kind"], "properties": {"kind": {"type": "string"}, "born": {"type": "string"}}},
    "Dog": {"required": ["kind"], "properties": {"kind": {"type": "string"}, "chipped": {"type": "string"}}},
    "User": {"required": ["type"], "properties": {"type": {"enum": ["user"]}, "login": {"type": "string"}}},
    "Group": {"required": ["type"], "properties": {"type": {"enum": ["group"]}, "login": {"type": "string"}}},
    "One": {"required": ["t"], "properties": {"t": {"const": 1}, "name": {"type": "string"}}},
    "Yes": {"required": ["t"], "properties": {"t": {"const": True}, "name": {"type": "string"}}},
    "Half": {"required": ["t"], "properties": {"t": {"const": 0.5}, "name": {"type": "string"}}},
    "Null": {"required": ["t"], "properties": {"t": {"const": None}, "name": {"type": "string"}}},
    "Big": {"required": ["t"], "properties": {"t": {"const": 2**70}, "name": {"type": "string"}}},
    "Listed": {"required": ["t"], "properties": {"t": {"const": [1]}, "name": {"type": "string"}}},
    "Object": {"required": ["t"], "properties": {"t": {"const": {"a": 1}}, "name": {"type": "string"}}},
    "On": {"required": ["t"], "properties": {"t": {"type": "boolean", "enum": [True]}}},
    "Off": {"required": ["t"], "properties": {"t": {"type": "boolean", "enum": [False]}}},
    "AB": {"required": ["t"], "properties": {"t": {"enum": ["a", "b"]}}},
    "CD": {"required": ["t"], "properties": {"t": {"anyOf": [{"enum": ["c", "d"]}, {"type": "null"}]}}},
    "Number": {"required": ["v"], "properties": {"v": {"type": "integer"}}},
    "Text": {"required": ["v"], "properties": {"v": {"type": ["string", "null"]}}},
    "Flag": {"required": ["v"], "properties": {"v": {"type": "boolean"}}},
    "Inner": {"required": ["v"], "properties": {"v": {"type": "object", "properties": {"a": {"type": "string"}}}}},
    "Secret": {"required": ["p", "s"], "properties": {"p": {"type": "string"}, "s": {"writeOnly": True}}},
    "Ints": {"additionalProperties": {"type": "integer"}},
    "X": {"required": ["x"], "additionalProperties": False, "properties": {"x": {"type": "string"}}},
    "XY": {
        "required": ["x"],
        "additionalProperties": False,
        "properties": {"x": {"type": "string"}, "y": {"type": "string"}},
    },
    "A": {"required": ["a"], "properties": {"a": {"type": "string"}}},
    "B": {"required": ["b"], "properties": {"b": {"type": "string"}}},
    "Round": {"required": ["id", "r"], "properties": {"id": {"type": "string"}, "r": {"type": "string"}}},
    "Long": {"required": ["id", "l"], "properties": {"id": {"type": "string"}, "l": {"type": "string"}}},
    "Few": {"properties": {"p": {"type": "string"}}},
    "Many": {"properties": {"p": {"type": "string"}, "q": {"type": "string"}, "r": {"type": "string"}}},
    "Animal": {
        "properties": {"species": {"type": "string"}},
        "discriminator": {"propertyName": "species"},
    },
    "Ant": {"allOf": [{"$ref": "#/components/schemas/Animal"}, {"properties": {"legs": {"type": "integer"}}}]},
    "Bee": {"allOf": [{"$ref": "#/components/schemas/Animal"}, {"properties": {"legs": {"type": "integer"}}}]},
}
UNIONS = {
    "mapped": {
        "oneOf": ["Cat", "Dog"],
        "discriminator": {"propertyName": "kind", "mapping": {"c": "#/components/schemas/Cat", "d": "Dog"}},
    },
    "named": {"oneOf": ["Cat", "Dog"], "discriminator": {"propertyName": "kind"}},
    "of_base": {"anyOf": ["Ant", "Bee"]},
    "constant": {"oneOf": ["User", "Group"]},
    "typed": {"anyOf": ["One", "Yes"]},
    "any_constant": {"oneOf": ["Null", "Yes", "One", "Half", "Big", "Listed", "Object"]},
    "one_value": {"oneOf": ["On", "Off"]},
    "few_values": {"oneOf": ["AB", "CD"]},
    "kinds": {"oneOf": ["Number", "Text", "Flag", "Inner"]},
    "written": {"oneOf": ["Secret", "A"]},
    "or_map": {"oneOf": ["A", "Ints"]},
    "closed": {"oneOf": ["X", "XY"]},
    "required": {"anyOf": ["A", "B"]},
    "common": {"oneOf": ["Round", "Long"]},
    "declared": {"anyOf": ["Few", "Many"]},
}
# A union, an object, and the class it is read as; None is plain data.
CHOICES = [
    ("mapped", {"kind": "d", "born": "x"}, "Dog"),
    ("mapped", {"kind": "c"}, "Cat"),
    ("mapped", {"kind": "Dog"}, None),
    ("mapped", {"kind": ["d"]}, None),
    ("of_base", {"species": "Bee"}, "Bee"),
    ("of_base", {"species": "Wasp", "legs": 6}, None),
    ("constant", {"type": "group", "login": "x"}, "Group"),
    ("constant", {"type": "robot", "login": "x"}, None),
    ("typed", {"t": True}, "Yes"),
    ("typed", {"t": 1}, "One"),
    ("typed", {"t": 2}, None),
    ("any_constant", {"t": None}, "Null"),
    ("any_constant", {"t": True}, "Yes"),
    ("any_constant", {"t": 1}, "One"),
    ("any_constant", {"t": 0.5}, "Half"),
    ("any_constant", {"t": 2**70}, "Big"),
    ("any_constant", {"t": [1]}, "Listed"),
    ("any_constant", {"t": {"a": 1}}, "Object"),
    ("any_constant", {"t": 0}, None),
    ("one_value", {"t": True}, "On"),
    ("one_value", {"t": False}, "Off"),
    ("few_values", {"t": "b"}, "AB"),
    ("few_values", {"t": "c"}, "CD"),
    ("few_values", {"t": None}, "CD"),
    ("few_values", {"t": "new"}, "AB"),
    ("kinds", {"v": 1}, "Number"),
    ("kinds", {"v": "x"}, "Text"),
    ("kinds", {"v": None}, "Text"),
    ("kinds", {"v": False}, "Flag"),
    ("kinds", {"v": {"a": "x"}}, "Inner"),
    ("kinds", {"v": ["other"]}, "Number"),
    ("written", {"p": "1"}, "Secret"),
    ("or_map", {"a": "1"}, "A"),
    ("or_map", {"b": 1}, None),
    ("closed", {"x": "1", "y": "2"}, "XY"),
    ("closed", {"x": "1"}, "X"),
    ("closed", {"x": "1", "new": "2"}, "X"),
    ("required", {"b": "1"}, "B"),
    ("required", {"a": "1", "b": "1"}, "A"),
    ("required", {"c": "1"}, None),
    ("common", {"l": "1"}, "Long"),
    ("common", {"id": "1"}, None),
    ("common", {"x": "1"}, None),
    ("declared", {"p": "1", "r": "1"}, "Many"),
    ("declared", {"p": "1"}, "Few"),
]
TEXTS = {
    "uuid_or_text": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "string"}]},
    "time_or_text": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string"}]},
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "date-time"},
}


def document():
    def branches(union):
        return {
            key: [{"$ref": f"#/components/schemas/{name}"} for name in value] if key.endswith("Of") else value
            for key, value in union.items()
        }

    # each of these two has the branches of the other, and its own discriminator: they must not be mixed up
    unions = {name: branches(union) for name, union in UNIONS.items() if name != "named"}
    paths = {
        f"/{name}": {
            "get": {
                "operationId": f"get_{name}",
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": union}}}},
            }
        }
        for name, union in unions.items()
    }
    lists = {f"{name}_list": {"type": "array", "items": union} for name, union in unions.items()}
    holder = {"type": "object", "properties": {**unions, **lists, **TEXTS}}
    content = {"application/json": {"schema": holder}}
    paths["/holder"] = {"get": {"operationId": "holder", "responses": {"200": {"description": "", "content": content}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": {"schemas": {name: {"type": "object", **schema} for name, schema in SCHEMAS.items()}},
    }


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The package that is generated of it."""
    folder = tmp_path_factory.mktemp("branches")
    generate.clients({"api": document()}, ROOT / "openapi" / "templates", folder / "generated")
    (folder / "generated" / generate.PACKAGE).rename(folder / NAME)
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"{NAME}.api.{name}")
    sys.path.remove(str(folder))


async def answered(client, union, text):
    """What the generated function makes of an answer with this body."""
    answer = httpx.MockTransport(lambda _: httpx.Response(200, text=text, headers={"Content-Type": "application/json"}))
    package = client("client")
    async with package.Client(base_url="http://api", httpx_args={"transport": answer}) as http:
        return (await client(f"api.default.get_{union}").asyncio_detailed(client=http)).parsed


@pytest.mark.asyncio
@pytest.mark.parametrize(("union", "data", "branch"), CHOICES)
async def test_an_object_is_read_as_the_branch_that_it_is(client, union, data, branch):
    """In a field, in a list, and as a whole answer; and it comes back as it came."""
    models = client("models")
    holder = models.HolderResponse200.from_dict({union: data, f"{union}_list": [data]})
    answer = await answered(client, union, json.dumps(data))
    for found in (getattr(holder, union), getattr(holder, f"{union}_list")[0], answer):
        assert (None if type(found) is dict else type(found).__name__) == branch
        back = found if branch is None else found.to_dict()
        assert {name: back[name] for name in data} == data


LISTED = {"type": "string", "enum": ["a", "b"]}
ANSWERS = {
    "listed": ({"application/json": LISTED}, '"c"', "c"),
    "list_of_listed": ({"application/json": {"type": "array", "items": LISTED}}, '["a", "c"]', ["a", "c"]),
    "no_list": ({"application/json": {"type": "array", "items": LISTED}}, "{}", None),
    "no_rows": ({"application/json": {"type": "array", "items": {"$ref": "#/components/schemas/A"}}}, "{}", None),
    "two": (
        {
            "application/vnd.a+json": {"$ref": "#/components/schemas/A"},
            "application/vnd.b+json": {"$ref": "#/components/schemas/B"},
            "application/json": {"$ref": "#/components/schemas/B"},
        },
        '{"b": "1"}',
        {"b": "1"},
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ANSWERS)
async def test_a_whole_answer_is_what_the_document_says(generated, name):
    """Listed values grow there too, an object is no empty list, and any of several JSON types may come."""
    schemas, body, wanted = ANSWERS[name]
    content = {content_type: {"schema": schema} for content_type, schema in schemas.items()}
    responses = {"200": {"description": "", "content": content}}
    module = generated(
        f"clients_of_answers_{name}",
        {"/x": {"get": {"operationId": "get_x", "responses": responses}}},
        {name: {"type": "object", **SCHEMAS[name]} for name in "AB"},
    )
    answer = httpx.MockTransport(lambda _: httpx.Response(200, text=body, headers={"Content-Type": "application/json"}))
    async with module("client").Client(base_url="http://api", httpx_args={"transport": answer}) as http:
        if wanted is None:
            with pytest.raises(module("errors").UnexpectedResponse, match="expected list"):
                await module("api.default.get_x").asyncio(client=http)
        else:
            found = await module("api.default.get_x").asyncio(client=http)
            assert (dict(found) if name == "two" else found) == wanted
            assert type(found).__name__ in {"GetXResponse200", "list", "B"}


def test_what_only_answers_have_is_required_of_no_body(generated):
    """OpenAPI has `required` hold for answers alone where a property is read-only."""
    schema = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {"id": {"type": "string", "readOnly": True}, "name": {"type": "string"}},
    }
    content = {"application/json": {"schema": schema}}
    operation = {"operationId": "add", "requestBody": {"content": content}, "responses": {"204": {"description": ""}}}
    body = generated("clients_of_read_only", {"/x": {"post": operation}})("models").AddBody
    assert body.__required_keys__ == {"name"}


@pytest.mark.asyncio
@pytest.mark.parametrize("body", ["3", '"x"', "[]", "null", "true"])
async def test_an_answer_that_is_no_branch_at_all_is_refused(client, body):
    """An answer of a JSON type that no branch has is not what the document describes."""
    with pytest.raises(client("errors").UnexpectedResponse):
        await answered(client, "mapped", body)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("uuid_or_text", "AAAAAAAA-AAAA-AAAA-AAAA-AAAAAAAAAAAA"),
        ("time_or_text", "2024-01-01T00:00:00Z"),
        ("uuid", "{aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa}"),
        ("uuid", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("date", "20240101"),
        ("date", "2024-W01-1"),
        ("time", "2024-01-01"),
        ("time", "20240101"),
        ("time", "soon"),
    ],
)
def test_a_text_that_would_come_back_as_another_stays_a_text(client, field, text):
    """What may be any text is not rewritten, and what is no date, time or UUID as OpenAPI writes them is none."""
    holder = client("models").HolderResponse200.from_dict({field: text})
    assert getattr(holder, field) == text
    assert holder.to_dict()[field] == text


def test_branches_whose_inner_objects_alone_differ(generated):
    """By a constant, a listed value, a JSON type, or what an inner object declares; also two objects deep."""
    inner = {
        "const": ({"kind": {"const": "a"}}, {"kind": {"const": "b"}}),
        "enum": ({"kind": {"enum": ["a", "c"]}}, {"kind": {"enum": ["b", "d"]}}),
        "type": ({"kind": {"type": "string"}}, {"kind": {"type": "integer"}}),
        "keys": ({"kind": {"type": "string"}}, {"kind": {"type": "string"}, "more": {"type": "string"}}),
    }
    deep = {"const", "keys"}
    schemas, paths = {}, {}
    for name, both in inner.items():
        for end, properties in zip("AB", both, strict=True):
            part = {"type": "object", "required": [*properties], "properties": properties}
            if name in deep:
                part = {"type": "object", "properties": {"deep": part}}
            schemas[f"{name}{end}"] = {"type": "object", "required": ["part"], "properties": {"part": part}}
        union = {"oneOf": [{"$ref": f"#/components/schemas/{name}{end}"} for end in "AB"]}
        content = {"application/json": {"schema": union}}
        answers = {"200": {"description": "", "content": content}}
        paths[f"/{name}"] = {"get": {"operationId": f"get_{name}", "responses": answers}}
    module = generated("clients_of_inner_branches", paths, schemas)

    def read(name, part):
        data = {"part": {"deep": part} if name in deep else part}
        answer = httpx.Response(200, json=data)
        return type(parsed(module, f"get_{name}", answer)).__name__

    for name, first, second in (("const", "a", "b"), ("enum", "c", "d"), ("type", "x", 1)):
        assert read(name, {"kind": first}) == f"{name.capitalize()}A"
        assert read(name, {"kind": second}) == f"{name.capitalize()}B"
    assert read("keys", {"kind": "x"}) == "KeysA"
    assert read("keys", {"kind": "x", "more": "y"}) == "KeysB"


def test_several_discriminators_of_the_same_branches(generated):
    """Two unions of the same classes, each with a field of its own; one value alone contradicts no other."""
    text = {"type": "string"}
    one = {"type": "object", "properties": {"kind": text, "type": text, "v": text}}
    targets = {name: f"#/components/schemas/{name}" for name in ("A", "B")}
    unions = {
        "by_kind": {"propertyName": "kind", "mapping": {"a": targets["A"], "b": targets["B"]}},
        "by_type": {"propertyName": "type", "mapping": {"one": targets["A"], "two": targets["B"]}},
    }
    paths = {}
    for name, said in unions.items():
        union = {"oneOf": [{"$ref": each} for each in targets.values()], "discriminator": said}
        answers = {"200": {"description": "", "content": {"application/json": {"schema": union}}}}
        paths[f"/{name}"] = {"get": {"operationId": name, "responses": answers}}
    module = generated("clients_of_several_tags", paths, {"A": one, "B": one})

    def read(name, **data):
        return type(parsed(module, name, httpx.Response(200, json=data))).__name__

    assert (read("by_kind", kind="a"), read("by_kind", kind="b", type="other")) == ("A", "B")
    assert (read("by_type", type="one"), read("by_type", type="two", kind="other")) == ("A", "B")
    assert read("by_type", type="three", kind="other") == "dict"
    assert read("by_kind", v="neither") == "A"
