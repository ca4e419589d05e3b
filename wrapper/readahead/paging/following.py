"""A URL that names the next page, as a checkpoint may keep it. Pure.

Of the URL its query is kept, in which a parameter that the listing sends itself, such as a filter, stands by its name
alone: ``status&page_info=abc&limit=50``. So the checkpoint holds no value of a filter, unless the API writes it in
another way than it was sent.
"""

from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

from ..http.origin import origin
from ..http.redact import Redactor
from ..http.request import Request
from ..locations import Unreadable
from ..pages import Scalar

__all__ = ["own_query", "pairs_of"]


def own_query(url: Scalar, request: Request, base_url: str, redactor: Redactor) -> str:
    """Return the query of a URL, with the listing's own parameters by name.

    Args:
        url: As the API sent it, absolute or relative.
        request: The request of the listing, without a position.
        base_url: Where the API is.
        redactor: Finds the credentials of the client, which are left out: they are sent as they always are.

    Raises:
        Unreadable: It is no URL, of another origin, or without a query.
    """
    home = base_url + request.path
    if not isinstance(url, str) or any(char.isspace() or not char.isprintable() for char in url.strip()):
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
    pairs = parse_qsl(query, keep_blank_values=True)
    names = {name for name, _ in pairs}
    own = {name for name in names if _values(pairs, name) == _values(request.params, name)}
    pieces = [
        quote(name, safe="") if name in own else f"{quote(name, safe='')}={quote(value, safe='')}"
        for name, value in pairs
        if name in own or redactor.text(value) == value
    ]
    if not pieces:
        raise Unreadable("its URL has no query, which is all that is taken of it")
    return "&".join(dict.fromkeys(pieces))


def pairs_of(query: str) -> tuple[frozenset[str], tuple[tuple[str, str], ...]]:
    """Return which of the listing's own parameters a page is requested with, and the other parameters."""
    pieces = [piece.partition("=") for piece in query.split("&")]
    own = frozenset(unquote(name) for name, sign, _ in pieces if not sign)
    return own, tuple((unquote(name), unquote(value)) for name, sign, value in pieces if sign)


def _values(pairs: "list[tuple[str, str]] | tuple[tuple[str, str], ...]", name: str) -> list[str]:
    return sorted(value for key, value in pairs if key == name)
