"""A request before it is sent, and the response to it. Nothing here is tied to a client."""

import functools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self, cast
from urllib.parse import quote, urlencode

import orjson
from attrs import evolve, field, frozen

from ..errors import UsageError
from ..pages import Scalar
from .redact import Redactor

__all__ = ["Request", "Response"]


@frozen
class Request:
    """One request, not yet tied to a client.

    Args:
        method: ``GET``, ``POST`` or ``PUT``.
        path: The path, encoded.
        operation: Method and path template, for messages: ``GET /v1/customers/{customer_id}``.
        params: Filters and order, as they are sent.
        position: Paging parameters of the query. Messages show their values, and those of no other parameter.
        body: JSON, unless a header says otherwise.
        headers: Of this request alone, besides those of the client.
        idempotent: Whether the API sees to it that the request has one effect, however often it is sent.
        safe: Whether it only reads, whatever its method.
        placed: Paging parameters in the body, for messages.
        plain: Reserved characters that are not percent-encoded, by the names of the parameters, such as the commas
            between joined values.
    """

    method: str
    path: str
    operation: str
    params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    position: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    idempotent: bool = False
    plain: tuple[tuple[str, str], ...] = ()
    safe: bool = False
    placed: tuple[tuple[str, Scalar], ...] = ()

    def __str__(self) -> str:
        shown = [f"{name}=…" for name in dict(self.params)] + [f"{name}={value}" for name, value in self.position]
        placed = "".join(f" {name}={value}" for name, value in self.placed)
        return self.operation + ("?" + "&".join(shown) if shown else "") + placed

    def at(self, position: tuple[tuple[str, Scalar], ...], *, in_body: bool = False) -> Self:
        """Return the request of one page of a listing.

        Args:
            position: Paging parameters.
            in_body: Whether they are members of the JSON body, by their paths. Numbers are numbers there.
        """
        if in_body:
            return evolve(self, body=_with_members(self.body, position), placed=position)
        return evolve(self, position=tuple((name, _text(value)) for name, value in position))

    @property
    def target(self) -> str:
        """Path and query, encoded."""
        if not self.position:
            return _shared(self.path, self.params, self.plain)[:-1]
        return _shared(self.path, self.params, self.plain) + urlencode(self.position, quote_via=quote)

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice has the same effect as sending it once (RFC 9110, 9.2.2)."""
        return self.idempotent or self.safe or self.method != "POST"

    @property
    def writes(self) -> bool:
        """Whether it changes data."""
        return self.method in {"POST", "PUT"} and not self.safe


@frozen
class Response:
    """A whole response.

    Args:
        request: What it answers.
        status: The HTTP status.
        headers: Names in lower case.
        body: All of it, decompressed.
        seconds: How long it took.
        redactor: Withholds the client's credentials in what messages quote of it.
    """

    request: Request
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    seconds: float = 0.0
    redactor: Redactor = field(factory=Redactor, eq=False, repr=False)

    @property
    def request_id(self) -> str | None:
        """The id that the server gave the request, under the names in use."""
        name = next((name for name in _REQUEST_IDS if name in self.headers), None)
        return None if name is None else self.redactor.text(self.headers[name])


_REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "cf-ray")


@functools.lru_cache(maxsize=64)  # what the pages of a listing share is encoded once
def _shared(path: str, params: tuple[tuple[str, str], ...], plain: tuple[tuple[str, str], ...]) -> str:
    safe = dict(plain)
    pairs = (f"{quote(name, safe='')}={quote(value, safe=safe.get(name, ''))}&" for name, value in params)
    return f"{path}?{''.join(pairs)}"


def _text(value: Scalar) -> str:
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


def _with_members(body: bytes | None, members: tuple[tuple[str, Scalar], ...]) -> bytes:
    """Return a JSON object with more members. A path makes the objects that it leads through."""
    try:
        whole: Any = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        whole = None
    for path, value in members:
        *outer, name = path.split(".")
        inner = whole
        for step in outer:
            if isinstance(inner, dict) and cast("dict[str, Any]", inner).get(step) is None:
                inner[step] = {}
            inner = cast("dict[str, Any]", inner).get(step) if isinstance(inner, dict) else None
        if not isinstance(inner, dict):
            raise UsageError(
                f"{path} cannot be a member of the body: that is no JSON object, or another value is there"
            )
        inner[name] = value
    return orjson.dumps(whole)
