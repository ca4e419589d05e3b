"""What changed between two documents, as a caller of the client meets it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from specs.document import component, operations


class Kind(StrEnum):
    """What happened to something that a caller can name."""

    GONE = "gone"
    CHANGED = "changed"
    ADDED = "added"


# Of what is compared: its public name, the name of what it is part of, and what is said of it
_Facts = Iterator[tuple[str, str, str]]


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
    """Return the differences between two documents as the generator sees them, what is gone first.

    Parts are compared where both documents have the whole: a schema that is gone is one change.
    """
    both = {"", *_wholes(old) & _wholes(new)}
    changes: list[Change] = []
    for what, facts in _FACTS.items():
        before = {name: said for name, whole, said in facts(old) if whole in both}
        after = {name: said for name, whole, said in facts(new) if whole in both}
        changes += [Change(Kind.GONE, what, name) for name in before if name not in after]
        changes += [
            Change(Kind.CHANGED, what, name, f"{said} is now {after[name]}")
            for name, said in before.items()
            if after.get(name, said) != said
        ]
        changes += [Change(Kind.ADDED, what, name) for name in after if name not in before]
    return sorted(changes, key=lambda change: list(Kind).index(change.kind))


def _wholes(document: dict[str, Any]) -> set[str]:
    return {name for facts in (_operations, _schemas) for name, _, _ in facts(document)}


def _operations(document: dict[str, Any]) -> _Facts:
    for path, method, operation in operations(document):
        yield operation.get("operationId", f"{method} {path}"), "", f"{method.upper()} {path}"


def _parameters(document: dict[str, Any]) -> _Facts:
    for path, method, operation in operations(document):
        owner = operation.get("operationId", f"{method} {path}")
        for given in [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]:
            parameter = component(document, given["$ref"])[2] if "$ref" in given else given
            needed = "required" if parameter.get("required") else "optional"
            yield f"{owner}({parameter['name']})", owner, f"{needed} {_type(parameter.get('schema', {}))}"


def _schemas(document: dict[str, Any]) -> _Facts:
    for name in document.get("components", {}).get("schemas", {}):
        yield name, "", ""


def _fields(document: dict[str, Any]) -> _Facts:
    for owner, schema in document.get("components", {}).get("schemas", {}).items():
        for name, content in schema.get("properties", {}).items():
            needed = "required" if name in schema.get("required", ()) else "optional"
            yield f"{owner}.{name}", owner, f"{needed} {_type(content)}"


def _values(document: dict[str, Any]) -> _Facts:
    for owner, schema in document.get("components", {}).get("schemas", {}).items():
        for value in schema.get("enum", ()):
            yield f"{owner} {value!r}", owner, ""


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


_FACTS: dict[str, Callable[[dict[str, Any]], _Facts]] = {
    "operation": _operations,
    "parameter": _parameters,
    "schema": _schemas,
    "field": _fields,
    "value": _values,
}
