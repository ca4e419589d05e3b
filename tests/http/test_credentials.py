"""Where keys come from, where they go, and where they never appear."""

import asyncio
import gc
import logging
import pickle
import socket
import warnings
from contextlib import contextmanager

import anyio
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from shown import chain_of, chain_text, everything, locals_text
from trio.testing import MockClock

from readahead import Retry
from readahead.errors import (
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    CredentialsError,
    DecodeError,
    FilterError,
    InvalidRequest,
    ReadaheadError,
    RetryDelayTooLong,
    ServerError,
    StreamError,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from readahead.http.client import Client
from readahead.http.credentials import Credential
from readahead.http.libraries import client_for_app
from readahead.kintsugi import CUSTOMERS, Kintsugi
from readahead.query import Query
from readahead.reading import Reading
from readahead.sandbox import Sandbox
from readahead.sweetspot import SweetSpot

apis = pytest.mark.parametrize("api", [Kintsugi, SweetSpot])

KEY, ORGANIZATION, TOKEN = "key-7f3b9c2e5d", "org-4a8e1c6b0f", "sk_test_9d2c7b4e"
SECRETS = [KEY, ORGANIZATION, TOKEN]
VALUE = "a-value-of-a-filter"
CREDENTIALS = {Kintsugi: {"api_key": KEY, "organization_id": ORGANIZATION}, SweetSpot: {"token": TOKEN}}
VARIABLES = {
    Kintsugi: {"KINTSUGI_API_KEY": KEY, "KINTSUGI_ORGANIZATION_ID": ORGANIZATION},
    SweetSpot: {"SWEETSPOT_TOKEN": TOKEN},
}
VARIABLE_OF = {"api_key": "KINTSUGI_API_KEY", "organization_id": "KINTSUGI_ORGANIZATION_ID", "token": "SWEETSPOT_TOKEN"}
EACH = [(Kintsugi, "api_key"), (Kintsugi, "organization_id"), (SweetSpot, "token")]
HOME = {Kintsugi: "https://api.trykintsugi.com", SweetSpot: "https://api.thesweetspot.com"}
HEADERS = {Kintsugi: ["x-api-key", "x-organization-id"], SweetSpot: ["authorization"]}
SENT = {Kintsugi: [KEY, ORGANIZATION], SweetSpot: [f"Bearer {TOKEN}"]}
each = pytest.mark.parametrize(("api", "name"), EACH)
ONCE = Retry(attempts=1)


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


@pytest.fixture
def environment(monkeypatch):
    for variables in VARIABLES.values():
        for name, value in variables.items():
            monkeypatch.setenv(name, value)


class App:
    """Answers as the test says, and notes the headers of each request."""

    def __init__(self, status=200, body=b"[]", headers=()):
        self.answer, self.seen = (status, body, headers), []

    async def __call__(self, scope, receive, send):
        self.seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        status, body, headers = self.answer
        if callable(body):
            body = body(self.seen[-1])
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})


def made(api, app=None, **options):
    options = {**CREDENTIALS[api], "base_url": "http://localhost", "retry": ONCE, **options}
    return api(**options, http_client=client_for_app(app or App()))


def sent_by(client, app):
    """The credentials in the one request that the client sends."""

    async def main():
        with pytest.raises(ReadaheadError):
            await client.customers.where(**({"search": "x"} if isinstance(client, Kintsugi) else {"name": "x"})).first()

    app.answer = (404, b"", ())
    anyio.run(main)
    (headers,) = app.seen
    return [headers[name] for name in HEADERS[type(client)]]


# ---- where they come from


@apis
def test_credentials_given_are_sent(api):
    """Each in its header."""
    app = App()
    assert sent_by(made(api, app), app) == SENT[api]


@apis
def test_credentials_default_to_the_environment(api, environment):
    """To the API's own origin."""
    app = App()
    assert sent_by(api(http_client=client_for_app(app), retry=ONCE), app) == SENT[api]


@apis
def test_an_argument_goes_before_the_environment(api, monkeypatch):
    """The variable is not even looked at: it may be unusable."""
    for name in VARIABLES[api]:
        monkeypatch.setenv(name, "other\n")
    app = App()
    assert sent_by(made(api, app), app) == SENT[api]


@apis
def test_the_environment_is_read_when_the_client_is_made(api, monkeypatch):
    """Not at import, and not later."""
    with pytest.raises(CredentialsError):
        api()
    for name, value in VARIABLES[api].items():
        monkeypatch.setenv(name, value)
    app = App()
    client = api(http_client=client_for_app(app), retry=ONCE)
    for name in VARIABLES[api]:
        monkeypatch.setenv(name, "changed")
    assert sent_by(client, app) == SENT[api]


@each
def test_a_missing_credential_is_an_error_that_names_both_ways(api, name):
    """The argument and the variable."""
    rest = {key: value for key, value in CREDENTIALS[api].items() if key != name}
    with pytest.raises(CredentialsError, match=f"^{name} is missing; pass {name}= or set {VARIABLE_OF[name]}$"):
        api(**rest)


@each
@pytest.mark.parametrize("empty", ["", " ", "\t", "\n", " \r\n "])
def test_an_empty_credential_is_an_error_and_never_a_fallback(api, name, empty, environment, monkeypatch):
    """A key that was lost on its way into the program must not be replaced by another's."""
    with pytest.raises(CredentialsError, match=f"^{name} must not be empty$"):
        api(**{**CREDENTIALS[api], name: empty})
    monkeypatch.setenv(VARIABLE_OF[name], empty)
    with pytest.raises(CredentialsError, match=rf"^{name} \(from {VARIABLE_OF[name]}\) must not be empty$"):
        api()


@each
@pytest.mark.parametrize(
    "wrong", [b"key", 7, True, False, 0, ["key"], {}, object()], ids=lambda wrong: type(wrong).__name__
)
def test_a_credential_that_is_no_text_is_refused(api, name, wrong, environment):
    """And it is not shown: it may be a key all the same. False and 0 are no way to say "none"."""
    with pytest.raises(CredentialsError, match=f"^{name} ") as caught:
        api(**{**CREDENTIALS[api], name: wrong})
    assert repr(wrong) not in str(caught.value)


UNSENDABLE = [f"{KEY}\n", f"{KEY}\r\nX-Evil: 1", f"\t{KEY}", f"{KEY}\x7f", f"{KEY}\x85", f"{KEY}\u2028", f"{KEY}\xa0"]
UNSENDABLE += [f"{KEY}\xe9", f"{KEY}\u20ac", f"{KEY}\U0001f511", f" {KEY}", f"{KEY} ", f"\ufeff{KEY}"]


@each
@pytest.mark.parametrize("wrong", [*UNSENDABLE, f"{KEY}\x00", f"{KEY}\ud800"], ids=ascii)
def test_a_credential_that_no_header_carries_as_it_is_is_refused(api, name, wrong):
    """Control characters, spaces around it, what is not ASCII; without showing it."""
    with pytest.raises(CredentialsError, match=f"^{name} ") as caught:
        api(**{**CREDENTIALS[api], name: wrong})
    check_no_secret(caught.value)


@each
@pytest.mark.parametrize("wrong", UNSENDABLE, ids=ascii)
def test_and_so_is_one_of_the_environment(api, name, wrong, environment, monkeypatch):
    """A line end at the end of a variable is the usual mistake."""
    monkeypatch.setenv(VARIABLE_OF[name], wrong)
    with pytest.raises(CredentialsError, match=f"^{name} ") as caught:
        api()
    check_no_secret(caught.value)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
@example("~!@#$%^&*()[]{}|\\:;\"'<>?,./`")
def test_any_printable_credential_is_sent_as_it_is(text):
    """Nothing is quoted, cut or re-encoded."""
    app = App()
    client = made(Kintsugi, app, api_key=text, organization_id=text[::-1])
    assert sent_by(client, app) == [text, text[::-1]]


@pytest.mark.parametrize("wrong", ["a\nb", "a\r\nX: 1", "\x00", "ü", " a", "a "], ids=ascii)
@apis
def test_a_user_agent_that_no_header_carries_is_refused(api, wrong):
    """It is a header too."""
    with pytest.raises(UsageError, match=r"^user_agent "):
        made(api, user_agent=wrong)


# ---- where they go


@each
@pytest.mark.parametrize(
    "base_url",
    [
        "https://example.com",
        "http://localhost",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "https://{home}.example.com",
        "https://{home}.",
        "https://{home}:444",
        "https://sandbox.{home}",
        "https://example.com/{home}",
        "https://example.com/?{home}",
    ],
)
def test_a_key_of_the_environment_goes_to_no_other_host(api, name, base_url, environment):
    """This machine included; passed as an argument, it may."""
    base_url = base_url.format(home=HOME[api].removeprefix("https://"))
    rest = {key: value for key, value in CREDENTIALS[api].items() if key != name}
    with pytest.raises(UsageError) as caught:
        api(base_url=base_url, **rest)
    check_no_secret(caught.value)
    if "?" not in base_url:
        assert isinstance(caught.value, CredentialsError)
        assert f"pass {name}= to send it there" in str(caught.value)
        assert api(base_url=base_url, **CREDENTIALS[api]).base_url == base_url


@apis
@pytest.mark.parametrize("suffix", ["", "/", ":443", "/v2"])
def test_a_key_of_the_environment_goes_to_the_apis_own_origin(api, suffix, environment):
    """However it is written."""
    assert api(base_url=HOME[api] + suffix).base_url == (HOME[api] + suffix).rstrip("/")
    assert api(base_url=(HOME[api] + suffix).upper().replace("HTTPS", "https")).base_url.lower().startswith(HOME[api])


@apis
def test_the_base_url_comes_from_no_variable(api, environment, monkeypatch):
    """Whoever can set a variable cannot divert the key."""
    for prefix in ("KINTSUGI", "SWEETSPOT", "SWEET_SPOT", "READAHEAD"):
        for suffix in ("BASE_URL", "URL", "API_URL", "HOST", "API_BASE", "ENDPOINT"):
            monkeypatch.setenv(f"{prefix}_{suffix}", "http://localhost:1")
    assert api().base_url == HOME[api]


LOOPBACK = ["http://localhost", "http://LOCALHOST:80", "http://localhost.", "http://127.0.0.1", "http://127.8.9.10:1"]
LOOPBACK += ["http://[::1]", "http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]/api"]
FOREIGN = [
    "http://example.com",
    "http://api.trykintsugi.com",
    "http://127.0.0.1.evil.com",
    "http://[::1].evil.com",
    "http://127.0.0.1.",
    "http://localhost.evil.com",
    "http://notlocalhost",
    "http://evil.com/localhost",
    "http://evil.com#localhost",
    "http://evil.com?localhost",
    "http://evil.com\\@localhost",
    "http://evil.com\\.localhost",
    "http://localhost\\.evil.com",
    "http://evil.com:80\\localhost",
    "http://localhost@evil.com",
    "http://localhost:80@evil.com",
    "http://127.0.0.1.evil.com",
    "http://[::1].evil.com",
    "http://@evil.com",
    "http://[::1]@evil.com",
    "http://[::2]",
    "http://[::ffff:10.0.0.1]",
    "http://0.0.0.0",
    "http://0",
    "http://127.1",
    "http://2130706433",
    "http://0x7f000001",
    "http://0177.0.0.1",
    "http://10.0.0.1",
    "http://128.0.0.1",
    "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",
    "http://\uff11\uff12\uff17.0.0.1",
    "http://localhost%2eevil.com",
    "http://localho\nst",
    "http://127.0.0.1\t.evil.com",
]


@apis
@pytest.mark.parametrize("url", LOOPBACK)
def test_plain_http_is_taken_to_this_machine(api, url):
    """By its name, or by an address that loops back."""
    assert api(base_url=url, **CREDENTIALS[api]).base_url == url


@apis
@pytest.mark.parametrize("url", FOREIGN, ids=ascii)
def test_plain_http_is_refused_to_any_other(api, url):
    """Whatever looks like this machine in the URL: the key would cross the network in clear."""
    with pytest.raises(UsageError, match=r"^base_url ") as caught:
        api(base_url=url, **CREDENTIALS[api])
    check_no_secret(caught.value)


NO_URLS = ["", "api.trykintsugi.com", "//api.trykintsugi.com", "ftp://localhost", "file:///etc/passwd", "https://"]
NO_URLS += ["https:///x", "https://example.com?x=1", "https://example.com/#x", "https://example.com:x", "https://[::1"]
NO_URLS += ["https://example.com:99999", "javascript:alert(1)", "https://exa mple.com", "https://example.com\n"]
NO_URLS += ["\nhttps://example.com", "HTTPS ://example.com", None, 7, b"https://example.com", ["https://example.com"]]


@apis
@pytest.mark.parametrize("url", NO_URLS, ids=repr)
def test_what_is_no_base_url_is_refused(api, url, environment):
    """Before any key is looked at."""
    for credentials in (CREDENTIALS[api], {}):
        with pytest.raises(UsageError) as caught:
            api(base_url=url, **credentials)
        check_no_secret(caught.value)


@pytest.mark.parametrize("url", ["https://example.com?", "https://example.com/#", "http://localhost?#"])
def test_an_empty_query_is_one_too(url):
    """The path of each request would become a part of it."""
    with pytest.raises(UsageError):
        made(Kintsugi, base_url=url)


@apis
@pytest.mark.parametrize("user", ["user:hunter2", "user", ":hunter2", f"{KEY}:{TOKEN}"])
def test_credentials_in_a_url_are_refused_and_not_shown(api, user, environment):
    """They have arguments of their own; whoever put one there gets no message that holds it."""
    for credentials in (CREDENTIALS[api], {}):
        for host in ("example.com", "localhost", HOME[api].removeprefix("https://")):
            with pytest.raises(UsageError, match=r"^base_url must not contain credentials") as caught:
                api(base_url=f"https://{user}@{host}", **credentials)
            assert "hunter2" not in str(caught.value)
            check_no_secret(caught.value)


@pytest.mark.parametrize("url", ["https://user:hunter2@example.com:x", "https://user:hunter2@example.com:99999"])
def test_credentials_in_a_broken_url_are_not_shown_either(url):
    """A port that is none does not bring them into the message."""
    with pytest.raises(UsageError) as caught:
        made(Kintsugi, base_url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.asyncio
@pytest.mark.parametrize("proxy", ["socks4://user:hunter2@localhost", "http://user:hunter2@localhost:x"])
async def test_a_proxys_password_is_not_shown(proxy):
    """Not where the proxy cannot be used, and not by the client."""
    async with Kintsugi(**CREDENTIALS[Kintsugi], proxy=proxy) as client:
        with pytest.raises(UsageError, match="proxy") as caught:
            await client.customers.first()
        assert "hunter2" not in chain_text(caught.value) + repr(client) + everything(client)


# ---- where they never appear


def check_no_secret(error):
    text = chain_text(error)
    for secret in SECRETS:
        assert secret not in text


@contextmanager
def nobody():
    """A URL where nobody answers: the port is taken, and nothing listens there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def echo(headers):
    """A body that quotes what was sent, as some servers' error pages do."""
    return repr(headers).encode()


async def silent(scope, receive, send):
    await anyio.sleep_forever()


async def cut(scope, receive, send):
    raise ConnectionResetError("reset by peer")


def filter_of(client):
    return {"search": VALUE} if isinstance(client, Kintsugi) else {"name": VALUE}


async def first(client):
    await client.customers.where(**filter_of(client)).first()


async def listed(client):
    await client.customers.where(**filter_of(client)).to_list()


async def one(client):
    await client.customers.get("cust_1")


async def changed(client):
    await client.customers.update("cust_1", city="Graz")


async def misfiltered(client):
    client.customers.where(nothing=VALUE)


async def closed(client):
    await client.aclose()
    await first(client)


NULL = b'[{"id":null}]'
KINDS = {
    "401": (AuthenticationFailed, App(401, b'{"detail":"no"}'), first),
    "401 that quotes the key": (AuthenticationFailed, App(401, echo), first),
    "422 that quotes the key": (InvalidRequest, App(422, echo), changed),
    "500 that quotes the key": (ServerError, App(500, echo), listed),
    "a redirect": (UnexpectedAnswer, App(302, echo, [(b"location", b"https://example.com")]), first),
    "429 for long": (RetryDelayTooLong, App(429, echo, [(b"retry-after", b"9999")]), first),
    "html": (UnexpectedAnswer, App(200, b"<html>"), first),
    "html that quotes the key": (UnexpectedAnswer, App(200, lambda headers: b"<html>" + echo(headers)), listed),
    "null": (UnexpectedAnswer, App(200, b"null"), listed),
    "another shape": (UnexpectedAnswer, App(200, b"7"), one),
    "a bad row": (DecodeError, App(200, NULL), first),
    "no decompression": (ConnectionLost, App(200, b"x" * 30, [(b"content-encoding", b"gzip")]), first),
    "silence": (TimedOut, silent, listed),
    "a reset": (ConnectionLost, cut, first),
    "a wrong filter": (FilterError, App(), misfiltered),
    "a closed client": (StreamError, App(), closed),
}


@apis
@pytest.mark.parametrize(("cls", "app", "call"), KINDS.values(), ids=KINDS)
def test_a_key_appears_in_no_error(api, cls, app, call, caplog):
    """Neither in what it says and carries, nor in its chain, pickle, traceback or log."""
    caplog.set_level(logging.DEBUG)
    silence = cls is TimedOut
    if app is KINDS["a bad row"][1] and api is Kintsugi:
        app = App(200, b'{"items":[{"id":null}],"total":1,"page":1,"size":1}')

    async def main():
        retry = Retry(attempts=2) if cls is RetryDelayTooLong else ONCE
        client = made(api, app, retry=retry)
        with pytest.raises(cls) as caught:
            await call(client)
        logging.getLogger("a program").error("it failed: %r", caught.value, exc_info=caught.value)
        return client, caught.value

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        clock = MockClock(autojump_threshold=0)  # so that 30 s of silence take no time
        client, error = (
            anyio.run(main, backend="trio", backend_options={"clock": clock}) if silence else anyio.run(main)
        )
        assert type(error) is cls
        check_no_secret(error)
        text = locals_text(error) + caplog.text + repr(client) + str(warned)
    for secret in SECRETS:
        assert secret not in text
    if call is not misfiltered:
        for one_error in chain_of(error):
            assert VALUE not in str(one_error)


@pytest.mark.anyio
@apis
async def test_a_key_appears_in_no_error_of_the_network(api, http, caplog):
    """Over real connections: nobody there, with either HTTP library below; and nothing of what was filtered for."""
    caplog.set_level(logging.DEBUG)

    with nobody() as url:
        async with api(**CREDENTIALS[api], base_url=url, retry=ONCE, http=http) as client:
            with pytest.raises(ConnectFailed) as caught:
                await first(client)
    check_no_secret(caught.value)
    assert VALUE not in chain_text(caught.value)
    text = locals_text(caught.value) + repr(client) + everything(client) + repr(client.customers) + caplog.text
    for secret in SECRETS:
        assert secret not in text


@pytest.mark.anyio
@apis
@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
async def test_neither_keys_nor_filters_are_logged(api, http, level, caplog):
    """Over real connections, by no logger of any library, at any level; a listing, a customer and a refusal."""
    caplog.set_level(level)
    with Sandbox(kintsugi_rows=250, sweetspot_rows=250).serve() as url:
        path = "kintsugi" if api is Kintsugi else "sweetspot"
        async with api(**CREDENTIALS[api], base_url=f"{url}/{path}", http=http) as client:
            assert len(await client.customers.page_size(50).to_list()) == 250
            await listed(client)
            with pytest.raises(ReadaheadError):
                await one(client)
    logged = {record.name.partition(".")[0] for record in caplog.records}
    if http == "httpx":
        assert (level == logging.DEBUG) == ("httpcore" in logged)
    for record in caplog.records:
        text = f"{record.getMessage()} {record.args} {record.__dict__}"
        for hidden in [*SECRETS, VALUE]:
            assert hidden not in text
        assert record.name != "httpx"


@pytest.mark.asyncio
async def test_other_clients_of_a_program_log_as_before(caplog):
    """The filter on httpx's logger is for requests of ours."""
    caplog.set_level(logging.INFO)

    async def first_without_rows(client):
        assert await client.customers.first() is None

    async with client_for_app(App()) as other:
        await first_without_rows(made(Kintsugi, App(200, b'{"items":[],"total":0}')))
        await other.get("http://localhost/other")
    assert "http://localhost/other" in caplog.text


@pytest.mark.asyncio
@pytest.mark.parametrize(("key", "quoted"), [("a-token8", "no (withheld)"), ("atoken7", "no atoken7")])
async def test_a_key_is_told_from_a_word_by_its_length(key, quoted):
    """Eight characters or more: what is shorter stands in ordinary words, which stay readable."""
    with pytest.raises(AuthenticationFailed) as caught:
        await made(SweetSpot, App(401, f"no {key}".encode()), token=key).customers.first()
    assert caught.value.detail == quoted
    assert caught.value.body == quoted.encode()


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [200, 201])
async def test_rows_that_name_the_organisation_are_left_alone(status):
    """Each customer of Kintsugi carries the id that is sent with every request."""
    row = f'{{"id":"cust_1","organization_id":"{ORGANIZATION}"}}'.encode()
    pages = App(status, b'{"items":[' + row + b'],"total":1,"page":1,"size":1}')

    rows = await made(Kintsugi, pages).customers.to_list()
    rows.append(await made(Kintsugi, App(status, row)).customers.create(name="x"))
    assert [row.organization_id for row in rows] == [ORGANIZATION] * 2


@pytest.mark.asyncio
@apis
async def test_a_key_appears_in_no_repr(api):
    """Clients, queries, streams, pages and reports; also inside containers and after use."""
    body = (
        b'{"items":[{"id":"x"}],"total":1,"page":1,"size":1}'
        if api is Kintsugi
        else b'{"results":[{"id":"x"}],"total":1}'
    )

    client = made(api, App(200, body))
    query = client.customers.where(**filter_of(client)).limit(1)
    page = await query.first_page()
    async with query.prefetch() as stream:
        rows = [row async for row in stream]
    shown = [
        client,
        client.customers,
        query,
        page,
        stream,
        stream.report,
        rows,
        everything(client),
    ]
    text = "\n".join(f"{shown!r} {thing!r} {thing!s} {thing:}" for thing in [*shown, client.aclose, query.where])
    for secret in SECRETS:
        assert secret not in text
    assert f"{api.__name__}(base_url='http://localhost')" in text


@pytest.mark.anyio
@apis
async def test_a_checkpoint_holds_neither_a_key_nor_a_filter(api):
    """Kept in a file or a queue: from the stream, from an error, as text and pickled; a part holds its filter alone."""
    rows = ",".join(f'{{"id":"x{n}"}}' for n in range(100))
    pages = f'{{"items":[{rows}],"results":[{rows}],"total":1000,"page":1,"size":100}}'

    app = App(200, pages.encode())
    client = made(api, app)
    query = client.customers.where(**filter_of(client))
    with pytest.raises(ServerError) as caught:
        async with query.prefetch(window=1) as stream:
            await anext(stream)
            checkpoint = stream.checkpoint
            app.answer = (500, b"{}", ())
            async for _ in stream:
                pass
    app.answer = (200, pages.encode(), ())
    (part,) = await query.partitions(1)
    checkpoints, part = [checkpoint, caught.value.checkpoint], part
    for one_of_them in checkpoints:
        text = f"{one_of_them!r} {one_of_them} {one_of_them.to_json()} {pickle.dumps(one_of_them, 0)}"
        for hidden in [*SECRETS, VALUE]:
            assert hidden not in text
    text = f"{part!r} {part} {part.to_json()} {pickle.dumps(part, 0)}"
    assert VALUE in text
    for secret in SECRETS:
        assert secret not in text


@apis
def test_credentials_in_every_dictionary_of_a_client_are_wrapped(api):
    """Printing a client's attributes, as a debugger or ``vars()`` does, shows none."""
    client = made(api)
    text = f"{vars(client)} {everything(client)}"
    for secret in SECRETS:
        assert secret not in text


# ---- clients that were closed, or not


@pytest.mark.anyio
@apis
async def test_a_closed_client_says_so(api):
    """Whatever is asked of it, and in a block that is entered anew; closing twice is fine."""
    client = made(api)
    async with client:
        pass
    await client.aclose()
    for call in (first, listed, one, changed, lambda client: anext(aiter(client.customers))):
        with pytest.raises(StreamError, match="the client is closed"):
            await call(client)
    async with client:
        with pytest.raises(StreamError, match="the client is closed"):
            await first(client)


@pytest.mark.asyncio
async def test_a_client_that_was_handed_in_stays_open():
    """Its owner closes it."""
    async with client_for_app(App(200, b"[]")) as http:
        async with SweetSpot(token=TOKEN, base_url="http://localhost", http_client=http) as client:
            assert await client.customers.first() is None
        assert not http.is_closed
        assert (await http.get("http://localhost/")).status_code == 200


def resource_warnings(caught):
    return [str(one.message) for one in caught if one.category is ResourceWarning and "unclosed" in str(one.message)]


def test_an_unclosed_client_warns():
    """Once it has opened connections, and without showing a key."""

    async def main():
        with nobody() as url:
            client = Kintsugi(**CREDENTIALS[Kintsugi], base_url=url, retry=ONCE)
            try:
                await client.customers.first()
            except ConnectFailed:
                pass
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del client
            gc.collect()
        return caught

    (said,) = [text for text in resource_warnings(asyncio.run(main())) if "Kintsugi" in text]
    assert said.startswith("unclosed Kintsugi(base_url='http://127.0.0.1:")
    assert not any(secret in said for secret in SECRETS)


@apis
def test_a_client_that_holds_nothing_open_does_not_warn(api):
    """Never used, closed, refused, or sending over a client of the user's."""

    async def main():
        api(**CREDENTIALS[api])
        made(api)
        with pytest.raises(ReadaheadError):
            await first(made(api, App(404)))
        with nobody() as url, pytest.raises(ConnectFailed):
            async with api(**CREDENTIALS[api], base_url=url, retry=ONCE) as client:
                await first(client)
        with pytest.raises(UsageError):
            api(**CREDENTIALS[api], timeout=0)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(main())
        gc.collect()
    assert resource_warnings(caught) == []


# ---- the rest of what a client takes


@apis
@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan"), None, True, "30"], ids=repr)
def test_a_timeout_is_a_number_of_seconds(api, wrong):
    """There is always one."""
    with pytest.raises(UsageError, match=r"^timeout must be a positive, finite number of seconds"):
        made(api, timeout=wrong)


@apis
@pytest.mark.parametrize("option", [{"proxy": "http://localhost:1"}, {"verify": False}])
def test_a_client_that_was_handed_in_brings_its_own_proxy_and_certificates(api, option):
    """Both would be ignored, so giving both is refused."""
    with pytest.raises(UsageError, match="do not apply to an http_client"):
        made(api, **option)


@apis
def test_a_user_agent_is_put_after_our_own(api):
    """``readahead/VERSION suffix``."""
    app = App(404)
    sent_by(made(api, app, user_agent="billing/3 (nightly)"), app)
    assert app.seen[0]["user-agent"].split("/")[0] == "readahead"
    assert app.seen[0]["user-agent"].endswith(" billing/3 (nightly)")


@pytest.mark.asyncio
@apis
async def test_nothing_of_a_client_that_was_handed_in_takes_the_place_of_ours(api):
    """Its own headers of the same names, its basic authentication, and its choice to follow redirects."""
    app = App(302, b"", [(b"location", b"/elsewhere")])

    headers = {name: "other" for names in HEADERS.values() for name in names} | {"user-agent": "other"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), headers=headers, auth=("user", "password"), follow_redirects=True
    ) as http:
        client = api(**CREDENTIALS[api], base_url="http://localhost", http_client=http, retry=ONCE)
        with pytest.raises(UnexpectedAnswer, match="redirects are not followed"):
            await first(client)
    (headers,) = app.seen
    assert [headers[name] for name in HEADERS[api]] == SENT[api]
    assert headers["user-agent"].startswith("readahead/")


# ---- a name and a password


class Desk(Client):
    """An API without an address of its own, whose credentials are a name and a password."""

    def __init__(self, *, login=None, **options):
        super().__init__({"Authorization": Credential("login", login, "DESK_LOGIN", basic=True)}, home=None, **options)

    @property
    def customers(self):
        return Query(Reading(self._sender, CUSTOMERS))


@pytest.mark.asyncio
@pytest.mark.parametrize("login", ["Aladdin:open sesame", lambda: "Aladdin:open sesame"])
async def test_a_name_and_a_password_are_encoded(login):
    """As in RFC 7617, 2."""
    asked = []

    def answer(request):
        asked.append(request.headers["authorization"])
        return httpx.Response(200, json={"items": [], "total": 0, "page": 1, "size": 1, "pages": 0})

    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(answer)) as transport,
        Desk(login=login, base_url="https://desk.example", http_client=transport) as desk,
    ):
        await desk.customers.count()
    assert asked == ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]


def test_a_name_without_a_password_is_refused():
    with pytest.raises(CredentialsError, match=r"^login must be a name and a password, with a colon between them$"):
        Desk(login="Aladdin", base_url="https://desk.example")


def test_an_api_without_an_address_asks_for_it():
    with pytest.raises(UsageError, match=r"^base_url is missing, and this client has no address of its own; pass base"):
        Desk(login="Aladdin:open sesame")
