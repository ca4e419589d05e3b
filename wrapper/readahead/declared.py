"""What an OpenAPI document declares, read from the classes that were generated from it. Pure."""

import datetime as dt
import enum
import inspect
import sys
import types
import uuid
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, Protocol, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

from attrs import frozen

from .filters import Kind

__all__ = [
    "ANYTHING",
    "Declared",
    "ParameterInfo",
    "attributes_of",
    "declared",
    "kinds_of_parameters",
    "type_of_parameter",
]

_SCALARS: Mapping[object, str] = {
    bool: "boolean",
    dt.date: "date",
    dt.datetime: "date-time",
    float: "number",
    int: "integer",
    str: "string",
    uuid.UUID: "uuid",
}
_KINDS: Mapping[str, Kind] = {
    "boolean": "boolean",
    "date": "date",
    "date-time": "date-time",
    "integer": "integer",
    "number": "number",
    "string": "text",
}
_DEEPEST = 3  # members of members that a message may suggest


class ParameterInfo(Protocol):
    """What a generated module says of one argument of its ``build_request``; see ``readahead_clients.encode``."""

    @property
    def where(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def many(self) -> bool: ...
    @property
    def required(self) -> bool: ...
    @property
    def default(self) -> str | float | None: ...
    @property
    def minimum(self) -> float | None: ...
    @property
    def maximum(self) -> float | None: ...
    @property
    def enum(self) -> Any: ...
    @property
    def model(self) -> Any: ...


@frozen
class Declared:
    """What a value may be.

    Attributes:
        types: In OpenAPI's words, without null, and ``date-time``, ``date`` and ``uuid`` for text of these formats.
        enums: The enumerations of its values.
        classes: The classes of objects; none if they may have any members.
        items: What the items of an array may be, or the members of an object without a class.
    """

    types: frozenset[str]
    enums: tuple[Any, ...] = ()
    classes: tuple[type, ...] = ()
    items: "Declared | None" = None

    @classmethod
    def union(cls, parts: Iterable["Declared"]) -> "Declared":
        """Return what a value may be that is one of these."""
        parts = tuple(parts)
        if len(parts) == 1:
            return parts[0]
        items = [part.items for part in parts if part.items]
        return cls(
            frozenset(type_ for part in parts for type_ in part.types),
            tuple(dict.fromkeys(one for part in parts for one in part.enums)),
            tuple(dict.fromkeys(one for part in parts for one in part.classes)),
            cls.union(items) if items else None,
        )

    def is_any_of(self, types: Iterable[str]) -> bool:
        """Whether a value may be of one of these types."""
        return "any" in self.types or not self.types.isdisjoint(types)

    def at(self, path: str) -> "Declared | None":
        """Return what is declared at a path, as ``RowReader`` takes one; None: nothing is."""
        if "any" in self.types:
            return ANYTHING
        found = [part for cls in self.classes if (part := _member(cls, path)) is not None]
        index, _, inner = path.partition(".")
        if self.items and "array" in self.types and index.isdecimal():
            found += [part for part in [self.items.at(inner) if inner else self.items] if part is not None]
        if "object" in self.types and not self.classes:
            found.append(self.items or ANYTHING)
        return Declared.union(found) if found else None

    def keys(self) -> Mapping[str, "Declared"]:
        """Return the keys of an object that is sent, as Python has them, with what is there."""
        return {name: declared(type_) for cls in self.classes for name, type_ in _keys(cls).items()}

    def paths(self, depth: int = _DEEPEST) -> Iterator[tuple[str, "Declared"]]:
        """Yield the paths that ``at`` takes, with what is there."""
        for cls in self.classes:
            for name, type_ in _members(cls).items():
                part = declared(type_)
                yield name, part
                if depth > 1:
                    yield from ((f"{name}.{inner}", below) for inner, below in part.paths(depth - 1))


ANYTHING = Declared(frozenset({"any"}))


@lru_cache(maxsize=1024)
def declared(type_: object) -> Declared:
    """Return what a type that generated code is written with declares."""
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is Union or origin is types.UnionType:
        return Declared.union(declared(each) for each in arguments if each is not types.NoneType)
    if origin is Literal:
        return Declared.union(declared(cast("object", type(each))) for each in arguments)
    if origin is list:
        return Declared(frozenset({"array"}), items=declared(arguments[0]))
    if origin is dict:
        return Declared(frozenset({"object"}), items=declared(arguments[1]))
    if type_ in _SCALARS:
        return Declared(frozenset({_SCALARS[type_]}))
    if hasattr(type_, "FIELDS") or is_typeddict(type_):
        return Declared(frozenset({"object"}), classes=(cast("type", type_),))
    if isinstance(type_, type) and issubclass(type_, str | enum.IntEnum):
        return Declared(frozenset({"string" if issubclass(type_, str) else "integer"}), enums=(type_,))
    return ANYTHING


def type_of_parameter(parameter: ParameterInfo) -> Declared:
    """Return what an argument, or each item of a list as argument, may be."""
    enums = () if parameter.enum is None else (parameter.enum,)
    return Declared(frozenset(parameter.type.split(" | ")), enums=enums)


def kinds_of_parameters(parameters: Mapping[str, ParameterInfo]) -> Mapping[str, Kind]:
    """Return what each argument takes, and each key inside one that is an object, such as ``created[gte]``."""
    found: dict[str, Kind] = {}
    for argument, each in parameters.items():
        found[argument] = _kind(type_of_parameter(each))
        if each.model is not None:
            found |= {name: _kind(type_) for name, type_ in _inside(argument, declared(each.model), _DEEPEST)}
    return {name: kind for name, kind in found.items() if kind}


def _inside(argument: str, type_: Declared, depth: int) -> Iterator[tuple[str, Declared]]:
    for name, part in type_.keys().items() if depth else ():
        yield f"{argument}[{name}]", part
        yield from _inside(f"{argument}[{name}]", part, depth - 1)


def _kind(type_: Declared) -> Kind:
    kinds = type_.types - {"object"}
    return _KINDS.get(next(iter(kinds)), "") if len(kinds) == 1 else ""


@lru_cache(maxsize=256)
def attributes_of(row: type) -> Mapping[str, object]:
    """Return the attributes of a class of rows, by name, with their types."""
    fields: Mapping[str, tuple[str, object]] = getattr(row, "FIELDS", {})
    names = {name for name, _ in fields.values()}
    found: dict[str, object] = {}
    for cls in reversed(row.__mro__):
        texts = {name: text for name, text in inspect.get_annotations(cls).items() if name in names}
        # Most attributes have one of a few types, and evaluating each of these once takes a tenth of the time.
        once = types.SimpleNamespace(__annotations__={str(text): text for text in texts.values()})
        hints = get_type_hints(once, vars(sys.modules[cls.__module__]))
        found |= {name: hints[str(text)] for name, text in texts.items()}
    return found


@lru_cache(maxsize=256)
def _keys(cls: type) -> Mapping[str, object]:
    return get_type_hints(cls) if is_typeddict(cls) else {}


@lru_cache(maxsize=256)
def _members(cls: type) -> Mapping[str, object]:
    """Return the members of an object by their names on the wire, with their types."""
    if is_typeddict(cls):
        names: Mapping[str, tuple[str, object]] = getattr(sys.modules[cls.__module__], "NAMES", {})
        return {names.get(name, (name,))[0]: type_ for name, type_ in _keys(cls).items()}
    fields: Mapping[str, tuple[str, object]] = getattr(cls, "FIELDS", {})
    attributes = attributes_of(cls)
    return {wire: attributes.get(name, Any) for wire, (name, _) in fields.items()}


def _member(cls: type, path: str) -> Declared | None:
    members = _members(cls)
    if path in members:
        return declared(members[path])
    name, _, inner = path.partition(".")
    return declared(members[name]).at(inner) if inner and name in members else None
