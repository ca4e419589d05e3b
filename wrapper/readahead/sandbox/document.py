"""An OpenAPI document as the sandbox uses it: one operation, its parameters, and schemas without references."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import orjson
from attrs import field, frozen

from ..errors import UsageError, nearest

__all__ = ["Described", "Document", "Parameter", "Schema", "branches", "is_nullable", "types_of"]

#: A JSON schema whose references are followed and whose ``allOf`` is merged, at its own level.
Schema: TypeAlias = Mapping[str, Any]

_CHECKOUT: Final = Path(__file__).parents[3] / "openapi"
_DEEPEST = 40  # references that follow each other; a document may refer in a circle
_ANYTHING: Final[Schema] = {}


@frozen
class Parameter:
    """A parameter of an operation.

    Attributes:
        name: Its name on the wire.
        where: ``"query"``, ``"path"``, ``"header"`` or ``"cookie"``.
        schema: What values are like; of ``content``, what the JSON text holds.
        required: Whether a request must have it.
        style: How several values are written, as OpenAPI calls it.
        explode: Whether each of them is a parameter of its own.
        is_json: Whether it is JSON text.
    """

    name: str
    where: str
    schema: Schema = field(repr=False)
    required: bool
    style: str
    explode: bool
    is_json: bool


@frozen
class Described:
    """What the document says of one operation.

    Attributes:
        method: The HTTP method, in capital letters.
        path: The path template.
        parameters: Those of the path item included.
        body: The schema of a JSON body, if there is one.
        body_required: Whether a request must have it.
        answer: The schema of a response that succeeds.
        security: The alternatives of credentials: each holds the schemes that it needs together.
    """

    method: str
    path: str
    parameters: Sequence[Parameter]
    body: Schema | None
    body_required: bool
    answer: Schema
    security: Sequence[Sequence[Mapping[str, Any]]]


@frozen
class Document:
    """An OpenAPI document.

    Attributes:
        name: What it is called in the log of requests.
        members: All of it, as JSON data.
    """

    name: str
    members: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, source: str | PathLike[str] | Mapping[str, Any]) -> "Document":
        """Read a document.

        Args:
            source: A file of JSON or YAML, the name of an API in ``openapi/apis.toml`` of a clone, or the document.

        Raises:
            UsageError: There is no such file or API, or it is no OpenAPI document.
        """
        if isinstance(source, Mapping):
            title = source.get("info", {}).get("title")
            return cls._checked(title if isinstance(title, str) else "api", source)
        path = Path(source)
        if isinstance(source, str) and not path.suffix and not path.exists():
            return cls._checked(source, _read(_of_api(source)))
        if not path.is_file():
            raise UsageError(f"there is no file {str(path)!r}; give the path of an OpenAPI document")
        return cls._checked(path.stem, _read(path))

    @classmethod
    def _checked(cls, name: str, members: object) -> "Document":
        paths = cast("Mapping[str, Any]", members).get("paths") if isinstance(members, Mapping) else None
        if not isinstance(paths, Mapping):
            raise UsageError(f"{name!r} is not an OpenAPI document: it has no 'paths'")
        return cls(name, cast("Mapping[str, Any]", members))

    # ---- operations

    def operation(self, name: str) -> Described:
        """Return what it says of an operation, such as ``GET /v1/customers``.

        Raises:
            UsageError: It has no such operation.
        """
        method, _, path = name.partition(" ")
        item = self._operations.get(name)
        if item is None:
            near = " or ".join(map(repr, nearest(name, self._operations)))
            hint = f"; did you mean {near}?" if near else "; give the document that the client was generated from"
            raise UsageError(f"the document of {self.name!r} has no operation {name!r}{hint}")
        shared, operation = item
        parameters = {
            (one.name, one.where): one
            for node in (*shared.get("parameters", ()), *operation.get("parameters", ()))
            if (one := self._parameter(self.follow(node))) is not None
        }
        body = self.follow(operation.get("requestBody", _ANYTHING))
        return Described(
            method,
            path,
            tuple(parameters.values()),
            self._json(body),
            bool(body.get("required")),
            self._answer(operation) or _ANYTHING,
            self._security(operation),
        )

    @property
    def _operations(self) -> Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
        found: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
        for path, node in self.members["paths"].items():
            item = self.follow(node)
            for method in ("get", "post", "put", "patch", "delete"):
                if isinstance(item.get(method), Mapping):
                    found[f"{method.upper()} {path}"] = (item, item[method])
        return found

    def _parameter(self, node: Mapping[str, Any]) -> Parameter | None:
        name, where = node.get("name"), node.get("in")
        if not isinstance(name, str) or where not in {"query", "path", "header", "cookie"}:
            return None
        content = next(iter(node.get("content", {}).values()), None)
        style = node.get("style", "form" if where in {"query", "cookie"} else "simple")
        return Parameter(
            name,
            str(where),
            self.schema((content if content is not None else node).get("schema", _ANYTHING)),
            bool(node.get("required")),
            style,
            bool(node.get("explode", style == "form")),
            content is not None,
        )

    def _answer(self, operation: Mapping[str, Any]) -> Schema | None:
        responses = operation.get("responses", {})
        for status in sorted(responses, key=str):
            if str(status).upper() in {"200", "201", "202", "206", "2XX"}:
                schema = self._json(self.follow(responses[status]))
                if schema is not None:
                    return schema
        return self._json(self.follow(responses.get("default", _ANYTHING)))

    def _json(self, node: Mapping[str, Any]) -> Schema | None:
        """Return the schema of JSON among the contents of a body or response."""
        for kind, media in node.get("content", {}).items():
            if kind.partition(";")[0].strip().lower().endswith("json") or kind == "*/*":
                return self.schema(media.get("schema", _ANYTHING))
        return None

    def _security(self, operation: Mapping[str, Any]) -> Sequence[Sequence[Mapping[str, Any]]]:
        schemes = self.members.get("components", {}).get("securitySchemes", {})
        needed = operation.get("security", self.members.get("security", ()))
        return tuple(
            tuple(self.follow(schemes[name]) for name in alternative if name in schemes) for alternative in needed
        )

    # ---- schemas

    def follow(self, node: Any) -> Mapping[str, Any]:
        """Return what a reference stands for; anything else as it is. What is beside a reference comes first."""
        beside: dict[str, Any] = {}
        for _ in range(_DEEPEST):
            if not isinstance(node, Mapping):
                return beside
            members = cast("Mapping[str, Any]", node)
            reference = members.get("$ref")
            if not isinstance(reference, str):
                return {**members, **beside} if beside else members
            beside = {**{key: value for key, value in members.items() if key != "$ref"}, **beside}
            node = self._at(reference)
        return beside

    def _at(self, reference: str) -> Any:
        node: Any = self.members
        if not reference.startswith("#"):
            raise UsageError(
                f"the document of {self.name!r} refers to another file, {reference!r}; bundle the two, for example "
                "with `npx @redocly/cli bundle`"
            )
        for part in reference.removeprefix("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list):
                node = cast("list[Any]", node)[int(name)]
            else:
                node = cast("Mapping[str, Any]", node).get(name) if isinstance(node, Mapping) else None
        return node

    def schema(self, node: Any, deep: int = 0) -> Schema:
        """Return a schema with references followed and ``allOf`` merged."""
        found = self.follow(node)
        parts = found.get("allOf")
        if not isinstance(parts, list) or deep > _DEEPEST:
            return found
        merged: dict[str, Any] = {key: value for key, value in found.items() if key != "allOf"}
        for part in cast("list[Any]", parts):
            for key, value in self.schema(part, deep + 1).items():
                if key == "properties" and isinstance(merged.get(key), Mapping):
                    merged[key] = {**value, **merged[key]}
                elif key == "required" and isinstance(merged.get(key), list):
                    merged[key] = [*merged[key], *value]
                else:
                    merged.setdefault(key, value)
        return merged

    def member(self, schema: Schema, name: str) -> Schema | None:
        """Return the schema of a property, of whatever branch has it, or of an item of an array."""
        for branch in branches(self, schema):
            properties = branch.get("properties")
            if isinstance(properties, Mapping) and name in properties:
                return self.schema(properties[name])
            if name.isdecimal() and "items" in branch:
                return self.schema(branch["items"])
        return None

    def path(self, schema: Schema, path: str) -> tuple[str, ...]:
        """Return the members of a JSON path; a member whose own name has a dot is taken first."""
        members: list[str] = []
        rest = path
        while rest:
            inner = self.member(schema, rest)
            name, _, after = (rest, "", "") if inner is not None else rest.partition(".")
            members.append(name)
            schema = inner if inner is not None else self.member(schema, name) or _ANYTHING
            rest = after
        return tuple(members)

    def at(self, schema: Schema, path: Sequence[str]) -> Schema:
        """Return the schema of what is at a path; one that allows anything where the document does not say."""
        for name in path:
            schema = self.member(schema, name) or _ANYTHING
        return schema

    def items(self, schema: Schema) -> Schema:
        """Return the schema of the items of an array, of whatever branch is one."""
        for branch in branches(self, schema):
            if "items" in branch:
                return self.schema(branch["items"])
        return _ANYTHING


def types_of(schema: Schema) -> tuple[str, ...]:
    """Return the types that a schema names or implies, without null."""
    named = schema.get("type")
    if named is None:
        implied = {"properties": "object", "additionalProperties": "object", "items": "array"}
        return tuple(dict.fromkeys(kind for key, kind in implied.items() if key in schema))
    return tuple(kind for kind in ((named,) if isinstance(named, str) else named) if kind != "null")


def is_nullable(document: Document, schema: Schema) -> bool:
    """Whether null is one of the values."""
    named = schema.get("type")
    if schema.get("nullable") is True or named == "null" or (isinstance(named, list) and "null" in named):
        return True
    return any(
        is_nullable(document, document.schema(branch))
        for key in ("oneOf", "anyOf")
        for branch in cast("list[Any]", schema.get(key) or [])
    )


def branches(document: Document, schema: Schema, deep: int = 0) -> Iterator[Schema]:
    """Yield what a schema may be: itself, or each branch of ``oneOf`` and ``anyOf`` with what it shares; no null."""
    inner = [branch for key in ("oneOf", "anyOf") for branch in cast("list[Any]", schema.get(key) or [])]
    if not inner or deep > _DEEPEST:
        yield schema
        return
    shared = {key: value for key, value in schema.items() if key not in {"oneOf", "anyOf", "discriminator"}}
    for node in inner:
        branch = document.schema({"allOf": [node, shared]} if shared else node)
        if branch.get("type") != "null":
            yield from branches(document, branch, deep + 1)


# ---- files


def _of_api(name: str) -> Path:
    """Return the file of an API of the clone that this package runs in."""
    table = _CHECKOUT / "apis.toml"
    if not table.is_file():
        raise UsageError(f"{name!r} is no file, and only a clone of readahead knows APIs by name; give a path")
    apis = tomllib.loads(table.read_text("utf-8"))
    if name not in apis:
        near = " or ".join(map(repr, nearest(name, apis)))
        hint = f"; did you mean {near}?" if near else f"; it has {', '.join(apis)}"
        raise UsageError(f"{table} has no API {name!r}{hint}")
    return _CHECKOUT / str(apis[name].get("document", f"{name}.yaml"))


def _read(path: Path) -> Any:
    text = path.read_bytes()
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if path.suffix == ".json":
            raise UsageError(f"{path} is not JSON: {error}") from None
    try:
        import yaml  # type: ignore[import-untyped]  # noqa: PLC0415  an extra
    except ModuleNotFoundError:
        raise UsageError(
            f"{path} is YAML, which needs an extra: pip install 'readahead[sandbox]'; or give the document as JSON"
        ) from None
    try:
        return yaml.load(text, Loader=_loader(yaml))  # noqa: S506  a subclass of the safe one
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from None


def _loader(yaml: Any) -> Any:
    """Return a safe loader by which dates stay text and ``yes`` and ``on`` are no booleans, as in YAML 1.2."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    dropped = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in dropped]
        for first, resolvers in Loader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), [*"tTfF"]
    )
    return Loader
