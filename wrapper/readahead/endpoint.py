"""What a binding declares of one list endpoint, and what the wrapper uses of a generated endpoint module."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from inspect import Parameter, signature
from typing import Any, Generic, ParamSpec, Protocol, TypeVar
from urllib.parse import parse_qsl, unquote

import orjson
from attrs import frozen

from .checks import argument_faults, faults, given_by, in_one_line, required
from .declared import ParameterInfo, kinds_of_parameters
from .errors import FilterError, UsageError
from .filters import Fields, Kinds, checked_text, kinds_of
from .http.headers import checked_headers
from .http.request import Request
from .order import OrderBy
from .paging.styles import Style
from .rows import RowReader

__all__ = ["Endpoint", "Operation", "checked_id", "request_for"]

P = ParamSpec("P")
T = TypeVar("T")
_JSON = ("Content-Type", "application/json")  # sent with every body
_RESERVED = re.compile(r"[^A-Za-z0-9%._~-]")


class Operation(Protocol[P]):
    """A generated endpoint module, such as ``readahead_clients.kintsugi.api.customers.list_customers``."""

    @property
    def OPERATION(self) -> str:  # noqa: N802
        """Method and path template, such as ``GET /v1/customers/{customer_id}``."""
        ...

    def build_request(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        """Return a request as keyword arguments of httpx."""
        ...


@frozen
class Endpoint(Generic[T]):
    """A list endpoint, as its binding declares it.

    Attributes:
        operation: The generated module.
        reader: How rows and the envelope around them are read.
        paging: How pages follow each other.
        fields: What conditions are made of.
        order: What ``order_by`` takes, and how it is sent. None: the API documents no order.
        idempotency: The header of this API in which a POST names itself, such as ``Idempotency-Key``. A key is made for
            each call, so that ``create`` can be repeated as safely as a read.

    Raises:
        UsageError: Something of it does not fit the generated code: a name that is not in the document, a type that
            cannot be sent or compared, a page size that is too large. All that does not fit is named, each with what
            to write instead.
    """

    operation: Operation[...]
    reader: RowReader[T]
    paging: Style
    fields: Fields = Fields()  # noqa: RUF009  immutable
    order: OrderBy | None = None
    idempotency: str | None = None

    def __attrs_post_init__(self) -> None:
        self.paging.check(self.reader.next)
        if found := in_one_line(faults(self.operation, self.reader, self.paging, self.fields, self.order)):
            raise UsageError(found)

    @cached_property
    def _parameters(self) -> Mapping[str, Parameter]:
        return signature(self.operation.build_request).parameters

    @cached_property
    def needed(self) -> Mapping[str, Any]:
        """Arguments that the generated function needs, and that paging replaces: an empty body, required numbers."""
        needed: dict[str, Any] = {"body": {}} if self.paging.where == "body" and "body" in self._parameters else {}
        declared: Mapping[str, ParameterInfo] = getattr(self.operation, "PARAMETERS", {})
        for argument, each in declared.items() if self.paging.where == "query" else ():
            if each.where == "query" and each.required and each.name in self.paging.parameters:
                needed[argument] = 1
        return needed

    @cached_property
    def smallest(self) -> int:
        """Rows in the smallest page that the API gives, as far as its document says."""
        declared: Mapping[str, ParameterInfo] = getattr(self.operation, "PARAMETERS", {})
        sizes = (each.minimum for each in declared.values() if each.name == self.paging.page_size)
        return max(1, math.ceil(next(sizes, None) or 1))

    @cached_property
    def _required(self) -> frozenset[str]:
        return required(self.operation, self.paging)

    @cached_property
    def _given_by(self) -> Mapping[str, str]:
        return given_by(self.fields, self.order)

    def missing(self, arguments: Iterable[str]) -> Mapping[str, str]:
        """Return the required arguments that are not among these, and what a query gives each with."""
        return {argument: self._given_by[argument] for argument in sorted(self._required - {*arguments})}

    def check_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Check the arguments that a ``Reading`` gives, besides those of conditions.

        Raises:
            UsageError: The generated function has no such argument, or needs one that nothing gives.
        """
        needed = self._required - self._given_by.keys()
        if needed <= arguments.keys() <= self._parameters.keys():
            return
        if found := in_one_line(argument_faults(self.operation, arguments, sorted(needed))):
            raise UsageError(found)

    @cached_property
    def kinds(self) -> Kinds:
        """What each parameter of the operation takes."""
        declared: Mapping[str, ParameterInfo] | None = getattr(self.operation, "PARAMETERS", None)
        return kinds_of(self.operation.build_request) if declared is None else kinds_of_parameters(declared)

    def takes_list(self, argument: str) -> bool:
        """Whether an argument of the generated function is a list."""
        return argument in self._parameters and "list[" in str(self._parameters[argument].annotation)


def checked_id(name: str, value: object) -> str:
    """Return an id that can stand in a path: text, not blank, and not a path of its own. Raises FilterError."""
    text = checked_text(name, value)
    if text in {".", ".."}:
        raise FilterError(name, f"{name} must be an id, not the path {text!r}", value=value)
    return text


def request_for(operation: Operation[P], *args: P.args, **kwargs: P.kwargs) -> Request:
    """Build the request of an operation. All its values are written by the generated function.

    Args:
        operation: The generated module.
        *args, **kwargs: What its ``build_request`` takes.

    Raises:
        UsageError: A value cannot be sent as the document says, or the operation sends what a client here cannot:
            files, or a header that the client sets itself.
    """
    try:
        parts = operation.build_request(*args, **kwargs)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{operation.OPERATION}: {error}") from None
    method, (path, _, query) = parts.pop("method").upper(), parts.pop("url").partition("?")
    body = orjson.dumps(parts.pop("json")) if "json" in parts else parts.pop("content", None)
    headers: dict[str, str] = parts.pop("headers", {})
    content_type = [(name, headers.pop(name)) for name in list(headers) if name.lower() == "content-type"]
    checked = checked_headers(headers, ())
    if cookies := parts.pop("cookies", {}):
        checked["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    if parts:
        raise UsageError(
            f"{operation.OPERATION} sends {', '.join(sorted(parts))}, which this client cannot; "
            "call the generated function instead"
        )
    return Request(
        method,
        path,
        operation.OPERATION,
        tuple(parse_qsl(query, keep_blank_values=True)),
        body=body,
        headers=(*checked.items(), *(pair for pair in content_type if pair != _JSON)),
        plain=_plain(query),
    )


def _plain(query: str) -> tuple[tuple[str, str], ...]:
    """Return the reserved characters that values in a query are written with, by the names of their parameters."""
    found: dict[str, set[str]] = {}
    for name, _, value in (pair.partition("=") for pair in query.split("&")):
        found.setdefault(unquote(name), set()).update(_RESERVED.findall(value))
    return tuple((name, "".join(sorted(characters))) for name, characters in found.items() if characters)
