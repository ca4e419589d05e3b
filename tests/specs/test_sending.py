"""What generated functions send is what OpenAPI says: its tables, and random schemas and values read back."""

import asyncio
import datetime as dt
import email
import email.policy
import importlib
import io
import sys
import uuid
from enum import Enum
from pathlib import Path

import decoding
import httpx
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from readahead_clients.encode import UNSET, File, RequestBuilder, json_data, text
from specs.documents import generate
from specs.documents.document import load
from specs.documents.repair import repair
from specs.pipeline.command import ROOT

# "Style Examples" of OpenAPI 3.0.4, 3.1.1 and 3.1.2. What these leave undefined ("n/a") is UNDEFINED where it is an
# error here; what is not is what servers agree on.
VALUES = {"string": "blue", "array": ["blue", "black", "brown"], "object": {"R": 100, "G": 200, "B": 150}}
UNDEFINED = ""
TABLE = {
    ("path", "matrix", False): (";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
    ("path", "matrix", True): (";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"),
    ("path", "label", False): (".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
    ("path", "label", True): (".blue", ".blue.black.brown", ".R=100.G=200.B=150"),
    ("path", "simple", False): ("blue", "blue,black,brown", "R,100,G,200,B,150"),
    ("path", "simple", True): ("blue", "blue,black,brown", "R=100,G=200,B=150"),
    ("header", "simple", False): ("blue", "blue,black,brown", "R,100,G,200,B,150"),
    ("header", "simple", True): ("blue", "blue,black,brown", "R=100,G=200,B=150"),
    ("query", "form", False): ("color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
    ("query", "form", True): ("color=blue", "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
    ("query", "spaceDelimited", False): (
        "color=blue",
        "color=blue%20black%20brown",
        "color=R%20100%20G%20200%20B%20150",
    ),
    ("query", "spaceDelimited", True): ("color=blue", "color=blue&color=black&color=brown", UNDEFINED),
    ("query", "pipeDelimited", False): (
        "color=blue",
        "color=blue%7Cblack%7Cbrown",
        "color=R%7C100%7CG%7C200%7CB%7C150",
    ),
    ("query", "pipeDelimited", True): ("color=blue", "color=blue&color=black&color=brown", UNDEFINED),
    ("query", "deepObject", True): ("color=blue", UNDEFINED, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
    ("cookie", "form", False): ("color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
    ("cookie", "form", True): ("color=blue", UNDEFINED, UNDEFINED),
}
SCHEMAS = {
    "string": {"type": "string"},
    "array": {"type": "array", "items": {"type": "string"}},
    "object": {"type": "object", "additionalProperties": {"type": "integer"}},
}
DEFAULTS = {"path": ("simple", False), "header": ("simple", False), "query": ("form", True), "cookie": ("form", True)}


@pytest.fixture(scope="session")
def client_of(tmp_path_factory):
    """A function that returns the generated modules of a document, by the names of their operations."""

    def generated(name, document):
        folder = tmp_path_factory.mktemp(name)
        generate.clients({"api": repair(document)}, ROOT / "openapi" / "templates", folder / "generated")
        (folder / "generated" / generate.PACKAGE).rename(folder / name)
        sys.path.insert(0, str(folder))
        try:
            found = sorted((folder / name / "api" / "api").rglob("*.py"))
            modules = {each.stem: f"{name}.api.api.{each.parent.name}.{each.stem}" for each in found}
            return {stem: importlib.import_module(each) for stem, each in modules.items() if stem != "__init__"}
        finally:
            sys.path.remove(str(folder))

    return generated


def sent(parts):
    """The request that httpx makes of what a generated function returns."""
    return httpx.Request(**{**parts, "url": f"http://127.0.0.1{parts['url']}"})


def part(request, place):
    """Where a parameter is in a request."""
    path, _, query = request.url.raw_path.decode().partition("?")
    found = {"path": path.rpartition("/")[2], "query": query, "cookie": request.headers.get("cookie")}
    return found[place] if place in found else request.headers.get("color")


# --- the tables


@pytest.fixture(scope="session")
def table(client_of):
    """A client with an operation for each cell of the table; the usual style and explode are not said."""
    paths = {}
    for number, ((place, style, explode), kind) in enumerate((row, kind) for row in TABLE for kind in VALUES):
        parameter = {"name": "color", "in": place, "required": True, "schema": SCHEMAS[kind]}
        if (style, explode) != DEFAULTS[place]:
            parameter |= {"style": style} if style != DEFAULTS[place][0] else {}
            parameter |= {"explode": explode} if explode is not (style == "form") else {}
        path = f"/a{number}/{{color}}" if place == "path" else f"/a{number}"
        operation = {"operationId": f"a{number}", "parameters": [parameter], "responses": {"204": {"description": ""}}}
        paths[path] = {"get": operation}
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
    modules = client_of("client_of_the_table", document)
    cells = [(*row, kind) for row in TABLE for kind in VALUES]
    return {cell: modules[f"a{number}"] for number, cell in enumerate(cells)}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize(("place", "style", "explode"), TABLE)
def test_the_table_of_the_specification(table, place, style, explode, kind):
    """Each style, exploded or not, writes a text, a list and an object as the specification shows it."""
    expected = TABLE[place, style, explode][list(VALUES).index(kind)]
    build = table[place, style, explode, kind].build_request
    if expected is UNDEFINED:
        with pytest.raises(ValueError, match=r"^color: "):
            build(color=VALUES[kind])
    else:
        assert part(sent(build(color=VALUES[kind])), place) == expected


# --- single values


class Colour(Enum):
    RED = "red"


class Level(Enum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1e22, "1" + 22 * "0"),
        (1.5e-7, "0.00000015"),
        (5.0, "5.0"),
        (-0.5, "-0.5"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), "2026-01-02T03:04:00+00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        (Level.HIGH, "3"),
        ("é&", "é&"),
        ("", ""),
    ],
    ids=repr,
)
def test_a_value_as_text(value, written):
    """Never as Python writes it: as JSON and ISO 8601 have it, and numbers without an exponent."""
    assert text(value) == written
    builder = RequestBuilder("get", "/")
    builder.query("a", value)
    builder.query("b", [value])
    assert list(httpx.URL(builder.build()["url"]).params.multi_items()) == [("a", written), ("b", written)]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1}, b"x", 1j])
def test_what_is_no_value(value):
    """What has no text is an error that names the parameter, and is never sent as Python writes it."""
    builder = RequestBuilder("get", "/{a}")
    for put in (builder.query, builder.header, builder.cookie, builder.path):
        for given_value in (value, [value], {"b": value}):
            with pytest.raises((TypeError, ValueError), match=r"^a: "):
                put("a", given_value)
    for send in (builder.json, builder.form):
        with pytest.raises((TypeError, ValueError), match=r"^(a|body): "):
            send({"a": value})


def test_what_is_not_given_is_not_sent():
    """Neither UNSET, nor None, nor an empty list in the query; null in a list or an object is an error."""
    builder = RequestBuilder("get", "/")
    for value in (UNSET, None, [], {}):
        builder.query("a", value)
        builder.header("a", value)
        builder.cookie("a", value, explode=False)
    assert builder.build() == {"method": "get", "url": "/"}
    for value in ([None], {"b": None}):
        with pytest.raises(ValueError, match=r"^a: only JSON has null"):
            builder.query("a", value)


@pytest.mark.parametrize("value", ["", ".", "..", None, UNSET, [], {}])
def test_a_path_stays_the_path(value):
    """What would make another path of it is refused; an empty id must not list everything."""
    with pytest.raises(ValueError, match=r"^id: "):
        RequestBuilder("get", "/customers/{id}").path("id", value)


def test_an_empty_value_within_a_part_of_a_path():
    """Where the rest of the part keeps the path as it is, a value may be empty, or dots."""
    for value in ("", "."):
        builder = RequestBuilder("get", "/files/{id}.json")
        builder.path("id", value)
        assert builder.build()["url"] == f"/files/{value}.json"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "é", " a", "a\n", "\x00"], ids=repr)
def test_what_no_header_can_have(value):
    """A value never ends a header; nothing of it is changed in silence."""
    with pytest.raises(ValueError, match=r"^X-A: "):
        RequestBuilder("get", "/").header("X-A", value)


@pytest.mark.parametrize(
    ("put", "value", "options"),
    [
        ("query", ["a,b"], {"explode": False}),
        ("query", {"a,b": 1}, {"explode": False}),
        ("query", ["a b"], {"style": "spaceDelimited"}),
        ("query", ["a|b"], {"style": "pipeDelimited"}),
        ("query", {"a[b]": 1}, {"style": "deepObject"}),
        ("path", ["a,b"], {}),
        ("path", ["a;b"], {"style": "matrix", "explode": True}),
        ("path", [1.5], {"style": "label", "explode": True}),
        ("path", {"a=b": 1}, {"explode": True}),
        ("header", ["a,b"], {}),
        ("header", {"a=b": 1}, {"explode": True}),
        ("cookie", ["a,b"], {"explode": False}),
    ],
    ids=repr,
)
def test_a_delimiter_inside_a_value(put, value, options):
    """A server that decodes first would read several values; the error names the parameter and the value."""
    with pytest.raises(ValueError, match=r"^id: '.*which is what separates"):
        getattr(RequestBuilder("get", "/{id}"), put)("id", value, **options)


def test_what_a_cookie_has_no_place_for():
    """Spaces, semicolons, quotes, percent signs and what is not ASCII are encoded; tokens stay as they are."""
    builder = RequestBuilder("get", "/")
    builder.cookie("a", 'b c;d"é%41')
    builder.cookie("token", "a/b+c==")
    assert builder.build()["cookies"] == {"a": "b%20c%3Bd%22%C3%A9%2541", "token": "a/b+c=="}


def test_a_parameter_in_an_object_is_no_other_one():
    """An exploded object must not set another parameter."""
    builder = RequestBuilder("get", "/")
    builder.query("page", 1)
    with pytest.raises(ValueError, match=r"^filter: there is another parameter page"):
        builder.query("filter", {"page": 2})


def test_reserved_characters():
    """They are encoded, unless the document allows them; what separates parameters is encoded in any case."""
    value = ":/?#[]@!$&'()*+,;=%41 %"
    for reserved, written in (
        (False, "%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%2541%20%25"),
        (True, ":/?%23%5B%5D@!$%26'()*%2B,;%3D%41%20%25"),
    ):
        builder = RequestBuilder("get", "/")
        builder.query("a", value, reserved=reserved)
        assert part(sent(builder.build()), "query") == f"a={written}"


def test_objects_inside_others():
    """Inside lists and objects they are JSON; in a deepObject they are names in brackets."""
    nested = {"a": {"b": [1]}, "c": [True, False]}
    builder = RequestBuilder("get", "/")
    builder.query("exploded", nested)
    builder.query("list", [nested])
    builder.query("deep", {"a": {"b": {"c": 1}}}, style="deepObject")
    assert httpx.URL(builder.build()["url"]).params.multi_items() == [
        ("a", '{"b":[1]}'),
        ("c", "true"),
        ("c", "false"),
        ("list", '{"a":{"b":[1]},"c":[true,false]}'),
        ("deep[a][b][c]", "1"),
    ]
    for style, explode in (("form", False), ("deepObject", True), ("spaceDelimited", False)):
        with pytest.raises(ValueError, match=r"^x: OpenAPI does not say"):
            builder.query("x", {"a": [1]}, style=style, explode=explode)


def test_json_data():
    """JSON has texts for what it has no type for."""
    day = dt.date(2026, 1, 2)
    assert json_data({"a": (day, uuid.UUID(int=0), Colour.RED), "b": {Colour.RED: 1.5}}) == {
        "a": ["2026-01-02", "00000000-0000-0000-0000-000000000000", "red"],
        "b": {"red": 1.5},
    }


# --- from the document to the wire


@pytest.fixture(scope="session")
def modules(client_of):
    """The modules of a document that says how values are sent, and answers of all kinds."""
    return client_of("client_of_what_is_sent", load(Path(__file__).with_name("sending.yaml")))


@pytest.fixture
def of_file(modules):
    """The class of files of that client."""
    return importlib.import_module("client_of_what_is_sent.api.types").File


def test_what_the_document_says_of_parameters(modules):
    """Styles, content types, dates, lists in headers, and names on the wire come from the document."""
    build = modules["parameters"].build_request
    at = dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)
    request = build(
        filter_={"size_in": [1, 2]},
        reserved="a/b?c",
        created={"gte": at.date()},
        ids=[uuid.UUID(int=1)],
        state=["open", "new"],
        if_modified_since=at,
        x_flags=[True, False],
        session="s3cret",
        request="x",
    )
    query = (
        "filter=%7B%22sizeIn%22%3A%5B1%2C2%5D%7D&reserved=a/b?c&created%5Bgte%5D=2026-01-02"
        "&ids%5B%5D=00000000-0000-0000-0000-000000000001&state=open,new&request=x"
    )
    assert request == {
        "method": "get",
        "url": f"/parameters?{query}",
        "headers": {"If-Modified-Since": "2026-01-02T03:04:00+00:00", "X-Flags": "true,false"},
        "cookies": {"session": "s3cret"},
    }
    assert part(sent(request), "query") == query
    assert build(created=5, accept="text/csv") == {
        "method": "get",
        "url": "/parameters?created=5",
        "headers": {"Accept": "text/csv"},
    }


def test_what_the_document_says_of_a_form(modules):
    """Fields are encoded as the document says; keys are called like attributes, the wire has its own names."""
    body = {
        "first_name": "A B",
        "tags": ["a", "b,c"],
        "joined": ["a", "b"],
        "deep": {"a": True},
        "address": {"zip_code": "1"},
        "whole": [1, 2],
        "day": dt.date(2026, 1, 2),
        "url": "http://a/?b",
    }
    request = sent(modules["form"].build_request(body=body))
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.read().decode().split("&") == [
        "firstName=A+B",
        "tags=a",
        "tags=b%2Cc",
        "joined=a,b",
        "deep%5Ba%5D=true",
        "address=%7B%22zipCode%22%3A%221%22%7D",
        "whole=%5B1%2C2%5D",
        "day=2026-01-02",
        "url=http://a/?b",
    ]


def test_what_the_document_says_of_parts(modules, of_file):
    """Each part has the content type of the document, or of the file, and the headers of the file."""
    file = of_file(io.BytesIO(b"%PDF"), "a.pdf", headers={"X-Part": "1"})
    photos = [of_file(io.BytesIO(b"p"), "a.png"), of_file(io.BytesIO(b"j"), mime_type="image/jpeg")]
    body = {"file": file, "photos": photos, "meta": {"is_new": True}, "note": "*é*", "joined": [1, 2]}
    request = sent(modules["multipart"].build_request(body=body))
    head = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n"
    parts = list(email.message_from_bytes(head + request.read(), policy=email.policy.HTTP).iter_parts())
    assert [
        (each.get_param("name", header="content-disposition"), each.get_filename(), each["content-type"])
        for each in parts
    ] == [
        ("file", "a.pdf", "application/pdf"),
        ("photos", "a.png", "image/png"),
        ("photos", "photos", "image/jpeg"),
        ("meta", None, "application/json"),
        ("note", None, "text/markdown"),
        ("joined", None, None),
    ]
    assert [each.get_payload(decode=True) for each in parts] == [
        b"%PDF",
        b"p",
        b"j",
        b'{"isNew":true}',
        "*é*".encode(),
        b"1,2",
    ]
    assert parts[0]["X-Part"] == "1"


def test_bodies_of_text_and_bytes(modules, of_file):
    """Text is UTF-8 and says so; of several content types the file says which it is."""
    build = modules["text"].build_request
    for body in ("é", "é".encode(), of_file(io.BytesIO("é".encode()))):
        request = sent(build(body=body))
        assert (request.headers["content-type"], request.read()) == ("text/plain; charset=utf-8", "é".encode())
    image = modules["image"].build_request
    assert sent(image(body=of_file(io.BytesIO(b"x"), mime_type="image/gif"))).headers["content-type"] == "image/gif"
    assert sent(image()).headers.get("content-type") is None
    with pytest.raises(ValueError, match=r"^body: say which image/\* it is"):
        image(body=b"x")


@pytest.mark.parametrize("body", [None, {"a": None}, [1], "a=1"], ids=repr)
def test_what_is_no_form(modules, body):
    """A form is an object without nulls."""
    for operation in ("form", "multipart"):
        with pytest.raises((TypeError, ValueError), match=r"^(body must be a dictionary|a: only JSON has null)"):
            modules[operation].build_request(body=body)


# --- answers

JSON, PNG = "application/json; charset=utf-8", "image/png"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("operation", "status", "content_type", "body", "read"),
    [
        ("json", 200, "application/vnd.api+json", b'{"id": "1"}', {"id": "1"}),
        ("plain", 200, "text/plain; charset=latin-1", b"\xe9", "é"),
        ("plain", 200, "text/plain", b"5", "5"),
        ("octets", 200, PNG, b"\x89PNG", File),
        ("octets", 200, PNG, b"", File),
        ("anything", 200, JSON, b'{"id": 1}', {"id": 1}),
        ("anything", 200, "text/csv", b"a,b", "a,b"),
        ("anything", 200, PNG, b"\x89", b"\x89"),
        ("anything", 200, None, b"[1]", [1]),
        ("anything", 200, None, b"\x89", b"\x89"),
        ("anything", 200, None, b"", None),
        ("any_bytes", 200, JSON, b'{"id": 1}', File),
        ("any_text", 200, JSON, b'"a"', "a"),
        ("any_text", 200, "text/plain", b'"a"', '"a"'),
        ("any_thing", 200, JSON, b'{"id": "1"}', {"id": "1"}),
        ("errors", 400, JSON, b'{"why": [1]}', {"why": [1]}),
        ("errors", 400, JSON, b"", None),
        ("errors", 404, "text/plain", b"no such thing", "no such thing"),
        ("errors", 415, "application/pdf", b"%PDF", File),
        ("errors", 422, JSON, b'{"why": 1}', None),
        ("errors", 500, "application/problem+json", b'{"title": "x"}', {"title": "x"}),
        ("nothing", 200, JSON, b'{"id": "1"}', {"id": "1"}),
        ("nothing", 204, None, b"", None),
    ],
)
async def test_an_answer_is_read_by_its_content_type(modules, operation, status, content_type, body, read):
    """JSON, text, bytes and nothing, as the document says; where it says any type, as the server does.

    Content that it does not describe any further, in errors too, is plain data; of an answer without content nothing
    is read.
    """

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status} x\r\nConnection: close\r\n"
        head += f"Content-Type: {content_type}\r\n" if content_type else ""
        head += f"Content-Length: {len(body)}\r\n" if status != 204 else ""
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()
        writer.close()

    package = importlib.import_module("client_of_what_is_sent.api.client")
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        async with package.Client(base_url=f"http://{host}:{port}", httpx_args={"trust_env": False}) as client:
            response = await modules[operation].asyncio_detailed(client=client)
    if read is File:
        assert (response.parsed.payload.read(), response.parsed.mime_type) == (body, content_type)
    else:
        parsed = response.parsed
        assert (parsed.to_dict() if hasattr(parsed, "to_dict") else parsed) == read
        assert type(parsed) is not dict or operation in {"anything", "errors"}


# --- random schemas and values, read back

NAMES = st.sampled_from(["R", "first name", "é", "a.b", "x[0]", "n&m", "k=v", "p;q"])
KINDS = ["string", "integer", "number", "boolean", "date", "date-time", "uuid"]
SCALARS = {
    "string": st.text(st.characters(codec="utf-8"), max_size=8),
    "integer": st.integers(),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "date": st.dates(),
    "date-time": st.datetimes(timezones=st.just(dt.UTC)),
    "uuid": st.uuids(),
}
scalars = st.sampled_from(KINDS).map(
    lambda kind: {"type": "string", "format": kind} if kind in KINDS[4:] else {"type": kind}
)


def objects(members, names=NAMES):
    return st.dictionaries(names, members, min_size=1, max_size=3).map(
        lambda each: {"type": "object", "properties": each}
    )


def lists(items):
    return items.map(lambda each: {"type": "array", "items": each})


flat = scalars | lists(scalars) | objects(scalars)
nested = st.recursive(scalars, lambda inner: lists(inner) | objects(inner), max_leaves=4)


def values(schema):
    """Values of a schema; of lists and objects none is empty, for there is no request with one that is."""
    if schema["type"] == "object":
        return st.fixed_dictionaries({}, optional={k: values(each) for k, each in schema["properties"].items()}).filter(
            bool
        )
    if schema["type"] == "array":
        return st.lists(values(schema["items"]), min_size=1, max_size=3)
    return SCALARS[schema.get("format", schema["type"])]


def texts_in(value):
    """The texts of a list, or of an object and its keys."""
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return list(map(text, inner))


@st.composite
def schemas_with_values(draw, schemas):
    schema = draw(schemas)
    return schema, draw(values(schema))


laws = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read_or_refused(put, read, value, unsaid):
    """The value is read back; or it cannot be said, and is refused."""
    try:
        put(value)
    except ValueError:
        assert unsaid
    else:
        assert read() == value
        assert not unsaid


@laws
@given(given=schemas_with_values(flat), style=st.sampled_from(["matrix", "label", "simple"]), explode=st.booleans())
@example(given=({"type": "array", "items": {"type": "string"}}, ["."]), style="simple", explode=False)
@example(given=({"type": "array", "items": {"type": "string"}}, ["", ""]), style="label", explode=True)
def test_paths_are_read_back(given, style, explode):
    """Whatever is sent in a path is read as it was, also by a server that decodes first."""
    schema, value = given
    delimiter = {"matrix": ";", "label": ".", "simple": ","}[style] if explode else ","
    keys = list(value) if isinstance(value, dict) and explode else []
    unsaid = any(delimiter in each for each in texts_in(value)) or any("=" in key for key in keys)
    builder = RequestBuilder("get", "/a/{color}")

    def read():
        url = sent(builder.build()).url.raw_path.decode()
        return decoding.path("color", schema, style, explode, url.removeprefix("/a/"))

    whole = "…" if isinstance(value, dict) else delimiter.join(map(text, value if isinstance(value, list) else [value]))
    whole = f".{whole}" if style == "label" else whole
    unsaid = unsaid or (style != "matrix" and whole in {"", ".", ".."})
    read_or_refused(lambda each: builder.path("color", each, style, explode=explode), read, value, unsaid)


@laws
@given(
    given=schemas_with_values(flat),
    style=st.sampled_from(["form", "spaceDelimited", "pipeDelimited", "deepObject"]),
    explode=st.booleans(),
    reserved=st.booleans(),
)
def test_queries_are_read_back(given, style, explode, reserved):
    """Whatever is sent in a query is read as it was, also by a server that decodes first."""
    schema, value = given
    delimiter = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|", "deepObject": ""}[style]
    unsaid = not explode and style != "deepObject" and any(delimiter in each for each in texts_in(value))
    unsaid |= style == "deepObject" and (
        schema["type"] == "array" or "x[0]" in texts_in(value)[: len(texts_in(value)) // 2]
    )
    unsaid |= explode and style.endswith("Delimited") and schema["type"] == "object"
    assume(not (reserved and "%" in "".join([*texts_in(value), *([value] if isinstance(value, str) else [])])))
    builder = RequestBuilder("get", "/a")

    def read():
        found = part(sent(builder.build()), "query")
        return decoding.query("color", schema, style, explode, found)

    read_or_refused(
        lambda each: builder.query("color", each, style, explode=explode, reserved=reserved), read, value, unsaid
    )


@laws
@given(given=schemas_with_values(flat), explode=st.booleans())
def test_headers_are_read_back(given, explode):
    """Whatever is sent in a header is read as it was."""
    schema, value = given
    texts = texts_in(value) if isinstance(value, dict | list) else [text(value)]
    whole = ",".join(texts)
    parts = [f"{key}={text(item)}" for key, item in value.items()] if explode and isinstance(value, dict) else texts
    unsaid = not (whole.isascii() and whole.isprintable()) or any(each != each.strip() for each in parts)
    unsaid |= isinstance(value, dict | list) and any("," in each for each in texts)
    unsaid |= isinstance(value, dict) and explode and any("=" in key for key in value)
    assume("\t" not in whole)
    builder = RequestBuilder("get", "/a")
    read_or_refused(
        lambda each: builder.header("color", each, explode=explode),
        lambda: decoding.header(schema, explode, part(sent(builder.build()), "header")),
        value,
        unsaid,
    )


@laws
@given(given=schemas_with_values(flat), explode=st.booleans())
def test_cookies_are_read_back(given, explode):
    """Whatever is sent in a cookie is read as it was."""
    schema, value = given
    several = isinstance(value, dict | list)
    unsaid = several and (explode or any("," in each for each in texts_in(value)))
    builder = RequestBuilder("get", "/a")
    read_or_refused(
        lambda each: builder.cookie("color", each, explode=explode),
        lambda: decoding.cookie("color", schema, part(sent(builder.build()), "cookie")),
        value,
        unsaid,
    )


@laws
@given(given=schemas_with_values(objects(nested)))
def test_forms_are_read_back(given):
    """Whatever is sent in a form is read as it was: lists repeat their name, objects are JSON."""
    schema, value = given
    builder = RequestBuilder("post", "/a")
    builder.form(value)
    request = sent(builder.build())
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert decoding.form(schema, request.read().decode()) == value


@laws
@given(
    given=schemas_with_values(objects(nested, st.sampled_from(["R", "a.b", "first", "n&m", "k=v"]))), file=st.binary()
)
def test_multipart_bodies_are_read_back(given, file):
    """Whatever is sent in parts is read as it was; files have names."""
    schema, value = given
    binary = {"type": "string", "format": "binary"}
    whole = {"properties": {**schema["properties"], "file": binary, "files": {"type": "array", "items": binary}}}
    builder = RequestBuilder("post", "/a")
    builder.multipart({**value, "file": File(io.BytesIO(file), "x.bin"), "files": [file, file]})
    request = sent(builder.build())
    found, names = decoding.multipart(whole, request.headers["content-type"], request.read())
    assert found == {**value, "file": file, "files": [file, file]}
    assert {key: name for key, name in names.items() if name} == {"file": "x.bin", "files": "files"}


@pytest.mark.parametrize("send", ["form", "multipart"])
def test_an_object_is_written_as_no_other_type_than_json(send):
    """JSON that says it is XML would be sent otherwise; of several types it is the one that is JSON."""
    builder = RequestBuilder("post", "/")
    with pytest.raises(ValueError, match="a: an object cannot be written as application/xml"):
        getattr(builder, send)({"a": {"b": 1}}, {"a": {"contentType": "application/xml"}})
    getattr(builder, send)({"a": {"b": 1}}, {"a": {"contentType": "application/xml, application/json"}})
    request = sent(builder.build())
    request.read()
    if send == "form":
        assert request.content == b"a=%7B%22b%22%3A1%7D"
    else:
        assert b'Content-Type: application/json\r\n\r\n{"b":1}\r\n' in request.content
