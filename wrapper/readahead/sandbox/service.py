"""What both APIs share: a request comes in, is counted and delayed, and is answered in the vendor's shape.

A vendor is a `Service` with its own handlers and error shape. Handlers are plain functions from a `Call` to an
`Answer`; nothing else reads a request or sends a response. Two places decide what a client sees: `Service.window` cuts
the rows of a page, `Service.send` puts an answer on the wire.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar, Final, TypeAlias

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
from .store import Condition, Table


@define
class Recorded:
    """One request that a sandbox saw. Of its headers only the names are kept.

    `path` is the API's own (`/v1/customers`), `query` the query string as sent. `status` is None until the answer was
    sent, and stays None if the client went away before.
    """

    api: str
    method: str
    path: str
    query: str
    header_names: tuple[str, ...]
    request_id: str
    status: int | None = None


Latency: TypeAlias = float | Callable[[Recorded], Awaitable[object]]
"""Seconds before each answer, or what to await before it: an event, a barrier, a sleep of varying length."""


@define
class Traffic:
    """The latest requests in the order of their arrival, and how many are and were in flight at once, by API."""

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
        """Empty the log; the peak starts again at what is in flight now."""
        self.requests.clear()
        self.peak = dict(self.in_flight)


@frozen
class Call:
    """A request, read to its end."""

    method: str
    path_params: Mapping[str, str]
    query: QueryParams
    headers: Headers
    body: bytes
    number: int = 0  # in the order of arrival, of this API, from 1


@frozen
class Answer:
    """A response before it is sent: a status, a body, and what the vendor's headers say."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(factory=dict[str, str])
    kind: str = "application/json"


@frozen
class Window:
    """The rows of one page as a JSON array, and how many the whole listing has."""

    rows: bytes
    total: int


Handler: TypeAlias = Callable[[Call], Answer]


#: The name under which a server on a socket lets an answer reset its connection.
RESET: Final = "readahead.reset"


class Refused(Exception):
    """A handler's way out: the answer that refuses the request."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Service(ABC):
    """One vendor's API over a table of customers."""

    name: ClassVar[str]
    #: The member of a row that a fault gives a value which no document lists.
    enumerated: ClassVar[str]

    def __init__(self, table: Table, traffic: Traffic, latency: Latency, faults: Faults) -> None:
        self.table = table
        self.faults = faults
        self.trouble = Trouble(faults)
        self._traffic = traffic
        self._latency = latency
        self._arrived = 0
        self._listed = 0
        routes = [Route(path, _Endpoint(self, methods)) for path, methods in self.routes().items()]
        self.app: ASGIApp = Starlette(routes=[*routes, Route("/{rest:path}", _Endpoint(self, {}))])

    @abstractmethod
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """Handlers by path and method."""

    @abstractmethod
    def authorize(self, call: Call) -> None:
        """Refuse a call without the credentials that this sandbox takes."""

    @abstractmethod
    def error(self, status: int, message: str) -> Answer:
        """An error in the vendor's shape."""

    @abstractmethod
    def newcomer(self, position: int) -> Seed:
        """A row that somebody adds."""

    def window(self, call: Call, where: Sequence[Condition], order: Sequence[str], offset: int, limit: int) -> Window:
        """The rows `offset` to `offset + limit` of a listing: the one place where a page is cut."""
        faults = self.faults
        self._listed += 1
        self._write(self._listed)
        positions = self.table.positions(where, order)
        if faults.deepest is not None and offset > faults.deepest:
            raise Refused(self.error(400, f"The offset is beyond {faults.deepest}."))
        if faults.ties:
            positions = self._reordered(positions, call.number, faults.ties)
        if faults.repeat_last and positions and offset >= len(positions):
            offset = (len(positions) - 1) // limit * limit
        shown = positions[offset:] if faults.ignore_limit else positions[offset : offset + limit]
        if faults.hide:
            shown = [position for position in shown if not self.trouble.hits("hide", position)]
        rows = self.table.documents(shown)
        if faults.unknown_values or faults.null_ids:
            rows = [self._spoiled(position, row) for position, row in zip(shown, rows, strict=True)]
        body = b"[" + b",".join(rows) + b"]"
        if self.trouble.hits("envelope", call.number):
            body = b'{"data":' + body + b"}"
        return Window(body, len(positions))

    def said_total(self, total: int, number: int) -> int | None:
        """The total that an answer names, or null."""
        said = self.faults.total
        if said == "changing":
            return total + number % 3
        return None if said == "null" else total if said is None else int(said)

    def _write(self, number: int) -> None:
        """What others do to the list between two listing requests."""
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
        row |= {self.enumerated: "NOT_LISTED_ANYWHERE"} if unknown else {}
        row |= {"id": None} if nameless else {}
        return orjson.dumps(row)

    async def send(self, answer: Answer, recorded: Recorded, scope: Scope, receive: Receive, send: Send) -> None:
        """Put an answer on the wire: the one place where that happens."""
        headers = {"content-length": str(len(answer.body)), "x-request-id": recorded.request_id, **answer.headers}
        body = b"" if scope["method"] == "HEAD" else answer.body
        await Response(body, answer.status, headers, answer.kind)(scope, receive, send)
        recorded.status = answer.status

    async def _send_half(
        self, how: str, answer: Answer, recorded: Recorded, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """The beginning of an answer, and then the end of it, silence, or a reset."""
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
            if reset is None:  # in process there is no connection; the client gets this in its place
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
            call = Call(request.method, request.path_params, request.query_params, request.headers, body, number)
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
        """Wait out the latency, and some seconds more, for as long as the client does."""
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


async def _leave_with_client(receive: Receive) -> None:
    await receive()  # the body has been read: nothing but the disconnect can follow
    raise ClientDisconnect


class _Endpoint:
    """Lets a service, rather than the router, answer every method of a path."""

    def __init__(self, service: Service, methods: Mapping[str, Handler]) -> None:
        self._service = service
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._service.handle(self._methods, scope, receive, send)
