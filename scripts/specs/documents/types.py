"""Rules about types that the generator cannot read: odd enumerations, schemas inside themselves, clashing parts."""

import copy
import math
from dataclasses import dataclass
from typing import Any

from specs.documents.document import DATA, NAMED, component, rebuild, references
from specs.documents.names import class_name

_ANY: dict[str, Any] = {}
# beside a reference, these say nothing of the type but that it may be null
_SAYS_NOTHING = frozenset({"nullable", "readOnly", "writeOnly", "deprecated"})


VALUES = "x-readahead-values"  # of a schema: those that it lists, of any JSON type


def listed_values(document: dict[str, Any]) -> dict[str, Any]:
    """Say of each constant and enumeration which values it lists, before those go that the generator cannot read."""

    def change(node: dict[str, Any]) -> dict[str, Any]:
        values = [node["const"]] if "const" in node else node.get("enum")
        if not isinstance(values, list) or any(isinstance(each, float) and not math.isfinite(each) for each in values):
            return node
        return {**node, VALUES: values}

    changed: dict[str, Any] = rebuild(document, change)
    return changed


@dataclass(frozen=True)
class Said:
    """What a normalised document says of a property.

    Attributes:
        values: Those that are listed, or None if there may be others.
        kinds: The JSON types that it may be of; empty if any.
        is_read_only: Whether only answers have it.
        is_written_only: Whether only bodies have it.
    """

    values: tuple[Any, ...] | None
    kinds: frozenset[str]
    is_read_only: bool
    is_written_only: bool


def said_of(document: dict[str, Any], schema: Any) -> dict[str, Said]:
    """Return what is said of each property of an object, those of its parts included."""
    found = {}
    for name, given in _flat(document, schema, ())["properties"].items():
        values = _values(document, given, ())
        kinds = _kinds(document, given, ())
        whole = _resolved(document, given, ())
        found[name] = Said(
            None if values is None else tuple(values),
            frozenset() if "any" in kinds else frozenset(kinds),
            bool(whole.get("readOnly")),
            bool(whole.get("writeOnly")),
        )
    return found


def _values(document: dict[str, Any], schema: Any, above: tuple[Any, ...]) -> list[Any] | None:
    whole = _resolved(document, schema, ())
    if any(whole is each for each in above):
        return None
    null = [None] if whole.get("nullable") else []
    if VALUES in whole:
        return [*whole[VALUES], *null]
    branches = [*whole.get("anyOf", ()), *whole.get("oneOf", ())]
    if not branches:
        return [None] if whole.get("type") in ("null", ["null"]) else None
    found = [_values(document, each, (*above, whole)) for each in branches]
    known = [each for each in found if each is not None]
    return [*(value for each in known for value in each), *null] if len(known) == len(found) else None


def _kinds(document: dict[str, Any], schema: Any, above: tuple[Any, ...]) -> set[str]:
    """Return the JSON types that a value may be of, or "any"."""
    whole = _resolved(document, schema, ())
    if any(whole is each for each in above) or whole.get("allOf"):
        return {"any"}
    said = whole.get("type", ())
    kinds = {said} if isinstance(said, str) else set(said)
    branches = [*whole.get("anyOf", ()), *whole.get("oneOf", ())]
    if not kinds and not branches:
        return {"object"} if "properties" in whole else {"any"}
    null = {"null"} if whole.get("nullable") else set()
    return kinds.union(null, *(_kinds(document, each, (*above, whole)) for each in branches))


def readable_enums(document: dict[str, Any]) -> dict[str, Any]:
    """Leave enumerations of texts and of integers alone; the generator reads no others.

    Of declared texts the values are texts, however YAML reads them. Of others the type is what is left, and so it is of
    constants that no `Literal` can hold: fractions, and integers that are too long for type checkers.
    """

    def change(node: dict[str, Any]) -> dict[str, Any]:
        if "const" in node and not _is_literal(node["const"]):
            const = node["const"]
            node = {key: value for key, value in node.items() if key != "const"}
            if isinstance(const, int | float):
                node.setdefault("type", "integer" if isinstance(const, int) else "number")
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


def _is_literal(value: Any) -> bool:
    return isinstance(value, str | None) or (isinstance(value, int) and abs(value) < 2**63)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def whole_discriminators(document: dict[str, Any]) -> dict[str, Any]:
    """Say of each union with a discriminator, or whose branches have that of a common base, which value means which.

    What a mapping leaves out is the name of the schema; a mapping may name a schema instead of referring to it.
    """
    schemas = document.get("components", {}).get("schemas", {})

    def change(node: dict[str, Any]) -> dict[str, Any]:
        key = next((key for key in ("oneOf", "anyOf") if isinstance(node.get(key), list)), None)
        if key is None:
            return node
        branches = [each["$ref"] for each in node[key] if isinstance(each, dict) and isinstance(each.get("$ref"), str)]
        said = node.get("discriminator")
        if said is None and len(branches) > 1:
            said = _of_base(document, branches)
        if not isinstance(said, dict) or not isinstance(said.get("propertyName"), str):
            return node
        mapping = {
            value: target if target.startswith("#") or target not in schemas else _target(target)
            for value, target in (said.get("mapping") or {}).items()
            if isinstance(target, str)
        }
        named = {each.rpartition("/")[2]: each for each in branches if each not in mapping.values()}
        other = said.get("defaultMapping")
        default = (
            {} if not isinstance(other, str) else {"defaultMapping": _target(other) if other in schemas else other}
        )
        whole = {"propertyName": said["propertyName"], "mapping": {**named, **mapping}, **default}
        return {**node, "discriminator": whole}

    changed: dict[str, Any] = rebuild(document, change)
    return changed


def _of_base(document: dict[str, Any], branches: list[str]) -> Any:
    """Return the discriminator of a schema that all of these contain."""
    bases = []
    for branch in branches:
        parts = _resolved(document, {"$ref": branch}, ()).get("allOf", ())
        bases.append({part["$ref"] for part in parts if isinstance(part, dict) and "$ref" in part})
    common = set.intersection(*bases)
    found = [_resolved(document, {"$ref": each}, ()).get("discriminator") for each in sorted(common)]
    return next((each for each in found if each), None)


def tags(document: dict[str, Any]) -> dict[frozenset[str], tuple[dict[str, dict[str, str]], str | None]]:
    """Return the discriminators of a normalised document, by the names of the branches' classes.

    They are the class for each value, by the name of the field, and the class for all other values, if there is one.

    Unions of the same branches may have several. Where those of one field contradict each other, it is not known.
    """
    found: dict[frozenset[str], dict[str, dict[str, str]]] = {}
    others: dict[frozenset[str], set[str | None]] = {}
    contradictory: set[tuple[frozenset[str], str]] = set()

    def change(node: dict[str, Any]) -> dict[str, Any]:
        said = node.get("discriminator")
        branches = [*node.get("anyOf", ()), *node.get("oneOf", ())]
        if isinstance(said, dict) and branches:
            names = frozenset(_class(each["$ref"]) for each in branches if "$ref" in each)
            mapping = {value: _class(target) for value, target in said.get("mapping", {}).items()}
            known = found.setdefault(names, {}).setdefault(said["propertyName"], {})
            for value, name in mapping.items():
                if name in names and known.setdefault(value, name) != name:
                    contradictory.add((names, said["propertyName"]))
            other = _class(said["defaultMapping"]) if isinstance(said.get("defaultMapping"), str) else None
            others.setdefault(names, set()).add(other if other in names else None)
        return node

    rebuild(document, change)
    whole = {
        names: {field: mapping for field, mapping in fields.items() if mapping and (names, field) not in contradictory}
        for names, fields in found.items()
    }
    bases = {names: next(iter(each)) if len(each) == 1 else None for names, each in others.items()}
    return {names: (fields, bases[names]) for names, fields in whole.items() if fields}


def _class(target: str) -> str:
    return class_name(target.rpartition("/")[2].replace("~1", "/").replace("~0", "~"))


def _target(name: str) -> str:
    return f"#/components/schemas/{name.replace('~', '~0').replace('/', '~1')}"


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
    """Merge the parts of an `allOf` where the generator gives up: the last part says what holds.

    It does so on a property that two parts describe differently, on properties beside the parts, on a part that may be
    null, and on parts of a plain value. A part that may be null does not make the whole null: the others may not. Where
    one part is a reference and the others say nothing of a type, that is annotated, and may be null if any of the
    others says so.
    """

    def change(node: dict[str, Any]) -> dict[str, Any]:
        parts = [_resolved(document, part, ()) for part in node.get("allOf", ())]
        if not parts:
            return node
        rest = {key: value for key, value in node.items() if key != "allOf"}
        said = [part for part in node["allOf"] if not isinstance(part, dict) or part.keys() - _SAYS_NOTHING]
        if len(said) == 1 and "$ref" in said[0] and not rest.keys() - _SAYS_NOTHING:
            null = any(part.get("nullable") for part in [*node["allOf"], rest])
            return {"anyOf": [said[0], {"type": "null"}]} if null else dict(said[0])
        if not any(map(_has_object, parts)):
            return _plain_value(node["allOf"], rest)
        whole = [_flat(document, part, ()) for part in [*node["allOf"], rest]]
        seen: dict[str, Any] = {}
        merge = any(map(may_be_null, parts)) or (bool(rest.get("properties")) and not any(map(_is_value, parts)))
        for part in whole:
            for name, schema in part["properties"].items():
                merge = merge or (name in seen and seen[name] != schema)
                seen[name] = schema
        if not merge or not seen:
            return node
        required = [name for part in whole for name in part["required"]]
        return {**rest, "type": "object", "properties": seen, "required": list(dict.fromkeys(required))}

    changed: dict[str, Any] = rebuild(copy.deepcopy(document), change)
    return changed


def _resolved(document: dict[str, Any], schema: Any, above: tuple[str, ...]) -> dict[str, Any]:
    while isinstance(schema, dict) and "$ref" in schema and schema["$ref"] not in above:
        above = (*above, schema["$ref"])
        schema = component(document, schema["$ref"])[2]
    return schema if isinstance(schema, dict) else {}


def _has_object(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type") or ()
    return "properties" in schema or "object" in kinds or bool(schema.keys() & {"allOf", "anyOf", "oneOf", "$ref"})


def _is_value(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type", "object")
    return "enum" in schema or (kinds != "object" and "object" not in kinds)


def may_be_null(schema: dict[str, Any]) -> bool:
    """Whether a schema says itself that null is one of its values."""
    return bool(schema.get("nullable")) or "null" in (schema.get("type") or ())


def _plain_value(parts: list[Any], rest: dict[str, Any]) -> dict[str, Any]:
    """Return one schema of the parts of a value that is no object; a reference keeps its name."""
    named = [part for part in parts if isinstance(part, dict) and "$ref" in part]
    if named:
        return {"anyOf": [named[-1], {"type": "null"}]} if rest.get("nullable") else {"$ref": named[-1]["$ref"]}
    return {key: value for part in [*parts, rest] if isinstance(part, dict) for key, value in part.items()}


def _flat(document: dict[str, Any], schema: Any, above: tuple[str, ...]) -> dict[str, Any]:
    """Return all properties of an object, and which are required."""
    while isinstance(schema, dict) and "$ref" in schema:
        if schema["$ref"] in above:
            return {"properties": {}, "required": []}
        above = (*above, schema["$ref"])
        schema = component(document, schema["$ref"])[2]
    if not isinstance(schema, dict):
        return {"properties": {}, "required": []}
    parts = [_flat(document, part, above) for part in schema.get("allOf", ())]
    parts.append({"properties": schema.get("properties", {}), "required": schema.get("required", [])})
    return {
        "properties": {name: each for part in parts for name, each in part["properties"].items()},
        "required": [name for part in parts for name in part["required"]],
    }


def nullable_references(document: dict[str, Any]) -> dict[str, Any]:
    """Say that an object may be null where it is referred to, not where it is named.

    Of a named object that may be null the generator makes a union, which is no class, and which it cannot refer to in
    every place.
    """
    schemas = document.get("components", {}).get("schemas", {})
    nullable = [
        name
        for name, schema in schemas.items()
        if isinstance(schema, dict) and may_be_null(schema) and (_is_class(schema) or "allOf" in schema)
    ]
    if not nullable:
        return document
    targets = {f"#/components/schemas/{name.replace('~', '~0').replace('/', '~1')}" for name in nullable}

    document = _or_null(document, targets)
    for name in nullable:
        schema = {key: value for key, value in document["components"]["schemas"][name].items() if key != "nullable"}
        if isinstance(schema.get("type"), list):
            schema["type"] = "object"
        document["components"]["schemas"][name] = schema
    return document


def _or_null(node: Any, targets: set[str], key: str = "", *, named: bool = False) -> Any:
    if isinstance(node, list):
        return [_or_null(item, targets, key) for item in node]
    if not isinstance(node, dict):
        return node
    if not named and isinstance(node.get("$ref"), str) and node["$ref"] in targets and key != "allOf":
        return {"anyOf": [{"$ref": node["$ref"]}, {"type": "null"}]}
    return {
        name: item if name in DATA and not named else _or_null(item, targets, name, named=not named and name in NAMED)
        for name, item in node.items()
    }


def parts_first(document: dict[str, Any]) -> dict[str, Any]:
    """Put schemas behind those that they refer to.

    The generator tries a schema again once it knows what that refers to, and then stumbles over the classes of its
    inner objects, which it has made before.
    """
    schemas = document.get("components", {}).get("schemas", {})
    ordered: dict[str, Any] = {}
    waiting = [(name, False) for name in reversed(schemas)]
    begun: set[str] = set()
    while waiting:
        name, done = waiting.pop()
        if done:
            ordered[name] = schemas[name]
        elif name not in begun:
            begun.add(name)
            inner = [component(document, target) for target in references(schemas[name])]
            waiting.append((name, True))
            waiting += [(each, False) for kind, each, _ in reversed(inner) if kind == "schemas"]
    if schemas:
        document["components"]["schemas"] = ordered
    return document


def named_members(document: dict[str, Any]) -> dict[str, Any]:
    """Name the objects in a named union as the generator would, which trips over objects inside those."""
    schemas = document.get("components", {}).get("schemas", {})
    for name, schema in list(schemas.items()):
        members = [*schema.get("anyOf", ()), *schema.get("oneOf", ())] if isinstance(schema, dict) else []
        for number, member in enumerate(members):
            new = f"{name}_type_{number}"
            if isinstance(member, dict) and member.keys() & {"properties", "allOf"} and new not in schemas:
                schemas[new] = dict(member)
                member.clear()
                member["$ref"] = f"#/components/schemas/{new.replace('~', '~0').replace('/', '~1')}"
    return document
