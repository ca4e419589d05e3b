"""Keep credentials out of everything that is shown."""

from collections.abc import Callable, Mapping
from typing import Generic, NoReturn, TypeVar

__all__ = ["Hidden", "Secret", "revealed"]

T = TypeVar("T")


class Hidden(Generic[T]):
    """A value that only ``reveal()`` shows.

    Tools that print objects read more than their repr: attrs fields, ``vars()``, slots, properties, pickles. So the
    value is no attribute: a function holds it, and no such tool calls functions.
    """

    __slots__ = ("_reveal",)

    def __init__(self, value: T) -> None:
        self._reveal: Callable[[], T] = lambda: value

    def reveal(self) -> T:
        """Return the value. Do not bind it to a variable: tracebacks can show it."""
        return self._reveal()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError(f"{self!r} cannot be pickled or copied")


class Secret(Hidden[str]):
    """A credential."""

    __slots__ = ()


def revealed(headers: Mapping[str, str | Secret], **more: str) -> dict[str, str]:
    """Return headers as they are sent. Do not bind them to a variable: tracebacks can show it."""
    return {name: text.reveal() if isinstance(text, Secret) else text for name, text in headers.items()} | more
