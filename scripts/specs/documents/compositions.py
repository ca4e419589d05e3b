"""Rules about objects that are put together of several schemas: the generator reads one way, and drops the rest."""

import copy
import itertools
import re
from typing import Any

from specs.documents.document import (
    DATA,
    METHODS,
    NAMED,
    PROSE,
    component,
    end_of,
    extensions,
    is_base,
    kinds_of,
    mapped,
    operations,
    rebuild,
    resolved,
    schema_target,
    with_discriminator,
)
from specs.documents.types import may_be_null

_UNIONS = ("oneOf", "anyOf")
_OBJECT = frozenset({"properties", "required", "additionalProperties"})
_SAYS_MORE = _OBJECT | {"allOf", "anyOf", "oneOf"}
_SAYS_NOTHING = PROSE | DATA - {"const", "enum"} | {"nullable", "readOnly", "writeOnly", "deprecated"}


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
        mine = schema_target(name)
        children = [each for each in schema[union] if mine in _parts(document, each)]
        if not children:
            continue
        numbered = (f"{name}Base{number}" for number in itertools.count(2))
        base = next(each for each in itertools.chain([f"{name}Base"], numbered) if each not in schemas)
        bases[mine] = schema_target(base)
        common = {key: value for key, value in schema.items() if key not in {*_UNIONS, "discriminator"}}
        schemas[base] = common
        rest = {key: value for key, value in schema.items() if key not in {*_OBJECT, "allOf", "type"}}
        others = [each for each in schema[union] if each not in children]
        if others:
            rest[union] = [
                each if each in children else {"allOf": [{"$ref": schema_target(base)}, each]} for each in rest[union]
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


def kinds_of_bases(document: dict[str, Any]) -> dict[str, Any]:
    """Write a union where a schema is referred to whose discriminator tells which of those that extend it a value is.

    The schema itself stands for values whose tag names none of them: it is the union's `defaultMapping`, as OpenAPI 3.2
    calls it. What extends the schema still refers to it as a part. A schema that extends one with a discriminator has
    that too. A single part with a note beside it, which is how OpenAPI 3.0 describes a reference, is a reference.
    """
    schemas = document.get("components", {}).get("schemas", {})
    if not any(map(is_base, schemas.values())):
        return document
    extended = extensions(document)
    annotated = {schema_target(name) for name in schemas if _only_annotates(document, name)}
    extended = {base: [each for each in kinds if each not in annotated] for base, kinds in extended.items()}
    unions: dict[str, dict[str, Any]] = {}
    kinds: dict[str, list[str]] = {}
    for name, schema in schemas.items():
        owner = with_discriminator(document, schema_target(name))
        if owner is None or _union(schema) is not None:
            continue
        base = schema_target(name)
        kinds[base] = [each for each in kinds_of(document, extended, base) if _is_kind(document, each)]
        if not kinds[base]:
            continue
        names = {_name(each): each for each in [*kinds[base], base]}
        told = {value: to for value, to in mapped(document, owner).items() if to in names.values()}
        unions[base] = {
            "oneOf": [{"$ref": each} for each in names.values()],
            "discriminator": {
                "propertyName": owner["discriminator"]["propertyName"],
                "mapping": {**names, **told},
                "defaultMapping": base,
            },
        }
    siblings_hold = not str(document.get("openapi", "")).startswith("3.0")

    def base_of(node: Any) -> str | None:
        if not isinstance(node, dict) or not isinstance(node.get("$ref"), str):
            return None
        target = end_of(document, node["$ref"])
        return target if target in unions else None

    def union_of(base: str, beside: dict[str, Any], *, null: bool) -> dict[str, Any]:
        union = copy.deepcopy(unions[base])
        if null or may_be_null(component(document, base)[2]):
            union["oneOf"].append({"type": "null"})
        return {**beside, **union}

    def walk(node: Any, *, named: bool = False, part: bool = False, root: bool = False) -> Any:
        if isinstance(node, list):
            return [walk(each, part=part) for each in node]
        if not isinstance(node, dict):
            return node
        if named:
            return {name: walk(each) for name, each in node.items()}
        base = base_of(node)
        if base is not None:
            beside = {key: each for key, each in node.items() if key != "$ref"}
            if part or (siblings_hold and beside.keys() & _SAYS_MORE):
                return {**node, "$ref": base}
            return union_of(base, beside if siblings_hold else {}, null=False)
        lone = None if root or part else _lone_part(node)
        base = base_of(lone)
        if base is not None:
            beside = {key: each for key, each in node.items() if key not in {"allOf", "nullable", "type"}}
            null = any(map(may_be_null, [node, *node["allOf"]]))
            return union_of(base, beside, null=null)
        return {
            key: each if key in DATA else walk(each, named=key in NAMED, part=key == "allOf" or is_listed(node, key))
            for key, each in node.items()
        }

    def is_listed(node: dict[str, Any], key: str) -> bool:
        """Whether a union lists kinds by itself: a base among them is meant as it is."""
        if key not in _UNIONS or not isinstance(node[key], list):
            return False
        targets = {each.get("$ref") for each in node[key] if isinstance(each, dict)}
        return "discriminator" in node or any(targets & {*kinds.get(str(each), ())} for each in targets)

    changed: dict[str, Any] = walk({key: each for key, each in document.items() if key != "components"})
    components = {kind: walk(found, named=True) for kind, found in document["components"].items() if kind != "schemas"}
    found = {name: walk(each, root=schema_target(name) not in annotated) for name, each in schemas.items()}
    for base in unions:
        schema = {key: each for key, each in found[_name(base)].items() if key not in {"discriminator", "nullable"}}
        if isinstance(schema.get("type"), list):
            schema["type"] = "object"
        if not schema.keys() & {"properties", "allOf"}:  # then it would be no class
            schema["properties"] = {unions[base]["discriminator"]["propertyName"]: {"type": "string"}}
        found[_name(base)] = schema
    for target in {each for base in unions for each in kinds[base]}:
        schema = found[_name(target)]
        if _lone_part(schema) is not None:  # it is a class nevertheless
            found[_name(target)] = {**schema, "allOf": [*schema["allOf"], {"type": "object"}]}
    return {**changed, "components": {**components, "schemas": found}}


def _only_annotates(document: dict[str, Any], name: str) -> bool:
    """Whether a named schema is a reference with notes, and no kind of what it refers to."""
    schema = document["components"]["schemas"][name]
    lone = _lone_part(schema)
    if lone is None or not isinstance(lone.get("$ref"), str):
        return False
    owner = with_discriminator(document, schema_target(name))
    told = mapped(document, owner or {})
    if schema_target(name) in told.values():
        return False
    return bool(told) or any(map(may_be_null, [schema, *schema["allOf"]]))


def _lone_part(schema: Any) -> dict[str, Any] | None:
    """Return the part of an `allOf` that says something, where it is a single one and nothing else does."""
    if not isinstance(schema, dict) or not isinstance(schema.get("allOf"), list):
        return None
    parts = [each for each in schema["allOf"] if not isinstance(each, dict) or each.keys() - _SAYS_NOTHING]
    if len(parts) != 1 or not isinstance(parts[0], dict) or schema.keys() & (_SAYS_MORE - {"allOf"}):
        return None
    return parts[0]


def _is_kind(document: dict[str, Any], target: str) -> bool:
    schema = component(document, target)[2]
    return isinstance(schema, dict) and bool(schema.keys() & {"properties", "allOf"})


def _name(target: str) -> str:
    return target.rpartition("/")[2].replace("~1", "/").replace("~0", "~")


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
                moved[target] = schema_target(free)
                new = {"$ref": schema_target(free)}
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
