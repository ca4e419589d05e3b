"""Runs the command line as a process of its own."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN

COMMAND = [sys.executable, "-m", "readahead"]
KEYS = {"KINTSUGI_API_KEY": API_KEY, "KINTSUGI_ORGANIZATION_ID": ORGANIZATION_ID, "SWEETSPOT_TOKEN": TOKEN}
SECONDS = 60  # until a test gives up


def environment(**more):
    """That of this process, without anything that says who asks or how output looks."""
    ours = ("COV_", "COLUMNS", "FORCE_COLOR", "KINTSUGI", "NO_COLOR", "PYTEST", "READAHEAD", "SWEETSPOT", "TTY_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"NO_PROXY": "127.0.0.1", "TERM": "xterm"} | more


def readahead(*arguments, cwd, **more):
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


@contextmanager
def running(*arguments, cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more):
    """Run a command while the block runs; it has ended then."""
    command = [*COMMAND, *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=cwd, env=environment(**more), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def credentials(folder: Path):
    """Return a file of credentials that nobody else can read."""
    file = folder / "keys.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in KEYS.items()))
    file.chmod(0o600)
    return file
