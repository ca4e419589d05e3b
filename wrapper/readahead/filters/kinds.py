"""What the parameters of a generated function take, so that values are sent in that form. Pure."""

import re
from collections.abc import Callable, Mapping
from inspect import signature
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["UNKNOWN", "Kind", "Kinds", "kinds_of"]

#: What a parameter takes, in the words of OpenAPI; "" where that is not known.
Kind = Literal["", "boolean", "date", "date-time", "integer", "number", "text"]
Kinds = Mapping[str, Kind]
UNKNOWN: Kinds = MappingProxyType({})

_KINDS: Mapping[str, Kind] = {
    "bool": "boolean",
    "date": "date",
    "datetime": "date-time",
    "float": "number",
    "int": "integer",
    "str": "text",
}
_ABSENT = frozenset({"None", "Unset"})
_LIST = re.compile(r"list\[(.*)\]")


def kinds_of(build_request: Callable[..., Any]) -> Kinds:
    """Return what each parameter takes, by its annotation; one that takes several kinds is not in it."""
    kinds: dict[str, Kind] = {}
    for name, parameter in signature(build_request).parameters.items():
        annotation: object = parameter.annotation
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
        types = {_plain(part) for part in re.split(r"\s*\|\s*", _LIST.sub(r"\1", text))} - _ABSENT
        if len(types) == 1 and (kind := _KINDS.get(types.pop())):
            kinds[name] = kind
    return kinds


def _plain(type_name: str) -> str:
    return type_name.strip().rpartition(".")[2]
