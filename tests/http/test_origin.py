"""Where requests go: proxies, certificates, and what of the environment decides on them, with each HTTP library."""

import base64
import random
import socket
import ssl
import uuid
from pathlib import Path

import aiohttp
import certifi
import httpx
import httpx2
import pytest
from servers import Closed, Proxy, Server, Url, failing, last, nobody, serving, trusting
from shown import chain_of, chain_text, everything, locals_text

from readahead import Retry
from readahead.errors import ConnectFailed, UsageError
from readahead.http.origin import proxy_for, tls_context
from readahead.kintsugi import Kintsugi

pytestmark = pytest.mark.anyio
ONCE = Retry(attempts=1)


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


# ---- TLS


async def works(client):
    assert len((await client.customers.first_page()).rows) == 100
    assert (await client.customers.create(name="Ada")).id == "cust"


@pytest.mark.parametrize("how", ["context", "unverified", "variable"])
async def test_https_with_a_certificate_of_ones_own(kintsugi, how, certificates, monkeypatch):
    """``verify`` takes a context or False, and ``SSL_CERT_FILE`` is read, whatever the transport."""
    verify = {"context": trusting(certificates), "unverified": False, "variable": True}[how]
    if how == "variable":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "here.pem"))

    async with Server(tls=serving(certificates)) as server:
        async with kintsugi(server, verify=verify) as client:
            await works(client)
        assert [seen.headers["x-api-key"] for seen in server.seen] == ["the-key"] * 2


@pytest.mark.parametrize("wrong", ["unknown", "another name"])
async def test_a_certificate_that_does_not_fit_is_a_failed_connection(kintsugi, wrong, certificates):
    """Nothing is sent, so a POST cannot have been applied."""
    name = "here" if wrong == "unknown" else "elsewhere"
    verify = True if wrong == "unknown" else trusting(certificates, name)

    async with Server(tls=serving(certificates, name)) as server:
        async with kintsugi(server, verify=verify) as client:
            error = await failing(client.customers.create(name="Ada"))
        assert type(error) is ConnectFailed
        assert not error.maybe_applied
        assert "certificate" in str(error).lower()
        assert server.seen == []


# ---- proxies


NAME = "elsewhere.example"  # what the other certificate is for


@pytest.fixture
def resolved(monkeypatch):
    """Every name means this machine."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *rest, **more):
        name = host.decode() if isinstance(host, bytes) else host
        is_name = name is not None and not name.replace(".", "").isdigit() and ":" not in name
        return real("127.0.0.1" if is_name else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def named(server):
    """The URL of a server by a name that is not this machine's; needs ``resolved``."""
    return Url(f"https://{NAME}:{server.port}")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["http://127.0.0.1", "http://localhost", "http://LOCALHOST.", "https://127.0.0.1"])
async def test_no_proxy_of_the_environment_is_asked_for_this_machine(
    kintsugi, host, variable, certificates, resolved, monkeypatch
):
    """It would see the key of a plain request, and look for the API on its own machine."""
    async with Proxy() as proxy, Server(tls=serving(certificates) if host.startswith("https") else None) as server:
        monkeypatch.setenv(variable, proxy.url)
        async with kintsugi(Url(f"{host}:{server.port}"), verify=trusting(certificates)) as client:
            await works(client)
        assert proxy.connections == 0
        assert [seen.headers["x-api-key"] for seen in server.seen] == ["the-key"] * 2


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "localhost", "localhost.", "LocalHost", "[::1]", "[0::1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_however_this_machine_is_written(host, scheme, monkeypatch):
    """By the names and addresses that plain http is taken to."""
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example")
    assert proxy_for(f"{scheme}://{host}:8000") is None
    assert proxy_for("https://localhost.example") is not None


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
async def test_plain_http_through_a_proxy_is_refused(kintsugi, scheme):
    """When the client is made: the proxy would see the key."""
    async with Proxy() as proxy, Server() as server:
        with pytest.raises(UsageError, match=r"^base_url .* is plain http, .* use https, or no proxy$"):
            kintsugi(server, proxy=proxy.url.replace("http", scheme))
        assert proxy.connections == server.connections == 0


@pytest.mark.parametrize(
    "wrong", [7, True, False, b"http://localhost:1", httpx.URL("http://localhost:1"), []], ids=repr
)
def test_a_proxy_is_a_url_or_none(http, wrong):
    """httpx takes objects of its own; for these there is ``http_client``."""
    with pytest.raises(UsageError, match=r"^proxy must be the URL of a proxy or None"):
        Kintsugi(api_key="k", organization_id="o", http=http, proxy=wrong)


PROXIED = {
    "httpx": lambda proxy: httpx.AsyncClient(proxy=proxy),
    "httpx mounts": lambda proxy: httpx.AsyncClient(mounts={"http://": httpx.AsyncHTTPTransport(proxy=proxy)}),
    "httpx environment": lambda _proxy: httpx.AsyncClient(),
    "httpx2": lambda proxy: httpx2.AsyncClient(proxy=proxy),
    "httpx2 environment": lambda _proxy: httpx2.AsyncClient(),
    "aiohttp": lambda proxy: aiohttp.ClientSession(proxy=proxy),
    "aiohttp environment": lambda _proxy: aiohttp.ClientSession(trust_env=True),
}


@pytest.mark.parametrize("how", PROXIED)
async def test_a_client_of_ones_own_sends_no_plain_http_through_a_proxy(lane, how, monkeypatch):
    """Whatever set its proxy; without one, it sends."""
    if (how.startswith("aiohttp"), lane[1]) == (True, "trio"):
        pytest.skip("aiohttp runs on asyncio only")
    async with Proxy() as proxy, Server() as server:
        if how.endswith("environment"):
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with PROXIED[how](proxy.url) as mine:
            client = Kintsugi(api_key="the-key", organization_id="org", base_url=server.url, http_client=mine)
            with pytest.raises(UsageError, match=r"^base_url .* is plain http, .* use https, or no proxy$"):
                await client.customers.first_page()
        assert proxy.connections == server.connections == 0
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with PROXIED[how](None) as mine:
            await works(Kintsugi(api_key="the-key", organization_id="org", base_url=server.url, http_client=mine))
        assert proxy.connections == 0


@pytest.mark.parametrize("no_proxy", [NAME, f"other.example, {NAME}", "*"])
async def test_no_proxy_is_respected(kintsugi, no_proxy, certificates, resolved, monkeypatch):
    """The host it names is asked directly."""
    async with Proxy() as proxy, Server(tls=serving(certificates, "elsewhere")) as server:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", no_proxy)

        async with kintsugi(named(server), verify=trusting(certificates, "elsewhere")) as client:
            await works(client)
        assert proxy.connections == 0
        assert len(server.seen) == 2


@pytest.mark.parametrize("how", ["argument", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("where", ["a name", "this machine"])
async def test_https_goes_through_a_tunnel_that_sees_no_key(kintsugi, where, how, certificates, resolved, monkeypatch):
    """The proxy is told host and port and nothing else; the certificate is verified behind it."""
    if (where, how != "argument") == ("this machine", True):
        pytest.skip("the environment has no proxy for it")
    cert = "here" if where == "this machine" else "elsewhere"
    async with Proxy() as proxy, Server(tls=serving(certificates, cert)) as server:
        if how != "argument":
            monkeypatch.setenv(how, proxy.url)
        how_to = {"proxy": proxy.url if how == "argument" else None}

        to = server if where == "this machine" else named(server)
        async with kintsugi(to, verify=trusting(certificates, cert), **how_to) as client:
            await works(client)
        async with kintsugi(to, **how_to) as client:
            assert type(await failing(client.customers.create(name="Ada"))) is ConnectFailed
        assert {(seen.method, seen.target) for seen in proxy.seen} == {("CONNECT", to.url.removeprefix("https://"))}
        assert "the-key" not in repr(proxy.seen)
        assert [seen.headers["x-api-key"] for seen in server.seen] == ["the-key"] * 2


@pytest.mark.parametrize("how", ["argument", "variable"])
async def test_a_proxys_password_reaches_the_proxy_alone(kintsugi, how, certificates, resolved, monkeypatch):
    """Not the API behind it; and no deprecated call is made for it."""
    async with Proxy() as proxy, Server(tls=serving(certificates, "elsewhere"), after=last) as server:
        url = proxy.url.replace("//", "//ada:secret@")
        if how == "variable":
            monkeypatch.setenv("ALL_PROXY", url)

        options = {"proxy": url if how == "argument" else None, "verify": trusting(certificates, "elsewhere")}
        async with kintsugi(named(server), **options) as client:
            await works(client)
            assert "secret" not in everything(client)
        basic = "Basic " + base64.b64encode(b"ada:secret").decode()
        assert [seen.headers["proxy-authorization"] for seen in proxy.seen] == [basic] * 2
        assert "proxy-authorization" not in {name for seen in server.seen for name in seen.headers}


async def test_a_proxy_that_refuses_is_a_failed_connection(kintsugi, certificates):
    """A tunnel that is not made, and a proxy that is not there: nothing was applied, and no password is shown."""

    tls = serving(certificates)
    async with Proxy(refuse="407 Who are you") as proxy, Server(tls=tls) as server:
        with nobody() as gone:
            for proxy_url in (
                proxy.url.replace("//", "//ada:secret@"),
                proxy.url,
                gone.url.replace("//", "//ada:secret@"),
            ):
                async with kintsugi(server, proxy=proxy_url, verify=trusting(certificates)) as client:
                    error = await failing(client.customers.create(name="Ada"))
                assert type(error) is ConnectFailed
                assert not error.maybe_applied
                assert "secret" not in repr(error)
            assert server.connections == 0
            assert len(proxy.seen) == 2


# NO_PROXY by the rules that httpx documents: what it says, the host that is asked, and whether it goes past the proxy.
RULES = [
    ("api.example.com", "api.example.com", True),
    ("example.com", "api.example.com", True),
    ("example.com", "example.com", True),
    ("example.com", "anexample.com", False),
    ("EXAMPLE.com", "api.example.com", True),
    (".example.com", "api.example.com", True),
    (".example.com", "example.com", False),
    ("*.example.com", "api.example.com", True),
    ("example.com:{port}", "api.example.com", True),
    ("example.com:1", "api.example.com", False),
    ("https://example.com", "example.com", True),
    ("https://example.com", "api.example.com", False),
    ("http://example.com", "example.com", False),
    ("all://example.com", "example.com", True),
    ("localhost", "my.localhost", False),
    ("other.com, example.com", "example.com", True),
    ("other.com,*", "example.com", True),
    ("", "example.com", False),
    (" , ", "example.com", False),
]
# Of addresses, of which no other answers here.
ADDRESSES = [
    ("192.0.2.7", "192.0.2.7", True),
    ("192.0.2.7", "192.0.2.6", False),
    ("192.0.2.0/24", "192.0.2.7", True),
    ("192.0.2.0/24", "192.0.3.7", False),
    ("192.0.2.7/32", "192.0.2.7", True),
    ("10.0.0.0/8, 192.0.0.0/8", "192.0.2.7", True),
    ("2001:db8::1", "[2001:db8::1]", True),
    ("[2001:db8::1]", "[2001:db8::1]", True),
    ("2001:db8::/64", "[2001:db8::1]", True),
    ("fd00::/8", "[2001:db8::1]", False),
    ("192.0.2.0/24", "example.com", False),
    ("192.0.2.0/99", "192.0.2.7", False),
]


@pytest.mark.parametrize(("no_proxy", "host", "is_direct"), RULES)
async def test_no_proxy_names_hosts(http, no_proxy, host, is_direct, resolved, monkeypatch):
    """As httpx documents it, with each library; and as httpx2 does it."""
    async with Proxy(refuse="403 No") as proxy, Closed() as server:
        url = f"https://{host}:{server.port}"
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", no_proxy.format(port=server.port))
        async with Kintsugi(api_key="k", organization_id="o", base_url=url, http=http, retry=ONCE) as client:
            await failing(client.customers.first_page())
        assert [seen.target for seen in proxy.seen] == ([] if is_direct else [f"{host}:{server.port}"])
        async with httpx2.AsyncClient() as bare:
            with pytest.raises(httpx2.TransportError):
                await bare.get(url)
        assert len(proxy.seen) == (0 if is_direct else 2)


@pytest.mark.parametrize(("no_proxy", "host", "is_direct"), ADDRESSES)
def test_no_proxy_names_addresses_and_ranges(no_proxy, host, is_direct, monkeypatch):
    """As httpx documents it, and httpx2 does it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (proxy_for(f"https://{host}:8000") is None) == is_direct


# ---- hosts


LONG = ".".join(["a" * 63] * 3)  # 191 characters
CANNOT_EXIST = ["a" * 64 + ".example", "a..example", ".example", "a.example..", "..", f"{LONG}.{'a' * 62}"]
CANNOT_EXIST += [
    "xn--.example",
    "xn--a.example",
    "xn--zzzzzz99999.example",
    "a.xn--.example",
    "XN--.example",
    "☃.example",
]
CANNOT_EXIST += [
    "\u0300a.example",
    "-é.example",
    "é" * 60,
    "a*b.example",
    "a%41.example",
    "a,b.example",
    "a|b",
    'a"b',
    "{a}",
]
CANNOT_EXIST += ["256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "0x7f.1", "127.1"]
EXIST = {
    "a" * 63 + ".example": None,
    f"{LONG}.{'a' * 61}": None,
    "a_service": None,
    "_a.b-.-c.example": None,
    "a.example.": None,
    "xn--mnchen-3ya.example": None,
    "München.example": "xn--mnchen-3ya.example",
    "straße.example": "xn--strae-oqa.example",
    "a。b": "a.b",
}


@pytest.mark.parametrize("host", CANNOT_EXIST, ids=ascii)
def test_a_host_that_cannot_exist_is_refused_at_once(http, host):
    """Not by an error of idna, of a codec or of a library, and not when the first request is sent."""
    for url in (f"https://{host}", f"https://{host}:8443/api"):
        with pytest.raises(UsageError, match=r"^base_url ") as caught:
            Kintsugi(api_key="k", organization_id="o", base_url=url, http=http)
        assert caught.value.__context__ is None


@pytest.mark.parametrize("host", EXIST, ids=ascii)
async def test_any_other_host_is_sent_in_ascii(http, host):
    """Libraries differ in what they make of other letters: "ß" is "ss" to one. So they see none."""
    async with (
        Proxy(refuse="403 No") as proxy,
        Kintsugi(
            api_key="k", organization_id="o", base_url=f"https://{host}", http=http, proxy=proxy.url, retry=ONCE
        ) as client,
    ):
        await failing(client.customers.first_page())
        assert client.base_url == f"https://{EXIST[host] or host}"
        assert [seen.target for seen in proxy.seen] == [f"{EXIST[host] or host}:443"]


@pytest.mark.parametrize("path", ["/api", "/a/b.c~d", "/a%20b", "/a%C3%A9", "//a", "/a:b@c", "/a!$&'()*+,;=b"])
async def test_a_path_is_sent_as_it_is(kintsugi, path):
    """Percent-encoded or not."""
    async with Server() as server:
        async with kintsugi(Url(f"{server.url}{path}")) as client:
            await client.customers.where(search="a b").first_page()
        assert server.seen[0].target.startswith(f"{path}/v1/customers?")


@pytest.mark.parametrize("path", ["/é", "/a|b", "/%", "/%zz", "/a/../b", "/.", "/a\\b", '/"', "/<a>", "/" + "a" * 3000])
def test_a_path_that_libraries_read_differently_is_refused(kintsugi, path):
    """One encodes it, another sends it as it is, or resolves it."""
    with pytest.raises(UsageError, match="base_url"):
        kintsugi(Url(f"http://127.0.0.1:1{path}"))


@pytest.mark.parametrize("port", ["0", "65536", "-1", "00443", "+80", "٣", "x", ""])
def test_a_port_that_does_not_exist_is_refused(kintsugi, port):
    """Zero included, to which nothing can be sent."""
    with pytest.raises(UsageError, match="base_url"):
        kintsugi(Url(f"http://127.0.0.1:{port}"))


PIECES = [
    "https://",
    "http://",
    "http://127.0.0.1:1",
    "localhost",
    "a",
    "b.c",
    ".",
    "..",
    "-",
    "_",
    "xn--",
    "xn--mnchen-3ya",
]
PIECES += [
    ":",
    ":0",
    ":443",
    "/",
    "//",
    "@",
    "#",
    "?",
    "%",
    "%41",
    "\\",
    "[",
    "]",
    "[::1]",
    "é",
    "ß",
    "☃",
    "\u200b",
    "\u202e",
]
PIECES += [
    "\x00",
    "\n",
    " ",
    "\ud800",
    "。",
    "٣",
    "a" * 63,
    "b" * 64,
    "c" * 2000,
    "0x7f",
    "127.0.0.1",
    "256",
    "|",
    '"',
    "\ufeff",
]


async def test_any_text_is_refused_or_is_a_place_to_send_to(http, monkeypatch):
    """Never another error, neither when a client is made nor at its first request. No name is found here."""

    def unknown(host, *_, **_more):
        (host if isinstance(host, str) else host.decode()).encode("idna")  # as the C function does
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    draw, sent = random.Random(11), 0
    for number in range(400):
        pieces = draw.choices(PIECES, k=draw.randrange(5))
        url = "".join([draw.choice(["https://", ""]) if number % 3 else "https://a", *pieces])
        try:
            client = Kintsugi(api_key="k", organization_id="o", base_url=url, http=http, retry=ONCE)
        except UsageError as error:
            assert str(error).isprintable()
            continue
        async with client:
            sent += 1
            await failing(client.customers.first_page())
    assert sent > 40


async def test_a_request_that_is_too_long_to_be_built_is_a_usage_error(kintsugi, http):
    """httpx refuses it, before anything is sent; with aiohttp the server decides."""
    if http == "aiohttp":
        pytest.skip("aiohttp has no limit")
    async with Server() as server, kintsugi(server) as client:
        for call in (
            client.customers.where(search="a" * 70_000).first_page(),
            client.customers.update("a" * 70_000, name="Ada"),
        ):
            with pytest.raises(UsageError, match="fewer or shorter values") as caught:
                await call
            assert caught.value.__context__ is None
            assert not caught.value.maybe_applied
        assert server.seen == []


# ---- what is refused


@pytest.mark.parametrize("verify", [None, "", 0, 1, "/etc/ssl/cert.pem", Path("/etc/ssl/cert.pem"), b"x", [], object])
def test_verify_takes_true_false_or_a_context_alone(http, verify):
    """HTTP libraries take some of these for "accept any certificate", and some for a file."""
    with pytest.raises(UsageError, match=r"^verify must be True, False or an ssl.SSLContext"):
        Kintsugi(api_key="k", organization_id="o", http=http, verify=verify)


def test_a_context_for_servers_is_refused(http):
    """It would fail at the first connection, as if the server were to blame."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with pytest.raises(UsageError, match=r"^verify must be a context for clients"):
        Kintsugi(api_key="k", organization_id="o", http=http, verify=context)


@pytest.mark.parametrize("verify", [True, False, ssl.create_default_context()], ids=["true", "false", "context"])
@pytest.mark.parametrize("variable", [None, "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_are_those_that_httpx_takes(monkeypatch, tmp_path, verify, variable):
    """``verify`` and the variables mean what they mean to httpx."""
    (tmp_path / "one.pem").write_text(Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")[0])
    with (tmp_path / "one.pem").open("a") as file:
        file.write("-----END CERTIFICATE-----\n")
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "one.pem" if variable.endswith("FILE") else tmp_path))
    ours, theirs = tls_context(verify, needed=True), httpx.create_ssl_context(verify)
    for of in ("verify_mode", "check_hostname", "minimum_version", "options"):
        assert getattr(ours, of) == getattr(theirs, of)
    assert ours.cert_store_stats() == theirs.cert_store_stats()
    if isinstance(verify, ssl.SSLContext):
        assert ours is verify


async def test_a_file_of_certificates_that_is_not_there_is_a_clear_error(http, monkeypatch):
    """It names the variables."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    async with Kintsugi(api_key="k", organization_id="o", http=http) as client:
        with pytest.raises(UsageError, match="SSL_CERT_FILE"):
            await client.customers.first_page()


PASSWORD = uuid.uuid4().hex
PROXIES = {
    "socks4": f"socks4://user:{PASSWORD}@localhost",
    "no port": f"http://user:{PASSWORD}@localhost:x",
    "socks5": f"socks5://user:{PASSWORD}@localhost:1",
}


@pytest.mark.parametrize("how", ["argument", "variable"])
@pytest.mark.parametrize("proxy", PROXIES)
async def test_a_proxy_that_cannot_be_used_is_a_clear_error_without_its_password(http, how, proxy, monkeypatch):
    """aiohttp speaks no SOCKS, and httpx does with a package more, which is not installed here."""
    if how == "variable":
        monkeypatch.setenv("ALL_PROXY", PROXIES[proxy])

    def opened():
        argument = PROXIES[proxy] if how == "argument" else None
        return Kintsugi(api_key="k", organization_id="o", proxy=argument, http=http)

    async with opened() as client:
        with pytest.raises(UsageError, match="proxy") as caught:
            await client.customers.first()
        assert chain_of(caught.value) == [caught.value]
        assert PASSWORD not in chain_text(caught.value) + locals_text(caught.value) + everything(client)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_plain_http_to_another_machine_passes_no_proxy_of_the_environment(http, variable, monkeypatch):
    """What ``insecure=True`` allows is a network that is trusted, and not whoever stands in between."""
    async with Proxy() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        options = {"base_url": "http://sandbox:8000", "insecure": True, "http": http, "retry": ONCE}
        async with Kintsugi(api_key="the-key", organization_id="o", **options) as client:
            with pytest.raises(UsageError, match="would show the key to the proxy; use https, or no proxy"):
                await client.customers.first_page()
        monkeypatch.setenv("NO_PROXY", "sandbox")
        async with Kintsugi(api_key="the-key", organization_id="o", **options) as client:
            await failing(client.customers.first_page())  # there is no such host
        assert not proxy.seen
