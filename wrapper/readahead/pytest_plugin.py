"""Fixtures for tests of code that uses readahead. pytest finds them by itself, and they do nothing until asked for.

They need the extra ``sandbox``. They are plain fixtures, tied to no event loop: ``async def`` tests under
pytest-asyncio and under anyio's plugin can use them, and so can ``unittest`` and tests that are not async.
"""
# ruff: noqa: PLC0415
# Every run of pytest imports this module, so it imports what the fixtures need when they are used.

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .kintsugi import Kintsugi
    from .sandbox import Sandbox
    from .sweetspot import SweetSpot

_MARKER = "readahead_sandbox"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(rows, kintsugi_rows, sweetspot_rows, latency, faults, path): what the sandbox of a test holds and "
        "how it misbehaves; rows is for both APIs, the others are arguments of readahead.sandbox.Sandbox",
    )


@pytest.fixture
def readahead_sandbox(request: pytest.FixtureRequest) -> "Generator[Sandbox]":
    """Kintsugi and Sweet Spot on this machine, new for each test, with 250 customers each.

    The marker of the same name says otherwise: ``@pytest.mark.readahead_sandbox(rows=1000, faults=Faults(cap=50))``.
    Of several markers (of the module, the class, the test) the closest decides, option by option.
    """
    try:
        from .sandbox import Sandbox
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"starlette", "uvicorn"}:
            raise
        pytest.fail("the sandbox needs an extra: pip install 'readahead[sandbox]'", pytrace=False)
    options: dict[str, Any] = {"kintsugi_rows": 250, "sweetspot_rows": 250}
    node: pytest.Item = request.node
    try:
        for marker in reversed(list(node.iter_markers(_MARKER))):
            options |= _for_both(*marker.args, **marker.kwargs)
        sandbox = Sandbox(**options)
    except (TypeError, ValueError) as error:
        pytest.fail(f"@pytest.mark.{_MARKER}: {error}", pytrace=False)
    with sandbox:
        yield sandbox


def _for_both(*, rows: int | None = None, **options: Any) -> dict[str, Any]:
    both = {} if rows is None else {"kintsugi_rows": rows, "sweetspot_rows": rows}
    return both | options


@pytest.fixture
def readahead_url(readahead_sandbox: "Sandbox") -> Generator[str]:
    """The sandbox on a socket, for code that makes its own client: Kintsugi is at ``readahead_url + "/kintsugi"``."""
    with readahead_sandbox.serve() as url:
        yield url


@pytest.fixture
def kintsugi(readahead_sandbox: "Sandbox") -> "Kintsugi":
    """A Kintsugi client of the test's sandbox, connected in process. It need not be closed."""
    return readahead_sandbox.kintsugi()


@pytest.fixture
def sweetspot(readahead_sandbox: "Sandbox") -> "SweetSpot":
    """A Sweet Spot client of the test's sandbox, connected in process. It need not be closed."""
    return readahead_sandbox.sweetspot()
