"""How a list is sorted: what ``order_by`` takes, and how it is sent. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from attrs import field, frozen

from .errors import FilterError, UsageError, nearest, shown

__all__ = ["Direction", "OrderBy"]


@frozen
class Direction:
    """A parameter of its own for the direction: ``sort=created&direction=desc``.

    Attributes:
        param: The argument of the generated function.
        ascending: What it is for the smallest value first.
        descending: What it is for the largest value first.
    """

    param: str = "direction"
    ascending: str = "asc"
    descending: str = "desc"


def _as_tuple(names: Iterable[str]) -> tuple[str, ...]:
    return () if isinstance(names, str) else tuple(names)


@frozen
class OrderBy:
    """How an API is asked for an order. ``order_by("-created_at")`` asks for the largest value first.

    Attributes:
        names: What can be sorted by, as the API calls it.
        param: The argument of the generated function.
        descending: How a descending order is written: ``"-{name}"``, ``"{name} desc"``, or a ``Direction``. None: the
            API has none.
        several: Whether the API sorts by more than one name: as a list where the argument takes one, else joined by
            commas.

    Raises:
        UsageError: ``names`` are no names, or ``descending`` has no place for one.
    """

    names: tuple[str, ...] = field(converter=_as_tuple)
    param: str = "order_by"
    descending: str | Direction | None = None
    several: bool = True

    def __attrs_post_init__(self) -> None:
        if not self.names or not all(isinstance(cast("object", name), str) and name for name in self.names):
            raise UsageError(f"names must be what the API sorts by, such as ('created_at',), not {shown(self.names)}")
        if isinstance(self.descending, str) and self.descending.count("{name}") != 1:
            raise UsageError(f"descending must hold {{name}} once, as in '-{{name}}', not {self.descending!r}")

    @property
    def params(self) -> tuple[str, ...]:
        """The arguments of the generated function."""
        return (self.param, self.descending.param) if isinstance(self.descending, Direction) else (self.param,)

    def checked(self, names: tuple[object, ...]) -> tuple[str, ...]:
        """Return names to sort by, each perhaps with a ``-`` before it.

        Raises:
            FilterError: One is not documented or comes twice, or the API cannot sort so.
        """
        known = f"known are {', '.join(self.names)}"
        if not names:
            raise FilterError("order_by", f"order_by() needs at least one name; {known}", value=names)
        split = [self._split(name, known) for name in names]
        plain = [text for text, _ in split]
        for index, name in enumerate(plain):
            if name in plain[:index]:
                raise FilterError("order_by", f"order_by() has {name!r} twice; name each field once", value=name)
        if len(names) > 1 and not self.several:
            raise FilterError("order_by", "order_by() takes one name, since this API sorts by one", value=names)
        if isinstance(self.descending, Direction) and len({falls for _, falls in split}) > 1:
            message = "order_by() takes one direction for all names, since this API has one parameter for it"
            raise FilterError("order_by", message, value=names)
        return tuple(f"-{text}" if falls else text for text, falls in split)

    def _split(self, name: object, known: str) -> tuple[str, bool]:
        """Return a documented name, and whether the largest value is to come first."""
        text = str.__str__(name) if isinstance(name, str) else ""
        if text in self.names:  # also "-created_at", where the API calls it so
            return text, False
        if text[1:] in self.names and text[0] == "-" and self.descending is not None:
            return text[1:], True
        if text.startswith("-") or text.casefold().endswith(" desc"):
            why = "write '-' before a known name for a descending order"
            if self.descending is None:
                why = "this API documents no descending order"
            raise FilterError("order_by", f"order_by() cannot sort by {name!r}, since {why}; {known}", value=name)
        message = f"order_by() cannot sort by {shown(name)}; {known}"
        raise FilterError("order_by", message, value=name, near=nearest(name, self.names))

    def arguments(self, names: tuple[str, ...], *, takes_list: bool) -> Mapping[str, Any]:
        """Return the arguments of the generated function.

        Args:
            names: Those that ``checked`` returned.
            takes_list: Whether the function takes a list of names.
        """
        falls = [name not in self.names for name in names]
        template = self.descending if isinstance(self.descending, str) else "{name}"
        written = [
            template.replace("{name}", name[1:]) if is_falling else name
            for name, is_falling in zip(names, falls, strict=True)
        ]
        arguments: dict[str, Any] = {self.param: written if takes_list else ",".join(written)}
        if isinstance(self.descending, Direction):
            direction = self.descending
            arguments[direction.param] = direction.descending if falls[0] else direction.ascending
        return arguments
