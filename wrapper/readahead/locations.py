"""Where something stands in a response: at a path into its JSON, in a header or link, or where a function finds it."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from attrs import frozen

from .errors import UsageError, kind_of, shown
from .pages import Scalar

__all__ = [
    "ABSENT",
    "Flag",
    "Header",
    "LinkHeader",
    "Location",
    "Not",
    "Unreadable",
    "checked_location",
    "count_at",
    "flag_at",
    "member",
    "next_at",
]

ABSENT: Any = object()
# RFC 8288, 3. A comma in the URL, or inside the quotes of a parameter, does not end a link.
_LINK = re.compile(r"""[\s,]*<([^>]*)>((?:\s*;(?:[^",;<]|"(?:[^"\\]|\\.)*")*)*)(?:,|$)""")
_PARAMETER = re.compile(r""";\s*([^\s=",;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))""")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_INTEGER = re.compile(r"[0-9]{1,18}", re.ASCII)


class Unreadable(Exception):
    """Something stands there, but not what was declared. Its text says what."""


@frozen
class Header:
    """A header of the response, such as ``X-Total-Count``. Of ``Content-Range``, the total behind the slash."""

    name: str

    def __attrs_post_init__(self) -> None:
        if not isinstance(cast("object", self.name), str) or not _TOKEN.fullmatch(self.name):
            raise UsageError(f"Header() takes the name of a header, such as 'X-Total-Count', not {shown(self.name)}")

    def __str__(self) -> str:
        return f"the header {self.name}"


@frozen
class LinkHeader:
    """The URL of a link in the header ``Link`` (RFC 8288). As a flag: whether there is such a link."""

    rel: str = "next"

    def __attrs_post_init__(self) -> None:
        if not isinstance(cast("object", self.rel), str) or len(self.rel.split()) != 1:
            raise UsageError(f"LinkHeader() takes one relation, such as 'next', not {shown(self.rel)}")

    def __str__(self) -> str:
        return f'the link with rel="{self.rel}"'


Location: TypeAlias = str | Header | LinkHeader | Callable[[Any], Any]


@frozen
class Not:
    """A flag that says the opposite, such as ``Not("is_last_page")``."""

    of: Location


Flag: TypeAlias = Location | Not


def checked_location(name: str, location: object, *kinds: type) -> None:
    """Check what a binding declares as a location.

    Args:
        name: What is declared there, for messages.
        location: A path or a function, or one of ``kinds``.
        kinds: ``Header``, ``LinkHeader``, ``Not``.

    Raises:
        UsageError: It is something else.
    """
    if isinstance(location, Not) and Not in kinds:
        checked_location(name, location.of, *(kind for kind in kinds if kind is not Not))
    elif not (isinstance(location, kinds) or (isinstance(location, str) and location) or _is_function(location)):
        allowed = ", ".join(["a path", *(f"a {kind.__name__}" for kind in kinds), "or a function of the JSON"])
        raise UsageError(f"{name} must be {allowed}, not {shown(location)}")


def _is_function(location: object) -> bool:
    return callable(location) and not isinstance(location, type)


def member(value: Any, path: str) -> Any:
    """Return what stands at a path, ``ABSENT`` if there is nothing; null where a null is in the way.

    Args:
        value: Decoded JSON.
        path: Names of members and indexes of arrays, separated by dots. A member whose own name has dots goes first.
    """
    if isinstance(value, list) and path.partition(".")[0].isdecimal():
        index, _, inner = path.partition(".")
        items = cast("list[Any]", value)
        value = items[int(index)] if int(index) < len(items) else ABSENT
        return member(value, inner) if inner else value
    if not isinstance(value, dict):
        return None if value is None else ABSENT
    found: Any = cast("dict[str, Any]", value).get(path, ABSENT)
    if found is ABSENT and "." in path:
        outer, _, inner = path.partition(".")
        found = cast("dict[str, Any]", value).get(outer, ABSENT)
        return ABSENT if found is ABSENT else member(found, inner)
    return found


def count_at(location: Location | None, body: Any, headers: Mapping[str, str]) -> int | None:
    """Return a number of rows; None where there is none, or nothing that can be read as one."""
    if location is None:
        return None
    try:
        value = _value(location, body, headers)
    except Unreadable:
        return None
    if isinstance(value, str):
        text = value.rpartition("/")[2] if isinstance(location, Header) else value
        return int(text) if _INTEGER.fullmatch(text.strip()) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def flag_at(location: Flag, body: Any, headers: Mapping[str, str]) -> bool:
    """Return what a flag says.

    Raises:
        Unreadable: It is missing, or neither true nor false.
    """
    if isinstance(location, Not):
        return not flag_at(location.of, body, headers)
    value = _value(location, body, headers)
    if isinstance(location, LinkHeader):
        return value is not ABSENT
    if isinstance(location, Header) and value is not ABSENT:
        value = {"true": True, "false": False}.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise Unreadable(f"expected true or false in {_named(location)}, received {_kind(value)}")
    return value


def next_at(location: Location, body: Any, headers: Mapping[str, str]) -> Scalar | None:
    """Return the cursor or the URL of the next page; None where it is absent, null, or empty text.

    Raises:
        Unreadable: It is neither text nor a number.
    """
    value = _value(location, body, headers)
    if value is ABSENT or value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unreadable(f"expected text, a number or null in {_named(location)}, received {_kind(value)}")
    return value


def _value(location: Location, body: Any, headers: Mapping[str, str]) -> Any:
    if isinstance(location, str):
        return member(body, location)
    if isinstance(location, Header):
        return headers.get(location.name.lower(), ABSENT)
    if isinstance(location, LinkHeader):
        return next((url for url, rels in _links(headers.get("link", "")) if location.rel.lower() in rels), ABSENT)
    try:
        return location(body)
    except Exception as error:  # noqa: BLE001  whatever it is, it is about this answer
        reason = type(error).__name__
    raise Unreadable(f"{_named(location)} failed with {reason}; let it return None where there is nothing")


def _links(header: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the URL of each link, and what it is to this page, in lower case."""
    at = 0
    while header[at:].strip(" \t,"):
        link = _LINK.match(header, at)
        if link is None:
            raise Unreadable("the header Link is none as in RFC 8288")
        parameters: dict[str, str] = {}
        for name, quoted, plain in _PARAMETER.findall(link[2]):
            parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
        if "anchor" not in parameters:  # else it is a link of something else
            yield link[1].strip(), parameters.get("rel", "").lower().split()
        at = link.end()


def _named(location: Location) -> str:
    if isinstance(location, Header | LinkHeader):
        return str(location)
    return repr(location) if isinstance(location, str) else "the function of the binding"


def _kind(value: Any) -> str:
    return "nothing" if value is ABSENT else kind_of(value)
