"""Whether the objects of unions are read as the branch that an independent validator of JSON Schema says they are."""

from collections.abc import Iterator, Mapping
from typing import Any

from openapi_schema_validator import OAS30ReadValidator, OAS31Validator
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

_HERE = "urn:document"
_DEEPEST = 40


class Branches:
    """The unions of a document, each of which chooses among schemas."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._validator = OAS30ReadValidator if str(document.get("openapi")).startswith("3.0") else OAS31Validator
        self._registry = Registry().with_resource(_HERE, DRAFT202012.create_resource(document))

    def judged(self, at: str, data: Any, read: Any, depth: int = 0) -> Iterator[tuple[str, bool]]:
        """Yield the place of each object of which one branch alone is valid, and whether it is read as that one.

        Args:
            at: Where the schema is, as a JSON pointer.
            data: What was answered.
            read: What the generated code made of it.
        """
        at, schema = self._resolved(at)
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return
        union = next((key for key in ("oneOf", "anyOf") if isinstance(schema.get(key), list)), None)
        if union is not None and isinstance(data, dict):
            places = [place for each in range(len(schema[union])) for place in self._flat(f"{at}/{union}/{each}")]
            valid = [place for place in places if self._is_valid(place, data)]
            if len(valid) == 1 and len([each for each in places if self.fields(each)]) > 1 and self.fields(valid[0]):
                yield at, self._is_read_as(valid[0], places, self.fields(at), read)
            if len(valid) == 1:
                yield from self.judged(valid[0], data, read, depth + 1)
        for key, each in enumerate(schema["allOf"] if isinstance(schema.get("allOf"), list) else ()):
            if isinstance(each, dict):
                yield from self.judged(f"{at}/allOf/{key}", data, read, depth + 1)
        if isinstance(data, list) and isinstance(read, list) and "items" in schema:
            for one, other in zip(data, read, strict=False):
                yield from self.judged(f"{at}/items", one, other, depth + 1)
        if isinstance(data, dict) and isinstance(read, Mapping):
            for name in schema.get("properties") or {}:
                if name in data and name in read:
                    yield from self.judged(f"{at}/properties/{_escaped(name)}", data[name], read[name], depth + 1)

    def fields(self, at: str, depth: int = 0) -> frozenset[str]:
        """Return the names of the properties that an object of a schema has."""
        at, schema = self._resolved(at)
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return frozenset()
        found = frozenset(schema.get("properties") or ())
        parts = schema["allOf"] if isinstance(schema.get("allOf"), list) else ()
        return found.union(*(self.fields(f"{at}/allOf/{key}", depth + 1) for key in range(len(parts))))

    def _is_read_as(self, valid: str, places: list[str], common: frozenset[str], read: Any) -> bool:
        declared = getattr(type(read), "FIELDS", None)
        if declared is None:
            return False
        mine = frozenset(declared)
        # the classes have other names than the schemas, but their fields are those
        strange = {place: len((self.fields(place) | common) ^ mine) for place in places}
        return strange[valid] == min(strange.values())

    def _flat(self, at: str, depth: int = 0) -> list[str]:
        at, schema = self._resolved(at)
        if not isinstance(schema, dict) or depth > 5 or self.fields(at):
            return [at]
        union = next((key for key in ("oneOf", "anyOf") if isinstance(schema.get(key), list)), None)
        if union is None:
            return [at]
        return [place for key in range(len(schema[union])) for place in self._flat(f"{at}/{union}/{key}", depth + 1)]

    def _is_valid(self, at: str, data: Any) -> bool:
        try:
            return bool(self._validator({"$ref": f"{_HERE}#{at}"}, registry=self._registry).is_valid(data))
        except (Unresolvable, RecursionError, ValueError, TypeError, LookupError):
            return False

    def _resolved(self, at: str) -> tuple[str, Any]:
        for _ in range(20):
            node: Any = self._document
            for part in at.split("/")[1:]:
                key = part.replace("~1", "/").replace("~0", "~").replace("%25", "%")
                try:
                    node = node[int(key)] if isinstance(node, list) else node[key]
                except (LookupError, TypeError, ValueError):
                    return at, None
            if not isinstance(node, dict) or not isinstance(node.get("$ref"), str) or not node["$ref"].startswith("#/"):
                break
            at = node["$ref"][1:]
        return at, node


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1").replace("%", "%25")
