"""Kintsugi's customers API: numbered pages with a total, FastAPI's error shapes.

Parameters and shapes follow the vendor's reference page and OpenAPI documents. Where these are silent the sandbox does
what FastAPI and fastapi-pagination do: a page past the end is 200 without items, ``pages`` of an empty listing is 0.
Choices of the sandbox: customers are listed in order of creation, an empty filter is no filter, a state matches
exactly, a search finds text anywhere in names, contact data and addresses and ignores case.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import orjson

from .data import Seed, instant, public_id
from .faults import Faults
from .service import Answer, Call, Handler, Latency, Refused, Service, Traffic
from .store import Condition, Stored, Table
from .validation import Problems, changes, new_customer
from .vocabulary import COUNTRIES

HIDDEN: Final = ("created_at",)
DERIVED: Final = (
    "external_id", "street_1", "street_2", "city", "state", "postal_code", "country", "status", "source", "search",
)  # fmt: skip
ORDER_BY: Final = (
    "created_at", "street_1", "street_2", "city", "state", "postal_code", "country", "status",
)  # fmt: skip
_SEARCHED: Final = (
    "id", "name", "external_id", "email", "phone", "street_1", "street_2", "city", "county", "postal_code",
    "full_address", "registration_number", "external_friendly_id",
)  # fmt: skip
_LARGEST_SIZE = 100
_BLANK: Final = dict.fromkeys((
    "name", "external_id", "email", "phone", "street_1", "street_2", "city", "county", "state", "postal_code",
    "country", "full_address", "source", "connection_id", "registration_number", "external_friendly_id",
))  # fmt: skip


class KintsugiService(Service[Table]):
    """Kintsugi's five operations on customers."""

    name = "kintsugi"
    enumerated = "source"

    def __init__(
        self,
        table: Table,
        traffic: Traffic,
        latency: Latency,
        faults: Faults,
        *,
        api_key: str | None,
        organization_id: str | None,
        organization: str,
    ) -> None:
        self._credentials = {"x-api-key": api_key, "x-organization-id": organization_id}
        self._organization = organization
        super().__init__(table, traffic, latency, faults)

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        return {
            "/v1/customers": {"GET": self.list, "POST": self.create},
            "/v1/customers/external/{external_id}": {"GET": self.get_by_external_id},
            "/v1/customers/{customer_id}": {"GET": self.get, "PUT": self.update},
        }

    def authorize(self, call: Call) -> None:
        for header, accepted in self._credentials.items():
            value = call.headers.get(header, "").strip()
            if not value or accepted not in (None, value):
                raise Refused(self.error(401, f"The header {header} is missing or not valid."))

    def error(self, status: int, message: str) -> Answer:
        return Answer(status, orjson.dumps({"detail": message}))

    def list(self, call: Call) -> Answer:
        problems = Problems()
        page = problems.integer(call, "page", default=1, at_most=None)
        size = problems.integer(call, "size", default=50, at_most=_LARGEST_SIZE)
        countries = call.query.getlist("country")
        for index, country in enumerate(countries):
            problems.one_of(country, COUNTRIES, "query", "country", index)
        order = call.query["order_by"].split(",") if call.query.get("order_by") else []
        for name in order:
            problems.one_of(name, ORDER_BY, "query", "order_by")
        problems.refuse_if_any()

        where: list[Condition] = []
        if search := call.query.get("search_query"):
            where.append(Condition("instr(search, ?)", (search.casefold(),)))
        if countries:
            where.append(Condition(f"country IN ({_marks(countries)})", tuple(countries)))
        if state := call.query.get("state"):
            where.append(Condition("state = ?", (state,)))
        if sources := sorted({*call.query.get("source__in", "").split(",")} - {""}):
            where.append(Condition(f"source IN ({_marks(sources)})", tuple(sources)))
        size = min(size, self.faults.cap or size)
        positions = self.listing(call, lambda: self.table.positions(where, order))
        window = self.window(call, positions, (page - 1) * size, size)
        total = self.shown_total(window.total, call.number) if self.faults.total != "missing" else None
        counts = {"total": total, "page": page, "size": size, "pages": None if total is None else -(-total // size)}
        if self.faults.total == "missing":
            del counts["total"]
        if self.faults.no_pages:
            del counts["pages"]
        # A page number may be longer than orjson writes.
        return Answer(200, b'{"items":' + window.rows + b"," + json.dumps(counts, separators=(",", ":"))[1:].encode())

    def create(self, call: Call) -> Answer:
        fields = new_customer(call)
        return Answer(200, orjson.dumps(self.table.append(lambda position: self._seed(position, fields)).row))

    def newcomer(self, position: int) -> Seed:
        return self._seed(position, {"name": f"Newcomer {position}"})

    def _seed(self, position: int, fields: Mapping[str, Any]) -> Seed:
        row: dict[str, Any] = {
            "id": public_id("cust_", position),
            "organization_id": self._organization,
            **_BLANK,
            "status": "ACTIVE",
            "address_status": "UNVERIFIED",
            "customer_tax_registrations": [],
            **fields,
        }
        return Seed(row, {"created_at": instant(position * 10_000)})

    def get(self, call: Call) -> Answer:
        return Answer(200, orjson.dumps(self._find("id", call.path_params["customer_id"]).row))

    def get_by_external_id(self, call: Call) -> Answer:
        return Answer(200, orjson.dumps(self._find("external_id", call.path_params["external_id"]).row))

    def update(self, call: Call) -> Answer:
        changed = changes(call)
        stored = self._find("id", call.path_params["customer_id"])
        row = stored.row | changed
        self.table.replace(Stored(stored.position, row, stored.hidden))
        return Answer(200, orjson.dumps(row))

    def _find(self, column: str, value: str) -> Stored:
        stored = self.table.find(column, value)
        if stored is None:
            raise Refused(self.error(404, f"There is no customer with this {column}."))
        return stored


def derive(row: Mapping[str, Any], _hidden: Mapping[str, str | None]) -> Iterator[str | None]:
    """Yield the values of ``DERIVED``. The last is the searched text, a line for each field."""
    for column in DERIVED[:-1]:
        yield row[column]
    yield "\n".join(filter(None, map(row.get, _SEARCHED))).casefold()


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))
