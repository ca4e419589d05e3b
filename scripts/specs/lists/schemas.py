"""Schemas as a reader of answers sees them: references followed, compositions merged, null left out. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from specs.documents.document import SpecError, resolved

_DEEPEST = 20  # schemas in schemas: one in itself has no end


@dataclass(frozen=True)
class Flat:
    """One schema without references and compositions.

    Attributes:
        types: The JSON types that a value may have, besides null; empty: it is not said.
        properties: Schemas of the members, as the document has them.
        required: The members that are always there.
        items: The schema of what an array holds.
        branches: How many kinds of objects there are, where there are several.
        facts: The other keywords: format, enum, default, limits, description.
        name: The component that it is, if it is one.
        nullable: Whether null is allowed.
    """

    types: frozenset[str] = frozenset()
    properties: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: Any = None
    branches: int = 1
    facts: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    nullable: bool = False

    @property
    def is_object(self) -> bool:
        """Whether it is an object."""
        return bool(self.properties) or self.types == {"object"}

    @property
    def is_array(self) -> bool:
        """Whether it is an array."""
        return self.types == {"array"} or (not self.types and self.items is not None)

    @property
    def text(self) -> str:
        """What the document says of it."""
        return str(self.facts.get("description") or "")

    def fits(self, *types: str) -> bool:
        """Whether it is of no other types than these."""
        return bool(self.types) and self.types <= set(types)


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def whole(self, node: Any) -> dict[str, Any]:
        """Return what a node refers to, or an empty object if it refers to nothing."""
        try:
            found = resolved(self.document, node)
        except SpecError:
            return {}
        return found if isinstance(found, dict) else {}

    def flat(self, schema: Any, depth: int = 0) -> Flat:
        """Return a schema without references and compositions."""
        if depth > _DEEPEST or not isinstance(schema, dict):
            return Flat()
        if "$ref" in schema:
            found = self.flat(self.whole(schema), depth + 1)
            said = {key: value for key, value in schema.items() if key in {"description", "deprecated", "default"}}
            name = found.name or str(schema["$ref"]).rpartition("/")[2]
            return Flat(found.types, found.properties, found.required, found.items, found.branches,
                        {**found.facts, **said}, name, found.nullable)  # fmt: skip
        said = schema.get("type", ())
        types = {said} if isinstance(said, str) else set(said)
        nullable = bool(schema.get("nullable")) or "null" in types
        properties = dict(schema["properties"]) if isinstance(schema.get("properties"), dict) else {}
        found = Flat(
            frozenset(types - {"null"} or ({"object"} if properties else ())),
            properties,
            frozenset(schema.get("required") or ()) if isinstance(schema.get("required"), list) else frozenset(),
            schema.get("items"),
            1,
            {key: value for key, value in schema.items() if key not in _OF_SHAPE},
            "",
            nullable,
        )
        for part in schema.get("allOf") or ():
            found = _both(found, self.flat(part, depth + 1))
        for union in ("anyOf", "oneOf"):
            parts = [self.flat(part, depth + 1) for part in schema.get(union) or ()]
            kinds = [each for each in parts if each.types or each.properties]
            if kinds:
                found = _both(found, _any(kinds))
        return found

    def members(self, schema: Flat, deepest: int = 3, above: tuple[str, ...] = ()) -> Iterator[tuple[str, Flat]]:
        """Yield path and schema of the members of an object, and of objects in it, outermost first."""
        inner = []
        for name, content in schema.properties.items():
            found = self.flat(content)
            yield ".".join((*above, name)), found
            if found.is_object and deepest > 1:
                inner.append(((*above, name), found))
        for path, found in inner:
            yield from self.members(found, deepest - 1, path)


_OF_SHAPE = frozenset({"allOf", "anyOf", "items", "nullable", "oneOf", "properties", "required", "type"})


def _both(one: Flat, other: Flat) -> Flat:
    types = one.types & other.types or one.types or other.types
    properties = {**one.properties, **other.properties}
    items = other.items if one.items is None else one.items
    branches = max(one.branches, other.branches)
    facts = {**other.facts, **one.facts}
    return Flat(types, properties, one.required | other.required, items, branches, facts, one.name or other.name,
                one.nullable or other.nullable)  # fmt: skip


def _any(kinds: list[Flat]) -> Flat:
    if len(kinds) == 1:
        return kinds[0]
    types = frozenset[str]().union(*(each.types for each in kinds))
    properties = {name: schema for each in reversed(kinds) for name, schema in each.properties.items()}
    required = frozenset.intersection(*(each.required for each in kinds))
    items = next((each.items for each in kinds if each.items is not None), None)
    facts = {key: value for each in reversed(kinds) for key, value in each.facts.items() if key != "enum"}
    objects = sum(each.is_object for each in kinds)
    nullable = any(each.nullable for each in kinds)
    return Flat(types, properties, required, items, max(objects, 1), facts, "", nullable)
