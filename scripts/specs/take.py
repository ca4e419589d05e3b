"""Take from an upstream document what `apis.toml` lists: facts, no prose."""

from typing import Any

from specs.document import SpecError, operations, reached, rebuild

# Texts, and keys of the vendor's own tools, are the vendor's. Names, types and values are facts.
_PROSE = frozenset({"description", "example", "examples", "externalDocs", "summary", "title"})
_KEPT_EXTENSIONS = frozenset({"x-enum-varnames"})


def take(source: dict[str, Any], wanted: list[str], title: str) -> dict[str, Any]:
    """Return a document of the wanted operations (`"GET /v1/customers"`) and of what they refer to.

    Paths come in the order of `wanted`, components in the order in which they are reached and keywords sorted, so
    that the rest of the upstream document has no influence on the result.
    """
    if not str(source.get("openapi", "")).startswith("3."):
        raise SpecError("not an OpenAPI 3 document")
    found = {f"{method.upper()} {path}": (path, method, operation) for path, method, operation in operations(source)}
    missing = [name for name in wanted if name not in found]
    if missing:
        raise SpecError(f"not in the document: {', '.join(missing)}")

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


def _described(responses: dict[str, Any]) -> dict[str, Any]:
    """A response must have a description; an empty one is nobody's prose."""
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
    if isinstance(kept.get("scopes"), dict):
        kept["scopes"] = dict.fromkeys(kept["scopes"], "")
    return kept


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
