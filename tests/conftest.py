"""Options of the whole suite."""

import pytest

import readahead.http.transport


def pytest_addoption(parser):
    parser.addoption("--through-httpx", action="store_true", help="put httpx between us and aiohttp")


@pytest.fixture(autouse=True, scope="session")
def _way_out(request):
    readahead.http.transport.DIRECT = not request.config.getoption("--through-httpx")
