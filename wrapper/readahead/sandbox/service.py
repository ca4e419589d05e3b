"""What both APIs share: each request is logged, delayed, and answered in the vendor's shape.

A vendor is a ``Service`` with its own handlers and error shape. Handlers are plain functions from a ``Call`` to an
``Answer``; nothing else reads a request or sends a response. Two places decide what a client sees: ``Service.window``
cuts the rows of a page, ``Service.send`` sends an answer.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from threading import RLock
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

import anyio
import orjson
from attrs import define, evolve, field, frozen
from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from .data import Seed
from .faults import Faults, Trouble
from .store import Stored


@define
class Recorded:
    """One request in the log of a sandbox.

    Attributes:
        api: ``"kintsugi"`` or ``"sweetspot"``; of another API the name of its document.
        method: The HTTP method.
        path: The path within the API, as in ``/v1/customers``.
        query: The query string as sent.
        header_names: The names of the headers; values are not kept.
        request_id: The id in the response.
        status: The status of the response; None until it is sent, or if the client disconnected before.
    """

    api: str
    method: str
    path: str
    query: str
    header_names: tuple[str, ...]
    request_id: str
    status: int | None = None


Latency: TypeAlias = float | Callable[[Recorded], Awaitable[object]]
"""Seconds before each response, or an async function to await before it: an event, a barrier, a varying sleep."""


@define
class Traffic:
    """The latest requests in order of arrival; and by API, how many are in flight and the most that were."""

    in_flight: dict[str, int]
    peak: dict[str, int] = field(init=False)
    requests: deque[Recorded] = field(factory=lambda: deque[Recorded](maxlen=100_000), init=False)
    _arrived: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.forget()

    def arrive(self, api: str, method: str, path: str, query: str, header_names: tuple[str, ...]) -> Recorded:
        self._arrived += 1
        recorded = Recorded(api, method, path, query, header_names, f"req_{self._arrived:08d}")
        self.requests.append(recorded)
        self.in_flight[api] += 1
        self.peak[api] = max(self.peak[api], self.in_flight[api])
        return recorded

    def leave(self, recorded: Recorded) -> None:
        self.in_flight[recorded.api] -= 1

    def forget(self) -> None:
        """Clear the log, and reset the peak to what is in flight now."""
        self.requests.clear()
        self.peak = dict(self.in_flight)


@frozen
class Call:
    """A request with its whole body."""

    method: str
    path_params: Mapping[str, str]
    query: QueryParams
    headers: Headers
    body: bytes
    number: int = 0  # counts requests of this API from 1, in order of arrival
    url: str = ""


@frozen
class Answer:
    """A response before it is sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(factory=dict[str, str])
    kind: str = "application/json"


@frozen
class Window:
    """One page of a listing.

    Attributes:
        rows: Its rows, as a JSON array.
        total: The number of rows in the whole listing.
        last: The position of the last row that was cut, whether it is shown or hidden; None of an empty page.
        more: Whether rows follow it.
        begin: The index of its first row in the listing.
    """

    rows: bytes
    total: int
    last: int | None
    more: bool
    begin: int


Handler: TypeAlias = Callable[[Call], Answer]


#: The ASGI extension by which an answer resets its connection.
RESET: Final = "readahead.reset"


class Refused(Exception):
    """Raised by a handler to refuse a request with an answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Rows(Protocol):
    """What a service needs of its rows, however they are kept and selected."""

    @property
    def lock(self) -> RLock: ...

    def positions(self) -> Sequence[int]: ...

    def documents(self, positions: Sequence[int], /) -> list[bytes]: ...

    def append(self, make: Callable[[int], Seed], /) -> Stored: ...

    def prepend(self, make: Callable[[int], Seed], /) -> Stored: ...

    def delete_at(self, position: int, /) -> None: ...


T = TypeVar("T", bound=Rows)


class Service(ABC, Generic[T]):
    """An API over a table of rows."""

    name: str
    #: The field of a row to which a fault gives an unlisted value, if there is one.
    enumerated: str | None
    #: The members of a row that lead to its id.
    key: tuple[str, ...] = ("id",)

    def __init__(self, table: T, traffic: Traffic, latency: Latency, faults: Faults) -> None:
        self.table = table
        self.faults = faults
        self.trouble = Trouble(faults)
        self._traffic = traffic
        self._latency = latency
        self._arrived = 0
        self._listed = 0
        #: The routes of this service alone, for an application that has others too.
        self.own_routes = [Route(path, _Endpoint(self, methods)) for path, methods in self.routes().items()]
        #: Answers 404.
        self.nothing = Route("/{rest:path}", _Endpoint(self, {}))
        self.app: ASGIApp = Starlette(routes=[*self.own_routes, self.nothing])

    @abstractmethod
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """Return the handlers by path and method."""

    @abstractmethod
    def authorize(self, call: Call) -> None:
        """Refuse a call without the credentials that this sandbox accepts."""

    @abstractmethod
    def error(self, status: int, message: str) -> Answer:
        """Return an error in the vendor's shape."""

    @abstractmethod
    def newcomer(self, position: int) -> Seed:
        """Return a row that another user adds."""

    def listing(self, call: Call, select: Callable[[], Sequence[int]]) -> Sequence[int]:
        """Return the positions of all rows of a listing, after what other users have changed meanwhile."""
        self._listed += 1
        self._write(self._listed)
        positions, ties = select(), self.faults.ties
        return self._reordered(positions, call.number, ties) if ties else positions

    def window(self, call: Call, positions: Sequence[int], offset: int, limit: int) -> Window:
        """Return the rows ``offset`` to ``offset + limit`` of a listing. Every page is cut here."""
        faults = self.faults
        if faults.deepest is not None and offset > faults.deepest:
            raise Refused(self.error(400, f"The offset is beyond {faults.deepest}."))
        if faults.repeat_last and positions and offset >= len(positions):
            offset = (len(positions) - 1) // limit * limit
        cut = positions[offset:] if faults.ignore_limit else positions[offset : offset + limit]
        shown = [position for position in cut if not self.trouble.hits("hide", position)] if faults.hide else cut
        rows = self.table.documents(shown)
        if faults.unknown_values or faults.null_ids:
            rows = [self._spoiled(position, row) for position, row in zip(shown, rows, strict=True)]
        body = b"[" + b",".join(rows) + b"]"
        if self.trouble.hits("envelope", call.number):
            body = b'{"data":' + body + b"}"
        last = cut[-1] if cut else None
        return Window(body, len(positions), last, offset + len(cut) < len(positions), offset)

    def shown_total(self, total: int, number: int) -> int | None:
        """Return the total of a response, or None for null."""
        fault = self.faults.total
        if fault == "changing":
            return total + number % 3
        return None if fault == "null" else total if fault is None else int(fault)

    def _write(self, number: int) -> None:
        """Apply what other users do to the list between two listing requests."""
        faults, trouble = self.faults, self.trouble
        for _ in range(trouble.due(faults.inserts, number)):
            self.table.prepend(self.newcomer)
        for _ in range(trouble.due(faults.appends, number)):
            self.table.append(self.newcomer)
        for gone in range(trouble.due(faults.deletes, number)):
            positions = self.table.positions()
            if positions:
                self.table.delete_at(positions[int(trouble.lot("delete", number, gone) * len(positions))])

    def _reordered(self, positions: Sequence[int], number: int, ties: int) -> Sequence[int]:
        """Each so many neighbours in an order of their own."""
        groups = [list(positions[first : first + ties]) for first in range(0, len(positions), ties)]
        for group in groups:
            group.sort(key=lambda position: self.trouble.lot("tie", number, position))
        return [position for group in groups for position in group]

    def _spoiled(self, position: int, document: bytes) -> bytes:
        unknown, nameless = (self.trouble.hits(fault, position) for fault in ("unknown_values", "null_ids"))
        if not unknown and not nameless:
            return document
        row = orjson.loads(document)
        if unknown and self.enumerated is not None:
            row[self.enumerated] = "NOT_LISTED_ANYWHERE"
        if nameless:
            member = row
            for name in self.key[:-1]:
                member = member[name]
            member[self.key[-1]] = None
        return orjson.dumps(row)

    async def send(self, answer: Answer, recorded: Recorded, scope: Scope, receive: Receive, send: Send) -> None:
        """Send an answer."""
        headers = {"content-length": str(len(answer.body)), "x-request-id": recorded.request_id, **answer.headers}
        body = b"" if scope["method"] == "HEAD" else answer.body
        await Response(body, answer.status, headers, answer.kind)(scope, receive, send)
        recorded.status = answer.status

    async def _send_half(
        self, how: str, answer: Answer, recorded: Recorded, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Send half of an answer, then end it, fall silent, or reset the connection."""
        headers = {"content-length": str(len(answer.body)), "x-request-id": recorded.request_id, **answer.headers}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        raw.append((b"content-type", answer.kind.encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": how != "truncated"})
        recorded.status = answer.status
        if how == "stalled":
            await _leave_with_client(receive)
        if how == "reset":
            reset = scope.get("extensions", {}).get(RESET)
            if reset is None:  # in process there is no connection to reset
                raise ConnectionResetError("the sandbox reset the connection")
            reset()

    async def handle(self, methods: Mapping[str, Handler], scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        names = tuple(request.headers.keys())
        recorded = self._traffic.arrive(self.name, request.method, path, request.url.query, names)
        try:
            body = await request.body()
            self._arrived += 1
            number = self._arrived
            await self._wait(recorded, receive, self.trouble.seconds(number))
            call = Call(
                request.method,
                request.path_params,
                request.query_params,
                request.headers,
                body,
                number,
                _url(request),
            )
            answer = self._answer(methods, call)
            for how in ("truncated", "stalled", "reset"):
                if self.trouble.hits(how, number):
                    await self._send_half(how, answer, recorded, scope, receive, send)
                    return
            await self.send(answer, recorded, scope, receive, send)
        except* ClientDisconnect:
            pass
        finally:
            self._traffic.leave(recorded)

    async def _wait(self, recorded: Recorded, receive: Receive, seconds: float) -> None:
        """Wait for the latency plus these seconds, unless the client disconnects first."""
        latency = self._latency
        if latency == 0 and seconds == 0:
            return
        async with anyio.create_task_group() as group:
            group.start_soon(_leave_with_client, receive)
            await (latency(recorded) if callable(latency) else anyio.sleep(latency))
            await anyio.sleep(seconds)
            group.cancel_scope.cancel()

    def _answer(self, methods: Mapping[str, Handler], call: Call) -> Answer:
        refusal = self.trouble.refusal(call.number, anyio.current_time())
        if refusal is not None and refusal.html:
            return Answer(refusal.status, refusal.message.encode(), refusal.headers, "text/html")
        if refusal is not None:
            return evolve(self.error(refusal.status, refusal.message), headers=refusal.headers)
        if not methods:
            return self.error(404, "There is nothing at this URL.")
        handler = methods.get(call.method)
        if handler is None:
            answer = self.error(405, "Method Not Allowed")
            return evolve(answer, headers={**answer.headers, "allow": ", ".join(sorted(methods))})
        try:
            self.authorize(call)
            with self.table.lock:
                return handler(call)
        except Refused as refused:
            return refused.answer


def _url(request: Request) -> str:
    """Return the URL of a request with its path as it was sent; Starlette decodes it."""
    path = request.scope.get("raw_path", b"").decode("ascii", "replace").partition("?")[0]
    return str(request.url.replace(path=path) if path else request.url)


async def _leave_with_client(receive: Receive) -> None:
    await receive()  # the body has been read, so only a disconnect can follow
    raise ClientDisconnect


class _Endpoint:
    """Route every method of a path to the service, which then answers 405 in the vendor's shape."""

    def __init__(self, service: Service[Any], methods: Mapping[str, Handler]) -> None:
        self._service = service
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._service.handle(self._methods, scope, receive, send)
