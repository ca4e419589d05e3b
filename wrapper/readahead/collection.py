"""All rows of one kind: a listing to narrow down, and what can be done with a single row."""

import functools
from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast, get_args, get_type_hints

import orjson
from attrs import evolve, frozen

from .errors import UsageError, nearest, not_allowed
from .filters import Choices, checked_text, plain
from .http.transport import Request
from .paging.checkpoint import Partition
from .query import Listing, Query
from .rows import decode_object
from .selection import Selection

__all__ = ["Collection", "checked_body", "checked_changes", "checked_id"]

B = TypeVar("B")
T = TypeVar("T")
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
        endpoint = self._reading.endpoint
        reading = self._reading.select(Selection.from_json(partition.query, endpoint.fields))
        return self._query_type(evolve(reading, start=reading.check(partition.checkpoint)))

    async def _one(self, request: Request) -> T:
        """Send a request about one row, and return that row."""
        response = await self._reading.sender.send(request)
        return decode_object(response, self._reading.endpoint.reader.read)


def checked_body(shape: type[B], given: B) -> B:
    """What was given, if it is what the shape says: one that is not given is not sent, and None is null.

    Raises FilterError for an unknown name, with the nearest match, for a value outside its listed choices, and for one
    that JSON cannot carry.
    """
    choices = _choices(cast("Any", shape))
    for name, value in cast("Mapping[str, object]", given).items():
        if name not in choices:
            raise not_allowed(name, value, f"one of {', '.join(choices)}", near=nearest(name, choices))
        listing = choices[name]
        if listing is not None and isinstance(value, str) and not isinstance(value, listing):
            listed = cast("type[Choices]", listing).listed()
            if value not in listed:
                allowed = f"one of the {len(listed)} values of {listing.__name__}, or {listing.__name__}.unlisted(…)"
                raise not_allowed(name, value, allowed, near=nearest(value, listed))
        try:
            orjson.dumps(value)
        except TypeError as error:
            raise not_allowed(name, value, f"what JSON can carry ({error})") from None
    return given


def checked_changes(shape: type[B], changes: B) -> B:
    """Return the changes, if there are any and they are what the shape says; see ``checked_body``.

    Raises:
        UsageError: There are none.
    """
    if not changes:
        raise UsageError("update() needs at least one field to change")
    return checked_body(shape, changes)


def checked_id(name: str, given: object) -> str:
    """An id that can stand in a path: text, not empty, and not a path of its own. Raises FilterError."""
    if not isinstance(given, str):
        raise not_allowed(name, given, "text")
    if checked_text(name, given) in {".", ".."}:
        raise not_allowed(name, given, "an id")
    return plain(given)


@functools.cache
def _choices(shape: type) -> dict[str, type[str] | None]:
    """Each member, and the enumeration it takes its text from, if it has one."""
    return {name: _enumeration(hint) for name, hint in get_type_hints(shape).items()}


def _enumeration(hint: Any) -> type[str] | None:
    for part in (hint, *get_args(hint)):
        if isinstance(part, type) and issubclass(part, str) and hasattr(part, "listed"):
            return part
    return None
