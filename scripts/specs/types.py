"""Rules about types that the generator cannot read: odd enumerations, schemas inside themselves, clashing parts."""

import copy
from typing import Any

from specs.document import component, rebuild, references

_ANY: dict[str, Any] = {}


def readable_enums(document: dict[str, Any]) -> dict[str, Any]:
    """Leave enumerations of texts and of integers alone; the generator reads no others.

    Of declared texts the values are texts, however YAML reads them. Of others the type is what is left.
    """

    def change(node: dict[str, Any]) -> dict[str, Any]:
        values = node.get("enum")
        if not isinstance(values, list):
            return node
        some = [value for value in values if value is not None]
        if node.get("type") in ("string", ["string", "null"]):
            return {**node, "enum": [value if value is None else _text(value) for value in values]}
        kinds = {type(value) for value in some}
        if len(kinds) == 1 and kinds <= {str, int}:
            return node
        kept = {key: value for key, value in node.items() if key not in {"enum", "x-enum-varnames"}}
        if not some:
            return {**kept, "type": "null"} if "type" not in kept else kept
        if "type" not in kept and kinds <= {int, float}:
            return {**kept, "type": "number"}
        return {**kept, "type": "boolean"} if "type" not in kept and kinds == {bool} else kept

    changed: dict[str, Any] = rebuild(document, change)
    return changed


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def no_endless_types(document: dict[str, Any]) -> dict[str, Any]:
    """Let a schema contain itself only by way of an object: of others the generator makes no class to refer to."""
    schemas = document.get("components", {}).get("schemas", {})
    nameless = {name for name, schema in schemas.items() if not _is_class(schema)}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        for target in dict.fromkeys(references(schemas[name])):
            _, inner, _ = component(document, target)
            if inner in (*above, name):
                schemas[name] = _without(schemas[name], target)
            elif inner in nameless and inner not in done:
                visit(inner, (*above, name))
        done.add(name)

    for name in schemas:
        if name in nameless and name not in done:
            visit(name, ())
    return document


def _is_class(schema: Any) -> bool:
    return isinstance(schema, dict) and ("properties" in schema or len(schema.get("allOf", ())) > 1)


def _without(schema: Any, target: str) -> Any:
    def change(node: dict[str, Any]) -> dict[str, Any]:
        return dict(_ANY) if node.get("$ref") == target else node

    return rebuild(schema, change)


def whole_objects(document: dict[str, Any]) -> dict[str, Any]:
    """Merge the parts of an `allOf` that describe one property differently; the last says what holds.

    The generator merges parts itself, but gives up on those.
    """

    def change(node: dict[str, Any]) -> dict[str, Any]:
        parts = [*node.get("allOf", ())]
        if not parts:
            return node
        objects = [_flat(document, part, ()) for part in parts] + [node]
        seen: dict[str, Any] = {}
        clash = False
        for part in objects:
            for name, schema in part.get("properties", {}).items():
                clash = clash or (name in seen and _kind(seen[name]) != _kind(schema))
                seen[name] = schema
        if not clash:
            return node
        rest = {key: value for key, value in node.items() if key != "allOf"}
        required = [name for part in objects for name in part.get("required", ())]
        return {**rest, "type": "object", "properties": seen, "required": list(dict.fromkeys(required))}

    changed: dict[str, Any] = rebuild(copy.deepcopy(document), change)
    return changed


def _flat(document: dict[str, Any], schema: Any, above: tuple[str, ...]) -> dict[str, Any]:
    """Return all properties of an object, and which are required."""
    while isinstance(schema, dict) and "$ref" in schema:
        if schema["$ref"] in above:
            return {}
        above = (*above, schema["$ref"])
        schema = component(document, schema["$ref"])[2]
    if not isinstance(schema, dict):
        return {}
    parts = [_flat(document, part, above) for part in schema.get("allOf", ())] + [schema]
    return {
        "properties": {name: each for part in parts for name, each in part.get("properties", {}).items()},
        "required": [name for part in parts for name in part.get("required", ())],
    }


def _kind(schema: Any) -> Any:
    return {key: schema[key] for key in ("$ref", "type", "format", "items", "anyOf", "oneOf", "allOf") if key in schema}
