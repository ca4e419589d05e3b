"""Type-check the wrapper, and the public typing tests of the last release, against newly generated code."""

import os
import re
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

TYPING = Path("tests", "typing")
WRAPPER = "The wrapper does not fit the new client"
USAGE = "Code that the last release allowed and no type checker accepts now"


def prove(root: Path, generated: Path, scratch: Path) -> tuple[str, dict[str, list[str]]]:
    """Return whose typing tests were checked, and the new errors; errors that the old code has too are left out."""
    if not (root / "wrapper" / "readahead").exists():
        return "", {}
    baseline, usage = _released(root, scratch / "typing")
    targets = ["wrapper/readahead", *([str(usage)] if usage else [])]
    now = _complaints(root, generated, targets, scratch)
    if not now:
        return baseline, {}
    was = set(_complaints(root, root / "generated", targets, scratch))
    new = [line for line in now if line not in was]
    place = f"{usage.relative_to(root)}{os.sep}" if usage else "\0"
    return baseline, {
        WRAPPER: [line for line in new if not line.startswith(place)],
        USAGE: [line.replace(place, f"{TYPING}{os.sep}") for line in new if line.startswith(place)],
    }


def _released(root: Path, target: Path) -> tuple[str, Path | None]:
    """Return the last release and a folder with its typing tests; this checkout and its own if it has no release."""
    tag = _git(root, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*").decode().strip()
    archive = _git(root, "archive", tag, "--", TYPING.as_posix()) if tag else b""
    if archive:
        target.mkdir()
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(target, filter="data")
        return tag, target / TYPING
    if not (root / TYPING).exists():
        return "", None
    target.mkdir()
    for path in (root / TYPING).glob("*.py"):
        (target / path.name).write_bytes(path.read_bytes())
    return f"this checkout, {f'because {tag} has none' if tag else 'because no release is tagged'}", target


def _git(root: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""


def _complaints(root: Path, generated: Path, targets: list[str], scratch: Path) -> list[str]:
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--cache-dir", str(scratch / "mypy")]
    done = subprocess.run(
        [*command, "--no-error-summary", *targets],
        cwd=root,
        env={**os.environ, "MYPYPATH": str(generated)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if re.match(r".*: error:", line)] or lines
