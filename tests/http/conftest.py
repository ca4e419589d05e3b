"""How requests travel in the tests of ``http/``: with which library, on which loop."""

import shutil
import subprocess

import pytest

from readahead import Retry
from readahead.kintsugi import Kintsugi

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
KEYS = ("KINTSUGI_API_KEY", "KINTSUGI_ORGANIZATION_ID", "SWEETSPOT_TOKEN")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in (*PROXIES, *map(str.lower, PROXIES), "SSL_CERT_FILE", "SSL_CERT_DIR", *KEYS):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(
    scope="module",
    params=[("httpx", "asyncio"), ("httpx", "trio"), ("aiohttp", "asyncio")],
    ids=lambda lane: "-".join(lane),
)
def lane(request):
    """An HTTP library and the loop it runs on."""
    return request.param


@pytest.fixture
def http(lane):
    """The HTTP library of the lane. A module that takes it lets ``anyio_backend`` be the lane's."""
    return lane[0]


@pytest.fixture
def kintsugi(http):
    """Open a client of a server, which tries each request once unless told otherwise."""

    def opened(server, **options):
        options = {"retry": Retry(attempts=1), "http": http, **options}
        return Kintsugi(api_key="the-key", organization_id="org", base_url=server.url, **options)

    return opened


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Self-signed certificates: one for 127.0.0.1, one for another name."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")
    for name, subject in (("here", "IP:127.0.0.1"), ("elsewhere", "DNS:elsewhere.example")):
        command = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN={name}"
        files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
        names = ["-addext", f"subjectAltName={subject}"]
        subprocess.run([openssl, *command.split(), *files, *names], check=True, capture_output=True)
    return folder
