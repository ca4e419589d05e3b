"""Rules that turn a valid document into one that the generator reads completely, each with its reason.

They hold for any document. What is peculiar to one API belongs in its overlay.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from specs.document import DATA, NAMED, SpecError, component, operations, reached, rebuild

NAME = "x-readahead-name"


def repair(document: dict[str, Any]) -> dict[str, Any]:
    """Return a valid document: mend what published documents get wrong often, without changing what they say.

    A boolean `required` inside a property belongs to OpenAPI 2 parameters; an empty `enum` allows no value at all,
    which is never meant; a parameter that a path names but no operation declares is text, like the path.
    """

    def change(node: dict[str, Any]) -> dict[str, Any]:
        is_parameter = "in" in node and "name" in node
        is_body = "content" in node
        return {
            key: value
            for key, value in node.items()
            if not (key == "required" and isinstance(value, bool) and not is_parameter and not is_body)
            and not (key == "enum" and value == [])
        }

    mended: dict[str, Any] = rebuild(document, change)
    for path, _, operation in operations(mended):
        declared = [*mended["paths"][path].get("parameters", []), *operation.get("parameters", [])]
        whole = [component(mended, each["$ref"])[2] if "$ref" in each else each for each in declared]
        missing = [name for name in re.findall(r"{([^}]+)}", path) if name not in {each["name"] for each in whole}]
        if missing:
            operation["parameters"] = [
                *operation.get("parameters", []),
                *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in missing),
            ]
    return mended


def normalise(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document as the generator should see it."""
    for rule in (rename, forget, one_content, spread_security, name_members, prune, split):
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
        raise SpecError(f"two schemas would be named {', '.join(twice)}")
    targets = {_target(old): _target(new) for old, new in names.items()}

    def change(node: dict[str, Any]) -> dict[str, Any]:
        node = {key: value for key, value in node.items() if key != NAME}
        if isinstance(node.get("$ref"), str):
            node["$ref"] = targets.get(node["$ref"], node["$ref"])
        if isinstance(node.get("mapping"), dict):
            node["mapping"] = {value: targets.get(target, target) for value, target in node["mapping"].items()}
        return node

    renamed: dict[str, Any] = rebuild(document, change)
    if schemas:
        moved = renamed["components"]["schemas"]
        renamed["components"]["schemas"] = {names[old]: schema for old, schema in moved.items()}
    return renamed


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


def _preference(content_type: str) -> int:
    bare = content_type.split(";", maxsplit=1)[0].strip().lower()
    if bare == "application/json" or bare.endswith("+json"):
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
        values = list(dict.fromkeys(node.get("enum", ())))
        texts = [value for value in values if value is not None]
        if not texts or not all(isinstance(text, str) for text in texts):
            return node
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
    Form bodies get `<Name>Form` in the same way.
    """
    for suffix, is_side in (("Form", _is_form), ("Input", _is_json)):
        bodies = [schema for schema, sent_as in _body_schemas(document) if is_side(sent_as)]
        others: list[Any] = [schema for schema, sent_as in _body_schemas(document) if not is_side(sent_as)]
        others += list(_not_body(document))
        mine = reached(document, bodies).get("schemas", {})
        theirs = reached(document, others).get("schemas", {})
        both = {name for name in mine if name in theirs and _has_object(document, name)}
        if not both:
            continue
        schemas = document["components"]["schemas"]
        targets = {_target(name): _target(name + suffix) for name in both}
        if taken := sorted(name + suffix for name in both if name + suffix in schemas):
            raise SpecError(f"schemas to be split, but these names are taken: {', '.join(taken)}")

        def change(node: dict[str, Any], targets: dict[str, str] = targets) -> dict[str, Any]:
            target = node.get("$ref")
            return {**node, "$ref": targets[target]} if isinstance(target, str) and target in targets else node

        copies = {name + suffix: rebuild(schemas[name], change) for name in both}
        only_mine = {name: rebuild(schemas[name], change) for name in mine if name not in theirs}
        document["components"]["schemas"] = {**schemas, **only_mine, **dict(sorted(copies.items()))}
        for schema, sent_as in _body_schemas(document):
            if is_side(sent_as):
                changed = rebuild(schema, change)
                schema.clear()
                schema.update(changed)
    return document


def _is_json(content_type: str) -> bool:
    return _preference(content_type) == 0


def _is_form(content_type: str) -> bool:
    return not _is_json(content_type)


def _bodies(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for _, _, operation in operations(document):
        body = operation.get("requestBody", {})
        while "$ref" in body:
            body = component(document, body["$ref"])[2]
        yield body


def _body_schemas(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for body in _bodies(document):
        for content_type, media in body.get("content", {}).items():
            if "schema" in media:
                yield media["schema"], content_type


def _not_body(document: dict[str, Any]) -> Iterator[Any]:
    for item in document["paths"].values():
        yield item.get("parameters", [])
    for _, _, operation in operations(document):
        yield [operation.get("parameters", []), operation.get("responses", {})]


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
