"""The public surface of a generated client: operations, arguments, fields of rows, keys of bodies, values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openapi_python_client.strings import ClassName, PythonIdentifier

from specs.documents.document import component, operations, reached
from specs.documents.names import python_name

_LIMITS = (
    "maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties",
    "minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties",
    "multipleOf", "pattern", "uniqueItems",
)  # fmt: skip
# Of all formats these alone become another type in Python, and only where they are read.
_READ_FORMATS = frozenset({"date", "date-time", "uuid"})


@dataclass(frozen=True)
class Slot:
    """A place for a value.

    Attributes:
        types: JSON types, or names of classes.
        nullable: Whether it may be null.
        required: Whether it must be there.
        limits: JSON Schema limits by keyword.
        values: The values of an enumeration without a name.
    """

    types: frozenset[str]
    nullable: bool = False
    required: bool = False
    limits: Mapping[str, Any] = field(default_factory=dict)
    values: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return " | ".join([*sorted(self.types), *["null"][: self.nullable]]) or "null"


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        name: Name of its module.
        where: Method and path.
        parameters: By location and wire name.
        body: The request body.
        result: The body of a success.
        statuses: Documented statuses.
        tag: Its first tag, which its module lies under.
    """

    name: str
    where: str
    parameters: Mapping[tuple[str, str], Slot]
    body: Slot | None
    result: Slot | None
    statuses: frozenset[str]
    tag: str = "default"

    @property
    def queries(self) -> dict[str, Slot]:
        """Its query parameters, by the name of the argument."""
        return {python_name(name): slot for (place, name), slot in self.parameters.items() if place == "query"}


@dataclass
class Surface:
    """Everything that a caller can name.

    Attributes:
        operations: By method and path.
        rows, bodies: Places by class and wire name.
        values: The values of each enumeration.
        texts: Enumerations of strings.
    """

    operations: dict[str, Operation] = field(default_factory=dict)
    rows: dict[str, dict[str, Slot]] = field(default_factory=dict)
    bodies: dict[str, dict[str, Slot]] = field(default_factory=dict)
    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)

    def rename(self, names: Mapping[str, str]) -> None:
        """Give classes other names, wherever they stand."""
        pattern = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")

        def renamed(slot: Slot | None) -> Any:
            if slot is None:
                return None
            types = frozenset(pattern.sub(lambda found: names[found[0]], each) for each in slot.types)
            return replace(slot, types=types)

        for where, each in self.operations.items():
            parameters = {key: renamed(slot) for key, slot in each.parameters.items()}
            body, result = renamed(each.body), renamed(each.result)
            self.operations[where] = replace(each, parameters=parameters, body=body, result=result)
        for side in (self.rows, self.bodies):
            for owner in list(side):
                side[names.get(owner, owner)] = {wire: renamed(slot) for wire, slot in side.pop(owner).items()}
        self.values = {names.get(name, name): values for name, values in self.values.items()}
        self.texts = {names.get(name, name) for name in self.texts}


def surface(document: dict[str, Any]) -> Surface:
    """Return the public surface of the client of a normalised document."""
    return _Reader(document).read()


class _Reader:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.found = Surface()

    def read(self) -> Surface:
        bodies = []
        for path, method, operation in operations(self.document):
            where = f"{method.upper()} {path}"
            body = self._whole(operation.get("requestBody"))
            bodies += [media.get("schema", {}) for media in body.get("content", {}).values()]
            self.found.operations[where] = self._operation(where, path, operation, body)
        sent = reached(self.document, bodies).get("schemas", {})
        for name, schema in self.document.get("components", {}).get("schemas", {}).items():
            title = str(ClassName(name, ""))
            values = _values(schema)
            if values:
                self.found.values[title] = values
                if all(isinstance(value, str) for value in values):
                    self.found.texts.add(title)
            if self._is_object(schema):
                (self.found.bodies if name in sent else self.found.rows)[title] = dict(self._fields(schema, ()))
        return self.found

    def _operation(self, where: str, path: str, operation: dict[str, Any], body: dict[str, Any]) -> Operation:
        parameters = {}
        for given in [*self.document["paths"][path].get("parameters", []), *operation.get("parameters", [])]:
            each = self._whole(given)
            content: Any = next(iter(each.get("content", {}).values()), {})
            schema = each.get("schema", content.get("schema", {}))
            parameters[each["in"], each["name"]] = self._slot(schema, required=bool(each.get("required")))
        responses = {str(code): self._whole(response) for code, response in operation.get("responses", {}).items()}
        success = next((each for code, each in sorted(responses.items()) if code.startswith("2")), {})
        return Operation(
            str(PythonIdentifier(operation.get("operationId", where), "")),
            where,
            parameters,
            self._content(body, required=bool(body.get("required"))),
            self._content(success, required=True),
            frozenset(responses),
            str(PythonIdentifier((operation.get("tags") or ["default"])[0], "tag")),
        )

    def _content(self, holder: dict[str, Any], *, required: bool) -> Slot | None:
        for media in holder.get("content", {}).values():
            return self._slot(media.get("schema", {}), required=required)
        return None

    def _whole(self, node: Any) -> dict[str, Any]:
        while isinstance(node, dict) and "$ref" in node:
            node = component(self.document, node["$ref"])[2]
        return node if isinstance(node, dict) else {}

    def _fields(self, schema: Any, above: tuple[str, ...]) -> Iterator[tuple[str, Slot]]:
        """Yield every property by wire name, those of objects without a name by their path."""
        required = set(schema.get("required", ()))
        for part in schema.get("allOf", ()):
            yield from self._fields(self._whole(part), above)
        for name, content in schema.get("properties", {}).items():
            path = (*above, name)
            yield ".".join(path), self._slot(content, required=name in required)
            for inner in self._nameless_objects(content):
                yield from self._fields(inner, path)

    def _nameless_objects(self, schema: Any) -> Iterator[Any]:
        if not isinstance(schema, dict) or "$ref" in schema:
            return
        if "properties" in schema:
            yield schema
        for inner in [*schema.get("anyOf", ()), *schema.get("oneOf", ()), schema.get("items")]:
            yield from self._nameless_objects(inner)

    def _is_object(self, schema: Any) -> bool:
        if not isinstance(schema, dict):
            return False
        parts = [self._whole(part) for part in schema.get("allOf", ())]
        return schema.get("type") == "object" or "properties" in schema or any(map(self._is_object, parts))

    def _slot(self, schema: Any, *, required: bool) -> Slot:
        types = set(self._types(schema, ()))
        return Slot(
            frozenset(types - {"null"}), "null" in types, required, dict(_limits(schema)), tuple(_values(schema))
        )

    def _types(self, schema: Any, above: tuple[str, ...]) -> Iterator[str]:
        if not isinstance(schema, dict):
            yield "any"
        elif "$ref" in schema:
            _, name, content = component(self.document, schema["$ref"])
            if self._is_object(content) or _values(content) or name in above:
                yield str(ClassName(name, ""))
            else:
                yield from self._types(content, (*above, name))
            if isinstance(content, dict) and content.get("nullable"):
                yield "null"
        else:
            if schema.get("nullable"):
                yield "null"
            yield from self._own_types(schema, above)

    def _own_types(self, schema: dict[str, Any], above: tuple[str, ...]) -> Iterator[str]:
        parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ())] or schema.get("allOf", [])[:1]
        if parts and "properties" not in schema:
            for part in parts:
                yield from self._types(part, above)
            return
        kinds = schema.get("type", "object" if "properties" in schema else "any")
        for kind in [kinds] if isinstance(kinds, str) else kinds:
            if kind == "array":
                inner = sorted(set(self._types(schema.get("items", {}), above)))
                yield f"list[{' | '.join(inner)}]"
            elif kind == "object" and "properties" not in schema:
                inner = sorted(set(self._types(schema.get("additionalProperties", {}), above)))
                yield f"dict[{' | '.join(inner)}]"
            elif kind == "string" and schema.get("format") in _READ_FORMATS:
                yield str(schema["format"])
            else:
                yield kind


def _limits(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        for part in [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]:
            yield from _limits(part)
        for name in _LIMITS:
            if name in schema:
                yield name, schema[name]


def _values(schema: Any) -> tuple[Any, ...]:
    """Return the values of an enumeration that stands here, not under a reference."""
    if not isinstance(schema, dict):
        return ()
    if "const" in schema:
        return (schema["const"],)
    if "enum" in schema:
        return tuple(value for value in schema["enum"] if value is not None)
    parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), schema.get("items")]
    return tuple(value for part in parts for value in _values(part))
