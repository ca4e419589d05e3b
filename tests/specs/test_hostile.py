"""Documents made to exhaust whoever reads them: one short line, little memory, nothing written."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
MEMORY = 2**30  # bytes of address space
HEAD = "openapi: 3.1.0\ninfo: {title: x, version: '1'}\n"
BOMB = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
DOCUMENTS = {
    "aliases": (f"a0: &a0 [x]\n{BOMB}{HEAD}paths: {{}}\n", "more than 1,000,000 values"),
    "itself": (f"{HEAD}paths: &p {{/a: *p}}\n", "contains itself"),
    "nesting": (f"{HEAD}paths: {'[' * 3000}{']' * 3000}\n", "nested too deeply"),
    "nested JSON": ('{"openapi": "3.1.0", "paths": ' + "[" * 200_000 + "]" * 200_000 + "}", "nested too deeply"),
    "a name": (f"{HEAD}paths:\n  /{'x' * 1_000_000}:\n    get: {{}}\n", "neither JSON nor YAML"),
    "version": (HEAD.replace("3.1.0", "3.10.0") + "paths: {/a: {get: {}}}\n", "not an OpenAPI document of version"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_is_one_clear_line(name, tmp_path):
    """Within a gigabyte of address space."""
    text, message = DOCUMENTS[name]
    path = tmp_path / "hostile.yaml"
    path.write_text(text)
    before = _written()
    done = subprocess.run(
        [sys.executable, "-m", "specs", "hostile", "--from", str(path)],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 500
    assert _written() == before


def _written():
    root = SCRIPTS.parent
    return {
        path: path.stat().st_mtime_ns
        for folder in ("openapi", "generated")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".yaml", ".toml"}
    }
