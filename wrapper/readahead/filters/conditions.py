"""Conditions on rows: comparisons joined by and, or, not. Pure.

A comparison holds the name of a field, not the field: the ``==`` of a field makes conditions, so conditions that held
fields could not be compared.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any, cast

from attrs import frozen

from ..errors import UsageError
from .values import plain

__all__ = ["And", "Comparison", "Condition", "Not", "Or", "compiled"]

Test = Callable[[Any], bool]


class Condition:
    """What rows must meet: made of fields, as in ``fields.country == "US"``, and joined by ``&``, ``|`` and ``~``.

    A frozen value. Logic is two-valued: a field that is null equals nothing and contains nothing, so ``!=`` and ``~``
    are true of it.
    """

    __slots__ = ()

    def __and__(self, other: "Condition") -> "Condition":
        return And(_joined(And, self, other)) if isinstance(cast("object", other), Condition) else NotImplemented

    def __or__(self, other: "Condition") -> "Condition":
        return Or(_joined(Or, self, other)) if isinstance(cast("object", other), Condition) else NotImplemented

    def __invert__(self) -> "Condition":
        return self.part if isinstance(self, Not) else Not(self)

    def __bool__(self) -> bool:
        raise UsageError(
            f"{self!r} is a condition, neither true nor false by itself: join conditions with & | ~ instead of "
            "and, or, not; and write between(low, high) instead of low < field < high"
        )


@frozen(repr=False)
class Comparison(Condition):
    """A field, by name, compared with values.

    Attributes:
        field: The name of the field.
        op: "in", "null", "matches", or a key of ``fields.OPERATORS``.
        values: Several for "in", none for "null", else one.
    """

    field: str
    op: str
    values: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        texts = list(map(_spelled, self.values))
        if self.op == "in" and len(texts) != 1:
            return f"{self.field}.in_([{', '.join(texts)}])"
        if self.op == "null":
            return f"{self.field}.is_null()"
        sign = "==" if self.op == "in" else self.op
        return f"{self.field}.{sign}({texts[0]})" if sign.isalpha() else f"{self.field} {sign} {texts[0]}"


@frozen(repr=False)
class And(Condition):
    """Rows must meet all of these."""

    parts: tuple[Condition, ...]

    def __repr__(self) -> str:
        return " & ".join(map(_bracketed, self.parts))


@frozen(repr=False)
class Or(Condition):
    """Rows must meet any of these."""

    parts: tuple[Condition, ...]

    def __repr__(self) -> str:
        return " | ".join(map(_bracketed, self.parts))


@frozen(repr=False)
class Not(Condition):
    """Rows must not meet this."""

    part: Condition

    def __repr__(self) -> str:
        if isinstance(self.part, Comparison) and self.part.op == "in" and len(self.part.values) == 1:
            return f"{self.part.field} != {_spelled(self.part.values[0])}"
        return f"~{_bracketed(self.part)}"


def compiled(condition: Condition, test_of: Callable[[Comparison], Test]) -> Test:
    """Return one test for a condition, made of the tests of its comparisons."""
    match condition:
        case And():
            tests = [compiled(part, test_of) for part in condition.parts]
            return lambda value: all(test(value) for test in tests)
        case Or():
            tests = [compiled(part, test_of) for part in condition.parts]
            return lambda value: any(test(value) for test in tests)
        case Not():
            test = compiled(condition.part, test_of)
            return lambda value: not test(value)
        case Comparison():
            return test_of(condition)
        case _:
            raise TypeError(condition)


def _joined(kind: type[And] | type[Or], *conditions: Condition) -> tuple[Condition, ...]:
    parts = [condition.parts if isinstance(condition, kind) else (condition,) for condition in conditions]
    return tuple(part for group in parts for part in group)


def _bracketed(condition: Condition) -> str:
    text = repr(condition)
    return text if " " not in text.partition("(")[0] and isinstance(condition, Comparison) else f"({text})"


def _spelled(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return repr(plain(value) if isinstance(value, str) else value)
