"""Whether a binding fits the generated code that it is made for, and what to write instead. Pure.

Everything that a binding names is looked up: parameters in ``PARAMETERS`` of the generated module, members of the
envelope in its ``ANSWER``, attributes in the class of rows. A hand-written operation has neither; of it the names of
arguments are checked, if it has a signature. Of a type nothing is said where the document leaves it open.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from inspect import Parameter, signature
from itertools import islice
from typing import Any

from attrs import frozen

from .declared import ANYTHING, Declared, ParameterInfo, attributes_of, declared, type_of_parameter
from .errors import nearest
from .filters import Choice, Field, Fields, Flag, FullText, Id, Number, PartialMatch, Relation, Text, Timestamp
from .locations import Not
from .order import Direction, OrderBy
from .paging.styles import Cursor, LastId, PageNumber, Style
from .rows import RowReader

__all__ = ["argument_faults", "faults", "required"]

_NUMBERS = frozenset({"integer", "number"})
_TEXTS = frozenset({"string", "uuid"})
# What a field can be sent as, and what it can be compared with on rows.
_SENT: Mapping[type[Field], frozenset[str]] = {
    Choice: frozenset({"string"}),
    Flag: frozenset({"boolean"}),
    FullText: frozenset({"string"}),
    Id: _TEXTS | _NUMBERS,
    Number: _NUMBERS,
    PartialMatch: frozenset({"string"}),
    Relation: _TEXTS | _NUMBERS,
    Text: _TEXTS,
    Timestamp: frozenset({"date-time", "date", "string"}) | _NUMBERS,
}
_CARRIED: Mapping[type[Field], frozenset[str]] = {
    Choice: frozenset({"string"}),
    Flag: frozenset({"boolean"}),
    FullText: frozenset(),
    Id: frozenset({"string", "integer"}),
    Number: _NUMBERS,
    PartialMatch: frozenset({"string"}),
    Relation: frozenset({"string"}),
    Text: frozenset({"string"}),
    Timestamp: frozenset({"date-time"}),
}
_BEST: Mapping[str, str] = {
    "boolean": "Flag",
    "date-time": "Timestamp",
    "integer": "Number or Id",
    "number": "Number",
    "string": "Text",
    "uuid": "Id",
}
_WORDS: Mapping[str, str] = {
    "array": "a list",
    "boolean": "a boolean",
    "date": "a date",
    "date-time": "a date-time",
    "file": "a file",
    "integer": "an integer",
    "number": "a number",
    "object": "an object",
    "string": "text",
    "uuid": "a UUID",
}
_MEMBER = re.compile(r"(?P<argument>[^\[\]]+)\[(?P<member>[^\[\]]+)\]")
_MOST_PATHS = 2_000  # of a large schema, to find the nearest one
_CORRECT = "or correct the document in its overlay"


def faults(
    operation: Any, reader: RowReader[Any], paging: Style, fields: Fields, order: OrderBy | None
) -> Iterator[str]:
    """Yield what does not fit, a sentence each: which declaration, what is wrong, and what to write instead.

    Args:
        operation: The generated module, or what stands for one.
        reader, paging, fields, order: What an ``Endpoint`` declares.
    """
    known = _Operation.of(operation)
    row = getattr(reader.read, "__self__", None)  # of a row class's from_dict
    row = row if isinstance(row, type) and getattr(row, "FIELDS", None) else None
    yield from _of_fields(known, fields, row, paging.parameters if paging.where == "query" else ())
    if order is not None:
        yield from _of_order(known, order)
    yield from _of_reader(known, reader, row)
    yield from _of_paging(known, paging, row)


@frozen
class _Operation:
    """What is known of an operation.

    Attributes:
        name: Its method and path.
        arguments: What its function takes; None if that is not known.
        parameters: The same with what the document says; None if that is not known.
        answer: What it answers with; None if that is not known.
    """

    name: str
    arguments: frozenset[str] | None
    parameters: Mapping[str, ParameterInfo] | None
    answer: Declared | None

    @classmethod
    def of(cls, operation: Any) -> "_Operation":
        parameters: Mapping[str, ParameterInfo] | None = getattr(operation, "PARAMETERS", None)
        answer = getattr(operation, "ANSWER", None)
        arguments: frozenset[str] | None
        if parameters is not None:
            arguments = frozenset(parameters)
        else:
            taken = signature(operation.build_request).parameters.values()
            is_open = any(each.kind is Parameter.VAR_KEYWORD for each in taken)
            arguments = None if is_open else frozenset(each.name for each in taken)
        return cls(operation.OPERATION, arguments, parameters, None if answer is None else declared(answer))

    def missing(self, where: str, name: str) -> str | None:
        """Return the fault of a parameter that there is not."""
        if self.arguments is None or name in self.arguments:
            return None
        wire = [argument for argument, each in (self.parameters or {}).items() if each.name == name]
        hint = _did_you_mean(name, self.arguments) if not wire else f"; write {wire[0]!r}, as the function does"
        return f"{where}: {name!r} is not among the parameters of {self.name}{hint}"


# ---- fields


def _of_fields(known: _Operation, fields: Fields, row: type | None, paging: Iterable[str]) -> Iterator[str]:
    taken: dict[str, str] = {}
    for name, field in fields.declared.items():
        where = f"fields.{name}"
        for param in dict.fromkeys(_params_of(field)):
            if param in taken:
                yield f"{where}: {param!r} is already the parameter of {taken[param]}; give it to one of the two"
            taken[param] = where
            yield from _of_parameter(known, where, field, param, paging)
        if field.attr is not None and row is not None:
            yield from _of_attribute(where, field, field.attr, row)


def _params_of(field: Field) -> Iterable[str]:
    return [] if field.param is None else [field.param]


def _argument_of(param: str) -> str:
    """Return the argument of the generated function that a field is sent as, or as a member of."""
    match = _MEMBER.fullmatch(param)
    return match["argument"] if match else param


def _of_parameter(known: _Operation, where: str, field: Field, param: str, paging: Iterable[str]) -> Iterator[str]:
    match, argument = _MEMBER.fullmatch(param), _argument_of(param)
    if fault := known.missing(where, argument):
        yield fault
        return
    if known.parameters is None:
        return
    parameter = known.parameters[argument]
    is_for_paging = parameter.where == "query" and parameter.name in paging
    if is_for_paging or parameter.where in {"path", "body"}:
        how = {"path": "goes into the path; give it to Reading", "body": "is the body, which no condition fills"}
        reason = "is set by the paging" if is_for_paging else how[parameter.where]
        yield f"{where}: parameter {argument!r} {reason}; remove it here"
        return
    is_list, type_ = parameter.many, type_of_parameter(parameter)
    if match:
        inner = _member_of(parameter, match["member"])
        if isinstance(inner, str):
            yield f"{where}: {inner}"
            return
        is_list, type_ = "array" in inner.types, (inner.items or ANYTHING) if "array" in inner.types else inner
    yield from _of_many(where, field, param, type_, is_list=is_list)
    yield from _of_sent_type(where, field, param, type_)


def _member_of(parameter: ParameterInfo, name: str) -> Declared | str:
    """Return what a member of an object as parameter may be, or what is wrong."""
    if not type_of_parameter(parameter).is_any_of({"object"}):
        return f"parameter {parameter.name!r} is {_in_words(type_of_parameter(parameter))}, which has no members"
    if parameter.model is None:
        return ANYTHING
    whole = declared(parameter.model)
    names = [path for path, _ in whole.paths(1)]
    return whole.at(name) or f"{name!r} is not among the members of {parameter.name!r}{_did_you_mean(name, names)}"


def _of_many(where: str, field: Field, param: str, type_: Declared, *, is_list: bool) -> Iterator[str]:
    if field.many == "commas" and is_list:
        yield f"{where}: parameter {param!r} is a list, whose values the function joins itself; use many=True"
    elif field.many == "commas" and not type_.is_any_of({"string"}):
        yield f"{where}: parameter {param!r} is {_in_words(type_)}, which cannot hold values with commas; remove many"
    elif field.many and field.many != "commas" and not is_list and "any" not in type_.types:
        text = 'remove many, or use many="commas" if the API splits text' if "string" in type_.types else "remove many"
        yield f"{where}: parameter {param!r} takes one value; {text}"


def _of_sent_type(where: str, field: Field, param: str, type_: Declared) -> Iterator[str]:
    fitting = _of_kind(field, _SENT)
    if fitting is None or field.many == "commas":
        return
    if isinstance(field, Flag) and _values(type_.enums).keys() >= {"true", "false"}:
        return
    choices: Any = getattr(field, "choices", None)
    if not type_.is_any_of(fitting) or (type_.enums and isinstance(field, Flag | Timestamp)):
        how = _advice(type_, f"param={param!r}", "")
        yield f"{where}: parameter {param!r} is {_in_words(type_)}, which {_called(field)} cannot be sent as; {how}"
    elif choices and type_.enums and choices not in type_.enums:
        enum, words = type_.enums[0].__name__, _values(type_.enums)
        if strange := [each for each in _values([choices]) if each not in words]:
            yield (
                f"{where}: {choices.__name__} lists {strange[0]!r}, which parameter {param!r} does not take"
                f"{_did_you_mean(strange[0], words)}; use Choice({enum}, ...)"
            )


def _of_attribute(where: str, field: Field, attr: str, row: type) -> Iterator[str]:
    attributes = attributes_of(row)
    if attr not in attributes:
        yield f"{where}: {_no_attribute(attr, row)}"
        return
    type_, fitting = declared(attributes[attr]), _of_kind(field, _CARRIED)
    choices: Any = getattr(field, "choices", None)
    what = f"{row.__name__}.{attr}"
    if fitting is None:
        return
    if not fitting:
        yield f"{where}: only the API can tell what {type(field).__name__} finds; remove attr={attr!r}"
    elif not type_.is_any_of(fitting):
        how = _advice(type_, f"attr={attr!r}", "; only the members of the row itself can be compared")
        yield f"{where}: {what} is {_in_words(type_)}, which {_called(field)} cannot be compared with; {how}"
    elif choices and type_.enums and choices not in type_.enums:
        own, enum = choices.__name__, type_.enums[0].__name__
        if _values(type_.enums).keys().isdisjoint(_values([choices])):
            yield f"{where}: {what} is a value of {enum}, and {own} lists none of these; use Choice({enum}, ...)"


def _no_attribute(attr: str, row: type) -> str:
    attributes = attributes_of(row)
    fields: Mapping[str, tuple[str, object]] = getattr(row, "FIELDS", {})
    hint = f"; write {fields[attr][0]!r}, as rows call it" if attr in fields else _did_you_mean(attr, attributes)
    if "." in attr and attr.partition(".")[0] in attributes:
        hint = "; name one of the row itself, not of an object inside it"
    return f"{attr!r} is not among the attributes of {row.__name__}{hint}"


def _values(enums: Iterable[Any]) -> dict[str, None]:
    """Return the listed values of enumerations, in their order."""
    listed = (enum.listed() if hasattr(enum, "listed") else map(int, enum) for enum in enums)
    return {str(value): None for values in listed for value in values}


def _of_kind(field: Field, table: Mapping[type[Field], frozenset[str]]) -> frozenset[str] | None:
    return next((table[cls] for cls in type(field).__mro__ if cls in table), None)


def _advice(type_: Declared, argument: str, otherwise: str) -> str:
    if type_.enums:
        return f"use Choice({type_.enums[0].__name__}, {argument}), {_CORRECT}"
    kinds = [_BEST[each] for each in sorted(type_.types) if each in _BEST]
    return f"use {kinds[0]}({argument}), {_CORRECT}" if kinds else f"remove {argument}{otherwise}"


# ---- order


def _of_order(known: _Operation, order: OrderBy) -> Iterator[str]:
    direction = order.descending if isinstance(order.descending, Direction) else None
    for name, param in zip(("param", "descending"), order.params, strict=False):
        if fault := known.missing(f"order.{name}", param):
            yield fault
        elif known.parameters is not None:
            parameter = known.parameters[param]
            type_ = type_of_parameter(parameter)
            if not type_.is_any_of({"string", "boolean"} if name == "descending" else {"string"}):
                yield f"order.{name}: parameter {param!r} is {_in_words(type_)}, which no order can be sent as"
            elif direction is not None and name == "descending":
                yield from _of_direction(direction, type_)
            elif words := _values(type_.enums):
                yield from _of_names(order, parameter, words)


def _of_direction(direction: Direction, type_: Declared) -> Iterator[str]:
    words = {"true": None, "false": None} if "string" not in type_.types else _values(type_.enums)
    for word in (direction.ascending, direction.descending) if words else ():
        if word not in words:
            hint = _did_you_mean(word, words)
            yield f"order.descending: {word!r} is not among the values of {direction.param!r}{hint}"


def _of_names(order: OrderBy, parameter: ParameterInfo, words: Mapping[str, None]) -> Iterator[str]:
    """Yield the faults of names that a document lists."""
    for name in order.names:
        if name not in words:
            yield f"order.names: {name!r} is not among the values of {order.param!r}{_did_you_mean(name, words)}"
    template = order.descending
    if isinstance(template, str) and words.keys().isdisjoint(template.replace("{name}", name) for name in order.names):
        written = template.replace("{name}", order.names[0])
        yield f"order.descending: {written!r} is not among the values of {order.param!r}{_did_you_mean(written, words)}"
    if order.several and not parameter.many:
        yield f"order.several: parameter {order.param!r} takes one of its values; write several=False"


# ---- rows, and the envelope around them


def _of_reader(known: _Operation, reader: RowReader[Any], row: type | None) -> Iterator[str]:
    if row is not None:
        yield from _of_key(reader.key, row)
    if known.answer is None or "any" in known.answer.types:
        return
    yield from _of_items(known, reader, row)
    more = reader.more.of if isinstance(reader.more, Not) else reader.more
    expected: list[tuple[str, object, frozenset[str], str]] = [
        ("total", reader.total, _NUMBERS, "a number; of text, a function can make one"),
        ("size", reader.size, _NUMBERS, "a number"),
        ("next", reader.next, _TEXTS | _NUMBERS, "text or a number"),
        ("more", more, frozenset({"boolean"}), "a boolean"),
    ]
    for name, path, types, what in expected:
        if isinstance(path, str):
            yield from _of_path(known, f"reader.{name}", path, types, what)


def _of_key(key: str, row: type, where: str = "reader.key") -> Iterator[str]:
    attributes = attributes_of(row)
    if key not in attributes:
        yield f"{where}: {_no_attribute(key, row)}"
    elif not (type_ := declared(attributes[key])).is_any_of(_TEXTS | _NUMBERS):
        yield (
            f"{where}: {row.__name__}.{key} is {_in_words(type_)}, which does not tell rows apart; "
            "name an attribute that is text or an integer"
        )


def _of_items(known: _Operation, reader: RowReader[Any], row: type | None) -> Iterator[str]:
    answer, path = known.answer or ANYTHING, reader.items
    found: Declared | None = answer
    if path is None or not answer.classes:
        if "array" not in answer.types:
            names = [each for each, below in islice(answer.paths(), _MOST_PATHS) if below.is_any_of({"array"})]
            hint = f"; write items={' or '.join(map(repr, names[:3]))}" if names else ", which holds no rows"
            yield f"reader.items: {known.name} answers with {_in_words(answer)}, not with an array{hint}"
        elif path is not None and not reader.bare and not callable(path):
            yield f"reader.items: {known.name} answers with an array, not with an object; write items=None"
    elif isinstance(path, str):
        found = answer.at(path)
        yield from _of_path(known, "reader.items", path, frozenset({"array"}), "an array")
    else:
        return  # a function finds them
    classes = () if found is None or found.items is None else found.items.classes
    if row is not None and classes and not any(issubclass(row, each) for each in classes):
        yield (
            f"reader.read: the rows of {known.name} are {' or '.join(each.__name__ for each in classes)}, not "
            f"{row.__name__}; write {classes[0].__name__}.from_dict"
        )


def _of_path(known: _Operation, where: str, path: str, types: frozenset[str], what: str) -> Iterator[str]:
    """Yield the fault of a path that is not in the answer, or leads to something else."""
    answer = known.answer or ANYTHING
    found = answer.at(path)
    if found is not None and found.is_any_of(types):
        return
    candidates = [each for each, below in islice(answer.paths(), _MOST_PATHS) if below.is_any_of(types)]
    hint = _did_you_mean(path, candidates)
    if found is None:
        names = " or ".join(each.__name__ for each in answer.classes) or _in_words(answer)
        yield f"{where}: {path!r} is not among the members of {names}, the answer of {known.name}{hint}"
    else:
        yield f"{where}: {path!r} is {_in_words(found)}, not {what}{hint}"


# ---- paging


def _parameters_of(paging: Style) -> Mapping[str, str]:
    """Return the names of the paging parameters on the wire, by what the style calls them."""
    names = ("page", "offset", "cursor", "after", "size", "limit")
    found = {name: getattr(paging, name, None) for name in names}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _of_paging(known: _Operation, paging: Style, row: type | None) -> Iterator[str]:
    if isinstance(paging, LastId) and paging.key is not None and row is not None:
        yield from _of_key(paging.key, row, "paging.key")
    if known.parameters is None:
        return
    if paging.where == "body":
        yield from _of_paging_in_body(known, paging)
        return
    by_name = {each.name: each for each in known.parameters.values() if each.where == "query"}
    for called, name in _parameters_of(paging).items():
        where = f"paging.{called}"
        parameter = by_name.get(name)
        if parameter is not None:
            yield from _of_paging_type(where, name, called, type_of_parameter(parameter), is_list=parameter.many)
            yield from _of_bounds(where, called, parameter, paging)
            continue
        wire = known.parameters[name].name if name in known.parameters else ""
        hint = f"; write {wire!r}, as it is sent" if wire in by_name else _did_you_mean(name, by_name)
        yield f"{where}: {name!r} is not among the query parameters of {known.name}{hint}"


def _of_paging_in_body(known: _Operation, paging: Style) -> Iterator[str]:
    body = next((each for each in (known.parameters or {}).values() if each.where == "body"), None)
    if body is None:
        yield f'paging.where: {known.name} has no body; write where="query"'
        return
    whole = ANYTHING if body.model is None else declared(body.model)
    for called, path in _parameters_of(paging).items():
        where, type_ = f"paging.{called}", whole.at(path)
        if type_ is None:
            names = [each for each, _ in islice(whole.paths(), _MOST_PATHS)]
            yield f"{where}: {path!r} is not in the body of {known.name}{_did_you_mean(path, names)}"
        else:
            yield from _of_paging_type(where, path, called, type_, is_list="array" in type_.types)


def _of_paging_type(where: str, name: str, called: str, type_: Declared, *, is_list: bool) -> Iterator[str]:
    if is_list:
        yield f"{where}: parameter {name!r} is a list, which cannot be paged by"
    elif called in {"size", "limit"} and not type_.is_any_of(_NUMBERS | {"string"}):
        yield f"{where}: parameter {name!r} is {_in_words(type_)}, not a number of rows"
    elif called in {"page", "offset"} and not type_.is_any_of(_NUMBERS):
        style = f"if a response says what comes next, use Cursor(cursor={name!r})"
        yield f"{where}: parameter {name!r} is {_in_words(type_)}, not a number; {style}, {_CORRECT}"
    elif called in {"cursor", "after"} and not type_.is_any_of(_TEXTS | _NUMBERS | {"date", "date-time"}):
        yield f"{where}: parameter {name!r} is {_in_words(type_)}, which no cursor can be sent as"


def _of_bounds(where: str, called: str, parameter: ParameterInfo, paging: Style) -> Iterator[str]:
    """Yield what goes beyond the smallest or largest value of a parameter, or begins elsewhere than the API does."""
    name, least, most, default = parameter.name, parameter.minimum, parameter.maximum, parameter.default
    if called in {"size", "limit"} and most is not None and paging.largest > most:
        yield f"paging.largest: parameter {name!r} is at most {most}, not {paging.largest}; write largest={most}"
    elif called in {"size", "limit"} and least is not None and paging.largest < least:
        yield f"paging.largest: parameter {name!r} is at least {least}, not {paging.largest}; write largest={least}"
    elif isinstance(paging, PageNumber) and called == "page":
        first, begins = paging.first, default if _is_integer(default) else None
        if begins is not None and begins != first:
            yield f"paging.first: the default of {name!r} is {begins}, so the first page is; write first={begins}"
        elif least is not None and least > first:
            yield f"paging.first: parameter {name!r} is at least {least}, not {first}; write first={least}"
    elif called == "offset" and least is not None and least > 0:
        yield f"{where}: parameter {name!r} is at least {least}, and rows are counted from 0; {_CORRECT[3:]}"
    elif isinstance(paging, Cursor) and called == "cursor" and parameter.required and paging.start is None:
        yield f"{where}: parameter {name!r} must be sent with the first page, too; give its first value with start="


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# ---- what a reading gives


def required(operation: Any, paging: Style, fields: Fields) -> frozenset[str]:
    """Return the arguments that the generated function needs, and neither paging nor a field gives."""
    parameters: Mapping[str, ParameterInfo] = getattr(operation, "PARAMETERS", {})
    by_fields = {_argument_of(param) for field in fields.declared.values() for param in _params_of(field)}
    names = paging.parameters if paging.where == "query" else ()
    return frozenset(
        argument
        for argument, each in parameters.items()
        if each.required
        and argument not in by_fields
        and not (each.where == "query" and each.name in names)
        and not (each.where == "body" and paging.where == "body")
    )


def argument_faults(operation: Any, arguments: Iterable[str], needed: Iterable[str]) -> Iterator[str]:
    """Yield what does not fit of the arguments of a ``Reading``, of which these are needed."""
    known = _Operation.of(operation)
    arguments = list(arguments)
    for argument in arguments:
        if fault := known.missing("Reading", argument):
            yield fault
    for argument in needed:
        if argument not in arguments:
            yield (
                f"Reading: {known.name} needs {argument!r}; give it with Reading(sender, ENDPOINT, "
                f"{{{argument!r}: ...}}), or declare a field with param={argument!r}"
            )


# ---- words


def _called(field: Field) -> str:
    name = type(field).__name__
    return f"an {name}" if name[0] in "AEIOU" else f"a {name}"


def _in_words(type_: Declared) -> str:
    words = [_WORDS.get(each, each) for each in sorted(type_.types)]
    if type_.enums and len(words) == 1:
        return f"a value of {type_.enums[0].__name__}"
    if type_.classes and len(words) == 1:
        return f"an object ({' or '.join(each.__name__ for each in type_.classes)})"
    return " or ".join(words)


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    known = list(known)
    last = name.rpartition(".")[2]
    near = [each for each in known if each.rpartition(".")[2] == last][:2] or nearest(name, known)
    near = near or (known if len(known) <= 3 else [])
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
