"""Rules about objects that are put together of several schemas: the generator reads one way, and drops the rest."""

import itertools
import re
from typing import Any

from specs.documents.document import METHODS, operations, rebuild, resolved

_UNIONS = ("oneOf", "anyOf")
_OBJECT = frozenset({"properties", "required", "additionalProperties"})
_SAYS_MORE = _OBJECT | {"allOf", "anyOf", "oneOf"}


def referred_and_more(document: dict[str, Any]) -> dict[str, Any]:
    """Write what stands beside a reference as a second part: since OpenAPI 3.1 both hold; before, it says nothing."""
    if str(document.get("openapi", "")).startswith("3.0"):
        return document

    def change(node: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(node.get("$ref"), str) or not node.keys() & _SAYS_MORE or node.keys() & {*METHODS}:
            return node
        more = {key: value for key, value in node.items() if key != "$ref"}
        return {"allOf": [{"$ref": node["$ref"]}, {"type": "object", **more}]}

    changed: dict[str, Any] = rebuild(document, change)
    return changed


def bases_of_their_branches(document: dict[str, Any]) -> dict[str, Any]:
    """Take apart an object that lists its kinds which extend it: what they have in common, and the choice."""
    schemas = document.get("components", {}).get("schemas", {})
    bases: dict[str, str] = {}
    for name, schema in list(schemas.items()):
        union = _union(schema)
        if union is None or not _says(schema):
            continue
        mine = _target(name)
        children = [each for each in schema[union] if mine in _parts(document, each)]
        if not children:
            continue
        numbered = (f"{name}Base{number}" for number in itertools.count(2))
        base = next(each for each in itertools.chain([f"{name}Base"], numbered) if each not in schemas)
        bases[mine] = _target(base)
        common = {key: value for key, value in schema.items() if key not in {*_UNIONS, "discriminator"}}
        schemas[base] = common
        rest = {key: value for key, value in schema.items() if key not in {*_OBJECT, "allOf", "type"}}
        others = [each for each in schema[union] if each not in children]
        if others:
            rest[union] = [
                each if each in children else {"allOf": [{"$ref": _target(base)}, each]} for each in rest[union]
            ]
        schemas[name] = rest

    def change(node: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(node.get("allOf"), list):
            return node
        parts = [
            {**part, "$ref": bases.get(part["$ref"], part["$ref"])}
            if isinstance(part, dict) and isinstance(part.get("$ref"), str)
            else part
            for part in node["allOf"]
        ]
        return {**node, "allOf": parts}

    changed: dict[str, Any] = rebuild(document, change) if bases else document
    return changed


def spread_unions(document: dict[str, Any]) -> dict[str, Any]:
    """Give every branch of a union what holds for all of them: properties beside it, and other parts of an `allOf`.

    Branches that only say what is required, and of which several may hold, are no kinds of objects.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})

    def change(node: dict[str, Any]) -> dict[str, Any]:
        union = _union(node)
        if union is not None and _says(node):
            if not any(_has_properties(document, each, ()) for each in node[union]):
                return {key: value for key, value in node.items() if key not in {union, "discriminator"}}
            common = {key: value for key, value in node.items() if key in {*_OBJECT, "allOf"}}
            return spread(node, union, [{"type": "object", **common}])
        parts = node.get("allOf")
        if not isinstance(parts, list) or len(parts) < 2:
            return node
        said = [each for each in parts if each != {}]  # there was a text alone
        if len(said) == 1 and _union(said[0]) is not None and not node.keys() & _OBJECT:
            return {**{key: value for key, value in node.items() if key != "allOf"}, **said[0]}
        if node.get("properties") or any(_has_own(document, each) for each in parts):
            parts = [_not_null(document, each) for each in parts]
            node = {**node, "allOf": parts}
        whole = [resolved(document, each) for each in parts]
        unions = [at for at, each in enumerate(whole) if _union(each) is not None and not _says(each)]
        if len(unions) != 1:
            return node
        branches = whole[unions[0]][_union(whole[unions[0]]) or ""]
        if not all(_is_object(document, each) for each in branches) or not any(
            _has_properties(document, each, ()) for each in branches
        ):
            return node
        others = [each for at, each in enumerate(parts) if at != unions[0]]
        more = {key: value for key, value in node.items() if key in _OBJECT}
        kept = {key: value for key, value in node.items() if key not in {*_OBJECT, "allOf", "type"}}
        part = whole[unions[0]]
        others += [{"type": "object", **more}] if more else []
        return spread({**kept, **part}, str(_union(part)), others)

    def spread(node: dict[str, Any], union: str, common: list[Any]) -> dict[str, Any]:
        moved: dict[str, str] = {}
        branches = []
        for branch in node[union]:
            if not _is_object(document, branch):
                branches.append(branch)
                continue
            new: dict[str, Any] = {"allOf": [*common, branch]}
            target = branch.get("$ref")
            if isinstance(target, str):  # a discriminator may name it
                name = target.rpartition("/")[2]
                numbered = (f"{owner}_{name}_{number}" for number in itertools.count(2))
                names = itertools.chain([f"{owner}_{name}"], numbered)
                free = next(each for each in names if each not in schemas and each not in made)
                made[free] = new
                moved[target] = _target(free)
                new = {"$ref": _target(free)}
            branches.append(new)
        kept = {key: value for key, value in node.items() if key not in {*_OBJECT, "allOf", "type", union}}
        said = kept.get("discriminator")
        if isinstance(said, dict) and isinstance(said.get("mapping"), dict):
            kept["discriminator"] = {**said, "mapping": {key: moved.get(to, to) for key, to in said["mapping"].items()}}
        return {**kept, union: branches}

    made: dict[str, Any] = {}
    owner = ""

    def all_of(waiting: dict[str, Any]) -> None:
        nonlocal owner
        for _ in range(5):  # a branch may be a union itself, of which the parts are made only then
            for name, schema in waiting.items():
                owner = name
                schemas[name] = rebuild(schema, change)
            waiting = dict(made)
            schemas.update(waiting)
            made.clear()

    all_of(dict(schemas))
    for path, method, operation in operations(document):
        owner = re.sub(r"\W+", "_", str(operation.get("operationId", f"{method}_{path}")))
        document["paths"][path][method] = rebuild(operation, change)
    for kind, found in document["components"].items():
        for name in found if kind != "schemas" else ():
            owner = name
            found[name] = rebuild({name: found[name]}, change, named=True)[name]
    schemas |= made
    waiting = dict(made)
    made.clear()
    all_of(waiting)
    return document


def _union(schema: Any) -> str | None:
    if not isinstance(schema, dict):
        return None
    return next((key for key in _UNIONS if isinstance(schema.get(key), list) and schema[key]), None)


def _says(schema: dict[str, Any]) -> bool:
    return bool(schema.get("properties")) or isinstance(schema.get("allOf"), list)


def _has_own(document: dict[str, Any], part: Any) -> bool:
    whole = resolved(document, part)
    return isinstance(whole, dict) and "properties" in whole


def _not_null(document: dict[str, Any], part: Any) -> Any:
    """Return a part of an object without the branch that is null, which no object is."""
    whole = resolved(document, part)
    union = _union(whole)
    if union is None or _says(whole):
        return part
    rest = [each for each in whole[union] if resolved(document, each) not in ({"type": "null"}, {"enum": [None]})]
    if len(rest) == len(whole[union]) or not rest:
        return part
    return rest[0] if len(rest) == 1 else {**whole, union: rest}


def _parts(document: dict[str, Any], branch: Any) -> set[str]:
    parts = resolved(document, branch).get("allOf", ()) if isinstance(branch, dict) else ()
    return {each["$ref"] for each in parts if isinstance(each, dict) and isinstance(each.get("$ref"), str)}


def _is_object(document: dict[str, Any], schema: Any) -> bool:
    whole = resolved(document, schema)
    return isinstance(whole, dict) and whole.get("type", "object") == "object" and "enum" not in whole


def _has_properties(document: dict[str, Any], schema: Any, above: tuple[Any, ...]) -> bool:
    whole = resolved(document, schema)
    if not isinstance(whole, dict) or any(whole is each for each in above):
        return False
    inner = [each for key in ("allOf", *_UNIONS) for each in whole.get(key, ())]
    return "properties" in whole or any(_has_properties(document, each, (*above, whole)) for each in inner)


def _target(name: str) -> str:
    return f"#/components/schemas/{name.replace('~', '~0').replace('/', '~1')}"
