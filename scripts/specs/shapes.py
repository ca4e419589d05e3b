"""How a property of a document is written in Python: its type in a row, its type in a body, how a row reads it."""

import keyword
from collections.abc import Iterable, Iterator
from typing import Any

from openapi_python_client.parser.openapi import GeneratorData
from openapi_python_client.parser.properties import (
    AnyProperty,
    ConstProperty,
    DateProperty,
    DateTimeProperty,
    EnumProperty,
    FileProperty,
    ListProperty,
    ModelProperty,
    NoneProperty,
    Property,
    UnionProperty,
    UuidProperty,
)

RESERVED = frozenset(keyword.kwlist)

_READERS: dict[type[Any], str] = {
    DateProperty: "read_date",
    DateTimeProperty: "read_datetime",
    UuidProperty: "read_uuid",
}


def row_type(prop: Property) -> str:
    """Return the type of an attribute of a row: what is absent is None."""
    return _union([_row(prop)] if prop.required else [_row(prop), "None"])


def body_type(prop: Property) -> str:
    """Return the type of a key of a body; whether the key may be absent is said elsewhere."""
    match prop:
        case UnionProperty():
            return _union(body_type(inner) for inner in prop.inner_properties)
        case ListProperty():
            return f"list[{body_type(prop.inner_property)}]"
        case EnumProperty():
            return f"{prop.class_info.name} | {prop.value_type.__name__}"
        case DateProperty() | DateTimeProperty() | UuidProperty() | FileProperty():
            return "str"
        case _:
            return _row(prop)


def _row(prop: Property) -> str:
    match prop:
        case UnionProperty():
            return _union(_row(inner) for inner in prop.inner_properties)
        case ListProperty():
            return f"list[{_row(prop.inner_property)}]"
        case EnumProperty() if prop.value_type is int:
            return f"{prop.class_info.name} | int"
        case AnyProperty():
            return "Any"
        case NoneProperty():
            return "None"
        case FileProperty():  # JSON has no bytes
            return "str"
        case _:
            return prop.get_type_string(no_optional=True).as_unembedded_code()


def _union(types: Iterable[str]) -> str:
    single = list(dict.fromkeys(part for text in types for part in _parts(text)))
    if "Any" in single:
        return "Any"
    return " | ".join(sorted(single, key=lambda text: text == "None"))


def _parts(text: str) -> Iterator[str]:
    """Split a union at its own bars, not at those inside brackets."""
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "|" and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    yield text[start:].strip()


def reader(prop: Property) -> str | None:
    """Return the expression of a function that reads the property, or None where what came is kept as it is."""
    match prop:
        case UnionProperty():
            return _union_reader(prop)
        case ListProperty():
            inner = reader(prop.inner_property)
            return inner and f"list_of({inner})"
        case EnumProperty() if prop.value_type is int:
            return f"int_enum_of({prop.class_info.name})"
        case EnumProperty():
            return f"{prop.class_info.name}.read"
        case ModelProperty():
            return f"{prop.class_info.name}._read"
        case _:
            return _READERS.get(type(prop))


def _union_reader(prop: UnionProperty) -> str | None:
    def order(inner: Property) -> int:
        # what is strict about its text comes first: a date is also a date-time, anything is an unlisted value
        kinds: list[type[Any]] = [UuidProperty, DateProperty, DateTimeProperty]
        return kinds.index(type(inner)) if type(inner) in kinds else len(kinds)

    inner = [each for each in sorted(prop.inner_properties, key=order) if reader(each)]
    if len(inner) == 1:
        return reader(inner[0])
    if not inner:
        return None
    texts = [each for each in inner if isinstance(each, EnumProperty) and each.value_type is str]
    models = [each for each in inner if isinstance(each, ModelProperty)]
    readers = []
    for each in inner:
        if each in texts and len(texts) > 1:
            readers.append(f"{each.class_info.name}.read_listed")
        elif each in models and len(models) > 1:
            readers.append(f"{each.class_info.name}._read_if_fits")
        else:
            readers.append(str(reader(each)))
    return f"any_of({', '.join(readers)})"


def from_key(prop: Property, wire: str) -> str:
    """Return the expression that reads the property from `data`; subscripts only, for rows as documented."""
    source = f"data[{wire}]"
    bare = [inner for inner in prop.inner_properties if not isinstance(inner, NoneProperty)] if isinstance(
        prop, UnionProperty
    ) else [prop]  # fmt: skip
    readable = [inner for inner in bare if reader(inner)]
    if len(readable) == 1 and isinstance(readable[0], EnumProperty) and readable[0].value_type is str:
        return f"_{prop.python_name}[{source}]"
    if reader(prop) is None:
        return source
    read = f"_{prop.python_name}({source})"
    # most lists are empty: no call
    return f"{source} and {read}" if len(readable) == 1 and isinstance(readable[0], ListProperty) else read


def from_key_helper(prop: Property) -> str | None:
    """Return what `from_key` uses under the name of the property."""
    how = reader(prop)
    if how is not None and how.endswith(".read"):
        return how.removesuffix(".read") + "._readings"
    return how


def names_in(*props: Property) -> set[str]:
    """Return the names of the classes and functions that types and readers of `props` are written with."""
    return {name for prop in props for name in _names(prop)}


def _names(prop: Property) -> Iterator[str]:
    match prop:
        case UnionProperty():
            for inner in prop.inner_properties:
                yield from _names(inner)
        case ListProperty():
            yield from _names(prop.inner_property)
        case EnumProperty() | ModelProperty():
            yield prop.class_info.name


def models_below(prop: Property, models: dict[str, ModelProperty]) -> set[str]:
    """Return the names of the model classes that a value of `prop` can contain."""
    found: set[str] = set()
    waiting = [prop]
    while waiting:
        match waiting.pop():
            case UnionProperty() as union:
                waiting.extend(union.inner_properties)
            case ListProperty() as array:
                waiting.append(array.inner_property)
            case ModelProperty() as model if model.class_info.name not in found:
                found.add(model.class_info.name)
                whole = models.get(model.class_info.name, model)
                waiting.extend([*(whole.required_properties or []), *(whole.optional_properties or [])])
                if whole.additional_properties is not None:
                    waiting.append(whole.additional_properties)
    return found


class AsItIs:
    """A JSON body that is sent as it is given: it has no `to_dict`, and no `isinstance` tells typed dictionaries apart.

    Stands in for the body's property, with the template of properties that need no conversion.
    """

    template = AnyProperty.template

    def __init__(self, prop: Property) -> None:
        self._prop = prop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._prop, name)


def sides(openapi: GeneratorData) -> tuple[set[str], set[str]]:
    """Return the names of the models that are sent as JSON, and of those that are sent as forms."""
    models = {model.class_info.name: model for model in openapi.models}
    sent: set[str] = set()
    forms: set[str] = set()
    for collection in openapi.endpoint_collections_by_tag.values():
        for endpoint in collection.endpoints:
            for body in endpoint.bodies:
                (sent if body.body_type == "json" else forms).update(models_below(body.prop, models))
    return sent, forms
