"""What holds for a session of aiohttp holds with httpx in between as well."""

import ssl
import subprocess
import sys
from pathlib import Path

import certifi
import httpx
import pytest

import readahead.http.transport

TESTS = Path(__file__).parent
OVER_SOCKETS = ["test_sockets.py", "test_isolation.py", "test_independent_server.py", "test_credentials.py"]


def test_the_suite_over_sockets_passes_with_httpx_in_between(request):
    """Every test that opens a connection, run again with the direct way switched off."""
    if request.config.getoption("--through-httpx"):
        pytest.skip("this is that run")
    assert readahead.http.transport.DIRECT
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--through-httpx"]
    done = subprocess.run(
        [*command, *(str(TESTS / name) for name in OVER_SOCKETS)], capture_output=True, text=True, cwd=TESTS.parent
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout


@pytest.mark.parametrize("verify", [True, False, ssl.create_default_context()], ids=["true", "false", "context"])
@pytest.mark.parametrize("variable", [None, "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_are_those_that_httpx_takes(monkeypatch, tmp_path, verify, variable):
    """``verify`` and the variables mean to a session of aiohttp what they mean to httpx, which is not imported."""
    (tmp_path / "one.pem").write_text(Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")[0])
    with (tmp_path / "one.pem").open("a") as file:
        file.write("-----END CERTIFICATE-----\n")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "one.pem" if variable.endswith("FILE") else tmp_path))
    ours, theirs = readahead.http.transport._tls(verify), httpx.create_ssl_context(verify)
    for of in ("verify_mode", "check_hostname", "minimum_version", "options"):
        assert getattr(ours, of) == getattr(theirs, of)
    assert ours.cert_store_stats() == theirs.cert_store_stats()
    if isinstance(verify, ssl.SSLContext):
        assert ours is verify
