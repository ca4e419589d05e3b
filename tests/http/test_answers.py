"""Whatever an answer consists of, it is one typed error: never a usage error, never one of a library, nothing hidden.

Each case runs on both libraries and both loops, over a client of ours and over one that is handed in.
"""

import base64
import html
import json
import random
import unicodedata
from contextlib import asynccontextmanager
from urllib.parse import quote, quote_plus

import aiohttp
import httpx
import pytest
from servers import Proxy, Server, answer, drop, plain, raw, reset
from shown import chain_text, locals_text

from effort import EVERY
from readahead import Retry
from readahead.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    DecodeError,
    InvalidRequest,
    ReadaheadError,
    RequestError,
    ResponseTooLarge,
    RetryDelayTooLong,
    UnexpectedAnswer,
)
from readahead.kintsugi import Kintsugi

pytestmark = pytest.mark.anyio
OF_AN_ANSWER = (RequestError, ApiError, UnexpectedAnswer, ResponseTooLarge, RetryDelayTooLong)


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


@pytest.fixture(params=["ours", "handed in"])
def client_of(request, http):
    """Open a client of a server, over an HTTP client of ours or of the user's."""

    @asynccontextmanager
    async def opened(server, **options):
        options = {"api_key": "the-key", "organization_id": "org", "retry": Retry(attempts=1), **options}
        if request.param == "ours":
            async with Kintsugi(base_url=server.url, http=http, **options) as client:
                yield client
        else:
            library = aiohttp.ClientSession if http == "aiohttp" else httpx.AsyncClient
            async with library() as handed, Kintsugi(base_url=server.url, http_client=handed, **options) as client:
                yield client

    return opened


BODY = b'{"detail": "no"}'
HEADS = {
    "a location that is no URL": b"HTTP/1.1 302 Found\r\nLocation: foo: bar\r\n",
    "a location whose host is no name": b"HTTP/1.1 301 Moved\r\nLocation: http://xn--/\r\n",
    "a location with a wrong port": b"HTTP/1.1 307 Moved\r\nLocation: http://a:99999/\r\n",
    "a location with a broken address": b"HTTP/1.1 308 Moved\r\nLocation: http://[::1/\r\n",
    "a location of control characters": b"HTTP/1.1 302 Found\r\nLocation: http://a/\x01\r\n",
    "a location that is no text": b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\n",
    "an empty location": b"HTTP/1.1 303 See Other\r\nLocation:\r\n",
    "a location of another kind": b"HTTP/1.1 302 Found\r\nLocation: mailto:a@b\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
    "a length in words": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
    "an odd coding": b"HTTP/1.1 200 OK\r\nContent-Encoding: \x80\r\n",
    "a coding with a null": b"HTTP/1.1 200 OK\r\nContent-Encoding: \x00\r\n",
    "an unknown transfer coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: foo, chunked\r\n",
    "no known transfer coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \xff\r\n",
    "a content type that is none": b"HTTP/1.1 200 OK\r\nContent-Type: ;;charset=\xff;=\r\n",
    "a charset of Python": b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=idna\r\n",
    "a date that is none": b"HTTP/1.1 503 Busy\r\nRetry-After: x\r\nDate: \xff\r\n",
    "a date in no year": b"HTTP/1.1 429 Busy\r\nRetry-After: Mon, 99 Xxx 99999 99:99:99 GMT\r\nDate: 0\r\n",
    "cookies that are none": b"HTTP/1.1 400 No\r\nSet-Cookie: \xff=;;=\r\nSet-Cookie: a=b; Expires=x; Domain=\xff\r\n",
    "a status that does not exist": b"HTTP/1.1 999 Odd\r\n",
    "a status below all": b"HTTP/1.1 099 Odd\r\n",
    "a status of letters": b"HTTP/1.1 abc Odd\r\n",
    "a status of four digits": b"HTTP/1.1 2000 Odd\r\n",
    "another version": b"HTTP/9.9 200 OK\r\n",
    "no version": b"200 OK\r\n",
    "a reason that is no text": b"HTTP/1.1 500 \xff\xfe\x80\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnothing\r\n",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: nothing\r\n",
    "a header name with a space": b"HTTP/1.1 200 OK\r\nX Y: z\r\n",
    "a huge header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    "an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n",
}
PARTS = [b"Location", b"Content-Length", b"Content-Type", b"Content-Encoding", b"Transfer-Encoding", b"Set-Cookie"]
PARTS += [b"Retry-After", b"Date", b"Connection", b"Link", b"Upgrade", b"X-Request-Id", b"Content-Range", b"Keep-Alive"]
VALUES = [
    b"foo: bar",
    b"http://xn--/",
    b"//[",
    b"-1",
    b"0",
    b"99999999999999999999",
    b"gzip",
    b"chunked",
    b"close",
    b"\xff",
]
VALUES += [
    b"\x00",
    b"a=b; path=/",
    b"text/html; charset=utf-16",
    b"",
    b"h2c",
    b"\x1b[2J",
    b"Thu, 01 Jan 1970",
]


def fuzzed(seed):
    """The head of an answer with odd headers, the same for the same seed."""
    draw = random.Random(seed)
    status = draw.choice([b"200 OK", b"201 Created", b"204 None", b"302 Found", b"307 Moved", b"404 Gone", b"503 Busy"])
    status = draw.choice([status, status, status, draw.randbytes(draw.randrange(6))])
    lines = [b"HTTP/1.1 " + status]
    for _ in range(draw.randrange(5)):
        value = draw.choice([draw.choice(VALUES), draw.randbytes(draw.randrange(8)).replace(b"\n", b"")])
        lines.append(draw.choice(PARTS) + draw.choice([b": ", b": ", b":", b" : "]) + value)
    return b"\r\n".join(lines) + b"\r\n"


async def check_answer(client_of, head):
    """What a read and a create make of an answer with this head."""
    async with Server(after=raw(head + b"\r\n" + BODY, "close")) as server, client_of(server) as client:
        for writes, call in (
            (False, client.customers.where(search="grace@example").first_page),
            (True, lambda: client.customers.create(name="Ada")),
        ):
            with pytest.raises(ReadaheadError) as caught:
                await call()
            error = caught.value
            assert isinstance(error, OF_AN_ANSWER), head
            assert str(error).isprintable()
            assert "grace@" not in chain_text(error)
            refused = isinstance(error, RetryDelayTooLong) or (isinstance(error, ApiError) and error.status < 500)
            if not isinstance(error, RetryDelayTooLong):
                assert error.maybe_applied == (writes and not refused)
        assert server.count("POST") <= 1  # none, if it left just as the server closed the connection


@pytest.mark.parametrize("name", HEADS)
async def test_no_head_of_an_answer_is_a_usage_error(client_of, name):
    """The request was right, and it was sent: what a library makes of the answer is an error of the answer."""
    await check_answer(client_of, HEADS[name])


@pytest.mark.parametrize("seed", range(25))
async def test_nor_is_any_other_head(client_of, seed):
    """Statuses and headers at random."""
    await check_answer(client_of, fuzzed(seed))


@pytest.mark.parametrize("how", [drop, reset], ids=["closed", "reset"])
@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
async def test_no_library_repeats_a_request_by_itself(client_of, how, kept):
    """aiohttp does, where the server closes the connection instead of answering: uncounted, and in no report."""
    async with Server(*[plain] * kept, after=how) as server, client_of(server) as client:
        if kept:
            await client.customers.get("cust_1")
        sent = len(server.seen)
        for call in (
            client.customers.first_page,
            lambda: client.customers.get("cust_1"),
            lambda: client.customers.update("cust_1", name="Ada"),
            lambda: client.customers.create(name="Ada"),
        ):
            with pytest.raises(ConnectionLost):
                await call()
            sent += 1
            assert len(server.seen) == sent


async def test_a_mistake_of_a_hook_is_not_taken_for_one_of_the_answer(http):
    """What code of the user's raises comes as it is, whatever its class."""

    async def mistaken(*_):
        raise UnicodeError("mine")

    async with Server() as server:
        if http == "aiohttp":
            trace = aiohttp.TraceConfig()
            trace.on_request_end.append(mistaken)
            handed = aiohttp.ClientSession(trace_configs=[trace])
        else:
            handed = httpx.AsyncClient(event_hooks={"response": [mistaken]})
        async with handed:
            client = Kintsugi(api_key="k", organization_id="o", base_url=server.url, http_client=handed)
            with pytest.raises(UnicodeError, match="mine"):
                await client.customers.first_page()


# ---- keys that a server quotes back


KEY = "sk_live/Ab+C d\"e&f<g'h=="
ORGANIZATION = "org_of_the_test_12345"
FORMS = {
    "as it is": KEY,
    "upper case": KEY.upper(),
    "JSON": json.dumps(KEY),
    "JSON in JSON": json.dumps(json.dumps(KEY)),
    "JSON, slashes escaped": json.dumps(KEY).replace("/", "\\/"),
    "JSON, all escaped": "".join(f"\\u{ord(char):04x}" for char in KEY),
    "JSON, some escaped": "".join(f"\\u{ord(char):04X}" if number % 3 else char for number, char in enumerate(KEY)),
    "URL": quote(KEY, safe=""),
    "form": quote_plus(KEY),
    "URL in a URL": quote(quote(KEY, safe=""), safe=""),
    "HTML": html.escape(KEY),
    "HTML, numbers": "".join(f"&#{ord(char)};" for char in KEY),
    "bytes of Python": repr(KEY.encode()),
    "Bearer": f"Bearer {KEY}",
    "base64": base64.b64encode(KEY.encode()).decode(),
    "Basic": base64.b64encode(f"user:{KEY}".encode()).decode(),
    "Basic, as the user": base64.b64encode(f"{KEY}:".encode()).decode(),
    "UTF-16": KEY.encode("utf-16").decode("latin-1"),
}
# What must not be left: any stretch of it, of the length that it is told from a word by.
STRETCHES = {form[start : start + 9] for form in FORMS.values() for start in range(len(form) - 8)}
STRETCHES = {text for text in STRETCHES if not text.startswith("Bearer") and "dXNlcj" not in text}


def quoting(form, status, where):
    """An answer that quotes a key in this form, in one of its parts."""
    body, headers, head_status = b'{"detail": "no"}', [], status
    text = form.encode("latin-1")
    if where == "status line":
        return b"HTTP/1.1 " + status[:3].encode() + b" no " + text + b"\r\nContent-Length: 2\r\n\r\n{}"
    if where == "broken status line":
        return b"HTTP/1.1 no " + text + b"\r\n\r\n"
    if where == "broken header":
        return b"HTTP/1.1 200 OK\r\nno colon " + text + b"\x00\r\n\r\n"
    if where == "body":
        body = b'{"error": "no key ' + text + b'"}'
    if where == "text body":
        body = b"no key " + b"x" * 185 + text
    if where == "long body":
        body = b'{"detail": "' + b"no " * 200 + text + b'"}'
    if where in {"X-Request-Id", "Content-Type", "Content-Encoding", "Retry-After", "Location"}:
        return (
            f"HTTP/1.1 {head_status}\r\nContent-Length: {len(body)}\r\n".encode()
            + where.encode()
            + b": "
            + text
            + b"\r\n\r\n"
            + body
        )
    return answer(body, head_status, headers)


PLACES = ["status line", "broken status line", "broken header", "body", "text body", "long body", "X-Request-Id"]
PLACES += ["Content-Type", "Content-Encoding", "Retry-After", "Location"]


def keyed(server, http):
    """A client with these credentials."""
    return Kintsugi(api_key=KEY, organization_id=ORGANIZATION, base_url=server.url, http=http, retry=Retry(attempts=1))


def left_in(error):
    """What shows of a key. The text that is searched is no variable of a test: it would be a part of the next one."""
    found = chain_text(error) + locals_text(error)
    return [text for text in STRETCHES if text in found]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("status", ["200 OK", "500 Oops", *(["302 Found", "401 No", "422 No"] if EVERY else [])])
async def test_a_key_that_is_quoted_back_is_withheld(http, status, where):
    """In whichever form and place: in words, attributes, chain, pickle, and what a tracker shows of our frames."""
    for name, form in FORMS.items():
        if name == "UTF-16" and "body" not in where:
            continue
        async with Server(after=raw(quoting(form, status, where), "close")) as server, keyed(server, http) as client:
            with pytest.raises(ReadaheadError) as caught:
                await client.customers.get("cust_1")
        del form  # a variable of this test, which is on the traceback too
        left = left_in(caught.value)
        assert not left, (name, left, str(caught.value), vars(caught.value))
        if where == "body" and status != "200 OK":
            assert "(withheld)" in str(caught.value) or status == "302 Found"


async def test_a_bad_row_that_quotes_a_key_is_shown_without_it(http):
    """The words of what decodes a row may hold its values; so may those of their cause."""
    row = {"id": "cust_1", "organization_id": "org", "created_at": [KEY, "\x1b[2J\u202e"]}
    row["status"] = {KEY: KEY}
    page = json.dumps({"items": [row, [KEY], {"id": {"x": KEY}}], "total": 3, "page": 1, "size": 100}).encode()
    async with Server(after=raw(answer(page))) as server, keyed(server, http) as client:
        async with client.customers.prefetch(on_bad_row="skip") as rows:
            _ = [row async for row in rows]
        assert rows.report.bad_row_count
        for fault in rows.report.bad_rows:
            assert KEY not in fault
            assert fault.isprintable()
        with pytest.raises(DecodeError) as caught:
            async with client.customers.prefetch() as rows:
                _ = [row async for row in rows]
    assert KEY not in chain_text(caught.value)


ODD_KEYS = ["http://[not-a-url", "https://user:password-1@host", "Bearer", "a key of words", "\\\\\\\\+++"]


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_a_key_of_any_text_is_withheld(http, key):
    """Also one that looks like a URL, and one of characters that mean something in a search."""
    for form in (key, json.dumps(key), quote(key)):
        wire = answer(f"no key {form} here".encode(), "401 No")
        async with (
            Server(after=raw(wire)) as server,
            Kintsugi(api_key=key, organization_id="org", base_url=server.url, http=http) as client,
        ):
            with pytest.raises(AuthenticationFailed) as caught:
                await client.customers.get("cust_1")
        assert (form not in chain_text(caught.value)) == (len(key) >= 8)


@pytest.mark.parametrize("how", ["argument", "environment"])
async def test_a_proxy_that_quotes_its_password_is_shown_without_it(http, how, monkeypatch):
    """In the status line with which it refuses the tunnel."""
    async with Proxy(refuse=f"407 no {quote(KEY, safe='')} nor {base64.b64encode(KEY.encode()).decode()}") as proxy:
        url = proxy.url.replace("://", f"://user:{quote(KEY, safe='')}@")
        options = {"proxy": url} if how == "argument" else {}
        monkeypatch.setenv("HTTPS_PROXY", url)
        async with Kintsugi(
            api_key="k",
            organization_id="o",
            base_url="https://api.example",
            http=http,
            retry=Retry(attempts=1),
            **options,
        ) as client:
            with pytest.raises(ConnectFailed) as caught:
                await client.customers.create(name="Ada")
    assert not caught.value.maybe_applied
    del url, options  # variables of this test, which is on the traceback too
    assert not left_in(caught.value)


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "401 No"])
async def test_a_key_at_the_end_of_what_an_error_keeps_is_not_cut_in_half(http, status):
    """An error keeps a million bytes of a body, and looks a little further for keys."""
    body = b"<" + b"." * (999_999 - len(KEY) // 2) + KEY.encode() + b"." * 50_000
    async with Server(after=raw(answer(body, status))) as server, keyed(server, http) as client:
        with pytest.raises(ReadaheadError) as caught:
            await client.customers.get("cust_1")
    assert len(caught.value.body) <= 1_000_000
    assert not [text for text in STRETCHES if text.encode() in caught.value.body]


@pytest.mark.parametrize("piece", ["\\", "&#", "%25", "\x00", "s", KEY[:-1], "sk_live/" * 3, "s\\u00"], ids=ascii)
async def test_the_search_for_keys_takes_a_time_that_grows_with_the_body_alone(http, piece):
    """A million bytes made to be searched again and again: in a time without backtracking, which would take hours."""
    body = piece.encode() * (1_000_000 // len(piece))
    async with Server(after=raw(answer(body, "401 No"))) as server, keyed(server, http) as client:
        with pytest.raises(AuthenticationFailed) as caught:
            await client.customers.get("cust_1")
    assert caught.value.body == body[:1_000_000]


# ---- characters that control a terminal, or do not show


HIDDEN = (
    "\x00\x07\x08\x1b[31m\x7f\x85\x9b2J\u061c\u200b\u200d\u200e\u202a\u202e\u2028\u2029\u2066\u2069\ufeff\U000e0041"
)


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "400 No", "422 No", "500 Oops"])
@pytest.mark.parametrize(
    "body",
    [
        {"detail": f"no{HIDDEN}way"},
        {"error": {"message": f"no{HIDDEN}way\ud800"}},
        {"detail": [{"loc": [HIDDEN], "msg": f"no{HIDDEN}way"}]},
        {"other": f"no{HIDDEN}way"},
        {HIDDEN: HIDDEN},
    ],
    ids=["detail", "message", "list", "other", "name"],
)
async def test_what_a_server_says_is_shown_escaped(kintsugi, status, body):
    """In the message, ``detail`` and ``request_id``; the body stays as it came."""
    for text in (json.dumps(body).encode(), json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass")):
        headers = ["X-Request-Id: r\x1b[2J\x9b", "Content-Type: \x9bapplication"]
        wire = answer(text, status).replace(b"\r\n\r\n", "\r\n".join(["", *headers, "", ""]).encode("latin-1"), 1)
        async with Server(after=raw(wire, "close")) as server, kintsugi(server) as client:
            with pytest.raises(ReadaheadError) as caught:
                await client.customers.get("cust_1")
        error = caught.value
        for shown in (str(error), getattr(error, "detail", None), getattr(error, "request_id", None)):
            assert shown is None or shown.isprintable()
            assert not {unicodedata.category(char) for char in shown or ""} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        if isinstance(error, ApiError):
            assert error.body == text


async def test_ordinary_words_of_any_script_are_shown_as_they_are(kintsugi):
    """Only what controls or hides is escaped."""
    words = "Größe ≥ 5 € · ключ 顧客 مرحبا 👍"
    body = json.dumps({"detail": words}).encode()
    async with Server(after=raw(answer(body, "422 No"))) as server, kintsugi(server) as client:
        with pytest.raises(InvalidRequest) as caught:
            await client.customers.get("cust_1")
    assert caught.value.detail == words
    assert words in str(caught.value)
