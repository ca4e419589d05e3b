"""No tool that shows the variables of a traceback shows a key: whatever fails, on each library and loop.

The test's own functions are on the traceback too, so none of them holds a key in a variable.
"""

import asyncio
import copy
import gc
import gzip
import inspect
import io
import pickle
import pprint
import socket
import uuid
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import anyio
import attrs
import httpx
import pytest
from rich import inspect as rich_inspect
from rich.console import Console
from rich.pretty import pretty_repr
from servers import (
    Proxy,
    Served,
    Server,
    answer,
    drip,
    drop,
    half,
    half_a_chunk,
    half_zipped,
    nobody,
    plain,
    raw,
    reset,
    serving,
    stall,
    stall_half_way,
    trusting,
)
from shown import chain_of, chain_text, everything, frames_of, locals_text, plain_locals_text

from effort import EVERY
from readahead import Retry
from readahead.errors import (
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    CredentialsError,
    DeadlineExceeded,
    PermissionDenied,
    PoolTimedOut,
    ReadaheadError,
    ResponseTooLarge,
    ServerError,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from readahead.http.client import Client
from readahead.http.credentials import Credential
from readahead.http.secret import Hidden, Secret
from readahead.kintsugi import Kintsugi
from readahead.sweetspot import SweetSpot

pytestmark = pytest.mark.anyio
APIS = pytest.mark.parametrize("api", [Kintsugi, SweetSpot])
# asyncio leaves a socket to the collector where TLS is given up on before it began.
LEFT_BY_ASYNCIO = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
# Each part is a word by itself, so that it shows however it is escaped.
WORDS = [uuid.uuid4().hex for _ in range(6)]
KEY, ORGANIZATION, TOKEN = (f'{first}"/+ %{second}' for first, second in zip(WORDS[::2], WORDS[1::2], strict=True))
CREDENTIALS = {Kintsugi: {"api_key": KEY, "organization_id": ORGANIZATION}, SweetSpot: {"token": TOKEN}}


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


def opened(api, url, **options):
    return api(**{**CREDENTIALS[api], "base_url": url, "retry": Retry(attempts=1), **options})


def check(text):
    for word in WORDS:
        at = text.find(word)
        assert at < 0, f"a key shows: {text[max(0, at - 1_000) : at]}(here)"


# ---- what fails


class Silent(Served):
    """Takes connections and says nothing: TLS never begins."""

    async def handle(self, reader, writer, number):
        while await reader.read(65_536):
            pass


class NoTLS(Served):
    """Answers in clear whatever comes."""

    async def handle(self, reader, writer, number):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()


async def listed(client):
    await client.customers.to_list()


async def one(client):
    await client.customers.get("cust_1")


async def changed(client):
    await client.customers.update("cust_1", city="Graz")


def served(*steps, **options):
    """What a server of this script does to a client with these options."""

    @asynccontextmanager
    async def there(_certificates):
        async with Server(*steps * 3) as server:
            yield server.url, options

    return there


@asynccontextmanager
async def refused(_certificates):
    with nobody() as there:
        yield there.url, {}


@asynccontextmanager
async def unknown(_certificates):
    with pytest.MonkeyPatch.context() as patch:

        def getaddrinfo(*_arguments, **_more):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield "https://nowhere.example", {}


@asynccontextmanager
async def untrusted(certificates):
    async with Server(tls=serving(certificates)) as server:
        yield server.url, {}


@asynccontextmanager
async def no_tls(_certificates):
    async with NoTLS() as server:
        yield server.url.replace("http:", "https:"), {}


@asynccontextmanager
async def never_connected(_certificates):
    async with Silent() as server:
        yield server.url.replace("http:", "https:"), {"timeout": 0.3}


@asynccontextmanager
async def refused_by_a_proxy(certificates):
    async with Proxy(refuse="407 Who are you") as proxy, Server(tls=serving(certificates)) as server:
        url = Hidden(proxy.url.replace("//", f"//{WORDS[0]}:{WORDS[1]}@"))
        yield server.url, Options(url, trusting(certificates))


class Options(dict):
    """Options with a proxy whose password no variable holds."""

    def __init__(self, proxy, verify):
        super().__init__(verify=verify)
        self.proxy = proxy


GARBAGE = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 30\r\n\r\n" + b"x" * 30
BOMB = gzip.compress(b"[" + b" " * 100_000 + b"]")
FAILURES = {
    "refused": (ConnectFailed, refused),
    "no such name": (ConnectFailed, unknown),
    "an unknown certificate": (ConnectFailed, untrusted),
    "no TLS": (ReadaheadError, no_tls),
    "a connection that takes too long": (TimedOut, never_connected),
    "a proxy that refuses": (ConnectFailed, refused_by_a_proxy),
    "silence": (TimedOut, served(stall, timeout=0.2)),
    "silence half-way": (TimedOut, served(stall_half_way, timeout=0.2)),
    "a body without an end": (TimedOut, served(drip, timeout=0.2)),
    "a deadline": (DeadlineExceeded, served(stall, deadline=0.2)),
    "a reset": (ConnectionLost, served(reset)),
    "a closed connection": (ConnectionLost, served(drop)),
    "half a body": (ConnectionLost, served(half)),
    "half a chunk": (ConnectionLost, served(half_a_chunk)),
    "half of a gzip": (ConnectionLost, served(half_zipped)),
    "no gzip": (ConnectionLost, served(raw(GARBAGE))),
    "no http": (ConnectionLost, served(raw(b"SSH-2.0-OpenSSH_9.6\r\n", "close"))),
    "too large": (ResponseTooLarge, served(plain, max_response=10)),
    "a bomb": (
        ResponseTooLarge,
        served(raw(answer(BOMB, headers=["Content-Encoding: gzip"])), max_response=1_000),
    ),
    "401": (AuthenticationFailed, served(raw(answer(b'{"detail":"no"}', "401 Unauthorized")))),
    "403": (PermissionDenied, served(raw(answer(b"no", "403 Forbidden")))),
    "500": (ServerError, served(raw(answer(b"", "500 Oh")))),
    "a redirect": (UnexpectedAnswer, served(raw(answer(b"", "302 Found", ["Location: https://example.com"])))),
    "no JSON": (UnexpectedAnswer, served(raw(answer(b"<html>")))),
    "another shape": (UnexpectedAnswer, served(raw(answer(b"7")))),
}
CALLS = [(Kintsugi, changed), (SweetSpot, listed)]
# Each failure of one call at least, in turn; of both with --all.
EACH_FAILURE = [
    (*CALLS[at], failure) for number, failure in enumerate(FAILURES) for at in range(2) if EVERY or at == number % 2
]
CANCELLED = [
    (api, call, step, tls)
    for (api, call), first in (((Kintsugi, one), plain), ((SweetSpot, listed), stall_half_way))
    for step in (plain, stall_half_way)
    for tls in (True, False)
    if EVERY or (step is first and tls is (first is plain))
]


async def fails(api, url, call, options, notes):
    """Call a client, and keep the text of its error while it is handled, as an error tracker does."""
    proxy = {"proxy": options.proxy.reveal()} if isinstance(options, Options) else {}
    client = opened(api, url, **options, **proxy)
    del proxy
    async with client:
        try:
            await call(client)
        except Exception as error:
            notes.all.append((locals_text(error), chain_text(error)))
            raise


@LEFT_BY_ASYNCIO
@pytest.mark.parametrize(("api", "call", "failure"), EACH_FAILURE)
async def test_no_key_shows_in_a_failure(api, failure, call, http, certificates):
    """Neither in the variables of any function on the traceback, nor in those of what led to it."""
    cls, there = FAILURES[failure]
    notes = Notes()
    async with there(certificates) as (url, options):
        options = options if isinstance(options, Options) else {**options}
        options["http"] = http
        with pytest.raises(cls):
            await fails(api, url, call, options, notes)
    gc.collect()
    ((with_locals, without),) = notes.all
    assert "fails" in with_locals  # this function's own frame is in the text: the text is not empty
    check(with_locals + without)


async def test_no_key_shows_where_no_connection_is_free(http):
    """The one request that waits."""
    async with Server(stall) as server:
        client = opened(Kintsugi, server.url, http=http, max_connections=1, pool_timeout=0)
        async with client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.customers.first_page)
            await server.until(lambda server: server.counts["stalled"])
            with pytest.raises(PoolTimedOut) as caught:
                await client.customers.first_page()
            check(locals_text(caught.value) + chain_text(caught.value))
            tasks.cancel_scope.cancel()


WRONG = {
    "a line end": (CredentialsError, lambda key: f"{key}\n"),
    "an umlaut": (CredentialsError, lambda key: f"{key}ü"),
    "a space": (CredentialsError, lambda key: f" {key}"),
    "bytes": (CredentialsError, str.encode),
    "a list": (CredentialsError, lambda key: [key]),
}
OPTIONS = {
    "base_url": "http://example.com",
    "timeout": 0,
    "retry": 7,
    "pace": 7,
    "proxy": 7,
    "verify": None,
    "user_agent": "a\nb",
    "http_client": object(),
    "max_response": 0,
    "max_connections": 0,
    "pool_timeout": -1,
    "deadline": 0,
    "nonsense": 1,
}


def misused(api, name=None, wrong=None, **options):
    credentials = CREDENTIALS[api] if wrong is None else {**CREDENTIALS[api], name: wrong(CREDENTIALS[api][name])}
    make = partial(api, **credentials, **options)
    del credentials, name, wrong
    return make()


@pytest.mark.parametrize(("api", "name"), [(Kintsugi, "api_key"), (Kintsugi, "organization_id"), (SweetSpot, "token")])
@pytest.mark.parametrize("wrong", WRONG)
def test_no_key_shows_where_it_is_refused(api, name, wrong, http):
    """It may be one all the same."""
    cls, change = WRONG[wrong]
    with pytest.raises(cls) as caught:
        misused(api, name, change, http=http)
    check(plain_locals_text_below(caught.value, "misused"))
    assert "__init__" in frames_of(caught.value)


@APIS
@pytest.mark.parametrize("option", OPTIONS)
def test_no_key_shows_where_another_argument_is_refused(api, option):
    """Next to a good key: the binding's own function has it as an argument."""
    with pytest.raises((UsageError, TypeError)) as caught:
        misused(api, **{option: OPTIONS[option]})
    check(plain_locals_text_below(caught.value, "misused"))


def test_no_password_of_a_proxy_shows_where_another_argument_is_refused():
    """It is an argument like a key."""

    def wrongly():
        return opened(Kintsugi, "https://example.com", proxy=f"http://{WORDS[0]}:{WORDS[1]}@localhost", timeout=0)

    with pytest.raises(UsageError) as caught:
        wrongly()
    check(plain_locals_text_below(caught.value, "opened"))


def plain_locals_text_below(error, name):
    """The text of what lies below a function of this test, which holds a key itself."""
    trace = error.__traceback__
    while trace.tb_frame.f_code.co_name != name:
        trace = trace.tb_next
    error.__traceback__ = trace.tb_next
    return locals_text(error)


def test_a_binding_of_ones_own_shows_no_argument():
    """Whoever writes one need not think of it."""

    class Own(Client):
        def __init__(self, *, token):
            copied = token
            super().__init__({"Authorization": Credential("token", copied, "T")}, base_url=7)

    def misused():
        return Own(token=KEY)

    with pytest.raises(UsageError) as caught:
        misused()
    check(plain_locals_text_below(caught.value, "misused"))
    assert list(inspect.signature(Own).parameters) == ["token"]


# ---- what passes through


async def victim(call, client, notes):
    try:
        await call(client)
    except BaseException as error:
        notes.all.append((plain_locals_text(error), frames_of(error)))
        raise


class Notes:
    """What was seen. Its repr says nothing of it, for it is a variable of the functions that are looked at."""

    def __init__(self):
        self.all = []


@LEFT_BY_ASYNCIO
@pytest.mark.parametrize(("api", "call", "step", "tls"), CANCELLED)
async def test_no_key_shows_in_a_cancellation(api, call, step, tls, http, certificates):
    """At each of many turns of the loop: while it connects, sends, waits, and reads."""
    notes = Notes()
    async with Server(after=step, tls=serving(certificates) if tls else None) as server:
        # The first turns twice: a server that is quick to answer leaves few in which there is something to cancel.
        for turns in [*range(24), *range(12), None]:
            stalled = server.counts["stalled"]
            client = opened(api, server.url, http=http, verify=trusting(certificates) if tls else True)
            async with client, anyio.create_task_group() as tasks:
                tasks.start_soon(victim, call, client, notes)
                if turns is None and step is not plain:
                    await server.until(partial(has_stalled, more_than=stalled))
                for _ in range(turns or 0):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
    gc.collect()
    assert len(notes.all) >= 10
    for text, frames in notes.all:
        check(text)
        # Those of libraries are below it.
        assert "send" not in frames or frames[-1] in {"send", "take", "_wait", "_wait_turn"}, frames


def has_stalled(server, more_than):
    return server.counts["stalled"] > more_than


async def test_a_task_of_asyncio_that_is_cancelled_stays_cancelled(lane):
    """Natively, and by a timeout: what is cut off the traceback changes nothing else."""
    if lane[1] != "asyncio":
        pytest.skip("trio has scopes alone")
    async with Server(after=stall) as server, opened(Kintsugi, server.url, http=lane[0]) as client:
        task = asyncio.create_task(client.customers.get("cust_1"))
        await server.until(lambda server: server.counts["stalled"] == 1)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert caught.value.args == ("enough",)
        assert task.cancelled()
        with pytest.raises(TimeoutError) as timed_out:
            async with asyncio.timeout(0.2):
                await client.customers.get("cust_1")
        for error in (caught.value, timed_out.value):
            check(locals_text(error))


class Mine(Exception):
    """Of the user's own code."""


def client_that_raises(library, error, where):
    """A client of the user's whose hook, middleware or transport raises."""
    if library == "aiohttp":

        async def middleware(request, handler):
            if where == "response":
                (await handler(request)).close()
            raise error

        return aiohttp.ClientSession(middlewares=(middleware,))

    async def hook(_message):
        raise error

    return httpx.AsyncClient(event_hooks={where: [hook]}, trust_env=False)


def error_of(kind):
    error = kind("mine")
    try:
        raise LookupError("before it")
    except LookupError as before:
        error.__context__ = before
    try:
        raise httpx.ReadError("of the library")
    except httpx.ReadError as below:
        error.__cause__ = below
    return error


@pytest.mark.parametrize("kind", [Mine, UsageError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["request", "response"])
@APIS
async def test_no_key_shows_where_a_hook_of_the_users_raises(api, http, kind, where):
    """Its exception arrives as it is, says where it was raised, and shows none of the library's variables."""
    error = error_of(kind)
    async with Server() as server, client_that_raises(http, error, where) as mine:
        client = opened(api, server.url, http_client=mine)
        try:
            await client.customers.get("cust_1")
        except BaseException as raised:  # an event loop would end with two of these
            assert raised is error
        check(locals_text(error))
        assert frames_of(error)[-1] == "send"
        if issubclass(kind, Exception):
            (note,) = error.__notes__
            assert "in middleware" in note or "in hook" in note
            assert __file__ in note
        assert not any(isinstance(one, httpx.HTTPError) for one in chain_of(error))


async def test_what_the_caller_handles_stays_as_it_is(http):
    """Its traceback and variables are the caller's business."""
    mine = "a variable of the caller"

    def raises():
        local = mine
        raise Mine(local)

    async with Server(after=reset) as server, opened(Kintsugi, server.url, http=http) as client:
        try:
            raises()
        except Mine as handled:
            with pytest.raises(ConnectionLost) as caught:
                await client.customers.get("cust_1")
            with pytest.raises(UsageError) as misused:
                opened(Kintsugi, server.url, timeout=0)
            assert caught.value.__context__ is handled
            assert misused.value.__context__ is handled
            assert frames_of(handled)[-1] == "raises"
            assert f"local = {mine!r}" in plain_locals_text(handled)


# ---- what holds one


def attributes(thing):
    """All that reads of attributes give, slots and properties included, without calling what they give."""
    return {name: getattr(thing, name) for name in dir(thing)}


READERS = {
    "repr": repr,
    "str": str,
    "format": format,
    "pprint": pprint.pformat,
    "rich": partial(pretty_repr, expand_all=True),
    "rich inspect": lambda thing: inspected(thing),
    "attributes": attributes,
    "members": inspect.getmembers,
    "slots": lambda thing: [getattr(thing, name) for cls in type(thing).__mro__ for name in vars(cls)],
    "everything": everything,
}


def inspected(thing):
    console = Console(record=True, file=io.StringIO(), width=250)
    rich_inspect(thing, console=console, all=True)
    return console.export_text()


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("thing", [Secret(KEY), Hidden({"key": KEY})], ids=["secret", "hidden"])
def test_no_reader_of_objects_shows_a_secret(thing, read):
    """It is neither an attrs field nor any other attribute."""
    check(str(read(thing)))
    check(str(read({"headers": [thing]})) if read is not inspected else "")


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy, vars, attrs.asdict])
def test_a_secret_is_not_taken_out(take):
    """Whoever pickles or copies a client by mistake learns it."""
    for thing in (Secret(KEY), Hidden({"key": KEY})):
        with pytest.raises((TypeError, attrs.exceptions.NotAnAttrsClassError)) as caught:
            take(thing)
        check(str(caught.value))


@APIS
@pytest.mark.parametrize("read", [pprint.pformat, pretty_repr, everything, vars])
async def test_no_reader_of_objects_shows_the_key_of_a_client(api, read, http):
    """Used or not."""
    async with Server() as server, opened(api, server.url, http=http) as client:
        check(str(read(client)))
        await client.customers.get("cust_1")
        check(str(read(client)))
