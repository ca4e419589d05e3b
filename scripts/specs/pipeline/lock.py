"""`openapi/openapi.lock`: the inputs of the generated code and the versions of the tools."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from specs.documents.document import SpecError

NAME = "openapi.lock"

_HEAD = """\
# The inputs of generated/ and the versions of the tools. Written by scripts/regenerate.
# To upgrade the generator or the formatter: change pyproject.toml and [tools] here, compare the stock templates that
# changed and carry their improvements over into ours, delete [stock], regenerate, review the difference.
"""


@dataclass(frozen=True)
class Lock:
    """The lock.

    Attributes:
        tools: Versions.
        sources: Where each taken document comes from.
        inputs: The sha256 of every file in `openapi/`.
        stock: The sha256 of the generator's own templates.
    """

    tools: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    stock: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return the lock as it is written."""
        tables = {"tools": self.tools, **{f"sources.{api}": source for api, source in sorted(self.sources.items())}}
        tables |= {"inputs": self.inputs, "stock": self.stock}
        lines = [_HEAD]
        for name, table in tables.items():
            lines += [f"[{name}]", *(f"{_text(key)} = {_text(value)}" for key, value in sorted(table.items())), ""]
        return "\n".join(lines)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # but for DEL, TOML's basic strings are those of JSON


def read(openapi: Path) -> Lock:
    """Return the lock in the folder; an empty one if there is none."""
    try:
        data = tomllib.loads((openapi / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Lock()
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{NAME}: {error}") from error
    return Lock(data.get("tools", {}), data.get("sources", {}), data.get("inputs", {}), data.get("stock", {}))


def digest(content: bytes) -> str:
    """Return the sha256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def digests(openapi: Path, instead: Mapping[str, bytes] | None = None) -> dict[str, str]:
    """Return the sha256 of every file in the folder; `instead` replaces or adds contents."""
    found = {
        path.relative_to(openapi).as_posix(): path.read_bytes()
        for path in openapi.rglob("*")
        if path.is_file() and path.name != NAME and "__pycache__" not in path.parts
    }
    return {name: digest(content) for name, content in sorted({**found, **(instead or {})}.items())}


def require_tools(lock: Lock, installed: Mapping[str, str], stock: Mapping[str, str]) -> None:
    """Raise SpecError if generator or formatter is not the locked version, which writes other bytes."""
    wrong = [
        f"{name} {installed.get(name)} is installed, but {NAME} has {wanted}; run scripts/setup"
        for name, wanted in lock.tools.items()
        if installed.get(name) != wanted
    ]
    wrong += [f"the generator's own template changed: {name}" for name in moved(lock, stock)]
    if wrong:
        raise SpecError("\n  ".join(wrong))


def moved(lock: Lock, stock: Mapping[str, str]) -> list[str]:
    """Return the generator's own templates that changed since ours were written."""
    return sorted(name for name in {*lock.stock, *stock} if lock.stock and lock.stock.get(name) != stock.get(name))
