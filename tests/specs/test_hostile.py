"""Documents made to exhaust whoever reads them: one short line, little memory, nothing written."""

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
MEMORY = 2**30  # bytes of address space
HEAD = "openapi: 3.1.0\ninfo: {title: x, version: '1'}\n"
JSON_HEAD = '{"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": '
BOMB = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
CHECK = """
import pathlib, sys
from specs.pipeline import command

sys.exit(command.main(["--check"], pathlib.Path(sys.argv[1])))
"""
DOCUMENTS = {
    "aliases": (f"a0: &a0 [x]\n{BOMB}{HEAD}paths: {{}}\n", "more than 1,000,000 values"),
    "aliases of a long text": (
        f"{HEAD}a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1_000)}]\npaths: {{}}\n",
        "64,000,000 characters",
    ),
    "merged keys": (
        "a0: &a0 {k: 1}\n"
        + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 50)}]}}\n" for i in range(1, 30))
        + f"{HEAD}paths: {{}}\n",
        "more than 1,000,000 values",
    ),
    "many values of JSON": (f"{JSON_HEAD}[{'[],' * 4_000_000}0]}}", "more than 1,000,000 values"),
    "itself": (f"{HEAD}paths: &p {{/a: *p}}\n", "contains itself"),
    "nesting": (f"{HEAD}paths: {'[' * 3000}{']' * 3000}\n", "nested too deeply"),
    "nested JSON": ('{"openapi": "3.1.0", "paths": ' + "[" * 200_000 + "]" * 200_000 + "}", "nested too deeply"),
    "a name": (f"{HEAD}paths:\n  /{'x' * 1_000_000}:\n    get: {{}}\n", "neither JSON nor YAML"),
    "nesting of blocks": (
        HEAD + "paths:\n" + "".join(f"{' ' * level}a:\n" for level in range(1, 1500)),
        "nested too deeply",
    ),
    "a name in JSON": (f'{JSON_HEAD}{{"/{"x" * 20_000_000}": {{}}}}}}', "no operation of the document can be used"),
    "a reference": (
        f'{JSON_HEAD}{{"/a": {{"get": {{"responses": {{"200": {{"$ref": "#/{"x/" * 1_000_000}"}}}}}}}}}}}}',
        "must point to a component",
    ),
    "maps elsewhere": (
        f'{JSON_HEAD}{json.dumps({f"/{n}": {"get": {"responses": {"$ref": "#/x-m"}}} for n in range(100)})}, "x-m": '
        + json.dumps({"200": {"description": "x" * 1_000_000}})
        + "}",
        "stands for a whole map too often",
    ),
    "a name of an alias": (f"{HEAD}paths: *{'a' * 100_000}\n", "neither JSON nor YAML"),
    "digits": (f"{JSON_HEAD}{'1' * 5_000}}}", "neither JSON nor YAML"),
    "a tag": (f"{HEAD}paths: !!python/object/apply:os.system [id]\n", "neither JSON nor YAML"),
    "nothing": ("", "not an OpenAPI document"),
    "version in JSON": (JSON_HEAD.replace("3.1.0", "3.10.0") + "{}}", "not an OpenAPI document of version"),
    "version of control characters": (
        JSON_HEAD.replace("3.1.0", "3.1.0\\u001b[31m") + "{}}",
        "not an OpenAPI document",
    ),
    "version": (HEAD.replace("3.1.0", "3.10.0") + "paths: {/a: {get: {}}}\n", "not an OpenAPI document of version"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_is_one_clear_line(name, tmp_path):
    """Within a gigabyte of address space."""
    text, message = DOCUMENTS[name]
    path, before = tmp_path / "hostile.yaml", _written()
    path.write_text(text)
    _refused(regenerated("hostile", path), message)
    assert _written() == before


def test_references_in_a_long_chain_are_one_clear_line(tmp_path):
    """Of an API that is taken already."""
    schemas = {f"A{i}": {"$ref": f"#/components/schemas/A{i + 1}"} for i in range(5_000)} | {
        "A5000": {"type": "object"}
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A0"}}}
    get = {"operationId": "g", "responses": {"200": {"description": "ok", "content": content}}}
    path = tmp_path / "hostile.json"
    path.write_text(
        f'{JSON_HEAD}{json.dumps({"/v1/customers": {"get": get}})}, "components": {json.dumps({"schemas": schemas})}}}'
    )
    _refused(regenerated("kintsugi", path), "its references are")


def test_a_hundred_thousand_paths_of_another_api_are_one_clear_line(tmp_path):
    """They are not the operations that are taken."""
    paths = {f"/p{number}": {"get": {"responses": {"200": {"description": "ok"}}}} for number in range(100_000)}
    path = tmp_path / "hostile.json"
    path.write_text(f"{JSON_HEAD}{json.dumps(paths)}}}")
    _refused(regenerated("kintsugi", path), "none of the operations")


def test_a_file_without_end_is_one_clear_line():
    """A device gives as much as is read."""
    _refused(regenerated("hostile", Path("/dev/zero")), "larger than 64,000,000 bytes")


def test_a_hostile_document_that_was_taken_is_refused_by_a_check(tmp_path):
    """Whoever put it into openapi/."""
    for name in ("openapi", "generated", "wrapper"):
        shutil.copytree(SCRIPTS.parent / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "openapi" / "kintsugi.yaml").write_text(DOCUMENTS["merged keys"][0])
    _refused(bounded([sys.executable, "-c", CHECK, str(tmp_path)]), "more than 1,000,000 values")


def regenerated(api, path):
    return bounded([sys.executable, "-m", "specs", api, "--from", str(path)])


def bounded(command):
    return subprocess.run(
        command,
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )


def _refused(done, message):
    assert message in done.stderr
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 500


def _written():
    root = SCRIPTS.parent
    return {
        path: path.stat().st_mtime_ns
        for folder in ("openapi", "generated")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".yaml", ".toml"}
    }
