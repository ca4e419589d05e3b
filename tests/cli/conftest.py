import pytest
from command import credentials

from readahead.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox():
    """Both APIs with 1,000 customers."""
    with Sandbox(kintsugi_rows=1_000, sweetspot_rows=1_000) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def url(sandbox):
    with sandbox.serve() as url:
        yield url


@pytest.fixture
def kintsugi(url, tmp_path):
    """The options that reach Kintsugi."""
    return ["--base-url", f"{url}/kintsugi", "--credentials", credentials(tmp_path)]


@pytest.fixture
def sweetspot(url, tmp_path):
    """The options that reach Sweet Spot."""
    return ["--base-url", f"{url}/sweetspot", "--credentials", credentials(tmp_path)]
