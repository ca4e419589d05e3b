"""Correct common mistakes of published documents, so that each of them costs nothing or one operation alone."""

import copy
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from openapi_python_client.strings import snake_case

from specs.documents.document import (
    DATA,
    MAX_CHARACTERS,
    METHODS,
    NAMED,
    PROSE,
    SpecError,
    component,
    operations,
    rebuild,
    resolved,
)
from specs.documents.names import named_parts, read_placeholders

KEPT_EXTENSIONS = frozenset({"x-enum-varnames", "x-readahead-name"})

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_SCHEMES = frozenset({"apiKey", "http", "mutualTLS", "oauth2", "openIdConnect"})  # of security
_COUNTS = frozenset(
    {"maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties", "maxContains", "minContains"}
)
_NUMBERS = frozenset({"maximum", "minimum", "multipleOf"})
_FLAGS = frozenset(
    {"allowEmptyValue", "allowReserved", "deprecated", "nullable", "readOnly", "uniqueItems", "writeOnly"}
)
_TEXTS = PROSE - {"externalDocs"}
_ONE = ("additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "schema", "then")
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties", "schemas")
_OPERATION = frozenset(
    {
        "callbacks", "deprecated", "description", "externalDocs", "operationId", "parameters", "requestBody",
        "responses", "security", "servers", "summary", "tags",
    }
)  # fmt: skip


# What a parameter of OpenAPI 2 says of its type, in its schema since.
_IN_SCHEMA = frozenset({"type", "format", "enum", "items", "minimum", "maximum", "pattern", "maxLength", "minLength"})
_PLACES = frozenset({"cookie", "header", "path", "query"})
_MAY_BE_NULL = frozenset({"const", "default", "example", "examples"})
# Of these a name alone says something: anything, or an answer without a body.
_NAMED_ALONE = frozenset({"$defs", "content", "definitions", "paths", "patternProperties", "properties", "responses",
                          "schemas"})  # fmt: skip


def repair(
    document: dict[str, Any], notes: dict[str, str] | None = None, left_out: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return a valid document: correct common mistakes of published documents without changing their meaning.

    An operation without responses gets one, and one that is no success and refers to nothing is empty. A path
    parameter is required; one that the path names and nothing declares is text; one that the path does not name is
    dropped. A boolean `required` inside a property
    and a `collectionFormat` belong to OpenAPI 2; an empty `enum` allows no value at all, which is never meant; an array
    without items may have any; `2xx` is `2XX`; a server variable has a default; `required` has
    no duplicates; exclusive limits and constants are written as the document's version has them; anchors are dropped.
    Extensions go first, with whatever they refer to. What says nothing that code is made of costs nothing either,
    where it is wrong: see ``_harmless``.

    What is null says nothing, and neither do links and callbacks, of which no code is made. Changes that callers of an
    operation see go into `notes`, and operations and paths that refer to nothing into `left_out`, with the reason;
    without it they are errors.
    """
    document = _without_nulls(document)
    document = {**document, "info": {"title": "", "version": "", **_mapping(document.get("info"))}}
    if "servers" in document:
        document["servers"] = [_server(each) for each in document["servers"] if isinstance(each, str) or "url" in each]
    numeric = not str(document.get("openapi", "")).startswith("3.0")

    def change(node: dict[str, Any]) -> dict[str, Any]:
        node = _harmless(_schemas({key: value for key, value in node.items() if _is_kept(key)}), types=numeric)
        is_parameter = "in" in node and "name" in node
        is_body = "content" in node
        is_list = node.get("type") in ("array", ["array", "null"]) and not node.keys() & {"items", "prefixItems"}
        node = {
            key: value
            for key, value in node.items()
            if not (key == "required" and isinstance(value, bool) and not is_parameter and not is_body)
            and not (key == "enum" and value == [])
            and key not in {"$recursiveAnchor", "$dynamicAnchor", "$anchor", "callbacks", "links"}
        }
        if isinstance(node.get("headers"), dict) and "schemas" not in node:
            node["headers"] = {name: each for name, each in node["headers"].items() if _is_there(document, each)}
        if isinstance(node.get("required"), list):
            node["required"] = list(dict.fromkeys(node["required"]))
        for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if exclusive in node and isinstance(node[exclusive], bool) == numeric:
                node |= _exclusive(node.pop(exclusive), node.pop(limit, None), exclusive, limit)
        if isinstance(node.get("responses"), dict) and "schemas" not in node:
            node["responses"] = {
                code.upper() if code[:1].isdigit() else code: each
                for code, each in node["responses"].items()
                if not code.startswith("x-")
            } or {"default": {"description": ""}}
        if is_parameter:
            node.pop("collectionFormat", None)
            node |= {"required": True} if node["in"] == "path" else {}
            is_scheme = node.get("type") in _SCHEMES
            if node["in"] in _PLACES and not is_scheme and not node.keys() & {"schema", "content"}:
                node["schema"] = {key: node.pop(key) for key in node.keys() & _IN_SCHEMA}
        if not numeric:
            node = {key: value for key, value in node.items() if key not in {"contentEncoding", "contentMediaType"}}
            if "const" in node:
                node.setdefault("enum", [node.pop("const")])
        if "url" in node and isinstance(node.get("variables"), dict):
            node["variables"] = {name: {"default": "", **variable} for name, variable in node["variables"].items()}
        return {**node, "items": {}} if is_list else node

    parts = rebuild(inline_maps(document), change)
    mended: dict[str, Any] = read_placeholders(named_parts(inline_items(parts, left_out)))
    for path, method, operation in list(operations(mended)):
        if (fault := _cannot_be_sent(mended, path, operation)) is not None:
            if left_out is None:
                raise SpecError(fault)
            left_out[f"{method.upper()} {path}"] = fault
            del mended["paths"][path][method]
            continue
        operation.setdefault("responses", {"default": {"description": ""}})
        responses = operation["responses"]
        for code in [
            code for code, each in responses.items() if not code.startswith("2") and _is_nowhere(mended, each)
        ]:
            responses[code] = {"description": ""}
        declared = [*mended["paths"][path].get("parameters", []), *operation.get("parameters", [])]
        whole = {each["name"] for each in (resolved(mended, given) for given in declared) if each.get("in") == "path"}
        named = re.findall(r"{([^}]+)}", path)
        missing = [name for name in named if name not in whole]
        if missing or not whole <= {*named}:
            mended["paths"][path]["parameters"] = _of(mended, mended["paths"][path].get("parameters", []), named)
            operation["parameters"] = [
                *_of(mended, operation.get("parameters", []), named),
                *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in missing),
            ]
    _tell_apart(mended, {} if notes is None else notes)
    return mended


def _cannot_be_sent(document: dict[str, Any], path: str, operation: Any) -> str | None:
    """Return why nothing can be made of an operation, whatever else is wrong with it."""
    if re.fullmatch(r"([^{}]|{[^{}]+})*", path) is None:
        return f"a brace is not closed in the path {path[:100]}"
    if not isinstance(operation, dict):
        return f"it is {type(operation).__name__} in the document, not an object"
    try:
        for given in [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]:
            resolved(document, given)["name"]
    except SpecError as error:
        return str(error)
    except (KeyError, TypeError):
        return "it has a parameter without a name"
    return None


def _without_nulls(node: Any, *, named_by: str = "") -> Any:
    """Return the document without keywords that are null, as YAML has them where nothing follows a colon."""
    if isinstance(node, list):
        return [_without_nulls(each) for each in node if each is not None]
    if not isinstance(node, dict):
        return node
    if named_by:
        return {
            name: each if named_by == "scopes" else _without_nulls({} if each is None else each)
            for name, each in node.items()
            if each is not None or named_by in {*_NAMED_ALONE, "scopes"}
        }
    return {
        key: item if key in DATA else _without_nulls(item, named_by=key if key in NAMED else "")
        for key, item in node.items()
        if item is not None or key in _MAY_BE_NULL
    }


def _mapping(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def _server(given: Any) -> Any:
    return {"url": given} if isinstance(given, str) else given


def _is_there(document: dict[str, Any], header: Any) -> bool:
    """Whether a header is described; of one that is not, nothing is read anyway."""
    target = header.get("$ref") if isinstance(header, dict) else None
    if not isinstance(target, str) or not target.startswith("#/components/headers/"):
        return True
    try:
        component(document, target)
    except (SpecError, TypeError):
        return False
    return True


def _is_nowhere(document: dict[str, Any], node: Any) -> bool:
    """Whether a reference points to nothing: of an answer that is no success, nothing is lost."""
    try:
        resolved(document, node)
    except SpecError as error:
        return "points to nothing" in str(error)
    return False


def _of(document: dict[str, Any], parameters: list[Any], named: list[str]) -> list[Any]:
    """Return the parameters without those in a path that the path does not name."""
    whole = [(given, resolved(document, given)) for given in parameters]
    return [given for given, each in whole if each.get("in") != "path" or each["name"] in named]


def _exclusive(given: Any, limit: Any, exclusive: str, name: str) -> dict[str, Any]:
    """Return the other way of writing an exclusive limit: OpenAPI 3.0 has a flag beside the limit, 3.1 a number."""
    if not isinstance(given, bool):
        return {name: given, exclusive: True}
    if limit is None:
        return {}
    return {exclusive if given else name: limit}


def _tell_apart(document: dict[str, Any], notes: dict[str, str]) -> None:
    """Give operations ids of their own where two would become one module: the second would replace the first."""
    taken: dict[str, str] = {}
    for path, method, operation in operations(document):
        where = f"{method.upper()} {path}"
        said = operation.get("operationId")
        # of an operation without an id the generator makes the name like this
        bare = path.translate({ord("{"): None, ord("}"): None, ord("/"): "_"})
        name = (
            said if isinstance(said, str) and said.strip() else f"{method}_{bare.removeprefix('_').removesuffix('_')}"
        )
        new = name
        number = 2
        while snake_case(new) in taken:
            new = f"{name}_{method}" if number == 2 else f"{name}_{method}_{number}"
            number += 1
        if new != name:
            other = taken[snake_case(name)]
            operation["operationId"] = new
            what = f"the operation id {said!r} is" if said else "without an operation id, its name is"
            notes[where] = f"{what} that of {other} too, so its module is {snake_case(new)}"
        taken[snake_case(new)] = where


def inline_items(document: dict[str, Any], left_out: dict[str, str] | None = None) -> dict[str, Any]:
    """Write out paths that stand elsewhere in the document: the generator does not follow a reference to one."""
    paths = {}
    for path, item in (document.get("paths") or {}).items():
        seen: set[str] = set()
        whole = item
        while isinstance(whole, dict) and isinstance(whole.get("$ref"), str) and whole["$ref"] not in seen:
            target = whole["$ref"]
            seen.add(target)
            beside = {key: value for key, value in whole.items() if key != "$ref"}
            found = _pointed_at(document, target)
            if not isinstance(found, dict):
                fault = f"the path {path} is said to be {target[:100]}, and that is not in the document"
                if left_out is None:
                    raise SpecError(fault)
                methods = [each.upper() for each in METHODS if each in beside] or ["every method of"]
                left_out |= {f"{method} {path}": fault for method in methods}
                whole = {}
                break
            whole = copy.deepcopy({**found, **beside})
        paths[path] = whole
    return {**document, "paths": paths}


def inline_maps(document: dict[str, Any]) -> dict[str, Any]:
    """Write out whole maps that stand elsewhere: OpenAPI has no reference there, but `content: {$ref: ...}` is plain.

    A map that is written out may hold no further ones: they could multiply without end.
    """
    sizes: dict[str, int] = {}
    written = 0

    def put_in(target: str, found: dict[str, Any]) -> dict[str, Any]:
        nonlocal written
        if target not in sizes:
            sizes[target] = len(json.dumps(found))
        written += sizes[target]
        if written > MAX_CHARACTERS:
            raise SpecError(f"{target[:100]} stands for a whole map too often; write it out where it is meant")
        return found

    def whole(node: Any, key: str = "", *, named: bool = False) -> Any:
        if isinstance(node, list):
            return [whole(each) for each in node]
        if not isinstance(node, dict):
            return node
        if named and key not in _MAPS_OF_TEXT and node.keys() == {"$ref"} and isinstance(node["$ref"], str):
            found = _pointed_at(document, node["$ref"])
            return put_in(node["$ref"], found) if isinstance(found, dict) else node
        return {
            name: each
            if not named and (name in DATA or name in PROSE)
            else whole(each, name, named=not named and name in NAMED)
            for name, each in node.items()
        }

    changed: dict[str, Any] = whole(document)
    return changed


_MAPS_OF_TEXT = frozenset({"mapping", "scopes"})


def _pointed_at(document: dict[str, Any], target: str) -> Any:
    node: Any = document
    if not target.startswith("#/"):
        return None
    for part in target[2:].split("/"):
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _is_kept(key: str) -> bool:
    return not key.startswith("x-") or key in KEPT_EXTENSIONS


def _schemas(node: dict[str, Any]) -> dict[str, Any]:
    """Write schemas that are `true` or `false` as objects: anything, and nothing, which no object carries."""
    node = dict(node)
    for key in _ONE:
        if isinstance(node.get(key), bool) and key != "additionalProperties":
            node[key] = _schema(node[key])
    for key in _MANY:
        if isinstance(node.get(key), list):
            node[key] = [_schema(each) for each in node[key]]
    for key in _NAMED:
        if isinstance(node.get(key), dict):
            # no object has such a property, but a schema may be referred to
            drop = key in {"properties", "patternProperties"}
            node[key] = {name: _schema(each) for name, each in node[key].items() if not (drop and each is False)}
    return node


def _schema(given: Any) -> Any:
    return ({} if given else {"not": {}}) if isinstance(given, bool) else given


def _harmless(node: dict[str, Any], *, types: bool) -> dict[str, Any]:
    """Mend what is wrong with keywords that no code is made of, or whose meaning is plain all the same.

    Limits that are no numbers and patterns that cannot be compiled are dropped, `"true"` is true, a value that an
    enumeration lists twice is listed once, an unknown type says nothing, and so do a keyword that no operation has and
    a union of nothing. A text that stands elsewhere, as in `description: {$ref: intro.md}`, is empty.
    `type: [string, "null"]` and `type: "null"` are written as the document's version has it. ``types``: whether that
    has lists of types.
    """
    node = {key: "" if key in _TEXTS and isinstance(value, dict) else value for key, value in node.items()}
    for key in node.keys() & (_COUNTS | _NUMBERS):
        value = node[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or (key in _COUNTS and value < 0):
            del node[key]
    for key in node.keys() & _FLAGS:
        if isinstance(node[key], str):
            node[key] = node[key].strip().lower() == "true"
        elif not isinstance(node[key], bool):
            del node[key]
    if isinstance(node.get("additionalProperties"), str):
        node["additionalProperties"] = node["additionalProperties"].strip().lower() != "false"
    if isinstance(node.get("pattern"), str) and not _is_pattern(node["pattern"]):
        del node["pattern"]
    for key in ("required", "allOf", "anyOf", "oneOf"):
        if node.get(key) == []:
            del node[key]
    if isinstance(node.get("items"), list):  # of JSON Schema before 2020: what may stand at each place
        node["items"] = {"anyOf": node["items"]} if len(node["items"]) > 1 else next(iter(node["items"]), {})
    if isinstance(node.get("discriminator"), str):  # of OpenAPI 2
        node["discriminator"] = {"propertyName": node["discriminator"]}
    for key in ("enum", "tags"):
        if isinstance(node.get(key), list):
            node[key] = _once(node[key])
    if "type" in node and not isinstance(node["type"], dict):
        node = _typed(node, types=types)
    if isinstance(node.get("parameters"), list):
        node["parameters"] = list({_identity(each): each for each in node["parameters"]}.values())
    for method in METHODS:
        if isinstance(node.get(method), dict):
            node[method] = {key: value for key, value in node[method].items() if _is_of_operation(key)}
            if isinstance(node[method].get("operationId"), int):
                node[method]["operationId"] = str(node[method]["operationId"])
            if isinstance(node[method].get("tags"), str):
                node[method]["tags"] = [node[method]["tags"]]
    return node


def _is_of_operation(key: str) -> bool:
    return key in _OPERATION or key in KEPT_EXTENSIONS


def _is_pattern(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return not pattern.startswith("(?")  # flags, which the language of OpenAPI's patterns does not have


def _once(values: list[Any]) -> list[Any]:
    return list({(type(value), repr(value)): value for value in values}.values())


def _typed(node: dict[str, Any], *, types: bool) -> dict[str, Any]:
    """Keep the types that there are. ``types``: whether a schema may list several."""
    said = node["type"] if isinstance(node["type"], list) else [node["type"]]
    if said[:1] and said[0] in _SCHEMES:
        return node
    known = [each for each in dict.fromkeys(map(str, said)) if each in _TYPES]
    rest = {key: value for key, value in node.items() if key != "type"}
    if types or (not isinstance(node["type"], list) and known != ["null"]):
        one = known[0] if len(known) == 1 and not isinstance(node["type"], list) else known
        return {**rest, "type": one} if known else rest
    if known == ["null"]:
        return {**rest, "nullable": True, "enum": [None]}
    if "null" in known:
        rest["nullable"] = True
        known.remove("null")
    if len(known) < 2:
        return {**rest, "type": known[0]} if known else rest
    return {**rest, "anyOf": [{"type": each} for each in known]}


def _identity(parameter: Any) -> object:
    if isinstance(parameter, Mapping) and isinstance(parameter.get("name"), str):
        return parameter["name"], str(parameter.get("in"))
    return repr(parameter)
