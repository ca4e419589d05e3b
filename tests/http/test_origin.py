"""Where requests go: proxies, certificates, and what of the environment decides on them, with each HTTP library."""

import base64
import random
import socket
import ssl
from pathlib import Path

import certifi
import httpx
import httpx2
import pytest
from servers import Closed, Proxy, Server, Url, failing, last, nobody, serving, trusting
from shown import chain_of, chain_text, everything, locals_text

from readahead import Retry
from readahead.errors import ConnectFailed, UsageError
from readahead.http.origin import tls_context
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


@pytest.mark.parametrize("how", ["argument", "HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_plain_requests_go_through_the_proxy(kintsugi, how, monkeypatch):
    """By the argument, or by the variables of the environment, whatever the transport."""
    async with Proxy() as proxy, Server(after=last) as server:
        if how != "argument":
            monkeypatch.setenv(how, proxy.url)

        async with kintsugi(server, proxy=proxy.url if how == "argument" else None) as client:
            await works(client)
        assert [seen.method for seen in proxy.seen] == ["GET", "POST"]
        assert all(seen.target.startswith(server.url) for seen in proxy.seen)
        assert [seen.method for seen in server.seen] == ["GET", "POST"]


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "example.com, 127.0.0.1", "*"])
async def test_no_proxy_is_respected(kintsugi, no_proxy, monkeypatch):
    """The host it names is asked directly."""
    async with Proxy() as proxy, Server() as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", no_proxy)

        async with kintsugi(server) as client:
            await works(client)
        assert proxy.connections == 0
        assert len(server.seen) == 2


@pytest.mark.parametrize("how", ["argument", "HTTPS_PROXY"])
async def test_https_goes_through_a_tunnel_that_sees_no_key(kintsugi, how, certificates, monkeypatch):
    """The proxy is told host and port and nothing else; the certificate is verified behind it."""
    async with Proxy() as proxy, Server(tls=serving(certificates)) as server:
        if how != "argument":
            monkeypatch.setenv(how, proxy.url)
        how_to = {"proxy": proxy.url if how == "argument" else None}

        async with kintsugi(server, verify=trusting(certificates), **how_to) as client:
            await works(client)
        async with kintsugi(server, **how_to) as client:
            assert type(await failing(client.customers.create(name="Ada"))) is ConnectFailed
        assert {(seen.method, seen.target) for seen in proxy.seen} == {("CONNECT", f"127.0.0.1:{server.port}")}
        assert "the-key" not in repr(proxy.seen)
        assert [seen.headers["x-api-key"] for seen in server.seen] == ["the-key"] * 2


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("how", ["argument", "variable"])
async def test_a_proxys_password_reaches_the_proxy_alone(kintsugi, tls, how, certificates, monkeypatch):
    """Not the API behind it; and no deprecated call is made for it."""
    async with Proxy() as proxy, Server(tls=serving(certificates) if tls else None, after=last) as server:
        url = proxy.url.replace("//", "//ada:secret@")
        if how == "variable":
            monkeypatch.setenv("ALL_PROXY", url)

        verify = trusting(certificates) if tls else True
        async with kintsugi(server, proxy=url if how == "argument" else None, verify=verify) as client:
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
    ("localhost", "localhost", True),
    ("localhost", "my.localhost", False),
    ("other.com, example.com", "example.com", True),
    ("other.com,*", "example.com", True),
    ("", "example.com", False),
    (" , ", "example.com", False),
    ("127.9.8.7", "127.9.8.7", True),
    ("127.9.8.7", "127.9.8.6", False),
    ("127.9.8.0/24", "127.9.8.7", True),
    ("127.9.8.0/24", "127.9.9.7", False),
    ("127.9.8.7/32", "127.9.8.7", True),
    ("10.0.0.0/8, 127.0.0.0/8", "127.9.8.7", True),
    ("::1", "[::1]", True),
    ("[::1]", "[::1]", True),
    ("::/64", "[::1]", True),
    ("fd00::/8", "[::1]", False),
    ("127.9.8.0/24", "example.com", False),
    ("127.9.8.0/99", "127.9.8.7", False),
]


@pytest.fixture
def resolved(monkeypatch):
    """Every name means this machine."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *rest, **more):
        name = host.decode() if isinstance(host, bytes) else host
        is_name = name is not None and not name.replace(".", "").isdigit() and ":" not in name
        return real("127.0.0.1" if is_name else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(("no_proxy", "host", "is_direct"), RULES)
async def test_no_proxy_names_hosts_addresses_and_ranges(http, no_proxy, host, is_direct, resolved, monkeypatch):
    """As httpx documents it, with each library; and as httpx2 does it, which matches ranges too."""
    async with Proxy(refuse="403 No") as proxy, Closed() as server:
        url = f"https://{host}:{server.port}"
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", no_proxy.format(port=server.port))
        async with Kintsugi(api_key="k", organization_id="o", base_url=url, http=http, retry=ONCE) as client:
            await failing(client.customers.first_page())
        targets = [seen.target.replace("[", "").replace("]", "") for seen in proxy.seen]  # httpx leaves them out
        assert targets == ([] if is_direct else [f"{host.strip('[]')}:{server.port}"])
        async with httpx2.AsyncClient() as bare:
            with pytest.raises(httpx2.TransportError):
                await bare.get(url)
        assert len(proxy.seen) == (0 if is_direct else 2)


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


PROXIES = ["socks4://user:hunter2@localhost", "http://user:hunter2@localhost:x", "socks5://user:hunter2@localhost:1"]


@pytest.mark.parametrize("how", ["argument", "variable"])
@pytest.mark.parametrize("proxy", PROXIES)
async def test_a_proxy_that_cannot_be_used_is_a_clear_error_without_its_password(http, how, proxy, monkeypatch):
    """aiohttp speaks no SOCKS, and httpx does with a package more, which is not installed here."""
    if how == "variable":
        monkeypatch.setenv("ALL_PROXY", proxy)
    argument = proxy if how == "argument" else None
    async with Kintsugi(api_key="k", organization_id="o", proxy=argument, http=http) as client:
        with pytest.raises(UsageError, match="proxy") as caught:
            await client.customers.first()
        assert chain_of(caught.value) == [caught.value]
        assert "hunter2" not in chain_text(caught.value) + locals_text(caught.value) + everything(client)
