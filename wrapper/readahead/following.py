"""How a page of a listing is requested, and what a response says of the next one.

A plan is told of the next page by a cursor: what the response names, the id of its last row, or the query of a URL. In
that, a parameter that the listing sends itself, such as a filter, is its place among these: ``=0&page=2&limit=50``. So
a checkpoint holds no value of a filter, unless the API writes it in another way than it was sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

from attrs import evolve, frozen

from .errors import CheckpointError
from .http.origin import origin
from .http.redact import Redactor
from .http.request import Request, Response
from .http.status import unexpected
from .locations import Unreadable
from .pages import Fetched, Scalar
from .paging.plan import Span
from .paging.styles import Cursor, LastId, NextURL, Style
from .rows import RowReader

__all__ = ["Source", "follow", "place"]

T = TypeVar("T")


@frozen
class Source:
    """What a page was decoded from.

    Attributes:
        request: The request of the listing, without a position.
        response: The response.
        items: The JSON of its rows.
        reader: How it was decoded.
        base_url: Where the API is.
    """

    request: Request
    response: Response
    items: Sequence[Any]
    reader: RowReader[Any]
    base_url: str


def place(style: Style, request: Request, span: Span) -> Request:
    """Return the request of one page of a listing.

    Raises:
        CheckpointError: The listing is resumed from the URL of another one.
    """
    if isinstance(style, NextURL) and span.cursor is not None:
        own = sorted(request.params)
        try:
            kept = {own[int(piece[1:])] for piece in str(span.cursor).split("&") if piece.startswith("=")}
        except (ValueError, IndexError):
            raise CheckpointError("the checkpoint is damaged: its cursor is none of this query") from None
        request = evolve(request, params=tuple(pair for pair in request.params if pair in kept))
    return request.at(span.position, in_body=style.where == "body")


def follow(style: Style, page: Fetched[T], source: Source) -> Fetched[T]:
    """Return the page with what names the next one, as a plan takes it, or why that cannot be requested."""
    try:
        match style:
            case NextURL() if page.next is not None:
                url = _own_query(page.next, source.request, source.base_url, source.response.redactor)
                return evolve(page, next=url)
            case LastId():
                return evolve(page, next=None if page.more is False else _last_id(style, source), failure=None)
            case Cursor():
                return evolve(page, next=_cursor(page.next, source.response.redactor))
            case _:
                return page
    except Unreadable as error:
        reason = str(error)
    return evolve(page, next=None, failure=unexpected(source.response, f"the next page cannot be requested: {reason}"))


def _cursor(cursor: Scalar | None, redactor: Redactor) -> Scalar | None:
    if isinstance(cursor, str) and redactor.finds(cursor):
        raise Unreadable("its cursor holds a credential, which no checkpoint may keep")
    return cursor


def _last_id(style: LastId, source: Source) -> Scalar | None:
    reader = source.reader
    name = reader.wire_key if style.key is None else reader.wire_name(style.key)
    for item in reversed(source.items):  # a row that cannot be read may have no id; then that before it leads on
        value = cast("Mapping[str, Any]", item).get(name) if isinstance(item, Mapping) else None
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return value
    if source.items:
        raise Unreadable(f"no row has a {name!r} that can be sent")
    return None


def _own_query(url: Scalar, request: Request, base_url: str, redactor: Redactor) -> str:
    """Return the query of a URL, with the listing's own parameters by their place.

    Args:
        url: As the API sent it, absolute or relative.
        request: The request of the listing, without a position.
        base_url: Where the API is.
        redactor: Finds the credentials of the client, which are left out: they are sent as they always are.

    Raises:
        Unreadable: It is no URL, of another origin, or without a query.
    """
    home = base_url + request.path
    if not isinstance(url, str) or any(
        char.isspace() or not char.isprintable() or char == "\\" for char in url.strip()
    ):
        raise Unreadable("expected a URL")
    try:
        joined = urljoin(home, url.strip())
        there, query = origin(joined), urlsplit(joined).query
    except ValueError:
        there, query = None, ""
    if there is None:
        raise Unreadable("expected a URL")
    if there != origin(home):
        here = "://".join(origin(home)[:2])
        raise Unreadable(
            f"its URL leads from {here} to {'://'.join(there[:2])}, port {there[2]}; nothing was sent there"
        )
    own = sorted(request.params)
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError:
        raise Unreadable("its URL has bytes in its query that are no UTF-8, which cannot be sent") from None
    pieces = [
        f"={own.index(pair)}" if pair in own else f"{quote(pair[0], safe='')}={quote(pair[1], safe='')}"
        for pair in pairs
        if pair[0] and (pair in own or not redactor.finds(pair[1]))
    ]
    if not pieces:
        raise Unreadable("its URL has no query, which is all that is taken of it")
    return "&".join(pieces)
