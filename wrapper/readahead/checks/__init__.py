"""Whether a binding fits the generated code that it is made for, and what to write instead. Pure.

Everything that a binding names is looked up: parameters in ``PARAMETERS`` of the generated module, members of the
envelope in its ``ANSWER``, attributes in the class of rows. A hand-written operation has neither; of it the names of
arguments are checked, if it has a signature. Of a type nothing is said where the document leaves it open.
"""

from collections.abc import Iterable, Iterator, Mapping
from inspect import Parameter, signature
from typing import Any

from ..declared import ParameterInfo
from ..filters import Fields
from ..order import OrderBy
from ..paging.styles import Style
from ..rows import RowReader
from .answers import of_reader
from .fields import argument_of, of_fields
from .known import Known
from .paging import of_order, of_paging

__all__ = ["argument_faults", "faults", "given_by", "in_one_line", "required"]


def faults(
    operation: Any, reader: RowReader[Any], paging: Style, fields: Fields, order: OrderBy | None
) -> Iterator[str]:
    """Yield what does not fit, a sentence each: which declaration, what is wrong, and what to write instead.

    Args:
        operation: The generated module, or what stands for one.
        reader, paging, fields, order: What an ``Endpoint`` declares.
    """
    known = Known.of(operation)
    row = getattr(reader.read, "__self__", None)  # of a row class's from_dict
    row = row if isinstance(row, type) and getattr(row, "FIELDS", None) else None
    yield from of_fields(known, fields, row, paging.parameters if paging.where == "query" else ())
    if order is not None:
        yield from of_order(known, order)
    yield from of_reader(known, reader, row)
    yield from of_paging(known, paging, row)


def required(operation: Any, paging: Style) -> frozenset[str]:
    """Return the arguments that the generated function needs, and paging does not give."""
    parameters: Mapping[str, ParameterInfo] | None = getattr(operation, "PARAMETERS", None)
    given = {"body"} if paging.where == "body" else set[str]()
    if parameters is None:
        taken = signature(operation.build_request).parameters.values()
        kinds = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        return frozenset(each.name for each in taken if each.default is Parameter.empty and each.kind in kinds) - given
    if paging.where == "query":
        names = paging.parameters
        given |= {name for name, each in parameters.items() if each.where == "query" and each.name in names}
    return frozenset(name for name, each in parameters.items() if each.required) - given


def given_by(fields: Fields, order: OrderBy | None) -> Mapping[str, str]:
    """Return what a query gives arguments of the generated function with, such as ``where(tenant=...)``."""
    given: dict[str, str] = dict.fromkeys(order.params if order else (), "order_by(...)")
    for name, field in fields.declared.items():
        for comparison, param in field.params.items():
            sign = comparison if comparison in {"<", "<=", ">", ">="} else None
            written = f"where({name}=...)" if sign is None else f"where(fields.{name} {sign} ...)"
            given.setdefault(argument_of(param), written)
    return given


def argument_faults(operation: Any, arguments: Iterable[str], needed: Iterable[str]) -> Iterator[str]:
    """Yield what does not fit of the arguments of a ``Reading``, of which these are needed."""
    known = Known.of(operation)
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


def in_one_line(faults: Iterable[str]) -> str:
    """Return the faults as one message; empty if there is none."""
    found = list(faults)
    if len(found) < 2:
        return "".join(found)
    return " ".join(f"({number}) {fault}" for number, fault in enumerate(found, 1))
