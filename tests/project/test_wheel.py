"""The wheel that users install: what is in it, that it works elsewhere, and what its types say."""

import json
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
USAGE = ROOT / "tests" / "typing" / "usage.py"


def command(*words, cwd, expect=0):
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from the checkout, with what is installed here and nothing from the network."""
    folder = tmp_path_factory.mktemp("dist")
    command(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def requirements_of(wheel, extras, beside):
    """The distributions that installing the wheel, and these beside it, would bring along with all they require."""
    (info,) = [entry for entry in zipfile.Path(wheel).iterdir() if entry.name.endswith(".dist-info")]
    found = {}
    todo = [(line, extras) for line in [*PathDistribution(info).requires, *beside]]
    while todo:
        line, extras = todo.pop()
        requirement = Requirement(line)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in ["", *extras]):
            continue
        name = canonicalize_name(requirement.name)
        if (name, *sorted(requirement.extras)) in found:
            continue
        needed = distribution(name)
        assert requirement.specifier.contains(needed.version, prereleases=True)
        found[name, *sorted(requirement.extras)] = needed
        todo += [(line, requirement.extras) for line in needed.requires or []]
    return found.values()


def installed(wheel, folder, extras=(), beside=()):
    """The Python of a new environment that holds the wheel and what it declares to need, and nothing else.

    Nothing is downloaded: what is needed is linked, package by package, from the environment that runs the tests. Its
    other packages stay out of reach, and so does the editable install, so a dependency that is not declared is missed.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    command(
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python),
        *("install", "--quiet", "--no-index", "--no-deps", wheel),
        cwd=folder,
    )
    (packages,) = folder.glob("lib/python*/site-packages")
    for needed in requirements_of(wheel, extras, beside):
        for top in {file.parts[0] for file in needed.files} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(needed.locate_file(top))
    return python


@pytest.fixture(scope="module")
def bare_python(wheel, tmp_path_factory):
    """An environment with the wheel alone, none of its extras."""
    return installed(wheel, tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An environment with the wheel and its sandbox."""
    return installed(wheel, tmp_path_factory.mktemp("sandbox"), ["sandbox"])


@pytest.fixture(scope="module")
def python_with_all(wheel, tmp_path_factory):
    """An environment with the wheel and every library whose clients it takes."""
    return installed(wheel, tmp_path_factory.mktemp("all"), ["sandbox", "aiohttp"], ["httpx2"])


# ---- what is in it


def test_the_wheel_holds_both_packages_whole_and_nothing_else(wheel):
    """Every module of both trees, ``py.typed`` of both; no tests, no scripts, no caches, no documents."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {"readahead/py.typed", "readahead_clients/py.typed"} <= names
    assert names == {
        path.relative_to(tree).as_posix()
        for tree in (ROOT / "wrapper", ROOT / "generated")
        for path in tree.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert not any(part.startswith("test") for name in names for part in Path(name).parts)
    assert {Path(name).suffix for name in names} == {".py", ".typed"}


def test_its_metadata_names_the_licence_the_extras_and_no_package_index(wheel):
    """What is required comes by name, never by address."""
    (metadata,) = [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("METADATA")]
    lines = zipfile.ZipFile(wheel).read(metadata).decode().split("\n\n")[0].splitlines()
    required = [line for line in lines if line.startswith("Requires-Dist")]
    assert len(required) >= 5
    assert not any("://" in line or "@" in line for line in required)
    assert "License-Expression: MIT" in lines
    assert {"Provides-Extra: aiohttp", "Provides-Extra: cli", "Provides-Extra: sandbox"} <= set(lines)


# ---- that it works elsewhere

BARE = """
import importlib.util, json, sys
import readahead, readahead.kintsugi, readahead.sweetspot, readahead.errors
print(json.dumps({
    "file": readahead.__file__,
    "imported": [name for name in ("aiohttp", "asyncio", "httpx", "starlette", "trio") if name in sys.modules],
    "there": [name for name in ("aiohttp", "starlette", "rich", "trio", "pytest") if importlib.util.find_spec(name)],
}))
"""


def test_without_extras_the_clients_import_without_a_warning(bare_python, tmp_path):
    """The declared dependencies are enough, and the slow ones are not imported before a client opens."""
    told = json.loads(command(bare_python, "-I", "-W", "error", "-c", BARE, cwd=tmp_path))
    assert told == {"file": told["file"], "imported": [], "there": []}
    assert Path(told["file"]).is_relative_to(bare_python.parent.parent)


def test_without_its_extras_the_command_line_says_what_is_missing(bare_python, tmp_path):
    """The command is there in any case."""
    told = command(bare_python.with_name("readahead"), "sandbox", cwd=tmp_path, expect=1)
    assert told.strip() == "readahead: the command line needs an extra: pip install 'readahead[cli,sandbox]'"
    told = command(bare_python, "-m", "readahead", "--help", cwd=tmp_path, expect=1)
    assert told.strip() == "readahead: the command line needs an extra: pip install 'readahead[cli]'"


def test_the_command_line_needs_its_own_extra_alone(wheel, tmp_path):
    """Neither Arrow nor a database is needed for what does not use them."""
    python = installed(wheel, tmp_path / "cli", ["cli"])
    readahead = python.with_name("readahead")
    told = command(readahead, "explain", "kintsugi", "customers", "--where", "country=CA", "--offline", cwd=tmp_path)
    assert told.startswith("GET /v1/customers?country=CA\n")
    assert "export" in command(readahead, "--help", cwd=tmp_path)
    told = command(readahead, "sandbox", cwd=tmp_path, expect=1)
    assert told.strip() == "readahead: the sandbox needs an extra: pip install 'readahead[sandbox]'"


SCRIPT = """
import asyncio, json, sys
import readahead, readahead_clients
from readahead.kintsugi import Kintsugi
from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Sandbox
from readahead.sweetspot import SweetSpot

async def ids(client):
    async with client, client.customers.prefetch(window=4) as rows:
        return [row.id async for row in rows]

async def main():
    with Sandbox(kintsugi_rows=733, sweetspot_rows=411) as sandbox, sandbox.serve() as url:
        kintsugi = {"api_key": API_KEY, "organization_id": ORGANIZATION_ID, "base_url": f"{url}/kintsugi"}
        sweetspot = {"token": TOKEN, "base_url": f"{url}/sweetspot"}
        for client in (Kintsugi(**kintsugi), sandbox.kintsugi()):
            assert await ids(client) == [row["id"] for row in sandbox.kintsugi_rows()]
        for client in (SweetSpot(**sweetspot), sandbox.sweetspot()):
            assert await ids(client) == [row["id"] for row in sandbox.sweetspot_rows()]
        rows = len(sandbox.kintsugi_rows()), len(sandbox.sweetspot_rows())
    print(json.dumps({"files": [readahead.__file__, readahead_clients.__file__], "rows": rows, "path": sys.path}))

asyncio.run(main())
"""


def test_both_clients_list_the_sandbox_from_an_installed_wheel(python, tmp_path):
    """In an environment and a directory of their own, over a socket and in process, without a warning."""
    (tmp_path / "script.py").write_text(SCRIPT)
    told = json.loads(command(python, "-I", "-W", "error", "script.py", cwd=tmp_path))
    assert told["rows"] == [733, 411]
    environment = python.parent.parent
    assert all(Path(file).is_relative_to(environment) for file in told["files"])
    assert not any(Path(entry).is_relative_to(ROOT) for entry in told["path"])


# ---- what its types say


def test_mypy_reads_the_types_of_the_wheel(python_with_all, tmp_path):
    """mypy --strict on a user's file: what is right passes, and each wrong use is found by its rule."""
    shutil.copy(USAGE, tmp_path)
    checked = ["--strict", "--warn-unreachable", "--enable-error-code=ignore-without-code", "--config-file="]
    cache = ["--cache-dir", tmp_path / "cache", "--python-executable", python_with_all]
    told = command(sys.executable, "-m", "mypy", *checked, *cache, USAGE.name, cwd=tmp_path)
    assert told == "Success: no issues found in 1 source file\n"


def test_pyright_reads_the_types_of_the_wheel(python_with_all, tmp_path):
    """pyright, strict, on the same file."""
    if subprocess.run([sys.executable, "-m", "pyright", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("pyright's node is not there")
    shutil.copy(USAGE, tmp_path)
    settings = {
        "include": [USAGE.name],
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": "error",
        "reportUnusedExpression": "none",  # a wrong use is often nothing but an expression
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    told = command(sys.executable, "-m", "pyright", "--warnings", "--pythonpath", python_with_all, cwd=tmp_path)
    assert told == "0 errors, 0 warnings, 0 informations\n"
