"""Faults of published documents: what is harmless costs nothing, and any other its own operation alone."""

import inspect
import re

import pytest

from specs.documents.document import SpecError, parse
from specs.documents.repair import repair
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
