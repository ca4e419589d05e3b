"""House rules that a search can hold."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".lock", ".jinja", ".txt", ""}
# Part of an interface under such a name, as of a named tuple: no field of a row can collide with it.


def files(*places):
    """The text files below these places that are, or will be, in the repository."""
    for place in places:
        path = ROOT / place
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            inner = file.relative_to(ROOT).parts
            hidden = any(part.startswith(".") or part in {"__pycache__", "site"} for part in inner)
            if file.is_file() and file.suffix in TEXT and not hidden:
                yield file


def lines_with(pattern, *places):
    """``path:line`` of every line that matches."""
    return [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files(*places)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if re.search(pattern, line)
    ]


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        (r"_get_kwargs", ["wrapper", "README.md", "docs"]),
        (r"httpx[-_]aiohttp", ["wrapper", "pyproject.toml", "requirements.lock", "README.md", "docs"]),
        (r"\bDIRECT\b", ["wrapper", "tests/http", "tests/conftest.py", "README.md", "docs"]),
        (r"allowed is\b", ["wrapper", "README.md", "docs"]),
        (
            r"--(extra-)?index[-]url|--find[-]links|://[^/\s]*/simpl[e]\b",
            ["pyproject.toml", "requirements.lock", "scripts"],
        ),
    ],
    ids=["private names of generated code", "httpx-aiohttp", "DIRECT", "one message for all errors", "package indexes"],
)
def test_what_is_gone_stays_gone(pattern, places):
    """Names that were removed, and addresses that must not be written down."""
    assert lines_with(pattern, *places) == []


def private(node):
    """The private name that is read from something that is not a test's own object, if there is one."""
    if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
        own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
        return None if own else node.attr
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("readahead"):
        return next((name.name for name in node.names if name.name.startswith("_")), None)
    return None


def test_tests_know_public_names_only():
    """What a test reaches through an underscore could not be changed without it."""
    assert [
        f"{file.relative_to(ROOT)}:{node.lineno}: {name}"
        for file in files("tests")
        if file.suffix == ".py"
        for node in ast.walk(ast.parse(file.read_text()))
        if (name := private(node))
    ] == []


def test_http_libraries_are_imported_by_their_adapters_alone():
    """And by the sandbox, which serves."""
    library = r"^\s*(import|from) (httpx2?|aiohttp|yarl)\b"
    strangers = [
        line
        for line in lines_with(library, "wrapper")
        if not line.startswith(("wrapper/readahead/http/", "wrapper/readahead/sandbox/"))
    ]
    assert strangers == []


def test_generated_clients_are_imported_by_the_bindings_alone():
    """Nothing else of the wrapper knows an API."""
    found = {line.partition(":")[0] for line in lines_with(r"^\s*(import|from) readahead_clients\b", "wrapper")}
    assert found <= {"wrapper/readahead/kintsugi.py", "wrapper/readahead/sweetspot.py"}


@pytest.mark.parametrize("module", ["readahead", "readahead.kintsugi", "readahead.sweetspot"])
def test_importing_a_binding_imports_no_http_library(module):
    """aiohttp is imported where it is chosen, httpx where a client opens."""
    program = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    listed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert {"aiohttp", "yarl", "httpx", "httpx2", "trio", "starlette"}.isdisjoint(json.loads(listed))
