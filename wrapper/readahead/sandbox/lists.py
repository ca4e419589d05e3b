"""A list of any API: served as its document describes it, paged and filtered as its binding declares."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import orjson
from attrs import evolve, field, frozen
from starlette.datastructures import Headers, QueryParams

from ..endpoint import Endpoint
from ..errors import UsageError
from ..filters import Field, FullText, PartialMatch, Timestamp
from ..filters.fields import OPERATORS
from ..filters.values import in_text
from ..locations import Header, LinkHeader, Not
from ..order import Direction, OrderBy
from .checking import Checker, credentials_missing
from .data import Seed
from .document import Document, Parameter, Schema, branches, is_nullable, types_of
from .faults import Faults
from .made_up import Maker
from .places import Begin, Misplaced, Places, link_header
from .service import Answer, Call, Handler, Latency, Refused, Service, Traffic, Window
from .table import MemoryTable, Sort, Test, value_at

__all__ = ["ListService", "ServedPage", "WriteAnswer"]

_ABSENT: Final = object()
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_IS_DIRECTION: Final = frozenset({"asc", "desc", "ascending", "descending"})
_DESCENDING: Final = frozenset({"desc", "descending"})
_SEPARATORS: Final = {"spaceDelimited": " ", "pipeDelimited": "|"}


@frozen
class ServedPage:
    """What a sandbox knows of a page that it is about to send.

    Attributes:
        rows: Its rows, as JSON data.
        total: Rows in the whole listing.
        next: What names the next page, a cursor or a URL; None on the last one.
        more: Whether there are rows behind it.
        offset: The index of its first row in the listing.
        limit: The size of a full page.
    """

    rows: list[Any] = field(repr=False)
    total: int
    next: Any
    more: bool
    offset: int
    limit: int


WriteAnswer: TypeAlias = Callable[[ServedPage, dict[str, Any]], Any]
"""Returns the body of a response, from its page and the body as the sandbox would send it."""


@frozen
class _Filter:
    """A parameter that selects rows by what they carry."""

    parameter: Parameter
    name: str  # in the query
    path: tuple[str, ...]  # into a row; none stands for all of it
    op: str = "in"
    commas: bool = False
    passing: frozenset[str] = frozenset()  # values that every row passes
    default: str | None = None  # a value that means nothing, where no field is declared

    def test(self, texts: Iterable[str]) -> Test | None:
        values = [value for text in texts for value in self._split(text)]
        if self.passing.intersection(values) or not values or values == [self.default]:
            return None
        return lambda row: any(_matches(value_at(row, self.path), self.op, text) for text in values)

    def _split(self, text: str) -> Sequence[str]:
        parameter = self.parameter
        if self.commas:
            return text.split(",")
        if parameter.explode or not any("array" in types_of(one) for one in (parameter.schema,)):
            return [text]
        return text.split(_SEPARATORS.get(parameter.style, ","))


class ListService(Service[MemoryTable]):
    """One list of an API, and its single rows where the document has them.

    Args:
        document: The document.
        endpoint: The list, as its binding declares it.
        rows: How many rows to make up, or the rows.
        traffic: The log of requests.
        latency: Seconds before each response.
        faults: How it misbehaves.
        answer: Writes bodies, where a binding finds the next page by a function of its own.

    Raises:
        UsageError: The document and the binding do not fit together.
    """

    def __init__(
        self,
        document: Document,
        endpoint: Endpoint[Any],
        rows: int | Iterable[Mapping[str, Any]],
        traffic: Traffic,
        latency: Latency,
        faults: Faults,
        answer: WriteAnswer | None,
    ) -> None:
        self.endpoint = endpoint
        self._document = document
        self._described = described = document.operation(endpoint.operation.OPERATION)
        self._write_answer = answer
        reader = endpoint.reader
        if answer is None and any(map(_is_function, (reader.items, reader.next, reader.more))):
            raise UsageError(
                f"{endpoint.operation.OPERATION}: its binding finds rows or the next page by a function, so the "
                "sandbox cannot know what to send; pass answer=, a function that writes the body"
            )
        self._row_class = getattr(reader.read, "__self__", None)  # of a row class's from_dict
        items = None if reader.bare or _is_function(reader.items) else reader.items
        self._items = document.path(described.answer, str(items)) if items is not None else ()
        row = document.items(document.at(described.answer, self._items))
        self.name = document.name
        self.key = (reader.wire_key,)
        self._row = row
        times = {
            self._path_of(one): 1000 if one.format == "milliseconds" else 1
            for one in endpoint.fields.declared.values()
            if isinstance(one, Timestamp) and one.attr is not None
        }
        maker = Maker(document, row, self.key, times)
        table = MemoryTable(self.key, maker.row_at)
        self.enumerated = self._first_enumeration(row)
        self._template = self._made_template(maker)
        location = reader.next if isinstance(reader.next, str) else None
        style = endpoint.paging
        mark = getattr(style, "key", None)
        self._places = Places(
            document,
            described,
            style,
            document.at(described.answer, document.path(described.answer, location)) if location else {},
            table,
            self._path_of_attr(mark) if mark else self.key,
            faults.cap,
        )
        queried = {str(scheme["name"]) for each in described.security for scheme in each if scheme.get("in") == "query"}
        self._checker = Checker(document, described, self._places.undocumented | queried)
        self._filters = tuple(self._made_filters())
        for one in [None] * rows if isinstance(rows, int) else rows:
            table.append(one)
        super().__init__(table, traffic, latency, faults)

    # ---- what is served

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        routes: dict[str, Mapping[str, Handler]] = {_route(self._described.path): {self._described.method: self.list}}
        one = re.compile(re.escape(self._described.path) + r"/\{([^/{}]+)\}")
        for path, item in self._document.members["paths"].items():
            if (found := one.fullmatch(path)) and "get" in self._document.follow(item):
                self._id_param = found[1]
                routes[_route(path)] = {"GET": self.get}
        return routes

    def authorize(self, call: Call) -> None:
        if credentials_missing(self._described, call):
            raise Refused(self.error(401, "The credentials that the document asks for are missing."))

    def error(self, status: int, message: str) -> Answer:
        return Answer(status, orjson.dumps({"message": message}))

    def newcomer(self, position: int) -> Seed:
        return Seed(self.table.make(position), {})

    def get(self, call: Call) -> Answer:
        key = call.path_params[_safe(self._id_param)]
        position = self.table.position(key)
        if position is None:
            raise Refused(self.error(404, f"There is no row {key!r}."))
        return Answer(200, self.table.documents([position])[0])

    def list(self, call: Call) -> Answer:
        names = re.findall(r"\{([^{}]+)\}", self._described.path)
        call = evolve(call, path_params={name: call.path_params[_safe(name)] for name in names})
        if fault := self._checker.fault(call):
            raise Refused(self.error(400, fault))
        where = self._tests(call)
        try:
            order = self._order(call)
            positions = self.listing(call, lambda: self.table.positions(where, order))
            begin = self._places.begin(call, positions, order)
        except Misplaced as fault:
            raise Refused(self.error(400, str(fault))) from None
        window = self.window(call, positions, begin.offset, begin.limit)
        return self._answer_of(call, begin, window)

    def selected(self, query: str = "") -> Sequence[dict[str, Any]]:
        """Return the rows of a listing with this query, in its order."""
        call = Call("GET", {}, QueryParams(query), Headers({}), b"")
        with self.table.lock:
            positions = self.table.positions(self._tests(call), self._order(call))
            return [orjson.loads(row) for row in self.table.documents(positions)]

    # ---- the response

    def _answer_of(self, call: Call, begin: Begin, window: Window) -> Answer:
        reader, places = self.endpoint.reader, self._places
        rows: Any = orjson.loads(window.rows)
        following = places.next(call, begin, window, forever=self.faults.repeat_last)
        headers: dict[str, str] = {}
        links: dict[str, str] = {}
        if isinstance(reader.next, LinkHeader) and following is not None:
            links[reader.next.rel] = str(following)
        if isinstance(reader.more, LinkHeader) and window.more:
            links[reader.more.rel] = places.link(call, begin, window)
        if not rows and "nothing" in reader.empty:
            return Answer(204, b"")
        body: Any = orjson.loads(orjson.dumps(self._template))
        total = self.shown_total(window.total, call.number) if self.faults.total != "missing" else None
        if isinstance(reader.total, Header) and total is not None:
            headers[reader.total.name.lower()] = str(total)
        if self._items:
            _put(body, self._items, rows)
            if not rows and "null" in reader.empty:
                _put(body, self._items, None)
            elif not rows and "absent" in reader.empty:
                _put(body, self._items, _ABSENT)
        for location, value in ((reader.total, total), (reader.size, begin.limit), (reader.more, window.more)):
            self._place(body, headers, location, value)
        if self.faults.total == "missing":
            self._place(body, headers, reader.total, _ABSENT)
        if not isinstance(reader.next, LinkHeader):
            self._place(body, headers, reader.next, self._end if following is None else following)
        if links:
            headers["link"] = link_header(links)
        if self._write_answer is not None:
            page = ServedPage(rows, window.total, following, window.more, window.begin, begin.limit)
            body = self._write_answer(page, body if self._items else {})
        elif not self._items:
            body = None if not rows and "null" in reader.empty else rows
        return Answer(200, orjson.dumps(body), headers)

    def _place(self, body: dict[str, Any], headers: dict[str, str], location: object, value: Any) -> None:
        """Put a value where a binding looks for it. Where that is a link, or a function looks, nothing is put."""
        if isinstance(location, Not):
            self._place(body, headers, location.of, value if value is _ABSENT else not value)
        elif isinstance(location, Header) and value is not _ABSENT and value is not None:
            headers[location.name.lower()] = in_text(value)
        elif isinstance(location, str):
            _put(body, self._document.path(self._described.answer, location), value)

    @property
    def _end(self) -> Any:
        """What stands for no next page, as the document allows it: null, nothing, or empty text."""
        location = self.endpoint.reader.next
        if not isinstance(location, str):
            return _ABSENT
        path = self._document.path(self._described.answer, location)
        within = self._document.at(self._described.answer, path[:-1])
        for branch in branches(self._document, within):
            node = branch.get("properties", {}).get(path[-1])
            if node is not None and is_nullable(self._document, self._document.schema(node)):
                return None
            if node is not None and path[-1] in branch.get("required", ()):
                return "" if "string" in types_of(self._document.schema(node)) else None
        return _ABSENT

    def _made_template(self, maker: Maker) -> dict[str, Any]:
        """Return what is around the rows of a page."""
        if not self._items:
            return {}
        for branch in branches(self._document, self._described.answer):
            if self._items[0] in branch.get("properties", {}):
                return maker.envelope(branch)
        return {}

    # ---- which rows, in which order

    def _tests(self, call: Call) -> Sequence[Test]:
        return [test for one in self._filters if (test := one.test(call.query.getlist(one.name)))]

    def _made_filters(self) -> Iterator[_Filter]:
        claimed = {*self.endpoint.paging.parameters}
        claimed.update(name for name in self._order_names if name)
        for known in self.endpoint.fields.declared.values():
            for op, argument in known.params.items():
                parameter, name = self._parameter(argument)
                if parameter is None or name in claimed:  # one name may stand for two comparisons
                    continue
                claimed.add(name)
                path = self._path_of(known) or self._property(name)
                if path or isinstance(known, FullText | PartialMatch):
                    passing = frozenset(map(str, getattr(known, "unseen", None) or ()))
                    yield _Filter(parameter, name, path, op, known.many == "commas", passing)
        for parameter in self._described.parameters:
            path = self._property(parameter.name)
            if parameter.where == "query" and parameter.name not in claimed and path:
                default = parameter.schema.get("default")
                yield _Filter(parameter, parameter.name, path, default=None if default is None else in_text(default))

    def _parameter(self, argument: str) -> tuple[Parameter | None, str]:
        """Return the parameter that an argument of the generated function stands for, and its name in a query."""
        outer, _, inner = argument.partition("[")
        known: Any = getattr(self.endpoint.operation, "PARAMETERS", {}).get(outer)
        wire = getattr(known, "name", None) or outer
        for parameter in self._described.parameters:
            if parameter.where == "query" and parameter.name == wire:
                return parameter, f"{parameter.name}[{inner}" if inner else parameter.name
        for parameter in self._described.parameters:
            if parameter.where == "query" and _plain(parameter.name) == _plain(outer):
                return parameter, f"{parameter.name}[{inner}" if inner else parameter.name
        return None, argument

    def _path_of(self, known: Field) -> tuple[str, ...]:
        return self._path_of_attr(known.attr) if known.attr else ()

    def _path_of_attr(self, attr: str) -> tuple[str, ...]:
        """Return where the API has what an attribute of a row holds."""
        fields: Mapping[str, tuple[str, object]] = getattr(self._row_class, "FIELDS", {})
        return (next((wire for wire, (name, _) in fields.items() if name == attr), attr),)

    def _property(self, name: str) -> tuple[str, ...]:
        """Return where rows carry a value of this name, if they do."""
        for branch in branches(self._document, self._row):
            for known, node in branch.get("properties", {}).items():
                kinds = {
                    kind for one in branches(self._document, self._document.schema(node)) for kind in types_of(one)
                }
                if _plain(known) == _plain(name) and not kinds & {"object", "array"}:
                    return (known,)
        return ()

    def _first_enumeration(self, row: Schema) -> str | None:
        for branch in branches(self._document, row):
            for name, node in branch.get("properties", {}).items():
                if name not in self.key and "enum" in self._document.schema(node):
                    return str(name)
        return None

    @property
    def _order_names(self) -> tuple[str, str]:
        """The names in a query of what rows are sorted by, and of the direction; empty where there is none."""
        rule = self.endpoint.order
        if rule is not None:
            turn = rule.descending.param if isinstance(rule.descending, Direction) else ""
            return self._parameter(rule.param)[1], self._parameter(turn)[1] if turn else ""
        for parameter in self._described.parameters:
            values = {str(value).lower() for value in parameter.schema.get("enum", ())}
            if parameter.where == "query" and values and values <= _IS_DIRECTION:
                return "", parameter.name
        return "", ""

    def _order(self, call: Call) -> Sequence[Sort]:
        rule, (by, turn) = self.endpoint.order, self._order_names
        turned = call.query.get(turn, "").lower() in _DESCENDING if turn else False
        if rule is not None and isinstance(rule.descending, Direction) and turn:
            turned = call.query.get(turn) == rule.descending.descending
        texts = [part for text in (call.query.getlist(by) if by else ()) for part in _names(text, rule)]
        sorts: list[Sort] = []
        for text in texts:
            name, descending = _sorted_by(text, rule)
            if rule is not None and name not in rule.names:
                raise Misplaced(f"{by}: rows cannot be sorted by {name!r}")
            sorts.append(Sort(self._property(name), descending or turned))
        return sorts or ([Sort((), descending=True)] if turned else [])


def _is_function(location: object) -> bool:
    return callable(location.of if isinstance(location, Not) else location)


# ---- requests


def _names(text: str, rule: OrderBy | None) -> Sequence[str]:
    return text.split(",") if rule is not None and rule.several else [text]


def _sorted_by(text: str, rule: OrderBy | None) -> tuple[str, bool]:
    """Return what a part of the parameter sorts by, and whether the largest comes first."""
    template = None if rule is None else rule.descending
    if isinstance(template, str):
        before, _, after = template.partition("{name}")
        if text.startswith(before) and text.endswith(after):
            return text[len(before) : len(text) - len(after)], True
    return text, False


def _matches(value: Any, op: str, text: str) -> bool:
    if op in {"icontains", "matches"}:
        return text.casefold() in (value if isinstance(value, str) else orjson.dumps(value).decode()).casefold()
    if isinstance(value, list):
        return any(_matches(one, op, text) for one in cast("list[Any]", value))
    if value is None:
        return False
    one, other = _comparable(value, text)
    return bool(one == other if op == "in" else OPERATORS[op](one, other))


def _comparable(value: Any, text: str) -> tuple[Any, Any]:
    """Return what a row carries and the text of a parameter in one type."""
    if isinstance(value, bool):
        return value, text.lower() in {"true", "1"}
    time, other = _time(value), _time(text)
    if isinstance(value, str) and time is not None and other is not None:
        return (time.date(), other.date()) if _DATE.fullmatch(text) else (time, other)
    if isinstance(value, int | float):
        try:
            return float(value), float(text)
        except ValueError:
            return (time, other) if time is not None and other is not None else (str(value), text)
    return str(value), text


def _time(value: object) -> dt.datetime | None:
    """Return a point in time that is written as a date, as ISO 8601, or in seconds since 1970."""
    try:
        if isinstance(value, str) and not value.lstrip("-").isdecimal():
            time = dt.datetime.fromisoformat(value)
            return time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)
        return dt.datetime.fromtimestamp(float(cast("str", value)), dt.UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


# ---- responses


def _put(body: Any, path: Sequence[str], value: Any) -> None:
    """Put a value at a path, through objects and, by their indexes, arrays, which are made where there are none."""
    name: Any = path[0]
    if isinstance(body, list):
        name = int(name)
        items = cast("list[Any]", body)
        items.extend({} for _ in range(name + 1 - len(items)))
    if len(path) > 1:
        if isinstance(body, dict):
            cast("dict[str, Any]", body).setdefault(name, None)
        if not isinstance(body[name], dict | list):
            body[name] = [] if path[1].isdecimal() else {}
        _put(body[name], path[1:], value)
    elif value is not _ABSENT:
        body[name] = value
    elif isinstance(body, dict):
        cast("dict[str, Any]", body).pop(name, None)


# ---- paths


def _route(path: str) -> str:
    """Return a path template in the form that routes take: parameters are named as identifiers."""
    return re.sub(r"\{([^{}]+)\}", lambda found: f"{{{_safe(found[1])}}}", path)


def _safe(name: str) -> str:
    return "p_" + "".join(
        character if character.isalnum() and character.isascii() else f"_{ord(character)}_" for character in name
    )
