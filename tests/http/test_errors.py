"""One tree of errors: each is told by its class, carries what it knows, and nothing else ever comes out."""

import copy
import gzip
import inspect
import json
import pickle
import re
import zlib
from urllib.parse import parse_qsl

import httpx
import pytest

import readahead.errors
from readahead import Retry
from readahead.errors import (
    ApiError,
    AuthenticationFailed,
    CheckpointError,
    ComparisonError,
    Conflict,
    ConnectFailed,
    ConnectionLost,
    CredentialsError,
    DeadlineExceeded,
    DecodeError,
    DriftError,
    FilterError,
    GateError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    PoolTimedOut,
    RateLimited,
    ReadaheadError,
    RequestError,
    ResponseTooLarge,
    RetryDelayTooLong,
    ServerError,
    StreamError,
    TargetError,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from readahead.http.libraries import client_for_app
from readahead.kintsugi import Country, Kintsugi
from readahead.sweetspot import SweetSpot

apis = pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
ONCE = Retry(attempts=1)
VALUE = "a-value-of-a-filter"


def answering(status=200, body=b"", headers=()):
    """An application that always answers so."""

    async def app(scope, receive, send):
        raw = [(name.encode(), value.encode()) for name, value in dict(headers).items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    return app


def all_customers(api, http):
    if api == "kintsugi":
        client = Kintsugi(
            api_key="key", organization_id="org", base_url="http://localhost", http_client=http, retry=ONCE
        )
    else:
        client = SweetSpot(token="token", base_url="http://localhost", http_client=http, retry=ONCE)
    return client.customers


def customers(api, http):
    return all_customers(api, http).where(**{"search" if api == "kintsugi" else "name": VALUE})


async def error_of(api, app, read=lambda query: query.first_page()):
    """What reading from this application raises."""
    with pytest.raises(ReadaheadError) as caught:
        await read(customers(api, client_for_app(app)))
    return caught.value


# ---- the tree


def drawn():
    """Each class of the drawing in the module's docstring, and the one it hangs from."""
    above, found = [], {}
    for line in readahead.errors.__doc__.splitlines():
        if match := re.match(r"    ((?:[│ ]   )*(?:[├└]── )?)([A-Z]\w+)", line):
            depth = len(match[1]) // 4
            above[depth:] = [match[2]]
            found[match[2]] = above[depth - 1] if depth else None
    return found


def test_the_drawing_is_the_tree():
    """Every public class is drawn, under the class it derives from, and none that does not exist."""
    real = {
        name: next(
            (base.__name__ for base in cls.__mro__[1:] if issubclass(base, ReadaheadError) and base.__name__[0] != "_"),
            None,
        )
        for name, cls in vars(readahead.errors).items()
        if inspect.isclass(cls) and issubclass(cls, ReadaheadError) and not name.startswith("_")
    }
    assert drawn() == real
    assert sorted(real) == sorted(readahead.errors.__all__)


@pytest.mark.parametrize(
    ("ours", "also"),
    [
        (UsageError, ValueError),
        (CredentialsError, ValueError),
        (FilterError, ValueError),
        (StreamError, RuntimeError),
        (TimedOut, TimeoutError),
    ],
)
def test_what_is_drawn_as_something_else_too_is(ours, also):
    """As the docstring says in brackets."""
    assert issubclass(ours, also)
    assert not issubclass(ReadaheadError, also)


def test_a_status_names_its_class_in_the_drawing():
    """The numbers in the docstring are those that the classes are made for."""
    for line in readahead.errors.__doc__.splitlines():
        if match := re.match(r".*[├└]── (\w+) +(\d[\d, ]*)", line):
            for status in re.findall(r"\d+", match[2]):
                assert ApiError.of(int(status)).__name__ == match[1]


ANSWERED = {
    "status": 429,
    "request": "GET /v1/customers?state=…&page=3",
    "detail": "slow down",
    "request_id": "req_1",
    "body": b'{"detail":"slow down"}',
    "retry_after": 1.5,
    "maybe_applied": True,
}
CARRIED = [
    *[
        (cls("said"), {})
        for cls in (
            ReadaheadError,
            UsageError,
            CheckpointError,
            CredentialsError,
            DriftError,
            GateError,
            StreamError,
            TargetError,
        )
    ],
    (
        FilterError("country", "not a country", value="usa", near=["US", "AU"]),
        {"field": "country", "value": "usa", "near": ("US", "AU")},
    ),
    (FilterError("country", "x", value=[Country.US, Country.unlisted("XX")]), {"value": ["US", "XX"]}),
    *[
        (cls("said", request="GET /x", maybe_applied=True), {"request": "GET /x", "maybe_applied": True})
        for cls in (RequestError, ConnectFailed, ConnectionLost, TimedOut, DeadlineExceeded, PoolTimedOut)
    ],
    *[
        (cls("said", **ANSWERED), ANSWERED)
        for cls in (
            ApiError,
            InvalidRequest,
            AuthenticationFailed,
            PermissionDenied,
            NotFound,
            Conflict,
            RateLimited,
            ServerError,
            UnexpectedAnswer,
            ResponseTooLarge,
        )
    ],
    (RetryDelayTooLong(600, 120), {"delay": 600, "allowed": 120}),
    (DecodeError("said", request="GET /x", row=7, field="id"), {"request": "GET /x", "row": 7, "field": "id"}),
    (
        ComparisonError("said", request="GET /x", row=7, field="created_at", kind="text"),
        {"request": "GET /x", "row": 7, "field": "created_at", "kind": "text"},
    ),
]


def test_every_class_is_tried_here():
    """A new class finds its way into the table above."""
    assert {type(error).__name__ for error, _ in CARRIED} == set(readahead.errors.__all__)


COPIES = [lambda error, n=protocol: pickle.loads(pickle.dumps(error, n)) for protocol in range(6)]


@pytest.mark.parametrize("again", [*COPIES, copy.copy, copy.deepcopy])
@pytest.mark.parametrize(("error", "carried"), CARRIED, ids=lambda value: type(value).__name__)
def test_every_error_pickles_and_copies_with_all_that_it_carries(error, carried, again):
    """Between processes and in logs: class, words, attributes, notes, and what was added later."""
    error = copy.copy(error)
    error.add_note("in the night run")
    error.checkpoint = {"page": 3}
    found = again(error)
    assert found is not error
    assert type(found) is type(error)
    assert (str(found), found.args, repr(found)) == (str(error), error.args, repr(error))
    for name, value in carried.items():
        assert getattr(found, name) == getattr(error, name) == value
    assert found.__notes__ == ["in the night run"]
    assert found.checkpoint == {"page": 3}


@pytest.mark.parametrize("cls", [cls for cls in vars(readahead.errors).values() if inspect.isclass(cls)])
def test_every_error_says_what_it_is_for(cls):
    """A docstring of its own."""
    if issubclass(cls, ReadaheadError):
        assert cls.__doc__ not in {base.__doc__ for base in cls.__mro__[1:]}


@pytest.mark.parametrize("cls", [RequestError, ConnectFailed, ConnectionLost, TimedOut])
def test_an_error_without_an_answer_names_its_request(cls):
    """If it knows one, and whether it may have been applied."""
    assert str(cls("reset")) == "reset"
    assert str(cls("reset", request="GET /x")) == "GET /x: reset"
    assert str(cls("reset", request="PUT /x", maybe_applied=True)) == "PUT /x: reset (it may have been applied)"


# ---- statuses


STATUSES = [
    (400, InvalidRequest),
    (401, AuthenticationFailed),
    (402, ApiError),
    (403, PermissionDenied),
    (404, NotFound),
    (405, ApiError),
    (409, Conflict),
    (418, ApiError),
    (422, InvalidRequest),
    (429, RateLimited),
    (451, ApiError),
    (499, ApiError),
    (500, ServerError),
    (501, ServerError),
    (502, ServerError),
    (503, ServerError),
    (504, ServerError),
    (520, ServerError),
    (529, ServerError),
    (599, ServerError),
    (300, UnexpectedAnswer),
    (301, UnexpectedAnswer),
    (302, UnexpectedAnswer),
    (304, UnexpectedAnswer),
    (307, UnexpectedAnswer),
    (308, UnexpectedAnswer),
    (204, UnexpectedAnswer),
]


@pytest.mark.anyio
@apis
@pytest.mark.parametrize(("status", "cls"), STATUSES)
async def test_a_status_is_one_typed_error(status, cls, api):
    """With status, request without values, request id and body."""
    body = b"" if status in {204, 304} else b'{"detail":"so it is"}'
    headers = {"x-request-id": "req_17", "location": f"https://elsewhere.example/?x={VALUE}", "retry-after": "7"}
    error = await error_of(api, answering(status, body, headers))
    assert type(error) is cls
    parameter, position = ("search_query", "page=1&size=100") if api == "kintsugi" else ("name", "offset=0&limit=100")
    assert error.request == f"GET /v1/customers?{parameter}=…&{position}"
    assert (error.status, error.request_id, error.body, error.maybe_applied) == (status, "req_17", body, False)
    assert str(error).startswith(f"{error.request}: status {status}")
    assert "request id req_17" in str(error)
    assert VALUE not in str(error)
    if cls is not UnexpectedAnswer:
        assert error.detail == "so it is"
        assert error.retry_after == 7
        assert "so it is" in str(error)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("X-Request-ID", "r"),
        ("request-id", "r"),
        ("X-Correlation-Id", "r"),
        ("x-amzn-RequestId", "r"),
        ("CF-Ray", "r"),
        ("x-other", None),
    ],
)
async def test_a_request_id_is_found_under_the_names_in_use(name, found):
    """Those of gateways and content networks too."""
    assert (await error_of("kintsugi", answering(500, b"", {name: "r"}))).request_id == found


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
async def test_a_write_that_failed_tells_whether_it_may_have_been_applied(status):
    """A refusal was not; of a server error nobody knows."""
    found = all_customers("kintsugi", client_for_app(answering(status, b"{}")))
    for call in (lambda: found.create(name="x"), lambda: found.update("id", name="x")):
        with pytest.raises(ApiError) as caught:
            await call()
        assert caught.value.maybe_applied == (status >= 500)
        assert ("it may have been applied" in str(caught.value)) == (status >= 500)
    with pytest.raises(ApiError) as caught:
        await found.get("id")
    assert not caught.value.maybe_applied
    assert caught.value.request == "GET /v1/customers/{customer_id}"


# ---- the vendors' words


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "said"),
    [
        # Kintsugi: text, or FastAPI's list, where everything but `detail` may be missing
        ({"detail": "Customer not found"}, "Customer not found"),
        (
            {
                "detail": [
                    {
                        "type": "less_than_equal",
                        "loc": ["query", "size"],
                        "msg": "Too many",
                        "input": "101",
                        "ctx": {"le": 100},
                    }
                ]
            },
            "query.size: Too many",
        ),
        (
            {"detail": [{"loc": ["query", "country", 0], "msg": "No"}, {"msg": "Nor this"}]},
            "query.country.0: No; Nor this",
        ),
        ({"detail": [{"type": "missing", "loc": [], "msg": "Field required"}]}, "Field required"),
        ({"detail": [{"loc": None, "msg": "x"}]}, "x"),
        ({"detail": [{"loc": "body", "msg": "x"}]}, "body: x"),
        ({"detail": [{"loc": 5, "msg": "x"}]}, "5: x"),
        ({"detail": [{"type": "missing"}]}, '{"type":"missing"}'),
        ({"detail": [{"msg": None, "loc": ["a"]}]}, '{"msg":null,"loc":["a"]}'),
        ({"detail": ["one", "two"]}, "one; two"),
        ({"detail": [None, 5, ["x"]]}, 'null; 5; ["x"]'),
        ({"detail": {"message": "inside"}}, "inside"),
        ({"detail": {"code": 7}}, '{"code":7}'),
        ({"detail": 7}, "7"),
        ({"detail": None}, '{"detail":null}'),
        ({"detail": ""}, '{"detail":""}'),
        ({"detail": []}, '{"detail":[]}'),
        # Sweet Spot: an object under `error`
        (
            {"error": {"type": "invalid_request_error", "code": "c", "message": "No such customer", "param": "id"}},
            "No such customer",
        ),
        ({"error": {"type": "api_error"}}, '{"type":"api_error"}'),
        ({"error": {"type": "api_error", "message": None}}, '{"type":"api_error","message":null}'),
        ({"error": {"message": ["a", "b"]}}, "a; b"),
        ({"error": "unauthorized"}, "unauthorized"),
        ({"error": None, "status": 500}, '{"error":null,"status":500}'),
        # gateways
        ({"message": "Endpoint request timed out"}, "Endpoint request timed out"),
        ({"detail": None, "error": "both"}, "both"),
        ({"other": 1}, '{"other":1}'),
        ("only text", "only text"),
        (["a list"], "a list"),
        ("two\nlines\r\n\tin one", "two lines in one"),
        ({"detail": "two\n  lines"}, "two lines"),
        (7, "7"),
        (True, "true"),
        (None, None),
        ({}, None),
        ([], None),
        ("", None),
        (0, None),
    ],
)
@apis
async def test_an_api_is_quoted_in_its_own_words(body, said, api):
    """Readable, in one line, whatever the shape; and the body is kept as it came."""
    raw = json.dumps(body).encode()
    error = await error_of(api, answering(400, raw))
    assert type(error) is InvalidRequest
    assert error.detail == said
    assert error.body == raw
    assert str(error) == f"{error.request}: status 400" + (f": {said}" if said else "")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"<html>\n<h1>502   Bad\nGateway</h1>", "<html> <h1>502 Bad Gateway</h1>"),
        (b"", None),
        (b" \r\n ", None),
        (b"\xff\xfe\x00", "\ufffd\ufffd\\x00"),
        (b'{"detail": "cut', '{"detail": "cut'),
        (b"x" * 10_000, "x" * 200 + "…"),
    ],
)
async def test_what_is_not_json_is_quoted_from_its_start(raw, said):
    """A proxy's page, nothing at all, bytes: the error is the status's, and the body is kept whole."""
    error = await error_of("kintsugi", answering(502, raw))
    assert type(error) is ServerError
    assert (error.detail, error.body) == (said, raw)


@pytest.mark.asyncio
async def test_a_long_answer_is_kept_and_not_quoted_whole():
    """A message is for reading."""
    words = "no " * 10_000
    error = await error_of("kintsugi", answering(400, json.dumps({"detail": words}).encode()))
    assert error.detail == words.strip()
    assert len(str(error)) < 1000
    deep = b"[" * 500 + b"]" * 500
    assert len(str(await error_of("kintsugi", answering(400, deep)))) < 1000


# ---- answers that are not what was documented


HTML = b"<!doctype html><title>Log in</title>"
ROW = {"id": "cust_1", "organization_id": "org"}
PAGE = json.dumps({"items": [ROW], "total": 1, "page": 1, "size": 50, "pages": 1}).encode()
NOT_JSON = [
    (HTML, {"content-type": "text/html"}),
    (b"", {}),
    (b" ", {}),
    (PAGE[:-1], {"content-type": "application/json"}),
    (PAGE[:40], {}),
    (b"\xff" + PAGE, {}),
    (PAGE.replace(b"cust_1", b"cust_\xff"), {}),
    (PAGE + PAGE, {}),
    (PAGE.replace(b"cust_1", b"cust_\xff"), {"content-type": "application/json; charset=no-such-charset"}),
    (PAGE.replace(b"cust_1", b"\xff"), {"content-type": "application/json; charset=punycode"}),
    (PAGE.replace(b"cust_1", b"cust_\xff\\m"), {"content-type": "application/json; charset=unicode_escape"}),
    (PAGE.replace(b'"cust_1"', b"9" * 5_000), {}),
    (PAGE.replace(b'"org"', b"[" * 100_000 + b"NaN" + b"]" * 100_000), {}),
    (b"undefined", {}),
    (b"event: x\ndata: {}\n\n", {"content-type": "text/event-stream"}),
    (b"[" * 100_000, {}),
    (gzip.compress(PAGE, mtime=0), {}),
]


@pytest.mark.anyio
@apis
@pytest.mark.parametrize(("body", "headers"), NOT_JSON)
async def test_what_is_no_json_with_200_is_one_typed_error(body, headers, api):
    """Log-in pages, cut bodies, bytes that are no text, numbers and depths past Python's limits: never no rows, and
    never an error of a parser.
    """
    error = await error_of(api, answering(200, body, {**headers, "x-request-id": "req_9"}))
    assert type(error) is UnexpectedAnswer
    assert (error.status, error.request_id, error.body) == (200, "req_9", body)
    assert "status 200, but no JSON" in str(error)
    assert headers.get("content-type", "no content type") in str(error)
    assert VALUE not in str(error)


WRONG_SHAPES = [
    ("kintsugi", [], "expected an object with 'items', received an array"),
    ("kintsugi", [ROW], "expected an object with 'items', received an array"),
    ("kintsugi", None, "expected an object with 'items', received nothing"),
    ("kintsugi", 7, "expected an object with 'items', received a number"),
    ("kintsugi", 7.5, "expected an object with 'items', received a floating-point number"),
    ("kintsugi", True, "expected an object with 'items', received true or false"),
    ("kintsugi", "x", "expected an object with 'items', received text"),
    ("kintsugi", {}, "expected an array in 'items', received nothing"),
    ("kintsugi", {"results": [ROW], "total": 1}, "expected an array in 'items', received nothing"),
    ("kintsugi", {"items": None, "total": 0}, "expected an array in 'items', received nothing"),
    ("kintsugi", {"items": {}, "total": 0}, "expected an array in 'items', received an object"),
    ("kintsugi", {"items": "x"}, "expected an array in 'items', received text"),
    ("kintsugi", {"items": 0}, "expected an array in 'items', received a number"),
    ("kintsugi", {"items": False}, "expected an array in 'items', received true or false"),
    ("kintsugi", {"detail": "an error with 200"}, "expected an array in 'items', received nothing"),
    ("sweetspot", None, "expected an object with 'results' or an array, received nothing"),
    ("sweetspot", 7, "expected an object with 'results' or an array, received a number"),
    ("sweetspot", "x", "expected an object with 'results' or an array, received text"),
    ("sweetspot", {}, "expected an array in 'results', received nothing"),
    ("sweetspot", {"items": [ROW]}, "expected an array in 'results', received nothing"),
    ("sweetspot", {"results": None, "total": 0}, "expected an array in 'results', received nothing"),
    ("sweetspot", {"error": {"message": "with 200"}}, "expected an array in 'results', received nothing"),
]
READINGS = {
    "first page": lambda query: query.first_page(),
    "first row": lambda query: query.first(),
    "count": lambda query: query.count(),
    "list": lambda query: query.to_list(),
    "bare": lambda query: anext(aiter(query)),
    "pages": lambda query: anext(aiter(query.pages())),
}


@pytest.mark.anyio
@pytest.mark.parametrize("read", READINGS.values(), ids=READINGS)
@pytest.mark.parametrize(("api", "body", "said"), WRONG_SHAPES)
async def test_an_unknown_shape_is_one_typed_error_however_it_is_read(api, body, said, read):
    """``null`` is not "no more rows", and an envelope without its array is not an empty page."""
    raw = json.dumps(body).encode()
    error = await error_of(api, answering(200, raw, {"x-request-id": "req_9"}), read)
    assert type(error) is UnexpectedAnswer
    assert (error.status, error.request_id, error.body) == (200, "req_9", raw)
    assert said in str(error)


@pytest.mark.anyio
@apis
async def test_a_wrong_answer_amid_a_listing_ends_it_with_an_error(api):
    """The rows before it are delivered, and the report does not call the listing complete."""

    async def app(scope, receive, send):
        query = dict(part.split("=") for part in scope["query_string"].decode().split("&"))
        rows = [{**ROW, "id": f"cust_{query.get('offset', query.get('page'))}_{n}"} for n in range(100)]
        good = {"items": rows, "total": 300, "page": 1, "size": 100, "pages": 3} if api == "kintsugi" else rows
        first = query.get("offset") == "0" or query.get("page") == "1"
        await answering(200, json.dumps(good).encode() if first else b"null")(scope, receive, send)

    rows = []
    with pytest.raises(UnexpectedAnswer):
        async with customers(api, client_for_app(app)).prefetch() as stream:
            async for row in stream:
                rows.append(row)
    assert len(rows) == 100
    assert not stream.report.complete
    assert stream.report.why.startswith("UnexpectedAnswer: ")


@pytest.mark.asyncio
@pytest.mark.parametrize("envelope", [False, True])
async def test_sweet_spot_may_answer_with_an_array_or_an_envelope(envelope):
    """The vendor has turned another list into an envelope under the same version: both are read."""
    rows = [{"id": f"c{n}"} for n in range(3)]
    calls = []

    async def app(scope, receive, send):
        calls.append(scope["query_string"])
        found = rows[int(dict(parse_qsl(scope["query_string"].decode()))["offset"]) :]
        answer = {"results": found, "total": 3} if envelope else found
        await answering(200, json.dumps(answer).encode())(scope, receive, send)

    query = customers("sweetspot", client_for_app(app))
    page = await query.first_page()
    assert page.total == (3 if envelope else None)
    calls.clear()
    assert [row.id for row in await query.to_list()] == ["c0", "c1", "c2"]
    assert len(calls) == (1 if envelope else 2)


ONE = [
    b"null",
    b"[]",
    b"7",
    b'"x"',
    b"true",
    b"{}",
    b'{"id":null}',
    b'{"id":""}',
    b'{"id":{}}',
    b'{"id":[1]}',
    b'{"detail":"x"}',
]


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [*ONE, HTML, b"", PAGE[:20], b"\xff"])
@apis
async def test_one_customer_that_is_none_is_one_typed_error(body, api):
    """No customer is made up of an answer without one; after a write the error says what may have happened."""
    found = all_customers(api, client_for_app(answering(200, body, {"x-request-id": "req_9"})))
    changes = {"name": "x"} if api == "kintsugi" else {"city": "x"}
    calls = [(False, lambda: found.get("id")), (True, lambda: found.update("id", **changes))]
    if api == "kintsugi":
        calls += [(False, lambda: found.get_by_external_id("id")), (True, lambda: found.create(name="x"))]
    for writes, call in calls:
        with pytest.raises(UnexpectedAnswer) as caught:
            await call()
        error = caught.value
        assert (error.status, error.request_id, error.body) == (200, "req_9", body)
        assert error.maybe_applied == writes
        assert type(error) is UnexpectedAnswer


@pytest.mark.asyncio
@apis
@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (PAGE, "gzip"),
        (gzip.compress(PAGE, mtime=0)[:-5][:20], "gzip"),
        (b"\x1f\x8b" + b"x" * 40, "gzip"),
        (PAGE, "deflate"),
        (zlib.compress(PAGE)[:10], "deflate"),
        (b"", "gzip"),
        (gzip.compress(PAGE, mtime=0), "deflate"),
    ],
)
async def test_a_body_that_is_not_encoded_as_it_says_is_one_typed_error(body, encoding, api):
    """Neither an error of a decompressor nor an empty page."""
    error = await error_of(api, answering(200, body, {"content-encoding": encoding}))
    assert type(error) in {ConnectionLost, UnexpectedAnswer}
    check_foreign_free(error)


@pytest.mark.anyio
async def test_an_encoded_body_is_read():
    """What is encoded as it says is decoded."""
    app = answering(200, gzip.compress(PAGE), {"content-encoding": "gzip"})
    assert (await customers("kintsugi", client_for_app(app)).first()).id == "cust_1"


# ---- nothing foreign comes out


def check_foreign_free(error):
    """No exception of the HTTP library in the chain, nor anything in it that holds a request."""
    chain = [error]
    for one in chain:
        chain += [below for below in (one.__cause__, one.__context__) if below is not None and below not in chain]
        assert isinstance(one, ReadaheadError), chain
        assert not any(isinstance(value, httpx.Request | httpx.Response) for value in vars(one).values())


def every(cls):
    return {cls}.union(*map(every, cls.__subclasses__()))


HTTPX = sorted(
    {
        cls
        for root in (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)
        for cls in every(root)
        if cls.__module__ == "httpx"
    },
    key=lambda cls: cls.__name__,
)


class Raising(httpx.AsyncBaseTransport):
    """A user's own transport: it raises, from an exception of a lower library as httpx's own does."""

    def __init__(self, cls, below=None):
        self.cls, self.below = cls, below

    async def handle_async_request(self, request):
        options = {}
        parameters = inspect.signature(self.cls.__init__).parameters
        if "request" in parameters and parameters["request"].default is parameters["request"].empty:
            options["request"] = request
        if "response" in parameters:
            options["response"] = httpx.Response(404, request=request)
        arguments = ("it broke",) if "message" in parameters else ()
        raise self.cls(*arguments, **options) from self.below


def test_all_of_httpx_is_tried():
    """The walk finds the library's own exceptions."""
    assert {"ReadTimeout", "ConnectError", "PoolTimeout", "TooManyRedirects", "InvalidURL", "StreamClosed"} <= {
        cls.__name__ for cls in HTTPX
    }
    assert len(HTTPX) > 25


@pytest.mark.anyio
@pytest.mark.parametrize("cls", HTTPX, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("below", [None, OSError("below")], ids=["alone", "from"])
async def test_no_exception_of_httpx_escapes(cls, below):
    """Each that a transport can raise leaves as an error of ours, and stays behind as neither cause nor context."""
    async with httpx.AsyncClient(transport=Raising(cls, below)) as http:
        found = all_customers("kintsugi", http)
        for call in (
            lambda: found.where(search=VALUE).first(),
            lambda: found.where(search=VALUE).to_list(),
            lambda: found.get("id"),
            lambda: found.create(name=VALUE),
        ):
            with pytest.raises(ReadaheadError) as caught:
                await call()
            check_foreign_free(caught.value)
            assert VALUE not in str(caught.value)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("cls", "ours"),
    [
        (httpx.ConnectError, ConnectFailed),
        (httpx.ProxyError, ConnectFailed),
        (httpx.ConnectTimeout, TimedOut),
        (httpx.ReadTimeout, TimedOut),
        (httpx.WriteTimeout, TimedOut),
        (httpx.PoolTimeout, TimedOut),
        (httpx.ReadError, ConnectionLost),
        (httpx.WriteError, ConnectionLost),
        (httpx.CloseError, ConnectionLost),
        (httpx.RemoteProtocolError, ConnectionLost),
        (httpx.LocalProtocolError, ConnectionLost),
        (httpx.UnsupportedProtocol, RequestError),
        (httpx.InvalidURL, RequestError),
    ],
)
async def test_each_failure_of_the_network_has_its_class(cls, ours):
    """No connection, a broken one, and no answer in time are told apart."""
    async with httpx.AsyncClient(transport=Raising(cls)) as http:
        with pytest.raises(ReadaheadError) as caught:
            await customers("kintsugi", http).first()
    assert type(caught.value) is ours
    if issubclass(ours, RequestError):
        assert caught.value.request == "GET /v1/customers?search_query=…&page=1&size=1"


class OwnTimeout(httpx.ReadTimeout):
    """What a user's transport, or a library of transports, may derive."""


@pytest.mark.asyncio
async def test_a_derived_exception_of_httpx_does_not_escape_either():
    """It is an httpx exception, wherever it is defined."""
    async with httpx.AsyncClient(transport=Raising(OwnTimeout)) as http:
        with pytest.raises(TimedOut):
            await customers("kintsugi", http).first()


async def check_status(response):
    await response.aread()
    response.raise_for_status()


@pytest.mark.asyncio
async def test_a_client_that_raises_for_status_makes_no_difference():
    """Users' clients carry such hooks: a 404 stays NotFound, and no value of a filter is shown."""
    async with client_for_app(answering(404, b'{"detail":"gone"}')) as http:
        http.event_hooks = {"response": [check_status]}
        with pytest.raises(ReadaheadError) as caught:
            await customers("kintsugi", http).first()
    assert VALUE not in str(caught.value)
    assert type(caught.value) is NotFound
    assert caught.value.detail == "gone"


@pytest.mark.anyio
async def test_a_mistake_in_the_users_own_transport_is_not_hidden():
    """What is not the network's is raised as it is."""

    class Own(Exception):
        pass

    async with httpx.AsyncClient(transport=Raising(Own)) as http:
        with pytest.raises(Own):
            await customers("kintsugi", http).first()


@pytest.mark.anyio
async def test_repeats_leave_no_chain():
    """After several attempts the last error stands alone: the ones before it are not its context."""
    kintsugi = Kintsugi(
        api_key="key",
        organization_id="org",
        base_url="http://localhost",
        http_client=client_for_app(answering(500, b"{}")),
        retry=Retry(attempts=3, base=0),
    )
    with pytest.raises(ServerError) as caught:
        await kintsugi.customers.first()
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
