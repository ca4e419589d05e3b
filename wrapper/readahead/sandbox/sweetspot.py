"""Sweet Spot's customers API: offset and limit, a bare array without a total, errors under `error`.

Parameters and shapes follow the vendor's reference pages. Rows show neither e-mail nor name; the list filters by hidden
columns. Choices of the sandbox, where the pages are silent: 50 rows by default, 400 above 100 or below 1, customers in
order of creation, an empty filter is no filter.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

import orjson

from .data import Seed, instant, later, public_id
from .faults import Faults
from .service import Answer, Call, Handler, Latency, Refused, Service, Traffic
from .store import Condition, Stored, Table

HIDDEN: Final = ("email", "first_name", "last_name")
DERIVED: Final = ("user", "searched_email", "searched_name")
_LARGEST_LIMIT = 100
_INTEGER = re.compile(r"[+-]?\d{1,4000}", re.ASCII)
_CHANGED: Final = ("address1", "address2", "city", "country", "phone", "state", "zip")
_CHANGED_UNSEEN: Final = {"firstName": "first_name", "lastName": "last_name"}


class SweetSpotService(Service[Table]):
    """Sweet Spot's three operations on customers."""

    name = "sweetspot"
    enumerated = "creditStatus"

    def __init__(self, table: Table, traffic: Traffic, latency: Latency, faults: Faults, *, token: str | None) -> None:
        self._token = token
        super().__init__(table, traffic, latency, faults)

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        return {
            "/v1/customers": {"GET": self.list},
            "/v1/customers/{id}": {"GET": self.get, "PUT": self.update},
        }

    def authorize(self, call: Call) -> None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip() or self._token not in (None, token.strip()):
            raise Refused(self.error(401, "The bearer token is missing or not valid."))

    def error(self, status: int, message: str, **more: str) -> Answer:
        kind = "api_error" if status >= 500 else "invalid_request_error"
        return Answer(status, orjson.dumps({"error": {"type": kind, "message": message, **more}}))

    def list(self, call: Call) -> Answer:
        offset = self._integer(call, "offset", default=0, at_least=0, at_most=None)
        limit = self._integer(call, "limit", default=50, at_least=1, at_most=_LARGEST_LIMIT)
        where: list[Condition] = []
        if organization := call.query.get("organizationId"):
            where.append(self.table.checkouts(organization))
        if email := call.query.get("email"):
            where.append(Condition("instr(searched_email, ?)", (email.casefold(),)))
        if name := call.query.get("name"):
            where.append(Condition("instr(searched_name, ?)", (name.casefold(),)))
        if user := call.query.get("userId"):
            where.append(Condition("user = ?", (user,)))
        positions = self.listing(call, lambda: self.table.positions(where))
        return Answer(200, self.window(call, positions, offset, min(limit, self.faults.cap or limit)).rows)

    def newcomer(self, position: int) -> Seed:
        created = instant(max(0, position) * 10_000)
        row: dict[str, Any] = {"id": public_id("cus_", position), "createdAt": created, "updatedAt": created}
        row |= {"creditStatus": "unknown", "identityVerificationStatus": "none", "userId": None}
        return Seed(row, {"email": None, "first_name": "Newcomer", "last_name": str(position)})

    def get(self, call: Call) -> Answer:
        return Answer(200, orjson.dumps(self._find(call).row))

    def update(self, call: Call) -> Answer:
        stored = self._find(call)
        changes = self._changes(call)
        row = stored.row | {key: value for key, value in changes.items() if key in _CHANGED}
        row["updatedAt"] = later(row["updatedAt"])
        hidden = stored.hidden | {column: changes[key] for key, column in _CHANGED_UNSEEN.items() if key in changes}
        self.table.replace(Stored(stored.position, row, hidden))
        return Answer(200, orjson.dumps(row))

    def _find(self, call: Call) -> Stored:
        stored = self.table.find("id", call.path_params["id"])
        if stored is None:
            raise Refused(self.error(404, "There is no such customer.", code="resource_missing", param="id"))
        return stored

    def _integer(self, call: Call, name: str, *, default: int, at_least: int, at_most: int | None) -> int:
        text = call.query.get(name)
        if text is None:
            return default
        if _INTEGER.fullmatch(text):
            number = int(text)
            if number >= at_least and (at_most is None or number <= at_most):
                return number
        allowed = f"{at_least} or more" if at_most is None else f"{at_least} to {at_most}"
        message = f"{name} is a whole number of {allowed}."
        raise Refused(self.error(400, message, code="parameter_invalid", param=name))

    def _changes(self, call: Call) -> dict[str, Any]:
        try:
            body: object = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            raise Refused(self.error(400, f"The body is not JSON: {error.msg}.", code="body_invalid")) from None
        if not isinstance(body, dict):
            raise Refused(self.error(400, "The body is not an object.", code="body_invalid"))
        changes = cast("dict[str, Any]", body)
        for key in (*_CHANGED, *_CHANGED_UNSEEN):
            if not isinstance(changes.get(key, ""), str):
                raise Refused(self.error(400, f"{key} is a string.", code="parameter_invalid", param=key))
        return changes


def derive(row: Mapping[str, Any], hidden: Mapping[str, str | None]) -> tuple[str | None, ...]:
    """Return the values of ``DERIVED``: the user, the e-mail, and a line each for first, last and full name."""
    user = row["userId"]
    first, last = hidden["first_name"], hidden["last_name"]
    names = "\n".join(filter(None, (first, last, f"{first} {last}" if first and last else None)))
    return (None if user is None else str(user), (hidden["email"] or "").casefold(), names.casefold())
