"""Conditions on rows: comparisons joined by and, or, not. They hold the *names* of fields. Pure."""

import datetime as dt
from typing import Any, cast

from attrs import frozen

from ..errors import UsageError
from .values import plain

__all__ = ["And", "Comparison", "Condition", "Not", "Or"]


class Condition:
    """What rows must meet: made of fields, as in ``fields.country == "US"``, and joined by ``&``, ``|`` and ``~``.

    A frozen value. Logic is two-valued: a field that is null equals nothing and contains nothing, so ``!=`` and ``~``
    are true of it.
    """

    __slots__ = ()

    def __and__(self, other: "Condition") -> "Condition":
        return And(_parts(And, self, other)) if isinstance(cast("object", other), Condition) else NotImplemented

    def __or__(self, other: "Condition") -> "Condition":
        return Or(_parts(Or, self, other)) if isinstance(cast("object", other), Condition) else NotImplemented

    def __invert__(self) -> "Condition":
        return self.part if isinstance(self, Not) else Not(self)

    def __bool__(self) -> bool:
        raise UsageError(
            f"{self!r} is a condition, neither true nor false by itself: join conditions with & | ~ instead of "
            "and, or, not; and write between(low, high) instead of low < field < high"
        )


@frozen(repr=False)
class Comparison(Condition):
    """One field, by name, against values. op: one of ``OPERATORS``."""

    field: str
    op: str
    values: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        shown = list(map(_shown, self.values))
        if self.op == "in" and len(shown) != 1:
            return f"{self.field}.in_([{', '.join(shown)}])"
        if self.op == "null":
            return f"{self.field}.is_null()"
        sign = "==" if self.op == "in" else self.op
        return f"{self.field}.{sign}({shown[0]})" if sign.isalpha() else f"{self.field} {sign} {shown[0]}"


@frozen(repr=False)
class And(Condition):
    """All of these."""

    parts: tuple[Condition, ...]

    def __repr__(self) -> str:
        return " & ".join(map(_bracketed, self.parts))


@frozen(repr=False)
class Or(Condition):
    """Any of these."""

    parts: tuple[Condition, ...]

    def __repr__(self) -> str:
        return " | ".join(map(_bracketed, self.parts))


@frozen(repr=False)
class Not(Condition):
    """Not this."""

    part: Condition

    def __repr__(self) -> str:
        if isinstance(self.part, Comparison) and self.part.op == "in" and len(self.part.values) == 1:
            return f"{self.part.field} != {_shown(self.part.values[0])}"
        return f"~{_bracketed(self.part)}"


def _parts(kind: type[And] | type[Or], *conditions: Condition) -> tuple[Condition, ...]:
    return tuple(part for each in conditions for part in (each.parts if isinstance(each, kind) else (each,)))


def _bracketed(condition: Condition) -> str:
    text = repr(condition)
    return text if " " not in text.partition("(")[0] and isinstance(condition, Comparison) else f"({text})"


def _shown(value: object) -> str:
    return (
        value.isoformat() if isinstance(value, dt.datetime) else repr(plain(value) if isinstance(value, str) else value)
    )
