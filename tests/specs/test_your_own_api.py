"""The guide "Your own API", done step by step in a copy of this project."""

import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from specs.pipeline.command import ROOT

GUIDE = ROOT / "docs" / "guide" / "your-own-api.md"
DOCUMENT = Path(__file__).with_name("svix.json")
ROWS = 1003

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def steps():
    """The blocks of the guide: the entry, the command, the binding, how it is used, and a call without it."""
    text = GUIDE.read_text()
    entry, binding, usage, alone = re.findall(r"```(?:toml|python)\n(.*?)```", text, re.DOTALL)
    (command,) = re.findall(r"^ {4}(scripts/\S.*)$", text, re.MULTILINE)
    return entry, shlex.split(command), binding, usage, alone


@pytest.fixture(scope="module")
def clone(steps, tmp_path_factory):
    """A copy of this project with what the guide says added to it."""
    entry, command, binding, *_ = steps
    root = tmp_path_factory.mktemp("own") / "clone"
    leave = shutil.ignore_patterns("__pycache__", ".*_cache")
    for folder in ("openapi", "generated", "wrapper", "scripts"):
        shutil.copytree(ROOT / folder, root / folder, ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / ".venv/bin").mkdir(parents=True)
    python = root / ".venv/bin/python"  # in place of the set-up
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    with (root / "openapi/apis.toml").open("a") as apis:
        apis.write(f"\n{entry}")
    shutil.copy(DOCUMENT, root)
    done = subprocess.run(command, cwd=root, env=python_path(root), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 operations, in `generated/readahead_clients/svix`." in done.stdout
    assert "docs/guide/your-own-api.md" in done.stdout
    (root / "wrapper/readahead/svix.py").write_text(binding)
    return root


def python_path(root):
    """An environment in which the copy is imported, not what is installed."""
    folders = [*(str(root / folder) for folder in ("scripts", "wrapper", "generated")), *filter(None, sys.path)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}


class Svix(http.server.BaseHTTPRequestHandler):
    """Pages that name the next one, in either order."""

    seen: list[dict[str, str]] = []  # noqa: RUF012  shared on purpose

    def do_GET(self):
        query = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
        self.seen.append({**query, "authorization": self.headers["Authorization"]})
        begin, size = int(query.get("iterator", 0)), int(query["limit"])
        rows = [
            {
                "id": f"app_{number}",
                "name": "x",
                "createdAt": "2025-01-02T03:04:05Z",
                "updatedAt": "2025-01-02T03:04:05Z",
                "metadata": {},
            }
            for number in range(begin, min(begin + size, ROWS))
        ]
        done = begin + size >= ROWS
        body = json.dumps({"data": rows, "iterator": None if done else str(begin + size), "done": done}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def test_the_binding_is_short(steps):
    """A third API takes at most 60 lines."""
    assert len(steps[2].splitlines()) <= 60


def test_it_lists_all_rows(clone, steps):
    """The client of the guide reads every row of a server that pages by cursor, and refuses a wrong filter."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Svix)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    usage = steps[3].replace("Svix()", "Svix(token='t', base_url=URL)")
    alone = steps[4].replace('"https://api.svix.com", token="..."', "URL, token='t'")
    body = "\n".join(f"    {line}" for line in [*usage.splitlines(), *alone.splitlines()])
    program = (
        "import asyncio\nfrom readahead.svix import Svix\nfrom readahead.errors import FilterError\n"
        f"URL = 'http://127.0.0.1:{server.server_port}'\n"
        f"async def main():\n{body}\n"
        "    try:\n        Svix(token='t').applications.where(order='ascendin')\n"
        "    except FilterError as error:\n        print(error)\n"
        "asyncio.run(main())\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], env=python_path(clone), capture_output=True, text=True, check=False
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert done.returncode == 0, done.stderr
    *rows, alone, refused = done.stdout.splitlines()
    assert alone == "['app_0', 'app_1']"
    assert Svix.seen.pop() == {"limit": "2", "authorization": "Bearer t"}
    assert [row.split()[0] for row in rows] == [f"app_{number}" for number in range(ROWS)]
    assert rows[0].endswith("2025-01-02 03:04:05+00:00")
    assert "ascending" in refused
    assert len(Svix.seen) == -(-ROWS // 250)
    assert {(each["order"], each["authorization"]) for each in Svix.seen} == {("ascending", "Bearer t")}


@pytest.mark.slow
def test_it_passes_our_own_checks(clone):
    """The copy generates what is committed in it, and ruff and mypy take the binding as strictly as the rest."""
    environment = {**python_path(clone), "MYPYPATH": ""}

    def run(*command):
        command = [sys.executable, *command]
        return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(2) as pool:
        checked = pool.submit(run, "-P", "-m", "specs", "--check")
        typed = pool.submit(run, "-m", "mypy", "--no-error-summary", "wrapper/readahead/svix.py")
        formatted = run("-m", "ruff", "format", "--check", "wrapper/readahead/svix.py")
        linted = run("-m", "ruff", "check", "wrapper/readahead/svix.py")
    for done in (checked.result(), typed.result(), formatted, linted):
        assert done.returncode == 0, done.stdout + done.stderr
