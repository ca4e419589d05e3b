# ruff: noqa: INP001  not a package
"""What pydantic, and with it FastAPI, has to know of rows and open strings. Imported when pydantic asks for it.

An instance is accepted as it is, also with values that no document lists. Other data is validated against the document:
fields that it requires, types, and any text where it lists values; undeclared fields are kept.
"""

import ast
import inspect
import itertools
import typing
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import CoreSchema, core_schema

from .runtime import OpenStr, Row, plain

# Classes that the schema being made already contains; rows refer to each other in circles, and many times.
_contained: ContextVar[set[type[Row]] | None] = ContextVar("contained", default=None)

_serializers: dict[object, Any] = {}


def of_row(cls: type[Row], handler: Any) -> CoreSchema:
    """Return the schema of a class of rows. `handler`: pydantic's `GetCoreSchemaHandler`."""
    contained = _contained.get()
    if contained is not None:
        return _of_row(cls, handler, contained)
    contained = set()
    token = _contained.set(contained)
    try:
        return _of_row(cls, handler, contained)
    finally:
        _contained.reset(token)


def serializer_of(cls: type[Row]) -> Any:
    """Return what writes a row in a place of any type, as in `dict[str, Any]`."""
    if cls not in _serializers:
        _serializers[cls] = TypeAdapter(cls).serializer
    return _serializers[cls]


def _of_row(cls: type[Row], handler: Any, contained: set[type[Row]]) -> CoreSchema:
    if cls in contained:
        return core_schema.definition_reference_schema(_reference(cls))
    contained.add(cls)
    types = typing.get_type_hints(cls)
    fields = {
        wire: core_schema.typed_dict_field(handler.generate_schema(types[name]), required=wire in cls._required)
        for wire, (name, _) in cls.FIELDS.items()
    }

    def read(value: Any, validate: Callable[[Any], Any]) -> Any:
        if isinstance(value, cls):
            return value
        valid = validate(value)
        for wire, (_, reader) in cls.FIELDS.items():
            if reader is not None and type(text := value.get(wire)) is str:
                own = reader(text)  # of a date or time, where both are possible, what a response would give
                valid[wire] = valid[wire] if type(own) is str else own
        return cls.from_dict(valid)

    return core_schema.no_info_wrap_validator_function(
        read,
        core_schema.typed_dict_schema(fields, cls=cls, extra_behavior="allow"),
        ref=_reference(cls),
        # as any dictionary: the schema above would warn of values that the document does not describe
        serialization=core_schema.wrap_serializer_function_ser_schema(
            _write, info_arg=True, schema=core_schema.dict_schema()
        ),
    )


def _write(value: Any, select: Callable[[Any], Any], info: Any) -> Any:
    return select(_without_nulls(value) if info.exclude_none else plain(value))


def _without_nulls(value: Any) -> Any:
    match value:
        case Row():
            return {wire: _without_nulls(value[wire]) for wire in value if value[wire] is not None}
        case list():
            return [_without_nulls(item) for item in value]
        case _:
            return plain(value)


def json_of_row(cls: type[Row], schema: CoreSchema, handler: Any) -> dict[str, Any]:
    """Return the JSON schema of a class of rows, with the descriptions that its attributes have."""
    found: dict[str, Any] = handler(schema)
    descriptions = _descriptions(cls)
    properties = handler.resolve_ref_schema(found).get("properties", {})
    for wire, (name, _) in cls.FIELDS.items():
        if "title" in properties[wire]:
            properties[wire]["title"] = name.strip("_").replace("_", " ").title()
        if name in descriptions:
            properties[wire]["description"] = descriptions[name]
    return found


def _descriptions(cls: type[Row]) -> dict[str, str]:
    """Return the text below each attribute in the source: nothing of it is left in the class."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        try:
            tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(base)))
        except (OSError, SyntaxError, TypeError):  # there is no source
            continue
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for attribute, below in itertools.pairwise(body):
            match attribute, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = inspect.cleandoc(text)
    return found


def of_text(cls: type[OpenStr]) -> CoreSchema:
    """Return the schema of an open string: any text is valid."""
    return core_schema.no_info_after_validator_function(cls.unlisted, core_schema.str_schema(), ref=_reference(cls))


def json_of_text(cls: type[OpenStr]) -> dict[str, Any]:
    """Return the JSON schema of an open string: the listed values, and any other text."""
    known = {"type": "string", "enum": [str(value) for value in cls.listed()]}
    described = {"description": inspect.cleandoc(cls.__doc__)} if cls.__doc__ else {}
    return {"title": cls.__name__, **described, "anyOf": [known, {"type": "string"}]}


def _reference(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"
