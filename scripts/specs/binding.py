"""What a binding written by hand exposes of its API, read from its text: it may not fit the new code yet."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from specs.compare import Change, Level
from specs.document import component, operations
from specs.names import python_name
from specs.surface import Slot, surface

ORDER = "order_by"


def declared(path: Path) -> dict[str, set[str]]:
    """Return, for each list operation of a binding, the parameters that its fields are sent as.

    This alone knows how a binding is written: `Listing(operation=..., fields=...)`, and in the body of its fields
    `country = Choice(Country, param="country", many="repeated", attr="country")`.
    """
    found: dict[str, set[str]] = {}
    for call in _calls(ast.parse(path.read_text(encoding="utf-8"))):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        match given.get("operation"):
            case ast.Constant(value=str(operation)) if _name(call) == "Listing":
                parameters = found.setdefault(operation, set())
                if "orders" in given:
                    parameters.add(ORDER)
    if found:
        # declarations may stand apart from the listing that takes them
        everywhere = set(_parameters(ast.parse(path.read_text(encoding="utf-8"))))
        found = {operation: parameters | everywhere for operation, parameters in found.items()}
    return found


def _parameters(tree: ast.Module) -> Iterator[str]:
    for call in _calls(tree):
        for each in call.keywords:
            if each.arg == "param" and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str):
                yield each.value.value


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    function = call.func.value if isinstance(call.func, ast.Subscript) else call.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def not_exposed(path: Path, old: dict[str, Any], new: dict[str, Any], paging: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what the binding should be told: query parameters that are new to it, each with the line to add."""
    listings = declared(path)
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
            if name in paged or {name, argument} & listings.get(where, set()):
                continue
            if where in listings:
                line = _line(argument, slot, after.values, _schema(new, where, name))
                yield Change(Level.HAND, "parameter not exposed", f"{operation.name}({argument})", f"add {line}")
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


def _line(name: str, slot: Slot, values: Iterable[str], schema: dict[str, Any]) -> str:
    inner = {each.removeprefix("list[").removesuffix("]") for each in slot.types}
    parts = {part for each in inner for part in each.split(" | ")}
    choices = sorted(parts & set(values))
    kind = "Choice" if choices else "Number" if parts <= {"integer", "number"} else "Text"
    arguments = [*choices, f'param="{name}"']
    if any(each.startswith("list[") for each in slot.types):
        arguments.append('many="commas"' if schema.get("explode") is False else 'many="repeated"')
    return f"{name} = {kind}({', '.join(arguments)})"


def _schema(document: dict[str, Any], where: str, name: str) -> dict[str, Any]:
    for path, method, operation in operations(document):
        if where == f"{method.upper()} {path}":
            for given in [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]:
                parameter: dict[str, Any] = component(document, given["$ref"])[2] if "$ref" in given else given
                if parameter["name"] == name:
                    return parameter
    return {}
