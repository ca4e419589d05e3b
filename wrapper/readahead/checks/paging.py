"""Whether paging and order fit the parameters that they are sent as."""

from collections.abc import Iterator, Mapping
from itertools import islice

from ..declared import ANYTHING, Declared, ParameterInfo, declared, type_of_parameter
from ..filters import Fields
from ..order import Direction, OrderBy
from ..paging.styles import Cursor, LastId, PageNumber, Style
from .answers import of_key
from .known import CORRECT, MOST_PATHS, NUMBERS, TEXTS, Known, did_you_mean, in_words, values_of

__all__ = ["of_order", "of_paging"]


def of_paging(known: Known, paging: Style, row: type | None) -> Iterator[str]:
    """Yield what does not fit of names, types, page sizes and the first page."""
    if isinstance(paging, LastId) and paging.key is not None and row is not None:
        yield from of_key(paging.key, row, "paging.key")
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
        hint = f"; write {wire!r}, as it is sent" if wire in by_name else did_you_mean(name, by_name)
        yield f"{where}: {name!r} is not among the query parameters of {known.name}{hint}"


def _parameters_of(paging: Style) -> Mapping[str, str]:
    """Return the names of the paging parameters on the wire, by what the style calls them."""
    names = ("page", "offset", "cursor", "after", "size", "limit")
    found = {name: getattr(paging, name, None) for name in names}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _of_paging_in_body(known: Known, paging: Style) -> Iterator[str]:
    body = next((each for each in (known.parameters or {}).values() if each.where == "body"), None)
    if body is None:
        yield f'paging.where: {known.name} has no body; write where="query"'
        return
    whole = ANYTHING if body.model is None else declared(body.model)
    for called, path in _parameters_of(paging).items():
        where, type_ = f"paging.{called}", whole.at(path)
        if type_ is None:
            names = [each for each, _ in islice(whole.paths(), MOST_PATHS)]
            yield f"{where}: {path!r} is not in the body of {known.name}{did_you_mean(path, names)}"
        else:
            yield from _of_paging_type(where, path, called, type_, is_list="array" in type_.types)


def _of_paging_type(where: str, name: str, called: str, type_: Declared, *, is_list: bool) -> Iterator[str]:
    if is_list:
        yield f"{where}: parameter {name!r} is a list, which cannot be paged by"
    elif called in {"size", "limit"} and not type_.is_any_of(NUMBERS | {"string"}):
        yield f"{where}: parameter {name!r} is {in_words(type_)}, not a number of rows"
    elif called in {"page", "offset"} and not type_.is_any_of(NUMBERS):
        style = f"if a response says what comes next, use Cursor(cursor={name!r})"
        yield f"{where}: parameter {name!r} is {in_words(type_)}, not a number; {style}, {CORRECT}"
    elif called in {"cursor", "after"} and not type_.is_any_of(TEXTS | NUMBERS | {"date", "date-time"}):
        yield f"{where}: parameter {name!r} is {in_words(type_)}, which no cursor can be sent as"


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
        yield f"{where}: parameter {name!r} is at least {least}, and rows are counted from 0; {CORRECT[3:]}"
    elif isinstance(paging, Cursor) and called == "cursor" and parameter.required and paging.start is None:
        yield f"{where}: parameter {name!r} must be sent with the first page, too; give its first value with start="
    elif isinstance(paging, Cursor) and called == "cursor" and isinstance(paging.start, str):
        if type_of_parameter(parameter).types <= NUMBERS and not paging.start.lstrip("-").isdecimal():
            yield f"paging.start: parameter {name!r} is a number, not {paging.start!r}; give its first value, such as 0"
    elif isinstance(paging, LastId) and called == "after" and parameter.required:
        yield f"{where}: parameter {name!r} must be sent with the first page, too, which has no last row; {CORRECT[3:]}"


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def of_order(known: Known, order: OrderBy, fields: Fields) -> Iterator[str]:
    """Yield what does not fit of parameters, and of names where the document lists them."""
    direction = order.descending if isinstance(order.descending, Direction) else None
    for name, param in zip(("param", "descending"), order.params, strict=False):
        owner = next((each for each, field in fields.declared.items() if param in field.params.values()), None)
        if fault := known.missing(f"order.{name}", param):
            yield fault
        elif owner is not None:
            yield f"order.{name}: {param!r} is already the parameter of fields.{owner}; give it to one of the two"
        elif known.parameters is not None and known.parameters[param].where == "path":
            yield f"order.{name}: parameter {param!r} goes into the path; give it to Reading"
        elif known.parameters is not None:
            parameter = known.parameters[param]
            type_ = type_of_parameter(parameter)
            if not type_.is_any_of({"string", "boolean"} if name == "descending" else {"string"}):
                yield f"order.{name}: parameter {param!r} is {in_words(type_)}, which no order can be sent as"
            elif direction is not None and name == "descending":
                yield from _of_direction(direction, type_)
            elif words := values_of(type_.enums):
                yield from _of_names(order, parameter, words)


def _of_direction(direction: Direction, type_: Declared) -> Iterator[str]:
    words = {"true": None, "false": None} if "string" not in type_.types else values_of(type_.enums)
    for word in (direction.ascending, direction.descending) if words else ():
        if word not in words:
            hint = did_you_mean(word, words)
            yield f"order.descending: {word!r} is not among the values of {direction.param!r}{hint}"


def _of_names(order: OrderBy, parameter: ParameterInfo, words: Mapping[str, None]) -> Iterator[str]:
    """Yield the faults of names that a document lists."""
    for name in order.names:
        if name not in words:
            yield f"order.names: {name!r} is not among the values of {order.param!r}{did_you_mean(name, words)}"
    template = order.descending
    if isinstance(template, str) and words.keys().isdisjoint(template.replace("{name}", name) for name in order.names):
        written = template.replace("{name}", order.names[0])
        yield f"order.descending: {written!r} is not among the values of {order.param!r}{did_you_mean(written, words)}"
    if order.several and not parameter.many:
        yield f"order.several: parameter {order.param!r} takes one of its values; write several=False"
