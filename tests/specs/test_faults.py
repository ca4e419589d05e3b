"""Faults of published documents: what is harmless costs nothing, and any other its own operation alone."""

import inspect
import json
import re

import pytest

from specs.documents.document import SpecError, load, parse
from specs.documents.repair import repair
from specs.pipeline.command import main
from specs.pipeline.take import take_what_can_be

NULLS = """
openapi: 3.0.3
info: {title: t}
servers:
tags:
security:
components:
  parameters:
  schemas:
    Nothing:
    Never: false
paths:
  /empty:
  /a:
    parameters:
    get:
      operationId: a
      tags:
      security:
      parameters:
        -
        - {name: q, in: query, type: integer, format: int32}
      requestBody:
      callbacks: {x: {$ref: "#/components/callbacks/Nowhere"}}
      responses:
        200:
          description:
          headers: {X-A: {$ref: "#/components/headers/Nowhere"}, X-B: {schema: {type: string}}}
          links: {l: {$ref: "#/components/links/Nowhere"}}
          content:
            application/json:
              schema:
                type: object
                required:
                properties:
                  any:
                  never: {$ref: "#/components/schemas/Never"}
                  nothing: {$ref: "#/components/schemas/Nothing"}
                  text: {type: string, format:, pattern:, enum:, maxLength:}
                  list: {type: array, items:}
                  tuple: {type: array, items: [{type: string}, {type: integer}]}
                  one: {allOf: [], oneOf: [], type: string}
                  null: {anyOf: [{type: string}, {type: "null"}]}
        404:
    post:
  /form:
    get:
      operationId: form
      responses: {200: {description: ok, content: {application/x-www-form-urlencoded: {schema: {type: object}}}}}
"""


def test_what_is_null_or_of_no_use_costs_nothing():
    """As YAML has it where nothing follows a colon; and what only links, headers and callbacks refer to."""
    left_out = {}
    taken, invalid = take_what_can_be(repair(parse(NULLS, "nulls.yaml"), {}, left_out), "t")
    assert (left_out, invalid) == ({}, {})
    operation = taken["paths"]["/a"]["get"]
    assert operation["parameters"] == [
        {"name": "q", "in": "query", "schema": {"type": "integer", "format": "int32"}},
    ]
    answer = operation["responses"]["200"]
    assert answer["headers"] == {"X-B": {"schema": {"type": "string"}}}
    schema = answer["content"]["application/json"]["schema"]
    assert schema["properties"].keys() == {"any", "never", "nothing", "text", "list", "tuple", "one", "null"}
    assert schema["properties"]["null"] == {"anyOf": [{"type": "string"}, {"enum": [None], "nullable": True}]}
    assert schema["properties"]["tuple"]["items"] == {"anyOf": [{"type": "string"}, {"type": "integer"}]}


def test_an_answer_that_is_a_form_is_bytes(generated):
    """No answer is read field by field."""
    content = {"multipart/form-data": {"schema": {"type": "object"}}}
    answers = {"200": {"description": "ok", "content": content}}
    module = generated("clients_of_form_answers", {"/a": {"get": {"operationId": "get_a", "responses": answers}}})
    assert "file_of(response)" in inspect.getsource(module("api.default.get_a"))


@pytest.mark.parametrize(
    ("path", "item", "cause"),
    [
        ("/x", {"get": {"parameters": [{"$ref": "#/components/parameters/No"}]}}, "parameters/No points to nothing"),
        ("/x", {"$ref": "#/components/pathItems/No"}, "pathItems/No, and that is not in the document"),
        ("/x/{y", {"get": {}}, "a brace is not closed"),
        ("/x", {"get": {"parameters": [{"in": "query"}]}}, "a parameter without a name"),
        ("/x", {"get": ["no object"]}, "it is list in the document"),
    ],
)
def test_a_fault_costs_its_operation_alone(path, item, cause):
    """And the reason says which it is."""
    answers = {"responses": {"204": {"description": ""}}}
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}
    document["paths"] = {"/ok": {"get": answers}, path: item}
    left_out = {}
    taken, invalid = take_what_can_be(repair(document, {}, left_out), "t")
    assert [*taken["paths"]] == ["/ok"]
    (why,) = (left_out | invalid).values()
    assert cause in why
    with pytest.raises(SpecError, match=re.escape(cause)):
        repair(document)


HEAD = '{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": '


@pytest.mark.parametrize(
    ("paths", "place"),
    [
        ('{"/a": {"get": {}}, "/a": {"post": {}}}', "'/a' twice, with different values, at /paths/~1a;"),
        ('{"/a": {"get": {"tags": [], "tags": ["x"]}}}', "'tags' twice, with different values, at /paths/~1a/get/tags"),
        ('{"/a": {"get": {"parameters": [{"in": "query", "in": "path"}]}}}', "at /paths/~1a/get/parameters/0/in"),
    ],
)
def test_a_key_twice_is_refused_with_its_place(paths, place):
    """One of the two values would be lost without a word."""
    with pytest.raises(SpecError, match=re.escape(place)):
        parse(f"{HEAD}{paths}}}", "twice.json")


def test_a_key_twice_that_costs_nothing_is_no_fault():
    """With the same value, in a text, an example or an extension."""
    paths = '{"/a": {"get": {"tags": [], "tags": [], "summary": "a", "summary": "b", "x-a": {"b": 1, "b": 2}}}}'
    assert parse(f"{HEAD}{paths}}}", "twice.json")["paths"]["/a"]["get"]["tags"] == []


def test_a_status_in_quotes_and_without_is_one_key():
    """In YAML they are two; the answers that one of them says would be lost."""
    text = "openapi: 3.1.0\npaths: {/a: {get: {responses: {200: {description: a}, '200': {description: b}}}}}"
    with pytest.raises(SpecError, match="the key '200' twice"):
        parse(text, "twice.yaml")


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("given", [{}, [], 1, "yes", {"type": "boolean"}])
def test_a_flag_that_is_no_flag_says_nothing(version, given):
    """Whatever version the document is of."""
    schema = {"type": "object", "properties": {"p": {"type": "string", "nullable": given}, "nullable": {}}}
    answers = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    document = {"openapi": version, "info": {"title": "t", "version": "1"}}
    document["paths"] = {"/a": {"get": {"operationId": "a", "responses": answers}}}
    found = repair(document)["paths"]["/a"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert not found["properties"]["p"].get("nullable")
    assert "nullable" in found["properties"]


@pytest.mark.parametrize(
    "scheme",
    [
        {"type": "oauth2"},
        {"type": "http"},
        {"type": "apiKey", "in": "body", "name": "k"},
        {"type": "secret"},
        {},
        "key",
    ],
)
def test_a_security_scheme_that_is_not_valid_costs_no_operation(project, tmp_path, capsys, scheme):
    """No code is made of it; the report says which it is and why."""
    answers = {"responses": {"204": {"description": ""}}}
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "security": [{"key": []}]}
    document["paths"] = {"/a": {"get": answers}, "/b": {"get": {**answers, "security": [{"good": []}]}}}
    good = {"type": "http", "scheme": "bearer"}
    document["components"] = {"securitySchemes": {"key": scheme, "good": good}}
    (tmp_path / "given.json").write_text(json.dumps(document))
    assert main(["given", "--from", str(tmp_path / "given.json"), "--json", "-"], project) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["operations"], report["left out"]) == (2, {})
    assert [*report["security schemes dropped"]] == ["key"]
    assert "/components/securitySchemes/key" in report["security schemes dropped"]["key"]
    assert load(project / "openapi/given.yaml")["components"]["securitySchemes"] == {"good": good}
