"""Which module of scripts/specs may import which."""

import ast

import pytest

from specs.pipeline.command import ROOT

SPECS = ROOT / "scripts" / "specs"
DOCUMENTS = sorted((SPECS / "documents").glob("*.py"))


def imported(path):
    """The modules that a file imports, and those that it imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_what_serves_any_document_knows_nothing_of_our_pipeline(path):
    """documents/ can be used for any OpenAPI document: it imports nothing of pipeline/, nor of the wrapper."""
    names = set(imported(path))
    assert {name for name in names if name.startswith(("specs.pipeline", "readahead"))} == set()
    assert {name for name in names if name == "specs" or name.endswith(".pipeline")} == set()


def test_no_circle():
    """Within documents/ and pipeline/ there is no circle of imports."""
    modules = {f"specs.{path.parent.name}.{path.stem}": path for path in SPECS.glob("*/*.py")}
    needs = {name: set(imported(path)) & modules.keys() for name, path in modules.items()}
    while needs:
        free = {name for name, others in needs.items() if not others}
        assert free, f"a circle among {', '.join(sorted(needs))}"
        needs = {name: others - free for name, others in needs.items() if name not in free}
