"""What ``--where`` takes: ``name=value[,value]`` as keywords of ``where``, and conditions as Python writes them. Pure.

A condition is parsed with ``ast`` and read node by node: only what is named here is understood, and nothing is ever
evaluated as code.
"""

import ast
import datetime as dt
import operator
import re
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any, cast

from attrs import frozen

from ..errors import FilterError, UsageError, escaped, nearest, shown
from ..filters import Choices, Condition, Date, Field, Fields, Flag, Number, Timestamp

__all__ = ["Selected", "parse_where"]

LONGEST = 20_000  # characters of one condition
OPTIONS = {"limit": "--limit", "order_by": "--order-by", "page_size": "--page-size"}  # often taken for filters
METHODS = {  # of fields, and how many values each takes
    "between": 2,
    "contains": 1,
    "endswith": 1,
    "icontains": 1,
    "in_": 1,
    "is_null": 0,
    "matches": 1,
    "startswith": 1,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
MIRRORED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}
_JOINS: Mapping[type[ast.operator] | type[ast.boolop], Callable[[Condition, Condition], Condition]] = {
    ast.BitAnd: Condition.__and__,
    ast.BitOr: Condition.__or__,
    ast.And: Condition.__and__,
    ast.Or: Condition.__or__,
}
_KEYWORD = re.compile(r"([^\W\d]\w*)\s*=(?!=)(.*)", re.DOTALL)
_UNLISTED = re.compile(r"\w+\.unlisted\(.*\)")
_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_NOT_PYTHON = re.compile(  # outside of quotes: line ends, and times as explain() prints them
    rf"{_QUOTED}|[\t\r\n\f\v]"
    r"|(?P<time>(?<![\w.])\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d(?::\d\d)?)?)?(?![\w.]))"
)
_EXAMPLE = """write country=US,CA or 'email.endswith("@gmail.com") | (country == "CA")'"""
_TIGHT = "& and | bind more tightly than comparisons: put each comparison in brackets, or write and, or, not"


@frozen
class Selected:
    """What ``where`` is called with.

    Attributes:
        conditions: Its arguments.
        keywords: Its keywords.
    """

    conditions: tuple[Condition, ...]
    keywords: Mapping[str, object]


def parse_where(texts: Sequence[str], fields: Fields, names: Mapping[str, object]) -> Selected:
    """Read the values of ``--where``; rows have to meet all of them.

    Args:
        texts: Each is ``name=value[,value]`` or a condition.
        fields: The fields of the listing.
        names: Where the enumerations are found that conditions name, as in ``Country.unlisted("XX")``.

    Raises:
        UsageError: One cannot be read, or names what the API does not have. Its note shows the place.
    """
    conditions, keywords = list[Condition](), dict[str, object]()
    for text in texts:
        parser = _Parser(text.strip(), fields, names)
        if match := _KEYWORD.fullmatch(text.strip()):
            name, field = match[1], fields.declared.get(match[1])
            if name in keywords:
                raise UsageError(
                    f"--where has {name}= twice, and a row would have to meet both; write {name}=A,B for either of two "
                    "values, or a condition"
                )
            if field is None and name in OPTIONS:
                raise UsageError(f"--where has no {name}=; use the option {OPTIONS[name]}")
            with parser.at(*match.span(1 if field is None or field.param is None else 2)):
                keywords[name] = match[2] if field is None else parser.keyword(field, match[2].strip())
                fields.keywords({name: keywords[name]})
        else:
            conditions.append(parser.condition())
    return Selected(tuple(conditions), keywords)


class _PlacedError(UsageError):
    """An error that shows its place already."""


class _Parser:
    """Reads one value of ``--where``."""

    def __init__(self, text: str, fields: Fields, names: Mapping[str, object]) -> None:
        self._text, self._fields, self._names = text, fields, names
        self._times: dict[str, str] = {}

    # ---- where something is wrong

    @contextmanager
    def at(self, begin: int, end: int) -> Generator[None]:
        """Show this place with an error of the block."""
        try:
            yield
        except _PlacedError:
            raise
        except UsageError as error:
            raise self._placed(str(error), begin, end) from None

    def _placed(self, message: str, begin: int, end: int) -> _PlacedError:
        before, there, after = map(escaped, (self._text[:begin], self._text[begin:end], self._text[end:]))
        error = _PlacedError(f"--where: {message}")
        error.add_note(f"  {before}{there}{after}\n  {' ' * len(before)}{'^' * max(1, len(there))}")
        return error

    def _span(self, node: ast.expr) -> tuple[int, int]:
        encoded = self._text.encode(errors="replace")  # ast counts bytes
        end = node.col_offset + 1 if node.end_col_offset is None else node.end_col_offset
        return len(encoded[: node.col_offset].decode()), len(encoded[:end].decode())

    def _refused(self, node: ast.expr, message: str) -> UsageError:
        return self._placed(message, *self._span(node))

    # ---- name=value

    def keyword(self, field: Field, text: str) -> object:
        """Return the value of a keyword: text or a number, or a list of them where there are commas."""
        if "in" not in field.ops and not text.startswith(("'", '"')):
            return text  # of a search, commas included
        parts = _split(text)
        if "" in parts:
            raise FilterError(field.name, f"{field.name} must not be empty; write {field.name}=VALUE[,VALUE]", value="")
        values = [self._keyword_value(field, part) for part in parts]
        return values if len(values) > 1 else values[0]

    def _keyword_value(self, field: Field, text: str) -> object:
        if text.startswith(("'", '"')) or _UNLISTED.fullmatch(text):
            parser = _Parser(text, self._fields, self._names)
            return parser._value(field, parser._parsed())
        if isinstance(field, Number):
            return _as_number(text)
        if isinstance(field, Flag):
            return {"true": True, "false": False}.get(text.casefold(), text)
        return _typed(field, text)

    # ---- conditions

    def condition(self) -> Condition:
        """Return the condition that the text is."""
        try:
            return self._condition(self._parsed())
        except RecursionError:
            raise UsageError("--where: the condition is nested too deep; join the same sign side by side") from None

    def _parsed(self) -> ast.expr:
        if not self._text:
            raise UsageError(f"--where must not be empty; {_EXAMPLE}")
        if len(self._text) > LONGEST:
            raise UsageError(f"--where takes at most {LONGEST:,} characters")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about escapes that Python does not know
                return ast.parse(_NOT_PYTHON.sub(self._as_python, self._text), mode="eval").body
        except SyntaxError as error:
            begin = min((error.offset or len(self._text) + 1) - 1, len(self._text))
            message = f"this is neither name=value nor a condition ({error.msg}); {_EXAMPLE}"
            raise self._placed(message, begin, begin + 1) from None
        except (MemoryError, RecursionError, ValueError):
            raise UsageError(
                "--where: the condition cannot be read: it is nested too deep, or holds what is not a character"
            ) from None

    def _as_python(self, match: re.Match[str]) -> str:
        """Put a name of the same length in place of a time, and a space in that of a line end."""
        if match["time"] is None:
            return match[0] if len(match[0]) > 1 else " "
        name = f"_{len(self._times)}".ljust(len(match[0]), "_")
        self._times[name] = match[0]
        return name

    def _condition(self, node: ast.expr) -> Condition:
        match node:
            case ast.BoolOp(op=op, values=parts):
                return reduce(_JOINS[type(op)], map(self._condition, parts))
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                return self._joined(node)
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
                with self.at(*self._span(node)):
                    return ~self._condition(operand)
            case ast.Compare():
                return self._compare(node)
            case ast.Call(func=ast.Attribute(value=subject, attr=method)):
                return self._call(node, self._field(subject), method)
            case ast.Name() | ast.Attribute():
                field = self._field(node)
                raise self._refused(
                    node, f"{field.name} is a field, not a condition; {field.only_with.partition(' ')[2]}"
                )
            case _:
                raise self._refused(
                    node,
                    "a condition is a comparison of a field, or several joined by and, or, not, &, |, ~ and brackets",
                )

    def _joined(self, node: ast.BinOp) -> Condition:
        """Join a chain such as ``a | b | c``, which nests to the left, without a frame for each."""
        sign, parts, left = type(node.op), list[ast.expr](), cast("ast.expr", node)
        while isinstance(left, ast.BinOp) and isinstance(left.op, sign):
            parts.append(left.right)
            left = left.left
        parts.append(left)
        for part in parts:
            if isinstance(part, ast.Constant):
                raise self._refused(part, f"this is a value, not a condition; {_TIGHT}")
        with self.at(*self._span(node)):
            return reduce(_JOINS[sign], map(self._condition, reversed(parts)))

    def _compare(self, node: ast.Compare) -> Condition:
        sides = [node.left, *node.comparators]
        for side in sides:
            if isinstance(side, ast.BinOp | ast.BoolOp | ast.Compare) or (
                isinstance(side, ast.UnaryOp) and isinstance(side.op, ast.Invert | ast.Not)
            ):
                raise self._refused(node, f"this compares a condition; {_TIGHT}")
        if len(node.ops) > 1:
            raise self._refused(node, "write FIELD.between(LOW, HIGH), or two comparisons joined by and")
        left, right = sides
        kind = type(node.ops[0])
        misspelt = isinstance(left, ast.Constant) and isinstance(right, ast.Name) and right.id not in self._times
        if misspelt or (self._names_field(right) and not self._names_field(left)):
            if isinstance(left, ast.Name) and left.id not in self._times:
                self._field(left)
            if kind in {ast.In, ast.NotIn}:
                field = self._field(right)
                raise self._refused(node, f"write {field.name}.contains(...) instead; {field.only_with}")
            left, right, kind = right, left, MIRRORED.get(kind, kind)
        field = self._field(left)
        if self._names_field(right):
            raise self._refused(right, f"{field.name} can only be compared with values, not with another field")
        if kind in {ast.In, ast.NotIn}:
            condition = self._made(node, field, "in_", [self._value(field, right)])
            return ~condition if kind is ast.NotIn else condition
        if kind not in COMPARISONS:
            raise self._refused(node, f"write {field.name}.is_null() or ~{field.name}.is_null() instead")
        value = self._value(field, right)
        with self.at(*self._span(right)):
            return cast("Condition", COMPARISONS[kind](field, value))

    def _call(self, node: ast.Call, field: Field, method: str) -> Condition:
        if method not in METHODS:
            near = " or ".join(nearest(method, METHODS))
            raise self._refused(
                node.func,
                f"{field.only_with}; there is no {method!r}" + (f"; did you mean {near}?" if near else ""),
            )
        count = METHODS[method]
        if node.keywords or len(node.args) != count:
            takes = ("no value", "one value", "two values: the lower and the higher one")[count]
            raise self._refused(node, f"{field.name}.{method}() takes {takes}")
        return self._made(node, field, method, [self._value(field, value) for value in node.args])

    def _made(self, node: ast.expr, field: Field, method: str, values: list[object]) -> Condition:
        with self.at(*self._span(node)):
            try:
                made = getattr(field, method)
            except AttributeError as error:  # its message says what there is
                raise UsageError(str(error)) from None
            return cast("Condition", made(*values))

    # ---- names and values

    def _names_field(self, node: ast.expr) -> bool:
        match node:
            case ast.Name(id=name):
                return name in self._fields.declared
            case ast.Attribute(value=ast.Name(id="fields")):
                return True
            case _:
                return False

    def _field(self, node: ast.expr) -> Field:
        match node:
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="fields"), attr=name):
                pass
            case _:
                raise self._refused(node, f"a field is needed here; known are {', '.join(self._fields.declared)}")
        declared = self._fields.declared
        if name not in declared:
            message = f"unknown field {name!r}; known are {', '.join(declared)}"
            with self.at(*self._span(node)):
                raise FilterError(name, message, near=nearest(name, declared))
        return declared[name]

    def _value(self, field: Field, node: ast.expr) -> object:
        match node:
            case ast.Constant(value=str() as text):
                with self.at(*self._span(node)):
                    return _typed(field, text)
            case ast.Constant(value=bool() | int() | float() | None as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if not isinstance(
                number, bool
            ):
                return -number
            case ast.List(elts=nodes) | ast.Tuple(elts=nodes) | ast.Set(elts=nodes):
                return [self._value(field, one) for one in nodes]
            case ast.Name(id=name) if name in self._times:
                with self.at(*self._span(node)):
                    return _typed(field, self._times[name])
            case ast.Name(id=name):
                raise self._refused(node, f'unknown name {name!r}; text stands in quotes: {field.name} == "{name}"')
            case ast.Attribute(value=ast.Name(id=name), attr=member):
                return self._choice(node, name, member)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="unlisted"),
                args=[ast.Constant(value=str() as text)],
                keywords=[],
            ):
                return cast("Any", self._choices(node, name)).unlisted(text)
            case ast.Call(func=ast.Name(id="datetime") | ast.Attribute(attr="datetime")):
                return self._datetime(node)
            case _:
                raise self._refused(
                    node, f"{field.name} is compared with text in quotes, numbers, times, or lists of these; {_TIGHT}"
                )

    def _choices(self, node: ast.expr, name: str) -> type[Choices]:
        known = {
            name: value
            for name, value in self._names.items()
            if isinstance(value, type) and issubclass(value, str) and hasattr(value, "unlisted")
        }
        if name not in known:
            message = f"unknown name {name!r}; known are {', '.join(known)}, and text stands in quotes"
            with self.at(*self._span(node)):
                raise FilterError(name, message, near=nearest(name, known))
        return cast("type[Choices]", known[name])

    def _choice(self, node: ast.expr, name: str, member: str) -> object:
        choices = self._choices(node, name)
        value = getattr(choices, member, None) if not member.startswith("_") else None
        if not isinstance(value, cast("type", choices)):
            message = f"{name} has no {member}; write its value in quotes"
            with self.at(*self._span(node)):
                raise FilterError(name, message, near=nearest(member, choices.listed()))
        return value

    def _datetime(self, node: ast.Call) -> dt.datetime:
        """Read ``datetime(2026, 1, 31, 12, tzinfo=UTC)``."""
        numbers = [one.value for one in node.args if isinstance(one, ast.Constant) and type(one.value) is int]
        zones = {ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "tzinfo"}
        if (
            len(numbers) != len(node.args)
            or len(node.keywords) != len(zones)
            or not zones <= {"UTC", "dt.UTC", "datetime.UTC", "timezone.utc", "dt.timezone.utc"}
        ):
            raise self._refused(node, "write a time as datetime(2026, 1, 31, tzinfo=UTC) or 2026-01-31T00:00:00Z")
        try:
            return cast("Callable[..., dt.datetime]", dt.datetime)(*numbers, tzinfo=dt.UTC if zones else None)
        except (TypeError, ValueError, OverflowError) as error:
            raise self._refused(node, f"this is no time: {error}") from None


def _split(text: str) -> list[str]:
    """Split text at commas that are not in quotes."""
    parts, quote = [""], ""
    for character in text:
        if not quote and character == ",":
            parts.append("")
            continue
        if quote:
            quote = "" if character == quote and not parts[-1].endswith("\\") else quote
        elif character in "'\"" and (not parts[-1].strip() or parts[-1].endswith("(")):
            quote = character
        parts[-1] += character
    return [part.strip() for part in parts]


def _as_number(text: str) -> object:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _typed(field: Field, text: str) -> object:
    """Return text as what a field is compared with. Raises FilterError."""
    if isinstance(field, Timestamp):
        return _as_time(field, text)
    return _as_day(field, text) if isinstance(field, Date) else text


def _as_day(field: Date, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        message = f"{field.name} must be a date, such as 2026-01-31, not {shown(text)}"
        raise FilterError(field.name, message, value=text) from None


def _as_time(field: Timestamp, text: str) -> dt.datetime:
    """Return a time with its zone. Raises FilterError."""
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.utcoffset() is None:
        message = f"{field.name} must be a time with a zone, such as 2026-01-31T00:00:00Z, not {shown(text)}"
        raise FilterError(field.name, message, value=text)
    return time
