"""Rules about names: two that become one in Python, and placeholders that the generator does not read."""

import contextlib
import copy
import hashlib
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from openapi_python_client.config import ClassOverride
from openapi_python_client.strings import ClassName, PythonIdentifier

from specs.documents.document import operations, rebuild, references, resolved

WIRE = "x-readahead-wire"  # in the whole document: of a property under another name, the one on the wire

# What generated modules import, and a class of the same name would hide.
_IMPORTED = {
    *(
        "Any",
        "AuthenticatedClient",
        "BytesIO",
        "Client",
        "ClassVar",
        "File",
        "FileTypes",
        "Final",
        "IntEnum",
        "Literal",
    ),
    *("Mapping", "OpenStr", "RequestFiles", "Required", "Response", "Row", "Self", "TypeAlias", "TypeVar", "TypedDict"),
    *("RequestBuilder", "UUID", "UnexpectedResponse", "Unset"),
    *("ANSWER", "NAMES", "OPERATION", "PARAMETERS", "ParameterInfo"),
}
_PLACEHOLDER = re.compile(r"{([^}]+)}")
_READ_PLACEHOLDER = re.compile(r"[a-zA-Z_-][a-zA-Z0-9_-]*")


_REPEATED = "_again_"
LONGEST = 120  # bytes of the name of a module: file systems allow 255, and compiled files have longer names


def python_name(wire: str) -> str:
    """Return the name that a field, key or argument has in Python."""
    return str(PythonIdentifier(wire, "field_"))


def as_python_reads(name: str) -> str:
    """Return a name in the form to which Python brings every identifier, NFKC: only so a module is found by it."""
    return unicodedata.normalize("NFKC", name)


def class_name(schema: str) -> str:
    """Return the name of the class of a schema."""
    return shortened(str(ClassName(schema, "Model")))


def shortened(name: str) -> str:
    """Return a name whose module has a name that a file may have; the same name for the same one."""
    if name.startswith("ClassVar"):  # attrs takes an annotation that begins like this for no field
        name = f"Model{name}"
    if len(python_name(name).encode()) <= LONGEST:
        return name
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    while len(python_name(f"{name}{number}").encode()) > LONGEST:
        name = name[: len(name) - max(1, len(name) // 20)]
    return f"{name}{number}"


class ShortClasses(dict[str, ClassOverride]):
    """The generator's own table of other names for classes, in which those are that are too long for a file."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return the other name of the class, if it needs one."""
        short = shortened(name)
        return default if short == name else ClassOverride.model_validate({"class_name": short})


def plain_ids(document: dict[str, Any]) -> dict[str, Any]:
    """Give operations and tags names that their modules and packages can have."""
    for path, method, operation in operations(document):
        said = operation.get("operationId")
        name = said or f"{method}_{path}"
        if (new := shortened(as_python_reads(name))) != name:
            operation["operationId"] = new
        if isinstance(operation.get("tags"), list):
            operation["tags"] = [shortened(as_python_reads(str(tag))) for tag in operation["tags"]]
    return document


def read_placeholders(document: dict[str, Any]) -> dict[str, Any]:
    """Give parameters in paths names that the generator reads; they are never sent, so any name serves."""
    paths = {}
    for path, item in (document.get("paths") or {}).items():
        odd = [name for name in _PLACEHOLDER.findall(path) if not _READ_PLACEHOLDER.fullmatch(name)]
        new = {
            name: re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or f"part_{at}" for at, name in enumerate(odd)
        }
        new = {name: text if _READ_PLACEHOLDER.fullmatch(text) else f"part_{text}" for name, text in new.items()}
        if new:
            for owner in [item, *(each for key, each in item.items() if isinstance(each, dict))]:
                if "parameters" in owner:
                    owner["parameters"] = [_renamed(document, each, new) for each in owner["parameters"]]
        parts = re.split(r"({[^}]+})", path)
        paths["".join(f"{{{new[part[1:-1]]}}}" if part[1:-1] in new else part for part in parts)] = item
    return {**document, "paths": paths}


def _renamed(document: dict[str, Any], given: dict[str, Any], new: dict[str, str]) -> dict[str, Any]:
    parameter = resolved(document, given)
    if parameter.get("in") != "path" or parameter["name"] not in new:
        return given
    return {**parameter, "name": new[parameter["name"]]}


def named_parts(document: dict[str, Any]) -> dict[str, Any]:
    """Make components of whatever else in the document is referred to: the generator follows no other references."""
    components = document.setdefault("components", {})
    moved: dict[str, str] = {}
    for target in dict.fromkeys(references(document)):
        parts = [part.replace("~1", "/").replace("~0", "~") for part in unquote(target).split("/")]
        if parts[0] != "#" or len(parts) < 4:
            continue
        if parts[1] == "components" and len(parts) == 4:
            moved[target] = _pointer(*parts[1:])
            continue
        node: Any = document
        with contextlib.suppress(LookupError, TypeError, ValueError):
            for part in parts[1:]:
                node = node[int(part) if isinstance(node, list) else part]
            kind = next((each for each in ("parameters", "responses") if parts[-2] == each), "schemas")
            (name,) = _plain_names(["_".join(parts[2:])], components.get(kind, {})).values()
            components.setdefault(kind, {})[name] = copy.deepcopy(node)
            moved[target] = _pointer("components", kind, name)
    return _moved(document, moved)


def plain_components(document: dict[str, Any]) -> dict[str, Any]:
    """Give components names that OpenAPI allows: code can be made of others as well, but they are not valid."""
    components = document.get("components", {})
    names = {kind: _plain_names(found, ()) for kind, found in components.items() if kind != "securitySchemes"}
    document = _moved(
        document,
        {
            _pointer("components", kind, name): _pointer("components", kind, new)
            for kind, found in names.items()
            for name, new in found.items()
        },
    )
    for kind, found in names.items():
        document["components"][kind] = {new: document["components"][kind][name] for name, new in found.items()}
    return document


def _plain_names(names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^a-zA-Z0-9._-]+", "_", name).strip("_") or "part"
        others = {*taken, *names, *found.values()} - {name}
        numbered = (f"{plain}_{number}" for number in itertools.count(2))
        found[name] = next(each for each in itertools.chain([plain], numbered) if each not in others)
    return found


def _moved(document: dict[str, Any], moved: dict[str, str]) -> dict[str, Any]:
    def change(node: dict[str, Any]) -> dict[str, Any]:
        target = node.get("$ref")
        return {**node, "$ref": moved[target]} if isinstance(target, str) and target in moved else node

    changed: dict[str, Any] = rebuild(document, change)
    return changed


def _pointer(*parts: str) -> str:
    return "/".join(["#", *(part.replace("~", "~0").replace("/", "~1") for part in parts)])


def distinct_classes(document: dict[str, Any]) -> dict[str, Any]:
    """Give schemas names that are still different as names of classes: of two alike the generator drops one.

    That goes for classes that it makes itself, of objects and enumerations inside others, and for imported ones too.
    """
    schemas = document.get("components", {}).get("schemas", {})
    inner = set(_inner_classes(document))
    taken = _IMPORTED | inner | {f"{PythonIdentifier(name, 'field_')}.py" for name in inner}
    names: dict[str, str] = {}
    for name in schemas:
        # of scripts without capitals a class could be called like one of its fields
        plain = as_python_reads(name)
        new, number = plain if str(ClassName(plain, "Model")) != python_name(plain) else f"Model {plain}", 2
        while not _names_of(new).isdisjoint(taken) or (new != name and new in schemas):
            new, number = f"{name}_{number}", number + 1
        taken |= _names_of(new)
        names[name] = new
    changed = {name: new for name, new in names.items() if name != new}
    if not changed:
        return document
    targets = {_target(name): _target(new) for name, new in changed.items()}

    def change(node: dict[str, Any]) -> dict[str, Any]:
        if isinstance(node.get("$ref"), str):
            node = {**node, "$ref": targets.get(node["$ref"], node["$ref"])}
        if isinstance(node.get("mapping"), dict):
            node = {**node, "mapping": {key: targets.get(to, to) for key, to in node["mapping"].items()}}
        if isinstance(node.get("defaultMapping"), str):
            node = {**node, "defaultMapping": targets.get(node["defaultMapping"], node["defaultMapping"])}
        return node

    document = rebuild(document, change)
    document["components"]["schemas"] = {
        names[name]: schema for name, schema in document["components"]["schemas"].items()
    }
    return document


def _names_of(schema: str) -> set[str]:
    """Return the names of its class and of its file, which differ where only capitals tell two classes apart."""
    name = class_name(schema)
    return {name, f"{PythonIdentifier(name, 'field_')}.py"}


def _target(name: str) -> str:
    return f"#/components/schemas/{name.replace('~', '~0').replace('/', '~1')}"


def _inner_classes(document: dict[str, Any]) -> Iterator[str]:
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        yield from _below(schema, name, itself=False)
    for path, method, operation in operations(document):
        name = operation.get("operationId", f"{method}_{path}")
        for parameter in operation.get("parameters", ()):
            yield from _below(parameter.get("schema"), f"{name}_{parameter.get('name')}")
        for media in operation.get("requestBody", {}).get("content", {}).values():
            yield from _below(media.get("schema"), f"{name}_body")
        for code, response in operation.get("responses", {}).items():
            for media in response.get("content", {}).values():
                yield from _below(media.get("schema"), f"{name}_response_{code}")


def _below(schema: Any, name: str, *, itself: bool = True) -> Iterator[str]:
    if not isinstance(schema, dict) or "$ref" in schema:
        return
    if itself and (schema.get("type") == "object" or schema.keys() & {"properties", "enum"}):
        yield str(ClassName(name, "Model"))
    for key, inner in schema.get("properties", {}).items():
        yield from _below(inner, f"{name}_{key}")
    yield from _below(schema.get("items"), f"{name}_item")
    yield from _below(schema.get("additionalProperties"), f"{name}_additional_property")
    for number, inner in enumerate([*schema.get("anyOf", ()), *schema.get("oneOf", ())]):
        yield from _below(inner, f"{name}_type_{number}")
    for inner in schema.get("allOf", ()):
        yield from _below(inner, name, itself=False)


def distinct_properties(document: dict[str, Any]) -> dict[str, Any]:
    """Give properties of one object that would have one name in Python names of their own; the wire keeps its names."""
    wire: dict[str, str] = {}
    known = _wire_names(document)

    def change(node: dict[str, Any]) -> dict[str, Any]:
        properties = node.get("properties")
        if not isinstance(properties, dict):
            return node
        taken: set[str] = set()
        names = {}
        for name in properties:
            new, number = as_python_reads(name), 2
            while python_name(new) in taken or (new != name and (new in known or wire.get(new, name) != name)):
                new, number = f"{python_name(as_python_reads(name))}_{number}", number + 1
            taken.add(python_name(new))
            names[name] = new
            if new != name:
                wire[new] = name
        if all(name == new for name, new in names.items()):
            return node
        node = {**node, "properties": {names[name]: schema for name, schema in properties.items()}}
        if isinstance(node.get("required"), list):
            node["required"] = [names.get(name, name) for name in node["required"]]
        return node

    document = rebuild(document, change)
    return {**document, WIRE: wire} if wire else document


def distinct_parameters(document: dict[str, Any]) -> dict[str, Any]:
    """Give parameters of one operation that would have one name in Python names of their own, as with properties.

    `since`, `since<` and `since>` are `since`, `since_lt` and `since_gt`.
    """
    wire = dict(document.get(WIRE, {}))
    names = _wire_names(document) | wire.keys()

    def distinct(given: dict[str, Any], taken: dict[tuple[str, str], str]) -> dict[str, Any]:
        parameter = resolved(document, given)
        name = parameter["name"]
        new = as_python_reads(name) if parameter.get("in") != "path" else name
        place = parameter.get("in")
        spelled, number = new.replace("<", " lt").replace(">", " gt"), 2
        while taken.get((place, python_name(new)), name) != name or (new != name and new in names):
            new = spelled if new == name != spelled else f"{spelled} {number}"
            number += new != spelled
        taken[place, python_name(new)] = name
        if new == name:
            return given
        wire[new] = name
        return {**parameter, "name": new}

    for item in document["paths"].values():
        above: dict[tuple[str, str], str] = {}
        if "parameters" in item:
            item["parameters"] = [distinct(given, above) for given in item["parameters"]]
        for operation in (each for each in item.values() if isinstance(each, dict) and "parameters" in each):
            taken = dict(above)
            operation["parameters"] = [distinct(given, taken) for given in operation["parameters"]]
    return {**document, WIRE: wire} if wire else document


def _wire_names(document: dict[str, Any]) -> set[str]:
    """Return the names of all properties and parameters: none of them stands for another one."""
    names = {str(resolved(document, given)["name"]) for given in _parameters(document)}

    def note(node: dict[str, Any]) -> dict[str, Any]:
        if isinstance(node.get("properties"), dict):
            names.update(node["properties"])
        return node

    rebuild(document, note)
    return names


def repeated_placeholders(document: dict[str, Any]) -> dict[str, Any]:
    """Tell places of a path apart that one parameter fills, which the generator does not read; see `is_repeated`."""
    paths = {}
    for path, item in document["paths"].items():
        counts: Counter[str] = Counter()

        def numbered(match: re.Match[str], counts: Counter[str] = counts) -> str:
            counts[match[1]] += 1
            return f"{{{match[1]}{_REPEATED}{counts[match[1]]}}}" if counts[match[1]] > 1 else match[0]

        new = _PLACEHOLDER.sub(numbered, path)
        for owner in [item, *(each for each in item.values() if isinstance(each, dict))] if new != path else []:
            for given in list(owner.get("parameters", ())):
                parameter = resolved(document, given)
                if parameter.get("in") == "path":
                    again = (f"{parameter['name']}{_REPEATED}{at}" for at in range(2, counts[parameter["name"]] + 1))
                    owner["parameters"] = [*owner["parameters"], *({**parameter, "name": name} for name in again)]
        paths[new] = item
    return {**document, "paths": paths}


def is_repeated(parameter: str) -> bool:
    """Whether a parameter of a normalised path only stands in one more place of another one."""
    return _REPEATED in parameter


def unrepeated(path: str) -> str:
    """Return the path with its parameters in all of their places."""
    return re.sub(rf"{_REPEATED}\d+(?=}})", "", path)


def _parameters(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        for owner in (item, *(each for each in item.values() if isinstance(each, dict))):
            yield from owner.get("parameters", ())
