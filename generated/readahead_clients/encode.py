# ruff: noqa: FBT001, INP001, TRY004  private functions; not a package; a list where there can be none is no TypeError
"""How values become a request, by the styles of OpenAPI 3: paths, queries, headers, cookies and bodies.

Texts are as in JSON: `true`, `10000000000000000` without an exponent; dates and times as in ISO 8601. Everything but
letters, digits and `-._~` is percent-encoded where the specification says so: in paths, queries and forms, not in
headers and cookies. Delimiters between joined values are not encoded, except for the space and `|`.

A server that decodes before it splits cannot tell a delimiter inside a value from one between values, so that is an
error, and so is all that OpenAPI leaves undefined, but for what servers agree on: objects inside objects and lists are
JSON, in `deepObject` they are `name[a][b]`; a list in an exploded object repeats its name, as in a form;
`spaceDelimited` and `pipeDelimited` lists that are exploded repeat the name.
"""

import datetime as dt
import decimal
import enum
import io
import json
import math
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO, Literal
from urllib.parse import quote, quote_plus

from attrs import define, frozen

from .runtime import Row

__all__ = ["UNSET", "File", "ParameterInfo", "RequestBuilder", "Unset", "json_data", "text"]


class Unset:
    """The type of `UNSET`: an argument that is not sent."""

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Unset = Unset()


@define
class File:
    """A file to upload, or one that was downloaded.

    Args:
        payload: Its content, read from where it stands.
        file_name: Sent with a part of a form; the name of the field where it is None.
        mime_type: Its content type, where it is another one than the document says.
        headers: More headers of a part of a form.
    """

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None
    headers: Mapping[str, str] | None = None


@frozen
class ParameterInfo:
    """What the document says of one argument of a `build_request`.

    Attributes:
        where: `path`, `query`, `header`, `cookie` or `body`.
        name: Its name on the wire; empty for a body.
        type: `string`, `date-time`, `date`, `uuid`, `integer`, `number`, `boolean`, `object`, `file` or `any`; of
            several, `integer | string`; of a list, that of its items.
        many: Whether it is, or may be, a list.
        required: Whether it must be given.
        default: What the server takes where it is not given; None: the document does not say.
        minimum, maximum: The bounds of a number, both included.
        enum: The enumeration of its values.
        model: The class of an object.
        style, explode, content: How it is written, where that is not the usual for `where`.
    """

    where: str
    name: str
    type: str
    many: bool = False
    required: bool = False
    default: str | float | None = None
    minimum: float | None = None
    maximum: float | None = None
    enum: Any = None
    model: Any = None
    style: str | None = None
    explode: bool | None = None
    content: str | None = None


def text(value: Any) -> str:
    """Return a scalar as text.

    Raises:
        ValueError: It is a number that is not finite.
        TypeError: It is no scalar.
    """
    match value:
        case enum.Enum():
            return text(value.value)
        case str():
            return str(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float() | decimal.Decimal() if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
        case float():
            return format(decimal.Decimal(repr(float(value))), "f")
        case decimal.Decimal():
            return format(value, "f")
        case dt.date() | dt.time():  # and datetime
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} cannot be sent as text")


def json_data(value: Any) -> Any:
    """Return a value as JSON data: dates and UUIDs are text, rows are objects.

    Raises:
        ValueError: It has a number that is not finite.
        TypeError: JSON has no such value.
    """
    match value:
        case None | bool():
            return value
        case enum.Enum():
            return json_data(value.value)
        case str():
            return str(value)
        case int():
            return int(value)
        case float() if math.isfinite(value):
            return value
        case Row():
            return json_data(value.to_dict())
        case Mapping():
            return {text(key): json_data(item) for key, item in value.items()}
        case list() | tuple():
            return [json_data(item) for item in value]
        case dt.date() | dt.time() | uuid.UUID() | float():
            return text(value)
        case _:
            raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def json_text(value: Any) -> str:
    """Return a value as JSON without spaces."""
    return json.dumps(json_data(value), ensure_ascii=False, separators=(",", ":"))


# Name, texts, and what is between them.
_Field = tuple[str, list[str], str]
_Encoder = Callable[[str], str]
# The Encoding Objects of a body, by the names of its fields.
Encoding = Mapping[str, Mapping[str, Any]]

_NONE: Encoding = {}

_FORM = "application/x-www-form-urlencoded"
_DELIMITERS = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
_STYLED = frozenset({"style", "explode", "allowReserved"})
_RESERVED = ":/?@!$'()*,;"  # of RFC 3986, but for those that a query cannot have or that separate its parameters
_TRIPLET = re.compile(r"(%[0-9A-Fa-f]{2})")
_HEADER = re.compile(r"[\t\x20-\x7e]*")
_NOT_IN_COOKIES = re.compile(r"[^\x21\x23-\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")  # RFC 6265, and `%`


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _reserved(part: str) -> str:
    """Percent-encode what is neither reserved nor percent-encoded (RFC 6570, 3.2.3)."""
    return "".join(each if _TRIPLET.fullmatch(each) else quote(each, safe=_RESERVED) for each in _TRIPLET.split(part))


def _plus(part: str) -> str:
    return quote_plus(part, safe="")


def _in_cookie(part: str) -> str:
    return _NOT_IN_COOKIES.sub(lambda found: _quoted(found[0]), part)


def _is_absent(value: Any) -> bool:
    return value is None or isinstance(value, Unset)


def _plain(value: Any) -> Any:
    """Return a list, a dictionary, or anything else as it is; what a row does not have is not in it."""
    if isinstance(value, Row):
        return {key: item for key, item in value.to_dict().items() if item is not None}
    if isinstance(value, Mapping):
        return {text(key): item for key, item in value.items() if not isinstance(item, Unset)}
    return list(value) if isinstance(value, list | tuple) else value


def _object(body: Any) -> dict[str, Any]:
    plain = _plain(body)
    if not isinstance(plain, dict):
        raise TypeError(f"body must be a dictionary, not {type(body).__name__}")
    return plain


def _part(value: Any) -> str:
    """Return a member of a list or an object as text; what is not a scalar is JSON."""
    if value is None:
        raise ValueError("only JSON has null; leave it out")
    return json_text(value) if isinstance(value, Mapping | list | tuple) else text(value)


def _as_content(value: Any, content_type: str) -> str:
    return json_text(value) if _is_json(content_type) else text(value)


def _is_json(content_type: str) -> bool:
    bare = content_type.partition(";")[0].strip().lower()
    return bare.endswith(("/json", "+json"))


def _apart(parts: Iterable[str], delimiter: str) -> list[str]:
    found = list(parts)
    for part in found:
        if delimiter in part:
            raise ValueError(f"{part!r} has {delimiter!r} in it, which is what separates the values")
    return found


def _joined(value: Any, delimiter: str, *, explode: bool) -> list[str]:
    """Return the texts of a value that are joined by a delimiter; of an exploded object `key=value`."""
    if isinstance(value, Mapping):
        members = [(_flat(key), _flat(item)) for key, item in value.items()]
        if not explode:
            return _apart((each for member in members for each in member), delimiter)
        _apart((key for key, _ in members), "=")
        return _apart((f"{key}={item}" for key, item in members), delimiter)
    if isinstance(value, list):
        return _apart(map(_flat, value), delimiter)
    return [text(value)]


def _flat(value: Any) -> str:
    if isinstance(value, Mapping | list | tuple):
        raise ValueError("OpenAPI does not say how lists and objects are joined that are inside others")
    return _part(value)


def _exploded(name: str, value: Any) -> list[_Field]:
    """Return a field for each member of an object, and for each item of a list."""
    if isinstance(value, Mapping):
        return [field for key, item in value.items() for field in _repeated(key, _plain(item))]
    return _repeated(name, value)


def _repeated(name: str, value: Any) -> list[_Field]:
    return [(name, [_part(item)], "") for item in (value if isinstance(value, list) else [value])]


def _deep(name: str, value: Any) -> list[_Field]:
    if isinstance(value, list):
        raise ValueError("OpenAPI does not say how a deepObject has lists, and servers differ")
    if not isinstance(value, Mapping):
        return [(name, [_part(value)], "")]
    for key in value:
        if "[" in key or "]" in key:
            raise ValueError(f"{key!r} has brackets in it, which is what separates names")
    return [field for key, item in value.items() for field in _deep(f"{name}[{key}]", _plain(item))]


def _fields(name: str, value: Any, style: str, explode: bool | None) -> list[_Field]:
    """Return what a value becomes in a query; nothing, if it is an empty list or an empty object."""
    if style == "deepObject":
        return _deep(name, value)
    if explode or (explode is None and style == "form"):
        if style != "form" and isinstance(value, Mapping):
            raise ValueError(f"OpenAPI does not say how an object is exploded in {style}")
        return _exploded(name, value)
    if not isinstance(value, Mapping | list):
        return [(name, [text(value)], "")]
    texts = _joined(value, _DELIMITERS[style], explode=False)
    return [(name, texts, _DELIMITERS[style])] if texts else []


def _encoded(fields: list[_Field], encode: _Encoder, encode_name: _Encoder) -> list[str]:
    found = []
    for name, texts, delimiter in fields:
        joint = delimiter if delimiter == "," else encode_name(delimiter)
        found.append(f"{encode_name(name)}={joint.join(map(encode, texts))}")
    return found


def _in_path(name: str, value: Any, style: str, *, explode: bool) -> str:
    """Return a value as a part of a path."""
    delimiter = _EXPLODED[style] if explode else ","
    before = {"matrix": f";{_quoted(name)}=", "label": ".", "simple": ""}[style]
    if explode and isinstance(value, Mapping):
        before = before[:1]
        texts = [f"{_quoted(key)}={_quoted(_flat(item))}" for key, item in value.items()]
        _joined(value, delimiter, explode=True)
    else:
        texts = list(map(_quoted, _joined(value, delimiter, explode=False)))
        if explode and style == "matrix" and isinstance(value, list):
            delimiter = before
    if not texts:
        raise ValueError("the path needs a value")
    whole = before + delimiter.join(texts)
    return whole.removesuffix("=") if style == "matrix" and value == "" else whole


_EXPLODED = {"matrix": ";", "label": ".", "simple": ","}


def _of_form(name: str, value: Any, how: Mapping[str, Any]) -> list[_Field]:
    value = _plain(value)
    if value is None:
        raise ValueError("only JSON has null; leave it out")
    if how.keys() & _STYLED:  # as a parameter of a query; its content type is ignored
        return _fields(name, value, how.get("style", "form"), how.get("explode"))
    said = how.get("contentType", "")
    if _is_json(said) or (said and isinstance(value, Mapping) and _json_type(said)):
        return [(name, [json_text(value)], "")]
    return _repeated(name, value)


# Name; file name, content, content type and headers, as httpx takes them.
_Part = tuple[str, tuple[str | None, bytes | BinaryIO, str | None, Mapping[str, str]]]


def _parts(name: str, value: Any, how: Mapping[str, Any]) -> list[_Part]:
    """Return the parts that a field of a multipart body becomes: one for each item of a list."""
    said = how.get("contentType")
    if how.keys() & _STYLED:
        with _Named(name):
            fields = _fields(name, _plain(value), how.get("style", "form"), how.get("explode"))
        return [(key, (None, delimiter.join(texts).encode(), None, {})) for key, texts, delimiter in fields]
    found: list[_Part] = []
    with _Named(name):
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, bytes | bytearray | File):
                found.append((name, _file(name, item, said)))
            elif item is None:
                raise ValueError("only JSON has null; leave it out")
            elif isinstance(item, Mapping | list | tuple) or _is_json(said or ""):
                found.append((name, (None, json_text(item).encode(), _json_type(said), {})))
            else:
                found.append((name, (None, text(item).encode(), said, {})))
    return found


def _json_type(said: str | None) -> str:
    """Return the content type of an object or a list: the first JSON type of those that the document says."""
    types = [each.strip() for each in (said or "application/json").split(",")]
    found = next((each for each in types if _is_json(each)), None)
    if found is None and any("*" in each for each in types):
        return "application/json"
    if found is None:
        raise ValueError(f"an object cannot be written as {said}; give it as text, or as bytes in a File")
    return found


def _has_file(value: Any) -> bool:
    return (
        any(map(_has_file, value)) if isinstance(value, list | tuple) else isinstance(value, bytes | bytearray | File)
    )


def _file(
    name: str, value: bytes | bytearray | File, said: str | None
) -> tuple[str | None, bytes | BinaryIO, str | None, Mapping[str, str]]:
    file = value if isinstance(value, File) else File(io.BytesIO(value))
    one = said if said and not re.search(r"[*,]", said) else None
    content_type = file.mime_type or one or (None if file.file_name else "application/octet-stream")
    # without a file name a server takes it for text
    return file.file_name or name, file.payload, content_type, file.headers or {}


def _bytes(body: Any) -> bytes:
    match body:
        case File():
            return _bytes(body.payload.read())
        case str():
            return body.encode()
        case bytes() | bytearray() | memoryview():
            return bytes(body)
        case _:
            raise TypeError(f"body must be bytes, text or a File, not {type(body).__name__}")


class _Named:
    """Says in an error which parameter or field it is about."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UnicodeError):
            raise ValueError(f"{self._name}: it has lone surrogates, which no text has") from None
        if isinstance(error, ValueError | TypeError):
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"{self._name}: {error}") from None


class RequestBuilder:
    """Collects one request of an operation. Parameters that are UNSET or None are left out.

    Args:
        method: In small letters.
        path: With a placeholder for each of its parameters.
    """

    def __init__(self, method: str, path: str) -> None:
        self._method, self._path = method, path
        self._taken: set[str] = set()
        self._query: list[str] = []
        self._headers: dict[str, str] = {}
        self._cookies: dict[str, str] = {}
        self._body: dict[str, Any] = {}

    def path(
        self, name: str, value: Any, style: str = "simple", *, explode: bool = False, content: str | None = None
    ) -> None:
        """Put a parameter into the path. It cannot be left out.

        Raises:
            ValueError: It cannot be told apart from another value, or the path would be another one.
        """
        if _is_absent(value):
            raise ValueError(f"{name}: the path needs a value")
        with _Named(name):
            if content is not None:
                encoded = _quoted(_as_content(value, content))
            else:
                encoded = _in_path(name, _plain(value), style, explode=explode)
        placeholder = f"{{{name}}}"
        for part in self._path.split("/"):
            if placeholder in part and part.replace(placeholder, encoded) in {"", ".", ".."}:
                raise ValueError(f"{name}: {value!r} cannot be a part of a path")
        self._path = self._path.replace(placeholder, encoded)

    def query(
        self,
        name: str,
        value: Any,
        style: str = "form",
        *,
        explode: bool | None = None,
        reserved: bool = False,
        content: str | None = None,
    ) -> None:
        """Add a parameter to the query.

        Args:
            name: Its name on the wire.
            value: A scalar, a list or an object.
            style: One of OpenAPI.
            explode: Whether each value of a list or an object is a parameter of its own; None: as is usual for `style`.
            reserved: Whether reserved characters are sent as they are, except those that separate parameters.
            content: The content type that the value is written in, instead of `style`.

        Raises:
            ValueError: The value cannot be told apart from another one.
        """
        if _is_absent(value):
            return
        with _Named(name):
            if content is not None:
                fields: list[_Field] = [(name, [_as_content(value, content)], "")]
            else:
                fields = _fields(name, _plain(value), style, explode)
            for other in {key for key, _, _ in fields}:
                if other in self._taken:
                    raise ValueError(f"there is another parameter {other}")
                self._taken.add(other)
            self._query += _encoded(fields, _reserved if reserved else _quoted, _quoted)

    def header(self, name: str, value: Any, *, explode: bool = False, content: str | None = None) -> None:
        """Add a header. Its value is not encoded.

        Raises:
            ValueError: The value cannot be told apart from another one, or no header can have it.
        """
        if _is_absent(value):
            return
        with _Named(name):
            if content is not None:
                texts = [_as_content(value, content)]
            else:
                texts = _joined(_plain(value), ",", explode=explode)
            if texts:
                found = ",".join(texts)
                if any(each != each.strip() for each in texts) or not _HEADER.fullmatch(found):
                    raise ValueError(f"{found!r} has characters that a header cannot have")
                self._headers = {key: old for key, old in self._headers.items() if key.lower() != name.lower()}
                self._headers[name] = found

    def cookie(self, name: str, value: Any, *, explode: bool = True, content: str | None = None) -> None:
        """Add a cookie. Characters that no cookie can have are percent-encoded.

        Raises:
            ValueError: The value cannot be told apart from another one.
        """
        if _is_absent(value):
            return
        with _Named(name):
            value = _plain(value)
            if content is not None:
                texts = [_as_content(value, content)]
            elif explode and isinstance(value, Mapping | list):
                raise ValueError("a cookie has no place for several values unless the document says `explode: false`")
            else:
                texts = _joined(value, ",", explode=False)
            if texts:
                self._cookies[name] = ",".join(map(_in_cookie, texts))

    def json(self, body: Any, content_type: str = "application/json") -> None:
        """Set a JSON body."""
        if not isinstance(body, Unset):
            with _Named("body"):
                self._body = {"json": json_data(body)}
            self._headers["Content-Type"] = "application/json" if "*" in content_type else content_type

    def form(self, body: Any, encoding: Encoding = _NONE, content_type: str = _FORM) -> None:
        """Set an `application/x-www-form-urlencoded` body.

        Args:
            body: An object.
            encoding: How fields are written, by their names: the Encoding Objects of the document.
            content_type: With its parameters.

        Raises:
            ValueError: A value cannot be told apart from another one.
        """
        if isinstance(body, Unset):
            return
        found: list[str] = []
        for name, value in _object(body).items():
            how = encoding.get(name, {})
            encode = _reserved if how.get("allowReserved") else _plus
            with _Named(name):
                found += _encoded(_of_form(name, value, how), encode, _plus)
        self._body = {"content": "&".join(found).encode()}
        self._headers["Content-Type"] = content_type

    def multipart(self, body: Any, encoding: Encoding = _NONE, *, or_json: str | None = None) -> None:
        """Set a `multipart/form-data` body: a part for each field, and for each item of a list.

        Args:
            body: An object.
            encoding: How fields are written, by their names: the Encoding Objects of the document.
            or_json: The content type of JSON that the body is instead if no field has a file or bytes.

        Raises:
            ValueError: A value cannot be told apart from another one.
        """
        if isinstance(body, Unset):
            return
        if or_json is not None and not any(map(_has_file, _object(body).values())):
            self.json(body, or_json)
            return
        parts = [part for name, value in _object(body).items() for part in _parts(name, value, encoding.get(name, {}))]
        self._body = {"files": parts}
        if not parts:  # httpx would send nothing at all
            self._body = {"content": b"--+++--\r\n"}
            self._headers["Content-Type"] = "multipart/form-data; boundary=+++"

    def content(self, body: Any, content_type: str) -> None:
        """Set a body of bytes or text; a file is read to its end.

        Raises:
            ValueError: The document takes several content types, and the file does not say which it is.
        """
        if isinstance(body, Unset):
            return
        if isinstance(body, File) and body.mime_type is not None:
            content_type = body.mime_type
        elif content_type == "*/*":
            content_type = "text/plain; charset=utf-8" if isinstance(body, str) else "application/octet-stream"
        elif "*" in content_type:
            raise ValueError(f"body: say which {content_type} it is, with File(..., mime_type=...)")
        self._body = {"content": _bytes(body)}
        self._headers["Content-Type"] = content_type

    def build(self) -> dict[str, Any]:
        """Return the request as keyword arguments of `httpx.AsyncClient.build_request`."""
        if "files" in self._body and any(name.lower() == "content-type" for name in self._headers):
            raise ValueError("Content-Type: that of a multipart body cannot be given, since it names the boundary")
        url = self._path
        if self._query:
            url += ("&" if "?" in url else "?") + "&".join(self._query)
        found = {"method": self._method, "url": url, **self._body}
        if self._headers:
            found["headers"] = self._headers
        if self._cookies:
            found["cookies"] = self._cookies
        return found
