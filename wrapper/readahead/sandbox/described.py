"""The sandbox of any API: its lists, made from its document and its binding."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from os import PathLike
from typing import Any, ParamSpec, TypeVar, cast

from starlette.applications import Starlette
from starlette.types import ASGIApp

from ..endpoint import Endpoint
from ..errors import UsageError
from ..http.client import Client
from ..http.libraries import client_for_app
from .base import IN_PROCESS, Box, checked_faults, checked_rows
from .document import Document
from .faults import Faults
from .lists import ListService, WriteAnswer
from .service import Latency
from .table import MemoryTable

__all__ = ["DocumentSandbox"]

P = ParamSpec("P")
C = TypeVar("C", bound=Client)


class DocumentSandbox(Box):
    """Lists of any API, in memory, with the same made-up rows in every run. See ``Sandbox.from_document``.

    A list pages in the style of its binding, filters by the parameters whose values rows carry, and sorts by the orders
    that it declares. A parameter whose values no row carries changes nothing. A request that is not as the document
    says is answered with 400, one without credentials with 401.

    Attributes:
        name: The name of the API in the log of requests.
        tables: The rows of each list, by its operation. A change there is a change on the server.
    """

    def __init__(
        self,
        document: Document,
        endpoints: Sequence[Endpoint[Any]],
        *,
        rows: int | Iterable[Mapping[str, Any]],
        latency: Latency,
        faults: Faults,
        answer: WriteAnswer | None,
    ) -> None:
        super().__init__(document.name)
        self.name = document.name
        self._services = {
            one.operation.OPERATION: ListService(document, one, rows, self._traffic, latency, faults, answer)
            for one in endpoints
        }
        self.tables: Mapping[str, MemoryTable] = {name: service.table for name, service in self._services.items()}
        services = list(self._services.values())
        # A path without parameters comes before one that it would match.
        routes = sorted(
            (route for one in services for route in one.own_routes), key=lambda route: route.path.count("{")
        )
        self.app: ASGIApp = Starlette(routes=[*routes, services[0].nothing])

    @classmethod
    def of(
        cls,
        document: str | PathLike[str] | Mapping[str, Any],
        endpoints: Sequence[Endpoint[Any]],
        *,
        rows: int | Iterable[Mapping[str, Any]],
        latency: Latency,
        faults: Faults | None,
        answer: WriteAnswer | None,
    ) -> "DocumentSandbox":
        """See ``Sandbox.from_document``."""
        if not endpoints:
            endpoints = _endpoints_of(document)
        if isinstance(rows, int):
            checked_rows("rows", rows)
        elif len(endpoints) > 1:
            raise UsageError(f"rows must be a number for {len(endpoints)} lists; change sandbox.tables afterwards")
        return cls(
            Document.read(document),
            endpoints,
            rows=rows,
            latency=latency,
            faults=checked_faults(faults),
            answer=answer,
        )

    @property
    def table(self) -> MemoryTable:
        """The rows of its only list.

        Raises:
            UsageError: It has several.
        """
        return self._only().table

    def rows(self, query: str = "") -> list[dict[str, Any]]:
        """Return rows of its only list as plain data.

        Args:
            query: The query of a listing, such as ``"status=open&sort=name"``: its rows, in its order. Without one, all
                rows, in the order in which they were added.

        Raises:
            UsageError: It has several lists; use ``tables``.
        """
        return list(self._only().selected(query))

    def client(self, make: Callable[P, C], /, *args: P.args, **kwargs: P.kwargs) -> C:
        """Return a client of this sandbox, connected in process: ``sandbox.client(Svix, token="any")``.

        Args:
            make: The class of the client.
            *args: Its arguments.
            **kwargs: Its arguments: credentials, which may be anything, and options such as ``retry``.
        """
        options: dict[str, Any] = {"base_url": IN_PROCESS, **kwargs}
        if "http_client" not in options:
            options["http_client"] = client_for_app(self.app)
        return cast("Callable[..., C]", make)(*args, **options)

    def _only(self) -> ListService:
        if len(self._services) > 1:
            raise UsageError(f"this sandbox has {len(self._services)} lists; use sandbox.tables[...] with one of "
                             f"{', '.join(map(repr, self._services))}")  # fmt: skip
        return next(iter(self._services.values()))


def _endpoints_of(document: object) -> Sequence[Endpoint[Any]]:
    """Return the lists that the binding of an API declares. Raises UsageError if there is no such binding."""
    if not isinstance(document, str) or not document.isidentifier():
        raise UsageError("from_document() needs the list of a binding: Sandbox.from_document(document, CUSTOMERS)")
    package = __name__.partition(".")[0]
    try:
        module = import_module(f"{package}.{document}")
    except ModuleNotFoundError as error:
        if error.name != f"{package}.{document}":
            raise
        module = None
    values: Iterable[object] = () if module is None else vars(module).values()
    endpoints = [cast("Endpoint[Any]", value) for value in values if isinstance(value, Endpoint)]
    if not endpoints:
        raise UsageError(
            f"{package} has no binding {document!r} with an Endpoint; pass the lists to serve: "
            f"Sandbox.from_document({document!r}, CUSTOMERS)"
        )
    return endpoints
