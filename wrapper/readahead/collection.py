"""All rows of one kind: a listing to narrow down, and what can be done with a single row."""

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, cast, get_args, get_type_hints

import orjson
from attrs import evolve, frozen

from .endpoint import Operation, checked_id, request_for
from .errors import CheckpointError, FilterError, UsageError, nearest
from .filters import Choices, Ordered, checked_choice
from .paging.checkpoint import Partition
from .query import Listing, Query
from .rows import check_identity, decode_object
from .selection import Selection

__all__ = ["Collection", "checked_body", "checked_changes", "checked_id"]

B = TypeVar("B")
P = ParamSpec("P")
T = TypeVar("T")
V = TypeVar("V")
Q = TypeVar("Q", bound="Query[Any]")


@frozen(eq=False, repr=False)
class Collection(Listing[T], Generic[T, Q]):
    """All rows of an endpoint. What narrows it down returns a query."""

    _query_type: type[Q]

    @property
    def _query(self) -> Q:
        return self._query_type(self._reading)

    def order_by(self, *names: str) -> Q:
        """See ``Query.order_by``."""
        return self._query.order_by(*names)

    def slices(
        self, field: Ordered[V], bounds: "Iterable[V | None] | int", *, between: "tuple[V, V] | None" = None
    ) -> Q:
        """See ``Query.slices``."""
        return self._query.slices(field, bounds, between=between)

    def limit(self, rows: int) -> Q:
        """See ``Query.limit``."""
        return self._query.limit(rows)

    def page_size(self, rows: int) -> Q:
        """See ``Query.page_size``."""
        return self._query.page_size(rows)

    def extra_params(self, params: Mapping[str, Any] | None = None, /, **more: Any) -> Q:
        """See ``Query.extra_params``."""
        return self._query.extra_params(params, **more)

    def from_partition(self, partition: Partition | str) -> Q:
        """Return the query of one part that ``partitions`` returned, in this process or another.

        Raises:
            CheckpointError: It is malformed, or belongs to another API, client or version.
        """
        partition = Partition.from_json(partition)
        selection = Selection.from_json(partition.query, self._reading.endpoint.fields)
        try:
            reading = self._reading.select(evolve(selection, condition=None))
            if selection.condition is not None:
                reading = reading.narrow(selection.condition)
            return self._query_type(reading.of_part(partition.checkpoint))
        except CheckpointError:
            raise
        except (UsageError, TypeError, ValueError, ArithmeticError, LookupError):
            # Not shown: the message may hold a value of any size.
            raise CheckpointError(
                "the partition is damaged: its query is not one of this API; make a new one"
            ) from None

    async def _one(self, operation: Operation[P], *args: P.args, **kwargs: P.kwargs) -> T:
        """Send the request of an operation on one row, and return that row."""
        sender, endpoint = self._reading.sender, self._reading.endpoint
        request = request_for(operation, *args, **kwargs)
        if endpoint.idempotency and not request.repeatable:
            request = sender.keyed(request, endpoint.idempotency)
        return decode_object(await sender.send(request), endpoint.reader.read, key=endpoint.reader.wire_key)

    async def _one_with(
        self, attr: str, value: str, operation: Operation[P], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Send the request of an operation on the row with this value, and return that row.

        Raises:
            UnexpectedAnswer: The response is another row.
        """
        response = await self._reading.sender.send(request_for(operation, *args, **kwargs))
        reader = self._reading.endpoint.reader
        row = decode_object(response, reader.read, key=reader.wire_key)
        check_identity(row, attr, value, response)
        return row


def checked_body(shape: type[B], body: B) -> B:
    """Return a request body, if it is what its TypedDict says. A field that is not in it is not sent; None is null.

    Args:
        shape: The generated TypedDict.
        body: The fields to send.

    Raises:
        FilterError: A field is unknown, its value is not a listed choice, or JSON cannot carry it.
    """
    choices = _choices(cast("Any", shape))
    for name, value in cast("Mapping[str, object]", body).items():
        if name not in choices:
            message = f"unknown field {name!r}; known are {', '.join(choices)}"
            raise FilterError(name, message, value=value, near=nearest(name, choices))
        enumeration = choices[name]
        if enumeration is not None and isinstance(value, str):
            checked_choice(name, value, enumeration)
        try:
            orjson.dumps(value)
        except TypeError as error:
            message = f"{name} cannot be sent as JSON ({error}); use text, numbers, booleans, None, or lists of these"
            raise FilterError(name, message, value=value) from None
    return body


def checked_changes(shape: type[B], changes: B) -> B:
    """Return the changes, if there are any and they are what the shape says; see ``checked_body``.

    Raises:
        UsageError: There are none.
    """
    if not changes:
        raise UsageError("update() needs at least one field to change")
    return checked_body(shape, changes)


@functools.cache
def _choices(shape: type) -> dict[str, type[Choices] | None]:
    """Return each field, and the enumeration it takes its text from, if it has one."""
    return {name: _enumeration(hint) for name, hint in get_type_hints(shape).items()}


def _enumeration(hint: Any) -> type[Choices] | None:
    for part in (hint, *get_args(hint)):
        if isinstance(part, type) and issubclass(part, str) and hasattr(part, "listed"):
            return cast("type[Choices]", part)
    return None
