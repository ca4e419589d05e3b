"""What is known of an operation, and the words of messages."""

from collections.abc import Iterable, Mapping
from inspect import Parameter, signature
from typing import Any

from attrs import frozen

from ..declared import Declared, ParameterInfo, attributes_of, declared
from ..errors import nearest

__all__ = [
    "CORRECT",
    "MOST_PATHS",
    "NUMBERS",
    "TEXTS",
    "Known",
    "did_you_mean",
    "in_words",
    "no_attribute",
    "values_of",
]

NUMBERS = frozenset({"integer", "number"})
TEXTS = frozenset({"string", "uuid"})
CORRECT = "or correct the document in its overlay"
MOST_PATHS = 2_000  # of a large schema, to find the nearest one
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


@frozen
class Known:
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
    def of(cls, operation: Any) -> "Known":
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
        hint = did_you_mean(name, self.arguments) if not wire else f"; write {wire[0]!r}, as the function does"
        return f"{where}: {name!r} is not among the parameters of {self.name}{hint}"


def values_of(enums: Iterable[Any]) -> dict[str, None]:
    """Return the listed values of enumerations, in their order."""
    listed = (enum.listed() if hasattr(enum, "listed") else map(int, enum) for enum in enums)
    return {str(value): None for values in listed for value in values}


def no_attribute(attr: str, row: type) -> str:
    attributes = attributes_of(row)
    fields: Mapping[str, tuple[str, object]] = getattr(row, "FIELDS", {})
    hint = f"; write {fields[attr][0]!r}, as rows call it" if attr in fields else did_you_mean(attr, attributes)
    if "." in attr and attr.partition(".")[0] in attributes:
        hint = "; name one of the row itself, not of an object inside it"
    return f"{attr!r} is not among the attributes of {row.__name__}{hint}"


def in_words(type_: Declared) -> str:
    words = [_WORDS.get(each, each) for each in sorted(type_.types)]
    if type_.enums and len(words) == 1:
        return f"a value of {type_.enums[0].__name__}"
    if type_.classes and len(words) == 1:
        return f"an object ({' or '.join(each.__name__ for each in type_.classes)})"
    return " or ".join(words)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    known = list(known)
    last = name.rpartition(".")[2]
    near = [each for each in known if each.rpartition(".")[2] == last][:2] or nearest(name, known)
    near = near or (known if len(known) <= 3 else [])
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
