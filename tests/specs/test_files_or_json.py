"""A body that is JSON or `multipart/form-data` is a form where it has a file, and JSON otherwise."""

import email
import email.policy
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

pytestmark = pytest.mark.asyncio

FILE = {"type": "string", "format": "binary"}
UPLOAD = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string"},
        "file-urls": {"type": "array", "items": {"type": "string"}},
        "files": {"type": "array", "items": FILE},
        "signer": {"type": "object", "properties": {"name": {"type": "string"}, "order": {"type": "integer"}}},
    },
}
REFERENCE = {"$ref": "#/components/schemas/Upload"}
PHOTO = bytes(range(256)) + b"\r\n--boundary\r\n"


@pytest.fixture
def server():
    """A server that records headers and body of each request."""
    requests = []

    class Recorder(BaseHTTPRequestHandler):
        def do_POST(self):
            requests.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Recorder) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", requests
        listening.shutdown()
        thread.join()


@pytest.fixture
def sent(generated, server):
    """A function that generates a client for one body, and returns a function that sends one: type and data."""
    url, requests = server

    def make(name, required=True, **content):
        types = {"json": "application/json", "multipart": "multipart/form-data"}
        types |= {"form": "application/x-www-form-urlencoded", "patch": "application/vnd.api+json"}
        body = {"required": required, "content": {types[key]: {"schema": each} for key, each in content.items()}}
        operation = {"operationId": "upload", "requestBody": body, "responses": {"204": {"description": ""}}}
        module = generated(name, {"/files": {"post": operation}}, {"Upload": UPLOAD})

        async def send(*body):
            async with module("client").Client(base_url=url) as client:
                await module("api.default.upload").asyncio_detailed(
                    client=client, **dict(zip(["body"], body, strict=False))
                )
            headers, found = requests.pop()
            if headers.get_content_type() == "multipart/form-data":
                return headers.get_content_type(), parts(headers["Content-Type"], found)
            return headers["Content-Type"], found and json.loads(found)

        return module("types").File, send

    return make


def parts(content_type, body):
    """Names, file names and content of the parts of a form, as the standard library reads them."""
    whole = b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    message = email.message_from_bytes(whole, policy=email.policy.HTTP)
    assert not message.defects
    return [
        (part.get_param("name", header="content-disposition"), part.get_filename(), part.get_payload(decode=True))
        for part in message.iter_parts()
    ]


async def test_a_body_with_a_file_is_a_form(sent):
    """Each file is a part; objects are JSON."""
    file, send = sent("clients_of_uploads", json=REFERENCE, multipart=REFERENCE)
    photo = file(io.BytesIO(PHOTO), file_name="a.jpg")
    body = {"title": "Photo", "files": [photo, PHOTO], "signer": {"name": "Jo", "order": 1}}
    assert await send(body) == (
        "multipart/form-data",
        [
            ("title", None, b"Photo"),
            ("files", "a.jpg", PHOTO),
            ("files", "files", PHOTO),
            ("signer", None, b'{"name":"Jo","order":1}'),
        ],
    )


@pytest.mark.parametrize("more", [{}, {"files": []}, {"file_urls": ["http://a/b"]}, {"signer": {"order": 1}}])
async def test_a_body_without_a_file_is_json(sent, more):
    """Which has types, and null, that a form has not."""
    _, send = sent("clients_of_links", json=REFERENCE, multipart=REFERENCE)
    written = {key.replace("_", "-"): value for key, value in more.items()}
    assert await send({"title": None, **more}) == ("application/json", {"title": None, **written})


async def test_the_content_type_is_that_of_the_document(sent):
    """Of the JSON that it offers."""
    _, send = sent("clients_of_other_json", patch=REFERENCE, multipart=REFERENCE)
    assert await send({"title": "x"}) == ("application/vnd.api+json", {"title": "x"})


async def test_two_schemas(sent):
    """The body is either."""
    by_url = {"type": "object", "required": ["file-url"], "properties": {"file-url": {"type": "string"}}}
    by_file = {"type": "object", "required": ["the-file"], "properties": {"the-file": FILE}}
    file, send = sent("clients_of_two_schemas", json=by_url, multipart=by_file)
    assert await send({"file_url": "http://a/b"}) == ("application/json", {"file-url": "http://a/b"})
    expected = [("the-file", "the-file", PHOTO)]
    assert await send({"the_file": file(io.BytesIO(PHOTO))}) == ("multipart/form-data", expected)


async def test_a_body_that_is_optional(sent):
    """None at all is sent where none is given."""
    _, send = sent("clients_of_optional_bodies", required=False, json=REFERENCE, multipart=REFERENCE)
    assert await send() == (None, b"")


async def test_other_forms_have_no_files(sent):
    """So the body is always multipart."""
    _, send = sent("clients_of_forms", form=REFERENCE, multipart=REFERENCE)
    assert await send({"title": "x"}) == ("multipart/form-data", [("title", None, b"x")])


async def test_a_form_without_files_is_json(sent):
    """If it may be."""
    plain = {"type": "object", "properties": {"title": {"type": "string"}}}
    _, send = sent("clients_of_plain_forms", json=plain, multipart=plain)
    assert await send({"title": "x"}) == ("application/json", {"title": "x"})
