"""What a binding exposes of its API, read from its source: it may not import with new generated code."""

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
class Binding:
    """What a binding exposes.

    Attributes:
        endpoints: Names of the generated modules of its lists.
        parameters: Query parameters that its conditions are sent as.
        fields: The fields that conditions are made of: how each is declared.
    """

    endpoints: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    fields: dict[str, ast.Call] = field(default_factory=dict)


def read_binding(path: Path) -> Binding:
    """Return what a binding exposes.

    This alone knows how a binding is written: `Endpoint(list_customers, orders=...)`, and `name = Field(param=...)`
    in the body of a class of `Fields`.
    """
    binding = Binding()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        if _name(call.func) == "Endpoint":
            module = call.args[0] if call.args else keywords.get("operation")
            binding.endpoints |= {modules.get(name, name) for name in [_name(module)] if name}
            binding.parameters |= {ORDER} if "orders" in keywords else set()
        binding.parameters |= _texts(keywords.get("param"))
    for owner in ast.walk(tree):
        if isinstance(owner, ast.ClassDef) and any(
            isinstance(base, ast.Name) and base.id == "Fields" for base in owner.bases
        ):
            for line in owner.body:
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Call):
                    binding.fields |= {each.id: line.value for each in line.targets if isinstance(each, ast.Name)}
    return binding


def _texts(node: ast.expr | None) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _name(node: ast.expr | None) -> str:
    node = node.value if isinstance(node, ast.Subscript) else node
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def not_exposed(path: Path, old: dict[str, Any], new: dict[str, Any], paging: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the query parameters that the binding does not expose yet, each with the line to add."""
    binding = read_binding(path)
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
            if name in paged or (operation.name in binding.endpoints and {name, argument} & binding.parameters):
                continue
            if operation.name in binding.endpoints:
                line = _line(argument, slot, after.values, _schema(new, where, name), binding.fields.get(argument))
                yield Change(Level.HAND, "parameter not exposed", f"{operation.name}({argument})", line)
            elif known is not None:
                yield Change(
                    Level.HAND,
                    "parameter not exposed",
                    f"{operation.name}({argument})",
                    "no method of the binding takes it",
                )


def _largest(name: str, old: Slot, new: Slot) -> Iterator[Change]:
    was, now = old.limits.get("maximum"), new.limits.get("maximum")
    if was != now and now is not None:
        yield Change(Level.HAND, "page size", name, f"the binding has largest={was} in its paging; set largest={now}")


def _line(name: str, slot: Slot, values: Iterable[str], schema: dict[str, Any], there: ast.Call | None) -> str:
    """Return what to change in the class of fields: the line to add, or the line that replaces the present one."""
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
