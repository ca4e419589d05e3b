"""Keep a credential out of everything that is shown."""

from collections.abc import Mapping

from attrs import frozen

__all__ = ["Secret", "revealed"]


@frozen(repr=False, eq=False)
class Secret:
    """A credential. Its repr does not show it."""

    value: str

    def __repr__(self) -> str:
        return "Secret(…)"


def revealed(headers: Mapping[str, str | Secret], **more: str) -> dict[str, str]:
    """Return headers as they are sent. Do not bind them to a variable: tracebacks can show it."""
    return {name: text.value if isinstance(text, Secret) else text for name, text in headers.items()} | more
