"""What a binding written by hand exposes of its API, read from its text: it may not fit the new code yet."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specs.documents.document import component, operations
from specs.documents.names import python_name
from specs.pipeline.compare import Change, Level
from specs.pipeline.surface import Slot, surface

ORDER = "order_by"


@dataclass
class Declared:
    """What a binding says. listings: its list operations. parameters: those that are asked. fields: name, and text."""

    listings: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    fields: dict[str, ast.Call] = field(default_factory=dict)


def declared(path: Path) -> Declared:
    """Return what a binding declares.

    This alone knows how a binding is written: `Listing(operation=..., orders=...)`, and `name = Field(param=...)` in
    the body of a class of `Fields`.
    """
    found = Declared()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for call in _calls(tree):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if _name(call) == "Listing":
            found.listings |= _texts(given.get("operation"))
            found.parameters |= {ORDER} if "orders" in given else set()
        found.parameters |= _texts(given.get("param"))
    for owner in ast.walk(tree):
        if isinstance(owner, ast.ClassDef) and any(
            isinstance(base, ast.Name) and base.id == "Fields" for base in owner.bases
        ):
            for line in owner.body:
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Call):
                    found.fields |= {each.id: line.value for each in line.targets if isinstance(each, ast.Name)}
    return found


def _texts(node: ast.expr | None) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    function = call.func.value if isinstance(call.func, ast.Subscript) else call.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def not_exposed(path: Path, old: dict[str, Any], new: dict[str, Any], paging: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what the binding should be told: query parameters that are new to it, each with the line to add."""
    said = declared(path)
    before, after = surface(old), surface(new)
    paged = {str(value) for value in paging.values()}
    for where, operation in after.operations.items():
        known = before.operations.get(where)
        queries = {name: slot for (place, name), slot in operation.parameters.items() if place == "query"}
        for name, slot in queries.items():
            argument = python_name(name)
            if known is not None and ("query", name) in known.parameters:
                if name == paging.get("size", paging.get("limit")):
                    yield from _largest(f"{operation.name}({argument})", known.parameters["query", name], slot)
                continue
            if name in paged or (where in said.listings and {name, argument} & said.parameters):
                continue
            if where in said.listings:
                line = _line(argument, slot, after.values, _schema(new, where, name), said.fields.get(argument))
                yield Change(Level.HAND, "parameter not exposed", f"{operation.name}({argument})", line)
            elif known is not None:
                yield Change(
                    Level.HAND,
                    "parameter not exposed",
                    f"{operation.name}({argument})",
                    "no method of the binding passes it",
                )


def _largest(name: str, old: Slot, new: Slot) -> Iterator[Change]:
    was, now = old.limits.get("maximum"), new.limits.get("maximum")
    if was != now and now is not None:
        yield Change(Level.HAND, "page size", name, f"the paging of the binding says largest={was}; set largest={now}")


def _line(name: str, slot: Slot, values: Iterable[str], schema: dict[str, Any], there: ast.Call | None) -> str:
    """Return what to do in the class of fields: the line to add, or the one to write in place of what is there."""
    if there is not None:  # so far evaluated on rows
        there.keywords.append(ast.keyword("param", ast.Constant(name)))
        return f"change it to {name} = {ast.unparse(there)}".replace("'", '"')
    inner = {part for each in slot.types for part in each.removeprefix("list[").removesuffix("]").split(" | ")}
    choices = sorted(inner & set(values))
    arguments = [f'param="{name}"']
    if any(each.startswith("list[") for each in slot.types):
        arguments.append('many="commas"' if schema.get("explode") is False else 'many="repeated"')
    if choices:
        return f"add {name} = Choice({', '.join([choices[0], *arguments])})"
    kind = "Id" if inner <= {"integer"} else "Relation"
    return f"add {name} = {kind}({', '.join(arguments)})"


def _schema(document: dict[str, Any], where: str, name: str) -> dict[str, Any]:
    for path, method, operation in operations(document):
        if where == f"{method.upper()} {path}":
            for given in [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]:
                parameter: dict[str, Any] = component(document, given["$ref"])[2] if "$ref" in given else given
                if parameter["name"] == name:
                    return parameter
    return {}
