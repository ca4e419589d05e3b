"""The sandbox: both APIs, their rows, and a log of requests."""

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Unpack

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from . import kintsugi, sweetspot
from .base import IN_PROCESS, Box, checked_faults, checked_rows
from .data import kintsugi_seeds, sweetspot_seeds
from .faults import Faults
from .service import Latency
from .store import Database, Table

if TYPE_CHECKING:
    from ..endpoint import Endpoint
    from ..http.client import ClientOptions
    from ..kintsugi import Kintsugi
    from ..sweetspot import SweetSpot
    from .described import DocumentSandbox
    from .lists import WriteAnswer

API_KEY: Final = "sandbox-key"
ORGANIZATION_ID: Final = "org_sandbox"
TOKEN: Final = "sk_test_sandbox"  # noqa: S105


class Sandbox(Box):
    """Run Kintsugi and Sweet Spot over SQLite, with the same fictional customers in every run.

    It holds a database and nothing else, so closing it can be left to the garbage collector.

    Args:
        kintsugi_rows: Number of customers in Kintsugi.
        sweetspot_rows: Number of customers in Sweet Spot.
        path: A database file that keeps the rows; in memory by default. A file that has rows keeps those.
        latency: Seconds before each response, or an async function of the request to await instead.
        faults: How both APIs misbehave.
        api_key: The key that Kintsugi accepts; by default any that is not empty.
        organization_id: The organization that Kintsugi accepts, and that its rows belong to; by default any, and
            ``ORGANIZATION_ID``.
        token: The token that Sweet Spot accepts; by default any that is not empty.

    Raises:
        TypeError: ``faults`` is no ``Faults``, or a number of rows no whole number.
        ValueError: A number of rows is negative.
    """

    def __init__(
        self,
        *,
        kintsugi_rows: int = 10_000,
        sweetspot_rows: int = 10_000,
        path: str | PathLike[str] | None = None,
        latency: Latency = 0.0,
        faults: Faults | None = None,
        api_key: str | None = None,
        organization_id: str | None = None,
        token: str | None = None,
    ) -> None:
        super().__init__("kintsugi", "sweetspot")
        checked_rows("kintsugi_rows", kintsugi_rows)
        checked_rows("sweetspot_rows", sweetspot_rows)
        faults = checked_faults(faults)
        database = Database(path)
        self._database = database
        self._api_key = api_key or API_KEY
        self._organization_id = organization_id or ORGANIZATION_ID
        self._token = token or TOKEN

        #: The rows of each API. A change here is a change on the server.
        self.kintsugi_table = Table(
            database,
            "kintsugi",
            hidden=kintsugi.HIDDEN,
            derived=kintsugi.DERIVED,
            derive=kintsugi.derive,
            seeds=kintsugi_seeds(kintsugi_rows, self._organization_id),
        )
        self.sweetspot_table = Table(
            database,
            "sweetspot",
            hidden=sweetspot.HIDDEN,
            derived=sweetspot.DERIVED,
            derive=sweetspot.derive,
            seeds=sweetspot_seeds(sweetspot_rows),
        )

        self.kintsugi_app: ASGIApp = kintsugi.KintsugiService(
            self.kintsugi_table,
            self._traffic,
            latency,
            faults,
            api_key=api_key,
            organization_id=organization_id,
            organization=self._organization_id,
        ).app
        self.sweetspot_app: ASGIApp = sweetspot.SweetSpotService(
            self.sweetspot_table, self._traffic, latency, faults, token=token
        ).app
        self.app: ASGIApp = Starlette(
            routes=[Mount("/kintsugi", self.kintsugi_app), Mount("/sweetspot", self.sweetspot_app)]
        )

    def close(self) -> None:
        """Close the database. This also happens once neither the sandbox nor an application or client of it is left."""
        self._database.close()

    @staticmethod
    def from_document(
        document: str | PathLike[str] | Mapping[str, Any],
        *endpoints: "Endpoint[Any]",
        rows: int | Iterable[Mapping[str, Any]] = 250,
        latency: Latency = 0.0,
        faults: Faults | None = None,
        answer: "WriteAnswer | None" = None,
    ) -> "DocumentSandbox":
        """Serve lists of any API, made from its OpenAPI document and its binding.

        Rows are made up by their schemas: with the document's examples, the values of enumerations in turn, times that
        ascend, and null or nothing now and then where that is allowed.

        Args:
            document: A file of JSON or YAML, the document as JSON data, or the name of an API in ``openapi/apis.toml``
                of a clone.
            *endpoints: The lists, as the binding declares them. Without any, all of the binding of that name.
            rows: How many rows to make up for each list; or the rows, where there is one list.
            latency: Seconds before each response, or an async function of the request to await instead.
            faults: How it misbehaves.
            answer: Writes the body of each response, where a binding finds rows or the next page by a function: from
                the page, and the body as it would be sent.

        Raises:
            UsageError: There is no such document or binding, or they do not fit together.
            TypeError: ``faults`` is no ``Faults``, or the number of rows no whole number.
            ValueError: The number of rows is negative, or two rows have one key.
        """
        from .described import DocumentSandbox  # noqa: PLC0415 - the two built-in APIs need neither

        return DocumentSandbox.of(document, endpoints, rows=rows, latency=latency, faults=faults, answer=answer)

    def kintsugi(self, **options: "Unpack[ClientOptions]") -> "Kintsugi":
        """Return a Kintsugi client of this sandbox, connected in process, with options such as ``retry``."""
        from ..http.libraries import client_for_app  # noqa: PLC0415
        from ..kintsugi import Kintsugi  # noqa: PLC0415 - the sandbox serves without the clients

        options.setdefault("http_client", client_for_app(self.kintsugi_app))
        options.setdefault("base_url", IN_PROCESS)
        return Kintsugi(
            api_key=self._api_key,
            organization_id=self._organization_id,
            **options,
        )

    def sweetspot(self, **options: "Unpack[ClientOptions]") -> "SweetSpot":
        """Return a Sweet Spot client of this sandbox, connected in process, with options such as ``retry``."""
        from ..http.libraries import client_for_app  # noqa: PLC0415
        from ..sweetspot import SweetSpot  # noqa: PLC0415 - the sandbox serves without the clients

        options.setdefault("http_client", client_for_app(self.sweetspot_app))
        options.setdefault("base_url", IN_PROCESS)
        return SweetSpot(
            token=self._token,
            **options,
        )

    def kintsugi_rows(self) -> list[dict[str, Any]]:
        """Return every customer of Kintsugi as plain data, in the order of an unfiltered listing."""
        return self.kintsugi_table.rows()

    def sweetspot_rows(self) -> list[dict[str, Any]]:
        """Return every customer of Sweet Spot as plain data, in the order of an unfiltered listing."""
        return self.sweetspot_table.rows()
