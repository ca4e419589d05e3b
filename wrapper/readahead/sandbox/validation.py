"""Validation errors as FastAPI and pydantic report them, with their types, locations, contexts and messages."""

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
    """All validation errors of a request, collected as FastAPI does."""

    _details: list[dict[str, Any]] = field(factory=list[dict[str, Any]])

    def add(self, kind: str, message: str, value: Any, *where: str | int, **context: Any) -> None:
        detail: dict[str, Any] = {"type": kind, "loc": where, "msg": message, "input": value}
        self._details.append(detail | ({"ctx": context} if context else {}))

    def refuse_if_any(self) -> None:
        if self._details:
            raise Refused(Answer(422, orjson.dumps({"detail": self._details})))

    def integer(self, call: Call, name: str, *, default: int, at_most: int | None) -> int:
        """Return a whole number of at least 1 from the query, or the default if it is missing or wrong."""
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

    def text(self, value: Any, *where: str | int) -> None:
        if not isinstance(value, str):
            self.add("string_type", "Input should be a valid string", value, *where)

    def one_of(self, value: Any, allowed: tuple[str, ...], *where: str | int) -> None:
        if value not in allowed:
            *others, last = (f"'{choice}'" for choice in allowed)
            expected = f"{', '.join(others)} or {last}"
            self.add("enum", f"Input should be {expected}", value, *where, expected=expected)

    def mapping(self, value: Any, *where: str | int) -> dict[str, Any]:
        if isinstance(value, dict):
            return cast("dict[str, Any]", value)
        message = "Input should be a valid dictionary or object to extract fields from"
        self.add("model_attributes_type", message, value, *where)
        return {}

    def registrations(self, value: Any, *where: str | int) -> None:
        if not isinstance(value, list):
            self.add("list_type", "Input should be a valid list", value, *where)
            return
        for index, item in enumerate(cast("list[object]", value)):
            before = len(self._details)
            registration = self.mapping(item, *where, index)
            if len(self._details) > before:
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
    """Return the fields of a customer to create. Unknown keys are ignored, as FastAPI does."""
    problems = Problems()
    body = _read(call, problems)
    fields = _fields(body, problems, _TEXTS_OF_NEW, nullable={"country", "source"})
    if "customer_tax_registrations" in body:
        fields["customer_tax_registrations"] = body["customer_tax_registrations"]
        problems.registrations(body["customer_tax_registrations"], "body", "customer_tax_registrations")
    problems.refuse_if_any()
    return fields


def changes(call: Call) -> dict[str, Any]:
    """Return the fields to change. A status of null changes nothing, as no row can have it."""
    problems = Problems()
    fields = _fields(_read(call, problems), problems, _TEXTS, nullable={"country", "source", "status"})
    problems.refuse_if_any()
    if "status" in fields and fields["status"] is None:
        del fields["status"]
    return fields


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
