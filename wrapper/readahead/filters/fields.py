"""Fields: what conditions are made of, and which comparisons there are. Pure.

A binding declares each field once, in the body of a ``Fields``. A field says which comparisons there are, which of them
the API can make (``param``; of ordered fields also ``ge``, ``gt``, ``le``, ``lt``), and whether rows carry its value
(``attr``). How a condition becomes listings is in ``planner``.

A parameter may be coarser than a condition: a date where a time was compared, ``>=`` where ``>`` was. Then the API is
asked for more, and rows decide. Where rows carry no value, only what the parameter says exactly can be asked.
"""

import datetime as dt
import math
import operator
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NoReturn, TypeVar, cast, get_args

from attrs import evolve, frozen

from ..errors import FilterError, UsageError, nearest, shown
from .conditions import And, Comparison, Compound, Condition, Not, Or, compiled
from .kinds import Kind, Kinds
from .regions import Interval, Region, Values
from .values import Choices, Incomparable, checked_choice, checked_text, in_text, is_list, plain

__all__ = [
    "Choice",
    "Date",
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

Many = bool | Literal["commas"]
Format = Literal["date-time", "date", "seconds", "milliseconds"]
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
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST, _LAST = dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)
_SECOND, _DAY = dt.timedelta(seconds=1), dt.timedelta(days=1)
_EAST, _WEST = dt.timedelta(hours=14), dt.timedelta(hours=12)  # the time zones farthest from UTC
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
        param: The parameter that asks the API, as the generated function names it; ``"created[gte]"`` is the member
            ``gte`` of the argument ``created``, and ``"body[filter][state]"`` lies in the body. None: rows are
            evaluated locally.
        attr: The attribute of a row that carries the value. None: rows do not carry it.
        many: Whether the parameter takes several values. They are written in the style that the document says;
            ``"commas"`` joins them where the document calls the parameter plain text.
    """

    #: The comparisons of this field, and how each is written.
    ops: ClassVar[Mapping[str, str]] = {}
    #: The comparison that ``param`` makes, and that a keyword of ``where`` stands for.
    param_op: ClassVar[str] = "in"
    #: What a value must be, for messages.
    kind: str = "text"

    def __init__(self, *, param: str | None = None, attr: str | None = None, many: Many = False) -> None:
        if many not in (True, False, "commas"):
            raise UsageError(
                f'many must be True, False or "commas", not {many!r}; the document says how values are joined'
            )
        self._check_names("param", param, "attr", attr)
        self.name, self.owner, self.param, self.attr, self.many = "", "", param, attr, many
        #: The parameter for each comparison that the API can make.
        self.params: dict[str, str] = {} if param is None else {self.param_op: param}

    def _check_names(self, *names: object) -> None:
        for what, name in zip(names[::2], names[1::2], strict=True):
            if name is not None and (not isinstance(name, str) or not name):
                raise UsageError(f"{what} must be a name, such as 'created_at', not {shown(name)}")

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.owner = name, class_name(owner)

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
        return self._comparison(self.param_op, values)

    def checked(self, comparison: Comparison) -> Comparison:
        """Return a comparison, such as one from JSON, as one of this field. Raises FilterError."""
        if comparison.op not in self.ops and comparison.op not in self.params:
            raise FilterError(self.name, f"{self.only_with}, not with {comparison!r}", value=comparison)
        return self._comparison(comparison.op, tuple(map(self._checked, comparison.values)))

    def _compare(self, op: str, value: object) -> Comparison:
        return self._comparison(op, (self._checked_one(value),))

    def _comparison(self, op: str, values: Values = ()) -> Comparison:
        return Comparison(self.name, op, values, self.owner)

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

    # ---- what the API is asked for

    def asked(self, comparison: Comparison, kinds: Kinds) -> Region | None:  # noqa: ARG002  of no account here
        """Return what the API can be asked for, so that it sends all rows of a comparison; None: it cannot."""
        return comparison.values if self.param is not None and comparison.op == self.param_op else None

    def known(self, region: Region, kinds: Kinds) -> Region:  # noqa: ARG002  of no account here
        """Return what is known of rows that the API sends for a region."""
        return region

    def reach(self, region: Region, kinds: Kinds) -> Region:  # noqa: ARG002  of no account here
        """Return what no row can be outside of that the API sends for a region."""
        return region

    def everything(self, kinds: Kinds) -> dict[str, object]:  # noqa: ARG002  of no account here
        """Return what asks for the rows with any value, where the API would leave some out otherwise."""
        return {}

    def is_hidden(self, region: Region) -> bool:  # noqa: ARG002  of no account here
        """Return whether rows cannot tell that they lie in a region."""
        return self.attr is None

    def arguments(self, region: Region, kinds: Kinds) -> dict[str, object]:
        """Return what asks for a region, by parameter."""
        assert self.param is not None
        assert not isinstance(region, Interval)
        return {self.param: self.encode(region, kinds.get(self.param, ""))}

    def encode(self, values: Values, kind: Kind = "") -> object:
        """Return values as the generated function takes them, which writes them.

        Args:
            values: What to ask for.
            kind: What the parameter takes.
        """
        written = [self._written(plain(value) if isinstance(value, str) else value, kind) for value in values]
        if self.many == "commas":
            return ",".join(map(in_text, written))
        return written if self.many else written[0]

    def _written(self, value: Any, kind: Kind) -> Any:
        if isinstance(value, str) or kind != "text":
            return value
        return in_text(value)

    # ---- what rows carry

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

    def contradicts(self, region: Region, value: object) -> bool:
        """Return whether a row with this value cannot be one of a region. One of another type may be."""
        assert not isinstance(region, Interval)
        try:
            return not self.holds("in", region, value)
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
        return self._comparison("null")


class _Listable(Field, Generic[V]):
    __hash__ = object.__hash__

    def __eq__(self, value: V) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._compare("in", value)

    def in_(self, values: Iterable[V]) -> Condition:
        """Match rows where the value is one of these."""
        return self._comparison("in", self._checked_list(values))


class _Equatable(_Listable[V], _Nullable):
    def __ne__(self, value: V) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return ~self._compare("in", value)


@frozen
class Bound:
    """One end of an interval, as the API is asked for it.

    Attributes:
        param: The parameter.
        value: Its value.
        exact: Whether the API sends no row beyond the end.
    """

    param: str
    value: object
    exact: bool


class Ordered(_Nullable, ABC, Generic[V]):
    """A field whose values have an order: ``<``, ``<=``, ``>``, ``>=``, ``between``.

    Args:
        param: The parameter that asks for equal values, as for ``Field``.
        attr: The attribute of a row, as for ``Field``.
        many: Whether ``param`` takes several values, as for ``Field``.
        ge: The parameter for values of at least a bound.
        gt: The parameter for values above a bound. The same name as ``ge`` says that the document does not tell whether
            the bound is included; then rows decide.
        le: The parameter for values of at most a bound.
        lt: The parameter for values below a bound, or that of ``le``, as for ``gt``.
    """

    def __init__(
        self,
        *,
        param: str | None = None,
        attr: str | None = None,
        many: Many = False,
        ge: str | None = None,
        gt: str | None = None,
        le: str | None = None,
        lt: str | None = None,
    ) -> None:
        super().__init__(param=param, attr=attr, many=many)
        self._check_names("ge", ge, "gt", gt, "le", le, "lt", lt)
        bounds = {">=": ge, ">": gt, "<=": le, "<": lt}
        self.params |= {op: name for op, name in bounds.items() if name is not None}

    __hash__ = object.__hash__

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

    # ---- what the API is asked for

    def asked(self, comparison: Comparison, kinds: Kinds) -> Region | None:
        is_whole = all(value == math.floor(value) for value in comparison.values if isinstance(value, int | float))
        takes_all = is_whole or kinds.get(self.param or "") != "integer"
        if (region := super().asked(comparison, kinds)) is not None and takes_all:
            return region
        if comparison.op not in {"in", ">", ">=", "<", "<="}:
            return None
        interval = Interval.of(comparison.op, comparison.values)
        known = self.known(interval, kinds)
        if self.attr is None:
            return interval if known == interval and len(comparison.values) == 1 else None
        return interval if self._bounds(interval, kinds) else None

    def known(self, region: Region, kinds: Kinds) -> Region:
        if not isinstance(region, Interval):
            return super().known(region, kinds)
        exact = {lower for lower, bound in self._bounds(region, kinds).items() if bound.exact}
        return Interval(region.low if True in exact else None, region.high if False in exact else None)

    def arguments(self, region: Region, kinds: Kinds) -> dict[str, object]:
        if not isinstance(region, Interval):
            return super().arguments(region, kinds)
        return {bound.param: bound.value for bound in self._bounds(region, kinds).values()}

    def contradicts(self, region: Region, value: object) -> bool:
        if not isinstance(region, Interval):
            return super().contradicts(region, value)
        comparable = self.comparable(value)
        return value is None or (comparable is not None and not region.holds(comparable))

    def reach(self, region: Region, kinds: Kinds) -> Region:
        if not isinstance(region, Interval):
            return super().reach(region, kinds)
        bounds = self._bounds(region, kinds)
        low = self._reach(region.low, bounds[True], -1, kinds) if True in bounds else None
        return Interval(low, self._reach(region.high, bounds[False], 1, kinds) if False in bounds else None)

    def _reach(self, end: tuple[Any, bool] | None, bound: Bound, sign: int, kinds: Kinds) -> tuple[Any, bool] | None:
        if bound.exact or end is None:
            return end
        try:
            return end[0] + sign * self.margin(kinds.get(bound.param, "")), sign > 0
        except OverflowError:  # Python's calendar ends there
            return None

    def _bounds(self, interval: Interval, kinds: Kinds) -> dict[bool, Bound]:
        """Return what asks for each end of an interval, the lower one by True."""
        ends = {True: interval.low, False: interval.high}
        bounds = {lower: self._bound(end, lower, kinds) for lower, end in ends.items() if end is not None}
        return {lower: bound for lower, bound in bounds.items() if bound is not None}

    def _bound(self, end: tuple[Any, bool], lower: bool, kinds: Kinds) -> Bound | None:  # noqa: FBT001
        value, flag = end
        is_open = flag if lower else not flag
        inclusive, exclusive = (self.params.get(op) for op in ((">=", ">") if lower else ("<=", "<")))
        param = (exclusive or inclusive) if is_open else (inclusive or exclusive)
        if param is None:
            return None
        told = inclusive != exclusive
        excludes, kind = not told or param == exclusive, kinds.get(param, "")
        sent, exact = self.rounded(value, lower=lower, excludes=excludes, is_open=is_open, kind=kind)
        return Bound(param, sent, exact and told and excludes == is_open)

    @abstractmethod
    def rounded(self, value: Any, *, lower: bool, excludes: bool, is_open: bool, kind: Kind) -> tuple[object, bool]:
        """Return a bound as a parameter takes it, and whether nothing was lost.

        Args:
            value: The bound.
            lower: Whether it is the lower one: what cannot be said exactly is lower then, else higher.
            excludes: Whether the API may leave out rows at what it is sent.
            is_open: Whether rows at the bound are not wanted.
            kind: What the parameter takes.
        """

    @abstractmethod
    def margin(self, kind: Kind) -> Any:
        """Return how far from a bound rows may lie that the API sends for a parameter which cannot say it exactly."""


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


class _Coded(_Equatable[V]):
    """Values with meanings that an API makes up.

    Args:
        param: The parameter that asks the API, as for ``Field``.
        attr: The attribute of a row, as for ``Field``.
        many: Whether the parameter takes several values, as for ``Field``.
        unseen: Values that the API takes and no row carries, such as ``all``: what they mean is up to the API, and no
            row contradicts them.
        every: The one of these that brings all rows, where a request without the parameter does not. It is sent where a
            query has a condition on this field, and one of its listings does not ask for a value.

    Raises:
        UsageError: There are such values, but no parameter.
    """

    __hash__ = object.__hash__

    def __init__(
        self,
        *,
        param: str | None = None,
        attr: str | None = None,
        many: Many = False,
        unseen: Iterable[V] = (),
        every: V | None = None,
    ) -> None:
        super().__init__(param=param, attr=attr, many=many)
        self.every = None if every is None else str(every)
        self.unseen: frozenset[str] = frozenset([*map(str, unseen), *([] if self.every is None else [self.every])])
        if self.unseen and param is None:
            raise UsageError("values that rows never carry are for a parameter; name it with param=")

    def is_hidden(self, region: Region) -> bool:
        return super().is_hidden(region) or (not isinstance(region, Interval) and not self.unseen.isdisjoint(region))

    def everything(self, kinds: Kinds) -> dict[str, object]:
        return {} if self.every is None else self.arguments((self.every,), kinds)


class Choice(_Coded[E | str], Generic[E]):
    """A value of an open enumeration: ``==``, ``!=``, ``in_``, ``is_null``.

    Args:
        choices: The generated enumeration. Text must be one of its values, or made by its ``unlisted``.
        param: The parameter that asks the API, as for ``Field``.
        attr: The attribute of a row, as for ``Field``.
        many: Whether the parameter takes several values, as for ``Field``.
        unseen: Values that the API takes and no row carries, such as ``all``: what they mean is up to the API, and no
            row contradicts them.
        every: The one of these that brings all rows, where a request without the parameter does not. It is sent where a
            query has a condition on this field, and one of its listings does not ask for a value.

    Raises:
        UsageError: There are unseen values, but no parameter, or the enumeration does not list one.
    """

    ops = _EQUAL

    def __init__(
        self,
        choices: type[E],
        *,
        param: str | None = None,
        attr: str | None = None,
        many: Many = False,
        unseen: Iterable[E | str] = (),
        every: E | str | None = None,
    ) -> None:
        if not isinstance(cast("object", choices), type) or not hasattr(choices, "listed"):
            raise UsageError(f"Choice() takes a generated enumeration, not {shown(choices)}; for other text use Text()")
        super().__init__(param=param, attr=attr, many=many, unseen=map(plain, unseen), every=every and plain(every))
        self.kind, self._choices = f"a value of {choices.__name__}", cast("type[Choices]", choices)
        self.choices = choices
        for value in self.unseen:
            checked_choice("unseen", value, self._choices)

    def _checked(self, value: object) -> Any:
        if isinstance(value, str):
            checked_choice(self.name, value, self._choices)
        return self._choices.unlisted(super()._checked(value))

    def from_json(self, value: Any) -> Any:
        return self._choices.unlisted(value) if isinstance(value, str) else value


class Text(_Coded[str], _Partial):
    """Text: ``==``, ``!=``, ``in_``, ``contains``, ``startswith``, ``endswith``, ``icontains``, ``is_null``.

    All but ``icontains`` distinguish upper and lower case.

    Args:
        param: The parameter that asks the API, as for ``Field``.
        attr: The attribute of a row, as for ``Field``.
        many: Whether the parameter takes several values, as for ``Field``.
        unseen: Values that the API takes and no row carries, as for ``Choice``.
        every: The one of these that brings all rows, as for ``Choice``.
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


class Id(_Coded[str | int]):
    """An id: text, a whole number or a UUID; ``17`` and ``"17"`` are the same: ``==``, ``!=``, ``in_``, ``is_null``."""

    ops = _EQUAL
    kind = "text or a whole number"

    def _checked(self, value: object) -> Any:
        return str(int(value)) if isinstance(value, int) and not isinstance(value, bool) else super()._checked(value)

    def comparable(self, value: object) -> Any:
        return str(value) if isinstance(value, str | int | uuid.UUID) and not isinstance(value, bool) else None

    def holds(self, op: str, values: tuple[Any, ...], value: object) -> bool:
        if isinstance(value, uuid.UUID):  # UUIDs are written in either case
            values = tuple(each.lower() for each in values)
        return super().holds(op, values, value)

    def contradicts(self, region: Region, value: object) -> bool:
        # An API may number its rows and take another id of the same thing as well: that one is not contradicted.
        assert not isinstance(region, Interval)
        same_kind = value is None or any(text.isdecimal() == str(value).isdecimal() for text in region)
        return same_kind and super().contradicts(region, value)

    def _written(self, value: Any, kind: Kind) -> Any:
        if kind != "integer":
            return value
        if not re.fullmatch(r"-?[0-9]+", value):
            message = f"{self.name} must be a whole number, as the API numbers these, not {shown(value)}"
            raise FilterError(self.name, message, value=value)
        return int(value)


class _Measured(Field):
    example = ""
    #: What conditions are made with; rows may carry it in another form.
    accepted: ClassVar[type] = object

    def _checked(self, value: object) -> Any:
        self.refuse_none(value)
        if (comparable := self.comparable(value) if isinstance(value, self.accepted) else None) is None:
            message = f"{self.name} must be {self.kind}{self.example}, not {shown(value)}"
            raise FilterError(self.name, message, value=value)
        return comparable


class Number(_Measured, _Equatable[float], Ordered[float]):
    """A finite number: ``==``, ``!=``, ``in_``, ``<``, ``<=``, ``>``, ``>=``, ``between``, ``is_null``.

    A parameter for whole numbers is asked for the next one that brings all rows.
    """

    ops = _ORDER | _EQUAL
    kind = "a finite number"

    def comparable(self, value: object) -> Any:
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < math.inf:
            return None
        return value + 0

    def rounded(self, value: Any, *, lower: bool, excludes: bool, is_open: bool, kind: Kind) -> tuple[object, bool]:
        sent = value + ((-1 if lower else 1) if excludes and not is_open else 0)
        if kind == "integer":
            sent = math.floor(sent) if lower else math.ceil(sent)
        return self._written(sent, kind), sent == value

    def _written(self, value: Any, kind: Kind) -> Any:
        return int(value) if kind == "integer" else super()._written(value, kind)

    def margin(self, kind: Kind) -> Any:  # noqa: ARG002  the same for all
        return 4


class Flag(_Measured, _Equatable[bool]):
    """True or false: ``==``, ``!=``, ``in_``, ``is_null``."""

    ops = _EQUAL
    kind = "True or False"

    def _written(self, value: Any, kind: Kind) -> Any:
        return bool(value) if kind == "boolean" else int(value) if kind == "integer" else in_text(bool(value))

    def comparable(self, value: object) -> Any:
        return value if isinstance(value, bool) else None


class Timestamp(_Measured, Ordered[dt.datetime]):
    """A point in time, as a datetime with a time zone: ``<``, ``<=``, ``>``, ``>=``, ``between``, ``is_null``.

    A parameter is sent what it takes: a date-time in UTC, a date, or a number of seconds since 1970. A date
    is chosen so that no row is missed, in whatever time zone the API counts its days; rows decide.

    Args:
        param: The parameter that asks for equal times, as for ``Field``.
        attr: The attribute of a row, as for ``Field``.
        ge: The parameter for times from a bound on, as for ``Number``.
        gt: The parameter for times after a bound, as for ``Number``.
        le: The parameter for times up to a bound, as for ``Number``.
        lt: The parameter for times before a bound, as for ``Number``.
        format: What parameters and rows hold, where the type of the parameter does not say it: ``"date-time"``,
            ``"date"``, ``"seconds"`` or ``"milliseconds"`` since 1970. With the latter two, rows carry numbers.
    """

    ops = _ORDER
    kind = "a datetime with a time zone"
    accepted = dt.datetime
    example = ", such as datetime(2026, 1, 31, tzinfo=UTC)"

    def __init__(
        self,
        *,
        param: str | None = None,
        attr: str | None = None,
        ge: str | None = None,
        gt: str | None = None,
        le: str | None = None,
        lt: str | None = None,
        format: Format | None = None,  # noqa: A002  OpenAPI's word
    ) -> None:
        super().__init__(param=param, attr=attr, ge=ge, gt=gt, le=le, lt=lt)
        if format not in (None, *get_args(Format)):
            raise UsageError(f"format must be one of {', '.join(get_args(Format))}, not {format!r}")
        self.format: Format | None = format

    def is_hidden(self, region: Region) -> bool:
        # What an API takes for the same time, or the same day, is up to it.
        return super().is_hidden(region) or not isinstance(region, Interval)

    def comparable(self, value: object) -> Any:
        if isinstance(value, dt.datetime):
            return value if value.utcoffset() is not None else None
        if self.format not in {"seconds", "milliseconds"} or isinstance(value, bool):
            return None
        if not isinstance(value, int | float) or not math.isfinite(value):
            return None
        try:
            return _EPOCH + dt.timedelta(**{self.format: value})
        except OverflowError:
            return None

    def rounded(self, value: Any, *, lower: bool, excludes: bool, is_open: bool, kind: Kind) -> tuple[object, bool]:
        sign, form = -1 if lower else 1, self._format(kind)
        if form == "date":
            day = _moved(value, -_WEST if lower else _EAST + _DAY)
            return self._written((_moved(day, -_DAY) if excludes and lower else day).date(), kind), False
        sent = _moved(value, sign * _SECOND if excludes and not is_open else _SECOND * 0)
        if form == "date-time":
            return self._written(sent, kind), True
        unit = _SECOND if form == "seconds" else _SECOND / 1000
        number = (sent - _EPOCH) // unit if lower else -((_EPOCH - sent) // unit)
        return self._written(number, kind), _EPOCH + number * unit == sent

    def margin(self, kind: Kind) -> Any:
        return 4 * (_DAY if self._format(kind) == "date" else _SECOND)

    def _format(self, kind: Kind) -> Format:
        if self.format:
            return self.format
        if kind == "date":
            return "date"
        return "seconds" if kind in {"integer", "number"} else "date-time"

    def encode(self, values: Values, kind: Kind = "") -> object:
        form = self._format(kind)
        if form == "date":
            return super().encode(tuple(_moved(value).date() for value in values), kind)
        if form == "date-time":
            return super().encode(tuple(map(_moved, values)), kind)
        unit = _SECOND if form == "seconds" else _SECOND / 1000
        return super().encode(tuple((value - _EPOCH) // unit for value in values), kind)

    def from_json(self, value: Any) -> Any:
        return dt.datetime.fromisoformat(value)


class Date(_Measured, _Equatable[dt.date], Ordered[dt.date]):
    """A day: ``==``, ``!=``, ``in_``, ``<``, ``<=``, ``>``, ``>=``, ``between``, ``is_null``.

    A parameter that takes a date-time or seconds is asked so that no row is missed; rows decide.
    """

    ops = _ORDER | _EQUAL
    kind = "a date"
    example = ", such as date(2026, 1, 31)"

    def comparable(self, value: object) -> Any:
        return value if isinstance(value, dt.date) and not isinstance(value, dt.datetime) else None

    def rounded(self, value: Any, *, lower: bool, excludes: bool, is_open: bool, kind: Kind) -> tuple[object, bool]:
        in_seconds = kind in {"date-time", "integer", "number"}
        # A day begins and ends up to 14 hours before or after that of UTC, and its end is on the next one.
        days = (excludes and not is_open) + (1 if lower else 2) * in_seconds
        try:
            sent = value + (-days if lower else days) * _DAY
        except OverflowError:
            sent = value
        return self._written(sent, kind), not in_seconds

    def margin(self, kind: Kind) -> Any:  # noqa: ARG002  the same for all
        return 5 * _DAY

    def _written(self, value: Any, kind: Kind) -> Any:
        if kind in {"date-time", "integer", "number"}:
            midnight = dt.datetime.combine(value, dt.time(), dt.UTC)
            return midnight if kind == "date-time" else (midnight - _EPOCH) // _SECOND
        return super()._written(value, kind)

    def from_json(self, value: Any) -> Any:
        return dt.date.fromisoformat(value)


def _moved(value: dt.datetime, by: dt.timedelta = _SECOND * 0) -> dt.datetime:
    """Return a time in UTC, moved as far as Python's calendar goes."""
    try:
        return value.astimezone(dt.UTC) + by
    except OverflowError:
        return _LAST if by > _SECOND * 0 or value.year == dt.MAXYEAR else _FIRST


class Fields:
    """The fields of one endpoint, declared in the body of a subclass: what conditions are made of."""

    declared: ClassVar[Mapping[str, Field]] = {}

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        cls.declared = {**cls.declared, **own}

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
        if condition.owner and condition.owner not in map(class_name, type(self).__mro__):
            message = (
                f"{condition.field} is a field of {condition.owner}, and the rows of this query have "
                f"{class_name(type(self))}; import fields from {type(self).__module__}"
            )
            raise FilterError(condition.field, message, value=condition)
        if condition.field not in self.declared:
            raise self._unknown(condition.field, condition)
        return self.declared[condition.field].checked(condition)


def class_name(cls: type) -> str:
    """Return the name of a class with its module, which is the same in every process."""
    return f"{cls.__module__}.{cls.__qualname__}"


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
    values = [value.isoformat() if isinstance(value, dt.date) else value for value in condition.values]
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
