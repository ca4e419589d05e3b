"""The server's side of each style of paging: where a request begins, and how the response says what follows."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import orjson
from attrs import define, field, frozen

from ..errors import UsageError
from ..locations import member
from ..paging.styles import Cursor, LastId, NextURL, OffsetLimit, PageNumber, SinglePage, Style
from .document import Described, Document, Schema, branches, types_of
from .service import Call, Window
from .table import MemoryTable, Sort, value_at

__all__ = ["Begin", "Misplaced", "Places", "link_header"]

_FIRST_CURSOR: Final = 1_000_000_000  # of cursors that are numbers: positions may be negative
_OFFSETS: Final = frozenset({"offset", "skip", "start", "startindex", "from", "startat"})
_PAGES: Final = frozenset({"page", "pagenumber", "pageindex", "pageno"})
_CURSORS: Final = re.compile(r".*(cursor|token|after|iterator|bookmark|marker|continuation|nextpage)", re.IGNORECASE)
_SIZES: Final = frozenset({"limit", "size", "perpage", "pagesize", "count", "maxresults", "top", "take", "pagelimit"})


class Misplaced(Exception):
    """A position that is none of this list. Its text says why."""


@frozen
class Begin:
    """Where the page of a request begins, and how many rows it takes."""

    offset: int
    limit: int


@define
class Places:
    """Reads positions from requests and writes those of the next pages.

    Attributes:
        document: Where the list is described.
        described: Its operation.
        style: How it pages.
        next_schema: What the next cursor is like, where the document says so.
        table: The rows.
        mark: The members of a row that lead to what names it as the last one of a page.
        cap: Rows of a page at most, whatever the request and the style say.

    Raises:
        UsageError: It pages in a style that the sandbox does not know.
    """

    document: Document
    described: Described
    style: Style
    next_schema: Schema
    table: MemoryTable
    mark: tuple[str, ...]
    cap: int | None
    _url_param: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.style, PageNumber | OffsetLimit | Cursor | LastId | NextURL | SinglePage):
            raise UsageError(
                f"the sandbox cannot page by {type(self.style).__name__}; test such a list against a server of your own"
            )
        self._url_param = self._param_of_urls()

    @property
    def undocumented(self) -> frozenset[str]:
        """Names in a query that a request may have though the document may not list them."""
        return frozenset({self._url_param} if isinstance(self.style, NextURL) else ())

    # ---- requests

    def begin(self, call: Call, positions: Sequence[int], order: Sequence[Sort]) -> Begin:
        """Return where a request begins in a listing.

        Raises:
            Misplaced: Its position is wrong.
        """
        style = self.style
        limit = self._limit(call)
        match style:
            case PageNumber():
                number = self._whole(call, style.page, style.first)
                if number < style.first:
                    raise Misplaced(f"{style.page} must be at least {style.first}, not {number}")
                return Begin((number - style.first) * limit, limit)
            case OffsetLimit():
                offset = self._whole(call, style.offset, 0)
                if offset < 0:
                    raise Misplaced(f"{style.offset} must be at least 0, not {offset}")
                return Begin(offset, limit)
            case Cursor():
                cursor = self._value(call, style.cursor)
                if cursor is None and style.start is not None:
                    raise Misplaced(f"{style.cursor} is required: {style.start} for the first page")
                if cursor is None or str(cursor) == str(style.start):
                    return Begin(0, limit)
                return Begin(self._behind(self._position(style.cursor, cursor), positions, order), limit)
            case LastId():
                key = self._value(call, style.after)
                position = None if key is None else self._find(style, key)
                return Begin(0 if position is None else self._behind(position, positions, order), limit)
            case NextURL():
                return Begin(self._of_url(call, limit, positions, order), limit)
            case _:  # SinglePage
                return Begin(0, max(1, len(positions)))

    def _limit(self, call: Call) -> int:
        style, largest = self.style, self.style.largest
        name = style.page_size
        if name is None and isinstance(style, NextURL):
            name = self._documented(lambda plain: plain in _SIZES)
        limit = largest if name is None else self._whole(call, name, self._default(name) or largest)
        if limit < 1:
            raise Misplaced(f"{name} must be at least 1, not {limit}")
        return min(limit, largest, self.cap or limit)

    def _default(self, name: str) -> int | None:
        for parameter in self.described.parameters:
            if parameter.name == name and isinstance(default := parameter.schema.get("default"), int):
                return default
        return None

    def _value(self, call: Call, name: str) -> Any:
        """Return what a request has under a name, in the query or at a path in its body."""
        if self.style.where == "query":
            return call.query.get(name) or None
        value = member(orjson.loads(call.body), name) if call.body else None
        return value if isinstance(value, str | int) and value != "" else None

    def _whole(self, call: Call, name: str, default: int) -> int:
        value = self._value(call, name)
        try:
            return default if value is None else int(value)
        except ValueError:
            raise Misplaced(f"{name} must be a whole number, not {value!r}") from None

    def _find(self, style: LastId, key: object) -> int:
        found = self.table.find(key, self.mark)
        if found is None:
            raise Misplaced(f"{style.after}: there is no row {key!r}")
        return found

    def _behind(self, position: int, positions: Sequence[int], order: Sequence[Sort]) -> int:
        return self.table.rank(position, positions, order)

    def _of_url(self, call: Call, limit: int, positions: Sequence[int], order: Sequence[Sort]) -> int:
        name = self._url_param
        text = call.query.get(name)
        if text is None:
            return 0
        plain = _plain(name)
        if plain in _PAGES:
            return max(0, self._whole(call, name, 1) - 1) * limit
        if plain in _OFFSETS:
            return max(0, self._whole(call, name, 0))
        return self._behind(self._position(name, text), positions, order)

    # ---- responses

    def next(self, call: Call, begin: Begin, window: Window, *, forever: bool) -> Any:
        """Return what names the next page: a cursor or a URL; None at the end.

        Args:
            call: The request.
            begin: Where it began.
            window: Its page.
            forever: Whether the last page names itself.
        """
        if window.last is None or not (window.more or forever):
            return None
        if isinstance(self.style, NextURL):
            return self.link(call, begin, window)
        return self._cursor(window.last)

    def link(self, call: Call, begin: Begin, window: Window) -> str:
        """Return the URL of the next page."""
        style = self.style
        match style:
            case PageNumber():
                name, value = style.page, str(self._whole(call, style.page, style.first) + 1)
            case OffsetLimit():
                name, value = style.offset, str(begin.offset + begin.limit)
            case Cursor():
                name, value = style.cursor, str(self._cursor(window.last or 0))
            case LastId():
                name, value = style.after, str(value_at(self.table.row(window.last or 0), self.mark))
            case _:
                name = self._url_param
                plain = _plain(name)
                if plain in _PAGES:
                    value = str(begin.offset // begin.limit + 2)
                elif plain in _OFFSETS:
                    value = str(begin.offset + begin.limit)
                else:
                    value = _text_cursor(window.last or 0)
        parts = urlsplit(call.url)
        pairs = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
        return urlunsplit(parts._replace(query=urlencode([*pairs, (name, value)], quote_via=quote)))

    def _cursor(self, position: int) -> int | str:
        is_number = any({"integer", "number"} & {*types_of(one)} for one in branches(self.document, self.next_schema))
        return _FIRST_CURSOR + position if is_number else _text_cursor(position)

    def _position(self, name: str, cursor: object) -> int:
        text = str(cursor)
        try:
            position = int(text) - _FIRST_CURSOR if text.isdecimal() else _position_of(text)
            self.table.row(position)
        except (ValueError, KeyError):
            raise Misplaced(f"{name}: {text!r} is no cursor of this list") from None
        return position

    # ---- what URLs hold

    def _documented(self, fits: Callable[[str], Any]) -> str | None:
        plain = (one for one in self.described.parameters if one.where == "query" and _takes_any_text(one.schema))
        names = (one.name for one in plain)
        return next((name for name in names if fits(_plain(name))), None)

    def _param_of_urls(self) -> str:
        for fits in (_CURSORS.match, _PAGES.__contains__, _OFFSETS.__contains__):
            if name := self._documented(fits):
                return name
        return "cursor"


def _takes_any_text(schema: Schema) -> bool:
    """Whether a parameter may hold a cursor: no object, no list, no date, none of a few values."""
    is_scalar = not {"array", "boolean", "object"} & set(types_of(schema))
    return is_scalar and "enum" not in schema and "date" not in str(schema.get("format"))


def link_header(links: Mapping[str, str]) -> str:
    """Return the value of a header ``Link`` (RFC 8288). ``links``: URLs by relation."""
    return ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items())


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _text_cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"after:{position}".encode()).decode().rstrip("=")  # APIs that allow `=` are few


def _position_of(text: str) -> int:
    try:
        word, _, number = base64.urlsafe_b64decode(text.encode() + b"==").decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(text) from error
    if word != "after":
        raise ValueError(text)
    return int(number)
