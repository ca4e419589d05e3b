"""What is wrong with a request, in the words of FastAPI and pydantic.

Types, places and contexts are those that FastAPI answers with; messages are theirs too, since people search for them.
"""

import re
from collections.abc import Collection
from typing import Any, Final, cast

import orjson
from attrs import define, field

from .service import Answer, Call, Refused
from .vocabulary import ADDRESS_STATUSES, COUNTRIES, SOURCES, STATUSES, TAX_TYPES

_INTEGER: Final = re.compile(r"\s*([+-]?\d{1,4000})(?:\.0+)?\s*", re.ASCII)

_TEXTS: Final = (
    "phone", "street_1", "street_2", "city", "county", "state", "postal_code", "full_address", "name", "external_id",
    "email", "external_friendly_id",
)  # fmt: skip
_TEXTS_OF_NEW: Final = (*_TEXTS, "connection_id", "registration_number")
_CHOICES: Final = {
    "country": COUNTRIES,
    "source": SOURCES,
    "status": STATUSES,
    "address_status": ADDRESS_STATUSES,
}


@define
class Problems:
    """What is wrong with a request, collected as FastAPI does: all of it, each with where, what and why."""

    _found: list[dict[str, Any]] = field(factory=list[dict[str, Any]])

    def add(self, kind: str, message: str, given: Any, *where: str | int, **context: Any) -> None:
        found: dict[str, Any] = {"type": kind, "loc": where, "msg": message, "input": given}
        self._found.append(found | ({"ctx": context} if context else {}))

    def refuse_if_any(self) -> None:
        if self._found:
            raise Refused(Answer(422, orjson.dumps({"detail": self._found})))

    def integer(self, call: Call, name: str, *, default: int, at_most: int | None) -> int:
        """A whole number of at least 1 from the query; the default where none is given or it is wrong."""
        text = call.query.get(name)
        if text is None:
            return default
        match = _INTEGER.fullmatch(text)
        if match is None:
            message = "Input should be a valid integer, unable to parse string as an integer"
            self.add("int_parsing", message, text, "query", name)
            return default
        number = int(match[1])
        if number < 1:
            message = "Input should be greater than or equal to 1"
            self.add("greater_than_equal", message, text, "query", name, ge=1)
        elif at_most is not None and number > at_most:
            message = f"Input should be less than or equal to {at_most}"
            self.add("less_than_equal", message, text, "query", name, le=at_most)
        return number

    def text(self, given: Any, *where: str | int) -> None:
        if not isinstance(given, str):
            self.add("string_type", "Input should be a valid string", given, *where)

    def one_of(self, given: Any, allowed: tuple[str, ...], *where: str | int) -> None:
        if given not in allowed:
            *others, last = (f"'{value}'" for value in allowed)
            expected = f"{', '.join(others)} or {last}"
            self.add("enum", f"Input should be {expected}", given, *where, expected=expected)

    def mapping(self, given: Any, *where: str | int) -> dict[str, Any]:
        if isinstance(given, dict):
            return cast("dict[str, Any]", given)
        message = "Input should be a valid dictionary or object to extract fields from"
        self.add("model_attributes_type", message, given, *where)
        return {}

    def registrations(self, given: Any, *where: str | int) -> None:
        if not isinstance(given, list):
            self.add("list_type", "Input should be a valid list", given, *where)
            return
        for index, item in enumerate(cast("list[object]", given)):
            before = len(self._found)
            registration = self.mapping(item, *where, index)
            if len(self._found) > before:
                continue
            for key in ("id", "customer_id", "country_code", "tax_type", "tax_id", "is_valid"):
                here = (*where, index, key)
                if key not in registration:
                    self.add("missing", "Field required", registration, *here)
                elif key == "country_code":
                    self.one_of(registration[key], COUNTRIES, *here)
                elif key == "tax_type":
                    self.one_of(registration[key], TAX_TYPES, *here)
                elif key != "is_valid":
                    self.text(registration[key], *here)
                elif not isinstance(registration[key], bool):
                    self.add("bool_type", "Input should be a valid boolean", registration[key], *here)


def new_customer(call: Call) -> dict[str, Any]:
    """The fields of a customer to create; refuses what FastAPI would, ignores keys it does not know."""
    problems = Problems()
    body = _read(call, problems)
    given = _fields(body, problems, _TEXTS_OF_NEW, nullable={"country", "source"})
    if "customer_tax_registrations" in body:
        given["customer_tax_registrations"] = body["customer_tax_registrations"]
        problems.registrations(body["customer_tax_registrations"], "body", "customer_tax_registrations")
    problems.refuse_if_any()
    return given


def changes(call: Call) -> dict[str, Any]:
    """The fields to change, null where null was sent; a status of null, which no row can have, changes nothing."""
    problems = Problems()
    given = _fields(_read(call, problems), problems, _TEXTS, nullable={"country", "source", "status"})
    problems.refuse_if_any()
    if "status" in given and given["status"] is None:
        del given["status"]
    return given


def _fields(
    body: dict[str, Any], problems: Problems, texts: Collection[str], *, nullable: Collection[str]
) -> dict[str, Any]:
    for key, value in body.items():
        if key in texts and value is not None:
            problems.text(value, "body", key)
        elif key in _CHOICES and (value is not None or key not in nullable):
            problems.one_of(value, _CHOICES[key], "body", key)
    return {key: value for key, value in body.items() if key in texts or key in _CHOICES}


def _read(call: Call, problems: Problems) -> dict[str, Any]:
    if not call.body:
        problems.add("missing", "Field required", None, "body")
        return {}
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return problems.mapping(call.body.decode(errors="replace"), "body")
    try:
        return problems.mapping(orjson.loads(call.body), "body")
    except orjson.JSONDecodeError as error:
        problems.add("json_invalid", "JSON decode error", {}, "body", error.pos, error=error.msg)
        return {}
