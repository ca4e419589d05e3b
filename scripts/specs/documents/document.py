"""OpenAPI documents as plain data: reading, writing, and walking them."""

import contextlib
import datetime as dt
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import yaml as libyaml  # type: ignore[import-untyped]
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.representer import SafeRepresenter

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# Below these keywords the keys are names that the author of the document chose, not keywords.
NAMED = frozenset(
    {
        "$defs", "callbacks", "content", "definitions", "dependentSchemas", "encoding", "headers", "links", "mapping",
        "parameters", "pathItems", "paths", "patternProperties", "properties", "requestBodies", "responses", "schemas",
        "scopes", "securitySchemes", "variables", "webhooks",
    }
)  # fmt: skip
# Below these keywords there is data, not schema.
DATA = frozenset({"const", "default", "enum", "example", "examples", "security"})
# Below these keywords there is text, which is not taken.
PROSE = frozenset({"description", "externalDocs", "summary", "title"})

# YAML 1.1 readers take these for booleans; Norway is among the countries.
_BOOLEAN_IN_YAML_1_1 = re.compile(r"y|n|yes|no|on|off|true|false", re.IGNORECASE)


# Of a document with its aliases written out: a few of them can stand for any number of values, and of characters.
MAX_VALUES = 1_000_000
MAX_CHARACTERS = 64_000_000


class _DoubledError(Exception):
    """An object has a key twice."""


class _TooLargeError(Exception):
    """A document is larger than ``MAX_VALUES`` or ``MAX_CHARACTERS``."""


class SpecError(Exception):
    """A document cannot be used, or a step failed. Nothing has been written."""


@contextlib.contextmanager
def as_spec_error(name: str) -> Iterator[None]:
    """Turn errors of code that expects a valid document into a SpecError."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise SpecError(f"{name} is not a valid document: {type(error).__name__}: {_one_line(error)}") from error


class _Representer(SafeRepresenter):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _represent_str(representer: SafeRepresenter, text: str) -> ScalarNode:
    style = "'" if _BOOLEAN_IN_YAML_1_1.fullmatch(text) else None
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_list(representer: SafeRepresenter, items: list[Any]) -> SequenceNode:
    flow = all(not isinstance(item, dict | list) for item in items)
    return representer.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flow)


_Representer.add_representer(str, _represent_str)
_Representer.add_representer(list, _represent_list)


def parse(text: str, name: str) -> dict[str, Any]:
    """Return the document in `text`, JSON or YAML."""
    try:
        document = _from_json(_few(text)) if text.lstrip().startswith("{") else json.loads(_as_json(text))
    except RecursionError:
        raise SpecError(f"{name} is nested too deeply, or a part of it contains itself") from None
    except _TooLargeError:
        limits = f"{MAX_VALUES:,} values or {MAX_CHARACTERS:,} characters"
        raise SpecError(f"{name} has more than {limits} with its aliases written out") from None
    except _DoubledError as error:
        raise SpecError(f"{name} has the key {error}; remove one of the two") from None
    except (YAMLError, ValueError) as error:
        raise SpecError(f"{name} is neither JSON nor YAML: {_one_line(error)}") from error
    if not isinstance(document, dict):
        raise SpecError(f"{name} is not an OpenAPI document")
    return document


def of_version_3(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the document with its version written out: `3.1` is 3.1.0, and in YAML a number.

    Raises:
        SpecError: It is of a version that is not read; the message says what to do.
    """
    said = document.get("openapi", document.get("swagger"))
    version = str(said)[:50] if isinstance(said, str | int | float) and not isinstance(said, bool) else ""
    if "openapi" not in document and version.startswith(("1.", "2")):
        raise SpecError(
            f"{name} is a Swagger {version} document; convert it to OpenAPI 3 first, with `npx swagger2openapi "
            f"{name} -o openapi.json` or at https://converter.swagger.io, and give the result"
        )
    if re.match(r"3\.2(\.|$)", version):
        raise SpecError(
            f"{name} is an OpenAPI {version} document, and only 3.0 and 3.1 are read; replace its version by 3.1.1, "
            "and remove what 3.2 added if it uses that: `query` and `additionalOperations` in paths, "
            "`in: querystring`, `itemSchema`"
        )
    if not version.startswith("3"):
        raise SpecError(f"{name} is not an OpenAPI 3 document")
    whole = {"3": "3.0.0", "3.0": "3.0.0", "3.1": "3.1.0"}.get(version, version)
    return {**document, "openapi": whole}


def _from_json(text: str) -> Any:
    """Return JSON data. A key that is there twice is an error where one of the two values would be lost.

    Raises:
        _DoubledError: There is one; the message says where.
    """
    doubled = False

    def noted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        found = dict(pairs)
        doubled = doubled or len(found) < len(pairs)
        return found

    document = json.loads(text, object_pairs_hook=noted)
    if doubled and (place := _doubled(json.loads(text, object_pairs_hook=_Pairs), ())):
        raise _DoubledError(f"{place[-1][:100]!r} twice, with different values, at {pointer(place)[:300]}")
    return document


class _Pairs(list[tuple[str, Any]]):
    """An object with all of its keys."""


def _doubled(node: Any, above: tuple[str, ...], *, named: bool = False) -> tuple[str, ...]:
    """Return where an object has a key twice, texts, examples and extensions aside; empty if nowhere."""
    seen: dict[str, Any] = {}
    for key, each in node if isinstance(node, _Pairs) else ():
        if not named and (key in PROSE or key in DATA or key.startswith("x-")):
            continue
        if seen.setdefault(key, each) != each:
            return (*above, key)
        if found := _doubled(each, (*above, key), named=not named and key in NAMED):
            return found
    if isinstance(node, list) and not isinstance(node, _Pairs):
        for at, each in enumerate(node):
            if found := _doubled(each, (*above, str(at))):
                return found
    return ()


def pointer(place: Iterable[str | int]) -> str:
    """Return a place in a document as a JSON pointer."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place) or "/"


def _few(text: str) -> str:
    # Each value follows one of these; texts hold some too.
    if sum(map(text.count, ",[{")) > 4 * MAX_VALUES:
        raise _TooLargeError
    return text


@lru_cache(maxsize=16)  # reading YAML takes long, and a document is read more than once
def _as_json(text: str) -> str:
    yaml = YAML(typ="safe", pure=True)
    node = _composed(text, yaml)
    if node is None:
        return "null"
    values, characters = _size(node, {})
    if values > MAX_VALUES or characters > MAX_CHARACTERS:
        raise _TooLargeError
    return json.dumps(_plain(yaml.constructor.construct_document(node)), default=str)


def _composed(text: str, yaml: YAML) -> Any:
    """Return the nodes of a document: scanned by libyaml, which is 10 times faster, with the types of YAML 1.2.

    What libyaml does not read is read once more by the other one, which says better what is wrong.
    """
    if text.startswith("%"):  # a directive says which version
        return yaml.compose(text)
    open_nodes: list[Node] = []
    anchors: dict[str, Node] = {}
    waiting: dict[int, Node] = {}  # by mapping: the key whose value comes next
    root: Node | None = None
    try:
        for event in libyaml.parse(text, Loader=libyaml.CSafeLoader):
            match event:
                case libyaml.AliasEvent():
                    node = anchors[event.anchor]
                case libyaml.ScalarEvent():
                    node = ScalarNode(_tag(event, ScalarNode, yaml), event.value, style=event.style or None)
                case libyaml.SequenceStartEvent():
                    node = SequenceNode(_tag(event, SequenceNode, yaml), [])
                case libyaml.MappingStartEvent():
                    node = MappingNode(_tag(event, MappingNode, yaml), [])
                case libyaml.CollectionEndEvent():
                    open_nodes.pop()
                    continue
                case libyaml.DocumentStartEvent() if root is not None:
                    return yaml.compose(text)
                case _:
                    continue
            if not isinstance(event, libyaml.AliasEvent) and event.anchor:
                anchors[event.anchor] = node
            if not open_nodes:
                root = node
            elif isinstance(open_nodes[-1], SequenceNode):
                open_nodes[-1].value.append(node)
            elif (key := waiting.pop(id(open_nodes[-1]), None)) is None:
                waiting[id(open_nodes[-1])] = node
            else:
                open_nodes[-1].value.append((key, node))
            if isinstance(event, libyaml.CollectionStartEvent):
                open_nodes.append(node)
    except (libyaml.YAMLError, LookupError):
        return yaml.compose(text)
    return root


def _tag(event: Any, kind: type[Node], yaml: YAML) -> Any:
    if event.tag is not None and event.tag != "!":
        return event.tag
    return yaml.resolver.resolve(kind, getattr(event, "value", None), event.implicit)


def _size(node: Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Return values and characters of a node, with those that aliases stand for; a node in itself has no end.

    This comes before any of it is constructed: merge keys copy what they merge, whatever it is.
    """
    if id(node) in known:
        return known[id(node)]
    if isinstance(node, ScalarNode):
        return 1, len(node.value)
    parts = chain.from_iterable(node.value) if isinstance(node, MappingNode) else node.value
    sizes = [_size(part, known) for part in parts]
    known[id(node)] = 1 + sum(values for values, _ in sizes), sum(characters for _, characters in sizes)
    return known[id(node)]


def _plain(node: Any) -> Any:
    """Return YAML data as JSON has it: keys such as `200` and dates become text."""
    if isinstance(node, dict):
        found = {_key(key): _plain(item) for key, item in node.items()}
        if len(found) < len(node):
            twice = next(key for key, count in Counter(map(_key, node)).items() if count > 1)
            raise _DoubledError(f"{twice[:100]!r} twice, once in quotes and once without")
        return found
    if isinstance(node, list):
        return [_plain(item) for item in node]
    return node.isoformat() if isinstance(node, dt.date) else node  # and datetime


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:300]}…"


def _key(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(key, default=str).strip('"')


def load(path: Path) -> dict[str, Any]:
    """Return the document in the file."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise SpecError(f"cannot read {path.name}: {error.strerror}") from error


def dump(document: dict[str, Any]) -> str:
    """Return the document as YAML, the same text for the same document."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 118
    yaml.allow_unicode = True
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation, in the order of the document."""
    for path, item in (document.get("paths") or {}).items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def rebuild(node: Any, change: Callable[[dict[str, Any]], dict[str, Any]], *, named: bool = False) -> Any:
    """Return a copy of `node` in which `change` has been applied to every mapping of keywords, outermost first."""
    if isinstance(node, list):
        return [rebuild(item, change) for item in node]
    if not isinstance(node, dict):
        return node
    if named:
        return {name: rebuild(item, change) for name, item in node.items()}
    return {
        key: item if key in DATA else rebuild(item, change, named=key in NAMED) for key, item in change(node).items()
    }


def references(node: Any, *, named: bool = False) -> Iterator[str]:
    """Yield the target of every `$ref` in `node`."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str):
            yield target
        for key, item in node.items():
            if named or key not in DATA:
                yield from references(item, named=not named and key in NAMED)


def component(document: dict[str, Any], target: str) -> tuple[str, str, Any]:
    """Return kind, name and content of the component that a `$ref` points to."""
    parts = target.split("/")
    if not target.startswith("#"):
        raise SpecError(f"the document refers to {target[:200]}, which is not in it; bundle it first")
    if len(parts) != 4 or parts[:2] != ["#", "components"]:
        raise SpecError(f"unsupported reference {target[:100]}; it must point to a component")
    kind, name = parts[2], parts[3].replace("~1", "/").replace("~0", "~")
    try:
        return kind, name, document["components"][kind][name]
    except KeyError:
        raise SpecError(f"the reference {target} points to nothing") from None


def resolved(document: dict[str, Any], node: Any) -> Any:
    """Return the node that `node` refers to, through any number of components; itself if it is no reference."""
    seen: list[str] = []
    while isinstance(node, dict) and isinstance(node.get("$ref"), str):
        if node["$ref"] in seen:
            raise SpecError(f"the reference {node['$ref']} points to itself")
        seen.append(node["$ref"])
        node = component(document, node["$ref"])[2]
    return node


def reached(document: dict[str, Any], start: Any) -> dict[str, dict[str, Any]]:
    """Return the components that `start` refers to, directly or not: kind, then name; in the order of reaching.

    Values of a schema with a discriminator may be of any schema that extends it, so those are reached with it, unless
    it is reached as a part of others only.
    """
    found: dict[str, dict[str, Any]] = {}
    waiting = list(references(start))
    values = dict.fromkeys(waiting)
    looked_at: set[str] = set()
    extended: dict[str, list[str]] | None = None
    while waiting:
        kind, name, content = component(document, waiting.pop(0))
        if kind != "schemas":
            resolved(document, content)
        if name not in found.setdefault(kind, {}):
            found[kind][name] = content
            waiting.extend(references(content))
            values |= dict.fromkeys(references(_without_parts(content)))
        if not waiting and any(map(is_base, found.get("schemas", {}).values())):
            extended = extensions(document) if extended is None else extended
            for target in [each for each in values if each not in looked_at]:
                if with_discriminator(document, target) is not None:
                    waiting += kinds_of(document, extended, target)
            looked_at |= values.keys()
    return found


def _without_parts(schema: Any) -> Any:
    """Return a schema without the references to what it extends; a single one may be a reference with notes."""
    parts = schema.get("allOf") if isinstance(schema, dict) else None
    if not isinstance(parts, list) or len(parts) < 2:
        return schema
    return {**schema, "allOf": [each for each in parts if not isinstance(each, dict) or "$ref" not in each]}


def with_discriminator(document: dict[str, Any], target: str) -> dict[str, Any] | None:
    """Return the schema that a schema has its discriminator of: itself, or one that it extends."""
    waiting, seen = [end_of(document, target)], set()
    while waiting:
        target = waiting.pop(0)
        if target in seen or not target.startswith(schema_target("")):
            continue
        seen.add(target)
        schema = component(document, target)[2]
        if is_base(schema):
            return dict(schema)
        parts = schema.get("allOf") if isinstance(schema, dict) else None
        parts = [each.get("$ref") for each in parts if isinstance(each, dict)] if isinstance(parts, list) else []
        waiting += [end_of(document, each) for each in parts if isinstance(each, str)]
    return None


def is_base(schema: Any) -> bool:
    """Whether a schema has a discriminator and lists no branches: its kinds are the schemas that extend it."""
    said = schema.get("discriminator") if isinstance(schema, dict) and not schema.keys() & {"anyOf", "oneOf"} else None
    return isinstance(said, dict) and isinstance(said.get("propertyName"), str)


def extensions(document: dict[str, Any]) -> dict[str, list[str]]:
    """Return the schemas that have each schema as a part of their `allOf`, both as targets of references."""
    found: dict[str, list[str]] = {}
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        parts = schema.get("allOf") if isinstance(schema, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and isinstance(part.get("$ref"), str):
                found.setdefault(end_of(document, part["$ref"]), []).append(schema_target(name))
    return found


def kinds_of(document: dict[str, Any], extended: dict[str, list[str]], base: str) -> list[str]:
    """Return what extends a schema, directly or not, and what its own discriminator's mapping lists besides."""
    found: dict[str, None] = {}
    waiting = [base]
    while waiting:
        more = [each for each in extended.get(waiting.pop(0), ()) if each not in found and each != base]
        found |= dict.fromkeys(more)
        waiting += more
    schema = component(document, base)[2]
    return list(found | dict.fromkeys(to for to in mapped(document, schema).values() if to != base))


def mapped(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, str]:
    """Return what the mapping of a discriminator says, by name or by reference, as far as there are such schemas."""
    schemas = document.get("components", {}).get("schemas", {})
    said = schema.get("discriminator")
    mapping = said.get("mapping") if isinstance(said, dict) else None
    targets = {schema_target(name) for name in schemas}
    return {
        value: to if to in targets else schema_target(to)
        for value, to in (mapping if isinstance(mapping, dict) else {}).items()
        if isinstance(to, str) and (to in targets or to in schemas)
    }


def schema_target(name: str) -> str:
    """Return how a schema is referred to."""
    return f"#/components/schemas/{name.replace('~', '~0').replace('/', '~1')}"


def end_of(document: dict[str, Any], target: str) -> str:
    """Return what a reference leads to, where schemas stand between that are references and no more."""
    seen = [target]
    while target.startswith("#/components/schemas/"):
        try:
            schema = component(document, target)[2]
        except SpecError:
            break
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str) or schema["$ref"] in seen:
            break
        target = schema["$ref"]
        seen.append(target)
    return target
