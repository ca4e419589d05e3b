"""The pytest plugin: its fixtures work under each runner of async tests, and do nothing where nobody asks for them."""

import re
import subprocess
import sys
from textwrap import dedent

import pytest

import readahead.kintsugi
from readahead.sandbox import Faults


def run(tmp_path, text, *options):
    """Run a file of tests in a process of its own, as a user would: what pytest printed."""
    (tmp_path / "test_it.py").write_text(dedent(text))
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers"]
    done = subprocess.run([*command, *options, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True)
    return done.stdout + done.stderr


RUNNERS = {
    "pytest-asyncio": """
        import pytest

        @pytest.mark.asyncio
        @pytest.mark.readahead_sandbox(rows=30)
        async def test_it(kintsugi, sweetspot):
            assert await kintsugi.customers.count() == await sweetspot.customers.count() == 30
            async with kintsugi.customers.prefetch() as customers:
                assert len([customer async for customer in customers]) == 30
    """,
    "anyio": """
        import pytest

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
        async def test_it(anyio_backend, kintsugi):
            async with kintsugi.customers.prefetch() as customers:
                assert len([customer async for customer in customers]) == 250
    """,
    "unittest": """
        import unittest
        import pytest

        @pytest.mark.readahead_sandbox(kintsugi_rows=30)
        class TestIt(unittest.IsolatedAsyncioTestCase):
            @pytest.fixture(autouse=True)
            def clients(self, kintsugi):
                self.kintsugi = kintsugi

            async def test_it(self):
                self.assertEqual(await self.kintsugi.customers.count(), 30)
    """,
    "no async runner": """
        import asyncio

        def test_it(kintsugi):
            for _ in range(2):  # in two event loops
                assert asyncio.run(kintsugi.customers.count()) == 250
    """,
    "over a socket": """
        import json
        import urllib.request

        def test_it(readahead_url, readahead_sandbox):
            request = urllib.request.Request(readahead_url + "/sweetspot/v1/customers")
            request.add_header("Authorization", "Bearer any")
            assert len(json.load(urllib.request.urlopen(request))) > 0
            assert len(readahead_sandbox.requests) == 1
    """,
}


@pytest.mark.parametrize("text", RUNNERS.values(), ids=RUNNERS)
def test_the_fixtures_work_under(text, tmp_path):
    printed = run(tmp_path, text)
    assert re.search(r"^[12] passed", printed, re.MULTILINE), printed


@pytest.mark.readahead_sandbox(rows=120, faults=Faults(cap=50))
class TestMarkers:
    @pytest.mark.asyncio
    async def test_rows_and_faults_come_from_the_marker(self, kintsugi, sweetspot, readahead_sandbox):
        async with kintsugi.customers.prefetch() as customers:
            ids = [customer.id async for customer in customers]
        assert ids == [row["id"] for row in readahead_sandbox.kintsugi_rows()]
        assert len(ids) == 120
        assert customers.report.requests > 2  # of at most 50 rows each
        assert len(await sweetspot.customers.to_list()) == 120

    @pytest.mark.asyncio
    @pytest.mark.readahead_sandbox(sweetspot_rows=7)
    async def test_the_closest_marker_decides_option_by_option(self, kintsugi, sweetspot):
        assert await sweetspot.customers.count() == 7
        assert await kintsugi.customers.count() == 120


def test_each_test_has_a_sandbox_of_its_own(kintsugi, sweetspot, readahead_sandbox):
    assert isinstance(kintsugi, readahead.kintsugi.Kintsugi)
    assert len(readahead_sandbox.kintsugi_rows()) == len(readahead_sandbox.sweetspot_rows()) == 250
    assert readahead_sandbox.requests == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("row=5", "has no option 'row'; did you mean 'rows'?"),
        ("colour=5", "has no option 'colour'; it takes rows, kintsugi_rows"),
        ("5, 6", "takes keywords alone: rows, kintsugi_rows"),
        ("faults=5", "faults"),
        ("rows=-1", "rows"),
        ("rows='many'", "rows"),
    ],
)
def test_a_wrong_marker_fails_the_test_and_says_what_is_wrong(options, said, tmp_path):
    printed = run(
        tmp_path,
        f"""
        import pytest

        @pytest.mark.readahead_sandbox({options})
        def test_it(readahead_sandbox): ...
        """,
    )
    assert "1 error" in printed, printed
    assert "@pytest.mark.readahead_sandbox" in printed
    assert "During handling" not in printed
    assert said in printed
    assert "Traceback" not in printed
    assert "pytest_plugin.py:" not in printed


def test_without_the_extra_it_says_what_to_install(tmp_path):
    printed = run(
        tmp_path,
        """
        import sys
        sys.modules["starlette"] = None
        for name in [name for name in sys.modules if name.startswith("readahead.sandbox")]:
            del sys.modules[name]

        def test_it(kintsugi): ...
        """,
    )
    assert "pip install 'readahead[sandbox]'" in printed, printed


def test_nothing_is_loaded_where_nobody_asks(tmp_path):
    """A run of pytest beside which readahead is installed loads neither the sandbox nor the clients."""
    printed = run(
        tmp_path,
        """
        import sys

        def test_it():
            heavy = {"readahead.sandbox", "readahead.kintsugi", "starlette", "uvicorn", "readahead_clients", "httpx"}
            assert "readahead.pytest_plugin" in sys.modules
            assert not heavy & set(sys.modules)
        """,
        "-p",
        "no:schemathesis",
        "-p",
        "no:pytest_httpx",
        "-p",
        "no:respx",
        "-p",
        "no:xdist",
    )
    assert "1 passed" in printed, printed
