"""Fields: what can be asked about, and which comparisons there are. Pure.

A binding declares each field once, in the body of a ``Fields``. A field says which comparisons there are, which of them
the API can make (``param``) and whether rows can tell (``attr``). How a condition becomes listings is in ``planner``.
"""

import datetime as dt
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NoReturn, Protocol, TypeVar, cast

from ..errors import UsageError, nearest, not_allowed
from .conditions import And, Comparison, Condition, Not, Or
from .values import checked_text, is_list, plain

__all__ = [
    "Choice",
    "Choices",
    "Field",
    "Fields",
    "FullText",
    "Id",
    "Number",
    "PartialMatch",
    "Relation",
    "Text",
    "Timestamp",
    "predicate",
    "read_condition",
    "write_condition",
]

Many = Literal["repeated", "commas"]


class Choices(Protocol):
    """An open enumeration, as generated: listed values, and others by name."""

    @classmethod
    def listed(cls) -> tuple[str, ...]:
        """All values of the document, in its order."""
        ...

    @classmethod
    def unlisted(cls, value: str, /) -> Any:
        """A value, whether it is listed or not."""
        ...


OPERATORS: Mapping[str, Callable[[Any, tuple[Any, ...]], bool]] = {
    "in": lambda value, given: value in given,
    "contains": lambda value, given: given[0] in value,
    "startswith": lambda value, given: value.startswith(given[0]),
    "endswith": lambda value, given: value.endswith(given[0]),
    "icontains": lambda value, given: given[0].casefold() in value.casefold(),
    "<": lambda value, given: value < given[0],
    "<=": lambda value, given: value <= given[0],
    ">": lambda value, given: value > given[0],
    ">=": lambda value, given: value >= given[0],
}


class Field:
    """Something that can be asked about. Its name is that of the attribute of ``Fields`` that it is declared as.

    param: what asks the API, as the generated request function calls it. attr: the attribute of a row.
    many: how the API takes several values, as a repeated key or joined by commas; None: it takes one.
    """

    offers: ClassVar[str] = ""
    ops: ClassVar[frozenset[str]] = frozenset()
    #: The comparison that ``param`` makes, and that a keyword of ``where`` stands for.
    asks: ClassVar[str] = "in"

    def __init__(self, *, param: str | None = None, attr: str | None = None, many: Many | None = None) -> None:
        self.name, self.param, self.attr, self.many = "", param, attr, many

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        self._lacks("==", other)

    def __ne__(self, other: object) -> bool:
        self._lacks("!=", other)

    if not TYPE_CHECKING:  # type checkers find these by themselves; at run time the message says what there is

        def __lt__(self, other: object) -> NoReturn:
            self._lacks("<", other)

        def __le__(self, other: object) -> NoReturn:
            self._lacks("<=", other)

        def __gt__(self, other: object) -> NoReturn:
            self._lacks(">", other)

        def __ge__(self, other: object) -> NoReturn:
            self._lacks(">=", other)

        def __and__(self, other: object) -> NoReturn:
            raise UsageError(
                f"{self.name}: a field is no condition, compare it with something; & and | bind more tightly than == "
                "and <, so put each comparison in brackets: (fields.a == 1) & (fields.b == 2)"
            )

        __rand__ = __or__ = __ror__ = __and__

        def __bool__(self) -> bool:  # noqa: PLE0304
            self.__and__(self)

        def __invert__(self) -> NoReturn:
            self.__and__(self)

        def __getattr__(self, name: str) -> NoReturn:
            of = self.__dict__.get("name", "field")
            raise AttributeError(f"{of}: there is no {name!r}; it offers {self.offers}", name=name, obj=self)

    def _lacks(self, op: str, given: object) -> NoReturn:
        raise not_allowed(self.name, given, f"{self.offers}; {op} is not a comparison of this field")

    # ---- what can be given

    def keyword(self, given: object) -> Comparison:
        """What ``where(name=given)`` means. Raises FilterError."""
        values = self._several(given) if self.many and is_list(given) else (self._one(given),)
        return Comparison(self.name, self.asks, values)

    def checked(self, comparison: Comparison) -> Comparison:
        """A comparison that was made elsewhere, by another API's field or from JSON, as one of this field."""
        if comparison.op not in self.ops:
            raise not_allowed(self.name, comparison, self.offers)
        return Comparison(self.name, comparison.op, tuple(map(self._value, comparison.values)))

    def _compare(self, op: str, given: object) -> Comparison:
        return Comparison(self.name, op, (self._one(given),))

    def _one(self, given: object) -> Any:
        if is_list(given):
            raise not_allowed(
                self.name, list(cast("Iterable[object]", given)), f"one {self._kind()}; this takes no list"
            )
        return self._value(given)

    def _several(self, given: object) -> tuple[Any, ...]:
        if not is_list(given):
            raise not_allowed(self.name, given, f"a list, each a {self._kind()}")
        listed = list(cast("Iterable[object]", given))
        values = tuple(dict.fromkeys(self._value(value) for value in listed))
        if not values:
            raise not_allowed(self.name, listed, f"at least one {self._kind()}; to ask for all, leave {self.name} out")
        return values

    def _value(self, given: object) -> Any:
        if not isinstance(given, str):
            raise not_allowed(self.name, given, self._kind())
        checked_text(self.name, given)
        if self.many == "commas" and "," in given:
            raise not_allowed(self.name, given, "a value without a comma: several are given as a list")
        return plain(given)

    def _kind(self) -> str:
        return "non-empty text"

    # ---- what is sent, and what rows say

    def encode(self, values: tuple[str, ...]) -> object:
        """The values as the generated request function takes them."""
        return list(map(plain, values)) if self.many == "repeated" else ",".join(values)

    def holds(self, op: str, given: tuple[Any, ...], value: object) -> bool:
        """Whether what a row carries compares so."""
        if op == "null":
            return value is None
        known = self.known(value)
        return known is not None and OPERATORS[op](known, given)

    def known(self, value: object) -> Any:
        """What a row carries, as it is compared; None for null, and for what is not of this kind at all."""
        return value if isinstance(value, str) else None

    def comparable(self, given: tuple[Any, ...], value: object) -> bool:  # noqa: ARG002
        """Whether rows that carry this value can contradict what the API was asked for."""
        return True

    def to_json(self, value: Any) -> Any:
        """A value as JSON can carry it."""
        return value

    def from_json(self, value: Any) -> Any:
        """And back."""
        return value


_METHODS = ("limit", "order_by", "page_size", "extra_params")  # of a query, taken for keywords of where

V = TypeVar("V")
E = TypeVar("E", bound=str)


class _Nullable(Field):
    def is_null(self) -> Condition:
        """Null, or absent."""
        return Comparison(self.name, "null")


class _Equatable(_Nullable, Generic[V]):
    __hash__ = object.__hash__

    def __eq__(self, value: V) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._compare("in", value)

    def __ne__(self, value: V) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return Not(self._compare("in", value))

    def in_(self, values: Iterable[V]) -> Condition:
        """Any of these."""
        return Comparison(self.name, "in", self._several(values))


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
        """From low to high, both included."""
        first, last = self._compare(">=", low), self._compare("<=", high)
        if first.values[0] > last.values[0]:
            raise not_allowed(self.name, (low, high), "the lower end first")
        return first & last


class Choice(_Equatable[E | str], Generic[E]):
    """One of the values of an open enumeration: ``==``, ``!=``, ``in_``, ``is_null``."""

    offers = "==, !=, in_(…), is_null()"
    ops = frozenset({"in", "null"})

    def __init__(
        self, choices: type[E], *, param: str | None = None, attr: str | None = None, many: Many | None = None
    ) -> None:
        super().__init__(param=param, attr=attr, many=many)
        self._choices = cast("type[Choices]", choices)

    def _value(self, given: object) -> Any:
        if isinstance(given, str) and not isinstance(given, cast("type", self._choices)):
            listed = self._choices.listed()
            if given not in listed:
                name = self._choices.__name__
                allowed = f"one of the {len(listed)} values of {name}, or {name}.unlisted(…) for one it does not list"
                raise not_allowed(self.name, given, allowed, near=nearest(given, listed))
        return self._choices.unlisted(super()._value(given))

    def _kind(self) -> str:
        return f"value of {self._choices.__name__}"

    def from_json(self, value: Any) -> Any:
        return self._choices.unlisted(value) if isinstance(value, str) else value


class Text(_Equatable[str]):
    """Text: ``==``, ``!=``, ``in_``, ``contains``, ``startswith``, ``endswith``, ``icontains``, ``is_null``.

    Case matters, but to ``icontains``.
    """

    offers = "==, !=, in_(…), contains(…), startswith(…), endswith(…), icontains(…), is_null()"
    ops = frozenset({"in", "null", "contains", "startswith", "endswith", "icontains"})

    def contains(self, text: str) -> Condition:
        """This text, anywhere in it."""
        return self._compare("contains", text)

    def startswith(self, text: str) -> Condition:
        """This text at its start."""
        return self._compare("startswith", text)

    def endswith(self, text: str) -> Condition:
        """This text at its end."""
        return self._compare("endswith", text)

    def icontains(self, text: str) -> Condition:
        """This text, anywhere in it, in any case."""
        return self._compare("icontains", text)


class Id(_Equatable[str | int]):
    """An id, text or whole number, where ``17`` and ``"17"`` are the same: ``==``, ``!=``, ``in_``, ``is_null``."""

    offers = "==, !=, in_(…), is_null()"
    ops = frozenset({"in", "null"})

    def _value(self, given: object) -> Any:
        return str(int(given)) if isinstance(given, int) and not isinstance(given, bool) else super()._value(given)

    def _kind(self) -> str:
        return "non-empty text or a whole number"

    def known(self, value: object) -> Any:
        return str(value) if isinstance(value, str | int) else None

    def comparable(self, given: tuple[Any, ...], value: object) -> bool:
        # An API may number its rows and take another id of the same thing as well: that one is not contradicted.
        return value is None or any(one.isdecimal() == str(value).isdecimal() for one in given)


class Number(_Equatable[float], _Ordered[float]):
    """A number: ``==``, ``!=``, ``in_``, ``<``, ``<=``, ``>``, ``>=``, ``between``, ``is_null``."""

    offers = "==, !=, in_(…), <, <=, >, >=, between(…, …), is_null()"
    ops = frozenset({"in", "null", "<", "<=", ">", ">="})

    def _value(self, given: object) -> Any:
        if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
            raise not_allowed(self.name, given, self._kind())
        return given + 0

    def _kind(self) -> str:
        return "number"

    def encode(self, values: tuple[Any, ...]) -> object:
        return super().encode(tuple(map(str, values)))

    def known(self, value: object) -> Any:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None


class Timestamp(_Ordered[dt.datetime]):
    """A point in time, with its zone: ``<``, ``<=``, ``>``, ``>=``, ``between``, ``is_null``."""

    offers = "<, <=, >, >=, between(…, …), is_null()"
    ops = frozenset({"null", "<", "<=", ">", ">="})

    def _value(self, given: object) -> Any:
        if not isinstance(given, dt.datetime) or given.utcoffset() is None:
            raise not_allowed(self.name, given, self._kind())
        return given

    def _kind(self) -> str:
        return "datetime with a time zone, such as datetime(2026, 1, 31, tzinfo=UTC)"

    def known(self, value: object) -> Any:
        return value if isinstance(value, dt.datetime) and value.utcoffset() is not None else None

    def to_json(self, value: Any) -> Any:
        return value.isoformat()

    def from_json(self, value: Any) -> Any:
        try:
            return dt.datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return value


class PartialMatch(Field):
    """What the API finds part of, in any case, and rows do not carry: ``icontains``."""

    offers = "icontains(…)"
    ops = frozenset({"icontains"})
    asks = "icontains"

    def icontains(self, text: str) -> Condition:
        """This text, anywhere in it, in any case."""
        return self._compare("icontains", text)


class FullText(Field):
    """What the API searches for, in fields of its own choice: ``matches``."""

    offers = "matches(…)"
    ops = frozenset({"matches"})
    asks = "matches"

    def matches(self, text: str) -> Condition:
        """What the API finds for this text."""
        return self._compare("matches", text)


class Relation(Field):
    """What a row is related to, which the API knows and rows do not carry: ``==``, ``in_``."""

    offers = "==, in_(…)"
    ops = frozenset({"in"})
    __hash__ = object.__hash__

    def __eq__(self, value: str) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._compare("in", value)

    def in_(self, values: Iterable[str]) -> Condition:
        """Any of these."""
        return Comparison(self.name, "in", self._several(values))


class Fields:
    """The fields of one listing, declared in the body of a subclass: what conditions are made of."""

    declared: ClassVar[Mapping[str, Field]] = {}

    def __init_subclass__(cls) -> None:
        cls.declared = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}

    if not TYPE_CHECKING:  # type checkers find a misspelt field by themselves

        def __getattr__(self, name: str) -> NoReturn:
            near = nearest(name, self.declared)
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            message = f"fields: there is no {name!r}; allowed is one of {', '.join(self.declared)}.{hint}"
            raise AttributeError(message, name=name, obj=self)

    def keywords(self, given: Mapping[str, object]) -> tuple[Condition, ...]:
        """Keywords of ``where`` as conditions. Raises FilterError for an unknown one, with the nearest match."""
        known = [name for name, field in self.declared.items() if field.param is not None]
        for name, value in given.items():
            if name not in known:
                allowed = f"one of {', '.join(known)}"
                if name in self.declared:
                    allowed += f"; {name} can be asked for as a condition, fields.{name}: {self.declared[name].offers}"
                if name in _METHODS:
                    allowed += f"; it has a method of its own, .{name}(...)"
                near = () if name in self.declared or name in _METHODS else nearest(name, known)
                raise not_allowed(name, value, allowed, near=near)
        return tuple(self.declared[name].keyword(value) for name, value in given.items())

    def checked(self, condition: object) -> Condition:
        """A condition, if it is one and these fields can make it. Raises FilterError."""
        match condition:
            case Comparison():
                field = self.declared.get(condition.field)
                if field is None:
                    near = nearest(condition.field, self.declared)
                    raise not_allowed(condition.field, condition, f"one of {', '.join(self.declared)}", near=near)
                return field.checked(condition)
            case And() | Or():
                return type(condition)(tuple(map(self.checked, condition.parts)))
            case Not():
                return Not(self.checked(condition.part))
            case _:
                raise not_allowed(
                    "where", condition, "conditions made of fields, as in fields.country == …, or keywords"
                )


# ---- conditions on rows, and as JSON


def predicate(condition: Condition, fields: "Fields") -> Callable[[object], bool]:
    """A function that says whether a row meets a condition all of whose fields rows carry."""
    match condition:
        case And():
            tests = [predicate(part, fields) for part in condition.parts]
            return lambda row: all(test(row) for test in tests)
        case Or():
            tests = [predicate(part, fields) for part in condition.parts]
            return lambda row: any(test(row) for test in tests)
        case Not():
            test = predicate(condition.part, fields)
            return lambda row: not test(row)
        case Comparison():
            field, op, values = fields.declared[condition.field], condition.op, condition.values
            assert field.attr is not None
            value_of = operator.attrgetter(field.attr)
            return lambda row: field.holds(op, values, value_of(row))
        case _:
            raise TypeError(condition)


def write_condition(condition: Condition, fields: Fields) -> list[Any]:
    """A condition as JSON can carry it."""
    match condition:
        case Comparison():
            field = fields.declared[condition.field]
            return [condition.op, condition.field, *map(field.to_json, condition.values)]
        case And() | Or():
            return [type(condition).__name__.lower(), *(write_condition(part, fields) for part in condition.parts)]
        case Not():
            return ["not", write_condition(condition.part, fields)]
        case _:
            raise TypeError(condition)


def read_condition(written: Any, fields: Fields) -> Condition:
    """And back, not checked. Raises KeyError, TypeError or ValueError for what is none."""
    kind, *rest = written
    if kind in {"and", "or"}:
        parts = tuple(read_condition(part, fields) for part in rest)
        return And(parts) if kind == "and" else Or(parts)
    if kind == "not":
        (part,) = rest
        return Not(read_condition(part, fields))
    name, *values = rest
    return Comparison(name, kind, tuple(map(fields.declared[name].from_json, values)))
