"""Requests against the document: what a parameter or a body must be, and what is wrong with this one."""

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import orjson
from attrs import frozen

from ..errors import nearest
from .document import Described, Document, Parameter, Schema, branches, is_nullable, types_of
from .service import Call

__all__ = ["Checker", "complaint", "credentials_missing"]

_INTEGER: Final = re.compile(r"[+-]?\d{1,400}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DELIMITERS: Final = {"spaceDelimited": " ", "pipeDelimited": "|"}
_JSON_TYPES: Final[Sequence[tuple[str, type | tuple[type, ...]]]] = (
    ("boolean", bool),
    ("integer", int),
    ("number", (int, float)),
    ("string", str),
    ("array", list),
    ("object", Mapping),
)
#: Headers that a document may list and OpenAPI leaves to the transport.
_OF_THE_TRANSPORT: Final = frozenset({"accept", "content-type", "authorization"})


@frozen
class Checker:
    """Checks requests of one operation.

    Attributes:
        document: Where it is described.
        described: The operation.
        undocumented: Names in the query that are allowed besides those of the document.
    """

    document: Document
    described: Described
    undocumented: frozenset[str] = frozenset()

    def fault(self, call: Call) -> str | None:
        """Return what is wrong with a request; None if it is as documented."""
        return next(self._faults(call), None)

    def _faults(self, call: Call) -> Iterator[str]:
        query: dict[str, list[str]] = {}
        for name, value in call.query.multi_items():
            query.setdefault(name, []).append(value)
        known: set[str] = set(self.undocumented)
        for parameter in self.described.parameters:
            if parameter.where == "query":
                names = self._names(parameter, query)
                known |= names
                found = {name: query[name] for name in sorted(names) if name in query}
                if parameter.required and not found:
                    yield f"the parameter {parameter.name!r} is required"
                for name, texts in found.items():
                    if wrong := self._of_texts(parameter, name, texts):
                        yield f"{name}: {wrong}"
            elif parameter.where == "path":
                if wrong := self._of_texts(parameter, parameter.name, [call.path_params[parameter.name]]):
                    yield f"{parameter.name}: {wrong}"
            elif parameter.where == "header" and parameter.name.lower() not in _OF_THE_TRANSPORT:
                header = call.headers.get(parameter.name)
                if header is None and parameter.required:
                    yield f"the header {parameter.name!r} is required"
                if header is not None and (wrong := self._of_texts(parameter, parameter.name, [header])):
                    yield f"{parameter.name}: {wrong}"
        for name in query:
            if name not in known:
                near = nearest(name, known)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                yield f"there is no parameter {name!r}{hint}"
        yield from self._of_body(call)

    def _names(self, parameter: Parameter, query: Iterable[str]) -> set[str]:
        """Return the names in a query that belong to a parameter."""
        schema, name = parameter.schema, parameter.name
        names = {name}
        for branch in branches(self.document, schema):
            if "object" in types_of(branch) and not parameter.is_json:
                if parameter.style == "deepObject":
                    names |= {one for one in query if one.startswith(f"{name}[")}
                elif parameter.explode:
                    names |= set(branch.get("properties", {}))
        return names

    def _of_texts(self, parameter: Parameter, name: str, texts: list[str]) -> str | None:
        schema, document = parameter.schema, self.document
        if name != parameter.name:  # a member of an object
            inner = re.findall(r"\[([^\]]*)\]", name) if parameter.style == "deepObject" else [name]
            schema = document.at(schema, [part for part in inner if part])
        if parameter.is_json:
            try:
                return complaint(document, schema, orjson.loads(texts[0]))
            except orjson.JSONDecodeError:
                return f"it must be JSON, not {texts[0]!r}"
        wrong = "it cannot be read"
        for branch in branches(document, schema):
            values: list[Any] = texts
            if "array" in types_of(branch):
                if not parameter.explode and parameter.style != "deepObject":
                    values = texts[0].split(_DELIMITERS.get(parameter.style, ",")) if len(texts) == 1 else texts
                items = document.items(branch)
                decoded = [_decoded(document, items, text) for text in values]
                found = complaint(document, branch, decoded)
            elif len(texts) > 1:
                found = "it takes one value, not several"
            else:
                found = complaint(document, branch, _decoded(document, branch, texts[0]))
            if found is None:
                return None
            wrong = found
        return wrong

    def _of_body(self, call: Call) -> Iterator[str]:
        if self.described.body is None:
            return
        if not call.body:
            if self.described.body_required:
                yield "the body is missing"
            return
        try:
            body: object = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            yield f"the body is not JSON: {error.msg}"
            return
        if wrong := complaint(self.document, self.described.body, body):
            yield f"body: {wrong}"


def credentials_missing(described: Described, call: Call) -> bool:
    """Whether a request carries none of the credentials that the document names as alternatives."""
    alternatives = described.security
    return bool(alternatives) and not any(all(_carries(scheme, call) for scheme in each) for each in alternatives)


def _carries(scheme: Mapping[str, Any], call: Call) -> bool:
    name = str(scheme.get("name", ""))
    match scheme.get("type"), scheme.get("in"):
        case "apiKey", "query":
            return bool(call.query.get(name))
        case "apiKey", "cookie":
            return f"{name}=" in call.headers.get("cookie", "")
        case "apiKey", _:
            return bool(call.headers.get(name, "").strip())
        case "http", _:
            kind, _, value = call.headers.get("authorization", "").partition(" ")
            return kind.lower() == str(scheme.get("scheme", "")).lower() and bool(value.strip())
        case "oauth2" | "openIdConnect", _:
            return bool(call.headers.get("authorization", "").strip())
        case _:
            return True


def _decoded(document: Document, schema: Schema, text: str) -> Any:
    """Return what a text of a query stands for; the text itself where it is of no other type."""
    for branch in branches(document, schema):
        types = types_of(branch)
        if "integer" in types and _INTEGER.fullmatch(text):
            return int(text)
        if "number" in types and _NUMBER.fullmatch(text):
            return float(text)
        if "boolean" in types and text in {"true", "false"}:
            return text == "true"
        if "object" in types or "array" in types:
            try:
                return orjson.loads(text)
            except orjson.JSONDecodeError:
                continue
        if not types and (enum := branch.get("enum")):
            return next((value for value in enum if _in_text(value) == text), text)
    return text


def _in_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def complaint(document: Document, schema: Schema, value: Any, deep: int = 0) -> str | None:
    """Return what is wrong with a value of JSON; None if it is as its schema says."""
    if value is None:
        return None if is_nullable(document, schema) or not schema else "it must not be null"
    found = None
    for branch in branches(document, schema):
        found = _complaint(document, branch, value, deep)
        if found is None:
            return None
    return found


def _complaint(document: Document, schema: Schema, value: Any, deep: int) -> str | None:
    types = types_of(schema)
    if types and not any(_is(kind, value) for kind in types):
        return f"it must be {' or '.join(types)}, not {_shown(value)}"
    enum = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if enum is not None and value not in enum:
        return f"it must be one of {', '.join(map(_in_text, enum))}, not {_shown(value)}"
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _of_number(schema, value)
    if isinstance(value, str):
        return _of_text(schema, value)
    if isinstance(value, list):
        values = cast("list[Any]", value)
        if (most := schema.get("maxItems")) is not None and len(values) > most:
            return f"it takes {most} values at most, not {len(values)}"
        items = document.items(schema)
        return next(filter(None, (complaint(document, items, one, deep + 1) for one in values)), None)
    return _of_object(document, schema, cast("Mapping[str, Any]", value), deep)


def _is(kind: str, value: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return any(kind == name and isinstance(value, cls) for name, cls in _JSON_TYPES)


def _of_number(schema: Schema, value: float) -> str | None:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")  # of 3.1 a number, of 3.0 a boolean
    if lowest is not None and (value < lowest or (above is True and value == lowest)):
        return f"it must be {'more than' if above is True else 'at least'} {lowest}, not {value}"
    if highest is not None and (value > highest or (below is True and value == highest)):
        return f"it must be {'less than' if below is True else 'at most'} {highest}, not {value}"
    if above is not None and not isinstance(above, bool) and value <= above:
        return f"it must be more than {above}, not {value}"
    if below is not None and not isinstance(below, bool) and value >= below:
        return f"it must be less than {below}, not {value}"
    return None


def _of_text(schema: Schema, value: str) -> str | None:
    if len(value) < schema.get("minLength", 0):
        return f"it must have at least {schema['minLength']} characters"
    if (most := schema.get("maxLength")) is not None and len(value) > most:
        return f"it must have at most {most} characters"
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        try:
            if not re.search(pattern, value):
                return f"it must match {pattern}"
        except re.error:  # of another language than Python's
            pass
    readers: Mapping[str, Callable[[str], object]] = {
        "date-time": dt.datetime.fromisoformat,
        "date": dt.date.fromisoformat,
        "uuid": uuid.UUID,
    }
    reader = readers.get(str(schema.get("format")))
    try:
        if reader is not None:
            _ = reader(value)
    except ValueError:
        return f"it must be a {schema['format']}, not {value!r}"
    return None


def _of_object(document: Document, schema: Schema, value: Mapping[str, Any], deep: int) -> str | None:
    properties: Mapping[str, Any] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            return f"{name} is required"
    for name, inner in value.items():
        if name in properties:
            if deep < 20 and (wrong := complaint(document, document.schema(properties[name]), inner, deep + 1)):
                return f"{name}: {wrong}"
        elif schema.get("additionalProperties") is False:
            return f"there is no member {name!r}"
    return None


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str | int | float) else type(value).__name__
