"""Keep credentials out of everything that is shown."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from attrs import frozen

__all__ = ["Hidden", "Secret", "revealed"]

T = TypeVar("T")


@frozen(repr=False, eq=False)
class Hidden(Generic[T]):
    """What a repr does not show."""

    value: T

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class Secret(Hidden[str]):
    """A credential."""


def revealed(headers: Mapping[str, str | Secret], **more: str) -> dict[str, str]:
    """Return headers as they are sent. Do not bind them to a variable: tracebacks can show it."""
    return {name: text.value if isinstance(text, Secret) else text for name, text in headers.items()} | more
