"""Rules that turn a valid document into one that the generator reads completely, each with its reason.

They hold for any document. What is peculiar to one API belongs in its overlay.
"""

import re
from collections import Counter
from collections.abc import Callable, Container, Iterator
from typing import Any

from specs.documents.compositions import bases_of_their_branches, kinds_of_bases, referred_and_more, spread_unions
from specs.documents.document import DATA, NAMED, SpecError, operations, reached, rebuild, resolved
from specs.documents.names import (
    distinct_classes,
    distinct_parameters,
    distinct_properties,
    plain_ids,
    repeated_placeholders,
)
from specs.documents.sending import CONTENT, DEFAULT, OR_JSON, OTHERS
from specs.documents.types import (
    listed_values,
    named_members,
    no_endless_types,
    nullable_references,
    parts_first,
    readable_enums,
    whole_discriminators,
    whole_objects,
)

NAME = "x-readahead-name"


def normalise(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document in the form that the generator reads completely."""
    for rule in _RULES:
        document = rule(document)
    return document


def rename(document: dict[str, Any]) -> dict[str, Any]:
    """Give schemas the names that their `x-readahead-name` asks for.

    Overlay actions can change a schema but not the key it stands under nor the references to it, so the overlay says
    the name and this rule moves it.
    """
    schemas = document.get("components", {}).get("schemas", {})
    names = {old: schema.get(NAME, old) for old, schema in schemas.items()}
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise SpecError(f"two schemas would both be named {', '.join(twice)}")
    targets = {_target(old): _target(new) for old, new in names.items()}

    def change(node: dict[str, Any]) -> dict[str, Any]:
        node = {key: value for key, value in node.items() if key != NAME}
        if isinstance(node.get("$ref"), str):
            node["$ref"] = targets.get(node["$ref"], node["$ref"])
        if isinstance(node.get("mapping"), dict):
            node["mapping"] = {value: targets.get(target, target) for value, target in node["mapping"].items()}
        if isinstance(node.get("defaultMapping"), str):
            node["defaultMapping"] = targets.get(node["defaultMapping"], node["defaultMapping"])
        return node

    renamed: dict[str, Any] = rebuild(document, change)
    if schemas:
        moved = renamed["components"]["schemas"]
        renamed["components"]["schemas"] = {names[old]: schema for old, schema in moved.items()}
    return renamed


def with_defaults(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy in which each parameter has its default beside it, which `forget` drops: where a listing begins."""
    copied: dict[str, Any] = rebuild(document, dict)
    for given in _parameters(copied):
        parameter = resolved(copied, given)
        schema = resolved(copied, parameter.get("schema"))
        if isinstance(schema, dict) and isinstance(schema.get("default"), str | int | float):
            parameter[DEFAULT] = schema["default"]
    return copied


def forget(document: dict[str, Any]) -> dict[str, Any]:
    """Drop titles and defaults.

    Titles repeat, classes are named after them, and colliding classes are dropped. A default is the server's
    business: sent along it freezes today's value into the client, invented for a field that was absent it is a lie.
    """

    def change(node: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in node.items() if key not in {"title", "default"}}

    changed: dict[str, Any] = rebuild(document, change)
    changed["info"] = document["info"]
    return changed


def all_json_answers(document: dict[str, Any]) -> dict[str, Any]:
    """Let an answer that several JSON types describe differently be any of these: only one type is kept."""
    for _, _, operation in operations(document):
        for given in operation.get("responses", {}).values():
            content = resolved(document, given).get("content", {})
            several = [each for each in content if _preference(each) == 0]
            schemas = [content[each]["schema"] for each in several if content[each].get("schema")]
            distinct = [each for at, each in enumerate(schemas) if each not in schemas[:at]]
            if len(distinct) > 1:
                kept, *others = several
                content[kept] = {**content[kept], "schema": {"anyOf": distinct}}
                for each in others:
                    del content[each]
    return document


def files_or_json(document: dict[str, Any]) -> dict[str, Any]:
    """Send bodies that have files as `multipart/form-data`, which nothing else can carry.

    Where such a body can be JSON, too, it says so: without a file it is, and it takes what either schema has.
    """
    for body in _bodies(document):
        content = body.get("content", {})
        kept = min(content, key=_preference, default="")
        files = next((each for each in content if _is_multipart(each) and _has_files(document, content[each])), None)
        if files is None or len(content) < 2 or _preference(kept) > _FORMS:
            continue
        media = content[files]
        if _is_json(kept):
            ours, theirs = media["schema"], content[kept].get("schema", {})
            if _kinds(document, theirs) - {"object", "any"}:  # a form is always an object
                continue
            either = ours if resolved(document, ours) == resolved(document, theirs) else {"anyOf": [ours, theirs]}
            media = {**media, "schema": either, OR_JSON: kept}
        body["content"] = {files: media}
    return document


def other_answers(document: dict[str, Any]) -> dict[str, Any]:
    """Note the other content types of an answer in JSON, where those are text or bytes.

    Types that describe an object as JSON does, as XML often, are another way of writing it, and not asked for.
    """
    for _, _, operation in operations(document):
        for given in operation.get("responses", {}).values():
            content = resolved(document, given).get("content", {})
            kept = min(content, key=_preference, default="")
            if kept and _preference(kept) == 0 and OTHERS not in content[kept]:
                others = [each for each in content if _preference(each) > 0 and _is_plain(document, content[each])]
                bare = [each.partition(";")[0].strip().lower() for each in others]
                content[kept] |= {OTHERS: bare} if others else {}
    return document


def _is_plain(document: dict[str, Any], media: Any) -> bool:
    return isinstance(media, dict) and _kinds(document, media.get("schema", {})) <= {"any", "string", "null"}


def one_content(document: dict[str, Any]) -> dict[str, Any]:
    """Keep one content type of each body and response, JSON if there is one.

    The generator chooses among several bodies by `isinstance`, and answers a type it does not know with a warning.
    """

    def change(node: dict[str, Any]) -> dict[str, Any]:
        content = node.get("content")
        if not isinstance(content, dict) or len(content) < 2:
            return node
        kept = min(content, key=_preference)
        return {**node, "content": {kept: content[kept]}}

    changed: dict[str, Any] = rebuild(document, change)
    return changed


def _is_multipart(content_type: str) -> bool:
    return content_type.split(";", maxsplit=1)[0].strip().lower() == "multipart/form-data"


def _has_files(document: dict[str, Any], media: dict[str, Any]) -> bool:
    return any(_is_file(document, each) for each in _fields(document, media.get("schema", {})))


def _fields(document: dict[str, Any], schema: Any, above: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Yield the properties that an object may have."""
    schema = resolved(document, schema)
    if isinstance(schema, dict) and not any(schema is each for each in above):
        yield from schema.get("properties", {}).values()
        for each in (each for key in _PARTS for each in schema.get(key, ())):
            yield from _fields(document, each, (*above, schema))


def _is_file(document: dict[str, Any], schema: Any, above: tuple[Any, ...] = ()) -> bool:
    """Whether a value may be of bytes, or a list of such."""
    schema = resolved(document, schema)
    if not isinstance(schema, dict) or any(schema is each for each in above):
        return False
    inner = [*(each for key in _PARTS for each in schema.get(key, ())), schema.get("items")]
    return schema.get("format") == "binary" or any(_is_file(document, each, (*above, schema)) for each in inner)


_PARTS = ("allOf", "anyOf", "oneOf")


def known_content(document: dict[str, Any]) -> dict[str, Any]:
    """Describe content that the generator cannot read as what it is on the wire: bytes, or text.

    A parameter with `content` has a schema like any other, or is text; the generator leaves it out without a word. A
    body without a schema may be anything, a form is an object.
    """
    for body in _bodies(document):
        content = body.get("content", {})
        for content_type in list(content):
            media = content.pop(content_type)
            written = _preference(content_type) <= _FORMS
            if 0 < _preference(content_type) <= _FORMS and _kinds(document, media.get("schema", {})) - {
                "object",
                "any",
            }:
                media = {**media, "schema": {"type": "object"}}
            # an answer of the same type is read as text, so what is sent as bytes must have another name
            name = f"{content_type}; charset=utf-8" if _is_text(content_type) else content_type
            content[name] = {**media, "schema": media.get("schema", {}) if written else dict(_BYTES)}
    for operation in (each for _, _, each in operations(document)):
        for given in operation.get("responses", {}).values():
            content = resolved(document, given).get("content", {})
            for content_type in [each for each in content if 0 < _preference(each) <= _FORMS]:
                content["application/octet-stream"] = content.pop(content_type)  # no answer is read field by field
            for content_type, media in content.items():
                if _preference(content_type) > 0:
                    media["schema"] = {"type": "string"} if _is_text(content_type) else dict(_BYTES)
                else:  # JSON that is not described is plain data, in an error as well
                    media.setdefault("schema", {})
    for given in _parameters(document):
        parameter = resolved(document, given)
        content = parameter.pop("content", {})
        for content_type, media in content.items():
            parameter[CONTENT] = content_type
            parameter["schema"] = media.get("schema", {}) if _preference(content_type) == 0 else {"type": "string"}
        parameter.setdefault("schema", {"type": "string"})
    return document


def empty_answers(document: dict[str, Any]) -> dict[str, Any]:
    """Drop the content of answers that have none, whatever the document says (RFC 9110, 9.3.2 and 15)."""
    for _, method, operation in operations(document):
        for code, response in operation.get("responses", {}).items():
            if code in {"204", "205", "304"} or method == "head":
                found = resolved(document, response)
                operation["responses"][code] = {key: value for key, value in found.items() if key != "content"}
    return document


def optional_headers(document: dict[str, Any]) -> dict[str, Any]:
    """Require no `Accept`, `Content-Type` or `Authorization`: OpenAPI ignores such parameters.

    They can still be given, since some servers choose their version by one of them.
    """

    def optional(given: dict[str, Any]) -> dict[str, Any]:
        parameter = resolved(document, given)
        ignored = parameter.get("in") == "header" and parameter["name"].lower() in _IGNORED
        return {**parameter, "required": False} if ignored else given

    for owner in [*document["paths"].values(), *(each for _, _, each in operations(document))]:
        if "parameters" in owner:
            owner["parameters"] = list(map(optional, owner["parameters"]))
    return document


_IGNORED = frozenset({"accept", "authorization", "content-type"})


def _kinds(document: dict[str, Any], schema: Any, above: tuple[Any, ...] = ()) -> set[str]:
    """Return the types that a value may be of; it has one, if only "any"."""
    schema = resolved(document, schema)
    if not isinstance(schema, dict) or any(schema is each for each in above):
        return {"any"}
    inner = [each for union in ("anyOf", "oneOf", "allOf") for each in schema.get(union, ())]
    said = schema.get("type", "any" if not inner else ())
    kinds = {said} if isinstance(said, str) else set(said)
    return kinds.union(
        *(_kinds(document, each, (*above, schema)) for each in inner), {"null"} if schema.get("nullable") else ()
    )


_BYTES = {"type": "string", "format": "binary"}
_FORMS = 2  # the last preference of content that is written field by field


def readable_as(document: dict[str, Any]) -> dict[str, str]:
    """Return, for each content type that the generator does not know, the one that it is read and written like."""
    found = {}
    holders = [*_bodies(document)]
    for _, _, operation in operations(document):
        holders += [resolved(document, each) for each in operation.get("responses", {}).values()]
    for content_type in (each for holder in holders for each in holder.get("content", {})):
        preference, bare = _preference(content_type), content_type.split(";", maxsplit=1)[0].strip()
        if preference == 0 and not (bare.islower() and bare.startswith("application/")):
            found[content_type] = "application/json"
        elif 0 < preference <= _FORMS and not bare.islower():
            found[content_type] = bare.lower()
        elif preference > _FORMS and not _is_text(content_type):
            found[content_type] = "application/octet-stream"
    return found


def _parameters(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.get("parameters", ())
    for _, _, operation in operations(document):
        yield from operation.get("parameters", ())


def _is_text(content_type: str) -> bool:
    return content_type.startswith("text/") and ";" not in content_type and _preference(content_type) > 0


def _preference(content_type: str) -> int:
    bare = content_type.split(";", maxsplit=1)[0].strip().lower()
    # servers that do not say what they answer with answer with JSON
    if bare in {"application/json", "*/*"} or bare.endswith(("+json", "/json")):
        return 0
    order = ["application/x-www-form-urlencoded", "multipart/form-data", "application/octet-stream"]
    return 1 + order.index(bare) if bare in order else len(order) + (1 if bare.startswith("text/") else 2)


def spread_security(document: dict[str, Any]) -> dict[str, Any]:
    """Repeat the document's `security` in every operation that has none: the generator ignores the global one."""
    if document.get("security"):
        for _, _, operation in operations(document):
            operation.setdefault("security", document["security"])
    return document


def name_members(document: dict[str, Any]) -> dict[str, Any]:
    """Name the members of string enumerations.

    The generator lets `SAGE_INTACCT` and `SAGE-INTACCT` become one name, and one of the two values is lost.
    """

    def change(node: dict[str, Any]) -> dict[str, Any]:
        given = node.get("enum")
        if not isinstance(given, list) or not all(isinstance(value, str | None) for value in given):
            return node
        values = list(dict.fromkeys(given))
        texts = [value for value in values if value is not None]
        names: list[str] = []
        for position, text in enumerate(texts):
            name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").upper()
            if not name or not name[0].isalpha():
                name = f"VALUE_{name or position}"
            number = 2
            while name in names:
                name = f"{name.removesuffix(f'_{number - 1}')}_{number}"
                number += 1
            names.append(name)
        return {**node, "enum": values, "x-enum-varnames": names}

    changed: dict[str, Any] = rebuild(document, change)
    return changed


def open_parameters(document: dict[str, Any]) -> dict[str, Any]:
    """Let parameters that take listed texts take others, too: what is not listed yet is asked for as plain text.

    The generated functions would ask any text for its `value`.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})

    def opened(schema: Any, name: str) -> Any:
        if not isinstance(schema, dict):
            return schema
        whole = resolved(document, schema)
        if isinstance(whole.get("items"), dict) and "$ref" not in schema:
            return {**schema, "items": opened(schema["items"], f"{name}_item")}
        unions = [key for key in ("anyOf", "oneOf") if "$ref" not in schema and schema.get(key)]
        if len(unions) == 1:  # a value or null
            nulls = [each for each in schema[unions[0]] if each == {"type": "null"}]
            others = [each for each in schema[unions[0]] if each not in nulls]
            now = opened(others[0], name) if len(others) == 1 else None
            if now is None or now == others[0]:
                return schema
            rest = {key: value for key, value in schema.items() if key != unions[0]}
            return {**rest, "anyOf": [*(now["anyOf"] if now.keys() == {"anyOf"} else [now]), *nulls]}
        if "enum" not in whole or not all(isinstance(value, str | None) for value in whole["enum"]):
            return schema
        if "$ref" not in schema:
            name = _free(re.sub(r"\W+", "_", name), schemas)
            schemas[name] = schema
            schema = {"$ref": _target(name)}
        return {"anyOf": [schema, {"type": "string"}]}

    for path, method, operation in operations(document):
        own = operation.get("operationId", f"{method}_{path}")
        for owner, holder in ((path.strip("/"), document["paths"][path]), (own, operation)):
            for given in holder.get("parameters", ()):
                parameter = resolved(document, given)
                # A class is named after what several operations share, a component or a path, not after the first of
                # them: a new operation renames nothing.
                shared = given["$ref"].rpartition("/")[2] if "$ref" in given else f"{owner}_{parameter['name']}"
                parameter["schema"] = opened(parameter.get("schema"), shared)
    return document


def prune(document: dict[str, Any]) -> dict[str, Any]:
    """Drop components that no operation refers to: each would become a class that nobody meets."""
    kept = reached(document, document["paths"])
    components = document.get("components", {})
    left = {kind: {name: content for name, content in found.items() if name in kept.get(kind, {})}
            for kind, found in components.items() if kind != "securitySchemes"}  # fmt: skip
    if "securitySchemes" in components:
        left["securitySchemes"] = components["securitySchemes"]
    return {**document, "components": {kind: found for kind, found in left.items() if found}}


def split(document: dict[str, Any]) -> dict[str, Any]:
    """Give request bodies schemas of their own, `<Name>Input`, where a schema is used on both sides.

    What is sent is a dictionary in which a key may be absent; what is received is a row in which it may be null.
    Parameters are sent as well; form bodies get `<Name>Form` in the same way.
    """
    for suffix, is_side in (("Form", _is_form), ("Input", _is_json)):
        bodies = [schema for schema, sent_as in _sent_schemas(document) if is_side(sent_as)]
        others: list[Any] = [schema for schema, sent_as in _sent_schemas(document) if not is_side(sent_as)]
        others += [{"responses": each.get("responses", {})} for _, _, each in operations(document)]
        mine = reached(document, bodies).get("schemas", {})
        theirs = reached(document, others).get("schemas", {})
        both = {name for name in mine if name in theirs and _has_object(document, name)}
        if not both:
            continue
        schemas = document["components"]["schemas"]
        names = {name: _free(name + suffix, schemas) for name in both}
        targets = {_target(name): _target(new) for name, new in names.items()}

        def change(node: dict[str, Any], targets: dict[str, str] = targets) -> dict[str, Any]:
            target = node.get("$ref")
            return {**node, "$ref": targets[target]} if isinstance(target, str) and target in targets else node

        copies = {new: rebuild(schemas[name], change) for name, new in names.items()}
        only_mine = {name: rebuild(schemas[name], change) for name in mine if name not in theirs}
        document["components"]["schemas"] = {**schemas, **only_mine, **dict(sorted(copies.items()))}
        for schema, sent_as in _sent_schemas(document):
            if is_side(sent_as):
                changed = rebuild(schema, change)
                schema.clear()
                schema.update(changed)
    return document


def _free(name: str, taken: Container[str]) -> str:
    """Return the name, or the first of it with a number that is not taken."""
    return next(each for each in [name, *(f"{name}{number}" for number in range(2, 100))] if each not in taken)


def _is_json(content_type: str) -> bool:
    return _preference(content_type) == 0


def _is_form(content_type: str) -> bool:
    return not _is_json(content_type)


def _bodies(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for _, _, operation in operations(document):
        yield resolved(document, operation.get("requestBody", {}))


def _sent_schemas(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for body in _bodies(document):
        for content_type, media in body.get("content", {}).items():
            if "schema" in media:
                yield media["schema"], content_type
    for given in _parameters(document):
        schema = resolved(document, given).get("schema")
        if isinstance(schema, dict):
            yield schema, "application/json"


def _has_object(document: dict[str, Any], name: str) -> bool:
    schema = document["components"]["schemas"][name]
    return any(map(_is_object, [schema, *reached(document, schema).get("schemas", {}).values()]))


def _is_object(schema: Any) -> bool:
    if isinstance(schema, list):
        return any(map(_is_object, schema))
    if not isinstance(schema, dict):
        return False
    if "properties" in schema or schema.get("type") == "object" or "object" in (schema.get("type") or ()):
        return True
    return any(_is_object(value) for key, value in schema.items() if key not in DATA and key not in NAMED)


def _target(name: str) -> str:
    return f"#/components/schemas/{name.replace('~', '~0').replace('/', '~1')}"


_RULES: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (
    whole_discriminators,  # before names change, which are tags
    kinds_of_bases,
    rename,
    plain_ids,
    all_json_answers,
    other_answers,
    forget,
    referred_and_more,
    bases_of_their_branches,
    spread_unions,
    files_or_json,
    one_content,
    known_content,
    empty_answers,
    optional_headers,
    spread_security,
    listed_values,
    readable_enums,
    name_members,
    open_parameters,
    prune,
    no_endless_types,
    whole_objects,
    nullable_references,
    split,
    named_members,
    distinct_classes,
    distinct_properties,
    distinct_parameters,
    repeated_placeholders,
    parts_first,
)
