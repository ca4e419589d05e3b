"""What holds for a session of aiohttp holds with httpx in between as well."""

import subprocess
import sys
from pathlib import Path

import pytest

import readahead.transport

TESTS = Path(__file__).parent
OVER_SOCKETS = ["test_sockets.py", "test_isolation.py", "test_independent_server.py", "test_credentials.py"]


def test_the_suite_over_sockets_passes_with_httpx_in_between(request):
    """Every test that opens a connection, run again with the direct way switched off."""
    if request.config.getoption("--through-httpx"):
        pytest.skip("this is that run")
    assert readahead.transport.DIRECT
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--through-httpx"]
    done = subprocess.run(
        [*command, *(str(TESTS / name) for name in OVER_SOCKETS)], capture_output=True, text=True, cwd=TESTS.parent
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
