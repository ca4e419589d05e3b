"""What the whole suite shares.

Async tests are ``async def``:

- ``@pytest.mark.asyncio``, or ``pytestmark = pytest.mark.asyncio``, for what is about asyncio alone;
- ``@pytest.mark.anyio``, or ``pytestmark = pytest.mark.anyio``, for what must hold on trio too: such a test runs
  once on each. It may take ``anyio_backend`` (``"asyncio"`` or ``"trio"``) to know where it runs.

An async fixture of ``anyio`` tests is a plain ``@pytest.fixture`` that takes ``anyio_backend``. ``anyio.run`` inside a
plain function is for Hypothesis, which draws many examples within one test.

``@pytest.mark.slow`` marks what ``scripts/test`` leaves out and CI runs.
"""

import pytest


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request):
    """The library that an ``anyio`` test runs on."""
    return request.param
