"""What says who asks: read from arguments or the environment, kept out of everything that is shown, and renewed."""

import base64
import inspect
import os
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, cast

import anyio

from ..errors import CredentialsError
from .origin import checked_base_url, origin
from .secret import Hidden, Secret
from .traces import conceals

__all__ = ["Credential", "CredentialSource", "Credentials", "credentials_from", "header_fault"]

_RETIRED = 8  # values that are still withheld where a server quotes them
_NONE: Mapping[str, Secret] = MappingProxyType({})
_PASSED: ContextVar[Mapping[str, Secret]] = ContextVar("readahead_credentials", default=_NONE)


@contextmanager
def credentials_from(variables: Mapping[str, Secret]) -> Generator[None]:
    """Let clients that are made in the block take these variables before those of the environment.

    They count as passed explicitly: a client sends them to any ``base_url``. For callers that do not know what the
    credentials of an API are called, such as the command line.

    Args:
        variables: The values by the names of environment variables.
    """
    before = _PASSED.set(variables)
    try:
        yield
    finally:
        _PASSED.reset(before)


class SecretText(Protocol):
    """Text that does not show itself, such as pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str:
        """Return the text."""
        ...


CredentialSource: TypeAlias = str | SecretText | Callable[[], str | SecretText | Awaitable[str | SecretText]]
"""A credential, or a function, sync or async, that is asked for it."""


class Credential:
    """One credential of an API, as its binding declares it.

    Args:
        name: The name of the argument, for messages.
        value: The argument. An empty one is an error; it never falls back to the environment.
        variable: The environment variable.
        prefix: Put before it in its header: ``"Bearer "``.
        basic: Whether it is a name and a password, ``name:password``, which are sent as HTTP Basic (RFC 7617).
    """

    __slots__ = ("_basic", "_prefix", "_value", "name", "variable")

    def __init__(
        self, name: str, value: CredentialSource | None, variable: str, *, prefix: str = "", basic: bool = False
    ) -> None:
        self.name, self.variable = name, variable
        self._prefix, self._basic = "Basic " if basic else prefix, basic
        self._value: Hidden[CredentialSource | None] = Hidden(value)

    @property
    def changes(self) -> bool:
        """Whether it is a function that is asked again and again."""
        return callable(self._value.reveal())

    @conceals
    def fixed(self, base_url: str, home: str | None) -> Secret:
        """Return the value of its header.

        Args:
            base_url: Where it will be sent.
            home: The API's own address. A credential of the environment is sent nowhere else.

        Raises:
            CredentialsError: It is missing, empty or malformed, or would go to a foreign host. The message never shows
                it.
        """
        value = self._value.reveal()
        if value is not None:
            return self._header(self.name, value)
        source, passed = f"{self.name} (from {self.variable})", _PASSED.get().get(self.variable)
        if passed is not None:
            return self._header(source, passed)
        text = os.environ.get(self.variable)
        if text is None:
            raise CredentialsError(f"{self.name} is missing; pass {self.name}= or set {self.variable}")
        header = self._header(source, text)
        if home is not None and origin(base_url) != origin(checked_base_url(home)):
            raise CredentialsError(
                f"{source} belongs to {home}, and base_url is {base_url!r}; pass {self.name}= to send it there"
            )
        return header

    async def ask(self) -> Secret:
        """Ask for it, and return the value of its header.

        Raises:
            CredentialsError: What was returned is empty or malformed.
        """
        try:
            answer = self._ask()
            if isinstance(answer, _Coming):
                answer = await answer
        except Exception as error:
            error.add_note(f"It was raised by the function that was passed as {self.name}.")
            raise
        source = f"what {self.name} returned"
        return self._header(source, answer)

    @conceals
    def _ask(self) -> "_Coming | Hidden[object]":
        answer = cast("Callable[[], object]", self._value.reveal())()
        return _Coming(answer) if inspect.isawaitable(answer) else Hidden(answer)

    @conceals
    def _header(self, source: str, value: object) -> Secret:
        if isinstance(value, Hidden):
            value = cast("Hidden[object]", value).reveal()
        reveal = getattr(value, "get_secret_value", None)
        text = reveal() if callable(reveal) else value
        if not isinstance(text, str):
            kinds = "text" if source != self.name else "text, a SecretStr, or a function that returns one"
            raise CredentialsError(f"{source} must be {kinds}, not {type(text).__name__}")
        if not text.strip():
            raise CredentialsError(f"{source} must not be empty")
        if fault := header_fault(text):
            raise CredentialsError(f"{source} {fault}")
        if self._basic:
            if ":" not in text:
                raise CredentialsError(f"{source} must be a name and a password, with a colon between them")
            text = base64.b64encode(text.encode()).decode()
        return Secret(self._prefix + text)


class _Coming:
    """An awaitable whose result is not shown."""

    __slots__ = ("_awaitable",)

    def __init__(self, awaitable: Awaitable[object]) -> None:
        self._awaitable = awaitable

    def __await__(self) -> Generator[Any, Any, Hidden[object]]:
        return Hidden((yield from self._awaitable.__await__()))


class Credentials:
    """The credentials of one client, and of what ``with_options`` made of it.

    Args:
        declared: What each header holds.
        base_url: Where they will be sent.
        home: The API's own address.

    Raises:
        CredentialsError: One is missing, empty or malformed, or would go to a foreign host.
    """

    def __init__(self, declared: Mapping[str, Credential], base_url: str, home: str | None) -> None:
        self._changing = {header: one for header, one in declared.items() if one.changes}
        self._fixed = {header: one.fixed(base_url, home) for header, one in declared.items() if not one.changes}
        self._known: Mapping[str, Secret] = self._fixed
        self._retired = deque[Secret](maxlen=_RETIRED)
        self._asked = 0  # how often they were asked for
        self._failure: Exception | None = None  # of the last time
        self._refused: Mapping[str, Secret] | None = None  # after these they were asked for once more
        self.headers = frozenset(name.lower() for name in declared)

    @property
    def fixed(self) -> tuple[Secret, ...]:
        """Those that never change."""
        return tuple(self._fixed.values())

    @property
    def known(self) -> tuple[Secret, ...]:
        """The latest ones, and those before them: a server may still quote these."""
        return (*self._known.values(), *self._retired)

    async def current(self, turn: anyio.Lock) -> Mapping[str, Secret]:
        """Return the headers of a request that is about to be sent. The same object means the same values.

        Args:
            turn: Of this client in this event loop. Requests that come while a function is asked share its answer, also
                where that is an exception.

        Raises:
            CredentialsError: What a function returned is empty or malformed.
        """
        if self._changing:
            asked = self._asked
            async with turn:
                if self._asked == asked:
                    await self._ask()
                elif self._failure is not None:
                    raise self._failure
        return self._known

    async def renewed(self, refused: Mapping[str, Secret], turn: anyio.Lock) -> Mapping[str, Secret] | None:
        """Return other headers than those that were refused, or None. For the same ones it asks once more, not twice.

        Raises:
            CredentialsError: What a function returned is empty or malformed.
        """
        if self._changing:
            async with turn:
                if self._known is refused and self._refused is not refused:
                    self._refused = refused
                    await self._ask()
        return None if self._known is refused else self._known

    async def _ask(self) -> None:
        latest = dict(self._fixed)
        try:
            for header, credential in self._changing.items():
                latest[header] = await credential.ask()
        except Exception as error:
            self._asked, self._failure = self._asked + 1, error
            raise
        self._asked, self._failure = self._asked + 1, None
        changed = [header for header in latest if not _same(latest[header], self._known.get(header))]
        if changed:
            self._retired += [self._known[header] for header in changed if header in self._known]
            self._known = latest


def _same(one: Secret, other: Secret | None) -> bool:
    return other is not None and one.reveal() == other.reveal()


def header_fault(value: str) -> str | None:
    """Say what keeps text from being the value of a header (RFC 9110, 5.5), if anything does."""
    # A control character would end the header and begin another one. The HTTP libraries differ on the rest: one strips
    # spaces, another refuses them with a message that shows the value, and each encodes non-ASCII in its own way.
    if not value.isascii() or not value.isprintable():
        return "must not contain control or non-ASCII characters"
    if value != value.strip():
        return "must not begin or end with a space"
    return None
