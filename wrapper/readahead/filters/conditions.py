"""Conditions on rows: comparisons joined by and, or, not. Pure.

A comparison holds the name of a field, not the field: the ``==`` of a field makes conditions, so conditions that held
fields could not be compared.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, ClassVar, cast

import attrs
from attrs import Factory, frozen

from ..errors import FilterError, UsageError
from .values import Incomparable, plain

__all__ = ["And", "Comparison", "Compound", "Condition", "Not", "Or", "compiled", "joined", "judged"]

MAX_DEPTH = 100  # some levels take several frames, and Python stops at 1,000

Test = Callable[[Any], bool]


class Condition:
    """What rows must meet: made of fields, as in ``fields.country == "US"``, and joined by ``&``, ``|`` and ``~``.

    A frozen value. Logic is two-valued: a field that is null equals nothing and contains nothing, so ``!=`` and ``~``
    are true of it.
    """

    __slots__ = ()

    def __and__(self, other: "Condition") -> "Condition":
        return joined(And, (self, other)) if isinstance(cast("object", other), Condition) else NotImplemented

    def __or__(self, other: "Condition") -> "Condition":
        return joined(Or, (self, other)) if isinstance(cast("object", other), Condition) else NotImplemented

    def __invert__(self) -> "Condition":
        return self.parts[0] if isinstance(self, Not) else Not((self,))

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
        owner: The class that the field is declared in; "" where the comparison comes from JSON.
    """

    field: str
    op: str
    values: tuple[Any, ...] = ()
    owner: str = attrs.field(default="", eq=False)

    def __repr__(self) -> str:
        texts = [value.isoformat() if isinstance(value, dt.date) else repr(_plain(value)) for value in self.values]
        if self.op == "null":
            return f"{self.field}.is_null()"
        if self.op == "in" and len(texts) != 1:
            return f"{self.field}.in_([{', '.join(texts)}])"
        sign = "==" if self.op == "in" else self.op
        return f"{self.field}.{sign}({texts[0]})" if sign.isalpha() else f"{self.field} {sign} {texts[0]}"


@frozen(repr=False)
class Compound(Condition):
    """Conditions, joined.

    Attributes:
        parts: The conditions.
        depth: How many conditions are nested in one another, this one included.

    Raises:
        FilterError: More are nested than ``MAX_DEPTH``.
    """

    sign: ClassVar[str]
    parts: tuple[Condition, ...]
    depth: int = attrs.field(init=False, eq=False, default=Factory(lambda self: _depth(self.parts), takes_self=True))

    def __attrs_post_init__(self) -> None:
        if self.depth > MAX_DEPTH:
            raise FilterError(
                "",
                f"the condition is nested more than {MAX_DEPTH} deep; join the same sign side by side, as in a | b | c",
            )

    def __repr__(self) -> str:
        return f" {self.sign} ".join(map(_bracketed, self.parts))


class And(Compound):
    """Rows must meet all of these."""

    sign = "&"


class Or(Compound):
    """Rows must meet any of these."""

    sign = "|"


class Not(Compound):
    """Rows must not meet this one."""

    sign = "~"

    def __repr__(self) -> str:
        (part,) = self.parts
        equal = isinstance(part, Comparison) and part.op == "in" and len(part.values) == 1
        return repr(part).replace(" == ", " != ", 1) if equal else f"~{_bracketed(part)}"


def joined(kind: type[And] | type[Or], conditions: Sequence[Condition]) -> Condition:
    """Return all of some conditions, or any of them; what is joined in the same way already is not nested."""
    groups = [condition.parts if isinstance(condition, kind) else (condition,) for condition in conditions]
    return conditions[0] if len(conditions) == 1 else kind(tuple(chain.from_iterable(groups)))


def compiled(condition: Condition, test_of: Callable[[Comparison], Test]) -> Test:
    """Return one test for a condition, made of the tests of its comparisons."""
    if isinstance(condition, Comparison):
        return test_of(condition)
    assert isinstance(condition, Compound)
    tests = [compiled(part, test_of) for part in condition.parts]
    if isinstance(condition, Not):
        return lambda value: not tests[0](value)
    decisive = isinstance(condition, Or)
    return lambda value: judged(tests, value, decisive)


def judged(tests: Sequence[Test], value: object, decisive: bool) -> bool:  # noqa: FBT001
    """Return what tests of a value say together, in whatever order they stand.

    Args:
        tests: Joined by or, if True is decisive; by and, if False is.
        value: What is tested.
        decisive: The result that one test decides alone, also where the value is Incomparable in others.

    Raises:
        Incomparable: No test decides, and in one of them the value cannot be compared.
    """
    fault: Incomparable | None = None
    for test in tests:
        try:
            if test(value) is decisive:
                return decisive
        except Incomparable as error:
            fault = fault or error
    if fault is not None:
        raise fault
    return not decisive


def _depth(parts: tuple[Condition, ...]) -> int:
    return 1 + max((part.depth for part in parts if isinstance(part, Compound)), default=0)


def _bracketed(condition: Condition) -> str:
    text = repr(condition)
    return text if " " not in text.partition("(")[0] and isinstance(condition, Comparison) else f"({text})"


def _plain(value: object) -> object:
    return plain(value) if isinstance(value, str) else value
