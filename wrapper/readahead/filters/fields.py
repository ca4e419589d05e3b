"""Fields: what conditions are made of, and which comparisons there are. Pure.

A binding declares each field once, in the body of a ``Fields``. A field says which comparisons there are, which of them
the API can make (``param``), and whether rows carry its value (``attr``). How a condition becomes listings is in
``planner``.
"""

import datetime as dt
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NoReturn, TypeVar, cast

from attrs import evolve

from ..errors import FilterError, UsageError, nearest, shown
from .conditions import And, Comparison, Compound, Condition, Not, Or, compiled
from .values import Choices, Incomparable, checked_choice, checked_text, in_text, is_list, plain

__all__ = [
    "Choice",
    "Field",
    "Fields",
    "Flag",
    "FullText",
    "Id",
    "Number",
    "PartialMatch",
    "Relation",
    "Text",
    "Timestamp",
]
__all__ += ["predicate", "read_condition", "write_condition"]

Many = Literal["repeated", "commas"]
V = TypeVar("V")
E = TypeVar("E", bound=str)

#: The comparisons with one value that can be made on rows; besides, there are "in" and "null".
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "contains": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "icontains": lambda text, part: part.casefold() in text.casefold(),
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
QUERY_METHODS = frozenset({"limit", "order_by", "page_size", "extra_params"})  # often taken for keywords of where


def _refuse(sign: str) -> Callable[["Field", object], NoReturn]:
    """Return a method for a comparison that a field does not have."""

    def refuse(field: "Field", value: object) -> NoReturn:
        field.refuse_none(value)
        raise FilterError(field.name, f"{field.only_with}, not with {sign}", value=value)

    return refuse


def _refuse_logic(field: "Field", *_: object) -> NoReturn:
    raise UsageError(
        f"{field.name} is a field, not a condition; compare it with something. & and | bind more tightly than == and "
        "<, so put each comparison in brackets: (fields.a == 1) & (fields.b == 2)"
    )


class Field:
    """Something that rows can be filtered by. It is named after the attribute of ``Fields`` that it is declared as.

    Args:
        param: The parameter that asks the API, as the generated function names it. None: rows are evaluated locally.
        attr: The attribute of a row that carries the value. None: rows do not carry it.
        many: How the API takes several values, as a repeated key or joined by commas. None: it takes one.
    """

    #: The comparisons of this field, and how each is written.
    ops: ClassVar[Mapping[str, str]] = {}
    #: The comparison that ``param`` makes, and that a keyword of ``where`` stands for.
    param_op: ClassVar[str] = "in"
    #: What a value must be, for messages.
    kind: str = "text"

    def __init__(self, *, param: str | None = None, attr: str | None = None, many: Many | None = None) -> None:
        self.name, self.param, self.attr, self.many = "", param, attr, many

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    __hash__ = object.__hash__

    if TYPE_CHECKING:  # type checkers see what is missing; at run time the message says what there is instead

        def __eq__(self, other: object) -> bool: ...
    else:
        __eq__, __ne__, __lt__, __le__, __gt__, __ge__ = map(_refuse, ("==", "!=", "<", "<=", ">", ">="))
        __and__ = __rand__ = __or__ = __ror__ = __invert__ = __bool__ = _refuse_logic

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("__"):  # copy and pickle look for some before there is a name
                raise AttributeError(name)
            raise AttributeError(f"{self.only_with}; there is no {name!r}", name=name, obj=self)

    @property
    def only_with(self) -> str:
        """What can be done with this field, for messages."""
        return f"{self.name} can only be asked with {', '.join(self.ops.values())}"

    def keyword(self, value: object) -> Comparison:
        """Return what ``where(name=value)`` means. Raises FilterError."""
        values = self._checked_list(value) if self.many and is_list(value) else (self._checked_one(value),)
        return Comparison(self.name, self.param_op, values)

    def checked(self, comparison: Comparison) -> Comparison:
        """Return a comparison by another API's field, or from JSON, as one of this field. Raises FilterError."""
        if comparison.op not in self.ops:
            raise FilterError(self.name, f"{self.only_with}, not with {comparison!r}", value=comparison)
        return Comparison(self.name, comparison.op, tuple(map(self._checked, comparison.values)))

    def _compare(self, op: str, value: object) -> Comparison:
        return Comparison(self.name, op, (self._checked_one(value),))

    def _checked_one(self, value: object) -> Any:
        if not is_list(value):
            return self._checked(value)
        values = list(cast("Iterable[object]", value))
        message = f"{self.name} takes one value, not a list: {shown(values)}"
        message += f"; for several values use fields.{self.name}.in_(...)" if "in" in self.ops else ""
        raise FilterError(self.name, message, value=values)

    def _checked_list(self, values: object) -> tuple[Any, ...]:
        if not is_list(values):
            message = f"{self.name}.in_() takes a list of values, not {shown(values)}; for one value use =="
            raise FilterError(self.name, message, value=values)
        checked = tuple(dict.fromkeys(map(self._checked, cast("Iterable[object]", values))))
        if not checked:
            message = f"{self.name} needs at least one value, not an empty list; leave {self.name} out to get all rows"
            raise FilterError(self.name, message, value=[])
        return checked

    def _checked(self, value: object) -> Any:
        self.refuse_none(value)
        text = checked_text(self.name, value, self.kind)
        if self.many == "commas" and "," in text:
            message = f"{self.name} must not contain a comma: {shown(value)}; pass several values as a list"
            raise FilterError(self.name, message, value=value)
        return text

    def refuse_none(self, value: object) -> None:
        """Point to ``is_null`` where None was passed and the field has it. Raises FilterError."""
        if value is None and "null" in self.ops:
            null = f"fields.{self.name}.is_null()"
            message = f"use {null} for rows without a value, or leave {self.name} out for all rows"
            raise FilterError(self.name, f"{self.name} cannot be compared with None; {message}")

    # ---- what is sent, and what rows carry

    def encode(self, values: tuple[Any, ...]) -> object:
        """Return the values as the generated function takes them, which writes what is not text."""
        if self.many == "commas":
            return ",".join(map(in_text, values))
        plainly = [plain(value) if isinstance(value, str) else value for value in values]
        return plainly if self.many == "repeated" else plainly[0]

    def holds(self, op: str, values: tuple[Any, ...], value: object) -> bool:
        """Return whether the value that a row carries compares so; null compares with nothing.

        Raises:
            Incomparable: It is of another type.
        """
        if value is None or op == "null":
            return value is None and op == "null"
        comparable = self.comparable(value)
        if comparable is None:
            raise Incomparable(self.name, self.kind, value)
        return comparable in values if op == "in" else OPERATORS[op](comparable, values[0])

    def comparable(self, value: object) -> Any:
        """Return a value that a row carries as it is compared; None for one of another type."""
        return value if isinstance(value, str) else None

    def contradicts(self, values: tuple[Any, ...], value: object) -> bool:
        """Return whether a row with this value cannot be what the API was asked for. One of another type may be."""
        try:
            return not self.holds("in", values, value)
        except Incomparable:
            return False

    def from_json(self, value: Any) -> Any:
        """Return a value that JSON has carried."""
        return value


_EQUAL = {"in": "==, !=, in_(...)", "null": "is_null()"}
_ORDER = {"<": "<", "<=": "<=", ">": ">", ">=": ">=, between(...)", "null": "is_null()"}
_PART = {"icontains": "icontains(...)"}
_TEXT = {"contains": "contains(...)", "startswith": "startswith(...)", "endswith": "endswith(...)"}


class _Nullable(Field):
    def is_null(self) -> Condition:
        """Match rows where the value is null or absent."""
        return Comparison(self.name, "null")


class _Listable(Field, Generic[V]):
    __hash__ = object.__hash__

    def __eq__(self, value: V) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._compare("in", value)

    def in_(self, values: Iterable[V]) -> Condition:
        """Match rows where the value is one of these."""
        return Comparison(self.name, "in", self._checked_list(values))


class _Equatable(_Listable[V], _Nullable):
    def __ne__(self, value: V) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return ~self._compare("in", value)


class _Ordered(_Nullable, Generic[V]):
    def __lt__(self, value: V) -> Condition:
        return self._compare("<", value)

    def __le__(self, value: V) -> Condition:
        return self._compare("<=", value)

    def __gt__(self, value: V) -> Condition:
        return self._compare(">", value)

    def __ge__(self, value: V) -> Condition:
        return self._compare(">=", value)

    def between(self, low: V, high: V) -> Condition:
        """Match rows where the value is from low to high, both included."""
        first, last = self._compare(">=", low), self._compare("<=", high)
        if first.values[0] > last.values[0]:
            message = f"{self.name}.between() takes the lower value first; swap {shown(low)} and {shown(high)}"
            raise FilterError(self.name, message, value=(low, high))
        return first & last


class _Partial(Field):
    def icontains(self, text: str) -> Condition:
        """Match rows where the value contains this text, in any case."""
        return self._compare("icontains", text)


class PartialMatch(_Partial):
    """Text that only the API sees, and finds by a part of it in any case: ``icontains``."""

    ops = _PART
    param_op = "icontains"


class FullText(Field):
    """A search by the API, in fields of its own choice: ``matches``."""

    ops: ClassVar = {"matches": "matches(...)"}
    param_op = "matches"

    def matches(self, text: str) -> Condition:
        """Match rows that the API finds for this text."""
        return self._compare("matches", text)


class Relation(_Listable[str]):
    """The id of something that a row belongs to, which only the API knows: ``==``, ``in_``."""

    ops: ClassVar = {"in": "==, in_(...)"}


class Choice(_Equatable[E | str], Generic[E]):
    """A value of an open enumeration: ``==``, ``!=``, ``in_``, ``is_null``.

    Args:
        choices: The generated enumeration. Text must be one of its values, or made by its ``unlisted``.
        param: The parameter that asks the API, as for ``Field``.
        attr: The attribute of a row, as for ``Field``.
        many: How the API takes several values, as for ``Field``.
    """

    ops = _EQUAL

    def __init__(
        self, choices: type[E], *, param: str | None = None, attr: str | None = None, many: Many | None = None
    ) -> None:
        super().__init__(param=param, attr=attr, many=many)
        self.kind, self._choices = f"a value of {choices.__name__}", cast("type[Choices]", choices)
        self.choices = choices

    def _checked(self, value: object) -> Any:
        if isinstance(value, str):
            checked_choice(self.name, value, self._choices)
        return self._choices.unlisted(super()._checked(value))

    def from_json(self, value: Any) -> Any:
        return self._choices.unlisted(value) if isinstance(value, str) else value


class Text(_Equatable[str], _Partial):
    """Text: ``==``, ``!=``, ``in_``, ``contains``, ``startswith``, ``endswith``, ``icontains``, ``is_null``.

    All but ``icontains`` distinguish upper and lower case.
    """

    ops = _TEXT | _PART | _EQUAL

    def contains(self, text: str) -> Condition:
        """Match rows where the value contains this text."""
        return self._compare("contains", text)

    def startswith(self, text: str) -> Condition:
        """Match rows where the value starts with this text."""
        return self._compare("startswith", text)

    def endswith(self, text: str) -> Condition:
        """Match rows where the value ends with this text."""
        return self._compare("endswith", text)


class Id(_Equatable[str | int]):
    """An id, text or whole number, where ``17`` and ``"17"`` are the same: ``==``, ``!=``, ``in_``, ``is_null``."""

    ops = _EQUAL
    kind = "text or a whole number"

    def _checked(self, value: object) -> Any:
        return str(int(value)) if isinstance(value, int) and not isinstance(value, bool) else super()._checked(value)

    def comparable(self, value: object) -> Any:
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None

    def contradicts(self, values: tuple[Any, ...], value: object) -> bool:
        # An API may number its rows and take another id of the same thing as well: that one is not contradicted.
        same_kind = value is None or any(text.isdecimal() == str(value).isdecimal() for text in values)
        return same_kind and super().contradicts(values, value)


class _Measured(Field):
    example = ""

    def _checked(self, value: object) -> Any:
        self.refuse_none(value)
        if (comparable := self.comparable(value)) is None:
            message = f"{self.name} must be {self.kind}{self.example}, not {shown(value)}"
            raise FilterError(self.name, message, value=value)
        return comparable


class Number(_Measured, _Equatable[float], _Ordered[float]):
    """A finite number: ``==``, ``!=``, ``in_``, ``<``, ``<=``, ``>``, ``>=``, ``between``, ``is_null``."""

    ops = _ORDER | _EQUAL
    kind = "a finite number"

    def comparable(self, value: object) -> Any:
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < math.inf:
            return None
        return value + 0


class Flag(_Measured, _Equatable[bool]):
    """True or false: ``==``, ``!=``, ``in_``, ``is_null``."""

    ops = _EQUAL
    kind = "True or False"

    def encode(self, values: tuple[Any, ...]) -> object:
        return super().encode(tuple("true" if value else "false" for value in values))

    def comparable(self, value: object) -> Any:
        return value if isinstance(value, bool) else None


class Timestamp(_Measured, _Ordered[dt.datetime]):
    """A point in time, as a datetime with a time zone: ``<``, ``<=``, ``>``, ``>=``, ``between``, ``is_null``."""

    ops = _ORDER
    kind = "a datetime with a time zone"
    example = ", such as datetime(2026, 1, 31, tzinfo=UTC)"

    def comparable(self, value: object) -> Any:
        return value if isinstance(value, dt.datetime) and value.utcoffset() is not None else None

    def from_json(self, value: Any) -> Any:
        return dt.datetime.fromisoformat(value)


class Fields:
    """The fields of one endpoint, declared in the body of a subclass: what conditions are made of."""

    declared: ClassVar[Mapping[str, Field]] = {}

    def __init_subclass__(cls) -> None:
        cls.declared = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}

    if not TYPE_CHECKING:  # type checkers find a misspelt field by themselves

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(str(self._unknown(name, None)), name=name, obj=self)

    def _unknown(self, name: str, condition: Condition | None) -> FilterError:
        message = f"unknown field {name!r}; known are {', '.join(self.declared)}"
        return FilterError(name, message, value=condition, near=nearest(name, self.declared))

    def keywords(self, values: Mapping[str, object]) -> tuple[Condition, ...]:
        """Return keywords of ``where`` as conditions. Raises FilterError for an unknown one, with the nearest match."""
        known = [name for name, field in self.declared.items() if field.param is not None]
        for name in [name for name in values if name not in known]:
            message = f"unknown filter {name!r}; known are {', '.join(known)}"
            if name in self.declared:
                message += f"; use a condition on fields.{name}: {', '.join(self.declared[name].ops.values())}"
            if name in QUERY_METHODS:
                message += f"; call .{name}(...) on the query"
            near = () if name in self.declared or name in QUERY_METHODS else nearest(name, known)
            raise FilterError(name, message, value=values[name], near=near)
        return tuple(self.declared[name].keyword(value) for name, value in values.items())

    def checked(self, condition: object) -> Condition:
        """Return a condition, if it is one and these fields can make it. Raises FilterError."""
        if isinstance(condition, Compound):
            return evolve(condition, parts=tuple(map(self.checked, condition.parts)))
        if not isinstance(condition, Comparison):
            example = "conditions made of fields, such as fields.country == 'US', and keywords"
            raise FilterError("where", f"where() takes {example}, not {shown(condition)}", value=condition)
        if condition.field not in self.declared:
            raise self._unknown(condition.field, condition)
        return self.declared[condition.field].checked(condition)


# ---- conditions on rows, and as JSON


def predicate(condition: Condition, fields: Fields) -> Callable[[object], bool]:
    """Return a function that tells whether a row meets a condition, all of whose fields rows must carry.

    It raises Incomparable where that depends on a value of another type than its field.
    """

    def test_of(comparison: Comparison) -> Callable[[object], bool]:
        field, op, values = fields.declared[comparison.field], comparison.op, comparison.values
        assert field.attr is not None
        value_of = operator.attrgetter(field.attr)
        return lambda row: field.holds(op, values, value_of(row))

    return compiled(condition, test_of)


_COMPOUNDS: Mapping[str, type[Compound]] = {"and": And, "or": Or, "not": Not}


def write_condition(condition: Condition) -> list[Any]:
    """Return a condition as JSON can carry it."""
    if isinstance(condition, Compound):
        return [type(condition).__name__.lower(), *(write_condition(part) for part in condition.parts)]
    assert isinstance(condition, Comparison)
    values = [value.isoformat() if isinstance(value, dt.datetime) else value for value in condition.values]
    return [condition.op, condition.field, *values]


def read_condition(members: Any, fields: Fields) -> Condition:
    """Return what ``write_condition`` wrote, not checked. Raises KeyError, TypeError, ValueError for anything else."""
    kind, *rest = members
    if kind in _COMPOUNDS:
        parts = tuple(read_condition(part, fields) for part in rest)
        if kind == "not" and len(parts) != 1:
            raise ValueError(members)
        return _COMPOUNDS[kind](parts)
    name, *values = rest
    return Comparison(name, kind, tuple(map(fields.declared[name].from_json, values)))
