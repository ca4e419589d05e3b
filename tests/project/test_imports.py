"""The flow of imports: no circle, nothing against the direction of flow, and a pure half that can be read alone.

Imports inside functions and those for type checkers count like any other.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "wrapper" / "readahead"
HTTP_LIBRARIES = {"aiohttp", "httpx", "httpx2", "httpx_aiohttp", "httpcore", "yarl"}
ASYNC_LIBRARIES = {"anyio", "asyncio", "sniffio", "trio"}

# Each part, and the parts it may import besides itself. A part is a folder or a module of wrapper/readahead.
PARTS = {
    "errors": set(),
    "arrow": {"errors"},
    "events": set(),
    "log": {"events"},
    "pages": {"arrow", "errors"},
    "filters": {"errors"},
    "locations": {"errors", "pages"},
    "order": {"errors"},
    "paging": {"errors", "locations", "pages"},
    "http": {"errors", "events", "log", "pages"},
    "rows": {"errors", "http", "locations", "pages"},
    "following": {"errors", "http", "locations", "pages", "paging", "rows"},
    "explain": {"errors", "filters", "pages", "paging"},
    "selection": {"errors", "filters"},
    "declared": {"filters"},
    "checks": {"declared", "errors", "filters", "locations", "order", "paging", "rows"},
    "endpoint": {"checks", "declared", "errors", "filters", "http", "order", "paging", "rows"},
    "watching": {"http", "pages", "paging"},
    "reading": {
        *("endpoint", "errors", "explain", "filters", "following", "http", "locations", "pages", "paging", "rows"),
        *("selection", "watching"),
    },
    "query": {"errors", "explain", "filters", "pages", "paging", "reading"},
    "collection": {"endpoint", "errors", "filters", "paging", "query", "reading", "rows", "selection"},
    "kintsugi": {"collection", "endpoint", "errors", "filters", "http", "order", "paging", "query", "reading", "rows"},
    "sweetspot": {"collection", "endpoint", "errors", "filters", "http", "paging", "query", "reading", "rows"},
    "": {"events", "explain", "filters", "http", "log", "pages", "paging", "query"},
    "export": {"arrow", "errors", "http", "pages", "paging", "query", "reading"},
    "workers": {"collection", "errors", "export", "http", "query", "reading"},
    "sandbox": {"endpoint", "errors", "filters", "http", "kintsugi", "locations", "order", "paging", "sweetspot"},
    "cli": {"collection", "errors", "events", "export", "filters", "http", "pages", "query", "sandbox"},
    "__main__": {"cli"},
    "pytest_plugin": {"errors", "kintsugi", "sandbox", "sweetspot"},
}
BINDINGS = {"kintsugi", "sweetspot"}
PURE_PARTS = {"errors", "arrow", "declared", "events", "pages", "filters", "explain", "selection", "paging"}
PURE_PARTS |= {"locations", "order"}
IMPURE = {"paging", "paging.stream"}  # the package offers the stream, which runs what the rest plans


def modules():
    """Each module of the wrapper by its name within the package; a package is named like its folder."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
PACKAGES = {name for name, path in MODULES.items() if path.name == "__init__.py"}


def imports(name):
    """What a module imports, wherever in it: modules of ours, and the top-level names of others."""
    ours, others = set(), set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            targets = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = ["readahead", *name.split(".")] if name else ["readahead"]
                package = package if name in PACKAGES else package[:-1]
                package = package[: len(package) - node.level + 1]
                base = ".".join([*package, *([node.module] if node.module else [])])
            targets = [(base, alias.name) for alias in node.names]
        else:
            continue
        for base, member in targets:
            if base.partition(".")[0] != "readahead":
                others.add(base.partition(".")[0])
                continue
            inner = base.partition(".")[2]
            within = f"{inner}.{member}".strip(".") if member else inner
            ours.add(within if within in MODULES else inner)
    return ours - {name}, others


IMPORTS = {name: imports(name) for name in MODULES}


def part_of(name):
    return name.partition(".")[0]


def reached_from(name):
    """All modules that a module imports, directly or by way of others, itself included."""
    reached, waiting = set(), [name]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += IMPORTS[module][0]
    return reached


def test_every_import_is_understood():
    """The reader of imports knows relative ones, those in functions and those for type checkers; all modules exist."""
    assert IMPORTS["paging.stream"][0] >= {"errors", "pages", "paging.checkpoint", "paging.ledger", "paging.plan"}
    assert "asyncio" in IMPORTS["paging.stream"][1]
    assert all(target in MODULES for ours, _ in IMPORTS.values() for target in ours)


def test_no_import_goes_round_in_a_circle():
    """Of modules; one that begins its own circle is named with it."""
    circles = {
        name: sorted(IMPORTS[name][0]) for name in MODULES if any(name in reached_from(to) for to in IMPORTS[name][0])
    }
    assert circles == {}


def test_the_parts_are_those_that_are_written_down():
    """A new part is given a place in the flow."""
    assert {part_of(name) for name in MODULES} == set(PARTS)


def test_what_the_parts_may_import_is_itself_free_of_circles():
    """Each part comes after all that it may import."""
    order = list(PARTS)
    assert all(order.index(lower) < order.index(part) for part, allowed in PARTS.items() for lower in allowed)


@pytest.mark.parametrize("part", PARTS)
def test_no_import_goes_against_the_flow(part):
    """Binding, query, reading, plan, stream, client, transport: each knows what is below it alone."""
    against = {
        name: sorted(target for target in IMPORTS[name][0] if part_of(target) not in PARTS[part] | {part})
        for name in MODULES
        if part_of(name) == part
    }
    assert {name: targets for name, targets in against.items() if targets} == {}


def test_the_pure_half_never_waits_and_knows_no_http_library():
    """Nor does anything that it imports: it is tested without an event loop."""
    pure = {name for name in MODULES if part_of(name) in PURE_PARTS} - IMPURE
    tainted = {
        name: sorted(module for module in reached_from(name) if IMPORTS[module][1] & (HTTP_LIBRARIES | ASYNC_LIBRARIES))
        for name in pure
    }
    assert {name: modules for name, modules in tainted.items() if modules} == {}


def test_http_libraries_are_known_to_their_adapters_alone():
    """And to the sandbox, which is a server."""
    found = {name: sorted(others & HTTP_LIBRARIES) for name, (_, others) in IMPORTS.items()}
    assert {
        name for name, libraries in found.items() if libraries and part_of(name) not in {"http", "sandbox"}
    } == set()


def test_only_bindings_import_generated_code():
    """Everything else works with any generated client."""
    importers = {name for name, (_, others) in IMPORTS.items() if "readahead_clients" in others}
    assert {part_of(name) for name in importers} <= BINDINGS
    assert importers
