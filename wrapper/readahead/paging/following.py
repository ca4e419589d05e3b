"""A URL that names the next page, as a checkpoint may keep it. Pure.

Of the URL its query is kept, in which a parameter that the listing sends itself, such as a filter, is its place among
these: ``=0&page_info=abc&limit=50``. So the checkpoint holds no value of a filter, unless the API writes it in another
way than it was sent.
"""

from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

from attrs import evolve

from ..errors import CheckpointError
from ..http.origin import origin
from ..http.redact import Redactor
from ..http.request import Request
from ..locations import Unreadable
from ..pages import Scalar

__all__ = ["own_query", "position_of", "with_query"]


def own_query(url: Scalar, request: Request, base_url: str, redactor: Redactor) -> str:
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
    pieces = [
        f"={own.index(pair)}" if pair in own else f"{quote(pair[0], safe='')}={quote(pair[1], safe='')}"
        for pair in parse_qsl(query, keep_blank_values=True)
        if pair[0] and (pair in own or not redactor.finds(pair[1]))
    ]
    if not pieces:
        raise Unreadable("its URL has no query, which is all that is taken of it")
    return "&".join(pieces)


def with_query(request: Request, query: str) -> Request:
    """Return the request of a page.

    Args:
        request: The request of the listing, without a position.
        query: What ``own_query`` returned for it, or for the same request in another process.

    Raises:
        CheckpointError: It belongs to another request.
    """
    own = sorted(request.params)
    numbers = [piece[1:] for piece in query.split("&") if piece.startswith("=")]
    try:
        kept = {own[int(number)] for number in numbers}
    except (ValueError, IndexError):
        raise CheckpointError("the checkpoint is damaged: its cursor is none of this query") from None
    params = tuple(pair for pair in request.params if pair in kept)
    return evolve(request, params=params).at(position_of(query))


def position_of(query: str) -> tuple[tuple[str, str], ...]:
    """Return the parameters in such a query that are not the listing's own."""
    pairs = [piece.partition("=") for piece in query.split("&")]
    return tuple((unquote(name), unquote(value)) for name, _, value in pairs if name)
