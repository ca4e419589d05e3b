"""The example of the guide runs as the guide says, against real servers and the sandbox."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from readahead.sandbox import Sandbox
from services import nats_server

START = "import app, asyncio; asyncio.run(app.start())"
EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "workers"


@pytest.fixture
def places(postgres_url):
    with nats_server() as nats, Sandbox(kintsugi_rows=2_000) as sandbox, sandbox.serve() as url:
        expected = sum(row["country"] == "US" for row in sandbox.kintsugi_rows())
        places = {"NATS_URL": nats.url, "DATABASE_URL": postgres_url, "KINTSUGI_URL": f"{url}/kintsugi"}
        keys = {"KINTSUGI_API_KEY": "key", "KINTSUGI_ORGANIZATION_ID": "org", "NO_PROXY": "127.0.0.1"}
        yield {**os.environ, **places, **keys}, expected


def test_the_example_copies_what_it_says(places, tmp_path):
    environment, expected = places
    command = [sys.executable, "-m", "taskiq", "worker", "app:broker", "--workers", "2", "--max-async-tasks", "4"]
    with (tmp_path / "log").open("w") as log:
        workers = subprocess.Popen(command, cwd=EXAMPLE, env=environment, stdout=log, stderr=log)
        try:
            for run, new in (1, expected), (2, 0):
                done = subprocess.run(
                    [sys.executable, "-c", START],
                    cwd=EXAMPLE,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=100,
                )
                assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
                assert f"run {run}\n" in done.stdout
                assert f"{new:,} new, 0 changed, {expected - new:,} the same" in done.stdout
                assert "the same, complete\n" in done.stdout
        finally:
            workers.terminate()
            assert workers.wait(timeout=60) == 0
    assert "Error" not in (tmp_path / "log").read_text()
