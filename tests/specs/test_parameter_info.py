"""Generated modules say what the document says of each argument, and the type of the answer."""

import datetime as dt
import inspect
import typing

import pytest

BOOLEAN = {"type": "boolean"}
WHEN = {"type": "string", "format": "date-time"}
REF = {"$ref": "#/components/schemas/Thing"}
SCHEMAS = {
    "Thing": {"type": "object", "properties": {"id": {"type": "string"}}},
    "Colour": {"type": "string", "enum": ["red", "green"]},
    "Rank": {"type": "integer", "enum": [1, 2]},
    "Size": {"type": "integer", "default": 20, "maximum": 50},
    "PARAMETERS": {"type": "object", "properties": {"id": {"type": "string"}}},
    "ParameterInfo": {"type": "object", "properties": {"id": {"type": "string"}}},
}
PARAMETERS = {
    "plain": ({"type": "string"}, "('query', 'plain', 'string')"),
    "odd-'name\"": (
        {"type": "string", "default": 'it\'s "x"\n'},
        "('query', 'odd-\\'name\"', 'string', default='it\\'s \"x\"\\n')",
    ),
    "bounds": ({"type": "integer", "minimum": 1, "maximum": 9}, "('query', 'bounds', 'integer', minimum=1, maximum=9)"),
    "between": (
        {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
        "('query', 'between', 'integer', minimum=1, maximum=9)",
    ),
    "nullable": (
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}], "default": 0},
        "('query', 'nullable', 'integer', default=0, minimum=0)",
    ),
    "referred": ({"$ref": "#/components/schemas/Size"}, "('query', 'referred', 'integer', default=20, maximum=50)"),
    "part": ({"allOf": [{"$ref": "#/components/schemas/Size"}]}, "('query', 'part', 'integer', maximum=50)"),
    "endless": ({"type": "number", "maximum": float("inf")}, "('query', 'endless', 'number')"),
    "half": ({"type": "number", "minimum": 0.5, "maximum": 2.0}, "('query', 'half', 'number', minimum=0.5, maximum=2)"),
    "long": ({"type": "string", "default": "x" * 101}, "('query', 'long', 'string')"),
    "several": ({"type": "array", "items": {"type": "integer"}}, "('query', 'several', 'integer', many=True)"),
    "one_or_several": (
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "('query', 'one_or_several', 'string', many=True)",
    ),
    "when": ({"type": "string", "format": "date-time"}, "('query', 'when', 'date-time')"),
    "day": ({"type": "string", "format": "date"}, "('query', 'day', 'date')"),
    "token": ({"type": "string", "format": "uuid"}, "('query', 'token', 'uuid')"),
    "time": (
        {"anyOf": [{"type": "integer"}, {"type": "string", "format": "date-time"}]},
        "('query', 'time', 'date-time | integer')",
    ),
    "colour": ({"$ref": "#/components/schemas/Colour"}, "('query', 'colour', 'string', enum=Colour)"),
    "colours": (
        {"type": "array", "items": {"$ref": "#/components/schemas/Colour"}},
        "('query', 'colours', 'string', many=True, enum=Colour)",
    ),
    "rank": ({"$ref": "#/components/schemas/Rank"}, "('query', 'rank', 'integer', enum=Rank)"),
    "constant": ({"const": "x"}, "('query', 'constant', 'string')"),
    "anything": ({}, "('query', 'anything', 'any')"),
    "whatever": (True, "('query', 'whatever', 'any')"),
    "range": (
        {"type": "object", "properties": {"gte": {"type": "integer"}}},
        "('query', 'range', 'object', model=FindThingsRange)",
    ),
    "map": ({"type": "object", "additionalProperties": {"type": "string"}}, "('query', 'map', 'object')"),
}


def content(schema, content_type="application/json"):
    return {"description": "", "content": {content_type: {"schema": schema}}}


@pytest.fixture
def module(generated):
    """The module of an operation that has all of these parameters."""
    parameters = [{"name": name, "in": "query", "schema": schema} for name, (schema, _) in PARAMETERS.items()]
    parameters += [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
        {"name": "X-Mode", "in": "header", "schema": {"type": "string"}},
        {"name": "mode", "in": "cookie", "schema": {"type": "string"}},
        {"name": "deep", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
        {"name": "joined", "in": "query", "explode": False, "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "as_json", "in": "query", "required": True, "content": {"application/json": {"schema": {}}}},
    ]
    paths = {
        "/things/{id}": {
            "post": {
                "operationId": "find_things",
                "tags": ["things"],
                "parameters": parameters,
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"type": "object", "properties": {"isOpen": {"type": "boolean"}}}
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PARAMETERS"}}},
                    },
                    "400": {
                        "description": "",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ParameterInfo"}}},
                    },
                },
            }
        }
    }
    return generated("clients_of_parameters", paths, SCHEMAS)("api.things.find_things")


def test_every_argument_is_described(module):
    """What build_request takes is what PARAMETERS describes."""
    assert set(module.PARAMETERS) == set(inspect.signature(module.build_request).parameters)
    source = inspect.getsource(module)
    names = {info.name: argument for argument, info in module.PARAMETERS.items()}
    for wire, (_, text) in PARAMETERS.items():
        expected = eval(f"module.ParameterInfo{text}", {"module": module, **vars(module)})
        assert module.PARAMETERS[names[wire]] == expected, (wire, source)


def test_where_and_how_it_is_sent(module):
    """Paths, headers, cookies and bodies as well; styles where they are not the usual ones."""
    info = module.PARAMETERS
    assert (info["id"].where, info["id"].required, info["id"].type) == ("path", True, "integer")
    assert (info["x_mode"].where, info["x_mode"].name) == ("header", "X-Mode")
    assert info["mode"].where == "cookie"
    assert (info["deep"].style, info["joined"].explode, info["joined"].many) == ("deepObject", False, True)
    assert (info["as_json"].content, info["as_json"].required) == ("application/json", True)
    body = info["body"]
    assert (body.where, body.name, body.type, body.required) == ("body", "", "object", True)
    assert typing.get_type_hints(body.model) == {"is_open": bool}
    assert inspect.getmodule(body.model).NAMES["is_open"][0] == "isOpen"


def test_a_schema_cannot_hide_what_modules_say(module):
    """A class that is called like one of the names gets another one."""
    assert module.ANSWER.__name__ == "PARAMETERS2"
    assert module.PARAMETERS["plain"].name == "plain"


ANSWERS = {
    "one": ({"200": content(REF)}, lambda models: models.Thing),
    "array": ({"200": content({"type": "array", "items": REF})}, lambda models: list[models.Thing]),
    "either": (
        {"200": content({"anyOf": [REF, {"type": "array", "items": REF}]})},
        lambda models: models.Thing | list[models.Thing],
    ),
    "two_statuses": (
        {"200": content(REF), "206": content({"type": "array", "items": REF}), "400": content({"type": "string"})},
        lambda models: models.Thing | list[models.Thing],
    ),
    "status_range": ({"2XX": content(REF)}, lambda models: models.Thing),
    "default_alone": ({"default": content(REF)}, lambda models: models.Thing),
    "default_besides": ({"204": {"description": ""}, "default": content(REF)}, lambda _: None),
    "times": (
        {"200": content({"type": "array", "items": {"type": "string", "format": "date-time"}})},
        lambda _: list[dt.datetime],
    ),
    "by_name": (
        {"200": content({"type": "object", "additionalProperties": REF})},
        lambda models: dict[str, models.Thing],
    ),
    "anything": ({"200": content({})}, lambda _: None),
    "inside": ({"200": content({"type": "object", "properties": {"x": REF}})}, lambda models: models.InsideResponse200),
    "text": ({"200": content({"type": "string"}, "text/plain")}, lambda _: None),
    "nothing": ({"204": {"description": ""}}, lambda _: None),
}


def test_the_type_of_the_answer(generated):
    """Of JSON if the operation succeeds, as it is read; None where there is none, or where it may be anything."""
    paths = {
        f"/{name}": {"get": {"operationId": name, "tags": ["things"], "responses": responses}}
        for name, (responses, _) in ANSWERS.items()
    }
    module = generated("clients_of_answers", paths, SCHEMAS)
    models = module("models")
    answers = {name: module(f"api.things.{name}").ANSWER for name in ANSWERS}
    assert answers == {name: expected(models) for name, (_, expected) in ANSWERS.items()}
