"""Rules about names: two that become one in Python, and placeholders that the generator does not read."""

import re
from collections.abc import Iterator
from typing import Any

from openapi_python_client.strings import ClassName, PythonIdentifier

from specs.document import operations, rebuild

WIRE = "x-readahead-wire"  # in the whole document: of a property under another name, the one on the wire

# What generated modules import, and a class of the same name would hide.
_IMPORTED = {
    *("Any", "AuthenticatedClient", "BytesIO", "Client", "ClassVar", "File", "FileTypes", "HTTPStatus", "IntEnum"),
    *("Literal", "Mapping", "OpenStr", "RequestFiles", "Required", "Response", "Row", "Self", "TypeAlias", "TypeVar"),
    *("TypedDict", "UUID", "Unset"),
}
_PLACEHOLDER = re.compile(r"{([^}]+)}")
_READ_PLACEHOLDER = re.compile(r"[a-zA-Z_-][a-zA-Z0-9_-]*")


def python_name(wire: str) -> str:
    """Return the name that a field, key or argument has in Python."""
    return str(PythonIdentifier(wire, "field_"))


def read_placeholders(document: dict[str, Any]) -> dict[str, Any]:
    """Give parameters in paths names that the generator reads; they are never sent, so any name serves."""
    paths = {}
    for path, item in document["paths"].items():
        odd = [name for name in _PLACEHOLDER.findall(path) if not _READ_PLACEHOLDER.fullmatch(name)]
        new = {
            name: re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or f"part_{at}" for at, name in enumerate(odd)
        }
        new = {name: text if _READ_PLACEHOLDER.fullmatch(text) else f"part_{text}" for name, text in new.items()}
        if new:
            for owner in [item, *(each for key, each in item.items() if isinstance(each, dict))]:
                if "parameters" in owner:
                    owner["parameters"] = [_renamed(document, each, new) for each in owner["parameters"]]
        parts = re.split(r"({[^}]+})", path)
        paths["".join(f"{{{new[part[1:-1]]}}}" if part[1:-1] in new else part for part in parts)] = item
    return {**document, "paths": paths}


def _renamed(document: dict[str, Any], given: dict[str, Any], new: dict[str, str]) -> dict[str, Any]:
    parameter = given
    while "$ref" in parameter:
        kind, name = parameter["$ref"].split("/")[-2:]
        parameter = document["components"][kind][name.replace("~1", "/").replace("~0", "~")]
    if parameter.get("in") != "path" or parameter["name"] not in new:
        return given
    return {**parameter, "name": new[parameter["name"]]}


def distinct_classes(document: dict[str, Any]) -> dict[str, Any]:
    """Give schemas names that are still different as names of classes: of two alike the generator drops one.

    That goes for classes that it makes itself, of objects and enumerations inside others, and for imported ones too.
    """
    schemas = document.get("components", {}).get("schemas", {})
    taken = _IMPORTED | set(_inner_classes(document))
    names: dict[str, str] = {}
    for name in schemas:
        # of scripts without capitals a class could be called like one of its fields
        new, number = name if str(ClassName(name, "Model")) != python_name(name) else f"Model {name}", 2
        while str(ClassName(new, "Model")) in taken or (new != name and new in schemas):
            new, number = f"{name}_{number}", number + 1
        taken.add(str(ClassName(new, "Model")))
        names[name] = new
    changed = {name: new for name, new in names.items() if name != new}
    if not changed:
        return document
    targets = {_target(name): _target(new) for name, new in changed.items()}

    def change(node: dict[str, Any]) -> dict[str, Any]:
        if isinstance(node.get("$ref"), str):
            node = {**node, "$ref": targets.get(node["$ref"], node["$ref"])}
        if isinstance(node.get("mapping"), dict):
            node = {**node, "mapping": {key: targets.get(to, to) for key, to in node["mapping"].items()}}
        return node

    document = rebuild(document, change)
    document["components"]["schemas"] = {
        names[name]: schema for name, schema in document["components"]["schemas"].items()
    }
    return document


def _target(name: str) -> str:
    return f"#/components/schemas/{name.replace('~', '~0').replace('/', '~1')}"


def _inner_classes(document: dict[str, Any]) -> Iterator[str]:
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        yield from _below(schema, name, itself=False)
    for path, method, operation in operations(document):
        name = operation.get("operationId", f"{method}_{path}")
        for parameter in operation.get("parameters", ()):
            yield from _below(parameter.get("schema"), f"{name}_{parameter.get('name')}")
        for media in operation.get("requestBody", {}).get("content", {}).values():
            yield from _below(media.get("schema"), f"{name}_body")
        for code, response in operation.get("responses", {}).items():
            for media in response.get("content", {}).values():
                yield from _below(media.get("schema"), f"{name}_response_{code}")


def _below(schema: Any, name: str, *, itself: bool = True) -> Iterator[str]:
    if not isinstance(schema, dict) or "$ref" in schema:
        return
    if itself and (schema.get("type") == "object" or schema.keys() & {"properties", "enum"}):
        yield str(ClassName(name, "Model"))
    for key, inner in schema.get("properties", {}).items():
        yield from _below(inner, f"{name}_{key}")
    yield from _below(schema.get("items"), f"{name}_item")
    yield from _below(schema.get("additionalProperties"), f"{name}_additional_property")
    for number, inner in enumerate([*schema.get("anyOf", ()), *schema.get("oneOf", ())]):
        yield from _below(inner, f"{name}_type_{number}")
    for inner in schema.get("allOf", ()):
        yield from _below(inner, name, itself=False)


def distinct_properties(document: dict[str, Any]) -> dict[str, Any]:
    """Give properties of one object that would have one name in Python names of their own; the wire keeps its names."""
    wire: dict[str, str] = {}

    def change(node: dict[str, Any]) -> dict[str, Any]:
        properties = node.get("properties")
        if not isinstance(properties, dict):
            return node
        taken: set[str] = set()
        names = {}
        for name in properties:
            new, number = name, 2
            while python_name(new) in taken or (new != name and (new in properties or wire.get(new, name) != name)):
                new, number = f"{python_name(name)}_{number}", number + 1
            taken.add(python_name(new))
            names[name] = new
            if new != name:
                wire[new] = name
        if all(name == new for name, new in names.items()):
            return node
        node = {**node, "properties": {names[name]: schema for name, schema in properties.items()}}
        if isinstance(node.get("required"), list):
            node["required"] = [names.get(name, name) for name in node["required"]]
        return node

    document = rebuild(document, change)
    return {**document, WIRE: wire} if wire else document
