"""What both APIs share: a request comes in, is counted and delayed, and is answered in the vendor's shape.

A vendor is a `Service` with its own handlers and error shape. Handlers are plain functions from a `Call` to an
`Answer`; nothing else reads a request or sends a response. Two places decide what a client sees: `Service.window` cuts
the rows of a page, `Service.send` puts an answer on the wire.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar, TypeAlias

import anyio
from attrs import define, field, frozen
from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

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


@frozen
class Answer:
    """A response before it is sent: a status, a body of JSON and what the vendor's headers say."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(factory=dict[str, str])


@frozen
class Window:
    """The rows of one page, each as JSON, and how many the whole listing has."""

    rows: Sequence[bytes]
    total: int


Handler: TypeAlias = Callable[[Call], Answer]


class Refused(Exception):
    """A handler's way out: the answer that refuses the request."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Service(ABC):
    """One vendor's API over a table of customers."""

    name: ClassVar[str]

    def __init__(self, table: Table, traffic: Traffic, latency: Latency) -> None:
        self.table = table
        self._traffic = traffic
        self._latency = latency
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

    def window(self, where: Sequence[Condition], order: Sequence[str], offset: int, limit: int) -> Window:
        """The rows `offset` to `offset + limit` of a listing: the one place where a page is cut."""
        positions = self.table.positions(where, order)
        return Window(self.table.documents(positions[offset : offset + limit]), len(positions))

    async def send(self, answer: Answer, recorded: Recorded, scope: Scope, receive: Receive, send: Send) -> None:
        """Put an answer on the wire: the one place where that happens."""
        headers = {"content-length": str(len(answer.body)), "x-request-id": recorded.request_id, **answer.headers}
        body = b"" if scope["method"] == "HEAD" else answer.body
        await Response(body, answer.status, headers, "application/json")(scope, receive, send)
        recorded.status = answer.status

    async def handle(self, methods: Mapping[str, Handler], scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        names = tuple(request.headers.keys())
        recorded = self._traffic.arrive(self.name, request.method, path, request.url.query, names)
        try:
            body = await request.body()
            await self._wait(recorded, receive)
            call = Call(request.method, request.path_params, request.query_params, request.headers, body)
            await self.send(self._answer(methods, call), recorded, scope, receive, send)
        except* ClientDisconnect:
            pass
        finally:
            self._traffic.leave(recorded)

    async def _wait(self, recorded: Recorded, receive: Receive) -> None:
        """Wait out the latency, for as long as the client does."""
        latency = self._latency
        if latency == 0:
            return
        async with anyio.create_task_group() as group:
            group.start_soon(_leave_with_client, receive)
            await (latency(recorded) if callable(latency) else anyio.sleep(latency))
            group.cancel_scope.cancel()

    def _answer(self, methods: Mapping[str, Handler], call: Call) -> Answer:
        if not methods:
            return self.error(404, "There is nothing at this URL.")
        handler = methods.get(call.method)
        if handler is None:
            refusal = self.error(405, "Method Not Allowed")
            return Answer(refusal.status, refusal.body, {**refusal.headers, "allow": ", ".join(sorted(methods))})
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
