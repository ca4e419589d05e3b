"""What changed between two documents, as a caller of the client meets it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from specs.document import component, operations


class Kind(StrEnum):
    """What happened to something that a caller can name."""

    GONE = "gone"
    CHANGED = "changed"
    ADDED = "added"


@dataclass(frozen=True)
class Change:
    """One difference: `what` is operation, parameter, schema, field or value; `name` is its public name."""

    kind: Kind
    what: str
    name: str
    detail: str = ""

    @property
    def breaks(self) -> bool:
        """Whether code that was right before may be wrong now."""
        return self.kind is Kind.GONE

    def __str__(self) -> str:
        return f"{self.kind:8}{self.what} {self.name}" + (f": {self.detail}" if self.detail else "")


def compare(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return the differences between two documents as the generator sees them, what is gone first."""
    changes = [
        *_things("operation", dict(_operations(old)), dict(_operations(new))),
        *_things("parameter", dict(_parameters(old)), dict(_parameters(new))),
        *_things("schema", dict(_schemas(old)), dict(_schemas(new))),
        *_things("field", dict(_fields(old)), dict(_fields(new))),
        *_things("value", dict(_values(old)), dict(_values(new))),
    ]
    order = list(Kind)
    return sorted(changes, key=lambda change: order.index(change.kind))


def _things(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name, before in old.items():
        if name not in new:
            yield Change(Kind.GONE, what, name)
        elif new[name] != before:
            yield Change(Kind.CHANGED, what, name, f"{before} is now {new[name]}")
    for name in new:
        if name not in old:
            yield Change(Kind.ADDED, what, name)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, method, operation in operations(document):
        yield operation.get("operationId", f"{method} {path}"), f"{method.upper()} {path}"


def _parameters(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, method, operation in operations(document):
        name = operation.get("operationId", f"{method} {path}")
        for given in [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]:
            parameter = component(document, given["$ref"])[2] if "$ref" in given else given
            needed = "required" if parameter.get("required") else "optional"
            yield f"{name}({parameter['name']})", f"{needed} {_type(parameter.get('schema', {}))}"


def _schemas(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in document.get("components", {}).get("schemas", {}):
        yield name, ""


def _fields(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        for prop, content in schema.get("properties", {}).items():
            needed = "required" if prop in schema.get("required", ()) else "optional"
            yield f"{name}.{prop}", f"{needed} {_type(content)}"


def _values(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        for value in schema.get("enum", ()):
            yield f"{name} {value!r}", ""


def _type(schema: Any) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " | ".join(map(_type, schema[union]))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list[{_type(schema.get('items', {}))}]"
    text = " | ".join(kind) if isinstance(kind, list) else str(kind)
    if schema.get("nullable"):
        text += " | null"
    return f"{text} ({schema['format']})" if "format" in schema else text
