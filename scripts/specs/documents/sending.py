"""How a document says that values are sent: styles of parameters, encodings of forms; and how answers are read."""

import math
import re
from collections.abc import Mapping
from typing import Any, get_args

from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import AnyProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.property import Property as AnyKind
from openapi_python_client.parser.properties.protocol import PropertyProtocol as Property
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.responses import Response
from openapi_python_client.schema import ParameterLocation
from openapi_python_client.strings import PythonCode

from specs.documents.document import operations, resolved
from specs.documents.names import WIRE

CONTENT = "x-readahead-content"  # of a parameter: the content type that it is written in, instead of a style
OTHERS = "x-readahead-others"  # of an answer in JSON: its other content types
DEFAULT = "x-readahead-default"  # of a parameter: what the server takes where it is not given
OR_JSON = "x-readahead-or-json"  # of a multipart body: the content type of JSON that it can be instead

_STYLES: Mapping[str, tuple[str, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
_LONGEST_DEFAULT = 100  # characters
_DEEPEST = 8  # schemas may contain themselves
_ENCODING = ("contentType", "style", "explode", "allowReserved")

# The generator takes lists, objects and dates in no header, and what may be null in no path: it does not know how they
# are written. Our templates do.
for _kind in get_args(AnyKind):
    _kind._allowed_locations = set(ParameterLocation)  # noqa: SLF001  it has no other way


class Sending:
    """What a normalised document says of how its operations are sent."""

    def __init__(self, document: dict[str, Any]) -> None:
        wire = document.get(WIRE, {})
        self._document = document
        self._parameters: dict[tuple[str, str, str, str], dict[str, Any]] = {}
        self._bodies: dict[tuple[str, str], dict[str, Any]] = {}
        self._json: dict[tuple[str, str], str] = {}
        for path, method, operation in operations(document):
            where = _where(method, path)
            for each in [*document["paths"][path].get("parameters", ()), *operation.get("parameters", ())]:
                parameter = resolved(document, each)
                name = wire.get(parameter["name"], parameter["name"])
                self._parameters[*where, parameter["in"], name] = parameter
            content = resolved(document, operation.get("requestBody", {})).get("content", {})
            self._bodies[where] = {
                name: each for media in content.values() for name, each in media.get("encoding", {}).items()
            }
            for media in content.values():
                if OR_JSON in media:
                    self._json[where] = media[OR_JSON]

    def options(self, endpoint: Endpoint, location: str, prop: Property) -> dict[str, Any]:
        """Return the arguments with which the builder of requests writes a parameter, where they are not the usual."""
        said = self._said(endpoint, location, prop)
        if CONTENT in said:
            return {"content": said[CONTENT]}
        usual, *others = _STYLES[location]
        style = said.get("style", usual)
        found: dict[str, Any] = {"style": style} if style in others else {}
        if isinstance(said.get("explode"), bool) and said["explode"] is not (style == "form"):
            found["explode"] = said["explode"]
        if location == "query" and said.get("allowReserved") is True:
            found["reserved"] = True
        return found

    def limits(self, endpoint: Endpoint, location: str, prop: Property) -> dict[str, Any]:
        """Return the default of a parameter, and its smallest and largest value, as far as the document says."""
        said = self._said(endpoint, location, prop)
        default, schema = said.get(DEFAULT), said.get("schema", {})
        found = {"default": default} if len(str(default)) <= _LONGEST_DEFAULT else {}
        for name, step in (("minimum", 1), ("maximum", -1)):
            bound, exclusive = self._keyword(schema, name), self._keyword(schema, f"exclusive{name.capitalize()}")
            number = _number(bound if bound is not None else exclusive)
            is_exclusive = exclusive is True or bound is None
            found[name] = number + step if is_exclusive and isinstance(number, int) else number
        return {name: value for name, value in found.items() if value is not None}

    def _said(self, endpoint: Endpoint, location: str, prop: Property) -> dict[str, Any]:
        where = _where(endpoint.method, endpoint.path.get_untrusted_value())
        return self._parameters.get((*where, location, prop.name.get_untrusted_value()), {})

    def _keyword(self, schema: Any, keyword: str, depth: int = 0) -> Any:
        """Return what a schema, a part of it, or its one branch besides null says."""
        schema = resolved(self._document, schema)
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return None
        if keyword in schema:
            return schema[keyword]
        branches = [each for union in ("anyOf", "oneOf") for each in schema.get(union, ()) if each != {"type": "null"}]
        parts = [*schema.get("allOf", ()), *(branches if len(branches) == 1 else ())]
        found = (self._keyword(each, keyword, depth + 1) for each in parts)
        return next((each for each in found if each is not None), None)

    def or_json(self, endpoint: Endpoint) -> str | None:
        """Return the content type of JSON that a body without files is sent as, instead of a form."""
        return self._json.get(_where(endpoint.method, endpoint.path.get_untrusted_value()))

    def encoding(self, endpoint: Endpoint) -> dict[str, dict[str, Any]]:
        """Return how the fields of a form are written, as far as the document says."""
        found = self._bodies.get(_where(endpoint.method, endpoint.path.get_untrusted_value()), {})
        return {
            name: {key: each[key] for key in _ENCODING if key in each}
            for name, each in found.items()
            if isinstance(each, dict) and any(key in each for key in _ENCODING)
        }


def _number(value: Any) -> Any:
    """Return a finite number, as an integer if it is one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value == int(value) else value


def _where(method: str, path: str) -> tuple[str, str]:
    # the generator writes placeholders in another way
    return method, re.sub(r"{[^}]*}", "{}", path)


class Content:
    """A body of bytes or text. Stands in for its property, whose type is a file."""

    def __init__(self, prop: Property) -> None:
        self._prop = prop

    def get_type_string(self, *, no_optional: bool = False) -> PythonCode:
        """Return the type of the argument."""
        optional = "" if no_optional or self._prop.required else " | Unset"
        return PythonCode(f"File | bytes | str{optional}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._prop, name)


def nothing(response: Response) -> None:
    """Say of an answer without a body that it is None."""
    prop = response.prop
    response.prop = NoneProperty(
        name=prop.name, required=True, default=None, python_name=prop.python_name, description=None, example=None
    )


def read_by_type(response: Response) -> str | None:
    """Return the function that reads an answer by the content type that the server says; None: as the document says."""
    source, prop = response.source["attribute"], response.prop
    if source == "None":
        return None
    if isinstance(prop, AnyProperty):
        return "content_of"
    if isinstance(prop, FileProperty):  # whatever its type, JSON has no bytes
        return "file_of"
    content = getattr(response.data, "content", None) or {}
    is_open = any("*" in content_type.get_untrusted_value() for content_type in content)
    return "text_of" if is_open and source == "response.json()" and _is_text(prop) else None


def others_of(response: Response) -> tuple[str, ...]:
    """Return the other content types of an answer in JSON."""
    content = getattr(response.data, "content", None) or {}
    found = ((getattr(media, "model_extra", None) or {}).get(OTHERS) for media in content.values())
    return tuple(next((each for each in found if each), ()))


def with_others(response: Response) -> None:
    """Let an answer in JSON be text or a file, if the document has other content types for it."""
    prop = response.prop
    said: dict[str, Any] = {"name": prop.name, "required": True, "default": None, "python_name": prop.python_name,
                            "description": None, "example": None}  # fmt: skip
    texts = [each.startswith("text/") for each in others_of(response)]
    inner: list[Property] = [*prop.inner_properties] if isinstance(prop, UnionProperty) else [prop]
    inner += [StringProperty(**said)] if any(texts) else []
    inner += [] if all(texts) else [FileProperty(**said)]
    response.prop = UnionProperty(**said, inner_properties=inner)


def _is_text(prop: Property) -> bool:
    if isinstance(prop, UnionProperty):
        return any(map(_is_text, prop.inner_properties))
    return isinstance(prop, StringProperty) or (
        isinstance(prop, ConstProperty) and isinstance(prop.value.raw_value, str)
    )
