"""Whether fields fit the parameters that they are sent as, and the attributes that they are compared with."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..declared import ANYTHING, Declared, ParameterInfo, attributes_of, declared, type_of_parameter
from ..filters import (
    Choice,
    Date,
    Field,
    Fields,
    Flag,
    FullText,
    Id,
    Number,
    PartialMatch,
    Relation,
    Text,
    Timestamp,
)
from .known import CORRECT, NUMBERS, TEXTS, Known, did_you_mean, in_words, no_attribute, values_of

__all__ = ["argument_of", "of_fields"]

# What a field can be sent as, and what it can be compared with on rows.
_SENT: Mapping[type[Field], frozenset[str]] = {
    Choice: frozenset({"string"}),
    Date: frozenset({"date-time", "date", "string"}) | NUMBERS,
    Flag: frozenset({"boolean"}),
    FullText: frozenset({"string"}),
    Id: TEXTS | NUMBERS,
    Number: NUMBERS,
    PartialMatch: frozenset({"string"}),
    Relation: TEXTS | NUMBERS,
    Text: TEXTS,
    Timestamp: frozenset({"date-time", "date", "string"}) | NUMBERS,
}
_CARRIED: Mapping[type[Field], frozenset[str]] = {
    Choice: frozenset({"string"}),
    Date: frozenset({"date"}),
    Flag: frozenset({"boolean"}),
    FullText: frozenset(),
    Id: frozenset({"string", "uuid", "integer"}),
    Number: NUMBERS,
    PartialMatch: frozenset({"string"}),
    Relation: frozenset({"string"}),
    Text: frozenset({"string"}),
    Timestamp: frozenset({"date-time"}),
}
_BEST: Mapping[str, str] = {
    "boolean": "Flag",
    "date": "Date",
    "date-time": "Timestamp",
    "integer": "Number or Id",
    "number": "Number",
    "string": "Text",
    "uuid": "Id",
}


def of_fields(known: Known, fields: Fields, row: type | None, paging: Iterable[str]) -> Iterator[str]:
    """Yield what does not fit. ``paging``: the parameters that the listing sets."""
    taken: dict[str, str] = {}
    for name, field in fields.declared.items():
        where = f"fields.{name}"
        if not field.params and field.attr is None:
            yield f"{where}: neither the API nor rows can tell it; name a parameter with param=, or an attribute, attr="
        lower, upper = ({field.params.get(op) for op in ops} - {None} for ops in ((">", ">="), ("<", "<=")))
        for param in lower & upper:
            yield f"{where}: parameter {param!r} cannot be both the lower and the upper bound; give it to one of them"
        for param in dict.fromkeys(field.params.values()):
            if param in taken:
                yield f"{where}: {param!r} is already the parameter of {taken[param]}; give it to one of the two"
            taken[param] = where
            yield from _of_parameter(known, where, field, param, paging)
        if field.attr is not None and row is not None:
            yield from _of_attribute(where, field, field.attr, row)


def argument_of(param: str) -> str:
    """Return the argument of the generated function that a field is sent as, or inside of."""
    return param.partition("[")[0]


def _of_parameter(known: Known, where: str, field: Field, param: str, paging: Iterable[str]) -> Iterator[str]:
    argument, *names = param.replace("]", "").split("[")
    if fault := known.missing(where, argument):
        yield fault
        return
    if known.parameters is None:
        return
    parameter = known.parameters[argument]
    reason = ""
    if parameter.where == "query" and parameter.name in paging:
        reason = "is set by the paging; remove it here"
    elif parameter.where == "path":
        reason = "goes into the path; give it to Reading"
    elif parameter.where == "body" and not names:
        reason = "is the whole body; name a member of it, such as 'body[...]'"
    if reason:
        yield f"{where}: parameter {argument!r} {reason}"
        return
    is_list, type_ = parameter.many, type_of_parameter(parameter)
    if names:
        inner = _member_of(parameter, names)
        if isinstance(inner, str):
            yield f"{where}: {inner}"
            return
        is_list, type_ = "array" in inner.types, (inner.items or ANYTHING) if "array" in inner.types else inner
    if param == field.param:
        yield from _of_many(where, field, param, type_, is_list=is_list)
    elif is_list:
        yield f"{where}: parameter {param!r} is a list, and a bound is one value; use param={param!r}"
    yield from _of_sent_type(where, field, param, type_)


def _member_of(parameter: ParameterInfo, names: list[str]) -> Declared | str:
    """Return what a key inside an object as parameter may be, or what is wrong."""
    what, found = f"parameter {parameter.name or 'body'!r}", type_of_parameter(parameter)
    whole = found if parameter.model is None else declared(parameter.model)
    for name in names:
        if not found.is_any_of({"object"}):
            return f"{what} is {in_words(found)}, which has no members"
        if not whole.classes:
            return ANYTHING
        if name not in (keys := whole.keys()):
            return f"{name!r} is not among the members of {what.removeprefix('parameter ')}{did_you_mean(name, keys)}"
        found = whole = keys[name]
        what = repr(name)
    return found


def _of_many(where: str, field: Field, param: str, type_: Declared, *, is_list: bool) -> Iterator[str]:
    if field.many == "commas" and is_list:
        yield f"{where}: parameter {param!r} is a list, whose values the function joins itself; use many=True"
    elif field.many == "commas" and not type_.is_any_of({"string"}):
        yield f"{where}: parameter {param!r} is {in_words(type_)}, which cannot hold values with commas; remove many"
    elif field.many and field.many != "commas" and not is_list and "any" not in type_.types:
        text = 'remove many, or use many="commas" if the API splits text' if "string" in type_.types else "remove many"
        yield f"{where}: parameter {param!r} takes one value; {text}"


def _of_sent_type(where: str, field: Field, param: str, type_: Declared) -> Iterator[str]:
    fitting = _of_kind(field, _SENT)
    if fitting is None or field.many == "commas":
        return
    if isinstance(field, Flag) and values_of(type_.enums).keys() >= {"true", "false"}:
        return
    choices: Any = getattr(field, "choices", None)
    if not type_.is_any_of(fitting) or (type_.enums and isinstance(field, Date | Flag | Timestamp)):
        how = _advice(type_, f"param={param!r}", "")
        yield f"{where}: parameter {param!r} is {in_words(type_)}, which {_called(field)} cannot be sent as; {how}"
    elif isinstance(field, Timestamp) and field.format and type_.types.isdisjoint({"any", "string"}):
        fits = {"date-time": {"date-time"}, "date": {"date"}}.get(field.format, NUMBERS)
        if type_.types.isdisjoint(fits):
            yield (
                f"{where}: parameter {param!r} is {in_words(type_)}, and not of format={field.format!r}; "
                f"remove format, {CORRECT}"
            )
    elif type_.enums and choices not in type_.enums:
        enum, words = type_.enums[0].__name__, values_of(type_.enums)
        named = f"{choices.__name__} lists" if choices else "unseen names"
        sent = values_of([choices]) if choices else getattr(field, "unseen", ())
        if strange := [each for each in sent if each not in words]:
            how = f"; use Choice({enum}, ...)" if choices else did_you_mean(strange[0], words)
            yield f"{where}: {named} {strange[0]!r}, which parameter {param!r} does not take{how}"


def _of_attribute(where: str, field: Field, attr: str, row: type) -> Iterator[str]:
    attributes = attributes_of(row)
    if attr not in attributes:
        yield f"{where}: {no_attribute(attr, row)}"
        return
    type_, fitting = declared(attributes[attr]), _of_kind(field, _CARRIED)
    if isinstance(field, Timestamp) and field.format in {"seconds", "milliseconds"}:
        fitting = NUMBERS | {"date-time"}
    choices: Any = getattr(field, "choices", None)
    what = f"{row.__name__}.{attr}"
    if fitting is None:
        return
    if not fitting:
        yield f"{where}: only the API can tell what {type(field).__name__} finds; remove attr={attr!r}"
    elif not type_.is_any_of(fitting):
        how = _advice(type_, f"attr={attr!r}", "; only the members of the row itself can be compared")
        if isinstance(field, Timestamp) and type_.is_any_of(NUMBERS):
            how = 'write format="seconds" or format="milliseconds" if it counts from 1970, or use Number'
        yield f"{where}: {what} is {in_words(type_)}, which {_called(field)} cannot be compared with; {how}"
    elif choices and type_.enums and choices not in type_.enums:
        own, enum = choices.__name__, type_.enums[0].__name__
        if values_of(type_.enums).keys().isdisjoint(values_of([choices])):
            yield f"{where}: {what} is a value of {enum}, and {own} lists none of these; use Choice({enum}, ...)"


def _of_kind(field: Field, table: Mapping[type[Field], frozenset[str]]) -> frozenset[str] | None:
    return next((table[cls] for cls in type(field).__mro__ if cls in table), None)


def _advice(type_: Declared, argument: str, otherwise: str) -> str:
    if type_.enums:
        return f"use Choice({type_.enums[0].__name__}, {argument}), {CORRECT}"
    kinds = [_BEST[each] for each in sorted(type_.types) if each in _BEST]
    return f"use {kinds[0]}({argument}), {CORRECT}" if kinds else f"remove {argument}{otherwise}"


def _called(field: Field) -> str:
    name = type(field).__name__
    return f"an {name}" if name[0] in "AEIOU" else f"a {name}"
