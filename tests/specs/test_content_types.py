"""An answer is read as what the server says it is, where the document has it as several things."""

import httpx
import pytest
from decoding import parsed

BINARY = {"type": "string", "format": "binary"}
REPORT = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
CONTENT = {
    "object": {"application/json": REPORT, "application/pdf": BINARY, "text/csv; charset=utf-8": {"type": "string"}},
    "list": {"text/plain": {}, "application/json": {"type": "array", "items": REPORT}},
    "number": {"application/json": {"type": "integer"}, "image/*": BINARY},
    "text": {"application/json": {"type": "string", "format": "date"}, "text/plain": {"type": "string"}},
    "same": {"application/xml": REPORT, "application/json": REPORT},
}


@pytest.fixture
def answered(generated):
    """A function that reads an answer: its class, and the text or the value in it."""
    paths = {
        f"/{name}": {
            "get": {
                "operationId": f"get_{name}",
                "responses": {
                    "200": {"description": "", "content": {each: {"schema": said} for each, said in content.items()}}
                },
            }
        }
        for name, content in CONTENT.items()
    }
    module = generated("clients_of_content_types", paths)
    types, errors = module("types"), module("errors")

    def read(name, content_type, body):
        response = httpx.Response(200, content=body, headers={"content-type": content_type} if content_type else {})
        try:
            found = parsed(module, f"get_{name}", response)
        except errors.UnexpectedResponse:
            return "refused", None
        if isinstance(found, types.File):
            return found.mime_type, found.payload.read()
        return type(found).__name__, found

    return read


@pytest.mark.parametrize(
    ("name", "content_type", "body", "kind", "value"),
    [
        ("object", "application/pdf", b"%PDF", "application/pdf", b"%PDF"),
        ("object", "Text/CSV; header=present", b"a,b", "str", "a,b"),
        ("object", "text/html", b"<p>", "refused", None),
        ("object", "application/json", b"[1]", "refused", None),
        ("list", "text/plain", b"1 2", "str", "1 2"),
        ("list", "application/json", b'"1 2"', "refused", None),
        ("number", "image/png", b"\x89PNG", "image/png", b"\x89PNG"),
        ("number", "application/json", b"17", "int", 17),
        ("number", "", b"17", "int", 17),
        ("text", "text/plain", b"tomorrow", "str", "tomorrow"),
        ("text", "application/json", b'"tomorrow"', "str", "tomorrow"),
        ("same", "application/xml", b"<a/>", "refused", None),
    ],
)
def test_an_answer_is_what_its_content_type_says(answered, name, content_type, body, kind, value):
    """Of the types that the document has; others are no answer that it describes."""
    assert answered(name, content_type, body) == (kind, value)


@pytest.mark.parametrize("content_type", ["application/json", "application/vnd.api+json", ""])
def test_json_is_read_as_before(answered, content_type):
    """Classes are called what they are called where there is JSON alone."""
    kind, row = answered("object", content_type, b'{"a": "x"}')
    assert (kind, row.a) == ("GetObjectResponse200", "x")
    kind, (row,) = answered("list", content_type, b'[{"a": "x"}]')
    assert (kind, row.a) == ("list", "x")
