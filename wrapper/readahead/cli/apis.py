"""Which API a command means, its client, and where the credentials of that come from."""

import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from stat import S_IMODE, S_ISREG
from types import ModuleType
from typing import Any, TypeGuard, cast, get_type_hints

from attrs import frozen

from ..errors import CredentialsError, UsageError, nearest
from ..http.client import Client
from ..http.credentials import credentials_from
from ..http.secret import Secret
from ..query import Listing

__all__ = ["API", "Anything", "Environment", "credentials_in", "known_apis", "reachable_by_others"]

PACKAGE = __name__.partition(".")[0]


@frozen
class API:
    """An API, as its binding offers it.

    Attributes:
        client: The class of its client.
        module: Where that is.
    """

    client: type[Client]
    module: ModuleType

    @classmethod
    def named(cls, name: str) -> "API":
        """Return the API of a name such as ``kintsugi``, or of ``package.module:Client``.

        Raises:
            UsageError: There is none.
        """
        if ":" in name:
            return cls._elsewhere(*name.split(":", 1))
        known = known_apis()
        missing = f"there is no API {name!r}; known are {', '.join(known)}, and package.module:Client"
        missing += _did_you_mean(name, known)
        if not name.isidentifier() or (name not in known and find_spec(f"{PACKAGE}.{name}") is None):
            raise UsageError(missing)
        module = import_module(f"{PACKAGE}.{name}")
        clients = [
            value for value in vars(module).values() if _is_client(value) and value.__module__ == module.__name__
        ]
        if not clients:
            raise UsageError(missing)
        if len(clients) > 1:
            names = ", ".join(f"{module.__name__}:{client.__name__}" for client in clients)
            raise UsageError(f"{module.__name__} has {len(clients)} clients; name one of {names}")
        return cls(clients[0], module)

    @classmethod
    def _elsewhere(cls, path: str, name: str) -> "API":
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.append(here)  # behind all others: nothing that is installed is replaced
        try:
            module = import_module(path)
        except (ModuleNotFoundError, TypeError, ValueError) as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing is not None and missing != path and not path.startswith(f"{missing}."):
                raise
            raise UsageError(f"there is no module {path!r}; write package.module:Client") from None
        client: object = getattr(module, name, None)
        if not _is_client(client):
            known = [each for each, value in vars(module).items() if _is_client(value)]
            raise UsageError(f"{path} has no client {name!r}{_did_you_mean(name, known)}")
        return cls(client, module)

    @property
    def collections(self) -> tuple[str, ...]:
        """The names of its collections."""
        return tuple(dict.fromkeys(self._collections()))

    def _collections(self) -> Iterator[str]:
        for kind in self.client.__mro__:
            for name, value in vars(kind).items():
                if not name.startswith("_") and isinstance(value, cached_property):
                    hint = get_type_hints(cast("cached_property[Any]", value).func).get("return", Listing)
                    if isinstance(hint, type) and issubclass(hint, Listing):
                        yield name

    def check_collection(self, name: str) -> None:
        """Raise UsageError for a collection that the API does not have."""
        if name not in self.collections:
            known = ", ".join(self.collections)
            hint = _did_you_mean(name, self.collections)
            raise UsageError(f"{self.client.__name__} has no collection {name!r}; known are {known}{hint}")

    def open(self, variables: Mapping[str, Secret], **options: Any) -> Client:
        """Return a client.

        Args:
            variables: Credentials that may be sent to any base URL, by the names of environment variables.
            **options: Of the client.

        Raises:
            UsageError: A credential is missing, or an option is not valid.
        """
        try:
            with credentials_from(variables):
                return cast("Callable[..., Client]", self.client)(**options)
        except CredentialsError as error:
            text = re.sub(r"pass \w+= or set (\w+)", r"set \1 in the environment, or in --credentials FILE", str(error))
            text = re.sub(
                r"pass \w+= to send it there", "--send-credentials sends it there, and so does --credentials FILE", text
            )
            raise CredentialsError(text) from None


class Anything(Mapping[str, Secret]):
    """A value for each variable, for a client that sends nothing."""

    def __getitem__(self, name: str) -> Secret:
        return Secret("none")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Environment(Mapping[str, Secret]):
    """The variables of the environment."""

    def __getitem__(self, name: str) -> Secret:
        return Secret(os.environ[name])

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)


def known_apis() -> list[str]:
    """Return the names of the APIs that are generated and have a binding; nothing of them is imported."""
    generated = find_spec(f"{PACKAGE}_clients")
    folders = [] if generated is None else list(generated.submodule_search_locations or ())
    bindings = {module.name for module in iter_modules(import_module(PACKAGE).__path__)}
    return sorted(module.name for module in iter_modules(folders) if module.ispkg and module.name in bindings)


def credentials_in(path: Path) -> dict[str, Secret]:
    """Read ``NAME=VALUE`` lines.

    Raises:
        UsageError: The file cannot be read, or has none.
    """
    from dotenv.parser import parse_stream  # noqa: PLC0415  it takes long to import

    try:
        lines = list(parse_stream(io.StringIO(path.read_text(encoding="utf-8"))))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise UsageError(f"--credentials {path}: {reason}") from None
    if wrong := next((line for line in lines if line.error), None):
        raise UsageError(f"--credentials {path}, line {wrong.original.line}: expected NAME=VALUE")
    found = {line.key: Secret(line.value) for line in lines if line.key is not None and line.value is not None}
    if not found:
        raise UsageError(f"--credentials {path} has no credentials; write NAME=VALUE, one a line")
    return found


def reachable_by_others(path: Path) -> bool:
    """Tell whether other users of this machine can read a file, or are in its group and can."""
    try:
        status = path.stat()
    except OSError:
        return False
    return os.name == "posix" and S_ISREG(status.st_mode) and bool(S_IMODE(status.st_mode) & 0o044)


def _is_client(value: object) -> TypeGuard[type[Client]]:
    return isinstance(value, type) and issubclass(value, Client) and value is not Client


def _did_you_mean(name: str, known: "list[str] | tuple[str, ...]") -> str:
    near = " or ".join(map(repr, nearest(name, known)))
    return f"; did you mean {near}?" if near else ""
