"""What a binding declares of one list endpoint."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from attrs import frozen

from .filters import Fields
from .paging.styles import Style
from .rows import RowReader

__all__ = ["Endpoint"]

T = TypeVar("T")


@frozen
class Endpoint(Generic[T]):
    """A list endpoint, as its binding declares it.

    Attributes:
        operation: Method and path, for messages.
        request: The generated function that builds a request from parameters.
        reader: How rows and the envelope around them are read.
        paging: How pages follow each other.
        fields: What conditions are made of.
        orders: The names that ``order_by`` takes; they are sent joined by commas.
    """

    operation: str
    request: Callable[..., dict[str, Any]]
    reader: RowReader[T]
    paging: Style
    fields: Fields = Fields()  # noqa: RUF009  immutable
    orders: tuple[str, ...] = ()
