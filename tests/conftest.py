"""What the whole suite shares.

Async tests are ``async def``:

- ``@pytest.mark.asyncio`` for what is about asyncio alone;
- ``@pytest.mark.anyio``, or ``pytestmark = pytest.mark.anyio``, for what must hold on trio too: such a test runs
  once on each. It may take ``anyio_backend`` (``"asyncio"`` or ``"trio"``) to know where it runs.

An async fixture of ``anyio`` tests is a plain ``@pytest.fixture`` that takes ``anyio_backend``. ``anyio.run`` inside a
plain function is the exception: for Hypothesis, where an event loop of its own for each example matters.

``@pytest.mark.slow`` marks what ``scripts/test`` leaves out and CI runs. Properties state how many examples they need
in CI by ``effort.examples``.
"""

import pytest
from hypothesis import settings

from effort import EVERY, examples
from services import postgres_server

if not EVERY:
    settings.register_profile("desk", max_examples=examples(100))
    settings.load_profile("desk")


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request):
    """The library that an ``anyio`` test runs on."""
    return request.param


@pytest.fixture(scope="session")
def postgres_url():
    """The URL of a PostgreSQL server of this test run."""
    with postgres_server() as url:
        yield url
