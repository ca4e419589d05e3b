"""Read credentials from arguments or the environment, and keep them out of everything that is shown."""

import os
from typing import cast

from ..errors import CredentialsError
from .origin import checked_base_url, origin
from .secret import Secret
from .traces import conceals

__all__ = ["credential", "header_fault"]


@conceals
def credential(name: str, value: str | None, variable: str, *, base_url: str, home: str) -> Secret:
    """Return a credential from its argument, else from the environment.

    Args:
        name: The name of the argument, for messages.
        value: The argument. An empty one is an error; it never falls back to the environment.
        variable: The environment variable.
        base_url: Where the credential will be sent.
        home: The API's own address. A credential of the environment is sent nowhere else.

    Raises:
        CredentialsError: It is missing, empty or malformed, or would go to a foreign host. The message never shows it.
    """
    text = cast("object", value if value is not None else os.environ.get(variable))
    if text is None:
        raise CredentialsError(f"{name} is missing; pass {name}= or set {variable}")
    source = name if value is not None else f"{name} (from {variable})"
    if not isinstance(text, str):
        raise CredentialsError(f"{source} must be text, not {type(text).__name__}")
    if not text.strip():
        raise CredentialsError(f"{source} must not be empty")
    if value is None and origin(checked_base_url(base_url)) != origin(home):
        raise CredentialsError(
            f"{source} belongs to {home}, and base_url is {base_url!r}; pass {name}= to send it there"
        )
    if fault := header_fault(text):
        raise CredentialsError(f"{source} {fault}")
    return Secret(text)


def header_fault(value: str) -> str | None:
    """Say what keeps text from being the value of a header (RFC 9110, 5.5), if anything does."""
    # A control character would end the header and begin another one. The HTTP libraries differ on the rest: one strips
    # spaces, another refuses them with a message that shows the value, and each encodes non-ASCII in its own way.
    if not value.isascii() or not value.isprintable():
        return "must not contain control or non-ASCII characters"
    if value != value.strip():
        return "must not begin or end with a space"
    return None
