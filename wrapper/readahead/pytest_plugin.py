"""Fixtures for tests of code that uses readahead. pytest finds them by itself, and they do nothing until asked for.

They need the extra ``sandbox``. They are plain fixtures, tied to no event loop: ``async def`` tests under
pytest-asyncio and under anyio's plugin can use them, and so can ``unittest`` and tests that are not async.
"""
# ruff: noqa: PLC0415
# Every run of pytest imports this module, so it imports what the fixtures need when they are used.

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from .errors import nearest

if TYPE_CHECKING:
    from .kintsugi import Kintsugi
    from .sandbox import Sandbox
    from .sweetspot import SweetSpot

_MARKER = "readahead_sandbox"
_OPTIONS = ("rows", "kintsugi_rows", "sweetspot_rows", "latency", "faults", "path")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{_MARKER}({', '.join(_OPTIONS)}): what the sandbox of a test holds and "
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
    for marker in reversed(list(node.iter_markers(_MARKER))):
        options |= _options(marker)
    try:
        sandbox, fault = Sandbox(**options), ""
    except (TypeError, ValueError) as error:
        sandbox, fault = None, str(error)
    if sandbox is None:
        pytest.fail(f"@pytest.mark.{_MARKER}: {fault}", pytrace=False)
    with sandbox:
        yield sandbox


def _options(marker: pytest.Mark) -> dict[str, Any]:
    """What one marker says, as arguments of a sandbox."""
    if marker.args:
        pytest.fail(f"@pytest.mark.{_MARKER} takes keywords alone: {', '.join(_OPTIONS)}", pytrace=False)
    for name in marker.kwargs:
        if name not in _OPTIONS:
            near = nearest(name, _OPTIONS)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it takes {', '.join(_OPTIONS)}"
            pytest.fail(f"@pytest.mark.{_MARKER} has no option {name!r}{hint}", pytrace=False)
    rows = {name: marker.kwargs["rows"] for name in ("kintsugi_rows", "sweetspot_rows") if "rows" in marker.kwargs}
    return rows | {name: value for name, value in marker.kwargs.items() if name != "rows"}


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
