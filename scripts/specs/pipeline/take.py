"""Take the operations that `apis.toml` lists from an upstream document: names, types and values, but no prose."""

import re
from collections.abc import Container
from typing import Any

from specs.documents.document import METHODS, SpecError, operations, reached, rebuild
from specs.documents.generate import check, faulty

# Texts, and keys of the vendor's own tools, are the vendor's. Names, types and values are facts.
_PROSE = frozenset({"description", "example", "examples", "externalDocs", "summary", "title"})
_KEPT_EXTENSIONS = frozenset({"x-enum-varnames"})


def take(source: dict[str, Any], wanted: list[str], title: str) -> dict[str, Any]:
    """Return a document of the wanted operations (`"GET /v1/customers"`) and of what they refer to.

    Paths come in the order of `wanted`, components in the order in which they are reached and keywords sorted, so
    that the rest of the upstream document has no influence on the result.
    """
    if not re.fullmatch(r"3\.[0-2](\.\d+)?(-.*)?", str(source.get("openapi", ""))[:50]):
        raise SpecError("not an OpenAPI document of version 3.0, 3.1 or 3.2")
    found = {f"{method.upper()} {path}": (path, method, operation) for path, method, operation in operations(source)}
    missing = [name for name in wanted if name not in found]
    if missing:
        raise SpecError(f"the document has no {', '.join(missing)}")

    paths: dict[str, Any] = {}
    for name in wanted:
        path, method, operation = found[name]
        if "parameters" in source["paths"][path]:
            paths.setdefault(path, {})["parameters"] = source["paths"][path]["parameters"]
        paths.setdefault(path, {})[method] = operation

    components = reached(source, paths)
    security = [needs for item in paths.values() for operation in item.values() if isinstance(operation, dict)
                for needs in operation.get("security", source.get("security", []))]  # fmt: skip
    schemes = source.get("components", {}).get("securitySchemes", {})
    used = {name for needs in security for name in needs}
    components["securitySchemes"] = {name: scheme for name, scheme in schemes.items() if name in used}

    document = {
        "openapi": source["openapi"],
        "info": {"title": title, "version": str(source["info"]["version"])},
        "servers": [{"url": server["url"]} for server in source.get("servers", [])],
        "security": source.get("security", []),
        "paths": {path: rebuild(item, _facts) for path, item in paths.items()},
        "components": rebuild({kind: found for kind, found in components.items() if found}, _facts),
    }
    for _, _, operation in operations(document):
        operation["responses"] = _described(operation.get("responses", {}))
    if "responses" in document["components"]:
        document["components"]["responses"] = _described(document["components"]["responses"])
    return {key: value for key, value in document.items() if value}


def take_what_can_be(source: dict[str, Any], title: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a document of all operations that are complete and valid, and why the others are left out."""
    left_out: dict[str, str] = {}
    wanted = [f"{method.upper()} {path}" for path, method, _ in operations(source)]
    try:
        taken = take(source, wanted, title)
    except SpecError:
        for name in wanted:
            try:
                take(source, [name], title)
            except SpecError as error:
                left_out[name] = str(error)
        taken = take(source, [name for name in wanted if name not in left_out], title)
    while taken.get("paths"):
        try:
            invalid, elsewhere = faulty(taken, "the document")
        except SpecError:  # the validator itself fails on it
            invalid, elsewhere = _halved(taken, title), []
            if not invalid:
                raise
        if not invalid and elsewhere:
            invalid = _halved(taken, title)
        if not invalid:
            break
        left_out |= invalid
        taken = without(taken, invalid)
    if not taken.get("paths"):
        reasons = [f"{name}: {why}" for name, why in left_out.items()]
        raise SpecError("; ".join(["no operation of the document can be used", *reasons[:1]]))
    return taken, left_out


def _halved(taken: dict[str, Any], title: str) -> dict[str, str]:
    """Return the operations of an invalid document that are not valid by themselves: by halves, not one by one."""
    waiting = [[f"{method.upper()} {path}" for path, method, _ in operations(taken)]]
    invalid = {}
    while waiting:
        names = waiting.pop()
        try:
            check(take(taken, names, title), "what it refers to")
        except SpecError as error:
            if len(names) == 1:
                invalid[names[0]] = str(error)
            else:
                waiting += [names[len(names) // 2 :], names[: len(names) // 2]]
    return invalid


def plainer(document: dict[str, Any], failed: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a taken document in which schemas that cannot be classes are plain data, and which those are, and why.

    failed: by their names in the normalised document. Of those that only contain others that failed nothing is said.
    """
    schemas = document.get("components", {}).get("schemas", {})
    causes = {
        name: why for name, why in failed.items() if not re.search(r"find reference|not processed|not found", why)
    }
    found = {}
    for name, why in (causes or failed).items():
        given = next((each for each in _origins(name) if schemas.get(each)), None)
        if given is not None:
            found[given] = why
    plain = {name: {} if name in found else schema for name, schema in schemas.items()}
    return without({**document, "components": {**document.get("components", {}), "schemas": plain}}, ()), found


def _origins(name: str) -> list[str]:
    """Return the names that a schema may have in the document, before rules split, numbered or nested it."""
    outer = re.sub(r"_(type_\d+|item|additional_property)(_.*)?$", "", name)
    bare = [name, *(re.sub(r"_\d+$", "", each) for each in (name, outer))]
    return [*bare, *(re.sub(rf"{side}\d*$", "", each) for side in ("Input", "Form") for each in bare)]


def lost(source: dict[str, Any], wanted: list[str], old: dict[str, Any]) -> dict[str, str | None]:
    """Return the operations that the old document has and the new one lacks, and where each moved to, if it did."""
    here = {f"{method.upper()} {path}": each for path, method, each in operations(source)}
    before = {f"{method.upper()} {path}": each for path, method, each in operations(old)}
    gone: dict[str, str | None] = {}
    for name in wanted:
        if name in here or name not in before:
            continue
        known = before[name].get("operationId")
        by_id = [where for where, each in here.items() if known and each.get("operationId") == known]
        by_path = [where for where in here if _unversioned(where) == _unversioned(name)]
        gone[name] = next((where for where in [*by_id, *by_path] if where not in before), None)
    return gone


def _unversioned(where: str) -> str:
    return re.sub(r"{[^}]*}", "{}", re.sub(r"/v\d+(?=/)", "", where))


def only(document: dict[str, Any], names: Container[str]) -> dict[str, Any]:
    """Return a document with these operations alone, and all components."""
    paths = {
        path: {key: item for key, item in items.items() if key not in METHODS or f"{key.upper()} {path}" in names}
        for path, items in document["paths"].items()
    }
    return {**document, "paths": {path: items for path, items in paths.items() if set(METHODS) & items.keys()}}


def without(document: dict[str, Any], names: Container[str]) -> dict[str, Any]:
    """Return a taken document without these operations, and without components that only they use."""
    paths = {
        path: {key: item for key, item in items.items() if f"{key.upper()} {path}" not in names}
        for path, items in document.get("paths", {}).items()
    }
    paths = {path: items for path, items in paths.items() if set(METHODS) & items.keys()}
    kept = reached(document, paths)
    components = {
        kind: found if kind == "securitySchemes" else {name: item for name, item in found.items() if name in kept[kind]}
        for kind, found in document.get("components", {}).items()
        if kind == "securitySchemes" or kept.get(kind)
    }
    changed = {**document, "paths": paths, "components": components}
    return {key: value for key, value in changed.items() if value}


def _described(responses: dict[str, Any]) -> dict[str, Any]:
    """Give every response the description that OpenAPI requires; an empty one is no prose."""
    return {
        code: response if "$ref" in response else {"description": "", **response}
        for code, response in sorted(responses.items())
    }


def _facts(node: dict[str, Any]) -> dict[str, Any]:
    kept = {
        key: _whole(value)
        for key, value in sorted(node.items())
        if key not in _PROSE and (not key.startswith("x-") or key in _KEPT_EXTENSIONS)
    }
    if "responses" in kept:
        kept.pop("callbacks", None)  # requests that the server sends
    if isinstance(kept.get("servers"), list):
        kept["servers"] = [{"url": server["url"]} for server in kept["servers"]]
    if isinstance(kept.get("scopes"), dict):
        kept["scopes"] = dict.fromkeys(kept["scopes"], "")
    return kept


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
