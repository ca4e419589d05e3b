"""Import and type-check newly generated code, and type-check against it the wrapper and the last release's tests."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from specs.documents.document import SpecError
from specs.documents.generate import PACKAGE

TYPING = Path("tests", "typing")
WRAPPER = "The wrapper does not fit the new client"
USAGE = "Code that the last release allowed and no type checker accepts now"
GENERATED = "The generated code has type errors; report them, with the document"
CACHE = ".generated_types_cache"

# Of all modules, each by itself: some are imported by no other.
_IMPORT = """
import importlib, pathlib, sys
root, problems = pathlib.Path(sys.argv[1]), 0
sys.path.insert(0, str(root.parent))
sys.dont_write_bytecode = True
for path in sorted(root.rglob("*.py")):
    parts = path.relative_to(root.parent).with_suffix("").parts
    try:
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    except Exception as error:
        problems += 1
        if problems <= 5:
            print(f"{'/'.join(parts)}.py: {type(error).__name__}: {error}")
sys.exit(problems > 0)
"""


def prove(
    root: Path, generated: Path, scratch: Path, changed: Mapping[str, str] | None = None, binding: str = ""
) -> tuple[str, dict[str, list[str]]]:
    """Return whose typing tests were checked, and the new errors; errors that the old code has too are left out.

    Args:
        root: The top of the project.
        generated: The new code.
        scratch: A folder for what is needed in between.
        changed: Modules of the wrapper as the report says that they should be, by name.
        binding: The module of the wrapper that is imported as well, if it exists: what it declares is checked then.

    Raises:
        SpecError: A generated module cannot be imported.
    """
    with subprocess.Popen(
        [sys.executable, "-P", "-c", _IMPORT, str(generated / PACKAGE)], stdout=subprocess.PIPE, text=True
    ) as imports:
        try:
            has_wrapper = (root / "wrapper" / "readahead").exists()
            baseline, usage = _released(root, scratch / "typing") if has_wrapper else ("", None)
            wrapper = _changed(root, scratch / "wrapper", changed or {})
            now = _complaints(root, generated, usage, wrapper)
            now += unfit(wrapper, generated, binding)
            is_new = now and (root / "generated").exists()
            was = set(_complaints(root, root / "generated", usage, root / "wrapper")) if is_new else set()
        except BaseException:
            imports.kill()
            raise
        told = imports.communicate()[0].strip()
    if imports.returncode:
        raise SpecError(f"generated code cannot be imported; report this, with the document: {told or 'it is killed'}")
    new = [line for line in now if line not in was]
    place = f"{usage.relative_to(root)}{os.sep}" if usage else "\0"
    ours = f"generated{os.sep}{PACKAGE}{os.sep}"
    return baseline, {
        WRAPPER: [line for line in new if not line.startswith((place, ours))],
        USAGE: [line.replace(place, f"{TYPING}{os.sep}") for line in new if line.startswith(place)],
        GENERATED: [line for line in new if line.startswith(ours)],
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
    if not changed or not (root / "wrapper").exists():
        return root / "wrapper"
    shutil.copytree(root / "wrapper", target, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in changed.items():
        (target / "readahead" / f"{name}.py").write_text(text, encoding="utf-8")
    return target


def unfit(wrapper: Path, generated: Path, binding: str) -> list[str]:
    """Return why a binding cannot be imported with generated code, if it cannot: what it declares is checked then.

    Args:
        wrapper: The folder of the wrapper.
        generated: The folder of the generated package.
        binding: Name of the module. Where there is none, nothing is wrong.
    """
    if not all((wrapper / "readahead" / f"{name}.py").exists() for name in ("endpoint", binding)):
        return []
    path = os.pathsep.join([str(wrapper), str(generated)])
    command = [sys.executable, "-P", "-B", "-c", f"import readahead.{binding}"]
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return [f"readahead.{binding}: error: {done.stderr.strip().splitlines()[-1]}"] if done.returncode else []


def _complaints(root: Path, generated: Path, usage: Path | None, wrapper: Path) -> list[str]:
    # one cache for all runs: what did not change is not checked again
    given = [] if os.environ.get("MYPY_CACHE_DIR") else ["--cache-dir", str(root / CACHE)]
    is_project = (root / "pyproject.toml").exists()  # its own options say how strict it is
    options = ["--config-file", "pyproject.toml"] if is_project else ["--config-file", os.devnull, "--strict"]
    options.append("--explicit-package-bases")
    targets = [each for each in (wrapper / "readahead", usage, generated / PACKAGE) if each and each.exists()]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *given, "--no-error-summary", *map(str, targets)],
        cwd=root,
        env={**os.environ, "MYPYPATH": os.pathsep.join([str(wrapper), str(generated)])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    lines = done.stdout + done.stderr
    for place, name in ((wrapper, "wrapper"), (generated, "generated")):
        lines = lines.replace(f"{os.path.relpath(place, root)}{os.sep}", f"{name}{os.sep}")
    return [line for line in lines.splitlines() if re.match(r".*: error:", line)] or lines.splitlines()
