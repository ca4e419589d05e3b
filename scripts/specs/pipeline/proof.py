"""Type-check the wrapper, and the public typing tests of the last release, against newly generated code."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

TYPING = Path("tests", "typing")
WRAPPER = "The wrapper does not fit the new client"
USAGE = "Code that the last release allowed and no type checker accepts now"


def prove(
    root: Path, generated: Path, scratch: Path, changed: Mapping[str, str] | None = None
) -> tuple[str, dict[str, list[str]]]:
    """Return whose typing tests were checked, and the new errors; errors that the old code has too are left out.

    Args:
        root: The top of the project.
        generated: The new code.
        scratch: A folder for what is needed in between.
        changed: Modules of the wrapper as the report says that they should be, by name. They are imported as well.
    """
    if not (root / "wrapper" / "readahead").exists():
        return "", {}
    baseline, usage = _released(root, scratch / "typing")
    targets = ["wrapper/readahead", *([str(usage)] if usage else [])]
    wrapper = _changed(root, scratch / "wrapper", changed or {})
    now = _complaints(root, [wrapper, generated], [str(wrapper / "readahead"), *targets[1:]], scratch)
    now += [line for name in changed or {} for line in _import(wrapper, generated, f"readahead.{name}")]
    if wrapper != root / "wrapper":
        now = [line.replace(f"{wrapper.relative_to(root)}{os.sep}", f"wrapper{os.sep}") for line in now]
    if not now:
        return baseline, {}
    was = set(_complaints(root, [root / "generated"], targets, scratch))
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


def _changed(root: Path, target: Path, changed: Mapping[str, str]) -> Path:
    """Return a folder with the wrapper as it will be."""
    if not changed:
        return root / "wrapper"
    shutil.copytree(root / "wrapper", target, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in changed.items():
        (target / "readahead" / f"{name}.py").write_text(text, encoding="utf-8")
    return target


def _import(wrapper: Path, generated: Path, module: str) -> list[str]:
    """Return why a binding cannot be imported, if it cannot: what it declares is checked then."""
    if not (wrapper / "readahead" / "endpoint.py").exists():
        return []
    path = os.pathsep.join([str(wrapper), str(generated)])
    command = [sys.executable, "-P", "-B", "-c", f"import {module}"]
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return [f"{module}: error: {done.stderr.strip().splitlines()[-1]}"] if done.returncode else []


def _complaints(root: Path, paths: list[Path], targets: list[str], scratch: Path) -> list[str]:
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--cache-dir", str(scratch / "mypy")]
    done = subprocess.run(
        [*command, "--no-error-summary", *targets],
        cwd=root,
        env={**os.environ, "MYPYPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if re.match(r".*: error:", line)] or lines
